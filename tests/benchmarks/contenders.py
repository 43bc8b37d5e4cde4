"""The contenders: each a process of its own with one worker and ten connections, over the same database and role."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .dialects import GATEWAYS, POSTGRAPHILES, Dialect
from .nodejs import PEERS, NodeMissing, peers
from .workloads import ELECT
from .world import World

ROOT = Path(__file__).parents[2]
GATEWAY = "gateway"
#: Takes part only where it is named.
PLAIN = "plain"
CONNECTIONS = 10
_PATIENCE = 60.0


class ContenderError(RuntimeError):
    """A contender can't be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Contender:
    """What competes: the command that serves a world, its environment, what it speaks, and what it can't do.

    `set_up` says what is set, and what its own transaction is.
    """

    name: str
    set_up: str
    command: Callable[[World], Sequence[str]]
    environment: Callable[[World], Mapping[str, str]] = field(default=lambda _: {})
    dialect: Dialect = GATEWAYS
    unable: frozenset[str] = frozenset()
    #: Sees to what it runs on; raises ContenderError.
    install: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True, slots=True)
class Running:
    """A contender that answers."""

    contender: Contender
    pid: int
    url: str
    log: Path

    @property
    def name(self) -> str:
        return self.contender.name


def _gateway(name: str, set_up: str, **environment: str) -> Contender:
    """Serve as in production: nothing is switched off but the throttle, as one key makes all the load."""

    def given(world: World) -> Mapping[str, str]:
        return {
            "DATABASE_URL": world.url,
            "BENEGRAPH_POOL_SIZE": str(CONNECTIONS),
            "BENEGRAPH_POOL_OVERFLOW": "0",
            "BENEGRAPH_RATE_BURST": "0",
            "XDG_CACHE_HOME": os.devnull,  # without a cache no explorer is bundled, which would take a minute's CPU
            **environment,
        }

    return Contender(name, set_up, lambda _: [sys.executable, "-m", "benegraph", "serve", "--port", "0"], given)


def _node(name: str, script: str, set_up: str, dialect: Dialect, unable: frozenset[str] = frozenset()) -> Contender:
    def install() -> None:
        try:
            peers()
        except NodeMissing as error:
            raise ContenderError(str(error)) from error

    return Contender(
        name,
        set_up,
        lambda world: [*peers(), str(PEERS / script), world.url, str(CONNECTIONS)],
        lambda _: {"NODE_ENV": "production", "GRAPHILE_ENV": "production"},  # else both look for mistakes of ours
        dialect,
        unable,
        install,
    )


CONTENDERS = {
    contender.name: contender
    for contender in (
        _gateway(GATEWAY, "benegraph serve: keys, tenancy, limits, metrics, logs; the throttle off; pool 10"),
        _gateway("strawberry", "the same, executed by Strawberry: BENEGRAPH_EXECUTOR", BENEGRAPH_EXECUTOR="strawberry"),
        Contender(
            "floor",
            "aiohttp without a router, asyncpg, uvloop, orjson; one statement in a transaction; pool 10",
            lambda world: [sys.executable, "-m", "tests.benchmarks.floor", world.url],
        ),
        Contender(
            PLAIN,
            "the floor with the reads that one writes first: json_build_object and json_agg over joins",
            lambda world: [sys.executable, "-m", "tests.benchmarks.floor", world.url, "plain"],
        ),
        _node(
            "postgraphile",
            "postgraphile.mjs",
            "PostGraphile 5, Amber, pgSettings; W4 by a plpgsql function; pool 10, 100 prepared statements",
            POSTGRAPHILES,
        ),
        _node(
            "mercurius",
            "mercurius.mjs",
            "fastify and mercurius, jit 1, loaders; one transaction a request; pool 10, prepared statements",
            GATEWAYS,
            frozenset({ELECT}),
        ),
    )
}


def choose(names: Sequence[str] | None, tell: Callable[[str], None]) -> list[Contender]:
    """Give the contenders of these names; without names those that can run here. Raises ContenderError."""
    chosen = []
    for name in names or [name for name in CONTENDERS if name != PLAIN]:
        try:
            CONTENDERS[name].install()
        except ContenderError as error:
            if names:
                raise
            tell(f"Without {name}: {error}")
        else:
            chosen.append(CONTENDERS[name])
    return chosen


@contextmanager
def running(contenders: Sequence[Contender], world: World, place: Path) -> Iterator[list[Running]]:
    """Serve a world by some contenders at once, until the block ends; each writes its log under its name."""
    with ExitStack() as stack:
        started = [stack.enter_context(_started(contender, world, place)) for contender in contenders]
        yield [_ready(contender, process, log) for contender, process, log in started]


Started = tuple[Contender, "subprocess.Popen[bytes]", Path]


@contextmanager
def _started(contender: Contender, world: World, place: Path) -> Iterator[Started]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}  # noqa: TID251 - its own
    log = place / f"{contender.name}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - our own words
            contender.command(world), cwd=ROOT, env={**kept, **contender.environment(world)}, stdout=file, stderr=file
        )
    try:
        yield contender, process, log
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()


def _ready(contender: Contender, process: "subprocess.Popen[bytes]", log: Path) -> Running:
    """Wait until it says where it answers."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        text = log.read_text(errors="replace")
        if found := re.search(r"http://[\w.:]+/graphql", text):
            return Running(contender, process.pid, found[0], log)
        if process.poll() is not None or time.monotonic() > deadline:
            raise ContenderError(f"{contender.name} does not start:\n{text[-3000:]}")
        time.sleep(0.05)
