"""Agreement: before the measurement, all contenders return the same responses, and elections leave the same rows."""

import http.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson

from . import elections
from .contenders import RunningContender
from .workloads import ELECT, Case, Workload
from .world import World

_TIMEOUT = 60.0


class Disagreement(RuntimeError):
    """Two contenders return different responses, or one returns an error; the message names the place."""


def headers_of(world: World) -> dict[str, str]:
    """Return the headers of every request. The gateway checks the key; the other contenders trust the tenant."""
    return {"Content-Type": "application/json", "Authorization": f"Bearer {world.key}", "X-Tenant": world.tenant}


def send_cases(contender: RunningContender, world: World, workload: Workload, cases: Sequence[Case]) -> list[Any]:
    """Send a request for each case, and return the data in the gateway's shape. Raises Disagreement on errors."""
    responses = []
    dialect = contender.contender.dialect
    with _connection(contender.url) as connection:
        for case in cases:
            body = dialect.body(workload, case, world.tenant, uuid4().hex)
            connection.request("POST", "/graphql", orjson.dumps(body), headers_of(world))
            response = connection.getresponse()
            text = response.read()
            content = orjson.loads(text) if response.status == http.client.OK else {"errors": text.decode()}
            if "errors" in content or not isinstance(content.get("data"), dict):
                raise Disagreement(f"{contender.name} answers {workload.name} with {response.status}: {content}")
            responses.append(dialect.normalize(content["data"]))
    return responses


async def check_agreement(
    contenders: Sequence[RunningContender], world: World, workload: Workload, cases: Sequence[Case]
) -> Sequence[Any]:
    """Send the cases to all contenders, and return the common responses. Raises Disagreement."""
    able = [each for each in contenders if workload.name not in each.contender.unsupported]
    if workload.name == ELECT:
        return await _check_elections(able, world, workload, cases)
    responses = {each.name: send_cases(each, world, workload, cases) for each in able}
    _compare(workload, responses)
    return responses[able[0].name]


async def _check_elections(
    contenders: Sequence[RunningContender], world: World, workload: Workload, cases: Sequence[Case]
) -> Sequence[Any]:
    ids = [case["enrollment"] for case in cases]
    connection = await world.connect()
    try:
        results: dict[str, dict[str, Any]] = {}
        for each in contenders:
            await elections.reset_elections(connection, world.tenant)
            responses = send_cases(each, world, workload, cases)
            state = await elections.load_state(connection, world.tenant, ids)
            results[each.name] = {"responses": responses, "state": state}
        await elections.reset_elections(connection, world.tenant)
    finally:
        await connection.close()
    _compare(workload, results)
    return list(results[contenders[0].name]["responses"])


def _compare(workload: Workload, results: Mapping[str, Any]) -> None:
    first, *others = results
    for other in others:
        for path, expected, actual in differences(results[first], results[other], ""):
            raise Disagreement(f"{workload.name}{path}: {first} returns {expected!r}, {other} returns {actual!r}")


def differences(one: Any, other: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the paths at which two JSON values differ, with both values."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            yield from differences(one[name], other[name], f"{path}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{path}[{index}]")
    elif one != other:
        yield path, one, other


@contextmanager
def _connection(url: str) -> Iterator[http.client.HTTPConnection]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=_TIMEOUT)
    try:
        yield connection
    finally:
        connection.close()
