"""The demo's three tenants, filled once. Every mutation can be tried on the first employee of the first tenant."""

from dataclasses import dataclass
from datetime import date
from random import Random

from benegraph.db import store
from benegraph.db.session import Database, ReadSession, Transaction
from benegraph.db.store.people import EmployeeFilter
from benegraph.db.store.row_queries import PageWindow
from benegraph.demo.bulk_insert import insert_records
from benegraph.demo.employers import EmployerProfile, generate_employer
from benegraph.demo.plan_years import EnrollmentPhase
from benegraph.demo.random_source import random_source
from benegraph.demo.record_buffer import RecordBuffer
from benegraph.demo.sample_people import FIRST_EXTERNAL_ID
from benegraph.demo.shared_records import generate_shared_records, reference_date_of
from benegraph.demo.times_of_day import reference_date
from benegraph.domain.access import Role, Viewer
from benegraph.domain.enrollments.status import WindowReason
from benegraph.domain.errors import BenegraphError
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import Clock

#: The demo's tenants by ID, with their names; the first is the one to try things in.
TENANTS = {"demo": "Demo Benefits", "demo-coast": "Coastline Benefits", "demo-plains": "Plainsong Benefits"}
#: In this tenant paid-through dates are updated with every change of an invoice.
AUTO_PAID_THROUGH_TENANT = "demo-coast"

_PHASES = (EnrollmentPhase.OPEN, EnrollmentPhase.CLOSING, EnrollmentPhase.CLOSED, EnrollmentPhase.DRAFTED)
_MIN_SIZE, _MAX_SIZE = 5, 120
_MIN_SIZE_WITH_SAMPLE_PEOPLE = 24
_OPERATOR = "demo"


class NotADemoTenant(BenegraphError):
    """The demo's tenant has employers that the demo did not generate."""


@dataclass(frozen=True, slots=True)
class DemoIds:
    """The IDs of the demo's first employee, and of their enrollments in next year's medical, dental and vision plans.

    The enrollments are pending at first. Their IDs stay the same once they are answered.
    """

    tenant_id: str
    employer_id: str
    employee_id: str
    pending_enrollment_ids: tuple[str, ...]
    #: The date for which the data was generated. On this date every window that should be open is open.
    generated_for: date
    #: Whether the IDs are those that this version generates from the seed. Another version may have filled the tenants.
    matches_seed: bool


async def fill_demo_tenants(database: Database, clock: Clock, seed: int) -> DemoIds:
    """Fill each demo tenant that has no employers yet, and return the IDs found in the database.

    Raises NotADemoTenant if the first tenant has employers, but not the demo's first employee.
    """
    sizes = _draw_sizes(random_source("demo", seed))
    for index, tenant_id in enumerate(TENANTS):
        await _fill_tenant(database, clock, tenant_id, seed, sizes[index :: len(TENANTS)])
    viewer = Viewer(next(iter(TENANTS)), _OPERATOR, Role.ADMINISTRATOR)
    async with database.read(viewer, clock) as read_session:
        return await _find_demo_ids(read_session, seed)


async def _fill_tenant(database: Database, clock: Clock, tenant_id: str, seed: int, sizes: list[int]) -> None:
    auto_paid_through = tenant_id == AUTO_PAID_THROUGH_TENANT
    seed_words = _seed_words(seed, tenant_id)
    shared = generate_shared_records(seed_words, reference_date(clock), auto_paid_through=auto_paid_through)
    viewer = Viewer(tenant_id, _OPERATOR, Role.ADMINISTRATOR)

    async def fill(tx: Transaction) -> None:
        await store.access.insert_tenant(tx, TENANTS[tenant_id])
        if (await store.employers.page(tx, [""], PageWindow(1)))[""].rows:
            return
        await store.billing.set_auto_paid_through(tx, on=auto_paid_through)
        profiles = [
            EmployerProfile(
                number,
                size,
                phase,
                has_sample_people=phase is EnrollmentPhase.OPEN,
                employees_before=sum(sizes[:number]),
            )
            for number, (size, phase) in enumerate(zip(sizes, _PHASES, strict=True))
        ]
        await insert_records(tx, [shared.records, *(generate_employer(shared.tenant, profile) for profile in profiles)])

    # The tenant is created at the time of its oldest row.
    await database.transact(viewer, Clock(shared.created_at, clock.fixed_on), fill)


def _draw_sizes(rng: Random) -> list[int]:
    """Draw the sizes of all employers, the largest first: the first of each tenant has the sample people."""
    drawn = (int(rng.lognormvariate(3.2, 0.8)) for _ in range(len(TENANTS) * len(_PHASES)))
    sizes = sorted((min(max(size, _MIN_SIZE), _MAX_SIZE) for size in drawn), reverse=True)
    return [
        max(size, _MIN_SIZE_WITH_SAMPLE_PEOPLE) if index < len(TENANTS) else size for index, size in enumerate(sizes)
    ]


async def _find_demo_ids(read_session: ReadSession, seed: int) -> DemoIds:
    window = PageWindow(1, order=(("CREATED_AT", False),), filter=EmployeeFilter(external_id=FIRST_EXTERNAL_ID))
    employees = (await store.people.page(read_session, [""], window))[""].rows
    if not employees:
        raise NotADemoTenant(
            f"The tenant {read_session.viewer.tenant_id} has employers that are not the demo's."
            " Run the demo with another data directory."
        )
    employee = employees[0]
    enrollments = (await store.enrollments.of_employees(read_session, [employee.id], PageWindow(100)))[employee.id].rows
    open_enrollment = [row for row in enrollments if row.reason is WindowReason.OPEN_ENROLLMENT]
    latest = max(row.effective_on for row in open_enrollment)
    ids = tuple(row.id for row in open_enrollment if row.effective_on == latest)
    tenant = (await store.access.tenants(read_session, [employee.tenant_id]))[employee.tenant_id]
    generated_for = reference_date_of(tenant.created_at)
    matches_seed = employee.id == _first_employee_id(seed, employee.tenant_id)
    return DemoIds(employee.tenant_id, employee.employer_id, employee.id, ids, generated_for, matches_seed)


def _first_employee_id(seed: int, tenant_id: str) -> str:
    records = RecordBuffer("", _seed_words(seed, tenant_id))
    return records.new_id(IdPrefix.EMPLOYEE, records.new_id(IdPrefix.EMPLOYER))


def _seed_words(seed: int, tenant_id: str) -> tuple[object, ...]:
    return "demo", seed, tenant_id
