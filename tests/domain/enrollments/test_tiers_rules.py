"""Tiers: every small family, and a child's 26th birthday on the first, on the last of a month and on 29 February."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.tiers import (
    CHILD_AGE_LIMIT,
    FamilyMember,
    ages_out_on,
    covered_through,
    derive_tier,
    is_coverable,
)
from benegraph.domain.people import Relationship
from benegraph.domain.values import ONE_DAY

SPOUSE, CHILD = Relationship.SPOUSE, Relationship.CHILD
EE, ES, EC, EF = CoverageTier.EE, CoverageTier.ES, CoverageTier.EC, CoverageTier.EF


def child(born: date, *, disabled: bool = False, active: bool = True) -> FamilyMember:
    return FamilyMember("dpnd_child", CHILD, born, disabled, active)


def spouse(born: date, *, active: bool = True) -> FamilyMember:
    return FamilyMember("dpnd_spouse", SPOUSE, born, active=active)


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
        # A second spouse is refused at election, but makes no other tier.
        (2, 0, ES),
        (2, 1, EF),
        (2, 2, EF),
        (2, 3, EF),
    ],
)
def test_a_family_makes_its_tier_in_any_order(spouses: int, children: int, tier: CoverageTier) -> None:
    family = [SPOUSE] * spouses + [CHILD] * children
    assert derive_tier(family) is tier
    assert derive_tier(family[::-1]) is tier


# ---------------------------------------------------------------------------------------------------- turning 26

BIRTHS = [
    # born, turns 26, covered through
    (date(2001, 6, 15), date(2027, 6, 15), date(2027, 6, 30)),
    (date(2001, 6, 1), date(2027, 6, 1), date(2027, 6, 30)),  # on the first: the whole month is kept
    (date(2001, 6, 30), date(2027, 6, 30), date(2027, 6, 30)),
    (date(2001, 1, 31), date(2027, 1, 31), date(2027, 1, 31)),
    (date(2001, 1, 1), date(2027, 1, 1), date(2027, 1, 31)),
    (date(2001, 12, 31), date(2027, 12, 31), date(2027, 12, 31)),
    (date(2001, 2, 28), date(2027, 2, 28), date(2027, 2, 28)),
    (date(2002, 2, 28), date(2028, 2, 28), date(2028, 2, 29)),  # in a leap year
    (date(2000, 2, 29), date(2026, 3, 1), date(2026, 3, 31)),  # 26 years on there is no 29 February
    (date(1996, 2, 29), date(2022, 3, 1), date(2022, 3, 31)),
]


@pytest.mark.parametrize(("born", "birthday", "through"), BIRTHS)
def test_a_childs_coverage_ends_with_the_month_it_turns_26(born: date, birthday: date, through: date) -> None:
    assert ages_out_on(child(born)) == birthday
    assert covered_through(child(born)) == through


@pytest.mark.parametrize(("born", "birthday", "through"), BIRTHS)
def test_a_childs_coverage_may_start_until_the_day_before_it_turns_26(
    born: date, birthday: date, through: date
) -> None:
    assert is_coverable(child(born), birthday - ONE_DAY)
    assert not is_coverable(child(born), birthday)
    assert not is_coverable(child(born), birthday + ONE_DAY)
    assert not is_coverable(child(born), through + ONE_DAY)


@pytest.mark.parametrize(("born", "birthday", "through"), BIRTHS)
def test_neither_a_disabled_child_nor_a_spouse_ages_out(born: date, birthday: date, through: date) -> None:
    for member in (child(born, disabled=True), spouse(born)):
        assert ages_out_on(member) is None
        assert covered_through(member) is None
        assert is_coverable(member, birthday)
        assert is_coverable(member, through + 40 * 365 * ONE_DAY)


@pytest.mark.parametrize(
    "member",
    [
        child(date(2020, 5, 5), active=False),
        child(date(1990, 5, 5), disabled=True, active=False),
        spouse(date(1990, 5, 5), active=False),
    ],
)
def test_nobody_inactive_can_be_covered(member: FamilyMember) -> None:
    assert not is_coverable(member, date(2026, 1, 1))


def test_being_inactive_moves_no_birthday() -> None:
    assert ages_out_on(child(date(2001, 6, 15), active=False)) == date(2027, 6, 15)


# ---------------------------------------------------------------------------------------------------- laws

BORN = st.dates(date(1950, 1, 1), date(2040, 12, 31))


@given(BORN, st.integers(-400, 400))
def test_a_child_is_coverable_exactly_until_its_birthday(born: date, days: int) -> None:
    birthday = ages_out_on(child(born))
    assert birthday is not None
    starts_on = birthday + timedelta(days=days)
    assert is_coverable(child(born), starts_on) is (days < 0)
    # In whole years, as everybody counts them; who is born on 29 February has to wait for March.
    age = starts_on.year - born.year - ((starts_on.month, starts_on.day) < (born.month, born.day))
    assert (age < CHILD_AGE_LIMIT) is (days < 0)


@given(BORN)
def test_coverage_reaches_from_the_birthday_to_the_end_of_its_month(born: date) -> None:
    birthday, through = ages_out_on(child(born)), covered_through(child(born))
    assert birthday is not None
    assert through is not None
    assert birthday <= through
    assert (through.year, through.month) == (birthday.year, birthday.month)
    assert (through + ONE_DAY).day == 1


@given(st.lists(st.sampled_from(Relationship), max_size=6))
def test_a_tier_tells_whether_there_is_a_spouse_and_whether_there_are_children(family: list[Relationship]) -> None:
    assert (derive_tier(family) in {ES, EF}) is (SPOUSE in family)
    assert (derive_tier(family) in {EC, EF}) is (CHILD in family)
