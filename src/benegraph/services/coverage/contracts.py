"""Group contracts: a carrier's contracts with a group's division, under which coverage is recorded."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import GroupContract, SubscriberEnrollment
from benegraph.db.session import Transaction
from benegraph.domain.checks import MAX_REASON_LENGTH, check_id, check_text, check_version
from benegraph.domain.coverage import OPEN_ENDED, ContractKey, check_contract
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.services.coverage.records import CoverageItem, coverage_key, load_coverage_batch
from benegraph.services.coverage.sync import sync_coverage_of_record
from benegraph.services.divisions import ensure_division

#: A message lists at most this many of the rows that stand in the way.
MAX_LISTED_IDS = 10


async def create_group_contract(
    tx: Transaction, key: ContractKey, coverage_end: date | None, employer_id: str | None, policy_number: str | None
) -> str:
    """Create a contract for a group's division, and return its ID. Raises Refused."""
    raise_if_any(
        [*check_contract(key, coverage_end, policy_number), *check_id(IdPrefix.EMPLOYER, employer_id, "employerId")]
    )
    # Drafting a plan year takes the same exclusive lock, so each of the two checks sees rows that the other inserts.
    employer = await store.employers.lock(tx, employer_id) if employer_id else None
    if employer is None and employer_id:
        raise refusal(ErrorCode.NOT_FOUND, f"No employer found with ID {employer_id}.", "employerId")
    if employer is None and tx.viewer.employer_id:
        raise refusal(ErrorCode.NOT_FOUND, "A key limited to one employer must name that employer.", "employerId")
    if employer is not None:
        raise_if_any(await _check_plan_years(tx, employer.id, key, coverage_end))
        await ensure_division(tx, employer.id, key.division_id)
    row = {
        "id": tx.new_id(IdPrefix.GROUP_CONTRACT),
        "employer_id": employer_id,
        "group_id": key.group_id,
        "division_id": key.division_id,
        "coverage_start": key.coverage_start,
        "coverage_end": coverage_end,
        "policy_number": policy_number,
    }
    await store.history.insert_with_events(tx, GroupContract, [row], "CREATED")
    return str(row["id"])


async def update_group_contract(
    tx: Transaction, id: str, changes: Mapping[str, Any], expected_version: int | None
) -> None:
    """Change a contract's policy number, or move its end to a later day or to none. Raises Refused.

    Coverage of record keeps its policy number. With a later end, elected coverage of the days gained is recorded.
    """
    contract = await _lock_contract(tx, id)
    current_end: date | None = contract.coverage_end
    coverage_end: date | None = changes.get("coverage_end", current_end)
    violations = [
        *check_version(expected_version, contract.version),
        *check_contract(_key(contract), coverage_end, changes.get("policy_number", contract.policy_number)),
    ]
    if (coverage_end or date.max) < (current_end or date.max):
        message = "An earlier end also ends coverage; call endGroupContract."
        violations.append(RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("coverageEnd",)))
    raise_if_any(violations)
    for name, value in changes.items():
        setattr(contract, name, value)
    await store.history.record_change(tx, contract, "UPDATED")
    if coverage_end != current_end and contract.employer_id is not None:
        await sync_coverage_of_record(tx, await store.people.list_employees(tx, contract.employer_id))


@dataclass(frozen=True, slots=True)
class EndedCoverage:
    """A coverage of record that ends with its contract, and its last day."""

    subscriber_enrollment_id: str
    end_date: date


async def end_group_contract(
    tx: Transaction, id: str, last_day: date, reason: str | None = None, expected_version: int | None = None
) -> list[EndedCoverage]:
    """End a contract, and with it the coverage that the carrier entered under it. Return this coverage. Raises Refused.

    Elected coverage that runs past the last day stands in the way, and so do employees of the division who would have
    no contract: they are moved to another division first, or their coverage is ended.
    """
    if last_day >= OPEN_ENDED:
        raise refusal(ErrorCode.INVALID_INPUT, f"The last day must be before {OPEN_ENDED}.", "lastDay")
    contract = await _lock_contract(tx, id)
    records = await store.coverage.list_coverage_past(tx, contract, last_day)
    linked_ids = await store.coverage.find_linked_ids(tx, [record.id for record in records])
    without_contract = await store.coverage.list_employees_without_contract(tx, contract, last_day)
    raise_if_any(
        [
            *check_version(expected_version, contract.version),
            *check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True),
            *_check_last_day(contract, last_day),
            *_check_records(records, linked_ids, last_day),
            *_check_employees(without_contract),
        ]
    )
    items = [CoverageItem(coverage_key(record), {"end_date": last_day}) for record in records]
    if items:
        batch = await load_coverage_batch(tx, items)
        for item in items:
            batch.change(tx, batch.records[item.key], item.changes)
        await batch.write(tx)
    contract.coverage_end = last_day
    await store.history.record_change(tx, contract, "ENDED", reason)
    return [EndedCoverage(record.id, last_day) for record in records]


