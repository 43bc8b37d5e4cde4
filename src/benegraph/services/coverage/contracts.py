"""Group contracts: a carrier's contracts with a group's division, under which coverage is recorded."""

from datetime import date

from benegraph.db import store
from benegraph.db.models import GroupContract
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import RowWrite, execute_writes
from benegraph.domain.checks import check_id
from benegraph.domain.coverage import ContractKey, check_contract
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.services.divisions import ensure_division


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
    event = store.history.creation_event(tx, row, "CREATED", None)
    await execute_writes(tx, RowWrite.insert(GroupContract, [row]), store.history.build_events_insert([event]))
    return str(row["id"])


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
