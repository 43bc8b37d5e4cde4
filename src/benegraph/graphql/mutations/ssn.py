"""The mutation that reveals a social security number."""

import strawberry

from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.context import Context
from benegraph.graphql.mutations.inputs import FOR_ADMINISTRATORS, MutationInput, mutation_input, required
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.services import ssn


@mutation_input("The person whose social security number is revealed.")
class RevealSsnInput(MutationInput):
    person_id: strawberry.ID = required("The employee or the dependent.")
    reason: str = required("The reason; it is recorded with the caller in the person's history.")


@mutation_payload
class RevealSsnPayload:
    ssn: str | None = strawberry.field(description="The social security number, nine digits.")


async def _reveal(context: Context, input: RevealSsnInput) -> ResultData:
    number = await context.database.transact(
        context.viewer,
        context.clock,
        lambda tx: ssn.reveal_ssn(tx, input.person_id, input.reason),
        request_id=context.request_id,
    )
    return {"ssn": number}


@mutation(
    Action.REVEAL_SSN,
    RevealSsnPayload,
    "Reveal the social security number of an employee or a dependent. Each call is recorded in the history before it is"
    f" answered, also a repeated call with the same idempotency key. {FOR_ADMINISTRATORS}",
    finish=_reveal,
)
async def reveal_ssn(tx: Transaction, input: RevealSsnInput) -> ResultData:
    await ssn.check_reveal(tx, input.person_id, input.reason)
    return {"person_id": input.person_id}
