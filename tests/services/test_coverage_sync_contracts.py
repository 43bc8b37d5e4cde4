"""Coverage of record under several contracts of one group: each has its own days, and none of them is lost."""

from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from coverage_laws import day, days
from sqlalchemy import update

from benegraph.db.models import PlanYear
from benegraph.db.session import Database, Transaction
from benegraph.domain.catalog import ProductCategory
from benegraph.domain.plan_years import PlanYearDates, RenewalMode
from benegraph.services.catalog import add_product
from factories.coverage import (
    CONTRACT_START,
    DIVISION,
    GROUP,
    SUBSCRIBER_ID,
    coverage_key,
    make_contract,
    make_coverage,
    make_subscriber,
    read_coverage,
)
from factories.office import DATES, DATES_2026, PLANS, TODAY, Office, create_office, enroll

#: Contracts that follow the first: one from the middle of a year, one from the next.
MIDDLE, NEXT = date(2026, 7, 1), date(2027, 1, 1)
Shown = list[tuple[str, str, str]]


async def shown(office: Office) -> Shown:
    """Give the contract's start, the first and the last day of each coverage of record."""
    return [(row["group_coverage_start"], row["start_date"], row["end_date"]) for row in await read_coverage(office)]


async def opened(office: Office, start: date, dates: PlanYearDates = DATES, **options: Any) -> str:
    """Open a plan year whose coverage is recorded under the group's contract of this start."""
    plan_year = await office.draft_plan_year(dates, **options)
    await office.update_plan_year(plan_year, group_id=GROUP, group_coverage_start=start)
    await office.open_enrollment(plan_year)
    return plan_year


async def enrolled(office: Office, employee: str, plan_year: str) -> str:
    (pending,) = [row for row in await office.enrollments(employee) if row.plan_year_id == plan_year]
    await office.elect(employee, enroll(pending.id, (await office.plan_ids_by_code(plan_year))["GOLD"]))
    return str(pending.id)


async def links(office: Office, *enrollments: str) -> list[str | None]:
    rows = (await office.read_all_rows())["enrollments"]
    return [rows[id]["subscriber_enrollment_id"] for id in enrollments]


async def dental_of(office: Office) -> Office:
    return replace(office, product=await office.run(add_product, "Dental", ProductCategory.DENTAL, None, PLANS))


# -------------------------------------------------------------------------------- contracts that follow each other


@pytest.fixture
async def office(database: Database) -> Office:
    office = await create_office(database, today=date(2025, 11, 20))
    await make_contract(office, coverage_end=date(2026, 12, 31))
    await make_contract(office, coverage_start=NEXT, policy_number="P-2")
    return office


async def test_a_renewal_under_the_next_contract_has_a_coverage_of_its_own(office: Office) -> None:
    ada = await office.hire()
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    old = await enrolled(office, ada, await opened(office, CONTRACT_START, DATES_2026))
    (first,) = await read_coverage(office)
    renewed = await opened(office.on_day(TODAY), NEXT, renewal=RenewalMode.PASSIVE)
    new = (await office.on_day(TODAY).pending_enrollment(ada)).id
    await office.on_day(date(2026, 12, 1)).close_enrollment(renewed)
    rows = await read_coverage(office)
    assert await shown(office) == [
        ("2020-01-01", "2026-01-01", "2026-12-31"),
        ("2027-01-01", "2027-01-01", "2027-12-31"),
    ]
    assert rows[0] == first
    assert [row["policy_number"] for row in rows] == ["P-1", "P-2"]
    assert await links(office, old, new) == [rows[0]["id"], rows[1]["id"]]
    await office.on_day(date(2027, 1, 2)).terminate_employee(ada, date(2026, 12, 31), "rescission")
    assert await shown(office) == [("2020-01-01", "2026-01-01", "2026-12-31")]
    assert await links(office, old, new) == [first["id"], None]
    await office.on_day(date(2027, 1, 2)).reinstate_employee(ada)
    assert len(await shown(office)) == 2


@pytest.mark.parametrize("newer_first", [False, True])
async def test_what_the_carrier_had_ends_once_where_the_first_of_them_begins(office: Office, newer_first: bool) -> None:
    """Both contracts are settled in one turn, as it is only then that the employee is a subscriber."""
    ada = await office.hire()
    years = [(CONTRACT_START, DATES_2026), (NEXT, replace(DATES, open_enrollment_start=date(2025, 11, 1)))]
    elected = [
        await enrolled(office, ada, await opened(office, start, dates))
        for start, dates in (reversed(years) if newer_first else years)
    ]
    await make_subscriber(office)
    own = await make_coverage(office, coverage_key(date(2021, 1, 1)), paid_through=date(2027, 3, 31))
    await office.update_employee(ada, subscriber_id=SUBSCRIBER_ID)
    assert await shown(office) == [
        ("2020-01-01", "2021-01-01", "2025-12-31"),
        ("2020-01-01", "2026-01-01", "2026-12-31"),
        ("2027-01-01", "2027-01-01", "2027-12-31"),
    ]
    rows = await read_coverage(office)
    assert (rows[0]["id"], rows[0]["version"], rows[0]["paid_through"]) == (own, 2, "2025-12-31")
    assert await links(office, *(reversed(elected) if newer_first else elected)) == [rows[1]["id"], rows[2]["id"]]
    created, moved = await office.history(own)
    assert (created["action"], moved["action"]) == ("CREATED", "MOVED")
    assert moved["after"] == {"end_date": "2025-12-31", "paid_through": "2025-12-31"}


