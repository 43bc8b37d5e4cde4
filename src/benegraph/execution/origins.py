"""Origins: what an object of the answer is made from, a fetched row or an object that is there already."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any, Protocol

from benegraph.execution.declarations import Uncovered
from benegraph.execution.plans import Fetch
from benegraph.execution.reading import Nested, Slot, Sources, Wanted

Taker = Callable[[Any], Iterable[Any]]


class Origin(Protocol):
    """Where the values of an object stand. A place of None is filled by a step alone."""

    @property
    def size(self) -> int:
        """How many objects are reckoned to be made from it."""

    def column(self, sources: Sources, name: str) -> Any:
        """Give the place of a value. Raises Uncovered where there is none."""

    def may_lack(self, sources: Sources, name: str) -> bool: ...

    def taker(self, places: Sequence[Any]) -> Taker | None:
        """Give what takes the values at these places from a row, once everything is wanted; None for its first ones."""

    def view(self, sources: Sources, names: tuple[str, ...]) -> "View":
        """Give what shows a row to the host, with these attributes."""


@dataclass(slots=True)
class View:
    """Shows a row to the host as an object, by what `finish` finds out."""

    origin: "FromRow | FromObject"
    places: list[Any]
    made: Callable[[Iterable[Any]], Any] | None
    show: Callable[[Any], Any] = lambda row: row

    def finish(self) -> None:
        """Learn where the values stand, now that everything is wanted."""
        made, take, size = self.made, self.origin.taker(self.places), len(self.places)
        if made is None:
            return
        self.show = (lambda row: made(islice(row, size))) if take is None else (lambda row: made(take(row)))


@dataclass(frozen=True, slots=True)
class FromRow:
    """A row of a statement, by the numbers of its slots."""

    fetch: Fetch
    wanted: Wanted
    size: int

    def column(self, sources: Sources, name: str) -> Slot:
        if not sources.has(self.wanted.source, name):
            raise Uncovered("column")
        return self.wanted.column(name)

    def may_lack(self, sources: Sources, name: str) -> bool:
        return sources.may_lack(self.wanted.source, name)

    def nest(self, sources: Sources, nested: Nested) -> Slot:
        if not sources.has(self.wanted.source, nested.key):
            raise Uncovered("column")
        return self.wanted.nest(nested)

    def place(self) -> Slot:
        return self.wanted.place()

    def taker(self, places: Sequence[Slot | None]) -> Taker | None:
        numbers = [0 if place is None else place.number for place in places]
        if numbers == list(range(len(numbers))):
            return None
        if len(numbers) == 1:
            return _only(numbers[0])
        return itemgetter(*numbers)

    def view(self, sources: Sources, names: tuple[str, ...]) -> View:
        return View(self, [self.column(sources, name) for name in names], sources.seen(self.wanted.source, names))


@dataclass(frozen=True, slots=True)
class FromObject:
    """An object that is there already, by the names of its attributes."""

    size: int = 1

    def column(self, _sources: Sources, name: str) -> str:
        return name

    def may_lack(self, _sources: Sources, _name: str) -> bool:
        return True

    def taker(self, places: Sequence[str | None]) -> Taker:
        # Every object has a class: it stands where a step will put something else.
        names = [place or "__class__" for place in places]
        if not names:
            return _nothing
        if len(names) == 1:
            return _attribute(names[0])
        return attrgetter(*names)

    def view(self, _sources: Sources, _names: tuple[str, ...]) -> View:
        return View(self, [], None)


def _nothing(_held: Any) -> Any:
    return ()


def _only(number: int) -> Taker:
    return lambda row: (row[number],)


def _attribute(name: str) -> Taker:
    get = attrgetter(name)
    return lambda held: (get(held),)
