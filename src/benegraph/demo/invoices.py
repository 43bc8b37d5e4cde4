"""Premiums: invoices written down, paid, withdrawn and taken back, in the very steps in which the services do it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from functools import cache
from random import Random

from benegraph.db.models import PremiumInvoice, PremiumPayment, SubscriberEnrollment
from benegraph.demo.coverage_of_record import Member
from benegraph.demo.employees import Agenda
from benegraph.demo.record_buffer import Ledger, Row
from benegraph.domain.billing import Invoice, compute_paid_through
from benegraph.domain.ids import IdPrefix
from benegraph.services.billing import NewInvoice

_BILLED = tuple(field.name for field in fields(NewInvoice))


@dataclass(slots=True)
class Premium:
    """An invoice and what is paid on it: a division's, or one member's alone."""

    row: Row
    member: Member | None
    paid_cents: int = 0

    def as_invoice(self) -> Invoice:
        return Invoice(
            self.row["id"],
            self.row["bill_from"],
            self.row["bill_through"],
            self.row["amount_cents"],
            self.paid_cents,
            void=self.row["voided_at"] is not None,
            is_subscriber_invoice=self.member is not None,
        )


@dataclass(slots=True)
class Account:
    """A division's account with the carrier: its contract, its members, and all that was billed to it and to them."""

    ledger: Ledger
    rng: Random
    agenda: Agenda
    contract: Row
    #: Whether each change of an invoice brings coverage up to date at once.
    keeps_up: bool
    members: list[Member] = field(default_factory=list)
    premiums: list[Premium] = field(default_factory=list)


def bill(account: Account, member: Member | None, wanted: NewInvoice, at: datetime) -> Premium:
    """Enter an invoice, as `recordPremiumInvoice` does."""
    billed = {name: getattr(wanted, name) for name in _BILLED}
    row: Row = {
        "id": account.ledger.new_id(IdPrefix.PREMIUM_INVOICE, at),
        "employer_id": account.contract["employer_id"],
        **billed,
        "voided_at": None,
        "void_reason": None,
    }
    premium = Premium(account.ledger.add(PremiumInvoice, row, at), member)
    account.premiums.append(premium)
    account.ledger.note(PremiumInvoice, row, "RECORDED", at, None, billed, None)
    _keep_up(account, premium, at)
    return premium


def withdraw(account: Account, premium: Premium, reason: str, at: datetime) -> None:
    """Withdraw an invoice, as `voidPremiumInvoice` does."""
    account.ledger.change(premium.row, {"voided_at": at, "void_reason": reason}, at)
    account.ledger.note(PremiumInvoice, premium.row, "VOIDED", at, {"voided_at": None}, {"voided_at": at}, reason)
    _keep_up(account, premium, at)


def pay(account: Account, premium: Premium, amount_cents: int, at: datetime) -> Row:
    """Enter a payment of that day, as `recordPremiumPayment` does; give it."""
    row: Row = {
        "id": account.ledger.new_id(IdPrefix.PREMIUM_PAYMENT, at),
        "employer_id": account.contract["employer_id"],
        "invoice_id": premium.row["id"],
        "amount_cents": amount_cents,
        "received_on": at.date(),
        "reversed_at": None,
        "reversal_reason": None,
    }
    account.ledger.add(PremiumPayment, row, at)
    _count(account, premium, "PAID", row, amount_cents, at)
    return row


def take_back(account: Account, premium: Premium, payment: Row, reason: str, at: datetime) -> None:
    """Take a payment back, as `reversePremiumPayment` does."""
    payment |= {"reversed_at": at, "reversal_reason": reason}
    _count(account, premium, "REVERSED", payment, -payment["amount_cents"], at, reason)


def _count(
    account: Account, premium: Premium, action: str, payment: Row, cents: int, at: datetime, reason: str | None = None
) -> None:
    before = {"paid_cents": premium.paid_cents}
    premium.paid_cents += cents
    account.ledger.touch(premium.row, at)
    after = {"paid_cents": premium.paid_cents, "payment_id": payment["id"]}
    account.ledger.note(PremiumInvoice, premium.row, action, at, before, after, reason)
    _keep_up(account, premium, at)


# ------------------------------------------------------------------------------------------------ paid through


def _keep_up(account: Account, premium: Premium, at: datetime) -> None:
    if account.keeps_up:
        settle(account, account.members if premium.member is None else [premium.member], at)


def settle(account: Account, members: Iterable[Member], at: datetime) -> None:
    """Set through which day each coverage of some members is paid, as `setPaidThrough` does."""
    of_group: list[Invoice] = []
    own: dict[str, list[Invoice]] = defaultdict(list)
    for premium in account.premiums:
        (own[premium.member.number] if premium.member else of_group).append(premium.as_invoice())

    @cache
    def by_group(start: date, end: date | None) -> date | None:
        return _reached(start, end, of_group)

    for member in members:
        theirs = own.get(member.number)
        for record in member.records:
            span = record["start_date"], record["end_date"]
            day = _reached(*span, [*of_group, *theirs]) if theirs else by_group(*span)
            account.ledger.note_change(SubscriberEnrollment, record, "PAID_THROUGH", {"paid_through": day}, at)


def _reached(start: date, end: date | None, invoices: list[Invoice]) -> date | None:
    found = compute_paid_through(start, end, invoices)
    return found.day if found else None
