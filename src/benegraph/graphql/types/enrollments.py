"""Enrollments in the graph: the enrollment, who it covers, what may be chosen, life events, and history."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from benegraph.db import store
from benegraph.domain.enrollments.life_events import enrollment_window
from benegraph.domain.errors import BadInput
from benegraph.domain.ids import IdPrefix
from benegraph.domain.plan_years import PlanPrice, compute_costs
from benegraph.domain.values import DateSpan
from benegraph.graphql.types.enums import (
    CoverageStatus,
    CoverageTier,
    ElectionDecision,
    EmploymentClass,
    EnrollmentStatus,
    LifeEventStatus,
    LifeEventType,
    WindowReason,
)
from benegraph.graphql.types.fields import RowReader, batched, derived, same_row, to_many, to_one, to_page
from benegraph.graphql.types.node import Node, check_id, lookup_by_id
from benegraph.graphql.types.paging import Connection
from benegraph.graphql.types.scalars import Cents

if TYPE_CHECKING:
    from benegraph.graphql.types.catalog import BenefitProduct
    from benegraph.graphql.types.coverage import SubscriberEnrollment
    from benegraph.graphql.types.people import Dependent, Employee
    from benegraph.graphql.types.plan_years import Plan, PlanYear

EFFECTIVE_YEARS = range(1900, 2200)


@strawberry.input(description="Which enrollments; a field left out or null does not matter.")
class EnrollmentFilter:
    status: list[EnrollmentStatus] | None = strawberry.field(
        description="Those of any of these statuses today; none at all, where the list is empty."
    )
    plan_year_id: strawberry.ID | None = strawberry.field(description="Those of this plan year.")
    coverage_effective_start_year: int | None = strawberry.field(
        description="Those whose answer takes effect in this year, 1900 to 2199."
    )

    def to_store_filter(self) -> store.enrollments.EnrollmentFilter:
        """Give what the store narrows by. Raises BadInput for a malformed id, or a year out of range."""
        year = self.coverage_effective_start_year
        if year is not None and year not in EFFECTIVE_YEARS:
            raise BadInput(f"`coverageEffectiveStartYear` is {EFFECTIVE_YEARS[0]} to {EFFECTIVE_YEARS[-1]}.")
        if self.plan_year_id is not None:
            check_id(self.plan_year_id, IdPrefix.PLAN_YEAR)
        status = None if self.status is None else tuple(sorted(set(self.status)))
        return store.enrollments.EnrollmentFilter(status, self.plan_year_id, year)


@strawberry.input(description="Which life events; a field left out or null does not matter.")
class LifeEventFilter:
    status: LifeEventStatus | None = strawberry.field(description="Those that were judged so.")
    employer_id: strawberry.ID | None = strawberry.field(description="Those of this employer's people.")

    def to_store_filter(self) -> store.enrollments.LifeEventFilter:
        """Give what the store narrows by. Raises BadInput for a malformed id."""
        if self.employer_id is not None:
            check_id(self.employer_id, IdPrefix.EMPLOYER)
        return store.enrollments.LifeEventFilter(self.status, self.employer_id)


_CHANGE_WINDOW_COLUMNS = ("event_type", "event_on", "status", "reviewed_on")


def change_window(event: Any) -> DateSpan:
    """Give the days on which an event's change may be made, from its row."""
    approved_on = event.reviewed_on if event.status is LifeEventStatus.APPROVED else None
    return enrollment_window(event.event_type, event.event_on, approved_on)


@strawberry.type(description="Something that happened in an employee's life, and may allow a change of coverage.")
class QualifyingLifeEvent(Node):
    employee: Annotated["Employee", strawberry.lazy("benegraph.graphql.types.people")] = to_one(
        store.people.by_ids, "employee_id", "In whose life it happened."
    )
    event_type: LifeEventType = strawberry.field(description="What happened.")
    event_on: date = strawberry.field(name="eventDate", description="The day it happened.")
    status: LifeEventStatus = strawberry.field(description="How it was judged.")
    enrollment_window_start: date = derived(
        lambda event: change_window(event).start,
        "The first day on which the change it allows can be made.",
        _CHANGE_WINDOW_COLUMNS,
    )
    enrollment_window_end: date = derived(
        lambda event: change_window(event).last,
        "The last day on which the change can be made, inclusive; an approval keeps it open ten days more.",
        _CHANGE_WINDOW_COLUMNS,
    )
    dependent: Annotated["Dependent", strawberry.lazy("benegraph.graphql.types.people")] | None = to_one(
        store.people.dependents_by_ids, "dependent_id", "Whom it is about, where that is a dependent."
    )
    notes: str | None = strawberry.field(description="What the reporter wrote.")
    review_notes: str | None = strawberry.field(description="What the reviewer wrote; not shown to employees.")
    reviewed_at: datetime | None = strawberry.field(description="When it was judged; null while it is not.")
    created_at: datetime = strawberry.field(description="When it was reported.")
    version: int = strawberry.field(description="Counts the changes: pass it as `expectedVersion`.")


