"""Lists of plan years, contracts, invoices and divisions, and the filters and orders by window, answer and change."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from graphql_requests import fetch_data, fetch_error

from benegraph.db.session import Database
from benegraph.domain.enrollments.status import CloseReason, ElectionDecision, WindowReason
from benegraph.domain.errors import BadInput
from benegraph.domain.values import Clock
from factories.access import administrator, employee_viewer, employer_viewer
from factories.carrier_rows import make_contract_row, make_invoice_row, make_payment_row
from factories.catalog import make_product
from factories.employers import make_division, make_employer
from factories.enrollments import make_enrollment
from factories.people import make_employee
from factories.plan_years import make_plan, make_plan_year

TODAY = date(2026, 11, 20)
CLOCK = Clock.at_noon(TODAY)
ADMINISTRATOR = administrator()
NOT_AN_EMPLOYER = "Invalid ID: expected an ID of type Employer, such as empr_01…."


def days(number: int) -> date:
    """Return the day this many days from today."""
    return TODAY + timedelta(days=number)


async def list_ids(database: Database, field: str, viewer: Any = ADMINISTRATOR, clock: Clock = CLOCK) -> list[str]:
    """Read a root list, given with its arguments, and return its IDs. The count must agree."""
    data = await fetch_data(database, clock, viewer, f"{{ list: {field} {{ totalCount nodes {{ id }} }} }}")
    ids = [node["id"] for node in data["list"]["nodes"]]
    assert data["list"]["totalCount"] == len(ids)
    return ids


# ------------------------------------------------------------------------------------------------------- enrollments


async def test_enrollments_are_filtered_by_product_employer_answer_and_window(database: Database) -> None:
    offers: list[tuple[str, str, str, str]] = []
    for _ in range(2):
        employer, product = await make_employer(database, CLOCK), await make_product(database, CLOCK)
        plan_year = await make_plan_year(database, CLOCK, employer=employer, product=product)
        offers.append((employer, product, plan_year, await make_plan(database, CLOCK, plan_year=plan_year)))
    (one, product, plan_year, plan), (other, _, other_year, _) = offers

    async def enroll(employer: str, year: str, **columns: Any) -> str:
        employee = await make_employee(database, CLOCK, employer=employer)
        return await make_enrollment(database, CLOCK, employee=employee, plan_year=year, **columns)

    window = {"reason": WindowReason.NEW_HIRE}
    early = await enroll(one, plan_year, window=(days(-9), days(1)), **window)
    extended = await enroll(one, plan_year, window=(days(-9), days(1)), extended_through=days(5), **window)
    late = await enroll(one, plan_year, window=(days(-9), days(3)), plan=plan, **window)
    waived = await enroll(other, other_year, decision=ElectionDecision.WAIVED)  # closes on 30 November
    everything = [early, extended, late, waived]
    for filter, expected in (
        (f'benefitProductId: "{product}"', everything[:3]),
        (f'employerId: "{other}"', [waived]),
        (f'employerId: "{other}", benefitProductId: "{product}"', []),
        ("decision: ENROLLED", [late]),
        ("decision: WAIVED", [waived]),
        ("decision: null, benefitProductId: null, employerId: null, windowClosesBefore: null", everything),
        (f'windowClosesBefore: "{days(1)}"', []),
        (f'windowClosesBefore: "{days(2)}"', [early]),
        (f'windowClosesAfter: "{days(4)}"', [extended, waived]),
        (f'windowClosesAfter: "{days(5)}"', [waived]),
        (f'windowClosesAfter: "{days(1)}", windowClosesBefore: "{days(5)}"', [late]),
    ):
        assert await list_ids(database, f"enrollments(filter: {{{filter}}})") == expected


async def test_enrollments_are_sorted_by_effective_date_and_by_last_change(database: Database) -> None:
    employer, product = await make_employer(database, CLOCK), await make_product(database, CLOCK)
    plan_year = await make_plan_year(database, CLOCK, employer=employer, product=product)
    ids = []
    for hour, effective_on in ((12, days(50)), (10, days(70)), (11, days(60)), (11, days(60))):
        clock = Clock(datetime(2026, 11, 20, hour, tzinfo=UTC))
        employee = await make_employee(database, clock, employer=employer)
        ids.append(
            await make_enrollment(database, clock, employee=employee, plan_year=plan_year, effective_on=effective_on)
        )
    by_date, by_change = [ids[0], ids[2], ids[3], ids[1]], [ids[1], ids[2], ids[3], ids[0]]
    by_change[1:3] = sorted(by_change[1:3])
    by_date[1:3] = sorted(by_date[1:3])
    for field, expected in (("CREATED_AT", sorted(ids)), ("EFFECTIVE_DATE", by_date), ("UPDATED_AT", by_change)):
        for parent in ("enrollments", "employers"):
            arguments = f"(orderBy: {{field: {field}}}, first: 2"
            pages, cursor = [], ""
            for _ in range(2):
                selection = f'enrollments{arguments}, after: "{cursor}") {{ nodes {{ id }} pageInfo {{ endCursor }} }}'
                query = selection if parent == "enrollments" else f"employers {{ nodes {{ {selection} }} }}"
                data = await fetch_data(database, CLOCK, ADMINISTRATOR, f"{{ {query} }}")
                page = data["enrollments"] if parent == "enrollments" else data["employers"]["nodes"][0]["enrollments"]
                pages += [node["id"] for node in page["nodes"]]
                cursor = page["pageInfo"]["endCursor"]
            assert pages == expected
        descending = f"enrollments(orderBy: {{field: {field}, direction: DESC}})"
        assert await list_ids(database, descending) == expected[::-1]


@pytest.mark.parametrize("name", ["enrollments", "employees"])
async def test_updated_since_includes_its_instant(database: Database, name: str) -> None:
    employer, product = await make_employer(database, CLOCK), await make_product(database, CLOCK)
    plan_year = await make_plan_year(database, CLOCK, employer=employer, product=product)
    ids = {}
    for second in (0, 1):
        clock = Clock(datetime(2026, 11, 20, 12, 0, second, 500_000, tzinfo=UTC))
        employee = await make_employee(database, clock, employer=employer)
        enrollment = await make_enrollment(database, clock, employee=employee, plan_year=plan_year)
        ids[second] = enrollment if name == "enrollments" else employee
    for instant, expected in (
        ("2026-11-20T12:00:00.5Z", [ids[0], ids[1]]),
        ("2026-11-20T13:00:00.500001+01:00", [ids[1]]),
        ("2026-11-20T12:00:01.5Z", [ids[1]]),
        ("2026-11-20T12:00:01.500001Z", []),
    ):
        arguments = f'(filter: {{updatedSince: "{instant}"}}, orderBy: {{field: UPDATED_AT}})'
        assert await list_ids(database, name + arguments) == expected


# ------------------------------------------------------------------------------------------------------- employees


async def test_employees_that_have_not_answered_have_an_open_pending_enrollment(database: Database) -> None:
    employer, product = await make_employer(database, CLOCK), await make_product(database, CLOCK)
    plan_year = await make_plan_year(database, CLOCK, employer=employer, product=product)
    cases: tuple[tuple[dict[str, Any], bool], ...] = (
        ({}, True),
        ({"decision": ElectionDecision.WAIVED}, False),
        ({"reason": WindowReason.NEW_HIRE, "window": (days(-9), days(-1))}, False),
        ({"reason": WindowReason.NEW_HIRE, "window": (days(-9), TODAY)}, True),
        ({"reason": WindowReason.NEW_HIRE, "window": (TODAY, days(9))}, True),
        ({"reason": WindowReason.NEW_HIRE, "window": (days(1), days(9))}, False),
        ({"closed_on": TODAY, "close_reason": CloseReason.TERMINATED}, False),
        ({"closed_on": days(1), "close_reason": CloseReason.TERMINATED}, True),
    )
    expected: dict[bool, list[str]] = {True: [], False: [await make_employee(database, CLOCK, employer=employer)]}
    for columns, is_pending in cases:
        employee = await make_employee(database, CLOCK, employer=employer)
        await make_enrollment(database, CLOCK, employee=employee, plan_year=plan_year, **columns)
        expected[is_pending].append(employee)
    for not_answered, ids in expected.items():
        filter = f"(filter: {{notAnswered: {str(not_answered).lower()}}})"
        assert await list_ids(database, f"employees{filter}") == sorted(ids)
        data = await fetch_data(
            database,
            CLOCK,
            employer_viewer(employer),
            f"{{ employers {{ nodes {{ employees{filter} {{ totalCount }} }} }} }}",
        )
        assert data["employers"]["nodes"][0]["employees"]["totalCount"] == len(ids)
    assert len(await list_ids(database, "employees(filter: {notAnswered: null})")) == len(cases) + 1


# ------------------------------------------------------------------------------- plan years, contracts and invoices


async def test_plan_years_and_divisions_are_lists_at_the_root(database: Database) -> None:
    employers = [await make_employer(database, CLOCK) for _ in range(2)]
    product = await make_product(database, CLOCK)
    years, divisions = {}, {}
    for employer in employers:
        open_year = await make_plan_year(database, CLOCK, employer=employer, product=product)
        other_product = await make_product(database, CLOCK)
        draft = await make_plan_year(database, CLOCK, employer=employer, product=other_product, opened_on=None)
        years[employer] = [open_year, draft]
        divisions[employer] = [
            await make_division(database, CLOCK, employer=employer, code=code, active=code == "A") for code in "AB"
        ]
    one, other = employers
    employee = await make_employee(database, CLOCK, employer=one)
    viewers = (ADMINISTRATOR, employer_viewer(one), employee_viewer(one, employee))
    for arguments, expected in (
        ("", ([*years[one], *years[other]], years[one], years[one][:1])),
        (f'(filter: {{employerId: "{other}"}})', (years[other], [], [])),
        ("(filter: {status: DRAFT})", ([years[one][1], years[other][1]], years[one][1:], [])),
        (f'(filter: {{status: OPEN_ENROLLMENT, employerId: "{one}"}})', (years[one][:1],) * 3),
    ):
        for viewer, ids in zip(viewers, expected, strict=True):
            assert await list_ids(database, f"planYears{arguments}", viewer) == ids
    for arguments, expected in (
        ("", ([*divisions[one], *divisions[other]], divisions[one], [])),
        (f'(filter: {{employerId: "{other}"}})', (divisions[other], [], [])),
        ("(filter: {active: false})", ([divisions[one][1], divisions[other][1]], divisions[one][1:], [])),
    ):
        for viewer, ids in zip(viewers, expected, strict=True):
            assert await list_ids(database, f"divisions{arguments}", viewer) == ids


async def test_contract_lists_the_invoices_of_its_period_with_their_balances(database: Database) -> None:
    employer = await make_employer(database, CLOCK)
    common: dict[str, Any] = {"employer": employer, "group_id": "G"}
    old = await make_contract_row(
        database, CLOCK, coverage_start=date(2025, 1, 1), coverage_end=date(2025, 12, 31), **common
    )
    new = await make_contract_row(database, CLOCK, coverage_start=date(2026, 1, 1), **common)
    await make_contract_row(database, CLOCK, coverage_start=date(2025, 1, 1), division_id="OTHER", **common)
    foreign = await make_contract_row(database, CLOCK, group_id="FOREIGN")
    invoices = {
        start: await make_invoice_row(database, CLOCK, billed=(start, start + timedelta(days=27)), **common)
        for start in (date(2026, 2, 1), date(2026, 1, 1), date(2025, 12, 31), date(2025, 1, 1), date(2024, 12, 31))
    }
    void = await make_invoice_row(
        database, CLOCK, billed=(date(2026, 3, 1), date(2026, 3, 31)), voided_at=CLOCK.now, **common
    )
    await make_payment_row(database, CLOCK, invoices[date(2026, 1, 1)], employer=employer, amount_cents=4_000)
    await make_payment_row(database, CLOCK, invoices[date(2026, 2, 1)], employer=employer, amount_cents=10_001)
    query = """{ groupContracts(filter: {groupId: "G"}) { totalCount nodes { id
      invoices { totalCount nodes { id balanceCents } } open: invoices(status: OPEN) { nodes { id } }
      page: invoices(last: 1) { nodes { id } pageInfo { hasPreviousPage } } } } }"""
    data = await fetch_data(database, CLOCK, employer_viewer(employer), query)
    contracts = {node["id"]: node for node in data["groupContracts"]["nodes"]}
    assert data["groupContracts"]["totalCount"] == 3
    assert contracts[old]["invoices"] == {
        "totalCount": 2,
        "nodes": [
            {"id": invoices[date(2025, 1, 1)], "balanceCents": 10_000},
            {"id": invoices[date(2025, 12, 31)], "balanceCents": 10_000},
        ],
    }
    assert contracts[new]["invoices"] == {
        "totalCount": 3,
        "nodes": [
            {"id": invoices[date(2026, 1, 1)], "balanceCents": 6_000},
            {"id": invoices[date(2026, 2, 1)], "balanceCents": -1},
            {"id": void, "balanceCents": 0},
        ],
    }
    assert contracts[new]["open"]["nodes"] == [{"id": invoices[date(2026, 1, 1)]}]
    assert contracts[new]["page"] == {"nodes": [{"id": void}], "pageInfo": {"hasPreviousPage": True}}
    # The contract of the group that belongs to no employer is visible to administrators alone.
    assert foreign in await list_ids(database, "groupContracts")
    for viewer in (employer_viewer(employer), ADMINISTRATOR):
        ids = await list_ids(database, f'groupContracts(filter: {{employerId: "{employer}"}})', viewer)
        assert len(ids) == 3
        data = await fetch_data(
            database, CLOCK, viewer, "{ employers { nodes { groupContracts { nodes { id } totalCount } } } }"
        )
        assert data["employers"]["nodes"][0]["groupContracts"]["totalCount"] == 3
        assert [node["id"] for node in data["employers"]["nodes"][0]["groupContracts"]["nodes"]] == ids


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ('planYears(filter: {employerId: "x"})', NOT_AN_EMPLOYER),
        ('divisions(filter: {employerId: "x"})', NOT_AN_EMPLOYER),
        ('groupContracts(filter: {employerId: "x"})', NOT_AN_EMPLOYER),
        ('enrollments(filter: {employerId: "x"})', NOT_AN_EMPLOYER),
        (
            'enrollments(filter: {benefitProductId: "x"})',
            "Invalid ID: expected an ID of type BenefitProduct, such as bprd_01….",
        ),
        ('groupContracts(filter: {groupId: "\\u0000"})', "A filter can't contain the character U+0000."),
    ],
)
async def test_invalid_filter_is_refused(database: Database, field: str, message: str) -> None:
    error = await fetch_error(database, CLOCK, ADMINISTRATOR, f"{{ {field} {{ totalCount }} }}")
    assert isinstance(error, BadInput)
    assert str(error) == message
