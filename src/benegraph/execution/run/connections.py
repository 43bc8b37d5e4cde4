"""Build connections from pages of rows: nodes, edges, cursors, page info and counts."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from benegraph.execution.plan.operation import Execution, PagePartsPlan, PagePlan, ResponseObject, Statement
from benegraph.execution.plan.rows import PageField, RequestedPage, Row
from benegraph.execution.run.objects import build_row_lists, load_row_lists, zip_columns


async def load_pages(
    execution: Execution, statement: Statement, plan: PagePlan, keys: list[Any], page: RequestedPage
) -> list[ResponseObject]:
    """Read a page for each key, with its count where that is selected, and build the connections."""
    lists = await load_row_lists(execution, statement, keys) if plan.reads_rows else [[] for _ in keys]
    counts = None
    if plan.has_count:
        non_null = [key for key in keys if key is not None]
        assert execution.reader is not None, "a plan that counts opens a reader"  # noqa: S101 - narrows for mypy
        counted = await execution.reader.count(statement.row_query, non_null, page) if non_null else {}
        counts = [0 if key is None else counted[key] for key in keys]
    return await build_pages(execution, plan, lists, page, counts)


async def build_pages(
    execution: Execution,
    plan: PagePlan,
    lists: Sequence[Sequence[Row]],
    page: RequestedPage,
    counts: Sequence[int] | None,
) -> list[ResponseObject]:
    """Build a connection from each list of fetched rows."""
    shown = [page.select_shown(rows) for rows in lists]
    columns: dict[str, Iterable[Any]] = {}
    for part in plan.parts:
        if part.field is PageField.NODES:
            columns[part.response_name] = await build_row_lists(execution, part.child, shown)
        elif part.field is PageField.EDGES:
            columns[part.response_name] = await _build_edges(execution, part.child, shown, page, plan)
        elif part.field is PageField.PAGE_INFO:
            columns[part.response_name] = [
                _build_page_info(part.child, rows, len(fetched), page, plan)
                for rows, fetched in zip(shown, lists, strict=True)
            ]
        elif part.field is PageField.TOTAL_COUNT:
            columns[part.response_name] = counts or ()
        else:
            columns[part.response_name] = [part.type_name] * len(lists)
    return zip_columns(columns, len(lists))


async def _build_edges(
    execution: Execution, plan: PagePartsPlan, lists: Sequence[Sequence[Row]], page: RequestedPage, page_plan: PagePlan
) -> list[list[ResponseObject]]:
    rows = [row for each in lists for row in each]
    columns: dict[str, Iterable[Any]] = {}
    for part in plan.parts:
        if part.field is PageField.NODE:
            columns[part.response_name] = await execution.build_objects(part.child, rows)
        elif part.field is PageField.CURSOR:
            columns[part.response_name] = _cursors(rows, page, page_plan)
        else:
            columns[part.response_name] = [part.type_name] * len(rows)
    edges = iter(zip_columns(columns, len(rows)))
    return [list(islice(edges, len(each))) for each in lists]


def _build_page_info(
    plan: PagePartsPlan, rows: Sequence[Row], fetched_count: int, page: RequestedPage, page_plan: PagePlan
) -> ResponseObject:
    info: ResponseObject = {}
    for part in plan.parts:
        if part.field is PageField.HAS_NEXT_PAGE:
            info[part.response_name] = page.has_next_page(fetched_count)
        elif part.field is PageField.HAS_PREVIOUS_PAGE:
            info[part.response_name] = page.has_previous_page(fetched_count)
        elif part.field is PageField.TYPENAME:
            info[part.response_name] = part.type_name
        else:
            end = rows[:1] if part.field is PageField.START_CURSOR else rows[-1:]
            info[part.response_name] = next(iter(_cursors(end, page, page_plan)), None)
    return info


def _cursors(rows: Sequence[Row], page: RequestedPage, page_plan: PagePlan) -> list[str]:
    assert page_plan.order_key is not None, "a page with cursors reads the order key"  # noqa: S101 - narrows for mypy
    index = page_plan.order_key.index
    return [page.encode_cursor(row[index]) for row in rows]
