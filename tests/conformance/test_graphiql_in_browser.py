"""GraphiQL in a real browser: it loads from the gateway only, without errors, and all of its functions work."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import graphiql_browser
import pytest
from demo_browser import MARKS
from graphiql_browser import ERROR_MARKERS, REBOUND, TEXT, CreatePage, luminance
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

from gateways import Gateway

pytestmark = MARKS
gateway = pytest.fixture(scope="module")(graphiql_browser.serve_demo)
browser = pytest.fixture(scope="module")(graphiql_browser.launch_browser)
create_page = pytest.fixture(graphiql_browser.page_factory)

TITLES = ["EnrollmentsAndPlans", "EligiblePlans", "DryRunElection", "Election", "Reissue", "NewPlanYear"]
#: The depth limit of introspection queries.
MAX_DEPTH = 15


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
    graphiql.requests.clear()
    graphiql.open(runs_first_tab=False)
    assert graphiql.titles == [*TITLES, "Mine"]
    graphiql.page.wait_for_timeout(1500)
    assert graphiql.operations == []  # only on the first visit does a tab run by itself
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


def test_documentation_starts_with_the_types_that_people_need_first(create_page: CreatePage, tmp_path: Path) -> None:
    graphiql = create_page().open()
    graphiql.page.get_by_role("button", name="Show Documentation Explorer").click()
    panel = graphiql.page.locator(".graphiql-doc-explorer")
    first = panel.locator(".first-types")
    first.wait_for()
    graphiql.page.screenshot(path=tmp_path / "documentation.png")
    names = ["Query", "Mutation", "Employee", "Enrollment", "PlanYear", "Plan", "Employer"]
    assert first.get_by_role("link").all_inner_texts() == names
    schema = build_schema(SCHEMA.read_text(encoding="utf-8"))
    assert schema.description is not None
    assert panel.get_by_text(schema.description.partition(".")[0]).is_visible()
    assert panel.get_by_text("All Schema Types").count() == 1
    for name in names:
        first.get_by_role("link", name=name, exact=True).click()
        panel.locator(".graphiql-doc-explorer-title").get_by_text(name, exact=True).wait_for()
        panel.get_by_role("link", name="Go back to Docs").click()
        first.wait_for()


def test_field_explorer_ticks_the_values_of_an_enum_list(create_page: CreatePage, tmp_path: Path) -> None:
    graphiql = create_page().open()
    page = graphiql.page
    page.get_by_role("button", name="Show GraphiQL Explorer").click()
    panel = page.locator(".graphiql-plugin")
    values = panel.locator(".graphiql-explorer-status .list-argument").get_by_role("checkbox")
    values.first.wait_for()
    assert [box.is_checked() for box in values.all()] == [True, True, True, False]  # as in the first tab
    page.screenshot(path=tmp_path / "list.png")

    page.get_by_role("button", name="New tab").click()
    panel.locator(".graphiql-explorer-field-view").get_by_text("enrollments", exact=True).click()
    panel.locator(".graphiql-explorer-filter").get_by_text("filter:").click()
    panel.locator(".graphiql-explorer-status").get_by_text("status:").click()
    panel.locator(".graphiql-explorer-field-view").get_by_text("totalCount", exact=True).click()
    document = f"() => ({TEXT})('operation.graphql').replace(/\\s+/g, ' ')"

    def expect(status: str) -> dict[str, Any]:
        text = f"query MyQuery {{ enrollments(filter: {{status: {status}}}) {{ totalCount }} }}"
        page.wait_for_function(f"text => ({document})().trim() === text", arg=text)
        page.wait_for_timeout(700)  # GraphiQL reads the plugin's text a moment later
        assert page.evaluate(ERROR_MARKERS) == []
        data: dict[str, Any] = graphiql.run()["data"]["enrollments"]
        return data

    pending = expect("[PENDING]")["totalCount"]
    panel.get_by_role("checkbox", name="WAIVED").click()
    both = expect("[PENDING, WAIVED]")["totalCount"]
    panel.get_by_role("checkbox", name="PENDING").click()
    waived = expect("[WAIVED]")["totalCount"]
    assert (pending > 0, waived > 0, pending + waived) == (True, True, both)
    panel.get_by_role("checkbox", name="WAIVED").click()
    expect("[]")


def test_field_explorer_edits_lists_of_scalars_and_of_input_objects(create_page: CreatePage, tmp_path: Path) -> None:
    graphiql = create_page().open()
    page = graphiql.page
    page.get_by_role("button", name="Show GraphiQL Explorer").click()
    panel = page.locator(".graphiql-plugin")

    def wait_for_document(*parts: str) -> None:
        document = f"() => ({TEXT})('operation.graphql').replace(/\\s+/g, ' ')"
        page.wait_for_function(f"parts => parts.every(part => ({document})().includes(part))", arg=list(parts))

    graphiql.enter_query('{ nodes(ids: ["a"]) { id } }')
    ids = panel.locator(".graphiql-explorer-ids")
    ids.get_by_role("button", name="Add an item").click()
    wait_for_document('nodes(ids: ["a", ""])')
    ids.get_by_role("textbox").last.click()
    page.keyboard.type("bc")
    wait_for_document('nodes(ids: ["a", "bc"])')
    ids.get_by_text("1*:").click()
    wait_for_document('nodes(ids: ["bc"])')

    graphiql.enter_query(
        'mutation { elect(input: { employeeId: "e", elections: [{ enrollmentId: "a", decision: WAIVED }] }) '
        "{ userErrors { code } } }"
    )
    elections = panel.locator(".graphiql-explorer-elections")
    elections.get_by_role("button", name="Add an item").click()
    wait_for_document('elections: [{enrollmentId: "a", decision: WAIVED}, {enrollmentId: "", decision: ENROLLED}]')
    elections.get_by_role("combobox").first.select_option("ENROLLED")
    wait_for_document('elections: [{enrollmentId: "a", decision: ENROLLED}, {enrollmentId: "", decision: ENROLLED}]')
    page.screenshot(path=tmp_path / "lists.png")
    elections.get_by_text("2*:").click()
    wait_for_document('elections: [{enrollmentId: "a", decision: ENROLLED}]')
    page.wait_for_timeout(700)
    assert page.evaluate(ERROR_MARKERS) == []
