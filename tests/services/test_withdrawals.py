"""Withdrawing life events, their reviews and reissues, while nothing rests on them."""

from datetime import date
from typing import Any

import pytest
from coverage_invariants import check_coverage, take_snapshot

from benegraph.db.session import Database
from benegraph.domain.enrollments.coverage_ends import CoverageEnd, CoverageEndReason
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.people import EmploymentClass
from benegraph.services.enrollments import (
    WindowExtension,
    end_coverage,
    extend_windows,
    override_election,
    undo_life_event_review,
    withdraw_life_event,
    withdraw_reissue,
)
from benegraph.services.life_event_reviews import EmploymentChange, review_with_employment_change
from factories.access import employee_viewer
from factories.office import DATES_2026, TODAY, Office, create_office, enroll, waive

EVENT = "INVALID_STATUS_TRANSITION qualifyingLifeEventId"
ENROLLMENT = "INVALID_STATUS_TRANSITION enrollmentId"


async def covered_employee(database: Database) -> tuple[Office, str, str]:
    """Cover Ada alone by GOLD in 2026; return her ID and the enrollment's. Today is 20 November 2026."""
    office = await create_office(database, today=date(2025, 11, 20))
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year(DATES_2026))
    enrolled = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(enrolled, plans["GOLD"]))
    return office.on_day(TODAY), ada, enrolled


async def withdraw_event(office: Office, event: str, reason: str | None = None, version: int | None = None) -> None:
    await office.run(withdraw_life_event, event, reason, version)


async def undo_review(office: Office, event: str, reason: str | None = None, version: int | None = None) -> None:
    await office.run(undo_life_event_review, event, reason, version)


async def withdraw(office: Office, enrollment: str, reason: str | None = None, version: int | None = None) -> Any:
    return await office.run(withdraw_reissue, enrollment, reason, version)


async def status(office: Office, event: str) -> str:
    return str((await office.read_row("life_events", event))["status"])


# ------------------------------------------------------------------------------------------------------ life events


async def test_withdrawn_event_allows_no_change(database: Database) -> None:
    office, ada, enrolled = await covered_employee(database)
    event = await office.approve_life_event(ada)
    await withdraw_event(office, event, "Reported twice.", 2)
    assert await status(office, event) == "WITHDRAWN"
    assert await office.refusals(office.reissue(enrolled, event)) == ["LIFE_EVENT_NOT_APPROVED qualifyingLifeEventId"]
    assert await office.refusals(office.review_life_event(event)) == [EVENT]
    assert await office.refusals(withdraw_event(office, event)) == [EVENT]
    assert await office.refusals(undo_review(office, event)) == [EVENT]
    assert [(change["action"], change["reason"]) for change in await office.history(event)] == [
        ("REPORTED", None),
        ("APPROVED", None),
        ("WITHDRAWN", "Reported twice."),
    ]
    again = await office.approve_life_event(ada)
    assert (await office.enrollment(await office.reissue(enrolled, again))).status == "PENDING"


async def test_employee_withdraws_an_own_event_until_it_is_reviewed(database: Database) -> None:
    office, ada, _ = await covered_employee(database)
    bob = await office.hire("Bob")
    pending, reviewed = await office.report_life_event(ada), await office.approve_life_event(ada)
    before = await office.read_all_rows()
    as_bob = office.as_viewer(employee_viewer(office.employer, bob))
    assert await office.refusals(withdraw_event(as_bob, pending)) == ["NOT_FOUND qualifyingLifeEventId"]
    as_ada = office.as_viewer(employee_viewer(office.employer, ada))
    assert await office.refusals(withdraw_event(as_ada, reviewed)) == [EVENT]
    assert await office.read_all_rows() == before
    await withdraw_event(as_ada, pending)
    assert await status(office, pending) == "WITHDRAWN"


@pytest.mark.parametrize("call", [withdraw_event, undo_review])
async def test_event_of_an_open_or_answered_reissue_stays(database: Database, call: Any) -> None:
    office, ada, enrolled = await covered_employee(database)
    event = await office.approve_life_event(ada, LifeEventType.MARRIAGE)
    reissued = await office.reissue(enrolled, event)
    for answer in (None, waive(reissued)):
        if answer is not None:
            await office.elect(ada, answer)
        before = await office.read_all_rows()
        assert await office.refusals(call(office, event)) == [EVENT]
        assert await office.read_all_rows() == before
    await office.reopen_election(reissued)
    await withdraw(office, reissued)
    await call(office, event)
    assert await status(office, event) == ("WITHDRAWN" if call is withdraw_event else "PENDING")


