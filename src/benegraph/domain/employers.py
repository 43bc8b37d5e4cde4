"""Employers: checks of the name and the time zone, and the conditions of deactivation."""

from collections.abc import Iterator, Mapping, Sequence
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


def check_employer_active(*, active: bool, field: str = "employerId") -> Iterator[RuleViolation]:
    """Check that an employer is active: an inactive one hires nobody and gets no new plan years."""
    if not active:
        yield RuleViolation(
            ErrorCode.INVALID_STATUS_TRANSITION, "The employer is inactive; reactivate it first.", (field,)
        )


#: For each kind of row that keeps an employer active: its description, and the remedy.
_OBSTACLES = {
    "employees": ("people are employed today or later", "end their employment"),
    "enrollments": ("elected coverages are in force today or later", "end them"),
    "records": ("coverages of record are in force today or later", "end them"),
    "invoices": ("premium invoices are open", "record their payments or void them"),
}
#: A message lists this many IDs of one kind, and the number of the others.
MAX_LISTED_OBSTACLES = 20


def check_deactivation(obstacles: Mapping[str, Sequence[str]]) -> Iterator[RuleViolation]:
    """Check that nothing keeps an employer active; `obstacles` maps the kinds of rows to their IDs."""
    for kind, (description, remedy) in _OBSTACLES.items():
        if ids := obstacles[kind]:
            listed = ", ".join(ids[:MAX_LISTED_OBSTACLES])
            others = len(ids) - MAX_LISTED_OBSTACLES
            yield RuleViolation(
                ErrorCode.INVALID_STATUS_TRANSITION,
                f"{len(ids)} {description}: {listed}{f' and {others} more' if others > 0 else ''}; {remedy} first.",
                ("employerId",),
            )
