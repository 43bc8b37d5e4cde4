"""Copies of plan years: a draft for the following year, with moved dates, and with new rates and contributions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import PlanYear
from benegraph.db.session import Transaction
from benegraph.domain.catalog import COVERAGE_TIERS, PlanTerms, TierRate, check_revision, revise_plan
from benegraph.domain.checks import check_text, check_version
from benegraph.domain.errors import ErrorCode, Refused, RuleViolation, raise_if_any
from benegraph.domain.plan_years import (
    ContributionTerms,
    PlanSource,
    PlanYearDates,
    WaitingPeriod,
    check_date,
    compute_following_dates,
)
from benegraph.services.catalog import plan_terms
from benegraph.services.plan_years.drafts import (
    PlanYearDraft,
    create_plan_year,
    load_carrier_plans,
    load_retired_ids,
    lock_plan_year,
)


@dataclass(frozen=True, slots=True)
class PlanRevision:
    """The new terms of one plan of a copy, by attributes of PlanTerms."""

    carrier_plan_id: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlanYearCopy:
    """The input of a copy: all that differs from the plan year that it copies."""

    plan_year_id: str
    plan_source: PlanSource = PlanSource.PLAN_YEAR
    revisions: Sequence[PlanRevision] = ()
    classes: Sequence[ContributionTerms] | None = None
    #: Values by the columns of `plan_years`.
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ComparedPlan:
    """A plan of a copy, with the premium of the plan year that was copied, if that offered it."""

    carrier_plan_id: str
    name: str
    monthly_premium_cents: int
    previous_monthly_premium_cents: int | None
    rates: Sequence[TierRate]


@dataclass(frozen=True, slots=True)
class PlanYearCopyOutcome:
    """The draft that a copy creates."""

    plan_year_id: str
    coverage_start: date
    coverage_end: date
    open_enrollment_start: date
    open_enrollment_end: date
    plans: Sequence[ComparedPlan]
    #: The carrier plan IDs of the plans that were not copied, because they are retired or not in the catalog.
    omitted_carrier_plan_ids: Sequence[str]


async def copy_plan_year(tx: Transaction, copy: PlanYearCopy, expected_version: int | None) -> PlanYearCopyOutcome:
    """Create a draft that follows a plan year, by the rules of `create_plan_year`. Raises Refused.

    `expected_version` is that of the plan year that is copied, which does not change.
    """
    source, _today = await lock_plan_year(tx, copy.plan_year_id)
    if "coverage_starts_on" in copy.changes:
        raise_if_any(check_date(copy.changes["coverage_starts_on"], "coverageStart"))
    dates = _compute_dates(source, copy.changes)
    await store.catalog.lock_product(tx, source.benefit_product_id, shared=True)
    offered = await _load_plan_year_plans(tx, source.id)
    catalog = {plan.carrier_plan_id: plan for plan in await load_carrier_plans(tx, source.benefit_product_id)}
    retired = await load_retired_ids(tx, source.benefit_product_id)
    is_from_catalog = copy.plan_source is PlanSource.CATALOG
    plans = dict(catalog) if is_from_catalog else {id: plan for id, plan in offered.items() if id not in retired}
    violations = [*check_version(expected_version, source.version), *_revise_plans(plans, copy.revisions, catalog)]
    classes = await _load_classes(tx, source.id) if copy.classes is None else copy.classes
    draft = _build_draft(source, dates, classes, list(plans.values()), copy.changes)
    try:
        id = await create_plan_year(tx, draft, copied_from=source.id)
    except Refused as refused:
        raise Refused([*violations, *map(_with_field_of_copy, refused.violations)]) from None
    raise_if_any(violations)
    return PlanYearCopyOutcome(
        id,
        dates.coverage_start,
        dates.coverage_end,
        dates.open_enrollment_start,
        dates.open_enrollment_end,
        _compare_plans(plans.values(), offered),
        [carrier_plan_id for carrier_plan_id in offered if carrier_plan_id not in plans],
    )


def _compute_dates(source: PlanYear, changes: Mapping[str, Any]) -> PlanYearDates:
    current = PlanYearDates(
        source.coverage_starts_on,
        source.coverage_ends_on,
        source.open_enrollment_starts_on,
        source.open_enrollment_ends_on,
    )
    following = compute_following_dates(current, changes.get("coverage_starts_on"))
    return PlanYearDates(
        following.coverage_start,
        changes.get("coverage_ends_on", following.coverage_end),
        changes.get("open_enrollment_starts_on", following.open_enrollment_start),
        changes.get("open_enrollment_ends_on", following.open_enrollment_end),
    )


def _revise_plans(
    plans: dict[str, PlanTerms], revisions: Sequence[PlanRevision], catalog: Mapping[str, PlanTerms]
) -> list[RuleViolation]:
    """Apply revisions to the plans of a copy, and return the violated rules.

    A revision of a plan that only the catalog offers adds that plan.
    """
    violations: list[RuleViolation] = []
    seen: set[str] = set()
    for index, revision in enumerate(revisions):
        path = ("plans", str(index))
        id = revision.carrier_plan_id
        plan = plans.get(id) or catalog.get(id)
        if id in seen:
            message = "Duplicate carrier plan ID: an earlier plan in this list has the same ID."
            violations.append(RuleViolation(ErrorCode.INVALID_INPUT, message, (*path, "carrierPlanId")))
        elif invalid := list(check_text(id, *path, "carrierPlanId")):
            violations += invalid
        elif plan is None:
            message = "Neither the plan year that is copied nor the catalog offers a plan with this carrier plan ID."
            violations.append(RuleViolation(ErrorCode.PLAN_NOT_OFFERED, message, (*path, "carrierPlanId")))
        elif found := [violation.prefixed(*path) for violation in check_revision(plan, revision.changes)]:
            violations += found
        else:
            plans[id] = revise_plan(plan, revision.changes)
        seen.add(id)
    return violations


def _build_draft(
    source: PlanYear,
    dates: PlanYearDates,
    classes: Sequence[ContributionTerms],
    plans: Sequence[PlanTerms],
    changes: Mapping[str, Any],
) -> PlanYearDraft:
    days = changes.get("waiting_period_days", source.waiting_period_days)
    starts_on_first_of_month = changes.get("starts_on_first_of_month", source.starts_on_first_of_month)
    return PlanYearDraft(
        source.employer_id,
        source.benefit_product_id,
        dates,
        classes,
        plans,
        WaitingPeriod(days, starts_on_first_of_month),
        changes.get("renewal", source.renewal),
        changes.get("group_id", source.group_id),
        changes.get("group_coverage_start", source.group_coverage_start),
    )


def _with_field_of_copy(violation: RuleViolation) -> RuleViolation:
    """Name the copied plan year where a new one names its employer or product."""
    is_of_source = violation.field in (("employerId",), ("benefitProductId",))
    return RuleViolation(violation.code, violation.message, ("planYearId",)) if is_of_source else violation


def _compare_plans(plans: Iterable[PlanTerms], offered: Mapping[str, PlanTerms]) -> list[ComparedPlan]:
    """Return the plans of a copy with their premiums in the plan year that was copied."""
    previous = {id: plan.monthly_premium_cents for id, plan in offered.items()}
    return [
        ComparedPlan(
            plan.carrier_plan_id,
            plan.name,
            plan.monthly_premium_cents,
            previous.get(plan.carrier_plan_id),
            sorted(plan.rates, key=lambda rate: COVERAGE_TIERS.index(rate.coverage_tier)),
        )
        for plan in plans
    ]


async def _load_plan_year_plans(tx: Transaction, plan_year_id: str) -> dict[str, PlanTerms]:
    """Return the terms of the plans that a plan year offers, by carrier plan ID."""
    plans = (await store.plan_years.plans_of(tx, [plan_year_id]))[plan_year_id]
    rates = await store.plan_years.rates_of(tx, [plan.id for plan in plans])
    return {plan.carrier_plan_id: plan_terms(plan, rates[plan.id]) for plan in plans}


async def _load_classes(tx: Transaction, plan_year_id: str) -> list[ContributionTerms]:
    classes = (await store.plan_years.contribution_classes_of(tx, [plan_year_id]))[plan_year_id]
    return [
        ContributionTerms(
            row.employment, row.family_status, row.employee_contribution_cents, row.employer_contribution_cents
        )
        for row in classes
    ]
