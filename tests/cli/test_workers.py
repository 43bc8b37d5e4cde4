"""Several worker processes behind one port: they share limits and metrics, are restarted, and stop together."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.cli import workers
from benegraph.cli.server_process import ListenAddress, ShutdownRequest, WorkerConfig
from benegraph.cli.workers import WorkersFailed, WorkerSpec, divide_pool, supervise
from benegraph.db.engine import PoolSettings
from benegraph.db.session import Database
from benegraph.domain.access import KeyLimits, Role
from benegraph.domain.values import Clock
from benegraph.services.access import issue_key
from benegraph.settings import Settings
from benegraph.web.pages import PagesConfig
from conftest import connect
from factories.access import administrator, make_tenant
from gateways import (
    TIMEOUT_SECONDS,
    Gateway,
    exit_at_once,
    exit_when_ready,
    launch_gateway,
    reachable_directory,
    run_gateway,
    wait_until,
)

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="the worker of a connection is read from /proc"
)

SLOW_MUTATION = 'mutation { createEmployer(input: {name: "Slow Inc."}) { employer { name } } }'


@pytest.fixture
async def key(database: Database, clock: Clock) -> str:
    await make_tenant(database, clock)
    limits = KeyLimits(Role.ADMINISTRATOR)
    _, key = await database.transact(administrator(), clock, lambda tx: issue_key(tx, limits, "test"))
    return key


def workers_of(gateway: Gateway) -> set[int]:
    pid = gateway.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in children if "spawn_main" in command_line_of(int(child))}


def command_line_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def is_alive(pid: int) -> bool:
    return bool(command_line_of(pid))


def worker_of(gateway: Gateway, connection: HTTPConnection) -> int:
    """Return the pid of the worker that serves a connection, found by its open socket."""
    ends = f"0100007F:{gateway.port:04X} 0100007F:{connection.sock.getsockname()[1]:04X}"
    (inode,) = (line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines() if f" {ends} " in line)
    for worker in workers_of(gateway):
        for descriptor in Path(f"/proc/{worker}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(descriptor.readlink()) == f"socket:[{inode}]":
                    return worker
    raise AssertionError("no worker has this connection open")


@contextmanager
def connection_to_each_worker(gateway: Gateway, count: int) -> Iterator[dict[int, HTTPConnection]]:
    """Open one connection to each worker."""
    with ExitStack() as stack:
        connections_by_pid: dict[int, HTTPConnection] = {}
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while len(connections_by_pid) < count:
            assert time.monotonic() < deadline, gateway.log
            connection = gateway.open_connection()
            stack.callback(connection.close)
            assert get(connection, "/livez") == 200
            connections_by_pid.setdefault(worker_of(gateway, connection), connection)
        yield connections_by_pid


def get(connection: HTTPConnection, path: str) -> int:
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return response.status


def execute(connection: HTTPConnection, key: str, query: str) -> tuple[int, dict[str, object]]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", "/graphql", json.dumps({"query": query}), headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def metric(gateway: Gateway, name: str) -> float:
    with urllib.request.urlopen(gateway.url.replace("/graphql", "/metrics")) as response:  # noqa: S310 - a URL of the tests
        values = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", response.read().decode(), re.MULTILINE)
    return sum(float(number) for number in values)


def run_directories(directory: Path) -> list[Path]:
    return list(directory.glob("benegraph-run-*"))


async def test_workers_share_rate_limits_and_metrics(tmp_path: Path, database_url: str, key: str) -> None:
    limits = {"BENEGRAPH_MAX_COST": "100", "BENEGRAPH_RATE_BURST": "100", "BENEGRAPH_RATE_PER_SECOND": "0.5"}
    query = "{ employers(first: 5) { nodes { id } } }"
    with (
        run_gateway(tmp_path, "--workers", "2", DATABASE_URL=database_url, **limits) as gateway,
        connection_to_each_worker(gateway, 2) as connections,
        ThreadPoolExecutor() as threads,
    ):
        assert set(connections) == workers_of(gateway)
        assert metric(gateway, "benegraph_database_pool_size") == PoolSettings().size + PoolSettings().overflow
        started_at = time.monotonic()
        futures = [
            threads.submit(lambda connection: [execute(connection, key, query) for _ in range(60)], connection)
            for connection in connections.values()
        ]
        responses = [response for future in futures for response in future.result()]
        seconds = time.monotonic() - started_at
        charged = [body["extensions"]["cost"]["requestedQueryCost"] for status, body in responses if status == 200]  # type: ignore[index]
        assert {status for status, _ in responses} == {200, 429}
        assert 100 - max(charged) - sum(status == 429 for status, _ in responses) <= sum(charged) <= 100 + 0.5 * seconds
        assert metric(gateway, "benegraph_requests_total") == len(responses)


async def test_a_killed_worker_is_restarted_and_stopping_workers_drain(
    tmp_path: Path, database_url: str, key: str, owner_url: str
) -> None:
    owner = await connect(owner_url)
    await owner.execute("""
        CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$;
        CREATE TRIGGER wait AFTER INSERT ON employers FOR EACH ROW EXECUTE FUNCTION wait();
        SELECT pg_advisory_lock(42);
    """)
    with run_gateway(tmp_path, "--workers", "2", DATABASE_URL=database_url) as gateway, ThreadPoolExecutor() as threads:
        killed, kept = sorted(workers_of(gateway))
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: f"Worker {killed} exited with code -9" in gateway.log, gateway)
        with connection_to_each_worker(gateway, 1) as connections:
            assert set(connections) == {kept}
        await asyncio.to_thread(wait_until, lambda: workers_of(gateway) - {killed, kept}, gateway)
        with connection_to_each_worker(gateway, 2) as connections:
            assert metric(gateway, "benegraph_database_pool_size") == PoolSettings().size + PoolSettings().overflow
            assert killed not in connections
            responses = [threads.submit(execute, connection, key, SLOW_MUTATION) for connection in connections.values()]
            for _ in range(500):
                if await owner.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") == 2:
                    break
                await asyncio.sleep(0.02)
            pids = {gateway.process.pid, *connections}
            for pid in connections:  # as a terminal does; workers ignore it
                os.kill(pid, signal.SIGINT)
                os.kill(pid, signal.SIGHUP)
            for pid in pids:  # as a service manager does that stops the whole group
                os.kill(pid, signal.SIGTERM)
            await asyncio.sleep(0.3)
            assert all(map(is_alive, pids))
            await owner.execute("SELECT pg_advisory_unlock(42)")
            expected = {"data": {"createEmployer": {"employer": {"name": "Slow Inc."}}}}
            assert [(status, body["data"]) for status, body in (future.result() for future in responses)] == [
                (200, expected["data"])
            ] * 2
            assert await asyncio.to_thread(gateway.process.wait, 6) == 0
        assert not any(map(is_alive, pids))
        assert "Traceback" not in gateway.log
    assert await owner.fetchval("SELECT count(*) FROM employers") == 2
    await owner.close()


def test_workers_stop_after_their_supervisor_is_killed() -> None:
    with reachable_directory() as directory:
        options = ("--data-dir", str(directory), "--workers", "2")
        with run_gateway(directory, *options, TMPDIR=str(directory)) as gateway:
            port, pids = gateway.port, workers_of(gateway)
            assert len(pids) == 2
            assert len(run_directories(directory)) == 1
            gateway.process.kill()
            wait_until(lambda: not any(map(is_alive, pids)), gateway, 5)
            assert "Traceback" not in gateway.log
        assert run_directories(directory) == []
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
        with run_gateway(directory, *options, TMPDIR=str(directory)) as restarted:
            assert restarted.get_status("/readyz") == 200
            all_pids = workers_of(restarted) | {restarted.process.pid}
            assert restarted.stop(signal.SIGINT) == 0
            assert not any(map(is_alive, all_pids))
            assert "Traceback" not in restarted.log
        assert not list(directory.glob("pg*/postmaster.pid"))
        assert run_directories(directory) == []


def test_a_gateway_stopped_while_workers_start_leaves_no_process_or_file(tmp_path: Path, database_url: str) -> None:
    environment = {"DATABASE_URL": database_url, "BENEGRAPH_WORKERS": "2", "TMPDIR": str(tmp_path)}
    with launch_gateway(tmp_path, **environment) as gateway:
        wait_until(lambda: len(workers_of(gateway)) == 2, gateway)
        assert len(run_directories(tmp_path)) == 1
        all_pids = workers_of(gateway) | {gateway.process.pid}
        gateway.process.terminate()
        assert gateway.process.wait(5) == 130
        assert gateway.stdout == ""
        assert not any(map(is_alive, all_pids))
        assert "Traceback" not in gateway.log
    assert run_directories(tmp_path) == []


def test_workers_do_not_share_a_port_that_is_in_use(database_url: str) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        result = subprocess.run(  # noqa: S603 - fixed arguments
            [sys.executable, "-m", "benegraph", "serve", "--workers", "2", "--port", str(port)],
            env={"DATABASE_URL": database_url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (result.returncode, result.stderr) == (
        1,
        f"benegraph: Cannot listen on 127.0.0.1 port {port}: Address already in use.\n",
    )


def worker_spec(directory: Path) -> WorkerSpec:
    config = WorkerConfig(Settings.from_environment({}), PagesConfig(), None)
    return WorkerSpec(
        config, "postgresql://nobody@127.0.0.1:1/none", PoolSettings(), ListenAddress(socket.AF_INET, ()), directory
    )


async def test_the_supervisor_gives_up_on_early_exits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workers, "run_worker", exit_at_once)
    monkeypatch.setattr(workers, "MAX_EARLY_EXITS", 2)
    task = asyncio.current_task()
    assert task is not None
    with pytest.raises(WorkersFailed):
        await supervise(worker_spec(tmp_path), 2, ShutdownRequest(task), lambda: pytest.fail("no worker is ready"))
    assert caplog.text.count("exited with code 3") == 2


async def test_workers_that_exit_after_they_were_ready_are_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workers, "run_worker", exit_when_ready)
    monkeypatch.setattr(workers, "MAX_EARLY_EXITS", 1)

    async def run_supervisor() -> None:
        task = asyncio.current_task()
        assert task is not None
        await supervise(worker_spec(tmp_path), 1, ShutdownRequest(task), lambda: None)

    task = asyncio.create_task(run_supervisor())
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while caplog.text.count("exited with code 3") < 2:
            assert not task.done()
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@given(size=st.integers(1, 40), overflow=st.integers(0, 40), count=st.integers(2, 60))
def test_the_shares_of_a_pool_add_up_to_the_pool(size: int, overflow: int, count: int) -> None:
    shares = [divide_pool(PoolSettings(size=size, overflow=overflow), number, count) for number in range(count)]
    assert sum(share.size + share.overflow for share in shares) == max(size + overflow, count)
    assert all(share.size >= 1 and share.overflow >= 0 for share in shares)
    assert max(share.size for share in shares) - min(share.size for share in shares) <= 1
