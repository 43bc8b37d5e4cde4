"""Plan years as drafts: their dates, contributions and plans, till they are opened."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import ContributionClass, Plan, PlanRate, PlanYear
from benegraph.db.session import Transaction
from benegraph.db.store.writing import insert_rows
from benegraph.domain.catalog import PlanTerms, TierRate, check_plans
from benegraph.domain.checks import check_id, check_text, check_version
from benegraph.domain.coverage import MAX_GROUP_ID_LENGTH
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.domain.plan_years import (
    MAX_DATE,
    ContributionTerms,
    PlanYearDates,
    PlanYearStatus,
    RenewalMode,
    WaitingPeriod,
    check_classes,
    check_dates,
    check_waiting_period,
    derive_plan_year_status,
)
from benegraph.domain.values import DateSpan
from benegraph.services.catalog import plan_columns


@dataclass(frozen=True, slots=True)
class PlanYearDraft:
    """A plan year to be. Without plans of its own it copies the product's catalogue."""

    employer_id: str
    benefit_product_id: str
    dates: PlanYearDates
    classes: Sequence[ContributionTerms]
    plans: Sequence[PlanTerms] | None = None
    waiting: WaitingPeriod = field(default_factory=WaitingPeriod)
    renewal: RenewalMode = RenewalMode.ACTIVE
    #: The carrier's contract that its coverage is recorded under, by group and start.
    group_id: str | None = None
    group_coverage_start: date | None = None


async def create_plan_year(tx: Transaction, draft: PlanYearDraft) -> str:
    """Draft a plan year for an employer and a product; give its id. Raises Refused."""
    raise_if_any(check_group_id(draft.group_id))
    raise_if_any(
        [
            *check_id(IdPrefix.EMPLOYER, draft.employer_id, "employerId"),
            *check_id(IdPrefix.BENEFIT_PRODUCT, draft.benefit_product_id, "benefitProductId"),
        ]
    )
    employer = await store.employers.lock(tx, draft.employer_id)
    product = await store.catalog.product(tx, draft.benefit_product_id)
    broken = [
        *check_dates(draft.dates),
        *check_waiting_period(draft.waiting),
        *check_classes(draft.classes),
        *check_plans(draft.plans or ()),
    ]
    if employer is None:
        broken.append(RuleViolation(ErrorCode.NOT_FOUND, "There is no such employer.", ("employerId",)))
    if product is None:
        broken.append(RuleViolation(ErrorCode.NOT_FOUND, "There is no such product.", ("benefitProductId",)))
    if employer is not None and product is not None:
        broken += await _check_overlap(tx, employer.id, product.id, draft.dates)
        broken += await _check_contract(tx, employer.id, draft.group_id, draft.group_coverage_start, draft.dates)
    raise_if_any(broken)
    plans = await _catalogue(tx, draft.benefit_product_id) if draft.plans is None else draft.plans
    row = {
        "id": tx.new_id(IdPrefix.PLAN_YEAR),
        "employer_id": draft.employer_id,
        "benefit_product_id": draft.benefit_product_id,
        "coverage_starts_on": draft.dates.coverage_start,
        "coverage_ends_on": draft.dates.coverage_end,
        "open_enrollment_starts_on": draft.dates.open_enrollment_start,
        "open_enrollment_ends_on": draft.dates.open_enrollment_end,
        "waiting_period_days": draft.waiting.days,
        "starts_on_first_of_month": draft.waiting.to_first_of_month,
        "renewal": draft.renewal,
        "group_id": draft.group_id,
        "group_coverage_start": draft.group_coverage_start,
    }
    id = str(row["id"])
    await insert_rows(tx, PlanYear, [row])
    await _insert_classes(tx, id, draft.employer_id, draft.classes)
    await _insert_plans(tx, id, draft.employer_id, plans)
    await store.history.record(tx, [store.history.issued(tx, row, "CREATED", None)])
    return id


