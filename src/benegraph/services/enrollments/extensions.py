"""Extending the election windows of one employee, so that enrollments can be answered later."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from benegraph.db import store
from benegraph.db.models import Enrollment, PlanYear
from benegraph.db.session import Transaction
from benegraph.domain.checks import MAX_REASON_LENGTH, check_id, check_text, check_version
from benegraph.domain.enrollments.extensions import check_extension
from benegraph.domain.enrollments.status import CloseReason, WindowReason, build_close_values
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix, prefix_of
from benegraph.services.enrollments.offers import find_own_window, is_pending
from benegraph.services.enrollments.updates import EnrollmentUpdates

MAX_EXTENSIONS = 50


@dataclass(frozen=True, slots=True)
class WindowExtension:
    """An enrollment whose window is extended."""

    enrollment_id: str
    expected_version: int | None = None


async def extend_windows(
    tx: Transaction, employee_id: str, extensions: Sequence[WindowExtension], last_day: date, reason: str
) -> None:
    """Move the last day of the windows of some of an employee's enrollments later. Raises Refused.

    A lapsed enrollment is pending again. An answered one can be reopened and answered again.
    """
    raise_if_any(_check_call(employee_id, extensions, reason))
    employee = await store.people.lock_employee(tx, employee_id)
    if employee is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No employee found with ID {employee_id}.", "employeeId")
    today = tx.today(employee.time_zone)
    ids = [item.enrollment_id for item in extensions if prefix_of(item.enrollment_id) is IdPrefix.ENROLLMENT]
    plan_years, rows = await store.enrollments.lock_with_plan_years(tx, employee.id, ids)
    rows_by_id = {row.id: row for row in rows}
    open_rows = Counter(row.plan_year_id for row in rows if row.id in ids and row.decision is None)
    violations: list[RuleViolation] = []
    if employee.terminated_on is not None and employee.terminated_on <= today:
        message = f"The employment ended on {employee.terminated_on}."
        violations.append(RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("employeeId",)))
    updates = EnrollmentUpdates()
    for index, item in enumerate(extensions):
        row = rows_by_id.get(item.enrollment_id)
        if row is None:
            found = [RuleViolation(ErrorCode.NOT_FOUND, "The employee has no enrollment with this ID.", _FIELD)]
        else:
            plan_year = plan_years[row.plan_year_id]
            own = find_own_window(row, plan_year)
            violations += check_extension(
                own.last, row.window_extended_through, plan_year.coverage_ends_on, last_day, today
            )
            found = [
                *check_version(item.expected_version, row.version),
                *_check_extendable(row, rows, plan_year, today, is_only_one=open_rows[row.plan_year_id] <= 1),
            ]
            values = build_close_values(employee.terminated_on, today) if row.close_reason is CloseReason.LAPSED else {}
            updates.add(row, "EXTENDED", reason, window_extended_through=last_day, **values)
        violations += [violation.prefixed("enrollments", str(index)) for violation in found]
    raise_if_any(dict.fromkeys(violations))
    await updates.write(tx)


async def close_reissues_beside_open_enrollment(tx: Transaction, plan_year: PlanYear, today: date) -> None:
    """Close the unanswered reissues of enrollments that are pending again, because open enrollment was extended.

    Of the two, only one may be open. Open enrollment allows every change; the life event can be used again afterwards,
    while its window is open. The caller holds the exclusive lock of the employer.
    """
    pending: dict[str, list[Enrollment]] = defaultdict(list)
    for row in await store.enrollments.lock_all_in_plan_years(tx, [plan_year.id]):
        if is_pending(row, plan_year, today):
            pending[row.employee_id].append(row)
    updates = EnrollmentUpdates()
    for rows in pending.values():
        if any(row.reason is WindowReason.OPEN_ENROLLMENT for row in rows):
            for row in rows:
                if row.reason is WindowReason.LIFE_EVENT:
                    reason = "Open enrollment was extended."
                    updates.add(row, "CLOSED", reason, closed_on=today, close_reason=CloseReason.LAPSED)
    await updates.write(tx)


_FIELD = ("enrollmentId",)


def _check_call(employee_id: str, extensions: Sequence[WindowExtension], reason: str) -> Iterator[RuleViolation]:
    yield from check_id(IdPrefix.EMPLOYEE, employee_id, "employeeId")
    yield from check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True)
    if not 1 <= len(extensions) <= MAX_EXTENSIONS:
        message = f"A call must name 1 to {MAX_EXTENSIONS} enrollments; this one names {len(extensions)}."
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, ("enrollments",))
    seen: set[str] = set()
    for index, item in enumerate(extensions):
        path = ("enrollments", str(index), "enrollmentId")
        yield from check_id(IdPrefix.ENROLLMENT, item.enrollment_id, *path)
        if item.enrollment_id in seen:
            yield RuleViolation(ErrorCode.INVALID_INPUT, "This enrollment is named more than once.", path)
        seen.add(item.enrollment_id)


def _check_extendable(
    row: Enrollment, rows: Sequence[Enrollment], plan_year: PlanYear, today: date, *, is_only_one: bool
) -> Iterator[RuleViolation]:
    is_closed = row.closed_on is not None and row.closed_on <= today and row.close_reason is not CloseReason.LAPSED
    message = None
    if any(other.replaces_id == row.id and other.decision is not None for other in rows):
        message = "The enrollment was replaced by a later answer."
    elif row.reason is WindowReason.OVERRIDE:
        message = "The answer was given by an override; an administrator can override it again."
    elif row.ended_through is not None:
        message = "The coverage was ended; an administrator can restore it by an override."
    elif is_closed:
        message = f"The enrollment has been closed since {row.closed_on}."
    if message is not None:
        yield RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, _FIELD)
    elif not is_only_one or any(is_pending(other, plan_year, today) for other in rows if other is not row):
        message = "Another enrollment in this plan year is open; answer that one."
        yield RuleViolation(ErrorCode.REISSUE_ALREADY_OPEN, message, _FIELD)
