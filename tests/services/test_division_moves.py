"""Moves of employees between divisions: coverage of record agrees with the elections on each day, in one division."""

from collections import Counter
from collections.abc import Coroutine
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from coverage_invariants import days_between, to_date
from racing import race, tally
from test_coverage_sync_contracts import (
    enroll_in_plan_year,
    linked_coverage_ids,
    office_with_dental_product,
    open_plan_year,
)
from test_coverage_sync_divisions import SingleDivision, division_spans

from benegraph.db.session import Database
from benegraph.domain.errors import Refused
from benegraph.services import billing
from benegraph.services.coverage import CoverageItem, delete_coverage, update_coverage
from benegraph.services.division_moves import move_employee
from factories.coverage import (
    CONTRACT_START,
    DIVISION,
    GROUP,
    SUBSCRIBER_ID,
    coverage_key,
    make_contract,
    make_coverage,
    make_subscriber,
    read_coverage,
)
from factories.office import DATES, Office, create_office, waive

JULY = date(2027, 7, 1)
WHOLE = (DIVISION, "2027-01-01", "2027-12-31")
FIRST, SECOND = (DIVISION, "2027-01-01", "2027-06-30"), ("D2", "2027-07-01", "2027-12-31")


@pytest.fixture
async def setup(database: Database) -> SingleDivision:
    """Create an office where Ada is covered in division D1 throughout 2027, and D2 has a contract too."""
    office = await create_office(database)
    await make_contract(office)
    ada = await office.hire()
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    medical = await open_plan_year(office, CONTRACT_START)
    enrollment = await enroll_in_plan_year(office, ada, medical)
    await make_contract(office, division_id="D2", policy_number="P-2")
    return SingleDivision(office, ada, medical, enrollment)


async def move(office: Office, employee: str, on: date = JULY, division: str = "D2", **options: Any) -> None:
    await office.run(move_employee, employee, division, on, **options)


async def check_agreement(office: Office) -> None:
    """Check that each elected day is recorded once, and that the records of a chain are adjacent."""
    tables = await office.read_all_rows()
    elected = sorted(
        {
            day
            for row in tables["enrollments"].values()
            if row["coverage_ends_on"] is not None
            for day in days_between(to_date(row["coverage_starts_on"]), to_date(row["coverage_ends_on"]))
        }
    )
    records = tables["subscriber_enrollments"]
    recorded = sorted(
        day for row in records.values() for day in days_between(to_date(row["start_date"]), to_date(row["end_date"]))
    )
    assert recorded == elected
    for row in records.values():
        if row["continues_id"] is not None:
            earlier = records[row["continues_id"]]
            assert (to_date(row["start_date"]) - to_date(earlier["end_date"])).days == 1
            assert row["division_id"] != earlier["division_id"]


async def test_move_ends_coverage_in_old_division_and_continues_it_in_new_one(setup: SingleDivision) -> None:
    office = setup.office
    (before,) = await read_coverage(office)
    await move(office, setup.ada, reason="A new site.")
    old, new = await read_coverage(office)
    assert await division_spans(office) == [FIRST, SECOND]
    assert old == before | {"end_date": "2027-06-30", "version": 2, "updated_at": old["updated_at"]}
    assert new["continues_id"] == old["id"]
    assert (new["policy_number"], new["paid_through"]) == ("P-2", None)
    assert (new["date_employed"], new["original_enrollment_date"]) == ("2020-01-06", "2027-01-01")
    assert await linked_coverage_ids(office, setup.enrollment) == [new["id"]]
    assert (await office.read_row("employees", setup.ada))["division_id"] == "D2"
    event = (await office.history(setup.ada))[-1]
    assert (event["action"], event["reason"]) == ("MOVED", "A new site.")
    assert (event["before"], event["after"]) == ({"division_id": None}, {"division_id": "D2"})
    assert [event["action"] for event in await office.history(old["id"])] == ["CREATED", "MOVED"]


