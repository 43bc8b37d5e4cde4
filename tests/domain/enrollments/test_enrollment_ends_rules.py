"""Ends of answered enrollments in one plan year: no day is covered twice, and none is lost."""

from datetime import date, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benegraph.domain.enrollments.status import (
    Answer,
    CloseReason,
    CoverageStatus,
    ElectionDecision,
    EnrollmentEnd,
    EnrollmentFacts,
    compute_ends,
    derive_coverage_status,
    find_last_coverable_day,
)
from benegraph.domain.values import ONE_DAY, DateSpan

STARTS, ENDS = date(2026, 1, 1), date(2026, 12, 31)
YEAR = DateSpan.through(STARTS, ENDS)
REISSUED, TERMINATED = CloseReason.REISSUED, CloseReason.TERMINATED


def enrolled(month: int, day: int = 1) -> Answer:
    return Answer(ElectionDecision.ENROLLED, date(2026, month, day))


def waived(month: int, day: int = 1) -> Answer:
    return Answer(ElectionDecision.WAIVED, date(2026, month, day))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param([], [], id="no answers"),
        pytest.param([enrolled(1)], [EnrollmentEnd(ENDS)], id="one answer reaches to the plan year's end"),
        pytest.param([enrolled(12, 31)], [EnrollmentEnd(ENDS)], id="also if it takes effect on its last day"),
        pytest.param([waived(1)], [EnrollmentEnd()], id="a waiver covers nothing"),
        pytest.param(
            [enrolled(1), enrolled(6)],
            [EnrollmentEnd(date(2026, 5, 31), date(2026, 6, 1), REISSUED), EnrollmentEnd(ENDS)],
            id="the old one ends the day before the new one",
        ),
        pytest.param(
            [enrolled(1), enrolled(6, 17)],
            [EnrollmentEnd(date(2026, 6, 16), date(2026, 6, 17), REISSUED), EnrollmentEnd(ENDS)],
            id="also within a month",
        ),
        pytest.param(
            [enrolled(6), enrolled(6, 2)],
            [EnrollmentEnd(date(2026, 6, 1), date(2026, 6, 2), REISSUED), EnrollmentEnd(ENDS)],
            id="the old one covers a single day",
        ),
        pytest.param(
            [enrolled(6), enrolled(6)],
            [EnrollmentEnd(None, date(2026, 6, 1), REISSUED), EnrollmentEnd(ENDS)],
            id="an answer with the same effective date cancels the old one",
        ),
        pytest.param(
            [enrolled(6), enrolled(5)],
            [EnrollmentEnd(None, date(2026, 5, 1), REISSUED), EnrollmentEnd(ENDS)],
            id="an answer with an earlier effective date cancels the old one",
        ),
        pytest.param(
            [enrolled(1), enrolled(6), enrolled(3)],
            [
                EnrollmentEnd(date(2026, 2, 28), date(2026, 3, 1), REISSUED),
                EnrollmentEnd(None, date(2026, 3, 1), REISSUED),
                EnrollmentEnd(ENDS),
            ],
            id="the newest precedes one that never began",
        ),
        pytest.param(
            [enrolled(1), waived(6)],
            [EnrollmentEnd(date(2026, 5, 31), date(2026, 6, 1), REISSUED), EnrollmentEnd()],
            id="a waiver ends coverage",
        ),
        pytest.param(
            [enrolled(6), waived(1)],
            [EnrollmentEnd(None, date(2026, 1, 1), REISSUED), EnrollmentEnd()],
            id="a waiver cancels coverage",
        ),
        pytest.param(
            [waived(1), enrolled(6)],
            [EnrollmentEnd(None, date(2026, 6, 1), REISSUED), EnrollmentEnd(ENDS)],
            id="a waiver stays in force until coverage begins",
        ),
        pytest.param(
            [waived(1), waived(6)],
            [EnrollmentEnd(None, date(2026, 6, 1), REISSUED), EnrollmentEnd()],
            id="a waiver after a waiver",
        ),
        pytest.param(
            [enrolled(1), waived(3), enrolled(6)],
            [
                EnrollmentEnd(date(2026, 2, 28), date(2026, 3, 1), REISSUED),
                EnrollmentEnd(None, date(2026, 6, 1), REISSUED),
                EnrollmentEnd(ENDS),
            ],
            id="coverage again after a waiver",
        ),
    ],
)
def test_answer_ends_the_day_before_the_next_takes_effect(answers: list[Answer], expected: list[EnrollmentEnd]) -> None:
    assert compute_ends(answers, ENDS) == expected


