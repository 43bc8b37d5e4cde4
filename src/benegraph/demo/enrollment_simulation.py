"""Stories: enrollments issued, answered, closed and cut short, in the very steps in which the services do it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

from benegraph.db.models import Employee, EnrolledDependent, Enrollment
from benegraph.demo.employees import Agenda, Held, Worker
from benegraph.demo.plan_years import Season, Year
from benegraph.demo.record_buffer import Row
from benegraph.demo.times_of_day import some_time
from benegraph.domain.enrollments.elections import (
    AcceptedElection,
    Election,
    ElectionOffer,
    ReissueBaseline,
    evaluate_election,
)
from benegraph.domain.enrollments.status import (
    Answer,
    CloseReason,
    ElectionDecision,
    WindowReason,
    build_close_values,
    compute_ends,
    find_last_coverable_day,
    new_hire_window,
)
from benegraph.domain.enrollments.tiers import is_coverable
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import Relationship
from benegraph.domain.plan_years import RenewalMode
from benegraph.domain.values import ONE_DAY, DateSpan

_UNANSWERED: Row = dict.fromkeys(
    (
        "window_opens_on",
        "window_closes_on",
        "replaces_id",
        "life_event_id",
        "reissue_reason",
        "decision",
        "decided_at",
        "coverage_tier",
        "selected_plan_id",
        "employee_contribution_cents",
        "employer_contribution_cents",
        "coverage_starts_on",
        "coverage_ends_on",
        "closed_on",
        "close_reason",
        "subscriber_enrollment_id",
    )
)


# -------------------------------------------------------------------------------------------------------- issuing


def issue_season(worker: Worker, agenda: Agenda, season: Season, at: datetime, *, as_hire: bool) -> None:
    """Issue what a worker is eligible for, as opening a plan year does, or a hire after it was opened."""
    issued: list[Held] = []
    for year in season.years:
        eligibility = worker.eligibility(year)
        if not eligibility.eligible or worker.in_year(year):
            continue
        on_time = not as_hire and eligibility.eligible_on <= year.coverage.start
        reason = WindowReason.OPEN_ENROLLMENT if on_time else WindowReason.NEW_HIRE
        window = year.window if on_time else new_hire_window(eligibility.eligible_on, at.date())
        dates = {} if on_time else {"window_opens_on": window.start, "window_closes_on": window.last}
        issued.append(issue(worker, year, reason, window, at, effective_on=eligibility.starts_on, **dates))
    _plan_answers(worker, agenda, season, issued, at)


def issue(worker: Worker, year: Year, reason: WindowReason, window: DateSpan, at: datetime, **values: object) -> Held:
    """Enter one enrollment to be answered, and note it."""
    row: Row = {
        **_UNANSWERED,
        "id": worker.ledger.new_id(IdPrefix.ENROLLMENT, at),
        "employer_id": worker.row["employer_id"],
        "employee_id": worker.id,
        "benefit_product_id": year.row["benefit_product_id"],
        "plan_year_id": year.id,
        "reason": reason,
        "issued_on": at.date(),
        **build_close_values(worker.employment.terminated_on, at.date()),
        **values,
    }
    worker.ledger.add(Enrollment, row, at)
    action = "REISSUED" if reason is WindowReason.LIFE_EVENT else "ISSUED"
    worker.ledger.note_issue(Enrollment, row, action, at, row["reissue_reason"])
    held = Held(row, year, window)
    worker.held.append(held)
    return held


def _plan_answers(worker: Worker, agenda: Agenda, season: Season, issued: Sequence[Held], at: datetime) -> None:
    fate = worker.fate
    if not issued or (fate.silent is not None and at.date() in fate.silent):
        return
    passive = season.years[0].row["renewal"] is RenewalMode.PASSIVE
    chance = 0.5 if fate.steady else worker.rng.random()
    if chance < (0.22 if passive else 0.04):
        return  # they let it lapse, or be renewed
    # One in fourteen forgets about one of them.
    answered = issued[:-1] if chance > 0.93 and len(issued) > 1 else issued
    first = max(answered[0].window.start, at.date() + ONE_DAY)
    days = (answered[0].window.stop - first).days
    if days > 0:
        day = first + timedelta(days=worker.rng.randrange(days))
        agenda.plan(some_time(worker.rng, day), partial(answer_all, worker, answered))


# ------------------------------------------------------------------------------------------------------ answering


def answer_all(worker: Worker, helds: Sequence[Held], at: datetime) -> None:
    """Answer enrollments as `elect` does: all in one call, after the worker's wishes."""
    for held in helds:
        effective_on: date = held.row["effective_on"]
        if held.is_pending(at.date()) and worker.eligibility(held.year, effective_on).eligible:
            record(worker, held, make_decision(worker, held, _choose(worker, held), at.date()), at)
    worker.note_elected(at)


