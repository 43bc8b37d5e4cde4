"""Mutations of billing: premium invoices, the payments on them, and what they pay for."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.context import Info
from benegraph.graphql.mutations.inputs import EXPECTED_VERSION, IDEMPOTENCY_KEY, THE_INPUT, optional, present
from benegraph.graphql.mutations.perform import Result, UserError, check_not_cleared, perform, user_errors
from benegraph.graphql.types.billing import PremiumInvoice, PremiumPayment, TenantSettings
from benegraph.graphql.types.coverage import (
    DIVISION_ID_DESCRIPTION,
    GROUP_ID_DESCRIPTION,
    SUBSCRIBER_ID_DESCRIPTION,
    SubscriberEnrollment,
)
from benegraph.graphql.types.fields import derived, to_one
from benegraph.graphql.types.scalars import Cents
from benegraph.services import billing


@strawberry.input(description="What a group's division, or one subscriber in it, is billed for some days.")
class RecordPremiumInvoiceInput:
    group_id: str = strawberry.field(description=GROUP_ID_DESCRIPTION)
    division_id: str = strawberry.field(description=DIVISION_ID_DESCRIPTION)
    subscriber_id: str | None = optional(f"{SUBSCRIBER_ID_DESCRIPTION} Left out, the whole division is billed.")
    bill_from: date = strawberry.field(description="The first day it is for.")
    bill_through: date = strawberry.field(description="The last day it is for, inclusive.")
    due_date: date = strawberry.field(description="The day by which it is to be paid.")
    amount_cents: Cents = strawberry.field(description="How much is billed.")
    idempotency_key: str | None = IDEMPOTENCY_KEY()

    def bill(self) -> billing.NewInvoice:
        return billing.NewInvoice(
            self.group_id,
            self.division_id,
            present(self.subscriber_id),
            self.bill_from,
            self.bill_through,
            self.due_date,
            self.amount_cents,
        )


@strawberry.type(description="What came of recordPremiumInvoice.")
class RecordPremiumInvoicePayload:
    invoice: PremiumInvoice | None = to_one(store.billing.by_ids, "invoice_id", "The new invoice.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Which invoice is withdrawn.")
class VoidPremiumInvoiceInput:
    invoice_id: strawberry.ID = strawberry.field(description="The invoice.")
    reason: str | None = optional("Why, for the history.")
    expected_version: int | None = EXPECTED_VERSION()
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of voidPremiumInvoice.")
class VoidPremiumInvoicePayload:
    invoice: PremiumInvoice | None = to_one(store.billing.by_ids, "invoice_id", "The invoice, void.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Money received on an invoice: all of it, a part, or too much.")
class RecordPremiumPaymentInput:
    invoice_id: strawberry.ID = strawberry.field(description="The invoice; not a void one.")
    amount_cents: Cents = strawberry.field(description="How much was received; more than nothing.")
    received_on: date = strawberry.field(description="The day it was received; not a later one than today.")
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of recordPremiumPayment.")
class RecordPremiumPaymentPayload:
    invoice: PremiumInvoice | None = to_one(store.billing.by_ids, "invoice_id", "The invoice.")
    payment: PremiumPayment | None = to_one(store.billing.payments_by_ids, "payment_id", "The new payment.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Which payment is taken back.")
class ReversePremiumPaymentInput:
    payment_id: strawberry.ID = strawberry.field(description="The payment.")
    reason: str | None = optional("Why, for the history.")
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of reversePremiumPayment.")
class ReversePremiumPaymentPayload:
    invoice: PremiumInvoice | None = to_one(store.billing.by_ids, "invoice_id", "The invoice that the payment was on.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Whose coverage is to be brought up to date, in which group's division.")
class SetPaidThroughInput:
    subscriber_id: str = strawberry.field(description=SUBSCRIBER_ID_DESCRIPTION)
    group_id: str = strawberry.field(description=GROUP_ID_DESCRIPTION)
    division_id: str = strawberry.field(description=DIVISION_ID_DESCRIPTION)
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="Through which day a coverage of record is paid.")
class PaidThroughResult:
    subscriber_enrollment: SubscriberEnrollment = to_one(
        store.coverage.by_ids, "subscriber_enrollment_id", "The coverage of record, as it stands now."
    )
    paid_through: date | None = strawberry.field(description="The last day that was found paid; null where no day was.")
    invoice: PremiumInvoice | None = to_one(
        store.billing.by_ids, "invoice_id", "The last paid invoice that the date rests on."
    )


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a coverage was found paid, as it was kept."""

    subscriber_enrollment_id: str
    paid_through: date | None
    invoice_id: str | None


def _reached(done: Any) -> list[Reached] | None:
    if done.results is None:
        return None
    return [Reached(id, date.fromisoformat(day) if day else None, invoice) for id, day, invoice in done.results]


