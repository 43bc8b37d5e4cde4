"""Terminating and reinstating employees."""

from datetime import UTC, date, datetime

import pytest

from benegraph.db.session import Database
from benegraph.domain.access import Action
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.values import Clock
from benegraph.services import people
from factories.access import employer_viewer, service_viewer
from factories.office import DATES_2026, Office, TableRows, create_office, enroll, waive

TODAY = date(2026, 11, 20)


async def office_with_covered_employee(database: Database) -> tuple[Office, str]:
    """Create an office where Ada has coverage for 2026, and for 2027 elected today."""
    office = await create_office(database, today=date(2025, 11, 20))
    ada = await office.hire()
    for dates in (DATES_2026, None):
        plans = await office.plan_ids(await (office.open_plan_year(dates) if dates else office.open_plan_year()))
        await office.elect(
            ada, enroll((await office.pending_enrollment(ada)).id, plans["GOLD"], await office.add_child(ada))
        )
        office = office.on_day(TODAY)
    return office, ada


async def spans(office: Office, employee: str) -> list[tuple[str, date | None, date | None, date | None]]:
    return [
        (row.status, row.coverage_starts_on, row.coverage_ends_on, row.closed_on)
        for row in await office.enrollments(employee)
    ]


def without_counters(tables: TableRows) -> TableRows:
    """Remove history and the columns that every change updates."""
    counters = {"version", "updated_at"}
    return {
        table: {key: {name: value for name, value in row.items() if name not in counters} for key, row in rows.items()}
        for table, rows in tables.items()
        if table != "events"
    }


