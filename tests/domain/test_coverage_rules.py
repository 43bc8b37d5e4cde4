"""Coverage of record: keys, spans, and what elections make of the records there are."""

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
    coverages_overlap,
    merge_spans,
    reconcile_coverage,
)
from benegraph.domain.errors import RuleViolation
from benegraph.domain.values import ONE_DAY, DateSpan

JAN = date(2027, 1, 1)


def on(day: int) -> date:
    """Give a day of 2027, from 1."""
    return JAN + timedelta(days=day - 1)


def span(first: int, last: int | None) -> DateSpan:
    return DateSpan(on(first), OPEN_ENDED) if last is None else DateSpan.through(on(first), on(last))


def told(rules: list[RuleViolation]) -> list[str]:
    return [f"{rule.code} {'.'.join(rule.field or ())}" for rule in rules]


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
def test_a_key_is_as_long_as_the_carriers(key: CoverageKey, refused: list[str]) -> None:
    assert told(list(check_key(key))) == [f"INVALID_INPUT {field}" for field in refused]


@pytest.mark.parametrize(
    ("policy", "amount", "refused"),
    [("P" * 25, 0, []), (None, None, []), ("P" * 26, -1, ["annualMaxCents", "lifetimeMaxCents", "policyNumber"])],
)
def test_fields_are_within_their_bounds(policy: str | None, amount: int | None, refused: list[str]) -> None:
    fields = {"policy_number": policy, "annual_max_cents": amount, "lifetime_max_cents": amount}
    assert told(list(check_fields(fields))) == [f"INVALID_INPUT {field}" for field in refused]
    assert told(list(check_fields({}))) == []


def test_a_contract_and_a_subscriber_are_within_their_bounds() -> None:
    good = ContractKey("G" * 20, "D" * 20, JAN)
    assert told(list(check_contract(good, JAN, "P" * 25))) == []
    bad = ContractKey("G" * 21, "", JAN)
    assert told(list(check_contract(bad, JAN - ONE_DAY, "P" * 26))) == [
        "INVALID_INPUT groupId",
        "INVALID_INPUT divisionId",
        "INVALID_INPUT policyNumber",
        "DATES_OUT_OF_ORDER coverageEnd",
    ]
    assert told(list(check_subscriber("S" * 9, None, "Adams"))) == []
    assert told(list(check_subscriber("S" * 10, "", "x" * 201))) == [
        "INVALID_INPUT subscriberId",
        "INVALID_INPUT firstName",
        "INVALID_INPUT lastName",
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
def test_a_coverage_starts_within_its_contract(start: int, end: int | None, refused: list[str]) -> None:
    broken = check_span(on(start), None if end is None else on(end), (on(10), on(20)))
    assert told(list(broken)) == [f"DATES_OUT_OF_ORDER {field}" for field in refused]


def test_a_contract_without_an_end_takes_any_later_start() -> None:
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
def test_two_coverages_overlap_where_they_share_a_day(
    one: tuple[int, int | None], other: tuple[int, int | None], *, shared: bool
) -> None:
    spans = [(on(start), None if end is None else on(end)) for start, end in (one, other)]
    assert coverages_overlap(*spans[0], *spans[1]) is coverages_overlap(*spans[1], *spans[0]) is shared


def test_what_touches_is_joined() -> None:
    assert merge_spans([span(5, 9), span(1, 4), span(20, 30), span(25, 27)]) == [span(1, 9), span(20, 30)]
    assert merge_spans([span(1, 4), span(6, 9)]) == [span(1, 4), span(6, 9)]
    assert merge_spans([]) == []


#: Two contracts of one division, the older first, and a third; and one of another division.
OLD, MID, NEW, ELSEWHERE = (
    ContractKey("G", division, on(start)) for division, start in (("D1", 1), ("D1", 2), ("D1", 3), ("D2", 2))
)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ([], []),
        ([(NEW, 1, 9)], [NEW]),
        ([(OLD, 1, 9), (NEW, 10, 19)], [OLD, NEW]),
        ([(OLD, 1, 10), (NEW, 10, 19)], [OLD, OLD]),
        ([(NEW, 10, 19), (OLD, 1, 10)], [OLD, OLD]),
        # The older contract's days come last: it takes what comes before all the same.
        ([(NEW, 1, 9), (OLD, 10, 19)], [NEW, OLD]),
        ([(NEW, 1, 10), (OLD, 10, 19)], [OLD, OLD]),
        # A third that meets but one of them belongs to both; and so it goes on, till a day is free.
        ([(MID, 1, 5), (NEW, 5, 9), (OLD, 9, 12)], [OLD, OLD, OLD]),
        ([(OLD, 1, 5), (MID, 5, 9), (NEW, 9, 12)], [OLD, OLD, OLD]),
        ([(OLD, 1, 5), (MID, 5, 9), (NEW, 10, 12)], [OLD, OLD, NEW]),
        ([(OLD, 1, 4), (MID, 5, 9), (NEW, 9, 12)], [OLD, MID, MID]),
        ([(NEW, 1, 20), (MID, 2, 3), (OLD, 20, 30)], [OLD, OLD, OLD]),
        # One contract's days needn't touch.
        ([(OLD, 1, 4), (OLD, 9, 12), (NEW, 5, 8)], [OLD, OLD, NEW]),
        # Divisions lie side by side.
        ([(OLD, 1, 9), (ELSEWHERE, 1, 9)], [OLD, ELSEWHERE]),
        ([(OLD, 1, 9), (ELSEWHERE, 5, 12), (NEW, 9, 19)], [OLD, ELSEWHERE, OLD]),
        ([(OLD, 1, 9), (ELSEWHERE, 5, 12), (NEW, 10, 19)], [OLD, ELSEWHERE, NEW]),
    ],
)
def test_days_that_hang_together_are_the_oldest_contracts(
    claims: list[tuple[ContractKey, int, int]], expected: list[ContractKey]
) -> None:
    named = {str(number): ElectedCoverage(key, span(first, last)) for number, (key, first, last) in enumerate(claims)}
    wanted = {id: ElectedCoverage(key, claim.span) for (id, claim), key in zip(named.items(), expected, strict=True)}
    assert assign_contracts(named) == wanted


