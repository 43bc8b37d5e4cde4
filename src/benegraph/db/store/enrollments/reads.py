"""Row queries of enrollments: enrollments with their status today, covered dependents, life events, history."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    type_coerce,
)

from benegraph.db.base import enum_type
from benegraph.db.models import Dependent, Employer, EnrolledDependent, Enrollment, Event, LifeEvent, PlanYear
from benegraph.db.query_scope import QueryScope
from benegraph.db.store.conditions import today_at, visibility_conditions
from benegraph.db.store.events import event_columns
from benegraph.db.store.row_queries import ManyByKey, OneByKey, PagedRows
from benegraph.domain.enrollments.life_events import LifeEventStatus
from benegraph.domain.enrollments.status import CoverageStatus, ElectionDecision, EnrollmentStatus
from benegraph.domain.ids import IdPrefix


@dataclass(frozen=True, slots=True)
class EnrollmentFilter:
    """A filter of enrollments; None does not filter. `effective_in_year` is the year of `effective_on`."""

    status: tuple[EnrollmentStatus, ...] | None = None
    plan_year_id: str | None = None
    effective_in_year: int | None = None
    employer_id: str | None = None
    benefit_product_id: str | None = None
    decision: ElectionDecision | None = None
    #: The last day of the window is before and after these days.
    window_closes_before: date | None = None
    window_closes_after: date | None = None
    updated_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class LifeEventFilter:
    """A filter of life events; None does not filter."""

    status: LifeEventStatus | None = None
    employer_id: str | None = None


_OPENS_ON = func.coalesce(Enrollment.window_opens_on, PlanYear.open_enrollment_starts_on)
#: The last day of an enrollment's window; the statement must contain its plan year. GREATEST ignores nulls.
CLOSES_ON = func.greatest(
    func.coalesce(Enrollment.window_closes_on, PlanYear.open_enrollment_ends_on),
    Enrollment.window_extended_through,
    type_=Date,
)
_ENROLLED = Enrollment.decision == ElectionDecision.ENROLLED
_WAIVED = Enrollment.decision == ElectionDecision.WAIVED
#: The answer of an enrollment that has each status.
_DECISION_CONDITIONS = {
    EnrollmentStatus.PENDING: Enrollment.decision.is_(None),
    EnrollmentStatus.ENROLLED: _ENROLLED,
    EnrollmentStatus.WAIVED: _WAIVED,
}


def status_at(scope: QueryScope) -> ColumnElement[Any]:
    """Return an enrollment's status today as an SQL expression."""
    return status_on(today_at(scope))


