"""Employers."""

from benegraph.db.models import Employer
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
