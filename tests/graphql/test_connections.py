"""Connections: pagination in every order and direction, page sizes, and invalid arguments."""

from base64 import urlsafe_b64encode
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import orjson
import pytest
from graphql_requests import fetch_data, fetch_error, record_statements

from benegraph.db.session import Database
from benegraph.domain.errors import BadInput
from benegraph.domain.values import Clock
from factories.access import administrator
from factories.catalog import make_product
from factories.employers import make_employer
from factories.enrollments import make_enrollment, make_event
from factories.people import make_employee
from factories.plan_years import make_plan_year

ADMINISTRATOR = administrator()
PAGE = "nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
OF_EMPLOYER = f"""
  query ($id: ID!, $first: Int, $after: String, $orderBy: EmployeeOrder) {{ employer(id: $id) {{
    list: employees(first: $first, after: $after, orderBy: $orderBy) {{ {PAGE} }}
  }} }}
"""
OF_ALL = f"""
  query ($first: Int, $after: String, $last: Int, $before: String, $orderBy: EmployeeOrder) {{
    list: employees(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy) {{ {PAGE} }}
  }}
"""


@pytest.fixture
async def employees(database: Database, clock: Clock) -> tuple[str, list[dict[str, Any]]]:
    """Insert an employer and eleven employees, and return the sort values of these, many of which are equal."""
    employer = await make_employer(database, clock)
    rows = []
    for number in range(11):
        columns: dict[str, Any] = {
            "last_name": ["Zola", "adams", "Brontë", "Brontë"][number % 4],
            "hired_on": date(2020, 1, 1) + timedelta(days=number % 3),
            "created_at": clock.now - timedelta(seconds=number % 2, microseconds=number % 5),
        }
        rows.append({"id": await make_employee(database, clock, employer=employer, **columns), **columns})
    return employer, rows


async def fetch_all_ids(database: Database, clock: Clock, query: str, size: int, **variables: Any) -> list[str]:
    """Return the IDs of all pages, and check the edges and the `pageInfo` of each page."""
    ids: list[str] = []
    after = None
    while True:
        data = await fetch_data(database, clock, ADMINISTRATOR, query, first=size, after=after, **variables)
        page = (data.get("employer") or data)["list"]
        assert [edge["node"] for edge in page["edges"]] == page["nodes"]
        info = page["pageInfo"]
        assert info["hasPreviousPage"] is (after is not None)
        assert info["startCursor"] == (page["edges"][0]["cursor"] if page["edges"] else None)
        assert info["endCursor"] == (page["edges"][-1]["cursor"] if page["edges"] else None)
        ids += [node["id"] for node in page["nodes"]]
        assert len(set(ids)) == len(ids)  # a repeated page would loop forever
        if not info["hasNextPage"]:
            return ids
        assert len(page["nodes"]) == size
        after = info["endCursor"]


@pytest.mark.parametrize("size", [1, 4, 11, 100])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize(("field", "key"), [("START_DATE", "hired_on"), ("CREATED_AT", "created_at")])
async def test_pages_follow_the_requested_order(
    database: Database,
    clock: Clock,
    employees: tuple[str, list[dict[str, Any]]],
    field: str,
    key: str,
    direction: str,
    size: int,
) -> None:
    employer, rows = employees
    order_by = {"field": field, "direction": direction}
    expected = sorted(rows, key=lambda row: (row[key], row["id"]), reverse=direction == "DESC")
    ids = [row["id"] for row in expected]
    assert await fetch_all_ids(database, clock, OF_EMPLOYER, size, id=employer, orderBy=order_by) == ids
    assert await fetch_all_ids(database, clock, OF_ALL, size, orderBy=order_by) == ids


