"""Grounds: what a tenant's employers share, made before the first of them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from benegraph.demo.carrier_groups import GROUPS, MEMBERS
from benegraph.demo.catalog import Product, draw_catalogue
from benegraph.demo.random_source import dice
from benegraph.demo.record_buffer import Ledger
from benegraph.demo.times_of_day import DRAFTING, at
from benegraph.domain.ids import IdPrefix

# Longer ago than two plan years and all that goes before the first of them.
_SINCE = timedelta(days=4 * 365)


@dataclass(frozen=True, slots=True)
class Ground:
    """What all employers of one tenant stand on: the words of its dice, who acts, the day, and the catalogue.

    `companies` is the number of the first employer's name, `groups` of its group with the carrier, and `members` of
    its first subscriber.
    """

    words: tuple[object, ...]
    actor: str
    today: date
    products: tuple[Product, ...]
    companies: int
    groups: int
    members: int
    #: Whether the tenant wants paid-through brought up to date whenever an invoice changes.
    auto_paid_through: bool = False


@dataclass(frozen=True, slots=True)
class BrokenGround:
    """A tenant's ground, the rows of its catalogue, and when they were made."""

    ground: Ground
    ledger: Ledger
    made_at: datetime


def break_ground(words: tuple[object, ...], today: date, *, auto_paid_through: bool = False) -> BrokenGround:
    """Draw a catalogue, and the administrator who does everything in it."""
    made_at = at(today - _SINCE, DRAFTING)
    bits = dice(*words, today, "ground")
    ledger = Ledger("", bits)
    actor = f"ADMINISTRATOR {ledger.new_id(IdPrefix.API_KEY, made_at)}"
    products = draw_catalogue(dice(*words, "catalogue"), ledger, made_at)
    companies = dice(*words, "companies").randrange(10_000)
    # The carrier's numbers are unique, so that they are others on another day, as ids are.
    numbers = dice(*words, today, "numbers")
    groups, members = numbers.randrange(GROUPS), numbers.randrange(MEMBERS)
    ground = Ground(words, actor, today, products, companies, groups, members, auto_paid_through)
    return BrokenGround(ground, ledger, made_at)
