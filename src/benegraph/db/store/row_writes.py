"""Writing many rows in one statement, and several tables' in one turn."""

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
    Label,
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
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import XACT_ID_SQL, Transaction

Row = Mapping[str, Any]

#: The number of the transaction that a statement runs in, as a column of it.
XACT_ID: Label[str] = literal_column(XACT_ID_SQL, Text).label("number")


class _WriteKind(StrEnum):
    INSERT = "insert"
    UPDATE = "update"
    VERSIONED_UPDATE = "versioned update"


@dataclass(frozen=True, slots=True)
class RowWrite:
    """Rows to insert into a table or to update in it. All rows name the same columns."""

    kind: _WriteKind
    table: Table
    rows: Sequence[Row]

    @classmethod
    def insert(cls, model: type[Base], rows: Sequence[Row]) -> "RowWrite":
        """Return an insert of rows, which fills in their tenant, instants and first version."""
        return cls(_WriteKind.INSERT, _table(model), rows)

    @classmethod
    def update(cls, model: type[Base], rows: Sequence[Row]) -> "RowWrite":
        """Return an update of rows by their ids. The caller sets version and `updated_at`, if any."""
        return cls(_WriteKind.UPDATE, _table(model), rows)

    @classmethod
    def versioned_update(cls, model: type[Base], rows: Sequence[Row]) -> "RowWrite":
        """Return an update of rows by their ids that increments each row's version and sets its `updated_at`."""
        return cls(_WriteKind.VERSIONED_UPDATE, _table(model), rows)


async def insert_rows(tx: Transaction, model: type[Base], rows: Sequence[Row]) -> None:
    """Insert rows in one statement, however many they are."""
    await execute_writes(tx, RowWrite.insert(model, rows))


async def update_rows(tx: Transaction, model: type[Base], rows: Sequence[Row]) -> None:
    """Set columns of rows in one statement. Past the session: what it holds of these rows is stale then."""
    await execute_writes(tx, RowWrite.update(model, rows))


async def execute_writes(tx: Transaction, *writes: RowWrite) -> None:
    """Write all of it in one statement: no write sees another, and references are checked when all is there.

    So no row may be written twice, nor take what another row gives up, as constraints among a table's rows hold in
    between too.
    """
    writes = tuple(each for each in writes if each.rows)
    if not writes:
        return
    forms = tuple(_Form(each.kind, each.table, tuple(each.rows[0]), alone=len(each.rows) == 1) for each in writes)
    given: dict[str, Any] = {}
    for number, (form, each) in enumerate(zip(forms, writes, strict=True)):
        for name in form.names:
            values = _sent(form.table, name, [row[name] for row in each.rows])
            given[_place(number, name)] = values[0] if form.alone else values
    (row,) = await fetch(tx, _Together(forms), given)
    tx.set_xact_id(row.number)


@dataclass(frozen=True, slots=True)
class _Form:
    """What of a write decides its statement's text."""

    kind: _WriteKind
    table: Table
    names: tuple[str, ...]
    #: Whether it is one row: its values then stand in places of their own, as a plan for arrays is made anew each time.
    alone: bool


@dataclass(frozen=True, slots=True)
class _Together:
    """Builds the statement for writes of these forms; it tells the transaction's number."""

    forms: tuple[_Form, ...]

    def __call__(self, scope: QueryScope) -> Select[Any]:
        statement: Select[Any] = select(XACT_ID)
        for number, form in enumerate(self.forms):
            values = _given(number, form)
            one = _insert(scope, form, values) if form.kind is _WriteKind.INSERT else _update(scope, form, values)
            statement = statement.add_cte(one.cte(f"write_{number}"))
        return statement


def _given(number: int, form: _Form) -> dict[str, ColumnElement[Any]]:
    documents = _documents(form.table)
    kinds = {name: Text() if name in documents else form.table.c[name].type for name in form.names}
    given: Any
    if form.alone:
        given = {name: bindparam(_place(number, name), type_=kind) for name, kind in kinds.items()}
    else:
        arrays = [bindparam(_place(number, name), type_=ARRAY(kind)) for name, kind in kinds.items()]
        given = func.unnest(*arrays).table_valued(*form.names).render_derived(f"given_{number}").c
    return {name: cast_to(given[name], JSONB) if name in documents else given[name] for name in form.names}


def _insert(scope: QueryScope, form: _Form, values: dict[str, ColumnElement[Any]]) -> Insert:
    table = form.table
    stamps: dict[str, Any] = {
        "tenant_id": scope.tenant_id,
        "created_at": scope.now,
        "updated_at": scope.now,
        "version": literal(1),
    }
    values = {name: value for name, value in stamps.items() if name in table.c} | values
    return insert(table).from_select(list(values), select(*values.values()))


def _update(scope: QueryScope, form: _Form, values: dict[str, ColumnElement[Any]]) -> Update:
    table = form.table
    id = values.pop("id")
    stamps = (
        {"version": table.c.version + 1, "updated_at": scope.now} if form.kind is _WriteKind.VERSIONED_UPDATE else {}
    )
    return update(table).where(table.c.tenant_id == scope.tenant_id, table.c.id == id).values({**values, **stamps})


def _place(number: int, name: str) -> str:
    return f"{name}_{number}"


def _table(model: type[Base]) -> Table:
    return cast("Table", model.__table__)  # a mapped class's is always a Table


@lru_cache
def _documents(table: Table) -> frozenset[str]:
    return frozenset(column.key for column in table.c if isinstance(column.type, JSONB))


def _sent(table: Table, name: str, values: list[Any]) -> list[Any]:
    if name not in _documents(table):
        return values
    # The driver has no array of documents: they travel as text.
    return [None if value is None else orjson.dumps(value).decode() for value in values]
