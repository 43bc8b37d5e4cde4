"""The carrier's side of an employer: its subscribers, their coverage of record, and what is billed and paid for it.

Told once all its people's stories are, from the day it came to us to the eve of today: what is billed rests on what
they elected.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from random import Random

from benegraph.demo.carrier_groups import Group, subscriber_number
from benegraph.demo.coverage_of_record import Member, enter_member, follow, write_down
from benegraph.demo.employees import Agenda, Elected, Worker
from benegraph.demo.invoice_timeline import LEAD, Order, draw_courses, draw_own_courses, plan_invoice
from benegraph.demo.invoices import Account, settle
from benegraph.demo.names import FAMILY, GIVEN
from benegraph.demo.record_buffer import Ledger, Row
from benegraph.demo.sample_people import FIRST
from benegraph.demo.times_of_day import HIRING, RECORDING, SETTLING, at, start_of
from benegraph.domain.values import ONE_DAY, add_years, first_of_next_month, last_day_of_month

_LARGE_ENOUGH = 15  # employees, for somebody to have retired


@dataclass(frozen=True, slots=True)
class Desk:
    """What the carrier's clerk of one employer works with.

    `first_year_on` is when coverage was first elected here; `members` is the place of its first subscriber's number.
    """

    ledger: Ledger
    rng: Random
    group: Group
    joined_on: date
    first_year_on: date
    today: date
    members: int
    #: Whether whatever the carrier has must be there, and not by chance.
    eventful: bool
    #: Whether each change of an invoice brings coverage up to date at once.
    keeps_up: bool


def tell_carrier(desk: Desk, workers: Sequence[Worker]) -> None:
    """Enter who of these is a subscriber, and all that the carrier wrote down since."""
    agenda = Agenda(start_of(desk.today))
    accounts = {
        division_id: Account(desk.ledger, desk.rng, agenda, contract, desk.keeps_up)
        for division_id, contract in desk.group.contracts.items()
    }
    months = _months(desk)
    dues = {division_id: [0] * len(months) for division_id in accounts}
    for place, worker in enumerate(workers):
        division_id = worker.row["division_id"]
        if _is_cast(worker) or desk.rng.random() < 0.96:
            member = _subscribe(desk, accounts[division_id], worker, place)
            _add_dues(dues[division_id], months, worker)
            _plan_own_coverage(desk, accounts[division_id], member, worker)
    _plan_retirement(desk, accounts[desk.group.divisions[0]], len(workers), months)
    for division_id, account in accounts.items():
        billed = [(month, cents) for month, cents in zip(months, dues[division_id], strict=True) if cents]
        courses = draw_courses(desk.rng, len(billed), eventful=desk.eventful)
        for (month, cents), course in zip(billed, courses, strict=True):
            plan_invoice(Order(account, None, month, month, cents), month - LEAD, course)
        agenda.plan(at(desk.today - ONE_DAY, SETTLING), partial(settle, account, account.members))
    agenda.tell()


def _is_cast(worker: Worker) -> bool:
    """Tell whether somebody sees to everything, as those do who are there to show it."""
    return worker.fate.steady


def _subscribe(desk: Desk, account: Account, worker: Worker, place: int) -> Member:
    names = worker.row["first_name"], worker.row["last_name"]
    number = subscriber_number(2 * (desk.members + place))
    member = enter_member(desk.ledger, account.contract, number, names, worker.id, worker.row["created_at"])
    account.members.append(member)
    for elected in worker.elected:
        account.agenda.plan(elected.at, partial(_follow, desk.ledger, member, elected))
    return member


def _follow(ledger: Ledger, member: Member, elected: Elected, at: datetime) -> None:
    follow(ledger, member, elected, at)


# -------------------------------------------------------------------------------------------- what a month costs


def _months(desk: Desk) -> list[date]:
    """Give the firsts of the months that were billed by now: of about a year, or a year and a half."""
    month = desk.today.replace(day=1)
    for _ in range(16 if desk.eventful else desk.rng.randrange(11, 14)):
        month = (month - ONE_DAY).replace(day=1)
    return list(_billed_since(max(month, desk.first_year_on), desk.today))


def _billed_since(month: date, today: date) -> Iterator[date]:
    while month - LEAD < today:
        yield month
        month = first_of_next_month(month)


def _add_dues(dues: list[int], months: Sequence[date], worker: Worker) -> None:
    """Add what somebody's coverage costs in each month on whose last day it is in force, as far as known today.

    Coverage may begin within a month, but where it ends within one, it is that another takes its place.
    """
    if not months:
        return
    since = months[0].year * 12 + months[0].month
    for held in worker.held:
        row = held.row
        last: date | None = row["coverage_ends_on"]
        if last is None:
            continue
        start, stop = row["coverage_starts_on"], last + ONE_DAY
        first_place = max(start.year * 12 + start.month - since, 0)
        stop_place = min(stop.year * 12 + stop.month - since, len(dues))
        for place in range(first_place, stop_place):
            dues[place] += _premium(row)


def _premium(row: Row) -> int:
    return int(row["employee_contribution_cents"] + row["employer_contribution_cents"])


# ------------------------------------------------------------------------- coverage that the carrier records itself


def _plan_own_coverage(desk: Desk, account: Account, member: Member, worker: Worker) -> None:
    """Plan what nobody elected: coverage from before we came, for a few, and after an employment, for one in eight."""
    rng, fate = desk.rng, worker.fate
    if fate.external_id == FIRST or rng.random() < 0.06:
        account.agenda.plan(at(fate.entered_on, RECORDING), partial(_record_former, desk, member, worker))
    terminated_on: date | None = worker.row["terminated_on"]
    if terminated_on and (_is_cast(worker) or rng.random() < 0.12):
        applied_on = last_day_of_month(terminated_on) + timedelta(days=rng.randrange(4, 20))
        account.agenda.plan(at(applied_on, RECORDING), partial(_continue, desk, account, member, worker))


def _record_former(desk: Desk, member: Member, worker: Worker, at: datetime) -> None:
    """Record what somebody had up to the first plan year; of one in four it ended months earlier."""
    stopped_on = desk.first_year_on
    if worker.fate.external_id != FIRST and desk.rng.random() < 0.25:
        stopped_on = (stopped_on - timedelta(days=desk.rng.randrange(40, 200))).replace(day=1)
    start = max(desk.group.coverage_start, first_of_next_month(worker.row["hired_on"] + 30 * ONE_DAY))
    if start + 60 * ONE_DAY < stopped_on:
        limits = _draw_limits(desk.rng)
        write_down(desk.ledger, member, start, stopped_on - ONE_DAY, at, date_employed=worker.row["hired_on"], **limits)


def _continue(desk: Desk, account: Account, member: Member, worker: Worker, at: datetime) -> None:
    """Record that somebody goes on at their own cost after the employment, for up to a year and a half (COBRA)."""
    terminated_on: date = worker.row["terminated_on"]
    last = last_day_of_month(terminated_on)
    premium = sum(_premium(held.row) for held in worker.held if held.row["coverage_ends_on"] == last)
    if not premium:
        return
    end = first_of_next_month(add_years(last, 1) + 160 * ONE_DAY) - ONE_DAY
    dates = {"date_employed": worker.row["hired_on"], "term_date": terminated_on}
    write_down(desk.ledger, member, last + ONE_DAY, end, at, **dates)
    months = list(_billed_since(last + ONE_DAY, desk.today))
    _bill_alone(account, member, months, premium * 102 // 100, at.date() + ONE_DAY)


def _plan_retirement(desk: Desk, account: Account, place: int, months: Sequence[date]) -> None:
    """Plan that somebody is covered who retired before we came, and is nobody's employee here."""
    if not desk.eventful and (place < _LARGE_ENOUGH or desk.rng.random() < 0.85):
        return
    rng = desk.rng
    number = subscriber_number(2 * (desk.members + place) - 1)
    names = rng.choice(GIVEN), rng.choice(FAMILY)
    member = enter_member(desk.ledger, account.contract, number, names, None, at(desk.joined_on, HIRING))
    account.members.append(member)
    account.agenda.plan(at(desk.joined_on, RECORDING), partial(_record_retiree, desk, account, member, months))


def _record_retiree(desk: Desk, account: Account, member: Member, months: Sequence[date], at: datetime) -> None:
    write_down(desk.ledger, member, desk.group.coverage_start, None, at, **_draw_limits(desk.rng))
    _bill_alone(account, member, months, desk.rng.randrange(180, 420) * 100, at.date() + ONE_DAY)


def _bill_alone(account: Account, member: Member, months: Sequence[date], cents: int, earliest: date) -> None:
    """Plan invoices to one member alone; of months that had begun already two weeks are given to pay."""
    for month, course in zip(months, draw_own_courses(account.rng, len(months)), strict=True):
        billed_on = max(month - LEAD, earliest)
        due_on = max(month, billed_on + 14 * ONE_DAY)
        plan_invoice(Order(account, member, month, due_on, cents), billed_on, course)


def _draw_limits(rng: Random) -> Row:
    return {
        "annual_max_cents": rng.choice((100_000, 150_000, 200_000)),
        "lifetime_max_cents": rng.choice((50_000_000, 100_000_000, 200_000_000)),
    }
