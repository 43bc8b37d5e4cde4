"""The pages over HTTP: GraphiQL, security headers, files and configuration, and the build of a missing bundle."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import page_bundles
import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from api_client import schema, status_and_codes
from graphql import parse
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

from benegraph.db.engine import create_engine
from benegraph.db.session import Database
from benegraph.web.app import create_app
from benegraph.web.pages import Pages, PagesConfig, Persona, Tab, bundle

KEY = "bgk_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
DEMO = PagesConfig((Persona("administrator", "Administrator", KEY, "demo"),), (Tab("{ viewer { role } }", {"a": 1}),))
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"

Client = TestClient[web.Request, web.Application]

packaged = pytest.fixture(page_bundles.packaged_directory, autouse=True)
cache = pytest.fixture(page_bundles.empty_cache)
bundle_cache = pytest.fixture(page_bundles.cache_with_bundle)


@asynccontextmanager
async def running_pages(cache: Path, config: PagesConfig | None = None) -> AsyncIterator[Client]:
    unreachable = Database(create_engine("postgresql+asyncpg://nobody@127.0.0.1:1/none"))
    app = create_app(unreachable, schema(), pages=Pages(config or PagesConfig(), cache))
    async with TestClient(TestServer(app)) as client:
        yield client


async def get_page(client: Client) -> str:
    response = await client.get("/graphiql", headers={"Accept": BROWSER})
    assert response.status == 200
    return await response.text()


async def wait_for_page(client: Client, content: str) -> str:
    """Wait until the page contains a text, and return the page."""
    for _ in range(1000):
        if content in (text := await get_page(client)):
            return text
        await asyncio.sleep(0.02)
    pytest.fail("The page never contained the text.")


# ------------------------------------------------------------------------------------------------------- page


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (BROWSER, 200),
        ("text/html", 200),
        ("application/json, TEXT/HTML;charset=utf-8;q=0.1", 200),
        (None, 406),
        ("*/*", 406),
        ("text/*", 406),
        ("application/json", 406),
        ("text/html;q=0, */*", 406),
        ("text/html; q=0.000", 406),
        ("text/htmlx", 406),
    ],
)
async def test_page_is_served_only_to_clients_that_accept_html(
    bundle_cache: Path, accept: str | None, status: int
) -> None:
    async with running_pages(bundle_cache) as client:
        response = await client.get(
            "/graphiql", headers={} if accept is None else {"Accept": accept}, skip_auto_headers=["Accept"]
        )
        assert response.status == status
        if status == 200:
            assert response.content_type == "text/html"
        else:
            assert await status_and_codes(response) == (406, ["BAD_USER_INPUT"])
            assert "/graphql" in (await response.json(content_type=None))["errors"][0]["message"]


@pytest.mark.parametrize("accept", [BROWSER, "text/html", "application/json, text/html;q=0.1"])
async def test_browser_that_opens_the_endpoint_gets_graphiql(bundle_cache: Path, accept: str) -> None:
    async with running_pages(bundle_cache) as client:
        response = await client.get("/graphql", headers={"Accept": accept}, allow_redirects=False)
        assert (response.status, response.headers["Location"]) == (303, "/graphiql")
        assert (response.headers["Vary"], response.headers["Cache-Control"]) == ("Accept", "no-store")
        assert await response.read() == b""


async def test_clients_of_the_endpoint_are_not_redirected(bundle_cache: Path) -> None:
    query = {"query": "{ viewer { role } }"}
    async with running_pages(bundle_cache) as client:
        for accept in (None, "*/*", "application/json", "application/graphql-response+json", "text/html;q=0, */*"):
            response = await client.get("/graphql", headers={} if accept is None else {"Accept": accept})
            assert await status_and_codes(response) == (401, ["UNAUTHENTICATED"])
        for response in (
            await client.get("/graphql", headers={"Accept": BROWSER}, params=query, allow_redirects=False),
            await client.post("/graphql", headers={"Accept": BROWSER}, json=query, allow_redirects=False),
        ):
            assert await status_and_codes(response) == (401, ["UNAUTHENTICATED"])


async def test_without_pages_a_browser_gets_an_error_in_json() -> None:
    unreachable = Database(create_engine("postgresql+asyncpg://nobody@127.0.0.1:1/none"))
    async with TestClient(TestServer(create_app(unreachable, schema()))) as client:
        response = await client.get("/graphql", headers={"Accept": BROWSER})
        assert await status_and_codes(response) == (401, ["UNAUTHENTICATED"])
        assert "Authorization: Bearer" in (await response.json())["errors"][0]["message"]


@pytest.mark.parametrize("path", ["/demo", "/demo/hr"])
async def test_demo_app_is_served_in_the_demo_only(bundle_cache: Path, path: str) -> None:
    async with running_pages(bundle_cache, DEMO) as client:
        response = await client.get(path, headers={"Accept": BROWSER})
        assert (response.status, response.headers["Content-Security-Policy"]) == (200, POLICY)
        text = await response.text()
        assert f"/pages/{bundle.source_digest()}/load.js" in text
        assert '<main data-page="demo">' in text
        assert (await client.get(path, headers={"Accept": "application/json"})).status == 406
    async with running_pages(bundle_cache) as client:
        response = await client.get(path, headers={"Accept": BROWSER})
        assert await status_and_codes(response) == (404, ["BAD_USER_INPUT"])


async def test_page_rejects_post(bundle_cache: Path) -> None:
    async with running_pages(bundle_cache) as client:
        response = await client.post("/graphiql", headers={"Accept": BROWSER})
        assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")


async def test_page_config_and_files_have_the_same_security_headers(bundle_cache: Path) -> None:
    async with running_pages(bundle_cache) as client:
        for path in ("/graphiql", "/pages/config.json", f"/pages/{bundle.source_digest()}/load.js"):
            response = await client.get(path, headers={"Accept": BROWSER})
            assert response.status == 200, path
            assert response.headers.getall("Content-Security-Policy") == [POLICY]
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_page_is_not_cacheable_and_loads_only_its_own_files(bundle_cache: Path) -> None:
    async with running_pages(bundle_cache) as client:
        response = await client.get("/graphiql", headers={"Accept": BROWSER})
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Vary"] == "Accept"
        text = await response.text()
        urls = re.findall(r'(?:src|href)="([^"]*)"', text)
        (name,) = (url for url in urls if not url.startswith("data:image/svg+xml,"))
        assert name == f"/pages/{bundle.source_digest()}/load.js"
        assert (await client.get(name)).status == 200
        assert 'data-page="graphiql"' in text
        assert '<progress id="loading" value="0">' in text
        assert re.findall(r"<script(?![^>]* src=)| on\w+=|javascript:", text) == []


# ------------------------------------------------------------------------------------------------------ files


@pytest.mark.parametrize(
    ("name", "media"),
    [
        ("graphiql.js", "text/javascript"),
        ("graphiql.css", "text/css"),
        ("licences.txt", "text/plain"),
        ("pages.json", "application/json"),
    ],
)
async def test_files_are_immutable_and_compressed_if_accepted(bundle_cache: Path, name: str, media: str) -> None:
    async with running_pages(bundle_cache) as client:
        for encoding in ("gzip", "identity"):
            response = await client.get(
                f"/pages/{bundle.source_digest()}/{name}", headers={"Accept-Encoding": encoding}
            )
            assert (response.status, response.content_type, response.charset) == (200, media, "utf-8")
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert response.headers.get("Content-Encoding", "identity") == encoding
            assert response.headers.getall("Vary") == ["Accept-Encoding"]
            assert await response.read() == BUNDLE_FILES[name]


@pytest.mark.parametrize(
    "path",
    [
        "nothing.js",
        "graphiql.js.gz",
        ".digest",
        "..%2f..%2fpages.lock",
        "%2e%2e/%2e%2e/secret.txt",
        "../../secret.txt",
        "..%5c..%5csecret.txt",
        "",
    ],
)
async def test_only_files_of_the_bundle_are_served(bundle_cache: Path, path: str) -> None:
    (bundle_cache / "secret.txt").write_text("secret", encoding="ascii")
    async with running_pages(bundle_cache) as client:
        response = await client.get(f"/pages/{bundle.source_digest()}/{path}")
        assert await status_and_codes(response) == (404, ["BAD_USER_INPUT"])


async def test_files_of_another_digest_are_not_found(bundle_cache: Path) -> None:
    async with running_pages(bundle_cache) as client:
        assert (await client.get("/pages/0123456789abcdef/graphiql.js")).status == 404


# --------------------------------------------------------------------------------------------------- configuration


async def get_config(client: Client, host: str | None = None) -> ClientResponse:
    return await client.get("/pages/config.json", headers={} if host is None else {"Host": host})


async def test_gateway_config_has_no_viewers(bundle_cache: Path) -> None:
    async with running_pages(bundle_cache) as client:
        response = await get_config(client, "gateway.example")
        assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
        config = await response.json()
        assert (config["edition"], config["endpoint"], config["viewers"]) == ("gateway", "/graphql", [])
        (tab,) = config["tabs"]
        assert "Sign in" in tab["query"]
        parse(tab["query"])


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST:1", "127.0.0.1:8000", "127.8.9.1", "[::1]:8000", "[::1]"]
)
async def test_demo_config_contains_keys_on_localhost(bundle_cache: Path, host: str) -> None:
    async with running_pages(bundle_cache, DEMO) as client:
        response = await get_config(client, host)
        assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
        config = await response.json()
        assert config["viewers"] == [{"name": "administrator", "label": "Administrator", "key": KEY, "tenant": "demo"}]
        assert config["tabs"] == [{"query": "{ viewer { role } }", "variables": {"a": 1}}]


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example",
        "rebound.example:8000",
        "localhost.rebound.example:8000",
        "127.0.0.1.rebound.example",
        "localhost:8000@rebound.example",
        "10.0.0.1:8000",
        "0.0.0.0:8000",
        "[::1",
        "[::1]]",
        "::1",
        "localhost:",
        "",
    ],
)
async def test_demo_config_is_forbidden_under_other_hosts(bundle_cache: Path, host: str) -> None:
    async with running_pages(bundle_cache, DEMO) as client:
        response = await get_config(client, host)
        assert await status_and_codes(response) == (403, ["BAD_USER_INPUT"])
        assert KEY not in await response.text()


def test_edition_depends_on_the_tabs_only() -> None:
    (persona,) = DEMO.personas
    other_key = Persona(persona.name, persona.label, KEY[::-1], persona.tenant)
    other_tab = Tab("{ viewer { role } }", {"a": 2})
    assert DEMO.edition == PagesConfig((other_key,), DEMO.tabs).edition
    assert DEMO.edition != PagesConfig(DEMO.personas, (other_tab,)).edition
    assert DEMO.edition.startswith("demo-")


# ------------------------------------------------------------------------------------- missing bundle


async def test_page_shows_the_build_step_and_then_graphiql(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_steps(monkeypatch, WAIT_SCRIPT, BUILD_SCRIPT)
    async with running_pages(cache) as client:
        text = await wait_for_page(client, "fetching packages …")
        assert '<meta http-equiv="refresh" content="2">' in text
        assert re.search(r"<progress id='progress' value='0\.0\d'>", text)
        assert re.search(r"About (40|3\d) seconds are left\.", text)
        assert "/graphql" in text
        assert "<script" not in text
        (cache.parent / "go").touch()
        await wait_for_page(client, "load.js")
        response = await client.get(f"/pages/{bundle.source_digest()}/graphiql.js")
        assert await response.text() == "made"


async def test_page_shows_a_failed_build_and_finds_a_bundle_built_later(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    replace_steps(
        monkeypatch, "import sys; print('npm error code ENOTFOUND\\nnpm error registry.example'); sys.exit(1)"
    )
    async with running_pages(cache) as client:
        await wait_until(lambda: "cannot build them" in caplog.text)
        text = await get_page(client)
        assert "The step “fetching packages” failed (ENOTFOUND)." in text
        assert "benegraph explorer build" in text
        assert "registry.example" not in text
        assert "registry.example" in caplog.text
        assert "refresh" not in text
        write_bundle(cache / f"pages-{bundle.source_digest()}")
        assert "load.js" in await get_page(client)


async def test_page_records_that_its_bundle_is_in_use(bundle_cache: Path) -> None:
    stamp = bundle_cache / f"pages-{bundle.source_digest()}" / bundle.STAMP
    os.utime(stamp, (0, 0))
    async with running_pages(bundle_cache) as client:
        assert stamp.stat().st_mtime == 0
        await get_page(client)
        assert time.time() - stamp.stat().st_mtime < 60


async def test_page_reports_a_bundle_that_was_deleted_and_finds_it_again(bundle_cache: Path) -> None:
    directory = bundle_cache / f"pages-{bundle.source_digest()}"
    async with running_pages(bundle_cache) as client:
        assert "load.js" in await get_page(client)
        directory.rename(bundle_cache / "elsewhere")
        assert "The files of the pages were deleted from the cache." in await get_page(client)
        (bundle_cache / "elsewhere").rename(directory)
        assert "load.js" in await get_page(client)


async def test_unwritable_cache_is_reported_without_its_path(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    async with running_pages(tmp_path / "file/cache") as client:
        await wait_until(lambda: "cannot build them" in caplog.text)
        text = await get_page(client)
        assert "Not a directory" in text
        assert str(tmp_path) not in text


async def test_shutdown_during_the_build_ends_its_process_and_leaves_no_bundle(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_steps(monkeypatch, SLEEP_SCRIPT)
    async with asyncio.timeout(20):
        async with running_pages(cache):
            await wait_until((cache.parent / "asleep").exists)
    assert file_names(cache) == ["pages.lock"]
