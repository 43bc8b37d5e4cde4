"""How many turns to the server the services take: as many for a large employer as for a small one, few to elect."""

from datetime import date
from typing import Any

from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action
from benegraph.domain.plan_years import RenewalMode
from benegraph.services import enrollments
from benegraph.services.idempotency import run_idempotent
from factories.stories import DATES, DATES_2026, Office, enroll, open_office
from sent import statements


async def seasons_of(office: Office, staff: int) -> tuple[int, int]:
    """Renew an employer's whole staff; tell the number of statements to open the year, and to close it."""
    hired = [await office.hire(f"Number {number}") for number in range(staff)]
    last_year = await office.opened(DATES_2026)
    plans = await office.plans(last_year)
    for employee in hired:
        child = await office.child(employee)
        await office.elect(employee, enroll((await office.pending(employee)).id, plans["GOLD"], child))
    office = office.on(date(2026, 11, 20))
    id = await office.draft(DATES, renewal=RenewalMode.PASSIVE)
    async with statements(office.database) as opening:
        assert await office.open(id) == staff
    office = office.on(date(2026, 12, 1))
    async with statements(office.database) as closing:
        assert await office.close(id) == 0
    return len(opening), len(closing)


async def test_a_season_takes_as_many_for_many_as_for_few(database: Database) -> None:
    small = await open_office(database, today=date(2025, 11, 20))
    large = await open_office(database, today=date(2025, 11, 20))
    assert await seasons_of(small, 1) == await seasons_of(large, 8) == (11, 15)


async def test_an_election_takes_six_turns_whatever_it_answers(database: Database) -> None:
    """The key, the employee, their plan years and enrollments, all that is written; and BEGIN and COMMIT."""
    office = await open_office(database)
    ada = await office.hire()
    plans = await office.plans(await office.opened())
    family = [await office.child(ada) for _ in range(5)]
    choice = enroll((await office.pending(ada)).id, plans["GOLD"], *family)
    answered = {"enrollment_ids": [choice.enrollment_id]}

    async def elect(tx: Transaction) -> dict[str, Any]:
        await enrollments.elect(tx, ada, [choice])
        return answered

    async with statements(database) as sent:
        await office.tell(run_idempotent, Action.ELECT, "key", bytes([1]) * 32, elect, answered)
    assert len(sent) == 6
