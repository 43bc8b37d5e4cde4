"""`documents`: manifests as three tools write them are trusted whole, or refused with the reason and nothing loaded."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from benegraph.cli import app
from benegraph.graphql.engine.documents import compute_digest

ROLE = "query Role { viewer { role } }"
TENANT = "query Tenant {\n  viewer {\n    tenant\n  }\n}"
HASHED = {f"sha256:{compute_digest(ROLE)}": ROLE, compute_digest(TENANT): TENANT}


def call(url: str, *words: str) -> Result:
    return CliRunner().invoke(app, ["documents", *words], env={"DATABASE_URL": url, "MIGRATION_DATABASE_URL": None})


def ids(url: str) -> list[str]:
    listed = call(url, "list")
    assert listed.exit_code == 0, listed.output
    return [line.split()[0] for line in listed.stdout.splitlines()]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return tmp_path / "manifest.json"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"5eb63bbbe01eeed093cb22bb8f5acdc3": ROLE, "b": TENANT}, ["5eb63bbbe01eeed093cb22bb8f5acdc3", "b"]),
        (HASHED, sorted(HASHED)),
        (
            {
                "format": "apollo-persisted-query-manifest",
                "version": 1,
                "operations": [{"id": "one", "body": ROLE, "name": "Role", "type": "query"}],
            },
            ["one"],
        ),
        ({}, []),
    ],
    ids=["relay-compiler", "graphql-codegen", "Apollo", "empty"],
)
def test_a_manifest_is_trusted_as_its_tool_writes_it(
    database_url: str, manifest: Path, content: Any, expected: list[str]
) -> None:
    manifest.write_text(json.dumps(content))
    done = call(database_url, "load", str(manifest))
    assert (done.exit_code, done.stdout) == (0, f"{len(expected)} documents are trusted.\n"), done.output
    assert ids(database_url) == expected
    again = call(database_url, "load", str(manifest))
    assert again.exit_code == 0
    assert ids(database_url) == expected


def test_manifests_add_up_unless_they_stand_instead(database_url: str, tmp_path: Path) -> None:
    for name, text in (("a", ROLE), ("b", TENANT)):
        (tmp_path / name).write_text(json.dumps({name: text}))
    call(database_url, "load", str(tmp_path / "a"))
    call(database_url, "load", str(tmp_path / "b"))
    assert ids(database_url) == ["a", "b"]
    done = call(database_url, "load", "--instead", str(tmp_path / "b"))
    assert done.stdout == "1 documents are trusted, and no others.\n"
    assert ids(database_url) == ["b"]
    assert call(database_url, "load", str(tmp_path / "a"), str(tmp_path / "b")).exit_code == 0
    assert ids(database_url) == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("no json", "is no JSON."),
        ("[]", "is no manifest"),
        ('{"a": 7}', "is no manifest"),
        ('{"format": "apollo-persisted-query-manifest", "operations": 7}', "is no manifest"),
        ('{"format": "apollo-persisted-query-manifest", "operations": [{"id": "a"}]}', "is no manifest"),
        ('{"": "{ viewer { role } }"}', "an id is 1 to 255"),
        ('{"a b": "{ viewer { role } }"}', "an id is 1 to 255"),
        (json.dumps({"sha256:" + "0" * 64: ROLE}), "is not the SHA-256 of its text"),
        (json.dumps({"0" * 64: ROLE}), "is not the SHA-256 of its text"),
    ],
)
def test_what_is_no_manifest_is_told_in_one_line(database_url: str, manifest: Path, content: str, reason: str) -> None:
    manifest.write_text(content)
    done = call(database_url, "load", str(manifest))
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert reason in line
    assert ids(database_url) == []


def test_documents_that_could_never_run_are_named_and_none_is_loaded(database_url: str, manifest: Path) -> None:
    manifest.write_text(json.dumps({"good": ROLE, "old": "{ viewer { salary } }", "cut": "{ viewer {"}))
    done = call(database_url, "load", str(manifest))
    assert (done.exit_code, done.stdout) == (1, "")
    old, cut, summary = sorted(done.stderr.splitlines(), key=lambda line: ("old:" not in line, "cut:" not in line))
    assert old == "old: Cannot query field 'salary' on type 'Viewer'."
    assert cut.startswith("cut: Syntax Error")
    assert summary == "benegraph: 2 of 3 documents can't run on this schema; none was loaded."
    assert ids(database_url) == []


def test_one_id_for_two_texts_is_refused(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(json.dumps({"id": ROLE}))
    (tmp_path / "b").write_text(json.dumps({"id": TENANT}))
    done = call(database_url, "load", str(tmp_path / "a"), str(tmp_path / "b"))
    assert done.exit_code == 1
    assert "stands in another manifest too" in done.stderr
    assert ids(database_url) == []


def test_documents_are_removed_by_their_ids(database_url: str, manifest: Path) -> None:
    manifest.write_text(json.dumps({"a": ROLE, "b": TENANT, "c": ROLE}))
    call(database_url, "load", str(manifest))
    done = call(database_url, "remove", "a", "c")
    assert done.exit_code == 0
    assert done.stdout.startswith("2 documents are trusted no more")
    assert ids(database_url) == ["b"]
    missing = call(database_url, "remove", "b", "z")
    assert missing.exit_code == 1
    assert "1 of these 2" in missing.stderr
    assert ids(database_url) == []