@pytest.mark.parametrize(
    ("terminated_on", "last_day"),
    [
        (date(2026, 11, 20), date(2026, 11, 30)),
        (date(2026, 11, 30), date(2026, 11, 30)),
        (date(2026, 12, 1), date(2026, 12, 31)),
        (date(2026, 11, 1), date(2026, 11, 30)),
        (date(2027, 2, 1), date(2027, 2, 28)),
    ],
)
async def test_coverage_ends_with_month_and_later_coverage_is_cancelled(
    database: Database, terminated_on: date, last_day: date
) -> None:
    office, ada = await office_with_covered_employee(database)
    await office.terminate_employee(ada, terminated_on)
    this_year, next_year = await spans(office, ada)
    first_day = date(2027, 1, 1)
    if terminated_on >= first_day:
        assert this_year == ("ENROLLED", date(2026, 1, 1), date(2026, 12, 31), None)
        assert next_year == ("ENROLLED", first_day, last_day, date(2027, 3, 1))
        return
    closed_on = date(2026, 12, 1) if last_day < date(2026, 12, 31) else None
    assert this_year == ("ENROLLED", date(2026, 1, 1), last_day, closed_on)
    after = date(last_day.year + last_day.month // 12, last_day.month % 12 + 1, 1)
    assert next_year == ("INACTIVE", first_day, None, after)
    rows = await office.enrollments(ada)
    assert [row.coverage_status for row in rows] == ["EFFECTIVE", "CANCELLED"]
    assert [row.close_reason for row in rows] == ["TERMINATED" if closed_on else None, "TERMINATED"]
    assert (await office.on_day(after).enrollments(ada))[0].status == "INACTIVE"


@pytest.mark.parametrize(
    ("terminated_on", "end", "status"),
    [(date(2027, 1, 1), None, "INACTIVE"), (date(2027, 1, 2), date(2027, 1, 31), "ENROLLED")],
)
async def test_coverage_that_starts_on_the_termination_date_is_cancelled(
    database: Database, terminated_on: date, end: date | None, status: str
) -> None:
    office, ada = await office_with_covered_employee(database)
    await office.terminate_employee(ada, terminated_on)
    assert await spans(office, ada) == [
        ("ENROLLED", date(2026, 1, 1), date(2026, 12, 31), None),
        (status, date(2027, 1, 1), end, date(2027, 2, 1)),
    ]


@pytest.mark.parametrize(
    ("terminated_on", "closed_on"), [(date(2027, 1, 1), TODAY), (date(2027, 1, 2), date(2027, 1, 2))]
)
async def test_pending_enrollment_that_starts_on_the_termination_date_closes(
    database: Database, terminated_on: date, closed_on: date
) -> None:
    office = await create_office(database)
    ada = await office.hire()
    await office.open_plan_year()
    await office.terminate_employee(ada, terminated_on)
    (row,) = await office.enrollments(ada)
    assert (row.closed_on, row.close_reason) == (closed_on, "TERMINATED")


async def test_coverage_ending_with_plan_year_is_not_changed(database: Database) -> None:
    office, ada = await office_with_covered_employee(database)
    before = (await office.enrollments(ada))[0]
    await office.terminate_employee(ada, date(2026, 12, 5))
    assert (await office.enrollments(ada))[0].version == before.version


async def test_history_records_actor_and_reason_of_termination(database: Database) -> None:
    office, ada = await office_with_covered_employee(database)
    office = office.as_viewer(employer_viewer(office.employer))
    await office.terminate_employee(ada, date(2026, 11, 20), "Moved away.")
    event = (await office.history(ada))[-1]
    assert (event["action"], event["actor_role"], event["reason"]) == ("TERMINATED", "EMPLOYER", "Moved away.")
    assert (event["before"], event["after"]) == ({"terminated_on": None}, {"terminated_on": "2026-11-20"})
    this_year, next_year = await office.enrollments(ada)
    assert (await office.history(this_year.id))[-1]["after"] == {
        "coverage_ends_on": "2026-11-30",
        "closed_on": "2026-12-01",
        "close_reason": "TERMINATED",
    }
    assert (await office.history(next_year.id))[-1]["after"]["coverage_ends_on"] is None


async def test_pending_enrollment_closes_with_employment(database: Database) -> None:
    office = await create_office(database)
    ada, bob = await office.hire(), await office.hire("Bob")
    await office.open_plan_year()
    await office.terminate_employee(ada, TODAY)
    (row,) = await office.enrollments(ada)
    assert (row.status, row.closed_on, row.close_reason) == ("INACTIVE", TODAY, "TERMINATED")
    assert await office.refusals(office.elect(ada, waive(row.id))) == [
        "ENROLLMENT_NOT_PENDING elections.0.enrollmentId"
    ]
    # Bob is employed until January, so he can still enroll for those days.
    await office.terminate_employee(bob, date(2027, 1, 15))
    (row,) = await office.enrollments(bob)
    assert (row.status, row.closed_on) == ("PENDING", date(2027, 1, 15))
    await office.elect(bob, enroll(row.id, (await office.plan_ids(row.plan_year_id))["GOLD"]))
    assert await spans(office, bob) == [("ENROLLED", date(2027, 1, 1), date(2027, 1, 31), date(2027, 2, 1))]


async def test_pending_reissue_closes_and_old_coverage_ends(database: Database) -> None:
    office, ada = await office_with_covered_employee(database)
    this_year, _ = await office.enrollments(ada)
    reissued = await office.reissue(this_year.id, await office.approve_life_event(ada))
    await office.terminate_employee(ada, TODAY)
    assert (await office.enrollment(reissued)).status == "INACTIVE"
    assert (await office.enrollment(this_year.id)).coverage_ends_on == date(2026, 11, 30)
    await office.reinstate_employee(ada)
    assert (await office.enrollment(reissued)).status == "PENDING"


async def test_past_months_need_administrator_and_reason(database: Database) -> None:
    office, ada = await office_with_covered_employee(database)
    by_clerk = office.as_viewer(employer_viewer(office.employer))
    by_service = office.as_viewer(service_viewer(actions=[Action.TERMINATE_EMPLOYEE]))
    past, first = date(2026, 10, 31), date(2026, 11, 1)
    for restricted in (by_clerk, by_service):
        assert await restricted.refusals(restricted.terminate_employee(ada, past, "Fraud.")) == [
            "INVALID_INPUT terminationDate"
        ]
        assert await restricted.refusals(restricted.terminate_employee(ada, past)) == [
            "INVALID_INPUT terminationDate",
            "INVALID_INPUT reason",
        ]
        await restricted.dry_run(people.terminate_employee, ada, first, None, None)
    assert await office.refusals(office.terminate_employee(ada, past)) == ["INVALID_INPUT reason"]
    await office.terminate_employee(ada, past, "Fraud.")
    assert [row[2] for row in await spans(office, ada)] == [date(2026, 10, 31), None]


async def test_current_month_is_in_employer_time_zone(database: Database) -> None:
    """At 02:00 UTC on 1 December it is still November in New York, so November is not a past month."""
    office, ada = await office_with_covered_employee(database)
    clock = Clock(datetime(2026, 12, 1, 2, tzinfo=UTC))
    await database.transact(
        employer_viewer(office.employer),
        clock,
        lambda tx: people.terminate_employee(tx, ada, date(2026, 11, 1), None, None),
    )


async def test_invalid_terminations_are_refused(database: Database) -> None:
    office, ada = await office_with_covered_employee(database)
    assert await office.refusals(office.terminate_employee(ada, date(2020, 1, 5), version=9)) == [
        "VERSION_CONFLICT expectedVersion",
        "DATES_OUT_OF_ORDER terminationDate",
        "INVALID_INPUT reason",
    ]
    for day in (date(2029, 1, 1), date.max):
        assert await office.refusals(office.terminate_employee(ada, day)) == ["INVALID_INPUT terminationDate"]
    for reason in (" ", "\x00", "x" * 1001):
        assert await office.refusals(office.terminate_employee(ada, TODAY, reason)) == ["INVALID_INPUT reason"]
    await office.terminate_employee(ada, TODAY, version=1)
    assert await office.refusals(office.terminate_employee(ada, TODAY)) == ["INVALID_STATUS_TRANSITION employeeId"]
    outsider = office.as_viewer(employer_viewer("empr_none"))
    for call in (outsider.terminate_employee(ada, TODAY), outsider.reinstate_employee(ada)):
        assert await outsider.refusals(call) == ["NOT_FOUND employeeId"]


# --------------------------------------------------------------------------------------------------- reinstatement


@pytest.mark.parametrize("terminated_on", [date(2020, 1, 6), date(2026, 11, 20), date(2027, 6, 30), date(2028, 1, 1)])
async def test_reinstatement_restores_all_rows(database: Database, terminated_on: date) -> None:
    """Ada has waived after a marriage, with effect later, and has another reissue pending."""
    office, ada = await office_with_covered_employee(database)
    this_year, next_year = await office.enrollments(ada)
    second = await office.reissue(this_year.id, await office.approve_life_event(ada, LifeEventType.MARRIAGE))
    await office.elect(ada, waive(second))
    await office.reissue(next_year.id, await office.approve_life_event(ada, LifeEventType.BIRTH))
    before = without_counters(await office.read_all_rows())

    await office.terminate_employee(ada, terminated_on, "Gone.")
    if terminated_on < date(2027, 12, 31):
        assert without_counters(await office.read_all_rows())["enrollments"] != before["enrollments"]
    await office.as_viewer(employer_viewer(office.employer)).reinstate_employee(ada, "A mistake.")

    assert without_counters(await office.read_all_rows()) == before
    event = (await office.history(ada))[-1]
    assert (event["action"], event["reason"], event["after"]) == ("REINSTATED", "A mistake.", {"terminated_on": None})


async def test_reinstatement_issues_plan_years_opened_meanwhile(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    await office.terminate_employee(ada, TODAY)
    await office.open_plan_year()
    assert await office.enrollments(ada) == []
    office = office.on_day(date(2026, 12, 1))
    await office.reinstate_employee(ada)
    row = await office.pending_enrollment(ada)
    assert (row.reason, row.opens_on, row.effective_on) == ("NEW_HIRE", date(2026, 12, 1), date(2027, 1, 1))


async def test_invalid_reinstatements_are_refused(database: Database) -> None:
    office, ada = await office_with_covered_employee(database)
    assert await office.refusals(office.reinstate_employee(ada, version=2)) == [
        "VERSION_CONFLICT expectedVersion",
        "INVALID_STATUS_TRANSITION employeeId",
    ]
    await office.terminate_employee(ada, TODAY)
    for reason in (" ", "\x00", "x" * 1001):
        assert await office.refusals(office.reinstate_employee(ada, reason)) == ["INVALID_INPUT reason"]
    await office.reinstate_employee(ada, version=2)


async def test_reinstatement_restores_election_made_under_notice(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year())
    await office.terminate_employee(ada, date(2027, 3, 5))
    id = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(id, plans["GOLD"]))
    await office.reinstate_employee(ada)
    assert await spans(office, ada) == [("ENROLLED", date(2027, 1, 1), date(2027, 12, 31), None)]


async def test_enrollment_reopened_under_notice_closes_with_employment(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    await office.open_plan_year()
    id = (await office.pending_enrollment(ada)).id
    await office.elect(ada, waive(id))
    await office.terminate_employee(ada, date(2027, 3, 5))
    await office.reopen_election(id)
    row = await office.enrollment(id)
    assert (row.status, row.closed_on, row.close_reason) == ("PENDING", date(2027, 3, 5), "TERMINATED")
    await office.reinstate_employee(ada)
    assert (await office.enrollment(id)).closed_on is None
