"""Row queries of the event feed: all recorded changes that a viewer may see, in one order that never changes.

The order is that of the recording transactions' numbers, then of the IDs, which count the events of a transaction. A
transaction with a lower number may commit after one with a higher number. So the feed ends before the first transaction
that is still in progress: a reader that continues from a position then misses no event.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Text,
    any_,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import aliased

from benegraph.db.models import Event
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import ReadSession
from benegraph.db.store.conditions import visibility_conditions
from benegraph.db.store.history import PERSONAL_COLUMNS
from benegraph.db.store.row_queries import OneByKey, PagedRows, PageWindow
from benegraph.domain.access import Role
from benegraph.domain.event_types import Audience, visible_keys
from benegraph.domain.ids import IdPrefix

#: A position in the feed: a transaction's number, and the ID of the last event before the position.
FeedPosition = tuple[int, str]

#: The position before all events.
START_POSITION: FeedPosition = (0, "")

#: Columns with free text or the names of callers, which employees don't see.
_HIDDEN_FROM_EMPLOYEES = ("actor", "actor_role", "label", "reason", "reissue_reason", "review_notes", "reviewer")
_END: ColumnElement[int] = func.event_transaction_number(
    func.pg_snapshot_xmin(func.pg_current_snapshot()), type_=BigInteger
)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A filter of events; None does not filter. `keys` are the keys of event types, see `domain.event_types`."""

    keys: tuple[str, ...] | None = None
    employer_id: str | None = None
    subject_id: str | None = None
    since: datetime | None = None


def event_columns(scope: QueryScope) -> dict[str, ColumnElement[Any]]:
    """Return the columns of events by name, as the viewer may see them.

    Employees see actors only as roles, and only the reasons that they gave themselves.
    """
    columns: dict[str, ColumnElement[Any]] = dict(Event.__table__.c)
    if scope.employee_id is not None:
        is_own = Event.actor_role == Role.EMPLOYEE
        columns["actor"] = Event.__table__.c.actor_role.label("actor")
        columns["reason"] = case((is_own, Event.reason), else_=null()).label("reason")
    return columns


def rows(scope: QueryScope) -> Select[Any]:
    """Select the events of the feed that the viewer may see; `before`, `after` and `withheld_columns` are JSON texts.

    Events whose recording transaction may precede one in progress are left out.
    """
    columns = event_columns(scope)
    hidden = sorted(PERSONAL_COLUMNS | set(_HIDDEN_FROM_EMPLOYEES if scope.employee_id is not None else ()))
    hidden_names = literal_column(f"'{{{','.join(hidden)}}}'::text[]", ARRAY(Text))
    for name in ("before", "after"):
        columns[name] = cast(Event.__table__.c[name].op("-")(hidden_names), Text).label(name)
    columns["withheld_columns"] = cast(Event.__table__.c.withheld_columns, Text).label("withheld_columns")
    suffix = func.substr(Event.__table__.c.id, literal_column(str(len(IdPrefix.EVENT) + 1)), type_=Text)
    columns["id"] = literal_column(f"'{IdPrefix.FEED_EVENT}'", Text).concat(suffix).label("id")
    columns["position"] = Event.__table__.c.id.label("position")
    return select(*columns.values()).where(
        *visibility_conditions(scope, Event, Event.employer_id, Event.employee_id),
        *_audience_conditions(scope),
        Event.transaction_number < _END,
    )


def _audience_conditions(scope: QueryScope) -> list[ColumnElement[bool]]:
    if scope.employer_id is None:
        return []
    audience = Audience.EMPLOYERS if scope.employee_id is None else Audience.EMPLOYEES
    return [Event.type_key.in_([literal_column(f"'{key}'", Text) for key in visible_keys(audience)])]


def apply_filter(_scope: QueryScope, events: Select[Any], filter: EventFilter) -> Select[Any]:
    if filter.keys is not None:
        events = events.where(Event.type_key == any_(array(filter.keys, type_=Text)))
    if filter.employer_id is not None:
        events = events.where(Event.employer_id == filter.employer_id)
    if filter.subject_id is not None:
        events = events.where(Event.subject_id == filter.subject_id)
    if filter.since is not None:
        events = events.where(Event.occurred_at >= filter.since)
    return events


@dataclass(frozen=True, slots=True, eq=False)
class FeedPages(PagedRows):
    """Pages of the feed, in a time that does not depend on the number of events before, or of other types.

    Only `since` without a cursor takes a time in proportion to the number of events since that instant.
    """

    def _page(self, scope: QueryScope, window: PageWindow) -> Select[Any]:
        filter: EventFilter = window.filter or EventFilter()
        page = PagedRows._page(self, scope, replace(window, filter=replace(filter, keys=None)))  # noqa: SLF001 - the extended method
        if filter.since is not None and window.after is None and scope.employer_id is None:
            page = page.where(Event.transaction_number >= _first_number_since(scope, filter.since))
        if filter.keys is None:
            return page
        # One index scan for each type, which ends with the page. An `= ANY` would read and sort all events of the
        # types, or read the feed until enough of them are found.
        keys = func.unnest(array(filter.keys, type_=Text)).table_valued("key").render_derived("wanted")
        of_key = page.where(Event.type_key == keys.c.key).lateral("of_key")
        merged = select(of_key).select_from(keys.join(of_key, true()))
        is_reversed = window.first is None
        sorting = (of_key.c[column.key] for column, _ in self.sort_columns(window.order))
        merged = merged.order_by(*(column.desc() if is_reversed else column for column in sorting))
        return merged.limit(literal_column(str(int(window.limit))))


def _first_number_since(scope: QueryScope, since: Any) -> ColumnElement[int]:
    """Return the lowest number of the tenant's events since an instant, from the index on instants."""
    earlier = aliased(Event)
    # The addition keeps the planner from reading the feed from its beginning until the first event that matches.
    lowest = func.min(earlier.transaction_number + literal_column("0"))
    return select(lowest).where(earlier.tenant_id == scope.tenant_id, earlier.occurred_at >= since).scalar_subquery()


async def list_events_after(
    read_session: ReadSession, position: FeedPosition, filter: EventFilter, limit: int
) -> Sequence[Row[Any]]:
    """List the first events after a position that match a filter and that the viewer may see, at most `limit`."""
    window = PageWindow(limit, after=position, filter=filter, additional_rows=0)
    return (await page(read_session, [""], window))[""].rows


async def get_end_position(read_session: ReadSession) -> FeedPosition:
    """Return the position of the last event that the viewer may see, from which a reader gets only later ones.

    The number of the first transaction in progress is no position: after a crash the server can assign it again.
    """
    last = (await page(read_session, [""], PageWindow(None, last=1)))[""].rows
    return (last[0].transaction_number, last[0].position) if last else START_POSITION


by_ids = OneByKey(rows, Event.id)
page = FeedPages(rows, None, {"FEED": (Event.transaction_number, Event.position)}, apply_filter)
