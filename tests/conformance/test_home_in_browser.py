"""The home page in a real browser: the picture of the graph, viewers and examples; in the demo and outside it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from demo_browser import (
    MARKS,
    WIDTHS,
    DemoPage,
    build_pages,
    fetch,
    launch_browser,
    new_page,
    run_demo,
    save_screenshot,
)
from graphql import GraphQLObjectType, build_schema
from nodejs import SCHEMA

from benegraph.services.access import INVALID_KEY
from benegraph.settings import Settings
from gateways import Gateway, reachable_directory, run_gateway

pytestmark = MARKS

#: Types that the picture must show, and its number of boxes at least.
TYPES = {
    *("Employee", "Employer", "Dependent", "Enrollment", "PlanYear", "Plan", "EligiblePlan", "QualifyingLifeEvent"),
    *("BenefitProduct", "Subscriber", "SubscriberEnrollment", "PremiumInvoice", "PremiumPayment"),
}
EXAMPLES = ("Enrollments and plans", "Eligible plans", "Dry run election")
RECTANGLES = "boxes => boxes.map(box => box.getBoundingClientRect().toJSON())"


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with run_demo() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launch_browser() as browser:
        yield browser


@pytest.fixture
def home(browser: Any, gateway: Gateway) -> Iterator[DemoPage]:
    with new_page(browser, gateway) as home:
        open_home(home)
        yield home


def open_home(home: DemoPage) -> None:
    home.open("/")
    home.page.locator(".box").first.wait_for()


def description_of(home: DemoPage) -> Any:
    return home.page.locator("#description")


def run_example(home: DemoPage, title: str) -> Any:
    """Run an example, and return the response that the page shows."""
    home.page.get_by_role("button", name=f"Run {title}").click()
    article = home.page.get_by_role("article").filter(has=home.page.get_by_role("heading", name=title, exact=True))
    article.get_by_role("status").get_by_text(re.compile(r"^(Done|Refused) in \d+ ms$")).wait_for()
    return json.loads(article.get_by_label(f"Response: {title}").inner_text())


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("device", WIDTHS)
def test_page_is_accessible_and_fits_the_screen(
    gateway: Gateway, browser: Any, tmp_path: Path, device: str, color_scheme: str
) -> None:
    with new_page(browser, gateway, viewport=WIDTHS[device], color_scheme=color_scheme) as home:
        open_home(home)
        for title in EXAMPLES:
            run_example(home, title)
        save_screenshot(home, tmp_path, f"{device}-{color_scheme}")
        assert home.serious_violations() == []
        assert home.page.evaluate("document.documentElement.scrollWidth") == WIDTHS[device]["width"]


def test_picture_shows_the_main_types_side_by_side_without_scrolling(home: DemoPage) -> None:
    names = home.page.locator(".box a").all_inner_texts()
    assert names[0] == "Employee"
    assert names[1:7].count("Enrollment") == 1
    assert set(names) >= TYPES
    assert len(names) == len(set(names)) >= 23
    assert [name for name in names if name.endswith(("Connection", "Edge", "PageInfo"))] == []
    rectangles = home.page.locator(".box").evaluate_all(RECTANGLES)
    overlaps = [
        (one, other)
        for number, one in enumerate(rectangles)
        for other in rectangles[:number]
        if max(one["left"], other["left"]) < min(one["right"], other["right"])
        and max(one["top"], other["top"]) < min(one["bottom"], other["bottom"])
    ]
    assert overlaps == []
    assert home.page.locator(".viewport").evaluate("({ scrollWidth, clientWidth }) => scrollWidth - clientWidth") == 0


def test_phone_scrolls_the_picture_and_starts_at_the_root(browser: Any, gateway: Gateway) -> None:
    with new_page(browser, gateway, viewport=WIDTHS["phone"], has_touch=True) as home:
        open_home(home)
        home.page.locator(".viewport").scroll_into_view_if_needed()
        viewport, root = (home.page.locator(selector).bounding_box() for selector in (".viewport", ".box.root"))
        assert viewport["x"] <= root["x"]
        assert root["x"] + root["width"] <= viewport["x"] + viewport["width"]
        assert viewport["y"] <= root["y"] <= root["y"] + root["height"] <= viewport["y"] + viewport["height"]
        home.page.get_by_role("link", name="PremiumPayment", exact=True).tap()
        assert description_of(home).get_by_role("heading").inner_text() == "PremiumPayment"
        assert description_of(home).bounding_box()["y"] < WIDTHS["phone"]["height"]


def assert_describes(home: DemoPage, name: str) -> None:
    """Assert that the description is that of a type in the schema: its text and each of its fields."""
    graph_type = build_schema(SCHEMA.read_text(encoding="utf-8")).type_map[name]
    assert isinstance(graph_type, GraphQLObjectType)
    description = description_of(home)
    description.get_by_role("heading", name=name, exact=True).wait_for()
    text = description.inner_text()
    for part in (graph_type.description, *(field.description for field in graph_type.fields.values())):
        for paragraph in (part or "").split("\n\n"):
            assert paragraph.replace("`", "") in text
    terms = [term.partition(":")[0].partition("(")[0] for term in description.locator("dt").all_inner_texts()]
    visible = [field for field, value in graph_type.fields.items() if value.deprecation_reason is None]
    assert terms == visible


def test_each_box_leads_to_its_description_by_mouse(home: DemoPage) -> None:
    for name in home.page.locator(".box a").all_inner_texts():
        # Below the title, the whole box is a target.
        box = home.page.locator(".box", has=home.page.locator(f"#box-{name}"))
        size = box.bounding_box()
        box.click(position={"x": size["width"] / 2, "y": size["height"] - 4})
        assert_describes(home, name)
        assert home.page.url == f"{home.origin}/#{name}"


def test_each_box_leads_to_its_description_by_keyboard(home: DemoPage) -> None:
    page = home.page
    page.get_by_role("button", name="Download schema.graphql").focus()
    for name in page.locator(".box a").all_inner_texts():
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == name
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.activeElement.id === 'description'")
        assert_describes(home, name)
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.id") == f"box-{name}"


def test_types_in_a_description_lead_to_their_descriptions_and_back(home: DemoPage) -> None:
    description_of(home).get_by_role("link", name="EnrollmentConnection!").click()
    assert_describes(home, "Enrollment")
    description_of(home).get_by_role("link", name="[EligiblePlan!]!").click()
    assert_describes(home, "EligiblePlan")
    home.page.go_back()
    assert_describes(home, "Enrollment")
    home.page.reload()
    assert_describes(home, "Enrollment")


def test_description_leads_to_the_documentation_in_graphiql(home: DemoPage) -> None:
    home.page.get_by_role("link", name="PlanYear", exact=True).click()
    description_of(home).get_by_role("link", name="PlanYear in GraphiQL").click()
    home.page.locator(".graphiql-execute-button").wait_for()
    documentation = home.page.locator(".graphiql-plugin")
    documentation.locator(".graphiql-doc-explorer-title").get_by_text("PlanYear", exact=True).wait_for()
    documentation.get_by_role("link", name="openEnrollmentStart", exact=True).wait_for()


def test_examples_run_in_place_and_show_their_data(home: DemoPage, gateway: Gateway) -> None:
    assert home.page.locator(".example h3").all_inner_texts() == list(EXAMPLES)
    enrollments, plans, election = (run_example(home, title)["data"] for title in EXAMPLES)
    nodes = enrollments["employee"]["enrollments"]["nodes"]
    assert enrollments["employee"]["firstName"] == "Maya"
    assert {"PENDING", "ENROLLED"} <= {node["status"] for node in nodes}
    assert any(node["selectedPlan"] for node in nodes)
    offers = plans["enrollment"]["eligiblePlans"]
    assert len(offers) > 1
    assert all(cost["totalMonthlyPremiumCents"] for offer in offers for cost in offer["costs"])
    (preview,) = election["elect"]["previews"]
    assert (preview["status"], preview["coverageTier"], election["elect"]["userErrors"]) == ("ENROLLED", "EF", [])
    pending = gateway.demo_file["samples"]["pendingEnrollmentIds"]
    stored = fetch(
        gateway, "employee", "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Enrollment { status } } }", ids=pending
    )
    assert stored["nodes"] == [{"status": "PENDING"}] * len(pending)


def test_examples_run_as_the_selected_viewer(home: DemoPage, gateway: Gateway) -> None:
    keys = gateway.demo_file["keys"]
    assert home.page.get_by_role("radio").count() == len(keys)
    for name, viewer in {"Maya Delacroix": "employee", "Elmstead Veterinary Cooperative": "employer"}.items():
        home.page.get_by_role("radio", name=name).check()
        with home.page.expect_request("**/graphql") as request:
            assert run_example(home, EXAMPLES[0])["data"]["employee"]["firstName"] == "Maya"
        assert request.value.headers["authorization"] == f"Bearer {keys[viewer]}"


def test_copied_keys_and_commands_work(home: DemoPage, gateway: Gateway) -> None:
    home.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    cards = home.page.locator(".viewers article")
    data = {}
    for number, viewer in enumerate(gateway.demo_file["keys"]):
        copied = []
        for button in ("Copy key", "Copy curl"):
            cards.nth(number).get_by_role("button", name=button).click()
            cards.nth(number).get_by_text("Copied").first.wait_for()
            copied.append(home.page.evaluate("navigator.clipboard.readText()"))
        key, command = copied
        assert key == gateway.demo_file["keys"][viewer]
        output = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True).stdout  # noqa: S603, S607 - the command is the subject
        data[viewer] = json.loads(output)["data"]
    assert len(data["administrator"]["employers"]["nodes"]) == 3
    assert data["employer"]["viewer"]["employer"]["name"] == "Elmstead Veterinary Cooperative"
    assert len(data["employer"]["viewer"]["employer"]["employees"]["nodes"]) == 3
    assert data["employee"]["viewer"]["employee"]["firstName"] == "Maya"
    assert data["employee"]["viewer"]["employee"]["enrollments"]["nodes"]


def test_schema_is_downloaded_with_the_key(home: DemoPage, tmp_path: Path) -> None:
    with home.page.expect_download() as download:
        home.page.get_by_role("button", name="Download schema.graphql").click()
    assert download.value.suggested_filename == "schema.graphql"
    download.value.save_as(tmp_path / "schema.graphql")
    assert (tmp_path / "schema.graphql").read_text(encoding="utf-8").strip() == SCHEMA.read_text(
        encoding="utf-8"
    ).strip()


def test_each_link_opens(home: DemoPage) -> None:
    links = home.page.locator("header a, footer a").evaluate_all("links => links.map(link => link.href)")
    assert len(links) == len({*links}) + 1  # GraphiQL is linked twice
    for link in links:
        assert home.page.request.get(link, headers={"Accept": "text/html"}).status == 200, link


# ----------------------------------------------------------------------------------------------- outside the demo


@contextmanager
def run_production(**environment: str) -> Iterator[Gateway]:
    build_pages()
    cache = {"XDG_CACHE_HOME": str(Settings.from_environment().cache_home.parent)}
    with (
        reachable_directory() as directory,
        run_gateway(directory, "--data-dir", str(directory), until="keys issue", **cache | environment) as gateway,
    ):
        yield gateway


def issue_key(gateway: Gateway, *options: str) -> str:
    command = [
        sys.executable,
        "-m",
        "benegraph",
        "keys",
        "issue",
        "--tenant",
        "acme",
        "--data-dir",
        str(gateway.directory),
    ]
    return subprocess.run([*command, *options], check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - a fixed command


def sign_in(home: DemoPage, key: str) -> str:
    """Enter a key, and return the page's answer."""
    status = home.page.locator(".sign-in").get_by_role("status")
    with home.page.expect_response("**/graphql"):
        home.page.get_by_label("API key").fill(key)
        home.page.keyboard.press("Enter")
    status.get_by_text(re.compile(".")).wait_for()
    return str(status.inner_text())


