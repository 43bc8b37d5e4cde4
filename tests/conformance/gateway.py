"""A running gateway over the demo's data, as a process, for suites that come from outside."""

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

PATIENCE = 60.0
TODAY = "2026-11-20"
#: What it is told beside: a suite asks more in a minute than the rate allows one client.
GENEROUS = {"BENEGRAPH_RATE_BURST": "0"}


@dataclass(frozen=True)
class Gateway:
    """Where it answers, whom it lets in, and where it writes what it logs."""

    url: str
    keys: dict[str, str]
    samples: dict[str, Any]
    place: Path

    @property
    def log(self) -> str:
        return (self.place / "log").read_text(encoding="utf-8")

    def at(self, path: str) -> str:
        """Give the address of another path of it."""
        return self.url.replace("/graphql", path)


@contextmanager
def serving() -> Iterator[Gateway]:
    """Serve until the suite is done. A gateway of each suite's own, since what one changes another would miss."""
    # Not pytest's directory, which the embedded server's own user can't reach.
    with tempfile.TemporaryDirectory(prefix="benegraph-") as directory:
        place = Path(directory)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}  # noqa: TID251 - its own
        words = ["serve", "--demo", "--today", TODAY, "--port", "0", "--data-dir", directory]
        with (place / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own words
                [sys.executable, "-m", "benegraph", *words], env=kept | GENEROUS, stdout=subprocess.DEVNULL, stderr=log
            )
        try:
            yield _once_ready(process, place)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _once_ready(process: subprocess.Popen[bytes], place: Path) -> Gateway:
    deadline = time.monotonic() + PATIENCE
    note = place / "demo.json"
    while True:
        gateway = Gateway(**json.loads(note.read_bytes()), place=place) if note.exists() else None
        if gateway and _answers(gateway.at("/readyz")):
            return gateway
        log = (place / "log").read_text(encoding="utf-8")
        assert process.poll() is None, log
        assert time.monotonic() < deadline, log
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url) as response:  # noqa: S310 - our own
            return bool(response.status == 200)
    except urllib.error.URLError:
        return False
