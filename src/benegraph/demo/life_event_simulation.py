"""The simulation of life events: report, review, reissue of enrollments, and the answers to those."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial

from benegraph.db.models import LifeEvent
from benegraph.demo.employees import EmployeeState, EnrollmentState, add_dependent, deactivate_dependent
from benegraph.demo.enrollment_simulation import accept_election, elect_plan, issue_enrollment, record_election
from benegraph.demo.event_queue import EventQueue
from benegraph.demo.life_event_timeline import LifeEventTimeline
from benegraph.demo.plan_years import BenefitYear, OfferedPlanYear
from benegraph.demo.record_buffer import Row
from benegraph.demo.times_of_day import random_instant
from benegraph.domain.enrollments.elections import Election, ReissueBaseline
from benegraph.domain.enrollments.life_events import (
    LIFE_EVENT_RULES,
    LifeEventStatus,
    LifeEventType,
    change_window,
    compute_effective_date,
)
from benegraph.domain.enrollments.status import CloseReason, ElectionDecision, EnrollmentStatus, WindowReason
from benegraph.domain.enrollments.tiers import is_coverable
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import Relationship
from benegraph.domain.plan_years import compute_eligibility_date

_ENDS_MARRIAGE = (LifeEventType.DIVORCE, LifeEventType.DEATH)
_CONCERNS_SPOUSE = (*_ENDS_MARRIAGE, LifeEventType.JOB_LOSS, LifeEventType.EMPLOYER_BANKRUPTCY)


@dataclass(frozen=True, slots=True)
class _LifeEventSimulation:
    """One life event of one employee; each step schedules the next one."""

    employee: EmployeeState
    queue: EventQueue
    benefit_years: Sequence[BenefitYear]
    timeline: LifeEventTimeline

    def random_instant(self, day: date) -> datetime:
        return random_instant(self.employee.rng, day)

    def report(self, at: datetime) -> None:
        employee, timeline = self.employee, self.timeline
        if not employee.employment.is_active(at.date()):
            return
        new_dependent_id = self._add_new_relative(at)
        spouse = employee.spouse() if timeline.event_type in _CONCERNS_SPOUSE else None
        values: Row = {
            "id": employee.records.new_id(IdPrefix.LIFE_EVENT, employee.id),
            "employer_id": employee.row["employer_id"],
            "employee_id": employee.id,
            "dependent_id": new_dependent_id or (spouse and spouse.id),
            "event_type": timeline.event_type,
            "event_on": timeline.event_on,
            "reported_on": at.date(),
            "status": LifeEventStatus.PENDING,
            "reviewed_on": None,
            "reviewed_at": None,
            "notes": timeline.notes,
            "review_notes": None,
        }
        row = employee.records.add(LifeEvent, values, at)
        employee.records.add_creation_event(LifeEvent, row, "REPORTED", at)
        self.queue.schedule(self.random_instant(timeline.reviewed_on), partial(self.review, row))

    def _add_new_relative(self, at: datetime) -> str | None:
        """Add the new relative as a dependent to be covered, and return the dependent's ID."""
        employee, relative = self.employee, self.timeline.new_relative
        if relative is None:
            return None
        if relative.relationship is Relationship.SPOUSE:
            employee.preferences = replace(employee.preferences, covers_spouse=True)
        else:
            employee.preferences = replace(employee.preferences, covers_children=True)
        return add_dependent(employee, relative, at)

    def review(self, row: Row, at: datetime) -> None:
        employee, timeline = self.employee, self.timeline
        status = LifeEventStatus.APPROVED if timeline.approved else LifeEventStatus.DENIED
        values: Row = {
            "status": status,
            "reviewed_on": at.date(),
            "reviewed_at": at,
            "review_notes": timeline.review_notes,
        }
        employee.records.update_with_event(LifeEvent, row, status.value, values, at)
        if not timeline.approved:
            return
        if timeline.event_type in _ENDS_MARRIAGE and row["dependent_id"]:
            deactivate_dependent(employee, row["dependent_id"], at)
        if LIFE_EVENT_RULES[timeline.event_type].allows_reissue:
            self.queue.schedule(self.random_instant(timeline.reissued_on), partial(self.reissue, row))

    def reissue(self, event: Row, at: datetime) -> None:
        """Reissue the employee's enrollments in the plan years of that day, where the rules allow it."""
        employee, today = self.employee, at.date()
        reissued: list[EnrollmentState] = []
        for benefit_year in self.benefit_years:
            for plan_year in benefit_year.plan_years if today in benefit_year.schedule.coverage else ():
                effective_on = _effective_date(employee, plan_year, event)
                replaced = _reissuable_enrollment(employee, plan_year, today)
                if replaced and effective_on and employee.eligibility(plan_year, effective_on).eligible:
                    reissued.append(_issue_replacement(employee, replaced, event, effective_on, at))
        if reissued:
            answered_at = self.random_instant(self.timeline.answered_on)
            self.queue.schedule(answered_at, partial(_answer, employee, reissued))


