"""HR's open enrollment in a real browser, by mouse and by keyboard; the API confirms numbers and changes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from demo_browser import MARKS, WIDTHS, DemoPage, fetch, launch_browser, new_page, run_demo, save_screenshot

from gateways import Gateway

pytestmark = MARKS

PLAN_YEARS = """{ viewer { employer { planYears(first: 50) { nodes {
  id status version benefitProduct { name }
  participation {
    issued pending enrolled waived lapsed ended employeeContributionCents employerContributionCents
    byTier { coverageTier enrolled employerContributionCents }
    byPlan { plan { name } enrolled employerContributionCents }
  }
} } } } }"""
ENROLLMENTS = """query ($id: ID!, $status: [EnrollmentStatus!]!) {
  planYear(id: $id) { enrollments(first: 100, filter: { status: $status }) {
    totalCount
    pageInfo { hasNextPage }
    nodes { employee { firstName lastName } employerContributionCents }
  } }
}"""
PENDING_EVENTS = """{ qualifyingLifeEvents(filter: { status: PENDING }) {
  nodes { id eventType employee { id firstName lastName } }
} }"""
LIFE_EVENT = "query ($id: ID!) { node(id: $id) { ... on QualifyingLifeEvent { status reviewNotes } } }"
REPORT = """mutation ($input: ReportLifeEventInput!) {
  reportLifeEvent(input: $input) { qualifyingLifeEvent { id } userErrors { message } }
}"""
REVIEW = """mutation ($input: ReviewLifeEventInput!) {
  reviewLifeEvent(input: $input) { qualifyingLifeEvent { id } userErrors { message } }
}"""
UPDATE_PLAN_YEAR = """mutation ($input: UpdatePlanYearInput!) {
  updatePlanYear(input: $input) { planYear { id } userErrors { message } }
}"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with run_demo() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launch_browser() as browser:
        yield browser


@pytest.fixture
def demo(browser: Any, gateway: Gateway) -> Iterator[DemoPage]:
    with new_page(browser, gateway) as demo:
        yield open_hr(demo)


def open_hr(demo: DemoPage, fragment: str = "") -> DemoPage:
    demo.open(f"/demo/hr{fragment}")
    demo.page.get_by_role("heading", name="Not answered yet").wait_for()
    return demo


def plan_years_with(gateway: Gateway, status: str) -> list[dict[str, Any]]:
    nodes = fetch(gateway, "employer", PLAN_YEARS)["viewer"]["employer"]["planYears"]["nodes"]
    return [node for node in nodes if node["status"] == status]


def enrollments_with(gateway: Gateway, plan_year: str, status: str) -> dict[str, Any]:
    connection: dict[str, Any] = fetch(gateway, "employer", ENROLLMENTS, id=plan_year, status=[status])["planYear"][
        "enrollments"
    ]
    assert not connection["pageInfo"]["hasNextPage"]
    return connection


def dollars(cents: int) -> str:
    return f"${cents / 100:,.2f}"


def legend_of(participation: dict[str, Any]) -> list[str]:
    labels = {"enrolled": "enrolled", "waived": "waived", "pending": "not answered", "lapsed": "lapsed"}
    return [f"{participation[name]} {label}" for name, label in labels.items() if participation[name]]


def texts_of(locator: Any) -> list[str]:
    return [" ".join(text.split()) for text in locator.all_inner_texts()]


def press(demo: DemoPage, *keys: str) -> None:
    for key in keys:
        demo.page.keyboard.press(key)


# ------------------------------------------------------------------------------------------------------ the numbers


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("device", WIDTHS)
def test_page_is_accessible_and_as_wide_as_the_screen(
    gateway: Gateway, browser: Any, tmp_path: Path, device: str, color_scheme: str
) -> None:
    with new_page(browser, gateway, viewport=WIDTHS[device], color_scheme=color_scheme) as demo:
        open_hr(demo)
        demo.page.get_by_role("table", name="Plans").wait_for()
        assert demo.serious_violations() == []
        assert demo.page.evaluate("document.documentElement.scrollWidth") == WIDTHS[device]["width"]
        demo.page.get_by_role("button", name="Close enrollment").click()
        assert demo.serious_violations() == []
        save_screenshot(demo, tmp_path, f"hr-{device}-{color_scheme}")


