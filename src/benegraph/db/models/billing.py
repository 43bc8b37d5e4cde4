"""Tables of billing: premium invoices and their payments."""

from datetime import date

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from benegraph.db.base import Base, Cents, Id, Identified, Instant, Versioned, id_format_check, tenant_foreign_key
from benegraph.domain.ids import IdPrefix


class PremiumInvoice(Versioned, Base):
    """An invoice for a group's division, or for one of its subscribers, over a span of days of coverage.

    Its paid amount is the sum of its payments that are not reversed.
    """

    __tablename__ = "premium_invoices"

    #: The employer that the group belongs to, if it is known in this tenant; row-level security reads it.
    employer_id: Mapped[Id | None]
    group_id: Mapped[Id]
    division_id: Mapped[Id]
    subscriber_id: Mapped[Id | None]
    bill_from: Mapped[date]
    bill_through: Mapped[date]
    due_date: Mapped[date]
    amount_cents: Mapped[Cents]
    voided_at: Mapped[Instant | None]
    void_reason: Mapped[str | None]

    __table_args__ = (
        id_format_check(IdPrefix.PREMIUM_INVOICE),
        CheckConstraint("bill_from <= bill_through", name="billed"),
        CheckConstraint("amount_cents >= 0", name="cents"),
        tenant_foreign_key("premium_invoices_subscriber", "subscriber_id", "subscribers"),
        tenant_foreign_key("premium_invoices_employer", "employer_id", "employers", "id"),
        Index("ix_premium_invoices_group", "tenant_id", "group_id", "division_id", "bill_from", "id"),
        Index(
            "ix_premium_invoices_subscriber",
            "tenant_id",
            "subscriber_id",
            "id",
            postgresql_where=text("subscriber_id IS NOT NULL"),
        ),
        Index(
            "ix_premium_invoices_employer",
            "tenant_id",
            "employer_id",
            "id",
            postgresql_where=text("employer_id IS NOT NULL"),
        ),
    )


class PremiumPayment(Identified, Base):
    """A payment received for an invoice; a reversed payment does not count."""

    __tablename__ = "premium_payments"

    employer_id: Mapped[Id | None]
    invoice_id: Mapped[Id]
    amount_cents: Mapped[Cents]
    received_on: Mapped[date]
    reversed_at: Mapped[Instant | None]
    reversal_reason: Mapped[str | None]

    __table_args__ = (
        id_format_check(IdPrefix.PREMIUM_PAYMENT),
        CheckConstraint("amount_cents > 0", name="cents"),
        tenant_foreign_key("premium_payments_invoice", "invoice_id", "premium_invoices", "id"),
        tenant_foreign_key("premium_payments_employer", "employer_id", "employers", "id"),
        UniqueConstraint("tenant_id", "invoice_id", "id", name="uq_premium_payments_of_invoice"),
        Index(
            "ix_premium_payments_employer",
            "tenant_id",
            "employer_id",
            "id",
            postgresql_where=text("employer_id IS NOT NULL"),
        ),
    )
