"""Happenings: life events reported and judged, and the enrollments that they reissue."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial

from benegraph.db.models import LifeEvent
from benegraph.demo.employee_timeline import Happening
from benegraph.demo.employees import Agenda, Held, Worker, add_relative, part_with
from benegraph.demo.enrollment_simulation import enrolling, issue, make_decision, record
from benegraph.demo.plan_years import Season, Year
from benegraph.demo.record_buffer import Row
from benegraph.demo.times_of_day import some_time
from benegraph.domain.enrollments.elections import Election, ReissueBaseline
from benegraph.domain.enrollments.life_events import (
    LIFE_EVENT_RULES,
    LifeEventStatus,
    LifeEventType,
    compute_effective_date,
    enrollment_window,
)
from benegraph.domain.enrollments.status import CloseReason, ElectionDecision, EnrollmentStatus, WindowReason
from benegraph.domain.enrollments.tiers import is_coverable
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import Relationship
from benegraph.domain.plan_years import compute_eligibility_date

_PARTING = (LifeEventType.DIVORCE, LifeEventType.DEATH)
_ABOUT_THE_SPOUSE = (*_PARTING, LifeEventType.JOB_LOSS, LifeEventType.EMPLOYER_BANKRUPTCY)


def plan_happening(worker: Worker, agenda: Agenda, seasons: Sequence[Season], told: Happening) -> None:
    """Plan how a life event goes on from the day it is reported."""
    at = some_time(worker.rng, told.reported_on)
    agenda.plan(at, partial(_report, worker, agenda, seasons, told))


def _report(worker: Worker, agenda: Agenda, seasons: Sequence[Season], told: Happening, at: datetime) -> None:
    if not worker.employment.is_active(at.date()):
        return
    newcomer = None
    if told.newcomer:
        newcomer = add_relative(worker, told.newcomer, at)
        if told.newcomer.relationship is Relationship.SPOUSE:
            worker.wishes = replace(worker.wishes, spouse=True)
        else:
            worker.wishes = replace(worker.wishes, children=True)
    spouse = worker.spouse() if told.event_type in _ABOUT_THE_SPOUSE else None
    reported: Row = {
        "id": worker.ledger.new_id(IdPrefix.LIFE_EVENT, at),
        "employer_id": worker.row["employer_id"],
        "employee_id": worker.id,
        "dependent_id": newcomer or (spouse and spouse.id),
        "event_type": told.event_type,
        "event_on": told.event_on,
        "reported_on": at.date(),
        "status": LifeEventStatus.PENDING,
        "reviewed_on": None,
        "reviewed_at": None,
        "notes": told.notes,
        "review_notes": None,
    }
    row = worker.ledger.add(LifeEvent, reported, at)
    worker.ledger.note_issue(LifeEvent, row, "REPORTED", at)
    later = some_time(worker.rng, told.reviewed_on)
    agenda.plan(later, partial(_review, worker, agenda, seasons, told, row))


def _review(worker: Worker, agenda: Agenda, seasons: Sequence[Season], told: Happening, row: Row, at: datetime) -> None:
    status = LifeEventStatus.APPROVED if told.approved else LifeEventStatus.DENIED
    values: Row = {"status": status, "reviewed_on": at.date(), "reviewed_at": at, "review_notes": told.review_notes}
    worker.ledger.note_change(LifeEvent, row, status.value, values, at)
    if not told.approved:
        return
    if told.event_type in _PARTING and row["dependent_id"]:
        part_with(worker, row["dependent_id"], at)
    if LIFE_EVENT_RULES[told.event_type].reissues:
        later = some_time(worker.rng, told.reissued_on)
        agenda.plan(later, partial(_reissue, worker, agenda, seasons, told, row))


def _reissue(
    worker: Worker, agenda: Agenda, seasons: Sequence[Season], told: Happening, event: Row, at: datetime
) -> None:
    """Reissue what the worker holds in the plan years of that day, as far as the rules let it."""
    today = at.date()
    reissued: list[Held] = []
    for season in seasons:
        for year in season.years if today in season.dates.coverage else ():
            effective_on = _effective_on(worker, year, event)
            old = _reissuable(worker, year, today)
            if old and effective_on and worker.eligibility(year, effective_on).eligible:
                reissued.append(_open(worker, old, event, effective_on, at))
    if reissued:
        later = some_time(worker.rng, told.answered_on)
        agenda.plan(later, partial(_answer, worker, reissued))


def _effective_on(worker: Worker, year: Year, event: Row) -> date | None:
    return compute_effective_date(
        event["event_type"],
        event["event_on"],
        event["reported_on"],
        year.coverage,
        compute_eligibility_date(worker.employment, year.waiting),
    )


def _reissuable(worker: Worker, year: Year, today: date) -> Held | None:
    """Find the enrollment that stands in a plan year, where it is enrolled, waived or lapsed."""
    rows = worker.in_year(year)
    if not rows:
        return None
    last = rows[-1]
    status = last.status(today)
    lapsed = last.row["decision"] is None and last.row["close_reason"] in (None, CloseReason.LAPSED)
    if status is EnrollmentStatus.PENDING or (status is EnrollmentStatus.INACTIVE and not lapsed):
        return None
    return last


def _open(worker: Worker, old: Held, event: Row, effective_on: date, at: datetime) -> Held:
    window = enrollment_window(event["event_type"], event["event_on"], event["reviewed_on"])
    held = issue(
        worker,
        old.year,
        WindowReason.LIFE_EVENT,
        window,
        at,
        window_opens_on=window.start,
        window_closes_on=window.last,
        effective_on=effective_on,
        replaces_id=old.row["id"],
        life_event_id=event["id"],
        reissue_reason=f"{event['event_type'].replace('_', ' ').capitalize()} on {event['event_on']}.",
    )
    held.event_type = event["event_type"]
    return held


def _answer(worker: Worker, reissued: Sequence[Held], at: datetime) -> None:
    for held in reissued:
        effective_on: date = held.row["effective_on"]
        if held.is_pending(at.date()) and held.event_type and worker.eligibility(held.year, effective_on).eligible:
            baseline, plan_id = _baseline(worker, held, held.event_type)
            choice = _choose(worker, held, baseline, plan_id)
            record(worker, held, make_decision(worker, held, choice, at.date(), baseline), at)
    worker.note_elected(at)


def _baseline(worker: Worker, held: Held, event_type: LifeEventType) -> tuple[ReissueBaseline, str | None]:
    """Give what a reissue changes, and the plan that was chosen till then."""
    earlier = [each for each in worker.in_year(held.year) if each is not held and each.row["decision"]]
    if not earlier or not earlier[-1].enrolled:
        return ReissueBaseline(event_type), None
    effective_on: date = held.row["effective_on"]
    covered = frozenset(each.id for each in earlier[-1].covered if each.through is None or each.through >= effective_on)
    plan_id: str = earlier[-1].row["selected_plan_id"]
    return ReissueBaseline(event_type, held.year.plans[plan_id].carrier_plan_id, covered), plan_id


def _choose(worker: Worker, held: Held, baseline: ReissueBaseline, plan_id: str | None) -> Election:
    """Choose what the event lets one choose: keep who was covered, and add whom one may; some stay waived."""
    rule = LIFE_EVENT_RULES[baseline.event_type]
    if plan_id is None and (not rule.may_add or worker.rng.random() < 0.4):
        return Election(held.row["id"], ElectionDecision.WAIVED)
    kept = [
        member.id
        for member in worker.family.values()
        if is_coverable(member, held.row["effective_on"])
        and (member.id in baseline.dependent_ids or member.relationship in rule.may_add)
    ]
    plans = list(held.year.plans)
    return enrolling(held, plan_id or plans[len(plans) // 2], kept)
