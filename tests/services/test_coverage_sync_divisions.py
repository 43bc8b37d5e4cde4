"""Coverage sync when divisions are added after the elections: recorded coverage stays in its division."""

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import update
from test_coverage_sync_contracts import (
    MIDDLE,
    Spans,
    enroll_in_plan_year,
    linked_coverage_ids,
    office_with_dental_product,
    open_plan_year,
)

from benegraph.db.models import Employee
from benegraph.db.session import Database, Transaction
from benegraph.domain.people import EmploymentClass, PersonalDetails
from benegraph.services.employers import add_employer
from benegraph.services.people import NewHire, hire_employee
from factories.access import employer_viewer
from factories.coverage import CONTRACT_START, DIVISION, SUBSCRIBER_ID, make_contract, make_subscriber, read_coverage
from factories.office import DATES, Office, create_office, enroll

JUNE = date(2027, 6, 10)
WHOLE, HALF = (DIVISION, "2027-01-01", "2027-12-31"), (DIVISION, "2027-01-01", "2027-06-30")


async def division_spans(office: Office) -> Spans:
    """List the division, start and end of each coverage of record."""
    return [(row["division_id"], row["start_date"], row["end_date"]) for row in await read_coverage(office)]


@dataclass(frozen=True, slots=True)
class SingleDivision:
    """An office where Ada, who has no division, is covered under the group's only contract."""

    office: Office
    ada: str
    medical: str
    enrollment: str


@pytest.fixture
async def setup(database: Database) -> SingleDivision:
    office = await create_office(database)
    await make_contract(office)
    ada = await office.hire()
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    medical = await open_plan_year(office, CONTRACT_START)
    return SingleDivision(office, ada, medical, await enroll_in_plan_year(office, ada, medical))


@pytest.mark.parametrize("second", ["D0", "D2"])  # sorts before and after the first division
async def test_second_division_leaves_coverage_in_its_division(setup: SingleDivision, second: str) -> None:
    """Regression: the coverage was deleted, because Ada has no division."""
    office = setup.office
    (first,) = await read_coverage(office)
    await make_contract(office, division_id=second, policy_number="P-2")
    await office.on_day(JUNE).terminate_employee(setup.ada, JUNE)
    (ended,) = await read_coverage(office)
    changes = {"end_date": "2027-06-30", "term_date": "2027-06-10", "version": 2}
    assert ended == first | changes | {"updated_at": ended["updated_at"]}
    assert await linked_coverage_ids(office, setup.enrollment) == [first["id"]]
    assert [event["action"] for event in await office.history(first["id"])] == ["CREATED", "MOVED"]
    await office.on_day(JUNE).reinstate_employee(setup.ada)
    (whole,) = await read_coverage(office)
    assert whole == first | {"version": 3, "updated_at": whole["updated_at"]}


async def test_elections_under_same_contract_extend_recorded_coverage(setup: SingleDivision) -> None:
    office, ada = setup.office, setup.ada
    await make_contract(office, division_id="D2")
    dental = await enroll_in_plan_year(
        office, ada, await open_plan_year(await office_with_dental_product(office), CONTRACT_START)
    )
    after = replace(DATES, coverage_start=date(2028, 1, 1), coverage_end=date(2028, 12, 31))
    following = await enroll_in_plan_year(office, ada, await open_plan_year(office, CONTRACT_START, after))
    assert await division_spans(office) == [(DIVISION, "2027-01-01", "2028-12-31")]
    (record,) = await read_coverage(office)
    assert await linked_coverage_ids(office, setup.enrollment, dental, following) == [record["id"]] * 3
    await office.reopen_election(setup.enrollment)
    assert await division_spans(office) == [(DIVISION, "2027-01-01", "2028-12-31")]
    await office.reopen_election(dental)
    assert await division_spans(office) == [(DIVISION, "2028-01-01", "2028-12-31")]


