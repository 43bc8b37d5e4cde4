"""The event feed in GraphQL: every change that the viewer may see, in one order."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import strawberry

from benegraph.db import store
from benegraph.domain.errors import BadInput
from benegraph.domain.event_types import EVENT_TYPES_BY_NAME, event_type_name
from benegraph.domain.ids import IdPrefix
from benegraph.graphql.types.fields import computed, to_one, to_page
from benegraph.graphql.types.node import Node, parse_id_prefix, to_node
from benegraph.graphql.types.paging import Edge, PageInfo
from benegraph.graphql.types.scalars import Json

if TYPE_CHECKING:
    from benegraph.graphql.types.employers import Employer
    from benegraph.graphql.types.people import Employee


@strawberry.input(
    description="A filter on events. All fields must match; an omitted or null field matches every event."
)
class EventFilter:
    types: list[str] | None = strawberry.field(
        description="Events of one of these types, such as enrollment.elected. An empty list matches none."
    )
    employer_id: strawberry.ID | None = strawberry.field(description="Events of this employer and its people.")
    subject_id: strawberry.ID | None = strawberry.field(description="Events of the object with this ID.")
    since: datetime | None = strawberry.field(description="Events that occurred at this instant or later.")

    def to_store_filter(self) -> store.events.EventFilter:
        """Return the store's filter. Raises BadInput for a malformed ID or an unknown type."""
        if self.employer_id is not None:
            parse_id_prefix(self.employer_id, IdPrefix.EMPLOYER)
        if self.subject_id is not None:
            parse_id_prefix(self.subject_id)
        keys = None if self.types is None else tuple(dict.fromkeys(map(_key_of_type, self.types)))
        return store.events.EventFilter(keys, self.employer_id, self.subject_id, self.since)


def _key_of_type(name: str) -> str:
    if name not in EVENT_TYPES_BY_NAME:
        raise BadInput(f"Invalid `types`: {name[:100]} is no event type; an example is enrollment.elected.")
    return EVENT_TYPES_BY_NAME[name].key


def _parse_json(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _list_changed_fields(event: Any) -> list[str]:
    before, after, withheld = map(_parse_json, (event.before, event.after, event.withheld_columns))
    return sorted({*(before or ()), *(after or ()), *withheld})


@strawberry.type(description="One change of an object. Events are never changed or deleted.")
class Event(Node):
    type: str = computed(
        lambda event: event_type_name(event.subject_id, event.action),
        "The type, such as enrollment.elected. Types are never renamed.",
        ("subject_id", "action"),
    )
    subject_id: strawberry.ID = strawberry.field(
        description="The ID of the changed object. For the tenant's settings, the tenant's name."
    )
    subject: Node | None = to_node(
        "subject_id", "The changed object as it is now. Null if it was deleted, or the viewer may not see it."
    )
    occurred_at: datetime = strawberry.field(
        description="When the request that made the change began. The feed is not sorted by it."
    )
    actor: str = strawberry.field(
        description=(
            "The role of the caller and the ID of its API key (or a pseudonym of its token's subject). Employees see"
            " only the role."
        )
    )
    request_id: str | None = strawberry.field(
        description="The `X-Request-ID` of the request that made the change; null if it wasn't made by a request."
    )
    reason: str | None = strawberry.field(
        description=(
            "The reason that was passed for the change; null if there is none. Employees see only the reasons that they"
            " gave themselves."
        )
    )
    employer: Annotated["Employer", strawberry.lazy("benegraph.graphql.types.employers")] | None = to_one(
        store.employers.by_ids, "employer_id", "The employer that the change concerns; null if it concerns none."
    )
    employee: Annotated["Employee", strawberry.lazy("benegraph.graphql.types.people")] | None = to_one(
        store.people.by_ids, "employee_id", "The employee that the change concerns; null if it concerns none."
    )
    changed_fields: list[str] = computed(
        _list_changed_fields,
        (
            "The names of the changed columns in alphabetical order, also of those with personal data, whose values are"
            " not recorded. Of a new object, the columns that were set."
        ),
        ("before", "after", "withheld_columns"),
    )
    before: Json | None = computed(
        lambda event: _parse_json(event.before),
        "The changed columns' values before the change, by name, without personal data. Null for a new object.",
        ("before",),
    )
    after: Json | None = computed(
        lambda event: _parse_json(event.after),
        "The changed columns' values after the change, by name, without personal data. Null for a deleted object.",
        ("after",),
    )


@strawberry.type(description="A page of the event feed.")
class EventConnection:
    nodes: list[Event] = strawberry.field(description="The events of this page.")
    edges: list[Edge[Event]] = strawberry.field(description="The events of this page, each with its cursor.")
    page_info: PageInfo = strawberry.field(description="The position of this page in the feed.")


@strawberry.type
class EventsQuery:
    events: EventConnection = to_page(
        store.events.page,
        None,
        (
            "All changes that the viewer may see, in an order that never changes: the event feed. A reader that passes"
            " the last cursor it got as `after` gets every later change once. Without a cursor, from the oldest on."
        ),
        filter=EventFilter,
    )
