"""The carrier's side, told through the schema alone: each mutation once bad and once good, and what is seen of it."""

import time
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from carriers_inputs import CARRIERS, COVERED, FIELDS, SEEN, WHERE, Input, covered_office, key, seen
from clerks import Clerk
from graphql_requests import fetch_data
from mutating import call

from benegraph.db.session import Database
from benegraph.domain.access import Action
from benegraph.domain.values import Clock
from factories.access import administrator, make_tenant, service_viewer
from factories.coverage import make_subscriber
from factories.office import Office, create_office
from sent import statements

UPSERT = """
mutation($input: UpsertSubscriberEnrollmentsInput!) { upsertSubscriberEnrollments(input: $input) {
    results {
        index outcome userErrors { code message field }
        subscriberEnrollment { id version startDate endDate annualMaxCents }
    }
    userErrors { code }
} }
"""


async def test_a_carriers_year_from_an_empty_database(database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)
    clerk = Clerk(Office(database, "", "", administrator()))
    await _register(clerk)
    await _cover(clerk)
    await _bill(clerk)
    assert clerk.done == clerk.refused == CARRIERS


async def _register(clerk: Clerk) -> None:
    """Take on a contract and a subscriber."""
    contract = {**WHERE, "coverageStart": "2020-01-01", "coverageEnd": "2027-12-31"}
    await clerk.is_refused(
        "createGroupContract",
        "INVALID_INPUT groupId",
        "DATES_OUT_OF_ORDER coverageEnd",
        **contract | {"groupId": "", "coverageEnd": "2019-12-31"},
    )
    await clerk.does("createGroupContract", **contract)
    await clerk.is_refused("createGroupContract", "ALREADY_EXISTS groupId", **contract)
    await clerk.is_refused("createSubscriber", "INVALID_INPUT subscriberId", subscriberId="1234567890")
    await clerk.does("createSubscriber", subscriberId=COVERED, firstName="Ada")
    await clerk.is_refused("createSubscriber", "ALREADY_EXISTS subscriberId", subscriberId=COVERED)


async def _cover(clerk: Clerk) -> None:
    """Create, change, upsert and delete coverage."""
    first, second = key("2026-01-01"), key("2027-01-01")
    nobody = {"key": key("2026-01-01", "S-2"), "fields": {}}
    await clerk.is_refused("createSubscriberEnrollment", "NOT_FOUND key.subscriberId", **nobody)
    await clerk.does("createSubscriberEnrollment", key=first, fields={"endDate": "2026-12-31"})
    await clerk.is_refused("createSubscriberEnrollment", "ALREADY_EXISTS key", key=first)
    await clerk.is_refused(
        "createSubscriberEnrollment", "OVERLAPPING_COVERAGE key.startDate", key=key("2026-12-31"), fields=None
    )
    late = {"fields": {"endDate": "2025-12-31"}}
    await clerk.is_refused("updateSubscriberEnrollment", "DATES_OUT_OF_ORDER fields.endDate", key=first, **late)
    await clerk.is_refused("updateSubscriberEnrollment", "NOT_FOUND key", key=second, fields={})
    await clerk.does("updateSubscriberEnrollment", key=first, fields={"policyNumber": "P-1"}, expectedVersion=1)
    await clerk.is_refused("upsertSubscriberEnrollments", "INVALID_INPUT enrollments", enrollments=[])
    done = await clerk.does("upsertSubscriberEnrollments", enrollments=[{"key": first}, {"key": second}])
    assert [result["outcome"] for result in done["results"]] == ["UNCHANGED", "CREATED"]
    await clerk.is_refused(
        "deleteSubscriberEnrollment", "VERSION_CONFLICT expectedVersion", key=second, expectedVersion=2
    )
    gone = await clerk.does("deleteSubscriberEnrollment", key=second, expectedVersion=1)
    assert gone == {"deletedId": done["results"][1]["subscriberEnrollment"]["id"]}
    await clerk.is_refused("deleteSubscriberEnrollment", "NOT_FOUND key", key=second)
    assert (await clerk.asks(SEEN, key=second))["subscriberEnrollment"] is None