async def test_unrecorded_election_needs_division_of_employee(setup: SingleDivision) -> None:
    """That holds for a new election, and for one made again after all were reopened."""
    office, ada = setup.office, setup.ada
    await make_contract(office, division_id="D2", policy_number="P-2")
    bob = await office.hire("Bob")
    await make_subscriber(office, "S2", bob)
    await office.elect(
        bob,
        enroll((await office.pending_enrollment(bob)).id, (await office.plan_ids(setup.medical))["GOLD"]),
    )
    assert await division_spans(office) == [WHOLE]
    await office.reopen_election(setup.enrollment)
    await enroll_in_plan_year(office, ada, setup.medical)
    assert await division_spans(office) == []
    await office.update_employee(ada, division_id="D2")
    await office.update_employee(bob, division_id=DIVISION)
    assert await division_spans(office) == [("D2", *WHOLE[1:]), WHOLE]
    assert [row["policy_number"] for row in await read_coverage(office)] == ["P-2", "P-1"]


async def test_division_must_be_of_a_contract_of_the_employer(database: Database) -> None:
    office = await create_office(database)
    person = PersonalDetails("Bob", "Brown", None, None, None)

    def hire(division: str) -> Coroutine[Any, Any, str]:
        new_hire = NewHire(person, EmploymentClass.FULL_TIME, date(2026, 11, 16), division)
        return office.run(hire_employee, office.employer, new_hire)

    ada = await office.hire()
    refused = ["NOT_FOUND divisionId"]
    assert await office.refusals(hire(DIVISION)) == refused  # the employer has no contract at all
    await make_contract(office, coverage_start=date(2020, 1, 1), coverage_end=date(2020, 12, 31))
    await make_contract(office, "G9", "D9", employer_id=None)
    another = await office.run(add_employer, "Beta LLC", "UTC")
    await make_contract(office, "G8", "D8", employer_id=another)
    for division in ("D8", "D9", DIVISION.lower()):
        assert await office.refusals(hire(division)) == refused
        assert await office.refusals(office.update_employee(ada, division_id=division)) == refused
    for viewer in (office.viewer, employer_viewer(office.employer)):
        bob = await office.as_viewer(viewer).run(
            hire_employee, office.employer, NewHire(person, EmploymentClass.FULL_TIME, date(2026, 11, 16), DIVISION)
        )
        assert (await office.read_row("employees", bob))["division_id"] == DIVISION
        await office.as_viewer(viewer).update_employee(bob, division_id=None)
        await office.as_viewer(viewer).update_employee(bob, division_id=DIVISION)


async def test_employee_may_be_given_only_the_recorded_division(setup: SingleDivision) -> None:
    office, ada = setup.office, setup.ada
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


@pytest.mark.parametrize("division", ["D2", "D9"])  # with and without a contract
async def test_deviating_division_of_employee_keeps_coverage(setup: SingleDivision, division: str) -> None:
    """The service refuses such a change today, but old data may have it."""
    office = setup.office
    await make_contract(office, division_id="D2")
    (first,) = await read_coverage(office)

    async def move(tx: Transaction) -> None:
        await tx.session.execute(update(Employee).where(Employee.id == setup.ada).values(division_id=division))

    await office.run(move)
    await office.on_day(JUNE).terminate_employee(setup.ada, JUNE)
    assert await division_spans(office) == [HALF]
    assert await linked_coverage_ids(office, setup.enrollment) == [first["id"]]


async def test_elections_of_each_contract_stay_in_their_division(setup: SingleDivision) -> None:
    """The carrier keeps a division for each product, and each contract gets another division."""
    office, ada = setup.office, setup.ada
    await make_contract(office, division_id="D2", coverage_start=MIDDLE)
    after = replace(DATES, coverage_start=date(2027, 3, 1), coverage_end=date(2028, 2, 29))
    dental = await enroll_in_plan_year(
        office, ada, await open_plan_year(await office_with_dental_product(office), MIDDLE, after)
    )
    await make_contract(office, division_id="D3")
    await make_contract(office, division_id="D4", coverage_start=MIDDLE)
    ids = [row["id"] for row in await read_coverage(office)]
    await office.on_day(JUNE).terminate_employee(ada, JUNE)
    assert await division_spans(office) == [HALF, ("D2", "2027-03-01", "2027-06-30")]
    assert await linked_coverage_ids(office, setup.enrollment, dental) == ids
    for division in (DIVISION, "D2"):  # each is recorded for one contract only
        refused = await office.refusals(office.update_employee(ada, division_id=division))
        assert refused == ["LINKED_TO_ENROLLMENT divisionId"]
    assert await division_spans(office) == [HALF, ("D2", "2027-03-01", "2027-06-30")]
