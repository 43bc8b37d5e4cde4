"""The statuses and dates of an enrollment, derived from its stored columns: window, status, end of coverage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from benegraph.domain.values import ONE_DAY, DateSpan, last_day_of_month

NEW_HIRE_WINDOW_DAYS = 30


class EnrollmentStatus(StrEnum):
    """The status of an enrollment today."""

    PENDING = "PENDING"
    ENROLLED = "ENROLLED"
    WAIVED = "WAIVED"
    INACTIVE = "INACTIVE"


class ElectionDecision(StrEnum):
    """An employee's decision on an enrollment."""

    ENROLLED = "ENROLLED"
    WAIVED = "WAIVED"


class AnswerSource(StrEnum):
    """The way in which an enrollment was answered."""

    ELECTION = "ELECTION"
    RENEWAL = "RENEWAL"
    OVERRIDE = "OVERRIDE"


class WaiverReason(StrEnum):
    """The reason why an employee waives coverage: the other coverage that the employee has."""

    SPOUSE_EMPLOYER_PLAN = "SPOUSE_EMPLOYER_PLAN"
    PARENT_EMPLOYER_PLAN = "PARENT_EMPLOYER_PLAN"
    OTHER_EMPLOYER_PLAN = "OTHER_EMPLOYER_PLAN"
    INDIVIDUAL_PLAN = "INDIVIDUAL_PLAN"
    MEDICARE = "MEDICARE"
    TRICARE = "TRICARE"
    MEDICAID = "MEDICAID"


class CoverageStatus(StrEnum):
    """The status of elected coverage today."""

    UPCOMING = "UPCOMING"
    EFFECTIVE = "EFFECTIVE"
    ENDED = "ENDED"
    CANCELLED = "CANCELLED"


class WindowReason(StrEnum):
    """The reason why an enrollment was issued; it determines the election window."""

    OPEN_ENROLLMENT = "OPEN_ENROLLMENT"
    NEW_HIRE = "NEW_HIRE"
    LIFE_EVENT = "LIFE_EVENT"
    OVERRIDE = "OVERRIDE"


class CloseReason(StrEnum):
    """The reason an enrollment is closed, or will be."""

    LAPSED = "LAPSED"
    REISSUED = "REISSUED"
    TERMINATED = "TERMINATED"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    ENDED = "ENDED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class EnrollmentFacts:
    """The stored values that an enrollment's status is derived from."""

    decision: ElectionDecision | None
    window: DateSpan
    plan_year_ends_on: date
    #: The day on which the answer takes effect; the first day of elected coverage.
    effective_on: date
    coverage_ends_on: date | None = None
    closed_on: date | None = None


def derive_enrollment_status(facts: EnrollmentFacts, today: date) -> EnrollmentStatus:
    """Derive an enrollment's status today.

    It is INACTIVE if it is closed by today, or if it is unanswered after its window. An answered one is also INACTIVE
    if its plan year or coverage is over, its coverage is cancelled, or its waiver closed before it took effect.
    Otherwise it is PENDING until it is answered, and then ENROLLED or WAIVED. A window may outlive its plan year.
    `db/store/enrollments` holds the same rule in SQL.
    """
    if facts.closed_on is not None and facts.closed_on <= today:
        return EnrollmentStatus.INACTIVE
    if facts.decision is None:
        return EnrollmentStatus.INACTIVE if facts.window.last < today else EnrollmentStatus.PENDING
    is_inactive = (
        facts.plan_year_ends_on < today
        or derive_coverage_status(facts, today) in (CoverageStatus.ENDED, CoverageStatus.CANCELLED)
        or (
            facts.decision is ElectionDecision.WAIVED
            and facts.closed_on is not None
            and facts.closed_on <= facts.effective_on
        )
    )
    return EnrollmentStatus.INACTIVE if is_inactive else EnrollmentStatus(facts.decision)


def derive_status_in_plan_year(facts: EnrollmentFacts, today: date) -> EnrollmentStatus:
    """Derive an enrollment's status today, or on the last day of its plan year if that is past.

    A window may outlive its plan year, so an answer of an ended plan year can still be changed.
    """
    return derive_enrollment_status(facts, min(today, facts.plan_year_ends_on))


def derive_coverage_status(facts: EnrollmentFacts, today: date) -> CoverageStatus | None:
    """Derive the status of elected coverage today; None without elected coverage.

    Coverage that was cancelled before it began keeps its start date and has no end date. `db/store/enrollments` holds
    the same rule in SQL.
    """
    if facts.decision is not ElectionDecision.ENROLLED:
        return None
    if facts.coverage_ends_on is None:
        return CoverageStatus.CANCELLED
    if today < facts.effective_on:
        return CoverageStatus.UPCOMING
    return CoverageStatus.EFFECTIVE if today <= facts.coverage_ends_on else CoverageStatus.ENDED


