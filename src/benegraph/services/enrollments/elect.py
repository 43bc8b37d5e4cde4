"""Electing: an employee's answers to pending enrollments, all of them or none; and taking an answer back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from benegraph.db import store
from benegraph.db.models import Employee, Enrollment, PlanYear
from benegraph.db.session import Transaction
from benegraph.db.store.writing import Write
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
    ElectionDecision,
    EnrollmentStatus,
    build_close_values,
    derive_enrollment_status,
)
from benegraph.domain.enrollments.tiers import FamilyMember
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix, prefix_of
from benegraph.domain.people import Relationship
from benegraph.services.coverage.sync import sync_coverage_of_record
from benegraph.services.enrollments.offers import Terms, baseline_of, facts_of, offer_of, terms_in
from benegraph.services.enrollments.updates import EnrollmentUpdates

MAX_ELECTIONS = 50


@dataclass(frozen=True, slots=True)
class ElectionPreview:
    """What an election leads to, as it stands in the transaction that makes it."""

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
class _Table:
    """What lies on the clerk's table: everything of the employee in the plan years concerned, locked."""

    employee: Employee
    plan_years: Mapping[str, PlanYear]
    terms: Mapping[str, Terms]
    rows: Sequence[Enrollment]
    family: Mapping[str, FamilyMember]

    def of_plan_year(self, id: str) -> list[Enrollment]:
        return [row for row in self.rows if row.plan_year_id == id]


async def elect(tx: Transaction, employee_id: str, choices: Sequence[Election]) -> list[ElectionPreview]:
    """Answer some or all of an employee's pending enrollments; every broken rule is refused at once.

    Locks the employee, the plan years, then the enrollments. Raises Refused.
    """
    raise_if_any(_check_call(employee_id, choices))
    employee = await store.people.hold(tx, employee_id)
    if employee is None:
        raise refusal(ErrorCode.NOT_FOUND, "There is no such employee.", "employeeId")
    table = await _lay_table(tx, employee, [choice.enrollment_id for choice in choices])
    today = tx.today(employee.time_zone)
    decided = _decide_all(choices, await _offers(tx, table, choices), today)
    updates = EnrollmentUpdates()
    rows = {row.id: row for row in table.rows}
    for choice, answer in decided:
        record_answer(tx, updates, rows[choice.enrollment_id], answer)
    for id, plan_year in table.plan_years.items():
        updates.resettle(table.of_plan_year(id), plan_year.coverage_ends_on, employee.terminated_on)
    await updates.write(tx, covering((rows[choice.enrollment_id], answer) for choice, answer in decided))
    await sync_coverage_of_record(tx, [employee], table.plan_years.values())
    return [
        _preview(rows[choice.enrollment_id], table.plan_years[rows[choice.enrollment_id].plan_year_id], answer, today)
        for choice, answer in decided
    ]


async def reopen_election(tx: Transaction, enrollment_id: str, expected_version: int | None) -> None:
    """Return an answered enrollment to pending while its window is open; what it had ended is in force again."""
    raise_if_any(check_id(IdPrefix.ENROLLMENT, enrollment_id, "enrollmentId"))
    employee_id = await store.enrollments.whose(tx, enrollment_id)
    employee = await store.people.hold(tx, employee_id) if employee_id else None
    if employee is None:
        raise refusal(ErrorCode.NOT_FOUND, "There is no such enrollment.", "enrollmentId")
    table = await _lay_table(tx, employee, [enrollment_id])
    row = next(row for row in table.rows if row.id == enrollment_id)
    plan_year = table.plan_years[row.plan_year_id]
    today = tx.today(employee.time_zone)
    raise_if_any(
        [
            *check_version(expected_version, row.version),
            *_check_reopenable(row, table, today),
            *check_window(facts_of(row, plan_year), today),
        ]
    )
    updates = EnrollmentUpdates()
    updates.add(row, "REOPENED", **dict.fromkeys(_ANSWER) | build_close_values(employee.terminated_on, today))
    updates.resettle(table.of_plan_year(plan_year.id), plan_year.coverage_ends_on, employee.terminated_on)
    await updates.write(tx)
    await store.enrollments.uncover(tx, row.id)
    await sync_coverage_of_record(tx, [employee], [plan_year])


# ------------------------------------------------------------------------------------------------- recording

_ANSWER = (
    "decision",
    "decided_at",
    "coverage_tier",
    "selected_plan_id",
    "employee_contribution_cents",
    "employer_contribution_cents",
    "coverage_starts_on",
    "coverage_ends_on",
    "closed_on",
    "close_reason",
)


def record_answer(
    tx: Transaction, updates: EnrollmentUpdates, row: Enrollment, answer: AcceptedElection, action: str | None = None
) -> None:
    """Note what a good answer sets; how far it covers is laid out by EnrollmentUpdates.resettle."""
    enrolled = answer.decision is ElectionDecision.ENROLLED
    cost = answer.cost
    updates.add(
        row,
        action or answer.decision.value,
        decision=answer.decision,
        decided_at=tx.clock.now,
        coverage_tier=cost.coverage_tier if cost else None,
        selected_plan_id=answer.plan_id,
        employee_contribution_cents=cost.employee_contribution_cents if cost else None,
        employer_contribution_cents=cost.employer_contribution_cents if cost else None,
        coverage_starts_on=row.effective_on if enrolled else None,
    )


