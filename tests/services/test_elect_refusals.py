"""Refused elections: every violated rule is reported at once, and nothing changes."""

from datetime import date

from benegraph.db.session import Database
from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.elections import Election
from benegraph.domain.enrollments.status import ElectionDecision
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import ContributionTerms, PlanYearDates
from benegraph.services import enrollments
from factories.access import employee_viewer
from factories.office import EC, EE, EF, ES, Office, create_office, enroll, waive

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


async def office_with_pending_enrollment(database: Database) -> tuple[Office, str, str, dict[str, str]]:
    """Open enrollment with Ada in it; return her ID, her pending enrollment's ID, and plan IDs by carrier plan ID."""
    office = await create_office(database)
    ada = await office.hire()
    id = await office.open_plan_year()
    return office, ada, (await office.pending_enrollment(ada)).id, dict(await office.plan_ids(id))


async def test_child_aged_26_at_coverage_start_is_refused(database: Database) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    too_old = await office.add_child(ada, date(2001, 1, 1))
    just_not = await office.add_child(ada, date(2001, 1, 2))
    inactive = await office.add_child(ada)
    await office.update_dependent(inactive, active=False)
    assert await office.refusals(office.elect(ada, enroll(id, plans["GOLD"], too_old, just_not, inactive))) == [
        "DEPENDENT_NOT_COVERABLE elections.0.dependentIds.0",
        "DEPENDENT_NOT_COVERABLE elections.0.dependentIds.2",
    ]


async def test_foreign_missing_and_repeated_dependents_are_refused(database: Database) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    bob = await office.hire("Bob")
    foreign, own = await office.add_child(bob), await office.add_child(ada)
    missing = own[:-1] + ("0" if own[-1] != "0" else "1")
    election = enroll(id, plans["GOLD"], own, own, foreign, missing, "nonsense", tier=EF)
    assert await office.refusals(office.elect(ada, election)) == [
        "INVALID_INPUT elections.0.dependentIds.1",
        "DEPENDENT_NOT_COVERABLE elections.0.dependentIds.2",
        "NOT_FOUND elections.0.dependentIds.3",
        "NOT_FOUND elections.0.dependentIds.4",
    ]
    ada_office = office.as_viewer(employee_viewer(office.employer, ada))
    assert await ada_office.refusals(ada_office.elect(ada, enroll(id, plans["GOLD"], foreign))) == [
        "NOT_FOUND elections.0.dependentIds.0"
    ]


async def test_tier_that_contradicts_dependents_is_refused(database: Database) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    spouse, second, child = await office.add_spouse(ada), await office.add_spouse(ada), await office.add_child(ada)
    gold = plans["GOLD"]
    families = {
        (EE, spouse): "coverageTier",
        (ES, child): "coverageTier",
        (EC, spouse, child): "coverageTier",
        (EF, spouse): "coverageTier",
        (EF,): "coverageTier",
        (ES, spouse, second): "dependentIds",
    }
    for (tier, *dependents), field in families.items():
        call = office.elect(ada, enroll(id, gold, *dependents, tier=CoverageTier(tier)))
        assert await office.refusals(call) == [f"TIER_DEPENDENTS_MISMATCH elections.0.{field}"]


async def test_plan_outside_the_plan_year_is_refused(database: Database) -> None:
    office, ada, id, _ = await office_with_pending_enrollment(database)
    other = await create_office(database, tenant="other")
    foreign = (await other.plan_ids(await other.open_plan_year()))["GOLD"]
    next_year = await office.draft_plan_year(PlanYearDates(date(2028, 1, 1), date(2028, 12, 31), FIRST, LAST))
    unoffered = (await office.plan_ids(next_year))["GOLD"]
    for plan in (foreign, unoffered, ada, "nonsense", "", "x" * 5000, "\x00"):
        assert await office.refusals(office.elect(ada, enroll(id, plan))) == [
            "PLAN_NOT_OFFERED elections.0.selectedPlanId"
        ]
    assert await office.refusals(office.elect(ada, enroll(id, None))) == ["PLAN_REQUIRED elections.0.selectedPlanId"]


async def test_tier_without_rate_or_contributions_is_refused(database: Database) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    spouse, child = await office.add_spouse(ada), await office.add_child(ada)
    refused = ["TIER_NOT_OFFERED elections.0.coverageTier"]
    assert await office.refusals(office.elect(ada, enroll(id, plans["SILVER"], spouse, child))) == refused
    bob = await office.hire("Bob", employment_class=EmploymentClass.PART_TIME)
    own = (await office.pending_enrollment(bob)).id
    assert await office.refusals(office.elect(bob, enroll(own, plans["GOLD"], await office.add_child(bob)))) == refused
    await office.elect(bob, enroll(own, plans["GOLD"]))
    assert (await office.enrollment(own)).employee_contribution_cents == 40_000


