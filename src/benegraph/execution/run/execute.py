"""Execute a plan for one request and return its data and errors."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import repeat
from operator import itemgetter
from typing import Any

from graphql import GraphQLError, is_non_null_type
from graphql.execution.values import VariableValues

from benegraph.execution.plan.declarations import UnsupportedOperation, item_type
from benegraph.execution.plan.failures import FieldFailure
from benegraph.execution.plan.host import OpenReader, Prepare, Reader
from benegraph.execution.plan.operation import (
    CompositePlan,
    FieldPlan,
    ObjectPlan,
    OperationPlan,
    PageSpec,
    ResponseObject,
    RootField,
    Statement,
)
from benegraph.execution.plan.rows import RequestedPage, Row
from benegraph.execution.run.null_propagation import NullPropagation
from benegraph.execution.run.objects import zip_columns


@dataclass(frozen=True, slots=True)
class PlanResult:
    """The data of an operation and its errors. Leaves of the data are values as they were read, or JsonFragment.

    Where two fields lead to the same row, the same object may stand in both positions.
    """

    data: ResponseObject | None
    errors: list[GraphQLError]


async def run_plan(
    plan: OperationPlan,
    open_reader: OpenReader,
    context: Any,
    variables: VariableValues,
    prepare: Prepare | None = None,
) -> PlanResult:
    """Execute a plan.

    For a query, an error that a reader raises is raised, except within a `ComputedInBatch.load`, where it becomes the
    field's error for every parent. UnsupportedOperation is raised where rendered JSON would have to contain an error:
    then another executor has to execute the query. For a mutation nothing is raised but cancellation, as a change can't
    be repeated: every error is its field's error.
    """
    data: ResponseObject = {}

    def open_needed_reader() -> AbstractAsyncContextManager[Reader | None]:
        return open_reader(single_statement=plan.statement_count == 1) if plan.statement_count else nullcontext()

    execution = RequestExecution(variables, open_needed_reader)
    if prepare is not None:
        for statement in plan.large_statements:
            await prepare(statement.row_query, execution.valid_pages(statement))
    if plan.is_mutation:
        for root in plan.root_fields:  # serially: each sees the changes of the one before
            value = data[root.field_plan.response_name] = await root.resolve(execution, context)
            has_failed = execution.has_errors or _has_forbidden_null(root.field_plan, value)
            if has_failed and _propagate([root], [value], execution).data is None:
                break  # the data is null already, so no further change is expected
    else:
        async with open_needed_reader() as execution.reader:
            for root in plan.root_fields:
                data[root.field_plan.response_name] = await root.resolve(execution, context)
    if execution.has_errors or any(
        _has_forbidden_null(root.field_plan, data.get(root.field_plan.response_name)) for root in plan.root_fields
    ):
        return _propagate(plan.root_fields, data.values(), execution)
    return PlanResult(data, [])


def _propagate(roots: Sequence[RootField], values: Iterable[Any], execution: "RequestExecution") -> PlanResult:
    """Propagate nulls within the root fields that were resolved."""
    propagation = NullPropagation(execution.plans_by_id)
    fields = {root.field_plan.response_name: root.field_plan for root in roots}
    data = propagation.complete_data(fields, dict(zip(fields, values, strict=False)))
    return PlanResult(data, propagation.errors)


def _has_forbidden_null(field_plan: FieldPlan, value: Any) -> bool:
    """Return whether a root field's value is, or its list contains, a null that the schema forbids."""
    if value is None:
        return is_non_null_type(field_plan.type)
    return type(value) is list and None in value and is_non_null_type(item_type(field_plan.type))


@dataclass(slots=True, eq=False)
class RequestExecution:
    """The state of one request while its plan is executed. Implements the protocol `Execution`."""

    variables: VariableValues
    #: Opens a reader, or nothing where the plan reads nothing.
    open_reader: Callable[[], AbstractAsyncContextManager[Reader | None]]
    #: None where nothing is read. For a mutation, the reader of the payload that is built at present.
    reader: Reader | None = None
    has_errors: bool = False
    root_texts: Sequence[Any] | None = None
    plans_by_id: dict[int, CompositePlan] = field(default_factory=dict)
    _page_requests: dict[Statement, list[RequestedPage | FieldFailure]] = field(default_factory=dict)

    async def build_objects(self, plan: ObjectPlan, rows: Sequence[Any]) -> list[ResponseObject]:
        if not rows:
            return []
        # Loops over rows run in C as far as possible: rows become columns, and columns become objects.
        values = rows if plan.extract is None else map(plan.extract, rows)
        if not plan.steps:
            objects = [*map(dict, map(zip, repeat(plan.response_names), values))]
            self.has_errors |= any(None in map(itemgetter(name), objects) for name in plan.non_null_names)
            return objects
        columns: dict[str, Sequence[Any]] = dict(zip(plan.response_names, zip(*values, strict=False), strict=False))
        for step in plan.steps:
            columns[step.response_name] = await step.resolve(self, rows, columns[step.response_name])
        self.has_errors |= any(None in columns[name] for name in plan.non_null_names)
        return zip_columns(columns, len(rows))

    def page_requests(self, statement: Statement) -> list[RequestedPage | FieldFailure]:
        requests = self._page_requests.get(statement)
        if requests is None:
            requests = self._page_requests[statement] = [self._build_page(spec) for spec in statement.pages]
        return requests

    async def fetch_rows(self, statement: Statement, keys: Sequence[Any]) -> Sequence[Row]:
        pages = self.valid_pages(statement)
        assert self.reader is not None, "a plan that reads opens a reader"  # noqa: S101 - narrows for mypy
        return await self.reader.fetch_rows(statement.row_query, keys, pages)

    def valid_pages(self, statement: Statement) -> Sequence[RequestedPage | None]:
        """Return the page requests of a statement, None for one with invalid arguments."""
        if not statement.pages:
            return ()
        return [None if isinstance(page, FieldFailure) else page for page in self.page_requests(statement)]

    def fail(self, error: Exception) -> FieldFailure:
        self.has_errors = True
        return FieldFailure(error)

    def record_plan(self, built: ResponseObject, plan: CompositePlan) -> None:
        self.plans_by_id[id(built)] = plan

    def _build_page(self, spec: PageSpec) -> RequestedPage | FieldFailure:
        if spec.constant is not None:
            return spec.constant
        try:
            page = spec.build(spec.arguments.values(self.variables))
        except Exception as error:
            if spec.is_within_json:
                raise UnsupportedOperation("arguments") from error
            return self.fail(error)
        if spec.arguments.constant is not None:
            spec.constant = page
        return page
