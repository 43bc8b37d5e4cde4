"""The simulation of the carrier: subscribers, their coverage of record, invoices and payments.

It runs after the simulation of all employees of an employer, because coverage and invoices depend on their elections.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from random import Random

from benegraph.demo.carrier_groups import CarrierGroup, subscriber_number
from benegraph.demo.coverage_of_record import SubscriberState, add_coverage, add_subscriber, sync_coverage_of_record
from benegraph.demo.employees import ElectionSnapshot, EmployeeState
from benegraph.demo.event_queue import EventQueue
from benegraph.demo.invoice_timeline import (
    BILLING_LEAD,
    InvoiceRequest,
    choose_own_payment_patterns,
    choose_payment_patterns,
    schedule_invoice,
)
from benegraph.demo.invoices import DivisionAccount, set_paid_through, update_synced_coverage
from benegraph.demo.names import FAMILY_NAMES, GIVEN_NAMES
from benegraph.demo.record_buffer import RecordBuffer, Row
from benegraph.demo.sample_people import FIRST_EXTERNAL_ID
from benegraph.demo.times_of_day import (
    HIRING_MINUTE,
    PAID_THROUGH_MINUTE,
    RECORDING_MINUTE,
    instant_of,
    start_of_day,
)
from benegraph.domain.values import ONE_DAY, add_years, first_of_next_month, last_day_of_month

_MIN_EMPLOYEES_FOR_RETIREE = 15


@dataclass(frozen=True, slots=True)
class CarrierContext:
    """The values that the carrier's side of one employer is generated from."""

    records: RecordBuffer
    rng: Random
    group: CarrierGroup
    joined_on: date
    first_plan_year_on: date
    today: date
    #: The index of the first subscriber's number.
    subscriber_index: int
    #: Whether every kind of coverage and payment is generated; otherwise chance decides.
    is_showcase: bool
    #: Whether paid-through dates are updated with every change of an invoice.
    auto_paid_through: bool


def simulate_carrier(context: CarrierContext, employees: Sequence[EmployeeState]) -> None:
    """Add the subscribers among these employees, with their coverage, and the invoices and payments up to today."""
    queue = EventQueue(start_of_day(context.today))
    accounts = {
        division_id: DivisionAccount(context.records, context.rng, queue, contract, context.auto_paid_through)
        for division_id, contract in context.group.contracts.items()
    }
    months = _billed_months(context)
    amounts_due = {division_id: [0] * len(months) for division_id in accounts}
    for index, employee in enumerate(employees):
        division_id = employee.row["division_id"]
        if employee.timeline.is_scripted or context.rng.random() < 0.96:
            subscriber = _add_subscriber(context, accounts[division_id], employee, index)
            _add_premiums(amounts_due[division_id], months, employee)
            _schedule_own_coverage(context, accounts[division_id], subscriber, employee)
    _schedule_retiree(context, accounts[context.group.divisions[0]], len(employees), months)
    for division_id, account in accounts.items():
        billed = [(month, cents) for month, cents in zip(months, amounts_due[division_id], strict=True) if cents]
        patterns = choose_payment_patterns(context.rng, len(billed), is_showcase=context.is_showcase)
        for (month, cents), pattern in zip(billed, patterns, strict=True):
            schedule_invoice(InvoiceRequest(account, None, month, month, cents), month - BILLING_LEAD, pattern)
        yesterday = instant_of(context.today - ONE_DAY, PAID_THROUGH_MINUTE)
        queue.schedule(yesterday, partial(set_paid_through, account, account.subscribers))
    queue.run()


def _add_subscriber(
    context: CarrierContext, account: DivisionAccount, employee: EmployeeState, index: int
) -> SubscriberState:
    name = employee.row["first_name"], employee.row["last_name"]
    number = subscriber_number(2 * (context.subscriber_index + index))
    created_at = employee.row["created_at"]
    subscriber = add_subscriber(context.records, account.contract, number, name, employee.id, created_at, rank=index)
    account.subscribers.append(subscriber)
    for snapshot in employee.election_snapshots:
        account.queue.schedule(snapshot.at, partial(_sync, account, subscriber, snapshot))
    return subscriber


def _sync(account: DivisionAccount, subscriber: SubscriberState, snapshot: ElectionSnapshot, at: datetime) -> None:
    if sync_coverage_of_record(account.records, subscriber, snapshot, at):
        update_synced_coverage(account, subscriber, at)


# ------------------------------------------------------------------------------------------------ monthly premiums


def _billed_months(context: CarrierContext) -> list[date]:
    """Return the first day of each month billed so far, going back 11 to 16 months at most."""
    month = context.today.replace(day=1)
    for _ in range(16 if context.is_showcase else context.rng.randrange(11, 14)):
        month = (month - ONE_DAY).replace(day=1)
    return list(_months_billed_since(max(month, context.first_plan_year_on), context.today))


def _months_billed_since(month: date, today: date) -> Iterator[date]:
    while month - BILLING_LEAD < today:
        yield month
        month = first_of_next_month(month)


def _add_premiums(amounts_due: list[int], months: Sequence[date], employee: EmployeeState) -> None:
    """Add the premium of an employee's coverage to each month, if the coverage is in force on the month's last day.

    The last day decides because coverage that ends within a month is replaced by other coverage in that month.
    """
    if not months:
        return
    first_index = months[0].year * 12 + months[0].month
    for enrollment in employee.enrollments:
        row = enrollment.row
        last: date | None = row["coverage_ends_on"]
        if last is None:
            continue
        start, stop = row["coverage_starts_on"], last + ONE_DAY
        start_index = max(start.year * 12 + start.month - first_index, 0)
        stop_index = min(stop.year * 12 + stop.month - first_index, len(amounts_due))
        for index in range(start_index, stop_index):
            amounts_due[index] += _premium_cents(row)


