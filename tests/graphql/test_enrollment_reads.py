"""Enrollments, their coverage, election windows, reissues, life events and history."""

from datetime import date

import pytest
from graphql_requests import fetch_data
from visibility_dataset import make_company

from benegraph.db.session import Database
from benegraph.domain.access import Role
from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.enrollments.status import CloseReason, ElectionDecision, WindowReason
from benegraph.domain.values import Clock
from factories.access import administrator, employee_viewer
from factories.enrollments import make_enrollment, make_event, make_life_event
from factories.people import make_dependent

ADMINISTRATOR = administrator()
ENROLLMENT = """
  query ($id: ID!) { enrollment(id: $id) {
    id employee { id } benefitProduct { id } planYear { id } status decision coverageTier
    coverageStartDate coverageEndDate coverageStatus effectiveDate issuedOn
    employeeContributionCents employerContributionCents selectedPlan { id }
    enrolledDependents { id } dependentCoverage { dependent { id firstName } coverageStart coverageEnd }
    electionWindow { opensOn closesOn isOpen reason } replaces { id } qualifyingLifeEvent { id }
    createdAt updatedAt version
  } }
"""


@pytest.fixture
async def company(database: Database, clock: Clock) -> dict[str, str]:
    return await make_company(database, clock)


async def test_unanswered_enrollment_returns_nulls_for_coverage(
    database: Database, clock: Clock, company: dict[str, str]
) -> None:
    id = await make_enrollment(database, clock, employee=company["employee"], plan_year=company["plan_year"])
    data = await fetch_data(database, clock, ADMINISTRATOR, ENROLLMENT, id=id)
    now = clock.now.isoformat().replace("+00:00", "Z")
    assert data["enrollment"] == {
        "id": id,
        "employee": {"id": company["employee"]},
        "benefitProduct": {"id": company["product"]},
        "planYear": {"id": company["plan_year"]},
        "status": "PENDING",
        "decision": None,
        "coverageTier": None,
        "coverageStartDate": None,
        "coverageEndDate": None,
        "coverageStatus": None,
        "effectiveDate": "2027-01-01",
        "issuedOn": "2026-11-01",
        "employeeContributionCents": None,
        "employerContributionCents": None,
        "selectedPlan": None,
        "enrolledDependents": [],
        "dependentCoverage": [],
        "electionWindow": {
            "opensOn": "2026-11-01",
            "closesOn": "2026-11-30",
            "isOpen": True,
            "reason": "OPEN_ENROLLMENT",
        },
        "replaces": None,
        "qualifyingLifeEvent": None,
        "createdAt": now,
        "updatedAt": now,
        "version": 1,
    }


async def test_election_returns_coverage_and_covered_dependents(
    database: Database, clock: Clock, company: dict[str, str]
) -> None:
    adult_child = await make_dependent(database, clock, employee=company["employee"], date_of_birth=date(2001, 3, 9))
    young_child = await make_dependent(database, clock, employee=company["employee"], first_name="Cleo")
    await make_dependent(database, clock, employee=company["employee"], first_name="Left out")
    id = await make_enrollment(
        database,
        clock,
        employee=company["employee"],
        plan_year=company["plan_year"],
        plan=company["plan"],
        coverage_tier=CoverageTier.EC,
        shares=(50000, 40000),
        covers={young_child: None, adult_child: date(2027, 3, 31)},
    )
    enrollment = (await fetch_data(database, clock, ADMINISTRATOR, ENROLLMENT, id=id))["enrollment"]
    assert enrollment["status"] == "ENROLLED"
    assert enrollment["decision"] == "ENROLLED"
    assert enrollment["coverageTier"] == "EC"
    assert enrollment["coverageStartDate"] == "2027-01-01"
    assert enrollment["coverageEndDate"] == "2027-12-31"
    assert enrollment["coverageStatus"] == "UPCOMING"
    assert enrollment["employeeContributionCents"] == 50000
    assert enrollment["employerContributionCents"] == 40000
    assert enrollment["selectedPlan"] == {"id": company["plan"]}
    assert enrollment["enrolledDependents"] == [{"id": adult_child}, {"id": young_child}]
    assert enrollment["dependentCoverage"] == [
        {
            "dependent": {"id": adult_child, "firstName": "Ben"},
            "coverageStart": "2027-01-01",
            "coverageEnd": "2027-03-31",
        },
        {
            "dependent": {"id": young_child, "firstName": "Cleo"},
            "coverageStart": "2027-01-01",
            "coverageEnd": "2027-12-31",
        },
    ]


