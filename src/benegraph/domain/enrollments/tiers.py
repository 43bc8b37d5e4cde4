"""Dependents and coverage tiers: which dependents can be covered, until when, and the tier they lead to."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from benegraph.domain.catalog import CoverageTier
from benegraph.domain.people import Relationship
from benegraph.domain.values import add_years, last_day_of_month

#: Coverage of a child can start before this birthday, and lasts through the end of the birthday's month (29 CFR
#: 2590.715-2714).
CHILD_AGE_LIMIT = 26


@dataclass(frozen=True, slots=True)
class DependentFacts:
    """The facts about a dependent that coverage depends on."""

    id: str
    relationship: Relationship
    date_of_birth: date
    disabled: bool = False
    active: bool = True


def derive_tier(relationships: Collection[Relationship]) -> CoverageTier:
    """Derive the coverage tier from the relationships of the covered dependents.

    EE is the employee alone, ES with a spouse, EC with children and no spouse, EF with a spouse and children.
    """
    has_child = Relationship.CHILD in relationships
    if Relationship.SPOUSE in relationships:
        return CoverageTier.EF if has_child else CoverageTier.ES
    return CoverageTier.EC if has_child else CoverageTier.EE


def ages_out_on(dependent: DependentFacts) -> date | None:
    """Return a child's 26th birthday; None for a spouse or a disabled child, who never age out."""
    if dependent.relationship is not Relationship.CHILD or dependent.disabled:
        return None
    return add_years(dependent.date_of_birth, CHILD_AGE_LIMIT)


def is_coverable(dependent: DependentFacts, starts_on: date) -> bool:
    """Return whether coverage may start on this day: the dependent is active, and has not aged out by then."""
    birthday = ages_out_on(dependent)
    return dependent.active and (birthday is None or starts_on < birthday)


def can_stay_covered(dependent: DependentFacts, starts_on: date) -> bool:
    """Return whether a change of coverage on this day may keep a dependent who is already covered.

    A child may be kept through the last day of the month of its 26th birthday.
    """
    last_day = covered_through(dependent)
    return dependent.active and (last_day is None or starts_on <= last_day)


def covered_through(dependent: DependentFacts) -> date | None:
    """Return the last day of the month in which a child turns 26; None if the dependent never ages out."""
    birthday = ages_out_on(dependent)
    return None if birthday is None else last_day_of_month(birthday)
