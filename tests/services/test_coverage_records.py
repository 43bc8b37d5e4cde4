"""The carrier's coverage of record: create, update, delete, and batches."""

import asyncio
import time
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database, Transaction
from benegraph.domain.coverage import BatchOutcome, CoverageKey
from benegraph.services.coverage import records, subscribers
from benegraph.services.coverage.records import CoverageItem, CoverageItemResult
from factories.coverage import (
    DIVISION,
    SUBSCRIBER_ID,
    coverage_key,
    make_contract,
    make_coverage,
    make_subscriber,
    read_coverage,
)
from factories.office import Office, create_office
from statement_log import record_round_trips

JAN, JUN, JUL, DEC = date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 1), date(2026, 12, 31)


@pytest.fixture
async def office(database: Database) -> Office:
    office = await create_office(database)
    await make_contract(office, coverage_end=date(2030, 12, 31))
    await make_subscriber(office)
    return office


async def upsert(office: Office, *items: CoverageItem) -> list[CoverageItemResult]:
    return await office.run(records.upsert_coverage, items)


def outcomes_of(results: Sequence[CoverageItemResult]) -> list[str]:
    """List the outcome of each item; a failed one with its rules as `CODE dotted.path`."""
    return [
        " ".join([result.outcome, *(f"{rule.code} {'.'.join(rule.field or ())}" for rule in result.violations)])
        for result in results
    ]


async def test_coverage_is_created_with_given_fields(office: Office) -> None:
    id = await make_coverage(office, coverage_key(JAN), end_date=DEC, annual_max_cents=150_000, policy_number="P-7")
    (row,) = await read_coverage(office)
    assert (row["id"], row["end_date"], row["annual_max_cents"], row["policy_number"], row["lifetime_max_cents"]) == (
        id,
        "2026-12-31",
        150_000,
        "P-7",
        None,
    )
    assert (row["version"], row["entry_user"], row["update_user"]) == (1, office.viewer.key_id, office.viewer.key_id)
    assert (row["employer_id"], row["employee_id"]) == (office.employer, None)
    assert [event["action"] for event in await office.history(id)] == ["CREATED"]


@pytest.mark.parametrize(
    ("key", "changes", "refused"),
    [
        (coverage_key(JAN), {}, "ALREADY_EXISTS key"),
        (coverage_key(JUN), {}, "OVERLAPPING_COVERAGE key.startDate"),
        (coverage_key(date(2025, 6, 1)), {}, "OVERLAPPING_COVERAGE key.startDate"),
        (coverage_key(date(2025, 6, 1)), {"end_date": JAN}, "OVERLAPPING_COVERAGE key.startDate"),
        (coverage_key(JUL), {"end_date": JUN}, "DATES_OUT_OF_ORDER fields.endDate"),
        (coverage_key(date(2019, 12, 31)), {"end_date": JUN}, "DATES_OUT_OF_ORDER key.startDate"),
        (coverage_key(date(2031, 1, 1)), {}, "DATES_OUT_OF_ORDER key.startDate"),
        (coverage_key(JUL, "S404"), {}, "NOT_FOUND key.subscriberId"),
        (coverage_key(JUL, group_id="G404"), {}, "NOT_FOUND key.groupId"),
        (coverage_key(JUL, division_id="D404"), {}, "NOT_FOUND key.groupId"),
        (coverage_key(JUL, group_coverage_start=JAN), {}, "NOT_FOUND key.groupId"),
        (coverage_key(JUL, "S23456789X"), {}, "INVALID_INPUT key.subscriberId"),
        (coverage_key(JUL, " "), {}, "INVALID_INPUT key.subscriberId"),
        (coverage_key(JUL, group_id="G" * 21), {}, "INVALID_INPUT key.groupId"),
        (coverage_key(JUL, division_id="D" * 21), {}, "INVALID_INPUT key.divisionId"),
        (coverage_key(JUL), {"policy_number": "P" * 26}, "INVALID_INPUT fields.policyNumber"),
        (coverage_key(JUL), {"annual_max_cents": -1}, "INVALID_INPUT fields.annualMaxCents"),
        (coverage_key(JUL), {"lifetime_max_cents": -1}, "INVALID_INPUT fields.lifetimeMaxCents"),
    ],
)
async def test_invalid_coverage_is_refused(
    office: Office, key: CoverageKey, changes: dict[str, Any], refused: str
) -> None:
    await make_coverage(office, coverage_key(JAN), end_date=JUN)
    assert await office.refusals(make_coverage(office, key, **changes)) == [refused]


