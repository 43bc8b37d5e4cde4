"""Trees: one statement for the rows of many keys, with all that is wanted within each row, however deep.

What is nested stands in the select list as a subquery of its own: `(SELECT ROW(…) …)` for one row, `ARRAY(SELECT
ROW(…) …)` for several. These come back as the driver's own values. What has a layout comes as a text instead: the JSON
of its rows, as the answer holds it. No name of a client's stands in a statement.
"""

from benegraph.db.query_compiler.columns import columns_of, holds_ids, may_lack, words_of, writes, writes_cursors
from benegraph.db.query_compiler.places import key_values, shape_of, window_values
from benegraph.db.query_compiler.statements import count_of, rows_of

__all__ = [
    "columns_of",
    "count_of",
    "holds_ids",
    "key_values",
    "may_lack",
    "rows_of",
    "shape_of",
    "window_values",
    "words_of",
    "writes",
    "writes_cursors",
]
