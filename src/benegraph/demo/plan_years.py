"""Plan years: the seasons of an employer, with their dates by the phase it is in, contributions, plans and rates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from random import Random

from benegraph.db.models import ContributionClass, Plan, PlanRate, PlanYear
from benegraph.demo.carrier_groups import Group
from benegraph.demo.catalog import Product, priced
from benegraph.demo.record_buffer import Ledger, Row
from benegraph.demo.times_of_day import CLOSING, DRAFTING, OPENING, at
from benegraph.domain.catalog import CoverageTier, PlanTerms, ProductCategory
from benegraph.domain.enrollments.elections import OfferedPlan
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import ContributionTerms, PlanPrice, RenewalMode, WaitingPeriod
from benegraph.domain.values import ONE_DAY, DateSpan, add_years, first_of_next_month
from benegraph.services.catalog import plan_columns


class Phase(Enum):
    """How far an employer is with its next plan year."""

    OPEN = "its open enrollment is open today"
    CLOSING = "the window is over, but not closed yet"
    CLOSED = "closed, with coverage to start within weeks"
    DRAFTED = "drafted"
    MIDYEAR = "not thought of"


#: How many of a hundred employers are in each.
PHASES = {Phase.OPEN: 25, Phase.CLOSING: 10, Phase.CLOSED: 15, Phase.DRAFTED: 15, Phase.MIDYEAR: 35}

# Waits, and how many of a hundred employers have each.
WAITS = {
    WaitingPeriod(0): 10,
    WaitingPeriod(0, to_first_of_month=True): 15,
    WaitingPeriod(30): 10,
    WaitingPeriod(30, to_first_of_month=True): 40,
    WaitingPeriod(60, to_first_of_month=True): 20,
    WaitingPeriod(90): 5,
}

_DRAFTED_BEFORE = 100  # days before coverage starts
_BENEFITS = (ProductCategory.MEDICAL, ProductCategory.DENTAL, ProductCategory.VISION)


@dataclass(frozen=True, slots=True)
class Dates:
    """When one year's coverage is, and when it was drafted, opened and closed, or will be."""

    coverage: DateSpan
    window: DateSpan
    drafted_on: date
    opened_on: date
    closed_on: date


@dataclass(frozen=True, slots=True)
class Terms:
    """What an employer offers year after year.

    `percent` is how generous it is, in hundredths of what employers commonly pay of a premium.
    """

    waiting: WaitingPeriod
    renewal: RenewalMode
    percent: int
    part_timers: bool


@dataclass(frozen=True, slots=True, eq=False)
class Year:
    """One plan year of one product, as it is offered; its plans from the cheapest to the dearest."""

    row: Row
    category: ProductCategory
    coverage: DateSpan
    window: DateSpan
    waiting: WaitingPeriod
    classes: tuple[ContributionTerms, ...]
    offered_to: frozenset[EmploymentClass]
    plans: Mapping[str, OfferedPlan]

    @property
    def id(self) -> str:
        return str(self.row["id"])


@dataclass(frozen=True, slots=True, eq=False)
class Season:
    """The plan years of all an employer's products for the same twelve months."""

    dates: Dates
    years: tuple[Year, ...]


def seasons_of(rng: Random, phase: Phase, today: date) -> list[Dates]:
    """Give the dates of last year, this year and the next, which is left out where it is not thought of yet."""
    starts_on = _next_start(rng, phase, today)
    dates = [_of_old(add_years(starts_on, -2)), _of_old(add_years(starts_on, -1))]
    match phase:
        case Phase.OPEN:
            dates.append(_dates(starts_on, today - 7 * ONE_DAY, today + 14 * ONE_DAY, today + 17 * ONE_DAY))
        case Phase.CLOSING:
            dates.append(_dates(starts_on, today - 24 * ONE_DAY, today - 3 * ONE_DAY, today + ONE_DAY))
        case Phase.CLOSED:
            dates.append(_dates(starts_on, today - 31 * ONE_DAY, today - 10 * ONE_DAY, today - 7 * ONE_DAY))
        case Phase.DRAFTED:
            dates.append(_of_old(starts_on))
        case Phase.MIDYEAR:
            pass
    return dates


def _next_start(rng: Random, phase: Phase, today: date) -> date:
    # Coverage starts on a first of a month, after the window's last day, and not before the day after tomorrow: in
    # zones ahead of the one we date from it may be tomorrow already.
    match phase:
        case Phase.OPEN:
            return first_of_next_month(today + 14 * ONE_DAY)
        case Phase.CLOSING | Phase.CLOSED:
            return first_of_next_month(today + ONE_DAY)
        case Phase.DRAFTED:
            return first_of_next_month(today + 60 * ONE_DAY)
        case Phase.MIDYEAR:
            return first_of_next_month(today + timedelta(days=rng.randrange(_DRAFTED_BEFORE, 330)))


def _of_old(starts_on: date) -> Dates:
    return _dates(starts_on, starts_on - 45 * ONE_DAY, starts_on - 16 * ONE_DAY, starts_on - 14 * ONE_DAY)


def _dates(starts_on: date, opens_on: date, last: date, closed_on: date) -> Dates:
    return Dates(
        DateSpan(starts_on, add_years(starts_on, 1)),
        DateSpan.through(opens_on, last),
        starts_on - _DRAFTED_BEFORE * ONE_DAY,
        opens_on - ONE_DAY,
        closed_on,
    )


# ------------------------------------------------------------------------------------------------- contributions


