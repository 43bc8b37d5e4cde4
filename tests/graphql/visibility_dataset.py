"""A company of one, and a world of two tenants whose two employers each have some of everything."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from visibility_carrier_rows import make_carrier_rows

from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.domain.enrollments.life_events import LifeEventStatus
from benegraph.domain.enrollments.status import CloseReason, WindowReason
from benegraph.domain.people import EmploymentClass
from benegraph.domain.values import Clock
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
from factories.catalog import make_carrier_plan, make_product
from factories.employers import make_employer
from factories.enrollments import make_enrollment, make_event, make_life_event
from factories.people import make_dependent, make_employee
from factories.plan_years import make_class, make_plan, make_plan_year


@dataclass(frozen=True)
class VisibilityRow:
    """A row, and all that decides who may see it; None where it does not matter."""

    id: str
    tenant: str
    employer: str | None = None
    employee: str | None = None
    #: Whose employees alone may see it, where they may at all.
    offered_by: str | None = None
    draft: bool = False
    employment: EmploymentClass | None = None
    #: Another employer who may see it too, but none of its employees: a subscriber is covered under its contract.
    covering: str | None = None
    #: What a group is billed, and who else is covered, is no employee's business.
    premium: bool = False


@dataclass
class VisibilityDataset:
    rows: list[VisibilityRow] = field(default_factory=list)
    viewers: list[Viewer] = field(default_factory=list)
    employment: dict[str, EmploymentClass] = field(default_factory=dict)
    #: What each employee is enrolled in.
    elections: dict[str, str] = field(default_factory=dict)

    def ids_visible_to(self, viewer: Viewer) -> set[str]:
        """Tell the ids of all that a viewer may see, by the design's table of who reads what."""
        return {thing.id for thing in self.rows if self._is_seen(thing, viewer)}

    def _is_seen(self, thing: VisibilityRow, viewer: Viewer) -> bool:
        if thing.tenant != viewer.tenant_id:
            return False
        if viewer.employer_id is not None and thing.employer not in (None, viewer.employer_id):
            return viewer.employee_id is None and thing.covering == viewer.employer_id
        if viewer.employee_id is None:
            return True
        return (
            thing.employee in (None, viewer.employee_id)
            and thing.offered_by in (None, viewer.employer_id)
            and thing.employment in (None, self.employment[viewer.employee_id])
            and not thing.draft
            and not thing.premium
        )


async def make_company(database: Database, clock: Clock) -> dict[str, str]:
    """Make an employer with one employee, and a plan year in open enrollment that offers one plan."""
    employer, product = await make_employer(database, clock), await make_product(database, clock)
    plan_year = await make_plan_year(database, clock, employer=employer, product=product)
    return {
        "employer": employer,
        "product": product,
        "plan_year": plan_year,
        "plan": await make_plan(database, clock, plan_year=plan_year),
        "class": await make_class(database, clock, plan_year=plan_year),
        "employee": await make_employee(database, clock, employer=employer),
    }


async def make_visibility_dataset(database: Database, clock: Clock) -> VisibilityDataset:
    dataset = VisibilityDataset()
    for tenant in ("acme", "globex"):
        dataset.viewers += [administrator(tenant), service_viewer(tenant)]
        for name in ("One", "Two"):
            await _add_employer(dataset, database, clock, tenant, name)
        await _add_carrier(dataset, database, clock, tenant)
    return dataset


async def _add_employer(dataset: VisibilityDataset, database: Database, clock: Clock, tenant: str, name: str) -> None:
    employer = await make_employer(database, clock, tenant=tenant, name=name)
    dataset.viewers += [employer_viewer(employer, tenant), service_viewer(tenant, employer)]

    def add(id: str, **facts: Any) -> str:
        dataset.rows.append(VisibilityRow(id, tenant, **facts))
        return id

    add(employer, employer=employer)
    plan_year = plan = ""
    for draft in (True, False):
        product = await make_product(database, clock, tenant=tenant)
        carrier_plan = await make_carrier_plan(database, clock, tenant=tenant, product=product)
        add(product, offered_by=employer, draft=draft)
        add(carrier_plan, offered_by=employer, draft=draft)
        opened_on = None if draft else date(2026, 11, 1)
        plan_year = await make_plan_year(
            database, clock, tenant=tenant, employer=employer, product=product, opened_on=opened_on
        )
        plan = await make_plan(database, clock, tenant=tenant, plan_year=plan_year)
        add(plan_year, employer=employer, draft=draft)
        add(plan, employer=employer, draft=draft)
        for employment in (EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME):
            terms = await make_class(database, clock, tenant=tenant, plan_year=plan_year, employment=employment)
            add(terms, employer=employer, draft=draft, employment=employment)
    for employment in (EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME):
        person = await make_employee(database, clock, tenant=tenant, employer=employer, employment_class=employment)
        dataset.employment[person] = employment
        dataset.viewers.append(employee_viewer(employer, person, tenant))
        add(person, employer=employer, employee=person)
        belongings = await _make_belongings(database, clock, tenant, person, plan_year, plan)
        dataset.elections[person] = belongings[1]
        for id in belongings:
            add(id, employer=employer, employee=person)


async def _add_carrier(dataset: VisibilityDataset, database: Database, clock: Clock, tenant: str) -> None:
    staff = {
        thing.id: (str(thing.employer), dataset.elections[thing.id])
        for thing in dataset.rows
        if thing.tenant == tenant and thing.id in dataset.elections
    }
    seen = await make_carrier_rows(database, clock, tenant, staff)
    dataset.rows += [VisibilityRow(id, tenant, **facts) for id, facts in seen]


async def _make_belongings(
    database: Database, clock: Clock, tenant: str, person: str, plan_year: str, plan: str
) -> list[str]:
    dependent = await make_dependent(database, clock, tenant=tenant, employee=person)
    election = await make_enrollment(
        database,
        clock,
        tenant=tenant,
        employee=person,
        plan_year=plan_year,
        plan=plan,
        covers={dependent: None},
        closed_on=date(2027, 2, 1),
        close_reason=CloseReason.REISSUED,
    )
    happened = await make_life_event(
        database,
        clock,
        tenant=tenant,
        employee=person,
        dependent=dependent,
        status=LifeEventStatus.APPROVED,
        notes="Ours",
        review_notes="Theirs",
    )
    reissued = await make_enrollment(
        database,
        clock,
        tenant=tenant,
        employee=person,
        plan_year=plan_year,
        reason=WindowReason.LIFE_EVENT,
        window=(date(2026, 11, 10), date(2026, 12, 10)),
        replaces=election,
        life_event=happened,
    )
    events = [
        await make_event(database, clock, tenant=tenant, employee=person, subject=subject)
        for subject in (election, reissued)
    ]
    # History of other rows is no node of the graph: it must not show either.
    await make_event(database, clock, tenant=tenant, employee=person, subject=person)
    return [dependent, election, happened, reissued, *events]
