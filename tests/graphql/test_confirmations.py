"""Confirmations of answers: one for each, stored as it was given, never changed."""

from datetime import date
from typing import Any

import pytest
from graphql_requests import fetch_data

from benegraph.db.models import BenefitProduct
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Viewer
from benegraph.domain.enrollments.coverage_ends import CoverageEnd, CoverageEndReason
from benegraph.domain.enrollments.status import WaiverReason
from benegraph.domain.plan_years import RenewalMode
from benegraph.services import enrollments
from factories.access import employee_viewer
from factories.office import DATES_2026, Office, create_office, enroll, waive

QUERY = """query($id: ID!) { enrollment(id: $id) { confirmation { id } confirmations {
    id source confirmedBy confirmedAt benefitProductName decision waiverReason selectedPlan { carrierPlanId } planName
    coverageTier employeeContributionCents employerContributionCents effectiveDate coverageStartDate coverageEndDate
    changeableThrough dependentCoverage { coverageEnd dependent { id firstName } } enrollment { id }
} } }"""
TODAY = date(2026, 11, 20)


async def pending_office(database: Database) -> tuple[Office, str, str, dict[str, str]]:
    """Return an office, Ada's ID, her pending enrollment's, and the plans'."""
    office = await create_office(database)
    ada = await office.hire()
    plans = dict(await office.plan_ids(await office.open_plan_year()))
    return office, ada, (await office.pending_enrollment(ada)).id, plans


async def read_confirmations(office: Office, enrollment: str, viewer: Viewer | None = None) -> list[dict[str, Any]]:
    """Return the confirmations of an enrollment, and check that the current answer's is the last, or there is none."""
    data = await fetch_data(office.database, office.clock(), viewer or office.viewer, QUERY, id=enrollment)
    confirmations: list[dict[str, Any]] = data["enrollment"]["confirmations"]
    is_answered = (await office.enrollment(enrollment)).decision is not None
    assert data["enrollment"]["confirmation"] == ({"id": confirmations[-1]["id"]} if is_answered else None)
    return confirmations


async def test_election_is_confirmed_as_it_was_given(database: Database) -> None:
    office, ada, enrollment, plans = await pending_office(database)
    child, adult = await office.add_child(ada), await office.add_child(ada, date(2001, 3, 9))  # 26 on 9 March 2027
    viewer = employee_viewer(office.employer, ada)
    await office.as_viewer(viewer).elect(ada, enroll(enrollment, plans["GOLD"], child, adult))
    (confirmation,) = await read_confirmations(office, enrollment, viewer)
    assert confirmation.pop("id").startswith("ecnf_")
    assert confirmation.pop("confirmedAt").startswith("2026-11-20T12:00:00")
    dependents = sorted(confirmation.pop("dependentCoverage"), key=lambda item: str(item["coverageEnd"]))
    assert dependents == [
        {"coverageEnd": "2027-03-31", "dependent": {"id": adult, "firstName": "Ben"}},
        {"coverageEnd": "2027-12-31", "dependent": {"id": child, "firstName": "Ben"}},
    ]
    assert confirmation == {
        "source": "ELECTION",
        "confirmedBy": "EMPLOYEE",
        "benefitProductName": "Medical",
        "decision": "ENROLLED",
        "waiverReason": None,
        "selectedPlan": {"carrierPlanId": "GOLD"},
        "planName": "Gold PPO",
        "coverageTier": "EC",
        "employeeContributionCents": 45_000,
        "employerContributionCents": 45_000,
        "effectiveDate": "2027-01-01",
        "coverageStartDate": "2027-01-01",
        "coverageEndDate": "2027-12-31",
        "changeableThrough": "2026-11-30",
        "enrollment": {"id": enrollment},
    }


async def test_waiver_is_confirmed_with_its_reason(database: Database) -> None:
    office, ada, enrollment, _ = await pending_office(database)
    election = waive(enrollment)
    await office.elect(ada, type(election)(enrollment, election.decision, waiver_reason=WaiverReason.TRICARE))
    (confirmation,) = await read_confirmations(office, enrollment)
    assert (confirmation["decision"], confirmation["waiverReason"]) == ("WAIVED", "TRICARE")
    names = ("planName", "selectedPlan", "coverageTier", "coverageStartDate", "coverageEndDate")
    assert [confirmation[name] for name in (*names, "employeeContributionCents")] == [None] * 6


