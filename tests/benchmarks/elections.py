"""Elections: taking back what W4 answered, and looking at what it left behind; as the owner, and never in a turn."""

from collections.abc import Sequence
from typing import Any

import orjson

_PENDING = """
    SELECT n.id FROM enrollments n
    JOIN benefit_products p ON p.tenant_id = n.tenant_id AND p.id = n.benefit_product_id
    WHERE n.tenant_id = $1 AND p.carrier_name = 'Benchmark Life' AND n.decision IS NOT NULL
"""

# What a contender calls itself, ids and instants differ by nature.
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


async def answered(connection: Any, tenant: str) -> list[str]:
    """Tell which of W4's enrollments are answered."""
    return [row["id"] for row in await connection.fetch(_PENDING, tenant)]


async def take_back(connection: Any, tenant: str) -> None:
    """Make all of W4's enrollments pending again, as if nobody had ever asked."""
    ids = await answered(connection, tenant)
    if ids:
        await connection.execute("DELETE FROM events WHERE tenant_id = $1 AND subject_id = ANY($2)", tenant, ids)
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
    # What was dead before a turn would be cleaned up in it, in one contender's more than in another's.
    await connection.execute("VACUUM (ANALYZE, TRUNCATE false) enrollments")
    await connection.execute("VACUUM (TRUNCATE false) events")
    await connection.execute("VACUUM (TRUNCATE false) idempotency_keys")


async def state_of(connection: Any, tenant: str, ids: Sequence[str]) -> dict[str, Any]:
    """Tell how some enrollments stand, what their history says, and how many idempotency keys are kept."""
    keys = await connection.fetchval(
        "SELECT count(*) FROM idempotency_keys WHERE tenant_id = $1 AND mutation = 'elect' AND result <> '{}'", tenant
    )
    rows = await connection.fetch(_STATE, tenant, list(ids))
    stand = {row["id"]: {name: orjson.loads(row[name]) for name in ("enrollment", "events")} for row in rows}
    return {"keys": keys, "stand": stand}
