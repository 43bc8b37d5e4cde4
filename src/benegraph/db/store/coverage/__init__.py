"""Subscribers, group contracts and coverage of record: row queries, locks, writes and the export."""

from benegraph.db.store.coverage.export import discard_plans, iterate_pages, with_snapshot_reads
from benegraph.db.store.coverage.locks import (
    delete_coverage,
    find_contracts,
    find_linked_ids,
    find_subscriber_numbers,
    list_contracts_of_groups,
    list_linked_division_ids,
    lock_coverage,
    lock_elected,
    lock_subscribers,
    update_employee_id,
)
from benegraph.db.store.coverage.reads import (
    by_ids,
    by_keys,
    contracts_by_ids,
    contracts_by_keys,
    elections_of,
    of_subscribers,
    subscriber_page,
    subscribers_by_ids,
    subscribers_by_numbers,
    subscribers_of_employees,
)

__all__ = [
    "by_ids",
    "by_keys",
    "contracts_by_ids",
    "contracts_by_keys",
    "delete_coverage",
    "discard_plans",
    "elections_of",
    "find_contracts",
    "find_linked_ids",
    "find_subscriber_numbers",
    "iterate_pages",
    "list_contracts_of_groups",
    "list_linked_division_ids",
    "lock_coverage",
    "lock_elected",
    "lock_subscribers",
    "of_subscribers",
    "subscriber_page",
    "subscribers_by_ids",
    "subscribers_by_numbers",
    "subscribers_of_employees",
    "update_employee_id",
    "with_snapshot_reads",
]
