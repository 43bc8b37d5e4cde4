"""Open enrollment: opening issues enrollments to eligible employees; closing renews or lapses the unanswered ones."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from benegraph.db import store
from benegraph.db.models import Employee, EnrolledDependent, Enrollment, PlanYear
from benegraph.db.session import Transaction
from benegraph.domain.catalog import check_product_active
from benegraph.domain.checks import check_version
from benegraph.domain.employers import check_employer_active
from benegraph.domain.enrollments.elections import AcceptedElection, Election, evaluate_election
from benegraph.domain.enrollments.status import AnswerSource, CloseReason, ElectionDecision, WindowReason
from benegraph.domain.enrollments.tiers import DependentFacts, is_coverable
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any
from benegraph.domain.plan_years import PlanYearStatus, RenewalMode, check_opening, derive_plan_year_status
from benegraph.domain.values import DateSpan
from benegraph.services.coverage.sync import sync_coverage_of_record
from benegraph.services.enrollments.confirmations import build_answer_writes
from benegraph.services.enrollments.elect import add_election
from benegraph.services.enrollments.issue import is_awaiting_answer, issue_to_eligible_employees
from benegraph.services.enrollments.offers import PlanYearTerms, build_offer, dependent_facts, load_terms
from benegraph.services.enrollments.updates import EnrollmentUpdates
from benegraph.services.plan_years.drafts import lock_plan_year


async def open_enrollment(tx: Transaction, id: str, expected_version: int | None) -> int:
    """Open a draft plan year, and return how many enrollments were issued. Raises Refused.

    Every eligible employee gets a pending enrollment. The draft must be complete, and its open enrollment not over: an
    employer that opens late extends open enrollment first.
    """
    plan_year, today = await lock_plan_year(tx, id)
    violations = [*check_version(expected_version, plan_year.version)]
    terms = (await load_terms(tx, [plan_year.id]))[plan_year.id]
    if plan_year.opened_on is None:
        offer = await store.plan_years.lock_offer(tx, plan_year.employer_id, plan_year.benefit_product_id)
        violations += check_employer_active(active=offer.has_active_employer, field="planYearId")
        violations += check_product_active(active=offer.has_active_product, field="planYearId")
        violations += check_opening(
            plan_year.coverage_ends_on,
            plan_year.open_enrollment_ends_on,
            today,
            has_plans=bool(terms.plans),
            has_classes=bool(terms.classes),
        )
    else:
        violations += _check_status(plan_year, PlanYearStatus.DRAFT, today)
    raise_if_any(violations)
    plan_year.opened_on = today
    await store.history.record_change(tx, plan_year, "OPENED")
    return await issue_to_eligible_employees(tx, plan_year, terms, today)


async def close_enrollment(tx: Transaction, id: str, expected_version: int | None) -> int:
    """Close open enrollment after its last day, and return how many enrollments lapsed. Raises Refused.

    With PASSIVE renewal, an employee whose coverage of the product lasted to the day before this plan year gets the
    same carrier plan again, if still offered. Enrollments of new hires and life events stay open.
    """
    plan_year, today = await lock_plan_year(tx, id)
    violations = [
        *check_version(expected_version, plan_year.version),
        *_check_status(plan_year, PlanYearStatus.OPEN_ENROLLMENT, today),
    ]
    if today <= plan_year.open_enrollment_ends_on:
        violations.append(
            RuleViolation(
                ErrorCode.WINDOW_STILL_OPEN,
                f"Open enrollment runs through {plan_year.open_enrollment_ends_on}; close it after that day.",
                ("planYearId",),
            )
        )
    raise_if_any(violations)
    plan_year.closed_on = today
    await store.history.record_change(tx, plan_year, "CLOSED")
    rows = await store.enrollments.lock_all_in_plan_years(tx, [id])
    # The employees are not locked: the exclusive lock of the employer protects them, and locking them after the
    # enrollments would break the lock order.
    passive = plan_year.renewal is RenewalMode.PASSIVE
    employees = await store.people.list_employees(tx, plan_year.employer_id) if passive else []
    return await renew_or_lapse(tx, plan_year, rows, employees, today)


async def renew_or_lapse(
    tx: Transaction, plan_year: PlanYear, rows: Sequence[Enrollment], employees: Sequence[Employee], today: date
) -> int:
    """Renew unanswered open-enrollment enrollments if the plan year renews; lapse the others and return how many.

    `rows` are all enrollments of the employees concerned in the plan year, locked. `employees` includes at least these
    employees if the plan year renews. An extended window that is still open stays open, so that nobody loses it; a
    renewal can be changed within it.
    """
    pending = [row for row in rows if row.reason is WindowReason.OPEN_ENROLLMENT and is_awaiting_answer(row, today)]
    employees_by_id = {employee.id: employee for employee in employees}
    renewed: dict[str, AcceptedElection] = {}
    terms = await load_terms(tx, [plan_year.id]) if plan_year.renewal is RenewalMode.PASSIVE and pending else {}
    if terms:
        renewed = await _evaluate_renewals(tx, plan_year, terms[plan_year.id], pending, employees_by_id, today)
    rows_by_employee: dict[str, list[Enrollment]] = defaultdict(list)
    for row in rows:
        rows_by_employee[row.employee_id].append(row)
    updates = EnrollmentUpdates()
    lapsed_count = 0
    for row in pending:
        if row.id in renewed:
            add_election(tx, updates, row, renewed[row.id], "RENEWED")
            updates.recompute_coverage(
                rows_by_employee[row.employee_id],
                plan_year.coverage_ends_on,
                employees_by_id[row.employee_id].terminated_on,
            )
        elif row.window_extended_through is None or row.window_extended_through < today:
            updates.add(row, "LAPSED", closed_on=today, close_reason=CloseReason.LAPSED)
            lapsed_count += 1
    answers = [(row, renewed[row.id]) for row in pending if row.id in renewed]
    plan_years = {plan_year.id: plan_year}
    await updates.write(tx, *build_answer_writes(tx, updates, answers, plan_years, terms, AnswerSource.RENEWAL, today))
    await sync_coverage_of_record(
        tx, [employees_by_id[row.employee_id] for row in pending if row.id in renewed], [plan_year]
    )
    return lapsed_count


# -------------------------------------------------------------------------------------------------------- renewing


@dataclass(frozen=True, slots=True)
class _RenewalContext:
    """The new plan year with its terms, and the coverage of the plan year before."""

    plan_year: PlanYear
    terms: PlanYearTerms
    earlier: Mapping[str, Enrollment]
    carrier_plan_ids: Mapping[str, str]
    covered: Mapping[str, Sequence[EnrolledDependent]]


async def _evaluate_renewals(
    tx: Transaction,
    plan_year: PlanYear,
    terms: PlanYearTerms,
    pending: Sequence[Enrollment],
    employees: Mapping[str, Employee],
    today: date,
) -> dict[str, AcceptedElection]:
    employee_id = next(iter(employees)) if len(employees) == 1 else None
    earlier = await store.enrollments.list_prior_coverage(tx, plan_year, employee_id)
    plans = await store.plan_years.plans_by_ids(tx, sorted({row.selected_plan_id or "" for row in earlier}))
    context = _RenewalContext(
        plan_year,
        terms,
        {row.employee_id: row for row in earlier},
        {id: plan.carrier_plan_id for id, plan in plans.items()},
        await store.enrollments.list_enrolled_dependents(tx, [row.id for row in earlier]),
    )
    renewable = [row for row in pending if row.employee_id in context.earlier]
    employee_ids = [row.employee_id for row in renewable]
    dependents_by_employee: dict[str, dict[str, DependentFacts]] = {id: {} for id in employee_ids}
    for dependent in await store.people.list_dependents(tx, employee_ids):
        dependents_by_employee[dependent.employee_id][dependent.id] = dependent_facts(dependent)
    answers = {
        row.id: _evaluate_renewal(
            row, employees[row.employee_id], dependents_by_employee[row.employee_id], context, today
        )
        for row in renewable
    }
    return {id: answer for id, answer in answers.items() if isinstance(answer, AcceptedElection)}


def _evaluate_renewal(
    row: Enrollment, employee: Employee, dependents: Mapping[str, DependentFacts], context: _RenewalContext, today: date
) -> AcceptedElection | list[RuleViolation]:
    earlier = context.earlier[row.employee_id]
    carrier_plan_id = context.carrier_plan_ids[earlier.selected_plan_id or ""]
    plan_id = next((id for id, plan in context.terms.plans.items() if plan.carrier_plan_id == carrier_plan_id), None)
    # Inactive dependents and children who are 26 by then are not carried over; the tier follows from the others.
    remaining = [
        dependent.dependent_id
        for dependent in context.covered[earlier.id]
        if is_coverable(dependents[dependent.dependent_id], row.effective_on)
    ]
    offer = build_offer(row, employee, context.plan_year, context.terms, dependents)
    # The window is over, so use one that includes today: the renewal elects on the employee's behalf.
    offer = replace(offer, facts=replace(offer.facts, window=DateSpan(today, today + timedelta(days=1))))
    return evaluate_election(Election(row.id, ElectionDecision.ENROLLED, plan_id, None, tuple(remaining)), offer, today)


def _check_status(plan_year: PlanYear, required: PlanYearStatus, today: date) -> list[RuleViolation]:
    status = derive_plan_year_status(plan_year.opened_on, plan_year.closed_on, plan_year.coverage_ends_on, today)
    if status is required:
        return []
    message = f"The plan year must be {required}, but is {status}."
    return [RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("planYearId",))]
