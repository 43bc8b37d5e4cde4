"""Reopening an election while its window is open; coverage that it had ended is in force again."""

from datetime import date

import pytest

from benegraph.db.session import Database
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.plan_years import WaitingPeriod
from benegraph.services import enrollments
from factories.access import employee_viewer
from factories.office import Office, create_office, enroll, waive

REFUSED = ["INVALID_STATUS_TRANSITION enrollmentId"]


async def office_with_enrolled_employee(database: Database) -> tuple[Office, str, str, dict[str, str]]:
    """Ada is enrolled in GOLD with a child; return her ID, the enrollment's ID, and plan IDs by carrier plan ID."""
    office = await create_office(database)
    ada = await office.hire()
    plans = dict(await office.plan_ids(await office.open_plan_year()))
    id = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(id, plans["GOLD"], await office.add_child(ada)))
    return office, ada, id, plans


async def test_reopening_clears_every_election_column(database: Database) -> None:
    office, ada, id, plans = await office_with_enrolled_employee(database)
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


async def test_history_keeps_the_reopened_election(database: Database) -> None:
    office, _, id, plans = await office_with_enrolled_employee(database)
    await office.reopen_election(id)
    event = (await office.history(id))[-1]
    assert event["before"]["selected_plan_id"] == plans["GOLD"]
    assert event["before"]["coverage_ends_on"] == "2027-12-31"
    assert set(event["after"].values()) == {None}


async def test_waiver_can_be_reopened(database: Database) -> None:
    office, _, id, _ = await office_with_enrolled_employee(database)
    await office.reopen_election(id)
    await office.elect((await office.enrollment(id)).employee_id, waive(id))
    await office.reopen_election(id)
    assert (await office.enrollment(id)).status == "PENDING"


async def test_reopening_after_the_window_is_refused(database: Database) -> None:
    office, _, id, _ = await office_with_enrolled_employee(database)
    await office.on_day(date(2026, 11, 30)).dry_run(enrollments.reopen_election, id, None)
    late = office.on_day(date(2026, 12, 1))
    assert await late.refusals(late.reopen_election(id)) == ["WINDOW_NOT_OPEN enrollmentId"]
    assert await late.refusals(late.reopen_election(id, version=1)) == [
        "VERSION_CONFLICT expectedVersion",
        "WINDOW_NOT_OPEN enrollmentId",
    ]


async def test_reopening_unanswered_enrollment_is_refused(database: Database) -> None:
    office, _, id, _ = await office_with_enrolled_employee(database)
    await office.reopen_election(id)
    assert await office.refusals(office.reopen_election(id)) == REFUSED


async def test_enrollment_outside_viewer_scope_cannot_be_reopened(database: Database) -> None:
    office, ada, id, _ = await office_with_enrolled_employee(database)
    bob_office = office.as_viewer(employee_viewer(office.employer, await office.hire("Bob")))
    assert await bob_office.refusals(bob_office.reopen_election(id)) == ["NOT_FOUND enrollmentId"]
    assert await office.refusals(office.reopen_election(ada)) == ["INVALID_INPUT enrollmentId"]


async def test_enrollment_with_open_reissue_cannot_be_reopened(database: Database) -> None:
    office, ada, id, plans = await office_with_enrolled_employee(database)
    reissued = await office.reissue(id, await office.approve_life_event(ada))
    assert await office.refusals(office.reopen_election(id)) == ["REISSUE_ALREADY_OPEN enrollmentId"]
    await office.elect(ada, enroll(reissued, plans["GOLD"], *await dependent_ids(office)))
    assert await office.refusals(office.reopen_election(id)) == REFUSED


async def test_reopening_a_reissue_restores_the_coverage_it_had_ended(database: Database) -> None:
    office, ada, id, plans = await office_with_enrolled_employee(database)
    office = office.on_day(date(2027, 3, 10))
    birth = await office.approve_life_event(ada)
    reissued = await office.reissue(id, birth)
    baby = await office.add_child(ada, date(2027, 3, 10))
    await office.elect(ada, enroll(reissued, plans["GOLD"], *await dependent_ids(office)))
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
    await office.elect(ada, enroll(reissued, plans["GOLD"], *await dependent_ids(office)))
    assert (await office.enrollment(id)).coverage_ends_on == date(2027, 3, 9)


@pytest.mark.parametrize("waived", [False, True])
async def test_reopening_a_reissue_restores_cancelled_coverage(database: Database, waived: bool) -> None:
    """The reissue is answered before the plan year begins, so the old coverage keeps no day."""
    office, ada, id, plans = await office_with_enrolled_employee(database)
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


