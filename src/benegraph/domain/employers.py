"""Employers: checks of the name and the time zone."""

from collections.abc import Iterator
from functools import cache
from zoneinfo import available_timezones

from benegraph.domain.checks import check_text
from benegraph.domain.errors import ErrorCode, RuleViolation


@cache
def _time_zones() -> frozenset[str]:
    # "localtime" depends on the machine, and legacy names such as "EST5EDT" on its version of the time zone database.
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def check_employer(name: str, time_zone: str) -> Iterator[RuleViolation]:
    yield from check_text(name, "name")
    if time_zone not in _time_zones():
        yield RuleViolation(
            ErrorCode.INVALID_INPUT,
            "Unsupported time zone: expected a name such as America/New_York, or UTC.",
            ("timeZone",),
        )
