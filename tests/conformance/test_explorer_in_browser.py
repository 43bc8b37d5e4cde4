"""The explorer in a real browser: it loads from the gateway alone, without a fault, and does what it is there for."""

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
from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode, SelectionSetNode, parse

from benegraph.settings import Settings
from gateways import TODAY, Gateway, reachable, serving

playwright = pytest.importorskip("playwright.sync_api", reason="playwright comes with the group `conformance`")
CHROMIUM = "/usr/bin/chromium"
pytestmark = [
    pytest.mark.conformance,
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM} here: Debian's package has it"),
]

ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
#: A name of somebody else's, which leads to this machine all of a sudden.
REBOUND = "rebound.example"
TITLES = ["EnrollmentsAndPlans", "EligiblePlans", "DryRunElection", "Election", "Reissue", "NewPlanYear"]
#: The depth that the gateway lets an introspection have.
DEEPEST = 15

# GraphiQL leaves Monaco where it can be asked for the whole text, of which a screen shows a part.
TEXT = "name => globalThis.__MONACO?.editor.getModels().find(model => model.uri.path.endsWith(name))?.getValue() ?? ''"
ANSWERED = f"() => ({TEXT})('response.json') !== ''"
FAULTS = (
    "() => __MONACO.editor.getModelMarkers({}).filter(marker => marker.severity === 8)"
    ".map(marker => `${marker.resource.path}: ${marker.message}`)"
)


@dataclass
class Visit:
    """One visitor's page, and all that went wrong on it."""

    page: Any
    origin: str
    faults: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def watch(self) -> None:
        self.page.context.on("request", self._see)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))

    def _hear(self, said: Any) -> None:
        if said.type == "error":
            self.faults.append(f"console: {said.text}")

    def _see(self, request: Any) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:", "blob:")):
            self.faults.append(f"request: {request.url}")
        if request.url == f"{self.origin}/graphql":
            self.asked.append(json.loads(request.post_data))

    def open(self) -> "Visit":
        self.page.goto(f"{self.origin}/")
        self.page.locator(".graphiql-execute-button").wait_for()
        self.page.wait_for_function(f"() => ({TEXT})('operation.graphql') !== ''")
        return self

    @property
    def titles(self) -> list[str]:
        return [tab.strip() for tab in self.page.locator(".graphiql-tab").all_inner_texts()]

    def choose(self, title: str) -> None:
        self.page.locator(".graphiql-tab").get_by_role("button", name=title, exact=True).click()

    def text(self, name: str) -> str:
        return str(self.page.evaluate(TEXT, name))

    def write(self, text: str) -> None:
        """Write a query in a tab of its own."""
        self.page.get_by_role("button", name="New tab").click()
        self.page.locator(".graphiql-query-editor .monaco-editor textarea").first.focus()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def run(self) -> dict[str, Any]:
        with self.page.expect_response(f"{self.origin}/graphql"):
            self.page.locator(".graphiql-execute-button").click()
        self.page.wait_for_function(ANSWERED)
        answer: dict[str, Any] = json.loads(self.text("response.json"))
        return answer

    def shows(self, text: str) -> None:
        """Wait until a text stands on the screen in the answer; Monaco writes its spaces as U+00A0."""
        spaced = re.compile(re.escape(text).replace("\\ ", r"\s"))
        self.page.locator(".result-window .view-line").get_by_text(spaced).first.wait_for()

    def kept(self) -> dict[str, str]:
        """Read all that the browser keeps of it."""
        kept: dict[str, str] = self.page.evaluate("() => ({...localStorage, ...sessionStorage, '': document.cookie})")
        return kept


@pytest.fixture(scope="module")
def bundled() -> None:
    """See to it that there is a bundle in this user's cache."""
    command = [sys.executable, "-m", "benegraph", "explorer", "build"]
    subprocess.run(command, check=True, timeout=240)  # noqa: S603 - our own words


def cached() -> dict[str, str]:
    """Hand on where this user's cache is."""
    return {"XDG_CACHE_HOME": str(Settings.from_environment().cache_home.parent)}


