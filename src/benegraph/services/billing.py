"""Premiums: invoices, the payments on them, and through which day these pay for coverage.

Locks are taken in one order: the invoice, then subscribers by their numbers, then their coverage by ids. The invoice
goes first, as it says which subscribers it concerns; whoever holds a subscriber takes no invoice any more. What is paid
is read once the coverage is locked: of two that bring it up to date at once, the later one sees what the earlier did.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from typing import Any

from benegraph.db import store
from benegraph.db.models import PremiumInvoice, PremiumPayment, Subscriber, SubscriberEnrollment
from benegraph.db.session import Transaction
from benegraph.db.store.writing import insert_rows, update_rows
from benegraph.domain.access import require_tenant_wide
from benegraph.domain.billing import (
    Invoice,
    PaidThrough,
    check_billing_ids,
    check_invoice,
    check_not_reversed,
    check_not_void,
    check_payment,
    check_reason,
    compute_paid_through,
)
from benegraph.domain.checks import check_id, check_version
from benegraph.domain.errors import ErrorCode, Refused, RuleViolation, raise_if_any
from benegraph.domain.ids import IdPrefix
from benegraph.services.coverage.records import covered_employee_id
from benegraph.services.employers import employer_today


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """What a group's division, or one subscriber in it, is billed for some days."""

    group_id: str
    division_id: str
    subscriber_id: str | None
    bill_from: date
    bill_through: date
    due_date: date
    amount_cents: int


@dataclass(frozen=True, slots=True)
class CoveragePaidThrough:
    """Through which day a coverage is paid now, None for no day, and the invoice that this rests on."""

    subscriber_enrollment_id: str
    paid_through: date | None
    invoice_id: str | None


# ---------------------------------------------------------------------------------------------------- invoices


async def record_invoice(tx: Transaction, bill: NewInvoice) -> str:
    """Write down an invoice; give its id. Raises Refused."""
    billed, broken = await _find_billed(tx, bill.group_id, bill.division_id, bill.subscriber_id)
    raise_if_any([*broken, *check_invoice(bill.bill_from, bill.bill_through, bill.amount_cents)])
    row = {"id": tx.new_id(IdPrefix.PREMIUM_INVOICE), "employer_id": billed.employer_id, **asdict(bill)}
    await insert_rows(tx, PremiumInvoice, [row])
    await store.history.record(tx, [store.history.covered(tx, row, "RECORDED", after=row)])
    await _keep_up(tx, bill)
    return str(row["id"])


async def void_invoice(tx: Transaction, id: str, reason: str | None, expected_version: int | None) -> None:
    """Withdraw an invoice: it bills nobody any more, whatever was paid on it. Raises Refused."""
    broken = [*check_reason(reason)]
    invoice = await _take(tx, id, broken)
    void = invoice.voided_at is not None
    raise_if_any(
        [*broken, *check_version(expected_version, invoice.version), *check_not_void(is_void=void, action="stays void")]
    )
    invoice.voided_at, invoice.void_reason = tx.clock.now, reason
    await _note(tx, invoice, "VOIDED", {"voided_at": None}, {"voided_at": tx.clock.now}, reason)
    await _keep_up(tx, invoice)


