"""Execute requests by both executors and compare their responses."""

import asyncio
import gc
import json
import re
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from error_isolation import isolate_error
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

GRAPHQL_SCHEMA = SCHEMA._schema
_ID = re.compile(r"[a-z]{3,4}_[0-9a-z]{26}")
_API_KEY = re.compile(r"bgk_[A-Za-z0-9_-]{8,43}")
_CURSOR = re.compile(r'"(Wy[A-Za-z0-9_-]+)"')

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExecutorPair:
    """Strawberry's executor and the breadth-first one, each with its own documents, and counts of their responses."""

    strawberry: DocumentCache
    breadth_first: DocumentCache
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def fallbacks(self) -> Mapping[str, int]:
        """Return how many operations the breadth-first executor left to Strawberry's, by reason."""
        return self.breadth_first.plan_fallbacks

    async def compare_query(self, database: Database, viewer: Viewer, clock: Clock, request: GraphQLRequest) -> Body:
        """Execute a query by both, check that the responses are equal, and return ours.

        Where several errors propagate to the same null, Strawberry reports the one that occurred first, and the
        breadth-first executor the first in the document. Each other error that ours reports must then also be an error
        of Strawberry's, when only the fields on its path are selected.
        """
        theirs = await run_executor(self.strawberry, database, viewer, clock, request)
        ours = await run_executor(self.breadth_first, database, viewer, clock, request)
        self.counts["executed" if b'"data":' in theirs else "refused"] += 1
        difference = find_difference(ours, theirs)
        if difference is not None and differ_only_in_choice_of_errors(ours, theirs):
            self.counts["other error chosen"] += 1
            for error in errors_of(ours) - errors_of(theirs):
                await self._check_isolated(error, database, viewer, clock, request)
            difference = None
        fail_on(difference, viewer, request)
        body: Body = orjson.loads(ours)
        return body

    async def _check_isolated(
        self, error: "PlacedError", database: Database, viewer: Viewer, clock: Clock, request: GraphQLRequest
    ) -> None:
        path, message = error.path, error.message
        query = isolate_error(request.query, request.operation_name, path)
        isolated = replace(request, query=query, operation_name=None)
        theirs = await run_executor(self.strawberry, database, viewer, clock, isolated)
        reported = {(each.path, each.message) for each in errors_of(theirs)}
        assert (path, message) in reported, f"Strawberry's executor has no such error: {error}\n{query}\n{reported}"

    async def compare_mutation(
        self, copies: tuple[Database, Database], viewer: Viewer, clock: Clock, request: GraphQLRequest
    ) -> Body:
        """Execute a mutation by each on its own copy of a database, and check that the responses are equal.

        IDs depend on the clock and on random numbers, so they are compared by their order of appearance.
        """
        theirs = await run_executor(self.strawberry, copies[0], viewer, clock, request)
        ours = await run_executor(self.breadth_first, copies[1], viewer, clock, request)
        self.counts["executed" if b'"data":' in theirs else "refused"] += 1
        fail_on(find_difference(number_ids(ours), number_ids(theirs)), viewer, request)
        body: Body = orjson.loads(theirs)
        return body


def make_executor_pair(limits: Limits | None = None) -> ExecutorPair:
    limits = limits or Limits()
    return ExecutorPair(DocumentCache(SCHEMA, limits), DocumentCache(SCHEMA, limits, use_compiled_plans=True))


async def run_executor(
    documents: DocumentCache, database: Database, viewer: Viewer, clock: Clock, request: GraphQLRequest
) -> bytes:
    """Execute a request in a context of its own, and return the response's bytes once all its tasks have ended."""
    task = asyncio.current_task()
    with _collect_garbage():
        try:
            content = serialize(await execute(documents, Context(database, viewer, clock, "request-1"), request))
        except asyncio.CancelledError:
            assert task is None or task.cancelling(), "a cancelled field cancelled the whole request"
            raise
        # Tasks that are left would disturb the next request.
        while pending := asyncio.all_tasks() - {task}:
            await asyncio.wait(pending)
    return content


