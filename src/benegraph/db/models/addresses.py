"""Columns of a postal address, for tables whose rows have one."""

from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped

from benegraph.domain.addresses import PostalAddress


class Addressed:
    """A row with a postal address; all columns are null if the address is unknown."""

    address_line1: Mapped[str | None]
    address_line2: Mapped[str | None]
    address_city: Mapped[str | None]
    address_state: Mapped[str | None]
    address_postal_code: Mapped[str | None]
    address_country: Mapped[str | None]


ADDRESS_COLUMNS = tuple(Addressed.__annotations__)


def address_check() -> CheckConstraint:
    """Return a check that an address is complete or absent."""
    return CheckConstraint(
        "CASE WHEN address_line1 IS NULL"
        " THEN num_nonnulls(address_line2, address_city, address_state, address_postal_code, address_country) = 0"
        " ELSE num_nulls(address_city, address_country) = 0 END",
        name="address",
    )


def address_values(address: PostalAddress | None) -> dict[str, Any]:
    """Return the values of an address's columns."""
    values = (
        (None,) * len(ADDRESS_COLUMNS)
        if address is None
        else (
            address.line1,
            address.line2,
            address.city,
            address.state,
            address.postal_code,
            address.country,
        )
    )
    return dict(zip(ADDRESS_COLUMNS, values, strict=True))


def address_of(row: Any) -> PostalAddress | None:
    """Return the address in a row's columns; None if it is unknown."""
    return None if row.address_line1 is None else PostalAddress(*(getattr(row, name) for name in ADDRESS_COLUMNS))
