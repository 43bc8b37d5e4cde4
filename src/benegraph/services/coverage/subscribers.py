"""Subscribers: creating them, and linking each to the employee that it stands for."""

from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum
from typing import Any, Final, Literal

from benegraph.db import store
from benegraph.db.models import Employee, Subscriber
from benegraph.db.session import Transaction
from benegraph.domain.access import Role
from benegraph.domain.checks import check_id, check_text, check_version
from benegraph.domain.coverage import MAX_SUBSCRIBER_ID_LENGTH, check_subscriber
from benegraph.domain.employers import check_division_active
from benegraph.domain.errors import ErrorCode, Forbidden, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import check_division_id
from benegraph.services.coverage.records import SUBSCRIBER_NOT_FOUND
from benegraph.services.coverage.sync import sync_coverage_of_record
from benegraph.services.employees import lock_employee


class _Sentinel(Enum):
    UNCHANGED = "UNCHANGED"


#: Stands for a subscriber number that an input leaves out. None removes the link.
UNCHANGED: Final = _Sentinel.UNCHANGED
SubscriberNumber = str | None | Literal[_Sentinel.UNCHANGED]
#: An employee's ID in the same way.
SubscriberLink = SubscriberNumber


async def create_subscriber(
    tx: Transaction, subscriber_id: str, first_name: str | None, last_name: str | None, employee_id: str | None
) -> str:
    """Create a subscriber, and return its ID. Raises Refused.

    With an employee, also record the coverage that this employee has elected.
    """
    raise_if_any(
        [
            *check_subscriber(subscriber_id, first_name, last_name),
            *check_id(IdPrefix.EMPLOYEE, employee_id, "employeeId"),
        ]
    )
    employee = await lock_employee(tx, employee_id) if employee_id else None
    if employee is None and employee_id:
        raise refusal(ErrorCode.NOT_FOUND, f"No employee found with ID {employee_id}.", "employeeId")
    if employee is None and tx.viewer.employer_id:
        raise refusal(ErrorCode.NOT_FOUND, "A key limited to one employer must name an employee.", "employeeId")
    row = {
        "id": tx.new_id(IdPrefix.SUBSCRIBER),
        "subscriber_id": subscriber_id,
        "employer_id": employee.employer_id if employee else None,
        "employee_id": employee_id,
        "first_name": first_name,
        "last_name": last_name,
    }
    await store.history.insert_with_events(tx, Subscriber, [row], "CREATED")
    if employee is not None:
        await sync_coverage_of_record(tx, [employee])
    return str(row["id"])


async def update_subscriber(
    tx: Transaction, number: str, names: Mapping[str, Any], employee_id: SubscriberLink, expected_version: int | None
) -> str:
    """Change a subscriber's names, and the employee that it stands for; return its ID. Raises Refused.

    None as `employee_id` removes the link. The link stays while coverage of record follows the employee's elections;
    coverage that the carrier entered goes with the subscriber.
    """
    raise_if_any(
        [
            *check_subscriber(number, names.get("first_name"), names.get("last_name")),
            *check_id(IdPrefix.EMPLOYEE, None if employee_id is UNCHANGED else employee_id, "employeeId"),
        ]
    )
    unlocked = await store.coverage.find_subscriber(tx, number)
    current_id: str | None = None if unlocked is None else unlocked.employee_id
    target_id: str | None = current_id if employee_id is UNCHANGED else employee_id
    employees = {
        id: await lock_employee(tx, id) for id in sorted({id for id in (current_id, target_id) if id is not None})
    }
    subscriber = (await store.coverage.lock_subscribers(tx, [number])).get(number)
    if unlocked is None or subscriber is None:
        raise refusal(ErrorCode.NOT_FOUND, SUBSCRIBER_NOT_FOUND, "subscriberId")
    violations = [*check_version(expected_version, subscriber.version)]
    if subscriber.employee_id != current_id:
        message = "The subscriber was linked or unlinked meanwhile; read the current values and retry."
        violations.append(RuleViolation(ErrorCode.VERSION_CONFLICT, message, ("employeeId",)))
    current, target = (None if id is None else employees[id] for id in (current_id, target_id))
    if target is None and target_id is not None:
        message = f"No employee found with ID {target_id}."
        violations.append(RuleViolation(ErrorCode.NOT_FOUND, message, ("employeeId",)))
    if target is not current:
        violations += await _check_relink(tx, subscriber, current, target)
    raise_if_any(violations)
    for name, value in names.items():
        setattr(subscriber, name, value)
    await store.history.record_change(tx, subscriber, "UPDATED")
    if target is not current:
        await _relink(tx, subscriber, current, target)
    return subscriber.id


async def _check_relink(
    tx: Transaction, subscriber: Subscriber, current: Employee | None, target: Employee | None
) -> list[RuleViolation]:
    """Check that a subscriber may be unlinked from one employee, and linked to another one."""
    violations = []
    if current is not None:
        violations += await _check_no_linked_coverage(tx, current, "employeeId")
    elif tx.viewer.employer_id is not None:
        message = "A key limited to one employer cannot link a subscriber that is linked to no employee."
        violations.append(RuleViolation(ErrorCode.NOT_FOUND, message, ("subscriberId",)))
    if target is not None:
        other = (await store.coverage.find_subscriber_numbers(tx, [target.id])).get(target.id)
        if other is not None and other != subscriber.subscriber_id:
            message = "Another subscriber is linked to this employee; remove that link first."
            violations.append(RuleViolation(ErrorCode.ALREADY_EXISTS, message, ("employeeId",)))
    return violations


