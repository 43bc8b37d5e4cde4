"""Elections: an employee's answers to pending enrollments, applied all or none; and reopening an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from benegraph.db import store
from benegraph.db.models import Employee, Enrollment, PlanYear
from benegraph.db.session import Transaction
from benegraph.domain.catalog import CoverageTier
from benegraph.domain.checks import check_id, check_version
from benegraph.domain.enrollments.elections import (
    AcceptedElection,
    Election,
    ElectionOffer,
    check_window,
    evaluate_election,
)
from benegraph.domain.enrollments.status import (
    AnswerSource,
    ElectionDecision,
    EnrollmentStatus,
    WindowReason,
    build_close_values,
    derive_enrollment_status,
    derive_status_in_plan_year,
)
from benegraph.domain.enrollments.tiers import DependentFacts
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix, prefix_of
from benegraph.domain.people import Relationship
from benegraph.services.coverage.subscribers import check_not_rehired
from benegraph.services.coverage.sync import sync_coverage_of_record
from benegraph.services.employees import lock_employee_of_enrollment
from benegraph.services.enrollments.confirmations import build_answer_writes
from benegraph.services.enrollments.offers import (
    PlanYearTerms,
    build_baseline,
    build_offer,
    build_terms,
    enrollment_facts,
    find_covered_since,
    is_pending,
)
from benegraph.services.enrollments.updates import EnrollmentUpdates, sort_answered

MAX_ELECTIONS = 50


@dataclass(frozen=True, slots=True)
class ElectionOutcome:
    """The outcome of an election, as seen in the transaction that makes it."""

    enrollment_id: str
    status: EnrollmentStatus
    coverage_tier: CoverageTier | None
    coverage_starts_on: date | None
    coverage_ends_on: date | None
    employee_contribution_cents: int | None
    employer_contribution_cents: int | None
    selected_plan_id: str | None
    dependent_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ElectionContext:
    """The employee's enrollments in the plan years concerned, locked, with the terms and the dependents."""

    employee: Employee
    plan_years: Mapping[str, PlanYear]
    terms: Mapping[str, PlanYearTerms]
    rows: Sequence[Enrollment]
    dependents: Mapping[str, DependentFacts]

    def rows_of_plan_year(self, id: str) -> list[Enrollment]:
        return [row for row in self.rows if row.plan_year_id == id]


async def elect(tx: Transaction, employee_id: str, elections: Sequence[Election]) -> list[ElectionOutcome]:
    """Answer some or all of an employee's pending enrollments, and return the outcome of each.

    Locks the employee, the plan years, then the enrollments. Raises Refused with every violated rule of all answers.
    """
    raise_if_any(_check_call(employee_id, elections))
    employee = await store.people.lock_employee(tx, employee_id)
    if employee is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No employee found with ID {employee_id}.", "employeeId")
    raise_if_any(await check_not_rehired(tx, employee, "employeeId"))
    context = await load_election_context(tx, employee, [election.enrollment_id for election in elections])
    today = tx.today(employee.time_zone)
    accepted_elections = _evaluate_all(elections, await load_offers(tx, context, elections, today), today)
    updates = EnrollmentUpdates()
    rows = {row.id: row for row in context.rows}
    answers = [(rows[election.enrollment_id], accepted) for election, accepted in accepted_elections]
    for row, accepted in answers:
        add_election(tx, updates, row, accepted)
    for id, plan_year in context.plan_years.items():
        updates.recompute_coverage(context.rows_of_plan_year(id), plan_year.coverage_ends_on, employee.terminated_on)
    await updates.write(
        tx,
        *build_answer_writes(tx, updates, answers, context.plan_years, context.terms, AnswerSource.ELECTION, today),
    )
    await sync_coverage_of_record(tx, [employee], context.plan_years.values())
    return [
        build_election_outcome(row, context.plan_years[row.plan_year_id], accepted, today) for row, accepted in answers
    ]


