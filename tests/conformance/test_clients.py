"""Apollo Client and urql: an employee looks, elects, looks again and elects once too often; a stranger gets nowhere."""

from collections.abc import Iterator
from typing import Any

import pytest
from gateway import Gateway, serving
from nodejs import installed, needs_node

pytestmark = [pytest.mark.conformance, needs_node]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with serving() as gateway:
        yield gateway


@pytest.mark.parametrize("client", ["apollo", "urql"])
def test_an_employee_enrolls(client: str, gateway: Gateway) -> None:
    key, employee = gateway.keys["employee"], gateway.samples["employeeId"]
    told = installed().tell(f"clients/{client}.js", gateway.url, key, employee)
    assert {name: step["codes"] for name, step in told.items() if name != "choice"} == {
        "found": [],
        "elected": [],
        "read": [],
        "refused": [],
        "stranger": ["UNAUTHENTICATED"],
    }
    choice = told["choice"]
    pending = told["found"]["data"]["employee"]["enrollments"]["nodes"]
    assert {each["status"] for each in pending} == {"PENDING"}
    assert {each["id"] for each in pending} <= set(gateway.samples["pendingEnrollmentIds"])
    assert choice["enrollmentId"] == pending[0]["id"]
    elected = told["elected"]["data"]["elect"]
    assert elected["userErrors"] == []
    assert [answered(each) for each in elected["enrollments"]] == [taken(choice)]
    assert answered(told["read"]["data"]["enrollment"]) == taken(choice)
    refused = told["refused"]["data"]["elect"]
    assert refused["enrollments"] is None
    assert [error["code"] for error in refused["userErrors"]] == ["ENROLLMENT_NOT_PENDING"]
    assert told["stranger"]["data"] is None


@pytest.mark.parametrize(("method", "operation"), [("POST", "ofEmployee"), ("GET", "count")])
def test_apollo_sends_a_query_once_and_then_its_hash_alone(method: str, operation: str, gateway: Gateway) -> None:
    key, employee = gateway.keys["employee"], gateway.samples["employeeId"]
    told = installed().tell("clients/persisted.js", gateway.url, key, employee, method, operation)
    assert len(told["requests"]) == 3, told
    asked, registered, by_hash = told["requests"]
    assert (asked["method"], asked["query"], asked["errors"]) == (method, None, ["PersistedQueryNotFound"])
    assert (registered["method"], registered["errors"]) == ("POST", [])
    assert registered["query"].startswith("query ")
    assert (by_hash["method"], by_hash["query"], by_hash["errors"]) == (method, None, [])
    assert asked["hash"] == registered["hash"] == by_hash["hash"] is not None
    first, again = told["answers"]
    assert first["employee"]["id"] == employee
    assert first == again


def answered(enrollment: dict[str, Any]) -> tuple[str, str, str]:
    return enrollment["id"], enrollment["status"], enrollment["selectedPlan"]["id"]


def taken(choice: dict[str, str]) -> tuple[str, str, str]:
    return choice["enrollmentId"], "ENROLLED", choice["selectedPlanId"]
