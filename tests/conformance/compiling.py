"""Compile the operations in `operations/` like an application: with relay-compiler, and with graphql-codegen."""

import shutil
import subprocess
from pathlib import Path

from nodejs import HERE, SCHEMA, node_with_packages


def create_application(directory: Path) -> None:
    """Create an application in an empty directory: the schema, its operations, and Relay's configuration."""
    shutil.copy(SCHEMA, directory)
    shutil.copytree(HERE / "operations", directory / "operations")
    shutil.copy(HERE / "relay.config.json", directory)
    (directory / "relay").mkdir()
    (directory / "relay.json").write_text("{}", encoding="utf-8")


def run_relay(directory: Path) -> subprocess.CompletedProcess[str]:
    """Compile all operations: modules into `relay/`, and the texts by their hashes into `relay.json`."""
    return node_with_packages().run("relay-compiler", "relay.config.json", cwd=directory)


def run_codegen(directory: Path) -> subprocess.CompletedProcess[str]:
    """Compile the operations without Relay's directives: types and the manifest into `codegen/`."""
    return node_with_packages().run(
        "graphql-codegen",
        *("--config", "codegen.js"),
        SCHEMA=str(directory / "schema.graphql"),
        DOCUMENTS=str(directory / "operations/enrollments.js"),
        OUTPUT=f"{directory}/codegen/",
    )


def relay_manifest(directory: Path) -> Path:
    """Compile Relay's persisted queries in an empty directory: a JSON object from SHA-256 to text."""
    create_application(directory)
    result = run_relay(directory)
    assert result.returncode == 0, result.stdout + result.stderr
    return directory / "relay.json"


def codegen_manifest(directory: Path) -> Path:
    """Compile codegen's persisted documents: a JSON object like Relay's, with `sha256:` before each hash."""
    create_application(directory)
    result = run_codegen(directory)
    assert result.returncode == 0, result.stdout + result.stderr
    return directory / "codegen/persisted-documents.json"
