"""Billing in the graph: premium invoices, the payments on them, and the tenant's settings for them."""

from datetime import date

import strawberry

from benegraph.db import store
from benegraph.domain.access import Role
from benegraph.graphql.context import Context
from benegraph.graphql.types.enums import InvoiceStatus
from benegraph.graphql.types.fields import to_many
from benegraph.graphql.types.node import Node, NodeRef, lookup
from benegraph.graphql.types.scalars import Cents


@strawberry.type(description="Money received on a premium invoice.")
class PremiumPayment(Node):
    amount_cents: Cents = strawberry.field(description="How much was received.")
    received_on: date = strawberry.field(description="The day it was received.")
    reversed: bool = strawberry.field(description="Whether it was taken back, and counts no more.")


@strawberry.type(description="A bill to a group's division, or to one subscriber in it, for some days of coverage.")
class PremiumInvoice(Node):
    group_id: str = strawberry.field(description="The carrier's code of the group.")
    division_id: str = strawberry.field(description="The carrier's code of the group's division.")
    subscriber_id: str | None = strawberry.field(
        description="The carrier's number of the subscriber; null where the whole division is billed."
    )
    bill_from: date = strawberry.field(description="The first day it is for.")
    bill_through: date = strawberry.field(description="The last day it is for, inclusive.")
    due_date: date = strawberry.field(description="The day by which it is to be paid.")
    amount_cents: Cents = strawberry.field(description="How much is billed.")
    paid_cents: Cents = strawberry.field(description="How much is paid: all payments that were not reversed.")
    status: InvoiceStatus = strawberry.field(description="Where it stands.")
    payments: list[PremiumPayment] = to_many(
        store.billing.payments_of, "id", "The payments on it, oldest first, the reversed ones too."
    )
    version: int = strawberry.field(description="Counts the changes: pass it as `expectedVersion`.")


@strawberry.type(description="How the gateway keeps the books of a tenant.")
class TenantSettings:
    auto_paid_through: bool = strawberry.field(
        description="Whether a payment, an invoice, or taking one back brings `paidThrough` up to date at once."
    )


def _settings(context: Context) -> NodeRef | None:
    viewer = context.viewer
    if viewer.role is not Role.ADMINISTRATOR:
        return None
    return NodeRef("TenantSettings", store.access.tenants, viewer.tenant_id)


@strawberry.type
class BillingQuery:
    tenant_settings: TenantSettings | None = lookup(
        {"TenantSettings": store.access.tenants},
        _settings,
        "The tenant's settings; null for everyone but administrators.",
    )
