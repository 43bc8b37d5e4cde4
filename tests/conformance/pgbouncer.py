"""A PgBouncer on loopback in front of the tests' server: it shares few server sessions among many clients."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import URL, make_url

#: The number of server sessions in its pool.
SESSIONS = 3
TIMEOUT = 20.0

_BINARY = shutil.which("pgbouncer", path=os.pathsep.join((os.defpath, "/usr/sbin", "/usr/local/sbin")))
needs_pgbouncer = pytest.mark.skipif(_BINARY is None, reason="pgbouncer is missing: install the package of this name")

# Beyond operations.md, only addresses and authentication are set; the rest are PgBouncer's defaults.
_SETTINGS = """
[databases]
* = host={host} port={port}

[pgbouncer]
pool_mode = transaction
default_pool_size = {sessions}
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {directory}/users
"""


@dataclass(frozen=True)
class PgBouncer:
    """A running PgBouncer, and the URL of a database through it."""

    url: str

    async def connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.url, statement_cache_size=0)


@contextmanager
def run_pgbouncer(url: str) -> Iterator[PgBouncer]:
    """Run a PgBouncer in front of the server of this URL, with the URL's login."""
    assert _BINARY is not None
    server = make_url(url)
    with tempfile.TemporaryDirectory(prefix="benegraph-") as name, socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        reserved.close()
        directory = Path(name)
        host, server_port = _address(server)
        (directory / "ini").write_text(
            _SETTINGS.format(host=host, port=server_port, listen_port=port, sessions=SESSIONS, directory=directory)
        )
        (directory / "users").write_text(f'"{server.username}" "{server.password}"\n')
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - a fixed command
                [_BINARY, str(directory / "ini")], stdout=log, stderr=log, **_account_options(host, directory)
            )
        try:
            _wait_until_listening(port, process, directory / "log")
            pooled = server.set(drivername="postgresql", host="127.0.0.1", port=port, query={})
            yield PgBouncer(pooled.render_as_string(hide_password=False))
        finally:
            process.kill()
            process.wait(TIMEOUT)


def _address(url: URL) -> tuple[str, str]:
    parts = {"host": url.host, "port": url.port} | url.query
    return str(parts["host"] or "127.0.0.1"), str(parts["port"] or 5432)


def _account_options(host: str, directory: Path) -> dict[str, Any]:
    """Return the user to run as: PgBouncer refuses root, and only the server's user may open its socket."""
    if os.geteuid():
        return {}
    account = pwd.getpwuid(Path(host).stat().st_uid) if host.startswith("/") else pwd.getpwnam("nobody")
    for path in (directory, *directory.iterdir()):
        os.chown(path, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _wait_until_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        else:
            return


async def fetch_in_all_sessions(pgbouncer: PgBouncer, query: str) -> list[asyncpg.Record]:
    """Run a query in every server session of the pool, in concurrent transactions."""
    connections = [await pgbouncer.connect() for _ in range(SESSIONS)]
    all_connected = asyncio.Barrier(SESSIONS)

    async def fetch(connection: asyncpg.Connection) -> asyncpg.Record:
        async with connection.transaction():
            await all_connected.wait()
            return await connection.fetchrow(query)

    try:
        return await asyncio.gather(*map(fetch, connections))
    finally:
        for connection in connections:
            await connection.close()
