"""Mutations of people: employees and their dependents."""

from datetime import date
from typing import Any

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.domain.enrollments.birth_dates import DependentCoverageChange
from benegraph.domain.people import Demographics, PersonalDetails
from benegraph.graphql.mutations.inputs import (
    REASON_DESCRIPTION,
    MutationInput,
    VersionedInput,
    check_not_null,
    mutation_input,
    optional,
    provided_values,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import MutationResult, ResultData, mutation_payload
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.addresses import AddressInput, to_address
from benegraph.graphql.types.enrollments import Enrollment
from benegraph.graphql.types.enums import EmploymentClass, MaritalStatus, Relationship, Sex
from benegraph.graphql.types.fields import computed, to_one
from benegraph.graphql.types.people import Dependent, Employee
from benegraph.services import people

DIVISION = "The carrier's code of the employee's division, of which the employer must have a group contract"
SUBSCRIBER = "The carrier's subscriber number of the employee; only administrators and services may set it"
MIDDLE_NAME = "The middle name"
NAME_SUFFIX = "The suffix of the name, such as Jr"
SEX = "The sex as carriers record it"
PHONE = "The phone number in E.164 form: a plus sign, the country code and the number, such as +14155550100"
MARITAL_STATUS = "The marital status"
SSN = "The social security number, nine digits; it is stored encrypted, and only its last four digits can be queried"

#: Columns by the input's field names.
EMPLOYEE_COLUMNS = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "date_of_birth": "date_of_birth",
    "employment_class": "employment_class",
    "start_date": "hired_on",
    "external_id": "external_id",
    "division_id": "division_id",
    "subscriber_id": "subscriber_id",
    "marital_status": "marital_status",
}
_DEMOGRAPHICS = ("middle_name", "name_suffix", "sex", "phone", "address", "ssn")
DEPENDENT_COLUMNS = ("first_name", "last_name", "date_of_birth", "relationship", "disabled", "active")


@mutation_input("The employee to create.")
class CreateEmployeeInput(MutationInput):
    employer_id: strawberry.ID = required("The employer.")
    first_name: str = required("The first name.")
    last_name: str = required("The last name.")
    email: str | None = optional("The e-mail address.")
    date_of_birth: date | None = optional("The date of birth.")
    employment_class: EmploymentClass = required("The employment class.")
    start_date: date = required("The hire date: the first day of employment.")
    external_id: str | None = optional("The employee's ID in the employer's own system, unique within the employer.")
    division_id: str | None = optional(f"{DIVISION}.")
    subscriber_id: str | None = optional(f"{SUBSCRIBER}.")
    middle_name: str | None = optional(f"{MIDDLE_NAME}.")
    name_suffix: str | None = optional(f"{NAME_SUFFIX}.")
    sex: Sex | None = optional(f"{SEX}.")
    phone: str | None = optional(f"{PHONE}.")
    address: AddressInput | None = optional("The postal address.")
    ssn: str | None = optional(f"{SSN}.")
    marital_status: MaritalStatus | None = optional(f"{MARITAL_STATUS}.")


@mutation_payload
class CreateEmployeePayload:
    employee: Employee | None = to_one(store.people.by_ids, "employee_id", "The new employee.")


@mutation_input("Changes to an employee. A field that is left out keeps its value.")
class UpdateEmployeeInput(VersionedInput):
    employee_id: strawberry.ID = required("The employee.")
    first_name: str | None = optional("The first name.")
    last_name: str | None = optional("The last name.")
    email: str | None = optional("The e-mail address; null clears it.")
    date_of_birth: date | None = optional("The date of birth; null clears it.")
    employment_class: EmploymentClass | None = optional("The employment class, effective today.")
    start_date: date | None = optional(
        "The hire date: the first day of employment. It cannot be after the start of elected coverage."
    )
    external_id: str | None = optional("The employee's ID in the employer's own system; null clears it.")
    division_id: str | None = optional(f"{DIVISION}; null clears it.")
    subscriber_id: str | None = optional(f"{SUBSCRIBER}; null removes the link.")
    middle_name: str | None = optional(f"{MIDDLE_NAME}; null clears it.")
    name_suffix: str | None = optional(f"{NAME_SUFFIX}; null clears it.")
    sex: Sex | None = optional(f"{SEX}; null clears it.")
    phone: str | None = optional(f"{PHONE}; null clears it.")
    address: AddressInput | None = optional("The postal address, which replaces all parts; null clears it.")
    ssn: str | None = optional(f"{SSN}; null clears it.")
    marital_status: MaritalStatus | None = optional(f"{MARITAL_STATUS}; null clears it.")


@mutation_payload
class UpdateEmployeePayload:
    employee: Employee | None = to_one(store.people.by_ids, "employee_id", "The changed employee.")


