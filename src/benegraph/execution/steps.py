"""Steps: what fills in the fields of many objects at once, each after the objects' own columns are in place."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from benegraph.execution.arguments import Called
from benegraph.execution.outcomes import Failure
from benegraph.execution.plans import Fetch, Made, ObjectPlan, PagePlan
from benegraph.execution.reading import Row, Slot, Window

if TYPE_CHECKING:
    from benegraph.execution.running import Run

See = Callable[[Any], Any]
# By their very types: a row may be a named tuple.
_LISTS = (list, tuple)


@dataclass(slots=True, eq=False)
class Constant:
    """What the schema alone decides: `__typename`."""

    name: str
    value: str

    async def fill(self, _run: "Run", _rows: Sequence[Any], made: list[Made]) -> None:
        for each in made:
            each[self.name] = self.value


@dataclass(slots=True, eq=False)
class Same:
    """The parent itself, as another object."""

    name: str
    plan: ObjectPlan

    async def fill(self, run: "Run", rows: Sequence[Any], made: list[Made]) -> None:
        put(made, self.name, await run.objects(self.plan, rows))


@dataclass(slots=True, eq=False)
class Held:
    """An object or a list of objects that the parent holds."""

    name: str
    plan: ObjectPlan

    async def fill(self, run: "Run", _rows: Sequence[Any], made: list[Made]) -> None:
        values = [each[self.name] for each in made]
        put(made, self.name, await held(run, self.plan, values))


@dataclass(slots=True, eq=False)
class Compute:
    """A value computed from each parent alone."""

    name: str
    see: See
    compute: Callable[[Any], Any]
    plan: ObjectPlan | None

    async def fill(self, run: "Run", rows: Sequence[Any], made: list[Made]) -> None:
        values = [self.compute(self.see(row)) for row in rows]
        if self.plan is not None:
            values = await held(run, self.plan, values)
        put(made, self.name, values)


@dataclass(slots=True, eq=False)
class ComputeAtOnce:
    """A value for each parent, computed for all of them together."""

    name: str
    called: Called
    see: See
    load: Callable[[Any, Sequence[Any], Any], Awaitable[Sequence[Any]]]
    plan: ObjectPlan | None

    async def fill(self, run: "Run", rows: Sequence[Any], made: list[Made]) -> None:
        if not rows:
            return
        try:
            arguments = self.called.arguments(run.variables)
            values: Sequence[Any] = await self.load(run.reader, [self.see(row) for row in rows], arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is each parent's
            values = [error] * len(rows)
        values = [run.fail(value) if isinstance(value, Exception) else value for value in values]
        if self.plan is not None:
            values = await held(run, self.plan, values)
        put(made, self.name, values)


# ---------------------------------------------------------------------------- what was read in the parent's statement


@dataclass(slots=True, eq=False)
class NestedOne:
    """A row within the parent's, or none."""

    name: str
    plan: ObjectPlan

    async def fill(self, run: "Run", _rows: Sequence[Any], made: list[Made]) -> None:
        having = [each for each in made if each[self.name] is not None]
        put(having, self.name, await run.objects(self.plan, [each[self.name] for each in having]))


@dataclass(slots=True, eq=False)
class NestedMany:
    """Rows within the parent's."""

    name: str
    plan: ObjectPlan

    async def fill(self, run: "Run", _rows: Sequence[Any], made: list[Made]) -> None:
        lists = [each[self.name] for each in made]
        put(made, self.name, await grouped(run, self.plan, lists))


@dataclass(slots=True, eq=False)
class NestedPage:
    """A page of rows within the parent's, and how many there are in all, where that is asked for."""

    name: str
    number: int
    fetch: Fetch
    plan: PagePlan
    counted: Slot | None

    async def fill(self, run: "Run", rows: Sequence[Any], made: list[Made]) -> None:
        window = run.windows(self.fetch)[self.number]
        name = self.name
        if isinstance(window, Failure):
            put(made, name, [window] * len(made))
            return
        lists = [each[name] if self.plan.reads_rows else () for each in made]
        counts = None if self.counted is None else [row[self.counted.number] for row in rows]
        put(made, name, await pages(run, self.plan, lists, window, counts))


# --------------------------------------------------------------------------------- what takes a statement of its own


@dataclass(slots=True, eq=False)
class FetchOne:
    """The row of the key that stands in the field's place."""

    name: str
    fetch: Fetch
    plan: ObjectPlan

    async def fill(self, run: "Run", _rows: Sequence[Any], made: list[Made]) -> None:
        keys = [each[self.name] for each in made]
        found = await by_key(run, self.fetch, self.plan, keys)
        put(made, self.name, map(found.get, keys))


@dataclass(slots=True, eq=False)
class FetchSeveral:
    """The rows of the keys that stand listed in the field's place."""

    name: str
    fetch: Fetch
    plan: ObjectPlan

    async def fill(self, run: "Run", _rows: Sequence[Any], made: list[Made]) -> None:
        lists = [each[self.name] for each in made]
        found = await by_key(run, self.fetch, self.plan, (key for keys in lists for key in keys or ()))
        for each, keys in zip(made, lists, strict=True):
            each[self.name] = None if keys is None else [found.get(key) for key in keys]


