"""Plan years: dates and life cycle, eligibility and waiting periods, premiums and contributions."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from benegraph.domain.catalog import COVERAGE_TIERS, CoverageTier
from benegraph.domain.checks import check_cents
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.people import MIN_DATE, Employment, EmploymentClass
from benegraph.domain.values import (
    MAX_CENTS,
    ONE_DAY,
    DateSpan,
    add_months,
    add_years,
    first_of_month_on_or_after,
    last_day_of_month,
)

MAX_DATE = date(2199, 12, 31)
#: No waiting period may be longer than 90 days (29 CFR 2590.715-2708).
MAX_WAITING_DAYS = 90
#: The extension to the first of a month adds at most 30 days, so 60 days stay within 90.
MAX_WAITING_DAYS_TO_FIRST_OF_MONTH = 60

_DATE_FIELDS = {
    "coverage_start": "coverageStart",
    "coverage_end": "coverageEnd",
    "open_enrollment_start": "openEnrollmentStart",
    "open_enrollment_end": "openEnrollmentEnd",
}


class PlanYearStatus(StrEnum):
    """The status of a plan year. All are derived from its dates."""

    DRAFT = "DRAFT"
    OPEN_ENROLLMENT = "OPEN_ENROLLMENT"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"


class RenewalMode(StrEnum):
    """The effect of closing open enrollment on unanswered enrollments.

    PASSIVE renews the coverage of the year before if the plan and tier are still offered. ACTIVE renews nothing.
    """

    ACTIVE = "ACTIVE"
    PASSIVE = "PASSIVE"


class PlanSource(StrEnum):
    """The plans that a copy of a plan year starts from: those of the plan year, or the product's current ones."""

    PLAN_YEAR = "PLAN_YEAR"
    CATALOG = "CATALOG"


@dataclass(frozen=True, slots=True)
class ContributionTerms:
    """The monthly contributions of employee and employer for one employment class and family status."""

    #: Named like the column, because rows of `contribution_classes` are passed as terms, too.
    employment: EmploymentClass
    family_status: CoverageTier
    employee_contribution_cents: int
    employer_contribution_cents: int


@dataclass(frozen=True, slots=True)
class PlanYearDates:
    """The four dates of a plan year, all inclusive, as an input contains them. Their order is not yet checked."""

    coverage_start: date
    coverage_end: date
    open_enrollment_start: date
    open_enrollment_end: date


@dataclass(frozen=True, slots=True)
class WaitingPeriod:
    """A waiting period: a number of days, which may be extended to the next first day of a month."""

    days: int = 0
    starts_on_first_of_month: bool = False


@dataclass(frozen=True, slots=True)
class EligibilityRule:
    """One rule of eligibility, whether it holds, and the reason as a sentence."""

    code: str
    holds: bool
    message: str


@dataclass(frozen=True, slots=True)
class Eligibility:
    """An employee's eligibility in a plan year: each rule's result, and the dates they lead to."""

    rules: tuple[EligibilityRule, ...]
    #: The day the waiting period is over.
    eligible_on: date
    #: The day coverage would start.
    starts_on: date

    @property
    def eligible(self) -> bool:
        return all(rule.holds for rule in self.rules)

    @property
    def coverage_start(self) -> date | None:
        return self.starts_on if self.eligible else None


@dataclass(frozen=True, slots=True)
class PlanPrice:
    """A plan's price: its monthly premium for the employee alone, and the rates by coverage tier, if any."""

    monthly_premium_cents: int
    rates: Mapping[CoverageTier, int]


@dataclass(frozen=True, slots=True)
class PremiumCost:
    """The monthly premium for a coverage tier, split between employee and employer."""

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
    """Derive the status of a plan year today. A draft never expires, because it was never in force.

    `db/store/plan_years` holds the same rule in SQL.
    """
    if opened_on is None:
        return PlanYearStatus.DRAFT
    if coverage_ends_on < today:
        return PlanYearStatus.EXPIRED
    return PlanYearStatus.OPEN_ENROLLMENT if closed_on is None else PlanYearStatus.ACTIVE


def check_date(day: date, field: str) -> Iterator[RuleViolation]:
    """Check that a date is within the range of a plan year's dates."""
    if not MIN_DATE <= day <= MAX_DATE:
        yield RuleViolation(ErrorCode.INVALID_INPUT, f"The date must be from {MIN_DATE} through {MAX_DATE}.", (field,))


