"""The event feed beside many writers: readers that resume at random get every committed event once, in one order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from benegraph.db import store
from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database, Transaction
from benegraph.db.store.events import START_POSITION, EventFilter, FeedPosition
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import Clock
from conftest import as_gateway
from factories.access import administrator

WRITERS, READERS = 16, 4
MAX_PAUSE_SECONDS = 0.006
ALL = EventFilter()


class Undone(Exception):
    """Rolls a transaction back."""


@dataclass
class Reader:
    """A reader that stores its position after each page it keeps, and sometimes loses a page before it does."""

    random: Random
    position: FeedPosition = START_POSITION
    ids: list[str] = field(default_factory=list)

    async def read_page(self, database: Database, clock: Clock) -> int:
        """Read a page, and keep it or lose it; return the number of events that it had."""
        limit = self.random.choice((1, 2, 5, 50))
        async with database.read(administrator(), clock) as read_session:
            rows = await store.events.list_events_after(read_session, self.position, ALL, limit)
        if rows and self.random.random() < 0.8:
            self.ids += [row.position for row in rows]
            self.position = (rows[-1].transaction_number, rows[-1].position)
        return len(rows)


@asynccontextmanager
async def open_large_pool(url: str) -> AsyncIterator[Database]:
    engine = create_engine(as_gateway(url), PoolSettings(size=WRITERS + READERS, overflow=0))
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


async def write(database: Database, clock: Clock, random: Random, transactions: int) -> None:
    """Run transactions that record some events each, commit after a random pause, or are rolled back."""

    async def work(tx: Transaction) -> None:
        await asyncio.sleep(random.uniform(0, MAX_PAUSE_SECONDS))
        row = {"employer_id": None, "id": tx.new_id(IdPrefix.GROUP_CONTRACT)}
        for _ in range(random.randint(1, 3)):
            await store.history.insert_events(tx, [store.history.coverage_event(tx, row, "UPDATED", after={})])
            await asyncio.sleep(random.uniform(0, MAX_PAUSE_SECONDS))
        if random.random() < 0.2:
            raise Undone

    for _ in range(transactions):
        try:
            await database.transact(administrator(), clock, work)
        except Undone:
            continue


async def read_all_ids(database: Database, clock: Clock) -> list[str]:
    """Return the IDs of all committed events in the order of the feed."""
    query = text("SELECT id FROM events ORDER BY transaction_number, id")
    async with database.read(administrator(), clock) as read_session:
        result: Any = await read_session.session.execute(query)
        return list(result.scalars())


async def check_readers(url: str, clock: Clock, seed: int, transactions: int) -> None:
    """Check that readers beside writers, and readers that resume from one of their positions, miss no event."""
    random = Random(seed)  # noqa: S311 - a test
    async with open_large_pool(url) as database:
        readers = [Reader(Random(random.random())) for _ in range(READERS)]  # noqa: S311
        writers = asyncio.gather(
            *(write(database, clock, Random(random.random()), transactions) for _ in range(WRITERS))  # noqa: S311
        )

        async def read(reader: Reader) -> None:
            while not writers.done() or await reader.read_page(database, clock):
                await reader.read_page(database, clock)

        await asyncio.gather(writers, *map(read, readers))
        expected = await read_all_ids(database, clock)
        assert len(expected) >= WRITERS * transactions
        for reader in readers:
            while await reader.read_page(database, clock):
                pass
            assert reader.ids == expected


@pytest.mark.parametrize("seed", range(2))
async def test_readers_beside_sixteen_writers_get_each_event_once_in_one_order(
    owner_url: str, clock: Clock, seed: int
) -> None:
    await check_readers(owner_url, clock, seed, transactions=6)


@pytest.mark.conformance
@pytest.mark.parametrize("seed", range(10, 22))
async def test_readers_beside_sixteen_long_writers_get_each_event_once_in_one_order(
    owner_url: str, clock: Clock, seed: int
) -> None:
    await check_readers(owner_url, clock, seed, transactions=60)
