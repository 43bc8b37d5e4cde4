"""Social security numbers: stored encrypted, compared by their index, revealed as a recorded act."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import Dependent, Employee
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import update_rows
from benegraph.domain.access import Action
from benegraph.domain.checks import MAX_REASON_LENGTH, check_text
from benegraph.domain.encryption import KeyRing, ValuePlace
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix, prefix_of
from benegraph.domain.ssn import check_ssn, normalize_ssn

#: How many values one transaction encrypts anew.
ROTATION_BATCH = 200


async def check_new_ssn(
    tx: Transaction, ssn: str | None, employer_id: str, today: date, employee_id: str | None = None
) -> list[RuleViolation]:
    """Check the form of a number and that no other active employee of the employer has it. None passes.

    `employee_id` is the employee that the number is for. Without an encryption key, every number is refused.
    """
    if ssn is None:
        return []
    if violations := [*check_ssn(ssn)]:
        return violations
    if tx.key_ring is None:
        return [_missing_key_violation()]
    indexes = tx.key_ring.indexes(normalize_ssn(ssn), tx.viewer.tenant_id)
    return await _check_unique(tx, indexes, employer_id, today, employee_id)


async def check_reinstated_ssn(tx: Transaction, employee: Employee, today: date) -> list[RuleViolation]:
    """Check that no other active employee has got the number of an employee who is reinstated."""
    if employee.ssn is None or employee.ssn_index is None:
        return []
    indexes = [employee.ssn_index]
    if tx.key_ring is not None:
        ssn = tx.key_ring.decrypt(employee.ssn, _place(tx, "employees", employee.id))
        indexes += tx.key_ring.indexes(ssn, tx.viewer.tenant_id)
    violations = await _check_unique(tx, indexes, employee.employer_id, today, employee.id)
    return [RuleViolation(violation.code, violation.message, ("employeeId",)) for violation in violations]


def check_dependent_ssn(tx: Transaction, ssn: str | None) -> list[RuleViolation]:
    """Check the form of a dependent's number. None passes. Dependents of two employees may be one person."""
    if ssn is None:
        return []
    return [*check_ssn(ssn)] or ([_missing_key_violation()] if tx.key_ring is None else [])


def ssn_columns(tx: Transaction, table: str, row_id: str, ssn: str | None) -> dict[str, Any]:
    """Return the columns of a checked number: the encrypted value, its index, and the last four digits."""
    if ssn is None or tx.key_ring is None:
        return {"ssn": None, "ssn_index": None, "ssn_last_four": None}
    digits = normalize_ssn(ssn)
    return {
        "ssn": tx.key_ring.encrypt(digits, _place(tx, table, row_id)),
        "ssn_index": tx.key_ring.index(digits, tx.viewer.tenant_id),
        "ssn_last_four": digits[-4:],
    }


def changed_ssn_columns(tx: Transaction, row: Employee | Dependent, ssn: str | None) -> dict[str, Any]:
    """Return the columns of a checked number that replaces a row's; none if it is the same number."""
    columns = ssn_columns(tx, row.__tablename__, row.id, ssn)
    return {} if columns["ssn_index"] == row.ssn_index else columns


def has_same_ssn(tx: Transaction, one: Employee, other: Employee) -> bool:
    """Return whether two records can be one person's by their numbers: the same one, or at most one number."""
    if one.ssn is None or other.ssn is None or one.ssn_index == other.ssn_index:
        return True
    if tx.key_ring is None or one.ssn_last_four != other.ssn_last_four:
        return False
    # The indexes of one number differ after a change of keys, until the rotation is finished.
    numbers = {
        tx.key_ring.decrypt(row.ssn, _place(tx, "employees", row.id)) for row in (one, other) if row.ssn is not None
    }
    return len(numbers) == 1


def copied_ssn_columns(tx: Transaction, source: Employee, target: Employee) -> dict[str, Any]:
    """Return the columns of a row's number for another row, encrypted anew; none without a number or a key."""
    if source.ssn is None or tx.key_ring is None:
        return {}
    return ssn_columns(tx, "employees", target.id, tx.key_ring.decrypt(source.ssn, _place(tx, "employees", source.id)))


