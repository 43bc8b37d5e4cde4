"""Grounds: what a tenant's employers share, made before the first of them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from benegraph.domain.ids import Kind
from benegraph.services.demo.catalogue import Product, draw_catalogue
from benegraph.services.demo.days import DRAFTING, at
from benegraph.services.demo.dice import dice
from benegraph.services.demo.ledger import Ledger

# Longer ago than two plan years and all that goes before the first of them.
_SINCE = timedelta(days=4 * 365)


@dataclass(frozen=True, slots=True)
class Ground:
    """What all employers of one tenant stand on: the words of its dice, who acts, the day, and the catalogue.

    `companies` is the number of the first employer's name.
    """

    words: tuple[object, ...]
    actor: str
    today: date
    products: tuple[Product, ...]
    companies: int


@dataclass(frozen=True, slots=True)
class BrokenGround:
    """A tenant's ground, the rows of its catalogue, and when they were made."""

    ground: Ground
    ledger: Ledger
    made_at: datetime


def break_ground(words: tuple[object, ...], today: date) -> BrokenGround:
    """Draw a catalogue, and the administrator who does everything in it."""
    made_at = at(today - _SINCE, DRAFTING)
    bits = dice(*words, today, "ground")
    ledger = Ledger("", bits)
    actor = f"ADMINISTRATOR {ledger.new_id(Kind.API_KEY, made_at)}"
    products = draw_catalogue(dice(*words, "catalogue"), ledger, made_at)
    companies = dice(*words, "companies").randrange(10_000)
    return BrokenGround(Ground(words, actor, today, products, companies), ledger, made_at)
