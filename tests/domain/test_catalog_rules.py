"""The catalog: checks of products and carrier plans, with the path of each invalid term."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.catalog import (
    COVERAGE_TIERS,
    CoverageTier,
    PlanTerms,
    PlanTier,
    TierRate,
    check_plans,
    check_product,
)
from benegraph.domain.errors import ErrorCode
from benegraph.domain.values import MAX_CENTS
from violations import CodeAndField, codes_and_fields

EE, ES, EC, EF = COVERAGE_TIERS
GOLD = PlanTerms(
    "GOLD-1",
    "Gold PPO",
    PlanTier.GOLD,
    77_700,
    deductible_cents=150_000,
    out_of_pocket_max_cents=650_000,
    rates=(TierRate(EE, 77_700), TierRate(ES, 159_285), TierRate(EC, 143_745), TierRate(EF, 225_330)),
)


def invalid(*paths: str) -> list[CodeAndField]:
    return [(ErrorCode.INVALID_INPUT, path) for path in paths]


def test_tiers_are_ordered_from_employee_to_family() -> None:
    assert [str(tier) for tier in COVERAGE_TIERS] == ["EE", "ES", "EC", "EF"]
    assert {*COVERAGE_TIERS, CoverageTier.UNSPECIFIED} == set(CoverageTier)


@pytest.mark.parametrize(
    ("name", "carrier_name", "expected"),
    [
        ("Medical", "Blue Harbor", []),
        ("Medical", None, []),
        ("", "Blue Harbor", invalid("name")),
        ("Medical", "", invalid("carrierName")),
        ("x" * 201, " ", invalid("name", "carrierName")),
    ],
)
def test_product_fields_are_checked(name: str, carrier_name: str | None, expected: list[CodeAndField]) -> None:
    assert codes_and_fields(check_product(name, carrier_name)) == expected


@pytest.mark.parametrize(
    "plan",
    [
        GOLD,
        replace(GOLD, tier=None, deductible_cents=None, out_of_pocket_max_cents=None),
        replace(GOLD, rates=()),
        replace(GOLD, rates=(TierRate(EF, 225_330),)),  # the EE rate may be left out
        replace(GOLD, rates=(TierRate(EE, 77_700),)),
        replace(GOLD, rates=(TierRate(ES, 0), TierRate(EC, 1))),  # another tier may cost less than EE
        replace(GOLD, monthly_premium_cents=0, rates=(TierRate(EE, 0),)),
        replace(GOLD, monthly_premium_cents=MAX_CENTS, rates=()),
        replace(GOLD, deductible_cents=0, out_of_pocket_max_cents=0),
    ],
)
def test_valid_plan_is_accepted(plan: PlanTerms) -> None:
    assert list(check_plans([plan])) == []


def test_empty_list_of_plans_is_accepted() -> None:
    assert list(check_plans([])) == []


@pytest.mark.parametrize(
    ("plan", "paths"),
    [
        (replace(GOLD, carrier_plan_id=""), ["carrierPlanId"]),
        (replace(GOLD, name=" "), ["name"]),
        (replace(GOLD, monthly_premium_cents=-1, rates=()), ["monthlyPremiumCents"]),
        (replace(GOLD, deductible_cents=-1), ["deductibleCents"]),
        (replace(GOLD, out_of_pocket_max_cents=-1), ["outOfPocketMaxCents"]),
        (replace(GOLD, rates=(TierRate(ES, -1),)), ["rates.0.monthlyPremiumCents"]),
        (replace(GOLD, rates=(TierRate(CoverageTier.UNSPECIFIED, 1),)), ["rates.0.coverageTier"]),
        # A tier has at most one rate, even if both are equal.
        (replace(GOLD, rates=(TierRate(ES, 1), TierRate(ES, 2))), ["rates.1.coverageTier"]),
        (replace(GOLD, rates=(TierRate(EE, 77_700), TierRate(EE, 77_700))), ["rates.1.coverageTier"]),
        # The EE rate equals the plan's premium to the cent.
        (replace(GOLD, rates=(TierRate(EE, 77_699),)), ["rates.0.monthlyPremiumCents"]),
        (replace(GOLD, rates=(TierRate(EF, 1), TierRate(EE, 77_701))), ["rates.1.monthlyPremiumCents"]),
        (
            PlanTerms(
                "", "", None, -1, -1, -1, (TierRate(ES, -1), TierRate(ES, 0), TierRate(CoverageTier.UNSPECIFIED, 0))
            ),
            [
                "carrierPlanId",
                "name",
                "monthlyPremiumCents",
                "deductibleCents",
                "outOfPocketMaxCents",
                "rates.0.monthlyPremiumCents",
                "rates.1.coverageTier",
                "rates.2.coverageTier",
            ],
        ),
    ],
)
def test_every_invalid_term_of_a_plan_is_refused_at_its_path(plan: PlanTerms, paths: list[str]) -> None:
    violations = check_plans([replace(GOLD, carrier_plan_id="SILVER-1"), plan])
    assert codes_and_fields(violations) == invalid(*[f"plans.1.{path}" for path in paths])


def test_every_duplicate_carrier_plan_id_is_refused() -> None:
    plans = [GOLD, replace(GOLD, carrier_plan_id="SILVER-1"), replace(GOLD, name="Gold HMO"), GOLD]
    assert codes_and_fields(check_plans(plans)) == invalid("plans.2.carrierPlanId", "plans.3.carrierPlanId")


@given(st.permutations(COVERAGE_TIERS), st.integers(0, 4), st.integers(0, MAX_CENTS))
def test_any_set_of_tiers_may_have_rates_in_any_order(tiers: list[CoverageTier], count: int, premium: int) -> None:
    rates = tuple(TierRate(tier, premium) for tier in tiers[:count])
    assert list(check_plans([replace(GOLD, monthly_premium_cents=premium, rates=rates)])) == []
