"""Curves: throughput by response size, and the gateway's cost of a point read by the number of tenants and rows."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from . import load
from .agreement import check_agreement, headers_of
from .contenders import CONTENDERS, GATEWAY, RunningContender, run_contenders
from .measuring import CpuMeter
from .turns import BenchmarkSetup, Pace, run_turn
from .workloads import WORKLOADS, load_cases
from .world import TenantSize, World, build_tenant_worlds

#: The page sizes of the first curve.
SIZES = (1, 5, 20, 50, 100)
#: The numbers of tenants of the second curve; the rows grow in proportion.
TENANTS = (1, 10, 50)
_EMPLOYEES = 400
_BODIES = 1000
_COMPARED = 5

Log = Callable[[str], None]
Point = dict[str, Any]


def throughput_by_size(
    contenders: Sequence[RunningContender], setup: BenchmarkSetup, pace: Pace, log: Log
) -> list[Point]:
    """Measure an employer's employees with their enrollments at each page size: one turn for each contender."""
    workload = WORKLOADS["W3"]
    points: list[Point] = []
    for first in SIZES:
        cases = [{**case, "first": first} for case in setup.cases[workload.name]]
        responses = asyncio.run(check_agreement(contenders, setup.world, workload, cases[:_COMPARED]))
        resized = replace(setup, cases={workload.name: cases}, responses={workload.name: responses})
        for each in contenders:
            turn = run_turn(each, workload, resized, pace)
            points.append(
                {"first": first, "contender": each.name, "rate": turn.rate, "answer_bytes": turn.answer_bytes}
            )
            log(f"first: {first:<4} {each.name:<12} {turn.rate:>8,.0f} req/s")
    return points


def cost_by_growth(server_url: str, postmaster: int | None, directory: Path, pace: Pace, log: Log) -> list[Point]:
    """Measure reads of one employee on databases of different sizes: CPU in ms a request, median of the rounds."""
    costs: dict[int, list[tuple[float, float]]] = {}
    with ExitStack() as stack:
        ready: dict[int, tuple[RunningContender, Path]] = {}
        for tenants in TENANTS:
            sizes = [TenantSize(f"tenant-{number}", _EMPLOYEES) for number in range(1, tenants + 1)]
            worlds, subdirectory = build_tenant_worlds(server_url, sizes), directory / str(tenants)
            subdirectory.mkdir()
            contenders = run_contenders([CONTENDERS[GATEWAY]], worlds[0], subdirectory)
            (gateway,) = stack.enter_context(contenders)
            _write_requests(subdirectory / "requests", gateway, worlds)
            load.run(gateway.url, subdirectory / "requests", seconds=1, connections=pace.connections, check=True)
            ready[tenants] = gateway, subdirectory / "requests"
        for _ in range(pace.rounds):
            for tenants, (gateway, requests) in ready.items():
                cost = _cost(CpuMeter(gateway.pid, postmaster), gateway, requests, pace)
                costs.setdefault(tenants, []).append(cost)
                log(f"{tenants:>3} tenants {sum(cost):.3f} ms of CPU a point read")
    return [
        {
            "tenants": tenants,
            "employees": tenants * _EMPLOYEES,
            "server_cpu": median(server for server, _ in each),
            "postgres_cpu": median(postgres for _, postgres in each),
        }
        for tenants, each in costs.items()
    ]


def _cost(meter: CpuMeter, gateway: RunningContender, requests: Path, pace: Pace) -> tuple[float, float]:
    meter.await_idle()
    before = meter.read()
    result = load.run(gateway.url, requests, seconds=pace.turn, connections=pace.connections)
    server, postgres = (later - earlier for earlier, later in zip(before, meter.read(), strict=True))
    return server * 1000 / result.requests, postgres * 1000 / result.requests


def _write_requests(path: Path, gateway: RunningContender, worlds: Sequence[World]) -> None:
    """Write requests to all tenants in turn, each with its own key."""
    workload, dialect = WORKLOADS["W1"], gateway.contender.dialect

    async def load_all() -> list[Any]:
        connection = await worlds[0].connect()  # the owner, past row-level security, sees all tenants
        try:
            return [await load_cases(connection, world.tenant, workload) for world in worlds]
        finally:
            await connection.close()

    count = _BODIES // len(worlds)
    by_tenant = [cases[:count] for cases in asyncio.run(load_all())]
    load.write_requests(
        path,
        gateway.url,
        (
            (headers_of(world), dialect.body(workload, case, world.tenant, ""))
            for cases in zip(*by_tenant, strict=True)
            for world, case in zip(worlds, cases, strict=True)
        ),
    )
