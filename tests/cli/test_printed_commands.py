"""The commands that benegraph prints, pasted into a shell as they are; and the program with which they begin."""

import asyncio
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from benegraph.cli.invocation import Invocation
from gateways import Gateway, minimal_environment, reachable_directory, run_gateway

SCRIPT = Path(sysconfig.get_path("scripts"), "benegraph")
KEY = re.compile(r"bgk_[A-Za-z0-9_-]{43}\n")


@pytest.fixture
def directory() -> Iterator[Path]:
    with reachable_directory() as directory:
        (directory / "my data").mkdir()
        yield directory


def paste(line: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line in a POSIX shell, in another directory than the one in which it was printed."""
    shell = shutil.which("sh")
    assert shell is not None
    return subprocess.run(  # noqa: S603 - the printed command
        [shell, "-c", line],
        cwd=directory,
        env=minimal_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def check_issued_key(gateway: Gateway, line: str, **environment: str) -> None:
    issued = paste(line, gateway.directory, **environment)
    assert (issued.returncode, KEY.fullmatch(issued.stdout) is not None) == (0, True), issued.stderr
    viewer = gateway.post_query("{ viewer { role tenant } }", issued.stdout.strip())["data"]["viewer"]
    assert viewer == {"role": "ADMINISTRATOR", "tenant": "acme"}


def test_the_command_for_a_first_key_uses_the_same_data_directory(directory: Path) -> None:
    data_dir = directory / "my data"
    with run_gateway(directory, "--data-dir", str(data_dir), until="keys issue") as gateway:
        line = gateway.stdout.splitlines()[-1]
        assert line == (
            f"{sys.executable} -m benegraph keys issue --tenant acme --create-tenant Acme --role administrator"
            f" --data-dir '{data_dir}'"
        )
        check_issued_key(gateway, line)
        assert gateway.stop() == 0


@pytest.mark.parametrize("on_path", [True, False])
def test_the_command_for_a_first_key_uses_the_default_data_directory(directory: Path, *, on_path: bool) -> None:
    path = f"{SCRIPT.parent}:/usr/bin:/bin" if on_path else "/usr/bin:/bin"
    environment = {"XDG_DATA_HOME": str(directory / "my data"), "PATH": path}
    program = ["benegraph" if on_path else str(SCRIPT)]
    found = [str(SCRIPT)] if on_path else program
    with run_gateway(directory, until="keys issue", program=found, **environment) as gateway:
        line = gateway.stdout.splitlines()[-1]
        assert line == f"{program[0]} keys issue --tenant acme --create-tenant Acme --role administrator"
        check_issued_key(gateway, line, **environment)
        listed = paste(f"{program[0]} keys list --tenant acme", directory, **environment)
        assert listed.stdout.count("akey_") == 1
        assert gateway.stop() == 0


async def test_the_command_after_seeding_uses_the_database_at_the_url(database_url: str, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": database_url, "XDG_DATA_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = f"{SCRIPT} seed --tenant load --employees 12"
    seeded = await asyncio.to_thread(paste, command, tmp_path, **environment)
    line = seeded.stderr.splitlines()[-1]
    assert line == f"{SCRIPT} keys issue --tenant load --role administrator"
    issued = await asyncio.to_thread(paste, line, tmp_path, **environment)
    assert KEY.fullmatch(issued.stdout), issued.stderr
    # No embedded database was made.
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_requests_of_the_demo_can_be_pasted(directory: Path) -> None:
    environment = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}  # for other commands; the demo ignores it
    data_dir = directory / "my data"
    with run_gateway(directory, "--demo", "--data-dir", str(data_dir), until="Ctrl-C", **environment) as gateway:
        query, election = (line for line in gateway.stdout.splitlines() if line.startswith("curl "))
        assert '"firstName":"Maya"' in paste(query, directory).stdout
        answer = paste(election, directory).stdout
        assert '"status":"ENROLLED"' in answer
        assert '"userErrors":[]' in answer
        assert gateway.stop() == 0


# ---------------------------------------------------------------------------------------------------- the program


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with a virtual environment, and next to it directories of programs."""
    for name in (".venv/bin/benegraph", "bin/benegraph", "uv-bin/uv"):
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_text("#!/bin/sh\n", encoding="utf-8")
        file.chmod(0o755)
    (tmp_path / "sub dir").mkdir()
    return tmp_path


def invocation(program: str, search_path: list[Path], project: Path, *, by_uv: bool = False) -> Invocation:
    path = ":".join(map(str, search_path))
    return Invocation(Path(program), sys.executable, project / ".venv", project / "sub dir", path, by_uv=by_uv)


def test_a_program_on_the_search_path_is_printed_by_name(project: Path) -> None:
    program, search_path = str(project / "bin/benegraph"), [project / "bin", project / ".venv/bin"]
    assert invocation(program, search_path, project).command("migrate") == "benegraph migrate"


def test_another_program_on_the_search_path_is_not_printed(project: Path) -> None:
    program = str(project / ".venv/bin/benegraph")
    for search_path in ([project / "bin", project / ".venv/bin"], []):
        assert invocation(program, search_path, project).command("migrate") == f"{program} migrate"


def test_a_program_that_uv_runs_is_printed_with_uv(project: Path) -> None:
    program, search_path = str(project / ".venv/bin/benegraph"), [project / ".venv/bin", project / "uv-bin"]
    assert invocation(program, search_path, project, by_uv=True).command("migrate") == "uv run benegraph migrate"


def test_a_program_that_uv_runs_from_elsewhere_is_printed_with_its_path(project: Path) -> None:
    program, in_project = str(project / ".venv/bin/benegraph"), project / ".venv/bin"
    # Without uv on the shell's search path, and from another directory than the project's.
    assert invocation(program, [in_project], project, by_uv=True).command("migrate") == f"{program} migrate"
    elsewhere = Invocation(
        Path(program), sys.executable, project / ".venv", Path("/"), f"{in_project}:{project / 'uv-bin'}", by_uv=True
    )
    assert elsewhere.command("migrate") == f"{program} migrate"


def test_a_module_is_printed_with_its_python(project: Path) -> None:
    module = invocation(str(project / "benegraph/__main__.py"), [], project)
    assert module.command("keys", "list") == f"{sys.executable} -m benegraph keys list"


def test_the_data_directory_is_printed_with_its_full_path(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    command = invocation("/opt/my tools/benegraph", [], project).command("migrate", data_dir=Path("sub dir"))
    assert command == f"'/opt/my tools/benegraph' migrate --data-dir '{project / 'sub dir'}'"
