"""Field builders of the object types.

Each field declares its batch function and the parent's column that holds the key. A batch function
(`db.store.row_queries`) reads the rows of many keys with one statement. Strawberry's resolver calls it through a data
loader. The breadth-first executor takes batch function and key from the field itself.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar

import strawberry
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from benegraph.db.store.row_queries import ManyByKey, OneByKey, Order, PagedRows
from benegraph.graphql.context import Context, Info
from benegraph.graphql.types.paging import (
    DEFAULT_PAGE_SIZE,
    MAX_OFFSET,
    MAX_PAGE_SIZE,
    DefaultPageSize,
    PageRequest,
    build_page_request,
    load_page,
)

FieldT = TypeVar("FieldT", bound=StrawberryField)


@dataclass(frozen=True, slots=True)
class FilterArgument:
    """An argument that filters a list: its name in Python, and its type in GraphQL."""

    name: str
    graphql_type: Any
    description: str


@dataclass(frozen=True, slots=True)
class ListFilter:
    """The arguments that filter a list. `to_store_filter` converts their values, None if omitted, by position."""

    arguments: tuple[FilterArgument, ...]
    to_store_filter: Callable[..., Any]


class StoreField(StrawberryField):
    """A field that reads other rows by a key that the parent's row holds.

    `filter_arguments` and `default_page_size` concern fields that return pages.
    """

    batch: OneByKey | ManyByKey | PagedRows
    #: The parent's column that holds the key.
    key: str
    #: Whether that column holds a list of keys.
    has_key_list: bool
    filter_arguments: tuple[FilterArgument, ...]
    default_page_size: int
    #: The cost of reading the rows, in addition to the cost of the objects that they become.
    cost: int
    #: Only of a field that returns pages: builds the page request from the arguments. Raises BadInput.
    build_page_request: Callable[..., PageRequest]


class ComputedField(StrawberryField):
    """A field computed from its parent's row by a pure function that reads these columns."""

    compute: Callable[[Any], Any]
    columns: tuple[str, ...]


class ComputedInBatchField(StrawberryField):
    """A field computed for many parents at once, from these columns of their rows and from rows it reads."""

    load: Callable[..., Awaitable[Sequence[Any]]]
    columns: tuple[str, ...]


class ContextField(StrawberryField):
    """A field that returns a value from the request's context, such as the viewer."""

    get_value: Callable[[Context], Any]


class RowReader(Protocol):
    """Access to the store for computed fields: the request's data loaders, or the breadth-first executor's reader."""

    async def load_rows(self, batch: OneByKey, keys: Sequence[str]) -> list[Any]:
        """Return one row for each key, or None if there is none."""

    async def load_lists(self, batch: ManyByKey, keys: Sequence[str]) -> list[list[Any]]:
        """Return the list of rows of each key."""


def to_one(batch: OneByKey, key: str, description: str, **options: Any) -> Any:
    """Declare a field for at most one row, by the key in the parent's column `key`."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        value = getattr(root, key)
        return None if value is None else await info.context.load_row(batch, value)

    return _build_store_field(batch, key, description, resolve, options)


def to_many_by_keys(batch: OneByKey, key: str, description: str, **options: Any) -> Any:
    """Declare a field for the rows of the keys in the parent's attribute `key`; null if that is None."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        keys = getattr(root, key)
        return None if keys is None else await info.context.load_rows(batch, keys)

    field = _build_store_field(batch, key, description, resolve, options)
    field.has_key_list = True
    return field


