"""`Office`: calls the services as a benefits administrator would, so that all their rules hold.

Its employer is in New York, and today is 20 November 2026, within the open enrollment of plan year 2027.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any, Concatenate, ParamSpec, TypeVar

import pytest
from sqlalchemy import ARRAY, Text, bindparam, text

from benegraph.db import store
from benegraph.db.base import Base
from benegraph.db.query_scope import ScopeShape, scope_parameters
from benegraph.db.session import Database, Transaction
from benegraph.db.store.row_queries import PARENT_KEY, PageWindow
from benegraph.domain.access import Viewer
from benegraph.domain.catalog import CoverageTier, PlanTerms, PlanTier, ProductCategory, TierRate
from benegraph.domain.enrollments.elections import Election
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.enrollments.status import ElectionDecision
from benegraph.domain.errors import Refused
from benegraph.domain.people import EmploymentClass, PersonalDetails, Relationship
from benegraph.domain.plan_years import ContributionTerms, PlanYearDates, RenewalMode, WaitingPeriod
from benegraph.domain.values import Clock
from benegraph.services import enrollments, people, plan_years
from benegraph.services.catalog import add_product
from benegraph.services.employers import add_employer
from benegraph.services.enrollments import ElectionOutcome
from benegraph.services.enrollments.life_events import LifeEventReport
from factories.access import TENANT, administrator

P = ParamSpec("P")
T = TypeVar("T")

TODAY = date(2026, 11, 20)
DATES = PlanYearDates(date(2027, 1, 1), date(2027, 12, 31), date(2026, 11, 1), date(2026, 11, 30))
#: The year before. An employee hired today is eligible for both.
DATES_2026 = PlanYearDates(date(2026, 1, 1), date(2026, 12, 31), date(2025, 11, 1), date(2025, 11, 30))

EE, ES, EC, EF = CoverageTier.EE, CoverageTier.ES, CoverageTier.EC, CoverageTier.EF
#: GOLD has a rate for every tier, SILVER none for EF, FLAT none at all.
PLANS = (
    PlanTerms(
        "GOLD",
        "Gold PPO",
        PlanTier.GOLD,
        50_000,
        150_000,
        600_000,
        (TierRate(EE, 50_000), TierRate(ES, 100_000), TierRate(EC, 90_000), TierRate(EF, 140_000)),
    ),
    PlanTerms("SILVER", "Silver HMO", PlanTier.SILVER, 40_000, rates=(TierRate(ES, 82_000), TierRate(EC, 74_000))),
    PlanTerms("FLAT", "Flat", None, 30_000),
)
#: Part-time employees have contributions for EE only, other classes than full time have none.
CLASSES = (
    ContributionTerms(EmploymentClass.FULL_TIME, CoverageTier.UNSPECIFIED, 10_000, 45_000),
    ContributionTerms(EmploymentClass.FULL_TIME, EF, 20_000, 90_000),
    ContributionTerms(EmploymentClass.PART_TIME, EE, 20_000, 10_000),
)

TableRows = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Office:
    """Calls the services for one employer, on one day and as one viewer. Each call has a transaction of its own."""

    database: Database
    employer: str
    product: str
    viewer: Viewer
    today: date = TODAY
    request_id: str | None = "request-1"
    _milliseconds: Iterator[int] = field(default_factory=count)

    def on_day(self, day: date) -> "Office":
        return replace(self, today=day)

    def as_viewer(self, viewer: Viewer) -> "Office":
        return replace(self, viewer=viewer)

    def clock(self) -> Clock:
        """Return a clock a millisecond later than the last one, so that later rows sort later."""
        now = datetime.combine(self.today, time(12), UTC) + timedelta(milliseconds=next(self._milliseconds))
        return Clock(now, self.today)

    async def run(
        self, service: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **options: P.kwargs
    ) -> T:
        """Call a service in a transaction of its own."""
        return await self.database.transact(
            self.viewer, self.clock(), lambda tx: service(tx, *args, **options), request_id=self.request_id
        )

    async def dry_run(
        self, service: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **options: P.kwargs
    ) -> T:
        """Call a service and roll its transaction back."""
        return await self.database.transact(
            self.viewer, self.clock(), lambda tx: service(tx, *args, **options), dry_run=True
        )

    async def refusals(self, call: Coroutine[Any, Any, Any]) -> list[str]:
        """Return the violations that the call raises, as `CODE dotted.path`, and check that it changed no row."""
        before = await self.read_all_rows()
        with pytest.raises(Refused) as refused:
            await call
        assert await self.read_all_rows() == before
        return [f"{violation.code} {'.'.join(violation.field or ())}".strip() for violation in refused.value.violations]

    async def read_all_rows(self) -> TableRows:
        """Return all rows of the tenant, by table and key."""
        async with self.database.read(administrator(self.viewer.tenant_id), self.clock()) as read_session:
            rows = (await read_session.session.execute(_ALL_ROWS)).all()
        tables: TableRows = {name: {} for name in Base.metadata.tables}
        for row in rows:
            tables[row.name][row.key] = row.content
        return tables

    # ------------------------------------------------------------------------------------------------- people

    async def hire(
        self,
        first_name: str = "Ada",
        *,
        employment_class: EmploymentClass = EmploymentClass.FULL_TIME,
        hired_on: date = date(2020, 1, 6),
        external_id: str | None = None,
        ssn: str | None = None,
    ) -> str:
        person = PersonalDetails(first_name, "Adams", None, date(1985, 5, 17), external_id)
        new_hire = people.NewHire(person, employment_class, hired_on, ssn=ssn)
        return await self.run(people.hire_employee, self.employer, new_hire)

    async def add_child(self, employee: str, born: date = date(2015, 8, 30), *, disabled: bool = False) -> str:
        return await self.run(
            people.add_dependent, employee, "Ben", "Adams", born, Relationship.CHILD, disabled=disabled
        )

    async def add_spouse(self, employee: str) -> str:
        return await self.run(
            people.add_dependent, employee, "Eve", "Adams", date(1986, 2, 3), Relationship.SPOUSE, disabled=False
        )

    async def update_employee(self, employee: str, version: int | None = None, **changes: Any) -> None:
        await self.run(people.update_employee, employee, changes, version)

    async def update_dependent(self, dependent: str, version: int | None = None, **changes: Any) -> None:
        await self.run(people.update_dependent, dependent, changes, version)

    async def terminate_employee(
        self, employee: str, on: date, reason: str | None = None, version: int | None = None
    ) -> None:
        await self.run(people.terminate_employee, employee, on, reason, version)

    async def reinstate_employee(self, employee: str, reason: str | None = None, version: int | None = None) -> None:
        await self.run(people.reinstate_employee, employee, reason, version)

    # --------------------------------------------------------------------------------------------- plan years

    async def draft_plan_year(
        self,
        dates: PlanYearDates = DATES,
        *,
        classes: Sequence[ContributionTerms] = CLASSES,
        plans: Sequence[PlanTerms] | None = None,
        waiting: WaitingPeriod = WaitingPeriod(),  # noqa: B008 - frozen
        renewal: RenewalMode = RenewalMode.ACTIVE,
    ) -> str:
        draft = plan_years.PlanYearDraft(self.employer, self.product, dates, classes, plans, waiting, renewal)
        return await self.run(plan_years.create_plan_year, draft)

    async def open_enrollment(self, plan_year: str, version: int | None = None) -> int:
        return await self.run(plan_years.open_enrollment, plan_year, version)

    async def open_plan_year(self, dates: PlanYearDates = DATES, **options: Any) -> str:
        """Create a plan year and open its enrollment."""
        id = await self.draft_plan_year(dates, **options)
        await self.open_enrollment(id)
        return id

    async def close_enrollment(self, plan_year: str, version: int | None = None) -> int:
        return await self.run(plan_years.close_enrollment, plan_year, version)

    async def update_plan_year(
        self,
        plan_year: str,
        version: int | None = None,
        classes: Sequence[ContributionTerms] | None = None,
        plans: Sequence[PlanTerms] | None = None,
        **changes: Any,
    ) -> None:
        await self.run(plan_years.update_plan_year, plan_year, changes, classes, plans, version)

    # -------------------------------------------------------------------------------------------- enrollments

    async def elect(self, employee: str, *choices: Election) -> list[ElectionOutcome]:
        return await self.run(enrollments.elect, employee, choices)

    async def reopen_election(self, enrollment: str, version: int | None = None) -> None:
        await self.run(enrollments.reopen_election, enrollment, version)

    async def report_life_event(
        self,
        employee: str,
        event_type: LifeEventType = LifeEventType.BIRTH,
        event_on: date | None = None,
        dependent: str | None = None,
        notes: str | None = None,
    ) -> str:
        """Report a life event, by default of today."""
        report = LifeEventReport(event_type, event_on or self.today, dependent, notes)
        return await self.run(enrollments.report_life_event, employee, report)

    async def review_life_event(
        self,
        life_event: str,
        status: LifeEventStatus = LifeEventStatus.APPROVED,
        notes: str | None = None,
        version: int | None = None,
    ) -> None:
        await self.run(enrollments.review_life_event, life_event, status, notes, version)

    async def approve_life_event(
        self, employee: str, event_type: LifeEventType = LifeEventType.BIRTH, event_on: date | None = None
    ) -> str:
        """Report a life event and approve it."""
        id = await self.report_life_event(employee, event_type, event_on)
        await self.review_life_event(id)
        return id

    async def reissue(
        self, enrollment: str, life_event: str, reason: str | None = None, version: int | None = None
    ) -> str:
        return await self.run(enrollments.reissue_enrollment, enrollment, life_event, reason, version)

    # -------------------------------------------------------------------------------------------------- reads

    async def enrollments(self, employee: str) -> list[Any]:
        """Return an employee's enrollments as the GraphQL API shows them today, oldest first."""
        return (await self.enrollments_of([employee]))[employee]

    async def enrollments_of(self, employees: Sequence[str]) -> dict[str, list[Any]]:
        """Return the enrollments of each employee, by employee ID."""
        rows_by_employee: dict[str, list[Any]] = {employee: [] for employee in employees}
        viewer, clock = administrator(self.viewer.tenant_id), self.clock()
        async with self.database.read(viewer, clock) as read_session:
            values = {**scope_parameters(viewer, clock), "employees": list(employees)}
            for row in await read_session.session.execute(_ENROLLMENTS, values):
                rows_by_employee[getattr(row, PARENT_KEY)].append(row)
        return rows_by_employee

    async def enrollment(self, id: str) -> Any:
        async with self.database.read(administrator(self.viewer.tenant_id), self.clock()) as read_session:
            return (await store.enrollments.by_ids(read_session, [id]))[id]

    async def pending_enrollment(self, employee: str) -> Any:
        """Return the employee's only pending enrollment."""
        (row,) = [row for row in await self.enrollments(employee) if row.status == "PENDING"]
        return row

    async def plan_ids(self, plan_year: str) -> Mapping[str, str]:
        """Return the IDs of a plan year's plans, by carrier plan ID."""
        async with self.database.read(administrator(self.viewer.tenant_id), self.clock()) as read_session:
            plans = await store.plan_years.plans_of(read_session, [plan_year])
        return {plan.carrier_plan_id: plan.id for plan in plans[plan_year]}

    async def read_row(self, table: str, id: str) -> dict[str, Any]:
        """Return a stored row, with dates and instants as text."""
        row: dict[str, Any] = (await self.read_all_rows())[table][id]
        return row

    async def history(self, subject: str) -> list[dict[str, Any]]:
        """Return the history events of a row, oldest first."""
        events = (await self.read_all_rows())["events"].values()
        return sorted((event for event in events if event["subject_id"] == subject), key=lambda event: event["id"])


