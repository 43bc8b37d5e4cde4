"""A breadth-first executor of GraphQL: an operation is compiled once, then read level by level, a batch at a time.

It knows GraphQL, rows and batches, and nothing of what they are about. A host says once of each field what it is made
of (`declarations`), and gives a reader, which fetches the rows of many keys at once (`reading`). `compile_operation`
makes a plan of a validated operation, or raises Uncovered, which says why the host's other executor has to answer;
`run` carries a plan out.
"""

from benegraph.execution.compiling import compile_operation, conditions_of
from benegraph.execution.declarations import (
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
from benegraph.execution.reading import Nested, Reader, Reading, Row, Wanted, Window
from benegraph.execution.running import Outcome, run

__all__ = [
    "Batched",
    "Column",
    "Declaration",
    "Declare",
    "Derived",
    "Find",
    "FindEach",
    "Given",
    "Itself",
    "Nested",
    "Outcome",
    "Perform",
    "Plan",
    "Reader",
    "Reading",
    "Row",
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
