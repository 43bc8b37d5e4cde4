"""The home page over HTTP: its text and links, what it keeps from visitors without a key, and turning it off."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import page_bundles
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from api_client import schema, status_and_codes

from benegraph.db.engine import create_engine
from benegraph.db.session import Database
from benegraph.web.app import create_app
from benegraph.web.pages import Pages, PagesConfig, Persona, bundle

KEY = "bgk_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
DEMO = PagesConfig((Persona("administrator", "Administrator", KEY, "demo"),))
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}

Client = TestClient[web.Request, web.Application]

packaged = pytest.fixture(page_bundles.packaged_directory, autouse=True)
cache = pytest.fixture(page_bundles.empty_cache)
bundle_cache = pytest.fixture(page_bundles.cache_with_bundle)


@asynccontextmanager
async def running_gateway(pages: Pages | None) -> AsyncIterator[Client]:
    unreachable = Database(create_engine("postgresql+asyncpg://nobody@127.0.0.1:1/none"))
    async with TestClient(TestServer(create_app(unreachable, schema(), pages=pages))) as client:
        yield client


async def get_home_page(client: Client) -> str:
    response = await client.get("/", headers=BROWSER)
    assert (response.status, response.content_type) == (200, "text/html")
    assert (response.headers["Cache-Control"], response.headers["Vary"]) == ("no-store", "Accept")
    assert "script-src 'self';" in response.headers["Content-Security-Policy"]
    return await response.text()


@pytest.mark.parametrize("config", [PagesConfig(), DEMO], ids=["gateway", "demo"])
async def test_text_and_links_are_complete_without_the_script(bundle_cache: Path, config: PagesConfig) -> None:
    async with running_gateway(Pages(config, bundle_cache)) as client:
        text = await get_home_page(client)
        assert "<h1>benegraph</h1>" in text
        assert "A GraphQL gateway for benefits enrollment" in text
        assert ("This is its demo" in text) == (config is DEMO)
        links = set(re.findall(r'<a href="([^"]*)"', text))
        files = f"/pages/{bundle.source_digest()}"
        demo_links = {"/demo", "/demo/hr"} if config is DEMO else set()
        assert links == {"/graphiql", "/livez", "/readyz", "/metrics", f"{files}/licences.txt", *demo_links}
        for path in links - {"/readyz"} | {f"{files}/home.js", f"{files}/home.css"}:
            assert (await client.get(path, headers=BROWSER)).status == 200, path
        assert (await client.get("/readyz")).status == 503  # there is no database
        assert re.findall(r"<script(?![^>]* src=)| on\w+=|javascript:|https?://(?!www\.w3\.org/2000/svg)", text) == []


async def test_page_contains_no_key_and_no_names_of_the_schema(bundle_cache: Path) -> None:
    async with running_gateway(Pages(DEMO, bundle_cache)) as client:
        text = await get_home_page(client)
        assert "bgk_" not in text
        assert re.findall(r"\b(?:Employee|Enrollment|PlanYear|eligiblePlans|firstName)\b", text) == []


async def test_page_is_for_browsers_only(bundle_cache: Path) -> None:
    async with running_gateway(Pages(DEMO, bundle_cache)) as client:
        response = await client.get("/", headers={"Accept": "application/json"})
        assert await status_and_codes(response) == (406, ["BAD_USER_INPUT"])


async def test_page_shows_the_progress_while_the_bundle_is_built(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page_bundles.replace_steps(monkeypatch, page_bundles.SLEEP_SCRIPT)
    async with running_gateway(Pages(DEMO, cache)) as client:
        await page_bundles.wait_until((cache.parent / "asleep").exists)
        text = await get_home_page(client)
        assert "The pages are being built." in text
        assert "home.js" not in text


async def test_home_redirects_to_graphiql_if_it_is_turned_off(bundle_cache: Path) -> None:
    async with running_gateway(Pages(DEMO, bundle_cache, has_home_page=False)) as client:
        response = await client.get("/", headers=BROWSER, allow_redirects=False)
        assert (response.status, response.headers["Location"]) == (303, "/graphiql")
        assert (await client.get("/graphiql", headers=BROWSER)).status == 200
        assert (await client.get("/demo", headers=BROWSER)).status == 404


async def test_no_page_is_served_if_all_are_turned_off() -> None:
    async with running_gateway(None) as client:
        for path in ("/", "/graphiql", "/pages/config.json", f"/pages/{bundle.source_digest()}/home.js"):
            response = await client.get(path, headers=BROWSER)
            assert await status_and_codes(response) == (404, ["BAD_USER_INPUT"])
