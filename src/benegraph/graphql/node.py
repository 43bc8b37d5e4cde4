"""The Node interface: anything with an id, found again by it."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import strawberry
from strawberry.types.field import StrawberryField

from benegraph.db import store
from benegraph.db.store.batches import One, OneByParts
from benegraph.domain.errors import BadInput
from benegraph.domain.ids import Kind, kind_of
from benegraph.graphql.context import Info
from benegraph.graphql.edges import make

MOST_AT_ONCE = 100

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
    Kind.SUBSCRIBER: ("Subscriber", store.coverage.subscribers_by_ids),
    Kind.SUBSCRIBER_ENROLLMENT: ("SubscriberEnrollment", store.coverage.by_ids),
    Kind.GROUP_CONTRACT: ("GroupContract", store.coverage.contracts_by_ids),
    Kind.PREMIUM_INVOICE: ("PremiumInvoice", store.billing.by_ids),
    Kind.PREMIUM_PAYMENT: ("PremiumPayment", store.billing.payments_by_ids),
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


def check_id(id: str, kind: Kind | None = None) -> Kind:
    """Tell an id's kind. Raises BadInput for a text that is no id, or an id of another kind than is asked for."""
    found = kind_of(id)
    if found not in NODES:
        raise BadInput("This is no id.")
    if kind is not None and found is not kind:
        raise BadInput(f"This is an id of another type: {kind}_… is expected.")
    return found


async def find(info: Info, id: str, kind: Kind | None = None) -> Any:
    """Find a node by its id; None where the viewer can't see one. Raises BadInput as `check_id` does."""
    return await info.context.one(NODES[check_id(id, kind)][1], id)


class Lookup(StrawberryField):
    """A field that finds one node of a kind by the id it is given."""

    kind: Kind


def by_id(kind: Kind, description: str) -> Any:
    """Find one node of a kind by its id."""

    async def resolve(
        info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")]
    ) -> Any:
        return await find(info, id, kind)

    field = make(Lookup, description, resolve, {})
    field.kind = kind
    return field


class Naming(StrawberryField):
    """A field that finds one node by a key the world outside knows it by."""

    batch: One | OneByParts
    #: Makes the batch's key of the field's arguments; None where they can be no key.
    key_of: Callable[..., Any]


def by_key(batch: One | OneByParts, key_of: Callable[..., Any], description: str) -> Any:
    """Find one node by the arguments of `key_of`, which makes a key of them, or None where they can be none."""

    async def resolve(info: Info, **asked: Any) -> Any:
        key = key_of(**asked)
        return None if key is None else await info.context.one(batch, key)

    signature = inspect.signature(resolve)
    arguments = inspect.signature(key_of).parameters.values()
    resolve.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[signature.parameters["info"], *arguments]
    )
    field = make(Naming, description, resolve, {})
    field.batch = batch
    field.key_of = key_of
    return field


async def _node(info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")]) -> Any:
    return await find(info, id)


async def _nodes(
    info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="The global ids.")]
) -> Any:
    if len(ids) > MOST_AT_ONCE:
        raise BadInput(f"At most {MOST_AT_ONCE} ids are looked up at once.")
    # An error that stands in a list is one of that item alone.
    return await asyncio.gather(*(find(info, id) for id in ids), return_exceptions=True)


@strawberry.type
class NodeQuery:
    node: Node | None = strawberry.field(
        resolver=_node,
        description="Find anything by its global id; null where there is none within the viewer's reach.",
    )
    nodes: list[Node | None] = strawberry.field(
        resolver=_nodes,
        description=(
            f"Find up to {MOST_AT_ONCE} things by their global ids, in the order asked for: null for one that is not"
            " within the viewer's reach, null and an error for one that is no id at all."
        ),
    )
