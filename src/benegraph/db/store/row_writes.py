"""Row writes: inserts and updates of many rows, and of several tables, in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast

import orjson
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Insert,
    Select,
    Table,
    Text,
    Update,
    bindparam,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects.postgresql import JSONB

from benegraph.db.base import Base
from benegraph.db.cached_statements import fetch
from benegraph.db.models import Event
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import Transaction

RowValues = Mapping[str, Any]


class _WriteKind(StrEnum):
    INSERT = "insert"
    UPDATE = "update"
    VERSIONED_UPDATE = "versioned update"


@dataclass(frozen=True, slots=True)
class RowWrite:
    """Rows to insert into a table or to update in it. All rows name the same columns."""

    kind: _WriteKind
    table: Table
    rows: Sequence[RowValues]

    @classmethod
    def insert(cls, model: type[Base], rows: Sequence[RowValues]) -> "RowWrite":
        """Return an insert of rows, which fills in their tenant, instants and first version."""
        return cls(_WriteKind.INSERT, _table(model), rows)

    @classmethod
    def update(cls, model: type[Base], rows: Sequence[RowValues]) -> "RowWrite":
        """Return an update of rows by their IDs. The caller sets `version` and `updated_at`, if any."""
        return cls(_WriteKind.UPDATE, _table(model), rows)

    @classmethod
    def versioned_update(cls, model: type[Base], rows: Sequence[RowValues]) -> "RowWrite":
        """Return an update of rows by their IDs that increments each row's version and sets its `updated_at`."""
        return cls(_WriteKind.VERSIONED_UPDATE, _table(model), rows)


async def insert_rows(tx: Transaction, model: type[Base], rows: Sequence[RowValues]) -> None:
    """Insert any number of rows with one statement."""
    await execute_writes(tx, RowWrite.insert(model, rows))


async def update_rows(tx: Transaction, model: type[Base], rows: Sequence[RowValues]) -> None:
    """Update any number of rows by their IDs with one statement. The session's objects of these rows become stale."""
    await execute_writes(tx, RowWrite.update(model, rows))


async def execute_writes(tx: Transaction, *writes: RowWrite) -> None:
    """Execute all writes with one statement.

    No write sees the effect of another, and foreign keys are checked at the end. No row may be written twice. No row
    may take a unique value or a span of days that another row gives up, because PostgreSQL checks these row by row.
    """
    writes = tuple(write for write in writes if write.rows)
    if not writes:
        return
    shapes = tuple(
        _WriteShape(write.kind, write.table, tuple(write.rows[0]), is_single_row=len(write.rows) == 1)
        for write in writes
    )
    parameters: dict[str, Any] = {}
    for index, (shape, write) in enumerate(zip(shapes, writes, strict=True)):
        for name in shape.names:
            values = _driver_values(shape.table, name, [row[name] for row in write.rows])
            parameters[_parameter_name(index, name)] = values[0] if shape.is_single_row else values
    await fetch(tx, _CombinedWrite(shapes), parameters)
    if tx.evidence.event is None:
        tx.evidence.event = next((write.rows[0] for write in writes if write.table is Event.__table__), None)


@dataclass(frozen=True, slots=True)
class _WriteShape:
    """The properties of a write that decide its statement's text."""

    kind: _WriteKind
    table: Table
    names: tuple[str, ...]
    #: Whether each value is a scalar bind parameter. With arrays PostgreSQL makes a new plan for each execution.
    is_single_row: bool


@dataclass(frozen=True, slots=True)
class _CombinedWrite:
    """Builds the statement that executes writes of these shapes and returns one row."""

    shapes: tuple[_WriteShape, ...]

    def __call__(self, scope: QueryScope) -> Select[Any]:
        statement: Select[Any] = select(literal_column("1").label("executed"))
        for index, shape in enumerate(self.shapes):
            values = _values(index, shape)
            is_insert = shape.kind is _WriteKind.INSERT
            write = _insert(scope, shape, values) if is_insert else _update(scope, shape, values)
            statement = statement.add_cte(write.cte(f"write_{index}"))
        return statement


def _values(index: int, shape: _WriteShape) -> dict[str, ColumnElement[Any]]:
    """Return the new value of each column: a bind parameter, or a column of the unnested arrays."""
    json_columns = _json_columns(shape.table)
    types = {name: Text() if name in json_columns else shape.table.c[name].type for name in shape.names}
    values: Any
    if shape.is_single_row:
        values = {name: bindparam(_parameter_name(index, name), type_=type_) for name, type_ in types.items()}
    else:
        arrays = [bindparam(_parameter_name(index, name), type_=ARRAY(type_)) for name, type_ in types.items()]
        values = func.unnest(*arrays).table_valued(*shape.names).render_derived(f"given_{index}").c
    return {name: cast_to(values[name], JSONB) if name in json_columns else values[name] for name in shape.names}


def _insert(scope: QueryScope, shape: _WriteShape, values: dict[str, ColumnElement[Any]]) -> Insert:
    table = shape.table
    defaults: dict[str, Any] = {
        "tenant_id": scope.tenant_id,
        "created_at": scope.now,
        "updated_at": scope.now,
        "version": literal(1),
    }
    values = {name: value for name, value in defaults.items() if name in table.c} | values
    return insert(table).from_select(list(values), select(*values.values()))


def _update(scope: QueryScope, shape: _WriteShape, values: dict[str, ColumnElement[Any]]) -> Update:
    table = shape.table
    id = values.pop("id")
    is_versioned = shape.kind is _WriteKind.VERSIONED_UPDATE
    stamps = {"version": table.c.version + 1, "updated_at": scope.now} if is_versioned else {}
    return update(table).where(table.c.tenant_id == scope.tenant_id, table.c.id == id).values({**values, **stamps})


def _parameter_name(index: int, name: str) -> str:
    return f"{name}_{index}"


def _table(model: type[Base]) -> Table:
    return cast("Table", model.__table__)  # a mapped class's is always a Table


@lru_cache
def _json_columns(table: Table) -> frozenset[str]:
    return frozenset(column.key for column in table.c if isinstance(column.type, JSONB))


def _driver_values(table: Table, name: str, values: list[Any]) -> list[Any]:
    if name not in _json_columns(table):
        return values
    # The driver has no arrays of JSON documents, so they are passed as text.
    return [None if value is None else orjson.dumps(value).decode() for value in values]
