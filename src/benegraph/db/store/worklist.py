"""The worklist: enrollments to answer, life events and overrides to review, children who age out, unpaid invoices.

Every item is derived from rows and today's date; none is stored. One row, `subject_id`, is in at most one item.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    FromClause,
    Label,
    Select,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on

from benegraph.db.base import enum_type
from benegraph.db.models import (
    ElectionOverride,
    Employer,
    EnrolledDependent,
    Enrollment,
    LifeEvent,
    PlanYear,
    PremiumInvoice,
    PremiumPayment,
    Subscriber,
)
from benegraph.db.query_scope import QueryScope
from benegraph.db.store.conditions import today_at, visibility_conditions
from benegraph.db.store.enrollments.reads import CLOSES_ON, is_answerable
from benegraph.db.store.row_queries import PagedRows
from benegraph.domain.enrollments.life_events import LIFE_EVENT_RULES, LifeEventStatus
from benegraph.domain.enrollments.status import ElectionDecision
from benegraph.domain.worklist import AGE_OUT_DAYS, CLOSING_DAYS, WorklistKind

_ID = Text(collation="C")
#: The columns with the IDs of the objects that an item concerns. Those that it doesn't concern are null.
_OBJECTS = (
    "employer_id",
    "employee_id",
    "enrollment_id",
    "life_event_id",
    "dependent_id",
    "override_id",
    "invoice_id",
)
_DUE_ON: Column[date] = Column("due_on", Date, nullable=False)
_SUBJECT_ID: Column[str] = Column("subject_id", _ID, nullable=False)


@dataclass(frozen=True, slots=True)
class WorklistFilter:
    """A filter of worklist items; None does not filter."""

    kinds: tuple[WorklistKind, ...] | None = None
    #: The items due before this day.
    due_before: date | None = None
    employer_id: str | None = None


def rows(scope: QueryScope) -> Select[Any]:
    """Select the items that the viewer may see; none for employees."""
    return _select_items(scope, WorklistFilter())


def apply_filter(scope: QueryScope, _all_items: Select[Any], filter: WorklistFilter) -> Select[Any]:
    """Select the items that match a filter. Its employer limits each of the tables that items are derived from."""
    return _select_items(scope, filter)


def _select_items(scope: QueryScope, filter: WorklistFilter) -> Select[Any]:
    kinds = filter.kinds if filter.kinds is not None else tuple(WorklistKind)
    sources = dict.fromkeys(_SOURCES[kind] for kind in kinds or WorklistKind)
    items = union_all(*(source(scope, filter) for source in sources)).subquery("worklist")
    statement = select(*items.c)
    if filter.kinds is not None:
        statement = statement.where(items.c.kind.in_(filter.kinds))
    if filter.due_before is not None:
        statement = statement.where(items.c.due_on < filter.due_before)
    return statement if scope.employee_id is None else statement.where(false())


def _conditions(scope: QueryScope, filter: WorklistFilter, table: Any) -> Iterator[ColumnElement[bool]]:
    yield from visibility_conditions(scope, table, table.employer_id)
    if filter.employer_id is not None:
        yield table.employer_id == filter.employer_id


def _columns(
    kind: WorklistKind | ColumnElement[Any], due_on: Any, subject: str, objects: Mapping[str, Any]
) -> list[Label[Any]]:
    """Return the columns of items. `subject` names the object that the item is about."""
    kind_value = literal(kind.value) if isinstance(kind, WorklistKind) else kind
    no_object: ColumnElement[Any] = type_coerce(null(), _ID)
    return [
        type_coerce(kind_value, enum_type(WorklistKind)).label("kind"),
        due_on.label("due_on"),
        objects[subject].label("subject_id"),
        *(objects.get(name, no_object).label(name) for name in _OBJECTS),
    ]


def _unanswered(scope: QueryScope, filter: WorklistFilter) -> Select[Any]:
    """Select the enrollments that can be answered today. The last day of the window decides between two kinds."""
    is_closing = today_at(scope) + CLOSING_DAYS >= CLOSES_ON
    kind = case((is_closing, WorklistKind.WINDOW_CLOSING.value), else_=WorklistKind.NOT_ANSWERED.value)
    objects = {
        "employer_id": Enrollment.employer_id,
        "employee_id": Enrollment.employee_id,
        "enrollment_id": Enrollment.id,
        "life_event_id": Enrollment.life_event_id,
    }
    return (
        select(*_columns(kind, CLOSES_ON, "enrollment_id", objects))
        .join(
            PlanYear,
            and_(
                PlanYear.tenant_id == Enrollment.tenant_id,
                PlanYear.employer_id == Enrollment.employer_id,
                PlanYear.id == Enrollment.plan_year_id,
            ),
        )
        .join(*_employer_of(Enrollment))
        .where(*_conditions(scope, filter, Enrollment), is_answerable(scope))
    )


def _life_events(scope: QueryScope, filter: WorklistFilter) -> Select[Any]:
    """Select the life events without a review. They are due on the last day on which they could be reported."""
    days = case(
        *((LifeEvent.event_type == event_type, rule.window_days) for event_type, rule in LIFE_EVENT_RULES.items())
    )
    objects = {
        "employer_id": LifeEvent.employer_id,
        "employee_id": LifeEvent.employee_id,
        "life_event_id": LifeEvent.id,
        "dependent_id": LifeEvent.dependent_id,
    }
    due_on = cast(LifeEvent.event_on + days, Date)
    return select(*_columns(WorklistKind.EVENT_UNREVIEWED, due_on, "life_event_id", objects)).where(
        *_conditions(scope, filter, LifeEvent), LifeEvent.status == LifeEventStatus.PENDING
    )


def _age_outs(scope: QueryScope, filter: WorklistFilter) -> Select[Any]:
    """Select the covered children whose age ends their coverage soon, each once. They are due on the last such day."""
    today = today_at(scope)
    children = (
        select(
            EnrolledDependent.employer_id,
            EnrolledDependent.employee_id,
            EnrolledDependent.dependent_id,
            EnrolledDependent.through,
        )
        .ext(distinct_on(EnrolledDependent.employer_id, EnrolledDependent.dependent_id))
        .join(
            Enrollment,
            and_(Enrollment.tenant_id == EnrolledDependent.tenant_id, Enrollment.id == EnrolledDependent.enrollment_id),
        )
        .join(*_employer_of(EnrolledDependent))
        .where(
            *_conditions(scope, filter, EnrolledDependent),
            EnrolledDependent.through.between(today, today + AGE_OUT_DAYS),
            Enrollment.decision == ElectionDecision.ENROLLED,
            Enrollment.coverage_ends_on >= today,
            or_(Enrollment.closed_on.is_(None), Enrollment.closed_on > today),
        )
        .order_by(EnrolledDependent.employer_id, EnrolledDependent.dependent_id, EnrolledDependent.through)
        .subquery("children")
    )
    objects = {name: children.c[name] for name in ("employer_id", "employee_id", "dependent_id")}
    return select(*_columns(WorklistKind.AGE_OUT, children.c.through, "dependent_id", objects))


def _overrides(scope: QueryScope, filter: WorklistFilter) -> Select[Any]:
    """Select the election overrides without a review. They are due on the day on which they were made."""
    objects = {
        "employer_id": ElectionOverride.employer_id,
        "employee_id": ElectionOverride.employee_id,
        "enrollment_id": ElectionOverride.enrollment_id,
        "override_id": ElectionOverride.id,
    }
    made_on = cast(func.timezone(Employer.time_zone, ElectionOverride.created_at), Date)
    return (
        select(*_columns(WorklistKind.OVERRIDE_UNREVIEWED, made_on, "override_id", objects))
        .join(*_employer_of(ElectionOverride))
        .where(
            *_conditions(scope, filter, ElectionOverride),
            ElectionOverride.reviewed_at.is_(None),
        )
    )


def _invoices(scope: QueryScope, filter: WorklistFilter) -> Select[Any]:
    """Select the open invoices, each with the employee whom the billed subscriber is linked to."""
    # One sum for all invoices; `billing.rows` computes it for one invoice at a time.
    paid = (
        select(PremiumPayment.invoice_id, func.sum(PremiumPayment.amount_cents).label("cents"))
        .where(*_conditions(scope, filter, PremiumPayment), PremiumPayment.reversed_at.is_(None))
        .group_by(PremiumPayment.invoice_id)
        .subquery("paid")
    )
    objects = {
        "employer_id": PremiumInvoice.employer_id,
        "employee_id": Subscriber.employee_id,
        "invoice_id": PremiumInvoice.id,
    }
    return (
        select(*_columns(WorklistKind.PREMIUM_UNPAID, PremiumInvoice.due_date, "invoice_id", objects))
        .outerjoin(paid, paid.c.invoice_id == PremiumInvoice.id)
        .outerjoin(
            Subscriber,
            and_(
                Subscriber.tenant_id == PremiumInvoice.tenant_id,
                Subscriber.subscriber_id == PremiumInvoice.subscriber_id,
                Subscriber.employer_id == PremiumInvoice.employer_id,
            ),
        )
        .where(
            *_conditions(scope, filter, PremiumInvoice),
            PremiumInvoice.voided_at.is_(None),
            PremiumInvoice.amount_cents > func.coalesce(paid.c.cents, 0),
        )
    )


def _employer_of(table: Any) -> tuple[FromClause | type[Employer], ColumnElement[bool]]:
    return Employer, and_(Employer.tenant_id == table.tenant_id, Employer.id == table.employer_id)


#: The function that selects the items of each kind, and maybe those of another one.
_SOURCES: Mapping[WorklistKind, Callable[[QueryScope, WorklistFilter], Select[Any]]] = {
    WorklistKind.WINDOW_CLOSING: _unanswered,
    WorklistKind.EVENT_UNREVIEWED: _life_events,
    WorklistKind.AGE_OUT: _age_outs,
    WorklistKind.NOT_ANSWERED: _unanswered,
    WorklistKind.OVERRIDE_UNREVIEWED: _overrides,
    WorklistKind.PREMIUM_UNPAID: _invoices,
}
page = PagedRows(rows, None, {"DUE_ON": (_DUE_ON, _SUBJECT_ID)}, apply_filter, name="WorklistItem")
