"""Generate one employer: plan years, employees, enrollments, and the carrier's side, up to the day before today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from random import Random

from benegraph.db.models import Employer
from benegraph.demo.carrier_groups import CarrierGroup, choose_division, generate_carrier_group
from benegraph.demo.carrier_simulation import CarrierContext, simulate_carrier
from benegraph.demo.employee_timeline import EmployeeTimeline, TimelineBounds, generate_employee_timeline
from benegraph.demo.employees import EmployeeState, add_employee
from benegraph.demo.enrollment_simulation import close_open_enrollment, issue_enrollments, terminate_employment
from benegraph.demo.event_queue import EventQueue
from benegraph.demo.life_event_simulation import schedule_life_event
from benegraph.demo.names import company_name
from benegraph.demo.plan_years import (
    PHASE_WEIGHTS,
    WAITING_RULE_WEIGHTS,
    BenefitTerms,
    BenefitYear,
    EnrollmentPhase,
    PlanYearSchedule,
    generate_benefit_years,
    generate_plan_year,
    plan_year_schedules,
)
from benegraph.demo.random_source import random_source, weighted_choice
from benegraph.demo.record_buffer import RecordBuffer, Row
from benegraph.demo.sample_people import SAMPLE_COUNT, SAMPLE_TERMS, generate_sample_timeline
from benegraph.demo.shared_records import TenantProfile
from benegraph.demo.times_of_day import (
    CLOSING_MINUTE,
    DRAFTING_MINUTE,
    HIRING_MINUTE,
    OPENING_MINUTE,
    TERMINATION_MINUTE,
    TIME_ZONES,
    instant_of,
    start_of_day,
)
from benegraph.domain.catalog import ProductCategory
from benegraph.domain.ids import IdPrefix
from benegraph.domain.plan_years import RenewalMode
from benegraph.domain.values import ONE_DAY


@dataclass(frozen=True, slots=True)
class EmployerProfile:
    """The parameters of an employer: its number in the tenant, its number of employees, and its enrollment phase.

    Without a phase one is drawn. `employees_before` counts the employees of all employers with a lower number.
    """

    number: int
    size: int
    phase: EnrollmentPhase | None = None
    has_sample_people: bool = False
    employees_before: int = 0


def generate_employer(tenant: TenantProfile, profile: EmployerProfile) -> RecordBuffer:
    """Generate all rows of an employer. The same tenant and profile give identical rows."""
    rng = random_source(*tenant.seed_words, profile.number)
    records = RecordBuffer(tenant.actor, tenant.seed_words, profile.number)
    phase = profile.phase or weighted_choice(rng, PHASE_WEIGHTS)
    schedules = plan_year_schedules(rng, phase, tenant.today)
    joined_on = schedules[0].drafted_on - timedelta(days=rng.randrange(5, 40))
    bounds = TimelineBounds(joined_on, tenant.today)
    employer = _add_employer(records, rng, tenant.first_company_number + profile.number, joined_on)
    carrier = _create_carrier_context(records, tenant, profile, employer, schedules[0].coverage.start)
    terms = SAMPLE_TERMS if profile.has_sample_people else _draw_terms(rng)
    benefit_years = generate_benefit_years(records, carrier.group, tenant.products, schedules, terms, tenant.today)
    if profile.has_sample_people:
        _add_draft_plan_year(records, carrier.group, tenant, schedules[-1], terms)
    employees = []
    for number in range(1, profile.size + 1):
        # Each employee has a random source of their own, so that they are the same person on every day.
        employee_rng = random_source(*tenant.seed_words, profile.number, "employee", number)
        timeline = _generate_timeline(employee_rng, bounds, profile, number)
        division_id = carrier.group.divisions[0] if number == 1 else choose_division(carrier.rng, carrier.group)
        entered_at = instant_of(timeline.entered_on, HIRING_MINUTE)
        employee = add_employee(records, employee_rng, employer["id"], division_id, number, timeline, entered_at)
        _simulate_employee(employee, benefit_years, tenant.today)
        employees.append(employee)
    simulate_carrier(carrier, employees)
    return records


def _create_carrier_context(
    records: RecordBuffer, tenant: TenantProfile, profile: EmployerProfile, employer: Row, first_plan_year_on: date
) -> CarrierContext:
    # The carrier's side has random sources of its own, so that changes there leave all other rows as they are.
    rng = random_source(*tenant.seed_words, profile.number, "carrier")
    has_divisions = profile.has_sample_people or (profile.size >= 12 and rng.random() < 0.7)
    group_index = tenant.first_group_number + profile.number
    group = generate_carrier_group(records, rng, employer, group_index, first_plan_year_on, has_divisions=has_divisions)
    return CarrierContext(
        records,
        rng,
        group,
        employer["created_at"].date(),
        first_plan_year_on,
        tenant.today,
        tenant.first_subscriber_number + profile.employees_before,
        is_showcase=profile.has_sample_people,
        auto_paid_through=tenant.auto_paid_through,
    )


def _generate_timeline(rng: Random, bounds: TimelineBounds, profile: EmployerProfile, number: int) -> EmployeeTimeline:
    if profile.has_sample_people and number <= SAMPLE_COUNT:
        return generate_sample_timeline(rng, bounds, number)
    return generate_employee_timeline(rng, bounds)


def _draw_terms(rng: Random) -> BenefitTerms:
    renewal = RenewalMode.PASSIVE if rng.random() < 0.4 else RenewalMode.ACTIVE
    offers_part_timers = rng.random() < 0.5
    return BenefitTerms(weighted_choice(rng, WAITING_RULE_WEIGHTS), renewal, rng.randrange(85, 108), offers_part_timers)


def _add_employer(records: RecordBuffer, rng: Random, company_number: int, joined_on: date) -> Row:
    joined_at = instant_of(joined_on, DRAFTING_MINUTE)
    row = {
        "id": records.new_id(IdPrefix.EMPLOYER),
        "name": company_name(company_number),
        "time_zone": rng.choice(TIME_ZONES),
        "active": True,
    }
    records.add_creation_event(Employer, row, "CREATED", joined_at)
    return records.add(Employer, row, joined_at)


def _add_draft_plan_year(
    records: RecordBuffer, group: CarrierGroup, tenant: TenantProfile, schedule: PlanYearSchedule, terms: BenefitTerms
) -> None:
    """Add a draft plan year of the hospital product, for trying the mutations that change or delete drafts."""
    hospital = next(product for product in tenant.products if product.category is ProductCategory.HOSPITAL)
    tomorrow = tenant.today + ONE_DAY  # later than today, so that it is neither opened nor closed
    draft = PlanYearSchedule(schedule.coverage, schedule.window, schedule.drafted_on, tomorrow, tomorrow)
    generate_plan_year(records, group, hospital, draft, terms, tenant.today)


def _simulate_employee(employee: EmployeeState, benefit_years: Sequence[BenefitYear], today: date) -> None:
    """Run all that happens to an employee from the day they are entered to the day before today."""
    timeline, entered_at = employee.timeline, employee.row["created_at"]
    queue = EventQueue(start_of_day(today))
    previous: BenefitYear | None = None
    for benefit_year in benefit_years:
        schedule = benefit_year.schedule
        opened_at = instant_of(schedule.opened_on, OPENING_MINUTE)
        if opened_at > entered_at:
            queue.schedule(opened_at, partial(issue_enrollments, employee, queue, benefit_year, as_hire=False))
        elif schedule.coverage.last >= timeline.entered_on:
            queue.schedule(entered_at, partial(issue_enrollments, employee, queue, benefit_year, as_hire=True))
        closed_at = instant_of(schedule.closed_on, CLOSING_MINUTE)
        queue.schedule(closed_at, partial(close_open_enrollment, employee, benefit_year, previous))
        previous = benefit_year
    if timeline.terminated_on and timeline.notice_given_on:
        noticed_at = instant_of(timeline.notice_given_on, TERMINATION_MINUTE)
        queue.schedule(noticed_at, partial(terminate_employment, employee, timeline.terminated_on))
    if timeline.life_event:
        schedule_life_event(employee, queue, benefit_years, timeline.life_event)
    queue.run()
