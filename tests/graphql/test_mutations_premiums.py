"""Premiums through the GraphQL API: invoices, payments, and the paid-through dates that follow from them."""

from typing import Any

import pytest
from carrier_inputs import COVERED, DIVISION_INPUT, create_covered_office, key_input, read_coverage
from graphql_requests import fetch_data
from mutation_calls import call

from benegraph.db.session import Database
from factories.billing import make_invoice, make_payment
from factories.office import Office


@pytest.fixture
async def office(database: Database) -> Office:
    return await create_covered_office(database)


async def test_paid_through_stops_at_the_first_unbilled_or_unpaid_month(office: Office) -> None:
    """January and February are paid, March is not billed, April is paid: paid through the end of February."""
    invoices = {number: await make_invoice(office, number, paid_cents=10_000) for number in (1, 2, 4)}
    query = """mutation($input: SetPaidThroughInput!) { setPaidThrough(input: $input) {
        results { paidThrough subscriberEnrollment { startDate paidThrough version } invoice { id status billThrough } }
        userErrors { code }
    } }"""
    input = {"subscriberId": COVERED, **DIVISION_INPUT}

    async def compute_paid_through() -> Any:
        data = await fetch_data(office.database, office.clock(), office.viewer, query, input=input)
        (result,) = data["setPaidThrough"]["results"]
        return result

    assert await compute_paid_through() == {
        "paidThrough": "2026-02-28",
        "subscriberEnrollment": {"startDate": "2026-01-01", "paidThrough": "2026-02-28", "version": 2},
        "invoice": {"id": invoices[2], "status": "PAID", "billThrough": "2026-02-28"},
    }
    march = await make_invoice(office, 3)
    assert (await compute_paid_through())["paidThrough"] == "2026-02-28"
    await make_payment(office, march, 9_999)
    assert (await compute_paid_through())["paidThrough"] == "2026-02-28"
    await make_payment(office, march, 1)
    assert (await compute_paid_through())["paidThrough"] == "2026-04-30"
    assert (await call(office, "voidPremiumInvoice", {"invoiceId": invoices[1]})).is_applied
    assert (await compute_paid_through())["paidThrough"] == "2026-04-30"  # the walk starts at the first invoice
    for number in (2, 3, 4):
        id = invoices.get(number, march)
        assert (await call(office, "voidPremiumInvoice", {"invoiceId": id, "reason": "All wrong."})).is_applied
    assert await compute_paid_through() == {
        "paidThrough": None,
        "subscriberEnrollment": {"startDate": "2026-01-01", "paidThrough": None, "version": 4},
        "invoice": None,
    }


async def test_replay_returns_the_first_result_and_the_current_rows(office: Office) -> None:
    await make_invoice(office, 1, paid_cents=10_000)
    query = """mutation($input: SetPaidThroughInput!) { setPaidThrough(input: $input) {
        results { paidThrough subscriberEnrollment { paidThrough } invoice { status } }
    } }"""
    input = {"subscriberId": COVERED, **DIVISION_INPUT, "idempotencyKey": "k"}
    for current in ("2026-01-31", "2026-02-28"):
        data = await fetch_data(office.database, office.clock(), office.viewer, query, input=input)
        assert data["setPaidThrough"]["results"] == [
            {
                "paidThrough": "2026-01-31",
                "subscriberEnrollment": {"paidThrough": current},
                "invoice": {"status": "PAID"},
            }
        ]
        fields = {"paidThrough": "2026-02-28"}
        await call(office, "updateSubscriberEnrollment", {"key": key_input("2026-01-01"), "fields": fields})


async def test_auto_paid_through_updates_coverage_after_each_payment_change(office: Office) -> None:
    invoice = await make_invoice(office, 1)
    payment = {"invoiceId": invoice, "amountCents": 10_000, "receivedOn": "2026-01-09"}
    first = await call(office, "recordPremiumPayment", payment)
    assert (await read_coverage(office, key_input("2026-01-01")))["paidThrough"] is None
    assert (await call(office, "updateTenantSettings", {"autoPaidThrough": True})).is_applied
    assert (await call(office, "updateTenantSettings", {})).payload == {"tenantSettings": {"autoPaidThrough": True}}
    assert first.payload is not None
    reversal = {"paymentId": first.payload["payment"]["id"], "reason": "Bounced."}
    assert (await call(office, "reversePremiumPayment", reversal)).is_applied
    assert (await read_coverage(office, key_input("2026-01-01")))["paidThrough"] is None
    assert (await call(office, "recordPremiumPayment", payment)).is_applied
    assert (await read_coverage(office, key_input("2026-01-01")))["paidThrough"] == "2026-01-31"
    assert (await call(office, "voidPremiumInvoice", {"invoiceId": invoice})).is_applied
    assert (await read_coverage(office, key_input("2026-01-01")))["paidThrough"] is None


async def test_invoice_through_year_9999_is_paid_through_its_end(office: Office) -> None:
    await call(office, "updateSubscriberEnrollment", {"key": key_input("2026-01-01"), "fields": {"endDate": None}})
    bill = {
        **DIVISION_INPUT,
        "billFrom": "0001-01-01",
        "billThrough": "9999-12-31",
        "dueDate": "9999-12-31",
        "amountCents": 0,
    }
    assert (await call(office, "recordPremiumInvoice", bill)).is_applied
    response = await call(office, "setPaidThrough", {"subscriberId": COVERED, **DIVISION_INPUT})
    assert response.payload is not None
    assert response.payload["results"][0]["paidThrough"] == "9999-12-31"
