"""Courses: when an invoice is paid, in part, late or twice, or not at all; and those that were a mistake."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from random import Random

from benegraph.demo.coverage_of_record import Member
from benegraph.demo.invoices import Account, Premium, bill, pay, take_back, withdraw
from benegraph.demo.record_buffer import Row
from benegraph.demo.times_of_day import BILLING, PAYING, at
from benegraph.domain.values import ONE_DAY, last_day_of_month
from benegraph.services.billing import NewInvoice

#: Invoices are written this long before the month they are for.
LEAD = 20 * ONE_DAY


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be billed for a month: to a division, or to one member alone."""

    account: Account
    member: Member | None
    month: date
    due_on: date
    amount_cents: int


Course = Callable[[Order, datetime], None]


def plan_invoice(order: Order, billed_on: date, course: Course) -> None:
    """Plan an invoice, and how it goes on."""
    order.account.agenda.plan(at(billed_on, BILLING), partial(course, order))


def draw_courses(rng: Random, months: int, *, eventful: bool) -> list[Course]:
    """Draw how each month's invoice of a division goes on, the oldest first.

    Where it is eventful everything happens once, and the last month but one is only paid in part. The oldest ones are
    long enough ago for all of it to be over.
    """
    old, recent = max(months - 4, 0), min(months, 4)
    courses: list[Course] = [in_time if rng.random() < 0.86 else late for _ in range(old)]
    events = (mistaken, bounced, in_parts, late)
    for place, event in zip(rng.sample(range(old), min(old, len(events))), events, strict=False):
        if eventful or rng.random() < 0.3:
            courses[place] = event
    behind = eventful or rng.random() < 0.3
    return courses + [in_time, in_time, half if behind else in_time, never][4 - recent :]


def draw_own_courses(rng: Random, months: int) -> list[Course]:
    """Draw how somebody pays who is billed alone: mostly; one in four stops."""
    stops = rng.randrange(2, 7) if rng.random() < 0.25 else months
    return [(in_time if rng.random() < 0.75 else late) if place < stops else never for place in range(months)]


# ---------------------------------------------------------------------------------------------- how it goes on


def never(order: Order, at: datetime) -> None:
    _bill(order, at)


def in_time(order: Order, at: datetime) -> None:
    _plan_payment(order, _bill(order, at), order.amount_cents, -_days(order, 1, 10))


def late(order: Order, at: datetime) -> None:
    _plan_payment(order, _bill(order, at), order.amount_cents, _days(order, 4, 27))


def half(order: Order, at: datetime) -> None:
    _plan_payment(order, _bill(order, at), order.amount_cents - order.amount_cents // 2, -_days(order, 1, 10))


def in_parts(order: Order, at: datetime) -> None:
    """Half in time, and the rest weeks later."""
    premium, part = _bill(order, at), order.amount_cents // 2
    _plan_payment(order, premium, order.amount_cents - part, -_days(order, 1, 10))
    if part:
        _plan_payment(order, premium, part, _days(order, 15, 40))


def bounced(order: Order, at: datetime) -> None:
    """In time, but the bank takes it back, so that it is paid again."""
    premium = _bill(order, at)
    paid_on = order.due_on - _days(order, 1, 10)
    order.account.agenda.plan(_paying(paid_on), partial(_bounce, order, premium))


def _bounce(order: Order, premium: Premium, at: datetime) -> None:
    payment = pay(order.account, premium, order.amount_cents, at)
    later = _paying(at.date() + _days(order, 4, 9))
    order.account.agenda.plan(later, partial(_take_back, order, premium, payment))


def _take_back(order: Order, premium: Premium, payment: Row, at: datetime) -> None:
    take_back(order.account, premium, payment, "The bank returned it.", at)
    again = _paying(at.date() + _days(order, 5, 16))
    order.account.agenda.plan(again, partial(_pay, order, premium, order.amount_cents))


def mistaken(order: Order, at: datetime) -> None:
    """Too much is billed; that invoice is withdrawn, and the right one written and paid."""
    wrong = _bill(replace(order, amount_cents=order.amount_cents * 108 // 100), at)
    order.account.agenda.plan(at + _days(order, 3, 7), partial(_correct, order, wrong))


def _correct(order: Order, wrong: Premium, at: datetime) -> None:
    withdraw(order.account, wrong, "Billed for somebody who had left.", at)
    in_time(order, at)


def _bill(order: Order, at: datetime) -> Premium:
    contract = order.account.contract
    wanted = NewInvoice(
        contract["group_id"],
        contract["division_id"],
        order.member.number if order.member else None,
        order.month,
        last_day_of_month(order.month),
        order.due_on,
        order.amount_cents,
    )
    return bill(order.account, order.member, wanted, at)


def _plan_payment(order: Order, premium: Premium, cents: int, after_due: timedelta) -> None:
    order.account.agenda.plan(_paying(order.due_on + after_due), partial(_pay, order, premium, cents))


def _pay(order: Order, premium: Premium, cents: int, at: datetime) -> None:
    pay(order.account, premium, cents, at)


def _paying(day: date) -> datetime:
    return at(day, PAYING)


def _days(order: Order, least: int, most: int) -> timedelta:
    return timedelta(days=order.account.rng.randrange(least, most))
