"""Edges: each is declared once, on its type, by the batch that fetches it and the key of the parent that it takes.

Strawberry's resolver reads the batch through a loader; another executor finds batch and key on the field itself.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar

import strawberry
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from benegraph.db.store.batches import Many, One, Order, Paged
from benegraph.graphql.context import Context, Info
from benegraph.graphql.types.paging import FIRST, FURTHEST, MOST, View, page, view_of

F = TypeVar("F", bound=StrawberryField)


@dataclass(frozen=True, slots=True)
class By:
    """An argument that narrows a list: its name and type in the graph, and what it comes to for the store."""

    name: str
    kind: Any
    chosen: Callable[[Any], Any]
    description: str


class Edge(StrawberryField):
    """A field that leads from a row to others.

    Of a paged one, `by` is the argument that narrows it, if any, and `usual` the size of a page nobody gave a size.
    """

    batch: One | Many | Paged
    key: str
    #: Whether the parent's key is a list of keys.
    listed: bool
    by: By | None
    usual: int
    #: Of a paged one: tells by the arguments which page is asked for. Raises BadInput.
    view: Callable[..., View]


class Derived(StrawberryField):
    """A field computed from its parent's row alone, by a pure function that reads these columns of it."""

    compute: Callable[[Any], Any]
    needs: tuple[str, ...]


class Batched(StrawberryField):
    """A field computed for many parents at once, from these columns of their rows and what is read for all of them."""

    load: Callable[..., Awaitable[Sequence[Any]]]
    needs: tuple[str, ...]


class Reads(Protocol):
    """What a batched field reads by: a request's loaders, or another executor's reader."""

    async def ones(self, batch: One, keys: Sequence[str]) -> list[Any]:
        """Give the row of each key, None where there is none."""

    async def manys(self, batch: Many, keys: Sequence[str]) -> list[list[Any]]:
        """Give the rows of each key."""


def one(batch: One, key: str, description: str, **options: Any) -> Any:
    """Lead to at most one row: the one whose key stands in the parent's column `key`."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        value = getattr(root, key)
        return None if value is None else await info.context.one(batch, value)

    return _edge(batch, key, description, resolve, options)


def several(batch: One, key: str, description: str, **options: Any) -> Any:
    """Lead to the rows whose keys stand listed in the parent's attribute `key`; null where that is None."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        keys = getattr(root, key)
        return None if keys is None else await info.context.ones(batch, keys)

    edge = _edge(batch, key, description, resolve, options)
    edge.listed = True
    return edge


def many(batch: Many, key: str, description: str, **options: Any) -> Any:
    """Lead to all rows of the parent's key, a short list."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        return await info.context.many(batch, getattr(root, key))

    return _edge(batch, key, description, resolve, options)


def paged(
    batch: Paged,
    key: str | None,
    description: str,
    filter: Any = None,
    order_by: Any = None,
    usual: int = FIRST,
    *,
    jumps: bool = False,
    **options: Any,
) -> Any:
    """Lead to a page of the parent's rows; without a key, of all the viewer may see.

    `filter` is an input type with a method `chosen()`, or a By; `order_by` one with `field` and `descending`, or a list
    of such. A list that `jumps` takes an offset.
    """
    by = filter
    if by is not None and not isinstance(by, By):
        by = By("filter", filter, filter.chosen, "Which of them; all, by default.")

    def view(**asked: Any) -> View:
        choice = asked.get(by.name) if by else None
        return view_of(
            batch,
            asked.get("first"),
            asked.get("after") or None,
            by.chosen(choice) if by and choice is not None else None,
            _order(asked.get("order_by")),
            asked.get("offset"),
            usual,
        )

    async def resolve(root: strawberry.Parent[Any], info: Info, **asked: Any) -> Any:
        return await page(info.context, view(**asked), getattr(root, key) if key else "")

    arguments = [
        _optional("first", int, f"How many at most, 0 to {MOST}; null is the default.", usual),
        _optional("after", str, "Begin after this cursor of the same list and order."),
    ]
    if jumps:
        arguments.append(_optional("offset", int, f"How many to pass over, 0 to {FURTHEST}; not with `after`."))
    if by is not None:
        arguments.append(_optional(by.name, by.kind, by.description))
    if order_by is not None:
        arguments.append(_optional("order_by", order_by, "In which order; the list's own, by default."))
    take_arguments(resolve, ("root", "info"), arguments)
    edge = _edge(batch, key or "", description, resolve, options)
    edge.by, edge.usual, edge.view = by, usual, view
    return edge


def derived(compute: Callable[[Any], Any], description: str, needs: tuple[str, ...] = (), **options: Any) -> Any:
    """Compute a field from the parent's row, from the columns that `needs` names."""

    def resolve(root: strawberry.Parent[Any]) -> Any:
        return compute(root)

    field = make(Derived, description, resolve, options)
    field.compute, field.needs = compute, needs
    return field


def batched(load: Callable[..., Awaitable[Sequence[Any]]], needs: tuple[str, ...], description: str) -> Any:
    """Compute a field of many parents at once.

    `load(reads, rows, **arguments)` gives a value for each row, or the error that it comes to. Its further parameters
    are the field's arguments.
    """

    async def resolve(root: strawberry.Parent[Any], info: Info, **asked: Any) -> Any:
        (value,) = await load(info.context, [root], **asked)
        if isinstance(value, Exception):
            raise value
        return value

    arguments = list(inspect.signature(load).parameters.values())[2:]
    take_arguments(resolve, ("root", "info"), arguments)
    field = make(Batched, description, resolve, {})
    field.load, field.needs = load, needs
    return field


class Given(StrawberryField):
    """A field of the query that the request's context holds already."""

    value: Callable[[Context], Any]


def given(value: Callable[[Context], Any], description: str) -> Any:
    """Give what the context holds."""

    def resolve(info: Info) -> Any:
        return value(info.context)

    field = make(Given, description, resolve, {})
    field.value = value
    return field


def itself(row: Any) -> Any:
    """Let a row stand for another type too: an enrollment's own columns are its election window."""
    return row


def make(kind: type[F], description: str, resolve: Callable[..., Any], options: dict[str, Any]) -> F:
    """Make a field of this kind; its type in the graph is that of the attribute it stands for."""
    return kind(
        python_name=None,
        graphql_name=options.pop("name", None),
        type_annotation=None,
        base_resolver=StrawberryResolver(resolve),
        description=description,
        **options,
    )


def take_arguments(resolve: Any, own: Sequence[str], arguments: Iterable[inspect.Parameter]) -> None:
    """Give a resolver of any arguments these, beside its own: Strawberry reads them off its signature."""
    signature = inspect.signature(resolve)
    resolve.__signature__ = signature.replace(parameters=[*(signature.parameters[name] for name in own), *arguments])


def _edge(
    batch: One | Many | Paged, key: str, description: str, resolve: Callable[..., Any], options: dict[str, Any]
) -> Edge:
    edge = make(Edge, description, resolve, options)
    edge.batch = batch
    edge.key = key
    edge.listed = False
    edge.by = None
    edge.usual = FIRST
    return edge


def _order(chosen: Any) -> Order:
    asked = chosen if isinstance(chosen, list) else [chosen] if chosen else []
    return tuple((each.field.value, each.descending) for each in asked)


def _optional(name: str, kind: Any, description: str, default: Any = strawberry.UNSET) -> inspect.Parameter:
    annotation = Annotated[kind | None, strawberry.argument(description=description)]
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation)