async def _bill(clerk: Clerk) -> None:
    """Bill two months with a gap, take money, give it back, withdraw a bill."""
    bill = {**WHERE, "dueDate": "2026-01-10", "amountCents": 10_000}
    january = {"billFrom": "2026-01-01", "billThrough": "2026-01-31"}
    backwards = {"billFrom": "2026-01-31", "billThrough": "2026-01-01"}
    await clerk.is_refused("recordPremiumInvoice", "DATES_OUT_OF_ORDER billThrough", **bill, **backwards)
    invoice = (await clerk.does("recordPremiumInvoice", **bill, **january))["invoice"]["id"]
    own = (await clerk.does("recordPremiumInvoice", **bill, **january, subscriberId=COVERED))["invoice"]["id"]
    paid = {"invoiceId": own, "receivedOn": "2026-11-20"}
    await clerk.is_refused("recordPremiumPayment", "INVALID_INPUT amountCents", **paid, amountCents=0)
    payment = (await clerk.does("recordPremiumPayment", **paid, amountCents=10_000))["payment"]["id"]
    whose = {"subscriberId": COVERED, **WHERE}
    await clerk.is_refused("setPaidThrough", "NOT_FOUND subscriberId", **whose | {"subscriberId": "S-9"})
    reached = await clerk.does("setPaidThrough", **whose)
    coverage = (
        await clerk.asks(
            "query($key: SubscriberEnrollmentKey!) { subscriberEnrollment(key: $key) { id } }", key=key("2026-01-01")
        )
    )["subscriberEnrollment"]
    assert reached == {
        "results": [{"subscriberEnrollment": coverage, "paidThrough": "2026-01-31", "invoice": {"id": own}}]
    }
    await clerk.is_refused("updateTenantSettings", "INVALID_INPUT autoPaidThrough", autoPaidThrough=None)
    settings = await clerk.does("updateTenantSettings", autoPaidThrough=True)
    assert settings == {"tenantSettings": {"autoPaidThrough": True}}
    await clerk.does("reversePremiumPayment", paymentId=payment, reason="Bounced.")
    assert (await clerk.asks(SEEN, key=key("2026-01-01")))["subscriberEnrollment"]["paidThrough"] is None
    await clerk.is_refused("reversePremiumPayment", "INVALID_STATUS_TRANSITION paymentId", paymentId=payment)
    await clerk.does("voidPremiumInvoice", invoiceId=invoice)
    await clerk.is_refused("voidPremiumInvoice", "INVALID_STATUS_TRANSITION invoiceId", invoiceId=invoice)


# ----------------------------------------------------------------------------------------------------- coverage


@pytest.fixture
async def office(database: Database) -> Office:
    return await covered_office(database)


async def upsert(office: Office, *items: Input, **options: Any) -> Any:
    """Upsert, and give what came of each item."""
    answer = await fetch_data(
        office.database, office.clock(), office.viewer, UPSERT, input={"enrollments": items, **options}
    )
    payload = answer["upsertSubscriberEnrollments"]
    assert payload["userErrors"] == []
    return payload["results"]


async def test_a_field_left_out_stays_and_null_clears(office: Office) -> None:
    named = key("2026-01-01")
    await call(office, "updateSubscriberEnrollment", {"key": named, "fields": FIELDS | {"endDate": "2026-06-30"}})
    full = await seen(office, named)
    assert {name: full[name] for name in FIELDS} == FIELDS | {"endDate": "2026-06-30"}
    assert (full["version"], full["updateUser"]) == (2, "akey_administrator")
    for name in FIELDS:
        later = office.as_viewer(replace(office.viewer, key_id=f"akey_{name}"))
        assert (await call(later, "updateSubscriberEnrollment", {"key": named, "fields": {name: None}})).is_done
        cleared = await seen(office, named)
        assert cleared[name] is None
        assert (cleared["version"], cleared["updateUser"]) == (full["version"] + 1, f"akey_{name}")
        assert (cleared["entryDate"], cleared["entryUser"]) == (full["entryDate"], "akey_administrator")
        assert cleared["updateDate"] > full["updateDate"]
        known = {"version", "updateUser", "updateDate", name}
        assert {each for each in full if cleared[each] != full[each]} == known
        full = cleared
    nothing = await call(office, "updateSubscriberEnrollment", {"key": named, "fields": {}})
    assert nothing.is_done
    assert await seen(office, named) == full


