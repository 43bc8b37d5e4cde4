"""The simulation of enrollments: issue, elect, renew, lapse and terminate, in the same steps as the services."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

from benegraph.db.models import ConfirmedDependent, ElectionConfirmation, Employee, EnrolledDependent, Enrollment
from benegraph.demo.employees import EmployeeState, EnrollmentState
from benegraph.demo.event_queue import EventQueue
from benegraph.demo.plan_years import BenefitYear, OfferedPlanYear
from benegraph.demo.record_buffer import Row
from benegraph.demo.times_of_day import random_instant
from benegraph.domain.access import Role
from benegraph.domain.enrollments.elections import (
    AcceptedElection,
    Election,
    ElectionOffer,
    ReissueBaseline,
    evaluate_election,
)
from benegraph.domain.enrollments.status import (
    Answer,
    AnswerSource,
    CloseReason,
    ElectionDecision,
    WindowReason,
    build_close_values,
    compute_ends,
    new_hire_window,
)
from benegraph.domain.enrollments.tiers import is_coverable
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import Relationship
from benegraph.domain.plan_years import RenewalMode
from benegraph.domain.values import ONE_DAY, DateSpan

_NULL_COLUMNS: Row = dict.fromkeys(
    (
        "window_opens_on",
        "window_closes_on",
        "window_extended_through",
        "replaces_id",
        "life_event_id",
        "reissue_reason",
        "decision",
        "decided_at",
        "waiver_reason",
        "coverage_tier",
        "waiver_reason",
        "selected_plan_id",
        "employee_contribution_cents",
        "employer_contribution_cents",
        "coverage_starts_on",
        "coverage_ends_on",
        "ended_through",
        "end_reason",
        "closed_on",
        "close_reason",
        "subscriber_enrollment_id",
    )
)
# More than an employer has employees. Enrollments sort by plan year, then by employee.
_RANKS_PER_PLAN_YEAR = 100_000


# ---------------------------------------------------------------------------------------------------------- issue


def issue_enrollments(
    employee: EmployeeState, queue: EventQueue, benefit_year: BenefitYear, at: datetime, *, as_hire: bool
) -> None:
    """Issue the enrollments that an employee is eligible for, and schedule the answers.

    With `as_hire` they are issued as hiring an employee does, else as opening a plan year does.
    """
    issued: list[EnrollmentState] = []
    for plan_year in benefit_year.plan_years:
        eligibility = employee.eligibility(plan_year)
        if not eligibility.eligible or employee.enrollments_in(plan_year):
            continue
        effective_on = eligibility.starts_on
        if not as_hire and eligibility.eligible_on <= plan_year.coverage.start:
            reason, window = WindowReason.OPEN_ENROLLMENT, plan_year.window
            enrollment = issue_enrollment(employee, plan_year, reason, window, at, effective_on=effective_on)
        else:
            reason, window = WindowReason.NEW_HIRE, new_hire_window(eligibility.eligible_on, at.date())
            enrollment = issue_enrollment(
                employee,
                plan_year,
                reason,
                window,
                at,
                effective_on=effective_on,
                window_opens_on=window.start,
                window_closes_on=window.last,
            )
        issued.append(enrollment)
    _schedule_answers(employee, queue, benefit_year, issued, at)


def issue_enrollment(
    employee: EmployeeState,
    plan_year: OfferedPlanYear,
    reason: WindowReason,
    window: DateSpan,
    at: datetime,
    **values: object,
) -> EnrollmentState:
    """Add one pending enrollment with its history event."""
    rank = plan_year.position * _RANKS_PER_PLAN_YEAR + employee.number
    row: Row = {
        **_NULL_COLUMNS,
        "id": employee.records.new_id(IdPrefix.ENROLLMENT, plan_year.id, employee.id, rank=rank),
        "employer_id": employee.row["employer_id"],
        "employee_id": employee.id,
        "benefit_product_id": plan_year.row["benefit_product_id"],
        "plan_year_id": plan_year.id,
        "reason": reason,
        "issued_on": at.date(),
        **build_close_values(employee.employment.terminated_on, at.date()),
        **values,
    }
    employee.records.add(Enrollment, row, at)
    action = "REISSUED" if reason is WindowReason.LIFE_EVENT else "ISSUED"
    employee.records.add_creation_event(Enrollment, row, action, at, row["reissue_reason"])
    enrollment = EnrollmentState(row, plan_year, window)
    employee.enrollments.append(enrollment)
    return enrollment


def _schedule_answers(
    employee: EmployeeState,
    queue: EventQueue,
    benefit_year: BenefitYear,
    issued: Sequence[EnrollmentState],
    at: datetime,
) -> None:
    """Schedule one answer to the issued enrollments. Some employees skip one of them, and some do not answer."""
    timeline = employee.timeline
    if not issued or (timeline.unanswered_span is not None and at.date() in timeline.unanswered_span):
        return
    is_passive = benefit_year.plan_years[0].row["renewal"] is RenewalMode.PASSIVE
    chance = 0.5 if timeline.is_scripted else employee.rng.random()
    if chance < (0.22 if is_passive else 0.04):
        return  # the enrollments lapse, or are renewed
    # 7 % of the employees leave one enrollment unanswered.
    answered = issued[:-1] if chance > 0.93 and len(issued) > 1 else issued
    first = max(answered[0].window.start, at.date() + ONE_DAY)
    days = (answered[0].window.stop - first).days
    if days > 0:
        day = first + timedelta(days=employee.rng.randrange(days))
        queue.schedule(random_instant(employee.rng, day), partial(answer_enrollments, employee, answered))


# --------------------------------------------------------------------------------------------------------- answer


def answer_enrollments(employee: EmployeeState, enrollments: Sequence[EnrollmentState], at: datetime) -> None:
    """Answer enrollments by the employee's preferences, as one call of `elect` does."""
    for enrollment in enrollments:
        effective_on: date = enrollment.row["effective_on"]
        if enrollment.is_pending(at.date()) and employee.eligibility(enrollment.plan_year, effective_on).eligible:
            accepted = accept_election(employee, enrollment, _choose_election(employee, enrollment), at.date())
            record_election(employee, enrollment, accepted, at)
    employee.add_election_snapshot(at)


