"""Offers: the rows of products, plan years and plans in addition to the seeded ones."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from benegraph.db.base import Base
from benegraph.db.models import BenefitProduct, ContributionClass, Plan, PlanRate, PlanYear
from benegraph.domain.ids import IdPrefix, new_id
from benegraph.domain.values import ONE_DAY, add_years

Row = dict[str, Any]

#: The price of each tier, in hundredths of the price for the employee alone.
TIERS = {"EE": 100, "ES": 205, "EC": 185, "EF": 290}
EMPLOYER_PAYS = 3_000
_PREMIUMS = {"Basic": 4_100, "Plus": 6_350, "Extra": 9_900}


@dataclass(slots=True)
class Rows:
    """Rows to insert, by table. IDs carry a counter, so that later rows sort later."""

    tables: dict[type[Base], list[Row]] = field(default_factory=lambda: defaultdict(list))
    count: int = 0

    def add(self, model: type[Base], prefix: IdPrefix | None, on: date, **columns: Any) -> Row:
        if prefix is not None:
            self.count += 1
            columns["id"] = new_id(prefix, datetime.combine(on, time(17), UTC), count=self.count)
        self.tables[model].append(columns)
        return columns


def add_product(rows: Rows, carrier: str, number: int, today: date) -> Row:
    name = f"{carrier.rsplit(maxsplit=1)[-1]} {number + 1}"
    return rows.add(
        BenefitProduct,
        IdPrefix.BENEFIT_PRODUCT,
        today,
        name=name,
        category="HOSPITAL",
        carrier_name=carrier,
        active=True,
    )


def add_plan_year(
    rows: Rows, employer: str, product: Mapping[str, Any], starts_on: date, opens_on: date, closes_on: date
) -> tuple[Row, list[Row]]:
    """Add a plan year with three plans for full-time employees; return the plan year and its plans."""
    year = rows.add(
        PlanYear,
        IdPrefix.PLAN_YEAR,
        opens_on,
        employer_id=employer,
        benefit_product_id=product["id"],
        coverage_starts_on=starts_on,
        coverage_ends_on=add_years(starts_on, 1) - ONE_DAY,
        open_enrollment_starts_on=opens_on,
        open_enrollment_ends_on=closes_on,
        waiting_period_days=0,
        starts_on_first_of_month=False,
        renewal="ACTIVE",
        opened_on=opens_on,
        closed_on=None,
    )
    year_keys = {"employer_id": employer, "plan_year_id": year["id"]}
    for position, tier in enumerate(TIERS):
        rows.add(
            ContributionClass,
            IdPrefix.CONTRIBUTION_CLASS,
            opens_on,
            **year_keys,
            position=position,
            employment="FULL_TIME",
            family_status=tier,
            employee_contribution_cents=0,
            employer_contribution_cents=EMPLOYER_PAYS,
        )
    plans = [_add_plan(rows, year_keys, position, name, opens_on) for position, name in enumerate(_PREMIUMS)]
    return year, plans


def _add_plan(rows: Rows, year_keys: Mapping[str, Any], position: int, name: str, on: date) -> Row:
    premium = _PREMIUMS[name]
    plan = rows.add(
        Plan,
        IdPrefix.PLAN,
        on,
        **year_keys,
        position=position,
        carrier_plan_id=f"{name.upper()}-{position + 1}",
        name=f"Hospital {name}",
        tier=None,
        monthly_premium_cents=premium,
        deductible_cents=None,
        out_of_pocket_max_cents=None,
    )
    for tier, hundredths in TIERS.items():
        rates = {"coverage_tier": tier, "monthly_premium_cents": premium * hundredths // 100}
        rows.add(PlanRate, None, on, **year_keys, plan_id=plan["id"], **rates)
    return plan
