"""The list of election overrides: what each viewer sees, and the answers before and after."""

from datetime import date
from typing import Any

from graphql_requests import fetch_data

from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.services import enrollments
from factories.access import employee_viewer, employer_viewer
from factories.office import Office, create_office, enroll, waive

LIST = """query($filter: ElectionOverrideFilter) { electionOverrides(filter: $filter) { totalCount nodes {
    id reason actor previousEffectiveDate effectiveDate reviewedAt reviewer reviewNotes version employee { id }
    enrollment { id decision electionWindow { reason } } replacedEnrollment { id decision coverageEndDate }
} } }"""


async def make_overrides(database: Database) -> tuple[Office, str, list[str]]:
    """Override Ada's pending enrollment, then the answer; review the first. Return the office, her ID, and both IDs."""
    office = await create_office(database)
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year())
    pending = (await office.pending_enrollment(ada)).id
    calls = [(enroll(pending, plans["GOLD"]), date(2027, 1, 1)), (waive(pending), date(2027, 3, 1))]
    outcomes = [await office.run(enrollments.override_election, *call, "A form was late.") for call in calls]
    ids = [outcome.override_id for outcome in outcomes]
    await office.run(enrollments.review_election_override, ids[0], "Seen.", None)
    return office, ada, ids


async def list_overrides(office: Office, viewer: Viewer, **filter: Any) -> Any:
    data = await fetch_data(office.database, office.clock(), viewer, LIST, filter=filter)
    return data["electionOverrides"]


async def test_list_shows_the_answers_before_and_after(database: Database) -> None:
    office, ada, ids = await make_overrides(database)
    first, second = (await list_overrides(office, employer_viewer(office.employer)))["nodes"]
    pending, successor = await office.enrollments(ada)
    assert first.pop("reviewedAt").startswith("2026-11-20T12:00:00")
    common = {"reason": "A form was late.", "actor": office.viewer.actor, "employee": {"id": ada}}
    assert first == common | {
        "id": ids[0],
        "previousEffectiveDate": "2027-01-01",
        "effectiveDate": "2027-01-01",
        "reviewer": office.viewer.actor,
        "reviewNotes": "Seen.",
        "version": 2,
        "enrollment": {
            "id": pending.id,
            "decision": "ENROLLED",
            "electionWindow": {"reason": "OPEN_ENROLLMENT"},
        },
        "replacedEnrollment": None,
    }
    assert second == common | {
        "id": ids[1],
        "previousEffectiveDate": "2027-01-01",
        "effectiveDate": "2027-03-01",
        "reviewedAt": None,
        "reviewer": None,
        "reviewNotes": None,
        "version": 1,
        "enrollment": {"id": successor.id, "decision": "WAIVED", "electionWindow": {"reason": "OVERRIDE"}},
        "replacedEnrollment": {"id": pending.id, "decision": "ENROLLED", "coverageEndDate": "2027-02-28"},
    }


async def test_filters_select_by_employer_and_review(database: Database) -> None:
    office, _, ids = await make_overrides(database)
    other_employer = (await create_office(database)).employer
    for filter, expected in (
        ({}, ids),
        ({"reviewed": True}, ids[:1]),
        ({"reviewed": False}, ids[1:]),
        ({"reviewed": None, "employerId": office.employer}, ids),
        ({"employerId": other_employer}, []),
    ):
        page = await list_overrides(office, office.viewer, **filter)
        assert [node["id"] for node in page["nodes"]] == expected
        assert page["totalCount"] == len(expected)


async def test_employee_sees_no_override(database: Database) -> None:
    office, ada, ids = await make_overrides(database)
    viewer = employee_viewer(office.employer, ada)
    assert await list_overrides(office, viewer) == {"totalCount": 0, "nodes": []}
    query = "query($id: ID!) { node(id: $id) { id } }"
    assert await fetch_data(office.database, office.clock(), viewer, query, id=ids[0]) == {"node": None}
    assert await fetch_data(office.database, office.clock(), office.viewer, query, id=ids[0]) == {
        "node": {"id": ids[0]}
    }
