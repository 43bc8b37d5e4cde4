"""Life events: reporting one within its window, and reviewing it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from benegraph.db import store
from benegraph.db.session import Database
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.values import Clock
from benegraph.services import enrollments
from benegraph.services.enrollments.life_events import LifeEventReport
from factories.access import employee_viewer, employer_viewer
from factories.office import TODAY, Office, create_office

BIRTH, MEDICAID_LOSS = LifeEventType.BIRTH, LifeEventType.MEDICAID_LOSS


async def office_with_employee(database: Database, **options: Any) -> tuple[Office, str]:
    office = await create_office(database, **options)
    return office, await office.hire(hired_on=date(2026, 3, 2))


async def test_reported_life_event_is_stored(database: Database) -> None:
    office, ada = await office_with_employee(database)
    child = await office.add_child(ada, date(2026, 11, 1))
    ada_office = office.as_viewer(employee_viewer(office.employer, ada))
    id = await ada_office.report_life_event(ada, BIRTH, date(2026, 11, 1), child, "Twins are on their way.")
    row = await office.read_row("life_events", id)
    assert {name: row[name] for name in ("employer_id", "employee_id", "dependent_id", "event_type", "status")} == {
        "employer_id": office.employer,
        "employee_id": ada,
        "dependent_id": child,
        "event_type": "BIRTH",
        "status": "PENDING",
    }
    assert (row["event_on"], row["reported_on"], row["notes"]) == (
        "2026-11-01",
        "2026-11-20",
        "Twins are on their way.",
    )
    (event,) = await office.history(id)
    assert (event["action"], event["actor_role"], event["before"]) == ("REPORTED", "EMPLOYEE", None)
    assert "notes" not in event["after"]


@pytest.mark.parametrize(
    ("event_type", "days"), [(event_type, 60 if event_type is MEDICAID_LOSS else 30) for event_type in LifeEventType]
)
async def test_report_is_accepted_through_day_30_or_60(
    database: Database, event_type: LifeEventType, days: int
) -> None:
    office, ada = await office_with_employee(database)

    def report(days_ago: int) -> LifeEventReport:
        return LifeEventReport(event_type, TODAY - timedelta(days=days_ago), None, None)

    for days_ago in (0, days):
        await office.dry_run(enrollments.report_life_event, ada, report(days_ago))
    for days_ago, rule in ((-1, "INVALID_INPUT"), (days + 1, "LIFE_EVENT_WINDOW_CLOSED")):
        call = office.run(enrollments.report_life_event, ada, report(days_ago))
        assert await office.refusals(call) == [f"{rule} eventDate"]


async def test_event_before_hire_is_refused(database: Database) -> None:
    office, ada = await office_with_employee(database)
    office = office.on_day(date(2026, 3, 5))
    await office.report_life_event(ada, event_on=date(2026, 3, 2))
    assert await office.refusals(office.report_life_event(ada, event_on=date(2026, 3, 1))) == [
        "INVALID_INPUT eventDate"
    ]
    assert await office.refusals(office.report_life_event(ada, event_on=date(1, 1, 1))) == ["INVALID_INPUT eventDate"]
    assert await office.refusals(office.report_life_event(ada, event_on=date.max)) == ["INVALID_INPUT eventDate"]


async def test_report_date_is_in_employer_time_zone(database: Database) -> None:
    """At 02:00 UTC on the 21st it is still the 20th in New York, so an event on the 21st lies in the future."""
    office, ada = await office_with_employee(database)
    clock = Clock(datetime(2026, 11, 21, 2, tzinfo=UTC))

    async def report(event_on: date) -> str:
        return await database.transact(
            office.viewer,
            clock,
            lambda tx: enrollments.report_life_event(tx, ada, LifeEventReport(BIRTH, event_on, None, None)),
        )

    assert await office.refusals(report(date(2026, 11, 21))) == ["INVALID_INPUT eventDate"]
    row = await office.read_row("life_events", await report(date(2026, 11, 20)))
    assert row["reported_on"] == "2026-11-20"
    assert await office.refusals(report(date(2026, 10, 20))) == ["LIFE_EVENT_WINDOW_CLOSED eventDate"]
    await report(date(2026, 10, 21))


async def test_invalid_reports_are_refused(database: Database) -> None:
    office, ada = await office_with_employee(database)
    bobs_child = await office.add_child(await office.hire("Bob"))
    assert await office.refusals(office.report_life_event(ada, event_on=date(2026, 1, 1), dependent=bobs_child)) == [
        "INVALID_INPUT eventDate",
        "NOT_FOUND dependentId",
    ]
    assert await office.refusals(office.report_life_event(bobs_child, dependent=ada, notes="\x00")) == [
        "INVALID_INPUT employeeId",
        "INVALID_INPUT dependentId",
        "INVALID_INPUT notes",
    ]
    assert await office.refusals(office.report_life_event(ada, notes="x" * 4001)) == ["INVALID_INPUT notes"]
    other = await create_office(database, tenant="other")
    stranger = await other.hire()
    assert await office.refusals(office.report_life_event(stranger)) == ["NOT_FOUND employeeId"]


# --------------------------------------------------------------------------------------------------------- reviews


@pytest.mark.parametrize("status", [LifeEventStatus.APPROVED, LifeEventStatus.DENIED])
async def test_life_event_is_reviewed_once(database: Database, status: LifeEventStatus) -> None:
    office, ada = await office_with_employee(database)
    id = await office.report_life_event(ada)
    office = office.on_day(date(2026, 11, 25)).as_viewer(employer_viewer(office.employer))
    assert await office.refusals(office.review_life_event(id, version=2)) == ["VERSION_CONFLICT expectedVersion"]

    await office.review_life_event(id, status, "Seen the certificate.", version=1)

    row = await office.read_row("life_events", id)
    assert (row["status"], row["reviewed_on"], row["reviewed_at"][:10], row["version"]) == (
        status,
        "2026-11-25",
        "2026-11-25",
        2,
    )
    assert row["review_notes"] == "Seen the certificate."
    event = (await office.history(id))[-1]
    assert (event["action"], event["actor"], event["before"]["status"], event["after"]["status"]) == (
        status,
        "EMPLOYER akey_clerk",
        "PENDING",
        status,
    )
    assert "review_notes" not in event["after"]
    assert await office.refusals(office.review_life_event(id, version=1)) == [
        "VERSION_CONFLICT expectedVersion",
        "INVALID_STATUS_TRANSITION qualifyingLifeEventId",
    ]


async def test_invalid_reviews_are_refused(database: Database) -> None:
    office, ada = await office_with_employee(database)
    id = await office.report_life_event(ada)
    other = await create_office(database, tenant="other")
    field = "qualifyingLifeEventId"
    assert await office.refusals(office.review_life_event(ada, notes=" ")) == [
        f"INVALID_INPUT {field}",
        "INVALID_INPUT reviewNotes",
    ]
    assert await office.refusals(office.review_life_event(id, notes="x" * 4001)) == ["INVALID_INPUT reviewNotes"]
    assert await other.refusals(other.review_life_event(id)) == [f"NOT_FOUND {field}"]
    outsider = office.as_viewer(employer_viewer("empr_none"))
    assert await outsider.refusals(outsider.review_life_event(id)) == [f"NOT_FOUND {field}"]


async def test_employee_cannot_read_review_notes(database: Database) -> None:
    office, ada = await office_with_employee(database)
    id = await office.report_life_event(ada, notes="Mine.")
    await office.review_life_event(id, notes="Doubtful.")
    for viewer, notes in ((office.viewer, "Doubtful."), (employee_viewer(office.employer, ada), None)):
        async with database.read(viewer, office.clock()) as read_session:
            row = (await store.enrollments.life_events_by_ids(read_session, [id]))[id]
        assert (row.notes, row.review_notes) == ("Mine.", notes)
