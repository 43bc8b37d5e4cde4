"""Outcomes: how a field that failed, and a null where there can be none, become errors with paths and nulls above."""

from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError, GraphQLOutputType, is_list_type, is_non_null_type

from benegraph.execution.plans import Asked, Composite, OneOf

Path = tuple[str | int, ...]


@dataclass(slots=True, eq=False)
class Failure:
    """Stands in the answer where a field failed, until the answer is settled."""

    error: Exception


class _Bubble(Exception):
    def __init__(self, error: Exception, path: Path, asked: Asked) -> None:
        super().__init__()
        self.error, self.path, self.asked = error, path, asked
        #: How many reads came before it, one beneath another.
        self.turn = sum(isinstance(part, str) for part in path) + isinstance(path[-1], int)


@dataclass(slots=True)
class Settling:
    """Settles an answer in which something failed; `kinds` tells the plans of objects found by their type's name."""

    kinds: dict[int, Composite]
    noted: list[tuple[int, bool, GraphQLError]] = field(default_factory=list)

    @property
    def errors(self) -> list[GraphQLError]:
        """Give the errors in the order in which they came to be: level by level."""
        return [error for _, _, error in sorted(self.noted, key=lambda each: each[:2])]

    def whole(self, asked: dict[str, Asked], made: dict[str, Any]) -> dict[str, Any] | None:
        """Settle the operation's own fields; None where one that can't be null failed."""
        try:
            return self._fields(asked, made, ())
        except _Bubble as bubble:
            self._note(bubble)
            return None

    def _fields(self, asked: dict[str, Asked], made: dict[str, Any], path: Path) -> dict[str, Any]:
        first: _Bubble | None = None
        settled = {}
        for name, value in made.items():
            field = asked[name]
            try:
                settled[name] = self._value(field.kind, field, value, (*path, name))
            except _Bubble as bubble:
                # Of all that would make this object null, the one that happened first does: the least deep.
                if first is None or bubble.turn < first.turn:
                    first = bubble
        if first is not None:
            raise first
        return settled

    def _value(self, kind: GraphQLOutputType, asked: Asked, value: Any, path: Path) -> Any:
        if is_non_null_type(kind):
            settled = self._present(kind.of_type, asked, value, path)
            if settled is None:
                error = TypeError(f"Cannot return null for non-nullable field {asked.described}.")
                raise _Bubble(error, path, asked)
            return settled
        try:
            return self._present(kind, asked, value, path)
        except _Bubble as bubble:
            self._note(bubble)
            return None

    def _present(self, kind: Any, asked: Asked, value: Any, path: Path) -> Any:
        if isinstance(value, Failure):
            raise _Bubble(value.error, path, asked)
        if value is None:
            return None
        if is_list_type(kind):
            return [self._value(kind.of_type, asked, item, (*path, place)) for place, item in enumerate(value)]
        if isinstance(value, dict) and asked.beneath is not None:
            beneath = self.kinds[id(value)] if isinstance(asked.beneath, OneOf) else asked.beneath
            return self._fields(beneath.asked, value, path)
        return value

    def _note(self, bubble: _Bubble) -> None:
        error = bubble.error
        nodes = bubble.asked.nodes
        message = error.message if isinstance(error, GraphQLError) else str(error)
        told = GraphQLError(message, nodes, path=list(bubble.path), original_error=error)
        self.noted.append((bubble.turn, is_non_null_type(bubble.asked.kind), told))
