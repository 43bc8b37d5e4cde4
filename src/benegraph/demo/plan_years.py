"""Plan years of an employer: dates that fit its enrollment phase, contributions, plans and rates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from random import Random

from benegraph.db.models import ContributionClass, Plan, PlanRate, PlanYear
from benegraph.demo.carrier_groups import CarrierGroup
from benegraph.demo.catalog import CatalogProduct, at_price_percent
from benegraph.demo.record_buffer import RecordBuffer, Row
from benegraph.demo.times_of_day import CLOSING_MINUTE, DRAFTING_MINUTE, OPENING_MINUTE, instant_of
from benegraph.domain.catalog import CoverageTier, PlanTerms, ProductCategory
from benegraph.domain.enrollments.elections import OfferedPlan
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import ContributionTerms, PlanPrice, RenewalMode, WaitingPeriod
from benegraph.domain.values import ONE_DAY, DateSpan, add_years, first_of_next_month
from benegraph.services.catalog import plan_columns


class EnrollmentPhase(Enum):
    """The state of an employer's next plan year."""

    OPEN = "open enrollment is open today"
    CLOSING = "open enrollment is over, but not closed yet"
    CLOSED = "closed; coverage starts within weeks"
    DRAFTED = "drafted, not opened"
    MIDYEAR = "not drafted yet"


#: Percentages of employers.
PHASE_WEIGHTS = {
    EnrollmentPhase.OPEN: 25,
    EnrollmentPhase.CLOSING: 10,
    EnrollmentPhase.CLOSED: 15,
    EnrollmentPhase.DRAFTED: 15,
    EnrollmentPhase.MIDYEAR: 35,
}

#: Percentages of employers.
WAITING_RULE_WEIGHTS = {
    WaitingPeriod(0): 10,
    WaitingPeriod(0, starts_on_first_of_month=True): 15,
    WaitingPeriod(30): 10,
    WaitingPeriod(30, starts_on_first_of_month=True): 40,
    WaitingPeriod(60, starts_on_first_of_month=True): 20,
    WaitingPeriod(90): 5,
}

_DRAFT_LEAD_DAYS = 100  # from draft to the start of coverage
_PRODUCT_CATEGORIES = (ProductCategory.MEDICAL, ProductCategory.DENTAL, ProductCategory.VISION)
_YEARLY_PRICE_INCREASE = 6  # percent of the newest plan year's prices
# The employer's share of the second cheapest medical plan, in percent. The employee's share of a single and of a
# family premium, 16 and 26 %, is that of the KFF Employer Health Benefits Survey 2025.
_EMPLOYER_PERCENTAGES = {CoverageTier.EE: 84, CoverageTier.ES: 75, CoverageTier.EC: 76, CoverageTier.EF: 74}


@dataclass(frozen=True, slots=True)
class PlanYearSchedule:
    """The coverage span and the open enrollment of a plan year, and the dates on which it changes its status."""

    coverage: DateSpan
    window: DateSpan
    drafted_on: date
    opened_on: date
    closed_on: date


@dataclass(frozen=True, slots=True)
class BenefitTerms:
    """The terms that an employer offers in all its plan years."""

    waiting: WaitingPeriod
    renewal: RenewalMode
    #: The employer's contribution in percent of the usual one.
    contribution_percent: int
    offers_part_timers: bool


@dataclass(frozen=True, slots=True, eq=False)
class OfferedPlanYear:
    """One product's plan year as offered, with its plans from the cheapest to the most expensive."""

    row: Row
    #: How many plan years of the employer precede it.
    position: int
    category: ProductCategory
    product_name: str
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
class BenefitYear:
    """The plan years of all products of an employer for the same twelve months."""

    schedule: PlanYearSchedule
    plan_years: tuple[OfferedPlanYear, ...]


