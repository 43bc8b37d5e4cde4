"""`serve`: prepare the database, and serve HTTP with one process or with several worker processes."""

import contextlib
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from benegraph.cli.databases import (
    DatabaseLocation,
    locate_database,
    open_database,
    prepare_database,
    start_embedded,
)
from benegraph.cli.demo import DemoInfo, prepare_demo, write_demo_file
from benegraph.cli.errors import USAGE_ERROR, fail, report_errors, run_async
from benegraph.cli.invocation import Invocation
from benegraph.cli.server_process import (
    ListenAddress,
    ShutdownRequest,
    WorkerConfig,
    bind_socket,
    serve_until_shutdown,
    set_up_process,
)
from benegraph.cli.startup_message import print_demo_message, print_message
from benegraph.cli.status import show_status
from benegraph.cli.workers import WorkerSpec, create_shared_directory, supervise
from benegraph.db.engine import check_database
from benegraph.db.session import Database
from benegraph.demo import reference_date
from benegraph.domain.access import Role
from benegraph.domain.values import Clock
from benegraph.graphql.schema import build_schema
from benegraph.settings import Settings
from benegraph.web.app import GRAPHQL_PATH
from benegraph.web.pages import PagesConfig

_FIRST_KEY = ("keys", "issue", "--tenant", "acme", "--create-tenant", "Acme", "--role", "administrator")


@dataclass(frozen=True, slots=True)
class ServeParameters:
    """The parameters of one run of `serve`, from its options and the environment."""

    settings: Settings
    listener: socket.socket
    address: ListenAddress
    url: str
    workers: int = 1
    #: The data directory of --data-dir.
    data_dir: Path | None = None
    #: The demo's data directory; None without --demo.
    demo_directory: Path | None = None
    today: date | None = None


@report_errors
def serve(
    *, demo: bool, host: str | None, port: int | None, workers: int | None, data_dir: Path | None, today: str | None
) -> None:
    settings = Settings.from_environment()
    host, port = host or settings.host, settings.port if port is None else port
    workers = workers or settings.workers
    if demo and not _is_loopback(host):
        fail(f"The demo prints its API keys, so it listens on loopback addresses only, not on {host}.", USAGE_ERROR)
    if today is not None and not demo:
        fail("--today requires --demo; without it, the gateway uses the real date.", USAGE_ERROR)
    if workers > 1 and not hasattr(socket, "SO_REUSEPORT"):
        fail("Several workers require SO_REUSEPORT, which this system does not support; use --workers 1.", USAGE_ERROR)
    demo_directory = (data_dir or settings.data_home / "demo").absolute() if demo else None
    fixed_today = _parse_date(today)
    with contextlib.ExitStack() as stack:
        listener, address = stack.enter_context(_listen(host, port, shared=workers > 1))
        url = _graphql_url(host, address.name[1])
        parameters = ServeParameters(settings, listener, address, url, workers, data_dir, demo_directory, fixed_today)
        with show_status("Starting PostgreSQL"):
            location = stack.enter_context(
                start_embedded(demo_directory, settings.key_ring)
                if demo_directory
                else locate_database(settings, data_dir)
            )
        if workers == 1:
            run_async(_serve_in_this_process(parameters, location))
        else:
            shared_directory = stack.enter_context(create_shared_directory())
            run_async(_serve_with_workers(parameters, location, shared_directory))


async def _serve_in_this_process(parameters: ServeParameters, location: DatabaseLocation) -> None:
    shutdown = _set_up_main_process(parameters)
    async with open_database(location, parameters.settings.pool) as database:
        demo_info = await _prepare(parameters, location, database)

        def on_ready() -> None:
            _announce(parameters, location, demo_info)

        config = _worker_config(parameters, demo_info)
        await serve_until_shutdown(database, parameters.listener, config, on_ready, shutdown.wait)


async def _serve_with_workers(parameters: ServeParameters, location: DatabaseLocation, shared_directory: Path) -> None:
    shutdown, pool = _set_up_main_process(parameters), parameters.settings.pool
    async with open_database(location, pool) as database:
        demo_info = await _prepare(parameters, location, database)
    config = _worker_config(parameters, demo_info)
    spec = WorkerSpec(config, location.url, pool, parameters.address, shared_directory, location.key_ring)
    await supervise(spec, parameters.workers, shutdown, lambda: _announce(parameters, location, demo_info))


def _set_up_main_process(parameters: ServeParameters) -> ShutdownRequest:
    shutdown = set_up_process(parameters.settings)
    shutdown.listen_to_signals()
    return shutdown


async def _prepare(parameters: ServeParameters, location: DatabaseLocation, database: Database) -> DemoInfo | None:
    """Prepare and check the database; with --demo, fill it and return the demo's keys and IDs."""
    with show_status("Preparing the database"):
        await prepare_database(location)
        await check_database(database.engine)
        if parameters.demo_directory is None:
            return None
        return await prepare_demo(database, build_schema(), parameters.demo_directory, parameters.url, parameters.today)


def _worker_config(parameters: ServeParameters, demo_info: DemoInfo | None) -> WorkerConfig:
    if demo_info is None:
        return WorkerConfig(parameters.settings, PagesConfig(), today=None)
    # Each of the demo's viewers may read the schema, which GraphiQL needs.
    gateway = replace(parameters.settings.gateway, introspection=frozenset(Role))
    settings = replace(parameters.settings, gateway=gateway)
    return WorkerConfig(settings, demo_info.pages_config, demo_info.today, real_time=parameters.today is None)


def _announce(parameters: ServeParameters, location: DatabaseLocation, demo_info: DemoInfo | None) -> None:
    if demo_info is not None and parameters.demo_directory is not None:
        write_demo_file(parameters.demo_directory, demo_info)
        print_demo_message(demo_info, parameters.demo_directory, reference_date(Clock.at(datetime.now(UTC))))
        return
    issue_command = None
    if location.owner_url is not None:
        invocation = Invocation.current(parameters.settings)
        issue_command = invocation.command(*_FIRST_KEY, data_dir=parameters.data_dir)
    print_message(parameters.url, issue_command, has_home_page=parameters.settings.pages == "all")


@contextmanager
def _listen(host: str, port: int, *, shared: bool) -> Iterator[tuple[socket.socket, ListenAddress]]:
    """Bind the port before anything else is started. With `shared`, the workers can bind it too."""
    try:
        (family, _, _, _, name), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listener = bind_socket(ListenAddress(family, name), shared=False)
        address = ListenAddress(family, listener.getsockname())
        if shared:  # bound exclusively first, because a shared bind succeeds even if another gateway shares the port
            listener.close()
            listener = bind_socket(address, shared=True)
    except OSError as error:
        fail(f"Cannot listen on {host} port {port}: {error.strerror}.")
    with listener:
        yield listener, address


def _graphql_url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - for display
    return f"http://{shown}:{port}{GRAPHQL_PATH}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parse_date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"--today must be a date such as 2026-11-20, not {text!r}.", USAGE_ERROR)
