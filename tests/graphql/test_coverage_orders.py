"""Orders of several fields: whatever is asked for, pages by cursor and jumps by offset show what Python would sort."""

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
#: Where a field's column goes by another name.
COLUMNS = {
    "ANNUAL_MAX": "annual_max_cents",
    "LIFETIME_MAX": "lifetime_max_cents",
    "ENTRY_DATE": "created_at",
    "UPDATE_DATE": "updated_at",
}
CONTRACT_STARTS = (date(2020, 1, 1), date(2021, 1, 1))
DIVISIONS = [(f"G{group}", f"D{division}") for group in range(3) for division in range(3)]

Row = dict[str, Any]
Order = Sequence[tuple[str, bool]]


def column(field: str) -> str:
    return COLUMNS.get(field, field.lower())


def sort(rows: Sequence[Row], order: Order) -> list[str]:
    """Sort as Python does, the least weighty first; nulls come last whichever way."""
    order = order or [("START_DATE", False)]
    found = sorted(rows, key=lambda row: str(row["id"]), reverse=order[-1][1])
    for field, descending in reversed(order):
        name = column(field)
        told = [row for row in found if row[name] is not None]
        told.sort(key=lambda row: row[name], reverse=descending)
        found = told + [row for row in found if row[name] is None]
    return [row["id"] for row in found]


# ------------------------------------------------------------------------------------------------------ the law

days = st.sampled_from([None, None, date(2026, 3, 1), date(2026, 3, 2), date(1999, 12, 31)])
cents = st.sampled_from([None, None, 0, 1, 2**53 - 1])
users = st.sampled_from(["akey_a", "akey_b"])
ages = st.sampled_from([0, 0, 1, 2_000_000]).map(lambda n: timedelta(microseconds=n))
orders = st.lists(
    st.tuples(st.sampled_from([field.value for field in SubscriberEnrollmentOrderField]), st.booleans()),
    max_size=5,
    unique_by=lambda each: each[0],
)


@st.composite
def coverages(draw: st.DrawFn) -> list[Row]:
    """Some coverages of one subscriber, alike in much: none shares a day with another of its division."""
    places = draw(st.lists(st.tuples(st.sampled_from(DIVISIONS), st.integers(2022, 2024)), max_size=14, unique=True))
    rows = []
    for (group, division), year in places:
        ends = [date(year, 6, 30), date(year, 12, 31)]
        is_last = not any(place == (group, division) and other > year for place, other in places)
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


async def make(database: Database, clock: Clock, number: str, drawn: Sequence[Row]) -> list[Row]:
    """Make a subscriber with the coverages drawn; give their rows."""
    await make_subscriber_row(database, clock, number)
    rows = []
    for each in drawn:
        told = dict(each)
        times = {"created_at": clock.now - told.pop("entered"), "updated_at": clock.now - told.pop("updated")}
        rows.append(coverage_row(clock, number, **told, **times))
    ids = await make_coverage_rows(database, clock, *rows)
    return [{**row, "id": id} for row, id in zip(rows, ids, strict=True)]


async def read(database: Database, clock: Clock, number: str, order: Order, **place: Any) -> Any:
    asked = [{"field": field, "direction": "DESC" if descending else "ASC"} for field, descending in order]
    data = await fetch_data(database, clock, ADMINISTRATOR, LIST, of=number, orderBy=asked or None, **place)
    return data["subscriber"]["enrollments"]


async def walk(database: Database, clock: Clock, number: str, order: Order, size: int) -> list[str]:
    """Page to the end by cursors."""
    seen: list[str] = []
    after = None
    while True:
        found = await read(database, clock, number, order, first=size, after=after)
        assert [edge["node"] for edge in found["edges"]] == found["nodes"]
        assert found["pageInfo"]["hasPreviousPage"] is (after is not None)
        seen += [node["id"] for node in found["nodes"]]
        assert len(seen) == len(set(seen)) <= found["totalCount"]
        if not found["pageInfo"]["hasNextPage"]:
            return seen
        assert len(found["nodes"]) == size
        after = found["pageInfo"]["endCursor"]


def test_pages_and_jumps_show_what_python_would_sort(database_url: str, clock: Clock) -> None:
    _hold_to_python(database_url, clock, 12)


