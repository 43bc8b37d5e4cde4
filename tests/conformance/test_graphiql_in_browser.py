"""GraphiQL in a real browser: it loads from the gateway only, without errors, and all of its functions work."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    SelectionSetNode,
    build_schema,
    parse,
)
from nodejs import SCHEMA

from benegraph.settings import Settings
from gateways import TODAY, Gateway, reachable_directory, run_gateway

playwright = pytest.importorskip("playwright.sync_api", reason="the dependency group `conformance` is not installed")
CHROMIUM = "/usr/bin/chromium"
pytestmark = [
    pytest.mark.conformance,
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"{CHROMIUM} is missing: install Debian's package"),
]

ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
#: A foreign host name that resolves to this machine, as in a DNS rebinding attack.
REBOUND = "rebound.example"
TITLES = ["EnrollmentsAndPlans", "EligiblePlans", "DryRunElection", "Election", "Reissue", "NewPlanYear"]
#: The depth limit of introspection queries.
MAX_DEPTH = 15

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

    def open(self) -> "BrowserPage":
        self.page.goto(f"{self.origin}/graphiql")
        self.page.locator(".graphiql-execute-button").wait_for()
        self.page.wait_for_function(f"() => ({TEXT})('operation.graphql') !== ''")
        return self

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


@pytest.fixture(scope="module")
def bundled() -> None:
    """Build the bundle of the pages in this user's cache, if necessary."""
    command = [sys.executable, "-m", "benegraph", "explorer", "build"]
    subprocess.run(command, check=True, timeout=240)  # noqa: S603 - a fixed command


def cache_environment() -> dict[str, str]:
    """Return the environment variable with this user's cache directory."""
    return {"XDG_CACHE_HOME": str(Settings.from_environment().cache_home.parent)}


@pytest.fixture(scope="module")
def gateway(bundled: None) -> Iterator[Gateway]:  # noqa: ARG001 - a prerequisite
    with (
        reachable_directory() as place,
        run_gateway(
            place, "--demo", "--today", TODAY, "--data-dir", str(place), until="Ctrl-C", **cache_environment()
        ) as gateway,
    ):
        yield gateway


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        rules = f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS.split(), rules])
        yield browser
        browser.close()


CreatePage = Callable[..., BrowserPage]


@pytest.fixture
def create_page(browser: Any, gateway: Gateway) -> Iterator[CreatePage]:
    """Return a function that creates pages in new browser contexts; fail if an error occurred on one of them."""
    pages: list[BrowserPage] = []

    def create(origin: str | None = None, *, color_scheme: str = "light") -> BrowserPage:
        context = browser.new_context(viewport={"width": 1400, "height": 850}, color_scheme=color_scheme)
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


def test_graphiql_opens_signed_in_as_administrator_with_a_tab_for_each_task(create_page: CreatePage) -> None:
    graphiql = create_page().open()
    assert graphiql.titles == TITLES
    menu = graphiql.page.get_by_label("Viewer", exact=True)
    assert menu.locator("option").all_inner_texts() == [
        "Administrator",
        "Employer: Elmstead Veterinary Cooperative",
        "Employee: Maya Delacroix",
    ]
    assert menu.input_value() == "administrator"
    assert graphiql.page.get_by_role("heading", name="benegraph").is_visible()


def _has_enrollments(data: Mapping[str, Any]) -> bool:
    nodes = data["employee"]["enrollments"]["nodes"]
    return {"PENDING", "ENROLLED"} <= {node["status"] for node in nodes} and any(node["selectedPlan"] for node in nodes)


def _has_plans(data: Mapping[str, Any]) -> bool:
    offers = data["enrollment"]["eligiblePlans"]
    return len(offers) > 1 and all(cost["totalMonthlyPremiumCents"] for offer in offers for cost in offer["costs"])


def _has_preview(data: Mapping[str, Any]) -> bool:
    (preview,) = data["elect"]["previews"]
    return (preview["status"], preview["coverageTier"], data["elect"]["userErrors"]) == ("ENROLLED", "EF", [])


def _has_election(data: Mapping[str, Any]) -> bool:
    (enrollment,) = data["elect"]["enrollments"]
    return (enrollment["status"], data["elect"]["userErrors"]) == ("ENROLLED", [])


def _has_reissue(data: Mapping[str, Any]) -> bool:
    reissue = data["reissue"]
    return (reissue["enrollment"]["status"], reissue["replacedEnrollment"]["status"]) == ("PENDING", "ENROLLED")


def _has_draft(data: Mapping[str, Any]) -> bool:
    plan_year = data["createPlanYear"]["planYear"]
    return bool(plan_year["status"] == "DRAFT" and len(plan_year["plans"]) > 1)


CHECKS = dict(
    zip(
        TITLES,
        (_has_enrollments, _has_plans, _has_preview, _has_election, _has_reissue, _has_draft),
        strict=True,
    )
)