def to_many(batch: ManyByKey, key: str, description: str, **options: Any) -> Any:
    """Declare a field for all rows of the parent's key. For lists that are short by nature."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        return await info.context.load_list(batch, getattr(root, key))

    return _build_store_field(batch, key, description, resolve, options)


def to_page(
    batch: PagedRows,
    key: str | None,
    description: str,
    filter: Any = None,
    order_by: Any = None,
    default_page_size: int = DEFAULT_PAGE_SIZE,
    *,
    has_offset: bool = False,
    **options: Any,
) -> Any:
    """Declare a connection: a page of the parent's rows or, without a key, of all rows that the viewer may see.

    `filter` is a ListFilter, or an input type with a method `to_store_filter()`. `order_by` is an input type with
    `field` and `is_descending`, or a list of that type. `has_offset` adds the argument `offset`.
    """
    list_filter: ListFilter | None = filter
    if filter is not None and not isinstance(filter, ListFilter):
        argument = FilterArgument("filter", filter, "Which items to return; all of them by default.")
        list_filter = ListFilter((argument,), filter.to_store_filter)
    filter_arguments = list_filter.arguments if list_filter else ()

    def build_request(**arguments: Any) -> PageRequest:
        values = [arguments.get(argument.name) for argument in filter_arguments]
        is_filtered = any(value is not None for value in values)
        return build_page_request(
            batch,
            list_filter.to_store_filter(*values) if list_filter and is_filtered else None,
            _to_store_order(arguments.get("order_by")),
            default_page_size=default_page_size,
            **{name: arguments.get(name) for name in ("first", "after", "last", "before", "offset")},
        )

    async def resolve(root: strawberry.Parent[Any], info: Info, **arguments: Any) -> Any:
        return await load_page(info.context, build_request(**arguments), getattr(root, key) if key else "")

    parameters = [
        _optional_argument(
            "first",
            int,
            (
                f"The maximum number of items to return from the start, 0 to {MAX_PAGE_SIZE}. If omitted or null:"
                f" {default_page_size} or, with `last`, no maximum."
            ),
            DefaultPageSize(default_page_size),
        ),
        _optional_argument("after", str, _describe_cursor("after")),
        _optional_argument(
            "last",
            int,
            (
                f"The maximum number of items to return from the end, 0 to {MAX_PAGE_SIZE}. With `first`, the end is"
                " that of the first items."
            ),
        ),
        _optional_argument("before", str, _describe_cursor("before")),
    ]
    if has_offset:
        description = f"The number of items to skip, 0 to {MAX_OFFSET}. Only `first` can be combined with it."
        parameters.append(_optional_argument("offset", int, description))
    parameters += [
        _optional_argument(argument.name, argument.graphql_type, argument.description) for argument in filter_arguments
    ]
    if order_by is not None:
        parameters.append(
            _optional_argument("order_by", order_by, "The sort order; the list's default order if omitted.")
        )
    set_arguments(resolve, ("root", "info"), parameters)
    field = _build_store_field(batch, key or "", description, resolve, options)
    field.filter_arguments, field.default_page_size = filter_arguments, default_page_size
    field.build_page_request = build_request
    return field


def computed(compute: Callable[[Any], Any], description: str, columns: tuple[str, ...] = (), **options: Any) -> Any:
    """Declare a field computed from these columns of the parent's row."""

    def resolve(root: strawberry.Parent[Any]) -> Any:
        return compute(root)

    field = build_field(ComputedField, description, resolve, options)
    field.compute, field.columns = compute, columns
    return field


def computed_in_batch(load: Callable[..., Awaitable[Sequence[Any]]], columns: tuple[str, ...], description: str) -> Any:
    """Declare a field that is computed for many parents at once.

    `load(reader, rows, **arguments)` returns one value for each row, or the exception to raise for it. The parameters
    of `load` after the first two become the field's arguments.
    """

    async def resolve(root: strawberry.Parent[Any], info: Info, **arguments: Any) -> Any:
        (value,) = await load(info.context, [root], **arguments)
        if isinstance(value, Exception):
            raise value
        return value

    parameters = list(inspect.signature(load).parameters.values())[2:]
    set_arguments(resolve, ("root", "info"), parameters)
    field = build_field(ComputedInBatchField, description, resolve, {})
    field.load, field.columns = load, columns
    return field


def from_context(get_value: Callable[[Context], Any], description: str) -> Any:
    """Declare a root field that returns a value from the request's context."""

    def resolve(info: Info) -> Any:
        return get_value(info.context)

    field = build_field(ContextField, description, resolve, {})
    field.get_value = get_value
    return field


def same_object(row: Any) -> Any:
    """Return the parent's row itself, for an object type that reads columns of the same row.

    An enrollment's election window, for example, consists of columns of the enrollment.
    """
    return row


def build_field(
    field_class: type[FieldT], description: str, resolve: Callable[..., Any], options: dict[str, Any]
) -> FieldT:
    """Build a field of this class. Strawberry takes its GraphQL type from the annotation of the class attribute."""
    return field_class(
        python_name=None,
        graphql_name=options.pop("name", None),
        type_annotation=None,
        base_resolver=StrawberryResolver(resolve),
        description=description,
        **options,
    )


def set_arguments(resolve: Any, own: Sequence[str], arguments: Iterable[inspect.Parameter]) -> None:
    """Replace a resolver's `**arguments` with these parameters, after its `own` ones.

    Strawberry reads a field's arguments from the signature of its resolver.
    """
    signature = inspect.signature(resolve)
    resolve.__signature__ = signature.replace(parameters=[*(signature.parameters[name] for name in own), *arguments])


def _build_store_field(
    batch: OneByKey | ManyByKey | PagedRows,
    key: str,
    description: str,
    resolve: Callable[..., Any],
    options: dict[str, Any],
) -> StoreField:
    cost = options.pop("cost", 0)
    field = build_field(StoreField, description, resolve, options)
    field.batch = batch
    field.cost = cost
    field.key = key
    field.has_key_list = False
    field.filter_arguments = ()
    field.default_page_size = DEFAULT_PAGE_SIZE
    return field


def _to_store_order(order_by: Any) -> Order:
    terms = order_by if isinstance(order_by, list) else [order_by] if order_by else []
    return tuple((term.field.value, term.is_descending) for term in terms)


def _describe_cursor(position: str) -> str:
    return f"Return the items {position} this cursor, which the same list returned in the same order."


def _optional_argument(
    name: str, graphql_type: Any, description: str, default: Any = strawberry.UNSET
) -> inspect.Parameter:
    annotation = Annotated[graphql_type | None, strawberry.argument(description=description)]
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation)
