"""A page of another origin in a real browser: the preflight lets the headers pass that GraphQL clients send."""

import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from gateways import reachable_directory, run_gateway

playwright = pytest.importorskip("playwright.sync_api", reason="the dependency group `conformance` is not installed")
CHROMIUM = "/usr/bin/chromium"
pytestmark = [
    pytest.mark.conformance,
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"{CHROMIUM} is missing: install Debian's package"),
]

HEADERS = {
    "content-type": "application/json",
    "authorization": "Bearer bgk_unknown",
    "x-tenant": "acme",
    "x-request-id": "r-1",
    "idempotency-key": "k-1",
    "apollographql-client-name": "app",
    "apollographql-client-version": "1",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "vendor=1",
    "baggage": "a=1",
    "sentry-trace": "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
}
FETCH = """async ([url, headers]) => {
  try {
    const response = await fetch(url, { method: "POST", headers, body: '{"query": "{ viewer { role } }"}' });
    return [response.headers.get("x-request-id"), (await response.json()).errors[0].extensions.code];
  } catch (error) {
    return [error.name];
  }
}"""


@pytest.fixture
def other_origin(tmp_path: Path) -> Iterator[str]:
    """Serve an empty page on another origin."""
    (tmp_path / "index.html").write_text("<!doctype html><title>App</title>", encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"])
        yield browser.new_page()
        browser.close()


def test_browser_sends_the_headers_of_clients_after_its_preflight(other_origin: str, page: Any) -> None:
    with (
        reachable_directory() as place,
        run_gateway(
            place, "--data-dir", str(place), until="keys issue", BENEGRAPH_CORS_ORIGINS=other_origin
        ) as gateway,
    ):
        page.goto(other_origin)
        assert page.evaluate(FETCH, [gateway.url, HEADERS]) == ["r-1", "UNAUTHENTICATED"]
        assert page.evaluate(FETCH, [gateway.url, HEADERS | {"x-unlisted": "1"}]) == ["TypeError"]
        page.goto(other_origin.replace("127.0.0.1", "localhost"))  # an origin that the settings do not list
        assert page.evaluate(FETCH, [gateway.url, HEADERS]) == ["TypeError"]
