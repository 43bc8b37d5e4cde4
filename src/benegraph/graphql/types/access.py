"""The viewer in the graph: who the key stands for."""

import strawberry

from benegraph.db import store
from benegraph.graphql.types.employers import Employer
from benegraph.graphql.types.enums import Role
from benegraph.graphql.types.fields import from_context, to_one
from benegraph.graphql.types.people import Employee


@strawberry.type(description="Who asks: what the key is good for.")
class Viewer:
    tenant_id: str = strawberry.field(name="tenant", description="The tenant the key was shown to.")
    role: Role = strawberry.field(description="In what capacity the viewer acts.")
    employer: Employer | None = to_one(
        store.employers.by_ids, "employer_id", "The employer the key is limited to; null where it is to none."
    )
    employee: Employee | None = to_one(
        store.people.by_ids, "employee_id", "The employee the key is limited to; null where it is to none."
    )


@strawberry.type
class AccessQuery:
    viewer: Viewer = from_context(lambda context: context.viewer, "Who asks.")
