"""Builds of the pages with the real npm: in the background of `serve`, and by `explorer build`."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from benegraph.web.pages import bundle
from gateways import TODAY, Gateway, reachable_directory, run_gateway, wait_until

pytestmark = pytest.mark.conformance

BUILD_TIMEOUT_SECONDS = 240.0


@pytest.fixture(autouse=True)
def skip_if_packaged() -> None:
    if bundle.PACKAGED.exists():
        pytest.skip("these sources contain a packaged bundle, which takes precedence over a built one")


@pytest.fixture(scope="module")
def cache() -> Iterator[Path]:
    """Yield an empty cache. The tests share it, because a build takes a minute."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


@pytest.fixture
def directory() -> Iterator[Path]:
    with reachable_directory() as directory:
        yield directory


def environment(cache: Path, **others: str) -> dict[str, str]:
    """Return the environment that npm needs to reach the registry, with the test's own cache."""
    variables = bundle._environment(os.environ)  # noqa: TID251 - passed on, as the gateway does
    return variables | {"XDG_CACHE_HOME": str(cache)} | others


def build(cache: Path, *arguments: str, **others: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a constant command
        [sys.executable, "-m", "benegraph", "explorer", "build", *arguments],
        env=environment(cache, **others),
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_SECONDS,
        check=False,
    )


def running_demo(directory: Path, cache: Path, **others: str) -> AbstractContextManager[Gateway]:
    arguments = ("--demo", "--today", TODAY, "--data-dir", str(directory))
    return run_gateway(directory, *arguments, until="Ctrl-C", **environment(cache, **others))


def get_page(gateway: Gateway) -> str:
    return read(gateway, "/graphiql", Accept="text/html").decode()


def read(gateway: Gateway, path: str, **headers: str) -> bytes:
    request = urllib.request.Request(gateway.url.replace("/graphql", path), headers=headers)  # noqa: S310 - the test's own gateway
    with urllib.request.urlopen(request) as response:  # noqa: S310 - as above
        return bytes(response.read())


def role_of(gateway: Gateway) -> Any:
    return gateway.post_query("{ viewer { role } }", gateway.demo_file["keys"]["employer"])["data"]["viewer"]["role"]


def test_unreachable_registry_is_reported_and_the_next_start_retries(directory: Path, cache: Path) -> None:
    with socket.socket() as unused_socket:
        unused_socket.bind(("127.0.0.1", 0))  # it does not listen
        registry = f"http://127.0.0.1:{unused_socket.getsockname()[1]}/"
        with running_demo(directory, cache, npm_config_registry=registry) as gateway:
            wait_until(lambda: "This page is not available." in get_page(gateway), gateway)
            assert "The step “fetching packages” failed (ECONNREFUSED)." in get_page(gateway)
            assert registry not in get_page(gateway)
            assert role_of(gateway) == "EMPLOYER"
            assert gateway.stop() == 0
    assert [path.name for path in (cache / "benegraph").iterdir()] == ["pages.lock"]

    with running_demo(directory, cache) as gateway:
        assert role_of(gateway) == "EMPLOYER"
        assert "The pages are being built." in get_page(gateway)
        wait_until(lambda: "load.js" in get_page(gateway), gateway, BUILD_TIMEOUT_SECONDS)
        files = f"/pages/{bundle.source_digest()}"
        assert b"Viewer" in read(gateway, f"{files}/graphiql.js")
        assert len(read(gateway, f"{files}/graphiql.js")) > 2 * len(
            read(gateway, f"{files}/graphiql.js", **{"Accept-Encoding": "gzip"})
        )
        wait_until(lambda: "Pages: ready" in gateway.log, gateway)
        positions = [gateway.log.index(f"Pages: {step}") for step in ("fetching packages", "bundling", "ready")]
        assert positions == sorted(positions)
    assert sorted(path.name for path in (cache / "benegraph").iterdir()) == [
        f"pages-{bundle.source_digest()}",
        "pages.lock",
    ]


def test_shutdown_during_a_build_ends_the_gateway_and_npm(directory: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as registry:  # it accepts connections, and never responds
        address = f"http://127.0.0.1:{registry.getsockname()[1]}/"
        with running_demo(directory, tmp_path, npm_config_registry=address) as gateway:
            registry.settimeout(60)
            connection, _ = registry.accept()
            connection.settimeout(10)
            assert connection.recv(65536).startswith(b"GET ")
            assert gateway.stop() == 0
            while connection.recv(65536):
                pass  # until npm ends and closes the connection
            connection.close()
    assert [path.name for path in (tmp_path / "benegraph").iterdir()] == ["pages.lock"]


def test_build_installs_the_bundle_into_a_directory(cache: Path, tmp_path: Path) -> None:
    target = tmp_path / "new/static"
    process = build(cache, str(target))
    assert process.returncode == 0, process.stderr
    assert process.stdout == f"The pages are in {target}\n"
    assert (target / bundle.STAMP).read_text(encoding="ascii") == bundle.source_digest()
    pages = json.loads((target / "pages.json").read_bytes())
    assert {"script": "graphiql.js", "style": "graphiql.css"}.items() <= pages["graphiql"].items()
    for page in pages.values():
        assert {page["script"], page["style"]} <= page["bytes"].keys()
        assert page["bytes"] == {name: (target / name).stat().st_size for name in page["bytes"]}
    names = {path.name for path in target.iterdir()}
    assert names >= {
        "load.js",
        "graphiql.js",
        "graphiql.css",
        "editor.worker.js",
        "graphql.worker.js",
        "json.worker.js",
        "licences.txt",
    }
    assert names >= {f"{name}.gz" for name in ("graphiql.js", "graphiql.css", "graphql.worker.js")}
    # The second build finds the bundle in the cache, and needs neither Node nor the registry.
    second_process = build(cache, str(target), npm_config_registry="http://127.0.0.1:9/")
    assert (second_process.returncode, second_process.stderr) == (0, "")


def test_bundle_contains_the_licences_of_its_packages(cache: Path) -> None:
    process = build(cache)
    assert process.returncode == 0, process.stderr
    directory = Path(process.stdout.removeprefix("The pages are in ").rstrip("\n"))
    assert directory.parent == cache / "benegraph"
    sections = (directory / "licences.txt").read_text(encoding="utf-8").split(f"\n{'-' * 100}\n\n")
    titles = [section.splitlines()[0] for section in sections]
    assert any(title.startswith("graphiql 5.") for title in titles)
    assert any(title.startswith("monaco-editor ") for title in titles)
    # Some packages contain no licence text. Their sections contain the name of the licence only.
    assert all(title.endswith(")") and "undefined" not in title for title in titles)
    assert sum(len(section.splitlines()) > 5 for section in sections) > 0.8 * len(sections)


def test_build_rejects_a_target_directory_with_other_files(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="ascii")
    assert build(cache).returncode == 0
    process = build(cache, str(tmp_path))
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr == "benegraph: The target directory contains other files; choose a new or empty directory.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
