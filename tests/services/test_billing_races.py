"""What happens to invoices at once, against real locks: nothing is lost, and nobody waits for another in a ring."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

import pytest
from test_races import race, tally

from benegraph.db.session import Database
from benegraph.domain.errors import Refused
from benegraph.services.coverage import CoverageItem, upsert_coverage
from factories.billing import (
    CENTS,
    enable_auto_paid_through,
    make_invoice,
    make_payment,
    read_invoice,
    reverse_payment,
    set_paid_through,
    void_invoice,
)
from factories.coverage import SUBSCRIBER_ID, coverage_key, make_contract, make_coverage, make_subscriber, read_coverage
from factories.office import Office, create_office

NUMBERS = (SUBSCRIBER_ID, "S00000002", "S00000003", "S00000004")


async def watched(database: Database, *numbers: str) -> tuple[Office, list[str]]:
    """Open an office with a group and covered subscribers; give the reasons why a transaction is told again, too."""
    retried: list[str] = []
    office = await create_office(replace(database, on_retry=retried.append))
    await make_contract(office)
    for number in numbers or [SUBSCRIBER_ID]:
        await make_subscriber(office, number)
        await make_coverage(office, coverage_key(date(2026, 1, 1), number))
    return office, retried


async def days(office: Office) -> list[str | None]:
    return [row["paid_through"] for row in await read_coverage(office)]


@pytest.mark.parametrize("auto", [False, True])
async def test_payments_on_one_invoice_add_up(database: Database, owner_url: str, auto: bool) -> None:
    office, retried = await watched(database)
    await enable_auto_paid_through(office, on=auto)
    id = await make_invoice(office, 1)
    outcomes = await race(owner_url, "premium_invoices", id, *(make_payment(office, id, 1_250) for _ in range(8)))
    assert tally(outcomes) == {"done": 8}
    row = await read_invoice(office, id)
    assert (row.paid_cents, row.status, row.version) == (CENTS, "PAID", 9)
    told = [event["after"]["paid_cents"] for event in (await office.history(id))[1:]]
    assert sorted(told) == [1_250 * number for number in range(1, 9)]
    assert await days(office) == ["2026-01-31" if auto else None]
    assert retried == []


async def test_what_a_payment_may_add_holds_for_all_at_once(database: Database, owner_url: str) -> None:
    office, _ = await watched(database)
    id = await make_invoice(office, 1)
    outcomes = await race(owner_url, "premium_invoices", id, *(make_payment(office, id, 2**52) for _ in range(4)))
    assert tally(outcomes) == {"done": 1, "INVALID_INPUT": 3}
    assert (await read_invoice(office, id)).paid_cents == 2**52


@pytest.mark.parametrize("auto", [False, True])
async def test_a_payment_and_the_void(database: Database, owner_url: str, auto: bool) -> None:
    office, retried = await watched(database)
    await enable_auto_paid_through(office, on=auto)
    for number in range(1, 5):
        id = await make_invoice(office, number)
        outcomes = await race(owner_url, "premium_invoices", id, make_payment(office, id), void_invoice(office, id))
        (payment, _), (voided, _) = outcomes
        assert voided == "done"
        assert payment in {"done", "INVALID_STATUS_TRANSITION"}
        row = await read_invoice(office, id)
        assert (row.status, row.paid_cents, row.version) == (
            ("VOID", CENTS, 3) if payment == "done" else ("VOID", 0, 2)
        )
    assert await days(office) == [None]
    assert retried == []


async def test_an_invoice_is_voided_once_and_a_payment_reversed_once(database: Database, owner_url: str) -> None:
    office, _ = await watched(database)
    id = await make_invoice(office, 1)
    payment = await make_payment(office, id)
    outcomes = await race(owner_url, "premium_invoices", id, *(reverse_payment(office, payment) for _ in range(4)))
    assert tally(outcomes) == {"done": 1, "INVALID_STATUS_TRANSITION": 3}
    outcomes = await race(owner_url, "premium_invoices", id, *(void_invoice(office, id) for _ in range(4)))
    assert tally(outcomes) == {"done": 1, "INVALID_STATUS_TRANSITION": 3}
    assert [event["action"] for event in await office.history(id)] == ["RECORDED", "PAID", "REVERSED", "VOIDED"]


async def test_of_two_that_saw_one_version_one_voids(database: Database, owner_url: str) -> None:
    office, _ = await watched(database)
    id = await make_invoice(office, 1)
    outcomes = await race(
        owner_url,
        "premium_invoices",
        id,
        make_payment(office, id),
        make_payment(office, id),
        void_invoice(office, id, None, 3),
    )
    row = await read_invoice(office, id)
    if tally(outcomes) == {"done": 3}:  # the void came last, and had foreseen both payments
        assert (row.status, row.version) == ("VOID", 4)
    else:
        assert tally(outcomes) == {"done": 2, "VERSION_CONFLICT": 1}
        assert (row.status, row.version) == ("PAID", 3)


async def test_a_payment_and_setting_what_is_paid(database: Database, owner_url: str) -> None:
    """Whichever is first: where it is kept up, the payment is in what stands in the end."""
    office, retried = await watched(database)
    await enable_auto_paid_through(office)
    subscriber = next(iter((await office.read_all_rows())["subscribers"]))
    for number in range(1, 5):
        id = await make_invoice(office, number)
        setting = [set_paid_through(office) for _ in range(4)]
        outcomes = await race(
            owner_url, "subscribers", subscriber, *setting[:number], make_payment(office, id), *setting[number:]
        )
        assert tally(outcomes) == {"done": 5}
        assert await days(office) == [f"2026-0{number}-{(31, 28, 31, 30)[number - 1]}"]
    assert retried == []


async def test_payments_on_several_invoices_of_a_group_are_all_seen(database: Database, owner_url: str) -> None:
    office, retried = await watched(database, *NUMBERS)
    await enable_auto_paid_through(office)
    subscriber = min((await office.read_all_rows())["subscribers"])
    invoices = [await make_invoice(office, number) for number in (1, 2, 3, 4)]
    invoices.append(await make_invoice(office, 5, NUMBERS[2]))
    outcomes = await race(owner_url, "subscribers", subscriber, *(make_payment(office, id) for id in invoices))
    assert tally(outcomes) == {"done": 5}
    assert await days(office) == ["2026-04-30", "2026-04-30", "2026-05-31", "2026-04-30"]
    assert retried == []


async def test_a_crowd_finds_its_way(database: Database) -> None:
    """Payments, reversals, voids, new invoices, coverage written and what is paid set, all at once, over and over."""
    office, retried = await watched(database, *NUMBERS)
    await enable_auto_paid_through(office)
    random = Random(4)  # noqa: S311 - no secret, and the same crowd each time
    invoices = [await make_invoice(office, number, whose) for number in (1, 2, 3) for whose in (None, *NUMBERS[:2])]
    payments = [await make_payment(office, id) for id in invoices]

    async def write(numbers: list[str]) -> None:
        items = [
            CoverageItem(coverage_key(date(2026, 1, 1), number), {"end_date": date(2026, 12, 31)}) for number in numbers
        ]
        await office.run(upsert_coverage, items)

    async def outcome(runner: Coroutine[Any, Any, Any]) -> set[str]:
        try:
            await runner
        except Refused as refused:
            return {str(rule.code) for rule in refused.violations}
        return set()

    told: set[str] = set()
    for _ in range(6):
        crowd: list[Coroutine[Any, Any, Any]] = [
            *(make_payment(office, id, random.choice([1, CENTS])) for id in random.sample(invoices, 3)),
            *(reverse_payment(office, id) for id in random.sample(payments, 2)),
            void_invoice(office, random.choice(invoices)),
            make_invoice(office, random.randint(1, 4), random.choice([None, *NUMBERS]), paid_cents=CENTS),
            *(set_paid_through(office, number) for number in random.sample(NUMBERS, 2)),
            write(random.sample(NUMBERS, 3)),
        ]
        random.shuffle(crowd)
        told.update(*await asyncio.gather(*(outcome(runner) for runner in crowd)))

    assert told == {"INVALID_STATUS_TRANSITION"}
    assert retried == []
    before = await office.read_all_rows()
    for number in NUMBERS:
        await set_paid_through(office, number)
    assert await office.read_all_rows() == before
