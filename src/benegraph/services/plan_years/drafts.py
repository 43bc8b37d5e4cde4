"""Plan year drafts: their dates, contribution classes and plans until enrollment opens."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import ContributionClass, Plan, PlanRate, PlanYear
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import insert_rows
from benegraph.domain.catalog import PlanTerms, check_plans, check_product_active
from benegraph.domain.checks import check_id, check_text, check_version
from benegraph.domain.coverage import MAX_GROUP_ID_LENGTH
from benegraph.domain.employers import check_employer_active
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
from benegraph.services.catalog import plan_columns, plan_terms
from benegraph.services.enrollments.extensions import close_reissues_beside_open_enrollment


@dataclass(frozen=True, slots=True)
class PlanYearDraft:
    """The input of a new plan year. Without plans of its own, it copies the carrier plans of the product."""

    employer_id: str
    benefit_product_id: str
    dates: PlanYearDates
    classes: Sequence[ContributionTerms]
    plans: Sequence[PlanTerms] | None = None
    waiting: WaitingPeriod = field(default_factory=WaitingPeriod)
    renewal: RenewalMode = RenewalMode.ACTIVE
    #: The group contract under which the carrier records coverage: its group and its start.
    group_id: str | None = None
    group_coverage_start: date | None = None


async def create_plan_year(tx: Transaction, draft: PlanYearDraft, copied_from: str | None = None) -> str:
    """Create a draft plan year for an employer and a product, and return its ID. Raises Refused.

    `copied_from` is the plan year that it copies, for the history.
    """
    raise_if_any(_check_group_id(draft.group_id))
    raise_if_any(
        [
            *check_id(IdPrefix.EMPLOYER, draft.employer_id, "employerId"),
            *check_id(IdPrefix.BENEFIT_PRODUCT, draft.benefit_product_id, "benefitProductId"),
        ]
    )
    employer = await store.employers.lock(tx, draft.employer_id)
    product = await store.catalog.lock_product(tx, draft.benefit_product_id, shared=True)
    violations = [
        *check_dates(draft.dates),
        *check_waiting_period(draft.waiting),
        *check_classes(draft.classes),
        *check_plans(draft.plans or ()),
    ]
    if employer is None:
        violations.append(
            RuleViolation(ErrorCode.NOT_FOUND, f"No employer found with ID {draft.employer_id}.", ("employerId",))
        )
    if product is None:
        violations.append(
            RuleViolation(
                ErrorCode.NOT_FOUND,
                f"No benefit product found with ID {draft.benefit_product_id}.",
                ("benefitProductId",),
            )
        )
    if employer is not None and product is not None:
        violations += [
            *check_employer_active(active=employer.active),
            *check_product_active(active=product.active),
            *await _check_not_retired(tx, product.id, draft.plans or ()),
        ]
        violations += await _check_overlap(tx, employer.id, product.id, draft.dates)
        violations += await _check_contract(tx, employer.id, draft.group_id, draft.group_coverage_start, draft.dates)
    raise_if_any(violations)
    plans = await load_carrier_plans(tx, draft.benefit_product_id) if draft.plans is None else draft.plans
    row = {
        "id": tx.new_id(IdPrefix.PLAN_YEAR),
        "employer_id": draft.employer_id,
        "benefit_product_id": draft.benefit_product_id,
        "coverage_starts_on": draft.dates.coverage_start,
        "coverage_ends_on": draft.dates.coverage_end,
        "open_enrollment_starts_on": draft.dates.open_enrollment_start,
        "open_enrollment_ends_on": draft.dates.open_enrollment_end,
        "waiting_period_days": draft.waiting.days,
        "starts_on_first_of_month": draft.waiting.starts_on_first_of_month,
        "renewal": draft.renewal,
        "group_id": draft.group_id,
        "group_coverage_start": draft.group_coverage_start,
    }
    id = str(row["id"])
    await insert_rows(tx, PlanYear, [row])
    await _insert_classes(tx, id, draft.employer_id, draft.classes)
    await _insert_plans(tx, id, draft.employer_id, plans)
    event = store.history.creation_event(tx, row | {"copied_from": copied_from}, "CREATED", None)
    await store.history.insert_events(tx, [event])
    return id


async def update_plan_year(
    tx: Transaction,
    id: str,
    changes: Mapping[str, Any],
    classes: Sequence[ContributionTerms] | None,
    plans: Sequence[PlanTerms] | None,
    expected_version: int | None,
) -> None:
    """Change a plan year. Raises Refused.

    All fields of a draft can change; of a plan year in open enrollment, only the open enrollment dates and the renewal
    mode. `changes` maps columns to values; `classes` and `plans`, if given, replace the current ones.
    """
    raise_if_any(_check_group_id(changes.get("group_id")))
    plan_year, today = await lock_plan_year(tx, id)
    violations = [*check_version(expected_version, plan_year.version)]
    status = derive_plan_year_status(plan_year.opened_on, plan_year.closed_on, plan_year.coverage_ends_on, today)
    violations += _check_changeable(status, changes, has_classes=classes is not None, has_plans=plans is not None)
    dates = PlanYearDates(*(changes.get(name, getattr(plan_year, name)) for name in _DATE_COLUMNS))
    waiting = WaitingPeriod(
        changes.get("waiting_period_days", plan_year.waiting_period_days),
        changes.get("starts_on_first_of_month", plan_year.starts_on_first_of_month),
    )
    violations += [
        *check_dates(dates),
        *check_waiting_period(waiting),
        *(check_classes(classes) if classes is not None else ()),
        *check_plans(plans or ()),
        *await _check_added_plans(tx, plan_year, plans or ()),
        *await _check_overlap(tx, plan_year.employer_id, plan_year.benefit_product_id, dates, except_id=id),
    ]
    if status is PlanYearStatus.DRAFT:  # the contract is fixed once enrollment opens
        group_id = changes.get("group_id", plan_year.group_id)
        group_coverage_start = changes.get("group_coverage_start", plan_year.group_coverage_start)
        violations += await _check_contract(
            tx, plan_year.employer_id, group_id, group_coverage_start, dates, except_id=id
        )
    raise_if_any(violations)
    opens_again = plan_year.open_enrollment_ends_on < today <= dates.open_enrollment_end
    for name, value in changes.items():
        setattr(plan_year, name, value)
    if classes is not None:
        await store.plan_years.delete_terms(tx, id, ContributionClass)
        await _insert_classes(tx, id, plan_year.employer_id, classes)
    if plans is not None:
        await store.plan_years.delete_terms(tx, id, Plan)
        await _insert_plans(tx, id, plan_year.employer_id, plans)
    change = store.history.change_event(tx, plan_year, "UPDATED")
    if classes is not None or plans is not None:
        tx.mark_changed(plan_year)
    await tx.flush()
    if store.history.has_changes(change) or classes is not None or plans is not None:
        await store.history.insert_events(tx, [change])
    if opens_again and status is PlanYearStatus.OPEN_ENROLLMENT:
        await close_reissues_beside_open_enrollment(tx, plan_year, today)


async def delete_plan_year(tx: Transaction, id: str, expected_version: int | None) -> None:
    """Delete a draft plan year. Raises Refused."""
    plan_year, _today = await lock_plan_year(tx, id)
    violations = [*check_version(expected_version, plan_year.version)]
    if plan_year.opened_on is not None:
        violations.append(
            RuleViolation(
                ErrorCode.INVALID_STATUS_TRANSITION,
                "Only a draft plan year can be deleted; this one was opened.",
                ("planYearId",),
            )
        )
    raise_if_any(violations)
    await store.history.insert_events(tx, [store.history.deletion_event(tx, PlanYear, plan_year)])
    await store.plan_years.delete_draft(tx, plan_year)


async def lock_plan_year(tx: Transaction, id: str) -> tuple[PlanYear, date]:
    """Lock the employer, then one of its plan years; also return the employer's current date. Raises Refused."""
    raise_if_any(check_id(IdPrefix.PLAN_YEAR, id, "planYearId"))
    employer_id = await store.plan_years.employer_id_of(tx, id)
    employer = await store.employers.lock(tx, employer_id) if employer_id else None
    plan_year = (await store.plan_years.lock(tx, [id])).get(id) if employer else None
    if employer is None or plan_year is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No plan year found with ID {id}.", "planYearId")
    return plan_year, tx.today(employer.time_zone)


