"""Employers: reads and locks."""

from typing import Any

from sqlalchemy import Select, select

from benegraph.db.models import Employer
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import Transaction
from benegraph.db.store.conditions import visibility_conditions
from benegraph.db.store.row_queries import OneByKey, PagedRows


def rows(scope: QueryScope) -> Select[Any]:
    """Employers the viewer may see."""
    return select(*Employer.__table__.c).where(*visibility_conditions(scope, Employer, Employer.id))


by_ids = OneByKey(rows, Employer.id)
page = PagedRows(rows, None, {"ID": (Employer.id,)})


async def lock(tx: Transaction, id: str, *, shared: bool = False) -> Employer | None:
    """Lock an employer: shared by those who change its people, alone by those who open and close its plan years.

    So nobody is hired unseen while enrollments are issued.
    """
    statement = select(Employer).where(*visibility_conditions(tx.scope, Employer, Employer.id), Employer.id == id)
    return await tx.session.scalar(statement.with_for_update(read=shared, key_share=not shared))
