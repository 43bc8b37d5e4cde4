"""Merges of two records of one person at one employer: what stands in the way, and which dependents are the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.obstacles import describe_rows
from benegraph.domain.people import Relationship


@dataclass(frozen=True, slots=True)
class MergedRecord:
    """One of the two records, with what rests on it."""

    id: str
    hired_on: date
    terminated_on: date | None
    date_of_birth: date | None
    division_id: str | None
    subscriber_id: str | None
    has_moves: bool
    #: Whether it is a rehire or was followed by one.
    is_in_chain: bool
    #: By plan year: the enrollments that must be kept, because they were answered or follow from a life event.
    lasting_enrollments: Mapping[str, Sequence[str]]
    #: The first day of each coverage that is not cancelled, by enrollment.
    coverage_starts: Mapping[str, date]


@dataclass(frozen=True, slots=True)
class DependentIdentity:
    """The data by which two dependents of one person are the same."""

    id: str
    first_name: str
    last_name: str
    date_of_birth: date
    relationship: Relationship
    active: bool
    disabled: bool
    ssn_last_four: str | None

    def is_same(self, other: "DependentIdentity") -> bool:
        """Return whether two dependents are one: a number that only one of them has does not tell them apart."""
        numbers = {self.ssn_last_four, other.ssn_last_four} - {None}
        return self.key == other.key and len(numbers) <= 1

    @property
    def key(self) -> tuple[object, ...]:
        """The data in which two dependents must agree."""
        names = (self.first_name.casefold(), self.last_name.casefold())
        return *names, self.date_of_birth, self.relationship, self.active, self.disabled


def match_dependents(kept: Sequence[DependentIdentity], duplicates: Sequence[DependentIdentity]) -> dict[str, str]:
    """Return the kept dependent that each duplicate stands for; each kept one is matched at most once."""
    matches: dict[str, str] = {}
    for duplicate in duplicates:
        match = next((each.id for each in kept if each.id not in matches.values() and each.is_same(duplicate)), None)
        if match is not None:
            matches[duplicate.id] = match
    return matches


def check_merge(kept: MergedRecord, duplicate: MergedRecord, *, same_ssn: bool) -> Iterator[RuleViolation]:
    """Check that two records can become one, and list what stands in the way."""
    if not same_ssn:
        yield _refuse("The records have different social security numbers, so they are not one person's.")
    if None not in (kept.date_of_birth, duplicate.date_of_birth) and kept.date_of_birth != duplicate.date_of_birth:
        yield _refuse("The records have different dates of birth; correct the wrong one first.")
    if duplicate.is_in_chain:
        yield _refuse("The duplicate is a rehire or was rehired; keep that record, and merge the other one into it.")
    yield from _check_employment(kept, duplicate)
    yield from _check_enrollments(kept, duplicate)
    yield from _check_coverage_of_record(kept, duplicate)


def _check_employment(kept: MergedRecord, duplicate: MergedRecord) -> Iterator[RuleViolation]:
    if duplicate.lasting_enrollments and kept.terminated_on != duplicate.terminated_on:
        yield _refuse(
            "The employments end on different days, and enrollments of the duplicate depend on its end; terminate or"
            " reinstate one of them first."
        )
    early = [id for id, starts_on in duplicate.coverage_starts.items() if starts_on < kept.hired_on]
    if early:
        described = describe_rows(early, "coverages of the duplicate start before the kept record's hire date")
        message = f"{described}; correct that date first."
        yield RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("duplicateId",))


def _check_enrollments(kept: MergedRecord, duplicate: MergedRecord) -> Iterator[RuleViolation]:
    both = sorted(kept.lasting_enrollments.keys() & duplicate.lasting_enrollments.keys())
    ids = [id for year in both for record in (kept, duplicate) for id in record.lasting_enrollments[year]]
    if ids:
        described = describe_rows(ids, "enrollments of both records in one plan year were answered or reissued")
        message = f"{described}. A person has one answer in a plan year, so the records stay apart."
        yield RuleViolation(ErrorCode.OVERLAPPING_COVERAGE, message, ("duplicateId",))


def _check_coverage_of_record(kept: MergedRecord, duplicate: MergedRecord) -> Iterator[RuleViolation]:
    if kept.subscriber_id is not None and duplicate.subscriber_id is not None:
        message = (
            f"Both records are linked to a subscriber: {kept.subscriber_id}, {duplicate.subscriber_id}; remove one of"
            " the links first."
        )
        yield RuleViolation(ErrorCode.ALREADY_EXISTS, message, ("duplicateId",))
    if kept.has_moves and duplicate.has_moves:
        yield _refuse("Both records were moved between divisions, so it is unknown which division counts when.")
    elif (duplicate.has_moves or duplicate.subscriber_id is not None) and kept.division_id not in (
        None,
        duplicate.division_id,
    ):
        yield _refuse("The records belong to different divisions; assign both to the same division first.")


def _refuse(message: str) -> RuleViolation:
    return RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("duplicateId",))
