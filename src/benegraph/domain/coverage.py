"""Coverage of record, on the carrier's side: the five-part key, its fields, its days, and what elections make of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from benegraph.domain.checks import MAX_DIVISION_ID_LENGTH, check_cents, check_text
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.values import ONE_DAY, DateSpan

MAX_SUBSCRIBER_ID_LENGTH = 9
MAX_GROUP_ID_LENGTH = 20
MAX_POLICY_NUMBER_LENGTH = 25
MAX_BATCH_SIZE = 1000
#: No coverage reaches it: the end of one that has none.
OPEN_ENDED = date.max


class BatchOutcome(StrEnum):
    """What came of one item of a batch."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, order=True)
class ContractKey:
    """Which contract of a group: the group, its division, and when the group's coverage started."""

    group_id: str
    division_id: str
    coverage_start: date


@dataclass(frozen=True, slots=True, order=True)
class CoverageKey:
    """Which coverage of record: the subscriber, the contract, and the day it starts."""

    subscriber_id: str
    group_id: str
    division_id: str
    group_coverage_start: date
    start_date: date

    @property
    def contract(self) -> ContractKey:
        return ContractKey(self.group_id, self.division_id, self.group_coverage_start)


def check_contract(key: ContractKey, coverage_end: date | None, policy_number: str | None) -> Iterator[RuleViolation]:
    yield from check_text(key.group_id, "groupId", max_length=MAX_GROUP_ID_LENGTH)
    yield from check_text(key.division_id, "divisionId", max_length=MAX_DIVISION_ID_LENGTH)
    yield from check_text(policy_number, "policyNumber", max_length=MAX_POLICY_NUMBER_LENGTH)
    if coverage_end is not None and coverage_end < key.coverage_start:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER, "A contract ends no earlier than it starts.", ("coverageEnd",)
        )


def check_subscriber(subscriber_id: str, first_name: str | None, last_name: str | None) -> Iterator[RuleViolation]:
    yield from check_text(subscriber_id, "subscriberId", max_length=MAX_SUBSCRIBER_ID_LENGTH)
    yield from check_text(first_name, "firstName")
    yield from check_text(last_name, "lastName")


def check_key(key: CoverageKey) -> Iterator[RuleViolation]:
    """Refuse a key that can't be one; whether what it names is there is another question."""
    yield from check_text(key.subscriber_id, "subscriberId", max_length=MAX_SUBSCRIBER_ID_LENGTH)
    yield from check_text(key.group_id, "groupId", max_length=MAX_GROUP_ID_LENGTH)
    yield from check_text(key.division_id, "divisionId", max_length=MAX_DIVISION_ID_LENGTH)
    if key.start_date >= OPEN_ENDED:
        yield RuleViolation(ErrorCode.INVALID_INPUT, "No coverage starts on the last day there is.", ("startDate",))


def check_fields(changes: Mapping[str, Any]) -> Iterator[RuleViolation]:
    """Refuse amounts and texts that can't be, of fields by the names of their columns."""
    yield from check_cents(changes.get("annual_max_cents"), "annualMaxCents")
    yield from check_cents(changes.get("lifetime_max_cents"), "lifetimeMaxCents")
    yield from check_text(changes.get("policy_number"), "policyNumber", max_length=MAX_POLICY_NUMBER_LENGTH)


def check_span(start: date, end: date | None, contract: tuple[date, date | None]) -> Iterator[RuleViolation]:
    """Refuse a coverage that ends before it starts, or starts outside its contract's span."""
    if end is not None and end < start:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER, "A coverage ends no earlier than it starts.", ("fields", "endDate")
        )
    first, last = contract
    if start < first or (last is not None and start > last):
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER, "A coverage starts within its group's contract.", ("key", "startDate")
        )


