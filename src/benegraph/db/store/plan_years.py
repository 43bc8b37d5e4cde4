"""Plan years, their contribution classes, plans and rates: row queries, locks and lookups."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    case,
    delete,
    exists,
    select,
    type_coerce,
)
from sqlalchemy.orm import aliased

from benegraph.db.base import enum_type
from benegraph.db.cached_statements import fetch
from benegraph.db.models import (
    BenefitProduct,
    ContributionClass,
    Employee,
    Employer,
    GroupContract,
    Plan,
    PlanRate,
    PlanYear,
)
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import Transaction
from benegraph.db.store.catalog import tier_order
from benegraph.db.store.conditions import any_of, array_of_rows, today_at, visibility_conditions
from benegraph.db.store.row_queries import ManyByKey, OneByKey, PagedRows
from benegraph.domain.coverage import ContractKey
from benegraph.domain.plan_years import PlanYearStatus
from benegraph.domain.values import DateSpan


@dataclass(frozen=True, slots=True)
class PlanYearFilter:
    """A filter of plan years; None does not filter."""

    status: PlanYearStatus | None = None
    employer_id: str | None = None


def status_at(scope: QueryScope) -> ColumnElement[Any]:
    """Return a plan year's status today as an SQL expression. `derive_plan_year_status` in the domain equals it."""
    return case(
        (PlanYear.opened_on.is_(None), PlanYearStatus.DRAFT.value),
        (PlanYear.coverage_ends_on < today_at(scope), PlanYearStatus.EXPIRED.value),
        (PlanYear.closed_on.is_(None), PlanYearStatus.OPEN_ENROLLMENT.value),
        else_=PlanYearStatus.ACTIVE.value,
    )


def past_draft_conditions(scope: QueryScope) -> Collection[ColumnElement[bool]]:
    """Return the condition that hides draft plan years from employees."""
    return () if scope.employee_id is None else (PlanYear.opened_on.is_not(None),)


def rows(scope: QueryScope) -> Select[Any]:
    """Select the plan years that the viewer may see, each with its status today."""
    return (
        select(
            *PlanYear.__table__.c,
            type_coerce(status_at(scope), enum_type(PlanYearStatus)).label("status"),
            today_at(scope).label("today"),
        )
        .outerjoin(Employer, and_(Employer.tenant_id == PlanYear.tenant_id, Employer.id == PlanYear.employer_id))
        .where(*visibility_conditions(scope, PlanYear, PlanYear.employer_id), *past_draft_conditions(scope))
    )


def apply_filter(scope: QueryScope, plan_years: Select[Any], filter: PlanYearFilter) -> Select[Any]:
    if filter.status is not None:
        plan_years = plan_years.where(status_at(scope) == filter.status)
    if filter.employer_id is not None:
        plan_years = plan_years.where(PlanYear.employer_id == filter.employer_id)
    return plan_years


def contribution_class_rows(scope: QueryScope) -> Select[Any]:
    """Select the contribution classes that the viewer may see; employees see those of their own employment class."""
    classes = (
        select(*ContributionClass.__table__.c)
        .outerjoin(
            PlanYear,
            and_(PlanYear.tenant_id == ContributionClass.tenant_id, PlanYear.id == ContributionClass.plan_year_id),
        )
        .where(
            *visibility_conditions(scope, ContributionClass, ContributionClass.employer_id),
            *past_draft_conditions(scope),
        )
    )
    if scope.employee_id is None:
        return classes
    own_class = select(Employee.employment_class).where(
        Employee.tenant_id == scope.tenant_id, Employee.id == scope.employee_id
    )
    return classes.where(ContributionClass.employment == own_class.scalar_subquery())


def plan_rows(scope: QueryScope) -> Select[Any]:
    """Select the plans that the viewer may see."""
    return (
        select(*Plan.__table__.c)
        .outerjoin(PlanYear, and_(PlanYear.tenant_id == Plan.tenant_id, PlanYear.id == Plan.plan_year_id))
        .where(*visibility_conditions(scope, Plan, Plan.employer_id), *past_draft_conditions(scope))
    )


def rate_rows(scope: QueryScope) -> Select[Any]:
    """Select the rates of plans that the viewer may see."""
    return (
        select(*PlanRate.__table__.c)
        .outerjoin(PlanYear, and_(PlanYear.tenant_id == PlanRate.tenant_id, PlanYear.id == PlanRate.plan_year_id))
        .where(*visibility_conditions(scope, PlanRate, PlanRate.employer_id), *past_draft_conditions(scope))
    )


_BY_ID = {"ID": (PlanYear.id,)}
by_ids = OneByKey(rows, PlanYear.id)
page = PagedRows(rows, None, _BY_ID, apply_filter)
of_employers = PagedRows(rows, PlanYear.employer_id, _BY_ID, apply_filter)
of_products = PagedRows(rows, PlanYear.benefit_product_id, _BY_ID)
contribution_classes_by_ids = OneByKey(contribution_class_rows, ContributionClass.id)
contribution_classes_of = ManyByKey(
    contribution_class_rows, ContributionClass.plan_year_id, (ContributionClass.position,)
)
plans_by_ids = OneByKey(plan_rows, Plan.id)
plans_of = ManyByKey(plan_rows, Plan.plan_year_id, (Plan.position,))
rates_of = ManyByKey(rate_rows, PlanRate.plan_id, (tier_order(PlanRate.coverage_tier),))