@strawberry.type(description="What came of setPaidThrough.")
class SetPaidThroughPayload:
    results: list[PaidThroughResult] | None = derived(
        _reached, "Each coverage of the subscriber there, in the order of their starts."
    )
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="What changes of the tenant's settings. A field left out stays as it is.")
class UpdateTenantSettingsInput:
    auto_paid_through: bool | None = optional(
        "Whether a payment, an invoice, or taking one back brings `paidThrough` up to date at once, from now on."
    )
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of updateTenantSettings.")
class UpdateTenantSettingsPayload:
    tenant_settings: TenantSettings | None = to_one(store.access.tenants, "tenant_id", "The tenant's settings.")
    user_errors: list[UserError] = user_errors()


@strawberry.type
class BillingMutation:
    @strawberry.mutation(
        description=(
            "Reckon through which day each coverage of a subscriber in a group's division is paid, and write it down."
            " For administrators, and services that may."
        )
    )
    async def set_paid_through(
        self, info: Info, input: Annotated[SetPaidThroughInput, THE_INPUT]
    ) -> SetPaidThroughPayload:
        async def story(tx: Transaction) -> Result:
            reached = await billing.set_paid_through(tx, input.subscriber_id, input.group_id, input.division_id)
            return {
                "results": [
                    [
                        each.subscriber_enrollment_id,
                        each.paid_through.isoformat() if each.paid_through else None,
                        each.invoice_id,
                    ]
                    for each in reached
                ]
            }

        done: SetPaidThroughPayload = await perform(info, Action.SET_PAID_THROUGH, input, story)
        return done

    @strawberry.mutation(
        description="Write down a bill to a group's division, or to one subscriber. For administrators, and services."
    )
    async def record_premium_invoice(
        self, info: Info, input: Annotated[RecordPremiumInvoiceInput, THE_INPUT]
    ) -> RecordPremiumInvoicePayload:
        async def story(tx: Transaction) -> Result:
            return {"invoice_id": await billing.record_invoice(tx, input.bill())}

        done: RecordPremiumInvoicePayload = await perform(info, Action.RECORD_PREMIUM_INVOICE, input, story)
        return done

    @strawberry.mutation(
        description="Withdraw an invoice, whatever was paid on it. For administrators, and services that may."
    )
    async def void_premium_invoice(
        self, info: Info, input: Annotated[VoidPremiumInvoiceInput, THE_INPUT]
    ) -> VoidPremiumInvoicePayload:
        async def story(tx: Transaction) -> Result:
            await billing.void_invoice(tx, input.invoice_id, present(input.reason), present(input.expected_version))
            return {"invoice_id": input.invoice_id}

        done: VoidPremiumInvoicePayload = await perform(info, Action.VOID_PREMIUM_INVOICE, input, story)
        return done

    @strawberry.mutation(
        description="Write down money received on an invoice. For administrators, and services that may."
    )
    async def record_premium_payment(
        self, info: Info, input: Annotated[RecordPremiumPaymentInput, THE_INPUT]
    ) -> RecordPremiumPaymentPayload:
        async def story(tx: Transaction) -> Result:
            id = await billing.record_payment(tx, input.invoice_id, input.amount_cents, input.received_on)
            return {"invoice_id": input.invoice_id, "payment_id": id}

        done: RecordPremiumPaymentPayload = await perform(info, Action.RECORD_PREMIUM_PAYMENT, input, story)
        return done

    @strawberry.mutation(description="Take a payment back. For administrators, and services that may.")
    async def reverse_premium_payment(
        self, info: Info, input: Annotated[ReversePremiumPaymentInput, THE_INPUT]
    ) -> ReversePremiumPaymentPayload:
        async def story(tx: Transaction) -> Result:
            return {"invoice_id": await billing.reverse_payment(tx, input.payment_id, present(input.reason))}

        done: ReversePremiumPaymentPayload = await perform(info, Action.REVERSE_PREMIUM_PAYMENT, input, story)
        return done

    @strawberry.mutation(description="Change the tenant's settings. For administrators, and services that may.")
    async def update_tenant_settings(
        self, info: Info, input: Annotated[UpdateTenantSettingsInput, THE_INPUT]
    ) -> UpdateTenantSettingsPayload:
        async def story(tx: Transaction) -> Result:
            check_not_cleared(input, "auto_paid_through")
            if present(input.auto_paid_through) is not None:
                await billing.set_auto_paid_through(tx, bool(input.auto_paid_through))
            return {"tenant_id": tx.viewer.tenant_id}

        done: UpdateTenantSettingsPayload = await perform(info, Action.UPDATE_TENANT_SETTINGS, input, story)
        return done
