"""A census: hires, changes, moves, terminations and rehires of an employer's people, with their dependents."""

from benegraph.services.census.comparisons import CensusDependent, CensusItem
from benegraph.services.census.upsert import CensusDependentResult, CensusItemResult, upsert_employees

__all__ = ["CensusDependent", "CensusDependentResult", "CensusItem", "CensusItemResult", "upsert_employees"]
