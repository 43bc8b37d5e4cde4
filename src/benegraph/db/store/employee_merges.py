"""Merge of two records of one employee: everything that refers to the duplicate moves to the kept record."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import CTE, Select, case, delete, literal, select, update

from benegraph.db.models import (
    ApiKey,
    ConfirmedDependent,
    Dependent,
    DivisionMove,
    ElectionConfirmation,
    ElectionOverride,
    Employee,
    EnrolledDependent,
    Enrollment,
    LifeEvent,
    Subscriber,
    SubscriberEnrollment,
)
from benegraph.db.session import Transaction
from benegraph.db.store.conditions import any_of, visibility_conditions

#: The tables whose rows with an ID move to the kept record; history records an event for each row.
MOVED_WITH_EVENTS: tuple[Any, ...] = (
    Dependent,
    LifeEvent,
    Enrollment,
    ElectionOverride,
    Subscriber,
    SubscriberEnrollment,
    ApiKey,
)
#: The other tables whose rows move: parts of the rows above.
MOVED_PARTS: tuple[Any, ...] = (EnrolledDependent, ElectionConfirmation, ConfirmedDependent, DivisionMove)


async def list_owned_ids(tx: Transaction, employee_id: str) -> dict[str, Sequence[str]]:
    """List the IDs of all rows of an employee that a merge moves, by table."""
    return {
        model.__tablename__: (
            await tx.session.scalars(
                select(model.id)
                .where(*visibility_conditions(tx.scope, model, model.employer_id), model.employee_id == employee_id)
                .order_by(model.id)
            )
        ).all()
        for model in MOVED_WITH_EVENTS
    }


async def delete_unanswered(tx: Transaction, enrollment_ids: Collection[str]) -> None:
    """Delete enrollments that were never answered."""
    await tx.session.execute(
        delete(Enrollment).where(Enrollment.tenant_id == tx.viewer.tenant_id, Enrollment.id == any_of(enrollment_ids))
    )


async def move_rows(tx: Transaction, duplicate_id: str, kept_id: str, dependents: Mapping[str, str]) -> None:
    """Move all rows of the duplicate to the kept record, and delete the dependents that others stand for.

    `dependents` maps these to the kept record's own. One statement moves everything, because composite foreign keys are
    checked at its end. The session's objects of these rows become stale.
    """
    statement: Select[Any] = select(literal(1))
    for model in (*MOVED_WITH_EVENTS, *MOVED_PARTS):
        statement = statement.add_cte(_move(tx, model, duplicate_id, kept_id, dependents))
    earlier = update(Employee).where(Employee.tenant_id == tx.viewer.tenant_id, Employee.merged_into_id == duplicate_id)
    statement = statement.add_cte(earlier.values(merged_into_id=kept_id).cte("earlier_duplicates"))
    if dependents:
        merged = delete(Dependent).where(
            Dependent.tenant_id == tx.viewer.tenant_id, Dependent.id == any_of(list(dependents))
        )
        statement = statement.add_cte(merged.cte("merged_dependents"))
    await tx.session.execute(statement)


def _move(tx: Transaction, model: Any, duplicate_id: str, kept_id: str, dependents: Mapping[str, str]) -> CTE:
    columns = model.__table__.c
    values: dict[str, Any] = {"employee_id": kept_id}
    if "version" in columns:
        values |= {"version": model.version + 1, "updated_at": tx.clock.now}
    if "dependent_id" in columns and dependents:
        values["dependent_id"] = case(dependents, value=model.dependent_id, else_=model.dependent_id)
    statement = update(model).where(model.tenant_id == tx.viewer.tenant_id, model.employee_id == duplicate_id)
    if model is Dependent and dependents:
        statement = statement.where(Dependent.id.not_in(list(dependents)))
    return statement.values(values).cte(f"moved_{model.__tablename__}")


async def is_in_chain(tx: Transaction, employee: Employee) -> bool:
    """Return whether an employment follows another one of the same person, or is followed by one."""
    if employee.previous_employment_id is not None:
        return True
    following = select(Employee.id).where(
        *visibility_conditions(tx.scope, Employee, Employee.employer_id),
        Employee.previous_employment_id == employee.id,
    )
    return await tx.session.scalar(following.limit(1)) is not None
