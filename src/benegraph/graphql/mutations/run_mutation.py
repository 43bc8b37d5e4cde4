"""Run a mutation: check the permission, then apply its change in one transaction, once for each idempotency key."""

import hashlib
import inspect
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import fields, replace
from datetime import date
from enum import Enum
from typing import Annotated, Any, TypeVar

import orjson
import strawberry

from benegraph.db.session import Transaction
from benegraph.domain.access import Action, require_permission
from benegraph.domain.checks import check_text, normalize_text
from benegraph.domain.encryption import KeyRing
from benegraph.domain.errors import BenegraphError, ErrorCode, Refused, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix, prefix_of
from benegraph.graphql.context import Context, Info
from benegraph.graphql.mutations.inputs import MAX_KEY_LENGTH, MutationInput, value_or_none
from benegraph.graphql.mutations.payloads import MutationResult, ResultData
from benegraph.graphql.types.node import NODE_TYPES
from benegraph.services.idempotency import run_idempotent

T = TypeVar("T")
InputT = TypeVar("InputT", bound=MutationInput)


class EveryItemRefused(BenegraphError):
    """Every item of a batch was refused, so nothing is committed; the payload reports the items' results."""

    def __init__(self, result: ResultData) -> None:
        super().__init__("every item was refused")
        self.result = result


def mutation(
    action: Action,
    payload: type,
    description: str,
    *,
    expected_result: Callable[[InputT], ResultData | None] | None = None,
    finish: Callable[[Context, InputT], Awaitable[ResultData]] | None = None,
    unstored: str | None = None,
) -> Callable[[Callable[[Transaction, InputT], Awaitable[ResultData]]], Any]:
    """Declare the mutation `action`; the decorated function applies its change.

    The function takes the transaction and the input. It returns the values that the payload's fields read, most of them
    IDs. `expected_result` returns the same from the input alone if it can, which saves a statement.
    `finish` runs after the commit, also of a repeated call, and returns values that are never stored. Raises Refused.
    `unstored` names a value of the result that is never stored: it is null in the response to a repeated call.
    """

    def declare(change: Callable[[Transaction, InputT], Awaitable[ResultData]]) -> Any:
        input_type = inspect.get_annotations(change)["input"]

        async def resolve(
            info: Info,
            input: Annotated[input_type, strawberry.argument(description="The mutation's input.")],  # type: ignore[valid-type] # known at run time
        ) -> payload:  # type: ignore[valid-type] # as above
            normalized = normalize_input(input)
            expected = None if expected_result is None else expected_result(input)
            return await run_mutation(
                info.context,
                action,
                input,
                lambda tx: change(tx, normalized),
                expected,
                None if finish is None else lambda: finish(info.context, normalized),
                unstored,
            )

        resolve.__name__ = change.__name__  # Strawberry names the field's attribute after it
        return strawberry.mutation(resolve, name=action.value, description=description)

    return declare


async def run_mutation(
    context: Context,
    action: Action,
    input: MutationInput,
    change: Callable[[Transaction], Awaitable[ResultData]],
    expected_result: ResultData | None = None,
    finish: Callable[[], Awaitable[ResultData]] | None = None,
    unstored: str | None = None,
) -> MutationResult:
    """Apply a change in one transaction, which commits before the payload's fields resolve.

    Refusals become the payload's `userErrors`. A dry run is rolled back, and stores no idempotency key.
    Raises Forbidden before any row is read.
    """
    require_permission(context.viewer, action)
    key: str | None = value_or_none(input.idempotency_key)
    is_dry_run = input.is_dry_run
    is_replay = False
    unstored_values: ResultData = {}

    async def change_and_withhold(tx: Transaction) -> ResultData:
        result = await change(tx)
        if unstored is not None:
            unstored_values[unstored] = result.pop(unstored)
        return result

    async def apply(tx: Transaction) -> ResultData:
        nonlocal is_replay
        if key is None or is_dry_run:
            return await change(tx)
        result, is_replay = await run_idempotent(
            tx, action, key, hash_input(input, context.database.key_ring), change_and_withhold, expected_result
        )
        return result

    try:
        raise_if_any(check_text(key, "idempotencyKey", max_length=MAX_KEY_LENGTH, multiline=True))
        result = await context.database.transact(
            context.viewer, context.clock, apply, request_id=context.request_id, dry_run=is_dry_run
        )
        context.clear_loaders()
        if is_replay:
            context.replayed = True
            await _check_visible(context, result)
        if finish is not None:
            result = result | await finish()
        result = result | unstored_values
    except Refused as refused:
        return MutationResult(user_errors=tuple(refused.violations))
    except EveryItemRefused as refused:
        return MutationResult(refused.result)
    return MutationResult(result)


async def _check_visible(context: Context, result: ResultData) -> None:
    """Check that the viewer may still see the rows that the replayed call changed. Raises Refused."""
    ids_by_prefix: dict[IdPrefix, set[str]] = defaultdict(set)
    for prefix, id in _node_ids({name: value for name, value in result.items() if name != "deleted_id"}):
        ids_by_prefix[prefix].add(id)
    for prefix, ids in ids_by_prefix.items():
        if None in await context.load_rows(NODE_TYPES[prefix][1], sorted(ids)):
            message = "An object that was changed under this idempotency key no longer exists or is not visible to you."
            raise refusal(ErrorCode.NOT_FOUND, message, "idempotencyKey")


def _node_ids(value: Any) -> Iterator[tuple[IdPrefix, str]]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _node_ids(item)
    elif isinstance(value, str) and (prefix := prefix_of(value)) in NODE_TYPES:
        yield prefix, value


def normalize_input(value: T) -> T:
    """Return an input whose texts are in the form in which they are stored; the same object if all of them are.

    The idempotency key keeps the client's own text, and the input that is hashed for it does too.
    """
    result: Any = value
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        result = normalize_text(value)
    elif isinstance(value, list):
        result = [normalize_input(item) for item in value]
    elif hasattr(type(value), "__strawberry_definition__"):
        normalized = {name: normalize_input(item) for name, item in vars(value).items()}
        changes = {name: item for name, item in normalized.items() if item != getattr(value, name)}
        result = replace(result, **changes) if changes else value
    return result  # type: ignore[no-any-return] # of the value's own type


def hash_input(input: Any, key_ring: KeyRing | None = None) -> bytes:
    """Hash a coerced input, defaults included, without its idempotency key.

    The hash is stored. Of a social security number it takes a keyed hash, because nobody may find the number by trying
    all of them. Without a key such an input is refused, and its hash is not stored.
    """
    values = _to_json(input, key_ring)
    values.pop("idempotency_key", None)
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).digest()


def _to_json(value: Any, key_ring: KeyRing | None) -> Any:
    if isinstance(value, list):
        return [_to_json(item, key_ring) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(type(value), "__strawberry_definition__"):
        items = ((field.name, getattr(value, field.name)) for field in fields(value))
        values = {name: _to_json(item, key_ring) for name, item in items if item is not strawberry.UNSET}
        if values.get("ssn") is not None:
            values["ssn"] = key_ring.fingerprint(values["ssn"]) if key_ring else ""
        return values
    return value
