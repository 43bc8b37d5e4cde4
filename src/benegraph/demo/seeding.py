"""Seeding: a tenant filled with as many made-up employees as asked for, an employer's whole story at a time."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random

from benegraph.db import store
from benegraph.db.models import Employee, Employer
from benegraph.db.session import Database, Transaction
from benegraph.demo.bulk_insert import write
from benegraph.demo.employers import Plot, tell_employer
from benegraph.demo.random_source import dice
from benegraph.demo.record_buffer import Ledger
from benegraph.demo.shared_records import BrokenGround, Ground, break_ground
from benegraph.demo.times_of_day import day_of
from benegraph.domain.access import Role, Viewer
from benegraph.domain.values import Clock

_SMALLEST, _LARGEST = 5, 500
# Employees a batch, more or less, as employers are not torn apart. Much smaller first batches have been slow all the
# way: a connection plans its foreign keys' checks once, by how large the tables are then.
_BATCH = 1000
_WRITERS = 2  # connections that batches are written through at once
_OPERATOR = "seed"

Progress = Callable[[int, int], None]


async def seed(database: Database, clock: Clock, tenant_id: str, employees: int, seed: int, progress: Progress) -> None:
    """Make the tenant if needed, and add employers with so many employees in all, a batch a transaction.

    The same call on the same day adds what it did not add before: nothing, or what an interruption left out.
    """
    broken = break_ground(("seed", seed, tenant_id, employees), day_of(clock))
    viewer = Viewer(tenant_id, _OPERATOR, Role.ADMINISTRATOR)
    then = Clock(broken.made_at, clock.fixed_on)  # the tenant is as old as its first row, not as this run
    await database.transact(viewer, then, lambda tx: _make_tenant(tx, tenant_id, broken))
    done = 0
    progress(done, employees)
    writing: deque[asyncio.Task[int]] = deque()
    try:
        for plots in _batches(_plots(dice(*broken.ground.words, "sizes"), employees)):
            # Some batches are drawn while the server takes in those before them.
            drawn = await asyncio.to_thread(_tell, broken.ground, plots)
            if len(writing) == _WRITERS:
                done += await writing.popleft()
                progress(done, employees)
            writing.append(asyncio.create_task(database.transact(viewer, then, partial(_add, drawn))))
            del drawn  # or it would stay while the next is drawn
        while writing:
            done += await writing.popleft()
            progress(done, employees)
    finally:
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)


def _tell(ground: Ground, plots: Sequence[Plot]) -> list[Ledger]:
    return [tell_employer(ground, plot) for plot in plots]


async def _make_tenant(tx: Transaction, tenant_id: str, broken: BrokenGround) -> None:
    await store.access.insert_tenant(tx, tenant_id)
    ids = [product.id for product in broken.ground.products]
    if not await store.catalog.by_ids(tx, ids):
        await write(tx, [broken.ledger])


async def _add(ledgers: Sequence[Ledger], tx: Transaction) -> int:
    """Write a batch, unless it is there; give how many employees it has."""
    ids = [row["id"] for ledger in ledgers for row in ledger.tables[Employer]]
    if not await store.employers.by_ids(tx, ids):
        await write(tx, ledgers)
    return sum(len(ledger.tables[Employee]) for ledger in ledgers)


def _plots(rng: Random, employees: int) -> Iterator[Plot]:
    left, number = employees, 0
    while left:
        size = min(max(int(rng.lognormvariate(3.2, 0.9)), _SMALLEST), _LARGEST, left)
        if left - size < _SMALLEST:
            size = left
        yield Plot(number, size, before=employees - left)
        left, number = left - size, number + 1


def _batches(plots: Iterator[Plot]) -> Iterator[list[Plot]]:
    batch: list[Plot] = []
    for plot in plots:
        batch.append(plot)
        if sum(each.size for each in batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