@mutation_input("The employment to terminate.")
class TerminateEmployeeInput(VersionedInput):
    employee_id: strawberry.ID = required("The employee.")
    termination_date: date = required(
        "The first day on which the person is no longer employed. Coverage ends on the last day of the termination"
        " date's month."
    )
    reason: str | None = optional(
        "The reason. Required if the termination date is in a past month, which only an administrator may set."
    )


@mutation_payload
class TerminateEmployeePayload:
    employee: Employee | None = to_one(store.people.by_ids, "employee_id", "The terminated employee.")


@mutation_input("The employee whose termination is reversed.")
class ReinstateEmployeeInput(VersionedInput):
    employee_id: strawberry.ID = required("The employee.")
    reason: str | None = optional(REASON_DESCRIPTION)


@mutation_payload
class ReinstateEmployeePayload:
    employee: Employee | None = to_one(store.people.by_ids, "employee_id", "The reinstated employee.")


@mutation_input("A new dependent of an employee.")
class AddDependentInput(MutationInput):
    employee_id: strawberry.ID = required("The employee.")
    first_name: str = required("The first name.")
    last_name: str = required("The last name.")
    date_of_birth: date = required("The date of birth.")
    relationship: Relationship = required("The dependent's relationship to the employee.")
    disabled: bool = strawberry.field(
        default=False, description="Whether the dependent is disabled: a disabled child can be covered beyond age 26."
    )
    middle_name: str | None = optional(f"{MIDDLE_NAME}.")
    name_suffix: str | None = optional(f"{NAME_SUFFIX}.")
    sex: Sex | None = optional(f"{SEX}.")
    phone: str | None = optional(f"{PHONE}.")
    address: AddressInput | None = optional("The postal address.")
    ssn: str | None = optional(f"{SSN}.")


@mutation_payload
class AddDependentPayload:
    dependent: Dependent | None = to_one(store.people.dependents_by_ids, "dependent_id", "The new dependent.")


@mutation_input(
    "Changes to a dependent. A field that is left out keeps its value. Elections already made keep theirs, except that"
    " a corrected date of birth changes how long they cover a child."
)
class UpdateDependentInput(VersionedInput):
    dependent_id: strawberry.ID = required("The dependent.")
    first_name: str | None = optional("The first name.")
    last_name: str | None = optional("The last name.")
    date_of_birth: date | None = optional("The date of birth.")
    relationship: Relationship | None = optional("The dependent's relationship to the employee.")
    disabled: bool | None = optional(
        "Whether the dependent is disabled: a disabled child can be covered beyond age 26."
    )
    active: bool | None = optional("Whether new elections can cover the dependent.")
    middle_name: str | None = optional(f"{MIDDLE_NAME}; null clears it.")
    name_suffix: str | None = optional(f"{NAME_SUFFIX}; null clears it.")
    sex: Sex | None = optional(f"{SEX}; null clears it.")
    phone: str | None = optional(f"{PHONE}; null clears it.")
    address: AddressInput | None = optional("The postal address, which replaces all parts; null clears it.")
    ssn: str | None = optional(f"{SSN}; null clears it.")
    reason: str | None = optional(
        "The reason, for the history. Required if a corrected date of birth ends coverage before this month, which only"
        " an administrator may do."
    )
    dry_run: bool = strawberry.field(
        default=False, description="If true, the change is only previewed and nothing is changed."
    )


@strawberry.type(
    name="DependentCoverageChange",
    description="A change of the last day on which an enrollment covers a dependent.",
)
class DependentCoverageChangeType:
    enrollment: Enrollment = to_one(store.enrollments.by_ids, "enrollment_id", "The enrollment.")
    starts_on: date = strawberry.field(name="coverageStart", description="The first day of the dependent's coverage.")
    previous_ends_on: date = strawberry.field(
        name="previousCoverageEnd", description="The last day before the change, inclusive."
    )
    ends_on: date = strawberry.field(name="coverageEnd", description="The last day after the change, inclusive.")


def _read_coverage_changes(result: MutationResult) -> list[DependentCoverageChange] | None:
    if result.coverage_changes is None:
        return None
    return [DependentCoverageChange(id, *map(date.fromisoformat, days)) for id, *days in result.coverage_changes]


def _to_stored(change: DependentCoverageChange) -> list[str]:
    """Return a change in the form in which the idempotency record stores it."""
    return [
        change.enrollment_id,
        *(day.isoformat() for day in (change.starts_on, change.previous_ends_on, change.ends_on)),
    ]


@mutation_payload
class UpdateDependentPayload:
    dependent: Dependent | None = to_one(
        store.people.dependents_by_ids,
        "dependent_id",
        "The changed dependent; null after a dry run or a refusal.",
    )
    coverage_changes: list[DependentCoverageChangeType] | None = computed(
        _read_coverage_changes,
        "The coverage that a corrected date of birth changes, also of a dry run; null after a refusal.",
    )