@pytest.mark.conformance
def test_pages_and_jumps_of_many_lists_show_what_python_would_sort(database_url: str, clock: Clock) -> None:
    _hold_to_python(database_url, clock, 120)


def _hold_to_python(database_url: str, clock: Clock, examples: int) -> None:
    with asyncio.Runner() as runner:
        engine = create_engine(database_url, PoolSettings(size=1, overflow=1))
        database = Database(engine)
        numbers = count()

        async def set_up() -> None:
            await make_tenant(database, clock)
            for group, division in DIVISIONS:
                for start in CONTRACT_STARTS:
                    await make_contract_row(database, clock, group_id=group, division_id=division, coverage_start=start)

        async def told(drawn: list[Row], asked: list[Order], size: int, offset: int) -> None:
            number = f"S{next(numbers)}"
            rows = await make(database, clock, number, drawn)
            for order in asked:
                expected = sort(rows, order)
                assert await walk(database, clock, number, order, size) == expected
                found = await read(database, clock, number, order, first=size, offset=offset)
                assert [node["id"] for node in found["nodes"]] == expected[offset : offset + size]
                assert found["pageInfo"]["hasNextPage"] is (len(expected) > offset + size)
                assert found["pageInfo"]["hasPreviousPage"] is (offset > 0)
                if found["nodes"] and size < len(expected):  # a jump ends where a walk may go on
                    rest = await read(database, clock, number, order, after=found["pageInfo"]["endCursor"])
                    assert [node["id"] for node in rest["nodes"]] == expected[offset + size :]

        runner.run(set_up())

        @settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(coverages(), st.lists(orders, min_size=1, max_size=3), st.integers(1, 6), st.integers(0, 8))
        def law(drawn: list[Row], asked: list[Order], size: int, offset: int) -> None:
            runner.run(told(drawn, asked, size, offset))

        try:
            law()
        finally:
            runner.run(engine.dispose())


# ------------------------------------------------------------------------------------------ what may be asked for