def schedule_life_event(
    employee: EmployeeState, queue: EventQueue, benefit_years: Sequence[BenefitYear], timeline: LifeEventTimeline
) -> None:
    """Schedule the report of a life event, from which all other steps follow."""
    simulation = _LifeEventSimulation(employee, queue, benefit_years, timeline)
    queue.schedule(simulation.random_instant(timeline.reported_on), simulation.report)


# ----------------------------------------------------------------------------------------------- reissued enrollments


def _effective_date(employee: EmployeeState, plan_year: OfferedPlanYear, event: Row) -> date | None:
    return compute_effective_date(
        event["event_type"],
        event["event_on"],
        event["reported_on"],
        plan_year.coverage,
        compute_eligibility_date(employee.employment, plan_year.waiting),
    )


def _reissuable_enrollment(employee: EmployeeState, plan_year: OfferedPlanYear, today: date) -> EnrollmentState | None:
    """Return the latest enrollment in a plan year if it is enrolled, waived or lapsed."""
    enrollments = employee.enrollments_in(plan_year)
    if not enrollments:
        return None
    latest = enrollments[-1]
    status = latest.status(today)
    has_lapsed = latest.row["decision"] is None and latest.row["close_reason"] in (None, CloseReason.LAPSED)
    if status is EnrollmentStatus.PENDING or (status is EnrollmentStatus.INACTIVE and not has_lapsed):
        return None
    return latest


def _issue_replacement(
    employee: EmployeeState, replaced: EnrollmentState, event: Row, effective_on: date, at: datetime
) -> EnrollmentState:
    window = change_window(event["event_type"], event["event_on"], event["reviewed_on"])
    enrollment = issue_enrollment(
        employee,
        replaced.plan_year,
        WindowReason.LIFE_EVENT,
        window,
        at,
        window_opens_on=window.start,
        window_closes_on=window.last,
        effective_on=effective_on,
        replaces_id=replaced.row["id"],
        life_event_id=event["id"],
        reissue_reason=f"{event['event_type'].replace('_', ' ').capitalize()} on {event['event_on']}.",
    )
    enrollment.event_type = event["event_type"]
    return enrollment


def _answer(employee: EmployeeState, reissued: Sequence[EnrollmentState], at: datetime) -> None:
    for enrollment in reissued:
        effective_on: date = enrollment.row["effective_on"]
        is_eligible = employee.eligibility(enrollment.plan_year, effective_on).eligible
        if enrollment.event_type and enrollment.is_pending(at.date()) and is_eligible:
            baseline, plan_id = _baseline(employee, enrollment, enrollment.event_type)
            election = _choose_election(employee, enrollment, baseline, plan_id)
            accepted = accept_election(employee, enrollment, election, at.date(), baseline)
            record_election(employee, enrollment, accepted, at)
    employee.add_election_snapshot(at)


def _baseline(
    employee: EmployeeState, enrollment: EnrollmentState, event_type: LifeEventType
) -> tuple[ReissueBaseline, str | None]:
    """Return the coverage that a reissued enrollment changes, and the ID of its plan; None where it was waived."""
    earlier = [
        other
        for other in employee.enrollments_in(enrollment.plan_year)
        if other is not enrollment and other.row["decision"]
    ]
    if not earlier or not earlier[-1].is_enrolled:
        return ReissueBaseline(event_type), None
    latest = earlier[-1]
    effective_on: date = enrollment.row["effective_on"]
    covered_ids = frozenset(
        dependent.id for dependent in latest.covered if dependent.through is None or dependent.through >= effective_on
    )
    plan_id: str = latest.row["selected_plan_id"]
    return ReissueBaseline(event_type, enrollment.plan_year.plans[plan_id].carrier_plan_id, covered_ids), plan_id


def _choose_election(
    employee: EmployeeState, enrollment: EnrollmentState, baseline: ReissueBaseline, plan_id: str | None
) -> Election:
    """Choose within the limits of the event: keep the covered dependents, and add all that the rules allow.

    Some employees without coverage waive again.
    """
    rule = LIFE_EVENT_RULES[baseline.event_type]
    if plan_id is None and (not rule.may_add or employee.rng.random() < 0.4):
        return Election(enrollment.row["id"], ElectionDecision.WAIVED)
    dependent_ids = [
        member.id
        for member in employee.family.values()
        if is_coverable(member, enrollment.row["effective_on"])
        and (member.id in baseline.dependent_ids or member.relationship in rule.may_add)
    ]
    plan_ids = list(enrollment.plan_year.plans)
    return elect_plan(enrollment, plan_id or plan_ids[len(plan_ids) // 2], dependent_ids)