# ------------------------------------------------------------------------------------------------------ revealing


async def check_reveal(tx: Transaction, person_id: str, reason: str) -> None:
    """Check that a person's number can be revealed. Raises Refused."""
    raise_if_any(check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True))
    await _require_person(tx, person_id)


async def reveal_ssn(tx: Transaction, person_id: str, reason: str) -> str:
    """Return a person's number, and record that it was revealed. Raises Refused.

    The caller commits the record before it answers.
    """
    person = await _require_person(tx, person_id)
    table = person.__tablename__
    if person.ssn is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No social security number is recorded for {person_id}.", "personId")
    if tx.key_ring is None:
        violation = _missing_key_violation()
        raise refusal(violation.code, violation.message, "personId")
    ssn = tx.key_ring.decrypt(person.ssn, _place(tx, table, person.id))
    await store.history.insert_events(tx, [store.history.change_event(tx, person, "REVEALED", reason)])
    employee_id = person.id if isinstance(person, Employee) else person.employee_id
    await store.access_records.insert_accesses(tx, {employee_id: ["ssn"]}, Action.REVEAL_SSN)
    return ssn


async def _require_person(tx: Transaction, person_id: str) -> Employee | Dependent:
    prefix = prefix_of(person_id)
    person: Employee | Dependent | None = None
    if prefix is IdPrefix.EMPLOYEE:
        person = await store.people.lock_object(tx, person_id)
    elif prefix is IdPrefix.DEPENDENT:
        person = await store.people.get_dependent(tx, person_id)
    else:
        message = "Invalid ID: expected an employee or dependent ID such as empl_01…."
        raise refusal(ErrorCode.INVALID_INPUT, message, "personId")
    if person is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No employee or dependent found with ID {person_id}.", "personId")
    return person


# ------------------------------------------------------------------------------------------------------- rotation


@dataclass(frozen=True, slots=True)
class RotationProgress:
    """How many values a batch of the rotation encrypted anew, and whether any were left to examine."""

    rotated: int
    is_finished: bool


async def rotate_batch(tx: Transaction, model: type[Employee | Dependent], key_ring: KeyRing) -> RotationProgress:
    """Encrypt a batch of values with the first key that are encrypted with another. Raises DecryptionFailed.

    It locks the rows, so that no mutation changes them meanwhile, and leaves their versions unchanged.
    """
    rows: Sequence[Employee | Dependent] = await store.people.lock_encrypted(
        tx, model, key_ring.current.id, ROTATION_BATCH
    )
    updates = []
    for row in rows:
        assert row.ssn is not None, "the statement selects rows with a number"  # noqa: S101 - narrows the type
        place = _place(tx, row.__tablename__, row.id)
        ssn = key_ring.decrypt(row.ssn, place)
        updates.append(
            {
                "id": row.id,
                "ssn": key_ring.encrypt(ssn, place),
                "ssn_index": key_ring.index(ssn, tx.viewer.tenant_id),
            }
        )
    await update_rows(tx, model, updates)
    return RotationProgress(len(updates), len(rows) < ROTATION_BATCH)


async def _check_unique(
    tx: Transaction, indexes: Sequence[bytes], employer_id: str, today: date, employee_id: str | None
) -> list[RuleViolation]:
    if not await store.people.is_ssn_taken(tx, employer_id, indexes, today, employee_id):
        return []
    message = "Another active employee of this employer has this social security number."
    return [RuleViolation(ErrorCode.ALREADY_EXISTS, message, ("ssn",))]


def _missing_key_violation() -> RuleViolation:
    return RuleViolation(
        ErrorCode.INVALID_INPUT,
        "This gateway has no encryption key, so it can't store or reveal social security numbers; the operator sets"
        " BENEGRAPH_ENCRYPTION_KEY.",
        ("ssn",),
    )


def _place(tx: Transaction, table: str, row_id: str) -> ValuePlace:
    return ValuePlace(tx.viewer.tenant_id, table, "ssn", row_id)
