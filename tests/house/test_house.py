"""The rules of the house that nothing else holds: imports, where SQL and clocks may stand, how long a file gets."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src/benegraph"
LONGEST = 500


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCES.rglob("*.py")):
        yield path.relative_to(SOURCES).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def places(holds: Callable[[ast.Call], bool], *allowed: str) -> list[str]:
    """Give where a kind of call stands, but for the paths that begin with an allowed one."""
    return [
        f"{name}:{call.lineno}"
        for name, module in modules()
        if not name.startswith(allowed)
        for call in ast.walk(module)
        if isinstance(call, ast.Call) and holds(call)
    ]


def calls(*names: str) -> Callable[[ast.Call], bool]:
    """Tell a call by how its function ends: `select`, or `datetime.now`."""
    return lambda call: any(f".{ast.unparse(call.func)}".endswith(f".{name}") for name in names)


def run(*command: str) -> None:
    """Run a tool as a developer does; what it finds is the failure's message."""
    done = subprocess.run([*command], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    assert done.returncode == 0, done.stdout + done.stderr


def test_imports_only_go_down() -> None:
    run(str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache")


def test_only_sessions_commit() -> None:
    # Alembic brings its own connection, and no session.
    assert places(calls("commit"), "db/session.py", "db/migrations/") == []
    assert len(places(calls("commit"), "db/migrations/")) == 1


def test_only_stores_select() -> None:
    assert places(calls("select"), "db/store/", "db/query_compiler/") == []
    assert places(calls("select"))


def test_only_the_edges_read_the_clock() -> None:
    reads = calls("date.today", "datetime.today", "datetime.now", "datetime.utcnow", "time.time")
    assert places(reads, "web/", "cli/") == []
    assert places(reads)


@pytest.mark.parametrize("name", [name for name, _ in modules()])
def test_a_room_that_outgrows_its_file_becomes_a_package(name: str) -> None:
    assert len((SOURCES / name).read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_every_package_says_what_belongs_in_it() -> None:
    assert [name for name, module in modules() if ast.get_docstring(module) is None] == []


def test_the_top_level_holds_what_it_should() -> None:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--directory", "--no-empty-directory"],  # noqa: S607 - the developer's git
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if names.returncode:
        pytest.skip("no git here: these sources are a copy")
    top = {name.split("/")[0] for name in names.stdout.splitlines()}
    allowed = {"pyproject.toml", "README.md", "src", "schema.graphql", "tests", "Dockerfile"}
    assert {name for name in top if not name.startswith(".")} <= allowed
    assert "uv.lock" not in top


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_ruff_finds_nothing(command: list[str]) -> None:
    run(str(Path(sys.executable).with_name("ruff")), *command, "--quiet")


def test_mypy_finds_nothing() -> None:
    run(sys.executable, "-m", "mypy", "--no-error-summary")
