"""Coverage given up and restored: the record of before, with the fields of the carrier and its paid days."""

from datetime import date
from typing import Any

import pytest
from test_coverage_sync import enroll_pending, hire_subscriber, open_plan_year

from benegraph.db.session import Database
from benegraph.domain.access import Role, Viewer
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.values import last_day_of_month
from benegraph.services import billing
from benegraph.services.coverage import records
from factories.billing import enable_auto_paid_through
from factories.coverage import (
    DIVISION,
    GROUP,
    coverage_key,
    make_contract,
    make_coverage,
    read_coverage,
)
from factories.office import Office, create_office, waive
from statement_log import record_round_trips

YEAR_START, JUNE = date(2027, 1, 1), date(2027, 6, 10)
CARRIER_FIELDS: dict[str, Any] = {
    "policy_number": "P-77",
    "annual_max_cents": 150_000,
    "lifetime_max_cents": 9_000_000,
    "date_employed": date(2019, 5, 6),
    "eligibility_date": date(2026, 12, 2),
    "original_enrollment_date": date(2019, 7, 1),
}
#: The columns that say when and by whom a record was last changed.
STAMPS = ("version", "updated_at", "update_user")


@pytest.fixture
async def office(database: Database) -> Office:
    office = await create_office(database)
    await make_contract(office)
    return office


async def covered_office(office: Office) -> tuple[Office, str, str]:
    """Cover Ada in 2027, with fields of the carrier; return the office in June, her ID and the enrollment's."""
    ada = await hire_subscriber(office)
    await open_plan_year(office)
    enrollment = await enroll_pending(office, ada)
    await update_record(office, YEAR_START, **CARRIER_FIELDS)
    return office.on_day(JUNE), ada, enrollment


async def update_record(office: Office, start: date, **changes: Any) -> None:
    await office.run(records.update_coverage, records.CoverageItem(coverage_key(start), changes), None)


async def only_record(office: Office) -> dict[str, Any]:
    (record,) = await read_coverage(office)
    return record


def without_stamps(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in STAMPS}


async def bill(office: Office, months: int, *, paid: bool = True) -> None:
    """Bill the group for the first months of 2027."""
    for month in range(1, months + 1):
        first = date(2027, month, 1)
        invoice = billing.NewInvoice(GROUP, DIVISION, None, first, last_day_of_month(first), first, 10_000)
        id = await office.run(billing.record_invoice, invoice)
        if paid:
            await office.run(billing.record_payment, id, 10_000, office.today)


async def actions(office: Office, id: str) -> list[str]:
    return [event["action"] for event in await office.history(id)]


# -------------------------------------------------------------------------------------------- terminate and reinstate


async def test_reinstatement_after_cancellation_restores_the_record(office: Office) -> None:
    office, ada, enrollment = await covered_office(office)
    await update_record(office, YEAR_START, paid_through=date(2027, 5, 31))
    before = await only_record(office)
    await office.terminate_employee(ada, date(2026, 12, 10), "No-show")
    assert await read_coverage(office) == []
    assert (await office.read_row("enrollments", enrollment))["subscriber_enrollment_id"] is None
    await office.reinstate_employee(ada)
    restored = await only_record(office)
    assert without_stamps(restored) == without_stamps(before)
    assert (before["version"], restored["version"]) == (3, 5)
    assert (await office.read_row("enrollments", enrollment))["subscriber_enrollment_id"] == before["id"]
    assert await actions(office, before["id"]) == ["CREATED", "UPDATED", "UPDATED", "CANCELLED", "RESTORED"]
    cancelled, restoration = (await office.history(before["id"]))[-2:]
    assert cancelled["before"] == restoration["after"] | {"update_user": cancelled["before"]["update_user"]}
    assert (cancelled["after"], restoration["before"]) == (None, None)
    await update_record(office, YEAR_START, annual_max_cents=1)
    assert (await only_record(office))["version"] == 6


