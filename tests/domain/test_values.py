"""Dates, date spans and the clock: parsing, boundaries, leap days, and properties of spans."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.values import (
    MAX_CENTS,
    ONE_DAY,
    Clock,
    DateSpan,
    add_years,
    first_of_month_on_or_after,
    first_of_next_month,
    last_day_of_month,
    parse_iso_date,
)

ANY_DAY = st.dates(date(1900, 1, 1), date(2199, 12, 31))
# Spans within two months of each other, so that many are adjacent, overlap or nest.
NEAR = st.integers(0, 60).map(lambda n: date(2024, 2, 1) + timedelta(days=n))
SPANS = st.builds(lambda first, days: DateSpan(first, first + timedelta(days=days)), NEAR, st.integers(1, 40))
# Four years with a leap day, and a year 2100 without one.
EVERY_DAY = [
    *DateSpan(date(2023, 1, 1), date(2027, 1, 1)).days(),
    *DateSpan(date(2099, 12, 1), date(2100, 4, 1)).days(),
]


def test_maximum_amount_is_the_largest_safe_integer_of_javascript() -> None:
    assert MAX_CENTS == 9_007_199_254_740_991


# ---------------------------------------------------------------------------------------------------- days


@given(st.dates())
def test_iso_date_is_parsed_back(day: date) -> None:
    assert parse_iso_date(day.isoformat()) == day
    assert parse_iso_date(f"{day.isoformat()}T00:00:00Z") == day


@pytest.mark.parametrize(
    "value",
    [
        "2019-08-24",
        "2019-08-24T00:00:00Z",
        "2019-08-24T00:00:00+00:00",
        "2019-08-24T00:00:00",
        "2019-08-24T00:00:00.000Z",
        "2019-08-24T00:00",
    ],
)
def test_date_time_at_midnight_is_parsed_as_date(value: str) -> None:
    assert parse_iso_date(value) == date(2019, 8, 24)


@pytest.mark.parametrize(
    "value",
    [
        "2019-08-24T14:15:22Z",
        "2019-08-24T00:00:00.001Z",
        "2019-08-24T00:00:00+02:00",
        "2019-08-24T00:00:00-00:00",
        "2019-08-24 00:00:00",
        "2019-08-24T",
        "2019-02-29",
        "20190824",
        "2019-W34-6",
        "24.08.2019",
        "8/24/2019",
        "٢٠١٩-٠٨-٢٤",
        " 2019-08-24",
        "2019-08-24\n",
        "2019-08-24\0",
        "",
        20190824,
        True,
        None,
        [],
    ],
)
def test_other_values_are_not_dates(value: object) -> None:
    assert parse_iso_date(value) is None


# ---------------------------------------------------------------------------------------------------- spans


@pytest.mark.parametrize("stop", [date(2026, 3, 1), date(2026, 2, 28), date(1900, 1, 1)])
def test_span_without_a_day_is_refused(stop: date) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        DateSpan(date(2026, 3, 1), stop)


def test_span_is_built_from_inclusive_dates() -> None:
    span = DateSpan.through(date(2024, 2, 1), date(2024, 2, 29))
    assert span == DateSpan(date(2024, 2, 1), date(2024, 3, 1))
    assert span.last == date(2024, 2, 29)


def test_span_through_its_first_day_has_one_day() -> None:
    span = DateSpan.through(date(2026, 12, 31), date(2026, 12, 31))
    assert list(span.days()) == [date(2026, 12, 31)]


def test_span_through_an_earlier_day_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        DateSpan.through(date(2026, 3, 1), date(2026, 2, 28))


@pytest.mark.parametrize(
    ("day", "within"),
    [
        (date(2026, 2, 28), False),
        (date(2026, 3, 1), True),
        (date(2026, 3, 2), True),
        (date(2026, 3, 30), True),
        (date(2026, 3, 31), True),
        (date(2026, 4, 1), False),
    ],
)
def test_span_contains_its_first_through_last_day(day: date, within: bool) -> None:
    assert (day in DateSpan.through(date(2026, 3, 1), date(2026, 3, 31))) is within


@pytest.mark.parametrize(
    ("first", "last", "overlap"),
    [
        (date(2026, 1, 1), date(2026, 2, 28), False),  # ends the day before
        (date(2026, 1, 1), date(2026, 3, 1), True),  # shares the first day
        (date(2026, 3, 10), date(2026, 3, 20), True),  # is within
        (date(2026, 1, 1), date(2026, 12, 31), True),  # contains it
        (date(2026, 3, 1), date(2026, 3, 31), True),  # is the same
        (date(2026, 3, 31), date(2026, 4, 30), True),  # shares the last day
        (date(2026, 4, 1), date(2026, 4, 30), False),  # begins the day after
    ],
)
def test_spans_overlap_if_they_share_a_day(first: date, last: date, overlap: bool) -> None:
    march, other = DateSpan.through(date(2026, 3, 1), date(2026, 3, 31)), DateSpan.through(first, last)
    assert march.overlaps(other) is overlap
    assert other.overlaps(march) is overlap


@given(SPANS, SPANS)
def test_overlap_is_symmetric_and_equals_a_shared_day(one: DateSpan, other: DateSpan) -> None:
    shared = set(one.days()) & set(other.days())
    assert one.overlaps(other) is other.overlaps(one) is bool(shared)


@given(SPANS, st.integers(1, 40))
def test_adjacent_spans_do_not_overlap(span: DateSpan, days: int) -> None:
    following = DateSpan(span.stop, span.stop + timedelta(days=days))
    assert not span.overlaps(following)
    assert not following.overlaps(span)


@given(ANY_DAY, st.integers(1, 800))
def test_days_of_a_span_run_from_first_through_last(first: date, length: int) -> None:
    span = DateSpan(first, first + timedelta(days=length))
    days = list(span.days())
    assert len(days) == length
    assert (days[0], days[-1]) == (first, span.last)
    assert all(later - earlier == ONE_DAY for earlier, later in pairwise(days))
    assert all(day in span for day in days)


# ---------------------------------------------------------------------------------------------------- months


@pytest.mark.parametrize(
    ("day", "last", "after", "on_or_after"),
    [
        (date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 1), date(2026, 1, 1)),
        (date(2026, 1, 2), date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 1)),
        (date(2026, 1, 31), date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 1)),
        (date(2026, 4, 30), date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 1)),
        (date(2023, 2, 28), date(2023, 2, 28), date(2023, 3, 1), date(2023, 3, 1)),
        (date(2024, 2, 1), date(2024, 2, 29), date(2024, 3, 1), date(2024, 2, 1)),
        (date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 1)),
        (date(2024, 2, 29), date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 1)),
        (date(2000, 2, 10), date(2000, 2, 29), date(2000, 3, 1), date(2000, 3, 1)),
        (date(2100, 2, 10), date(2100, 2, 28), date(2100, 3, 1), date(2100, 3, 1)),
        (date(2026, 12, 1), date(2026, 12, 31), date(2027, 1, 1), date(2026, 12, 1)),
        (date(2026, 12, 31), date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 1)),
    ],
)
def test_month_functions(day: date, last: date, after: date, on_or_after: date) -> None:
    assert last_day_of_month(day) == last
    assert first_of_next_month(day) == after
    assert first_of_month_on_or_after(day) == on_or_after


def test_month_functions_agree_on_every_day() -> None:
    for day in EVERY_DAY:
        last, after = last_day_of_month(day), first_of_next_month(day)
        assert (last.year, last.month) == (day.year, day.month)
        assert last + ONE_DAY == after
        assert after.day == 1
        assert first_of_month_on_or_after(day) == (day if day.day == 1 else after)


# ---------------------------------------------------------------------------------------------------- years


@pytest.mark.parametrize(
    ("day", "years", "expected"),
    [
        (date(2000, 3, 1), 26, date(2026, 3, 1)),
        (date(2000, 2, 28), 26, date(2026, 2, 28)),
        (date(2000, 2, 29), 26, date(2026, 3, 1)),  # 2026 has no 29 February
        (date(2024, 2, 29), 1, date(2025, 3, 1)),
        (date(2024, 2, 29), 4, date(2028, 2, 29)),
        (date(2024, 2, 29), 0, date(2024, 2, 29)),
        (date(2096, 2, 29), 4, date(2100, 3, 1)),  # 2100 is not a leap year
        (date(2025, 12, 31), 1, date(2026, 12, 31)),
    ],
)
def test_years_are_added(day: date, years: int, expected: date) -> None:
    assert add_years(day, years) == expected


@given(ANY_DAY, st.integers(0, 120))
def test_only_a_leap_day_changes_when_years_are_added(day: date, years: int) -> None:
    moved = add_years(day, years)
    assert moved.year == day.year + years
    leap_day_lost = (day.month, day.day) == (2, 29) and (moved.month, moved.day) == (3, 1)
    assert leap_day_lost or (moved.month, moved.day) == (day.month, day.day)


# ---------------------------------------------------------------------------------------------------- the clock


@pytest.mark.parametrize(
    ("now", "time_zone", "today"),
    [
        (datetime(2026, 3, 1, 4, 59, 59, tzinfo=UTC), "America/New_York", date(2026, 2, 28)),
        (datetime(2026, 3, 1, 5, 0, 0, tzinfo=UTC), "America/New_York", date(2026, 3, 1)),
        # Daylight saving time begins on 8 March 2026, so that day ends an hour earlier in UTC.
        (datetime(2026, 3, 9, 3, 59, 59, tzinfo=UTC), "America/New_York", date(2026, 3, 8)),
        (datetime(2026, 3, 9, 4, 0, 0, tzinfo=UTC), "America/New_York", date(2026, 3, 9)),
        (datetime(2026, 3, 1, 9, 59, 59, tzinfo=UTC), "Pacific/Honolulu", date(2026, 2, 28)),
        (datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC), "Pacific/Honolulu", date(2026, 3, 1)),
        (datetime(2026, 2, 28, 9, 59, 59, tzinfo=UTC), "Pacific/Kiritimati", date(2026, 2, 28)),
        (datetime(2026, 2, 28, 10, 0, 0, tzinfo=UTC), "Pacific/Kiritimati", date(2026, 3, 1)),
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), "UTC", date(2026, 12, 31)),
        (datetime(2027, 1, 1, 0, 0, 0, tzinfo=UTC), "UTC", date(2027, 1, 1)),
        # The instant may have any offset.
        (datetime(2026, 3, 1, 2, 0, 0, tzinfo=timezone(timedelta(hours=9))), "UTC", date(2026, 2, 28)),
    ],
)
def test_today_is_the_date_in_the_time_zone(now: datetime, time_zone: str, today: date) -> None:
    assert Clock(now).today(time_zone) == today
    assert Clock.at(now).today(time_zone) == today


@pytest.mark.parametrize("time_zone", ["UTC", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_fixed_date_is_today_in_every_time_zone(time_zone: str) -> None:
    fixed = date(2026, 11, 15)
    assert Clock.at_noon(fixed).today(time_zone) == fixed
    assert Clock.at(datetime(2031, 1, 1, 23, 59, tzinfo=UTC), fixed).today(time_zone) == fixed


def test_clock_without_fixed_date_keeps_the_instant() -> None:
    now = datetime(2026, 3, 1, 4, 59, 59, tzinfo=UTC)
    assert Clock.at(now) == Clock(now, None)


def test_fixed_date_keeps_the_time_of_day() -> None:
    now = datetime(2031, 1, 2, 1, 30, 15, 250, tzinfo=timezone(timedelta(hours=2)))
    assert Clock.at(now, date(2026, 11, 15)).now == datetime(2026, 11, 15, 23, 30, 15, 250, tzinfo=UTC)


def test_real_time_keeps_the_instant_beside_a_fixed_date() -> None:
    now = datetime(2031, 1, 2, 1, 30, tzinfo=UTC)
    clock = Clock.at(now, date(2026, 11, 15), real_time=True)
    assert clock == Clock(now, date(2026, 11, 15))
    assert clock.today("UTC") == date(2026, 11, 15)


def test_clock_at_noon_is_noon_utc() -> None:
    assert Clock.at_noon(date(2024, 2, 29)).now == datetime.combine(date(2024, 2, 29), time(12), UTC)
