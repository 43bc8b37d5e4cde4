"""Coverage on the carrier's side: subscribers, contracts with groups, and the coverage of record."""

from benegraph.services.coverage.records import Item, Result, create, delete, update, upsert

__all__ = ["Item", "Result", "create", "delete", "update", "upsert"]
