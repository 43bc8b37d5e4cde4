"""Tables of access: tenants, API keys, and the results stored for idempotency keys."""

from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from benegraph.db.base import (
    Base,
    Id,
    Identified,
    Instant,
    TenantScoped,
    enum_type,
    id_format_check,
    tenant_foreign_key,
)
from benegraph.domain.access import Role
from benegraph.domain.ids import IdPrefix


class Tenant(TenantScoped, Base):
    """A tenant; its ID is the name in the `X-Tenant` header."""

    __tablename__ = "tenants"

    name: Mapped[str]
    #: Whether recording or voiding an invoice, and recording or reversing a payment, updates the `paid_through` of
    #: coverage in the same transaction.
    auto_paid_through: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[Instant]

    __table_args__ = (CheckConstraint("tenant_id ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="tenant_id"),)


class ApiKey(Identified, Base):
    """An API key's rights in one tenant. Only the key's hash is stored; one key may have a row in several tenants."""

    __tablename__ = "api_keys"

    #: The part of the key that lists show: enough to recognize it, too little to use it.
    prefix: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    label: Mapped[str]
    role: Mapped[Role] = mapped_column(enum_type(Role))
    employer_id: Mapped[Id | None]
    employee_id: Mapped[Id | None]
    actions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    expires_at: Mapped[Instant | None]
    revoked_at: Mapped[Instant | None]
    last_used_at: Mapped[Instant | None]

    __table_args__ = (
        id_format_check(IdPrefix.API_KEY),
        UniqueConstraint("tenant_id", "secret_hash", name="uq_api_keys_secret_hash"),
        CheckConstraint("role <> 'EMPLOYER' OR employer_id IS NOT NULL", name="employer_scope"),
        CheckConstraint(
            "role <> 'EMPLOYEE' OR (employer_id IS NOT NULL AND employee_id IS NOT NULL)", name="employee_scope"
        ),
        # Without the employer, the limit to an employee would not be checked against the table of employees.
        CheckConstraint("employee_id IS NULL OR employer_id IS NOT NULL", name="employee_of_employer"),
        tenant_foreign_key("api_keys_tenant", "", "tenants"),
        tenant_foreign_key("api_keys_employer", "employer_id", "employers", "id"),
        tenant_foreign_key("api_keys_employee", "employer_id employee_id", "employees", "employer_id id"),
        Index("ix_api_keys_secret_hash", "secret_hash"),  # a key is looked up before its tenant is known
        Index("ix_api_keys_employee", "tenant_id", "employer_id", "employee_id"),
    )


class AccessRecord(Identified, Base):
    """A read of an employee's protected columns, or of those of the dependents, by someone else.

    It has no foreign keys, because it outlives a deleted employee. Records are only inserted.
    """

    __tablename__ = "access_records"

    employer_id: Mapped[Id]
    employee_id: Mapped[Id]
    actor: Mapped[str]
    actor_role: Mapped[Role] = mapped_column(enum_type(Role))
    #: The operation's name; None for one without a name.
    operation: Mapped[str | None]
    #: SHA-256 of the document's text, in hexadecimal.
    document: Mapped[str | None]
    request_id: Mapped[str | None]
    #: The protected columns that were read, with `address` for the parts of an address.
    columns: Mapped[list[str]] = mapped_column(ARRAY(Text))

    __table_args__ = (
        id_format_check(IdPrefix.ACCESS_RECORD),
        Index("ix_access_records_employee", "tenant_id", "employee_id", "id"),
        Index("ix_access_records_created_at", "tenant_id", "created_at"),
    )


class IdempotencyKey(TenantScoped, Base):
    """The result of a mutation under a caller's idempotency key: the hash of its input and the IDs that it changed."""

    __tablename__ = "idempotency_keys"

    caller: Mapped[Id] = mapped_column(primary_key=True)
    mutation: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[Id] = mapped_column(primary_key=True)
    input_hash: Mapped[bytes] = mapped_column(LargeBinary)
    result: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[Instant]

    __table_args__ = (
        tenant_foreign_key("idempotency_keys_tenant", "", "tenants"),
        Index("ix_idempotency_keys_created_at", "tenant_id", "created_at"),
    )
