"""`Query.events`: types, subjects and changed columns, filters, cursors, and the events that each role may see."""

from functools import partial
from typing import Any

import pytest
from graphql_requests import fetch_data, fetch_error
from mutation_calls import call

from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.domain.errors import BadInput
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
from factories.office import TODAY, Office, create_office, enroll, waive

LIST = """query ($first: Int, $after: String, $last: Int, $filter: EventFilter) {
  events(first: $first, after: $after, last: $last, filter: $filter) {
    nodes { type subjectId } pageInfo { endCursor hasNextPage } } }"""


async def read_page(office: Office, viewer: Viewer | None = None, **arguments: Any) -> dict[str, Any]:
    data = await fetch_data(office.database, office.clock(), viewer or office.viewer, LIST, **arguments)
    page: dict[str, Any] = data["events"]
    return page


async def list_types(office: Office, viewer: Viewer | None = None, **arguments: Any) -> list[str]:
    page = await read_page(office, viewer, first=100, **arguments)
    return [node["type"] for node in page["nodes"]]


async def hire_and_enroll(office: Office, name: str) -> tuple[str, str]:
    """Hire an employee, open a plan year unless one is open, and elect the GOLD plan; return both IDs."""
    employee = await office.hire(name)
    year = await office.open_plan_year()
    (enrollment,) = [row.id for row in await office.enrollments(employee) if row.plan_year_id == year]
    await office.elect(employee, enroll(enrollment, (await office.plan_ids(year))["GOLD"]))
    return employee, enrollment


async def test_events_report_each_change_in_order_with_type_subject_and_columns(database: Database) -> None:
    office = await create_office(database)
    before = (await read_page(office, first=100))["pageInfo"]["endCursor"]
    employee, enrollment = await hire_and_enroll(office, "Ada")
    query = """query ($after: String, $filter: EventFilter) { events(after: $after, filter: $filter) { nodes {
      type subjectId subject { __typename id ... on Enrollment { status } } actor requestId reason
      employer { id } employee { id } changedFields before after } } }"""
    data = await fetch_data(
        database, office.clock(), office.viewer, query, after=before, filter={"subjectId": enrollment}
    )
    issued, elected = data["events"]["nodes"]
    common = {
        "subjectId": enrollment,
        "subject": {"__typename": "Enrollment", "id": enrollment, "status": "ENROLLED"},
        "actor": "ADMINISTRATOR akey_administrator",
        "requestId": "request-1",
        "reason": None,
        "employer": {"id": office.employer},
        "employee": {"id": employee},
    }
    assert {name: issued[name] for name in common} == {name: elected[name] for name in common} == common
    assert (issued["type"], issued["before"]) == ("enrollment.issued", None)
    assert issued["after"]["effective_on"] == "2027-01-01"
    assert issued["changedFields"] == sorted(issued["after"])
    assert elected["type"] == "enrollment.elected"
    assert elected["before"]["coverage_tier"] is None
    assert elected["after"]["coverage_tier"] == "EE"
    assert elected["changedFields"] == sorted(elected["before"]) == sorted(elected["after"])