def linked(id: str, first: int, last: int | None) -> RecordedCoverage:
    return RecordedCoverage(id, span(first, last), is_linked=True)


def carriers(id: str, first: int, last: int | None, *, matches_contract: bool = True) -> RecordedCoverage:
    return RecordedCoverage(id, span(first, last), is_linked=False, matches_contract=matches_contract)


@pytest.mark.parametrize(
    ("elected", "records", "expected"),
    [
        ([], [], CoverageChanges((), {}, frozenset())),
        ([span(1, 9)], [], CoverageChanges(((span(1, 9), None),), {}, frozenset())),
        # Medical and dental share one.
        ([span(1, 9), span(1, 9)], [], CoverageChanges(((span(1, 9), None),), {}, frozenset())),
        ([span(1, 9)], [linked("a", 1, 9)], CoverageChanges(((span(1, 9), "a"),), {}, frozenset())),
        ([span(4, 6)], [linked("a", 1, 9)], CoverageChanges(((span(4, 6), "a"),), {}, frozenset())),
        ([], [linked("a", 1, 9)], CoverageChanges((), {}, frozenset({"a"}))),
        # What it has shares no day with what is elected now: it goes, and another comes.
        ([span(20, 29)], [linked("a", 1, 9)], CoverageChanges(((span(20, 29), None),), {}, frozenset({"a"}))),
        # A gap opens, and closes again.
        (
            [span(1, 3), span(7, 9)],
            [linked("a", 1, 9)],
            CoverageChanges(((span(1, 3), "a"), (span(7, 9), None)), {}, frozenset()),
        ),
        (
            [span(1, 9)],
            [linked("a", 1, 3), linked("b", 7, 9)],
            CoverageChanges(((span(1, 9), "a"),), {}, frozenset({"b"})),
        ),
        # What the carrier recorded itself stays up to the day the election begins.
        ([span(5, 9)], [carriers("c", 1, None)], CoverageChanges(((span(5, 9), None),), {"c": on(4)}, frozenset())),
        ([span(5, 9)], [carriers("c", 5, None)], CoverageChanges(((span(5, 9), "c"),), {}, frozenset())),
        ([span(5, 9)], [carriers("c", 7, 8)], CoverageChanges(((span(5, 9), "c"),), {}, frozenset())),
        ([span(5, 9)], [carriers("c", 10, 12)], CoverageChanges(((span(5, 9), None),), {}, frozenset())),
        ([span(5, 9)], [carriers("c", 1, 4)], CoverageChanges(((span(5, 9), None),), {}, frozenset())),
        (
            [span(5, 9)],
            [carriers("c", 6, 7, matches_contract=False)],
            CoverageChanges(((span(5, 9), None),), {}, frozenset({"c"})),
        ),
        (
            [span(5, 9)],
            [carriers("c", 6, 6), carriers("d", 8, 8), linked("a", 9, 9)],
            CoverageChanges(((span(5, 9), "a"),), {}, frozenset({"c", "d"})),
        ),
    ],
)
def test_elections_lay_out_the_records(
    elected: list[DateSpan], records: list[RecordedCoverage], expected: CoverageChanges
) -> None:
    assert reconcile_coverage(elected, records) == expected


