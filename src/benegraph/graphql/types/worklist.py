"""The worklist in GraphQL: what the benefits administrators of an employer have to do."""

from datetime import date

import strawberry

from benegraph.db import store
from benegraph.domain.ids import IdPrefix
from benegraph.graphql.types.billing import PremiumInvoice
from benegraph.graphql.types.employers import Employer
from benegraph.graphql.types.enrollments import Enrollment, QualifyingLifeEvent
from benegraph.graphql.types.enums import WorklistKind
from benegraph.graphql.types.fields import FilterArgument, ListFilter, to_one, to_page
from benegraph.graphql.types.node import parse_id_prefix
from benegraph.graphql.types.overrides import ElectionOverride
from benegraph.graphql.types.paging import Connection
from benegraph.graphql.types.people import Dependent, Employee

#: The cost of reading the rows that items are derived from, in addition to that of the items.
READ_ALL_ITEMS_COST = 10


def _to_store_filter(
    kinds: list[WorklistKind] | None, due_before: date | None, employer_id: str | None
) -> store.worklist.WorklistFilter:
    """Return the store's filter. Raises BadInput for a malformed ID."""
    if employer_id is not None:
        parse_id_prefix(employer_id, IdPrefix.EMPLOYER)
    return store.worklist.WorklistFilter(None if kinds is None else tuple(sorted(set(kinds))), due_before, employer_id)


_FILTER = ListFilter(
    (
        FilterArgument("kinds", list[WorklistKind], "Items of these kinds. An empty list matches none."),
        FilterArgument("due_before", date, "Items due before this day."),
        FilterArgument("employer_id", strawberry.ID, "Items of this employer."),
    ),
    _to_store_filter,
)


@strawberry.type(
    description=(
        "A task of the benefits administrators of an employer. It is derived from today's date and disappears when it"
        " is done. Its kind determines which of the objects are not null."
    )
)
class WorklistItem:
    kind: WorklistKind = strawberry.field(description="The kind of item.")
    due_on: date = strawberry.field(description="The day on which the item is due, which its kind determines.")
    subject_id: strawberry.ID = strawberry.field(
        description=(
            "The ID of the object that the item is about: an enrollment, life event, dependent, election override or"
            " premium invoice. Each object is the subject of at most one item."
        )
    )
    employer: Employer | None = to_one(
        store.employers.by_ids, "employer_id", "The employer; null of an invoice whose group belongs to no employer."
    )
    employee: Employee | None = to_one(
        store.people.by_ids,
        "employee_id",
        "The employee; null of an invoice that bills no subscriber linked to an employee.",
    )
    enrollment: Enrollment | None = to_one(
        store.enrollments.by_ids,
        "enrollment_id",
        "The enrollment to answer, or with the answer of the override to review; null for other kinds.",
    )
    qualifying_life_event: QualifyingLifeEvent | None = to_one(
        store.enrollments.life_events_by_ids,
        "life_event_id",
        "The life event to review, or after which the enrollment was issued; null if there is none.",
    )
    dependent: Dependent | None = to_one(
        store.people.dependents_by_ids,
        "dependent_id",
        "The child that ages out, or the dependent whom the life event concerns; null if there is none.",
    )
    election_override: ElectionOverride | None = to_one(
        store.enrollments.overrides_by_ids, "override_id", "The override to review; null for other kinds."
    )
    premium_invoice: PremiumInvoice | None = to_one(
        store.billing.by_ids, "invoice_id", "The unpaid invoice; null for other kinds."
    )


@strawberry.type
class WorklistQuery:
    worklist: Connection[WorklistItem] = to_page(
        store.worklist.page,
        None,
        "The tasks of benefits administrators for the viewer's employers, oldest due date first. Employees see none.",
        filter=_FILTER,
        cost=READ_ALL_ITEMS_COST,
    )
