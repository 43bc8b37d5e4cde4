"""The carrier's side of a busy office: what its mutations refer to, and a good input for each of them."""

from datetime import date
from typing import Any

from graphql_requests import fetch_data

from benegraph.db.session import Database
from factories.billing import make_invoice, read_invoice
from factories.coverage import DIVISION, GROUP, coverage_key, make_contract, make_coverage, make_subscriber
from factories.office import Office, create_office

Input = dict[str, Any]

#: The mutations of the carrier's side, once more by hand.
CARRIERS = {
    "createSubscriber",
    "createGroupContract",
    "createSubscriberEnrollment",
    "updateSubscriberEnrollment",
    "deleteSubscriberEnrollment",
    "upsertSubscriberEnrollments",
    "setPaidThrough",
    "recordPremiumInvoice",
    "voidPremiumInvoice",
    "recordPremiumPayment",
    "reversePremiumPayment",
    "updateTenantSettings",
}
#: Whom the carrier knows: one who is covered, and one who is nobody's employee yet.
COVERED, FREE = "S-1", "S-FREE"
FIELDS: Input = {
    "endDate": "2027-12-31",
    "annualMaxCents": 150_000,
    "lifetimeMaxCents": 1_000_000,
    "dateEmployed": "2020-01-06",
    "eligibilityDate": "2020-02-01",
    "originalEnrollmentDate": "2019-01-01",
    "paidThrough": "2027-01-31",
    "policyNumber": "P-100",
    "termDate": "2027-12-31",
}


def key(start: str, subscriber: str = COVERED) -> Input:
    return {
        "subscriberId": subscriber,
        "groupId": GROUP,
        "divisionId": DIVISION,
        "groupCoverageStart": "2020-01-01",
        "startDate": start,
    }


WHERE = {"groupId": GROUP, "divisionId": DIVISION}
SEEN = """
query($key: SubscriberEnrollmentKey!) { subscriberEnrollment(key: $key) {
    subscriberId groupId divisionId groupCoverageStart startDate endDate annualMaxCents lifetimeMaxCents dateEmployed
    eligibilityDate originalEnrollmentDate paidThrough policyNumber termDate entryUser updateUser entryDate updateDate
    version subscriber { subscriberId firstName } groupContract { groupId policyNumber } enrollments { id }
} }
"""


async def covered_office(database: Database) -> Office:
    """Open an office whose group has a contract and ten subscribers, S-0 to S-9; S-1 is covered in 2026."""
    office = await create_office(database)
    await make_contract(office, coverage_end=date(2027, 12, 31))
    for number in range(10):
        await make_subscriber(office, f"S-{number}")
    await make_coverage(
        office, coverage_key(date(2026, 1, 1), COVERED), end_date=date(2026, 12, 31), policy_number="P-1"
    )
    return office


async def seen(office: Office, named: Input) -> Any:
    """Read a coverage by its key, as the graph shows it."""
    data = await fetch_data(office.database, office.clock(), office.viewer, SEEN, key=named)
    return data["subscriberEnrollment"]


async def set_up_carrier(office: Office) -> dict[str, str]:
    """Make a contract, two subscribers, a coverage, and two invoices of which one is paid; give the ids."""
    await make_contract(office)
    for number in (COVERED, FREE):
        await make_subscriber(office, number)
    await make_coverage(office, coverage_key(date(2026, 1, 1), COVERED), end_date=date(2026, 12, 31))
    paid = await make_invoice(office, 1, paid_cents=10_000)
    assert (await read_invoice(office, paid)).status == "PAID"
    payments = (await office.read_all_rows())["premium_payments"]
    return {
        "open": await make_invoice(office, 2),
        "payment": next(id for id, row in payments.items() if row["invoice_id"] == paid),
    }


def carriers_inputs(ids: dict[str, str]) -> dict[str, Input]:
    of_last_year = key("2026-01-01")
    return {
        "createSubscriber": {
            "subscriberId": "S-NEW",
            "firstName": "Ada",
            "lastName": "Adams",
            "employeeId": ids["ada"],
        },
        "createGroupContract": {
            "groupId": "G200",
            "divisionId": "D2",
            "coverageStart": "2027-01-01",
            "coverageEnd": "2027-12-31",
            "employerId": ids["employerId"],
            "policyNumber": "P-200",
        },
        "createSubscriberEnrollment": {"key": key("2027-01-01"), "fields": FIELDS},
        "updateSubscriberEnrollment": {
            "key": of_last_year,
            "fields": FIELDS | {"endDate": "2026-11-30"},
            "expectedVersion": 1,
        },
        "deleteSubscriberEnrollment": {"key": of_last_year, "expectedVersion": 1},
        "upsertSubscriberEnrollments": {"enrollments": [{"key": key("2027-01-01"), "fields": FIELDS}]},
        "setPaidThrough": {"subscriberId": COVERED, "groupId": GROUP, "divisionId": DIVISION},
        "recordPremiumInvoice": {
            "groupId": GROUP,
            "divisionId": DIVISION,
            "subscriberId": COVERED,
            "billFrom": "2026-03-01",
            "billThrough": "2026-03-31",
            "dueDate": "2026-03-10",
            "amountCents": 10_000,
        },
        "voidPremiumInvoice": {"invoiceId": ids["open"], "reason": "Billed twice.", "expectedVersion": 1},
        "recordPremiumPayment": {"invoiceId": ids["open"], "amountCents": 10_000, "receivedOn": "2026-11-19"},
        "reversePremiumPayment": {"paymentId": ids["payment"], "reason": "Bounced."},
        "updateTenantSettings": {"autoPaidThrough": True},
    }
