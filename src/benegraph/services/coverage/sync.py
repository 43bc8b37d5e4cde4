"""Coverage sync: keep the carrier's coverage of record in step with employees' elections."""

from collections.abc import Collection, Sequence

from benegraph.db import store
from benegraph.db.models import Employee, PlanYear
from benegraph.db.session import Transaction
from benegraph.services.coverage.paid_through import update_paid_through
from benegraph.services.coverage.sync_changes import SyncChanges, sync_group
from benegraph.services.coverage.sync_groups import build_group, load_histories, load_sync_context


async def sync_coverage_of_record(
    tx: Transaction, employees: Sequence[Employee], plan_years: Collection[PlanYear] | None = None
) -> None:
    """Bring the coverage of record of some employees in line with their elections.

    One record spans all contiguous enrolled coverage under one contract, across products. Where the employee moves to
    another division, the record ends and another one continues it. An employee without a subscriber, or without a
    contract for the division on these days, has no coverage of record. The number of statements does not grow with the
    number of employees; it is zero if none of the given plan years names a contract. The caller holds the lock of every
    employee, or the exclusive lock of their employer.
    """
    if not employees or (plan_years is not None and all(plan_year.group_id is None for plan_year in plan_years)):
        return
    rows = await store.coverage.lock_elected(tx, [employee.id for employee in employees])
    if not rows:
        return
    context = await load_sync_context(tx, rows)
    groups = [
        build_group(context, employee, group_rows)
        for employee in employees
        for group_rows in context.elections.get(employee.id, {}).values()
    ]
    histories = await load_histories(tx, groups)
    changes = SyncChanges()
    for group in groups:
        sync_group(tx, context, changes, group, histories)
    await changes.write(tx)
    if any(row.auto_paid_through for row in rows):
        for (group_id, division_id), subscriber_ids in changes.subscribers_by_division.items():
            await update_paid_through(tx, group_id, division_id, subscriber_ids, only_billed=True)
