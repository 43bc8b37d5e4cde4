"""Employees and dependents: active employment, and checks of personal details and dates."""

from dataclasses import replace
from datetime import date

import pytest

from benegraph.domain.errors import ErrorCode
from benegraph.domain.people import (
    Employment,
    EmploymentClass,
    PersonalDetails,
    check_dependent,
    check_person,
    check_termination,
)
from violations import CodeAndField, codes_and_fields

TODAY = date(2026, 5, 20)
HIRED = date(2024, 2, 29)
ADA = PersonalDetails("Ada", "Byron", "ada@example.com", date(1990, 12, 10), "E-1")

# ---------------------------------------------------------------------------------------------------- employment


@pytest.mark.parametrize(
    ("class_changed_on", "waiting_starts_on"),
    [
        (None, HIRED),
        (date(2024, 2, 28), HIRED),  # a class change before a rehire does not count
        (HIRED, HIRED),
        (date(2024, 3, 1), date(2024, 3, 1)),
        (date(2026, 7, 1), date(2026, 7, 1)),
    ],
)
def test_waiting_starts_on_hire_or_later_class_change(class_changed_on: date | None, waiting_starts_on: date) -> None:
    assert Employment(EmploymentClass.FULL_TIME, HIRED, class_changed_on).waiting_starts_on == waiting_starts_on


@pytest.mark.parametrize(
    ("terminated_on", "active"),
    [
        (None, True),
        (date(2026, 5, 21), True),
        (date(2026, 5, 20), False),
        (date(2026, 5, 19), False),
    ],
)
def test_employment_is_active_before_its_termination_date(terminated_on: date | None, active: bool) -> None:
    employment = Employment(EmploymentClass.PART_TIME, HIRED, terminated_on=terminated_on)
    assert employment.is_active(TODAY) is active


# ---------------------------------------------------------------------------------------------------- people


@pytest.mark.parametrize(
    "person",
    [
        ADA,
        replace(ADA, email=None, date_of_birth=None, external_id=None),
        replace(ADA, email="a@b.c"),
        replace(ADA, email=f"{'x' * 242}@example.com"),  # 254 characters
        replace(ADA, first_name="x" * 200),
        replace(ADA, date_of_birth=date(1900, 1, 1)),
        replace(ADA, date_of_birth=date(2024, 2, 28)),  # the day before the hire
    ],
)
def test_valid_person_is_accepted(person: PersonalDetails) -> None:
    assert list(check_person(person, HIRED, TODAY)) == []


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (replace(ADA, first_name=""), [(ErrorCode.INVALID_INPUT, "firstName")]),
        (replace(ADA, last_name="  "), [(ErrorCode.INVALID_INPUT, "lastName")]),
        (replace(ADA, external_id=""), [(ErrorCode.INVALID_INPUT, "externalId")]),
        (replace(ADA, first_name="x" * 201), [(ErrorCode.INVALID_INPUT, "firstName")]),
        (replace(ADA, email=" "), [(ErrorCode.INVALID_INPUT, "email")]),
        (replace(ADA, email="ada"), [(ErrorCode.INVALID_INPUT, "email")]),
        (replace(ADA, email="ada@example"), [(ErrorCode.INVALID_INPUT, "email")]),
        (replace(ADA, email="ada@@example.com"), [(ErrorCode.INVALID_INPUT, "email")]),
        (replace(ADA, email="@example.com"), [(ErrorCode.INVALID_INPUT, "email")]),
        (replace(ADA, email="ada @example.com"), [(ErrorCode.INVALID_INPUT, "email")]),
        (replace(ADA, email="ada@example.com\n"), [(ErrorCode.INVALID_INPUT, "email")]),
        (replace(ADA, email="ada\u202e@example.com"), [(ErrorCode.INVALID_INPUT, "email")]),
        (replace(ADA, email=f"{'x' * 243}@example.com"), [(ErrorCode.INVALID_INPUT, "email")]),
        (replace(ADA, date_of_birth=date(1899, 12, 31)), [(ErrorCode.INVALID_INPUT, "dateOfBirth")]),
        (replace(ADA, date_of_birth=HIRED), [(ErrorCode.DATES_OUT_OF_ORDER, "startDate")]),
        (
            replace(ADA, date_of_birth=date(2026, 5, 21)),
            [(ErrorCode.INVALID_INPUT, "dateOfBirth"), (ErrorCode.DATES_OUT_OF_ORDER, "startDate")],
        ),
        (
            PersonalDetails("", "", "ada", date(1899, 12, 31), ""),
            [
                (ErrorCode.INVALID_INPUT, "firstName"),
                (ErrorCode.INVALID_INPUT, "lastName"),
                (ErrorCode.INVALID_INPUT, "externalId"),
                (ErrorCode.INVALID_INPUT, "email"),
                (ErrorCode.INVALID_INPUT, "dateOfBirth"),
            ],
        ),
    ],
)
def test_every_invalid_detail_of_a_person_is_refused_at_its_field(
    person: PersonalDetails, expected: list[CodeAndField]
) -> None:
    assert codes_and_fields(check_person(person, HIRED, TODAY)) == expected


