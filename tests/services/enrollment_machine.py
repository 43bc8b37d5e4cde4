"""The actions of a state machine on enrollments, and the checks after each action.

It runs random actions through the services while days pass. A refused action must change nothing; after every other
one, the rows must keep the coverage invariants. No covered day may be lost without reason.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import date, timedelta
from itertools import count
from typing import Any

from coverage_invariants import (
    Row,
    check_answers,
    check_confirmations,
    check_coverage,
    check_history,
    check_records,
    check_rehires,
    check_statuses,
    take_snapshot,
    to_date,
)
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from benegraph.db.session import Database
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.errors import Refused
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import PlanYearDates, RenewalMode, WaitingPeriod
from benegraph.domain.values import last_day_of_month
from factories.coverage import CONTRACT_START, DIVISION, GROUP, make_contract, make_subscriber
from factories.office import Office, create_office, enroll, waive

START = date(2026, 12, 1)
#: Consecutive plan years of two months, so that a short run includes two renewals.
PLAN_YEAR_DATES = (
    PlanYearDates(date(2027, 1, 1), date(2027, 2, 28), date(2026, 12, 1), date(2026, 12, 15)),
    PlanYearDates(date(2027, 3, 1), date(2027, 4, 30), date(2027, 2, 1), date(2027, 2, 15)),
    PlanYearDates(date(2027, 5, 1), date(2027, 6, 30), date(2027, 4, 1), date(2027, 4, 15)),
)
DIVISIONS = (DIVISION, "D2")
CLASSES = [EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME, EmploymentClass.INTERN]
#: Events that allow the most changes are drawn more often.
EVENTS = [*LifeEventType, *[LifeEventType.MARRIAGE, LifeEventType.BIRTH, LifeEventType.OTHER] * 4]

indexes = st.sampled_from(range(24))
_tenants = count()


class EnrollmentMachine(RuleBasedStateMachine):
    """An employer with three plan years and up to three employees; the date only moves forward.

    The elections are recorded as coverage under a contract, in one of two divisions.
    """

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        super().__init__()
        self.runner = runner
        self.office: Office = runner.run(create_office(database, tenant=f"machine-{next(_tenants)}", today=START))
        for division in DIVISIONS:
            runner.run(make_contract(self.office, division_id=division))
        plan_years: list[str] = []
        for number, dates in enumerate(PLAN_YEAR_DATES):
            renewal = RenewalMode.ACTIVE if number == 0 else RenewalMode.PASSIVE
            waiting = WaitingPeriod(30, starts_on_first_of_month=True) if number == 1 else WaitingPeriod()
            plan_years.append(runner.run(self.office.draft_plan_year(dates, renewal=renewal, waiting=waiting)))
            runner.run(
                self.office.update_plan_year(plan_years[-1], group_id=GROUP, group_coverage_start=CONTRACT_START)
            )
        self.plans = {id: sorted(runner.run(self.office.plan_ids(id)).values()) for id in plan_years}
        self.pending: list[str] = []
        self.snapshot = take_snapshot(runner.run(self.office.read_all_rows()))
        # Ada is enrolled with her family; Bob starts in two weeks.
        self.hire(EmploymentClass.FULL_TIME, -200)
        self.add_spouse(0)
        self.add_child_or_change_dependent(0, 10, active=True)
        self.open_or_close(0)
        self.answer(0, 0, 3, waived=False)
        self.hire(EmploymentClass.PART_TIME, 15)

    # -------------------------------------------------------------------------------------------------- plan years

    @initialize(days=st.sampled_from([40, 0]))
    def begin(self, days: int) -> None:
        """Start during the first open enrollment, or when its coverage is in force."""
        self.pass_days(days)

    @rule(days=st.sampled_from([1, 8, 20, 35]))
    def pass_days(self, days: int) -> None:
        self.office = self.office.on_day(self.office.today + timedelta(days=days))
        self.check_statuses()

    @rule(index=indexes)
    def open_or_close(self, index: int) -> None:
        plan_year = pick(self.of("plan_years"), index)
        self.run(
            self.office.close_enrollment(plan_year["id"])
            if plan_year["opened_on"]
            else self.office.open_enrollment(plan_year["id"])
        )

    @precondition(lambda self: self.not_closed())
    @rule(days=st.sampled_from([1, 10]), closing=st.booleans())
    def pass_end_of_open_enrollment(self, days: int, closing: bool) -> None:
        """Move to a day after the next open enrollment, and perhaps close it."""
        plan_year = self.not_closed()[0]
        if plan_year["opened_on"] is None:
            self.run(self.office.open_enrollment(plan_year["id"]))
        after_window = to_date(plan_year["open_enrollment_ends_on"]) + timedelta(days=days)
        self.office = self.office.on_day(max(self.office.today, after_window))
        if closing:
            self.run(self.office.close_enrollment(plan_year["id"]))

    @rule(index=indexes, days=st.sampled_from([0, 1, 5, 12]))
    def extend_open_enrollment(self, index: int, days: int) -> None:
        last = self.office.today + timedelta(days=days)
        self.run(self.office.update_plan_year(pick(self.of("plan_years"), index)["id"], open_enrollment_ends_on=last))

    # ------------------------------------------------------------------------------------------------------ people

    @precondition(lambda self: len(self.of("employees")) < 3)
    @rule(employment_class=st.sampled_from(CLASSES), days=st.sampled_from([-60, -10, 0, 15]))
    def hire(self, employment_class: EmploymentClass, days: int) -> None:
        hired_on = self.office.today + timedelta(days=days)
        self.run(self.office.hire(employment_class=employment_class, hired_on=hired_on))
        employee = self.of("employees")[-1]["id"]
        self.run(self.office.update_employee(employee, division_id=DIVISION))
        self.run(make_subscriber(self.office, f"S{len(self.of('subscribers'))}", employee))

    @rule(
        employee_index=indexes,
        employment_class=st.none() | st.sampled_from(CLASSES),
        days=st.sampled_from([-25, -5, 10]),
    )
    def change_employment(self, employee_index: int, employment_class: EmploymentClass | None, days: int) -> None:
        hired_on = self.office.today + timedelta(days=days)
        changes = {"hired_on": hired_on} if employment_class is None else {"employment_class": employment_class}
        self.run(self.office.update_employee(self.employee(employee_index)["id"], **changes))

    @rule(employee_index=indexes, days=st.sampled_from([-40, -10, 0, 12, 40]))
    def terminate_or_reinstate(self, employee_index: int, days: int) -> None:
        employee = self.employee(employee_index)
        if employee["terminated_on"]:
            self.reinstate(employee["id"], to_date(employee["terminated_on"]))
        else:
            self.terminate(employee["id"], self.office.today + timedelta(days=days))

    def reinstate(self, employee: str, terminated_on: date) -> bool:
        """Reinstate; an answer that took effect after the termination counts again, and may waive covered days."""
        effective = [
            to_date(row["effective_on"])
            for row in self.of("enrollments")
            if row["employee_id"] == employee and row["decision"] and to_date(row["effective_on"]) >= terminated_on
        ]
        return self.run(
            self.office.reinstate_employee(employee),
            may_lose=lambda employee_id, on, _row: employee_id == employee and on >= min(effective, default=date.max),
        )

    def terminate(self, employee: str, on: date) -> bool:
        return self.run(
            self.office.terminate_employee(employee, on, "Left."),
            may_lose=lambda employee_id, day, row: (
                employee_id == employee and (day > last_day_of_month(on) or self.effective_on(row) >= on)
            ),
        )

    @rule(employee_index=indexes)
    def add_spouse(self, employee_index: int) -> None:
        self.run(self.office.add_spouse(self.employee(employee_index)["id"]))

    @rule(employee_index=indexes, years=st.sampled_from([0, 10, 25, 26, 29]), active=st.booleans())
    def add_child_or_change_dependent(self, employee_index: int, years: int, active: bool) -> None:
        employee = self.employee(employee_index)["id"]
        family = [row for row in self.of("dependents") if row["employee_id"] == employee]
        if len(family) < 4:
            born = self.office.today - timedelta(days=years * 365)
            self.run(self.office.add_child(employee, born, disabled=years > 27))
        else:
            self.run(self.office.update_dependent(pick(family, years)["id"], active=active))

    @rule(
        employee_index=indexes,
        event_type=st.sampled_from(EVENTS),
        days=st.sampled_from([0, 2, 9, 20]),
        index=indexes,
        plan=indexes,
    )
    def report_and_use_life_event(
        self, employee_index: int, event_type: LifeEventType, days: int, index: int, plan: int
    ) -> None:
        """Report a life event; most are approved at once, used for a reissue, and answered."""
        employee = self.employee(employee_index)["id"]
        before = self.of("life_events")
        self.run(self.office.report_life_event(employee, event_type, self.office.today - timedelta(days=days)))
        if len(self.of("life_events")) == len(before) or index % 8 == 0:
            return
        event = self.of("life_events")[-1]["id"]
        self.run(
            self.office.review_life_event(event, LifeEventStatus.DENIED if index % 8 == 1 else LifeEventStatus.APPROVED)
        )
        own = [row for row in self.of("enrollments") if row["employee_id"] == employee]
        if own:
            self.run(self.office.reissue(pick(own, -1 - index % 3)["id"], event))
        issued = [row for row in self.of("enrollments") if row["life_event_id"] == event]
        if issued:
            self.elect(issued[0], plan, index, waived=plan % 3 == 1)

    # ----------------------------------------------------------------------------------------------------- answers

    @precondition(lambda self: self.of("life_events") and self.of("enrollments"))
    @rule(index=indexes, event=indexes)
    def reuse_life_event(self, index: int, event: int) -> None:
        life_event = pick(self.of("life_events"), event)["id"]
        self.run(self.office.reissue(pick(self.of("enrollments"), index)["id"], life_event))

    @precondition(lambda self: self.pending)
    @rule(index=indexes, plan=indexes, family=indexes, waived=st.sampled_from([False, False, False, True]))
    def answer(self, index: int, plan: int, family: int, waived: bool) -> None:
        self.elect(self.snapshot.tables["enrollments"][pick(self.pending, index)], plan, family, waived=waived)

    @precondition(lambda self: self.answered())
    @rule(index=indexes)
    def reopen_answer(self, index: int) -> None:
        id = pick(self.answered(), index)["id"]
        self.run(self.office.reopen_election(id), may_lose=lambda _employee, _day, row: row == id)

    def elect(self, row: Row, plan: int, family: int, *, waived: bool) -> None:
        own = [dependent["id"] for dependent in self.of("dependents") if dependent["employee_id"] == row["employee_id"]]
        covered = [id for index, id in enumerate(own) if family >> index & 1]
        enrolling = enroll(row["id"], pick(self.plans[row["plan_year_id"]], plan), *covered)
        self.run(
            self.office.elect(row["employee_id"], waive(row["id"]) if waived else enrolling),
            may_lose=lambda employee, on, _row: (
                waived and employee == row["employee_id"] and on >= to_date(row["effective_on"])
            ),
        )

    # ----------------------------------------------------------------------------------------------------- running

    def run(
        self,
        action: Coroutine[Any, Any, Any],
        *,
        may_lose: Callable[[str, date, str], bool] = lambda _employee, _day, _row: False,
    ) -> bool:
        """Run an action, and return whether it succeeded.

        A refusal must change nothing, and covered days may be lost only where allowed.
        """
        before = self.snapshot
        try:
            self.runner.run(action)
        except Refused:
            assert self.runner.run(self.office.read_all_rows()) == before.tables
            return False
        self.snapshot = take_snapshot(self.runner.run(self.office.read_all_rows()))
        for employee, covered in before.covered.items():
            for lost_day in covered.keys() - self.snapshot.covered[employee].keys():
                assert may_lose(employee, lost_day, covered[lost_day]), f"{employee} lost {lost_day}"
        check_history(before, self.snapshot)
        check_coverage(self.snapshot)
        check_records(self.snapshot)
        check_rehires(self.snapshot)
        check_confirmations(self.snapshot)
        check_answers(self.snapshot)
        self.check_statuses()
        return True

    def check_statuses(self) -> None:
        self.pending = []
        employees = [employee["id"] for employee in self.of("employees")]
        for rows in self.runner.run(self.office.enrollments_of(employees)).values():
            check_statuses(self.snapshot, rows, self.office.today)
            self.pending += [row.id for row in rows if row.status == "PENDING" and row.window_is_open]

    def of(self, table: str) -> list[Row]:
        return self.snapshot.of(table)

    def not_closed(self) -> list[Row]:
        return [row for row in self.of("plan_years") if row["closed_on"] is None]

    def answered(self) -> list[Row]:
        return [row for row in self.of("enrollments") if row["decision"] is not None]

    def effective_on(self, enrollment: str) -> date:
        return to_date(self.snapshot.tables["enrollments"][enrollment]["effective_on"])

    def employee(self, index: int) -> Row:
        employee: Row = pick(self.of("employees"), index)
        return employee


def pick(items: Any, index: int) -> Any:
    return items[index % len(items)]
