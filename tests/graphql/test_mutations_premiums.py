"""Premiums through the schema: what is billed and paid, and through which day coverage is paid for it."""

from typing import Any

import pytest
from carriers_inputs import COVERED, WHERE, covered_office, key, seen
from graphql_requests import fetch_data
from mutating import call

from benegraph.db.session import Database
from factories.billing import make_invoice, make_payment
from factories.office import Office


@pytest.fixture
async def office(database: Database) -> Office:
    return await covered_office(database)


async def test_paid_through_over_a_history_with_a_gap(office: Office) -> None:
    """January and February are paid, nobody billed March, April is paid: paid through the end of February."""
    invoices = {number: await make_invoice(office, number, paid_cents=10_000) for number in (1, 2, 4)}
    query = """mutation($input: SetPaidThroughInput!) { setPaidThrough(input: $input) {
        results { paidThrough subscriberEnrollment { startDate paidThrough version } invoice { id status billThrough } }
        userErrors { code }
    } }"""
    input = {"subscriberId": COVERED, **WHERE}

    async def reached() -> Any:
        data = await fetch_data(office.database, office.clock(), office.viewer, query, input=input)
        (result,) = data["setPaidThrough"]["results"]
        return result

    assert await reached() == {
        "paidThrough": "2026-02-28",
        "subscriberEnrollment": {"startDate": "2026-01-01", "paidThrough": "2026-02-28", "version": 2},
        "invoice": {"id": invoices[2], "status": "PAID", "billThrough": "2026-02-28"},
    }
    march = await make_invoice(office, 3)
    assert (await reached())["paidThrough"] == "2026-02-28"
    await make_payment(office, march, 9_999)
    assert (await reached())["paidThrough"] == "2026-02-28"
    await make_payment(office, march, 1)
    assert (await reached())["paidThrough"] == "2026-04-30"
    assert (await call(office, "voidPremiumInvoice", {"invoiceId": invoices[1]})).is_done
    assert (await reached())["paidThrough"] == "2026-04-30"  # from the first invoice on
    for number in (2, 3, 4):
        id = invoices.get(number, march)
        assert (await call(office, "voidPremiumInvoice", {"invoiceId": id, "reason": "All wrong."})).is_done
    assert await reached() == {
        "paidThrough": None,
        "subscriberEnrollment": {"startDate": "2026-01-01", "paidThrough": None, "version": 4},
        "invoice": None,
    }


async def test_a_replay_tells_what_was_found_and_shows_what_stands(office: Office) -> None:
    await make_invoice(office, 1, paid_cents=10_000)
    query = """mutation($input: SetPaidThroughInput!) { setPaidThrough(input: $input) {
        results { paidThrough subscriberEnrollment { paidThrough } invoice { status } }
    } }"""
    input = {"subscriberId": COVERED, **WHERE, "idempotencyKey": "k"}
    for stands in ("2026-01-31", "2026-02-28"):
        data = await fetch_data(office.database, office.clock(), office.viewer, query, input=input)
        assert data["setPaidThrough"]["results"] == [
            {
                "paidThrough": "2026-01-31",
                "subscriberEnrollment": {"paidThrough": stands},
                "invoice": {"status": "PAID"},
            }
        ]
        fields = {"paidThrough": "2026-02-28"}
        await call(office, "updateSubscriberEnrollment", {"key": key("2026-01-01"), "fields": fields})


async def test_paid_through_is_kept_up_where_the_tenant_wants_it(office: Office) -> None:
    invoice = await make_invoice(office, 1)
    paying = {"invoiceId": invoice, "amountCents": 10_000, "receivedOn": "2026-01-09"}
    first = await call(office, "recordPremiumPayment", paying)
    assert (await seen(office, key("2026-01-01")))["paidThrough"] is None
    assert (await call(office, "updateTenantSettings", {"autoPaidThrough": True})).is_done
    assert (await call(office, "updateTenantSettings", {})).payload == {"tenantSettings": {"autoPaidThrough": True}}
    assert first.payload is not None
    bounced = {"paymentId": first.payload["payment"]["id"], "reason": "Bounced."}
    assert (await call(office, "reversePremiumPayment", bounced)).is_done
    assert (await seen(office, key("2026-01-01")))["paidThrough"] is None
    assert (await call(office, "recordPremiumPayment", paying)).is_done
    assert (await seen(office, key("2026-01-01")))["paidThrough"] == "2026-01-31"
    assert (await call(office, "voidPremiumInvoice", {"invoiceId": invoice})).is_done
    assert (await seen(office, key("2026-01-01")))["paidThrough"] is None


async def test_a_bill_to_the_end_of_time_is_paid_through_then(office: Office) -> None:
    await call(office, "updateSubscriberEnrollment", {"key": key("2026-01-01"), "fields": {"endDate": None}})
    bill = {**WHERE, "billFrom": "0001-01-01", "billThrough": "9999-12-31", "dueDate": "9999-12-31", "amountCents": 0}
    assert (await call(office, "recordPremiumInvoice", bill)).is_done
    answer = await call(office, "setPaidThrough", {"subscriberId": COVERED, **WHERE})
    assert answer.payload is not None
    assert answer.payload["results"][0]["paidThrough"] == "9999-12-31"