# -------------------------------------------------------------------------------------------------------- checking

_DATE_COLUMNS = ("coverage_starts_on", "coverage_ends_on", "open_enrollment_starts_on", "open_enrollment_ends_on")
_DRAFT_FIELDS = {
    "coverage_starts_on": "coverageStart",
    "coverage_ends_on": "coverageEnd",
    # The waiting period decides which enrollments are issued, so it is fixed once enrollment opens.
    "waiting_period_days": "waitingPeriodDays",
    "starts_on_first_of_month": "startsOnFirstOfMonth",
    "group_id": "groupId",
    "group_coverage_start": "groupCoverageStart",
}
_OPEN_ENROLLMENT_FIELDS = {
    "open_enrollment_starts_on": "openEnrollmentStart",
    "open_enrollment_ends_on": "openEnrollmentEnd",
    "renewal": "renewal",
}


def _check_changeable(
    status: PlanYearStatus, changes: Mapping[str, Any], *, has_classes: bool, has_plans: bool
) -> list[RuleViolation]:
    if status is PlanYearStatus.DRAFT:
        return []
    refused = [field for name, field in _DRAFT_FIELDS.items() if name in changes]
    refused += ["contributionClasses"] * has_classes + ["plans"] * has_plans
    if status is not PlanYearStatus.OPEN_ENROLLMENT:
        refused += [field for name, field in _OPEN_ENROLLMENT_FIELDS.items() if name in changes]
    message = f"This field cannot change while the plan year is {status}."
    return [RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, (field,)) for field in refused]


