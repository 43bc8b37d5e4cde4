"""The worklist: each kind of item at the edges of its days, its order and pages, its filters, and who sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from both_executors import ExecutorPair, make_executor_pair
from graphql_requests import fetch_error

from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.domain.billing import InvoiceStatus, derive_invoice_status
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType, change_window
from benegraph.domain.enrollments.status import CloseReason, ElectionDecision, WindowReason
from benegraph.domain.errors import BadInput
from benegraph.domain.values import Clock
from benegraph.domain.worklist import WorklistKind
from benegraph.graphql.engine.execute import GraphQLRequest
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
from factories.carrier_rows import make_invoice_row, make_payment_row, make_subscriber_row
from factories.catalog import make_product
from factories.employers import make_employer
from factories.enrollments import make_enrollment, make_life_event, make_override
from factories.people import make_dependent, make_employee
from factories.plan_years import make_plan, make_plan_year
from statement_log import record_round_trips

TODAY = date(2026, 11, 20)
CLOCK = Clock.at_noon(TODAY)
ITEMS = """kind dueOn subjectId employer { id } employee { id } enrollment { id } qualifyingLifeEvent { id }
  dependent { id } electionOverride { id } premiumInvoice { id status }"""
QUERY = f"""query ($kinds: [WorklistKind!], $dueBefore: Date, $employerId: ID, $first: Int = 100, $after: String,
    $last: Int, $before: String) {{
  worklist(kinds: $kinds, dueBefore: $dueBefore, employerId: $employerId, first: $first, after: $after, last: $last,
    before: $before) {{
    totalCount nodes {{ {ITEMS} }} edges {{ cursor }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
  }}
}}"""
OBJECTS = ("enrollment", "qualifyingLifeEvent", "dependent", "electionOverride", "premiumInvoice")


def days(number: int) -> date:
    """Return the day this many days from today."""
    return TODAY + timedelta(days=number)


@dataclass
class Company:
    """An employer with a plan year in open enrollment that offers one plan."""

    database: Database
    employer: str
    plan_year: str
    plan: str
    executors: ExecutorPair
    viewer: Viewer

    async def hire(self) -> str:
        return await make_employee(self.database, CLOCK, employer=self.employer)

    async def enroll(self, employee: str | None = None, **columns: Any) -> str:
        """Insert an enrollment, by default unanswered and of a new employee."""
        employee = employee or await self.hire()
        return await make_enrollment(
            self.database, CLOCK, employee=employee, **{"plan_year": self.plan_year, **columns}
        )

    async def fetch(self, viewer: Viewer | None = None, **variables: Any) -> Any:
        """Read a page of the worklist by both executors, which must agree."""
        request = GraphQLRequest(QUERY, variables)
        body = await self.executors.compare_query(self.database, viewer or self.viewer, CLOCK, request)
        assert "errors" not in body, body
        assert self.executors.fallbacks == {}
        return body["data"]["worklist"]

    async def list_items(self, viewer: Viewer | None = None, **variables: Any) -> list[tuple[str, str, str]]:
        """Return the kind, due date and subject of each item, and check the count."""
        page = await self.fetch(viewer, **variables)
        assert page["totalCount"] == len(page["nodes"])
        return [(node["kind"], node["dueOn"], node["subjectId"]) for node in page["nodes"]]


async def make_company(database: Database, executors: ExecutorPair, **columns: Any) -> Company:
    employer, product = await make_employer(database, CLOCK), await make_product(database, CLOCK)
    plan_year = await make_plan_year(database, CLOCK, employer=employer, product=product, **columns)
    plan = await make_plan(database, CLOCK, plan_year=plan_year)
    return Company(database, employer, plan_year, plan, executors, administrator())


@pytest.fixture
def executors() -> ExecutorPair:
    return make_executor_pair()


@pytest.fixture
async def company(database: Database, executors: ExecutorPair) -> Company:
    return await make_company(database, executors)


def item(kind: WorklistKind, due_on: date, subject: str) -> tuple[str, str, str]:
    return kind.value, due_on.isoformat(), subject


# ----------------------------------------------------------------------------------------------------- enrollments


async def test_unanswered_enrollment_is_listed_while_its_window_is_open_and_once(company: Company) -> None:
    hires = {
        closes: await company.enroll(reason=WindowReason.NEW_HIRE, window=(days(-30), days(closes)))
        for closes in (-1, 0, 7, 8, 30)
    }
    await company.enroll(reason=WindowReason.NEW_HIRE, window=(days(1), days(31)))
    opening = await company.enroll(reason=WindowReason.NEW_HIRE, window=(TODAY, days(31)))
    extended = await company.enroll(
        reason=WindowReason.NEW_HIRE, window=(days(-30), days(-1)), extended_through=days(7)
    )
    assert await company.list_items() == [
        item(WorklistKind.WINDOW_CLOSING, TODAY, hires[0]),
        item(WorklistKind.WINDOW_CLOSING, days(7), hires[7]),
        item(WorklistKind.WINDOW_CLOSING, days(7), extended),
        item(WorklistKind.NOT_ANSWERED, days(8), hires[8]),
        item(WorklistKind.NOT_ANSWERED, days(30), hires[30]),
        item(WorklistKind.NOT_ANSWERED, days(31), opening),
    ]


async def test_window_of_open_enrollment_is_that_of_the_plan_year(database: Database, executors: ExecutorPair) -> None:
    for closes, kind in ((0, "WINDOW_CLOSING"), (7, "WINDOW_CLOSING"), (8, "NOT_ANSWERED")):
        company = await make_company(database, executors, open_enrollment_ends_on=days(closes))
        enrollment = await company.enroll()
        assert await company.list_items(employerId=company.employer) == [(kind, str(days(closes)), enrollment)]


async def test_answered_or_closed_enrollment_is_not_listed(company: Company) -> None:
    await company.enroll(decision=ElectionDecision.WAIVED)
    await company.enroll(plan=company.plan)
    await company.enroll(closed_on=TODAY, close_reason=CloseReason.TERMINATED)
    closing = await company.enroll(closed_on=days(1), close_reason=CloseReason.TERMINATED)
    assert [subject for _, _, subject in await company.list_items()] == [closing]


async def test_enrollment_after_a_life_event_names_both(company: Company) -> None:
    employee = await company.hire()
    original = await company.enroll(employee, decision=ElectionDecision.WAIVED)
    life_event = await make_life_event(company.database, CLOCK, employee=employee, status=LifeEventStatus.APPROVED)
    reissued = await company.enroll(
        employee,
        reason=WindowReason.LIFE_EVENT,
        window=(days(-10), days(20)),
        replaces=original,
        life_event=life_event,
    )
    (node,) = (await company.fetch())["nodes"]
    assert node == {
        "kind": "NOT_ANSWERED",
        "dueOn": str(days(20)),
        "subjectId": reissued,
        "employer": {"id": company.employer},
        "employee": {"id": employee},
        "enrollment": {"id": reissued},
        "qualifyingLifeEvent": {"id": life_event},
        "dependent": None,
        "electionOverride": None,
        "premiumInvoice": None,
    }


# ------------------------------------------------------------------------------------- life events and overrides


async def test_pending_life_event_is_due_on_the_last_day_of_its_window(company: Company) -> None:
    employee, expected = await company.hire(), {}
    child = await make_dependent(company.database, CLOCK, employee=employee)
    for event_type in LifeEventType:
        for status in LifeEventStatus:
            event = await make_life_event(
                company.database, CLOCK, employee=employee, event_type=event_type, status=status, dependent=child
            )
            if status is LifeEventStatus.PENDING:
                expected[event] = change_window(event_type, date(2026, 11, 10), None).last
    # A window that is over changes nothing: somebody still has to review the event.
    late = await make_life_event(company.database, CLOCK, employee=employee, event_on=date(2026, 1, 2))
    expected[late] = date(2026, 2, 1)
    items = await company.list_items()
    assert {subject: due_on for _, due_on, subject in items} == {id: str(day) for id, day in expected.items()}
    assert {kind for kind, _, _ in items} == {"EVENT_UNREVIEWED"}
    nodes = (await company.fetch())["nodes"]
    assert nodes[0]["subjectId"] == late
    assert (nodes[0]["qualifyingLifeEvent"], nodes[0]["dependent"]) == ({"id": late}, None)
    assert {node["dependent"]["id"] for node in nodes[1:]} == {child}


async def test_unreviewed_override_is_due_on_the_day_of_the_employer_on_which_it_was_made(company: Company) -> None:
    employee = await company.hire()
    answer = await company.enroll(employee, decision=ElectionDecision.WAIVED)
    columns: dict[str, Any] = {"employee": employee, "enrollment": answer}
    in_new_york: dict[str, date] = {}
    for hour, day in ((4, TODAY - timedelta(days=1)), (5, TODAY)):  # New York is five hours behind
        clock = Clock(datetime(2026, 11, 20, hour, tzinfo=UTC))
        in_new_york[await make_override(company.database, clock, **columns)] = day
    await make_override(company.database, CLOCK, reviewed=True, **columns)
    expected = [item(WorklistKind.OVERRIDE_UNREVIEWED, day, id) for id, day in in_new_york.items()]
    assert await company.list_items() == expected
    (first, _) = (await company.fetch())["nodes"]
    assert (first["enrollment"], first["electionOverride"]) == ({"id": answer}, {"id": expected[0][2]})


# ------------------------------------------------------------------------------------------------------- age limit


async def make_child(company: Company, through: date | None, **columns: Any) -> str:
    """Insert a child covered by an election, with the last day that its age allows."""
    employee = await company.hire()
    child = await make_dependent(company.database, CLOCK, employee=employee)
    columns = {"plan": company.plan, "covers": {child: through}, "coverage": (days(-200), days(400)), **columns}
    await company.enroll(employee, **columns)
    return child


async def test_covered_child_is_listed_from_90_days_before_the_last_day_through_that_day(company: Company) -> None:
    children = {
        number: await make_child(company, None if number is None else days(number)) for number in (-1, 0, 90, 91, None)
    }
    assert await company.list_items() == [
        item(WorklistKind.AGE_OUT, TODAY, children[0]),
        item(WorklistKind.AGE_OUT, days(90), children[90]),
    ]


async def test_child_is_listed_only_while_an_election_covers_it_today_or_later(company: Company) -> None:
    through = days(40)
    await make_child(company, through, coverage=(days(-200), days(-1)))
    await make_child(company, through, coverage=(days(-200), None))
    await make_child(company, through, closed_on=TODAY, close_reason=CloseReason.TERMINATED)
    expected = [
        await make_child(company, through, coverage=(days(-200), TODAY)),
        await make_child(company, through, coverage=(days(42), days(400))),
        await make_child(company, through, closed_on=days(1), close_reason=CloseReason.TERMINATED),
    ]
    assert await company.list_items() == [item(WorklistKind.AGE_OUT, through, child) for child in expected]


async def test_child_covered_by_two_elections_is_one_item(database: Database, company: Company) -> None:
    child = await make_child(company, days(10))
    (node,) = (await company.fetch())["nodes"]
    product = await make_product(database, CLOCK)
    dental = await make_plan_year(database, CLOCK, employer=company.employer, product=product)
    plan = await make_plan(database, CLOCK, plan_year=dental)
    await company.enroll(node["employee"]["id"], plan_year=dental, plan=plan, covers={child: days(10)})
    assert await company.list_items() == [item(WorklistKind.AGE_OUT, days(10), child)]
    assert [node[name] for name in OBJECTS] == [None, None, {"id": child}, None, None]


# -------------------------------------------------------------------------------------------------------- invoices


async def test_invoice_is_listed_while_it_is_open(company: Company) -> None:
    database = company.database
    expected: list[tuple[str, str, str]] = []
    for amount_cents in (0, 10_000):
        for payments in ((), (9_999,), (9_999, 1), (10_000, 10_000)):
            for voided_at in (None, CLOCK.now):
                invoice = await make_invoice_row(
                    database,
                    CLOCK,
                    employer=company.employer,
                    due_date=days(len(expected)),
                    amount_cents=amount_cents,
                    voided_at=voided_at,
                )
                for cents in payments:
                    await make_payment_row(database, CLOCK, invoice, employer=company.employer, amount_cents=cents)
                await make_payment_row(
                    database, CLOCK, invoice, employer=company.employer, amount_cents=10_000, reversed_at=CLOCK.now
                )
                status = derive_invoice_status(amount_cents, sum(payments), void=voided_at is not None)
                if status is InvoiceStatus.OPEN:
                    expected.append(item(WorklistKind.PREMIUM_UNPAID, days(len(expected)), invoice))
    assert len(expected) == 2
    assert await company.list_items() == expected
    page = await company.fetch()
    assert {node["premiumInvoice"]["status"] for node in page["nodes"]} == {"OPEN"}


async def test_invoice_names_the_employee_of_the_billed_subscriber(company: Company) -> None:
    database, employee = company.database, await company.hire()
    await make_subscriber_row(database, CLOCK, "S1", employee=employee)
    await make_subscriber_row(database, CLOCK, "S2")
    invoices = {
        await make_invoice_row(database, CLOCK, employer=company.employer, number="S1"): {"id": employee},
        await make_invoice_row(database, CLOCK, employer=company.employer, number="S2"): None,
        await make_invoice_row(database, CLOCK, employer=company.employer): None,
        await make_invoice_row(database, CLOCK, group_id="NOBODYS"): None,
    }
    nodes = (await company.fetch())["nodes"]
    assert {node["subjectId"]: node["employee"] for node in nodes} == invoices
    assert [node["employer"] for node in nodes] == [{"id": company.employer}] * 3 + [None]


# ------------------------------------------------------------------------------------- order, pages and filters


async def make_one_of_each(company: Company) -> list[tuple[str, str, str]]:
    """Insert one row for each kind of item, and two with the same due date. Return the items in their order."""
    database, employee = company.database, await company.hire()
    answer = await company.enroll(employee, decision=ElectionDecision.WAIVED)
    invoices = [
        await make_invoice_row(database, CLOCK, employer=company.employer, due_date=days(-300)) for _ in range(2)
    ]
    override = await make_override(database, CLOCK, employee=employee, enrollment=answer)
    closing = await company.enroll(reason=WindowReason.NEW_HIRE, window=(days(-20), days(3)))
    unanswered = await company.enroll()
    life_event = await make_life_event(database, CLOCK, employee=employee)
    child = await make_child(company, days(60))
    return [
        item(WorklistKind.PREMIUM_UNPAID, days(-300), invoices[0]),
        item(WorklistKind.PREMIUM_UNPAID, days(-300), invoices[1]),
        item(WorklistKind.OVERRIDE_UNREVIEWED, TODAY, override),
        item(WorklistKind.WINDOW_CLOSING, days(3), closing),
        item(WorklistKind.NOT_ANSWERED, date(2026, 11, 30), unanswered),
        item(WorklistKind.EVENT_UNREVIEWED, date(2026, 12, 10), life_event),
        item(WorklistKind.AGE_OUT, days(60), child),
    ]


def subjects(page: Any) -> list[str]:
    return [node["subjectId"] for node in page["nodes"]]


async def test_pages_in_both_directions_hold_each_item_once(company: Company) -> None:
    expected = [subject for _, _, subject in await make_one_of_each(company)]
    for size, after in ((2, "after"), (3, "before")):
        name, cursor_name, flag = (
            ("first", "endCursor", "hasNextPage") if after == "after" else ("last", "startCursor", "hasPreviousPage")
        )
        read: list[str] = []
        variables: dict[str, Any] = {"first": None, name: size}
        while True:
            page = await company.fetch(**variables)
            assert page["totalCount"] == len(expected)
            read = read + subjects(page) if after == "after" else subjects(page) + read
            if not page["pageInfo"][flag]:
                break
            variables[after] = page["pageInfo"][cursor_name]
        assert read == expected


async def test_items_that_come_and_go_do_not_shift_the_next_page(company: Company) -> None:
    expected = [subject for _, _, subject in await make_one_of_each(company)]
    page = await company.fetch(first=2)
    assert subjects(page) == expected[:2]
    await make_payment_row(company.database, CLOCK, expected[1], employer=company.employer)  # the item disappears
    await make_invoice_row(company.database, CLOCK, employer=company.employer, due_date=days(-301))  # before the page
    rest = await company.fetch(after=page["pageInfo"]["endCursor"])
    assert subjects(rest) == expected[2:]


async def test_filters_select_by_kind_due_date_and_employer(database: Database, executors: ExecutorPair) -> None:
    company, other = [await make_company(database, executors) for _ in range(2)]
    items, others = [await make_one_of_each(each) for each in (company, other)]
    for kind in WorklistKind:
        expected = [each for each in items if each[0] == kind]
        assert await company.list_items(kinds=[kind], employerId=company.employer) == expected
    everything = sorted([*items, *others], key=lambda each: each[1:])
    cases: Sequence[tuple[dict[str, Any], list[tuple[str, str, str]]]] = (
        ({}, everything),
        ({"kinds": None, "dueBefore": None, "employerId": None}, everything),
        ({"kinds": []}, []),
        ({"kinds": list(WorklistKind)}, everything),
        ({"kinds": ["AGE_OUT", "PREMIUM_UNPAID", "AGE_OUT"], "employerId": other.employer}, [*others[:2], others[-1]]),
        ({"dueBefore": str(days(3)), "employerId": company.employer}, items[:3]),
        ({"dueBefore": str(days(4)), "employerId": company.employer}, items[:4]),
        ({"dueBefore": str(days(-300))}, []),
    )
    for variables, expected in cases:
        assert await company.list_items(**variables) == expected


async def test_malformed_employer_is_refused(company: Company) -> None:
    error = await fetch_error(company.database, CLOCK, company.viewer, QUERY, employerId=company.plan)
    assert isinstance(error, BadInput)
    assert str(error) == "Invalid ID: expected an ID of type Employer, such as empr_01…."


# ------------------------------------------------------------------------------------------ viewers and statements


async def test_worklist_is_that_of_the_viewers_employers_and_empty_for_employees(
    database: Database, executors: ExecutorPair
) -> None:
    company, other = [await make_company(database, executors) for _ in range(2)]
    items, others = [await make_one_of_each(each) for each in (company, other)]
    unassigned = await make_invoice_row(database, CLOCK, group_id="NOBODYS", due_date=days(500))
    no_employer = item(WorklistKind.PREMIUM_UNPAID, days(500), unassigned)
    everything = [*sorted([*items, *others], key=lambda each: each[1:]), no_employer]
    employee = (await company.fetch(kinds=["AGE_OUT"], employerId=company.employer))["nodes"][0]["employee"]["id"]
    cases: Sequence[tuple[Viewer, list[tuple[str, str, str]]]] = (
        (administrator(), everything),
        (service_viewer(), everything),
        (service_viewer(employer=company.employer), items),
        (employer_viewer(company.employer), items),
        (employer_viewer(other.employer), others),
        (employee_viewer(company.employer, employee), []),
        (administrator("globex"), []),
    )
    for viewer, expected in cases:
        assert await company.list_items(viewer) == expected
    assert await company.list_items(employer_viewer(other.employer), employerId=company.employer) == []


async def test_worklist_with_its_objects_takes_one_statement(database: Database, company: Company) -> None:
    await make_one_of_each(company)
    query = f"{{ worklist(first: 5) {{ totalCount nodes {{ {ITEMS} }} pageInfo {{ endCursor }} }} }}"
    async with record_round_trips(database) as sent:
        body = await company.executors.compare_query(database, company.viewer, CLOCK, GraphQLRequest(query))
    assert len(body["data"]["worklist"]["nodes"]) == 5
    # The breadth-first executor's statement builds the JSON of the whole list.
    assert sum("string_agg" in statement for statement in sent) == 1