def _choose_election(employee: EmployeeState, enrollment: EnrollmentState) -> Election:
    """Choose by the employee's preferences, with occasional deviations."""
    preferences, rng = employee.preferences, employee.rng
    waives, price_level = enrollment.plan_year.category in preferences.waived_categories, preferences.price_level
    if not employee.timeline.is_scripted:
        waives = waives if rng.random() < 0.95 else not waives
        price_level = price_level if rng.random() < 0.9 else rng.random()
    if waives:
        return Election(enrollment.row["id"], ElectionDecision.WAIVED)
    plan_ids = list(enrollment.plan_year.plans)
    covers = {
        Relationship.SPOUSE: preferences.covers_spouse,
        Relationship.CHILD: preferences.covers_children,
    }
    dependent_ids = [
        member.id
        for member in employee.family.values()
        if covers[member.relationship] and is_coverable(member, enrollment.row["effective_on"])
    ]
    return elect_plan(enrollment, plan_ids[int(price_level * len(plan_ids))], dependent_ids)


def elect_plan(enrollment: EnrollmentState, plan_id: str, dependent_ids: Sequence[str]) -> Election:
    return Election(enrollment.row["id"], ElectionDecision.ENROLLED, plan_id, None, tuple(dependent_ids))


def accept_election(
    employee: EmployeeState,
    enrollment: EnrollmentState,
    election: Election,
    today: date,
    baseline: ReissueBaseline | None = None,
) -> AcceptedElection:
    """Apply the election rules. A refusal is a defect of the generator and raises AssertionError."""
    plan_year = enrollment.plan_year
    effective_on: date = enrollment.row["effective_on"]
    offer = ElectionOffer(
        facts=enrollment.facts(),
        version=enrollment.row["version"],
        eligibility=employee.eligibility(plan_year, effective_on),
        employment_class=employee.employment.employment_class,
        classes=plan_year.classes,
        plans=plan_year.plans,
        dependents=employee.family,
        baseline=baseline,
    )
    accepted = evaluate_election(election, offer, today)
    if isinstance(accepted, AcceptedElection):
        return accepted
    raise AssertionError(f"the election rules refuse a generated election: {accepted}")


