"""Elections: reset and read the rows that W4 changes; as the owner, and never during a turn."""

from collections.abc import Sequence
from typing import Any

import orjson

_ANSWERED = """
    SELECT n.id FROM enrollments n
    JOIN benefit_products p ON p.tenant_id = n.tenant_id AND p.id = n.benefit_product_id
    WHERE n.tenant_id = $1 AND p.carrier_name = 'Benchmark Life' AND n.decision IS NOT NULL
"""

# Actors, IDs and instants differ between contenders, so they are left out.
_STATE = """
    SELECT n.id, to_jsonb(n) - '{decided_at,updated_at,created_at}'::text[] AS enrollment, (
        SELECT jsonb_agg(jsonb_build_object(
            'action', v.action, 'role', v.actor_role, 'employee', v.employee_id, 'reason', v.reason,
            'named', v.request_id IS NOT NULL,
            'before', v.before - 'decided_at', 'after', v.after - 'decided_at') ORDER BY v.id)
        FROM events v WHERE v.tenant_id = n.tenant_id AND v.subject_id = n.id AND v.action <> 'ISSUED'
    ) AS events
    FROM enrollments n WHERE n.tenant_id = $1 AND n.id = ANY($2) ORDER BY n.id
"""


async def answered_enrollments(connection: Any, tenant: str) -> list[str]:
    """Return the IDs of W4's answered enrollments."""
    return [row["id"] for row in await connection.fetch(_ANSWERED, tenant)]


async def reset_elections(connection: Any, tenant: str) -> None:
    """Make all of W4's enrollments pending again, and delete their events, confirmations and idempotency keys."""
    ids = await answered_enrollments(connection, tenant)
    if ids:
        await connection.execute("DELETE FROM events WHERE tenant_id = $1 AND subject_id = ANY($2)", tenant, ids)
        await connection.execute(
            """
            WITH deleted AS (
                DELETE FROM election_confirmations WHERE tenant_id = $1 AND enrollment_id = ANY($2) RETURNING id
            )
            DELETE FROM confirmed_dependents WHERE tenant_id = $1 AND confirmation_id IN (SELECT id FROM deleted)
            """,
            *(tenant, ids),
        )
        await connection.execute(
            """
            UPDATE enrollments SET decision = NULL, decided_at = NULL, coverage_tier = NULL, selected_plan_id = NULL,
                employee_contribution_cents = NULL, employer_contribution_cents = NULL, coverage_starts_on = NULL,
                coverage_ends_on = NULL, version = 1, updated_at = created_at
            WHERE tenant_id = $1 AND id = ANY($2)
            """,
            *(tenant, ids),
        )
    await connection.execute("DELETE FROM idempotency_keys WHERE tenant_id = $1 AND mutation = 'elect'", tenant)
    # Dead rows would be vacuumed during a turn, and burden one contender more than another.
    await connection.execute("VACUUM (ANALYZE, TRUNCATE false) enrollments")
    for table in ("events", "election_confirmations", "confirmed_dependents"):
        await connection.execute(f"VACUUM (TRUNCATE false) {table}")
    await connection.execute("VACUUM (TRUNCATE false) idempotency_keys")


async def load_state(connection: Any, tenant: str, ids: Sequence[str]) -> dict[str, Any]:
    """Return some enrollments with their events, and the number of stored idempotency keys."""
    keys = await connection.fetchval(
        "SELECT count(*) FROM idempotency_keys WHERE tenant_id = $1 AND mutation = 'elect' AND result <> '{}'", tenant
    )
    rows = await connection.fetch(_STATE, tenant, list(ids))
    enrollments = {row["id"]: {name: orjson.loads(row[name]) for name in ("enrollment", "events")} for row in rows}
    return {"keys": keys, "enrollments": enrollments}
