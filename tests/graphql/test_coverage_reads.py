"""Subscribers, contracts, coverage of record and invoices: their fields, and lookups by their natural keys."""

from datetime import date, datetime
from typing import Any

import pytest
from carrier_inputs import COVERAGE_FIELDS, COVERED, key_input
from graphql_requests import execute, fetch_data, fetch_error, record_statements
from mutation_calls import call

from benegraph.db.session import Database
from benegraph.domain.access import Action
from benegraph.domain.errors import BadInput
from benegraph.domain.values import Clock
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
from factories.billing import enable_auto_paid_through, make_invoice, make_payment, reverse_payment, void_invoice
from factories.coverage import (
    CONTRACT_START,
    DIVISION,
    GROUP,
    coverage_key,
    make_contract,
    make_coverage,
    make_subscriber,
)
from factories.office import DATES, Office, create_office, enroll

BY_KEY = "query($key: SubscriberEnrollmentKey!) { subscriberEnrollment(key: $key) { id } }"


@pytest.fixture
async def office(database: Database) -> Office:
    office = await create_office(database)
    await make_contract(office)
    return office


async def query_as_office(office: Office, query: str, **variables: Any) -> dict[str, Any]:
    return await fetch_data(office.database, office.clock(), office.viewer, query, **variables)


async def test_coverage_subscriber_and_contract_return_all_fields(office: Office) -> None:
    ada = await office.hire()
    subscriber = await make_subscriber(office, COVERED, ada)
    result = await call(
        office, "createSubscriberEnrollment", {"key": key_input("2026-01-01"), "fields": COVERAGE_FIELDS}
    )
    assert result.payload is not None
    id = result.payload["subscriberEnrollment"]["id"]
    query = """query($key: SubscriberEnrollmentKey!) { subscriberEnrollment(key: $key) {
        id subscriberId groupId divisionId groupCoverageStart startDate endDate annualMaxCents lifetimeMaxCents
        dateEmployed eligibilityDate originalEnrollmentDate paidThrough policyNumber termDate entryUser updateUser
        entryDate updateDate version enrollments { id }
        subscriber { id subscriberId firstName lastName version employee { id subscriber { id } } }
        groupContract { employer { id } groupId divisionId coverageStart coverageEnd policyNumber version }
    } }"""
    coverage = (await query_as_office(office, query, key=key_input("2026-01-01")))["subscriberEnrollment"]
    created_at = datetime.fromisoformat((await office.read_row("subscriber_enrollments", id))["created_at"])
    for name in ("entryDate", "updateDate"):
        assert datetime.fromisoformat(coverage.pop(name)) == created_at
    assert coverage == {
        **key_input("2026-01-01"),
        **COVERAGE_FIELDS,
        "id": id,
        "entryUser": "akey_administrator",
        "updateUser": "akey_administrator",
        "version": 1,
        "enrollments": [],
        "subscriber": {
            "id": subscriber,
            "subscriberId": COVERED,
            "firstName": "Ada",
            "lastName": "Adams",
            "version": 1,
            "employee": {"id": ada, "subscriber": {"id": subscriber}},
        },
        "groupContract": {
            "employer": {"id": office.employer},
            "groupId": GROUP,
            "divisionId": DIVISION,
            "coverageStart": "2020-01-01",
            "coverageEnd": None,
            "policyNumber": "P-1",
            "version": 1,
        },
    }


async def test_optional_coverage_fields_are_null(office: Office) -> None:
    await make_subscriber(office, COVERED)
    await make_coverage(office, coverage_key(date(2026, 1, 1), COVERED))
    query = (
        "query($key: SubscriberEnrollmentKey!) { subscriberEnrollment(key: $key) { "
        + " ".join(COVERAGE_FIELDS)
        + " } }"
    )
    coverage = (await query_as_office(office, query, key=key_input("2026-01-01")))["subscriberEnrollment"]
    assert coverage == dict.fromkeys(COVERAGE_FIELDS)


