"""Gateways as processes of their own: started, asked over real sockets, told to end."""

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from signal import SIGTERM, Signals
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60.0
TODAY = "2026-11-20"


@dataclass(frozen=True)
class Gateway:
    """A running gateway, and where it writes what it prints and logs."""

    process: subprocess.Popen[bytes]
    place: Path

    @property
    def page(self) -> str:
        return (self.place / "page").read_text(encoding="utf-8")

    @property
    def log(self) -> str:
        return (self.place / "log").read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        (url,) = set(re.findall(r"http://\S+/graphql", self.page))
        return str(url)

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port is not None
        return port

    @property
    def note(self) -> dict[str, Any]:
        note: dict[str, Any] = json.loads((self.place / "demo.json").read_bytes())
        return note

    def stop(self, number: Signals = SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT_SECONDS)

    def get(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.url.replace("/graphql", path)) as response:  # noqa: S310 - our own
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code

    def ask(self, query: str, key: str) -> dict[str, Any]:
        return post_json(
            self.url, {"query": query}, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        )

    def connection(self) -> http.client.HTTPConnection:
        """Open a connection that is kept alive."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        connection.connect()
        return connection


@contextmanager
def run_gateway(
    place: Path, *words: str, until: str = "http://", after: str = "", **environment: str
) -> Iterator[Gateway]:
    """Serve on a free port, as a process with hardly an environment, until its page says something."""
    with launch_gateway(place, *words, after=after, **environment) as gateway:
        wait_until(lambda: until in gateway.page or gateway.process.poll() is not None, gateway)
        assert gateway.process.poll() is None, gateway.log
        yield gateway


@contextmanager
def launch_gateway(place: Path, *words: str, after: str = "", **environment: str) -> Iterator[Gateway]:
    """Begin to serve; after a line of Python, if any."""
    program = ["-c", f"{after}; from benegraph import __main__"] if after else ["-m", "benegraph"]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}  # noqa: TID251 - its own
    # Without a cache no explorer is made, which would take npm and half a minute of each gateway's time.
    kept["XDG_CACHE_HOME"] = os.devnull
    with (place / "page").open("wb") as page, (place / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, *program, "serve", "--port", "0", *words],
            env=kept | environment,
            stdout=page,
            stderr=log,
        )
    try:
        yield Gateway(process, place)
    finally:
        process.terminate()
        process.wait(TIMEOUT_SECONDS)


def wait_until(done: Callable[[], object], gateway: Gateway, seconds: float = TIMEOUT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, gateway.log
        time.sleep(0.02)


def post_json(url: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - our own
    with urllib.request.urlopen(request) as response:  # noqa: S310 - as above
        answer: dict[str, Any] = json.load(response)
    return answer


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """Give a directory that the embedded server's own user can reach, as pytest's are not."""
    with tempfile.TemporaryDirectory(prefix="benegraph-") as directory:
        yield Path(directory)


def exit_at_once(*_: object) -> None:
    """Be a worker that ends at once. It stands here, where a fresh process finds it without importing much."""
    sys.exit(3)


def exit_when_ready(_order: object, line: Connection) -> None:
    """Be a worker that ends as soon as it answers."""
    line.send_bytes(b"ready")
    sys.exit(3)
