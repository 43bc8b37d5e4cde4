"""What services lock and write of enrollments: always the employee first, then enrollments in order of their ids."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import delete, func, select

from benegraph.db.models import EnrolledDependent, Enrollment, LifeEvent, PlanYear
from benegraph.db.session import Transaction
from benegraph.db.store.scope import visible
from benegraph.db.store.writing import insert_rows
from benegraph.domain.enrollments.standing import ElectionDecision


async def whose(tx: Transaction, id: str) -> str | None:
    """Tell whose enrollment this is, before anything is locked."""
    return await tx.session.scalar(
        select(Enrollment.employee_id).where(
            *visible(tx, Enrollment, Enrollment.employer_id, Enrollment.employee_id), Enrollment.id == id
        )
    )


async def plan_years_of(tx: Transaction, employee_id: str, ids: Collection[str]) -> dict[str, str]:
    """Tell the plan year of each of these that is the employee's enrollment; as it never changes, nothing is locked."""
    found = await tx.session.execute(
        select(Enrollment.id, Enrollment.plan_year_id).where(
            *visible(tx, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == employee_id,
            Enrollment.id.in_(ids),
        )
    )
    return dict(iter(found))


async def lock_in_plan_years(
    tx: Transaction, employee_id: str, plan_year_ids: Collection[str] | None = None
) -> Sequence[Enrollment]:
    """Lock an employee's enrollments in some plan years (in all, by default), oldest first."""
    statement = select(Enrollment).where(
        *visible(tx, Enrollment, Enrollment.employer_id, Enrollment.employee_id), Enrollment.employee_id == employee_id
    )
    if plan_year_ids is not None:
        statement = statement.where(Enrollment.plan_year_id.in_(plan_year_ids))
    found = await tx.session.scalars(
        statement.order_by(Enrollment.id).with_for_update(key_share=True).execution_options(populate_existing=True)
    )
    return found.all()


async def lock_of_plan_year(tx: Transaction, plan_year_ids: Collection[str]) -> Sequence[Enrollment]:
    """Lock all enrollments of some plan years, oldest first."""
    found = await tx.session.scalars(
        select(Enrollment)
        .where(
            *visible(tx, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.plan_year_id.in_(plan_year_ids),
        )
        .order_by(Enrollment.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def plan_years_held(tx: Transaction, employee_id: str) -> set[str]:
    """Tell in which plan years an employee has enrollments."""
    found = await tx.session.scalars(
        select(Enrollment.plan_year_id)
        .where(
            *visible(tx, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == employee_id,
        )
        .distinct()
    )
    return set(found)


async def in_force_before(tx: Transaction, plan_year: PlanYear, employee_id: str | None = None) -> Sequence[Enrollment]:
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
        *visible(tx, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
        Enrollment.employer_id == plan_year.employer_id,
        Enrollment.benefit_product_id == plan_year.benefit_product_id,
        Enrollment.decision == ElectionDecision.ENROLLED,
        Enrollment.coverage_starts_on <= before,
        Enrollment.coverage_ends_on >= before,
    )
    if employee_id is not None:
        statement = statement.where(Enrollment.employee_id == employee_id)
    return (await tx.session.scalars(statement)).all()


async def enrolled_dependents(tx: Transaction, ids: Collection[str]) -> dict[str, list[EnrolledDependent]]:
    """Read who is covered by each of these enrollments."""
    found = await tx.session.scalars(
        select(EnrolledDependent)
        .where(
            *visible(tx, EnrolledDependent, EnrolledDependent.employer_id, EnrolledDependent.employee_id),
            EnrolledDependent.enrollment_id.in_(ids),
        )
        .order_by(EnrolledDependent.dependent_id)
    )
    covered: dict[str, list[EnrolledDependent]] = {id: [] for id in ids}
    for row in found:
        covered[row.enrollment_id].append(row)
    return covered


async def issue(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Insert new, unanswered enrollments, in one statement."""
    await insert_rows(tx, Enrollment, rows)


async def cover(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the dependents of elections, in one statement."""
    await insert_rows(tx, EnrolledDependent, rows)


async def uncover(tx: Transaction, enrollment_id: str) -> None:
    """Remove an enrollment's dependents, as its answer is taken back."""
    await tx.session.execute(
        delete(EnrolledDependent).where(
            EnrolledDependent.tenant_id == tx.viewer.tenant_id, EnrolledDependent.enrollment_id == enrollment_id
        )
    )


async def whose_life_event(tx: Transaction, id: str) -> str | None:
    """Tell whose life event this is, before anything is locked."""
    return await tx.session.scalar(
        select(LifeEvent.employee_id).where(
            *visible(tx, LifeEvent, LifeEvent.employer_id, LifeEvent.employee_id), LifeEvent.id == id
        )
    )


async def life_event(tx: Transaction, id: str, employee_id: str) -> LifeEvent | None:
    """Lock a life event of an employee."""
    return await tx.session.scalar(
        select(LifeEvent)
        .where(
            *visible(tx, LifeEvent, LifeEvent.employer_id, LifeEvent.employee_id),
            LifeEvent.id == id,
            LifeEvent.employee_id == employee_id,
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
