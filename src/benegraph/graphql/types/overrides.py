"""Election overrides in GraphQL: answers that administrators gave outside the election window."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from benegraph.db import store
from benegraph.domain.ids import IdPrefix
from benegraph.graphql.types.enrollments import Enrollment
from benegraph.graphql.types.fields import to_one, to_page
from benegraph.graphql.types.node import VERSION_DESCRIPTION, Node, parse_id_prefix
from benegraph.graphql.types.paging import Connection

if TYPE_CHECKING:
    from benegraph.graphql.types.people import Employee


@strawberry.input(
    description=(
        "A filter on election overrides. All fields must match; an omitted or null field matches every override."
    )
)
class ElectionOverrideFilter:
    employer_id: strawberry.ID | None = strawberry.field(description="Overrides of this employer's enrollments.")
    reviewed: bool | None = strawberry.field(description="Overrides that are reviewed, or that are not.")

    def to_store_filter(self) -> store.enrollments.ElectionOverrideFilter:
        """Return the store's filter. Raises BadInput for a malformed ID."""
        if self.employer_id is not None:
            parse_id_prefix(self.employer_id, IdPrefix.EMPLOYER)
        return store.enrollments.ElectionOverrideFilter(self.employer_id, self.reviewed)


@strawberry.type(
    description=(
        "An answer that an administrator gave outside the election window, and its review. The answer before it is"
        " `replacedEnrollment`, the answer after it `enrollment`. Employees see no overrides."
    )
)
class ElectionOverride(Node):
    employee: Annotated["Employee", strawberry.lazy("benegraph.graphql.types.people")] = to_one(
        store.people.by_ids, "employee_id", "The employee."
    )
    enrollment: Enrollment = to_one(store.enrollments.by_ids, "enrollment_id", "The enrollment with the answer.")
    replaced_enrollment: Enrollment | None = to_one(
        store.enrollments.by_ids,
        "replaced_id",
        "The answered enrollment that the override replaced; null if the enrollment itself was unanswered.",
    )
    previous_effective_on: date = strawberry.field(
        name="previousEffectiveDate",
        description="The day on which an answer would have taken effect, or the replaced one did.",
    )
    effective_on: date = strawberry.field(name="effectiveDate", description="The day on which the answer takes effect.")
    reason: str = strawberry.field(description="The administrator's reason.")
    actor: str = strawberry.field(
        description="The role of the caller and the ID of its API key (or a pseudonym of its token's subject)."
    )
    reviewed_at: datetime | None = strawberry.field(description="When the override was reviewed; null until then.")
    reviewer: str | None = strawberry.field(
        description="The reviewer's role and the ID of its API key (or a pseudonym); null until the review."
    )
    review_notes: str | None = strawberry.field(description="The reviewer's notes; null if there are none.")
    created_at: datetime = strawberry.field(description="When the override was made.")
    version: int = strawberry.field(description=VERSION_DESCRIPTION)


@strawberry.type
class OverridesQuery:
    election_overrides: Connection[ElectionOverride] = to_page(
        store.enrollments.override_page,
        None,
        "All election overrides that the viewer may see, oldest first. Employees see none.",
        filter=ElectionOverrideFilter,
    )
