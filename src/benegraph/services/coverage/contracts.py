"""What coverage stands on: subscribers, and contracts with groups."""

from datetime import date

from benegraph.db import store
from benegraph.db.models import GroupContract
from benegraph.db.session import Transaction
from benegraph.db.store.writing import insert_rows
from benegraph.domain.checks import check_id
from benegraph.domain.coverage import ContractKey, check_contract
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix


async def create_group_contract(
    tx: Transaction, key: ContractKey, coverage_end: date | None, employer_id: str | None, policy_number: str | None
) -> str:
    """Write down a contract with a group's division; give the id. Raises Refused."""
    raise_if_any(
        [*check_contract(key, coverage_end, policy_number), *check_id(IdPrefix.EMPLOYER, employer_id, "employerId")]
    )
    # Alone, as those who draft plan years hold it: neither then misses what the other makes.
    employer = await store.employers.lock(tx, employer_id) if employer_id else None
    if employer is None and (employer_id or tx.viewer.employer_id):
        raise refusal(ErrorCode.NOT_FOUND, "There is no such employer within reach.", "employerId")
    if employer is not None:
        raise_if_any(await _check_plan_years(tx, employer.id, key, coverage_end))
    row = {
        "id": tx.new_id(IdPrefix.GROUP_CONTRACT),
        "employer_id": employer_id,
        "group_id": key.group_id,
        "division_id": key.division_id,
        "coverage_start": key.coverage_start,
        "coverage_end": coverage_end,
        "policy_number": policy_number,
    }
    await insert_rows(tx, GroupContract, [row])
    return str(row["id"])


async def _check_plan_years(
    tx: Transaction, employer_id: str, key: ContractKey, coverage_end: date | None
) -> list[RuleViolation]:
    """Refuse what a plan year that names this group and start would be refused for, were the contract there first."""
    broken = []
    if coverage_end is not None and await store.plan_years.outlasting(tx, employer_id, key, coverage_end):
        message = "A plan year of this employer that would follow this contract ends later."
        broken.append(RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("coverageEnd",)))
    if await store.plan_years.at_odds_over(tx, employer_id, key):
        message = "Plan years of this employer that share days would follow two contracts of this group and division."
        broken.append(RuleViolation(ErrorCode.PLAN_YEAR_OVERLAP, message, ("coverageStart",)))
    return broken
