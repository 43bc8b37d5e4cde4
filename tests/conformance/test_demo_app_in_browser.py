"""Maya's election in a real browser, by mouse and by keyboard; the API confirms that what the page says is stored."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from demo_browser import MARKS, WIDTHS, DemoPage, fetch, launch_browser, new_page, run_demo, save_screenshot

from gateways import Gateway

pytestmark = MARKS

OFFERS = """{ viewer { employee { id enrollments(filter: { status: [PENDING, ENROLLED, WAIVED] }, first: 50) { nodes {
  id version status decision coverageTier coverageStatus coverageStartDate coverageEndDate effectiveDate
  employeeContributionCents employerContributionCents electionWindow { isOpen closesOn }
  benefitProduct { category } selectedPlan { name } enrolledDependents { id firstName } replaces { id }
  eligiblePlans { plan { id name } costs { coverageTier employeeContributionCents employerContributionCents } }
} } } } }"""
REOPEN = "mutation ($input: ReopenElectionInput!) { reopenElection(input: $input) { userErrors { code } } }"
ELECT = "mutation ($input: ElectInput!) { elect(input: $input) { enrollments { id } userErrors { code } } }"
REVIEW = "mutation ($input: ReviewLifeEventInput!) { reviewLifeEvent(input: $input) { userErrors { code } } }"
EVENTS = "{ viewer { employee { qualifyingLifeEvents { id eventType eventDate status notes } } } }"

BENEFITS = ("Medical", "Dental", "Vision")
NEXT_YEAR = "Jan 1, 2027"


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with run_demo() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launch_browser() as browser:
        yield browser


@pytest.fixture(autouse=True)
def unanswered(gateway: Gateway) -> None:
    """Withdraw the answers of earlier tests."""
    for enrollment in enrollments_of(gateway):
        if enrollment["electionWindow"]["isOpen"] and enrollment["status"] != "PENDING":
            payload = fetch(gateway, "employee", REOPEN, input={"enrollmentId": enrollment["id"]})
            assert payload["reopenElection"]["userErrors"] == []


def enrollments_of(gateway: Gateway) -> list[dict[str, Any]]:
    """Return Maya's enrollments as the API returns them, without the page."""
    nodes: list[dict[str, Any]] = fetch(gateway, "employee", OFFERS)["viewer"]["employee"]["enrollments"]["nodes"]
    return nodes


def of_next_year(gateway: Gateway, benefit: str) -> dict[str, Any]:
    (enrollment,) = [
        enrollment
        for enrollment in enrollments_of(gateway)
        if enrollment["effectiveDate"] == "2027-01-01" and enrollment["benefitProduct"]["category"] == benefit.upper()
    ]
    return enrollment


def cost_of(enrollment: dict[str, Any], plan: str, tier: str) -> dict[str, Any]:
    (offer,) = [offer for offer in enrollment["eligiblePlans"] if offer["plan"]["name"] == plan]
    (cost,) = [cost for cost in offer["costs"] if cost["coverageTier"] == tier]
    return dict(cost)


def dollars(cents: int) -> str:
    return f"${cents / 100:,.2f}"


def choice(demo: DemoPage, benefit: str, effective_on: str = NEXT_YEAR) -> Any:
    """Locate the part of the page in which an enrollment is answered."""
    return demo.page.get_by_role("region", name=f"{benefit} from {effective_on}")


def answer(demo: DemoPage, benefit: str, effective_on: str = NEXT_YEAR) -> Any:
    """Locate an answer that can still be changed."""
    heading = demo.page.get_by_role("heading", name=f"{benefit} from {effective_on}")
    return demo.page.get_by_role("region", name="Your answers").get_by_role("listitem").filter(has=heading)


def notice(demo: DemoPage, text: str) -> None:
    demo.page.get_by_role("status").get_by_text(text).wait_for()


def preview(demo: DemoPage) -> Any:
    """Press the button for the preview, and return it."""
    demo.page.get_by_role("button", name="Preview").click()
    demo.page.get_by_role("heading", name="Preview").wait_for()
    return demo.page.get_by_role("complementary", name="Your election")


def confirm(demo: DemoPage) -> None:
    demo.page.get_by_role("button", name="Confirm election").click()
    notice(demo, "Your election is stored.")


def is_focused(locator: Any) -> bool:
    return bool(locator.evaluate("element => element === document.activeElement"))