async def test_what_the_carrier_had_becomes_the_elections_of_its_own_contract(office: Office) -> None:
    ada = await office.hire()
    await enrolled(office, ada, await opened(office, CONTRACT_START, DATES_2026))
    later = office.on_day(TODAY)
    await enrolled(later, ada, await opened(later, NEXT))
    await make_subscriber(office)
    own = await make_coverage(office, coverage_key(date(2026, 3, 1)), annual_max_cents=100)
    await office.update_employee(ada, subscriber_id=SUBSCRIBER_ID)
    rows = await read_coverage(office)
    assert await shown(office) == [
        ("2020-01-01", "2026-01-01", "2026-12-31"),
        ("2027-01-01", "2027-01-01", "2027-12-31"),
    ]
    assert (rows[0]["id"], rows[0]["annual_max_cents"], rows[1]["annual_max_cents"]) == (own, 100, None)
    assert [event["action"] for event in await office.history(own)] == ["CREATED", "MOVED"]


async def test_the_next_contract_of_two_divisions_waits_for_the_division(office: Office) -> None:
    """What is recorded under one contract says nothing of the next; but it stays, and its division may be said."""
    ada = await office.hire()
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    old = await enrolled(office, ada, await opened(office, CONTRACT_START, DATES_2026))
    first = await read_coverage(office)
    await make_contract(office, division_id="D2", coverage_start=NEXT)
    new = await enrolled(office.on_day(TODAY), ada, await opened(office.on_day(TODAY), NEXT))
    assert await read_coverage(office) == first
    assert await links(office, old, new) == [first[0]["id"], None]
    await office.update_employee(ada, division_id=DIVISION)
    assert await shown(office) == [
        ("2020-01-01", "2026-01-01", "2026-12-31"),
        ("2027-01-01", "2027-01-01", "2027-12-31"),
    ]
    assert (await read_coverage(office))[0] == first[0]


async def test_contracts_of_two_divisions_hold_the_same_days_side_by_side(database: Database) -> None:
    """As where a carrier keeps a division for each product, and employees have none."""
    office = await create_office(database)
    await make_contract(office)
    await make_contract(office, division_id="D2", coverage_start=MIDDLE)
    ada = await office.hire()
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    own = await make_coverage(office, coverage_key(date(2027, 1, 1), division_id="D2", group_coverage_start=MIDDLE))
    medical = await enrolled(office, ada, await opened(office, CONTRACT_START))
    staggered = replace(DATES, coverage_start=date(2027, 7, 1), coverage_end=date(2028, 6, 30))
    dental = await enrolled(office, ada, await opened(await dental_of(office), MIDDLE, staggered))
    every = [
        ("2020-01-01", "2027-01-01", "2027-12-31"),
        ("2026-07-01", "2027-01-01", "2027-06-30"),  # the carrier's own, which gives way to its division's election
        ("2026-07-01", "2027-07-01", "2028-06-30"),
    ]
    assert await shown(office) == every
    rows = await read_coverage(office)
    assert [row["division_id"] for row in rows] == ["D1", "D2", "D2"]
    assert [rows[1]["id"], *await links(office, medical, dental)] == [own, rows[0]["id"], rows[2]["id"]]
    await office.reopen_election(medical)
    assert await shown(office) == every[1:]


# ----------------------------------------------------------------- contracts that claim the same days, from before

MEDICAL = replace(DATES_2026, coverage_start=date(2026, 2, 1), coverage_end=date(2026, 12, 31))
#: Shares every day with medical, all but a month at either end, one day, none.
SAME = MEDICAL
STAGGERED = replace(DATES_2026, coverage_start=date(2026, 8, 1), coverage_end=date(2027, 3, 31))
BY_A_DAY = replace(STAGGERED, coverage_start=date(2026, 12, 31))
AFTER = replace(STAGGERED, coverage_start=date(2027, 1, 1))