def _premium_cents(row: Row) -> int:
    return int(row["employee_contribution_cents"] + row["employer_contribution_cents"])


# ---------------------------------------------------------------------------------- coverage that follows no election


def _schedule_own_coverage(
    context: CarrierContext, account: DivisionAccount, subscriber: SubscriberState, employee: EmployeeState
) -> None:
    """Schedule coverage that the carrier records itself: from before the employer joined, and COBRA continuation."""
    rng, timeline = context.rng, employee.timeline
    if timeline.external_id == FIRST_EXTERNAL_ID or rng.random() < 0.06:
        action = partial(_record_earlier_coverage, context, subscriber, employee)
        account.queue.schedule(instant_of(timeline.entered_on, RECORDING_MINUTE), action)
    terminated_on: date | None = employee.row["terminated_on"]
    if terminated_on and (timeline.is_scripted or rng.random() < 0.12):
        applied_on = last_day_of_month(terminated_on) + timedelta(days=rng.randrange(4, 20))
        action = partial(_record_cobra_coverage, context, account, subscriber, employee)
        account.queue.schedule(instant_of(applied_on, RECORDING_MINUTE), action)


def _record_earlier_coverage(
    context: CarrierContext, subscriber: SubscriberState, employee: EmployeeState, at: datetime
) -> None:
    """Record coverage up to the first plan year; for one employee in four it ended months earlier."""
    stop = context.first_plan_year_on
    if employee.timeline.external_id != FIRST_EXTERNAL_ID and context.rng.random() < 0.25:
        stop = (stop - timedelta(days=context.rng.randrange(40, 200))).replace(day=1)
    hired_on: date = employee.row["hired_on"]
    start = max(context.group.coverage_start, first_of_next_month(hired_on + 30 * ONE_DAY))
    if start + 60 * ONE_DAY < stop:
        limits = _draw_benefit_limits(context.rng)
        add_coverage(context.records, subscriber, start, stop - ONE_DAY, at, date_employed=hired_on, **limits)


def _record_cobra_coverage(
    context: CarrierContext,
    account: DivisionAccount,
    subscriber: SubscriberState,
    employee: EmployeeState,
    at: datetime,
) -> None:
    """Record that a former employee continues coverage at their own cost, for up to 18 months (COBRA)."""
    terminated_on: date = employee.row["terminated_on"]
    last_covered_day = last_day_of_month(terminated_on)
    premium_cents = sum(
        _premium_cents(enrollment.row)
        for enrollment in employee.enrollments
        if enrollment.row["coverage_ends_on"] == last_covered_day
    )
    if not premium_cents:
        return
    start = last_covered_day + ONE_DAY
    end = first_of_next_month(add_years(last_covered_day, 1) + 160 * ONE_DAY) - ONE_DAY
    dates = {"date_employed": employee.row["hired_on"], "term_date": terminated_on}
    add_coverage(context.records, subscriber, start, end, at, **dates)
    months = list(_months_billed_since(start, context.today))
    _schedule_own_invoices(account, subscriber, months, premium_cents * 102 // 100, at.date() + ONE_DAY)


def _schedule_retiree(
    context: CarrierContext, account: DivisionAccount, employee_count: int, months: Sequence[date]
) -> None:
    """Schedule a retiree: a subscriber without an employee record, retired before the employer joined."""
    rng = context.rng
    if not context.is_showcase and (employee_count < _MIN_EMPLOYEES_FOR_RETIREE or rng.random() < 0.85):
        return
    # Employees take the even indexes, the retiree an odd one.
    number = subscriber_number(2 * (context.subscriber_index + employee_count) - 1)
    name = rng.choice(GIVEN_NAMES), rng.choice(FAMILY_NAMES)
    added_at = instant_of(context.joined_on, HIRING_MINUTE)
    subscriber = add_subscriber(context.records, account.contract, number, name, None, added_at, rank=employee_count)
    account.subscribers.append(subscriber)
    action = partial(_record_retiree_coverage, context, account, subscriber, months)
    account.queue.schedule(instant_of(context.joined_on, RECORDING_MINUTE), action)


def _record_retiree_coverage(
    context: CarrierContext,
    account: DivisionAccount,
    subscriber: SubscriberState,
    months: Sequence[date],
    at: datetime,
) -> None:
    limits = _draw_benefit_limits(context.rng)
    add_coverage(context.records, subscriber, context.group.coverage_start, None, at, **limits)
    premium_cents = context.rng.randrange(180, 420) * 100
    _schedule_own_invoices(account, subscriber, months, premium_cents, at.date() + ONE_DAY)


def _schedule_own_invoices(
    account: DivisionAccount, subscriber: SubscriberState, months: Sequence[date], cents: int, earliest: date
) -> None:
    """Schedule invoices to one subscriber. An invoice is due two weeks after it is billed, or at the month's start."""
    patterns = choose_own_payment_patterns(account.rng, len(months))
    for month, pattern in zip(months, patterns, strict=True):
        billed_on = max(month - BILLING_LEAD, earliest)
        due_on = max(month, billed_on + 14 * ONE_DAY)
        schedule_invoice(InvoiceRequest(account, subscriber, month, due_on, cents), billed_on, pattern)


def _draw_benefit_limits(rng: Random) -> Row:
    return {
        "annual_max_cents": rng.choice((100_000, 150_000, 200_000)),
        "lifetime_max_cents": rng.choice((50_000_000, 100_000_000, 200_000_000)),
    }
