"""GraphiQL in a real browser: pages that record their errors and GraphQL requests, and read GraphiQL's editors."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from demo_browser import ARGUMENTS, CHROMIUM, playwright, run_demo

from gateways import Gateway

#: A foreign host name that resolves to this machine, as in a DNS rebinding attack.
REBOUND = "rebound.example"

# GraphiQL exposes Monaco, which returns the whole text of an editor; the screen shows only a part.
TEXT = "name => globalThis.__MONACO?.editor.getModels().find(model => model.uri.path.endsWith(name))?.getValue() ?? ''"
RESPONSE_ARRIVED = f"() => ({TEXT})('response.json') !== ''"
ERROR_MARKERS = (
    "() => __MONACO.editor.getModelMarkers({}).filter(marker => marker.severity === 8)"
    ".map(marker => `${marker.resource.path}: ${marker.message}`)"
)


@dataclass
class BrowserPage:
    """A page in its own browser context, with the errors and GraphQL requests on it."""

    page: Any
    origin: str
    errors: list[str] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)

    def watch(self) -> None:
        self.page.context.on("request", self._record_request)
        self.page.on("console", self._record_message)
        self.page.on("pageerror", lambda error: self.errors.append(f"error: {error}"))

    def _record_message(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(f"console: {message.text}")

    def _record_request(self, request: Any) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:", "blob:")):
            self.errors.append(f"request: {request.url}")
        if request.url == f"{self.origin}/graphql":
            self.requests.append(json.loads(request.post_data))

    def open(self, *, runs_first_tab: bool = True) -> "BrowserPage":
        """Open GraphiQL, and wait for the response of the first tab if it runs by itself."""
        self.page.goto(f"{self.origin}/graphiql")
        self.page.locator(".graphiql-execute-button").wait_for()
        self.page.wait_for_function(f"() => ({TEXT})('operation.graphql') !== ''")
        if runs_first_tab:
            self.page.wait_for_function(RESPONSE_ARRIVED)
        return self

    @property
    def operations(self) -> list[str]:
        """Return the sent operations except introspection queries."""
        return [request["query"] for request in self.requests if "__schema" not in request["query"]]

    @property
    def titles(self) -> list[str]:
        return [tab.strip() for tab in self.page.locator(".graphiql-tab").all_inner_texts()]

    def select_tab(self, title: str) -> None:
        self.page.locator(".graphiql-tab").get_by_role("button", name=title, exact=True).click()

    def text(self, name: str) -> str:
        return str(self.page.evaluate(TEXT, name))

    def enter_query(self, text: str) -> None:
        """Enter a query in a new tab."""
        self.page.get_by_role("button", name="New tab").click()
        self.page.locator(".graphiql-query-editor .monaco-editor textarea").first.focus()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def run(self) -> dict[str, Any]:
        with self.page.expect_response(f"{self.origin}/graphql"):
            self.page.locator(".graphiql-execute-button").click()
        self.page.wait_for_function(RESPONSE_ARRIVED)
        response: dict[str, Any] = json.loads(self.text("response.json"))
        return response

    def wait_for_text(self, text: str) -> None:
        """Wait until the response on the screen contains a text; Monaco renders spaces as U+00A0."""
        spaced = re.compile(re.escape(text).replace("\\ ", r"\s"))
        self.page.locator(".result-window .view-line").get_by_text(spaced).first.wait_for()

    def storage(self) -> dict[str, str]:
        """Return the local and session storage, and the cookies under an empty name."""
        storage: dict[str, str] = self.page.evaluate(
            "() => ({...localStorage, ...sessionStorage, '': document.cookie})"
        )
        return storage


CreatePage = Callable[..., BrowserPage]

# The modules that need these make them fixtures.


def serve_demo() -> Iterator[Gateway]:
    with run_demo() as gateway:
        yield gateway


def launch_browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        rules = f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS.split(), rules])
        yield browser
        browser.close()


def page_factory(browser: Any, gateway: Gateway) -> Iterator[CreatePage]:
    """Return a function that creates pages in new browser contexts; fail if an error occurred on one of them."""
    pages: list[BrowserPage] = []

    def create(
        origin: str | None = None, *, color_scheme: str = "light", size: tuple[int, int] = (1400, 850)
    ) -> BrowserPage:
        viewport = dict(zip(("width", "height"), size, strict=True))
        context = browser.new_context(viewport=viewport, color_scheme=color_scheme)
        context.set_default_timeout(30_000)
        page = BrowserPage(context.new_page(), origin or gateway.url.removesuffix("/graphql"))
        pages.append(page)
        page.watch()
        return page

    yield create
    errors = [error for page in pages for error in page.errors]
    for page in pages:
        page.page.context.close()
    assert errors == []


def luminance(page: Any, selector: str, style: str) -> float:
    """Return the relative luminance of an element's color, as WCAG defines it."""
    color = page.eval_on_selector(selector, f"element => getComputedStyle(element).{style}")
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
