"""The order of events after the database moves to another server, whose transaction IDs may be lower."""

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from benegraph.db.migrations import migrate
from benegraph.db.migrations.event_order import continue_event_order
from conftest import connect

CONSTANT = "SELECT event_transaction_number('0')"
COMMENT = "SELECT obj_description('event_transaction_number(xid8)'::regprocedure, 'pg_proc')"
INSERT = """
    INSERT INTO events (tenant_id, id, subject_id, action, actor, actor_role, occurred_at, created_at)
    VALUES ('acme', $1, 'acme', 'UPDATED', 'ADMINISTRATOR a', 'ADMINISTRATOR', now(), now())
    RETURNING transaction_number
"""


async def has_continued(url: str) -> bool:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await continue_event_order(connection)
    finally:
        await engine.dispose()


async def pretend_to_be_restored(connection: asyncpg.Connection) -> None:
    """Let the database seem to come from another server."""
    await connection.execute("COMMENT ON FUNCTION event_transaction_number(xid8) IS 'server 1, timeline 1'")


async def test_migration_records_the_server_without_changing_the_order(owner_url: str) -> None:
    connection = await connect(owner_url)
    try:
        row = await connection.fetchrow(
            "SELECT system_identifier, timeline_id FROM pg_control_system(), pg_control_checkpoint()"
        )
        assert row is not None
        assert await connection.fetchval(COMMENT) == "server {}, timeline {}".format(*row)
        assert await connection.fetchval(CONSTANT) == 0
        assert not await has_continued(owner_url)
        assert await connection.fetchval(CONSTANT) == 0
    finally:
        await connection.close()


async def test_events_recorded_after_a_restore_sort_after_all_earlier_ones(owner_url: str) -> None:
    connection = await connect(owner_url)
    try:
        await connection.execute("INSERT INTO tenants (tenant_id, name, created_at) VALUES ('acme', 'Acme', now())")
        before = await connection.fetchval(INSERT, "evnt_01j659cve0e0080m4xhppefpaz")
        for restores in (1, 2):
            await pretend_to_be_restored(connection)
            await migrate(owner_url)
            await migrate(owner_url)  # a second run on the same server changes nothing
            assert await connection.fetchval(CONSTANT) == restores * 2**40
        after = await connection.fetchval(INSERT, "evnt_01j659cve0e0080m4xhppefpaa")
        assert before < 2**40 < 2 * 2**40 < after < 3 * 2**40
        end = await connection.fetchval("SELECT event_transaction_number(pg_snapshot_xmin(pg_current_snapshot()))")
        assert end > after  # the feed does not end before the earlier events
    finally:
        await connection.close()


async def test_earlier_schema_without_the_order_is_left_alone(owner_url: str) -> None:
    connection = await connect(owner_url)
    try:
        await connection.execute("ALTER FUNCTION event_transaction_number(xid8) RENAME TO another")
        assert not await has_continued(owner_url)
    finally:
        await connection.close()