async def test_carrier_fields_carry_over_to_new_division(setup: SingleDivision) -> None:
    office = setup.office
    (old,) = await read_coverage(office)
    key = coverage_key(date(2027, 1, 1))
    changes = {
        "original_enrollment_date": date(2019, 5, 1),
        "eligibility_date": date(2020, 2, 1),
        "date_employed": date(2020, 1, 7),
        "annual_max_cents": 1000,
        "paid_through": date(2027, 8, 31),
    }
    await office.run(update_coverage, CoverageItem(key, changes), None)
    await move(office, setup.ada)
    old, new = await read_coverage(office)
    assert (new["original_enrollment_date"], new["eligibility_date"]) == ("2019-05-01", "2020-02-01")
    assert (new["date_employed"], new["annual_max_cents"]) == ("2020-01-07", None)
    assert (old["paid_through"], new["paid_through"]) == ("2027-06-30", None)


@pytest.mark.parametrize(
    ("on", "spans"),
    [
        (date(2027, 1, 2), [(DIVISION, "2027-01-01", "2027-01-01"), ("D2", "2027-01-02", "2027-12-31")]),
        (date(2027, 12, 31), [(DIVISION, "2027-01-01", "2027-12-30"), ("D2", "2027-12-31", "2027-12-31")]),
        (date(2027, 1, 1), [("D2", "2027-01-01", "2027-12-31")]),
        (date(2028, 1, 1), [WHOLE]),
    ],
)
async def test_move_divides_coverage_at_its_day(
    setup: SingleDivision, on: date, spans: list[tuple[str, str, str]]
) -> None:
    await move(setup.office, setup.ada, on)
    assert await division_spans(setup.office) == spans
    await check_agreement(setup.office)


async def test_termination_and_reinstatement_follow_chain(setup: SingleDivision) -> None:
    """A termination before the move removes the later record, one after it ends the later one alone."""
    office, ada = setup.office, setup.ada
    await move(office, ada)
    moved = await read_coverage(office)
    for on, spans in (
        (date(2027, 3, 10), [(DIVISION, "2027-01-01", "2027-03-31")]),
        (date(2027, 6, 10), [FIRST]),
        (date(2027, 7, 10), [FIRST, ("D2", "2027-07-01", "2027-07-31")]),
    ):
        day = office.on_day(on)
        await day.terminate_employee(ada, on)
        assert await division_spans(office) == spans
        await check_agreement(office)
        await day.reinstate_employee(ada)
        restored = await read_coverage(office)
        ignored = {"version", "updated_at", "created_at"}
        assert [{name: value for name, value in row.items() if name not in ignored} for row in restored] == [
            {name: value for name, value in row.items() if name not in ignored} for row in moved
        ]
        assert await linked_coverage_ids(office, setup.enrollment) == [restored[1]["id"]]


async def test_reopened_and_repeated_election_restores_both_records(setup: SingleDivision) -> None:
    office, ada = setup.office, setup.ada
    await move(office, ada)
    ids = [row["id"] for row in await read_coverage(office)]
    await office.reopen_election(setup.enrollment)
    assert await read_coverage(office) == []
    await enroll_in_plan_year(office, ada, setup.medical)
    assert [row["id"] for row in await read_coverage(office)] == ids
    await check_agreement(office)
    await office.reopen_election(setup.enrollment)
    await office.elect(ada, waive(setup.enrollment))
    assert await read_coverage(office) == []


async def test_several_products_and_years_share_chain(setup: SingleDivision) -> None:
    office, ada = setup.office, setup.ada
    dental = await enroll_in_plan_year(
        office, ada, await open_plan_year(await office_with_dental_product(office), CONTRACT_START)
    )
    after = replace(DATES, coverage_start=date(2028, 1, 1), coverage_end=date(2028, 12, 31))
    following = await enroll_in_plan_year(office, ada, await open_plan_year(office, CONTRACT_START, after))
    await move(office, ada)
    assert await division_spans(office) == [FIRST, ("D2", "2027-07-01", "2028-12-31")]
    _, new = await read_coverage(office)
    assert await linked_coverage_ids(office, setup.enrollment, dental, following) == [new["id"]] * 3
    await office.reopen_election(setup.enrollment)
    assert await division_spans(office) == [FIRST, ("D2", "2027-07-01", "2028-12-31")]
    await office.reopen_election(dental)
    assert await division_spans(office) == [("D2", "2028-01-01", "2028-12-31")]


