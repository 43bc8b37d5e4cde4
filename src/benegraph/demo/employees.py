"""The state of a simulated employee: their row, employment, family and enrollments."""

from dataclasses import dataclass, field
from datetime import date, datetime
from random import Random

from benegraph.db.models import Dependent, Employee
from benegraph.demo.employee_timeline import EmployeeTimeline
from benegraph.demo.people import CoveragePreferences, SampleRelative, email_address
from benegraph.demo.plan_years import OfferedPlanYear
from benegraph.demo.record_buffer import RecordBuffer, Row
from benegraph.domain.enrollments.elections import CoveredDependent
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.enrollments.status import (
    ElectionDecision,
    EnrollmentFacts,
    EnrollmentStatus,
    derive_enrollment_status,
)
from benegraph.domain.enrollments.tiers import DependentFacts
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import Employment, Relationship
from benegraph.domain.plan_years import Eligibility, evaluate_eligibility
from benegraph.domain.values import DateSpan


@dataclass(slots=True)
class EnrollmentState:
    """An enrollment: its row, its plan year, its window, and the dependents that it covers."""

    row: Row
    plan_year: OfferedPlanYear
    window: DateSpan
    #: The type of the life event by which it was reissued.
    event_type: LifeEventType | None = None
    covered: tuple[CoveredDependent, ...] = ()

    @property
    def is_enrolled(self) -> bool:
        return self.row["decision"] is ElectionDecision.ENROLLED

    def facts(self) -> EnrollmentFacts:
        row = self.row
        return EnrollmentFacts(
            row["decision"],
            self.window,
            self.plan_year.coverage.last,
            row["effective_on"],
            row["coverage_ends_on"],
            row["closed_on"],
        )

    def status(self, today: date) -> EnrollmentStatus:
        return derive_enrollment_status(self.facts(), today)

    def is_pending(self, today: date) -> bool:
        return self.status(today) is EnrollmentStatus.PENDING

    def is_unanswered(self, today: date) -> bool:
        """Return whether it is neither answered nor closed. Under notice, `closed_on` may be in the future."""
        closed_on = self.row["closed_on"]
        return self.row["decision"] is None and (closed_on is None or closed_on > today)


@dataclass(frozen=True, slots=True)
class ElectionSnapshot:
    """The enrolled elections of an employee at one instant.

    `coverage_ends_on` holds the end of each election's coverage at that instant, None where it was cancelled. The rows
    themselves change later.
    """

    at: datetime
    rows: tuple[Row, ...]
    coverage_ends_on: tuple[date | None, ...]
    hired_on: date
    terminated_on: date | None

    def spans(self) -> list[tuple[Row, DateSpan | None]]:
        """Return each election with the span of its coverage."""
        return [
            (row, None if end is None else DateSpan.through(row["coverage_starts_on"], end))
            for row, end in zip(self.rows, self.coverage_ends_on, strict=True)
        ]


@dataclass(slots=True)
class EmployeeState:
    """An employee during the simulation; `number` counts the employees of the employer from 1."""

    records: RecordBuffer
    rng: Random
    number: int
    timeline: EmployeeTimeline
    row: Row
    employment: Employment
    preferences: CoveragePreferences
    family: dict[str, DependentFacts] = field(default_factory=dict)
    dependent_rows: dict[str, Row] = field(default_factory=dict)
    enrollments: list[EnrollmentState] = field(default_factory=list)
    #: One after each change of the elections; the carrier's coverage of record follows them.
    election_snapshots: list[ElectionSnapshot] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.row["id"])

    def enrollments_in(self, plan_year: OfferedPlanYear) -> list[EnrollmentState]:
        """Return the enrollments in a plan year, oldest first."""
        return [enrollment for enrollment in self.enrollments if enrollment.plan_year is plan_year]

    def eligibility(self, plan_year: OfferedPlanYear, effective_on: date | None = None) -> Eligibility:
        return evaluate_eligibility(
            self.employment, plan_year.coverage, plan_year.waiting, plan_year.offered_to, effective_on
        )

    def add_election_snapshot(self, at: datetime) -> None:
        """Add a snapshot of the elections, unless there are none yet."""
        rows = tuple(enrollment.row for enrollment in self.enrollments if enrollment.is_enrolled)
        if rows:
            ends = tuple(row["coverage_ends_on"] for row in rows)
            snapshot = ElectionSnapshot(at, rows, ends, self.row["hired_on"], self.employment.terminated_on)
            self.election_snapshots.append(snapshot)

    def spouse(self) -> DependentFacts | None:
        spouses = (member for member in self.family.values() if member.relationship is Relationship.SPOUSE)
        return next((member for member in spouses if member.active), None)


def add_employee(
    records: RecordBuffer,
    rng: Random,
    employer_id: str,
    division_id: str,
    number: int,
    timeline: EmployeeTimeline,
    at: datetime,
) -> EmployeeState:
    """Add an employee with the dependents, as `createEmployee` and `addDependent` do, without issuing enrollments."""
    person = timeline.person
    row: Row = {
        "id": records.new_id(IdPrefix.EMPLOYEE, employer_id),
        "employer_id": employer_id,
        "external_id": timeline.external_id or f"E{number:05d}",
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": email_address(person.first_name, person.last_name, number),
        "date_of_birth": person.date_of_birth,
        "employment_class": person.employment_class,
        "division_id": division_id,
        "hired_on": timeline.hired_on,
        "class_changed_on": None,
        "terminated_on": None,
    }
    records.add(Employee, row, at)
    recorded = {
        "employment_class": person.employment_class,
        "division_id": division_id,
        "hired_on": timeline.hired_on,
    }
    records.add_event(Employee, row, "HIRED", at, None, recorded, None)
    employment = Employment(person.employment_class, timeline.hired_on)
    employee = EmployeeState(records, rng, number, timeline, row, employment, person.preferences)
    for relative in person.family:
        add_dependent(employee, relative, at)
    return employee


def add_dependent(employee: EmployeeState, relative: SampleRelative, at: datetime) -> str:
    """Add a dependent, as `addDependent` does, and return its ID."""
    id = employee.records.new_id(IdPrefix.DEPENDENT, employee.id)
    row: Row = {
        "id": id,
        "employer_id": employee.row["employer_id"],
        "employee_id": employee.id,
        "first_name": relative.first_name,
        "last_name": relative.last_name,
        "date_of_birth": relative.date_of_birth,
        "relationship": relative.relationship,
        "active": True,
        "disabled": relative.disabled,
    }
    employee.dependent_rows[id] = employee.records.add(Dependent, row, at)
    employee.records.add_creation_event(Dependent, row, "ADDED", at)
    employee.family[id] = DependentFacts(id, relative.relationship, relative.date_of_birth, relative.disabled)
    return id


def deactivate_dependent(employee: EmployeeState, id: str, at: datetime) -> None:
    """Deactivate a dependent, as `updateDependent` does. Coverage stays the same until the next election."""
    member = employee.family[id]
    employee.family[id] = DependentFacts(id, member.relationship, member.date_of_birth, member.disabled, active=False)
    employee.records.update_with_event(Dependent, employee.dependent_rows[id], "UPDATED", {"active": False}, at)
