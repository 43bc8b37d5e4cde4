"""Plan years in the graph: the year, its contribution classes, its plans and their rates; eligibility."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from benegraph.db import store
from benegraph.domain import plan_years as rules
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import Employment
from benegraph.domain.values import DateSpan
from benegraph.graphql.types.catalog import PlanRate
from benegraph.graphql.types.enrollments import Enrollment, EnrollmentFilter
from benegraph.graphql.types.enums import CoverageTier, EmploymentClass, PlanTier, PlanYearStatus, RenewalMode
from benegraph.graphql.types.fields import FilterArgument, to_many, to_one, to_page
from benegraph.graphql.types.node import Node, lookup_by_id
from benegraph.graphql.types.paging import Connection
from benegraph.graphql.types.scalars import Cents

if TYPE_CHECKING:
    from benegraph.graphql.types.catalog import BenefitProduct
    from benegraph.graphql.types.employers import Employer

PLAN_YEAR_STATUS_FILTER = FilterArgument(
    "status", PlanYearStatus, store.plan_years.PlanYearFilter, "Only those of this status today."
)


@strawberry.type(description="What employee and employer pay a month, for one employment class and family status.")
class ContributionClass(Node):
    employment: EmploymentClass = strawberry.field(description="Whose contributions these are.")
    family_status: CoverageTier = strawberry.field(
        description="For which tier; UNSPECIFIED serves every tier without a class of its own."
    )
    employee_contribution_cents: Cents = strawberry.field(
        description="What the employee pays a month, where a plan has no rates; else the rest of the rate."
    )
    employer_contribution_cents: Cents = strawberry.field(
        description="What the employer pays a month, at most the premium."
    )


@strawberry.type(description="A carrier's plan as one plan year offers it.")
class Plan(Node):
    carrier_plan_id: str = strawberry.field(description="The carrier's own code, as given.")
    name: str = strawberry.field(description="The plan's name.")
    tier: PlanTier | None = strawberry.field(description="The plan's metal, if it has one.")
    monthly_premium_cents: Cents = strawberry.field(description="The rate for the employee alone (EE).")
    deductible_cents: Cents | None = strawberry.field(
        description="What the insured pay in a year before the plan pays."
    )
    out_of_pocket_max_cents: Cents | None = strawberry.field(description="The most the insured pay in a year.")
    rates: list[PlanRate] = to_many(store.plan_years.rates_of, "id", "Its rate for each tier that has one, EE to EF.")
    plan_year: Annotated["PlanYear", strawberry.lazy("benegraph.graphql.types.plan_years")] = to_one(
        store.plan_years.by_ids, "plan_year_id", "The plan year that offers it."
    )


@strawberry.type(description="One rule of eligibility, and whether it holds.")
class EligibilityRule:
    code: str = strawberry.field(description="The rule: EMPLOYED, EMPLOYMENT_CLASS or WAITING_PERIOD.")
    holds: bool = strawberry.field(description="Whether the employee keeps it.")
    message: str = strawberry.field(description="What it asks.")


@strawberry.type(description="Whether an employee may be covered in a plan year, from when, and why.")
class Eligibility:
    eligible: bool = strawberry.field(description="Whether every rule holds.")
    coverage_start: date | None = strawberry.field(description="The day coverage would start; null if not eligible.")
    rules: list[EligibilityRule] = strawberry.field(description="Each rule that was looked at.")


def eligibility_from_rows(employee: Any, plan_year: Any, classes: list[Any]) -> rules.Eligibility:
    """Judge an employee's eligibility in a plan year by their rows."""
    return rules.evaluate_eligibility(
        Employment(employee.employment_class, employee.hired_on, employee.class_changed_on, employee.terminated_on),
        DateSpan.through(plan_year.coverage_starts_on, plan_year.coverage_ends_on),
        rules.WaitingPeriod(plan_year.waiting_period_days, plan_year.starts_on_first_of_month),
        {terms.employment for terms in classes},
    )


@strawberry.type(description="One employer's year of one benefit product: when it covers, and what it offers.")
class PlanYear(Node):
    benefit_product: Annotated["BenefitProduct", strawberry.lazy("benegraph.graphql.types.catalog")] = to_one(
        store.catalog.by_ids, "benefit_product_id", "What it offers."
    )
    employer: Annotated["Employer", strawberry.lazy("benegraph.graphql.types.employers")] = to_one(
        store.employers.by_ids, "employer_id", "Who offers it."
    )
    status: PlanYearStatus = strawberry.field(description="Where it stands today, in the employer's time zone.")
    coverage_starts_on: date = strawberry.field(name="coverageStart", description="The first day of coverage.")
    coverage_ends_on: date = strawberry.field(name="coverageEnd", description="The last day of coverage, inclusive.")
    open_enrollment_starts_on: date = strawberry.field(
        name="openEnrollmentStart", description="The first day of open enrollment."
    )
    open_enrollment_ends_on: date = strawberry.field(
        name="openEnrollmentEnd", description="The last day of open enrollment, inclusive."
    )
    waiting_period_days: int = strawberry.field(description="How many days after the hire someone becomes eligible.")
    starts_on_first_of_month: bool = strawberry.field(
        description="Whether the wait goes on to the next first of a month."
    )
    renewal: RenewalMode = strawberry.field(description="What closing does for those who did not answer.")
    group_id: str | None = strawberry.field(
        description="The group of the carrier's contract under which elections are recorded; null where they are not."
    )
    group_coverage_start: date | None = strawberry.field(description="The day that contract's coverage started.")
    contribution_classes: list[ContributionClass] = to_many(
        store.plan_years.classes_of, "id", "Who pays what. An employee sees their own employment class only."
    )
    plans: list[Plan] = to_many(store.plan_years.plans_of, "id", "The plans on offer.")
    enrollments: Connection[Enrollment] = to_page(
        store.enrollments.of_plan_years, "id", "The enrollments in it, oldest first.", filter=EnrollmentFilter
    )
    created_at: datetime = strawberry.field(description="When the row was made.")
    updated_at: datetime = strawberry.field(description="When the row last changed.")
    version: int = strawberry.field(description="Counts the changes: pass it as `expectedVersion`.")


@strawberry.type
class PlanYearsQuery:
    plan_year: PlanYear | None = lookup_by_id(
        IdPrefix.PLAN_YEAR, "One plan year; null where there is none within the viewer's reach."
    )
    plan: Plan | None = lookup_by_id(IdPrefix.PLAN, "One plan; null where there is none within the viewer's reach.")