def new_hire_window(eligible_on: date, issued_on: date) -> DateSpan:
    """Return a new hire's window: from the issue date, through 30 days after the later of issue and eligibility."""
    return DateSpan.through(issued_on, max(eligible_on, issued_on) + timedelta(days=NEW_HIRE_WINDOW_DAYS))


def build_close_values(terminated_on: date | None, today: date) -> dict[str, date | CloseReason | None]:
    """Return the columns `closed_on` and `close_reason` of an enrollment that is open today.

    If the employee's termination date is in the future, the enrollment closes on that date. Otherwise it stays open.
    """
    if terminated_on is None or terminated_on <= today:
        return {"closed_on": None, "close_reason": None}
    return {"closed_on": terminated_on, "close_reason": CloseReason.TERMINATED}


# --------------------------------------------------------------------------------- end of coverage and enrollment


@dataclass(frozen=True, slots=True)
class Answer:
    """An answered enrollment: the decision, and the day it takes effect.

    `ended_through` is the last day of coverage if the coverage was ended without an end of the employment. It may be
    before `effective_on`.
    """

    decision: ElectionDecision
    effective_on: date
    ended_through: date | None = None


@dataclass(frozen=True, slots=True)
class EnrollmentEnd:
    """The end of an answered enrollment: its last day of coverage, and the date and reason of its closing."""

    coverage_ends_on: date | None = None
    closed_on: date | None = None
    close_reason: CloseReason | None = None


def find_last_coverable_day(plan_year_ends_on: date, terminated_on: date | None) -> date:
    """Return the last day that coverage can reach.

    That is the plan year's last day, or, if it is earlier, the last day of the termination date's month.
    """
    if terminated_on is None:
        return plan_year_ends_on
    return min(plan_year_ends_on, last_day_of_month(terminated_on))


def compute_ends(
    answers: Sequence[Answer], plan_year_ends_on: date, terminated_on: date | None = None
) -> list[EnrollmentEnd]:
    """Compute the end of each answered enrollment of one employee in one plan year, in the order of `answers`.

    `answers` are ordered from the oldest to the newest. An answer stays in force until a later one takes effect, and
    its coverage ends the day before. Coverage that would end before it begins is cancelled: it has no end date. So is
    coverage that would begin on or after the termination date, when the employment is over. So no day is covered twice,
    and none is lost. Where a coverage was ended, no earlier answer covers later days either; a later answer does so
    only if it takes effect after that end. The ends follow from the answers alone: when an answer or a termination is
    withdrawn, computing them again restores the coverage that it had ended.
    """
    last_day = find_last_coverable_day(plan_year_ends_on, terminated_on)
    stop = last_day + ONE_DAY
    reason = CloseReason.TERMINATED if last_day < plan_year_ends_on else None
    ends: list[EnrollmentEnd] = []
    for answer, limit in zip(reversed(answers), reversed(_find_limits(answers)), strict=True):
        takes_effect = answer.effective_on < stop and (terminated_on is None or answer.effective_on < terminated_on)
        is_enrolled = answer.decision is ElectionDecision.ENROLLED
        own_stop, own_reason = stop, reason
        if is_enrolled and limit is not None and limit < stop - ONE_DAY:
            own_stop, own_reason = limit + ONE_DAY, CloseReason.ENDED
        is_covered = takes_effect and is_enrolled and answer.effective_on < own_stop
        ends.append(
            EnrollmentEnd(own_stop - ONE_DAY if is_covered else None, own_stop if own_reason else None, own_reason)
        )
        if takes_effect:
            stop, reason = answer.effective_on, CloseReason.REISSUED
        if answer.ended_through is not None and answer.ended_through < stop - ONE_DAY:
            stop, reason = answer.ended_through + ONE_DAY, CloseReason.ENDED
    return ends[::-1]


def _find_limits(answers: Sequence[Answer]) -> list[date | None]:
    """Return the last day that each answer's coverage may reach; None without a limit.

    An end of coverage also limits the answers after it that take effect by then.
    """
    limits: list[date | None] = []
    limit: date | None = None
    for answer in answers:
        if limit is not None and limit < answer.effective_on:
            limit = None
        if answer.ended_through is not None:
            limit = answer.ended_through if limit is None else min(limit, answer.ended_through)
        limits.append(limit)
    return limits