def status_on(day: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return an enrollment's status on a day as an SQL expression. `derive_enrollment_status` in the domain equals it.

    It reads the plan year's columns, so the statement must contain that table.
    """
    is_over = or_(
        Enrollment.closed_on <= day,
        and_(Enrollment.decision.is_(None), CLOSES_ON < day),  # noqa: SIM300 - both are columns
        and_(Enrollment.decision.is_not(None), PlanYear.coverage_ends_on < day),
        and_(_ENROLLED, or_(Enrollment.coverage_ends_on.is_(None), Enrollment.coverage_ends_on < day)),
        and_(_WAIVED, Enrollment.closed_on <= Enrollment.effective_on),
    )
    return case(
        (is_over, EnrollmentStatus.INACTIVE.value),
        (Enrollment.decision.is_(None), EnrollmentStatus.PENDING.value),
        (_ENROLLED, EnrollmentStatus.ENROLLED.value),
        else_=EnrollmentStatus.WAIVED.value,
    )


def _has_status(scope: QueryScope, statuses: tuple[EnrollmentStatus, ...]) -> Iterator[ColumnElement[bool]]:
    """Yield conditions that limit enrollments to statuses today, and from which the planner can estimate their share.

    It has no statistics of computed expressions, and would expect one row in 200 to match. It would then sort the whole
    list for a page, instead of reading an index until the page is full.
    """
    yield case((status_at(scope).in_(statuses), true()), else_=false())
    if EnrollmentStatus.INACTIVE not in statuses:
        yield or_(false(), *(_DECISION_CONDITIONS[status] for status in statuses))


def is_answerable(scope: QueryScope) -> ColumnElement[bool]:
    """Return the condition that an enrollment is pending, and its window open today.

    It reads the plan year's columns and the employer's time zone, so the statement must contain both tables.
    """
    today = today_at(scope)
    return and_(
        Enrollment.decision.is_(None),
        or_(Enrollment.closed_on.is_(None), Enrollment.closed_on > today),
        today.between(_OPENS_ON, CLOSES_ON),
    )


def _coverage_status_at(scope: QueryScope) -> ColumnElement[Any]:
    today = today_at(scope)
    return case(
        (_ENROLLED.is_not(True), null()),
        (Enrollment.coverage_ends_on.is_(None), CoverageStatus.CANCELLED.value),
        (Enrollment.coverage_starts_on > today, CoverageStatus.UPCOMING.value),
        (Enrollment.coverage_ends_on >= today, CoverageStatus.EFFECTIVE.value),
        else_=CoverageStatus.ENDED.value,
    )


def rows(scope: QueryScope) -> Select[Any]:
    """Select the enrollments that the viewer may see, each with its window and its status today."""
    today = today_at(scope)
    return (
        select(
            *Enrollment.__table__.c,
            type_coerce(status_at(scope), enum_type(EnrollmentStatus)).label("status"),
            type_coerce(_coverage_status_at(scope), enum_type(CoverageStatus)).label("coverage_status"),
            _OPENS_ON.label("opens_on"),
            CLOSES_ON.label("closes_on"),
            today.between(_OPENS_ON, CLOSES_ON).label("window_is_open"),
        )
        .outerjoin(
            PlanYear,
            and_(PlanYear.tenant_id == Enrollment.tenant_id, PlanYear.id == Enrollment.plan_year_id),
        )
        .outerjoin(Employer, and_(Employer.tenant_id == Enrollment.tenant_id, Employer.id == Enrollment.employer_id))
        .where(*visibility_conditions(scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id))
    )


def apply_filter(scope: QueryScope, enrollments: Select[Any], filter: EnrollmentFilter) -> Select[Any]:
    if filter.status is not None:
        enrollments = enrollments.where(*_has_status(scope, filter.status))
    if filter.plan_year_id is not None:
        enrollments = enrollments.where(Enrollment.plan_year_id == filter.plan_year_id)
    if filter.effective_in_year is not None:
        year = filter.effective_in_year
        enrollments = enrollments.where(Enrollment.effective_on.between(date(year, 1, 1), date(year, 12, 31)))
    for column, value in (
        (Enrollment.employer_id, filter.employer_id),
        (Enrollment.benefit_product_id, filter.benefit_product_id),
        (Enrollment.decision, filter.decision),
    ):
        if value is not None:
            enrollments = enrollments.where(column == value)
    if filter.window_closes_before is not None:
        enrollments = enrollments.where(filter.window_closes_before > CLOSES_ON)
    if filter.window_closes_after is not None:
        enrollments = enrollments.where(filter.window_closes_after < CLOSES_ON)
    if filter.updated_since is not None:
        enrollments = enrollments.where(Enrollment.updated_at >= filter.updated_since)
    return enrollments


def covered_rows(scope: QueryScope) -> Select[Any]:
    """Select the dependents in elections that the viewer may see, each with the span of its coverage."""
    return (
        select(
            *Dependent.__table__.c,
            Enrollment.coverage_starts_on.label("covered_from"),
            # Cancelled coverage has no end, so the coverage of its dependents has none either.
            case(
                (Enrollment.coverage_ends_on.is_(None), null()),
                else_=func.least(Enrollment.coverage_ends_on, EnrolledDependent.through),
            ).label("covered_through"),
        )
        .join(
            EnrolledDependent,
            and_(
                EnrolledDependent.tenant_id == Dependent.tenant_id,
                EnrolledDependent.employer_id == Dependent.employer_id,
                EnrolledDependent.employee_id == Dependent.employee_id,
                EnrolledDependent.dependent_id == Dependent.id,
            ),
        )
        .outerjoin(
            Enrollment,
            and_(Enrollment.tenant_id == EnrolledDependent.tenant_id, Enrollment.id == EnrolledDependent.enrollment_id),
        )
        .where(*visibility_conditions(scope, Dependent, Dependent.employer_id, Dependent.employee_id))
    )


def life_event_rows(scope: QueryScope) -> Select[Any]:
    """Select the life events that the viewer may see; employees don't see the review notes."""
    columns = list(LifeEvent.__table__.c)
    if scope.employee_id is not None:
        no_notes = literal(None, LifeEvent.review_notes.type).label("review_notes")
        columns = [no_notes if column.key == "review_notes" else column for column in columns]
    return select(*columns).where(
        *visibility_conditions(scope, LifeEvent, LifeEvent.employer_id, LifeEvent.employee_id)
    )


def apply_life_event_filter(_scope: QueryScope, life_events: Select[Any], filter: LifeEventFilter) -> Select[Any]:
    if filter.status is not None:
        life_events = life_events.where(LifeEvent.status == filter.status)
    if filter.employer_id is not None:
        life_events = life_events.where(LifeEvent.employer_id == filter.employer_id)
    return life_events


def event_rows(scope: QueryScope) -> Select[Any]:
    """Select the events of enrollments that the viewer may see."""
    return select(*event_columns(scope).values()).where(
        *visibility_conditions(scope, Event, Event.employer_id, Event.employee_id),
        Event.subject_id.startswith(f"{IdPrefix.ENROLLMENT}_", autoescape=True),
    )


#: By ID is in the order of their creation.
ORDERS = {
    "ID": (Enrollment.id,),
    "EFFECTIVE_DATE": (Enrollment.effective_on, Enrollment.id),
    "UPDATED_AT": (Enrollment.updated_at, Enrollment.id),
}
by_ids = OneByKey(rows, Enrollment.id)
page = PagedRows(rows, None, ORDERS, apply_filter)
of_employers = PagedRows(rows, Enrollment.employer_id, ORDERS, apply_filter)
of_employees = PagedRows(rows, Enrollment.employee_id, ORDERS, apply_filter)
of_plan_years = PagedRows(rows, Enrollment.plan_year_id, ORDERS, apply_filter)
dependents_of = ManyByKey(covered_rows, EnrolledDependent.enrollment_id, (Dependent.id,))
life_events_by_ids = OneByKey(life_event_rows, LifeEvent.id)
life_events_of = ManyByKey(life_event_rows, LifeEvent.employee_id, (LifeEvent.id,))
life_event_page = PagedRows(life_event_rows, None, {"ID": (LifeEvent.id,)}, apply_life_event_filter)
events_by_ids = OneByKey(event_rows, Event.id)
events_of = PagedRows(event_rows, Event.subject_id, {"ID": (Event.id,)})
