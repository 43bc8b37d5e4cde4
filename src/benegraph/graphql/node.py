"""The Node interface: anything with an id, found again by it."""

from typing import Any

import strawberry

from benegraph.db import store
from benegraph.db.store.batches import One
from benegraph.domain.errors import BadInput
from benegraph.domain.ids import Kind, kind_of
from benegraph.graphql.context import Info

#: For each kind of node, its type's name in the graph and the batch that finds it.
NODES: dict[Kind, tuple[str, One]] = {
    Kind.EMPLOYER: ("Employer", store.employers.by_ids),
    Kind.EMPLOYEE: ("Employee", store.people.by_ids),
    Kind.DEPENDENT: ("Dependent", store.people.dependents_by_ids),
    Kind.BENEFIT_PRODUCT: ("BenefitProduct", store.catalog.by_ids),
    Kind.CARRIER_PLAN: ("CarrierPlan", store.catalog.carrier_plans_by_ids),
    Kind.PLAN_YEAR: ("PlanYear", store.plan_years.by_ids),
    Kind.CONTRIBUTION_CLASS: ("ContributionClass", store.plan_years.classes_by_ids),
    Kind.PLAN: ("Plan", store.plan_years.plans_by_ids),
    Kind.ENROLLMENT: ("Enrollment", store.enrollments.by_ids),
    Kind.LIFE_EVENT: ("QualifyingLifeEvent", store.enrollments.life_events_by_ids),
    Kind.EVENT: ("EnrollmentEvent", store.enrollments.events_by_ids),
}


@strawberry.interface(description="Anything with a global id, which `node` finds again.")
class Node:
    id: strawberry.ID = strawberry.field(description="The global id: a prefix that names the type, and a TypeID.")

    @classmethod
    def resolve_type(cls, obj: Any, *_: Any) -> str:
        """Tell a row's type by its id: rows stand for nodes as they are."""
        kind = kind_of(obj.id)
        if kind is None:
            raise TypeError("a row without an id of a known kind is no node")
        return NODES[kind][0]

    @classmethod
    def is_type_of(cls, *_: Any) -> bool:
        return True


async def find(info: Info, id: str, *kinds: Kind) -> Any:
    """Find a node by its id; None where the viewer can't see one.

    Raises BadInput for a text that is no id, or an id of another kind than asked for.
    """
    kind = kind_of(id)
    if kind not in NODES:
        raise BadInput("This is no id.")
    if kinds and kind not in kinds:
        raise BadInput(f"This is an id of another type: one of {kinds[0]}_… is expected.")
    return await info.context.one(NODES[kind][1], id)