@pytest.mark.parametrize("size", [1, 3, 11])
async def test_last_names_are_sorted_by_the_databases_collation(
    database: Database, clock: Clock, employees: tuple[str, list[dict[str, Any]]], size: int
) -> None:
    employer, rows = employees
    ascending = await fetch_all_ids(database, clock, OF_EMPLOYER, size, id=employer, orderBy={"field": "LAST_NAME"})
    descending = await fetch_all_ids(
        database, clock, OF_EMPLOYER, size, id=employer, orderBy={"field": "LAST_NAME", "direction": "DESC"}
    )
    assert sorted(ascending) == sorted(row["id"] for row in rows)
    assert descending == ascending[::-1]
    names = {row["id"]: row["last_name"] for row in rows}
    assert len(list(groupby(names[id] for id in ascending))) == 3  # equal names are adjacent
    assert ascending == await fetch_all_ids(database, clock, OF_EMPLOYER, size, id=employer)  # the default order


async def test_insert_between_pages_does_not_shift_the_next_page(
    database: Database, clock: Clock, employees: tuple[str, list[dict[str, Any]]]
) -> None:
    _, rows = employees
    order_by = {"field": "START_DATE"}
    data = await fetch_data(database, clock, ADMINISTRATOR, OF_ALL, first=5, orderBy=order_by)
    employer = await make_employer(database, clock)
    await make_employee(database, clock, employer=employer, hired_on=date(2019, 1, 1))
    rest = await fetch_data(
        database, clock, ADMINISTRATOR, OF_ALL, first=100, after=data["list"]["pageInfo"]["endCursor"], orderBy=order_by
    )
    ids = [node["id"] for node in data["list"]["nodes"] + rest["list"]["nodes"]]
    assert sorted(ids) == sorted(row["id"] for row in rows)


async def test_each_parent_returns_its_own_page(database: Database, clock: Clock) -> None:
    employers = [await make_employer(database, clock, name=name) for name in "ABC"]
    employees = {id: [await make_employee(database, clock, employer=id) for _ in range(3)] for id in employers[:2]}
    data = await fetch_data(
        database,
        clock,
        ADMINISTRATOR,
        "{ employers { nodes { id employees(first: 2, orderBy: {field: CREATED_AT}) {"
        " nodes { id } pageInfo { hasNextPage } totalCount } } } }",
    )
    pages = {node["id"]: node["employees"] for node in data["employers"]["nodes"]}
    assert list(pages) == employers
    for id in employers[:2]:
        assert [node["id"] for node in pages[id]["nodes"]] == employees[id][:2]
        assert pages[id]["pageInfo"]["hasNextPage"]
        assert pages[id]["totalCount"] == 3
    assert pages[employers[2]] == {"nodes": [], "pageInfo": {"hasNextPage": False}, "totalCount": 0}


async def test_default_order_is_creation_order(database: Database, clock: Clock) -> None:
    employer, product = await make_employer(database, clock), await make_product(database, clock)
    plan_years = [
        await make_plan_year(
            database,
            clock,
            employer=employer,
            product=product,
            coverage_starts_on=date(year, 1, 1),
            coverage_ends_on=date(year, 12, 31),
        )
        for year in (2029, 2027, 2028)
    ]
    person = await make_employee(database, clock, employer=employer)
    enrollments = [await make_enrollment(database, clock, employee=person, plan_year=id) for id in plan_years]
    events = [await make_event(database, clock, employee=person, subject=enrollments[0]) for _ in range(3)]
    data = await fetch_data(
        database,
        clock,
        ADMINISTRATOR,
        """query ($employer: ID!, $product: ID!, $person: ID!, $enrollment: ID!) {
          employer(id: $employer) { planYears { nodes { id } } enrollments { nodes { id } } }
          benefitProduct(id: $product) { planYears { nodes { id } } }
          employee(id: $person) { enrollments { nodes { id } } }
          enrollment(id: $enrollment) { events { nodes { id } } }
          enrollments { nodes { id } } benefitProducts { nodes { id } }
        }""",
        employer=employer,
        product=product,
        person=person,
        enrollment=enrollments[0],
    )

    def ids(connection: dict[str, Any]) -> list[str]:
        return [node["id"] for node in connection["nodes"]]

    assert ids(data["employer"]["planYears"]) == plan_years
    assert ids(data["benefitProduct"]["planYears"]) == plan_years
    assert ids(data["employer"]["enrollments"]) == enrollments
    assert ids(data["employee"]["enrollments"]) == enrollments
    assert ids(data["enrollments"]) == enrollments
    assert ids(data["enrollment"]["events"]) == events
    assert ids(data["benefitProducts"]) == [product]


