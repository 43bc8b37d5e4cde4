"""The Node interface, and root fields that look rows up by a key in their arguments."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from strawberry.types.field import StrawberryField

from benegraph.db import store
from benegraph.db.store.row_queries import OneByCompositeKey, OneByKey
from benegraph.domain.errors import BadInput
from benegraph.domain.ids import IdPrefix, prefix_of
from benegraph.graphql.context import Context, Info
from benegraph.graphql.types.fields import build_field, set_arguments

MAX_NODE_IDS = 100

# Descriptions of the fields that most nodes have.
VERSION_DESCRIPTION = (
    "The version of this object; each change increases it. Pass it as `expectedVersion` to have a mutation refused if"
    " the object has changed since."
)
CREATED_AT_DESCRIPTION = "When this object was created."
UPDATED_AT_DESCRIPTION = "When this object was last changed."

#: For each ID prefix, the name of its GraphQL type and the batch function that reads its row.
NODE_TYPES: dict[IdPrefix, tuple[str, OneByKey]] = {
    IdPrefix.EMPLOYER: ("Employer", store.employers.by_ids),
    IdPrefix.DIVISION: ("Division", store.employers.divisions_by_ids),
    IdPrefix.EMPLOYEE: ("Employee", store.people.by_ids),
    IdPrefix.DEPENDENT: ("Dependent", store.people.dependents_by_ids),
    IdPrefix.BENEFIT_PRODUCT: ("BenefitProduct", store.catalog.by_ids),
    IdPrefix.CARRIER_PLAN: ("CarrierPlan", store.catalog.carrier_plans_by_ids),
    IdPrefix.PLAN_YEAR: ("PlanYear", store.plan_years.by_ids),
    IdPrefix.CONTRIBUTION_CLASS: ("ContributionClass", store.plan_years.contribution_classes_by_ids),
    IdPrefix.PLAN: ("Plan", store.plan_years.plans_by_ids),
    IdPrefix.ENROLLMENT: ("Enrollment", store.enrollments.by_ids),
    IdPrefix.LIFE_EVENT: ("QualifyingLifeEvent", store.enrollments.life_events_by_ids),
    IdPrefix.ELECTION_OVERRIDE: ("ElectionOverride", store.enrollments.overrides_by_ids),
    IdPrefix.ELECTION_CONFIRMATION: ("ElectionConfirmation", store.enrollments.confirmations_by_ids),
    IdPrefix.EVENT: ("EnrollmentEvent", store.enrollments.events_by_ids),
    IdPrefix.FEED_EVENT: ("Event", store.events.by_ids),
    IdPrefix.SUBSCRIBER: ("Subscriber", store.coverage.subscribers_by_ids),
    IdPrefix.SUBSCRIBER_ENROLLMENT: ("SubscriberEnrollment", store.coverage.by_ids),
    IdPrefix.GROUP_CONTRACT: ("GroupContract", store.coverage.contracts_by_ids),
    IdPrefix.PREMIUM_INVOICE: ("PremiumInvoice", store.billing.by_ids),
    IdPrefix.PREMIUM_PAYMENT: ("PremiumPayment", store.billing.payments_by_ids),
    IdPrefix.ACCESS_RECORD: ("AccessRecord", store.access_records.by_ids),
}
#: The batch function of each type of node.
NODE_BATCHES: dict[str, OneByKey] = dict(NODE_TYPES.values())
#: The prefixes of IDs whose rows have another prefix in the database.
_KEY_PREFIXES = {IdPrefix.FEED_EVENT: IdPrefix.EVENT}


@strawberry.interface(description="An object with a global ID, which the field `Query.node` returns.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="The global ID: a prefix that names the type, an underscore and a UUIDv7 in base32 (TypeID format)."
    )

    @classmethod
    def resolve_type(cls, obj: Any, *_: Any) -> str:
        """Return the name of a row's GraphQL type. Rows carry no type of their own, so the prefix of the ID decides."""
        prefix = prefix_of(obj.id)
        if prefix is None:
            raise TypeError("the ID of this row has no known prefix")
        return NODE_TYPES[prefix][0]

    @classmethod
    def is_type_of(cls, *_: Any) -> bool:
        return True


def parse_id_prefix(id: str, expected: IdPrefix | None = None) -> IdPrefix:
    """Return the prefix of an ID. Raises BadInput for a malformed ID, or an ID of another type than expected."""
    prefix = prefix_of(id)
    if expected is not None and prefix is not expected:
        raise BadInput(f"Invalid ID: expected an ID of type {NODE_TYPES[expected][0]}, such as {expected}_01….")
    if prefix not in NODE_TYPES:
        raise BadInput("Invalid ID: expected a global ID such as empl_01….")
    return prefix


@dataclass(frozen=True, slots=True)
class NodeRef:
    """A reference to one row: the name of one of the field's batch functions, that function, and the row's key."""

    batch_name: str
    batch: OneByKey | OneByCompositeKey
    key: Any


def parse_node_ref(id: str, expected: IdPrefix | None = None) -> NodeRef:
    """Return the reference that a global ID stands for. Raises BadInput as `parse_id_prefix` does."""
    prefix = parse_id_prefix(id, expected)
    type_name, batch = NODE_TYPES[prefix]
    return NodeRef(type_name, batch, id.replace(prefix, _KEY_PREFIXES.get(prefix, prefix), 1))


