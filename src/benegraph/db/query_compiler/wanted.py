"""What a tree is to hold, by its shape alone: the executor's own words have it."""

from collections.abc import Sequence
from typing import Any, Protocol


class Nested(Protocol):
    """What is wanted within a row: the row, rows, page or count of the key in its column `key`."""

    @property
    def key(self) -> str: ...

    @property
    def counts(self) -> bool: ...

    @property
    def wanted(self) -> "Wanted": ...

    @property
    def window(self) -> int | None:
        """The number of its window, where it is a page or the count of one."""

    @property
    def layout(self) -> "Layout | None":
        """How it is written, where it is to come as a text."""


class Part(Protocol):
    """A value within a text, and what leads up to it; what stands there if it is null; and the mark before a key."""

    @property
    def lead(self) -> str: ...

    @property
    def what(self) -> Any: ...

    @property
    def absent(self) -> str | None: ...

    @property
    def mark(self) -> str | None: ...


class Layout(Protocol):
    """How rows are written as JSON: each in parts up to its end; rows by commas, between what opens and what closes.

    Without parts no row is. Around the rows of a page stands what it tells of itself.
    """

    @property
    def parts(self) -> Sequence[Any] | None: ...

    @property
    def end(self) -> str: ...

    @property
    def opening(self) -> Sequence[Any]: ...

    @property
    def closing(self) -> Sequence[Any]: ...


class Wanted(Protocol):
    """What is wanted of a source's rows: columns, then what is nested in them, then the place in a page's order.

    Of no source it is one row of texts, each of a key of its own.
    """

    @property
    def source(self) -> Any: ...

    @property
    def columns(self) -> Sequence[str]: ...

    @property
    def nested(self) -> Sequence[Any]: ...

    @property
    def placed(self) -> bool: ...


def fact_of(piece: Any) -> str | None:
    """Give the word of what a page tells of itself: count, goes on, is later, start, end, cursor; of all else None."""
    return getattr(piece, "value", None)