async def test_coverage_is_paid_through_its_end_at_most(office: Office) -> None:
    refused = ["DATES_OUT_OF_ORDER fields.paidThrough"]
    key = coverage_key(JAN)
    assert await office.refusals(make_coverage(office, key, end_date=JUN, paid_through=JUL)) == refused
    await make_coverage(office, key, end_date=JUN, paid_through=JUN)
    for changes in ({"paid_through": JUL}, {"paid_through": DEC, "end_date": JUL}):
        item = CoverageItem(key, changes)
        assert await office.refusals(office.run(records.update_coverage, item, None)) == refused
        assert outcomes_of(await upsert(office, item)) == ["FAILED DATES_OUT_OF_ORDER enrollments.0.fields.paidThrough"]
    await office.run(records.update_coverage, CoverageItem(key, {"end_date": DEC, "paid_through": DEC}), None)
    await office.run(
        records.update_coverage, CoverageItem(key, {"end_date": None, "paid_through": date(2099, 1, 1)}), None
    )
    (row,) = await read_coverage(office)
    assert (row["end_date"], row["paid_through"]) == (None, "2099-01-01")


async def test_earlier_end_sets_paid_through_back(office: Office) -> None:
    key = coverage_key(JAN)
    id = await make_coverage(office, key, paid_through=DEC)
    assert outcomes_of(await upsert(office, CoverageItem(key, {"end_date": DEC}))) == ["UPDATED"]
    assert (await read_coverage(office))[0]["paid_through"] == "2026-12-31"
    assert outcomes_of(await upsert(office, CoverageItem(key, {"end_date": JUN}))) == ["UPDATED"]
    assert outcomes_of(await upsert(office, CoverageItem(key, {"end_date": JUN}))) == ["UNCHANGED"]
    (row,) = await read_coverage(office)
    assert (row["end_date"], row["paid_through"]) == ("2026-06-30", "2026-06-30")
    change = (await office.history(id))[-1]
    assert (change["before"], change["after"]) == (
        {"end_date": "2026-12-31", "paid_through": "2026-12-31"},
        {"end_date": "2026-06-30", "paid_through": "2026-06-30"},
    )


async def test_all_broken_rules_are_reported(office: Office) -> None:
    invalid = make_coverage(office, coverage_key(JAN, "S404", group_id="G404"))
    assert await office.refusals(invalid) == ["NOT_FOUND key.subscriberId", "NOT_FOUND key.groupId"]


async def test_longest_key_and_policy_number_are_accepted(office: Office) -> None:
    await make_contract(office, "G" * 20, "D" * 20)
    await make_subscriber(office, "S23456789")
    await make_coverage(office, coverage_key(JAN, "S23456789", "G" * 20, "D" * 20), policy_number="P" * 25)


async def test_adjacent_coverages_do_not_overlap(office: Office) -> None:
    await make_coverage(office, coverage_key(JAN), end_date=JUN)
    await make_coverage(office, coverage_key(JUL))
    await make_contract(office, division_id="D2")
    await make_coverage(office, coverage_key(JAN, division_id="D2"))
    assert len(await read_coverage(office)) == 3


async def test_omitted_field_stays_and_null_clears(office: Office) -> None:
    id = await make_coverage(office, coverage_key(JAN), end_date=DEC, annual_max_cents=5, policy_number="P-7")

    async def update(version: int | None = None, **changes: Any) -> dict[str, Any]:
        assert await office.run(records.update_coverage, CoverageItem(coverage_key(JAN), changes), version) == id
        return (await read_coverage(office))[0]

    row = await update(1, annual_max_cents=None, date_employed=JAN)
    assert (row["annual_max_cents"], row["date_employed"], row["policy_number"]) == (None, "2026-01-01", "P-7")
    assert (row["version"], row["end_date"]) == (2, "2026-12-31")
    assert (await update(end_date=None))["end_date"] is None
    unchanged = await update(3, end_date=None, policy_number="P-7")
    assert unchanged["version"] == 3
    assert [event["action"] for event in await office.history(id)] == ["CREATED", "UPDATED", "UPDATED"]
    stale = office.run(records.update_coverage, CoverageItem(coverage_key(JAN), {"end_date": JUN}), 1)
    assert await office.refusals(stale) == ["VERSION_CONFLICT expectedVersion"]


