"""Social security numbers: unique among active employees, refused without a key, rotated in batches."""

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from benegraph.db.models import Dependent, Employee
from benegraph.db.session import Database
from benegraph.domain.encryption import ValuePlace, parse_keys
from benegraph.domain.errors import Refused
from benegraph.domain.people import Relationship
from benegraph.services import people, ssn
from factories.keys import FIRST_KEY, KEY_RING, SECOND_KEY
from factories.office import Office, create_office

NUMBER, OTHER = "219-09-9999", "219-09-9998"
TAKEN = ["ALREADY_EXISTS ssn"]


async def refusals(call: Any) -> list[str]:
    with pytest.raises(Refused) as raised:
        await call
    return [" ".join([violation.code, *(violation.field or ())]) for violation in raised.value.violations]


async def test_number_is_stored_encrypted(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire(ssn=NUMBER)
    row = await office.read_row("employees", ada)
    stored = bytes.fromhex(row["ssn"].removeprefix("\\x"))
    assert KEY_RING.decrypt(stored, ValuePlace("acme", "employees", "ssn", ada)) == "219099999"
    assert row["ssn_index"] == "\\x" + KEY_RING.index("219099999", "acme").hex()
    assert row["ssn_last_four"] == "9999"


async def test_two_active_employees_cannot_have_one_number(database: Database) -> None:
    office = await create_office(database)
    ada, bob = await office.hire(ssn=NUMBER), await office.hire("Bob")
    assert await refusals(office.hire("Cy", ssn="219099999")) == TAKEN
    assert await refusals(office.update_employee(bob, ssn=NUMBER)) == TAKEN
    await office.update_employee(ada, ssn=NUMBER)  # one's own number is no duplicate, and nothing changes
    assert (await office.read_row("employees", ada))["version"] == 1
    await office.update_employee(ada, ssn=OTHER)
    await office.update_employee(bob, ssn=NUMBER)
    await office.update_employee(bob, ssn=None)
    row = await office.read_row("employees", bob)
    assert (row["ssn"], row["ssn_index"], row["ssn_last_four"]) == (None, None, None)


async def test_number_of_a_former_employee_is_free_until_the_reinstatement(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire(ssn=NUMBER)
    await office.terminate_employee(ada, date(2026, 11, 20))
    bob = await office.hire("Bob", ssn=NUMBER)
    assert await refusals(office.run(people.reinstate_employee, ada, None, None)) == ["ALREADY_EXISTS employeeId"]
    await office.update_employee(bob, ssn=OTHER)
    await office.run(people.reinstate_employee, ada, None, None)


async def test_of_two_concurrent_hires_with_one_number_one_is_refused(database: Database) -> None:
    office = await create_office(database)
    results = await asyncio.gather(
        *(office.hire(name, ssn=NUMBER) for name in ("Ada", "Bob", "Cy")), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Refused", "Refused", "str"]
    assert len((await office.read_all_rows())["employees"]) == 1


async def test_dependent_may_have_the_number_of_an_employee(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire(ssn=NUMBER)
    bob = await office.hire("Bob")
    spouse = await office.run(
        people.add_dependent, bob, "Ada", "Adams", date(1985, 5, 17), Relationship.SPOUSE, disabled=False, ssn=NUMBER
    )
    rows = await office.read_all_rows()
    assert rows["dependents"][spouse]["ssn_index"] == rows["employees"][ada]["ssn_index"]


async def test_number_is_refused_without_a_key(database: Database) -> None:
    office = await create_office(database)
    keyless = replace(office, database=replace(database, key_ring=None))
    ada = await keyless.hire()
    before = await office.read_all_rows()
    assert await refusals(keyless.hire("Bob", ssn=NUMBER)) == ["INVALID_INPUT ssn"]
    assert await refusals(keyless.update_employee(ada, ssn=NUMBER)) == ["INVALID_INPUT ssn"]
    assert await office.read_all_rows() == before


async def rotate(office: Office, database: Database) -> list[int]:
    assert database.key_ring is not None
    rotated = []
    for model in (Employee, Dependent):
        progress = await replace(office, database=database).run(ssn.rotate_batch, model, database.key_ring)
        rotated.append(progress.rotated)
        assert progress.is_finished
    return rotated


async def test_rotation_encrypts_every_number_with_the_first_key(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire(ssn=NUMBER)
    await office.hire("Bob")
    child = await office.run(
        people.add_dependent, ada, "Ben", "Adams", date(2015, 8, 30), Relationship.CHILD, disabled=False, ssn=OTHER
    )
    both = replace(database, key_ring=parse_keys([SECOND_KEY, FIRST_KEY]))
    # Before the rotation, the number is found under the old key's index.
    assert await refusals(replace(office, database=both).hire("Cy", ssn=NUMBER)) == TAKEN
    before = await office.read_all_rows()
    assert await rotate(office, both) == [1, 1]
    assert await rotate(office, both) == [0, 0]
    after = await office.read_all_rows()
    for table, id, digits in (("employees", ada, "219099999"), ("dependents", child, "219099998")):
        row = after[table][id]
        stored = bytes.fromhex(row["ssn"].removeprefix("\\x"))
        place = ValuePlace("acme", table, "ssn", id)
        assert parse_keys([SECOND_KEY]).decrypt(stored, place) == digits
        assert {name for name in row if row[name] != before[table][id][name]} == {"ssn", "ssn_index"}
    only_new = replace(office, database=replace(database, key_ring=parse_keys([SECOND_KEY])))
    assert await refusals(only_new.hire("Cy", ssn=NUMBER)) == TAKEN


async def test_rotation_continues_after_a_batch(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    office = await create_office(database)
    for number in range(3):
        await office.hire(f"E{number}", ssn=f"219-09-000{number + 1}")
    key_ring = parse_keys([SECOND_KEY, FIRST_KEY])
    monkeypatch.setattr(ssn, "ROTATION_BATCH", 2)
    runner = replace(office, database=replace(database, key_ring=key_ring))
    first = await runner.run(ssn.rotate_batch, Employee, key_ring)
    second = await runner.run(ssn.rotate_batch, Employee, key_ring)
    assert (first, second) == (ssn.RotationProgress(2, is_finished=False), ssn.RotationProgress(1, is_finished=True))
