"""Rows of the carrier's side: group contracts, subscribers, coverages of record, invoices, payments."""

from datetime import date, datetime
from typing import Any

from benegraph.db.models import GroupContract, PremiumInvoice, PremiumPayment, Subscriber, SubscriberEnrollment
from benegraph.db.session import Database
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import Clock
from factories.access import TENANT, insert
from factories.people import read_employer_id

GROUP, DIVISION = "G100", "D1"
CONTRACT_START = date(2020, 1, 1)


async def make_contract_row(
    database: Database,
    clock: Clock,
    *,
    tenant: str = TENANT,
    employer: str | None = None,
    group_id: str = GROUP,
    division_id: str = DIVISION,
    coverage_start: date = CONTRACT_START,
    coverage_end: date | None = None,
    policy_number: str | None = None,
) -> str:
    """Insert a group contract, by default without an employer."""
    row = {
        "employer_id": employer,
        "group_id": group_id,
        "division_id": division_id,
        "coverage_start": coverage_start,
        "coverage_end": coverage_end,
        "policy_number": policy_number,
    }
    (id,) = await insert(database, clock, tenant, GroupContract, row, prefix=IdPrefix.GROUP_CONTRACT)
    return id


async def make_subscriber_row(
    database: Database,
    clock: Clock,
    number: str,
    *,
    tenant: str = TENANT,
    employee: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
) -> str:
    """Insert a subscriber, by default not linked to an employee."""
    row = {
        "subscriber_id": number,
        "employer_id": await read_employer_id(database, clock, tenant, employee) if employee else None,
        "employee_id": employee,
        "first_name": first_name,
        "last_name": last_name,
    }
    (id,) = await insert(database, clock, tenant, Subscriber, row, prefix=IdPrefix.SUBSCRIBER)
    return id


def coverage_row(clock: Clock, number: str, **columns: Any) -> dict[str, Any]:
    """Return the row of an open-ended coverage from 2026, not linked to an employee, with all optional columns null."""
    return {
        "employer_id": None,
        "employee_id": None,
        "subscriber_id": number,
        "group_id": GROUP,
        "division_id": DIVISION,
        "group_coverage_start": CONTRACT_START,
        "start_date": date(2026, 1, 1),
        "end_date": None,
        "annual_max_cents": None,
        "lifetime_max_cents": None,
        "date_employed": None,
        "eligibility_date": None,
        "original_enrollment_date": None,
        "paid_through": None,
        "policy_number": None,
        "term_date": None,
        "entry_user": "akey_1",
        "update_user": "akey_1",
        "created_at": clock.now,
        "updated_at": clock.now,
        **columns,
    }


async def make_coverage_rows(
    database: Database, clock: Clock, *rows: dict[str, Any], tenant: str = TENANT
) -> list[str]:
    """Insert coverages of record from rows of `coverage_row`."""
    return await insert(database, clock, tenant, SubscriberEnrollment, *rows, prefix=IdPrefix.SUBSCRIBER_ENROLLMENT)


async def make_invoice_row(
    database: Database,
    clock: Clock,
    *,
    tenant: str = TENANT,
    employer: str | None = None,
    number: str | None = None,
    group_id: str = GROUP,
    division_id: str = DIVISION,
    billed: tuple[date, date] = (date(2026, 1, 1), date(2026, 1, 31)),
    due_date: date = date(2026, 1, 10),
    amount_cents: int = 10_000,
    voided_at: datetime | None = None,
) -> str:
    """Insert an invoice for a group's division or one subscriber, by default for January 2026."""
    row = {
        "employer_id": employer,
        "group_id": group_id,
        "division_id": division_id,
        "subscriber_id": number,
        "bill_from": billed[0],
        "bill_through": billed[1],
        "due_date": due_date,
        "amount_cents": amount_cents,
        "voided_at": voided_at,
        "void_reason": None,
    }
    (id,) = await insert(database, clock, tenant, PremiumInvoice, row, prefix=IdPrefix.PREMIUM_INVOICE)
    return id


async def make_payment_row(
    database: Database,
    clock: Clock,
    invoice: str,
    *,
    tenant: str = TENANT,
    employer: str | None = None,
    amount_cents: int = 10_000,
    received_on: date = date(2026, 1, 9),
    reversed_at: datetime | None = None,
) -> str:
    """Insert a payment on an invoice."""
    row = {
        "employer_id": employer,
        "invoice_id": invoice,
        "amount_cents": amount_cents,
        "received_on": received_on,
        "reversed_at": reversed_at,
        "reversal_reason": None,
    }
    (id,) = await insert(database, clock, tenant, PremiumPayment, row, prefix=IdPrefix.PREMIUM_PAYMENT)
    return id