def test_outside_the_demo_the_graph_and_an_example_require_a_key(browser: Any) -> None:
    requests: list[str] = []
    with run_production() as gateway, new_page(browser, gateway) as home:
        administrator = issue_key(gateway, "--create-tenant", "Acme", "--role", "administrator")
        created = gateway.post_query(
            'mutation { createEmployer(input: { name: "Acme Bakery" }) { employer { id } } }', administrator
        )
        employer = created["data"]["createEmployer"]["employer"]["id"]
        home.page.on("request", lambda request: requests.append(request.url))
        home.open("/")
        home.page.get_by_text("Sign in to see it.").wait_for()
        assert home.page.locator(".box, .example, .viewers, a[href^='/demo']").count() == 0
        assert [url for url in requests if url.endswith("/graphql")] == []
        assert home.serious_violations() == []

        assert sign_in(home, "bgk_" + "0" * 43) == INVALID_KEY
        assert home.page.locator(".box, .example").count() == 0
        assert [error for error in home.errors if "401" not in error] == []
        home.errors.clear()

        assert sign_in(home, administrator) == "Signed in to acme as ADMINISTRATOR"
        home.page.locator(".box").first.wait_for()
        assert home.serious_violations() == []
        assert run_example(home, "Viewer")["data"]["viewer"]["role"] == "ADMINISTRATOR"

        employer_key = issue_key(gateway, "--role", "employer", "--employer", employer)
        assert sign_in(home, employer_key) == "Signed in to acme as EMPLOYER"
        home.page.locator(".box").first.wait_for()
        response = run_example(home, "Viewer")
        assert response["data"]["viewer"] == {
            "tenant": "acme",
            "role": "EMPLOYER",
            "employer": {"name": "Acme Bakery", "timeZone": "America/New_York"},
            "employee": None,
        }
        storage = home.page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
        assert storage == '[{},{},""]'


