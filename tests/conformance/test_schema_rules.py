"""`schema.graphql` before those who judge schemas: graphql-eslint its shape, graphql-inspector what changed of it."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from nodejs import HERE, ROOT, SCHEMA, installed, needs_node

pytestmark = [pytest.mark.conformance, needs_node]

#: Names that begin with their type's, each because the field knows it so.
EXEMPT = {
    'Field "carrierPlanId" starts with the name of the parent type "CarrierPlan"',  # the carrier's code, beside our id
    'Field "planYear" starts with the name of the parent type "Plan"',  # a plan year is no year of a plan
    'Field "subscriberId" starts with the name of the parent type "Subscriber"',  # the carrier's number, beside our id
}


def lint(schema: Path) -> list[dict[str, Any]]:
    """Give what graphql-eslint finds."""
    words = ("--config", str(HERE / "eslint.config.js"), "--format", "json", "--no-ignore", schema.name)
    done = installed().run("eslint", *words, within=schema.parent, SCHEMA=str(schema))
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    (file,) = json.loads(done.stdout)
    found: list[dict[str, Any]] = file["messages"]
    return found


def compare(old: Path, new: Path) -> subprocess.CompletedProcess[str]:
    """Have graphql-inspector tell two schemas apart; it fails where a change breaks clients."""
    return installed().run("graphql-inspector", "diff", str(old), str(new))


def changed(place: Path, was: str, now: str) -> Path:
    """Write the schema with one line changed."""
    text = SCHEMA.read_text(encoding="utf-8")
    assert was in text
    path = place / "changed.graphql"
    path.write_text(text.replace(was, now, 1), encoding="utf-8")
    return path


def test_the_schema_keeps_the_rules(tmp_path: Path) -> None:
    found = lint(Path(shutil.copy(SCHEMA, tmp_path)))
    assert [message for message in found if message["message"] not in EXEMPT] == []
    assert {message["message"] for message in found} == EXEMPT


@pytest.mark.parametrize(
    ("was", "now", "rule"),
    [
        ('  """When it was issued."""\n', "", "require-description"),
        ("  dependents: [Dependent!]!\n", "  get_dependents: [Dependent!]!\n", "naming-convention"),
        ("  pageInfo: PageInfo!\n", "  page: PageInfo!\n", "relay-connection-types"),
        ("  cursor: String!\n", "  cursor: PageInfo!\n", "relay-edge-types"),
    ],
    ids=["description", "name", "connection", "edge"],
)
def test_the_rules_would_notice(was: str, now: str, rule: str, tmp_path: Path) -> None:
    assert f"@graphql-eslint/{rule}" in {message["ruleId"] for message in lint(changed(tmp_path, was, now))}


def test_nothing_breaks_since_the_commit_before(tmp_path: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("there is no git here")
    words = [git, "show", "HEAD^:schema.graphql"]
    shown = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if shown.returncode:
        pytest.skip(f"there is no schema of the commit before: {shown.stderr.strip()}")
    before = tmp_path / "before.graphql"
    before.write_text(shown.stdout, encoding="utf-8")
    done = compare(before, SCHEMA)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_comparison_would_notice_a_break_and_lets_an_addition_pass(tmp_path: Path) -> None:
    field = "  issuedOn: Date!\n"
    added = compare(SCHEMA, changed(tmp_path, field, f'{field}\n  """The same again."""\n  givenOn: Date!\n'))
    assert added.returncode == 0, added.stdout + added.stderr
    assert "givenOn was added" in added.stdout
    broken = compare(SCHEMA, changed(tmp_path, field, "  givenOn: Date!\n"))
    assert broken.returncode == 1
    assert "issuedOn was removed" in broken.stdout + broken.stderr
