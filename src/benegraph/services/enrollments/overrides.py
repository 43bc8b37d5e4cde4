"""Overrides: an administrator's answer outside the election window, with a corrected effective date; and its review."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import Enrollment, PlanYear
from benegraph.db.session import Transaction
from benegraph.domain.checks import MAX_NOTE_LENGTH, MAX_REASON_LENGTH, check_id, check_text, check_version
from benegraph.domain.enrollments.elections import AcceptedElection, Election, evaluate_answer
from benegraph.domain.enrollments.status import AnswerSource, CloseReason, WindowReason
from benegraph.domain.errors import ErrorCode, Refused, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import Employment
from benegraph.services.coverage.subscribers import check_not_rehired
from benegraph.services.coverage.sync import sync_coverage_of_record
from benegraph.services.employees import lock_employee_of_enrollment
from benegraph.services.enrollments.confirmations import build_answer_writes
from benegraph.services.enrollments.coverage_ends import CoverageOutcome, build_coverage_outcome
from benegraph.services.enrollments.elect import (
    ElectionContext,
    ElectionOutcome,
    add_election,
    build_election_outcome,
    load_election_context,
    load_offers,
)
from benegraph.services.enrollments.offers import coverage_span, employment_of
from benegraph.services.enrollments.updates import EnrollmentUpdates, sort_answered


@dataclass(frozen=True, slots=True)
class OverrideOutcome:
    """The outcome of an override, as seen in the transaction that makes it."""

    override_id: str
    election: ElectionOutcome
    #: The other enrollments that the answer changed.
    changes: Sequence[CoverageOutcome]


async def override_election(
    tx: Transaction, election: Election, effective_on: date | None, reason: str
) -> OverrideOutcome:
    """Answer an enrollment outside its window, by default with the effective date that it has. Raises Refused.

    All rules of an election other than the window hold. An unanswered enrollment gets the answer itself. An answered
    one is replaced, as by a reissue: its coverage ends the day before the new answer takes effect. An end of coverage
    on or after that day no longer counts.
    """
    raise_if_any(
        [
            *check_id(IdPrefix.ENROLLMENT, election.enrollment_id, "enrollmentId"),
            *check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True),
        ]
    )
    employee = await lock_employee_of_enrollment(tx, election.enrollment_id)
    context = await load_election_context(tx, employee, [election.enrollment_id])
    row = next(row for row in context.rows if row.id == election.enrollment_id)
    plan_year = context.plan_years[row.plan_year_id]
    effective_on = effective_on or row.effective_on
    today = tx.today(employee.time_zone)
    offer = (await load_offers(tx, context, [election], today, effective_on))[row.id]
    answer = evaluate_answer(election, offer)
    violations = [
        *check_version(election.expected_version, row.version),
        *await check_not_rehired(tx, employee, "enrollmentId"),
        *_check_overridable(row, context.rows_of_plan_year(plan_year.id), today),
        *_check_effective_on(effective_on, plan_year, employment_of(employee)),
    ]
    if not isinstance(answer, AcceptedElection):
        raise Refused([*violations, *answer])
    raise_if_any(violations)
    return await _apply(tx, context, row, answer, effective_on, reason, today)


async def review_election_override(tx: Transaction, id: str, notes: str | None, expected_version: int | None) -> None:
    """Mark an override as reviewed. Raises Refused."""
    raise_if_any(
        [
            *check_id(IdPrefix.ELECTION_OVERRIDE, id, "electionOverrideId"),
            *check_text(notes, "notes", max_length=MAX_NOTE_LENGTH, multiline=True),
        ]
    )
    override = await store.enrollments.lock_override(tx, id)
    if override is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No election override found with ID {id}.", "electionOverrideId")
    violations = [*check_version(expected_version, override.version)]
    if override.reviewed_at is not None:
        message = "The override is already reviewed."
        violations.append(RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("electionOverrideId",)))
    raise_if_any(violations)
    override.reviewed_at = tx.clock.now
    override.reviewer = tx.viewer.actor
    override.review_notes = notes
    await store.history.record_change(tx, override, "REVIEWED")


async def _apply(
    tx: Transaction,
    context: ElectionContext,
    row: Enrollment,
    answer: AcceptedElection,
    effective_on: date,
    reason: str,
    today: date,
) -> OverrideOutcome:
    employee, plan_year = context.employee, context.plan_years[row.plan_year_id]
    rows = context.rows_of_plan_year(plan_year.id)
    previous_effective_on = row.effective_on
    answered = row if row.decision is None else await _insert_successor(tx, row, today)
    updates = EnrollmentUpdates()
    for ended in rows:
        if ended.ended_through is not None and ended.ended_through >= effective_on:
            updates.add(ended, "COVERAGE_MOVED", reason, ended_through=None, end_reason=None)
    add_election(tx, updates, answered, answer, "OVERRIDDEN", reason, effective_on)
    rows = rows if answered is row else [*rows, answered]
    updates.recompute_coverage(rows, plan_year.coverage_ends_on, employee.terminated_on)
    override: dict[str, Any] = {
        "id": tx.new_id(IdPrefix.ELECTION_OVERRIDE),
        "employer_id": row.employer_id,
        "employee_id": row.employee_id,
        "enrollment_id": answered.id,
        "replaced_id": None if answered is row else row.id,
        "previous_effective_on": previous_effective_on,
        "effective_on": effective_on,
        "reason": reason,
        "actor": tx.viewer.actor,
        "actor_role": tx.viewer.role,
    }
    await updates.write(
        tx,
        *build_answer_writes(
            tx, updates, [(answered, answer)], context.plan_years, context.terms, AnswerSource.OVERRIDE, today
        ),
        store.enrollments.override_insert(override),
    )
    await sync_coverage_of_record(tx, [employee], [plan_year])
    return OverrideOutcome(
        override["id"],
        build_election_outcome(answered, plan_year, answer, today),
        [
            build_coverage_outcome(other, plan_year, today)
            for other in rows
            if other.id in updates.by_id and other is not answered
        ],
    )


async def _insert_successor(tx: Transaction, old: Enrollment, today: date) -> Enrollment:
    """Insert an unanswered enrollment that replaces an answered one, and return it. Its window is today alone."""
    values: dict[str, Any] = {
        "id": tx.new_id(IdPrefix.ENROLLMENT),
        "employer_id": old.employer_id,
        "employee_id": old.employee_id,
        "benefit_product_id": old.benefit_product_id,
        "plan_year_id": old.plan_year_id,
        "reason": WindowReason.OVERRIDE,
        "issued_on": today,
        "window_opens_on": today,
        "window_closes_on": today,
        "effective_on": old.effective_on,
        "replaces_id": old.id,
    }
    await store.enrollments.insert_enrollments(tx, [values])
    await store.history.insert_events(tx, [store.history.creation_event(tx, values, "ISSUED", old.employee_id)])
    return Enrollment(**values, version=1)


def _check_overridable(row: Enrollment, rows: Sequence[Enrollment], today: date) -> Iterator[RuleViolation]:
    answered = sort_answered(rows)
    successor = next((other for other in rows if other.replaces_id == row.id and other.decision is not None), None)
    message = None
    if row.decision is not None and answered[-1].id != row.id:
        message = f"The answer was replaced by {answered[-1].id}; override that one."
    elif row.decision is None and successor is not None:
        message = f"The enrollment was replaced by {successor.id}; override that one."
    elif (
        row.decision is None
        and row.close_reason not in (None, CloseReason.LAPSED, CloseReason.TERMINATED)
        and row.closed_on is not None
        and row.closed_on <= today
    ):
        message = f"The enrollment has been closed since {row.closed_on}."
    if message is not None:
        yield RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("enrollmentId",))


def _check_effective_on(effective_on: date, plan_year: PlanYear, employment: Employment) -> Iterator[RuleViolation]:
    """Check that an answer takes effect within the plan year and the employment."""
    message = None
    if effective_on not in coverage_span(plan_year):
        message = (
            f"The effective date must be within the plan year, from {plan_year.coverage_starts_on} through"
            f" {plan_year.coverage_ends_on}."
        )
    elif not employment.is_active(effective_on):
        message = "The employee is not employed on the effective date."
    if message is not None:
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, ("effectiveDate",))
