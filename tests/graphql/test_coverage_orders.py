"""Sorting coverage of record by several fields: pages by cursor and by offset match a sort in Python."""

import asyncio
from base64 import urlsafe_b64encode
from datetime import date
from itertools import count
from typing import Any

import orjson
import pytest
from coverage_lists import Order, Row, coverages, insert_contracts, insert_subscriber, orders, sort, to_order_by
from graphql_requests import execute, fetch_data, fetch_error, record_statements
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from benegraph.domain.errors import BadInput
from benegraph.domain.values import Clock
from benegraph.graphql.types.coverage import SubscriberEnrollmentOrderField
from benegraph.graphql.types.paging import MAX_OFFSET
from factories.access import administrator, make_tenant
from factories.carrier_rows import coverage_row, make_contract_row, make_coverage_rows, make_subscriber_row

ADMINISTRATOR = administrator()
LIST = """
query (
  $of: String!, $first: Int, $after: String, $last: Int, $before: String, $offset: Int
  $orderBy: [SubscriberEnrollmentOrder!]
) {
  subscriber(subscriberId: $of) { enrollments(
    first: $first, after: $after, last: $last, before: $before, offset: $offset, orderBy: $orderBy
  ) {
    nodes { id } edges { cursor node { id } } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }
}
"""
INVALID_ORDER = "Invalid `orderBy`: expected at most 5 fields, each at most once."


async def fetch_page(database: Database, clock: Clock, number: str, order: Order, **arguments: Any) -> Any:
    order_by = to_order_by(order) or None
    data = await fetch_data(database, clock, ADMINISTRATOR, LIST, of=number, orderBy=order_by, **arguments)
    return data["subscriber"]["enrollments"]


