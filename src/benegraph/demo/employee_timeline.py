"""Fates: when somebody comes and goes, what happens in their life, and to what they give no answer."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from benegraph.demo.people import Relative, Someone, draw_someone, draw_spouse, newborn
from benegraph.demo.random_source import pick
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.people import Relationship
from benegraph.domain.values import ONE_DAY, DateSpan

_YEAR = 365


@dataclass(frozen=True, slots=True)
class Happening:
    """A life event: when it was, when reported and judged, and when what it allows was asked for and answered.

    What lies after today has not happened yet. `newcomer` is who comes into the family by it.
    """

    event_type: LifeEventType
    event_on: date
    reported_on: date
    reviewed_on: date
    approved: bool
    reissued_on: date
    answered_on: date
    newcomer: Relative | None = None
    notes: str | None = None
    review_notes: str | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """All that the demo has in store for an employee."""

    person: Someone
    hired_on: date
    entered_on: date
    terminated_on: date | None = None
    noticed_on: date | None = None
    happening: Happening | None = None
    #: Whatever is issued in these days, they don't answer.
    silent: DateSpan | None = None
    #: Answers all else, and just as they wish.
    steady: bool = False
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """The days that fates are drawn between: since when the employer has been with us, and today."""

    joined_on: date
    today: date


def draw_fate(rng: Random, stay: Stay) -> Fate:
    """Draw what is in store for somebody, after the shares of research/domain.md (g)."""
    today = stay.today
    if rng.random() < 0.015:  # one in seventy has signed, and begins within weeks
        hired_on = today + timedelta(days=rng.randrange(3, 45))
        entered_on = today - timedelta(days=rng.randrange(1, 12))
    else:
        hired_on = today - timedelta(days=min(int(rng.expovariate(1 / 1600)) + 1, 40 * _YEAR))
        entered_on = min(max(stay.joined_on, hired_on - timedelta(days=rng.randrange(8))) + ONE_DAY, today - ONE_DAY)
    person = draw_someone(rng, entered_on)
    grown_on = person.date_of_birth + timedelta(days=18 * _YEAR)
    fate = Fate(person, max(hired_on, grown_on), entered_on)
    if rng.random() < 0.22:  # 18 % leave within a year
        fate = _leaving(rng, fate, today)
    if rng.random() < 0.17:  # 8 % a year, over two years
        fate = replace(fate, happening=_happen(rng, fate, stay))
    return fate


def _leaving(rng: Random, fate: Fate, today: date) -> Fate:
    terminated_on = today + timedelta(days=rng.randrange(-_YEAR, 30))
    noticed_on = max(terminated_on - timedelta(days=rng.randrange(15)), fate.entered_on + ONE_DAY)
    if terminated_on < max(fate.hired_on, noticed_on):
        return fate
    return replace(fate, terminated_on=terminated_on, noticed_on=noticed_on)


# ------------------------------------------------------------------------------------------------ life events

_OF_THE_SINGLE = {
    LifeEventType.MARRIAGE: 40,
    LifeEventType.BIRTH: 22,
    LifeEventType.ADOPTION: 4,
    LifeEventType.MEDICAID_LOSS: 14,
    LifeEventType.OTHER: 12,
    LifeEventType.REDUCTION_IN_HOURS: 8,
}
_OF_THE_MARRIED = {
    LifeEventType.BIRTH: 40,
    LifeEventType.JOB_LOSS: 25,
    LifeEventType.DIVORCE: 12,
    LifeEventType.ADOPTION: 5,
    LifeEventType.EMPLOYER_BANKRUPTCY: 4,
    LifeEventType.MEDICARE_ENTITLEMENT: 4,
    LifeEventType.DEATH: 2,
    LifeEventType.OTHER: 8,
}


def is_married(person: Someone) -> bool:
    return any(relative.relationship is Relationship.SPOUSE for relative in person.family)


def _happen(rng: Random, fate: Fate, stay: Stay) -> Happening | None:
    first = max(fate.entered_on, fate.hired_on, stay.today - timedelta(days=2 * _YEAR)) + ONE_DAY
    if first >= stay.today:
        return None
    event_on = first + timedelta(days=rng.randrange((stay.today - first).days))
    event_type = pick(rng, _OF_THE_MARRIED if is_married(fate.person) else _OF_THE_SINGLE)
    return draw_happening(rng, fate.person, event_type, event_on, approved=rng.random() < 0.88)


def draw_happening(
    rng: Random, person: Someone, event_type: LifeEventType, event_on: date, *, approved: bool = True
) -> Happening:
    """Draw how a life event is reported, judged and used, within the days that each may take."""
    days = [rng.randrange(1, most) for most in (18, 6, 4, 8)]
    reported_on, reviewed_on, reissued_on, answered_on = (
        event_on + timedelta(days=sum(days[: place + 1])) for place in range(4)
    )
    return Happening(
        event_type,
        event_on,
        reported_on,
        reviewed_on,
        approved,
        reissued_on,
        answered_on,
        _newcomer(rng, person, event_type, event_on),
        rng.choice(_NOTES.get(event_type, (None,))),
        rng.choice(_APPROVALS if approved else _DENIALS),
    )


def _newcomer(rng: Random, person: Someone, event_type: LifeEventType, event_on: date) -> Relative | None:
    draw: dict[LifeEventType, Callable[[], Relative]] = {
        LifeEventType.MARRIAGE: lambda: draw_spouse(
            rng, person.last_name, event_on, (event_on - person.date_of_birth).days / _YEAR
        ),
        LifeEventType.BIRTH: lambda: newborn(rng, person.last_name, event_on),
        LifeEventType.ADOPTION: lambda: newborn(
            rng, person.last_name, event_on - timedelta(days=rng.randrange(30, 2000))
        ),
    }
    return draw[event_type]() if event_type in draw else None


_NOTES: dict[LifeEventType, tuple[str | None, ...]] = {
    LifeEventType.MARRIAGE: ("Certificate attached.", "We married abroad.", None),
    LifeEventType.BIRTH: ("Born healthy, papers to follow.", "Hospital record attached.", None),
    LifeEventType.JOB_LOSS: ("My spouse's coverage ended with the job.", None),
    LifeEventType.MEDICAID_LOSS: ("The letter came last week.", None),
    LifeEventType.OTHER: ("We moved to another state.", "My hours changed.", None),
}
_APPROVALS = ("Papers seen.", "Certificate checked.", None)
_DENIALS = ("The papers show another date.", "This is no qualifying event.", "No proof was sent in.")
