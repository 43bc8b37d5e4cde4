"""What copying takes: all coverage of record, a page at a time, as of one moment; and plans for a table that grows."""

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
# Whoever takes the pages may pause between two: a person who looks at them. And the unique index has this order: the
# planner, which takes policies for choosy, would rather sort all that is left for each page.
_SETTINGS = text(
    "SELECT set_config('idle_in_transaction_session_timeout', '0', true), set_config('enable_sort', 'off', true)"
)
_FORGET = text("DISCARD PLANS")


async def discard_plans(tx: Transaction) -> None:
    """Have the connection plan its statements anew, for the table as large as it is by now.

    A plan made while there was next to nothing reads all coverage of the tenant, and nothing else would replace it
    before the table is analyzed.
    """
    await tx.session.execute(_FORGET)


def with_snapshot_reads(database: Database) -> Database:
    """Give the same database, whose reads see throughout what was there when they began."""
    engine = database.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return replace(database, engine=engine)


async def iterate_pages(read_session: ReadSession, size: int = PAGE_SIZE) -> AsyncIterator[Sequence[Row[Any]]]:
    """Fetch all coverage the viewer may see, so many rows at a time."""
    await read_session.session.execute(_SETTINGS)
    rows = select(*SubscriberEnrollment.__table__.columns).where(
        *visibility_conditions(
            read_session.scope, SubscriberEnrollment, SubscriberEnrollment.employer_id, SubscriberEnrollment.employee_id
        )
    )
    page = rows
    while True:
        found = (await read_session.session.execute(page.order_by(*_KEY).limit(size))).all()
        if found:
            yield found
        if len(found) < size:
            return
        last = [literal(getattr(found[-1], column.key), column.type) for column in _KEY]
        page = rows.where(tuple_(*_KEY) > tuple_(*last))