@contextmanager
def _collect_garbage() -> Iterator[None]:
    """Collect the garbage of a request right after it.

    Where a field fails, Strawberry's executor cancels its siblings, some before they start. Such coroutines warn when
    they are collected, which would otherwise happen in some later test.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.collect(0)
        gc.enable()


def fail_on(difference: str | None, viewer: Viewer, request: GraphQLRequest) -> None:
    """Fail if there is a difference. The message has all that is needed to repeat the request."""
    if difference is not None:
        raise AssertionError(f"{difference}\n{viewer.role}, variables {request.variables!r}:\n{request.query}")


# ---------------------------------------------------------------------------------------------------------- comparison


def find_difference(ours: bytes, theirs: bytes) -> str | None:
    """Return a description of the first difference of two responses, byte for byte, ignoring the order of errors."""
    if ours == theirs:
        return None
    if orjson.dumps(orjson.loads(ours)) != ours:
        return f"The breadth-first executor's JSON is not as orjson writes it:\n{ours!r}"
    one, other = _sort_errors(ours), _sort_errors(theirs)
    if orjson.dumps(one) == orjson.dumps(other):
        return None
    position, our_part, their_part = _first_difference(one, other, "$")
    return f"At {position} the breadth-first executor returns\n  {our_part}\nand Strawberry's\n  {their_part}"


def differ_only_in_choice_of_errors(ours: bytes, theirs: bytes) -> bool:
    """Return whether the responses have equal data, and errors for the same nulls, and differ only in which errors."""
    if {error.null_path for error in errors_of(ours)} != {error.null_path for error in errors_of(theirs)}:
        return False
    one, other = orjson.loads(ours), orjson.loads(theirs)
    return orjson.dumps(one | {"errors": None}) == orjson.dumps(other | {"errors": None})


@dataclass(frozen=True, slots=True)
class PlacedError:
    """An error of a response: its path, its message, and the path of the null that it propagated to."""

    path: tuple[str | int, ...]
    message: str
    null_path: tuple[str | int, ...]


def errors_of(content: bytes) -> set[PlacedError]:
    body: Body = orjson.loads(content)
    errors = set()
    for error in body.get("errors", ()):
        path, value, depth = tuple(error.get("path", ())), body.get("data"), 0
        while value is not None and depth < len(path):
            value, depth = value[path[depth]], depth + 1
        errors.add(PlacedError(path, error["message"], path[:depth]))
    return errors


def number_ids(content: bytes) -> bytes:
    """Replace each ID with a number, in order of appearance, also within cursors; and issued API keys with a word."""
    text = _CURSOR.sub(lambda match: orjson.dumps(_decode_cursor(match[1])).decode(), content.decode())
    numbers: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        id = match[0]
        return numbers.setdefault(id, f"{id[:4]}#{len(numbers)}") if prefix_of(id) else id

    return _API_KEY.sub("issued key", _ID.sub(number, text)).encode()


def _decode_cursor(cursor: str) -> str:
    return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()


def _sort_errors(content: bytes) -> Body:
    body: Body = orjson.loads(content)
    if "errors" in body:
        body["errors"].sort(key=lambda error: ([str(step) for step in error.get("path") or ()], error["message"]))
    return body


def _first_difference(one: Any, other: Any, position: str) -> tuple[str, str, str]:
    """Return the position of the first difference, such as `$.data.nodes[0]`, and both values there."""
    if isinstance(one, dict) and isinstance(other, dict):
        if list(one) != list(other):
            return position, f"the fields {list(one)}", f"the fields {list(other)}"
        names = (name for name in one if orjson.dumps(one[name]) != orjson.dumps(other[name]))
        return _first_difference(one[name := next(names)], other[name], f"{position}.{name}")
    if isinstance(one, list) and isinstance(other, list):
        for index, (item, other_item) in enumerate(zip(one, other, strict=False)):
            if orjson.dumps(item) != orjson.dumps(other_item):
                return _first_difference(item, other_item, f"{position}[{index}]")
        return position, f"{len(one)} items", f"{len(other)} items"
    return position, json.dumps(one), json.dumps(other)


# -------------------------------------------------------------------------------------------------- coverage of fields


def reachable_fields(root: GraphQLObjectType) -> set[str]:
    """Return the fields of all types that the query or mutation type leads to, as `Type.field`."""
    fields: set[str] = set()
    pending: list[Any] = [root]
    visited = {root.name}
    while pending:
        composite_type = pending.pop()
        for object_type in _possible_types(composite_type):
            fields |= {f"{object_type.name}.{name}" for name in object_type.fields}
            for definition in object_type.fields.values():
                child = get_named_type(definition.type)
                if is_composite_type(child) and child.name not in visited:
                    visited.add(child.name)
                    pending.append(child)
    return fields


def _possible_types(composite_type: Any) -> Sequence[GraphQLObjectType]:
    return GRAPHQL_SCHEMA.get_possible_types(composite_type) if is_abstract_type(composite_type) else [composite_type]


def non_null_fields(document: DocumentNode, operation_name: str | None, data: Any) -> set[str]:
    """Return the fields with a non-null value in the data of a response, as `Type.field`.

    Objects of an abstract type are skipped where `__typename` is not selected.
    """
    operation = get_operation_ast(document, operation_name)
    assert isinstance(operation, OperationDefinitionNode)
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    fields: set[str] = set()
    pending: list[tuple[Any, list[Any], Any]] = [(GRAPHQL_SCHEMA.query_type, [operation.selection_set], data)]
    while pending:
        parent_type, selection_sets, value = pending.pop()
        object_type = _object_type_of(parent_type, selection_sets, fragments, value)
        if object_type is None:
            continue
        for response_name, nodes in _collect_fields(object_type, selection_sets, fragments).items():
            child = value.get(response_name)
            name = nodes[0].name.value
            if child is None or name.startswith("__"):
                continue
            fields.add(f"{object_type.name}.{name}")
            child_type = get_named_type(object_type.fields[name].type)
            child_sets = [node.selection_set for node in nodes if node.selection_set is not None]
            items = child if isinstance(child, list) else [child]
            pending += [(child_type, child_sets, item) for item in items if item is not None and child_sets]
    return fields


def _object_type_of(
    parent_type: Any, selection_sets: list[Any], fragments: Mapping[str, Any], value: Any
) -> GraphQLObjectType | None:
    """Return the type of an object in a response; for an abstract type, from a `__typename` that is always selected."""
    if isinstance(parent_type, GraphQLObjectType):
        return parent_type
    for response_name, nodes in _collect_fields(parent_type, selection_sets, fragments).items():
        if nodes[0].name.value == "__typename" and response_name in value:
            object_type = GRAPHQL_SCHEMA.type_map[value[response_name]]
            assert isinstance(object_type, GraphQLObjectType)
            return object_type
    return None


def _collect_fields(
    composite_type: Any, selection_sets: Sequence[Any], fragments: Mapping[str, Any]
) -> dict[str, list[FieldNode]]:
    fields: dict[str, list[FieldNode]] = {}
    pending = list(selection_sets)
    while pending:
        for node in pending.pop().selections:
            if isinstance(node, FieldNode):
                fields.setdefault((node.alias or node.name).value, []).append(node)
                continue
            fragment = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            condition = fragment.type_condition
            if condition is None or condition.name.value in {composite_type.name, "Node"}:
                pending.append(fragment.selection_set)
    return fields