@pytest.mark.parametrize(
    ("answers", "terminated_on", "expected"),
    [
        pytest.param([], date(2026, 5, 15), [], id="no answers"),
        *[
            pytest.param(
                [enrolled(1)],
                terminated_on,
                [EnrollmentEnd(date(2026, 5, 31), date(2026, 6, 1), TERMINATED)],
                id=f"coverage ends with the month of {terminated_on}",
            )
            for terminated_on in (date(2026, 5, 1), date(2026, 5, 15), date(2026, 5, 31))
        ],
        pytest.param(
            [enrolled(1)],
            date(2026, 11, 30),
            [EnrollmentEnd(date(2026, 11, 30), date(2026, 12, 1), TERMINATED)],
            id="the month before the last",
        ),
        pytest.param([enrolled(1)], date(2026, 12, 1), [EnrollmentEnd(ENDS)], id="the last month ends nothing early"),
        pytest.param([enrolled(1)], date(2027, 3, 1), [EnrollmentEnd(ENDS)], id="a termination after the plan year"),
        pytest.param(
            [enrolled(1)],
            date(2025, 12, 31),
            [EnrollmentEnd(None, date(2026, 1, 1), TERMINATED)],
            id="coverage that never began is cancelled",
        ),
        pytest.param(
            [enrolled(6)],
            date(2026, 5, 31),
            [EnrollmentEnd(None, date(2026, 6, 1), TERMINATED)],
            id="coverage that would begin the day after is cancelled",
        ),
        pytest.param(
            [enrolled(5, 30)],
            date(2026, 5, 31),
            [EnrollmentEnd(date(2026, 5, 31), date(2026, 6, 1), TERMINATED)],
            id="coverage that begins the day before the termination date",
        ),
        pytest.param(
            [enrolled(5, 31)],
            date(2026, 5, 31),
            [EnrollmentEnd(None, date(2026, 6, 1), TERMINATED)],
            id="coverage that would begin on the termination date is cancelled",
        ),
        pytest.param(
            [enrolled(1), enrolled(5, 20)],
            date(2026, 5, 15),
            [
                EnrollmentEnd(date(2026, 5, 31), date(2026, 6, 1), TERMINATED),
                EnrollmentEnd(None, date(2026, 6, 1), TERMINATED),
            ],
            id="a change after the termination date leaves the coverage in force",
        ),
        pytest.param(
            [waived(1)],
            date(2026, 5, 15),
            [EnrollmentEnd(None, date(2026, 6, 1), TERMINATED)],
            id="a waiver closes, too",
        ),
        pytest.param(
            [enrolled(1), enrolled(6)],
            date(2026, 3, 15),
            [
                EnrollmentEnd(date(2026, 3, 31), date(2026, 4, 1), TERMINATED),
                EnrollmentEnd(None, date(2026, 4, 1), TERMINATED),
            ],
            id="before the new answer takes effect",
        ),
        pytest.param(
            [enrolled(1), enrolled(6)],
            date(2026, 5, 15),
            [
                EnrollmentEnd(date(2026, 5, 31), date(2026, 6, 1), TERMINATED),
                EnrollmentEnd(None, date(2026, 6, 1), TERMINATED),
            ],
            id="the day before the new answer takes effect",
        ),
        pytest.param(
            [enrolled(1), enrolled(6)],
            date(2026, 6, 2),
            [
                EnrollmentEnd(date(2026, 5, 31), date(2026, 6, 1), REISSUED),
                EnrollmentEnd(date(2026, 6, 30), date(2026, 7, 1), TERMINATED),
            ],
            id="after the new answer took effect",
        ),
    ],
)
def test_termination_ends_coverage_in_force_and_cancels_later_coverage(
    answers: list[Answer], terminated_on: date, expected: list[EnrollmentEnd]
) -> None:
    assert compute_ends(answers, ENDS, terminated_on) == expected


def test_termination_in_february_of_a_leap_year_ends_coverage_on_the_29th() -> None:
    answer = Answer(ElectionDecision.ENROLLED, date(2028, 1, 1))
    assert compute_ends([answer], date(2028, 12, 31), date(2028, 2, 3)) == [
        EnrollmentEnd(date(2028, 2, 29), date(2028, 3, 1), TERMINATED)
    ]


# ------------------------------------------------------------------------------------------------- properties

