"""`upsertEmployees` through the API: results and summary, dry runs, and idempotency keys."""

from typing import Any

import pytest
from graphql_requests import fetch_data
from mutation_calls import call

from benegraph.db.session import Database
from benegraph.domain.access import Action
from factories.access import service_viewer
from factories.office import Office, create_office

DOCUMENT = """
mutation($input: UpsertEmployeesInput!) { upsertEmployees(input: $input) {
  results {
    index outcome changedFields
    employee { externalId lastName }
    dependents { outcome changedFields dependent { firstName } }
    enrollmentEffects { kind enrollment { status } planYear { status } effectiveDate coverageEnd }
    userErrors { code field }
  }
  summary { created updated moved terminated reinstated rehired unchanged refused enrollmentsIssued coverageEnded }
  userErrors { code field }
} }
"""
BEN = {"firstName": "Ben", "lastName": "Adams", "dateOfBirth": "2015-08-30", "relationship": "CHILD"}
NONE = dict.fromkeys(["created", "updated", "moved", "terminated", "reinstated", "rehired", "unchanged", "refused"], 0)


@pytest.fixture
async def office(database: Database) -> Office:
    return await create_office(database)


def person(external_id: str, first_name: str = "Ada", **values: Any) -> dict[str, Any]:
    return {
        "externalId": external_id,
        "firstName": first_name,
        "lastName": "Adams",
        "employmentClass": "FULL_TIME",
        "startDate": "2026-11-16",
        **values,
    }


async def upsert(office: Office, *employees: dict[str, Any], **options: Any) -> dict[str, Any]:
    input = {"employerId": office.employer, "employees": employees, **options}
    data = await fetch_data(office.database, office.clock(), office.viewer, DOCUMENT, input=input)
    payload: dict[str, Any] = data["upsertEmployees"]
    return payload


async def test_results_and_summary_follow_the_items(office: Office) -> None:
    await office.open_plan_year()
    payload = await upsert(office, person("E-1", dependents=[BEN]), person("E-2", " "))
    issued = {
        "kind": "ISSUED",
        "enrollment": {"status": "PENDING"},
        "planYear": {"status": "OPEN_ENROLLMENT"},
        "effectiveDate": "2027-01-01",
        "coverageEnd": None,
    }
    assert payload == {
        "results": [
            {
                "index": 0,
                "outcome": "CREATED",
                "changedFields": [],
                "employee": {"externalId": "E-1", "lastName": "Adams"},
                "dependents": [{"outcome": "CREATED", "changedFields": [], "dependent": {"firstName": "Ben"}}],
                "enrollmentEffects": [issued],
                "userErrors": [],
            },
            {
                "index": 1,
                "outcome": "REFUSED",
                "changedFields": [],
                "employee": None,
                "dependents": [],
                "enrollmentEffects": [],
                "userErrors": [{"code": "INVALID_INPUT", "field": ["employees", "1", "firstName"]}],
            },
        ],
        "summary": NONE | {"created": 1, "refused": 1, "enrollmentsIssued": 1, "coverageEnded": 0},
        "userErrors": [],
    }


async def test_dry_run_shows_what_the_run_does_and_changes_nothing(office: Office) -> None:
    await office.open_plan_year()
    await upsert(office, person("E-1"))
    items = [
        person("E-1", lastName="Baker", dependents=[BEN], terminationDate="2026-12-01"),
        person("E-2", "Bob", dependents=[BEN]),
    ]
    before = await office.read_all_rows()
    preview = await upsert(office, *items, dryRun=True, idempotencyKey="k")
    assert await office.read_all_rows() == before
    assert preview["summary"] == NONE | {"created": 1, "terminated": 1, "enrollmentsIssued": 1, "coverageEnded": 0}
    changed, created = preview["results"]
    assert (changed["employee"], created["employee"]) == ({"externalId": "E-1", "lastName": "Adams"}, None)
    assert changed["changedFields"] == ["lastName", "terminationDate"]
    assert [each["dependent"] for each in (*changed["dependents"], *created["dependents"])] == [None, None]
    assert [effect["enrollment"] for effect in created["enrollmentEffects"]] == [None]
    result = await upsert(office, *items, idempotencyKey="k")
    assert result["summary"] == preview["summary"]
    kept = ("index", "outcome", "changedFields", "userErrors")
    assert [[each[name] for name in kept] for each in result["results"]] == [
        [each[name] for name in kept] for each in preview["results"]
    ]


async def test_repeated_key_has_one_effect(office: Office) -> None:
    await office.open_plan_year()
    input = {
        "employerId": office.employer,
        "employees": [person("E-1", ssn="219-09-9999", dependents=[BEN | {"ssn": "219-09-9998"}])],
        "idempotencyKey": "k",
    }
    first = await call(office, "upsertEmployees", input)
    before = await office.read_all_rows()
    second = await call(office, "upsertEmployees", input)
    assert (second.replayed, second.payload) == (True, first.payload)
    assert await office.read_all_rows() == before
    for path in ("employee", "dependent"):
        employees: list[Any] = [person("E-1", ssn="219-09-9999", dependents=[BEN | {"ssn": "219-09-9998"}])]
        target = employees[0] if path == "employee" else employees[0]["dependents"][0]
        target["ssn"] = "219-09-9997"
        response = await call(office, "upsertEmployees", input | {"employees": employees})
        assert response.refusals == ["IDEMPOTENCY_KEY_REUSED idempotencyKey"]


async def test_call_with_refused_items_alone_stores_no_key(office: Office) -> None:
    input = {"employerId": office.employer, "employees": [person("E-1", " ")], "idempotencyKey": "k"}
    before = await office.read_all_rows()
    assert (await call(office, "upsertEmployees", input)).refusals == ["INVALID_INPUT employees.0.firstName"]
    assert await office.read_all_rows() == before
    fixed = await call(office, "upsertEmployees", input | {"employees": [person("E-1")]})
    assert (fixed.is_applied, fixed.replayed) == (True, False)


async def test_service_of_another_employer_finds_no_employer(office: Office) -> None:
    ada = await office.hire(external_id="E-1")
    other = await create_office(office.database, tenant="globex")
    viewer = service_viewer(employer=other.employer, actions=[Action.UPSERT_EMPLOYEES])
    employees = [{"externalId": "E-2", "employeeId": ada}]
    response = await call(
        office, "upsertEmployees", {"employerId": office.employer, "employees": employees}, viewer=viewer
    )
    assert (response.refusals, response.errors) == (["NOT_FOUND employerId"], [])
