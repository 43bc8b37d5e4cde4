"""Tenants, API keys, and the results stored for idempotency keys."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Result,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    false,
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
from benegraph.db.query_scope import QueryScope, as_bind_value
from benegraph.db.session import ReadSession, Transaction
from benegraph.db.store.conditions import visibility_conditions
from benegraph.db.store.row_queries import OneByKey, PagedRows

IDEMPOTENCY_RETENTION = timedelta(days=30)

# Row-level security shows an API key only to a session that has set its hash. So the statement first sets the hash, and
# then looks the key up by the value that was set.
_PRESENTED_HASH = select(func.set_config("app.key_hash", bindparam("hash", type_=Text), true()).label("hash")).cte(
    "shown"
)
_MATCHING_KEYS = (
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
    .where(ApiKey.secret_hash == func.decode(_PRESENTED_HASH.c.hash, "hex"), ApiKey.revoked_at.is_(None))
    # The order also keeps the planner from flattening the subquery, so that the hash is set before it runs.
    .order_by(ApiKey.tenant_id)
    .lateral("held")
)
_KEYS_BY_HASH = select(_MATCHING_KEYS).select_from(_PRESENTED_HASH.join(_MATCHING_KEYS, true()))


def tenant_rows(scope: QueryScope) -> Select[Any]:
    """Select the viewer's own tenant, with its settings."""
    return select(*Tenant.__table__.c).where(*visibility_conditions(scope, Tenant))


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """A filter of API keys; None does not filter."""

    employer_id: str | None = None
    active: bool | None = None


def key_rows(scope: QueryScope) -> Select[Any]:
    """Select the API keys that the viewer may see, without their hashes; none unless the viewer administers keys."""
    columns = [column for column in ApiKey.__table__.c if column.name != "secret_hash"]
    rows = select(*columns).where(*visibility_conditions(scope, ApiKey, ApiKey.employer_id, ApiKey.employee_id))
    return rows if scope.administers_keys else rows.where(false())


def apply_key_filter(scope: QueryScope, keys: Select[Any], filter: KeyFilter) -> Select[Any]:
    if filter.employer_id is not None:
        keys = keys.where(ApiKey.employer_id == filter.employer_id)
    if filter.active is not None:
        now = as_bind_value(scope.now, DateTime(timezone=True))
        is_active = and_(ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now))
        keys = keys.where(is_active if filter.active else ~is_active)
    return keys


tenants = OneByKey(tenant_rows, Tenant.tenant_id)
keys_by_ids = OneByKey(key_rows, ApiKey.id)
key_page = PagedRows(key_rows, None, {"ID": (ApiKey.id,)}, apply_key_filter)


async def find_keys_by_hash(session: AsyncSession, secret_hash: bytes, *, single_statement: bool) -> Sequence[Row[Any]]:
    """Return the rows of an API key that is not revoked, by the key's hash: one for each tenant that accepts it.

    With `single_statement` the statement runs without an explicit transaction, which saves round trips.
    """
    if single_statement:
        await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    return (await session.execute(_KEYS_BY_HASH, {"hash": secret_hash.hex()})).all()


async def scope_exists(read_session: ReadSession) -> bool:
    """Return whether the viewer's tenant exists, and the employer and employee that the viewer is limited to."""
    viewer = read_session.viewer
    conditions = [select(Tenant.tenant_id).where(*visibility_conditions(read_session.scope, Tenant)).exists()]
    if viewer.employer_id is not None:
        conditions.append(
            select(Employer.id).where(*visibility_conditions(read_session.scope, Employer, Employer.id)).exists()
        )
    if viewer.employee_id is not None:
        is_own = visibility_conditions(read_session.scope, Employee, Employee.employer_id, Employee.id)
        conditions.append(select(Employee.id).where(*is_own).exists())
    return bool(await read_session.session.scalar(select(and_(*conditions))))


async def list_keys(tx: Transaction) -> Sequence[ApiKey]:
    """List the API keys of the tenant, oldest first."""
    keys = await tx.session.scalars(select(ApiKey).where(ApiKey.tenant_id == tx.viewer.tenant_id).order_by(ApiKey.id))
    return keys.all()


async def get_key(tx: Transaction, id: str) -> ApiKey | None:
    """Return a key of the tenant that the viewer's limits include, revoked or not; None if there is none."""
    limits = visibility_conditions(tx.scope, ApiKey, ApiKey.employer_id, ApiKey.employee_id)
    return await tx.session.scalar(select(ApiKey).where(*limits, ApiKey.id == id))


async def record_key_use(tx: Transaction, id: str, interval: timedelta) -> None:
    """Record that a key was used, at most once in each interval, so that not every request writes."""
    is_due = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < tx.clock.now - interval)
    await tx.session.execute(
        update(ApiKey)
        .where(ApiKey.tenant_id == tx.viewer.tenant_id, ApiKey.id == id, is_due)
        .values(last_used_at=tx.clock.now)
    )


