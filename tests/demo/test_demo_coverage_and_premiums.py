"""The demo's coverage of record agrees with the elections day by day, and paid-through dates with the payments."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from benegraph.db import store
from benegraph.db.session import Database, ReadSession, Transaction
from benegraph.db.store.row_queries import PageWindow
from benegraph.demo import TENANTS, DemoIds, fill_demo_tenants, seed_tenant
from benegraph.demo.employers import EmployerProfile, generate_employer
from benegraph.demo.plan_years import EnrollmentPhase
from benegraph.demo.shared_records import generate_shared_records
from benegraph.domain.access import Role, Viewer
from benegraph.domain.billing import Invoice, compute_paid_through
from benegraph.domain.coverage import MAX_GROUP_ID_LENGTH, MAX_SUBSCRIBER_ID_LENGTH, OPEN_ENDED
from benegraph.domain.enrollments.elections import Election
from benegraph.domain.enrollments.status import ElectionDecision
from benegraph.domain.values import Clock, last_day_of_month
from benegraph.services import enrollments
from conftest import connect

Row = dict[str, Any]
Days = set[date]
TODAY = date(2026, 11, 20)
TABLES = ("employees", "plan_years", "enrollments", "group_contracts", "subscribers", "subscriber_enrollments")
PREMIUMS = ("premium_invoices", "premium_payments")


@dataclass(frozen=True)
class TenantRows:
    """One tenant's rows, by table."""

    tables: Mapping[str, list[Row]]

    def of(self, table: str, **values: Any) -> list[Row]:
        """Return the rows of a table that have these values."""
        rows = self.tables.get(table, [])
        return [row for row in rows if all(row[name] == value for name, value in values.items())]

    def by(self, table: str, *names: str) -> dict[Any, list[Row]]:
        """Return the rows of a table, grouped by these columns."""
        groups: dict[Any, list[Row]] = defaultdict(list)
        for row in self.of(table):
            groups[tuple(row[name] for name in names) if len(names) > 1 else row[names[0]]].append(row)
        return groups


async def read_tenant(owner_url: str, tenant_id: str) -> TenantRows:
    connection = await connect(owner_url)
    try:
        return TenantRows(
            {
                table: [
                    dict(row)
                    for row in await connection.fetch(f"SELECT * FROM {table} WHERE tenant_id = $1", tenant_id)  # noqa: S608
                ]
                for table in (*TABLES, *PREMIUMS)
            }
        )
    finally:
        await connection.close()


def generate(today: date, phase: EnrollmentPhase, *, auto_paid_through: bool = False) -> TenantRows:
    """Generate one employer without a database."""
    shared = generate_shared_records(("carrier",), today, auto_paid_through=auto_paid_through)
    profile = EmployerProfile(1, 24, phase, has_sample_people=phase is EnrollmentPhase.OPEN)
    records = generate_employer(shared.tenant, profile)
    return TenantRows({model.__tablename__: rows for model, rows in records.tables.items()})


def days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


# ------------------------------------------------------------------------------------------------- invariants


def check_coverage(tenant: TenantRows) -> None:
    """Check that elections and coverage of record cover the same days of each subscriber, in spans without gaps."""
    numbers = {row["employee_id"]: row["subscriber_id"] for row in tenant.of("subscribers")}
    elected, links = _elected_days(tenant)
    recorded: dict[str, list[Days]] = defaultdict(list)
    for row in tenant.of("subscriber_enrollments"):
        span = set(days(row["start_date"], row["end_date"] or TODAY.replace(year=2040)))
        assert all(not span & other for other in recorded[row["subscriber_id"]]), "two coverages share a day"
        recorded[row["subscriber_id"]].append(span)
        linked = links.pop(row["id"], [])
        assert {employee_id for employee_id, _ in linked} <= {row["employee_id"]}
        # Coverage that the carrier records itself shares no day with an election.
        covered = elected.get(row["employee_id"], set()) & span
        assert covered == (span if linked else set())
        assert all(part <= span for _, part in linked)
        if linked:  # one span, not adjacent to another one
            adjacent = {row["start_date"] - timedelta(days=1), row["end_date"] + timedelta(days=1)}
            assert not adjacent & elected[row["employee_id"]]
    assert not links
    for employee_id, covered in elected.items():
        assert covered <= set().union(*recorded[numbers[employee_id]])


