"""Rows of the carrier's side, written past the services: contracts, subscribers, coverage, invoices, payments."""

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
    """Make a contract; of no employer known here, by default."""
    row = {
        "employer_id": employer,
        "group_id": group_id,
        "division_id": division_id,
        "coverage_start": coverage_start,
        "coverage_end": coverage_end,
        "policy_number": policy_number,
    }
    (id,) = await insert(database, clock, tenant, GroupContract, row, kind=IdPrefix.GROUP_CONTRACT)
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
    """Make a subscriber; nobody's employee, by default."""
    row = {
        "subscriber_id": number,
        "employer_id": await read_employer_id(database, clock, tenant, employee) if employee else None,
        "employee_id": employee,
        "first_name": first_name,
        "last_name": last_name,
    }
    (id,) = await insert(database, clock, tenant, Subscriber, row, kind=IdPrefix.SUBSCRIBER)
    return id


def coverage_row(clock: Clock, number: str, **columns: Any) -> dict[str, Any]:
    """Give the row of a coverage: of 2026 and without an end, of nobody known here, and nothing told of it."""
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
    """Make coverage of record of rows as `coverage_row` gives them."""
    return await insert(database, clock, tenant, SubscriberEnrollment, *rows, kind=IdPrefix.SUBSCRIBER_ENROLLMENT)


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
    """Make an invoice to a group's division, or to the subscriber of a number: of January 2026, by default."""
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
    (id,) = await insert(database, clock, tenant, PremiumInvoice, row, kind=IdPrefix.PREMIUM_INVOICE)
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
    """Make a payment on an invoice."""
    row = {
        "employer_id": employer,
        "invoice_id": invoice,
        "amount_cents": amount_cents,
        "received_on": received_on,
        "reversed_at": reversed_at,
        "reversal_reason": None,
    }
    (id,) = await insert(database, clock, tenant, PremiumPayment, row, kind=IdPrefix.PREMIUM_PAYMENT)
    return id
