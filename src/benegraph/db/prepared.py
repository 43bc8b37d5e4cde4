"""Statements within a transaction that SQLAlchemy builds once and the driver runs prepared, past the session.

What is built for each call costs many times what it takes to send it. Like everything past the session, a statement
sees what was flushed before, and what it changes makes stale what the session holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import asyncpg
from sqlalchemy import ColumnElement, Enum, Select
from sqlalchemy.exc import DBAPIError, IntegrityError

from benegraph.db.session import Reading, Transaction
from benegraph.db.statements import Manner, Prepared, prepare, scope_values

#: Builds a statement for a reading whose viewer and instant are places; equal ones build the same.
Build = Callable[[Reading], Select[Any]]
#: The member that each word of an enumeration stands for; null stands for None.
Meanings = Mapping[str | None, Any]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A statement as it is sent; and which of its columns hold words of an enumeration, with what each word means."""

    statement: Prepared
    words: tuple[tuple[str, Meanings], ...]


async def fetch(tx: Transaction, build: Build, given: dict[str, Any]) -> list[Any]:
    """Run what `build` builds, its places filled by their names; give the rows, whose columns are attributes.

    Rows are nobody's: they may be changed, and nothing is written thereby. What the server refuses raises SQLAlchemy's
    errors, as everywhere; a connection that is lost, the driver's.
    """
    ready = _ready(build, Manner.of(tx.viewer, tx.clock))
    values = ready.statement.values(scope_values(tx.viewer, tx.clock) | given)
    try:
        records = await tx.driver.fetch(ready.statement.text, *values)
    except asyncpg.PostgresConnectionError:
        raise
    except asyncpg.PostgresError as error:
        kind = IntegrityError if isinstance(error, asyncpg.IntegrityConstraintViolationError) else DBAPIError
        raise kind(ready.statement.text, None, error, hide_parameters=True) from error
    rows = []
    for record in records:
        columns = dict(record.items())
        for name, meanings in ready.words:
            columns[name] = meanings[columns[name]]
        rows.append(SimpleNamespace(**columns))
    return rows


@lru_cache(maxsize=512)
def _ready(build: Build, manner: Manner) -> _Ready:
    statement = build(manner.reading())
    found = [(column.key or "", meanings_of(column)) for column in statement.selected_columns]
    return _Ready(prepare(statement), tuple((name, meanings) for name, meanings in found if meanings))


def meanings_of(column: ColumnElement[Any]) -> Meanings:
    """Give the member that each word in a column stands for; empty for one that holds no enumeration's words."""
    kind: Any = column.type
    members = kind.enum_class if isinstance(kind, Enum) else None
    return {None: None, **{each.value: each for each in members}} if members else {}