async def reopen_election(tx: Transaction, enrollment_id: str, expected_version: int | None) -> None:
    """Return an answered enrollment to pending while its window is open. Raises Refused.

    Coverage that the answer had ended is in force again.
    """
    raise_if_any(check_id(IdPrefix.ENROLLMENT, enrollment_id, "enrollmentId"))
    employee = await lock_employee_of_enrollment(tx, enrollment_id)
    context = await load_election_context(tx, employee, [enrollment_id])
    row = next(row for row in context.rows if row.id == enrollment_id)
    plan_year = context.plan_years[row.plan_year_id]
    today = tx.today(employee.time_zone)
    raise_if_any(
        [
            *check_version(expected_version, row.version),
            *_check_reopenable(row, context, today),
            *check_window(enrollment_facts(row, plan_year), today),
        ]
    )
    updates = EnrollmentUpdates()
    updates.add(row, "REOPENED", **dict.fromkeys(_ELECTION_COLUMNS) | build_close_values(employee.terminated_on, today))
    updates.recompute_coverage(
        context.rows_of_plan_year(plan_year.id), plan_year.coverage_ends_on, employee.terminated_on
    )
    await updates.write(tx)
    await store.enrollments.delete_enrolled_dependents(tx, row.id)
    await sync_coverage_of_record(tx, [employee], [plan_year])


# ------------------------------------------------------------------------------------------------------- recording

_ELECTION_COLUMNS = (
    "decision",
    "decided_at",
    "coverage_tier",
    "waiver_reason",
    "selected_plan_id",
    "employee_contribution_cents",
    "employer_contribution_cents",
    "coverage_starts_on",
    "coverage_ends_on",
    "closed_on",
    "close_reason",
)


def add_election(
    tx: Transaction,
    updates: EnrollmentUpdates,
    row: Enrollment,
    accepted: AcceptedElection,
    action: str | None = None,
    reason: str | None = None,
    effective_on: date | None = None,
) -> None:
    """Add the update that an accepted election makes. `effective_on` replaces the enrollment's effective date.

    The coverage end is set later, by `EnrollmentUpdates.recompute_coverage`.
    """
    effective_on = effective_on or row.effective_on
    enrolled = accepted.decision is ElectionDecision.ENROLLED
    cost = accepted.cost
    updates.add(
        row,
        action or accepted.decision.value,
        reason,
        effective_on=effective_on,
        decision=accepted.decision,
        decided_at=tx.clock.now,
        coverage_tier=cost.coverage_tier if cost else None,
        waiver_reason=accepted.waiver_reason,
        selected_plan_id=accepted.plan_id,
        employee_contribution_cents=cost.employee_contribution_cents if cost else None,
        employer_contribution_cents=cost.employer_contribution_cents if cost else None,
        coverage_starts_on=effective_on if enrolled else None,
    )


def build_election_outcome(
    row: Enrollment, plan_year: PlanYear, accepted: AcceptedElection, today: date
) -> ElectionOutcome:
    """Return the outcome of an accepted election, from the row after its update."""
    return ElectionOutcome(
        row.id,
        derive_enrollment_status(enrollment_facts(row, plan_year), today),
        row.coverage_tier,
        row.coverage_starts_on,
        row.coverage_ends_on,
        row.employee_contribution_cents,
        row.employer_contribution_cents,
        row.selected_plan_id,
        tuple(dependent.id for dependent in accepted.dependents),
    )


# --------------------------------------------------------------------------------------------------------- loading


async def load_election_context(tx: Transaction, employee: Employee, enrollment_ids: Sequence[str]) -> ElectionContext:
    """Lock the plan years of some of an employee's enrollments, and all enrollments in them; the caller locks first.

    The caller holds the employee's lock.
    """
    ids = [id for id in enrollment_ids if prefix_of(id) is IdPrefix.ENROLLMENT]
    plan_years, rows = await store.enrollments.lock_with_plan_years(tx, employee.id, ids)
    return ElectionContext(
        employee,
        plan_years,
        {id: build_terms(plan_year) for id, plan_year in plan_years.items()},
        rows,
        {
            id: DependentFacts(id, Relationship(relationship), *facts)
            for plan_year in plan_years.values()
            for id, relationship, *facts in plan_year.dependents
        },
    )