async def revoke_key(tx: Transaction, id: str, at: datetime) -> Row[Any] | None:
    """Revoke a key in the tenant, and return whom it is limited to; None if no active key has this ID."""
    revoked: Result[Any] = await tx.session.execute(
        update(ApiKey)
        .where(ApiKey.tenant_id == tx.viewer.tenant_id, ApiKey.id == id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(ApiKey.employer_id, ApiKey.employee_id)
    )
    return revoked.first()


async def insert_key(tx: Transaction, row: dict[str, Any]) -> None:
    row = {"tenant_id": tx.viewer.tenant_id, "created_at": tx.clock.now, **row}
    await tx.session.execute(insert(ApiKey).values(row))


async def insert_tenant(tx: Transaction, name: str) -> None:
    """Insert the viewer's own tenant, unless it exists."""
    row = {"tenant_id": tx.viewer.tenant_id, "name": name, "created_at": tx.clock.now}
    await tx.session.execute(insert(Tenant).values(row).on_conflict_do_nothing(constraint="pk_tenants"))


@dataclass(frozen=True, slots=True)
class IdempotentResult:
    """The stored result of an earlier call with the same idempotency key."""

    input_hash: bytes
    result: dict[str, Any]


async def reserve_idempotency_key(
    tx: Transaction, mutation: str, key: str, input_hash: bytes, result: dict[str, Any]
) -> IdempotentResult | None:
    """Reserve an idempotency key and return None; if it was used within 30 days, return its stored result instead.

    The reservation stores `result`; `update_idempotent_result` can replace it. A second call with the same key waits
    here until the first transaction has committed or rolled back.
    """
    key_parameters = {"caller": tx.viewer.key_id, "mutation": mutation, "key": key}
    new_values = {
        "input_hash": input_hash,
        "result": orjson.dumps(result).decode(),
        "expired": tx.clock.now - IDEMPOTENCY_RETENTION,
    }
    (reservation,) = await fetch(tx, _reserve_statement, key_parameters | new_values)
    tx.evidence.has_idempotency_key = True
    if reservation.taken:
        return None
    (stored,) = await fetch(tx, _stored_result_statement, key_parameters)
    return IdempotentResult(stored.input_hash, stored.result)


def _reserve_statement(scope: QueryScope) -> Select[Any]:
    new_values = {"input_hash": _parameter("input_hash"), "result": _parameter("result"), "created_at": scope.now}
    statement = insert(IdempotencyKey).values(
        tenant_id=scope.tenant_id,
        caller=_parameter("caller"),
        mutation=_parameter("mutation"),
        key=_parameter("key"),
        **new_values,
    )
    reserved = (
        statement.on_conflict_do_update(
            constraint="pk_idempotency_keys",
            set_=new_values,
            where=IdempotencyKey.created_at < bindparam("expired", type_=DateTime(timezone=True)),
        )
        .returning(IdempotencyKey.key)
        .cte("taken")
    )
    return select(select(reserved.c.key).exists().label("taken"))


def _stored_result_statement(scope: QueryScope) -> Select[Any]:
    return select(IdempotencyKey.input_hash, IdempotencyKey.result).where(*_key_conditions(scope))


def _key_conditions(scope: QueryScope) -> Iterator[ColumnElement[bool]]:
    yield IdempotencyKey.tenant_id == scope.tenant_id
    yield IdempotencyKey.caller == _parameter("caller")
    yield IdempotencyKey.mutation == _parameter("mutation")
    yield IdempotencyKey.key == _parameter("key")


def _parameter(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=IdempotencyKey.__table__.c[name].type)


async def update_idempotent_result(tx: Transaction, mutation: str, key: str, result: dict[str, Any]) -> None:
    """Replace the result that is stored for a reserved idempotency key."""
    key_parameters = {"caller": tx.viewer.key_id, "mutation": mutation, "key": key}
    await fetch(tx, _update_result_statement, key_parameters | {"result": orjson.dumps(result).decode()})


def _update_result_statement(scope: QueryScope) -> Select[Any]:
    updated = update(IdempotencyKey).where(*_key_conditions(scope)).values(result=_parameter("result"))
    return select(updated.returning(IdempotencyKey.key).cte("kept"))


async def delete_expired_idempotency_keys(tx: Transaction) -> None:
    """Delete the tenant's idempotency keys that are older than 30 days."""
    await tx.session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.tenant_id == tx.viewer.tenant_id,
            IdempotencyKey.created_at < tx.clock.now - IDEMPOTENCY_RETENTION,
        )
    )
