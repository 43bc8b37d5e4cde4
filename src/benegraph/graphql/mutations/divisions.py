"""Mutations of employers' divisions."""

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.mutations.inputs import (
    FOR_ADMINISTRATORS,
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
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.employers import Division
from benegraph.graphql.types.fields import to_one
from benegraph.services import divisions

#: Columns that are never null, by the input's field names.
_REQUIRED_COLUMNS = {"name": "name", "active": "active"}


@mutation_input("A division of an employer.")
class CreateDivisionInput(MutationInput):
    employer_id: strawberry.ID = required("The employer, which must be active.")
    code: str = required("The carrier's division code, which group contracts and employees name as `divisionId`.")
    name: str = required("The division's name.")


@mutation_payload
class CreateDivisionPayload:
    division: Division | None = to_one(store.employers.divisions_by_ids, "division_id", "The new division.")


@mutation_input("Changes to a division. A field that is left out keeps its value; the code does not change.")
class UpdateDivisionInput(VersionedInput):
    division_id: strawberry.ID = required("The division, by its global ID.")
    name: str | None = optional("The division's name.")
    active: bool | None = optional(
        "True makes a retired division active again. False is refused: a retirement has a mutation of its own."
    )


@mutation_payload
class UpdateDivisionPayload:
    division: Division | None = to_one(store.employers.divisions_by_ids, "division_id", "The changed division.")


@mutation_input("The division to retire.")
class RetireDivisionInput(VersionedInput):
    division_id: strawberry.ID = required("The division, by its global ID, which must be active.")
    reason: str | None = optional(REASON_DESCRIPTION)


@mutation_payload
class RetireDivisionPayload:
    division: Division | None = to_one(store.employers.divisions_by_ids, "division_id", "The retired division.")


@mutation(Action.CREATE_DIVISION, CreateDivisionPayload, f"Create a division of an employer. {FOR_ADMINISTRATORS}")
async def create_division(tx: Transaction, input: CreateDivisionInput) -> ResultData:
    return {"division_id": await divisions.create_division(tx, input.employer_id, input.code, input.name)}


@mutation(
    Action.UPDATE_DIVISION,
    UpdateDivisionPayload,
    f"Rename a division, or make a retired one active again. {FOR_ADMINISTRATORS}",
)
async def update_division(tx: Transaction, input: UpdateDivisionInput) -> ResultData:
    check_not_null(input, *_REQUIRED_COLUMNS)
    await divisions.update_division(
        tx, input.division_id, provided_values(input, _REQUIRED_COLUMNS), value_or_none(input.expected_version)
    )
    return {"division_id": input.division_id}


@mutation(
    Action.RETIRE_DIVISION,
    RetireDivisionPayload,
    "Retire a division: no employee can be assigned to it, and no contract of it created. Refused while people of the"
    f" division are employed today or later. Its contracts and coverage of record stay. {FOR_ADMINISTRATORS}",
)
async def retire_division(tx: Transaction, input: RetireDivisionInput) -> ResultData:
    await divisions.retire_division(
        tx, input.division_id, value_or_none(input.reason), value_or_none(input.expected_version)
    )
    return {"division_id": input.division_id}
