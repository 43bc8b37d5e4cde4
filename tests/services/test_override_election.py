"""Overrides: an administrator's answer outside the election window, and its review."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from racing import race, tally
from test_coverage_sync import coverage_spans, enroll_pending, hire_subscriber, open_plan_year
from test_end_coverage import end

from benegraph.db.session import Database
from benegraph.domain.enrollments.coverage_ends import CoverageEndReason
from benegraph.domain.enrollments.elections import Election
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.enrollments.status import WaiverReason
from benegraph.domain.people import EmploymentClass
from benegraph.services import enrollments
from factories.access import employer_viewer
from factories.coverage import make_contract, read_coverage
from factories.office import Office, create_office, enroll, waive

MARCH = date(2027, 3, 10)
REASON = "An error of the import."
CHANGED = ("ended_through", "end_reason", "coverage_ends_on", "closed_on", "close_reason")


async def lapsed_office(database: Database) -> tuple[Office, str, str, dict[str, str]]:
    """Let Ada's enrollment in 2027 lapse; return the office on 10 March, her ID, the enrollment's and the plans'."""
    office = await create_office(database)
    ada = await office.hire()
    plans = dict(await office.plan_ids(await office.open_plan_year()))
    enrollment = (await office.pending_enrollment(ada)).id
    return office.on_day(MARCH), ada, enrollment, plans


async def covered_office(database: Database) -> tuple[Office, str, str, dict[str, str]]:
    """Cover Ada with GOLD in 2027; else as `lapsed_office`."""
    office, ada, enrollment, plans = await lapsed_office(database)
    await office.on_day(date(2026, 11, 20)).elect(ada, enroll(enrollment, plans["GOLD"]))
    return office, ada, enrollment, plans


async def override(office: Office, election: Election, effective_on: date | None = None, reason: str = REASON) -> Any:
    return await office.run(enrollments.override_election, election, effective_on, reason)


async def spans(office: Office, employee: str) -> list[tuple[date | None, date | None]]:
    return [(row.coverage_starts_on, row.coverage_ends_on) for row in await office.enrollments(employee)]


# --------------------------------------------------------------------------------------- unanswered enrollments


async def test_lapsed_enrollment_gets_the_answer_with_the_corrected_date(database: Database) -> None:
    office, ada, enrollment, plans = await lapsed_office(database)
    assert (await office.enrollment(enrollment)).status == "INACTIVE"
    child = await office.add_child(ada)
    outcome = await override(office, enroll(enrollment, plans["GOLD"], child, version=1), date(2027, 2, 1))
    row = await office.enrollment(enrollment)
    assert (row.status, row.coverage_tier, row.effective_on, row.closed_on) == (
        "ENROLLED",
        "EC",
        date(2027, 2, 1),
        None,
    )
    assert (row.coverage_starts_on, row.coverage_ends_on) == (date(2027, 2, 1), date(2027, 12, 31))
    assert (row.employee_contribution_cents, row.employer_contribution_cents) == (45_000, 45_000)
    assert outcome.election.dependent_ids == (child,)
    assert (outcome.election.enrollment_id, outcome.changes) == (enrollment, [])
    stored = await office.read_row("election_overrides", outcome.override_id)
    assert {name: stored[name] for name in stored if name not in {"created_at", "updated_at"}} == {
        "tenant_id": "acme",
        "id": outcome.override_id,
        "employer_id": office.employer,
        "employee_id": ada,
        "enrollment_id": enrollment,
        "replaced_id": None,
        "previous_effective_on": "2027-01-01",
        "effective_on": "2027-02-01",
        "reason": REASON,
        "actor": office.viewer.actor,
        "actor_role": "ADMINISTRATOR",
        "reviewed_at": None,
        "reviewer": None,
        "review_notes": None,
        "version": 1,
    }
    event = (await office.history(enrollment))[-1]
    assert (event["action"], event["reason"]) == ("OVERRIDDEN", REASON)
    assert (event["before"]["effective_on"], event["after"]["effective_on"]) == ("2027-01-01", "2027-02-01")


async def test_enrollment_that_closing_lapsed_is_answered(database: Database) -> None:
    office, ada, enrollment, plans = await lapsed_office(database)
    (plan_year,) = {row.plan_year_id for row in await office.enrollments(ada)}
    await office.close_enrollment(plan_year)
    await override(office, enroll(enrollment, plans["GOLD"]))
    row = await office.enrollment(enrollment)
    assert (row.status, row.closed_on, row.close_reason) == ("ENROLLED", None, None)
    assert row.coverage_starts_on == date(2027, 1, 1)