async def check_not_rehired(tx: Transaction, former: Any, field: str) -> list[RuleViolation]:
    """Check that no further employment of the same person follows a locked employment.

    The subscriber, and with it the coverage of record from then on, belongs to the employment that follows.
    """
    if former.terminated_on is None:
        return []
    next_id = await store.people.find_next_employment_id(tx, former.id)
    if next_id is None:
        return []
    message = f"The person was rehired, so the former employment stays as it was; the one that followed is {next_id}."
    return [RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, (field,))]


async def move_subscriber(tx: Transaction, former: Employee, employee: Employee) -> None:
    """Move the subscriber of a former employment, if there is one, to the next employment of the same person.

    Coverage that ended before the new employment stays with the former one.
    """
    number = (await store.coverage.find_subscriber_numbers(tx, [former.id])).get(former.id)
    if number is not None:
        subscribers = await store.coverage.lock_subscribers(tx, [number])
        await _relink(tx, subscribers[number], former, employee, employee.hired_on)


async def _relink(
    tx: Transaction,
    subscriber: Subscriber,
    current: Employee | None,
    target: Employee | None,
    from_day: date | None = None,
) -> None:
    """Move a subscriber from one employee to another, with the coverage that does not end before a day."""
    subscriber.employer_id = None if target is None else target.employer_id
    subscriber.employee_id = None if target is None else target.id
    await tx.flush()
    number = subscriber.subscriber_id
    for employee, action in ((current, "UNLINKED"), (target, "LINKED")):
        if employee is not None:
            await _record_link(tx, employee, subscriber.id, action)
    target_id, current_id = (None if employee is None else employee.id for employee in (target, current))
    await store.coverage.update_employee_id(tx, number, target_id, current_id, from_day)
    if target is not None:
        await sync_coverage_of_record(tx, [target])


def require_subscriber_link_permission(tx: Transaction, number: SubscriberNumber) -> None:
    """Raise Forbidden if an input sets or removes an employee's subscriber and the viewer's role may not do that."""
    if number is not UNCHANGED and tx.viewer.role not in (Role.ADMINISTRATOR, Role.SERVICE):
        raise Forbidden("Only administrators and services may link a subscriber to an employee.")


def check_subscriber_number(number: SubscriberNumber) -> Iterator[RuleViolation]:
    """Check the form of a subscriber number, before any row is looked up by it."""
    if number is not UNCHANGED:
        yield from check_text(number, "subscriberId", max_length=MAX_SUBSCRIBER_ID_LENGTH)


async def link_subscriber(tx: Transaction, employee: Employee, number: SubscriberNumber) -> None:
    """Link a locked employee to a subscriber, or with None to no subscriber; then sync the coverage of record.

    Raises Refused for a subscriber that does not exist or is linked to another employee, and while coverage of record
    under the current number follows this employee's elections.
    """
    if number is UNCHANGED:
        return
    current_number = (await store.coverage.find_subscriber_numbers(tx, [employee.id])).get(employee.id)
    if current_number == number:
        return
    raise_if_any(await _check_no_linked_coverage(tx, employee, "subscriberId"))
    subscribers = await store.coverage.lock_subscribers(tx, [id for id in (current_number, number) if id is not None])
    if current_number is not None:
        await _relink(tx, subscribers[current_number], employee, None)
    if number is not None:
        subscriber = subscribers.get(number)
        if subscriber is None:
            raise refusal(ErrorCode.NOT_FOUND, SUBSCRIBER_NOT_FOUND, "subscriberId")
        if subscriber.employee_id is not None:
            message = "This subscriber is linked to another employee; remove that link first."
            raise refusal(ErrorCode.ALREADY_EXISTS, message, "subscriberId")
        await _relink(tx, subscriber, None, employee)


async def _record_link(tx: Transaction, employee: Employee, subscriber_id: str, action: str) -> None:
    """Record that a subscriber was linked to an employee or unlinked."""
    event = store.history.creation_event(
        tx, {"id": subscriber_id, "employer_id": employee.employer_id}, action, employee.id
    )
    await store.history.insert_events(tx, [event])


async def check_division(tx: Transaction, employer_id: str, division_id: str | None) -> list[RuleViolation]:
    """Check a division: its form, that the employer has a group contract of it, and that it is not retired."""
    violations = list(check_division_id(division_id))
    if division_id is None or violations or await store.coverage.has_division(tx, employer_id, division_id):
        return violations
    division = await store.employers.find_division(tx, employer_id, division_id)
    if division is not None and not division.active:
        return list(check_division_active(division_id, active=division.active))
    message = f"The employer has no group contract of division {division_id}; create the contract first."
    return [RuleViolation(ErrorCode.NOT_FOUND, message, ("divisionId",))]


async def check_division_change(tx: Transaction, employee: Employee, division_id: str | None) -> list[RuleViolation]:
    """Check another division; refuse it while coverage of record in the current one follows the employee's elections.

    The division of that coverage is accepted, so that an employee without a division can be given it.
    """
    if division_id == employee.division_id:
        return []
    return (
        list(check_division_id(division_id))
        or await _check_no_linked_coverage(tx, employee, "divisionId", except_division=division_id)
        or await check_division(tx, employee.employer_id, division_id)
    )


async def _check_no_linked_coverage(
    tx: Transaction, employee: Employee, field: str, except_division: str | None = None
) -> list[RuleViolation]:
    if not await store.coverage.list_linked_division_ids(tx, employee.id) - {except_division}:
        return []
    ids = ", ".join(await store.coverage.list_linked_ids(tx, employee.id))
    message = f"This field cannot change while coverage of record follows the employee's elections: {ids}."
    if field == "divisionId":
        message += " Call moveEmployee to move the employee as of a day."
    return [RuleViolation(ErrorCode.LINKED_TO_ENROLLMENT, message, (field,))]
