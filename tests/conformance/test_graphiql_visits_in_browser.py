"""Visits to GraphiQL: the progress while it loads, the first tab, a phone, and the API key that a visitor enters."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import graphiql_browser
import pytest
from demo_browser import MARKS, build_pages
from graphiql_browser import CreatePage, luminance

from benegraph.settings import Settings
from gateways import Gateway, reachable_directory, run_gateway

pytestmark = MARKS
gateway = pytest.fixture(scope="module")(graphiql_browser.serve_demo)
browser = pytest.fixture(scope="module")(graphiql_browser.launch_browser)
create_page = pytest.fixture(graphiql_browser.page_factory)

STYLE_SHEET = re.compile(r"/graphiql\.css$")


# ------------------------------------------------------------------------------------------------ first visit


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_first_visit_to_the_demo_runs_the_first_tab_once(
    create_page: CreatePage, tmp_path: Path, color_scheme: str
) -> None:
    graphiql = create_page(color_scheme=color_scheme).open()
    assert json.loads(graphiql.text("response.json"))["data"]["employee"]["enrollments"]["totalCount"] > 0
    graphiql.wait_for_text('"firstName": "Maya"')
    graphiql.page.wait_for_timeout(1000)
    (operation,) = graphiql.operations
    assert "query EnrollmentsAndPlans(" in operation
    graphiql.page.screenshot(path=tmp_path / "first-visit.png")


def test_progress_bar_shows_the_share_of_the_page_that_has_arrived(create_page: CreatePage, tmp_path: Path) -> None:
    graphiql = create_page()
    graphiql.page.route(STYLE_SHEET, lambda _route: None)  # holds the request until the route is removed
    graphiql.page.goto(f"{graphiql.origin}/graphiql", wait_until="commit")
    bar = graphiql.page.get_by_role("progressbar", name="Loading the page")
    bar.wait_for()
    graphiql.page.wait_for_function("() => document.querySelector('progress').value > 4e6")
    arrived, total = bar.evaluate("element => [element.value, element.max]")
    assert 0.5 < arrived / total < 1
    graphiql.page.screenshot(path=tmp_path / "loading.png")
    assert graphiql.page.locator(".graphiql-container").count() == 0
    graphiql.page.unroute(STYLE_SHEET)
    graphiql.page.locator(".graphiql-execute-button").wait_for()
    assert bar.count() == 0


def test_page_loads_each_file_once(create_page: CreatePage) -> None:
    graphiql = create_page().open()
    entries = graphiql.page.evaluate(
        "() => performance.getEntriesByType('resource').map(entry => [entry.name, entry.transferSize])"
    )
    loaded = [name for name, size in entries if size > 0 and "/pages/" in name and name.endswith((".js", ".css"))]
    assert len(loaded) > 5
    assert len(loaded) == len(set(loaded))


def test_page_reports_a_file_that_does_not_arrive(create_page: CreatePage) -> None:
    graphiql = create_page()
    graphiql.page.route(re.compile(r"/graphiql\.js$"), lambda route: route.fulfill(status=503))
    graphiql.page.goto(f"{graphiql.origin}/graphiql")
    alert = graphiql.page.get_by_role("alert")
    alert.wait_for()
    assert alert.inner_text() == (
        "The page could not be loaded: the gateway responded with status 503. Reload it to try again."
    )
    assert [error for error in graphiql.errors if "503" not in error] == []
    graphiql.errors.clear()


# ------------------------------------------------------------------------------------------------ phone


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_editor_and_result_are_readable_on_a_phone(create_page: CreatePage, tmp_path: Path, color_scheme: str) -> None:
    graphiql = create_page(color_scheme=color_scheme, size=(390, 844)).open()
    page = graphiql.page
    graphiql.wait_for_text('"firstName": "Maya"')
    editor, response = (page.locator(name).bounding_box() for name in (".graphiql-query-editor", ".graphiql-response"))
    for box in (editor, response):
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["width"] >= 340
        assert box["height"] >= 250
    assert editor["y"] + editor["height"] <= response["y"]
    assert response["y"] + response["height"] <= 844
    assert page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [
        390,
        844,
    ]
    page.screenshot(path=tmp_path / "phone.png")
    for name in ("Documentation Explorer", "History", "GraphiQL Explorer"):
        page.get_by_role("button", name=f"Show {name}").click()
        page.get_by_role("button", name=f"Hide {name}").wait_for()
        panel = page.locator(".graphiql-plugin").bounding_box()
        assert panel["height"] >= 300
        assert panel["width"] >= 380
        page.screenshot(path=tmp_path / f"phone-{name}.png")
    page.get_by_role("button", name="Hide GraphiQL Explorer").click()
    graphiql.enter_query("{ viewer { role } }")
    assert graphiql.run()["data"] == {"viewer": {"role": "ADMINISTRATOR"}}


# ------------------------------------------------------------------------------------------------ API key


def issue_key(directory: Path) -> str:
    command = "keys issue --tenant acme --create-tenant Acme --role administrator --data-dir"
    issued = subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-m", "benegraph", *command.split(), str(directory)],
        capture_output=True,
        text=True,
        check=True,
    )
    return issued.stdout.strip()


@pytest.fixture(scope="module")
def gateway_without_demo() -> Iterator[tuple[Gateway, str]]:
    """Serve without the demo; return the gateway and an administrator's key."""
    build_pages()
    cache = {"XDG_CACHE_HOME": str(Settings.from_environment().cache_home.parent)}
    with (
        reachable_directory() as place,
        run_gateway(place, "--data-dir", str(place), until="keys issue", **cache) as gateway,
    ):
        yield gateway, issue_key(place)


