"""Tenants, API keys, and the answers kept for idempotency keys."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from benegraph.db.cached_statements import fetch
from benegraph.db.models import ApiKey, Employee, Employer, IdempotencyKey, Tenant
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import ReadSession, Transaction
from benegraph.db.store.conditions import visibility_conditions
from benegraph.db.store.row_queries import OneByKey
from benegraph.db.store.row_writes import XACT_ID

IDEMPOTENCY_RETENTION = timedelta(days=30)

# Shown first, and looked for by what was shown: row-level security lets nothing be seen before it.
_SHOWN = select(func.set_config("app.key_hash", bindparam("hash", type_=Text), true()).label("hash")).cte("shown")
_HELD = (
    select(
        ApiKey.tenant_id,
        ApiKey.id,
        ApiKey.role,
        ApiKey.employer_id,
        ApiKey.employee_id,
        ApiKey.actions,
        ApiKey.expires_at,
        ApiKey.last_used_at,
    )
    .where(ApiKey.secret_hash == func.decode(_SHOWN.c.hash, "hex"), ApiKey.revoked_at.is_(None))
    .order_by(ApiKey.tenant_id)  # which also keeps it apart, for `shown` to be read before it
    .lateral("held")
)
_KEYS_BY_HASH = select(_HELD).select_from(_SHOWN.join(_HELD, true()))


def tenant_rows(scope: QueryScope) -> Select[Any]:
    """The viewer's own tenant, with its settings."""
    return select(*Tenant.__table__.c).where(*visibility_conditions(scope, Tenant))


tenants = OneByKey(tenant_rows, Tenant.tenant_id)


async def find_keys_by_hash(session: AsyncSession, secret_hash: bytes, *, single_statement: bool) -> Sequence[Row[Any]]:
    """Find where a key is good that is not revoked, by the hash of the key: to know it is to hold it.

    With `alone` no transaction is begun for the one statement, which is one by itself.
    """
    if single_statement:
        await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    return (await session.execute(_KEYS_BY_HASH, {"hash": secret_hash.hex()})).all()


async def scope_exists(read_session: ReadSession) -> bool:
    """Tell whether there is what the viewer is limited to: the tenant, the employer in it, an employee of theirs."""
    viewer = read_session.viewer
    named = [select(Tenant.tenant_id).where(*visibility_conditions(read_session.scope, Tenant)).exists()]
    if viewer.employer_id is not None:
        named.append(
            select(Employer.id).where(*visibility_conditions(read_session.scope, Employer, Employer.id)).exists()
        )
    if viewer.employee_id is not None:
        there = visibility_conditions(read_session.scope, Employee, Employee.employer_id, Employee.id)
        named.append(select(Employee.id).where(*there).exists())
    return bool(await read_session.session.scalar(select(and_(*named))))


async def list_keys(tx: Transaction) -> Sequence[ApiKey]:
    """List the keys of a tenant, oldest first."""
    found = await tx.session.scalars(select(ApiKey).where(ApiKey.tenant_id == tx.viewer.tenant_id).order_by(ApiKey.id))
    return found.all()


async def record_key_use(tx: Transaction, id: str, at_most_every: timedelta) -> None:
    """Note when a key was last used, to within some minutes, so that reads don't all write."""
    stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < tx.clock.now - at_most_every)
    await tx.session.execute(
        update(ApiKey)
        .where(ApiKey.tenant_id == tx.viewer.tenant_id, ApiKey.id == id, stale)
        .values(last_used_at=tx.clock.now)
    )


