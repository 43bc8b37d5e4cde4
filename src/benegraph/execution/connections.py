"""Connections: pages of rows as GraphQL's clients know them, with nodes, edges, cursors and counts."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from benegraph.execution.making import by_parent, grouped, together
from benegraph.execution.plans import Fetch, Made, PagePlan
from benegraph.execution.reading import Row, Window

if TYPE_CHECKING:
    from benegraph.execution.running import Run


async def read_pages(run: "Run", fetch: Fetch, plan: PagePlan, keys: list[Any], window: Window) -> list[Made]:
    """Read a page of each key, and what else is asked of it."""
    lists = await by_parent(run, fetch, keys) if plan.reads_rows else [[] for _ in keys]
    counts = None
    if plan.counts:
        wanted = [key for key in keys if key is not None]
        counted = await run.reader.count(fetch.wanted, wanted, window) if wanted else {}
        counts = [0 if key is None else counted[key] for key in keys]
    return await pages(run, plan, lists, window, counts)


async def pages(
    run: "Run", plan: PagePlan, lists: Sequence[Sequence[Row]], window: Window, counts: Sequence[int] | None
) -> list[Made]:
    """Make the connections of many pages, whose rows are one more than asked for where the list goes on."""
    shown = [rows[: window.first] for rows in lists]
    columns: dict[str, Iterable[Any]] = {}
    for name, part, beneath in plan.parts:
        if part == "nodes":
            columns[name] = await grouped(run, beneath, shown)
        elif part == "edges":
            columns[name] = await _edges(run, beneath, shown, window, plan)
        elif part == "pageInfo":
            columns[name] = [
                _page_info(beneath, rows, window, plan, goes_on=len(whole) > window.first)
                for rows, whole in zip(shown, lists, strict=True)
            ]
        elif part == "totalCount":
            columns[name] = counts or ()
        else:
            columns[name] = [beneath] * len(lists)
    return together(columns, len(lists))


async def _edges(
    run: "Run", part: Any, shown: Sequence[Sequence[Row]], window: Window, page: PagePlan
) -> list[list[Made]]:
    rows = [row for each in shown for row in each]
    columns: dict[str, Iterable[Any]] = {}
    for name, what, beneath in part.parts:
        if what == "node":
            columns[name] = await run.objects(beneath, rows)
        elif what == "cursor":
            columns[name] = _cursors(rows, window, page)
        else:
            columns[name] = [beneath] * len(rows)
    edges = iter(together(columns, len(rows)))
    return [list(islice(edges, len(each))) for each in shown]


def _page_info(part: Any, rows: Sequence[Row], window: Window, page: PagePlan, *, goes_on: bool) -> Made:
    made: Made = {}
    for name, what, beneath in part.parts:
        if what == "hasNextPage":
            made[name] = goes_on
        elif what == "hasPreviousPage":
            made[name] = window.has_previous_page
        elif what in {"startCursor", "endCursor"}:
            end = rows[:1] if what == "startCursor" else rows[-1:]
            made[name] = next(iter(_cursors(end, window, page)), None)
        else:
            made[name] = beneath
    return made


def _cursors(rows: Sequence[Row], window: Window, page: PagePlan) -> list[str]:
    assert page.place is not None, "who asks for cursors wants the place"  # noqa: S101 - see _Compiler._part
    number = page.place.number
    return [window.encode_cursor(row[number]) for row in rows]
