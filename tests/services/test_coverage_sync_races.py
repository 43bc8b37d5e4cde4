"""Concurrent elections against real locks: coverage of record includes all of them, in any order."""

import asyncio
from dataclasses import replace
from datetime import date

import pytest
from racing import COUNT_WAITING, race, tally

from benegraph.db.session import Database, Transaction
from benegraph.domain.catalog import ProductCategory
from benegraph.domain.plan_years import PlanYearDates, RenewalMode
from benegraph.services.catalog import add_product
from benegraph.services.plan_years import close_enrollment
from conftest import connect
from factories.coverage import CONTRACT_START, GROUP, SUBSCRIBER_ID, make_contract, make_subscriber, read_coverage
from factories.office import PLANS, Office, create_office, enroll

#: The medical plan year before, without a contract; and the next one, which is renewed when it is closed.
BEFORE = PlanYearDates(date(2026, 2, 1), date(2027, 1, 31), date(2025, 11, 1), date(2025, 11, 30))
MEDICAL = PlanYearDates(date(2027, 2, 1), date(2028, 1, 31), date(2026, 11, 1), date(2026, 11, 30))
DENTAL = PlanYearDates(date(2027, 1, 1), date(2027, 12, 31), date(2026, 11, 15), date(2026, 12, 15))


async def open_plan_year(office: Office, dates: PlanYearDates, renewal: RenewalMode = RenewalMode.ACTIVE) -> str:
    """Open a plan year whose coverage is recorded under the group contract."""
    id = await office.draft_plan_year(dates, renewal=renewal)
    await office.update_plan_year(id, group_id=GROUP, group_coverage_start=CONTRACT_START)
    await office.open_enrollment(id)
    return id


async def office_with_pending_renewal(database: Database) -> tuple[Office, str, str]:
    """Create an office where closing the medical plan year renews an employee; return the employee and plan year."""
    office = await create_office(database, today=date(2025, 11, 20))
    await make_contract(office)
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year(BEFORE))
    await office.elect(ada, enroll((await office.pending_enrollment(ada)).id, plans["GOLD"]))
    return (
        office.on_day(date(2026, 12, 1)),
        ada,
        await open_plan_year(office.on_day(date(2026, 11, 20)), MEDICAL, RenewalMode.PASSIVE),
    )


@pytest.mark.parametrize("renewed_first", [False, True])
async def test_election_concurrent_with_renewal_of_another_product(
    database: Database, owner_url: str, renewed_first: bool
) -> None:
    office, ada, medical = await office_with_pending_renewal(database)
    subscriber = await make_subscriber(office, SUBSCRIBER_ID, ada)
    dental_product = await office.run(add_product, "Dental", ProductCategory.DENTAL, "Blue Shield", PLANS)
    dental = await open_plan_year(replace(office.on_day(date(2026, 11, 20)), product=dental_product), DENTAL)
    plans = await office.plan_ids(dental)
    (pending,) = [row for row in await office.enrollments(ada) if row.plan_year_id == dental]
    runners = [office.elect(ada, enroll(pending.id, plans["GOLD"])), office.close_enrollment(medical)]
    if renewed_first:
        runners.reverse()
    assert tally(await race(owner_url, "subscribers", subscriber, *runners)) == {"done": 2}
    (record,) = await read_coverage(office)
    assert (record["start_date"], record["end_date"]) == ("2027-01-01", "2028-01-31")
    rows = (await office.read_all_rows())["enrollments"].values()
    linked_plan_years = [row["plan_year_id"] for row in rows if row["subscriber_enrollment_id"] == record["id"]]
    assert sorted(linked_plan_years) == sorted([medical, dental])


async def test_renewal_concurrent_with_creating_the_subscriber(database: Database, owner_url: str) -> None:
    office, ada, medical = await office_with_pending_renewal(database)
    renewed, may_commit = asyncio.Event(), asyncio.Event()

    async def close(tx: Transaction) -> None:
        await close_enrollment(tx, medical, None)
        renewed.set()
        await may_commit.wait()

    closing = asyncio.create_task(office.run(close))
    await renewed.wait()
    creating = asyncio.create_task(make_subscriber(office, SUBSCRIBER_ID, ada))
    bystander = await connect(owner_url)
    try:
        waiting = 0
        while not creating.done() and not waiting:
            await asyncio.sleep(0.005)
            waiting = await bystander.fetchval(COUNT_WAITING)
    finally:
        await bystander.close()
        may_commit.set()
    await asyncio.gather(closing, creating)
    (record,) = await read_coverage(office)
    assert (record["start_date"], record["end_date"]) == ("2027-02-01", "2028-01-31")
