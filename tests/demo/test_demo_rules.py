"""The demo's rows by the rules, on any day: drawn and judged without a database."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from benegraph.db.base import Base
from benegraph.db.models import (
    Dependent,
    Employee,
    Employer,
    EnrolledDependent,
    Enrollment,
    Event,
    LifeEvent,
    Plan,
    PlanRate,
    PlanYear,
    PremiumPayment,
)
from benegraph.demo.employers import Plot, tell_employer
from benegraph.demo.names import company
from benegraph.demo.people import email_of
from benegraph.demo.plan_years import Phase
from benegraph.demo.random_source import dice
from benegraph.demo.record_buffer import Ledger, Row
from benegraph.demo.shared_records import break_ground
from benegraph.demo.times_of_day import ZONES, at, day_of, some_time, start_of
from benegraph.domain.catalog import CoverageTier
from benegraph.domain.employers import check_employer
from benegraph.domain.enrollments.elections import CoveredDependent
from benegraph.domain.enrollments.life_events import LifeEventStatus
from benegraph.domain.enrollments.status import (
    EnrollmentFacts,
    EnrollmentStatus,
    WindowReason,
    derive_enrollment_status,
)
from benegraph.domain.enrollments.tiers import FamilyMember, covered_through, derive_tier, is_coverable
from benegraph.domain.plan_years import PlanYearDates, PlanYearStatus, check_dates
from benegraph.domain.plan_years import derive_plan_year_status as plan_year_status_of
from benegraph.domain.values import Clock, DateSpan

LEAP_YEAR = date(2028, 1, 1)
DAYS = [
    date(2028, 2, 29),
    date(2026, 12, 31),
    date(2027, 1, 1),
    date(2026, 1, 31),
    date(2027, 2, 28),
    date(2026, 3, 1),
    date(2026, 4, 30),
    date(2026, 11, 20),
]


def tell(today: date, phase: Phase, size: int = 24) -> Ledger:
    ground = break_ground(("rules",), today).ground
    return tell_employer(ground, Plot(1, size, phase, has_cast=phase is Phase.OPEN))


@pytest.mark.parametrize("today", DAYS, ids=str)
@pytest.mark.parametrize("phase", Phase, ids=lambda phase: phase.name)
def test_every_row_keeps_the_rules(today: date, phase: Phase) -> None:
    told = tell(today, phase)
    assert len(told.tables[Employee]) == 24
    _check_nothing_lies_ahead(told, today)
    _check_plan_years(told, today)
    _check_answers(told)
    _check_no_day_is_covered_twice(told)


def _check_nothing_lies_ahead(told: Ledger, today: date) -> None:
    for rows in told.tables.values():
        for row in rows:
            assert all(value < start_of(today) for value in row.values() if isinstance(value, datetime))
    done = ("issued_on", "opened_on", "reported_on", "event_on", "reviewed_on", "received_on")
    for model in (Enrollment, PlanYear, LifeEvent, PremiumPayment):
        for row in told.tables.get(model, []):
            assert all(row[name] < today for name in done if row.get(name))


def _check_plan_years(told: Ledger, today: date) -> None:
    for row in told.tables[PlanYear]:
        dates = [row[f"{what}_{end}_on"] for what in ("coverage", "open_enrollment") for end in ("starts", "ends")]
        assert not list(check_dates(PlanYearDates(*dates)))
        assert (row["coverage_starts_on"].day, (row["coverage_ends_on"] + timedelta(days=1)).day) == (1, 1)
    statuses = {_status(row, today) for row in told.tables[PlanYear]}
    assert {PlanYearStatus.EXPIRED, PlanYearStatus.ACTIVE} <= statuses


def _status(row: Row, today: date) -> PlanYearStatus:
    return plan_year_status_of(row["opened_on"], row["closed_on"], row["coverage_ends_on"], today)


def _check_answers(told: Ledger) -> None:
    premiums = _premiums(told)
    covered = _covered(told)
    family = {
        row["id"]: FamilyMember(row["id"], row["relationship"], row["date_of_birth"], row["disabled"])
        for row in told.tables.get(Dependent, [])
    }
    for row in told.tables.get(Enrollment, []):
        dependents = covered.get(row["id"], [])
        if row["selected_plan_id"] is None:
            assert not dependents
            continue
        members = [family[each.id] for each in dependents]
        assert row["coverage_tier"] is derive_tier([member.relationship for member in members])
        shares = row["employee_contribution_cents"] + row["employer_contribution_cents"]
        assert shares == premiums[row["selected_plan_id"], row["coverage_tier"]]
        assert all(is_coverable(member, row["coverage_starts_on"]) for member in members)
        assert [each.through for each in dependents] == [covered_through(member) for member in members]


def _premiums(told: Ledger) -> Mapping[tuple[str, CoverageTier], int]:
    rates = {(row["plan_id"], row["coverage_tier"]): row["monthly_premium_cents"] for row in told.tables[PlanRate]}
    for plan in told.tables[Plan]:
        assert rates[plan["id"], CoverageTier.EE] == plan["monthly_premium_cents"]
    return rates


def _covered(told: Ledger) -> dict[str, list[CoveredDependent]]:
    covered: dict[str, list[CoveredDependent]] = defaultdict(list)
    for row in told.tables.get(EnrolledDependent, []):
        covered[row["enrollment_id"]].append(CoveredDependent(row["dependent_id"], row["through"]))
    return covered


def _check_no_day_is_covered_twice(told: Ledger) -> None:
    spans: dict[tuple[str, str], list[DateSpan]] = defaultdict(list)
    for row in told.tables.get(Enrollment, []):
        if row["coverage_ends_on"] is not None:
            span = DateSpan.through(row["coverage_starts_on"], row["coverage_ends_on"])
            spans[row["employee_id"], row["benefit_product_id"]].append(span)
    for each in spans.values():
        assert all(one.stop <= other.start for one, other in pairwise(sorted(each, key=lambda span: span.start)))


# ------------------------------------------------------------------------------------------------- what there is


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_the_cast_plays_its_parts(today: date) -> None:
    told = tell(today, Phase.OPEN)
    assert {row["status"] for row in told.tables[LifeEvent]} == set(LifeEventStatus)
    # Where the day has begun earlier, tomorrow is today already; and the demo may be looked at some days later.
    for seen_on in (today, today + timedelta(days=1), today + timedelta(days=5)):
        held = list(_held(told, seen_on))
        assert {status for _, status, _ in held} == set(EnrollmentStatus)
        for reason in WindowReason:
            pending = [row for row, status, _ in held if status is EnrollmentStatus.PENDING and row["reason"] is reason]
            assert any(is_open for row, _, is_open in held if row in pending), reason
    closings = {row["close_reason"] and row["close_reason"].value for row in told.tables[Enrollment]}
    assert {"LAPSED", "REISSUED", "TERMINATED", None} <= closings
    through = [row["through"] for row in told.tables[EnrolledDependent] if row["through"]]
    assert any(today <= day < today + timedelta(days=40) for day in through), "a child is about to age out"
    assert any(row["hired_on"] > today for row in told.tables[Employee])
    assert any(row["terminated_on"] and row["terminated_on"] < today for row in told.tables[Employee])


def _held(told: Ledger, today: date) -> Iterator[tuple[Row, EnrollmentStatus, bool]]:
    years = {row["id"]: row for row in told.tables[PlanYear]}
    for row in told.tables[Enrollment]:
        year = years[row["plan_year_id"]]
        window = DateSpan.through(
            row["window_opens_on"] or year["open_enrollment_starts_on"],
            row["window_closes_on"] or year["open_enrollment_ends_on"],
        )
        facts = EnrollmentFacts(
            row["decision"],
            window,
            year["coverage_ends_on"],
            row["coverage_starts_on"],
            row["coverage_ends_on"],
            row["closed_on"],
        )
        yield row, derive_enrollment_status(facts, today), today in window


def test_the_phases_make_plan_years_of_every_status() -> None:
    today = DAYS[0]
    found = {phase: {_status(row, today) for row in tell(today, phase, 5).tables[PlanYear]} for phase in Phase}
    old = {PlanYearStatus.EXPIRED, PlanYearStatus.ACTIVE}
    assert found == {
        Phase.OPEN: old | {PlanYearStatus.OPEN_ENROLLMENT, PlanYearStatus.DRAFT},
        Phase.CLOSING: old | {PlanYearStatus.OPEN_ENROLLMENT},
        Phase.CLOSED: old,
        Phase.DRAFTED: old | {PlanYearStatus.DRAFT},
        Phase.MIDYEAR: old,
    }


def test_a_story_can_be_told_on_each_day_of_a_leap_year() -> None:
    for number in range(366):
        today = LEAP_YEAR + timedelta(days=number)
        for phase in (Phase.OPEN, Phase.MIDYEAR):
            _check_plan_years(tell(today, phase, 1), today)


# ------------------------------------------------------------------------------------------------ days and names


@pytest.mark.parametrize("zone", ZONES)
def test_an_instant_of_a_day_falls_on_it_everywhere(zone: str) -> None:
    for day in (date(2026, 1, 15), date(2026, 7, 15), date(2028, 2, 29)):
        for instant in (at(day, 0), at(day, 419), some_time(dice("any"), day)):
            assert instant.astimezone(ZoneInfo(zone)).date() == instant.date() == day


def test_the_day_is_the_earliest_of_all() -> None:
    assert day_of(Clock(datetime(2027, 1, 1, 9, 59, tzinfo=UTC))) == date(2026, 12, 31)
    assert day_of(Clock(datetime(2027, 1, 1, 10, tzinfo=UTC))) == date(2027, 1, 1)
    fixed = date(2028, 2, 29)
    assert day_of(Clock.at(datetime.combine(fixed, time(1), UTC), fixed)) == fixed


def test_names_are_good_and_differ() -> None:
    names = [company(number) for number in range(2000)]
    assert len(set(names)) == len(names)
    assert email_of("Chloé", "Bergström", 7) == "chloe.bergstrom.7@example.com"
    (employer,) = tell(DAYS[0], Phase.MIDYEAR, 1).tables[Employer]
    assert not list(check_employer(employer["name"], employer["time_zone"]))


def test_another_seed_tells_of_others_and_the_same_one_of_the_same() -> None:
    today = DAYS[-1]

    def told(*words: object) -> dict[type[Base], list[Row]]:
        return tell_employer(break_ground(words, today).ground, Plot(1, 9)).tables

    assert told("rules", 1) == told("rules", 1)
    assert told("rules", 1)[Event] != told("rules", 2)[Event]
