"""Declarations: how each field gets its value. The host declares every field once; plans are compiled from them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from benegraph.execution.plan.rows import RequestedPage

#: A field's arguments by their names in the host's code. Requests share them: never change them.
Arguments = Mapping[str, Any]


class UnsupportedOperation(Exception):
    """An operation has no plan, so another executor has to execute it. `reason` is one word, fit for a metric's label.

    While compiling: `operation` (none, or a subscription), `introspection`, `directive`, `condition` (null in one),
    `root`, `resolver` (for hosts: the field has no declaration), `field`, `arguments`, `column`, `list`, `page`,
    `connection`, `abstract`, `leaf`, `scalar`. While a query runs, where rendered JSON would have to contain an error:
    `null`, `arguments`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Column:
    """A value that the parent holds under a name: a leaf, or an object or list of objects that exists already.

    A leaf goes into the response unchecked. A list of leaves is a list or a tuple. Where the parent is not a row, the
    name is an attribute's, which must not raise; a dot leads to a nested attribute.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Computed:
    """A value that `compute` derives from the parent alone. It reads the parent's columns `needs` as attributes.

    An exception that it raises or returns becomes the field's error.
    """

    compute: Callable[[Any], Any]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SameObject:
    """The parent itself, as an object of another type."""


@dataclass(frozen=True, slots=True)
class ToOne:
    """The row for the key in the parent's column `key`; null where that is null or there is no such row."""

    source: Any
    key: str


@dataclass(frozen=True, slots=True)
class ToOneOf:
    """The row for the key in the parent's column `key`, read from the source that `find_source` names for the key.

    Null where the column is null, where `find_source` returns None or where there is no such row. The field returns an
    abstract type, and each of the `sources` has the name of its object type.
    """

    sources: Mapping[str, Any]
    key: str
    find_source: Callable[[Any], str | None]


@dataclass(frozen=True, slots=True)
class ToManyByKeys:
    """The rows for the list of keys in the parent's column `key`, in that order.

    A key without a row gives a null in the list. The field is null where the column is.
    """

    source: Any
    key: str


@dataclass(frozen=True, slots=True)
class ToMany:
    """All rows for the key in the parent's column `key`, a short list; empty where the key is null."""

    source: Any
    key: str


@dataclass(frozen=True, slots=True)
class ToPage:
    """A page of the rows for the key in the parent's column `key`, as a connection; without `key`, of all rows.

    A null key gives an empty page.

    `build_page` makes the page request from the field's arguments alone, and raises for invalid ones. `default_size`
    is the expected size of a page without a literal argument `first` or `last`. The connection's own fields have the
    names of `PageField`.
    """

    source: Any
    key: str | None
    build_page: Callable[[Arguments], RequestedPage]
    default_size: int


@dataclass(frozen=True, slots=True)
class ComputedInBatch:
    """A value for each of many parents, computed from their columns `needs` and from one read for all of them.

    `load(reader, parents, arguments)` returns one value for each parent, in order. A value that is an exception is that
    parent's error; an exception that it raises is every parent's. There is at least one parent; one may occur twice.
    """

    load: Callable[[Any, Sequence[Any], Arguments], Awaitable[Sequence[Any]]]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FromContext:
    """A field of the query type: an object, or a list of objects, that the request's context holds."""

    get: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class LookupKey:
    """A row to look up: the name of its source among those of the field, and its key."""

    source_name: str
    key: Any


@dataclass(frozen=True, slots=True)
class Lookup:
    """A field of the query type: the row of the key that `find_key` returns for context and arguments.

    None gives null, and an exception becomes the field's error.

    `sources` holds the sources that the key may name. If the field returns an abstract type, each has the name of its
    object type. Otherwise a field may have several sources of its type, such as one for each kind of key.
    """

    sources: Mapping[str, Any]
    find_key: Callable[[Any, Arguments], LookupKey | Exception | None]


@dataclass(frozen=True, slots=True)
class LookupMany:
    """A field of the query type: a row, null or an error for each key. `find_keys` raises where the list is invalid."""

    sources: Mapping[str, Any]
    find_keys: Callable[[Any, Arguments], Sequence[LookupKey | Exception | None]]


@dataclass(frozen=True, slots=True)
class MutationCall:
    """A field of the mutation type: `call` makes the change and returns the object or list that is selected from.

    An exception that it raises becomes the field's error.
    """

    call: Callable[[Any, Arguments], Awaitable[Any]]


Declaration = (
    Column
    | Computed
    | SameObject
    | ToOne
    | ToOneOf
    | ToManyByKeys
    | ToMany
    | ToPage
    | ComputedInBatch
    | FromContext
    | Lookup
    | LookupMany
    | MutationCall
)
#: Returns the declaration of a field of an object type. Raises UnsupportedOperation for a field that has none.
Declare = Callable[[GraphQLObjectType, GraphQLField], Declaration]

_WITH_ARGUMENTS = (ComputedInBatch, Lookup, LookupMany, MutationCall, ToPage)
_ALWAYS_LISTS = (LookupMany, ToMany, ToManyByKeys)
_NEVER_LISTS = (Lookup, SameObject, ToOne, ToOneOf, ToPage)
_MAY_BE_LEAVES = (ComputedInBatch, Column, Computed)


def check_type(field: GraphQLField, declaration: Declaration) -> None:
    """Check that a field's type fits its declaration. Raises UnsupportedOperation."""
    if field.args and not isinstance(declaration, _WITH_ARGUMENTS):
        raise UnsupportedOperation("arguments")
    if is_leaf_type(get_named_type(field.type)) and not isinstance(declaration, _MAY_BE_LEAVES):
        raise UnsupportedOperation("leaf")
    items = item_type(field.type)
    mismatched = _ALWAYS_LISTS if items is None else _NEVER_LISTS
    is_list_of_lists = items is not None and is_list(items)
    if isinstance(declaration, mismatched) or is_list_of_lists:
        raise UnsupportedOperation("list")


def is_list(output_type: GraphQLOutputType) -> bool:
    return item_type(output_type) is not None


def item_type(output_type: GraphQLOutputType) -> Any:
    """Return the type of a list's items, or None for a type that is not a list."""
    nullable = get_nullable_type(output_type)
    return nullable.of_type if is_list_type(nullable) else None