async def test_each_answer_has_its_own_confirmation(database: Database) -> None:
    office, ada, enrollment, plans = await pending_office(database)
    for plan in ("GOLD", "SILVER"):
        await office.elect(ada, enroll(enrollment, plans[plan]))
        assert len(await read_confirmations(office, enrollment)) == (1 if plan == "GOLD" else 2)
        await office.reopen_election(enrollment)
    before = await read_confirmations(office, enrollment)
    await office.elect(ada, waive(enrollment))
    confirmations = await read_confirmations(office, enrollment)
    assert [item["planName"] for item in confirmations] == ["Gold PPO", "Silver HMO", None]
    assert confirmations[:2] == before


async def test_later_changes_leave_the_confirmation(database: Database) -> None:
    office, ada, enrollment, plans = await pending_office(database)
    await office.elect(ada, enroll(enrollment, plans["GOLD"], await office.add_child(ada)))
    before = await read_confirmations(office, enrollment)

    async def rename(tx: Transaction) -> None:
        product = await tx.session.get_one(BenefitProduct, (tx.viewer.tenant_id, office.product))
        product.name = "Renamed"
        await tx.flush()

    await office.run(rename)
    end = CoverageEnd(CoverageEndReason.NONPAYMENT)
    await office.on_day(date(2027, 6, 10)).run(enrollments.end_coverage, enrollment, end, None)
    assert (await office.enrollment(enrollment)).coverage_ends_on == date(2027, 6, 30)
    assert await read_confirmations(office, enrollment) == before


async def test_passive_renewal_is_confirmed(database: Database) -> None:
    office = await create_office(database, today=date(2025, 11, 20))
    ada, bob = await office.hire(), await office.hire("Bob")
    plans = await office.plan_ids(await office.open_plan_year(DATES_2026))
    for employee in (ada, bob):
        pending = (await office.pending_enrollment(employee)).id
        await office.elect(employee, enroll(pending, plans["GOLD"], await office.add_child(employee)))
    office = office.on_day(TODAY)
    plan_year = await office.open_plan_year(renewal=RenewalMode.PASSIVE)
    ids = [(await office.pending_enrollment(employee)).id for employee in (ada, bob)]
    await office.on_day(date(2026, 12, 1)).close_enrollment(plan_year)
    for id in ids:
        (confirmation,) = await read_confirmations(office, id)
        assert (confirmation["source"], confirmation["confirmedBy"]) == ("RENEWAL", "ADMINISTRATOR")
        assert (confirmation["planName"], confirmation["coverageTier"]) == ("Gold PPO", "EC")
        assert confirmation["changeableThrough"] is None
        assert len(confirmation["dependentCoverage"]) == 1


@pytest.mark.parametrize(("today", "changeable_through"), [(TODAY, "2026-11-30"), (date(2026, 12, 1), None)])
async def test_override_of_a_pending_enrollment_is_confirmed(
    database: Database, today: date, changeable_through: str | None
) -> None:
    office, _, enrollment, plans = await pending_office(database)
    election = enroll(enrollment, plans["GOLD"])
    await office.on_day(today).run(enrollments.override_election, election, date(2027, 2, 1), "A form was late.")
    (confirmation,) = await read_confirmations(office, enrollment)
    assert (confirmation["source"], confirmation["effectiveDate"]) == ("OVERRIDE", "2027-02-01")
    assert (confirmation["coverageStartDate"], confirmation["changeableThrough"]) == ("2027-02-01", changeable_through)


async def test_override_of_an_answer_is_confirmed_on_the_new_enrollment(database: Database) -> None:
    office, ada, enrollment, plans = await pending_office(database)
    await office.elect(ada, enroll(enrollment, plans["GOLD"]))
    await office.run(enrollments.override_election, waive(enrollment), date(2027, 3, 1), "A form was late.")
    successor = (await office.enrollments(ada))[-1].id
    (before,), (after,) = await read_confirmations(office, enrollment), await read_confirmations(office, successor)
    assert (before["source"], before["coverageEndDate"]) == ("ELECTION", "2027-12-31")
    assert (after["source"], after["decision"], after["changeableThrough"]) == ("OVERRIDE", "WAIVED", None)


async def test_dry_run_and_refusal_confirm_nothing(database: Database) -> None:
    office, ada, enrollment, plans = await pending_office(database)
    await office.dry_run(enrollments.elect, ada, [enroll(enrollment, plans["GOLD"])])
    assert await office.refusals(office.elect(ada, enroll(enrollment, None))) == [
        "PLAN_REQUIRED elections.0.selectedPlanId"
    ]
    assert await read_confirmations(office, enrollment) == []
