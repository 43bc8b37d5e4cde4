"""The carrier's side in the graph: each field says what its row holds, and each is found by what the world calls it."""

from datetime import date, datetime
from typing import Any

import pytest
from carriers_inputs import COVERED, FIELDS, key
from graphql_requests import execute, fetch_data, fetch_error, record_statements
from mutating import call

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


async def asked(office: Office, query: str, **variables: Any) -> dict[str, Any]:
    return await fetch_data(office.database, office.clock(), office.viewer, query, **variables)


async def test_a_coverage_of_record_a_subscriber_and_a_contract(office: Office) -> None:
    ada = await office.hire()
    subscriber = await make_subscriber(office, COVERED, ada)
    answer = await call(office, "createSubscriberEnrollment", {"key": key("2026-01-01"), "fields": FIELDS})
    assert answer.payload is not None
    id = answer.payload["subscriberEnrollment"]["id"]
    query = """query($key: SubscriberEnrollmentKey!) { subscriberEnrollment(key: $key) {
        id subscriberId groupId divisionId groupCoverageStart startDate endDate annualMaxCents lifetimeMaxCents
        dateEmployed eligibilityDate originalEnrollmentDate paidThrough policyNumber termDate entryUser updateUser
        entryDate updateDate version enrollments { id }
        subscriber { id subscriberId firstName lastName version employee { id subscriber { id } } }
        groupContract { employer { id } groupId divisionId coverageStart coverageEnd policyNumber version }
    } }"""
    found = (await asked(office, query, key=key("2026-01-01")))["subscriberEnrollment"]
    written = datetime.fromisoformat((await office.read_row("subscriber_enrollments", id))["created_at"])
    for name in ("entryDate", "updateDate"):
        assert datetime.fromisoformat(found.pop(name)) == written
    assert found == {
        **key("2026-01-01"),
        **FIELDS,
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


async def test_what_is_not_told_of_a_coverage_is_null(office: Office) -> None:
    await make_subscriber(office, COVERED)
    await make_coverage(office, coverage_key(date(2026, 1, 1), COVERED))
    query = "query($key: SubscriberEnrollmentKey!) { subscriberEnrollment(key: $key) { " + " ".join(FIELDS) + " } }"
    found = (await asked(office, query, key=key("2026-01-01")))["subscriberEnrollment"]
    assert found == dict.fromkeys(FIELDS)


async def test_premium_invoices_and_their_payments(office: Office) -> None:
    await make_subscriber(office, COVERED)
    await make_invoice(office, 1)  # to the group: none of the subscriber's own
    unpaid = await make_invoice(office, 2, COVERED)
    partly = await make_invoice(office, 3, COVERED, paid_cents=4_000)
    paid = await make_invoice(office, 4, COVERED, paid_cents=10_001)
    withdrawn = await make_invoice(office, 5, COVERED, paid_cents=10_000)
    await void_invoice(office, withdrawn)
    bounced = await make_invoice(office, 6, COVERED)
    await reverse_payment(office, await make_payment(office, bounced, 10_000, date(2026, 11, 1)))
    query = """{ subscriber(subscriberId: "S-1") { invoices(first: 10) { totalCount nodes {
        id groupId divisionId subscriberId billFrom billThrough dueDate amountCents paidCents status version
        payments { amountCents receivedOn reversed }
    } } } }"""
    found = (await asked(office, query))["subscriber"]["invoices"]
    assert found["totalCount"] == 5
    assert {(node["groupId"], node["divisionId"], node["subscriberId"]) for node in found["nodes"]} == {
        (GROUP, DIVISION, COVERED)
    }
    assert [(node["id"], node["status"], node["paidCents"], node["version"]) for node in found["nodes"]] == [
        (unpaid, "OPEN", 0, 1),
        (partly, "OPEN", 4_000, 2),
        (paid, "PAID", 10_001, 2),
        (withdrawn, "VOID", 10_000, 3),
        (bounced, "OPEN", 0, 3),
    ]
    june = found["nodes"][-1]
    assert (june["billFrom"], june["billThrough"], june["dueDate"], june["amountCents"]) == (
        "2026-06-01",
        "2026-06-30",
        "2026-06-10",
        10_000,
    )
    assert june["payments"] == [{"amountCents": 10_000, "receivedOn": "2026-11-01", "reversed": True}]


# -------------------------------------------------------------------------------------------------- by their names


async def test_each_is_found_by_the_name_the_world_knows_it_by(office: Office) -> None:
    subscriber = await make_subscriber(office, COVERED)
    other = await make_contract(office, coverage_start=date(2027, 1, 1))
    id = await make_coverage(office, coverage_key(date(2026, 1, 1), COVERED))
    query = """query($key: SubscriberEnrollmentKey!, $start: Date!) {
        subscriber(subscriberId: "S-1") { id }
        groupContract(groupId: "G100", divisionId: "D1", coverageStart: $start) { id }
        subscriberEnrollment(key: $key) { id }
    }"""
    for start in ("2027-01-01", "2027-01-01T00:00:00", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00.000Z"):
        named = key(f"2026{start[4:]}") | {"groupCoverageStart": f"2020{start[4:]}"}
        found = await asked(office, query, key=named, start=start)
        assert found == {
            "subscriber": {"id": subscriber},
            "groupContract": {"id": other},
            "subscriberEnrollment": {"id": id},
        }


async def test_a_day_is_no_instant_within_it(office: Office) -> None:
    for start in ("2026-01-01T00:00:01Z", "2026-01-01T00:00:00-05:00", "2026-01-01 00:00:00", "2026-01-01T"):
        result = await execute(office.database, office.clock(), office.viewer, BY_KEY, key=key(start))
        assert result.errors


@pytest.mark.parametrize("nonsense", ["", " ", "s-1", "S-1 ", "S-2", "1234567890", "x" * 5000, "A\0B", "S%", "😀"])
async def test_what_is_nothings_name_finds_nothing(office: Office, nonsense: str) -> None:
    await make_subscriber(office, COVERED)
    await make_coverage(office, coverage_key(date(2026, 1, 1), COVERED))
    query = """query($name: String!, $key: SubscriberEnrollmentKey!) {
        subscriber(subscriberId: $name) { id }
        groupContract(groupId: $name, divisionId: "D1", coverageStart: "2020-01-01") { id }
        other: groupContract(groupId: "G100", divisionId: $name, coverageStart: "2020-01-01") { id }
        subscriberEnrollment(key: $key) { id }
    }"""
    for part in ("subscriberId", "groupId", "divisionId"):
        data = await asked(office, query, name=nonsense, key=key("2026-01-01") | {part: nonsense})
        assert set(data.values()) == {None}
    for part in ("groupCoverageStart", "startDate"):
        data = await asked(office, BY_KEY, key=key("2026-01-01") | {part: "2026-01-02"})
        assert data == {"subscriberEnrollment": None}


async def test_many_names_take_a_statement_a_kind(office: Office) -> None:
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
    with record_statements(office.database) as sent:
        data = await asked(office, f"{{ {' '.join(fields)} }}")
    assert len(sent) == 2
    assert [data[f"c{n}"]["id"] for n in range(8)] == ids
    assert [data[f"s{n}"]["subscriberId"] for n in range(8)] == numbers


async def test_two_tenants_with_the_same_numbers_know_nothing_of_each_other(database: Database) -> None:
    found = []
    for tenant in ("acme", "globex"):
        office = await create_office(database, tenant=tenant)
        await make_contract(office, policy_number=tenant)
        await make_subscriber(office, COVERED)
        await make_coverage(office, coverage_key(date(2026, 1, 1), COVERED), policy_number=tenant)
        await make_invoice(office, 1, COVERED)
        found.append(office)
    query = """{ subscribers { totalCount nodes { subscriberId
        invoices { totalCount } enrollments { totalCount nodes { policyNumber groupContract { policyNumber } } }
    } } }"""
    for office in found:
        policy = {"policyNumber": office.viewer.tenant_id}
        data = await asked(office, query)
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
    change = {"key": key("2026-01-01"), "fields": {"policyNumber": "changed"}}
    assert (await call(found[0], "updateSubscriberEnrollment", change)).is_done
    (row,) = (await found[1].read_all_rows())["subscriber_enrollments"].values()
    assert row["policy_number"] == "globex"


# ------------------------------------------------------------------------------------------------- the settings


async def test_the_tenants_settings_are_shown_to_administrators(office: Office) -> None:
    query = "{ tenantSettings { autoPaidThrough } }"
    assert await asked(office, query) == {"tenantSettings": {"autoPaidThrough": False}}
    await enable_auto_paid_through(office)
    elsewhere = await create_office(office.database, tenant="globex")
    assert await asked(office, query) == {"tenantSettings": {"autoPaidThrough": True}}
    assert await asked(elsewhere, query) == {"tenantSettings": {"autoPaidThrough": False}}
    ada = await office.hire()
    for viewer in (
        employer_viewer(office.employer),
        employee_viewer(office.employer, ada),
        service_viewer(actions=Action),
    ):
        assert await asked(office.as_viewer(viewer), query) == {"tenantSettings": None}


# ------------------------------------------------------------------------------------------------------- the bridge


async def test_an_election_shows_up_as_coverage_and_payments_show_through(office: Office) -> None:
    ada = await office.hire()
    await office.update_employee(ada, division_id=DIVISION)
    await make_subscriber(office, COVERED, ada)
    draft = await office.draft_plan_year(DATES)
    await office.update_plan_year(draft, group_id=GROUP, group_coverage_start=CONTRACT_START)
    await office.open_enrollment(draft)
    enrollment = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(enrollment, (await office.plan_ids_by_code(draft))["GOLD"]))
    query = """query($id: ID!) { employee(id: $id) { divisionId subscriber { enrollments { nodes { startDate } } }
        enrollments { nodes { id planYear { groupId groupCoverageStart } subscriberEnrollment {
            subscriberId groupId divisionId groupCoverageStart startDate endDate paidThrough enrollments { id }
        } } }
    } }"""
    found = (await asked(office, query, id=ada))["employee"]
    assert (found["divisionId"], found["subscriber"]["enrollments"]["nodes"]) == (
        DIVISION,
        [{"startDate": "2027-01-01"}],
    )
    (node,) = found["enrollments"]["nodes"]
    assert node == {
        "id": enrollment,
        "planYear": {"groupId": GROUP, "groupCoverageStart": "2020-01-01"},
        "subscriberEnrollment": {
            **key("2027-01-01"),
            "endDate": "2027-12-31",
            "paidThrough": None,
            "enrollments": [{"id": enrollment}],
        },
    }
    bill = {"groupId": GROUP, "divisionId": DIVISION, "dueDate": "2027-01-10", "amountCents": 1}
    month = {"billFrom": "2027-01-01", "billThrough": "2027-01-31"}
    invoice = (await call(office, "recordPremiumInvoice", bill | month)).payload
    assert invoice is not None
    await make_payment(office, invoice["invoice"]["id"], 1)
    where = {"subscriberId": COVERED, "groupId": GROUP, "divisionId": DIVISION}
    assert (await call(office, "setPaidThrough", where)).is_done
    (node,) = (await asked(office, query, id=ada))["employee"]["enrollments"]["nodes"]
    assert node["subscriberEnrollment"]["paidThrough"] == "2027-01-31"
    for changed in ({"endDate": "2027-06-30"}, {"endDate": None}):
        answer = await call(office, "updateSubscriberEnrollment", {"key": key("2027-01-01"), "fields": changed})
        assert answer.refusals == ["LINKED_TO_ENROLLMENT fields.endDate"]
    answer = await call(office, "deleteSubscriberEnrollment", {"key": key("2027-01-01")})
    assert answer.refusals == ["LINKED_TO_ENROLLMENT key"]


async def test_ids_of_the_carriers_side_are_nodes(office: Office, clock: Clock) -> None:
    await make_subscriber(office, COVERED)
    await make_coverage(office, coverage_key(date(2026, 1, 1), COVERED))
    await make_invoice(office, 1, paid_cents=1)
    dump = await office.read_all_rows()
    kinds = {
        "subscribers": "Subscriber",
        "subscriber_enrollments": "SubscriberEnrollment",
        "group_contracts": "GroupContract",
        "premium_invoices": "PremiumInvoice",
        "premium_payments": "PremiumPayment",
    }
    for table, kind in kinds.items():
        (id,) = dump[table]
        data = await asked(office, "query($id: ID!) { node(id: $id) { __typename id } }", id=id)
        assert data["node"] == {"__typename": kind, "id": id}
    error = await fetch_error(office.database, clock, administrator(), '{ node(id: "pinv_x") { id } }')
    assert isinstance(error, BadInput)