@st.composite
def disjoint(draw: st.DrawFn) -> list[RecordedCoverage]:
    """Draw records that share no day, as the carrier keeps them."""
    records, day = [], 1
    for number in range(draw(st.integers(0, 5))):
        first = day + draw(st.integers(0, 3))
        day = first + draw(st.integers(1, 6))
        records.append(RecordedCoverage(str(number), span(first, day - 1), draw(st.booleans()), draw(st.booleans())))
    return records


spans = st.builds(lambda first, length: span(first, first + length), st.integers(1, 30), st.integers(0, 8))


@given(st.lists(spans, max_size=4), disjoint())
def test_in_the_end_each_elected_day_is_recorded_once(elected: list[DateSpan], records: list[RecordedCoverage]) -> None:
    layout = reconcile_coverage(elected, records)
    wanted = sorted({day for each in elected for day in each.days()})
    assert [day for carried, _ in layout.assigned for day in carried.days()] == wanted
    taken = [id for _, id in layout.assigned if id is not None]
    assert len(set(taken)) == len(taken)
    assert not set(taken) & layout.removed
    left: set[date] = set()
    for record in records:
        if record.id in layout.removed or record.id in taken:
            continue
        assert not record.is_linked
        last = layout.shortened.get(record.id, record.span.last)
        assert record.span.start <= last <= record.span.last
        left |= set(DateSpan.through(record.span.start, last).days())
    assert not left & set(wanted)
    by_id = {record.id: record for record in records}
    # What is moved is moved by way of days it keeps; nothing of the carrier's from before an election is lost.
    assert all(by_id[id].span.overlaps(carried) for carried, id in layout.assigned if id is not None)
    for record in records:
        if not record.is_linked and wanted and record.span.last < wanted[0]:
            assert record.id not in layout.removed | layout.shortened.keys()


claims = st.builds(ElectedCoverage, st.sampled_from([OLD, MID, NEW, ELSEWHERE]), spans)


@given(st.lists(claims, max_size=6))
def test_no_day_of_a_division_is_claimed_for_two_contracts(drawn: list[ElectedCoverage]) -> None:
    by_id = {str(number): claim for number, claim in enumerate(drawn)}
    kept = assign_contracts(by_id)
    assert kept.keys() == by_id.keys()
    for id, claim in kept.items():
        meeting = [other for other in by_id.values() if other.conflicts_with(by_id[id])]
        assert claim.span == by_id[id].span
        assert claim.contract.division_id == by_id[id].contract.division_id
        assert claim.contract <= min(other.contract for other in meeting)
        assert {other.contract for other in kept.values() if other.conflicts_with(claim)} == {claim.contract}
    if {claim.contract for claim in drawn} <= {NEW, ELSEWHERE}:
        assert kept == by_id
