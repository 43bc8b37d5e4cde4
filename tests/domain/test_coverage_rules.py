"""Coverage of record: keys, spans, and the reconciliation of records with elections."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.coverage import (
    OPEN_ENDED,
    ContractKey,
    CoverageChanges,
    CoverageKey,
    ElectedCoverage,
    RecordedCoverage,
    assign_contracts,
    check_contract,
    check_fields,
    check_key,
    check_span,
    check_subscriber,
    merge_spans,
    reconcile_coverage,
    record_span,
)
from benegraph.domain.errors import ErrorCode
from benegraph.domain.values import ONE_DAY, DateSpan
from violations import codes_and_fields

JAN = date(2027, 1, 1)


def day_of_2027(day: int) -> date:
    """Return the n-th day of 2027."""
    return JAN + timedelta(days=day - 1)


def span(first: int, last: int | None) -> DateSpan:
    return (
        DateSpan(day_of_2027(first), OPEN_ENDED)
        if last is None
        else DateSpan.through(day_of_2027(first), day_of_2027(last))
    )


@pytest.mark.parametrize(
    ("key", "refused"),
    [
        (CoverageKey("S", "G", "D", JAN, JAN), []),
        (CoverageKey("S" * 9, "G" * 20, "D" * 20, JAN, JAN), []),
        (CoverageKey("S" * 10, "G" * 21, "D" * 21, JAN, JAN), ["subscriberId", "groupId", "divisionId"]),
        (CoverageKey("", " ", "\t", JAN, JAN), ["subscriberId", "groupId", "divisionId"]),
        (CoverageKey("S\0", "G", "D", JAN, JAN), ["subscriberId"]),
    ],
)
def test_key_fields_are_checked(key: CoverageKey, refused: list[str]) -> None:
    assert codes_and_fields(check_key(key)) == [(ErrorCode.INVALID_INPUT, field) for field in refused]


@pytest.mark.parametrize(
    ("policy", "amount", "refused"),
    [("P" * 25, 0, []), (None, None, []), ("P" * 26, -1, ["annualMaxCents", "lifetimeMaxCents", "policyNumber"])],
)
def test_field_limits_are_checked(policy: str | None, amount: int | None, refused: list[str]) -> None:
    fields = {"policy_number": policy, "annual_max_cents": amount, "lifetime_max_cents": amount}
    assert codes_and_fields(check_fields(fields)) == [(ErrorCode.INVALID_INPUT, field) for field in refused]
    assert codes_and_fields(check_fields({})) == []


def test_contract_and_subscriber_limits_are_checked() -> None:
    valid = ContractKey("G" * 20, "D" * 20, JAN)
    assert codes_and_fields(check_contract(valid, JAN, "P" * 25)) == []
    invalid = ContractKey("G" * 21, "", JAN)
    assert codes_and_fields(check_contract(invalid, JAN - ONE_DAY, "P" * 26)) == [
        (ErrorCode.INVALID_INPUT, "groupId"),
        (ErrorCode.INVALID_INPUT, "divisionId"),
        (ErrorCode.INVALID_INPUT, "policyNumber"),
        (ErrorCode.DATES_OUT_OF_ORDER, "coverageEnd"),
    ]
    assert codes_and_fields(check_subscriber("S" * 9, None, "Adams")) == []
    assert codes_and_fields(check_subscriber("S" * 10, "", "x" * 201)) == [
        (ErrorCode.INVALID_INPUT, "subscriberId"),
        (ErrorCode.INVALID_INPUT, "firstName"),
        (ErrorCode.INVALID_INPUT, "lastName"),
    ]


@pytest.mark.parametrize(
    ("start", "end", "refused"),
    [
        (10, None, []),
        (10, 10, []),
        (20, 500, []),
        (10, 9, ["fields.endDate"]),
        (9, None, ["key.startDate"]),
        (20, None, []),
        (21, None, ["key.startDate"]),
        (21, 20, ["fields.endDate", "key.startDate"]),
    ],
)
def test_coverage_must_start_within_its_contract(start: int, end: int | None, refused: list[str]) -> None:
    violations = check_span(
        day_of_2027(start), None if end is None else day_of_2027(end), (day_of_2027(10), day_of_2027(20))
    )
    assert codes_and_fields(violations) == [(ErrorCode.DATES_OUT_OF_ORDER, field) for field in refused]


def test_open_ended_contract_accepts_any_later_start() -> None:
    assert list(check_span(date(2099, 1, 1), None, (JAN, None))) == []


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ((1, 5), (5, 9), True),
        ((1, 4), (5, 9), False),
        ((1, None), (5, 9), True),
        ((10, None), (5, 9), False),
        ((1, None), (400, None), True),
        ((3, 3), (1, 9), True),
    ],
)
def test_coverages_overlap_if_they_share_a_day(
    one: tuple[int, int | None], other: tuple[int, int | None], *, shared: bool
) -> None:
    first, second = (
        record_span(day_of_2027(start), None if end is None else day_of_2027(end)) for start, end in (one, other)
    )
    assert first.overlaps(second) is second.overlaps(first) is shared


def test_last_possible_end_date_is_an_open_end() -> None:
    assert record_span(JAN, OPEN_ENDED) == record_span(JAN, None) == DateSpan(JAN, OPEN_ENDED)
    assert record_span(JAN, OPEN_ENDED - ONE_DAY) == DateSpan(JAN, OPEN_ENDED)


def test_adjacent_spans_are_merged() -> None:
    assert merge_spans([span(5, 9), span(1, 4), span(20, 30), span(25, 27)]) == [span(1, 9), span(20, 30)]
    assert merge_spans([span(1, 4), span(6, 9)]) == [span(1, 4), span(6, 9)]
    assert merge_spans([]) == []


#: Three contracts of one division, the oldest first, and a contract of another division.
OLD, MID, NEW, OTHER_DIVISION = (
    ContractKey("G", division, day_of_2027(start)) for division, start in (("D1", 1), ("D1", 2), ("D1", 3), ("D2", 2))
)


@pytest.mark.parametrize(
    ("coverages", "expected"),
    [
        ([], []),
        ([(NEW, 1, 9)], [NEW]),
        ([(OLD, 1, 9), (NEW, 10, 19)], [OLD, NEW]),
        ([(OLD, 1, 10), (NEW, 10, 19)], [OLD, OLD]),
        ([(NEW, 10, 19), (OLD, 1, 10)], [OLD, OLD]),
        # The oldest contract may start last.
        ([(NEW, 1, 9), (OLD, 10, 19)], [NEW, OLD]),
        ([(NEW, 1, 10), (OLD, 10, 19)], [OLD, OLD]),
        # Overlaps are transitive, up to the first day without coverage.
        ([(MID, 1, 5), (NEW, 5, 9), (OLD, 9, 12)], [OLD, OLD, OLD]),
        ([(OLD, 1, 5), (MID, 5, 9), (NEW, 9, 12)], [OLD, OLD, OLD]),
        ([(OLD, 1, 5), (MID, 5, 9), (NEW, 10, 12)], [OLD, OLD, NEW]),
        ([(OLD, 1, 4), (MID, 5, 9), (NEW, 9, 12)], [OLD, MID, MID]),
        ([(NEW, 1, 20), (MID, 2, 3), (OLD, 20, 30)], [OLD, OLD, OLD]),
        # The days of one contract need not be adjacent.
        ([(OLD, 1, 4), (OLD, 9, 12), (NEW, 5, 8)], [OLD, OLD, NEW]),
        # Coverages of different divisions do not conflict.
        ([(OLD, 1, 9), (OTHER_DIVISION, 1, 9)], [OLD, OTHER_DIVISION]),
        ([(OLD, 1, 9), (OTHER_DIVISION, 5, 12), (NEW, 9, 19)], [OLD, OTHER_DIVISION, OLD]),
        ([(OLD, 1, 9), (OTHER_DIVISION, 5, 12), (NEW, 10, 19)], [OLD, OTHER_DIVISION, NEW]),
    ],
)
def test_overlapping_coverages_get_the_oldest_contract(
    coverages: list[tuple[ContractKey, int, int]], expected: list[ContractKey]
) -> None:
    by_id = {
        str(number): ElectedCoverage(key, span(first, last)) for number, (key, first, last) in enumerate(coverages)
    }
    assigned = {
        id: ElectedCoverage(key, coverage.span) for (id, coverage), key in zip(by_id.items(), expected, strict=True)
    }
    assert assign_contracts(by_id) == assigned


def linked_record(id: str, first: int, last: int | None) -> RecordedCoverage:
    return RecordedCoverage(id, span(first, last), is_linked=True)


def carrier_record(id: str, first: int, last: int | None, *, matches_contract: bool = True) -> RecordedCoverage:
    return RecordedCoverage(id, span(first, last), is_linked=False, matches_contract=matches_contract)


@pytest.mark.parametrize(
    ("elected", "records", "expected"),
    [
        ([], [], CoverageChanges((), {}, frozenset())),
        ([span(1, 9)], [], CoverageChanges(((span(1, 9), None),), {}, frozenset())),
        # Medical and dental coverage share one record.
        ([span(1, 9), span(1, 9)], [], CoverageChanges(((span(1, 9), None),), {}, frozenset())),
        ([span(1, 9)], [linked_record("a", 1, 9)], CoverageChanges(((span(1, 9), "a"),), {}, frozenset())),
        ([span(4, 6)], [linked_record("a", 1, 9)], CoverageChanges(((span(4, 6), "a"),), {}, frozenset())),
        ([], [linked_record("a", 1, 9)], CoverageChanges((), {}, frozenset({"a"}))),
        # A record without a day in common with the elected span is replaced.
        ([span(20, 29)], [linked_record("a", 1, 9)], CoverageChanges(((span(20, 29), None),), {}, frozenset({"a"}))),
        # A gap opens, and closes again.
        (
            [span(1, 3), span(7, 9)],
            [linked_record("a", 1, 9)],
            CoverageChanges(((span(1, 3), "a"), (span(7, 9), None)), {}, frozenset()),
        ),
        (
            [span(1, 9)],
            [linked_record("a", 1, 3), linked_record("b", 7, 9)],
            CoverageChanges(((span(1, 9), "a"),), {}, frozenset({"b"})),
        ),
        # The carrier's own record keeps the days before the election begins.
        (
            [span(5, 9)],
            [carrier_record("c", 1, None)],
            CoverageChanges(((span(5, 9), None),), {"c": day_of_2027(4)}, frozenset()),
        ),
        ([span(5, 9)], [carrier_record("c", 5, None)], CoverageChanges(((span(5, 9), "c"),), {}, frozenset())),
        ([span(5, 9)], [carrier_record("c", 7, 8)], CoverageChanges(((span(5, 9), "c"),), {}, frozenset())),
        ([span(5, 9)], [carrier_record("c", 10, 12)], CoverageChanges(((span(5, 9), None),), {}, frozenset())),
        ([span(5, 9)], [carrier_record("c", 1, 4)], CoverageChanges(((span(5, 9), None),), {}, frozenset())),
        (
            [span(5, 9)],
            [carrier_record("c", 6, 7, matches_contract=False)],
            CoverageChanges(((span(5, 5), None), (span(6, 9), "c")), {}, frozenset()),
        ),
        (
            [span(5, 9)],
            [carrier_record("c", 6, 6), carrier_record("d", 8, 8), linked_record("a", 9, 9)],
            CoverageChanges(((span(5, 7), "c"), (span(8, 9), "d")), {}, frozenset({"a"})),
        ),
        # Records of the carrier's own hold the elected days from their start on; a linked one holds the days before.
        (
            [span(1, 9)],
            [linked_record("a", 1, 4), carrier_record("c", 5, None)],
            CoverageChanges(((span(1, 4), "a"), (span(5, 9), "c")), {}, frozenset()),
        ),
        (
            [span(1, 9)],
            [linked_record("a", 3, 4), carrier_record("c", 5, 6), carrier_record("d", 8, 8, matches_contract=False)],
            CoverageChanges(((span(1, 4), "a"), (span(5, 7), "c"), (span(8, 9), "d")), {}, frozenset()),
        ),
        (
            [span(5, 9)],
            [carrier_record("c", 5, 6, matches_contract=False)],
            CoverageChanges(((span(5, 9), "c"),), {}, frozenset()),
        ),
    ],
)
def test_records_are_reconciled_with_elected_spans(
    elected: list[DateSpan], records: list[RecordedCoverage], expected: CoverageChanges
) -> None:
    assert reconcile_coverage(elected, records) == expected


@st.composite
def disjoint_records(draw: st.DrawFn) -> list[RecordedCoverage]:
    """Draw records that share no day."""
    records, day = [], 1
    for number in range(draw(st.integers(0, 5))):
        first = day + draw(st.integers(0, 3))
        day = first + draw(st.integers(1, 6))
        records.append(RecordedCoverage(str(number), span(first, day - 1), draw(st.booleans()), draw(st.booleans())))
    return records


SPANS = st.builds(lambda first, length: span(first, first + length), st.integers(1, 30), st.integers(0, 8))


@given(st.lists(SPANS, max_size=4), disjoint_records())
def test_each_elected_day_is_recorded_once_after_reconciliation(
    elected: list[DateSpan], records: list[RecordedCoverage]
) -> None:
    changes = reconcile_coverage(elected, records)
    elected_days = sorted({day for elected_span in elected for day in elected_span.days()})
    assert [day for assigned, _ in changes.assigned for day in assigned.days()] == elected_days
    used = [id for _, id in changes.assigned if id is not None]
    assert len(set(used)) == len(used)
    assert not set(used) & changes.removed
    assert changes.removed <= {record.id for record in records if record.is_linked}
    remaining: set[date] = set()
    for record in records:
        if record.id in changes.removed or record.id in used:
            continue
        assert not record.is_linked
        last = changes.shortened.get(record.id, record.span.last)
        assert record.span.start <= last <= record.span.last
        remaining |= set(DateSpan.through(record.span.start, last).days())
    assert not remaining & set(elected_days)
    by_id = {record.id: record for record in records}
    # A moved record keeps a day. The carrier's own records that end before every election are unchanged.
    assert all(by_id[id].span.overlaps(assigned) for assigned, id in changes.assigned if id is not None)
    for record in records:
        if not record.is_linked and elected_days and record.span.last < elected_days[0]:
            assert record.id not in changes.removed | changes.shortened.keys()


COVERAGES = st.builds(ElectedCoverage, st.sampled_from([OLD, MID, NEW, OTHER_DIVISION]), SPANS)


@given(st.lists(COVERAGES, max_size=6))
def test_each_day_of_a_division_has_one_contract(drawn: list[ElectedCoverage]) -> None:
    by_id = {str(number): coverage for number, coverage in enumerate(drawn)}
    assigned = assign_contracts(by_id)
    assert assigned.keys() == by_id.keys()
    for id, coverage in assigned.items():
        conflicting = [other for other in by_id.values() if other.conflicts_with(by_id[id])]
        assert coverage.span == by_id[id].span
        assert coverage.contract.division_id == by_id[id].contract.division_id
        assert coverage.contract <= min(other.contract for other in conflicting)
        assert {other.contract for other in assigned.values() if other.conflicts_with(coverage)} == {coverage.contract}
    if {coverage.contract for coverage in drawn} <= {NEW, OTHER_DIVISION}:
        assert assigned == by_id
