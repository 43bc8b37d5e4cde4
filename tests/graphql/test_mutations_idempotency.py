"""Idempotency keys: a repeated call is applied once within thirty days, and its response says that it is a replay."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from mutation_calls import MUTATIONS, Input, MutationResponse, call, create_office_with_inputs
from sqlalchemy import make_url

from benegraph.db.session import Database
from benegraph.domain.access import Action, Viewer
from conftest import copy_database, open_database
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
from factories.office import Office, create_office

REUSED = ["IDEMPOTENCY_KEY_REUSED idempotencyKey"]


async def twice(
    office: Office, mutation: str, first: Input, second: Input
) -> tuple[MutationResponse, MutationResponse]:
    """Call a mutation twice; the second call must change no row."""
    first_response = await call(office, mutation, first)
    before = await office.read_all_rows()
    again = await call(office, mutation, second)
    after = await office.read_all_rows()
    if mutation == "revealSsn":  # each call is recorded
        assert [event["action"] for id, event in after["events"].items() if id not in before["events"]] == ["REVEALED"]
        after["events"] = before["events"]
        assert len(after["access_records"]) == len(before["access_records"]) + 1
        after["access_records"] = before["access_records"]
    assert after == before
    return first_response, again


def hire_input(office: Office, **changes: Any) -> Input:
    return {
        "employerId": office.employer,
        "firstName": "Eli",
        "lastName": "Evans",
        "employmentClass": "FULL_TIME",
        "startDate": "2026-11-16",
        "idempotencyKey": "key",
        **changes,
    }


async def test_every_mutation_is_applied_once_for_its_key(server_url: str, template: str) -> None:
    async with copy_database(server_url, template) as office_url:
        async with open_database(office_url) as database:
            office, inputs = await create_office_with_inputs(database)
        for mutation in MUTATIONS:
            copied = str(make_url(office_url).database)
            async with copy_database(server_url, copied) as url, open_database(url) as database:
                await check_applied_once(replace(office, database=database), mutation, inputs[mutation])


async def check_applied_once(office: Office, mutation: str, input: Input) -> None:
    first, again = await twice(office, mutation, input, input)
    assert first.is_applied, (mutation, first)
    assert not first.replayed
    if mutation == "issueKey":  # the secret is not stored
        assert first.payload is not None
        assert first.payload.pop("secret").startswith("bgk_")
        first.payload["secret"] = None
    assert again == replace(first, replayed=True), mutation


async def test_key_reused_for_another_input_is_refused(database: Database) -> None:
    office = await create_office(database)
    first, again = await twice(office, "createEmployee", hire_input(office), hire_input(office, firstName="Eve"))
    assert first.is_applied
    assert (again.refusals, again.payload, again.replayed) == (REUSED, {"employee": None}, False)
    assert again.messages == ["The idempotency key was used with another input of createEmployee; send a new key."]


async def test_field_order_and_omitted_defaults_do_not_change_the_input(database: Database) -> None:
    office, inputs = await create_office_with_inputs(database)
    input = inputs["elect"]
    other: Input = {name: input[name] for name in reversed(list(input)) if name != "dryRun"}
    other["elections"] = [dict(reversed(list(election.items()))) for election in input["elections"]]
    _, again = await twice(office, "elect", input, other)
    assert again.replayed
    employer = {"name": "Beta LLC", "idempotencyKey": "key"}
    _, again = await twice(office, "createEmployer", employer, {"timeZone": "America/New_York", **employer})
    assert again.replayed
    _, again = await twice(office, "createEmployer", employer, {"timeZone": "America/Chicago", **employer})
    assert again.refusals == REUSED


async def test_equal_dates_in_different_notations_are_the_same_input(database: Database) -> None:
    office = await create_office(database)
    other = hire_input(office, startDate="2026-11-16T00:00:00Z")
    _, again = await twice(office, "createEmployee", hire_input(office), other)
    assert again.replayed


async def test_null_and_an_omitted_field_are_different_inputs(database: Database) -> None:
    """In an update, null clears a value and an omitted field keeps it."""
    office, inputs = await create_office_with_inputs(database)
    update = {"employeeId": inputs["elect"]["employeeId"], "firstName": "Ida", "idempotencyKey": "key"}
    _, again = await twice(office, "updateEmployee", update, {**update, "email": None})
    assert again.refusals == REUSED


async def test_keys_belong_to_one_mutation_caller_and_tenant(database: Database) -> None:
    office, inputs = await create_office_with_inputs(database)
    callers: list[Viewer] = [
        administrator(),
        employer_viewer(office.employer),
        replace(administrator(), key_id="akey_another"),
        service_viewer(actions=Action),
        employee_viewer(office.employer, inputs["elect"]["employeeId"]),
    ]
    child = {**inputs["addDependent"], "idempotencyKey": "key"}
    responses = [await call(office, "addDependent", child, viewer=viewer) for viewer in callers]
    assert all(response.is_applied and not response.replayed for response in responses)
    assert len({str(response.payload) for response in responses}) == len(callers)
    assert (await call(office, "createEmployee", hire_input(office))).is_applied
    other_office = await create_office(database, tenant="globex")
    assert not (await call(other_office, "createEmployee", hire_input(other_office))).replayed


async def test_refused_call_stores_no_key(database: Database) -> None:
    office, inputs = await create_office_with_inputs(database)
    late_office = office.on_day(office.today + timedelta(days=30))
    before = await office.read_all_rows()
    refused = await call(late_office, "elect", inputs["elect"])
    assert refused.refusals == ["WINDOW_NOT_OPEN elections.0.enrollmentId"]
    assert await office.read_all_rows() == before  # no key was stored
    response = await call(office, "elect", inputs["elect"])
    assert (response.is_applied, response.replayed) == (True, False)


async def test_dry_run_stores_no_key(database: Database) -> None:
    office, inputs = await create_office_with_inputs(database)
    dry = {**inputs["elect"], "dryRun": True}
    first, again = await twice(office, "elect", dry, dry)
    assert first.is_applied
    assert (again.is_applied, again.replayed) == (True, False)
    response = await call(office, "elect", inputs["elect"])
    assert (response.is_applied, response.replayed) == (True, False)


async def test_replay_returns_the_current_rows(database: Database) -> None:
    office, inputs = await create_office_with_inputs(database)
    await call(office, "elect", inputs["elect"])
    await office.reopen_election(inputs["elect"]["elections"][0]["enrollmentId"])
    response = await call(office, "elect", inputs["elect"])
    assert (response.is_applied, response.replayed) == (True, True)
    row = await office.enrollment(inputs["elect"]["elections"][0]["enrollmentId"])
    assert row.status == "PENDING"


async def test_replay_of_rows_no_longer_visible_is_not_found(database: Database) -> None:
    """The caller's API key was limited to another employer in the meantime, or lost its actions."""
    office, inputs = await create_office_with_inputs(database)
    other_office = await create_office(database)
    viewer = service_viewer(actions=Action)
    for mutation in ("createEmployee", "addDependent", "elect", "reportLifeEvent", "createPlanYear"):
        assert (await call(office, mutation, inputs[mutation], viewer=viewer)).is_applied
        limited_viewer = replace(viewer, employer_id=other_office.employer)
        response = await call(office, mutation, inputs[mutation], viewer=limited_viewer)
        assert response.refusals == ["NOT_FOUND idempotencyKey"], mutation
        assert response.messages == [
            "An object that was changed under this idempotency key no longer exists or is not visible to you."
        ]
        viewer_without_actions = replace(viewer, actions=frozenset())
        assert (await call(office, mutation, inputs[mutation], viewer=viewer_without_actions)).errors == ["FORBIDDEN"]