async def lock(tx: Transaction, ids: Collection[str], *, shared: bool = False) -> dict[str, PlanYear]:
    """Lock plan years in order of their IDs: shared for elections, exclusively for changes of the plan years."""
    result = await tx.session.scalars(
        select(PlanYear)
        .where(
            *visibility_conditions(tx.scope, PlanYear, PlanYear.employer_id),
            *past_draft_conditions(tx.scope),
            PlanYear.id.in_(ids),
        )
        .order_by(PlanYear.id)
        .with_for_update(read=shared, key_share=not shared)
        .execution_options(populate_existing=True)
    )
    return {plan_year.id: plan_year for plan_year in result}


async def lock_of_contract(tx: Transaction, employer_id: str, group_id: str, coverage_start: date) -> None:
    """Lock the plan years of an employer that name a contract, exclusively, so that no election is made meanwhile.

    The caller holds the employer's exclusive lock.
    """
    await tx.session.execute(
        select(PlanYear.id)
        .where(
            *visibility_conditions(tx.scope, PlanYear, PlanYear.employer_id),
            PlanYear.employer_id == employer_id,
            PlanYear.group_id == group_id,
            PlanYear.group_coverage_start == coverage_start,
        )
        .order_by(PlanYear.id)
        .with_for_update(key_share=True)
    )


async def lock_offer(tx: Transaction, employer_id: str, benefit_product_id: str) -> Any:
    """Lock a product, shared, and return whether it and an employer are active. The caller has locked the employer."""
    result = await tx.session.execute(
        select(Employer.active.label("has_active_employer"), BenefitProduct.active.label("has_active_product"))
        .join(BenefitProduct, BenefitProduct.tenant_id == Employer.tenant_id)
        .where(
            *visibility_conditions(tx.scope, Employer, Employer.id),
            Employer.id == employer_id,
            BenefitProduct.id == benefit_product_id,
        )
        .with_for_update(read=True, of=BenefitProduct)
    )
    return result.one()


def offering_columns() -> list[ColumnElement[Any]]:
    """Return columns that collect all that a plan year offers.

    These are its classes, plans and rates, as arrays of tuples, and the name of its benefit product.
    """
    columns_by_name = {
        "classes": (
            ContributionClass.employment,
            ContributionClass.family_status,
            ContributionClass.employee_contribution_cents,
            ContributionClass.employer_contribution_cents,
        ),
        "plans": (Plan.id, Plan.carrier_plan_id, Plan.monthly_premium_cents, Plan.name),
        "rates": (PlanRate.plan_id, PlanRate.coverage_tier, PlanRate.monthly_premium_cents),
    }
    product_name = select(BenefitProduct.name).where(
        BenefitProduct.tenant_id == PlanYear.tenant_id, BenefitProduct.id == PlanYear.benefit_product_id
    )
    return [
        *(
            array_of_rows(
                columns,
                columns[0].class_.tenant_id == PlanYear.tenant_id,
                columns[0].class_.employer_id == PlanYear.employer_id,
                columns[0].class_.plan_year_id == PlanYear.id,
            ).label(name)
            for name, columns in columns_by_name.items()
        ),
        product_name.scalar_subquery().label("product_name"),
    ]


async def load_offerings(tx: Transaction, ids: Collection[str]) -> dict[str, Any]:
    """Load all that plan years offer, by plan year ID; opened plan years never change their offerings."""
    return {row.id: row for row in await fetch(tx, _offerings, {"ids": list(ids)})} if ids else {}


def _offerings(scope: QueryScope) -> Select[Any]:
    return select(PlanYear.id, *offering_columns()).where(
        *visibility_conditions(scope, PlanYear, PlanYear.employer_id),
        *past_draft_conditions(scope),
        PlanYear.id == any_of(bindparam("ids", type_=ARRAY(Text))),
    )


async def employer_id_of(tx: Transaction, id: str) -> str | None:
    """Return the ID of the employer of a plan year, to be locked first."""
    return await tx.session.scalar(
        select(PlanYear.employer_id).where(
            *visibility_conditions(tx.scope, PlanYear, PlanYear.employer_id),
            *past_draft_conditions(tx.scope),
            PlanYear.id == id,
        )
    )