@dataclass(slots=True, eq=False)
class FetchMany:
    """The rows of the key that stands in the field's place."""

    name: str
    fetch: Fetch
    plan: ObjectPlan

    async def fill(self, run: "Run", _rows: Sequence[Any], made: list[Made]) -> None:
        keys = distinct(each[self.name] for each in made)
        if not keys:
            return
        lists = by_parent(await run.rows(self.fetch, keys), keys)
        found = dict(zip(keys, await grouped(run, self.plan, list(lists.values())), strict=True))
        for each in made:
            each[self.name] = found[each[self.name]]


@dataclass(slots=True, eq=False)
class FetchPage:
    """A page of the rows of the key that stands in the field's place."""

    name: str
    fetch: Fetch
    plan: PagePlan

    async def fill(self, run: "Run", _rows: Sequence[Any], made: list[Made]) -> None:
        name = self.name
        keys = distinct(each[name] for each in made)
        if not keys:
            return
        window = run.windows(self.fetch)[0]
        if isinstance(window, Failure):
            put(made, name, [window] * len(made))
            return
        found = dict(zip(keys, await read_pages(run, self.fetch, self.plan, keys, window), strict=True))
        for each in made:
            each[name] = found[each[name]]


# -------------------------------------------------------------------------------------------------- what steps share


def put(made: Iterable[Made], name: str, values: Iterable[Any]) -> None:
    """Put each object's value in its place."""
    for each, value in zip(made, values, strict=True):
        each[name] = value


async def held(run: "Run", plan: ObjectPlan, values: Sequence[Any]) -> list[Any]:
    """Make the objects of values that are there: each one, a list of such, None or a failure."""
    flat = [item for value in values for item in (value if type(value) in _LISTS else (value,))]
    there = [item for item in flat if item is not None and not isinstance(item, Failure)]
    made = iter(await run.objects(plan, there))
    return [[_next(made, item) for item in value] if type(value) in _LISTS else _next(made, value) for value in values]


def _next(made: Iterator[Made], item: Any) -> Any:
    return item if item is None or isinstance(item, Failure) else next(made)


async def grouped(run: "Run", plan: ObjectPlan, lists: Sequence[Sequence[Row]]) -> list[list[Made]]:
    """Make the objects of many lists of rows together, and give them by the list."""
    made = iter(await run.objects(plan, [row for rows in lists for row in rows]))
    return [list(islice(made, len(rows))) for rows in lists]


async def by_key(run: "Run", fetch: Fetch, plan: ObjectPlan, keys: Iterable[Any]) -> dict[Any, Made]:
    """Read the rows of some keys, each once however often it is asked for, and make their objects."""
    wanted = [key for key in distinct(keys) if key is not None]
    if not wanted:
        return {}
    rows = await run.rows(fetch, wanted)
    return dict(zip((row[-1] for row in rows), await run.objects(plan, rows), strict=True))


def by_parent(rows: Sequence[Row], keys: Sequence[Any]) -> dict[Any, list[Row]]:
    """Sort rows by the keys they belong to."""
    lists: dict[Any, list[Row]] = {key: [] for key in keys}
    for row in rows:
        lists[row[-1]].append(row)
    return lists


def distinct(keys: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(keys))


async def read_pages(run: "Run", fetch: Fetch, plan: PagePlan, keys: list[Any], window: Window) -> list[Made]:
    """Read a page of each key, and what else is asked of it."""
    lists = by_parent(await run.rows(fetch, keys), keys) if plan.reads_rows else {key: [] for key in keys}
    counts = None
    if plan.counts:
        counted = await run.reader.count(fetch.wanted, keys, window)
        counts = [counted[key] for key in keys]
    return await pages(run, plan, list(lists.values()), window, counts)


async def pages(
    run: "Run", plan: PagePlan, lists: Sequence[Sequence[Row]], window: Window, counts: Sequence[int] | None
) -> list[Made]:
    """Make the connections of many pages, whose rows are one more than asked for where the list goes on."""
    shown = [rows[: window.first] for rows in lists]
    made: list[Made] = [{} for _ in lists]
    for name, part, beneath in plan.parts:
        values: Sequence[Any]
        if part == "nodes":
            values = await grouped(run, beneath, shown)
        elif part == "edges":
            values = await _edges(run, beneath, shown, window, plan)
        elif part == "pageInfo":
            values = [
                _page_info(beneath, rows, window, plan, goes_on=len(whole) > window.first)
                for rows, whole in zip(shown, lists, strict=True)
            ]
        elif part == "totalCount":
            values = counts or ()
        else:
            values = [beneath] * len(made)
        put(made, name, values)
    return made


async def _edges(
    run: "Run", part: Any, shown: Sequence[Sequence[Row]], window: Window, page: PagePlan
) -> list[list[Made]]:
    rows = [row for each in shown for row in each]
    made: list[Made] = [{} for _ in rows]
    for name, what, beneath in part.parts:
        values: Iterable[Any]
        if what == "node":
            values = await run.objects(beneath, rows)
        elif what == "cursor":
            values = _cursors(rows, window, page)
        else:
            values = [beneath] * len(rows)
        put(made, name, values)
    edges = iter(made)
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
