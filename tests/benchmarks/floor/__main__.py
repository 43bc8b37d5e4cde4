"""The floor's server: aiohttp without a router, asyncpg without its pool, and the statements of this directory."""

import asyncio
import hashlib
import secrets
import sys
from collections import deque
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import uvloop
from aiohttp import web

from benegraph.domain.ids import IdPrefix, new_id

HERE = Path(__file__).parent
CONNECTIONS = 10

Statements = dict[str, Any]


class Connections:
    """A last-in-first-out pool of connections with prepared statements."""

    def __init__(self) -> None:
        self._idle: list[tuple[Any, Statements]] = []
        self._waiting: deque[asyncio.Future[tuple[Any, Statements]]] = deque()

    async def open(self, url: str, style: str) -> None:
        texts = {path.stem: path.read_text() for directory in (HERE, HERE / style) for path in directory.glob("*.sql")}
        for _ in range(CONNECTIONS):
            connection = await asyncpg.connect(url, server_settings={"application_name": "floor", "jit": "off"})
            statements = {name: await connection.prepare(text) for name, text in texts.items()}
            await connection.execute("SELECT")  # releases the locks of preparing
            self._idle.append((connection, statements))

    async def acquire(self) -> tuple[Any, Statements]:
        if self._idle:
            return self._idle.pop()
        waiter: asyncio.Future[tuple[Any, Statements]] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        return await waiter

    def release(self, acquired: tuple[Any, Statements]) -> None:
        if self._waiting:
            self._waiting.popleft().set_result(acquired)
        else:
            self._idle.append(acquired)


@cache
def begin_sql(tenant: str) -> str:
    """Return the statements that begin a tenant's transaction, in one round trip.

    SELECT set_config would take a few microseconds longer.
    """
    quoted = tenant.replace("'", "''")  # no backslash escapes: standard_conforming_strings is on
    return f"BEGIN; SET LOCAL app.tenant = '{quoted}'"


async def run(connections: Connections, tenant: str, name: str, *arguments: Any) -> str | None:
    """Run a statement in its own transaction and return its text; without a row, roll back and return None."""
    acquired = await connections.acquire()
    connection, statements = acquired
    try:
        await connection.execute(begin_sql(tenant))
        text: str | None = await statements[name].fetchval(tenant, *arguments)
        await connection.execute("ROLLBACK" if text is None else "COMMIT")
    except BaseException:
        await connection.execute("ROLLBACK")
        raise
    finally:
        connections.release(acquired)
    return text


async def elect(connections: Connections, tenant: str, input: Any) -> str:
    (election,) = input["elections"]
    text = await run(
        connections,
        tenant,
        "elect",
        input["employeeId"],
        election["enrollmentId"],
        election["selectedPlanId"],
        input["idempotencyKey"],
        hashlib.sha256(orjson.dumps(input["elections"])).digest(),
        new_id(IdPrefix.EVENT, datetime.now(UTC)),
        secrets.token_hex(12),
    )
    # The reason would take another statement; no measured request is refused.
    return text or '{"data":{"elect":{"enrollments":null,"userErrors":[{"code":"ENROLLMENT_NOT_PENDING"}]}}}'


def handler(connections: Connections) -> Any:
    headers = {"Content-Type": "application/json"}

    async def handle(request: web.BaseRequest) -> web.Response:
        body = orjson.loads(await request.read())
        tenant, operation, variables = request.headers["X-Tenant"], body["operationName"], body["variables"]
        if operation == "Person":
            text = await run(connections, tenant, "person", variables["id"])
        elif operation == "Coverage":
            text = await run(connections, tenant, "coverage", variables["id"])
        elif operation == "Roster":
            text = await run(connections, tenant, "roster", variables["id"], variables["first"])
        else:
            text = await elect(connections, tenant, variables["input"])
        return web.Response(body=(text or '{"data":null}').encode(), headers=headers)

    return handle


async def serve(url: str, style: str = "") -> None:
    """Serve on a free port, and print the address. A style replaces some statements with those of its directory."""
    connections = Connections()
    await connections.open(url, style)
    runner = web.ServerRunner(web.Server(handler(connections), access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}/graphql\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


uvloop.run(serve(*sys.argv[1:]))
