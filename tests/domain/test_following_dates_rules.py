"""The dates of a copied plan year: moved by a year, with month ends, leap days and short plan years."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.plan_years import PlanYearDates, check_dates, compute_following_dates
from benegraph.domain.values import add_months

DAY = timedelta(days=1)


def dates(*texts: str) -> PlanYearDates:
    start, end, open_start, open_end = map(date.fromisoformat, texts)
    return PlanYearDates(start, end, open_start, open_end)


@pytest.mark.parametrize(
    ("current", "following"),
    [
        # A calendar year.
        (
            ("2027-01-01", "2027-12-31", "2026-11-01", "2026-11-30"),
            ("2028-01-01", "2028-12-31", "2027-11-01", "2027-11-30"),
        ),
        # Through the end of February, in a leap year and in common ones; the first of a month stays one.
        (
            ("2026-03-01", "2027-02-28", "2026-02-01", "2026-02-28"),
            ("2027-03-01", "2028-02-29", "2027-02-01", "2027-02-28"),
        ),
        (
            ("2027-03-01", "2028-02-29", "2027-02-01", "2027-02-28"),
            ("2028-03-01", "2029-02-28", "2028-02-01", "2028-02-29"),
        ),
        # Open enrollment that ends before the last day of February keeps its day.
        (
            ("2027-03-01", "2028-02-29", "2027-02-01", "2027-02-27"),
            ("2028-03-01", "2029-02-28", "2028-02-01", "2028-02-27"),
        ),
        # A plan year that starts on a leap day: the next one starts the day after its end, with no gap and no overlap.
        (
            ("2028-02-29", "2029-02-28", "2028-01-01", "2028-01-31"),
            ("2029-03-01", "2030-02-28", "2029-01-01", "2029-01-31"),
        ),
        # A short plan year of six months, and one of no whole number of months.
        (
            ("2027-07-01", "2027-12-31", "2027-06-01", "2027-06-15"),
            ("2028-07-01", "2028-12-31", "2028-06-01", "2028-06-15"),
        ),
        (
            ("2027-09-01", "2028-02-29", "2027-08-01", "2027-08-31"),
            ("2028-09-01", "2029-02-28", "2028-08-01", "2028-08-31"),
        ),
        (
            ("2027-07-01", "2027-07-10", "2027-06-01", "2027-06-15"),
            ("2028-07-01", "2028-07-10", "2028-06-01", "2028-06-15"),
        ),
        # Not from a first of a month.
        (
            ("2027-01-31", "2028-01-30", "2026-12-01", "2027-01-30"),
            ("2028-01-31", "2029-01-30", "2027-12-01", "2028-01-30"),
        ),
    ],
)
def test_following_plan_year_starts_a_year_later(current: tuple[str, ...], following: tuple[str, ...]) -> None:
    assert compute_following_dates(dates(*current)) == dates(*following)


@pytest.mark.parametrize(
    ("start", "following"),
    [
        # By whole months: after a short plan year, or from another month on.
        ("2027-07-01", ("2027-07-01", "2028-06-30", "2027-05-01", "2027-05-31")),
        ("2029-01-01", ("2029-01-01", "2029-12-31", "2028-11-01", "2028-11-30")),
        ("2026-01-01", ("2026-01-01", "2026-12-31", "2025-11-01", "2025-11-30")),
        # To another day of the month: by days.
        ("2028-01-15", ("2028-01-15", "2029-01-14", "2027-11-15", "2027-12-14")),
    ],
)
def test_following_plan_year_starts_on_the_day_of_the_input(start: str, following: tuple[str, ...]) -> None:
    calendar_year = dates("2027-01-01", "2027-12-31", "2026-11-01", "2026-11-30")
    assert compute_following_dates(calendar_year, date.fromisoformat(start)) == dates(*following)


@given(
    st.integers(2000, 2100),
    st.integers(1, 12),
    st.integers(1, 12),
    st.dates(date(1999, 10, 1), date(1999, 12, 31)),
    st.integers(0, 31),
)
def test_plan_years_of_whole_months_stay_valid_when_copied(
    year: int, month: int, length: int, opened_on: date, window: int
) -> None:
    start = date(year, month, 1)
    months_later = (year - 2000) * 12 + month - 1
    open_start = add_months(opened_on, months_later)
    open_end = min(open_start + window * DAY, start - DAY)
    current = PlanYearDates(start, add_months(start, length) - DAY, open_start, open_end)
    assert list(check_dates(current)) == []
    following = compute_following_dates(current)
    assert list(check_dates(following)) == []
    assert (following.coverage_start.day, (following.coverage_end + DAY).day) == (1, 1)
    assert following.coverage_start == start.replace(year=year + 1)
    assert following.coverage_end == add_months(following.coverage_start, length) - DAY


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2027-01-31", 1, "2027-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2028-01-28", 1, "2028-02-28"),
        ("2027-12-31", 1, "2028-01-31"),
        ("2027-01-31", -2, "2026-11-30"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2028-02-29", 48, "2032-02-29"),
        ("2027-05-15", 0, "2027-05-15"),
    ],
)
def test_adding_months_stays_within_the_month(day: str, months: int, later: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(later)
