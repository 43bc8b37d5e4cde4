"""The generated rows satisfy the domain's rules on any day; generated and checked without a database."""

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
from benegraph.demo.employers import EmployerProfile, generate_employer
from benegraph.demo.names import company_name
from benegraph.demo.people import email_address
from benegraph.demo.plan_years import EnrollmentPhase
from benegraph.demo.random_source import random_source
from benegraph.demo.record_buffer import RecordBuffer, Row
from benegraph.demo.shared_records import generate_shared_records
from benegraph.demo.times_of_day import TIME_ZONES, instant_of, random_instant, reference_date, start_of_day
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
from benegraph.domain.enrollments.tiers import DependentFacts, covered_through, derive_tier, is_coverable
from benegraph.domain.plan_years import PlanYearDates, PlanYearStatus, check_dates, derive_plan_year_status
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


def generate(today: date, phase: EnrollmentPhase, size: int = 24) -> RecordBuffer:
    tenant = generate_shared_records(("rules",), today).tenant
    return generate_employer(tenant, EmployerProfile(1, size, phase, has_sample_people=phase is EnrollmentPhase.OPEN))


@pytest.mark.parametrize("today", DAYS, ids=str)
@pytest.mark.parametrize("phase", EnrollmentPhase, ids=lambda phase: phase.name)
def test_every_row_satisfies_the_rules(today: date, phase: EnrollmentPhase) -> None:
    records = generate(today, phase)
    assert len(records.tables[Employee]) == 24
    _check_no_future_dates(records, today)
    _check_plan_years(records, today)
    _check_elections(records)
    _check_no_overlapping_coverage(records)


def _check_no_future_dates(records: RecordBuffer, today: date) -> None:
    for rows in records.tables.values():
        for row in rows:
            assert all(value < start_of_day(today) for value in row.values() if isinstance(value, datetime))
    past_columns = ("issued_on", "opened_on", "reported_on", "event_on", "reviewed_on", "received_on")
    for model in (Enrollment, PlanYear, LifeEvent, PremiumPayment):
        for row in records.tables.get(model, []):
            assert all(row[name] < today for name in past_columns if row.get(name))


def _check_plan_years(records: RecordBuffer, today: date) -> None:
    for row in records.tables[PlanYear]:
        dates = [row[f"{name}_{end}_on"] for name in ("coverage", "open_enrollment") for end in ("starts", "ends")]
        assert not list(check_dates(PlanYearDates(*dates)))
        assert (row["coverage_starts_on"].day, (row["coverage_ends_on"] + timedelta(days=1)).day) == (1, 1)
    statuses = {_plan_year_status(row, today) for row in records.tables[PlanYear]}
    assert {PlanYearStatus.EXPIRED, PlanYearStatus.ACTIVE} <= statuses


def _plan_year_status(row: Row, today: date) -> PlanYearStatus:
    return derive_plan_year_status(row["opened_on"], row["closed_on"], row["coverage_ends_on"], today)


def _check_elections(records: RecordBuffer) -> None:
    premiums = _premiums_by_plan_and_tier(records)
    covered = _covered_dependents(records)
    family = {
        row["id"]: DependentFacts(row["id"], row["relationship"], row["date_of_birth"], row["disabled"])
        for row in records.tables.get(Dependent, [])
    }
    for row in records.tables.get(Enrollment, []):
        dependents = covered.get(row["id"], [])
        if row["selected_plan_id"] is None:
            assert not dependents
            continue
        members = [family[item.id] for item in dependents]
        assert row["coverage_tier"] is derive_tier([member.relationship for member in members])
        shares = row["employee_contribution_cents"] + row["employer_contribution_cents"]
        assert shares == premiums[row["selected_plan_id"], row["coverage_tier"]]
        assert all(is_coverable(member, row["coverage_starts_on"]) for member in members)
        assert [item.through for item in dependents] == [covered_through(member) for member in members]


def _premiums_by_plan_and_tier(records: RecordBuffer) -> Mapping[tuple[str, CoverageTier], int]:
    rates = {(row["plan_id"], row["coverage_tier"]): row["monthly_premium_cents"] for row in records.tables[PlanRate]}
    for plan in records.tables[Plan]:
        assert rates[plan["id"], CoverageTier.EE] == plan["monthly_premium_cents"]
    return rates


def _covered_dependents(records: RecordBuffer) -> dict[str, list[CoveredDependent]]:
    covered: dict[str, list[CoveredDependent]] = defaultdict(list)
    for row in records.tables.get(EnrolledDependent, []):
        covered[row["enrollment_id"]].append(CoveredDependent(row["dependent_id"], row["through"]))
    return covered


def _check_no_overlapping_coverage(records: RecordBuffer) -> None:
    spans: dict[tuple[str, str], list[DateSpan]] = defaultdict(list)
    for row in records.tables.get(Enrollment, []):
        if row["coverage_ends_on"] is not None:
            span = DateSpan.through(row["coverage_starts_on"], row["coverage_ends_on"])
            spans[row["employee_id"], row["benefit_product_id"]].append(span)
    for covered in spans.values():
        in_order = sorted(covered, key=lambda span: span.start)
        assert all(span.stop <= next_span.start for span, next_span in pairwise(in_order))


