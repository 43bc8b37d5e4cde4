"""Mutations of API keys: issuing and revoking them."""

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.mutations.inputs import (
    FOR_ADMINISTRATORS,
    MutationInput,
    mutation_input,
    optional,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.enums import Role
from benegraph.graphql.types.fields import to_one
from benegraph.graphql.types.keys import ApiKey
from benegraph.services import keys


@mutation_input("The key to issue.")
class IssueKeyInput(MutationInput):
    role: Role = required("The role in which the holder of the key acts.")
    label: str = required("The purpose of the key.")
    employer_id: strawberry.ID | None = optional("The employer to limit the key to; required for EMPLOYER, EMPLOYEE.")
    employee_id: strawberry.ID | None = optional("The employee to limit the key to; required for EMPLOYEE.")
    actions: list[str] | None = optional("For SERVICE: the mutations that the key allows, by name. None by default.")
    expires_in_days: int | None = optional(
        f"The number of days until the key expires, 1 to {keys.MAX_DAYS}; by default it doesn't."
    )


@mutation_payload
class IssueKeyPayload:
    key: ApiKey | None = to_one(store.access.keys_by_ids, "key_id", "The rights of the new key.")
    secret: str | None = strawberry.field(
        description="The key itself, for the holder. Only the first response has it; null in the response to a repeated"
        " call."
    )


@mutation_input("The key to revoke.")
class RevokeKeyInput(MutationInput):
    key_id: strawberry.ID = required("The key, not yet revoked.")


@mutation_payload
class RevokeKeyPayload:
    key: ApiKey | None = to_one(store.access.keys_by_ids, "key_id", "The revoked key.")


@mutation(
    Action.ISSUE_KEY,
    IssueKeyPayload,
    "Issue an API key in the caller's tenant. It never allows more than the caller's own limits: a caller limited to an"
    " employer issues keys of that employer, and a service only keys for services with mutations that its own key"
    f" lists. {FOR_ADMINISTRATORS}",
    unstored="secret",
)
async def issue_key(tx: Transaction, input: IssueKeyInput) -> ResultData:
    request = keys.KeyRequest(
        input.role,
        input.label,
        value_or_none(input.employer_id),
        value_or_none(input.employee_id),
        value_or_none(input.actions) or (),
        value_or_none(input.expires_in_days),
    )
    id, secret = await keys.issue_requested_key(tx, request)
    return {"key_id": id, "secret": secret}


@mutation(
    Action.REVOKE_KEY,
    RevokeKeyPayload,
    f"Revoke an API key. A gateway accepts it for at most some seconds more, as long as it caches a key's rights."
    f" {FOR_ADMINISTRATORS}",
)
async def revoke_key(tx: Transaction, input: RevokeKeyInput) -> ResultData:
    await keys.revoke_visible_key(tx, input.key_id)
    return {"key_id": input.key_id}