@dataclass(frozen=True, slots=True)
class Odds:
    """Medical under the first contract, dental under the next, from before that was refused."""

    office: Office
    ada: str
    medical: str
    dental: str

    async def elect(self, enrollment: str) -> None:
        plan_year = (await self.office.enrollment(enrollment)).plan_year_id
        await self.office.elect(self.ada, enroll(enrollment, (await self.office.plan_ids_by_code(plan_year))["GOLD"]))

    async def check(self) -> None:
        """Each enrollment's days are in the coverage it is linked to; all coverage is of such days, each once."""
        dump = await self.office.read_all_rows()
        records = dump["subscriber_enrollments"]
        elected: set[date] = set()
        linked: set[str] = set()
        for row in dump["enrollments"].values():
            covers = row["decision"] == "ENROLLED" and row["coverage_ends_on"] is not None
            assert covers == (row["subscriber_enrollment_id"] is not None)
            if covers:
                own = set(days(day(row["coverage_starts_on"]), day(row["coverage_ends_on"])))
                record = records[row["subscriber_enrollment_id"]]
                assert own <= set(days(day(record["start_date"]), day(record["end_date"])))
                elected |= own
                linked.add(record["id"])
        assert linked == records.keys()
        recorded = [on for row in records.values() for on in days(day(row["start_date"]), day(row["end_date"]))]
        assert sorted(recorded) == sorted(elected)


async def at_odds(database: Database, dates: PlanYearDates) -> Odds:
    office = await create_office(database, today=date(2025, 11, 20))
    await make_contract(office)
    await make_contract(office, coverage_start=MIDDLE, policy_number="P-2")
    ada = await office.hire()
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    first = await opened(office, CONTRACT_START, MEDICAL)
    second = await opened(await dental_of(office), CONTRACT_START, dates)

    async def follow_another(tx: Transaction) -> None:
        await tx.session.execute(update(PlanYear).where(PlanYear.id == second).values(group_coverage_start=MIDDLE))

    await office.run(follow_another)
    whose = {row.plan_year_id: row.id for row in await office.enrollments(ada)}
    return Odds(office, ada, whose[first], whose[second])


@pytest.mark.parametrize("dental_first", [False, True])
@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (SAME, [("2020-01-01", "2026-02-01", "2026-12-31")]),
        (STAGGERED, [("2020-01-01", "2026-02-01", "2027-03-31")]),
        (BY_A_DAY, [("2020-01-01", "2026-02-01", "2027-03-31")]),
        (AFTER, [("2020-01-01", "2026-02-01", "2026-12-31"), ("2026-07-01", "2027-01-01", "2027-03-31")]),
    ],
)
async def test_an_election_under_another_contract_loses_nothing(
    database: Database, dates: PlanYearDates, expected: Shown, dental_first: bool
) -> None:
    """It used to delete the coverage that another election stands on, which the database refused."""
    odds = await at_odds(database, dates)
    enrollments = [odds.medical, odds.dental]
    for id in reversed(enrollments) if dental_first else enrollments:
        await odds.elect(id)
        await odds.check()
    assert await shown(odds.office) == expected
    ids = [row["id"] for row in await read_coverage(odds.office)]
    assert await links(odds.office, *enrollments) == [ids[0], ids[-1]]


@pytest.mark.parametrize(
    ("dates", "gone"),
    [
        (SAME, date(2026, 9, 10)),
        (STAGGERED, date(2026, 9, 10)),
        (BY_A_DAY, date(2027, 2, 10)),
        (AFTER, date(2027, 2, 10)),
    ],
)
async def test_each_is_taken_back_by_itself(database: Database, dates: PlanYearDates, gone: date) -> None:
    """Ada takes either election back and goes, in each order, and it is all undone."""
    odds = await at_odds(database, dates)
    undoing = {
        "medical": partial(odds.elect, odds.medical),
        "dental": partial(odds.elect, odds.dental),
        "end": partial(odds.office.reinstate_employee, odds.ada),
    }
    doing = {
        "medical": partial(odds.office.reopen_election, odds.medical),
        "dental": partial(odds.office.reopen_election, odds.dental),
        "end": partial(odds.office.terminate_employee, odds.ada, gone),
    }
    await undoing["medical"]()
    await undoing["dental"]()
    whole = await shown(odds.office)
    for order in permutations(doing):
        for each in order:
            await doing[each]()
            await odds.check()
        assert await shown(odds.office) == []
        for each in reversed(order):
            await undoing[each]()
            await odds.check()
        assert await shown(odds.office) == whole


@pytest.mark.parametrize("divided", [False, True])
async def test_what_one_leaves_goes_back_to_the_others_own_contract(database: Database, *, divided: bool) -> None:
    """In the division it was recorded under, also where there are two by then."""
    odds = await at_odds(database, STAGGERED)
    for id in (odds.medical, odds.dental):
        await odds.elect(id)
    if divided:
        await make_contract(odds.office, division_id="D0", coverage_start=MIDDLE)
    (kept,) = [row["id"] for row in await read_coverage(odds.office)]
    await odds.office.reopen_election(odds.medical)
    assert await shown(odds.office) == [("2026-07-01", "2026-08-01", "2027-03-31")]
    assert [row["division_id"] for row in await read_coverage(odds.office)] == [DIVISION]
    assert [event["action"] for event in await odds.office.history(kept)][-1] == "DELETED"
    await odds.elect(odds.medical)
    await odds.office.reopen_election(odds.dental)
    assert await shown(odds.office) == [("2020-01-01", "2026-02-01", "2026-12-31")]