async def create_office(
    database: Database, *, tenant: str = TENANT, time_zone: str = "America/New_York", today: date = TODAY
) -> Office:
    """Create a tenant with an employer and a product with carrier plans. The viewer is an administrator."""

    async def create(tx: Transaction) -> tuple[str, str]:
        await store.access.insert_tenant(tx, tenant.title())
        return (
            await add_employer(tx, "Acme Inc.", time_zone),
            await add_product(tx, "Medical", ProductCategory.MEDICAL, "Blue Shield", PLANS),
        )

    employer, product = await database.transact(administrator(tenant), Clock.at_noon(today), create)
    return Office(database, employer, product, administrator(tenant), today)


def enroll(
    enrollment: str,
    plan: str | None,
    *dependents: str,
    tier: CoverageTier | None = None,
    version: int | None = None,
) -> Election:
    return Election(enrollment, ElectionDecision.ENROLLED, plan, tier, dependents, version)


def waive(enrollment: str, version: int | None = None) -> Election:
    return Election(enrollment, ElectionDecision.WAIVED, expected_version=version)


def _key(name: str) -> str:
    columns = [column.name for column in Base.metadata.tables[name].primary_key if column.name != "tenant_id"]
    return " || ' ' || ".join(columns or ["tenant_id"])


_ALL_ROWS = text(
    " UNION ALL ".join(
        f"SELECT '{name}' AS name, {_key(name)} AS key, to_jsonb(t) AS content FROM {name} t"  # noqa: S608 - names of our own tables
        for name in Base.metadata.tables
    )
)
#: The statement that the GraphQL API uses. Building it takes longer than running it, so it is built once.
_ENROLLMENTS = store.enrollments.of_employees.statement(
    ScopeShape(of_employer=False, of_employee=False, on_fixed_day=True).template_scope(),
    bindparam("employees", type_=ARRAY(Text)),
    PageWindow(1000),
)