ANSWER = st.builds(
    Answer,
    st.sampled_from(ElectionDecision),
    # First days of months, because equal effective dates are the hard case.
    st.dates(STARTS, ENDS) | st.integers(1, 12).map(lambda month: date(2026, month, 1)),
)
ANSWERS = st.lists(ANSWER, max_size=6)
TERMINATIONS = st.none() | st.dates(date(2025, 11, 1), date(2027, 2, 28))


def spans(answers: list[Answer], ends: list[EnrollmentEnd]) -> list[tuple[Answer, DateSpan]]:
    return [
        (answer, DateSpan.through(answer.effective_on, end.coverage_ends_on))
        for answer, end in zip(answers, ends, strict=True)
        if end.coverage_ends_on is not None
    ]


@settings(max_examples=200)
@given(ANSWERS, TERMINATIONS)
def test_spans_never_overlap(answers: list[Answer], terminated_on: date | None) -> None:
    covered = [span for _, span in spans(answers, compute_ends(answers, ENDS, terminated_on))]
    assert not any(one.overlaps(other) for one, other in combinations(covered, 2))


@settings(max_examples=200)
@given(ANSWERS, TERMINATIONS)
def test_each_day_is_covered_by_the_latest_answer_in_force(answers: list[Answer], terminated_on: date | None) -> None:
    by_day: dict[date, list[Answer]] = {}
    for answer, span in spans(answers, compute_ends(answers, ENDS, terminated_on)):
        for day in span.days():
            by_day.setdefault(day, []).append(answer)
    last_day = find_last_coverable_day(ENDS, terminated_on)
    for day in DateSpan.through(date(2025, 12, 1), date(2027, 2, 1)).days():
        in_force = [
            answer
            for answer in answers
            if answer.effective_on <= day <= last_day and (terminated_on is None or answer.effective_on < terminated_on)
        ][-1:]
        assert by_day.get(day, []) == [answer for answer in in_force if answer.decision is ElectionDecision.ENROLLED]


@settings(max_examples=200)
@given(ANSWERS, TERMINATIONS)
def test_termination_cancels_later_answers_and_ends_the_one_in_force_with_its_month(
    answers: list[Answer], terminated_on: date | None
) -> None:
    last_day = find_last_coverable_day(ENDS, terminated_on)
    is_early = last_day < ENDS
    closing = (last_day + ONE_DAY, TERMINATED) if is_early else (None, None)
    remaining = [answer for answer in answers if terminated_on is None or answer.effective_on < terminated_on]
    expected_ends = iter(compute_ends(remaining, last_day))
    for answer, end in zip(answers, compute_ends(answers, ENDS, terminated_on), strict=True):
        if answer not in remaining:
            # Its closing date is the day that the answer in force then ends, or the day a later answer took effect.
            assert end.coverage_ends_on is None
            continue
        expected = next(expected_ends)
        if expected.closed_on is None:
            expected = EnrollmentEnd(expected.coverage_ends_on, *closing)
        assert end == expected


@given(ANSWERS, ANSWER)
def test_later_answer_changes_only_answers_beyond_its_effective_date(answers: list[Answer], later: Answer) -> None:
    *after, newest = compute_ends([*answers, later], ENDS)
    assert newest == EnrollmentEnd(ENDS if later.decision is ElectionDecision.ENROLLED else None)
    for answer, before, shortened in zip(answers, compute_ends(answers, ENDS), after, strict=True):
        if before.closed_on is not None and before.closed_on <= later.effective_on:
            assert shortened == before
            continue
        was_covered = before.coverage_ends_on is not None and answer.effective_on < later.effective_on
        assert shortened == EnrollmentEnd(
            later.effective_on - ONE_DAY if was_covered else None, later.effective_on, REISSUED
        )


@given(ANSWERS, TERMINATIONS, st.integers(-31, 400))
def test_at_most_one_answer_is_effective_on_a_day(answers: list[Answer], terminated_on: date | None, days: int) -> None:
    today = STARTS + timedelta(days=days)
    effective = [
        answer
        for answer, end in zip(answers, compute_ends(answers, ENDS, terminated_on), strict=True)
        if derive_coverage_status(
            EnrollmentFacts(answer.decision, YEAR, ENDS, answer.effective_on, end.coverage_ends_on, end.closed_on),
            today,
        )
        is CoverageStatus.EFFECTIVE
    ]
    assert len(effective) <= 1
    assert all(answer.effective_on <= today for answer in effective)
