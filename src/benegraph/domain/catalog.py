"""The catalog: benefit products, the carriers' plans, coverage tiers and the rates of each tier."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from benegraph.domain.checks import check_cents, check_text
from benegraph.domain.errors import ErrorCode, RuleViolation

#: The length of the identification code NM109 in X12.
MAX_PAYER_ID_LENGTH = 80


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


def check_product(name: str, carrier_name: str | None, payer_id: str | None = None) -> Iterator[RuleViolation]:
    yield from check_text(name, "name")
    yield from check_text(carrier_name, "carrierName")
    yield from check_text(payer_id, "payerId", max_length=MAX_PAYER_ID_LENGTH)


def check_product_active(*, active: bool, field: str = "benefitProductId") -> Iterator[RuleViolation]:
    """Check that a product is still offered: a retired one gets no new plan years."""
    if not active:
        yield RuleViolation(
            ErrorCode.INVALID_STATUS_TRANSITION,
            "The benefit product is retired, so it gets no new plan years.",
            (field,),
        )


def check_plans(plans: Sequence[PlanTerms]) -> Iterator[RuleViolation]:
    """Check each plan, and that no two have the same carrier plan ID. Field paths start with `plans`."""
    seen: set[str] = set()
    for index, plan in enumerate(plans):
        for violation in check_plan(plan):
            yield violation.prefixed("plans", str(index))
        if plan.carrier_plan_id in seen:
            yield RuleViolation(
                ErrorCode.INVALID_INPUT,
                "Duplicate carrier plan ID: an earlier plan in this list has the same ID.",
                ("plans", str(index), "carrierPlanId"),
            )
        seen.add(plan.carrier_plan_id)


def revise_plan(plan: PlanTerms, changes: Mapping[str, Any]) -> PlanTerms:
    """Return a plan with changed terms; `changes` maps attributes of the plan to values.

    The rate for EE equals the monthly premium, so it follows a new premium if the changes contain no rates.
    """
    revised = replace(plan, **changes)
    if "rates" in changes:
        return revised
    rates = (
        replace(rate, monthly_premium_cents=revised.monthly_premium_cents)
        if rate.coverage_tier is CoverageTier.EE
        else rate
        for rate in plan.rates
    )
    return replace(revised, rates=tuple(rates))


def check_revision(plan: PlanTerms, changes: Mapping[str, Any]) -> Iterator[RuleViolation]:
    """Check changed terms of a plan, and that a new premium comes with rates if the plan has any besides EE's."""
    revised = revise_plan(plan, changes)
    has_other_rates = any(rate.coverage_tier is not CoverageTier.EE for rate in plan.rates)
    if has_other_rates and "rates" not in changes and revised.monthly_premium_cents != plan.monthly_premium_cents:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT,
            "The monthly premium changes, and the plan has rates for other tiers than EE; list the rates too, also "
            "those that stay the same.",
            ("rates",),
        )
    yield from check_plan(revised)


def check_plan(plan: PlanTerms) -> Iterator[RuleViolation]:
    """Check the terms of one plan, and that each tier has at most one rate."""
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
