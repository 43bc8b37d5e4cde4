"""`serve`: bring a database in reach, and have one process or several workers answer until told to end."""

import contextlib
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.status import Status

from benegraph.cli import demo as demonstration
from benegraph.cli import startup_message as page
from benegraph.cli.databases import Place, embedded, opened, place, prepare
from benegraph.cli.errors import MISUSED, fail, in_one_line, run
from benegraph.cli.server_process import Address, Ending, Manner, answer, begin, bind
from benegraph.cli.workers import Order, shared_directory, supervise
from benegraph.db.engine import check_database
from benegraph.db.session import Database
from benegraph.domain.access import Role
from benegraph.graphql.schema import build_schema
from benegraph.settings import Settings
from benegraph.web.app import GRAPHQL_PATH
from benegraph.web.explorer import ExplorerConfig


@dataclass(frozen=True, slots=True)
class Serving:
    """What one run of `serve` knows from its start."""

    settings: Settings
    listener: socket.socket
    address: Address
    url: str
    workers: int = 1
    demo: Path | None = None
    today: date | None = None


@in_one_line
def serve(
    *, demo: bool, host: str | None, port: int | None, workers: int | None, data_dir: Path | None, today: str | None
) -> None:
    settings = Settings.from_environment()
    host, port = host or settings.host, settings.port if port is None else port
    workers = workers or settings.workers
    if demo and not _is_loopback(host):
        fail(
            f"The demo's keys are printed for all to see, so it listens on a loopback address, not on {host}.", MISUSED
        )
    if today is not None and not demo:
        fail("--today is for the demo alone: what a gateway answers depends on the real day.", MISUSED)
    if workers > 1 and not hasattr(socket, "SO_REUSEPORT"):
        fail("Workers share a port by SO_REUSEPORT, which this system has not: leave --workers out.", MISUSED)
    data = (data_dir or settings.data_home / "demo").absolute() if demo else None
    day = _day(today)
    with contextlib.ExitStack() as stack:
        listener, address = stack.enter_context(_listening(host, port, shared=workers > 1))
        serving = Serving(settings, listener, address, _url_of(host, address.name[1]), workers, data, day)
        with _starting("Starting PostgreSQL"):
            here = stack.enter_context(embedded(data) if data else place(settings, data_dir))
        if workers == 1:
            run(_serve(serving, here))
        else:
            directory = stack.enter_context(shared_directory())
            run(_serve_by_workers(serving, here, directory))


async def _serve(serving: Serving, here: Place) -> None:
    ending = _begin(serving)
    async with opened(here, serving.settings.pool) as database:
        samples = await _prepare(serving, here, database)

        def show() -> None:
            _show(serving, here, samples)

        await answer(database, serving.listener, _manner(serving, samples), show, ending.wait)


async def _serve_by_workers(serving: Serving, here: Place, directory: Path) -> None:
    ending, pool = _begin(serving), serving.settings.pool
    async with opened(here, pool) as database:
        samples = await _prepare(serving, here, database)
    order = Order(_manner(serving, samples), here.url, pool, serving.address, directory)
    await supervise(order, serving.workers, ending, lambda: _show(serving, here, samples))


def _begin(serving: Serving) -> Ending:
    ending = begin(serving.settings)
    ending.listen_to_signals()
    return ending


async def _prepare(serving: Serving, here: Place, database: Database) -> demonstration.Samples | None:
    """See that the database can be served from; fill it, for the demo."""
    with _starting("Preparing the database"):
        await prepare(here)
        await check_database(database.engine)
        if serving.demo is None:
            return None
        return await demonstration.prepare(database, build_schema(), serving.demo, serving.url, serving.today)


def _manner(serving: Serving, samples: demonstration.Samples | None) -> Manner:
    if samples is None:
        return Manner(serving.settings, ExplorerConfig(), serving.today)
    # The demo is there to be explored, by each of its viewers.
    gateway = replace(serving.settings.gateway, introspection=frozenset(Role))
    return Manner(replace(serving.settings, gateway=gateway), samples.explorer_config, serving.today)


def _show(serving: Serving, here: Place, samples: demonstration.Samples | None) -> None:
    if samples is not None and serving.demo is not None:
        demonstration.write(serving.demo, samples)
        page.show_demo(samples, serving.demo)
    else:
        page.show_plain(serving.url, embedded=here.owner_url is not None)


@contextmanager
def _listening(host: str, port: int, *, shared: bool) -> Iterator[tuple[socket.socket, Address]]:
    """Take the port before anything is started for it; `shared`, so that workers may take it too."""
    try:
        (family, _, _, _, name), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listener = bind(Address(family, name), shared=False)
        address = Address(family, listener.getsockname())
        if shared:  # taken alone first: two that share would not notice each other
            listener.close()
            listener = bind(address, shared=True)
    except OSError as error:
        fail(f"Can't listen on {host} port {port}: {error.strerror}.")
    with listener:
        yield listener, address


def _url_of(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}{GRAPHQL_PATH}"


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
