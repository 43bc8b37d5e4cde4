"""Group contracts, subscribers and coverages of record, created through the services."""

from datetime import date
from typing import Any

from benegraph.db.session import Transaction
from benegraph.domain.coverage import ContractKey, CoverageKey
from benegraph.services.coverage import contracts, records, subscribers
from factories.office import Office

GROUP, DIVISION = "G100", "D1"
CONTRACT_START = date(2020, 1, 1)
SUBSCRIBER_ID = "S00000001"


async def make_contract(
    office: Office,
    group_id: str = GROUP,
    division_id: str = DIVISION,
    coverage_start: date = CONTRACT_START,
    coverage_end: date | None = None,
    *,
    employer_id: str | None = "office",
    policy_number: str | None = "P-1",
) -> str:
    """Create a group contract, by default of the office's employer."""
    employer_id = office.employer if employer_id == "office" else employer_id
    key = ContractKey(group_id, division_id, coverage_start)
    return await office.run(contracts.create_group_contract, key, coverage_end, employer_id, policy_number)


async def make_subscriber(office: Office, subscriber_id: str = SUBSCRIBER_ID, employee_id: str | None = None) -> str:
    return await office.run(subscribers.create_subscriber, subscriber_id, "Ada", "Adams", employee_id)


def coverage_key(
    start_date: date,
    subscriber_id: str = SUBSCRIBER_ID,
    group_id: str = GROUP,
    division_id: str = DIVISION,
    group_coverage_start: date = CONTRACT_START,
) -> CoverageKey:
    return CoverageKey(subscriber_id, group_id, division_id, group_coverage_start, start_date)


async def make_coverage(office: Office, key: CoverageKey, **changes: Any) -> str:
    async def transaction(tx: Transaction) -> str:
        return await records.create_coverage(tx, records.CoverageItem(key, changes))

    return await office.run(transaction)


async def read_coverage(office: Office) -> list[dict[str, Any]]:
    """Return all coverages of record, ordered by key."""
    rows = (await office.read_all_rows())["subscriber_enrollments"].values()
    return sorted(rows, key=lambda row: (row["subscriber_id"], row["group_id"], row["division_id"], row["start_date"]))
