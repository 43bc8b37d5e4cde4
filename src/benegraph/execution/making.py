"""Making: what steps share, from keys to rows, and from rows to the answer's objects."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any

from graphql.pyutils import is_iterable

from benegraph.execution.outcomes import Failure, NoList
from benegraph.execution.plans import Fetch, LookUp, Made, ObjectPlan
from benegraph.execution.reading import Row

if TYPE_CHECKING:
    from benegraph.execution.running import Run


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
    values = settled(run, values, listed=False)
    there = [value for value in values if value is not None and type(value) is not Failure]
    made = iter(await run.objects(plan, there))
    return [value if value is None or type(value) is Failure else next(made) for value in values]


def settled(run: "Run", values: Sequence[Any], *, listed: bool) -> list[Any]:
    """Have what was given as an exception fail: a leaf, or a leaf in a list."""
    if not listed:
        return [run.fail(value) if isinstance(value, Exception) else value for value in values]
    lists = [_items(run, value) for value in values]
    return [settled(run, items, listed=False) if type(items) is list else items for items in lists]


def _items(run: "Run", value: Any) -> Any:
    if value is None or type(value) is Failure:
        return value
    if isinstance(value, Exception):
        return run.fail(value)
    if not is_iterable(value):
        return run.fail(NoList())
    try:
        return list(value)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the field's
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