@strawberry.type(description="A dependent within an election, and the days it is covered.")
class DependentCoverage:
    dependent: Annotated["Dependent", strawberry.lazy("benegraph.graphql.types.people")] = derived(
        same_row, "Who is covered."
    )
    covered_from: date = strawberry.field(name="coverageStart", description="The first day it is covered.")
    covered_through: date | None = strawberry.field(
        name="coverageEnd",
        description=(
            "The last day it is covered, inclusive: a child's is at most the end of the month it turns 26. Null where"
            " the coverage was cancelled."
        ),
    )


@strawberry.type(description="What a plan costs a month for one tier, shared between employee and employer.")
class PlanCost:
    coverage_tier: CoverageTier = strawberry.field(description="Who would be covered.")
    employee_contribution_cents: Cents = strawberry.field(description="What the employee pays a month.")
    employer_contribution_cents: Cents = strawberry.field(description="What the employer pays a month.")
    total_monthly_premium_cents: Cents = strawberry.field(description="Both shares: the premium for a month.")


@strawberry.type(description="A plan the employee may choose, and what it would cost.")
class EligiblePlan:
    plan: Annotated["Plan", strawberry.lazy("benegraph.graphql.types.plan_years")] = strawberry.field(
        description="The plan."
    )
    costs: list[PlanCost] = strawberry.field(description="Its cost for each tier that is offered, from EE to EF.")


@strawberry.type(description="The days on which an enrollment can be answered.")
class ElectionWindow:
    opens_on: date = strawberry.field(description="The first day an answer is taken.")
    closes_on: date = strawberry.field(description="The last day an answer is taken, inclusive.")
    window_is_open: bool = strawberry.field(
        name="isOpen", description="Whether today lies within, in the employer's time zone."
    )
    reason: WindowReason = strawberry.field(description="Why there is a window.")


