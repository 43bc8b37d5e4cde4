"""Plans of single fields, from their types in the schema."""

from graphql import (
    FieldNode,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
    get_named_type,
)

from benegraph.execution.plan.declarations import UnsupportedOperation
from benegraph.execution.plan.operation import FieldPlan


def plan_field(parent_type: GraphQLObjectType, response_name: str, nodes: list[FieldNode]) -> FieldPlan:
    """Return the plan of a field, or of `__typename`, without a plan of its objects."""
    name = nodes[0].name.value
    output_type = GraphQLNonNull(GraphQLString) if name == "__typename" else parent_type.fields[name].type
    return FieldPlan(response_name, output_type, nodes, f"{parent_type.name}.{name}")


def object_type_of(output_type: GraphQLOutputType) -> GraphQLObjectType:
    """Return the object type that a field's type wraps. Raises UnsupportedOperation for an abstract type."""
    named = get_named_type(output_type)
    if not isinstance(named, GraphQLObjectType):
        raise UnsupportedOperation("abstract")
    return named
