"""What services lock and write of enrollments: always the employee first, then enrollments in order of their ids.

What is locked comes as plain rows, which stand for enrollments: services change them by `Edits`, past the session.
"""

from collections.abc import Collection, Sequence
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Text, any_, bindparam, delete, func, select

from benegraph.db.cached_statements import fetch
from benegraph.db.models import Dependent, EnrolledDependent, Enrollment, LifeEvent, PlanYear
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import Transaction
from benegraph.db.store.conditions import any_of, array_of_rows, visibility_conditions
from benegraph.db.store.plan_years import offering_columns, past_draft_conditions
from benegraph.db.store.row_writes import RowWrite, insert_rows
from benegraph.domain.enrollments.status import ElectionDecision

_EMPLOYEE_ID = bindparam("employee_id", type_=Text)
_IDS = bindparam("ids", type_=ARRAY(Text))


async def employee_id_of(tx: Transaction, id: str) -> str | None:
    """Tell whose enrollment this is, before anything is locked."""
    return await tx.session.scalar(
        select(Enrollment.employee_id).where(
            *visibility_conditions(tx.scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.id == id,
        )
    )


async def lock_with_plan_years(
    tx: Transaction, employee_id: str, ids: Collection[str]
) -> tuple[dict[str, Any], list[Enrollment]]:
    """Lock the plan years of some of an employee's enrollments, shared, then all enrollments of theirs in these.

    Both in order of their ids. A plan year comes with all that an answer is judged by: what it offers, which is settled
    since it was opened, and the family, which changes under the employee's lock alone. The caller holds that one.
    """
    rows = await fetch(tx, _taken_up, {"employee_id": employee_id, "ids": list(ids)})
    one_in_each = {row.plan_year_id: row for row in rows}
    plan_years = {
        id: SimpleNamespace(**{name: getattr(row, place) for name, place in _OF_PLAN_YEAR.items()})
        for id, row in sorted(one_in_each.items())
    }
    return plan_years, rows


#: The columns of a plan year that is taken up, and what each is called beside those of an enrollment. The id's name is
#: one of an enrollment's own, which holds the same.
_OF_PLAN_YEAR = {
    name: f"plan_year_{name}" for name in (*PlanYear.__table__.c.keys(), "classes", "plans", "rates", "family")
}


def _taken_up(scope: QueryScope) -> Select[Any]:
    plan_years = _plan_years(scope).cte("taken")
    # Which they are is to be known before any enrollment is looked at: so all of them are locked before the first.
    taken = func.array(select(plan_years.c.id).scalar_subquery(), type_=ARRAY(Text))
    return (
        select(*Enrollment.__table__.c, *(plan_years.c[name].label(place) for name, place in _OF_PLAN_YEAR.items()))
        .join(plan_years, plan_years.c.id == Enrollment.plan_year_id)
        .where(
            *visibility_conditions(scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == _EMPLOYEE_ID,
            Enrollment.plan_year_id == any_(taken),
        )
        .order_by(Enrollment.id)
        .with_for_update(key_share=True, of=Enrollment)
    )


def _plan_years(scope: QueryScope) -> Select[Any]:
    # An enrollment's plan year never changes, so that it may be looked up unlocked; first, and as one array, or the
    # plan made for it while there are few plan years reads all of them.
    named = select(Enrollment.plan_year_id).where(
        *visibility_conditions(scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
        Enrollment.employee_id == _EMPLOYEE_ID,
        Enrollment.id == any_of(_IDS),
    )
    looked_up = func.array(named.scalar_subquery(), type_=ARRAY(Text))
    family = array_of_rows(
        (Dependent.id, Dependent.relationship, Dependent.date_of_birth, Dependent.disabled, Dependent.active),
        *visibility_conditions(scope, Dependent, Dependent.employer_id, Dependent.employee_id),
        Dependent.employee_id == _EMPLOYEE_ID,
    )
    return (
        select(*PlanYear.__table__.c, *offering_columns(), family.label("family"))
        .where(
            *visibility_conditions(scope, PlanYear, PlanYear.employer_id),
            *past_draft_conditions(scope),
            PlanYear.id == any_(looked_up),
        )
        .order_by(PlanYear.id)
        .with_for_update(read=True, of=PlanYear)
    )


async def lock_in_plan_years(
    tx: Transaction, employee_id: str, plan_year_ids: Collection[str] | None = None
) -> Sequence[Enrollment]:
    """Lock an employee's enrollments in some plan years (in all, by default), oldest first."""
    if plan_year_ids is None:
        return await fetch(tx, _held_by, {"employee_id": employee_id})
    given = {"employee_id": employee_id, "ids": list(plan_year_ids)}
    return await fetch(tx, _held_in, given) if given["ids"] else []


def _locked(scope: QueryScope, *conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(*Enrollment.__table__.c)
        .where(*visibility_conditions(scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id), *conditions)
        .order_by(Enrollment.id)
        .with_for_update(key_share=True)
    )


def _held_by(scope: QueryScope) -> Select[Any]:
    return _locked(scope, Enrollment.employee_id == _EMPLOYEE_ID)


def _held_in(scope: QueryScope) -> Select[Any]:
    return _locked(scope, Enrollment.employee_id == _EMPLOYEE_ID, Enrollment.plan_year_id == any_of(_IDS))


async def lock_all_in_plan_years(tx: Transaction, plan_year_ids: Collection[str]) -> Sequence[Enrollment]:
    """Lock all enrollments of some plan years, oldest first."""
    return await fetch(tx, _of_plan_years, {"ids": list(plan_year_ids)})


def _of_plan_years(scope: QueryScope) -> Select[Any]:
    return _locked(scope, Enrollment.plan_year_id == any_of(_IDS))


async def list_plan_year_ids(tx: Transaction, employee_id: str) -> set[str]:
    """Tell in which plan years an employee has enrollments."""
    found = await tx.session.scalars(
        select(Enrollment.plan_year_id)
        .where(
            *visibility_conditions(tx.scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == employee_id,
        )
        .distinct()
    )
    return set(found)


async def list_prior_coverage(
    tx: Transaction, plan_year: PlanYear, employee_id: str | None = None
) -> Sequence[Enrollment]:
    """Read the coverage in force on the last day of the plan year before this one, of everyone or of one employee."""
    before = (
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
        Enrollment.coverage_starts_on <= before,
        Enrollment.coverage_ends_on >= before,
    )
    if employee_id is not None:
        statement = statement.where(Enrollment.employee_id == employee_id)
    return (await tx.session.scalars(statement)).all()


async def list_enrolled_dependents(tx: Transaction, ids: Collection[str]) -> dict[str, list[EnrolledDependent]]:
    """Read who is covered by each of these enrollments."""
    found = await tx.session.scalars(
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
    for row in found:
        covered[row.enrollment_id].append(row)
    return covered


async def insert_enrollments(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Insert new, unanswered enrollments, in one statement."""
    await insert_rows(tx, Enrollment, rows)


def enrolled_dependents_insert(rows: Sequence[dict[str, Any]]) -> RowWrite:
    """Give the dependents of elections, to be inserted."""
    return RowWrite.insert(EnrolledDependent, rows)


async def delete_enrolled_dependents(tx: Transaction, enrollment_id: str) -> None:
    """Remove an enrollment's dependents, as its answer is taken back."""
    await tx.session.execute(
        delete(EnrolledDependent).where(
            EnrolledDependent.tenant_id == tx.viewer.tenant_id, EnrolledDependent.enrollment_id == enrollment_id
        )
    )


async def employee_id_of_life_event(tx: Transaction, id: str) -> str | None:
    """Tell whose life event this is, before anything is locked."""
    return await tx.session.scalar(
        select(LifeEvent.employee_id).where(
            *visibility_conditions(tx.scope, LifeEvent, LifeEvent.employer_id, LifeEvent.employee_id),
            LifeEvent.id == id,
        )
    )


async def lock_life_event(tx: Transaction, id: str, employee_id: str) -> LifeEvent | None:
    """Lock a life event of an employee."""
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
