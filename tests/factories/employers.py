"""Employers and their divisions."""

from benegraph.db.models import Division, Employer
from benegraph.db.session import Database
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import Clock
from factories.access import TENANT, insert, make_tenant


async def make_employer(
    database: Database,
    clock: Clock,
    *,
    tenant: str = TENANT,
    name: str = "Acme Inc.",
    time_zone: str = "America/New_York",
    active: bool = True,
) -> str:
    """Insert an employer, and its tenant unless it exists."""
    await make_tenant(database, clock, tenant=tenant)
    row = {"name": name, "time_zone": time_zone, "active": active}
    (id,) = await insert(database, clock, tenant, Employer, row, prefix=IdPrefix.EMPLOYER)
    return id


async def make_division(
    database: Database,
    clock: Clock,
    *,
    employer: str,
    tenant: str = TENANT,
    code: str = "D1",
    name: str = "Warehouse",
    active: bool = True,
) -> str:
    """Insert a division of an employer."""
    row = {"employer_id": employer, "code": code, "name": name, "active": active}
    (id,) = await insert(database, clock, tenant, Division, row, prefix=IdPrefix.DIVISION)
    return id