async def test_second_move_continues_chain_and_may_return(setup: SingleDivision) -> None:
    office, ada = setup.office, setup.ada
    await move(office, ada)
    await move(office, ada, date(2027, 10, 1), DIVISION)
    first, last, middle = await read_coverage(office)
    assert [row["division_id"] for row in (first, middle, last)] == [DIVISION, "D2", DIVISION]
    assert (middle["continues_id"], last["continues_id"]) == (first["id"], middle["id"])
    assert (middle["end_date"], last["start_date"]) == ("2027-09-30", "2027-10-01")
    await check_agreement(office)
    await office.on_day(date(2027, 6, 10)).terminate_employee(ada, date(2027, 6, 10))
    assert await division_spans(office) == [FIRST]
    await office.on_day(date(2027, 6, 10)).reinstate_employee(ada)
    assert [row["id"] for row in await read_coverage(office)] == [first["id"], last["id"], middle["id"]]
    await check_agreement(office)


async def test_each_division_is_paid_by_its_own_invoices(setup: SingleDivision) -> None:
    office = setup.office
    await move(office, setup.ada)
    for division, first, last in (
        (DIVISION, date(2027, 1, 1), date(2027, 7, 31)),
        ("D2", date(2027, 7, 1), date(2027, 8, 31)),
    ):
        invoice = await office.run(
            billing.record_invoice, billing.NewInvoice(GROUP, division, None, first, last, first, 10_000)
        )
        await office.run(billing.record_payment, invoice, 10_000, office.today)
        await office.run(billing.set_paid_through, SUBSCRIBER_ID, GROUP, division)
    old, new = await read_coverage(office)
    assert (old["paid_through"], new["paid_through"]) == ("2027-06-30", "2027-08-31")


async def test_carrier_cannot_end_or_delete_record_that_another_continues(setup: SingleDivision) -> None:
    office = setup.office
    await move(office, setup.ada)
    key = coverage_key(date(2027, 1, 1))
    assert await office.refusals(office.run(delete_coverage, key, None)) == ["LINKED_TO_ENROLLMENT key"]
    item = CoverageItem(key, {"end_date": date(2027, 5, 31)})
    assert await office.refusals(office.run(update_coverage, item, None)) == ["LINKED_TO_ENROLLMENT fields.endDate"]


@pytest.mark.parametrize(
    ("on", "refusals"),
    [
        (date(2020, 1, 6), ["DATES_OUT_OF_ORDER effectiveDate"]),  # the hire date
        (date(2020, 1, 7), []),
        (date(2028, 12, 31), []),
        (date(2029, 1, 1), ["INVALID_INPUT effectiveDate"]),
    ],
)
async def test_move_takes_effect_within_employment(setup: SingleDivision, on: date, refusals: list[str]) -> None:
    if refusals:
        assert await setup.office.refusals(move(setup.office, setup.ada, on)) == refusals
    else:
        await move(setup.office, setup.ada, on)


async def test_move_of_terminated_employee_takes_effect_before_termination(setup: SingleDivision) -> None:
    office, ada = setup.office, setup.ada
    await office.terminate_employee(ada, date(2027, 7, 10))
    for on in (date(2027, 7, 10), date(2027, 8, 1)):
        assert await office.refusals(move(office, ada, on)) == ["DATES_OUT_OF_ORDER effectiveDate"]
    await move(office, ada, date(2027, 7, 9))
    assert await division_spans(office) == [
        (DIVISION, "2027-01-01", "2027-07-08"),
        ("D2", "2027-07-09", "2027-07-31"),
    ]


async def test_later_move_takes_effect_after_last_one(setup: SingleDivision) -> None:
    office, ada = setup.office, setup.ada
    await move(office, ada)
    for on in (JULY, date(2027, 6, 30)):
        assert await office.refusals(move(office, ada, on, DIVISION)) == ["DATES_OUT_OF_ORDER effectiveDate"]
    await move(office, ada, date(2027, 7, 2), DIVISION)
    await check_agreement(office)


