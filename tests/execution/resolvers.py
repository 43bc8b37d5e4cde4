"""The same library asked by graphql-core's own executor: a resolver for each kind of declaration, parent by parent."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from json import dumps
from types import SimpleNamespace
from typing import Any

from graphql import ExecutionResult, GraphQLError, GraphQLResolveInfo, GraphQLSchema, execute_sync, parse
from librarian import Asking, Catalogue, Reader, plain, rows_of
from library import DECLARED, GRAPH, Library, Record, Source, Window, place_of

from benegraph.execution import (
    Arguments,
    Column,
    Computed,
    ComputedInBatch,
    Declaration,
    FromContext,
    Lookup,
    LookupKey,
    LookupMany,
    MutationCall,
    PlanResult,
    SameObject,
    ToMany,
    ToManyByKeys,
    ToOne,
    ToPage,
    UnsupportedOperation,
)

KINDS = {"authors": "Author", "books": "Book", "publishers": "Publisher", "shelves": "Shelf"}


def resolved(
    library: Library,
    text: str,
    variables: Mapping[str, Any] | None = None,
    graph: GraphQLSchema = GRAPH,
    declared: Mapping[str, Declaration] = DECLARED,
) -> ExecutionResult:
    """Have graphql-core answer, at once: everything is in memory, and what never waits needs no turns."""

    def resolver(parent: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if isinstance(parent, dict):  # a page, or a part of one
            return parent[info.field_name]
        declaration = declared.get(f"{info.parent_type.name}.{info.field_name}", Column(info.field_name))
        return resolve(declaration, library, parent, arguments)

    return execute_sync(
        graph,
        parse(text),
        variable_values=dict(variables or {}),
        field_resolver=resolver,
        type_resolver=lambda parent, _info, _kind: parent.kind,
    )


def resolve(  # noqa: PLR0911 - one return for each kind of declaration
    declaration: Declaration, library: Library, parent: Any, arguments: Mapping[str, Any]
) -> Any:
    match declaration:
        case Column():
            return getattr(parent, declaration.name)
        case Computed():
            return declaration.compute(parent)
        case SameObject():
            return parent
        case FromContext():
            return declaration.get(library)
        case Lookup():
            return found(library, declaration.sources, declaration.find_key(library, arguments))
        case LookupMany():
            return [found(library, declaration.sources, each) for each in declaration.find_keys(library, arguments)]
        case MutationCall():
            return driven(declaration.call(library, arguments))
        case ComputedInBatch():
            return driven(declaration.load(Reader(library), [parent], arguments))[0]
        case _:
            return related(declaration, library, parent, arguments)


def related(
    declaration: ToOne | ToManyByKeys | ToMany | ToPage, library: Library, parent: Any, arguments: Mapping[str, Any]
) -> Any:
    source: Source = declaration.source
    key = "" if declaration.key is None else getattr(parent, declaration.key)
    match declaration:
        case ToOne():
            return one(library, source, key)
        case ToMany():
            return [seen(source, row) for row in rows_of(library, source, key)]
        case ToManyByKeys():
            return None if key is None else [one(library, source, each) for each in key]
        case ToPage():
            window: Any = declaration.build_page(arguments)
            return page(library, source, key, window)


def seen(source: Source, row: Record) -> Any:
    return SimpleNamespace(**row, kind=KINDS[source.table])


def one(library: Library, source: Source, key: Any) -> Any:
    return next((seen(source, row) for row in rows_of(library, source, key)), None)


def found(library: Library, sources: Mapping[str, Any], target: LookupKey | Exception | None) -> Any:
    if target is None or isinstance(target, Exception):
        return target
    return one(library, sources[target.type_name], target.key)


def page(library: Library, source: Source, key: Any, window: Window) -> Any:
    rows = rows_of(library, source, key)
    read = window.page(rows)
    nodes = read[: window.first]
    cursors = [window.encode_cursor(place_of(row)) for row in nodes]
    return {
        "nodes": [seen(source, row) for row in nodes],
        "edges": [{"cursor": cursor, "node": seen(source, row)} for cursor, row in zip(cursors, nodes, strict=True)],
        "pageInfo": {
            "hasNextPage": len(read) > window.first,
            "hasPreviousPage": window.has_previous_page,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
        "totalCount": len(window.chosen(rows)),
    }


def driven(waiting: Awaitable[Any]) -> Any:
    """Carry out what never has to wait."""
    try:
        next(waiting.__await__())
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


# ------------------------------------------------------------------------------------------------------- what agrees


@dataclass(frozen=True, slots=True)
class Both:
    """One operation as both executors answer it."""

    ours: PlanResult
    theirs: ExecutionResult

    @property
    def errors(self) -> list[GraphQLError]:
        return self.theirs.errors or []


async def ask_both(
    library: Library,
    text: str,
    variables: Mapping[str, Any] | None = None,
    graph: GraphQLSchema = GRAPH,
    declared: Mapping[str, Declaration] = DECLARED,
    catalogue: Catalogue | None = None,
) -> Both:
    """Ask both, each of a library of its own, and see that they give the same data, in the same order.

    A reader that was told to read alone reads once at most. Raises Uncovered where the library wrote what must not be:
    a null, which is an error then, or a page that can't be, which is one only where there is a row to have it.
    """
    theirs = resolved(deepcopy(library), text, variables, graph, declared)
    impossible: list[Exception] = []
    asking = Asking(deepcopy(library), graph, noting(declared, impossible), catalogue or Catalogue())
    try:
        answered = await asking.ask(text, variables)
    except UnsupportedOperation as uncovered:
        due = is_due(uncovered.reason, theirs, impossible)
        assert due or catalogue is None, text
        raise
    ours = PlanResult(plain(answered.data), answered.errors)
    assert ours.data == theirs.data, text
    assert dumps(ours.data) == dumps(theirs.data), text
    assert all(len(reader.fetched) <= 1 for reader, alone in zip(asking.readers, asking.opened, strict=True) if alone)
    return Both(ours, theirs)


def is_due(reason: str, theirs: ExecutionResult, impossible: Sequence[Exception]) -> bool:
    """Tell whether an operation that was written could not but turn out not to be covered."""
    return bool(impossible if reason == "arguments" else theirs.errors)


def noting(declared: Mapping[str, Declaration], impossible: list[Exception]) -> Mapping[str, Declaration]:
    """Have it noted what is raised for pages that can't be."""

    def noted(window: Callable[[Arguments], Any], arguments: Arguments) -> Any:
        try:
            return window(arguments)
        except Exception as error:
            impossible.append(error)
            raise

    return {
        name: replace(each, build_page=partial(noted, each.build_page)) if isinstance(each, ToPage) else each
        for name, each in declared.items()
    }


async def agree(
    library: Library,
    text: str,
    variables: Mapping[str, Any] | None = None,
    graph: GraphQLSchema = GRAPH,
    declared: Mapping[str, Declaration] = DECLARED,
    catalogue: Catalogue | None = None,
) -> list[tuple[str, str]]:
    """Check that both return the same data and the same errors in the same order; return their paths and messages."""
    both = await ask_both(library, text, variables, graph, declared, catalogue)
    errors = [*map(said, both.errors)]
    assert [*map(said, both.ours.errors)] == errors, text
    return errors


def said(error: GraphQLError) -> tuple[str, str]:
    return ".".join(map(str, error.path or ())), error.message
