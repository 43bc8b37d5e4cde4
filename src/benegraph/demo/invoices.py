"""Premium invoices: recorded, paid, voided, and paid-through dates set, in the same steps as the services."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from functools import cache
from random import Random

from benegraph.db.models import PremiumInvoice, PremiumPayment, SubscriberEnrollment
from benegraph.demo.coverage_of_record import SubscriberState
from benegraph.demo.event_queue import EventQueue
from benegraph.demo.record_buffer import RecordBuffer, Row
from benegraph.domain.billing import Invoice, compute_paid_through
from benegraph.domain.ids import IdPrefix
from benegraph.services.billing import NewInvoice

_INVOICE_COLUMNS = tuple(field.name for field in fields(NewInvoice))


@dataclass(slots=True)
class InvoiceState:
    """An invoice's row and the amount paid. With a `subscriber` it bills that subscriber, else the whole division."""

    row: Row
    subscriber: SubscriberState | None
    paid_cents: int = 0

    def as_invoice(self) -> Invoice:
        return Invoice(
            self.row["id"],
            self.row["bill_from"],
            self.row["bill_through"],
            self.row["amount_cents"],
            self.paid_cents,
            void=self.row["voided_at"] is not None,
            is_subscriber_invoice=self.subscriber is not None,
        )


@dataclass(slots=True)
class DivisionAccount:
    """A division's account with the carrier: its contract, its subscribers, and all invoices under the contract."""

    records: RecordBuffer
    rng: Random
    queue: EventQueue
    contract: Row
    #: Whether paid-through dates are updated with every change of an invoice.
    auto_paid_through: bool
    subscribers: list[SubscriberState] = field(default_factory=list)
    invoices: list[InvoiceState] = field(default_factory=list)


def record_invoice(
    account: DivisionAccount, subscriber: SubscriberState | None, new_invoice: NewInvoice, at: datetime
) -> InvoiceState:
    """Add an invoice, as `recordPremiumInvoice` does."""
    values = {name: getattr(new_invoice, name) for name in _INVOICE_COLUMNS}
    billed_ids = (account.contract["id"], *([subscriber.row["id"]] if subscriber else []))
    row: Row = {
        "id": account.records.new_id(IdPrefix.PREMIUM_INVOICE, *billed_ids),
        "employer_id": account.contract["employer_id"],
        **values,
        "voided_at": None,
        "void_reason": None,
    }
    invoice = InvoiceState(account.records.add(PremiumInvoice, row, at), subscriber)
    account.invoices.append(invoice)
    account.records.add_event(PremiumInvoice, row, "RECORDED", at, None, values, None)
    _update_paid_through(account, invoice, at)
    return invoice


def void_invoice(account: DivisionAccount, invoice: InvoiceState, reason: str, at: datetime) -> None:
    """Void an invoice, as `voidPremiumInvoice` does."""
    account.records.update(invoice.row, {"voided_at": at, "void_reason": reason}, at)
    before, after = {"voided_at": None}, {"voided_at": at}
    account.records.add_event(PremiumInvoice, invoice.row, "VOIDED", at, before, after, reason)
    _update_paid_through(account, invoice, at)


def record_payment(account: DivisionAccount, invoice: InvoiceState, amount_cents: int, at: datetime) -> Row:
    """Add a payment received that day, as `recordPremiumPayment` does, and return its row."""
    row: Row = {
        "id": account.records.new_id(IdPrefix.PREMIUM_PAYMENT, invoice.row["id"]),
        "employer_id": account.contract["employer_id"],
        "invoice_id": invoice.row["id"],
        "amount_cents": amount_cents,
        "received_on": at.date(),
        "reversed_at": None,
        "reversal_reason": None,
    }
    account.records.add(PremiumPayment, row, at)
    _change_paid_amount(account, invoice, "PAID", row, amount_cents, at)
    return row


def reverse_payment(account: DivisionAccount, invoice: InvoiceState, payment: Row, reason: str, at: datetime) -> None:
    """Reverse a payment, as `reversePremiumPayment` does."""
    payment |= {"reversed_at": at, "reversal_reason": reason}
    _change_paid_amount(account, invoice, "REVERSED", payment, -payment["amount_cents"], at, reason)


def _change_paid_amount(
    account: DivisionAccount,
    invoice: InvoiceState,
    action: str,
    payment: Row,
    cents: int,
    at: datetime,
    reason: str | None = None,
) -> None:
    before = {"paid_cents": invoice.paid_cents}
    invoice.paid_cents += cents
    account.records.increment_version(invoice.row, at)
    after = {"paid_cents": invoice.paid_cents, "payment_id": payment["id"]}
    account.records.add_event(PremiumInvoice, invoice.row, action, at, before, after, reason)
    _update_paid_through(account, invoice, at)


# ------------------------------------------------------------------------------------------------ paid through


def _update_paid_through(account: DivisionAccount, invoice: InvoiceState, at: datetime) -> None:
    if account.auto_paid_through:
        set_paid_through(account, account.subscribers if invoice.subscriber is None else [invoice.subscriber], at)


def update_synced_coverage(account: DivisionAccount, subscriber: SubscriberState, at: datetime) -> None:
    """Set the paid-through dates of a subscriber whose coverage an election has changed, if they are automatic."""
    if account.auto_paid_through:
        set_paid_through(account, [subscriber], at, only_billed=True)


def set_paid_through(
    account: DivisionAccount, subscribers: Iterable[SubscriberState], at: datetime, *, only_billed: bool = False
) -> None:
    """Set the paid-through date of each coverage of these subscribers, as `setPaidThrough` does.

    With `only_billed`, coverage without any invoice keeps its date.
    """
    group_invoices: list[Invoice] = []
    own_invoices: dict[str, list[Invoice]] = defaultdict(list)
    for invoice in account.invoices:
        invoices = own_invoices[invoice.subscriber.number] if invoice.subscriber else group_invoices
        invoices.append(invoice.as_invoice())

    @cache
    def group_paid_through(start: date, end: date | None) -> date | None:
        return _paid_through_date(start, end, group_invoices)

    for subscriber in subscribers:
        own = own_invoices.get(subscriber.number, [])
        if only_billed and all(invoice.void for invoice in (*group_invoices, *own)):
            continue
        for coverage in subscriber.coverages:
            span = coverage["start_date"], coverage["end_date"]
            day = _paid_through_date(*span, [*group_invoices, *own]) if own else group_paid_through(*span)
            if day == coverage["paid_through"]:
                continue
            account.records.update_with_event(SubscriberEnrollment, coverage, "PAID_THROUGH", {"paid_through": day}, at)
            subscriber.paid_through[coverage["id"]] = day


def _paid_through_date(start: date, end: date | None, invoices: list[Invoice]) -> date | None:
    result = compute_paid_through(start, end, invoices)
    return result.day if result else None
