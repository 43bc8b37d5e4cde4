"""Plan years: derived statuses, and checks of dates, waiting periods and contribution classes."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.catalog import CoverageTier
from benegraph.domain.errors import ErrorCode
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import (
    ContributionTerms,
    PlanYearDates,
    PlanYearStatus,
    WaitingPeriod,
    check_classes,
    check_dates,
    check_waiting_period,
    derive_plan_year_status,
)
from benegraph.domain.values import MAX_CENTS, ONE_DAY
from violations import CodeAndField, codes_and_fields

DATES = PlanYearDates(date(2027, 1, 1), date(2027, 12, 31), date(2026, 11, 1), date(2026, 11, 30))
FULL_TIME, PART_TIME = EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME
UNSPECIFIED, EE, ES = CoverageTier.UNSPECIFIED, CoverageTier.EE, CoverageTier.ES


def covering(first: date, last: date) -> PlanYearDates:
    """Return dates with this coverage period, and an open enrollment that ends before it."""
    return PlanYearDates(first, last, first - timedelta(days=60), first - timedelta(days=30))


# ---------------------------------------------------------------------------------------------------- life cycle

OPENED, CLOSED = date(2026, 11, 1), date(2026, 12, 1)


@pytest.mark.parametrize(
    ("opened_on", "closed_on", "today", "status"),
    [
        (None, None, date(2026, 10, 1), PlanYearStatus.DRAFT),
        (None, None, date(2027, 12, 31), PlanYearStatus.DRAFT),
        (None, None, date(2028, 1, 1), PlanYearStatus.DRAFT),  # a draft never expires
        (OPENED, None, date(2026, 11, 1), PlanYearStatus.OPEN_ENROLLMENT),
        (OPENED, None, date(2027, 6, 1), PlanYearStatus.OPEN_ENROLLMENT),  # until it is closed
        (OPENED, None, date(2027, 12, 31), PlanYearStatus.OPEN_ENROLLMENT),
        (OPENED, None, date(2028, 1, 1), PlanYearStatus.EXPIRED),
        (OPENED, CLOSED, date(2026, 12, 1), PlanYearStatus.ACTIVE),
        (OPENED, CLOSED, date(2027, 12, 30), PlanYearStatus.ACTIVE),
        (OPENED, CLOSED, date(2027, 12, 31), PlanYearStatus.ACTIVE),  # its last day
        (OPENED, CLOSED, date(2028, 1, 1), PlanYearStatus.EXPIRED),
    ],
)
def test_plan_year_status_on_a_day(
    opened_on: date | None, closed_on: date | None, today: date, status: PlanYearStatus
) -> None:
    assert derive_plan_year_status(opened_on, closed_on, date(2027, 12, 31), today) is status


# ---------------------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize(
    "dates",
    [
        DATES,
        replace(DATES, coverage_end=DATES.coverage_start),  # a single day of coverage
        replace(DATES, open_enrollment_end=DATES.open_enrollment_start),  # a single day of open enrollment
        replace(DATES, open_enrollment_end=date(2026, 12, 31)),  # ends the day before coverage starts
        replace(DATES, open_enrollment_start=date(2020, 1, 1)),  # may have started in the past
        covering(date(2198, 12, 31), date(2199, 12, 30)),
        covering(date(2199, 12, 31), date(2199, 12, 31)),
        PlanYearDates(date(1900, 1, 2), date(1900, 12, 31), date(1900, 1, 1), date(1900, 1, 1)),
    ],
)
def test_valid_dates_are_accepted(dates: PlanYearDates) -> None:
    assert list(check_dates(dates)) == []


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (replace(DATES, coverage_end=date(2026, 12, 31)), [(ErrorCode.DATES_OUT_OF_ORDER, "coverageEnd")]),
        (replace(DATES, coverage_end=date(2028, 1, 1)), [(ErrorCode.INVALID_INPUT, "coverageEnd")]),
        (
            replace(DATES, open_enrollment_end=date(2026, 10, 31)),
            [(ErrorCode.DATES_OUT_OF_ORDER, "openEnrollmentEnd")],
        ),
        (
            replace(DATES, open_enrollment_end=date(2027, 1, 1)),
            [(ErrorCode.DATES_OUT_OF_ORDER, "openEnrollmentEnd")],
        ),
        (replace(DATES, coverage_start=date(1899, 12, 31)), [(ErrorCode.INVALID_INPUT, "coverageStart")]),
        (replace(DATES, coverage_end=date(2200, 1, 1)), [(ErrorCode.INVALID_INPUT, "coverageEnd")]),
        (replace(DATES, coverage_end=date(9999, 12, 31)), [(ErrorCode.INVALID_INPUT, "coverageEnd")]),
        (
            replace(DATES, open_enrollment_start=date(1899, 12, 31)),
            [(ErrorCode.INVALID_INPUT, "openEnrollmentStart")],
        ),
        (replace(DATES, open_enrollment_end=date(2200, 1, 1)), [(ErrorCode.INVALID_INPUT, "openEnrollmentEnd")]),
        # All violations are reported at once.
        (
            PlanYearDates(date(2027, 1, 1), date(2026, 1, 1), date(2027, 3, 1), date(2027, 2, 28)),
            [
                (ErrorCode.DATES_OUT_OF_ORDER, "coverageEnd"),
                (ErrorCode.DATES_OUT_OF_ORDER, "openEnrollmentEnd"),
                (ErrorCode.DATES_OUT_OF_ORDER, "openEnrollmentEnd"),
            ],
        ),
    ],
)
def test_invalid_dates_are_refused_at_their_field(dates: PlanYearDates, expected: list[CodeAndField]) -> None:
    assert codes_and_fields(check_dates(dates)) == expected


@pytest.mark.parametrize(
    "dates",
    [
        replace(DATES, open_enrollment_start=date(1899, 12, 31)),
        covering(date(2199, 1, 2), date(2200, 1, 1)),
    ],
)
def test_dates_out_of_range_are_refused(dates: PlanYearDates) -> None:
    assert [violation.code for violation in check_dates(dates)] == [ErrorCode.INVALID_INPUT]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2027, 1, 1), date(2027, 12, 31)),
        (date(2027, 7, 15), date(2028, 7, 14)),
        (date(2023, 2, 28), date(2024, 2, 27)),
        (date(2023, 3, 1), date(2024, 2, 29)),
        (date(2024, 2, 28), date(2025, 2, 27)),
        (date(2024, 2, 29), date(2025, 2, 28)),  # twelve months end on the last day of February
        (date(2024, 3, 1), date(2025, 2, 28)),
        (date(2024, 12, 31), date(2025, 12, 30)),
    ],
)
def test_plan_year_lasts_at_most_twelve_months(first: date, last: date) -> None:
    assert codes_and_fields(check_dates(covering(first, last))) == []
    assert codes_and_fields(check_dates(covering(first, last + ONE_DAY))) == [(ErrorCode.INVALID_INPUT, "coverageEnd")]


@given(st.dates(date(1901, 1, 1), date(2198, 12, 31)))
def test_plan_year_is_never_longer_than_a_leap_year(first: date) -> None:
    def is_accepted(days: int) -> bool:
        return not list(check_dates(covering(first, first + timedelta(days=days - 1))))

    assert is_accepted(365)
    assert not is_accepted(367)


# ---------------------------------------------------------------------------------------------------- waiting


@pytest.mark.parametrize(
    ("days", "starts_on_first_of_month", "refused"),
    [
        (-1, False, True),
        (0, False, False),
        (60, False, False),
        (61, False, False),
        (90, False, False),
        (91, False, True),
        (-1, True, True),
        (0, True, False),
        (60, True, False),
        (61, True, True),
        (90, True, True),
        (91, True, True),
    ],
)
def test_waiting_period_is_at_most_90_days_or_60_to_a_first_of_month(
    days: int, starts_on_first_of_month: bool, refused: bool
) -> None:
    expected = [(ErrorCode.INVALID_INPUT, "waitingPeriodDays")] if refused else []
    assert codes_and_fields(check_waiting_period(WaitingPeriod(days, starts_on_first_of_month))) == expected


# ---------------------------------------------------------------------------------------------------- classes


def test_each_employment_class_and_family_status_may_have_a_contribution_class() -> None:
    classes = [
        ContributionTerms(employment_class, tier, 0, 0)
        for employment_class in EmploymentClass
        for tier in CoverageTier  # UNSPECIFIED among them
    ]
    assert list(check_classes(classes)) == []


@pytest.mark.parametrize(
    ("classes", "paths"),
    [
        ([], ["contributionClasses"]),
        ([ContributionTerms(FULL_TIME, EE, -1, 0)], ["contributionClasses.0.employeeContributionCents"]),
        ([ContributionTerms(FULL_TIME, EE, 0, -1)], ["contributionClasses.0.employerContributionCents"]),
        ([ContributionTerms(FULL_TIME, EE, MAX_CENTS, 1)], ["contributionClasses.0.employeeContributionCents"]),
        (
            [ContributionTerms(FULL_TIME, EE, 1, 2), ContributionTerms(FULL_TIME, EE, 3, 4)],
            ["contributionClasses.1.familyStatus"],
        ),
        (
            [
                ContributionTerms(FULL_TIME, UNSPECIFIED, 0, 0),
                ContributionTerms(PART_TIME, UNSPECIFIED, -1, -1),
                ContributionTerms(FULL_TIME, ES, 0, 0),
                ContributionTerms(FULL_TIME, UNSPECIFIED, 0, 0),
                ContributionTerms(FULL_TIME, UNSPECIFIED, 0, 0),
            ],
            [
                "contributionClasses.1.employeeContributionCents",
                "contributionClasses.1.employerContributionCents",
                "contributionClasses.3.familyStatus",
                "contributionClasses.4.familyStatus",
            ],
        ),
    ],
)
def test_missing_duplicate_and_negative_classes_are_refused(classes: list[ContributionTerms], paths: list[str]) -> None:
    assert codes_and_fields(check_classes(classes)) == [(ErrorCode.INVALID_INPUT, path) for path in paths]
