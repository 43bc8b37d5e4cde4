"""Ends of coverage without an end of the employment: the last day by reason, and what the answers then cover."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_enrollment_ends_rules import ANSWERS, ENDS, STARTS, TERMINATIONS, spans

from benegraph.domain.enrollments.coverage_ends import (
    CoverageEnd,
    CoverageEndReason,
    check_coverage_end,
    compute_last_day,
)
from benegraph.domain.enrollments.status import (
    Answer,
    CloseReason,
    ElectionDecision,
    EnrollmentEnd,
    compute_ends,
)
from violations import codes_and_fields

TODAY = date(2026, 6, 10)
ENROLLED, WAIVED = ElectionDecision.ENROLLED, ElectionDecision.WAIVED
REASON = CoverageEndReason


def violations(end: CoverageEnd, event_effective_on: date | None = None, *, administrator: bool = True) -> list[str]:
    found = check_coverage_end(end, TODAY, event_effective_on, administrator=administrator)
    return [" ".join(item) for item in codes_and_fields(found)]


@pytest.mark.parametrize("reason", [reason for reason in REASON if reason is not REASON.VOLUNTARY])
def test_coverage_lasts_through_this_month_by_default(reason: CoverageEndReason) -> None:
    assert compute_last_day(CoverageEnd(reason), TODAY, None) == date(2026, 6, 30)
    assert violations(CoverageEnd(reason), administrator=False) == []


def test_voluntary_end_lasts_to_the_day_before_the_change_takes_effect() -> None:
    end = CoverageEnd(REASON.VOLUNTARY, life_event_id="qle_1")
    assert compute_last_day(end, TODAY, date(2026, 8, 1)) == date(2026, 7, 31)
    assert violations(end, date(2026, 8, 1)) == []


@pytest.mark.parametrize(
    ("last_day", "expected"),
    [
        (date(2026, 6, 30), ["DATES_OUT_OF_ORDER lastDay"]),
        (date(2026, 7, 31), []),
        (date(2026, 8, 31), []),
        (date(2026, 8, 30), ["INVALID_INPUT lastDay"]),
    ],
)
def test_voluntary_end_is_a_month_end_from_the_events_effective_date_on(last_day: date, expected: list[str]) -> None:
    end = CoverageEnd(REASON.VOLUNTARY, last_day, "qle_1")
    assert violations(end, date(2026, 8, 1)) == expected


@pytest.mark.parametrize(
    ("reason", "life_event", "expected"),
    [
        (REASON.VOLUNTARY, None, ["INVALID_INPUT qualifyingLifeEventId"]),
        (REASON.VOLUNTARY, "qle_1", []),
        (REASON.NONPAYMENT, "qle_1", ["INVALID_INPUT qualifyingLifeEventId"]),
        (REASON.NONPAYMENT, None, []),
    ],
)
def test_only_a_voluntary_end_names_a_life_event(
    reason: CoverageEndReason, life_event: str | None, expected: list[str]
) -> None:
    assert violations(CoverageEnd(reason, life_event_id=life_event)) == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (REASON.LOSS_OF_ELIGIBILITY, ["INVALID_INPUT lastDay"]),
        (REASON.NONPAYMENT, []),
        (REASON.CARRIER_REQUEST, []),
        (REASON.MISREPRESENTATION, []),
    ],
)
def test_loss_of_eligibility_alone_needs_the_end_of_a_month(reason: CoverageEndReason, expected: list[str]) -> None:
    assert violations(CoverageEnd(reason, date(2026, 6, 29))) == expected
    assert violations(CoverageEnd(reason, date(2026, 6, 30))) == []


@pytest.mark.parametrize("note", [None, " \n"])
def test_end_before_this_month_needs_an_administrator_and_a_note(note: str | None) -> None:
    past, first = date(2026, 5, 31), date(2026, 6, 1)
    blank = ["INVALID_INPUT note"] if note else []
    assert violations(CoverageEnd(REASON.NONPAYMENT, past, note=note), administrator=False) == [
        *blank,
        "INVALID_INPUT lastDay",
        "INVALID_INPUT note",
    ]
    assert violations(CoverageEnd(REASON.NONPAYMENT, past, note="Unpaid."), administrator=False) == [
        "INVALID_INPUT lastDay"
    ]
    assert violations(CoverageEnd(REASON.NONPAYMENT, past, note="Unpaid.")) == []
    assert violations(CoverageEnd(REASON.NONPAYMENT, first), administrator=False) == []


# ------------------------------------------------------------------------------------------- what the answers cover


def day(month: int, number: int) -> date:
    return date(2026, month, number)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param(
            [Answer(ENROLLED, STARTS, day(6, 30))],
            [EnrollmentEnd(day(6, 30), day(7, 1), CloseReason.ENDED)],
            id="coverage ends on the last day",
        ),
        pytest.param(
            [Answer(ENROLLED, STARTS, STARTS)],
            [EnrollmentEnd(STARTS, day(1, 2), CloseReason.ENDED)],
            id="also if that is the first day",
        ),
        pytest.param(
            [Answer(ENROLLED, STARTS, date(2025, 12, 31))],
            [EnrollmentEnd(None, STARTS, CloseReason.ENDED)],
            id="coverage that has not begun is cancelled",
        ),
        pytest.param([Answer(ENROLLED, STARTS, ENDS)], [EnrollmentEnd(ENDS)], id="an end with the year ends nothing"),
        pytest.param(
            [Answer(ENROLLED, STARTS), Answer(ENROLLED, day(8, 1), day(6, 30))],
            [
                EnrollmentEnd(day(6, 30), day(7, 1), CloseReason.ENDED),
                EnrollmentEnd(None, day(7, 1), CloseReason.ENDED),
            ],
            id="an earlier answer covers no later day",
        ),
        pytest.param(
            [Answer(ENROLLED, STARTS), Answer(ENROLLED, day(8, 1), day(7, 31))],
            [
                EnrollmentEnd(day(7, 31), day(8, 1), CloseReason.REISSUED),
                EnrollmentEnd(None, day(8, 1), CloseReason.ENDED),
            ],
            id="the earlier answer keeps the days before a cancelled one",
        ),
        pytest.param(
            [Answer(ENROLLED, STARTS, day(6, 30)), Answer(ENROLLED, day(7, 1))],
            [EnrollmentEnd(day(6, 30), day(7, 1), CloseReason.REISSUED), EnrollmentEnd(ENDS)],
            id="an answer after the end covers the rest of the year",
        ),
        pytest.param(
            [Answer(ENROLLED, STARTS, day(6, 30)), Answer(ENROLLED, day(9, 1))],
            [EnrollmentEnd(day(6, 30), day(7, 1), CloseReason.ENDED), EnrollmentEnd(ENDS)],
            id="and leaves the days between uncovered",
        ),
        pytest.param(
            [Answer(ENROLLED, STARTS, day(6, 30)), Answer(ENROLLED, day(6, 14))],
            [
                EnrollmentEnd(day(6, 13), day(6, 14), CloseReason.REISSUED),
                EnrollmentEnd(day(6, 30), day(7, 1), CloseReason.ENDED),
            ],
            id="an answer that takes effect by the end keeps it",
        ),
        pytest.param(
            [Answer(ENROLLED, STARTS, day(6, 30)), Answer(WAIVED, day(6, 14)), Answer(ENROLLED, day(6, 20))],
            [
                EnrollmentEnd(day(6, 13), day(6, 14), CloseReason.REISSUED),
                EnrollmentEnd(None, day(6, 20), CloseReason.REISSUED),
                EnrollmentEnd(day(6, 30), day(7, 1), CloseReason.ENDED),
            ],
            id="also after a waiver",
        ),
    ],
)
def test_ended_coverage_limits_the_answers_of_the_plan_year(
    answers: list[Answer], expected: list[EnrollmentEnd]
) -> None:
    assert compute_ends(answers, ENDS) == expected


def test_earlier_of_end_and_termination_counts() -> None:
    ended, terminated = [Answer(ENROLLED, STARTS, day(6, 30))], [Answer(ENROLLED, STARTS, day(7, 31))]
    assert compute_ends(ended, ENDS, day(7, 10)) == [EnrollmentEnd(day(6, 30), day(7, 1), CloseReason.ENDED)]
    assert compute_ends(terminated, ENDS, day(7, 10)) == [EnrollmentEnd(day(7, 31), day(8, 1), CloseReason.TERMINATED)]


@settings(max_examples=200)
@given(ANSWERS.filter(bool), TERMINATIONS, st.dates(date(2025, 12, 1), ENDS))
def test_end_takes_only_days_after_it(answers: list[Answer], terminated_on: date | None, last_day: date) -> None:
    *earlier, latest = answers
    ended = [*earlier, Answer(latest.decision, latest.effective_on, last_day)]
    before = {
        covered for _, span in spans(answers, compute_ends(answers, ENDS, terminated_on)) for covered in span.days()
    }
    after = {covered for _, span in spans(ended, compute_ends(ended, ENDS, terminated_on)) for covered in span.days()}
    assert after == {covered for covered in before if covered <= last_day}
