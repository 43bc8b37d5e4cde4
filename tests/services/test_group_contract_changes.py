"""Changes and ends of group contracts, and changes of subscribers and of their links to employees."""

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from racing import race, tally, wait_for_waiter
from test_coverage_sync_contracts import enroll_in_plan_year, linked_coverage_ids, open_plan_year
from test_coverage_sync_divisions import division_spans
from test_division_moves import move

from benegraph.db.session import Database, Transaction
from benegraph.services.coverage import CoverageItem, create_coverage, upsert_coverage
from benegraph.services.coverage.contracts import EndedCoverage, end_group_contract, update_group_contract
from benegraph.services.coverage.subscribers import UNCHANGED, update_subscriber
from conftest import connect
from factories.coverage import (
    CONTRACT_START,
    DIVISION,
    SUBSCRIBER_ID,
    coverage_key,
    make_contract,
    make_coverage,
    make_subscriber,
    read_coverage,
)
from factories.office import DATES, Office, create_office

JUNE_30 = date(2027, 6, 30)


@pytest.fixture
async def office(database: Database) -> Office:
    return await create_office(database)


async def end(office: Office, contract: str, last_day: date = JUNE_30, **options: Any) -> list[EndedCoverage]:
    return await office.run(end_group_contract, contract, last_day, **options)


async def relink(office: Office, employee: str | None, number: str = SUBSCRIBER_ID) -> str:
    return await office.run(update_subscriber, number, {}, employee, None)


# ------------------------------------------------------------------------------------------------- group contracts


async def test_end_of_contract_ends_carriers_coverage(office: Office) -> None:
    contract = await make_contract(office)
    for number, last in (("S1", None), ("S2", JUNE_30), ("S3", date(2027, 7, 1))):
        await make_subscriber(office, number)
        await make_coverage(office, coverage_key(date(2026, 1, 1), number), end_date=last, paid_through=last)
    first, second, third = await read_coverage(office)
    ended = [EndedCoverage(first["id"], JUNE_30), EndedCoverage(third["id"], JUNE_30)]
    before = await office.read_all_rows()
    assert await office.dry_run(end_group_contract, contract, JUNE_30) == ended
    assert await office.read_all_rows() == before
    assert await end(office, contract, reason="Sold.") == ended
    rows = await read_coverage(office)
    assert [row["end_date"] for row in rows] == ["2027-06-30"] * 3
    assert [row["paid_through"] for row in rows] == [None, "2027-06-30", "2027-06-30"]
    assert rows[1] == second
    assert (await office.read_row("group_contracts", contract))["coverage_end"] == "2027-06-30"
    event = (await office.history(contract))[-1]
    assert (event["action"], event["reason"], event["after"]) == ("ENDED", "Sold.", {"coverage_end": "2027-06-30"})


async def test_no_coverage_starts_after_end_of_contract(office: Office) -> None:
    contract = await make_contract(office)
    await make_subscriber(office)
    await end(office, contract)
    item = CoverageItem(coverage_key(date(2027, 7, 1)), {})
    assert await office.refusals(office.run(create_coverage, item)) == ["DATES_OUT_OF_ORDER key.startDate"]
    await make_coverage(office, coverage_key(JUNE_30))


async def test_elected_coverage_past_last_day_stands_in_the_way(office: Office) -> None:
    contract = await make_contract(office)
    ada = await office.hire()
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    await enroll_in_plan_year(office, ada, await open_plan_year(office, CONTRACT_START))
    assert await office.refusals(end(office, contract, date(2027, 12, 30))) == ["LINKED_TO_ENROLLMENT lastDay"]
    await make_contract(office, division_id="D2")
    await move(office, ada)
    assert await office.refusals(end(office, contract, date(2027, 6, 29))) == ["LINKED_TO_ENROLLMENT lastDay"]
    assert await end(office, contract) == []
    assert await division_spans(office) == [
        (DIVISION, "2027-01-01", "2027-06-30"),
        ("D2", "2027-07-01", "2027-12-31"),
    ]


async def test_employees_without_next_contract_stand_in_the_way(office: Office) -> None:
    contract = await make_contract(office)
    ada = await office.hire()
    await office.update_employee(ada, division_id=DIVISION)
    assert await office.refusals(end(office, contract)) == ["INVALID_STATUS_TRANSITION groupContractId"]
    await office.terminate_employee(ada, date(2027, 7, 2))
    assert await office.refusals(end(office, contract)) == ["INVALID_STATUS_TRANSITION groupContractId"]
    await office.reinstate_employee(ada)
    await office.terminate_employee(ada, date(2027, 7, 1))
    await office.dry_run(end_group_contract, contract, JUNE_30)
    await office.reinstate_employee(ada)
    await make_contract(office, coverage_start=date(2027, 7, 2))
    assert await office.refusals(end(office, contract)) == ["INVALID_STATUS_TRANSITION groupContractId"]
    assert await end(office, contract, date(2027, 7, 1)) == []


