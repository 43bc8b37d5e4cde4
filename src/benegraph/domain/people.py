"""Employees and their dependents: employment, relationships, and the checks of personal details and dates."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from benegraph.domain.addresses import PostalAddress, check_address
from benegraph.domain.checks import MAX_DIVISION_ID_LENGTH, MAX_REASON_LENGTH, check_text
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.obstacles import check_obstacles, describe_rows

MIN_DATE = date(1900, 1, 1)
MAX_EMAIL_LENGTH = 254
#: A hire or termination date may be at most this many calendar years after the current one.
MAX_YEARS_AHEAD = 2
MAX_MIDDLE_NAME_LENGTH = 100
MAX_NAME_SUFFIX_LENGTH = 10
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
#: ITU-T E.164: a plus sign, the country code, and at most 15 digits.
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


class EmploymentClass(StrEnum):
    """The employment class, which decides eligibility and the contributions."""

    FULL_TIME = "FULL_TIME"
    PART_TIME = "PART_TIME"
    TEMPORARY = "TEMPORARY"
    INTERN = "INTERN"
    SEASONAL = "SEASONAL"
    INDIVIDUAL_CONTRACTOR = "INDIVIDUAL_CONTRACTOR"


class Relationship(StrEnum):
    """The relationship of a dependent to the employee."""

    SPOUSE = "SPOUSE"
    CHILD = "CHILD"


class Sex(StrEnum):
    """The sex as carriers record it; the codes F, M and U of X12."""

    FEMALE = "FEMALE"
    MALE = "MALE"
    UNKNOWN = "UNKNOWN"


class MaritalStatus(StrEnum):
    """The marital status; each value has a code in the segment DMG of X12."""

    SINGLE = "SINGLE"
    MARRIED = "MARRIED"
    DOMESTIC_PARTNERSHIP = "DOMESTIC_PARTNERSHIP"
    SEPARATED = "SEPARATED"
    LEGALLY_SEPARATED = "LEGALLY_SEPARATED"
    DIVORCED = "DIVORCED"
    WIDOWED = "WIDOWED"


@dataclass(frozen=True, slots=True)
class Employment:
    """The parts of an employment that eligibility depends on."""

    employment_class: EmploymentClass
    hired_on: date
    class_changed_on: date | None = None
    terminated_on: date | None = None

    @property
    def waiting_starts_on(self) -> date:
        """The first day of the waiting period: the hire, or a later change of the employment class."""
        return max(self.hired_on, self.class_changed_on or self.hired_on)

    def is_active(self, day: date) -> bool:
        """Return whether the employment is active on a day: from its hire date, and before its termination date."""
        return self.hired_on <= day and (self.terminated_on is None or day < self.terminated_on)


@dataclass(frozen=True, slots=True)
class Demographics:
    """The demographic data that employees and dependents have in common; None where it is unknown."""

    middle_name: str | None = None
    name_suffix: str | None = None
    sex: Sex | None = None
    phone: str | None = None
    address: PostalAddress | None = None


UNKNOWN_DEMOGRAPHICS = Demographics()


@dataclass(frozen=True, slots=True)
class PersonalDetails:
    """An employee's personal details, as a mutation's input contains them."""

    first_name: str
    last_name: str
    email: str | None
    date_of_birth: date | None
    external_id: str | None


def check_person(person: PersonalDetails, hired_on: date, today: date) -> Iterator[RuleViolation]:
    """Check an employee's personal details and hire date. Field paths are those of CreateEmployeeInput."""
    yield from check_text(person.first_name, "firstName")
    yield from check_text(person.last_name, "lastName")
    yield from check_text(person.external_id, "externalId")
    invalid_email = list(check_text(person.email, "email", max_length=MAX_EMAIL_LENGTH))
    yield from invalid_email
    if person.email is not None and not invalid_email and not _EMAIL.fullmatch(person.email):
        yield RuleViolation(
            ErrorCode.INVALID_INPUT, "Invalid e-mail address: expected the form name@example.com.", ("email",)
        )
    yield from _check_date_of_birth(person.date_of_birth, today)
    if hired_on < MIN_DATE or hired_on.year > today.year + MAX_YEARS_AHEAD:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT,
            f"The hire date must be from {MIN_DATE} through {_last_date_ahead(today)}.",
            ("startDate",),
        )
    elif person.date_of_birth is not None and person.date_of_birth >= hired_on:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER, "The hire date must be after the date of birth.", ("startDate",)
        )


def check_dependent(first_name: str, last_name: str, date_of_birth: date, today: date) -> Iterator[RuleViolation]:
    """Check a dependent's personal details. Field paths are those of AddDependentInput."""
    yield from check_text(first_name, "firstName")
    yield from check_text(last_name, "lastName")
    yield from _check_date_of_birth(date_of_birth, today)