async def test_invoices_return_their_status_and_payments(office: Office) -> None:
    await make_subscriber(office, COVERED)
    await make_invoice(office, 1)  # billed to the group, so not one of the subscriber's invoices
    unpaid = await make_invoice(office, 2, COVERED)
    partly_paid = await make_invoice(office, 3, COVERED, paid_cents=4_000)
    paid = await make_invoice(office, 4, COVERED, paid_cents=10_001)
    voided = await make_invoice(office, 5, COVERED, paid_cents=10_000)
    await void_invoice(office, voided)
    reversed_ = await make_invoice(office, 6, COVERED)
    await reverse_payment(office, await make_payment(office, reversed_, 10_000, date(2026, 11, 1)))
    query = """{ subscriber(subscriberId: "S-1") { invoices(first: 10) { totalCount nodes {
        id groupId divisionId subscriberId billFrom billThrough dueDate amountCents paidCents status version
        payments { amountCents receivedOn reversed }
    } } } }"""
    invoices = (await query_as_office(office, query))["subscriber"]["invoices"]
    assert invoices["totalCount"] == 5
    assert {(node["groupId"], node["divisionId"], node["subscriberId"]) for node in invoices["nodes"]} == {
        (GROUP, DIVISION, COVERED)
    }
    assert [(node["id"], node["status"], node["paidCents"], node["version"]) for node in invoices["nodes"]] == [
        (unpaid, "OPEN", 0, 1),
        (partly_paid, "OPEN", 4_000, 2),
        (paid, "PAID", 10_001, 2),
        (voided, "VOID", 10_000, 3),
        (reversed_, "OPEN", 0, 3),
    ]
    june = invoices["nodes"][-1]
    assert (june["billFrom"], june["billThrough"], june["dueDate"], june["amountCents"]) == (
        "2026-06-01",
        "2026-06-30",
        "2026-06-10",
        10_000,
    )
    assert june["payments"] == [{"amountCents": 10_000, "receivedOn": "2026-11-01", "reversed": True}]


# ------------------------------------------------------------------------------------------ lookups by natural key


