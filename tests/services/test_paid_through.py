"""Paid-through dates: set on request, or updated automatically with every change of an invoice."""

from datetime import date
from typing import Any

import pytest

from benegraph.db.session import Database, Transaction
from benegraph.domain.coverage import BatchOutcome
from benegraph.services import billing
from benegraph.services.coverage import CoverageItem, subscribers, upsert_coverage
from benegraph.services.coverage.paid_through import CoveragePaidThrough
from factories.access import service_viewer
from factories.billing import (
    build_invoice,
    enable_auto_paid_through,
    make_invoice,
    make_payment,
    reverse_payment,
    set_paid_through,
    void_invoice,
)
from factories.coverage import (
    GROUP,
    SUBSCRIBER_ID,
    coverage_key,
    make_contract,
    make_coverage,
    make_subscriber,
    read_coverage,
)
from factories.office import Office, create_office
from statement_log import record_round_trips

NEW_YEAR = date(2026, 1, 1)
OTHER_SUBSCRIBER_ID = "S00000002"


async def office_with_coverage(database: Database, **options: Any) -> tuple[Office, str]:
    """Create an office with a contract and a subscriber covered in 2026; also return the coverage ID."""
    office = await create_office(database, **options)
    await make_contract(office)
    await make_subscriber(office)
    return office, await make_coverage(office, coverage_key(NEW_YEAR), end_date=date(2026, 12, 31))


async def paid_through_rows(office: Office) -> list[tuple[str, str, str | None, int]]:
    """List the subscriber, start, paid-through date and version of each coverage."""
    rows = await read_coverage(office)
    return [(row["subscriber_id"], row["start_date"], row["paid_through"], row["version"]) for row in rows]


async def only_paid_through(office: Office) -> str | None:
    """Return the paid-through date of the only coverage."""
    ((_, _, day, _),) = await paid_through_rows(office)
    return day


# ------------------------------------------------------------------------------------------------------ on request


async def test_paid_through_is_stored_returned_and_recorded(database: Database) -> None:
    office, id = await office_with_coverage(database)
    january = await make_invoice(office, 1, paid_cents=10_000)
    await make_invoice(office, 2, paid_cents=9_999)
    before = (await read_coverage(office))[0]
    clerk = office.as_viewer(service_viewer())
    assert await set_paid_through(clerk) == [CoveragePaidThrough(id, date(2026, 1, 31), january)]
    after = (await read_coverage(office))[0]
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"paid_through", "version", "updated_at", "update_user"}
    assert (after["paid_through"], after["version"], after["update_user"]) == ("2026-01-31", 2, "akey_service")
    (_, event) = await office.history(id)
    assert (event["action"], event["actor"]) == ("PAID_THROUGH", "SERVICE akey_service")
    assert (event["before"], event["after"]) == ({"paid_through": None}, {"paid_through": "2026-01-31"})
    assert (event["occurred_at"], event["employer_id"]) == (after["updated_at"], office.employer)


async def test_unchanged_coverage_keeps_its_version(database: Database) -> None:
    office, id = await office_with_coverage(database)
    assert await set_paid_through(office) == [CoveragePaidThrough(id, None, None)]
    assert await paid_through_rows(office) == [(SUBSCRIBER_ID, "2026-01-01", None, 1)]
    invoice = await make_invoice(office, 1, paid_cents=10_000)
    await set_paid_through(office)
    before = await office.read_all_rows()
    assert await set_paid_through(office) == [CoveragePaidThrough(id, date(2026, 1, 31), invoice)]
    assert await office.read_all_rows() == before


async def test_reversed_payment_moves_paid_through_back(database: Database) -> None:
    office, id = await office_with_coverage(database)
    january, february = await make_invoice(office, 1), await make_invoice(office, 2, paid_cents=10_000)
    payment = await make_payment(office, january)
    assert await set_paid_through(office) == [CoveragePaidThrough(id, date(2026, 2, 28), february)]
    await reverse_payment(office, payment)
    assert await set_paid_through(office) == [CoveragePaidThrough(id, None, None)]
    assert await paid_through_rows(office) == [(SUBSCRIBER_ID, "2026-01-01", None, 3)]
    (*_, event) = await office.history(id)
    assert (event["before"], event["after"]) == ({"paid_through": "2026-02-28"}, {"paid_through": None})
    await void_invoice(office, january)  # billing now begins in February
    assert await set_paid_through(office) == [CoveragePaidThrough(id, date(2026, 2, 28), february)]