def test_graphiql_outside_the_demo_requires_an_api_key(
    create_page: CreatePage, gateway_without_demo: tuple[Gateway, str]
) -> None:
    gateway, key = gateway_without_demo
    graphiql = create_page(gateway.url.removesuffix("/graphql")).open(runs_first_tab=False)
    status = graphiql.page.locator("header.bar").get_by_role("status")
    assert graphiql.titles == ["Welcome"]
    assert status.inner_text() == "API key required"
    assert graphiql.requests == []
    graphiql.page.get_by_label("API key", exact=True).fill(key)
    graphiql.page.keyboard.press("Enter")
    status.get_by_text("signed in to acme as ADMINISTRATOR").wait_for()
    assert graphiql.operations == ["{ viewer { tenant role } }"]  # no tab runs by itself
    assert graphiql.run()["data"] == {"viewer": {"tenant": "acme", "role": "ADMINISTRATOR"}}
    graphiql.page.wait_for_timeout(1500)
    assert not any("bgk_" in value for value in graphiql.storage().values())


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1400, 850), (390, 844)], ids=["desktop", "phone"])
def test_wrong_key_is_rejected_where_it_was_entered(
    create_page: CreatePage,
    gateway_without_demo: tuple[Gateway, str],
    tmp_path: Path,
    color_scheme: str,
    size: tuple[int, int],
) -> None:
    gateway, key = gateway_without_demo
    origin = gateway.url.removesuffix("/graphql")
    graphiql = create_page(origin, color_scheme=color_scheme, size=size).open(runs_first_tab=False)
    banner = graphiql.page.locator("header.bar")
    key_field, status = banner.get_by_label("API key", exact=True), banner.get_by_role("status")
    key_field.fill("bgk_wrong")
    graphiql.page.keyboard.press("Enter")
    status.get_by_text("The API key is unknown, revoked or expired.").wait_for()
    graphiql.page.screenshot(path=tmp_path / "wrong-key.png")
    assert key_field.evaluate("element => element === document.activeElement")
    assert key_field.get_attribute("aria-invalid") == "true"
    assert key_field.get_attribute("aria-describedby") == status.get_attribute("id")
    lighter, darker = sorted(
        (
            luminance(graphiql.page, "header.bar", "backgroundColor"),
            luminance(graphiql.page, "header.bar span", "color"),
        ),
        reverse=True,
    )
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
    assert graphiql.page.evaluate("() => document.documentElement.scrollWidth") == size[0]
    key_field.fill(key)
    graphiql.page.keyboard.press("Enter")
    status.get_by_text("signed in to acme as ADMINISTRATOR").wait_for()
    assert key_field.get_attribute("aria-invalid") == "false"
    assert [error for error in graphiql.errors if "401" not in error] == []
    graphiql.errors.clear()


def test_key_that_is_revoked_later_is_reported(
    create_page: CreatePage, gateway_without_demo: tuple[Gateway, str]
) -> None:
    gateway, key = gateway_without_demo
    graphiql = create_page(gateway.url.removesuffix("/graphql")).open(runs_first_tab=False)
    banner = graphiql.page.locator("header.bar")
    banner.get_by_label("API key", exact=True).fill(key)
    graphiql.page.keyboard.press("Enter")
    banner.get_by_text("signed in to acme").wait_for()
    message = "The API key is unknown, revoked or expired."
    rejected = {"errors": [{"message": message, "extensions": {"code": "UNAUTHENTICATED"}}]}
    graphiql.page.route("**/graphql", lambda route: route.fulfill(status=401, json=rejected))
    graphiql.run()
    banner.get_by_text(message).wait_for()
    graphiql.page.unroute("**/graphql")
    graphiql.run()
    banner.get_by_text("signed in to acme").wait_for()
    assert [error for error in graphiql.errors if "401" not in error] == []
    graphiql.errors.clear()
