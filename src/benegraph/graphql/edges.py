"""Edges: each is declared once, on its type, by the batch that fetches it and the key of the parent that it takes.

Strawberry's resolver reads the batch through a loader; another executor finds batch and key on the field itself.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from benegraph.db.store.batches import Many, One, Paged
from benegraph.graphql.context import Info
from benegraph.graphql.paging import FIRST, MOST, page

F = TypeVar("F", bound=StrawberryField)


@dataclass(frozen=True, slots=True)
class By:
    """An argument that narrows a list: its name and type in the graph, and what it comes to for the store."""

    name: str
    kind: Any
    chosen: Callable[[Any], Any]
    description: str


class Edge(StrawberryField):
    """A field that leads from a row to others; `by` is the argument that narrows a paged one, if any."""

    batch: One | Many | Paged
    key: str
    by: By | None


class Derived(StrawberryField):
    """A field computed from its parent's row alone, by a pure function."""

    compute: Callable[[Any], Any]


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

    return _edge(batch, key, description, resolve, options)


def many(batch: Many, key: str, description: str, **options: Any) -> Any:
    """Lead to all rows of the parent's key, a short list."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        return await info.context.many(batch, getattr(root, key))

    return _edge(batch, key, description, resolve, options)


def paged(
    batch: Paged, key: str | None, description: str, filter: Any = None, order_by: Any = None, **options: Any
) -> Any:
    """Lead to a page of the parent's rows; without a key, of all the viewer may see.

    `filter` is an input type with a method `chosen()`, or a By; `order_by` one with `field` and `descending`.
    """
    by = filter
    if by is not None and not isinstance(by, By):
        by = By("filter", filter, filter.chosen, "Which of them; all, by default.")

    async def resolve(
        root: strawberry.Parent[Any],
        info: Info,
        first: Annotated[
            int | None, strawberry.argument(description=f"How many at most, 0 to {MOST}; null is the default.")
        ] = FIRST,
        after: Annotated[
            str | None, strawberry.argument(description="Begin after this cursor of the same list and order.")
        ] = strawberry.UNSET,
        order_by: Any = strawberry.UNSET,
        **narrowing: Any,
    ) -> Any:
        choice = narrowing.get(by.name) if by else None
        return await page(
            info.context,
            batch,
            getattr(root, key) if key else "",
            first,
            after or None,
            by.chosen(choice) if by and choice is not None else None,
            order_by.field.value if order_by else None,
            descending=bool(order_by) and order_by.descending,
        )

    signature = inspect.signature(resolve)
    *parameters, ordering, _ = signature.parameters.values()
    if by is not None:
        parameters.append(_optional(by.name, by.kind, by.description))
    if order_by is not None:
        parameters.append(_optional(ordering.name, order_by, "In which order; the list's own, by default."))
    resolve.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return _edge(batch, key or "", description, resolve, options, by)


def derived(compute: Callable[[Any], Any], description: str, **options: Any) -> Any:
    """Compute a field from the parent's row."""

    def resolve(root: strawberry.Parent[Any]) -> Any:
        return compute(root)

    field = make(Derived, description, resolve, options)
    field.compute = compute
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


def _edge(
    batch: One | Many | Paged,
    key: str,
    description: str,
    resolve: Callable[..., Any],
    options: dict[str, Any],
    by: By | None = None,
) -> Edge:
    edge = make(Edge, description, resolve, options)
    edge.batch = batch
    edge.key = key
    edge.by = by
    return edge


def _optional(name: str, kind: Any, description: str) -> inspect.Parameter:
    annotation = Annotated[kind | None, strawberry.argument(description=description)]
    return inspect.Parameter(
        name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=strawberry.UNSET, annotation=annotation
    )
