"""The carrier's coverage of record: its five-part key, its fields and dates, and its reconciliation with elections."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from benegraph.domain.checks import MAX_DIVISION_ID_LENGTH, check_cents, check_text
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.values import ONE_DAY, DateSpan

MAX_SUBSCRIBER_ID_LENGTH = 9
MAX_GROUP_ID_LENGTH = 20
MAX_POLICY_NUMBER_LENGTH = 25
MAX_BATCH_SIZE = 1000
#: The end date that represents an open end. No coverage starts on this date.
OPEN_ENDED = date.max

KeyT = TypeVar("KeyT")


class BatchOutcome(StrEnum):
    """The outcome of one item of a batch upsert."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, order=True)
class ContractKey:
    """The key of a group contract: the group, its division, and the day the group's coverage starts."""

    group_id: str
    division_id: str
    coverage_start: date


@dataclass(frozen=True, slots=True, order=True)
class CoverageKey:
    """The key of a coverage of record: the subscriber, the group contract, and the day the coverage starts."""

    subscriber_id: str
    group_id: str
    division_id: str
    group_coverage_start: date
    start_date: date

    @property
    def contract(self) -> ContractKey:
        return ContractKey(self.group_id, self.division_id, self.group_coverage_start)


# ------------------------------------------------------------------------------------------------------ checks


def check_contract(key: ContractKey, coverage_end: date | None, policy_number: str | None) -> Iterator[RuleViolation]:
    yield from check_text(key.group_id, "groupId", max_length=MAX_GROUP_ID_LENGTH)
    yield from check_text(key.division_id, "divisionId", max_length=MAX_DIVISION_ID_LENGTH)
    yield from _check_policy_number(policy_number)
    if coverage_end is not None and coverage_end < key.coverage_start:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER,
            f"The contract ends on {coverage_end}, before it starts on {key.coverage_start}.",
            ("coverageEnd",),
        )


def check_subscriber(subscriber_id: str, first_name: str | None, last_name: str | None) -> Iterator[RuleViolation]:
    yield from check_text(subscriber_id, "subscriberId", max_length=MAX_SUBSCRIBER_ID_LENGTH)
    yield from check_text(first_name, "firstName")
    yield from check_text(last_name, "lastName")


def check_key(key: CoverageKey) -> Iterator[RuleViolation]:
    """Check the form of a coverage's key; not that its subscriber and contract exist."""
    yield from check_text(key.subscriber_id, "subscriberId", max_length=MAX_SUBSCRIBER_ID_LENGTH)
    yield from check_text(key.group_id, "groupId", max_length=MAX_GROUP_ID_LENGTH)
    yield from check_text(key.division_id, "divisionId", max_length=MAX_DIVISION_ID_LENGTH)
    if key.start_date >= OPEN_ENDED:
        yield RuleViolation(ErrorCode.INVALID_INPUT, f"Coverage must start before {OPEN_ENDED}.", ("startDate",))


def check_fields(changes: Mapping[str, Any]) -> Iterator[RuleViolation]:
    """Check the changed fields of a coverage. `changes` maps column names to new values."""
    yield from check_cents(changes.get("annual_max_cents"), "annualMaxCents")
    yield from check_cents(changes.get("lifetime_max_cents"), "lifetimeMaxCents")
    yield from _check_policy_number(changes.get("policy_number"))


def _check_policy_number(policy_number: str | None) -> Iterator[RuleViolation]:
    # The carrier's own text, which the gateway only stores: it may have several lines.
    yield from check_text(policy_number, "policyNumber", max_length=MAX_POLICY_NUMBER_LENGTH, multiline=True)


def check_paid_through(paid_through: date | None, end: date | None) -> Iterator[RuleViolation]:
    """Check that coverage is not paid through a day after its end. An open end accepts every day."""
    if paid_through is not None and end is not None and paid_through > end:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER,
            f"The coverage is paid through {paid_through}, after it ends on {end}.",
            ("fields", "paidThrough"),
        )


def check_span(start: date, end: date | None, contract_dates: tuple[date, date | None]) -> Iterator[RuleViolation]:
    """Check that a coverage does not end before it starts, and starts on a day of its contract."""
    if end is not None and end < start:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER,
            f"The coverage ends on {end}, before it starts on {start}.",
            ("fields", "endDate"),
        )
    first, last = contract_dates
    if start < first or (last is not None and start > last):
        period = f"on or after {first}" if last is None else f"from {first} through {last}"
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER,
            f"The coverage must start within its group contract, {period}; it starts on {start}.",
            ("key", "startDate"),
        )


def record_span(start: date, end: date | None) -> DateSpan:
    """Return the days of a coverage of record.

    `end` is inclusive. None is an open end, and so is the last possible date, which carriers write for it.
    """
    return DateSpan(start, OPEN_ENDED) if end in (None, OPEN_ENDED) else DateSpan.through(start, end)


# ---------------------------------------------------------------------------- reconciliation with elections


def merge_spans(spans: Sequence[DateSpan]) -> list[DateSpan]:
    """Merge spans that overlap or are adjacent, and return the result in order."""
    merged: list[DateSpan] = []
    for span in sorted(spans, key=lambda span: span.start):
        if merged and span.start <= merged[-1].stop:
            merged[-1] = DateSpan(merged[-1].start, max(merged[-1].stop, span.stop))
        else:
            merged.append(span)
    return merged


@dataclass(frozen=True, slots=True)
class ElectedCoverage:
    """The days that an election covers, and the group contract under which they are recorded."""

    contract: ContractKey
    span: DateSpan

    def conflicts_with(self, other: "ElectedCoverage") -> bool:
        """Return whether two coverages of one person in one group share a division and a day."""
        return self.contract.division_id == other.contract.division_id and self.span.overlaps(other.span)

    def continues(self, other: "ElectedCoverage") -> bool:
        """Return whether this coverage starts in one division on the day after another one ends in another division."""
        return self.contract.division_id != other.contract.division_id and self.span.start == other.span.stop


