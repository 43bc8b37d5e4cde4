"""Changing, deactivating and reactivating employers, and all that keeps an employer active."""

from dataclasses import replace
from datetime import date
from typing import Any

from racing import race, tally

from benegraph.db.session import Database
from benegraph.domain.employers import check_deactivation
from benegraph.domain.obstacles import MAX_LISTED_OBSTACLES
from benegraph.services import plan_years
from benegraph.services.employers import deactivate_employer, reactivate_employer, update_employer
from factories.access import service_viewer
from factories.billing import CENTS, make_invoice, make_payment, void_invoice
from factories.coverage import coverage_key, make_contract, make_coverage, make_subscriber
from factories.office import DATES_2026, Office, create_office, enroll

INACTIVE = "INVALID_STATUS_TRANSITION employerId"


async def deactivate(office: Office, reason: str = "Left.", version: int | None = None) -> None:
    await office.run(deactivate_employer, office.employer, reason, version)


async def read_status(office: Office) -> tuple[bool, int]:
    row = await office.read_row("employers", office.employer)
    return row["active"], row["version"]


async def test_employer_is_changed_with_version_and_event(database: Database) -> None:
    office = await create_office(database)
    changes: dict[str, Any] = {"name": "Acme LLC", "time_zone": "America/Chicago"}
    conflict = await office.refusals(office.run(update_employer, office.employer, changes, 2))
    assert conflict == ["VERSION_CONFLICT expectedVersion"]
    await office.run(update_employer, office.employer, changes, 1)
    row = await office.read_row("employers", office.employer)
    assert (row["name"], row["time_zone"], row["active"], row["version"]) == ("Acme LLC", "America/Chicago", True, 2)
    event = (await office.history(office.employer))[-1]
    assert (event["action"], event["employer_id"], event["before"], event["after"]) == (
        "UPDATED",
        office.employer,
        {"name": "Acme Inc.", "time_zone": "America/New_York"},
        changes,
    )
    await office.run(update_employer, office.employer, changes, 2)  # the same values again
    assert len(await office.history(office.employer)) == 2
    refused = await office.refusals(
        office.run(update_employer, office.employer, {"name": "", "time_zone": "EST"}, None)
    )
    assert refused == ["INVALID_INPUT name", "INVALID_INPUT timeZone"]


async def test_new_time_zone_decides_today(database: Database) -> None:
    """On 20 November in New York, it is already the 21st in Kiritimati."""
    office = await create_office(database)
    await office.run(update_employer, office.employer, {"time_zone": "Pacific/Kiritimati"}, None)
    clock = replace(office.clock(), fixed_on=None)
    id = await office.draft_plan_year()

    async def open_now() -> None:
        await database.transact(
            office.viewer, clock, lambda tx: plan_years.open_enrollment(tx, id, None), request_id="request-1"
        )

    await open_now()
    assert (await office.read_row("plan_years", id))["opened_on"] == "2026-11-21"


async def test_employer_without_people_is_deactivated_and_reactivated(database: Database) -> None:
    office = await create_office(database)
    assert await office.refusals(deactivate(office, version=2)) == ["VERSION_CONFLICT expectedVersion"]
    assert await office.refusals(deactivate(office, " ")) == ["INVALID_INPUT reason"]
    await deactivate(office, version=1)
    assert await read_status(office) == (False, 2)
    event = (await office.history(office.employer))[-1]
    assert (event["action"], event["reason"], event["after"]) == ("DEACTIVATED", "Left.", {"active": False})
    assert await office.refusals(deactivate(office)) == [INACTIVE]
    await office.run(reactivate_employer, office.employer, "Came back.", 2)
    assert await read_status(office) == (True, 3)
    event = (await office.history(office.employer))[-1]
    assert (event["action"], event["reason"], event["after"]) == ("REACTIVATED", "Came back.", {"active": True})
    assert await office.refusals(office.run(reactivate_employer, office.employer, None, None)) == [INACTIVE]
    await office.hire()


async def test_dry_run_reports_obstacles_and_changes_nothing(database: Database) -> None:
    office = await create_office(database)
    before = await office.read_all_rows()
    await office.dry_run(deactivate_employer, office.employer, "Left.", None)
    assert await office.read_all_rows() == before
    await office.hire()
    assert await office.refusals(office.dry_run(deactivate_employer, office.employer, "Left.", None)) == [INACTIVE]


