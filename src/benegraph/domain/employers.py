"""Employers: checks of their details, and the conditions of deactivation."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from benegraph.domain.addresses import PostalAddress, check_address
from benegraph.domain.checks import MAX_DIVISION_ID_LENGTH, check_text
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.obstacles import check_obstacles, describe_rows

_EIN = re.compile(r"\d{2}-?\d{7}", re.ASCII)


@dataclass(frozen=True, slots=True)
class EmployerDetails:
    """The legal name, EIN and postal address of an employer."""

    legal_name: str | None = None
    #: Nine digits; a client may write a hyphen after the second.
    ein: str | None = None
    address: PostalAddress | None = None


UNKNOWN_DETAILS = EmployerDetails()


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


def check_employer_details(details: EmployerDetails) -> Iterator[RuleViolation]:
    """Check the legal name, EIN and address. Field paths are those of CreateEmployerInput."""
    yield from check_text(details.legal_name, "legalName")
    if details.ein is not None and not _EIN.fullmatch(details.ein):
        message = "Invalid EIN: expected nine digits, such as 12-3456789."
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, ("ein",))
    yield from check_address(details.address, "address")


def normalize_ein(ein: str | None) -> str | None:
    """Return a valid EIN as it is stored: nine digits without a hyphen."""
    return None if ein is None else ein.replace("-", "")


def check_employer_active(*, active: bool, field: str = "employerId") -> Iterator[RuleViolation]:
    """Check that an employer is active: an inactive one hires nobody and gets no new plan years."""
    if not active:
        yield RuleViolation(
            ErrorCode.INVALID_STATUS_TRANSITION, "The employer is inactive; reactivate it first.", (field,)
        )


def check_division_texts(code: str, name: str) -> Iterator[RuleViolation]:
    yield from check_text(code, "code", max_length=MAX_DIVISION_ID_LENGTH)
    yield from check_text(name, "name")


def check_division_active(code: str, *, active: bool) -> Iterator[RuleViolation]:
    """Check that employees and contracts may be assigned to a division."""
    if not active:
        yield RuleViolation(
            ErrorCode.INVALID_STATUS_TRANSITION, f"Division {code} is retired; reactivate it first.", ("divisionId",)
        )


def check_division_retirement(employee_ids: Sequence[str]) -> Iterator[RuleViolation]:
    """Check that nobody of a division is employed today or later."""
    if employee_ids:
        yield RuleViolation(
            ErrorCode.INVALID_STATUS_TRANSITION,
            f"{describe_rows(employee_ids, 'people of the division are employed today or later')}; assign them to"
            " another division first.",
            ("divisionId",),
        )


#: For each kind of row that keeps an employer active: its description, and the remedy.
_OBSTACLES = {
    "employees": ("people are employed today or later", "end their employment"),
    "enrollments": ("elected coverages are in force today or later", "end them"),
    "records": ("coverages of record are in force today or later", "end them"),
    "invoices": ("premium invoices are open", "record their payments or void them"),
}


def check_deactivation(obstacles: Mapping[str, Sequence[str]]) -> Iterator[RuleViolation]:
    """Check that nothing keeps an employer active; `obstacles` maps the kinds of rows to their IDs."""
    yield from check_obstacles(_OBSTACLES, obstacles, "employerId")
