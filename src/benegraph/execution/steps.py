"""Steps: what gives one field's values of many objects at once, from what their rows hold in its place."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from benegraph.execution.arguments import Called
from benegraph.execution.connections import pages, read_pages
from benegraph.execution.declarations import Uncovered
from benegraph.execution.making import by_key, by_parent, distinct, grouped, held, settled
from benegraph.execution.origins import View
from benegraph.execution.outcomes import Failure
from benegraph.execution.plans import Fetch, LookUp, ObjectPlan, PagePlan
from benegraph.execution.reading import Slot

if TYPE_CHECKING:
    from benegraph.execution.running import Run


@dataclass(slots=True, eq=False)
class Constant:
    """What the schema alone decides: `__typename`."""

    name: str
    value: str

    async def fill(self, _run: "Run", rows: Sequence[Any], _values: Sequence[Any]) -> Sequence[Any]:
        return [self.value] * len(rows)


@dataclass(slots=True, eq=False)
class Same:
    """The parent itself, as another object."""

    name: str
    plan: ObjectPlan

    async def fill(self, run: "Run", rows: Sequence[Any], _values: Sequence[Any]) -> Sequence[Any]:
        return await run.objects(self.plan, rows)


@dataclass(slots=True, eq=False)
class Held:
    """An object or a list of objects that the parent holds."""

    name: str
    plan: ObjectPlan
    listed: bool

    async def fill(self, run: "Run", _rows: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        return await held(run, self.plan, values, listed=self.listed)


@dataclass(slots=True, eq=False)
class Compute:
    """A value computed from each parent alone: a leaf, or what `plan` makes an object of."""

    name: str
    view: View
    compute: Callable[[Any], Any]
    plan: ObjectPlan | None
    listed: bool

    async def fill(self, run: "Run", rows: Sequence[Any], _values: Sequence[Any]) -> Sequence[Any]:
        show = self.view.show
        computed = [self._one(run, show, row) for row in rows]
        if self.plan is None:
            return settled(run, computed, listed=self.listed)
        return await held(run, self.plan, computed, listed=self.listed)

    def _one(self, run: "Run", show: Callable[[Any], Any], row: Any) -> Any:
        try:
            return self.compute(show(row))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the field's
            return run.fail(error)


@dataclass(slots=True, eq=False)
class ComputeAtOnce:
    """A value for each parent, computed for all of them together."""

    name: str
    called: Called
    view: View
    load: Callable[[Any, Sequence[Any], Any], Awaitable[Sequence[Any]]]
    plan: ObjectPlan | None
    listed: bool

    async def fill(self, run: "Run", rows: Sequence[Any], _values: Sequence[Any]) -> Sequence[Any]:
        try:
            arguments = self.called.arguments(run.variables)
            found: Sequence[Any] = await self.load(run.reader, [*map(self.view.show, rows)], arguments)
        except Uncovered:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is each parent's
            found = [error] * len(rows)
        if self.plan is None:
            return settled(run, found, listed=self.listed)
        return await held(run, self.plan, found, listed=self.listed)


@dataclass(slots=True, eq=False)
class Listed:
    """A list that is in place, in which there can be no null."""

    name: str

    async def fill(self, run: "Run", _rows: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        run.has_failed |= any(isinstance(value, list | tuple) and None in value for value in values)
        return values


# ---------------------------------------------------------------------------- what was read in the parent's statement


@dataclass(slots=True, eq=False)
class NestedOne:
    """A row within the parent's, or none."""

    name: str
    plan: ObjectPlan

    async def fill(self, run: "Run", _rows: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        if None not in values:
            return await run.objects(self.plan, values)
        made = iter(await run.objects(self.plan, [value for value in values if value is not None]))
        return [None if value is None else next(made) for value in values]


@dataclass(slots=True, eq=False)
class NestedMany:
    """Rows within the parent's."""

    name: str
    plan: ObjectPlan

    async def fill(self, run: "Run", _rows: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        return await grouped(run, self.plan, values)


@dataclass(slots=True, eq=False)
class NestedPage:
    """A page of rows within the parent's, and how many there are in all, where that is asked for."""

    name: str
    number: int
    fetch: Fetch
    plan: PagePlan
    counted: Slot | None

    async def fill(self, run: "Run", rows: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        window = run.windows(self.fetch)[self.number]
        if isinstance(window, Failure):
            return [window] * len(rows)
        lists = values if self.plan.reads_rows else [()] * len(rows)
        counts = None if self.counted is None else [*map(itemgetter(self.counted.number), rows)]
        return await pages(run, self.plan, lists, window, counts)


# --------------------------------------------------------------------------------- what takes a statement of its own


@dataclass(slots=True, eq=False)
class FetchOne:
    """The row of the key that stands in the field's place."""

    name: str
    look_up: LookUp

    async def fill(self, run: "Run", _rows: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        found = await by_key(run, self.look_up, values)
        return [*map(found.get, values)]


@dataclass(slots=True, eq=False)
class FetchSeveral:
    """The rows of the keys that stand listed in the field's place."""

    name: str
    look_up: LookUp

    async def fill(self, run: "Run", _rows: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        found = await by_key(run, self.look_up, (key for keys in values for key in keys or ()))
        return [None if keys is None else [*map(found.get, keys)] for keys in values]


@dataclass(slots=True, eq=False)
class FetchMany:
    """The rows of the key that stands in the field's place."""

    name: str
    look_up: LookUp

    async def fill(self, run: "Run", _rows: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        keys = distinct(values)
        lists = await by_parent(run, self.look_up.fetch, keys)
        found = dict(zip(keys, await grouped(run, self.look_up.plan, lists), strict=True))
        return [found[key] for key in values]


@dataclass(slots=True, eq=False)
class FetchPage:
    """A page of the rows of the key that stands in the field's place."""

    name: str
    fetch: Fetch
    plan: PagePlan

    async def fill(self, run: "Run", rows: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        window = run.windows(self.fetch)[0]
        if isinstance(window, Failure):
            return [window] * len(rows)
        keys = distinct(values)
        found = dict(zip(keys, await read_pages(run, self.fetch, self.plan, keys, window), strict=True))
        return [found[key] for key in values]
