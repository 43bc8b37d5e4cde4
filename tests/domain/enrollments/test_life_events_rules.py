"""Life events: the rule of each type, windows for reporting and changing, and effective dates."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.enrollments.life_events import (
    LIFE_EVENT_RULES,
    EffectiveDateRule,
    LifeEventRule,
    LifeEventType,
    change_window,
    check_life_event_report,
    compute_effective_date,
    report_window,
)
from benegraph.domain.errors import ErrorCode
from benegraph.domain.people import Relationship
from benegraph.domain.values import DateSpan
from violations import CodeAndField, codes_and_fields

SPOUSE, CHILD = frozenset({Relationship.SPOUSE}), frozenset({Relationship.CHILD})
ANY, NONE = SPOUSE | CHILD, frozenset[Relationship]()
EVENT_DATE, ON_OR_AFTER_EVENT, AFTER_REPORT = EffectiveDateRule
HIRED = date(2020, 1, 1)

# type, window, effective, may add, may drop, may change the plan, may waive, reissues, ends the relationship
EVENTS = [
    (LifeEventType.MARRIAGE, 30, AFTER_REPORT, ANY, ANY, True, True, True, False),
    (LifeEventType.BIRTH, 30, EVENT_DATE, ANY, NONE, True, False, True, False),
    (LifeEventType.ADOPTION, 30, EVENT_DATE, ANY, NONE, True, False, True, False),
    (LifeEventType.DIVORCE, 30, ON_OR_AFTER_EVENT, CHILD, SPOUSE, True, False, True, True),
    (LifeEventType.DEATH, 30, ON_OR_AFTER_EVENT, CHILD, ANY, True, False, True, True),
    (LifeEventType.JOB_LOSS, 30, ON_OR_AFTER_EVENT, ANY, NONE, True, False, True, False),
    (LifeEventType.EMPLOYER_BANKRUPTCY, 30, ON_OR_AFTER_EVENT, ANY, NONE, True, False, True, False),
    (LifeEventType.MEDICAID_LOSS, 60, ON_OR_AFTER_EVENT, ANY, NONE, True, False, True, False),
    (LifeEventType.MEDICARE_ENTITLEMENT, 30, AFTER_REPORT, NONE, ANY, False, True, True, False),
    (LifeEventType.REDUCTION_IN_HOURS, 30, AFTER_REPORT, NONE, NONE, False, False, False, False),
    (LifeEventType.TERMINATION, 30, AFTER_REPORT, NONE, NONE, False, False, False, False),
    (LifeEventType.OTHER, 30, AFTER_REPORT, ANY, ANY, True, True, True, False),
]
WINDOW_DAYS = [(event_type, days) for event_type, days, *_ in EVENTS]


def test_every_event_type_has_a_rule() -> None:
    assert {event_type for event_type, _ in WINDOW_DAYS} == set(LIFE_EVENT_RULES) == set(LifeEventType)


@pytest.mark.parametrize(
    (
        "event_type",
        "days",
        "effective",
        "may_add",
        "may_drop",
        "may_change_plan",
        "may_waive",
        "reissues",
        "ends_relationship",
    ),
    EVENTS,
)
def test_rule_of_event_type(
    event_type: LifeEventType,
    days: int,
    effective: EffectiveDateRule,
    may_add: frozenset[Relationship],
    may_drop: frozenset[Relationship],
    may_change_plan: bool,
    may_waive: bool,
    reissues: bool,
    ends_relationship: bool,
) -> None:
    assert LIFE_EVENT_RULES[event_type] == LifeEventRule(
        effective, may_add, may_drop, may_change_plan, may_waive, days, reissues, ends_relationship
    )


# ---------------------------------------------------------------------------------------------------- windows


@pytest.mark.parametrize("event_on", [date(2024, 2, 29), date(2026, 1, 31), date(2026, 12, 31), date(2026, 6, 1)])
@pytest.mark.parametrize(("event_type", "days"), WINDOW_DAYS)
def test_event_may_be_reported_from_its_date_through_last_day_of_window(
    event_type: LifeEventType, days: int, event_on: date
) -> None:
    def violations(days_after: int) -> list[CodeAndField]:
        today = event_on + timedelta(days=days_after)
        return codes_and_fields(check_life_event_report(event_type, event_on, HIRED, today))

    assert violations(-1) == [(ErrorCode.INVALID_INPUT, "eventDate")]  # the event is in the future
    assert violations(0) == []
    assert violations(1) == []
    assert violations(days - 1) == []
    assert violations(days) == []
    assert violations(days + 1) == [(ErrorCode.LIFE_EVENT_WINDOW_CLOSED, "eventDate")]
    assert violations(400) == [(ErrorCode.LIFE_EVENT_WINDOW_CLOSED, "eventDate")]


@pytest.mark.parametrize(
    ("event_type", "event_on", "last"),
    [
        (LifeEventType.BIRTH, date(2024, 1, 31), date(2024, 3, 1)),
        (LifeEventType.BIRTH, date(2024, 2, 29), date(2024, 3, 30)),
        (LifeEventType.BIRTH, date(2026, 12, 2), date(2027, 1, 1)),
        (LifeEventType.MEDICAID_LOSS, date(2024, 1, 1), date(2024, 3, 1)),
        (LifeEventType.MEDICAID_LOSS, date(2026, 1, 1), date(2026, 3, 2)),
    ],
)
def test_report_window_counts_calendar_days(event_type: LifeEventType, event_on: date, last: date) -> None:
    assert report_window(event_type, event_on) == DateSpan.through(event_on, last)


@pytest.mark.parametrize(
    ("event_on", "codes"),
    [
        (date(2019, 12, 31), [ErrorCode.INVALID_INPUT]),
        (date(2020, 1, 1), []),
        (date(2020, 1, 2), []),
    ],
)
def test_event_before_the_hire_is_refused(event_on: date, codes: list[ErrorCode]) -> None:
    violations = check_life_event_report(LifeEventType.BIRTH, event_on, HIRED, date(2020, 1, 10))
    assert codes_and_fields(violations) == [(code, "eventDate") for code in codes]


@pytest.mark.parametrize(
    ("event_type", "approved_on", "last"),
    [
        (LifeEventType.MARRIAGE, None, date(2026, 5, 31)),
        (LifeEventType.MARRIAGE, date(2026, 5, 1), date(2026, 5, 31)),
        (LifeEventType.MARRIAGE, date(2026, 5, 21), date(2026, 5, 31)),  # day 20: the ten days end with the window
        (LifeEventType.MARRIAGE, date(2026, 5, 22), date(2026, 6, 1)),  # day 21 extends it by one day
        (LifeEventType.MARRIAGE, date(2026, 5, 31), date(2026, 6, 10)),
        (LifeEventType.MARRIAGE, date(2026, 9, 20), date(2026, 9, 30)),  # a late approval
        (LifeEventType.MEDICAID_LOSS, None, date(2026, 6, 30)),
        (LifeEventType.MEDICAID_LOSS, date(2026, 6, 20), date(2026, 6, 30)),
        (LifeEventType.MEDICAID_LOSS, date(2026, 6, 21), date(2026, 7, 1)),
    ],
)
def test_change_window_is_open_for_ten_days_after_approval(
    event_type: LifeEventType, approved_on: date | None, last: date
) -> None:
    event_on = date(2026, 5, 1)
    assert change_window(event_type, event_on, approved_on) == DateSpan.through(event_on, last)


# --------------------------------------------------------------------------------------------- effective dates

LONG_PERIOD = DateSpan.through(date(2024, 1, 1), date(2027, 12, 31))  # longer than any plan year, so no date is moved


@pytest.mark.parametrize(
    ("event_on", "reported_on", "event_date", "on_or_after_event", "after_report"),
    [
        # On the first of a month.
        (date(2026, 5, 1), date(2026, 5, 1), date(2026, 5, 1), date(2026, 5, 1), date(2026, 6, 1)),
        (date(2026, 5, 1), date(2026, 5, 31), date(2026, 5, 1), date(2026, 5, 1), date(2026, 6, 1)),
        # Within a month.
        (date(2026, 5, 2), date(2026, 5, 2), date(2026, 5, 2), date(2026, 6, 1), date(2026, 6, 1)),
        (date(2026, 5, 15), date(2026, 5, 31), date(2026, 5, 15), date(2026, 6, 1), date(2026, 6, 1)),
        (date(2026, 5, 15), date(2026, 6, 1), date(2026, 5, 15), date(2026, 6, 1), date(2026, 7, 1)),
        (date(2026, 5, 15), date(2026, 6, 14), date(2026, 5, 15), date(2026, 6, 1), date(2026, 7, 1)),
        # On the last day of a month.
        (date(2026, 5, 31), date(2026, 5, 31), date(2026, 5, 31), date(2026, 6, 1), date(2026, 6, 1)),
        (date(2026, 5, 31), date(2026, 6, 30), date(2026, 5, 31), date(2026, 6, 1), date(2026, 7, 1)),
        # On 28 and 29 February of a leap year.
        (date(2024, 2, 29), date(2024, 2, 29), date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 1)),
        (date(2024, 2, 29), date(2024, 3, 30), date(2024, 2, 29), date(2024, 3, 1), date(2024, 4, 1)),
        (date(2024, 2, 28), date(2024, 2, 28), date(2024, 2, 28), date(2024, 3, 1), date(2024, 3, 1)),
        # On the last day of the year.
        (date(2026, 12, 31), date(2026, 12, 31), date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 1)),
        (date(2026, 12, 31), date(2027, 1, 30), date(2026, 12, 31), date(2027, 1, 1), date(2027, 2, 1)),
    ],
)
@pytest.mark.parametrize(
    ("event_type", "effective"), [(event_type, effective) for event_type, _, effective, *_ in EVENTS]
)
def test_effective_date_follows_the_rule_of_the_event_type(
    event_type: LifeEventType,
    effective: EffectiveDateRule,
    event_on: date,
    reported_on: date,
    event_date: date,
    on_or_after_event: date,
    after_report: date,
) -> None:
    expected = {EVENT_DATE: event_date, ON_OR_AFTER_EVENT: on_or_after_event, AFTER_REPORT: after_report}[effective]
    assert compute_effective_date(event_type, event_on, reported_on, LONG_PERIOD, HIRED) == expected


@pytest.mark.parametrize(
    ("event_type", "event_on", "reported_on", "eligible_on", "expected"),
    [
        # Never before the plan year's start.
        (LifeEventType.BIRTH, date(2025, 12, 15), date(2026, 1, 5), HIRED, date(2026, 1, 1)),
        (LifeEventType.DIVORCE, date(2025, 11, 15), date(2025, 12, 10), HIRED, date(2026, 1, 1)),
        (LifeEventType.MARRIAGE, date(2025, 11, 15), date(2025, 11, 20), HIRED, date(2026, 1, 1)),
        # Never before the eligibility date.
        (LifeEventType.BIRTH, date(2026, 2, 20), date(2026, 2, 25), date(2026, 3, 10), date(2026, 3, 10)),
        (LifeEventType.BIRTH, date(2026, 3, 11), date(2026, 3, 25), date(2026, 3, 10), date(2026, 3, 11)),
        (LifeEventType.DIVORCE, date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 10), date(2026, 3, 10)),
        # On the plan year's last day, and after it.
        (LifeEventType.BIRTH, date(2026, 12, 31), date(2027, 1, 10), HIRED, date(2026, 12, 31)),
        (LifeEventType.BIRTH, date(2027, 1, 1), date(2027, 1, 10), HIRED, None),
        (LifeEventType.DIVORCE, date(2026, 12, 1), date(2026, 12, 5), HIRED, date(2026, 12, 1)),
        (LifeEventType.DIVORCE, date(2026, 12, 2), date(2026, 12, 5), HIRED, None),
        (LifeEventType.MARRIAGE, date(2026, 11, 30), date(2026, 11, 30), HIRED, date(2026, 12, 1)),
        (LifeEventType.MARRIAGE, date(2026, 11, 30), date(2026, 12, 1), HIRED, None),
        (LifeEventType.BIRTH, date(2026, 6, 1), date(2026, 6, 5), date(2026, 12, 31), date(2026, 12, 31)),
        (LifeEventType.BIRTH, date(2026, 6, 1), date(2026, 6, 5), date(2027, 1, 1), None),
    ],
)
def test_effective_date_is_within_plan_year_and_not_before_eligibility(
    event_type: LifeEventType, event_on: date, reported_on: date, eligible_on: date, expected: date | None
) -> None:
    year = DateSpan.through(date(2026, 1, 1), date(2026, 12, 31))
    assert compute_effective_date(event_type, event_on, reported_on, year, eligible_on) == expected


@given(
    st.sampled_from(LifeEventType),
    st.dates(date(2025, 6, 1), date(2027, 3, 1)),
    st.integers(0, 60),
    st.dates(date(2024, 1, 1), date(2027, 3, 1)),
)
def test_effective_date_is_between_event_and_latest_lawful_day(
    event_type: LifeEventType, event_on: date, days_after: int, eligible_on: date
) -> None:
    year = DateSpan.through(date(2026, 1, 1), date(2026, 12, 31))
    reported_on = event_on + timedelta(days=days_after)
    effective_on = compute_effective_date(event_type, event_on, reported_on, year, eligible_on)
    earliest = max(event_on, year.start, eligible_on)
    # The latest lawful day is the first of the month after the request (29 CFR 2590.701-6).
    latest = max(earliest, date(reported_on.year + reported_on.month // 12, reported_on.month % 12 + 1, 1))
    if effective_on is None:
        assert latest > year.last
    else:
        assert earliest <= effective_on <= min(latest, year.last)
