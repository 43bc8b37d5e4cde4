"""Execute operations on the library by graphql-core's executor, with a resolver for each kind of declaration."""

from collections.abc import Awaitable, Mapping
from types import SimpleNamespace
from typing import Any

from graphql import ExecutionResult, GraphQLResolveInfo, GraphQLSchema, execute_sync, parse
from library import DECLARATIONS, SCHEMA, Library, PageRequest, Record, Source, order_key_of
from library_reader import LibraryReader, rows_of

from benegraph.execution import (
    Column,
    Computed,
    ComputedInBatch,
    Declaration,
    FromContext,
    Lookup,
    LookupKey,
    LookupMany,
    MutationCall,
    SameObject,
    ToMany,
    ToManyByKeys,
    ToOne,
    ToOneOf,
    ToPage,
)

TYPE_NAMES = {"authors": "Author", "books": "Book", "publishers": "Publisher", "shelves": "Shelf"}


def execute_reference(
    library: Library,
    query: str,
    variables: Mapping[str, Any] | None = None,
    schema: GraphQLSchema = SCHEMA,
    declarations: Mapping[str, Declaration] = DECLARATIONS,
) -> ExecutionResult:
    """Execute an operation synchronously: all data is in memory, so nothing has to wait."""

    def resolve_field(parent: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if isinstance(parent, dict):  # a connection, an edge or a page info
            return parent[info.field_name]
        coordinate = f"{info.parent_type.name}.{info.field_name}"
        return _resolve(declarations.get(coordinate, Column(info.field_name)), library, parent, arguments)

    return execute_sync(
        schema,
        parse(query),
        variable_values=dict(variables or {}),
        field_resolver=resolve_field,
        type_resolver=lambda parent, _info, _abstract_type: parent.type_name,
    )


def _resolve(  # noqa: PLR0911 - one return for each kind of declaration
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
        case ToOneOf():
            key = getattr(parent, declaration.key)
            source_name = None if key is None else declaration.find_source(key)
            return None if source_name is None else _find_object(library, declaration.sources[source_name], key)
        case Lookup():
            return _look_up(library, declaration.sources, declaration.find_key(library, arguments))
        case LookupMany():
            return [_look_up(library, declaration.sources, key) for key in declaration.find_keys(library, arguments)]
        case MutationCall():
            return _run(declaration.call(library, arguments))
        case ComputedInBatch():
            return _run(declaration.load(LibraryReader(library), [parent], arguments))[0]
        case _:
            return _resolve_related(declaration, library, parent, arguments)


def _resolve_related(
    declaration: ToOne | ToManyByKeys | ToMany | ToPage, library: Library, parent: Any, arguments: Mapping[str, Any]
) -> Any:
    source: Source = declaration.source
    key = "" if declaration.key is None else getattr(parent, declaration.key)
    match declaration:
        case ToOne():
            return _find_object(library, source, key)
        case ToMany():
            return [_make_object(source, row) for row in rows_of(library, source, key)]
        case ToManyByKeys():
            return None if key is None else [_find_object(library, source, item) for item in key]
        case ToPage():
            page: Any = declaration.build_page(arguments)
            return _make_connection(library, source, key, page)


def _make_object(source: Source, row: Record) -> Any:
    return SimpleNamespace(**row, type_name=TYPE_NAMES[source.table])


def _find_object(library: Library, source: Source, key: Any) -> Any:
    return next((_make_object(source, row) for row in rows_of(library, source, key)), None)


def _look_up(library: Library, sources: Mapping[str, Any], key: LookupKey | Exception | None) -> Any:
    if key is None or isinstance(key, Exception):
        return key
    return _find_object(library, sources[key.source_name], key.key)


def _make_connection(library: Library, source: Source, key: Any, page: PageRequest) -> dict[str, Any]:
    """Make a connection by the algorithms of Relay's specification, from all rows."""
    rows = rows_of(library, source, key)
    between = page.rows_between(rows)
    shown = between if page.first is None else between[: page.first]
    if page.last is not None:
        shown = shown[-page.last :] if page.last else []
    nodes = [_make_object(source, row) for row in shown]
    cursors = [page.encode_cursor(order_key_of(row)) for row in shown]
    return {
        "nodes": nodes,
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)],
        "pageInfo": {
            "hasNextPage": page.before is not None if page.first is None else len(between) > page.first,
            "hasPreviousPage": page.after is not None if page.last is None else len(between) > page.last,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
        "totalCount": len(page.filter_rows(rows)),
    }


def _run(awaitable: Awaitable[Any]) -> Any:
    """Run an awaitable that never waits, and return its result."""
    try:
        next(awaitable.__await__())
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the awaitable waits")