async def _check_overlap(
    tx: Transaction, employer_id: str, benefit_product_id: str, dates: PlanYearDates, except_id: str | None = None
) -> list[RuleViolation]:
    coverage = _coverage_span(dates)
    if coverage is None:
        return []
    other = await store.plan_years.find_overlapping(tx, employer_id, benefit_product_id, coverage, except_id=except_id)
    if other is None:
        return []
    return [
        RuleViolation(
            ErrorCode.PLAN_YEAR_OVERLAP,
            f"Overlaps another plan year of this employer and product, {other}.",
            ("coverageStart",),
        )
    ]


async def _check_not_retired(
    tx: Transaction, product_id: str, plans: Sequence[PlanTerms], kept: Collection[str] = ()
) -> list[RuleViolation]:
    """Check that no plan of a new offer is retired in the catalog, except those of `kept` carrier plan IDs."""
    retired = await load_retired_ids(tx, product_id) if plans else set()
    return [
        RuleViolation(
            ErrorCode.PLAN_NOT_OFFERED,
            f"The carrier plan {plan.carrier_plan_id} is retired; reactivate it or leave it out.",
            ("plans", str(index), "carrierPlanId"),
        )
        for index, plan in enumerate(plans)
        if plan.carrier_plan_id in retired and plan.carrier_plan_id not in kept
    ]


async def _check_added_plans(tx: Transaction, plan_year: PlanYear, plans: Sequence[PlanTerms]) -> list[RuleViolation]:
    """Check that no plan that a change adds is retired; the draft keeps those that it has."""
    if not plans:
        return []
    await store.catalog.lock_product(tx, plan_year.benefit_product_id, shared=True)
    current = (await store.plan_years.plans_of(tx, [plan_year.id]))[plan_year.id]
    kept = {plan.carrier_plan_id for plan in current}
    return await _check_not_retired(tx, plan_year.benefit_product_id, plans, kept)


