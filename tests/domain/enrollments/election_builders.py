"""Builders of elections and offers: dependents, a plan year, and an offer that a plain election satisfies.

The plan year is 2027, and open enrollment is in November 2026. Full-time employees have contributions for every tier.
GOLD has a rate for each tier, SILVER for all but EE, FAMILY only for EF, and FLAT none.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from benegraph.domain.catalog import COVERAGE_TIERS, CoverageTier
from benegraph.domain.enrollments.elections import (
    AcceptedElection,
    Election,
    ElectionOffer,
    OfferedPlan,
    ReissueBaseline,
)
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.enrollments.status import ElectionDecision, EnrollmentFacts
from benegraph.domain.enrollments.tiers import DependentFacts
from benegraph.domain.errors import RuleViolation
from benegraph.domain.people import Employment, EmploymentClass, Relationship
from benegraph.domain.plan_years import ContributionTerms, Eligibility, PlanPrice, WaitingPeriod, evaluate_eligibility
from benegraph.domain.values import DateSpan

EE, ES, EC, EF = COVERAGE_TIERS
UNSPECIFIED = CoverageTier.UNSPECIFIED
ENROLLED, WAIVED = ElectionDecision.ENROLLED, ElectionDecision.WAIVED
FULL_TIME, PART_TIME = EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME

TODAY = date(2026, 11, 15)
WINDOW = DateSpan.through(date(2026, 11, 1), date(2026, 11, 30))
COVERAGE = DateSpan.through(date(2027, 1, 1), date(2027, 12, 31))

DEPENDENTS = {
    dependent.id: dependent
    for dependent in [
        DependentFacts("spouse", Relationship.SPOUSE, date(1990, 6, 15)),
        DependentFacts("spouse-2", Relationship.SPOUSE, date(1991, 6, 15)),
        DependentFacts("former", Relationship.SPOUSE, date(1989, 6, 15), active=False),
        DependentFacts("child", Relationship.CHILD, date(2015, 6, 15)),
        DependentFacts("baby", Relationship.CHILD, date(2026, 11, 10)),
        DependentFacts("last-year", Relationship.CHILD, date(2001, 1, 2)),  # 26 the day after coverage starts
        DependentFacts("aged-out", Relationship.CHILD, date(2001, 1, 1)),  # 26 on the day coverage starts
        DependentFacts("disabled", Relationship.CHILD, date(1995, 1, 1), disabled=True),
        DependentFacts("gone", Relationship.CHILD, date(2014, 1, 1), active=False),
    ]
}
PLANS = {
    "gold": OfferedPlan("GOLD", PlanPrice(77_700, {EE: 77_700, ES: 159_285, EC: 143_745, EF: 225_330})),
    "silver": OfferedPlan("SILVER", PlanPrice(64_000, {ES: 131_200, EC: 118_400, EF: 185_600})),
    "family": OfferedPlan("FAMILY", PlanPrice(64_000, {EF: 185_600})),
    "flat": OfferedPlan("FLAT", PlanPrice(64_000, {})),
}
CLASSES = (
    ContributionTerms(FULL_TIME, UNSPECIFIED, 10_000, 50_000),
    ContributionTerms(FULL_TIME, EF, 20_000, 90_000),
)


def eligibility(
    starts_on: date = COVERAGE.start,
    *,
    hired_on: date = date(2020, 1, 1),
    terminated_on: date | None = None,
    part_time: bool = False,
) -> Eligibility:
    employment = Employment(PART_TIME if part_time else FULL_TIME, hired_on, terminated_on=terminated_on)
    return evaluate_eligibility(employment, COVERAGE, WaitingPeriod(), {FULL_TIME}, starts_on)


FACTS = EnrollmentFacts(None, WINDOW, plan_year_ends_on=COVERAGE.last, effective_on=COVERAGE.start)
OFFER = ElectionOffer(
    FACTS,
    version=3,
    eligibility=eligibility(),
    employment_class=FULL_TIME,
    classes=CLASSES,
    plans=PLANS,
    dependents=DEPENDENTS,
    unrelated_dependents=frozenset({"unrelated"}),
)


def offer_with(**changes: Any) -> ElectionOffer:
    return replace(OFFER, **changes)


def offer_with_facts(**changes: Any) -> ElectionOffer:
    """Return the offer of an enrollment with other stored values."""
    return replace(OFFER, facts=replace(FACTS, **changes))


def reissue_offer(event_type: LifeEventType, previous_plan: str | None, *dependents: str) -> ElectionOffer:
    """Return the offer of a reissue, with the previous carrier plan (None without coverage) and covered dependents."""
    return replace(OFFER, baseline=ReissueBaseline(event_type, previous_plan, frozenset(dependents)))


def enroll(*dependents: str, plan: str | None = "gold", tier: CoverageTier | None = None, **others: Any) -> Election:
    return Election("enrollment", ENROLLED, plan, tier, dependents, **others)


def waive(**others: Any) -> Election:
    return Election("enrollment", WAIVED, **others)


def accepted(result: AcceptedElection | Iterable[RuleViolation]) -> AcceptedElection:
    assert isinstance(result, AcceptedElection), result
    return result
