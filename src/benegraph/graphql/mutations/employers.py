"""Mutations of employers."""

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.mutations.inputs import FOR_ADMINISTRATORS, MutationInput, mutation_input, required
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.employers import Employer
from benegraph.graphql.types.fields import to_one
from benegraph.services.employers import add_employer


@mutation_input("An employer.")
class CreateEmployerInput(MutationInput):
    name: str = required("The company's name.")
    time_zone: str = strawberry.field(
        default="America/New_York",
        description="The IANA time zone that determines today's date for this employer.",
    )


@mutation_payload
class CreateEmployerPayload:
    employer: Employer | None = to_one(store.employers.by_ids, "employer_id", "The new employer.")


@mutation(
    Action.CREATE_EMPLOYER,
    CreateEmployerPayload,
    f"Create an employer. {FOR_ADMINISTRATORS}",
)
async def create_employer(tx: Transaction, input: CreateEmployerInput) -> ResultData:
    return {"employer_id": await add_employer(tx, input.name, input.time_zone)}
