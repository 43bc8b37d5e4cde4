"""Premiums of an office's group, told through the services: each of a month of 2026, for 100 dollars."""

from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.values import last_day_of_month
from benegraph.services import billing
from factories.coverage import DIVISION, GROUP, SUBSCRIBER_ID
from factories.office import Office

CENTS = 10_000


def month_dates(number: int) -> tuple[date, date]:
    """Give the first and the last day of a month of 2026, in which the tests' day is."""
    return date(2026, number, 1), last_day_of_month(date(2026, number, 1))


def build_invoice(
    number: int,
    subscriber_id: str | None = None,
    *,
    amount_cents: int = CENTS,
    group_id: str = GROUP,
    division_id: str = DIVISION,
) -> billing.NewInvoice:
    """Bill a month to the group, or to a subscriber in it, due on its tenth."""
    first, last = month_dates(number)
    return billing.NewInvoice(group_id, division_id, subscriber_id, first, last, first.replace(day=10), amount_cents)


async def make_invoice(
    office: Office, number: int, subscriber_id: str | None = None, *, paid_cents: int = 0, **options: Any
) -> str:
    """Record an invoice of a month, and one payment on it where any of it is paid."""
    id = await office.run(billing.record_invoice, build_invoice(number, subscriber_id, **options))
    if paid_cents:
        await make_payment(office, id, paid_cents)
    return id


async def make_payment(office: Office, invoice: str, amount_cents: int = CENTS, received_on: date | None = None) -> str:
    """Record a payment, received today unless another day is given."""
    return await office.run(billing.record_payment, invoice, amount_cents, received_on or office.today)


async def void_invoice(office: Office, invoice: str, reason: str | None = None, version: int | None = None) -> None:
    await office.run(billing.void_invoice, invoice, reason, version)


async def reverse_payment(office: Office, payment: str, reason: str | None = None) -> str:
    return await office.run(billing.reverse_payment, payment, reason)


async def set_paid_through(
    office: Office, subscriber_id: str = SUBSCRIBER_ID, group_id: str = GROUP, division_id: str = DIVISION
) -> list[billing.CoveragePaidThrough]:
    return await office.run(billing.set_paid_through, subscriber_id, group_id, division_id)


async def enable_auto_paid_through(office: Office, *, on: bool = True) -> None:
    """Say that coverages of the tenant are brought up to date with every change of an invoice."""
    await office.run(billing.set_auto_paid_through, on)


async def read_invoice(office: Office, id: str) -> Any:
    """Read an invoice as the graph shows it."""

    async def story(tx: Transaction) -> Any:
        return (await store.billing.by_ids(tx, [id]))[id]

    return await office.run(story)
