"""Ending one elected coverage without ending the employment."""

from datetime import date
from typing import Any

import pytest
from racing import race, tally
from test_coverage_sync import coverage_spans, enroll_pending, hire_subscriber, open_plan_year

from benegraph.db.session import Database
from benegraph.domain.enrollments.coverage_ends import CoverageEnd, CoverageEndReason
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.services import enrollments
from benegraph.services.coverage import records
from factories.access import employer_viewer
from factories.coverage import coverage_key, make_contract, read_coverage
from factories.office import Office, create_office, enroll, waive

JUNE = date(2027, 6, 10)
REASON = CoverageEndReason


async def covered_office(database: Database) -> tuple[Office, str, str]:
    """Cover Ada with GOLD in 2027; return the office on 10 June, her ID and the enrollment's."""
    office = await create_office(database)
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year())
    enrollment = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(enrollment, plans["GOLD"]))
    return office.on_day(JUNE), ada, enrollment


async def end(
    office: Office, enrollment: str, reason: CoverageEndReason, version: int | None = None, **fields: Any
) -> Any:
    return await office.run(enrollments.end_coverage, enrollment, CoverageEnd(reason, **fields), version)


async def reissue_pending(office: Office, employee: str, enrollment: str, event: LifeEventType) -> str:
    return await office.reissue(enrollment, await office.approve_life_event(employee, event))


async def test_coverage_ends_with_this_month_and_history_says_why(database: Database) -> None:
    office, ada, enrollment = await covered_office(database)
    (outcome,) = await end(
        office.as_viewer(employer_viewer(office.employer)), enrollment, REASON.LOSS_OF_ELIGIBILITY, 2, note="Part time."
    )
    row = await office.enrollment(enrollment)
    assert (row.status, row.coverage_status, row.coverage_ends_on) == ("ENROLLED", "EFFECTIVE", date(2027, 6, 30))
    assert (row.end_reason, row.close_reason, row.closed_on) == ("LOSS_OF_ELIGIBILITY", "ENDED", date(2027, 7, 1))
    assert (outcome.status, outcome.coverage_ends_on) == (row.status, row.coverage_ends_on)
    event = (await office.history(enrollment))[-1]
    assert (event["action"], event["reason"]) == ("ENDED", "LOSS_OF_ELIGIBILITY: Part time.")
    assert event["after"] == {
        "ended_through": "2027-06-30",
        "end_reason": "LOSS_OF_ELIGIBILITY",
        "coverage_ends_on": "2027-06-30",
        "closed_on": "2027-07-01",
        "close_reason": "ENDED",
    }
    assert (await office.on_day(date(2027, 6, 30)).enrollment(enrollment)).status == "ENROLLED"
    assert (await office.on_day(date(2027, 7, 1)).enrollment(enrollment)).status == "INACTIVE"
    assert (await office.read_row("employees", ada))["terminated_on"] is None


async def test_coverage_that_has_not_begun_is_cancelled(database: Database) -> None:
    office, _, enrollment = await covered_office(database)
    await end(office.on_day(date(2026, 12, 15)), enrollment, REASON.NONPAYMENT)
    row = await office.enrollment(enrollment)
    assert (row.status, row.coverage_status, row.coverage_ends_on) == ("INACTIVE", "CANCELLED", None)
    assert row.coverage_starts_on == date(2027, 1, 1)


async def test_first_day_alone_can_remain(database: Database) -> None:
    office, _, enrollment = await covered_office(database)
    await end(office.on_day(date(2027, 1, 10)), enrollment, REASON.CARRIER_REQUEST, last_day=date(2027, 1, 1))
    row = await office.enrollment(enrollment)
    assert (row.coverage_starts_on, row.coverage_ends_on) == (date(2027, 1, 1), date(2027, 1, 1))