def covering(answers: Iterable[tuple[Enrollment, AcceptedElection]]) -> Write:
    """Give what is to be written of who the answers cover, and until when their age allows."""
    return store.enrollments.covering(
        [
            {
                "enrollment_id": row.id,
                "dependent_id": dependent.id,
                "employer_id": row.employer_id,
                "employee_id": row.employee_id,
                "through": dependent.through,
            }
            for row, answer in answers
            for dependent in answer.dependents
        ]
    )


def _preview(row: Enrollment, plan_year: PlanYear, answer: AcceptedElection, today: date) -> ElectionPreview:
    return ElectionPreview(
        row.id,
        derive_enrollment_status(facts_of(row, plan_year), today),
        row.coverage_tier,
        row.coverage_starts_on,
        row.coverage_ends_on,
        row.employee_contribution_cents,
        row.employer_contribution_cents,
        row.selected_plan_id,
        tuple(dependent.id for dependent in answer.dependents),
    )


# ------------------------------------------------------------------------------------------------- gathering


async def _lay_table(tx: Transaction, employee: Employee, enrollment_ids: Sequence[str]) -> _Table:
    ids = [id for id in enrollment_ids if prefix_of(id) is IdPrefix.ENROLLMENT]
    plan_years, rows = await store.enrollments.take_up(tx, employee.id, ids)
    return _Table(
        employee,
        plan_years,
        {id: terms_in(plan_year) for id, plan_year in plan_years.items()},
        rows,
        {
            id: FamilyMember(id, Relationship(relationship), *facts)
            for plan_year in plan_years.values()
            for id, relationship, *facts in plan_year.family
        },
    )


async def _offers(tx: Transaction, table: _Table, choices: Sequence[Election]) -> dict[str, ElectionOffer]:
    named = {id for choice in choices for id in choice.dependent_ids if prefix_of(id) is IdPrefix.DEPENDENT}
    unknown = named - table.family.keys()
    unrelated_dependents = await store.people.known_dependents(tx, unknown) if unknown else set()
    answered = {choice.enrollment_id for choice in choices}
    concerned = [row for row in table.rows if row.id in answered]
    life_events = [row.life_event_id for row in concerned if row.life_event_id]
    events = await store.enrollments.life_events_by_ids(tx, life_events) if life_events else {}
    covered = await store.enrollments.enrolled_dependents(tx, [row.id for row in table.rows]) if life_events else {}
    offers: dict[str, ElectionOffer] = {}
    for row in concerned:
        terms = table.terms[row.plan_year_id]
        event = events.get(row.life_event_id or "")
        rows = table.of_plan_year(row.plan_year_id)
        offers[row.id] = offer_of(
            row,
            table.employee,
            table.plan_years[row.plan_year_id],
            terms,
            table.family,
            unrelated_dependents=unrelated_dependents,
            baseline=baseline_of(row, event.event_type, rows, covered, terms) if event else None,
        )
    return offers


# -------------------------------------------------------------------------------------------------- judging


def _check_call(employee_id: str, choices: Sequence[Election]) -> list[RuleViolation]:
    broken = [*check_id(IdPrefix.EMPLOYEE, employee_id, "employeeId")]
    if not choices:
        broken.append(RuleViolation(ErrorCode.INVALID_INPUT, "An election has at least one answer.", ("elections",)))
    if len(choices) > MAX_ELECTIONS:
        broken.append(
            RuleViolation(ErrorCode.INVALID_INPUT, f"At most {MAX_ELECTIONS} answers fit in one call.", ("elections",))
        )
    for index, choice in enumerate(choices):
        broken += check_id(IdPrefix.ENROLLMENT, choice.enrollment_id, "elections", str(index), "enrollmentId")
    return broken


def _decide_all(
    choices: Sequence[Election], offers: Mapping[str, ElectionOffer], today: date
) -> list[tuple[Election, AcceptedElection]]:
    broken: list[RuleViolation] = []
    decided: list[tuple[Election, AcceptedElection]] = []
    seen: set[str] = set()
    for index, choice in enumerate(choices):
        rules: list[RuleViolation] = []
        offer = offers.get(choice.enrollment_id)
        if choice.enrollment_id in seen:
            rules.append(
                RuleViolation(
                    ErrorCode.DUPLICATE_ELECTION, "This enrollment is answered here twice.", ("enrollmentId",)
                )
            )
        elif offer is None:
            rules.append(RuleViolation(ErrorCode.NOT_FOUND, "The employee has no such enrollment.", ("enrollmentId",)))
        else:
            answer = evaluate_election(choice, offer, today)
            if isinstance(answer, AcceptedElection):
                decided.append((choice, answer))
            else:
                rules += answer
        seen.add(choice.enrollment_id)
        broken += [rule.prefixed("elections", str(index)) for rule in rules]
    raise_if_any(broken)
    return decided


def _check_reopenable(row: Enrollment, table: _Table, today: date) -> list[RuleViolation]:
    plan_year = table.plan_years[row.plan_year_id]
    successors = [other for other in table.rows if other.replaces_id == row.id]
    if row.decision is None:
        why = "This enrollment is not answered."
    elif any(other.decision is not None for other in successors):
        why = "This answer was replaced by a later one."
    elif derive_enrollment_status(facts_of(row, plan_year), today) is EnrollmentStatus.INACTIVE:
        why = "This enrollment is not in force any more."
    elif any(
        derive_enrollment_status(facts_of(other, plan_year), today) is EnrollmentStatus.PENDING for other in successors
    ):
        return [
            RuleViolation(ErrorCode.REISSUE_ALREADY_OPEN, "A reissue of this enrollment is open.", ("enrollmentId",))
        ]
    else:
        return []
    return [RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, why, ("enrollmentId",))]