async def test_last_day_is_within_contract_and_before_its_end(office: Office) -> None:
    contract = await make_contract(office, coverage_end=date(2027, 12, 31))
    assert await office.refusals(end(office, contract, date(2019, 12, 31))) == ["DATES_OUT_OF_ORDER lastDay"]
    for last_day in (date(2027, 12, 31), date(2028, 1, 1)):
        assert await office.refusals(end(office, contract, last_day)) == ["INVALID_STATUS_TRANSITION lastDay"]
    assert await office.refusals(end(office, contract, expected_version=2)) == ["VERSION_CONFLICT expectedVersion"]
    await end(office, contract, date(2027, 12, 30), expected_version=1)
    await end(office, contract, CONTRACT_START)


async def test_last_day_is_before_the_open_end(office: Office) -> None:
    contract = await make_contract(office)
    assert await office.refusals(end(office, contract, date.max)) == ["INVALID_INPUT lastDay"]
    await end(office, contract, date(9999, 12, 30))


async def test_coverage_that_starts_later_stands_in_the_way(office: Office) -> None:
    contract = await make_contract(office)
    await make_subscriber(office)
    await make_coverage(office, coverage_key(date(2027, 7, 1)))
    assert await office.refusals(end(office, contract)) == ["DATES_OUT_OF_ORDER lastDay"]
    await end(office, contract, date(2027, 7, 1))


async def test_later_end_of_contract_records_the_days_gained(office: Office) -> None:
    """An election made after the contract ended is recorded through its end, and whole once the end is later."""
    contract = await make_contract(office)
    ada = await office.hire()
    medical = await open_plan_year(office, CONTRACT_START)
    await end(office, contract)
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    await enroll_in_plan_year(office, ada, medical)
    assert await division_spans(office) == [(DIVISION, "2027-01-01", "2027-06-30")]
    refused = office.run(update_group_contract, contract, {"coverage_end": date(2027, 6, 29)}, None)
    assert await office.refusals(refused) == ["DATES_OUT_OF_ORDER coverageEnd"]
    await office.run(update_group_contract, contract, {"coverage_end": date(2027, 9, 30)}, None)
    assert await division_spans(office) == [(DIVISION, "2027-01-01", "2027-09-30")]
    await office.run(update_group_contract, contract, {"coverage_end": None}, None)
    assert await division_spans(office) == [(DIVISION, "2027-01-01", "2027-12-31")]


async def test_policy_number_changes_for_new_coverage_only(office: Office) -> None:
    contract = await make_contract(office)
    ada, bob = await office.hire(), await office.hire("Bob")
    medical = await open_plan_year(office, CONTRACT_START)
    await make_subscriber(office, "S1", ada)
    await make_subscriber(office, "S2", bob)
    await enroll_in_plan_year(office, ada, medical)
    await office.run(update_group_contract, contract, {"policy_number": "P-9"}, 1)
    await enroll_in_plan_year(office, bob, medical)
    assert [row["policy_number"] for row in await read_coverage(office)] == ["P-1", "P-9"]
    stale = office.run(update_group_contract, contract, {"policy_number": "P" * 26}, 1)
    assert await office.refusals(stale) == ["VERSION_CONFLICT expectedVersion", "INVALID_INPUT policyNumber"]


async def test_division_whose_contract_ended_does_not_hinder_next_plan_year(office: Office) -> None:
    contract = await make_contract(office)
    await make_contract(office, division_id="D2")
    await end(office, contract, date(2026, 12, 31))
    plan_year = await office.draft_plan_year()
    await office.update_plan_year(plan_year, group_id="G100", group_coverage_start=CONTRACT_START)
    await office.run(update_group_contract, contract, {"coverage_end": date(2027, 1, 1)}, None)
    another = replace(DATES, coverage_start=date(2029, 1, 1), coverage_end=date(2029, 12, 31))
    await open_plan_year(office, CONTRACT_START, another)


# ----------------------------------------------------------------------------------------------------- subscribers


async def test_names_of_subscriber_change(office: Office) -> None:
    id = await make_subscriber(office)
    await office.run(update_subscriber, SUBSCRIBER_ID, {"last_name": "Baker", "first_name": None}, UNCHANGED, 1)
    row = await office.read_row("subscribers", id)
    assert (row["first_name"], row["last_name"], row["version"]) == (None, "Baker", 2)
    event = (await office.history(id))[-1]
    assert (event["action"], event["withheld_columns"]) == ("UPDATED", ["first_name", "last_name"])
    stale = office.run(update_subscriber, SUBSCRIBER_ID, {"last_name": ""}, UNCHANGED, 1)
    assert await office.refusals(stale) == ["INVALID_INPUT lastName"]
    stale = office.run(update_subscriber, SUBSCRIBER_ID, {"last_name": "C"}, UNCHANGED, 1)
    assert await office.refusals(stale) == ["VERSION_CONFLICT expectedVersion"]


