"""Asking both executors the same, and telling where their answers differ."""

import asyncio
import gc
import json
import re
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    OperationDefinitionNode,
    get_named_type,
    get_operation_ast,
    is_abstract_type,
    is_composite_type,
)
from graphql_requests import SCHEMA

from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.domain.ids import prefix_of
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.graphql.engine.limits import Limits
from benegraph.graphql.engine.serialize import serialize

#: How often Strawberry's executor is asked again, where what it says depends on what is done first.
PATIENCE = 100
#: Seconds that it is made to wait then at most, wherever it begins a task.
PAUSE = 0.02
GRAPHQL_SCHEMA = SCHEMA._schema
_ID = re.compile(r"[a-z]{3,4}_[0-9a-z]{26}")
_CURSOR = re.compile(r'"(Wy[A-Za-z0-9_-]+)"')

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Both:
    """The two executors, each with documents of its own, and how many operations they answered."""

    strawberry: DocumentCache
    compiled: DocumentCache
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def fell_back(self) -> Mapping[str, int]:
        """Tell why the compiled executor left operations to Strawberry's, and how many of them."""
        return self.compiled.fallbacks

    async def ask(self, database: Database, viewer: Viewer, clock: Clock, request: GraphQLRequest) -> Body:
        """Ask both, one after the other, and see that they agree; give what they say."""
        theirs = await answer(self.strawberry, database, viewer, clock, request)
        ours = await answer(self.compiled, database, viewer, clock, request)
        self.asked["executed" if b'"data":' in theirs else "refused"] += 1
        found = difference(ours, theirs)
        if found is not None and differ_in_errors_alone(ours, theirs):
            self.asked["raced"] += 1
            if await self._might_say(ours, theirs, database, viewer, clock, request):
                found = None
        check(found, viewer, request)
        body: Body = orjson.loads(theirs)
        return body

    async def _might_say(
        self, ours: bytes, theirs: bytes, database: Database, viewer: Viewer, clock: Clock, request: GraphQLRequest
    ) -> bool:
        """Tell whether Strawberry's executor says each of these errors too, where something else is done first."""
        wanted, said = told(ours), told(theirs)
        for turn in range(PATIENCE):
            if said >= wanted:
                return True
            # Every other time as it is: some of what chance brings about comes in no other way.
            with dawdling(Random(turn)) if turn % 2 else nullcontext():  # noqa: S311 - pauses
                said |= told(await answer(self.strawberry, database, viewer, clock, request))
        return False

    async def tell(
        self, copies: tuple[Database, Database], viewer: Viewer, clock: Clock, request: GraphQLRequest
    ) -> Body:
        """Ask each for a change of its own database, which are in the same state, and see that they agree.

        Ids are made of the clock and of chance: those of either are compared by the order in which they appear.
        """
        theirs = await answer(self.strawberry, copies[0], viewer, clock, request)
        ours = await answer(self.compiled, copies[1], viewer, clock, request)
        self.asked["executed" if b'"data":' in theirs else "refused"] += 1
        check(difference(numbered(ours), numbered(theirs)), viewer, request)
        body: Body = orjson.loads(theirs)
        return body


def both_executors(limits: Limits | None = None) -> Both:
    limits = limits or Limits()
    return Both(DocumentCache(SCHEMA, limits), DocumentCache(SCHEMA, limits, compiled=True))


async def answer(
    documents: DocumentCache, database: Database, viewer: Viewer, clock: Clock, request: GraphQLRequest
) -> bytes:
    """Ask one executor with a context of its own; give the bytes of what it says, when all it began is done."""
    task = asyncio.current_task()
    with _cleared_away():
        try:
            content = content_of(await execute(documents, Context(database, viewer, clock, "request-1"), request))
        except asyncio.CancelledError:
            assert task is None or task.cancelling(), "a part that was given up took the whole with it"
            raise
        # What was left running would be in the way of the next.
        while left := asyncio.all_tasks() - {task}:
            await asyncio.wait(left)
    return content


