"""Declarations: what each field is made of. The host gives one for every field; plans are compiled from them."""

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

from benegraph.execution.reading import Window

#: What a field is called with, by the names that its type gives. They are shared by all requests: never to be changed.
Arguments = Mapping[str, Any]


class Uncovered(Exception):
    """An operation holds what no plan is made for; `reason` is one word of ours, fit to be counted by.

    Of what is compiled: `operation` (none, or a subscription), `introspection`, `directive`, `condition` (null in one),
    `root`, `resolver` (the host's word for a field that says nothing of itself), `field`, `arguments`, `column`,
    `list`, `page`, `connection`, `abstract`, `leaf`, `scalar`. While a query is carried out, where a text is written
    that would have to hold an error: `null`, `arguments`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Column:
    """A value that the parent holds under a name: a leaf, or an object or a list of objects that is there already.

    A leaf goes into the answer as it is: nothing checks it. A list of leaves is a list or a tuple. Where the parent is
    no row, the name is an attribute's, which must not raise; a dot in it leads on.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A value computed from the parent alone, at once. `compute` finds on it the columns that it `needs`, by name.

    What it raises, or gives as an exception, is the field's error.
    """

    compute: Callable[[Any], Any]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Itself:
    """The parent itself, seen as an object of another type."""


@dataclass(frozen=True, slots=True)
class ToOne:
    """At most one row: that of the key which the parent holds in its column `key`, and where it is null, none."""

    source: Any
    key: str


@dataclass(frozen=True, slots=True)
class ToSeveral:
    """The rows of the keys that the parent lists in its column `key`, in that order; null where there is no list."""

    source: Any
    key: str


@dataclass(frozen=True, slots=True)
class ToMany:
    """All rows of the key in the parent's column `key`, a short list; empty where the key is null."""

    source: Any
    key: str


@dataclass(frozen=True, slots=True)
class ToPage:
    """A page of the rows of the parent's key, as a connection; without a key, a page of all rows.

    `window` makes of the field's arguments, and of nothing else, which page that is, and raises for arguments that
    can't be. `usual` is the size of a page whose size the text does not tell, by an argument `first`. The connection's
    own fields go by their names: `nodes`, `edges` with `node` and `cursor`, `pageInfo`, `totalCount`.
    """

    source: Any
    key: str | None
    window: Callable[[Arguments], Window]
    usual: int


@dataclass(frozen=True, slots=True)
class Batched:
    """A value for each of many parents, computed from them and what `load` reads for all of them at once.

    `load(reader, parents, arguments)` gives as many values, in the parents' order; one that is an exception is that
    parent's error, and what it raises is every parent's. There is at least one parent; one may come several times.
    """

    load: Callable[[Any, Sequence[Any], Arguments], Awaitable[Sequence[Any]]]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """A field of the query itself: an object, or a list of objects, that the request's context holds."""

    value: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Target:
    """What a field of the query looks for: the row of a key, of an object type by its name."""

    kind: str
    key: Any


@dataclass(frozen=True, slots=True)
class Find:
    """A field of the query: the one row that `target` names, given context and arguments; None where it names none.

    `sources` holds the source of each object type that it may find, by the types' names.
    """

    sources: Mapping[str, Any]
    target: Callable[[Any, Arguments], Target | None]


@dataclass(frozen=True, slots=True)
class FindEach:
    """A field of the query: a row, null or an error for each target. `targets` raises where there can be no list."""

    sources: Mapping[str, Any]
    targets: Callable[[Any, Arguments], Sequence[Target | Exception | None]]


@dataclass(frozen=True, slots=True)
class Perform:
    """A field of the mutation: does what it is to do, and gives the object or list that its selection is read from.

    What it raises is the field's error.
    """

    call: Callable[[Any, Arguments], Awaitable[Any]]


Declaration = (
    Column | Derived | Itself | ToOne | ToSeveral | ToMany | ToPage | Batched | Given | Find | FindEach | Perform
)
#: Says what a field of an object type is made of. Raises Uncovered for one that can't be said.
Declare = Callable[[GraphQLObjectType, GraphQLField], Declaration]

_TAKE_ARGUMENTS = (Batched, Find, FindEach, Perform, ToPage)
_ARE_LISTS = (FindEach, ToMany, ToSeveral)
_ARE_NONE = (Find, Itself, ToOne, ToPage)
_MAY_BE_LEAVES = (Batched, Column, Derived)


def check_type(found: GraphQLField, declaration: Declaration) -> None:
    """See that a field's type allows what it is said to be made of. Raises Uncovered."""
    if found.args and not isinstance(declaration, _TAKE_ARGUMENTS):
        raise Uncovered("arguments")
    if is_leaf_type(get_named_type(found.type)) and not isinstance(declaration, _MAY_BE_LEAVES):
        raise Uncovered("leaf")
    items = items_of(found.type)
    if isinstance(declaration, _ARE_LISTS if items is None else _ARE_NONE) or (items and is_list(items)):
        raise Uncovered("list")


def is_list(kind: GraphQLOutputType) -> bool:
    return items_of(kind) is not None


def items_of(kind: GraphQLOutputType) -> Any:
    """Give the type of a list's items; None of what is no list."""
    nullable = get_nullable_type(kind)
    return nullable.of_type if is_list_type(nullable) else None