async def update_plan_year(
    tx: Transaction,
    id: str,
    changes: Mapping[str, Any],
    classes: Sequence[ContributionTerms] | None,
    plans: Sequence[PlanTerms] | None,
    expected_version: int | None,
) -> None:
    """Change a plan year: a draft in everything, an open one in its enrollment's dates and its renewal. Raises Refused.

    `changes` holds columns of the plan year; classes and plans, where given, replace all that were there.
    """
    raise_if_any(check_group_id(changes.get("group_id")))
    plan_year, today = await lock_plan_year(tx, id)
    broken = [*check_version(expected_version, plan_year.version)]
    status = derive_plan_year_status(plan_year.opened_on, plan_year.closed_on, plan_year.coverage_ends_on, today)
    broken += _check_changeable(status, changes, has_classes=classes is not None, has_plans=plans is not None)
    dates = PlanYearDates(*(changes.get(name, getattr(plan_year, name)) for name in _DATES))
    waiting = WaitingPeriod(
        changes.get("waiting_period_days", plan_year.waiting_period_days),
        changes.get("starts_on_first_of_month", plan_year.starts_on_first_of_month),
    )
    broken += [
        *check_dates(dates),
        *check_waiting_period(waiting),
        *(check_classes(classes) if classes is not None else ()),
        *check_plans(plans or ()),
        *await _check_overlap(tx, plan_year.employer_id, plan_year.benefit_product_id, dates, besides=id),
    ]
    if status is PlanYearStatus.DRAFT:  # after that it is settled
        group_id = changes.get("group_id", plan_year.group_id)
        group_coverage_start = changes.get("group_coverage_start", plan_year.group_coverage_start)
        broken += await _check_contract(tx, plan_year.employer_id, group_id, group_coverage_start, dates, besides=id)
    raise_if_any(broken)
    for name, value in changes.items():
        setattr(plan_year, name, value)
    if classes is not None:
        await store.plan_years.remove_terms(tx, id, ContributionClass)
        await _insert_classes(tx, id, plan_year.employer_id, classes)
    if plans is not None:
        await store.plan_years.remove_terms(tx, id, Plan)
        await _insert_plans(tx, id, plan_year.employer_id, plans)
    change = store.history.change(tx, plan_year, "UPDATED")
    if classes is not None or plans is not None:
        tx.touch(plan_year)
    await tx.flush()
    await store.history.record(tx, [change])


async def delete_plan_year(tx: Transaction, id: str, expected_version: int | None) -> None:
    """Delete a draft. Raises Refused."""
    plan_year, _today = await lock_plan_year(tx, id)
    broken = [*check_version(expected_version, plan_year.version)]
    if plan_year.opened_on is not None:
        broken.append(
            RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, "Only a draft can be deleted.", ("planYearId",))
        )
    raise_if_any(broken)
    await store.history.record(tx, [store.history.deleted(tx, plan_year)])
    await store.plan_years.remove(tx, plan_year)


async def lock_plan_year(tx: Transaction, id: str) -> tuple[PlanYear, date]:
    """Lock the employer, then one of its plan years; tell what day it is there."""
    raise_if_any(check_id(IdPrefix.PLAN_YEAR, id, "planYearId"))
    employer_id = await store.plan_years.employer_of(tx, id)
    employer = await store.employers.lock(tx, employer_id) if employer_id else None
    plan_year = (await store.plan_years.lock(tx, [id])).get(id) if employer else None
    if employer is None or plan_year is None:
        raise refusal(ErrorCode.NOT_FOUND, "There is no such plan year.", "planYearId")
    return plan_year, tx.today(employer.time_zone)


# --------------------------------------------------------------------------------------------------- checking

_DATES = ("coverage_starts_on", "coverage_ends_on", "open_enrollment_starts_on", "open_enrollment_ends_on")
_OF_DRAFTS = {
    "coverage_starts_on": "coverageStart",
    "coverage_ends_on": "coverageEnd",
    # Who was issued what rests on the wait, so it is settled when enrollment opens.
    "waiting_period_days": "waitingPeriodDays",
    "starts_on_first_of_month": "startsOnFirstOfMonth",
    "group_id": "groupId",
    "group_coverage_start": "groupCoverageStart",
}
_OF_OPEN_ONES = {
    "open_enrollment_starts_on": "openEnrollmentStart",
    "open_enrollment_ends_on": "openEnrollmentEnd",
    "renewal": "renewal",
}


def _check_changeable(
    status: PlanYearStatus, changes: Mapping[str, Any], *, has_classes: bool, has_plans: bool
) -> list[RuleViolation]:
    if status is PlanYearStatus.DRAFT:
        return []
    refused = [field for name, field in _OF_DRAFTS.items() if name in changes]
    refused += ["contributionClasses"] * has_classes + ["plans"] * has_plans
    if status is not PlanYearStatus.OPEN_ENROLLMENT:
        refused += [field for name, field in _OF_OPEN_ONES.items() if name in changes]
    message = f"This can't change any more: the plan year is {status}."
    return [RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, (field,)) for field in refused]


async def _check_overlap(
    tx: Transaction, employer_id: str, benefit_product_id: str, dates: PlanYearDates, besides: str | None = None
) -> list[RuleViolation]:
    coverage = _coverage(dates)
    if coverage is None:
        return []
    other = await store.plan_years.overlapping(tx, employer_id, benefit_product_id, coverage, besides=besides)
    if other is None:
        return []
    return [
        RuleViolation(
            ErrorCode.PLAN_YEAR_OVERLAP,
            "Another plan year of this employer and product shares days with it.",
            ("coverageStart",),
        )
    ]