def _elected_days(tenant: TenantRows) -> tuple[dict[str, Days], dict[str, list[tuple[str, Days]]]]:
    """Return the elected days of each employee, and the days of the elections linked to each coverage of record."""
    subscribers = {row["employee_id"] for row in tenant.of("subscribers")}
    group_ids = {row["id"]: row["group_id"] for row in tenant.of("plan_years")}
    assert all(group_ids.values())
    elected: dict[str, Days] = defaultdict(set)
    links: dict[str, list[tuple[str, Days]]] = defaultdict(list)
    for row in tenant.of("enrollments"):
        link = row["subscriber_enrollment_id"]
        if row["coverage_ends_on"] is None or row["employee_id"] not in subscribers:
            assert link is None
            continue
        span = set(days(row["coverage_starts_on"], row["coverage_ends_on"]))
        elected[row["employee_id"]] |= span
        links[link].append((row["employee_id"], span))
    return elected, links


def check_paid_through(tenant: TenantRows) -> None:
    """Compute the paid-through date of each coverage again, and compare."""
    paid: dict[str, int] = defaultdict(int)
    for payment in tenant.of("premium_payments"):
        paid[payment["invoice_id"]] += 0 if payment["reversed_at"] else payment["amount_cents"]
    invoices = tenant.by("premium_invoices", "group_id", "division_id")
    for row in tenant.of("subscriber_enrollments"):
        own_and_group = [
            Invoice(
                item["id"],
                item["bill_from"],
                item["bill_through"],
                item["amount_cents"],
                paid[item["id"]],
                void=item["voided_at"] is not None,
                is_subscriber_invoice=item["subscriber_id"] is not None,
            )
            for item in invoices[row["group_id"], row["division_id"]]
            if item["subscriber_id"] in (None, row["subscriber_id"])
        ]
        result = compute_paid_through(row["start_date"], row["end_date"], own_and_group)
        assert row["paid_through"] == (result.day if result else None)


def check_invoices(tenant: TenantRows) -> None:
    """Compare each invoice with the premiums of the coverage in force on the month's last day."""
    divisions = {row["id"]: (row["group_id"], row["division_id"]) for row in tenant.of("subscriber_enrollments")}
    enrolled = [row for row in tenant.of("enrollments") if row["subscriber_enrollment_id"]]
    for (group_id, division_id, month), invoices in tenant.by(
        "premium_invoices", "group_id", "division_id", "bill_from"
    ).items():
        division_invoices = [row for row in invoices if row["subscriber_id"] is None]
        assert len([row for row in division_invoices if row["voided_at"] is None]) == bool(division_invoices), (
            "billed once"
        )
        for invoice in invoices:
            assert (month.day, invoice["bill_through"]) == (1, last_day_of_month(month))
            assert invoice["due_date"] >= month
        due = sum(
            row["employee_contribution_cents"] + row["employer_contribution_cents"]
            for row in enrolled
            if divisions[row["subscriber_enrollment_id"]] == (group_id, division_id)
            and row["coverage_starts_on"] <= last_day_of_month(month) <= row["coverage_ends_on"]
        )
        for invoice in division_invoices:
            assert invoice["amount_cents"] == due or (invoice["voided_at"] and invoice["amount_cents"] > due)