def _coverage_span(dates: PlanYearDates) -> DateSpan | None:
    """Return the days of a plan year, or None for dates that `check_dates` refuses."""
    if not dates.coverage_start <= dates.coverage_end <= MAX_DATE:
        return None
    return DateSpan.through(dates.coverage_start, dates.coverage_end)


def _check_group_id(group_id: str | None) -> Iterator[RuleViolation]:
    """Check the form of a group ID, before any contract is looked up by it."""
    yield from check_text(group_id, "groupId", max_length=MAX_GROUP_ID_LENGTH)


async def _check_contract(
    tx: Transaction,
    employer_id: str,
    group_id: str | None,
    group_coverage_start: date | None,
    dates: PlanYearDates,
    except_id: str | None = None,
) -> list[RuleViolation]:
    """Check the group contract of a plan year: it must exist and span the whole plan year for every division.

    It must also be the only contract of its group and division on those days, because the carrier keeps one record for
    each day.
    """
    if group_id is None and group_coverage_start is None:
        return []
    if group_id is None or group_coverage_start is None:
        missing = "groupId" if group_id is None else "groupCoverageStart"
        return [
            RuleViolation(
                ErrorCode.INVALID_INPUT,
                "Give groupId and groupCoverageStart together: both identify the contract.",
                (missing,),
            )
        ]
    contracts = await store.coverage.list_contracts_of_groups(tx, [employer_id], [(group_id, group_coverage_start)])
    if not contracts:
        return [
            RuleViolation(
                ErrorCode.NOT_FOUND,
                f"The employer has no contract of group {group_id} that starts on {group_coverage_start}.",
                ("groupId",),
            )
        ]
    if dates.coverage_start < group_coverage_start:
        return [
            RuleViolation(
                ErrorCode.DATES_OUT_OF_ORDER,
                f"The group contract starts on {group_coverage_start}, after the plan year does.",
                ("coverageStart",),
            )
        ]
    # A division whose contract ended earlier has nobody left to cover, unless all divisions' contracts did.
    under_contract = [
        contract for contract in contracts if (contract.coverage_end or date.max) >= dates.coverage_start
    ] or contracts
    ends = [contract.coverage_end for contract in under_contract if contract.coverage_end is not None]
    if ends and min(ends) < dates.coverage_end:
        return [
            RuleViolation(
                ErrorCode.DATES_OUT_OF_ORDER,
                f"The group contract of a division ends on {min(ends)}, before the plan year does.",
                ("coverageEnd",),
            )
        ]
    return await _check_only_contract(tx, employer_id, group_id, group_coverage_start, dates, except_id)


async def _check_only_contract(
    tx: Transaction,
    employer_id: str,
    group_id: str,
    group_coverage_start: date,
    dates: PlanYearDates,
    except_id: str | None,
) -> list[RuleViolation]:
    coverage = _coverage_span(dates)
    if coverage is None:
        return []
    other = await store.plan_years.find_under_another_contract(
        tx, employer_id, group_id, group_coverage_start, coverage, except_id=except_id
    )
    if other is None:
        return []
    message = f"Overlaps another plan year of this employer, {other}, under another contract of this group."
    return [RuleViolation(ErrorCode.PLAN_YEAR_OVERLAP, message, ("groupCoverageStart",))]


# --------------------------------------------------------------------------------------------------------- writing


async def load_carrier_plans(tx: Transaction, benefit_product_id: str) -> list[PlanTerms]:
    """Return the terms of a product's carrier plans that are not retired, in catalog order."""
    plans = (await store.catalog.carrier_plans_of(tx, [benefit_product_id]))[benefit_product_id]
    rates = await store.catalog.rates_of(tx, [plan.id for plan in plans])
    return [plan_terms(plan, rates[plan.id]) for plan in plans]


async def load_retired_ids(tx: Transaction, benefit_product_id: str) -> set[str]:
    """Return the carrier plan IDs of a product's retired plans."""
    plans = (await store.catalog.retired_carrier_plans_of(tx, [benefit_product_id]))[benefit_product_id]
    return {plan.carrier_plan_id for plan in plans}


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
