"""Null propagation: turn failed fields, and nulls that the schema forbids, into errors and nulls of nullable parents.

The order is that of the document, depth first, as graphql-core has it with synchronous resolvers: of several errors
that propagate to the same null, the first in the document is reported.
"""

from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError, GraphQLOutputType, is_list_type, is_non_null_type, located_error

from benegraph.execution.plan.failures import FieldFailure, NotAList
from benegraph.execution.plan.operation import CompositePlan, FieldPlan, LookupsBySource, ResponseObject
from benegraph.execution.plan.rows import JsonFragment

Path = tuple[str | int, ...]


class _PropagatedError(Exception):
    """An error on its way from the field where it occurred to the nearest nullable parent."""

    def __init__(self, error: Exception, path: Path, field_plan: FieldPlan) -> None:
        super().__init__()
        self.error, self.path, self.field_plan = error, path, field_plan


@dataclass(slots=True)
class NullPropagation:
    """Completes a response in which something failed, and collects its errors.

    `plans_by_id` holds the plan of each object of an abstract type, by the object's `id()`.
    """

    plans_by_id: dict[int, CompositePlan]
    errors: list[GraphQLError] = field(default_factory=list)

    def complete_data(self, fields: dict[str, FieldPlan], values: ResponseObject) -> ResponseObject | None:
        """Complete the root fields; None where an error propagates up to the data itself."""
        try:
            return self._complete_fields(fields, values, ())
        except _PropagatedError as propagated:
            self._record(propagated)
            return None

    def _record(self, propagated: _PropagatedError) -> None:
        self.errors.append(located_error(propagated.error, propagated.field_plan.nodes, [*propagated.path]))

    def _complete_fields(self, fields: dict[str, FieldPlan], values: ResponseObject, path: Path) -> ResponseObject:
        return {
            name: self._complete(fields[name].type, fields[name], value, (*path, name))
            for name, value in values.items()
        }

    def _complete(self, output_type: GraphQLOutputType, field_plan: FieldPlan, value: Any, path: Path) -> Any:
        if is_non_null_type(output_type):
            completed = self._complete_nullable(output_type.of_type, field_plan, value, path)
            if completed is None:
                error = TypeError(f"Cannot return null for non-nullable field {field_plan.coordinate}.")
                raise _PropagatedError(error, path, field_plan)
            return completed
        try:
            return self._complete_nullable(output_type, field_plan, value, path)
        except _PropagatedError as propagated:
            self._record(propagated)
            return None

    def _complete_nullable(self, output_type: Any, field_plan: FieldPlan, value: Any, path: Path) -> Any:
        if isinstance(value, FieldFailure):
            error = _not_a_list(field_plan) if isinstance(value.error, NotAList) else value.error
            raise _PropagatedError(error, path, field_plan)
        if value is None or isinstance(value, JsonFragment):
            return value
        if is_list_type(output_type):
            if not isinstance(value, list | tuple):
                raise _PropagatedError(_not_a_list(field_plan), path, field_plan)
            return [
                self._complete(output_type.of_type, field_plan, item, (*path, index))
                for index, item in enumerate(value)
            ]
        if isinstance(value, dict) and field_plan.child is not None:
            child = field_plan.child
            plan = self.plans_by_id[id(value)] if isinstance(child, LookupsBySource) else child
            return self._complete_fields(plan.fields, value, path)
        return value


def _not_a_list(field_plan: FieldPlan) -> GraphQLError:
    return GraphQLError(f"Expected Iterable, but did not find one for field '{field_plan.coordinate}'.")
