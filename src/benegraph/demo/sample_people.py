"""Sample people: scripted employees of the demo, so that every enrollment state and every mutation can be tried."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from benegraph.demo.employee_timeline import EmployeeTimeline, TimelineBounds
from benegraph.demo.life_event_timeline import LifeEventTimeline, generate_life_event
from benegraph.demo.people import CoveragePreferences, SamplePerson, SampleRelative, generate_person
from benegraph.demo.plan_years import BenefitTerms
from benegraph.domain.catalog import ProductCategory
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.enrollments.tiers import CHILD_AGE_LIMIT
from benegraph.domain.people import EmploymentClass, Relationship
from benegraph.domain.plan_years import RenewalMode, WaitingPeriod
from benegraph.domain.values import ONE_DAY, DateSpan, add_years

#: The external ID of the demo's first employee, by which a later start finds them.
FIRST_EXTERNAL_ID = "DEMO-1"

#: The terms of an employer with sample people. With a waiting period of 30 days, the window of the new hire below is
#: open today.
SAMPLE_TERMS = BenefitTerms(WaitingPeriod(30), RenewalMode.ACTIVE, contribution_percent=100, offers_part_timers=False)

_PREFERENCES = CoveragePreferences(
    covers_spouse=True, covers_children=True, waived_categories=frozenset(), price_level=0.6
)


@dataclass(frozen=True, slots=True)
class _Script:
    """The random source and the bounds of a sample timeline."""

    rng: Random
    bounds: TimelineBounds

    def days_ago(self, days: int) -> date:
        return self.bounds.today - timedelta(days=days)

    @property
    def recent_issue_dates(self) -> DateSpan:
        """The issue dates of enrollments whose windows are open today. Left unanswered, these are pending."""
        return DateSpan(self.days_ago(60), self.bounds.today)


def generate_sample_timeline(rng: Random, bounds: TimelineBounds, number: int) -> EmployeeTimeline:
    """Generate a scripted timeline by its number, from 1 to `SAMPLE_COUNT`, for an employer in the phase `OPEN`."""
    return _GENERATORS[number - 1](_Script(rng, bounds))


def _adult(script: _Script) -> SamplePerson:
    """Generate a full-time employee of at least 24 years, without a family and without waivers."""
    person = generate_person(script.rng, script.bounds.joined_on, EmploymentClass.FULL_TIME)
    date_of_birth = min(person.date_of_birth, add_years(script.bounds.joined_on, -24))
    preferences = replace(_PREFERENCES, price_level=person.preferences.price_level)
    return replace(person, date_of_birth=date_of_birth, family=(), preferences=preferences)


def _long_term_employee(script: _Script) -> EmployeeTimeline:
    """Generate an employee hired long before the employer joined. They answer every enrollment."""
    hired_on = script.bounds.joined_on - timedelta(days=700)
    return EmployeeTimeline(_adult(script), hired_on, script.bounds.joined_on + ONE_DAY, is_scripted=True)


def _parent(script: _Script, child_turns_26_on: date) -> EmployeeTimeline:
    """Generate the parent of one child. The child turns 26 on the given date."""
    timeline, born_on = _long_term_employee(script), add_years(child_turns_26_on, -CHILD_AGE_LIMIT)
    child = SampleRelative("Quinn", timeline.person.last_name, born_on, Relationship.CHILD)
    parent = replace(timeline.person, date_of_birth=add_years(born_on, -27), family=(child,))
    return replace(timeline, person=parent)


def _with_life_event(
    script: _Script, timeline: EmployeeTimeline, event_type: LifeEventType, days_ago: int, *, approved: bool = True
) -> tuple[EmployeeTimeline, LifeEventTimeline]:
    event_on = script.days_ago(days_ago)
    event = generate_life_event(script.rng, timeline.person, event_type, event_on, approved=approved)
    return replace(timeline, life_event=event), event


# -------------------------------------------------------------------------------------------------- the timelines


def _first_employee(script: _Script) -> EmployeeTimeline:
    """Generate the employee for trying everything: family, coverage, pending enrollments, a newborn's life event."""
    joined_on = script.bounds.joined_on
    family = (
        SampleRelative("Jonas", "Delacroix", add_years(joined_on, -37), Relationship.SPOUSE),
        SampleRelative("Willa", "Delacroix", add_years(joined_on, -5), Relationship.CHILD),
    )
    person = SamplePerson(
        "Maya", "Delacroix", add_years(joined_on, -36), EmploymentClass.FULL_TIME, family, _PREFERENCES
    )
    birth = LifeEventTimeline(
        LifeEventType.BIRTH,
        event_on=script.days_ago(12),
        reported_on=script.days_ago(9),
        reviewed_on=script.days_ago(6),
        approved=True,
        reissued_on=script.bounds.today,  # not simulated: the demo's user can call `reissue`
        answered_on=script.bounds.today,
        new_relative=SampleRelative("Theo", "Delacroix", script.days_ago(12), Relationship.CHILD),
        notes="Hospital record attached.",
        review_notes="Papers seen.",
    )
    return replace(
        _long_term_employee(script),
        person=person,
        external_id=FIRST_EXTERNAL_ID,
        life_event=birth,
        unanswered_span=script.recent_issue_dates,
    )