@dataclass(frozen=True, slots=True, order=True)
class DivisionChange:
    """A move of an employee out of a division; None if the employee had none."""

    effective_on: date
    from_division: str | None


def divide_by_division(
    span: DateSpan, changes: Sequence[DivisionChange], division: str | None
) -> list[tuple[DateSpan, str | None]]:
    """Divide a span at an employee's moves, and return each part with the employee's division on its days.

    `division` is the one from the last move on.
    """
    parts: list[tuple[DateSpan, str | None]] = []
    start = span.start
    for change in sorted(changes, key=lambda change: change.effective_on):
        if change.effective_on <= start:
            continue
        parts.append((DateSpan(start, min(change.effective_on, span.stop)), change.from_division))
        if change.effective_on >= span.stop:
            return parts
        start = change.effective_on
    return [*parts, (DateSpan(start, span.stop), division)]


def limit_to_contract(span: DateSpan, coverage_end: date | None) -> DateSpan | None:
    """Return the days of a span through the end of a contract; None if there are none."""
    if coverage_end is None or coverage_end >= span.last:
        return span
    return DateSpan.through(span.start, coverage_end) if coverage_end >= span.start else None


def assign_contracts(coverages: Mapping[KeyT, ElectedCoverage]) -> dict[KeyT, ElectedCoverage]:
    """Return the coverages by key; those that overlap in a division share one contract.

    The coverages are those of one person in one group. Only one coverage of record can exist for a division and a day.
    Plan years that share a day must be recorded under one contract, so usually nothing changes. Plan years from before
    this rule may name different contracts; then all coverages that overlap, directly or through others, get the
    contract whose coverage started first.
    """
    assigned: dict[KeyT, ElectedCoverage] = {}
    overlapping: list[KeyT] = []
    by_division_and_start = sorted(
        coverages.items(), key=lambda item: (item[1].contract.division_id, item[1].span.start)
    )
    for id, coverage in by_division_and_start:
        if not any(coverage.conflicts_with(assigned[other]) for other in overlapping):
            overlapping = []
        overlapping.append(id)
        assigned[id] = coverage
        oldest = min((assigned[other].contract for other in overlapping), key=lambda contract: contract.coverage_start)
        assigned |= {other: ElectedCoverage(oldest, coverages[other].span) for other in overlapping}
    return assigned


@dataclass(frozen=True, slots=True)
class RecordedCoverage:
    """A coverage of record as it is before reconciliation."""

    id: str
    #: The recorded days; of a coverage that no election is linked to, the days that the carrier recorded.
    span: DateSpan
    #: Whether elections already determine this coverage; otherwise the carrier recorded it.
    is_linked: bool
    #: Whether it is recorded under the contract of the elections.
    matches_contract: bool = True


@dataclass(frozen=True, slots=True)
class CoverageChanges:
    """The changes that bring one subscriber's coverage of record under one contract in line with elections."""

    #: The elected days in order, each part with the ID of the record that holds it; None if a new record is needed.
    assigned: tuple[tuple[DateSpan, str | None], ...]
    #: The new last day of each of the carrier's own records that an election cuts short.
    shortened: Mapping[str, date]
    #: The linked records that hold no elected day any more.
    removed: frozenset[str]


def reconcile_coverage(elected: Sequence[DateSpan], records: Sequence[RecordedCoverage]) -> CoverageChanges:
    """Return the changes after which coverage of record covers the elected days.

    One record holds each merged span: a linked record that overlaps it, if there is any. A record that the carrier
    entered is never removed. It keeps the days before an election begins; from that day on the election decides. One
    that starts during an election holds the elected days from its start on, and also the days before it if no linked
    record holds these.
    """
    assigned: list[tuple[DateSpan, str | None]] = []
    shortened: dict[str, date] = {}
    used: set[str] = set()
    in_order = sorted(records, key=lambda record: record.span.start)
    for span in merge_spans(elected):
        overlapping = [record for record in in_order if record.id not in used and record.span.overlaps(span)]
        own = [record for record in overlapping if not record.is_linked and record.span.start >= span.start]
        for record in overlapping:
            if not record.is_linked and record not in own:
                shortened.setdefault(record.id, span.start - ONE_DAY)
        linked = [record for record in overlapping if record.is_linked]
        parts = _divide(span, linked, own)
        assigned += parts
        used |= {id for _, id in parts if id is not None}
    removed = {record.id for record in records if record.is_linked and record.id not in used}
    shortened = {id: last for id, last in shortened.items() if id not in used}
    return CoverageChanges(tuple(assigned), shortened, frozenset(removed))


def _divide(
    span: DateSpan, linked: Sequence[RecordedCoverage], own: Sequence[RecordedCoverage]
) -> list[tuple[DateSpan, str | None]]:
    """Divide an elected span among a linked or new record and the carrier's own records that start in it, in order."""
    stops = [*(record.span.start for record in own), span.stop]
    parts: list[tuple[DateSpan, str | None]] = []
    if stops[0] > span.start:
        first = DateSpan(span.start, stops[0])
        holders = (record.id for record in linked if record.matches_contract and record.span.overlaps(first))
        holder = next(holders, None)
        if holder is None and own and own[0].matches_contract:
            parts.append((DateSpan(span.start, stops[1]), own[0].id))
            own, stops = own[1:], stops[1:]
        else:
            parts.append((first, holder))
    return parts + [
        (DateSpan(start, stop), record.id) for record, start, stop in zip(own, stops[:-1], stops[1:], strict=True)
    ]
