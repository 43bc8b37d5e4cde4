"""Coverage sync under several contracts of one group: no elected day is lost or recorded twice."""

from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from coverage_invariants import days_between, to_date
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

#: The starts of later contracts: one in the middle of a year, one at the next year.
MIDDLE, NEXT = date(2026, 7, 1), date(2027, 1, 1)
Spans = list[tuple[str, str, str]]


async def contract_spans(office: Office) -> Spans:
    """List the contract start, start and end of each coverage of record."""
    return [(row["group_coverage_start"], row["start_date"], row["end_date"]) for row in await read_coverage(office)]


async def open_plan_year(office: Office, start: date, dates: PlanYearDates = DATES, **options: Any) -> str:
    """Open a plan year whose coverage is recorded under the group's contract with this start."""
    plan_year = await office.draft_plan_year(dates, **options)
    await office.update_plan_year(plan_year, group_id=GROUP, group_coverage_start=start)
    await office.open_enrollment(plan_year)
    return plan_year


async def enroll_in_plan_year(office: Office, employee: str, plan_year: str) -> str:
    (pending,) = [row for row in await office.enrollments(employee) if row.plan_year_id == plan_year]
    await office.elect(employee, enroll(pending.id, (await office.plan_ids(plan_year))["GOLD"]))
    return str(pending.id)


async def linked_coverage_ids(office: Office, *enrollments: str) -> list[str | None]:
    rows = (await office.read_all_rows())["enrollments"]
    return [rows[id]["subscriber_enrollment_id"] for id in enrollments]


async def office_with_dental_product(office: Office) -> Office:
    return replace(office, product=await office.run(add_product, "Dental", ProductCategory.DENTAL, None, PLANS))


# ------------------------------------------------------------------------------------------- consecutive contracts


@pytest.fixture
async def office(database: Database) -> Office:
    office = await create_office(database, today=date(2025, 11, 20))
    await make_contract(office, coverage_end=date(2026, 12, 31))
    await make_contract(office, coverage_start=NEXT, policy_number="P-2")
    return office


async def test_renewal_under_next_contract_creates_new_coverage(office: Office) -> None:
    ada = await office.hire()
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    old = await enroll_in_plan_year(office, ada, await open_plan_year(office, CONTRACT_START, DATES_2026))
    (first,) = await read_coverage(office)
    renewed = await open_plan_year(office.on_day(TODAY), NEXT, renewal=RenewalMode.PASSIVE)
    new = (await office.on_day(TODAY).pending_enrollment(ada)).id
    await office.on_day(date(2026, 12, 1)).close_enrollment(renewed)
    rows = await read_coverage(office)
    assert await contract_spans(office) == [
        ("2020-01-01", "2026-01-01", "2026-12-31"),
        ("2027-01-01", "2027-01-01", "2027-12-31"),
    ]
    assert rows[0] == first
    assert [row["policy_number"] for row in rows] == ["P-1", "P-2"]
    assert await linked_coverage_ids(office, old, new) == [rows[0]["id"], rows[1]["id"]]
    await office.on_day(date(2027, 1, 2)).terminate_employee(ada, date(2026, 12, 31), "rescission")
    assert await contract_spans(office) == [("2020-01-01", "2026-01-01", "2026-12-31")]
    assert await linked_coverage_ids(office, old, new) == [first["id"], None]
    await office.on_day(date(2027, 1, 2)).reinstate_employee(ada)
    assert len(await contract_spans(office)) == 2


@pytest.mark.parametrize("newer_first", [False, True])
async def test_carrier_coverage_ends_before_first_election_of_any_contract(office: Office, newer_first: bool) -> None:
    """Linking the subscriber last syncs both contracts at once."""
    ada = await office.hire()
    years = [(CONTRACT_START, DATES_2026), (NEXT, replace(DATES, open_enrollment_start=date(2025, 11, 1)))]
    elected = [
        await enroll_in_plan_year(office, ada, await open_plan_year(office, start, dates))
        for start, dates in (reversed(years) if newer_first else years)
    ]
    await make_subscriber(office)
    carrier_coverage = await make_coverage(office, coverage_key(date(2021, 1, 1)), paid_through=date(2027, 3, 31))
    await office.update_employee(ada, subscriber_id=SUBSCRIBER_ID)
    assert await contract_spans(office) == [
        ("2020-01-01", "2021-01-01", "2025-12-31"),
        ("2020-01-01", "2026-01-01", "2026-12-31"),
        ("2027-01-01", "2027-01-01", "2027-12-31"),
    ]
    rows = await read_coverage(office)
    assert (rows[0]["id"], rows[0]["version"], rows[0]["paid_through"]) == (carrier_coverage, 2, "2025-12-31")
    assert await linked_coverage_ids(office, *(reversed(elected) if newer_first else elected)) == [
        rows[1]["id"],
        rows[2]["id"],
    ]
    created, event = await office.history(carrier_coverage)
    assert (created["action"], event["action"]) == ("CREATED", "MOVED")
    assert event["after"] == {"end_date": "2025-12-31", "paid_through": "2025-12-31"}


