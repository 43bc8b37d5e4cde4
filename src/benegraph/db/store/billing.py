"""Premium invoices and the payments on them: what the graph reads, and what services lock, read and write."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    case,
    cast,
    exists,
    false,
    func,
    select,
    true,
    type_coerce,
    update,
)
from sqlalchemy.sql.selectable import LateralFromClause

from benegraph.db.base import enum_type
from benegraph.db.models import (
    GroupContract,
    PremiumInvoice,
    PremiumPayment,
    Subscriber,
    SubscriberEnrollment,
    Tenant,
)
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import ReadSession, Transaction
from benegraph.db.store.conditions import any_of, visibility_conditions
from benegraph.db.store.row_queries import ManyByKey, OneByKey, PagedRows
from benegraph.domain.billing import InvoiceStatus

# -------------------------------------------------------------------------------------- what the graph reads


def rows(scope: QueryScope) -> Select[Any]:
    """Invoices the viewer may see, each with what is paid of it and where it stands."""
    paid = _paid()
    status = case(
        (PremiumInvoice.voided_at.is_not(None), InvoiceStatus.VOID.value),
        (paid.c.paid_cents >= PremiumInvoice.amount_cents, InvoiceStatus.PAID.value),
        else_=InvoiceStatus.OPEN.value,
    )
    return (
        select(
            *PremiumInvoice.__table__.c,
            paid.c.paid_cents,
            type_coerce(status, enum_type(InvoiceStatus)).label("status"),
        )
        .join(paid, true())
        .where(*_billed_to(scope, PremiumInvoice))
    )


def payment_rows(scope: QueryScope) -> Select[Any]:
    """Payments the viewer may see."""
    return select(
        *PremiumPayment.__table__.c,
        PremiumPayment.reversed_at.is_not(None).label("reversed"),
    ).where(*_billed_to(scope, PremiumPayment))


def _billed_to(scope: QueryScope, table: type[PremiumInvoice | PremiumPayment]) -> Iterator[ColumnElement[bool]]:
    """Limit premiums to what the viewer may see: what a group is billed is no employee's business."""
    yield from visibility_conditions(scope, table, table.employer_id)
    if scope.employee_id is not None:
        yield false()


def _paid() -> LateralFromClause:
    """Add up what was paid of each invoice and not reversed: one row each, also where there is no payment."""
    cents = func.coalesce(func.sum(PremiumPayment.amount_cents), 0)
    return (
        select(cast(cents, BigInteger).label("paid_cents"))
        .where(
            PremiumPayment.tenant_id == PremiumInvoice.tenant_id,
            PremiumPayment.invoice_id == PremiumInvoice.id,
            PremiumPayment.reversed_at.is_(None),
        )
        .correlate(PremiumInvoice)
        .lateral("paid")
    )


ORDERS = {"ID": (PremiumInvoice.id,)}
by_ids = OneByKey(rows, PremiumInvoice.id)
payments_by_ids = OneByKey(payment_rows, PremiumPayment.id)
#: By the carrier's numbers of subscribers: their own invoices, not their groups'.
of_subscribers = PagedRows(rows, PremiumInvoice.subscriber_id, ORDERS)
payments_of = ManyByKey(payment_rows, PremiumPayment.invoice_id, (PremiumPayment.id,))


# ----------------------------------------------------------------------- what an invoice and a payment stand on


@dataclass(frozen=True, slots=True)
class BillingTarget:
    """Whom a bill would be for: whether there is such a contract, whose group it is, and whether its subscriber is."""

    contract: bool
    employer_id: str | None
    subscriber: bool


async def find_billing_target(
    tx: Transaction, group_id: str, division_id: str, subscriber_id: str | None
) -> BillingTarget:
    """Find the contracts of a group's division, of which the newest with an employer names it, and a subscriber."""
    contracts = (
        select(GroupContract.employer_id, GroupContract.coverage_start)
        .where(
            *visibility_conditions(tx.scope, GroupContract, GroupContract.employer_id),
            GroupContract.group_id == group_id,
            GroupContract.division_id == division_id,
        )
        .cte("contracts")
    )
    newest = (
        select(contracts.c.employer_id)
        .where(contracts.c.employer_id.is_not(None))
        .order_by(contracts.c.coverage_start.desc())
        .limit(1)
    )
    known = exists().where(Subscriber.tenant_id == tx.viewer.tenant_id, Subscriber.subscriber_id == subscriber_id)
    found = await tx.session.execute(
        select(
            exists().select_from(contracts).label("contract"),
            newest.scalar_subquery().label("employer_id"),
            known.label("subscriber"),
        )
    )
    return BillingTarget(*found.one())


async def lock_invoice(tx: Transaction, id: str) -> PremiumInvoice | None:
    """Lock an invoice, before its payments are looked at: whoever pays, voids or reverses holds this lock."""
    return await tx.session.scalar(
        select(PremiumInvoice)
        .where(*visibility_conditions(tx.scope, PremiumInvoice, PremiumInvoice.employer_id), PremiumInvoice.id == id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def invoice_id_of(tx: Transaction, payment_id: str) -> str | None:
    """Tell which invoice a payment is on, before anything is locked."""
    return await tx.session.scalar(
        select(PremiumPayment.invoice_id).where(
            *visibility_conditions(tx.scope, PremiumPayment, PremiumPayment.employer_id),
            PremiumPayment.id == payment_id,
        )
    )


async def list_payments(tx: Transaction, invoice_id: str) -> Sequence[PremiumPayment]:
    """Read the payments on an invoice, whose lock is held already."""
    found = await tx.session.scalars(
        select(PremiumPayment)
        .where(PremiumPayment.tenant_id == tx.viewer.tenant_id, PremiumPayment.invoice_id == invoice_id)
        .order_by(PremiumPayment.id)
        .execution_options(populate_existing=True)
    )
    return found.all()


# ------------------------------------------------------------------------------------ what paid-through rests on


async def list_covered_subscriber_ids(tx: Transaction, group_id: str, division_id: str) -> Sequence[str]:
    """Name the subscribers who have coverage in a group's division."""
    found = await tx.session.scalars(
        select(SubscriberEnrollment.subscriber_id)
        .where(
            *visibility_conditions(tx.scope, SubscriberEnrollment, SubscriberEnrollment.employer_id),
            SubscriberEnrollment.group_id == group_id,
            SubscriberEnrollment.division_id == division_id,
        )
        .distinct()
    )
    return found.all()


async def list_invoices(
    tx: Transaction, group_id: str, division_id: str, subscriber_ids: Collection[str]
) -> Sequence[Row[Any]]:
    """Read what was billed to a group's division, and to these subscribers in it, in one look."""
    over = rows(tx.scope).where(
        PremiumInvoice.group_id == group_id,
        PremiumInvoice.division_id == division_id,
        PremiumInvoice.subscriber_id.is_(None) | (PremiumInvoice.subscriber_id == any_of(subscriber_ids)),
    )
    found: Sequence[Row[Any]] = (await tx.session.execute(over)).all()
    return found


# ----------------------------------------------------------------------------------------- the tenant's setting


async def is_auto_paid_through(read_session: ReadSession) -> bool:
    """Tell whether the tenant wants `paid_through` brought up to date at once."""
    return bool(
        await read_session.session.scalar(
            select(Tenant.auto_paid_through).where(*visibility_conditions(read_session.scope, Tenant))
        )
    )


async def set_auto_paid_through(tx: Transaction, *, on: bool) -> None:
    await tx.session.execute(update(Tenant).where(Tenant.tenant_id == tx.viewer.tenant_id).values(auto_paid_through=on))
