"""The seasons of a plan year: opening issues enrollments to everyone eligible, closing settles the unanswered."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from benegraph.db import store
from benegraph.db.models import Employee, EnrolledDependent, Enrollment, PlanYear
from benegraph.db.session import Transaction
from benegraph.domain.checks import check_version
from benegraph.domain.enrollments.elections import AcceptedElection, Election, evaluate_election
from benegraph.domain.enrollments.status import CloseReason, ElectionDecision, WindowReason
from benegraph.domain.enrollments.tiers import FamilyMember, is_coverable
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any
from benegraph.domain.plan_years import PlanYearStatus, RenewalMode, derive_plan_year_status
from benegraph.domain.values import DateSpan
from benegraph.services.coverage.sync import sync_coverage_of_record
from benegraph.services.enrollments.elect import add_election, covered_dependents_write
from benegraph.services.enrollments.issue import is_awaiting_answer, issue_to_eligible_employees
from benegraph.services.enrollments.offers import PlanYearTerms, build_offer, family_member, load_terms
from benegraph.services.enrollments.updates import EnrollmentUpdates
from benegraph.services.plan_years.drafts import lock_plan_year


async def open_enrollment(tx: Transaction, id: str, expected_version: int | None) -> int:
    """Open a draft: everyone eligible gets a pending enrollment; give how many did. Raises Refused."""
    plan_year, today = await lock_plan_year(tx, id)
    raise_if_any(
        [
            *check_version(expected_version, plan_year.version),
            *_check_status(plan_year, PlanYearStatus.DRAFT, today),
        ]
    )
    plan_year.opened_on = today
    await _note(tx, plan_year, "OPENED")
    return await issue_to_eligible_employees(tx, plan_year, today)


async def close_enrollment(tx: Transaction, id: str, expected_version: int | None) -> int:
    """Close open enrollment, once its last day is over; give how many enrollments lapsed. Raises Refused.

    With PASSIVE renewal, who had coverage of the product till the eve of this plan year gets the same again, where it
    is still offered. What new hires and life events left open lives on.
    """
    plan_year, today = await lock_plan_year(tx, id)
    broken = [
        *check_version(expected_version, plan_year.version),
        *_check_status(plan_year, PlanYearStatus.OPEN_ENROLLMENT, today),
    ]
    if today <= plan_year.open_enrollment_ends_on:
        broken.append(
            RuleViolation(
                ErrorCode.WINDOW_STILL_OPEN,
                f"Answers are taken through {plan_year.open_enrollment_ends_on}.",
                ("planYearId",),
            )
        )
    raise_if_any(broken)
    plan_year.closed_on = today
    await _note(tx, plan_year, "CLOSED")
    rows = await store.enrollments.lock_of_plan_year(tx, [id])
    # They change under the employer's lock alone, which this holds; to lock them too would be out of order.
    passive = plan_year.renewal is RenewalMode.PASSIVE
    employees = await store.people.employed(tx, plan_year.employer_id) if passive else []
    return await renew_or_lapse(tx, plan_year, rows, employees, today)


async def renew_or_lapse(
    tx: Transaction, plan_year: PlanYear, rows: Sequence[Enrollment], employed: Sequence[Employee], today: date
) -> int:
    """Renew what open enrollment left unanswered, where the plan year renews, and let the rest lapse; give how many.

    The rows are all enrollments in the plan year of those concerned, locked; `employed` are at least their employees,
    where it renews.
    """
    pending = [row for row in rows if row.reason is WindowReason.OPEN_ENROLLMENT and is_awaiting_answer(row, today)]
    employees = {employee.id: employee for employee in employed}
    renewed: dict[str, AcceptedElection] = {}
    if plan_year.renewal is RenewalMode.PASSIVE and pending:
        renewed = await _renewals(tx, plan_year, pending, employees, today)
    held: dict[str, list[Enrollment]] = defaultdict(list)
    for row in rows:
        held[row.employee_id].append(row)
    updates = EnrollmentUpdates()
    for row in pending:
        if row.id in renewed:
            add_election(tx, updates, row, renewed[row.id], "RENEWED")
            updates.recompute_coverage(
                held[row.employee_id], plan_year.coverage_ends_on, employees[row.employee_id].terminated_on
            )
        else:
            updates.add(row, "LAPSED", closed_on=today, close_reason=CloseReason.LAPSED)
    await updates.write(tx, covered_dependents_write((row, renewed[row.id]) for row in pending if row.id in renewed))
    await sync_coverage_of_record(tx, [employees[row.employee_id] for row in pending if row.id in renewed], [plan_year])
    return len(pending) - len(renewed)


# --------------------------------------------------------------------------------------------------- renewing


@dataclass(frozen=True, slots=True)
class _Year:
    """What a renewal looks at: the new plan year, and the coverage of the one before."""

    plan_year: PlanYear
    terms: PlanYearTerms
    earlier: Mapping[str, Enrollment]
    carrier_plan_ids: Mapping[str, str]
    covered: Mapping[str, Sequence[EnrolledDependent]]


async def _renewals(
    tx: Transaction,
    plan_year: PlanYear,
    pending: Sequence[Enrollment],
    employees: Mapping[str, Employee],
    today: date,
) -> dict[str, AcceptedElection]:
    whose = next(iter(employees)) if len(employees) == 1 else None
    earlier = await store.enrollments.in_force_before(tx, plan_year, whose)
    plans = await store.plan_years.plans_by_ids(tx, sorted({row.selected_plan_id or "" for row in earlier}))
    year = _Year(
        plan_year,
        (await load_terms(tx, [plan_year.id]))[plan_year.id],
        {row.employee_id: row for row in earlier},
        {id: plan.carrier_plan_id for id, plan in plans.items()},
        await store.enrollments.enrolled_dependents(tx, [row.id for row in earlier]),
    )
    renewable = [row for row in pending if row.employee_id in year.earlier]
    employee_ids = [row.employee_id for row in renewable]
    families: dict[str, dict[str, FamilyMember]] = {id: {} for id in employee_ids}
    for dependent in await store.people.family_of(tx, employee_ids):
        families[dependent.employee_id][dependent.id] = family_member(dependent)
    answers = {
        row.id: _renew(row, employees[row.employee_id], families[row.employee_id], year, today) for row in renewable
    }
    return {id: answer for id, answer in answers.items() if isinstance(answer, AcceptedElection)}


def _renew(
    row: Enrollment, employee: Employee, family: Mapping[str, FamilyMember], year: _Year, today: date
) -> AcceptedElection | list[RuleViolation]:
    earlier = year.earlier[row.employee_id]
    carrier_plan_id = year.carrier_plan_ids[earlier.selected_plan_id or ""]
    plan_id = next((id for id, plan in year.terms.plans.items() if plan.carrier_plan_id == carrier_plan_id), None)
    # Who has left the family, or is 26 by then, is not carried over; the tier follows from who remains.
    remaining = [
        dependent.dependent_id
        for dependent in year.covered[earlier.id]
        if is_coverable(family[dependent.dependent_id], row.effective_on)
    ]
    offer = build_offer(row, employee, year.plan_year, year.terms, family)
    # The window is over; what it was for is done here on the employee's behalf.
    offer = replace(offer, facts=replace(offer.facts, window=DateSpan(today, today + timedelta(days=1))))
    return evaluate_election(Election(row.id, ElectionDecision.ENROLLED, plan_id, None, tuple(remaining)), offer, today)


def _check_status(plan_year: PlanYear, wanted: PlanYearStatus, today: date) -> list[RuleViolation]:
    status = derive_plan_year_status(plan_year.opened_on, plan_year.closed_on, plan_year.coverage_ends_on, today)
    if status is PlanYearStatus.DRAFT and plan_year.coverage_ends_on < today:
        status = PlanYearStatus.EXPIRED  # nobody enrolls for days that are all past
    if status is wanted:
        return []
    message = f"The plan year is {status}, not {wanted}."
    return [RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("planYearId",))]


async def _note(tx: Transaction, plan_year: PlanYear, action: str) -> None:
    change = store.history.change(tx, plan_year, action)
    await tx.flush()
    await store.history.record(tx, [change])
