"""Steps: compute the values of one field for many objects at once, from one input value per row."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from benegraph.execution.plan.arguments import FieldArguments
from benegraph.execution.plan.declarations import UnsupportedOperation
from benegraph.execution.plan.failures import FieldFailure
from benegraph.execution.plan.operation import (
    Execution,
    KeyLookup,
    LookupsBySource,
    ObjectPlan,
    PagePlan,
    ParentView,
    Statement,
)
from benegraph.execution.plan.rows import ColumnRef
from benegraph.execution.run.connections import build_pages, load_pages
from benegraph.execution.run.objects import (
    build_from_values,
    build_row_lists,
    distinct,
    fail_exceptions,
    load_by_key,
    load_row_lists,
)


@dataclass(slots=True, eq=False)
class TypenameStep:
    """`__typename`, which is the same for all objects of a plan."""

    response_name: str
    type_name: str

    async def resolve(self, _execution: Execution, rows: Sequence[Any], _inputs: Sequence[Any]) -> Sequence[Any]:
        return [self.type_name] * len(rows)


@dataclass(slots=True, eq=False)
class SameObjectStep:
    """The parent itself, as another object."""

    response_name: str
    plan: ObjectPlan

    async def resolve(self, execution: Execution, rows: Sequence[Any], _inputs: Sequence[Any]) -> Sequence[Any]:
        return await execution.build_objects(self.plan, rows)


@dataclass(slots=True, eq=False)
class HeldObjectStep:
    """An object, or a list of objects, that the parent holds."""

    response_name: str
    plan: ObjectPlan
    is_list: bool

    async def resolve(self, execution: Execution, _rows: Sequence[Any], inputs: Sequence[Any]) -> Sequence[Any]:
        return await build_from_values(execution, self.plan, inputs, is_list=self.is_list)


@dataclass(slots=True, eq=False)
class ComputeStep:
    """A value computed from each parent alone: a leaf, or the host's object for `plan`."""

    response_name: str
    view: ParentView
    compute: Callable[[Any], Any]
    plan: ObjectPlan | None
    is_list: bool

    async def resolve(self, execution: Execution, rows: Sequence[Any], _inputs: Sequence[Any]) -> Sequence[Any]:
        wrap = self.view.wrap
        computed = [self._compute(execution, wrap, row) for row in rows]
        if self.plan is None:
            return fail_exceptions(execution, computed, is_list=self.is_list)
        return await build_from_values(execution, self.plan, computed, is_list=self.is_list)

    def _compute(self, execution: Execution, wrap: Callable[[Any], Any], row: Any) -> Any:
        try:
            return self.compute(wrap(row))
        except Exception as error:  # noqa: BLE001 - any error of the host's function is the field's error
            return execution.fail(error)


@dataclass(slots=True, eq=False)
class BatchStep:
    """A value for each parent, computed for all of them together."""

    response_name: str
    arguments: FieldArguments
    view: ParentView
    load: Callable[[Any, Sequence[Any], Any], Awaitable[Sequence[Any]]]
    plan: ObjectPlan | None
    is_list: bool

    async def resolve(self, execution: Execution, rows: Sequence[Any], _inputs: Sequence[Any]) -> Sequence[Any]:
        try:
            arguments = self.arguments.values(execution.variables)
            loaded: Sequence[Any] = await self.load(execution.reader, [*map(self.view.wrap, rows)], arguments)
        except UnsupportedOperation:
            raise
        except Exception as error:  # noqa: BLE001 - any error of the host's function is the error of every parent
            loaded = [error] * len(rows)
        if self.plan is None:
            return fail_exceptions(execution, loaded, is_list=self.is_list)
        return await build_from_values(execution, self.plan, loaded, is_list=self.is_list)


@dataclass(slots=True, eq=False)
class NonNullItemsStep:
    """Finds nulls in lists of a non-null item type. Values stay as they are."""

    response_name: str

    async def resolve(self, execution: Execution, _rows: Sequence[Any], inputs: Sequence[Any]) -> Sequence[Any]:
        execution.has_errors |= any(isinstance(value, list | tuple) and None in value for value in inputs)
        return inputs


# ----------------------------------------------------------------------------------- read within the parent's statement


