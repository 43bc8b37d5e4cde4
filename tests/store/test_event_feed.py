"""The event feed: one order of all events, in which no reader that continues from a position misses a late commit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from benegraph.db import store
from benegraph.db.session import Database, Transaction
from benegraph.db.store.events import START_POSITION, EventFilter, FeedPosition
from benegraph.db.store.row_queries import PageWindow
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import Clock
from conftest import connect
from factories.access import administrator

ALL = EventFilter()


async def record(tx: Transaction, *names: str) -> None:
    """Record one event for each name, which is its reason."""
    row = {"employer_id": None, "id": tx.new_id(IdPrefix.GROUP_CONTRACT)}
    events = [store.history.coverage_event(tx, row, "UPDATED", after={}, reason=name) for name in names]
    await store.history.insert_events(tx, events)


async def record_name(tx: Transaction, name: str) -> None:
    await record(tx, name)


def open_transaction(
    database: Database, clock: Clock, work: Callable[[Transaction], Awaitable[None]]
) -> tuple[asyncio.Task[None], asyncio.Event, asyncio.Event]:
    """Begin a transaction in a task; return the task, an event set once `work` is done, and one that ends it."""
    is_done, may_end = asyncio.Event(), asyncio.Event()

    async def run(tx: Transaction) -> None:
        await work(tx)
        is_done.set()
        await may_end.wait()

    return asyncio.create_task(database.transact(administrator(), clock, run)), is_done, may_end


async def read_after(
    database: Database, clock: Clock, position: FeedPosition, filter: EventFilter = ALL, limit: int = 100
) -> tuple[list[str], FeedPosition]:
    """Return the reasons of the events after a position, and the position after them."""
    async with database.read(administrator(), clock) as read_session:
        rows = await store.events.list_events_after(read_session, position, filter, limit)
    return [row.reason for row in rows], _position_of(rows, position)


def _position_of(rows: Sequence[Any], position: FeedPosition) -> FeedPosition:
    return (rows[-1].transaction_number, rows[-1].position) if rows else position


async def test_reader_gets_events_that_an_earlier_transaction_commits_late(database: Database, clock: Clock) -> None:
    await database.transact(administrator(), clock, lambda tx: record(tx, "first"))
    names, position = await read_after(database, clock, START_POSITION)
    assert names == ["first"]
    early, is_recorded, may_end = open_transaction(database, clock, lambda tx: record(tx, "early"))
    await is_recorded.wait()
    await database.transact(administrator(), clock, lambda tx: record(tx, "late"))
    assert await read_after(database, clock, position) == ([], position)  # `late` waits for `early`
    may_end.set()
    await early
    names, after_both = await read_after(database, clock, position)
    assert names == ["early", "late"]
    assert after_both > position


async def test_events_of_one_transaction_keep_the_order_in_which_they_were_recorded(
    database: Database, clock: Clock
) -> None:
    async def work(tx: Transaction) -> None:
        await record(tx, "a", "b")
        await record(tx, "c")

    await database.transact(administrator(), clock, work)
    assert (await read_after(database, clock, START_POSITION))[0] == ["a", "b", "c"]


async def test_pages_of_a_transaction_continue_within_it(database: Database, clock: Clock) -> None:
    await database.transact(administrator(), clock, lambda tx: record(tx, "a", "b", "c"))
    names, position = await read_after(database, clock, START_POSITION, limit=2)
    assert names == ["a", "b"]
    assert (await read_after(database, clock, position, limit=2))[0] == ["c"]


async def test_rolled_back_transaction_leaves_no_event_and_delays_none(database: Database, clock: Clock) -> None:
    await database.transact(administrator(), clock, lambda tx: record(tx, "undone"), dry_run=True)
    await database.transact(administrator(), clock, lambda tx: record(tx, "kept"))
    assert (await read_after(database, clock, START_POSITION))[0] == ["kept"]


async def test_end_position_precedes_the_events_of_transactions_in_progress(database: Database, clock: Clock) -> None:
    await database.transact(administrator(), clock, lambda tx: record(tx, "before"))
    task, is_recorded, may_end = open_transaction(database, clock, lambda tx: record(tx, "in progress"))
    await is_recorded.wait()
    async with database.read(administrator(), clock) as read_session:
        end = await store.events.get_end_position(read_session)
    assert await read_after(database, clock, end) == ([], end)
    may_end.set()
    await task
    assert (await read_after(database, clock, end))[0] == ["in progress"]


async def test_end_position_of_an_empty_feed_is_its_start(database: Database, clock: Clock) -> None:
    async with database.read(administrator(), clock) as read_session:
        assert await store.events.get_end_position(read_session) == START_POSITION


async def test_events_older_than_the_order_come_first_in_order_of_time(
    database: Database, owner_url: str, clock: Clock
) -> None:
    await database.transact(administrator(), clock, lambda tx: record(tx, "old 1", "old 2"))
    await database.transact(administrator(), clock, lambda tx: record(tx, "new"))
    owner = await connect(owner_url)
    await owner.execute("UPDATE events SET transaction_number = 0 WHERE reason LIKE 'old%'")
    await owner.close()
    names, position = await read_after(database, clock, START_POSITION, limit=2)
    assert (names, position[0]) == (["old 1", "old 2"], 0)
    assert (await read_after(database, clock, position))[0] == ["new"]


async def test_since_returns_events_by_their_instant_also_where_the_feed_is_not_sorted_by_it(
    database: Database, clock: Clock
) -> None:
    for name, minutes in (("noon", 0), ("later", 30), ("earlier", -30), ("latest", 60)):
        at = Clock(clock.now + timedelta(minutes=minutes), clock.fixed_on)
        await database.transact(administrator(), at, partial(record_name, name=name))
    for minutes, expected in ((-30, ["noon", "later", "earlier", "latest"]), (0, ["noon", "later", "latest"])):
        since = EventFilter(since=clock.now + timedelta(minutes=minutes))
        names, position = await read_after(database, clock, START_POSITION, since, limit=1)
        assert names == expected[:1]
        assert (await read_after(database, clock, position, since))[0] == expected[1:]
        assert (await read_after(database, clock, START_POSITION, since))[0] == expected
    assert (await read_after(database, clock, START_POSITION, EventFilter(since=clock.now + timedelta(hours=2))))[
        0
    ] == []


async def test_types_are_merged_in_the_order_of_the_feed(database: Database, clock: Clock) -> None:
    async def work(tx: Transaction) -> None:
        row = {"employer_id": None, "id": tx.new_id(IdPrefix.GROUP_CONTRACT)}
        for action in ("CREATED", "UPDATED", "ENDED", "UPDATED", "CREATED"):
            await store.history.insert_events(
                tx, [store.history.coverage_event(tx, row, action, after={}, reason=action)]
            )

    await database.transact(administrator(), clock, work)
    wanted = EventFilter(keys=("grpc.CREATED", "grpc.UPDATED"))
    names, position = await read_after(database, clock, START_POSITION, wanted, limit=3)
    assert names == ["CREATED", "UPDATED", "UPDATED"]
    assert (await read_after(database, clock, position, wanted))[0] == ["CREATED"]
    assert (await read_after(database, clock, START_POSITION, EventFilter(keys=())))[0] == []
    async with database.read(administrator(), clock) as read_session:
        last = await store.events.page(read_session, [""], PageWindow(None, filter=wanted, last=2))
    assert ([row.reason for row in last[""].rows], last[""].has_previous_page) == (["UPDATED", "CREATED"], True)
