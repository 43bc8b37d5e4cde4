"""Qualifying life events: windows for reporting and changes, effective dates, and the changes each type allows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, StrEnum, auto

from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.people import Relationship
from benegraph.domain.values import DateSpan, first_of_month_on_or_after, first_of_next_month


class LifeEventType(StrEnum):
    """The type of a qualifying life event."""

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
    """The status of the review of a life event."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    WITHDRAWN = "WITHDRAWN"


class EffectiveDateRule(Enum):
    """The rule for the day on which a change takes effect (29 CFR 2590.701-6; 26 CFR 1.125-4)."""

    EVENT_DATE = auto()
    #: The event's date if it is the first of a month, otherwise the first of the next month.
    FIRST_OF_MONTH_ON_OR_AFTER_EVENT = auto()
    #: The first of the month after the later of the event and its report.
    FIRST_OF_MONTH_AFTER_EVENT_AND_REPORT = auto()


_ANY_DEPENDENT = frozenset(Relationship)
_SPOUSE_ONLY = frozenset({Relationship.SPOUSE})
_CHILDREN_ONLY = frozenset({Relationship.CHILD})
_NO_DEPENDENT: frozenset[Relationship] = frozenset()


@dataclass(frozen=True, slots=True)
class LifeEventRule:
    """The changes that one type of event allows.

    `may_add` and `may_drop` are the relationships of the dependents that may be added or dropped. If `may_add` is not
    empty, an employee who waived coverage may also enroll. `may_waive` lets an enrolled employee waive coverage. The
    event must be reported within `window_days` days after its date. `allows_reissue` is false for an event that ends
    eligibility. An event that `ends_relationship` makes the dependent whom it names inactive once it is approved; no
    other dependent may then be dropped (26 CFR 1.125-4(c)(3)).
    """

    effective_date_rule: EffectiveDateRule
    may_add: frozenset[Relationship]
    may_drop: frozenset[Relationship]
    may_change_plan: bool
    may_waive: bool
    window_days: int = 30
    allows_reissue: bool = True
    ends_relationship: bool = False


_ENDS_ELIGIBILITY = LifeEventRule(
    EffectiveDateRule.FIRST_OF_MONTH_AFTER_EVENT_AND_REPORT,
    _NO_DEPENDENT,
    _NO_DEPENDENT,
    may_change_plan=False,
    may_waive=False,
    allows_reissue=False,
)
_LOSS_OF_OTHER_COVERAGE = LifeEventRule(
    EffectiveDateRule.FIRST_OF_MONTH_ON_OR_AFTER_EVENT,
    _ANY_DEPENDENT,
    _NO_DEPENDENT,
    may_change_plan=True,
    may_waive=False,
)
_NEW_CHILD = LifeEventRule(
    EffectiveDateRule.EVENT_DATE, _ANY_DEPENDENT, _NO_DEPENDENT, may_change_plan=True, may_waive=False
)

LIFE_EVENT_RULES: dict[LifeEventType, LifeEventRule] = {
    # A newly married employee may add the spouse, or move to the spouse's plan, alone or with the children.
    LifeEventType.MARRIAGE: LifeEventRule(
        EffectiveDateRule.FIRST_OF_MONTH_AFTER_EVENT_AND_REPORT,
        _ANY_DEPENDENT,
        _ANY_DEPENDENT,
        may_change_plan=True,
        may_waive=True,
    ),
    LifeEventType.BIRTH: _NEW_CHILD,
    LifeEventType.ADOPTION: _NEW_CHILD,
    # A divorce drops the spouse. The children, and the employee, may have lost coverage under the spouse's plan.
    LifeEventType.DIVORCE: LifeEventRule(
        EffectiveDateRule.FIRST_OF_MONTH_ON_OR_AFTER_EVENT,
        _CHILDREN_ONLY,
        _SPOUSE_ONLY,
        may_change_plan=True,
        may_waive=False,
        ends_relationship=True,
    ),
    LifeEventType.DEATH: LifeEventRule(
        EffectiveDateRule.FIRST_OF_MONTH_ON_OR_AFTER_EVENT,
        _CHILDREN_ONLY,
        _ANY_DEPENDENT,
        may_change_plan=True,
        may_waive=False,
        ends_relationship=True,
    ),
    LifeEventType.JOB_LOSS: _LOSS_OF_OTHER_COVERAGE,  # the job of a family member, not of the employee
    LifeEventType.EMPLOYER_BANKRUPTCY: _LOSS_OF_OTHER_COVERAGE,  # the bankruptcy of a family member's employer
    LifeEventType.MEDICAID_LOSS: LifeEventRule(
        EffectiveDateRule.FIRST_OF_MONTH_ON_OR_AFTER_EVENT,
        _ANY_DEPENDENT,
        _NO_DEPENDENT,
        may_change_plan=True,
        may_waive=False,
        window_days=60,
    ),
    LifeEventType.MEDICARE_ENTITLEMENT: LifeEventRule(
        EffectiveDateRule.FIRST_OF_MONTH_AFTER_EVENT_AND_REPORT,
        _NO_DEPENDENT,
        _ANY_DEPENDENT,
        may_change_plan=False,
        may_waive=True,
    ),
    LifeEventType.REDUCTION_IN_HOURS: _ENDS_ELIGIBILITY,
    LifeEventType.TERMINATION: _ENDS_ELIGIBILITY,
    # An event of another type allows every change: the reviewer who approves it decides.
    LifeEventType.OTHER: LifeEventRule(
        EffectiveDateRule.FIRST_OF_MONTH_AFTER_EVENT_AND_REPORT,
        _ANY_DEPENDENT,
        _ANY_DEPENDENT,
        may_change_plan=True,
        may_waive=True,
    ),
}