@mutation(
    Action.CREATE_EMPLOYEE,
    CreateEmployeePayload,
    "Create an employee. An enrollment is issued in each opened plan year that has not ended and in which the employee"
    " is or becomes eligible; its window ends 30 days after the later of today and the eligibility date.",
)
async def create_employee(tx: Transaction, input: CreateEmployeeInput) -> ResultData:
    details = PersonalDetails(
        input.first_name,
        input.last_name,
        value_or_none(input.email),
        value_or_none(input.date_of_birth),
        value_or_none(input.external_id),
    )
    new_hire = people.NewHire(
        details,
        input.employment_class,
        input.start_date,
        value_or_none(input.division_id),
        value_or_none(input.subscriber_id),
        _demographics(input),
        value_or_none(input.marital_status),
        value_or_none(input.ssn),
    )
    return {"employee_id": await people.hire_employee(tx, input.employer_id, new_hire)}


@mutation(
    Action.UPDATE_EMPLOYEE,
    UpdateEmployeePayload,
    "Change an employee. A new employment class takes effect today. A change can issue new enrollments, and move or"
    " close pending ones.",
)
async def update_employee(tx: Transaction, input: UpdateEmployeeInput) -> ResultData:
    check_not_null(input, "first_name", "last_name", "employment_class", "start_date")
    changes = provided_values(input, EMPLOYEE_COLUMNS) | changed_demographics(input)
    await people.update_employee(tx, input.employee_id, changes, value_or_none(input.expected_version))
    return {"employee_id": input.employee_id}


@mutation(
    Action.TERMINATE_EMPLOYEE,
    TerminateEmployeePayload,
    "Terminate an employment. Coverage ends on the last day of the termination date's month, later coverage is"
    " cancelled, and pending enrollments close.",
)
async def terminate_employee(tx: Transaction, input: TerminateEmployeeInput) -> ResultData:
    await people.terminate_employee(
        tx,
        input.employee_id,
        input.termination_date,
        value_or_none(input.reason),
        value_or_none(input.expected_version),
    )
    return {"employee_id": input.employee_id}


@mutation(
    Action.REINSTATE_EMPLOYEE,
    ReinstateEmployeePayload,
    "Reverse a termination. Coverage and enrollments that it ended, cancelled or closed are restored.",
)
async def reinstate_employee(tx: Transaction, input: ReinstateEmployeeInput) -> ResultData:
    await people.reinstate_employee(
        tx, input.employee_id, value_or_none(input.reason), value_or_none(input.expected_version)
    )
    return {"employee_id": input.employee_id}


@mutation(
    Action.ADD_DEPENDENT,
    AddDependentPayload,
    "Add a dependent to an employee's family. New elections can cover the dependent.",
)
async def add_dependent(tx: Transaction, input: AddDependentInput) -> ResultData:
    id = await people.add_dependent(
        tx,
        input.employee_id,
        input.first_name,
        input.last_name,
        input.date_of_birth,
        input.relationship,
        disabled=input.disabled,
        demographics=_demographics(input),
        ssn=value_or_none(input.ssn),
    )
    return {"dependent_id": id}


@mutation(
    Action.UPDATE_DEPENDENT,
    UpdateDependentPayload,
    "Change a dependent. Elections already made stay as they are, except that a corrected date of birth changes how"
    " long they cover a child; `coverageChanges` lists that, and a dry run shows it first.",
)
async def update_dependent(tx: Transaction, input: UpdateDependentInput) -> ResultData:
    check_not_null(input, *DEPENDENT_COLUMNS)
    changes = provided_values(input, {name: name for name in DEPENDENT_COLUMNS}) | changed_demographics(input)
    coverage_changes = await people.update_dependent(
        tx, input.dependent_id, changes, value_or_none(input.expected_version), value_or_none(input.reason)
    )
    result = {"coverage_changes": [_to_stored(change) for change in coverage_changes]}
    return result if input.is_dry_run else {"dependent_id": input.dependent_id, **result}


def _demographics(input: CreateEmployeeInput | AddDependentInput) -> Demographics:
    return Demographics(
        value_or_none(input.middle_name),
        value_or_none(input.name_suffix),
        value_or_none(input.sex),
        value_or_none(input.phone),
        to_address(value_or_none(input.address)),
    )


def changed_demographics(input: Any) -> dict[str, Any]:
    """Return the provided demographic values of an input that has the fields of all of them."""
    changes = provided_values(input, {name: name for name in _DEMOGRAPHICS})
    return changes | ({"address": to_address(changes["address"])} if "address" in changes else {})