@pytest.fixture(scope="module")
def gateway(bundled: None) -> Iterator[Gateway]:  # noqa: ARG001 - it has to be there first
    with (
        reachable() as place,
        serving(place, "--demo", "--today", TODAY, "--data-dir", str(place), until="Ctrl-C", **cached()) as gateway,
    ):
        yield gateway


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        rules = f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS.split(), rules])
        yield browser
        browser.close()


Visits = Callable[..., Visit]


@pytest.fixture
def visits(browser: Any, gateway: Gateway) -> Iterator[Visits]:
    """Open pages of visitors who were never here, to any of which nothing may have happened in the end."""
    opened: list[Visit] = []

    def visit(origin: str | None = None, *, color_scheme: str = "light") -> Visit:
        context = browser.new_context(viewport={"width": 1400, "height": 850}, color_scheme=color_scheme)
        context.set_default_timeout(30_000)
        opened.append(Visit(context.new_page(), origin or gateway.url.removesuffix("/graphql")))
        opened[-1].watch()
        return opened[-1]

    yield visit
    faults = [fault for visit in opened for fault in visit.faults]
    for visit_ in opened:
        visit_.page.context.close()
    assert faults == []


def test_it_opens_signed_in_as_administrator_with_the_main_jobs_in_tabs(visits: Visits) -> None:
    visit = visits().open()
    assert visit.titles == TITLES
    picker = visit.page.get_by_label("Viewer", exact=True)
    assert picker.locator("option").all_inner_texts() == [
        "Administrator",
        "Employer: Elmstead Veterinary Cooperative",
        "Employee: Maya Delacroix",
    ]
    assert picker.input_value() == "administrator"
    assert visit.page.get_by_role("heading", name="benegraph").is_visible()


def _shows_enrollments(data: Mapping[str, Any]) -> bool:
    nodes = data["employee"]["enrollments"]["nodes"]
    return {"PENDING", "ENROLLED"} <= {node["status"] for node in nodes} and any(node["selectedPlan"] for node in nodes)


def _shows_plans(data: Mapping[str, Any]) -> bool:
    offers = data["enrollment"]["eligiblePlans"]
    return len(offers) > 1 and all(cost["totalMonthlyPremiumCents"] for offer in offers for cost in offer["costs"])


def _shows_preview(data: Mapping[str, Any]) -> bool:
    (preview,) = data["elect"]["previews"]
    return (preview["status"], preview["coverageTier"], data["elect"]["userErrors"]) == ("ENROLLED", "EF", [])


def _shows_election(data: Mapping[str, Any]) -> bool:
    (enrollment,) = data["elect"]["enrollments"]
    return (enrollment["status"], data["elect"]["userErrors"]) == ("ENROLLED", [])


def _shows_reissue(data: Mapping[str, Any]) -> bool:
    reissue = data["reissue"]
    return (reissue["enrollment"]["status"], reissue["replacedEnrollment"]["status"]) == ("PENDING", "ENROLLED")


def _shows_draft(data: Mapping[str, Any]) -> bool:
    plan_year = data["createPlanYear"]["planYear"]
    return bool(plan_year["status"] == "DRAFT" and len(plan_year["plans"]) > 1)


SHOWS = dict(
    zip(
        TITLES,
        (_shows_enrollments, _shows_plans, _shows_preview, _shows_election, _shows_reissue, _shows_draft),
        strict=True,
    )
)


def test_each_tab_runs_twice_in_a_row_and_shows_its_data(visits: Visits, tmp_path: Path) -> None:
    visit = visits().open()
    for title in TITLES:
        visit.choose(title)
        for _ in range(2):  # the first one at once, before GraphiQL knows that it is another operation
            answer = visit.run()
            assert "errors" not in answer, answer
            assert SHOWS[title](answer["data"]), answer
            visit.shows('"data": {')
        visit.page.wait_for_timeout(700)  # the workers' time to look at query and variables
        assert visit.page.evaluate(FAULTS) == []
        visit.page.screenshot(path=tmp_path / f"{title}.png")