def record_election(
    employee: EmployeeState,
    enrollment: EnrollmentState,
    accepted: AcceptedElection,
    at: datetime,
    action: str | None = None,
) -> None:
    """Record a decision with its covered dependents, and recompute the coverage of earlier ones in the plan year."""
    cost = accepted.cost
    is_enrolled = accepted.decision is ElectionDecision.ENROLLED
    values: Row = {
        "decision": accepted.decision,
        "decided_at": at,
        "coverage_tier": cost.coverage_tier if cost else None,
        "selected_plan_id": accepted.plan_id,
        "employee_contribution_cents": cost.employee_contribution_cents if cost else None,
        "employer_contribution_cents": cost.employer_contribution_cents if cost else None,
        "coverage_starts_on": enrollment.row["effective_on"] if is_enrolled else None,
    }
    enrollment.covered = accepted.dependents
    new_election = _NewElection(enrollment, values, action or accepted.decision.value)
    recompute_coverage(employee, enrollment.plan_year, at, new_election)
    for dependent in accepted.dependents:
        row = {
            "enrollment_id": enrollment.row["id"],
            "dependent_id": dependent.id,
            "employer_id": enrollment.row["employer_id"],
            "employee_id": employee.id,
            "through": dependent.through,
        }
        employee.records.add(EnrolledDependent, row, at)
    _confirm(employee, enrollment, accepted, at)


#: The columns of a confirmation that hold the values of the enrollment's own.
_CONFIRMED_COLUMNS = (
    "employer_id",
    "employee_id",
    "decision",
    "waiver_reason",
    "selected_plan_id",
    "coverage_tier",
    "employee_contribution_cents",
    "employer_contribution_cents",
    "effective_on",
    "coverage_starts_on",
    "coverage_ends_on",
)


def _confirm(employee: EmployeeState, enrollment: EnrollmentState, accepted: AcceptedElection, at: datetime) -> None:
    """Add the confirmation of an answer that was just recorded."""
    row, plan_year = enrollment.row, enrollment.plan_year
    is_renewal = row["reason"] is WindowReason.OPEN_ENROLLMENT and at.date() > enrollment.window.last
    confirmation: Row = {
        "id": employee.records.new_id(IdPrefix.ELECTION_CONFIRMATION, row["id"]),
        "enrollment_id": row["id"],
        "enrollment_version": row["version"],
        "source": AnswerSource.RENEWAL if is_renewal else AnswerSource.ELECTION,
        "actor_role": Role.ADMINISTRATOR,
        "benefit_product_name": plan_year.product_name,
        "plan_name": plan_year.plans[accepted.plan_id].name if accepted.plan_id else None,
        "changeable_through": None if at.date() > enrollment.window.last else enrollment.window.last,
        **{name: row[name] for name in _CONFIRMED_COLUMNS},
    }
    employee.records.add(ElectionConfirmation, confirmation, at)
    for dependent in accepted.dependents:
        covered: Row = {
            "confirmation_id": confirmation["id"],
            "dependent_id": dependent.id,
            "employer_id": row["employer_id"],
            "employee_id": employee.id,
            "through": dependent.through,
        }
        employee.records.add(ConfirmedDependent, covered, at)


@dataclass(slots=True)
class _NewElection:
    """The column values of a decision that are not in the enrollment's row yet, and its history action."""

    enrollment: EnrollmentState
    values: Row
    action: str