async def test_cancelled_coverage_has_a_start_but_no_end(
    database: Database, clock: Clock, company: dict[str, str]
) -> None:
    child = await make_dependent(database, clock, employee=company["employee"])
    id = await make_enrollment(
        database,
        clock,
        employee=company["employee"],
        plan_year=company["plan_year"],
        plan=company["plan"],
        coverage=(date(2027, 1, 1), None),
        closed_on=date(2026, 11, 19),
        close_reason=CloseReason.TERMINATED,
        covers={child: date(2041, 8, 31)},
    )
    enrollment = (await fetch_data(database, clock, ADMINISTRATOR, ENROLLMENT, id=id))["enrollment"]
    assert enrollment["status"] == "INACTIVE"
    assert enrollment["decision"] == "ENROLLED"
    assert enrollment["coverageStatus"] == "CANCELLED"
    assert enrollment["coverageStartDate"] == "2027-01-01"
    assert enrollment["coverageEndDate"] is None
    assert enrollment["dependentCoverage"] == [
        {"dependent": {"id": child, "firstName": "Ben"}, "coverageStart": "2027-01-01", "coverageEnd": None}
    ]


async def test_waiver_has_an_effective_date_but_no_coverage(
    database: Database, clock: Clock, company: dict[str, str]
) -> None:
    id = await make_enrollment(
        database,
        clock,
        employee=company["employee"],
        plan_year=company["plan_year"],
        decision=ElectionDecision.WAIVED,
    )
    enrollment = (await fetch_data(database, clock, ADMINISTRATOR, ENROLLMENT, id=id))["enrollment"]
    assert (enrollment["status"], enrollment["decision"]) == ("WAIVED", "WAIVED")
    assert enrollment["effectiveDate"] == "2027-01-01"
    assert [enrollment[field] for field in ("coverageTier", "coverageStartDate", "coverageStatus")] == [None] * 3


async def test_reissued_enrollment_returns_its_life_event(
    database: Database, clock: Clock, company: dict[str, str]
) -> None:
    child = await make_dependent(database, clock, employee=company["employee"])
    old = await make_enrollment(
        database, clock, employee=company["employee"], plan_year=company["plan_year"], plan=company["plan"]
    )
    life_event = await make_life_event(
        database,
        clock,
        employee=company["employee"],
        status=LifeEventStatus.APPROVED,
        reviewed_on=date(2026, 12, 8),
        dependent=child,
        notes="It's a girl",
        review_notes="Certificate seen",
    )
    new = await make_enrollment(
        database,
        clock,
        employee=company["employee"],
        plan_year=company["plan_year"],
        reason=WindowReason.LIFE_EVENT,
        issued_on=date(2026, 11, 15),
        window=(date(2026, 11, 21), date(2026, 12, 18)),
        effective_on=date(2027, 2, 1),
        replaces=old,
        life_event=life_event,
    )
    enrollment = (await fetch_data(database, clock, ADMINISTRATOR, ENROLLMENT, id=new))["enrollment"]
    assert enrollment["replaces"] == {"id": old}
    assert enrollment["qualifyingLifeEvent"] == {"id": life_event}
    assert enrollment["effectiveDate"] == "2027-02-01"
    assert enrollment["electionWindow"] == {
        "opensOn": "2026-11-21",
        "closesOn": "2026-12-18",
        "isOpen": False,  # the window opens tomorrow
        "reason": "LIFE_EVENT",
    }
    data = await fetch_data(
        database,
        clock,
        ADMINISTRATOR,
        """query ($id: ID!) { node(id: $id) { ... on QualifyingLifeEvent {
             id employee { id } eventType eventDate status enrollmentWindowStart enrollmentWindowEnd dependent { id }
             notes reviewNotes reviewedAt createdAt version } } }""",
        id=life_event,
    )
    assert data["node"] == {
        "id": life_event,
        "employee": {"id": company["employee"]},
        "eventType": "BIRTH",
        "eventDate": "2026-11-10",
        "status": "APPROVED",
        "enrollmentWindowStart": "2026-11-10",
        "enrollmentWindowEnd": "2026-12-18",  # ten days after the approval, which is later than 30 days after the event
        "dependent": {"id": child},
        "notes": "It's a girl",
        "reviewNotes": "Certificate seen",
        "reviewedAt": "2026-12-08T12:00:00Z",
        "createdAt": clock.now.isoformat().replace("+00:00", "Z"),
        "version": 1,
    }


