"""Merges of two records of one person at one employer."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import Dependent, Employee, Enrollment
from benegraph.db.models.addresses import ADDRESS_COLUMNS
from benegraph.db.session import Transaction
from benegraph.domain.checks import MAX_REASON_LENGTH, check_id, check_text, check_version
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.domain.merges import DependentIdentity, MergedRecord, check_merge, match_dependents
from benegraph.services.coverage.sync import sync_coverage_of_record
from benegraph.services.employees import lock_employee, lock_enrollments
from benegraph.services.employers import employer_today
from benegraph.services.enrollments.issue import is_awaiting_answer, issue_to_employee
from benegraph.services.ssn import copied_ssn_columns, has_same_ssn

#: The columns that the kept record takes from the duplicate where it has no value itself.
_FILLED_COLUMNS = (
    *("external_id", "email", "date_of_birth", "marital_status", "division_id"),
    *("middle_name", "name_suffix", "sex", "phone"),
)
_IDENTITY_COLUMNS = tuple(DependentIdentity.__annotations__)


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """The record to keep and the one to merge into it, with the versions that the client read."""

    keep_id: str
    duplicate_id: str
    reason: str
    keep_version: int | None = None
    duplicate_version: int | None = None


@dataclass(frozen=True, slots=True)
class MergeOutcome:
    """What a merge moves to the kept record, and what it deletes because the kept record has it already."""

    #: By table.
    moved: Mapping[str, Sequence[str]]
    deleted_enrollment_ids: Sequence[str]
    #: The deleted dependents, each with the kept one that it stands for.
    merged_dependents: Mapping[str, str]
    filled_columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two records, locked, with its enrollments."""

    employee: Employee
    record: MergedRecord
    enrollments: Sequence[Enrollment]
    dependents: Sequence[Dependent]


async def merge_employees(tx: Transaction, request: MergeRequest) -> MergeOutcome:
    """Merge a duplicate into the record to keep, and return what moved. Raises Refused.

    The duplicate's record stays without anything but its names and history, and refers to the kept one.
    """
    keep, duplicate = await _lock_both(tx, request)
    today = await employer_today(tx, keep.employer_id)
    kept_side, duplicate_side = await _load_side(tx, keep), await _load_side(tx, duplicate)
    raise_if_any(
        [
            *_check_version(request.keep_version, keep.version, "expectedKeepVersion"),
            *_check_version(request.duplicate_version, duplicate.version, "expectedDuplicateVersion"),
            *check_text(request.reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True),
            *check_merge(kept_side.record, duplicate_side.record, same_ssn=has_same_ssn(tx, keep, duplicate)),
        ]
    )
    deleted = _choose_enrollments_to_delete(kept_side, duplicate_side, today)
    merged_dependents = match_dependents(
        [_identity(row) for row in kept_side.dependents], [_identity(row) for row in duplicate_side.dependents]
    )
    dependent_rows = {row.id: row for row in duplicate_side.dependents}
    await store.history.insert_events(
        tx,
        [
            *(store.history.deletion_event(tx, Enrollment, row, request.reason) for row in deleted),
            *(
                store.history.deletion_event(tx, Dependent, dependent_rows[id], request.reason, "MERGED")
                | {"after": {"merged_into_id": kept_id}}
                for id, kept_id in merged_dependents.items()
            ),
        ],
    )
    await store.employee_merges.delete_unanswered(tx, [row.id for row in deleted])
    moved = await _list_moved(tx, duplicate.id, merged_dependents)
    filled = await _fill_and_close(tx, keep, duplicate, request.reason)
    await store.employee_merges.move_rows(tx, duplicate.id, keep.id, merged_dependents)
    events = [
        store.history.merge_event(tx, id, keep, duplicate.id, request.reason) for ids in moved.values() for id in ids
    ]
    await store.history.insert_events(tx, events)
    await issue_to_employee(tx, keep, today)
    await sync_coverage_of_record(tx, [keep])
    return MergeOutcome(moved, [row.id for row in deleted], merged_dependents, filled)


async def _lock_both(tx: Transaction, request: MergeRequest) -> tuple[Employee, Employee]:
    """Lock both records in the order of their IDs, and return the one to keep first. Raises Refused."""
    ids = {"keepId": request.keep_id, "duplicateId": request.duplicate_id}
    raise_if_any([violation for field, id in ids.items() for violation in check_id(IdPrefix.EMPLOYEE, id, field)])
    found = {field: await lock_employee(tx, id) for field, id in sorted(ids.items(), key=lambda item: item[1])}
    raise_if_any(
        RuleViolation(ErrorCode.NOT_FOUND, f"No employee found with ID {ids[field]}.", (field,))
        for field in ids
        if found[field] is None
    )
    keep, duplicate = found["keepId"], found["duplicateId"]
    if keep is None or duplicate is None:
        raise AssertionError("both were found")
    if keep.id == duplicate.id:
        raise refusal(ErrorCode.INVALID_INPUT, "The duplicate must be another record.", "duplicateId")
    if keep.employer_id != duplicate.employer_id:
        raise refusal(ErrorCode.INVALID_INPUT, "Both records must belong to one employer.", "duplicateId")
    return keep, duplicate


