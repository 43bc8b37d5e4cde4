"""People: who they are, whom they live with, and what coverage they wish for, drawn as a small firm's are."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random

from benegraph.demo.names import FAMILY, GIVEN
from benegraph.demo.random_source import pick
from benegraph.domain.catalog import CoverageTier, ProductCategory
from benegraph.domain.enrollments.tiers import CHILD_AGE_LIMIT
from benegraph.domain.people import EmploymentClass, Relationship

# Shares of a hundred people, after research/domain.md (g).
_CLASSES = {
    EmploymentClass.FULL_TIME: 78,
    EmploymentClass.PART_TIME: 13,
    EmploymentClass.TEMPORARY: 3,
    EmploymentClass.SEASONAL: 2,
    EmploymentClass.INTERN: 2,
    EmploymentClass.INDIVIDUAL_CONTRACTOR: 2,
}
_TIERS = {CoverageTier.EE: 50, CoverageTier.ES: 14, CoverageTier.EC: 12, CoverageTier.EF: 24}
_CHILDREN = {1: 42, 2: 36, 3: 15, 4: 5, 5: 2}  # 1.9 children a parent
_WAIVED = {ProductCategory.MEDICAL: 20, ProductCategory.DENTAL: 22, ProductCategory.VISION: 30}

_YEAR = 365.25
_YOUNGEST, _OLDEST = 19, 68
_PARENT_FROM, _MARRIED_FROM = 21, 22


@dataclass(frozen=True, slots=True)
class Relative:
    """A member of somebody's family, as first told of."""

    first_name: str
    last_name: str
    date_of_birth: date
    relationship: Relationship
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """What somebody elects when asked: whom to cover, what to do without, and how dear a plan may be (0 to 1)."""

    spouse: bool
    children: bool
    waives: frozenset[ProductCategory]
    richness: float


@dataclass(frozen=True, slots=True)
class Someone:
    """A person who is going to be an employee."""

    first_name: str
    last_name: str
    date_of_birth: date
    employment_class: EmploymentClass
    family: tuple[Relative, ...]
    wishes: Wishes


def draw_someone(rng: Random, on: date, employment_class: EmploymentClass | None = None) -> Someone:
    """Draw a person as they are on a day."""
    age = min(max(rng.gauss(41, 12), _YOUNGEST), _OLDEST)
    last_name = rng.choice(FAMILY)
    tier = pick(rng, _TIERS)
    spouse = age >= _MARRIED_FROM and tier in (CoverageTier.ES, CoverageTier.EF)
    children = age >= _PARENT_FROM and tier in (CoverageTier.EC, CoverageTier.EF)
    # Of those who would cover themselves alone, a good part have a family that is insured elsewhere.
    also_spouse = tier is CoverageTier.EE and age >= _MARRIED_FROM and rng.random() < 0.25
    also_children = tier is CoverageTier.EE and age >= _PARENT_FROM and rng.random() < 0.15
    family: list[Relative] = []
    if spouse or also_spouse:
        family.append(draw_spouse(rng, last_name, on, age))
    if children or also_children:
        family += [draw_child(rng, last_name, on, age) for _ in range(pick(rng, _CHILDREN))]
    waives = frozenset(category for category, share in _WAIVED.items() if rng.randrange(100) < share)
    return Someone(
        rng.choice(GIVEN),
        last_name,
        _born(rng, on, age),
        employment_class or pick(rng, _CLASSES),
        tuple(family),
        Wishes(spouse, children, waives, rng.random()),
    )


def draw_spouse(rng: Random, last_name: str, on: date, age: float) -> Relative:
    """Draw somebody's spouse, who is of about their age."""
    age = min(max(age + rng.gauss(0, 4), _YOUNGEST), _OLDEST + 4)
    name = last_name if rng.random() < 0.7 else rng.choice(FAMILY)
    return Relative(rng.choice(GIVEN), name, _born(rng, on, age), Relationship.SPOUSE)


def draw_child(rng: Random, last_name: str, on: date, age: float) -> Relative:
    """Draw a child of somebody of this age: up to 26, so that some are about to be too old to be covered."""
    years = rng.uniform(0, min(age - _YOUNGEST, CHILD_AGE_LIMIT))
    disabled = rng.random() < 0.01
    return Relative(rng.choice(GIVEN), last_name, _born(rng, on, years), Relationship.CHILD, disabled)


def newborn(rng: Random, last_name: str, on: date) -> Relative:
    return Relative(rng.choice(GIVEN), last_name, on, Relationship.CHILD)


def email_of(first_name: str, last_name: str, number: int) -> str:
    return f"{_plain(first_name)}.{_plain(last_name)}.{number}@example.com"


@cache
def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z]", "", letters)


def _born(rng: Random, on: date, age: float) -> date:
    return on - timedelta(days=int(age * _YEAR) + rng.randrange(30))