async def test_end_in_a_past_month_needs_an_administrator_and_a_note(database: Database) -> None:
    office, _, enrollment = await covered_office(database)
    employer, past = office.as_viewer(employer_viewer(office.employer)), date(2027, 5, 31)
    assert await office.refusals(end(employer, enrollment, REASON.NONPAYMENT, last_day=past)) == [
        "INVALID_INPUT lastDay",
        "INVALID_INPUT note",
    ]
    assert await office.refusals(end(office, enrollment, REASON.NONPAYMENT, last_day=past)) == ["INVALID_INPUT note"]
    await end(office, enrollment, REASON.NONPAYMENT, last_day=past, note="Unpaid since June.")
    row = await office.enrollment(enrollment)
    assert (row.status, row.coverage_status, row.coverage_ends_on) == ("INACTIVE", "ENDED", past)


async def test_end_must_be_earlier_than_the_current_one(database: Database) -> None:
    office, _, enrollment = await covered_office(database)
    assert await office.refusals(end(office, enrollment, REASON.NONPAYMENT, last_day=date(2027, 12, 31))) == [
        "DATES_OUT_OF_ORDER lastDay"
    ]
    await end(office, enrollment, REASON.NONPAYMENT, last_day=date(2027, 12, 30))
    await end(office, enrollment, REASON.CARRIER_REQUEST, last_day=date(2027, 7, 15))
    row = await office.enrollment(enrollment)
    assert (row.end_reason, row.coverage_ends_on) == ("CARRIER_REQUEST", date(2027, 7, 15))


async def test_refusals_of_an_end_come_all_at_once(database: Database) -> None:
    office, ada, enrollment = await covered_office(database)
    assert await office.refusals(
        end(office, enrollment, REASON.LOSS_OF_ELIGIBILITY, 1, last_day=date(2027, 5, 30), life_event_id="qle_1")
    ) == ["INVALID_INPUT qualifyingLifeEventId"]
    event = await office.approve_life_event(ada)
    assert await office.refusals(
        end(office, enrollment, REASON.LOSS_OF_ELIGIBILITY, 1, last_day=date(2027, 5, 30), life_event_id=event)
    ) == [
        "VERSION_CONFLICT expectedVersion",
        "CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT qualifyingLifeEventId",
        "INVALID_INPUT qualifyingLifeEventId",
        "INVALID_INPUT lastDay",
        "INVALID_INPUT note",
    ]
    assert await office.refusals(end(office, "enrl_1", REASON.NONPAYMENT)) == ["INVALID_INPUT enrollmentId"]
    other = await create_office(database, tenant="other")
    assert await other.refusals(end(other, enrollment, REASON.NONPAYMENT)) == ["NOT_FOUND enrollmentId"]