async def _load_side(tx: Transaction, employee: Employee) -> _Side:
    rows, _plan_years = await lock_enrollments(tx, employee)
    obstacles = await store.employee_deletions.list_obstacles(tx, employee.id)
    lasting: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.id in obstacles["answers"] or row.replaces_id is not None:
            lasting[row.plan_year_id].append(row.id)
    numbers = await store.coverage.find_subscriber_numbers(tx, [employee.id])
    await store.coverage.lock_subscribers(tx, numbers.values())
    record = MergedRecord(
        employee.id,
        employee.hired_on,
        employee.terminated_on,
        employee.date_of_birth,
        employee.division_id,
        numbers.get(employee.id),
        has_moves=bool(await store.coverage.list_move_dates(tx, employee.id)),
        is_in_chain=await store.employee_merges.is_in_chain(tx, employee),
        lasting_enrollments=lasting,
        coverage_starts={
            row.id: row.coverage_starts_on
            for row in rows
            if row.coverage_starts_on is not None and row.coverage_ends_on is not None
        },
    )
    return _Side(employee, record, rows, await store.people.list_dependents(tx, [employee.id]))


def _choose_enrollments_to_delete(kept: _Side, duplicate: _Side, today: date) -> list[Enrollment]:
    """Choose the unanswered enrollments that one record has to give up where both have one in a plan year.

    An answered one stays. Of two unanswered ones, the kept record's stays, unless only the duplicate's can be answered.
    """
    deleted: list[Enrollment] = []
    years = {row.plan_year_id for row in kept.enrollments} & {row.plan_year_id for row in duplicate.enrollments}
    for year in sorted(years):
        own = [row for row in kept.enrollments if row.plan_year_id == year]
        other = [row for row in duplicate.enrollments if row.plan_year_id == year]
        is_only_other_open = _any_open(other, today) and not _any_open(own, today)
        gives_up_own = year in duplicate.record.lasting_enrollments or (
            year not in kept.record.lasting_enrollments and is_only_other_open
        )
        deleted += own if gives_up_own else other
    return deleted


def _any_open(rows: Collection[Enrollment], today: date) -> bool:
    return any(is_awaiting_answer(row, today) for row in rows)


async def _list_moved(
    tx: Transaction, duplicate_id: str, merged_dependents: Collection[str]
) -> dict[str, Sequence[str]]:
    owned = await store.employee_merges.list_owned_ids(tx, duplicate_id)
    return {table: [id for id in ids if id not in merged_dependents] for table, ids in owned.items()}


async def _fill_and_close(tx: Transaction, keep: Employee, duplicate: Employee, reason: str) -> list[str]:
    """Take what only the duplicate knows over into the kept record, close the duplicate, and record both changes.

    A unique value is taken from the duplicate first. Return the names of the filled columns.
    """
    values: dict[str, Any] = {
        name: getattr(duplicate, name)
        for name in _FILLED_COLUMNS
        if getattr(keep, name) is None and getattr(duplicate, name) is not None
    }
    if keep.address_line1 is None and duplicate.address_line1 is not None:
        values |= {name: getattr(duplicate, name) for name in ADDRESS_COLUMNS}
    if keep.ssn is None:
        values |= copied_ssn_columns(tx, duplicate, keep)
    duplicate.merged_into_id = keep.id
    duplicate.terminated_on = duplicate.hired_on  # employed on no day
    for name in ("external_id", "email", "ssn", "ssn_index", "ssn_last_four"):
        setattr(duplicate, name, None)
    await store.history.record_change(tx, duplicate, "MERGED", reason)
    for name, value in values.items():
        setattr(keep, name, value)
    tx.mark_changed(keep)
    change = store.history.change_event(tx, keep, "MERGED", reason)
    change["after"]["merged_from_id"] = duplicate.id
    await tx.flush()
    await store.history.insert_events(tx, [change])
    return sorted(values)


def _identity(row: Dependent) -> DependentIdentity:
    return DependentIdentity(*(getattr(row, name) for name in _IDENTITY_COLUMNS))


def _check_version(expected: int | None, version: int, field: str) -> list[RuleViolation]:
    return [
        RuleViolation(violation.code, violation.message, (field,)) for violation in check_version(expected, version)
    ]
