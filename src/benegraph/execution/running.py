"""Running: carries a plan out for one request, and gives its data and errors."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import repeat
from operator import itemgetter
from typing import Any, Protocol

from graphql import GraphQLError, is_non_null_type
from graphql.execution.values import VariableValues

from benegraph.execution.declarations import Uncovered, items_of
from benegraph.execution.making import together
from benegraph.execution.outcomes import Failure, Settling
from benegraph.execution.plans import Asked, Composite, Fetch, Made, ObjectPlan, Page, Plan, Root
from benegraph.execution.reading import Reader, Row, Window


class Open(Protocol):
    """Opens a reader; `alone` where it will be asked for one statement at most."""

    def __call__(self, *, alone: bool) -> AbstractAsyncContextManager[Reader]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an operation: the data, whose leaves are values as they were read or Json, and the errors in it.

    Where two fields lead to the same row, one and the same object may stand in both places.
    """

    data: Made | None
    errors: list[GraphQLError]


async def run(plan: Plan, open_reader: Open, context: Any, variables: VariableValues) -> Outcome:
    """Carry out a plan.

    Of a query, what a reader raises is raised, but within a `load`, where it is its parents' error; and Uncovered where
    a text that was written would have to hold an error: then another executor has to answer. Of a mutation nothing is
    raised but what cancels it, as it can't be done again: what goes wrong is its field's error.
    """
    made: Made = {}

    def opened() -> AbstractAsyncContextManager[Reader | None]:
        return open_reader(alone=plan.reads == 1) if plan.reads else nullcontext()

    current = Run(variables, opened)
    if plan.is_mutation:
        for root in plan.roots:  # one after another: each sees what the one before has changed
            value = made[root.asked.name] = await root.read(current, context)
            if (current.has_failed or _lacks(root.asked, value)) and _settled([root], [value], current).data is None:
                break  # of an operation without data nobody expects that more of it was done
    else:
        async with opened() as current.reader:
            for root in plan.roots:
                made[root.asked.name] = await root.read(current, context)
    if current.has_failed or any(_lacks(root.asked, made.get(root.asked.name)) for root in plan.roots):
        return _settled(plan.roots, made.values(), current)
    return Outcome(made, [])


def _settled(roots: Sequence[Root], values: Iterable[Any], run: "Run") -> Outcome:
    """Settle an answer in which something failed, as far as it was made."""
    made = {root.asked.name: value for root, value in zip(roots, values, strict=False)}
    settling = Settling(run.kinds)
    data = settling.whole({root.asked.name: root.asked for root in roots}, made)
    return Outcome(data, settling.errors)


def _lacks(asked: Asked, value: Any) -> bool:
    """Tell whether a null stands in one of the operation's own fields where there can be none."""
    if value is None:
        return is_non_null_type(asked.kind)
    return type(value) is list and None in value and is_non_null_type(items_of(asked.kind))


@dataclass(slots=True, eq=False)
class Run:
    """One request's own, while its plan is carried out."""

    variables: VariableValues
    #: Opens a reader, where anything is to be read.
    opened: Callable[[], AbstractAsyncContextManager[Reader | None]]
    #: None where nothing is to be read; of a mutation, that of the payload which is read at present.
    reader: Any = None
    has_failed: bool = False
    #: The texts of the operation's own fields that are not told yet, once they are read.
    texts: Iterator[Any] | None = None
    kinds: dict[int, Composite] = field(default_factory=dict)
    _windows: dict[Fetch, list[Any]] = field(default_factory=dict)

    async def objects(self, plan: ObjectPlan, rows: Sequence[Any]) -> list[Made]:
        """Make an object of each row."""
        if not rows:
            return []
        # Loops over rows are C's, as far as can be: rows are turned into columns, and columns into objects.
        values = rows if plan.values is None else map(plan.values, rows)
        if not plan.steps:
            made = [*map(dict, map(zip, repeat(plan.names), values))]
            self.has_failed |= any(None in map(itemgetter(name), made) for name in plan.required)
            return made
        columns: dict[str, Sequence[Any]] = dict(zip(plan.names, zip(*values, strict=False), strict=False))
        for step in plan.steps:
            columns[step.name] = await step.fill(self, rows, columns[step.name])
        self.has_failed |= any(None in columns[name] for name in plan.required)
        return together(columns, len(rows))

    def windows(self, fetch: Fetch) -> list[Any]:
        """Give the windows of a statement's pages; a failure for one that can't be."""
        found = self._windows.get(fetch)
        if found is None:
            found = self._windows[fetch] = [self._window(page) for page in fetch.pages]
        return found

    async def rows(self, fetch: Fetch, keys: Sequence[Any]) -> Sequence[Row]:
        windows = [None if isinstance(each, Failure) else each for each in self.windows(fetch)] if fetch.pages else ()
        rows: Sequence[Row] = await self.reader.rows(fetch.wanted, keys, windows)
        return rows

    def fail(self, error: Exception) -> Failure:
        """Note that a field has failed; give what stands in its place."""
        self.has_failed = True
        return Failure(error)

    def _window(self, page: Page) -> Window | Failure:
        if page.fixed is not None:
            return page.fixed
        try:
            window = page.window(page.called.arguments(self.variables))
        except Exception as error:
            if page.is_written:
                raise Uncovered("arguments") from error
            return self.fail(error)
        if page.called.fixed is not None:
            page.fixed = window
        return window
