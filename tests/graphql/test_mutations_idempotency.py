"""Idempotency keys: the same call is done once in thirty days, and a replay says so (design, promises)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from mutating import MUTATIONS, Answer, Input, busy_office, call

from benegraph.db.session import Database
from benegraph.domain.access import Action, Viewer
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
from factories.office import Office, create_office

REUSED = ["IDEMPOTENCY_KEY_REUSED idempotencyKey"]


async def twice(office: Office, mutation: str, first: Input, second: Input) -> tuple[Answer, Answer]:
    """Call it twice; the second time must change nothing."""
    once = await call(office, mutation, first)
    before = await office.read_all_rows()
    again = await call(office, mutation, second)
    assert await office.read_all_rows() == before
    return once, again


def hire(office: Office, **changes: Any) -> Input:
    return {
        "employerId": office.employer,
        "firstName": "Eli",
        "lastName": "Evans",
        "employmentClass": "FULL_TIME",
        "startDate": "2026-11-16",
        "idempotencyKey": "key",
        **changes,
    }


async def test_every_mutation_is_done_once_under_its_key(database: Database) -> None:
    for mutation in MUTATIONS:
        tenant = f"acme-{MUTATIONS.index(mutation)}"
        office, inputs = await busy_office(database, tenant=tenant)
        once, again = await twice(office, mutation, inputs[mutation], inputs[mutation])
        assert once.is_done, (mutation, once)
        assert not once.replayed
        assert again == replace(once, replayed=True), mutation


async def test_another_input_under_the_same_key_is_refused(database: Database) -> None:
    office = await create_office(database)
    once, again = await twice(office, "createEmployee", hire(office), hire(office, firstName="Eve"))
    assert once.is_done
    assert (again.refusals, again.payload, again.replayed) == (REUSED, {"employee": None}, False)


async def test_the_order_of_fields_and_defaults_left_out_make_no_other_input(database: Database) -> None:
    office, inputs = await busy_office(database)
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


async def test_a_date_is_the_same_however_it_is_written(database: Database) -> None:
    office = await create_office(database)
    other = hire(office, startDate="2026-11-16T00:00:00Z")
    _, again = await twice(office, "createEmployee", hire(office), other)
    assert again.replayed


async def test_null_is_not_the_same_as_left_out(database: Database) -> None:
    """In an update one clears and the other keeps, so they are two inputs everywhere."""
    office, inputs = await busy_office(database)
    update = {"employeeId": inputs["elect"]["employeeId"], "firstName": "Ida", "idempotencyKey": "key"}
    _, again = await twice(office, "updateEmployee", update, {**update, "email": None})
    assert again.refusals == REUSED


async def test_each_mutation_and_each_caller_has_keys_of_its_own(database: Database) -> None:
    office, inputs = await busy_office(database)
    callers: list[Viewer] = [
        administrator(),
        employer_viewer(office.employer),
        replace(administrator(), key_id="akey_another"),
        service_viewer(actions=Action),
        employee_viewer(office.employer, inputs["elect"]["employeeId"]),
    ]
    child = {**inputs["addDependent"], "idempotencyKey": "key"}
    answers = [await call(office, "addDependent", child, viewer=viewer) for viewer in callers]
    assert all(answer.is_done and not answer.replayed for answer in answers)
    assert len({str(answer.payload) for answer in answers}) == len(callers)
    assert (await call(office, "createEmployee", hire(office))).is_done
    elsewhere = await create_office(database, tenant="globex")
    assert not (await call(elsewhere, "createEmployee", hire(elsewhere))).replayed


async def test_what_was_refused_may_be_right_tomorrow(database: Database) -> None:
    office, inputs = await busy_office(database)
    late = office.on_day(office.today + timedelta(days=30))
    before = await office.read_all_rows()
    refused = await call(late, "elect", inputs["elect"])
    assert refused.refusals == ["WINDOW_NOT_OPEN elections.0.enrollmentId"]
    assert await office.read_all_rows() == before  # no key was kept
    answer = await call(office, "elect", inputs["elect"])
    assert (answer.is_done, answer.replayed) == (True, False)


async def test_a_dry_run_keeps_no_key(database: Database) -> None:
    office, inputs = await busy_office(database)
    dry = {**inputs["elect"], "dryRun": True}
    first, again = await twice(office, "elect", dry, dry)
    assert first.is_done
    assert (again.is_done, again.replayed) == (True, False)
    answer = await call(office, "elect", inputs["elect"])
    assert (answer.is_done, answer.replayed) == (True, False)


async def test_a_replay_shows_the_rows_as_they_stand_now(database: Database) -> None:
    office, inputs = await busy_office(database)
    await call(office, "elect", inputs["elect"])
    await office.reopen_election(inputs["elect"]["elections"][0]["enrollmentId"])
    answer = await call(office, "elect", inputs["elect"])
    assert (answer.is_done, answer.replayed) == (True, True)
    row = await office.enrollment(inputs["elect"]["elections"][0]["enrollmentId"])
    assert row.status == "PENDING"


async def test_a_replay_by_someone_who_can_not_see_it_any_more_is_not_found(database: Database) -> None:
    """The same key's reach was narrowed meanwhile, to another employer, or its right was taken."""
    office, inputs = await busy_office(database)
    elsewhere = await create_office(database)
    wide = service_viewer(actions=Action)
    for mutation in ("createEmployee", "addDependent", "elect", "reportLifeEvent", "createPlanYear"):
        assert (await call(office, mutation, inputs[mutation], viewer=wide)).is_done
        narrow = replace(wide, employer_id=elsewhere.employer)
        answer = await call(office, mutation, inputs[mutation], viewer=narrow)
        assert answer.refusals == ["NOT_FOUND idempotencyKey"], mutation
        powerless = replace(wide, actions=frozenset())
        assert (await call(office, mutation, inputs[mutation], viewer=powerless)).errors == ["FORBIDDEN"]


async def test_after_thirty_days_a_key_is_new(database: Database) -> None:
    office = await create_office(database)
    month = timedelta(days=30)
    first = await call(office, "createEmployee", hire(office))
    # Each call of an office is a moment later than the one before.
    assert (
        await call(office.on_day(office.today + month - timedelta(days=1)), "createEmployee", hire(office))
    ).replayed
    anew = await call(office.on_day(office.today + month), "createEmployee", hire(office))
    assert (anew.is_done, anew.replayed) == (True, False)
    assert anew.payload != first.payload
    again = await call(office.on_day(office.today + month), "createEmployee", hire(office))
    assert (again.payload, again.replayed) == (anew.payload, True)


async def test_a_key_is_any_text_of_up_to_255_characters(database: Database) -> None:
    office = await create_office(database)
    for key in ("x", "é" * 255, "a b\tc", "'; DROP TABLE employees; --"):
        once, again = await twice(
            office, "createEmployee", hire(office, idempotencyKey=key), hire(office, idempotencyKey=key)
        )
        assert (once.is_done, again.replayed) == (True, True)
    for key in ("x" * 256, " ", "\x00", ""):
        answer = await call(office, "createEmployee", hire(office, idempotencyKey=key))
        assert answer.refusals == ["INVALID_INPUT idempotencyKey"], key
    for _ in range(2):  # without one, every call counts
        answer = await call(office, "createEmployee", hire(office, idempotencyKey=None))
        assert (answer.is_done, answer.replayed) == (True, False)
