"""Bundles of the pages for tests: written by hand, or built by scripts in place of npm and esbuild."""

import asyncio
import gzip
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benegraph.web.pages import bundle

BUNDLE_FILES = {
    "load.js": b"export {};",
    "pages.json": b"{}",
    "graphiql.js": b"export {};",
    "graphiql.css": b"main {}",
    "home.js": b"export {};",
    "home.css": b"main {}",
    "licences.txt": b"MIT",
}

#: A script that writes a bundle.
BUILD_SCRIPT = "from pathlib import Path; Path('out').mkdir(); Path('out/graphiql.js').write_text('made')"
#: Scripts that wait: for the file `go` beside the cache, and for ten minutes.
WAIT_SCRIPT = "import time; from pathlib import Path\nwhile not Path('../../go').exists(): time.sleep(0.02)"
SLEEP_SCRIPT = "import time; from pathlib import Path; Path('../../asleep').touch(); time.sleep(600)"


def write_bundle(directory: Path, digest: str | None = None) -> None:
    directory.mkdir(parents=True)
    for name, content in BUNDLE_FILES.items():
        (directory / name).write_bytes(content)
        (directory / f"{name}.gz").write_bytes(gzip.compress(content))
    (directory / bundle.STAMP).write_text(digest or bundle.source_digest(), encoding="ascii")


# The modules that need these make them fixtures. One of them is autouse, and must not affect other tests.


def packaged_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory of the packaged bundle, which does not exist unless a test creates it."""
    directory = tmp_path / "packaged"
    monkeypatch.setattr(bundle, "PACKAGED", directory)
    return directory


def empty_cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def cache_with_bundle(cache: Path) -> Path:
    """Return a cache that contains a bundle."""
    write_bundle(cache / f"pages-{bundle.source_digest()}")
    return cache


def replace_steps(monkeypatch: pytest.MonkeyPatch, *scripts: str) -> None:
    """Build the bundle with these scripts: the first in place of npm, the second in place of esbuild."""
    steps = tuple(
        bundle._Step(name, seconds, (sys.executable, "-c", script))
        for (name, seconds), script in zip((("fetching packages", 30.0), ("bundling", 10.0)), scripts, strict=False)
    )
    monkeypatch.setattr(bundle, "_steps", lambda: steps)


async def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.02)
    pytest.fail("The condition was not met within 20 s.")


def file_names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []
