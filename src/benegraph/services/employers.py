"""Employers: they are added, changed, deactivated and reactivated; and today's date in their time zones."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import Employer
from benegraph.db.models.addresses import address_of, address_values
from benegraph.db.session import Transaction
from benegraph.domain.access import require_tenant_wide
from benegraph.domain.checks import MAX_REASON_LENGTH, check_id, check_text, check_version
from benegraph.domain.employers import (
    UNKNOWN_DETAILS,
    EmployerDetails,
    check_deactivation,
    check_employer,
    check_employer_active,
    check_employer_details,
    normalize_ein,
)
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix


async def employer_today(tx: Transaction, employer_id: str) -> date:
    """Return today's date in the time zone of an employer that the viewer can see."""
    employers = await store.employers.by_ids(tx, [employer_id])
    return tx.today(employers[employer_id].time_zone)


async def add_employer(tx: Transaction, name: str, time_zone: str, details: EmployerDetails = UNKNOWN_DETAILS) -> str:
    """Add an employer, and return its ID. Raises Refused, and Forbidden for a viewer limited to one employer."""
    require_tenant_wide(tx.viewer)
    raise_if_any([*check_employer(name, time_zone), *check_employer_details(details)])
    id = tx.new_id(IdPrefix.EMPLOYER)
    row = {
        "id": id,
        "name": name,
        "legal_name": details.legal_name,
        "ein": normalize_ein(details.ein),
        **address_values(details.address),
        "time_zone": time_zone,
        "active": True,
    }
    await store.history.insert_with_events(tx, Employer, [row], "CREATED")
    return id


async def update_employer(tx: Transaction, id: str, changes: Mapping[str, Any], expected_version: int | None) -> None:
    """Change the columns given in `changes`, and the `address`. Raises Refused."""
    employer = await lock_employer(tx, id)
    details = replace(
        EmployerDetails(employer.legal_name, employer.ein, address_of(employer)),
        **{name: value for name, value in changes.items() if name in EmployerDetails.__dataclass_fields__},
    )
    raise_if_any(
        [
            *check_version(expected_version, employer.version),
            *check_employer(changes.get("name", employer.name), changes.get("time_zone", employer.time_zone)),
            *check_employer_details(details),
        ]
    )
    columns = {**changes, "ein": normalize_ein(details.ein), **address_values(details.address)}
    columns.pop("address", None)
    for name, value in columns.items():
        setattr(employer, name, value)
    await store.history.record_change(tx, employer, "UPDATED")


async def deactivate_employer(tx: Transaction, id: str, reason: str, expected_version: int | None) -> None:
    """Deactivate an employer, which then hires nobody and gets no new plan years. Raises Refused.

    Refused while people are employed today or later, coverage is in force, or invoices are open.
    """
    employer = await lock_employer(tx, id)
    violations = [
        *check_version(expected_version, employer.version),
        *check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True),
        *check_deactivation(await store.employers.list_obstacles(tx, id, tx.today(employer.time_zone))),
    ]
    if not employer.active:
        message = "The employer is already inactive."
        violations.append(RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("employerId",)))
    raise_if_any(violations)
    employer.active = False
    await store.history.record_change(tx, employer, "DEACTIVATED", reason)


async def reactivate_employer(tx: Transaction, id: str, reason: str | None, expected_version: int | None) -> None:
    """Reactivate an employer, which can then hire people and get plan years again. Raises Refused."""
    employer = await lock_employer(tx, id)
    violations = [
        *check_version(expected_version, employer.version),
        *check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True),
    ]
    if employer.active:
        message = "The employer is active, so there is nothing to reactivate."
        violations.append(RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("employerId",)))
    raise_if_any(violations)
    employer.active = True
    await store.history.record_change(tx, employer, "REACTIVATED", reason)


async def lock_employer(tx: Transaction, id: str) -> Employer:
    """Lock an employer exclusively. Raises Refused."""
    raise_if_any(check_id(IdPrefix.EMPLOYER, id, "employerId"))
    employer = await store.employers.lock(tx, id)
    if employer is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No employer found with ID {id}.", "employerId")
    return employer


async def require_active_employer(tx: Transaction, employer_id: str, field: str) -> None:
    """Raise Refused if a locked employer is inactive; `field` is the input field that refers to it."""
    employers = await store.employers.by_ids(tx, [employer_id])
    raise_if_any(check_employer_active(active=employers[employer_id].active, field=field))