def check_contracts(tenant: TenantRows) -> None:
    """Check that references to contracts are valid, and that the carrier's numbers are well-formed and distinct."""
    keys = ("group_id", "division_id", "coverage_start")
    contracts = tenant.by("group_contracts", *keys)
    starts = {(group_id, start) for group_id, _, start in contracts}
    employers = {row["group_id"]: row["employer_id"] for row in tenant.of("group_contracts")}
    assert all(len(group_id) <= MAX_GROUP_ID_LENGTH for group_id in employers)
    assert len(set(employers.values())) == len(employers)
    for year in tenant.of("plan_years"):
        assert (year["group_id"], year["group_coverage_start"]) in starts
        assert employers[year["group_id"]] == year["employer_id"]
        assert year["group_coverage_start"] < year["coverage_starts_on"] - timedelta(days=365)
    divisions = {(row["employer_id"], row["division_id"]) for row in tenant.of("group_contracts")}
    assert {(row["employer_id"], row["division_id"]) for row in tenant.of("employees")} <= divisions
    for row in tenant.of("subscriber_enrollments"):
        assert (row["group_id"], row["division_id"], row["group_coverage_start"]) in contracts
        assert row["start_date"] >= row["group_coverage_start"]
    numbers = [row["subscriber_id"] for row in tenant.of("subscribers")]
    assert len(set(numbers)) == len(numbers)
    assert all(len(number) == MAX_SUBSCRIBER_ID_LENGTH for number in numbers)


def check(tenant: TenantRows) -> None:
    check_contracts(tenant)
    check_coverage(tenant)
    check_paid_through(tenant)
    check_invoices(tenant)


# ---------------------------------------------------------------------------------------- generated and inserted

DAYS = [TODAY, date(2028, 2, 29), date(2026, 12, 31), date(2027, 1, 1), date(2026, 1, 31), date(2028, 3, 17)]


@pytest.mark.parametrize("today", DAYS, ids=str)
@pytest.mark.parametrize("phase", EnrollmentPhase, ids=lambda phase: phase.name)
@pytest.mark.parametrize("auto_paid_through", [False, True], ids=["on request", "automatic"])
def test_generated_employers_satisfy_the_invariants(
    today: date, phase: EnrollmentPhase, *, auto_paid_through: bool
) -> None:
    check(generate(today, phase, auto_paid_through=auto_paid_through))


async def test_demo_and_seeded_tenants_satisfy_the_invariants(database: Database, owner_url: str) -> None:
    clock = Clock.at_noon(TODAY)
    await fill_demo_tenants(database, clock, 1)
    await seed_tenant(database, clock, "acme", 300, 1, lambda _done, _total: None)
    for tenant_id in (*TENANTS, "acme"):
        check(await read_tenant(owner_url, tenant_id))


async def test_other_seeds_use_other_numbers_and_another_day_adds_nothing(database: Database, owner_url: str) -> None:
    tomorrow = TODAY + timedelta(days=1)
    for seed, today in ((1, TODAY), (2, TODAY), (3, tomorrow), (1, tomorrow)):
        await seed_tenant(database, Clock.at_noon(today), "acme", 40, seed, lambda _done, _total: None)
    tenant = await read_tenant(owner_url, "acme")
    assert len(tenant.of("employees")) == 120
    check(tenant)


async def test_only_the_second_tenant_updates_paid_through_automatically(database: Database) -> None:
    await fill_demo_tenants(database, Clock.at_noon(TODAY), 1)
    settings = []
    for tenant_id in TENANTS:
        async with database.read(Viewer(tenant_id, "test", Role.ADMINISTRATOR), Clock.at_noon(TODAY)) as read_session:
            settings.append(await store.billing.is_auto_paid_through(read_session))
    assert settings == [False, True, False]


# ----------------------------------------------------------------------------------------------------- contents


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_invoices_have_every_payment_pattern(today: date) -> None:
    tenant = generate(today, EnrollmentPhase.OPEN)
    payments = tenant.by("premium_payments", "invoice_id")
    division_invoices = tenant.of("premium_invoices", subscriber_id=None)
    for division_id, rows in tenant.by("group_contracts", "division_id").items():
        assert len(rows) == 1
        invoices = sorted(
            (row for row in division_invoices if row["division_id"] == division_id), key=lambda row: row["id"]
        )
        months = sorted({row["bill_from"] for row in invoices})
        assert 11 <= len(months) <= 18
        assert all(last_day_of_month(one) + timedelta(days=1) == other for one, other in pairwise(months))
        assert today - timedelta(days=31) < months[-1] < today + timedelta(days=21)
        assert not payments[invoices[-1]["id"]], "the newest is unpaid"
        patterns = {pattern for row in invoices for pattern in _payment_patterns(row, payments[row["id"]])}
        assert patterns == {"void", "unpaid", "part-paid", "in parts", "late", "reversed", "on time"}
    assert tenant.of("premium_invoices") != division_invoices, "some subscribers get their own invoices"


