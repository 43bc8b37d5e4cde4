"""Every SELECT, lock and bulk write, scoped to the viewer and batch first: keys of all parents in, rows out."""

from benegraph.db.store import (
    access,
    billing,
    catalog,
    coverage,
    documents,
    employers,
    enrollments,
    history,
    people,
    plan_years,
)

__all__ = [
    "access",
    "billing",
    "catalog",
    "coverage",
    "documents",
    "employers",
    "enrollments",
    "history",
    "people",
    "plan_years",
]
