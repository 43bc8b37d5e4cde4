"""A client that calls the gateway over real HTTP on the loopback interface."""

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
from benegraph.domain.access import KeyLimits, Role
from benegraph.domain.values import Clock
from benegraph.graphql.schema import build_schema
from benegraph.services.access import issue_key
from benegraph.web.app import create_app
from benegraph.web.middleware import AccessLog
from factories.access import TENANT, administrator, make_tenant


@cache
def schema() -> strawberry.Schema:
    return build_schema()


@dataclass(frozen=True)
class ApiClient:
    """A client with an administrator's API key."""

    http: TestClient[web.Request, web.Application]
    app: web.Application
    key: str

    @property
    def auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    async def post(self, query: str, variables: dict[str, Any] | None = None, **headers: str) -> ClientResponse:
        """Post a query. Keyword arguments are headers, with underscores for hyphens."""
        return await self.http.post(
            "/graphql", json={"query": query, "variables": variables}, headers=self.auth | _header_names(headers)
        )

    async def post_body(self, body: bytes, **headers: str) -> ClientResponse:
        """Post a body unchanged. Keyword arguments are headers, with underscores for hyphens."""
        all_headers = self.auth | {"Content-Type": "application/json"} | _header_names(headers)
        return await self.http.post("/graphql", data=BytesIO(body), headers=all_headers)

    async def get(self, **parameters: str) -> ClientResponse:
        return await self.http.get("/graphql", params=parameters, headers=self.auth)


@asynccontextmanager
async def running_api(
    database: Database,
    clock: Clock,
    graphql_schema: strawberry.Schema | None = None,
    *,
    access_log: type[AccessLog] = AccessLog,
    **options: Any,
) -> AsyncIterator[ApiClient]:
    """Serve an application, created with these options, and yield a client of it."""
    app = create_app(database, graphql_schema or schema(), fixed_on=clock.fixed_on, **options)
    key = await create_key(database, clock)
    server = TestServer(app)
    await server.start_server(access_log_class=access_log)
    async with TestClient(server) as client:
        yield ApiClient(client, app, key)


async def create_key(
    database: Database,
    clock: Clock,
    *,
    tenant: str = TENANT,
    key: str | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Create an administrator's API key. With `key`, make an existing key valid in another tenant."""
    await make_tenant(database, clock, tenant=tenant)
    _, issued_key = await database.transact(
        administrator(tenant),
        clock,
        lambda tx: issue_key(tx, KeyLimits(Role.ADMINISTRATOR), "test", expires_at=expires_at, key=key),
    )
    return issued_key


async def status_and_codes(response: ClientResponse) -> tuple[int, list[str]]:
    """Return a response's status and its errors' codes. Check that the body is a GraphQL response."""
    assert response.content_type in {"application/json", "application/graphql-response+json"}
    body = await response.json(content_type=None)
    assert set(body) <= {"data", "errors", "extensions"}, body
    errors = body.get("errors", [])
    assert all(isinstance(error["message"], str) and error["message"] for error in errors), body
    return response.status, [error["extensions"]["code"] for error in errors]


def _header_names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
