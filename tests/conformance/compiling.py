"""Compiling the operations of `operations/`, as an application does: with relay-compiler, and with graphql-codegen."""

import shutil
import subprocess
from pathlib import Path

from nodejs import HERE, SCHEMA, installed


def lay_out(place: Path) -> None:
    """Lay out an application in an empty directory: the schema, its operations, and the settings of Relay."""
    shutil.copy(SCHEMA, place)
    shutil.copytree(HERE / "operations", place / "operations")
    shutil.copy(HERE / "relay.config.json", place)
    (place / "relay").mkdir()
    (place / "relay.json").write_text("{}", encoding="utf-8")


def run_relay(place: Path) -> subprocess.CompletedProcess[str]:
    """Compile all operations; what is made goes to `relay/`, the texts by their hashes to `relay.json`."""
    return installed().run("relay-compiler", "relay.config.json", within=place)


def run_codegen(place: Path) -> subprocess.CompletedProcess[str]:
    """Compile the operations that are not Relay's alone; types and the manifest of texts go to `codegen/`."""
    return installed().run(
        "graphql-codegen",
        *("--config", "codegen.js"),
        SCHEMA=str(place / "schema.graphql"),
        DOCUMENTS=str(place / "operations/enrollments.js"),
        MADE=f"{place}/codegen/",
    )


def relay_manifest(place: Path) -> Path:
    """Make Relay's persisted queries in an empty directory: a JSON object of texts by the SHA-256 of each."""
    lay_out(place)
    done = run_relay(place)
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "relay.json"


def codegen_manifest(place: Path) -> Path:
    """Make codegen's persisted documents in an empty directory: the same, but that each hash begins with `sha256:`."""
    lay_out(place)
    done = run_codegen(place)
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "codegen/persisted-documents.json"
