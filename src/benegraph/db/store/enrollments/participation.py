"""The participation in plan years: employees counted by their answers, elected plans and tiers, classes, monthly cost.

Each employee of a plan year counts once, by one enrollment: the newest answer that is not over; else the pending
enrollment; else the newest answer; else the newest enrollment that was never answered. So a reissue replaces the
enrollment before it when it is answered, and changes nothing while it is not.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Select,
    and_,
    case,
    cast,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import distinct_on

from benegraph.db.base import enum_type
from benegraph.db.models import Employee, Employer, Enrollment, Plan, PlanYear
from benegraph.db.query_scope import QueryScope
from benegraph.db.store.catalog import tier_order
from benegraph.db.store.conditions import today_at, visibility_conditions
from benegraph.db.store.enrollments.reads import status_on
from benegraph.db.store.row_queries import ManyByKey, OneByKey
from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.status import CloseReason, EnrollmentStatus

_ANSWERED = (EnrollmentStatus.ENROLLED.value, EnrollmentStatus.WAIVED.value)
#: The aliases of the rows for each tier, plan and class; the order of the rows refers to them.
_BY_TIER, _BY_PLAN, _BY_CLASS = "by_tier", "by_plan", "by_class"


def participation_rows(scope: QueryScope) -> Select[Any]:
    """Select the participation in each plan year that the viewer may see; nothing for employees."""
    counted = _counted_enrollments(scope)
    answers = _Answers(counted)
    counts = (
        select(
            func.count().label("issued"),
            *answers.counts(),
            _count(*answers.has_lapsed).label("lapsed"),
            _count(*answers.has_ended).label("ended"),
            _count(answers.is_answered, counted.c.has_pending).label("pending_reissues"),
            *_contributions(counted, answers.is_enrolled),
        )
        .select_from(counted)
        .lateral("counts")
    )
    return _of_plan_years(
        select(PlanYear.id.label("plan_year_id"), _as_of(scope).label("as_of"), *counts.c), scope, counts
    )


def tier_rows(scope: QueryScope) -> Select[Any]:
    """Select each tier elected in each plan year, with its employees and their contributions."""
    counted = _counted_enrollments(scope)
    tiers = (
        select(
            type_coerce(counted.c.coverage_tier, enum_type(CoverageTier)).label("coverage_tier"),
            func.count().label("enrolled"),
            *_contributions(counted),
        )
        .where(counted.c.status == EnrollmentStatus.ENROLLED.value)
        .group_by(counted.c.coverage_tier)
        .lateral(_BY_TIER)
    )
    return _of_plan_years(select(*tiers.c), scope, tiers)


def plan_rows(scope: QueryScope) -> Select[Any]:
    """Select each plan that a plan year offers, with the employees who elected it and their contributions."""
    counted = _counted_enrollments(scope)
    is_elected = and_(counted.c.selected_plan_id == Plan.id, counted.c.status == EnrollmentStatus.ENROLLED.value)
    plans = (
        select(
            Plan.id.label("plan_id"),
            Plan.position,
            func.count(counted.c.selected_plan_id).label("enrolled"),
            *_contributions(counted),
        )
        .outerjoin(counted, is_elected)
        .where(Plan.tenant_id == PlanYear.tenant_id, Plan.plan_year_id == PlanYear.id)
        .group_by(Plan.id, Plan.position)
        .correlate(PlanYear, Employer)
        .lateral(_BY_PLAN)
    )
    return _of_plan_years(select(*plans.c), scope, plans)


def class_rows(scope: QueryScope) -> Select[Any]:
    """Select each employment class with employees in each plan year, with their answers and contributions."""
    counted = _counted_enrollments(scope)
    answers = _Answers(counted)
    classes = (
        select(
            Employee.employment_class.label("employment"),
            *answers.counts(),
            *_contributions(counted, answers.is_enrolled),
        )
        .select_from(counted)
        .join(Employee, and_(Employee.tenant_id == scope.tenant_id, Employee.id == counted.c.employee_id))
        .group_by(Employee.employment_class)
        .lateral(_BY_CLASS)
    )
    return _of_plan_years(select(*classes.c), scope, classes)


class _Answers:
    """Conditions on the enrollments that employees count by."""

    def __init__(self, counted: FromClause) -> None:
        status = counted.c.status
        is_over = status == EnrollmentStatus.INACTIVE.value
        is_unanswered = and_(
            counted.c.decision.is_(None),
            or_(counted.c.close_reason == CloseReason.LAPSED, counted.c.closed_on.is_(None), counted.c.closes_later),
        )
        self.is_pending = status == EnrollmentStatus.PENDING.value
        self.is_enrolled = status == EnrollmentStatus.ENROLLED.value
        self.is_waived = status == EnrollmentStatus.WAIVED.value
        self.is_answered = status.in_(_ANSWERED)
        self.has_lapsed = (is_over, is_unanswered)
        self.has_ended = (is_over, is_unanswered.is_not(True))

    def counts(self) -> list[ColumnElement[int]]:
        """Return the numbers of employees that every group of them has."""
        return [
            _count(not_(and_(*self.has_ended))).label("eligible"),
            _count(self.is_answered).label("answered"),
            _count(self.is_pending).label("pending"),
            _count(self.is_enrolled).label("enrolled"),
            _count(self.is_waived).label("waived"),
        ]


def _of_plan_years(statement: Select[Any], scope: QueryScope, rows: FromClause) -> Select[Any]:
    """Add the plan years that the viewer may see, and a lateral that computes one or more rows for each of them."""
    return (
        statement.select_from(PlanYear)
        .outerjoin(Employer, and_(Employer.tenant_id == PlanYear.tenant_id, Employer.id == PlanYear.employer_id))
        .join(rows, true())
        .where(*visibility_conditions(scope, PlanYear, PlanYear.employer_id), *_not_for_employees(scope))
    )


def _not_for_employees(scope: QueryScope) -> Collection[ColumnElement[bool]]:
    # An employee's scope holds their own enrollments alone, so their counts would be wrong, and others' are private.
    return () if scope.employee_id is None else (false(),)


def _as_of(scope: QueryScope) -> ColumnElement[Any]:
    """Return the day of the counts: today, but at most the plan year's last day, because answers end with it."""
    return func.least(today_at(scope), PlanYear.coverage_ends_on, type_=Date)