async def revoke_key(tx: Transaction, id: str, at: datetime) -> bool:
    """Revoke a key in the tenant; False where there is none that is not revoked yet."""
    done = await tx.session.scalars(
        update(ApiKey)
        .where(ApiKey.tenant_id == tx.viewer.tenant_id, ApiKey.id == id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(ApiKey.id)
    )
    return done.first() is not None


async def insert_key(tx: Transaction, row: dict[str, Any]) -> None:
    row = {"tenant_id": tx.viewer.tenant_id, "created_at": tx.clock.now, **row}
    await tx.session.execute(insert(ApiKey).values(row))


async def insert_tenant(tx: Transaction, name: str) -> None:
    """Make the transaction's own tenant, unless it is there."""
    row = {"tenant_id": tx.viewer.tenant_id, "name": name, "created_at": tx.clock.now}
    await tx.session.execute(insert(Tenant).values(row).on_conflict_do_nothing(constraint="pk_tenants"))


@dataclass(frozen=True, slots=True)
class IdempotentResult:
    """What a mutation did before under the same key."""

    input_hash: bytes
    result: dict[str, Any]


async def reserve_idempotency_key(
    tx: Transaction, mutation: str, key: str, input_hash: bytes, result: dict[str, Any]
) -> IdempotentResult | None:
    """Take an idempotency key for this transaction; where it was used within 30 days, give what it did then.

    `result` is kept under it, unless `keep` comes with another. A second call with the same key waits here until the
    first has committed or rolled back.
    """
    ident = {"caller": tx.viewer.key_id, "mutation": mutation, "key": key}
    fresh = {
        "input_hash": input_hash,
        "result": orjson.dumps(result).decode(),
        "expired": tx.clock.now - IDEMPOTENCY_RETENTION,
    }
    (done,) = await fetch(tx, _reserving, ident | fresh)
    tx.set_xact_id(done.number)
    if done.taken:
        return None
    (kept,) = await fetch(tx, _kept, ident)
    return IdempotentResult(kept.input_hash, kept.result)


def _reserving(scope: QueryScope) -> Select[Any]:
    fresh = {"input_hash": _place("input_hash"), "result": _place("result"), "created_at": scope.now}
    statement = insert(IdempotencyKey).values(
        tenant_id=scope.tenant_id,
        caller=_place("caller"),
        mutation=_place("mutation"),
        key=_place("key"),
        **fresh,
    )
    taken = (
        statement.on_conflict_do_update(
            constraint="pk_idempotency_keys",
            set_=fresh,
            where=IdempotencyKey.created_at < bindparam("expired", type_=DateTime(timezone=True)),
        )
        .returning(IdempotencyKey.key)
        .cte("taken")
    )
    told: tuple[Any, ...] = (XACT_ID, select(taken.c.key).exists().label("taken"))
    return select(*told)


def _kept(scope: QueryScope) -> Select[Any]:
    return select(IdempotencyKey.input_hash, IdempotencyKey.result).where(*_named(scope))


def _named(scope: QueryScope) -> Iterator[ColumnElement[bool]]:
    yield IdempotencyKey.tenant_id == scope.tenant_id
    yield IdempotencyKey.caller == _place("caller")
    yield IdempotencyKey.mutation == _place("mutation")
    yield IdempotencyKey.key == _place("key")


def _place(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=IdempotencyKey.__table__.c[name].type)


async def update_idempotent_result(tx: Transaction, mutation: str, key: str, result: dict[str, Any]) -> None:
    """Keep what the mutation did, for whoever comes with the key again."""
    ident = {"caller": tx.viewer.key_id, "mutation": mutation, "key": key}
    await fetch(tx, _keeping, ident | {"result": orjson.dumps(result).decode()})


def _keeping(scope: QueryScope) -> Select[Any]:
    kept = update(IdempotencyKey).where(*_named(scope)).values(result=_place("result"))
    return select(kept.returning(IdempotencyKey.key).cte("kept"))


async def delete_expired_idempotency_keys(tx: Transaction) -> None:
    """Delete the tenant's answers that are past their 30 days."""
    await tx.session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.tenant_id == tx.viewer.tenant_id,
            IdempotencyKey.created_at < tx.clock.now - IDEMPOTENCY_RETENTION,
        )
    )