def tab_to(demo: DemoPage, locator: Any, presses: int = 150) -> None:
    """Press the Tab key until the focus is on an element, and check that the focus is visible there."""
    for _ in range(presses):
        demo.page.keyboard.press("Tab")
        if is_focused(locator):
            card = "element.closest('.plan') ?? element"  # a card shows the focus of its radio button
            assert locator.evaluate(f"element => getComputedStyle({card}).outlineStyle") == "solid"
            return
    pytest.fail(f"The Tab key never reached {locator}.")


# ------------------------------------------------------------------------------------------------- both pages


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("device", WIDTHS)
def test_both_pages_open_and_lead_to_each_other(gateway: Gateway, browser: Any, device: str, color_scheme: str) -> None:
    with new_page(browser, gateway, viewport=WIDTHS[device], color_scheme=color_scheme) as demo:
        demo.open("/demo")
        assert demo.page.get_by_role("heading", level=1).inner_text() == "Maya Delacroix"
        assert demo.page.get_by_role("link", name="election").get_attribute("aria-current") == "page"
        demo.page.get_by_role("link", name="open enrollment").click()
        demo.page.wait_for_url("**/demo/hr")
        demo.page.get_by_role("heading", level=1).wait_for()
        assert demo.page.get_by_role("link", name="open enrollment").get_attribute("aria-current") == "page"


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("device", WIDTHS)
def test_page_is_accessible_in_every_state(
    gateway: Gateway, browser: Any, tmp_path: Path, device: str, color_scheme: str
) -> None:
    with new_page(browser, gateway, viewport=WIDTHS[device], color_scheme=color_scheme) as demo:

        def check(state: str) -> None:
            save_screenshot(demo, tmp_path, f"{state}-{device}-{color_scheme}")
            assert demo.serious_violations() == [], state
            assert demo.page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[device]["width"], state

        demo.open("/demo")
        check("opened")
        choice(demo, "Dental").get_by_role("checkbox", name="Jonas").click()
        demo.page.get_by_role("button", name="Preview").click()
        choice(demo, "Dental").get_by_role("alert").wait_for()
        check("refused")
        choice(demo, "Dental").get_by_role("radio", name="Horizon Dental Plus").click()
        choice(demo, "Vision").get_by_role("radio", name="Waive vision").click()
        preview(demo)
        check("preview")
        confirm(demo)
        demo.page.get_by_text("Past enrollments").click()
        demo.page.get_by_text("2 of 3").wait_for()
        check("stored")


def test_long_names_stay_within_the_page(gateway: Gateway, browser: Any, tmp_path: Path) -> None:
    def lengthen(route: Any) -> None:
        response = route.fetch()
        text = response.text().replace("Delacroix", "Wolfeschlegelsteinhausenbergerdorff" * 2)
        text = text.replace("Trailhead Gold 1500", "Trailhead" * 8)
        route.fulfill(response=response, body=text)

    for device, viewport in WIDTHS.items():
        with new_page(browser, gateway, viewport=viewport) as demo:
            demo.page.route("**/graphql", lengthen)
            demo.open("/demo")
            save_screenshot(demo, tmp_path, f"long-{device}")
            assert demo.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


# ------------------------------------------------------------------------------------------------- the election


def test_prices_follow_the_covered_dependents(gateway: Gateway, browser: Any) -> None:
    medical = of_next_year(gateway, "Medical")
    with new_page(browser, gateway) as demo:
        section = choice(demo.open("/demo"), "Medical")
        requests = len(demo.operations)
        for tier, names in {"EF": ["Jonas", "Willa"], "ES": ["Jonas"], "EE": [], "EC": ["Theo"]}.items():
            for name in ("Jonas", "Willa", "Theo"):
                section.get_by_role("checkbox", name=name).set_checked(name in names)
            for plan in ("Trailhead Bronze 6500", "Trailhead Platinum 250"):
                price = dollars(cost_of(medical, plan, tier)["employeeContributionCents"])
                card = section.locator(".plan").filter(has_text=plan)
                assert card.locator(".price").inner_text() == price
                assert card.locator("tr[aria-current] td").inner_text() == price
        assert len(demo.operations) == requests


