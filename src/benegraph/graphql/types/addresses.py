"""Postal addresses in GraphQL."""

from typing import Any

import strawberry

from benegraph.db.models.addresses import ADDRESS_COLUMNS, address_of
from benegraph.domain.addresses import PostalAddress
from benegraph.graphql.types.fields import computed

_LINE2 = "The second line, such as an apartment or a suite; null if there is none."
_STATE = "The state; in the United States, the two capital letters of a state or territory, such as CA."
_POSTAL_CODE = "The postal code; in the United States, a ZIP code such as 94105 or 94105-1234."
_COUNTRY = "The country as a code of ISO 3166-1 alpha-2, such as US."


@strawberry.type(description="A postal address.")
class Address:
    line1: str = strawberry.field(description="The first line, such as the house number and street.")
    line2: str | None = strawberry.field(description=_LINE2)
    city: str = strawberry.field(description="The city.")
    state: str | None = strawberry.field(description=_STATE)
    postal_code: str | None = strawberry.field(description=_POSTAL_CODE)
    country: str = strawberry.field(description=_COUNTRY)


@strawberry.input(description="A postal address. In the United States, the state and the ZIP code are required.")
class AddressInput:
    line1: str = strawberry.field(description="The first line, such as the house number and street.")
    line2: str | None = strawberry.field(default=None, description="The second line, such as an apartment or a suite.")
    city: str = strawberry.field(description="The city.")
    state: str | None = strawberry.field(default=None, description=_STATE)
    postal_code: str | None = strawberry.field(default=None, description=_POSTAL_CODE)
    country: str = strawberry.field(default="US", description=_COUNTRY)


def to_address(input: AddressInput | None) -> PostalAddress | None:
    """Return the domain's value of an input; None for null."""
    if input is None:
        return None
    return PostalAddress(input.line1, input.line2, input.city, input.state, input.postal_code, input.country)


def address_field(description: str) -> Any:
    """Declare a field for the postal address in the columns of the parent's row."""
    return computed(address_of, description, ADDRESS_COLUMNS)
