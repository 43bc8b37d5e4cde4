"""All SELECTs, locks and bulk writes, limited to the viewer. Reads take the keys of many parents at once."""

from benegraph.db.store import (
    access,
    access_records,
    billing,
    catalog,
    coverage,
    documents,
    employee_deletions,
    employee_merges,
    employers,
    enrollments,
    events,
    history,
    people,
    plan_years,
    worklist,
)

__all__ = [
    "access",
    "access_records",
    "billing",
    "catalog",
    "coverage",
    "documents",
    "employee_deletions",
    "employee_merges",
    "employers",
    "enrollments",
    "events",
    "history",
    "people",
    "plan_years",
    "worklist",
]