def test_the_picker_changes_who_asks(visits: Visits) -> None:
    visit = visits().open()
    visit.write("{ viewer { role employee { firstName } } }")
    seen = {}
    for name in ("employee", "employer", "administrator"):
        visit.page.get_by_label("Viewer", exact=True).select_option(name)
        seen[name] = visit.run()["data"]["viewer"]
    assert seen == {
        "employee": {"role": "EMPLOYEE", "employee": {"firstName": "Maya"}},
        "employer": {"role": "EMPLOYER", "employee": None},
        "administrator": {"role": "ADMINISTRATOR", "employee": None},
    }


def test_docs_explorer_and_history_open(visits: Visits) -> None:
    visit = visits().open()
    page = visit.page
    panel = page.locator(".graphiql-plugin")

    page.get_by_role("button", name="Show Documentation Explorer").click()
    panel.get_by_role("link", name="Query", exact=True).click()
    panel.get_by_role("link", name="employee", exact=True).click()
    panel.get_by_text("null where there is none within the viewer's reach").wait_for()

    page.get_by_role("button", name="New tab").click()
    page.get_by_role("button", name="Show GraphiQL Explorer").click()
    panel.locator(".graphiql-explorer-field-view, .graphiql-explorer-node").get_by_text("viewer", exact=True).click()
    panel.get_by_text("role", exact=True).click()
    page.wait_for_function(f"() => /viewer\\s*{{\\s*role/.test(({TEXT})('operation.graphql'))")
    page.wait_for_timeout(500)  # GraphiQL notes what the explorer wrote a moment later
    assert visit.run()["data"] == {"viewer": {"role": "ADMINISTRATOR"}}

    page.get_by_role("button", name="Show History").click()
    panel.get_by_text("MyQuery", exact=True).wait_for()  # as the explorer names it


def test_the_workers_find_what_is_wrong_with_a_query(visits: Visits) -> None:
    visit = visits().open()
    visit.write("{ viewer { rool } }")
    visit.page.wait_for_function(f"() => ({FAULTS})().length === 1")
    (fault,) = visit.page.evaluate(FAULTS)
    assert 'Cannot query field "rool" on type "Viewer"' in fault


def test_a_key_is_never_stored(visits: Visits, gateway: Gateway) -> None:
    visit = visits().open()
    page = visit.page
    page.get_by_role("button", name="Headers", exact=True).click()
    page.locator(".graphiql-editor-tool .monaco-editor textarea").last.focus()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(json.dumps({"x-api-key": gateway.note["keys"]["employee"]}))
    page.wait_for_function(f"() => ({TEXT})('request-headers.json').includes('bgk_')")
    page.wait_for_timeout(500)  # until the tab has noted it, and hands it to the history
    assert visit.run()["data"]["employee"]["firstName"] == "Maya"
    page.wait_for_timeout(1500)  # it stores half a second later
    kept = visit.kept()
    assert {"tabState", "queries"} <= {name.rpartition(":")[2] for name in kept}
    assert [name for name, value in kept.items() if "bgk_" in value or "x-api-key" in value] == []


def test_tabs_of_a_demo_that_is_gone_do_not_hide_todays_and_todays_are_kept(visits: Visits) -> None:
    visit = visits()
    old = {"tabs": [{"id": "1", "hash": None, "title": "Gone", "query": "query Gone { viewer { role } }"}]}
    old["tabs"][0] |= dict.fromkeys(("variables", "headers", "operationName", "response"))
    stale = json.dumps(old | {"activeTabIndex": 0})
    visit.page.add_init_script(
        f"if (!localStorage.length) for (const edition of ['', 'demo-0123456789ab:']) "
        f"localStorage.setItem(`benegraph:${{edition}}graphiql:tabState`, {json.dumps(stale)});"
    )
    visit.open()
    assert visit.titles == TITLES
    assert not any("demo-0123456789ab" in name for name in visit.kept())
    visit.write("query Mine { viewer { role } }")
    visit.page.wait_for_timeout(1500)
    visit.open()
    assert visit.titles == [*TITLES, "Mine"]
    assert visit.run()["data"] == {"viewer": {"role": "ADMINISTRATOR"}}


