"""The cost of an operation: the number of objects that it may return, computed from the schema before execution.

An object costs 1, a connection 1 plus its nodes multiplied by `first` or `last`, any other list five times its objects,
and a mutation 10 more. A list with an argument `ids` counts its IDs. A field that computes few objects from many rows
declares the cost of reading them. Leaf fields are free, except `totalCount`, which costs 1. `__schema` costs 100,
`__type` 10.
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

from benegraph.execution import SelectionContext, child_selection_sets
from benegraph.graphql.types.fields import StoreField
from benegraph.graphql.types.paging import MAX_PAGE_SIZE

VariableInputs = Mapping[str, Any]
#: A cost, or a function that computes it from a request's variables.
CostFormula = int | Callable[[VariableInputs], int]

MUTATION_COST = 10
#: The assumed length of a list without pages.
ASSUMED_LIST_LENGTH = 5
SCHEMA_COST = 100
TYPE_COST = 10


def compile_cost(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode], schema: GraphQLSchema
) -> CostFormula:
    """Compute the cost of a valid operation, as far as it doesn't depend on variables; `fragments` by their names."""
    root = schema.get_root_type(operation.operation)
    assert root is not None, "validation found the root type"  # noqa: S101
    defaults = {
        definition.variable.name.value: definition.default_value for definition in operation.variable_definitions or ()
    }
    selection = SelectionContext(schema, fragments, condition_values=None)
    base_cost = MUTATION_COST if operation.operation is OperationType.MUTATION else 0
    return _CostCompiler(selection, defaults, base_cost).root_cost(root, operation.selection_set)


def evaluate_cost(formula: CostFormula, variables: VariableInputs) -> int:
    """Evaluate a cost formula with a request's variables."""
    return formula if isinstance(formula, int) else formula(variables)


