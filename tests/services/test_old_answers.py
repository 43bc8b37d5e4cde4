"""Answers kept for idempotency keys: forgotten once they are past their 30 days, by one call in 256."""

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

SWEEPS, PASSES_BY = bytes(32), bytes([1]) + bytes(31)


async def nothing(_tx: Transaction) -> dict[str, Any]:
    return {}


async def call(database: Database, clock: Clock, key: str, input_hash: bytes) -> None:
    await database.transact(
        administrator(), clock, lambda tx: run_idempotent(tx, Action.ELECT, key, input_hash, nothing)
    )


@pytest.mark.parametrize(
    ("days", "input_hash", "left"),
    [(30, SWEEPS, 2), (31, SWEEPS, 1), (31, PASSES_BY, 2)],
    ids=["not old yet", "old", "another call's turn"],
)
async def test_a_sweep_forgets_what_is_past_its_days(
    database: Database, clock: Clock, days: int, input_hash: bytes, left: int
) -> None:
    await make_tenant(database, clock)
    before = replace(clock, now=clock.now - timedelta(days=days))
    await call(database, before, "before", PASSES_BY)
    await call(database, clock, "now", input_hash)
    async with database.read(administrator(), clock) as read_session:
        kept = await read_session.session.scalar(select(func.count()).select_from(IdempotencyKey))
    assert kept == left