def plan_year_schedules(rng: Random, phase: EnrollmentPhase, today: date) -> list[PlanYearSchedule]:
    """Return the schedules of last year, this year and next year; of next year only if it is drafted."""
    starts_on = _next_start(rng, phase, today)
    schedules = [_usual_schedule(add_years(starts_on, -2)), _usual_schedule(add_years(starts_on, -1))]
    match phase:
        case EnrollmentPhase.OPEN:
            schedules.append(_schedule(starts_on, today - 7 * ONE_DAY, today + 14 * ONE_DAY, today + 17 * ONE_DAY))
        case EnrollmentPhase.CLOSING:
            schedules.append(_schedule(starts_on, today - 24 * ONE_DAY, today - 3 * ONE_DAY, today + ONE_DAY))
        case EnrollmentPhase.CLOSED:
            schedules.append(_schedule(starts_on, today - 31 * ONE_DAY, today - 10 * ONE_DAY, today - 7 * ONE_DAY))
        case EnrollmentPhase.DRAFTED:
            schedules.append(_usual_schedule(starts_on))
        case EnrollmentPhase.MIDYEAR:
            pass
    return schedules


def _next_start(rng: Random, phase: EnrollmentPhase, today: date) -> date:
    # Coverage starts on the first of a month after the window's last day, and not before the day after tomorrow:
    # `today` is the date in the westernmost time zone, and further east it may be tomorrow already.
    match phase:
        case EnrollmentPhase.OPEN:
            return first_of_next_month(today + 14 * ONE_DAY)
        case EnrollmentPhase.CLOSING | EnrollmentPhase.CLOSED:
            return first_of_next_month(today + ONE_DAY)
        case EnrollmentPhase.DRAFTED:
            return first_of_next_month(today + 60 * ONE_DAY)
        case EnrollmentPhase.MIDYEAR:
            return first_of_next_month(today + timedelta(days=rng.randrange(_DRAFT_LEAD_DAYS, 330)))


def _usual_schedule(starts_on: date) -> PlanYearSchedule:
    return _schedule(starts_on, starts_on - 45 * ONE_DAY, starts_on - 16 * ONE_DAY, starts_on - 14 * ONE_DAY)


def _schedule(starts_on: date, window_starts_on: date, window_ends_on: date, closed_on: date) -> PlanYearSchedule:
    return PlanYearSchedule(
        DateSpan(starts_on, add_years(starts_on, 1)),
        DateSpan.through(window_starts_on, window_ends_on),
        starts_on - _DRAFT_LEAD_DAYS * ONE_DAY,
        window_starts_on - ONE_DAY,
        closed_on,
    )


# ------------------------------------------------------------------------------------------------- contributions


