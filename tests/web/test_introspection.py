"""Who may read the schema itself: by role, as the gateway is set up; and that nothing else gives its names away."""

from collections.abc import AsyncIterator

import pytest
from calling import Caller, calling, told
from graphql import get_introspection_query

from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action, Role
from benegraph.domain.values import Clock
from benegraph.services.access import KeyScope, issue_key
from benegraph.settings import GatewayConfig
from factories.access import administrator
from factories.office import create_office

SCHEMA = "{ __schema { queryType { name } } }"
HIDDEN = [
    SCHEMA,
    '{ __type(name: "Plan") { name } }',
    "{ s: __schema { queryType { name } } }",
    "{ ...S } fragment S on Query { ... { __schema { queryType { name } } } }",
    "{ viewer { role } __schema { queryType { name } } }",
]


@pytest.fixture
async def keys(database: Database, clock: Clock) -> dict[Role, str]:
    office = await create_office(database)
    employee = await office.hire("Ada")
    scopes = (
        KeyScope(Role.ADMINISTRATOR),
        KeyScope(Role.EMPLOYER, office.employer),
        KeyScope(Role.EMPLOYEE, office.employer, employee),
        KeyScope(Role.SERVICE, None, None, frozenset({Action.ELECT})),
    )

    async def issue(tx: Transaction) -> dict[Role, str]:
        return {scope.role: (await issue_key(tx, scope, "k"))[1] for scope in scopes}

    return await database.transact(administrator(), clock, issue)


@pytest.fixture
async def caller(database: Database, clock: Clock) -> AsyncIterator[Caller]:
    async with calling(database, clock) as caller:
        yield caller


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("query", HIDDEN)
async def test_an_employees_key_does_not_read_the_schema(caller: Caller, keys: dict[Role, str], query: str) -> None:
    response = await caller.client.post("/graphql", json={"query": query}, headers=bearer(keys[Role.EMPLOYEE]))
    assert await told(response) == (403, ["FORBIDDEN"])
    assert "Query" not in await response.text()


async def test_the_other_roles_do(caller: Caller, keys: dict[Role, str]) -> None:
    for role in (Role.ADMINISTRATOR, Role.EMPLOYER, Role.SERVICE):
        response = await caller.client.post("/graphql", json={"query": SCHEMA}, headers=bearer(keys[role]))
        assert (await response.json())["data"] == {"__schema": {"queryType": {"name": "Query"}}}
        assert (await caller.client.get("/schema.graphql", headers=bearer(keys[role]))).status == 200
    refused = await caller.client.get("/schema.graphql", headers=bearer(keys[Role.EMPLOYEE]))
    assert await told(refused) == (403, ["FORBIDDEN"])


async def test_a_gateway_may_open_it_to_all_or_to_none(database: Database, clock: Clock, keys: dict[Role, str]) -> None:
    for roles, status in ((frozenset(Role), 200), (frozenset[Role](), 403)):
        async with calling(database, clock, config=GatewayConfig(introspection=roles)) as caller:
            for key in keys.values():
                body = {"query": get_introspection_query()}
                assert (await caller.client.post("/graphql", json=body, headers=bearer(key))).status == status
                assert (await caller.client.get("/schema.graphql", headers=bearer(key))).status == status


async def test_the_name_of_an_objects_type_is_no_secret(caller: Caller, keys: dict[Role, str]) -> None:
    body = {"query": "{ __typename viewer { __typename } }"}
    response = await caller.client.post("/graphql", json=body, headers=bearer(keys[Role.EMPLOYEE]))
    assert (await response.json())["data"] == {"__typename": "Query", "viewer": {"__typename": "Viewer"}}