async def test_waiver_outside_the_window_has_a_reason(database: Database) -> None:
    office, _, enrollment, _ = await lapsed_office(database)
    await override(office, replace(waive(enrollment), waiver_reason=WaiverReason.MEDICARE))
    row = await office.enrollment(enrollment)
    assert (row.status, row.waiver_reason) == ("WAIVED", "MEDICARE")


@pytest.mark.parametrize(
    ("effective_on", "refused"),
    [
        (date(2026, 12, 31), ["INVALID_INPUT effectiveDate", "NOT_ELIGIBLE enrollmentId"]),
        (date(2027, 1, 1), []),
        (date(2027, 12, 31), []),
        (date(2028, 1, 1), ["INVALID_INPUT effectiveDate", "NOT_ELIGIBLE enrollmentId"]),
    ],
)
async def test_effective_date_is_within_the_plan_year(
    database: Database, effective_on: date, refused: list[str]
) -> None:
    office, _, enrollment, plans = await lapsed_office(database)
    call = override(office, enroll(enrollment, plans["GOLD"]), effective_on)
    if refused:
        assert await office.refusals(call) == refused
    else:
        await call
        assert (await office.enrollment(enrollment)).coverage_starts_on == effective_on


async def test_effective_date_is_within_the_employment(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire(hired_on=date(2027, 2, 10))
    await office.open_plan_year()
    enrollment = (await office.pending_enrollment(ada)).id
    office = office.on_day(date(2027, 5, 10))
    await office.terminate_employee(ada, date(2027, 5, 20))
    for outside in (date(2027, 2, 9), date(2027, 5, 20)):
        assert await office.refusals(override(office, waive(enrollment), outside)) == ["INVALID_INPUT effectiveDate"]
    await override(office, waive(enrollment), date(2027, 2, 10))
    await override(office, waive((await office.enrollments(ada))[-1].id), date(2027, 5, 19))


async def test_all_rules_but_the_window_hold_at_once(database: Database) -> None:
    office, ada, enrollment, plans = await lapsed_office(database)
    spouse = await office.add_spouse(ada)
    adult = await office.add_child(ada, born=date(2001, 3, 1))  # 26 on 1 March 2027
    call = override(office, enroll(enrollment, "plan_1", spouse, adult, version=9), date(2027, 3, 1), " ")
    assert await office.refusals(call) == ["INVALID_INPUT reason"]
    election = enroll(enrollment, "plan_1", spouse, adult, version=9)
    assert await office.refusals(override(office, election, date(2027, 3, 1))) == [
        "VERSION_CONFLICT expectedVersion",
        "DEPENDENT_NOT_COVERABLE dependentIds.1",
        "PLAN_NOT_OFFERED selectedPlanId",
    ]
    unavailable = enroll(enrollment, plans["SILVER"], spouse, adult)
    assert await office.refusals(override(office, unavailable, date(2027, 2, 28))) == ["TIER_NOT_OFFERED coverageTier"]
    part_time = await office.hire("Bob", employment_class=EmploymentClass.INTERN)
    assert await office.enrollments(part_time) == []
    other = await create_office(database, tenant="other")
    assert await other.refusals(override(other, waive(enrollment))) == ["NOT_FOUND enrollmentId"]


# ----------------------------------------------------------------------------------------- answered enrollments


async def test_answered_enrollment_is_replaced_from_the_effective_date(database: Database) -> None:
    office, ada, enrollment, plans = await covered_office(database)
    outcome = await override(office, enroll(enrollment, plans["SILVER"]), date(2027, 4, 1))
    old, new = await office.enrollments(ada)
    assert (old.id, new.id, new.replaces_id) == (enrollment, outcome.election.enrollment_id, enrollment)
    assert (old.coverage_ends_on, old.close_reason) == (date(2027, 3, 31), "REISSUED")
    assert (new.reason, new.status, new.life_event_id) == ("OVERRIDE", "ENROLLED", None)
    assert (new.coverage_starts_on, new.coverage_ends_on) == (date(2027, 4, 1), date(2027, 12, 31))
    assert [(change.enrollment_id, change.coverage_ends_on) for change in outcome.changes] == [
        (enrollment, date(2027, 3, 31))
    ]
    assert (await office.read_row("election_overrides", outcome.override_id))["replaced_id"] == enrollment
    assert [event["action"] for event in await office.history(new.id)] == ["ISSUED", "OVERRIDDEN"]


async def test_same_effective_date_cancels_the_replaced_answer(database: Database) -> None:
    office, ada, enrollment, plans = await covered_office(database)
    await override(office, enroll(enrollment, plans["SILVER"]))
    assert await spans(office, ada) == [(date(2027, 1, 1), None), (date(2027, 1, 1), date(2027, 12, 31))]


async def test_waiver_is_replaced_by_coverage(database: Database) -> None:
    office, ada, enrollment, plans = await lapsed_office(database)
    await office.on_day(date(2026, 11, 20)).elect(ada, waive(enrollment))
    await override(office, enroll(enrollment, plans["GOLD"]), date(2027, 3, 1))
    assert await spans(office, ada) == [(None, None), (date(2027, 3, 1), date(2027, 12, 31))]


async def test_only_the_latest_answer_can_be_overridden(database: Database) -> None:
    office, ada, enrollment, plans = await covered_office(database)
    await override(office, waive(enrollment), date(2027, 4, 1))
    refused = ["INVALID_STATUS_TRANSITION enrollmentId"]
    assert await office.refusals(override(office, waive(enrollment))) == refused
    latest = (await office.enrollments(ada))[-1].id
    await override(office, enroll(latest, plans["GOLD"]), date(2027, 4, 1))
    assert await spans(office, ada) == [
        (date(2027, 1, 1), date(2027, 3, 31)),
        (None, None),
        (date(2027, 4, 1), date(2027, 12, 31)),
    ]


async def test_lapsed_enrollment_with_an_answered_reissue_cannot_be_overridden(database: Database) -> None:
    office, ada, enrollment, _ = await lapsed_office(database)
    reissue = await office.reissue(enrollment, await office.approve_life_event(ada, LifeEventType.MARRIAGE))
    await office.elect(ada, waive(reissue))
    assert await office.refusals(override(office, waive(enrollment))) == ["INVALID_STATUS_TRANSITION enrollmentId"]


async def test_open_reissue_supersedes_the_override_when_it_is_answered(database: Database) -> None:
    office, ada, enrollment, plans = await covered_office(database)
    reissue = await office.reissue(enrollment, await office.approve_life_event(ada, LifeEventType.MARRIAGE))
    await override(office, enroll(enrollment, plans["SILVER"]), date(2027, 2, 1))
    assert (await office.pending_enrollment(ada)).id == reissue
    await office.elect(ada, enroll(reissue, plans["GOLD"]))
    assert sorted(await spans(office, ada)) == [
        (date(2027, 1, 1), date(2027, 1, 31)),
        (date(2027, 2, 1), date(2027, 3, 31)),
        (date(2027, 4, 1), date(2027, 12, 31)),
    ]


async def test_open_reissue_keeps_to_its_life_event(database: Database) -> None:
    office, ada, enrollment, _ = await covered_office(database)
    reissue = await office.reissue(enrollment, await office.approve_life_event(ada, LifeEventType.BIRTH))
    late = office.on_day(date(2027, 5, 10))
    assert await office.refusals(override(late, waive(reissue))) == ["CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT decision"]


async def test_answer_by_override_cannot_be_reopened(database: Database) -> None:
    office, ada, enrollment, _ = await covered_office(database)
    await override(office, waive(enrollment))
    latest = (await office.enrollments(ada))[-1]
    assert latest.window_is_open
    assert await office.refusals(office.reopen_election(latest.id)) == ["INVALID_STATUS_TRANSITION enrollmentId"]


# ------------------------------------------------------------------------------------------------ ended coverage


async def test_override_restores_ended_coverage(database: Database) -> None:
    office, ada, enrollment, plans = await covered_office(database)
    await end(office, enrollment, CoverageEndReason.NONPAYMENT)
    await override(office, enroll(enrollment, plans["GOLD"]), date(2027, 3, 20))
    assert await spans(office, ada) == [
        (date(2027, 1, 1), date(2027, 3, 19)),
        (date(2027, 3, 20), date(2027, 12, 31)),
    ]
    row = await office.read_row("enrollments", enrollment)
    assert {name: row[name] for name in CHANGED} == {
        "ended_through": None,
        "end_reason": None,
        "coverage_ends_on": "2027-03-19",
        "closed_on": "2027-03-20",
        "close_reason": "REISSUED",
    }


@pytest.mark.parametrize(("effective_on", "kept_end"), [(date(2027, 3, 31), None), (date(2027, 4, 1), "2027-03-31")])
async def test_end_before_the_override_stays(database: Database, effective_on: date, kept_end: str | None) -> None:
    office, _, enrollment, plans = await covered_office(database)
    await end(office, enrollment, CoverageEndReason.NONPAYMENT)  # through 31 March
    await override(office, enroll(enrollment, plans["GOLD"]), effective_on)
    assert (await office.read_row("enrollments", enrollment))["ended_through"] == kept_end


async def test_override_restores_coverage_that_was_cancelled(database: Database) -> None:
    office, ada, enrollment, plans = await covered_office(database)
    await end(office.on_day(date(2026, 12, 15)), enrollment, CoverageEndReason.NONPAYMENT)
    await override(office, enroll(enrollment, plans["GOLD"]))
    assert await spans(office, ada) == [(date(2027, 1, 1), None), (date(2027, 1, 1), date(2027, 12, 31))]


# ------------------------------------------------------------------------------------- coverage of record and races


async def test_coverage_of_record_follows_the_override(database: Database) -> None:
    office = await create_office(database)
    await make_contract(office)
    ada = await hire_subscriber(office)
    await open_plan_year(office)
    enrollment = await enroll_pending(office, ada)
    (before,) = await read_coverage(office)
    late = office.on_day(MARCH)
    await end(late, enrollment, CoverageEndReason.NONPAYMENT)
    assert await coverage_spans(office) == [("2027-01-01", "2027-03-31")]
    plans = await office.plan_ids((await office.enrollment(enrollment)).plan_year_id)
    await override(late, enroll(enrollment, plans["SILVER"]), date(2027, 4, 1))
    assert await coverage_spans(office) == [("2027-01-01", "2027-12-31")]
    await override(late, waive((await office.enrollments(ada))[-1].id), date(2027, 2, 1))
    assert await coverage_spans(office) == [("2027-01-01", "2027-01-31")]
    (after,) = await read_coverage(office)
    assert after["id"] == before["id"]


async def test_override_and_election_of_one_enrollment_have_one_order(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year())
    enrollment = (await office.pending_enrollment(ada)).id
    elections = [office.elect(ada, enroll(enrollment, plans["GOLD"])) for _ in range(4)]
    overrides = [override(office, enroll(enrollment, plans["SILVER"], version=1), date(2027, 2, 1)) for _ in range(5)]
    outcomes = await race(owner_url, "employees", ada, *elections, *overrides)
    (row,) = await office.enrollments(ada)
    by_election, by_override = outcomes[:4], outcomes[4:]
    if row.selected_plan_id == plans["GOLD"]:
        assert tally(by_election) == {"done": 1, "ENROLLMENT_NOT_PENDING": 3}
        assert tally(by_override) == {"VERSION_CONFLICT": 5}
    else:
        assert tally(by_election) == {"ENROLLMENT_NOT_PENDING": 4}
        assert tally(by_override) == {"done": 1, "VERSION_CONFLICT": 4}
    assert row.version == 2


async def test_dry_run_of_an_override_changes_nothing(database: Database) -> None:
    office, _, enrollment, plans = await covered_office(database)
    before = await office.read_all_rows()
    election = enroll(enrollment, plans["SILVER"])
    outcome = await office.dry_run(enrollments.override_election, election, date(2027, 4, 1), REASON)
    assert (outcome.election.coverage_starts_on, outcome.election.selected_plan_id) == (
        date(2027, 4, 1),
        plans["SILVER"],
    )
    assert [change.coverage_ends_on for change in outcome.changes] == [date(2027, 3, 31)]
    assert await office.read_all_rows() == before


# -------------------------------------------------------------------------------------------------------- reviews


async def test_override_is_reviewed_once(database: Database) -> None:
    office, _, enrollment, _ = await lapsed_office(database)
    id = (await override(office, waive(enrollment))).override_id
    clerk = office.as_viewer(employer_viewer(office.employer))
    await clerk.run(enrollments.review_election_override, id, "As agreed.", 1)
    row = await office.read_row("election_overrides", id)
    assert (row["reviewer"], row["review_notes"], row["version"]) == (clerk.viewer.actor, "As agreed.", 2)
    (event,) = await office.history(id)
    assert (event["action"], event["actor"]) == ("REVIEWED", clerk.viewer.actor)
    assert await office.refusals(office.run(enrollments.review_election_override, id, "\x00", 1)) == [
        "INVALID_INPUT notes"
    ]
    assert await office.refusals(office.run(enrollments.review_election_override, id, None, 1)) == [
        "VERSION_CONFLICT expectedVersion",
        "INVALID_STATUS_TRANSITION electionOverrideId",
    ]


async def test_override_of_another_employer_is_not_found(database: Database) -> None:
    office, _, enrollment, _ = await lapsed_office(database)
    id = (await override(office, waive(enrollment))).override_id
    clerk = office.as_viewer(employer_viewer((await create_office(database)).employer))
    assert await office.refusals(clerk.run(enrollments.review_election_override, id, None, None)) == [
        "NOT_FOUND electionOverrideId"
    ]
