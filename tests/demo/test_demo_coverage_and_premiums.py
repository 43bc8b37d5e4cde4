"""The carrier's side of the demo: its coverage agrees with what is elected, day for day, and with what was paid."""

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
from benegraph.demo import TENANTS, DemoHandles, fill, seed
from benegraph.demo.employers import Plot, tell_employer
from benegraph.demo.plan_years import Phase
from benegraph.demo.shared_records import break_ground
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
class Seen:
    """One tenant's rows, table by table."""

    tables: Mapping[str, list[Row]]

    def of(self, table: str, **wanted: Any) -> list[Row]:
        return [row for row in self.tables.get(table, []) if all(row[name] == is_ for name, is_ in wanted.items())]

    def by(self, table: str, *names: str) -> dict[Any, list[Row]]:
        found: dict[Any, list[Row]] = defaultdict(list)
        for row in self.of(table):
            found[tuple(row[name] for name in names) if len(names) > 1 else row[names[0]]].append(row)
        return found


async def see(owner_url: str, tenant_id: str) -> Seen:
    connection = await connect(owner_url)
    try:
        return Seen(
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


def told(today: date, phase: Phase, *, keeps_up: bool = False) -> Seen:
    """Draw one employer without a database."""
    ground = break_ground(("carrier",), today, auto_paid_through=keeps_up).ground
    ledger = tell_employer(ground, Plot(1, 24, phase, has_cast=phase is Phase.OPEN))
    return Seen({model.__tablename__: rows for model, rows in ledger.tables.items()})


def days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


# -------------------------------------------------------------------------------------------------- the laws


def check_coverage(seen: Seen) -> None:
    """Paint what is elected and what is recorded: of each subscriber the same days, in whole spans without a gap."""
    numbers = {row["employee_id"]: row["subscriber_id"] for row in seen.of("subscribers")}
    elected, links = _paint_elections(seen)
    recorded: dict[str, list[Days]] = defaultdict(list)
    for row in seen.of("subscriber_enrollments"):
        span = set(days(row["start_date"], row["end_date"] or TODAY.replace(year=2040)))
        assert all(not span & other for other in recorded[row["subscriber_id"]]), "two coverages share a day"
        recorded[row["subscriber_id"]].append(span)
        linked = links.pop(row["id"], [])
        assert {whose for whose, _ in linked} <= {row["employee_id"]}
        # What the carrier records itself is no election's.
        covered = elected.get(row["employee_id"], set()) & span
        assert covered == (span if linked else set())
        assert all(part <= span for _, part in linked)
        if linked:  # as one whole, which no other touches
            beside = {row["start_date"] - timedelta(days=1), row["end_date"] + timedelta(days=1)}
            assert not beside & elected[row["employee_id"]]
    assert not links
    for employee_id, covered in elected.items():
        assert covered <= set().union(*recorded[numbers[employee_id]])


def _paint_elections(seen: Seen) -> tuple[dict[str, Days], dict[str, list[tuple[str, Days]]]]:
    """Give the days elected of each subscriber, whatever the product, and which of them each record stands for."""
    subscribers = {row["employee_id"] for row in seen.of("subscribers")}
    named = {row["id"]: row["group_id"] for row in seen.of("plan_years")}
    assert all(named.values())
    elected: dict[str, Days] = defaultdict(set)
    links: dict[str, list[tuple[str, Days]]] = defaultdict(list)
    for row in seen.of("enrollments"):
        link = row["subscriber_enrollment_id"]
        if row["coverage_ends_on"] is None or row["employee_id"] not in subscribers:
            assert link is None
            continue
        span = set(days(row["coverage_starts_on"], row["coverage_ends_on"]))
        elected[row["employee_id"]] |= span
        links[link].append((row["employee_id"], span))
    return elected, links


def check_paid_through(seen: Seen) -> None:
    """Reckon of each coverage again through which day it is paid."""
    paid: dict[str, int] = defaultdict(int)
    for payment in seen.of("premium_payments"):
        paid[payment["invoice_id"]] += 0 if payment["reversed_at"] else payment["amount_cents"]
    invoices = seen.by("premium_invoices", "group_id", "division_id")
    for row in seen.of("subscriber_enrollments"):
        its = [
            Invoice(
                each["id"],
                each["bill_from"],
                each["bill_through"],
                each["amount_cents"],
                paid[each["id"]],
                void=each["voided_at"] is not None,
                is_subscriber_invoice=each["subscriber_id"] is not None,
            )
            for each in invoices[row["group_id"], row["division_id"]]
            if each["subscriber_id"] in (None, row["subscriber_id"])
        ]
        reached = compute_paid_through(row["start_date"], row["end_date"], its)
        assert row["paid_through"] == (reached.day if reached else None)


def check_invoices(seen: Seen) -> None:
    """Add up what a month costs: of all who are covered on its last day."""
    divisions = {row["id"]: (row["group_id"], row["division_id"]) for row in seen.of("subscriber_enrollments")}
    enrolled = [row for row in seen.of("enrollments") if row["subscriber_enrollment_id"]]
    for (group_id, division_id, month), invoices in seen.by(
        "premium_invoices", "group_id", "division_id", "bill_from"
    ).items():
        ours = [row for row in invoices if row["subscriber_id"] is None]
        assert len([row for row in ours if row["voided_at"] is None]) == bool(ours), "billed once"
        for invoice in invoices:
            assert (month.day, invoice["bill_through"]) == (1, last_day_of_month(month))
            assert invoice["due_date"] >= month
        due = sum(
            row["employee_contribution_cents"] + row["employer_contribution_cents"]
            for row in enrolled
            if divisions[row["subscriber_enrollment_id"]] == (group_id, division_id)
            and row["coverage_starts_on"] <= last_day_of_month(month) <= row["coverage_ends_on"]
        )
        for invoice in ours:
            assert invoice["amount_cents"] == due or (invoice["voided_at"] and invoice["amount_cents"] > due)


def check_contracts(seen: Seen) -> None:
    """See that what names a contract finds it, and that the numbers are the carrier's."""
    keys = ("group_id", "division_id", "coverage_start")
    contracts = seen.by("group_contracts", *keys)
    starts = {(group_id, start) for group_id, _, start in contracts}
    employers = {row["group_id"]: row["employer_id"] for row in seen.of("group_contracts")}
    assert all(len(group_id) <= MAX_GROUP_ID_LENGTH for group_id in employers)
    assert len(set(employers.values())) == len(employers)
    for year in seen.of("plan_years"):
        assert (year["group_id"], year["group_coverage_start"]) in starts
        assert employers[year["group_id"]] == year["employer_id"]
        assert year["group_coverage_start"] < year["coverage_starts_on"] - timedelta(days=365)
    divisions = {(row["employer_id"], row["division_id"]) for row in seen.of("group_contracts")}
    assert {(row["employer_id"], row["division_id"]) for row in seen.of("employees")} <= divisions
    for row in seen.of("subscriber_enrollments"):
        assert (row["group_id"], row["division_id"], row["group_coverage_start"]) in contracts
        assert row["start_date"] >= row["group_coverage_start"]
    numbers = [row["subscriber_id"] for row in seen.of("subscribers")]
    assert len(set(numbers)) == len(numbers)
    assert all(len(number) == MAX_SUBSCRIBER_ID_LENGTH for number in numbers)


def check(seen: Seen) -> None:
    check_contracts(seen)
    check_coverage(seen)
    check_paid_through(seen)
    check_invoices(seen)


# ---------------------------------------------------------------------------------------------- where they hold

DAYS = [TODAY, date(2028, 2, 29), date(2026, 12, 31), date(2027, 1, 1), date(2026, 1, 31), date(2028, 3, 17)]


@pytest.mark.parametrize("today", DAYS, ids=str)
@pytest.mark.parametrize("phase", Phase, ids=lambda phase: phase.name)
@pytest.mark.parametrize("keeps_up", [False, True], ids=["asked", "at once"])
def test_any_employer_keeps_the_laws(today: date, phase: Phase, *, keeps_up: bool) -> None:
    check(told(today, phase, keeps_up=keeps_up))


async def test_the_demo_and_a_seeded_tenant_keep_the_laws(database: Database, owner_url: str) -> None:
    clock = Clock.at_noon(TODAY)
    await fill(database, clock, 1)
    await seed(database, clock, "acme", 300, 1, lambda _done, _total: None)
    for tenant_id in (*TENANTS, "acme"):
        check(await see(owner_url, tenant_id))


async def test_another_seed_and_another_day_use_other_numbers(database: Database, owner_url: str) -> None:
    for number, today in ((1, TODAY), (2, TODAY), (1, TODAY + timedelta(days=1))):
        await seed(database, Clock.at_noon(today), "acme", 40, number, lambda _done, _total: None)
    seen = await see(owner_url, "acme")
    assert len(seen.of("employees")) == 120
    check(seen)


async def test_the_second_tenant_keeps_paid_through_up_to_date(database: Database) -> None:
    await fill(database, Clock.at_noon(TODAY), 1)
    found = []
    for tenant_id in TENANTS:
        async with database.read(Viewer(tenant_id, "test", Role.ADMINISTRATOR), Clock.at_noon(TODAY)) as read_session:
            found.append(await store.billing.is_auto_paid_through(read_session))
    assert found == [False, True, False]


# ----------------------------------------------------------------------------------------------- what there is


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_premiums_go_every_way_they_can(today: date) -> None:
    seen = told(today, Phase.OPEN)
    payments = seen.by("premium_payments", "invoice_id")
    of_groups = seen.of("premium_invoices", subscriber_id=None)
    for division_id, rows in seen.by("group_contracts", "division_id").items():
        assert len(rows) == 1
        newest = sorted((row for row in of_groups if row["division_id"] == division_id), key=lambda row: row["id"])
        months = sorted({row["bill_from"] for row in newest})
        assert 11 <= len(months) <= 18
        assert all(last_day_of_month(one) + timedelta(days=1) == other for one, other in pairwise(months))
        assert today - timedelta(days=31) < months[-1] < today + timedelta(days=21)
        assert not payments[newest[-1]["id"]], "the newest is unpaid"
        ways = {way for row in newest for way in _ways(row, payments[row["id"]])}
        assert ways == {"void", "unpaid", "part-paid", "in parts", "late", "reversed", "in time"}
    assert seen.of("premium_invoices") != of_groups, "some are billed alone"


def _ways(invoice: Row, payments: list[Row]) -> Iterator[str]:
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
        yield "late" if standing[0]["received_on"] > invoice["due_date"] else "in time"


def test_most_employees_are_subscribers_and_the_carrier_knows_others() -> None:
    seen = told(TODAY, Phase.OPEN)
    subscribers = seen.by("subscribers", "employee_id")
    assert len(subscribers.pop(None)) == 1
    assert 0.9 < len(subscribers) / len(seen.of("employees")) <= 1
    links = {row["subscriber_enrollment_id"] for row in seen.of("enrollments")}
    own = [row for row in seen.of("subscriber_enrollments") if row["id"] not in links]
    assert [row for row in own if row["end_date"] is None], "who has retired"
    assert [row for row in own if row["term_date"]], "who goes on after the employment"
    assert [row for row in own if row["annual_max_cents"] and row["lifetime_max_cents"]]
    assert [
        row
        for row in own
        if (row["end_date"] or OPEN_ENDED) < min(year["coverage_starts_on"] for year in seen.of("plan_years"))
    ]


@pytest.mark.parametrize(
    "today", [*DAYS[:4], *(pytest.param(day, marks=pytest.mark.conformance) for day in DAYS[4:])], ids=str
)
async def test_electing_in_the_demo_is_seen_by_the_carrier_at_once(database: Database, today: date) -> None:
    clock = Clock.at_noon(today)
    handles = await fill(database, clock, 1)

    async def story(tx: Transaction) -> None:
        before = await _record(tx, handles.employee_id)
        assert before.end_date < max(row.effective_on for row in await _pending(tx, handles))
        # What is paid is known, and behind: this month's invoice is not.
        assert before.paid_through == last_day_of_month(before.paid_through)
        assert today - timedelta(days=75) < before.paid_through < today
        for row in await _pending(tx, handles):
            plans = (await store.plan_years.plans_of(tx, [row.plan_year_id]))[row.plan_year_id]
            choice = Election(row.id, ElectionDecision.ENROLLED, plans[0].id)
            (preview,) = await enrollments.elect(tx, handles.employee_id, [choice])
            after = await _record(tx, handles.employee_id)
            assert (after.id, after.end_date) == (before.id, preview.coverage_ends_on)
            elected = (await store.enrollments.by_ids(tx, [row.id]))[row.id]
            assert elected.subscriber_enrollment_id == after.id
        await enrollments.reopen_election(tx, handles.pending_enrollment_ids[0], None)

    await database.transact(Viewer(handles.tenant_id, "test", Role.ADMINISTRATOR), clock, story, dry_run=True)


async def _pending(read_session: ReadSession, handles: DemoHandles) -> list[Any]:
    return list((await store.enrollments.by_ids(read_session, handles.pending_enrollment_ids)).values())


async def _record(read_session: ReadSession, employee_id: str) -> Any:
    """Read the employee's newest coverage of record."""
    subscriber = (await store.coverage.subscribers_of_employees(read_session, [employee_id]))[employee_id]
    found = await store.coverage.of_subscribers(read_session, [subscriber.subscriber_id], PageWindow(10))
    return max(found[subscriber.subscriber_id].rows, key=lambda row: row.start_date)