def _choose(worker: Worker, held: Held) -> Election:
    """Choose as the worker wishes: mostly the same from year to year."""
    wishes, rng = worker.wishes, worker.rng
    waives, richness = held.year.category in wishes.waives, wishes.richness
    if not worker.fate.steady:
        waives = waives if rng.random() < 0.95 else not waives
        richness = richness if rng.random() < 0.9 else rng.random()
    if waives:
        return Election(held.row["id"], ElectionDecision.WAIVED)
    plans = list(held.year.plans)
    wished = {Relationship.SPOUSE: wishes.spouse, Relationship.CHILD: wishes.children}
    family = [
        member.id
        for member in worker.family.values()
        if wished[member.relationship] and is_coverable(member, held.row["effective_on"])
    ]
    return enrolling(held, plans[int(richness * len(plans))], family)


def enrolling(held: Held, plan_id: str, dependent_ids: Sequence[str]) -> Election:
    return Election(held.row["id"], ElectionDecision.ENROLLED, plan_id, None, tuple(dependent_ids))


def make_decision(
    worker: Worker, held: Held, choice: Election, today: date, baseline: ReissueBaseline | None = None
) -> AcceptedElection:
    """Judge a choice by every rule of the domain; the demo never chooses what they refuse."""
    year = held.year
    effective_on: date = held.row["effective_on"]
    offer = ElectionOffer(
        facts=held.facts(),
        version=held.row["version"],
        effective_on=effective_on,
        eligibility=worker.eligibility(year, effective_on),
        employment_class=worker.employment.employment_class,
        classes=year.classes,
        plans=year.plans,
        family=worker.family,
        baseline=baseline,
    )
    decided = evaluate_election(choice, offer, today)
    if isinstance(decided, AcceptedElection):
        return decided
    raise AssertionError(f"the demo made a choice that the rules refuse: {decided}")


def record(worker: Worker, held: Held, decided: AcceptedElection, at: datetime, action: str | None = None) -> None:
    """Record an answer, who it covers, and what it makes of earlier ones in the plan year."""
    cost = decided.cost
    enrolled = decided.decision is ElectionDecision.ENROLLED
    values: Row = {
        "decision": decided.decision,
        "decided_at": at,
        "coverage_tier": cost.coverage_tier if cost else None,
        "selected_plan_id": decided.plan_id,
        "employee_contribution_cents": cost.employee_contribution_cents if cost else None,
        "employer_contribution_cents": cost.employer_contribution_cents if cost else None,
        "coverage_starts_on": held.row["effective_on"] if enrolled else None,
    }
    held.covered = decided.dependents
    resettle(worker, held.year, at, _Edit(held, values, action or decided.decision.value))
    for dependent in decided.dependents:
        row = {
            "enrollment_id": held.row["id"],
            "dependent_id": dependent.id,
            "employer_id": held.row["employer_id"],
            "employee_id": worker.id,
            "through": dependent.through,
        }
        worker.ledger.add(EnrolledDependent, row, at)


@dataclass(slots=True)
class _Edit:
    """What is to change of one enrollment besides what it covers."""

    held: Held
    values: Row
    action: str


