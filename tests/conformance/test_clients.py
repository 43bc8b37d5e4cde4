"""Apollo Client and urql: an employee reads, elects, reads again and is refused; lists are read from their end."""

from collections.abc import Iterator
from typing import Any

import pytest
from gateway import Gateway, run_gateway
from nodejs import needs_node, node_with_packages

pytestmark = [pytest.mark.conformance, needs_node]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with run_gateway() as gateway:
        yield gateway


@pytest.mark.parametrize("client", ["apollo", "urql"])
def test_employee_enrolls_through_each_client(client: str, gateway: Gateway) -> None:
    key, employee = gateway.keys["employee"], gateway.samples["employeeId"]
    steps = node_with_packages().run_json(f"clients/{client}.js", gateway.url, key, employee)
    assert {name: step["codes"] for name, step in steps.items() if name != "election"} == {
        "initial": [],
        "elected": [],
        "read": [],
        "refused": [],
        "unknownKey": ["UNAUTHENTICATED"],
    }
    election = steps["election"]
    pending = steps["initial"]["data"]["employee"]["enrollments"]["nodes"]
    assert {each["status"] for each in pending} == {"PENDING"}
    assert {each["id"] for each in pending} <= set(gateway.samples["pendingEnrollmentIds"])
    assert election["enrollmentId"] == pending[0]["id"]
    elected = steps["elected"]["data"]["elect"]
    assert elected["userErrors"] == []
    assert [fields_of(each) for each in elected["enrollments"]] == [expected_of(election)]
    assert fields_of(steps["read"]["data"]["enrollment"]) == expected_of(election)
    refused = steps["refused"]["data"]["elect"]
    assert refused["enrollments"] is None
    assert [error["code"] for error in refused["userErrors"]] == ["ENROLLMENT_NOT_PENDING"]
    assert steps["unknownKey"]["data"] is None


@pytest.mark.parametrize(("method", "operation"), [("POST", "ofEmployee"), ("GET", "count")])
def test_apollo_sends_the_query_once_and_its_hash_afterwards(method: str, operation: str, gateway: Gateway) -> None:
    key, employee = gateway.keys["employee"], gateway.samples["employeeId"]
    log = node_with_packages().run_json("clients/persisted.js", gateway.url, key, employee, method, operation)
    assert len(log["requests"]) == 3, log
    unknown, registered, by_hash = log["requests"]
    assert (unknown["method"], unknown["query"], unknown["errors"]) == (method, None, ["PersistedQueryNotFound"])
    assert (registered["method"], registered["errors"]) == ("POST", [])
    assert registered["query"].startswith("query ")
    assert (by_hash["method"], by_hash["query"], by_hash["errors"]) == (method, None, [])
    assert unknown["hash"] == registered["hash"] == by_hash["hash"] is not None
    first, again = log["results"]
    assert first["employee"]["id"] == employee
    assert first == again


def test_apollo_merges_pages_from_the_end_of_a_list(gateway: Gateway) -> None:
    size = 7
    read = node_with_packages().run_json("clients/backward.js", gateway.url, gateway.keys["employer"], str(size))
    forward = read["forward"]
    assert len(forward) > 3 * size
    assert read["merged"] == forward
    ends = range(len(forward), 0, -size)
    assert read["pages"] == [forward[max(0, end - size) : end] for end in ends]
    assert (read["pageInfo"]["hasPreviousPage"], read["pageInfo"]["hasNextPage"]) == (False, False)


def fields_of(enrollment: dict[str, Any]) -> tuple[str, str, str]:
    return enrollment["id"], enrollment["status"], enrollment["selectedPlan"]["id"]


def expected_of(election: dict[str, str]) -> tuple[str, str, str]:
    return election["enrollmentId"], "ENROLLED", election["selectedPlanId"]