async def test_only_elected_coverage_can_be_ended(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    await office.open_plan_year()
    enrollment = (await office.pending_enrollment(ada)).id
    refused = ["INVALID_STATUS_TRANSITION enrollmentId"]
    assert await office.refusals(end(office, enrollment, REASON.NONPAYMENT)) == refused
    await office.elect(ada, waive(enrollment))
    assert await office.refusals(end(office, enrollment, REASON.NONPAYMENT)) == refused


# -------------------------------------------------------------------------------------------------- life events


async def test_voluntary_end_needs_an_approved_event_that_allows_waiving(database: Database) -> None:
    office, ada, enrollment = await covered_office(database)
    assert await office.refusals(end(office, enrollment, REASON.VOLUNTARY)) == ["INVALID_INPUT qualifyingLifeEventId"]
    reported = await office.report_life_event(ada, LifeEventType.MARRIAGE)
    assert await office.refusals(end(office, enrollment, REASON.VOLUNTARY, life_event_id=reported)) == [
        "LIFE_EVENT_NOT_APPROVED qualifyingLifeEventId"
    ]
    birth = await office.approve_life_event(ada, LifeEventType.BIRTH)
    assert await office.refusals(end(office, enrollment, REASON.VOLUNTARY, life_event_id=birth)) == [
        "CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT qualifyingLifeEventId"
    ]
    await office.review_life_event(reported)
    await end(office, enrollment, REASON.VOLUNTARY, life_event_id=reported)
    assert (await office.enrollment(enrollment)).coverage_ends_on == date(2027, 6, 30)


async def test_voluntary_end_must_be_within_the_events_period(database: Database) -> None:
    office, ada, enrollment = await covered_office(database)
    event = await office.approve_life_event(ada, LifeEventType.MARRIAGE)  # changes until 10 July
    assert await office.refusals(
        end(
            office.on_day(date(2027, 7, 11)),
            enrollment,
            REASON.VOLUNTARY,
            last_day=date(2027, 7, 31),
            life_event_id=event,
        )
    ) == ["LIFE_EVENT_WINDOW_CLOSED qualifyingLifeEventId"]
    await end(
        office.on_day(date(2027, 7, 10)), enrollment, REASON.VOLUNTARY, last_day=date(2027, 7, 31), life_event_id=event
    )
    assert (await office.enrollment(enrollment)).coverage_ends_on == date(2027, 7, 31)


async def test_open_reissue_after_the_last_day_closes(database: Database) -> None:
    office, ada, enrollment = await covered_office(database)
    reissue = await reissue_pending(office, ada, enrollment, LifeEventType.MARRIAGE)
    outcomes = await end(office, enrollment, REASON.LOSS_OF_ELIGIBILITY)
    assert [(outcome.enrollment_id, outcome.status) for outcome in outcomes] == [
        (enrollment, "ENROLLED"),
        (reissue, "INACTIVE"),
    ]
    row = await office.enrollment(reissue)
    assert (row.status, row.closed_on, row.close_reason) == ("INACTIVE", JUNE, "ENDED")
    assert await office.refusals(office.elect(ada, waive(reissue))) == [
        "ENROLLMENT_NOT_PENDING elections.0.enrollmentId"
    ]


async def test_open_reissue_for_a_newborn_is_answered_first(database: Database) -> None:
    office, ada, enrollment = await covered_office(database)
    reissue = await reissue_pending(office, ada, enrollment, LifeEventType.BIRTH)
    assert await office.refusals(end(office, enrollment, REASON.NONPAYMENT)) == ["REISSUE_ALREADY_OPEN enrollmentId"]
    plans = await office.plan_ids((await office.enrollment(enrollment)).plan_year_id)
    await office.elect(ada, enroll(reissue, plans["GOLD"]))
    assert await office.refusals(end(office, enrollment, REASON.NONPAYMENT)) == [
        "INVALID_STATUS_TRANSITION enrollmentId"
    ]
    await end(office, reissue, REASON.NONPAYMENT)
    rows = await office.enrollments(ada)
    assert [row.coverage_ends_on for row in rows] == [date(2027, 6, 9), date(2027, 6, 30)]


async def test_end_of_a_future_reissue_ends_the_answer_in_force_too(database: Database) -> None:
    office, ada, enrollment = await covered_office(database)
    reissue = await reissue_pending(office, ada, enrollment, LifeEventType.MARRIAGE)
    plans = await office.plan_ids((await office.enrollment(enrollment)).plan_year_id)
    await office.elect(ada, enroll(reissue, plans["SILVER"]))
    await end(office, reissue, REASON.NONPAYMENT, last_day=date(2027, 6, 20))
    rows = await office.enrollments(ada)
    assert [(row.coverage_ends_on, row.close_reason) for row in rows] == [
        (date(2027, 6, 20), "ENDED"),
        (None, "ENDED"),
    ]


async def test_life_event_after_the_end_covers_again(database: Database) -> None:
    office, ada, enrollment = await covered_office(database)
    await end(office, enrollment, REASON.NONPAYMENT)
    office = office.on_day(date(2027, 8, 10))
    reissue = await reissue_pending(office, ada, enrollment, LifeEventType.MARRIAGE)
    plans = await office.plan_ids((await office.enrollment(enrollment)).plan_year_id)
    await office.elect(ada, enroll(reissue, plans["SILVER"]))
    rows = await office.enrollments(ada)
    assert [(row.coverage_starts_on, row.coverage_ends_on) for row in rows] == [
        (date(2027, 1, 1), date(2027, 6, 30)),
        (date(2027, 9, 1), date(2027, 12, 31)),
    ]


async def test_life_event_before_the_end_does_not_lengthen_coverage(database: Database) -> None:
    office, ada, enrollment = await covered_office(database)
    await end(office, enrollment, REASON.LOSS_OF_ELIGIBILITY)
    reissue = await reissue_pending(office, ada, enrollment, LifeEventType.BIRTH)
    plans = await office.plan_ids((await office.enrollment(enrollment)).plan_year_id)
    await office.elect(ada, enroll(reissue, plans["GOLD"], await office.add_child(ada, JUNE)))
    rows = await office.enrollments(ada)
    assert [row.coverage_ends_on for row in rows] == [date(2027, 6, 9), date(2027, 6, 30)]


# ---------------------------------------------------------------------------------- reopening and terminations


async def test_ended_coverage_cannot_be_reopened_by_the_employee(database: Database) -> None:
    office, _, enrollment = await covered_office(database)
    office = office.on_day(date(2026, 11, 25))
    await end(office, enrollment, REASON.NONPAYMENT, last_day=date(2027, 3, 31))
    assert await office.refusals(office.reopen_election(enrollment)) == ["INVALID_STATUS_TRANSITION enrollmentId"]


async def test_reinstatement_keeps_the_end_of_coverage(database: Database) -> None:
    office, ada, enrollment = await covered_office(database)
    await end(office, enrollment, REASON.NONPAYMENT, last_day=date(2027, 9, 30))
    before = await office.enrollment(enrollment)
    await office.terminate_employee(ada, date(2027, 7, 15))
    assert (await office.enrollment(enrollment)).coverage_ends_on == date(2027, 7, 31)
    await office.reinstate_employee(ada)
    after = await office.enrollment(enrollment)
    assert (after.coverage_ends_on, after.closed_on, after.close_reason) == (
        before.coverage_ends_on,
        before.closed_on,
        before.close_reason,
    )
    assert after.coverage_ends_on == date(2027, 9, 30)


# ------------------------------------------------------------------------------------- coverage of record and races


@pytest.mark.parametrize(
    ("paid_through", "expected"),
    [(date(2027, 6, 15), "2027-06-15"), (date(2027, 6, 30), "2027-06-30"), (date(2027, 7, 31), "2027-06-30")],
)
async def test_coverage_of_record_ends_and_is_not_paid_beyond(
    database: Database, paid_through: date, expected: str
) -> None:
    office = await create_office(database)
    await make_contract(office)
    ada = await hire_subscriber(office)
    await open_plan_year(office)
    enrollment = await enroll_pending(office, ada)
    changes = {"paid_through": paid_through}
    item = records.CoverageItem(coverage_key(date(2027, 1, 1)), changes)
    await office.run(records.update_coverage, item, None)
    await end(office.on_day(JUNE), enrollment, REASON.NONPAYMENT)
    assert await coverage_spans(office) == [("2027-01-01", "2027-06-30")]
    (record,) = await read_coverage(office)
    assert record["paid_through"] == expected


async def test_one_of_ten_concurrent_ends_is_accepted(database: Database, owner_url: str) -> None:
    office, ada, enrollment = await covered_office(database)
    runners = [end(office, enrollment, REASON.NONPAYMENT) for _ in range(10)]
    assert tally(await race(owner_url, "employees", ada, *runners)) == {"done": 1, "DATES_OUT_OF_ORDER": 9}


async def test_dry_run_of_an_end_changes_nothing(database: Database) -> None:
    office, _, enrollment = await covered_office(database)
    before = await office.read_all_rows()
    (outcome,) = await office.dry_run(enrollments.end_coverage, enrollment, CoverageEnd(REASON.NONPAYMENT), None)
    assert (outcome.enrollment_id, outcome.coverage_ends_on) == (enrollment, date(2027, 6, 30))
    assert await office.read_all_rows() == before
