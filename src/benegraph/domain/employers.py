"""Employers: what makes a name and a time zone good."""

from collections.abc import Iterator
from functools import cache
from zoneinfo import available_timezones

from benegraph.domain.checks import check_text
from benegraph.domain.errors import ErrorCode, RuleViolation


@cache
def _time_zones() -> frozenset[str]:
    # Names such as "localtime" or "EST5EDT" mean another thing on another machine.
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def check_employer(name: str, time_zone: str) -> Iterator[RuleViolation]:
    yield from check_text(name, "name")
    if time_zone not in _time_zones():
        yield RuleViolation(
            ErrorCode.INVALID_INPUT,
            "This is no time zone of the IANA database, such as America/New_York.",
            ("timeZone",),
        )
