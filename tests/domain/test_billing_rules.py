"""Premiums: where an invoice stands, through which day a coverage is paid, and which bills and payments are refused."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import Refusal, refusals

from benegraph.domain.billing import (
    Invoice,
    InvoiceStatus,
    PaidThrough,
    check_billing_ids,
    check_invoice,
    check_not_reversed,
    check_not_void,
    check_payment,
    check_reason,
    compute_paid_through,
    derive_invoice_status,
)
from benegraph.domain.errors import ErrorCode
from benegraph.domain.values import MAX_CENTS, last_day_of_month

NEW_YEAR = date(2026, 1, 1)
YEARS_END = date(2026, 12, 31)
TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)


def billed(
    id: str, first: date, last: date, paid: int = 100, amount: int = 100, *, void: bool = False, own: bool = False
) -> Invoice:
    return Invoice(id, first, last, amount, paid, void=void, is_subscriber_invoice=own)


def month(number: int, paid: int = 100, amount: int = 100, *, void: bool = False, own: bool = False) -> Invoice:
    """Bill a month of 2026, for 100 that are paid; the group's are `g1` to `g12`, the subscriber's `s1` to `s12`."""
    first = date(2026, number, 1)
    return billed(f"{'s' if own else 'g'}{number}", first, last_day_of_month(first), paid, amount, void=void, own=own)


# ------------------------------------------------------------------------------------------------------ status


@pytest.mark.parametrize(
    ("amount_cents", "paid_cents", "void", "expected"),
    [
        (100, 0, False, "OPEN"),
        (100, 99, False, "OPEN"),
        (100, 100, False, "PAID"),
        (100, 101, False, "PAID"),
        (0, 0, False, "PAID"),  # nothing is owed
        (100, 0, True, "VOID"),
        (100, 100, True, "VOID"),
        (0, 0, True, "VOID"),
    ],
)
def test_where_an_invoice_stands(amount_cents: int, paid_cents: int, void: bool, expected: str) -> None:
    assert derive_invoice_status(amount_cents, paid_cents, void=void) is InvoiceStatus(expected)
    assert billed("a", NEW_YEAR, NEW_YEAR, paid_cents, amount_cents, void=void).is_paid is (expected == "PAID")


# ------------------------------------------------------------------------------------------------ paid through

CASES: dict[str, tuple[list[Invoice], tuple[date, str] | None]] = {
    # What there is to pay for.
    "no invoice": ([], None),
    "one paid": ([month(1)], (date(2026, 1, 31), "g1")),
    "one unpaid": ([month(1, paid=0)], None),
    "two paid in a row": ([month(1), month(2)], (date(2026, 2, 28), "g2")),
    "a whole year": ([month(number) for number in range(1, 13)], (YEARS_END, "g12")),
    "a gap": ([month(1), month(3)], (date(2026, 1, 31), "g1")),
    "a gap of one day": (
        [month(1), billed("late", date(2026, 2, 2), date(2026, 2, 28))],
        (date(2026, 1, 31), "g1"),
    ),
    "an unpaid one between paid ones": ([month(1), month(2, paid=0), month(3)], (date(2026, 1, 31), "g1")),
    "an unpaid one before paid ones": ([month(1, paid=0), month(2), month(3)], None),
    # How much is paid.
    "part-paid": ([month(1), month(2, paid=99)], (date(2026, 1, 31), "g1")),
    "overpaid": ([month(1), month(2, paid=101)], (date(2026, 2, 28), "g2")),
    "what is overpaid pays for nothing else": ([month(1, paid=200), month(2, paid=0)], (date(2026, 1, 31), "g1")),
    "a payment reversed, which is in no sum any more": (
        [month(1), month(2, paid=0), month(3)],
        (date(2026, 1, 31), "g1"),
    ),
    "nothing owed": ([month(1), month(2, paid=0, amount=0)], (date(2026, 2, 28), "g2")),
    # What is void is not there, neither to be paid nor to cover a day.
    "void": ([month(1, void=True)], None),
    "void and unpaid beside a paid one": ([month(1), month(1, paid=0, void=True)], (date(2026, 1, 31), "g1")),
    "void in between leaves a gap": ([month(1), month(2, void=True), month(3)], (date(2026, 1, 31), "g1")),
    "void and billed anew": (
        [month(1), month(2, paid=0, void=True), billed("anew", date(2026, 2, 1), date(2026, 2, 28))],
        (date(2026, 2, 28), "anew"),
    ),
    "billing did not begin with a void one": ([month(1, void=True), month(2)], (date(2026, 2, 28), "g2")),
    # Where it begins and ends.
    "billing begins after the start": ([month(3), month(4)], (date(2026, 4, 30), "g4")),
    "billing begins after the start, unpaid": ([month(3, paid=0), month(4)], None),
    "billing begins with an unpaid one of the subscriber's own": ([month(2, paid=0, own=True), month(3)], None),
    "one before the start": ([billed("old", date(2025, 12, 1), date(2025, 12, 31))], None),
    "an unpaid one before the start": (
        [billed("old", date(2025, 12, 1), date(2025, 12, 31), paid=0), month(1)],
        (date(2026, 1, 31), "g1"),
    ),
    "billing began before the start, so that a gap there is one": (
        [billed("old", date(2025, 12, 1), date(2025, 12, 31)), month(2)],
        None,
    ),
    "one over the start": (
        [billed("over", date(2025, 12, 15), date(2026, 1, 14)), month(2)],
        (date(2026, 1, 14), "over"),
    ),
    "one over the first day alone": ([billed("over", date(2025, 12, 1), NEW_YEAR)], (NEW_YEAR, "over")),
    "one beyond the end": ([billed("year", NEW_YEAR, date(2027, 6, 30))], (YEARS_END, "year")),
    "one through the end": ([billed("year", NEW_YEAR, YEARS_END)], (YEARS_END, "year")),
    "one through the day before the end": (
        [billed("year", NEW_YEAR, YEARS_END - DAY)],
        (date(2026, 12, 30), "year"),
    ),
    "an unpaid one after the end": (
        [billed("year", NEW_YEAR, YEARS_END), billed("next", date(2027, 1, 1), date(2027, 1, 31), paid=0)],
        (YEARS_END, "year"),
    ),
    "all after the end": ([billed("next", date(2027, 1, 1), date(2027, 1, 31))], None),
    # Two over one day.
    "two for one period, both paid": (
        [month(1), billed("more", NEW_YEAR, date(2026, 1, 31))],
        (date(2026, 1, 31), "more"),
    ),
    "two for one period, one unpaid": ([month(1), billed("more", NEW_YEAR, date(2026, 1, 31), paid=0)], None),
    "an unpaid one over the last days of a paid one": (
        [month(1), billed("more", date(2026, 1, 21), date(2026, 2, 20), paid=0)],
        (date(2026, 1, 20), "g1"),
    ),
    "an unpaid one over the middle of a paid one": (
        [month(1), billed("more", date(2026, 1, 10), date(2026, 1, 20), paid=0)],
        (date(2026, 1, 9), "g1"),
    ),
    "a paid one within a paid one": (
        [month(1), billed("more", date(2026, 1, 10), date(2026, 1, 20))],
        (date(2026, 1, 31), "g1"),
    ),
    "a paid one that goes on where a paid one ends": (
        [month(1), billed("more", date(2026, 1, 21), date(2026, 2, 20))],
        (date(2026, 2, 20), "more"),
    ),
    "a paid and an unpaid one that begin together": (
        [billed("long", NEW_YEAR, date(2026, 3, 31)), month(1, paid=0)],
        None,
    ),
    # The subscriber's own, day by day, go before the group's.
    "own alone": ([month(1, own=True)], (date(2026, 1, 31), "s1")),
    "own paid beside the group's unpaid": ([month(1, paid=0), month(1, own=True)], (date(2026, 1, 31), "s1")),
    "own unpaid beside the group's paid": ([month(1), month(1, paid=0, own=True)], None),
    "own void beside the group's paid": ([month(1), month(1, paid=0, void=True, own=True)], (date(2026, 1, 31), "g1")),
    "own paid beside the group's void": ([month(1, void=True), month(1, own=True)], (date(2026, 1, 31), "s1")),
    "two own, one unpaid": (
        [month(1), month(1, own=True), billed("s0", NEW_YEAR, NEW_YEAR, paid=0, own=True)],
        None,
    ),
    "own for a month between the group's": (
        [month(1), month(2, paid=0), month(2, own=True), month(3)],
        (date(2026, 3, 31), "g3"),
    ),
    "own unpaid for a month between the group's": (
        [month(1), month(2), month(2, paid=0, own=True), month(3)],
        (date(2026, 1, 31), "g1"),
    ),
    "own for half of a month that the group has not paid": (
        [month(1, paid=0), billed("half", NEW_YEAR, date(2026, 1, 15), own=True)],
        (date(2026, 1, 15), "half"),
    ),
    "own for half of a month that the group has paid": (
        [month(1), billed("half", date(2026, 1, 10), date(2026, 1, 20), own=True)],
        (date(2026, 1, 31), "g1"),
    ),
    "own goes on where the group's ends": ([month(1), month(2, own=True)], (date(2026, 2, 28), "s2")),
}


@pytest.mark.parametrize("name", CASES)
def test_a_coverage_is_paid_through(name: str) -> None:
    invoices, expected = CASES[name]
    found = compute_paid_through(NEW_YEAR, YEARS_END, invoices)
    assert found == (expected and PaidThrough(*expected))
    assert compute_paid_through(NEW_YEAR, YEARS_END, invoices[::-1]) == found


@pytest.mark.parametrize(
    ("start", "end", "invoices", "expected"),
    [
        # Open-ended, it is paid as far as it was billed.
        (NEW_YEAR, None, [month(1), month(2)], PaidThrough(date(2026, 2, 28), "g2")),
        (NEW_YEAR, None, [billed("year", NEW_YEAR, date(2027, 6, 30))], PaidThrough(date(2027, 6, 30), "year")),
        (NEW_YEAR, None, [], None),
        # Of one day.
        (NEW_YEAR, NEW_YEAR, [month(1)], PaidThrough(NEW_YEAR, "g1")),
        (NEW_YEAR, NEW_YEAR, [month(1, paid=0)], None),
        # From the middle of an invoice, and to the middle of one.
        (date(2026, 1, 15), date(2026, 2, 14), [month(1), month(2)], PaidThrough(date(2026, 2, 14), "g2")),
        (date(2026, 1, 31), date(2026, 2, 1), [month(1), month(2)], PaidThrough(date(2026, 2, 1), "g2")),
        (date(2026, 2, 1), date(2026, 2, 1), [month(1), month(2, paid=0)], None),
        # As far as days go.
        (NEW_YEAR, None, [billed("ever", NEW_YEAR, date.max)], PaidThrough(date.max, "ever")),
        (NEW_YEAR, date.max, [billed("ever", date.min, date.max)], PaidThrough(date.max, "ever")),
        (NEW_YEAR, date.max - DAY, [billed("ever", date.min, date.max)], PaidThrough(date.max - DAY, "ever")),
        (date.min, date.min, [billed("first", date.min, date.min)], PaidThrough(date.min, "first")),
        (date.max, None, [billed("last", date.max, date.max)], PaidThrough(date.max, "last")),
    ],
)
def test_a_coverage_of_other_days_is_paid_through(
    start: date, end: date | None, invoices: list[Invoice], expected: PaidThrough | None
) -> None:
    assert compute_paid_through(start, end, invoices) == expected


# -------------------------------------------------------------------------------------------------------- laws

DAYS = st.integers(0, 25).map(lambda days: NEW_YEAR + timedelta(days=days))
SPANS = st.tuples(DAYS, DAYS).map(lambda days: (min(days), max(days)))
COVERAGES = SPANS.flatmap(lambda span: st.sampled_from([span, (span[0], None)]))


@st.composite
def histories(draw: st.DrawFn) -> list[Invoice]:
    """Draw invoices that lie over and beside each other; most are paid, so that a walk gets somewhere."""
    invoices = []
    for number in range(draw(st.integers(0, 7))):
        first, last = draw(SPANS)
        amount = draw(st.integers(0, 2))
        paid = draw(st.sampled_from([amount, amount, amount, 0, amount + 1, max(amount - 1, 0)]))
        void, own = draw(st.sampled_from([False, False, False, True])), draw(st.booleans())
        invoices.append(billed(f"i{number}", first, last, paid, amount, void=void, own=own))
    return invoices


def walk(start: date, end: date | None, invoices: list[Invoice]) -> date | None:
    """Walk the days, one by one, as the rule says."""
    over: dict[date, list[Invoice]] = {}
    for invoice in invoices:
        day = invoice.bill_from
        while not invoice.void and day <= invoice.bill_through:
            over.setdefault(day, []).append(invoice)
            day += DAY
    day, reached = start, None
    while over and day < min(over):
        day += DAY
    while day in over and (end is None or day <= end):
        deciding = [invoice for invoice in over[day] if invoice.is_subscriber_invoice]
        if not deciding:
            deciding = over[day]
        if any(invoice.paid_cents < invoice.amount_cents for invoice in deciding):
            return reached
        reached = day
        day += DAY
    return reached


@given(COVERAGES, histories())
def test_steps_lead_where_days_do(coverage: tuple[date, date | None], invoices: list[Invoice]) -> None:
    found = compute_paid_through(*coverage, invoices)
    assert (found and found.day) == walk(*coverage, invoices)


@given(COVERAGES, histories())
def test_the_last_day_rests_on_a_paid_invoice_over_it(
    coverage: tuple[date, date | None], invoices: list[Invoice]
) -> None:
    found = compute_paid_through(*coverage, invoices)
    if found is not None:
        over = [each for each in invoices if each.bill_from <= found.day <= each.bill_through and not each.void]
        (invoice,) = [each for each in over if each.id == found.invoice_id]
        assert invoice.is_paid
        assert invoice.is_subscriber_invoice is any(each.is_subscriber_invoice for each in over)
        assert all(
            each.bill_through <= invoice.bill_through
            for each in over
            if each.is_subscriber_invoice is invoice.is_subscriber_invoice
        )


@given(COVERAGES, histories(), st.randoms(use_true_random=False))
def test_the_order_of_invoices_does_not_matter(
    coverage: tuple[date, date | None], invoices: list[Invoice], random: Random
) -> None:
    shuffled = invoices.copy()
    random.shuffle(shuffled)
    assert compute_paid_through(*coverage, shuffled) == compute_paid_through(*coverage, invoices)


@given(COVERAGES, histories(), st.data())
def test_money_never_shortens_what_is_paid(
    coverage: tuple[date, date | None], invoices: list[Invoice], data: st.DataObject
) -> None:
    before = walk(*coverage, invoices) or date.min
    if invoices:
        index = data.draw(st.integers(0, len(invoices) - 1))
        invoices[index] = replace(invoices[index], paid_cents=invoices[index].paid_cents + data.draw(st.integers(1, 2)))
    found = compute_paid_through(*coverage, invoices)
    assert (found.day if found else date.min) >= before


@given(COVERAGES, histories(), SPANS, st.booleans())
def test_a_void_invoice_is_as_if_it_had_never_been(
    coverage: tuple[date, date | None], invoices: list[Invoice], span: tuple[date, date], own: bool
) -> None:
    void = billed("void", *span, paid=0, void=True, own=own)
    assert compute_paid_through(*coverage, [void, *invoices]) == compute_paid_through(*coverage, invoices)


# ------------------------------------------------------------------------------------------------------ checks


@pytest.mark.parametrize(
    ("group_id", "division_id", "subscriber_id", "expected"),
    [
        ("G", "D", "S", []),
        ("G", "D", None, []),
        ("G" * 20, "D" * 20, "S" * 9, []),
        ("G" * 21, "D", "S", [(ErrorCode.INVALID_INPUT, ("groupId",))]),
        ("G", "D" * 21, "S", [(ErrorCode.INVALID_INPUT, ("divisionId",))]),
        ("G", "D", "S" * 10, [(ErrorCode.INVALID_INPUT, ("subscriberId",))]),
        (
            "",
            " ",
            "\x00",
            [
                (ErrorCode.INVALID_INPUT, ("groupId",)),
                (ErrorCode.INVALID_INPUT, ("divisionId",)),
                (ErrorCode.INVALID_INPUT, ("subscriberId",)),
            ],
        ),
    ],
)
def test_whom_a_bill_names(group_id: str, division_id: str, subscriber_id: str | None, expected: list[Refusal]) -> None:
    assert refusals(check_billing_ids(group_id, division_id, subscriber_id)) == expected


@pytest.mark.parametrize(
    ("bill_from", "bill_through", "amount_cents", "expected"),
    [
        (NEW_YEAR, NEW_YEAR, 0, []),
        (NEW_YEAR, YEARS_END, MAX_CENTS, []),
        (NEW_YEAR, NEW_YEAR - DAY, 1, [(ErrorCode.DATES_OUT_OF_ORDER, ("billThrough",))]),
        (NEW_YEAR, NEW_YEAR, -1, [(ErrorCode.INVALID_INPUT, ("amountCents",))]),
        (
            NEW_YEAR,
            NEW_YEAR - DAY,
            -1,
            [(ErrorCode.DATES_OUT_OF_ORDER, ("billThrough",)), (ErrorCode.INVALID_INPUT, ("amountCents",))],
        ),
    ],
)
def test_what_an_invoice_bills(bill_from: date, bill_through: date, amount_cents: int, expected: list[Refusal]) -> None:
    assert refusals(check_invoice(bill_from, bill_through, amount_cents)) == expected


@pytest.mark.parametrize(
    ("amount_cents", "paid_cents", "received_on", "expected"),
    [
        (1, 0, TODAY, []),
        (1, 0, date(1990, 1, 1), []),
        (0, 0, TODAY, [(ErrorCode.INVALID_INPUT, ("amountCents",))]),
        (-1, 0, TODAY, [(ErrorCode.INVALID_INPUT, ("amountCents",))]),
        (1, 0, TODAY + DAY, [(ErrorCode.INVALID_INPUT, ("receivedOn",))]),
        (0, 0, TODAY + DAY, [(ErrorCode.INVALID_INPUT, ("amountCents",)), (ErrorCode.INVALID_INPUT, ("receivedOn",))]),
        # What was paid of an invoice is itself an amount.
        (MAX_CENTS, 0, TODAY, []),
        (1, MAX_CENTS - 1, TODAY, []),
        (2, MAX_CENTS - 1, TODAY, [(ErrorCode.INVALID_INPUT, ("amountCents",))]),
    ],
)
def test_what_a_payment_is(amount_cents: int, paid_cents: int, received_on: date, expected: list[Refusal]) -> None:
    assert refusals(check_payment(amount_cents, paid_cents, received_on, TODAY)) == expected


def test_what_is_done_is_not_done_again() -> None:
    assert refusals(check_not_void(is_void=False, operation="voided again")) == []
    assert refusals(check_not_void(is_void=True, operation="voided again")) == [
        (ErrorCode.INVALID_STATUS_TRANSITION, ("invoiceId",))
    ]
    assert refusals(check_not_reversed(is_reversed=False)) == []
    assert refusals(check_not_reversed(is_reversed=True)) == [(ErrorCode.INVALID_STATUS_TRANSITION, ("paymentId",))]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (None, []),
        ("x" * 1000, []),
        ("x" * 1001, [(ErrorCode.INVALID_INPUT, ("reason",))]),
        ("", [(ErrorCode.INVALID_INPUT, ("reason",))]),
    ],
)
def test_a_reason_is_short_and_says_something(reason: str | None, expected: list[Refusal]) -> None:
    assert refusals(check_reason(reason)) == expected
