"""The carrier's mutations through the GraphQL API: each is refused and applied once, and its effect is read back."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from carrier_inputs import (
    CARRIER_MUTATIONS,
    COVERAGE_FIELDS,
    COVERAGE_QUERY,
    COVERED,
    DIVISION_INPUT,
    Input,
    create_covered_office,
    key_input,
    read_coverage,
)
from graphql_requests import fetch_data
from mutation_calls import MutationResponse, call
from mutation_recorder import MutationRecorder

from benegraph.db.session import Database
from benegraph.domain.access import Action
from benegraph.domain.values import Clock
from factories.access import administrator, make_tenant, service_viewer
from factories.coverage import make_subscriber
from factories.office import Office, create_office
from statement_log import record_round_trips

UPSERT = """
mutation($input: UpsertSubscriberEnrollmentsInput!) { upsertSubscriberEnrollments(input: $input) {
    results {
        index outcome userErrors { code message field }
        subscriberEnrollment { id version startDate endDate annualMaxCents }
    }
    userErrors { code }
} }
"""


async def test_one_carriers_year_applies_and_refuses_every_mutation(database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)
    recorder = MutationRecorder(Office(database, "", "", administrator()))
    await _register(recorder)
    await _cover(recorder)
    await _bill(recorder)
    assert recorder.applied == recorder.refused == CARRIER_MUTATIONS


async def _register(recorder: MutationRecorder) -> None:
    """Register a group contract and a subscriber."""
    contract = {**DIVISION_INPUT, "coverageStart": "2020-01-01", "coverageEnd": "2027-12-31"}
    await recorder.check_refused(
        "createGroupContract",
        "INVALID_INPUT groupId",
        "DATES_OUT_OF_ORDER coverageEnd",
        **contract | {"groupId": "", "coverageEnd": "2019-12-31"},
    )
    created = await recorder.apply("createGroupContract", **contract)
    await recorder.check_refused("createGroupContract", "ALREADY_EXISTS groupId", **contract)
    id = created["groupContract"]["id"]
    await recorder.apply("updateGroupContract", groupContractId=id, policyNumber="P-2")
    await recorder.check_refused(
        "updateGroupContract", "DATES_OUT_OF_ORDER coverageEnd", groupContractId=id, coverageEnd="2027-11-30"
    )
    end = {"groupContractId": id, "lastDay": "2027-11-30"}
    payload = await recorder.apply("endGroupContract", **end, dryRun=True)
    assert payload == {"groupContract": None, "subscriberEnrollments": None, "previews": []}
    assert await recorder.apply("endGroupContract", **end) == {
        "groupContract": {"id": id},
        "subscriberEnrollments": [],
        "previews": None,
    }
    await recorder.check_refused("endGroupContract", "INVALID_STATUS_TRANSITION lastDay", **end)
    await recorder.apply("updateGroupContract", groupContractId=id, coverageEnd="2027-12-31")
    await recorder.check_refused("createSubscriber", "INVALID_INPUT subscriberId", subscriberId="1234567890")
    await recorder.apply("createSubscriber", subscriberId=COVERED, firstName="Ada")
    await recorder.check_refused("createSubscriber", "ALREADY_EXISTS subscriberId", subscriberId=COVERED)
    await recorder.apply("updateSubscriber", subscriberId=COVERED, lastName="Adams")
    await recorder.check_refused("updateSubscriber", "NOT_FOUND subscriberId", subscriberId="S-2", lastName="Adams")


async def _cover(recorder: MutationRecorder) -> None:
    """Create, change, upsert and delete coverage."""
    first, second = key_input("2026-01-01"), key_input("2027-01-01")
    unknown = {"key": key_input("2026-01-01", "S-2"), "fields": {}}
    await recorder.check_refused("createSubscriberEnrollment", "NOT_FOUND key.subscriberId", **unknown)
    await recorder.apply("createSubscriberEnrollment", key=first, fields={"endDate": "2026-12-31"})
    await recorder.check_refused("createSubscriberEnrollment", "ALREADY_EXISTS key", key=first)
    await recorder.check_refused(
        "createSubscriberEnrollment", "OVERLAPPING_COVERAGE key.startDate", key=key_input("2026-12-31"), fields=None
    )
    late = {"fields": {"endDate": "2025-12-31"}}
    await recorder.check_refused("updateSubscriberEnrollment", "DATES_OUT_OF_ORDER fields.endDate", key=first, **late)
    await recorder.check_refused("updateSubscriberEnrollment", "NOT_FOUND key", key=second, fields={})
    await recorder.apply("updateSubscriberEnrollment", key=first, fields={"policyNumber": "P-1"}, expectedVersion=1)
    await recorder.check_refused("upsertSubscriberEnrollments", "INVALID_INPUT enrollments", enrollments=[])
    upserted = await recorder.apply("upsertSubscriberEnrollments", enrollments=[{"key": first}, {"key": second}])
    assert [result["outcome"] for result in upserted["results"]] == ["UNCHANGED", "CREATED"]
    await recorder.check_refused(
        "deleteSubscriberEnrollment", "VERSION_CONFLICT expectedVersion", key=second, expectedVersion=2
    )
    deleted = await recorder.apply("deleteSubscriberEnrollment", key=second, expectedVersion=1)
    assert deleted == {"deletedId": upserted["results"][1]["subscriberEnrollment"]["id"]}
    await recorder.check_refused("deleteSubscriberEnrollment", "NOT_FOUND key", key=second)
    assert (await recorder.query(COVERAGE_QUERY, key=second))["subscriberEnrollment"] is None


async def _bill(recorder: MutationRecorder) -> None:
    """Record two invoices and a payment, reverse the payment, and void an invoice."""
    bill = {**DIVISION_INPUT, "dueDate": "2026-01-10", "amountCents": 10_000}
    january = {"billFrom": "2026-01-01", "billThrough": "2026-01-31"}
    backwards = {"billFrom": "2026-01-31", "billThrough": "2026-01-01"}
    await recorder.check_refused("recordPremiumInvoice", "DATES_OUT_OF_ORDER billThrough", **bill, **backwards)
    invoice = (await recorder.apply("recordPremiumInvoice", **bill, **january))["invoice"]["id"]
    own = (await recorder.apply("recordPremiumInvoice", **bill, **january, subscriberId=COVERED))["invoice"]["id"]
    paid = {"invoiceId": own, "receivedOn": "2026-11-20"}
    await recorder.check_refused("recordPremiumPayment", "INVALID_INPUT amountCents", **paid, amountCents=0)
    payment = (await recorder.apply("recordPremiumPayment", **paid, amountCents=10_000))["payment"]["id"]
    subscriber = {"subscriberId": COVERED, **DIVISION_INPUT}
    await recorder.check_refused("setPaidThrough", "NOT_FOUND subscriberId", **subscriber | {"subscriberId": "S-9"})
    results = await recorder.apply("setPaidThrough", **subscriber)
    coverage = (
        await recorder.query(
            "query($key: SubscriberEnrollmentKey!) { subscriberEnrollment(key: $key) { id } }",
            key=key_input("2026-01-01"),
        )
    )["subscriberEnrollment"]
    assert results == {
        "results": [{"subscriberEnrollment": coverage, "paidThrough": "2026-01-31", "invoice": {"id": own}}]
    }
    await recorder.check_refused("updateTenantSettings", "INVALID_INPUT autoPaidThrough", autoPaidThrough=None)
    settings = await recorder.apply("updateTenantSettings", autoPaidThrough=True)
    assert settings == {"tenantSettings": {"autoPaidThrough": True}}
    await recorder.apply("reversePremiumPayment", paymentId=payment, reason="Bounced.")
    data = await recorder.query(COVERAGE_QUERY, key=key_input("2026-01-01"))
    assert data["subscriberEnrollment"]["paidThrough"] is None
    await recorder.check_refused("reversePremiumPayment", "INVALID_STATUS_TRANSITION paymentId", paymentId=payment)
    await recorder.apply("voidPremiumInvoice", invoiceId=invoice)
    await recorder.check_refused("voidPremiumInvoice", "INVALID_STATUS_TRANSITION invoiceId", invoiceId=invoice)


# ----------------------------------------------------------------------------------------------------- coverage


@pytest.fixture
async def office(database: Database) -> Office:
    return await create_covered_office(database)


async def upsert(office: Office, *items: Input, **options: Any) -> Any:
    """Upsert items; return the result of each."""
    input = {"enrollments": items, **options}
    data = await fetch_data(office.database, office.clock(), office.viewer, UPSERT, input=input)
    payload = data["upsertSubscriberEnrollments"]
    assert payload["userErrors"] == []
    return payload["results"]


async def test_omitted_field_keeps_its_value_and_null_clears_it(office: Office) -> None:
    key = key_input("2026-01-01")
    await call(
        office, "updateSubscriberEnrollment", {"key": key, "fields": COVERAGE_FIELDS | {"endDate": "2026-06-30"}}
    )
    full = await read_coverage(office, key)
    assert {name: full[name] for name in COVERAGE_FIELDS} == COVERAGE_FIELDS | {"endDate": "2026-06-30"}
    assert (full["version"], full["updateUser"]) == (2, "akey_administrator")
    for name in COVERAGE_FIELDS:
        later = office.as_viewer(replace(office.viewer, key_id=f"akey_{name}"))
        assert (await call(later, "updateSubscriberEnrollment", {"key": key, "fields": {name: None}})).is_applied
        cleared = await read_coverage(office, key)
        assert cleared[name] is None
        assert (cleared["version"], cleared["updateUser"]) == (full["version"] + 1, f"akey_{name}")
        assert (cleared["entryDate"], cleared["entryUser"]) == (full["entryDate"], "akey_administrator")
        assert cleared["updateDate"] > full["updateDate"]
        changed = {"version", "updateUser", "updateDate", name}
        assert {field for field in full if cleared[field] != full[field]} == changed
        full = cleared
    unchanged = await call(office, "updateSubscriberEnrollment", {"key": key, "fields": {}})
    assert unchanged.is_applied
    assert await read_coverage(office, key) == full


async def test_datetime_at_midnight_is_accepted_as_a_date(office: Office) -> None:
    other_types = {"annualMaxCents", "lifetimeMaxCents", "policyNumber"}
    days = {"groupCoverageStart", "startDate", *COVERAGE_FIELDS} - other_types
    key = {name: f"{part}T00:00:00Z" if name in days else part for name, part in key_input("2027-01-01").items()}
    fields = {name: f"{value}T00:00:00" if name in days else value for name, value in COVERAGE_FIELDS.items()}
    assert (await call(office, "createSubscriberEnrollment", {"key": key, "fields": fields})).is_applied
    coverage = await read_coverage(office, key_input("2027-01-01"))
    assert {name: coverage[name] for name in COVERAGE_FIELDS} == COVERAGE_FIELDS
    for wrong in ("2027-01-01T10:00:00Z", "2027-01-01T00:00:00+02:00", "2027-02-30", "1/1/2027", 20270101):
        response = await call(office, "createSubscriberEnrollment", {"key": key, "fields": {"endDate": wrong}})
        assert response.errors == ["BAD_USER_INPUT"]


async def test_refused_item_fails_alone_and_is_reported_at_its_index(office: Office) -> None:
    first, second, unknown = key_input("2026-01-01"), key_input("2027-01-01"), key_input("2026-01-01", "S-404")
    items: list[Input] = [
        {"key": first, "fields": {"policyNumber": "P-1"}},
        {"key": second, "fields": {"endDate": "2027-06-30"}},
        {"key": unknown},
        {"key": second, "fields": {"endDate": None, "annualMaxCents": 5}},
        {"key": key_input("2027-03-01")},
        {"key": second, "fields": {"annualMaxCents": -1, "policyNumber": "x" * 26}},
        {"key": first | {"groupId": "G404"}, "fields": None},
        {"key": first, "fields": {"policyNumber": None}},
        {"key": key_input("2028-01-01", "S-2")},
    ]
    results = await upsert(office, *items)
    assert [result["index"] for result in results] == list(range(9))
    outcomes = "UNCHANGED CREATED FAILED UPDATED FAILED FAILED FAILED UPDATED FAILED"
    assert " ".join(result["outcome"] for result in results) == outcomes
    errors = {
        result["index"]: [f"{error['code']} {'.'.join(error['field'])}" for error in result["userErrors"]]
        for result in results
        if result["userErrors"]
    }
    assert errors == {
        2: ["NOT_FOUND enrollments.2.key.subscriberId"],
        4: ["OVERLAPPING_COVERAGE enrollments.4.key.startDate"],
        5: ["INVALID_INPUT enrollments.5.fields.annualMaxCents", "INVALID_INPUT enrollments.5.fields.policyNumber"],
        6: ["NOT_FOUND enrollments.6.key.groupId"],
        8: ["DATES_OUT_OF_ORDER enrollments.8.key.startDate"],
    }
    # Two items with the same key both return the final state of the row.
    one, other = (results[index]["subscriberEnrollment"] for index in (1, 3))
    assert one == other
    assert (one["version"], one["endDate"], one["annualMaxCents"]) == (2, None, 5)
    assert results[7]["subscriberEnrollment"] == results[0]["subscriberEnrollment"]
    assert results[0]["subscriberEnrollment"]["version"] == 2
    assert all((result["subscriberEnrollment"] is None) is (result["outcome"] == "FAILED") for result in results)
    assert len((await office.read_all_rows())["subscriber_enrollments"]) == 2


async def test_unchanged_item_keeps_its_version_and_adds_no_history(office: Office) -> None:
    item = {
        "key": key_input("2026-01-01"),
        "fields": {"endDate": "2026-12-31", "policyNumber": "P-1", "termDate": None},
    }
    before = await office.read_all_rows()
    (result,) = await upsert(office, item)
    assert (result["outcome"], result["subscriberEnrollment"]["version"]) == ("UNCHANGED", 1)
    assert await office.read_all_rows() == before


async def test_batch_is_applied_once_for_its_idempotency_key(office: Office) -> None:
    items = [
        {"key": key_input("2027-01-01")},
        {"key": key_input("2026-01-01", "S-404")},
        {"key": key_input("2026-01-01")},
    ]
    once = await upsert(office, *items, idempotencyKey="k")
    await call(
        office, "updateSubscriberEnrollment", {"key": key_input("2027-01-01"), "fields": {"policyNumber": "P-9"}}
    )
    before = await office.read_all_rows()
    again = await upsert(office, *items, idempotencyKey="k")
    assert await office.read_all_rows() == before
    assert again[0]["subscriberEnrollment"] == once[0]["subscriberEnrollment"] | {"version": 2}
    assert (again[0]["outcome"], again[1:]) == ("CREATED", once[1:])
    assert (await call(office, "deleteSubscriberEnrollment", {"key": key_input("2027-01-01")})).is_applied
    response = await call(office, "upsertSubscriberEnrollments", {"enrollments": items, "idempotencyKey": "k"})
    assert response.refusals == ["NOT_FOUND idempotencyKey"]


async def test_fully_refused_batch_can_be_retried_under_the_same_key(office: Office) -> None:
    items = [{"key": key_input("2026-01-01", number)} for number in ("N-1", "N-2")]
    before = await office.read_all_rows()
    for _ in range(2):
        results = await upsert(office, *items, idempotencyKey="k")
        assert [result["outcome"] for result in results] == ["FAILED", "FAILED"]
    assert await office.read_all_rows() == before
    await make_subscriber(office, "N-1")
    results = await upsert(office, *items, idempotencyKey="k")
    assert [result["outcome"] for result in results] == ["CREATED", "FAILED"]


async def test_batch_is_limited_to_a_thousand_items(office: Office) -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(600)]
    keys = [key_input(day.isoformat(), f"S-{number}") for day in days for number in (2, 3)][:1000]
    items = [
        {"key": key, "fields": COVERAGE_FIELDS | dict.fromkeys(("endDate", "paidThrough"), key["startDate"])}
        for key in keys
    ]
    started = time.monotonic()
    async with record_round_trips(office.database) as sent:
        results = await upsert(office, *items)
    took = time.monotonic() - started
    assert {result["outcome"] for result in results} == {"CREATED"}
    assert [result["subscriberEnrollment"]["startDate"] for result in results] == [key["startDate"] for key in keys]
    assert len(sent) == 12
    assert took < 8  # about a second on an idle machine
    response = await call(office, "upsertSubscriberEnrollments", {"enrollments": [*items, items[0]]})
    assert response.refusals == ["INVALID_INPUT enrollments"]


# -------------------------------------------------------------------------------------------------- visibility


async def test_invisible_keys_are_refused_like_missing_ones(office: Office) -> None:
    """A service limited to another employer learns nothing about existing keys, and changes no row."""
    other_office = await create_office(office.database)
    viewer = service_viewer(employer=other_office.employer, actions=Action)
    existing, missing = key_input("2026-01-01"), key_input("2026-01-01", "S-404") | {"groupId": "G404"}
    bill = {"billFrom": "2026-01-01", "billThrough": "2026-01-31", "dueDate": "2026-01-10", "amountCents": 1}
    before = await office.read_all_rows()

    async def refuse_alike(mutation: str, build_input: Callable[[Input], Input]) -> MutationResponse:
        """Call with the existing and with the missing key; the responses may differ only in the group they quote."""
        first, second = [await call(office, mutation, build_input(key), viewer=viewer) for key in (existing, missing)]
        masked = [message.replace(existing["groupId"], missing["groupId"]) for message in first.messages]
        assert replace(first, messages=masked) == second
        return first

    changes: dict[str, Input] = {
        "createSubscriberEnrollment": {"fields": {}},
        "updateSubscriberEnrollment": {"fields": {}},
        "deleteSubscriberEnrollment": {},
    }
    for mutation, rest in changes.items():
        response = await refuse_alike(mutation, lambda key, rest=rest: {"key": key, **rest})  # type: ignore[misc] # mypy can't infer a lambda's default
        assert {refusal.split()[0] for refusal in response.refusals} == {"NOT_FOUND"}
    await refuse_alike("upsertSubscriberEnrollments", lambda key: {"enrollments": [{"key": key}]})
    await refuse_alike("setPaidThrough", _without_dates)
    response = await refuse_alike("recordPremiumInvoice", lambda key: _without_dates(key) | bill)
    assert response.refusals == ["NOT_FOUND groupId", "NOT_FOUND subscriberId"]
    assert await office.read_all_rows() == before


def _without_dates(key: Input) -> Input:
    return {name: key[name] for name in ("subscriberId", "groupId", "divisionId")}


async def test_service_of_one_employer_may_write_that_employers_rows(office: Office) -> None:
    viewer = service_viewer(employer=office.employer, actions=Action)
    ada = await office.hire()
    inputs: dict[str, Input] = {
        "createSubscriber": {"subscriberId": "N-1", "employeeId": ada},
        "createGroupContract": {**DIVISION_INPUT, "coverageStart": "2028-01-01", "employerId": office.employer},
        "upsertSubscriberEnrollments": {"enrollments": [{"key": key_input("2026-01-01", "N-1")}]},
    }
    for mutation, input in inputs.items():
        assert (await call(office, mutation, input, viewer=viewer)).is_applied, mutation