#: After an approval, at least this many days remain to make the change, however long the review took.
MIN_DAYS_AFTER_APPROVAL = 10


def report_window(event_type: LifeEventType, event_on: date) -> DateSpan:
    """Return the days on which an event may be reported: its date through 30 days after (60 for a loss of Medicaid)."""
    return DateSpan.through(event_on, event_on + timedelta(days=LIFE_EVENT_RULES[event_type].window_days))


def change_window(event_type: LifeEventType, event_on: date, approved_on: date | None) -> DateSpan:
    """Return the days on which the change may be made: the report window, extended to 10 days after a late approval."""
    window = report_window(event_type, event_on)
    if approved_on is None:
        return window
    return DateSpan.through(window.start, max(window.last, approved_on + timedelta(days=MIN_DAYS_AFTER_APPROVAL)))


def check_life_event_report(
    event_type: LifeEventType, event_on: date, hired_on: date, today: date
) -> Iterator[RuleViolation]:
    """Check that an event may be reported today.

    The messages state neither its date, which may be a date of birth, nor a date from which it can be computed.
    """
    if event_on > today:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT, f"The event date must not be after today, {today}.", ("eventDate",)
        )
    elif event_on < hired_on:
        yield RuleViolation(ErrorCode.INVALID_INPUT, "The event date must not be before the hire date.", ("eventDate",))
    elif today not in report_window(event_type, event_on):
        window_days = LIFE_EVENT_RULES[event_type].window_days
        yield RuleViolation(
            ErrorCode.LIFE_EVENT_WINDOW_CLOSED,
            f"The period for reporting this event, {window_days} days from its date, is over.",
            ("eventDate",),
        )


#: The relationship of the dependent whom an event of this type may name. Other types may name any dependent.
_NAMED_RELATIONSHIPS = {
    LifeEventType.MARRIAGE: Relationship.SPOUSE,
    LifeEventType.DIVORCE: Relationship.SPOUSE,
    LifeEventType.BIRTH: Relationship.CHILD,
    LifeEventType.ADOPTION: Relationship.CHILD,
}


def check_event_dependent(
    event_type: LifeEventType, event_on: date, relationship: Relationship, date_of_birth: date
) -> Iterator[RuleViolation]:
    """Check that the dependent whom an event names fits its type and date.

    A birth names a child born on the event date; no event names anyone who was born after it.
    """
    expected = _NAMED_RELATIONSHIPS.get(event_type, relationship)
    message = None
    if relationship is not expected:
        message = f"A life event of type {event_type} concerns a {expected.lower()}; the dependent is a"
        message = f"{message} {relationship.lower()}."
    elif event_type is LifeEventType.BIRTH and date_of_birth != event_on:
        message = "The date of birth of the child must be the event date."
    elif date_of_birth > event_on:
        message = "The dependent was born after the event date."
    if message is not None:
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, ("dependentId",))


def compute_effective_date(
    event_type: LifeEventType, event_on: date, reported_on: date, coverage: DateSpan, eligible_on: date
) -> date | None:
    """Return the day a reissued enrollment takes effect; None if that is after the plan year's end.

    The day follows from the event type's rule, but is never before the plan year's start or the eligibility date.
    `coverage` is the plan year's coverage period.
    """
    match LIFE_EVENT_RULES[event_type].effective_date_rule:
        case EffectiveDateRule.EVENT_DATE:
            effective_on = event_on
        case EffectiveDateRule.FIRST_OF_MONTH_ON_OR_AFTER_EVENT:
            effective_on = first_of_month_on_or_after(event_on)
        case EffectiveDateRule.FIRST_OF_MONTH_AFTER_EVENT_AND_REPORT:
            effective_on = first_of_next_month(max(event_on, reported_on))
    effective_on = max(effective_on, coverage.start, eligible_on)
    return effective_on if effective_on in coverage else None
