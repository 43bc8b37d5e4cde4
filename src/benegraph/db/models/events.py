"""Table of history: recorded changes, in the order in which the event feed reports them."""

from typing import Any

from sqlalchemy import BigInteger, Computed, DateTime, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, synonym

from benegraph.db.base import Base, Id, Identified, Instant, enum_type, id_format_check, tenant_foreign_key
from benegraph.domain.access import Role
from benegraph.domain.ids import IdPrefix

_FEED_ORDER = ("transaction_number", "id")


class Event(Identified, Base):
    """A change of a row: its actor, instant and request, and the values before and after. Events never change."""

    __tablename__ = "events"

    #: None for a carrier's group that belongs to no employer in this tenant.
    employer_id: Mapped[Id | None]
    #: No foreign key, because events outlive a deleted employee.
    employee_id: Mapped[Id | None]
    #: The ID of the changed row. For the tenant's settings, it is the tenant's name.
    subject_id: Mapped[Id]
    action: Mapped[str]
    actor: Mapped[str]
    actor_role: Mapped[Role] = mapped_column(enum_type(Role))
    occurred_at: Mapped[Instant] = mapped_column(DateTime(timezone=True))
    request_id: Mapped[str | None]
    reason: Mapped[str | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    #: The changed columns whose values history does not keep, because they are personal data.
    withheld_columns: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'"))
    #: The number of the transaction that recorded the event. With the ID, which counts the events of a transaction, it
    #: orders the feed. It is 0 for events that are older than the column; their IDs sort by time.
    transaction_number: Mapped[int] = mapped_column(
        BigInteger, server_default=text("event_transaction_number(pg_current_xact_id())")
    )
    #: The kind of the changed row and the action, computed by the server; `domain/event_types.py` names these keys.
    type_key: Mapped[Id] = mapped_column(
        Computed("coalesce(split_part(nullif(subject_id, tenant_id), '_', 1), 'tenant') || '.' || action"),
        nullable=True,
    )
    #: The second column of the feed's order, under a name of its own.
    position: Mapped[str] = synonym("id")

    __table_args__ = (
        id_format_check(IdPrefix.EVENT),
        tenant_foreign_key("events_employer", "employer_id", "employers", "id"),
        Index("ix_events_subject", "tenant_id", "subject_id", "id"),
        Index("ix_events_order", "tenant_id", *_FEED_ORDER),
        Index("ix_events_employer", "tenant_id", "employer_id", *_FEED_ORDER),
        Index("ix_events_employee", "tenant_id", "employer_id", "employee_id", *_FEED_ORDER),
        Index("ix_events_type", "tenant_id", "type_key", *_FEED_ORDER),
        Index("ix_events_occurred_at", "tenant_id", "occurred_at", "transaction_number"),
    )
