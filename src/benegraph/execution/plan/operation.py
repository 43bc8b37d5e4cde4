"""Compiled plans. A plan holds no value of a request, so all requests for an operation share it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from graphql import FieldNode, GraphQLOutputType
from graphql.execution.values import VariableValues

from benegraph.execution.plan.arguments import FieldArguments
from benegraph.execution.plan.declarations import Arguments
from benegraph.execution.plan.failures import FieldFailure
from benegraph.execution.plan.host import Reader
from benegraph.execution.plan.rows import ColumnRef, PageField, RequestedPage, Row, RowQuery

ResponseObject = dict[str, Any]


@dataclass(slots=True, eq=False)
class FieldPlan:
    """One field of a response object: its response name, its type, its nodes, and the plan of its objects."""

    response_name: str
    type: GraphQLOutputType
    nodes: list[FieldNode]
    #: Its schema coordinate, such as `Book.genre`, for error messages.
    coordinate: str
    child: "CompositePlan | None" = None


@dataclass(slots=True, eq=False)
class CompositePlan:
    """A response object, whatever it is made from; its fields by their response names."""

    fields: dict[str, FieldPlan] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class ObjectPlan(CompositePlan):
    """An object made from a row or from a host's object.

    `extract` takes one value for each response name from a row. It is None if the row's first values are these already,
    in order. Each step then replaces the values of one field.
    """

    response_names: tuple[str, ...] = ()
    extract: Callable[[Any], Any] | None = None
    steps: list["Step"] = field(default_factory=list)
    #: The non-null fields that might hold a null.
    non_null_names: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class LookupsBySource(CompositePlan):
    """An object that is looked up by a key: for each source by name, how to look up its rows."""

    lookups: dict[str, "KeyLookup"] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class PagePart:
    """One field of a connection, an edge or a page info, and the plan of its objects."""

    response_name: str
    field: PageField
    #: The name of the object type that has the field, which `__typename` returns.
    type_name: str
    #: An ObjectPlan for nodes, a PagePartsPlan for edges and page info, None for a scalar.
    child: Any = None


@dataclass(slots=True, eq=False)
class PagePartsPlan(CompositePlan):
    """An edge or a page info."""

    parts: list[PagePart] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class PagePlan(PagePartsPlan):
    """A connection, made from a page of rows."""

    #: Where a row holds the values that cursors are made from.
    order_key: ColumnRef | None = None
    has_count: bool = False
    reads_rows: bool = False


@dataclass(slots=True, eq=False)
class PageSpec:
    """A page in a statement: the field's arguments, and how the host makes a page request from them."""

    arguments: FieldArguments
    build: Callable[[Arguments], RequestedPage]
    #: The page request, if the arguments contain no variable; built at most once.
    constant: RequestedPage | None = None
    #: Whether the page is part of a larger JSON text, so that an error in its arguments cannot be reported.
    is_within_json: bool = False


@dataclass(slots=True, eq=False)
class Statement:
    """One read: a row query for many keys, and the pages in it. A page of the query's own rows comes first."""

    row_query: RowQuery
    pages: list[PageSpec] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class KeyLookup:
    """A statement that reads rows by their keys, and the plan of the objects made from them."""

    statement: Statement
    plan: ObjectPlan


@dataclass(slots=True, eq=False)
class ParentView:
    """Wraps a parent for the host's functions, so that its columns are attributes."""

    wrap: Callable[[Any], Any] = lambda parent: parent


class Execution(Protocol):
    """The state of one request that steps and root fields use."""

    @property
    def variables(self) -> VariableValues: ...

    #: None where nothing is read.
    reader: Reader | None
    #: Whether null propagation is needed: a field has failed, or a null stands where the schema allows none.
    has_errors: bool
    #: The texts of the root fields that share a JSON query, or a failure for each; None until they are read.
    root_texts: Sequence[Any] | None

    async def build_objects(self, plan: ObjectPlan, rows: Sequence[Any]) -> list[ResponseObject]:
        """Build a response object from each row."""

    async def fetch_rows(self, statement: Statement, keys: Sequence[Any]) -> Sequence[Row]:
        """Fetch the rows of a statement."""

    def page_requests(self, statement: Statement) -> "Sequence[RequestedPage | FieldFailure]":
        """Return the page requests of a statement, with a failure in place of one that is invalid."""

    def fail(self, error: Exception) -> FieldFailure:
        """Record that a field failed, and return the value that stands in its place."""

    def record_plan(self, built: ResponseObject, plan: CompositePlan) -> None:
        """Record the plan of an object that was looked up, for null propagation."""

    def open_reader(self) -> Any:
        """Open a reader, where the plan reads anything."""


class Step(Protocol):
    """Computes the values of one field for many objects at once."""

    @property
    def response_name(self) -> str: ...

    async def resolve(self, execution: Execution, rows: Sequence[Any], inputs: Sequence[Any]) -> Sequence[Any]:
        """Return the field's value for each row. `inputs` holds one value per row, often the key of related rows."""


class RootField(Protocol):
    """Resolves one field of the operation's root type."""

    @property
    def field_plan(self) -> FieldPlan: ...

    async def resolve(self, execution: Execution, context: Any) -> Any:
        """Return the field's value, or a failure."""


@dataclass(slots=True, eq=False)
class OperationPlan:
    """A compiled operation.

    `statement_count` is the maximum number of statements, summed over all payloads of a mutation. Values above 1 only
    mean several.
    """

    root_fields: Sequence[RootField]
    is_mutation: bool
    statement_count: int
    #: The statements that read many values, so that the host may have to compile them for long.
    large_statements: Sequence[Statement] = ()
