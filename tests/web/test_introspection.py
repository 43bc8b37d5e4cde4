"""Introspection is limited to the configured roles."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from api_client import ApiClient, running_api, status_and_codes
from graphql import get_introspection_query

from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action, KeyLimits, Role
from benegraph.domain.values import Clock
from benegraph.services.access import issue_key
from benegraph.settings import GatewayConfig
from factories.access import administrator
from factories.office import create_office

INTROSPECTION_QUERY = "{ __schema { queryType { name } } }"
INTROSPECTION_QUERIES = [
    INTROSPECTION_QUERY,
    '{ __type(name: "Plan") { name } }',
    "{ s: __schema { queryType { name } } }",
    "{ ...S } fragment S on Query { ... { __schema { queryType { name } } } }",
    "{ viewer { role } __schema { queryType { name } } }",
]


@pytest.fixture
async def keys(database: Database, clock: Clock) -> dict[Role, str]:
    office = await create_office(database)
    employee = await office.hire("Ada")
    all_limits = (
        KeyLimits(Role.ADMINISTRATOR),
        KeyLimits(Role.EMPLOYER, office.employer),
        KeyLimits(Role.EMPLOYEE, office.employer, employee),
        KeyLimits(Role.SERVICE, None, None, frozenset({Action.ELECT})),
    )

    async def issue(tx: Transaction) -> dict[Role, str]:
        return {limits.role: (await issue_key(tx, limits, "k"))[1] for limits in all_limits}

    return await database.transact(administrator(), clock, issue)


@pytest.fixture
async def api(database: Database, clock: Clock) -> AsyncIterator[ApiClient]:
    async with running_api(database, clock) as api:
        yield api


def auth(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("query", INTROSPECTION_QUERIES)
async def test_employee_may_not_introspect(api: ApiClient, keys: dict[Role, str], query: str) -> None:
    response = await api.http.post("/graphql", json={"query": query}, headers=auth(keys[Role.EMPLOYEE]))
    assert await status_and_codes(response) == (403, ["FORBIDDEN"])
    assert "Query" not in await response.text()


MISSPELLED: list[tuple[str, dict[str, Any], str]] = [
    ("{ viewer { rol } }", {}, "'role'"),
    ("{ employees(filtr: {}) { totalCount } }", {}, "'filter'"),
    ("{ node(id: 1) { ... on Plam { name } } }", {}, "'Plan'"),
    ("{ employees(filter: {searchh: 1}) { totalCount } }", {}, "'search'"),
    ("{ employees(orderBy: {field: LAST_NAMES}) { totalCount } }", {}, "'LAST_NAME'"),
    ("query($f: EmployeeFilterr) { employees(filter: $f) { totalCount } }", {}, "'EmployeeFilter'"),
    ("query($f: EmployeeFilter) { employees(filter: $f) { totalCount } }", {"f": {"searchh": "A"}}, "'search'"),
    (
        "query($o: EmployeeOrder) { employees(orderBy: $o) { totalCount } }",
        {"o": {"field": "LAST_NAMES"}},
        "'LAST_NAME'",
    ),
]


@pytest.mark.parametrize(("query", "variables", "name"), MISSPELLED)
async def test_errors_suggest_names_only_to_roles_that_may_introspect(
    api: ApiClient, keys: dict[Role, str], query: str, variables: dict[str, Any], name: str
) -> None:
    body = {"query": query, "variables": variables}
    # Each role twice, because a message for one role must not be cached for another.
    for role in (Role.ADMINISTRATOR, Role.EMPLOYEE, Role.SERVICE, Role.EMPLOYEE, Role.EMPLOYER, Role.ADMINISTRATOR):
        response = await api.http.post("/graphql", json=body, headers=auth(keys[role]))
        (error,) = (await response.json())["errors"]
        assert error["extensions"]["code"] in {"VALIDATION_FAILED", "BAD_USER_INPUT"}
        suggestion = error["message"].partition("Did you mean")[2]
        if role is Role.EMPLOYEE:
            assert suggestion == ""
            assert name not in error["message"]
        else:
            assert name in suggestion


async def test_errors_suggest_names_to_no_role_if_none_may_introspect(
    database: Database, clock: Clock, keys: dict[Role, str]
) -> None:
    async with running_api(database, clock, config=GatewayConfig(introspection=frozenset())) as api:
        for key in keys.values():
            for query, variables, name in MISSPELLED:
                body = {"query": query, "variables": variables}
                text = await (await api.http.post("/graphql", json=body, headers=auth(key))).text()
                assert "Did you mean" not in text
                assert name not in text


async def test_unauthenticated_requests_get_no_suggestion(api: ApiClient) -> None:
    for headers in ({}, auth("bgk_" + "A" * 43)):
        for query, variables, name in MISSPELLED:
            body = {"query": query, "variables": variables}
            response = await api.http.post("/graphql", json=body, headers=headers)
            assert await status_and_codes(response) == (401, ["UNAUTHENTICATED"])
            assert name not in await response.text()


async def test_other_roles_may_introspect(api: ApiClient, keys: dict[Role, str]) -> None:
    for role in (Role.ADMINISTRATOR, Role.EMPLOYER, Role.SERVICE):
        response = await api.http.post("/graphql", json={"query": INTROSPECTION_QUERY}, headers=auth(keys[role]))
        assert (await response.json())["data"] == {"__schema": {"queryType": {"name": "Query"}}}
        assert (await api.http.get("/schema.graphql", headers=auth(keys[role]))).status == 200
    response_to_employee = await api.http.get("/schema.graphql", headers=auth(keys[Role.EMPLOYEE]))
    assert await status_and_codes(response_to_employee) == (403, ["FORBIDDEN"])


async def test_setting_allows_introspection_to_all_roles_or_none(
    database: Database, clock: Clock, keys: dict[Role, str]
) -> None:
    for roles, status in ((frozenset(Role), 200), (frozenset[Role](), 403)):
        async with running_api(database, clock, config=GatewayConfig(introspection=roles)) as api:
            for key in keys.values():
                body = {"query": get_introspection_query()}
                assert (await api.http.post("/graphql", json=body, headers=auth(key))).status == status
                assert (await api.http.get("/schema.graphql", headers=auth(key))).status == status


async def test_employee_may_query_typename(api: ApiClient, keys: dict[Role, str]) -> None:
    body = {"query": "{ __typename viewer { __typename } }"}
    response = await api.http.post("/graphql", json=body, headers=auth(keys[Role.EMPLOYEE]))
    assert (await response.json())["data"] == {"__typename": "Query", "viewer": {"__typename": "Viewer"}}