def check_dates(dates: PlanYearDates) -> Iterator[RuleViolation]:
    """Check the dates' range and order: at most twelve months, and open enrollment ends before coverage starts."""
    out_of_range = [
        violation for name, field in _DATE_FIELDS.items() for violation in check_date(getattr(dates, name), field)
    ]
    if out_of_range:
        yield from out_of_range
        return
    max_coverage_end = add_years(dates.coverage_start, 1) - ONE_DAY
    if dates.coverage_end < dates.coverage_start:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER,
            f"Coverage ends on {dates.coverage_end}, before it starts on {dates.coverage_start}.",
            ("coverageEnd",),
        )
    elif dates.coverage_end > max_coverage_end:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT,
            f"A plan year lasts at most twelve months: coverage that starts on {dates.coverage_start} must end by "
            f"{max_coverage_end}.",
            ("coverageEnd",),
        )
    if dates.open_enrollment_end < dates.open_enrollment_start:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER,
            f"Open enrollment ends on {dates.open_enrollment_end}, before it starts on {dates.open_enrollment_start}.",
            ("openEnrollmentEnd",),
        )
    if dates.open_enrollment_end >= dates.coverage_start:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER,
            f"Open enrollment must end before coverage starts on {dates.coverage_start}; it ends on "
            f"{dates.open_enrollment_end}.",
            ("openEnrollmentEnd",),
        )


def compute_following_dates(dates: PlanYearDates, coverage_start: date | None = None) -> PlanYearDates:
    """Move the dates of a plan year to the following one, or to one that starts on `coverage_start`.

    A plan year of twelve months is followed on the day after its end, a shorter one a year after its start. The length
    stays the same: in months if it is a number of whole months, else in days. Open enrollment moves by as many months
    as the start, and a last day of a month stays one; where the start moves to another day of the month, by as many
    days. The result is not checked.
    """
    first, stop = dates.coverage_start, dates.coverage_end + ONE_DAY
    if coverage_start is None:
        coverage_start = stop if stop == add_years(first, 1) else add_years(first, 1)
    if coverage_start.day == first.day:
        months = (coverage_start.year - first.year) * 12 + coverage_start.month - first.month
        open_enrollment_start = add_months(dates.open_enrollment_start, months)
        open_enrollment_end = add_months(dates.open_enrollment_end, months)
        if dates.open_enrollment_end == last_day_of_month(dates.open_enrollment_end):
            open_enrollment_end = last_day_of_month(open_enrollment_end)
    else:
        open_enrollment_start = dates.open_enrollment_start + (coverage_start - first)
        open_enrollment_end = dates.open_enrollment_end + (coverage_start - first)
    return PlanYearDates(
        coverage_start, _compute_stop(first, stop, coverage_start) - ONE_DAY, open_enrollment_start, open_enrollment_end
    )


def _compute_stop(first: date, stop: date, new_first: date) -> date:
    """Return the day after a span that starts on `new_first` and is as long as the one from `first` up to `stop`."""
    if stop == add_years(first, 1):
        return add_years(new_first, 1)
    months = (stop.year - first.year) * 12 + stop.month - first.month
    if months > 0 and stop == add_months(first, months):
        return add_months(new_first, months)
    return new_first + (stop - first)


def check_opening(
    coverage_ends_on: date, open_enrollment_ends_on: date, today: date, *, has_plans: bool, has_classes: bool
) -> Iterator[RuleViolation]:
    """Check that the enrollment of a draft can open today: nobody could answer without plans, classes or days left."""
    missing = [name for name, present in (("plans", has_plans), ("contribution classes", has_classes)) if not present]
    if missing:
        yield RuleViolation(
            ErrorCode.PLAN_YEAR_INCOMPLETE,
            f"The plan year has no {' and no '.join(missing)}; add them to the draft first.",
            ("planYearId",),
        )
    if coverage_ends_on < today:
        yield RuleViolation(
            ErrorCode.INVALID_STATUS_TRANSITION,
            f"The plan year ended on {coverage_ends_on}, so its enrollment can no longer be opened.",
            ("planYearId",),
        )
    elif open_enrollment_ends_on < today:
        yield RuleViolation(
            ErrorCode.WINDOW_NOT_OPEN,
            f"Open enrollment ended on {open_enrollment_ends_on}; change the draft first, so that it ends today or "
            "later, and before coverage starts.",
            ("planYearId",),
        )


def check_waiting_period(waiting: WaitingPeriod) -> Iterator[RuleViolation]:
    """Check the length of a waiting period, so that no one waits longer than 90 days (29 CFR 2590.715-2708)."""
    max_days = MAX_WAITING_DAYS_TO_FIRST_OF_MONTH if waiting.starts_on_first_of_month else MAX_WAITING_DAYS
    if not 0 <= waiting.days <= max_days:
        condition = " when coverage starts on the first of a month" if waiting.starts_on_first_of_month else ""
        yield RuleViolation(
            ErrorCode.INVALID_INPUT,
            f"The waiting period must be 0 to {max_days} days{condition}; it is {waiting.days}.",
            ("waitingPeriodDays",),
        )


