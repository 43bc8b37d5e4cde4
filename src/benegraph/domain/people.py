"""Employees and their dependents: relationships, employment classes, and what makes their dates good."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from benegraph.domain.checks import MAX_DIVISION_ID_LENGTH, MAX_REASON_LENGTH, check_text
from benegraph.domain.errors import ErrorCode, RuleViolation

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MIN_DATE = date(1900, 1, 1)


class EmploymentClass(StrEnum):
    """The kind of employment, which decides what the employer contributes."""

    FULL_TIME = "FULL_TIME"
    PART_TIME = "PART_TIME"
    TEMPORARY = "TEMPORARY"
    INTERN = "INTERN"
    SEASONAL = "SEASONAL"
    INDIVIDUAL_CONTRACTOR = "INDIVIDUAL_CONTRACTOR"


class Relationship(StrEnum):
    """What a dependent is to the employee."""

    SPOUSE = "SPOUSE"
    CHILD = "CHILD"


@dataclass(frozen=True, slots=True)
class Employment:
    """The facts of an employment that eligibility rests on."""

    employment_class: EmploymentClass
    hired_on: date
    class_changed_on: date | None = None
    terminated_on: date | None = None

    @property
    def waiting_starts_on(self) -> date:
        """The day a waiting period counts from: the hire, or a later change of class (design, rule 3)."""
        return max(self.hired_on, self.class_changed_on or self.hired_on)

    def is_active(self, on: date) -> bool:
        """Tell whether the employment stands on a day; it no longer does on the termination date."""
        return self.terminated_on is None or on < self.terminated_on


@dataclass(frozen=True, slots=True)
class PersonalDetails:
    """Who an employee is, as an input names it."""

    first_name: str
    last_name: str
    email: str | None
    date_of_birth: date | None
    external_id: str | None


def check_person(person: PersonalDetails, hired_on: date, today: date) -> Iterator[RuleViolation]:
    """Check an employee's own facts, with the fields named as in CreateEmployeeInput."""
    yield from check_text(person.first_name, "firstName")
    yield from check_text(person.last_name, "lastName")
    yield from check_text(person.external_id, "externalId")
    yield from check_text(person.email, "email", max_length=254)
    if person.email is not None and person.email.strip() and not _EMAIL.fullmatch(person.email):
        yield RuleViolation(ErrorCode.INVALID_INPUT, "This is no e-mail address.", ("email",))
    yield from _check_birth(person.date_of_birth, today)
    if hired_on < MIN_DATE or hired_on.year > today.year + 2:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT, "A start date lies between 1900 and two years from now.", ("startDate",)
        )
    elif person.date_of_birth is not None and person.date_of_birth >= hired_on:
        yield RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, "Nobody is hired before being born.", ("startDate",))


def check_dependent(first_name: str, last_name: str, date_of_birth: date, today: date) -> Iterator[RuleViolation]:
    """Check a dependent's own facts, with the fields named as in AddDependentInput."""
    yield from check_text(first_name, "firstName")
    yield from check_text(last_name, "lastName")
    yield from _check_birth(date_of_birth, today)


def _check_birth(date_of_birth: date | None, today: date) -> Iterator[RuleViolation]:
    if date_of_birth is not None and not MIN_DATE <= date_of_birth <= today:
        yield RuleViolation(ErrorCode.INVALID_INPUT, "A date of birth lies between 1900 and today.", ("dateOfBirth",))


def check_termination(
    hired_on: date, terminated_on: date, today: date, reason: str | None, *, administrator: bool
) -> Iterator[RuleViolation]:
    """Check a termination: not before the hire, and into a past month only with an administrator's reason.

    Ending coverage that was already in force is a rescission, which the law forbids but for fraud and clerical delay
    (29 CFR 2590.715-2712).
    """
    yield from check_text(reason, "reason", max_length=MAX_REASON_LENGTH)
    if terminated_on < hired_on:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER, "The employment can't end before it began.", ("terminationDate",)
        )
    if terminated_on.year > today.year + 2:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT, "A termination lies at most two years ahead.", ("terminationDate",)
        )
    if terminated_on < today.replace(day=1):
        if not administrator:
            yield RuleViolation(
                ErrorCode.INVALID_INPUT, "Only an administrator may end coverage of a past month.", ("terminationDate",)
            )
        if not (reason and reason.strip()):
            yield RuleViolation(ErrorCode.INVALID_INPUT, "Ending coverage of a past month needs a reason.", ("reason",))


def check_division_id(division_id: str | None) -> Iterator[RuleViolation]:
    yield from check_text(division_id, "divisionId", max_length=MAX_DIVISION_ID_LENGTH)
