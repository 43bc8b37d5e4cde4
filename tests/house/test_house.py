"""Rules of the code base: imports, the locations of SQL and of clocks, the length of files, lint and types."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src/benegraph"
MAX_LINES = 500


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCES.rglob("*.py")):
        yield path.relative_to(SOURCES).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def locations(matches: Callable[[ast.Call], bool], *allowed: str) -> list[str]:
    """Return the locations of matching calls, except in paths that begin with an allowed prefix."""
    return [
        f"{name}:{call.lineno}"
        for name, module in modules()
        if not name.startswith(allowed)
        for call in ast.walk(module)
        if isinstance(call, ast.Call) and matches(call)
    ]


def calls(*names: str) -> Callable[[ast.Call], bool]:
    """Return a predicate for calls of functions with these endings, such as `select` or `datetime.now`."""
    return lambda call: any(f".{ast.unparse(call.func)}".endswith(f".{name}") for name in names)


def run(*command: str) -> None:
    """Run a tool; on failure its output is the message of the assertion."""
    result = subprocess.run([*command], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
    assert result.returncode == 0, result.stdout + result.stderr


def test_imports_follow_the_contracts() -> None:
    run(str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache")


def test_commits_occur_in_sessions_only() -> None:
    # Alembic uses its own connection, without a session.
    assert locations(calls("commit", "_commit"), "db/session.py", "db/migrations/") == []
    assert len(locations(calls("commit", "_commit"), "db/migrations/")) == 1


def test_savepoints_are_set_in_sessions_only() -> None:
    """The outcome of a COMMIT is found by the transaction's first event, which a rolled back savepoint takes away."""
    assert locations(calls("begin_nested")) == []
    statements = {
        name
        for name, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and "SAVEPOINT " in str(node.value)
    }
    assert statements == {"db/session.py"}


def test_select_statements_are_built_in_the_store_only() -> None:
    assert locations(calls("select"), "db/store/", "db/query_compiler/") == []
    assert locations(calls("select"))


def test_system_clock_is_read_in_web_and_cli_only() -> None:
    reads = calls("date.today", "datetime.today", "datetime.now", "datetime.utcnow", "time.time")
    assert locations(reads, "web/", "cli/") == []
    assert locations(reads)


@pytest.mark.parametrize("name", [name for name, _ in modules()])
def test_modules_stay_within_the_maximum_length(name: str) -> None:
    assert len((SOURCES / name).read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_every_module_has_a_docstring() -> None:
    assert [name for name, module in modules() if ast.get_docstring(module) is None] == []


def test_top_level_contains_the_expected_files() -> None:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--directory", "--no-empty-directory"],  # noqa: S607 - git from the PATH
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode:
        pytest.skip("not a git repository")
    top = {name.split("/")[0] for name in listing.stdout.splitlines()}
    allowed = {"pyproject.toml", "README.md", "src", "schema.graphql", "tests", "Dockerfile"}
    assert {name for name in top if not name.startswith(".")} <= allowed
    assert "uv.lock" not in top


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_ruff_reports_nothing(command: list[str]) -> None:
    run(str(Path(sys.executable).with_name("ruff")), *command, "--quiet")


def test_mypy_reports_nothing() -> None:
    run(sys.executable, "-m", "mypy", "--no-error-summary")
