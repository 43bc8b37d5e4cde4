"""Tables of documents: operations that clients can request by hash or ID instead of sending their text."""

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from benegraph.db.base import Base, Id, Instant, TenantScoped, tenant_foreign_key


class PersistedQuery(TenantScoped, Base):
    """A query that a client of the tenant registered with its hash, and can request by the hash from then on."""

    __tablename__ = "persisted_queries"

    #: SHA-256 of the text, in hex.
    digest: Mapped[Id] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Instant]

    __table_args__ = (
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="digest"),
        tenant_foreign_key("persisted_queries_tenant", "", "tenants"),
        Index("ix_persisted_queries_created_at", "tenant_id", "created_at"),
    )


class TrustedDocument(Base):
    """A document of the organization's own frontends, under the ID of their build. It belongs to no tenant."""

    __tablename__ = "trusted_documents"

    id: Mapped[Id] = mapped_column(primary_key=True)
    #: SHA-256 of the text in hex, by which a document is recognized when its text is sent.
    digest: Mapped[Id]
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Instant]

    __table_args__ = (
        CheckConstraint("id ~ '^[!-~]{1,255}$'", name="id"),
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="digest"),
        Index("ix_trusted_documents_digest", "digest"),
    )
