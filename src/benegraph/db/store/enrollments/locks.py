"""Locks and writes of enrollments. The caller locks the employee first; enrollments are locked in order of their IDs.

Locked enrollments are plain rows, which the session doesn't know. Services update them by `EnrollmentUpdates`.
"""

from collections.abc import Collection, Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Text, and_, any_, bindparam, delete, func, or_, select, update

from benegraph.db.cached_statements import fetch
from benegraph.db.models import Dependent, EnrolledDependent, Enrollment, Event, LifeEvent, PlanYear
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import Transaction
from benegraph.db.store.conditions import any_of, array_of_rows, visibility_conditions
from benegraph.db.store.plan_years import offering_columns, past_draft_conditions
from benegraph.db.store.row_writes import insert_rows
from benegraph.domain.enrollments.coverage_ends import CoverageEndReason
from benegraph.domain.enrollments.life_events import LIFE_EVENT_RULES, LifeEventStatus
from benegraph.domain.enrollments.status import ElectionDecision

_EMPLOYEE_ID = bindparam("employee_id", type_=Text)
_IDS = bindparam("ids", type_=ARRAY(Text))


async def employee_id_of(tx: Transaction, id: str) -> str | None:
    """Return the ID of the employee of an enrollment, to be locked first."""
    return await tx.session.scalar(
        select(Enrollment.employee_id).where(
            *visibility_conditions(tx.scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.id == id,
        )
    )


async def lock_with_plan_years(
    tx: Transaction, employee_id: str, ids: Collection[str]
) -> tuple[dict[str, Any], list[Enrollment]]:
    """Lock the plan years of some of an employee's enrollments, shared, then all the employee's enrollments in them.

    Both are locked in order of their IDs. Each plan year comes with all inputs of an election: its offerings, which
    don't change once it is opened, and the employee's dependents, who change only under the employee's lock. The caller
    holds that lock.

    Returns the plan years by ID, and the enrollments.
    """
    rows = await fetch(tx, _with_plan_years, {"employee_id": employee_id, "ids": list(ids)})
    row_by_plan_year = {row.plan_year_id: row for row in rows}
    plan_years = {
        id: SimpleNamespace(**{name: getattr(row, label) for name, label in _PLAN_YEAR_LABELS.items()})
        for id, row in sorted(row_by_plan_year.items())
    }
    return plan_years, rows


#: The label of each plan year column in a row that also holds an enrollment's columns. The label of the ID equals the
#: name of an enrollment column, which holds the same value.
_PLAN_YEAR_LABELS = {
    name: f"plan_year_{name}"
    for name in (*PlanYear.__table__.c.keys(), "classes", "plans", "rates", "product_name", "dependents")
}


def _with_plan_years(scope: QueryScope) -> Select[Any]:
    plan_years = _locked_plan_years(scope).cte("taken")
    # As an array the plan years are computed, and thereby locked, before the first enrollment is read.
    plan_year_ids = func.array(select(plan_years.c.id).scalar_subquery(), type_=ARRAY(Text))
    return (
        select(*Enrollment.__table__.c, *(plan_years.c[name].label(label) for name, label in _PLAN_YEAR_LABELS.items()))
        .join(plan_years, plan_years.c.id == Enrollment.plan_year_id)
        .where(
            *visibility_conditions(scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == _EMPLOYEE_ID,
            Enrollment.plan_year_id == any_(plan_year_ids),
        )
        .order_by(Enrollment.id)
        .with_for_update(key_share=True, of=Enrollment)
    )


def _locked_plan_years(scope: QueryScope) -> Select[Any]:
    # An enrollment's plan year never changes, so it can be looked up without a lock. It is looked up first and as an
    # array: otherwise a query plan that was made while there were few plan years would read all of them.
    plan_year_ids = select(Enrollment.plan_year_id).where(
        *visibility_conditions(scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
        Enrollment.employee_id == _EMPLOYEE_ID,
        Enrollment.id == any_of(_IDS),
    )
    plan_year_id_array = func.array(plan_year_ids.scalar_subquery(), type_=ARRAY(Text))
    dependents = array_of_rows(
        (Dependent.id, Dependent.relationship, Dependent.date_of_birth, Dependent.disabled, Dependent.active),
        *visibility_conditions(scope, Dependent, Dependent.employer_id, Dependent.employee_id),
        Dependent.employee_id == _EMPLOYEE_ID,
    )
    return (
        select(*PlanYear.__table__.c, *offering_columns(), dependents.label("dependents"))
        .where(
            *visibility_conditions(scope, PlanYear, PlanYear.employer_id),
            *past_draft_conditions(scope),
            PlanYear.id == any_(plan_year_id_array),
        )
        .order_by(PlanYear.id)
        .with_for_update(read=True, of=PlanYear)
    )


async def lock_in_plan_years(
    tx: Transaction, employee_id: str, plan_year_ids: Collection[str] | None = None
) -> Sequence[Enrollment]:
    """Lock an employee's enrollments in some plan years, by default in all, in order of their IDs."""
    if plan_year_ids is None:
        return await fetch(tx, _of_employee, {"employee_id": employee_id})
    parameters = {"employee_id": employee_id, "ids": list(plan_year_ids)}
    return await fetch(tx, _of_employee_in_plan_years, parameters) if parameters["ids"] else []


def _locked(scope: QueryScope, *conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(*Enrollment.__table__.c)
        .where(*visibility_conditions(scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id), *conditions)
        .order_by(Enrollment.id)
        .with_for_update(key_share=True)
    )


def _of_employee(scope: QueryScope) -> Select[Any]:
    return _locked(scope, Enrollment.employee_id == _EMPLOYEE_ID)


def _of_employee_in_plan_years(scope: QueryScope) -> Select[Any]:
    return _locked(scope, Enrollment.employee_id == _EMPLOYEE_ID, Enrollment.plan_year_id == any_of(_IDS))


async def lock_all_in_plan_years(tx: Transaction, plan_year_ids: Collection[str]) -> Sequence[Enrollment]:
    """Lock all enrollments in some plan years, in order of their IDs."""
    return await fetch(tx, _in_plan_years, {"ids": list(plan_year_ids)})


def _in_plan_years(scope: QueryScope) -> Select[Any]:
    return _locked(scope, Enrollment.plan_year_id == any_of(_IDS))


async def list_plan_year_ids(tx: Transaction, employee_id: str) -> set[str]:
    """Return the plan years in which an employee has enrollments."""
    result = await tx.session.scalars(
        select(Enrollment.plan_year_id)
        .where(
            *visibility_conditions(tx.scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == employee_id,
        )
        .distinct()
    )
    return set(result)


async def list_of_employees(tx: Transaction, employee_ids: Collection[str]) -> dict[str, list[Any]]:
    """List the dates of all enrollments of these employees, by employee ID, in order of their IDs.

    The caller holds the employees' locks.
    """
    enrollments: dict[str, list[Any]] = {id: [] for id in employee_ids}
    if enrollments:
        for row in await fetch(tx, _dates_of_employees, {"ids": list(enrollments)}):
            enrollments[row.employee_id].append(row)
    return enrollments


def _dates_of_employees(scope: QueryScope) -> Select[Any]:
    columns: tuple[Any, ...] = (
        Enrollment.id,
        Enrollment.employee_id,
        Enrollment.plan_year_id,
        Enrollment.effective_on,
        Enrollment.window_closes_on,
        Enrollment.coverage_ends_on,
        Enrollment.closed_on,
    )
    return (
        select(*columns)
        .where(
            *visibility_conditions(scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == any_of(_IDS),
        )
        .order_by(Enrollment.id)
    )


async def list_prior_coverage(
    tx: Transaction, plan_year: PlanYear, employee_id: str | None = None
) -> Sequence[Enrollment]:
    """List the enrollments with coverage on the last day of the previous plan year, of all employees or of one."""
    last_day = (
        select(func.max(PlanYear.coverage_ends_on))
        .where(
            PlanYear.tenant_id == plan_year.tenant_id,
            PlanYear.employer_id == plan_year.employer_id,
            PlanYear.benefit_product_id == plan_year.benefit_product_id,
            PlanYear.coverage_ends_on < plan_year.coverage_starts_on,
            PlanYear.opened_on.is_not(None),
        )
        .scalar_subquery()
    )
    statement = select(Enrollment).where(
        *visibility_conditions(tx.scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
        Enrollment.employer_id == plan_year.employer_id,
        Enrollment.benefit_product_id == plan_year.benefit_product_id,
        Enrollment.decision == ElectionDecision.ENROLLED,
        Enrollment.coverage_starts_on <= last_day,
        Enrollment.coverage_ends_on >= last_day,
    )
    if employee_id is not None:
        statement = statement.where(Enrollment.employee_id == employee_id)
    return (await tx.session.scalars(statement)).all()


async def list_enrolled_dependents(tx: Transaction, ids: Collection[str]) -> dict[str, list[EnrolledDependent]]:
    """List the dependents covered by each of these enrollments, by enrollment ID."""
    result = await tx.session.scalars(
        select(EnrolledDependent)
        .where(
            *visibility_conditions(
                tx.scope, EnrolledDependent, EnrolledDependent.employer_id, EnrolledDependent.employee_id
            ),
            EnrolledDependent.enrollment_id.in_(ids),
        )
        .order_by(EnrolledDependent.dependent_id)
    )
    covered: dict[str, list[EnrolledDependent]] = {id: [] for id in ids}
    for row in result:
        covered[row.enrollment_id].append(row)
    return covered


async def insert_enrollments(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Insert new, unanswered enrollments with one statement."""
    await insert_rows(tx, Enrollment, rows)


async def delete_enrolled_dependents(tx: Transaction, enrollment_id: str) -> None:
    """Delete the dependents of an enrollment, because its election is reopened."""
    await tx.session.execute(
        delete(EnrolledDependent).where(
            EnrolledDependent.tenant_id == tx.viewer.tenant_id, EnrolledDependent.enrollment_id == enrollment_id
        )
    )


async def employee_id_of_life_event(tx: Transaction, id: str) -> str | None:
    """Return the ID of the employee of a life event, to be locked first."""
    return await tx.session.scalar(
        select(LifeEvent.employee_id).where(
            *visibility_conditions(tx.scope, LifeEvent, LifeEvent.employer_id, LifeEvent.employee_id),
            LifeEvent.id == id,
        )
    )


async def list_resting_on_life_event(
    tx: Transaction, event: LifeEvent, today: date, *, may_end_coverage: bool
) -> Sequence[str]:
    """List the enrollments that were answered, or can still be answered, because of a life event, by ID.

    With `may_end_coverage` also those of its employee whose coverage was ended voluntarily since its review, because
    the end may rest on it. The caller holds the employee's lock.
    """
    is_open = and_(
        or_(Enrollment.closed_on.is_(None), Enrollment.closed_on > today),
        func.greatest(Enrollment.window_closes_on, Enrollment.window_extended_through) >= today,
    )
    rests = and_(Enrollment.life_event_id == event.id, or_(Enrollment.decision.is_not(None), is_open))
    if may_end_coverage:
        is_ended = Enrollment.end_reason == CoverageEndReason.VOLUNTARY
        rests = or_(rests, and_(is_ended, Enrollment.updated_at >= event.reviewed_at))
    result = await tx.session.scalars(
        select(Enrollment.id)
        .where(
            *visibility_conditions(tx.scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == event.employee_id,
            rests,
        )
        .order_by(Enrollment.id)
    )
    return result.all()


async def has_relationship_ended(tx: Transaction, dependent_id: str) -> bool:
    """Return whether an approved divorce or death names a dependent."""
    types = [event_type for event_type, rule in LIFE_EVENT_RULES.items() if rule.ends_relationship]
    event = select(LifeEvent.id).where(
        *visibility_conditions(tx.scope, LifeEvent, LifeEvent.employer_id, LifeEvent.employee_id),
        LifeEvent.dependent_id == dependent_id,
        LifeEvent.event_type.in_(types),
        LifeEvent.status == LifeEventStatus.APPROVED,
    )
    return await tx.session.scalar(event.limit(1)) is not None


async def is_inactive_by_review(tx: Transaction, dependent_id: str) -> bool:
    """Return whether the approval of a life event made an inactive dependent inactive, and not another change."""
    last_change = (
        select(Event.occurred_at)
        .where(
            *visibility_conditions(tx.scope, Event),
            Event.subject_id == dependent_id,
            Event.after.has_key("active"),
        )
        .order_by(Event.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    approval = (
        select(Event.id)
        .join(LifeEvent, and_(LifeEvent.tenant_id == Event.tenant_id, LifeEvent.id == Event.subject_id))
        .where(
            *visibility_conditions(tx.scope, LifeEvent, LifeEvent.employer_id, LifeEvent.employee_id),
            LifeEvent.dependent_id == dependent_id,
            Event.action == LifeEventStatus.APPROVED,
            Event.occurred_at == last_change,
        )
    )
    return await tx.session.scalar(approval.limit(1)) is not None


async def is_dependent_enrolled(tx: Transaction, dependent_id: str) -> bool:
    """Return whether an election covers a dependent, in any plan year."""
    covered = select(EnrolledDependent.dependent_id).where(
        *visibility_conditions(
            tx.scope, EnrolledDependent, EnrolledDependent.employer_id, EnrolledDependent.employee_id
        ),
        EnrolledDependent.dependent_id == dependent_id,
    )
    return await tx.session.scalar(covered.limit(1)) is not None


async def list_enrollments_of_dependent(tx: Transaction, dependent_id: str) -> Sequence[EnrolledDependent]:
    """List the rows by which elections cover a dependent, in any plan year, in order of the enrollments."""
    result = await tx.session.scalars(
        select(EnrolledDependent)
        .where(
            *visibility_conditions(
                tx.scope, EnrolledDependent, EnrolledDependent.employer_id, EnrolledDependent.employee_id
            ),
            EnrolledDependent.dependent_id == dependent_id,
        )
        .order_by(EnrolledDependent.enrollment_id)
    )
    return result.all()


async def update_covered_through(tx: Transaction, dependent_id: str, through: date | None) -> None:
    """Set the last day that a dependent's age allows, in all elections that cover the dependent."""
    await tx.session.execute(
        update(EnrolledDependent)
        .where(EnrolledDependent.tenant_id == tx.viewer.tenant_id, EnrolledDependent.dependent_id == dependent_id)
        .values(through=through)
    )


async def list_life_events_naming(tx: Transaction, dependent_id: str) -> Sequence[LifeEvent]:
    """List the life events that name a dependent and are pending or approved, in order of their IDs."""
    result = await tx.session.scalars(
        select(LifeEvent)
        .where(
            *visibility_conditions(tx.scope, LifeEvent, LifeEvent.employer_id, LifeEvent.employee_id),
            LifeEvent.dependent_id == dependent_id,
            LifeEvent.status.in_((LifeEventStatus.PENDING, LifeEventStatus.APPROVED)),
        )
        .order_by(LifeEvent.id)
    )
    return result.all()


async def list_covered_before(tx: Transaction, employee_id: str, day: date) -> Sequence[str]:
    """List the enrollments of an employee whose elected coverage, not cancelled, starts before a day; oldest first.

    The caller holds the employee's lock.
    """
    result = await tx.session.scalars(
        select(Enrollment.id)
        .where(
            *visibility_conditions(tx.scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == employee_id,
            Enrollment.decision == ElectionDecision.ENROLLED,
            Enrollment.coverage_ends_on.is_not(None),
            Enrollment.effective_on < day,
        )
        .order_by(Enrollment.id)
    )
    return result.all()


async def lock_life_event(tx: Transaction, id: str, employee_id: str) -> LifeEvent | None:
    """Lock a life event of an employee; return None if it doesn't exist."""
    return await tx.session.scalar(
        select(LifeEvent)
        .where(
            *visibility_conditions(tx.scope, LifeEvent, LifeEvent.employer_id, LifeEvent.employee_id),
            LifeEvent.id == id,
            LifeEvent.employee_id == employee_id,
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
