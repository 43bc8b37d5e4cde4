"""The output on a terminal: the first sign of life, the spinner, and the log of a gateway that serves requests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateways import Gateway, minimal_environment, wait_until

#: Packages whose imports take long.
GATEWAY_PACKAGES = {"sqlalchemy", "strawberry", "graphql", "aiohttp", "alembic", "asyncpg"}
LIST_IMPORTS = """
import sys
from benegraph.__main__ import main
try:
    main()
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""
#: Exits with code 7 in place of the import of one of the packages in the first argument. It first waits for the
#: spinner, which another thread draws.
STOP_AT_IMPORT = """
import importlib.util, os, sys, time
packages = sys.argv.pop(1).split()
class Stop:
    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name in packages else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        time.sleep(1.5)
        os._exit(7)
sys.meta_path.insert(0, Stop())
from benegraph.__main__ import main
main()
"""


class Terminal:
    """A pseudo-terminal, and what a process has written to it."""

    def __init__(self) -> None:
        self._controller, self.file = os.openpty()
        os.set_blocking(self._controller, False)
        self._output = b""

    @property
    def output(self) -> str:
        try:
            while data := os.read(self._controller, 65_536):
                self._output += data
        except OSError:  # nothing more at the moment
            pass
        return self._output.decode(errors="replace")

    def close(self) -> None:
        os.close(self.file)
        os.close(self._controller)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


def run_until_import(packages: set[str], stderr: int, *arguments: str) -> int:
    command = [sys.executable, "-c", STOP_AT_IMPORT, " ".join(packages), *arguments]
    environment = minimal_environment() | {"TERM": "xterm"}
    return subprocess.run(command, env=environment, stdout=stderr, stderr=stderr, check=False).returncode  # noqa: S603 - constants


def test_serve_writes_to_a_terminal_before_any_package_is_imported(terminal: Terminal) -> None:
    assert run_until_import({"typer", "rich"}, terminal.file, "serve", "--demo") == 7
    assert terminal.output == "  Starting …\r"


def test_the_spinner_starts_before_the_gateway_is_imported(terminal: Terminal) -> None:
    assert run_until_import(GATEWAY_PACKAGES, terminal.file, "serve", "--demo") == 7
    written = terminal.output.removeprefix("  Starting …\r")
    assert "⠋" in written
    assert " Starting …" in written


@pytest.mark.parametrize("arguments", [["serve", "--help"], ["keys", "list", "--help"], ["--help"]])
def test_help_writes_no_sign_of_life(terminal: Terminal, arguments: list[str]) -> None:
    assert run_until_import(GATEWAY_PACKAGES, terminal.file, *arguments) == 0
    assert terminal.output.startswith("Usage: benegraph")
    assert "Starting" not in terminal.output


def test_serve_writes_no_sign_of_life_to_a_file(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        assert run_until_import(GATEWAY_PACKAGES, log.fileno(), "serve", "--demo") == 7
    assert (tmp_path / "log").read_bytes() == b""


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["keys", "issue", "--help"], ["--version"]])
def test_help_and_version_import_neither_the_gateway_nor_rich(arguments: list[str]) -> None:
    command = [sys.executable, "-c", LIST_IMPORTS, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - constants
    assert result.returncode == 0
    assert result.stdout
    imported = set(result.stderr.split())
    assert "typer" in imported
    assert imported & (GATEWAY_PACKAGES | {"rich", "pygments", "orjson"}) == set()


# --------------------------------------------------------------------------------------------------- the access log


@contextmanager
def serve_on(terminal: Terminal, directory: Path, database_url: str, **environment: str) -> Iterator[Gateway]:
    """Run a gateway whose log is on a terminal; its standard output is a file, to read the port from."""
    variables = minimal_environment() | {"DATABASE_URL": database_url, "TERM": "xterm"} | environment
    with (directory / "stdout").open("wb") as stdout:
        process = subprocess.Popen(
            [sys.executable, "-m", "benegraph", "serve", "--port", "0"],
            env=variables,
            stdout=stdout,
            stderr=terminal.file,
        )
    (directory / "log").touch()
    gateway = Gateway(process, directory)
    try:
        wait_until(lambda: "http://" in gateway.stdout or process.poll() is not None, gateway)
        assert process.poll() is None, terminal.output
        yield gateway
    finally:
        process.terminate()
        process.wait(60)


def test_a_terminal_shows_failed_requests_only(terminal: Terminal, tmp_path: Path, database_url: str) -> None:
    with serve_on(terminal, tmp_path, database_url) as gateway:
        assert [gateway.get_status(path) for path in ("/livez", "/readyz", "/graphql", "/livez")] == [
            200,
            200,
            401,
            200,
        ]
        wait_until(lambda: "GET /graphql 401" in terminal.output, gateway)
        assert terminal.output.count("aiohttp.access") == 1


@pytest.mark.parametrize(("value", "shown"), [("all", True), ("errors", False)])
def test_a_setting_chooses_the_requests_that_are_logged(
    terminal: Terminal, tmp_path: Path, database_url: str, value: str, *, shown: bool
) -> None:
    with serve_on(terminal, tmp_path, database_url, BENEGRAPH_ACCESS_LOG=value) as gateway:
        assert [gateway.get_status(path) for path in ("/livez", "/graphql")] == [200, 401]
        wait_until(lambda: "GET /graphql 401" in terminal.output, gateway)
        assert ("GET /livez 200" in terminal.output) == shown
