"""Shapes of access: tenants, the keys that open them, and the answers kept for idempotency keys."""

from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from benegraph.db.base import Base, Id, Identified, Instant, Tenanted, id_check, reference, words
from benegraph.domain.access import Role
from benegraph.domain.ids import IdPrefix


class Tenant(Tenanted, Base):
    """A tenant: its id is the name that `X-Tenant` carries."""

    __tablename__ = "tenants"

    name: Mapped[str]
    #: Whether recording a payment or voiding an invoice brings coverages' `paid_through` up to date at once.
    auto_paid_through: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[Instant]

    __table_args__ = (CheckConstraint("tenant_id ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="tenant_id"),)


class ApiKey(Identified, Base):
    """A key's right in one tenant. The key itself is never stored; one key may have a row in several tenants."""

    __tablename__ = "api_keys"

    #: What is shown of the key in lists: enough to tell it from others, too little to use it.
    prefix: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    label: Mapped[str]
    role: Mapped[Role] = mapped_column(words(Role))
    employer_id: Mapped[Id | None]
    employee_id: Mapped[Id | None]
    actions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    expires_at: Mapped[Instant | None]
    revoked_at: Mapped[Instant | None]
    last_used_at: Mapped[Instant | None]

    __table_args__ = (
        id_check(IdPrefix.API_KEY),
        UniqueConstraint("tenant_id", "secret_hash", name="uq_api_keys_secret_hash"),
        CheckConstraint("role <> 'EMPLOYER' OR employer_id IS NOT NULL", name="employer_scope"),
        CheckConstraint(
            "role <> 'EMPLOYEE' OR (employer_id IS NOT NULL AND employee_id IS NOT NULL)", name="employee_scope"
        ),
        reference("api_keys_tenant", "", "tenants"),
        reference("api_keys_employer", "employer_id", "employers", "id"),
        reference("api_keys_employee", "employer_id employee_id", "employees", "employer_id id"),
        Index("ix_api_keys_secret_hash", "secret_hash"),  # at the door the tenant is not known yet
        Index("ix_api_keys_employee", "tenant_id", "employer_id", "employee_id"),
    )


class IdempotencyKey(Tenanted, Base):
    """What a mutation did under a caller's key: the hash of its input and the ids it touched."""

    __tablename__ = "idempotency_keys"

    caller: Mapped[Id] = mapped_column(primary_key=True)
    mutation: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[Id] = mapped_column(primary_key=True)
    input_hash: Mapped[bytes] = mapped_column(LargeBinary)
    result: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[Instant]

    __table_args__ = (
        reference("idempotency_keys_tenant", "", "tenants"),
        Index("ix_idempotency_keys_created_at", "tenant_id", "created_at"),
    )
