"""Premium billing: invoices, payments, and the day through which coverage is paid.

Locks are taken in one order: the invoice, then subscribers by number, then their coverage by ID. The invoice comes
first because it determines which subscribers are affected; a transaction that holds a subscriber locks no more
invoices. The payments that determine a paid-through date are read only after the coverage is locked. So when two
transactions update the same coverage, the later one sees the payments of the earlier.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import PremiumInvoice, PremiumPayment
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import insert_rows
from benegraph.domain.access import require_tenant_wide
from benegraph.domain.billing import (
    check_billing_ids,
    check_invoice,
    check_not_reversed,
    check_not_void,
    check_payment,
    check_reason,
)
from benegraph.domain.checks import check_id, check_version
from benegraph.domain.errors import ErrorCode, Refused, RuleViolation, raise_if_any
from benegraph.domain.ids import IdPrefix
from benegraph.services.coverage.paid_through import CoveragePaidThrough, update_paid_through
from benegraph.services.coverage.records import SUBSCRIBER_NOT_FOUND
from benegraph.services.employers import employer_today


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """An invoice for a period, for a group's division or for one subscriber in it."""

    group_id: str
    division_id: str
    subscriber_id: str | None
    bill_from: date
    bill_through: date
    due_date: date
    amount_cents: int


# -------------------------------------------------------------------------------------------------------- invoices


async def record_invoice(tx: Transaction, invoice: NewInvoice) -> str:
    """Record an invoice, and return its ID. Raises Refused."""
    recipient, violations = await _find_recipient(tx, invoice.group_id, invoice.division_id, invoice.subscriber_id)
    raise_if_any([*violations, *check_invoice(invoice.bill_from, invoice.bill_through, invoice.amount_cents)])
    row = {"id": tx.new_id(IdPrefix.PREMIUM_INVOICE), "employer_id": recipient.employer_id, **asdict(invoice)}
    await insert_rows(tx, PremiumInvoice, [row])
    await store.history.insert_events(tx, [store.history.coverage_event(tx, row, "RECORDED", after=row)])
    await _update_paid_through_if_enabled(tx, invoice)
    return str(row["id"])


async def void_invoice(tx: Transaction, id: str, reason: str | None, expected_version: int | None) -> None:
    """Void an invoice, whether or not anything was paid on it; it then no longer bills its period. Raises Refused."""
    violations = [*check_reason(reason)]
    invoice = await _lock_invoice(tx, id, violations)
    void = invoice.voided_at is not None
    raise_if_any(
        [
            *violations,
            *check_version(expected_version, invoice.version),
            *check_not_void(is_void=void, operation="voided again"),
        ]
    )
    invoice.voided_at, invoice.void_reason = tx.clock.now, reason
    await _record_invoice_change(tx, invoice, "VOIDED", {"voided_at": None}, {"voided_at": tx.clock.now}, reason)
    await _update_paid_through_if_enabled(tx, invoice)


async def record_payment(tx: Transaction, invoice_id: str, amount_cents: int, received_on: date) -> str:
    """Record a payment on an invoice, and return the payment's ID. Raises Refused.

    A payment may be less or more than the open amount.
    """
    invoice = await _lock_invoice(tx, invoice_id, [*check_payment(amount_cents, 0, received_on, tx.today("UTC"))])
    today = await employer_today(tx, invoice.employer_id) if invoice.employer_id else tx.today("UTC")
    paid_cents = _paid_cents(await store.billing.list_payments(tx, invoice_id))
    raise_if_any(
        [
            *check_not_void(is_void=invoice.voided_at is not None, operation="paid"),
            *check_payment(amount_cents, paid_cents, received_on, today),
        ]
    )
    id = tx.new_id(IdPrefix.PREMIUM_PAYMENT)
    row = {
        "id": id,
        "employer_id": invoice.employer_id,
        "invoice_id": invoice_id,
        "amount_cents": amount_cents,
        "received_on": received_on,
    }
    await insert_rows(tx, PremiumPayment, [row])
    tx.mark_changed(invoice)
    after = {"paid_cents": paid_cents + amount_cents, "payment_id": id}
    await _record_invoice_change(tx, invoice, "PAID", {"paid_cents": paid_cents}, after)
    await _update_paid_through_if_enabled(tx, invoice)
    return id