def test_role_that_may_not_introspect_sees_the_reason_instead_of_the_graph(browser: Any) -> None:
    with run_production(BENEGRAPH_INTROSPECTION="none") as gateway, new_page(browser, gateway) as home:
        key = issue_key(gateway, "--create-tenant", "Acme", "--role", "administrator")
        home.open("/")
        sign_in(home, key)
        alert = home.page.get_by_role("alert")
        assert "The role ADMINISTRATOR may not introspect the schema." in alert.inner_text()
        assert home.page.locator(".box").count() == 0
        assert home.page.get_by_role("button", name="Download schema.graphql").count() == 0
        assert run_example(home, "Viewer")["data"]["viewer"]["role"] == "ADMINISTRATOR"
        assert [error for error in home.errors if "403" not in error] == []
        home.errors.clear()


def test_pages_setting_turns_the_home_page_or_all_pages_off(browser: Any) -> None:
    with run_production(BENEGRAPH_PAGES="graphiql") as gateway, new_page(browser, gateway) as home:
        home.page.goto(f"{home.origin}/")
        assert home.page.url == f"{home.origin}/graphiql"
        home.page.locator(".graphiql-execute-button").wait_for()
    with run_production(BENEGRAPH_PAGES="none") as gateway:
        assert [gateway.get_status(path) for path in ("/", "/graphiql", "/pages/config.json")] == [404] * 3
        assert gateway.get_status("/readyz") == 200
