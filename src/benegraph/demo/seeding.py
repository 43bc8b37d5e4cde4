"""Seeding for load tests: fill a tenant with a given number of generated employees, batch by batch."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random

from benegraph.db import store
from benegraph.db.models import Employee, Employer
from benegraph.db.session import Database, Transaction
from benegraph.demo.bulk_insert import insert_records
from benegraph.demo.employers import EmployerProfile, generate_employer
from benegraph.demo.random_source import random_source
from benegraph.demo.record_buffer import RecordBuffer
from benegraph.demo.shared_records import SharedRecords, TenantProfile, generate_shared_records
from benegraph.demo.times_of_day import reference_date
from benegraph.domain.access import Role, Viewer
from benegraph.domain.values import Clock

_MIN_SIZE, _MAX_SIZE = 5, 500
# Employees in a batch; a batch may exceed it, because an employer is never divided. If the first batches are much
# smaller, the whole run is slow: a connection plans its foreign-key checks once, for the table sizes at that time.
_BATCH_SIZE = 1000
_WRITER_COUNT = 2  # batches that are written at the same time, each on a connection of its own
_OPERATOR = "seed"

#: Called with the number of employees written so far, and with the number of all.
Progress = Callable[[int, int], None]


async def seed_tenant(
    database: Database, clock: Clock, tenant_id: str, employees: int, seed: int, progress: Progress
) -> None:
    """Create the tenant if needed, and add employers with this many employees in all; each batch is a transaction.

    The same call adds only what is missing: nothing, or the batches that an interrupted run left out.
    """
    shared = generate_shared_records(("seed", seed, tenant_id, employees), reference_date(clock))
    viewer = Viewer(tenant_id, _OPERATOR, Role.ADMINISTRATOR)
    past = Clock(shared.created_at, clock.fixed_on)  # the tenant is created at the time of its oldest row
    await database.transact(viewer, past, lambda tx: _create_tenant(tx, tenant_id, shared))
    done = 0
    progress(done, employees)
    writers: deque[asyncio.Task[int]] = deque()
    try:
        for batch in _batches(_draw_profiles(random_source(*shared.tenant.seed_words, "sizes"), employees)):
            # The next batch is generated while the database writes the previous ones.
            buffers = await asyncio.to_thread(_generate_batch, shared.tenant, batch)
            if len(writers) == _WRITER_COUNT:
                done += await writers.popleft()
                progress(done, employees)
            writers.append(asyncio.create_task(database.transact(viewer, past, partial(_write_batch, buffers))))
            del buffers  # else it would stay in memory while the next batch is generated
        while writers:
            done += await writers.popleft()
            progress(done, employees)
    finally:
        for task in writers:
            task.cancel()
        await asyncio.gather(*writers, return_exceptions=True)


def _generate_batch(tenant: TenantProfile, profiles: Sequence[EmployerProfile]) -> list[RecordBuffer]:
    return [generate_employer(tenant, profile) for profile in profiles]


async def _create_tenant(tx: Transaction, tenant_id: str, shared: SharedRecords) -> None:
    await store.access.insert_tenant(tx, tenant_id)
    product_ids = [product.id for product in shared.tenant.products]
    if not await store.catalog.by_ids(tx, product_ids):
        await insert_records(tx, [shared.records])


async def _write_batch(buffers: Sequence[RecordBuffer], tx: Transaction) -> int:
    """Insert a batch, unless an earlier run has; return its number of employees."""
    employer_ids = [row["id"] for records in buffers for row in records.tables[Employer]]
    if not await store.employers.by_ids(tx, employer_ids):
        await insert_records(tx, buffers)
    return sum(len(records.tables[Employee]) for records in buffers)


def _draw_profiles(rng: Random, employees: int) -> Iterator[EmployerProfile]:
    remaining, number = employees, 0
    while remaining:
        size = min(max(int(rng.lognormvariate(3.2, 0.9)), _MIN_SIZE), _MAX_SIZE, remaining)
        if remaining - size < _MIN_SIZE:
            size = remaining
        yield EmployerProfile(number, size, employees_before=employees - remaining)
        remaining, number = remaining - size, number + 1


def _batches(profiles: Iterator[EmployerProfile]) -> Iterator[list[EmployerProfile]]:
    batch: list[EmployerProfile] = []
    for profile in profiles:
        batch.append(profile)
        if sum(item.size for item in batch) >= _BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch
