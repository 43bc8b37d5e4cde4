"""Declarations: what each field is made of. The host gives one for every field; plans are compiled from them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLField, GraphQLObjectType

from benegraph.execution.reading import Window

Arguments = Mapping[str, Any]


class Uncovered(Exception):
    """An operation holds what no plan is made for; `reason` is one word of ours, fit to be counted by."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Column:
    """A value that the parent holds under a name: a scalar, or an object or list of such that is there already."""

    name: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A value computed from the parent alone. `compute` finds on it the columns that it `needs`, by their names."""

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
    """All rows of the key in the parent's column `key`, a short list."""

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

    `load(reader, parents, arguments)` gives as many values; one that is an exception is that parent's error.
    """

    load: Callable[[Any, Sequence[Any], Arguments], Awaitable[Sequence[Any]]]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """A field of the query itself: an object that the request's context holds."""

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
    """A field of the query: a row, null or an error for each target. Raises where there can be no list at all."""

    sources: Mapping[str, Any]
    targets: Callable[[Any, Arguments], Sequence[Target | Exception | None]]


@dataclass(frozen=True, slots=True)
class Perform:
    """A field of the mutation: does what it is to do, and gives the object that its selection is read from."""

    call: Callable[[Any, Arguments], Awaitable[Any]]


Declaration = (
    Column | Derived | Itself | ToOne | ToSeveral | ToMany | ToPage | Batched | Given | Find | FindEach | Perform
)
#: Says what a field of an object type is made of. Raises Uncovered for one that can't be said.
Declare = Callable[[GraphQLObjectType, GraphQLField], Declaration]
