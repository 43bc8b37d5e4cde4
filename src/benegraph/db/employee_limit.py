"""Reads that a service makes for an employee beyond the employee's own rights."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from benegraph.db.rights import rights_of, set_rights_sql
from benegraph.db.session import Transaction
from benegraph.domain.access import Role


@asynccontextmanager
async def without_employee_limit(tx: Transaction) -> AsyncIterator[Transaction]:
    """Yield the transaction with the rights of the viewer's employer, for reads whose rows the viewer never sees.

    A viewer that is not limited to one employee keeps their rights. After an exception the transaction is rolled back,
    so the viewer's own rights are not set again.
    """
    if tx.viewer.employee_id is None:
        yield tx
        return
    employer = replace(tx.viewer, role=Role.EMPLOYER, employee_id=None)
    await tx.driver.execute(set_rights_sql(rights_of(employer)))
    yield replace(tx, viewer=employer)
    await tx.driver.execute(set_rights_sql(rights_of(tx.viewer)))
