"""A breadth-first executor of GraphQL: an operation is compiled once, then read level by level, a batch at a time.

It knows GraphQL (graphql-core 3.3 and later), rows and batches, and nothing of what they are about. A host says once of
each field what it is made of (`declarations`), tells of its sources, and gives a reader, which fetches the rows of many
keys at once (`reading`). `compile_operation` makes a plan of a validated operation, and `run` carries it out. Both may
raise Uncovered, which says why another executor has to answer; `run` never for a mutation. Of a document that was
parsed and found valid, its `operation` and `fragments`:

    names = conditions_of(operation, fragments)  # may raise Uncovered, too
    variables = get_variable_values(graph, operation.variable_definitions, given)  # or a list of errors
    conditions = {name: variables.coerced.get(name) for name in names}
    plan = compile_operation(graph, declare, sources, operation, fragments, conditions)
    outcome = await run(plan, open_reader, context, variables)

A plan holds no value of a request, but for `conditions`: keep it by them. `tests/execution` is a host of its own.
"""

from benegraph.execution.compiling import compile_operation
from benegraph.execution.declarations import (
    Arguments,
    Batched,
    Column,
    Declaration,
    Declare,
    Derived,
    Find,
    FindEach,
    Given,
    Itself,
    Perform,
    Target,
    ToMany,
    ToOne,
    ToPage,
    ToSeveral,
    Uncovered,
)
from benegraph.execution.plans import Plan
from benegraph.execution.reading import (
    Fact,
    Json,
    Layout,
    Nested,
    Part,
    Reach,
    Reader,
    Row,
    Slot,
    Sources,
    Wanted,
    Window,
)
from benegraph.execution.running import Open, Outcome, run
from benegraph.execution.selecting import conditions_of

__all__ = [
    "Arguments",
    "Batched",
    "Column",
    "Declaration",
    "Declare",
    "Derived",
    "Fact",
    "Find",
    "FindEach",
    "Given",
    "Itself",
    "Json",
    "Layout",
    "Nested",
    "Open",
    "Outcome",
    "Part",
    "Perform",
    "Plan",
    "Reach",
    "Reader",
    "Row",
    "Slot",
    "Sources",
    "Target",
    "ToMany",
    "ToOne",
    "ToPage",
    "ToSeveral",
    "Uncovered",
    "Wanted",
    "Window",
    "compile_operation",
    "conditions_of",
    "run",
]