def check_demographics(demographics: Demographics) -> Iterator[RuleViolation]:
    """Check a person's demographic data. Field paths are those of CreateEmployeeInput and AddDependentInput."""
    yield from check_text(demographics.middle_name, "middleName", max_length=MAX_MIDDLE_NAME_LENGTH)
    yield from check_text(demographics.name_suffix, "nameSuffix", max_length=MAX_NAME_SUFFIX_LENGTH)
    if demographics.phone is not None and not _PHONE.fullmatch(demographics.phone):
        message = "Invalid phone number: expected a plus sign, the country code and the number, such as +14155550100."
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, ("phone",))
    yield from check_address(demographics.address, "address")


def _check_date_of_birth(date_of_birth: date | None, today: date) -> Iterator[RuleViolation]:
    if date_of_birth is not None and not MIN_DATE <= date_of_birth <= today:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT,
            f"The date of birth must be from {MIN_DATE} through today, {today}.",
            ("dateOfBirth",),
        )


def _last_date_ahead(today: date) -> date:
    return date(today.year + MAX_YEARS_AHEAD, 12, 31)


def check_termination(
    hired_on: date, terminated_on: date, today: date, reason: str | None, *, administrator: bool
) -> Iterator[RuleViolation]:
    """Check a termination date, and that only an administrator with a reason sets one in a past month.

    A termination in a past month ends coverage retroactively. That is a rescission, which is lawful only for fraud,
    intentional misrepresentation or a clerical delay (29 CFR 2590.715-2712).
    """
    yield from check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True)
    if terminated_on < hired_on:
        yield RuleViolation(
            ErrorCode.DATES_OUT_OF_ORDER,
            "The termination date must not be before the hire date.",
            ("terminationDate",),
        )
    if terminated_on.year > today.year + MAX_YEARS_AHEAD:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT,
            f"The termination date must not be after {_last_date_ahead(today)}.",
            ("terminationDate",),
        )
    first_of_this_month = today.replace(day=1)
    if terminated_on < first_of_this_month:
        if not administrator:
            yield RuleViolation(
                ErrorCode.INVALID_INPUT,
                f"Only an administrator may set a termination date before {first_of_this_month}.",
                ("terminationDate",),
            )
        if not (reason and reason.strip()):
            yield RuleViolation(
                ErrorCode.INVALID_INPUT,
                f"A termination date before {first_of_this_month} needs a reason.",
                ("reason",),
            )


def check_rehire(terminated_on: date | None, hired_on: date) -> Iterator[RuleViolation]:
    """Check that a former employment has ended, with a gap before the next one starts."""
    if terminated_on is None:
        message = "The employment has not ended; only a former employee can be rehired."
        yield RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("employeeId",))
    elif hired_on == terminated_on:
        message = f"There is no gap after the termination date, {terminated_on}: call reinstateEmployee instead."
        yield RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("startDate",))
    elif hired_on < terminated_on:
        message = f"The new employment must start after the termination date, {terminated_on}; it starts on {hired_on}."
        yield RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("startDate",))


def check_move(
    hired_on: date, terminated_on: date | None, last_move: date | None, effective_on: date, today: date
) -> Iterator[RuleViolation]:
    """Check the day of a move between divisions: within the employment, and after the last move."""
    if effective_on <= hired_on:
        message = f"The move must take effect after the hire date, {hired_on}; it takes effect on {effective_on}."
        yield RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("effectiveDate",))
    if terminated_on is not None and effective_on >= terminated_on:
        message = f"The move must take effect before the termination date, {terminated_on}."
        yield RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("effectiveDate",))
    if last_move is not None and effective_on <= last_move:
        message = f"The move must take effect after the employee's last move, on {last_move}."
        yield RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("effectiveDate",))
    if effective_on > _last_date_ahead(today):
        message = f"The move must take effect on or before {_last_date_ahead(today)}."
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, ("effectiveDate",))


def check_division_id(division_id: str | None) -> Iterator[RuleViolation]:
    yield from check_text(division_id, "divisionId", max_length=MAX_DIVISION_ID_LENGTH)


#: For each kind of row that rests on an employee: its description, and the remedy. An answer can't be undone, so its
#: remedy is another change.
_DELETION_OBSTACLES = {
    "subscribers": ("subscribers are linked to the employee", "remove the link"),
    "records": (
        "coverages of record belong to the employee",
        "delete them, or link their subscriber to another employee",
    ),
    "keys": ("API keys act for the employee", "revoke them"),
    "employments": ("employments follow this one", "delete them"),
}
_LASTING = {
    "answers": "enrollments have been answered",
    "life_events": "life events were reported",
}


def check_deletion(obstacles: Mapping[str, Sequence[str]]) -> Iterator[RuleViolation]:
    """Check that nothing rests on an employee; `obstacles` maps the kinds of rows to their IDs.

    Answers and life events are lasting records, so an employee with any is never deleted.
    """
    for kind, description in _LASTING.items():
        if ids := obstacles[kind]:
            message = f"{describe_rows(ids, description)}; terminate the employee instead of deleting the record."
            yield RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("employeeId",))
    yield from check_obstacles(_DELETION_OBSTACLES, obstacles, "employeeId")
