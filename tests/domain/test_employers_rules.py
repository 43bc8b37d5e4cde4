"""Employers: names, and time zones that mean the same on every machine."""

import pytest
from refusals import refusals

from benegraph.domain.employers import check_employer
from benegraph.domain.errors import ErrorCode


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
def test_a_time_zone_of_the_iana_database_is_let_through(time_zone: str) -> None:
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
def test_any_other_time_zone_is_refused(time_zone: str) -> None:
    assert refusals(check_employer("Acme", time_zone)) == [(ErrorCode.INVALID_INPUT, ("timeZone",))]


def test_a_bad_name_and_a_bad_time_zone_are_refused_together() -> None:
    rules = check_employer(" ", "Mars/Olympus")
    assert refusals(rules) == [(ErrorCode.INVALID_INPUT, ("name",)), (ErrorCode.INVALID_INPUT, ("timeZone",))]


@pytest.mark.parametrize(("length", "refused"), [(200, False), (201, True)])
def test_a_name_has_200_characters_at_most(length: int, refused: bool) -> None:
    expected = [(ErrorCode.INVALID_INPUT, ("name",))] if refused else []
    assert refusals(check_employer("x" * length, "UTC")) == expected