def _coverage(dates: PlanYearDates) -> DateSpan | None:
    """Give the days of a plan year; None where it has none to share, which check_dates tells."""
    if not dates.coverage_start <= dates.coverage_end <= MAX_DATE:
        return None
    return DateSpan.through(dates.coverage_start, dates.coverage_end)


def check_group_id(group_id: str | None) -> Iterator[RuleViolation]:
    """Refuse what can be no group's code, before a contract is looked for by it."""
    yield from check_text(group_id, "groupId", max_length=MAX_GROUP_ID_LENGTH)


async def _check_contract(
    tx: Transaction,
    employer_id: str,
    group_id: str | None,
    group_coverage_start: date | None,
    dates: PlanYearDates,
    besides: str | None = None,
) -> list[RuleViolation]:
    """Refuse a contract that the employer has not, or under which some division has no coverage on some day.

    And one that shares days with another of its group and division: of a day, the carrier has one record there.
    """
    if group_id is None and group_coverage_start is None:
        return []
    if group_id is None or group_coverage_start is None:
        missing = "groupId" if group_id is None else "groupCoverageStart"
        return [RuleViolation(ErrorCode.INVALID_INPUT, "A contract is named by its group and its start.", (missing,))]
    contracts = await store.coverage.contracts_of_groups(tx, [employer_id], [(group_id, group_coverage_start)])
    if not contracts:
        return [
            RuleViolation(ErrorCode.NOT_FOUND, "The employer has no contract of this group and start.", ("groupId",))
        ]
    if dates.coverage_start < group_coverage_start:
        return [RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, "The contract starts later.", ("coverageStart",))]
    if any(each.coverage_end is not None and each.coverage_end < dates.coverage_end for each in contracts):
        return [RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, "The contract ends earlier.", ("coverageEnd",))]
    return await _check_one_contract_a_day(tx, employer_id, group_id, group_coverage_start, dates, besides)


async def _check_one_contract_a_day(
    tx: Transaction,
    employer_id: str,
    group_id: str,
    group_coverage_start: date,
    dates: PlanYearDates,
    besides: str | None,
) -> list[RuleViolation]:
    coverage = _coverage(dates)
    if coverage is None:
        return []
    other = await store.plan_years.under_another_contract(
        tx, employer_id, group_id, group_coverage_start, coverage, besides=besides
    )
    if other is None:
        return []
    message = "Another plan year of this employer shares days with it, and follows another contract of this group."
    return [RuleViolation(ErrorCode.PLAN_YEAR_OVERLAP, message, ("groupCoverageStart",))]


# ---------------------------------------------------------------------------------------------------- writing


async def _catalogue(tx: Transaction, benefit_product_id: str) -> list[PlanTerms]:
    plans = (await store.catalog.carrier_plans_of(tx, [benefit_product_id]))[benefit_product_id]
    rates = await store.catalog.rates_of(tx, [plan.id for plan in plans])
    return [
        PlanTerms(
            plan.carrier_plan_id,
            plan.name,
            plan.tier,
            plan.monthly_premium_cents,
            plan.deductible_cents,
            plan.out_of_pocket_max_cents,
            tuple(TierRate(rate.coverage_tier, rate.monthly_premium_cents) for rate in rates[plan.id]),
        )
        for plan in plans
    ]


async def _insert_classes(
    tx: Transaction, plan_year_id: str, employer_id: str, classes: Sequence[ContributionTerms]
) -> None:
    rows = [
        {
            "id": tx.new_id(IdPrefix.CONTRIBUTION_CLASS),
            "employer_id": employer_id,
            "plan_year_id": plan_year_id,
            "position": position,
            "employment": terms.employment,
            "family_status": terms.family_status,
            "employee_contribution_cents": terms.employee_contribution_cents,
            "employer_contribution_cents": terms.employer_contribution_cents,
        }
        for position, terms in enumerate(classes)
    ]
    await insert_rows(tx, ContributionClass, rows)


async def _insert_plans(tx: Transaction, plan_year_id: str, employer_id: str, plans: Sequence[PlanTerms]) -> None:
    rows = [
        {
            "id": tx.new_id(IdPrefix.PLAN),
            "employer_id": employer_id,
            "plan_year_id": plan_year_id,
            "position": position,
            **plan_columns(plan),
        }
        for position, plan in enumerate(plans)
    ]
    await insert_rows(tx, Plan, rows)
    rates = [
        {
            "plan_id": row["id"],
            "coverage_tier": rate.coverage_tier,
            "employer_id": employer_id,
            "plan_year_id": plan_year_id,
            "monthly_premium_cents": rate.monthly_premium_cents,
        }
        for row, plan in zip(rows, plans, strict=True)
        for rate in plan.rates
    ]
    await insert_rows(tx, PlanRate, rates)