@dataclass(frozen=True, slots=True)
class _CostCompiler:
    #: Merges repeated selections of a field. Fields that a variable may skip are counted.
    selection: SelectionContext
    #: Default values of the operation's variables.
    defaults: Mapping[str, ValueNode | None]
    #: The cost of each root field, in addition to its objects.
    base_cost: int

    def root_cost(self, root: GraphQLObjectType, selection_set: SelectionSetNode) -> CostFormula:
        fields = self.selection.collect_fields(root, [selection_set])
        base_costs = sum(self.base_cost for nodes in fields.values() if not nodes[0].name.value.startswith("__"))
        return _sum([base_costs, *(self._field_cost(root, nodes, 1) for nodes in fields.values())])

    def _object_cost(
        self, type_: GraphQLNamedType, selection_sets: Sequence[SelectionSetNode], page_size: CostFormula
    ) -> CostFormula:
        """Compute the cost of the selections from one object; of an abstract type, that of the most expensive type."""
        if is_abstract_type(type_):
            possible_types = self.selection.schema.get_possible_types(type_)
            return _max([self._object_cost(possible, selection_sets, page_size) for possible in possible_types])
        assert isinstance(type_, GraphQLObjectType), "only an object type has selections"  # noqa: S101
        fields = self.selection.collect_fields(type_, selection_sets)
        return _sum([self._field_cost(type_, nodes, page_size) for nodes in fields.values()])

    def _field_cost(self, parent: GraphQLObjectType, nodes: list[FieldNode], page_size: CostFormula) -> CostFormula:
        name = nodes[0].name.value
        if name.startswith("__"):
            return {"__schema": SCHEMA_COST, "__type": TYPE_COST}.get(name, 0)
        field = parent.fields[name]
        type_ = get_named_type(field.type)
        is_in_connection = parent.name.endswith("Connection")
        if is_leaf_type(type_):
            return int(is_in_connection)  # `totalCount` requires an additional statement
        if is_in_connection and name == "pageInfo":
            return 0
        selection_sets = child_selection_sets(nodes)
        if "first" in field.args:
            nodes_cost = self._object_cost(type_, selection_sets, self._page_size(field, nodes[0]))
            return _sum([_reading_cost(field), 1, nodes_cost])
        children = self._object_cost(type_, selection_sets, page_size)
        own_cost = 0 if is_in_connection and name == "edges" else 1
        length = self._list_length(field, nodes[0], page_size if is_in_connection else ASSUMED_LIST_LENGTH)
        return _sum([_reading_cost(field), _product(length, _sum([own_cost, children]))])

    def _page_size(self, field: GraphQLField, node: FieldNode) -> CostFormula:
        """Compute the page size that a field requests: the larger of its `first` and `last`, or else the default.

        With both, the page has at most the smaller number of items, but the database may read the larger one.
        """
        default = field.args["first"].default_value
        default_size = default if isinstance(default, int) else ASSUMED_LIST_LENGTH
        sizes = [
            self._size_of(argument.value)
            for argument in node.arguments or ()
            if argument.name.value in {"first", "last"}
        ]

        def evaluate(variables: VariableInputs) -> int:
            values = (size(variables) if callable(size) else size for size in sizes)
            return max((value for value in values if value is not None), default=default_size)

        return evaluate if any(map(callable, sizes)) else evaluate({})

    def _size_of(self, value: ValueNode) -> int | Callable[[VariableInputs], int | None] | None:
        """Compute the size that an argument's value requests; none for null, for no value and for an invalid one."""
        if isinstance(value, IntValueNode):
            return _clamp_page_size(int(value.value))
        if not isinstance(value, VariableNode):
            return None
        name, default = value.name.value, self.defaults.get(value.name.value)
        default_size = int(default.value) if isinstance(default, IntValueNode) else None

        def evaluate(variables: VariableInputs) -> int | None:
            size = variables.get(name, default_size)
            if isinstance(size, float) and size.is_integer():  # JSON's 100.0 is a valid Int
                size = int(size)
            return _clamp_page_size(size) if isinstance(size, int) else None

        return evaluate

    def _list_length(self, field: GraphQLField, node: FieldNode, default_length: CostFormula) -> CostFormula:
        """Compute how many objects a field returns: 1 unless it is a list, one for each of its argument `ids`."""
        type_ = field.type.of_type if is_non_null_type(field.type) else field.type
        if not is_list_type(type_):
            return 1
        for argument in node.arguments or ():
            if argument.name.value == "ids":
                return self._length_of(argument.value)
        return default_length

    def _length_of(self, value: ValueNode) -> CostFormula:
        if isinstance(value, ListValueNode):
            return len(value.values)
        if isinstance(value, VariableNode):
            name = value.name.value
            default = self.defaults.get(name)
            default_length = len(default.values) if isinstance(default, ListValueNode) else 1

            def evaluate(variables: VariableInputs) -> int:
                if name not in variables:
                    return default_length
                items = variables[name]
                return len(items) if isinstance(items, list) else 1

            return evaluate
        return 1


def _reading_cost(field: GraphQLField) -> int:
    """Return the cost of reading a field's rows that its declaration states."""
    declaration = field.extensions.get("strawberry-definition")
    return declaration.cost if isinstance(declaration, StoreField) else 0


def _clamp_page_size(size: int) -> int:
    # The list itself rejects a larger page.
    return min(max(0, size), MAX_PAGE_SIZE)


def _sum(costs: Sequence[CostFormula]) -> CostFormula:
    constant = sum(cost for cost in costs if isinstance(cost, int))
    formulas = [cost for cost in costs if not isinstance(cost, int)]
    if not formulas:
        return constant
    return lambda variables: constant + sum(formula(variables) for formula in formulas)


def _product(factor: CostFormula, cost: CostFormula) -> CostFormula:
    if isinstance(factor, int) and isinstance(cost, int):
        return factor * cost
    return lambda variables: evaluate_cost(factor, variables) * evaluate_cost(cost, variables)


def _max(costs: Sequence[CostFormula]) -> CostFormula:
    constant = max((cost for cost in costs if isinstance(cost, int)), default=0)
    formulas = [cost for cost in costs if not isinstance(cost, int)]
    if not formulas:
        return constant
    return lambda variables: max(constant, *(formula(variables) for formula in formulas))