async def test_a_date_time_at_midnight_is_its_day(office: Office) -> None:
    days = {"groupCoverageStart", "startDate", *(name for name in FIELDS if "Cents" not in name)} - {"policyNumber"}
    named = {name: f"{part}T00:00:00Z" if name in days else part for name, part in key("2027-01-01").items()}
    fields = {name: f"{value}T00:00:00" if name in days else value for name, value in FIELDS.items()}
    assert (await call(office, "createSubscriberEnrollment", {"key": named, "fields": fields})).is_done
    found = await seen(office, key("2027-01-01"))
    assert {name: found[name] for name in FIELDS} == FIELDS
    for wrong in ("2027-01-01T10:00:00Z", "2027-01-01T00:00:00+02:00", "2027-02-30", "1/1/2027", 20270101):
        answer = await call(office, "createSubscriberEnrollment", {"key": named, "fields": {"endDate": wrong}})
        assert answer.errors == ["BAD_USER_INPUT"]


async def test_one_bad_item_fails_alone_and_each_is_told_at_its_place(office: Office) -> None:
    first, second, stranger = key("2026-01-01"), key("2027-01-01"), key("2026-01-01", "S-404")
    items: list[Input] = [
        {"key": first, "fields": {"policyNumber": "P-1"}},
        {"key": second, "fields": {"endDate": "2027-06-30"}},
        {"key": stranger},
        {"key": second, "fields": {"endDate": None, "annualMaxCents": 5}},
        {"key": key("2027-03-01")},
        {"key": second, "fields": {"annualMaxCents": -1, "policyNumber": "x" * 26}},
        {"key": first | {"groupId": "G404"}, "fields": None},
        {"key": first, "fields": {"policyNumber": None}},
        {"key": key("2028-01-01", "S-2")},
    ]
    results = await upsert(office, *items)
    assert [result["index"] for result in results] == list(range(9))
    outcomes = "UNCHANGED CREATED FAILED UPDATED FAILED FAILED FAILED UPDATED FAILED"
    assert " ".join(result["outcome"] for result in results) == outcomes
    told = {
        result["index"]: [f"{error['code']} {'.'.join(error['field'])}" for error in result["userErrors"]]
        for result in results
        if result["userErrors"]
    }
    assert told == {
        2: ["NOT_FOUND enrollments.2.key.subscriberId"],
        4: ["OVERLAPPING_COVERAGE enrollments.4.key.startDate"],
        5: ["INVALID_INPUT enrollments.5.fields.annualMaxCents", "INVALID_INPUT enrollments.5.fields.policyNumber"],
        6: ["NOT_FOUND enrollments.6.key.groupId"],
        8: ["DATES_OUT_OF_ORDER enrollments.8.key.startDate"],
    }
    # Of one key that stands twice, both items show how it stands in the end.
    one, other = (results[place]["subscriberEnrollment"] for place in (1, 3))
    assert one == other
    assert (one["version"], one["endDate"], one["annualMaxCents"]) == (2, None, 5)
    assert results[7]["subscriberEnrollment"] == results[0]["subscriberEnrollment"]
    assert results[0]["subscriberEnrollment"]["version"] == 2
    assert all((result["subscriberEnrollment"] is None) is (result["outcome"] == "FAILED") for result in results)
    assert len((await office.read_all_rows())["subscriber_enrollments"]) == 2


async def test_what_is_so_already_keeps_its_version_and_its_history(office: Office) -> None:
    item = {"key": key("2026-01-01"), "fields": {"endDate": "2026-12-31", "policyNumber": "P-1", "termDate": None}}
    before = await office.read_all_rows()
    (result,) = await upsert(office, item)
    assert (result["outcome"], result["subscriberEnrollment"]["version"]) == ("UNCHANGED", 1)
    assert await office.read_all_rows() == before


async def test_a_batch_is_done_once_under_its_key(office: Office) -> None:
    items = [{"key": key("2027-01-01")}, {"key": key("2026-01-01", "S-404")}, {"key": key("2026-01-01")}]
    once = await upsert(office, *items, idempotencyKey="k")
    await call(office, "updateSubscriberEnrollment", {"key": key("2027-01-01"), "fields": {"policyNumber": "P-9"}})
    before = await office.read_all_rows()
    again = await upsert(office, *items, idempotencyKey="k")
    assert await office.read_all_rows() == before
    assert again[0]["subscriberEnrollment"] == once[0]["subscriberEnrollment"] | {"version": 2}
    assert (again[0]["outcome"], again[1:]) == ("CREATED", once[1:])
    assert (await call(office, "deleteSubscriberEnrollment", {"key": key("2027-01-01")})).is_done
    answer = await call(office, "upsertSubscriberEnrollments", {"enrollments": items, "idempotencyKey": "k"})
    assert answer.refusals == ["NOT_FOUND idempotencyKey"]


