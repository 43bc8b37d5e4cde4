"""Premium invoices and payments, created through the services: months of 2026, by default 100 dollars each."""

from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.values import last_day_of_month
from benegraph.services import billing
from benegraph.services.coverage.paid_through import CoveragePaidThrough
from factories.coverage import DIVISION, GROUP, SUBSCRIBER_ID
from factories.office import Office

CENTS = 10_000


def month_dates(number: int) -> tuple[date, date]:
    """Return the first and last day of a month of 2026."""
    return date(2026, number, 1), last_day_of_month(date(2026, number, 1))


def build_invoice(
    number: int,
    subscriber_id: str | None = None,
    *,
    amount_cents: int = CENTS,
    group_id: str = GROUP,
    division_id: str = DIVISION,
) -> billing.NewInvoice:
    """Build an invoice of a month for the group, or for one subscriber, due on the tenth."""
    first, last = month_dates(number)
    return billing.NewInvoice(group_id, division_id, subscriber_id, first, last, first.replace(day=10), amount_cents)


async def make_invoice(
    office: Office, number: int, subscriber_id: str | None = None, *, paid_cents: int = 0, **options: Any
) -> str:
    """Record an invoice of a month, and a payment on it if `paid_cents` is not 0."""
    id = await office.run(billing.record_invoice, build_invoice(number, subscriber_id, **options))
    if paid_cents:
        await make_payment(office, id, paid_cents)
    return id


async def make_payment(office: Office, invoice: str, amount_cents: int = CENTS, received_on: date | None = None) -> str:
    """Record a payment, by default received today."""
    return await office.run(billing.record_payment, invoice, amount_cents, received_on or office.today)


async def void_invoice(office: Office, invoice: str, reason: str | None = None, version: int | None = None) -> None:
    await office.run(billing.void_invoice, invoice, reason, version)


async def reverse_payment(office: Office, payment: str, reason: str | None = None) -> str:
    return await office.run(billing.reverse_payment, payment, reason)


async def set_paid_through(
    office: Office, subscriber_id: str = SUBSCRIBER_ID, group_id: str = GROUP, division_id: str = DIVISION
) -> list[CoveragePaidThrough]:
    return await office.run(billing.set_paid_through, subscriber_id, group_id, division_id)


async def enable_auto_paid_through(office: Office, *, on: bool = True) -> None:
    """Set whether changes of invoices update the paid-through dates of the tenant's coverages at once."""
    await office.run(billing.set_auto_paid_through, on)


async def read_invoice(office: Office, id: str) -> Any:
    """Return an invoice as the GraphQL API shows it."""

    async def transaction(tx: Transaction) -> Any:
        return (await store.billing.by_ids(tx, [id]))[id]

    return await office.run(transaction)