@contextmanager
def dawdling(dice: Random) -> Iterator[None]:
    """Have each task that is made begin after a while of its own."""

    async def later(work: Coroutine[Any, Any, Any], pause: float) -> Any:
        try:
            await asyncio.sleep(pause)
        except asyncio.CancelledError:
            work.close()
            raise
        return await work

    def make(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(later(work, PAUSE * dice.random()), loop=loop, **options)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(make)
    try:
        yield
    finally:
        loop.set_task_factory(None)


@contextmanager
def _cleared_away() -> Iterator[None]:
    """Have what is left of an answer collected at once, and here.

    Where a field fails, Strawberry's executor gives up those beside it, some before they have begun. These complain
    when they are collected: to whoever is at work then, if that isn't done here.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.collect(0)
        gc.enable()


def content_of(answer: Any) -> bytes:
    return answer.content if hasattr(answer, "content") else serialize(answer)


def check(found: str | None, viewer: Viewer, request: GraphQLRequest) -> None:
    """Fail where a difference was found, with all that is needed to ask again."""
    if found is not None:
        raise AssertionError(f"{found}\n{viewer.role} asked, with {request.variables!r}:\n{request.query}")


# -------------------------------------------------------------------------------------------------- what is the same


def difference(ours: bytes, theirs: bytes) -> str | None:
    """Tell the first place in which two answers differ, byte for byte, but for the order of several errors."""
    if ours == theirs:
        return None
    if orjson.dumps(orjson.loads(ours)) != ours:
        return f"The compiled executor's JSON is not as orjson writes it:\n{ours!r}"
    one, other = _in_order(ours), _in_order(theirs)
    if orjson.dumps(one) == orjson.dumps(other):
        return None
    place, here, there = _first_difference(one, other, "$")
    return f"At {place} the compiled executor says\n  {here}\nand Strawberry's\n  {there}"


def differ_in_errors_alone(ours: bytes, theirs: bytes) -> bool:
    """Tell whether what differs may be a matter of time.

    Of several errors under one nulled object, Strawberry's executor tells the one that came first, and those before it
    that nulled nothing but their own field; what else the object asks for it gives up.
    """
    one, other = orjson.loads(ours), orjson.loads(theirs)
    if {place for place, _ in told(ours)} != {place for place, _ in told(theirs)}:
        return False
    return orjson.dumps(one | {"errors": None}) == orjson.dumps(other | {"errors": None})


def told(content: bytes) -> set[tuple[str, bytes]]:
    """Gather the errors of an answer, each with the null that it leads to."""
    body: Body = orjson.loads(content)
    errors = set()
    for error in body.get("errors", ()):
        value, place = body["data"], "$"
        for step in error.get("path", ()):
            if value is None:
                break
            value, place = value[step], f"{place}.{step}"
        errors.add((place, orjson.dumps(error)))
    return errors


def numbered(content: bytes) -> bytes:
    """Write a number for each id, by the order in which they appear, and in cursors too."""
    text = _CURSOR.sub(lambda match: orjson.dumps(_place_of(match[1])).decode(), content.decode())
    seen: dict[str, str] = {}
    return _ID.sub(
        lambda match: seen.setdefault(match[0], f"{match[0][:4]}#{len(seen)}") if prefix_of(match[0]) else match[0],
        text,
    ).encode()


def _place_of(cursor: str) -> str:
    return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()


def _in_order(content: bytes) -> Body:
    body: Body = orjson.loads(content)
    if "errors" in body:
        body["errors"].sort(key=lambda error: ([str(step) for step in error.get("path") or ()], error["message"]))
    return body


def _first_difference(one: Any, other: Any, place: str) -> tuple[str, str, str]:
    if isinstance(one, dict) and isinstance(other, dict):
        if list(one) != list(other):
            return place, f"the fields {list(one)}", f"the fields {list(other)}"
        names = (name for name in one if orjson.dumps(one[name]) != orjson.dumps(other[name]))
        return _first_difference(one[name := next(names)], other[name], f"{place}.{name}")
    if isinstance(one, list) and isinstance(other, list):
        for number, (item, its) in enumerate(zip(one, other, strict=False)):
            if orjson.dumps(item) != orjson.dumps(its):
                return _first_difference(item, its, f"{place}[{number}]")
        return place, f"{len(one)} items", f"{len(other)} items"
    return place, json.dumps(one), json.dumps(other)


# ------------------------------------------------------------------------------------------------- what was reached


def all_fields(root: GraphQLObjectType) -> set[str]:
    """List the fields of all types that Query or Mutation leads to, as `Type.field`."""
    found: set[str] = set()
    waiting: list[Any] = [root]
    seen = {root.name}
    while waiting:
        kind = waiting.pop()
        for each in GRAPHQL_SCHEMA.get_possible_types(kind) if is_abstract_type(kind) else [kind]:
            found |= {f"{each.name}.{name}" for name in each.fields}
            led_to = {get_named_type(declared.type) for declared in each.fields.values()}
            waiting += (new := [other for other in led_to if is_composite_type(other) and other.name not in seen])
            seen |= {other.name for other in new}
    return found


def reached(document: DocumentNode, operation_name: str | None, data: Any) -> set[str]:
    """List the fields that hold anything in an answer, but for those beneath a node whose `__typename` wasn't asked."""
    operation = get_operation_ast(document, operation_name)
    assert isinstance(operation, OperationDefinitionNode)
    held = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    found: set[str] = set()
    waiting: list[tuple[Any, list[Any], Any]] = [(GRAPHQL_SCHEMA.query_type, [operation.selection_set], data)]
    while waiting:
        parent, sets, value = waiting.pop()
        kind = _kind_of(parent, sets, held, value)
        if kind is None:
            continue
        for answered, nodes in _gathered(kind, sets, held).items():
            inner = value.get(answered)
            name = nodes[0].name.value
            if inner is None or name.startswith("__"):
                continue
            found.add(f"{kind.name}.{name}")
            led_to = get_named_type(kind.fields[name].type)
            below = [node.selection_set for node in nodes if node.selection_set is not None]
            items = inner if isinstance(inner, list) else [inner]
            waiting += [(led_to, below, item) for item in items if item is not None and below]
    return found


def _kind_of(parent: Any, sets: list[Any], held: Mapping[str, Any], value: Any) -> GraphQLObjectType | None:
    """Tell what an object is: of an abstract type, by the first `__typename` that is asked for whatever it is."""
    if isinstance(parent, GraphQLObjectType):
        return parent
    for answered, nodes in _gathered(parent, sets, held).items():
        if nodes[0].name.value == "__typename" and answered in value:
            kind = GRAPHQL_SCHEMA.type_map[value[answered]]
            assert isinstance(kind, GraphQLObjectType)
            return kind
    return None


def _gathered(kind: Any, sets: Sequence[Any], held: Mapping[str, Any]) -> dict[str, list[FieldNode]]:
    groups: dict[str, list[FieldNode]] = {}
    waiting = list(sets)
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                groups.setdefault((node.alias or node.name).value, []).append(node)
                continue
            fragment = held[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            condition = fragment.type_condition
            if condition is None or condition.name.value in {kind.name, "Node"}:
                waiting.append(fragment.selection_set)
    return groups
