"""Corrections of a dependent's date of birth: the coverage that follows from it, and when a correction is refused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from benegraph.domain.checks import MAX_REASON_LENGTH, check_text
from benegraph.domain.errors import ErrorCode, RuleViolation


@dataclass(frozen=True, slots=True)
class DependentSpan:
    """The days of an elected coverage that cover a dependent: those of the coverage, at most through an age limit.

    `coverage_ends_on` is None if the coverage was cancelled, and `through` is None without an age limit.
    """

    enrollment_id: str
    starts_on: date
    coverage_ends_on: date | None
    through: date | None

    @property
    def ends_on(self) -> date | None:
        """The last day of the dependent's coverage; None if the coverage was cancelled."""
        if self.coverage_ends_on is None or self.through is None:
            return self.coverage_ends_on
        return min(self.coverage_ends_on, self.through)


@dataclass(frozen=True, slots=True)
class DependentCoverageChange:
    """A change of the last day of a dependent's coverage by one enrollment."""

    enrollment_id: str
    starts_on: date
    previous_ends_on: date
    ends_on: date


def list_coverage_changes(spans: Sequence[DependentSpan], through: date | None) -> list[DependentCoverageChange]:
    """List how another age limit changes the coverage of a dependent."""
    changes = []
    for span in spans:
        ends_on = DependentSpan(span.enrollment_id, span.starts_on, span.coverage_ends_on, through).ends_on
        if span.ends_on is not None and ends_on is not None and span.ends_on != ends_on:
            changes.append(DependentCoverageChange(span.enrollment_id, span.starts_on, span.ends_on, ends_on))
    return changes


def check_birth_date_correction(
    spans: Sequence[DependentSpan],
    date_of_birth: date,
    through: date | None,
    today: date,
    reason: str | None,
    *,
    administrator: bool,
) -> Iterator[RuleViolation]:
    """Check that the coverage of a dependent can follow a corrected date of birth.

    No coverage may start before the birth, or after the child has aged out: such an election must be corrected first.
    Coverage that would end before this month ends retroactively. As in `check_coverage_end`, that is a rescission (29
    CFR 2590.715-2712), for administrators with a reason.
    """
    yield from check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True)
    in_force = [span for span in spans if span.coverage_ends_on is not None]
    if unborn := [span.enrollment_id for span in in_force if span.starts_on < date_of_birth]:
        message = f"Coverage of the dependent starts before this date of birth: {', '.join(unborn)}."
        yield RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("dateOfBirth",))
    if aged_out := [span.enrollment_id for span in in_force if through is not None and span.starts_on > through]:
        message = (
            "With this date of birth the child was too old when coverage started; override these elections without the"
            f" child first: {', '.join(aged_out)}."
        )
        yield RuleViolation(ErrorCode.DEPENDENT_NOT_COVERABLE, message, ("dateOfBirth",))
        return
    first_of_this_month = today.replace(day=1)
    rescinded = [
        change.enrollment_id
        for change in list_coverage_changes(spans, through)
        if change.ends_on < change.previous_ends_on and change.ends_on < first_of_this_month
    ]
    if rescinded and not administrator:
        message = (
            f"The correction would end coverage before {first_of_this_month}, which only an administrator may do:"
            f" {', '.join(rescinded)}."
        )
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, ("dateOfBirth",))
    if rescinded and not (reason and reason.strip()):
        message = f"A correction that ends coverage before {first_of_this_month} needs a reason."
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, ("reason",))
