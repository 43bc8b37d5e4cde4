"""Gateways as separate processes: starting them, sending requests over real sockets, stopping them."""

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
from collections.abc import Callable, Iterator, Sequence
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
    """A running gateway, and the directory with its standard output, its log and the demo file."""

    process: subprocess.Popen[bytes]
    directory: Path

    @property
    def stdout(self) -> str:
        return (self.directory / "stdout").read_text(encoding="utf-8")

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        (url,) = set(re.findall(r"http://\S+/graphql", self.stdout))
        return str(url)

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port is not None
        return port

    @property
    def demo_file(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.directory / "demo.json").read_bytes())
        return content

    def stop(self, signal: Signals = SIGTERM) -> int:
        self.process.send_signal(signal)
        return self.process.wait(TIMEOUT_SECONDS)

    def get_status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.url.replace("/graphql", path)) as response:  # noqa: S310 - a URL of the tests
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code

    def post_query(self, query: str, key: str) -> dict[str, Any]:
        return post_json(
            self.url, {"query": query}, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        )

    def open_connection(self) -> http.client.HTTPConnection:
        """Open a persistent connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        connection.connect()
        return connection


@contextmanager
def run_gateway(
    directory: Path,
    *arguments: str,
    until: str = "http://",
    after: str = "",
    program: Sequence[str] = (),
    **environment: str,
) -> Iterator[Gateway]:
    """Run a gateway on a free port with a minimal environment; yield it once `until` is in its standard output."""
    with launch_gateway(directory, *arguments, after=after, program=program, **environment) as gateway:
        wait_until(lambda: until in gateway.stdout or gateway.process.poll() is not None, gateway)
        assert gateway.process.poll() is None, gateway.log
        yield gateway


def minimal_environment() -> dict[str, str]:
    """Return the environment in which gateways and the commands that they print run."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}  # noqa: TID251 - the test's own environment
    # Without a cache directory the gateway doesn't build the pages, which would take half a minute and npm.
    return inherited | {"XDG_CACHE_HOME": os.devnull}


@contextmanager
def launch_gateway(
    directory: Path, *arguments: str, after: str = "", program: Sequence[str] = (), **environment: str
) -> Iterator[Gateway]:
    """Start a gateway without waiting until it serves; `after` is Python code to execute first.

    `program` is the program to start, by default this Python with the module `benegraph`.
    """
    module = ["-c", f"{after}; from benegraph.__main__ import main; main()"] if after else ["-m", "benegraph"]
    with (directory / "stdout").open("wb") as stdout, (directory / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - the arguments are constants of the tests
            [*(program or (sys.executable, *module)), "serve", "--port", "0", *arguments],
            env=minimal_environment() | environment,
            stdout=stdout,
            stderr=log,
        )
    try:
        yield Gateway(process, directory)
    finally:
        process.terminate()
        process.wait(TIMEOUT_SECONDS)


def wait_until(condition: Callable[[], object], gateway: Gateway, seconds: float = TIMEOUT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, gateway.log
        time.sleep(0.02)


def post_json(url: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - a URL of the tests
    with urllib.request.urlopen(request) as response:  # noqa: S310 - as above
        content: dict[str, Any] = json.load(response)
    return content


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """Yield a directory that the embedded server's user can enter, unlike pytest's own directories."""
    with tempfile.TemporaryDirectory(prefix="benegraph-") as directory:
        yield Path(directory)


def exit_at_once(*_: object) -> None:
    """Run as a worker that exits at once. It is defined here because a new process can import this module quickly."""
    sys.exit(3)


def exit_when_ready(_order: object, connection: Connection) -> None:
    """Run as a worker that exits as soon as it has reported readiness."""
    connection.send_bytes(b"ready")
    sys.exit(3)