async def test_each_coverage_of_the_division_is_returned_by_start(database: Database) -> None:
    office = await create_office(database)
    await make_contract(office)
    await make_contract(office, coverage_start=date(2026, 3, 1))
    await make_contract(office, division_id="D2")
    await make_subscriber(office)
    later = await make_coverage(office, coverage_key(date(2026, 3, 15), group_coverage_start=date(2026, 3, 1)))
    first = await make_coverage(office, coverage_key(NEW_YEAR), end_date=date(2026, 2, 14))
    in_d2 = await make_coverage(office, coverage_key(NEW_YEAR, division_id="D2"), paid_through=NEW_YEAR)
    february = await make_invoice(office, 2, paid_cents=10_000)
    march = await make_invoice(office, 3, paid_cents=10_000)
    await make_invoice(office, 4)
    assert await set_paid_through(office) == [
        CoveragePaidThrough(first, date(2026, 2, 14), february),
        CoveragePaidThrough(later, date(2026, 3, 31), march),
    ]
    assert await paid_through_rows(office) == [
        (SUBSCRIBER_ID, "2026-01-01", "2026-02-14", 2),
        (SUBSCRIBER_ID, "2026-03-15", "2026-03-31", 2),
        (SUBSCRIBER_ID, "2026-01-01", "2026-01-01", 1),
    ]
    assert await set_paid_through(office, division_id="D2") == [CoveragePaidThrough(in_d2, None, None)]


async def test_invoices_of_other_subscribers_and_divisions_do_not_count(database: Database) -> None:
    office, id = await office_with_coverage(database)
    await make_subscriber(office, OTHER_SUBSCRIBER_ID)
    other_coverage = await make_coverage(office, coverage_key(NEW_YEAR, OTHER_SUBSCRIBER_ID))
    january = await make_invoice(office, 1, paid_cents=10_000)
    await make_invoice(office, 1, OTHER_SUBSCRIBER_ID)
    await make_contract(office, division_id="D2")
    await make_invoice(office, 1, division_id="D2")
    await make_invoice(office, 1, SUBSCRIBER_ID, division_id="D2")
    assert await set_paid_through(office) == [CoveragePaidThrough(id, date(2026, 1, 31), january)]
    assert await set_paid_through(office, OTHER_SUBSCRIBER_ID) == [CoveragePaidThrough(other_coverage, None, None)]
    own = await make_invoice(office, 2, paid_cents=10_000, subscriber_id=SUBSCRIBER_ID)
    assert await set_paid_through(office) == [CoveragePaidThrough(id, date(2026, 2, 28), own)]


async def test_subscriber_without_coverage_gets_no_result(database: Database) -> None:
    office, _ = await office_with_coverage(database)
    await make_contract(office, division_id="D2")
    await make_subscriber(office, OTHER_SUBSCRIBER_ID)
    assert await set_paid_through(office, OTHER_SUBSCRIBER_ID) == []
    assert await set_paid_through(office, division_id="D2") == []


@pytest.mark.parametrize(
    ("subscriber", "group", "division", "expected"),
    [
        ("S2", GROUP, "D1", ["NOT_FOUND subscriberId"]),
        (SUBSCRIBER_ID, "G200", "D1", ["NOT_FOUND groupId"]),
        (SUBSCRIBER_ID, GROUP, "D2", ["NOT_FOUND groupId"]),
        ("S2", "G200", "D1", ["NOT_FOUND groupId", "NOT_FOUND subscriberId"]),
        ("S" * 10, "", "D" * 21, ["INVALID_INPUT groupId", "INVALID_INPUT divisionId", "INVALID_INPUT subscriberId"]),
    ],
)
async def test_unknown_group_division_or_subscriber_is_refused(
    database: Database, subscriber: str, group: str, division: str, expected: list[str]
) -> None:
    office, _ = await office_with_coverage(database)
    await make_invoice(office, 1, paid_cents=10_000)
    assert await office.refusals(set_paid_through(office, subscriber, group, division)) == expected


