"""Inputs for plans and contributions, which plan years and benefit products have in common."""

from collections.abc import Sequence

import strawberry

from benegraph.domain.catalog import PlanTerms, TierRate
from benegraph.domain.plan_years import ContributionTerms
from benegraph.graphql.mutations.inputs import optional, required, value_or_none
from benegraph.graphql.types.catalog import (
    CARRIER_PLAN_ID_DESCRIPTION,
    DEDUCTIBLE_DESCRIPTION,
    EE_PREMIUM_DESCRIPTION,
    METAL_TIER_DESCRIPTION,
    OUT_OF_POCKET_MAX_DESCRIPTION,
)
from benegraph.graphql.types.enums import CoverageTier, EmploymentClass, PlanTier
from benegraph.graphql.types.plan_years import (
    EMPLOYEE_CONTRIBUTION_DESCRIPTION,
    EMPLOYER_CONTRIBUTION_DESCRIPTION,
    FAMILY_STATUS_DESCRIPTION,
)
from benegraph.graphql.types.scalars import Cents


@strawberry.input(description="The monthly contributions for one employment class and coverage tier.")
class ContributionClassInput:
    employment: EmploymentClass = required("The employment class that these contributions apply to.")
    family_status: CoverageTier = required(FAMILY_STATUS_DESCRIPTION)
    employee_contribution_cents: Cents = required(EMPLOYEE_CONTRIBUTION_DESCRIPTION)
    employer_contribution_cents: Cents = required(EMPLOYER_CONTRIBUTION_DESCRIPTION)

    def to_terms(self) -> ContributionTerms:
        return ContributionTerms(
            self.employment,
            self.family_status,
            self.employee_contribution_cents,
            self.employer_contribution_cents,
        )


@strawberry.input(description="A plan's monthly premium for one coverage tier.")
class PlanRateInput:
    coverage_tier: CoverageTier = required("The coverage tier; not UNSPECIFIED.")
    monthly_premium_cents: Cents = required(
        "The monthly premium in cents: the employee's and the employer's share together."
    )


def to_rates(rates: Sequence[PlanRateInput]) -> tuple[TierRate, ...]:
    return tuple(TierRate(rate.coverage_tier, rate.monthly_premium_cents) for rate in rates)


@strawberry.input(description="A carrier's plan.")
class PlanInput:
    carrier_plan_id: str = required(CARRIER_PLAN_ID_DESCRIPTION)
    name: str = required("The plan's name.")
    tier: PlanTier | None = optional(METAL_TIER_DESCRIPTION)
    monthly_premium_cents: Cents = required(EE_PREMIUM_DESCRIPTION)
    deductible_cents: Cents | None = optional(DEDUCTIBLE_DESCRIPTION)
    out_of_pocket_max_cents: Cents | None = optional(OUT_OF_POCKET_MAX_DESCRIPTION)
    rates: list[PlanRateInput] | None = optional(
        "The monthly premium for each coverage tier. A rate for EE must equal `monthlyPremiumCents`. Without rates, a"
        " tier other than EE costs the sum of the two contributions of its contribution class."
    )

    def to_terms(self) -> PlanTerms:
        return PlanTerms(
            self.carrier_plan_id,
            self.name,
            value_or_none(self.tier),
            self.monthly_premium_cents,
            value_or_none(self.deductible_cents),
            value_or_none(self.out_of_pocket_max_cents),
            to_rates(self.rates or ()),
        )
