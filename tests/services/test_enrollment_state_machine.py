"""A state machine of all enrollment actions: also corrections, moves between divisions, rehires and copied plan years.

No two coverages share a day, no covered day is lost without reason, and the coverage of record agrees on each day.
"""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from coverage_invariants import to_date
from enrollment_machine import DIVISIONS, EnrollmentMachine, indexes, pick
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from benegraph.domain.enrollments.coverage_ends import CoverageEnd, CoverageEndReason
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.people import EmploymentClass
from benegraph.domain.values import ONE_DAY, last_day_of_month
from benegraph.services.division_moves import move_employee
from benegraph.services.employers import deactivate_employer, reactivate_employer
from benegraph.services.enrollments import WindowExtension, end_coverage, extend_windows, override_election
from benegraph.services.life_event_reviews import EmploymentChange, review_with_employment_change
from benegraph.services.plan_years import PlanYearCopy, copy_plan_year
from benegraph.services.rehires import Rehire, rehire_employee
from factories.office import enroll, waive

STEPS = 25
REASON = "Correction."


def test_random_actions_keep_coverage_invariants(database_url: str) -> None:
    run_machine(database_url, 8)


@pytest.mark.conformance
def test_hundred_random_runs_keep_coverage_invariants(database_url: str) -> None:
    run_machine(database_url, 100)


