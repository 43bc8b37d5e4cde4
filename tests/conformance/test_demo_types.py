"""The demo app's generated types equal those of `schema.graphql`, and the app passes the TypeScript compiler."""

from pathlib import Path

import pytest
from demo_types import DEMO_APP, check_types, copy_demo_app, generate_types
from nodejs import needs_node, node_with_packages

pytestmark = [pytest.mark.conformance, needs_node]


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """Return a copy of the app."""
    node_with_packages()
    return copy_demo_app(tmp_path)


def generated_files(application: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in (application / "generated").iterdir()}


def test_generated_types_equal_those_of_the_schema(application: Path) -> None:
    for path in (application / "generated").iterdir():
        path.write_text("", encoding="utf-8")
    result = generate_types(application)
    assert result.returncode == 0, result.stdout + result.stderr
    assert generated_files(application) == generated_files(DEMO_APP), "run `python tests/conformance/demo_types.py`"


def test_app_passes_the_strict_type_check(application: Path) -> None:
    result = check_types(application)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_type_check_rejects_a_field_that_no_operation_selects(application: Path) -> None:
    page = application / "maya/page.tsx"
    page.write_text(page.read_text(encoding="utf-8").replace(".firstName", ".firstNames"), encoding="utf-8")
    result = check_types(application)
    assert result.returncode != 0
    assert "firstNames" in result.stdout