def _counted_enrollments(scope: QueryScope) -> FromClause:
    """Select the enrollment that each employee of the outer statement's plan year counts by."""
    # Nobody can answer after the plan year's last day, so that unanswered enrollments are judged today.
    day = case((Enrollment.decision.is_(None), today_at(scope)), else_=_as_of(scope))
    status = status_on(day)
    rank = case(
        (status.in_(_ANSWERED), 0),
        (status == EnrollmentStatus.PENDING.value, 1),
        (Enrollment.decision.is_not(None), 2),
        else_=3,
    )
    is_pending = func.coalesce(status == EnrollmentStatus.PENDING.value, false())
    return (
        select(
            status.label("status"),
            func.bool_or(is_pending).over(partition_by=Enrollment.employee_id).label("has_pending"),
            Enrollment.employee_id,
            Enrollment.decision,
            Enrollment.closed_on,
            (Enrollment.closed_on > day).label("closes_later"),
            Enrollment.close_reason,
            Enrollment.coverage_tier,
            Enrollment.selected_plan_id,
            Enrollment.employee_contribution_cents,
            Enrollment.employer_contribution_cents,
        )
        .ext(distinct_on(Enrollment.employee_id))
        .where(
            *visibility_conditions(scope, Enrollment, Enrollment.employer_id),
            Enrollment.tenant_id == PlanYear.tenant_id,
            Enrollment.plan_year_id == PlanYear.id,
        )
        .order_by(Enrollment.employee_id, rank, Enrollment.id.desc())
        .correlate(PlanYear, Employer)
        .subquery("counted")
    )


def _count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(*conditions)


def _contributions(counted: FromClause, *conditions: ColumnElement[bool]) -> list[ColumnElement[int]]:
    """Return the sums of both monthly contributions, under their former names too, and of the premium."""
    employee, employer = counted.c.employee_contribution_cents, counted.c.employer_contribution_cents
    sums: dict[str, ColumnElement[Any]] = {
        "monthly_premium_cents": employee + employer,
        "employee_cents": employee,
        "employer_cents": employer,
        "employee_contribution_cents": employee,
        "employer_contribution_cents": employer,
    }
    return [_sum(cents, *conditions).label(name) for name, cents in sums.items()]


def _sum(cents: ColumnElement[Any], *conditions: ColumnElement[bool]) -> ColumnElement[int]:
    """Return a sum, 0 of no rows. PostgreSQL's sums of `bigint` are numeric, so it is cast."""
    total: Any = func.sum(cents)
    return cast(func.coalesce(total.filter(*conditions) if conditions else total, 0), BigInteger)


participation_of = OneByKey(participation_rows, PlanYear.id)
participation_by_tier = ManyByKey(tier_rows, PlanYear.id, (tier_order(literal_column(f"{_BY_TIER}.coverage_tier")),))
participation_by_plan = ManyByKey(plan_rows, PlanYear.id, (literal_column(f"{_BY_PLAN}.position"),))
participation_by_class = ManyByKey(class_rows, PlanYear.id, (literal_column(f"{_BY_CLASS}.employment"),))
