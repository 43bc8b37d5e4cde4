"""The cast: people the demo must have, whatever the dice say, so that every state and every mutation can be seen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from benegraph.demo.employee_timeline import Fate, Happening, Stay, draw_happening
from benegraph.demo.people import Relative, Someone, Wishes, draw_someone
from benegraph.demo.plan_years import Terms
from benegraph.domain.catalog import ProductCategory
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.enrollments.tiers import CHILD_AGE_LIMIT
from benegraph.domain.people import EmploymentClass, Relationship
from benegraph.domain.plan_years import RenewalMode, WaitingPeriod
from benegraph.domain.values import ONE_DAY, DateSpan, add_years

#: The external id by which the demo's first employee is found again.
FIRST = "DEMO-1"

#: The terms of an employer with a cast: whoever is hired waits thirty days, so that one is always in their window.
TERMS = Terms(WaitingPeriod(30), RenewalMode.ACTIVE, percent=100, part_timers=False)

_WISHES = Wishes(spouse=True, children=True, waives=frozenset(), richness=0.6)


@dataclass(frozen=True, slots=True)
class _Days:
    """The days a cast plays on, and its dice."""

    rng: Random
    stay: Stay

    def ago(self, days: int) -> date:
        return self.stay.today - timedelta(days=days)

    @property
    def lately(self) -> DateSpan:
        """The days of open enrollment and of hires still in their window: to be silent then is to leave it pending."""
        return DateSpan(self.ago(60), self.stay.today)


def draw_cast(rng: Random, stay: Stay) -> Iterator[Fate]:
    """Draw those who must be there, at an employer whose next open enrollment is open today."""
    days = _Days(rng, stay)
    return (part(days) for part in _PARTS)


def _someone(days: _Days) -> Someone:
    """Draw a grown full-timer, alone so far, who elects whatever there is."""
    person = draw_someone(days.rng, days.stay.joined_on, EmploymentClass.FULL_TIME)
    grown = min(person.date_of_birth, add_years(days.stay.joined_on, -24))
    return replace(person, date_of_birth=grown, family=(), wishes=replace(_WISHES, richness=person.wishes.richness))


def _veteran(days: _Days) -> Fate:
    """Was there before the employer came to us, and sees to every enrollment."""
    hired_on = days.stay.joined_on - timedelta(days=700)
    return Fate(_someone(days), hired_on, days.stay.joined_on + ONE_DAY, steady=True)


def _parent(days: _Days, turns_26_on: date) -> Fate:
    """Draw a parent of one child that turns 26 on a day."""
    fate, born = _veteran(days), add_years(turns_26_on, -CHILD_AGE_LIMIT)
    child = Relative("Quinn", fate.person.last_name, born, Relationship.CHILD)
    parent = replace(fate.person, date_of_birth=add_years(born, -27), family=(child,))
    return replace(fate, person=parent)


def _told(
    days: _Days, fate: Fate, event_type: LifeEventType, days_ago: int, *, approved: bool = True
) -> tuple[Fate, Happening]:
    told = draw_happening(days.rng, fate.person, event_type, days.ago(days_ago), approved=approved)
    return replace(fate, happening=told), told


# --------------------------------------------------------------------------------------------------- its parts


def _first(days: _Days) -> Fate:
    """Everything can be tried on this one: family, coverage, open enrollment to answer, and a newborn's life event."""
    joined_on = days.stay.joined_on
    family = (
        Relative("Jonas", "Delacroix", add_years(joined_on, -37), Relationship.SPOUSE),
        Relative("Willa", "Delacroix", add_years(joined_on, -5), Relationship.CHILD),
    )
    person = Someone("Maya", "Delacroix", add_years(joined_on, -36), EmploymentClass.FULL_TIME, family, _WISHES)
    birth = Happening(
        LifeEventType.BIRTH,
        event_on=days.ago(12),
        reported_on=days.ago(9),
        reviewed_on=days.ago(6),
        approved=True,
        reissued_on=days.stay.today,  # from today on: it is for whoever tries the demo to do
        answered_on=days.stay.today,
        newcomer=Relative("Theo", "Delacroix", days.ago(12), Relationship.CHILD),
        notes="Hospital record attached.",
        review_notes="Papers seen.",
    )
    return replace(_veteran(days), person=person, external_id=FIRST, happening=birth, silent=days.lately)


def _new_hire(days: _Days) -> Fate:
    """Hired forty days ago, so that the wait was over ten days ago, and the window has twenty to go."""
    return Fate(_someone(days), days.ago(40), days.ago(42), silent=days.lately)


def _future_hire(days: _Days) -> Fate:
    return Fate(_someone(days), days.stay.today + 10 * ONE_DAY, days.ago(3), silent=days.lately)


def _terminated(days: _Days) -> Fate:
    return replace(_veteran(days), terminated_on=days.ago(50), noticed_on=days.ago(55))


def _leaving(days: _Days) -> Fate:
    return replace(_veteran(days), terminated_on=days.stay.today + 12 * ONE_DAY, noticed_on=days.ago(4))


def _lapsing(days: _Days) -> Fate:
    """Has never answered anything."""
    return replace(_veteran(days), silent=DateSpan(days.stay.joined_on, days.stay.today))


def _aging_out(days: _Days) -> Fate:
    """A child turns 26 within days: covered through the end of that month, at a tier that stays."""
    return replace(_parent(days, days.stay.today + 5 * ONE_DAY), silent=days.lately)


def _aged_out(days: _Days) -> Fate:
    return _parent(days, days.ago(70))


def _waiving(days: _Days) -> Fate:
    fate = _veteran(days)
    wishes = replace(_WISHES, waives=frozenset(ProductCategory))
    return replace(fate, person=replace(fate.person, wishes=wishes))


def _born_lately(days: _Days) -> Fate:
    """A birth, reissued and answered: the old coverage ended the day before."""
    return _told(days, _veteran(days), LifeEventType.BIRTH, 90)[0]


def _married(days: _Days) -> Fate:
    return _told(days, _veteran(days), LifeEventType.MARRIAGE, 120)[0]


def _denied(days: _Days) -> Fate:
    return _told(days, _veteran(days), LifeEventType.OTHER, 50, approved=False)[0]


def _reported(days: _Days) -> Fate:
    """An event reported, and not judged yet."""
    fate, told = _told(days, _veteran(days), LifeEventType.ADOPTION, 10)
    told = replace(told, reported_on=days.ago(4), reviewed_on=days.stay.today + 2 * ONE_DAY)
    return replace(fate, happening=told)


def _reissued(days: _Days) -> Fate:
    """An approved event whose reissue waits for an answer."""
    fate, told = _told(days, _veteran(days), LifeEventType.ADOPTION, 15)
    told = replace(told, reported_on=days.ago(12), reviewed_on=days.ago(8), reissued_on=days.ago(5))
    return replace(fate, happening=replace(told, answered_on=days.stay.today + 4 * ONE_DAY))


_PARTS: tuple[Callable[[_Days], Fate], ...] = (
    _first,
    _new_hire,
    _future_hire,
    _terminated,
    _leaving,
    _lapsing,
    _aging_out,
    _aged_out,
    _waiving,
    _born_lately,
    _married,
    _denied,
    _reported,
    _reissued,
)
