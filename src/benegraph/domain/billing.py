"""Premiums: what makes an invoice and a payment good, and through which day a coverage is paid."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from benegraph.domain.checks import MAX_DIVISION_ID_LENGTH, MAX_REASON_LENGTH, check_text
from benegraph.domain.coverage import MAX_GROUP_ID_LENGTH, MAX_SUBSCRIBER_ID_LENGTH, OPEN_ENDED
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.values import MAX_CENTS, ONE_DAY


class InvoiceStatus(StrEnum):
    """Where a premium invoice stands."""

    OPEN = "OPEN"
    PAID = "PAID"
    VOID = "VOID"


def derive_invoice_status(amount_cents: int, paid_cents: int, *, void: bool) -> InvoiceStatus:
    """Derive an invoice's status: one of nothing is paid as it comes. `db/store/billing` holds the same in SQL."""
    if void:
        return InvoiceStatus.VOID
    return InvoiceStatus.PAID if paid_cents >= amount_cents else InvoiceStatus.OPEN


# ------------------------------------------------------------------------------------------------ paid through


@dataclass(frozen=True, slots=True)
class Invoice:
    """A bill for the days from `bill_from` through `bill_through`: the group's, or one subscriber's own."""

    id: str
    bill_from: date
    bill_through: date
    amount_cents: int
    paid_cents: int
    void: bool = False
    #: Whether it is the subscriber's own; else it is the group's.
    is_subscriber_invoice: bool = False

    @property
    def is_paid(self) -> bool:
        return derive_invoice_status(self.amount_cents, self.paid_cents, void=self.void) is InvoiceStatus.PAID


@dataclass(frozen=True, slots=True)
class PaidThrough:
    """Through which day a coverage is paid, and the invoice that the last of these days rests on."""

    day: date
    invoice_id: str


def compute_paid_through(start: date, end: date | None, invoices: Sequence[Invoice]) -> PaidThrough | None:
    """Tell through which day a coverage is paid; None where no day of it is (design, rule 12).

    Walks the days from the coverage's start, or from the day billing began where that is later: a carrier's older
    invoices need not be here. A day is paid when every invoice over it that is not void is paid: the subscriber's own
    where there are any, else the group's. Stops before the first day that is unpaid or not invoiced, and never goes
    past the coverage's end. As one state holds between the days on which an invoice begins or ends, these steps are
    walked and not each day.
    """
    standing = [invoice for invoice in invoices if not invoice.void]
    final = end or OPEN_ENDED
    day = max(start, min((invoice.bill_from for invoice in standing), default=start))
    reached: PaidThrough | None = None
    while day <= final:
        over = [invoice for invoice in standing if invoice.bill_from <= day <= invoice.bill_through]
        judged = [invoice for invoice in over if invoice.is_subscriber_invoice] or over
        if not judged or not all(invoice.is_paid for invoice in judged):
            break
        reached = PaidThrough(min(_last_alike(day, over, standing), final), _longest(judged).id)
        if reached.day == final:  # which may be the last day there is
            break
        day = reached.day + ONE_DAY
    return reached


def _last_alike(day: date, over: Sequence[Invoice], standing: Sequence[Invoice]) -> date:
    """Give the last day that the same invoices lie over as over this one."""
    return min(
        *(invoice.bill_through for invoice in over),
        *(invoice.bill_from - ONE_DAY for invoice in standing if invoice.bill_from > day),
        OPEN_ENDED,
    )


def _longest(judged: Sequence[Invoice]) -> Invoice:
    """Choose the invoice that reaches furthest; of several the one that begins last, then the newest."""
    return max(judged, key=lambda invoice: (invoice.bill_through, invoice.bill_from, invoice.id))


# ------------------------------------------------------------------------------------------------------ checks


def check_billing_ids(group_id: str, division_id: str, subscriber_id: str | None) -> Iterator[RuleViolation]:
    """Refuse words that can name nobody; whether there is whom they name is another question."""
    yield from check_text(group_id, "groupId", max_length=MAX_GROUP_ID_LENGTH)
    yield from check_text(division_id, "divisionId", max_length=MAX_DIVISION_ID_LENGTH)
    yield from check_text(subscriber_id, "subscriberId", max_length=MAX_SUBSCRIBER_ID_LENGTH)


def check_invoice(bill_from: date, bill_through: date, amount_cents: int) -> Iterator[RuleViolation]:
    if bill_through < bill_from:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER, "An invoice's last day is not before its first.", ("billThrough",)
        )
    if amount_cents < 0:
        yield RuleViolation(ErrorCode.INVALID_INPUT, "An invoice's amount can't be negative.", ("amountCents",))


def check_payment(amount_cents: int, paid_cents: int, received_on: date, today: date) -> Iterator[RuleViolation]:
    """Refuse a payment of nothing, one of tomorrow, and one with which more was paid than can be told."""
    if amount_cents <= 0:
        yield RuleViolation(ErrorCode.INVALID_INPUT, "A payment is more than nothing.", ("amountCents",))
    elif paid_cents + amount_cents > MAX_CENTS:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT, "With this, more was paid than an amount can hold.", ("amountCents",)
        )
    if received_on > today:
        yield RuleViolation(ErrorCode.INVALID_INPUT, "A payment is recorded once it was received.", ("receivedOn",))


def check_not_void(*, is_void: bool, action: str) -> Iterator[RuleViolation]:
    """Refuse what can't be done to a void invoice."""
    if is_void:
        yield RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, f"A void invoice {action}.", ("invoiceId",))


def check_not_reversed(*, is_reversed: bool) -> Iterator[RuleViolation]:
    if is_reversed:
        yield RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, "This payment was reversed already.", ("paymentId",))


def check_reason(reason: str | None) -> Iterator[RuleViolation]:
    yield from check_text(reason, "reason", max_length=MAX_REASON_LENGTH)
