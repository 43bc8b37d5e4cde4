"""Worker processes that share one port, and the supervisor that starts, restarts and stops them."""

import asyncio
import contextlib
import logging
import multiprocessing
import shutil
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import typer

from benegraph import telemetry
from benegraph.cli.databases import DatabaseLocation, open_database
from benegraph.cli.errors import report_errors, run_async
from benegraph.cli.server_process import (
    METRICS_DIRECTORY,
    ListenAddress,
    ShutdownRequest,
    WorkerConfig,
    bind_socket,
    create_shared_files,
    serve_until_shutdown,
    set_up_process,
)
from benegraph.db.engine import PoolSettings, check_database
from benegraph.domain.encryption import KeyRing
from benegraph.domain.errors import BenegraphError
from benegraph.web.draining import GRACE_SECONDS

log = logging.getLogger(__name__)

# Messages on the pipe between supervisor and worker. If one process ends, the other one reads the end of the pipe.
DRAIN, END, READY = b"drain", b"end", b"ready"

#: How long a worker may take to stop, in addition to its draining, before it is killed.
STOP_SECONDS = 2.0
#: The supervisor gives up after this many early exits in this many seconds, if no worker is ready.
MAX_EARLY_EXITS, EARLY_EXIT_SECONDS = 5, 60.0
#: The delay before a restart. It doubles with each restart, and starts anew once a worker has been stable.
MIN_RESTART_SECONDS, MAX_RESTART_SECONDS = 0.1, 5.0
#: A worker that was ready and lived this long is stable.
STABLE_SECONDS = 10.0

# Terminals send these signals to all processes of the group. Workers ignore them and obey their supervisor instead.
_SUPERVISOR_SIGNALS = {signal.SIGINT, signal.SIGHUP} if sys.platform != "win32" else set()


class WorkersFailed(BenegraphError):
    """Workers keep exiting before they are ready."""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """The parameters of a worker process."""

    config: WorkerConfig
    database_url: str
    pool: PoolSettings
    address: ListenAddress
    #: The directory that all workers of one run share.
    shared_directory: Path
    #: The keys that encrypt values; None if there are none.
    key_ring: KeyRing | None = None


@contextmanager
def create_shared_directory() -> Iterator[Path]:
    """Create the directory that all workers of one run share; it is deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="benegraph-run-", ignore_cleanup_errors=True) as directory:
        create_shared_files(Path(directory))
        yield Path(directory)


def divide_pool(pool: PoolSettings, number: int, count: int) -> PoolSettings:
    """Return one worker's share of a pool. The shares add up to the pool, but each has at least one connection."""
    total = max(1, _share_of(pool.size + pool.overflow, number, count))
    size = min(total, max(1, _share_of(pool.size, number, count)))
    return replace(pool, size=size, overflow=total - size)


def _share_of(total: int, number: int, count: int) -> int:
    return total // count + (number < total % count)


async def supervise(spec: WorkerSpec, count: int, shutdown: ShutdownRequest, on_ready: Callable[[], None]) -> None:
    """Keep this many workers running until shutdown, then drain them.

    `on_ready` is called once all workers are ready. Raises WorkersFailed.
    """
    group = _WorkerGroup(spec, count)
    try:
        await group.wait_for(group.all_ready.wait())
        on_ready()
        await group.wait_for(shutdown.wait())
        await group.stop(DRAIN, spec.config.settings.drain_seconds + GRACE_SECONDS + STOP_SECONDS)
    finally:
        try:
            await group.stop(END, STOP_SECONDS)
        finally:
            await group.kill()


