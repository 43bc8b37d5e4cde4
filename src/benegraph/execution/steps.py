"""Steps: what gives one field's values of many objects at once, from what their rows hold in its place."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from benegraph.execution.arguments import Called
from benegraph.execution.declarations import Uncovered
from benegraph.execution.origins import View
from benegraph.execution.outcomes import Failure
from benegraph.execution.plans import Fetch, LookUp, Made, ObjectPlan, PagePlan
from benegraph.execution.reading import Row, Slot, Window

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
        return computed if self.plan is None else await held(run, self.plan, computed, listed=self.listed)

    def _one(self, run: "Run", show: Callable[[Any], Any], row: Any) -> Any:
        try:
            value = self.compute(show(row))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the field's
            return run.fail(error)
        return run.fail(value) if isinstance(value, Exception) else value


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
        found = [run.fail(value) if isinstance(value, Exception) else value for value in found]
        return found if self.plan is None else await held(run, self.plan, found, listed=self.listed)


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


# -------------------------------------------------------------------------------------------------- what steps share


def together(columns: Mapping[str, Iterable[Any]], size: int) -> list[Made]:
    """Make objects of their fields' values, given field by field."""
    if not columns:
        return [{} for _ in range(size)]
    return [*map(dict, map(zip, repeat(tuple(columns)), zip(*columns.values(), strict=True)))]


async def held(run: "Run", plan: ObjectPlan, values: Sequence[Any], *, listed: bool) -> list[Any]:
    """Make the objects of values that are there: each an object, or a list of such; None, or what failed, stays."""
    if not listed:
        return await _objects(run, plan, values)
    lists = [_items(run, value) for value in values]
    made = iter(await _objects(run, plan, [item for items in lists if type(items) is list for item in items]))
    return [[*islice(made, len(items))] if type(items) is list else items for items in lists]


async def _objects(run: "Run", plan: ObjectPlan, values: Sequence[Any]) -> list[Any]:
    values = [run.fail(value) if isinstance(value, Exception) else value for value in values]
    there = [value for value in values if value is not None and type(value) is not Failure]
    made = iter(await run.objects(plan, there))
    return [value if value is None or type(value) is Failure else next(made) for value in values]


def _items(run: "Run", value: Any) -> Any:
    if value is None or type(value) is Failure:
        return value
    try:
        return list(value)
    except TypeError as error:
        return run.fail(error)


async def grouped(run: "Run", plan: ObjectPlan, lists: Sequence[Sequence[Row]]) -> list[list[Made]]:
    """Make the objects of many lists of rows together, and give them by the list."""
    made = iter(await run.objects(plan, [row for rows in lists for row in rows]))
    return [list(islice(made, len(rows))) for rows in lists]


async def by_key(run: "Run", look_up: LookUp, keys: Iterable[Any]) -> dict[Any, Made]:
    """Read the rows of some keys, each once however often it is asked for, and make their objects."""
    wanted = [key for key in distinct(keys) if key is not None]
    if not wanted:
        return {}
    rows = await run.rows(look_up.fetch, wanted)
    return dict(zip((row[-1] for row in rows), await run.objects(look_up.plan, rows), strict=True))


async def by_parent(run: "Run", fetch: Fetch, keys: Sequence[Any]) -> list[list[Row]]:
    """Read the rows of some keys, in a list for each; of a key that is null there are none."""
    lists: dict[Any, list[Row]] = {key: [] for key in keys}
    wanted = [key for key in keys if key is not None]
    for row in await run.rows(fetch, wanted) if wanted else ():
        lists[row[-1]].append(row)
    return [*lists.values()]


def distinct(keys: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(keys))


async def read_pages(run: "Run", fetch: Fetch, plan: PagePlan, keys: list[Any], window: Window) -> list[Made]:
    """Read a page of each key, and what else is asked of it."""
    lists = await by_parent(run, fetch, keys) if plan.reads_rows else [[] for _ in keys]
    counts = None
    if plan.counts:
        wanted = [key for key in keys if key is not None]
        counted = await run.reader.count(fetch.wanted, wanted, window) if wanted else {}
        counts = [0 if key is None else counted[key] for key in keys]
    return await pages(run, plan, lists, window, counts)


async def pages(
    run: "Run", plan: PagePlan, lists: Sequence[Sequence[Row]], window: Window, counts: Sequence[int] | None
) -> list[Made]:
    """Make the connections of many pages, whose rows are one more than asked for where the list goes on."""
    shown = [rows[: window.first] for rows in lists]
    columns: dict[str, Iterable[Any]] = {}
    for name, part, beneath in plan.parts:
        if part == "nodes":
            columns[name] = await grouped(run, beneath, shown)
        elif part == "edges":
            columns[name] = await _edges(run, beneath, shown, window, plan)
        elif part == "pageInfo":
            columns[name] = [
                _page_info(beneath, rows, window, plan, goes_on=len(whole) > window.first)
                for rows, whole in zip(shown, lists, strict=True)
            ]
        elif part == "totalCount":
            columns[name] = counts or ()
        else:
            columns[name] = [beneath] * len(lists)
    return together(columns, len(lists))


async def _edges(
    run: "Run", part: Any, shown: Sequence[Sequence[Row]], window: Window, page: PagePlan
) -> list[list[Made]]:
    rows = [row for each in shown for row in each]
    columns: dict[str, Iterable[Any]] = {}
    for name, what, beneath in part.parts:
        if what == "node":
            columns[name] = await run.objects(beneath, rows)
        elif what == "cursor":
            columns[name] = _cursors(rows, window, page)
        else:
            columns[name] = [beneath] * len(rows)
    edges = iter(together(columns, len(rows)))
    return [list(islice(edges, len(each))) for each in shown]


def _page_info(part: Any, rows: Sequence[Row], window: Window, page: PagePlan, *, goes_on: bool) -> Made:
    made: Made = {}
    for name, what, beneath in part.parts:
        if what == "hasNextPage":
            made[name] = goes_on
        elif what == "hasPreviousPage":
            made[name] = window.is_later
        elif what in {"startCursor", "endCursor"}:
            end = rows[:1] if what == "startCursor" else rows[-1:]
            made[name] = next(iter(_cursors(end, window, page)), None)
        else:
            made[name] = beneath
    return made


def _cursors(rows: Sequence[Row], window: Window, page: PagePlan) -> list[str]:
    assert page.place is not None, "who asks for cursors wants the place"  # noqa: S101 - see _Compiler._part
    number = page.place.number
    return [window.cursor(row[number]) for row in rows]