async def reverse_payment(tx: Transaction, payment_id: str, reason: str | None) -> str:
    """Reverse a payment, also on a void invoice, and return the invoice's ID. Raises Refused."""
    violations = [*check_reason(reason)]
    malformed = [*check_id(IdPrefix.PREMIUM_PAYMENT, payment_id, "paymentId")]
    invoice_id = None if malformed else await store.billing.invoice_id_of(tx, payment_id)
    if invoice_id is None:
        unknown = RuleViolation(ErrorCode.NOT_FOUND, f"No payment found with ID {payment_id}.", ("paymentId",))
        raise Refused([*(malformed or [unknown]), *violations])
    invoice = await _lock_invoice(tx, invoice_id, violations)
    payments = await store.billing.list_payments(tx, invoice_id)
    payment = next(payment for payment in payments if payment.id == payment_id)
    raise_if_any([*violations, *check_not_reversed(is_reversed=payment.reversed_at is not None)])
    paid_cents = _paid_cents(payments)
    payment.reversed_at, payment.reversal_reason = tx.clock.now, reason
    tx.mark_changed(invoice)
    after = {"paid_cents": paid_cents - payment.amount_cents, "payment_id": payment_id}
    await _record_invoice_change(tx, invoice, "REVERSED", {"paid_cents": paid_cents}, after, reason)
    await _update_paid_through_if_enabled(tx, invoice)
    return invoice_id


async def _find_recipient(
    tx: Transaction, group_id: str, division_id: str, subscriber_id: str | None
) -> tuple[store.billing.InvoiceRecipient, list[RuleViolation]]:
    """Find the recipient of an invoice; also return the violations of the given IDs."""
    violations = [*check_billing_ids(group_id, division_id, subscriber_id)]
    if violations:
        return store.billing.InvoiceRecipient(has_contract=False, employer_id=None, has_subscriber=False), violations
    recipient = await store.billing.find_invoice_recipient(tx, group_id, division_id, subscriber_id)
    if not recipient.has_contract:
        message = f"No group contract found for group {group_id} and division {division_id}."
        violations.append(RuleViolation(ErrorCode.NOT_FOUND, message, ("groupId",)))
    if subscriber_id is not None and not recipient.has_subscriber:
        violations.append(RuleViolation(ErrorCode.NOT_FOUND, SUBSCRIBER_NOT_FOUND, ("subscriberId",)))
    return recipient, violations


async def _lock_invoice(tx: Transaction, id: str, violations: Sequence[RuleViolation]) -> PremiumInvoice:
    """Lock an invoice. Raises Refused if it does not exist, together with the violations found so far."""
    malformed = [*check_id(IdPrefix.PREMIUM_INVOICE, id, "invoiceId")]
    invoice = None if malformed else await store.billing.lock_invoice(tx, id)
    if invoice is None:
        unknown = RuleViolation(ErrorCode.NOT_FOUND, f"No premium invoice found with ID {id}.", ("invoiceId",))
        raise Refused([*(malformed or [unknown]), *violations])
    return invoice


def _paid_cents(payments: Sequence[PremiumPayment]) -> int:
    return sum(payment.amount_cents for payment in payments if payment.reversed_at is None)


async def _record_invoice_change(
    tx: Transaction,
    invoice: PremiumInvoice,
    action: str,
    before: dict[str, Any],
    after: dict[str, Any],
    reason: str | None = None,
) -> None:
    """Record a change of an invoice in history."""
    row = {"id": invoice.id, "employer_id": invoice.employer_id}
    change = store.history.coverage_event(tx, row, action, before=before, after=after, reason=reason)
    await store.history.insert_events(tx, [change])


# ---------------------------------------------------------------------------------------------------- paid through


async def set_paid_through(
    tx: Transaction, subscriber_id: str, group_id: str, division_id: str
) -> list[CoveragePaidThrough]:
    """Update the paid-through date of each coverage that a subscriber has in a group's division.

    The results are in order of coverage start. Raises Refused.
    """
    _, violations = await _find_recipient(tx, group_id, division_id, subscriber_id)
    raise_if_any(violations)
    return await update_paid_through(tx, group_id, division_id, [subscriber_id])


async def set_auto_paid_through(tx: Transaction, on: bool) -> None:
    """Set whether every change of an invoice also updates the paid-through dates of the coverage it bills.

    Existing dates do not change now. Raises Forbidden for a viewer limited to one employer.
    """
    require_tenant_wide(tx.viewer)
    if not await store.billing.set_auto_paid_through(tx, on=on):
        return
    row = {"id": tx.viewer.tenant_id, "auto_paid_through": on}
    await store.history.insert_events(tx, [store.history.creation_event(tx, row, "UPDATED", None)])


async def _update_paid_through_if_enabled(tx: Transaction, invoice: NewInvoice | PremiumInvoice) -> None:
    """Update the paid-through dates of the coverage that an invoice bills, if the tenant's `autoPaidThrough` is on."""
    await tx.flush()
    if not await store.billing.is_auto_paid_through(tx):
        return
    if invoice.subscriber_id is not None:
        subscribers: Collection[str] = [invoice.subscriber_id]
    else:
        subscribers = await store.billing.list_covered_subscriber_ids(tx, invoice.group_id, invoice.division_id)
    await update_paid_through(tx, invoice.group_id, invoice.division_id, subscribers)