async def test_missing_coverage_cannot_be_updated_or_deleted(office: Office) -> None:
    await make_coverage(office, coverage_key(JAN), end_date=JUN)
    for call in (
        office.run(records.update_coverage, CoverageItem(coverage_key(JUL), {}), None),
        office.run(records.delete_coverage, coverage_key(JUL), None),
        office.run(records.delete_coverage, coverage_key(JAN, "S404"), None),
    ):
        assert await office.refusals(call) == ["NOT_FOUND key"]
    assert await office.refusals(office.run(records.delete_coverage, coverage_key(JAN), 2)) == [
        "VERSION_CONFLICT expectedVersion"
    ]
    id = await office.run(records.delete_coverage, coverage_key(JAN), 1)
    assert await read_coverage(office) == []
    events = await office.history(id)
    assert [event["action"] for event in events] == ["CREATED", "DELETED"]
    assert events[-1]["before"]["end_date"] == "2026-06-30"


async def test_batch_returns_outcome_of_each_item_and_invalid_items_fail_alone(office: Office) -> None:
    await make_coverage(office, coverage_key(JAN), end_date=JUN)
    results = await upsert(
        office,
        CoverageItem(coverage_key(JUL), {"annual_max_cents": 7}),
        CoverageItem(coverage_key(JAN), {"end_date": JUN}),
        CoverageItem(coverage_key(JAN), {"policy_number": "P-9"}),
        CoverageItem(coverage_key(JUL, "S404"), {}),
        CoverageItem(coverage_key(date(2026, 3, 1)), {}),
        CoverageItem(coverage_key(JUL), {"annual_max_cents": -1, "policy_number": "P" * 26}),
    )
    assert outcomes_of(results) == [
        "CREATED",
        "UNCHANGED",
        "UPDATED",
        "FAILED NOT_FOUND enrollments.3.key.subscriberId",
        "FAILED OVERLAPPING_COVERAGE enrollments.4.key.startDate",
        "FAILED INVALID_INPUT enrollments.5.fields.annualMaxCents INVALID_INPUT enrollments.5.fields.policyNumber",
    ]
    first, second = await read_coverage(office)
    assert (first["policy_number"], first["version"]) == ("P-9", 2)
    assert (second["annual_max_cents"], second["version"]) == (7, 1)
    assert [result.id for result in results] == [second["id"], first["id"], first["id"], None, None, None]


async def test_batch_item_sees_changes_of_earlier_items(office: Office) -> None:
    results = await upsert(
        office,
        CoverageItem(coverage_key(JAN), {"end_date": DEC}),
        CoverageItem(coverage_key(JUL), {}),
        CoverageItem(coverage_key(JAN), {"end_date": JUN}),
        CoverageItem(coverage_key(JUL), {}),
        CoverageItem(coverage_key(JAN), {"end_date": DEC}),
        CoverageItem(coverage_key(JUL), {"term_date": DEC}),
    )
    assert outcomes_of(results) == [
        "CREATED",
        "FAILED OVERLAPPING_COVERAGE enrollments.1.key.startDate",
        "UPDATED",
        "CREATED",
        "FAILED OVERLAPPING_COVERAGE enrollments.4.key.startDate",
        "UPDATED",
    ]
    assert [(row["end_date"], row["version"]) for row in await read_coverage(office)] == [("2026-06-30", 2), (None, 2)]


async def test_batch_takes_one_to_a_thousand_items(office: Office) -> None:
    item = CoverageItem(coverage_key(JAN), {})
    for items in ((), (item,) * 1001):
        assert await office.refusals(upsert(office, *items)) == ["INVALID_INPUT enrollments"]
    assert outcomes_of(await upsert(office, *(item,) * 1000)) == ["CREATED"] + ["UNCHANGED"] * 999