async def load_offers(
    tx: Transaction,
    context: ElectionContext,
    elections: Sequence[Election],
    today: date,
    effective_on: date | None = None,
) -> dict[str, ElectionOffer]:
    """Build the offer of each enrollment that is answered, by its ID. `effective_on` is the date of an override."""
    dependent_ids = {
        id for election in elections for id in election.dependent_ids if prefix_of(id) is IdPrefix.DEPENDENT
    }
    unknown = dependent_ids - context.dependents.keys()
    unrelated_dependents = await store.people.find_dependent_ids(tx, unknown) if unknown else set()
    answered_ids = {election.enrollment_id for election in elections}
    rows_to_answer = [row for row in context.rows if row.id in answered_ids]
    life_events = [row.life_event_id for row in rows_to_answer if row.life_event_id]
    events = await store.enrollments.life_events_by_ids(tx, life_events) if life_events else {}
    covered_dependents = (
        await store.enrollments.list_enrolled_dependents(tx, [row.id for row in context.rows]) if life_events else {}
    )
    offers: dict[str, ElectionOffer] = {}
    for row in rows_to_answer:
        terms = context.terms[row.plan_year_id]
        event = events.get(row.life_event_id or "")
        rows = context.rows_of_plan_year(row.plan_year_id)
        has_waited = event is not None or effective_on is not None
        offers[row.id] = build_offer(
            row,
            context.employee,
            context.plan_years[row.plan_year_id],
            terms,
            context.dependents,
            unrelated_dependents=unrelated_dependents,
            baseline=build_baseline(row, event, rows, covered_dependents, terms)
            if event and not row.decision
            else None,
            covered_since=find_covered_since(rows, today) if has_waited else None,
            effective_on=effective_on,
        )
    return offers


# -------------------------------------------------------------------------------------------------------- checking


def _check_call(employee_id: str, elections: Sequence[Election]) -> list[RuleViolation]:
    violations = [*check_id(IdPrefix.EMPLOYEE, employee_id, "employeeId")]
    if not elections:
        violations.append(RuleViolation(ErrorCode.INVALID_INPUT, "At least one election is required.", ("elections",)))
    if len(elections) > MAX_ELECTIONS:
        violations.append(
            RuleViolation(
                ErrorCode.INVALID_INPUT,
                f"A call must contain at most {MAX_ELECTIONS} elections; this one contains {len(elections)}.",
                ("elections",),
            )
        )
    for index, election in enumerate(elections):
        violations += check_id(IdPrefix.ENROLLMENT, election.enrollment_id, "elections", str(index), "enrollmentId")
    return violations


def _evaluate_all(
    elections: Sequence[Election], offers: Mapping[str, ElectionOffer], today: date
) -> list[tuple[Election, AcceptedElection]]:
    violations: list[RuleViolation] = []
    accepted_elections: list[tuple[Election, AcceptedElection]] = []
    seen: set[str] = set()
    for index, election in enumerate(elections):
        item_violations: list[RuleViolation] = []
        offer = offers.get(election.enrollment_id)
        if election.enrollment_id in seen:
            item_violations.append(
                RuleViolation(
                    ErrorCode.DUPLICATE_ELECTION,
                    "This enrollment is answered more than once in this call.",
                    ("enrollmentId",),
                )
            )
        elif offer is None:
            item_violations.append(
                RuleViolation(ErrorCode.NOT_FOUND, "The employee has no enrollment with this ID.", ("enrollmentId",))
            )
        else:
            result = evaluate_election(election, offer, today)
            if isinstance(result, AcceptedElection):
                accepted_elections.append((election, result))
            else:
                item_violations += result
        seen.add(election.enrollment_id)
        violations += [violation.prefixed("elections", str(index)) for violation in item_violations]
    raise_if_any(violations)
    return accepted_elections


def _check_reopenable(row: Enrollment, context: ElectionContext, today: date) -> list[RuleViolation]:
    plan_year = context.plan_years[row.plan_year_id]
    rows = context.rows_of_plan_year(row.plan_year_id)
    terminated_on = context.employee.terminated_on
    if row.decision is None:
        message = "The enrollment is not answered, so there is nothing to reopen."
    elif sort_answered(rows)[-1] is not row:
        message = "The answer was replaced by a later one."
    elif row.reason is WindowReason.OVERRIDE:
        message = "The answer was given by an override; an administrator can override it again."
    elif row.ended_through is not None:
        message = "The coverage was ended; an administrator can restore it by an override."
    elif terminated_on is not None and terminated_on <= today:
        # Reopening would take away the coverage through the end of the month, and nobody could answer again.
        message = f"The employment ended on {terminated_on}."
    elif derive_status_in_plan_year(enrollment_facts(row, plan_year), today) is EnrollmentStatus.INACTIVE:
        message = "The enrollment is closed, or its coverage has ended."
    elif any(is_pending(other, plan_year, today) for other in rows if other is not row):
        return [
            RuleViolation(
                ErrorCode.REISSUE_ALREADY_OPEN,
                "A reissue of this enrollment is open; answer that enrollment.",
                ("enrollmentId",),
            )
        ]
    else:
        return []
    return [RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("enrollmentId",))]
