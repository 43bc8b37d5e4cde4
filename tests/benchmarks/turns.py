"""Turns: rounds in which the contenders take their turns one after another, each alone and on a machine at rest."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from . import elections, load
from .agreement import Disagreement, ask, headers_of
from .contenders import Running
from .load import Load, LoadError
from .measuring import Memory, Meter, memory_of
from .workloads import ELECT, Case, Workload
from .world import World

#: The part of the pending enrollments that a warming up may use.
_TO_WARM = 4
_SAMPLES = 2
#: A turn in which each connection can't have had so many answers is taken again, twice as long.
_ANSWERS_EACH = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """How long turns are, in seconds, how many requests are under way at once, and how many rounds there are.

    Without warming up, every answer of the turn itself is looked at, which is nothing to measure by.
    """

    turn: int = 4
    longest: int = 16
    warm_up: int = 1
    connections: int = 16
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of one contender's turn; times in milliseconds, CPU for each request."""

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

    def told(self) -> Mapping[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Field:
    """Where turns are taken: the world, whose PostgreSQL this is, what is asked and answered, and room for files."""

    world: World
    postmaster: int | None
    cases: Mapping[str, Sequence[Case]]
    answers: Mapping[str, Sequence[Any]]
    place: Path


def take_turns(
    contenders: Sequence[Running], workloads: Sequence[Workload], field: Field, pace: Pace, tell: Callable[[Turn], None]
) -> Iterator[Turn]:
    """Have every contender take its turn at every workload, each round beginning with another one. Raises LoadError."""
    for number in range(pace.rounds):
        for workload in workloads:
            able = [each for each in contenders if workload.name not in each.contender.unable]
            for place in range(len(able)):
                running = able[(number + place) % len(able)]
                try:
                    turn = take_turn(running, workload, field, pace, number + 1)
                except (LoadError, Disagreement) as error:
                    raise LoadError(f"{running.name}'s turn at {workload.name}: {error}") from error
                tell(turn)
                yield turn


def take_turn(running: Running, workload: Workload, field: Field, pace: Pace, number: int = 1) -> Turn:
    if workload.name == ELECT:
        return asyncio.run(_elect(running, workload, field, pace, number))
    requests = _write(running, workload, field, field.cases[workload.name])
    if pace.warm_up:
        load.run(running.url, requests, seconds=pace.warm_up, connections=pace.connections, check=True)
    return _measure(running, workload, field, pace, number, requests, lambda: _sample(running, workload, field))


async def _elect(running: Running, workload: Workload, field: Field, pace: Pace, number: int) -> Turn:
    """Take a turn in which every request answers another enrollment; then make them pending again."""
    world, cases = field.world, field.cases[workload.name]
    to_warm = len(cases) // _TO_WARM if pace.warm_up else 0
    meter, connection = Meter(running.pid, field.postmaster), await world.connect()
    try:
        await elections.take_back(connection, world.tenant)
        if pace.warm_up:
            requests = _write(running, workload, field, cases[:to_warm])
            warm = load.run(running.url, requests, seconds=pace.warm_up, connections=pace.connections, check=True)
            _check_enough(warm.requests, to_warm)
            meter.await_idle()  # those under way when time was up are done all the same
        before = len(await elections.answered(connection, world.tenant))
        requests = _write(running, workload, field, cases[to_warm:])
        turn = _measure(running, workload, field, pace, number, requests, lambda: None)
        _check_enough(turn.requests, len(cases) - to_warm)
        meter.await_idle()
        done = len(await elections.answered(connection, world.tenant)) - before
        if not turn.requests <= done <= turn.requests + pace.connections:
            raise LoadError(f"{turn.requests} elections were answered, and {done} were made")
        await elections.take_back(connection, world.tenant)
    finally:
        await connection.close()
    return turn


def _measure(
    running: Running,
    workload: Workload,
    field: Field,
    pace: Pace,
    number: int,
    requests: Path,
    meanwhile: Callable[[], None],
) -> Turn:
    meter = Meter(running.pid, field.postmaster)
    meter.await_idle()
    seconds = pace.turn
    while True:
        before = meter.read()
        done: Load = load.run(
            running.url,
            requests,
            seconds=seconds,
            connections=pace.connections,
            check=not pace.warm_up,
            meanwhile=meanwhile,
        )
        after = meter.read()
        # Of requests that take longer than a turn, those that are cut off would be most of the work. But an election
        # can be made but once.
        enough = done.requests >= _ANSWERS_EACH * pace.connections
        if enough or seconds >= pace.longest or workload.name == ELECT:
            break
        seconds *= 2
    if not done.requests:
        raise LoadError(f"not one request was answered in {seconds} seconds")
    server, postgres = ((later - earlier) * 1000 / done.requests for earlier, later in zip(before, after, strict=True))
    return Turn(
        number,
        workload.name,
        running.name,
        done.rate,
        done.p50,
        done.p99,
        server,
        postgres,
        memory_of(running.pid),
        done.requests,
        round(done.bytes / done.requests),
    )


def _write(running: Running, workload: Workload, field: Field, cases: Sequence[Case]) -> Path:
    """Write out a contender's requests, mutations with keys that were never used."""
    path, nonce = field.place / f"{running.name}-{workload.name}.requests", uuid4().hex
    world, dialect = field.world, running.contender.dialect
    headers = headers_of(world)
    bodies = (dialect.body(workload, case, world.tenant, f"{nonce}-{count}") for count, case in enumerate(cases))
    load.write_requests(path, running.url, ((headers, body) for body in bodies))
    return path


def _sample(running: Running, workload: Workload, field: Field) -> None:
    """Look in the middle of a turn whether the answers are still what was agreed on."""
    cases, answers = field.cases[workload.name][:_SAMPLES], field.answers[workload.name][:_SAMPLES]
    if ask(running, field.world, workload, cases) != list(answers):
        raise Disagreement("in the middle of the turn its answers are others than before")


def _check_enough(requests: int, cases: int) -> None:
    if requests > cases:
        raise LoadError(f"{requests} elections, and only {cases} pending: make turns shorter, or the world larger")