async def test_thousand_items_take_as_many_statements_as_ten(office: Office) -> None:
    numbers = [f"N{n}" for n in range(1010)]

    async def subscribe(tx: Transaction) -> None:
        for number in numbers:
            await subscribers.create_subscriber(tx, number, None, None, None)

    await office.run(subscribe)
    counts, seconds = [], 0.0
    for part in (numbers[:10], numbers[10:]):
        async with record_round_trips(office.database) as sent:
            started = time.monotonic()
            results = await upsert(
                office, *(CoverageItem(coverage_key(JAN, number), {"end_date": JUN}) for number in part)
            )
            seconds = time.monotonic() - started
        assert {result.outcome for result in results} == {BatchOutcome.CREATED}
        counts.append(len(sent))
    assert counts[0] == counts[1] == 8
    assert seconds < 4  # takes half a second on an idle machine
    async with record_round_trips(office.database) as sent:
        results = await upsert(
            office, *(CoverageItem(coverage_key(JAN, number), {"end_date": DEC}) for number in numbers[10:])
        )
    assert {result.outcome for result in results} == {BatchOutcome.UPDATED}
    assert len(sent) == 8


async def test_concurrent_calls_for_one_subscriber_are_serialized(office: Office) -> None:
    async def call(start: date) -> list[str]:
        return outcomes_of(await upsert(office, CoverageItem(coverage_key(start), {})))

    outcomes = await asyncio.gather(*(call(JAN + timedelta(days=day)) for day in range(6)))
    assert sorted(outcome[0].split()[0] for outcome in outcomes) == ["CREATED"] + ["FAILED"] * 5
    assert len(await read_coverage(office)) == 1
    same = await asyncio.gather(
        *(make_coverage(office, coverage_key(date(2025, 1, 1)), end_date=date(2025, 1, 31)) for _ in range(4)),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in same) == ["Refused", "Refused", "Refused", "str"]


days = st.integers(0, 5).map(lambda n: JAN + timedelta(days=n))
items = st.builds(
    lambda start, division, number, changes: CoverageItem(coverage_key(start, number, division_id=division), changes),
    days,
    st.sampled_from([DIVISION, "D2", "D404"]),
    st.sampled_from([SUBSCRIBER_ID, "S2", "S404"]),
    st.fixed_dictionaries(
        {},
        optional={
            "end_date": st.none() | days,
            "policy_number": st.sampled_from([None, "A", "B", "P" * 26]),
            "annual_max_cents": st.sampled_from([None, 0, 5, -1]),
        },
    ),
)


def test_batch_equals_its_items_applied_one_by_one(database_url: str) -> None:
    _compare_batches_with_single_items(database_url, 20)


@pytest.mark.conformance
def test_two_hundred_batches_equal_their_items_applied_one_by_one(database_url: str) -> None:
    _compare_batches_with_single_items(database_url, 200)


def _compare_batches_with_single_items(database_url: str, examples: int) -> None:
    with asyncio.Runner() as runner:
        engine = create_engine(database_url, PoolSettings(size=1, overflow=1))
        numbers = count()

        async def office_with_two_subscribers() -> Office:
            office = await create_office(Database(engine), tenant=f"batch-{next(numbers)}")
            for division in (DIVISION, "D2"):
                await make_contract(office, division_id=division)
            for number in (SUBSCRIBER_ID, "S2"):
                await make_subscriber(office, number)
            return office

        batch_office, single_office = (
            runner.run(office_with_two_subscribers()),
            runner.run(office_with_two_subscribers()),
        )

        @settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(st.lists(items, min_size=1, max_size=8))
        def compare(batch: list[CoverageItem]) -> None:
            batch_outcomes = outcomes_of(runner.run(upsert(batch_office, *batch)))
            single_outcomes = [outcomes_of(runner.run(upsert(single_office, item)))[0] for item in batch]
            assert [
                line.replace("enrollments.0", f"enrollments.{n}") for n, line in enumerate(single_outcomes)
            ] == batch_outcomes
            assert comparable_columns(runner.run(read_coverage(batch_office))) == comparable_columns(
                runner.run(read_coverage(single_office))
            )

        try:
            compare()
        finally:
            runner.run(engine.dispose())


def comparable_columns(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Remove the columns that differ between two offices with the same coverage."""
    excluded = {"id", "tenant_id", "employer_id", "created_at", "updated_at"}
    return [{name: value for name, value in row.items() if name not in excluded} for row in rows]
