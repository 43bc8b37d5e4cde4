"""Calling the gateway over real HTTP, on loopback: what the tests of the web share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from io import BytesIO
from typing import Any

import strawberry
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from benegraph.db.session import Database
from benegraph.domain.access import Role
from benegraph.domain.values import Clock
from benegraph.graphql import schema as ours
from benegraph.services.access import KeyScope, issue_key
from benegraph.web.app import create_app
from benegraph.web.middleware import AccessLog
from factories.access import TENANT, administrator, make_tenant


@cache
def schema() -> strawberry.Schema:
    return ours.build_schema()


@dataclass(frozen=True)
class Caller:
    """A client, and the key of an administrator it calls with."""

    client: TestClient[web.Request, web.Application]
    app: web.Application
    key: str

    @property
    def auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    async def post(self, query: str, variables: dict[str, Any] | None = None, **headers: str) -> ClientResponse:
        """Post a query; keywords are headers."""
        return await self.client.post(
            "/graphql", json={"query": query, "variables": variables}, headers=self.auth | _named(headers)
        )

    async def send(self, body: bytes, **headers: str) -> ClientResponse:
        """Post a body as it is."""
        given = self.auth | {"Content-Type": "application/json"} | _named(headers)
        return await self.client.post("/graphql", data=BytesIO(body), headers=given)

    async def get(self, **parameters: str) -> ClientResponse:
        return await self.client.get("/graphql", params=parameters, headers=self.auth)


@asynccontextmanager
async def calling(
    database: Database, clock: Clock, graph: strawberry.Schema | None = None, **options: Any
) -> AsyncIterator[Caller]:
    """Serve an app, made with these options, for as long as it is called."""
    app = create_app(database, graph or schema(), fixed_on=clock.fixed_on, **options)
    key = await make_key(database, clock)
    server = TestServer(app)
    await server.start_server(access_log_class=AccessLog)
    async with TestClient(server) as client:
        yield Caller(client, app, key)


async def make_key(
    database: Database,
    clock: Clock,
    *,
    tenant: str = TENANT,
    key: str | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Make an administrator's key, or the same key good for another tenant."""
    await make_tenant(database, clock, tenant=tenant)
    _, made = await database.transact(
        administrator(tenant),
        clock,
        lambda tx: issue_key(tx, KeyScope(Role.ADMINISTRATOR), "test", expires_at=expires_at, key=key),
    )
    return made


async def told(response: ClientResponse) -> tuple[int, list[str]]:
    """Give an answer's status and its errors' codes, having looked that it is of GraphQL's shape."""
    assert response.content_type in {"application/json", "application/graphql-response+json"}
    body = await response.json(content_type=None)
    assert set(body) <= {"data", "errors", "extensions"}, body
    errors = body.get("errors", [])
    assert all(isinstance(error["message"], str) and error["message"] for error in errors), body
    return response.status, [error["extensions"]["code"] for error in errors]


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