def test_its_introspection_is_not_too_deep(visits: Visits) -> None:
    visit = visits().open()
    visit.page.wait_for_function("() => document.querySelector('[aria-label^=\"Re-fetch\"]')")
    texts = [asked["query"] for asked in visit.asked if "__schema" in asked["query"]]
    assert texts
    assert all(10 < depth_of(parse(text)) <= DEEPEST for text in texts)


def depth_of(document: DocumentNode) -> int:
    fragments = {
        node.name.value: node.selection_set for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }

    def depth(selections: SelectionSetNode | None) -> int:
        return max((below(node) for node in selections.selections), default=0) if selections else 0

    def below(node: Any) -> int:
        if isinstance(node, FieldNode):
            return 1 + depth(node.selection_set)
        return depth(fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node.selection_set)

    return max(depth(getattr(node, "selection_set", None)) for node in document.definitions)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_the_bar_can_be_read_by_day_and_night(visits: Visits, tmp_path: Path, color_scheme: str) -> None:
    visit = visits(color_scheme=color_scheme).open()
    visit.run()
    visit.page.screenshot(path=tmp_path / f"{color_scheme}.png")
    ground = luminance(visit.page, "header.bar", "backgroundColor")
    assert (ground > 0.5) == (color_scheme == "light")
    for place in ("header.bar h1", "header.bar label", "header.bar select"):
        lighter, darker = sorted((ground, luminance(visit.page, place, "color")), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, place


def luminance(page: Any, place: str, what: str) -> float:
    """Tell how bright a colour is, as WCAG reckons."""
    color = page.eval_on_selector(place, f"element => getComputedStyle(element).{what}")
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_policy_stops_what_is_not_ours(visits: Visits) -> None:
    visit = visits().open()
    stopped = visit.page.evaluate(
        """async () => {
            const stopped = [];
            document.addEventListener("securitypolicyviolation", event => stopped.push(event.effectiveDirective));
            const script = document.createElement("script");
            script.textContent = "globalThis.broken = true";
            document.body.append(script);
            await fetch("http://127.0.0.2:9/").catch(() => {});
            document.body.append(Object.assign(new Image(), { src: "http://127.0.0.2:9/" }));
            await new Promise(resolve => setTimeout(resolve, 300));
            return [stopped, globalThis.broken ?? false];
        }"""
    )
    assert stopped == [["script-src-elem", "connect-src", "img-src"], False]
    assert {fault for fault in visit.faults if "Content Security Policy" not in fault} == {
        "request: http://127.0.0.2:9/"
    }
    visit.faults.clear()


def test_under_another_name_the_demo_opens_for_nobody(visits: Visits, gateway: Gateway) -> None:
    visit = visits(f"http://{REBOUND}:{gateway.port}")
    visit.page.goto(f"{visit.origin}/")
    assert "The demo's explorer works on localhost only" in visit.page.get_by_role("alert").inner_text()
    assert visit.asked == []
    assert [fault for fault in visit.faults if "403" not in fault] == []
    visit.faults.clear()


def test_outside_the_demo_a_visitor_signs_in(visits: Visits, bundled: None) -> None:  # noqa: ARG001 - as above
    with (
        reachable() as place,
        serving(place, "--data-dir", str(place), until="keys issue", **cached()) as gateway,
    ):
        command = "keys issue --tenant acme --create-tenant Acme --role administrator --data-dir"
        issued = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-m", "benegraph", *command.split(), str(place)],
            capture_output=True,
            text=True,
            check=True,
        )
        visit = visits(gateway.url.removesuffix("/graphql")).open()
        assert visit.titles == ["Welcome"]
        assert visit.page.get_by_role("status").inner_text() == "API key required"
        assert visit.asked == []
        visit.page.get_by_label("API key", exact=True).fill(issued.stdout.strip())
        visit.page.keyboard.press("Enter")
        assert visit.page.get_by_role("status").inner_text() == "signed in"
        assert visit.run()["data"] == {"viewer": {"tenant": "acme", "role": "ADMINISTRATOR"}}
        visit.page.wait_for_timeout(1500)
        assert not any("bgk_" in value for value in visit.kept().values())