def test_each_tab_runs_twice_and_shows_its_data(create_page: CreatePage, tmp_path: Path) -> None:
    graphiql = create_page().open()
    for title in TITLES:
        graphiql.select_tab(title)
        for _ in range(2):  # at first before GraphiQL has noticed the other operation
            response = graphiql.run()
            assert "errors" not in response, response
            assert CHECKS[title](response["data"]), response
            graphiql.wait_for_text('"data": {')
        graphiql.page.wait_for_timeout(700)  # the workers validate query and variables
        assert graphiql.page.evaluate(ERROR_MARKERS) == []
        graphiql.page.screenshot(path=tmp_path / f"{title}.png")


def test_viewer_menu_changes_the_viewer(create_page: CreatePage) -> None:
    graphiql = create_page().open()
    graphiql.enter_query("{ viewer { role employee { firstName } } }")
    viewers = {}
    for name in ("employee", "employer", "administrator"):
        graphiql.page.get_by_label("Viewer", exact=True).select_option(name)
        viewers[name] = graphiql.run()["data"]["viewer"]
    assert viewers == {
        "employee": {"role": "EMPLOYEE", "employee": {"firstName": "Maya"}},
        "employer": {"role": "EMPLOYER", "employee": None},
        "administrator": {"role": "ADMINISTRATOR", "employee": None},
    }


def description_of(type_name: str, field_name: str) -> str:
    """Return the description of a field in the schema, up to its first code span."""
    graph_type = build_schema(SCHEMA.read_text(encoding="utf-8")).type_map[type_name]
    assert isinstance(graph_type, GraphQLObjectType)
    description: str | None = graph_type.fields[field_name].description
    assert description
    return description.partition("`")[0].strip()


def test_documentation_explorer_and_history_open(create_page: CreatePage) -> None:
    graphiql = create_page().open()
    page = graphiql.page
    panel = page.locator(".graphiql-plugin")

    page.get_by_role("button", name="Show Documentation Explorer").click()
    panel.get_by_role("link", name="Query", exact=True).click()
    panel.get_by_role("link", name="employee", exact=True).click()
    panel.get_by_text(description_of("Query", "employee")).wait_for()

    page.get_by_role("button", name="New tab").click()
    page.get_by_role("button", name="Show GraphiQL Explorer").click()
    panel.locator(".graphiql-explorer-field-view, .graphiql-explorer-node").get_by_text("viewer", exact=True).click()
    panel.get_by_text("role", exact=True).click()
    page.wait_for_function(f"() => /viewer\\s*{{\\s*role/.test(({TEXT})('operation.graphql'))")
    page.wait_for_timeout(500)  # GraphiQL reads the plugin's text a moment later
    assert graphiql.run()["data"] == {"viewer": {"role": "ADMINISTRATOR"}}

    page.get_by_role("button", name="Show History").click()
    panel.get_by_text("MyQuery", exact=True).wait_for()  # the plugin's name for it


def test_workers_mark_an_unknown_field(create_page: CreatePage) -> None:
    graphiql = create_page().open()
    graphiql.enter_query("{ viewer { rool } }")
    graphiql.page.wait_for_function(f"() => ({ERROR_MARKERS})().length === 1")
    (marker,) = graphiql.page.evaluate(ERROR_MARKERS)
    assert 'Cannot query field "rool" on type "Viewer"' in marker


def test_api_key_is_never_stored_in_the_browser(create_page: CreatePage, gateway: Gateway) -> None:
    graphiql = create_page().open()
    page = graphiql.page
    page.get_by_role("button", name="Headers", exact=True).click()
    page.locator(".graphiql-editor-tool .monaco-editor textarea").last.focus()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(json.dumps({"x-api-key": gateway.demo_file["keys"]["employee"]}))
    page.wait_for_function(f"() => ({TEXT})('request-headers.json').includes('bgk_')")
    page.wait_for_timeout(500)  # the tab passes it to the history after a moment
    assert graphiql.run()["data"]["employee"]["firstName"] == "Maya"
    page.wait_for_timeout(1500)  # GraphiQL stores its state half a second later
    storage = graphiql.storage()
    assert {"tabState", "queries"} <= {name.rpartition(":")[2] for name in storage}
    assert [name for name, value in storage.items() if "bgk_" in value or "x-api-key" in value] == []


def test_tabs_of_an_earlier_demo_are_ignored_and_own_tabs_are_kept(create_page: CreatePage) -> None:
    graphiql = create_page()
    old_state = {"tabs": [{"id": "1", "hash": None, "title": "Gone", "query": "query Gone { viewer { role } }"}]}
    old_state["tabs"][0] |= dict.fromkeys(("variables", "headers", "operationName", "response"))
    stale = json.dumps(old_state | {"activeTabIndex": 0})
    graphiql.page.add_init_script(
        f"if (!localStorage.length) for (const prefix of ['', 'demo-0123456789ab:']) "
        f"localStorage.setItem(`benegraph:${{prefix}}graphiql:tabState`, {json.dumps(stale)});"
    )
    graphiql.open()
    assert graphiql.titles == TITLES
    assert not any("demo-0123456789ab" in name for name in graphiql.storage())
    graphiql.enter_query("query Mine { viewer { role } }")
    graphiql.page.wait_for_timeout(1500)
    graphiql.open()
    assert graphiql.titles == [*TITLES, "Mine"]
    assert graphiql.run()["data"] == {"viewer": {"role": "ADMINISTRATOR"}}


