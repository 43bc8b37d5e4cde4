"""Writing many rows in one statement."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ARRAY, ColumnElement, Table, Text, cast, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB

from benegraph.db.base import Base
from benegraph.db.session import Transaction


async def insert_rows(tx: Transaction, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all name the same columns, in one statement, however many they are.

    Tenant, instants and the first version are filled in here.
    """
    if not rows:
        return
    table: Table = model.__table__  # type: ignore[assignment] # a mapped class's is always a Table
    stamps = {"tenant_id": tx.viewer.tenant_id, "created_at": tx.clock.now, "updated_at": tx.clock.now, "version": 1}
    names = list(rows[0])
    stamped = {name: value for name, value in stamps.items() if name in table.c and name not in names}
    arrays = [_array(table, name, [row[name] for row in rows]) for name in names]
    given = func.unnest(*arrays).table_valued(*names).render_derived("given")
    values: list[ColumnElement[Any]] = [_typed(table, name, given.c[name]) for name in names]
    values += [literal(value, table.c[name].type) for name, value in stamped.items()]
    await tx.session.execute(insert(table).from_select([*names, *stamped], select(*values)))


async def update_rows(tx: Transaction, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Set columns of rows by their ids, in one statement; all rows name the same columns.

    Past the session: what it holds of these rows is stale then, and version and instant are the caller's to set.
    """
    if not rows:
        return
    table: Table = model.__table__  # type: ignore[assignment] # a mapped class's is always a Table
    names = list(rows[0])
    arrays = [_array(table, name, [row[name] for row in rows]) for name in names]
    given = func.unnest(*arrays).table_valued(*names).render_derived("given")
    await tx.session.execute(
        update(table)
        .where(table.c.tenant_id == tx.viewer.tenant_id, table.c.id == given.c.id)
        .values({name: _typed(table, name, given.c[name]) for name in names if name != "id"})
    )


def _array(table: Table, name: str, values: list[Any]) -> ColumnElement[Any]:
    kind = table.c[name].type
    if isinstance(kind, JSONB):  # the driver has no array of documents: they travel as text
        return literal([None if value is None else orjson.dumps(value).decode() for value in values], ARRAY(Text))
    return literal(values, ARRAY(kind))


def _typed(table: Table, name: str, given: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(given, JSONB) if isinstance(table.c[name].type, JSONB) else given
