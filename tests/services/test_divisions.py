"""Divisions of employers: created by hand or with a contract, renamed and retired."""

from datetime import date
from typing import Any

import pytest
from racing import race, tally

from benegraph.db.session import Database
from benegraph.domain.employers import check_division_retirement
from benegraph.services.divisions import create_division, retire_division, update_division
from benegraph.services.employers import deactivate_employer
from factories.access import employer_viewer, service_viewer
from factories.coverage import make_contract
from factories.office import Office, create_office

RETIRED = ["INVALID_STATUS_TRANSITION divisionId"]


async def read_divisions(office: Office) -> dict[str, dict[str, Any]]:
    """Return the divisions of the office's employer by code."""
    rows = (await office.read_all_rows())["divisions"].values()
    return {row["code"]: row for row in rows if row["employer_id"] == office.employer}


async def division_id(office: Office, code: str = "D1") -> str:
    return str((await read_divisions(office))[code]["id"])


async def retire(office: Office, code: str = "D1", version: int | None = None) -> None:
    await office.run(retire_division, await division_id(office, code), "Closed.", version)


async def test_division_is_created_renamed_and_recorded(database: Database) -> None:
    office = await create_office(database)
    id = await office.run(create_division, office.employer, "W1", "Warehouse")
    row = (await read_divisions(office))["W1"]
    assert (row["id"], row["name"], row["active"], row["version"]) == (id, "Warehouse", True, 1)
    (event,) = await office.history(id)
    assert (event["action"], event["employer_id"], event["after"]) == (
        "CREATED",
        office.employer,
        {"code": "W1", "name": "Warehouse", "active": True},
    )
    assert await office.refusals(office.run(create_division, office.employer, "W1", "Other")) == ["ALREADY_EXISTS code"]
    assert await office.refusals(office.run(create_division, office.employer, "x" * 21, "")) == [
        "INVALID_INPUT code",
        "INVALID_INPUT name",
    ]
    await office.run(create_division, office.employer, "x" * 20, "Warehouse")  # names need not be unique
    assert await office.refusals(office.run(update_division, id, {"name": "Main"}, 2)) == [
        "VERSION_CONFLICT expectedVersion"
    ]
    await office.run(update_division, id, {"name": "Main"}, 1)
    assert ((await read_divisions(office))["W1"]["name"], len(await office.history(id))) == ("Main", 2)
    await office.run(deactivate_employer, office.employer, "Left.", None)
    assert await office.refusals(office.run(create_division, office.employer, "W3", "New")) == [
        "INVALID_STATUS_TRANSITION employerId"
    ]


async def test_contract_creates_its_division_once(database: Database) -> None:
    office = await create_office(database)
    await office.run(create_division, office.employer, "D2", "Warehouse")
    await make_contract(office)
    await make_contract(office, "G200")
    await make_contract(office, division_id="D2")
    await make_contract(office, division_id="D3", employer_id=None)  # the carrier's group of no employer
    divisions = await read_divisions(office)
    assert {code: row["name"] for code, row in divisions.items()} == {"D1": "D1", "D2": "Warehouse"}
    other = await create_office(database)
    await make_contract(other, "G300")
    assert list(await read_divisions(other)) == ["D1"]  # codes are those of one employer


async def test_retired_division_gets_no_employees_and_no_contracts(database: Database) -> None:
    office = await create_office(database)
    await make_contract(office)
    ada = await office.hire()
    assert await office.refusals(retire(office, version=2)) == ["VERSION_CONFLICT expectedVersion"]
    await retire(office, version=1)
    assert not (await read_divisions(office))["D1"]["active"]
    event = (await office.history(await division_id(office)))[-1]
    assert (event["action"], event["reason"], event["after"]) == ("RETIRED", "Closed.", {"active": False})
    assert await office.refusals(retire(office)) == RETIRED
    assert await office.refusals(office.update_employee(ada, division_id="D1")) == RETIRED
    assert await office.refusals(make_contract(office, "G200")) == RETIRED
    id = await division_id(office)
    assert await office.refusals(office.run(update_division, id, {"active": False}, None)) == ["INVALID_INPUT active"]
    await office.run(update_division, id, {"active": True}, 2)
    await office.update_employee(ada, division_id="D1")


async def test_division_without_contract_takes_no_employees_yet(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    await office.run(create_division, office.employer, "D1", "Warehouse")
    assert await office.refusals(office.update_employee(ada, division_id="D1")) == ["NOT_FOUND divisionId"]
    await make_contract(office)
    await office.update_employee(ada, division_id="D1")
    assert (await office.read_row("employees", ada))["division_id"] == "D1"


async def test_division_is_not_retired_while_people_are_employed_in_it(database: Database) -> None:
    office = await create_office(database)
    await make_contract(office)
    ada, bob = await office.hire("Ada"), await office.hire("Bob")
    await office.update_employee(ada, division_id="D1")
    assert await office.refusals(retire(office)) == RETIRED
    await office.terminate_employee(ada, date(2026, 11, 30))
    office = office.on_day(date(2026, 11, 29))
    assert await office.refusals(retire(office)) == RETIRED
    office = office.on_day(date(2026, 11, 30))  # the day after the last day of the employment
    await retire(office)
    assert (await office.read_row("employees", bob))["division_id"] is None
    (violation,) = check_division_retirement(["empl_1", "empl_2"])
    assert violation.message == (
        "2 people of the division are employed today or later: empl_1, empl_2; assign them to another division first."
    )
    assert list(check_division_retirement([])) == []


@pytest.mark.parametrize("limited", [True, False])
async def test_division_of_another_employer_is_not_found(database: Database, limited: bool) -> None:
    office = await create_office(database)
    id = await office.run(create_division, office.employer, "W1", "Warehouse")
    other = await create_office(database)
    viewer = service_viewer(employer=other.employer) if limited else employer_viewer("empr_none")
    outsider = office.as_viewer(viewer)
    for call in (
        outsider.run(update_division, id, {"name": "X"}, None),
        outsider.run(retire_division, id, None, None),
    ):
        assert await outsider.refusals(call) == ["NOT_FOUND divisionId"]
    creation = outsider.run(create_division, office.employer, "W2", "X")
    assert await outsider.refusals(creation) == ["NOT_FOUND employerId"]


async def test_retirement_concurrent_with_assignments_leaves_no_retired_division_with_people(
    database: Database, owner_url: str
) -> None:
    office = await create_office(database)
    await make_contract(office)
    ada, bob = await office.hire("Ada"), await office.hire("Bob")
    outcomes = await race(
        owner_url,
        "employers",
        office.employer,
        office.update_employee(ada, division_id="D1"),
        retire(office),
        office.update_employee(bob, division_id="D1"),
    )
    employees = (await office.read_all_rows())["employees"].values()
    assigned = [row for row in employees if row["division_id"] == "D1"]
    assert (await read_divisions(office))["D1"]["active"] == bool(assigned)
    done = len(assigned) or 1
    assert tally(outcomes) == {"done": done, "INVALID_STATUS_TRANSITION": 3 - done}


async def test_concurrent_divisions_with_one_code_succeed_once(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    runners = [office.run(create_division, office.employer, "W1", f"Number {number}") for number in range(3)]
    outcomes = await race(owner_url, "employers", office.employer, *runners, make_contract(office, division_id="W1"))
    # The contract takes whichever division there is, or creates it first.
    done = tally(outcomes)["done"]
    assert done in (1, 2)
    assert tally(outcomes) == {"done": done, "ALREADY_EXISTS": 4 - done}
    assert list(await read_divisions(office)) == ["W1"]