def contributions(category: ProductCategory, plans: Sequence[PlanTerms], terms: Terms) -> tuple[ContributionTerms, ...]:
    """Give the contribution classes of a plan year: of medical one a tier, of all else one for whatever tier."""
    classes = [*_of_class(EmploymentClass.FULL_TIME, category, plans, terms.percent)]
    if terms.part_timers:
        classes += _of_class(EmploymentClass.PART_TIME, category, plans, terms.percent // 2)
    return tuple(classes)


# What employers pay of the second cheapest plan, in hundredths: workers pay 16 % alone, and 26 % for a family.
_SHARES = {CoverageTier.EE: 84, CoverageTier.ES: 75, CoverageTier.EC: 76, CoverageTier.EF: 74}


def _of_class(
    employment: EmploymentClass, category: ProductCategory, plans: Sequence[PlanTerms], percent: int
) -> Iterator[ContributionTerms]:
    if category is ProductCategory.MEDICAL:
        for rate in plans[1].rates:
            employer = rate.monthly_premium_cents * _SHARES[rate.coverage_tier] * percent // 10_000
            employer = min(employer, rate.monthly_premium_cents)
            yield ContributionTerms(employment, rate.coverage_tier, rate.monthly_premium_cents - employer, employer)
    else:
        premium = plans[0].monthly_premium_cents
        employer = premium * percent * 80 // 10_000
        yield ContributionTerms(employment, CoverageTier.UNSPECIFIED, premium - employer, employer)


# -------------------------------------------------------------------------------------------------------- telling


def tell_seasons(
    ledger: Ledger, group: Group, products: Sequence[Product], dates: Sequence[Dates], terms: Terms, today: date
) -> tuple[Season, ...]:
    """Enter an employer's plan years as far as they have come by today."""
    newest = len(dates) - 1
    return tuple(
        Season(
            season,
            tuple(
                tell_year(ledger, group, product, season, terms, today, percent=100 - 6 * (newest - place))
                for product in products
                if product.category in _BENEFITS
            ),
        )
        for place, season in enumerate(dates)
    )


def tell_year(
    ledger: Ledger, group: Group, product: Product, dates: Dates, terms: Terms, today: date, *, percent: int = 100
) -> Year:
    """Enter one plan year: drafted, then opened and closed where those days are past."""
    plans = priced(product.plans, percent)
    drafted_at = at(dates.drafted_on, DRAFTING)
    drafted: Row = {
        "id": ledger.new_id(IdPrefix.PLAN_YEAR, drafted_at),
        "employer_id": group.employer_id,
        "benefit_product_id": product.id,
        "coverage_starts_on": dates.coverage.start,
        "coverage_ends_on": dates.coverage.last,
        "open_enrollment_starts_on": dates.window.start,
        "open_enrollment_ends_on": dates.window.last,
        "waiting_period_days": terms.waiting.days,
        "starts_on_first_of_month": terms.waiting.to_first_of_month,
        "renewal": terms.renewal,
        "group_id": group.id,
        "group_coverage_start": group.coverage_start,
        "opened_on": None,
        "closed_on": None,
    }
    row = ledger.add(PlanYear, drafted, drafted_at)
    ledger.note_issue(PlanYear, row, "CREATED", drafted_at)
    classes = contributions(product.category, plans, terms)
    _enter_classes(ledger, row, classes)
    offered = _enter_plans(ledger, row, plans)
    if dates.opened_on < today:
        ledger.note_change(PlanYear, row, "OPENED", {"opened_on": dates.opened_on}, at(dates.opened_on, OPENING))
    if dates.closed_on < today:
        ledger.note_change(PlanYear, row, "CLOSED", {"closed_on": dates.closed_on}, at(dates.closed_on, CLOSING))
    offered_to = frozenset(each.employment for each in classes)
    return Year(row, product.category, dates.coverage, dates.window, terms.waiting, classes, offered_to, offered)


def _enter_classes(ledger: Ledger, year: Row, classes: Sequence[ContributionTerms]) -> None:
    for position, terms in enumerate(classes):
        row = {
            "id": ledger.new_id(IdPrefix.CONTRIBUTION_CLASS, year["created_at"]),
            "employer_id": year["employer_id"],
            "plan_year_id": year["id"],
            "position": position,
            "employment": terms.employment,
            "family_status": terms.family_status,
            "employee_contribution_cents": terms.employee_contribution_cents,
            "employer_contribution_cents": terms.employer_contribution_cents,
        }
        ledger.add(ContributionClass, row, year["created_at"])


def _enter_plans(ledger: Ledger, year: Row, plans: Sequence[PlanTerms]) -> dict[str, OfferedPlan]:
    offered: dict[str, OfferedPlan] = {}
    of_year = {"employer_id": year["employer_id"], "plan_year_id": year["id"]}
    for position, plan in enumerate(plans):
        id = ledger.new_id(IdPrefix.PLAN, year["created_at"])
        row = {
            "id": id,
            **of_year,
            "position": position,
            **plan_columns(plan),
        }
        ledger.add(Plan, row, year["created_at"])
        for rate in plan.rates:
            priced_at = {"plan_id": id, "coverage_tier": rate.coverage_tier}
            cents = {"monthly_premium_cents": rate.monthly_premium_cents}
            ledger.add(PlanRate, priced_at | of_year | cents, year["created_at"])
        prices = {rate.coverage_tier: rate.monthly_premium_cents for rate in plan.rates}
        offered[id] = OfferedPlan(plan.carrier_plan_id, PlanPrice(plan.monthly_premium_cents, prices))
    return offered