def coverages_overlap(start: date, end: date | None, other_start: date, other_end: date | None) -> bool:
    """Tell whether two coverages share a day; one without an end goes on for ever."""
    return start <= (other_end or OPEN_ENDED) and other_start <= (end or OPEN_ENDED)


def merge_spans(spans: Sequence[DateSpan]) -> list[DateSpan]:
    """Join spans that touch or overlap: what is covered without a gap, in order."""
    whole: list[DateSpan] = []
    for span in sorted(spans, key=lambda span: span.start):
        if whole and span.start <= whole[-1].stop:
            whole[-1] = DateSpan(whole[-1].start, max(whole[-1].stop, span.stop))
        else:
            whole.append(span)
    return whole


@dataclass(frozen=True, slots=True)
class ElectedCoverage:
    """Days that an election covers, and the contract they are recorded under."""

    contract: ContractKey
    span: DateSpan

    def conflicts_with(self, other: "ElectedCoverage") -> bool:
        """Tell whether two of one group share a day in one division."""
        return self.contract.division_id == other.contract.division_id and self.span.overlaps(other.span)


def assign_contracts(claims: Mapping[str, ElectedCoverage]) -> dict[str, ElectedCoverage]:
    """Keep contracts of one division from claiming the same day, which only one coverage of record could hold.

    The claims are those of one person in one group. Plan years that share a day follow one contract, so there is
    nothing to do. Should two have followed different ones from before that was a rule, all days that hang together are
    the older contract's, which spans the first of them.
    """
    kept: dict[str, ElectedCoverage] = {}
    together: list[str] = []
    for id, claim in sorted(claims.items(), key=lambda each: (each[1].contract.division_id, each[1].span.start)):
        if not any(claim.conflicts_with(kept[other]) for other in together):
            together = []
        together.append(id)
        kept[id] = claim
        oldest = min((kept[other].contract for other in together), key=lambda contract: contract.coverage_start)
        kept |= {other: ElectedCoverage(oldest, claims[other].span) for other in together}
    return kept


@dataclass(frozen=True, slots=True)
class RecordedCoverage:
    """A coverage of record as the bridge sees it: the days, and whether it follows an election already."""

    id: str
    span: DateSpan
    is_linked: bool
    #: Whether it stands under the contract that the elections are recorded under.
    matches_contract: bool = True


@dataclass(frozen=True, slots=True)
class CoverageChanges:
    """What elections make of the coverages of record of one subscriber in one group and division."""

    #: Each span elected, and the record that carries it from now on; None for one that is to be made.
    assigned: tuple[tuple[DateSpan, str | None], ...]
    #: Records of the carrier's own that end before an election begins, and the last day each keeps.
    shortened: Mapping[str, date]
    removed: frozenset[str]


def reconcile_coverage(elected: Sequence[DateSpan], records: Sequence[RecordedCoverage]) -> CoverageChanges:
    """Lay out coverages of record so that they hold the elected days, whole spans without a gap, and no others.

    A record that follows elections is moved to the span it shares days with, and goes where none is left. What the
    carrier recorded itself stays up to the day an election begins; from then on the election decides.
    """
    carried: list[tuple[DateSpan, str | None]] = []
    cut: dict[str, date] = {}
    removed: set[str] = set()
    used: set[str] = set()
    in_order = sorted(records, key=lambda record: (not record.is_linked, record.span.start))
    for span in merge_spans(elected):
        taken: str | None = None
        for record in in_order:
            if record.id in used or record.id in removed or not record.span.overlaps(span):
                continue
            if taken is None and record.matches_contract and (record.is_linked or record.span.start >= span.start):
                taken = record.id
                used.add(taken)
            elif not record.is_linked and record.span.start < span.start:
                cut.setdefault(record.id, span.start - ONE_DAY)
            elif not record.is_linked:
                removed.add(record.id)
        carried.append((span, taken))
    removed |= {record.id for record in records if record.is_linked and record.id not in used}
    return CoverageChanges(tuple(carried), cut, frozenset(removed))