def test_introspection_query_stays_within_the_depth_limit(create_page: CreatePage) -> None:
    graphiql = create_page().open()
    graphiql.page.wait_for_function("() => document.querySelector('[aria-label^=\"Re-fetch\"]')")
    texts = [request["query"] for request in graphiql.requests if "__schema" in request["query"]]
    assert texts
    assert all(10 < depth_of(parse(text)) <= MAX_DEPTH for text in texts)


def depth_of(document: DocumentNode) -> int:
    fragments = {
        node.name.value: node.selection_set for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }

    def depth(selections: SelectionSetNode | None) -> int:
        return max((depth_of_node(node) for node in selections.selections), default=0) if selections else 0

    def depth_of_node(node: Any) -> int:
        if isinstance(node, FieldNode):
            return 1 + depth(node.selection_set)
        return depth(fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node.selection_set)

    return max(depth(getattr(node, "selection_set", None)) for node in document.definitions)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_bar_has_sufficient_contrast_in_both_color_schemes(
    create_page: CreatePage, tmp_path: Path, color_scheme: str
) -> None:
    graphiql = create_page(color_scheme=color_scheme).open()
    graphiql.run()
    graphiql.page.screenshot(path=tmp_path / f"{color_scheme}.png")
    background = luminance(graphiql.page, "header.bar", "backgroundColor")
    assert (background > 0.5) == (color_scheme == "light")
    for selector in ("header.bar h1", "header.bar label", "header.bar select"):
        lighter, darker = sorted((background, luminance(graphiql.page, selector, "color")), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, selector


def luminance(page: Any, selector: str, style: str) -> float:
    """Return the relative luminance of an element's color, as WCAG defines it."""
    color = page.eval_on_selector(selector, f"element => getComputedStyle(element).{style}")
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_content_security_policy_blocks_foreign_resources(create_page: CreatePage) -> None:
    graphiql = create_page().open()
    blocked = graphiql.page.evaluate(
        """async () => {
            const blocked = [];
            document.addEventListener("securitypolicyviolation", event => blocked.push(event.effectiveDirective));
            const script = document.createElement("script");
            script.textContent = "globalThis.broken = true";
            document.body.append(script);
            await fetch("http://127.0.0.2:9/").catch(() => {});
            document.body.append(Object.assign(new Image(), { src: "http://127.0.0.2:9/" }));
            await new Promise(resolve => setTimeout(resolve, 300));
            return [blocked, globalThis.broken ?? false];
        }"""
    )
    assert blocked == [["script-src-elem", "connect-src", "img-src"], False]
    assert {error for error in graphiql.errors if "Content Security Policy" not in error} == {
        "request: http://127.0.0.2:9/"
    }
    graphiql.errors.clear()


def test_demo_rejects_a_foreign_host_name(create_page: CreatePage, gateway: Gateway) -> None:
    graphiql = create_page(f"http://{REBOUND}:{gateway.port}")
    graphiql.page.goto(f"{graphiql.origin}/graphiql")
    assert "The demo's pages work on localhost only" in graphiql.page.get_by_role("alert").inner_text()
    assert graphiql.requests == []
    assert [error for error in graphiql.errors if "403" not in error] == []
    graphiql.errors.clear()


def test_graphiql_outside_the_demo_requires_an_api_key(create_page: CreatePage, bundled: None) -> None:  # noqa: ARG001 - a prerequisite
    with (
        reachable_directory() as place,
        run_gateway(place, "--data-dir", str(place), until="keys issue", **cache_environment()) as gateway,
    ):
        command = "keys issue --tenant acme --create-tenant Acme --role administrator --data-dir"
        issued = subprocess.run(  # noqa: S603 - a fixed command
            [sys.executable, "-m", "benegraph", *command.split(), str(place)],
            capture_output=True,
            text=True,
            check=True,
        )
        graphiql = create_page(gateway.url.removesuffix("/graphql")).open()
        assert graphiql.titles == ["Welcome"]
        assert graphiql.page.get_by_role("status").inner_text() == "API key required"
        assert graphiql.requests == []
        graphiql.page.get_by_label("API key", exact=True).fill(issued.stdout.strip())
        graphiql.page.keyboard.press("Enter")
        assert graphiql.page.get_by_role("status").inner_text() == "signed in"
        assert graphiql.run()["data"] == {"viewer": {"tenant": "acme", "role": "ADMINISTRATOR"}}
        graphiql.page.wait_for_timeout(1500)
        assert not any("bgk_" in value for value in graphiql.storage().values())
