"""`documents`: trust what a client's build wrote, as relay-compiler, graphql-codegen and Apollo's tools write it."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import typer
from sqlalchemy import Row

from benegraph.cli.databases import in_database
from benegraph.cli.errors import FAILED, fail, in_one_line
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
_APOLLO = "apollo-persisted-query-manifest"
#: Documents are no tenant's, so whoever reaches the database loads them as nobody's operator.
_OPERATOR = Viewer("-", "documents", Role.ADMINISTRATOR)


@in_one_line
def load(files: Sequence[Path], data_dir: Path | None, *, instead: bool) -> None:
    texts: dict[str, str] = {}
    for file in files:
        found = _read(file)
        if clash := next((id for id in found.keys() & texts.keys() if found[id] != texts[id]), None):
            fail(f"{file}: {clash} stands in another manifest too, for another text.")
        texts |= found
    _see_that_they_are_good(texts)
    trusted = {id: (compute_digest(text), text) for id, text in texts.items()}

    async def story(database: Database) -> None:
        clock = Clock.at(datetime.now(UTC))
        await database.transact(_OPERATOR, clock, lambda tx: trust(tx, trusted, replace=instead))

    in_database(data_dir, story)
    typer.echo(f"{len(trusted)} documents are trusted{', and no others' if instead else ''}.")


@in_one_line
def show(data_dir: Path | None) -> None:
    async def story(database: Database) -> Sequence[Row[tuple[str, datetime, int]]]:
        async with database.read(_OPERATOR, Clock.at(datetime.now(UTC))) as read_session:
            return await store.documents.list_trusted_documents(read_session)

    for row in in_database(data_dir, story):
        typer.echo(f"{row.id}  {row.created_at:%Y-%m-%d}  {row.length} characters")


@in_one_line
def remove(ids: Sequence[str], data_dir: Path | None) -> None:
    async def story(database: Database) -> int:
        async def told(tx: Transaction) -> int:
            return await store.documents.delete_trusted_documents(tx, ids)

        return await database.transact(_OPERATOR, Clock.at(datetime.now(UTC)), told)

    if (gone := in_database(data_dir, story)) < len(set(ids)):
        fail(f"{gone} of these {len(set(ids))} documents were trusted; none is any more.")
    typer.echo(f"{gone} documents are trusted no more; within a minute no gateway runs them.")


def _read(file: Path) -> dict[str, str]:
    """Read a manifest: texts by the ids that the client will send."""
    try:
        content = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError:
        fail(f"{file} is no JSON.")
    if isinstance(content, Mapping) and content.get("format") == _APOLLO:
        content = _of_apollo(content.get("operations"))
    if not isinstance(content, Mapping) or not all(isinstance(text, str) for text in content.values()):
        fail(f"{file} is no manifest: an object of texts by their ids, or Apollo's.")
    for id, text in content.items():
        if not _ID.fullmatch(id):
            fail(f"{file}: an id is 1 to 255 visible ASCII characters.")
        named = _SHA256.fullmatch(id)
        if named and named[1] != compute_digest(text):
            fail(f"{file}: {id} is not the SHA-256 of its text.")
    return dict(content)


def _of_apollo(operations: Any) -> dict[str, Any] | None:
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        return None
    return {str(each.get("id")): each.get("body") for each in operations}


def _see_that_they_are_good(texts: Mapping[str, str]) -> None:
    """Refuse all where one could never run: a client built against another schema is better told now."""
    documents, bad = DocumentCache(build_schema()), 0
    for id, text in texts.items():
        try:
            documents.validate(text, documents.parse(text, trusted=True), trusted=True)
        except InvalidRequest as error:
            reason = error.errors[0]["message"]
        except RequestError as error:
            reason = str(error)
        else:
            continue
        bad += 1
        typer.echo(f"{id}: {reason}", err=True)
    if bad:
        typer.echo(f"benegraph: {bad} of {len(texts)} documents can't run on this schema; none was loaded.", err=True)
        raise typer.Exit(FAILED)