async def test_a_batch_of_which_nothing_was_done_may_be_right_tomorrow(office: Office) -> None:
    items = [{"key": key("2026-01-01", number)} for number in ("N-1", "N-2")]
    before = await office.read_all_rows()
    for _ in range(2):
        results = await upsert(office, *items, idempotencyKey="k")
        assert [result["outcome"] for result in results] == ["FAILED", "FAILED"]
    assert await office.read_all_rows() == before
    await make_subscriber(office, "N-1")
    results = await upsert(office, *items, idempotencyKey="k")
    assert [result["outcome"] for result in results] == ["CREATED", "FAILED"]


async def test_a_call_takes_a_thousand_items_and_no_more(office: Office) -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(600)]
    keys = [key(day.isoformat(), f"S-{number}") for day in days for number in (2, 3)][:1000]
    items = [{"key": named, "fields": FIELDS | {"endDate": named["startDate"]}} for named in keys]
    started = time.monotonic()
    async with statements(office.database) as sent:
        results = await upsert(office, *items)
    took = time.monotonic() - started
    assert {result["outcome"] for result in results} == {"CREATED"}
    assert [result["subscriberEnrollment"]["startDate"] for result in results] == [each["startDate"] for each in keys]
    assert len(sent) == 12
    assert took < 8  # about a second on an idle machine
    answer = await call(office, "upsertSubscriberEnrollments", {"enrollments": [*items, items[0]]})
    assert answer.refusals == ["INVALID_INPUT enrollments"]


# ------------------------------------------------------------------------------------------------------- reach


async def test_names_out_of_reach_are_as_if_they_were_nobodys(office: Office) -> None:
    """A service limited to another employer can't tell what is there by any name, and changes none of it."""
    elsewhere = await create_office(office.database)
    limited = service_viewer(employer=elsewhere.employer, actions=Action)
    there, nowhere = key("2026-01-01"), key("2026-01-01", "S-404") | {"groupId": "G404"}
    before = await office.read_all_rows()
    single: dict[str, Input] = {
        "createSubscriberEnrollment": {"fields": {}},
        "updateSubscriberEnrollment": {"fields": {}},
        "deleteSubscriberEnrollment": {},
    }
    for mutation, rest in single.items():
        told = [await call(office, mutation, {"key": named, **rest}, viewer=limited) for named in (there, nowhere)]
        assert told[0] == told[1]
        assert {refusal.split()[0] for refusal in told[0].refusals} == {"NOT_FOUND"}
    told = [
        await call(office, "upsertSubscriberEnrollments", {"enrollments": [{"key": named}]}, viewer=limited)
        for named in (there, nowhere)
    ]
    assert told[0] == told[1]
    where = [{name: named[name] for name in ("subscriberId", "groupId", "divisionId")} for named in (there, nowhere)]
    told = [await call(office, "setPaidThrough", each, viewer=limited) for each in where]
    assert told[0] == told[1]
    bill = {"billFrom": "2026-01-01", "billThrough": "2026-01-31", "dueDate": "2026-01-10", "amountCents": 1}
    told = [await call(office, "recordPremiumInvoice", each | bill, viewer=limited) for each in where]
    assert told[0] == told[1]
    assert told[0].refusals == ["NOT_FOUND groupId", "NOT_FOUND subscriberId"]
    assert await office.read_all_rows() == before


async def test_what_a_limited_service_may_write_lies_within_its_reach(office: Office) -> None:
    limited = service_viewer(employer=office.employer, actions=Action)
    ada = await office.hire()
    good: dict[str, Input] = {
        "createSubscriber": {"subscriberId": "N-1", "employeeId": ada},
        "createGroupContract": {**WHERE, "coverageStart": "2028-01-01", "employerId": office.employer},
        "upsertSubscriberEnrollments": {"enrollments": [{"key": key("2026-01-01", "N-1")}]},
    }
    for mutation, input in good.items():
        assert (await call(office, mutation, input, viewer=limited)).is_done, mutation
