"""Dependents and coverage tiers: which dependents can be covered, until when, and the tier they lead to."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from benegraph.domain.catalog import CoverageTier
from benegraph.domain.people import Relationship
from benegraph.domain.values import add_years, last_day_of_month

#: A child can be covered until this birthday (29 CFR 2590.715-2714).
CHILD_AGE_LIMIT = 26


@dataclass(frozen=True, slots=True)
class FamilyMember:
    """A dependent, with the attributes that coverage depends on."""

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


def ages_out_on(member: FamilyMember) -> date | None:
    """Return a child's 26th birthday; None for a spouse or a disabled child, who never age out."""
    if member.relationship is not Relationship.CHILD or member.disabled:
        return None
    return add_years(member.date_of_birth, CHILD_AGE_LIMIT)


def is_coverable(member: FamilyMember, starts_on: date) -> bool:
    """Return whether coverage may start on this day: the dependent is active, and a child is not yet 26."""
    birthday = ages_out_on(member)
    return member.active and (birthday is None or starts_on < birthday)


def covered_through(member: FamilyMember) -> date | None:
    """Return the last day of the month in which a child turns 26; None if the dependent never ages out."""
    birthday = ages_out_on(member)
    return None if birthday is None else last_day_of_month(birthday)