def _new_hire(script: _Script) -> EmployeeTimeline:
    """Generate an employee hired 40 days ago.

    The waiting period ended ten days ago, and the window stays open for 20 days.
    """
    return EmployeeTimeline(
        _adult(script), script.days_ago(40), script.days_ago(42), unanswered_span=script.recent_issue_dates
    )


def _future_hire(script: _Script) -> EmployeeTimeline:
    hired_on = script.bounds.today + 10 * ONE_DAY
    return EmployeeTimeline(_adult(script), hired_on, script.days_ago(3), unanswered_span=script.recent_issue_dates)


def _terminated(script: _Script) -> EmployeeTimeline:
    return replace(_long_term_employee(script), terminated_on=script.days_ago(50), notice_given_on=script.days_ago(55))


def _under_notice(script: _Script) -> EmployeeTimeline:
    terminated_on = script.bounds.today + 12 * ONE_DAY
    return replace(_long_term_employee(script), terminated_on=terminated_on, notice_given_on=script.days_ago(4))


def _never_answering(script: _Script) -> EmployeeTimeline:
    return replace(_long_term_employee(script), unanswered_span=DateSpan(script.bounds.joined_on, script.bounds.today))


def _child_aging_out(script: _Script) -> EmployeeTimeline:
    """Generate the parent of a child that turns 26 in five days, is covered through that month, and keeps the tier."""
    return replace(_parent(script, script.bounds.today + 5 * ONE_DAY), unanswered_span=script.recent_issue_dates)


def _child_aged_out(script: _Script) -> EmployeeTimeline:
    return _parent(script, script.days_ago(70))


def _waiving(script: _Script) -> EmployeeTimeline:
    timeline = _long_term_employee(script)
    preferences = replace(_PREFERENCES, waived_categories=frozenset(ProductCategory))
    return replace(timeline, person=replace(timeline.person, preferences=preferences))


def _answered_birth(script: _Script) -> EmployeeTimeline:
    """Generate a birth with an answered reissue: the replaced coverage ended the day before the new one."""
    return _with_life_event(script, _long_term_employee(script), LifeEventType.BIRTH, 90)[0]


def _answered_marriage(script: _Script) -> EmployeeTimeline:
    return _with_life_event(script, _long_term_employee(script), LifeEventType.MARRIAGE, 120)[0]


def _denied_event(script: _Script) -> EmployeeTimeline:
    return _with_life_event(script, _long_term_employee(script), LifeEventType.OTHER, 50, approved=False)[0]


def _pending_event(script: _Script) -> EmployeeTimeline:
    """Generate a reported event that is not reviewed yet."""
    timeline, event = _with_life_event(script, _long_term_employee(script), LifeEventType.ADOPTION, 10)
    event = replace(event, reported_on=script.days_ago(4), reviewed_on=script.bounds.today + 2 * ONE_DAY)
    return replace(timeline, life_event=event)


def _pending_reissue(script: _Script) -> EmployeeTimeline:
    """Generate an approved event with pending reissued enrollments."""
    timeline, event = _with_life_event(script, _long_term_employee(script), LifeEventType.ADOPTION, 15)
    event = replace(
        event,
        reported_on=script.days_ago(12),
        reviewed_on=script.days_ago(8),
        reissued_on=script.days_ago(5),
        answered_on=script.bounds.today + 4 * ONE_DAY,
    )
    return replace(timeline, life_event=event)


_GENERATORS: tuple[Callable[[_Script], EmployeeTimeline], ...] = (
    _first_employee,
    _new_hire,
    _future_hire,
    _terminated,
    _under_notice,
    _never_answering,
    _child_aging_out,
    _child_aged_out,
    _waiving,
    _answered_birth,
    _answered_marriage,
    _denied_event,
    _pending_event,
    _pending_reissue,
)

#: How many sample people there are.
SAMPLE_COUNT = len(_GENERATORS)
