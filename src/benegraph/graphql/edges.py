"""Edges: each is declared once, on its type, by the batch that fetches it and the key of the parent that it takes.

Strawberry's resolver reads the batch through a loader; another executor finds batch and key on the field itself.
"""

import inspect
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from benegraph.db.store.batches import Many, One, Paged
from benegraph.graphql.context import Info
from benegraph.graphql.paging import FIRST, page


class Edge(StrawberryField):
    """A field that leads from a row to others."""

    batch: One | Many | Paged
    key: str


def one(batch: One, key: str, description: str, **options: Any) -> Any:
    """Lead to at most one row: the one whose key stands in the parent's column `key`."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        value = getattr(root, key)
        return None if value is None else await info.context.one(batch, value)

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

    `filter` is an input type with a method `chosen()`; `order_by` one with `field` and `direction`.
    """

    async def resolve(
        root: strawberry.Parent[Any],
        info: Info,
        first: int | None = FIRST,
        after: str | None = strawberry.UNSET,
        filter: Any = strawberry.UNSET,
        order_by: Any = strawberry.UNSET,
    ) -> Any:
        return await page(
            info.context,
            batch,
            getattr(root, key) if key else "",
            first,
            after or None,
            filter.chosen() if filter else None,
            order_by.field.value if order_by else None,
            descending=bool(order_by) and order_by.descending,
        )

    signature = inspect.signature(resolve)
    parameters = dict(signature.parameters)
    for name, kind in (("filter", filter), ("order_by", order_by)):
        if kind is None:
            del parameters[name]
        else:
            parameters[name] = parameters[name].replace(annotation=kind | None)
    resolve.__signature__ = signature.replace(parameters=list(parameters.values()))  # type: ignore[attr-defined]
    return _edge(batch, key or "", description, resolve, options)


def _edge(batch: One | Many | Paged, key: str, description: str, resolve: Any, options: dict[str, Any]) -> Edge:
    edge = Edge(
        python_name=None,
        graphql_name=options.pop("name", None),
        type_annotation=None,
        base_resolver=StrawberryResolver(resolve),
        description=description,
        **options,
    )
    edge.batch = batch
    edge.key = key
    return edge
