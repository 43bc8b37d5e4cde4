"""What an enrollment's stored facts mean: its window, its status on a day, and the span each answer covers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from benegraph.domain.values import ONE_DAY, DateSpan, last_day_of_month

NEW_HIRE_WINDOW_DAYS = 30


class EnrollmentStatus(StrEnum):
    """Where an enrollment stands today."""

    PENDING = "PENDING"
    ENROLLED = "ENROLLED"
    WAIVED = "WAIVED"
    INACTIVE = "INACTIVE"


class ElectionDecision(StrEnum):
    """What an employee answered."""

    ENROLLED = "ENROLLED"
    WAIVED = "WAIVED"


class CoverageStatus(StrEnum):
    """Where elected coverage stands today."""

    UPCOMING = "UPCOMING"
    EFFECTIVE = "EFFECTIVE"
    ENDED = "ENDED"
    CANCELLED = "CANCELLED"


class WindowReason(StrEnum):
    """Why an enrollment was issued, which decides its window."""

    OPEN_ENROLLMENT = "OPEN_ENROLLMENT"
    NEW_HIRE = "NEW_HIRE"
    LIFE_EVENT = "LIFE_EVENT"


class CloseReason(StrEnum):
    """Why an enrollment is closed, or will be."""

    LAPSED = "LAPSED"
    REISSUED = "REISSUED"
    TERMINATED = "TERMINATED"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"


@dataclass(frozen=True, slots=True)
class EnrollmentFacts:
    """The stored facts that an enrollment's status is derived from."""

    decision: ElectionDecision | None
    window: DateSpan
    plan_year_ends_on: date
    coverage_starts_on: date | None = None
    coverage_ends_on: date | None = None
    closed_on: date | None = None


def derive_enrollment_status(facts: EnrollmentFacts, today: date) -> EnrollmentStatus:
    """Derive an enrollment's status (design, rule 6). `db/store/enrollments` holds the same in SQL."""
    over = (
        (facts.closed_on is not None and facts.closed_on <= today)
        or facts.plan_year_ends_on < today
        or (facts.decision is None and facts.window.last < today)
        or derive_coverage_status(facts, today) in (CoverageStatus.ENDED, CoverageStatus.CANCELLED)
    )
    if over:
        return EnrollmentStatus.INACTIVE
    return EnrollmentStatus.PENDING if facts.decision is None else EnrollmentStatus(facts.decision)


def derive_coverage_status(facts: EnrollmentFacts, today: date) -> CoverageStatus | None:
    """Derive where elected coverage stands; None where there is none. Cancelled coverage has a start but no end."""
    if facts.decision is not ElectionDecision.ENROLLED or facts.coverage_starts_on is None:
        return None
    if facts.coverage_ends_on is None:
        return CoverageStatus.CANCELLED
    if today < facts.coverage_starts_on:
        return CoverageStatus.UPCOMING
    return CoverageStatus.EFFECTIVE if today <= facts.coverage_ends_on else CoverageStatus.ENDED


def new_hire_window(eligible_on: date, issued_on: date) -> DateSpan:
    """Give a new hire's window: from the later of eligibility and issue, through 30 days after."""
    opens_on = max(eligible_on, issued_on)
    return DateSpan.through(opens_on, opens_on + timedelta(days=NEW_HIRE_WINDOW_DAYS))


def build_close_values(terminated_on: date | None, today: date) -> dict[str, date | CloseReason | None]:
    """Give when and why an enrollment left open today closes: with an employment whose end is set already, if any."""
    if terminated_on is None or terminated_on <= today:
        return {"closed_on": None, "close_reason": None}
    return {"closed_on": terminated_on, "close_reason": CloseReason.TERMINATED}


# ------------------------------------------------------------------------------------------- spans of coverage


@dataclass(frozen=True, slots=True)
class Answer:
    """An answered enrollment: what was decided, and the day it takes effect."""

    decision: ElectionDecision
    effective_on: date


@dataclass(frozen=True, slots=True)
class EnrollmentEnd:
    """What an answer comes to among its successors: the last day it covers, and when and why it closes."""

    coverage_ends_on: date | None = None
    closed_on: date | None = None
    close_reason: CloseReason | None = None


def find_last_coverable_day(plan_year_ends_on: date, terminated_on: date | None) -> date:
    """Give the last day coverage can reach: the plan year's, or that of the month of termination (design, rule 9)."""
    return plan_year_ends_on if terminated_on is None else min(plan_year_ends_on, last_day_of_month(terminated_on))


def compute_ends(
    answers: Sequence[Answer], plan_year_ends_on: date, terminated_on: date | None = None
) -> list[EnrollmentEnd]:
    """Lay out the answers of one employee in one plan year, oldest first, so that no day is covered twice or lost.

    Each stays in force until a later one takes effect, and ends the day before; one whose turn never comes is
    cancelled. As spans follow from the answers alone, taking an answer or a termination back restores what it ended.
    """
    limit = find_last_coverable_day(plan_year_ends_on, terminated_on)
    stop = limit + ONE_DAY
    reason = CloseReason.TERMINATED if limit < plan_year_ends_on else None
    standings: list[EnrollmentEnd] = []
    for answer in reversed(answers):
        covers = answer.decision is ElectionDecision.ENROLLED and answer.effective_on < stop
        standings.append(EnrollmentEnd(stop - ONE_DAY if covers else None, stop if reason else None, reason))
        if answer.effective_on < stop:
            stop = answer.effective_on
            reason = CloseReason.REISSUED
    return standings[::-1]
