"""Row queries of election confirmations: all of an enrollment, that of its current answer, and their dependents."""

from typing import Any

from sqlalchemy import Select, and_, case, exists, func, null, select
from sqlalchemy.orm import aliased

from benegraph.db.models import ConfirmedDependent, Dependent, ElectionConfirmation, Enrollment
from benegraph.db.query_scope import QueryScope
from benegraph.db.store.conditions import visibility_conditions
from benegraph.db.store.row_queries import ManyByKey, OneByKey


def confirmation_rows(scope: QueryScope) -> Select[Any]:
    """Select the confirmations that the viewer may see."""
    return select(*ElectionConfirmation.__table__.c).where(
        *visibility_conditions(
            scope, ElectionConfirmation, ElectionConfirmation.employer_id, ElectionConfirmation.employee_id
        )
    )


def current_confirmation_rows(scope: QueryScope) -> Select[Any]:
    """Select the confirmation of each current answer; an enrollment that was reopened has none."""
    newer = aliased(ElectionConfirmation)
    return (
        confirmation_rows(scope)
        .join(
            Enrollment,
            and_(
                Enrollment.tenant_id == ElectionConfirmation.tenant_id,
                Enrollment.id == ElectionConfirmation.enrollment_id,
                Enrollment.decided_at == ElectionConfirmation.created_at,
            ),
        )
        .where(
            ~exists().where(
                newer.tenant_id == ElectionConfirmation.tenant_id,
                newer.enrollment_id == ElectionConfirmation.enrollment_id,
                newer.enrollment_version > ElectionConfirmation.enrollment_version,
            )
        )
    )


def confirmed_dependent_rows(scope: QueryScope) -> Select[Any]:
    """Select the dependents of confirmations, each with the last day of its coverage as it was confirmed."""
    return (
        select(
            *Dependent.__table__.c,
            case(
                (ElectionConfirmation.coverage_ends_on.is_(None), null()),
                else_=func.least(ElectionConfirmation.coverage_ends_on, ConfirmedDependent.through),
            ).label("confirmed_through"),
        )
        .join(
            ConfirmedDependent,
            and_(
                ConfirmedDependent.tenant_id == Dependent.tenant_id,
                ConfirmedDependent.employer_id == Dependent.employer_id,
                ConfirmedDependent.employee_id == Dependent.employee_id,
                ConfirmedDependent.dependent_id == Dependent.id,
            ),
        )
        .outerjoin(
            ElectionConfirmation,
            and_(
                ElectionConfirmation.tenant_id == ConfirmedDependent.tenant_id,
                ElectionConfirmation.id == ConfirmedDependent.confirmation_id,
            ),
        )
        .where(*visibility_conditions(scope, Dependent, Dependent.employer_id, Dependent.employee_id))
    )


confirmations_by_ids = OneByKey(confirmation_rows, ElectionConfirmation.id)
confirmations_of = ManyByKey(
    confirmation_rows, ElectionConfirmation.enrollment_id, (ElectionConfirmation.enrollment_version,)
)
current_confirmation_of = OneByKey(current_confirmation_rows, ElectionConfirmation.enrollment_id)
confirmed_dependents_of = ManyByKey(confirmed_dependent_rows, ConfirmedDependent.confirmation_id, (Dependent.id,))