def test_election_by_mouse_is_previewed_stored_and_reopened(gateway: Gateway, browser: Any) -> None:
    before = enrollments_of(gateway)
    gold = cost_of(of_next_year(gateway, "Medical"), "Trailhead Gold 1500", "EF")
    basic = cost_of(of_next_year(gateway, "Dental"), "Horizon Dental Basic", "EC")
    total = dollars(gold["employeeContributionCents"] + basic["employeeContributionCents"])
    with new_page(browser, gateway) as demo:
        demo.open("/demo")
        assert "14 days left, until Dec 4, 2026" in choice(demo, "Medical").inner_text()
        choice(demo, "Medical").get_by_role("checkbox", name="Theo").click()
        choice(demo, "Medical").locator(".plan").filter(has_text="Trailhead Gold 1500").click()
        choice(demo, "Dental").get_by_role("checkbox", name="Jonas").click()
        choice(demo, "Dental").locator(".plan").filter(has_text="Horizon Dental Basic").click()
        choice(demo, "Vision").get_by_text("Waive vision").click()
        text = preview(demo).inner_text()
        assert is_focused(demo.page.get_by_role("heading", name="Preview"))
        for expected in (
            "Trailhead Gold 1500",
            NEXT_YEAR,
            "Family",
            "Jonas, Willa, and Theo",
            dollars(gold["employeeContributionCents"]),
            dollars(gold["employerContributionCents"]),
            "Horizon Dental Basic",
            "You + children",
            "Waived: no coverage.",
            total,
        ):
            assert expected in text
        assert enrollments_of(gateway) == before  # a dry run changes nothing

        demo.operations.clear()
        confirm(demo)
        assert is_focused(demo.page.get_by_role("status"))
        assert "Trailhead Gold 1500" in answer(demo, "Medical").inner_text()
        assert "Waived" in answer(demo, "Vision").inner_text()
        assert f"you pay {total} per month" in demo.page.get_by_role("region", name="Your answers").inner_text()
        assert [operation["operationName"] for operation in demo.operations] == ["Elect"]  # the payload is enough
        stored = of_next_year(gateway, "Medical")
        assert (stored["status"], stored["coverageTier"], stored["coverageStartDate"]) == (
            "ENROLLED",
            "EF",
            "2027-01-01",
        )
        assert stored["selectedPlan"] == {"name": "Trailhead Gold 1500"}
        assert stored["employeeContributionCents"] == gold["employeeContributionCents"]
        assert {dependent["firstName"] for dependent in stored["enrolledDependents"]} == {"Jonas", "Willa", "Theo"}
        assert of_next_year(gateway, "Dental")["coverageTier"] == "EC"
        assert of_next_year(gateway, "Vision")["decision"] == "WAIVED"

        for benefit in BENEFITS:
            answer(demo, benefit).get_by_role("button", name="Reopen").click()
            notice(demo, f"{benefit} is open again.")
            assert of_next_year(gateway, benefit)["status"] == "PENDING"
            assert choice(demo, benefit).is_visible()
        assert demo.page.get_by_role("region", name="Your answers").count() == 0


@pytest.mark.parametrize("device", WIDTHS)
def test_election_by_keyboard_alone(gateway: Gateway, browser: Any, device: str) -> None:
    with new_page(browser, gateway, viewport=WIDTHS[device]) as demo:
        keyboard = demo.open("/demo").page.keyboard
        tab_to(demo, choice(demo, "Medical").get_by_role("checkbox", name="Theo"))
        keyboard.press("Space")
        tab_to(demo, choice(demo, "Medical").get_by_role("radio", name="Trailhead Bronze 6500"))
        keyboard.press("ArrowDown")
        keyboard.press("ArrowDown")
        assert choice(demo, "Medical").get_by_role("radio", name="Trailhead Gold 1500").is_checked()
        tab_to(demo, choice(demo, "Vision").get_by_role("checkbox", name="Jonas"))
        keyboard.press("Space")
        tab_to(demo, demo.page.get_by_role("button", name="Preview"))
        keyboard.press("Enter")
        error = choice(demo, "Vision").get_by_text("Select a plan to enroll in.")
        error.wait_for()
        assert is_focused(choice(demo, "Vision").get_by_role("alert"))
        keyboard.press("Shift+Tab")  # back from the error to the plans
        keyboard.press("Space")
        tab_to(demo, demo.page.get_by_role("button", name="Preview"))
        keyboard.press("Enter")
        demo.page.get_by_role("heading", name="Preview").wait_for()
        tab_to(demo, demo.page.get_by_role("button", name="Confirm election"), presses=1)
        keyboard.press("Enter")
        notice(demo, "Your election is stored.")
        assert of_next_year(gateway, "Medical")["selectedPlan"] == {"name": "Trailhead Gold 1500"}
        assert of_next_year(gateway, "Medical")["coverageTier"] == "EF"
        assert of_next_year(gateway, "Vision")["coverageTier"] == "EC"
        assert of_next_year(gateway, "Dental")["status"] == "PENDING"
        tab_to(demo, answer(demo, "Medical").get_by_role("button", name="Reopen"))
        keyboard.press("Space")
        notice(demo, "Medical is open again.")
        assert of_next_year(gateway, "Medical")["status"] == "PENDING"


