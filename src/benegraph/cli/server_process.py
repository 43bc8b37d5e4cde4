"""One server process: its configuration, its listening socket, its shutdown, and the web server that it runs."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from benegraph import telemetry
from benegraph.cli.databases import TERMINATION_SIGNALS
from benegraph.db.session import Database
from benegraph.graphql.schema import build_schema
from benegraph.settings import Settings
from benegraph.web.app import create_app
from benegraph.web.draining import DRAINING, drain
from benegraph.web.middleware import AccessLog, ErrorLog
from benegraph.web.pages import Pages, PagesConfig
from benegraph.web.throttle import Throttle, create_bucket_file

if TYPE_CHECKING:
    from benegraph.telemetry.traces import Traces

log = logging.getLogger(__name__)

#: How long idle connections may take to close after draining.
CONNECTION_CLOSE_SECONDS = 0.2
#: How long the last trace spans may take to be sent.
TRACE_FLUSH_SECONDS = 1.0

#: Names in the directory that all worker processes share.
THROTTLE_FILE, METRICS_DIRECTORY = "throttle", "metrics"

#: The garbage collector's threshold of the youngest generation, in objects.
GC_THRESHOLD = 10_000


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A socket address: its family, and the address in the form that `socket.bind` takes."""

    family: int
    name: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """The configuration that all server processes of a gateway share."""

    settings: Settings
    pages_config: PagesConfig
    #: The fixed date of the demo, and whether the time is the real one nevertheless; None means the real date.
    today: date | None
    real_time: bool = False


class ShutdownRequest:
    """A request to shut this process down.

    Until `wait` is called, `request` cancels the main task; afterwards it makes `wait` return, so that the process
    drains. `force` always cancels the main task.
    """

    def __init__(self, main_task: asyncio.Task[Any]) -> None:
        self._main_task = main_task
        self._requested = asyncio.Event()
        self._is_waiting = False

    def request(self) -> None:
        if not self._is_waiting:
            self._main_task.cancel()
        self._requested.set()

    def force(self) -> None:
        self._requested.set()
        self._main_task.cancel()

    async def wait(self) -> None:
        self._is_waiting = True
        await self._requested.wait()

    def listen_to_signals(self) -> None:
        """Request the shutdown at the first termination signal, and force it at the second one."""
        loop = asyncio.get_running_loop()

        def on_signal(number: int) -> None:
            if not self._requested.is_set():
                self.request()
            elif number in {signal.SIGINT, signal.SIGTERM}:  # a closing terminal sends SIGHUP more than once
                self.force()

        for number in (signal.SIGINT, *TERMINATION_SIGNALS):
            with contextlib.suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, on_signal, number)


def set_up_process(settings: Settings) -> ShutdownRequest:
    """Configure logging, and return the shutdown request of the current task."""
    loop, main_task = asyncio.get_running_loop(), asyncio.current_task()
    assert main_task is not None  # noqa: S101 - a coroutine always runs in a task
    telemetry.configure_logging(settings.log_level, settings.log_format)
    telemetry.log_task_errors(loop)
    return ShutdownRequest(main_task)


def bind_socket(address: ListenAddress, *, shared: bool) -> socket.socket:
    """Bind a socket. With `shared`, other processes may bind the same address with `shared`. Raises OSError."""
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


async def serve_until_shutdown(
    database: Database,
    listener: socket.socket,
    config: WorkerConfig,
    on_ready: Callable[[], None],
    wait_for_shutdown: Callable[[], Awaitable[None]],
    *,
    shared_directory: Path | None = None,
) -> None:
    """Serve HTTP requests until shutdown, then drain. `on_ready` is called once the server listens.

    `shared_directory` is set if there are several processes; `create_shared_files` fills it.
    """
    settings = config.settings
    async with _start_tracing(settings) as traces:
        app = create_app(
            database,
            build_schema(),
            config=settings.gateway,
            fixed_on=config.today,
            real_time=config.real_time,
            throttle=Throttle(settings.gateway.rate_limit, shared_directory and shared_directory / THROTTLE_FILE),
            pages=_create_pages(config),
            metrics=telemetry.create_metrics(
                shared_directory and shared_directory / METRICS_DIRECTORY, executor=settings.gateway.executor
            ),
            traces=traces,
        )
        access_log = settings.access_log or ("errors" if sys.stderr.isatty() else "all")
        runner = web.AppRunner(
            app,
            access_log_class=AccessLog if access_log == "all" else ErrorLog,
            shutdown_timeout=CONNECTION_CLOSE_SECONDS,
        )
        await runner.setup()
        try:
            site = web.SockSite(runner, listener)
            tune_garbage_collector()
            await site.start()
            on_ready()
            await wait_for_shutdown()
            await drain(site, app[DRAINING], settings.drain_seconds)
        finally:
            await app[DRAINING].cancel_requests()
            await runner.cleanup()


def _create_pages(config: WorkerConfig) -> Pages | None:
    settings = config.settings
    if settings.pages == "none":
        return None
    return Pages(config.pages_config, settings.cache_home, has_home_page=settings.pages == "all")


def tune_garbage_collector() -> None:
    """Exclude all objects that exist now from garbage collection, and make collections less frequent."""
    # Modules and the schema are about 170,000 objects that live as long as the process. A response with a hundred
    # employees creates thousands of objects, which reference counting frees. Measured with 400 queries for 100
    # employees each, four at a time on two busy cores: a full collection blocked all requests for 270 to 410 ms, and
    # collections took 2.5 ms of each query. With these settings it is 16 ms at most, and 0.05 ms; the 99th percentile
    # fell from over 350 ms to 150 ms. With a threshold of 50,000, one collection took 70 ms.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, *gc.get_threshold()[1:])


def create_shared_files(directory: Path) -> None:
    """Create the files that the worker processes share: the rate limits' buckets, and the directory for metrics."""
    create_bucket_file(directory / THROTTLE_FILE)
    metrics = directory / METRICS_DIRECTORY
    metrics.mkdir(mode=0o700)
    # prometheus_client reads this variable when it is first imported, which is in the worker processes.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)  # noqa: TID251 - written, not read


@asynccontextmanager
async def _start_tracing(settings: Settings) -> AsyncIterator["Traces | None"]:
    if not settings.traces:
        yield None
        return
    try:
        traces = telemetry.create_traces(settings.trace_protocol)
    except telemetry.TracingNotInstalled as error:  # platforms set these variables for every container
        log.warning("%s", error)
        yield None
        return
    try:
        yield traces
    finally:
        await traces.close(TRACE_FLUSH_SECONDS)
