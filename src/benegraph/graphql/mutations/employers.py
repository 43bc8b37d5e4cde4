"""Mutations of employers."""

from typing import Annotated

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.context import Info
from benegraph.graphql.mutations.inputs import IDEMPOTENCY_KEY, THE_INPUT
from benegraph.graphql.mutations.perform import Result, UserError, perform, user_errors
from benegraph.graphql.types.employers import Employer
from benegraph.graphql.types.fields import to_one
from benegraph.services.employers import add_employer


@strawberry.input(description="Who the employer is.")
class CreateEmployerInput:
    name: str = strawberry.field(description="The company's name.")
    time_zone: str = strawberry.field(
        default="America/New_York", description="The IANA time zone by whose days windows open and close."
    )
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of createEmployer.")
class CreateEmployerPayload:
    employer: Employer | None = to_one(store.employers.by_ids, "employer_id", "The new employer.")
    user_errors: list[UserError] = user_errors()


@strawberry.type
class EmployersMutation:
    @strawberry.mutation(description="Take on an employer. For administrators, and services that may.")
    async def create_employer(
        self, info: Info, input: Annotated[CreateEmployerInput, THE_INPUT]
    ) -> CreateEmployerPayload:
        async def story(tx: Transaction) -> Result:
            return {"employer_id": await add_employer(tx, input.name, input.time_zone)}

        done: CreateEmployerPayload = await perform(info, Action.CREATE_EMPLOYER, input, story)
        return done
