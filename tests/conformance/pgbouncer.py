"""A PgBouncer before the tests' server, on loopback, which lends few sessions to many clients."""

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

#: How many of the server's sessions it lends.
SESSIONS = 3
PATIENCE = 20.0

_BINARY = shutil.which("pgbouncer", path=os.pathsep.join((os.defpath, "/usr/sbin", "/usr/local/sbin")))
needs_pgbouncer = pytest.mark.skipif(
    _BINARY is None, reason="there is no pgbouncer here: the package of this name has it, in Debian and elsewhere"
)

# What has no say in the README is as PgBouncer's own defaults have it.
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
auth_file = {place}/users
"""


@dataclass(frozen=True)
class Bouncer:
    """A running PgBouncer, and the URL of a database through it."""

    url: str

    async def connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.url, statement_cache_size=0)


@contextmanager
def bouncing(url: str) -> Iterator[Bouncer]:
    """Stand between a role of the server, of which this is the URL, and its database."""
    assert _BINARY is not None
    there = make_url(url)
    with tempfile.TemporaryDirectory(prefix="benegraph-") as directory, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.close()
        place = Path(directory)
        host, its_port = _address(there)
        (place / "ini").write_text(
            _SETTINGS.format(host=host, port=its_port, listen_port=port, sessions=SESSIONS, place=place)
        )
        (place / "users").write_text(f'"{there.username}" "{there.password}"\n')
        with (place / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own words
                [_BINARY, str(place / "ini")], stdout=log, stderr=log, **_as_somebody(host, place)
            )
        try:
            _wait_until_it_listens(port, process, place / "log")
            through = there.set(drivername="postgresql", host="127.0.0.1", port=port, query={})
            yield Bouncer(through.render_as_string(hide_password=False))
        finally:
            process.kill()
            process.wait(PATIENCE)


def _address(url: URL) -> tuple[str, str]:
    told = {"host": url.host, "port": url.port} | url.query
    return str(told["host"] or "127.0.0.1"), str(told["port"] or 5432)


def _as_somebody(host: str, place: Path) -> dict[str, Any]:
    """Choose whom it runs as: it refuses to be root, and a server's socket may be open to the server's user alone."""
    if os.geteuid():
        return {}
    somebody = pwd.getpwuid(Path(host).stat().st_uid) if host.startswith("/") else pwd.getpwnam("nobody")
    for path in (place, *place.iterdir()):
        os.chown(path, somebody.pw_uid, somebody.pw_gid)
    return {"user": somebody.pw_uid, "group": somebody.pw_gid, "extra_groups": []}


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        else:
            return


async def all_sessions(bouncer: Bouncer, query: str) -> list[asyncpg.Record]:
    """Ask the same of every session that it lends, each in a transaction of its own, all at once."""
    connections = [await bouncer.connect() for _ in range(SESSIONS)]
    everyone = asyncio.Barrier(SESSIONS)

    async def ask(connection: asyncpg.Connection) -> asyncpg.Record:
        async with connection.transaction():
            await everyone.wait()
            return await connection.fetchrow(query)

    try:
        return await asyncio.gather(*map(ask, connections))
    finally:
        for connection in connections:
            await connection.close()