async def test_lookups_by_natural_key_find_the_row(office: Office) -> None:
    subscriber = await make_subscriber(office, COVERED)
    other = await make_contract(office, coverage_start=date(2027, 1, 1))
    id = await make_coverage(office, coverage_key(date(2026, 1, 1), COVERED))
    query = """query($key: SubscriberEnrollmentKey!, $start: Date!) {
        subscriber(subscriberId: "S-1") { id }
        groupContract(groupId: "G100", divisionId: "D1", coverageStart: $start) { id }
        subscriberEnrollment(key: $key) { id }
    }"""
    for start in ("2027-01-01", "2027-01-01T00:00:00", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00.000Z"):
        key = key_input(f"2026{start[4:]}") | {"groupCoverageStart": f"2020{start[4:]}"}
        data = await query_as_office(office, query, key=key, start=start)
        assert data == {
            "subscriber": {"id": subscriber},
            "groupContract": {"id": other},
            "subscriberEnrollment": {"id": id},
        }


async def test_date_input_refuses_a_time_other_than_midnight_utc(office: Office) -> None:
    for start in ("2026-01-01T00:00:01Z", "2026-01-01T00:00:00-05:00", "2026-01-01 00:00:00", "2026-01-01T"):
        result = await execute(office.database, office.clock(), office.viewer, BY_KEY, key=key_input(start))
        assert result.errors


@pytest.mark.parametrize("invalid_value", ["", " ", "s-1", "S-1 ", "S-2", "1234567890", "x" * 5000, "A\0B", "S%", "😀"])
async def test_lookup_by_an_unused_or_invalid_key_returns_null(office: Office, invalid_value: str) -> None:
    await make_subscriber(office, COVERED)
    await make_coverage(office, coverage_key(date(2026, 1, 1), COVERED))
    query = """query($name: String!, $key: SubscriberEnrollmentKey!) {
        subscriber(subscriberId: $name) { id }
        groupContract(groupId: $name, divisionId: "D1", coverageStart: "2020-01-01") { id }
        other: groupContract(groupId: "G100", divisionId: $name, coverageStart: "2020-01-01") { id }
        subscriberEnrollment(key: $key) { id }
    }"""
    for part in ("subscriberId", "groupId", "divisionId"):
        data = await query_as_office(
            office, query, name=invalid_value, key=key_input("2026-01-01") | {part: invalid_value}
        )
        assert set(data.values()) == {None}
    for part in ("groupCoverageStart", "startDate"):
        data = await query_as_office(office, BY_KEY, key=key_input("2026-01-01") | {part: "2026-01-02"})
        assert data == {"subscriberEnrollment": None}


async def test_lookups_take_one_statement_per_type(office: Office) -> None:
    numbers = [f"S-{n}" for n in range(8)]
    ids = []
    for number in numbers:
        await make_subscriber(office, number)
        ids.append(await make_coverage(office, coverage_key(date(2026, 1, 1), number)))
    parts = 'groupId: "G100", divisionId: "D1", groupCoverageStart: "2020-01-01", startDate: "2026-01-01"'
    fields = [
        f'c{n}: subscriberEnrollment(key: {{subscriberId: "{number}", {parts}}}) {{ id }}'
        f' s{n}: subscriber(subscriberId: "{number}") {{ subscriberId }}'
        for n, number in enumerate(numbers)
    ]
    with record_statements(office.database) as recorded:
        data = await query_as_office(office, f"{{ {' '.join(fields)} }}")
    assert len(recorded) == 2
    assert [data[f"c{n}"]["id"] for n in range(8)] == ids
    assert [data[f"s{n}"]["subscriberId"] for n in range(8)] == numbers


async def test_tenants_with_the_same_numbers_are_isolated(database: Database) -> None:
    offices = []
    for tenant in ("acme", "globex"):
        office = await create_office(database, tenant=tenant)
        await make_contract(office, policy_number=tenant)
        await make_subscriber(office, COVERED)
        await make_coverage(office, coverage_key(date(2026, 1, 1), COVERED), policy_number=tenant)
        await make_invoice(office, 1, COVERED)
        offices.append(office)
    query = """{ subscribers { totalCount nodes { subscriberId
        invoices { totalCount } enrollments { totalCount nodes { policyNumber groupContract { policyNumber } } }
    } } }"""
    for office in offices:
        policy = {"policyNumber": office.viewer.tenant_id}
        data = await query_as_office(office, query)
        assert data["subscribers"] == {
            "totalCount": 1,
            "nodes": [
                {
                    "subscriberId": COVERED,
                    "invoices": {"totalCount": 1},
                    "enrollments": {"totalCount": 1, "nodes": [policy | {"groupContract": policy}]},
                }
            ],
        }
    change = {"key": key_input("2026-01-01"), "fields": {"policyNumber": "changed"}}
    assert (await call(offices[0], "updateSubscriberEnrollment", change)).is_applied
    (row,) = (await offices[1].read_all_rows())["subscriber_enrollments"].values()
    assert row["policy_number"] == "globex"


# ----------------------------------------------------------------------------------------------- tenant settings


async def test_tenant_settings_are_visible_to_administrators_only(office: Office) -> None:
    query = "{ tenantSettings { autoPaidThrough } viewer { tenantSettings { autoPaidThrough } } }"

    def settings(*, auto_paid_through: bool) -> dict[str, Any]:
        value = {"tenantSettings": {"autoPaidThrough": auto_paid_through}}
        return value | {"viewer": value}

    assert await query_as_office(office, query) == settings(auto_paid_through=False)
    await enable_auto_paid_through(office)
    other_office = await create_office(office.database, tenant="globex")
    assert await query_as_office(office, query) == settings(auto_paid_through=True)
    assert await query_as_office(other_office, query) == settings(auto_paid_through=False)
    ada = await office.hire()
    for viewer in (
        employer_viewer(office.employer),
        employee_viewer(office.employer, ada),
        service_viewer(actions=Action),
    ):
        response = await query_as_office(office.as_viewer(viewer), query)
        assert response == {"tenantSettings": None, "viewer": {"tenantSettings": None}}


# -------------------------------------------------------------------------------------------------- coverage sync


async def test_election_is_recorded_as_coverage_and_payments_set_paid_through(office: Office) -> None:
    ada = await office.hire()
    await office.update_employee(ada, division_id=DIVISION)
    await make_subscriber(office, COVERED, ada)
    draft = await office.draft_plan_year(DATES)
    await office.update_plan_year(draft, group_id=GROUP, group_coverage_start=CONTRACT_START)
    await office.open_enrollment(draft)
    enrollment = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(enrollment, (await office.plan_ids(draft))["GOLD"]))
    query = """query($id: ID!) { employee(id: $id) { divisionId subscriber { enrollments { nodes { startDate } } }
        enrollments { nodes { id planYear { groupId groupCoverageStart } subscriberEnrollment {
            subscriberId groupId divisionId groupCoverageStart startDate endDate paidThrough enrollments { id }
        } } }
    } }"""
    employee = (await query_as_office(office, query, id=ada))["employee"]
    assert (employee["divisionId"], employee["subscriber"]["enrollments"]["nodes"]) == (
        DIVISION,
        [{"startDate": "2027-01-01"}],
    )
    (node,) = employee["enrollments"]["nodes"]
    assert node == {
        "id": enrollment,
        "planYear": {"groupId": GROUP, "groupCoverageStart": "2020-01-01"},
        "subscriberEnrollment": {
            **key_input("2027-01-01"),
            "endDate": "2027-12-31",
            "paidThrough": None,
            "enrollments": [{"id": enrollment}],
        },
    }
    invoice_input = {"groupId": GROUP, "divisionId": DIVISION, "dueDate": "2027-01-10", "amountCents": 1}
    month = {"billFrom": "2027-01-01", "billThrough": "2027-01-31"}
    invoice = (await call(office, "recordPremiumInvoice", invoice_input | month)).payload
    assert invoice is not None
    await make_payment(office, invoice["invoice"]["id"], 1)
    paid_through_input = {"subscriberId": COVERED, "groupId": GROUP, "divisionId": DIVISION}
    assert (await call(office, "setPaidThrough", paid_through_input)).is_applied
    (node,) = (await query_as_office(office, query, id=ada))["employee"]["enrollments"]["nodes"]
    assert node["subscriberEnrollment"]["paidThrough"] == "2027-01-31"
    for changed in ({"endDate": "2027-06-30"}, {"endDate": None}):
        result = await call(office, "updateSubscriberEnrollment", {"key": key_input("2027-01-01"), "fields": changed})
        assert result.refusals == ["LINKED_TO_ENROLLMENT fields.endDate"]
    result = await call(office, "deleteSubscriberEnrollment", {"key": key_input("2027-01-01")})
    assert result.refusals == ["LINKED_TO_ENROLLMENT key"]


async def test_carrier_rows_can_be_looked_up_as_nodes(office: Office, clock: Clock) -> None:
    await make_subscriber(office, COVERED)
    await make_coverage(office, coverage_key(date(2026, 1, 1), COVERED))
    await make_invoice(office, 1, paid_cents=1)
    rows_by_table = await office.read_all_rows()
    type_by_table = {
        "subscribers": "Subscriber",
        "subscriber_enrollments": "SubscriberEnrollment",
        "group_contracts": "GroupContract",
        "premium_invoices": "PremiumInvoice",
        "premium_payments": "PremiumPayment",
    }
    for table, type_name in type_by_table.items():
        (id,) = rows_by_table[table]
        data = await query_as_office(office, "query($id: ID!) { node(id: $id) { __typename id } }", id=id)
        assert data["node"] == {"__typename": type_name, "id": id}
    error = await fetch_error(office.database, clock, administrator(), '{ node(id: "pinv_x") { id } }')
    assert isinstance(error, BadInput)
