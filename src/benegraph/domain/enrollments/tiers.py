"""Families and coverage tiers: who can be covered, until when, and which tier that makes."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from benegraph.domain.catalog import CoverageTier
from benegraph.domain.people import Relationship
from benegraph.domain.values import add_years, last_day_of_month

CHILD_AGE_LIMIT = 26


@dataclass(frozen=True, slots=True)
class FamilyMember:
    """A dependent, with the facts that coverage rests on."""

    id: str
    relationship: Relationship
    date_of_birth: date
    disabled: bool = False
    active: bool = True


def derive_tier(relationships: Collection[Relationship]) -> CoverageTier:
    """Derive the tier of a family: EE, ES, EC or EF (design, rule 1)."""
    spouse = Relationship.SPOUSE in relationships
    child = Relationship.CHILD in relationships
    if spouse:
        return CoverageTier.EF if child else CoverageTier.ES
    return CoverageTier.EC if child else CoverageTier.EE


def ages_out_on(member: FamilyMember) -> date | None:
    """Give a child's 26th birthday (29 CFR 2590.715-2714); None for a spouse or a disabled child."""
    if member.relationship is not Relationship.CHILD or member.disabled:
        return None
    return add_years(member.date_of_birth, CHILD_AGE_LIMIT)


def is_coverable(member: FamilyMember, starts_on: date) -> bool:
    """Tell whether coverage may start on this day: the dependent is active, and a child is not yet 26."""
    birthday = ages_out_on(member)
    return member.active and (birthday is None or starts_on < birthday)


def covered_through(member: FamilyMember) -> date | None:
    """Give the last day age allows: the end of the month a child turns 26; None where age ends nothing."""
    birthday = ages_out_on(member)
    return None if birthday is None else last_day_of_month(birthday)
