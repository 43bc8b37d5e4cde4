"""A company with one employee, and a dataset of two tenants, each with two employers that have rows of every type."""

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
from factories.employers import make_division, make_employer
from factories.enrollments import (
    feed_id_of,
    make_confirmation,
    make_enrollment,
    make_event,
    make_life_event,
    make_override,
)
from factories.people import make_access_record, make_dependent, make_employee
from factories.plan_years import make_class, make_plan, make_plan_year


@dataclass(frozen=True)
class VisibilityRow:
    """A row, and the facts that decide which viewers may see it. None means that the fact doesn't limit visibility."""

    id: str
    tenant: str
    employer: str | None = None
    employee: str | None = None
    #: Among employees, only those of this employer may see the row.
    offered_by: str | None = None
    draft: bool = False
    employment: EmploymentClass | None = None
    #: Another employer that may see the row because its contract covers the subscriber. Its employees may not see it.
    covering: str | None = None
    #: Whether the row is about a group, its invoices, an override or another person's coverage, which employees may not
    #: see.
    premium: bool = False


@dataclass
class VisibilityDataset:
    """The rows of two tenants, and viewers of every role and scope."""

    rows: list[VisibilityRow] = field(default_factory=list)
    viewers: list[Viewer] = field(default_factory=list)
    employment_classes: dict[str, EmploymentClass] = field(default_factory=dict)
    #: For each employee, the ID of an enrollment with elected coverage.
    elections: dict[str, str] = field(default_factory=dict)

    def ids_visible_to(self, viewer: Viewer) -> set[str]:
        """Return the IDs of all rows that a viewer may see by the design's table of roles."""
        return {row.id for row in self.rows if self._is_visible(row, viewer)}

    def _is_visible(self, row: VisibilityRow, viewer: Viewer) -> bool:
        if row.tenant != viewer.tenant_id:
            return False
        if viewer.employer_id is not None and row.employer not in (None, viewer.employer_id):
            return viewer.employee_id is None and row.covering == viewer.employer_id
        if viewer.employee_id is None:
            return True
        return (
            row.employee in (None, viewer.employee_id)
            and row.offered_by in (None, viewer.employer_id)
            and row.employment in (None, self.employment_classes[viewer.employee_id])
            and not row.draft
            and not row.premium
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
        await _add_carrier_rows(dataset, database, clock, tenant)
    return dataset


async def _add_employer(dataset: VisibilityDataset, database: Database, clock: Clock, tenant: str, name: str) -> None:
    employer = await make_employer(database, clock, tenant=tenant, name=name)
    dataset.viewers += [employer_viewer(employer, tenant), service_viewer(tenant, employer)]

    def add(id: str, **facts: Any) -> str:
        dataset.rows.append(VisibilityRow(id, tenant, **facts))
        return id

    add(employer, employer=employer)
    division = await make_division(database, clock, tenant=tenant, employer=employer)
    add(division, employer=employer, premium=True)
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
            contribution_class = await make_class(
                database, clock, tenant=tenant, plan_year=plan_year, employment=employment
            )
            add(contribution_class, employer=employer, draft=draft, employment=employment)
    for employment in (EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME):
        employee_id = await make_employee(
            database, clock, tenant=tenant, employer=employer, employment_class=employment
        )
        dataset.employment_classes[employee_id] = employment
        dataset.viewers.append(employee_viewer(employer, employee_id, tenant))
        add(employee_id, employer=employer, employee=employee_id)
        owned_ids = await _make_employee_rows(database, clock, tenant, employee_id, plan_year, plan)
        dataset.elections[employee_id] = owned_ids[1]
        owned_ids.append(await make_access_record(database, clock, tenant=tenant, employee=employee_id))
        for id in owned_ids:
            add(id, employer=employer, employee=employee_id)
        override = await make_override(
            database, clock, tenant=tenant, employee=employee_id, enrollment=dataset.elections[employee_id]
        )
        add(override, employer=employer, premium=True)
        # Employees see events of these types neither in the feed nor in history, whose events are those of enrollments.
        revealed = await make_event(
            database, clock, tenant=tenant, employee=employee_id, subject=employee_id, action="REVEALED"
        )
        add(feed_id_of(revealed), employer=employer, premium=True)


async def _add_carrier_rows(dataset: VisibilityDataset, database: Database, clock: Clock, tenant: str) -> None:
    employees = {
        row.id: (str(row.employer), dataset.elections[row.id])
        for row in dataset.rows
        if row.tenant == tenant and row.id in dataset.elections
    }
    carrier_rows = await make_carrier_rows(database, clock, tenant, employees)
    dataset.rows += [VisibilityRow(id, tenant, **facts) for id, facts in carrier_rows]


async def _make_employee_rows(
    database: Database, clock: Clock, tenant: str, employee_id: str, plan_year: str, plan: str
) -> list[str]:
    dependent = await make_dependent(database, clock, tenant=tenant, employee=employee_id)
    election = await make_enrollment(
        database,
        clock,
        tenant=tenant,
        employee=employee_id,
        plan_year=plan_year,
        plan=plan,
        covers={dependent: None},
        closed_on=date(2027, 2, 1),
        close_reason=CloseReason.REISSUED,
    )
    life_event = await make_life_event(
        database,
        clock,
        tenant=tenant,
        employee=employee_id,
        dependent=dependent,
        status=LifeEventStatus.APPROVED,
        notes="Ours",
        review_notes="Theirs",
    )
    reissued = await make_enrollment(
        database,
        clock,
        tenant=tenant,
        employee=employee_id,
        plan_year=plan_year,
        reason=WindowReason.LIFE_EVENT,
        window=(date(2026, 11, 10), date(2026, 12, 10)),
        replaces=election,
        life_event=life_event,
    )
    events = [
        await make_event(database, clock, tenant=tenant, employee=employee_id, subject=subject, reason="Theirs")
        for subject in (election, reissued)
    ]
    confirmation = await make_confirmation(
        database,
        clock,
        tenant=tenant,
        employee=employee_id,
        enrollment=election,
        plan=plan,
        covers={dependent: None},
    )
    return [dependent, election, life_event, reissued, *events, *map(feed_id_of, events), confirmation]