# ------------------------------------------------------------------------------------------------- refusals


def test_refused_election_shows_each_rule_at_its_field_and_changes_nothing(gateway: Gateway, browser: Any) -> None:
    before = enrollments_of(gateway)
    with new_page(browser, gateway) as demo:
        demo.open("/demo")
        demo.page.get_by_role("button", name="Preview").click()
        summary = demo.page.get_by_role("complementary", name="Your election")
        summary.get_by_text("At least one election is required.").wait_for()
        choice(demo, "Vision").get_by_role("radio", name="Waive vision").click()
        for benefit in ("Dental", "Medical"):
            choice(demo, benefit).get_by_role("checkbox", name="Theo").click()
        demo.page.get_by_role("button", name="Preview").click()
        for benefit in ("Dental", "Medical"):
            group = choice(demo, benefit).get_by_role("group", name="Plan")
            assert group.get_by_role("alert").inner_text() == "Select a plan to enroll in."
            described = group.get_attribute("aria-describedby")
            assert group.get_by_role("alert").get_attribute("id") == described
        assert choice(demo, "Vision").get_by_role("alert").count() == 0
        assert is_focused(choice(demo, "Medical").get_by_role("alert"))  # the first one on the page
        # A change to a choice removes its error only.
        choice(demo, "Medical").get_by_role("radio", name="Trailhead Silver 4000").click()
        assert choice(demo, "Medical").get_by_role("alert").count() == 0
        assert choice(demo, "Dental").get_by_role("alert").count() == 1
        choice(demo, "Dental").get_by_role("button", name="Decide later").click()
        assert summary.get_by_text("No plan yet").count() == 0
        preview(demo)
        assert enrollments_of(gateway) == before


def test_dependent_who_cannot_be_covered_is_marked(gateway: Gateway, browser: Any) -> None:
    """HR deactivates a dependent after the page was opened: the error's path leads to the check box."""
    update = "mutation ($input: UpdateDependentInput!) { updateDependent(input: $input) { userErrors { code } } }"
    family = fetch(gateway, "employee", "{ viewer { employee { dependents { id firstName } } } }")["viewer"]["employee"]
    (theo,) = [dependent["id"] for dependent in family["dependents"] if dependent["firstName"] == "Theo"]
    with new_page(browser, gateway) as demo:
        section = choice(demo.open("/demo"), "Medical")
        fetch(gateway, "employer", update, input={"dependentId": theo, "active": False})
        try:
            section.get_by_role("checkbox", name="Theo").click()
            section.get_by_role("radio", name="Trailhead Gold 1500").click()
            demo.page.get_by_role("button", name="Preview").click()
            section.get_by_text("The dependent is inactive.").wait_for()
            box = section.get_by_role("checkbox", name="Theo")
            assert box.get_attribute("aria-invalid") == "true"
            assert section.get_by_role("alert").get_attribute("id") == box.get_attribute("aria-describedby")
            assert section.get_by_role("checkbox", name="Willa").get_attribute("aria-invalid") == "false"
            assert of_next_year(gateway, "Medical")["status"] == "PENDING"
        finally:
            fetch(gateway, "employer", update, input={"dependentId": theo, "active": True})


def test_answer_given_elsewhere_is_refused_and_can_be_loaded(gateway: Gateway, browser: Any) -> None:
    medical = of_next_year(gateway, "Medical")
    with new_page(browser, gateway) as demo:
        section = choice(demo.open("/demo"), "Medical")
        section.get_by_role("radio", name="Trailhead Gold 1500").click()
        preview(demo)
        employee_id = fetch(gateway, "employee", OFFERS)["viewer"]["employee"]["id"]
        waiver = {"enrollmentId": medical["id"], "decision": "WAIVED"}
        fetch(gateway, "employee", ELECT, input={"employeeId": employee_id, "elections": [waiver]})
        demo.page.get_by_role("button", name="Confirm election").click()
        section.get_by_text("The enrollment is already answered: WAIVED.").wait_for()
        assert f"Expected version {medical['version']}" in section.get_by_role("alert").inner_text()
        assert of_next_year(gateway, "Medical")["decision"] == "WAIVED"
        section.get_by_role("button", name="Load the current state").click()
        answer(demo, "Medical").wait_for()
        assert "Waived" in answer(demo, "Medical").inner_text()
        assert not section.is_visible()


