"""What is elected at once, against real locks: coverage of record holds all of it, whoever came first."""

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

#: Medical's year before, which no contract covers; and the one that is renewed when its season is closed.
BEFORE = PlanYearDates(date(2026, 2, 1), date(2027, 1, 31), date(2025, 11, 1), date(2025, 11, 30))
MEDICAL = PlanYearDates(date(2027, 2, 1), date(2028, 1, 31), date(2026, 11, 1), date(2026, 11, 30))
DENTAL = PlanYearDates(date(2027, 1, 1), date(2027, 12, 31), date(2026, 11, 15), date(2026, 12, 15))


async def opened(office: Office, dates: PlanYearDates, renewal: RenewalMode = RenewalMode.ACTIVE) -> str:
    """Open a plan year whose coverage is recorded under the contract."""
    id = await office.draft_plan_year(dates, renewal=renewal)
    await office.update_plan_year(id, group_id=GROUP, group_coverage_start=CONTRACT_START)
    await office.open_enrollment(id)
    return id


async def to_renew(database: Database) -> tuple[Office, str, str]:
    """Have an employee whose medical coverage is renewed on the first of December; tell which plan year that is."""
    office = await create_office(database, today=date(2025, 11, 20))
    await make_contract(office)
    ada = await office.hire()
    plans = await office.plan_ids_by_code(await office.open_plan_year(BEFORE))
    await office.elect(ada, enroll((await office.pending_enrollment(ada)).id, plans["GOLD"]))
    return (
        office.on_day(date(2026, 12, 1)),
        ada,
        await opened(office.on_day(date(2026, 11, 20)), MEDICAL, RenewalMode.PASSIVE),
    )


@pytest.mark.parametrize("renewed_first", [False, True])
async def test_an_election_and_the_renewal_of_another_product(
    database: Database, owner_url: str, renewed_first: bool
) -> None:
    office, ada, medical = await to_renew(database)
    subscriber = await make_subscriber(office, SUBSCRIBER_ID, ada)
    dental_product = await office.run(add_product, "Dental", ProductCategory.DENTAL, "Blue Shield", PLANS)
    dental = await opened(replace(office.on_day(date(2026, 11, 20)), product=dental_product), DENTAL)
    plans = await office.plan_ids_by_code(dental)
    (pending,) = [row for row in await office.enrollments(ada) if row.plan_year_id == dental]
    runners = [office.elect(ada, enroll(pending.id, plans["GOLD"])), office.close_enrollment(medical)]
    if renewed_first:
        runners.reverse()
    assert tally(await race(owner_url, "subscribers", subscriber, *runners)) == {"done": 2}
    (record,) = await read_coverage(office)
    assert (record["start_date"], record["end_date"]) == ("2027-01-01", "2028-01-31")
    rows = (await office.read_all_rows())["enrollments"].values()
    linked = [row["plan_year_id"] for row in rows if row["subscriber_enrollment_id"] == record["id"]]
    assert sorted(linked) == sorted([medical, dental])


async def test_a_renewal_and_the_subscriber_that_becomes_known(database: Database, owner_url: str) -> None:
    office, ada, medical = await to_renew(database)
    renewed, go_on = asyncio.Event(), asyncio.Event()

    async def close(tx: Transaction) -> None:
        await close_enrollment(tx, medical, None)
        renewed.set()
        await go_on.wait()

    closing = asyncio.create_task(office.run(close))
    await renewed.wait()
    making = asyncio.create_task(make_subscriber(office, SUBSCRIBER_ID, ada))
    bystander = await connect(owner_url)
    try:
        waiting = 0
        while not making.done() and not waiting:
            await asyncio.sleep(0.005)
            waiting = await bystander.fetchval(COUNT_WAITING)
    finally:
        await bystander.close()
        go_on.set()
    await asyncio.gather(closing, making)
    (record,) = await read_coverage(office)
    assert (record["start_date"], record["end_date"]) == ("2027-02-01", "2028-01-31")