async def fetch_all_ids(database: Database, clock: Clock, number: str, order: Order, size: int) -> list[str]:
    """Return the IDs of all pages, read by cursor."""
    ids: list[str] = []
    after = None
    while True:
        page = await fetch_page(database, clock, number, order, first=size, after=after)
        assert [edge["node"] for edge in page["edges"]] == page["nodes"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        ids += [node["id"] for node in page["nodes"]]
        assert len(ids) == len(set(ids)) <= page["totalCount"]
        if not page["pageInfo"]["hasNextPage"]:
            return ids
        assert len(page["nodes"]) == size
        after = page["pageInfo"]["endCursor"]


def test_pages_match_a_sort_in_python(database_url: str, clock: Clock) -> None:
    _compare_with_python(database_url, clock, 12)


@pytest.mark.conformance
def test_pages_of_many_lists_match_a_sort_in_python(database_url: str, clock: Clock) -> None:
    _compare_with_python(database_url, clock, 120)


def _compare_with_python(database_url: str, clock: Clock, examples: int) -> None:
    with asyncio.Runner() as runner:
        engine = create_engine(database_url, PoolSettings(size=1, overflow=1))
        database = Database(engine)
        numbers = count()

        async def check(drawn: list[Row], drawn_orders: list[Order], size: int, offset: int) -> None:
            number = f"S{next(numbers)}"
            rows = await insert_subscriber(database, clock, number, drawn)
            for order in drawn_orders:
                expected = sort(rows, order)
                assert await fetch_all_ids(database, clock, number, order, size) == expected
                page = await fetch_page(database, clock, number, order, first=size, offset=offset)
                assert [node["id"] for node in page["nodes"]] == expected[offset : offset + size]
                assert page["pageInfo"]["hasNextPage"] is (len(expected) > offset + size)
                assert page["pageInfo"]["hasPreviousPage"] is (offset > 0)
                if page["nodes"] and size < len(expected):  # a page by offset can be continued by cursor
                    rest = await fetch_page(database, clock, number, order, after=page["pageInfo"]["endCursor"])
                    assert [node["id"] for node in rest["nodes"]] == expected[offset + size :]

        runner.run(insert_contracts(database, clock))

        @settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(coverages(), st.lists(orders, min_size=1, max_size=3), st.integers(1, 6), st.integers(0, 8))
        def run_property(drawn: list[Row], drawn_orders: list[Order], size: int, offset: int) -> None:
            runner.run(check(drawn, drawn_orders, size, offset))

        try:
            run_property()
        finally:
            runner.run(engine.dispose())


# ------------------------------------------------------------------------------------------------------ arguments


@pytest.fixture
async def months(database: Database, clock: Clock) -> list[str]:
    """Insert 120 coverages of the subscriber S1, each for one day of a month, and return their IDs. Half are paid."""
    await make_tenant(database, clock)
    await make_contract_row(database, clock)
    await make_subscriber_row(database, clock, "S1")
    days = [date(2020 + month // 12, month % 12 + 1, 1) for month in range(120)]
    rows = [
        coverage_row(clock, "S1", start_date=day, end_date=day, paid_through=day if day.month % 2 else None)
        for day in days
    ]
    return await make_coverage_rows(database, clock, *rows)


async def test_default_page_size_is_one_hundred(database: Database, clock: Clock, months: list[str]) -> None:
    for arguments in ({}, {"first": None, "after": None, "offset": None}, {"after": ""}):
        page = await fetch_page(database, clock, "S1", [], **arguments)
        assert [node["id"] for node in page["nodes"]] == months[:100]
        assert page["totalCount"] == 120
    for text in ("", "(orderBy: null)", "(orderBy: [])", "(orderBy: {field: START_DATE})", "(offset: 0)"):
        query = f'{{ subscriber(subscriberId: "S1") {{ enrollments{text} {{ nodes {{ id }} }} }} }}'
        data = await fetch_data(database, clock, ADMINISTRATOR, query)
        assert [node["id"] for node in data["subscriber"]["enrollments"]["nodes"]] == months[:100]


async def test_last_counts_from_the_end_of_a_list_with_a_default_of_one_hundred(
    database: Database, clock: Clock, months: list[str]
) -> None:
    for arguments, expected in (({"last": 5}, months[-5:]), ({"first": 100, "last": 5}, months[95:100])):
        page = await fetch_page(database, clock, "S1", [], **arguments)
        assert [node["id"] for node in page["nodes"]] == expected
        assert page["pageInfo"]["hasPreviousPage"]
        assert page["pageInfo"]["hasNextPage"] is ("first" in arguments)


async def test_offset_beyond_the_end_returns_an_empty_page(database: Database, clock: Clock, months: list[str]) -> None:
    for offset in (120, MAX_OFFSET):
        page = await fetch_page(database, clock, "S1", [("END_DATE", True)], offset=offset)
        assert (page["nodes"], page["totalCount"]) == ([], len(months))
        assert page["pageInfo"] == {
            "hasNextPage": False,
            "hasPreviousPage": True,
            "startCursor": None,
            "endCursor": None,
        }
    page = await fetch_page(database, clock, "S1", [("END_DATE", True)], first=3, offset=116)
    assert [node["id"] for node in page["nodes"]] == [months[3], months[2], months[1]]
    assert page["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize(
    ("arguments", "order", "message"),
    [
        ({"offset": -1}, [], "Invalid `offset`: expected 0 to 100000, got -1."),
        ({"offset": MAX_OFFSET + 1}, [], "Invalid `offset`: expected 0 to 100000, got 100001."),
        ({"first": 101}, [], "Invalid `first`: expected 0 to 100, got 101."),
        ({"first": -1, "offset": 1}, [], "Invalid `first`: expected 0 to 100, got -1."),
        ({"offset": 0, "after": "cursor"}, [], "`after` and `offset` can't be combined; pass only one of them."),
        ({"offset": 1, "after": "cursor"}, [], "`after` and `offset` can't be combined; pass only one of them."),
        ({"offset": 0, "last": 0}, [], "`last` and `offset` can't be combined; pass only one of them."),
        ({"offset": 1, "first": 3, "last": 3}, [], "`last` and `offset` can't be combined; pass only one of them."),
        ({"offset": 0, "before": "cursor"}, [], "`before` and `offset` can't be combined; pass only one of them."),
        ({"last": 101}, [], "Invalid `last`: expected 0 to 100, got 101."),
        ({"last": -1}, [], "Invalid `last`: expected 0 to 100, got -1."),
        ({}, [("START_DATE", False), ("START_DATE", True)], INVALID_ORDER),
        ({}, [(field.value, False) for field in list(SubscriberEnrollmentOrderField)[:6]], INVALID_ORDER),
    ],
)
@pytest.mark.usefixtures("months")
async def test_invalid_arguments_are_refused(
    database: Database, clock: Clock, arguments: Row, order: Order, message: str
) -> None:
    for name in {"after", "before"} & arguments.keys():
        cursor = (await fetch_page(database, clock, "S1", order))["pageInfo"]["endCursor"]
        assert await fetch_page(database, clock, "S1", order, **{name: cursor})
        arguments = arguments | {name: cursor}
    order_by = to_order_by(order)
    error = await fetch_error(database, clock, ADMINISTRATOR, LIST, of="S1", orderBy=order_by, **arguments)
    assert isinstance(error, BadInput)
    assert str(error) == message


@pytest.mark.usefixtures("months")
async def test_cursor_of_another_order_is_refused(database: Database, clock: Clock) -> None:
    order = [("PAID_THROUGH", True), ("START_DATE", False)]
    # The cursor is among the unpaid coverages, so it holds a null.
    cursor = (await fetch_page(database, clock, "S1", order, first=70))["pageInfo"]["endCursor"]
    rest = await fetch_page(database, clock, "S1", order, after=cursor)
    assert len(rest["nodes"]) == 50
    other_direction = [("PAID_THROUGH", False), ("START_DATE", False)]
    for other_order in ([], order[:1], order[::-1], other_direction, [*order, ("GROUP_ID", True)]):
        order_by = to_order_by(other_order)
        error = await fetch_error(database, clock, ADMINISTRATOR, LIST, of="S1", orderBy=order_by, after=cursor)
        assert isinstance(error, BadInput)


@pytest.mark.parametrize(
    "values",
    [
        (None, None, "sube_x"),  # the start date is never null
        ("2026-01-01", 1, None),
        ("2026-01-01", "1", "sube_x"),
        ("2026-01-01", 1.5, "sube_x"),
        ("2026-01-01", True, "sube_x"),
        ("2026-01-01", 2**63, "sube_x"),
        ("2026-01-01", 1, "sube_\0"),
        ("2026-01-01", 1, 5),
        ("2026-01-01", "sube_x"),
        ("2026-01-01", None, 1, "sube_x"),
    ],
)
async def test_cursor_with_invalid_values_is_refused(
    database: Database, clock: Clock, months: list[str], values: tuple[Any, ...]
) -> None:
    name = "SubscriberEnrollment.START_DATE,SubscriberEnrollment.ANNUAL_MAX"
    order = [{"field": "START_DATE"}, {"field": "ANNUAL_MAX"}]
    valid = encode_cursor(name, "2026-01-01", None, months[0])
    assert (await execute(database, clock, ADMINISTRATOR, LIST, of="S1", orderBy=order, after=valid)).errors is None
    error = await fetch_error(
        database, clock, ADMINISTRATOR, LIST, of="S1", orderBy=order, after=encode_cursor(name, *values)
    )
    assert isinstance(error, BadInput)


def encode_cursor(*parts: Any) -> str:
    return urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode()


async def test_lists_of_many_subscribers_take_one_statement(
    database: Database, clock: Clock, months: list[str]
) -> None:
    query = """{ subscribers(first: 100) { nodes { subscriberId enrollments(
        first: 2, offset: 1, orderBy: [{field: POLICY_NUMBER, direction: DESC}, {field: GROUP_ID}, {field: START_DATE}]
    ) { nodes { id startDate } pageInfo { hasNextPage } } } } }"""
    for subscriber_count in (1, 20):
        for number in range(2, subscriber_count + 1):
            await insert_subscriber(database, clock, f"S{number}", [])
            rows = [
                coverage_row(clock, f"S{number}", start_date=date(year, 1, 1), end_date=date(year, 6, 30))
                for year in range(2020, 2020 + number % 4)
            ]
            await make_coverage_rows(database, clock, *rows)
        with record_statements(database) as recorded:
            data = await fetch_data(database, clock, ADMINISTRATOR, query)
        assert len(recorded) == 2
        pages = {node["subscriberId"]: node["enrollments"] for node in data["subscribers"]["nodes"]}
        assert len(pages) == subscriber_count
        assert [node["id"] for node in pages["S1"]["nodes"]] == months[1:3]
        for number in range(2, subscriber_count + 1):
            starts = [node["startDate"] for node in pages[f"S{number}"]["nodes"]]
            assert starts == ["2021-01-01", "2022-01-01"][: max(0, number % 4 - 1)]
            assert pages[f"S{number}"]["pageInfo"] == {"hasNextPage": False}
