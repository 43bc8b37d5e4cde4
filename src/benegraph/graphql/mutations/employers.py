"""Mutations of employers."""

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.domain.employers import EmployerDetails
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
from benegraph.graphql.types.addresses import AddressInput, to_address
from benegraph.graphql.types.employers import Employer
from benegraph.graphql.types.fields import to_one
from benegraph.services import employers

_NAME = "The company's name."
_TIME_ZONE = "The IANA time zone that determines today's date for this employer."
#: Columns that are never null, by the input's field names.
_REQUIRED_COLUMNS = {"name": "name", "time_zone": "time_zone"}
_EMPLOYER_COLUMNS = _REQUIRED_COLUMNS | {"legal_name": "legal_name", "ein": "ein", "address": "address"}
_LEGAL_NAME = "The company's legal name, if it differs from its name"
_EIN = "The federal employer identification number (EIN): nine digits, such as 12-3456789"


@mutation_input("An employer.")
class CreateEmployerInput(MutationInput):
    name: str = required(_NAME)
    time_zone: str = strawberry.field(default="America/New_York", description=_TIME_ZONE)
    legal_name: str | None = optional(f"{_LEGAL_NAME}.")
    ein: str | None = optional(f"{_EIN}.")
    address: AddressInput | None = optional("The postal address.")


@mutation_payload
class CreateEmployerPayload:
    employer: Employer | None = to_one(store.employers.by_ids, "employer_id", "The new employer.")


@mutation_input("Changes to an employer. A field that is left out keeps its value.")
class UpdateEmployerInput(VersionedInput):
    employer_id: strawberry.ID = required("The employer.")
    name: str | None = optional(_NAME)
    time_zone: str | None = optional(_TIME_ZONE)
    legal_name: str | None = optional(f"{_LEGAL_NAME}; null clears it.")
    ein: str | None = optional(f"{_EIN}; null clears it.")
    address: AddressInput | None = optional("The postal address, which replaces all parts; null clears it.")


@mutation_payload
class UpdateEmployerPayload:
    employer: Employer | None = to_one(store.employers.by_ids, "employer_id", "The changed employer.")


@mutation_input("The employer to deactivate.")
class DeactivateEmployerInput(VersionedInput):
    employer_id: strawberry.ID = required("The employer, which must be active.")
    reason: str = required(REASON_DESCRIPTION)
    dry_run: bool = strawberry.field(
        default=False, description="If true, everything that stands in the way is reported and nothing is changed."
    )


@mutation_payload
class DeactivateEmployerPayload:
    employer: Employer | None = to_one(
        store.employers.by_ids, "employer_id", "The inactive employer; null after a dry run or a refusal."
    )


@mutation_input("The employer to reactivate.")
class ReactivateEmployerInput(VersionedInput):
    employer_id: strawberry.ID = required("The employer, which must be inactive.")
    reason: str | None = optional(REASON_DESCRIPTION)


@mutation_payload
class ReactivateEmployerPayload:
    employer: Employer | None = to_one(store.employers.by_ids, "employer_id", "The active employer.")


@mutation(
    Action.CREATE_EMPLOYER,
    CreateEmployerPayload,
    f"Create an employer. {FOR_ADMINISTRATORS}",
)
async def create_employer(tx: Transaction, input: CreateEmployerInput) -> ResultData:
    details = EmployerDetails(
        value_or_none(input.legal_name), value_or_none(input.ein), to_address(value_or_none(input.address))
    )
    return {"employer_id": await employers.add_employer(tx, input.name, input.time_zone, details)}


@mutation(Action.UPDATE_EMPLOYER, UpdateEmployerPayload, f"Change an employer. {FOR_ADMINISTRATORS}")
async def update_employer(tx: Transaction, input: UpdateEmployerInput) -> ResultData:
    check_not_null(input, *_REQUIRED_COLUMNS)
    changes = provided_values(input, _EMPLOYER_COLUMNS)
    if "address" in changes:
        changes["address"] = to_address(changes["address"])
    await employers.update_employer(tx, input.employer_id, changes, value_or_none(input.expected_version))
    return {"employer_id": input.employer_id}


@mutation(
    Action.DEACTIVATE_EMPLOYER,
    DeactivateEmployerPayload,
    "Deactivate an employer: it hires nobody and gets no new plan years. Refused while people are employed today or"
    " later, coverage is in force today or later, or premium invoices are open; every such row is reported."
    f" {FOR_ADMINISTRATORS}",
)
async def deactivate_employer(tx: Transaction, input: DeactivateEmployerInput) -> ResultData:
    await employers.deactivate_employer(tx, input.employer_id, input.reason, value_or_none(input.expected_version))
    return {} if input.is_dry_run else {"employer_id": input.employer_id}


@mutation(
    Action.REACTIVATE_EMPLOYER,
    ReactivateEmployerPayload,
    f"Reactivate an employer, so that it can hire people and get plan years again. {FOR_ADMINISTRATORS}",
)
async def reactivate_employer(tx: Transaction, input: ReactivateEmployerInput) -> ResultData:
    await employers.reactivate_employer(
        tx, input.employer_id, value_or_none(input.reason), value_or_none(input.expected_version)
    )
    return {"employer_id": input.employer_id}
