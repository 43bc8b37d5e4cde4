"""The catalog: benefit products, the carriers' plans, coverage tiers and the rates of each tier."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benegraph.domain.checks import check_cents, check_text
from benegraph.domain.errors import ErrorCode, RuleViolation


class ProductCategory(StrEnum):
    """The kind of care that a benefit product insures."""

    MEDICAL = "MEDICAL"
    DENTAL = "DENTAL"
    VISION = "VISION"
    HOSPITAL = "HOSPITAL"


class PlanTier(StrEnum):
    """A plan's metal tier: the share of medical costs it pays, from 60 % (bronze) to 90 % (platinum)."""

    BRONZE = "BRONZE"
    SILVER = "SILVER"
    GOLD = "GOLD"
    PLATINUM = "PLATINUM"


class CoverageTier(StrEnum):
    """A coverage tier: the employee alone (EE), with a spouse (ES), with children (EC), or with both (EF).

    In a contribution class, UNSPECIFIED applies to every tier that has no class of its own. In an election, it means
    that the tier is derived from the dependents.
    """

    UNSPECIFIED = "UNSPECIFIED"
    EE = "EE"
    ES = "ES"
    EC = "EC"
    EF = "EF"


#: The tiers that an enrollment can have.
COVERAGE_TIERS = (CoverageTier.EE, CoverageTier.ES, CoverageTier.EC, CoverageTier.EF)


@dataclass(frozen=True, slots=True)
class TierRate:
    """The monthly premium of a plan for one coverage tier."""

    coverage_tier: CoverageTier
    monthly_premium_cents: int


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """The terms of a carrier's plan, from an input or from the catalog."""

    carrier_plan_id: str
    name: str
    tier: PlanTier | None
    monthly_premium_cents: int
    deductible_cents: int | None = None
    out_of_pocket_max_cents: int | None = None
    rates: tuple[TierRate, ...] = ()


def check_product(name: str, carrier_name: str | None) -> Iterator[RuleViolation]:
    yield from check_text(name, "name")
    yield from check_text(carrier_name, "carrierName")


def check_plans(plans: Sequence[PlanTerms]) -> Iterator[RuleViolation]:
    """Check each plan, and that no two have the same carrier plan ID. Field paths start with `plans`."""
    seen: set[str] = set()
    for index, plan in enumerate(plans):
        for violation in _check_plan(plan):
            yield violation.prefixed("plans", str(index))
        if plan.carrier_plan_id in seen:
            yield RuleViolation(
                ErrorCode.INVALID_INPUT,
                "Duplicate carrier plan ID: an earlier plan in this list has the same ID.",
                ("plans", str(index), "carrierPlanId"),
            )
        seen.add(plan.carrier_plan_id)


def _check_plan(plan: PlanTerms) -> Iterator[RuleViolation]:
    yield from check_text(plan.carrier_plan_id, "carrierPlanId")
    yield from check_text(plan.name, "name")
    yield from check_cents(plan.monthly_premium_cents, "monthlyPremiumCents")
    yield from check_cents(plan.deductible_cents, "deductibleCents")
    yield from check_cents(plan.out_of_pocket_max_cents, "outOfPocketMaxCents")
    seen: set[CoverageTier] = set()
    for index, rate in enumerate(plan.rates):
        path = ("rates", str(index))
        yield from check_cents(rate.monthly_premium_cents, *path, "monthlyPremiumCents")
        if rate.coverage_tier is CoverageTier.UNSPECIFIED:
            yield RuleViolation(
                ErrorCode.INVALID_INPUT, "A rate needs a coverage tier: EE, ES, EC or EF.", (*path, "coverageTier")
            )
        elif rate.coverage_tier in seen:
            yield RuleViolation(
                ErrorCode.INVALID_INPUT,
                f"Duplicate rate: coverage tier {rate.coverage_tier} already has one.",
                (*path, "coverageTier"),
            )
        elif rate.coverage_tier is CoverageTier.EE and rate.monthly_premium_cents != plan.monthly_premium_cents:
            yield RuleViolation(
                ErrorCode.INVALID_INPUT,
                f"The rate for coverage tier EE must equal the plan's monthly premium, {plan.monthly_premium_cents} "
                f"cents; it is {rate.monthly_premium_cents} cents.",
                (*path, "monthlyPremiumCents"),
            )
        seen.add(rate.coverage_tier)
