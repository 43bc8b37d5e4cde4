"""Issuing enrollments: to all eligible employees when a plan year opens, and to new hires."""

from datetime import date, timedelta
from typing import Any

from benegraph.db import store
from benegraph.db.models import Employee, Enrollment, PlanYear
from benegraph.db.session import Transaction
from benegraph.domain.enrollments.status import (
    NEW_HIRE_WINDOW_DAYS,
    CloseReason,
    WindowReason,
    build_close_values,
    new_hire_window,
)
from benegraph.domain.ids import IdPrefix
from benegraph.domain.plan_years import Eligibility
from benegraph.services.enrollments.offers import PlanYearTerms, employee_eligibility, load_terms
from benegraph.services.enrollments.updates import EnrollmentUpdates


def _build_enrollment_row(
    tx: Transaction,
    employee: Employee,
    plan_year: PlanYear,
    reason: WindowReason,
    eligibility: Eligibility,
    today: date,
) -> dict[str, Any]:
    """Build the row of a new enrollment, for open enrollment or for a new hire."""
    window = new_hire_window(eligibility.eligible_on, today) if reason is WindowReason.NEW_HIRE else None
    return {
        "id": tx.new_id(IdPrefix.ENROLLMENT),
        "employer_id": plan_year.employer_id,
        "employee_id": employee.id,
        "benefit_product_id": plan_year.benefit_product_id,
        "plan_year_id": plan_year.id,
        "reason": reason,
        "issued_on": today,
        "window_opens_on": window.start if window else None,
        "window_closes_on": window.last if window else None,
        "effective_on": eligibility.starts_on,
        **build_close_values(employee.terminated_on, today),
    }


async def issue_to_eligible_employees(tx: Transaction, plan_year: PlanYear, terms: PlanYearTerms, today: date) -> int:
    """Issue an enrollment of a plan year to every eligible employee, and return how many were issued.

    Runs one statement for each table. The caller holds the employer's exclusive lock, so that nobody is hired
    meanwhile.
    """
    rows: list[dict[str, Any]] = []
    for employee in await store.people.list_employees(tx, plan_year.employer_id):
        eligibility = employee_eligibility(employee, plan_year, terms)
        if eligibility.eligible:
            eligible_by_start = eligibility.eligible_on <= plan_year.coverage_starts_on
            reason = WindowReason.OPEN_ENROLLMENT if eligible_by_start else WindowReason.NEW_HIRE
            rows.append(_build_enrollment_row(tx, employee, plan_year, reason, eligibility, today))
    await _insert(tx, rows)
    return len(rows)


async def issue_to_employee(tx: Transaction, employee: Employee, today: date) -> None:
    """Issue, move or close an employee's enrollments after a hire, a change of hire date or class, or a reinstatement.

    In each opened plan year that is not over, an eligible employee without an enrollment gets a new-hire one, and an
    unanswered enrollment is moved or closed if eligibility has changed. Answered ones stay as they are. The caller
    holds the employer's shared lock, and the employee's lock unless the employee was inserted in this transaction.
    """
    plan_years = await store.plan_years.lock_in_force(tx, employee.employer_id, today)
    terms = await load_terms(tx, [plan_year.id for plan_year in plan_years])
    existing = await store.enrollments.lock_in_plan_years(tx, employee.id, [plan_year.id for plan_year in plan_years])
    updates, rows = EnrollmentUpdates(), []
    for plan_year in plan_years:
        eligibility = employee_eligibility(employee, plan_year, terms[plan_year.id])
        issued = [row for row in existing if row.plan_year_id == plan_year.id and _is_initial_issue(row)]
        for row in issued:
            if is_awaiting_answer(row, today) and not _matches_eligibility(row, plan_year, eligibility, today):
                _move_or_close(updates, row, eligibility, today)
        remaining = [row for row in issued if updates.value(row, "close_reason") is not CloseReason.NOT_ELIGIBLE]
        if eligibility.eligible and not remaining:
            rows.append(_build_enrollment_row(tx, employee, plan_year, WindowReason.NEW_HIRE, eligibility, today))
    await updates.write(tx)
    await _insert(tx, rows)


async def _insert(tx: Transaction, rows: list[dict[str, Any]]) -> None:
    await store.enrollments.insert_enrollments(tx, rows)
    await store.history.insert_events(
        tx, [store.history.creation_event(tx, row, "ISSUED", row["employee_id"]) for row in rows]
    )


def _is_initial_issue(row: Enrollment) -> bool:
    # A reissue replaces another enrollment; one closed as not eligible does not stop a new one from being issued.
    return row.replaces_id is None and row.close_reason is not CloseReason.NOT_ELIGIBLE


def _matches_eligibility(row: Enrollment, plan_year: PlanYear, eligibility: Eligibility, today: date) -> bool:
    if not eligibility.eligible:
        return False
    if row.window_closes_on is None:
        return eligibility.eligible_on <= plan_year.coverage_starts_on
    # The window's 30 days began on the later of issue and eligibility. Once begun, they begin anew only if eligibility
    # comes later.
    began_on = row.window_closes_on - timedelta(days=NEW_HIRE_WINDOW_DAYS)
    begins_on = max(eligibility.eligible_on, min(began_on, today))
    return eligibility.starts_on == row.effective_on and begins_on == began_on


def _move_or_close(updates: EnrollmentUpdates, row: Enrollment, eligibility: Eligibility, today: date) -> None:
    if not eligibility.eligible or row.reason is WindowReason.OPEN_ENROLLMENT:
        # An employee who becomes eligible only later gets a new-hire enrollment instead.
        updates.add(row, "CLOSED", closed_on=today, close_reason=CloseReason.NOT_ELIGIBLE)
        return
    window = new_hire_window(eligibility.eligible_on, today)
    updates.add(
        row,
        "MOVED",
        effective_on=eligibility.starts_on,
        window_closes_on=window.last,
    )


def is_awaiting_answer(row: Enrollment, today: date) -> bool:
    """Return whether an enrollment is unanswered and not closed as of today.

    It may close on a later day. Its window may be over.
    """
    return row.decision is None and (row.closed_on is None or row.closed_on > today)
