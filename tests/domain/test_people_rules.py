"""Employees and dependents: when an employment stands, and which facts and dates are refused."""

from dataclasses import replace
from datetime import date

import pytest
from refusals import Refusal, refusals

from benegraph.domain.errors import ErrorCode
from benegraph.domain.people import (
    Employment,
    EmploymentClass,
    PersonalDetails,
    check_dependent,
    check_person,
    check_termination,
)

TODAY = date(2026, 5, 20)
HIRED = date(2024, 2, 29)
ADA = PersonalDetails("Ada", "Byron", "ada@example.com", date(1990, 12, 10), "E-1")

# ---------------------------------------------------------------------------------------------------- employment


@pytest.mark.parametrize(
    ("class_changed_on", "waiting_starts_on"),
    [
        (None, HIRED),
        (date(2024, 2, 28), HIRED),  # a change from before a rehire counts no more
        (HIRED, HIRED),
        (date(2024, 3, 1), date(2024, 3, 1)),
        (date(2026, 7, 1), date(2026, 7, 1)),
    ],
)
def test_a_wait_counts_from_the_hire_or_a_later_change_of_class(
    class_changed_on: date | None, waiting_starts_on: date
) -> None:
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
def test_an_employment_stands_until_its_termination(terminated_on: date | None, active: bool) -> None:
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
def test_a_good_person_is_let_through(person: PersonalDetails) -> None:
    assert list(check_person(person, HIRED, TODAY)) == []


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (replace(ADA, first_name=""), [(ErrorCode.INVALID_INPUT, ("firstName",))]),
        (replace(ADA, last_name="  "), [(ErrorCode.INVALID_INPUT, ("lastName",))]),
        (replace(ADA, external_id=""), [(ErrorCode.INVALID_INPUT, ("externalId",))]),
        (replace(ADA, first_name="x" * 201), [(ErrorCode.INVALID_INPUT, ("firstName",))]),
        (replace(ADA, email=" "), [(ErrorCode.INVALID_INPUT, ("email",))]),
        (replace(ADA, email="ada"), [(ErrorCode.INVALID_INPUT, ("email",))]),
        (replace(ADA, email="ada@example"), [(ErrorCode.INVALID_INPUT, ("email",))]),
        (replace(ADA, email="ada@@example.com"), [(ErrorCode.INVALID_INPUT, ("email",))]),
        (replace(ADA, email="@example.com"), [(ErrorCode.INVALID_INPUT, ("email",))]),
        (replace(ADA, email="ada @example.com"), [(ErrorCode.INVALID_INPUT, ("email",))]),
        (replace(ADA, email="ada@example.com\n"), [(ErrorCode.INVALID_INPUT, ("email",))]),
        (replace(ADA, email=f"{'x' * 243}@example.com"), [(ErrorCode.INVALID_INPUT, ("email",))]),
        (replace(ADA, date_of_birth=date(1899, 12, 31)), [(ErrorCode.INVALID_INPUT, ("dateOfBirth",))]),
        (replace(ADA, date_of_birth=HIRED), [(ErrorCode.DATES_OUT_OF_ORDER, ("startDate",))]),
        (
            replace(ADA, date_of_birth=date(2026, 5, 21)),
            [(ErrorCode.INVALID_INPUT, ("dateOfBirth",)), (ErrorCode.DATES_OUT_OF_ORDER, ("startDate",))],
        ),
        (
            PersonalDetails("", "", "ada", date(1899, 12, 31), ""),
            [
                (ErrorCode.INVALID_INPUT, ("firstName",)),
                (ErrorCode.INVALID_INPUT, ("lastName",)),
                (ErrorCode.INVALID_INPUT, ("externalId",)),
                (ErrorCode.INVALID_INPUT, ("email",)),
                (ErrorCode.INVALID_INPUT, ("dateOfBirth",)),
            ],
        ),
    ],
)
def test_every_bad_fact_of_a_person_is_refused_at_its_field(person: PersonalDetails, expected: list[Refusal]) -> None:
    assert refusals(check_person(person, HIRED, TODAY)) == expected


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
def test_a_hire_lies_between_1900_and_two_years_from_now(hired_on: date, refused: bool) -> None:
    expected = [(ErrorCode.INVALID_INPUT, ("startDate",))] if refused else []
    assert refusals(check_person(replace(ADA, date_of_birth=None), hired_on, TODAY)) == expected


