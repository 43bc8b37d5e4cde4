"""Workers: several processes behind one port, and the supervisor that keeps them alive and tells them to end."""

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
from benegraph.cli.databases import Place, opened
from benegraph.cli.errors import in_one_line, run
from benegraph.cli.server_process import METRICS, Address, Ending, Manner, answer, begin, bind, make_shared
from benegraph.db.engine import PoolSettings, check_database
from benegraph.domain.errors import BenegraphError
from benegraph.web.draining import GRACE_SECONDS

log = logging.getLogger(__name__)

# What goes down the line to a worker and comes up from it. Its end is the other's end.
DRAIN, END, READY = b"drain", b"end", b"ready"

#: Seconds that a worker is given beyond its draining before it is killed.
BEYOND = 2.0
#: So many workers that die within so many seconds, with none becoming ready, are a fault that no restart mends.
DEATHS, WITHIN = 5, 60.0
#: Seconds before a worker that died is started again: twice as many each time, unless it has been ready for a while.
SOONEST, LATEST, A_WHILE = 0.1, 5.0, 10.0

# Ctrl-C and a closing terminal reach the whole group; a worker takes its supervisor's word instead.
_SUPERVISORS = {signal.SIGINT, signal.SIGHUP} if sys.platform != "win32" else set()


class WorkersFail(BenegraphError):
    """The workers die as often as they are started."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is given to work by."""

    manner: Manner
    database_url: str
    pool: PoolSettings
    address: Address
    #: The directory of what the workers of one run share.
    shared: Path


@contextmanager
def shared_directory() -> Iterator[Path]:
    """Make the directory of what the workers of one run share; gone at the end."""
    with tempfile.TemporaryDirectory(prefix="benegraph-run-", ignore_cleanup_errors=True) as directory:
        make_shared(Path(directory))
        yield Path(directory)


def share(pool: PoolSettings, number: int, count: int) -> PoolSettings:
    """Give one worker's share of a pool. All shares are the whole, but that each worker has one connection at least."""
    whole = max(1, _part(pool.size + pool.overflow, number, count))
    size = min(whole, max(1, _part(pool.size, number, count)))
    return replace(pool, size=size, overflow=whole - size)


def _part(whole: int, number: int, count: int) -> int:
    return whole // count + (number < whole % count)


async def supervise(order: Order, count: int, ending: Ending, ready: Callable[[], None]) -> None:
    """Keep so many workers alive until it is time to end, and then until they are drained.

    `ready` is called once all of them answer. Raises WorkersFail.
    """
    crew = _Crew(order, count)
    try:
        await crew.while_they_live(crew.complete.wait())
        ready()
        await crew.while_they_live(ending.wait())
        await crew.dismiss(DRAIN, order.manner.settings.drain_seconds + GRACE_SECONDS + BEYOND)
    finally:
        try:
            await crew.dismiss(END, BEYOND)
        finally:
            await crew.kill()


