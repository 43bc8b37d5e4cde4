"""Whatever is elected, taken back, ended or paid, in whatever order: both sides say the same of each day.

A machine tells random stories of two products under one contract; after each step the elections are painted day by
day, and so is the coverage of record.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from coverage_laws import day, days
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from benegraph.domain.catalog import ProductCategory
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.errors import Refused
from benegraph.domain.plan_years import PlanYearDates, RenewalMode
from benegraph.domain.values import ONE_DAY, last_day_of_month
from benegraph.services import billing
from benegraph.services.catalog import add_product
from benegraph.services.coverage import records
from factories.coverage import (
    CONTRACT_START,
    DIVISION,
    GROUP,
    coverage_key,
    make_contract,
    make_coverage,
    make_subscriber,
)
from factories.office import PLANS, create_office, enroll, waive

STEPS = 25
START = date(2026, 12, 1)
#: Two years of two months each, for both products; the first is answered as the story begins.
SEASONS = (
    PlanYearDates(date(2027, 1, 1), date(2027, 2, 28), date(2026, 12, 1), date(2026, 12, 15)),
    PlanYearDates(date(2027, 3, 1), date(2027, 4, 30), date(2026, 12, 1), date(2027, 2, 15)),
)
NUMBERS = ("S1", "S2")
picks = st.sampled_from(range(24))
_tenants = count()

Row = dict[str, Any]


def test_both_sides_agree_on_each_day(database_url: str) -> None:
    _tell_stories(database_url, 12, at_least=2)


@pytest.mark.conformance
def test_both_sides_agree_on_each_day_of_a_hundred_stories(database_url: str) -> None:
    _tell_stories(database_url, 100, at_least=12)


def _tell_stories(database_url: str, examples: int, at_least: int) -> None:
    """Tell so many stories, in which each kind of change is made at least so often."""
    with asyncio.Runner() as runner:
        engine = create_engine(database_url, PoolSettings(size=1, overflow=1))
        told: dict[str, int] = {}

        class Told(Bridge):
            def __init__(self) -> None:
                super().__init__(runner, Database(engine), told)

        try:
            run_state_machine_as_test(
                Told,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=STEPS,
                    deadline=None,
                    derandomize=True,
                    database=None,
                    phases=(Phase.generate,),
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(engine.dispose())
    # Stories in which everything is refused would show nothing.
    assert min(told.values()) >= at_least, told
    assert set(told) == {"elect", "waive", "reopen", "reissue", "terminate", "reinstate", "pay", "record", "close"}


class Bridge(RuleBasedStateMachine):
    """Two employees who are subscribers, two products, two years; the first employee has coverage from before."""

    def __init__(self, runner: asyncio.Runner, database: Database, told: dict[str, int]) -> None:
        super().__init__()
        self.runner, self.told = runner, told
        office = runner.run(create_office(database, tenant=f"bridge-{next(_tenants)}", today=START))
        runner.run(make_contract(office))
        dental = runner.run(office.run(add_product, "Dental", ProductCategory.DENTAL, "Blue Shield", PLANS))
        self.office = office
        employees = [runner.run(office.hire(name)) for name in ("Ada", "Bob")]
        for number, employee in zip(NUMBERS, employees, strict=True):
            runner.run(make_subscriber(office, number, employee))
        runner.run(make_coverage(office, coverage_key(date(2026, 1, 1), NUMBERS[0])))
        for product in (office.product, dental):
            for dates, renewal in zip(SEASONS, (RenewalMode.ACTIVE, RenewalMode.PASSIVE), strict=True):
                there = replace(office, product=product)
                plan_year = runner.run(there.draft_plan_year(dates, renewal=renewal))
                runner.run(there.update_plan_year(plan_year, group_id=GROUP, group_coverage_start=CONTRACT_START))
                runner.run(there.open_enrollment(plan_year))
        self.dump = runner.run(office.read_all_rows())
        for which in range(4):  # Ada begins with coverage of both, Bob with none
            self.answer(which, 0, waived=False, whose=employees[0])

    # ------------------------------------------------------------------------------------------------ elections

    @rule(which=picks, plan=picks, waived=st.booleans())
    def answer(self, which: int, plan: int, waived: bool, whose: str | None = None) -> None:
        pending = [row for row in self.of("enrollments") if row["decision"] is None and row["closed_on"] is None]
        row = pick([row for row in pending if whose in (None, row["employee_id"])], which)
        if row is not None:
            plans = [each for each in self.of("plans") if each["plan_year_id"] == row["plan_year_id"]]
            chosen = pick(plans, plan) or {}
            choice = waive(row["id"]) if waived else enroll(row["id"], chosen["id"])
            self.tell("waive" if waived else "elect", self.office.elect(row["employee_id"], choice))

    @rule(which=picks)
    def reopen(self, which: int) -> None:
        row = pick([row for row in self.of("enrollments") if row["decision"] is not None], which)
        if row is not None:
            self.tell("reopen", self.office.reopen_election(row["id"]))

    @rule(which=picks, type=st.sampled_from([LifeEventType.MARRIAGE, LifeEventType.BIRTH, LifeEventType.OTHER]))
    def reissue(self, which: int, type: LifeEventType) -> None:
        answered = [row for row in self.of("enrollments") if row["decision"] is not None and row["closed_on"] is None]
        row = pick(answered, which)
        if row is not None:
            event = self.runner.run(self.office.approve_life_event(row["employee_id"], type))
            self.tell("reissue", self.office.reissue(row["id"], event))

    @rule(which=picks)
    def close(self, which: int) -> None:
        """Close a season: who said nothing has the coverage of the one before, where there was one."""
        plan_year = pick([row for row in self.of("plan_years") if row["closed_on"] is None], which)
        if plan_year is not None:
            self.office = self.office.on_day(
                max(self.office.today, day(plan_year["open_enrollment_ends_on"]) + ONE_DAY)
            )
            self.tell("close", self.office.close_enrollment(plan_year["id"]))

    # ------------------------------------------------------------------------------------------------ employment

    @rule(which=picks, ahead=st.sampled_from([-20, 0, 20, 60]))
    def come_or_go(self, which: int, ahead: int) -> None:
        employee = pick(self.of("employees"), which) or {}
        if employee["terminated_on"] is not None:
            self.tell("reinstate", self.office.reinstate_employee(employee["id"]))
        else:
            on = self.office.today + timedelta(days=ahead)
            self.tell("terminate", self.office.terminate_employee(employee["id"], on, "rescission"))

    @rule(days=st.sampled_from([1, 10, 25]))
    def pass_days(self, days: int) -> None:
        self.office = self.office.on_day(self.office.today + timedelta(days=days))

    # ------------------------------------------------------------------------------------------------ the carrier

    @rule(month=st.sampled_from([1, 2, 3, 4]), paid=st.booleans(), number=st.sampled_from([None, *NUMBERS]))
    def bill(self, month: int, paid: bool, number: str | None) -> None:
        first = date(2027, month, 1)
        bill = billing.NewInvoice(GROUP, DIVISION, number, first, last_day_of_month(first), first, 10_000)
        invoice = self.runner.run(self.office.run(billing.record_invoice, bill))
        if paid:
            self.tell("pay", self.office.run(billing.record_payment, invoice, 10_000, self.office.today))
        self.tell("record", self.office.run(billing.set_paid_through, number or NUMBERS[0], GROUP, DIVISION))

    @rule(which=picks, ahead=st.sampled_from([0, 15]), delete=st.booleans())
    def meddle(self, which: int, ahead: int, delete: bool) -> None:
        """Try to move or delete a coverage from the carrier's side: only what follows no election can be."""
        row = pick(self.of("subscriber_enrollments"), which)
        if row is None:
            return
        key = coverage_key(day(row["start_date"]), row["subscriber_id"])
        linked = row["id"] in {each["subscriber_enrollment_id"] for each in self.of("enrollments")}
        change = {"end_date": day(row["start_date"]) + timedelta(days=ahead)}
        telling = (
            self.office.run(records.delete_coverage, key, None)
            if delete
            else self.office.run(records.update_coverage, records.CoverageItem(key, change), None)
        )
        done = self.tell("record", telling)
        moved = delete or row["end_date"] is None or day(row["end_date"]) != change["end_date"]
        assert not (done and linked and moved)

    # ---------------------------------------------------------------------------------------------------- laws

    def tell(self, name: str, telling: Coroutine[Any, Any, Any]) -> bool:
        try:
            self.runner.run(telling)
        except Refused:
            return False
        self.told[name] = self.told.get(name, 0) + 1
        self.dump = self.runner.run(self.office.read_all_rows())
        self.check()
        return True

    def check(self) -> None:
        records = {row["id"]: row for row in self.of("subscriber_enrollments")}
        numbers = {row["employee_id"]: row["subscriber_id"] for row in self.of("subscribers")}
        linked: set[str] = set()
        for employee, number in numbers.items():
            elected: set[date] = set()
            for row in self.of("enrollments"):
                if row["employee_id"] != employee:
                    continue
                covers = row["decision"] == "ENROLLED" and row["coverage_ends_on"] is not None
                assert covers == (row["subscriber_enrollment_id"] is not None), row["id"]
                if covers:
                    record = records[row["subscriber_enrollment_id"]]
                    assert record["subscriber_id"] == number
                    elected |= set(days(day(row["coverage_starts_on"]), day(row["coverage_ends_on"])))
                    linked.add(record["id"])
            ours = [records[id] for id in linked if records[id]["subscriber_id"] == number]
            recorded = [each for row in ours for each in days(day(row["start_date"]), day(row["end_date"]))]
            assert sorted(recorded) == sorted(elected)  # each day once
            starts, ends = {day(row["start_date"]) for row in ours}, {day(row["end_date"]) for row in ours}
            assert not {end + ONE_DAY for end in ends} & starts  # what touches is one
        for row in records.values():
            if row["paid_through"] is not None:
                assert row["start_date"] <= row["paid_through"]
                assert row["end_date"] is None or row["paid_through"] <= row["end_date"]
            if row["id"] not in linked:  # the carrier's own, from before: the election never wrote into its days
                assert row["subscriber_id"] == NUMBERS[0]

    def of(self, table: str) -> list[Row]:
        return [row for _, row in sorted(self.dump[table].items())]


def pick(rows: list[Row], which: int) -> Row | None:
    return rows[which % len(rows)] if rows else None
