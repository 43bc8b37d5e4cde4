"""Life events of an employee: type, dates, outcome of the review, and the new member of the family."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from benegraph.demo.people import SamplePerson, SampleRelative, generate_newborn, generate_spouse
from benegraph.demo.random_source import weighted_choice
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.people import Relationship

_DAYS_PER_YEAR = 365
# Upper bounds (exclusive) of the days from event to report, to review, to reissue, and to answer.
_MAX_DELAYS = (18, 6, 4, 8)

_UNMARRIED_EVENT_WEIGHTS = {
    LifeEventType.MARRIAGE: 40,
    LifeEventType.BIRTH: 22,
    LifeEventType.ADOPTION: 4,
    LifeEventType.MEDICAID_LOSS: 14,
    LifeEventType.OTHER: 12,
    LifeEventType.REDUCTION_IN_HOURS: 8,
}
_MARRIED_EVENT_WEIGHTS = {
    LifeEventType.BIRTH: 40,
    LifeEventType.JOB_LOSS: 25,
    LifeEventType.DIVORCE: 12,
    LifeEventType.ADOPTION: 5,
    LifeEventType.EMPLOYER_BANKRUPTCY: 4,
    LifeEventType.MEDICARE_ENTITLEMENT: 4,
    LifeEventType.DEATH: 2,
    LifeEventType.OTHER: 8,
}
_NOTES: dict[LifeEventType, tuple[str | None, ...]] = {
    LifeEventType.MARRIAGE: ("Certificate attached.", "We married abroad.", None),
    LifeEventType.BIRTH: ("Born healthy, papers to follow.", "Hospital record attached.", None),
    LifeEventType.JOB_LOSS: ("My spouse's coverage ended with the job.", None),
    LifeEventType.MEDICAID_LOSS: ("The letter came last week.", None),
    LifeEventType.OTHER: ("We moved to another state.", "My hours changed.", None),
}
_APPROVAL_NOTES = ("Papers seen.", "Certificate checked.", None)
_DENIAL_NOTES = ("The papers show another date.", "This is no qualifying event.", "No proof was sent in.")


@dataclass(frozen=True, slots=True)
class LifeEventTimeline:
    """A life event, with the dates of its report, its review, the reissue that it allows, and the answer to that.

    Steps from today on do not happen. `new_relative` is the spouse or child that joins the family.
    """

    event_type: LifeEventType
    event_on: date
    reported_on: date
    reviewed_on: date
    approved: bool
    reissued_on: date
    answered_on: date
    new_relative: SampleRelative | None = None
    notes: str | None = None
    review_notes: str | None = None


def draw_event_type(rng: Random, person: SamplePerson) -> LifeEventType:
    is_married = any(relative.relationship is Relationship.SPOUSE for relative in person.family)
    return weighted_choice(rng, _MARRIED_EVENT_WEIGHTS if is_married else _UNMARRIED_EVENT_WEIGHTS)


def generate_life_event(
    rng: Random, person: SamplePerson, event_type: LifeEventType, event_on: date, *, approved: bool = True
) -> LifeEventTimeline:
    """Generate the timeline of a life event. Each step follows within the days that the rules allow for it."""
    delays = [rng.randrange(1, stop) for stop in _MAX_DELAYS]
    reported_on, reviewed_on, reissued_on, answered_on = (
        event_on + timedelta(days=sum(delays[: index + 1])) for index in range(4)
    )
    return LifeEventTimeline(
        event_type,
        event_on,
        reported_on,
        reviewed_on,
        approved,
        reissued_on,
        answered_on,
        _generate_new_relative(rng, person, event_type, event_on),
        rng.choice(_NOTES.get(event_type, (None,))),
        rng.choice(_APPROVAL_NOTES if approved else _DENIAL_NOTES),
    )


def _generate_new_relative(
    rng: Random, person: SamplePerson, event_type: LifeEventType, event_on: date
) -> SampleRelative | None:
    generators: dict[LifeEventType, Callable[[], SampleRelative]] = {
        LifeEventType.MARRIAGE: lambda: generate_spouse(
            rng, person.last_name, event_on, (event_on - person.date_of_birth).days / _DAYS_PER_YEAR
        ),
        LifeEventType.BIRTH: lambda: generate_newborn(rng, person.last_name, event_on),
        LifeEventType.ADOPTION: lambda: generate_newborn(
            rng, person.last_name, event_on - timedelta(days=rng.randrange(30, 2000))
        ),
    }
    return generators[event_type]() if event_type in generators else None