async def test_personal_columns_are_named_without_values(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire("Ada")
    response = await call(office, "updateEmployee", {"employeeId": ada, "firstName": "Eve", "divisionId": None})
    assert response.is_applied
    query = "query ($filter: EventFilter) { events(filter: $filter) { nodes { changedFields before after } } }"
    filter = {"types": ["employee.updated"]}
    data = await fetch_data(database, office.clock(), office.viewer, query, filter=filter)
    assert data["events"]["nodes"] == [{"changedFields": ["first_name"], "before": {}, "after": {}}]
    data = await fetch_data(database, office.clock(), office.viewer, query, filter={"types": ["employee.hired"]})
    (hired,) = data["events"]["nodes"]
    assert "employment_class" in hired["after"]
    assert "first_name" not in hired["after"]


async def test_reader_that_passes_the_last_cursor_gets_every_later_event_once(database: Database) -> None:
    office = await create_office(database)
    cursor, types = None, list[str]()
    for make_changes in (partial(office.hire, "Ada"), office.open_plan_year):
        await make_changes()
        while (page := await read_page(office, first=1, after=cursor))["nodes"]:
            types += [node["type"] for node in page["nodes"]]
            cursor = page["pageInfo"]["endCursor"]
    assert types == await list_types(office)
    assert types[-1] == "enrollment.issued"
    assert len(types) > 4


async def test_last_event_is_the_position_to_continue_from(database: Database) -> None:
    office = await create_office(database)
    page = await read_page(office, last=1)
    await office.hire("Ada")
    assert await list_types(office, after=page["pageInfo"]["endCursor"]) == ["employee.hired"]


async def test_filters_limit_types_employer_subject_and_instant(database: Database) -> None:
    office = await create_office(database)
    ada, enrollment = await hire_and_enroll(office, "Ada")
    types = ["employee.hired", "enrollment.elected", "enrollment.issued"]
    assert await list_types(office, filter={"types": ["enrollment.elected", "employee.hired"]}) == types[:2]
    assert await list_types(office, filter={"types": []}) == []
    assert await list_types(office, filter={"subjectId": ada}) == ["employee.hired"]
    assert await list_types(office, filter={"subjectId": enrollment}) == ["enrollment.issued", "enrollment.elected"]
    of_employer = await list_types(office, filter={"employerId": office.employer})
    assert {"employer.created", *types} <= set(of_employer)
    assert "benefit_product.created" not in of_employer
    other = office.employer[:-1] + ("0" if office.employer[-1] != "0" else "1")
    assert await list_types(office, filter={"employerId": other}) == []
    all_types = await list_types(office)
    assert await list_types(office, filter={"since": f"{TODAY}T12:00:00Z"}) == all_types
    assert await list_types(office, filter={"since": f"{TODAY}T13:00:00Z"}) == []


@pytest.mark.parametrize(
    ("filter", "message"),
    [
        ({"types": ["enrollment.won"]}, "Invalid `types`: enrollment.won is no event type"),
        ({"employerId": "empl_01h455vb4pex5vsknk084sn02q"}, "Invalid ID: expected an ID of type Employer"),
        ({"subjectId": "x"}, "Invalid ID: expected a global ID"),
    ],
)
async def test_invalid_filter_is_refused(database: Database, filter: dict[str, Any], message: str) -> None:
    office = await create_office(database)
    error = await fetch_error(database, office.clock(), office.viewer, LIST, filter=filter)
    assert isinstance(error, BadInput)
    assert str(error).startswith(message)


async def test_each_role_sees_its_own_events(database: Database) -> None:
    office = await create_office(database)
    ada, _ = await hire_and_enroll(office, "Ada")
    bob = await office.hire("Bob")
    await call(office, "createSubscriber", {"subscriberId": "S-1", "employeeId": ada})
    await call(office, "updateTenantSettings", {"autoPaidThrough": True})
    everything = await list_types(office)
    assert {"benefit_product.created", "subscriber.created", "tenant_settings.updated"} <= set(everything)
    assert await list_types(office, service_viewer()) == everything
    own = await list_types(office, employer_viewer(office.employer))
    assert own == [each for each in everything if each not in {"benefit_product.created", "tenant_settings.updated"}]
    assert await list_types(office, service_viewer(employer=office.employer)) == own
    assert await list_types(office, employer_viewer("empr_01h455vb4pex5vsknk084sn02q")) == []
    assert await list_types(office, administrator("globex")) == []
    assert await list_types(office, employee_viewer(office.employer, ada)) == [
        "employee.hired",
        "enrollment.issued",
        "enrollment.elected",
    ]
    assert set(await list_types(office, employee_viewer(office.employer, bob))) == {
        "employee.hired",
        "enrollment.issued",
    }


async def test_employees_see_neither_callers_nor_the_reasons_of_others(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire("Ada")
    year = await office.open_plan_year()
    (enrollment,) = [row.id for row in await office.enrollments(ada)]
    viewer = employee_viewer(office.employer, ada)
    await office.as_viewer(viewer).elect(ada, waive(enrollment))
    response = await call(
        office, "terminateEmployee", {"employeeId": ada, "terminationDate": "2026-11-30", "reason": "Theft."}
    )
    assert response.is_applied, (year, response)
    query = "{ events { nodes { id type actor reason before after employee { id } } } }"
    data = await fetch_data(database, office.clock(), viewer, query)
    types = [(event["type"], event["actor"]) for event in data["events"]["nodes"]]
    assert ("enrollment.waived", "EMPLOYEE") in types
    assert ("employee.terminated", "ADMINISTRATOR") in types
    assert "Theft." not in str(data)
    assert {event["reason"] for event in data["events"]["nodes"]} == {None}
    as_administrator = await fetch_data(database, office.clock(), office.viewer, query)
    assert "Theft." in str(as_administrator)


async def test_subject_that_was_deleted_or_is_no_object_is_null(database: Database) -> None:
    office = await create_office(database)
    draft = await office.draft_plan_year()
    assert (await call(office, "deletePlanYear", {"planYearId": draft})).is_applied
    assert (await call(office, "updateTenantSettings", {"autoPaidThrough": True})).is_applied
    query = "query ($filter: EventFilter) { events(filter: $filter) { nodes { type subjectId subject { id } after } } }"
    filter = {"types": ["plan_year.deleted", "tenant_settings.updated"]}
    data = await fetch_data(database, office.clock(), office.viewer, query, filter=filter)
    assert data["events"]["nodes"] == [
        {"type": "plan_year.deleted", "subjectId": draft, "subject": None, "after": None},
        {
            "type": "tenant_settings.updated",
            "subjectId": "acme",
            "subject": None,
            "after": {"auto_paid_through": True},
        },
    ]


async def test_event_is_a_node_with_an_id_of_its_own(database: Database) -> None:
    office = await create_office(database)
    data = await fetch_data(database, office.clock(), office.viewer, "{ events(first: 1) { nodes { id type } } }")
    (event,) = data["events"]["nodes"]
    assert event["id"].startswith("fevt_")
    query = "query ($id: ID!) { node(id: $id) { __typename id ... on Event { type } } }"
    data = await fetch_data(database, office.clock(), office.viewer, query, id=event["id"])
    assert data["node"] == {"__typename": "Event", **event}
