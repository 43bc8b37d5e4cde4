"""Employee timelines: when an employee is hired, terminated, has a life event, and leaves enrollments unanswered."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from benegraph.demo.life_event_timeline import LifeEventTimeline, draw_event_type, generate_life_event
from benegraph.demo.people import SamplePerson, generate_person
from benegraph.domain.values import ONE_DAY, DateSpan

_DAYS_PER_YEAR = 365


@dataclass(frozen=True, slots=True)
class EmployeeTimeline:
    """Everything that happens to an employee, drawn before it is simulated."""

    person: SamplePerson
    hired_on: date
    entered_on: date
    terminated_on: date | None = None
    #: The day on which the termination is recorded.
    notice_given_on: date | None = None
    life_event: LifeEventTimeline | None = None
    #: Enrollments issued in this span stay unanswered.
    unanswered_span: DateSpan | None = None
    #: Whether the employee answers every enrollment outside `unanswered_span`, and always by their preferences.
    is_scripted: bool = False
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class TimelineBounds:
    """The days that timelines lie between: when the employer joined, and today."""

    joined_on: date
    today: date


def generate_employee_timeline(rng: Random, bounds: TimelineBounds) -> EmployeeTimeline:
    """Generate an employee's timeline, with rates of turnover and life events as assumed for small employers."""
    today = bounds.today
    if rng.random() < 0.015:  # 1.5 % are hired already and start within weeks
        hired_on = today + timedelta(days=rng.randrange(3, 45))
        entered_on = today - timedelta(days=rng.randrange(1, 12))
    else:
        hired_on = today - timedelta(days=min(int(rng.expovariate(1 / 1600)) + 1, 40 * _DAYS_PER_YEAR))
        entered_on = min(max(bounds.joined_on, hired_on - timedelta(days=rng.randrange(8))) + ONE_DAY, today - ONE_DAY)
    person = generate_person(rng, entered_on)
    adult_on = person.date_of_birth + timedelta(days=18 * _DAYS_PER_YEAR)
    timeline = EmployeeTimeline(person, max(hired_on, adult_on), entered_on)
    if rng.random() < 0.22:  # 18 % leave within a year
        timeline = _with_termination(rng, timeline, today)
    if rng.random() < 0.17:  # 8 % have a life event in a year; these are two years
        timeline = replace(timeline, life_event=_generate_life_event(rng, timeline, bounds))
    return timeline


def _with_termination(rng: Random, timeline: EmployeeTimeline, today: date) -> EmployeeTimeline:
    terminated_on = today + timedelta(days=rng.randrange(-_DAYS_PER_YEAR, 30))
    notice_given_on = max(terminated_on - timedelta(days=rng.randrange(15)), timeline.entered_on + ONE_DAY)
    if terminated_on < max(timeline.hired_on, notice_given_on):
        return timeline
    return replace(timeline, terminated_on=terminated_on, notice_given_on=notice_given_on)


def _generate_life_event(rng: Random, timeline: EmployeeTimeline, bounds: TimelineBounds) -> LifeEventTimeline | None:
    two_years_ago = bounds.today - timedelta(days=2 * _DAYS_PER_YEAR)
    first = max(timeline.entered_on, timeline.hired_on, two_years_ago) + ONE_DAY
    if first >= bounds.today:
        return None
    event_on = first + timedelta(days=rng.randrange((bounds.today - first).days))
    event_type = draw_event_type(rng, timeline.person)
    return generate_life_event(rng, timeline.person, event_type, event_on, approved=rng.random() < 0.88)
