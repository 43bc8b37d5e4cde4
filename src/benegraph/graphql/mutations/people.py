"""Mutations of people: employees and their dependents."""

from datetime import date
from typing import Annotated

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.domain.people import PersonalDetails
from benegraph.graphql.context import Info
from benegraph.graphql.mutations.inputs import EXPECTED_VERSION, IDEMPOTENCY_KEY, THE_INPUT, optional, present
from benegraph.graphql.mutations.perform import (
    Result,
    UserError,
    check_not_cleared,
    given,
    perform,
    user_errors,
)
from benegraph.graphql.types.enums import EmploymentClass, Relationship
from benegraph.graphql.types.fields import to_one
from benegraph.graphql.types.people import Dependent, Employee
from benegraph.services import people

_DIVISION = "The carrier's code of the group's division that the employee belongs to."
_SUBSCRIBER = "The carrier's number of who the employee is there, for administrators and services."


@strawberry.input(description="Who is hired, by whom, from when, and as what.")
class CreateEmployeeInput:
    employer_id: strawberry.ID = strawberry.field(description="The employer.")
    first_name: str = strawberry.field(description="The given name.")
    last_name: str = strawberry.field(description="The family name.")
    email: str | None = optional("An e-mail address.")
    date_of_birth: date | None = optional("The date of birth.")
    employment_class: EmploymentClass = strawberry.field(description="The kind of employment.")
    start_date: date = strawberry.field(description="The first day of the employment.")
    external_id: str | None = optional("Your own number for the employee, unique within the employer.")
    division_id: str | None = optional(_DIVISION)
    subscriber_id: str | None = optional(_SUBSCRIBER)
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of createEmployee.")
class CreateEmployeePayload:
    employee: Employee | None = to_one(store.people.by_ids, "employee_id", "The new employee.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="What changes of an employee. A field left out stays as it is.")
class UpdateEmployeeInput:
    employee_id: strawberry.ID = strawberry.field(description="The employee.")
    first_name: str | None = optional("The given name.")
    last_name: str | None = optional("The family name.")
    email: str | None = optional("An e-mail address; null clears it.")
    date_of_birth: date | None = optional("The date of birth; null clears it.")
    employment_class: EmploymentClass | None = optional("The kind of employment, from today.")
    start_date: date | None = optional("The first day of the employment.")
    external_id: str | None = optional("Your own number for the employee; null clears it.")
    division_id: str | None = optional(f"{_DIVISION[:-1]}; null clears it.")
    subscriber_id: str | None = optional(f"{_SUBSCRIBER[:-1]}; null takes the link away.")
    expected_version: int | None = EXPECTED_VERSION()
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of updateEmployee.")
class UpdateEmployeePayload:
    employee: Employee | None = to_one(store.people.by_ids, "employee_id", "The employee.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Which employment ends, and when.")
class TerminateEmployeeInput:
    employee_id: strawberry.ID = strawberry.field(description="The employee.")
    termination_date: date = strawberry.field(
        description="The day from which the employment no longer stands. Coverage ends with its month."
    )
    reason: str | None = optional("Why; needed where coverage of a past month is to end.")
    expected_version: int | None = EXPECTED_VERSION()
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of terminateEmployee.")
class TerminateEmployeePayload:
    employee: Employee | None = to_one(store.people.by_ids, "employee_id", "The employee.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Whose termination is taken back.")
class ReinstateEmployeeInput:
    employee_id: strawberry.ID = strawberry.field(description="The employee.")
    reason: str | None = optional("Why.")
    expected_version: int | None = EXPECTED_VERSION()
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of reinstateEmployee.")
class ReinstateEmployeePayload:
    employee: Employee | None = to_one(store.people.by_ids, "employee_id", "The employee.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="A new member of an employee's family.")
class AddDependentInput:
    employee_id: strawberry.ID = strawberry.field(description="The employee.")
    first_name: str = strawberry.field(description="The given name.")
    last_name: str = strawberry.field(description="The family name.")
    date_of_birth: date = strawberry.field(description="The date of birth.")
    relationship: Relationship = strawberry.field(description="What the dependent is to the employee.")
    disabled: bool = strawberry.field(default=False, description="Whether a disability lets a child stay past 26.")
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of addDependent.")
class AddDependentPayload:
    dependent: Dependent | None = to_one(store.people.dependents_by_ids, "dependent_id", "The new dependent.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="What changes of a dependent. A field left out stays; elections made stay too.")
class UpdateDependentInput:
    dependent_id: strawberry.ID = strawberry.field(description="The dependent.")
    first_name: str | None = optional("The given name.")
    last_name: str | None = optional("The family name.")
    date_of_birth: date | None = optional("The date of birth.")
    relationship: Relationship | None = optional("What the dependent is to the employee.")
    disabled: bool | None = optional("Whether a disability lets a child stay past 26.")
    active: bool | None = optional("Whether the dependent can be elected from now on.")
    expected_version: int | None = EXPECTED_VERSION()
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of updateDependent.")
class UpdateDependentPayload:
    dependent: Dependent | None = to_one(store.people.dependents_by_ids, "dependent_id", "The dependent.")
    user_errors: list[UserError] = user_errors()


_OF_EMPLOYEE = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "date_of_birth": "date_of_birth",
    "employment_class": "employment_class",
    "start_date": "hired_on",
    "external_id": "external_id",
    "division_id": "division_id",
    "subscriber_id": "subscriber_id",
}
_OF_DEPENDENT = ("first_name", "last_name", "date_of_birth", "relationship", "disabled", "active")


@strawberry.type
class PeopleMutation:
    @strawberry.mutation(
        description="Hire an employee. Plan years already opened issue an enrollment to answer within 30 days."
    )
    async def create_employee(
        self, info: Info, input: Annotated[CreateEmployeeInput, THE_INPUT]
    ) -> CreateEmployeePayload:
        person = PersonalDetails(
            input.first_name,
            input.last_name,
            present(input.email),
            present(input.date_of_birth),
            present(input.external_id),
        )
        hiring = people.NewHire(
            person,
            input.employment_class,
            input.start_date,
            present(input.division_id),
            present(input.subscriber_id),
        )

        async def story(tx: Transaction) -> Result:
            return {"employee_id": await people.hire_employee(tx, input.employer_id, hiring)}

        done: CreateEmployeePayload = await perform(info, Action.CREATE_EMPLOYEE, input, story)
        return done

    @strawberry.mutation(
        description="Change an employee. A new class counts from today, and may issue an enrollment to answer."
    )
    async def update_employee(
        self, info: Info, input: Annotated[UpdateEmployeeInput, THE_INPUT]
    ) -> UpdateEmployeePayload:
        async def story(tx: Transaction) -> Result:
            check_not_cleared(input, "first_name", "last_name", "employment_class", "start_date")
            changes = given(input, _OF_EMPLOYEE)
            await people.update_employee(tx, input.employee_id, changes, present(input.expected_version))
            return {"employee_id": input.employee_id}

        done: UpdateEmployeePayload = await perform(info, Action.UPDATE_EMPLOYEE, input, story)
        return done

    @strawberry.mutation(
        description="End an employment: coverage ends with its month, later coverage is cancelled, pending ones close."
    )
    async def terminate_employee(
        self, info: Info, input: Annotated[TerminateEmployeeInput, THE_INPUT]
    ) -> TerminateEmployeePayload:
        async def story(tx: Transaction) -> Result:
            await people.terminate_employee(
                tx,
                input.employee_id,
                input.termination_date,
                present(input.reason),
                present(input.expected_version),
            )
            return {"employee_id": input.employee_id}

        done: TerminateEmployeePayload = await perform(info, Action.TERMINATE_EMPLOYEE, input, story)
        return done

    @strawberry.mutation(description="Take a termination back: what it ended or closed stands as before.")
    async def reinstate_employee(
        self, info: Info, input: Annotated[ReinstateEmployeeInput, THE_INPUT]
    ) -> ReinstateEmployeePayload:
        async def story(tx: Transaction) -> Result:
            await people.reinstate_employee(
                tx, input.employee_id, present(input.reason), present(input.expected_version)
            )
            return {"employee_id": input.employee_id}

        done: ReinstateEmployeePayload = await perform(info, Action.REINSTATE_EMPLOYEE, input, story)
        return done

    @strawberry.mutation(description="Add a member to an employee's family, to be covered from the next election on.")
    async def add_dependent(self, info: Info, input: Annotated[AddDependentInput, THE_INPUT]) -> AddDependentPayload:
        async def story(tx: Transaction) -> Result:
            id = await people.add_dependent(
                tx,
                input.employee_id,
                input.first_name,
                input.last_name,
                input.date_of_birth,
                input.relationship,
                disabled=input.disabled,
            )
            return {"dependent_id": id}

        done: AddDependentPayload = await perform(info, Action.ADD_DEPENDENT, input, story)
        return done

    @strawberry.mutation(description="Change a dependent; elections already made stay as they are.")
    async def update_dependent(
        self, info: Info, input: Annotated[UpdateDependentInput, THE_INPUT]
    ) -> UpdateDependentPayload:
        async def story(tx: Transaction) -> Result:
            check_not_cleared(input, *_OF_DEPENDENT)
            changes = given(input, {name: name for name in _OF_DEPENDENT})
            await people.update_dependent(tx, input.dependent_id, changes, present(input.expected_version))
            return {"dependent_id": input.dependent_id}

        done: UpdateDependentPayload = await perform(info, Action.UPDATE_DEPENDENT, input, story)
        return done