# ------------------------------------------------------------------------------------------------- failures


def test_retry_after_a_lost_response_stores_the_election_once(gateway: Gateway, browser: Any) -> None:
    with new_page(browser, gateway) as demo:
        demo.open("/demo")
        choice(demo, "Vision").get_by_role("radio", name="Summit Vision Plus").click()
        preview(demo)
        demo.operations.clear()

        def lose_response(route: Any) -> None:
            route.fetch()  # the gateway stores the election
            route.abort()

        demo.page.route("**/graphql", lose_response, times=1)
        demo.page.get_by_role("button", name="Confirm election").click()
        demo.page.get_by_text("The gateway did not respond.").wait_for()
        stored = of_next_year(gateway, "Vision")
        assert stored["status"] == "ENROLLED"
        demo.page.get_by_role("button", name="Try again").click()
        notice(demo, "Your election is stored.")
        answer(demo, "Vision").wait_for()
        first, second = (operation["variables"]["input"] for operation in demo.operations)
        assert first == second
        assert re.fullmatch(r"[0-9a-f-]{36}", first["idempotencyKey"])
        assert of_next_year(gateway, "Vision") == stored
        demo.errors.remove("console: Failed to load resource: net::ERR_FAILED")


def test_page_that_fails_to_load_can_be_tried_again(gateway: Gateway, browser: Any) -> None:
    with new_page(browser, gateway) as demo:
        error = {"message": "The database is unavailable.", "extensions": {"code": "UNAVAILABLE"}}
        response = {"status": 503, "body": json.dumps({"errors": [error]})}
        media_type = "application/graphql-response+json"
        demo.page.route("**/graphql", lambda route: route.fulfill(**response, content_type=media_type), times=1)
        demo.page.goto(f"{demo.origin}/demo")
        assert "The database is unavailable." in demo.page.get_by_role("alert").inner_text()
        assert demo.serious_violations() == []
        demo.page.get_by_role("button", name="Try again").click()
        demo.page.get_by_role("heading", name="Maya Delacroix").wait_for()
        assert demo.page.get_by_role("alert").count() == 0
        (failure,) = demo.errors
        assert "503" in failure
        demo.errors.clear()


def test_past_enrollments_are_read_page_by_page(gateway: Gateway, browser: Any) -> None:
    with new_page(browser, gateway) as demo:
        demo.open("/demo")
        demo.operations.clear()
        demo.page.get_by_text("Past enrollments").click()
        demo.page.get_by_text("2 of 3").wait_for()
        demo.page.get_by_role("button", name="Show more").click()
        demo.page.get_by_text("3 of 3").wait_for()
        assert demo.page.locator(".past li").count() == 3
        assert demo.page.get_by_role("button", name="Show more").count() == 0
        assert [operation["operationName"] for operation in demo.operations] == ["PastEnrollments"] * 2


# ------------------------------------------------------------------------------------------------- life events


@pytest.fixture
def life_gateway() -> Iterator[Gateway]:
    """Run a gateway for one test: a life event is never withdrawn."""
    with run_demo() as gateway:
        yield gateway