def test_list_shows_the_counts_of_every_plan_year(gateway: Gateway, demo: DemoPage) -> None:
    navigation = demo.page.get_by_role("navigation", name="Plan years")
    navigation.get_by_text("Past").click()
    shown = 0
    for status in ("OPEN_ENROLLMENT", "DRAFT", "ACTIVE", "EXPIRED"):
        for plan_year in plan_years_with(gateway, status):
            link = navigation.locator(f"a[href='#{plan_year['id']}']")
            assert link.get_by_text(plan_year["benefitProduct"]["name"]).is_visible()
            assert texts_of(link.locator(".legend > *")) == legend_of(plan_year["participation"])
            shown += 1
    assert shown == navigation.get_by_role("link").count() == 10


def test_figures_equal_a_count_of_the_enrollments(gateway: Gateway, demo: DemoPage) -> None:
    plan_year = plan_years_with(gateway, "OPEN_ENROLLMENT")[-1]
    enrolled = enrollments_with(gateway, plan_year["id"], "ENROLLED")
    waived = enrollments_with(gateway, plan_year["id"], "WAIVED")["totalCount"]
    pending = enrollments_with(gateway, plan_year["id"], "PENDING")["totalCount"]
    demo.page.get_by_role("navigation", name="Plan years").locator(f"a[href='#{plan_year['id']}']").click()
    article = demo.page.get_by_role("article", name=plan_year["benefitProduct"]["name"])
    article.wait_for()
    answered = enrolled["totalCount"] + waived
    share = round(100 * answered / (answered + pending))
    employer_pays = sum(node["employerContributionCents"] for node in enrolled["nodes"])
    figures = texts_of(article.locator(".figures dd"))
    assert figures[:2] == [f"{answered} of {answered + pending} ({share}%)", dollars(employer_pays)]
    assert demo.page.evaluate("document.activeElement.id") == "plan-year-heading"


def test_charts_show_tiers_and_plans_with_their_costs(gateway: Gateway, demo: DemoPage) -> None:
    participation = plan_years_with(gateway, "OPEN_ENROLLMENT")[0]["participation"]
    tiers = {"EE": "Employee", "ES": "With spouse", "EC": "With children", "EF": "Family"}
    expected_by_caption = {
        "Coverage tiers": [(tiers[group["coverageTier"]], group) for group in participation["byTier"]],
        "Plans": [(group["plan"]["name"], group) for group in participation["byPlan"]],
    }
    for caption, expected in expected_by_caption.items():
        rows = demo.page.get_by_role("table", name=caption).locator("tbody tr")
        rows.first.wait_for()
        assert texts_of(rows) == [
            f"{label} {group['enrolled']} {dollars(group['employerContributionCents'])}" for label, group in expected
        ]


def test_unanswered_list_grows_by_pages_until_it_is_complete(gateway: Gateway, demo: DemoPage) -> None:
    plan_year = plan_years_with(gateway, "OPEN_ENROLLMENT")[0]
    nodes = enrollments_with(gateway, plan_year["id"], "PENDING")["nodes"]
    names = [f"{node['employee']['firstName']} {node['employee']['lastName']}" for node in nodes]
    assert len(names) > 20
    section = demo.page.get_by_role("region", name="Not answered yet")
    people = section.locator("tbody th")
    people.nth(9).wait_for()
    assert people.all_inner_texts() == names[:10]
    more = section.get_by_role("button", name="Show more")
    more.focus()
    while people.count() < len(names):
        previous = people.count()
        press(demo, "Enter")  # by keyboard; the button keeps the focus
        people.nth(previous).wait_for()
    assert people.all_inner_texts() == names
    assert more.count() == 0
    assert section.get_by_role("status").inner_text() == f"{len(names)} of {len(names)}"


def test_address_selects_a_plan_year_and_back_returns(gateway: Gateway, demo: DemoPage) -> None:
    current, past = plan_years_with(gateway, "ACTIVE")[0], plan_years_with(gateway, "EXPIRED")[0]
    open_hr(demo, f"#{past['id']}")
    article = demo.page.get_by_role("article")
    assert "Past" in article.get_by_role("heading", level=2).inner_text()
    demo.page.locator(f"a[href='#{current['id']}']").click()
    article.get_by_text("Enrollment closed").wait_for()
    demo.page.get_by_role("link", name="life event").click()
    assert "Enrollment closed" in article.get_by_role("heading", level=2).inner_text()
    demo.page.go_back()
    demo.page.go_back()
    article.get_by_text("Past").wait_for()


# ------------------------------------------------------------------------------------------- opening and closing


