"""Inputs for plans and contributions, which plan years and benefit products have in common."""

import strawberry

from benegraph.domain.catalog import PlanTerms, TierRate
from benegraph.domain.plan_years import ContributionTerms
from benegraph.graphql.mutations.inputs import optional, required, value_or_none
from benegraph.graphql.types.enums import CoverageTier, EmploymentClass, PlanTier
from benegraph.graphql.types.scalars import Cents


@strawberry.input(description="The monthly contributions for one employment class and coverage tier.")
class ContributionClassInput:
    employment: EmploymentClass = required("The employment class.")
    family_status: CoverageTier = required(
        "The coverage tier; UNSPECIFIED applies to every tier without a class of its own."
    )
    employee_contribution_cents: Cents = required("The employee's monthly share.")
    employer_contribution_cents: Cents = required("The employer's monthly share, at most the premium.")

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
    monthly_premium_cents: Cents = required("The monthly premium.")


@strawberry.input(description="A carrier's plan.")
class PlanInput:
    carrier_plan_id: str = required("The carrier's code of the plan.")
    name: str = required("The plan's name.")
    tier: PlanTier | None = optional("The plan's metal tier.")
    monthly_premium_cents: Cents = required("The monthly premium for the employee alone (EE).")
    deductible_cents: Cents | None = optional("The yearly deductible of a member.")
    out_of_pocket_max_cents: Cents | None = optional("The most that a member pays in a year.")
    rates: list[PlanRateInput] | None = optional(
        "The premium by coverage tier. A rate for EE must equal `monthlyPremiumCents`. Without rates, a tier costs the"
        " two contributions of its contribution class, added up."
    )

    def to_terms(self) -> PlanTerms:
        return PlanTerms(
            self.carrier_plan_id,
            self.name,
            value_or_none(self.tier),
            self.monthly_premium_cents,
            value_or_none(self.deductible_cents),
            value_or_none(self.out_of_pocket_max_cents),
            tuple(TierRate(rate.coverage_tier, rate.monthly_premium_cents) for rate in self.rates or ()),
        )
