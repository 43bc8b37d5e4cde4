"""Cached statements: SQLAlchemy builds them once, and the driver executes them in a transaction.

Building a statement for each call would cost many times more than sending it. A cached statement sees the flushed
changes of the session. If it changes rows, the session's objects of these rows become stale.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import asyncpg
from sqlalchemy import Select
from sqlalchemy.exc import DBAPIError, IntegrityError

from benegraph.db.prepared_statements import EnumMembers, PreparedStatement, enum_members, prepare_statement
from benegraph.db.query_scope import QueryScope, ScopeShape, scope_parameters
from benegraph.db.session import Transaction

#: Builds a statement for a template scope. Equal builders build equal statements.
StatementBuilder = Callable[[QueryScope], Select[Any]]


@dataclass(frozen=True, slots=True)
class _CachedStatement:
    """A prepared statement, and its columns that hold an enumeration: the name of each, and the member of each word."""

    statement: PreparedStatement
    enum_columns: tuple[tuple[str, EnumMembers], ...]


async def fetch(tx: Transaction, build: StatementBuilder, parameters: dict[str, Any]) -> list[Any]:
    """Execute a built statement with parameters by name; return its rows, with columns as attributes.

    Rows belong to no session: changing one writes nothing. Like the session, it raises SQLAlchemy's errors for
    errors of the server. A lost connection raises the driver's error.
    """
    cached = _cached_statement(build, ScopeShape.of(tx.viewer, tx.clock))
    values = cached.statement.values(scope_parameters(tx.viewer, tx.clock) | parameters)
    try:
        records = await tx.driver.fetch(cached.statement.text, *values)
    except asyncpg.PostgresConnectionError:
        raise
    except asyncpg.PostgresError as error:
        error_class = IntegrityError if isinstance(error, asyncpg.IntegrityConstraintViolationError) else DBAPIError
        raise error_class(cached.statement.text, None, error, hide_parameters=True) from error
    rows = []
    for record in records:
        columns = dict(record.items())
        for name, members in cached.enum_columns:
            columns[name] = members[columns[name]]
        rows.append(SimpleNamespace(**columns))
    return rows


@lru_cache(maxsize=512)
def _cached_statement(build: StatementBuilder, shape: ScopeShape) -> _CachedStatement:
    statement = build(shape.template_scope())
    columns = [(column.key or "", enum_members(column)) for column in statement.selected_columns]
    return _CachedStatement(
        prepare_statement(statement), tuple((name, members) for name, members in columns if members)
    )
