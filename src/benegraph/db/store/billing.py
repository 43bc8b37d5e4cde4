"""Premium invoices and their payments: queries for the graph, locks and lookups for services."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    or_,
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

# --------------------------------------------------------------------------------------------------- row queries


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """A filter of invoices; None does not filter."""

    status: InvoiceStatus | None = None


def rows(scope: QueryScope) -> Select[Any]:
    """Select the invoices that the viewer may see, each with its paid amount and status."""
    paid = _paid_amount()
    status = case(
        (PremiumInvoice.voided_at.is_not(None), InvoiceStatus.VOID.value),
        (paid.c.paid_cents >= PremiumInvoice.amount_cents, InvoiceStatus.PAID.value),
        else_=InvoiceStatus.OPEN.value,
    )
    return (
        select(
            *PremiumInvoice.__table__.c,
            paid.c.paid_cents,
            case(
                (PremiumInvoice.voided_at.is_not(None), 0), else_=PremiumInvoice.amount_cents - paid.c.paid_cents
            ).label("balance_cents"),
            type_coerce(status, enum_type(InvoiceStatus)).label("status"),
        )
        .join_from(PremiumInvoice, paid, true())
        .where(*_premium_conditions(scope, PremiumInvoice))
    )


def rows_of_contracts(scope: QueryScope) -> Select[Any]:
    """Select the invoices of group contracts: those of the division whose billed period starts under the contract."""
    is_billed = and_(
        GroupContract.tenant_id == PremiumInvoice.tenant_id,
        GroupContract.group_id == PremiumInvoice.group_id,
        GroupContract.division_id == PremiumInvoice.division_id,
        PremiumInvoice.bill_from >= GroupContract.coverage_start,
        or_(GroupContract.coverage_end.is_(None), PremiumInvoice.bill_from <= GroupContract.coverage_end),
    )
    invoices = rows(scope).join_from(PremiumInvoice, GroupContract, is_billed)
    return invoices.where(GroupContract.tenant_id == scope.tenant_id)


def apply_filter(_scope: QueryScope, invoices: Select[Any], filter: InvoiceFilter) -> Select[Any]:
    if filter.status is not None:
        invoices = invoices.where(invoices.selected_columns["status"] == filter.status)
    return invoices


def payment_rows(scope: QueryScope) -> Select[Any]:
    """Select the payments that the viewer may see."""
    return select(
        *PremiumPayment.__table__.c,
        PremiumPayment.reversed_at.is_not(None).label("reversed"),
    ).where(*_premium_conditions(scope, PremiumPayment))


def _premium_conditions(
    scope: QueryScope, table: type[PremiumInvoice | PremiumPayment]
) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions that limit invoices and payments to the viewer; employees see none."""
    yield from visibility_conditions(scope, table, table.employer_id)
    if scope.employee_id is not None:
        yield false()


def _paid_amount() -> LateralFromClause:
    """Return a lateral join with the sum of each invoice's payments that are not reversed, 0 without payments."""
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
#: By the carrier's subscriber numbers: the subscribers' own invoices, not those of their groups.
of_subscribers = PagedRows(rows, PremiumInvoice.subscriber_id, ORDERS)
#: By the IDs of group contracts: the invoices for the whole division, and those for its subscribers.
of_contracts = PagedRows(
    rows_of_contracts, GroupContract.id, {"BILL_FROM": (PremiumInvoice.bill_from, PremiumInvoice.id)}, apply_filter
)
payments_of = ManyByKey(payment_rows, PremiumPayment.invoice_id, (PremiumPayment.id,))


# ------------------------------------------------------------------------------------- lookups and locks of services


@dataclass(frozen=True, slots=True)
class InvoiceRecipient:
    """The recipient of an invoice: the group's employer, and whether the group contract and the subscriber exist."""

    has_contract: bool
    employer_id: str | None
    has_subscriber: bool


async def find_invoice_recipient(
    tx: Transaction, group_id: str, division_id: str, subscriber_id: str | None
) -> InvoiceRecipient:
    """Look up the group contracts of a division, and a subscriber.

    The employer is that of the newest contract that has one.
    """
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
    result = await tx.session.execute(
        select(
            exists().select_from(contracts).label("contract"),
            newest.scalar_subquery().label("employer_id"),
            known.label("subscriber"),
        )
    )
    return InvoiceRecipient(*result.one())


async def lock_invoice(tx: Transaction, id: str) -> PremiumInvoice | None:
    """Lock an invoice. Take this lock before reading its payments, and before any payment, void or reversal."""
    return await tx.session.scalar(
        select(PremiumInvoice)
        .where(*visibility_conditions(tx.scope, PremiumInvoice, PremiumInvoice.employer_id), PremiumInvoice.id == id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def invoice_id_of(tx: Transaction, payment_id: str) -> str | None:
    """Return the ID of the invoice of a payment, to be locked first."""
    return await tx.session.scalar(
        select(PremiumPayment.invoice_id).where(
            *visibility_conditions(tx.scope, PremiumPayment, PremiumPayment.employer_id),
            PremiumPayment.id == payment_id,
        )
    )


async def list_payments(tx: Transaction, invoice_id: str) -> Sequence[PremiumPayment]:
    """List the payments of an invoice. The caller holds the invoice's lock."""
    result = await tx.session.scalars(
        select(PremiumPayment)
        .where(PremiumPayment.tenant_id == tx.viewer.tenant_id, PremiumPayment.invoice_id == invoice_id)
        .order_by(PremiumPayment.id)
        .execution_options(populate_existing=True)
    )
    return result.all()


# ---------------------------------------------------------------------------------------- inputs of paid-through dates


async def list_covered_subscriber_ids(tx: Transaction, group_id: str, division_id: str) -> Sequence[str]:
    """List the subscriber numbers with coverage in a group's division."""
    result = await tx.session.scalars(
        select(SubscriberEnrollment.subscriber_id)
        .where(
            *visibility_conditions(tx.scope, SubscriberEnrollment, SubscriberEnrollment.employer_id),
            SubscriberEnrollment.group_id == group_id,
            SubscriberEnrollment.division_id == division_id,
        )
        .distinct()
    )
    return result.all()


async def list_invoices(
    tx: Transaction, group_id: str, division_id: str, subscriber_ids: Collection[str]
) -> Sequence[Row[Any]]:
    """List the invoices for a group's division and for these subscribers in it, in one statement."""
    invoices = rows(tx.scope).where(
        PremiumInvoice.group_id == group_id,
        PremiumInvoice.division_id == division_id,
        PremiumInvoice.subscriber_id.is_(None) | (PremiumInvoice.subscriber_id == any_of(subscriber_ids)),
    )
    result: Sequence[Row[Any]] = (await tx.session.execute(invoices)).all()
    return result


# ----------------------------------------------------------------------------------------------------- tenant setting


async def is_auto_paid_through(read_session: ReadSession) -> bool:
    """Return whether recording or voiding an invoice, and recording or reversing a payment, updates `paid_through`."""
    return bool(
        await read_session.session.scalar(
            select(Tenant.auto_paid_through).where(*visibility_conditions(read_session.scope, Tenant))
        )
    )


async def set_auto_paid_through(tx: Transaction, *, on: bool) -> bool:
    """Set the tenant's `autoPaidThrough`; return whether it changed."""
    changed = await tx.session.scalars(
        update(Tenant)
        .where(Tenant.tenant_id == tx.viewer.tenant_id, Tenant.auto_paid_through.is_not(on))
        .values(auto_paid_through=on)
        .returning(Tenant.tenant_id)
    )
    return changed.first() is not None