async def test_a_waiver_takes_no_plan_tier_or_dependents(database: Database) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    child = await office.add_child(ada)
    waiver = Election(id, ElectionDecision.WAIVED, plans["GOLD"], EC, (child,))
    assert await office.refusals(office.elect(ada, waiver)) == [
        "PLAN_NOT_ALLOWED_ON_WAIVER elections.0.selectedPlanId",
        "INVALID_INPUT elections.0.coverageTier",
        "INVALID_INPUT elections.0.dependentIds",
    ]


async def test_all_broken_rules_are_reported_at_once(database: Database) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    inactive = await office.add_child(ada)
    await office.update_dependent(inactive, active=False)
    await office.update_employee(ada, employment_class=EmploymentClass.INTERN)
    (closed,) = await office.enrollments(ada)
    assert (closed.status, closed.close_reason) == ("INACTIVE", "NOT_ELIGIBLE")
    foreign = (await office.pending_enrollment(await office.hire("Bob"))).id
    late = office.on_day(date(2026, 12, 1))
    elections = [
        enroll(id, "nonsense", inactive, tier=ES, version=7),
        enroll(id, plans["GOLD"]),
        waive(foreign),
    ]
    assert await late.refusals(late.elect(ada, *elections)) == [
        "ENROLLMENT_NOT_PENDING elections.0.enrollmentId",
        "WINDOW_NOT_OPEN elections.0.enrollmentId",
        "VERSION_CONFLICT elections.0.expectedVersion",
        "NOT_ELIGIBLE elections.0.enrollmentId",
        "DEPENDENT_NOT_COVERABLE elections.0.dependentIds.0",
        "TIER_DEPENDENTS_MISMATCH elections.0.coverageTier",
        "PLAN_NOT_OFFERED elections.0.selectedPlanId",
        "DUPLICATE_ELECTION elections.1.enrollmentId",
        "NOT_FOUND elections.2.enrollmentId",
    ]


async def test_answered_enrollment_is_refused(database: Database) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    await office.elect(ada, enroll(id, plans["GOLD"], version=1))
    assert await office.refusals(office.elect(ada, waive(id, version=1))) == [
        "ENROLLMENT_NOT_PENDING elections.0.enrollmentId",
        "VERSION_CONFLICT elections.0.expectedVersion",
    ]


async def test_call_without_or_with_over_fifty_elections_is_refused(database: Database) -> None:
    office, ada, id, _ = await office_with_pending_enrollment(database)
    assert await office.refusals(office.elect(ada)) == ["INVALID_INPUT elections"]
    assert await office.refusals(office.elect(ada, *[waive(id)] * 51)) == ["INVALID_INPUT elections"]
    assert await office.refusals(office.elect(ada, *[waive(id)] * 50)) == [
        f"DUPLICATE_ELECTION elections.{number}.enrollmentId" for number in range(1, 50)
    ]


async def test_ids_with_wrong_prefix_are_invalid_input(database: Database) -> None:
    office, ada, id, _ = await office_with_pending_enrollment(database)
    assert await office.refusals(office.elect(id, waive(ada), waive("nonsense"))) == [
        "INVALID_INPUT employeeId",
        "INVALID_INPUT elections.0.enrollmentId",
        "INVALID_INPUT elections.1.enrollmentId",
    ]


async def test_employee_outside_viewer_scope_is_not_found(database: Database) -> None:
    office, ada, id, _ = await office_with_pending_enrollment(database)
    bob = await office.hire("Bob")
    for viewer in (employee_viewer(office.employer, bob), employee_viewer("empr_none", ada)):
        outsider = office.as_viewer(viewer)
        assert await outsider.refusals(outsider.elect(ada, waive(id))) == ["NOT_FOUND employeeId"]


async def test_dry_run_returns_same_previews_and_changes_nothing(database: Database) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    elections = [enroll(id, plans["GOLD"], await office.add_child(ada))]
    before = await office.read_all_rows()
    previews = await office.dry_run(enrollments.elect, ada, elections)
    assert await office.read_all_rows() == before
    assert await office.elect(ada, *elections) == previews
    assert (await office.enrollment(id)).status == "ENROLLED"


async def test_unspecified_class_applies_to_tiers_without_their_own(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    classes = [
        ContributionTerms(EmploymentClass.FULL_TIME, CoverageTier.UNSPECIFIED, 0, 1_000),
        ContributionTerms(EmploymentClass.FULL_TIME, EE, 0, 0),
    ]
    plans = await office.plan_ids(await office.open_plan_year(classes=classes))
    id = (await office.pending_enrollment(ada)).id
    child = await office.add_child(ada)
    (alone,) = await office.dry_run(enrollments.elect, ada, [enroll(id, plans["GOLD"])])
    (family,) = await office.dry_run(enrollments.elect, ada, [enroll(id, plans["GOLD"], child)])
    assert (alone.employee_contribution_cents, alone.employer_contribution_cents) == (50_000, 0)
    assert (family.employee_contribution_cents, family.employer_contribution_cents) == (89_000, 1_000)
