"""Plan years in GraphQL: the plan year, its contribution classes, plans and rates, and eligibility."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from benegraph.db import store
from benegraph.domain import plan_years as rules
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import Employment
from benegraph.domain.values import DateSpan
from benegraph.graphql.types.catalog import (
    CARRIER_PLAN_ID_DESCRIPTION,
    DEDUCTIBLE_DESCRIPTION,
    EE_PREMIUM_DESCRIPTION,
    METAL_TIER_DESCRIPTION,
    OUT_OF_POCKET_MAX_DESCRIPTION,
    RATES_DESCRIPTION,
    PlanRate,
)
from benegraph.graphql.types.enrollments import Enrollment, EnrollmentFilter, EnrollmentOrder
from benegraph.graphql.types.enums import CoverageTier, EmploymentClass, PlanTier, PlanYearStatus, RenewalMode
from benegraph.graphql.types.fields import FilterArgument, ListFilter, to_many, to_one, to_page
from benegraph.graphql.types.node import (
    CREATED_AT_DESCRIPTION,
    UPDATED_AT_DESCRIPTION,
    VERSION_DESCRIPTION,
    Node,
    lookup_by_id,
    parse_id_prefix,
)
from benegraph.graphql.types.paging import Connection
from benegraph.graphql.types.participation import READ_ALL_ENROLLMENTS_COST, PlanYearParticipation
from benegraph.graphql.types.scalars import Cents

if TYPE_CHECKING:
    from benegraph.graphql.types.catalog import BenefitProduct
    from benegraph.graphql.types.employers import Employer

PLAN_YEAR_STATUS_FILTER = ListFilter(
    (FilterArgument("status", PlanYearStatus, "Return only plan years with this status today."),),
    store.plan_years.PlanYearFilter,
)


@strawberry.input(
    description="A filter on plan years. All fields must match; an omitted or null field matches every plan year."
)
class PlanYearFilter:
    employer_id: strawberry.ID | None = strawberry.field(description="Plan years of this employer.")
    status: PlanYearStatus | None = strawberry.field(description="Plan years with this status today.")

    def to_store_filter(self) -> store.plan_years.PlanYearFilter:
        """Return the store's filter. Raises BadInput for a malformed ID."""
        if self.employer_id is not None:
            parse_id_prefix(self.employer_id, IdPrefix.EMPLOYER)
        return store.plan_years.PlanYearFilter(self.status, self.employer_id)


# Descriptions that an output field and the input field of the same name share.
EMPLOYEE_CONTRIBUTION_DESCRIPTION = (
    "The employee's monthly contribution in cents. It is used only for plans without rates, where the premium of every"
    " tier except EE is the sum of both contributions. In all other cases, the employee pays the premium minus the"
    " employer's contribution."
)
EMPLOYER_CONTRIBUTION_DESCRIPTION = (
    "The employer's monthly contribution in cents. Any part above the premium is not paid."
)
FAMILY_STATUS_DESCRIPTION = (
    "The coverage tier that these contributions apply to. UNSPECIFIED applies to every tier without a contribution"
    " class of its own."
)
WAITING_PERIOD_DESCRIPTION = (
    "The days, 0 to 90, from the hire or a change of employment class until the employee is eligible."
)
FIRST_OF_MONTH_DESCRIPTION = (
    "Whether eligibility begins on the first of a month: on the day the waiting period ends if that is a first, else on"
    " the next one, but no later than 90 days after the hire or the last change of employment class."
)
RENEWAL_DESCRIPTION = "Whether closing enrollment renews last year's coverage for unanswered enrollments."


@strawberry.type(description="The monthly contributions for one employment class and one coverage tier.")
class ContributionClass(Node):
    employment: EmploymentClass = strawberry.field(
        description="The employment class that these contributions apply to."
    )
    family_status: CoverageTier = strawberry.field(description=FAMILY_STATUS_DESCRIPTION)
    employee_contribution_cents: Cents = strawberry.field(description=EMPLOYEE_CONTRIBUTION_DESCRIPTION)
    employer_contribution_cents: Cents = strawberry.field(description=EMPLOYER_CONTRIBUTION_DESCRIPTION)


@strawberry.type(
    description=(
        "A plan that a plan year offers, copied from the catalog or passed to `createPlanYear` or `updatePlanYear`."
    )
)
class Plan(Node):
    carrier_plan_id: str = strawberry.field(description=CARRIER_PLAN_ID_DESCRIPTION)
    name: str = strawberry.field(description="The plan's name.")
    tier: PlanTier | None = strawberry.field(description=METAL_TIER_DESCRIPTION)
    monthly_premium_cents: Cents = strawberry.field(description=EE_PREMIUM_DESCRIPTION)
    deductible_cents: Cents | None = strawberry.field(description=DEDUCTIBLE_DESCRIPTION)
    out_of_pocket_max_cents: Cents | None = strawberry.field(description=OUT_OF_POCKET_MAX_DESCRIPTION)
    rates: list[PlanRate] = to_many(store.plan_years.rates_of, "id", RATES_DESCRIPTION)
    plan_year: Annotated["PlanYear", strawberry.lazy("benegraph.graphql.types.plan_years")] = to_one(
        store.plan_years.by_ids, "plan_year_id", "The plan year that offers this plan."
    )


