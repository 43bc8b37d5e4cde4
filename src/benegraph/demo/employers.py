"""Employers: one with all its people, their stories told from the day it came to us to the eve of today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import chain, islice, repeat
from random import Random

from benegraph.db.models import Employer
from benegraph.demo.carrier_groups import Group, draw_division, enter_group
from benegraph.demo.carrier_simulation import Desk, tell_carrier
from benegraph.demo.employee_timeline import Stay, draw_fate
from benegraph.demo.employees import Agenda, Worker, enter_worker
from benegraph.demo.enrollment_simulation import close_season, issue_season, leave
from benegraph.demo.life_event_simulation import plan_happening
from benegraph.demo.names import company
from benegraph.demo.plan_years import (
    PHASES,
    WAITS,
    Dates,
    Phase,
    Season,
    Terms,
    seasons_of,
    tell_seasons,
    tell_year,
)
from benegraph.demo.random_source import dice, pick
from benegraph.demo.record_buffer import Ledger, Row
from benegraph.demo.sample_people import TERMS, draw_cast
from benegraph.demo.shared_records import Ground
from benegraph.demo.times_of_day import CLOSING, DRAFTING, ENDING, HIRING, OPENING, ZONES, at, start_of
from benegraph.domain.catalog import ProductCategory
from benegraph.domain.ids import IdPrefix
from benegraph.domain.plan_years import RenewalMode
from benegraph.domain.values import ONE_DAY


@dataclass(frozen=True, slots=True)
class Plot:
    """One employer to be: its number in the tenant, how many people it has, and where it must stand, if anywhere.

    `before` is how many people the employers before it have.
    """

    number: int
    size: int
    phase: Phase | None = None
    has_cast: bool = False
    before: int = 0


def tell_employer(ground: Ground, plot: Plot) -> Ledger:
    """Tell an employer's whole story; give its rows. The same ground and plot give the same, byte for byte."""
    rng = dice(*ground.words, plot.number)
    # The day goes into the ids alone, so that a seed has the same people tomorrow, but never the same ids.
    ledger = Ledger(ground.actor, dice(*ground.words, plot.number, ground.today))
    phase = plot.phase or pick(rng, PHASES)
    dates = seasons_of(rng, phase, ground.today)
    stay = Stay(dates[0].drafted_on - timedelta(days=rng.randrange(5, 40)), ground.today)
    employer = _enter_employer(ledger, rng, ground.companies + plot.number, stay.joined_on)
    desk = _open_desk(ledger, ground, plot, employer, dates[0].coverage.start)
    terms = TERMS if plot.has_cast else _draw_terms(rng)
    seasons = tell_seasons(ledger, desk.group, ground.products, dates, terms, ground.today)
    cast = draw_cast(rng, stay) if plot.has_cast else iter(())
    if plot.has_cast:
        _draft_another(ledger, desk.group, ground, dates[-1], terms)
    fates = chain(cast, (draw_fate(rng, stay) for _ in repeat(None)))
    workers = []
    for number, fate in enumerate(islice(fates, plot.size), 1):
        division_id = desk.group.divisions[0] if number == 1 else draw_division(desk.rng, desk.group)
        worker = enter_worker(ledger, rng, employer["id"], division_id, number, fate, at(fate.entered_on, HIRING))
        _tell_worker(worker, seasons, ground.today)
        workers.append(worker)
    tell_carrier(desk, workers)
    return ledger


def _open_desk(ledger: Ledger, ground: Ground, plot: Plot, employer: Row, first_year_on: date) -> Desk:
    # Dice and ids of its own, so that what the carrier does changes nothing for anybody else.
    rng = dice(*ground.words, plot.number, "carrier")
    beside = ledger.beside(dice(*ground.words, plot.number, ground.today, "carrier"))
    divided = plot.has_cast or (plot.size >= 12 and rng.random() < 0.7)
    group = enter_group(beside, rng, employer, ground.groups + plot.number, first_year_on, divided=divided)
    return Desk(
        beside,
        rng,
        group,
        employer["created_at"].date(),
        first_year_on,
        ground.today,
        ground.members + plot.before,
        eventful=plot.has_cast,
        keeps_up=ground.auto_paid_through,
    )


def _draw_terms(rng: Random) -> Terms:
    renewal = RenewalMode.PASSIVE if rng.random() < 0.4 else RenewalMode.ACTIVE
    part_timers = rng.random() < 0.5
    return Terms(pick(rng, WAITS), renewal, rng.randrange(85, 108), part_timers)


def _enter_employer(ledger: Ledger, rng: Random, name: int, joined_on: date) -> Row:
    joined_at = at(joined_on, DRAFTING)
    id = ledger.new_id(IdPrefix.EMPLOYER, joined_at)
    row = {"id": id, "name": company(name), "time_zone": rng.choice(ZONES), "active": True}
    return ledger.add(Employer, row, joined_at)


def _draft_another(ledger: Ledger, group: Group, ground: Ground, dates: Dates, terms: Terms) -> None:
    """Draft one more benefit for the next plan year, never opened, so that a draft can be changed and deleted."""
    hospital = next(product for product in ground.products if product.category is ProductCategory.HOSPITAL)
    never = ground.today + ONE_DAY
    draft = Dates(dates.coverage, dates.window, dates.drafted_on, never, never)
    tell_year(ledger, group, hospital, draft, terms, ground.today)


def _tell_worker(worker: Worker, seasons: Sequence[Season], today: date) -> None:
    fate, entered_at = worker.fate, worker.row["created_at"]
    agenda = Agenda(start_of(today))
    before: Season | None = None
    for season in seasons:
        dates = season.dates
        opened_at = at(dates.opened_on, OPENING)
        if opened_at > entered_at:
            agenda.plan(opened_at, partial(issue_season, worker, agenda, season, as_hire=False))
        elif dates.coverage.last >= fate.entered_on:
            agenda.plan(entered_at, partial(issue_season, worker, agenda, season, as_hire=True))
        agenda.plan(at(dates.closed_on, CLOSING), partial(close_season, worker, season, before))
        before = season
    if fate.terminated_on and fate.noticed_on:
        agenda.plan(at(fate.noticed_on, ENDING), partial(leave, worker, fate.terminated_on))
    if fate.happening:
        plan_happening(worker, agenda, seasons, fate.happening)
    agenda.tell()
