"""The day through which coverage is paid, computed from the invoices of a subscriber and of their group."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from benegraph.db import store
from benegraph.db.employee_limit import without_employee_limit
from benegraph.db.models import Subscriber, SubscriberEnrollment
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import update_rows
from benegraph.domain.billing import Invoice, PaidThrough, compute_paid_through
from benegraph.services.coverage.records import covered_employee_id


@dataclass(frozen=True, slots=True)
class CoveragePaidThrough:
    """The last paid day of one coverage (None if no day is paid), and the invoice that covers it."""

    subscriber_enrollment_id: str
    paid_through: date | None
    invoice_id: str | None


async def update_paid_through(
    tx: Transaction, group_id: str, division_id: str, subscriber_ids: Collection[str], *, only_billed: bool = False
) -> list[CoveragePaidThrough]:
    """Update the paid-through dates of several subscribers in a group's division, in a fixed number of statements.

    With `only_billed`, coverage without any invoice keeps its date, which the carrier entered.
    """
    subscribers = await store.coverage.lock_subscribers(tx, subscriber_ids)
    coverages = sorted(
        (
            row
            for row in await store.coverage.lock_coverage(tx, subscribers)
            if (row.group_id, row.division_id) == (group_id, division_id)
        ),
        key=lambda row: (row.start_date, row.id),
    )
    results = await _compute_paid_through(tx, group_id, division_id, coverages, only_billed=only_billed)
    changed = [
        (row, result.paid_through)
        for row, result in zip(coverages, results, strict=True)
        if row.paid_through != result.paid_through
    ]
    stamp = {"updated_at": tx.clock.now, "update_user": tx.viewer.key_id}
    await update_rows(
        tx,
        SubscriberEnrollment,
        [{"id": row.id, "paid_through": day, "version": row.version + 1, **stamp} for row, day in changed],
    )
    await store.history.insert_events(
        tx, [_paid_through_change(tx, row, day, subscribers[row.subscriber_id]) for row, day in changed]
    )
    return results


def _paid_through_change(
    tx: Transaction, row: SubscriberEnrollment, day: date | None, subscriber: Subscriber
) -> store.history.HistoryEvent:
    """Describe for history that the paid-through date of a coverage changes."""
    return store.history.coverage_event(
        tx,
        {"id": row.id, "employer_id": row.employer_id},
        "PAID_THROUGH",
        before={"paid_through": row.paid_through},
        after={"paid_through": day},
        employee_id=covered_employee_id(subscriber, row.employer_id),
    )


async def _compute_paid_through(
    tx: Transaction,
    group_id: str,
    division_id: str,
    coverages: Sequence[SubscriberEnrollment],
    *,
    only_billed: bool,
) -> list[CoveragePaidThrough]:
    """Compute the paid-through date of each coverage.

    Coverages without invoices of their own depend only on the group's invoices, so equal spans are computed once.
    """
    group_invoices: list[Invoice] = []
    subscriber_invoices: dict[str, list[Invoice]] = defaultdict(list)
    subscriber_ids = {row.subscriber_id for row in coverages}
    async with without_employee_limit(
        tx
    ) as reader:  # an employee's election is paid by invoices that employees don't see
        invoices = await store.billing.list_invoices(reader, group_id, division_id, subscriber_ids)
    for row in invoices:
        invoice = Invoice(
            row.id,
            row.bill_from,
            row.bill_through,
            row.amount_cents,
            row.paid_cents,
            void=row.voided_at is not None,
            is_subscriber_invoice=row.subscriber_id is not None,
        )
        (subscriber_invoices[row.subscriber_id] if invoice.is_subscriber_invoice else group_invoices).append(invoice)

    @cache
    def by_group_invoices(start: date, end: date | None) -> PaidThrough | None:
        return compute_paid_through(start, end, group_invoices)

    def compute(row: SubscriberEnrollment) -> CoveragePaidThrough:
        own_invoices = subscriber_invoices.get(row.subscriber_id, [])
        if only_billed and all(invoice.void for invoice in (*group_invoices, *own_invoices)):
            return CoveragePaidThrough(row.id, row.paid_through, None)
        if own_invoices:
            paid = compute_paid_through(row.start_date, row.end_date, [*group_invoices, *own_invoices])
        else:
            paid = by_group_invoices(row.start_date, row.end_date)
        return CoveragePaidThrough(row.id, paid.day if paid else None, paid.invoice_id if paid else None)

    return [compute(row) for row in coverages]
