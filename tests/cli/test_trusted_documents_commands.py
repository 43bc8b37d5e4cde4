"""`documents`: manifests of three tools are loaded completely, or refused with a reason."""

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


def call(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["documents", *arguments], env={"DATABASE_URL": url, "MIGRATION_DATABASE_URL": None})


def trusted_ids(url: str) -> list[str]:
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
def test_load_accepts_the_manifests_of_all_tools(
    database_url: str, manifest: Path, content: Any, expected: list[str]
) -> None:
    manifest.write_text(json.dumps(content))
    result = call(database_url, "load", str(manifest))
    assert (result.exit_code, result.stdout) == (0, f"Trusted documents loaded: {len(expected)}.\n"), result.output
    assert trusted_ids(database_url) == expected
    again = call(database_url, "load", str(manifest))
    assert again.exit_code == 0
    assert trusted_ids(database_url) == expected


def test_manifests_accumulate_without_instead(database_url: str, tmp_path: Path) -> None:
    for name, text in (("a", ROLE), ("b", TENANT)):
        (tmp_path / name).write_text(json.dumps({name: text}))
    call(database_url, "load", str(tmp_path / "a"))
    call(database_url, "load", str(tmp_path / "b"))
    assert trusted_ids(database_url) == ["a", "b"]
    result = call(database_url, "load", "--instead", str(tmp_path / "b"))
    assert result.stdout == "Trusted documents loaded: 1; all others were removed.\n"
    assert trusted_ids(database_url) == ["b"]
    assert call(database_url, "load", str(tmp_path / "a"), str(tmp_path / "b")).exit_code == 0
    assert trusted_ids(database_url) == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("no json", "is not valid JSON."),
        ("[]", "is not a manifest: expected a JSON object of documents by ID, or Apollo's manifest format."),
        ('{"a": 7}', "is not a manifest: expected a JSON object of documents by ID, or Apollo's manifest format."),
        (
            '{"format": "apollo-persisted-query-manifest", "operations": 7}',
            "is not a manifest: expected a JSON object of documents by ID, or Apollo's manifest format.",
        ),
        (
            '{"format": "apollo-persisted-query-manifest", "operations": [{"id": "a"}]}',
            "is not a manifest: expected a JSON object of documents by ID, or Apollo's manifest format.",
        ),
        ('{"": "{ viewer { role } }"}', "an ID must have 1 to 255 visible ASCII characters."),
        ('{"a b": "{ viewer { role } }"}', "an ID must have 1 to 255 visible ASCII characters."),
        (json.dumps({"sha256:" + "0" * 64: ROLE}), "is not the SHA-256 hash of its document."),
        (json.dumps({"0" * 64: ROLE}), "is not the SHA-256 hash of its document."),
    ],
)
def test_an_invalid_manifest_is_reported_in_one_line(
    database_url: str, manifest: Path, content: str, reason: str
) -> None:
    manifest.write_text(content)
    result = call(database_url, "load", str(manifest))
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"benegraph: {manifest}")
    assert line.endswith(reason)
    assert trusted_ids(database_url) == []


def test_invalid_documents_are_reported_and_none_is_loaded(database_url: str, manifest: Path) -> None:
    manifest.write_text(json.dumps({"good": ROLE, "old": "{ viewer { salary } }", "cut": "{ viewer {"}))
    result = call(database_url, "load", str(manifest))
    assert (result.exit_code, result.stdout) == (1, "")
    old, cut, summary = sorted(result.stderr.splitlines(), key=lambda line: ("old:" not in line, "cut:" not in line))
    assert old == "old: Cannot query field 'salary' on type 'Viewer'."
    assert cut.startswith("cut: Syntax Error")
    assert summary == "benegraph: 2 of 3 documents are invalid in this schema; no document was loaded."
    assert trusted_ids(database_url) == []


def test_one_id_for_two_documents_is_refused(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(json.dumps({"id": ROLE}))
    (tmp_path / "b").write_text(json.dumps({"id": TENANT}))
    result = call(database_url, "load", str(tmp_path / "a"), str(tmp_path / "b"))
    assert result.exit_code == 1
    assert result.stderr == f"benegraph: {tmp_path / 'b'}: another manifest has a different document with the ID id.\n"
    assert trusted_ids(database_url) == []


def test_documents_are_removed_by_their_ids(database_url: str, manifest: Path) -> None:
    manifest.write_text(json.dumps({"a": ROLE, "b": TENANT, "c": ROLE}))
    call(database_url, "load", str(manifest))
    result = call(database_url, "remove", "a", "c")
    assert result.exit_code == 0
    assert result.stdout == "Trusted documents removed: 2. Running gateways refuse them within a minute.\n"
    assert trusted_ids(database_url) == ["b"]
    missing = call(database_url, "remove", "b", "z")
    assert missing.exit_code == 1
    assert missing.stderr == "benegraph: Trusted documents removed: 1 of 2; the others were not trusted.\n"
    assert trusted_ids(database_url) == []