async def test_inactive_employer_hires_nobody_and_gets_no_plan_years(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    draft = await office.draft_plan_year()
    await office.terminate_employee(ada, date(2026, 11, 20))
    await deactivate(office)
    assert await office.refusals(office.hire("Bob")) == [INACTIVE]
    assert await office.refusals(office.reinstate_employee(ada)) == ["INVALID_STATUS_TRANSITION employeeId"]
    assert await office.refusals(office.draft_plan_year(DATES_2026)) == [INACTIVE]
    assert await office.refusals(office.open_enrollment(draft)) == ["INVALID_STATUS_TRANSITION planYearId"]
    copy = plan_years.PlanYearCopy(draft)
    assert await office.refusals(office.run(plan_years.copy_plan_year, copy, None)) == [
        "INVALID_STATUS_TRANSITION planYearId"
    ]
    await office.update_plan_year(draft, plans=[])  # what exists can still be corrected
    await office.run(update_employer, office.employer, {"name": "Former Inc."}, None)


# --------------------------------------------------------------------------------------------------- obstacles


async def test_people_employed_today_or_later_keep_the_employer_active(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire("Ada")
    bob = await office.hire("Bob", hired_on=date(2026, 12, 1))
    assert await office.refusals(deactivate(office)) == [INACTIVE]
    await office.terminate_employee(ada, date(2026, 11, 21))
    await office.terminate_employee(bob, date(2026, 12, 1))
    assert await office.refusals(deactivate(office)) == [INACTIVE]
    # The first day of the employment that is not worked is the termination date.
    office = office.on_day(date(2026, 11, 30))
    assert await office.refusals(deactivate(office)) == [INACTIVE]  # Bob is still to come
    await deactivate(office.on_day(date(2026, 12, 1)))


async def test_elected_coverage_keeps_the_employer_active_through_its_last_day(database: Database) -> None:
    office = (await create_office(database)).on_day(date(2025, 11, 20))
    ada = await office.hire()
    year = await office.open_plan_year(DATES_2026)
    plans = await office.plan_ids(year)
    await office.elect(ada, enroll((await office.pending_enrollment(ada)).id, plans["GOLD"]))
    office = office.on_day(date(2026, 6, 15))
    await office.terminate_employee(ada, date(2026, 6, 15))  # coverage lasts through 30 June
    assert await office.refusals(deactivate(office)) == [INACTIVE]
    assert await office.refusals(deactivate(office.on_day(date(2026, 6, 30)))) == [INACTIVE]
    await deactivate(office.on_day(date(2026, 7, 1)))


async def test_coverage_of_record_keeps_the_employer_active_through_its_last_day(database: Database) -> None:
    office = await create_office(database)
    await make_contract(office)
    await make_subscriber(office)
    await make_coverage(office, coverage_key(date(2026, 1, 1)), end_date=date(2026, 11, 30))
    assert await office.refusals(deactivate(office.on_day(date(2026, 11, 30)))) == [INACTIVE]
    await deactivate(office.on_day(date(2026, 12, 1)))
    open_ended = await create_office(database, tenant="other")
    await make_contract(open_ended)
    await make_subscriber(open_ended)
    await make_coverage(open_ended, coverage_key(date(2026, 1, 1)))
    assert await open_ended.refusals(deactivate(open_ended.on_day(date(2030, 1, 1)))) == [INACTIVE]


async def test_open_invoices_keep_the_employer_active(database: Database) -> None:
    office = await create_office(database)
    await make_contract(office)
    unpaid, partly = await make_invoice(office, 1), await make_invoice(office, 2, paid_cents=CENTS - 1)
    await make_invoice(office, 3, paid_cents=CENTS)
    assert await office.refusals(deactivate(office)) == [INACTIVE]
    await void_invoice(office, unpaid)
    assert await office.refusals(deactivate(office)) == [INACTIVE]
    await make_payment(office, partly, 1)
    await deactivate(office)


async def test_everything_that_stands_in_the_way_is_reported_at_once(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year())
    await office.elect(ada, enroll((await office.pending_enrollment(ada)).id, plans["GOLD"]))
    await make_contract(office)
    await make_subscriber(office)
    await make_coverage(office, coverage_key(date(2026, 1, 1)))
    await make_invoice(office, 1)
    assert await office.refusals(deactivate(office)) == [INACTIVE] * 4
    neighbor = replace(office, employer=(await create_office(database)).employer)
    await deactivate(neighbor)  # another employer of the tenant


def test_a_refusal_lists_twenty_rows_of_a_kind_and_counts_the_others() -> None:
    empty: dict[str, list[str]] = {"employees": [], "enrollments": [], "records": [], "invoices": []}
    assert list(check_deactivation(empty)) == []
    ids = [f"empl_{number:02}" for number in range(MAX_LISTED_OBSTACLES + 2)]
    (few,) = check_deactivation(empty | {"employees": ids[:20]})
    assert few.message == (f"20 people are employed today or later: {', '.join(ids[:20])}; end their employment first.")
    (many,) = check_deactivation(empty | {"invoices": ids})
    assert many.message == (
        f"22 premium invoices are open: {', '.join(ids[:20])} and 2 more; record their payments or void them first."
    )


async def test_service_limited_to_an_employer_changes_only_that_one(database: Database) -> None:
    office = await create_office(database)
    other = await create_office(database)
    service = office.as_viewer(service_viewer(employer=office.employer))
    await service.run(update_employer, office.employer, {"name": "Acme LLC"}, None)
    call = service.run(update_employer, other.employer, {"name": "Acme LLC"}, None)
    assert await service.refusals(call) == ["NOT_FOUND employerId"]


async def test_hires_concurrent_with_deactivation_leave_no_inactive_employer_with_people(
    database: Database, owner_url: str
) -> None:
    office = await create_office(database)
    outcomes = await race(
        owner_url, "employers", office.employer, office.hire("Ada"), deactivate(office), office.hire("Bob")
    )
    tables = await office.read_all_rows()
    is_active = tables["employers"][office.employer]["active"]
    assert is_active == bool(tables["employees"])
    done = len(tables["employees"]) + (not is_active)
    assert tally(outcomes) == {"done": done, "INVALID_STATUS_TRANSITION": 3 - done}