async def _lock_contract(tx: Transaction, id: str) -> GroupContract:
    """Lock the employer of a contract exclusively, then the plan years that name it, then the contract. Raises Refused.

    An election, which doesn't lock the employer, reads the contract's end and waits for the plan year.
    """
    raise_if_any(check_id(IdPrefix.GROUP_CONTRACT, id, "groupContractId"))
    unlocked = await store.coverage.find_contract_employer(tx, id)
    if unlocked is not None and unlocked.employer_id is not None:
        await store.employers.lock(tx, unlocked.employer_id)
        await store.plan_years.lock_of_contract(tx, unlocked.employer_id, unlocked.group_id, unlocked.coverage_start)
    contract = await store.coverage.lock_contract(tx, id)
    if contract is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No group contract found with ID {id}.", "groupContractId")
    return contract


def _check_last_day(contract: GroupContract, last_day: date) -> Iterator[RuleViolation]:
    if last_day < contract.coverage_start:
        message = f"The contract cannot end on {last_day}, before it starts on {contract.coverage_start}."
        yield RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("lastDay",))
    if contract.coverage_end is not None and last_day >= contract.coverage_end:
        message = f"The contract already ends on {contract.coverage_end}; updateGroupContract sets a later end."
        yield RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("lastDay",))


def _check_records(
    records: Sequence[SubscriberEnrollment], linked_ids: Collection[str], last_day: date
) -> Iterator[RuleViolation]:
    linked = [record.id for record in records if record.id in linked_ids]
    if linked:
        message = (
            f"Elected coverage runs past {last_day}: {_list_ids(linked)}. Move the employees to another division, or"
            " end their coverage."
        )
        yield RuleViolation(ErrorCode.LINKED_TO_ENROLLMENT, message, ("lastDay",))
    later = [record.id for record in records if record.id not in linked_ids and record.start_date > last_day]
    if later:
        message = f"Coverage starts after {last_day}: {_list_ids(later)}. Delete it first."
        yield RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("lastDay",))


def _check_employees(ids: Sequence[str]) -> Iterator[RuleViolation]:
    if ids:
        message = (
            f"Employees of the division would have no group contract: {_list_ids(ids)}. Create its next contract, or"
            " move them to another division."
        )
        yield RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("groupContractId",))


def _list_ids(ids: Sequence[str]) -> str:
    """Return the first ten IDs, and the number of the others."""
    listed = ", ".join(ids[:MAX_LISTED_IDS])
    return listed if len(ids) <= MAX_LISTED_IDS else f"{listed}, and {len(ids) - MAX_LISTED_IDS} more"


def _key(contract: GroupContract) -> ContractKey:
    return ContractKey(contract.group_id, contract.division_id, contract.coverage_start)


async def _check_plan_years(
    tx: Transaction, employer_id: str, key: ContractKey, coverage_end: date | None
) -> list[RuleViolation]:
    """Check existing plan years that name this group and coverage start, as `create_plan_year` checks a new one."""
    violations = []
    if coverage_end is not None and await store.plan_years.find_outlasting(tx, employer_id, key, coverage_end):
        message = f"A plan year of this employer names this contract and ends after {coverage_end}."
        violations.append(RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("coverageEnd",)))
    if await store.plan_years.find_contract_conflict(tx, employer_id, key):
        message = (
            "Two overlapping plan years of this employer would be recorded under different contracts of this division."
        )
        violations.append(RuleViolation(ErrorCode.PLAN_YEAR_OVERLAP, message, ("coverageStart",)))
    return violations
