"""Taking an answer back while its window is open; what it had ended is in force again."""

from datetime import date

import pytest

from benegraph.db.session import Database
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.services import enrollments
from factories.access import employee_viewer
from factories.office import Office, create_office, enroll, waive

REFUSED = ["INVALID_STATUS_TRANSITION enrollmentId"]


async def answered(database: Database) -> tuple[Office, str, str, dict[str, str]]:
    """Ada is enrolled in GOLD with a child; give her id, the enrollment's, and the plans'."""
    office = await create_office(database)
    ada = await office.hire()
    plans = dict(await office.plan_ids_by_code(await office.open_plan_year()))
    id = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(id, plans["GOLD"], await office.add_child(ada)))
    return office, ada, id, plans


async def test_an_answer_taken_back_is_as_if_never_given(database: Database) -> None:
    office, ada, id, plans = await answered(database)
    before = await office.read_row("enrollments", id)

    await office.as_viewer(employee_viewer(office.employer, ada)).reopen_election(id, version=2)

    row = await office.read_row("enrollments", id)
    assert {name for name, value in row.items() if value != before[name]} == {
        "decision",
        "decided_at",
        "coverage_tier",
        "selected_plan_id",
        "employee_contribution_cents",
        "employer_contribution_cents",
        "coverage_starts_on",
        "coverage_ends_on",
        "updated_at",
        "version",
    }
    assert {row[name] for name in ("decision", "coverage_tier", "coverage_starts_on", "closed_on")} == {None}
    assert (row["version"], (await office.enrollment(id)).status) == (3, "PENDING")
    assert (await office.read_all_rows())["enrolled_dependents"] == {}
    await office.elect(ada, enroll(id, plans["SILVER"]))
    assert (await office.enrollment(id)).coverage_tier == "EE"
    assert [event["action"] for event in await office.history(id)] == ["ISSUED", "ENROLLED", "REOPENED", "ENROLLED"]


async def test_history_keeps_the_answer_that_was_taken_back(database: Database) -> None:
    office, _, id, plans = await answered(database)
    await office.reopen_election(id)
    event = (await office.history(id))[-1]
    assert event["before"]["selected_plan_id"] == plans["GOLD"]
    assert event["before"]["coverage_ends_on"] == "2027-12-31"
    assert set(event["after"].values()) == {None}


async def test_a_waiver_can_be_taken_back_too(database: Database) -> None:
    office, _, id, _ = await answered(database)
    await office.reopen_election(id)
    await office.elect((await office.enrollment(id)).employee_id, waive(id))
    await office.reopen_election(id)
    assert (await office.enrollment(id)).status == "PENDING"


async def test_the_window_must_be_open(database: Database) -> None:
    office, _, id, _ = await answered(database)
    await office.on_day(date(2026, 11, 30)).dry_run(enrollments.reopen_election, id, None)
    late = office.on_day(date(2026, 12, 1))
    assert await late.refusals(late.reopen_election(id)) == ["WINDOW_NOT_OPEN enrollmentId"]
    assert await late.refusals(late.reopen_election(id, version=1)) == [
        "VERSION_CONFLICT expectedVersion",
        "WINDOW_NOT_OPEN enrollmentId",
    ]


async def test_only_an_answer_can_be_taken_back(database: Database) -> None:
    office, _, id, _ = await answered(database)
    await office.reopen_election(id)
    assert await office.refusals(office.reopen_election(id)) == REFUSED


async def test_ids_of_nothing_in_reach_are_not_found(database: Database) -> None:
    office, ada, id, _ = await answered(database)
    bob = office.as_viewer(employee_viewer(office.employer, await office.hire("Bob")))
    assert await bob.refusals(bob.reopen_election(id)) == ["NOT_FOUND enrollmentId"]
    assert await office.refusals(office.reopen_election(ada)) == ["INVALID_INPUT enrollmentId"]


async def test_an_answer_with_an_open_reissue_waits_for_that(database: Database) -> None:
    office, ada, id, plans = await answered(database)
    reissued = await office.reissue(id, await office.approve_life_event(ada))
    assert await office.refusals(office.reopen_election(id)) == ["REISSUE_ALREADY_OPEN enrollmentId"]
    await office.elect(ada, enroll(reissued, plans["GOLD"], *await children(office)))
    assert await office.refusals(office.reopen_election(id)) == REFUSED


async def test_a_reissue_taken_back_restores_the_coverage_it_had_ended(database: Database) -> None:
    office, ada, id, plans = await answered(database)
    office = office.on_day(date(2027, 3, 10))
    birth = await office.approve_life_event(ada)
    reissued = await office.reissue(id, birth)
    baby = await office.add_child(ada, date(2027, 3, 10))
    await office.elect(ada, enroll(reissued, plans["GOLD"], *await children(office)))
    old = await office.enrollment(id)
    assert (old.coverage_ends_on, old.closed_on, old.close_reason) == (
        date(2027, 3, 9),
        date(2027, 3, 10),
        "REISSUED",
    )

    await office.reopen_election(reissued)

    old = await office.enrollment(id)
    assert (old.status, old.coverage_ends_on, old.closed_on, old.close_reason) == (
        "ENROLLED",
        date(2027, 12, 31),
        None,
        None,
    )
    assert (await office.enrollment(reissued)).status == "PENDING"
    assert baby not in "".join((await office.read_all_rows())["enrolled_dependents"])
    await office.elect(ada, enroll(reissued, plans["GOLD"], *await children(office)))
    assert (await office.enrollment(id)).coverage_ends_on == date(2027, 3, 9)


@pytest.mark.parametrize("waived", [False, True])
async def test_a_marriage_taken_back_restores_cancelled_coverage_whole(database: Database, waived: bool) -> None:
    """Answered before the plan year begins, the reissue leaves the old coverage no day at all."""
    office, ada, id, plans = await answered(database)
    reissued = await office.reissue(id, await office.approve_life_event(ada, LifeEventType.MARRIAGE))
    await office.elect(ada, waive(reissued) if waived else enroll(reissued, plans["SILVER"]))
    old = await office.enrollment(id)
    assert (old.status, old.coverage_status) == ("INACTIVE", "CANCELLED")
    assert (old.coverage_starts_on, old.coverage_ends_on, old.closed_on) == (
        date(2027, 1, 1),
        None,
        date(2027, 1, 1),
    )
    await office.reopen_election(reissued)
    old = await office.enrollment(id)
    assert (old.status, old.coverage_status, old.coverage_ends_on) == ("ENROLLED", "UPCOMING", date(2027, 12, 31))


async def test_after_the_employment_there_is_nothing_to_take_back(database: Database) -> None:
    office, ada, id, _ = await answered(database)
    await office.terminate_employee(ada, date(2026, 12, 31))
    assert await office.refusals(office.reopen_election(id)) == REFUSED  # cancelled: its turn never comes
    await office.reinstate_employee(ada)
    await office.terminate_employee(ada, date(2027, 1, 1))
    await office.reopen_election(id)


async def children(office: Office) -> list[str]:
    return sorted((await office.read_all_rows())["dependents"])
