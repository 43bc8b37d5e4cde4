"""Benefit products and the carriers' plans: coverage tiers, rates by tier, and what makes a plan's terms good."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benegraph.domain.checks import check_cents, check_text
from benegraph.domain.errors import ErrorCode, RuleViolation


class ProductCategory(StrEnum):
    """What a benefit product insures."""

    MEDICAL = "MEDICAL"
    DENTAL = "DENTAL"
    VISION = "VISION"
    HOSPITAL = "HOSPITAL"


class PlanTier(StrEnum):
    """A plan's metal: the share of costs it pays, from 60 % (bronze) to 90 % (platinum)."""

    BRONZE = "BRONZE"
    SILVER = "SILVER"
    GOLD = "GOLD"
    PLATINUM = "PLATINUM"


class CoverageTier(StrEnum):
    """Who is covered: the employee alone, with a spouse, with children, or with both."""

    UNSPECIFIED = "UNSPECIFIED"
    EE = "EE"
    ES = "ES"
    EC = "EC"
    EF = "EF"


COVERAGE_TIERS = (CoverageTier.EE, CoverageTier.ES, CoverageTier.EC, CoverageTier.EF)


@dataclass(frozen=True, slots=True)
class TierRate:
    """What a plan costs a month for one tier."""

    coverage_tier: CoverageTier
    monthly_premium_cents: int


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """A carrier's plan as an input names it, or as the catalogue holds it."""

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
    """Check plans one by one and against each other, with paths beneath `plans`."""
    seen: set[str] = set()
    for index, plan in enumerate(plans):
        for rule in _check_plan(plan):
            yield rule.prefixed("plans", str(index))
        if plan.carrier_plan_id in seen:
            yield RuleViolation(
                ErrorCode.INVALID_INPUT,
                "Another plan here carries the same carrier plan id.",
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
        at = ("rates", str(index))
        yield from check_cents(rate.monthly_premium_cents, *at, "monthlyPremiumCents")
        if rate.coverage_tier is CoverageTier.UNSPECIFIED:
            yield RuleViolation(ErrorCode.INVALID_INPUT, "A rate belongs to a tier.", (*at, "coverageTier"))
        elif rate.coverage_tier in seen:
            yield RuleViolation(ErrorCode.INVALID_INPUT, "This tier has a rate already.", (*at, "coverageTier"))
        elif rate.coverage_tier is CoverageTier.EE and rate.monthly_premium_cents != plan.monthly_premium_cents:
            yield RuleViolation(
                ErrorCode.INVALID_INPUT,
                "The rate for the employee alone is the plan's monthly premium.",
                (*at, "monthlyPremiumCents"),
            )
        seen.add(rate.coverage_tier)
