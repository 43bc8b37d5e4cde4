"""The catalog: benefit products and their carrier plans."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, delete, exists, select

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


def offered_carrier_plan_rows(scope: QueryScope) -> Select[Any]:
    """Select the carrier plans that the viewer may see and new plan years are offered."""
    return carrier_plan_rows(scope).where(CarrierPlan.active)


def retired_carrier_plan_rows(scope: QueryScope) -> Select[Any]:
    """Select the carrier plans that the viewer may see and new plan years are not offered."""
    return carrier_plan_rows(scope).where(~CarrierPlan.active)


by_ids = OneByKey(rows, BenefitProduct.id)
page = PagedRows(rows, None, {"ID": (BenefitProduct.id,)})
carrier_plans_by_ids = OneByKey(carrier_plan_rows, CarrierPlan.id)
carrier_plans_of = ManyByKey(offered_carrier_plan_rows, CarrierPlan.benefit_product_id, (CarrierPlan.position,))
retired_carrier_plans_of = ManyByKey(retired_carrier_plan_rows, CarrierPlan.benefit_product_id, (CarrierPlan.position,))
rates_of = ManyByKey(rate_rows, CarrierPlanRate.carrier_plan_id, (tier_order(CarrierPlanRate.coverage_tier),))


async def lock_product(tx: Transaction, id: str, *, shared: bool = False) -> BenefitProduct | None:
    """Lock a benefit product: shared to draft or open its plan years, exclusively to change it or its carrier plans.

    The two locks conflict, so no plan year is drafted or opened while its product or a plan of it retires.
    """
    return await tx.session.scalar(
        select(BenefitProduct)
        .where(*visibility_conditions(tx.scope, BenefitProduct), BenefitProduct.id == id)
        .with_for_update(read=shared, key_share=not shared)
        .execution_options(populate_existing=True)
    )


async def product_id_of(tx: Transaction, carrier_plan_id: str) -> str | None:
    """Return the ID of the product of a carrier plan, to be locked first."""
    return await tx.session.scalar(
        select(CarrierPlan.benefit_product_id).where(
            *visibility_conditions(tx.scope, CarrierPlan), CarrierPlan.id == carrier_plan_id
        )
    )


async def list_carrier_plans(tx: Transaction, product_id: str) -> Sequence[CarrierPlan]:
    """List all carrier plans of a locked product, the retired ones too, in catalog order."""
    result = await tx.session.scalars(
        select(CarrierPlan)
        .where(*visibility_conditions(tx.scope, CarrierPlan), CarrierPlan.benefit_product_id == product_id)
        .order_by(CarrierPlan.position)
        .execution_options(populate_existing=True)
    )
    return result.all()


async def delete_rates(tx: Transaction, carrier_plan_id: str) -> None:
    """Delete the rates of a carrier plan, which new ones replace."""
    await tx.session.execute(
        delete(CarrierPlanRate).where(
            CarrierPlanRate.tenant_id == tx.viewer.tenant_id, CarrierPlanRate.carrier_plan_id == carrier_plan_id
        )
    )