async def test_division_needs_contract_on_day_of_move_and_for_elected_coverage(setup: SingleDivision) -> None:
    office, ada = setup.office, setup.ada
    refused = ["NOT_FOUND divisionId"]
    assert await office.refusals(move(office, ada, division="D9")) == refused
    await make_contract(office, "G9", "D9", employer_id=None)
    assert await office.refusals(move(office, ada, division="D9")) == refused
    await make_contract(office, GROUP, "D9", date(2027, 1, 1))  # of another coverage start than the plan year's
    assert await office.refusals(move(office, ada, division="D9")) == refused
    assert await office.refusals(move(office, ada, date(2026, 12, 31), "D9")) == [*refused]
    assert await office.refusals(move(office, ada, division=DIVISION)) == ["INVALID_STATUS_TRANSITION divisionId"]
    bob = await office.hire("Bob")
    await move(office, bob, date(2027, 1, 1), "D9")  # nothing is elected


async def test_move_reports_all_violations_at_once(setup: SingleDivision) -> None:
    office = setup.office
    call = move(office, setup.ada, date(2019, 1, 1), "D9", expected_version=7)
    assert await office.refusals(call) == [
        "VERSION_CONFLICT expectedVersion",
        "DATES_OUT_OF_ORDER effectiveDate",
        "NOT_FOUND divisionId",
    ]


async def test_carriers_own_record_in_old_division_stands_in_the_way(setup: SingleDivision) -> None:
    office = setup.office
    bob = await office.hire("Bob")
    await make_subscriber(office, "S2", bob)
    key = coverage_key(date(2026, 1, 1), "S2")
    await make_coverage(office, key)
    assert await office.refusals(move(office, bob)) == ["OVERLAPPING_COVERAGE effectiveDate"]
    await office.run(update_coverage, CoverageItem(key, {"end_date": date(2027, 7, 1)}), None)
    assert await office.refusals(move(office, bob)) == ["OVERLAPPING_COVERAGE effectiveDate"]
    await office.run(update_coverage, CoverageItem(key, {"end_date": date(2027, 6, 30)}), None)
    before = await read_coverage(office)
    await move(office, bob)
    assert await read_coverage(office) == before


async def test_concurrent_moves_leave_one(setup: SingleDivision, owner_url: str) -> None:
    office, ada = setup.office, setup.ada
    await make_contract(office, division_id="D3")
    outcomes = await race(
        owner_url, "employees", ada, move(office, ada, division="D2"), move(office, ada, division="D3")
    )
    assert tally(outcomes) == {"done": 1, "DATES_OUT_OF_ORDER": 1}
    assert len(await read_coverage(office)) == 2
    await check_agreement(office)


@pytest.mark.parametrize("seed", range(6))
async def test_random_actions_keep_agreement_across_moves(setup: SingleDivision, seed: int) -> None:
    office, ada, random = setup.office, setup.ada, Random(seed)  # noqa: S311 - repeatable, not secret
    await make_contract(office, division_id="D3")
    dental = await open_plan_year(await office_with_dental_product(office), CONTRACT_START)
    done = Counter[str]()

    async def attempt(name: str, call: Coroutine[Any, Any, Any]) -> None:
        try:
            await call
        except Refused:
            return
        done[name] += 1
        await check_agreement(office)

    await attempt("elect", enroll_in_plan_year(office, ada, dental))
    for _ in range(15):
        day = date(2027, 1, 1) + timedelta(days=random.randrange(365))
        office = office.on_day(min(office.today + timedelta(days=random.randrange(2)), date(2026, 11, 30)))
        row = random.choice(await office.enrollments(ada))
        await attempt("move", move(office, ada, day, random.choice([DIVISION, "D2", "D3"])))
        await attempt("terminate", office.terminate_employee(ada, day))
        if random.random() < 0.7:
            await attempt("reinstate", office.reinstate_employee(ada))
        await attempt("reopen", office.reopen_election(row.id))
        if random.random() < 0.7:
            await attempt("elect", enroll_in_plan_year(office, ada, row.plan_year_id))
    assert min(done[name] for name in ("move", "terminate", "reinstate", "reopen", "elect")) > 0, done
