"""Offers: the terms, facts and dependents against which an election is checked.

They are loaded for many enrollments in a fixed number of statements.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Row

from benegraph.db import store
from benegraph.db.models import Dependent, Employee, EnrolledDependent, Enrollment, PlanYear
from benegraph.db.session import Transaction
from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.elections import ElectionOffer, OfferedPlan, ReissueBaseline
from benegraph.domain.enrollments.status import (
    ElectionDecision,
    EnrollmentFacts,
    EnrollmentStatus,
    derive_enrollment_status,
)
from benegraph.domain.enrollments.tiers import DependentFacts
from benegraph.domain.people import Employment, EmploymentClass
from benegraph.domain.plan_years import ContributionTerms, Eligibility, PlanPrice, WaitingPeriod, evaluate_eligibility
from benegraph.domain.values import DateSpan
from benegraph.services.enrollments.updates import sort_answered


@dataclass(frozen=True, slots=True)
class PlanYearTerms:
    """The terms of a plan year: its contribution classes, its plans by ID, and the name of its benefit product."""

    classes: Sequence[ContributionTerms]
    plans: Mapping[str, OfferedPlan]
    product_name: str

    @property
    def offered_to(self) -> set[EmploymentClass]:
        return {terms.employment for terms in self.classes}


def employment_of(employee: Employee) -> Employment:
    return Employment(employee.employment_class, employee.hired_on, employee.class_changed_on, employee.terminated_on)


def coverage_span(plan_year: PlanYear) -> DateSpan:
    return DateSpan.through(plan_year.coverage_starts_on, plan_year.coverage_ends_on)


def waiting_period(plan_year: PlanYear) -> WaitingPeriod:
    return WaitingPeriod(plan_year.waiting_period_days, plan_year.starts_on_first_of_month)


def find_own_window(enrollment: Enrollment, plan_year: PlanYear) -> DateSpan:
    """Return an enrollment's election window before any extension."""
    return DateSpan.through(
        enrollment.window_opens_on or plan_year.open_enrollment_starts_on,
        enrollment.window_closes_on or plan_year.open_enrollment_ends_on,
    )


def enrollment_facts(enrollment: Enrollment, plan_year: PlanYear) -> EnrollmentFacts:
    """Return the facts from which an enrollment's status is derived."""
    window = find_own_window(enrollment, plan_year)
    last = max(window.last, enrollment.window_extended_through or window.last)
    return EnrollmentFacts(
        decision=enrollment.decision,
        window=DateSpan.through(window.start, last),
        plan_year_ends_on=plan_year.coverage_ends_on,
        effective_on=enrollment.effective_on,
        coverage_ends_on=enrollment.coverage_ends_on,
        closed_on=enrollment.closed_on,
    )


def is_pending(enrollment: Enrollment, plan_year: PlanYear, today: date) -> bool:
    """Return whether an enrollment can be answered today or later: its status is PENDING."""
    return derive_enrollment_status(enrollment_facts(enrollment, plan_year), today) is EnrollmentStatus.PENDING


def dependent_facts(dependent: Dependent) -> DependentFacts:
    return DependentFacts(
        dependent.id, dependent.relationship, dependent.date_of_birth, dependent.disabled, dependent.active
    )


async def load_terms(tx: Transaction, plan_year_ids: Collection[str]) -> dict[str, PlanYearTerms]:
    """Load the terms of some plan years, by plan year ID."""
    return {id: build_terms(row) for id, row in (await store.plan_years.load_offerings(tx, plan_year_ids)).items()}


def build_terms(plan_year: Any) -> PlanYearTerms:
    """Build the terms of a plan year from a row that carries its plans, rates and contribution classes."""
    rates: dict[str, dict[CoverageTier, int]] = {id: {} for id, *_ in plan_year.plans}
    for id, tier, cents in plan_year.rates:
        rates[id][CoverageTier(tier)] = cents
    return PlanYearTerms(
        [
            ContributionTerms(EmploymentClass(employment), CoverageTier(tier), employee_cents, employer_cents)
            for employment, tier, employee_cents, employer_cents in plan_year.classes
        ],
        {
            id: OfferedPlan(carrier_plan_id, PlanPrice(cents, rates[id]), name)
            for id, carrier_plan_id, cents, name in plan_year.plans
        },
        plan_year.product_name,
    )


def employee_eligibility(
    employee: Employee,
    plan_year: PlanYear,
    terms: PlanYearTerms,
    effective_on: date | None = None,
    covered_since: date | None = None,
) -> Eligibility:
    """Evaluate whether an employee is eligible in a plan year.

    `effective_on` is the day set by a life event; without it, coverage starts with the plan year or with eligibility.
    `covered_since` is the first day of the coverage that a life event changes.
    """
    return evaluate_eligibility(
        employment_of(employee),
        coverage_span(plan_year),
        waiting_period(plan_year),
        terms.offered_to,
        effective_on,
        covered_since,
    )


def find_covered_since(rows: Sequence[Enrollment], today: date) -> date | None:
    """Return the first day of coverage in a plan year; None if the latest answer is not coverage, or it was ended.

    `rows` are all enrollments of one employee in the plan year, oldest first.
    """
    answered = sort_answered(rows)
    if not answered or answered[-1].decision is not ElectionDecision.ENROLLED:
        return None
    ended_through = answered[-1].ended_through
    if ended_through is not None and ended_through < today:
        return None
    return min(
        (row.coverage_starts_on for row in answered if row.coverage_starts_on and row.coverage_ends_on), default=None
    )


def build_offer(
    enrollment: Enrollment,
    employee: Employee,
    plan_year: PlanYear,
    terms: PlanYearTerms,
    dependents: Mapping[str, DependentFacts],
    *,
    unrelated_dependents: Collection[str] = (),
    baseline: ReissueBaseline | None = None,
    covered_since: date | None = None,
    effective_on: date | None = None,
) -> ElectionOffer:
    """Build the offer against which an election for this enrollment is checked.

    `effective_on` is the day set by an override; by default, it is the enrollment's own.
    """
    effective_on = effective_on or enrollment.effective_on
    return ElectionOffer(
        facts=replace(enrollment_facts(enrollment, plan_year), effective_on=effective_on),
        version=enrollment.version,
        eligibility=employee_eligibility(employee, plan_year, terms, effective_on, covered_since),
        employment_class=employee.employment_class,
        classes=terms.classes,
        plans=terms.plans,
        dependents=dependents,
        unrelated_dependents=unrelated_dependents,
        baseline=baseline,
    )


def build_baseline(
    enrollment: Enrollment,
    event: Row[Any],
    rows: Sequence[Enrollment],
    covered: Mapping[str, Sequence[EnrolledDependent]],
    terms: PlanYearTerms,
) -> ReissueBaseline:
    """Build the baseline of a reissue: the last answer before it in the plan year, which is still in force."""
    earlier = [row for row in sort_answered(rows) if row.id != enrollment.id]
    last = earlier[-1] if earlier else None
    is_ended = last is not None and last.ended_through is not None and last.ended_through < enrollment.effective_on
    if last is None or is_ended or last.selected_plan_id is None:
        return ReissueBaseline(event.event_type, event_dependent_id=event.dependent_id)
    dependent_ids = frozenset(
        row.dependent_id
        for row in covered.get(last.id, ())
        if row.through is None or row.through >= enrollment.effective_on
    )
    return ReissueBaseline(
        event.event_type, terms.plans[last.selected_plan_id].carrier_plan_id, dependent_ids, event.dependent_id
    )
