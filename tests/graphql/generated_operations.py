"""Generated operations: hypothesis-graphql selects the fields, and this module decides how they are written.

Operations use all syntax that clients may use: variables, aliases, fragments, directives, several root fields, and
fields that are selected twice. Arguments mostly refer to existing rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from all_types_dataset import GRAPHQL_SCHEMA, TABLES, AllTypesDataset, orders_of
from both_executors import reachable_fields
from generated_values import (
    BOOLEAN,
    NODE_FIELDS,
    PAGE_SIZES,
    QUERY_TYPE,
    ArgumentContext,
    FieldStrategies,
    Fragment,
    OperationBuilder,
    change_variables,
    fill_value,
    fragment_types,
    natural_key,
    pick_cursor,
    render_value,
)
from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
    is_required_argument,
    parse_value,
    value_from_ast_untyped,
)
from hypothesis import strategies as st
from hypothesis_graphql import queries

from benegraph.domain.access import Role
from benegraph.graphql.engine.execute import GraphQLRequest

CompositeType = GraphQLObjectType | GraphQLInterfaceType

assert GRAPHQL_SCHEMA.mutation_type is not None
MUTATION_TYPE = GRAPHQL_SCHEMA.mutation_type
#: The root fields to choose from; those that lead to many types, and to rows of every viewer, are more likely.
ROOT_FIELDS = [
    *QUERY_TYPE.fields,
    *NODE_FIELDS * 2,
    *["node"] * 2,
    *("viewer", "employers", "employees", "enrollments", "planYears") * 2,
]
#: How many objects a root field may lead to. Each level divides the limit by its expected number of objects.
MAX_OBJECTS = 150
#: The expected length of a list that is not paged.
EXPECTED_LIST_LENGTH = 4
INVALID_PAGE_SIZES = (-1, 101, 2**31 - 1)
OFFSETS = (1, 0, 2, 5)
INVALID_OFFSETS = (1, -1, 100_001)


class Selection(NamedTuple):
    """The text of a selection, and the response names that it selects."""

    response_names: frozenset[str]
    text: str


def queries_for(dataset: AllTypesDataset, role: Role) -> st.SearchStrategy[list[GraphQLRequest]]:
    """Generate queries, mostly for rows that a viewer of this role may see.

    Some are repeated with other variables, because a cached plan must not contain the values of the first ones.
    """
    strategies = _field_strategies()

    @st.composite
    def query(draw: st.DrawFn) -> list[GraphQLRequest]:
        builder = OperationBuilder(draw, dataset, dataset.visible_keys[role], strategies)
        builder.may_be_invalid = builder.chance(15)
        names = draw(st.lists(st.sampled_from(ROOT_FIELDS), min_size=1, max_size=3))
        request = _build_request(builder, QUERY_TYPE, [_draw_root_field(builder, name) for name in names])
        if not builder.variable_types or not builder.chance(35):
            return [request]
        return [request, replace(request, variables=change_variables(builder, request.variables))]

    return query()


def calls_of(dataset: AllTypesDataset, mutation: str, input: Any) -> st.SearchStrategy[GraphQLRequest]:
    """Generate calls of a mutation with this input and with different selections of its payload."""
    strategies = _field_strategies()
    visible_keys = dataset.visible_keys[Role.ADMINISTRATOR]

    @st.composite
    def call(draw: st.DrawFn) -> GraphQLRequest:
        builder = OperationBuilder(draw, dataset, visible_keys, strategies, {mutation: {"input": input}})
        return _build_request(builder, MUTATION_TYPE, [draw(strategies[MUTATION_TYPE.name, mutation])])

    return call()


@cache
def _field_strategies() -> FieldStrategies:
    """Return a strategy for each field of a composite type, and for each type of node as a field of `Node`.

    The strategies generate operations on a schema in which all these fields are root fields. For the real schema
    hypothesis-graphql would mostly select `node`, with one column of each type.
    """
    # Scalars are filled in later, when their meaning is known.
    blank = st.just(StringValueNode(value=""))
    scalars = dict.fromkeys(("ID", "String", "Int", "Date", "DateTime", "Cents"), blank)
    fields = {f"Node__{name}": GraphQLField(_composite_type(name)) for name in TABLES}
    for coordinate in sorted(reachable_fields(QUERY_TYPE) | reachable_fields(MUTATION_TYPE)):
        type_name, name = coordinate.split(".")
        definition = _composite_type(type_name).fields[name]
        if is_object_type(get_named_type(definition.type)):
            fields[f"{type_name}__{name}"] = (
                definition if type_name != MUTATION_TYPE.name else GraphQLField(definition.type)
            )
    schema = GraphQLSchema(GraphQLObjectType("Query", fields))
    return {
        (type_name, name): queries(
            schema, fields=[f"{type_name}__{name}"], custom_scalars=scalars, print_ast=_only_root_field
        )
        for type_name, name in (field.split("__") for field in fields)
    }


def _only_root_field(document: DocumentNode) -> FieldNode:
    """Return the only root field of a generated query, under its name in the real schema."""
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    (node,) = operation.selection_set.selections
    assert isinstance(node, FieldNode)
    name = NameNode(value=node.name.value.split("__")[1])
    return FieldNode(name=name, arguments=node.arguments, selection_set=node.selection_set)


def _draw_root_field(builder: OperationBuilder, name: str) -> FieldNode:
    """Draw a root field of a query; `node` with a fragment on one type, `nodes` with fragments on up to three."""
    if name not in NODE_FIELDS:
        return builder.draw(builder.field_strategies["Query", name])
    type_count = 1 if name == "node" else builder.pick((1, 2, 3))
    type_names = [builder.pick(list(TABLES)) for _ in range(type_count)]
    fragments = [
        InlineFragmentNode(
            type_condition=NamedTypeNode(name=NameNode(value=type_name)),
            selection_set=builder.draw(builder.field_strategies["Node", type_name]).selection_set
            or SelectionSetNode(selections=()),
        )
        for type_name in dict.fromkeys(type_names)
    ]
    blank = StringValueNode(value="")
    argument, value = (
        ("id", blank) if name == "node" else ("ids", ListValueNode(values=(blank,) * builder.pick((2, 1, 3, 5, 0))))
    )
    return FieldNode(
        name=NameNode(value=name),
        arguments=(ArgumentNode(name=NameNode(value=argument), value=value),),
        selection_set=SelectionSetNode(selections=tuple(fragments)),
    )


# ----------------------------------------------------------------------------------------------------------- documents


def _build_request(
    builder: OperationBuilder, root_type: GraphQLObjectType, root_fields: Sequence[FieldNode]
) -> GraphQLRequest:
    selection_set = _selection_set(_selections(builder, root_type, root_fields, MAX_OBJECTS))
    name = builder.new_name("Q") if builder.chance(30) else None
    variables = f"({', '.join(builder.variable_definitions)})" if builder.variable_definitions else ""
    needs_keyword = name or variables or root_type is MUTATION_TYPE or builder.chance(50)
    keyword = root_type.name.lower() if needs_keyword else ""
    definitions = [f"{keyword}{f' {name}' if name else ''}{variables} {selection_set}".strip()]
    definitions += [f"fragment {each.name} on {each.type_name} {each.text}" for each in builder.fragments]
    has_other_operation = name is not None and builder.chance(25)
    if has_other_operation:
        definitions.insert(builder.pick((0, 1)), "query Other { viewer { role } }")
    if builder.chance(5):
        builder.variables["unknown"] = {"is": ["ignored"]}  # variables without a definition are allowed
    operation_name = name if has_other_operation or builder.chance(50) else None
    return GraphQLRequest("\n".join(definitions), builder.variables, operation_name, trusted=True)


def _selections(
    builder: OperationBuilder, parent: CompositeType, nodes: Sequence[SelectionNode], max_objects: int
) -> list[Selection]:
    """Build the selections for these nodes and for some more fields."""
    selections: list[Selection] = []
    for node in [*nodes, *_draw_extra_fields(builder, parent, nodes, max_objects)]:
        if isinstance(node, FieldNode):
            selections += _field(builder, parent, node, max_objects, _response_names(selections))
        elif isinstance(node, InlineFragmentNode) and node.type_condition:
            child = _composite_type(node.type_condition.name.value)
            children = _selections(builder, child, node.selection_set.selections, max_objects)
            selections.append(_fragment(builder, child, children, max_objects, is_named=builder.chance(30)))
    if builder.chance(60 if is_abstract_type(parent) else 12):
        name = builder.new_name("t") if builder.chance(20) else "__typename"
        typename = Selection(frozenset({name}), name if name == "__typename" else f"{name}: __typename")
        selections.insert(builder.pick((len(selections), 0)), typename)
    if builder.chance(15):
        selections += _spread_again(builder, parent, selections, max_objects)
    if builder.chance(15):
        start = builder.draw(st.integers(0, len(selections) - 1))
        selections[start:] = [_wrap_in_fragment(builder, parent, selections[start:], max_objects)]
    return selections


def _response_names(selections: Sequence[Selection]) -> frozenset[str]:
    return frozenset(name for selection in selections for name in selection.response_names)


def _draw_extra_fields(
    builder: OperationBuilder, parent: CompositeType, nodes: Sequence[SelectionNode], max_objects: int
) -> Iterator[FieldNode]:
    """Draw more leaves and composite fields, because hypothesis-graphql selects few."""
    selected = {node.name.value for node in nodes if isinstance(node, FieldNode)}
    names = [name for name in parent.fields if name not in selected]
    leaves = [name for name in names if is_leaf_type(get_named_type(parent.fields[name].type))]
    if leaves and builder.chance(70):
        for name in builder.draw(st.lists(st.sampled_from(leaves), min_size=1, max_size=8, unique=True)):
            yield FieldNode(name=NameNode(value=name))
    for _ in range(3):
        composite = [name for name in names if (parent.name, name) in builder.field_strategies]
        is_root = parent in {QUERY_TYPE, MUTATION_TYPE}
        if not composite or is_root or max_objects < 1 or not builder.chance(75 - 10 * builder.depth):
            return
        names.remove(name := builder.pick(composite))
        yield builder.draw(builder.field_strategies[parent.name, name])


def _wrap_in_fragment(
    builder: OperationBuilder, parent: CompositeType, selections: list[Selection], max_objects: int
) -> Selection:
    """Move selections to a fragment, sometimes on `Node`. Within that, only `id` needs no fragment on the type."""
    on_node = builder.chance(30) and (parent.name in TABLES or is_abstract_type(parent))
    if not on_node or any(selection.text != "id" for selection in selections):
        selections = [_fragment(builder, parent, selections, max_objects, is_named=builder.chance(50))]
    if not on_node:
        return selections[0]
    return _fragment(builder, _composite_type("Node"), selections, max_objects, is_named=builder.chance(50))


def _fragment(
    builder: OperationBuilder,
    parent: CompositeType,
    selections: list[Selection],
    max_objects: int,
    *,
    is_named: bool,
) -> Selection:
    names = _response_names(selections)
    if not is_named:
        condition = "" if builder.chance(20) and parent.name not in TABLES else f" on {parent.name}"
        return Selection(names, f"...{condition}{_directives(builder)} {_selection_set(selections)}")
    fragment = Fragment(builder.new_name("F"), parent.name, names, max_objects, _selection_set(selections))
    builder.fragments.append(fragment)
    return Selection(names, f"...{fragment.name}{_directives(builder)}")


def _spread_again(
    builder: OperationBuilder, parent: CompositeType, selections: list[Selection], max_objects: int
) -> Iterator[Selection]:
    """Spread a fragment of this type a second time, if it selects no response name that is selected already."""
    names = _response_names(selections)
    fragments = [
        each
        for each in builder.fragments
        if each.type_name == parent.name and each.max_objects <= max_objects and not each.response_names & names
    ]
    if fragments:
        fragment = builder.pick(fragments)
        yield Selection(fragment.response_names, f"...{fragment.name}{_directives(builder)}")


def _selection_set(selections: Sequence[Selection]) -> str:
    inner = "\n".join(selection.text for selection in selections).replace("\n", "\n  ")
    return f"{{\n  {inner}\n}}"


def _directives(builder: OperationBuilder) -> str:
    """Return `@skip` and `@include`, each rarely."""
    directives = ""
    for name in ("skip", "include"):
        if builder.chance(5):
            condition = render_value(builder, BOOLEAN, builder.draw(st.booleans()), is_optional=False)
            directives += f" @{name}(if: {condition})"
    return directives


def _composite_type(name: str) -> CompositeType:
    composite_type = GRAPHQL_SCHEMA.type_map[name]
    assert isinstance(composite_type, GraphQLObjectType | GraphQLInterfaceType)
    return composite_type


# -------------------------------------------------------------------------------------------------------------- fields


def _field(
    builder: OperationBuilder,
    parent: CompositeType,
    node: FieldNode,
    max_objects: int,
    used_names: frozenset[str],
) -> list[Selection]:
    """Select a field, sometimes under two response names with different arguments."""
    name = (node.alias or node.name).value
    needs_alias = name in used_names or builder.chance(8)
    response_names = [_alias(builder, parent, used_names) if needs_alias else name]
    if builder.chance(8):
        response_names.append(builder.new_name("a"))
    return [
        selection
        for response_name in response_names
        for selection in _field_nodes(builder, parent, node, response_name, max_objects)
    ]


def _alias(builder: OperationBuilder, parent: CompositeType, used_names: frozenset[str]) -> str:
    """Return a new alias, or sometimes the name of another field."""
    others = [name for name in parent.fields if name not in used_names]
    return builder.pick(others) if others and builder.chance(15) else builder.new_name("a")


def _field_nodes(
    builder: OperationBuilder, parent: CompositeType, node: FieldNode, response_name: str, max_objects: int
) -> list[Selection]:
    """Select a field under a response name, sometimes by two nodes that are merged."""
    name = node.name.value
    definition = parent.fields[name]
    arguments, child_max_objects = _arguments(builder, parent.name, node, definition, max_objects)
    head = f"{'' if response_name == name else f'{response_name}: '}{name}{arguments}"
    response_names = frozenset({response_name})
    child = get_named_type(definition.type)
    if node.selection_set is None:
        return [Selection(response_names, head + _directives(builder))]
    assert isinstance(child, GraphQLObjectType | GraphQLInterfaceType)
    nodes = list(node.selection_set.selections)
    split = builder.draw(st.integers(1, len(nodes) - 1)) if len(nodes) > 1 and builder.chance(8) else 0
    builder.depth += 1
    selections = [
        Selection(
            response_names,
            f"{head}{_directives(builder)} {_selection_set(_selections(builder, child, part, child_max_objects))}",
        )
        for part in (nodes[split:], nodes[:split])
        if part
    ]
    builder.depth -= 1
    return selections


def _arguments(
    builder: OperationBuilder, parent: str, node: FieldNode, definition: GraphQLField, max_objects: int
) -> tuple[str, int]:
    """Return a field's arguments, and the limit of objects for each object of the field."""
    drawn = {argument.name.value: argument.value for argument in node.arguments or ()}
    name = node.name.value
    context = ArgumentContext(name, fragment_types(node), natural_key(builder, name))
    values = {
        name: fill_value(builder, context, name, argument.type, drawn.get(name))
        for name, argument in definition.args.items()
        if name in context.natural_key or (name in drawn and (is_required_argument(argument) or not builder.chance(30)))
    }
    is_short_list = is_list_type(get_nullable_type(definition.type)) and not parent.endswith("Connection")
    size = EXPECTED_LIST_LENGTH if is_short_list else 1
    if "after" in definition.args:
        size = _fill_page_arguments(builder, (parent, name), definition, values, max_objects)
    elif isinstance(values.get("ids"), list):
        size = len(values["ids"])
    arguments = [
        f"{name}: {render_value(builder, argument.type, values[name], is_optional=not is_required_argument(argument))}"
        for name, argument in definition.args.items()
        if name in values
    ]
    return f"({', '.join(arguments)})" if arguments else "", max_objects // max(1, size)


