"""Dependents: adding and updating them leaves existing elections unchanged."""

from datetime import date

from benegraph.db.session import Database
from benegraph.domain.people import Relationship
from factories.access import employee_viewer, employer_viewer
from factories.office import create_office, enroll


async def test_dependent_is_added_and_updated(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    office = office.as_viewer(employer_viewer(office.employer))
    id = await office.add_child(ada, date(2026, 11, 20), disabled=True)
    row = await office.read_row("dependents", id)
    expected = {"employee_id": ada, "relationship": "CHILD", "active": True, "disabled": True, "version": 1}
    assert {name: row[name] for name in expected} == expected
    await office.update_dependent(
        id,
        1,
        first_name="Bea",
        last_name="Brown",
        date_of_birth=date(2000, 1, 1),
        relationship=Relationship.SPOUSE,
        disabled=False,
        active=False,
    )
    row = await office.read_row("dependents", id)
    assert (row["first_name"], row["relationship"], row["active"], row["version"]) == ("Bea", "SPOUSE", False, 2)
    added, updated = await office.history(id)
    assert (added["action"], added["employee_id"]) == ("ADDED", ada)
    assert added["after"] == {"active": True, "relationship": "CHILD"}
    assert (updated["action"], updated["before"]) == ("UPDATED", {"active": True, "relationship": "CHILD"})
    assert updated["after"] == {"active": False, "relationship": "SPOUSE"}
    assert updated["withheld_columns"] == ["date_of_birth", "disabled", "first_name", "last_name"]


async def test_invalid_dependents_are_refused(database: Database) -> None:
    office = await create_office(database)
    ada, bob = await office.hire(), await office.hire("Bob")
    id = await office.add_child(ada)
    for born in (date(2026, 11, 21), date(1899, 12, 31), date.max, date.min):
        assert await office.refusals(office.add_child(ada, born)) == ["INVALID_INPUT dateOfBirth"]
    update = office.update_dependent(id, 2, first_name=" ", last_name="\x07", date_of_birth=date(2027, 1, 1))
    assert await office.refusals(update) == [
        "VERSION_CONFLICT expectedVersion",
        "INVALID_INPUT firstName",
        "INVALID_INPUT lastName",
        "INVALID_INPUT dateOfBirth",
    ]
    assert await office.refusals(office.update_dependent(ada)) == ["INVALID_INPUT dependentId"]
    assert await office.refusals(office.add_child(id)) == ["INVALID_INPUT employeeId"]
    bob_office = office.as_viewer(employee_viewer(office.employer, bob))
    assert await bob_office.refusals(bob_office.update_dependent(id, active=False)) == ["NOT_FOUND dependentId"]
    assert await bob_office.refusals(bob_office.add_child(ada)) == ["NOT_FOUND employeeId"]


async def test_existing_elections_stay_when_a_dependent_changes(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year())
    child = await office.add_child(ada, date(2002, 3, 4))
    id = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(id, plans["GOLD"], child))
    before = await office.read_row("enrollments", id)
    await office.update_dependent(child, active=False, disabled=True, relationship=Relationship.SPOUSE)
    assert await office.read_row("enrollments", id) == before
    assert [row["through"] for row in (await office.read_all_rows())["enrolled_dependents"].values()] == ["2028-03-31"]


async def test_employee_cannot_decide_how_long_a_child_is_covered(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    plan = (await office.plan_ids(await office.open_plan_year()))["GOLD"]
    covered, other = await office.add_child(ada), await office.add_child(ada)
    await office.elect(ada, enroll((await office.pending_enrollment(ada)).id, plan, covered))

    ada_office = office.as_viewer(employee_viewer(office.employer, ada))
    assert await ada_office.refusals(ada_office.add_child(ada, disabled=True)) == ["INVALID_INPUT disabled"]
    born = date(2015, 8, 29)
    assert await ada_office.refusals(ada_office.update_dependent(covered, disabled=True, date_of_birth=born)) == [
        "INVALID_INPUT disabled",
        "INVALID_INPUT dateOfBirth",
    ]
    await ada_office.update_dependent(covered, disabled=False, date_of_birth=date(2015, 8, 30), first_name="Benjamin")
    await ada_office.update_dependent(other, date_of_birth=born)
    await office.as_viewer(employer_viewer(office.employer)).update_dependent(
        covered, disabled=True, date_of_birth=born
    )
    assert (await office.read_row("dependents", covered))["date_of_birth"] == "2015-08-29"
