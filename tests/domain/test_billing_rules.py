"""Premium billing: invoice statuses, the day through which a coverage is paid, and checks of invoices and payments."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from violations import CodeAndField, codes_and_fields

NEW_YEAR = date(2026, 1, 1)
YEARS_END = date(2026, 12, 31)
TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)


def build_invoice(
    id: str, first: date, last: date, paid: int = 100, amount: int = 100, *, void: bool = False, own: bool = False
) -> Invoice:
    return Invoice(id, first, last, amount, paid, void=void, is_subscriber_invoice=own)


def month_invoice(number: int, paid: int = 100, amount: int = 100, *, void: bool = False, own: bool = False) -> Invoice:
    """Return an invoice for a month of 2026: `g1` to `g12` are the group's, `s1` to `s12` the subscriber's own."""
    first = date(2026, number, 1)
    return build_invoice(
        f"{'s' if own else 'g'}{number}", first, last_day_of_month(first), paid, amount, void=void, own=own
    )


# ------------------------------------------------------------------------------------------------------ status


@pytest.mark.parametrize(
    ("amount_cents", "paid_cents", "void", "expected"),
    [
        (100, 0, False, "OPEN"),
        (100, 99, False, "OPEN"),
        (100, 100, False, "PAID"),
        (100, 101, False, "PAID"),
        (0, 0, False, "PAID"),  # an invoice of 0 cents
        (100, 0, True, "VOID"),
        (100, 100, True, "VOID"),
        (0, 0, True, "VOID"),
    ],
)
def test_invoice_status(amount_cents: int, paid_cents: int, void: bool, expected: str) -> None:
    assert derive_invoice_status(amount_cents, paid_cents, void=void) is InvoiceStatus(expected)
    assert build_invoice("a", NEW_YEAR, NEW_YEAR, paid_cents, amount_cents, void=void).is_paid is (expected == "PAID")


# ------------------------------------------------------------------------------------------------ paid through

CASES: dict[str, tuple[list[Invoice], tuple[date, str] | None]] = {
    # Which invoices are paid.
    "no invoice": ([], None),
    "one paid": ([month_invoice(1)], (date(2026, 1, 31), "g1")),
    "one unpaid": ([month_invoice(1, paid=0)], None),
    "two paid in a row": ([month_invoice(1), month_invoice(2)], (date(2026, 2, 28), "g2")),
    "a whole year": ([month_invoice(number) for number in range(1, 13)], (YEARS_END, "g12")),
    "a gap": ([month_invoice(1), month_invoice(3)], (date(2026, 1, 31), "g1")),
    "a gap of one day": (
        [month_invoice(1), build_invoice("late", date(2026, 2, 2), date(2026, 2, 28))],
        (date(2026, 1, 31), "g1"),
    ),
    "an unpaid one between paid ones": (
        [month_invoice(1), month_invoice(2, paid=0), month_invoice(3)],
        (date(2026, 1, 31), "g1"),
    ),
    "an unpaid one before paid ones": ([month_invoice(1, paid=0), month_invoice(2), month_invoice(3)], None),
    # Partial payments and overpayments.
    "part-paid": ([month_invoice(1), month_invoice(2, paid=99)], (date(2026, 1, 31), "g1")),
    "overpaid": ([month_invoice(1), month_invoice(2, paid=101)], (date(2026, 2, 28), "g2")),
    "an overpayment does not pay another invoice": (
        [month_invoice(1, paid=200), month_invoice(2, paid=0)],
        (date(2026, 1, 31), "g1"),
    ),
    "a reversed payment does not count": (
        [month_invoice(1), month_invoice(2, paid=0), month_invoice(3)],
        (date(2026, 1, 31), "g1"),
    ),
    "an invoice of 0 cents": ([month_invoice(1), month_invoice(2, paid=0, amount=0)], (date(2026, 2, 28), "g2")),
    # A void invoice has no effect.
    "void": ([month_invoice(1, void=True)], None),
    "void and unpaid, with a paid one for the same month": (
        [month_invoice(1), month_invoice(1, paid=0, void=True)],
        (date(2026, 1, 31), "g1"),
    ),
    "void in between leaves a gap": (
        [month_invoice(1), month_invoice(2, void=True), month_invoice(3)],
        (date(2026, 1, 31), "g1"),
    ),
    "void and billed again": (
        [
            month_invoice(1),
            month_invoice(2, paid=0, void=True),
            build_invoice("again", date(2026, 2, 1), date(2026, 2, 28)),
        ],
        (date(2026, 2, 28), "again"),
    ),
    "billing does not begin with a void invoice": (
        [month_invoice(1, void=True), month_invoice(2)],
        (date(2026, 2, 28), "g2"),
    ),
    # The start and end of billing.
    "billing begins after the start": ([month_invoice(3), month_invoice(4)], (date(2026, 4, 30), "g4")),
    "billing begins after the start, unpaid": ([month_invoice(3, paid=0), month_invoice(4)], None),
    "billing begins with an unpaid invoice of the subscriber's own": (
        [month_invoice(2, paid=0, own=True), month_invoice(3)],
        None,
    ),
    "one before the start": ([build_invoice("old", date(2025, 12, 1), date(2025, 12, 31))], None),
    "an unpaid one before the start": (
        [build_invoice("old", date(2025, 12, 1), date(2025, 12, 31), paid=0), month_invoice(1)],
        (date(2026, 1, 31), "g1"),
    ),
    "billing began before the start, so a gap at the start counts": (
        [build_invoice("old", date(2025, 12, 1), date(2025, 12, 31)), month_invoice(2)],
        None,
    ),
    "one that overlaps the start": (
        [build_invoice("over", date(2025, 12, 15), date(2026, 1, 14)), month_invoice(2)],
        (date(2026, 1, 14), "over"),
    ),
    "one that ends on the first day": ([build_invoice("over", date(2025, 12, 1), NEW_YEAR)], (NEW_YEAR, "over")),
    "one beyond the end": ([build_invoice("year", NEW_YEAR, date(2027, 6, 30))], (YEARS_END, "year")),
    "one through the end": ([build_invoice("year", NEW_YEAR, YEARS_END)], (YEARS_END, "year")),
    "one through the day before the end": (
        [build_invoice("year", NEW_YEAR, YEARS_END - DAY)],
        (date(2026, 12, 30), "year"),
    ),
    "an unpaid one after the end": (
        [
            build_invoice("year", NEW_YEAR, YEARS_END),
            build_invoice("next", date(2027, 1, 1), date(2027, 1, 31), paid=0),
        ],
        (YEARS_END, "year"),
    ),
    "all after the end": ([build_invoice("next", date(2027, 1, 1), date(2027, 1, 31))], None),
    # Several invoices for one day.
    "two for one period, both paid": (
        [month_invoice(1), build_invoice("more", NEW_YEAR, date(2026, 1, 31))],
        (date(2026, 1, 31), "more"),
    ),
    "two for one period, one unpaid": (
        [month_invoice(1), build_invoice("more", NEW_YEAR, date(2026, 1, 31), paid=0)],
        None,
    ),
    "an unpaid one for the last days of a paid one": (
        [month_invoice(1), build_invoice("more", date(2026, 1, 21), date(2026, 2, 20), paid=0)],
        (date(2026, 1, 20), "g1"),
    ),
    "an unpaid one for the middle of a paid one": (
        [month_invoice(1), build_invoice("more", date(2026, 1, 10), date(2026, 1, 20), paid=0)],
        (date(2026, 1, 9), "g1"),
    ),
    "a paid one within a paid one": (
        [month_invoice(1), build_invoice("more", date(2026, 1, 10), date(2026, 1, 20))],
        (date(2026, 1, 31), "g1"),
    ),
    "a paid one that continues after a paid one": (
        [month_invoice(1), build_invoice("more", date(2026, 1, 21), date(2026, 2, 20))],
        (date(2026, 2, 20), "more"),
    ),
    "a paid and an unpaid one that begin together": (
        [build_invoice("long", NEW_YEAR, date(2026, 3, 31)), month_invoice(1, paid=0)],
        None,
    ),
    # The subscriber's own invoices for a day replace the group's.
    "own alone": ([month_invoice(1, own=True)], (date(2026, 1, 31), "s1")),
    "own paid, the group's unpaid": (
        [month_invoice(1, paid=0), month_invoice(1, own=True)],
        (date(2026, 1, 31), "s1"),
    ),
    "own unpaid, the group's paid": ([month_invoice(1), month_invoice(1, paid=0, own=True)], None),
    "own void, the group's paid": (
        [month_invoice(1), month_invoice(1, paid=0, void=True, own=True)],
        (date(2026, 1, 31), "g1"),
    ),
    "own paid, the group's void": (
        [month_invoice(1, void=True), month_invoice(1, own=True)],
        (date(2026, 1, 31), "s1"),
    ),
    "two own, one unpaid": (
        [month_invoice(1), month_invoice(1, own=True), build_invoice("s0", NEW_YEAR, NEW_YEAR, paid=0, own=True)],
        None,
    ),
    "own for a month between the group's": (
        [month_invoice(1), month_invoice(2, paid=0), month_invoice(2, own=True), month_invoice(3)],
        (date(2026, 3, 31), "g3"),
    ),
    "own unpaid for a month between the group's": (
        [month_invoice(1), month_invoice(2), month_invoice(2, paid=0, own=True), month_invoice(3)],
        (date(2026, 1, 31), "g1"),
    ),
    "own for half of a month that the group has not paid": (
        [month_invoice(1, paid=0), build_invoice("half", NEW_YEAR, date(2026, 1, 15), own=True)],
        (date(2026, 1, 15), "half"),
    ),
    "own for half of a month that the group has paid": (
        [month_invoice(1), build_invoice("half", date(2026, 1, 10), date(2026, 1, 20), own=True)],
        (date(2026, 1, 31), "g1"),
    ),
    "own after the group's": ([month_invoice(1), month_invoice(2, own=True)], (date(2026, 2, 28), "s2")),
}


@pytest.mark.parametrize("name", CASES)
def test_paid_through_of_a_year_of_coverage(name: str) -> None:
    invoices, expected = CASES[name]
    paid_through = compute_paid_through(NEW_YEAR, YEARS_END, invoices)
    assert paid_through == (expected and PaidThrough(*expected))
    assert compute_paid_through(NEW_YEAR, YEARS_END, invoices[::-1]) == paid_through


@pytest.mark.parametrize(
    ("start", "end", "invoices", "expected"),
    [
        # Open-ended coverage is paid through the last paid invoice.
        (NEW_YEAR, None, [month_invoice(1), month_invoice(2)], PaidThrough(date(2026, 2, 28), "g2")),
        (NEW_YEAR, None, [build_invoice("year", NEW_YEAR, date(2027, 6, 30))], PaidThrough(date(2027, 6, 30), "year")),
        (NEW_YEAR, None, [], None),
        # A single day.
        (NEW_YEAR, NEW_YEAR, [month_invoice(1)], PaidThrough(NEW_YEAR, "g1")),
        (NEW_YEAR, NEW_YEAR, [month_invoice(1, paid=0)], None),
        # Starts or ends in the middle of an invoice.
        (
            date(2026, 1, 15),
            date(2026, 2, 14),
            [month_invoice(1), month_invoice(2)],
            PaidThrough(date(2026, 2, 14), "g2"),
        ),
        (
            date(2026, 1, 31),
            date(2026, 2, 1),
            [month_invoice(1), month_invoice(2)],
            PaidThrough(date(2026, 2, 1), "g2"),
        ),
        (date(2026, 2, 1), date(2026, 2, 1), [month_invoice(1), month_invoice(2, paid=0)], None),
        # The first and last possible dates.
        (NEW_YEAR, None, [build_invoice("ever", NEW_YEAR, date.max)], PaidThrough(date.max, "ever")),
        (NEW_YEAR, date.max, [build_invoice("ever", date.min, date.max)], PaidThrough(date.max, "ever")),
        (NEW_YEAR, date.max - DAY, [build_invoice("ever", date.min, date.max)], PaidThrough(date.max - DAY, "ever")),
        (date.min, date.min, [build_invoice("first", date.min, date.min)], PaidThrough(date.min, "first")),
        (date.max, None, [build_invoice("last", date.max, date.max)], PaidThrough(date.max, "last")),
    ],
)
def test_paid_through_of_other_periods(
    start: date, end: date | None, invoices: list[Invoice], expected: PaidThrough | None
) -> None:
    assert compute_paid_through(start, end, invoices) == expected


# -------------------------------------------------------------------------------------------------- properties

DAYS = st.integers(0, 25).map(lambda days: NEW_YEAR + timedelta(days=days))
SPANS = st.tuples(DAYS, DAYS).map(lambda days: (min(days), max(days)))
COVERAGES = SPANS.flatmap(lambda span: st.sampled_from([span, (span[0], None)]))


@st.composite
def invoice_lists(draw: st.DrawFn) -> list[Invoice]:
    """Draw invoices that overlap or follow each other. Most are paid, so that many days are."""
    invoices = []
    for number in range(draw(st.integers(0, 7))):
        first, last = draw(SPANS)
        amount = draw(st.integers(0, 2))
        paid = draw(st.sampled_from([amount, amount, amount, 0, amount + 1, max(amount - 1, 0)]))
        void, own = draw(st.sampled_from([False, False, False, True])), draw(st.booleans())
        invoices.append(build_invoice(f"i{number}", first, last, paid, amount, void=void, own=own))
    return invoices


def walk_day_by_day(start: date, end: date | None, invoices: list[Invoice]) -> date | None:
    """Compute the day paid through by the plain rule, one day at a time."""
    by_day: dict[date, list[Invoice]] = {}
    for invoice in invoices:
        day = invoice.bill_from
        while not invoice.void and day <= invoice.bill_through:
            by_day.setdefault(day, []).append(invoice)
            day += DAY
    day, paid_through = start, None
    while by_day and day < min(by_day):
        day += DAY
    while day in by_day and (end is None or day <= end):
        deciding = [invoice for invoice in by_day[day] if invoice.is_subscriber_invoice]
        if not deciding:
            deciding = by_day[day]
        if any(invoice.paid_cents < invoice.amount_cents for invoice in deciding):
            return paid_through
        paid_through = day
        day += DAY
    return paid_through


@given(COVERAGES, invoice_lists())
def test_paid_through_equals_a_walk_day_by_day(coverage: tuple[date, date | None], invoices: list[Invoice]) -> None:
    paid_through = compute_paid_through(*coverage, invoices)
    assert (paid_through and paid_through.day) == walk_day_by_day(*coverage, invoices)


@given(COVERAGES, invoice_lists())
def test_paid_through_names_a_paid_invoice_of_its_day(
    coverage: tuple[date, date | None], invoices: list[Invoice]
) -> None:
    paid_through = compute_paid_through(*coverage, invoices)
    if paid_through is not None:
        current = [
            other for other in invoices if other.bill_from <= paid_through.day <= other.bill_through and not other.void
        ]
        (invoice,) = [other for other in current if other.id == paid_through.invoice_id]
        assert invoice.is_paid
        assert invoice.is_subscriber_invoice is any(other.is_subscriber_invoice for other in current)
        assert all(
            other.bill_through <= invoice.bill_through
            for other in current
            if other.is_subscriber_invoice is invoice.is_subscriber_invoice
        )


@given(COVERAGES, invoice_lists(), st.randoms(use_true_random=False))
def test_paid_through_ignores_the_order_of_invoices(
    coverage: tuple[date, date | None], invoices: list[Invoice], random: Random
) -> None:
    shuffled = invoices.copy()
    random.shuffle(shuffled)
    assert compute_paid_through(*coverage, shuffled) == compute_paid_through(*coverage, invoices)


@given(COVERAGES, invoice_lists(), st.data())
def test_payment_never_moves_paid_through_back(
    coverage: tuple[date, date | None], invoices: list[Invoice], data: st.DataObject
) -> None:
    before = walk_day_by_day(*coverage, invoices) or date.min
    if invoices:
        index = data.draw(st.integers(0, len(invoices) - 1))
        invoices[index] = replace(invoices[index], paid_cents=invoices[index].paid_cents + data.draw(st.integers(1, 2)))
    paid_through = compute_paid_through(*coverage, invoices)
    assert (paid_through.day if paid_through else date.min) >= before


@given(COVERAGES, invoice_lists(), SPANS, st.booleans())
def test_void_invoice_has_no_effect_on_paid_through(
    coverage: tuple[date, date | None], invoices: list[Invoice], span: tuple[date, date], own: bool
) -> None:
    void = build_invoice("void", *span, paid=0, void=True, own=own)
    assert compute_paid_through(*coverage, [void, *invoices]) == compute_paid_through(*coverage, invoices)


# ------------------------------------------------------------------------------------------------------ checks


@pytest.mark.parametrize(
    ("group_id", "division_id", "subscriber_id", "expected"),
    [
        ("G", "D", "S", []),
        ("G", "D", None, []),
        ("G" * 20, "D" * 20, "S" * 9, []),
        ("G" * 21, "D", "S", [(ErrorCode.INVALID_INPUT, "groupId")]),
        ("G", "D" * 21, "S", [(ErrorCode.INVALID_INPUT, "divisionId")]),
        ("G", "D", "S" * 10, [(ErrorCode.INVALID_INPUT, "subscriberId")]),
        (
            "",
            " ",
            "\x00",
            [
                (ErrorCode.INVALID_INPUT, "groupId"),
                (ErrorCode.INVALID_INPUT, "divisionId"),
                (ErrorCode.INVALID_INPUT, "subscriberId"),
            ],
        ),
    ],
)
def test_billing_ids_are_checked(
    group_id: str, division_id: str, subscriber_id: str | None, expected: list[CodeAndField]
) -> None:
    assert codes_and_fields(check_billing_ids(group_id, division_id, subscriber_id)) == expected


@pytest.mark.parametrize(
    ("bill_from", "bill_through", "amount_cents", "expected"),
    [
        (NEW_YEAR, NEW_YEAR, 0, []),
        (NEW_YEAR, YEARS_END, MAX_CENTS, []),
        (NEW_YEAR, NEW_YEAR - DAY, 1, [(ErrorCode.DATES_OUT_OF_ORDER, "billThrough")]),
        (NEW_YEAR, NEW_YEAR, -1, [(ErrorCode.INVALID_INPUT, "amountCents")]),
        (
            NEW_YEAR,
            NEW_YEAR - DAY,
            -1,
            [(ErrorCode.DATES_OUT_OF_ORDER, "billThrough"), (ErrorCode.INVALID_INPUT, "amountCents")],
        ),
    ],
)
def test_invoice_dates_and_amount_are_checked(
    bill_from: date, bill_through: date, amount_cents: int, expected: list[CodeAndField]
) -> None:
    assert codes_and_fields(check_invoice(bill_from, bill_through, amount_cents)) == expected


@pytest.mark.parametrize(
    ("amount_cents", "paid_cents", "received_on", "expected"),
    [
        (1, 0, TODAY, []),
        (1, 0, date(1990, 1, 1), []),
        (0, 0, TODAY, [(ErrorCode.INVALID_INPUT, "amountCents")]),
        (-1, 0, TODAY, [(ErrorCode.INVALID_INPUT, "amountCents")]),
        (1, 0, TODAY + DAY, [(ErrorCode.INVALID_INPUT, "receivedOn")]),
        (0, 0, TODAY + DAY, [(ErrorCode.INVALID_INPUT, "amountCents"), (ErrorCode.INVALID_INPUT, "receivedOn")]),
        # The sum of payments has the same maximum as an amount.
        (MAX_CENTS, 0, TODAY, []),
        (1, MAX_CENTS - 1, TODAY, []),
        (2, MAX_CENTS - 1, TODAY, [(ErrorCode.INVALID_INPUT, "amountCents")]),
    ],
)
def test_payment_amount_and_date_are_checked(
    amount_cents: int, paid_cents: int, received_on: date, expected: list[CodeAndField]
) -> None:
    assert codes_and_fields(check_payment(amount_cents, paid_cents, received_on, TODAY)) == expected


def test_voided_invoice_and_reversed_payment_are_refused() -> None:
    assert codes_and_fields(check_not_void(is_void=False, operation="voided again")) == []
    assert codes_and_fields(check_not_void(is_void=True, operation="voided again")) == [
        (ErrorCode.INVALID_STATUS_TRANSITION, "invoiceId")
    ]
    assert codes_and_fields(check_not_reversed(is_reversed=False)) == []
    assert codes_and_fields(check_not_reversed(is_reversed=True)) == [
        (ErrorCode.INVALID_STATUS_TRANSITION, "paymentId")
    ]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (None, []),
        ("x" * 1000, []),
        ("x" * 1001, [(ErrorCode.INVALID_INPUT, "reason")]),
        ("", [(ErrorCode.INVALID_INPUT, "reason")]),
    ],
)
def test_reason_is_not_blank_and_at_most_1000_characters(reason: str | None, expected: list[CodeAndField]) -> None:
    assert codes_and_fields(check_reason(reason)) == expected
