"""Election confirmations in GraphQL."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from benegraph.db import store
from benegraph.graphql.types.enrollments import Enrollment
from benegraph.graphql.types.enums import AnswerSource, CoverageTier, ElectionDecision, Role, WaiverReason
from benegraph.graphql.types.fields import computed, same_object, to_many, to_one
from benegraph.graphql.types.node import Node
from benegraph.graphql.types.scalars import Cents

if TYPE_CHECKING:
    from benegraph.graphql.types.people import Dependent
    from benegraph.graphql.types.plan_years import Plan


@strawberry.type(description="A dependent covered by a confirmed answer.")
class ConfirmedDependentCoverage:
    dependent: Annotated["Dependent", strawberry.lazy("benegraph.graphql.types.people")] = computed(
        same_object, "The dependent as it is now; the confirmation holds its ID alone."
    )
    confirmed_through: date | None = strawberry.field(
        name="coverageEnd",
        description=(
            "The last day of the dependent's coverage as it was then, inclusive; null if the answer covered no day."
        ),
    )


@strawberry.type(
    description=(
        "A confirmation of an answer to an enrollment, as it was given. It never changes: later answers, ends of"
        " coverage and renamed plans leave it as it is. Its ID is the confirmation number."
    )
)
class ElectionConfirmation(Node):
    enrollment: Enrollment = to_one(store.enrollments.by_ids, "enrollment_id", "The answered enrollment.")
    source: AnswerSource = strawberry.field(description="The way in which the enrollment was answered.")
    actor_role: Role = strawberry.field(name="confirmedBy", description="The role of the caller who answered.")
    created_at: datetime = strawberry.field(name="confirmedAt", description="When the answer was given.")
    benefit_product_name: str = strawberry.field(description="The name of the benefit product at that time.")
    decision: ElectionDecision = strawberry.field(description="The answer.")
    waiver_reason: WaiverReason | None = strawberry.field(
        description="Why coverage was waived; null unless it was waived with a reason."
    )
    selected_plan: Annotated["Plan", strawberry.lazy("benegraph.graphql.types.plan_years")] | None = to_one(
        store.plan_years.plans_by_ids, "selected_plan_id", "The plan elected; null for a waiver."
    )
    plan_name: str | None = strawberry.field(description="The plan's name at that time; null for a waiver.")
    coverage_tier: CoverageTier | None = strawberry.field(description="The coverage tier; null for a waiver.")
    employee_contribution_cents: Cents | None = strawberry.field(
        description="The employee's monthly share in cents; null for a waiver."
    )
    employer_contribution_cents: Cents | None = strawberry.field(
        description="The employer's monthly share in cents; null for a waiver."
    )
    effective_on: date = strawberry.field(name="effectiveDate", description="The day on which the answer takes effect.")
    coverage_starts_on: date | None = strawberry.field(
        name="coverageStartDate", description="The first day of coverage; null for a waiver."
    )
    coverage_ends_on: date | None = strawberry.field(
        name="coverageEndDate",
        description="The last day of coverage, inclusive, as it was then; null for a waiver or if no day was covered.",
    )
    dependent_coverage: list[ConfirmedDependentCoverage] = to_many(
        store.enrollments.confirmed_dependents_of, "id", "The dependents covered by the answer."
    )
    changeable_through: date | None = strawberry.field(
        description=(
            "The last day on which the answer could be changed, inclusive, as it was then; null if the window was over."
        )
    )
