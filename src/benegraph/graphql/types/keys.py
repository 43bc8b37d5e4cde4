"""API keys in GraphQL: their limits and their use, never the keys themselves."""

from datetime import datetime

import strawberry

from benegraph.db import store
from benegraph.domain.ids import IdPrefix
from benegraph.graphql.types.employers import Employer
from benegraph.graphql.types.enums import Role
from benegraph.graphql.types.fields import to_one, to_page
from benegraph.graphql.types.node import parse_id_prefix
from benegraph.graphql.types.paging import Connection
from benegraph.graphql.types.people import Employee


@strawberry.input(
    description="A filter on API keys. All fields must match; an omitted or null field matches every key."
)
class ApiKeyFilter:
    employer_id: strawberry.ID | None = strawberry.field(description="Keys that are limited to this employer.")
    active: bool | None = strawberry.field(description="Keys that are neither revoked nor expired, or the others.")

    def to_store_filter(self) -> store.access.KeyFilter:
        """Return the store's filter. Raises BadInput for a malformed ID."""
        if self.employer_id is not None:
            parse_id_prefix(self.employer_id, IdPrefix.EMPLOYER)
        return store.access.KeyFilter(self.employer_id, self.active)


@strawberry.type(
    description="The rights of an API key. The key itself is not stored, so nothing shows it again. Keys are for"
    " administrators, and for services that may issue or revoke them."
)
class ApiKey:
    id: strawberry.ID = strawberry.field(description="The ID of the key; API keys are not nodes.")
    prefix: str = strawberry.field(description="The first characters of the key, by which it is recognized.")
    label: str = strawberry.field(description="The purpose of the key.")
    role: Role = strawberry.field(description="The role in which the holder of the key acts.")
    employer: Employer | None = to_one(
        store.employers.by_ids, "employer_id", "The employer that the key is limited to; null if it isn't limited."
    )
    employee: Employee | None = to_one(
        store.people.by_ids, "employee_id", "The employee that the key is limited to; null if it isn't limited."
    )
    actions: list[str] = strawberry.field(description="The mutations that a service with this key may call, by name.")
    created_at: datetime = strawberry.field(description="When the key was issued.")
    last_used_at: datetime | None = strawberry.field(
        description="When the key was last used, accurate to five minutes; null if never."
    )
    expires_at: datetime | None = strawberry.field(description="When the key expires; null if it doesn't.")
    revoked_at: datetime | None = strawberry.field(description="When the key was revoked; null if it isn't.")


@strawberry.type
class KeysQuery:
    keys: Connection[ApiKey] = to_page(
        store.access.key_page,
        None,
        "The API keys of the tenant, oldest first, revoked and expired ones too. Empty unless the caller may"
        " issue or revoke keys.",
        filter=ApiKeyFilter,
    )