def check_classes(classes: Sequence[ContributionTerms]) -> Iterator[RuleViolation]:
    """Check contribution classes: at least one, none twice for a class and family status, no negative amounts."""
    if not classes:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT, "A plan year needs at least one contribution class.", ("contributionClasses",)
        )
    seen: set[tuple[EmploymentClass, CoverageTier]] = set()
    for index, terms in enumerate(classes):
        path = ("contributionClasses", str(index))
        yield from check_cents(terms.employee_contribution_cents, *path, "employeeContributionCents")
        yield from check_cents(terms.employer_contribution_cents, *path, "employerContributionCents")
        if terms.employee_contribution_cents + terms.employer_contribution_cents > MAX_CENTS:
            yield RuleViolation(
                ErrorCode.INVALID_INPUT,
                f"The two contributions must add up to at most {MAX_CENTS} cents.",
                (*path, "employeeContributionCents"),
            )
        if (terms.employment, terms.family_status) in seen:
            yield RuleViolation(
                ErrorCode.INVALID_INPUT,
                f"Duplicate contribution class: employment class {terms.employment} with family status "
                f"{terms.family_status} is already listed.",
                (*path, "familyStatus"),
            )
        seen.add((terms.employment, terms.family_status))


# ----------------------------------------------------------------------------------------------- eligibility


def compute_eligibility_date(employment: Employment, waiting: WaitingPeriod) -> date:
    """Return the day the waiting period is over: at the latest 90 days after the hire or the last class change.

    The waiting period may be extended to the next first day of a month, within the limit of 29 CFR 2590.715-2708.
    """
    start = employment.waiting_starts_on
    eligible_on = start + timedelta(days=waiting.days)
    if waiting.starts_on_first_of_month:
        eligible_on = first_of_month_on_or_after(eligible_on)
    return min(eligible_on, start + timedelta(days=MAX_WAITING_DAYS))


def evaluate_eligibility(
    employment: Employment,
    coverage: DateSpan,
    waiting: WaitingPeriod,
    offered_to: Collection[EmploymentClass],
    effective_on: date | None = None,
    covered_since: date | None = None,
) -> Eligibility:
    """Evaluate the rules of eligibility for a plan year, as of the day that coverage would start.

    That day is `effective_on` if a life event sets it; otherwise the later of the eligibility date and the plan year's
    start. `offered_to` are the employment classes that have a contribution class. `covered_since` is the first day of
    coverage that the employee has in the plan year: who is covered has waited, and does not wait again after a change
    of the employment class.
    """
    eligible_on = compute_eligibility_date(employment, waiting)
    if covered_since is not None:
        eligible_on = min(eligible_on, covered_since)
    starts_on = effective_on or max(eligible_on, coverage.start)
    return Eligibility(
        (
            _employed(employment, starts_on),
            _class_offered(employment.employment_class, offered_to),
            _waiting_period_over(eligible_on, starts_on, coverage),
        ),
        eligible_on,
        starts_on,
    )


def _employed(employment: Employment, starts_on: date) -> EligibilityRule:
    holds = employment.is_active(starts_on)
    status = "is" if holds else "is not"
    # No message states the day coverage would start: after a birth, it is the date of birth.
    return EligibilityRule("EMPLOYED", holds, f"The employee {status} employed on the day coverage would start.")


def _class_offered(employment_class: EmploymentClass, offered_to: Collection[EmploymentClass]) -> EligibilityRule:
    holds = employment_class in offered_to
    count = "a" if holds else "no"
    return EligibilityRule(
        "EMPLOYMENT_CLASS",
        holds,
        f"The plan year has {count} contribution class for employment class {employment_class}.",
    )


def _waiting_period_over(eligible_on: date, starts_on: date, coverage: DateSpan) -> EligibilityRule:
    holds = eligible_on <= starts_on and starts_on in coverage
    if starts_on not in coverage:
        start = "outside the plan year"
    else:
        start = "on that day or later" if holds else "before that day"
    return EligibilityRule(
        "WAITING_PERIOD", holds, f"The eligibility date is {eligible_on}; coverage would start {start}."
    )


# ----------------------------------------------------------------------------------------------------- money


def find_contribution_terms(
    classes: Sequence[ContributionTerms], employment_class: EmploymentClass, tier: CoverageTier
) -> ContributionTerms | None:
    """Return the contributions for an employment class and tier; None if there are none.

    A contribution class with family status UNSPECIFIED applies to the tiers that have no class of their own.
    """
    by_tier = {terms.family_status: terms for terms in classes if terms.employment is employment_class}
    return by_tier.get(tier) or by_tier.get(CoverageTier.UNSPECIFIED)


def compute_cost(price: PlanPrice, terms: ContributionTerms | None, tier: CoverageTier) -> PremiumCost | None:
    """Split a plan's premium for a tier between employee and employer; None if the tier has no rate or contributions.

    The premium of tier EE is the plan's monthly premium. Any other tier costs its rate. Only a plan without any rates
    costs the sum of the two contributions. The employer pays its contribution, at most the premium, and the employee
    pays the rest.
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
    price: PlanPrice, classes: Sequence[ContributionTerms], employment_class: EmploymentClass
) -> list[PremiumCost]:
    """Return a plan's cost for each tier that is offered, in the order EE, ES, EC, EF."""
    costs = (
        compute_cost(price, find_contribution_terms(classes, employment_class, tier), tier) for tier in COVERAGE_TIERS
    )
    return [cost for cost in costs if cost is not None]
