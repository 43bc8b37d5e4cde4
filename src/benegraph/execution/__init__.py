"""A breadth-first GraphQL executor: it compiles an operation once, and reads related rows for all parents at once.

It knows GraphQL (graphql-core 3.3 or later), rows and keys, and nothing of their subject. A host declares how each
field gets its value, describes its sources (`SourceMetadata`), and provides a `Reader`, which fetches the rows of many
keys at once. `compile_operation` compiles a validated operation to a plan; `run_plan` executes it. Both may raise
UnsupportedOperation, which says why another executor has to execute the operation; `run_plan` never does so for a
mutation.

    names = directive_variables(operation, fragments)  # may raise UnsupportedOperation, too
    variables = get_variable_values(schema, operation.variable_definitions, inputs)  # or a list of errors
    condition_values = {name: variables.coerced.get(name) for name in names}
    plan = compile_operation(schema, declare, metadata, operation, fragments, condition_values)
    result = await run_plan(plan, open_reader, context, variables)

A plan holds no value of a request except `condition_values`: cache it by them. README.md follows one query through the
whole package. `tests/execution` contains a small host.
"""

from benegraph.execution.compile.operation import compile_operation
from benegraph.execution.compile.selection import (
    SelectionContext,
    child_selection_sets,
    directive_variables,
    iter_selections,
)
from benegraph.execution.plan.declarations import (
    Arguments,
    Column,
    Computed,
    ComputedInBatch,
    Declaration,
    Declare,
    FromContext,
    Lookup,
    LookupKey,
    LookupMany,
    MutationCall,
    SameObject,
    ToMany,
    ToManyByKeys,
    ToOne,
    ToOneOf,
    ToPage,
    UnsupportedOperation,
)
from benegraph.execution.plan.host import OpenReader, Prepare, Reader, SourceMetadata
from benegraph.execution.plan.operation import OperationPlan
from benegraph.execution.plan.rows import (
    Cardinality,
    JsonFragment,
    JsonLayout,
    JsonPart,
    NestedQuery,
    PageField,
    RequestedPage,
    Row,
    RowQuery,
)
from benegraph.execution.run.execute import PlanResult, run_plan

__all__ = [
    "Arguments",
    "Cardinality",
    "Column",
    "Computed",
    "ComputedInBatch",
    "Declaration",
    "Declare",
    "FromContext",
    "JsonFragment",
    "JsonLayout",
    "JsonPart",
    "Lookup",
    "LookupKey",
    "LookupMany",
    "MutationCall",
    "NestedQuery",
    "OpenReader",
    "OperationPlan",
    "PageField",
    "PlanResult",
    "Prepare",
    "Reader",
    "RequestedPage",
    "Row",
    "RowQuery",
    "SameObject",
    "SelectionContext",
    "SourceMetadata",
    "ToMany",
    "ToManyByKeys",
    "ToOne",
    "ToOneOf",
    "ToPage",
    "UnsupportedOperation",
    "child_selection_sets",
    "compile_operation",
    "directive_variables",
    "iter_selections",
    "run_plan",
]
