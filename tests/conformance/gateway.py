"""A running gateway with the demo's data, as a process, for test suites of other projects."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT = 60.0
TODAY = "2026-11-20"
#: A suite sends more requests in a minute than the rate limit allows one client.
NO_RATE_LIMIT = {"BENEGRAPH_RATE_BURST": "0"}


@dataclass(frozen=True)
class Gateway:
    """A running gateway: its URL, the demo's date, its keys by role, the demo's sample IDs, and its directory."""

    url: str
    today: str
    keys: dict[str, str]
    samples: dict[str, Any]
    directory: Path

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text(encoding="utf-8")

    def at(self, path: str) -> str:
        """Return the URL of another path."""
        return self.url.replace("/graphql", path)


@contextmanager
def run_gateway(*options: str, **environment: str) -> Iterator[Gateway]:
    """Serve until the block ends. Each suite has its own gateway, because suites change the data."""
    # Not pytest's directory: the embedded server's own user cannot reach it.
    with tempfile.TemporaryDirectory(prefix="benegraph-") as path:
        directory = Path(path)
        inherited = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ}  # noqa: TID251 - for the child process
        arguments = ["serve", "--demo", "--today", TODAY, "--port", "0", "--data-dir", path, *options]
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - a fixed command
                [sys.executable, "-m", "benegraph", *arguments],
                env=inherited | NO_RATE_LIMIT | environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        try:
            yield _wait_until_ready(process, directory)
        finally:
            process.terminate()
            process.wait(TIMEOUT)


def _wait_until_ready(process: subprocess.Popen[bytes], directory: Path) -> Gateway:
    deadline = time.monotonic() + TIMEOUT
    demo_file = directory / "demo.json"
    while True:
        gateway = Gateway(**json.loads(demo_file.read_bytes()), directory=directory) if demo_file.exists() else None
        if gateway and _is_ready(gateway.at("/readyz")):
            return gateway
        log = (directory / "log").read_text(encoding="utf-8")
        assert process.poll() is None, log
        assert time.monotonic() < deadline, log
        time.sleep(0.05)


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url) as response:  # noqa: S310 - a local URL
            return bool(response.status == 200)
    except urllib.error.URLError:
        return False
