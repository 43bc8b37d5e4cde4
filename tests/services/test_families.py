"""Dependents: entered and changed, while elections already made stay."""

from datetime import date

from benegraph.db.session import Database
from benegraph.domain.people import Relationship
from factories.access import employee as employee_of
from factories.stories import enroll, open_office


async def test_a_dependent_is_written_down_and_changed(database: Database) -> None:
    office = await open_office(database)
    ada = await office.hire()
    office = office.by(employee_of(office.employer, ada))
    id = await office.child(ada, date(2026, 11, 20), disabled=True)
    row = await office.row("dependents", id)
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
    row = await office.row("dependents", id)
    assert (row["first_name"], row["relationship"], row["active"], row["version"]) == ("Bea", "SPOUSE", False, 2)


async def test_what_a_family_refuses(database: Database) -> None:
    office = await open_office(database)
    ada, bob = await office.hire(), await office.hire("Bob")
    id = await office.child(ada)
    for born in (date(2026, 11, 21), date(1899, 12, 31), date.max, date.min):
        assert await office.refusals(office.child(ada, born)) == ["INVALID_INPUT dateOfBirth"]
    telling = office.update_dependent(id, 2, first_name=" ", last_name="\x07", date_of_birth=date(2027, 1, 1))
    assert await office.refusals(telling) == [
        "VERSION_CONFLICT expectedVersion",
        "INVALID_INPUT firstName",
        "INVALID_INPUT lastName",
        "INVALID_INPUT dateOfBirth",
    ]
    assert await office.refusals(office.update_dependent(ada)) == ["INVALID_INPUT dependentId"]
    assert await office.refusals(office.child(id)) == ["INVALID_INPUT employeeId"]
    himself = office.by(employee_of(office.employer, bob))
    assert await himself.refusals(himself.update_dependent(id, active=False)) == ["NOT_FOUND dependentId"]
    assert await himself.refusals(himself.child(ada)) == ["NOT_FOUND employeeId"]


async def test_elections_made_stay_when_the_family_changes(database: Database) -> None:
    office = await open_office(database)
    ada = await office.hire()
    plans = await office.plans(await office.opened())
    child = await office.child(ada, date(2002, 3, 4))
    id = (await office.pending(ada)).id
    await office.elect(ada, enroll(id, plans["GOLD"], child))
    before = await office.row("enrollments", id)
    await office.update_dependent(child, active=False, date_of_birth=date(1990, 1, 1))
    assert await office.row("enrollments", id) == before
    assert [row["through"] for row in (await office.dump())["enrolled_dependents"].values()] == ["2028-03-31"]
