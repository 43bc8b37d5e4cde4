"""Filling: the three demo tenants, once, and whom to try things on in the first of them."""

from dataclasses import dataclass
from random import Random

from benegraph.db import store
from benegraph.db.session import Database, ReadSession, Transaction
from benegraph.db.store.people import EmployeeFilter
from benegraph.db.store.row_queries import PageWindow
from benegraph.demo.bulk_insert import write
from benegraph.demo.employers import Plot, tell_employer
from benegraph.demo.plan_years import Phase
from benegraph.demo.random_source import dice
from benegraph.demo.sample_people import FIRST
from benegraph.demo.shared_records import break_ground
from benegraph.demo.times_of_day import day_of
from benegraph.domain.access import Role, Viewer
from benegraph.domain.enrollments.status import WindowReason
from benegraph.domain.errors import BenegraphError
from benegraph.domain.values import Clock

#: The demo's tenants, with their names; the first is the one to try things in.
TENANTS = {"demo": "Demo Benefits", "demo-coast": "Coastline Benefits", "demo-plains": "Plainsong Benefits"}
#: The one of them in which each change of an invoice brings paid-through up to date.
KEEPS_UP = "demo-coast"

_PHASES = (Phase.OPEN, Phase.CLOSING, Phase.CLOSED, Phase.DRAFTED)
_SMALLEST, _LARGEST = 5, 120
_ROOM_FOR_A_CAST = 24
_OPERATOR = "demo"


class NotTheDemo(BenegraphError):
    """The demo's tenant holds employers, but not the demo's."""


@dataclass(frozen=True, slots=True)
class DemoHandles:
    """An employee on whom every mutation can be tried, and what open enrollment has for them: medical, dental, vision.

    The ids stay the same when they have been answered.
    """

    tenant_id: str
    employer_id: str
    employee_id: str
    pending_enrollment_ids: tuple[str, ...]


async def fill(database: Database, clock: Clock, seed: int) -> DemoHandles:
    """Fill the demo's tenants, each as a whole and once; give the handles, as found in the database.

    Raises NotTheDemo where the first tenant's employers are somebody else's.
    """
    sizes = _sizes(dice("demo", seed))
    for place, tenant_id in enumerate(TENANTS):
        await _fill_tenant(database, clock, tenant_id, seed, sizes[place :: len(TENANTS)])
    viewer = Viewer(next(iter(TENANTS)), _OPERATOR, Role.ADMINISTRATOR)
    async with database.read(viewer, clock) as read_session:
        return await _find_handles(read_session)


async def _fill_tenant(database: Database, clock: Clock, tenant_id: str, seed: int, sizes: list[int]) -> None:
    today = day_of(clock)
    broken = break_ground(("demo", seed, tenant_id), today, auto_paid_through=tenant_id == KEEPS_UP)
    viewer = Viewer(tenant_id, _OPERATOR, Role.ADMINISTRATOR)

    async def story(tx: Transaction) -> None:
        await store.access.insert_tenant(tx, TENANTS[tenant_id])
        if (await store.employers.page(tx, [""], PageWindow(1)))[""].rows:
            return
        await store.billing.set_auto_paid_through(tx, on=broken.ground.auto_paid_through)
        plots = [
            Plot(number, size, phase, has_cast=phase is Phase.OPEN, before=sum(sizes[:number]))
            for number, (size, phase) in enumerate(zip(sizes, _PHASES, strict=True))
        ]
        await write(tx, [broken.ledger, *(tell_employer(broken.ground, plot) for plot in plots)])

    # The tenant is as old as its first row, not as this run.
    await database.transact(viewer, Clock(broken.made_at, clock.fixed_on), story)


def _sizes(rng: Random) -> list[int]:
    """Draw twelve employers' sizes, the three largest first: they have a cast to house."""
    drawn = (int(rng.lognormvariate(3.2, 0.8)) for _ in range(len(TENANTS) * len(_PHASES)))
    sizes = sorted((min(max(size, _SMALLEST), _LARGEST) for size in drawn), reverse=True)
    return [max(size, _ROOM_FOR_A_CAST) if place < len(TENANTS) else size for place, size in enumerate(sizes)]


async def _find_handles(read_session: ReadSession) -> DemoHandles:
    found = await store.people.page(
        read_session, [""], PageWindow(1, order=(("CREATED_AT", False),), filter=EmployeeFilter(external_id=FIRST))
    )
    if not found[""].rows:
        raise NotTheDemo(f"The tenant {read_session.viewer.tenant_id} holds employers, but not the demo's.")
    employee = found[""].rows[0]
    held = (await store.enrollments.of_employees(read_session, [employee.id], PageWindow(100)))[employee.id].rows
    offered = [row for row in held if row.reason is WindowReason.OPEN_ENROLLMENT]
    latest = max(row.effective_on for row in offered)
    ids = tuple(row.id for row in offered if row.effective_on == latest)
    return DemoHandles(employee.tenant_id, employee.employer_id, employee.id, ids)
