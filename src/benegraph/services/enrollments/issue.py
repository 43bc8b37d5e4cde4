"""Issuing: who gets an enrollment to answer, why, and from when it will cover."""

from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import Employee, Enrollment, PlanYear
from benegraph.db.session import Transaction
from benegraph.domain.enrollments.status import CloseReason, WindowReason, build_close_values, new_hire_window
from benegraph.domain.ids import IdPrefix
from benegraph.domain.plan_years import Eligibility
from benegraph.services.enrollments.offers import eligibility_of, terms_of
from benegraph.services.enrollments.updates import EnrollmentUpdates


def issue_row(
    tx: Transaction,
    employee: Employee,
    plan_year: PlanYear,
    reason: WindowReason,
    eligibility: Eligibility,
    today: date,
) -> dict[str, Any]:
    """Make a new enrollment, to be answered in open enrollment or as a new hire."""
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


async def issue_to_all(tx: Transaction, plan_year: PlanYear, today: date) -> int:
    """Issue an enrollment of a plan year to everyone eligible, in one statement a table; give how many.

    The caller holds the employer's lock, so that nobody is hired unseen meanwhile.
    """
    terms = (await terms_of(tx, [plan_year.id]))[plan_year.id]
    rows: list[dict[str, Any]] = []
    for employee in await store.people.employed(tx, plan_year.employer_id):
        eligibility = eligibility_of(employee, plan_year, terms)
        if eligibility.eligible:
            by_the_start = eligibility.eligible_on <= plan_year.coverage_starts_on
            reason = WindowReason.OPEN_ENROLLMENT if by_the_start else WindowReason.NEW_HIRE
            rows.append(issue_row(tx, employee, plan_year, reason, eligibility, today))
    await _insert(tx, rows)
    return len(rows)


async def issue_to_hire(tx: Transaction, employee: Employee, today: date) -> None:
    """Bring what an employee has to answer in line with a hire, or with a change of its date or class.

    In each opened plan year that is not over: issues a new hire's enrollment where there was none and the employee is
    eligible; moves or closes one that nobody has answered yet. Answers stay as they are.
    The caller holds the employer's lock shared, and the employee's unless it was inserted just now.
    """
    plan_years = await store.plan_years.in_force(tx, employee.employer_id, today)
    terms = await terms_of(tx, [plan_year.id for plan_year in plan_years])
    held = await store.enrollments.lock_in_plan_years(tx, employee.id, [plan_year.id for plan_year in plan_years])
    updates, rows = EnrollmentUpdates(), []
    for plan_year in plan_years:
        eligibility = eligibility_of(employee, plan_year, terms[plan_year.id])
        issued = [row for row in held if row.plan_year_id == plan_year.id and _counts(row)]
        for row in issued:
            if waits(row, today) and not _still_fits(row, plan_year, eligibility, today):
                _amend(updates, row, eligibility, today)
        left = [row for row in issued if updates.value(row, "close_reason") is not CloseReason.NOT_ELIGIBLE]
        if eligibility.eligible and not left:
            rows.append(issue_row(tx, employee, plan_year, WindowReason.NEW_HIRE, eligibility, today))
    await updates.write(tx)
    await _insert(tx, rows)


async def _insert(tx: Transaction, rows: list[dict[str, Any]]) -> None:
    await store.enrollments.issue(tx, rows)
    await store.history.record(tx, [store.history.issued(tx, row, "ISSUED", row["employee_id"]) for row in rows])


def _counts(row: Enrollment) -> bool:
    # Reissues replace another, and one closed for want of eligibility makes room for the next.
    return row.replaces_id is None and row.close_reason is not CloseReason.NOT_ELIGIBLE


def _still_fits(row: Enrollment, plan_year: PlanYear, eligibility: Eligibility, today: date) -> bool:
    if not eligibility.eligible:
        return False
    if row.window_opens_on is None:
        return eligibility.eligible_on <= plan_year.coverage_starts_on
    # A window that has opened moves only where eligibility comes later; one to come opens with eligibility.
    opens_on = max(eligibility.eligible_on, min(row.window_opens_on, today))
    return eligibility.starts_on == row.effective_on and opens_on == row.window_opens_on


def _amend(updates: EnrollmentUpdates, row: Enrollment, eligibility: Eligibility, today: date) -> None:
    if not eligibility.eligible or row.reason is WindowReason.OPEN_ENROLLMENT:
        # Whoever becomes eligible only later gets a new hire's enrollment in its place.
        updates.add(row, "CLOSED", closed_on=today, close_reason=CloseReason.NOT_ELIGIBLE)
        return
    window = new_hire_window(eligibility.eligible_on, today)
    updates.add(
        row,
        "MOVED",
        effective_on=eligibility.starts_on,
        window_opens_on=window.start,
        window_closes_on=window.last,
    )


def waits(row: Enrollment, today: date) -> bool:
    """Tell whether nobody has answered yet and nothing has closed it: who has given notice may answer till then."""
    return row.decision is None and (row.closed_on is None or row.closed_on > today)