async def record_payment(tx: Transaction, invoice_id: str, amount_cents: int, received_on: date) -> str:
    """Write down money received on an invoice, all of it, a part or too much; give the payment's id. Raises Refused."""
    invoice = await _take(tx, invoice_id, [*check_payment(amount_cents, 0, received_on, tx.today("UTC"))])
    today = await employer_today(tx, invoice.employer_id) if invoice.employer_id else tx.today("UTC")
    paid_cents = _paid_on(await store.billing.payments_on(tx, invoice_id))
    raise_if_any(
        [
            *check_not_void(is_void=invoice.voided_at is not None, action="takes no payments"),
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
    tx.touch(invoice)
    after = {"paid_cents": paid_cents + amount_cents, "payment_id": id}
    await _note(tx, invoice, "PAID", {"paid_cents": paid_cents}, after)
    await _keep_up(tx, invoice)
    return id


async def reverse_payment(tx: Transaction, payment_id: str, reason: str | None) -> str:
    """Take back a payment, on a void invoice too; give the invoice's id. Raises Refused."""
    broken = [*check_reason(reason)]
    malformed = [*check_id(IdPrefix.PREMIUM_PAYMENT, payment_id, "paymentId")]
    invoice_id = None if malformed else await store.billing.invoice_of(tx, payment_id)
    if invoice_id is None:
        unknown = RuleViolation(ErrorCode.NOT_FOUND, "There is no such payment.", ("paymentId",))
        raise Refused([*(malformed or [unknown]), *broken])
    invoice = await _take(tx, invoice_id, broken)
    payments = await store.billing.payments_on(tx, invoice_id)
    payment = next(each for each in payments if each.id == payment_id)
    raise_if_any([*broken, *check_not_reversed(is_reversed=payment.reversed_at is not None)])
    paid_cents = _paid_on(payments)
    payment.reversed_at, payment.reversal_reason = tx.clock.now, reason
    tx.touch(invoice)
    after = {"paid_cents": paid_cents - payment.amount_cents, "payment_id": payment_id}
    await _note(tx, invoice, "REVERSED", {"paid_cents": paid_cents}, after, reason)
    await _keep_up(tx, invoice)
    return invoice_id


async def _find_billed(
    tx: Transaction, group_id: str, division_id: str, subscriber_id: str | None
) -> tuple[store.billing.Billed, list[RuleViolation]]:
    """Find whom a bill would be for, and tell what is wrong with how they are named."""
    broken = [*check_billing_ids(group_id, division_id, subscriber_id)]
    if broken:
        return store.billing.Billed(contract=False, employer_id=None, subscriber=False), broken
    found = await store.billing.find_billed(tx, group_id, division_id, subscriber_id)
    if not found.contract:
        broken.append(
            RuleViolation(ErrorCode.NOT_FOUND, "There is no contract with this group's division.", ("groupId",))
        )
    if subscriber_id is not None and not found.subscriber:
        broken.append(RuleViolation(ErrorCode.NOT_FOUND, "There is no such subscriber.", ("subscriberId",)))
    return found, broken


async def _take(tx: Transaction, id: str, broken: Sequence[RuleViolation]) -> PremiumInvoice:
    """Lock an invoice. Raises Refused where there is none, with what else is broken."""
    malformed = [*check_id(IdPrefix.PREMIUM_INVOICE, id, "invoiceId")]
    invoice = None if malformed else await store.billing.lock_invoice(tx, id)
    if invoice is None:
        unknown = RuleViolation(ErrorCode.NOT_FOUND, "There is no such invoice.", ("invoiceId",))
        raise Refused([*(malformed or [unknown]), *broken])
    return invoice


def _paid_on(payments: Sequence[PremiumPayment]) -> int:
    return sum(payment.amount_cents for payment in payments if payment.reversed_at is None)


async def _note(
    tx: Transaction,
    invoice: PremiumInvoice,
    action: str,
    before: dict[str, Any],
    after: dict[str, Any],
    reason: str | None = None,
) -> None:
    """Write down for history what happens to an invoice."""
    row = {"id": invoice.id, "employer_id": invoice.employer_id}
    change = store.history.covered(tx, row, action, before=before, after=after, reason=reason)
    await store.history.record(tx, [change])


# ------------------------------------------------------------------------------------------------ paid through


async def set_paid_through(
    tx: Transaction, subscriber_id: str, group_id: str, division_id: str
) -> list[CoveragePaidThrough]:
    """Set through which day each coverage of a subscriber in a group's division is paid, in order of their starts.

    Raises Refused.
    """
    _, broken = await _find_billed(tx, group_id, division_id, subscriber_id)
    raise_if_any(broken)
    return await _bring_up_to_date(tx, group_id, division_id, [subscriber_id])


async def set_auto_paid_through(tx: Transaction, on: bool) -> None:
    """Say whether the tenant's coverages are brought up to date whenever an invoice changes; nothing changes now.

    Raises Forbidden for who is limited to one employer.
    """
    require_tenant_wide(tx.viewer)
    await store.billing.set_auto_paid_through(tx, on=on)


async def _keep_up(tx: Transaction, bill: NewInvoice | PremiumInvoice) -> None:
    """Bring the coverages that an invoice concerns up to date, where the tenant wants it."""
    await tx.flush()
    if not await store.billing.is_auto_paid_through(tx):
        return
    if bill.subscriber_id is not None:
        subscribers: Collection[str] = [bill.subscriber_id]
    else:
        subscribers = await store.billing.covered_subscribers(tx, bill.group_id, bill.division_id)
    await _bring_up_to_date(tx, bill.group_id, bill.division_id, subscribers)


async def _bring_up_to_date(
    tx: Transaction, group_id: str, division_id: str, subscriber_ids: Collection[str]
) -> list[CoveragePaidThrough]:
    """Write what is paid of some subscribers' coverage in a group's division: as many statements for all as for one."""
    subscribers = await store.coverage.lock_subscribers(tx, subscriber_ids)
    coverages = sorted(
        (
            row
            for row in await store.coverage.lock_coverage(tx, subscribers)
            if (row.group_id, row.division_id) == (group_id, division_id)
        ),
        key=lambda row: (row.start_date, row.id),
    )
    reached = await _reckon(tx, group_id, division_id, coverages)
    changed = [
        (row, each.paid_through)
        for row, each in zip(coverages, reached, strict=True)
        if row.paid_through != each.paid_through
    ]
    stamp = {"updated_at": tx.clock.now, "update_user": tx.viewer.key_id}
    await update_rows(
        tx,
        SubscriberEnrollment,
        [{"id": row.id, "paid_through": day, "version": row.version + 1, **stamp} for row, day in changed],
    )
    await store.history.record(tx, [_moved(tx, row, day, subscribers[row.subscriber_id]) for row, day in changed])
    return reached


def _moved(tx: Transaction, row: SubscriberEnrollment, day: date | None, whose: Subscriber) -> store.history.Change:
    """Describe that a coverage is paid through another day."""
    return store.history.covered(
        tx,
        {"id": row.id, "employer_id": row.employer_id},
        "PAID_THROUGH",
        before={"paid_through": row.paid_through},
        after={"paid_through": day},
        employee_id=covered_employee_id(whose, row.employer_id),
    )


async def _reckon(
    tx: Transaction, group_id: str, division_id: str, coverages: Sequence[SubscriberEnrollment]
) -> list[CoveragePaidThrough]:
    """Tell what is paid of each coverage; those of a group's that begin and end together are reckoned once."""
    of_group: list[Invoice] = []
    own: dict[str, list[Invoice]] = defaultdict(list)
    whose = {row.subscriber_id for row in coverages}
    for row in await store.billing.invoices_over(tx, group_id, division_id, whose):
        invoice = Invoice(
            row.id,
            row.bill_from,
            row.bill_through,
            row.amount_cents,
            row.paid_cents,
            void=row.voided_at is not None,
            is_subscriber_invoice=row.subscriber_id is not None,
        )
        (own[row.subscriber_id] if invoice.is_subscriber_invoice else of_group).append(invoice)

    @cache
    def by_group(start: date, end: date | None) -> PaidThrough | None:
        return compute_paid_through(start, end, of_group)

    def of(row: SubscriberEnrollment) -> CoveragePaidThrough:
        if theirs := own.get(row.subscriber_id):
            found = compute_paid_through(row.start_date, row.end_date, [*of_group, *theirs])
        else:
            found = by_group(row.start_date, row.end_date)
        return (
            CoveragePaidThrough(row.id, found.day, found.invoice_id)
            if found
            else CoveragePaidThrough(row.id, None, None)
        )

    return [of(row) for row in coverages]
