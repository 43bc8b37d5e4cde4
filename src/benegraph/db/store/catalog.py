"""The catalog: benefit products and their carrier plans."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, select

from benegraph.db.models import BenefitProduct, CarrierPlan, CarrierPlanRate, PlanYear
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import Transaction
from benegraph.db.store.conditions import visibility_conditions
from benegraph.db.store.row_queries import Key, ManyByKey, OneByKey, PagedRows
from benegraph.domain.catalog import COVERAGE_TIERS


def tier_order(tier: Key | ColumnElement[Any]) -> ColumnElement[int]:
    """Return the position of a tier in the order in which tiers are always listed: from employee only to family."""
    return case(*((tier == value, position) for position, value in enumerate(COVERAGE_TIERS)))


def _offered_conditions(scope: QueryScope, product_id: Key) -> Collection[ColumnElement[bool]]:
    # Employees see the products of their employer's plan years past draft; all other roles see the whole catalog.
    if scope.employee_id is None:
        return ()
    return (
        exists().where(
            PlanYear.tenant_id == scope.tenant_id,
            PlanYear.employer_id == scope.employer_id,
            PlanYear.benefit_product_id == product_id,
            PlanYear.opened_on.is_not(None),
        ),
    )


def rows(scope: QueryScope) -> Select[Any]:
    """Select the benefit products that the viewer may see."""
    return select(*BenefitProduct.__table__.c).where(
        *visibility_conditions(scope, BenefitProduct), *_offered_conditions(scope, BenefitProduct.id)
    )


def carrier_plan_rows(scope: QueryScope) -> Select[Any]:
    """Select the carrier plans of products that the viewer may see."""
    return select(*CarrierPlan.__table__.c).where(
        *visibility_conditions(scope, CarrierPlan), *_offered_conditions(scope, CarrierPlan.benefit_product_id)
    )


def rate_rows(scope: QueryScope) -> Select[Any]:
    """Select the rates of carrier plans that the viewer may see."""
    return (
        select(*CarrierPlanRate.__table__.c)
        .outerjoin(
            CarrierPlan,
            and_(CarrierPlan.tenant_id == CarrierPlanRate.tenant_id, CarrierPlan.id == CarrierPlanRate.carrier_plan_id),
        )
        .where(
            *visibility_conditions(scope, CarrierPlanRate), *_offered_conditions(scope, CarrierPlan.benefit_product_id)
        )
    )


by_ids = OneByKey(rows, BenefitProduct.id)
page = PagedRows(rows, None, {"ID": (BenefitProduct.id,)})
carrier_plans_by_ids = OneByKey(carrier_plan_rows, CarrierPlan.id)
carrier_plans_of = ManyByKey(carrier_plan_rows, CarrierPlan.benefit_product_id, (CarrierPlan.position,))
rates_of = ManyByKey(rate_rows, CarrierPlanRate.carrier_plan_id, (tier_order(CarrierPlanRate.coverage_tier),))


async def get_product(tx: Transaction, id: str) -> BenefitProduct | None:
    """Return a benefit product that the viewer may see, or None."""
    return await tx.session.scalar(
        select(BenefitProduct).where(*visibility_conditions(tx.scope, BenefitProduct), BenefitProduct.id == id)
    )