async def find_overlapping(
    tx: Transaction, employer_id: str, benefit_product_id: str, coverage: DateSpan, *, except_id: str | None = None
) -> str | None:
    """Return a plan year of this employer and product, drafts included, that overlaps a span, or None."""
    statement = select(PlanYear.id).where(
        *visibility_conditions(tx.scope, PlanYear, PlanYear.employer_id),
        PlanYear.employer_id == employer_id,
        PlanYear.benefit_product_id == benefit_product_id,
        PlanYear.coverage_starts_on < coverage.stop,
        PlanYear.coverage_ends_on >= coverage.start,
        PlanYear.id != (except_id or ""),
    )
    return await tx.session.scalar(statement.limit(1))


async def find_under_another_contract(
    tx: Transaction,
    employer_id: str,
    group_id: str,
    group_coverage_start: date,
    coverage: DateSpan,
    *,
    except_id: str | None = None,
) -> str | None:
    """Return a plan year of this employer that overlaps a span under another contract of the same group, or None.

    Only contracts that have a division in common count: coverage in that division would belong to both. Drafts count.
    """
    own, other = aliased(GroupContract), aliased(GroupContract)
    have_common_division = (
        exists()
        .where(own.tenant_id == PlanYear.tenant_id, other.tenant_id == PlanYear.tenant_id)
        .where(own.employer_id == PlanYear.employer_id, other.employer_id == PlanYear.employer_id)
        .where(own.group_id == PlanYear.group_id, other.group_id == PlanYear.group_id)
        .where(own.coverage_start == group_coverage_start, other.coverage_start == PlanYear.group_coverage_start)
        .where(own.division_id == other.division_id)
    )
    statement = select(PlanYear.id).where(
        *visibility_conditions(tx.scope, PlanYear, PlanYear.employer_id),
        PlanYear.employer_id == employer_id,
        PlanYear.group_id == group_id,
        PlanYear.group_coverage_start != group_coverage_start,
        PlanYear.coverage_starts_on < coverage.stop,
        PlanYear.coverage_ends_on >= coverage.start,
        PlanYear.id != (except_id or ""),
        have_common_division,
    )
    return await tx.session.scalar(statement.limit(1))


async def find_outlasting(tx: Transaction, employer_id: str, key: ContractKey, last: date) -> str | None:
    """Return a plan year of this employer, drafts included, that uses a new contract and ends after it, or None."""
    statement = select(PlanYear.id).where(
        *visibility_conditions(tx.scope, PlanYear, PlanYear.employer_id),
        PlanYear.employer_id == employer_id,
        PlanYear.group_id == key.group_id,
        PlanYear.group_coverage_start == key.coverage_start,
        PlanYear.coverage_ends_on > last,
    )
    return await tx.session.scalar(statement.limit(1))


async def find_contract_conflict(tx: Transaction, employer_id: str, key: ContractKey) -> str | None:
    """Return a plan year of this employer that uses a new contract and would conflict with another one, or None.

    Two plan years conflict if they overlap, and the other uses another contract of the same group and division. Drafts
    count.
    """
    other = aliased(PlanYear)
    statement = (
        select(PlanYear.id)
        .join(other, and_(other.tenant_id == PlanYear.tenant_id, other.employer_id == PlanYear.employer_id))
        .join(
            GroupContract,
            and_(
                GroupContract.tenant_id == other.tenant_id,
                GroupContract.employer_id == other.employer_id,
                GroupContract.group_id == other.group_id,
                GroupContract.coverage_start == other.group_coverage_start,
            ),
        )
        .where(
            *visibility_conditions(tx.scope, PlanYear, PlanYear.employer_id),
            PlanYear.employer_id == employer_id,
            PlanYear.group_id == key.group_id,
            PlanYear.group_coverage_start == key.coverage_start,
            other.group_id == key.group_id,
            other.group_coverage_start != key.coverage_start,
            GroupContract.division_id == key.division_id,
            other.coverage_starts_on <= PlanYear.coverage_ends_on,
            other.coverage_ends_on >= PlanYear.coverage_starts_on,
        )
    )
    return await tx.session.scalar(statement.limit(1))


async def lock_in_force(tx: Transaction, employer_id: str, today: date) -> Sequence[PlanYear]:
    """Lock the opened plan years of an employer that are not over, shared and in order of their IDs."""
    result = await tx.session.scalars(
        select(PlanYear)
        .where(
            *visibility_conditions(tx.scope, PlanYear, PlanYear.employer_id),
            PlanYear.employer_id == employer_id,
            PlanYear.opened_on.is_not(None),
            PlanYear.coverage_ends_on >= today,
        )
        .order_by(PlanYear.id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    return result.all()


async def delete_terms(tx: Transaction, plan_year_id: str, model: type[ContributionClass | Plan]) -> None:
    """Delete the contribution classes or plans of a draft, before new ones are inserted."""
    await tx.session.execute(
        delete(model).where(model.tenant_id == tx.viewer.tenant_id, model.plan_year_id == plan_year_id)
    )


async def delete_draft(tx: Transaction, plan_year: PlanYear) -> None:
    """Delete a draft with its contribution classes, plans and rates."""
    await tx.session.execute(
        delete(PlanYear).where(PlanYear.tenant_id == tx.viewer.tenant_id, PlanYear.id == plan_year.id)
    )