async def test_record_is_restored_any_number_of_times(office: Office) -> None:
    office, ada, _ = await covered_office(office)
    before = await only_record(office)
    versions = []
    for _ in range(3):
        await office.terminate_employee(ada, date(2026, 12, 10), "No-show")
        await office.reinstate_employee(ada)
        restored = await only_record(office)
        assert without_stamps(restored) == without_stamps(before)
        versions.append(restored["version"])
    assert versions == [4, 6, 8]


async def test_rescission_and_reinstatement_restore_paid_through(office: Office) -> None:
    office, ada, _ = await covered_office(office)
    await update_record(office, YEAR_START, paid_through=JUNE)
    before = await only_record(office)
    await office.terminate_employee(ada, date(2027, 2, 10), "Rescission")
    cut = await only_record(office)
    assert (cut["id"], cut["end_date"], cut["paid_through"]) == (before["id"], "2027-02-28", "2027-02-28")
    await office.reinstate_employee(ada)
    restored = await only_record(office)
    assert without_stamps(restored) == without_stamps(before)
    event = (await office.history(before["id"]))[-1]
    assert (event["action"], event["after"]["paid_through"]) == ("MOVED", "2027-06-10")


@pytest.mark.parametrize(("set_while_cut", "restored"), [(None, None), (date(2027, 1, 31), "2027-01-31")])
async def test_paid_through_that_the_carrier_sets_meanwhile_stays(
    office: Office, set_while_cut: date | None, restored: str | None
) -> None:
    office, ada, _ = await covered_office(office)
    await update_record(office, YEAR_START, paid_through=JUNE)
    await office.terminate_employee(ada, date(2027, 2, 10), "Rescission")
    await update_record(office, YEAR_START, paid_through=set_while_cut)
    await office.reinstate_employee(ada)
    assert (await only_record(office))["paid_through"] == restored


async def test_second_cut_loses_no_paid_day(office: Office) -> None:
    office, ada, enrollment = await covered_office(office)
    await update_record(office, YEAR_START, paid_through=date(2027, 12, 31))
    reissued = await office.reissue(enrollment, await office.approve_life_event(ada, LifeEventType.MARRIAGE))
    await office.elect(ada, waive(reissued))
    assert (await only_record(office))["paid_through"] == "2027-06-30"
    await office.terminate_employee(ada, date(2027, 2, 10), "Rescission")
    assert (await only_record(office))["paid_through"] == "2027-02-28"
    await office.reinstate_employee(ada)
    assert (await only_record(office))["paid_through"] == "2027-06-30"
    await office.reopen_election(reissued)
    assert (await only_record(office))["paid_through"] == "2027-12-31"


# ------------------------------------------------------------------------------------------------ reopen and elect


@pytest.mark.parametrize("as_employee", [False, True])
async def test_new_election_after_reopening_restores_the_record(office: Office, *, as_employee: bool) -> None:
    _, ada, enrollment = await covered_office(office)
    before = await only_record(office)
    caller = (
        office.as_viewer(Viewer("acme", "akey_own", Role.EMPLOYEE, office.employer, ada)) if as_employee else office
    )
    await caller.reopen_election(enrollment)
    assert await read_coverage(office) == []
    await enroll_pending(caller, ada, "SILVER")
    restored = await only_record(office)
    assert without_stamps(restored) == without_stamps(before)
    assert (restored["entry_user"], restored["update_user"]) == (office.viewer.key_id, caller.viewer.key_id)


async def test_other_contract_or_days_get_a_new_record(office: Office) -> None:
    """A record that was cancelled under another contract, or for other days, is not restored."""
    _, ada, enrollment = await covered_office(office)
    before = await only_record(office)
    await office.reopen_election(enrollment)
    await make_contract(office, division_id="D2", policy_number="P-2")
    await office.update_employee(ada, division_id="D2")
    await enroll_pending(office, ada)
    record = await only_record(office)
    assert (record["division_id"], record["policy_number"], record["version"]) == ("D2", "P-2", 1)
    assert record["id"] != before["id"]


