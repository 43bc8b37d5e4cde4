"""Shared by steps: read rows by keys, build response objects from rows, and turn exceptions into failures."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, repeat
from typing import Any

from graphql.pyutils import is_iterable

from benegraph.execution.plan.failures import FieldFailure, NotAList
from benegraph.execution.plan.operation import Execution, KeyLookup, ObjectPlan, ResponseObject, Statement
from benegraph.execution.plan.rows import Row


def zip_columns(columns: Mapping[str, Iterable[Any]], size: int) -> list[ResponseObject]:
    """Build `size` objects from one column of values per field."""
    if not columns:
        return [{} for _ in range(size)]
    return [*map(dict, map(zip, repeat(tuple(columns)), zip(*columns.values(), strict=True)))]


async def build_from_values(
    execution: Execution, plan: ObjectPlan, values: Sequence[Any], *, is_list: bool
) -> list[Any]:
    """Build response objects from the host's objects: one per value, or a list where a value is a list of them.

    None and failures stay; exceptions become failures.
    """
    if not is_list:
        return await _build_each(execution, plan, values)
    lists = [_as_list(execution, value) for value in values]
    built = iter(await _build_each(execution, plan, [item for items in lists if type(items) is list for item in items]))
    return [[*islice(built, len(items))] if type(items) is list else items for items in lists]


async def _build_each(execution: Execution, plan: ObjectPlan, values: Sequence[Any]) -> list[Any]:
    values = fail_exceptions(execution, values, is_list=False)
    non_null = [value for value in values if value is not None and type(value) is not FieldFailure]
    built = iter(await execution.build_objects(plan, non_null))
    return [value if value is None or type(value) is FieldFailure else next(built) for value in values]


def fail_exceptions(execution: Execution, values: Sequence[Any], *, is_list: bool) -> list[Any]:
    """Replace exceptions among leaf values, or among the items of lists of leaves, with failures."""
    if not is_list:
        return [execution.fail(value) if isinstance(value, Exception) else value for value in values]
    lists = [_as_list(execution, value) for value in values]
    return [fail_exceptions(execution, items, is_list=False) if type(items) is list else items for items in lists]


def _as_list(execution: Execution, value: Any) -> Any:
    if value is None or type(value) is FieldFailure:
        return value
    if isinstance(value, Exception):
        return execution.fail(value)
    if not is_iterable(value):
        return execution.fail(NotAList())
    try:
        return list(value)
    except Exception as error:  # noqa: BLE001 - any error of the host's iterable is the field's error
        return execution.fail(error)


async def build_row_lists(
    execution: Execution, plan: ObjectPlan, lists: Sequence[Sequence[Row]]
) -> list[list[ResponseObject]]:
    """Build the objects of many lists of rows at once, and return them list by list."""
    built = iter(await execution.build_objects(plan, [row for rows in lists for row in rows]))
    return [list(islice(built, len(rows))) for rows in lists]


async def load_by_key(execution: Execution, lookup: KeyLookup, keys: Iterable[Any]) -> dict[Any, ResponseObject]:
    """Read the rows of some keys, each key once, and return their objects by key."""
    non_null = [key for key in distinct(keys) if key is not None]
    if not non_null:
        return {}
    rows = await execution.fetch_rows(lookup.statement, non_null)
    return dict(zip((row[-1] for row in rows), await execution.build_objects(lookup.plan, rows), strict=True))


async def load_row_lists(execution: Execution, statement: Statement, keys: Sequence[Any]) -> list[list[Row]]:
    """Read the rows of distinct keys and return a list for each; a null key has no rows."""
    lists: dict[Any, list[Row]] = {key: [] for key in keys}
    non_null = [key for key in keys if key is not None]
    for row in await execution.fetch_rows(statement, non_null) if non_null else ():
        lists[row[-1]].append(row)
    return [*lists.values()]


def distinct(keys: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(keys))
