"""Inputs for the carrier's mutations: rows for them to refer to, and a valid input for each of them."""

from datetime import date
from typing import Any

from graphql_requests import fetch_data

from benegraph.db.session import Database
from factories.billing import make_invoice, read_invoice
from factories.coverage import DIVISION, GROUP, coverage_key, make_contract, make_coverage, make_subscriber
from factories.office import Office, create_office

Input = dict[str, Any]

#: The names of the carrier's mutations, listed independently of the code.
CARRIER_MUTATIONS = {
    "createSubscriber",
    "updateSubscriber",
    "createGroupContract",
    "updateGroupContract",
    "endGroupContract",
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
#: Two subscriber numbers: one with coverage, and one that is not linked to an employee.
COVERED, UNLINKED = "S-1", "S-FREE"
COVERAGE_FIELDS: Input = {
    "endDate": "2027-12-31",
    "annualMaxCents": 150_000,
    "lifetimeMaxCents": 1_000_000,
    "dateEmployed": "2020-01-06",
    "eligibilityDate": "2020-02-01",
    "originalEnrollmentDate": "2019-01-01",
    "paidThrough": "2026-01-31",
    "policyNumber": "P-100",
    "termDate": "2027-12-31",
}


def key_input(start: str, subscriber: str = COVERED) -> Input:
    return {
        "subscriberId": subscriber,
        "groupId": GROUP,
        "divisionId": DIVISION,
        "groupCoverageStart": "2020-01-01",
        "startDate": start,
    }


DIVISION_INPUT = {"groupId": GROUP, "divisionId": DIVISION}
COVERAGE_QUERY = """
query($key: SubscriberEnrollmentKey!) { subscriberEnrollment(key: $key) {
    subscriberId groupId divisionId groupCoverageStart startDate endDate annualMaxCents lifetimeMaxCents dateEmployed
    eligibilityDate originalEnrollmentDate paidThrough policyNumber termDate entryUser updateUser entryDate updateDate
    version subscriber { subscriberId firstName } groupContract { groupId policyNumber } enrollments { id }
} }
"""


async def create_covered_office(database: Database) -> Office:
    """Create an office with a group contract and ten subscribers, S-0 to S-9. S-1 has coverage in 2026."""
    office = await create_office(database)
    await make_contract(office, coverage_end=date(2027, 12, 31))
    for number in range(10):
        await make_subscriber(office, f"S-{number}")
    await make_coverage(
        office, coverage_key(date(2026, 1, 1), COVERED), end_date=date(2026, 12, 31), policy_number="P-1"
    )
    return office


async def read_coverage(office: Office, key: Input) -> Any:
    """Query a coverage of record by its key."""
    data = await fetch_data(office.database, office.clock(), office.viewer, COVERAGE_QUERY, key=key)
    return data["subscriberEnrollment"]


async def create_carrier_rows(office: Office) -> dict[str, str]:
    """Create a contract, two subscribers, a coverage, an unpaid invoice and a paid one; return IDs by name.

    A second contract has an end.
    """
    contract = await make_contract(office)
    ending = await make_contract(office, division_id="D8", coverage_end=date(2026, 12, 31))
    for number in (COVERED, UNLINKED):
        await make_subscriber(office, number)
    await make_coverage(office, coverage_key(date(2026, 1, 1), COVERED), end_date=date(2026, 12, 31))
    paid = await make_invoice(office, 1, paid_cents=10_000)
    assert (await read_invoice(office, paid)).status == "PAID"
    payments = (await office.read_all_rows())["premium_payments"]
    return {
        "contract": contract,
        "ending_contract": ending,
        "unpaid": await make_invoice(office, 2),
        "payment": next(id for id, row in payments.items() if row["invoice_id"] == paid),
    }


def build_carrier_inputs(ids: dict[str, str]) -> dict[str, Input]:
    existing_key = key_input("2026-01-01")
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
        "updateSubscriber": {
            "subscriberId": COVERED,
            "firstName": "Ada",
            "lastName": "Adams",
            "employeeId": ids["ada"],
            "expectedVersion": 1,
        },
        "updateGroupContract": {
            "groupContractId": ids["ending_contract"],
            "policyNumber": "P-101",
            "coverageEnd": "2027-12-31",
            "expectedVersion": 1,
        },
        "endGroupContract": {
            "groupContractId": ids["contract"],
            "lastDay": "2026-11-30",
            "reason": "Cancelled by the carrier.",
            "dryRun": False,
            "expectedVersion": 1,
        },
        "createSubscriberEnrollment": {"key": key_input("2027-01-01"), "fields": COVERAGE_FIELDS},
        "updateSubscriberEnrollment": {
            "key": existing_key,
            "fields": COVERAGE_FIELDS | {"endDate": "2026-11-30"},
            "expectedVersion": 1,
        },
        "deleteSubscriberEnrollment": {"key": existing_key, "expectedVersion": 1},
        "upsertSubscriberEnrollments": {"enrollments": [{"key": key_input("2027-01-01"), "fields": COVERAGE_FIELDS}]},
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
        "voidPremiumInvoice": {"invoiceId": ids["unpaid"], "reason": "Billed twice.", "expectedVersion": 1},
        "recordPremiumPayment": {"invoiceId": ids["unpaid"], "amountCents": 10_000, "receivedOn": "2026-11-19"},
        "reversePremiumPayment": {"paymentId": ids["payment"], "reason": "Bounced."},
        "updateTenantSettings": {"autoPaidThrough": True},
    }
