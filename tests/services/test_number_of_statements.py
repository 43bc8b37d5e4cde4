"""How many turns to the server the services take: as many for a large employer as for a small one, few to elect."""

from datetime import date
from typing import Any

from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action
from benegraph.domain.plan_years import RenewalMode
from benegraph.services import enrollments
from benegraph.services.idempotency import run_idempotent
from factories.office import DATES, DATES_2026, Office, create_office, enroll
from sent import statements


async def seasons_of(office: Office, staff: int) -> tuple[int, int]:
    """Renew an employer's whole staff; tell the number of statements to open the year, and to close it."""
    hired = [await office.hire(f"Number {number}") for number in range(staff)]
    last_year = await office.open_plan_year(DATES_2026)
    plans = await office.plan_ids_by_code(last_year)
    for employee in hired:
        child = await office.add_child(employee)
        await office.elect(employee, enroll((await office.pending_enrollment(employee)).id, plans["GOLD"], child))
    office = office.on_day(date(2026, 11, 20))
    id = await office.draft_plan_year(DATES, renewal=RenewalMode.PASSIVE)
    async with statements(office.database) as opening:
        assert await office.open_enrollment(id) == staff
    office = office.on_day(date(2026, 12, 1))
    async with statements(office.database) as closing:
        assert await office.close_enrollment(id) == 0
    return len(opening), len(closing)


async def test_a_season_takes_as_many_for_many_as_for_few(database: Database) -> None:
    small = await create_office(database, today=date(2025, 11, 20))
    large = await create_office(database, today=date(2025, 11, 20))
    assert await seasons_of(small, 1) == await seasons_of(large, 8) == (11, 15)


async def test_an_election_takes_six_turns_whatever_it_answers(database: Database) -> None:
    """The key, the employee, their plan years and enrollments, all that is written; and BEGIN and COMMIT."""
    office = await create_office(database)
    ada = await office.hire()
    plans = await office.plan_ids_by_code(await office.open_plan_year())
    family = [await office.add_child(ada) for _ in range(5)]
    choice = enroll((await office.pending_enrollment(ada)).id, plans["GOLD"], *family)
    answered = {"enrollment_ids": [choice.enrollment_id]}

    async def elect(tx: Transaction) -> dict[str, Any]:
        await enrollments.elect(tx, ada, [choice])
        return answered

    async with statements(database) as sent:
        await office.run(run_idempotent, Action.ELECT, "key", bytes([1]) * 32, elect, answered)
    assert len(sent) == 6
