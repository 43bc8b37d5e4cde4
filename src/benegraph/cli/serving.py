"""`serve`: bring a database in reach, answer requests until told to stop, then drain."""

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import strawberry
from aiohttp import web
from rich.console import Console
from rich.status import Status

from benegraph import telemetry
from benegraph.cli import demo as demonstration
from benegraph.cli import page
from benegraph.cli.databases import ENDING, Place, embedded, opened, place, prepare
from benegraph.cli.outcome import MISUSED, fail, in_one_line, run
from benegraph.db.engine import check_fit_to_serve
from benegraph.db.session import Database
from benegraph.graphql.schema import build_schema
from benegraph.settings import Settings
from benegraph.web.app import PATH, create_app
from benegraph.web.health import HEALTH
from benegraph.web.middleware import AccessLog

#: How long requests under way may take to end, once we are to stop.
GRACE = 30.0


@dataclass(frozen=True, slots=True)
class Serving:
    """What one run of `serve` knows from its start."""

    settings: Settings
    socket: socket.socket
    url: str
    demo: Path | None = None
    today: date | None = None


@in_one_line
def serve(*, demo: bool, host: str | None, port: int | None, data_dir: Path | None, today: str | None) -> None:
    settings = Settings.from_environment()
    host, port = host or settings.host, settings.port if port is None else port
    if demo and not _is_loopback(host):
        fail(
            f"The demo's keys are printed for all to see, so it listens on a loopback address, not on {host}.", MISUSED
        )
    if today is not None and not demo:
        fail("--today is for the demo alone: what a gateway answers depends on the real day.", MISUSED)
    data = (data_dir or settings.data_home / "demo").absolute() if demo else None
    with _listening(host, port) as listener:
        url = _url_of(host, listener.getsockname()[1])
        serving = Serving(settings, listener, url, data, _day(today))
        with contextlib.ExitStack() as stack:
            with _starting("Starting PostgreSQL"):
                here = stack.enter_context(embedded(data) if data else place(settings, data_dir))
            run(_serve(serving, here))


async def _serve(serving: Serving, here: Place) -> None:
    loop = asyncio.get_running_loop()
    telemetry.configure(serving.settings.log_level)
    telemetry.watch(loop)
    told = _listen_to_signals(loop)
    async with opened(here, serving.settings.pool) as database:
        with _starting("Preparing the database"):
            await prepare(here)
            await check_fit_to_serve(database.engine)
            schema = build_schema()
            app = create_app(database, schema, fixed_on=serving.today)
            samples = await _samples(serving, database, schema)
        async with _answering(app, serving):
            _show(serving, here, samples)
            await told()
            app[HEALTH].draining = True
            await asyncio.sleep(serving.settings.drain_seconds)


async def _samples(serving: Serving, database: Database, schema: strawberry.Schema) -> demonstration.Samples | None:
    if serving.demo is None:
        return None
    return await demonstration.prepare(database, schema, serving.demo, serving.url, serving.today)


def _show(serving: Serving, here: Place, samples: demonstration.Samples | None) -> None:
    if samples is not None and serving.demo is not None:
        demonstration.write(serving.demo, samples)
        page.show_demo(samples, serving.demo)
    else:
        page.show_plain(serving.url, embedded=here.owner_url is not None)


@asynccontextmanager
async def _answering(app: web.Application, serving: Serving) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log_class=AccessLog, shutdown_timeout=GRACE)
    await runner.setup()
    try:
        await web.SockSite(runner, serving.socket).start()
        yield
    finally:
        await runner.cleanup()


def _listen_to_signals(loop: asyncio.AbstractEventLoop) -> Callable[[], Awaitable[None]]:
    """Give what waits for a signal to end. One that comes before ends the start; a second one, the draining."""
    main, stop, waiting = asyncio.current_task(loop), asyncio.Event(), False

    def tell() -> None:
        if main is not None and (stop.is_set() or not waiting):
            main.cancel()
        stop.set()

    async def told() -> None:
        nonlocal waiting
        waiting = True
        await stop.wait()

    for number in (signal.SIGINT, *ENDING):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, tell)
    return told


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Take the port before anything is started for it."""
    with contextlib.ExitStack() as stack:
        try:
            (family, _, _, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            listener = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError as error:
            fail(f"Can't listen on {host} port {port}: {error.strerror}.")
        yield listener


def _url_of(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}{PATH}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"--today takes a date such as 2026-11-20, not {text!r}.", MISUSED)


def _starting(what: str) -> Status:
    return Console(stderr=True).status(f"{what} …")