async def test_history_names_employee_only_for_own_employer(database: Database) -> None:
    office, other = await create_office(database), await create_office(database)
    ada, bob = await office.hire(), await other.hire()
    await make_contract(office)
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    await make_subscriber(office, OTHER_SUBSCRIBER_ID, bob)
    ids = [
        await make_coverage(office, coverage_key(NEW_YEAR, number)) for number in (SUBSCRIBER_ID, OTHER_SUBSCRIBER_ID)
    ]
    await make_invoice(office, 1, paid_cents=10_000)
    for number in (SUBSCRIBER_ID, OTHER_SUBSCRIBER_ID):
        await set_paid_through(office, number)
    events = [(await office.history(id))[-1] for id in ids]
    assert [(event["action"], event["employer_id"], event["employee_id"]) for event in events] == [
        ("PAID_THROUGH", office.employer, ada),
        ("PAID_THROUGH", office.employer, None),
    ]


async def test_transaction_sees_its_own_invoices_and_payments(database: Database) -> None:
    office, id = await office_with_coverage(database)

    async def change(tx: Transaction) -> list[list[CoveragePaidThrough]]:
        results = []
        for number in (1, 2):
            invoice = await billing.record_invoice(tx, build_invoice(number))
            await billing.record_payment(tx, invoice, 10_000, office.today)
            results.append(await billing.set_paid_through(tx, SUBSCRIBER_ID, GROUP, "D1"))
        await billing.void_invoice(tx, invoice, None, 2)
        return [*results, await billing.set_paid_through(tx, SUBSCRIBER_ID, GROUP, "D1")]

    results = await office.run(change)
    assert [result.paid_through for (result,) in results] == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 1, 31)]
    assert await paid_through_rows(office) == [(SUBSCRIBER_ID, "2026-01-01", "2026-01-31", 4)]
    assert len(await office.history(id)) == 4


# ------------------------------------------------------------------------------------------------------- automatic


async def test_paid_through_is_not_updated_without_tenant_setting(database: Database) -> None:
    office, _ = await office_with_coverage(database)
    other = (await office_with_coverage(database, tenant="globex"))[0]
    await enable_auto_paid_through(other)
    await make_invoice(office, 1, paid_cents=10_000)
    assert await only_paid_through(office) is None
    await enable_auto_paid_through(office)
    assert await only_paid_through(office) is None  # the setting alone changes no dates
    await make_invoice(office, 2)
    assert await only_paid_through(office) == "2026-01-31"
    await enable_auto_paid_through(office, on=False)
    await make_invoice(office, 1)
    assert await only_paid_through(office) == "2026-01-31"
    assert await only_paid_through(other) is None


async def test_setting_changes_only_the_own_tenant(database: Database) -> None:
    office, other = await create_office(database), await create_office(database, tenant="globex")
    before = await office.read_all_rows()
    await enable_auto_paid_through(office)
    before["tenants"]["acme"]["auto_paid_through"] = True
    after = await office.read_all_rows()
    (event,) = [event for id, event in after["events"].items() if id not in before["events"]]
    assert (event["subject_id"], event["action"], event["after"]) == ("acme", "UPDATED", {"auto_paid_through": True})
    assert after | {"events": before["events"]} == before
    await enable_auto_paid_through(office)  # an unchanged setting leaves no event
    assert await office.read_all_rows() == after
    assert (await other.read_all_rows())["tenants"]["globex"]["auto_paid_through"] is False


async def test_every_invoice_change_updates_paid_through(database: Database) -> None:
    office, id = await office_with_coverage(database)
    await enable_auto_paid_through(office)
    january = await make_invoice(office, 1, paid_cents=10_000)
    assert await only_paid_through(office) == "2026-01-31"
    february = await make_invoice(office, 2)
    assert await only_paid_through(office) == "2026-01-31"
    payment = await make_payment(office, february)
    assert await only_paid_through(office) == "2026-02-28"
    await reverse_payment(office, payment)
    assert await only_paid_through(office) == "2026-01-31"
    own = await make_invoice(office, 1, SUBSCRIBER_ID)
    assert await only_paid_through(office) is None
    await make_payment(office, own)
    assert await only_paid_through(office) == "2026-01-31"
    await void_invoice(office, own)
    assert await only_paid_through(office) == "2026-01-31"
    await void_invoice(office, january)
    assert await only_paid_through(office) is None
    days = [event["after"]["paid_through"] for event in (await office.history(id))[1:]]
    assert days == ["2026-01-31", "2026-02-28", "2026-01-31", None, "2026-01-31", None]