def resettle(worker: Worker, year: Year, at: datetime, edit: _Edit | None = None) -> None:
    """Lay out anew what a worker's answers in a plan year cover, one of them perhaps given just now."""
    answered = [held for held in worker.in_year(year) if held.row["decision"] or (edit and edit.held is held)]
    answers = [
        Answer(
            edit.values["decision"] if edit and edit.held is held else held.row["decision"], held.row["effective_on"]
        )
        for held in answered
    ]
    standings = compute_ends(answers, year.coverage.last, worker.employment.terminated_on)
    for held, standing in zip(answered, standings, strict=True):
        values: Row = {
            "coverage_ends_on": standing.coverage_ends_on,
            "closed_on": standing.closed_on,
            "close_reason": standing.close_reason,
        }
        if edit and edit.held is held:
            worker.ledger.note_change(Enrollment, held.row, edit.action, edit.values | values, at)
        else:
            worker.ledger.note_change(Enrollment, held.row, "COVERAGE_MOVED", values, at)


# --------------------------------------------------------------------------------------------- closing and leaving


def close_season(worker: Worker, season: Season, before: Season | None, at: datetime) -> None:
    """Close a worker's open enrollment: what is unanswered lapses, or is renewed where the employer renews."""
    for place, year in enumerate(season.years):
        earlier = before.years[place] if before else None
        any_renewed = False
        for held in worker.in_year(year):
            if held.waits(at.date()) and held.row["reason"] is WindowReason.OPEN_ENROLLMENT:
                renewed = _renew(worker, held, earlier, at.date()) if earlier else None
                if renewed:
                    record(worker, held, renewed, at, "RENEWED")
                    any_renewed = True
                else:
                    values: Row = {"closed_on": at.date(), "close_reason": CloseReason.LAPSED}
                    worker.ledger.note_change(Enrollment, held.row, "LAPSED", values, at)
        if any_renewed:
            worker.note_elected(at)


def _renew(worker: Worker, held: Held, earlier: Year, today: date) -> AcceptedElection | None:
    last = earlier.coverage.last
    kept = [
        other
        for other in worker.in_year(earlier)
        if other.enrolled and other.row["coverage_ends_on"] == last  # in force on the eve of the new year
    ]
    effective_on: date = held.row["effective_on"]
    if (
        not kept
        or held.year.row["renewal"] is not RenewalMode.PASSIVE
        or not worker.eligibility(held.year, effective_on).eligible
    ):
        return None
    carrier_plan_id = earlier.plans[kept[-1].row["selected_plan_id"]].carrier_plan_id
    plan_id = next(id for id, plan in held.year.plans.items() if plan.carrier_plan_id == carrier_plan_id)
    remaining = [each.id for each in kept[-1].covered if is_coverable(worker.family[each.id], effective_on)]
    # The window is over; closing does on the worker's behalf what it was for.
    open_again = replace(held, window=DateSpan(today, today + ONE_DAY))
    return make_decision(worker, open_again, enrolling(held, plan_id, remaining), today)


def leave(worker: Worker, terminated_on: date, at: datetime) -> None:
    """End an employment, as `terminateEmployee` does."""
    worker.ledger.note_change(Employee, worker.row, "TERMINATED", {"terminated_on": terminated_on}, at)
    worker.employment = replace(worker.employment, terminated_on=terminated_on)
    for held in worker.held:
        if held.waits(at.date()):
            limit = find_last_coverable_day(held.year.coverage.last, terminated_on)
            closed_on = max(at.date(), terminated_on) if held.row["effective_on"] <= limit else at.date()
            values: Row = {"closed_on": closed_on, "close_reason": CloseReason.TERMINATED}
            worker.ledger.note_change(Enrollment, held.row, "CLOSED", values, at)
    for year in {held.year.id: held.year for held in worker.held}.values():
        resettle(worker, year, at)
    worker.note_elected(at)
