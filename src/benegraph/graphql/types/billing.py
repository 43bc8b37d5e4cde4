"""Billing in GraphQL: premium invoices, their payments, and the tenant's settings."""

from datetime import date

import strawberry

from benegraph.db import store
from benegraph.graphql.context import Context
from benegraph.graphql.types.enums import InvoiceStatus
from benegraph.graphql.types.fields import FilterArgument, ListFilter, to_many
from benegraph.graphql.types.node import VERSION_DESCRIPTION, Node, NodeRef, lookup
from benegraph.graphql.types.scalars import Cents

INVOICE_STATUS_FILTER = ListFilter(
    (FilterArgument("status", InvoiceStatus, "Return only invoices with this status."),), store.billing.InvoiceFilter
)


@strawberry.type(description="A payment received on a premium invoice.")
class PremiumPayment(Node):
    amount_cents: Cents = strawberry.field(description="The amount received, in cents.")
    received_on: date = strawberry.field(description="The day on which the payment was received.")
    reversed: bool = strawberry.field(
        description="Whether the payment was reversed. A reversed payment doesn't count as paid."
    )


@strawberry.type(
    description="A premium invoice for a period of coverage, for a group's division or for one subscriber in it."
)
class PremiumInvoice(Node):
    group_id: str = strawberry.field(description="The carrier's group code.")
    division_id: str = strawberry.field(description="The carrier's code of the division within the group.")
    subscriber_id: str | None = strawberry.field(
        description="The carrier's subscriber number; null if the whole division is billed."
    )
    bill_from: date = strawberry.field(description="The first day of the billed period.")
    bill_through: date = strawberry.field(description="The last day of the billed period, inclusive.")
    due_date: date = strawberry.field(description="The day by which the invoice is due.")
    amount_cents: Cents = strawberry.field(description="The amount billed, in cents.")
    paid_cents: Cents = strawberry.field(description="The sum of all payments that were not reversed, in cents.")
    balance_cents: Cents = strawberry.field(
        description=(
            "The amount that is still to be paid, in cents: the amount less what was paid, negative if more was paid;"
            " 0 if the invoice is void."
        )
    )
    status: InvoiceStatus = strawberry.field(
        description="The status, derived from the payments; VOID if the invoice was withdrawn."
    )
    payments: list[PremiumPayment] = to_many(
        store.billing.payments_of, "id", "All payments on this invoice, oldest first, including reversed ones."
    )
    version: int = strawberry.field(description=VERSION_DESCRIPTION)


AUTO_PAID_THROUGH_DESCRIPTION = (
    "Whether recording or voiding an invoice, or recording or reversing a payment, updates `paidThrough` of the"
    " affected coverage."
)


@strawberry.type(description="The settings of a tenant.")
class TenantSettings:
    auto_paid_through: bool = strawberry.field(
        description=f"{AUTO_PAID_THROUGH_DESCRIPTION} Otherwise the mutation `setPaidThrough` updates it."
    )


def _find_tenant_settings(context: Context) -> NodeRef | None:
    tenant_id = context.viewer.administered_tenant_id
    return None if tenant_id is None else NodeRef("TenantSettings", store.access.tenants, tenant_id)


@strawberry.type
class BillingQuery:
    tenant_settings: TenantSettings | None = lookup(
        {"TenantSettings": store.access.tenants},
        _find_tenant_settings,
        "The settings of the viewer's tenant; null unless the viewer is an administrator.",
        deprecation_reason="Use `Viewer.tenantSettings`, which has the same value.",
    )
