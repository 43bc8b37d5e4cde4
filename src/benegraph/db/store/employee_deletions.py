"""Deletion of an employee: the rows that rest on the record, and the removal of the record with what it alone has."""

from collections.abc import Sequence

from sqlalchemy import delete, or_, select

from benegraph.db.models import (
    ApiKey,
    Dependent,
    DivisionMove,
    ElectionConfirmation,
    ElectionOverride,
    Employee,
    Enrollment,
    LifeEvent,
    Subscriber,
    SubscriberEnrollment,
)
from benegraph.db.session import Transaction
from benegraph.db.store.conditions import visibility_conditions


async def list_obstacles(tx: Transaction, employee_id: str) -> dict[str, Sequence[str]]:
    """List the IDs of all rows that rest on an employee, by kind: see `domain.people.check_deletion`.

    An enrollment whose answer was reopened counts as answered, because its confirmation stays.
    """
    confirmations = select(ElectionConfirmation.enrollment_id).where(
        *visibility_conditions(tx.scope, ElectionConfirmation, ElectionConfirmation.employer_id),
        ElectionConfirmation.employee_id == employee_id,
    )
    overrides = select(ElectionOverride.enrollment_id).where(
        *visibility_conditions(tx.scope, ElectionOverride, ElectionOverride.employer_id),
        ElectionOverride.employee_id == employee_id,
    )
    statements = {
        "answers": select(Enrollment.id).where(
            *visibility_conditions(tx.scope, Enrollment, Enrollment.employer_id),
            Enrollment.employee_id == employee_id,
            or_(
                Enrollment.decision.is_not(None),
                Enrollment.id.in_(confirmations),
                Enrollment.id.in_(overrides),
            ),
        ),
        "life_events": select(LifeEvent.id).where(
            *visibility_conditions(tx.scope, LifeEvent, LifeEvent.employer_id), LifeEvent.employee_id == employee_id
        ),
        "subscribers": select(Subscriber.id).where(
            *visibility_conditions(tx.scope, Subscriber, Subscriber.employer_id), Subscriber.employee_id == employee_id
        ),
        "records": select(SubscriberEnrollment.id).where(
            *visibility_conditions(tx.scope, SubscriberEnrollment, SubscriberEnrollment.employer_id),
            SubscriberEnrollment.employee_id == employee_id,
        ),
        "keys": select(ApiKey.id).where(
            *visibility_conditions(tx.scope, ApiKey, ApiKey.employer_id),
            ApiKey.employee_id == employee_id,
            ApiKey.revoked_at.is_(None),
        ),
        "employments": select(Employee.id).where(
            *visibility_conditions(tx.scope, Employee, Employee.employer_id),
            Employee.previous_employment_id == employee_id,
        ),
    }
    return {
        kind: (await tx.session.scalars(statement.order_by(statement.selected_columns[0]))).all()
        for kind, statement in statements.items()
    }


async def delete_employee(tx: Transaction, employee_id: str) -> None:
    """Delete an employee on whom nothing rests, with unanswered enrollments, dependents, moves and revoked keys.

    Duplicates that were merged into the record, which have nothing any more, are deleted first.
    """
    for model in (Enrollment, Dependent, DivisionMove, ApiKey):
        await tx.session.execute(
            delete(model).where(model.tenant_id == tx.viewer.tenant_id, model.employee_id == employee_id)
        )
    for column in (Employee.merged_into_id, Employee.id):
        await tx.session.execute(
            delete(Employee).where(Employee.tenant_id == tx.viewer.tenant_id, column == employee_id)
        )
