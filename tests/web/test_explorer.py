"""The explorer over HTTP: who gets its page, under which policy, how it opens, and what stands there without one."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import bundling
import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from bundling import BUNDLED, BUNDLES, SLEEPS, WAITS, lay_bundle, names_in, steps, until
from calling import schema, told
from graphql import parse

from benegraph.db.engine import create_engine
from benegraph.db.session import Database
from benegraph.web.app import create_app
from benegraph.web.explorer import Explorer, ExplorerConfig, Persona, Tab, bundle

KEY = "bgk_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
DEMO = ExplorerConfig(
    (Persona("administrator", "Administrator", KEY, "demo"),), (Tab("{ viewer { role } }", {"a": 1}),)
)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"

Client = TestClient[web.Request, web.Application]

packed = pytest.fixture(bundling.place_of_packed, autouse=True)
cache = pytest.fixture(bundling.empty_cache)
made = pytest.fixture(bundling.cache_with_bundle)


@asynccontextmanager
async def opened(cache: Path, explorer_config: ExplorerConfig | None = None) -> AsyncIterator[Client]:
    nowhere = Database(create_engine("postgresql+asyncpg://nobody@127.0.0.1:1/none"))
    app = create_app(nowhere, schema(), explorer=Explorer(explorer_config or ExplorerConfig(), cache))
    async with TestClient(TestServer(app)) as client:
        yield client


async def page_of(client: Client) -> str:
    response = await client.get("/", headers={"Accept": BROWSER})
    assert response.status == 200
    return await response.text()


async def shown(client: Client, what: str) -> str:
    """Wait until the page says something."""
    for _ in range(1000):
        if what in (text := await page_of(client)):
            return text
        await asyncio.sleep(0.02)
    pytest.fail("It was never shown.")


# ------------------------------------------------------------------------------------------------------- the page


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
async def test_only_who_names_html_gets_the_page(made: Path, accept: str | None, status: int) -> None:
    async with opened(made) as client:
        response = await client.get(
            "/", headers={} if accept is None else {"Accept": accept}, skip_auto_headers=["Accept"]
        )
        assert response.status == status
        if status == 200:
            assert response.content_type == "text/html"
        else:
            assert await told(response) == (406, ["BAD_USER_INPUT"])
            assert "/graphql" in (await response.json(content_type=None))["errors"][0]["message"]


async def test_nothing_is_posted_to_the_page(made: Path) -> None:
    async with opened(made) as client:
        response = await client.post("/", headers={"Accept": BROWSER})
        assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")


async def test_page_config_and_files_are_under_the_same_policy(made: Path) -> None:
    async with opened(made) as client:
        for path in ("/", "/explorer/config.json", f"/explorer/{bundle.source_digest()}/main.js"):
            response = await client.get(path, headers={"Accept": BROWSER})
            assert response.status == 200, path
            assert response.headers.getall("Content-Security-Policy") == [POLICY]
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_the_page_is_kept_by_nobody_and_names_its_own_files_alone(made: Path) -> None:
    async with opened(made) as client:
        response = await client.get("/", headers={"Accept": BROWSER})
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Vary"] == "Accept"
        text = await response.text()
        named = re.findall(r'(?:src|href)="([^"]*)"', text)
        assert [name for name in named if not name.startswith("data:image/svg+xml,")] == [
            f"/explorer/{bundle.source_digest()}/main.css",
            f"/explorer/{bundle.source_digest()}/main.js",
        ]
        for name in named[1:]:
            assert (await client.get(name)).status == 200
        assert re.findall(r"<script(?![^>]* src=)| on\w+=|javascript:", text) == []


# ------------------------------------------------------------------------------------------------------ its files


@pytest.mark.parametrize(
    ("name", "media"), [("main.js", "text/javascript"), ("main.css", "text/css"), ("licences.txt", "text/plain")]
)
async def test_files_are_kept_for_good_and_come_packed_to_who_takes_that(made: Path, name: str, media: str) -> None:
    async with opened(made) as client:
        for encoding in ("gzip", "identity"):
            response = await client.get(
                f"/explorer/{bundle.source_digest()}/{name}", headers={"Accept-Encoding": encoding}
            )
            assert (response.status, response.content_type, response.charset) == (200, media, "utf-8")
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert response.headers.get("Content-Encoding", "identity") == encoding
            assert response.headers.getall("Vary") == ["Accept-Encoding"]
            assert await response.read() == BUNDLED[name]


@pytest.mark.parametrize(
    "path",
    [
        "nothing.js",
        "main.js.gz",
        ".digest",
        "..%2f..%2fexplorer.lock",
        "%2e%2e/%2e%2e/secret.txt",
        "../../secret.txt",
        "..%5c..%5csecret.txt",
        "",
    ],
)
async def test_there_are_no_files_but_the_bundles(made: Path, path: str) -> None:
    (made / "secret.txt").write_text("secret", encoding="ascii")
    async with opened(made) as client:
        response = await client.get(f"/explorer/{bundle.source_digest()}/{path}")
        assert await told(response) == (404, ["BAD_USER_INPUT"])


async def test_files_of_another_bundle_are_not_this_ones(made: Path) -> None:
    async with opened(made) as client:
        assert (await client.get("/explorer/0123456789abcdef/main.js")).status == 404


# --------------------------------------------------------------------------------------------------- how it opens


async def config_of(client: Client, host: str | None = None) -> ClientResponse:
    return await client.get("/explorer/config.json", headers={} if host is None else {"Host": host})


async def test_a_gateway_opens_for_visitors_with_a_key_of_their_own(made: Path) -> None:
    async with opened(made) as client:
        response = await config_of(client, "gateway.example")
        assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
        config = await response.json()
        assert (config["edition"], config["endpoint"], config["viewers"]) == ("gateway", "/graphql", [])
        (tab,) = config["tabs"]
        assert "Sign in" in tab["query"]
        parse(tab["query"])


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST:1", "127.0.0.1:8000", "127.8.9.1", "[::1]:8000", "[::1]"]
)
async def test_the_demo_opens_signed_in_on_this_machine(made: Path, host: str) -> None:
    async with opened(made, DEMO) as client:
        response = await config_of(client, host)
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
async def test_the_demo_hands_no_key_to_another_name(made: Path, host: str) -> None:
    async with opened(made, DEMO) as client:
        response = await config_of(client, host)
        assert await told(response) == (403, ["BAD_USER_INPUT"])
        assert KEY not in await response.text()


def test_an_edition_is_named_by_its_tabs() -> None:
    (persona,) = DEMO.personas
    other_key = Persona(persona.name, persona.label, KEY[::-1], persona.tenant)
    other_tab = Tab("{ viewer { role } }", {"a": 2})
    assert DEMO.edition == ExplorerConfig((other_key,), DEMO.tabs).edition
    assert DEMO.edition != ExplorerConfig(DEMO.personas, (other_tab,)).edition
    assert DEMO.edition.startswith("demo-")


# ------------------------------------------------------------------------------------- where there is no bundle yet


async def test_the_page_shows_how_far_it_is_and_then_itself(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps(monkeypatch, WAITS, BUNDLES)
    async with opened(cache) as client:
        text = await shown(client, "fetching packages …")
        assert '<meta http-equiv="refresh" content="2">' in text
        assert "/graphql" in text
        assert "<script" not in text
        (cache.parent / "go").touch()
        await shown(client, "main.js")
        response = await client.get(f"/explorer/{bundle.source_digest()}/main.js")
        assert await response.text() == "made"


async def test_a_failure_is_told_and_one_made_by_hand_is_found(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    steps(monkeypatch, "import sys; print('npm error code ENOTFOUND\\nnpm error registry.example'); sys.exit(1)")
    async with opened(cache) as client:
        await until(lambda: "cannot build it" in caplog.text)
        text = await page_of(client)
        assert "The step “fetching packages” failed (ENOTFOUND)." in text
        assert "benegraph explorer build" in text
        assert "registry.example" not in text
        assert "registry.example" in caplog.text
        assert "refresh" not in text
        lay_bundle(cache / f"explorer-{bundle.source_digest()}")
        assert "main.js" in await page_of(client)


async def test_a_cache_that_can_not_be_written_is_said_without_its_path(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    async with opened(tmp_path / "file/cache") as client:
        await until(lambda: "cannot build it" in caplog.text)
        text = await page_of(client)
        assert "Not a directory" in text
        assert str(tmp_path) not in text


async def test_who_ends_while_it_is_made_leaves_no_child_and_no_bundle(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps(monkeypatch, SLEEPS)
    async with asyncio.timeout(20):
        async with opened(cache):
            await until((cache.parent / "asleep").exists)
    assert names_in(cache) == ["explorer.lock"]