async def test_record_that_the_carrier_deleted_is_not_restored(office: Office) -> None:
    deleted = await make_coverage_of_carrier(office, date(2027, 3, 1))
    await office.run(records.delete_coverage, coverage_key(date(2027, 3, 1)), None)
    await open_plan_year(office)
    (employee,) = (await office.read_all_rows())["employees"].values()
    await enroll_pending(office, employee["id"])
    record = await only_record(office)
    assert record["id"] != deleted
    assert record["policy_number"] == "P-1"


# ------------------------------------------------------------------------------------------ the carrier's own records


async def make_coverage_of_carrier(office: Office, start: date, **options: Any) -> str:
    """Hire Ada, and record coverage that follows no election."""
    await hire_subscriber(office)
    return await make_coverage(office, coverage_key(start), policy_number="OWN", **options)


async def test_reopened_waiver_keeps_records_of_the_carrier(office: Office) -> None:
    """The carrier has covered Ada otherwise since the waiver; both records hold the elected days, none twice."""
    office, ada, enrollment = await covered_office(office)
    reissued = await office.reissue(enrollment, await office.approve_life_event(ada, LifeEventType.MARRIAGE))
    await office.elect(ada, waive(reissued))
    own = await make_coverage(
        office, coverage_key(date(2027, 7, 1)), policy_number="OWN", paid_through=date(2028, 1, 31)
    )
    waived = await read_coverage(office)
    await office.reopen_election(reissued)
    first, second = await read_coverage(office)
    assert (first["id"], first["end_date"]) == (waived[0]["id"], "2027-06-30")
    assert (second["id"], second["start_date"], second["end_date"]) == (own, "2027-07-01", "2027-12-31")
    assert (second["policy_number"], second["paid_through"]) == ("OWN", "2027-12-31")
    key = coverage_key(date(2027, 7, 1))
    shortened = office.run(records.update_coverage, records.CoverageItem(key, {"end_date": date(2027, 8, 31)}), None)
    assert await office.refusals(shortened) == ["LINKED_TO_ENROLLMENT fields.endDate"]
    assert await office.refusals(office.run(records.delete_coverage, key, None)) == ["LINKED_TO_ENROLLMENT key"]
    await office.elect(ada, waive(reissued))
    assert [without_stamps(row) for row in await read_coverage(office)] == [without_stamps(row) for row in waived]
    assert await actions(office, own) == ["CREATED", "LINKED", "MOVED"]
    assert await office.run(records.delete_coverage, key, None) == own


@pytest.mark.parametrize("end", [None, date(9999, 12, 31), date(2027, 8, 31)])
async def test_record_taken_over_is_released_as_it_was(office: Office, end: date | None) -> None:
    own = await make_coverage_of_carrier(
        office, date(2027, 2, 1), end_date=end, paid_through=date(2027, 8, 31), term_date=date(2030, 1, 1)
    )
    before = await only_record(office)
    await open_plan_year(office)
    enrollment = await enroll_pending(office, before["employee_id"])
    taken = await only_record(office)
    assert (taken["id"], taken["start_date"], taken["end_date"]) == (own, "2027-01-01", "2027-12-31")
    assert (taken["term_date"], taken["policy_number"]) == (None, "OWN")
    await office.reopen_election(enrollment)
    released = await only_record(office)
    assert without_stamps(released) == without_stamps(before)
    assert (await office.read_row("enrollments", enrollment))["subscriber_enrollment_id"] is None
    assert await actions(office, own) == ["CREATED", "LINKED", "MOVED"]
    await enroll_pending(office, before["employee_id"])
    assert without_stamps(await only_record(office)) == without_stamps(taken)


