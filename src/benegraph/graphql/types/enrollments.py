"""Enrollments in GraphQL: enrollments, covered dependents, eligible plans, life events and history."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from benegraph.db import store
from benegraph.domain.enrollments.life_events import change_window
from benegraph.domain.errors import BadInput
from benegraph.domain.ids import IdPrefix
from benegraph.domain.plan_years import PlanPrice, compute_costs
from benegraph.domain.values import DateSpan
from benegraph.graphql.types.enums import (
    CoverageEndReason,
    CoverageStatus,
    CoverageTier,
    ElectionDecision,
    EmploymentClass,
    EnrollmentStatus,
    LifeEventStatus,
    LifeEventType,
    OrderDirection,
    WaiverReason,
    WindowReason,
    describe_enum,
)
from benegraph.graphql.types.fields import RowReader, computed, computed_in_batch, same_object, to_many, to_one, to_page
from benegraph.graphql.types.node import (
    UPDATED_AT_DESCRIPTION,
    VERSION_DESCRIPTION,
    Node,
    lookup_by_id,
    parse_id_prefix,
)
from benegraph.graphql.types.paging import Connection
from benegraph.graphql.types.scalars import Cents

if TYPE_CHECKING:
    from benegraph.graphql.types.catalog import BenefitProduct
    from benegraph.graphql.types.confirmations import ElectionConfirmation
    from benegraph.graphql.types.coverage import SubscriberEnrollment
    from benegraph.graphql.types.people import Dependent, Employee
    from benegraph.graphql.types.plan_years import Plan, PlanYear

#: The years that `coverageEffectiveStartYear` accepts.
EFFECTIVE_YEARS = range(1900, 2200)


@strawberry.input(
    description="A filter on enrollments. All fields must match; an omitted or null field matches every enrollment."
)
class EnrollmentFilter:
    status: list[EnrollmentStatus] | None = strawberry.field(
        description="Enrollments that have one of these statuses today. An empty list matches none."
    )
    plan_year_id: strawberry.ID | None = strawberry.field(description="Enrollments in this plan year.")
    coverage_effective_start_year: int | None = strawberry.field(
        description="Enrollments with an `effectiveDate` in this calendar year, 1900 to 2199."
    )

    employer_id: strawberry.ID | None = strawberry.field(description="Enrollments of this employer's employees.")
    benefit_product_id: strawberry.ID | None = strawberry.field(description="Enrollments in this benefit product.")
    decision: ElectionDecision | None = strawberry.field(
        description="Enrollments with this answer, even if it is over or was replaced."
    )
    window_closes_before: date | None = strawberry.field(
        description="Enrollments whose window's last day is before this day."
    )
    window_closes_after: date | None = strawberry.field(
        description="Enrollments whose window's last day is after this day."
    )
    updated_since: datetime | None = strawberry.field(description="Enrollments changed at this instant or later.")

    def to_store_filter(self) -> store.enrollments.EnrollmentFilter:
        """Return the store's filter. Raises BadInput for a malformed ID or a year out of range."""
        year = self.coverage_effective_start_year
        if year is not None and year not in EFFECTIVE_YEARS:
            first, last = EFFECTIVE_YEARS[0], EFFECTIVE_YEARS[-1]
            raise BadInput(f"Invalid `coverageEffectiveStartYear`: expected {first} to {last}, got {year}.")
        if self.plan_year_id is not None:
            parse_id_prefix(self.plan_year_id, IdPrefix.PLAN_YEAR)
        if self.employer_id is not None:
            parse_id_prefix(self.employer_id, IdPrefix.EMPLOYER)
        if self.benefit_product_id is not None:
            parse_id_prefix(self.benefit_product_id, IdPrefix.BENEFIT_PRODUCT)
        status = None if self.status is None else tuple(sorted(set(self.status)))
        return store.enrollments.EnrollmentFilter(
            status,
            self.plan_year_id,
            year,
            self.employer_id,
            self.benefit_product_id,
            self.decision,
            self.window_closes_before,
            self.window_closes_after,
            self.updated_since,
        )


class EnrollmentOrderField(StrEnum):
    """Sort fields of enrollments. The values are the names of the store's orders."""

    CREATED_AT = "ID"
    EFFECTIVE_DATE = "EFFECTIVE_DATE"
    UPDATED_AT = "UPDATED_AT"


describe_enum(
    EnrollmentOrderField,
    "The fields by which enrollments can be sorted.",
    {
        "CREATED_AT": "The order in which the enrollments were created.",
        "EFFECTIVE_DATE": "The day on which an answer takes effect.",
        "UPDATED_AT": "The instant at which the enrollment was last changed.",
    },
)


