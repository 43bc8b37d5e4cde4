"""`schema.graphql` follows the rules of graphql-eslint, and graphql-inspector finds no breaking change in it."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from nodejs import HERE, ROOT, SCHEMA, needs_node, node_with_packages

pytestmark = [pytest.mark.conformance, needs_node]

#: Fields whose names begin with the name of their type, each with its reason.
EXEMPT = {
    'Field "carrierPlanId" starts with the name of the parent type "CarrierPlan"',  # the carrier's code, beside the ID
    'Field "planYear" starts with the name of the parent type "Plan"',  # a plan year does not belong to a plan
    'Field "subscriberId" starts with the name of the parent type "Subscriber"',  # the carrier's number, beside the ID
}


def lint(schema: Path) -> list[dict[str, Any]]:
    """Return the messages of graphql-eslint."""
    options = ("--config", str(HERE / "eslint.config.js"), "--format", "json", "--no-ignore", schema.name)
    result = node_with_packages().run("eslint", *options, cwd=schema.parent, SCHEMA=str(schema))
    assert result.returncode in {0, 1}, result.stdout + result.stderr
    (file,) = json.loads(result.stdout)
    messages: list[dict[str, Any]] = file["messages"]
    return messages


def compare(old: Path, new: Path) -> subprocess.CompletedProcess[str]:
    """Compare two schemas with graphql-inspector; it exits with 1 if a change breaks clients."""
    return node_with_packages().run("graphql-inspector", "diff", str(old), str(new))


def write_changed_schema(directory: Path, pattern: str, new: str) -> Path:
    """Write the schema with the first match of a pattern replaced."""
    text, count = re.subn(pattern, lambda _: new, SCHEMA.read_text(encoding="utf-8"), count=1)
    assert count == 1
    path = directory / "changed.graphql"
    path.write_text(text, encoding="utf-8")
    return path


def test_schema_follows_the_rules(tmp_path: Path) -> None:
    messages = lint(Path(shutil.copy(SCHEMA, tmp_path)))
    assert [message for message in messages if message["message"] not in EXEMPT] == []
    assert {message["message"] for message in messages} == EXEMPT


@pytest.mark.parametrize(
    ("pattern", "new", "rule"),
    [
        (r'  """[^"]*"""\n(?=  issuedOn: Date!\n)', "", "require-description"),
        (r"  dependents: \[Dependent!\]!\n", "  get_dependents: [Dependent!]!\n", "naming-convention"),
        ("  pageInfo: PageInfo!\n", "  page: PageInfo!\n", "relay-connection-types"),
        ("  cursor: String!\n", "  cursor: PageInfo!\n", "relay-edge-types"),
    ],
    ids=["description", "name", "connection", "edge"],
)
def test_rules_report_a_violation(pattern: str, new: str, rule: str, tmp_path: Path) -> None:
    assert f"@graphql-eslint/{rule}" in {
        message["ruleId"] for message in lint(write_changed_schema(tmp_path, pattern, new))
    }


def test_schema_has_no_breaking_change_since_the_previous_commit(tmp_path: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is missing")
    command = [git, "show", "HEAD^:schema.graphql"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
    if shown.returncode:
        pytest.skip(f"the previous commit has no schema: {shown.stderr.strip()}")
    before = tmp_path / "before.graphql"
    before.write_text(shown.stdout, encoding="utf-8")
    result = compare(before, SCHEMA)
    assert result.returncode == 0, result.stdout + result.stderr


def test_comparison_reports_a_removal_and_accepts_an_addition(tmp_path: Path) -> None:
    field = "  issuedOn: Date!\n"
    added = compare(
        SCHEMA, write_changed_schema(tmp_path, field, f'{field}\n  """The same again."""\n  givenOn: Date!\n')
    )
    assert added.returncode == 0, added.stdout + added.stderr
    assert "givenOn was added" in added.stdout
    broken = compare(SCHEMA, write_changed_schema(tmp_path, field, "  givenOn: Date!\n"))
    assert broken.returncode == 1
    assert "issuedOn was removed" in broken.stdout + broken.stderr