def _fill_page_arguments(
    builder: OperationBuilder,
    coordinate: tuple[str, str],
    definition: GraphQLField,
    values: dict[str, Any],
    max_objects: int,
) -> int:
    """Choose the order, the position and the size of a page. Return its size or, if it has two, the larger one."""
    order = ""
    if "orderBy" in definition.args and not (builder.may_be_invalid and builder.chance(30)):
        order = builder.pick(("", *orders_of(definition)))
        values["orderBy"] = value_from_ast_untyped(parse_value(order)) if order else None
    cursors = [name for name in ("after", "before") if values.get(name) is not None]
    if cursors and not builder.chance(20):  # two cursors often have nothing between them
        values |= dict.fromkeys(cursors)
        cursors = [builder.pick(cursors)] if builder.chance(70) else []
    for name in cursors:
        values[name] = pick_cursor(builder, (*coordinate, order))
    if values.get("offset") is not None:
        values["offset"] = builder.pick(INVALID_OFFSETS if builder.may_be_invalid else OFFSETS)
        if not builder.may_be_invalid:
            values |= {"after": None, "last": None, "before": None}  # these exclude `offset`
    default_size: int = definition.args["first"].default_value
    names = ["first"]
    if values.get("last") is not None:
        names = builder.pick((["last"], ["first", "last"]))
        if "first" in values:
            values["first"] = None
    elif values.get("first") is None and default_size <= max_objects and builder.chance(50):
        return default_size
    sizes = []
    for name in names:
        sizes.append(builder.pick([size for size in PAGE_SIZES if size <= max(1, max_objects)]))
        is_invalid = builder.may_be_invalid and builder.chance(8)
        values[name] = builder.pick(INVALID_PAGE_SIZES) if is_invalid else sizes[-1]
    return max(sizes)
