"""Relay's pagination algorithm, rendered in Python over the complete list.

The functions have the names of https://relay.dev/graphql/connections.htm#sec-Pagination-algorithm. An edge is the index
of an item in the list; a cursor is the index that it names, which may be between the edges of a filtered list.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RelayArguments:
    """The arguments of a connection; None where an argument is not set."""

    first: int | None = None
    after: int | None = None
    last: int | None = None
    before: int | None = None


def edges_to_return(all_edges: Sequence[int], arguments: RelayArguments) -> list[int]:
    edges = _apply_cursors_to_edges(all_edges, arguments)
    if arguments.first is not None and len(edges) > arguments.first:
        edges = edges[: arguments.first]
    if arguments.last is not None and len(edges) > arguments.last:
        edges = edges[len(edges) - arguments.last :]
    return edges


def has_previous_page(all_edges: Sequence[int], arguments: RelayArguments) -> bool:
    if arguments.last is not None:
        return len(_apply_cursors_to_edges(all_edges, arguments)) > arguments.last
    return arguments.after is not None  # the item of the cursor precedes the page


def has_next_page(all_edges: Sequence[int], arguments: RelayArguments) -> bool:
    if arguments.first is not None:
        return len(_apply_cursors_to_edges(all_edges, arguments)) > arguments.first
    return arguments.before is not None  # the item of the cursor follows the page


def _apply_cursors_to_edges(all_edges: Sequence[int], arguments: RelayArguments) -> list[int]:
    edges = list(all_edges)
    if arguments.after is not None:
        edges = [edge for edge in edges if edge > arguments.after]
    if arguments.before is not None:
        edges = [edge for edge in edges if edge < arguments.before]
    return edges
