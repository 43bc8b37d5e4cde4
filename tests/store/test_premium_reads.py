"""What the graph reads of premiums: invoices with what is paid of them, their payments, and to whom they are shown."""

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

OTHER = "S00000002"


async def group_of(database: Database, **options: Any) -> Office:
    office = await create_office(database, **options)
    await make_contract(office)
    for number in (SUBSCRIBER_ID, OTHER):
        await make_subscriber(office, number)
    return office


async def test_an_invoice_stands_where_the_domain_says(database: Database) -> None:
    office = await group_of(database)
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
        found = await store.billing.by_ids(read_session, [*expected, "pinv_x"])
    assert {id: (row.paid_cents, row.status) for id, row in found.items()} == expected
    assert {type(row.paid_cents) for row in found.values()} == {int}
    assert {type(row.status) for row in found.values()} == {InvoiceStatus}


async def test_a_subscribers_own_invoices_come_in_pages(database: Database) -> None:
    office = await group_of(database)
    own = [await make_invoice(office, number, SUBSCRIBER_ID, paid_cents=number) for number in (3, 1, 2)]
    others = [await make_invoice(office, 1, OTHER, paid_cents=CENTS)]
    await make_invoice(office, 1, paid_cents=CENTS)
    keys = [SUBSCRIBER_ID, OTHER, "S3"]
    async with database.read(office.viewer, office.clock()) as read_session:
        first = await store.billing.of_subscribers(read_session, keys, PageWindow(2))
        rest = await store.billing.of_subscribers(read_session, keys, PageWindow(2, after=(own[1],)))
        back = await store.billing.of_subscribers(read_session, keys, PageWindow(9, order=(("ID", True),)))
        counts = await store.billing.of_subscribers.count(read_session, keys, None)
    assert {key: ([row.id for row in part.rows], part.has_more) for key, part in first.items()} == {
        SUBSCRIBER_ID: (own[:2], True),
        OTHER: (others, False),
        "S3": ([], False),
    }
    assert [(row.paid_cents, row.status) for row in first[SUBSCRIBER_ID].rows] == [(3, "OPEN"), (1, "OPEN")]
    assert [row.id for row in rest[SUBSCRIBER_ID].rows] == own[2:]
    assert [row.id for row in back[SUBSCRIBER_ID].rows] == own[::-1]
    assert counts == {SUBSCRIBER_ID: 3, OTHER: 1, "S3": 0}


async def test_payments_come_in_the_order_they_were_recorded(database: Database) -> None:
    office = await group_of(database)
    ids = [await make_invoice(office, number) for number in (1, 2, 3)]
    payments = [await make_payment(office, id, cents) for id, cents in ((ids[0], 9), (ids[1], 5), (ids[0], 2))]
    await reverse_payment(office, payments[0])
    async with database.read(office.viewer, office.clock()) as read_session:
        found = await store.billing.payments_of(read_session, ids)
        by_id = await store.billing.payments_by_ids(read_session, [*payments, "ppmt_x"])
    assert {key: [(row.id, row.amount_cents, row.reversed) for row in rows] for key, rows in found.items()} == {
        ids[0]: [(payments[0], 9, True), (payments[2], 2, False)],
        ids[1]: [(payments[1], 5, False)],
        ids[2]: [],
    }
    assert {id: (row.received_on, row.reversed) for id, row in by_id.items()} == {
        id: (office.today, id == payments[0]) for id in payments
    }


@pytest.mark.parametrize("who", ["administrator", "service", "clerk", "another's clerk", "employee", "another tenant"])
async def test_premiums_are_shown_to_those_whose_business_they_are(database: Database, who: str) -> None:
    office = await group_of(database)
    elsewhere = await create_office(database)
    ada = await office.hire()
    await make_contract(office, "G200", employer_id=None)
    ours = await make_invoice(office, 1, SUBSCRIBER_ID, paid_cents=CENTS)
    nobodys = await make_invoice(office, 1, group_id="G200", paid_cents=CENTS)
    viewers: dict[str, tuple[Viewer, list[str]]] = {
        "administrator": (administrator(), [ours, nobodys]),
        "service": (service_viewer(), [ours, nobodys]),
        "clerk": (employer_viewer(office.employer), [ours]),
        "another's clerk": (employer_viewer(elsewhere.employer), []),
        "employee": (employee_viewer(office.employer, ada), []),
        "another tenant": (administrator("globex"), []),
    }
    viewer, expected = viewers[who]
    payments = (await office.read_all_rows())["premium_payments"]
    async with database.read(viewer, office.clock()) as read_session:
        found = await store.billing.by_ids(read_session, [ours, nobodys])
        paid = await store.billing.payments_of(read_session, [ours, nobodys])
        by_id = await store.billing.payments_by_ids(read_session, list(payments))
        own = await store.billing.of_subscribers(read_session, [SUBSCRIBER_ID], PageWindow(5))
        counts = await store.billing.of_subscribers.count(read_session, [SUBSCRIBER_ID], None)
    assert [row.paid_cents for row in found.values()] == [CENTS] * len(expected)
    assert sorted(found) == expected
    assert sorted(id for id, rows in paid.items() if rows) == expected
    assert sorted(row.invoice_id for row in by_id.values()) == expected
    assert [row.id for row in own[SUBSCRIBER_ID].rows] == [id for id in expected if id == ours]
    assert counts == {SUBSCRIBER_ID: len(own[SUBSCRIBER_ID].rows)}