class LookupField(StrawberryField):
    """A root field that looks up rows which its arguments, or the viewer, refer to."""

    #: The batch functions that can read the row. If the field returns an interface, each by its object type's name.
    batches: Mapping[str, OneByKey | OneByCompositeKey]
    #: Returns the NodeRef for the context and the arguments, or None if no row can match. Raises BadInput.
    #: Of a list field: a NodeRef or an exception for each item.
    find_ref: Callable[..., Any]
    is_list: bool


def lookup(
    batches: Mapping[str, OneByKey | OneByCompositeKey],
    find_ref: Callable[..., Any],
    description: str,
    **options: Any,
) -> Any:
    """Declare a field for one row. `find_ref(context, **arguments)` returns its NodeRef, or None for no row."""

    async def resolve(info: Info, **arguments: Any) -> Any:
        ref: NodeRef | None = find_ref(info.context, **arguments)
        return None if ref is None else await info.context.load_row(ref.batch, ref.key)

    return _build_lookup_field(batches, find_ref, resolve, description, options, is_list=False)


def lookup_many(
    batches: Mapping[str, OneByKey | OneByCompositeKey], find_refs: Callable[..., Any], description: str
) -> Any:
    """Declare a field for a list of rows. `find_refs(context, **arguments)` returns a NodeRef or an error for each."""

    async def resolve(info: Info, **arguments: Any) -> Any:
        async def load(ref: NodeRef | Exception) -> Any:
            # An exception in the list fails that item alone.
            return ref if isinstance(ref, Exception) else await info.context.load_row(ref.batch, ref.key)

        return await asyncio.gather(*map(load, find_refs(info.context, **arguments)))

    return _build_lookup_field(batches, find_refs, resolve, description, {}, is_list=True)


def _build_lookup_field(
    batches: Mapping[str, OneByKey | OneByCompositeKey],
    find_ref: Callable[..., Any],
    resolve: Callable[..., Any],
    description: str,
    options: dict[str, Any],
    *,
    is_list: bool,
) -> Any:
    set_arguments(resolve, ("info",), list(inspect.signature(find_ref).parameters.values())[1:])
    field = build_field(LookupField, description, resolve, options)
    field.batches, field.find_ref, field.is_list = batches, find_ref, is_list
    return field


GlobalId = Annotated[strawberry.ID, strawberry.argument(description="The global ID.")]


def lookup_by_id(prefix: IdPrefix, description: str) -> Any:
    """Declare a field for one node by its ID, which must have this prefix."""
    type_name, batch = NODE_TYPES[prefix]

    def find_ref(_context: Context, id: GlobalId) -> NodeRef:
        return parse_node_ref(id, prefix)

    return lookup({type_name: batch}, find_ref, description)


def lookup_by_key(
    type_name: str, batch: OneByKey | OneByCompositeKey, build_key: Callable[..., Any], description: str
) -> Any:
    """Declare a field for one row by a natural key.

    `build_key(**arguments)` returns the key, or None if no row can match. Its parameters become the field's
    arguments.
    """

    def find_ref(_context: Context, *values: Any, **arguments: Any) -> NodeRef | None:
        key = build_key(*values, **arguments)
        return None if key is None else NodeRef(type_name, batch, key)

    set_arguments(find_ref, ("_context",), inspect.signature(build_key).parameters.values())
    return lookup({type_name: batch}, find_ref, description)


class NodeField(StrawberryField):
    """A field for a node of any type, whose global ID is in the parent's column `key`."""

    key: str


def to_node(key: str, description: str) -> Any:
    """Declare a field for the node whose global ID is in the parent's column `key`; null if no node has that ID."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        id = getattr(root, key)
        name = find_node_type(id)
        return None if name is None else await info.context.load_row(NODE_BATCHES[name], id)

    field = build_field(NodeField, description, resolve, {})
    field.key = key
    return field


def find_node_type(id: str) -> str | None:
    """Return the name of the type that an ID's prefix names; None if it names none that is read by this ID."""
    prefix = prefix_of(id)
    return NODE_TYPES[prefix][0] if prefix in NODE_TYPES and prefix not in _KEY_PREFIXES else None


def _find_node(_context: Context, id: GlobalId) -> NodeRef:
    return parse_node_ref(id)


def _find_nodes(
    _context: Context,
    ids: Annotated[list[strawberry.ID], strawberry.argument(description=f"The global IDs, at most {MAX_NODE_IDS}.")],
) -> list[NodeRef | BadInput]:
    if len(ids) > MAX_NODE_IDS:
        raise BadInput(f"`ids` accepts at most {MAX_NODE_IDS} IDs, got {len(ids)}.")
    return [_parse_node_ref_or_error(id) for id in ids]


def _parse_node_ref_or_error(id: str) -> NodeRef | BadInput:
    try:
        return parse_node_ref(id)
    except BadInput as error:
        return error


@strawberry.type
class NodeQuery:
    node: Node | None = lookup(
        NODE_BATCHES,
        _find_node,
        "Look up one object of any type by its global ID. Null if it doesn't exist or the viewer may not see it.",
    )
    nodes: list[Node | None] = lookup_many(
        NODE_BATCHES,
        _find_nodes,
        (
            f"Look up at most {MAX_NODE_IDS} objects of any type by their global IDs, in the order of `ids`. An item is"
            " null if the object doesn't exist or the viewer may not see it; null and an error if the ID is malformed."
        ),
    )
