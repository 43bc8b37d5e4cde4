"""Turns: in each round, the contenders run one after another, each alone and on an idle machine."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from . import elections, load
from .agreement import Disagreement, headers_of, send_cases
from .contenders import RunningContender
from .load import LoadError
from .measuring import CpuMeter, Memory, memory_of
from .workloads import ELECT, Case, Workload
from .world import World

#: The warm-up uses at most one in so many pending enrollments.
_WARM_UP_SHARE = 4
_SAMPLES = 2
#: A turn with fewer responses for each connection is repeated, twice as long.
_MIN_RESPONSES = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """The length of turns in seconds, the number of concurrent requests, and the number of rounds.

    Without a warm-up, every response of the turn itself is inspected, so its figures are not a measurement.
    """

    turn: int = 4
    max_turn: int = 16
    warm_up: int = 1
    connections: int = 16
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """The figures of one contender's turn: latencies in milliseconds, CPU in milliseconds for each request."""

    round: int
    workload: str
    contender: str
    rate: float
    p50: float
    p99: float
    server_cpu: float
    postgres_cpu: float
    memory: Memory
    requests: int
    answer_bytes: int

    def as_dict(self) -> Mapping[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class BenchmarkSetup:
    """The conditions of all turns: database, postmaster, cases, expected responses, and a directory for files."""

    world: World
    postmaster: int | None
    cases: Mapping[str, Sequence[Case]]
    responses: Mapping[str, Sequence[Any]]
    directory: Path


def run_turns(
    contenders: Sequence[RunningContender],
    workloads: Sequence[Workload],
    setup: BenchmarkSetup,
    pace: Pace,
    log: Callable[[Turn], None],
) -> Iterator[Turn]:
    """Run every contender on every workload; each round begins with another contender. Raises LoadError."""
    for number in range(pace.rounds):
        for workload in workloads:
            able = [each for each in contenders if workload.name not in each.contender.unsupported]
            for index in range(len(able)):
                contender = able[(number + index) % len(able)]
                try:
                    turn = run_turn(contender, workload, setup, pace, number + 1)
                except (LoadError, Disagreement) as error:
                    raise LoadError(f"{contender.name} on {workload.name}: {error}") from error
                log(turn)
                yield turn


def run_turn(
    contender: RunningContender, workload: Workload, setup: BenchmarkSetup, pace: Pace, number: int = 1
) -> Turn:
    if workload.name == ELECT:
        return asyncio.run(_run_elections(contender, workload, setup, pace, number))
    requests = _write_requests(contender, workload, setup, setup.cases[workload.name])
    if pace.warm_up:
        load.run(contender.url, requests, seconds=pace.warm_up, connections=pace.connections, check=True)
    return _measure(
        contender, workload, setup, pace, number, requests, lambda: _check_sample(contender, workload, setup)
    )


async def _run_elections(
    contender: RunningContender, workload: Workload, setup: BenchmarkSetup, pace: Pace, number: int
) -> Turn:
    """Run a turn in which every request answers another enrollment, and reset the enrollments afterwards."""
    world, cases = setup.world, setup.cases[workload.name]
    warm_up_cases = len(cases) // _WARM_UP_SHARE if pace.warm_up else 0
    meter, connection = CpuMeter(contender.pid, setup.postmaster), await world.connect()
    try:
        await elections.reset_elections(connection, world.tenant)
        if pace.warm_up:
            requests = _write_requests(contender, workload, setup, cases[:warm_up_cases])
            warm = load.run(contender.url, requests, seconds=pace.warm_up, connections=pace.connections, check=True)
            _check_case_count(warm.requests, warm_up_cases)
            meter.await_idle()  # requests in progress at the end of the time are still completed
        before = len(await elections.answered_enrollments(connection, world.tenant))
        requests = _write_requests(contender, workload, setup, cases[warm_up_cases:])
        turn = _measure(contender, workload, setup, pace, number, requests, lambda: None)
        _check_case_count(turn.requests, len(cases) - warm_up_cases)
        meter.await_idle()
        elected = len(await elections.answered_enrollments(connection, world.tenant)) - before
        if not turn.requests <= elected <= turn.requests + pace.connections:
            raise LoadError(f"{turn.requests} responses arrived, and {elected} elections were stored")
        await elections.reset_elections(connection, world.tenant)
    finally:
        await connection.close()
    return turn


def _measure(
    contender: RunningContender,
    workload: Workload,
    setup: BenchmarkSetup,
    pace: Pace,
    number: int,
    requests: Path,
    halfway: Callable[[], None],
) -> Turn:
    meter = CpuMeter(contender.pid, setup.postmaster)
    meter.await_idle()
    seconds = pace.turn
    while True:
        before = meter.read()
        result = load.run(
            contender.url,
            requests,
            seconds=seconds,
            connections=pace.connections,
            check=not pace.warm_up,
            halfway=halfway,
        )
        after = meter.read()
        # With requests longer than a turn, the unfinished ones would be most of the work, so the turn is repeated.
        # An election can be made only once, so its turn is not.
        enough = result.requests >= _MIN_RESPONSES * pace.connections
        if enough or seconds >= pace.max_turn or workload.name == ELECT:
            break
        seconds *= 2
    if not result.requests:
        raise LoadError(f"no request was completed in {seconds} seconds")
    server, postgres = (
        (later - earlier) * 1000 / result.requests for earlier, later in zip(before, after, strict=True)
    )
    return Turn(
        number,
        workload.name,
        contender.name,
        result.rate,
        result.p50,
        result.p99,
        server,
        postgres,
        memory_of(contender.pid),
        result.requests,
        round(result.bytes / result.requests),
    )


def _write_requests(
    contender: RunningContender, workload: Workload, setup: BenchmarkSetup, cases: Sequence[Case]
) -> Path:
    """Write a contender's requests to a file, mutations with new idempotency keys."""
    path, nonce = setup.directory / f"{contender.name}-{workload.name}.requests", uuid4().hex
    world, dialect = setup.world, contender.contender.dialect
    headers = headers_of(world)
    bodies = (dialect.body(workload, case, world.tenant, f"{nonce}-{count}") for count, case in enumerate(cases))
    load.write_requests(path, contender.url, ((headers, body) for body in bodies))
    return path


def _check_sample(contender: RunningContender, workload: Workload, setup: BenchmarkSetup) -> None:
    """Check during a turn that the responses are still the expected ones. Raises Disagreement."""
    cases, responses = setup.cases[workload.name][:_SAMPLES], setup.responses[workload.name][:_SAMPLES]
    if send_cases(contender, setup.world, workload, cases) != list(responses):
        raise Disagreement("the responses during the turn differ from those before it")


def _check_case_count(requests: int, cases: int) -> None:
    if requests > cases:
        raise LoadError(f"{requests} elections, but only {cases} cases: shorten the turns or enlarge the database")
