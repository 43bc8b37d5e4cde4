"""Plan years: their dates and life cycle, who is eligible and from when, and how a premium is shared."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from benegraph.domain.catalog import COVERAGE_TIERS, CoverageTier
from benegraph.domain.checks import check_cents
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.people import MIN_DATE, Employment, EmploymentClass
from benegraph.domain.values import MAX_CENTS, DateSpan, add_years, first_of_month_on_or_after

MAX_DATE = date(2199, 12, 31)
MAX_WAITING_DAYS = 90
MAX_WAITING_DAYS_TO_FIRST_OF_MONTH = 60


_DATE_FIELDS = {
    "coverage_start": "coverageStart",
    "coverage_end": "coverageEnd",
    "open_enrollment_start": "openEnrollmentStart",
    "open_enrollment_end": "openEnrollmentEnd",
}


class PlanYearStatus(StrEnum):
    """Where a plan year stands. EXPIRED is derived from its last day of coverage."""

    DRAFT = "DRAFT"
    OPEN_ENROLLMENT = "OPEN_ENROLLMENT"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"


class RenewalMode(StrEnum):
    """What closing does for those who did not answer."""

    ACTIVE = "ACTIVE"
    PASSIVE = "PASSIVE"


@dataclass(frozen=True, slots=True)
class ContributionTerms:
    """What employee and employer pay a month for one employment class and family status."""

    employment: EmploymentClass
    family_status: CoverageTier
    employee_contribution_cents: int
    employer_contribution_cents: int


@dataclass(frozen=True, slots=True)
class PlanYearDates:
    """A plan year's four dates as they stand at the surface, each inclusive and perhaps out of order."""

    coverage_start: date
    coverage_end: date
    open_enrollment_start: date
    open_enrollment_end: date


@dataclass(frozen=True, slots=True)
class WaitingPeriod:
    """How long a hire waits: days, then perhaps up to the next first of a month."""

    days: int = 0
    to_first_of_month: bool = False


@dataclass(frozen=True, slots=True)
class EligibilityRule:
    """One rule of eligibility, whether it holds, and why."""

    code: str
    holds: bool
    message: str


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether someone may be covered in a plan year, from when, and each rule that was looked at."""

    rules: tuple[EligibilityRule, ...]
    eligible_on: date
    starts_on: date

    @property
    def eligible(self) -> bool:
        return all(rule.holds for rule in self.rules)

    @property
    def coverage_start(self) -> date | None:
        return self.starts_on if self.eligible else None


@dataclass(frozen=True, slots=True)
class PlanPrice:
    """What a plan costs: the employee's rate, and the rates of the tiers that have one."""

    monthly_premium_cents: int
    rates: Mapping[CoverageTier, int]


@dataclass(frozen=True, slots=True)
class PremiumCost:
    """A premium, shared between employee and employer."""

    coverage_tier: CoverageTier
    employee_contribution_cents: int
    employer_contribution_cents: int

    @property
    def total_monthly_premium_cents(self) -> int:
        return self.employee_contribution_cents + self.employer_contribution_cents


# ------------------------------------------------------------------------------------------------ life cycle


def derive_plan_year_status(
    opened_on: date | None, closed_on: date | None, coverage_ends_on: date, today: date
) -> PlanYearStatus:
    """Derive where a plan year stands today; a draft never expires, for it never was in force."""
    if opened_on is None:
        return PlanYearStatus.DRAFT
    if coverage_ends_on < today:
        return PlanYearStatus.EXPIRED
    return PlanYearStatus.OPEN_ENROLLMENT if closed_on is None else PlanYearStatus.ACTIVE


def check_dates(dates: PlanYearDates) -> Iterator[RuleViolation]:
    """Check order and length (design, rule 8): at most twelve months, open enrollment over before coverage starts."""
    far_off = [name for name in _DATE_FIELDS if not MIN_DATE <= getattr(dates, name) <= MAX_DATE]
    for name in far_off:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT, f"This lies between {MIN_DATE} and {MAX_DATE}.", (_DATE_FIELDS[name],)
        )
    if far_off:
        return
    if dates.coverage_end < dates.coverage_start:
        yield RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, "Coverage ends before it starts.", ("coverageEnd",))
    elif dates.coverage_end >= add_years(dates.coverage_start, 1):
        yield RuleViolation(ErrorCode.INVALID_INPUT, "A plan year lasts at most twelve months.", ("coverageEnd",))
    if dates.open_enrollment_end < dates.open_enrollment_start:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER, "Open enrollment ends before it starts.", ("openEnrollmentEnd",)
        )
    if dates.open_enrollment_end >= dates.coverage_start:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER, "Open enrollment must be over before coverage starts.", ("openEnrollmentEnd",)
        )