async def test_record_cut_by_an_election_is_lengthened_again(office: Office) -> None:
    own = await make_coverage_of_carrier(office, date(2024, 1, 1), paid_through=date(2027, 3, 31))
    before = await only_record(office)
    await open_plan_year(office)
    enrollment = await enroll_pending(office, before["employee_id"])
    cut, _ = await read_coverage(office)
    assert (cut["id"], cut["end_date"], cut["paid_through"]) == (own, "2026-12-31", "2026-12-31")
    await office.reopen_election(enrollment)
    assert without_stamps(await only_record(office)) == without_stamps(before)


async def test_lengthened_record_ends_before_a_later_one_of_the_carrier(office: Office) -> None:
    own = await make_coverage_of_carrier(office, date(2024, 1, 1))
    (ada,) = {row["employee_id"] for row in await read_coverage(office)}
    await open_plan_year(office)
    enrollment = await enroll_pending(office, ada)
    await make_coverage(office, coverage_key(date(2028, 1, 1)))
    await office.reopen_election(enrollment)
    rows = await read_coverage(office)
    assert [(row["start_date"], row["end_date"]) for row in rows] == [
        ("2024-01-01", "2027-12-31"),
        ("2028-01-01", None),
    ]
    assert rows[0]["id"] == own


# ---------------------------------------------------------------------------------------------------- paid through


@pytest.mark.parametrize("as_employee", [False, True])
async def test_elected_coverage_is_paid_through_by_earlier_invoices(office: Office, *, as_employee: bool) -> None:
    ada = await hire_subscriber(office)
    await enable_auto_paid_through(office)
    await open_plan_year(office)
    await bill(office, 2)
    caller = (
        office.as_viewer(Viewer("acme", "akey_own", Role.EMPLOYEE, office.employer, ada)) if as_employee else office
    )
    await enroll_pending(caller, ada)
    record = await only_record(office)
    assert (record["paid_through"], record["version"]) == ("2027-02-28", 2)
    assert await actions(office, record["id"]) == ["CREATED", "PAID_THROUGH"]


@pytest.mark.parametrize(("auto", "paid_through"), [(True, "2027-02-28"), (False, "2027-01-31")])
async def test_lengthened_coverage_is_paid_through_by_invoices_of_meanwhile(
    office: Office, *, auto: bool, paid_through: str
) -> None:
    office, ada, _ = await covered_office(office)
    await update_record(office, YEAR_START, paid_through=date(2027, 1, 31))
    await office.terminate_employee(ada, date(2027, 1, 10), "Rescission")
    await bill(office, 2)
    await enable_auto_paid_through(office, on=auto)
    await office.reinstate_employee(ada)
    assert (await only_record(office))["paid_through"] == paid_through


async def test_unbilled_coverage_keeps_the_date_of_the_carrier(office: Office) -> None:
    office, ada, _ = await covered_office(office)
    await enable_auto_paid_through(office)
    await update_record(office, YEAR_START, paid_through=JUNE)
    await office.terminate_employee(ada, date(2027, 2, 10), "Rescission")
    await office.reinstate_employee(ada)
    assert (await only_record(office))["paid_through"] == "2027-06-10"


@pytest.mark.parametrize("auto", [False, True])
async def test_statements_of_a_reinstatement_do_not_grow_with_the_records(office: Office, *, auto: bool) -> None:
    office, ada, _ = await covered_office(office)
    await enable_auto_paid_through(office, on=auto)
    await bill(office, 2)
    await office.terminate_employee(ada, date(2027, 6, 10))
    async with record_round_trips(office.database) as first:
        await office.reinstate_employee(ada)
    for month in (1, 3, 5):
        await make_coverage(office, coverage_key(date(2026, month, 1)), end_date=date(2026, month, 20))
    await office.terminate_employee(ada, date(2027, 6, 10))
    async with record_round_trips(office.database) as second:
        await office.reinstate_employee(ada)
    assert len(second) == len(first) + 1  # the history of the carrier's own records
