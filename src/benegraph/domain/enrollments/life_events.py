"""Qualifying life events: their windows, when a change takes effect, and what each type lets someone change."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, StrEnum

from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.people import Relationship
from benegraph.domain.values import DateSpan, first_of_month_on_or_after, first_of_next_month


class LifeEventType(StrEnum):
    """What happened in someone's life."""

    MARRIAGE = "MARRIAGE"
    BIRTH = "BIRTH"
    ADOPTION = "ADOPTION"
    DIVORCE = "DIVORCE"
    DEATH = "DEATH"
    JOB_LOSS = "JOB_LOSS"
    REDUCTION_IN_HOURS = "REDUCTION_IN_HOURS"
    EMPLOYER_BANKRUPTCY = "EMPLOYER_BANKRUPTCY"
    MEDICARE_ENTITLEMENT = "MEDICARE_ENTITLEMENT"
    MEDICAID_LOSS = "MEDICAID_LOSS"
    TERMINATION = "TERMINATION"
    OTHER = "OTHER"


class LifeEventStatus(StrEnum):
    """How a life event was judged."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    DENIED = "DENIED"


class EffectiveDateRule(Enum):
    """When the change that an event allows takes effect (29 CFR 2590.701-6; 26 CFR 1.125-4)."""

    EVENT_DATE = "the event's date"
    FIRST_OF_MONTH_ON_OR_AFTER_EVENT = "the first of the month after the event, or its date where that is a first"
    FIRST_OF_MONTH_AFTER_EVENT_AND_REPORT = "the first of the month after the later of event and report"


_ANYONE = frozenset(Relationship)
_SPOUSE = frozenset({Relationship.SPOUSE})
_CHILD = frozenset({Relationship.CHILD})
_NOBODY: frozenset[Relationship] = frozenset()


@dataclass(frozen=True, slots=True)
class LifeEventRule:
    """What one type of event allows. `may_add` of anyone at all also lets an employee come back from a waiver."""

    effective: EffectiveDateRule
    may_add: frozenset[Relationship]
    may_drop: frozenset[Relationship]
    may_change_plan: bool
    may_waive: bool
    window_days: int = 30
    reissues: bool = True


_ENDS_ELIGIBILITY = LifeEventRule(
    EffectiveDateRule.FIRST_OF_MONTH_AFTER_EVENT_AND_REPORT,
    _NOBODY,
    _NOBODY,
    may_change_plan=False,
    may_waive=False,
    reissues=False,
)
_LOSS_OF_OTHER_COVERAGE = LifeEventRule(
    EffectiveDateRule.FIRST_OF_MONTH_ON_OR_AFTER_EVENT, _ANYONE, _NOBODY, may_change_plan=True, may_waive=False
)
_NEW_CHILD = LifeEventRule(EffectiveDateRule.EVENT_DATE, _ANYONE, _NOBODY, may_change_plan=True, may_waive=False)

LIFE_EVENT_RULES: dict[LifeEventType, LifeEventRule] = {
    # Who marries may take the spouse in, or go over to the spouse's plan, alone or with the children.
    LifeEventType.MARRIAGE: LifeEventRule(
        EffectiveDateRule.FIRST_OF_MONTH_AFTER_EVENT_AND_REPORT, _ANYONE, _ANYONE, may_change_plan=True, may_waive=True
    ),
    LifeEventType.BIRTH: _NEW_CHILD,
    LifeEventType.ADOPTION: _NEW_CHILD,
    # Divorce drops that spouse; children (and the employee) may have lost the spouse's coverage.
    LifeEventType.DIVORCE: LifeEventRule(
        EffectiveDateRule.FIRST_OF_MONTH_ON_OR_AFTER_EVENT, _CHILD, _SPOUSE, may_change_plan=True, may_waive=False
    ),
    LifeEventType.DEATH: LifeEventRule(
        EffectiveDateRule.FIRST_OF_MONTH_ON_OR_AFTER_EVENT, _CHILD, _ANYONE, may_change_plan=True, may_waive=False
    ),
    LifeEventType.JOB_LOSS: _LOSS_OF_OTHER_COVERAGE,  # a family member's job, not the employee's
    LifeEventType.EMPLOYER_BANKRUPTCY: _LOSS_OF_OTHER_COVERAGE,
    LifeEventType.MEDICAID_LOSS: LifeEventRule(
        EffectiveDateRule.FIRST_OF_MONTH_ON_OR_AFTER_EVENT,
        _ANYONE,
        _NOBODY,
        may_change_plan=True,
        may_waive=False,
        window_days=60,
    ),
    LifeEventType.MEDICARE_ENTITLEMENT: LifeEventRule(
        EffectiveDateRule.FIRST_OF_MONTH_AFTER_EVENT_AND_REPORT, _NOBODY, _ANYONE, may_change_plan=False, may_waive=True
    ),
    LifeEventType.REDUCTION_IN_HOURS: _ENDS_ELIGIBILITY,
    LifeEventType.TERMINATION: _ENDS_ELIGIBILITY,
    # Whoever approves an event of no listed type has judged what it allows.
    LifeEventType.OTHER: LifeEventRule(
        EffectiveDateRule.FIRST_OF_MONTH_AFTER_EVENT_AND_REPORT, _ANYONE, _ANYONE, may_change_plan=True, may_waive=True
    ),
}

MIN_DAYS_AFTER_APPROVAL = 10


def report_window(event_type: LifeEventType, event_on: date) -> DateSpan:
    """Give the days on which an event may be reported: from its date through day 30, or 60."""
    return DateSpan.through(event_on, event_on + timedelta(days=LIFE_EVENT_RULES[event_type].window_days))


def enrollment_window(event_type: LifeEventType, event_on: date, approved_on: date | None) -> DateSpan:
    """Give the days on which an event's change may be made: a slow review takes nobody's right."""
    window = report_window(event_type, event_on)
    if approved_on is None:
        return window
    return DateSpan.through(window.start, max(window.last, approved_on + timedelta(days=MIN_DAYS_AFTER_APPROVAL)))


def check_life_event_report(
    event_type: LifeEventType, event_on: date, hired_on: date, today: date
) -> Iterator[RuleViolation]:
    """Check that an event may be reported today."""
    if event_on > today:
        yield RuleViolation(ErrorCode.INVALID_INPUT, "The event has not happened yet.", ("eventDate",))
    elif event_on < hired_on:
        yield RuleViolation(ErrorCode.INVALID_INPUT, "The event was before the hire.", ("eventDate",))
    elif today not in (window := report_window(event_type, event_on)):
        yield RuleViolation(
            ErrorCode.LIFE_EVENT_WINDOW_CLOSED, f"This event could be reported through {window.last}.", ("eventDate",)
        )


def compute_effective_date(
    event_type: LifeEventType, event_on: date, reported_on: date, coverage: DateSpan, eligible_on: date
) -> date | None:
    """Give the day a reissued enrollment takes effect; None where that lies past the plan year (design, rule 7).

    Never before the plan year's start, nor before the employee became eligible.
    """
    match LIFE_EVENT_RULES[event_type].effective:
        case EffectiveDateRule.EVENT_DATE:
            effective_on = event_on
        case EffectiveDateRule.FIRST_OF_MONTH_ON_OR_AFTER_EVENT:
            effective_on = first_of_month_on_or_after(event_on)
        case EffectiveDateRule.FIRST_OF_MONTH_AFTER_EVENT_AND_REPORT:
            effective_on = first_of_next_month(max(event_on, reported_on))
    effective_on = max(effective_on, coverage.start, eligible_on)
    return effective_on if effective_on in coverage else None
