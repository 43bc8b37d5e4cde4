"""Employers: checks of names and time zones."""

import pytest

from benegraph.domain.employers import check_employer
from benegraph.domain.errors import ErrorCode
from violations import codes_and_fields


@pytest.mark.parametrize(
    "time_zone",
    [
        "America/New_York",
        "America/Argentina/Buenos_Aires",
        "Europe/London",
        "Pacific/Kiritimati",
        "Etc/UTC",
        "UTC",
    ],
)
def test_iana_time_zone_is_accepted(time_zone: str) -> None:
    assert list(check_employer("Acme", time_zone)) == []


@pytest.mark.parametrize(
    "time_zone",
    [
        "",
        "EST",
        "EST5EDT",
        "localtime",
        "Eastern",
        "America/Gotham",
        "america/new_york",
        " America/New_York",
        "America/New_York ",
        "America\\New_York",
        "/America/New_York",
        "../America/New_York",
        "+05:00",
        "\x00",
    ],
)
def test_other_time_zones_are_refused(time_zone: str) -> None:
    assert codes_and_fields(check_employer("Acme", time_zone)) == [(ErrorCode.INVALID_INPUT, "timeZone")]


def test_invalid_name_and_time_zone_are_both_reported() -> None:
    violations = check_employer(" ", "Mars/Olympus")
    assert codes_and_fields(violations) == [
        (ErrorCode.INVALID_INPUT, "name"),
        (ErrorCode.INVALID_INPUT, "timeZone"),
    ]


@pytest.mark.parametrize(("length", "refused"), [(200, False), (201, True)])
def test_name_has_at_most_200_characters(length: int, refused: bool) -> None:
    expected = [(ErrorCode.INVALID_INPUT, "name")] if refused else []
    assert codes_and_fields(check_employer("x" * length, "UTC")) == expected