@strawberry.type(description="One change of an enrollment. History is never changed or deleted.")
class EnrollmentEvent(Node):
    action: str = strawberry.field(description="What happened, such as ISSUED, REISSUED or LAPSED.")
    actor: str = strawberry.field(description="Who did it: a role and a key. An employee is shown the role only.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    request_id: str | None = strawberry.field(description="The request that did it, as in `X-Request-Id`.")
    reason: str | None = strawberry.field(description="The reason given, if any.")


async def _eligible_plans(reader: RowReader, enrollments: Sequence[Any]) -> list[Any]:
    years = [enrollment.plan_year_id for enrollment in enrollments]
    offered = await reader.load_lists(store.plan_years.plans_of, years)
    classes = await reader.load_lists(store.plan_years.classes_of, years)
    employees = await reader.load_rows(store.people.by_ids, [enrollment.employee_id for enrollment in enrollments])
    ids = list(dict.fromkeys(plan.id for plans in offered for plan in plans))
    rates = dict(zip(ids, await reader.load_lists(store.plan_years.rates_of, ids), strict=True))
    return [
        _with_costs(plans, rates, terms, employee.employment_class)
        for plans, terms, employee in zip(offered, classes, employees, strict=True)
    ]


def _with_costs(
    plans: Sequence[Any], rates: Mapping[str, Sequence[Any]], classes: list[Any], employment: EmploymentClass
) -> list[EligiblePlan]:
    eligible: list[EligiblePlan] = []
    for plan in plans:
        by_tier = {rate.coverage_tier: rate.monthly_premium_cents for rate in rates[plan.id]}
        costs: list[Any] = compute_costs(PlanPrice(plan.monthly_premium_cents, by_tier), classes, employment)
        if costs:
            eligible.append(EligiblePlan(plan=plan, costs=costs))
    return eligible


@strawberry.type(description="One employee's enrollment in one plan year: a question, its answer, and the coverage.")
class Enrollment(Node):
    employee: Annotated["Employee", strawberry.lazy("benegraph.graphql.types.people")] = to_one(
        store.people.by_ids, "employee_id", "Whose enrollment it is."
    )
    benefit_product: Annotated["BenefitProduct", strawberry.lazy("benegraph.graphql.types.catalog")] = to_one(
        store.catalog.by_ids, "benefit_product_id", "What it is about."
    )
    plan_year: Annotated["PlanYear", strawberry.lazy("benegraph.graphql.types.plan_years")] = to_one(
        store.plan_years.by_ids, "plan_year_id", "The plan year it belongs to."
    )
    status: EnrollmentStatus = strawberry.field(description="Where it stands today, in the employer's time zone.")
    decision: ElectionDecision | None = strawberry.field(description="The answer; null while there is none.")
    coverage_tier: CoverageTier | None = strawberry.field(description="Who is covered; null without coverage.")
    coverage_starts_on: date | None = strawberry.field(
        name="coverageStartDate", description="The first day covered; null without coverage."
    )
    coverage_ends_on: date | None = strawberry.field(
        name="coverageEndDate",
        description="The last day covered, inclusive; null without coverage, and where it was cancelled.",
    )
    coverage_status: CoverageStatus | None = strawberry.field(
        description="Where the coverage stands today; null without coverage."
    )
    effective_on: date = strawberry.field(
        name="effectiveDate", description="The day the answer takes effect, whatever it is: a waiver has one too."
    )
    issued_on: date = strawberry.field(description="The day the enrollment was issued, in the employer's time zone.")
    employee_contribution_cents: Cents | None = strawberry.field(
        description="What the employee pays a month, as of the election; null without coverage."
    )
    employer_contribution_cents: Cents | None = strawberry.field(
        description="What the employer pays a month, as of the election; null without coverage."
    )
    selected_plan: Annotated["Plan", strawberry.lazy("benegraph.graphql.types.plan_years")] | None = to_one(
        store.plan_years.plans_by_ids, "selected_plan_id", "The plan elected; null without coverage."
    )
    enrolled_dependents: list[Annotated["Dependent", strawberry.lazy("benegraph.graphql.types.people")]] = to_many(
        store.enrollments.dependents_of, "id", "Who is covered besides the employee."
    )
    dependent_coverage: list[DependentCoverage] = to_many(
        store.enrollments.dependents_of,
        "id",
        "Each covered dependent with its own span: a child's ends with the month it turns 26.",
    )
    eligible_plans: list[EligiblePlan] = batched(
        _eligible_plans,
        ("plan_year_id", "employee_id"),
        "The plans of the plan year with their costs for the employee's employment class; a plan without any cost for"
        " it is left out.",
    )
    election_window: ElectionWindow = derived(same_row, "The days on which it can be answered.")
    replaces: Annotated["Enrollment", strawberry.lazy("benegraph.graphql.types.enrollments")] | None = to_one(
        store.enrollments.by_ids, "replaces_id", "The enrollment that a life event reissued as this one."
    )
    qualifying_life_event: QualifyingLifeEvent | None = to_one(
        store.enrollments.life_events_by_ids, "life_event_id", "The life event that it was reissued for."
    )
    subscriber_enrollment: (
        Annotated["SubscriberEnrollment", strawberry.lazy("benegraph.graphql.types.coverage")] | None
    ) = to_one(store.coverage.by_ids, "subscriber_enrollment_id", "The coverage of record on the carrier's side.")
    events: Connection[EnrollmentEvent] = to_page(store.enrollments.events_of, "id", "Its history, oldest first.")
    created_at: datetime = strawberry.field(description="When it was issued.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    version: int = strawberry.field(description="Counts the changes: pass it as `expectedVersion`.")


@strawberry.type
class EnrollmentsQuery:
    enrollment: Enrollment | None = lookup_by_id(
        IdPrefix.ENROLLMENT, "One enrollment; null where there is none within the viewer's reach."
    )
    enrollments: Connection[Enrollment] = to_page(
        store.enrollments.page, None, "The enrollments the viewer may see, oldest first.", filter=EnrollmentFilter
    )
    qualifying_life_events: Connection[QualifyingLifeEvent] = to_page(
        store.enrollments.life_event_page,
        None,
        "The life events the viewer may see, oldest first.",
        filter=LifeEventFilter,
    )
