"""Premium billing: checks of invoices and payments, and the day through which a coverage is paid."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from benegraph.domain.checks import MAX_DIVISION_ID_LENGTH, MAX_REASON_LENGTH, check_cents, check_text
from benegraph.domain.coverage import MAX_GROUP_ID_LENGTH, MAX_SUBSCRIBER_ID_LENGTH, OPEN_ENDED
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.values import MAX_CENTS, ONE_DAY


class InvoiceStatus(StrEnum):
    """The status of a premium invoice."""

    OPEN = "OPEN"
    PAID = "PAID"
    VOID = "VOID"


def derive_invoice_status(amount_cents: int, paid_cents: int, *, void: bool) -> InvoiceStatus:
    """Derive an invoice's status. An invoice of 0 cents is paid at once.

    `db/store/billing` holds the same rule in SQL.
    """
    if void:
        return InvoiceStatus.VOID
    return InvoiceStatus.PAID if paid_cents >= amount_cents else InvoiceStatus.OPEN


# ------------------------------------------------------------------------------------------------ paid through


@dataclass(frozen=True, slots=True)
class Invoice:
    """A premium invoice for the days from `bill_from` through `bill_through`, both inclusive."""

    id: str
    bill_from: date
    bill_through: date
    amount_cents: int
    paid_cents: int
    void: bool = False
    #: True if the invoice bills this subscriber alone; False if it bills the group's whole division.
    is_subscriber_invoice: bool = False

    @property
    def is_paid(self) -> bool:
        return derive_invoice_status(self.amount_cents, self.paid_cents, void=self.void) is InvoiceStatus.PAID


@dataclass(frozen=True, slots=True)
class PaidThrough:
    """The last day through which a coverage is paid, and the invoice that covers this day."""

    day: date
    invoice_id: str


def compute_paid_through(start: date, end: date | None, invoices: Sequence[Invoice]) -> PaidThrough | None:
    """Return the day through which a coverage is paid; None if no day is paid.

    The rule: walk the days from the coverage's start, or from the first invoiced day if that is later, because a
    carrier's older invoices need not be on file. A day is paid if every non-void invoice for that day is paid. If the
    subscriber has invoices of their own for that day, they alone count; otherwise the group's invoices do. Stop before
    the first day that is unpaid or has no invoice, and never go past the coverage's end.

    The set of invoices is the same for all days between two dates on which an invoice begins or ends, so the loop steps
    from one such date to the next.
    """
    valid = [invoice for invoice in invoices if not invoice.void]
    last_day = end or OPEN_ENDED
    day = max(start, min((invoice.bill_from for invoice in valid), default=start))
    paid_through: PaidThrough | None = None
    while day <= last_day:
        current = [invoice for invoice in valid if invoice.bill_from <= day <= invoice.bill_through]
        deciding = [invoice for invoice in current if invoice.is_subscriber_invoice] or current
        if not deciding or not all(invoice.is_paid for invoice in deciding):
            break
        paid_through = PaidThrough(min(_last_day_of_step(day, current, valid), last_day), _last_ending(deciding).id)
        if paid_through.day == last_day:  # adding a day to `date.max` would overflow
            break
        day = paid_through.day + ONE_DAY
    return paid_through


def _last_day_of_step(day: date, current: Sequence[Invoice], valid: Sequence[Invoice]) -> date:
    """Return the last day that has the same invoices as this day."""
    return min(
        *(invoice.bill_through for invoice in current),
        *(invoice.bill_from - ONE_DAY for invoice in valid if invoice.bill_from > day),
        OPEN_ENDED,
    )


def _last_ending(invoices: Sequence[Invoice]) -> Invoice:
    """Return the invoice that ends last; of several, the one that begins last, then the newest."""
    return max(invoices, key=lambda invoice: (invoice.bill_through, invoice.bill_from, invoice.id))


# ------------------------------------------------------------------------------------------------------ checks


def check_billing_ids(group_id: str, division_id: str, subscriber_id: str | None) -> Iterator[RuleViolation]:
    """Check the form of the IDs in an invoice; not that such rows exist."""
    yield from check_text(group_id, "groupId", max_length=MAX_GROUP_ID_LENGTH)
    yield from check_text(division_id, "divisionId", max_length=MAX_DIVISION_ID_LENGTH)
    yield from check_text(subscriber_id, "subscriberId", max_length=MAX_SUBSCRIBER_ID_LENGTH)


def check_invoice(bill_from: date, bill_through: date, amount_cents: int) -> Iterator[RuleViolation]:
    if bill_through < bill_from:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER,
            f"The invoice ends on {bill_through}, before it starts on {bill_from}.",
            ("billThrough",),
        )
    yield from check_cents(amount_cents, "amountCents")


def check_payment(amount_cents: int, paid_cents: int, received_on: date, today: date) -> Iterator[RuleViolation]:
    """Check that a payment is positive, was received by today, and keeps the invoice's total within range."""
    if amount_cents <= 0:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT, f"The payment must be at least 1 cent; it is {amount_cents}.", ("amountCents",)
        )
    elif paid_cents + amount_cents > MAX_CENTS:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT,
            f"The payments on this invoice must add up to at most {MAX_CENTS} cents.",
            ("amountCents",),
        )
    if received_on > today:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT,
            f"The payment must not be dated after today, {today}; it is dated {received_on}.",
            ("receivedOn",),
        )


def check_not_void(*, is_void: bool, operation: str) -> Iterator[RuleViolation]:
    """Refuse an operation, named by a past participle such as "paid", on a void invoice."""
    if is_void:
        yield RuleViolation(
            ErrorCode.INVALID_STATUS_TRANSITION, f"The invoice is void and cannot be {operation}.", ("invoiceId",)
        )


def check_not_reversed(*, is_reversed: bool) -> Iterator[RuleViolation]:
    if is_reversed:
        yield RuleViolation(
            ErrorCode.INVALID_STATUS_TRANSITION, "The payment has already been reversed.", ("paymentId",)
        )


def check_reason(reason: str | None) -> Iterator[RuleViolation]:
    yield from check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True)
