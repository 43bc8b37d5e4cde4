"""Life events: what each type allows, until when it may be reported and acted on, and when the change takes effect."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.enrollments.life_events import (
    LIFE_EVENT_RULES,
    EffectiveDateRule,
    LifeEventRule,
    LifeEventType,
    check_life_event_report,
    compute_effective_date,
    enrollment_window,
    report_window,
)
from benegraph.domain.errors import ErrorCode
from benegraph.domain.people import Relationship
from benegraph.domain.values import DateSpan

SPOUSE, CHILD = frozenset({Relationship.SPOUSE}), frozenset({Relationship.CHILD})
ANYONE, NOBODY = SPOUSE | CHILD, frozenset[Relationship]()
ON_IT, ON_OR_AFTER_IT, AFTER_REPORT = EffectiveDateRule
HIRED = date(2020, 1, 1)

# type, window, effective, may add, may drop, may change the plan, may waive, reissues
EVENTS = [
    (LifeEventType.MARRIAGE, 30, AFTER_REPORT, ANYONE, ANYONE, True, True, True),
    (LifeEventType.BIRTH, 30, ON_IT, ANYONE, NOBODY, True, False, True),
    (LifeEventType.ADOPTION, 30, ON_IT, ANYONE, NOBODY, True, False, True),
    (LifeEventType.DIVORCE, 30, ON_OR_AFTER_IT, CHILD, SPOUSE, True, False, True),
    (LifeEventType.DEATH, 30, ON_OR_AFTER_IT, CHILD, ANYONE, True, False, True),
    (LifeEventType.JOB_LOSS, 30, ON_OR_AFTER_IT, ANYONE, NOBODY, True, False, True),
    (LifeEventType.EMPLOYER_BANKRUPTCY, 30, ON_OR_AFTER_IT, ANYONE, NOBODY, True, False, True),
    (LifeEventType.MEDICAID_LOSS, 60, ON_OR_AFTER_IT, ANYONE, NOBODY, True, False, True),
    (LifeEventType.MEDICARE_ENTITLEMENT, 30, AFTER_REPORT, NOBODY, ANYONE, False, True, True),
    (LifeEventType.REDUCTION_IN_HOURS, 30, AFTER_REPORT, NOBODY, NOBODY, False, False, False),
    (LifeEventType.TERMINATION, 30, AFTER_REPORT, NOBODY, NOBODY, False, False, False),
    (LifeEventType.OTHER, 30, AFTER_REPORT, ANYONE, ANYONE, True, True, True),
]
WINDOW_DAYS = [(event_type, days) for event_type, days, *_ in EVENTS]


def test_every_type_of_event_has_its_row() -> None:
    assert {event_type for event_type, _ in WINDOW_DAYS} == set(LIFE_EVENT_RULES) == set(LifeEventType)


@pytest.mark.parametrize(
    ("event_type", "days", "effective", "may_add", "may_drop", "may_change_plan", "may_waive", "reissues"), EVENTS
)
def test_what_an_event_allows(
    event_type: LifeEventType,
    days: int,
    effective: EffectiveDateRule,
    may_add: frozenset[Relationship],
    may_drop: frozenset[Relationship],
    may_change_plan: bool,
    may_waive: bool,
    reissues: bool,
) -> None:
    assert LIFE_EVENT_RULES[event_type] == LifeEventRule(
        effective, may_add, may_drop, may_change_plan, may_waive, days, reissues
    )


# ---------------------------------------------------------------------------------------------------- windows


@pytest.mark.parametrize("event_on", [date(2024, 2, 29), date(2026, 1, 31), date(2026, 12, 31), date(2026, 6, 1)])
@pytest.mark.parametrize(("event_type", "days"), WINDOW_DAYS)
def test_an_event_may_be_reported_from_its_date_through_the_last_day_of_its_window(
    event_type: LifeEventType, days: int, event_on: date
) -> None:
    def refused(after: int) -> list[tuple[ErrorCode, tuple[str, ...] | None]]:
        today = event_on + timedelta(days=after)
        return [(rule.code, rule.field) for rule in check_life_event_report(event_type, event_on, HIRED, today)]

    assert refused(-1) == [(ErrorCode.INVALID_INPUT, ("eventDate",))]  # it has not happened yet
    assert refused(0) == []
    assert refused(1) == []
    assert refused(days - 1) == []
    assert refused(days) == []
    assert refused(days + 1) == [(ErrorCode.LIFE_EVENT_WINDOW_CLOSED, ("eventDate",))]
    assert refused(400) == [(ErrorCode.LIFE_EVENT_WINDOW_CLOSED, ("eventDate",))]


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
def test_the_days_on_which_an_event_may_be_reported(event_type: LifeEventType, event_on: date, last: date) -> None:
    assert report_window(event_type, event_on) == DateSpan.through(event_on, last)


@pytest.mark.parametrize(
    ("event_on", "codes"),
    [
        (date(2019, 12, 31), [ErrorCode.INVALID_INPUT]),
        (date(2020, 1, 1), []),
        (date(2020, 1, 2), []),
    ],
)
def test_an_event_before_the_hire_is_refused(event_on: date, codes: list[ErrorCode]) -> None:
    rules = list(check_life_event_report(LifeEventType.BIRTH, event_on, HIRED, date(2020, 1, 10)))
    assert [(rule.code, rule.field) for rule in rules] == [(code, ("eventDate",)) for code in codes]


@pytest.mark.parametrize(
    ("event_type", "approved_on", "last"),
    [
        (LifeEventType.MARRIAGE, None, date(2026, 5, 31)),
        (LifeEventType.MARRIAGE, date(2026, 5, 1), date(2026, 5, 31)),
        (LifeEventType.MARRIAGE, date(2026, 5, 21), date(2026, 5, 31)),  # day 20: ten days end with the window
        (LifeEventType.MARRIAGE, date(2026, 5, 22), date(2026, 6, 1)),  # day 21 lengthens it by one
        (LifeEventType.MARRIAGE, date(2026, 5, 31), date(2026, 6, 10)),
        (LifeEventType.MARRIAGE, date(2026, 9, 20), date(2026, 9, 30)),  # a slow review takes nobody's right
        (LifeEventType.MEDICAID_LOSS, None, date(2026, 6, 30)),
        (LifeEventType.MEDICAID_LOSS, date(2026, 6, 20), date(2026, 6, 30)),
        (LifeEventType.MEDICAID_LOSS, date(2026, 6, 21), date(2026, 7, 1)),
    ],
)
def test_approval_keeps_the_window_open_for_ten_days(
    event_type: LifeEventType, approved_on: date | None, last: date
) -> None:
    event_on = date(2026, 5, 1)
    assert enrollment_window(event_type, event_on, approved_on) == DateSpan.through(event_on, last)


# ---------------------------------------------------------------------------------------------------- taking effect

LONG = DateSpan.through(date(2024, 1, 1), date(2027, 12, 31))  # longer than any plan year, so that nothing is clamped


@pytest.mark.parametrize(
    ("event_on", "reported_on", "on_it", "on_or_after_it", "after_report"),
    [
        # On a first.
        (date(2026, 5, 1), date(2026, 5, 1), date(2026, 5, 1), date(2026, 5, 1), date(2026, 6, 1)),
        (date(2026, 5, 1), date(2026, 5, 31), date(2026, 5, 1), date(2026, 5, 1), date(2026, 6, 1)),
        # Within a month.
        (date(2026, 5, 2), date(2026, 5, 2), date(2026, 5, 2), date(2026, 6, 1), date(2026, 6, 1)),
        (date(2026, 5, 15), date(2026, 5, 31), date(2026, 5, 15), date(2026, 6, 1), date(2026, 6, 1)),
        (date(2026, 5, 15), date(2026, 6, 1), date(2026, 5, 15), date(2026, 6, 1), date(2026, 7, 1)),
        (date(2026, 5, 15), date(2026, 6, 14), date(2026, 5, 15), date(2026, 6, 1), date(2026, 7, 1)),
        # On the last of a month.
        (date(2026, 5, 31), date(2026, 5, 31), date(2026, 5, 31), date(2026, 6, 1), date(2026, 6, 1)),
        (date(2026, 5, 31), date(2026, 6, 30), date(2026, 5, 31), date(2026, 6, 1), date(2026, 7, 1)),
        # On 29 February, and on the day that is the last of February in other years.
        (date(2024, 2, 29), date(2024, 2, 29), date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 1)),
        (date(2024, 2, 29), date(2024, 3, 30), date(2024, 2, 29), date(2024, 3, 1), date(2024, 4, 1)),
        (date(2024, 2, 28), date(2024, 2, 28), date(2024, 2, 28), date(2024, 3, 1), date(2024, 3, 1)),
        # On the last of the year.
        (date(2026, 12, 31), date(2026, 12, 31), date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 1)),
        (date(2026, 12, 31), date(2027, 1, 30), date(2026, 12, 31), date(2027, 1, 1), date(2027, 2, 1)),
    ],
)
@pytest.mark.parametrize(
    ("event_type", "effective"), [(event_type, effective) for event_type, _, effective, *_ in EVENTS]
)
def test_the_day_a_change_takes_effect(
    event_type: LifeEventType,
    effective: EffectiveDateRule,
    event_on: date,
    reported_on: date,
    on_it: date,
    on_or_after_it: date,
    after_report: date,
) -> None:
    expected = {ON_IT: on_it, ON_OR_AFTER_IT: on_or_after_it, AFTER_REPORT: after_report}[effective]
    assert compute_effective_date(event_type, event_on, reported_on, LONG, HIRED) == expected


@pytest.mark.parametrize(
    ("event_type", "event_on", "reported_on", "eligible_on", "expected"),
    [
        # Never before the plan year's start.
        (LifeEventType.BIRTH, date(2025, 12, 15), date(2026, 1, 5), HIRED, date(2026, 1, 1)),
        (LifeEventType.DIVORCE, date(2025, 11, 15), date(2025, 12, 10), HIRED, date(2026, 1, 1)),
        (LifeEventType.MARRIAGE, date(2025, 11, 15), date(2025, 11, 20), HIRED, date(2026, 1, 1)),
        # Never before the employee became eligible.
        (LifeEventType.BIRTH, date(2026, 2, 20), date(2026, 2, 25), date(2026, 3, 10), date(2026, 3, 10)),
        (LifeEventType.BIRTH, date(2026, 3, 11), date(2026, 3, 25), date(2026, 3, 10), date(2026, 3, 11)),
        (LifeEventType.DIVORCE, date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 10), date(2026, 3, 10)),
        # On the plan year's last day, but not after it.
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
def test_a_change_takes_effect_within_the_plan_year_and_eligibility_or_not_at_all(
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
def test_no_change_takes_effect_before_its_event_nor_later_than_it_must(
    event_type: LifeEventType, event_on: date, after: int, eligible_on: date
) -> None:
    year = DateSpan.through(date(2026, 1, 1), date(2026, 12, 31))
    reported_on = event_on + timedelta(days=after)
    effective_on = compute_effective_date(event_type, event_on, reported_on, year, eligible_on)
    earliest = max(event_on, year.start, eligible_on)
    # The law's latest day: the first of the month after a completed request (29 CFR 2590.701-6).
    latest = max(earliest, date(reported_on.year + reported_on.month // 12, reported_on.month % 12 + 1, 1))
    if effective_on is None:
        assert latest > year.last
    else:
        assert earliest <= effective_on <= min(latest, year.last)
