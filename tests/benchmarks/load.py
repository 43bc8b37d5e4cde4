"""Load: wrk over the loopback, with requests written out beforehand, for a bounded time."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from rich.console import Console

HERE = Path(__file__).parent
#: Seconds after which a request counts as failed: more than the slowest answer there is.
PATIENCE = 60
_NUMBERS = 9


class LoadError(RuntimeError):
    """A turn is worth nothing: the message says what went wrong in it."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one turn: how many were answered in how many seconds, and how long they took in milliseconds."""

    requests: int
    seconds: float
    bytes: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def find_wrk() -> str:
    """Find wrk, or install it where that is ours to do. Raises LoadError."""
    if found := shutil.which("wrk"):
        return found
    if os.geteuid() == 0 and (apt := shutil.which("apt-get")):
        Console(stderr=True).print("Installing wrk, which makes the load, from Debian …")
        given = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}  # noqa: TID251 - apt reads its own of it
        for words in (["update"], ["install", "-y", "--no-install-recommends", "wrk"]):
            subprocess.run([apt, "-qq", *words], env=given, check=False, capture_output=True)  # noqa: S603 - our own words
        if found := shutil.which("wrk"):
            return found
    raise LoadError("There is no wrk, which makes the load: `apt-get install wrk` as root.")


def write_requests(path: Path, url: str, requests: Iterable[tuple[Mapping[str, str], Mapping[str, Any]]]) -> None:
    """Write out whole HTTP requests, from headers and bodies, as rotate.lua reads them."""
    parts = urlsplit(url)
    with path.open("wb") as file:
        for headers, content in requests:
            body = orjson.dumps(content)
            given = {"Host": parts.netloc, **headers, "Content-Length": str(len(body))}
            lines = [f"POST {parts.path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
            request = "\r\n".join([*lines, "", ""]).encode() + body
            file.write(b"%d\n%b" % (len(request), request))


def run(
    url: str,
    requests: Path,
    *,
    seconds: int,
    connections: int,
    check: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> Load:
    """Let wrk send requests for so many seconds, and do something in the middle of it.

    `check` looks at every answer, which costs wrk too much to measure by. Raises LoadError where not all is well.
    """
    words = ["-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={PATIENCE}s", "-s", str(HERE / "rotate.lua"), url]
    wrk = subprocess.Popen(  # noqa: S603 - our own words
        [find_wrk(), *words, "--", str(requests), "check" if check else "measure"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(seconds / 2)
        meanwhile()
        output, errors = wrk.communicate()
    finally:
        wrk.kill()
    told = next((line for line in output.splitlines() if line.startswith("told ")), None)
    if told is None:
        raise LoadError(f"wrk failed: {errors.strip() or output.strip()}")
    _, *numbers = told.split(maxsplit=10)
    first = numbers[9] if len(numbers) > _NUMBERS else ""
    answered, micros, received, refused, broken, p50, p99, _, bad = map(int, numbers[:_NUMBERS])
    if refused or broken or bad:
        raise LoadError(f"of {answered} requests {refused} were refused, {broken} broke, {bad} were bad: {first}")
    return Load(answered, micros / 1e6, received, p50 / 1000, p99 / 1000)