# ---------------------------------------------------------------------------------------------------- dependents


@pytest.mark.parametrize(
    ("first_name", "last_name", "born", "expected"),
    [
        ("Kit", "Byron", date(1900, 1, 1), []),
        ("Kit", "Byron", TODAY, []),  # born today
        ("Kit", "Byron", date(2026, 5, 21), [(ErrorCode.INVALID_INPUT, ("dateOfBirth",))]),
        ("Kit", "Byron", date(1899, 12, 31), [(ErrorCode.INVALID_INPUT, ("dateOfBirth",))]),
        ("", "Byron", TODAY, [(ErrorCode.INVALID_INPUT, ("firstName",))]),
        (
            "\x00",
            "x" * 201,
            date(2026, 5, 21),
            [
                (ErrorCode.INVALID_INPUT, ("firstName",)),
                (ErrorCode.INVALID_INPUT, ("lastName",)),
                (ErrorCode.INVALID_INPUT, ("dateOfBirth",)),
            ],
        ),
    ],
)
def test_every_bad_fact_of_a_dependent_is_refused_at_its_field(
    first_name: str, last_name: str, born: date, expected: list[Refusal]
) -> None:
    assert refusals(check_dependent(first_name, last_name, born, TODAY)) == expected


# ---------------------------------------------------------------------------------------------------- termination

ENDS_BEFORE_HIRE = (ErrorCode.DATES_OUT_OF_ORDER, ("terminationDate",))
BAD_DATE = (ErrorCode.INVALID_INPUT, ("terminationDate",))
BAD_REASON = (ErrorCode.INVALID_INPUT, ("reason",))


@pytest.mark.parametrize(
    ("terminated_on", "reason", "administrator", "expected"),
    [
        # This month and later: anyone, with or without a reason.
        (TODAY, None, False, []),
        (date(2026, 5, 1), None, False, []),
        (date(2026, 12, 31), "moves abroad", False, []),
        (date(2028, 12, 31), None, False, []),
        (date(2029, 1, 1), None, False, [BAD_DATE]),
        # A past month: an administrator, with a reason.
        (date(2026, 4, 30), "never started", True, []),
        (date(2026, 4, 30), None, True, [BAD_REASON]),
        (date(2026, 4, 30), "never started", False, [BAD_DATE]),
        (date(2026, 4, 30), None, False, [BAD_DATE, BAD_REASON]),
        (HIRED, "never started", True, []),
        (date(2024, 2, 28), "never started", True, [ENDS_BEFORE_HIRE]),
        (date(2024, 2, 28), None, False, [ENDS_BEFORE_HIRE, BAD_DATE, BAD_REASON]),
        # The reason itself.
        (TODAY, "x" * 1000, False, []),
        (TODAY, "x" * 1001, False, [BAD_REASON]),
        (TODAY, " ", False, [BAD_REASON]),
    ],
)
def test_a_termination_is_refused_for_every_rule_it_breaks(
    terminated_on: date, reason: str | None, administrator: bool, expected: list[Refusal]
) -> None:
    rules = check_termination(HIRED, terminated_on, TODAY, reason, administrator=administrator)
    assert refusals(rules) == expected


@pytest.mark.parametrize(
    ("today", "backdated"),
    [
        (date(2026, 4, 30), False),  # the last day of the termination's month
        (date(2026, 5, 1), True),  # the first of the next
    ],
)
def test_the_month_of_the_termination_is_past_on_the_first_of_the_next(today: date, backdated: bool) -> None:
    rules = check_termination(HIRED, date(2026, 4, 1), today, "left", administrator=False)
    assert refusals(rules) == ([BAD_DATE] if backdated else [])


def test_a_hire_of_this_month_may_be_ended_by_anyone_down_to_its_first_day() -> None:
    hired = date(2026, 5, 18)
    assert refusals(check_termination(hired, hired, TODAY, None, administrator=False)) == []
    assert refusals(check_termination(hired, date(2026, 5, 17), TODAY, None, administrator=False)) == [ENDS_BEFORE_HIRE]
