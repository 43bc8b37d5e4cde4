"""Coverage on the carrier's side: subscribers, group contracts, and the carrier's coverage of record."""

from benegraph.services.coverage.records import (
    CoverageItem,
    CoverageItemResult,
    create_coverage,
    delete_coverage,
    update_coverage,
    upsert_coverage,
)

__all__ = [
    "CoverageItem",
    "CoverageItemResult",
    "create_coverage",
    "delete_coverage",
    "update_coverage",
    "upsert_coverage",
]