async def test_group_invoice_updates_division_and_own_invoice_subscriber(database: Database) -> None:
    office, _ = await office_with_coverage(database)
    await make_contract(office, division_id="D2")
    for number in (OTHER_SUBSCRIBER_ID, "S00000003"):
        await make_subscriber(office, number)
        await make_coverage(office, coverage_key(date(2026, 1, 15), number))
    await make_coverage(office, coverage_key(NEW_YEAR, "S00000003", division_id="D2"))
    await make_invoice(office, 1, paid_cents=10_000)
    await enable_auto_paid_through(office)
    await make_invoice(office, 2, OTHER_SUBSCRIBER_ID, paid_cents=10_000)
    assert [day for _, _, day, _ in await paid_through_rows(office)] == [None, "2026-02-28", None, None]
    await make_invoice(office, 2, paid_cents=10_000)
    assert await paid_through_rows(office) == [
        # Through January when the February invoice was recorded unpaid, then through February.
        (SUBSCRIBER_ID, "2026-01-01", "2026-02-28", 3),
        # Through January when the subscriber's own February invoice was recorded unpaid.
        (OTHER_SUBSCRIBER_ID, "2026-01-15", "2026-02-28", 3),
        ("S00000003", "2026-01-15", "2026-02-28", 3),
        ("S00000003", "2026-01-01", None, 1),
    ]


async def test_refusal_and_dry_run_update_nothing(database: Database) -> None:
    office, _ = await office_with_coverage(database)
    invoice = await make_invoice(office, 1, paid_cents=10_000)
    await enable_auto_paid_through(office)
    before = await office.read_all_rows()
    await office.dry_run(billing.record_payment, invoice, 1, office.today)
    await office.dry_run(billing.record_invoice, build_invoice(2))
    assert await office.read_all_rows() == before
    assert await office.refusals(void_invoice(office, invoice, None, 1)) == ["VERSION_CONFLICT expectedVersion"]


async def test_service_of_one_employer_updates_its_coverage(database: Database) -> None:
    office, _ = await office_with_coverage(database)
    await enable_auto_paid_through(office)
    await make_invoice(office.as_viewer(service_viewer(employer=office.employer)), 1, paid_cents=10_000)
    assert await only_paid_through(office) == "2026-01-31"


# ------------------------------------------------------------------------------------------------ statement counts


async def add_subscribers_and_invoice(office: Office, people: int) -> str:
    """Add this many covered subscribers, one billed individually; return the ID of the group's invoice."""
    starts = [date(2020 + index % 72 // 12, 1 + index % 12, 1) for index in range(people)]
    items = [CoverageItem(coverage_key(start, f"S{index}"), {}) for index, start in enumerate(starts)]

    async def change(tx: Transaction) -> None:
        for item in items:
            await subscribers.create_subscriber(tx, item.key.subscriber_id, None, None, None)
        assert {result.outcome for result in await upsert_coverage(tx, items)} == {BatchOutcome.CREATED}

    await office.run(change)
    await make_invoice(office, 1, "S0")
    return await make_invoice(office, 1)


async def test_statement_count_does_not_grow_with_subscribers(database: Database) -> None:
    for tenant, people in (("small", 3), ("large", 300)):
        office = await create_office(database, tenant=tenant)
        await make_contract(office)
        invoice = await add_subscribers_and_invoice(office, people)
        await enable_auto_paid_through(office)
        async with record_round_trips(database) as paying:
            payment = await make_payment(office, invoice)
        assert [day for _, _, day, _ in await paid_through_rows(office)] == [None, *["2026-01-31"] * (people - 1)]
        assert await count_paid_through_events(office) == people - 1
        async with record_round_trips(database) as reversing:
            await reverse_payment(office, payment)
        assert {day for _, _, day, _ in await paid_through_rows(office)} == {None}
        assert await count_paid_through_events(office) == 2 * (people - 1)
        await make_payment(office, invoice)
        async with record_round_trips(database) as voiding:
            await void_invoice(office, invoice)
        assert {day for _, _, day, _ in await paid_through_rows(office)} == {None}
        assert await count_paid_through_events(office) == 4 * (people - 1)
        assert [len(sent) for sent in (paying, reversing, voiding)] == [15, 15, 12]


async def count_paid_through_events(office: Office) -> int:
    """Count the history events that record a paid-through date."""
    return sum(event["action"] == "PAID_THROUGH" for event in (await office.read_all_rows())["events"].values())
