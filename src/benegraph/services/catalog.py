"""The product catalog: benefit products and their carrier plans are added, changed and retired.

Plan years hold copies of carrier plans, so nothing here changes a price or a rate that is offered or elected already.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from benegraph.db import store
from benegraph.db.models import BenefitProduct, CarrierPlan, CarrierPlanRate
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import insert_rows
from benegraph.domain.access import require_tenant_wide
from benegraph.domain.catalog import (
    PlanTerms,
    ProductCategory,
    TierRate,
    check_plan,
    check_plans,
    check_product,
    check_product_active,
    check_revision,
    revise_plan,
)
from benegraph.domain.checks import MAX_REASON_LENGTH, check_id, check_text, check_version
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix


def plan_columns(plan: PlanTerms) -> dict[str, Any]:
    """Return the columns that `carrier_plans` and `plans` have in common, for these plan terms."""
    return {
        "carrier_plan_id": plan.carrier_plan_id,
        "name": plan.name,
        "tier": plan.tier,
        "monthly_premium_cents": plan.monthly_premium_cents,
        "deductible_cents": plan.deductible_cents,
        "out_of_pocket_max_cents": plan.out_of_pocket_max_cents,
    }


def plan_terms(plan: Any, rates: Sequence[Any]) -> PlanTerms:
    """Return the terms of a row of `carrier_plans` or `plans` with the rows of its rates."""
    return PlanTerms(
        plan.carrier_plan_id,
        plan.name,
        plan.tier,
        plan.monthly_premium_cents,
        plan.deductible_cents,
        plan.out_of_pocket_max_cents,
        tuple(TierRate(rate.coverage_tier, rate.monthly_premium_cents) for rate in rates),
    )


# --------------------------------------------------------------------------------------------------- products


async def add_product(
    tx: Transaction,
    name: str,
    category: ProductCategory,
    carrier_name: str | None,
    plans: Sequence[PlanTerms],
    payer_id: str | None = None,
) -> str:
    """Add a benefit product with its carrier plans, and return its ID. Raises Refused."""
    raise_if_any([*check_product(name, carrier_name, payer_id), *check_plans(plans)])
    id = tx.new_id(IdPrefix.BENEFIT_PRODUCT)
    product = {
        "id": id,
        "name": name,
        "category": category,
        "carrier_name": carrier_name,
        "payer_id": payer_id,
        "active": True,
    }
    await store.history.insert_with_events(tx, BenefitProduct, [product], "CREATED")
    await _insert_carrier_plans(tx, id, plans)
    return id


async def update_product(tx: Transaction, id: str, changes: Mapping[str, Any], expected_version: int | None) -> None:
    """Change the columns given in `changes`. Raises Refused.

    `active` can only become true: `retire_product` sets it to false.
    """
    require_tenant_wide(tx.viewer)
    product = await _lock_product(tx, id)
    raise_if_any(
        [
            *check_version(expected_version, product.version),
            *check_product(
                changes.get("name", product.name),
                changes.get("carrier_name", product.carrier_name),
                changes.get("payer_id", product.payer_id),
            ),
            *_check_reactivation(changes),
        ]
    )
    for name, value in changes.items():
        setattr(product, name, value)
    await store.history.record_change(tx, product, "UPDATED")


async def retire_product(tx: Transaction, id: str, reason: str | None, expected_version: int | None) -> None:
    """Retire a product: it gets no new plan years, and running ones stay as they are. Raises Refused."""
    require_tenant_wide(tx.viewer)
    product = await _lock_product(tx, id)
    raise_if_any(
        [
            *check_version(expected_version, product.version),
            *check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True),
            *_check_not_retired(product, "benefitProductId"),
        ]
    )
    product.active = False
    await store.history.record_change(tx, product, "RETIRED", reason)


# ---------------------------------------------------------------------------------------------- carrier plans


async def add_carrier_plan(tx: Transaction, product_id: str, plan: PlanTerms, expected_version: int | None) -> str:
    """Add a carrier plan at the end of a product's catalog, and return its ID. Raises Refused.

    `expected_version` is that of the product.
    """
    require_tenant_wide(tx.viewer)
    product = await _lock_product(tx, product_id)
    plans = await store.catalog.list_carrier_plans(tx, product_id)
    violations = [
        *check_version(expected_version, product.version),
        *check_product_active(active=product.active),
        *(violation.prefixed("plan") for violation in check_plan(plan)),
    ]
    if any(other.carrier_plan_id == plan.carrier_plan_id for other in plans):
        message = "The product already has a plan with this carrier plan ID; change that plan instead."
        violations.append(RuleViolation(ErrorCode.ALREADY_EXISTS, message, ("plan", "carrierPlanId")))
    raise_if_any(violations)
    (id,) = await _insert_carrier_plans(
        tx, product_id, [plan], max((other.position for other in plans), default=-1) + 1
    )
    created = {"id": id, "benefit_product_id": product_id, **plan_columns(plan), **_recorded_rates(plan)}
    await store.history.insert_events(tx, [store.history.creation_event(tx, created, "CREATED", None)])
    return id


async def update_carrier_plan(
    tx: Transaction, id: str, changes: Mapping[str, Any], expected_version: int | None
) -> None:
    """Change the terms of a carrier plan that are given in `changes`, for new plan years. Raises Refused.

    `active` can only become true: `retire_carrier_plan` sets it to false.
    """
    require_tenant_wide(tx.viewer)
    plan = await _lock_carrier_plan(tx, id)
    terms = plan_terms(plan, (await store.catalog.rates_of(tx, [id]))[id])
    term_changes = {name: value for name, value in changes.items() if name != "active"}
    raise_if_any(
        [
            *check_version(expected_version, plan.version),
            *check_revision(terms, term_changes),
            *_check_reactivation(changes),
        ]
    )
    revised = revise_plan(terms, term_changes)
    for name, value in (plan_columns(revised) | {"active": changes.get("active", plan.active)}).items():
        setattr(plan, name, value)
    event = store.history.change_event(tx, plan, "UPDATED")
    if set(revised.rates) != set(terms.rates):
        event["before"] |= _recorded_rates(terms)
        event["after"] |= _recorded_rates(revised)
        tx.mark_changed(plan)
        await store.catalog.delete_rates(tx, id)
        await insert_rows(tx, CarrierPlanRate, _rate_rows(id, revised))
    await tx.flush()
    if store.history.has_changes(event):
        await store.history.insert_events(tx, [event])


async def retire_carrier_plan(tx: Transaction, id: str, reason: str | None, expected_version: int | None) -> None:
    """Retire a carrier plan: new plan years are not offered it, and existing ones stay as they are. Raises Refused."""
    require_tenant_wide(tx.viewer)
    plan = await _lock_carrier_plan(tx, id)
    raise_if_any(
        [
            *check_version(expected_version, plan.version),
            *check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True),
            *_check_not_retired(plan, "id"),
        ]
    )
    plan.active = False
    await store.history.record_change(tx, plan, "RETIRED", reason)


# ----------------------------------------------------------------------------------------------- shared steps


async def _lock_product(tx: Transaction, id: str) -> BenefitProduct:
    raise_if_any(check_id(IdPrefix.BENEFIT_PRODUCT, id, "benefitProductId"))
    product = await store.catalog.lock_product(tx, id)
    if product is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No benefit product found with ID {id}.", "benefitProductId")
    return product


async def _lock_carrier_plan(tx: Transaction, id: str) -> CarrierPlan:
    """Lock the product of a carrier plan, which protects all its plans, and return the plan. Raises Refused."""
    raise_if_any(check_id(IdPrefix.CARRIER_PLAN, id, "id"))
    product_id = await store.catalog.product_id_of(tx, id)
    if product_id is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No carrier plan found with ID {id}.", "id")
    await store.catalog.lock_product(tx, product_id)
    return next(plan for plan in await store.catalog.list_carrier_plans(tx, product_id) if plan.id == id)


def _check_not_retired(row: BenefitProduct | CarrierPlan, field: str) -> list[RuleViolation]:
    message = "It is retired already."
    return [] if row.active else [RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, (field,))]


def _check_reactivation(changes: Mapping[str, Any]) -> list[RuleViolation]:
    message = "An update can only set this to true; a retirement sets it to false and records its reason."
    is_retirement = changes.get("active") is False
    return [RuleViolation(ErrorCode.INVALID_INPUT, message, ("active",))] if is_retirement else []


async def _insert_carrier_plans(
    tx: Transaction, product_id: str, plans: Sequence[PlanTerms], first_position: int = 0
) -> list[str]:
    """Insert carrier plans with their rates, and return the IDs of the plans."""
    ids = [tx.new_id(IdPrefix.CARRIER_PLAN) for _ in plans]
    rows = [
        {"id": id, "benefit_product_id": product_id, "position": first_position + index, **plan_columns(plan)}
        for index, (id, plan) in enumerate(zip(ids, plans, strict=True))
    ]
    await insert_rows(tx, CarrierPlan, rows)
    await insert_rows(
        tx, CarrierPlanRate, [row for id, plan in zip(ids, plans, strict=True) for row in _rate_rows(id, plan)]
    )
    return ids


def _rate_rows(carrier_plan_id: str, plan: PlanTerms) -> list[dict[str, Any]]:
    return [
        {
            "carrier_plan_id": carrier_plan_id,
            "coverage_tier": rate.coverage_tier,
            "monthly_premium_cents": rate.monthly_premium_cents,
        }
        for rate in plan.rates
    ]


def _recorded_rates(plan: PlanTerms) -> dict[str, Any]:
    """Return the rates of a plan as a history event stores them: cents by coverage tier."""
    return {"rates": {rate.coverage_tier.value: rate.monthly_premium_cents for rate in plan.rates}}