@pytest.mark.parametrize(
    ("status", "event_type", "last_day"),
    [
        (LifeEventStatus.PENDING, LifeEventType.MARRIAGE, "2026-12-10"),
        (LifeEventStatus.DENIED, LifeEventType.MARRIAGE, "2026-12-10"),
        (LifeEventStatus.PENDING, LifeEventType.MEDICAID_LOSS, "2027-01-09"),
        (LifeEventStatus.APPROVED, LifeEventType.MEDICAID_LOSS, "2027-01-09"),
        (LifeEventStatus.APPROVED, LifeEventType.MARRIAGE, "2026-12-30"),
    ],
)
async def test_life_event_window_depends_on_type_and_approval(
    database: Database,
    clock: Clock,
    company: dict[str, str],
    status: LifeEventStatus,
    event_type: LifeEventType,
    last_day: str,
) -> None:
    await make_life_event(
        database,
        clock,
        employee=company["employee"],
        status=status,
        event_type=event_type,
        reviewed_on=date(2026, 12, 20),
    )
    data = await fetch_data(
        database,
        clock,
        ADMINISTRATOR,
        "query ($id: ID!) { employee(id: $id) { qualifyingLifeEvents { enrollmentWindowStart enrollmentWindowEnd"
        " reviewNotes } } }",
        id=company["employee"],
    )
    (event,) = data["employee"]["qualifyingLifeEvents"]
    assert event == {"enrollmentWindowStart": "2026-11-10", "enrollmentWindowEnd": last_day, "reviewNotes": None}


async def test_events_return_the_history_of_the_enrollment(
    database: Database, clock: Clock, company: dict[str, str]
) -> None:
    employee_id = company["employee"]
    id = await make_enrollment(database, clock, employee=employee_id, plan_year=company["plan_year"])
    other = await make_event(database, clock, employee=employee_id, subject=employee_id, action="HIRED")
    first = await make_event(database, clock, employee=employee_id, subject=id)
    second = await make_event(
        database, clock, employee=employee_id, subject=id, action="ELECTED", request_id="r-1", reason="By phone"
    )
    third = await make_event(
        database, clock, employee=employee_id, subject=id, action="REISSUED", actor_role=Role.EMPLOYEE, reason="Moved"
    )
    query = """query ($id: ID!, $other: ID!, $first: ID!) {
      enrollment(id: $id) { events { nodes { id action actor occurredAt requestId reason } totalCount } }
      node(id: $other) { id } same: node(id: $first) { ... on EnrollmentEvent { action } }
    }"""
    data = await fetch_data(database, clock, ADMINISTRATOR, query, id=id, other=other, first=first)
    now = clock.now.isoformat().replace("+00:00", "Z")
    common = {"actor": "EMPLOYER akey_clerk", "occurredAt": now}
    assert data["enrollment"]["events"] == {
        "nodes": [
            {"id": first, "action": "ISSUED", "requestId": None, "reason": None, **common},
            {"id": second, "action": "ELECTED", "requestId": "r-1", "reason": "By phone", **common},
            {"id": third, "action": "REISSUED", "requestId": None, "reason": "Moved", **common},
        ],
        "totalCount": 3,
    }
    assert data["node"] is None  # an event of an employee is not an EnrollmentEvent
    assert data["same"] == {"action": "ISSUED"}
    viewer = employee_viewer(company["employer"], employee_id)
    data = await fetch_data(database, clock, viewer, query, id=id, other=other, first=first)
    assert [(event["actor"], event["reason"]) for event in data["enrollment"]["events"]["nodes"]] == [
        ("EMPLOYER", None),
        ("EMPLOYER", None),
        ("EMPLOYEE", "Moved"),
    ]
