"""The executor depends on the standard library and graphql-core only, so it could become a library."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "benegraph.execution"
ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src" / PACKAGE.replace(".", "/")
TESTS = ROOT / "tests/execution"
ALLOWED = {*sys.stdlib_module_names, "graphql"}


def imported_names(module: ast.Module) -> Iterator[str]:
    """Yield the names that a module imports, at any depth."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports are not supported"
            assert node.module is not None
            # A name imported from a package may be a module.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_allowed(name: str) -> bool:
    return name.split(".", 1)[0] in ALLOWED or f"{name}.".startswith(f"{PACKAGE}.")


def imports_of(directory: Path) -> set[str]:
    """Return the imports of all modules in a directory, such as `steps.py: benegraph.execution.plan.host.Reader`."""
    return {
        f"{path.name}: {name}"
        for path in directory.rglob("*.py")
        for name in imported_names(ast.parse(path.read_text(encoding="utf-8")))
    }


def test_executor_imports_graphql_core_only() -> None:
    imports = imports_of(SOURCES)
    assert {each for each in imports if not is_allowed(each.split(": ")[1])} == set()
    assert any(": graphql." in each for each in imports)
    assert any(f": {PACKAGE}." in each for each in imports)


def test_executor_tests_import_no_other_package_of_benegraph() -> None:
    own_imports = {each for each in imports_of(TESTS) if each.split(": ")[1].startswith("benegraph")}
    assert own_imports
    assert {each for each in own_imports if not is_allowed(each.split(": ")[1])} == set()


def test_import_check_reports_forbidden_imports() -> None:
    source = """
import json, asyncpg
from benegraph import execution
from benegraph.execution.plan.operation import OperationPlan
from benegraph.domain.errors import BenegraphError
from benegraph import domain
def later():
    import strawberry.types
"""
    forbidden = [name for name in imported_names(ast.parse(source)) if not is_allowed(name)]
    assert forbidden == [
        "asyncpg",
        "benegraph.domain.errors.BenegraphError",
        "benegraph.domain",
        "strawberry.types",
    ]