async def test_key_expires_after_thirty_days(database: Database) -> None:
    office = await create_office(database)
    month = timedelta(days=30)
    first = await call(office, "createEmployee", hire_input(office))
    # The office's clock advances a little with every call.
    last_day = office.on_day(office.today + month - timedelta(days=1))
    assert (await call(last_day, "createEmployee", hire_input(office))).replayed
    later = await call(office.on_day(office.today + month), "createEmployee", hire_input(office))
    assert (later.is_applied, later.replayed) == (True, False)
    assert later.payload != first.payload
    again = await call(office.on_day(office.today + month), "createEmployee", hire_input(office))
    assert (again.payload, again.replayed) == (later.payload, True)


async def test_key_is_any_text_of_1_to_255_characters(database: Database) -> None:
    office = await create_office(database)
    for key in ("x", "é" * 255, "a b\tc", "'; DROP TABLE employees; --"):
        input = hire_input(office, idempotencyKey=key)
        first, again = await twice(office, "createEmployee", input, input)
        assert (first.is_applied, again.replayed) == (True, True)
    for key in ("x" * 256, " ", "\x00", ""):
        response = await call(office, "createEmployee", hire_input(office, idempotencyKey=key))
        assert response.refusals == ["INVALID_INPUT idempotencyKey"], key
    for _ in range(2):  # without a key, every call is applied
        response = await call(office, "createEmployee", hire_input(office, idempotencyKey=None))
        assert (response.is_applied, response.replayed) == (True, False)