def _payment_patterns(invoice: Row, payments: list[Row]) -> Iterator[str]:
    standing = [payment for payment in payments if payment["reversed_at"] is None]
    paid = sum(payment["amount_cents"] for payment in standing)
    if invoice["voided_at"]:
        yield "void"
    elif paid == 0:
        yield "unpaid"
    elif paid < invoice["amount_cents"]:
        yield "part-paid"
    elif len(standing) > 1:
        yield "in parts"
    elif len(payments) > 1:
        yield "reversed"
    else:
        yield "late" if standing[0]["received_on"] > invoice["due_date"] else "on time"


def test_most_employees_and_some_others_are_subscribers() -> None:
    tenant = generate(TODAY, EnrollmentPhase.OPEN)
    subscribers = tenant.by("subscribers", "employee_id")
    assert len(subscribers.pop(None)) == 1
    assert 0.9 < len(subscribers) / len(tenant.of("employees")) <= 1
    links = {row["subscriber_enrollment_id"] for row in tenant.of("enrollments")}
    own = [row for row in tenant.of("subscriber_enrollments") if row["id"] not in links]
    assert [row for row in own if row["end_date"] is None], "a retiree"
    assert [row for row in own if row["term_date"]], "COBRA coverage"
    assert [row for row in own if row["annual_max_cents"] and row["lifetime_max_cents"]]
    assert [
        row
        for row in own
        if (row["end_date"] or OPEN_ENDED) < min(year["coverage_starts_on"] for year in tenant.of("plan_years"))
    ]


@pytest.mark.parametrize(
    "today", [*DAYS[:4], *(pytest.param(day, marks=pytest.mark.conformance) for day in DAYS[4:])], ids=str
)
async def test_an_election_updates_the_coverage_of_record(database: Database, today: date) -> None:
    clock = Clock.at_noon(today)
    demo_ids = await fill_demo_tenants(database, clock, 1)

    async def elect_and_compare(tx: Transaction) -> None:
        before = await _latest_coverage(tx, demo_ids.employee_id)
        assert before.end_date < max(row.effective_on for row in await _pending_enrollments(tx, demo_ids))
        # Paid through the end of an earlier month: this month's invoice is unpaid.
        assert before.paid_through == last_day_of_month(before.paid_through)
        assert today - timedelta(days=75) < before.paid_through < today
        for row in await _pending_enrollments(tx, demo_ids):
            plans = (await store.plan_years.plans_of(tx, [row.plan_year_id]))[row.plan_year_id]
            election = Election(row.id, ElectionDecision.ENROLLED, plans[0].id)
            (preview,) = await enrollments.elect(tx, demo_ids.employee_id, [election])
            after = await _latest_coverage(tx, demo_ids.employee_id)
            assert (after.id, after.end_date) == (before.id, preview.coverage_ends_on)
            elected = (await store.enrollments.by_ids(tx, [row.id]))[row.id]
            assert elected.subscriber_enrollment_id == after.id
        await enrollments.reopen_election(tx, demo_ids.pending_enrollment_ids[0], None)

    await database.transact(
        Viewer(demo_ids.tenant_id, "test", Role.ADMINISTRATOR), clock, elect_and_compare, dry_run=True
    )


async def _pending_enrollments(read_session: ReadSession, demo_ids: DemoIds) -> list[Any]:
    return list((await store.enrollments.by_ids(read_session, demo_ids.pending_enrollment_ids)).values())


async def _latest_coverage(read_session: ReadSession, employee_id: str) -> Any:
    """Return the employee's latest coverage of record."""
    subscriber = (await store.coverage.subscribers_of_employees(read_session, [employee_id]))[employee_id]
    pages = await store.coverage.of_subscribers(read_session, [subscriber.subscriber_id], PageWindow(10))
    return max(pages[subscriber.subscriber_id].rows, key=lambda row: row.start_date)
