"""Postal addresses and demographic data: which formats are accepted, and under which field others are refused."""

from dataclasses import replace

import pytest

from benegraph.domain.addresses import PostalAddress, check_address
from benegraph.domain.employers import EmployerDetails, check_employer_details, normalize_ein
from benegraph.domain.errors import ErrorCode
from benegraph.domain.people import Demographics, check_demographics

ADDRESS = PostalAddress("1 Main Street", None, "Springfield", "IL", "62701")


@pytest.mark.parametrize(
    "address",
    [
        ADDRESS,
        replace(ADDRESS, line2="Apt. 4", postal_code="62701-0001"),
        replace(ADDRESS, line1="x" * 55, city="y" * 30),
        replace(ADDRESS, state="AP"),
        PostalAddress("Am Markt 1", None, "Bremen", None, None, "DE"),
        PostalAddress("1 Queen Street", None, "Toronto", "Ontario", "M5V 3L9", "CA"),
    ],
)
def test_valid_address_is_accepted(address: PostalAddress) -> None:
    assert list(check_address(address, "address")) == []


@pytest.mark.parametrize(
    ("address", "field"),
    [
        (replace(ADDRESS, line1=" "), "line1"),
        (replace(ADDRESS, line1="x" * 56), "line1"),
        (replace(ADDRESS, line2="a\nb"), "line2"),
        (replace(ADDRESS, city="y" * 31), "city"),
        (replace(ADDRESS, state=None), "state"),
        (replace(ADDRESS, state="il"), "state"),
        (replace(ADDRESS, state="XX"), "state"),
        (replace(ADDRESS, postal_code=None), "postalCode"),
        (replace(ADDRESS, postal_code="6270"), "postalCode"),
        (replace(ADDRESS, postal_code="62701-12"), "postalCode"),
        (replace(ADDRESS, postal_code="٦2701"), "postalCode"),
        (replace(ADDRESS, country="usa"), "country"),
        (PostalAddress("Am Markt 1", None, "Bremen", None, "1" * 16, "DE"), "postalCode"),
    ],
)
def test_invalid_address_is_refused_under_the_field(address: PostalAddress, field: str) -> None:
    (violation,) = check_address(address, "address")
    assert (violation.code, violation.field) == (ErrorCode.INVALID_INPUT, ("address", field))


@pytest.mark.parametrize("phone", ["+1217555", "+12175550100", "+999999999999999"])
def test_phone_in_e164_form_is_accepted(phone: str) -> None:
    assert list(check_demographics(Demographics(phone=phone))) == []


@pytest.mark.parametrize("phone", ["", "2175550100", "+0217555010", "+121755", "+1217 5550100", "+1" + "2" * 15])
def test_other_phone_is_refused_without_repeating_it(phone: str) -> None:
    (violation,) = check_demographics(Demographics(phone=phone))
    assert (violation.code, violation.field) == (ErrorCode.INVALID_INPUT, ("phone",))
    assert not phone or phone not in violation.message


def test_every_invalid_part_of_a_person_is_reported() -> None:
    violations = check_demographics(Demographics("m" * 101, "s" * 11, None, "1", replace(ADDRESS, state="X")))
    assert [violation.field for violation in violations] == [
        ("middleName",),
        ("nameSuffix",),
        ("phone",),
        ("address", "state"),
    ]


@pytest.mark.parametrize(("ein", "stored"), [("123456789", "123456789"), ("12-3456789", "123456789"), (None, None)])
def test_ein_is_stored_as_nine_digits(ein: str | None, stored: str | None) -> None:
    assert list(check_employer_details(EmployerDetails(ein=ein))) == []
    assert normalize_ein(ein) == stored


@pytest.mark.parametrize("ein", ["", "12345678", "1234567890", "123-456789", "12-345678x"])
def test_ein_of_another_form_is_refused(ein: str) -> None:
    (violation,) = check_employer_details(EmployerDetails(ein=ein))
    assert (violation.code, violation.field) == (ErrorCode.INVALID_INPUT, ("ein",))
