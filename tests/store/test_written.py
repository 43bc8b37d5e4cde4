"""What PostgreSQL writes as JSON is to the byte what orjson would write."""

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    Integer,
    Text,
    cast,
    column,
    literal,
    select,
    text,
    values,
)

from benegraph.db import store
from benegraph.db.base import Base
from benegraph.db.query_compiler import is_id_column
from benegraph.db.query_compiler.json_text import coalesce_text, concat, cursor_pieces, value_pieces
from benegraph.db.session import Database
from benegraph.db.store.row_queries import Order, PagedRows, PageWindow
from benegraph.domain.ids import ID_SUFFIX_PATTERN
from benegraph.graphql.types.paging import PageRequest
from conftest import connect

ODD = ['"', "\\", "/", "\b\f\n\r\t", "\x01\x1f\x7f", "ä€𝄞", "\u2028\u2029", "", "a\u0300", "</script>", "%$1:x"]
INSTANT = DateTime(timezone=True)
INSTANTS = [
    datetime(2026, 11, 21, 13, 5, 9, tzinfo=UTC),
    datetime(2026, 11, 21, 13, 5, 9, 120_000, tzinfo=UTC),
    datetime(2026, 7, 1, 0, 30, 0, 1, tzinfo=UTC),
    datetime(999, 1, 1, tzinfo=UTC),
]
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *((Text, text) for text in ODD),
        *((Integer, number) for number in (0, -1, 2**31 - 1)),
        *((Boolean, truth) for truth in (True, False)),
        *((Date, day) for day in (date(1, 1, 2), date(2026, 2, 28), date(9999, 12, 30))),
        *((INSTANT, instant) for instant in INSTANTS),
    ],
)
async def test_a_value_is_written_alike(database: Database, kind: Any, value: Any) -> None:
    held = values(column("value", kind), name="held").data([(value,)])
    async with database.engine.connect() as connection:
        written = (await connection.execute(select(concat(value_pieces(held.c.value))))).scalar_one()
    assert written.encode() == orjson.dumps(value, option=orjson.OPT_UTC_Z)


@pytest.mark.parametrize("kind", [Text, Integer, Boolean, Date, INSTANT])
async def test_what_is_null_is_what_stands_for_it(database: Database, kind: Any) -> None:
    async with database.engine.connect() as connection:
        whole = coalesce_text(value_pieces(literal(None, kind)), "null")
        assert (await connection.execute(select(whole))).scalar_one() == "null"


async def test_a_day_is_written_alike_whatever_the_database_is_set_to(database: Database, owner_url: str) -> None:
    owner = await connect(owner_url)
    try:
        await owner.execute(f'ALTER DATABASE "{database.engine.url.database}" SET datestyle TO "German, DMY"')
    finally:
        await owner.close()
    await database.engine.dispose()  # of the sessions that were opened before
    async with database.engine.connect() as connection:
        written = (
            await connection.execute(select(concat(value_pieces(literal(date(2026, 2, 28), Date)))))
        ).scalar_one()
    assert written == '"2026-02-28"'


@pytest.mark.parametrize(
    ("page", "order", "place"),
    [
        *((store.people.page, (), (text, "empl_1")) for text in (*ODD, "x" * 200)),
        (store.people.page, (("LAST_NAME", True),), ("É", "empl_1")),
        *((store.people.page, (("CREATED_AT", False),), (instant, "empl_1")) for instant in INSTANTS),
        (store.people.page, (("START_DATE", True),), (date(2026, 2, 28), "empl_1")),
        (store.enrollments.page, (), ("enrl_1",)),
        (store.coverage.of_subscribers, (("ANNUAL_MAX", True),), (None, "senr_1")),
        (store.coverage.of_subscribers, (("ANNUAL_MAX", True), ("START_DATE", False)), (7, date(2026, 1, 1), "senr_1")),
    ],
)
async def test_a_cursor_is_written_alike(database: Database, page: PagedRows, order: Order, place: Any) -> None:
    columns = [(each.key, each.type) for each, _ in page.sort_columns(order)]
    held = values(*(column(name, kind) for name, kind in columns), name="held").data([place])
    level = select(*(cast(held.c[name], kind).label(name) for name, kind in columns)).subquery()
    window = PageWindow(1, order=order)
    async with database.engine.connect() as connection:
        await connection.execute(text("SET TimeZone TO 'Asia/Kolkata'"))
        written = (await connection.execute(select(concat(cursor_pieces(level, page, window))))).scalar_one()
        await connection.rollback()
    assert written == f'"{PageRequest(page, window).encode_cursor(place)}"'


async def test_any_text_is_written_alike(owner_url: str) -> None:
    connection = await connect(owner_url)

    @given(texts=st.lists(TEXTS, max_size=20))
    @settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def hold(texts: list[str]) -> None:
        asked.append(texts)

    asked: list[list[str]] = []
    hold()
    try:
        for texts in asked:
            rows = await connection.fetch("SELECT to_json(t)::text FROM unnest($1::text[]) t", texts)
            assert [row[0].encode() for row in rows] == [orjson.dumps(text) for text in texts]
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("source", "column", "expected"),
    [
        (store.enrollments.by_ids, "selected_plan_id", True),
        (store.enrollments.by_ids, "benefit_product_id", True),  # the plan year's
        (store.enrollments.by_ids, "employee_id", True),
        (store.people.by_ids, "id", True),
        (store.coverage.by_ids, "group_contract_id", True),
        (store.coverage.by_ids, "subscriber_id", False),  # a carrier's number
        (store.people.by_ids, "last_name", False),
    ],
)
def test_ids_alone_stand_in_a_text_as_they_are(source: Any, column: str, expected: bool) -> None:
    assert is_id_column(source, column) is expected


def test_what_is_called_an_id_has_its_form_checked() -> None:
    """But for the documents of our own people, which are no rows of the graph."""
    tables = [table for table in Base.metadata.tables.values() if "id" in table.columns]
    checks = {
        table.name: [str(each.sqltext) for each in table.constraints if isinstance(each, CheckConstraint)]
        for table in tables
    }
    loose = {name for name, texts in checks.items() if not any(ID_SUFFIX_PATTERN in text for text in texts)}
    assert loose == {"trusted_documents"}
