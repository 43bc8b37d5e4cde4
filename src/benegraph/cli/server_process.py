"""One process that answers: its address, what it answers by, its word to end, and its draining."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from benegraph import telemetry
from benegraph.cli.databases import ENDING
from benegraph.db.session import Database
from benegraph.graphql.schema import build_schema
from benegraph.settings import Settings
from benegraph.web.app import create_app
from benegraph.web.draining import DRAINING, drain
from benegraph.web.explorer import Explorer, ExplorerConfig
from benegraph.web.middleware import AccessLog
from benegraph.web.throttle import Throttle, create_bucket_file

if TYPE_CHECKING:
    from benegraph.telemetry.traces import Traces

#: Seconds that a connection has to close, once nothing is under way on it any more; and the last spans, to leave.
CLOSING = 0.2
FAREWELL = 1.0

THROTTLE, METRICS = "throttle", "metrics"

#: How many objects, beyond those that were let go, are made before the garbage collector looks through the young ones.
YOUNG = 10_000


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen, as the system names it."""

    family: int
    name: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Manner:
    """What each process of a gateway answers by."""

    settings: Settings
    #: How the explorer opens.
    explorer_config: ExplorerConfig
    today: date | None


class Ending:
    """The word to end. Said before anybody waits for it, it ends the start; insisted on, it ends all at once."""

    def __init__(self, main: asyncio.Task[Any]) -> None:
        self._main = main
        self._said = asyncio.Event()
        self._waiting = False

    def say(self) -> None:
        if not self._waiting:
            self._main.cancel()
        self._said.set()

    def insist(self) -> None:
        self._said.set()
        self._main.cancel()

    async def wait(self) -> None:
        self._waiting = True
        await self._said.wait()

    def listen_to_signals(self) -> None:
        """Take any signal to end for the word, and a second one for insisting."""
        loop = asyncio.get_running_loop()

        def tell(number: int) -> None:
            if not self._said.is_set():
                self.say()
            elif number in {signal.SIGINT, signal.SIGTERM}:  # a terminal that closes hangs up more than once
                self.insist()

        for number in (signal.SIGINT, *ENDING):
            with contextlib.suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, tell, number)


def begin(settings: Settings) -> Ending:
    """Set up this process's log, and the word that ends what runs now."""
    loop, main = asyncio.get_running_loop(), asyncio.current_task()
    assert main is not None  # noqa: S101 - a coroutine runs in one
    telemetry.configure_logging(settings.log_level, settings.log_format)
    telemetry.log_task_errors(loop)
    return Ending(main)


def bind(address: Address, *, shared: bool) -> socket.socket:
    """Take an address; `shared` with other processes that take it in the same way. Raises OSError."""
    listener = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address.name)
    except BaseException:
        listener.close()
        raise
    return listener


async def answer(
    database: Database,
    listener: socket.socket,
    manner: Manner,
    ready: Callable[[], None],
    told: Callable[[], Awaitable[None]],
    *,
    shared: Path | None = None,
) -> None:
    """Answer requests until told to end, then drain. `ready` is called once it listens.

    `shared` is the directory of what several processes have in common, as `make_shared` fills it.
    """
    settings = manner.settings
    async with _traces(settings) as traces:
        app = create_app(
            database,
            build_schema(),
            config=settings.gateway,
            fixed_on=manner.today,
            throttle=Throttle(settings.gateway.rate_limit, shared and shared / THROTTLE),
            explorer=Explorer(manner.explorer_config, settings.cache_home),
            metrics=telemetry.create_metrics(shared and shared / METRICS),
            traces=traces,
        )
        runner = web.AppRunner(app, access_log_class=AccessLog, shutdown_timeout=CLOSING)
        await runner.setup()
        try:
            site = web.SockSite(runner, listener)
            settle()
            await site.start()
            ready()
            await told()
            await drain(site, app[DRAINING], settings.drain_seconds)
        finally:
            await app[DRAINING].cancel_requests()
            await runner.cleanup()


def settle() -> None:
    """Have the garbage collector pass over all that is loaded by now, and look less often for more."""
    # Modules and schema are some 170,000 objects that never go, and an answer of a hundred people makes thousands
    # that all go by themselves. Measured with 400 queries for 100 employees each, four at once on two busy cores: a
    # pass over everything held all requests up for 270 to 410 ms, and collecting took 2.5 ms of a query. Now it is
    # 16 ms at the longest, and 0.05 ms; the 99th percentile fell from 350 ms or more to 150. With 50,000, one pass
    # took 70 ms.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


def make_shared(directory: Path) -> None:
    """Fill a directory with what several processes have in common: the throttle's table, and a place for numbers."""
    create_bucket_file(directory / THROTTLE)
    (directory / METRICS).mkdir(mode=0o700)
    # prometheus_client looks here when it is first imported, which is in a process that inherits it.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory / METRICS)  # noqa: TID251 - written, not read


@asynccontextmanager
async def _traces(settings: Settings) -> AsyncIterator["Traces | None"]:
    if not settings.traces:
        yield None
        return
    traces = telemetry.create_traces()
    try:
        yield traces
    finally:
        await traces.close(FAREWELL)
