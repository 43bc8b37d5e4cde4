"""The participation in a plan year in GraphQL: counts of employees by answer, tier and plan, and monthly cost."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import strawberry

from benegraph.db import store
from benegraph.graphql.types.enums import CoverageTier, EmploymentClass
from benegraph.graphql.types.fields import to_many, to_one
from benegraph.graphql.types.scalars import Cents

if TYPE_CHECKING:
    from benegraph.graphql.types.plan_years import Plan

#: The cost of a field that reads every enrollment of a plan year, in addition to that of the objects it returns.
READ_ALL_ENROLLMENTS_COST = 10

ENROLLED_DESCRIPTION = "The number of employees enrolled."
WAIVED_DESCRIPTION = "The number of employees who waived coverage."
PENDING_DESCRIPTION = "The number of employees who can still answer, and have not."
EMPLOYEE_SHARES_DESCRIPTION = "The monthly share of these employees in cents."
EMPLOYER_SHARES_DESCRIPTION = "The employer's monthly share for these employees in cents."
PREMIUM_DESCRIPTION = "The monthly premium of these employees in cents: the sum of both shares."


def _use(successor: str) -> str:
    """Return the reason for the deprecation of a field under its former name."""
    return f"Use `{successor}`, which has the same value."


@strawberry.type(description="The employees enrolled with one coverage tier.")
class TierParticipation:
    coverage_tier: CoverageTier = strawberry.field(description="The coverage tier elected.")
    enrolled: int = strawberry.field(description=ENROLLED_DESCRIPTION)
    monthly_premium_cents: Cents = strawberry.field(description=PREMIUM_DESCRIPTION)
    employee_cents: Cents = strawberry.field(description=EMPLOYEE_SHARES_DESCRIPTION)
    employer_cents: Cents = strawberry.field(description=EMPLOYER_SHARES_DESCRIPTION)
    employee_contribution_cents: Cents = strawberry.field(
        description=EMPLOYEE_SHARES_DESCRIPTION, deprecation_reason=_use("TierParticipation.employeeCents")
    )
    employer_contribution_cents: Cents = strawberry.field(
        description=EMPLOYER_SHARES_DESCRIPTION, deprecation_reason=_use("TierParticipation.employerCents")
    )


@strawberry.type(description="The employees enrolled in one plan.")
class PlanParticipation:
    plan: Annotated["Plan", strawberry.lazy("benegraph.graphql.types.plan_years")] = to_one(
        store.plan_years.plans_by_ids, "plan_id", "The plan."
    )
    enrolled: int = strawberry.field(description=ENROLLED_DESCRIPTION)
    monthly_premium_cents: Cents = strawberry.field(description=PREMIUM_DESCRIPTION)
    employee_cents: Cents = strawberry.field(description=EMPLOYEE_SHARES_DESCRIPTION)
    employer_cents: Cents = strawberry.field(description=EMPLOYER_SHARES_DESCRIPTION)
    employee_contribution_cents: Cents = strawberry.field(
        description=EMPLOYEE_SHARES_DESCRIPTION, deprecation_reason=_use("PlanParticipation.employeeCents")
    )
    employer_contribution_cents: Cents = strawberry.field(
        description=EMPLOYER_SHARES_DESCRIPTION, deprecation_reason=_use("PlanParticipation.employerCents")
    )


@strawberry.type(description="The answers of the employees of one employment class.")
class ClassParticipation:
    employment: EmploymentClass = strawberry.field(description="The employment class today.")
    eligible: int = strawberry.field(
        description="The sum of `answered`, `pending` and the number of employees that lapsed."
    )
    answered: int = strawberry.field(description="The number of employees enrolled or waived.")
    enrolled: int = strawberry.field(description=ENROLLED_DESCRIPTION)
    waived: int = strawberry.field(description=WAIVED_DESCRIPTION)
    pending: int = strawberry.field(description=PENDING_DESCRIPTION)
    monthly_premium_cents: Cents = strawberry.field(description=PREMIUM_DESCRIPTION)
    employee_cents: Cents = strawberry.field(description=EMPLOYEE_SHARES_DESCRIPTION)
    employer_cents: Cents = strawberry.field(description=EMPLOYER_SHARES_DESCRIPTION)


@strawberry.type(
    description=(
        "How the employees of a plan year have answered. Each employee counts once, by their newest answer that is not"
        " over. A reissue counts from its answer on, even if that takes effect later; until then, the answer that it"
        " would replace counts."
    )
)
class PlanYearParticipation:
    as_of: date = strawberry.field(
        description="The day of these counts: today, or the last day of coverage of a plan year that is over."
    )
    issued: int = strawberry.field(
        description=(
            "The number of employees with an enrollment in the plan year: the sum of `pending`, `enrolled`, `waived`,"
            " `lapsed` and `ended`."
        )
    )
    eligible: int = strawberry.field(
        description=(
            "The number of employees who can be covered or could have been: the sum of `answered`, `pending` and"
            " `lapsed`. It leaves out those counted in `ended`."
        )
    )
    answered: int = strawberry.field(
        description="The number of employees whose answer counts: the sum of `enrolled` and `waived`."
    )
    pending: int = strawberry.field(description=PENDING_DESCRIPTION)
    enrolled: int = strawberry.field(description="The number of employees who elected coverage that is not over.")
    waived: int = strawberry.field(description=WAIVED_DESCRIPTION)
    lapsed: int = strawberry.field(description="The number of employees who did not answer within their window.")
    ended: int = strawberry.field(
        description="The number of employees whose enrollment is over for another reason, such as termination."
    )
    pending_reissues: int = strawberry.field(
        description=(
            "The number of employees counted in `enrolled` or `waived` who also have a pending enrollment after a life"
            " event. Together with `pending`, it equals the number of employees with an enrollment of status PENDING."
        )
    )
    monthly_premium_cents: Cents = strawberry.field(
        description="The monthly premium of all enrolled employees in cents: the sum of both shares."
    )
    employee_cents: Cents = strawberry.field(description="The monthly share of all enrolled employees in cents.")
    employer_cents: Cents = strawberry.field(
        description="The employer's monthly share for all enrolled employees in cents."
    )
    employee_contribution_cents: Cents = strawberry.field(
        description="The monthly share of all enrolled employees in cents.",
        deprecation_reason=_use("PlanYearParticipation.employeeCents"),
    )
    employer_contribution_cents: Cents = strawberry.field(
        description="The employer's monthly share for all enrolled employees in cents.",
        deprecation_reason=_use("PlanYearParticipation.employerCents"),
    )
    by_tier: list[TierParticipation] = to_many(
        store.enrollments.participation_by_tier,
        "plan_year_id",
        "The enrolled employees by coverage tier, in the order EE, ES, EC, EF. A tier that nobody elected is omitted.",
        cost=READ_ALL_ENROLLMENTS_COST,
    )
    by_plan: list[PlanParticipation] = to_many(
        store.enrollments.participation_by_plan,
        "plan_year_id",
        "The enrolled employees by plan: every plan of the plan year, including those that nobody elected.",
        cost=READ_ALL_ENROLLMENTS_COST,
    )
    by_class: list[ClassParticipation] = to_many(
        store.enrollments.participation_by_class,
        "plan_year_id",
        "The employees by their employment class today. A class without an employee in the plan year is omitted.",
        cost=READ_ALL_ENROLLMENTS_COST,
    )
