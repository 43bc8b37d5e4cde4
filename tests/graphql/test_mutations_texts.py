"""Texts in mutations: they are stored in Unicode's form NFC; names are one visible line, notes may have several."""

from datetime import date
from typing import Any

import pytest
from graphql_requests import fetch_data
from mutation_calls import call

from benegraph.db.session import Database
from factories.office import Office, create_office

COMPOSED, DECOMPOSED = "Ben\u00edtez", "Beni\u0301tez"


def hire_input(office: Office, **changes: Any) -> dict[str, Any]:
    return {
        "employerId": office.employer,
        "firstName": "Jos\u00e9",
        "lastName": COMPOSED,
        "employmentClass": "FULL_TIME",
        "startDate": "2026-11-16",
        **changes,
    }


async def test_names_and_keys_are_stored_composed(database: Database) -> None:
    office = await create_office(database)
    input = hire_input(office, firstName="Jose\u0301", lastName=DECOMPOSED, externalId=f"x-{DECOMPOSED}")
    response = await call(office, "createEmployee", input)
    assert response.is_applied
    (row,) = (await office.read_all_rows())["employees"].values()
    assert (row["first_name"], row["last_name"], row["external_id"]) == ("Jos\u00e9", COMPOSED, f"x-{COMPOSED}")
    assert (await call(office, "createEmployee", hire_input(office, externalId=f"x-{COMPOSED}"))).refusals == [
        "ALREADY_EXISTS externalId"
    ]


async def test_employee_is_found_by_either_form_of_the_external_id(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire(external_id=COMPOSED)
    for external_id in (COMPOSED, DECOMPOSED):
        data = await fetch_data(
            database,
            office.clock(),
            office.viewer,
            "query($id: ID!, $external: String!) {"
            " employeeByKey(key: {external: {employerId: $id, externalId: $external}}) { id }"
            " employees(filter: {externalId: $external}) { nodes { id } } }",
            id=office.employer,
            external=external_id,
        )
        assert data == {"employeeByKey": {"id": ada}, "employees": {"nodes": [{"id": ada}]}}


async def test_nested_texts_are_stored_composed(database: Database) -> None:
    office = await create_office(database)
    plan = {"carrierPlanId": DECOMPOSED, "name": DECOMPOSED, "monthlyPremiumCents": 1}
    input = {"name": DECOMPOSED, "category": "DENTAL", "carrierName": DECOMPOSED, "plans": [plan]}
    assert (await call(office, "createBenefitProduct", input)).is_applied
    rows = await office.read_all_rows()
    (product,) = [row for row in rows["benefit_products"].values() if row["category"] == "DENTAL"]
    (stored,) = [row for row in rows["carrier_plans"].values() if row["benefit_product_id"] == product["id"]]
    assert {product["name"], product["carrier_name"], stored["name"], stored["carrier_plan_id"]} == {COMPOSED}


async def test_notes_keep_their_lines(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    event = {"employeeId": ada, "eventType": "MARRIAGE", "eventDate": "2026-11-20"}
    assert (await call(office, "reportLifeEvent", {**event, "notes": "One\r\ntwo\rthree\n"})).is_applied
    (row,) = (await office.read_all_rows())["life_events"].values()
    assert row["notes"] == "One\ntwo\nthree\n"
    await office.terminate_employee(ada, date(2026, 11, 30), "First line\nsecond line")


async def test_same_input_is_a_replay_although_its_stored_text_differs(database: Database) -> None:
    office = await create_office(database)
    input = hire_input(office, lastName=DECOMPOSED, idempotencyKey=DECOMPOSED)
    first, again = await call(office, "createEmployee", input), await call(office, "createEmployee", input)
    assert (first.is_applied, first.replayed, again.payload, again.replayed) == (True, False, first.payload, True)
    composed = await call(office, "createEmployee", {**input, "lastName": COMPOSED})
    assert composed.refusals == ["IDEMPOTENCY_KEY_REUSED idempotencyKey"]


@pytest.mark.parametrize(
    "name", ["Ada\nAdams", "Ada\r\nAdams", "Ada\u2028", "Ada\u202e", "\u200b", "\u3164", "a\u0085"]
)
async def test_name_that_misleads_is_refused_everywhere(database: Database, name: str) -> None:
    office = await create_office(database)
    ada = await office.hire()
    before = await office.read_all_rows()
    calls: list[tuple[str, dict[str, Any], str]] = [
        ("createEmployee", hire_input(office, firstName=name), "firstName"),
        ("createEmployee", hire_input(office, divisionId=name), "divisionId"),
        ("updateEmployee", {"employeeId": ada, "lastName": name}, "lastName"),
        (
            "addDependent",
            {
                "employeeId": ada,
                "firstName": name,
                "lastName": "Adams",
                "dateOfBirth": "2015-08-30",
                "relationship": "CHILD",
            },
            "firstName",
        ),
        ("createEmployer", {"name": name}, "name"),
        ("createBenefitProduct", {"name": name, "category": "DENTAL", "plans": []}, "name"),
        ("createSubscriber", {"subscriberId": "S1", "lastName": name}, "lastName"),
    ]
    for mutation, input, field in calls:
        assert (await call(office, mutation, input)).refusals == [f"INVALID_INPUT {field}"], mutation
    assert await office.read_all_rows() == before
