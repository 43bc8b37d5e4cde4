"""Through which day coverage is paid: set when asked to, or kept up with every change of an invoice."""

from datetime import date
from typing import Any

import pytest

from benegraph.db.session import Database, Transaction
from benegraph.domain.coverage import BatchOutcome
from benegraph.services import billing
from benegraph.services.billing import CoveragePaidThrough
from benegraph.services.coverage import CoverageItem, subscribers, upsert_coverage
from factories.access import service_viewer
from factories.billing import (
    build_invoice,
    enable_auto_paid_through,
    make_invoice,
    make_payment,
    reverse_payment,
    set_paid_through,
    void_invoice,
)
from factories.coverage import (
    GROUP,
    SUBSCRIBER_ID,
    coverage_key,
    make_contract,
    make_coverage,
    make_subscriber,
    read_coverage,
)
from factories.office import Office, create_office
from sent import statements

NEW_YEAR = date(2026, 1, 1)
OTHER = "S00000002"


async def covered(database: Database, **options: Any) -> tuple[Office, str]:
    """Open an office with a group, and a subscriber who is covered in 2026; give the coverage too."""
    office = await create_office(database, **options)
    await make_contract(office)
    await make_subscriber(office)
    return office, await make_coverage(office, coverage_key(NEW_YEAR), end_date=date(2026, 12, 31))


async def paid(office: Office) -> list[tuple[str, str, str | None, int]]:
    """Tell of each coverage whose it is, when it starts, through which day it is paid, and its version."""
    rows = await read_coverage(office)
    return [(row["subscriber_id"], row["start_date"], row["paid_through"], row["version"]) for row in rows]


async def day_of(office: Office) -> str | None:
    """Tell through which day the one coverage is paid."""
    ((_, _, day, _),) = await paid(office)
    return day


# --------------------------------------------------------------------------------------------------- when asked to


async def test_it_is_set_and_told(database: Database) -> None:
    office, id = await covered(database)
    january = await make_invoice(office, 1, paid_cents=10_000)
    await make_invoice(office, 2, paid_cents=9_999)
    before = (await read_coverage(office))[0]
    clerk = office.as_viewer(service_viewer())
    assert await set_paid_through(clerk) == [CoveragePaidThrough(id, date(2026, 1, 31), january)]
    after = (await read_coverage(office))[0]
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"paid_through", "version", "updated_at", "update_user"}
    assert (after["paid_through"], after["version"], after["update_user"]) == ("2026-01-31", 2, "akey_service")
    (_, event) = await office.history(id)
    assert (event["action"], event["actor"]) == ("PAID_THROUGH", "SERVICE akey_service")
    assert (event["before"], event["after"]) == ({"paid_through": None}, {"paid_through": "2026-01-31"})
    assert (event["occurred_at"], event["employer_id"]) == (after["updated_at"], office.employer)


async def test_what_does_not_change_keeps_its_version(database: Database) -> None:
    office, id = await covered(database)
    assert await set_paid_through(office) == [CoveragePaidThrough(id, None, None)]
    assert await paid(office) == [(SUBSCRIBER_ID, "2026-01-01", None, 1)]
    invoice = await make_invoice(office, 1, paid_cents=10_000)
    await set_paid_through(office)
    before = await office.read_all_rows()
    assert await set_paid_through(office) == [CoveragePaidThrough(id, date(2026, 1, 31), invoice)]
    assert await office.read_all_rows() == before


async def test_it_goes_back_where_the_money_does(database: Database) -> None:
    office, id = await covered(database)
    january, february = await make_invoice(office, 1), await make_invoice(office, 2, paid_cents=10_000)
    payment = await make_payment(office, january)
    assert await set_paid_through(office) == [CoveragePaidThrough(id, date(2026, 2, 28), february)]
    await reverse_payment(office, payment)
    assert await set_paid_through(office) == [CoveragePaidThrough(id, None, None)]
    assert await paid(office) == [(SUBSCRIBER_ID, "2026-01-01", None, 3)]
    (*_, event) = await office.history(id)
    assert (event["before"], event["after"]) == ({"paid_through": "2026-02-28"}, {"paid_through": None})
    await void_invoice(office, january)  # then billing began in February
    assert await set_paid_through(office) == [CoveragePaidThrough(id, date(2026, 2, 28), february)]


