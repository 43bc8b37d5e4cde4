"""Races against real locks.

A bystander holds a row lock until every runner waits for a lock, so all of them are under way before one can go on.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from benegraph.domain.errors import Refused
from conftest import connect

#: One less than the connections of the tests' pool, which leaves one to spare.
MAX_WAITING = 9

#: Counts the sessions of this database that wait for a lock.
COUNT_WAITING = """
    SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid IN (
        SELECT pid FROM pg_locks
        WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""

#: "done" and the result, or the code of the first violated rule and None.
Outcome = tuple[str, Any]


async def race(owner_url: str, table: str, id: str, *runners: Coroutine[Any, Any, Any]) -> list[Outcome]:
    """Start all runners, release the row once they wait for a lock, and return the outcome of each."""
    async with lock_row(owner_url, table, id) as bystander:
        tasks = [asyncio.create_task(outcome_of(runner)) for runner in runners]
        while not all(task.done() for task in tasks):
            waiting = await bystander.fetchval(COUNT_WAITING)
            if waiting >= min(MAX_WAITING, sum(not task.done() for task in tasks)):
                break
            await asyncio.sleep(0.005)
    return await asyncio.gather(*tasks)


async def outcome_of(runner: Coroutine[Any, Any, Any]) -> Outcome:
    try:
        return "done", await runner
    except Refused as refused:
        return str(refused.violations[0].code), None


def tally(outcomes: list[Outcome]) -> Counter[str]:
    return Counter(code for code, _ in outcomes)


@asynccontextmanager
async def lock_row(owner_url: str, table: str, id: str) -> AsyncIterator[asyncpg.Connection]:
    """Lock a row on a connection of the owner's, and release it at the end."""
    bystander = await connect(owner_url)
    try:
        async with bystander.transaction():
            await bystander.execute(f"SELECT FROM {table} WHERE id = $1 FOR UPDATE", id)
            yield bystander
    finally:
        await bystander.close()


async def wait_for_waiter(bystander: asyncpg.Connection) -> None:
    """Wait until some session waits for a lock."""
    while True:
        if await bystander.fetchval(COUNT_WAITING):
            return
        await asyncio.sleep(0.005)