def run_machine(database_url: str, examples: int) -> None:
    with asyncio.Runner() as runner:
        engine = create_engine(database_url, PoolSettings(size=1, overflow=1))
        database = Database(engine)

        class BoundMachine(CorrectionMachine):
            def __init__(self) -> None:
                super().__init__(runner, database)

        try:
            run_state_machine_as_test(
                BoundMachine,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=STEPS,
                    deadline=None,
                    derandomize=True,
                    database=None,
                    phases=(Phase.generate,),  # shrinking takes minutes: add Phase.shrink by hand
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(engine.dispose())


class CorrectionMachine(EnrollmentMachine):
    """The machine with the operations that correct enrollments and change employments."""

    # ------------------------------------------------------------------------------------------------- enrollments

    @precondition(lambda self: self.answered())
    @rule(
        index=indexes,
        reason=st.sampled_from(CoverageEndReason),
        days=st.sampled_from([None, -20, 0, 3, 40]),
        event=indexes,
    )
    def end_coverage(self, index: int, reason: CoverageEndReason, days: int | None, event: int) -> None:
        row = pick(self.answered(), index)
        last_day = None if days is None else self.office.today + timedelta(days=days)
        events = [each["id"] for each in self.of("life_events") if each["employee_id"] == row["employee_id"]]
        if reason is CoverageEndReason.VOLUNTARY:
            last_day, life_event = None, pick(events, event) if events else None
        else:
            life_event = None
            if last_day and reason is CoverageEndReason.LOSS_OF_ELIGIBILITY:
                last_day = last_day_of_month(last_day)
        end = CoverageEnd(reason, last_day, life_event, REASON)

        def may_lose(employee: str, lost_day: date, covering: str) -> bool:
            rows = self.snapshot.tables["enrollments"]
            return (
                employee == row["employee_id"]
                and rows[covering]["plan_year_id"] == row["plan_year_id"]
                and lost_day > to_date(rows[row["id"]]["ended_through"])
            )

        self.run(self.office.run(end_coverage, row["id"], end, None), may_lose=may_lose)

    @precondition(lambda self: self.of("enrollments"))
    @rule(
        index=indexes,
        plan=indexes,
        family=indexes,
        waived=st.sampled_from([False, False, True]),
        days=st.sampled_from([None, None, -40, -5, 20, 50]),
    )
    def override_election(self, index: int, plan: int, family: int, waived: bool, days: int | None) -> None:
        row = pick(self.of("enrollments"), -1 - index)
        own = [dependent["id"] for dependent in self.of("dependents") if dependent["employee_id"] == row["employee_id"]]
        covered = [id for number, id in enumerate(own) if family >> number & 1]
        plans = self.plans[row["plan_year_id"]]
        election = waive(row["id"]) if waived else enroll(row["id"], pick(plans, plan), *covered)
        effective_on = to_date(row["effective_on"]) if days is None else self.office.today + timedelta(days=days)
        self.run(
            self.office.run(override_election, election, None if days is None else effective_on, REASON),
            may_lose=lambda employee, on, _row: waived and employee == row["employee_id"] and on >= effective_on,
        )

    @precondition(lambda self: self.of("enrollments"))
    @rule(index=indexes, days=st.sampled_from([0, 3, 15, 30]))
    def extend_window(self, index: int, days: int) -> None:
        row = pick(self.of("enrollments"), -1 - index)
        last_day = self.office.today + timedelta(days=days)
        extensions = [WindowExtension(row["id"])]
        self.run(self.office.run(extend_windows, row["employee_id"], extensions, last_day, REASON))

    # ------------------------------------------------------------------------------------------------- employments

    @rule(employee_index=indexes, division=st.sampled_from(DIVISIONS), days=st.sampled_from([-25, 0, 1, 12, 40]))
    def move_employee(self, employee_index: int, division: str, days: int) -> None:
        on = self.office.today + timedelta(days=days)
        self.run(self.office.run(move_employee, self.employee(employee_index)["id"], division, on))

    @precondition(lambda self: self.terminated() and len(self.of("employees")) < 5)
    @rule(
        index=indexes,
        days=st.sampled_from([-5, 0, 20, 45]),
        employment_class=st.none() | st.just(EmploymentClass.PART_TIME),
    )
    def rehire(self, index: int, days: int, employment_class: EmploymentClass | None) -> None:
        hired_on = self.office.today + timedelta(days=days)
        former = pick(self.terminated(), index)["id"]
        self.run(self.office.run(rehire_employee, former, Rehire(hired_on, employment_class)))

    @rule(employee_index=indexes, days=st.sampled_from([-40, -10]), gap=st.sampled_from([1, 20, 60]))
    def terminate_and_rehire(self, employee_index: int, days: int, gap: int) -> None:
        employee, on = self.employee(employee_index)["id"], self.office.today + timedelta(days=days)
        if len(self.of("employees")) < 5 and self.terminate(employee, on):
            hired_on = last_day_of_month(on) + timedelta(days=gap)
            self.run(self.office.run(rehire_employee, employee, Rehire(hired_on)))

    @rule(employee_index=indexes, division=st.sampled_from(DIVISIONS))
    def change_division(self, employee_index: int, division: str) -> None:
        self.run(self.office.update_employee(self.employee(employee_index)["id"], division_id=division))

    @rule(
        employee_index=indexes,
        change=st.sampled_from(
            [None, EmploymentChange(EmploymentClass.PART_TIME), EmploymentChange(EmploymentClass.INTERN)]
        ),
        days=st.sampled_from([0, 5, 20]),
    )
    def review_end_of_eligibility(self, employee_index: int, change: EmploymentChange | None, days: int) -> None:
        """Report an event that ends eligibility, and approve it with the change of the employment."""
        employee, today = self.employee(employee_index)["id"], self.office.today
        event_type = LifeEventType.REDUCTION_IN_HOURS if change else LifeEventType.TERMINATION
        change = change or EmploymentChange(terminated_on=today + timedelta(days=days))
        if not self.run(self.office.report_life_event(employee, event_type, today)):
            return
        event = self.of("life_events")[-1]["id"]
        terminated_on = change.terminated_on or date.max

        def may_lose(employee_id: str, lost_day: date, row: str) -> bool:
            is_later = lost_day > last_day_of_month(terminated_on) or self.effective_on(row) >= terminated_on
            return employee_id == employee and change.terminated_on is not None and is_later

        review = (event, LifeEventStatus.APPROVED, "Approved.", None, change)
        self.run(self.office.run(review_with_employment_change, *review), may_lose=may_lose)

    @rule(employee_index=indexes, days=st.sampled_from([-40, -10, 0, 12, 40]))
    def terminate_and_reinstate(self, employee_index: int, days: int) -> None:
        """Reverse a termination at once: coverage and coverage of record are as they were."""
        employee = self.employee(employee_index)["id"]
        before = self.snapshot
        on = self.office.today + timedelta(days=days)
        if self.terminate(employee, on) and self.reinstate(employee, on):
            assert self.snapshot.covered[employee].items() >= before.covered[employee].items()
            for id, row in before.tables["enrollments"].items():
                if row["decision"] is not None:
                    assert _content(self.snapshot.tables["enrollments"][id]) == _content(row)
            if self.snapshot.covered == before.covered:
                assert _contents(self.snapshot.tables["subscriber_enrollments"]) == _contents(
                    before.tables["subscriber_enrollments"]
                )

    # --------------------------------------------------------------------------------------- plan years, employers

    @precondition(lambda self: len(self.of("plan_years")) < 5)
    @rule()
    def copy_plan_year(self) -> None:
        source = max(self.of("plan_years"), key=lambda row: str(row["coverage_ends_on"]))
        starts_on = to_date(source["coverage_ends_on"]) + ONE_DAY
        changes = {
            "coverage_starts_on": starts_on,
            "coverage_ends_on": last_day_of_month(starts_on + timedelta(days=45)),
            "open_enrollment_starts_on": starts_on - timedelta(days=30),
            "open_enrollment_ends_on": starts_on - timedelta(days=15),
        }
        self.run(self.office.run(copy_plan_year, PlanYearCopy(source["id"], changes=changes), None))
        for row in self.of("plan_years"):
            self.plans[row["id"]] = [plan["id"] for plan in self.of("plans") if plan["plan_year_id"] == row["id"]]

    @rule()
    def deactivate_or_reactivate_employer(self) -> None:
        (employer,) = self.of("employers")
        service = deactivate_employer if employer["active"] else reactivate_employer
        self.run(self.office.run(service, employer["id"], REASON, None))

    def terminated(self) -> list[Any]:
        return [row for row in self.of("employees") if row["terminated_on"] is not None]


def _content(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"version", "created_at", "updated_at"}}


def _contents(rows: dict[str, Any]) -> dict[str, Any]:
    return {id: _content(row) for id, row in rows.items()}