@dataclass(slots=True, eq=False)
class NestedToOneStep:
    """A row within the parent's row, or None."""

    response_name: str
    plan: ObjectPlan

    async def resolve(self, execution: Execution, _rows: Sequence[Any], inputs: Sequence[Any]) -> Sequence[Any]:
        if None not in inputs:
            return await execution.build_objects(self.plan, inputs)
        built = iter(await execution.build_objects(self.plan, [row for row in inputs if row is not None]))
        return [None if row is None else next(built) for row in inputs]


@dataclass(slots=True, eq=False)
class NestedToManyStep:
    """A list of rows within the parent's row."""

    response_name: str
    plan: ObjectPlan

    async def resolve(self, execution: Execution, _rows: Sequence[Any], inputs: Sequence[Any]) -> Sequence[Any]:
        return await build_row_lists(execution, self.plan, inputs)


@dataclass(slots=True, eq=False)
class NestedToPageStep:
    """A page of rows within the parent's row, and the count of the whole list where that is selected."""

    response_name: str
    page_index: int
    statement: Statement
    plan: PagePlan
    count: ColumnRef | None

    async def resolve(self, execution: Execution, rows: Sequence[Any], inputs: Sequence[Any]) -> Sequence[Any]:
        page = execution.page_requests(self.statement)[self.page_index]
        if isinstance(page, FieldFailure):
            return [page] * len(rows)
        lists = inputs if self.plan.reads_rows else [()] * len(rows)
        counts = None if self.count is None else [*map(itemgetter(self.count.index), rows)]
        return await build_pages(execution, self.plan, lists, page, counts)


# --------------------------------------------------------------------------------------- read by a statement of its own


@dataclass(slots=True, eq=False)
class LoadToOneStep:
    """The row of the key that is the input."""

    response_name: str
    lookup: KeyLookup

    async def resolve(self, execution: Execution, _rows: Sequence[Any], inputs: Sequence[Any]) -> Sequence[Any]:
        loaded = await load_by_key(execution, self.lookup, inputs)
        return [*map(loaded.get, inputs)]


@dataclass(slots=True, eq=False)
class LoadToOneOfStep:
    """The row of the key that is the input, from the source that the key names."""

    response_name: str
    lookups: LookupsBySource
    find_source: Callable[[Any], str | None]

    async def resolve(self, execution: Execution, _rows: Sequence[Any], inputs: Sequence[Any]) -> Sequence[Any]:
        keys_by_source: dict[str, list[Any]] = {}
        for key in distinct(inputs):
            source_name = None if key is None else self.find_source(key)
            if source_name is not None:
                keys_by_source.setdefault(source_name, []).append(key)
        built: dict[Any, Any] = {}
        for source_name, keys in keys_by_source.items():
            lookup = self.lookups.lookups[source_name]
            loaded = await load_by_key(execution, lookup, keys)
            for value in loaded.values():
                execution.record_plan(value, lookup.plan)
            built |= loaded
        return [*map(built.get, inputs)]


@dataclass(slots=True, eq=False)
class LoadToManyByKeysStep:
    """The rows of the list of keys that is the input."""

    response_name: str
    lookup: KeyLookup

    async def resolve(self, execution: Execution, _rows: Sequence[Any], inputs: Sequence[Any]) -> Sequence[Any]:
        loaded = await load_by_key(execution, self.lookup, (key for keys in inputs for key in keys or ()))
        return [None if keys is None else [*map(loaded.get, keys)] for keys in inputs]


@dataclass(slots=True, eq=False)
class LoadToManyStep:
    """All rows of the key that is the input."""

    response_name: str
    lookup: KeyLookup

    async def resolve(self, execution: Execution, _rows: Sequence[Any], inputs: Sequence[Any]) -> Sequence[Any]:
        keys = distinct(inputs)
        lists = await load_row_lists(execution, self.lookup.statement, keys)
        built = dict(zip(keys, await build_row_lists(execution, self.lookup.plan, lists), strict=True))
        return [built[key] for key in inputs]


@dataclass(slots=True, eq=False)
class LoadToPageStep:
    """A page of the rows of the key that is the input."""

    response_name: str
    statement: Statement
    plan: PagePlan

    async def resolve(self, execution: Execution, rows: Sequence[Any], inputs: Sequence[Any]) -> Sequence[Any]:
        page = execution.page_requests(self.statement)[0]
        if isinstance(page, FieldFailure):
            return [page] * len(rows)
        keys = distinct(inputs)
        built = dict(zip(keys, await load_pages(execution, self.statement, self.plan, keys, page), strict=True))
        return [built[key] for key in inputs]
