"""Confirmations of answers: what was answered, by whom and at what cost, stored once and never changed."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from benegraph.db.models import ConfirmedDependent, ElectionConfirmation, EnrolledDependent, Enrollment, PlanYear
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import RowWrite
from benegraph.domain.enrollments.elections import AcceptedElection
from benegraph.domain.enrollments.status import AnswerSource, WindowReason
from benegraph.domain.ids import IdPrefix
from benegraph.services.enrollments.offers import PlanYearTerms, enrollment_facts
from benegraph.services.enrollments.updates import EnrollmentUpdates

#: The columns of a confirmation that hold the values of the enrollment's own.
_CONFIRMED_COLUMNS = (
    "decision",
    "waiver_reason",
    "selected_plan_id",
    "coverage_tier",
    "employee_contribution_cents",
    "employer_contribution_cents",
    "effective_on",
    "coverage_starts_on",
    "coverage_ends_on",
)


def build_answer_writes(
    tx: Transaction,
    updates: EnrollmentUpdates,
    answers: Sequence[tuple[Enrollment, AcceptedElection]],
    plan_years: Mapping[str, PlanYear],
    terms: Mapping[str, PlanYearTerms],
    source: AnswerSource,
    today: date,
) -> list[RowWrite]:
    """Return the writes that record the covered dependents and the confirmations of answers.

    `updates` holds the answers with their recomputed coverage, not yet written. `plan_years` and `terms` are by plan
    year ID.
    """
    confirmations = [
        _build_confirmation(
            tx, updates, row, accepted, plan_years[row.plan_year_id], terms[row.plan_year_id], source, today
        )
        for row, accepted in answers
    ]
    enrolled: list[dict[str, Any]] = []
    confirmed: list[dict[str, Any]] = []
    for (row, accepted), confirmation in zip(answers, confirmations, strict=True):
        for dependent in accepted.dependents:
            values = {
                "dependent_id": dependent.id,
                "employer_id": row.employer_id,
                "employee_id": row.employee_id,
                "through": dependent.through,
            }
            enrolled.append({"enrollment_id": row.id, **values})
            confirmed.append({"confirmation_id": confirmation["id"], **values})
    return [
        RowWrite.insert(EnrolledDependent, enrolled),
        RowWrite.insert(ElectionConfirmation, confirmations),
        RowWrite.insert(ConfirmedDependent, confirmed),
    ]


def _build_confirmation(
    tx: Transaction,
    updates: EnrollmentUpdates,
    row: Enrollment,
    accepted: AcceptedElection,
    plan_year: PlanYear,
    terms: PlanYearTerms,
    source: AnswerSource,
    today: date,
) -> dict[str, Any]:
    window = enrollment_facts(row, plan_year).window
    is_changeable = row.reason is not WindowReason.OVERRIDE and today <= window.last
    return {
        "id": tx.new_id(IdPrefix.ELECTION_CONFIRMATION),
        "employer_id": row.employer_id,
        "employee_id": row.employee_id,
        "enrollment_id": row.id,
        "enrollment_version": row.version + 1,
        "source": source,
        "actor_role": tx.viewer.role,
        "benefit_product_name": terms.product_name,
        "plan_name": None if accepted.plan_id is None else terms.plans[accepted.plan_id].name,
        "changeable_through": window.last if is_changeable else None,
        **{name: updates.value(row, name) for name in _CONFIRMED_COLUMNS},
    }
