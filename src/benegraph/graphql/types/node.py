"""The Node interface: anything with an id, found again by it."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from strawberry.types.field import StrawberryField

from benegraph.db import store
from benegraph.db.store.batches import One, OneByParts
from benegraph.domain.errors import BadInput
from benegraph.domain.ids import Kind, kind_of
from benegraph.graphql.context import Context, Info
from benegraph.graphql.types.fields import make, take_arguments

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


@dataclass(frozen=True, slots=True)
class Named:
    """A row that is asked for: the name of its type in the graph, the batch that finds it, and its key."""

    type_name: str
    batch: One | OneByParts
    key: Any


def named(id: str, kind: Kind | None = None) -> Named:
    """Tell what an id names. Raises BadInput as `check_id` does."""
    type_name, batch = NODES[check_id(id, kind)]
    return Named(type_name, batch, id)


class Finding(StrawberryField):
    """A field that finds rows by what its arguments, or the viewer, name."""

    #: For each type that it may find, by the type's name, the batch.
    batches: Mapping[str, One | OneByParts]
    #: Tells what is named; None where nothing can be. Raises BadInput. Of a list: each, or the error it comes to.
    named: Callable[..., Any]
    listed: bool


def finding(batches: Mapping[str, One | OneByParts], names: Callable[..., Any], description: str) -> Any:
    """Find one row: `names(context, **arguments)` tells which, as Named; None where it can be none."""

    async def resolve(info: Info, **asked: Any) -> Any:
        found: Named | None = names(info.context, **asked)
        return None if found is None else await info.context.one(found.batch, found.key)

    return _finding(batches, names, resolve, description, listed=False)


def finding_each(batches: Mapping[str, One | OneByParts], names: Callable[..., Any], description: str) -> Any:
    """Find several rows: `names(context, **arguments)` tells each, as Named or an error."""

    async def resolve(info: Info, **asked: Any) -> Any:
        async def one(each: Named | Exception) -> Any:
            # An error that stands in a list is one of that item alone.
            return each if isinstance(each, Exception) else await info.context.one(each.batch, each.key)

        return await asyncio.gather(*map(one, names(info.context, **asked)))

    return _finding(batches, names, resolve, description, listed=True)


def _finding(
    batches: Mapping[str, One | OneByParts],
    names: Callable[..., Any],
    resolve: Callable[..., Any],
    description: str,
    *,
    listed: bool,
) -> Any:
    take_arguments(resolve, ("info",), list(inspect.signature(names).parameters.values())[1:])
    field = make(Finding, description, resolve, {})
    field.batches, field.named, field.listed = batches, names, listed
    return field


GlobalId = Annotated[strawberry.ID, strawberry.argument(description="The global id.")]


def by_id(kind: Kind, description: str) -> Any:
    """Find one node of a kind by its id."""
    type_name, batch = NODES[kind]

    def names(_context: Context, id: GlobalId) -> Named:
        return named(id, kind)

    return finding({type_name: batch}, names, description)


def by_key(type_name: str, batch: One | OneByParts, key_of: Callable[..., Any], description: str) -> Any:
    """Find one node by the arguments of `key_of`, which makes a key of them, or None where they can be none."""

    def names(_context: Context, *values: Any, **asked: Any) -> Named | None:
        key = key_of(*values, **asked)
        return None if key is None else Named(type_name, batch, key)

    take_arguments(names, ("_context",), inspect.signature(key_of).parameters.values())
    return finding({type_name: batch}, names, description)


def _node(_context: Context, id: GlobalId) -> Named:
    return named(id)


def _nodes(
    _context: Context, ids: Annotated[list[strawberry.ID], strawberry.argument(description="The global ids.")]
) -> list[Named | BadInput]:
    if len(ids) > MOST_AT_ONCE:
        raise BadInput(f"At most {MOST_AT_ONCE} ids are looked up at once.")
    return [_named_or_error(id) for id in ids]


def _named_or_error(id: str) -> Named | BadInput:
    try:
        return named(id)
    except BadInput as error:
        return error


_BATCHES = dict(NODES.values())


@strawberry.type
class NodeQuery:
    node: Node | None = finding(
        _BATCHES, _node, "Find anything by its global id; null where there is none within the viewer's reach."
    )
    nodes: list[Node | None] = finding_each(
        _BATCHES,
        _nodes,
        (
            f"Find up to {MOST_AT_ONCE} things by their global ids, in the order asked for: null for one that is not"
            " within the viewer's reach, null and an error for one that is no id at all."
        ),
    )
