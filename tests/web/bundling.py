"""Bundles of a test's own making: laid out by hand, or made by programs that stand for npm and esbuild."""

import asyncio
import gzip
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benegraph.web.explorer import bundle

BUNDLED = {"main.js": b"export {};", "main.css": b"main {}", "licences.txt": b"MIT"}

#: A program that bundles.
BUNDLES = "from pathlib import Path; Path('out').mkdir(); Path('out/main.js').write_text('made')"
#: Programs that wait: until a file beside the cache is there, and for good.
WAITS = "import time; from pathlib import Path\nwhile not Path('../../go').exists(): time.sleep(0.02)"
SLEEPS = "import time; from pathlib import Path; Path('../../asleep').touch(); time.sleep(600)"


def lay_bundle(place: Path, digest: str | None = None) -> None:
    place.mkdir(parents=True)
    for name, content in BUNDLED.items():
        (place / name).write_bytes(content)
        (place / f"{name}.gz").write_bytes(gzip.compress(content))
    (place / bundle.STAMP).write_text(digest or bundle.source_digest(), encoding="ascii")


# Fixtures once a module makes them such: one that is autouse is not to reach the rest of the web's tests.


def place_of_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give where a bundle would be packed: nowhere, but for what a test puts there."""
    place = tmp_path / "packed"
    monkeypatch.setattr(bundle, "PACKAGED", place)
    return place


def empty_cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def cache_with_bundle(cache: Path) -> Path:
    """Give a cache with a bundle in it."""
    lay_bundle(cache / f"explorer-{bundle.source_digest()}")
    return cache


def steps(monkeypatch: pytest.MonkeyPatch, *sources: str) -> None:
    """Let the bundle be made by programs of ours; the first fetches packages, the second bundles."""
    made = tuple(
        bundle._Step(what, (sys.executable, "-c", source))
        for what, source in zip(("fetching packages", "bundling"), sources, strict=False)
    )
    monkeypatch.setattr(bundle, "_steps", lambda: made)


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.02)
    pytest.fail("It never came.")


def names_in(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir()) if place.exists() else []