def check_waiting_period(waiting: WaitingPeriod) -> Iterator[RuleViolation]:
    """Check the wait's length, so that it never passes the 90 days of 29 CFR 2590.715-2708."""
    longest = MAX_WAITING_DAYS_TO_FIRST_OF_MONTH if waiting.to_first_of_month else MAX_WAITING_DAYS
    if not 0 <= waiting.days <= longest:
        yield RuleViolation(ErrorCode.INVALID_INPUT, f"The wait is 0 to {longest} days here.", ("waitingPeriodDays",))


def check_classes(classes: Sequence[ContributionTerms]) -> Iterator[RuleViolation]:
    """Check contribution classes (design, rule 4): at least one, no two alike, nothing negative."""
    if not classes:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT, "A plan year has at least one contribution class.", ("contributionClasses",)
        )
    seen: set[tuple[EmploymentClass, CoverageTier]] = set()
    for index, terms in enumerate(classes):
        at = ("contributionClasses", str(index))
        yield from check_cents(terms.employee_contribution_cents, *at, "employeeContributionCents")
        yield from check_cents(terms.employer_contribution_cents, *at, "employerContributionCents")
        if terms.employee_contribution_cents + terms.employer_contribution_cents > MAX_CENTS:
            yield RuleViolation(
                ErrorCode.INVALID_INPUT,
                "The two shares add up to more than can be told.",
                (*at, "employeeContributionCents"),
            )
        if (terms.employment, terms.family_status) in seen:
            yield RuleViolation(
                ErrorCode.INVALID_INPUT,
                "This employment class and family status stand here twice.",
                (*at, "familyStatus"),
            )
        seen.add((terms.employment, terms.family_status))


# ----------------------------------------------------------------------------------------------- eligibility


def compute_eligibility_date(employment: Employment, waiting: WaitingPeriod) -> date:
    """Give the day the wait is over (design, rule 3): never past the 91st day, counting the first as one."""
    waited = employment.waiting_starts_on + timedelta(days=waiting.days)
    if waiting.to_first_of_month:
        waited = first_of_month_on_or_after(waited)
    return min(waited, employment.waiting_starts_on + timedelta(days=MAX_WAITING_DAYS))


def evaluate_eligibility(
    employment: Employment,
    coverage: DateSpan,
    waiting: WaitingPeriod,
    offered_to: Collection[EmploymentClass],
    effective_on: date | None = None,
) -> Eligibility:
    """Judge whether someone may be covered in a plan year, as of the day that coverage would start.

    That day is `effective_on` where a life event sets it, else the later of eligibility and the plan year's start.
    """
    waited = compute_eligibility_date(employment, waiting)
    starts_on = effective_on or max(waited, coverage.start)
    return Eligibility(
        (
            EligibilityRule("EMPLOYED", employment.is_active(starts_on), "Employed on the day coverage would start."),
            EligibilityRule(
                "EMPLOYMENT_CLASS",
                employment.employment_class in offered_to,
                "The plan year has contributions for this employment class.",
            ),
            EligibilityRule(
                "WAITING_PERIOD",
                waited <= starts_on and starts_on in coverage,
                f"The waiting period is over on {waited}, within the plan year and by the day coverage would start.",
            ),
        ),
        waited,
        starts_on,
    )


# ----------------------------------------------------------------------------------------------------- money


def find_contribution_terms(
    classes: Sequence[ContributionTerms], employment: EmploymentClass, tier: CoverageTier
) -> ContributionTerms | None:
    """Find the contributions for an employment class and tier; an UNSPECIFIED one serves tiers without their own."""
    own = {terms.family_status: terms for terms in classes if terms.employment is employment}
    return own.get(tier) or own.get(CoverageTier.UNSPECIFIED)


def compute_cost(price: PlanPrice, terms: ContributionTerms | None, tier: CoverageTier) -> PremiumCost | None:
    """Share a plan's premium for a tier (design, rule 4); None where the tier has no rate or no contributions.

    The employee alone always costs the plan's monthly premium. Another tier costs its rate; only where the plan has
    no rates at all does it cost the two contributions added up.
    """
    if terms is None:
        return None
    if tier is CoverageTier.EE:
        premium: int | None = price.monthly_premium_cents
    elif price.rates:
        premium = price.rates.get(tier)
    else:
        premium = terms.employee_contribution_cents + terms.employer_contribution_cents
    if premium is None:
        return None
    employer = min(terms.employer_contribution_cents, premium)
    return PremiumCost(tier, premium - employer, employer)


def compute_costs(
    price: PlanPrice, classes: Sequence[ContributionTerms], employment: EmploymentClass
) -> list[PremiumCost]:
    """Give a plan's cost for each tier that is offered, from the employee alone to the whole family."""
    costs = (compute_cost(price, find_contribution_terms(classes, employment, tier), tier) for tier in COVERAGE_TIERS)
    return [cost for cost in costs if cost is not None]
