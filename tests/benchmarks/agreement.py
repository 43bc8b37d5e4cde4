"""Agreement: before anything is timed, all contenders give the same answers, and elections leave the same behind."""

import http.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson

from . import elections
from .contenders import Running
from .workloads import ELECT, Case, Workload
from .world import World

_PATIENCE = 60.0


class Disagreement(RuntimeError):
    """Two contenders give different answers, or one gives none; the message says where."""


def headers_of(world: World) -> dict[str, str]:
    """Give what every contender is sent; the gateway looks at the key, the others believe the tenant."""
    return {"Content-Type": "application/json", "Authorization": f"Bearer {world.key}", "X-Tenant": world.tenant}


def ask(running: Running, world: World, workload: Workload, cases: Sequence[Case]) -> list[Any]:
    """Ask a contender about each case, in the gateway's shape. Raises Disagreement where it answers with errors."""
    answers = []
    with _connection(running.url) as connection:
        for case in cases:
            body = running.contender.dialect.body(workload, case, world.tenant, uuid4().hex)
            connection.request("POST", "/graphql", orjson.dumps(body), headers_of(world))
            response = connection.getresponse()
            text = response.read()
            answer = orjson.loads(text) if response.status == http.client.OK else {"errors": text.decode()}
            if "errors" in answer or not isinstance(answer.get("data"), dict):
                raise Disagreement(f"{running.name} answers {workload.name} with {response.status}: {answer}")
            answers.append(running.contender.dialect.read(answer["data"]))
    return answers


async def agree(
    contenders: Sequence[Running], world: World, workload: Workload, cases: Sequence[Case]
) -> Sequence[Any]:
    """Ask all the same, and give what they agree on. Raises Disagreement."""
    able = [each for each in contenders if workload.name not in each.contender.unable]
    if workload.name == ELECT:
        return await _agree_on_elections(able, world, workload, cases)
    found = {each.name: ask(each, world, workload, cases) for each in able}
    _compare(workload, found)
    return found[able[0].name]


async def _agree_on_elections(
    contenders: Sequence[Running], world: World, workload: Workload, cases: Sequence[Case]
) -> Sequence[Any]:
    ids = [case["enrollment"] for case in cases]
    connection = await world.connect()
    try:
        found: dict[str, dict[str, Any]] = {}
        for each in contenders:
            await elections.take_back(connection, world.tenant)
            answers = ask(each, world, workload, cases)
            found[each.name] = {
                "answers": answers,
                "state": await elections.state_of(connection, world.tenant, ids),
            }
        await elections.take_back(connection, world.tenant)
    finally:
        await connection.close()
    _compare(workload, found)
    answers = found[contenders[0].name]["answers"]
    return list(answers)


def _compare(workload: Workload, found: Mapping[str, Any]) -> None:
    first, *others = found
    for other in others:
        for place, expected, got in differences(found[first], found[other], ""):
            raise Disagreement(f"{workload.name}{place}: {first} says {expected!r}, {other} says {got!r}")


def differences(one: Any, other: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Find where two answers differ, by the path there."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            yield from differences(one[name], other[name], f"{place}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{place}[{number}]")
    elif one != other:
        yield place, one, other


@contextmanager
def _connection(url: str) -> Iterator[http.client.HTTPConnection]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=_PATIENCE)
    try:
        yield connection
    finally:
        connection.close()
