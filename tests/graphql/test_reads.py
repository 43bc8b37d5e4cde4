"""Employers, employees, dependents and the viewer: each field returns its column's value."""

from datetime import date

from graphql_requests import fetch_data

from benegraph.db.session import Database
from benegraph.domain.people import EmploymentClass, Relationship
from benegraph.domain.values import Clock
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
from factories.employers import make_employer
from factories.people import make_dependent, make_employee

ADMINISTRATOR = administrator()


def now_in_json(clock: Clock) -> str:
    return clock.now.isoformat().replace("+00:00", "Z")


async def test_employer_returns_all_fields(database: Database, clock: Clock) -> None:
    id = await make_employer(database, clock, name="Initech", time_zone="America/Denver", active=False)
    data = await fetch_data(
        database,
        clock,
        ADMINISTRATOR,
        "query ($id: ID!) { employer(id: $id) { id name timeZone today active version createdAt updatedAt } }",
        id=id,
    )
    assert data["employer"] == {
        "id": id,
        "name": "Initech",
        "timeZone": "America/Denver",
        "today": clock.today("America/Denver").isoformat(),
        "active": False,
        "version": 1,
        "createdAt": now_in_json(clock),
        "updatedAt": now_in_json(clock),
    }


async def test_employee_returns_all_fields(database: Database, clock: Clock) -> None:
    employer = await make_employer(database, clock)
    id = await make_employee(
        database,
        clock,
        employer=employer,
        first_name="Grace",
        last_name="Hopper",
        email="grace@example.com",
        external_id="E-7",
        date_of_birth=date(1980, 12, 9),
        employment_class=EmploymentClass.PART_TIME,
        hired_on=date(2021, 3, 1),
        terminated_on=date(2026, 11, 20),
    )
    data = await fetch_data(
        database,
        clock,
        ADMINISTRATOR,
        """query ($id: ID!) { employee(id: $id) {
             id externalId version firstName lastName email dateOfBirth employmentClass startDate terminationDate
             active createdAt updatedAt employer { id } dependents { id } qualifyingLifeEvents { id }
        } }""",
        id=id,
    )
    assert data["employee"] == {
        "id": id,
        "externalId": "E-7",
        "version": 1,
        "firstName": "Grace",
        "lastName": "Hopper",
        "email": "grace@example.com",
        "dateOfBirth": "1980-12-09",
        "employmentClass": "PART_TIME",
        "startDate": "2021-03-01",
        "terminationDate": "2026-11-20",
        "active": False,  # the employment ends before the termination date
        "createdAt": now_in_json(clock),
        "updatedAt": now_in_json(clock),
        "employer": {"id": employer},
        "dependents": [],
        "qualifyingLifeEvents": [],
    }


async def test_optional_employee_fields_are_null(database: Database, clock: Clock) -> None:
    employer = await make_employer(database, clock)
    id = await make_employee(database, clock, employer=employer, date_of_birth=None)
    data = await fetch_data(
        database,
        clock,
        ADMINISTRATOR,
        "query ($id: ID!) { employee(id: $id) { externalId email dateOfBirth terminationDate active } }",
        id=id,
    )
    assert data["employee"] == {
        "externalId": None,
        "email": None,
        "dateOfBirth": None,
        "terminationDate": None,
        "active": True,
    }


async def test_dependents_are_returned_in_creation_order(database: Database, clock: Clock) -> None:
    employee_id = await make_employee(database, clock, employer=await make_employer(database, clock))
    spouse = await make_dependent(
        database,
        clock,
        employee=employee_id,
        first_name="Kit",
        last_name="Reed",
        date_of_birth=date(1991, 2, 3),
        relationship=Relationship.SPOUSE,
        active=False,
    )
    child = await make_dependent(database, clock, employee=employee_id, disabled=True)
    fields = "id firstName lastName dateOfBirth relationship active disabled version"
    data = await fetch_data(
        database,
        clock,
        ADMINISTRATOR,
        f"query ($id: ID!, $child: ID!) {{ employee(id: $id) {{ dependents {{ {fields} }} }}"
        f" node(id: $child) {{ ... on Dependent {{ {fields} }} }} }}",
        id=employee_id,
        child=child,
    )
    assert data["employee"]["dependents"] == [
        {
            "id": spouse,
            "firstName": "Kit",
            "lastName": "Reed",
            "dateOfBirth": "1991-02-03",
            "relationship": "SPOUSE",
            "active": False,
            "disabled": False,
            "version": 1,
        },
        {
            "id": child,
            "firstName": "Ben",
            "lastName": "Adams",
            "dateOfBirth": "2015-08-30",
            "relationship": "CHILD",
            "active": True,
            "disabled": True,
            "version": 1,
        },
    ]
    assert data["node"] == data["employee"]["dependents"][1]


async def test_viewer_returns_the_limits_of_its_credentials(database: Database, clock: Clock) -> None:
    query = "{ viewer { tenant role employer { id } employee { id } } }"
    employer = await make_employer(database, clock)
    employee_id = await make_employee(database, clock, employer=employer)
    for viewer, role, expected_employer, expected_employee in (
        (administrator(), "ADMINISTRATOR", None, None),
        (service_viewer(), "SERVICE", None, None),
        (service_viewer(employer=employer), "SERVICE", {"id": employer}, None),
        (employer_viewer(employer), "EMPLOYER", {"id": employer}, None),
        (employee_viewer(employer, employee_id), "EMPLOYEE", {"id": employer}, {"id": employee_id}),
    ):
        data = await fetch_data(database, clock, viewer, query)
        assert data["viewer"] == {
            "tenant": "acme",
            "role": role,
            "employer": expected_employer,
            "employee": expected_employee,
        }