def test_closing_within_the_window_is_refused_in_the_dialog_by_keyboard(gateway: Gateway, demo: DemoPage) -> None:
    plan_year = plan_years_with(gateway, "OPEN_ENROLLMENT")[0]
    button = demo.page.get_by_role("button", name="Close enrollment …")
    button.focus()
    press(demo, "Enter")
    dialog = demo.page.get_by_role("dialog", name="Close enrollment?")
    dialog.wait_for()
    assert f"{plan_year['participation']['pending']} employees have not answered." in dialog.inner_text()
    press(demo, "Tab", "Enter")  # from Cancel to Close
    refusal = dialog.locator("[data-code=WINDOW_STILL_OPEN]")
    refusal.wait_for()
    press(demo, "Enter")  # the focus stays on the button, which can be pressed again
    assert refusal.inner_text() == "Open enrollment runs through 2026-12-04; close it after that day."
    assert demo.serious_violations() == []
    press(demo, "Escape")
    dialog.wait_for(state="hidden")
    assert button.evaluate("button => button === document.activeElement")
    assert plan_years_with(gateway, "OPEN_ENROLLMENT")[0] == plan_year


def update_plan_year(gateway: Gateway, plan_year: dict[str, Any], **changes: str) -> None:
    change = fetch(gateway, "employer", UPDATE_PLAN_YEAR, input={"planYearId": plan_year["id"]} | changes)
    assert change["updatePlanYear"]["userErrors"] == []


def test_draft_is_opened_and_closed(gateway: Gateway, demo: DemoPage) -> None:
    (draft,) = plan_years_with(gateway, "DRAFT")
    article = demo.page.get_by_role("article", name=draft["benefitProduct"]["name"])
    link = demo.page.locator(f"a[href='#{draft['id']}']")
    # The window is over before enrollment opens, then extended through today, and over again before it closes.
    update_plan_year(gateway, draft, openEnrollmentStart="2026-11-01", openEnrollmentEnd="2026-11-19")
    open_hr(demo)
    link.click()
    article.get_by_role("button", name="Open enrollment").click()
    demo.page.get_by_role("dialog").get_by_role("button", name="Open enrollment").click()
    refusal = demo.page.get_by_role("dialog").locator("[data-code=WINDOW_NOT_OPEN]")
    refusal.wait_for()
    assert refusal.inner_text().startswith("Open enrollment ended on 2026-11-19; ")
    update_plan_year(gateway, draft, openEnrollmentEnd="2026-11-20")
    open_hr(demo)
    link.click()
    article.get_by_role("button", name="Open enrollment").click()
    demo.page.get_by_role("dialog").get_by_role("button", name="Open enrollment").click()
    article.get_by_text("Enrollment is open").wait_for()
    participation = plan_years_with(gateway, "OPEN_ENROLLMENT")[-1]["participation"]
    assert article.get_by_text(f"{participation['issued']} enrollments were issued.").is_visible()
    assert participation["pending"] == participation["issued"] > 0
    assert texts_of(link.locator(".legend > *")) == legend_of(participation)

    update_plan_year(gateway, draft, openEnrollmentEnd="2026-11-19")
    open_hr(demo)
    link.click()
    # Only new hires, who have a window of their own, can still answer.
    participation = plan_years_with(gateway, "OPEN_ENROLLMENT")[-1]["participation"]
    assert participation["lapsed"] > 0
    assert participation["lapsed"] + participation["pending"] == participation["issued"]
    article.get_by_role("button", name="Close enrollment").click()
    demo.page.get_by_role("dialog").get_by_role("button", name="Close enrollment").click()
    article.get_by_text(f"Enrollment is closed: {participation['lapsed']} enrollments lapsed.").wait_for()
    assert "Enrollment closed" in article.get_by_role("heading", level=2).inner_text()
    closed = next(node for node in plan_years_with(gateway, "ACTIVE") if node["id"] == draft["id"])
    assert closed["participation"] == participation
    assert article.get_by_role("button", name="Close enrollment").count() == 0


# ------------------------------------------------------------------------------------------------------ life events


def report_life_event(gateway: Gateway) -> str:
    """Report a life event as the demo's employee."""
    report = {
        "employeeId": gateway.demo_file["samples"]["employeeId"],
        "eventType": "OTHER",
        "eventDate": "2026-11-18",
    }
    payload = fetch(gateway, "employee", REPORT, input=report)["reportLifeEvent"]
    assert payload["userErrors"] == []
    return str(payload["qualifyingLifeEvent"]["id"])


