"""The viewer in GraphQL: the authenticated caller and the limits of its credentials."""

import strawberry

from benegraph.db import store
from benegraph.graphql.types.billing import TenantSettings
from benegraph.graphql.types.employers import Employer
from benegraph.graphql.types.enums import Role
from benegraph.graphql.types.fields import from_context, to_one
from benegraph.graphql.types.people import Employee


@strawberry.type(description="The authenticated caller, as its API key or token describes it.")
class Viewer:
    tenant_id: str = strawberry.field(
        name="tenant", description="The tenant of this request: only its data is read and changed."
    )
    role: Role = strawberry.field(description="The caller's role, which determines its permissions.")
    employer: Employer | None = to_one(
        store.employers.by_ids,
        "employer_id",
        "The employer that the caller's access is limited to; null if it isn't limited to one employer.",
    )
    employee: Employee | None = to_one(
        store.people.by_ids,
        "employee_id",
        "The employee that the caller's access is limited to; null if it isn't limited to one employee.",
    )
    tenant_settings: TenantSettings | None = to_one(
        store.access.tenants,
        "administered_tenant_id",
        "The settings of the tenant; null unless the caller is an administrator.",
    )


@strawberry.type
class AccessQuery:
    viewer: Viewer = from_context(lambda context: context.viewer, "The authenticated caller.")
