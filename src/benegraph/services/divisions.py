"""Divisions of employers: they are created, renamed and retired.

A division is known by its code, which group contracts and employees name. Each contract of an employer has its
division: `create_group_contract` creates one where there is none.
"""

from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import Division
from benegraph.db.session import Transaction
from benegraph.domain.checks import MAX_REASON_LENGTH, check_id, check_text, check_version
from benegraph.domain.employers import (
    check_division_active,
    check_division_retirement,
    check_division_texts,
    check_employer_active,
)
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.services.employers import lock_employer


async def create_division(tx: Transaction, employer_id: str, code: str, name: str) -> str:
    """Create a division of an employer, and return its ID. Raises Refused."""
    raise_if_any(check_division_texts(code, name))
    employer = await lock_employer(tx, employer_id)
    violations = [*check_employer_active(active=employer.active)]
    if await store.employers.find_division(tx, employer_id, code):
        message = "The employer already has a division with this code."
        violations.append(RuleViolation(ErrorCode.ALREADY_EXISTS, message, ("code",)))
    raise_if_any(violations)
    return await _insert_division(tx, employer_id, code, name)


async def update_division(tx: Transaction, id: str, changes: dict[str, Any], expected_version: int | None) -> None:
    """Change a division's name, or make a retired one active again. Raises Refused.

    `active` can only become true: `retire_division` sets it to false.
    """
    division, _today = await _lock_division(tx, id)
    violations = [
        *check_version(expected_version, division.version),
        *check_division_texts(division.code, changes.get("name", division.name)),
    ]
    if changes.get("active") is False:
        message = "An update can only set this to true; `retireDivision` sets it to false and records the reason."
        violations.append(RuleViolation(ErrorCode.INVALID_INPUT, message, ("active",)))
    raise_if_any(violations)
    for name, value in changes.items():
        setattr(division, name, value)
    await store.history.record_change(tx, division, "UPDATED")


async def retire_division(tx: Transaction, id: str, reason: str | None, expected_version: int | None) -> None:
    """Retire a division: nobody is assigned to it, and no contract of it is created. Raises Refused.

    Refused while people of the division are employed today or later. Contracts and coverage of record stay.
    """
    division, today = await _lock_division(tx, id)
    violations = [
        *check_version(expected_version, division.version),
        *check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True),
        *check_division_active(division.code, active=division.active),
        *check_division_retirement(await store.employers.list_employed_in_division(tx, division, today)),
    ]
    raise_if_any(violations)
    division.active = False
    await store.history.record_change(tx, division, "RETIRED", reason)


async def ensure_division(tx: Transaction, employer_id: str, code: str) -> None:
    """Create the division that a new contract names, unless there is one; refuse a retired one. Raises Refused.

    The caller has locked the employer.
    """
    division = await store.employers.find_division(tx, employer_id, code)
    if division is None:
        await _insert_division(tx, employer_id, code, code)
    else:
        raise_if_any(check_division_active(code, active=division.active))


async def _insert_division(tx: Transaction, employer_id: str, code: str, name: str) -> str:
    id = tx.new_id(IdPrefix.DIVISION)
    row = {"id": id, "employer_id": employer_id, "code": code, "name": name, "active": True}
    await store.history.insert_with_events(tx, Division, [row], "CREATED")
    return id


async def _lock_division(tx: Transaction, id: str) -> tuple[Division, date]:
    """Lock the employer of a division, and return the division and the employer's current date. Raises Refused."""
    raise_if_any(check_id(IdPrefix.DIVISION, id, "divisionId"))
    unlocked = await store.employers.get_division(tx, id)
    employer = await store.employers.lock(tx, unlocked.employer_id) if unlocked else None
    division = await store.employers.get_division(tx, id) if employer else None  # read again, now under the lock
    if employer is None or division is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No division found with ID {id}.", "divisionId")
    return division, tx.today(employer.time_zone)