async def test_event_of_a_lapsed_reissue_can_be_withdrawn(database: Database) -> None:
    office, ada, enrolled = await covered_employee(database)
    event = await office.approve_life_event(ada, LifeEventType.BIRTH, date(2026, 11, 10))
    await office.reissue(enrolled, event)
    last_day, next_day = office.on_day(date(2026, 12, 10)), office.on_day(date(2026, 12, 11))
    assert await office.refusals(withdraw_event(last_day, event)) == [EVENT]
    await withdraw_event(next_day, event)


@pytest.mark.parametrize("call", [withdraw_event, undo_review])
async def test_no_extension_or_override_reopens_the_reissue_of_a_withdrawn_event(database: Database, call: Any) -> None:
    office, ada, enrolled = await covered_employee(database)
    event = await office.approve_life_event(ada, LifeEventType.BIRTH, date(2026, 11, 10))
    lapsed = await office.reissue(enrolled, event)
    office = office.on_day(date(2026, 12, 11))
    await call(office, event)
    row = await office.read_row("enrollments", lapsed)
    assert (row["close_reason"], row["closed_on"]) == ("WITHDRAWN", "2026-12-11")
    before = await office.read_all_rows()
    extension = office.run(extend_windows, ada, [WindowExtension(lapsed)], date(2026, 12, 20), "On leave.")
    assert await office.refusals(extension) == ["INVALID_STATUS_TRANSITION enrollments.0.enrollmentId"]
    assert await office.refusals(office.run(override_election, waive(lapsed), None, "Late.")) == [
        ENROLLMENT,
        "CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT decision",
    ]
    assert await office.read_all_rows() == before


@pytest.mark.parametrize("call", [withdraw_event, undo_review])
async def test_reinstatement_does_not_reopen_the_reissue_of_a_withdrawn_event(database: Database, call: Any) -> None:
    office, ada, enrolled = await covered_employee(database)
    event = await office.approve_life_event(ada)
    reissued = await office.reissue(enrolled, event)
    await office.terminate_employee(ada, TODAY)
    await call(office, event)
    await office.reinstate_employee(ada)
    assert (await office.enrollment(reissued)).status == "INACTIVE"
    assert (await office.read_row("enrollments", reissued))["close_reason"] == "WITHDRAWN"
    assert (await office.enrollment(enrolled)).status == "ENROLLED"


async def test_dependent_stays_inactive_while_another_approved_event_names_them(database: Database) -> None:
    office, ada, _ = await covered_employee(database)
    spouse = await office.add_spouse(ada)
    divorce = await office.report_life_event(ada, LifeEventType.DIVORCE, dependent=spouse)
    death = await office.report_life_event(ada, LifeEventType.DEATH, dependent=spouse)
    await office.review_life_event(divorce)
    await office.review_life_event(death)
    await withdraw_event(office, divorce)
    assert (await office.read_row("dependents", spouse))["active"] is False
    await withdraw_event(office, death)
    assert (await office.read_row("dependents", spouse))["active"] is True


async def test_event_of_a_voluntary_end_stays(database: Database) -> None:
    office, ada, enrolled = await covered_employee(database)
    event = await office.approve_life_event(ada, LifeEventType.MARRIAGE)
    await office.run(end_coverage, enrolled, CoverageEnd(CoverageEndReason.VOLUNTARY, life_event_id=event), None)
    before = await office.read_all_rows()
    assert await office.refusals(withdraw_event(office, event)) == [EVENT]
    assert await office.read_all_rows() == before


async def test_undone_review_can_be_repeated(database: Database) -> None:
    office, ada, _ = await covered_employee(database)
    event = await office.report_life_event(ada)
    await office.review_life_event(event, LifeEventStatus.DENIED, "Not legible.")
    await undo_review(office, event, "Legible after all.")
    row = await office.read_row("life_events", event)
    assert [row[name] for name in ("status", "reviewed_on", "reviewed_at", "review_notes")] == [
        "PENDING",
        None,
        None,
        None,
    ]
    assert await office.refusals(undo_review(office, event)) == [EVENT]
    await office.review_life_event(event)
    assert [change["action"] for change in await office.history(event)] == [
        "REPORTED",
        "DENIED",
        "REVIEW_UNDONE",
        "APPROVED",
    ]


@pytest.mark.parametrize("call", [withdraw_event, undo_review])
@pytest.mark.parametrize("was_active", [True, False])
async def test_dependent_whom_the_review_made_inactive_is_active_again(
    database: Database, call: Any, was_active: bool
) -> None:
    office, ada, _ = await covered_employee(database)
    spouse = await office.add_spouse(ada)
    event = await office.report_life_event(ada, LifeEventType.DIVORCE, dependent=spouse)
    if not was_active:
        await office.update_dependent(spouse, active=False)
    await office.review_life_event(event)
    assert (await office.read_row("dependents", spouse))["active"] is False
    await call(office, event)
    assert (await office.read_row("dependents", spouse))["active"] is was_active