def contribution_classes(
    category: ProductCategory, plans: Sequence[PlanTerms], terms: BenefitTerms
) -> tuple[ContributionTerms, ...]:
    """Return the contribution classes of a plan year: for medical one for each tier, else one for all tiers."""
    classes = [*_classes_of(EmploymentClass.FULL_TIME, category, plans, terms.contribution_percent)]
    if terms.offers_part_timers:
        classes += _classes_of(EmploymentClass.PART_TIME, category, plans, terms.contribution_percent // 2)
    return tuple(classes)


def _classes_of(
    employment: EmploymentClass, category: ProductCategory, plans: Sequence[PlanTerms], percent: int
) -> Iterator[ContributionTerms]:
    if category is ProductCategory.MEDICAL:
        for rate in plans[1].rates:
            employer = rate.monthly_premium_cents * _EMPLOYER_PERCENTAGES[rate.coverage_tier] * percent // 10_000
            employer = min(employer, rate.monthly_premium_cents)
            yield ContributionTerms(employment, rate.coverage_tier, rate.monthly_premium_cents - employer, employer)
    else:
        premium = plans[0].monthly_premium_cents
        employer = premium * percent * 80 // 10_000
        yield ContributionTerms(employment, CoverageTier.UNSPECIFIED, premium - employer, employer)


# ---------------------------------------------------------------------------------------------------------- rows


def generate_benefit_years(
    records: RecordBuffer,
    group: CarrierGroup,
    products: Sequence[CatalogProduct],
    schedules: Sequence[PlanYearSchedule],
    terms: BenefitTerms,
    today: date,
) -> tuple[BenefitYear, ...]:
    """Add an employer's plan years, each with the status that it has today."""
    newest = len(schedules) - 1
    return tuple(
        BenefitYear(
            schedule,
            tuple(
                generate_plan_year(
                    records,
                    group,
                    product,
                    schedule,
                    terms,
                    today,
                    price_percent=100 - _YEARLY_PRICE_INCREASE * (newest - index),
                )
                for product in products
                if product.category in _PRODUCT_CATEGORIES
            ),
        )
        for index, schedule in enumerate(schedules)
    )


def generate_plan_year(
    records: RecordBuffer,
    group: CarrierGroup,
    product: CatalogProduct,
    schedule: PlanYearSchedule,
    terms: BenefitTerms,
    today: date,
    *,
    price_percent: int = 100,
) -> OfferedPlanYear:
    """Add one plan year: drafted, then opened and closed if those dates are in the past."""
    plans = at_price_percent(product.plans, price_percent)
    drafted_at = instant_of(schedule.drafted_on, DRAFTING_MINUTE)
    draft: Row = {
        "id": records.new_id(IdPrefix.PLAN_YEAR, group.employer_id),
        "employer_id": group.employer_id,
        "benefit_product_id": product.id,
        "coverage_starts_on": schedule.coverage.start,
        "coverage_ends_on": schedule.coverage.last,
        "open_enrollment_starts_on": schedule.window.start,
        "open_enrollment_ends_on": schedule.window.last,
        "waiting_period_days": terms.waiting.days,
        "starts_on_first_of_month": terms.waiting.starts_on_first_of_month,
        "renewal": terms.renewal,
        "group_id": group.id,
        "group_coverage_start": group.coverage_start,
        "opened_on": None,
        "closed_on": None,
    }
    position = len(records.tables.get(PlanYear, ()))
    row = records.add(PlanYear, draft, drafted_at)
    records.add_creation_event(PlanYear, row, "CREATED", drafted_at)
    classes = contribution_classes(product.category, plans, terms)
    _add_contribution_classes(records, row, classes)
    offered_plans = _add_plans(records, row, plans)
    for action, column, day, minute in (
        ("OPENED", "opened_on", schedule.opened_on, OPENING_MINUTE),
        ("CLOSED", "closed_on", schedule.closed_on, CLOSING_MINUTE),
    ):
        if day < today:
            records.update_with_event(PlanYear, row, action, {column: day}, instant_of(day, minute))
    offered_to = frozenset(item.employment for item in classes)
    return OfferedPlanYear(
        row,
        position,
        product.category,
        product.name,
        schedule.coverage,
        schedule.window,
        terms.waiting,
        classes,
        offered_to,
        offered_plans,
    )


def _add_contribution_classes(records: RecordBuffer, plan_year: Row, classes: Sequence[ContributionTerms]) -> None:
    for position, terms in enumerate(classes):
        row = {
            "id": records.new_id(IdPrefix.CONTRIBUTION_CLASS, plan_year["id"]),
            "employer_id": plan_year["employer_id"],
            "plan_year_id": plan_year["id"],
            "position": position,
            "employment": terms.employment,
            "family_status": terms.family_status,
            "employee_contribution_cents": terms.employee_contribution_cents,
            "employer_contribution_cents": terms.employer_contribution_cents,
        }
        records.add(ContributionClass, row, plan_year["created_at"])


def _add_plans(records: RecordBuffer, plan_year: Row, plans: Sequence[PlanTerms]) -> dict[str, OfferedPlan]:
    offered: dict[str, OfferedPlan] = {}
    created_at = plan_year["created_at"]
    parent = {"employer_id": plan_year["employer_id"], "plan_year_id": plan_year["id"]}
    for position, plan in enumerate(plans):
        id = records.new_id(IdPrefix.PLAN, plan_year["id"])
        records.add(Plan, {"id": id, **parent, "position": position, **plan_columns(plan)}, created_at)
        for rate in plan.rates:
            rate_row = {
                "plan_id": id,
                "coverage_tier": rate.coverage_tier,
                **parent,
                "monthly_premium_cents": rate.monthly_premium_cents,
            }
            records.add(PlanRate, rate_row, created_at)
        rates = {rate.coverage_tier: rate.monthly_premium_cents for rate in plan.rates}
        offered[id] = OfferedPlan(plan.carrier_plan_id, PlanPrice(plan.monthly_premium_cents, rates), plan.name)
    return offered
