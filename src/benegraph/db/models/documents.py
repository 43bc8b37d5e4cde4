"""Shapes of documents: what clients may ask by a name, instead of sending its text."""

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from benegraph.db.base import Base, Id, Instant, Tenanted, reference


class PersistedQuery(Tenanted, Base):
    """A text that a client of the tenant sent along with its hash, to be asked for by the hash from then on."""

    __tablename__ = "persisted_queries"

    #: SHA-256 of the text, in hex.
    digest: Mapped[Id] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Instant]

    __table_args__ = (
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="digest"),
        reference("persisted_queries_tenant", "", "tenants"),
        Index("ix_persisted_queries_created_at", "tenant_id", "created_at"),
    )


class TrustedDocument(Base):
    """A text that our own people wrote, under the id their build gave it. The gateway's own, and no tenant's."""

    __tablename__ = "trusted_documents"

    id: Mapped[Id] = mapped_column(primary_key=True)
    #: SHA-256 of the text, by which it is known when it is sent as it is.
    digest: Mapped[Id]
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Instant]

    __table_args__ = (
        CheckConstraint("id ~ '^[!-~]{1,255}$'", name="id"),
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="digest"),
        Index("ix_trusted_documents_digest", "digest"),
    )