class _Crew:
    """The workers of a supervisor, and the tasks that keep each place filled."""

    def __init__(self, order: Order, count: int) -> None:
        self.complete = asyncio.Event()
        self._order = order
        self._count = count
        self._workers: dict[int, _Worker] = {}
        self._deaths: deque[float] = deque(maxlen=DEATHS)
        self._dismissed = asyncio.Event()
        self._keepers = [asyncio.create_task(self._keep(number)) for number in range(count)]

    async def while_they_live(self, story: Awaitable[object]) -> None:
        """Wait for something, or raise WorkersFail."""
        task = asyncio.ensure_future(story)
        try:
            done, _ = await asyncio.wait({task, *self._keepers}, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
        finally:
            task.cancel()

    async def dismiss(self, word: bytes, seconds: float) -> None:
        """Tell all workers to end, and wait until they have."""
        self._dismissed.set()
        for worker in self._workers.values():
            worker.tell(word)
        await asyncio.wait(self._keepers, timeout=seconds)

    async def kill(self) -> None:
        """Kill the workers that are left."""
        for worker in self._workers.values():
            log.warning("Worker %s did not end, and is killed", worker.pid)
            worker.process.kill()
        await asyncio.wait(self._keepers)
        for keeper in self._keepers:
            keeper.exception()  # said already, or the workers' end was in sight

    async def _keep(self, number: int) -> None:
        """Keep one place filled, until all are dismissed. Raises WorkersFail."""
        loop = asyncio.get_running_loop()
        order = replace(self._order, pool=share(self._order.pool, number, self._count))
        pause = 0.0
        while not self._dismissed.is_set():
            worker = self._workers[number] = _Worker(order, self._note_ready)
            began = loop.time()
            await worker.ended.wait()
            del self._workers[number]
            if self._dismissed.is_set():
                break
            telemetry.remove_worker(self._order.shared / METRICS, worker.pid)
            log.warning("Worker %s ended (%s)", worker.pid, worker.process.exitcode)
            if not worker.ready:
                self._note_death(loop.time())
            steady = worker.ready and loop.time() - began > A_WHILE
            pause = SOONEST if steady or not pause else min(2 * pause, LATEST)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._dismissed.wait(), pause)

    def _note_ready(self) -> None:
        self._deaths.clear()
        if sum(worker.ready for worker in self._workers.values()) == self._count:
            self.complete.set()

    def _note_death(self, now: float) -> None:
        self._deaths.append(now)
        nobody = not any(worker.ready for worker in self._workers.values())
        if nobody and len(self._deaths) == DEATHS and now - self._deaths[0] <= WITHIN:
            raise WorkersFail(f"{DEATHS} workers in a row ended before they were ready; the log says why.")


class _Worker:
    """A worker's process, as its supervisor sees it."""

    def __init__(self, order: Order, note_ready: Callable[[], None]) -> None:
        self.ready = False
        self.ended = asyncio.Event()
        self._note_ready = note_ready
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(order, theirs), daemon=True)
        # From its first moment on: it inherits what is blocked here.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SUPERVISORS)
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SUPERVISORS)
        theirs.close()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._line.fileno(), self._hear)
        self._loop.add_reader(self.process.sentinel, self._bury)

    @property
    def pid(self) -> int:
        return self.process.pid or 0  # none before it is started

    def tell(self, word: bytes) -> None:
        with contextlib.suppress(OSError):  # it may be dead, which we are told of in another way
            self._line.send_bytes(word)

    def _hear(self) -> None:
        try:
            self.ready = self._line.recv_bytes() == READY
        except (EOFError, OSError):
            self._loop.remove_reader(self._line.fileno())
        else:
            self._note_ready()

    def _bury(self) -> None:
        self._loop.remove_reader(self.process.sentinel)
        self._loop.remove_reader(self._line.fileno())
        self._line.close()
        self.process.join()
        self.ended.set()


def work(order: Order, line: Connection) -> None:
    """Be a worker, until the supervisor says to end or is gone."""
    for number in _SUPERVISORS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SUPERVISORS)
    try:
        in_one_line(run)(_work(order, line))
    except typer.Exit as end:
        sys.exit(end.exit_code)


async def _work(order: Order, line: Connection) -> None:
    ending = begin(order.manner.settings)
    loop = asyncio.get_running_loop()
    left_alone = False

    def hear() -> None:
        nonlocal left_alone
        try:
            word = line.recv_bytes()
        except (EOFError, OSError):
            left_alone = True
            loop.remove_reader(line.fileno())
            ending.say()
        else:
            ending.insist() if word == END else ending.say()

    loop.add_reader(line.fileno(), hear)
    # Whoever ends the whole group tells us twice, through the supervisor too; only his END insists.
    loop.add_signal_handler(signal.SIGTERM, ending.say)
    place = Place(order.database_url)
    listener = bind(order.address, shared=True)
    try:
        async with opened(place, order.pool) as database:
            await check_database(database.engine)
            tell = partial(line.send_bytes, READY)
            await answer(database, listener, order.manner, tell, ending.wait, shared=order.shared)
    finally:
        if left_alone:  # nobody else cleans up; who still drains beside us keeps what is open
            shutil.rmtree(order.shared, ignore_errors=True)