async def test_each_coverage_in_the_division_is_told_by_its_start(database: Database) -> None:
    office = await create_office(database)
    await make_contract(office)
    await make_contract(office, coverage_start=date(2026, 3, 1))
    await make_contract(office, division_id="D2")
    await make_subscriber(office)
    later = await make_coverage(office, coverage_key(date(2026, 3, 15), group_coverage_start=date(2026, 3, 1)))
    first = await make_coverage(office, coverage_key(NEW_YEAR), end_date=date(2026, 2, 14))
    elsewhere = await make_coverage(office, coverage_key(NEW_YEAR, division_id="D2"), paid_through=NEW_YEAR)
    february = await make_invoice(office, 2, paid_cents=10_000)
    march = await make_invoice(office, 3, paid_cents=10_000)
    await make_invoice(office, 4)
    assert await set_paid_through(office) == [
        CoveragePaidThrough(first, date(2026, 2, 14), february),
        CoveragePaidThrough(later, date(2026, 3, 31), march),
    ]
    assert await paid(office) == [
        (SUBSCRIBER_ID, "2026-01-01", "2026-02-14", 2),
        (SUBSCRIBER_ID, "2026-03-15", "2026-03-31", 2),
        (SUBSCRIBER_ID, "2026-01-01", "2026-01-01", 1),
    ]
    assert await set_paid_through(office, division_id="D2") == [CoveragePaidThrough(elsewhere, None, None)]


async def test_another_subscribers_invoice_is_not_ones_own(database: Database) -> None:
    office, id = await covered(database)
    await make_subscriber(office, OTHER)
    others = await make_coverage(office, coverage_key(NEW_YEAR, OTHER))
    january = await make_invoice(office, 1, paid_cents=10_000)
    await make_invoice(office, 1, OTHER)
    await make_contract(office, division_id="D2")
    await make_invoice(office, 1, division_id="D2")
    await make_invoice(office, 1, SUBSCRIBER_ID, division_id="D2")
    assert await set_paid_through(office) == [CoveragePaidThrough(id, date(2026, 1, 31), january)]
    assert await set_paid_through(office, OTHER) == [CoveragePaidThrough(others, None, None)]
    own = await make_invoice(office, 2, paid_cents=10_000, subscriber_id=SUBSCRIBER_ID)
    assert await set_paid_through(office) == [CoveragePaidThrough(id, date(2026, 2, 28), own)]


async def test_who_has_no_coverage_there_is_told_nothing(database: Database) -> None:
    office, _ = await covered(database)
    await make_contract(office, division_id="D2")
    await make_subscriber(office, OTHER)
    assert await set_paid_through(office, OTHER) == []
    assert await set_paid_through(office, division_id="D2") == []


@pytest.mark.parametrize(
    ("subscriber", "group", "division", "expected"),
    [
        ("S2", GROUP, "D1", ["NOT_FOUND subscriberId"]),
        (SUBSCRIBER_ID, "G200", "D1", ["NOT_FOUND groupId"]),
        (SUBSCRIBER_ID, GROUP, "D2", ["NOT_FOUND groupId"]),
        ("S2", "G200", "D1", ["NOT_FOUND groupId", "NOT_FOUND subscriberId"]),
        ("S" * 10, "", "D" * 21, ["INVALID_INPUT groupId", "INVALID_INPUT divisionId", "INVALID_INPUT subscriberId"]),
    ],
)
async def test_what_is_not_there_is_refused(
    database: Database, subscriber: str, group: str, division: str, expected: list[str]
) -> None:
    office, _ = await covered(database)
    await make_invoice(office, 1, paid_cents=10_000)
    assert await office.refusals(set_paid_through(office, subscriber, group, division)) == expected