async def test_subscriber_moves_to_another_employee_with_carriers_coverage(office: Office) -> None:
    await make_contract(office)
    ada, twin = await office.hire(), await office.hire()
    id = await make_subscriber(office, SUBSCRIBER_ID, ada)
    await make_coverage(office, coverage_key(date(2026, 1, 1)), end_date=date(2026, 12, 31))
    enrollment = await enroll_in_plan_year(office, twin, await open_plan_year(office, CONTRACT_START))
    assert await relink(office, twin) == id
    rows = await read_coverage(office)
    assert [(row["employee_id"], row["start_date"]) for row in rows] == [(twin, "2026-01-01"), (twin, "2027-01-01")]
    assert await linked_coverage_ids(office, enrollment) == [rows[1]["id"]]
    assert [event["action"] for event in await office.history(id)] == ["CREATED", "UNLINKED", "LINKED"]
    refused = ["LINKED_TO_ENROLLMENT employeeId"]
    for employee in (ada, None):
        assert await office.refusals(relink(office, employee)) == refused
    await office.reopen_election(enrollment)
    await relink(office, None)
    assert [row["employee_id"] for row in await read_coverage(office)] == [None]
    await relink(office, ada)


async def test_employee_has_one_subscriber(office: Office) -> None:
    ada = await office.hire()
    await make_subscriber(office, "S1", ada)
    await make_subscriber(office, "S2")
    assert await office.refusals(relink(office, ada, "S2")) == ["ALREADY_EXISTS employeeId"]
    await relink(office, ada, "S1")  # changes nothing
    missing = "empl_01j659cve0e0080m4xhppefpah"
    assert await office.refusals(relink(office, missing, "S2")) == ["NOT_FOUND employeeId"]
    assert await office.refusals(relink(office, ada, "S9")) == ["NOT_FOUND subscriberId"]


@pytest.mark.parametrize("ends_first", [False, True])
async def test_carriers_batch_beside_end_of_contract_needs_no_retry(
    database: Database, owner_url: str, ends_first: bool
) -> None:
    """Both lock the contract before the subscriber, so neither waits for the other in a circle."""
    retries: list[str] = []
    office = await create_office(replace(database, on_retry=retries.append))
    contract = await make_contract(office)
    subscriber = await make_subscriber(office)
    key = coverage_key(date(2026, 1, 1))
    await make_coverage(office, key)
    item = CoverageItem(key, {"annual_max_cents": 1000})
    runners = [office.run(upsert_coverage, [item]), end(office, contract)]
    if ends_first:
        runners.reverse()
    outcomes = await race(owner_url, "subscribers", subscriber, *runners)
    assert tally(outcomes) == {"done": 2}
    assert retries == []
    (row,) = await read_coverage(office)
    assert (row["end_date"], row["annual_max_cents"], row["version"]) == ("2027-06-30", 1000, 3)


@pytest.mark.parametrize("ends_first", [False, True])
async def test_no_coverage_starts_after_its_contract_that_ends_meanwhile(
    database: Database, owner_url: str, ends_first: bool
) -> None:
    """Coverage that starts after the contract's last day comes before the end, which is then refused, or not at all."""
    office = await create_office(database)
    contract = await make_contract(office)
    await make_subscriber(office)
    runners: list[Any] = [make_coverage(office, coverage_key(date(2027, 7, 1)))]
    runners.insert(0 if ends_first else 1, end(office, contract))
    outcomes = await race(owner_url, "group_contracts", contract, *runners)
    assert tally(outcomes) == {"done": 1, "DATES_OUT_OF_ORDER": 1}
    has_ended = (await office.read_row("group_contracts", contract))["coverage_end"] is not None
    assert len(await read_coverage(office)) == (0 if has_ended else 1)


async def test_election_made_while_contract_ends_is_recorded_through_its_end(
    database: Database, owner_url: str
) -> None:
    office = await create_office(database)
    contract = await make_contract(office)
    ada = await office.hire()
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    plan_year = await open_plan_year(office, CONTRACT_START)
    has_ended, may_commit = asyncio.Event(), asyncio.Event()

    async def end_and_wait(tx: Transaction) -> None:
        await end_group_contract(tx, contract, JUNE_30)
        has_ended.set()
        await may_commit.wait()

    ending = asyncio.create_task(office.run(end_and_wait))
    await has_ended.wait()
    electing = asyncio.create_task(enroll_in_plan_year(office, ada, plan_year))
    bystander = await connect(owner_url)
    try:
        await wait_for_waiter(bystander)
    finally:
        may_commit.set()
        await bystander.close()
    await asyncio.gather(ending, electing)
    (row,) = await read_coverage(office)
    assert (row["start_date"], row["end_date"]) == ("2027-01-01", "2027-06-30")
