"""Round trips to the server: opening and closing do not depend on the number of employees; an election takes six."""

from datetime import date
from typing import Any

from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action
from benegraph.domain.plan_years import RenewalMode
from benegraph.services import enrollments
from benegraph.services.idempotency import run_idempotent
from factories.office import DATES, DATES_2026, Office, create_office, enroll
from statement_log import record_round_trips


async def count_statements(office: Office, staff: int) -> tuple[int, int]:
    """Renew all employees of an employer; return the number of statements to open the plan year and to close it."""
    employees = [await office.hire(f"Number {number}") for number in range(staff)]
    last_year = await office.open_plan_year(DATES_2026)
    plans = await office.plan_ids(last_year)
    for employee in employees:
        child = await office.add_child(employee)
        await office.elect(employee, enroll((await office.pending_enrollment(employee)).id, plans["GOLD"], child))
    office = office.on_day(date(2026, 11, 20))
    id = await office.draft_plan_year(DATES, renewal=RenewalMode.PASSIVE)
    async with record_round_trips(office.database) as opening:
        assert await office.open_enrollment(id) == staff
    office = office.on_day(date(2026, 12, 1))
    async with record_round_trips(office.database) as closing:
        assert await office.close_enrollment(id) == 0
    return len(opening), len(closing)


async def test_opening_and_closing_take_same_statements_for_any_staff_size(database: Database) -> None:
    small = await create_office(database, today=date(2025, 11, 20))
    large = await create_office(database, today=date(2025, 11, 20))
    assert await count_statements(small, 1) == await count_statements(large, 8) == (12, 15)


async def test_election_takes_six_round_trips(database: Database) -> None:
    """They are BEGIN, the idempotency key, the employee, the plan years and enrollments, all writes, and COMMIT."""
    office = await create_office(database)
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year())
    family = [await office.add_child(ada) for _ in range(5)]
    election = enroll((await office.pending_enrollment(ada)).id, plans["GOLD"], *family)
    result = {"enrollment_ids": [election.enrollment_id]}

    async def elect(tx: Transaction) -> dict[str, Any]:
        await enrollments.elect(tx, ada, [election])
        return result

    async with record_round_trips(database) as sent:
        await office.run(run_idempotent, Action.ELECT, "key", bytes([1]) * 32, elect, result)
    assert len(sent) == 6
