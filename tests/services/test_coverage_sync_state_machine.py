"""A state machine of coverage sync: the coverage of record holds exactly the elected days, in any order of actions.

It runs random actions on two products under one contract; after each step it compares the elected days with the days
of the coverage of record.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from coverage_invariants import days_between, to_date
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
#: Two plan years of two months for each product; open enrollment of the first is under way at the start.
PLAN_YEAR_DATES = (
    PlanYearDates(date(2027, 1, 1), date(2027, 2, 28), date(2026, 12, 1), date(2026, 12, 15)),
    PlanYearDates(date(2027, 3, 1), date(2027, 4, 30), date(2026, 12, 1), date(2027, 2, 15)),
)
NUMBERS = ("S1", "S2")
indexes = st.sampled_from(range(24))
_tenants = count()

Row = dict[str, Any]


def test_random_actions_keep_coverage_in_sync(database_url: str) -> None:
    _run_state_machine(database_url, 24, at_least=2)


@pytest.mark.conformance
def test_hundred_random_runs_keep_coverage_in_sync(database_url: str) -> None:
    _run_state_machine(database_url, 100, at_least=12)


def _run_state_machine(database_url: str, examples: int, at_least: int) -> None:
    """Run this many examples, in which each kind of action must succeed at least `at_least` times."""
    with asyncio.Runner() as runner:
        engine = create_engine(database_url, PoolSettings(size=1, overflow=1))
        successes: dict[str, int] = {}

        class BoundMachine(CoverageSyncMachine):
            def __init__(self) -> None:
                super().__init__(runner, Database(engine), successes)

        try:
            run_state_machine_as_test(
                BoundMachine,
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
    # Runs in which every action is refused would prove nothing.
    assert min(successes.values()) >= at_least, successes
    answers, employment, carrier = (
        {"elect", "waive", "reopen", "reissue"},
        {"terminate", "reinstate"},
        {"pay", "record"},
    )
    assert set(successes) == answers | employment | carrier | {"enter", "close"}


class CoverageSyncMachine(RuleBasedStateMachine):
    """Two employees with subscribers, two products and two plan years; the first employee has earlier coverage."""

    def __init__(self, runner: asyncio.Runner, database: Database, successes: dict[str, int]) -> None:
        super().__init__()
        self.runner, self.successes = runner, successes
        office = runner.run(create_office(database, tenant=f"sync-{next(_tenants)}", today=START))
        runner.run(make_contract(office))
        dental = runner.run(office.run(add_product, "Dental", ProductCategory.DENTAL, "Blue Shield", PLANS))
        self.office = office
        employees = [runner.run(office.hire(name)) for name in ("Ada", "Bob")]
        for number, employee in zip(NUMBERS, employees, strict=True):
            runner.run(make_subscriber(office, number, employee))
        runner.run(make_coverage(office, coverage_key(date(2026, 1, 1), NUMBERS[0])))
        for product in (office.product, dental):
            for dates, renewal in zip(PLAN_YEAR_DATES, (RenewalMode.ACTIVE, RenewalMode.PASSIVE), strict=True):
                product_office = replace(office, product=product)
                plan_year = runner.run(product_office.draft_plan_year(dates, renewal=renewal))
                runner.run(
                    product_office.update_plan_year(plan_year, group_id=GROUP, group_coverage_start=CONTRACT_START)
                )
                runner.run(product_office.open_enrollment(plan_year))
        self.tables = runner.run(office.read_all_rows())
        #: The IDs of the records that the carrier entered and has not deleted.
        self.own = set(self.tables["subscriber_enrollments"])
        for index in range(4):  # Ada starts with coverage of both products, Bob with none
            self.answer(index, 0, waived=False, employee_id=employees[0])

    # --------------------------------------------------------------------------------------------------- elections

    @rule(index=indexes, plan=indexes, waived=st.booleans())
    def answer(self, index: int, plan: int, waived: bool, employee_id: str | None = None) -> None:
        pending = [row for row in self.of("enrollments") if row["decision"] is None and row["closed_on"] is None]
        row = pick([row for row in pending if employee_id in (None, row["employee_id"])], index)
        if row is not None:
            offered = [offer for offer in self.of("plans") if offer["plan_year_id"] == row["plan_year_id"]]
            selected = pick(offered, plan) or {}
            election = waive(row["id"]) if waived else enroll(row["id"], selected["id"])
            self.run("waive" if waived else "elect", self.office.elect(row["employee_id"], election))

    @rule(index=indexes)
    def reopen(self, index: int) -> None:
        row = pick([row for row in self.of("enrollments") if row["decision"] is not None], index)
        if row is not None:
            self.run("reopen", self.office.reopen_election(row["id"]))

    @rule(index=indexes, type=st.sampled_from([LifeEventType.MARRIAGE, LifeEventType.BIRTH, LifeEventType.OTHER]))
    def reissue(self, index: int, type: LifeEventType) -> None:
        answered = [row for row in self.of("enrollments") if row["decision"] is not None and row["closed_on"] is None]
        row = pick(answered, index)
        if row is not None:
            event = self.runner.run(self.office.approve_life_event(row["employee_id"], type))
            self.run("reissue", self.office.reissue(row["id"], event))

    @rule(index=indexes)
    def close(self, index: int) -> None:
        """Close an open enrollment; with passive renewal, unanswered enrollments renew earlier coverage."""
        plan_year = pick([row for row in self.of("plan_years") if row["closed_on"] is None], index)
        if plan_year is not None:
            self.office = self.office.on_day(
                max(self.office.today, to_date(plan_year["open_enrollment_ends_on"]) + ONE_DAY)
            )
            self.run("close", self.office.close_enrollment(plan_year["id"]))

    # -------------------------------------------------------------------------------------------------- employment

    @rule(index=indexes, ahead=st.sampled_from([-20, 0, 20, 60]))
    def terminate_or_reinstate(self, index: int, ahead: int) -> None:
        employee = pick(self.of("employees"), index) or {}
        if employee["terminated_on"] is not None:
            self.run("reinstate", self.office.reinstate_employee(employee["id"]))
        else:
            on = self.office.today + timedelta(days=ahead)
            self.run("terminate", self.office.terminate_employee(employee["id"], on, "rescission"))

    @rule(days=st.sampled_from([1, 10, 25]))
    def pass_days(self, days: int) -> None:
        self.office = self.office.on_day(self.office.today + timedelta(days=days))

    # ------------------------------------------------------------------------------------------------- the carrier

    @rule(month=st.sampled_from([1, 2, 3, 4]), paid=st.booleans(), number=st.sampled_from([None, *NUMBERS]))
    def bill(self, month: int, paid: bool, number: str | None) -> None:
        first = date(2027, month, 1)
        new_invoice = billing.NewInvoice(GROUP, DIVISION, number, first, last_day_of_month(first), first, 10_000)
        invoice = self.runner.run(self.office.run(billing.record_invoice, new_invoice))
        if paid:
            self.run("pay", self.office.run(billing.record_payment, invoice, 10_000, self.office.today))
        self.run("record", self.office.run(billing.set_paid_through, number or NUMBERS[0], GROUP, DIVISION))

    @rule(month=st.sampled_from([1, 2, 3, 4, 5]), days=st.sampled_from([None, 20, 80]), number=st.sampled_from(NUMBERS))
    def enter_record(self, month: int, days: int | None, number: str) -> None:
        """Enter coverage as the carrier; elections must never remove it."""
        start = date(2027, month, 1)
        end = start + timedelta(days=days) if days else None
        self.run("enter", make_coverage(self.office, coverage_key(start, number), end_date=end))

    @rule(index=indexes, ahead=st.sampled_from([0, 15]), delete=st.booleans())
    def change_record(self, index: int, ahead: int, delete: bool) -> None:
        """Try to move or delete a coverage as the carrier; this may succeed only if no election is linked to it."""
        row = pick(self.of("subscriber_enrollments"), index)
        if row is None:
            return
        key = coverage_key(to_date(row["start_date"]), row["subscriber_id"])
        linked = row["id"] in {enrollment["subscriber_enrollment_id"] for enrollment in self.of("enrollments")}
        change = {"end_date": to_date(row["start_date"]) + timedelta(days=ahead)}
        call = (
            self.office.run(records.delete_coverage, key, None)
            if delete
            else self.office.run(records.update_coverage, records.CoverageItem(key, change), None)
        )
        succeeded = self.run("record", call)
        moved = delete or row["end_date"] is None or to_date(row["end_date"]) != change["end_date"]
        assert not (succeeded and linked and moved)

    # -------------------------------------------------------------------------------------------------- invariants

    def run(self, name: str, call: Coroutine[Any, Any, Any]) -> bool:
        try:
            self.runner.run(call)
        except Refused:
            return False
        self.successes[name] = self.successes.get(name, 0) + 1
        before = self.tables["subscriber_enrollments"].keys()
        self.tables = self.runner.run(self.office.read_all_rows())
        after = self.tables["subscriber_enrollments"].keys()
        if name in {"enter", "record"}:
            self.own = self.own & after | (after - before)
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
                    elected |= set(days_between(to_date(row["coverage_starts_on"]), to_date(row["coverage_ends_on"])))
                    linked.add(record["id"])
            own_days = {
                covered_day
                for id in self.own
                if records[id]["subscriber_id"] == number
                for covered_day in days_between(
                    to_date(records[id]["start_date"]), to_date(records[id]["end_date"] or "2028-12-31")
                )
            }
            linked_records = [records[id] for id in linked - self.own if records[id]["subscriber_id"] == number]
            recorded = [
                covered_day
                for row in linked_records
                for covered_day in days_between(to_date(row["start_date"]), to_date(row["end_date"]))
            ]
            assert sorted(recorded) == sorted(elected - own_days)  # including that no day occurs twice
            starts = {to_date(row["start_date"]) for row in linked_records}
            ends = {to_date(row["end_date"]) for row in linked_records}
            assert not {end + ONE_DAY for end in ends} & starts  # adjacent spans are merged
        assert self.own <= records.keys()
        assert records.keys() <= self.own | linked
        for row in records.values():
            if row["paid_through"] is not None:
                assert row["start_date"] <= row["paid_through"]
                assert row["end_date"] is None or row["paid_through"] <= row["end_date"]

    def of(self, table: str) -> list[Row]:
        return [row for _, row in sorted(self.tables[table].items())]


def pick(rows: list[Row], index: int) -> Row | None:
    return rows[index % len(rows)] if rows else None
