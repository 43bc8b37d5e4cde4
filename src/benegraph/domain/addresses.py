"""Postal addresses: their parts, and the checks of their formats."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from benegraph.domain.checks import check_text
from benegraph.domain.errors import ErrorCode, RuleViolation

# The lengths are those of the segments N3 and N4 in X12.
MAX_LINE_LENGTH = 55
MAX_CITY_LENGTH = 30
MAX_POSTAL_CODE_LENGTH = 15
_UNITED_STATES = "US"
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_ZIP_CODE = re.compile(r"\d{5}(-\d{4})?", re.ASCII)
#: The abbreviations of states, territories and military addresses (USPS Publication 28, appendix B).
_STATES = frozenset(
    {
        *("AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA"),
        *("KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM"),
        *("NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA"),
        *("WV", "WI", "WY", "AS", "FM", "GU", "MH", "MP", "PR", "PW", "VI", "AA", "AE", "AP"),
    }
)


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """A postal address. The country is a code of ISO 3166-1 alpha-2."""

    line1: str
    line2: str | None
    city: str
    state: str | None
    postal_code: str | None
    country: str = _UNITED_STATES


def check_address(address: PostalAddress | None, *field: str) -> Iterator[RuleViolation]:
    """Check an address; one in the United States needs a state and a ZIP code. None passes."""
    if address is None:
        return
    yield from check_text(address.line1, *field, "line1", max_length=MAX_LINE_LENGTH)
    yield from check_text(address.line2, *field, "line2", max_length=MAX_LINE_LENGTH)
    yield from check_text(address.city, *field, "city", max_length=MAX_CITY_LENGTH)
    if not _COUNTRY.fullmatch(address.country):
        message = "Invalid country: expected two capital letters by ISO 3166-1, such as US."
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, (*field, "country"))
    if address.country != _UNITED_STATES:
        yield from check_text(address.state, *field, "state", max_length=MAX_CITY_LENGTH)
        yield from check_text(address.postal_code, *field, "postalCode", max_length=MAX_POSTAL_CODE_LENGTH)
        return
    if address.state not in _STATES:
        message = "Invalid state: expected the two capital letters of a state or territory, such as CA."
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, (*field, "state"))
    if not _ZIP_CODE.fullmatch(address.postal_code or ""):
        message = "Invalid ZIP code: expected the form 94105 or 94105-1234."
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, (*field, "postalCode"))