async def test_carrier_coverage_is_taken_over_under_its_own_contract(office: Office) -> None:
    ada = await office.hire()
    await enroll_in_plan_year(office, ada, await open_plan_year(office, CONTRACT_START, DATES_2026))
    later = office.on_day(TODAY)
    await enroll_in_plan_year(later, ada, await open_plan_year(later, NEXT))
    await make_subscriber(office)
    carrier_coverage = await make_coverage(office, coverage_key(date(2026, 3, 1)), annual_max_cents=100)
    await office.update_employee(ada, subscriber_id=SUBSCRIBER_ID)
    rows = await read_coverage(office)
    assert await contract_spans(office) == [
        ("2020-01-01", "2026-01-01", "2026-12-31"),
        ("2027-01-01", "2027-01-01", "2027-12-31"),
    ]
    assert (rows[0]["id"], rows[0]["annual_max_cents"], rows[1]["annual_max_cents"]) == (carrier_coverage, 100, None)
    assert [event["action"] for event in await office.history(carrier_coverage)] == ["CREATED", "LINKED"]


async def test_next_contract_of_two_divisions_needs_division_of_employee(office: Office) -> None:
    """The recorded division does not apply to the next contract; the employee may then be given that division."""
    ada = await office.hire()
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    old = await enroll_in_plan_year(office, ada, await open_plan_year(office, CONTRACT_START, DATES_2026))
    first = await read_coverage(office)
    await make_contract(office, division_id="D2", coverage_start=NEXT)
    new = await enroll_in_plan_year(office.on_day(TODAY), ada, await open_plan_year(office.on_day(TODAY), NEXT))
    assert await read_coverage(office) == first
    assert await linked_coverage_ids(office, old, new) == [first[0]["id"], None]
    await office.update_employee(ada, division_id=DIVISION)
    assert await contract_spans(office) == [
        ("2020-01-01", "2026-01-01", "2026-12-31"),
        ("2027-01-01", "2027-01-01", "2027-12-31"),
    ]
    assert (await read_coverage(office))[0] == first[0]


async def test_coverages_of_two_divisions_may_overlap(database: Database) -> None:
    """The carrier keeps a division for each product, and employees have none."""
    office = await create_office(database)
    await make_contract(office)
    await make_contract(office, division_id="D2", coverage_start=MIDDLE)
    ada = await office.hire()
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    carrier_coverage = await make_coverage(
        office, coverage_key(date(2027, 1, 1), division_id="D2", group_coverage_start=MIDDLE)
    )
    medical = await enroll_in_plan_year(office, ada, await open_plan_year(office, CONTRACT_START))
    staggered = replace(DATES, coverage_start=date(2027, 7, 1), coverage_end=date(2028, 6, 30))
    dental = await enroll_in_plan_year(
        office, ada, await open_plan_year(await office_with_dental_product(office), MIDDLE, staggered)
    )
    expected = [
        ("2020-01-01", "2027-01-01", "2027-12-31"),
        # The carrier's own coverage, shortened by the election of its division.
        ("2026-07-01", "2027-01-01", "2027-06-30"),
        ("2026-07-01", "2027-07-01", "2028-06-30"),
    ]
    assert await contract_spans(office) == expected
    rows = await read_coverage(office)
    assert [row["division_id"] for row in rows] == ["D1", "D2", "D2"]
    assert [rows[1]["id"], *await linked_coverage_ids(office, medical, dental)] == [
        carrier_coverage,
        rows[0]["id"],
        rows[2]["id"],
    ]
    await office.reopen_election(medical)
    assert await contract_spans(office) == expected[1:]


# ------------------------------------------------------------------------- conflicts that predate the current rule

MEDICAL = replace(DATES_2026, coverage_start=date(2026, 2, 1), coverage_end=date(2026, 12, 31))
#: Plan years that overlap medical entirely, partly, by one day, and not at all.
SAME = MEDICAL
STAGGERED = replace(DATES_2026, coverage_start=date(2026, 8, 1), coverage_end=date(2027, 3, 31))
BY_A_DAY = replace(STAGGERED, coverage_start=date(2026, 12, 31))
AFTER = replace(STAGGERED, coverage_start=date(2027, 1, 1))


