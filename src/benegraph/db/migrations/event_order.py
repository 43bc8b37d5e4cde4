"""The order of events across servers: transaction numbers that never decrease, although transaction IDs may.

An event's number is the ID of its transaction plus a constant, which the function `event_transaction_number` adds. A
dump and restore brings the events to a server whose transaction IDs may be lower, and a restore from a backup, or a
promoted replica, may assign IDs again. New events would then sort before older ones, and readers would miss them. So
the constant grows by 2^40 whenever the database is on another server, or on another timeline of it, than before. That
is more than the transactions of 30 years at 1,000 per second.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_STEP = 2**40
_FUNCTION = "event_transaction_number(xid8)"
_STATE = text("""
    SELECT format('server %s, timeline %s', system_identifier, timeline_id) AS server,
        obj_description(numbering, 'pg_proc') AS recorded
    FROM pg_control_system(), pg_control_checkpoint(), to_regprocedure('event_transaction_number(xid8)') AS numbering
    WHERE numbering IS NOT NULL
""")
_CONSTANT = text("SELECT event_transaction_number('0')")


async def continue_event_order(connection: AsyncConnection) -> bool:
    """Increase the constant if the database is on another server than at the last call; return whether it was.

    The connection's role must own the function. The server is recorded in the function's comment, which a dump keeps.
    """
    state = (await connection.execute(_STATE)).one_or_none()
    if state is None or state.server == state.recorded:
        await connection.rollback()
        return False
    if state.recorded is not None:
        constant = (await connection.execute(_CONSTANT)).scalar_one() + _STEP
        await connection.execute(
            text(
                f"CREATE OR REPLACE FUNCTION {_FUNCTION} RETURNS bigint"
                f" LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN $1::text::bigint + {constant}"
            )
        )
    await connection.execute(text(f"COMMENT ON FUNCTION {_FUNCTION} IS '{state.server}'"))
    await connection.commit()
    return state.recorded is not None
