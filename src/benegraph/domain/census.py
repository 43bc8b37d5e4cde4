"""A census: the people of an employer as its own system lists them. Outcomes of its items, and their effects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from benegraph.domain.checks import remove_accents
from benegraph.domain.errors import ErrorCode, RuleViolation

MAX_CENSUS_ITEMS = 1000
MAX_DEPENDENTS_OF_ITEM = 30
#: The input fields that a new employee needs, by column.
REQUIRED_OF_HIRE = {
    "first_name": "firstName",
    "last_name": "lastName",
    "employment_class": "employmentClass",
    "hired_on": "startDate",
}
#: The input fields that a new dependent needs besides its first name and date of birth, by column.
REQUIRED_OF_DEPENDENT = {"last_name": "lastName", "relationship": "relationship"}
_NEVER_NULL = REQUIRED_OF_HIRE | REQUIRED_OF_DEPENDENT | {"disabled": "disabled", "active": "active"}


class CensusOutcome(StrEnum):
    """The outcome of one person of a census. Of several changes, the one that counts most is named."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    MOVED = "MOVED"
    TERMINATED = "TERMINATED"
    REINSTATED = "REINSTATED"
    REHIRED = "REHIRED"
    UNCHANGED = "UNCHANGED"
    REFUSED = "REFUSED"


class EnrollmentEffectKind(StrEnum):
    """The kind of an item's effect on an enrollment."""

    ISSUED = "ISSUED"
    MOVED = "MOVED"
    CLOSED = "CLOSED"
    REOPENED = "REOPENED"
    COVERAGE_ENDED = "COVERAGE_ENDED"
    COVERAGE_RESTORED = "COVERAGE_RESTORED"


@dataclass(frozen=True, slots=True)
class EnrollmentEffect:
    """An item's effect on one enrollment, with its dates afterwards.

    `coverage_ends_on` is the last day of coverage, inclusive; None without coverage, and of cancelled coverage.
    """

    kind: EnrollmentEffectKind
    enrollment_id: str
    plan_year_id: str
    effective_on: date
    coverage_ends_on: date | None


def list_effects(before: Sequence[Any], after: Sequence[Any]) -> Iterator[EnrollmentEffect]:
    """List the differences between an employee's enrollments before an item and after it, rows of the database."""
    before_by_id = {row.id: row for row in before}
    for row in after:
        earlier = before_by_id.get(row.id)
        kind = EnrollmentEffectKind.ISSUED if earlier is None else _effect_kind(earlier, row)
        if kind is not None:
            yield EnrollmentEffect(kind, row.id, row.plan_year_id, row.effective_on, row.coverage_ends_on)


def _effect_kind(before: Any, after: Any) -> EnrollmentEffectKind | None:
    if before.coverage_ends_on != after.coverage_ends_on:
        is_longer = (after.coverage_ends_on or date.min) > (before.coverage_ends_on or date.min)
        return EnrollmentEffectKind.COVERAGE_RESTORED if is_longer else EnrollmentEffectKind.COVERAGE_ENDED
    if (before.closed_on is None) is not (after.closed_on is None):
        return EnrollmentEffectKind.REOPENED if after.closed_on is None else EnrollmentEffectKind.CLOSED
    dates = ("closed_on", "effective_on", "window_closes_on")
    if any(getattr(before, name) != getattr(after, name) for name in dates):
        return EnrollmentEffectKind.MOVED
    return None


def check_required(values: Mapping[str, Any], required: Mapping[str, str]) -> Iterator[RuleViolation]:
    """Check that a new person has the values that it needs; `required` maps columns to input fields."""
    for column, field in required.items():
        if column not in values:
            message = "A value is required, because this person is not recorded yet."
            yield RuleViolation(ErrorCode.INVALID_INPUT, message, (field,))


def check_never_null(values: Mapping[str, Any]) -> Iterator[RuleViolation]:
    """Check that no value of a column that is never null is null."""
    for column, value in values.items():
        if value is None and column in _NEVER_NULL:
            message = "The value cannot be null; omit the field to keep it."
            yield RuleViolation(ErrorCode.INVALID_INPUT, message, (_NEVER_NULL[column],))


def dependent_key(first_name: str, date_of_birth: date) -> tuple[str, date]:
    """Return the key by which a dependent is matched within one employee, ignoring case, accents and spacing."""
    return " ".join(remove_accents(first_name).casefold().split()), date_of_birth
