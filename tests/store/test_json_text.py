"""The JSON text that PostgreSQL builds equals the output of orjson byte for byte."""

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

SPECIAL_TEXTS = [
    '"',
    "\\",
    "/",
    "\b\f\n\r\t",
    "\x01\x1f\x7f",
    "ä€𝄞",
    "\u2028\u2029",
    "",
    "a\u0300",
    "</script>",
    "%$1:x",
]
INSTANT = DateTime(timezone=True)
INSTANTS = [
    datetime(2026, 11, 21, 13, 5, 9, tzinfo=UTC),
    datetime(2026, 11, 21, 13, 5, 9, 120_000, tzinfo=UTC),
    datetime(2026, 7, 1, 0, 30, 0, 1, tzinfo=UTC),
    datetime(999, 1, 1, tzinfo=UTC),
]
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("column_type", "value"),
    [
        *((Text, text) for text in SPECIAL_TEXTS),
        *((Integer, number) for number in (0, -1, 2**31 - 1)),
        *((Boolean, boolean) for boolean in (True, False)),
        *((Date, day) for day in (date(1, 1, 2), date(2026, 2, 28), date(9999, 12, 30))),
        *((INSTANT, instant) for instant in INSTANTS),
    ],
)
async def test_value_is_serialized_as_by_orjson(database: Database, column_type: Any, value: Any) -> None:
    table = values(column("value", column_type), name="held").data([(value,)])
    async with database.engine.connect() as connection:
        json_text = (await connection.execute(select(concat(value_pieces(table.c.value))))).scalar_one()
    assert json_text.encode() == orjson.dumps(value, option=orjson.OPT_UTC_Z)


@pytest.mark.parametrize("column_type", [Text, Integer, Boolean, Date, INSTANT])
async def test_null_is_replaced_by_the_given_text(database: Database, column_type: Any) -> None:
    async with database.engine.connect() as connection:
        expression = coalesce_text(value_pieces(literal(None, column_type)), "null")
        assert (await connection.execute(select(expression))).scalar_one() == "null"


async def test_date_format_does_not_depend_on_database_settings(database: Database, owner_url: str) -> None:
    owner = await connect(owner_url)
    try:
        await owner.execute(f'ALTER DATABASE "{database.engine.url.database}" SET datestyle TO "German, DMY"')
    finally:
        await owner.close()
    await database.engine.dispose()  # closes the sessions with the old setting
    async with database.engine.connect() as connection:
        json_text = (
            await connection.execute(select(concat(value_pieces(literal(date(2026, 2, 28), Date)))))
        ).scalar_one()
    assert json_text == '"2026-02-28"'


@pytest.mark.parametrize(
    ("page", "order", "position"),
    [
        *((store.people.page, (), (text, "empl_1")) for text in (*SPECIAL_TEXTS, "x" * 200)),
        (store.people.page, (("LAST_NAME", True),), ("É", "empl_1")),
        *((store.people.page, (("CREATED_AT", False),), (instant, "empl_1")) for instant in INSTANTS),
        (store.people.page, (("START_DATE", True),), (date(2026, 2, 28), "empl_1")),
        (store.enrollments.page, (), ("enrl_1",)),
        (store.coverage.of_subscribers, (("ANNUAL_MAX", True),), (None, "senr_1")),
        (store.coverage.of_subscribers, (("ANNUAL_MAX", True), ("START_DATE", False)), (7, date(2026, 1, 1), "senr_1")),
    ],
)
async def test_cursor_is_encoded_as_by_the_graph(
    database: Database, page: PagedRows, order: Order, position: Any
) -> None:
    columns = [(item.key, item.type) for item, _ in page.sort_columns(order)]
    table = values(*(column(name, type_) for name, type_ in columns), name="held").data([position])
    level = select(*(cast(table.c[name], type_).label(name) for name, type_ in columns)).subquery()
    window = PageWindow(1, order=order)
    async with database.engine.connect() as connection:
        await connection.execute(text("SET TimeZone TO 'Asia/Kolkata'"))
        json_text = (await connection.execute(select(concat(cursor_pieces(level, page, window))))).scalar_one()
        await connection.rollback()
    assert json_text == f'"{PageRequest(page, window).encode_cursor(position)}"'


async def test_any_text_is_serialized_as_by_orjson(owner_url: str) -> None:
    connection = await connect(owner_url)

    @given(texts=st.lists(TEXTS, max_size=20))
    @settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def collect(texts: list[str]) -> None:
        examples.append(texts)

    examples: list[list[str]] = []
    collect()
    try:
        for texts in examples:
            rows = await connection.fetch("SELECT to_json(t)::text FROM unnest($1::text[]) t", texts)
            assert [row[0].encode() for row in rows] == [orjson.dumps(text) for text in texts]
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("source", "column", "expected"),
    [
        (store.enrollments.by_ids, "selected_plan_id", True),
        (store.enrollments.by_ids, "benefit_product_id", True),  # a foreign key through the plan year
        (store.enrollments.by_ids, "employee_id", True),
        (store.people.by_ids, "id", True),
        (store.coverage.by_ids, "group_contract_id", True),
        (store.coverage.by_ids, "subscriber_id", False),  # the carrier's number
        (store.people.by_ids, "last_name", False),
    ],
)
def test_only_id_columns_are_serialized_without_escaping(source: Any, column: str, expected: bool) -> None:
    assert is_id_column(source, column) is expected


def test_every_id_column_has_a_format_check() -> None:
    """Trusted documents are an exception, because they are not part of the graph."""
    tables = [table for table in Base.metadata.tables.values() if "id" in table.columns]
    checks = {
        table.name: [str(item.sqltext) for item in table.constraints if isinstance(item, CheckConstraint)]
        for table in tables
    }
    unchecked = {name for name, texts in checks.items() if not any(ID_SUFFIX_PATTERN in text for text in texts)}
    assert unchecked == {"trusted_documents"}
