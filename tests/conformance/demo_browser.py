"""The demo app in a real browser: a gateway with the demo's data, pages that record their errors, and axe-core."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from nodejs import HERE, find_node, node_with_packages

from benegraph.settings import Settings
from gateways import TODAY, Gateway, post_json, reachable_directory, run_gateway

playwright = pytest.importorskip("playwright.sync_api", reason="the dependency group `conformance` is not installed")
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
MARKS = [
    pytest.mark.conformance,
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"{CHROMIUM} is missing: install Debian's package"),
    pytest.mark.skipif(find_node() is None, reason="Node is missing, which axe-core requires"),
]
WIDTHS = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@dataclass
class DemoPage:
    """A page of the app in its own browser context.

    `errors` holds the errors on it and its requests to other origins, `operations` the GraphQL operations it has sent.
    """

    page: Any
    origin: str
    errors: list[str] = field(default_factory=list)
    operations: list[dict[str, Any]] = field(default_factory=list)

    def open(self, path: str) -> "DemoPage":
        """Open a page, and wait until it shows its data."""
        self.page.goto(f"{self.origin}{path}")
        self.page.get_by_role("heading", level=1).wait_for()
        return self

    def record_request(self, request: Any) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:", "blob:")):
            self.errors.append(f"request: {request.url}")
        if request.url == f"{self.origin}/graphql":
            self.operations.append(json.loads(request.post_data))

    def record_message(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(f"console: {message.text}")

    def serious_violations(self) -> list[str]:
        """Return what axe-core finds on the page as it is now: the rules with serious or critical impact."""
        node_with_packages()
        self.page.evaluate((HERE / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8"))
        violations = self.page.evaluate("() => axe.run().then(({ violations }) => violations)")
        return [
            f"{violation['id']}: {violation['nodes'][0]['html']}"
            for violation in violations
            if violation["impact"] in {"serious", "critical"}
        ]


def build_pages() -> None:
    """Build the bundle of the pages in this user's cache, if necessary."""
    command = [sys.executable, "-m", "benegraph", "explorer", "build"]
    subprocess.run(command, check=True, timeout=240)  # noqa: S603 - a fixed command


@contextmanager
def run_demo() -> Iterator[Gateway]:
    """Run a gateway with the demo's data and the bundle of the pages."""
    build_pages()
    cache = {"XDG_CACHE_HOME": str(Settings.from_environment().cache_home.parent)}
    with (
        reachable_directory() as directory,
        run_gateway(
            directory, "--demo", "--today", TODAY, "--data-dir", str(directory), until="Ctrl-C", **cache
        ) as gateway,
    ):
        yield gateway


@contextmanager
def launch_browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield browser
        browser.close()


@contextmanager
def new_page(browser: Any, gateway: Gateway, **options: Any) -> Iterator[DemoPage]:
    """Create a page. At the end, assert that there were no errors on it and no requests to other origins."""
    context = browser.new_context(**({"locale": "en-US", "viewport": WIDTHS["desktop"]} | options))
    demo = DemoPage(context.new_page(), gateway.url.removesuffix("/graphql"))
    demo.page.set_default_timeout(10_000)
    context.on("request", demo.record_request)
    demo.page.on("console", demo.record_message)
    demo.page.on("pageerror", lambda error: demo.errors.append(f"error: {error}"))
    yield demo
    context.close()
    assert demo.errors == []


def fetch(gateway: Gateway, viewer: str, query: str, **variables: Any) -> Any:
    """Return the data of an operation that a viewer of the demo sends to the API, without the app."""
    headers = {"Authorization": f"Bearer {gateway.demo_file['keys'][viewer]}", "Content-Type": "application/json"}
    response = post_json(gateway.url, {"query": query, "variables": variables}, headers)
    assert "errors" not in response, json.dumps(response["errors"])
    return response["data"]


def save_screenshot(demo: DemoPage, directory: Path, name: str) -> None:
    demo.page.screenshot(path=directory / f"{name}.png", full_page=True)
