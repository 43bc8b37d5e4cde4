"""Money: the contributions for a tier, the cost of a plan, and the shares of employer and employee."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.catalog import COVERAGE_TIERS, CoverageTier
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import (
    ContributionTerms,
    PlanPrice,
    PremiumCost,
    compute_cost,
    compute_costs,
    find_contribution_terms,
)

FULL_TIME, PART_TIME, INTERN = EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME, EmploymentClass.INTERN
EE, ES, EC, EF = COVERAGE_TIERS
UNSPECIFIED = CoverageTier.UNSPECIFIED

CLASSES = [
    ContributionTerms(FULL_TIME, UNSPECIFIED, 1_000, 40_000),
    ContributionTerms(FULL_TIME, EF, 2_000, 90_000),
    ContributionTerms(PART_TIME, EE, 3_000, 10_000),
    ContributionTerms(PART_TIME, ES, 4_000, 20_000),
]
GOLD = PlanPrice(77_700, {EE: 77_700, ES: 159_285, EC: 143_745, EF: 225_330})
WITHOUT_RATES = PlanPrice(77_700, {})

CENTS = st.integers(0, 2**53 - 1)
PRICES = st.builds(PlanPrice, CENTS, st.dictionaries(st.sampled_from(COVERAGE_TIERS), CENTS))
CLASS_LISTS = st.lists(
    st.builds(ContributionTerms, st.sampled_from([FULL_TIME, PART_TIME]), st.sampled_from(CoverageTier), CENTS, CENTS),
    max_size=8,
    unique_by=lambda terms: (terms.employment, terms.family_status),
)


# ---------------------------------------------------------------------------------------------- classes


@pytest.mark.parametrize(
    ("employment", "tier", "expected"),
    [
        (FULL_TIME, EF, CLASSES[1]),  # its own class
        (FULL_TIME, EE, CLASSES[0]),  # the UNSPECIFIED class applies to the rest
        (FULL_TIME, ES, CLASSES[0]),
        (FULL_TIME, EC, CLASSES[0]),
        (PART_TIME, EE, CLASSES[2]),
        (PART_TIME, ES, CLASSES[3]),
        (PART_TIME, EC, None),  # an UNSPECIFIED class of another employment does not apply
        (PART_TIME, EF, None),
        (INTERN, EE, None),
    ],
)
def test_contribution_terms_of_a_tier(
    employment: EmploymentClass, tier: CoverageTier, expected: ContributionTerms | None
) -> None:
    assert find_contribution_terms(CLASSES, employment, tier) is expected
    assert find_contribution_terms(CLASSES[::-1], employment, tier) is expected


def test_zero_contributions_are_found() -> None:
    zero = ContributionTerms(FULL_TIME, EE, 0, 0)
    assert find_contribution_terms([CLASSES[0], zero], FULL_TIME, EE) is zero


# ---------------------------------------------------------------------------------------------- costs


@pytest.mark.parametrize(
    ("price", "tier", "employer_contribution", "expected"),
    [
        # A tier costs its rate; the employer pays its contribution, the employee the rest.
        (GOLD, EE, 40_000, PremiumCost(EE, 37_700, 40_000)),
        (GOLD, ES, 40_000, PremiumCost(ES, 119_285, 40_000)),
        (GOLD, EC, 40_000, PremiumCost(EC, 103_745, 40_000)),
        (GOLD, EF, 40_000, PremiumCost(EF, 185_330, 40_000)),
        (GOLD, EF, 0, PremiumCost(EF, 225_330, 0)),
        # The employer pays at most the premium.
        (GOLD, EE, 77_699, PremiumCost(EE, 1, 77_699)),
        (GOLD, EE, 77_700, PremiumCost(EE, 0, 77_700)),
        (GOLD, EE, 77_701, PremiumCost(EE, 0, 77_700)),
        (PlanPrice(0, {ES: 0}), EE, 40_000, PremiumCost(EE, 0, 0)),
        (PlanPrice(0, {ES: 0}), ES, 40_000, PremiumCost(ES, 0, 0)),
        # If any tier has a rate, a tier without one is not offered; EE needs none.
        (PlanPrice(77_700, {EF: 225_330}), ES, 40_000, None),
        (PlanPrice(77_700, {EF: 225_330}), EF, 40_000, PremiumCost(EF, 185_330, 40_000)),
        (PlanPrice(77_700, {EF: 225_330}), EE, 40_000, PremiumCost(EE, 37_700, 40_000)),
        (PlanPrice(77_700, {EE: 77_700}), EC, 40_000, None),
        # Without any rates a tier costs the sum of the contributions, and EE the premium.
        (WITHOUT_RATES, ES, 40_000, PremiumCost(ES, 1_000, 40_000)),
        (WITHOUT_RATES, EF, 0, PremiumCost(EF, 1_000, 0)),
        (WITHOUT_RATES, EE, 40_000, PremiumCost(EE, 37_700, 40_000)),
        # UNSPECIFIED has no cost.
        (GOLD, UNSPECIFIED, 40_000, None),
    ],
)
def test_cost_of_a_tier(
    price: PlanPrice, tier: CoverageTier, employer_contribution: int, expected: PremiumCost | None
) -> None:
    terms = ContributionTerms(FULL_TIME, UNSPECIFIED, 1_000, employer_contribution)
    assert compute_cost(price, terms, tier) == expected


@pytest.mark.parametrize("tier", COVERAGE_TIERS)
@pytest.mark.parametrize("price", [GOLD, WITHOUT_RATES], ids=["rates", "no rates"])
def test_tier_without_contributions_has_no_cost(price: PlanPrice, tier: CoverageTier) -> None:
    assert compute_cost(price, None, tier) is None


def test_total_premium_is_the_sum_of_shares() -> None:
    assert PremiumCost(ES, 119_285, 40_000).total_monthly_premium_cents == 159_285


@pytest.mark.parametrize(
    ("price", "employment", "expected"),
    [
        (
            GOLD,
            FULL_TIME,
            [
                PremiumCost(EE, 37_700, 40_000),
                PremiumCost(ES, 119_285, 40_000),
                PremiumCost(EC, 103_745, 40_000),
                PremiumCost(EF, 135_330, 90_000),
            ],
        ),
        (GOLD, PART_TIME, [PremiumCost(EE, 67_700, 10_000), PremiumCost(ES, 139_285, 20_000)]),
        (GOLD, INTERN, []),
        (
            PlanPrice(77_700, {EF: 225_330}),
            FULL_TIME,
            [PremiumCost(EE, 37_700, 40_000), PremiumCost(EF, 135_330, 90_000)],
        ),
        (PlanPrice(77_700, {EF: 225_330}), PART_TIME, [PremiumCost(EE, 67_700, 10_000)]),
        (
            WITHOUT_RATES,
            FULL_TIME,
            [
                PremiumCost(EE, 37_700, 40_000),
                PremiumCost(ES, 1_000, 40_000),
                PremiumCost(EC, 1_000, 40_000),
                PremiumCost(EF, 2_000, 90_000),
            ],
        ),
    ],
)
def test_plan_has_a_cost_for_every_offered_tier(
    price: PlanPrice, employment: EmploymentClass, expected: list[PremiumCost]
) -> None:
    assert compute_costs(price, CLASSES, employment) == expected


# ---------------------------------------------------------------------------------------- properties


@given(PRICES, CLASS_LISTS, st.sampled_from([FULL_TIME, PART_TIME]))
def test_shares_are_not_negative_and_add_up_to_the_premium(
    price: PlanPrice, classes: list[ContributionTerms], employment: EmploymentClass
) -> None:
    for cost in compute_costs(price, classes, employment):
        terms = find_contribution_terms(classes, employment, cost.coverage_tier)
        assert terms is not None
        if cost.coverage_tier is EE:
            premium = price.monthly_premium_cents
        elif price.rates:
            premium = price.rates[cost.coverage_tier]
        else:
            premium = terms.employee_contribution_cents + terms.employer_contribution_cents
        assert cost.total_monthly_premium_cents == premium
        assert cost.employee_contribution_cents >= 0
        assert 0 <= cost.employer_contribution_cents <= terms.employer_contribution_cents


@given(PRICES, CLASS_LISTS)
def test_tier_without_cost_lacks_a_rate_or_contributions(price: PlanPrice, classes: list[ContributionTerms]) -> None:
    tiers_with_class = {terms.family_status for terms in classes if terms.employment is FULL_TIME}
    offered = [
        tier
        for tier in COVERAGE_TIERS
        if tiers_with_class & {tier, UNSPECIFIED} and (tier is EE or not price.rates or tier in price.rates)
    ]
    assert [cost.coverage_tier for cost in compute_costs(price, classes, FULL_TIME)] == offered