async def test_page_size_zero_returns_only_page_info(
    database: Database, clock: Clock, employees: tuple[str, list[dict[str, Any]]]
) -> None:
    for employer, has_next_page in ((employees[0], True), (await make_employer(database, clock), False)):
        data = await fetch_data(database, clock, ADMINISTRATOR, OF_EMPLOYER, id=employer, first=0)
        assert data["employer"]["list"] == {
            "nodes": [],
            "edges": [],
            "pageInfo": {
                "hasNextPage": has_next_page,
                "hasPreviousPage": False,
                "startCursor": None,
                "endCursor": None,
            },
        }


async def test_null_arguments_mean_the_defaults(database: Database, clock: Clock) -> None:
    employer = await make_employer(database, clock)
    for _ in range(22):
        await make_employee(database, clock, employer=employer)
    for arguments in ("", "(first: null, after: null, filter: null, orderBy: null)", "(filter: {})", '(after: "")'):
        data = await fetch_data(database, clock, ADMINISTRATOR, f"{{ employees{arguments} {{ nodes {{ id }} }} }}")
        assert len(data["employees"]["nodes"]) == 20
    data = await fetch_data(database, clock, ADMINISTRATOR, "{ employees(first: 100) { nodes { id } totalCount } }")
    assert len(data["employees"]["nodes"]) == data["employees"]["totalCount"] == 22


async def test_last_alone_counts_from_the_end_of_the_list(database: Database, clock: Clock) -> None:
    employer = await make_employer(database, clock)
    ids = [await make_employee(database, clock, employer=employer) for _ in range(26)]
    for arguments, expected in {
        "last: 5": ids[-5:],
        "first: null, last: 5": ids[-5:],
        "last: 5, before: null": ids[-5:],
        'last: 5, before: ""': ids[-5:],
        "last: 100": ids,
        "last: 0": [],
        # A `first` from the client counts, even if it equals the default.
        "first: 20, last: 5": ids[15:20],
        "first: 7, last: 5": ids[2:7],
        "first: 5, last: 7": ids[:5],
        "last: null": ids[:20],
        "first: null, last: null": ids[:20],
    }.items():
        query = f"{{ employees({arguments}, orderBy: {{field: CREATED_AT}}) {{ nodes {{ id }} }} }}"
        data = await fetch_data(database, clock, ADMINISTRATOR, query)
        assert [node["id"] for node in data["employees"]["nodes"]] == expected, arguments
    for definition, variables, expected in (
        ("$first: Int", {}, ids[-5:]),
        ("$first: Int", {"first": None}, ids[-5:]),
        ("$first: Int", {"first": 20}, ids[15:20]),
        ("$first: Int = 20", {}, ids[15:20]),
    ):
        query = (
            f"query ({definition}) {{ employees(first: $first, last: 5, orderBy: {{field: CREATED_AT}})"
            " { nodes { id } } }"
        )
        data = await fetch_data(database, clock, ADMINISTRATOR, query, **variables)
        assert [node["id"] for node in data["employees"]["nodes"]] == expected, (definition, variables)


async def test_before_alone_returns_the_first_items_up_to_the_cursor(database: Database, clock: Clock) -> None:
    employer = await make_employer(database, clock)
    ids = [await make_employee(database, clock, employer=employer) for _ in range(26)]
    query = """query ($before: String) { employees(before: $before, orderBy: {field: CREATED_AT}) {
      nodes { id } pageInfo { hasNextPage hasPreviousPage } } }"""
    data = await fetch_data(
        database, clock, ADMINISTRATOR, "{ employees(first: 26, orderBy: {field: CREATED_AT}) { edges { cursor } } }"
    )
    cursors = [edge["cursor"] for edge in data["employees"]["edges"]]
    for index, has_next_page in ((0, False), (20, False), (21, True)):
        data = await fetch_data(database, clock, ADMINISTRATOR, query, before=cursors[index])
        assert [node["id"] for node in data["employees"]["nodes"]] == ids[:index][:20]
        assert data["employees"]["pageInfo"] == {"hasNextPage": has_next_page, "hasPreviousPage": False}