def test_life_event_is_refused_then_reported_and_approved_by_hr(life_gateway: Gateway, browser: Any) -> None:
    gateway = life_gateway
    with new_page(browser, gateway) as demo:
        events = demo.open("/demo").page.get_by_role("region", name="Life events")
        before = fetch(gateway, "employee", EVENTS)
        events.get_by_label("Event", exact=True).select_option(label="Marriage")
        events.get_by_label("Date", exact=True).fill("2026-09-01")
        events.get_by_role("button", name="Report").click()
        events.get_by_text("The period for reporting this event, 30 days from its date, is over.").wait_for()
        date_field = events.get_by_label("Date", exact=True)
        assert date_field.get_attribute("aria-invalid") == "true"
        assert events.get_by_role("alert").get_attribute("id") == date_field.get_attribute("aria-describedby")
        assert is_focused(events.get_by_role("alert"))
        assert fetch(gateway, "employee", EVENTS) == before

        # By keyboard: a date within the period. The event is pending until HR approves it.
        date_field.focus()
        demo.page.keyboard.type("11152026")
        tab_to(demo, events.get_by_label("Notes for HR (optional)"))
        demo.page.keyboard.type("Certificate attached.")
        tab_to(demo, events.get_by_role("button", name="Report"))
        demo.page.keyboard.press("Enter")
        notice(demo, "Your life event is reported.")
        card = events.get_by_role("listitem").filter(has_text="Marriage")
        assert "Nov 15, 2026 · Pending: HR reviews it" in card.inner_text()
        assert card.get_by_role("button").count() == 0
        reported = fetch(gateway, "employee", EVENTS)["viewer"]["employee"]["qualifyingLifeEvents"][-1]
        assert (reported["eventType"], reported["eventDate"]) == ("MARRIAGE", "2026-11-15")
        assert (reported["status"], reported["notes"]) == ("PENDING", "Certificate attached.")
        fetch(gateway, "employer", REVIEW, input={"qualifyingLifeEventId": reported["id"], "decision": "APPROVED"})
        card.get_by_text("Approved").wait_for()  # the page polls
        assert card.get_by_role("button").all_inner_texts() == [f"Change {each.lower()}" for each in BENEFITS]


def test_approved_life_event_changes_the_coverage_in_force(life_gateway: Gateway, browser: Any, tmp_path: Path) -> None:
    gateway = life_gateway
    with new_page(browser, gateway) as demo:
        events = demo.open("/demo").page.get_by_role("region", name="Life events")
        # The birth of Theo is approved: reissue this year's medical enrollment.
        birth = events.get_by_role("listitem").filter(has_text="Birth")
        birth.get_by_role("button", name="Change medical").click()
        notice(demo, "Medical is open for a change.")
        section = choice(demo, "Medical", "Nov 8, 2026")
        assert "18 days left, until Dec 8, 2026" in section.inner_text()
        assert events.get_by_role("button", name="Change medical").count() == 0
        (reissued,) = [enrollment for enrollment in enrollments_of(gateway) if enrollment["replaces"]]
        assert (reissued["status"], reissued["effectiveDate"]) == ("PENDING", "2026-11-08")

        # A birth allows neither a waiver nor the removal of a dependent.
        section.get_by_role("radio", name="Waive medical").click()
        demo.page.get_by_role("button", name="Preview").click()
        section.get_by_text("does not allow waiving coverage").wait_for()
        assert section.get_by_role("radio", name="Waive medical").get_attribute("aria-invalid") == "true"
        section.get_by_role("radio", name="Trailhead Platinum 250").click()
        section.get_by_role("checkbox", name="Jonas").click()
        demo.page.get_by_role("button", name="Preview").click()
        section.get_by_role("group", name="Cover with you").get_by_text("does not allow dropping a spouse").wait_for()
        assert [each["status"] for each in enrollments_of(gateway) if each["replaces"]] == ["PENDING"]

        section.get_by_role("checkbox", name="Jonas").click()
        section.get_by_role("checkbox", name="Theo").click()
        assert "Nov 8, 2026" in preview(demo).inner_text()
        confirm(demo)
        coverage = demo.page.get_by_role("region", name="Your coverage today")
        medical = coverage.get_by_role("row").filter(has_text="Medical")
        assert medical.count() == 1
        assert "Trailhead Platinum 250" in medical.inner_text()
        assert "Theo" in medical.inner_text()
        buttons = birth.get_by_role("button").all_inner_texts()
        assert buttons == ["Change dental", "Change vision"]  # the answer can be reopened instead
        assert answer(demo, "Medical", "Nov 8, 2026").get_by_role("button", name="Reopen").is_visible()
        (reissued,) = [enrollment for enrollment in enrollments_of(gateway) if enrollment["replaces"]]
        assert (reissued["status"], reissued["coverageStatus"]) == ("ENROLLED", "EFFECTIVE")
        assert dollars(reissued["employeeContributionCents"]) in medical.inner_text()
        in_force = [each for each in enrollments_of(gateway) if each["coverageStatus"] == "EFFECTIVE"]
        total = sum(each["employeeContributionCents"] for each in in_force)
        assert dollars(total) in coverage.get_by_role("row").filter(has_text="Total").inner_text()
        save_screenshot(demo, tmp_path, "changed")
        assert demo.serious_violations() == []
