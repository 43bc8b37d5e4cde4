"""Whatever happens to employees, in whatever order: no two coverages share a day, and none is lost by silence.

A machine tells random stories to the services, on days that go by. Many are refused, which must change nothing; after
each that is not, the rows must keep the laws of coverage.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from coverage_laws import Row, check_answers, check_coverage, check_history, check_statuses, day, see
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.errors import Refused
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import PlanYearDates, RenewalMode, WaitingPeriod
from benegraph.domain.values import last_day_of_month
from factories.office import Office, create_office, enroll, waive

STEPS = 25

START = date(2026, 12, 1)
#: Plan years of two months that follow each other, so that a short story sees two renewals.
SEASONS = (
    PlanYearDates(date(2027, 1, 1), date(2027, 2, 28), date(2026, 12, 1), date(2026, 12, 15)),
    PlanYearDates(date(2027, 3, 1), date(2027, 4, 30), date(2027, 2, 1), date(2027, 2, 15)),
    PlanYearDates(date(2027, 5, 1), date(2027, 6, 30), date(2027, 4, 1), date(2027, 4, 15)),
)
CLASSES = [EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME, EmploymentClass.INTERN]
#: Those that let most be changed come more often.
EVENTS = [*LifeEventType, *[LifeEventType.MARRIAGE, LifeEventType.BIRTH, LifeEventType.OTHER] * 4]

picks = st.sampled_from(range(24))
_tenants = count()


def test_no_story_breaks_the_laws_of_coverage(database_url: str) -> None:
    _tell_stories(database_url, 12)


@pytest.mark.conformance
def test_none_of_a_hundred_stories_breaks_the_laws_of_coverage(database_url: str) -> None:
    _tell_stories(database_url, 100)


def _tell_stories(database_url: str, examples: int) -> None:
    with asyncio.Runner() as runner:
        engine = create_engine(database_url, PoolSettings(size=1, overflow=1))
        database = Database(engine)

        class Told(Life):
            def __init__(self) -> None:
                super().__init__(runner, database)

        try:
            run_state_machine_as_test(
                Told,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=STEPS,
                    deadline=None,
                    derandomize=True,
                    database=None,
                    phases=(Phase.generate,),  # to shrink a story takes minutes: add Phase.shrink by hand
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(engine.dispose())


class Life(RuleBasedStateMachine):
    """An employer with three plan years, up to three employees, and a day that only moves on."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        super().__init__()
        self.runner = runner
        self.office: Office = runner.run(create_office(database, tenant=f"life-{next(_tenants)}", today=START))
        plan_years: list[str] = []
        for number, dates in enumerate(SEASONS):
            renewal = RenewalMode.ACTIVE if number == 0 else RenewalMode.PASSIVE
            waiting = WaitingPeriod(30, to_first_of_month=True) if number == 1 else WaitingPeriod()
            plan_years.append(runner.run(self.office.draft_plan_year(dates, renewal=renewal, waiting=waiting)))
        self.plans = {id: sorted(runner.run(self.office.plan_ids_by_code(id)).values()) for id in plan_years}
        self.pending: list[str] = []
        self.seen = see(runner.run(self.office.read_all_rows()))
        # Ada is enrolled with her family; Bob comes in two weeks.
        self.hire(EmploymentClass.FULL_TIME, -200)
        self.change_family(0, -1, active=True)
        self.change_family(0, 10, active=True)
        self.open_or_close(0)
        self.answer(0, 0, 3, waived=False)
        self.hire(EmploymentClass.PART_TIME, 15)

    # ------------------------------------------------------------------------------------------------- seasons

    @initialize(days=st.sampled_from([40, 0]))
    def begin(self, days: int) -> None:
        """Begin in the first season, or when its coverage is in force."""
        self.pass_days(days)

    @rule(days=st.sampled_from([1, 8, 20, 35]))
    def pass_days(self, days: int) -> None:
        self.office = self.office.on_day(self.office.today + timedelta(days=days))
        self.check_statuses()

    @rule(which=picks)
    def open_or_close(self, which: int) -> None:
        plan_year = pick(self.of("plan_years"), which)
        self.tell(
            self.office.close_enrollment(plan_year["id"])
            if plan_year["opened_on"]
            else self.office.open_enrollment(plan_year["id"])
        )

    @precondition(lambda self: self.not_closed())
    @rule(days=st.sampled_from([1, 10]), closing=st.booleans())
    def let_a_season_end(self, days: int, closing: bool) -> None:
        """Go on to the days after the next open enrollment, and close it, or forget to."""
        plan_year = self.not_closed()[0]
        if plan_year["opened_on"] is None:
            self.tell(self.office.open_enrollment(plan_year["id"]))
        over = day(plan_year["open_enrollment_ends_on"]) + timedelta(days=days)
        self.office = self.office.on_day(max(self.office.today, over))
        if closing:
            self.tell(self.office.close_enrollment(plan_year["id"]))

    @rule(which=picks, days=st.sampled_from([0, 1, 5, 12]))
    def extend_open_enrollment(self, which: int, days: int) -> None:
        last = self.office.today + timedelta(days=days)
        self.tell(self.office.update_plan_year(pick(self.of("plan_years"), which)["id"], open_enrollment_ends_on=last))

    # -------------------------------------------------------------------------------------------------- people

    @precondition(lambda self: len(self.of("employees")) < 3)
    @rule(class_=st.sampled_from(CLASSES), days=st.sampled_from([-60, -10, 0, 15]))
    def hire(self, class_: EmploymentClass, days: int) -> None:
        self.tell(self.office.hire(employment_class=class_, hired_on=self.office.today + timedelta(days=days)))

    @rule(who=picks, class_=st.none() | st.sampled_from(CLASSES), days=st.sampled_from([-25, -5, 10]))
    def change_employment(self, who: int, class_: EmploymentClass | None, days: int) -> None:
        hired_on = self.office.today + timedelta(days=days)
        changes = {"hired_on": hired_on} if class_ is None else {"employment_class": class_}
        self.tell(self.office.update_employee(self.someone(who)["id"], **changes))

    @rule(who=picks, days=st.sampled_from([-40, -10, 0, 12, 40]))
    def leave_or_come_back(self, who: int, days: int) -> None:
        employee, on = self.someone(who), self.office.today + timedelta(days=days)
        if employee["terminated_on"]:
            self.tell(self.office.reinstate_employee(employee["id"]))
        else:
            self.tell(
                self.office.terminate_employee(employee["id"], on, "Left."),
                may_lose=lambda who, day, _row: who == employee["id"] and day > last_day_of_month(on),
            )

    @rule(who=picks, years=st.sampled_from([-1, 0, 10, 25, 26, 29]), active=st.booleans())
    def change_family(self, who: int, years: int, active: bool) -> None:
        employee = self.someone(who)["id"]
        family = [row for row in self.of("dependents") if row["employee_id"] == employee]
        if years < 0:
            self.tell(self.office.add_spouse(employee))
        elif len(family) < 4:
            born = self.office.today - timedelta(days=years * 365)
            self.tell(self.office.add_child(employee, born, disabled=years > 27))
        else:
            self.tell(self.office.update_dependent(pick(family, years)["id"], active=active))

    @rule(who=picks, type_=st.sampled_from(EVENTS), days=st.sampled_from([0, 2, 9, 20]), which=picks, plan=picks)
    def have_a_life_event(self, who: int, type_: LifeEventType, days: int, which: int, plan: int) -> None:
        """Report one; most are approved at once, used, and answered."""
        employee = self.someone(who)["id"]
        before = self.of("life_events")
        self.tell(self.office.report_life_event(employee, type_, self.office.today - timedelta(days=days)))
        if len(self.of("life_events")) == len(before) or which % 8 == 0:
            return
        event = self.of("life_events")[-1]["id"]
        self.tell(
            self.office.review_life_event(event, LifeEventStatus.DENIED if which % 8 == 1 else LifeEventStatus.APPROVED)
        )
        own = [row for row in self.of("enrollments") if row["employee_id"] == employee]
        if own:
            self.tell(self.office.reissue(pick(own, -1 - which % 3)["id"], event))
        issued = [row for row in self.of("enrollments") if row["life_event_id"] == event]
        if issued:
            self.elect(issued[0], plan, which, waived=plan % 3 == 1)

    # ------------------------------------------------------------------------------------------------- answers

    @precondition(lambda self: self.of("life_events") and self.of("enrollments"))
    @rule(which=picks, event=picks)
    def use_a_life_event_again(self, which: int, event: int) -> None:
        life_event = pick(self.of("life_events"), event)["id"]
        self.tell(self.office.reissue(pick(self.of("enrollments"), which)["id"], life_event))

    @precondition(lambda self: self.pending)
    @rule(which=picks, plan=picks, family=picks, waived=st.sampled_from([False, False, False, True]))
    def answer(self, which: int, plan: int, family: int, waived: bool) -> None:
        self.elect(self.seen.dump["enrollments"][pick(self.pending, which)], plan, family, waived=waived)

    @precondition(lambda self: self.answered())
    @rule(which=picks)
    def take_an_answer_back(self, which: int) -> None:
        id = pick(self.answered(), which)["id"]
        self.tell(self.office.reopen_election(id), may_lose=lambda _who, _day, row: row == id)

    def elect(self, row: Row, plan: int, family: int, *, waived: bool) -> None:
        own = [each["id"] for each in self.of("dependents") if each["employee_id"] == row["employee_id"]]
        chosen = [id for place, id in enumerate(own) if family >> place & 1]
        enrolling = enroll(row["id"], pick(self.plans[row["plan_year_id"]], plan), *chosen)
        self.tell(
            self.office.elect(row["employee_id"], waive(row["id"]) if waived else enrolling),
            may_lose=lambda who, on, _row: waived and who == row["employee_id"] and on >= day(row["effective_on"]),
        )

    # ------------------------------------------------------------------------------------------------- telling

    def tell(
        self,
        story: Coroutine[Any, Any, Any],
        *,
        may_lose: Callable[[str, date, str], bool] = lambda _who, _day, _row: False,
    ) -> None:
        """Tell a story; see that a refusal changed nothing, and that no day was lost but where it may be."""
        before = self.seen
        try:
            self.runner.run(story)
        except Refused:
            assert self.runner.run(self.office.read_all_rows()) == before.dump
            return
        self.seen = see(self.runner.run(self.office.read_all_rows()))
        for who, covered in before.covered.items():
            for each in covered.keys() - self.seen.covered[who].keys():
                assert may_lose(who, each, covered[each]), f"{who} lost {each}"
        check_history(before, self.seen)
        check_coverage(self.seen)
        check_answers(self.seen)
        self.check_statuses()

    def check_statuses(self) -> None:
        self.pending = []
        employees = [employee["id"] for employee in self.of("employees")]
        for rows in self.runner.run(self.office.enrollments_of(employees)).values():
            check_statuses(self.seen, rows, self.office.today)
            self.pending += [row.id for row in rows if row.status == "PENDING" and row.window_is_open]

    def of(self, table: str) -> list[Row]:
        return self.seen.of(table)

    def not_closed(self) -> list[Row]:
        return [row for row in self.of("plan_years") if row["closed_on"] is None]

    def answered(self) -> list[Row]:
        return [row for row in self.of("enrollments") if row["decision"] is not None]

    def someone(self, which: int) -> Row:
        employee: Row = pick(self.of("employees"), which)
        return employee


def pick(items: Any, which: int) -> Any:
    return items[which % len(items)]