@pytest.mark.parametrize("argument", ["first", "last"])
@pytest.mark.parametrize("size", [-1, 101, 2**31 - 1])
async def test_invalid_page_size_is_refused(database: Database, clock: Clock, argument: str, size: int) -> None:
    for others in ({}, {"first": 3, "last": 3}):
        error = await fetch_error(database, clock, ADMINISTRATOR, OF_ALL, **(others | {argument: size}))
        assert isinstance(error, BadInput)
        assert str(error) == f"Invalid `{argument}`: expected 0 to 100, got {size}."


async def test_count_runs_only_when_total_count_is_selected(
    database: Database, clock: Clock, employees: tuple[str, list[dict[str, Any]]]
) -> None:
    with record_statements(database) as recorded:
        await fetch_data(database, clock, ADMINISTRATOR, "{ employees { nodes { id } } }")
    assert len(recorded) == 1
    with record_statements(database) as recorded:
        data = await fetch_data(database, clock, ADMINISTRATOR, "{ employees(first: 0) { totalCount } }")
    assert len(recorded) == 2
    assert data["employees"]["totalCount"] == len(employees[1])


def encode_cursor(*parts: Any) -> str:
    return urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode()


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "äöü",
        "AAAA",
        "e30",  # {}
        "MQ",  # 1
        "bnVsbA",  # null
        "W10",  # []
        encode_cursor(),
        encode_cursor("Employee.CREATED_AT"),
        encode_cursor("Employee.CREATED_AT", "2026-11-20T00:00:00+00:00"),
        encode_cursor("Employee.CREATED_AT", "2026-11-20T00:00:00", "empl_x"),
        encode_cursor("Employee.CREATED_AT", "0001-01-01T00:00:00+14:00", "empl_x"),
        encode_cursor("Employee.CREATED_AT", "yesterday", "empl_x"),
        encode_cursor("Employee.CREATED_AT", 1, "empl_x"),
        encode_cursor("Employee.CREATED_AT", None, "empl_x"),
        encode_cursor("Employee.CREATED_AT", "2026-11-20T00:00:00+00:00", "empl_\0"),
        encode_cursor("Employee.CREATED_AT", "2026-11-20T00:00:00+00:00", "empl_x", "more"),
        encode_cursor("-Employee.CREATED_AT", "2026-11-20T00:00:00+00:00", "empl_x"),
        encode_cursor("Employee.START_DATE", "2026-11-20", "empl_x"),
        encode_cursor("Employer.CREATED_AT", "2026-11-20T00:00:00+00:00", "empr_x"),
    ],
)
async def test_invalid_cursor_is_refused(database: Database, clock: Clock, cursor: str, argument: str) -> None:
    order_by = {"field": "CREATED_AT"}
    error = await fetch_error(database, clock, ADMINISTRATOR, OF_ALL, orderBy=order_by, **{argument: cursor})
    assert isinstance(error, BadInput)
    assert str(error) == f"Invalid `{argument}`: expected a cursor that this list returned in the same order."


async def test_cursor_of_another_list_is_refused(
    database: Database, clock: Clock, employees: tuple[str, list[dict[str, Any]]]
) -> None:
    data = await fetch_data(
        database, clock, ADMINISTRATOR, "{ employers { edges { cursor } } employees { edges { cursor } } }"
    )
    of_employer, of_employee = (data[key]["edges"][0]["cursor"] for key in ("employers", "employees"))
    query = "query ($after: String) { enrollments(after: $after) { nodes { id } } }"
    for cursor in (of_employer, of_employee):
        assert isinstance(await fetch_error(database, clock, ADMINISTRATOR, query, after=cursor), BadInput)
    # The cursor names a position among employees in this order, so it is valid in every list of employees.
    rest = await fetch_data(database, clock, ADMINISTRATOR, OF_EMPLOYER, id=employees[0], after=of_employee)
    assert len(rest["employer"]["list"]["nodes"]) == len(employees[1]) - 1
