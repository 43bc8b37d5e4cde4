"""Workers: employees as their stories go on, with the family known so far, and what they hold in each plan year."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from heapq import heappop, heappush
from random import Random

from benegraph.db.models import Dependent, Employee
from benegraph.demo.employee_timeline import Fate
from benegraph.demo.people import Relative, Wishes, email_of
from benegraph.demo.plan_years import Year
from benegraph.demo.record_buffer import Ledger, Row
from benegraph.domain.enrollments.elections import CoveredDependent
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.enrollments.status import (
    ElectionDecision,
    EnrollmentFacts,
    EnrollmentStatus,
    derive_enrollment_status,
)
from benegraph.domain.enrollments.tiers import FamilyMember
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import Employment, Relationship
from benegraph.domain.plan_years import Eligibility, evaluate_eligibility
from benegraph.domain.values import DateSpan

Story = Callable[[datetime], None]


@dataclass(slots=True)
class Held:
    """An enrollment in somebody's hands, and who its answer covers."""

    row: Row
    year: Year
    window: DateSpan
    event_type: LifeEventType | None = None
    covered: tuple[CoveredDependent, ...] = ()

    @property
    def enrolled(self) -> bool:
        return self.row["decision"] is ElectionDecision.ENROLLED

    def facts(self) -> EnrollmentFacts:
        row = self.row
        return EnrollmentFacts(
            row["decision"],
            self.window,
            self.year.coverage.last,
            row["coverage_starts_on"],
            row["coverage_ends_on"],
            row["closed_on"],
        )

    def status(self, today: date) -> EnrollmentStatus:
        return derive_enrollment_status(self.facts(), today)

    def is_pending(self, today: date) -> bool:
        return self.status(today) is EnrollmentStatus.PENDING

    def waits(self, today: date) -> bool:
        """Tell whether nobody has answered and nothing has closed it: who has given notice may answer till then."""
        closed_on = self.row["closed_on"]
        return self.row["decision"] is None and (closed_on is None or closed_on > today)


@dataclass(frozen=True, slots=True)
class Elected:
    """What somebody had elected by an instant: the answers, and how long each covered then, None where cancelled."""

    at: datetime
    rows: tuple[Row, ...]
    ends: tuple[date | None, ...]
    hired_on: date
    terminated_on: date | None

    def spans(self) -> list[tuple[Row, DateSpan | None]]:
        """Give each answer with the days it covered."""
        return [
            (row, None if end is None else DateSpan.through(row["coverage_starts_on"], end))
            for row, end in zip(self.rows, self.ends, strict=True)
        ]


@dataclass(slots=True)
class Worker:
    """An employee in the midst of their stories."""

    ledger: Ledger
    rng: Random
    fate: Fate
    row: Row
    employment: Employment
    wishes: Wishes
    family: dict[str, FamilyMember] = field(default_factory=dict)
    relatives: dict[str, Row] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    #: What they had elected, after each time it may have changed: the carrier follows it.
    elected: list[Elected] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.row["id"])

    def in_year(self, year: Year) -> list[Held]:
        """Give what they hold in a plan year, oldest first."""
        return [held for held in self.held if held.year is year]

    def eligibility(self, year: Year, effective_on: date | None = None) -> Eligibility:
        return evaluate_eligibility(self.employment, year.coverage, year.waiting, year.offered_to, effective_on)

    def note_elected(self, at: datetime) -> None:
        """Note what they have elected by now; nothing is noted where they have elected nothing yet."""
        rows = tuple(held.row for held in self.held if held.enrolled)
        if rows:
            ends = tuple(row["coverage_ends_on"] for row in rows)
            self.elected.append(Elected(at, rows, ends, self.row["hired_on"], self.employment.terminated_on))

    def spouse(self) -> FamilyMember | None:
        spouses = (member for member in self.family.values() if member.relationship is Relationship.SPOUSE)
        return next((member for member in spouses if member.active), None)


@dataclass(slots=True)
class Agenda:
    """Stories still to come, told in the order of their instants; those from `end` on are not told, only planned."""

    end: datetime
    _coming: list[tuple[datetime, int, Story]] = field(default_factory=list)
    _planned: int = 0

    def plan(self, at: datetime, story: Story) -> None:
        if at < self.end:
            self._planned += 1
            heappush(self._coming, (at, self._planned, story))

    def tell(self) -> None:
        """Tell all stories; each may plan others after it."""
        while self._coming:
            at, _, story = heappop(self._coming)
            story(at)


def enter_worker(
    ledger: Ledger, rng: Random, employer_id: str, division_id: str, number: int, fate: Fate, at: datetime
) -> Worker:
    """Take somebody on, as `createEmployee` does, with the family they tell of; what that issues comes after."""
    person = fate.person
    row: Row = {
        "id": ledger.new_id(IdPrefix.EMPLOYEE, at),
        "employer_id": employer_id,
        "external_id": fate.external_id or f"E{number:05d}",
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": email_of(person.first_name, person.last_name, number),
        "date_of_birth": person.date_of_birth,
        "employment_class": person.employment_class,
        "division_id": division_id,
        "hired_on": fate.hired_on,
        "class_changed_on": None,
        "terminated_on": None,
    }
    ledger.add(Employee, row, at)
    kept = {"employment_class": person.employment_class, "hired_on": fate.hired_on}
    ledger.note(Employee, row, "HIRED", at, None, kept, None)
    worker = Worker(ledger, rng, fate, row, Employment(person.employment_class, fate.hired_on), person.wishes)
    for relative in person.family:
        add_relative(worker, relative, at)
    return worker


def add_relative(worker: Worker, relative: Relative, at: datetime) -> str:
    """Add somebody to a worker's family, as `addDependent` does; give the id."""
    id = worker.ledger.new_id(IdPrefix.DEPENDENT, at)
    row: Row = {
        "id": id,
        "employer_id": worker.row["employer_id"],
        "employee_id": worker.id,
        "first_name": relative.first_name,
        "last_name": relative.last_name,
        "date_of_birth": relative.date_of_birth,
        "relationship": relative.relationship,
        "active": True,
        "disabled": relative.disabled,
    }
    worker.relatives[id] = worker.ledger.add(Dependent, row, at)
    worker.family[id] = FamilyMember(id, relative.relationship, relative.date_of_birth, relative.disabled)
    return id


def part_with(worker: Worker, id: str, at: datetime) -> None:
    """Let a member of the family go, as `updateDependent` does: coverage stays as it is till the next answer."""
    member = worker.family[id]
    worker.family[id] = FamilyMember(id, member.relationship, member.date_of_birth, member.disabled, active=False)
    worker.ledger.change(worker.relatives[id], {"active": False}, at)