def recompute_coverage(
    employee: EmployeeState, plan_year: OfferedPlanYear, at: datetime, new: _NewElection | None = None
) -> None:
    """Recompute the coverage span of each answered enrollment in a plan year, and record the changes."""
    answered = [
        enrollment
        for enrollment in employee.enrollments_in(plan_year)
        if enrollment.row["decision"] or (new and new.enrollment is enrollment)
    ]
    answers = [
        Answer(
            new.values["decision"] if new and new.enrollment is enrollment else enrollment.row["decision"],
            enrollment.row["effective_on"],
        )
        for enrollment in answered
    ]
    standings = compute_ends(answers, plan_year.coverage.last, employee.employment.terminated_on)
    for enrollment, standing in zip(answered, standings, strict=True):
        values: Row = {
            "coverage_ends_on": standing.coverage_ends_on,
            "closed_on": standing.closed_on,
            "close_reason": standing.close_reason,
        }
        if new and new.enrollment is enrollment:
            employee.records.update_with_event(Enrollment, enrollment.row, new.action, new.values | values, at)
        else:
            employee.records.update_with_event(Enrollment, enrollment.row, "COVERAGE_MOVED", values, at)


# --------------------------------------------------------------------------------------------- close and terminate


def close_open_enrollment(
    employee: EmployeeState, benefit_year: BenefitYear, previous: BenefitYear | None, at: datetime
) -> None:
    """Close an employee's unanswered open-enrollment enrollments: renew them where the employer renews, else lapse."""
    for index, plan_year in enumerate(benefit_year.plan_years):
        previous_plan_year = previous.plan_years[index] if previous else None
        any_renewed = False
        for enrollment in employee.enrollments_in(plan_year):
            if not enrollment.is_unanswered(at.date()) or enrollment.row["reason"] is not WindowReason.OPEN_ENROLLMENT:
                continue
            renewed = _renew(employee, enrollment, previous_plan_year, at.date()) if previous_plan_year else None
            if renewed:
                record_election(employee, enrollment, renewed, at, "RENEWED")
                any_renewed = True
            else:
                values: Row = {"closed_on": at.date(), "close_reason": CloseReason.LAPSED}
                employee.records.update_with_event(Enrollment, enrollment.row, "LAPSED", values, at)
        if any_renewed:
            employee.add_election_snapshot(at)


def _renew(
    employee: EmployeeState, enrollment: EnrollmentState, previous: OfferedPlanYear, today: date
) -> AcceptedElection | None:
    """Decide a passive renewal with the previous plan year's carrier plan; None where nothing can be renewed."""
    last_day = previous.coverage.last
    in_force = [
        other
        for other in employee.enrollments_in(previous)
        if other.is_enrolled and other.row["coverage_ends_on"] == last_day
    ]
    effective_on: date = enrollment.row["effective_on"]
    if (
        not in_force
        or enrollment.plan_year.row["renewal"] is not RenewalMode.PASSIVE
        or not employee.eligibility(enrollment.plan_year, effective_on).eligible
    ):
        return None
    renewed = in_force[-1]
    carrier_plan_id = previous.plans[renewed.row["selected_plan_id"]].carrier_plan_id
    plan_id = next(id for id, plan in enrollment.plan_year.plans.items() if plan.carrier_plan_id == carrier_plan_id)
    dependent_ids = [item.id for item in renewed.covered if is_coverable(employee.family[item.id], effective_on)]
    # The window is over; the renewal is accepted as if it were open today.
    reopened = replace(enrollment, window=DateSpan(today, today + ONE_DAY))
    return accept_election(employee, reopened, elect_plan(enrollment, plan_id, dependent_ids), today)


def terminate_employment(employee: EmployeeState, terminated_on: date, at: datetime) -> None:
    """Terminate an employment, as `terminateEmployee` does."""
    employee.records.update_with_event(Employee, employee.row, "TERMINATED", {"terminated_on": terminated_on}, at)
    employee.employment = replace(employee.employment, terminated_on=terminated_on)
    for enrollment in employee.enrollments:
        if enrollment.is_unanswered(at.date()):
            closed_on = max(at.date(), terminated_on) if enrollment.row["effective_on"] < terminated_on else at.date()
            values: Row = {"closed_on": closed_on, "close_reason": CloseReason.TERMINATED}
            employee.records.update_with_event(Enrollment, enrollment.row, "CLOSED", values, at)
    for plan_year in {enrollment.plan_year.id: enrollment.plan_year for enrollment in employee.enrollments}.values():
        recompute_coverage(employee, plan_year, at)
    employee.add_election_snapshot(at)
