"""Input fields and inputs that several mutations share."""

from typing import Any

import strawberry

from benegraph.domain.catalog import PlanTerms, TierRate
from benegraph.domain.plan_years import ContributionTerms
from benegraph.graphql.types.enums import CoverageTier, EmploymentClass, PlanTier
from benegraph.graphql.types.scalars import Cents

THE_INPUT = strawberry.argument(description="What is asked for.")


def IDEMPOTENCY_KEY() -> Any:  # noqa: N802 - reads as the constant it would be, were fields not made anew for each class
    return strawberry.field(
        default=strawberry.UNSET,
        description="Any text of yours, up to 255 characters: the same call with the same key is done once in 30 days.",
    )


def EXPECTED_VERSION() -> Any:  # noqa: N802 - as above
    return strawberry.field(
        default=strawberry.UNSET, description="The version you saw; another one by now is VERSION_CONFLICT."
    )


def optional(description: str) -> Any:
    """Declare an input field that may be left out."""
    return strawberry.field(default=strawberry.UNSET, description=description)


def present(value: Any) -> Any:
    """Give a value, or None where it was left out."""
    return None if value is strawberry.UNSET else value


@strawberry.input(description="What employee and employer pay a month, for one employment class and family status.")
class ContributionClassInput:
    employment: EmploymentClass = strawberry.field(description="The kind of employment.")
    family_status: CoverageTier = strawberry.field(
        description="The tier; UNSPECIFIED serves those without a class of their own."
    )
    employee_contribution_cents: Cents = strawberry.field(description="The employee's share a month.")
    employer_contribution_cents: Cents = strawberry.field(description="The employer's share a month, at most.")

    def terms(self) -> ContributionTerms:
        return ContributionTerms(
            self.employment,
            self.family_status,
            self.employee_contribution_cents,
            self.employer_contribution_cents,
        )


@strawberry.input(description="What a plan costs a month for one tier.")
class PlanRateInput:
    coverage_tier: CoverageTier = strawberry.field(description="The tier; never UNSPECIFIED.")
    monthly_premium_cents: Cents = strawberry.field(description="The premium a month.")


@strawberry.input(description="A carrier's plan.")
class PlanInput:
    carrier_plan_id: str = strawberry.field(description="The carrier's own code for the plan.")
    name: str = strawberry.field(description="The plan's name.")
    tier: PlanTier | None = optional("The plan's metal.")
    monthly_premium_cents: Cents = strawberry.field(description="The premium a month for the employee alone (EE).")
    deductible_cents: Cents | None = optional("What a member pays a year before the plan does.")
    out_of_pocket_max_cents: Cents | None = optional("The most a member pays a year.")
    rates: list[PlanRateInput] | None = optional(
        "The premium by tier. A rate for EE must equal `monthlyPremiumCents`. Without any, a tier costs what the"
        " contribution class says."
    )

    def terms(self) -> PlanTerms:
        return PlanTerms(
            self.carrier_plan_id,
            self.name,
            present(self.tier),
            self.monthly_premium_cents,
            present(self.deductible_cents),
            present(self.out_of_pocket_max_cents),
            tuple(TierRate(rate.coverage_tier, rate.monthly_premium_cents) for rate in self.rates or ()),
        )