@strawberry.type(description="An eligibility rule, and whether the employee meets it.")
class EligibilityRule:
    code: str = strawberry.field(description="The rule's code: EMPLOYED, EMPLOYMENT_CLASS or WAITING_PERIOD.")
    holds: bool = strawberry.field(description="Whether the employee meets the rule.")
    message: str = strawberry.field(description="A sentence that states the result of the rule.")


@strawberry.type(
    description="Whether an employee is eligible for coverage in a plan year, and the result of each rule."
)
class Eligibility:
    eligible: bool = strawberry.field(description="Whether the employee meets every rule.")
    coverage_start: date | None = strawberry.field(
        description="The first day on which coverage could start; null if the employee isn't eligible."
    )
    rules: list[EligibilityRule] = strawberry.field(description="All rules, whether met or not.")


def evaluate_eligibility(employee: Any, plan_year: Any, classes: list[Any]) -> rules.Eligibility:
    """Evaluate an employee's eligibility in a plan year from the rows of both and of the contribution classes."""
    return rules.evaluate_eligibility(
        Employment(employee.employment_class, employee.hired_on, employee.class_changed_on, employee.terminated_on),
        DateSpan.through(plan_year.coverage_starts_on, plan_year.coverage_ends_on),
        rules.WaitingPeriod(plan_year.waiting_period_days, plan_year.starts_on_first_of_month),
        {contribution_class.employment for contribution_class in classes},
    )


@strawberry.type(
    description="The period in which an employer offers a benefit product: its dates, plans and contributions."
)
class PlanYear(Node):
    benefit_product: Annotated["BenefitProduct", strawberry.lazy("benegraph.graphql.types.catalog")] = to_one(
        store.catalog.by_ids, "benefit_product_id", "The benefit product that the plan year offers."
    )
    employer: Annotated["Employer", strawberry.lazy("benegraph.graphql.types.employers")] = to_one(
        store.employers.by_ids, "employer_id", "The employer that offers the plan year."
    )
    status: PlanYearStatus = strawberry.field(description="The status today, in the employer's time zone.")
    coverage_starts_on: date = strawberry.field(
        name="coverageStart", description="The first day of the plan year's coverage."
    )
    coverage_ends_on: date = strawberry.field(
        name="coverageEnd", description="The last day of the plan year's coverage, inclusive."
    )
    open_enrollment_starts_on: date = strawberry.field(
        name="openEnrollmentStart", description="The first day of open enrollment."
    )
    open_enrollment_ends_on: date = strawberry.field(
        name="openEnrollmentEnd", description="The last day of open enrollment, inclusive."
    )
    waiting_period_days: int = strawberry.field(description=WAITING_PERIOD_DESCRIPTION)
    starts_on_first_of_month: bool = strawberry.field(description=FIRST_OF_MONTH_DESCRIPTION)
    renewal: RenewalMode = strawberry.field(description=RENEWAL_DESCRIPTION)
    group_id: str | None = strawberry.field(
        description=(
            "The carrier's group code: elections are recorded as coverage under this group's contract. Null if"
            " elections are not recorded with a carrier."
        )
    )
    group_coverage_start: date | None = strawberry.field(
        description="The first day of coverage of that group contract; null if `groupId` is null."
    )
    contribution_classes: list[ContributionClass] = to_many(
        store.plan_years.contribution_classes_of,
        "id",
        "The contributions for each employment class. An employee sees only those of their own employment class.",
    )
    plans: list[Plan] = to_many(store.plan_years.plans_of, "id", "The plans that the plan year offers.")
    enrollments: Connection[Enrollment] = to_page(
        store.enrollments.of_plan_years,
        "id",
        "The enrollments in this plan year, oldest first unless `orderBy` is passed.",
        filter=EnrollmentFilter,
        order_by=EnrollmentOrder,
    )
    participation: PlanYearParticipation | None = to_one(
        store.enrollments.participation_of,
        "id",
        "How the employees have answered: counts, elected tiers and plans, and monthly cost. Null for employees.",
        cost=READ_ALL_ENROLLMENTS_COST,
    )
    created_at: datetime = strawberry.field(description=CREATED_AT_DESCRIPTION)
    updated_at: datetime = strawberry.field(description=UPDATED_AT_DESCRIPTION)
    version: int = strawberry.field(description=VERSION_DESCRIPTION)


@strawberry.type
class PlanYearsQuery:
    plan_years: Connection[PlanYear] = to_page(
        store.plan_years.page,
        None,
        "All plan years that the viewer may see, oldest first.",
        filter=PlanYearFilter,
    )
    plan_year: PlanYear | None = lookup_by_id(
        IdPrefix.PLAN_YEAR, "Look up a plan year by its ID. Null if it doesn't exist or the viewer may not see it."
    )
    plan: Plan | None = lookup_by_id(
        IdPrefix.PLAN, "Look up a plan by its ID. Null if it doesn't exist or the viewer may not see it."
    )
