"""Bulk export and import of coverage: pages of one snapshot, and query plans for a growing table."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, literal, select, text, tuple_

from benegraph.db.models import SubscriberEnrollment
from benegraph.db.session import Database, ReadSession, Transaction
from benegraph.db.store.conditions import visibility_conditions

PAGE_SIZE = 1000
_KEY = (
    SubscriberEnrollment.subscriber_id,
    SubscriberEnrollment.group_id,
    SubscriberEnrollment.division_id,
    SubscriberEnrollment.group_coverage_start,
    SubscriberEnrollment.start_date,
)
# The reader may pause between two pages, for example a person in a pager. And the unique index has the order of the
# pages; the planner, which expects the policies to exclude most rows, would sort all remaining rows for each page.
_EXPORT_SETTINGS = text(
    "SELECT set_config('idle_in_transaction_session_timeout', '0', true), set_config('enable_sort', 'off', true)"
)
_DISCARD_PLANS = text("DISCARD PLANS")


async def discard_plans(tx: Transaction) -> None:
    """Discard the connection's query plans, so that new ones are made for the table's current size.

    A plan that was made while the table was nearly empty reads all coverage of the tenant, and PostgreSQL would keep it
    until the table is analyzed.
    """
    await tx.session.execute(_DISCARD_PLANS)


def with_snapshot_reads(database: Database) -> Database:
    """Return the same database with repeatable reads: each session sees one snapshot of the data."""
    engine = database.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return replace(database, engine=engine)


async def iterate_pages(read_session: ReadSession, size: int = PAGE_SIZE) -> AsyncIterator[Sequence[Row[Any]]]:
    """Yield all coverage that the viewer may see, in pages of `size` rows, in the order of its key."""
    await read_session.session.execute(_EXPORT_SETTINGS)
    rows = select(*SubscriberEnrollment.__table__.columns).where(
        *visibility_conditions(
            read_session.scope, SubscriberEnrollment, SubscriberEnrollment.employer_id, SubscriberEnrollment.employee_id
        )
    )
    page = rows
    while True:
        page_rows = (await read_session.session.execute(page.order_by(*_KEY).limit(size))).all()
        if page_rows:
            yield page_rows
        if len(page_rows) < size:
            return
        last = [literal(getattr(page_rows[-1], column.key), column.type) for column in _KEY]
        page = rows.where(tuple_(*_KEY) > tuple_(*last))