async def test_review_that_changed_the_employment_is_undone_after_that_change(database: Database) -> None:
    office, ada, _ = await covered_employee(database)
    for event_type, change in (
        (LifeEventType.TERMINATION, EmploymentChange(terminated_on=TODAY)),
        (LifeEventType.REDUCTION_IN_HOURS, EmploymentChange(EmploymentClass.PART_TIME)),
    ):
        event = await office.report_life_event(ada, event_type)
        await office.run(review_with_employment_change, event, LifeEventStatus.APPROVED, None, None, change)
        before = await office.read_all_rows()
        assert await office.refusals(undo_review(office, event)) == [EVENT]
        assert await office.read_all_rows() == before
        if change.terminated_on is not None:
            await office.reinstate_employee(ada)
        else:
            await office.update_employee(ada, employment_class=EmploymentClass.FULL_TIME)
        await undo_review(office, event)
        assert await status(office, event) == "PENDING"


@pytest.mark.parametrize("call", [withdraw_event, undo_review])
async def test_stale_version_of_an_event_is_refused(database: Database, call: Any) -> None:
    office, ada, _ = await covered_employee(database)
    event = await office.approve_life_event(ada)
    before = await office.read_all_rows()
    assert await office.refusals(call(office, event, None, 1)) == ["VERSION_CONFLICT expectedVersion"]
    assert await office.refusals(call(office, "qle_1")) == ["INVALID_INPUT qualifyingLifeEventId"]
    assert await office.read_all_rows() == before


# ---------------------------------------------------------------------------------------------------------- reissues


async def test_withdrawn_reissue_leaves_the_earlier_answer(database: Database) -> None:
    office, ada, enrolled = await covered_employee(database)
    event = await office.approve_life_event(ada)
    before = await office.read_row("enrollments", enrolled)
    reissued = await office.reissue(enrolled, event)
    assert await withdraw(office, reissued, "The wrong enrollment.", 1) == enrolled
    row = await office.read_row("enrollments", reissued)
    assert [row[name] for name in ("close_reason", "closed_on", "version")] == ["WITHDRAWN", "2026-11-20", 2]
    assert (await office.enrollment(reissued)).status == "INACTIVE"
    assert await office.read_row("enrollments", enrolled) == before
    assert [(change["action"], change["reason"]) for change in await office.history(reissued)] == [
        ("REISSUED", None),
        ("WITHDRAWN", "The wrong enrollment."),
    ]
    check_coverage(take_snapshot(await office.read_all_rows()))


async def test_event_can_be_used_again_after_a_withdrawn_reissue(database: Database) -> None:
    office, ada, enrolled = await covered_employee(database)
    event = await office.approve_life_event(ada)
    first = await office.reissue(enrolled, event)
    assert await office.refusals(office.reissue(enrolled, event)) == ["REISSUE_ALREADY_OPEN enrollmentId"]
    await withdraw(office, first)
    second = await office.reissue(enrolled, event)
    plans = await office.plan_ids((await office.read_row("enrollments", second))["plan_year_id"])
    child = await office.add_child(ada, date(2026, 11, 20))
    await office.elect(ada, enroll(second, plans["GOLD"], child))
    assert [(row.id, row.status) for row in await office.enrollments(ada)] == [
        (enrolled, "INACTIVE"),
        (first, "INACTIVE"),
        (second, "ENROLLED"),
    ]
    check_coverage(take_snapshot(await office.read_all_rows()))


async def test_withdrawn_reissue_stays_closed_after_a_reinstatement(database: Database) -> None:
    office, ada, enrolled = await covered_employee(database)
    reissued = await office.reissue(enrolled, await office.approve_life_event(ada))
    await withdraw(office, reissued)
    await office.terminate_employee(ada, TODAY)
    await office.reinstate_employee(ada)
    assert (await office.read_row("enrollments", reissued))["close_reason"] == "WITHDRAWN"
    assert (await office.enrollment(enrolled)).status == "ENROLLED"
    check_coverage(take_snapshot(await office.read_all_rows()))


async def test_only_a_pending_reissue_can_be_withdrawn(database: Database) -> None:
    office, ada, enrolled = await covered_employee(database)
    event = await office.approve_life_event(ada, LifeEventType.MARRIAGE)
    reissued = await office.reissue(enrolled, event)
    assert await office.refusals(withdraw(office, enrolled)) == [ENROLLMENT]
    assert await office.refusals(withdraw(office, reissued, None, 2)) == ["VERSION_CONFLICT expectedVersion"]
    await office.elect(ada, waive(reissued))
    before = await office.read_all_rows()
    assert await office.refusals(withdraw(office, reissued)) == [ENROLLMENT]
    assert await office.read_all_rows() == before
    await office.reopen_election(reissued)
    await withdraw(office, reissued)
    assert await office.refusals(withdraw(office, reissued)) == [ENROLLMENT]
