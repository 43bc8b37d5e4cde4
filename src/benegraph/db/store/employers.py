"""Employers: reads and locks."""

from typing import Any

from sqlalchemy import Select, select

from benegraph.db.models import Employer
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import Transaction
from benegraph.db.store.conditions import today_at, visibility_conditions
from benegraph.db.store.row_queries import OneByKey, PagedRows


def rows(scope: QueryScope) -> Select[Any]:
    """Select the employers that the viewer may see, each with today's date in its time zone."""
    return select(*Employer.__table__.c, today_at(scope).label("today")).where(
        *visibility_conditions(scope, Employer, Employer.id)
    )


by_ids = OneByKey(rows, Employer.id)
page = PagedRows(rows, None, {"ID": (Employer.id,)})


async def lock(tx: Transaction, id: str, *, shared: bool = False) -> Employer | None:
    """Lock an employer: shared to change its people, exclusively to open or close its plan years.

    The two locks conflict, so no employee is hired while enrollments are issued.
    """
    statement = select(Employer).where(*visibility_conditions(tx.scope, Employer, Employer.id), Employer.id == id)
    return await tx.session.scalar(statement.with_for_update(read=shared, key_share=not shared))
