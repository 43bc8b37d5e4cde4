"""relay-compiler and graphql-codegen compile the clients' operations against `schema.graphql` into manifests."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from compiling import codegen_manifest, create_application, relay_manifest, run_codegen, run_relay
from graphql import GraphQLSchema, build_schema, parse, validate
from nodejs import HERE, SCHEMA, needs_node

pytestmark = [pytest.mark.conformance, needs_node]

OPERATION = re.compile(r"^\s*(?:query|mutation) (\w+)", re.MULTILINE)
SHARED = set(OPERATION.findall((HERE / "operations/enrollments.js").read_text(encoding="utf-8")))
RELAY_ONLY = {"familyQuery", "familyPageQuery"}  # Relay generates the second, to fetch further pages


@pytest.fixture(scope="module")
def graph() -> GraphQLSchema:
    return build_schema(SCHEMA.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("compile_manifest", "operations", "prefix"),
    [(relay_manifest, SHARED | RELAY_ONLY, ""), (codegen_manifest, SHARED, "sha256:")],
    ids=["relay", "codegen"],
)
def test_manifest_holds_every_operation_by_its_hash(
    compile_manifest: Callable[[Path], Path], operations: set[str], prefix: str, graph: GraphQLSchema, tmp_path: Path
) -> None:
    texts: dict[str, str] = json.loads(compile_manifest(tmp_path).read_bytes())
    assert operations >= {"enrollmentsOfEmployeeQuery", "enrollmentsElectMutation"}
    assert {name for text in texts.values() for name in OPERATION.findall(text)} == operations
    assert {hash: prefix + hashlib.sha256(text.encode()).hexdigest() for hash, text in texts.items()} == {
        hash: hash for hash in texts
    }
    assert [validate(graph, parse(text)) for text in texts.values()] == [[]] * len(operations)


def test_relay_generates_a_module_for_each_operation(tmp_path: Path) -> None:
    texts = json.loads(relay_manifest(tmp_path).read_bytes())
    modules = {path.name.removesuffix(".graphql.js"): path.read_text() for path in (tmp_path / "relay").iterdir()}
    assert set(modules) == SHARED | RELAY_ONLY | {"family_page"}
    assert all(any(hash in module for module in modules.values()) for hash in texts)
    assert '"key": "family_page_enrollments"' in modules["familyPageQuery"]
    assert '"direction": "bidirectional"' in modules["family_page"]


def test_codegen_generates_types_for_each_operation(tmp_path: Path) -> None:
    codegen_manifest(tmp_path)
    types = (tmp_path / "codegen/graphql.ts").read_text(encoding="utf-8")
    for operation in SHARED:
        name = operation[0].upper() + operation[1:]
        assert f"export type {name}" in types, operation
        assert f"export const {name}Document" in types, operation
    assert "unknown" not in re.findall(r"type ElectInput = \{.*?\n\};", types, re.DOTALL)[0]


@pytest.mark.parametrize("compile_", [run_relay, run_codegen], ids=["relay", "codegen"])
def test_compiler_rejects_an_unknown_field(compile_: Callable[[Path], CompletedProcess[str]], tmp_path: Path) -> None:
    create_application(tmp_path)
    schema = tmp_path / "schema.graphql"
    text = schema.read_text(encoding="utf-8")
    assert "\n  selectedPlan: Plan\n" in text
    schema.write_text(text.replace("\n  selectedPlan: Plan\n", "\n  chosenPlan: Plan\n"), encoding="utf-8")
    result = compile_(tmp_path)
    assert result.returncode != 0
    assert "selectedPlan" in result.stdout + result.stderr
