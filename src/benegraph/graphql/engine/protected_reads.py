"""Reads of protected columns, recorded before the response."""

from benegraph.graphql.context import Context
from benegraph.services.access_records import record_accesses


async def record_context_accesses(context: Context) -> None:
    """Record the reads of a request's protected columns in a transaction of its own."""
    info = context.operation_info
    await context.database.transact(
        context.viewer,
        context.clock,
        lambda tx: record_accesses(tx, context.accesses, info.operation_name, info.document_digest),
        request_id=context.request_id,
    )