@strawberry.input(description="The sort order of enrollments.")
class EnrollmentOrder:
    field: EnrollmentOrderField = strawberry.field(description="The field to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="The sort direction.")

    @property
    def is_descending(self) -> bool:
        return self.direction is OrderDirection.DESC


@strawberry.input(
    description="A filter on life events. All fields must match; an omitted or null field matches every life event."
)
class LifeEventFilter:
    status: LifeEventStatus | None = strawberry.field(description="Life events with this status.")
    employer_id: strawberry.ID | None = strawberry.field(description="Life events of this employer's employees.")

    def to_store_filter(self) -> store.enrollments.LifeEventFilter:
        """Return the store's filter. Raises BadInput for a malformed ID."""
        if self.employer_id is not None:
            parse_id_prefix(self.employer_id, IdPrefix.EMPLOYER)
        return store.enrollments.LifeEventFilter(self.status, self.employer_id)


#: The columns that `derive_change_window` reads.
_CHANGE_WINDOW_COLUMNS = ("event_type", "event_on", "status", "reviewed_on")


def derive_change_window(event: Any) -> DateSpan:
    """Return the days on which the change that a life event allows can be made, from the event's row."""
    approved_on = event.reviewed_on if event.status is LifeEventStatus.APPROVED else None
    return change_window(event.event_type, event.event_on, approved_on)


@strawberry.type(
    description="An event in an employee's life that can allow a change of coverage outside open enrollment."
)
class QualifyingLifeEvent(Node):
    employee: Annotated["Employee", strawberry.lazy("benegraph.graphql.types.people")] = to_one(
        store.people.by_ids, "employee_id", "The employee."
    )
    event_type: LifeEventType = strawberry.field(description="The type of event.")
    event_on: date = strawberry.field(name="eventDate", description="The day of the event.")
    status: LifeEventStatus = strawberry.field(description="The status of the review.")
    enrollment_window_start: date = computed(
        lambda event: derive_change_window(event).start,
        "The first day of the event's enrollment window: the day of the event. A change also requires approval.",
        _CHANGE_WINDOW_COLUMNS,
    )
    enrollment_window_end: date = computed(
        lambda event: derive_change_window(event).last,
        "The last day of that window, inclusive: the last day for reporting the event, or ten days after its approval"
        " if that is later.",
        _CHANGE_WINDOW_COLUMNS,
    )
    dependent: Annotated["Dependent", strawberry.lazy("benegraph.graphql.types.people")] | None = to_one(
        store.people.dependents_by_ids,
        "dependent_id",
        "The dependent that the event concerns; null if it concerns none.",
    )
    notes: str | None = strawberry.field(
        description="The note that was passed when the event was reported; null if there is none."
    )
    review_notes: str | None = strawberry.field(
        description="The reviewer's note. Null if there is none, and always null for employees."
    )
    reviewed_at: datetime | None = strawberry.field(description="When the event was reviewed; null until then.")
    created_at: datetime = strawberry.field(description="When the event was reported.")
    version: int = strawberry.field(description=VERSION_DESCRIPTION)


@strawberry.type(description="A dependent covered by an election, and the period of that coverage.")
class DependentCoverage:
    dependent: Annotated["Dependent", strawberry.lazy("benegraph.graphql.types.people")] = computed(
        same_object, "The covered dependent."
    )
    covered_from: date = strawberry.field(
        name="coverageStart", description="The first day of the dependent's coverage."
    )
    covered_through: date | None = strawberry.field(
        name="coverageEnd",
        description=(
            "The last day of the dependent's coverage, inclusive; null if the coverage was cancelled. A child's"
            " coverage ends no later than the last day of the month in which the child turns 26, unless the child is"
            " disabled."
        ),
    )


@strawberry.type(description="The monthly cost of a plan for one coverage tier, split between employee and employer.")
class PlanCost:
    coverage_tier: CoverageTier = strawberry.field(description="The coverage tier.")
    employee_contribution_cents: Cents = strawberry.field(
        description="The employee's share of the monthly premium, in cents."
    )
    employer_contribution_cents: Cents = strawberry.field(
        description="The employer's share of the monthly premium, in cents."
    )
    total_monthly_premium_cents: Cents = strawberry.field(
        description="The monthly premium in cents: the sum of both shares."
    )


@strawberry.type(description="A plan of the plan year, with its costs for the employee's employment class.")
class EligiblePlan:
    plan: Annotated["Plan", strawberry.lazy("benegraph.graphql.types.plan_years")] = strawberry.field(
        description="The plan."
    )
    costs: list[PlanCost] = strawberry.field(
        description="The cost for each coverage tier that is offered, in the order EE, ES, EC, EF."
    )


@strawberry.type(description="The period in which an enrollment can be answered.")
class ElectionWindow:
    opens_on: date = strawberry.field(description="The first day on which answers are accepted.")
    closes_on: date = strawberry.field(description="The last day on which answers are accepted, inclusive.")
    window_is_open: bool = strawberry.field(
        name="isOpen", description="Whether today is within the window, in the employer's time zone."
    )
    window_extended_through: date | None = strawberry.field(
        name="extendedThrough",
        description="The last day set by `extendWindow`, inclusive; null if the window was not extended.",
    )
    reason: WindowReason = strawberry.field(description="Why the enrollment was issued, which determines the window.")


@strawberry.type(description="One change of an enrollment. Events are never changed or deleted.")
class EnrollmentEvent(Node):
    action: str = strawberry.field(description="The kind of change, such as ISSUED, REISSUED or LAPSED.")
    actor: str = strawberry.field(
        description=(
            "The role of the caller and the ID of its API key (or a pseudonym of its token's subject). Employees see"
            " only the role."
        )
    )
    occurred_at: datetime = strawberry.field(description="When the change was made.")
    request_id: str | None = strawberry.field(
        description="The `X-Request-ID` of the request that made the change; null if it wasn't made by a request."
    )
    reason: str | None = strawberry.field(
        description=(
            "The reason that was passed for the change; null if there is none. Employees see only the reasons that they"
            " gave themselves."
        )
    )


async def _load_eligible_plans(reader: RowReader, enrollments: Sequence[Any]) -> list[Any]:
    years = [enrollment.plan_year_id for enrollment in enrollments]
    offered = await reader.load_lists(store.plan_years.plans_of, years)
    classes = await reader.load_lists(store.plan_years.contribution_classes_of, years)
    employees = await reader.load_rows(store.people.by_ids, [enrollment.employee_id for enrollment in enrollments])
    ids = list(dict.fromkeys(plan.id for plans in offered for plan in plans))
    rates = dict(zip(ids, await reader.load_lists(store.plan_years.rates_of, ids), strict=True))
    return [
        _build_eligible_plans(plans, rates, plan_year_classes, employee.employment_class)
        for plans, plan_year_classes, employee in zip(offered, classes, employees, strict=True)
    ]


def _build_eligible_plans(
    plans: Sequence[Any], rates: Mapping[str, Sequence[Any]], classes: list[Any], employment: EmploymentClass
) -> list[EligiblePlan]:
    eligible: list[EligiblePlan] = []
    for plan in plans:
        by_tier = {rate.coverage_tier: rate.monthly_premium_cents for rate in rates[plan.id]}
        costs: list[Any] = compute_costs(PlanPrice(plan.monthly_premium_cents, by_tier), classes, employment)
        if costs:
            eligible.append(EligiblePlan(plan=plan, costs=costs))
    return eligible


@strawberry.type(
    description="An employee's enrollment in a plan year: the offer, the answer to it, and the resulting coverage."
)
class Enrollment(Node):
    employee: Annotated["Employee", strawberry.lazy("benegraph.graphql.types.people")] = to_one(
        store.people.by_ids, "employee_id", "The employee."
    )
    benefit_product: Annotated["BenefitProduct", strawberry.lazy("benegraph.graphql.types.catalog")] = to_one(
        store.catalog.by_ids, "benefit_product_id", "The benefit product."
    )
    plan_year: Annotated["PlanYear", strawberry.lazy("benegraph.graphql.types.plan_years")] = to_one(
        store.plan_years.by_ids, "plan_year_id", "The plan year."
    )
    status: EnrollmentStatus = strawberry.field(description="The status today, in the employer's time zone.")
    decision: ElectionDecision | None = strawberry.field(description="The employee's answer; null while unanswered.")
    coverage_tier: CoverageTier | None = strawberry.field(
        description="The coverage tier elected; null unless coverage was elected."
    )
    waiver_reason: WaiverReason | None = strawberry.field(
        description="Why coverage was waived; null unless it was waived with a reason."
    )
    coverage_starts_on: date | None = strawberry.field(
        name="coverageStartDate", description="The first day of coverage; null unless coverage was elected."
    )
    coverage_ends_on: date | None = strawberry.field(
        name="coverageEndDate",
        description="The last day of coverage, inclusive; null unless coverage was elected and not cancelled.",
    )
    coverage_status: CoverageStatus | None = strawberry.field(
        description="The status of the coverage today, in the employer's time zone; null unless coverage was elected."
    )
    end_reason: CoverageEndReason | None = strawberry.field(
        name="coverageEndReason",
        description="Why the coverage was ended by `endCoverage`; null if it was not.",
    )
    effective_on: date = strawberry.field(
        name="effectiveDate",
        description="The day on which an answer to this enrollment takes effect. A waiver takes effect on it, too.",
    )
    issued_on: date = strawberry.field(
        description="The day on which the enrollment was issued, in the employer's time zone."
    )
    employee_contribution_cents: Cents | None = strawberry.field(
        description="The employee's monthly share in cents, fixed at election; null unless coverage was elected."
    )
    employer_contribution_cents: Cents | None = strawberry.field(
        description="The employer's monthly share in cents, fixed at election; null unless coverage was elected."
    )
    selected_plan: Annotated["Plan", strawberry.lazy("benegraph.graphql.types.plan_years")] | None = to_one(
        store.plan_years.plans_by_ids, "selected_plan_id", "The plan elected; null unless coverage was elected."
    )
    enrolled_dependents: list[Annotated["Dependent", strawberry.lazy("benegraph.graphql.types.people")]] = to_many(
        store.enrollments.dependents_of, "id", "The dependents covered by the election; empty if it covers none."
    )
    dependent_coverage: list[DependentCoverage] = to_many(
        store.enrollments.dependents_of,
        "id",
        "The dependents covered by the election, each with its own period of coverage.",
    )
    eligible_plans: list[EligiblePlan] = computed_in_batch(
        _load_eligible_plans,
        ("plan_year_id", "employee_id"),
        "The plans of the plan year with their costs for the employee's employment class. A plan without a cost for"
        " that class is omitted.",
    )
    election_window: ElectionWindow = computed(same_object, "The period in which the enrollment can be answered.")
    replaces: Annotated["Enrollment", strawberry.lazy("benegraph.graphql.types.enrollments")] | None = to_one(
        store.enrollments.by_ids,
        "replaces_id",
        "The enrollment that this one replaces after a life event; null if it replaces none.",
    )
    qualifying_life_event: QualifyingLifeEvent | None = to_one(
        store.enrollments.life_events_by_ids,
        "life_event_id",
        "The life event for which this enrollment was issued; null if there is none.",
    )
    subscriber_enrollment: (
        Annotated["SubscriberEnrollment", strawberry.lazy("benegraph.graphql.types.coverage")] | None
    ) = to_one(
        store.coverage.by_ids,
        "subscriber_enrollment_id",
        "The carrier's coverage of record that this election is recorded in; null if there is none.",
    )
    confirmation: Annotated["ElectionConfirmation", strawberry.lazy("benegraph.graphql.types.confirmations")] | None = (
        to_one(
            store.enrollments.current_confirmation_of,
            "id",
            "The confirmation of the current answer. Null while unanswered; old answers have none.",
        )
    )
    confirmations: list[Annotated["ElectionConfirmation", strawberry.lazy("benegraph.graphql.types.confirmations")]] = (
        to_many(
            store.enrollments.confirmations_of,
            "id",
            "The confirmations of all answers, also of those that were reopened, oldest first.",
        )
    )
    events: Connection[EnrollmentEvent] = to_page(
        store.enrollments.events_of, "id", "The enrollment's history, oldest change first."
    )
    created_at: datetime = strawberry.field(description="When the enrollment was issued.")
    updated_at: datetime = strawberry.field(description=UPDATED_AT_DESCRIPTION)
    version: int = strawberry.field(description=VERSION_DESCRIPTION)


@strawberry.type
class EnrollmentsQuery:
    enrollment: Enrollment | None = lookup_by_id(
        IdPrefix.ENROLLMENT, "Look up an enrollment by its ID. Null if it doesn't exist or the viewer may not see it."
    )
    enrollments: Connection[Enrollment] = to_page(
        store.enrollments.page,
        None,
        "All enrollments that the viewer may see, oldest first unless `orderBy` is passed.",
        filter=EnrollmentFilter,
        order_by=EnrollmentOrder,
    )
    qualifying_life_events: Connection[QualifyingLifeEvent] = to_page(
        store.enrollments.life_event_page,
        None,
        "All life events that the viewer may see, in the order in which they were reported.",
        filter=LifeEventFilter,
    )
