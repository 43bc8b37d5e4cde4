"""Subscribers, contracts with groups, and coverage of record: reads, locks and bulk writes."""

from benegraph.db.store.coverage.export import at_one_moment, forget_plans, pages
from benegraph.db.store.coverage.locks import (
    contracts_by_key,
    contracts_of_groups,
    divisions_followed,
    hand_over,
    hold_elected,
    linked,
    lock_coverage,
    lock_subscribers,
    numbers_of,
    remove,
)
from benegraph.db.store.coverage.reads import (
    by_ids,
    by_keys,
    contracts_by_ids,
    contracts_by_names,
    elections_of,
    of_subscribers,
    subscriber_page,
    subscribers_by_ids,
    subscribers_by_numbers,
    subscribers_of_employees,
)

__all__ = [
    "at_one_moment",
    "by_ids",
    "by_keys",
    "contracts_by_ids",
    "contracts_by_key",
    "contracts_by_names",
    "contracts_of_groups",
    "divisions_followed",
    "elections_of",
    "forget_plans",
    "hand_over",
    "hold_elected",
    "linked",
    "lock_coverage",
    "lock_subscribers",
    "numbers_of",
    "of_subscribers",
    "pages",
    "remove",
    "subscriber_page",
    "subscribers_by_ids",
    "subscribers_by_numbers",
    "subscribers_of_employees",
]
