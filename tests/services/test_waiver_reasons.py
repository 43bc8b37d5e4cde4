"""Waiver reasons: stored with a waiver, removed with it, and refused without one."""

from dataclasses import replace

import pytest

from benegraph.db.session import Database
from benegraph.domain.enrollments.status import WaiverReason
from factories.office import Office, create_office, enroll, waive


async def pending_office(database: Database) -> tuple[Office, str, str, str]:
    """Return an office, Ada's ID, her pending enrollment's and that of plan GOLD."""
    office = await create_office(database)
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year())
    return office, ada, (await office.pending_enrollment(ada)).id, plans["GOLD"]


@pytest.mark.parametrize("reason", [None, *WaiverReason])
async def test_reason_is_stored_with_the_waiver_but_not_in_the_history(
    database: Database, reason: WaiverReason | None
) -> None:
    office, ada, enrollment, _ = await pending_office(database)
    await office.elect(ada, replace(waive(enrollment), waiver_reason=reason))
    assert (await office.enrollment(enrollment)).waiver_reason is reason
    assert "waiver_reason" not in (await office.history(enrollment))[-1]["after"]


async def test_reopening_removes_the_reason(database: Database) -> None:
    office, ada, enrollment, gold = await pending_office(database)
    await office.elect(ada, replace(waive(enrollment), waiver_reason=WaiverReason.MEDICARE))
    await office.reopen_election(enrollment)
    assert (await office.enrollment(enrollment)).waiver_reason is None
    await office.elect(ada, enroll(enrollment, gold))
    assert (await office.enrollment(enrollment)).waiver_reason is None


async def test_election_of_coverage_has_no_reason(database: Database) -> None:
    office, ada, enrollment, gold = await pending_office(database)
    election = replace(enroll(enrollment, gold), waiver_reason=WaiverReason.TRICARE)
    assert await office.refusals(office.elect(ada, election)) == ["INVALID_INPUT elections.0.waiverReason"]
