"""The declarative base: column kinds, and the rule that every table leads with its tenant and names its constraints."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Enum, ForeignKeyConstraint, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benegraph.domain.ids import ID_SUFFIX_PATTERN, IdPrefix

#: An id, or a part of one: compared byte by byte, as nobody sorts ids by the rules of a language.
Id = Annotated[str, mapped_column(Text(collation="C"))]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Cents = Annotated[int, mapped_column(BigInteger)]

CONVENTION = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


class Base(DeclarativeBase):
    """A table of the system of record."""

    metadata = MetaData(naming_convention=CONVENTION)


class Tenanted:
    """A row of one tenant."""

    tenant_id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-2)


class Identified(Tenanted):
    """A row of one tenant with an id, and the instants it was made and last changed."""

    id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-1)
    created_at: Mapped[Instant] = mapped_column(sort_order=1)


class Versioned(Identified):
    """A row that changes: the version counts the changes, so that a stale one is noticed."""

    updated_at: Mapped[Instant] = mapped_column(sort_order=1)
    version: Mapped[int] = mapped_column(default=1, sort_order=1)


def words(kind: type[StrEnum]) -> Any:
    """Make the column type of an enumeration: text with a named check, so that a new word needs no ALTER TYPE."""
    name = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__).lstrip("_")
    return Enum(kind, native_enum=False, create_constraint=True, name=name, length=40)


def id_check(kind: IdPrefix) -> CheckConstraint:
    """Hold the form of a table's own ids, so that what is read back may be trusted as it is."""
    return CheckConstraint(f"id ~ '^{kind}_{ID_SUFFIX_PATTERN}$'", name="id")


def reference(name: str, columns: str, table: str, targets: str | None = None, **options: Any) -> ForeignKeyConstraint:
    """Make a foreign key within the tenant: `columns` and `targets` are words, the tenant goes before both.

    A key of several parts keeps more than existence: an enrollment's plan year is one of its own employer.
    """
    own = ["tenant_id", *columns.split()]
    there = [f"{table}.{column}" for column in ["tenant_id", *(targets or columns).split()]]
    return ForeignKeyConstraint(own, there, name=f"fk_{name}", **options)
