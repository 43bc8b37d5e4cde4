"""Access records: reads of protected columns, recorded before the response is sent."""

from collections.abc import Collection, Mapping

from benegraph.db import store
from benegraph.db.session import Transaction


async def record_accesses(
    tx: Transaction,
    columns_by_employee: Mapping[str, Collection[str]],
    operation: str | None,
    document: str | None = None,
) -> None:
    """Record that the viewer has read protected columns of these employees or of their dependents."""
    await store.access_records.insert_accesses(tx, columns_by_employee, operation, document)
