"""The declarative base of all tables: column types, primary keys led by the tenant, and named constraints."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Enum, ForeignKeyConstraint, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benegraph.domain.ids import ID_SUFFIX_PATTERN, IdPrefix

#: An ID or a part of a key. It is compared byte by byte, because no language's collation applies to IDs.
Id = Annotated[str, mapped_column(Text(collation="C"))]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Cents = Annotated[int, mapped_column(BigInteger)]

NAMING_CONVENTION = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


class Base(DeclarativeBase):
    """A table of the system of record."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class TenantScoped:
    """A row of one tenant."""

    tenant_id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-2)


class Identified(TenantScoped):
    """A row of one tenant with an ID and the instant of its creation."""

    id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-1)
    created_at: Mapped[Instant] = mapped_column(sort_order=1)


class Versioned(Identified):
    """A row that can change; its version increments with each change, so that stale updates are detected."""

    updated_at: Mapped[Instant] = mapped_column(sort_order=1)
    version: Mapped[int] = mapped_column(default=1, sort_order=1)


def enum_type(enumeration: type[StrEnum]) -> Any:
    """Return the column type of an enumeration: varchar(40) with a named check constraint.

    Unlike an enum type of PostgreSQL, it needs no ALTER TYPE for a new member.
    """
    name = "".join(f"_{c.lower()}" if c.isupper() else c for c in enumeration.__name__).lstrip("_")
    return Enum(enumeration, native_enum=False, create_constraint=True, name=name, length=40)


def id_format_check(prefix: IdPrefix) -> CheckConstraint:
    """Return a check of the format of a table's own IDs, so that stored IDs need no validation when they are read."""
    return CheckConstraint(f"id ~ '^{prefix}_{ID_SUFFIX_PATTERN}$'", name="id")


def tenant_foreign_key(
    name: str, columns: str, table: str, target_columns: str | None = None, **options: Any
) -> ForeignKeyConstraint:
    """Return a foreign key within the tenant.

    `columns` and `target_columns` are names separated by spaces; the tenant is prepended to both. A key of several
    columns ensures more than existence: an enrollment's plan year belongs to the enrollment's own employer.
    """
    own = ["tenant_id", *columns.split()]
    targets = [f"{table}.{column}" for column in ["tenant_id", *(target_columns or columns).split()]]
    return ForeignKeyConstraint(own, targets, name=f"fk_{name}", **options)
