"""Tenants, API keys, and the answers kept for idempotency keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, delete, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from benegraph.db.models import ApiKey, Employee, Employer, IdempotencyKey, Tenant
from benegraph.db.session import Reading, Transaction
from benegraph.db.store.batches import One
from benegraph.db.store.scope import visible

KEPT = timedelta(days=30)

_SHOW_HASH = text("SELECT set_config('app.key_hash', :hash, true)")


def tenant_rows(reading: Reading) -> Select[Any]:
    """The viewer's own tenant, with its settings."""
    return select(*Tenant.__table__.c).where(*visible(reading, Tenant))


tenants = One(tenant_rows, Tenant.tenant_id)


async def keys_by_hash(session: AsyncSession, secret_hash: bytes) -> Sequence[ApiKey]:
    """Find the rights of a key in all its tenants, by the hash of the key: to know it is to hold it."""
    await session.execute(_SHOW_HASH, {"hash": secret_hash.hex()})
    found = await session.scalars(select(ApiKey).where(ApiKey.secret_hash == secret_hash).order_by(ApiKey.tenant_id))
    return found.all()


async def is_there(reading: Reading) -> bool:
    """Tell whether there is what the viewer is limited to: the tenant, the employer in it, an employee of theirs."""
    viewer = reading.viewer
    named = [select(Tenant.tenant_id).where(*visible(reading, Tenant)).exists()]
    if viewer.employer_id is not None:
        named.append(select(Employer.id).where(*visible(reading, Employer, Employer.id)).exists())
    if viewer.employee_id is not None:
        there = visible(reading, Employee, Employee.employer_id, Employee.id)
        named.append(select(Employee.id).where(*there).exists())
    return bool(await reading.session.scalar(select(and_(*named))))


async def keys(tx: Transaction) -> Sequence[ApiKey]:
    """List the keys of a tenant, oldest first."""
    found = await tx.session.scalars(select(ApiKey).where(ApiKey.tenant_id == tx.viewer.tenant_id).order_by(ApiKey.id))
    return found.all()


async def touch(tx: Transaction, id: str, at_most_every: timedelta) -> None:
    """Note when a key was last used, to within some minutes, so that reads don't all write."""
    stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < tx.clock.now - at_most_every)
    await tx.session.execute(
        update(ApiKey)
        .where(ApiKey.tenant_id == tx.viewer.tenant_id, ApiKey.id == id, stale)
        .values(last_used_at=tx.clock.now)
    )


async def revoke(tx: Transaction, id: str, at: datetime) -> bool:
    """Revoke a key in the tenant; False where there is none that is not revoked yet."""
    done = await tx.session.scalars(
        update(ApiKey)
        .where(ApiKey.tenant_id == tx.viewer.tenant_id, ApiKey.id == id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(ApiKey.id)
    )
    return done.first() is not None


async def add_key(tx: Transaction, row: dict[str, Any]) -> None:
    row = {"tenant_id": tx.viewer.tenant_id, "created_at": tx.clock.now, **row}
    await tx.session.execute(insert(ApiKey).values(row))


async def add_tenant(tx: Transaction, name: str) -> None:
    """Make the transaction's own tenant, unless it is there."""
    row = {"tenant_id": tx.viewer.tenant_id, "name": name, "created_at": tx.clock.now}
    await tx.session.execute(insert(Tenant).values(row).on_conflict_do_nothing(constraint="pk_tenants"))


@dataclass(frozen=True, slots=True)
class Kept:
    """What a mutation did before under the same key."""

    input_hash: bytes
    result: dict[str, Any]


async def reserve(tx: Transaction, mutation: str, key: str, input_hash: bytes) -> Kept | None:
    """Take an idempotency key for this transaction; where it was used within 30 days, give what it did then.

    A second call with the same key waits here until the first has committed or rolled back.
    """
    ident = {"tenant_id": tx.viewer.tenant_id, "caller": tx.viewer.key_id, "mutation": mutation, "key": key}
    fresh = {"input_hash": input_hash, "result": {}, "created_at": tx.clock.now}
    statement = insert(IdempotencyKey).values(**ident, **fresh)
    taken = await tx.session.scalars(
        statement.on_conflict_do_update(
            constraint="pk_idempotency_keys", set_=fresh, where=IdempotencyKey.created_at < tx.clock.now - KEPT
        ).returning(IdempotencyKey.key)
    )
    if taken.first() is not None:
        return None
    kept = await tx.session.get_one(IdempotencyKey, tuple(ident.values()))
    return Kept(kept.input_hash, kept.result)


async def keep(tx: Transaction, mutation: str, key: str, result: dict[str, Any]) -> None:
    """Keep what the mutation did, for whoever comes with the key again."""
    await tx.session.execute(
        update(IdempotencyKey)
        .where(
            IdempotencyKey.tenant_id == tx.viewer.tenant_id,
            IdempotencyKey.caller == tx.viewer.key_id,
            IdempotencyKey.mutation == mutation,
            IdempotencyKey.key == key,
        )
        .values(result=result)
    )


async def forget_old_answers(tx: Transaction) -> None:
    """Delete the tenant's answers that are past their 30 days."""
    await tx.session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.tenant_id == tx.viewer.tenant_id, IdempotencyKey.created_at < tx.clock.now - KEPT
        )
    )
