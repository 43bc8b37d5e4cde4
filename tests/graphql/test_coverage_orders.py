"""Sorting coverage of record by several fields: pages by cursor and by offset match a sort in Python."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import count
from typing import Any

import orjson
import pytest
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
query ($of: String!, $first: Int, $after: String, $offset: Int, $orderBy: [SubscriberEnrollmentOrder!]) {
  subscriber(subscriberId: $of) { enrollments(first: $first, after: $after, offset: $offset, orderBy: $orderBy) {
    nodes { id } edges { cursor node { id } } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }
}
"""
#: The columns of the sort fields whose column isn't the field name in lower case.
COLUMNS = {
    "ANNUAL_MAX": "annual_max_cents",
    "LIFETIME_MAX": "lifetime_max_cents",
    "ENTRY_DATE": "created_at",
    "UPDATE_DATE": "updated_at",
}
INVALID_ORDER = "Invalid `orderBy`: expected at most 5 fields, each at most once."
CONTRACT_STARTS = (date(2020, 1, 1), date(2021, 1, 1))
DIVISIONS = [(f"G{group}", f"D{division}") for group in range(3) for division in range(3)]

Row = dict[str, Any]
Order = Sequence[tuple[str, bool]]


def column(field: str) -> str:
    return COLUMNS.get(field, field.lower())


def sort(rows: Sequence[Row], order: Order) -> list[str]:
    """Return the IDs of the rows in this order. Nulls come last in both directions.

    Python's sort is stable, so the least significant field is sorted first.
    """
    order = order or [("START_DATE", False)]
    sorted_rows = sorted(rows, key=lambda row: str(row["id"]), reverse=order[-1][1])
    for field, is_descending in reversed(order):
        name = column(field)
        with_value = [row for row in sorted_rows if row[name] is not None]
        with_value.sort(key=lambda row: row[name], reverse=is_descending)
        sorted_rows = with_value + [row for row in sorted_rows if row[name] is None]
    return [row["id"] for row in sorted_rows]


# ----------------------------------------------------------------------------------------------- property tests

days = st.sampled_from([None, None, date(2026, 3, 1), date(2026, 3, 2), date(1999, 12, 31)])
cents = st.sampled_from([None, None, 0, 1, 2**53 - 1])
users = st.sampled_from(["akey_a", "akey_b"])
ages = st.sampled_from([0, 0, 1, 2_000_000]).map(lambda n: timedelta(microseconds=n))
orders = st.lists(
    st.tuples(st.sampled_from([field.value for field in SubscriberEnrollmentOrderField]), st.booleans()),
    max_size=5,
    unique_by=lambda term: term[0],
)


@st.composite
def coverages(draw: st.DrawFn) -> list[Row]:
    """Draw coverages of one subscriber with many equal values. In a division, no two share a day."""
    periods = draw(st.lists(st.tuples(st.sampled_from(DIVISIONS), st.integers(2022, 2024)), max_size=14, unique=True))
    rows = []
    for (group, division), year in periods:
        ends = [date(year, 6, 30), date(year, 12, 31)]
        is_last = not any(key == (group, division) and other_year > year for key, other_year in periods)
        rows.append(
            {
                "group_id": group,
                "division_id": division,
                "group_coverage_start": draw(st.sampled_from(CONTRACT_STARTS)),
                "start_date": date(year, 1, 1),
                "end_date": draw(st.sampled_from([None, *ends] if is_last else ends)),
                "annual_max_cents": draw(cents),
                "lifetime_max_cents": draw(cents),
                "date_employed": draw(days),
                "eligibility_date": draw(days),
                "original_enrollment_date": draw(days),
                "paid_through": draw(days),
                "policy_number": draw(st.sampled_from([None, None, "P1", "P2"])),
                "term_date": draw(days),
                "entry_user": draw(users),
                "update_user": draw(users),
                "entered": draw(ages),
                "updated": draw(ages),
            }
        )
    return rows


async def insert_subscriber(database: Database, clock: Clock, number: str, drawn: Sequence[Row]) -> list[Row]:
    """Insert a subscriber with these coverages, and return their rows with IDs."""
    await make_subscriber_row(database, clock, number)
    rows = []
    for coverage in drawn:
        columns = dict(coverage)
        times = {"created_at": clock.now - columns.pop("entered"), "updated_at": clock.now - columns.pop("updated")}
        rows.append(coverage_row(clock, number, **columns, **times))
    ids = await make_coverage_rows(database, clock, *rows)
    return [{**row, "id": id} for row, id in zip(rows, ids, strict=True)]


def to_order_by(order: Order) -> list[dict[str, str]]:
    return [{"field": field, "direction": "DESC" if is_descending else "ASC"} for field, is_descending in order]


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

        async def set_up() -> None:
            await make_tenant(database, clock)
            for group, division in DIVISIONS:
                for start in CONTRACT_STARTS:
                    await make_contract_row(database, clock, group_id=group, division_id=division, coverage_start=start)

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

        runner.run(set_up())

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
        ({}, [("START_DATE", False), ("START_DATE", True)], INVALID_ORDER),
        ({}, [(field.value, False) for field in list(SubscriberEnrollmentOrderField)[:6]], INVALID_ORDER),
    ],
)
@pytest.mark.usefixtures("months")
async def test_invalid_arguments_are_refused(
    database: Database, clock: Clock, arguments: Row, order: Order, message: str
) -> None:
    if "after" in arguments:
        arguments["after"] = (await fetch_page(database, clock, "S1", order))["pageInfo"]["endCursor"]
        assert await fetch_page(database, clock, "S1", order, after=arguments["after"])
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
