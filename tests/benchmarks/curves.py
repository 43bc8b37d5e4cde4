"""Curves: throughput as the answer grows, and what a point read costs the gateway as tenants and rows grow."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from . import load
from .agreement import agree, headers_of
from .contenders import CONTENDERS, GATEWAY, Running, running
from .measuring import Meter
from .turns import Field, Pace, take_turn
from .workloads import WORKLOADS, cases_of
from .world import Tenancy, World, build_tenants

SIZES = (1, 5, 20, 50, 100)
#: How many tenants, and so how many times the rows, there are.
TENANTS = (1, 10, 50)
_EMPLOYEES = 400
_BODIES = 1000
_AGREED = 5

Tell = Callable[[str], None]
Point = dict[str, Any]


def throughput_by_size(contenders: Sequence[Running], field: Field, pace: Pace, tell: Tell) -> list[Point]:
    """Ask for ever more employees of an employer, each with their enrollments; one turn for each contender and size."""
    workload = WORKLOADS["W3"]
    points: list[Point] = []
    for first in SIZES:
        cases = [{**case, "first": first} for case in field.cases[workload.name]]
        answers = asyncio.run(agree(contenders, field.world, workload, cases[:_AGREED]))
        there = replace(field, cases={workload.name: cases}, answers={workload.name: answers})
        for each in contenders:
            turn = take_turn(each, workload, there, pace)
            points.append(
                {"first": first, "contender": each.name, "rate": turn.rate, "answer_bytes": turn.answer_bytes}
            )
            tell(f"first: {first:<4} {each.name:<12} {turn.rate:>8,.0f} req/s")
    return points


def cost_by_growth(server_url: str, postmaster: int | None, place: Path, pace: Pace, tell: Tell) -> list[Point]:
    """Read employees one at a time, from databases of ever more tenants; CPU in ms a request, medians of the rounds."""
    costs: dict[int, list[tuple[float, float]]] = {}
    with ExitStack() as stack:
        ready: dict[int, tuple[Running, Path]] = {}
        for tenants in TENANTS:
            tenancies = [Tenancy(f"tenant-{number}", _EMPLOYEES) for number in range(1, tenants + 1)]
            worlds, room = build_tenants(server_url, tenancies), place / str(tenants)
            room.mkdir()
            (gateway,) = stack.enter_context(running([CONTENDERS[GATEWAY]], worlds[0], room))
            _write(room / "requests", gateway, worlds)
            load.run(gateway.url, room / "requests", seconds=1, connections=pace.connections, check=True)
            ready[tenants] = gateway, room / "requests"
        for _ in range(pace.rounds):
            for tenants, (gateway, requests) in ready.items():
                cost = _cost(Meter(gateway.pid, postmaster), gateway, requests, pace)
                costs.setdefault(tenants, []).append(cost)
                tell(f"{tenants:>3} tenants {sum(cost):.3f} ms of CPU a point read")
    return [
        {
            "tenants": tenants,
            "employees": tenants * _EMPLOYEES,
            "server_cpu": median(server for server, _ in each),
            "postgres_cpu": median(postgres for _, postgres in each),
        }
        for tenants, each in costs.items()
    ]


def _cost(meter: Meter, gateway: Running, requests: Path, pace: Pace) -> tuple[float, float]:
    meter.await_idle()
    before = meter.read()
    done = load.run(gateway.url, requests, seconds=pace.turn, connections=pace.connections)
    server, postgres = (later - earlier for earlier, later in zip(before, meter.read(), strict=True))
    return server * 1000 / done.requests, postgres * 1000 / done.requests


def _write(path: Path, gateway: Running, worlds: Sequence[World]) -> None:
    """Write out requests to all tenants in turn, each with its own key."""
    workload, dialect = WORKLOADS["W1"], gateway.contender.dialect

    async def found() -> list[Any]:
        connection = await worlds[0].connect()  # as the owner, to whom they all are one database
        try:
            return [await cases_of(connection, world.tenant, workload) for world in worlds]
        finally:
            await connection.close()

    each = _BODIES // len(worlds)
    by_tenant = [cases[:each] for cases in asyncio.run(found())]
    load.write_requests(
        path,
        gateway.url,
        (
            (headers_of(world), dialect.body(workload, case, world.tenant, ""))
            for cases in zip(*by_tenant, strict=True)
            for world, case in zip(worlds, cases, strict=True)
        ),
    )
