"""The approval of a life event that ends eligibility can change the employment in the same transaction."""

from datetime import date
from typing import Any

import pytest

from benegraph.db.session import Database
from benegraph.domain.access import Action
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.errors import Forbidden
from benegraph.domain.people import EmploymentClass
from benegraph.services.life_event_reviews import EmploymentChange, review_with_employment_change
from factories.access import employer_viewer, service_viewer
from factories.office import DATES_2026, TODAY, Office, create_office, enroll

APPROVED, DENIED = LifeEventStatus.APPROVED, LifeEventStatus.DENIED
REDUCTION, TERMINATION = LifeEventType.REDUCTION_IN_HOURS, LifeEventType.TERMINATION
INTERN = EmploymentChange(employment_class=EmploymentClass.INTERN)
TODAY_ENDED = EmploymentChange(terminated_on=TODAY)


async def covered_employee(database: Database) -> tuple[Office, str, str]:
    """Cover Ada in 2026, and leave her enrollment of 2027 unanswered; return her ID and the first enrollment."""
    office = await create_office(database, today=date(2025, 11, 20))
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year(DATES_2026))
    enrolled = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(enrolled, plans["GOLD"]))
    office = office.on_day(TODAY)
    await office.open_plan_year()
    return office, ada, enrolled


async def review(
    office: Office,
    event: str,
    change: EmploymentChange,
    status: LifeEventStatus = APPROVED,
    notes: str | None = None,
    version: int | None = None,
) -> None:
    await office.run(review_with_employment_change, event, status, notes, version, change)


async def test_approved_reduction_in_hours_changes_the_class(database: Database) -> None:
    office, ada, enrolled = await covered_employee(database)
    event = await office.report_life_event(ada, REDUCTION)
    await review(office.as_viewer(employer_viewer(office.employer)), event, INTERN, notes="From 20 hours on.")
    employee = await office.read_row("employees", ada)
    assert (employee["employment_class"], employee["class_changed_on"]) == ("INTERN", "2026-11-20")
    assert (await office.read_row("life_events", event))["status"] == "APPROVED"
    assert [change["action"] for change in await office.history(ada)] == ["HIRED", "UPDATED"]
    old, new = await office.enrollments(ada)
    assert (old.id, old.status, old.coverage_ends_on) == (enrolled, "ENROLLED", date(2026, 12, 31))
    assert (new.status, new.close_reason) == ("INACTIVE", "NOT_ELIGIBLE")


async def test_approved_termination_ends_the_employment(database: Database) -> None:
    office, ada, enrolled = await covered_employee(database)
    event = await office.report_life_event(ada, TERMINATION)
    await review(office, event, TODAY_ENDED, notes="Resigned.")
    assert (await office.read_row("employees", ada))["terminated_on"] == "2026-11-20"
    assert (await office.read_row("life_events", event))["status"] == "APPROVED"
    change = (await office.history(ada))[-1]
    assert (change["action"], change["reason"]) == ("TERMINATED", "Resigned.")
    assert (await office.enrollment(enrolled)).coverage_ends_on == date(2026, 11, 30)


@pytest.mark.parametrize("event_type", [REDUCTION, TERMINATION])
@pytest.mark.parametrize("status", [APPROVED, DENIED])
async def test_review_without_change_leaves_the_employment(
    database: Database, event_type: LifeEventType, status: LifeEventStatus
) -> None:
    office = await create_office(database)
    ada = await office.hire()
    event = await office.report_life_event(ada, event_type)
    before = (await office.read_all_rows())["employees"]
    await review(office, event, EmploymentChange(), status)
    assert (await office.read_all_rows())["employees"] == before
    assert (await office.read_row("life_events", event))["status"] == status


@pytest.mark.parametrize(
    ("event_type", "status", "change", "fields"),
    [
        (REDUCTION, DENIED, INTERN, ["employmentClass"]),
        (TERMINATION, DENIED, TODAY_ENDED, ["terminationDate"]),
        (REDUCTION, APPROVED, TODAY_ENDED, ["terminationDate"]),
        (TERMINATION, APPROVED, INTERN, ["employmentClass"]),
        (
            LifeEventType.MARRIAGE,
            APPROVED,
            EmploymentChange(EmploymentClass.INTERN, TODAY),
            ["employmentClass", "terminationDate"],
        ),
    ],
)
async def test_change_that_does_not_fit_the_review_is_refused(
    database: Database, event_type: LifeEventType, status: LifeEventStatus, change: EmploymentChange, fields: list[str]
) -> None:
    office = await create_office(database)
    event = await office.report_life_event(await office.hire(), event_type)
    refused = [f"CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT {field}" for field in fields]
    assert await office.refusals(review(office, event, change, status)) == refused
    assert await office.refusals(review(office, event, change, status, version=2)) == [
        *refused,
        "VERSION_CONFLICT expectedVersion",
    ]


async def test_refusals_of_the_change_and_of_the_review_are_reported_together(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    event = await office.report_life_event(ada, TERMINATION)
    past = EmploymentChange(terminated_on=date(2026, 10, 31))
    assert await office.refusals(review(office, event, past)) == ["INVALID_INPUT reviewNotes"]
    clerk = office.as_viewer(employer_viewer(office.employer))
    assert await clerk.refusals(review(clerk, event, past, notes="Late.", version=9)) == [
        "INVALID_INPUT terminationDate",
        "VERSION_CONFLICT expectedVersion",
    ]
    await review(office, event, past, notes="Late.")
    assert await office.refusals(review(office, event, TODAY_ENDED)) == [
        "INVALID_STATUS_TRANSITION qualifyingLifeEventId",  # the employee is terminated
        "INVALID_STATUS_TRANSITION qualifyingLifeEventId",  # the event is reviewed
    ]


async def test_unknown_and_foreign_life_event_is_not_found(database: Database) -> None:
    office, other = await create_office(database), await create_office(database, tenant="globex")
    foreign = await other.report_life_event(await other.hire(), TERMINATION)
    assert await office.refusals(review(office, foreign, TODAY_ENDED)) == ["NOT_FOUND qualifyingLifeEventId"]
    assert await office.refusals(review(office, "nonsense", TODAY_ENDED)) == ["INVALID_INPUT qualifyingLifeEventId"]


@pytest.mark.parametrize(
    ("event_type", "change", "action"),
    [(REDUCTION, INTERN, Action.UPDATE_EMPLOYEE), (TERMINATION, TODAY_ENDED, Action.TERMINATE_EMPLOYEE)],
)
async def test_change_needs_the_permission_for_its_own_mutation(
    database: Database, event_type: LifeEventType, change: EmploymentChange, action: Action
) -> None:
    office = await create_office(database)
    event = await office.report_life_event(await office.hire(), event_type)
    before = await office.read_all_rows()
    others: set[Any] = {Action.REVIEW_LIFE_EVENT, Action.UPDATE_EMPLOYEE, Action.TERMINATE_EMPLOYEE} - {action}
    with pytest.raises(Forbidden):
        await review(office.as_viewer(service_viewer(actions=others)), event, change)
    assert await office.read_all_rows() == before
    await review(office.as_viewer(service_viewer(actions={Action.REVIEW_LIFE_EVENT, action})), event, change)
    assert (await office.read_row("life_events", event))["status"] == "APPROVED"
