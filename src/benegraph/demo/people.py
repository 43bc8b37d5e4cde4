"""Sample people: their personal data, their families, and the coverage they prefer.

The shares are typical of a small employer.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random

from benegraph.demo.names import FAMILY_NAMES, GIVEN_NAMES
from benegraph.demo.random_source import weighted_choice
from benegraph.domain.catalog import CoverageTier, ProductCategory
from benegraph.domain.enrollments.tiers import CHILD_AGE_LIMIT
from benegraph.domain.people import EmploymentClass, Relationship

# Percentages, assumed for small employers.
_CLASS_WEIGHTS = {
    EmploymentClass.FULL_TIME: 78,
    EmploymentClass.PART_TIME: 13,
    EmploymentClass.TEMPORARY: 3,
    EmploymentClass.SEASONAL: 2,
    EmploymentClass.INTERN: 2,
    EmploymentClass.INDIVIDUAL_CONTRACTOR: 2,
}
_TIER_WEIGHTS = {CoverageTier.EE: 50, CoverageTier.ES: 14, CoverageTier.EC: 12, CoverageTier.EF: 24}
_CHILD_COUNT_WEIGHTS = {1: 42, 2: 36, 3: 15, 4: 5, 5: 2}  # 1.9 children for each parent, on average
_WAIVER_PERCENTAGES = {ProductCategory.MEDICAL: 20, ProductCategory.DENTAL: 22, ProductCategory.VISION: 30}

_DAYS_PER_YEAR = 365.25
_MIN_AGE, _MAX_AGE = 19, 68
_MIN_PARENT_AGE, _MIN_MARRIED_AGE = 21, 22


@dataclass(frozen=True, slots=True)
class SampleRelative:
    """A family member, as first recorded."""

    first_name: str
    last_name: str
    date_of_birth: date
    relationship: Relationship
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class CoveragePreferences:
    """The choices that an employee makes in an election.

    `price_level` is the place of the preferred plan among all plans, from 0 (the cheapest) to 1 (the most expensive).
    """

    covers_spouse: bool
    covers_children: bool
    waived_categories: frozenset[ProductCategory]
    price_level: float


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """The personal data of a future employee."""

    first_name: str
    last_name: str
    date_of_birth: date
    employment_class: EmploymentClass
    family: tuple[SampleRelative, ...]
    preferences: CoveragePreferences


def generate_person(rng: Random, on: date, employment_class: EmploymentClass | None = None) -> SamplePerson:
    """Generate a person with the family that they have on this date."""
    age = min(max(rng.gauss(41, 12), _MIN_AGE), _MAX_AGE)
    last_name = rng.choice(FAMILY_NAMES)
    tier = weighted_choice(rng, _TIER_WEIGHTS)
    covers_spouse = age >= _MIN_MARRIED_AGE and tier in (CoverageTier.ES, CoverageTier.EF)
    covers_children = age >= _MIN_PARENT_AGE and tier in (CoverageTier.EC, CoverageTier.EF)
    # Many employees with employee-only coverage have a family that is insured elsewhere.
    uncovered_spouse = tier is CoverageTier.EE and age >= _MIN_MARRIED_AGE and rng.random() < 0.25
    uncovered_children = tier is CoverageTier.EE and age >= _MIN_PARENT_AGE and rng.random() < 0.15
    family: list[SampleRelative] = []
    if covers_spouse or uncovered_spouse:
        family.append(generate_spouse(rng, last_name, on, age))
    if covers_children or uncovered_children:
        child_count = weighted_choice(rng, _CHILD_COUNT_WEIGHTS)
        family += [generate_child(rng, last_name, on, age) for _ in range(child_count)]
    waived = frozenset(category for category, share in _WAIVER_PERCENTAGES.items() if rng.randrange(100) < share)
    return SamplePerson(
        rng.choice(GIVEN_NAMES),
        last_name,
        _birth_date(rng, on, age),
        employment_class or weighted_choice(rng, _CLASS_WEIGHTS),
        tuple(family),
        CoveragePreferences(covers_spouse, covers_children, waived, rng.random()),
    )


def generate_spouse(rng: Random, last_name: str, on: date, age: float) -> SampleRelative:
    """Generate a spouse of about the employee's age."""
    age = min(max(age + rng.gauss(0, 4), _MIN_AGE), _MAX_AGE + 4)
    name = last_name if rng.random() < 0.7 else rng.choice(FAMILY_NAMES)
    return SampleRelative(rng.choice(GIVEN_NAMES), name, _birth_date(rng, on, age), Relationship.SPOUSE)


def generate_child(rng: Random, last_name: str, on: date, parent_age: float) -> SampleRelative:
    """Generate a child of at most 26 years, so that some children are about to age out of coverage."""
    age = rng.uniform(0, min(parent_age - _MIN_AGE, CHILD_AGE_LIMIT))
    disabled = rng.random() < 0.01
    return SampleRelative(
        rng.choice(GIVEN_NAMES), last_name, _birth_date(rng, on, age), Relationship.CHILD, disabled=disabled
    )


def generate_newborn(rng: Random, last_name: str, on: date) -> SampleRelative:
    return SampleRelative(rng.choice(GIVEN_NAMES), last_name, on, Relationship.CHILD)


def email_address(first_name: str, last_name: str, number: int) -> str:
    return f"{_ascii_letters(first_name)}.{_ascii_letters(last_name)}.{number}@example.com"


@cache
def _ascii_letters(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z]", "", letters)


def _birth_date(rng: Random, on: date, age: float) -> date:
    return on - timedelta(days=int(age * _DAYS_PER_YEAR) + rng.randrange(30))
