"""Premium invoices and payments: stored rows, refused input, and history."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from benegraph.db.session import Database
from benegraph.domain.errors import Refused
from benegraph.domain.values import MAX_CENTS, Clock
from benegraph.services import billing
from factories.access import service_viewer
from factories.billing import (
    CENTS,
    build_invoice,
    enable_auto_paid_through,
    make_invoice,
    make_payment,
    read_invoice,
    reverse_payment,
    set_paid_through,
    void_invoice,
)
from factories.coverage import (
    DIVISION,
    GROUP,
    SUBSCRIBER_ID,
    coverage_key,
    make_contract,
    make_coverage,
    make_subscriber,
)
from factories.office import Office, create_office

DAY = timedelta(days=1)
ABSENT_INVOICE = "pinv_01j659cve0e0080m4xhppefpah"
ABSENT_PAYMENT = "ppmt_01j659cve0e0080m4xhppefpah"


async def office_with_contract(database: Database, **options: Any) -> Office:
    """Create an office with a group contract and a subscriber."""
    office = await create_office(database, **options)
    await make_contract(office)
    await make_subscriber(office)
    return office


async def history_entries(office: Office, subject: str) -> list[tuple[Any, ...]]:
    """List the action, before, after and reason of each history event of a row."""
    return [
        (event["action"], event["before"], event["after"], event["reason"]) for event in await office.history(subject)
    ]


# -------------------------------------------------------------------------------------------------------- invoices


@pytest.mark.parametrize("subscriber", [None, SUBSCRIBER_ID])
async def test_invoice_is_stored_and_recorded_in_history(database: Database, subscriber: str | None) -> None:
    office = await office_with_contract(database)
    id = await make_invoice(office, 1, subscriber)
    assert id.startswith("pinv_")
    row = await office.read_row("premium_invoices", id)
    assert row.pop("created_at") == row.pop("updated_at")
    assert row == {
        "tenant_id": "acme",
        "id": id,
        "employer_id": office.employer,
        "group_id": GROUP,
        "division_id": DIVISION,
        "subscriber_id": subscriber,
        "bill_from": "2026-01-01",
        "bill_through": "2026-01-31",
        "due_date": "2026-01-10",
        "amount_cents": CENTS,
        "voided_at": None,
        "void_reason": None,
        "version": 1,
    }
    recorded = {name: value for name, value in row.items() if name.endswith(("_date", "_from", "_through", "_cents"))}
    recorded |= {"group_id": GROUP, "division_id": DIVISION, "subscriber_id": subscriber}
    assert await history_entries(office, id) == [("RECORDED", None, recorded, None)]
    (event,) = await office.history(id)
    assert (event["employer_id"], event["employee_id"]) == (office.employer, None)
    assert (event["actor"], event["request_id"]) == ("ADMINISTRATOR akey_administrator", "request-1")


async def test_invoice_belongs_to_employer_of_newest_contract(database: Database) -> None:
    office = await office_with_contract(database)
    other = await create_office(database)
    await make_contract(office, coverage_start=date(2024, 1, 1), employer_id=other.employer)
    await make_contract(office, coverage_start=date(2022, 1, 1))
    await make_contract(office, coverage_start=date(2025, 1, 1), employer_id=None)
    await make_contract(office, division_id="D2", coverage_start=date(2026, 1, 1))
    await make_contract(office, "G200", employer_id=None)
    with_employer = await make_invoice(office, 1)
    without_employer = await make_invoice(office, 1, group_id="G200")
    assert (await read_invoice(office, with_employer)).employer_id == other.employer
    assert (await read_invoice(office, without_employer)).employer_id is None
    payment = await make_payment(office, with_employer)
    assert (await office.read_row("premium_payments", payment))["employer_id"] == other.employer


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"group_id": "G200"}, ["NOT_FOUND groupId"]),
        ({"division_id": "D2"}, ["NOT_FOUND groupId"]),
        ({"subscriber_id": "S2"}, ["NOT_FOUND subscriberId"]),
        ({"group_id": "G" * 21}, ["INVALID_INPUT groupId"]),
        ({"division_id": ""}, ["INVALID_INPUT divisionId"]),
        ({"subscriber_id": "S\x00"}, ["INVALID_INPUT subscriberId"]),
        ({"bill_through": date(2025, 12, 31)}, ["DATES_OUT_OF_ORDER billThrough"]),
        ({"amount_cents": -1}, ["INVALID_INPUT amountCents"]),
        (
            {"group_id": "G200", "subscriber_id": "S2", "bill_through": date(2025, 12, 31), "amount_cents": -1},
            [
                "NOT_FOUND groupId",
                "NOT_FOUND subscriberId",
                "DATES_OUT_OF_ORDER billThrough",
                "INVALID_INPUT amountCents",
            ],
        ),
    ],
)
async def test_invalid_invoices_are_refused(database: Database, changes: dict[str, Any], expected: list[str]) -> None:
    office = await office_with_contract(database)
    await enable_auto_paid_through(office)
    invoice = replace(build_invoice(1, SUBSCRIBER_ID), **changes)
    assert await office.refusals(office.run(billing.record_invoice, invoice)) == expected


async def test_invoice_may_cover_one_day_cost_nothing_and_be_due_any_day(database: Database) -> None:
    office = await office_with_contract(database)
    first = date(2026, 1, 1)
    invoice = billing.NewInvoice(GROUP, DIVISION, None, first, first, date(2020, 1, 1), 0)
    id = await office.run(billing.record_invoice, invoice)
    row = await read_invoice(office, id)
    assert (row.bill_through, row.due_date, row.paid_cents, row.status) == (first, date(2020, 1, 1), 0, "PAID")


# -------------------------------------------------------------------------------------------------------- payments


async def test_payments_add_up_to_paid_amount(database: Database) -> None:
    office = await office_with_contract(database)
    id = await make_invoice(office, 1)
    states = []
    for cents in (4_000, 5_999, 1, 500):
        await make_payment(office, id, cents)
        row = await read_invoice(office, id)
        states.append((row.paid_cents, row.status, row.version))
    assert states == [(4_000, "OPEN", 2), (9_999, "OPEN", 3), (10_000, "PAID", 4), (10_500, "PAID", 5)]
    payments = (await office.read_all_rows())["premium_payments"]
    assert [payments[key]["amount_cents"] for key in sorted(payments)] == [4_000, 5_999, 1, 500]
    (_, first, second, *_) = await history_entries(office, id)
    ids = sorted(payments)
    assert first == ("PAID", {"paid_cents": 0}, {"paid_cents": 4_000, "payment_id": ids[0]}, None)
    assert second == ("PAID", {"paid_cents": 4_000}, {"paid_cents": 9_999, "payment_id": ids[1]}, None)


async def test_payment_is_stored(database: Database) -> None:
    office = await office_with_contract(database)
    id = await make_invoice(office, 1)
    payment = await make_payment(office, id, 4_000, date(2026, 2, 3))
    row = await office.read_row("premium_payments", payment)
    assert row.pop("created_at") == (await office.read_row("premium_invoices", id))["updated_at"]
    assert row == {
        "tenant_id": "acme",
        "id": payment,
        "employer_id": office.employer,
        "invoice_id": id,
        "amount_cents": 4_000,
        "received_on": "2026-02-03",
        "reversed_at": None,
        "reversal_reason": None,
    }


async def test_invalid_payments_are_refused(database: Database) -> None:
    office = await office_with_contract(database)
    await enable_auto_paid_through(office)
    id = await make_invoice(office, 1)
    tomorrow = office.today + DAY
    voided = await make_invoice(office, 2)
    await void_invoice(office, voided)
    for invoice, cents, day, expected in [
        (id, 0, office.today, ["INVALID_INPUT amountCents"]),
        (id, -1, tomorrow, ["INVALID_INPUT amountCents", "INVALID_INPUT receivedOn"]),
        (id, 1, tomorrow, ["INVALID_INPUT receivedOn"]),
        ("x", 1, office.today, ["INVALID_INPUT invoiceId"]),
        ("x\x00", 0, office.today, ["INVALID_INPUT invoiceId", "INVALID_INPUT amountCents"]),
        (ABSENT_PAYMENT, 1, office.today, ["INVALID_INPUT invoiceId"]),
        (ABSENT_INVOICE, 1, office.today, ["NOT_FOUND invoiceId"]),
        (
            ABSENT_INVOICE,
            0,
            tomorrow,
            ["NOT_FOUND invoiceId", "INVALID_INPUT amountCents", "INVALID_INPUT receivedOn"],
        ),
        (voided, 1, office.today, ["INVALID_STATUS_TRANSITION invoiceId"]),
        (voided, 0, office.today, ["INVALID_STATUS_TRANSITION invoiceId", "INVALID_INPUT amountCents"]),
    ]:
        assert await office.refusals(make_payment(office, invoice, cents, day)) == expected


async def test_payments_exceeding_maximum_amount_are_refused(database: Database) -> None:
    office = await office_with_contract(database)
    id = await make_invoice(office, 1)
    payment = await make_payment(office, id, MAX_CENTS)
    assert await office.refusals(make_payment(office, id, 1)) == ["INVALID_INPUT amountCents"]
    assert (await read_invoice(office, id)).paid_cents == MAX_CENTS
    await reverse_payment(office, payment)
    await make_payment(office, id, 1)
    assert (await read_invoice(office, id)).paid_cents == 1


@pytest.mark.parametrize(
    ("time_zone", "now", "today"),
    [
        ("Pacific/Kiritimati", datetime(2026, 11, 20, 11, tzinfo=UTC), date(2026, 11, 21)),
        ("Pacific/Kiritimati", datetime(2026, 11, 20, 9, 59, tzinfo=UTC), date(2026, 11, 20)),
        ("Pacific/Honolulu", datetime(2026, 11, 20, 9, 59, tzinfo=UTC), date(2026, 11, 19)),
        ("Pacific/Honolulu", datetime(2026, 11, 20, 10, tzinfo=UTC), date(2026, 11, 20)),
        (None, datetime(2026, 11, 20, 0, tzinfo=UTC), date(2026, 11, 20)),
        (None, datetime(2026, 11, 20, 23, 59, tzinfo=UTC), date(2026, 11, 20)),
    ],
)
async def test_today_is_in_employer_time_zone_or_utc(
    database: Database, time_zone: str | None, now: datetime, today: date
) -> None:
    office = await create_office(database, time_zone=time_zone or "Pacific/Kiritimati")
    await make_contract(office, employer_id=office.employer if time_zone else None)
    id = await make_invoice(office, 1)

    async def pay(day: date) -> str:
        return await database.transact(office.viewer, Clock(now), lambda tx: billing.record_payment(tx, id, CENTS, day))

    assert await office.refusals(pay(today + DAY)) == ["INVALID_INPUT receivedOn"]
    await pay(today)
    assert (await read_invoice(office, id)).status == "PAID"


# ------------------------------------------------------------------------------------------------------- reversals


async def test_payment_is_reversed(database: Database) -> None:
    office = await office_with_contract(database)
    id = await make_invoice(office, 1)
    first, second = await make_payment(office, id, 6_000), await make_payment(office, id, 4_000)
    assert await reverse_payment(office, first, "It bounced.") == id
    row = await read_invoice(office, id)
    assert (row.paid_cents, row.status, row.version) == (4_000, "OPEN", 4)
    payment = await office.read_row("premium_payments", first)
    assert datetime.fromisoformat(payment["reversed_at"]) == row.updated_at
    assert payment["reversal_reason"] == "It bounced."
    assert (await office.read_row("premium_payments", second))["reversed_at"] is None
    assert (await history_entries(office, id))[-1] == (
        "REVERSED",
        {"paid_cents": 10_000},
        {"paid_cents": 4_000, "payment_id": first},
        "It bounced.",
    )
    await make_payment(office, id, 6_000)
    assert (await read_invoice(office, id)).status == "PAID"


async def test_invalid_reversals_are_refused(database: Database) -> None:
    office = await office_with_contract(database)
    payment = await make_payment(office, await make_invoice(office, 1))
    await reverse_payment(office, payment)
    too_long = "x" * 1001
    for id, reason, expected in [
        (payment, None, ["INVALID_STATUS_TRANSITION paymentId"]),
        (payment, too_long, ["INVALID_INPUT reason", "INVALID_STATUS_TRANSITION paymentId"]),
        ("x", too_long, ["INVALID_INPUT paymentId", "INVALID_INPUT reason"]),
        (ABSENT_INVOICE, None, ["INVALID_INPUT paymentId"]),
        (ABSENT_PAYMENT, None, ["NOT_FOUND paymentId"]),
        (ABSENT_PAYMENT, "", ["NOT_FOUND paymentId", "INVALID_INPUT reason"]),
    ]:
        assert await office.refusals(reverse_payment(office, id, reason)) == expected


# ----------------------------------------------------------------------------------------------------------- voids


async def test_invoice_is_voided(database: Database) -> None:
    office = await office_with_contract(database)
    id = await make_invoice(office, 1, paid_cents=4_000)
    await void_invoice(office, id, "Billed twice.", 2)
    row = await read_invoice(office, id)
    assert (row.status, row.paid_cents, row.version, row.void_reason) == ("VOID", 4_000, 3, "Billed twice.")
    assert row.voided_at == row.updated_at
    (*_, (action, before, after, reason)) = await history_entries(office, id)
    assert (action, before, reason) == ("VOIDED", {"voided_at": None}, "Billed twice.")
    assert after == {"voided_at": row.voided_at.isoformat()}


async def test_payment_on_void_invoice_can_be_reversed(database: Database) -> None:
    office = await office_with_contract(database)
    id = await make_invoice(office, 1)
    payment = await make_payment(office, id)
    await void_invoice(office, id)
    assert await reverse_payment(office, payment) == id
    row = await read_invoice(office, id)
    assert (row.status, row.paid_cents, row.version) == ("VOID", 0, 4)


async def test_invalid_voids_are_refused(database: Database) -> None:
    office = await office_with_contract(database)
    await enable_auto_paid_through(office)
    id, voided = await make_invoice(office, 1), await make_invoice(office, 2)
    await void_invoice(office, voided)
    for invoice, reason, version, expected in [
        (id, None, 2, ["VERSION_CONFLICT expectedVersion"]),
        (id, "", 2, ["INVALID_INPUT reason", "VERSION_CONFLICT expectedVersion"]),
        (voided, None, None, ["INVALID_STATUS_TRANSITION invoiceId"]),
        (voided, None, 2, ["INVALID_STATUS_TRANSITION invoiceId"]),
        (voided, None, 1, ["VERSION_CONFLICT expectedVersion", "INVALID_STATUS_TRANSITION invoiceId"]),
        ("x", "", 1, ["INVALID_INPUT invoiceId", "INVALID_INPUT reason"]),
        (ABSENT_INVOICE, None, None, ["NOT_FOUND invoiceId"]),
        (ABSENT_INVOICE, "x" * 1001, None, ["NOT_FOUND invoiceId", "INVALID_INPUT reason"]),
    ]:
        assert await office.refusals(void_invoice(office, invoice, reason, version)) == expected
    await void_invoice(office, id, None, 1)


# --------------------------------------------------------------------------------------------------------- tenancy


async def test_billing_rows_of_another_tenant_are_not_found(database: Database) -> None:
    office, other = await office_with_contract(database), await office_with_contract(database, tenant="globex")
    await make_coverage(other, coverage_key(date(2026, 1, 1)))
    id = await make_invoice(other, 1)
    payment = await make_payment(other, id)
    before = await other.read_all_rows()
    assert await office.refusals(make_payment(office, id)) == ["NOT_FOUND invoiceId"]
    assert await office.refusals(void_invoice(office, id)) == ["NOT_FOUND invoiceId"]
    assert await office.refusals(reverse_payment(office, payment)) == ["NOT_FOUND paymentId"]
    assert await set_paid_through(office) == []
    assert await other.read_all_rows() == before


async def test_billing_rows_of_another_employer_are_not_found(database: Database) -> None:
    office = await office_with_contract(database)
    other = await create_office(database)
    service = other.as_viewer(service_viewer(employer=other.employer))
    id = await make_invoice(office, 1)
    payment = await make_payment(office, id)
    assert await service.refusals(make_payment(service, id)) == ["NOT_FOUND invoiceId"]
    assert await service.refusals(void_invoice(service, id)) == ["NOT_FOUND invoiceId"]
    assert await service.refusals(reverse_payment(service, payment)) == ["NOT_FOUND paymentId"]
    assert await service.refusals(make_invoice(service, 1)) == ["NOT_FOUND groupId"]
    assert await service.refusals(set_paid_through(service)) == ["NOT_FOUND groupId", "NOT_FOUND subscriberId"]
    ours = office.as_viewer(service_viewer(employer=office.employer))
    assert await reverse_payment(ours, payment) == id
    with pytest.raises(Refused):
        await reverse_payment(ours, payment)