# ------------------------------------------------------------------------------------------------------- contents


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_sample_people_have_every_state(today: date) -> None:
    records = generate(today, EnrollmentPhase.OPEN)
    statuses = set(LifeEventStatus) - {LifeEventStatus.WITHDRAWN}  # nobody in the demo withdraws an event
    assert {row["status"] for row in records.tables[LifeEvent]} == statuses
    # Further east it may be tomorrow already; and the demo may be started days before it is used.
    for viewed_on in (today, today + timedelta(days=1), today + timedelta(days=5)):
        enrollments = list(_enrollment_statuses(records, viewed_on))
        assert {status for _, status, _ in enrollments} == set(EnrollmentStatus)
        for reason in set(WindowReason) - {WindowReason.OVERRIDE}:  # an override answers the enrollment that it issues
            pending = [
                row for row, status, _ in enrollments if status is EnrollmentStatus.PENDING and row["reason"] is reason
            ]
            assert any(is_open for row, _, is_open in enrollments if row in pending), reason
    close_reasons = {row["close_reason"] and row["close_reason"].value for row in records.tables[Enrollment]}
    assert {"LAPSED", "REISSUED", "TERMINATED", None} <= close_reasons
    through = [row["through"] for row in records.tables[EnrolledDependent] if row["through"]]
    assert any(today <= day < today + timedelta(days=40) for day in through), "a child is about to age out"
    assert any(row["hired_on"] > today for row in records.tables[Employee])
    assert any(row["terminated_on"] and row["terminated_on"] < today for row in records.tables[Employee])


def _enrollment_statuses(records: RecordBuffer, today: date) -> Iterator[tuple[Row, EnrollmentStatus, bool]]:
    years = {row["id"]: row for row in records.tables[PlanYear]}
    for row in records.tables[Enrollment]:
        year = years[row["plan_year_id"]]
        window = DateSpan.through(
            row["window_opens_on"] or year["open_enrollment_starts_on"],
            row["window_closes_on"] or year["open_enrollment_ends_on"],
        )
        facts = EnrollmentFacts(
            row["decision"],
            window,
            year["coverage_ends_on"],
            row["effective_on"],
            row["coverage_ends_on"],
            row["closed_on"],
        )
        yield row, derive_enrollment_status(facts, today), today in window


def test_phases_have_the_expected_plan_year_statuses() -> None:
    today = DAYS[0]
    statuses = {
        phase: {_plan_year_status(row, today) for row in generate(today, phase, 5).tables[PlanYear]}
        for phase in EnrollmentPhase
    }
    old = {PlanYearStatus.EXPIRED, PlanYearStatus.ACTIVE}
    assert statuses == {
        EnrollmentPhase.OPEN: old | {PlanYearStatus.OPEN_ENROLLMENT, PlanYearStatus.DRAFT},
        EnrollmentPhase.CLOSING: old | {PlanYearStatus.OPEN_ENROLLMENT},
        EnrollmentPhase.CLOSED: old,
        EnrollmentPhase.DRAFTED: old | {PlanYearStatus.DRAFT},
        EnrollmentPhase.MIDYEAR: old,
    }


def test_employers_can_be_generated_on_each_day_of_a_leap_year() -> None:
    for number in range(366):
        today = LEAP_YEAR + timedelta(days=number)
        for phase in (EnrollmentPhase.OPEN, EnrollmentPhase.MIDYEAR):
            _check_plan_years(generate(today, phase, 1), today)


# ------------------------------------------------------------------------------------------------ days and names


@pytest.mark.parametrize("zone", TIME_ZONES)
def test_instants_have_the_same_local_date_in_every_time_zone(zone: str) -> None:
    for day in (date(2026, 1, 15), date(2026, 7, 15), date(2028, 2, 29)):
        for instant in (instant_of(day, 0), instant_of(day, 419), random_instant(random_source("any"), day)):
            assert instant.astimezone(ZoneInfo(zone)).date() == instant.date() == day


def test_reference_date_is_the_earliest_local_date() -> None:
    assert reference_date(Clock(datetime(2027, 1, 1, 9, 59, tzinfo=UTC))) == date(2026, 12, 31)
    assert reference_date(Clock(datetime(2027, 1, 1, 10, tzinfo=UTC))) == date(2027, 1, 1)
    fixed = date(2028, 2, 29)
    assert reference_date(Clock.at(datetime.combine(fixed, time(1), UTC), fixed)) == fixed


def test_names_are_valid_and_distinct() -> None:
    names = [company_name(number) for number in range(2000)]
    assert len(set(names)) == len(names)
    assert email_address("Chloé", "Bergström", 7) == "chloe.bergstrom.7@example.com"
    (employer,) = generate(DAYS[0], EnrollmentPhase.MIDYEAR, 1).tables[Employer]
    assert not list(check_employer(employer["name"], employer["time_zone"]))


def test_rows_are_equal_only_for_equal_seed_words() -> None:
    today = DAYS[-1]

    def tables_of(*seed_words: object) -> dict[type[Base], list[Row]]:
        return generate_employer(generate_shared_records(seed_words, today).tenant, EmployerProfile(1, 9)).tables

    assert tables_of("rules", 1) == tables_of("rules", 1)
    assert tables_of("rules", 1)[Event] != tables_of("rules", 2)[Event]
