"""A breadth-first executor of GraphQL: an operation is compiled once, then read level by level, a batch at a time.

It knows GraphQL, rows and batches, and nothing of what they are about. A host says once of each field what it is made
of (`declarations`), and gives a reader, which fetches the rows of many keys at once (`reading`). `compile_operation`
makes a plan of a validated operation, or raises Uncovered, which says why the host's other executor has to answer;
`run` carries a plan out. Of a document that was parsed and found valid, its `operation` and `fragments`:

    names = conditions_of(operation, fragments)
    variables = get_variable_values(graph, operation.variable_definitions, given)
    conditions = {name: variables.coerced.get(name) for name in names}
    plan = compile_operation(graph, declare, reading, operation, fragments, conditions)
    outcome = await run(plan, open_reader, context, variables)

A plan holds no value of a request, but for `conditions`: keep it by them. `tests/execution` is a host of its own.
"""

from benegraph.execution.compiling import compile_operation, conditions_of
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
from benegraph.execution.reading import Json, Layout, Nested, Part, Reach, Reader, Reading, Row, Slot, Wanted, Window
from benegraph.execution.running import Open, Outcome, run

__all__ = [
    "Arguments",
    "Batched",
    "Column",
    "Declaration",
    "Declare",
    "Derived",
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
    "Reading",
    "Row",
    "Slot",
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
