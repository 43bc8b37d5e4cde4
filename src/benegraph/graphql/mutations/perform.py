"""Performing a mutation: permission first, then one transaction, kept once under an idempotency key."""

import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import fields
from datetime import date
from enum import Enum
from typing import Any

import orjson
import strawberry

from benegraph.db.session import Transaction
from benegraph.domain.access import Action, require_permission
from benegraph.domain.checks import check_text
from benegraph.domain.errors import BenegraphError, ErrorCode, Refused, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix, prefix_of
from benegraph.graphql.context import Info
from benegraph.graphql.mutations.inputs import present
from benegraph.graphql.types.enums import describe_enum
from benegraph.graphql.types.node import NODE_TYPES
from benegraph.services.idempotency import run_idempotent

KEY_LENGTH = 255

describe_enum(
    ErrorCode,
    "Why a mutation was refused.",
    {
        "NOT_FOUND": "There is no such row, or none within the viewer's reach.",
        "INVALID_INPUT": "A value can't be: blank, negative, out of range, or no id.",
        "ALREADY_EXISTS": "Another row carries this key already.",
        "VERSION_CONFLICT": "Someone changed the row since `expectedVersion`.",
        "IDEMPOTENCY_KEY_REUSED": "The key was used for another input of the same mutation.",
        "ENROLLMENT_NOT_PENDING": "The enrollment is answered or closed.",
        "WINDOW_NOT_OPEN": "Today is outside the window in which an answer is taken.",
        "WINDOW_STILL_OPEN": "Open enrollment is not over yet.",
        "DUPLICATE_ELECTION": "One call answers the same enrollment twice.",
        "PLAN_REQUIRED": "Enrolling needs a plan.",
        "PLAN_NOT_OFFERED": "The plan year does not offer this plan.",
        "PLAN_NOT_ALLOWED_ON_WAIVER": "A waiver selects no plan.",
        "TIER_NOT_OFFERED": "The plan has no price for the tier, or the class no contributions.",
        "TIER_DEPENDENTS_MISMATCH": "The dependents make another tier, or none.",
        "DEPENDENT_NOT_COVERABLE": "The dependent is another employee's, inactive, or 26 when coverage starts.",
        "NOT_ELIGIBLE": "The employee is not eligible on the day coverage would start.",
        "OVERLAPPING_COVERAGE": "Other coverage of the same product shares a day with it.",
        "LIFE_EVENT_NOT_APPROVED": "The life event is not approved.",
        "LIFE_EVENT_WINDOW_CLOSED": "It is too late for this life event.",
        "CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT": "The life event does not allow this change.",
        "REISSUE_ALREADY_OPEN": "A reissue waits for its answer already.",
        "NOT_REISSUABLE": "This enrollment, or this kind of event, can't be reissued.",
        "DATES_OUT_OF_ORDER": "One date must come before another.",
        "PLAN_YEAR_OVERLAP": "Another plan year of the employer and product shares days with it.",
        "INVALID_STATUS_TRANSITION": "The row's status does not allow this.",
        "LINKED_TO_ENROLLMENT": "The coverage follows an election, so its span changes there.",
    },
    name="UserErrorCode",
)


@strawberry.type(
    description='One refusal of a business rule. `field` is the path into the input: ["elections", "0", "decision"].'
)
class UserError:
    code: ErrorCode = strawberry.field(description="What to branch on.")
    message: str = strawberry.field(description="A sentence for the person who asks.")
    field: list[str] | None = strawberry.field(
        description="The path of the input field that broke the rule; list positions as text."
    )


Result = dict[str, Any]


class Done:
    """What came of a mutation: facts by their names, mostly ids, and the refusals; then all else is null."""

    def __init__(self, result: Result | None = None, user_errors: tuple[RuleViolation, ...] = ()) -> None:
        self.user_errors = user_errors
        self._result = result or {}

    def __getattr__(self, name: str) -> Any:
        return self._result.get(name)


class AllRefused(BenegraphError):
    """Each part of a call was refused by itself, so that nothing was done: nothing is kept, and the result told."""

    def __init__(self, result: Result) -> None:
        super().__init__("each part was refused")
        self.result = result


def user_errors() -> Any:
    """Declare a payload's refusals."""
    return strawberry.field(description="The rules that refused it, all of them; empty where it was done.")


async def perform(
    info: Info,
    action: Action,
    input: Any,
    story: Callable[[Transaction], Awaitable[Result]],
    *,
    keep: bool = True,
    foretold: Result | None = None,
) -> Any:
    """Run a mutation's story in one transaction, committed before its payload's children resolve.

    Refusals become the payload's `userErrors`. With `keep` false nothing is kept, not even the idempotency key.
    `foretold` is what the story will give, where that is known before.
    Raises Forbidden, before any row is read.
    """
    context = info.context
    require_permission(context.viewer, action)
    key: str | None = present(input.idempotency_key)
    replayed = False

    async def whole(tx: Transaction) -> Result:
        nonlocal replayed
        if key is None or not keep:
            return await story(tx)
        result, replayed = await run_idempotent(tx, action, key, input_hash(input), story, foretold)
        return result

    try:
        raise_if_any(check_text(key, "idempotencyKey", max_length=KEY_LENGTH))
        result = await context.database.transact(
            context.viewer, context.clock, whole, request_id=context.request_id, dry_run=not keep
        )
        context.clear_loaders()
        if replayed:
            context.replayed = True
            await _check_reach(info, result)
    except Refused as refused:
        return Done(user_errors=tuple(refused.violations))
    except AllRefused as refused:
        return Done(refused.result)
    return Done(result)


async def _check_reach(info: Info, result: Result) -> None:
    # What was changed then may be out of this viewer's reach by now.
    touched: dict[IdPrefix, set[str]] = defaultdict(set)
    for kind, id in _ids_in({name: value for name, value in result.items() if name != "deleted_id"}):
        touched[kind].add(id)
    for kind, ids in touched.items():
        if None in await info.context.load_rows(NODE_TYPES[kind][1], sorted(ids)):
            raise refusal(ErrorCode.NOT_FOUND, "What this key did is out of reach by now.", "idempotencyKey")


def _ids_in(value: Any) -> Iterator[tuple[IdPrefix, str]]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _ids_in(item)
    elif isinstance(value, str) and (kind := prefix_of(value)) in NODE_TYPES:
        yield kind, value


def input_hash(input: Any) -> bytes:
    """Hash an input as it was coerced: defaults filled in, the idempotency key left out."""
    plain = _plain(input)
    plain.pop("idempotency_key", None)
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).digest()


def given(input: Any, columns: dict[str, str]) -> dict[str, Any]:
    """Take from an input what was given at all, under the names of the columns it is for."""
    values = {column: getattr(input, name) for name, column in columns.items()}
    return {column: value for column, value in values.items() if value is not strawberry.UNSET}


def check_not_cleared(input: Any, *names: str) -> None:
    """Refuse null for fields that always hold something. Raises Refused."""
    raise_if_any(
        RuleViolation(ErrorCode.INVALID_INPUT, "This can't be cleared.", (_camel(name),))
        for name in names
        if getattr(input, name) is None
    )


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(type(value), "__strawberry_definition__"):
        named = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: _plain(item) for name, item in named if item is not strawberry.UNSET}
    return value
