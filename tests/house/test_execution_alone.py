"""The executor could be lifted out as a library: it stands on the standard library and graphql-core alone."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "benegraph.execution"
ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src" / PACKAGE.replace(".", "/")
TESTS = ROOT / "tests/execution"
ALLOWED = {*sys.stdlib_module_names, "graphql"}


def imported(module: ast.Module) -> Iterator[str]:
    """Name all that a module imports, wherever in it that stands."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are written out"
            assert node.module is not None
            # Of a package, what is taken from it may be a module.
            yield from (f"{node.module}.{each.name}" for each in node.names)


def is_allowed(name: str) -> bool:
    return name.split(".", 1)[0] in ALLOWED or f"{name}.".startswith(f"{PACKAGE}.")


def imports_of(directory: Path) -> set[str]:
    """Tell what the modules of a directory import: `steps.py: benegraph.execution.plans.Fetch`."""
    return {
        f"{path.name}: {name}"
        for path in directory.rglob("*.py")
        for name in imported(ast.parse(path.read_text(encoding="utf-8")))
    }


def test_the_executor_imports_graphql_core_and_nothing_else_of_ours_or_others() -> None:
    imports = imports_of(SOURCES)
    assert {each for each in imports if not is_allowed(each.split(": ")[1])} == set()
    assert any(": graphql." in each for each in imports)
    assert any(f": {PACKAGE}." in each for each in imports)


def test_its_tests_need_nothing_else_of_ours() -> None:
    ours = {each for each in imports_of(TESTS) if each.split(": ")[1].startswith("benegraph")}
    assert ours
    assert {each for each in ours if not is_allowed(each.split(": ")[1])} == set()


def test_what_is_not_allowed_is_found() -> None:
    text = """
import json, asyncpg
from benegraph import execution
from benegraph.execution.plans import Plan
from benegraph.domain.errors import BenegraphError
from benegraph import domain
def later():
    import strawberry.types
"""
    found = [name for name in imported(ast.parse(text)) if not is_allowed(name)]
    assert found == [
        "asyncpg",
        "benegraph.domain.errors.BenegraphError",
        "benegraph.domain",
        "strawberry.types",
    ]
