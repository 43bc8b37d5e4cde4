"""Load: wrk over loopback sends prepared requests for a limited time."""

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
#: Seconds after which a request counts as failed; longer than any response takes.
REQUEST_TIMEOUT = 60
_NUMBERS = 9  # the numbers that rotate.lua prints


class LoadError(RuntimeError):
    """The measurement of a turn is invalid; the message gives the reason."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The result of one run: completed requests, seconds, bytes received, and latencies in milliseconds."""

    requests: int
    seconds: float
    bytes: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def find_wrk() -> str:
    """Return the path of wrk; install it from Debian if this process is root. Raises LoadError."""
    if path := shutil.which("wrk"):
        return path
    if os.geteuid() == 0 and (apt := shutil.which("apt-get")):
        Console(stderr=True).print("Installing the load generator wrk from Debian …")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}  # noqa: TID251 - apt reads its own variables
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", "wrk"]):
            command = [apt, "-qq", *arguments]
            subprocess.run(command, env=environment, check=False, capture_output=True)  # noqa: S603 - a fixed command
        if path := shutil.which("wrk"):
            return path
    raise LoadError("The load generator wrk is missing: run `apt-get install wrk` as root.")


def write_requests(path: Path, url: str, requests: Iterable[tuple[Mapping[str, str], Mapping[str, Any]]]) -> None:
    """Write complete HTTP requests, from headers and bodies, in the format of rotate.lua."""
    parts = urlsplit(url)
    with path.open("wb") as file:
        for own_headers, content in requests:
            body = orjson.dumps(content)
            headers = {"Host": parts.netloc, **own_headers, "Content-Length": str(len(body))}
            lines = [f"POST {parts.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
            request = "\r\n".join([*lines, "", ""]).encode() + body
            file.write(b"%d\n%b" % (len(request), request))


def run(
    url: str,
    requests: Path,
    *,
    seconds: int,
    connections: int,
    check: bool = False,
    halfway: Callable[[], None] = lambda: None,
) -> LoadResult:
    """Send requests for some seconds, and call `halfway` in the middle.

    `check` inspects every response, which costs wrk too much for a measurement. Raises LoadError if a request failed.
    """
    script = str(HERE / "rotate.lua")
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={REQUEST_TIMEOUT}s", "-s", script, url]
    wrk = subprocess.Popen(  # noqa: S603 - a fixed command
        [find_wrk(), *options, "--", str(requests), "check" if check else "measure"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(seconds / 2)
        halfway()
        output, errors = wrk.communicate()
    finally:
        wrk.kill()
    result = next((line for line in output.splitlines() if line.startswith("result ")), None)
    if result is None:
        raise LoadError(f"wrk failed: {errors.strip() or output.strip()}")
    _, *numbers = result.split(maxsplit=_NUMBERS + 1)
    first = numbers[_NUMBERS] if len(numbers) > _NUMBERS else ""
    completed, micros, received, refused, broken, p50, p99, _, bad = map(int, numbers[:_NUMBERS])
    if refused or broken or bad:
        raise LoadError(f"of {completed} requests {refused} were refused, {broken} broke, {bad} were bad: {first}")
    return LoadResult(completed, micros / 1e6, received, p50 / 1000, p99 / 1000)
