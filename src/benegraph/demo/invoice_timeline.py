"""Invoice timelines: when an invoice is sent, and how it is paid: on time, late, in parts, not at all, or voided."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from random import Random

from benegraph.demo.coverage_of_record import SubscriberState
from benegraph.demo.invoices import (
    DivisionAccount,
    InvoiceState,
    record_invoice,
    record_payment,
    reverse_payment,
    void_invoice,
)
from benegraph.demo.record_buffer import Row
from benegraph.demo.times_of_day import BILLING_MINUTE, PAYMENT_MINUTE, instant_of
from benegraph.domain.values import ONE_DAY, last_day_of_month
from benegraph.services.billing import NewInvoice

#: Invoices are recorded this long before the month that they bill.
BILLING_LEAD = 20 * ONE_DAY


@dataclass(frozen=True, slots=True)
class InvoiceRequest:
    """A month to bill: to one subscriber, or without one to the whole division."""

    account: DivisionAccount
    subscriber: SubscriberState | None
    month: date
    due_on: date
    amount_cents: int


#: Records the invoice at an instant, and schedules its payments.
PaymentPattern = Callable[[InvoiceRequest, datetime], None]


def schedule_invoice(request: InvoiceRequest, billed_on: date, pattern: PaymentPattern) -> None:
    request.account.queue.schedule(instant_of(billed_on, BILLING_MINUTE), partial(pattern, request))


def choose_payment_patterns(rng: Random, months: int, *, is_showcase: bool) -> list[PaymentPattern]:
    """Choose the payment pattern of each monthly invoice of a division, oldest first.

    In a showcase every pattern occurs, and the second-to-last invoice is half paid. The exceptional patterns are given
    to invoices older than four months, so that all their steps are in the past.
    """
    old, recent = max(months - 4, 0), min(months, 4)
    patterns: list[PaymentPattern] = [paid_on_time if rng.random() < 0.86 else paid_late for _ in range(old)]
    exceptions = (billed_in_error, returned_payment, paid_in_parts, paid_late)
    for index, exception in zip(rng.sample(range(old), min(old, len(exceptions))), exceptions, strict=False):
        if is_showcase or rng.random() < 0.3:
            patterns[index] = exception
    is_behind = is_showcase or rng.random() < 0.3
    recent_patterns = [paid_on_time, paid_on_time, paid_by_half if is_behind else paid_on_time, unpaid]
    return patterns + recent_patterns[4 - recent :]


def choose_own_payment_patterns(rng: Random, months: int) -> list[PaymentPattern]:
    """Choose the payment pattern of each invoice to a single subscriber; one subscriber in four stops paying."""
    paid_months = rng.randrange(2, 7) if rng.random() < 0.25 else months
    return [
        (paid_on_time if rng.random() < 0.75 else paid_late) if index < paid_months else unpaid
        for index in range(months)
    ]


# ---------------------------------------------------------------------------------------------- payment patterns


def unpaid(request: InvoiceRequest, at: datetime) -> None:
    _record_invoice(request, at)


def paid_on_time(request: InvoiceRequest, at: datetime) -> None:
    _schedule_payment(request, _record_invoice(request, at), request.amount_cents, -_random_days(request, 1, 10))


def paid_late(request: InvoiceRequest, at: datetime) -> None:
    _schedule_payment(request, _record_invoice(request, at), request.amount_cents, _random_days(request, 4, 27))


def paid_by_half(request: InvoiceRequest, at: datetime) -> None:
    half = request.amount_cents - request.amount_cents // 2
    _schedule_payment(request, _record_invoice(request, at), half, -_random_days(request, 1, 10))


def paid_in_parts(request: InvoiceRequest, at: datetime) -> None:
    """Pay half on time, and the rest weeks later."""
    invoice, rest = _record_invoice(request, at), request.amount_cents // 2
    _schedule_payment(request, invoice, request.amount_cents - rest, -_random_days(request, 1, 10))
    if rest:
        _schedule_payment(request, invoice, rest, _random_days(request, 15, 40))


def returned_payment(request: InvoiceRequest, at: datetime) -> None:
    """Pay on time; the bank returns the payment, which is then made again."""
    invoice = _record_invoice(request, at)
    paid_on = request.due_on - _random_days(request, 1, 10)
    request.account.queue.schedule(_payment_instant(paid_on), partial(_pay_and_schedule_return, request, invoice))


def _pay_and_schedule_return(request: InvoiceRequest, invoice: InvoiceState, at: datetime) -> None:
    payment = record_payment(request.account, invoice, request.amount_cents, at)
    returned_at = _payment_instant(at.date() + _random_days(request, 4, 9))
    request.account.queue.schedule(returned_at, partial(_return_payment, request, invoice, payment))


def _return_payment(request: InvoiceRequest, invoice: InvoiceState, payment: Row, at: datetime) -> None:
    reverse_payment(request.account, invoice, payment, "The bank returned it.", at)
    repaid_at = _payment_instant(at.date() + _random_days(request, 5, 16))
    request.account.queue.schedule(repaid_at, partial(_pay, request, invoice, request.amount_cents))


def billed_in_error(request: InvoiceRequest, at: datetime) -> None:
    """Bill too much; void that invoice, then record the correct one, which is paid on time."""
    wrong = _record_invoice(replace(request, amount_cents=request.amount_cents * 108 // 100), at)
    request.account.queue.schedule(at + _random_days(request, 3, 7), partial(_correct_invoice, request, wrong))


def _correct_invoice(request: InvoiceRequest, wrong: InvoiceState, at: datetime) -> None:
    void_invoice(request.account, wrong, "Billed for somebody who had left.", at)
    paid_on_time(request, at)


def _record_invoice(request: InvoiceRequest, at: datetime) -> InvoiceState:
    contract = request.account.contract
    new_invoice = NewInvoice(
        contract["group_id"],
        contract["division_id"],
        request.subscriber.number if request.subscriber else None,
        request.month,
        last_day_of_month(request.month),
        request.due_on,
        request.amount_cents,
    )
    return record_invoice(request.account, request.subscriber, new_invoice, at)


def _schedule_payment(request: InvoiceRequest, invoice: InvoiceState, cents: int, after_due: timedelta) -> None:
    paid_at = _payment_instant(request.due_on + after_due)
    request.account.queue.schedule(paid_at, partial(_pay, request, invoice, cents))


def _pay(request: InvoiceRequest, invoice: InvoiceState, cents: int, at: datetime) -> None:
    record_payment(request.account, invoice, cents, at)


def _payment_instant(day: date) -> datetime:
    return instant_of(day, PAYMENT_MINUTE)


def _random_days(request: InvoiceRequest, start: int, stop: int) -> timedelta:
    return timedelta(days=request.account.rng.randrange(start, stop))
