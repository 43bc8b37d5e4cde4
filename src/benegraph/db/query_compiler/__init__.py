"""Compile row queries to SQL: one statement for the rows of many keys, with everything nested in them at any depth.

A nested query becomes a subquery in the select list: `(SELECT ROW(…) …)` for one row, `ARRAY(SELECT ROW(…) …)` for
several. The driver decodes these as records. A nested query with a layout becomes text instead: the JSON of its rows,
as the response contains it. Text from clients reaches the server only as bind parameters.

A scope limits a statement to the rows that a viewer may see. Statements are compiled as templates, with the scope's
values as bind parameters (`ScopeShape.template_scope`). A `PageWindow` is the store's form of a page request.
"""

from benegraph.db.query_compiler.columns import (
    can_render_cursors,
    can_render_json,
    columns_of,
    find_enum_columns,
    is_id_column,
    is_nullable_column,
)
from benegraph.db.query_compiler.parameters import key_parameters, statement_cache_key, window_parameters
from benegraph.db.query_compiler.protected_reads import collect_people, reads_protected_columns
from benegraph.db.query_compiler.statements import build_count_statement, build_row_statement

__all__ = [
    "build_count_statement",
    "build_row_statement",
    "can_render_cursors",
    "can_render_json",
    "collect_people",
    "columns_of",
    "find_enum_columns",
    "is_id_column",
    "is_nullable_column",
    "key_parameters",
    "reads_protected_columns",
    "statement_cache_key",
    "window_parameters",
]
