"""Row queries of premiums: invoices with their paid amounts, payments, and their visibility to viewers."""

from typing import Any

import pytest

from benegraph.db import store
from benegraph.db.session import Database
from benegraph.db.store.row_queries import PageWindow
from benegraph.domain.access import Viewer
from benegraph.domain.billing import InvoiceStatus, derive_invoice_status
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
from factories.billing import CENTS, make_invoice, make_payment, reverse_payment, void_invoice
from factories.coverage import SUBSCRIBER_ID, make_contract, make_subscriber
from factories.office import Office, create_office

OTHER_SUBSCRIBER_ID = "S00000002"


async def create_group(database: Database, **options: Any) -> Office:
    office = await create_office(database, **options)
    await make_contract(office)
    for number in (SUBSCRIBER_ID, OTHER_SUBSCRIBER_ID):
        await make_subscriber(office, number)
    return office


async def test_invoice_status_equals_the_domain_rule(database: Database) -> None:
    office = await create_group(database)
    expected: dict[str, tuple[int, InvoiceStatus]] = {}
    for amount_cents in (0, CENTS):
        for payments in ((), (CENTS - 1,), (CENTS - 1, 1), (CENTS, CENTS)):
            for voided in (False, True):
                id = await make_invoice(office, 1, amount_cents=amount_cents)
                for cents in payments:
                    await make_payment(office, id, cents)
                await reverse_payment(office, await make_payment(office, id, 7))
                if voided:
                    await void_invoice(office, id)
                paid_cents = sum(payments)
                expected[id] = (paid_cents, derive_invoice_status(amount_cents, paid_cents, void=voided))
    assert {status for _, status in expected.values()} == set(InvoiceStatus)
    async with database.read(office.viewer, office.clock()) as read_session:
        rows = await store.billing.by_ids(read_session, [*expected, "pinv_x"])
    assert {id: (row.paid_cents, row.status) for id, row in rows.items()} == expected
    assert {type(row.paid_cents) for row in rows.values()} == {int}
    assert {type(row.status) for row in rows.values()} == {InvoiceStatus}


async def test_invoices_of_subscribers_are_paged(database: Database) -> None:
    office = await create_group(database)
    own = [await make_invoice(office, number, SUBSCRIBER_ID, paid_cents=number) for number in (3, 1, 2)]
    others = [await make_invoice(office, 1, OTHER_SUBSCRIBER_ID, paid_cents=CENTS)]
    await make_invoice(office, 1, paid_cents=CENTS)
    keys = [SUBSCRIBER_ID, OTHER_SUBSCRIBER_ID, "S3"]
    async with database.read(office.viewer, office.clock()) as read_session:
        first = await store.billing.of_subscribers(read_session, keys, PageWindow(2))
        rest = await store.billing.of_subscribers(read_session, keys, PageWindow(2, after=(own[1],)))
        descending = await store.billing.of_subscribers(read_session, keys, PageWindow(9, order=(("ID", True),)))
        counts = await store.billing.of_subscribers.count(read_session, keys, None)
    assert {key: ([row.id for row in page.rows], page.has_next_page) for key, page in first.items()} == {
        SUBSCRIBER_ID: (own[:2], True),
        OTHER_SUBSCRIBER_ID: (others, False),
        "S3": ([], False),
    }
    assert [(row.paid_cents, row.status) for row in first[SUBSCRIBER_ID].rows] == [(3, "OPEN"), (1, "OPEN")]
    assert [row.id for row in rest[SUBSCRIBER_ID].rows] == own[2:]
    assert [row.id for row in descending[SUBSCRIBER_ID].rows] == own[::-1]
    assert counts == {SUBSCRIBER_ID: 3, OTHER_SUBSCRIBER_ID: 1, "S3": 0}


async def test_payments_are_in_the_order_of_their_recording(database: Database) -> None:
    office = await create_group(database)
    ids = [await make_invoice(office, number) for number in (1, 2, 3)]
    payments = [await make_payment(office, id, cents) for id, cents in ((ids[0], 9), (ids[1], 5), (ids[0], 2))]
    await reverse_payment(office, payments[0])
    async with database.read(office.viewer, office.clock()) as read_session:
        payments_by_invoice = await store.billing.payments_of(read_session, ids)
        by_id = await store.billing.payments_by_ids(read_session, [*payments, "ppmt_x"])
    assert {
        key: [(row.id, row.amount_cents, row.reversed) for row in rows] for key, rows in payments_by_invoice.items()
    } == {
        ids[0]: [(payments[0], 9, True), (payments[2], 2, False)],
        ids[1]: [(payments[1], 5, False)],
        ids[2]: [],
    }
    assert {id: (row.received_on, row.reversed) for id, row in by_id.items()} == {
        id: (office.today, id == payments[0]) for id in payments
    }


@pytest.mark.parametrize(
    "role", ["administrator", "service", "employer", "another employer", "employee", "another tenant"]
)
async def test_premiums_are_visible_to_administrators_services_and_their_employer(
    database: Database, role: str
) -> None:
    office = await create_group(database)
    other_office = await create_office(database)
    ada = await office.hire()
    await make_contract(office, "G200", employer_id=None)
    own_invoice = await make_invoice(office, 1, SUBSCRIBER_ID, paid_cents=CENTS)
    unassigned = await make_invoice(office, 1, group_id="G200", paid_cents=CENTS)
    viewers: dict[str, tuple[Viewer, list[str]]] = {
        "administrator": (administrator(), [own_invoice, unassigned]),
        "service": (service_viewer(), [own_invoice, unassigned]),
        "employer": (employer_viewer(office.employer), [own_invoice]),
        "another employer": (employer_viewer(other_office.employer), []),
        "employee": (employee_viewer(office.employer, ada), []),
        "another tenant": (administrator("globex"), []),
    }
    viewer, expected = viewers[role]
    payments = (await office.read_all_rows())["premium_payments"]
    async with database.read(viewer, office.clock()) as read_session:
        rows = await store.billing.by_ids(read_session, [own_invoice, unassigned])
        paid = await store.billing.payments_of(read_session, [own_invoice, unassigned])
        by_id = await store.billing.payments_by_ids(read_session, list(payments))
        own = await store.billing.of_subscribers(read_session, [SUBSCRIBER_ID], PageWindow(5))
        counts = await store.billing.of_subscribers.count(read_session, [SUBSCRIBER_ID], None)
    assert [row.paid_cents for row in rows.values()] == [CENTS] * len(expected)
    assert sorted(rows) == expected
    assert sorted(id for id, payment_rows in paid.items() if payment_rows) == expected
    assert sorted(row.invoice_id for row in by_id.values()) == expected
    assert [row.id for row in own[SUBSCRIBER_ID].rows] == [id for id in expected if id == own_invoice]
    assert counts == {SUBSCRIBER_ID: len(own[SUBSCRIBER_ID].rows)}
