"""How many statements the services send: as many for a large employer as for a small one, and few for an election."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from sqlalchemy import event

from benegraph.db.session import Database
from benegraph.domain.plan_years import RenewalMode
from factories.stories import DATES, DATES_2026, Office, enroll, open_office


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Note every statement that is sent; one for many rows counts once."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


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
    with statements(office.database) as opening:
        assert await office.open(id) == staff
    office = office.on(date(2026, 12, 1))
    with statements(office.database) as closing:
        assert await office.close(id) == 0
    return len(opening), len(closing)


async def test_a_season_takes_as_many_for_many_as_for_few(database: Database) -> None:
    small = await open_office(database, today=date(2025, 11, 20))
    large = await open_office(database, today=date(2025, 11, 20))
    assert await seasons_of(small, 1) == await seasons_of(large, 8) == (12, 18)


async def test_an_election_takes_fifteen_whatever_it_answers(database: Database) -> None:
    office = await open_office(database)
    ada = await office.hire()
    plans = await office.plans(await office.opened())
    family = [await office.child(ada) for _ in range(5)]
    choice = enroll((await office.pending(ada)).id, plans["GOLD"], *family)
    with statements(database) as sent:
        await office.elect(ada, choice)
    assert len(sent) == 15
