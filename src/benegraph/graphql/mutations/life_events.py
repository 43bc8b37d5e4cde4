"""Mutations of life events."""

from datetime import date
from enum import StrEnum
from typing import Annotated

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.context import Info
from benegraph.graphql.mutations.inputs import EXPECTED_VERSION, IDEMPOTENCY_KEY, THE_INPUT, optional, present
from benegraph.graphql.mutations.perform import Result, UserError, perform, user_errors
from benegraph.graphql.types.enrollments import QualifyingLifeEvent
from benegraph.graphql.types.enums import LifeEventStatus, LifeEventType, describe_enum
from benegraph.graphql.types.fields import to_one
from benegraph.services import enrollments
from benegraph.services.enrollments.life_events import LifeEventReport


class LifeEventDecision(StrEnum):
    """How a life event is judged."""

    APPROVED = "APPROVED"
    DENIED = "DENIED"


describe_enum(
    LifeEventDecision,
    "How a life event is judged.",
    {"APPROVED": "It lets the employee change enrollments.", "DENIED": "It lets the employee change nothing."},
)


@strawberry.input(description="What happened, to whom, and when.")
class ReportLifeEventInput:
    employee_id: strawberry.ID = strawberry.field(description="The employee.")
    event_type: LifeEventType = strawberry.field(description="What happened.")
    event_date: date = strawberry.field(description="When it happened: today or before, at most 30 (60) days ago.")
    dependent_id: strawberry.ID | None = optional("The dependent it is about.")
    notes: str | None = optional("What the reviewer should know.")
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of reportLifeEvent.")
class ReportLifeEventPayload:
    qualifying_life_event: QualifyingLifeEvent | None = to_one(
        store.enrollments.life_events_by_ids, "life_event_id", "The event, to be judged."
    )
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="How a life event is judged.")
class ReviewLifeEventInput:
    qualifying_life_event_id: strawberry.ID = strawberry.field(description="The event; still pending.")
    decision: LifeEventDecision = strawberry.field(description="The judgement.")
    review_notes: str | None = optional("Why; employees don't see it.")
    expected_version: int | None = EXPECTED_VERSION()
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of reviewLifeEvent.")
class ReviewLifeEventPayload:
    qualifying_life_event: QualifyingLifeEvent | None = to_one(
        store.enrollments.life_events_by_ids, "life_event_id", "The event, judged."
    )
    user_errors: list[UserError] = user_errors()


@strawberry.type
class LifeEventsMutation:
    @strawberry.mutation(
        description="Report a life event, through day 30 after it (60 for the loss of Medicaid or CHIP)."
    )
    async def report_life_event(
        self, info: Info, input: Annotated[ReportLifeEventInput, THE_INPUT]
    ) -> ReportLifeEventPayload:
        report = LifeEventReport(input.event_type, input.event_date, present(input.dependent_id), present(input.notes))

        async def story(tx: Transaction) -> Result:
            return {"life_event_id": await enrollments.report_life_event(tx, input.employee_id, report)}

        done: ReportLifeEventPayload = await perform(info, Action.REPORT_LIFE_EVENT, input, story)
        return done

    @strawberry.mutation(
        description="Judge a life event, once. Approval leaves at least ten days to make the change it allows."
    )
    async def review_life_event(
        self, info: Info, input: Annotated[ReviewLifeEventInput, THE_INPUT]
    ) -> ReviewLifeEventPayload:
        async def story(tx: Transaction) -> Result:
            await enrollments.review_life_event(
                tx,
                input.qualifying_life_event_id,
                LifeEventStatus(input.decision.value),
                present(input.review_notes),
                present(input.expected_version),
            )
            return {"life_event_id": input.qualifying_life_event_id}

        done: ReviewLifeEventPayload = await perform(info, Action.REVIEW_LIFE_EVENT, input, story)
        return done
