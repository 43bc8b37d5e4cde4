"""Access records in GraphQL: who read the protected data of an employee."""

from datetime import datetime
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from benegraph.graphql.types.enums import Role
from benegraph.graphql.types.fields import computed
from benegraph.graphql.types.node import Node


def _field_names(record: Any) -> list[str]:
    return [to_camel_case(name) for name in record.columns]


@strawberry.type(
    description="A read of an employee's protected data, or of the dependents' data, by anyone but the employee."
)
class AccessRecord(Node):
    created_at: datetime = strawberry.field(name="occurredAt", description="When the data was read.")
    actor: str = strawberry.field(
        description="The role of the reader and the ID of its API key (or a pseudonym of its token's subject)."
    )
    actor_role: Role = strawberry.field(name="role", description="The reader's role.")
    operation: str | None = strawberry.field(
        description="The name of the operation, or of the mutation; null if the operation had no name."
    )
    request_id: str | None = strawberry.field(description="The ID of the request; it is also in the log.")
    fields: list[str] = computed(
        _field_names,
        "The protected fields that were read, such as `dateOfBirth`; `ssn` for the whole social security number.",
        ("columns",),
    )