async def test_history_names_the_employee_of_its_own_employer(database: Database) -> None:
    office, other = await create_office(database), await create_office(database)
    ada, bob = await office.hire(), await other.hire()
    await make_contract(office)
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    await make_subscriber(office, OTHER, bob)
    ids = [await make_coverage(office, coverage_key(NEW_YEAR, number)) for number in (SUBSCRIBER_ID, OTHER)]
    await make_invoice(office, 1, paid_cents=10_000)
    for number in (SUBSCRIBER_ID, OTHER):
        await set_paid_through(office, number)
    events = [(await office.history(id))[-1] for id in ids]
    assert [(each["action"], each["employer_id"], each["employee_id"]) for each in events] == [
        ("PAID_THROUGH", office.employer, ada),
        ("PAID_THROUGH", office.employer, None),
    ]


async def test_one_transaction_sees_what_it_did_itself(database: Database) -> None:
    office, id = await covered(database)

    async def story(tx: Transaction) -> list[list[CoveragePaidThrough]]:
        told = []
        for number in (1, 2):
            invoice = await billing.record_invoice(tx, build_invoice(number))
            await billing.record_payment(tx, invoice, 10_000, office.today)
            told.append(await billing.set_paid_through(tx, SUBSCRIBER_ID, GROUP, "D1"))
        await billing.void_invoice(tx, invoice, None, 2)
        return [*told, await billing.set_paid_through(tx, SUBSCRIBER_ID, GROUP, "D1")]

    told = await office.run(story)
    assert [each.paid_through for (each,) in told] == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 1, 31)]
    assert await paid(office) == [(SUBSCRIBER_ID, "2026-01-01", "2026-01-31", 4)]
    assert len(await office.history(id)) == 4


# --------------------------------------------------------------------------------------------------------- kept up


async def test_without_the_tenants_wish_nothing_is_kept_up(database: Database) -> None:
    office, _ = await covered(database)
    other = (await covered(database, tenant="globex"))[0]
    await enable_auto_paid_through(other)
    await make_invoice(office, 1, paid_cents=10_000)
    assert await day_of(office) is None
    await enable_auto_paid_through(office)
    assert await day_of(office) is None  # the wish alone changes nothing
    await make_invoice(office, 2)
    assert await day_of(office) == "2026-01-31"
    await enable_auto_paid_through(office, on=False)
    await make_invoice(office, 1)
    assert await day_of(office) == "2026-01-31"
    assert await day_of(other) is None


async def test_the_wish_is_the_tenants_own_and_changes_nothing_else(database: Database) -> None:
    office, other = await create_office(database), await create_office(database, tenant="globex")
    before = await office.read_all_rows()
    await enable_auto_paid_through(office)
    before["tenants"]["acme"]["auto_paid_through"] = True
    assert await office.read_all_rows() == before
    assert (await other.read_all_rows())["tenants"]["globex"]["auto_paid_through"] is False


async def test_every_change_of_an_invoice_is_kept_up_with(database: Database) -> None:
    office, id = await covered(database)
    await enable_auto_paid_through(office)
    january = await make_invoice(office, 1, paid_cents=10_000)
    assert await day_of(office) == "2026-01-31"
    february = await make_invoice(office, 2)
    assert await day_of(office) == "2026-01-31"
    payment = await make_payment(office, february)
    assert await day_of(office) == "2026-02-28"
    await reverse_payment(office, payment)
    assert await day_of(office) == "2026-01-31"
    own = await make_invoice(office, 1, SUBSCRIBER_ID)
    assert await day_of(office) is None
    await make_payment(office, own)
    assert await day_of(office) == "2026-01-31"
    await void_invoice(office, own)
    assert await day_of(office) == "2026-01-31"
    await void_invoice(office, january)
    assert await day_of(office) is None
    days = [event["after"]["paid_through"] for event in (await office.history(id))[1:]]
    assert days == ["2026-01-31", "2026-02-28", "2026-01-31", None, "2026-01-31", None]


