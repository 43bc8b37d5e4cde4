"""Idempotency records: one call in 256 deletes those older than 30 days."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from benegraph.db.models import IdempotencyKey
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action
from benegraph.domain.values import Clock
from benegraph.services.idempotency import run_idempotent
from factories.access import administrator, make_tenant

CLEANS_UP, LEAVES_ALL = bytes(32), bytes([1]) + bytes(31)


async def return_nothing(_tx: Transaction) -> dict[str, Any]:
    return {}


async def call(database: Database, clock: Clock, key: str, input_hash: bytes) -> None:
    await database.transact(
        administrator(), clock, lambda tx: run_idempotent(tx, Action.ELECT, key, input_hash, return_nothing)
    )


@pytest.mark.parametrize(
    ("days", "input_hash", "remaining"),
    [(30, CLEANS_UP, 2), (31, CLEANS_UP, 1), (31, LEAVES_ALL, 2)],
    ids=["not expired", "expired", "call that does not clean up"],
)
async def test_expired_idempotency_records_are_deleted(
    database: Database, clock: Clock, days: int, input_hash: bytes, remaining: int
) -> None:
    await make_tenant(database, clock)
    before = replace(clock, now=clock.now - timedelta(days=days))
    await call(database, before, "before", LEAVES_ALL)
    await call(database, clock, "now", input_hash)
    async with database.read(administrator(), clock) as read_session:
        count = await read_session.session.scalar(select(func.count()).select_from(IdempotencyKey))
    assert count == remaining
