"""Mutations of employments beyond hire and termination: rehires, and moves between divisions."""

from datetime import date

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.mutations.inputs import (
    REASON_DESCRIPTION,
    VersionedInput,
    mutation_input,
    optional,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.coverage import DIVISION_ID_DESCRIPTION
from benegraph.graphql.types.enums import EmploymentClass
from benegraph.graphql.types.fields import to_one
from benegraph.graphql.types.people import Employee
from benegraph.services import division_moves, rehires
from benegraph.services.rehires import Rehire


@mutation_input(
    "A further employment of a former employee. A field that is left out is taken from the former employment."
)
class RehireEmployeeInput(VersionedInput):
    employee_id: strawberry.ID = required("The former employment.")
    start_date: date = required("The first day of the new employment, after the termination date and all coverage.")
    employment_class: EmploymentClass | None = optional("The employment class.")
    division_id: str | None = optional(DIVISION_ID_DESCRIPTION)
    external_id: str | None = optional(
        "The employee's ID in the employer's own system. If it is the former one, or left out, it moves to the new"
        " employment."
    )


@mutation_payload
class RehireEmployeePayload:
    employee: Employee | None = to_one(store.people.by_ids, "employee_id", "The new employment.")
    former_employee: Employee | None = to_one(store.people.by_ids, "former_id", "The former employment.")


@mutation_input("The move of an employee to another of the carrier's divisions.")
class MoveEmployeeInput(VersionedInput):
    employee_id: strawberry.ID = required("The employee.")
    division_id: str = required(DIVISION_ID_DESCRIPTION)
    effective_date: date = required(
        "The first day in the new division: after the hire date and the employee's last move, and before a termination."
    )
    reason: str | None = optional(REASON_DESCRIPTION)


@mutation_payload
class MoveEmployeePayload:
    employee: Employee | None = to_one(store.people.by_ids, "employee_id", "The moved employee.")


@mutation(
    Action.REHIRE_EMPLOYEE,
    RehireEmployeePayload,
    "Hire a former employee again, after a gap. The former employment keeps its enrollments; the subscriber and copies"
    " of the active dependents go to the new one, which has its own waiting periods and new-hire enrollments.",
)
async def rehire_employee(tx: Transaction, input: RehireEmployeeInput) -> ResultData:
    rehire = Rehire(
        input.start_date,
        value_or_none(input.employment_class),
        value_or_none(input.division_id),
        value_or_none(input.external_id),
    )
    id = await rehires.rehire_employee(tx, input.employee_id, rehire, value_or_none(input.expected_version))
    return {"employee_id": id, "former_id": input.employee_id}


@mutation(
    Action.MOVE_EMPLOYEE,
    MoveEmployeePayload,
    "Move an employee to another division as of a day. Coverage of record in the old division ends the day before, and"
    " coverage in the new division continues it, with its dates of employment, eligibility and first enrollment.",
)
async def move_employee(tx: Transaction, input: MoveEmployeeInput) -> ResultData:
    await division_moves.move_employee(
        tx,
        input.employee_id,
        input.division_id,
        input.effective_date,
        value_or_none(input.reason),
        value_or_none(input.expected_version),
    )
    return {"employee_id": input.employee_id}
