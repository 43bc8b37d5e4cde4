"""Divisions of a group that come, or are said, after the elections: what is recorded stays in the one it is under."""

from dataclasses import dataclass, replace
from datetime import date

import pytest
from sqlalchemy import update
from test_coverage_sync_contracts import MIDDLE, Shown, dental_of, enrolled, links, opened

from benegraph.db.models import Employee
from benegraph.db.session import Database, Transaction
from factories.coverage import CONTRACT_START, DIVISION, SUBSCRIBER_ID, make_contract, make_subscriber, read_coverage
from factories.office import DATES, Office, create_office, enroll

JUNE = date(2027, 6, 10)
WHOLE, HALF = (DIVISION, "2027-01-01", "2027-12-31"), (DIVISION, "2027-01-01", "2027-06-30")


async def by_division(office: Office) -> Shown:
    """Give the division, the first and the last day of each coverage of record."""
    return [(row["division_id"], row["start_date"], row["end_date"]) for row in await read_coverage(office)]


@dataclass(frozen=True, slots=True)
class Undivided:
    """Ada, who has no division, is covered under the only contract of the group."""

    office: Office
    ada: str
    medical: str
    enrollment: str


@pytest.fixture
async def undivided(database: Database) -> Undivided:
    office = await create_office(database)
    await make_contract(office)
    ada = await office.hire()
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    medical = await opened(office, CONTRACT_START)
    return Undivided(office, ada, medical, await enrolled(office, ada, medical))


@pytest.mark.parametrize("second", ["D0", "D2"])  # before the first in order, and behind it
async def test_a_second_division_leaves_what_is_recorded_where_it_is(undivided: Undivided, second: str) -> None:
    """It used to be deleted, as nobody had said of which division Ada is."""
    office = undivided.office
    (first,) = await read_coverage(office)
    await make_contract(office, division_id=second, policy_number="P-2")
    await office.on_day(JUNE).terminate_employee(undivided.ada, JUNE)
    (ended,) = await read_coverage(office)
    changes = {"end_date": "2027-06-30", "term_date": "2027-06-10", "version": 2}
    assert ended == first | changes | {"updated_at": ended["updated_at"]}
    assert await links(office, undivided.enrollment) == [first["id"]]
    assert [event["action"] for event in await office.history(first["id"])] == ["CREATED", "MOVED"]
    await office.on_day(JUNE).reinstate_employee(undivided.ada)
    (whole,) = await read_coverage(office)
    assert whole == first | {"version": 3, "updated_at": whole["updated_at"]}


async def test_other_elections_under_the_same_contract_join_what_is_recorded(undivided: Undivided) -> None:
    office, ada = undivided.office, undivided.ada
    await make_contract(office, division_id="D2")
    dental = await enrolled(office, ada, await opened(await dental_of(office), CONTRACT_START))
    after = replace(DATES, coverage_start=date(2028, 1, 1), coverage_end=date(2028, 12, 31))
    following = await enrolled(office, ada, await opened(office, CONTRACT_START, after))
    assert await by_division(office) == [(DIVISION, "2027-01-01", "2028-12-31")]
    (record,) = await read_coverage(office)
    assert await links(office, undivided.enrollment, dental, following) == [record["id"]] * 3
    await office.reopen_election(undivided.enrollment)
    assert await by_division(office) == [(DIVISION, "2027-01-01", "2028-12-31")]
    await office.reopen_election(dental)
    assert await by_division(office) == [(DIVISION, "2028-01-01", "2028-12-31")]


async def test_what_is_not_recorded_waits_for_the_division(undivided: Undivided) -> None:
    """Nobody knows it: of who elects only now, nor of who has taken all back."""
    office, ada = undivided.office, undivided.ada
    await make_contract(office, division_id="D2", policy_number="P-2")
    bob = await office.hire("Bob")
    await make_subscriber(office, "S2", bob)
    await office.elect(
        bob,
        enroll((await office.pending_enrollment(bob)).id, (await office.plan_ids_by_code(undivided.medical))["GOLD"]),
    )
    assert await by_division(office) == [WHOLE]
    await office.reopen_election(undivided.enrollment)
    await enrolled(office, ada, undivided.medical)
    assert await by_division(office) == []
    await office.update_employee(ada, division_id="D2")
    await office.update_employee(bob, division_id=DIVISION)
    assert await by_division(office) == [("D2", *WHOLE[1:]), WHOLE]
    assert [row["policy_number"] for row in await read_coverage(office)] == ["P-2", "P-1"]


async def test_the_division_that_is_recorded_may_be_said_and_no_other(undivided: Undivided) -> None:
    office, ada = undivided.office, undivided.ada
    await make_contract(office, division_id="D2")
    before = await office.read_all_rows()
    refused = ["LINKED_TO_ENROLLMENT divisionId"]
    for division in ("D2", "D9"):
        assert await office.refusals(office.update_employee(ada, division_id=division)) == refused
    assert await office.read_all_rows() == before
    await office.update_employee(ada, division_id=DIVISION)
    after = await office.read_all_rows()
    assert after["employees"][ada]["division_id"] == DIVISION
    assert after["subscriber_enrollments"] == before["subscriber_enrollments"]
    assert after["enrollments"] == before["enrollments"]
    for another in ("D2", None):
        assert await office.refusals(office.update_employee(ada, division_id=another)) == refused
    assert await office.read_all_rows() == after


@pytest.mark.parametrize("division", ["D2", "D9"])  # one that has a contract, and one that has none
async def test_another_division_of_the_employees_takes_nothing_away(undivided: Undivided, division: str) -> None:
    """It is refused while coverage follows elections; should it have been said before that was a rule."""
    office = undivided.office
    await make_contract(office, division_id="D2")
    (first,) = await read_coverage(office)

    async def move(tx: Transaction) -> None:
        await tx.session.execute(update(Employee).where(Employee.id == undivided.ada).values(division_id=division))

    await office.run(move)
    await office.on_day(JUNE).terminate_employee(undivided.ada, JUNE)
    assert await by_division(office) == [HALF]
    assert await links(office, undivided.enrollment) == [first["id"]]


async def test_each_contracts_elections_stay_in_the_division_they_are_recorded_under(undivided: Undivided) -> None:
    """As where a carrier keeps a division for each product, and a third division comes to both."""
    office, ada = undivided.office, undivided.ada
    await make_contract(office, division_id="D2", coverage_start=MIDDLE)
    after = replace(DATES, coverage_start=date(2027, 3, 1), coverage_end=date(2028, 2, 29))
    dental = await enrolled(office, ada, await opened(await dental_of(office), MIDDLE, after))
    await make_contract(office, division_id="D3")
    await make_contract(office, division_id="D4", coverage_start=MIDDLE)
    ids = [row["id"] for row in await read_coverage(office)]
    await office.on_day(JUNE).terminate_employee(ada, JUNE)
    assert await by_division(office) == [HALF, ("D2", "2027-03-01", "2027-06-30")]
    assert await links(office, undivided.enrollment, dental) == ids
    for division in (DIVISION, "D2"):  # either is recorded, but not of all
        refused = await office.refusals(office.update_employee(ada, division_id=division))
        assert refused == ["LINKED_TO_ENROLLMENT divisionId"]
    assert await by_division(office) == [HALF, ("D2", "2027-03-01", "2027-06-30")]
