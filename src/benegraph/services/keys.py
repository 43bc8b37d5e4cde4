"""API keys that administrators issue and revoke over the API, by the rules of their own limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action, KeyLimits, Role, require_rights_to_issue
from benegraph.domain.checks import check_id, check_text
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.services import access

#: The longest lifetime of a key that expires, in days: ten years.
MAX_DAYS = 3650


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """The key to issue, as the client describes it: unchecked limits, a label, and the days until it expires."""

    role: Role
    label: str
    employer_id: str | None = None
    employee_id: str | None = None
    actions: Sequence[str] = ()
    expires_in_days: int | None = None


async def issue_requested_key(tx: Transaction, request: KeyRequest) -> tuple[str, str]:
    """Issue a key, and return its ID and the key itself, which is never stored.

    Raises Refused; Forbidden if the key would allow more than the viewer's own limits.
    """
    raise_if_any(_check_request(request))
    limits = KeyLimits(request.role, request.employer_id, request.employee_id, frozenset(map(Action, request.actions)))
    require_rights_to_issue(tx.viewer, limits)
    raise_if_any(await _check_scope(tx, limits))
    expires_at = None if request.expires_in_days is None else tx.clock.now + timedelta(days=request.expires_in_days)
    return await access.issue_key(tx, limits, request.label, expires_at=expires_at)


async def revoke_visible_key(tx: Transaction, id: str) -> None:
    """Revoke a key that the viewer's limits include. Raises Refused."""
    raise_if_any(check_id(IdPrefix.API_KEY, id, "keyId"))
    if await store.access.get_key(tx, id) is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No key found with ID {id}.", "keyId")
    if not await access.revoke_key(tx, id):
        raise refusal(ErrorCode.INVALID_STATUS_TRANSITION, "The key is already revoked.", "keyId")


def _check_request(request: KeyRequest) -> Iterator[RuleViolation]:
    yield from check_text(request.label, "label")
    yield from check_id(IdPrefix.EMPLOYER, request.employer_id, "employerId")
    yield from check_id(IdPrefix.EMPLOYEE, request.employee_id, "employeeId")
    if request.role in (Role.EMPLOYER, Role.EMPLOYEE) and request.employer_id is None:
        yield _violation(f"The role {request.role} needs an employer.", "employerId")
    elif request.employee_id is not None and request.employer_id is None:
        yield _violation("A key that is limited to an employee needs the employee's own employer.", "employerId")
    if request.role is Role.EMPLOYEE and request.employee_id is None:
        yield _violation("The role EMPLOYEE needs an employee.", "employeeId")
    if request.actions and request.role is not Role.SERVICE:
        yield _violation("Only a key of the role SERVICE lists mutations; other roles have fixed rights.", "actions")
    for index, action in enumerate(request.actions):
        if action not in list(Action):
            yield _violation(f"This is not the name of a mutation, such as {Action.ELECT}.", "actions", str(index))
    if request.expires_in_days is not None and not 1 <= request.expires_in_days <= MAX_DAYS:
        message = f"The number of days must be from 1 to {MAX_DAYS}; it is {request.expires_in_days}."
        yield _violation(message, "expiresInDays")


async def _check_scope(tx: Transaction, limits: KeyLimits) -> list[RuleViolation]:
    """Check that the viewer may see the employer and the employee, and that the employee is the employer's."""
    violations = []
    if limits.employer_id is not None and await store.employers.lock(tx, limits.employer_id, shared=True) is None:
        message = f"No employer found with ID {limits.employer_id}."
        violations.append(RuleViolation(ErrorCode.NOT_FOUND, message, ("employerId",)))
    if limits.employee_id is not None:
        employer_id = await store.people.employer_id_of(tx, limits.employee_id)
        if employer_id is None or (employer_id != limits.employer_id and not violations):
            message = f"No employee found with ID {limits.employee_id} at this employer."
            violations.append(RuleViolation(ErrorCode.NOT_FOUND, message, ("employeeId",)))
    return violations


def _violation(message: str, *field: str) -> RuleViolation:
    return RuleViolation(ErrorCode.INVALID_INPUT, message, field)