@dataclass(frozen=True, slots=True)
class ConflictingYears:
    """Overlapping plan years, medical under the first contract and dental under the next, as old data may have."""

    office: Office
    ada: str
    medical: str
    dental: str

    async def elect(self, enrollment: str) -> None:
        plan_year = (await self.office.enrollment(enrollment)).plan_year_id
        await self.office.elect(self.ada, enroll(enrollment, (await self.office.plan_ids(plan_year))["GOLD"]))

    async def check(self) -> None:
        """Check that coverage of record holds exactly the elected days, each once, and that the links agree."""
        tables = await self.office.read_all_rows()
        records = tables["subscriber_enrollments"]
        elected: set[date] = set()
        linked: set[str] = set()
        for row in tables["enrollments"].values():
            covers = row["decision"] == "ENROLLED" and row["coverage_ends_on"] is not None
            assert covers == (row["subscriber_enrollment_id"] is not None)
            if covers:
                covered_days = set(days_between(to_date(row["coverage_starts_on"]), to_date(row["coverage_ends_on"])))
                record = records[row["subscriber_enrollment_id"]]
                assert covered_days <= set(days_between(to_date(record["start_date"]), to_date(record["end_date"])))
                elected |= covered_days
                linked.add(record["id"])
        assert linked == records.keys()
        recorded = [
            covered_day
            for row in records.values()
            for covered_day in days_between(to_date(row["start_date"]), to_date(row["end_date"]))
        ]
        assert sorted(recorded) == sorted(elected)


async def create_conflicting_years(database: Database, dates: PlanYearDates) -> ConflictingYears:
    office = await create_office(database, today=date(2025, 11, 20))
    await make_contract(office)
    await make_contract(office, coverage_start=MIDDLE, policy_number="P-2")
    ada = await office.hire()
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    first = await open_plan_year(office, CONTRACT_START, MEDICAL)
    second = await open_plan_year(await office_with_dental_product(office), CONTRACT_START, dates)

    async def set_other_contract(tx: Transaction) -> None:
        await tx.session.execute(update(PlanYear).where(PlanYear.id == second).values(group_coverage_start=MIDDLE))

    await office.run(set_other_contract)
    enrollment_ids = {row.plan_year_id: row.id for row in await office.enrollments(ada)}
    return ConflictingYears(office, ada, enrollment_ids[first], enrollment_ids[second])


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
async def test_election_under_conflicting_contract_loses_no_days(
    database: Database, dates: PlanYearDates, expected: Spans, dental_first: bool
) -> None:
    """Regression: the sync tried to delete coverage that another election is linked to."""
    years = await create_conflicting_years(database, dates)
    enrollments = [years.medical, years.dental]
    for id in reversed(enrollments) if dental_first else enrollments:
        await years.elect(id)
        await years.check()
    assert await contract_spans(years.office) == expected
    ids = [row["id"] for row in await read_coverage(years.office)]
    assert await linked_coverage_ids(years.office, *enrollments) == [ids[0], ids[-1]]


@pytest.mark.parametrize(
    ("dates", "terminated_on"),
    [
        (SAME, date(2026, 9, 10)),
        (STAGGERED, date(2026, 9, 10)),
        (BY_A_DAY, date(2027, 2, 10)),
        (AFTER, date(2027, 2, 10)),
    ],
)
async def test_conflicting_elections_are_undone_independently(
    database: Database, dates: PlanYearDates, terminated_on: date
) -> None:
    """Reopen both elections and terminate Ada in every order, then undo it all."""
    years = await create_conflicting_years(database, dates)
    undo = {
        "medical": partial(years.elect, years.medical),
        "dental": partial(years.elect, years.dental),
        "end": partial(years.office.reinstate_employee, years.ada),
    }
    actions = {
        "medical": partial(years.office.reopen_election, years.medical),
        "dental": partial(years.office.reopen_election, years.dental),
        "end": partial(years.office.terminate_employee, years.ada, terminated_on),
    }
    await undo["medical"]()
    await undo["dental"]()
    whole = await contract_spans(years.office)
    for order in permutations(actions):
        for name in order:
            await actions[name]()
            await years.check()
        assert await contract_spans(years.office) == []
        for name in reversed(order):
            await undo[name]()
            await years.check()
        assert await contract_spans(years.office) == whole


@pytest.mark.parametrize("divided", [False, True])
async def test_remaining_election_returns_to_its_own_contract(database: Database, *, divided: bool) -> None:
    """It keeps the recorded division, even where the contract has two divisions by then."""
    years = await create_conflicting_years(database, STAGGERED)
    for id in (years.medical, years.dental):
        await years.elect(id)
    if divided:
        await make_contract(years.office, division_id="D0", coverage_start=MIDDLE)
    (record_id,) = [row["id"] for row in await read_coverage(years.office)]
    await years.office.reopen_election(years.medical)
    assert await contract_spans(years.office) == [("2026-07-01", "2026-08-01", "2027-03-31")]
    assert [row["division_id"] for row in await read_coverage(years.office)] == [DIVISION]
    assert [event["action"] for event in await years.office.history(record_id)][-1] == "CANCELLED"
    await years.elect(years.medical)
    await years.office.reopen_election(years.dental)
    assert await contract_spans(years.office) == [("2020-01-01", "2026-02-01", "2026-12-31")]