@pytest.fixture
async def months(database: Database, clock: Clock) -> list[str]:
    """A subscriber, S1, who was covered for a day in each of 120 months; half of them are paid."""
    await make_tenant(database, clock)
    await make_contract_row(database, clock)
    await make_subscriber_row(database, clock, "S1")
    days = [date(2020 + month // 12, month % 12 + 1, 1) for month in range(120)]
    rows = [
        coverage_row(clock, "S1", start_date=day, end_date=day, paid_through=day if day.month % 2 else None)
        for day in days
    ]
    return await make_coverage_rows(database, clock, *rows)


async def test_a_page_holds_a_hundred_unless_it_is_told_otherwise(
    database: Database, clock: Clock, months: list[str]
) -> None:
    for place in ({}, {"first": None, "after": None, "offset": None}, {"after": ""}):
        found = await read(database, clock, "S1", [], **place)
        assert [node["id"] for node in found["nodes"]] == months[:100]
        assert found["totalCount"] == 120
    arguments = ("", "(orderBy: null)", "(orderBy: [])", "(orderBy: {field: START_DATE})", "(offset: 0)")
    for each in arguments:
        query = f'{{ subscriber(subscriberId: "S1") {{ enrollments{each} {{ nodes {{ id }} }} }} }}'
        data = await fetch_data(database, clock, ADMINISTRATOR, query)
        assert [node["id"] for node in data["subscriber"]["enrollments"]["nodes"]] == months[:100]


async def test_a_jump_beyond_the_end_shows_nothing(database: Database, clock: Clock, months: list[str]) -> None:
    for offset in (120, MAX_OFFSET):
        found = await read(database, clock, "S1", [("END_DATE", True)], offset=offset)
        assert (found["nodes"], found["totalCount"]) == ([], len(months))
        assert found["pageInfo"] == {
            "hasNextPage": False,
            "hasPreviousPage": True,
            "startCursor": None,
            "endCursor": None,
        }
    found = await read(database, clock, "S1", [("END_DATE", True)], first=3, offset=116)
    assert [node["id"] for node in found["nodes"]] == [months[3], months[2], months[1]]
    assert found["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize(
    ("place", "order"),
    [
        ({"offset": -1}, []),
        ({"offset": MAX_OFFSET + 1}, []),
        ({"first": 101}, []),
        ({"first": -1, "offset": 1}, []),
        ({"offset": 0, "after": "cursor"}, []),
        ({"offset": 1, "after": "cursor"}, []),
        ({}, [("START_DATE", False), ("START_DATE", True)]),
        ({}, [(field.value, False) for field in list(SubscriberEnrollmentOrderField)[:6]]),
    ],
)
@pytest.mark.usefixtures("months")
async def test_what_can_not_be_asked_for(database: Database, clock: Clock, place: Row, order: Order) -> None:
    if "after" in place:
        place["after"] = (await read(database, clock, "S1", order))["pageInfo"]["endCursor"]
        assert await read(database, clock, "S1", order, after=place["after"])
    asked = [{"field": field, "direction": "DESC" if descending else "ASC"} for field, descending in order]
    error = await fetch_error(database, clock, ADMINISTRATOR, LIST, of="S1", orderBy=asked, **place)
    assert isinstance(error, BadInput)


@pytest.mark.usefixtures("months")
async def test_a_cursor_is_good_for_its_own_order_alone(database: Database, clock: Clock) -> None:
    order = [("PAID_THROUGH", True), ("START_DATE", False)]
    cursor = (await read(database, clock, "S1", order, first=70))["pageInfo"]["endCursor"]  # where nothing is paid
    rest = await read(database, clock, "S1", order, after=cursor)
    assert len(rest["nodes"]) == 50
    turned = [("PAID_THROUGH", False), ("START_DATE", False)]
    for other in ([], order[:1], order[::-1], turned, [*order, ("GROUP_ID", True)]):
        asked = [{"field": field, "direction": "DESC" if descending else "ASC"} for field, descending in other]
        error = await fetch_error(database, clock, ADMINISTRATOR, LIST, of="S1", orderBy=asked, after=cursor)
        assert isinstance(error, BadInput)


@pytest.mark.parametrize(
    "place",
    [
        (None, None, "sube_x"),  # a start is never null
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
async def test_a_forged_cursor_is_none(
    database: Database, clock: Clock, months: list[str], place: tuple[Any, ...]
) -> None:
    name = "SubscriberEnrollment.START_DATE,SubscriberEnrollment.ANNUAL_MAX"
    order = [{"field": "START_DATE"}, {"field": "ANNUAL_MAX"}]
    good = forged(name, "2026-01-01", None, months[0])
    assert (await execute(database, clock, ADMINISTRATOR, LIST, of="S1", orderBy=order, after=good)).errors is None
    error = await fetch_error(database, clock, ADMINISTRATOR, LIST, of="S1", orderBy=order, after=forged(name, *place))
    assert isinstance(error, BadInput)


def forged(*parts: Any) -> str:
    return urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode()


async def test_all_subscribers_lists_take_one_statement(database: Database, clock: Clock, months: list[str]) -> None:
    query = """{ subscribers(first: 100) { nodes { subscriberId enrollments(
        first: 2, offset: 1, orderBy: [{field: POLICY_NUMBER, direction: DESC}, {field: GROUP_ID}, {field: START_DATE}]
    ) { nodes { id startDate } pageInfo { hasNextPage } } } } }"""
    for known in (1, 20):
        for number in range(2, known + 1):
            await make(database, clock, f"S{number}", [])
            rows = [
                coverage_row(clock, f"S{number}", start_date=date(year, 1, 1), end_date=date(year, 6, 30))
                for year in range(2020, 2020 + number % 4)
            ]
            await make_coverage_rows(database, clock, *rows)
        with record_statements(database) as sent:
            data = await fetch_data(database, clock, ADMINISTRATOR, query)
        assert len(sent) == 2
        found = {node["subscriberId"]: node["enrollments"] for node in data["subscribers"]["nodes"]}
        assert len(found) == known
        assert [node["id"] for node in found["S1"]["nodes"]] == months[1:3]
        for number in range(2, known + 1):
            starts = [node["startDate"] for node in found[f"S{number}"]["nodes"]]
            assert starts == ["2021-01-01", "2022-01-01"][: max(0, number % 4 - 1)]
            assert found[f"S{number}"]["pageInfo"] == {"hasNextPage": False}