def test_life_event_is_approved_with_a_note(gateway: Gateway, demo: DemoPage) -> None:
    (event,) = fetch(gateway, "employer", PENDING_EVENTS)["qualifyingLifeEvents"]["nodes"]
    name = f"{event['employee']['firstName']} {event['employee']['lastName']}"
    section = demo.page.get_by_role("region", name="Life events to review")
    form = section.get_by_role("form", name=f"Life event of {name}")
    note = form.get_by_label("Note")
    note.fill("x" * 5_001)
    form.get_by_role("button", name="Approve").click()
    refusal = form.locator("[data-code=INVALID_INPUT]")
    refusal.wait_for()
    assert note.get_attribute("aria-invalid") == "true"
    assert form.locator(".errors").evaluate("errors => errors === document.activeElement")
    assert refusal.inner_text() in demo.page.locator(f"[id='{note.get_attribute('aria-describedby')}']").inner_text()
    assert fetch(gateway, "employer", LIFE_EVENT, id=event["id"])["node"]["status"] == "PENDING"

    note.fill("Papers seen.")
    form.get_by_role("button", name="Approve").click()
    section.get_by_text(re.compile(f"{name}.s event was approved.")).wait_for()
    section.get_by_text("There is nothing to review.").wait_for()
    assert demo.page.evaluate("document.activeElement.id") == "life-events"
    assert demo.page.get_by_text("No life events to review.").is_visible()
    stored = fetch(gateway, "employer", LIFE_EVENT, id=event["id"])["node"]
    assert stored == {"status": "APPROVED", "reviewNotes": "Papers seen."}


def test_life_event_is_denied_by_keyboard_alone(gateway: Gateway, demo: DemoPage) -> None:
    event = report_life_event(gateway)
    open_hr(demo)
    demo.page.get_by_role("link", name="1 life event to review").focus()
    press(demo, "Enter", "Tab")
    demo.page.keyboard.type("Not a qualifying event.")
    press(demo, "Tab", "Enter")
    demo.page.get_by_text("event was denied.").wait_for()
    stored = fetch(gateway, "employer", LIFE_EVENT, id=event)["node"]
    assert stored == {"status": "DENIED", "reviewNotes": "Not a qualifying event."}


def test_review_of_an_event_that_was_reviewed_elsewhere_is_refused(gateway: Gateway, demo: DemoPage) -> None:
    event = report_life_event(gateway)
    open_hr(demo)
    form = demo.page.get_by_role("form", name="Life event of Maya Delacroix")
    form.wait_for()
    review = {"qualifyingLifeEventId": event, "decision": "DENIED"}
    assert fetch(gateway, "employer", REVIEW, input=review)["reviewLifeEvent"]["userErrors"] == []
    form.get_by_role("button", name="Approve").click()
    form.locator("[data-code=INVALID_STATUS_TRANSITION]").wait_for()
    assert fetch(gateway, "employer", LIFE_EVENT, id=event)["node"]["status"] == "DENIED"


def test_event_that_maya_reports_is_approved_and_lets_her_change_coverage(gateway: Gateway, browser: Any) -> None:
    medical = next(node for node in plan_years_with(gateway, "ACTIVE") if "Medical" in node["benefitProduct"]["name"])
    with new_page(browser, gateway) as maya, new_page(browser, gateway) as hr:
        events = maya.open("/demo").page.get_by_role("region", name="Life events")
        events.get_by_label("Event", exact=True).select_option(label="Marriage")
        events.get_by_label("Date", exact=True).fill("2026-11-15")
        events.get_by_label("Notes for HR").fill("Certificate attached.")
        events.get_by_role("button", name="Report").click()
        card = events.get_by_role("listitem").filter(has_text="Marriage")
        card.get_by_text("Pending: HR reviews it").wait_for()

        form = open_hr(hr).page.get_by_role("form", name="Life event of Maya Delacroix")
        for text in ("Marriage: Maya Delacroix", "Nov 15, 2026", "Certificate attached."):
            assert form.get_by_text(text).is_visible()
        form.get_by_role("button", name="Approve").click()
        hr.page.get_by_text("event was approved.").wait_for()

        card.get_by_text("Approved").wait_for()  # Maya's page polls
        card.get_by_role("button", name="Change medical").click()
        maya.page.get_by_text("Medical is open for a change.").wait_for()
        reissued = enrollments_with(gateway, medical["id"], "PENDING")["nodes"][-1]["employee"]
        assert reissued == {"firstName": "Maya", "lastName": "Delacroix"}

        # Her answer stays in force, so that the counts stay; she is among those who have not answered yet.
        open_hr(hr, f"#{medical['id']}")
        (after,) = [node for node in plan_years_with(gateway, "ACTIVE") if node["id"] == medical["id"]]
        assert after["participation"] == medical["participation"]
        section = hr.page.get_by_role("region", name="Not answered yet")
        row = section.get_by_role("row", name="Maya Delacroix")
        assert texts_of(row.get_by_role("cell")) == ["Life event", "Dec 15, 2026"]
        assert "an earlier answer stays in force until they answer again." in section.inner_text()
