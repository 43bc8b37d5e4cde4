"""Plan years, their contribution classes and plans."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from benegraph.db.models import ContributionClass, Plan, PlanRate, PlanYear
from benegraph.db.session import Database, Transaction
from benegraph.domain.catalog import CoverageTier, PlanTier
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import RenewalMode
from benegraph.domain.values import Clock
from factories.access import TENANT, administrator, insert
from factories.catalog import RATES


async def make_plan_year(
    database: Database,
    clock: Clock,
    *,
    employer: str,
    product: str,
    tenant: str = TENANT,
    coverage_starts_on: date = date(2027, 1, 1),
    coverage_ends_on: date = date(2027, 12, 31),
    open_enrollment_starts_on: date = date(2026, 11, 1),
    open_enrollment_ends_on: date = date(2026, 11, 30),
    waiting_period_days: int = 0,
    starts_on_first_of_month: bool = False,
    renewal: RenewalMode = RenewalMode.ACTIVE,
    opened_on: date | None = date(2026, 11, 1),
    closed_on: date | None = None,
) -> str:
    """Insert a plan year in open enrollment, or a draft if `opened_on` is None. It has no plans or classes."""
    row = {
        "employer_id": employer,
        "benefit_product_id": product,
        "coverage_starts_on": coverage_starts_on,
        "coverage_ends_on": coverage_ends_on,
        "open_enrollment_starts_on": open_enrollment_starts_on,
        "open_enrollment_ends_on": open_enrollment_ends_on,
        "waiting_period_days": waiting_period_days,
        "starts_on_first_of_month": starts_on_first_of_month,
        "renewal": renewal,
        "opened_on": opened_on,
        "closed_on": closed_on,
    }
    (id,) = await insert(database, clock, tenant, PlanYear, row, prefix=IdPrefix.PLAN_YEAR)
    return id


async def make_class(
    database: Database,
    clock: Clock,
    *,
    plan_year: str,
    tenant: str = TENANT,
    position: int = 0,
    employment: EmploymentClass = EmploymentClass.FULL_TIME,
    family_status: CoverageTier = CoverageTier.UNSPECIFIED,
    employee_contribution_cents: int = 10000,
    employer_contribution_cents: int = 40000,
) -> str:
    """Insert a contribution class, by default for all tiers of full-time employees."""
    row = {
        "employer_id": (await read_plan_year(database, clock, tenant, plan_year)).employer_id,
        "plan_year_id": plan_year,
        "position": position,
        "employment": employment,
        "family_status": family_status,
        "employee_contribution_cents": employee_contribution_cents,
        "employer_contribution_cents": employer_contribution_cents,
    }
    (id,) = await insert(database, clock, tenant, ContributionClass, row, prefix=IdPrefix.CONTRIBUTION_CLASS)
    return id


async def make_plan(
    database: Database,
    clock: Clock,
    *,
    plan_year: str,
    tenant: str = TENANT,
    position: int = 0,
    carrier_plan_id: str = "GOLD-1",
    name: str = "Gold PPO",
    tier: PlanTier | None = PlanTier.GOLD,
    monthly_premium_cents: int = 50000,
    deductible_cents: int | None = 150000,
    out_of_pocket_max_cents: int | None = 600000,
    rates: Mapping[CoverageTier, int] = RATES,
) -> str:
    """Insert a plan of a plan year, with its rates."""
    plan_year_columns = {
        "employer_id": (await read_plan_year(database, clock, tenant, plan_year)).employer_id,
        "plan_year_id": plan_year,
    }
    row = {
        **plan_year_columns,
        "position": position,
        "carrier_plan_id": carrier_plan_id,
        "name": name,
        "tier": tier,
        "monthly_premium_cents": monthly_premium_cents,
        "deductible_cents": deductible_cents,
        "out_of_pocket_max_cents": out_of_pocket_max_cents,
    }
    (id,) = await insert(database, clock, tenant, Plan, row, prefix=IdPrefix.PLAN)
    rate_rows = [
        {**plan_year_columns, "plan_id": id, "coverage_tier": tier, "monthly_premium_cents": cents}
        for tier, cents in rates.items()
    ]
    await insert(database, clock, tenant, PlanRate, *rate_rows)
    return id


async def read_plan_year(database: Database, clock: Clock, tenant: str, plan_year: str) -> Any:
    """Return a plan year, whose employer and product the rows that belong to it repeat."""

    async def transaction(tx: Transaction) -> Any:
        return await tx.session.get_one(PlanYear, (tenant, plan_year))

    return await database.transact(administrator(tenant), clock, transaction)
