"""Random lists of a subscriber's coverage of record, with many equal values and nulls, and a sort in Python."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.graphql.types.coverage import SubscriberEnrollmentOrderField
from factories.access import make_tenant
from factories.carrier_rows import coverage_row, make_contract_row, make_coverage_rows, make_subscriber_row

#: The columns of the sort fields whose column isn't the field name in lower case.
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


async def insert_contracts(database: Database, clock: Clock) -> None:
    """Insert a tenant and the contracts that random coverages refer to."""
    await make_tenant(database, clock)
    for group, division in DIVISIONS:
        for start in CONTRACT_STARTS:
            await make_contract_row(database, clock, group_id=group, division_id=division, coverage_start=start)


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
