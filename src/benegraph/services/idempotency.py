"""Idempotent calls: a mutation that carries an idempotency key is applied once, however often it is sent."""

from collections.abc import Awaitable, Callable
from typing import Any

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.domain.errors import ErrorCode, refusal


async def run_idempotent(
    tx: Transaction,
    action: Action,
    key: str,
    input_hash: bytes,
    change: Callable[[Transaction], Awaitable[dict[str, Any]]],
    expected_result: dict[str, Any] | None = None,
) -> tuple[dict[str, Any], bool]:
    """Apply a change unless this caller has already applied it under this key.

    Return the stored result, and whether it is a replay.
    The result is stored in the same transaction as the change. With `expected_result`, the result is stored when the
    key is reserved, so that it takes one statement instead of two. Raises Refused if the key belongs to another input.
    """
    earlier = await store.access.reserve_idempotency_key(tx, action, key, input_hash, expected_result or {})
    if earlier is None:
        result = await change(tx)
        if result != expected_result:
            await store.access.update_idempotent_result(tx, action, key, result)
        if input_hash[0] == 0:  # one call in 256 deletes the expired records, so that they don't accumulate
            await store.access.delete_expired_idempotency_keys(tx)
        return result, False
    if earlier.input_hash != input_hash:
        raise refusal(
            ErrorCode.IDEMPOTENCY_KEY_REUSED,
            f"The idempotency key was used with another input of {action}; send a new key.",
            "idempotencyKey",
        )
    return earlier.result, True