async def test_coverage_cancelled_by_termination_cannot_be_reopened(database: Database) -> None:
    office, ada, id, _ = await office_with_enrolled_employee(database)
    await office.terminate_employee(ada, date(2027, 1, 1))
    # The coverage is cancelled, as it would start on the termination date.
    assert await office.refusals(office.reopen_election(id)) == REFUSED
    await office.reinstate_employee(ada)
    await office.terminate_employee(ada, date(2027, 1, 2))
    await office.reopen_election(id)


async def dependent_ids(office: Office) -> list[str]:
    return sorted((await office.read_all_rows())["dependents"])


async def test_reinstatement_leaves_one_answer_open(database: Database) -> None:
    office, ada, id, _ = await office_with_enrolled_employee(database)
    office = office.on_day(date(2027, 3, 10))
    first, second = [
        await office.approve_life_event(ada, event_type) for event_type in (LifeEventType.BIRTH, LifeEventType.ADOPTION)
    ]
    older = await office.reissue(id, first)
    await office.terminate_employee(ada, date(2027, 3, 11))
    office = office.on_day(date(2027, 3, 12))
    newer = await office.reissue(id, second)
    await office.reinstate_employee(ada)
    rows = {row.id: (row.status, row.close_reason) for row in await office.enrollments(ada)}
    assert rows == {id: ("ENROLLED", None), older: ("INACTIVE", "REISSUED"), newer: ("PENDING", None)}


async def test_reinstatement_reopens_the_answer_instead_of_its_reissue(database: Database) -> None:
    """Only the reopened answer of the new hire covers the days before the reissue takes effect."""
    office = await create_office(database)
    plans = await office.plan_ids(await office.open_plan_year())
    office = office.on_day(date(2027, 3, 7))
    ada = await office.hire(hired_on=date(2027, 3, 7))
    answer = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(answer, plans["GOLD"]))
    office = office.on_day(date(2027, 3, 20))
    marriage = await office.approve_life_event(ada, LifeEventType.MARRIAGE)
    reissued = await office.reissue(answer, marriage)
    await office.terminate_employee(ada, date(2027, 3, 31))
    await office.reopen_election(answer)
    await office.reinstate_employee(ada)
    rows = {row.id: (row.status, row.close_reason, row.closed_on) for row in await office.enrollments(ada)}
    assert rows == {answer: ("PENDING", None, None), reissued: ("INACTIVE", "REISSUED", date(2027, 3, 20))}
    await office.elect(ada, enroll(answer, plans["GOLD"]))
    again = await office.reissue(answer, marriage)
    await office.elect(ada, enroll(again, plans["GOLD"], await office.add_spouse(ada)))
    spans = [(row.coverage_starts_on, row.coverage_ends_on) for row in await office.enrollments(ada)]
    assert spans == [
        (date(2027, 3, 7), date(2027, 3, 31)),
        (None, None),
        (date(2027, 4, 1), date(2027, 12, 31)),
    ]


async def test_answer_cannot_be_reopened_once_the_employment_has_ended(database: Database) -> None:
    office, ada, id, plans = await office_with_enrolled_employee(database)
    await office.terminate_employee(ada, date(2027, 1, 2))
    await office.dry_run(enrollments.reopen_election, id, None)
    # The window of a reissue is still open when the employment ends.
    office = office.on_day(date(2027, 1, 1))
    reissued = await office.reissue(id, await office.approve_life_event(ada))
    (child,) = await dependent_ids(office)
    await office.elect(ada, enroll(reissued, plans["GOLD"], child))
    await office.dry_run(enrollments.reopen_election, reissued, None)
    office = office.on_day(date(2027, 1, 2))
    assert await office.refusals(office.reopen_election(reissued)) == REFUSED


async def test_answer_replaced_through_a_lapsed_reissue_cannot_be_reopened(database: Database) -> None:
    office = await create_office(database)
    plan_year = await office.open_plan_year(waiting=WaitingPeriod(90))
    plan = (await office.plan_ids(plan_year))["GOLD"]
    # Ada may answer from 20 November through 20 March.
    ada = await office.hire(hired_on=date(2026, 11, 20))
    id = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(id, plan))
    lapsed = await office.reissue(id, await office.approve_life_event(ada))
    office = office.on_day(date(2026, 12, 26))
    answered = await office.reissue(lapsed, await office.approve_life_event(ada))
    await office.elect(ada, enroll(answered, plan))
    assert await office.refusals(office.reopen_election(id)) == REFUSED
    await office.reopen_election(answered)
