"""Coverage tiers of families, and children who turn 26 on the first or last day of a month or on 29 February."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.tiers import (
    CHILD_AGE_LIMIT,
    DependentFacts,
    ages_out_on,
    covered_through,
    derive_tier,
    is_coverable,
)
from benegraph.domain.people import Relationship
from benegraph.domain.values import ONE_DAY

SPOUSE, CHILD = Relationship.SPOUSE, Relationship.CHILD
EE, ES, EC, EF = CoverageTier.EE, CoverageTier.ES, CoverageTier.EC, CoverageTier.EF


def child(born: date, *, disabled: bool = False, active: bool = True) -> DependentFacts:
    return DependentFacts("dpnd_child", CHILD, born, disabled, active)


def spouse(born: date, *, active: bool = True) -> DependentFacts:
    return DependentFacts("dpnd_spouse", SPOUSE, born, active=active)


# ---------------------------------------------------------------------------------------------------- tiers


@pytest.mark.parametrize(
    ("spouses", "children", "tier"),
    [
        (0, 0, EE),
        (0, 1, EC),
        (0, 2, EC),
        (0, 3, EC),
        (1, 0, ES),
        (1, 1, EF),
        (1, 2, EF),
        (1, 3, EF),
        # An election refuses a second spouse; the tier is the same.
        (2, 0, ES),
        (2, 1, EF),
        (2, 2, EF),
        (2, 3, EF),
    ],
)
def test_tier_is_derived_from_relationships_in_any_order(spouses: int, children: int, tier: CoverageTier) -> None:
    family = [SPOUSE] * spouses + [CHILD] * children
    assert derive_tier(family) is tier
    assert derive_tier(family[::-1]) is tier


# ---------------------------------------------------------------------------------------------------- turning 26

BIRTHS = [
    # born, turns 26, covered through
    (date(2001, 6, 15), date(2027, 6, 15), date(2027, 6, 30)),
    (date(2001, 6, 1), date(2027, 6, 1), date(2027, 6, 30)),  # on the first: the whole month is covered
    (date(2001, 6, 30), date(2027, 6, 30), date(2027, 6, 30)),
    (date(2001, 1, 31), date(2027, 1, 31), date(2027, 1, 31)),
    (date(2001, 1, 1), date(2027, 1, 1), date(2027, 1, 31)),
    (date(2001, 12, 31), date(2027, 12, 31), date(2027, 12, 31)),
    (date(2001, 2, 28), date(2027, 2, 28), date(2027, 2, 28)),
    (date(2002, 2, 28), date(2028, 2, 28), date(2028, 2, 29)),  # in a leap year
    (date(2000, 2, 29), date(2026, 3, 1), date(2026, 3, 31)),  # 26 years later there is no 29 February
    (date(1996, 2, 29), date(2022, 3, 1), date(2022, 3, 31)),
]


@pytest.mark.parametrize(("born", "birthday", "through"), BIRTHS)
def test_child_is_covered_through_the_month_of_its_26th_birthday(born: date, birthday: date, through: date) -> None:
    assert ages_out_on(child(born)) == birthday
    assert covered_through(child(born)) == through


@pytest.mark.parametrize(("born", "birthday", "through"), BIRTHS)
def test_child_coverage_may_start_until_the_day_before_its_26th_birthday(
    born: date, birthday: date, through: date
) -> None:
    assert is_coverable(child(born), birthday - ONE_DAY)
    assert not is_coverable(child(born), birthday)
    assert not is_coverable(child(born), birthday + ONE_DAY)
    assert not is_coverable(child(born), through + ONE_DAY)


@pytest.mark.parametrize(("born", "birthday", "through"), BIRTHS)
def test_disabled_child_and_spouse_never_age_out(born: date, birthday: date, through: date) -> None:
    for dependent in (child(born, disabled=True), spouse(born)):
        assert ages_out_on(dependent) is None
        assert covered_through(dependent) is None
        assert is_coverable(dependent, birthday)
        assert is_coverable(dependent, through + 40 * 365 * ONE_DAY)


@pytest.mark.parametrize(
    "dependent",
    [
        child(date(2020, 5, 5), active=False),
        child(date(1990, 5, 5), disabled=True, active=False),
        spouse(date(1990, 5, 5), active=False),
    ],
)
def test_inactive_dependent_is_not_coverable(dependent: DependentFacts) -> None:
    assert not is_coverable(dependent, date(2026, 1, 1))


def test_inactive_child_ages_out_on_the_same_day() -> None:
    assert ages_out_on(child(date(2001, 6, 15), active=False)) == date(2027, 6, 15)


# ------------------------------------------------------------------------------------------------- properties

BORN = st.dates(date(1950, 1, 1), date(2040, 12, 31))


@given(BORN, st.integers(-400, 400))
def test_child_is_coverable_until_its_26th_birthday(born: date, days: int) -> None:
    birthday = ages_out_on(child(born))
    assert birthday is not None
    starts_on = birthday + timedelta(days=days)
    assert is_coverable(child(born), starts_on) is (days < 0)
    # The age in whole years; a birthday on 29 February counts on 1 March in common years.
    age = starts_on.year - born.year - ((starts_on.month, starts_on.day) < (born.month, born.day))
    assert (age < CHILD_AGE_LIMIT) is (days < 0)


@given(BORN)
def test_coverage_ends_in_the_month_of_the_birthday(born: date) -> None:
    birthday, through = ages_out_on(child(born)), covered_through(child(born))
    assert birthday is not None
    assert through is not None
    assert birthday <= through
    assert (through.year, through.month) == (birthday.year, birthday.month)
    assert (through + ONE_DAY).day == 1


@given(st.lists(st.sampled_from(Relationship), max_size=6))
def test_tier_depends_on_presence_of_spouse_and_children(family: list[Relationship]) -> None:
    assert (derive_tier(family) in {ES, EF}) is (SPOUSE in family)
    assert (derive_tier(family) in {EC, EF}) is (CHILD in family)
