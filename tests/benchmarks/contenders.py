"""The contenders: each a process with one worker and ten connections, on the same database and with the same role."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .dialects import GATEWAY_DIALECT, POSTGRAPHILE_DIALECT, Dialect
from .nodejs import PEERS, NodeMissing, node_command
from .workloads import ELECT
from .world import World

ROOT = Path(__file__).parents[2]
GATEWAY = "gateway"
#: Runs only if it is named.
PLAIN = "plain"
CONNECTIONS = 10
_START_TIMEOUT = 60.0


class ContenderError(RuntimeError):
    """A contender cannot be installed or started; the message gives the reason."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A server to measure: its command and environment, its dialect, and the workloads that it does not support.

    `description` names its settings and its transaction, for the report.
    """

    name: str
    description: str
    command: Callable[[World], Sequence[str]]
    environment: Callable[[World], Mapping[str, str]] = field(default=lambda _: {})
    dialect: Dialect = GATEWAY_DIALECT
    unsupported: frozenset[str] = frozenset()
    #: Installs its packages; raises ContenderError.
    install: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True, slots=True)
class RunningContender:
    """A contender that accepts requests."""

    contender: Contender
    pid: int
    url: str
    log: Path

    @property
    def name(self) -> str:
        return self.contender.name


def _gateway_contender(name: str, description: str, **environment: str) -> Contender:
    """Return the gateway as in production, but for the rate limit: one key sends the whole load."""

    def environment_for(world: World) -> Mapping[str, str]:
        return {
            "DATABASE_URL": world.url,
            "BENEGRAPH_POOL_SIZE": str(CONNECTIONS),
            "BENEGRAPH_POOL_OVERFLOW": "0",
            "BENEGRAPH_RATE_BURST": "0",
            "XDG_CACHE_HOME": os.devnull,  # no cache, no bundling of the explorer, which would use a minute of CPU
            **environment,
        }

    def command(_: World) -> Sequence[str]:
        return [sys.executable, "-m", "benegraph", "serve", "--port", "0"]

    return Contender(name, description, command, environment_for)


def _node_contender(
    name: str, script: str, description: str, dialect: Dialect, unsupported: frozenset[str] = frozenset()
) -> Contender:
    def install() -> None:
        try:
            node_command()
        except NodeMissing as error:
            raise ContenderError(str(error)) from error

    return Contender(
        name,
        description,
        lambda world: [*node_command(), str(PEERS / script), world.url, str(CONNECTIONS)],
        lambda _: {"NODE_ENV": "production", "GRAPHILE_ENV": "production"},  # else both run checks for developers
        dialect,
        unsupported,
        install,
    )


CONTENDERS = {
    contender.name: contender
    for contender in (
        _gateway_contender(
            GATEWAY, "benegraph serve: keys, tenancy, limits, metrics and logs on; rate limit off; pool 10"
        ),
        _gateway_contender(
            "strawberry",
            "the same, executed by Strawberry (BENEGRAPH_EXECUTOR)",
            BENEGRAPH_EXECUTOR="strawberry",
        ),
        Contender(
            "floor",
            "aiohttp without a router, asyncpg, uvloop, orjson; one statement in a transaction; pool 10",
            lambda world: [sys.executable, "-m", "tests.benchmarks.floor", world.url],
        ),
        Contender(
            PLAIN,
            "the floor with straightforward statements: json_build_object and json_agg over joins",
            lambda world: [sys.executable, "-m", "tests.benchmarks.floor", world.url, "plain"],
        ),
        _node_contender(
            "postgraphile",
            "postgraphile.mjs",
            "PostGraphile 5, Amber, pgSettings; W4 by a plpgsql function; pool 10, 100 prepared statements",
            POSTGRAPHILE_DIALECT,
        ),
        _node_contender(
            "mercurius",
            "mercurius.mjs",
            "fastify and mercurius, jit 1, loaders; one transaction a request; pool 10, prepared statements",
            GATEWAY_DIALECT,
            frozenset({ELECT}),
        ),
    )
}


def select_contenders(names: Sequence[str] | None, log: Callable[[str], None]) -> list[Contender]:
    """Return the contenders of these names; without names, all that can run here. Raises ContenderError."""
    selected = []
    for name in names or [name for name in CONTENDERS if name != PLAIN]:
        try:
            CONTENDERS[name].install()
        except ContenderError as error:
            if names:
                raise
            log(f"Without {name}: {error}")
        else:
            selected.append(CONTENDERS[name])
    return selected


@contextmanager
def run_contenders(contenders: Sequence[Contender], world: World, directory: Path) -> Iterator[list[RunningContender]]:
    """Run contenders side by side until the block ends; each writes a log named after it."""
    with ExitStack() as stack:
        started = [stack.enter_context(_start(contender, world, directory)) for contender in contenders]
        yield [_wait_until_ready(contender, process, log) for contender, process, log in started]


StartedProcess = tuple[Contender, "subprocess.Popen[bytes]", Path]


@contextmanager
def _start(contender: Contender, world: World, directory: Path) -> Iterator[StartedProcess]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}  # noqa: TID251 - for the child process
    log = directory / f"{contender.name}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - a fixed command
            contender.command(world),
            cwd=ROOT,
            env={**inherited, **contender.environment(world)},
            stdout=file,
            stderr=file,
        )
    try:
        yield contender, process, log
    finally:
        process.terminate()
        try:
            process.wait(_START_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_until_ready(contender: Contender, process: "subprocess.Popen[bytes]", log: Path) -> RunningContender:
    """Wait until the log contains the address. Raises ContenderError."""
    deadline = time.monotonic() + _START_TIMEOUT
    while True:
        text = log.read_text(errors="replace")
        if match := re.search(r"http://[\w.:]+/graphql", text):
            return RunningContender(contender, process.pid, match[0], log)
        if process.poll() is not None or time.monotonic() > deadline:
            raise ContenderError(f"{contender.name} does not start:\n{text[-3000:]}")
        time.sleep(0.05)
