"""Where the fields of an object take their values from: a row of a statement, or an object that the host holds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any, Protocol

from benegraph.execution.plan.declarations import UnsupportedOperation
from benegraph.execution.plan.host import SourceMetadata
from benegraph.execution.plan.operation import ParentView, Statement
from benegraph.execution.plan.rows import ColumnRef, NestedQuery, RowQuery

Extractor = Callable[[Any], Iterable[Any]]
#: A view of a parent, and the function that completes it after all columns and nested queries are added.
UnfinishedView = tuple[ParentView, Callable[[], None]]


class ParentValues(Protocol):
    """Where the fields of an object take their values from. A position of None means that a step ignores its input."""

    @property
    def expected_count(self) -> int:
        """Return how many objects are expected to be built from it."""

    def column(self, metadata: SourceMetadata, name: str) -> Any:
        """Return the position of a value. Raises UnsupportedOperation where there is none."""

    def is_nullable(self, metadata: SourceMetadata, name: str) -> bool: ...

    def extractor(self, positions: Sequence[Any]) -> Extractor | None:
        """Return a function that takes the values at these positions; None if a row starts with them, in order.

        Call it after all columns and nested queries are added.
        """

    def view(self, metadata: SourceMetadata, names: tuple[str, ...]) -> UnfinishedView:
        """Return a view of the parent with these attributes."""


@dataclass(frozen=True, slots=True)
class RowValues:
    """Values of a row of a statement, by their indexes."""

    statement: Statement
    row_query: RowQuery
    expected_count: int

    def column(self, metadata: SourceMetadata, name: str) -> ColumnRef:
        if not metadata.has_column(self.row_query.source, name):
            raise UnsupportedOperation("column")
        return self.row_query.add_column(name)

    def is_nullable(self, metadata: SourceMetadata, name: str) -> bool:
        return metadata.is_nullable(self.row_query.source, name)

    def add_nested(self, metadata: SourceMetadata, nested: NestedQuery) -> ColumnRef:
        """Read a nested query within the row. Raises UnsupportedOperation where the row lacks its key."""
        if not metadata.has_column(self.row_query.source, nested.key):
            raise UnsupportedOperation("column")
        return self.row_query.add_nested(nested)

    def extractor(self, positions: Sequence[ColumnRef | None]) -> Extractor | None:
        indexes = [0 if position is None else position.index for position in positions]
        if indexes == list(range(len(indexes))):
            return None
        if len(indexes) == 1:
            return _single_item(indexes[0])
        return itemgetter(*indexes)

    def view(self, metadata: SourceMetadata, names: tuple[str, ...]) -> UnfinishedView:
        view = ParentView()
        positions = [self.column(metadata, name) for name in names]
        make = metadata.row_factory(self.row_query.source, names)

        def finish() -> None:
            extract = self.extractor(positions)
            size = len(positions)
            view.wrap = (lambda row: make(islice(row, size))) if extract is None else (lambda row: make(extract(row)))

        return view, finish


@dataclass(frozen=True, slots=True)
class ObjectValues:
    """Attributes of an object that the host holds."""

    expected_count: int = 1

    def column(self, _metadata: SourceMetadata, name: str) -> str:
        return name

    def is_nullable(self, _metadata: SourceMetadata, _name: str) -> bool:
        return True

    def extractor(self, positions: Sequence[str | None]) -> Extractor:
        # Every object has a class, so `__class__` can stand where a step will replace the value.
        names = [position or "__class__" for position in positions]
        if not names:
            return _no_values
        if len(names) == 1:
            return _single_attribute(names[0])
        return attrgetter(*names)

    def view(self, _metadata: SourceMetadata, _names: tuple[str, ...]) -> UnfinishedView:
        return ParentView(), lambda: None


def _no_values(_value: Any) -> Any:
    return ()


def _single_item(index: int) -> Extractor:
    return lambda row: (row[index],)


def _single_attribute(name: str) -> Extractor:
    get = attrgetter(name)
    return lambda value: (get(value),)
