"""`documents`: load, list and remove trusted documents, from manifests of relay-compiler, graphql-codegen or Apollo."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import typer
from sqlalchemy import Row

from benegraph.cli.databases import run_in_database
from benegraph.cli.errors import FAILED, fail, report_errors
from benegraph.db import store
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Role, Viewer
from benegraph.domain.errors import RequestError
from benegraph.domain.values import Clock
from benegraph.graphql.engine.documents import DocumentCache, InvalidRequest, compute_digest
from benegraph.graphql.schema import build_schema
from benegraph.services.documents import trust

_ID = re.compile(r"[!-~]{1,255}", re.ASCII)
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.ASCII)
_APOLLO_FORMAT = "apollo-persisted-query-manifest"
#: Documents belong to no tenant; the viewer only satisfies the interface of transactions.
_OPERATOR = Viewer("-", "documents", Role.ADMINISTRATOR)


@report_errors
def load(files: Sequence[Path], data_dir: Path | None, *, replace: bool) -> None:
    texts: dict[str, str] = {}
    for file in files:
        manifest = _read_manifest(file)
        conflict = next((id for id in manifest.keys() & texts.keys() if manifest[id] != texts[id]), None)
        if conflict:
            fail(f"{file}: another manifest has a different document with the ID {conflict}.")
        texts |= manifest
    _check_documents(texts)
    documents = {id: (compute_digest(text), text) for id, text in texts.items()}

    async def insert_documents(database: Database) -> None:
        clock = Clock.at(datetime.now(UTC))
        await database.transact(_OPERATOR, clock, lambda tx: trust(tx, documents, replace=replace))

    run_in_database(data_dir, insert_documents)
    typer.echo(f"Trusted documents loaded: {len(documents)}{'; all others were removed' if replace else ''}.")


@report_errors
def list_documents(data_dir: Path | None) -> None:
    async def select_documents(database: Database) -> Sequence[Row[tuple[str, datetime, int]]]:
        async with database.read(_OPERATOR, Clock.at(datetime.now(UTC))) as read_session:
            return await store.documents.list_trusted_documents(read_session)

    for row in run_in_database(data_dir, select_documents):
        typer.echo(f"{row.id}  {row.created_at:%Y-%m-%d}  {row.length} characters")


@report_errors
def remove(ids: Sequence[str], data_dir: Path | None) -> None:
    async def delete_documents(database: Database) -> int:
        async def delete(tx: Transaction) -> int:
            return await store.documents.delete_trusted_documents(tx, ids)

        return await database.transact(_OPERATOR, Clock.at(datetime.now(UTC)), delete)

    count = run_in_database(data_dir, delete_documents)
    if count < len(set(ids)):
        fail(f"Trusted documents removed: {count} of {len(set(ids))}; the others were not trusted.")
    typer.echo(f"Trusted documents removed: {count}. Running gateways refuse them within a minute.")


def _read_manifest(file: Path) -> dict[str, str]:
    """Return the documents of a manifest by the IDs that the client will send."""
    try:
        content = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError:
        fail(f"{file} is not valid JSON.")
    if isinstance(content, Mapping) and content.get("format") == _APOLLO_FORMAT:
        content = _apollo_documents(content.get("operations"))
    if not isinstance(content, Mapping) or not all(isinstance(text, str) for text in content.values()):
        fail(f"{file} is not a manifest: expected a JSON object of documents by ID, or Apollo's manifest format.")
    for id, text in content.items():
        if not _ID.fullmatch(id):
            fail(f"{file}: an ID must have 1 to 255 visible ASCII characters.")
        match = _SHA256.fullmatch(id)
        if match and match[1] != compute_digest(text):
            fail(f"{file}: {id} is not the SHA-256 hash of its document.")
    return dict(content)


def _apollo_documents(operations: Any) -> dict[str, Any] | None:
    if not isinstance(operations, list) or not all(isinstance(operation, dict) for operation in operations):
        return None
    return {str(operation.get("id")): operation.get("body") for operation in operations}


def _check_documents(texts: Mapping[str, str]) -> None:
    """End the command if a document is invalid: its client was built against another schema."""
    documents, invalid_count = DocumentCache(build_schema()), 0
    for id, text in texts.items():
        try:
            documents.validate(text, documents.parse(text, trusted=True), trusted=True, suggests_names=True)
        except InvalidRequest as error:
            reason = error.errors[0]["message"]
        except RequestError as error:
            reason = str(error)
        else:
            continue
        invalid_count += 1
        typer.echo(f"{id}: {reason}", err=True)
    if invalid_count:
        fail(f"{invalid_count} of {len(texts)} documents are invalid in this schema; no document was loaded.", FAILED)
