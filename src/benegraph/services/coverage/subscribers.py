"""Links: which subscriber of the carrier's an employee is."""

from collections.abc import Iterator
from enum import Enum
from typing import Final, Literal

from benegraph.db import store
from benegraph.db.models import Employee, Subscriber
from benegraph.db.session import Transaction
from benegraph.db.store.writing import insert_rows
from benegraph.domain.access import Role
from benegraph.domain.checks import check_id, check_text
from benegraph.domain.coverage import MAX_SUBSCRIBER_ID_LENGTH, check_subscriber
from benegraph.domain.errors import ErrorCode, Forbidden, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.services.coverage.sync import sync_coverage_of_record


class _Mark(Enum):
    UNCHANGED = "UNCHANGED"


#: Stands for a subscriber that an input says nothing of; None takes the link away.
UNCHANGED: Final = _Mark.UNCHANGED
Wanted = str | None | Literal[_Mark.UNCHANGED]


async def create_subscriber(
    tx: Transaction, subscriber_id: str, first_name: str | None, last_name: str | None, employee_id: str | None
) -> str:
    """Write down a subscriber, and the coverage of the employee it stands for, if any; give the id. Raises Refused."""
    raise_if_any(
        [
            *check_subscriber(subscriber_id, first_name, last_name),
            *check_id(IdPrefix.EMPLOYEE, employee_id, "employeeId"),
        ]
    )
    employee = await _lock_employee(tx, employee_id) if employee_id else None
    if employee is None and (employee_id or tx.viewer.employer_id):
        raise refusal(ErrorCode.NOT_FOUND, "There is no such employee within reach.", "employeeId")
    row = {
        "id": tx.new_id(IdPrefix.SUBSCRIBER),
        "subscriber_id": subscriber_id,
        "employer_id": employee.employer_id if employee else None,
        "employee_id": employee_id,
        "first_name": first_name,
        "last_name": last_name,
    }
    await insert_rows(tx, Subscriber, [row])
    if employee is not None:
        await sync_coverage_of_record(tx, [employee])
    return str(row["id"])


async def _lock_employee(tx: Transaction, employee_id: str) -> Employee | None:
    """Lock an employee; the employer first, shared, as under its lock alone whole staffs are renewed."""
    employer_id = await store.people.employer_of(tx, employee_id)
    if employer_id is None:
        return None
    await store.employers.lock(tx, employer_id, shared=True)
    return await store.people.lock(tx, employee_id)


def require_linking(tx: Transaction, wanted: Wanted) -> None:
    """Raise Forbidden where a viewer says which subscriber an employee is, or that it is none, and may not."""
    if wanted is not UNCHANGED and tx.viewer.role not in (Role.ADMINISTRATOR, Role.SERVICE):
        raise Forbidden("Linking a subscriber to an employee is for administrators and services.")


def check_number(wanted: Wanted) -> Iterator[RuleViolation]:
    """Refuse what can be no subscriber's number, before anybody is looked for by it."""
    if wanted is not UNCHANGED:
        yield from check_text(wanted, "subscriberId", max_length=MAX_SUBSCRIBER_ID_LENGTH)


async def link(tx: Transaction, employee: Employee, wanted: Wanted) -> None:
    """Say which subscriber a locked employee is, None for nobody, and record what the employee elected with it.

    Raises Refused for a subscriber that is not there or stands for another employee, and where coverage of record
    follows this employee's elections under another number.
    """
    if wanted is UNCHANGED:
        return
    present = (await store.coverage.numbers_of(tx, [employee.id])).get(employee.id)
    if present == wanted:
        return
    raise_if_any(await _check_nothing_follows(tx, employee, "subscriberId"))
    found = await store.coverage.lock_subscribers(tx, [number for number in (present, wanted) if number is not None])
    if present is not None:
        found[present].employer_id = found[present].employee_id = None
        await tx.flush()
        await store.coverage.hand_over(tx, present, None)
    if wanted is not None:
        if wanted not in found:
            raise refusal(ErrorCode.NOT_FOUND, "There is no such subscriber.", "subscriberId")
        if found[wanted].employee_id is not None:
            raise refusal(ErrorCode.ALREADY_EXISTS, "This subscriber stands for another employee.", "subscriberId")
        found[wanted].employer_id, found[wanted].employee_id = employee.employer_id, employee.id
        await tx.flush()
        await store.coverage.hand_over(tx, wanted, employee.id)
        await sync_coverage_of_record(tx, [employee])


async def check_unlinked(tx: Transaction, employee: Employee, division_id: str | None) -> list[RuleViolation]:
    """Refuse another division while coverage of record under the present one follows the employee's elections.

    The one it is under already may be said where nobody has said it.
    """
    if division_id == employee.division_id:
        return []
    return await _check_nothing_follows(tx, employee, "divisionId", besides=division_id)


async def _check_nothing_follows(
    tx: Transaction, employee: Employee, field: str, besides: str | None = None
) -> list[RuleViolation]:
    if not await store.coverage.divisions_followed(tx, employee.id) - {besides}:
        return []
    message = "Coverage of record follows this employee's elections."
    return [RuleViolation(ErrorCode.LINKED_TO_ENROLLMENT, message, (field,))]