async def test_a_groups_invoice_concerns_its_division_and_a_subscribers_own_the_subscriber(database: Database) -> None:
    office, _ = await covered(database)
    await make_contract(office, division_id="D2")
    for number in (OTHER, "S00000003"):
        await make_subscriber(office, number)
        await make_coverage(office, coverage_key(date(2026, 1, 15), number))
    await make_coverage(office, coverage_key(NEW_YEAR, "S00000003", division_id="D2"))
    await make_invoice(office, 1, paid_cents=10_000)
    await enable_auto_paid_through(office)
    await make_invoice(office, 2, OTHER, paid_cents=10_000)
    assert [day for _, _, day, _ in await paid(office)] == [None, "2026-02-28", None, None]
    await make_invoice(office, 2, paid_cents=10_000)
    assert await paid(office) == [
        (
            SUBSCRIBER_ID,
            "2026-01-01",
            "2026-02-28",
            3,
        ),  # through January, when February's invoice came, and then as paid
        (OTHER, "2026-01-15", "2026-02-28", 3),  # through January, when its own came
        ("S00000003", "2026-01-15", "2026-02-28", 3),
        ("S00000003", "2026-01-01", None, 1),
    ]


async def test_a_refusal_and_a_rehearsal_keep_nothing_up(database: Database) -> None:
    office, _ = await covered(database)
    invoice = await make_invoice(office, 1, paid_cents=10_000)
    await enable_auto_paid_through(office)
    before = await office.read_all_rows()
    await office.dry_run(billing.record_payment, invoice, 1, office.today)
    await office.dry_run(billing.record_invoice, build_invoice(2))
    assert await office.read_all_rows() == before
    assert await office.refusals(void_invoice(office, invoice, None, 1)) == ["VERSION_CONFLICT expectedVersion"]


async def test_a_service_of_one_employer_keeps_up_what_it_sees(database: Database) -> None:
    office, _ = await covered(database)
    await enable_auto_paid_through(office)
    await make_invoice(office.as_viewer(service_viewer(employer=office.employer)), 1, paid_cents=10_000)
    assert await day_of(office) == "2026-01-31"


# ------------------------------------------------------------------------------------------ however many there are


async def large(office: Office, people: int) -> str:
    """Give the group this many subscribers, one of them billed on its own, and an invoice, whose id it gives."""
    starts = [date(2020 + index % 72 // 12, 1 + index % 12, 1) for index in range(people)]
    items = [CoverageItem(coverage_key(start, f"S{index}"), {}) for index, start in enumerate(starts)]

    async def story(tx: Transaction) -> None:
        for item in items:
            await subscribers.create_subscriber(tx, item.key.subscriber_id, None, None, None)
        assert {result.outcome for result in await upsert_coverage(tx, items)} == {BatchOutcome.CREATED}

    await office.run(story)
    await make_invoice(office, 1, "S0")
    return await make_invoice(office, 1)


async def test_it_takes_as_many_statements_for_many_as_for_few(database: Database) -> None:
    for tenant, people in (("small", 3), ("large", 300)):
        office = await create_office(database, tenant=tenant)
        await make_contract(office)
        invoice = await large(office, people)
        await enable_auto_paid_through(office)
        async with statements(database) as paying:
            payment = await make_payment(office, invoice)
        assert [day for _, _, day, _ in await paid(office)] == [None, *["2026-01-31"] * (people - 1)]
        assert await changes(office) == people - 1
        async with statements(database) as reversing:
            await reverse_payment(office, payment)
        assert {day for _, _, day, _ in await paid(office)} == {None}
        assert await changes(office) == 2 * (people - 1)
        await make_payment(office, invoice)
        async with statements(database) as voiding:
            await void_invoice(office, invoice)
        assert {day for _, _, day, _ in await paid(office)} == {None}
        assert await changes(office) == 4 * (people - 1)
        assert [len(sent) for sent in (paying, reversing, voiding)] == [15, 15, 12]


async def changes(office: Office) -> int:
    """Count the lines of history on what is paid."""
    return sum(event["action"] == "PAID_THROUGH" for event in (await office.read_all_rows())["events"].values())