@pytest.mark.parametrize(
    ("hired_on", "refused"),
    [
        (date(1899, 12, 31), True),
        (date(1900, 1, 1), False),
        (TODAY, False),
        (date(2028, 12, 31), False),
        (date(2029, 1, 1), True),
    ],
)
def test_hire_date_is_from_1900_to_two_years_ahead(hired_on: date, refused: bool) -> None:
    expected = [(ErrorCode.INVALID_INPUT, "startDate")] if refused else []
    assert codes_and_fields(check_person(replace(ADA, date_of_birth=None), hired_on, TODAY)) == expected


# ---------------------------------------------------------------------------------------------------- dependents


@pytest.mark.parametrize(
    ("first_name", "last_name", "born", "expected"),
    [
        ("Kit", "Byron", date(1900, 1, 1), []),
        ("Kit", "Byron", TODAY, []),  # born today
        ("Kit", "Byron", date(2026, 5, 21), [(ErrorCode.INVALID_INPUT, "dateOfBirth")]),
        ("Kit", "Byron", date(1899, 12, 31), [(ErrorCode.INVALID_INPUT, "dateOfBirth")]),
        ("", "Byron", TODAY, [(ErrorCode.INVALID_INPUT, "firstName")]),
        (
            "\x00",
            "x" * 201,
            date(2026, 5, 21),
            [
                (ErrorCode.INVALID_INPUT, "firstName"),
                (ErrorCode.INVALID_INPUT, "lastName"),
                (ErrorCode.INVALID_INPUT, "dateOfBirth"),
            ],
        ),
    ],
)
def test_every_invalid_detail_of_a_dependent_is_refused_at_its_field(
    first_name: str, last_name: str, born: date, expected: list[CodeAndField]
) -> None:
    assert codes_and_fields(check_dependent(first_name, last_name, born, TODAY)) == expected


# ---------------------------------------------------------------------------------------------------- termination

BEFORE_HIRE = (ErrorCode.DATES_OUT_OF_ORDER, "terminationDate")
INVALID_DATE = (ErrorCode.INVALID_INPUT, "terminationDate")
INVALID_REASON = (ErrorCode.INVALID_INPUT, "reason")


@pytest.mark.parametrize(
    ("terminated_on", "reason", "administrator", "expected"),
    [
        # This month or later: every role, with or without a reason.
        (TODAY, None, False, []),
        (date(2026, 5, 1), None, False, []),
        (date(2026, 12, 31), "moves abroad", False, []),
        (date(2028, 12, 31), None, False, []),
        (date(2029, 1, 1), None, False, [INVALID_DATE]),
        # A past month: only an administrator with a reason.
        (date(2026, 4, 30), "never started", True, []),
        (date(2026, 4, 30), None, True, [INVALID_REASON]),
        (date(2026, 4, 30), "never started", False, [INVALID_DATE]),
        (date(2026, 4, 30), None, False, [INVALID_DATE, INVALID_REASON]),
        (HIRED, "never started", True, []),
        (date(2024, 2, 28), "never started", True, [BEFORE_HIRE]),
        (date(2024, 2, 28), None, False, [BEFORE_HIRE, INVALID_DATE, INVALID_REASON]),
        # The length of the reason.
        (TODAY, "x" * 1000, False, []),
        (TODAY, "x" * 1001, False, [INVALID_REASON]),
        (TODAY, " ", False, [INVALID_REASON]),
    ],
)
def test_termination_violations_are_all_reported(
    terminated_on: date, reason: str | None, administrator: bool, expected: list[CodeAndField]
) -> None:
    violations = check_termination(HIRED, terminated_on, TODAY, reason, administrator=administrator)
    assert codes_and_fields(violations) == expected


@pytest.mark.parametrize(
    ("today", "backdated"),
    [
        (date(2026, 4, 30), False),  # the last day of the termination date's month
        (date(2026, 5, 1), True),  # the first of the next
    ],
)
def test_termination_is_backdated_from_the_first_of_the_next_month(today: date, backdated: bool) -> None:
    violations = check_termination(HIRED, date(2026, 4, 1), today, "left", administrator=False)
    assert codes_and_fields(violations) == ([INVALID_DATE] if backdated else [])


def test_hire_of_this_month_may_be_terminated_on_its_first_day() -> None:
    hired = date(2026, 5, 18)
    assert codes_and_fields(check_termination(hired, hired, TODAY, None, administrator=False)) == []
    assert codes_and_fields(check_termination(hired, date(2026, 5, 17), TODAY, None, administrator=False)) == [
        BEFORE_HIRE
    ]
