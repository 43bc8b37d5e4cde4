"""Mutations of life events: reporting and reviewing them."""

from datetime import date
from enum import StrEnum

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.mutations.inputs import (
    REASON_DESCRIPTION,
    MutationInput,
    VersionedInput,
    mutation_input,
    optional,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.enrollments import QualifyingLifeEvent
from benegraph.graphql.types.enums import EmploymentClass, LifeEventStatus, LifeEventType, describe_enum
from benegraph.graphql.types.fields import to_one
from benegraph.services import enrollments
from benegraph.services.enrollments.life_events import LifeEventReport
from benegraph.services.life_event_reviews import EmploymentChange, review_with_employment_change


class LifeEventDecision(StrEnum):
    """The result of reviewing a life event."""

    APPROVED = "APPROVED"
    DENIED = "DENIED"


describe_enum(
    LifeEventDecision,
    "The result of reviewing a life event.",
    {
        "APPROVED": "The employee may change enrollments because of the event.",
        "DENIED": "The event allows no change.",
    },
)


@mutation_input("A life event of an employee.")
class ReportLifeEventInput(MutationInput):
    employee_id: strawberry.ID = required("The employee.")
    event_type: LifeEventType = required("The type of event.")
    event_date: date = required(
        "The day of the event: today, or at most 30 days ago (60 for the loss of Medicaid or CHIP)."
    )
    dependent_id: strawberry.ID | None = optional("The dependent that the event concerns.")
    notes: str | None = optional("Notes for the reviewer.")


@mutation_payload
class ReportLifeEventPayload:
    qualifying_life_event: QualifyingLifeEvent | None = to_one(
        store.enrollments.life_events_by_ids, "life_event_id", "The life event, pending review."
    )


@mutation_input("The review of a life event.")
class ReviewLifeEventInput(VersionedInput):
    qualifying_life_event_id: strawberry.ID = required("The life event, which must be pending.")
    decision: LifeEventDecision = required("The decision.")
    review_notes: str | None = optional("The reasons for the decision. Employees cannot read them.")
    employment_class: EmploymentClass | None = optional(
        "Only with the approval of a `REDUCTION_IN_HOURS`: the employee's class from today, as by `updateEmployee`."
    )
    termination_date: date | None = optional(
        "Only with the approval of a `TERMINATION`: the first day without employment, as by `terminateEmployee`. The"
        " notes are the reason."
    )


@mutation_payload
class ReviewLifeEventPayload:
    qualifying_life_event: QualifyingLifeEvent | None = to_one(
        store.enrollments.life_events_by_ids, "life_event_id", "The reviewed life event."
    )


@mutation(
    Action.REPORT_LIFE_EVENT,
    ReportLifeEventPayload,
    "Report a life event, at most 30 days after its date (60 for the loss of Medicaid or CHIP).",
)
async def report_life_event(tx: Transaction, input: ReportLifeEventInput) -> ResultData:
    report = LifeEventReport(
        input.event_type, input.event_date, value_or_none(input.dependent_id), value_or_none(input.notes)
    )
    return {"life_event_id": await enrollments.report_life_event(tx, input.employee_id, report)}


@mutation(
    Action.REVIEW_LIFE_EVENT,
    ReviewLifeEventPayload,
    "Approve or deny a pending life event. After approval, the employee has at least ten days for the change. The"
    " approval of an event that ends eligibility can change the employment too, with the permission for that mutation.",
)
async def review_life_event(tx: Transaction, input: ReviewLifeEventInput) -> ResultData:
    change = EmploymentChange(value_or_none(input.employment_class), value_or_none(input.termination_date))
    await review_with_employment_change(
        tx,
        input.qualifying_life_event_id,
        LifeEventStatus(input.decision.value),
        value_or_none(input.review_notes),
        value_or_none(input.expected_version),
        change,
    )
    return {"life_event_id": input.qualifying_life_event_id}


@mutation_input("The life event whose review is undone.")
class UndoLifeEventReviewInput(VersionedInput):
    qualifying_life_event_id: strawberry.ID = required("The life event, approved or denied.")
    reason: str | None = optional(REASON_DESCRIPTION)


@mutation_payload
class UndoLifeEventReviewPayload:
    qualifying_life_event: QualifyingLifeEvent | None = to_one(
        store.enrollments.life_events_by_ids, "life_event_id", "The life event, pending review again."
    )


@mutation(
    Action.UNDO_LIFE_EVENT_REVIEW,
    UndoLifeEventReviewPayload,
    "Undo the review of a life event, so that it is pending again. It is refused while something rests on the review:"
    " an enrollment that was answered or can be answered because of it, or a change of the employment that it applied."
    " A dependent whom the approval made inactive is active again.",
)
async def undo_life_event_review(tx: Transaction, input: UndoLifeEventReviewInput) -> ResultData:
    id = input.qualifying_life_event_id
    await enrollments.undo_life_event_review(tx, id, value_or_none(input.reason), value_or_none(input.expected_version))
    return {"life_event_id": id}


@mutation_input("The life event to withdraw.")
class WithdrawLifeEventInput(VersionedInput):
    qualifying_life_event_id: strawberry.ID = required(
        "The life event. An employee can withdraw it only while it is pending."
    )
    reason: str | None = optional(REASON_DESCRIPTION)


@mutation_payload
class WithdrawLifeEventPayload:
    qualifying_life_event: QualifyingLifeEvent | None = to_one(
        store.enrollments.life_events_by_ids, "life_event_id", "The withdrawn life event."
    )


@mutation(
    Action.WITHDRAW_LIFE_EVENT,
    WithdrawLifeEventPayload,
    "Withdraw a life event that was reported by mistake. It is refused while something rests on it, like"
    " `undoLifeEventReview`. The event can be reported again.",
)
async def withdraw_life_event(tx: Transaction, input: WithdrawLifeEventInput) -> ResultData:
    id = input.qualifying_life_event_id
    await enrollments.withdraw_life_event(tx, id, value_or_none(input.reason), value_or_none(input.expected_version))
    return {"life_event_id": id}
