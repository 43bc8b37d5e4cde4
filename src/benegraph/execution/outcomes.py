"""Outcomes: how a field that failed, and a null where there can be none, become errors with paths and nulls above.

Fields that are executed each for itself fail one after another, and a null cuts short what is still to come beneath
it. Here all is there at once: so each failure is told when it would have happened, in turns to the host's store.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError, GraphQLOutputType, is_list_type, is_non_null_type, located_error

from benegraph.execution.plans import Asked, Composite, OneOf
from benegraph.execution.reading import Json

Path = tuple[str | int, ...]


@dataclass(slots=True, eq=False)
class Failure:
    """Stands in the answer where a field failed, until the answer is settled."""

    error: Exception

    def turn(self, asked: Asked, there: float, path: Path) -> float:
        """Tell when it happened, of a value that would have been `there` at a turn: an item of a list, as it came."""
        if isinstance(path[-1], int):
            return there
        begun = there - min(asked.turns, 1)
        # Arguments are read before anything is begun.
        return begun if isinstance(self.error, GraphQLError) else (begun + there) / 2


class NoList(Exception):
    """Something else stands where a list should."""


class _Bubble(Exception):
    def __init__(self, error: Exception, path: Path, asked: Asked, turn: float) -> None:
        super().__init__()
        self.error, self.path, self.asked, self.turn = error, path, asked, turn


@dataclass(slots=True)
class Settling:
    """Settles an answer in which something failed; `kinds` tells the plans of objects found by their type's name."""

    kinds: dict[int, Composite]
    #: What failed, and the place of the null that came of it.
    noted: list[tuple[_Bubble, Path]] = field(default_factory=list)

    @property
    def errors(self) -> list[GraphQLError]:
        """Give the errors in the order in which they came to be, without those beneath what was null by then."""
        nulls: set[Path] = set()
        errors = []
        for bubble, place in sorted(self.noted, key=lambda each: (each[0].turn, len(each[0].path) - len(each[1]))):
            if nulls.isdisjoint(place[:length] for length in range(len(place) + 1)):
                nulls.add(place)
                errors.append(located_error(bubble.error, bubble.asked.nodes, [*bubble.path]))
        return errors

    def whole(self, asked: dict[str, Asked], made: dict[str, Any]) -> dict[str, Any] | None:
        """Settle the operation's own fields; None where one that can't be null failed."""
        try:
            return self._fields(asked, made, (), 0)
        except _Bubble as bubble:
            self.noted.append((bubble, ()))
            return None

    def _fields(self, asked: dict[str, Asked], made: dict[str, Any], path: Path, turn: float) -> dict[str, Any]:
        fields = ((asked[name], value, (*path, name)) for name, value in made.items())
        values = self._values((each.kind, each, value, place, turn + each.turns) for each, value, place in fields)
        return dict(zip(made, values, strict=True))

    def _values(self, parts: Iterable[tuple[GraphQLOutputType, Asked, Any, Path, float]]) -> list[Any]:
        settled = []
        first: _Bubble | None = None
        for part in parts:
            try:
                settled.append(self._value(*part))
            except _Bubble as bubble:
                if first is None or bubble.turn < first.turn:
                    first = bubble
        if first is not None:
            raise first
        return settled

    def _value(self, kind: GraphQLOutputType, asked: Asked, value: Any, path: Path, turn: float) -> Any:
        if is_non_null_type(kind):
            settled = self._present(kind.of_type, asked, value, path, turn)
            if settled is None:
                error = TypeError(f"Cannot return null for non-nullable field {asked.described}.")
                raise _Bubble(error, path, asked, turn)
            return settled
        try:
            return self._present(kind, asked, value, path, turn)
        except _Bubble as bubble:
            self.noted.append((bubble, path))
            return None

    def _present(self, kind: Any, asked: Asked, value: Any, path: Path, turn: float) -> Any:
        if isinstance(value, Failure):
            error = _no_list(asked) if isinstance(value.error, NoList) else value.error
            raise _Bubble(error, path, asked, value.turn(asked, turn, path))
        if value is None or isinstance(value, Json):
            return value
        if is_list_type(kind):
            if not isinstance(value, list | tuple):
                raise _Bubble(_no_list(asked), path, asked, turn)
            return self._values((kind.of_type, asked, item, (*path, place), turn) for place, item in enumerate(value))
        if isinstance(value, dict) and asked.beneath is not None:
            beneath = self.kinds[id(value)] if isinstance(asked.beneath, OneOf) else asked.beneath
            return self._fields(beneath.asked, value, path, turn)
        return value


def _no_list(asked: Asked) -> GraphQLError:
    return GraphQLError(f"Expected Iterable, but did not find one for field '{asked.described}'.")
