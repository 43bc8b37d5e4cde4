"""Concurrent billing actions against real locks: no payment is lost, and nothing deadlocks."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

import pytest
from racing import race, tally

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


async def office_counting_retries(database: Database, *numbers: str) -> tuple[Office, list[str]]:
    """Create an office with covered subscribers; also return the list of reasons why transactions are retried."""
    retried: list[str] = []
    office = await create_office(replace(database, on_retry=retried.append))
    await make_contract(office)
    for number in numbers or [SUBSCRIBER_ID]:
        await make_subscriber(office, number)
        await make_coverage(office, coverage_key(date(2026, 1, 1), number))
    return office, retried


async def paid_through_dates(office: Office) -> list[str | None]:
    return [row["paid_through"] for row in await read_coverage(office)]


@pytest.mark.parametrize("auto", [False, True])
async def test_concurrent_payments_add_up(database: Database, owner_url: str, auto: bool) -> None:
    office, retried = await office_counting_retries(database)
    await enable_auto_paid_through(office, on=auto)
    id = await make_invoice(office, 1)
    outcomes = await race(owner_url, "premium_invoices", id, *(make_payment(office, id, 1_250) for _ in range(8)))
    assert tally(outcomes) == {"done": 8}
    row = await read_invoice(office, id)
    assert (row.paid_cents, row.status, row.version) == (CENTS, "PAID", 9)
    amounts = [event["after"]["paid_cents"] for event in (await office.history(id))[1:]]
    assert sorted(amounts) == [1_250 * number for number in range(1, 9)]
    assert await paid_through_dates(office) == ["2026-01-31" if auto else None]
    assert retried == []


async def test_concurrent_payments_respect_maximum_amount(database: Database, owner_url: str) -> None:
    office, _ = await office_counting_retries(database)
    id = await make_invoice(office, 1)
    outcomes = await race(owner_url, "premium_invoices", id, *(make_payment(office, id, 2**52) for _ in range(4)))
    assert tally(outcomes) == {"done": 1, "INVALID_INPUT": 3}
    assert (await read_invoice(office, id)).paid_cents == 2**52


@pytest.mark.parametrize("auto", [False, True])
async def test_payment_concurrent_with_void(database: Database, owner_url: str, auto: bool) -> None:
    office, retried = await office_counting_retries(database)
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
    assert await paid_through_dates(office) == [None]
    assert retried == []


async def test_concurrent_voids_and_reversals_succeed_once(database: Database, owner_url: str) -> None:
    office, _ = await office_counting_retries(database)
    id = await make_invoice(office, 1)
    payment = await make_payment(office, id)
    outcomes = await race(owner_url, "premium_invoices", id, *(reverse_payment(office, payment) for _ in range(4)))
    assert tally(outcomes) == {"done": 1, "INVALID_STATUS_TRANSITION": 3}
    outcomes = await race(owner_url, "premium_invoices", id, *(void_invoice(office, id) for _ in range(4)))
    assert tally(outcomes) == {"done": 1, "INVALID_STATUS_TRANSITION": 3}
    assert [event["action"] for event in await office.history(id)] == ["RECORDED", "PAID", "REVERSED", "VOIDED"]


async def test_void_concurrent_with_payments_checks_version(database: Database, owner_url: str) -> None:
    office, _ = await office_counting_retries(database)
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
    if tally(outcomes) == {"done": 3}:  # the void came last and expected the version after both payments
        assert (row.status, row.version) == ("VOID", 4)
    else:
        assert tally(outcomes) == {"done": 2, "VERSION_CONFLICT": 1}
        assert (row.status, row.version) == ("PAID", 3)


async def test_payment_concurrent_with_set_paid_through(database: Database, owner_url: str) -> None:
    """With automatic updates, the final date includes the payment, whichever transaction came first."""
    office, retried = await office_counting_retries(database)
    await enable_auto_paid_through(office)
    subscriber = next(iter((await office.read_all_rows())["subscribers"]))
    for number in range(1, 5):
        id = await make_invoice(office, number)
        updates = [set_paid_through(office) for _ in range(4)]
        outcomes = await race(
            owner_url, "subscribers", subscriber, *updates[:number], make_payment(office, id), *updates[number:]
        )
        assert tally(outcomes) == {"done": 5}
        assert await paid_through_dates(office) == [f"2026-0{number}-{(31, 28, 31, 30)[number - 1]}"]
    assert retried == []


async def test_concurrent_payments_on_several_invoices_all_count(database: Database, owner_url: str) -> None:
    office, retried = await office_counting_retries(database, *NUMBERS)
    await enable_auto_paid_through(office)
    subscriber = min((await office.read_all_rows())["subscribers"])
    invoices = [await make_invoice(office, number) for number in (1, 2, 3, 4)]
    invoices.append(await make_invoice(office, 5, NUMBERS[2]))
    outcomes = await race(owner_url, "subscribers", subscriber, *(make_payment(office, id) for id in invoices))
    assert tally(outcomes) == {"done": 5}
    assert await paid_through_dates(office) == ["2026-04-30", "2026-04-30", "2026-05-31", "2026-04-30"]
    assert retried == []


async def test_random_concurrent_billing_actions_do_not_deadlock(database: Database) -> None:
    """Payments, reversals, voids, new invoices, coverage changes and paid-through updates run at the same time."""
    office, retried = await office_counting_retries(database, *NUMBERS)
    await enable_auto_paid_through(office)
    random = Random(4)  # noqa: S311 - seeded to repeat the same actions
    invoices = [
        await make_invoice(office, number, subscriber_id)
        for number in (1, 2, 3)
        for subscriber_id in (None, *NUMBERS[:2])
    ]
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

    refused_codes: set[str] = set()
    for _ in range(6):
        actions: list[Coroutine[Any, Any, Any]] = [
            *(make_payment(office, id, random.choice([1, CENTS])) for id in random.sample(invoices, 3)),
            *(reverse_payment(office, id) for id in random.sample(payments, 2)),
            void_invoice(office, random.choice(invoices)),
            make_invoice(office, random.randint(1, 4), random.choice([None, *NUMBERS]), paid_cents=CENTS),
            *(set_paid_through(office, number) for number in random.sample(NUMBERS, 2)),
            write(random.sample(NUMBERS, 3)),
        ]
        random.shuffle(actions)
        refused_codes.update(*await asyncio.gather(*(outcome(runner) for runner in actions)))

    assert refused_codes == {"INVALID_STATUS_TRANSITION"}
    assert retried == []
    before = await office.read_all_rows()
    for number in NUMBERS:
        await set_paid_through(office, number)
    assert await office.read_all_rows() == before
