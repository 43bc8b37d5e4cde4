"""Expected sizes: they decide which rows are read within a parent's statement and which by their own statement."""

from benegraph.execution.plan.arguments import FieldArguments
from benegraph.execution.plan.declarations import ToPage

#: Up to this many parents, their related rows are read within their statement: an index lookup for each parent costs
#: less than another round trip to the database.
MAX_PARENTS_FOR_INLINE_ROWS = 128
#: Up to this many parents that come as rows, `ToMany` and `ToPage` fields are rendered as JSON within their statement,
#: where the host can. Within a layout, these have no limit. `ToOne` fields always have the limit above.
MAX_PARENTS_FOR_INLINE_JSON = 1000
#: The expected length of a short list, and the expected number of keys of a lookup.
EXPECTED_LIST_LENGTH = 5
#: Up to this many values, of all its levels, the host is expected to compile a statement within about 20 ms.
MAX_SMALL_STATEMENT_VALUES = 50


def expected_page_size(declaration: ToPage, arguments: FieldArguments) -> int:
    """Return the smaller of the literal arguments `first` and `last`, or else the default page size."""
    sizes = [size for name in ("first", "last") if (size := arguments.int_literal(name)) is not None]
    return min(sizes, default=declaration.default_size)
