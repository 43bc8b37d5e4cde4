"""The explorer's making for real, by npm: at the first `serve`, beside its answers, and by `explorer build`."""

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

from benegraph.web.explorer import bundle
from gateways import TODAY, Gateway, reachable_directory, run_gateway, wait_until

pytestmark = pytest.mark.conformance

MAX_TOKEN_LENGTH = 240.0  # seconds, for npm and a slow line


@pytest.fixture(autouse=True)
def nothing_is_packed() -> None:
    if bundle.PACKAGED.exists():
        pytest.skip("a bundle is packed into these sources, and would be taken in place of one that is made")


@pytest.fixture(scope="module")
def cache() -> Iterator[Path]:
    """Give a cache, empty at first; whoever makes the bundle spares the others the minute."""
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


@pytest.fixture
def place() -> Iterator[Path]:
    with reachable_directory() as place:
        yield place


def environment(cache: Path, **others: str) -> dict[str, str]:
    """Give npm what it needs of this machine to reach the registry, and a cache of the test's own."""
    theirs = bundle._environment(os.environ)  # noqa: TID251 - handed on, as the gateway does
    return theirs | {"XDG_CACHE_HOME": str(cache)} | others


def build(cache: Path, *words: str, **others: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "benegraph", "explorer", "build", *words],
        env=environment(cache, **others),
        capture_output=True,
        text=True,
        timeout=MAX_TOKEN_LENGTH,
        check=False,
    )


def demo(place: Path, cache: Path, **others: str) -> AbstractContextManager[Gateway]:
    words = ("--demo", "--today", TODAY, "--data-dir", str(place))
    return run_gateway(place, *words, until="Ctrl-C", **environment(cache, **others))


def page_of(gateway: Gateway) -> str:
    return read(gateway, "/", Accept="text/html").decode()


def read(gateway: Gateway, path: str, **headers: str) -> bytes:
    request = urllib.request.Request(gateway.url.replace("/graphql", path), headers=headers)  # noqa: S310 - our own
    with urllib.request.urlopen(request) as response:  # noqa: S310 - as above
        return bytes(response.read())


def role_of(gateway: Gateway) -> Any:
    return gateway.ask("{ viewer { role } }", gateway.note["keys"]["employer"])["data"]["viewer"]["role"]


def test_without_a_registry_it_says_so_and_the_next_start_tries_again(place: Path, cache: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and never listens
        registry = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        with demo(place, cache, npm_config_registry=registry) as gateway:
            wait_until(lambda: "There is no explorer here" in page_of(gateway), gateway)
            assert "fetching packages (ECONNREFUSED)" in page_of(gateway)
            assert registry not in page_of(gateway)
            assert role_of(gateway) == "EMPLOYER"
            assert gateway.stop() == 0
    assert [path.name for path in (cache / "benegraph").iterdir()] == ["explorer.lock"]

    with demo(place, cache) as gateway:
        assert role_of(gateway) == "EMPLOYER"
        assert "The explorer is being made" in page_of(gateway)
        wait_until(lambda: "main.js" in page_of(gateway), gateway, MAX_TOKEN_LENGTH)
        files = f"/explorer/{bundle.source_digest()}"
        assert b"Viewer" in read(gateway, f"{files}/main.js")
        assert len(read(gateway, f"{files}/main.js")) > 2 * len(
            read(gateway, f"{files}/main.js", **{"Accept-Encoding": "gzip"})
        )
        wait_until(lambda: "Explorer: ready" in gateway.log, gateway)
        said = [gateway.log.index(f"Explorer: {step}") for step in ("fetching packages", "bundling", "ready")]
        assert said == sorted(said)
    assert sorted(path.name for path in (cache / "benegraph").iterdir()) == [
        f"explorer-{bundle.source_digest()}",
        "explorer.lock",
    ]


def test_who_is_told_to_end_while_it_is_made_ends_at_once_and_so_does_npm(place: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as registry:  # which takes calls, and never answers
        address = f"http://127.0.0.1:{registry.getsockname()[1]}/"
        with demo(place, tmp_path, npm_config_registry=address) as gateway:
            registry.settimeout(60)
            connection, _ = registry.accept()
            connection.settimeout(10)
            assert connection.recv(65536).startswith(b"GET ")
            assert gateway.stop() == 0
            while connection.recv(65536):
                pass  # to its end, which comes with npm's
            connection.close()
    assert [path.name for path in (tmp_path / "benegraph").iterdir()] == ["explorer.lock"]


def test_it_is_built_ahead_into_a_directory(cache: Path, tmp_path: Path) -> None:
    target = tmp_path / "new/static"
    done = build(cache, str(target))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"The explorer is in {target}\n"
    assert (target / bundle.STAMP).read_text(encoding="ascii") == bundle.source_digest()
    names = {path.name for path in target.iterdir()}
    assert names >= {"main.js", "main.css", "editor.worker.js", "graphql.worker.js", "json.worker.js", "licences.txt"}
    assert names >= {f"{name}.gz" for name in ("main.js", "main.css", "graphql.worker.js")}
    # What was made is there by now, so that neither Node nor a registry is asked again.
    again = build(cache, str(target), npm_config_registry="http://127.0.0.1:9/")
    assert (again.returncode, again.stderr) == (0, "")


def test_what_is_bundled_keeps_its_licences(cache: Path) -> None:
    done = build(cache)
    assert done.returncode == 0, done.stderr
    place = Path(done.stdout.removeprefix("The explorer is in ").rstrip("\n"))
    assert place.parent == cache / "benegraph"
    sections = (place / "licences.txt").read_text(encoding="utf-8").split(f"\n{'-' * 100}\n\n")
    titles = [section.splitlines()[0] for section in sections]
    assert any(title.startswith("graphiql 5.") for title in titles)
    assert any(title.startswith("monaco-editor ") for title in titles)
    # Some packages ship no text of theirs; the name of the licence stands for it.
    assert all(title.endswith(")") and "undefined" not in title for title in titles)
    assert sum(len(section.splitlines()) > 5 for section in sections) > 0.8 * len(sections)


def test_a_directory_of_something_else_is_refused_in_one_line(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="ascii")
    assert build(cache).returncode == 0
    done = build(cache, str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "benegraph: The target directory contains other files; choose a new or empty directory.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