class _WorkerGroup:
    """The workers of a supervisor, and one task for each that restarts it."""

    def __init__(self, spec: WorkerSpec, count: int) -> None:
        self.all_ready = asyncio.Event()
        self._spec = spec
        self._count = count
        self._workers: dict[int, _Worker] = {}
        self._early_exits: deque[float] = deque(maxlen=MAX_EARLY_EXITS)
        self._stopping = asyncio.Event()
        self._restart_tasks = [asyncio.create_task(self._keep_running(number)) for number in range(count)]

    async def wait_for(self, awaitable: Awaitable[object]) -> None:
        """Wait for an awaitable while the workers are kept running. Raises WorkersFailed."""
        task = asyncio.ensure_future(awaitable)
        try:
            done, _ = await asyncio.wait({task, *self._restart_tasks}, return_when=asyncio.FIRST_COMPLETED)
            for finished in done:
                finished.result()
        finally:
            task.cancel()

    async def stop(self, message: bytes, seconds: float) -> None:
        """Send all workers a message to stop, and wait for them to exit."""
        self._stopping.set()
        for worker in self._workers.values():
            worker.send(message)
        await asyncio.wait(self._restart_tasks, timeout=seconds)

    async def kill(self) -> None:
        """Kill the workers that have not exited."""
        for worker in self._workers.values():
            log.warning("Worker %s did not stop in time and is killed", worker.pid)
            worker.process.kill()
        await asyncio.wait(self._restart_tasks)
        for task in self._restart_tasks:
            task.exception()  # already raised by wait_for, or irrelevant during the shutdown

    async def _keep_running(self, number: int) -> None:
        """Run one worker, and restart it when it exits, until the group is stopped. Raises WorkersFailed."""
        loop = asyncio.get_running_loop()
        spec = replace(self._spec, pool=divide_pool(self._spec.pool, number, self._count))
        delay = 0.0
        while not self._stopping.is_set():
            worker = self._workers[number] = _Worker(spec, self._on_worker_ready)
            started_at = loop.time()
            await worker.exited.wait()
            del self._workers[number]
            if self._stopping.is_set():
                break
            telemetry.remove_worker(self._spec.shared_directory / METRICS_DIRECTORY, worker.pid)
            log.warning("Worker %s exited with code %s", worker.pid, worker.process.exitcode)
            if not worker.is_ready:
                self._on_early_exit(loop.time())
            was_stable = worker.is_ready and loop.time() - started_at > STABLE_SECONDS
            delay = MIN_RESTART_SECONDS if was_stable or not delay else min(2 * delay, MAX_RESTART_SECONDS)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    def _on_worker_ready(self) -> None:
        self._early_exits.clear()
        if sum(worker.is_ready for worker in self._workers.values()) == self._count:
            self.all_ready.set()

    def _on_early_exit(self, now: float) -> None:
        self._early_exits.append(now)
        is_any_ready = any(worker.is_ready for worker in self._workers.values())
        if is_any_ready or len(self._early_exits) < MAX_EARLY_EXITS:
            return
        if now - self._early_exits[0] <= EARLY_EXIT_SECONDS:
            raise WorkersFailed(f"{MAX_EARLY_EXITS} workers in a row exited before they were ready; see the log.")


class _Worker:
    """The supervisor's view of a worker process."""

    def __init__(self, spec: WorkerSpec, on_ready: Callable[[], None]) -> None:
        self.is_ready = False
        self.exited = asyncio.Event()
        self._on_ready = on_ready
        context = multiprocessing.get_context("spawn")
        self._pipe, worker_pipe = context.Pipe()
        self.process = context.Process(target=run_worker, args=(spec, worker_pipe), daemon=True)
        # The new process inherits the blocked signals, so that they cannot end it before it ignores them.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SUPERVISOR_SIGNALS)
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SUPERVISOR_SIGNALS)
        worker_pipe.close()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._pipe.fileno(), self._on_message)
        self._loop.add_reader(self.process.sentinel, self._on_exit)

    @property
    def pid(self) -> int:
        return self.process.pid or 0  # None before the process is started

    def send(self, message: bytes) -> None:
        with contextlib.suppress(OSError):  # the worker may have exited; `_on_exit` deals with that
            self._pipe.send_bytes(message)

    def _on_message(self) -> None:
        try:
            self.is_ready = self._pipe.recv_bytes() == READY
        except (EOFError, OSError):
            self._loop.remove_reader(self._pipe.fileno())
        else:
            self._on_ready()

    def _on_exit(self) -> None:
        self._loop.remove_reader(self.process.sentinel)
        self._loop.remove_reader(self._pipe.fileno())
        self._pipe.close()
        self.process.join()
        self.exited.set()


def run_worker(spec: WorkerSpec, pipe: Connection) -> None:
    """Run a worker process until the supervisor stops it or exits."""
    for number in _SUPERVISOR_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SUPERVISOR_SIGNALS)
    try:
        report_errors(run_async)(_serve(spec, pipe))
    except typer.Exit as end:
        sys.exit(end.exit_code)


async def _serve(spec: WorkerSpec, pipe: Connection) -> None:
    shutdown = set_up_process(spec.config.settings)
    loop = asyncio.get_running_loop()
    is_orphaned = False

    def on_message() -> None:
        nonlocal is_orphaned
        try:
            message = pipe.recv_bytes()
        except (EOFError, OSError):
            is_orphaned = True
            loop.remove_reader(pipe.fileno())
            shutdown.request()
        else:
            shutdown.force() if message == END else shutdown.request()

    loop.add_reader(pipe.fileno(), on_message)
    # A service manager may send SIGTERM to the whole group, in addition to the supervisor's message. Therefore the
    # signal never forces the shutdown; only the message END does.
    loop.add_signal_handler(signal.SIGTERM, shutdown.request)
    listener = bind_socket(spec.address, shared=True)
    try:
        async with open_database(DatabaseLocation(spec.database_url, key_ring=spec.key_ring), spec.pool) as database:
            await check_database(database.engine)
            await serve_until_shutdown(
                database,
                listener,
                spec.config,
                partial(pipe.send_bytes, READY),
                shutdown.wait,
                shared_directory=spec.shared_directory,
            )
    finally:
        if is_orphaned:  # no supervisor deletes the directory; workers that still drain keep their files open
            shutil.rmtree(spec.shared_directory, ignore_errors=True)
