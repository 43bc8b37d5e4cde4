"""Mutations of billing: premium invoices, payments, paid-through dates, and the tenant's settings."""

from datetime import date

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.mutations.inputs import (
    FOR_ADMINISTRATORS,
    REASON_DESCRIPTION,
    MutationInput,
    VersionedInput,
    check_not_null,
    mutation_input,
    optional,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import MutationResult, ResultData, mutation_payload
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.billing import (
    AUTO_PAID_THROUGH_DESCRIPTION,
    PremiumInvoice,
    PremiumPayment,
    TenantSettings,
)
from benegraph.graphql.types.coverage import (
    DIVISION_ID_DESCRIPTION,
    GROUP_ID_DESCRIPTION,
    SUBSCRIBER_ID_DESCRIPTION,
    SubscriberEnrollment,
)
from benegraph.graphql.types.fields import computed, to_one
from benegraph.graphql.types.scalars import Cents
from benegraph.services import billing
from benegraph.services.coverage.paid_through import CoveragePaidThrough


@mutation_input("A premium invoice for a group's division, or for one subscriber in it.")
class RecordPremiumInvoiceInput(MutationInput):
    group_id: str = required(GROUP_ID_DESCRIPTION)
    division_id: str = required(DIVISION_ID_DESCRIPTION)
    subscriber_id: str | None = optional(f"{SUBSCRIBER_ID_DESCRIPTION} If left out, the whole division is billed.")
    bill_from: date = required("The first day of the billed period.")
    bill_through: date = required("The last day of the billed period, inclusive.")
    due_date: date = required("The day by which the invoice is due.")
    amount_cents: Cents = required("The amount billed, in cents.")

    def to_new_invoice(self) -> billing.NewInvoice:
        return billing.NewInvoice(
            self.group_id,
            self.division_id,
            value_or_none(self.subscriber_id),
            self.bill_from,
            self.bill_through,
            self.due_date,
            self.amount_cents,
        )


@mutation_payload
class RecordPremiumInvoicePayload:
    invoice: PremiumInvoice | None = to_one(store.billing.by_ids, "invoice_id", "The new invoice.")


@mutation_input("The invoice to void.")
class VoidPremiumInvoiceInput(VersionedInput):
    invoice_id: strawberry.ID = required("The invoice.")
    reason: str | None = optional(REASON_DESCRIPTION)


@mutation_payload
class VoidPremiumInvoicePayload:
    invoice: PremiumInvoice | None = to_one(store.billing.by_ids, "invoice_id", "The voided invoice.")


@mutation_input("A payment on an invoice: the full amount, a part of it, or more.")
class RecordPremiumPaymentInput(MutationInput):
    invoice_id: strawberry.ID = required("The invoice, which must not be void.")
    amount_cents: Cents = required("The amount received, in cents; greater than 0.")
    received_on: date = required("The day on which the payment was received; not after today.")


@mutation_payload
class RecordPremiumPaymentPayload:
    invoice: PremiumInvoice | None = to_one(
        store.billing.by_ids, "invoice_id", "The invoice that the payment was recorded on."
    )
    payment: PremiumPayment | None = to_one(store.billing.payments_by_ids, "payment_id", "The new payment.")


@mutation_input("The payment to reverse.")
class ReversePremiumPaymentInput(MutationInput):
    payment_id: strawberry.ID = required("The payment.")
    reason: str | None = optional(REASON_DESCRIPTION)


@mutation_payload
class ReversePremiumPaymentPayload:
    invoice: PremiumInvoice | None = to_one(store.billing.by_ids, "invoice_id", "The invoice of the reversed payment.")


@mutation_input("The subscriber whose paid-through dates are computed, and the group's division.")
class SetPaidThroughInput(MutationInput):
    subscriber_id: str = required(SUBSCRIBER_ID_DESCRIPTION)
    group_id: str = required(GROUP_ID_DESCRIPTION)
    division_id: str = required(DIVISION_ID_DESCRIPTION)


@strawberry.type(description="The computed paid-through date of one coverage of record.")
class PaidThroughResult:
    subscriber_enrollment: SubscriberEnrollment = to_one(
        store.coverage.by_ids, "subscriber_enrollment_id", "The coverage of record, in its current state."
    )
    paid_through: date | None = strawberry.field(description="The last paid day, inclusive; null if no day is paid.")
    invoice: PremiumInvoice | None = to_one(
        store.billing.by_ids, "invoice_id", "The paid invoice that covers that day; null if no day is paid."
    )


def _read_paid_through(result: MutationResult) -> list[CoveragePaidThrough] | None:
    """Rebuild the results from the form in which the idempotency record stores them."""
    if result.results is None:
        return None
    return [
        CoveragePaidThrough(id, date.fromisoformat(day) if day else None, invoice_id)
        for id, day, invoice_id in result.results
    ]


@mutation_payload
class SetPaidThroughPayload:
    results: list[PaidThroughResult] | None = computed(
        _read_paid_through, "The subscriber's coverages in the division, ordered by start date."
    )


@mutation_input("Changes to the tenant's settings. A field that is left out keeps its value.")
class UpdateTenantSettingsInput(MutationInput):
    auto_paid_through: bool | None = optional(
        f"{AUTO_PAID_THROUGH_DESCRIPTION} Present values of `paidThrough` don't change."
    )


@mutation_payload
class UpdateTenantSettingsPayload:
    tenant_settings: TenantSettings | None = to_one(store.access.tenants, "tenant_id", "The tenant's settings.")


@mutation(
    Action.SET_PAID_THROUGH,
    SetPaidThroughPayload,
    "Compute and store the paid-through date of each coverage of a subscriber in a group's division."
    f" {FOR_ADMINISTRATORS}",
)
async def set_paid_through(tx: Transaction, input: SetPaidThroughInput) -> ResultData:
    coverages = await billing.set_paid_through(tx, input.subscriber_id, input.group_id, input.division_id)
    return {
        "results": [
            [
                coverage.subscriber_enrollment_id,
                coverage.paid_through.isoformat() if coverage.paid_through else None,
                coverage.invoice_id,
            ]
            for coverage in coverages
        ]
    }


@mutation(
    Action.RECORD_PREMIUM_INVOICE,
    RecordPremiumInvoicePayload,
    f"Record a premium invoice for a group's division or for one subscriber. {FOR_ADMINISTRATORS}",
)
async def record_premium_invoice(tx: Transaction, input: RecordPremiumInvoiceInput) -> ResultData:
    return {"invoice_id": await billing.record_invoice(tx, input.to_new_invoice())}


@mutation(
    Action.VOID_PREMIUM_INVOICE,
    VoidPremiumInvoicePayload,
    f"Void an invoice, whether or not payments were recorded on it. {FOR_ADMINISTRATORS}",
)
async def void_premium_invoice(tx: Transaction, input: VoidPremiumInvoiceInput) -> ResultData:
    await billing.void_invoice(tx, input.invoice_id, value_or_none(input.reason), value_or_none(input.expected_version))
    return {"invoice_id": input.invoice_id}


@mutation(
    Action.RECORD_PREMIUM_PAYMENT,
    RecordPremiumPaymentPayload,
    f"Record a payment on an invoice. {FOR_ADMINISTRATORS}",
)
async def record_premium_payment(tx: Transaction, input: RecordPremiumPaymentInput) -> ResultData:
    payment_id = await billing.record_payment(tx, input.invoice_id, input.amount_cents, input.received_on)
    return {"invoice_id": input.invoice_id, "payment_id": payment_id}


@mutation(Action.REVERSE_PREMIUM_PAYMENT, ReversePremiumPaymentPayload, f"Reverse a payment. {FOR_ADMINISTRATORS}")
async def reverse_premium_payment(tx: Transaction, input: ReversePremiumPaymentInput) -> ResultData:
    return {"invoice_id": await billing.reverse_payment(tx, input.payment_id, value_or_none(input.reason))}


@mutation(
    Action.UPDATE_TENANT_SETTINGS,
    UpdateTenantSettingsPayload,
    f"Change the tenant's settings. {FOR_ADMINISTRATORS}",
)
async def update_tenant_settings(tx: Transaction, input: UpdateTenantSettingsInput) -> ResultData:
    check_not_null(input, "auto_paid_through")
    if value_or_none(input.auto_paid_through) is not None:
        await billing.set_auto_paid_through(tx, bool(input.auto_paid_through))
    return {"tenant_id": tx.viewer.tenant_id}
