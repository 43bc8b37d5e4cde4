"""Links: which subscriber of the carrier's an employee is."""

from collections.abc import Iterator
from enum import Enum
from typing import Final, Literal

from benegraph.db import store
from benegraph.db.models import Employee
from benegraph.db.session import Transaction
from benegraph.domain.access import Role
from benegraph.domain.checks import check_text
from benegraph.domain.coverage import SUBSCRIBER_LENGTH
from benegraph.domain.errors import BrokenRule, Code, Forbidden, refuse, refuse_if_any
from benegraph.services.coverage.bridge import follow


class _Mark(Enum):
    UNCHANGED = "UNCHANGED"


#: Stands for a subscriber that an input says nothing of; None takes the link away.
UNCHANGED: Final = _Mark.UNCHANGED
Wanted = str | None | Literal[_Mark.UNCHANGED]


def require_linking(tx: Transaction, wanted: Wanted) -> None:
    """Raise Forbidden where a viewer says which subscriber an employee is, or that it is none, and may not."""
    if wanted is not UNCHANGED and tx.viewer.role not in (Role.ADMINISTRATOR, Role.SERVICE):
        raise Forbidden("Linking a subscriber to an employee is for administrators and services.")


def check_number(wanted: Wanted) -> Iterator[BrokenRule]:
    """Refuse what can be no subscriber's number, before anybody is looked for by it."""
    if wanted is not UNCHANGED:
        yield from check_text(wanted, "subscriberId", longest=SUBSCRIBER_LENGTH)


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
    refuse_if_any(await _check_nothing_follows(tx, employee, "subscriberId"))
    found = await store.coverage.lock_subscribers(tx, [number for number in (present, wanted) if number is not None])
    if present is not None:
        found[present].employer_id = found[present].employee_id = None
        await tx.flush()
        await store.coverage.hand_over(tx, present, None)
    if wanted is not None:
        if wanted not in found:
            raise refuse(Code.NOT_FOUND, "There is no such subscriber.", "subscriberId")
        if found[wanted].employee_id is not None:
            raise refuse(Code.ALREADY_EXISTS, "This subscriber stands for another employee.", "subscriberId")
        found[wanted].employer_id, found[wanted].employee_id = employee.employer_id, employee.id
        await tx.flush()
        await store.coverage.hand_over(tx, wanted, employee.id)
        await follow(tx, [employee])


async def check_unlinked(tx: Transaction, employee: Employee, division_id: str | None) -> list[BrokenRule]:
    """Refuse another division while coverage of record under the present one follows the employee's elections.

    The one it is under already may be said where nobody has said it.
    """
    if division_id == employee.division_id:
        return []
    return await _check_nothing_follows(tx, employee, "divisionId", besides=division_id)


async def _check_nothing_follows(
    tx: Transaction, employee: Employee, field: str, besides: str | None = None
) -> list[BrokenRule]:
    if not await store.coverage.divisions_followed(tx, employee.id) - {besides}:
        return []
    message = "Coverage of record follows this employee's elections."
    return [BrokenRule(Code.LINKED_TO_ENROLLMENT, message, (field,))]
