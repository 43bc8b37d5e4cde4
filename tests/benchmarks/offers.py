"""Offers: products, plan years and plans that the seed does not have, as rows to be inserted."""

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

#: What each tier costs, in hundredths of the employee alone.
TIERS = {"EE": 100, "ES": 205, "EC": 185, "EF": 290}
EMPLOYER_PAYS = 3_000
_PREMIUMS = {"Basic": 4_100, "Plus": 6_350, "Extra": 9_900}


@dataclass(slots=True)
class Rows:
    """What is to be inserted, by table; ids count up within their instant, so that later ones sort later."""

    tables: dict[type[Base], list[Row]] = field(default_factory=lambda: defaultdict(list))
    count: int = 0

    def add(self, model: type[Base], kind: IdPrefix | None, on: date, **columns: Any) -> Row:
        if kind is not None:
            self.count += 1
            columns["id"] = new_id(kind, datetime.combine(on, time(17), UTC), count=self.count)
        self.tables[model].append(columns)
        return columns


def product(rows: Rows, carrier: str, number: int, today: date) -> Row:
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


def plan_year(
    rows: Rows, employer: str, of: Mapping[str, Any], starts_on: date, opens_on: date, closes_on: date
) -> tuple[Row, list[Row]]:
    """Offer a product for a year to everyone who works full time, in three plans; give the year and its plans."""
    year = rows.add(
        PlanYear,
        IdPrefix.PLAN_YEAR,
        opens_on,
        employer_id=employer,
        benefit_product_id=of["id"],
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
    of_year = {"employer_id": employer, "plan_year_id": year["id"]}
    for position, tier in enumerate(TIERS):
        rows.add(
            ContributionClass,
            IdPrefix.CONTRIBUTION_CLASS,
            opens_on,
            **of_year,
            position=position,
            employment="FULL_TIME",
            family_status=tier,
            employee_contribution_cents=0,
            employer_contribution_cents=EMPLOYER_PAYS,
        )
    plans = [_plan(rows, of_year, position, word, opens_on) for position, word in enumerate(_PREMIUMS)]
    return year, plans


def _plan(rows: Rows, of_year: Mapping[str, Any], position: int, word: str, on: date) -> Row:
    premium = _PREMIUMS[word]
    plan = rows.add(
        Plan,
        IdPrefix.PLAN,
        on,
        **of_year,
        position=position,
        carrier_plan_id=f"{word.upper()}-{position + 1}",
        name=f"Hospital {word}",
        tier=None,
        monthly_premium_cents=premium,
        deductible_cents=None,
        out_of_pocket_max_cents=None,
    )
    for tier, hundredths in TIERS.items():
        rates = {"coverage_tier": tier, "monthly_premium_cents": premium * hundredths // 100}
        rows.add(PlanRate, None, on, **of_year, plan_id=plan["id"], **rates)
    return plan
