"""Plans: what an operation comes to, once it is compiled. They hold no value of any request, and are shared by all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from graphql import FieldNode, GraphQLOutputType

from benegraph.execution.arguments import Called
from benegraph.execution.declarations import Arguments
from benegraph.execution.reading import Slot, Wanted, Window

if TYPE_CHECKING:
    from benegraph.execution.running import Run

Made = dict[str, Any]


class Step(Protocol):
    """Gives one field's values of many objects, made from `rows`; `values` are what the rows hold in its place."""

    @property
    def name(self) -> str:
        """The name that the field answers to."""

    async def fill(self, run: "Run", rows: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]: ...


@dataclass(slots=True, eq=False)
class Asked:
    """One field of an answer's object: the name it answers to, its type, and what is beneath it."""

    name: str
    kind: GraphQLOutputType
    nodes: list[FieldNode]
    #: Its type and its own name, as an error tells them.
    described: str
    beneath: "Composite | None" = None
    #: How many turns after its object the value is there: one where it is read.
    turns: int = 0


@dataclass(slots=True, eq=False)
class Composite:
    """An object of the answer, whatever it is made from."""

    asked: dict[str, Asked] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class ObjectPlan(Composite):
    """An object made from a row: its columns at once, in the answer's order; what else it has, step by step.

    `values` takes from a row a value for each name, where the row does not begin with these; a step puts its own in
    the place of one.
    """

    names: tuple[str, ...] = ()
    values: Callable[[Any], Any] | None = None
    steps: list[Step] = field(default_factory=list)
    #: The names whose values must not be null, and might be.
    required: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class OneOf(Composite):
    """An object of one of several types, known only when its row is found: its type's name is a plan's key."""

    plans: dict[str, "LookUp"] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class PagePart(Composite):
    """An edge, or the page's own facts: `parts` say by each name what it is."""

    parts: list[tuple[str, str, Any]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class PagePlan(Composite):
    """A connection, made from a page: by each name `nodes`, `edges`, `pageInfo`, `totalCount` or `__typename`."""

    parts: list[tuple[str, str, Any]] = field(default_factory=list)
    #: Where in a row its place in the order stands, for cursors.
    place: Slot | None = None
    counts: bool = False
    reads_rows: bool = False


@dataclass(slots=True, eq=False)
class Page:
    """A page as it is asked for; `fixed` where that is the same for all requests, once one has asked."""

    called: Called
    window: Callable[[Arguments], Window]
    fixed: Window | None = None
    #: Whether it comes as a text, in which no error could be told.
    is_written: bool = False


@dataclass(slots=True, eq=False)
class Fetch:
    """One statement: the rows of many keys, with all that is nested in them."""

    wanted: Wanted
    #: The pages in it; the first is that of its own rows, where these are one.
    pages: list[Page] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class LookUp:
    """A statement by keys, and the objects that are made of its rows."""

    fetch: Fetch
    plan: ObjectPlan


class Root(Protocol):
    """Gives one of the operation's own fields, or a failure."""

    @property
    def asked(self) -> Asked: ...

    async def read(self, run: "Run", context: Any) -> Any: ...


@dataclass(slots=True, eq=False)
class Plan:
    """An operation, compiled. `reads` is how many statements it takes: none, one, or more than one; of a mutation,
    how many each of its payloads may take.
    """

    roots: Sequence[Root]
    is_mutation: bool
    reads: int
