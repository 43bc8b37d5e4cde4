"""A TCP proxy in front of PostgreSQL that cuts connections at their COMMIT."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import URL, make_url

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database


async def _do_nothing() -> None:
    pass


@asynccontextmanager
async def commit_proxy(
    url: str, at_commit: Callable[[], str], while_lost: Callable[[], Awaitable[None]] = _do_nothing
) -> AsyncIterator[Database]:
    """Yield a database behind a TCP proxy that can cut the connection at a COMMIT.

    For each COMMIT, `at_commit` returns `pass`; `before`, to cut the connection before the COMMIT is forwarded;
    `after`, to cut it after the server's reply, which is withheld; `down`, like `after`, but then also refuse new
    connections; or `late`, to cut the client's connection first and forward the COMMIT then. `while_lost` runs before
    the connection is cut, and for `late` before the COMMIT is forwarded.
    """
    target = make_url(url)
    proxy = _Proxy(target, at_commit, while_lost)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = target.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
    engine = create_engine(url, PoolSettings(size=2, overflow=0))
    try:
        yield Database(engine)
    finally:
        await engine.dispose()
        server.close()
        await asyncio.gather(*proxy.tasks, return_exceptions=True)


def at_commits(*actions: str) -> Callable[[], str]:
    remaining = list(actions)
    return lambda: remaining.pop(0) if remaining else "pass"


@dataclass
class _Proxy:
    target: URL
    at_commit: Callable[[], str]
    while_lost: Callable[[], Awaitable[None]]
    is_down: bool = False
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            self.tasks.add(task)
        with suppress(OSError):
            if not self.is_down:
                await self._forward(reader, writer)
        await _close(writer)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await self._connect()
        replies = asyncio.create_task(_copy(server_reader, writer))
        self.tasks.add(replies)
        try:
            while data := await reader.read(65536):
                action = self.at_commit() if b"COMMIT" in data else "pass"
                if action == "pass":
                    server_writer.write(data)
                    continue
                if action == "before":
                    await self.while_lost()
                    break
                replies.cancel()
                await asyncio.wait([replies])
                if action == "late":
                    writer.close()
                    await self.while_lost()
                server_writer.write(data)
                await server_reader.read(65536)
                self.is_down = action == "down"
                break
        finally:
            replies.cancel()
            await _close(server_writer)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host = str(self.target.query.get("host") or self.target.host)
        port = int(str(self.target.query.get("port") or self.target.port or 5432))
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()
