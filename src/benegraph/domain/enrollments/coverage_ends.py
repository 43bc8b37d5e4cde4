"""Ends of one elected coverage without an end of the employment: the reasons, and the last day that each allows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from benegraph.domain.checks import MAX_REASON_LENGTH, check_text
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.values import ONE_DAY, last_day_of_month


class CoverageEndReason(StrEnum):
    """The reason why coverage is ended without an end of the employment."""

    LOSS_OF_ELIGIBILITY = "LOSS_OF_ELIGIBILITY"
    NONPAYMENT = "NONPAYMENT"
    VOLUNTARY = "VOLUNTARY"
    CARRIER_REQUEST = "CARRIER_REQUEST"
    MISREPRESENTATION = "MISREPRESENTATION"


#: Coverage that ends for one of these reasons lasts through the end of a month; for the others, through any day.
ENDS_WITH_MONTH = frozenset({CoverageEndReason.LOSS_OF_ELIGIBILITY, CoverageEndReason.VOLUNTARY})


@dataclass(frozen=True, slots=True)
class CoverageEnd:
    """A request to end a coverage. Without `last_day`, coverage lasts as long as the reason's rule says.

    A voluntary end names the life event that allows it.
    """

    reason: CoverageEndReason
    last_day: date | None = None
    life_event_id: str | None = None
    note: str | None = None

    @property
    def history_reason(self) -> str:
        """The text that the history records as the reason."""
        return f"{self.reason}: {self.note}" if self.note else str(self.reason)


def compute_last_day(end: CoverageEnd, today: date, event_effective_on: date | None) -> date:
    """Return the last day of a coverage that is ended today.

    Without a day in the request, that is the last day of this month; after a life event, the day before the change
    takes effect.
    """
    if end.last_day is not None:
        return end.last_day
    if event_effective_on is not None:
        return event_effective_on - ONE_DAY
    return last_day_of_month(today)


def check_coverage_end(
    end: CoverageEnd, today: date, event_effective_on: date | None, *, administrator: bool
) -> Iterator[RuleViolation]:
    """Check the last day of a coverage that is ended, and that only an administrator with a note ends it in the past.

    A last day before this month ends coverage retroactively. That is a rescission, which is lawful only for fraud,
    intentional misrepresentation, unpaid premiums or a clerical delay (29 CFR 2590.715-2712). A voluntary end is a
    change that a life event must allow (26 CFR 1.125-4), and takes effect no sooner than that event's rule says.
    """
    yield from check_text(end.note, "note", max_length=MAX_REASON_LENGTH, multiline=True)
    is_voluntary = end.reason is CoverageEndReason.VOLUNTARY
    if is_voluntary is (end.life_event_id is None):
        needs = "needs an approved life event" if is_voluntary else "must not name a life event"
        yield RuleViolation(
            ErrorCode.INVALID_INPUT, f"An end with reason {end.reason} {needs}.", ("qualifyingLifeEventId",)
        )
    last_day = compute_last_day(end, today, event_effective_on)
    if end.reason in ENDS_WITH_MONTH and end.last_day is not None and last_day != last_day_of_month(last_day):
        yield RuleViolation(
            ErrorCode.INVALID_INPUT,
            f"Coverage that ends with reason {end.reason} lasts through the end of a month, such as"
            f" {last_day_of_month(last_day)}.",
            ("lastDay",),
        )
    elif event_effective_on is not None and last_day < event_effective_on - ONE_DAY:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER,
            "The coverage must last until the change for the life event takes effect.",
            ("lastDay",),
        )
    first_of_this_month = today.replace(day=1)
    if last_day < first_of_this_month:
        if not administrator:
            yield RuleViolation(
                ErrorCode.INVALID_INPUT,
                f"Only an administrator may end coverage before {first_of_this_month}.",
                ("lastDay",),
            )
        if not (end.note and end.note.strip()):
            yield RuleViolation(
                ErrorCode.INVALID_INPUT, f"An end of coverage before {first_of_this_month} needs a note.", ("note",)
            )
