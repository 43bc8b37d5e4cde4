"""Demographic data through the API: written by mutations, read back, cleared, and withheld from history."""

from typing import Any

import pytest
from graphql_requests import fetch_data
from mutation_calls import call, create_office_with_inputs

from benegraph.db.session import Database

ADDRESS = {
    "line1": "1 Main Street",
    "line2": "Apt. 4",
    "city": "Springfield",
    "state": "IL",
    "postalCode": "62701-1234",
    "country": "US",
}
PERSON = {
    "middleName": "Maria",
    "nameSuffix": "Jr.",
    "sex": "FEMALE",
    "phone": "+12175550100",
    "address": ADDRESS,
}
SELECTION = "middleName nameSuffix sex phone address { line1 line2 city state postalCode country }"
DOCUMENTS = {
    "createEmployee": ("employee", f"query($id: ID!) {{ employee(id: $id) {{ {SELECTION} maritalStatus }} }}"),
    "addDependent": (
        "dependent",
        f"query($id: ID!) {{ node(id: $id) {{ ... on Dependent {{ {SELECTION} }} }} }}",
    ),
}


@pytest.mark.parametrize("mutation", sorted(DOCUMENTS))
async def test_demographic_data_is_stored_and_cleared(database: Database, mutation: str) -> None:
    office, inputs = await create_office_with_inputs(database)
    name, document = DOCUMENTS[mutation]
    created = await call(office, mutation, inputs[mutation])
    assert created.payload is not None
    id = created.payload[name]["id"]

    async def read() -> Any:
        (value,) = (await fetch_data(database, office.clock(), office.viewer, document, id=id)).values()
        return value

    expected: dict[str, Any] = PERSON | ({"maritalStatus": "MARRIED"} if name == "employee" else {})
    assert await read() == expected
    updated = await call(
        office, f"update{name.title()}", {f"{name}Id": id, "address": {**ADDRESS, "line2": None}, "phone": None}
    )
    assert updated.is_applied
    assert await read() == {**expected, "phone": None, "address": {**ADDRESS, "line2": None}}
    cleared = await call(office, f"update{name.title()}", {f"{name}Id": id, **dict.fromkeys(expected)})
    assert cleared.is_applied
    assert await read() == dict.fromkeys(expected)
    events = [event for event in (await office.read_all_rows())["events"].values() if event["subject_id"] == id]
    assert [event["withheld_columns"] for event in events if event["action"] == "UPDATED"] == [
        ["address_line2", "phone"],
        sorted(
            {
                *("address_city", "address_country", "address_line1", "address_postal_code", "address_state"),
                *("middle_name", "name_suffix", "sex"),
                *(("marital_status",) if name == "employee" else ()),
            }
        ),
    ]
    assert "Springfield" not in str(events)
    assert "2175550100" not in str(events)


async def test_employer_details_are_stored_and_cleared(database: Database) -> None:
    office, inputs = await create_office_with_inputs(database)
    document = "query($id: ID!) { employer(id: $id) { name legalName ein address { city country } } }"
    input = {"employerId": office.employer, "legalName": "Acme Holdings LLC", "ein": "12-3456789", "address": ADDRESS}
    assert (await call(office, "updateEmployer", input)).is_applied
    data = await fetch_data(database, office.clock(), office.viewer, document, id=office.employer)
    name = data["employer"]["name"]
    assert data["employer"] == {
        "name": name,
        "legalName": "Acme Holdings LLC",
        "ein": "123456789",
        "address": {"city": "Springfield", "country": "US"},
    }
    refused = await call(office, "updateEmployer", {**input, "ein": "1", "legalName": " "})
    assert refused.refusals == ["INVALID_INPUT legalName", "INVALID_INPUT ein"]
    assert (await call(office, "updateEmployer", {"employerId": office.employer, "ein": None})).is_applied
    data = await fetch_data(database, office.clock(), office.viewer, document, id=office.employer)
    assert data["employer"]["ein"] is None
    assert data["employer"]["address"] == {"city": "Springfield", "country": "US"}
    created = await call(office, "createEmployer", inputs["createEmployer"])
    assert created.payload is not None
    data = await fetch_data(database, office.clock(), office.viewer, document, id=created.payload["employer"]["id"])
    assert (data["employer"]["legalName"], data["employer"]["ein"]) == ("Beta Holdings LLC", "123456789")
