"""Root fields: resolve the fields of the query or mutation type, each kind in its own way."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benegraph.execution.plan.arguments import FieldArguments
from benegraph.execution.plan.declarations import Arguments, LookupKey
from benegraph.execution.plan.failures import FieldFailure
from benegraph.execution.plan.operation import (
    Execution,
    FieldPlan,
    LookupsBySource,
    ObjectPlan,
    PagePlan,
    ResponseObject,
    Statement,
)
from benegraph.execution.plan.rows import ALL_ROWS_KEY, RowQuery
from benegraph.execution.run.connections import load_pages
from benegraph.execution.run.json_fragments import JsonFragmentStep
from benegraph.execution.run.objects import build_from_values, load_by_key

FoundKeys = Sequence[LookupKey | Exception | None]


@dataclass(slots=True, eq=False)
class TypenameRootField:
    """`__typename` of the root type."""

    field_plan: FieldPlan
    type_name: str

    async def resolve(self, _execution: Execution, _context: Any) -> Any:
        return self.type_name


@dataclass(slots=True, eq=False)
class ContextRootField:
    """An object, or a list of objects, that the request's context holds."""

    field_plan: FieldPlan
    get: Callable[[Any], Any]
    plan: ObjectPlan
    is_list: bool

    async def resolve(self, execution: Execution, context: Any) -> Any:
        try:
            value = self.get(context)
        except Exception as error:  # noqa: BLE001 - any error of the host's function is the field's error
            return execution.fail(error)
        (built,) = await build_from_values(execution, self.plan, [value], is_list=self.is_list)
        return built


@dataclass(slots=True, eq=False)
class LookupRootField:
    """The rows of the keys that the host finds in the arguments: one row, or a list of rows."""

    field_plan: FieldPlan
    arguments: FieldArguments
    find_keys: Callable[[Any, Arguments], FoundKeys]
    child: LookupsBySource
    is_list: bool

    async def resolve(self, execution: Execution, context: Any) -> Any:
        try:
            found = self.find_keys(context, self.arguments.values(execution.variables))
            keys = [self._check_source(key) for key in found]
        except Exception as error:  # noqa: BLE001 - any error of the host's function is the field's error
            return execution.fail(error)
        objects = await self._load(execution, [key for key in keys if isinstance(key, LookupKey)])
        values = [
            execution.fail(key)
            if isinstance(key, Exception)
            else None
            if key is None
            else objects.get((key.source_name, key.key))
            for key in keys
        ]
        return values if self.is_list else values[0]

    def _check_source(self, key: LookupKey | Exception | None) -> LookupKey | Exception | None:
        if isinstance(key, LookupKey) and key.source_name not in self.child.lookups:
            return _no_source(key)
        return key

    async def _load(self, execution: Execution, keys: Sequence[LookupKey]) -> dict[tuple[str, Any], ResponseObject]:
        """Load the rows of each source by one statement."""
        objects: dict[tuple[str, Any], ResponseObject] = {}
        for source_name in dict.fromkeys(key.source_name for key in keys):
            lookup = self.child.lookups[source_name]
            source_keys = [key.key for key in keys if key.source_name == source_name]
            for key, built in (await load_by_key(execution, lookup, source_keys)).items():
                objects[source_name, key] = built
                execution.record_plan(built, lookup.plan)
        return objects


@dataclass(slots=True, eq=False)
class PageRootField:
    """A page of all rows of a source."""

    field_plan: FieldPlan
    statement: Statement
    plan: PagePlan

    async def resolve(self, execution: Execution, _context: Any) -> Any:
        page = execution.page_requests(self.statement)[0]
        if isinstance(page, FieldFailure):
            return page
        (built,) = await load_pages(execution, self.statement, self.plan, [ALL_ROWS_KEY], page)
        return built


@dataclass(slots=True, eq=False)
class RootJsonQuery:
    """The statement that the root fields with JSON text share: one row, with a text for each field."""

    statement: Statement = field(default_factory=lambda: Statement(RowQuery(None)))
    keys: list["LookupJsonKey | PageJsonKey"] = field(default_factory=list)

    async def fetch_texts(self, execution: Execution, context: Any) -> list[Any]:
        """Return the text of each field, None where there is no row, or a failure."""
        keys = [key.resolve(execution, context) for key in self.keys]
        row_keys = [None if isinstance(key, FieldFailure) else key for key in keys]
        row: Sequence[Any] = row_keys
        if any(key is not None for key in row_keys):
            (row,) = await execution.fetch_rows(self.statement, row_keys)
        return [key if isinstance(key, FieldFailure) else text for key, text in zip(keys, row, strict=False)]


@dataclass(slots=True, eq=False)
class LookupJsonKey:
    """The key of a looked-up row that is rendered as JSON text."""

    arguments: FieldArguments
    source_name: str
    find_key: Callable[[Any, Arguments], LookupKey | Exception | None]

    def resolve(self, execution: Execution, context: Any) -> Any:
        """Return the key, None where the host finds none, or a failure."""
        try:
            found = self.find_key(context, self.arguments.values(execution.variables))
        except Exception as error:  # noqa: BLE001 - any error of the host's function is the field's error
            return execution.fail(error)
        if isinstance(found, Exception):
            return execution.fail(found)
        if found is not None and found.source_name != self.source_name:
            return execution.fail(_no_source(found))
        return None if found is None else found.key


@dataclass(slots=True, eq=False)
class PageJsonKey:
    """The key of a page of all rows that is rendered as JSON text, with its index in the shared statement."""

    statement: Statement
    page_index: int

    def resolve(self, execution: Execution, _context: Any) -> Any:
        """Return the key of all rows, or a failure where the page request is invalid."""
        page = execution.page_requests(self.statement)[self.page_index]
        return page if isinstance(page, FieldFailure) else ALL_ROWS_KEY


@dataclass(slots=True, eq=False)
class JsonRootField:
    """A looked-up row, or a page of all rows, that the host renders as JSON text."""

    field_plan: FieldPlan
    query: RootJsonQuery
    #: The index of the field's text in the row of the shared query.
    index: int
    fragment: JsonFragmentStep

    async def resolve(self, execution: Execution, context: Any) -> Any:
        if execution.root_texts is None:
            execution.root_texts = await self.query.fetch_texts(execution, context)
        text = execution.root_texts[self.index]
        if isinstance(text, FieldFailure):
            return text
        (fragment,) = await self.fragment.resolve(execution, (), (text,))
        return fragment


@dataclass(slots=True, eq=False)
class MutationRootField:
    """A change, and the payload that is read after it."""

    field_plan: FieldPlan
    arguments: FieldArguments
    call: Callable[[Any, Arguments], Awaitable[Any]]
    plan: ObjectPlan
    is_list: bool

    async def resolve(self, execution: Execution, context: Any) -> Any:
        try:
            result = await self.call(context, self.arguments.values(execution.variables))
            async with execution.open_reader() as execution.reader:
                (built,) = await build_from_values(execution, self.plan, [result], is_list=self.is_list)
        except Exception as error:  # noqa: BLE001 - the change may be committed: the error is this field's alone
            return execution.fail(error)
        return built


def _no_source(key: LookupKey) -> Exception:
    return LookupError(f"No source is declared for the type {key.source_name}.")
