"""Moves of employees between the carrier's divisions."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import DivisionMove, Employee, GroupContract, SubscriberEnrollment
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import insert_rows
from benegraph.domain.checks import MAX_REASON_LENGTH, check_id, check_text, check_version
from benegraph.domain.coverage import record_span
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import check_division_id, check_move
from benegraph.services.coverage.subscribers import check_division, check_not_rehired
from benegraph.services.coverage.sync import sync_coverage_of_record
from benegraph.services.employees import require_employee


async def move_employee(
    tx: Transaction,
    employee_id: str,
    division_id: str,
    effective_on: date,
    reason: str | None = None,
    expected_version: int | None = None,
) -> None:
    """Move an employee to another of the carrier's divisions as of a day. Raises Refused.

    The coverage of record in the old division ends the day before, and coverage in the new division continues it.
    """
    raise_if_any(
        [
            *check_id(IdPrefix.EMPLOYEE, employee_id, "employeeId"),
            *check_division_id(division_id),
            *check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True),
        ]
    )
    employee, today = await require_employee(tx, employee_id)
    last_move = max(await store.coverage.list_move_dates(tx, employee.id), default=None)
    # Before the first move, the recorded division counts; that of the employee may be missing.
    recorded = set() if last_move else await store.coverage.list_linked_division_ids(tx, employee.id)
    from_division = recorded.copy().pop() if len(recorded) == 1 else employee.division_id
    contracts = await store.coverage.list_contracts_of_division(tx, employee.employer_id, division_id)
    covered = await store.coverage.list_covered_groups(tx, employee.id, effective_on)
    raise_if_any(
        [
            *check_version(expected_version, employee.version),
            *await check_not_rehired(tx, employee, "employeeId"),
            *check_move(employee.hired_on, employee.terminated_on, last_move, effective_on, today),
            *_check_divisions(recorded, from_division, division_id),
            *(
                await check_division(tx, employee.employer_id, division_id)
                or _check_contracts(contracts, covered, division_id, effective_on)
            ),
            *await _check_carrier_records(tx, employee, division_id, effective_on),
        ]
    )
    move = {
        "employer_id": employee.employer_id,
        "employee_id": employee.id,
        "effective_on": effective_on,
        "from_division_id": from_division,
    }
    await insert_rows(tx, DivisionMove, [move])
    employee.division_id = division_id
    change = store.history.change_event(tx, employee, "MOVED", reason)
    await tx.flush()
    await store.history.insert_events(tx, [change])
    await sync_coverage_of_record(tx, [employee])


def _check_divisions(recorded: Collection[str], from_division: str | None, division_id: str) -> Iterator[RuleViolation]:
    if len(recorded) > 1:
        message = (
            f"The employee's coverage is recorded in several divisions: {', '.join(sorted(recorded))}. A move needs"
            " coverage in one division."
        )
        yield RuleViolation(ErrorCode.LINKED_TO_ENROLLMENT, message, ("employeeId",))
    elif from_division == division_id:
        message = f"The employee already belongs to division {division_id}."
        yield RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("divisionId",))


def _check_contracts(
    contracts: Sequence[GroupContract], covered: Sequence[Any], division_id: str, effective_on: date
) -> Iterator[RuleViolation]:
    """Check that a contract of the division covers the day of the move, and the coverage elected from then on."""
    if not any(
        contract.coverage_start <= effective_on <= (contract.coverage_end or date.max) for contract in contracts
    ):
        message = f"The employer has no group contract of division {division_id} on {effective_on}; create it first."
        yield RuleViolation(ErrorCode.NOT_FOUND, message, ("divisionId",))
        return
    ends = {(contract.group_id, contract.coverage_start): contract.coverage_end or date.max for contract in contracts}
    for row in covered:
        end = ends.get((row.group_id, row.group_coverage_start))
        if end is None:
            message = (
                f"Enrollment {row.id} is recorded in group {row.group_id} from {row.group_coverage_start} on, and the"
                f" employer has no such group contract of division {division_id}; create it first."
            )
            yield RuleViolation(ErrorCode.NOT_FOUND, message, ("divisionId",))
        elif end < row.coverage_ends_on:
            message = f"The group contract of division {division_id} ends on {end}, before enrollment {row.id} ends."
            yield RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("divisionId",))


async def _check_carrier_records(
    tx: Transaction, employee: Employee, division_id: str, effective_on: date
) -> list[RuleViolation]:
    """Check that the carrier recorded no coverage of its own in another division on or after the day of the move."""
    numbers = await store.coverage.find_subscriber_numbers(tx, [employee.id])
    subscribers = await store.coverage.lock_subscribers(tx, numbers.values())
    records = [
        record
        for record in await store.coverage.lock_coverage(tx, subscribers)
        if _is_contradicted(record, employee, division_id, effective_on)
    ]
    linked_ids = await store.coverage.find_linked_ids(tx, [record.id for record in records])
    return [
        RuleViolation(
            ErrorCode.OVERLAPPING_COVERAGE,
            f"The carrier entered coverage in division {record.division_id} that runs past the day before the move:"
            f" {record.id}. End it first.",
            ("effectiveDate",),
        )
        for record in records
        if record.id not in linked_ids
    ]


def _is_contradicted(record: SubscriberEnrollment, employee: Employee, division_id: str, effective_on: date) -> bool:
    return (
        record.employer_id == employee.employer_id
        and record.division_id != division_id
        and record_span(record.start_date, record.end_date).last >= effective_on
    )
