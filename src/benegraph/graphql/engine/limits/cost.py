"""What an operation costs: how many objects it may come to, computed from the schema before it is executed.

An object costs 1, a connection 1 and its nodes times its page size, any other list five times its objects, a mutation
10 more; columns are free.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from benegraph.execution.selecting import Selecting
from benegraph.graphql.types.paging import MAX_PAGE_SIZE

Variables = Mapping[str, Any]
#: A number, or what it comes to with a request's variables.
Price = int | Callable[[Variables], int]

MUTATION = 10
LIST = 5
SCHEMA = 100
TYPE = 10


def price_of(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode], graph: GraphQLSchema
) -> Price:
    """Price a valid operation; fragments by their names."""
    root = graph.get_root_type(operation.operation)
    assert root is not None, "a valid operation has a root type"  # noqa: S101 - validation has seen to it
    defaults = {
        definition.variable.name.value: definition.default_value for definition in operation.variable_definitions or ()
    }
    selecting = Selecting(graph, fragments, conditions=None)
    pricing = _Pricing(selecting, defaults, MUTATION if operation.operation is OperationType.MUTATION else 0)
    return pricing.of_root(root, operation.selection_set)


def at(price: Price, variables: Variables) -> int:
    """Tell what a price comes to with these variables."""
    return price if isinstance(price, int) else price(variables)


@dataclass(frozen=True, slots=True)
class _Pricing:
    #: Asked for twice, a field is read once; what a variable may leave out counts.
    selecting: Selecting
    defaults: Mapping[str, ValueNode | None]
    #: What each root field costs beside its objects.
    entry: int

    def of_root(self, root: GraphQLObjectType, selections: SelectionSetNode) -> Price:
        fields = self.selecting.fields(root, [selections])
        entries = sum(self.entry for nodes in fields.values() if not nodes[0].name.value.startswith("__"))
        return _sum([entries, *(self._field(root, nodes, 1) for nodes in fields.values())])

    def _selected(self, kind: GraphQLNamedType, sets: Sequence[SelectionSetNode], page: Price) -> Price:
        """Price what is selected from one object; of a type that may be several, the dearest."""
        if is_abstract_type(kind):
            return _most([self._selected(each, sets, page) for each in self.selecting.graph.get_possible_types(kind)])
        assert isinstance(kind, GraphQLObjectType), "what has selections is an object"  # noqa: S101 - as above
        return _sum([self._field(kind, nodes, page) for nodes in self.selecting.fields(kind, sets).values()])

    def _field(self, parent: GraphQLObjectType, nodes: list[FieldNode], page: Price) -> Price:
        name = nodes[0].name.value
        if name.startswith("__"):
            return {"__schema": SCHEMA, "__type": TYPE}.get(name, 0)
        found = parent.fields[name]
        kind = get_named_type(found.type)
        in_connection = parent.name.endswith("Connection")
        if is_leaf_type(kind):
            return int(in_connection)  # `totalCount` is a statement of its own
        if in_connection and name == "pageInfo":
            return 0
        sets = self.selecting.beneath(nodes)
        if "first" in found.args:
            return _sum([1, self._selected(kind, sets, self._size(found, nodes[0]))])
        children = self._selected(kind, sets, page)
        own = 0 if in_connection and name == "edges" else 1
        return _product(self._length(found, nodes[0], page if in_connection else LIST), _sum([own, children]))

    def _size(self, found: GraphQLField, node: FieldNode) -> Price:
        usual = found.args["first"].default_value
        for argument in node.arguments or ():
            if argument.name.value == "first":
                return self._number(argument.value, usual if isinstance(usual, int) else LIST)
        return usual if isinstance(usual, int) else LIST

    def _length(self, found: GraphQLField, node: FieldNode, usual: Price) -> Price:
        kind = found.type.of_type if is_non_null_type(found.type) else found.type
        if not is_list_type(kind):
            return 1
        for argument in node.arguments or ():
            if argument.name.value == "ids":  # as many as are asked for
                return self._items(argument.value)
        return usual

    def _number(self, value: ValueNode, usual: int) -> Price:
        if isinstance(value, IntValueNode):
            return _page(int(value.value))
        if isinstance(value, VariableNode):
            name, otherwise = value.name.value, usual
            default = self.defaults.get(name)
            if isinstance(default, IntValueNode):
                otherwise = int(default.value)

            def chosen(variables: Variables) -> int:
                given = variables.get(name, otherwise)
                if isinstance(given, float) and given.is_integer():  # 100.0 is an Int in JSON
                    given = int(given)
                return _page(given) if isinstance(given, int) else usual

            return chosen
        return usual

    def _items(self, value: ValueNode) -> Price:
        if isinstance(value, ListValueNode):
            return len(value.values)
        if isinstance(value, VariableNode):
            name = value.name.value
            default = self.defaults.get(name)
            usual = len(default.values) if isinstance(default, ListValueNode) else 1

            def chosen(variables: Variables) -> int:
                if name not in variables:
                    return usual
                given = variables[name]
                return len(given) if isinstance(given, list) else 1

            return chosen
        return 1


def _page(first: int) -> int:
    # More than a page may hold is refused by the list itself.
    return min(max(0, first), MAX_PAGE_SIZE)


def _sum(prices: Sequence[Price]) -> Price:
    fixed = sum(price for price in prices if isinstance(price, int))
    moving = [price for price in prices if not isinstance(price, int)]
    if not moving:
        return fixed
    return lambda variables: fixed + sum(price(variables) for price in moving)


def _product(times: Price, price: Price) -> Price:
    if isinstance(times, int) and isinstance(price, int):
        return times * price
    return lambda variables: at(times, variables) * at(price, variables)


def _most(prices: Sequence[Price]) -> Price:
    moving = [price for price in prices if not isinstance(price, int)]
    fixed = max((price for price in prices if isinstance(price, int)), default=0)
    if not moving:
        return fixed
    return lambda variables: max(fixed, *(price(variables) for price in moving))
