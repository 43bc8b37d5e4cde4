"""Election overrides: row queries, for everyone but employees, and the lock for a review."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, false, select

from benegraph.db.models import ElectionOverride
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import Transaction
from benegraph.db.store.conditions import visibility_conditions
from benegraph.db.store.row_queries import OneByKey, PagedRows
from benegraph.db.store.row_writes import RowWrite


@dataclass(frozen=True, slots=True)
class ElectionOverrideFilter:
    """A filter of election overrides; None does not filter."""

    employer_id: str | None = None
    reviewed: bool | None = None


def override_rows(scope: QueryScope) -> Select[Any]:
    """Select the overrides that the viewer may see; none for employees, whom the reasons don't concern."""
    rows = select(*ElectionOverride.__table__.c).where(
        *visibility_conditions(scope, ElectionOverride, ElectionOverride.employer_id)
    )
    return rows if scope.employee_id is None else rows.where(false())


def apply_override_filter(_scope: QueryScope, overrides: Select[Any], filter: ElectionOverrideFilter) -> Select[Any]:
    if filter.employer_id is not None:
        overrides = overrides.where(ElectionOverride.employer_id == filter.employer_id)
    if filter.reviewed is not None:
        is_open = ElectionOverride.reviewed_at.is_(None)
        overrides = overrides.where(~is_open if filter.reviewed else is_open)
    return overrides


async def lock_override(tx: Transaction, id: str) -> ElectionOverride | None:
    """Lock an override; return None if it doesn't exist."""
    return await tx.session.scalar(
        select(ElectionOverride)
        .where(
            *visibility_conditions(tx.scope, ElectionOverride, ElectionOverride.employer_id), ElectionOverride.id == id
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def override_insert(row: dict[str, Any]) -> RowWrite:
    """Return the insert of an override, for execution together with other writes."""
    return RowWrite.insert(ElectionOverride, [row])


overrides_by_ids = OneByKey(override_rows, ElectionOverride.id)
override_page = PagedRows(override_rows, None, {"ID": (ElectionOverride.id,)}, apply_override_filter)
