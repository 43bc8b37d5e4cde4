"""Operations that nobody thought of: hypothesis-graphql says what is selected, and this how it is written and of what.

Its arguments name what is there (mostly), and what it selects is written in all the ways a client may write it: with
variables, aliases, fragments, directives, several root fields, and one field asked twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from all_types_dataset import GRAPHQL_SCHEMA, TABLES, AllTypesDataset, orders_of
from both_executors import all_fields
from generated_values import (
    BOOLEAN,
    NODES,
    QUERY,
    SIZES,
    Asked,
    Fragment,
    Questions,
    Writing,
    cursor_of,
    filled,
    kinds_in,
    naming,
    other_variables,
    write_value,
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

Selecting = GraphQLObjectType | GraphQLInterfaceType

assert GRAPHQL_SCHEMA.mutation_type is not None
MUTATION = GRAPHQL_SCHEMA.mutation_type
ENTRIES = [*QUERY.fields, *NODES, *NODES, "node", "node"]
#: How many objects an operation's first level may come to; each further one as many fewer as the level has.
ROOM = 150
#: How long a list is that has no pages, more or less.
LIST = 4
WRONG_SIZES = (-1, 101, 2**31 - 1)
JUMPS = (1, 0, 2, 5)
WRONG_JUMPS = (1, -1, 100_001)


class Part(NamedTuple):
    """A piece of a selection set, and the names it answers to there."""

    names: frozenset[str]
    text: str


def operations(dataset: AllTypesDataset, role: Role) -> st.SearchStrategy[list[GraphQLRequest]]:
    """Generate operations that read, about what a viewer of this role may see, and a little beyond it.

    Some are asked again with other variables: what was compiled of the text must hold none of the first.
    """
    questions = _questions()

    @st.composite
    def operation(draw: st.DrawFn) -> list[GraphQLRequest]:
        writing = Writing(draw, dataset, dataset.visible_keys[role], questions)
        writing.daring = writing.chance(25)
        asked = draw(st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=3))
        request = _write_operation(writing, QUERY, [_ask(writing, name) for name in asked])
        if not writing.kinds or not writing.chance(35):
            return [request]
        return [request, replace(request, variables=other_variables(writing, request.variables))]

    return operation()


def payloads(dataset: AllTypesDataset, mutation: str, input: Any) -> st.SearchStrategy[GraphQLRequest]:
    """Generate ways to ask for what comes of a mutation with this input."""
    questions = _questions()

    @st.composite
    def operation(draw: st.DrawFn) -> GraphQLRequest:
        writing = Writing(
            draw, dataset, dataset.visible_keys[Role.ADMINISTRATOR], questions, {mutation: {"input": input}}
        )
        return _write_operation(writing, MUTATION, [draw(questions[MUTATION.name, mutation])])

    return operation()


@cache
def _questions() -> Questions:
    """Give what hypothesis-graphql may ask of each field that leads on, and of each node as if `Node` had one.

    All as fields of one Query, which draws each alone: of the graph as it is, it would mostly ask for `node`, and there
    for one column of each type.
    """
    # What scalars hold is decided here, where it is known what they are for.
    blank = st.just(StringValueNode(value=""))
    scalars = dict.fromkeys(("ID", "String", "Int", "Date", "DateTime", "Cents"), blank)
    fields = {f"Node__{name}": GraphQLField(_selecting(name)) for name in TABLES}
    for coordinate in sorted(all_fields(QUERY) | all_fields(MUTATION)):
        kind, name = coordinate.split(".")
        declared = _selecting(kind).fields[name]
        if is_object_type(get_named_type(declared.type)):
            fields[f"{kind}__{name}"] = declared if kind != MUTATION.name else GraphQLField(declared.type)
    schema = GraphQLSchema(GraphQLObjectType("Query", fields))
    return {
        (kind, name): queries(schema, fields=[f"{kind}__{name}"], custom_scalars=scalars, print_ast=_only_field)
        for kind, name in (each.split("__") for each in fields)
    }


def _only_field(document: DocumentNode) -> FieldNode:
    """Give what was asked of Query, under the name that it has in the graph."""
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    (node,) = operation.selection_set.selections
    assert isinstance(node, FieldNode)
    name = NameNode(value=node.name.value.split("__")[1])
    return FieldNode(name=name, arguments=node.arguments, selection_set=node.selection_set)


def _ask(w: Writing, name: str) -> FieldNode:
    """Ask for a field of Query; of a node, what one of its type has, and of several, of up to three types."""
    if name not in NODES:
        return w.draw(w.questions["Query", name])
    kinds = [w.pick(list(TABLES)) for _ in range(1 if name == "node" else w.pick((1, 2, 3)))]
    of_each = [
        InlineFragmentNode(
            type_condition=NamedTypeNode(name=NameNode(value=kind)),
            selection_set=w.draw(w.questions["Node", kind]).selection_set or SelectionSetNode(selections=()),
        )
        for kind in dict.fromkeys(kinds)
    ]
    blank = StringValueNode(value="")
    ids = ("id", blank) if name == "node" else ("ids", ListValueNode(values=(blank,) * w.pick((2, 1, 3, 5, 0))))
    return FieldNode(
        name=NameNode(value=name),
        arguments=(ArgumentNode(name=NameNode(value=ids[0]), value=ids[1]),),
        selection_set=SelectionSetNode(selections=tuple(of_each)),
    )


# --------------------------------------------------------------------------------------------------- the document


def _write_operation(w: Writing, root: GraphQLObjectType, asked: Sequence[FieldNode]) -> GraphQLRequest:
    block = _block(_parts(w, root, asked, ROOM))
    name = w.name("Q") if w.chance(30) else None
    declared = f"({', '.join(w.declared)})" if w.declared else ""
    kind = root.name.lower() if name or declared or root is MUTATION or w.chance(50) else ""
    definitions = [f"{kind}{f' {name}' if name else ''}{declared} {block}".strip()]
    definitions += [f"fragment {each.name} on {each.kind} {each.text}" for each in w.fragments]
    several = name is not None and w.chance(25)
    if several:
        definitions.insert(w.pick((0, 1)), "query Other { viewer { role } }")
    if w.chance(5):
        w.variables["unknown"] = {"is": ["passed", "over"]}
    chosen = name if several or w.chance(50) else None
    return GraphQLRequest("\n".join(definitions), w.variables, chosen, trusted=True)


def _parts(w: Writing, parent: Selecting, selections: Sequence[SelectionNode], room: int) -> list[Part]:
    """Write what is selected of an object."""
    parts: list[Part] = []
    for node in [*selections, *_more(w, parent, selections, room)]:
        if isinstance(node, FieldNode):
            parts += _field(w, parent, node, room, frozenset(name for part in parts for name in part.names))
        elif isinstance(node, InlineFragmentNode) and node.type_condition:
            kind = _selecting(node.type_condition.name.value)
            inner = _parts(w, kind, node.selection_set.selections, room)
            parts.append(_fragment(w, kind, inner, room, named=w.chance(30)))
    if w.chance(60 if is_abstract_type(parent) else 12):
        name = w.name("t") if w.chance(20) else "__typename"
        written = Part(frozenset({name}), name if name == "__typename" else f"{name}: __typename")
        parts.insert(w.pick((len(parts), 0)), written)
    if w.chance(15):
        parts += _spread_again(w, parent, parts, room)
    if w.chance(15):
        start = w.draw(st.integers(0, len(parts) - 1))
        parts[start:] = [_wrapped(w, parent, parts[start:], room)]
    return parts


def _more(w: Writing, parent: Selecting, selections: Sequence[SelectionNode], room: int) -> Iterator[FieldNode]:
    """Select some more columns, and go on to other objects: hypothesis-graphql by itself is short of words."""
    asked = {node.name.value for node in selections if isinstance(node, FieldNode)}
    left = [name for name in parent.fields if name not in asked]
    columns = [name for name in left if is_leaf_type(get_named_type(parent.fields[name].type))]
    if columns and w.chance(70):
        for name in w.draw(st.lists(st.sampled_from(columns), min_size=1, max_size=8, unique=True)):
            yield FieldNode(name=NameNode(value=name))
    for _ in range(3):
        edges = [name for name in left if (parent.name, name) in w.questions]
        if not edges or parent in {QUERY, MUTATION} or room < 1 or not w.chance(75 - 10 * w.depth):
            return
        left.remove(name := w.pick(edges))
        yield w.draw(w.questions[parent.name, name])


def _wrapped(w: Writing, parent: Selecting, parts: list[Part], room: int) -> Part:
    """Put a part of a selection set into a fragment, or into one within another."""
    any_node = w.chance(30) and (parent.name in TABLES or is_abstract_type(parent))
    if not any_node or any(part.text != "id" for part in parts):
        parts = [_fragment(w, parent, parts, room, named=w.chance(50))]
    return _fragment(w, _selecting("Node"), parts, room, named=w.chance(50)) if any_node else parts[0]


def _fragment(w: Writing, kind: Selecting, parts: list[Part], room: int, *, named: bool) -> Part:
    names = frozenset(name for part in parts for name in part.names)
    if not named:
        condition = "" if w.chance(20) and kind.name not in TABLES else f" on {kind.name}"
        return Part(names, f"...{condition}{_directives(w)} {_block(parts)}")
    fragment = Fragment(w.name("F"), kind.name, names, room, _block(parts))
    w.fragments.append(fragment)
    return Part(names, f"...{fragment.name}{_directives(w)}")


def _spread_again(w: Writing, parent: Selecting, parts: list[Part], room: int) -> Iterator[Part]:
    """Spread a fragment of this type a second time, where none of its names is taken."""
    taken = {name for part in parts for name in part.names}
    fitting = [
        each for each in w.fragments if each.kind == parent.name and each.room <= room and not each.names & taken
    ]
    if fitting:
        fragment = w.pick(fitting)
        yield Part(fragment.names, f"...{fragment.name}{_directives(w)}")


def _block(parts: Sequence[Part]) -> str:
    inner = "\n".join(part.text for part in parts).replace("\n", "\n  ")
    return f"{{\n  {inner}\n}}"


def _directives(w: Writing) -> str:
    """Write @skip and @include, mostly none of them."""
    written = ""
    for name in ("skip", "include"):
        if w.chance(5):
            written += f" @{name}(if: {write_value(w, BOOLEAN, w.draw(st.booleans()), optional=False)})"
    return written


def _selecting(name: str) -> Selecting:
    kind = GRAPHQL_SCHEMA.type_map[name]
    assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
    return kind


# ---------------------------------------------------------------------------------------------------------- fields


def _field(w: Writing, parent: Selecting, node: FieldNode, room: int, taken: frozenset[str]) -> list[Part]:
    """Write a field once, or again under another name and with other arguments."""
    given = (node.alias or node.name).value
    answered = [_alias(w, parent, taken) if given in taken or w.chance(8) else given]
    if w.chance(8):
        answered.append(w.name("a"))
    return [part for each in answered for part in _answering(w, parent, node, each, room)]


def _alias(w: Writing, parent: Selecting, taken: frozenset[str]) -> str:
    """Choose a name: a new one, or to confuse, another field's."""
    others = [name for name in parent.fields if name not in taken]
    return w.pick(others) if others and w.chance(15) else w.name("a")


def _answering(w: Writing, parent: Selecting, node: FieldNode, answered: str, room: int) -> list[Part]:
    """Write a field that answers to a name; now and then in two halves, which become one."""
    name = node.name.value
    declared = parent.fields[name]
    arguments, left = _arguments(w, parent.name, node, declared, room)
    head = f"{'' if answered == name else f'{answered}: '}{name}{arguments}"
    names = frozenset({answered})
    kind = get_named_type(declared.type)
    if node.selection_set is None:
        return [Part(names, head + _directives(w))]
    assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
    selections = list(node.selection_set.selections)
    half = w.draw(st.integers(1, len(selections) - 1)) if len(selections) > 1 and w.chance(8) else 0
    w.depth += 1
    parts = [
        Part(names, f"{head}{_directives(w)} {_block(_parts(w, kind, each, left))}")
        for each in (selections[half:], selections[:half])
        if each
    ]
    w.depth -= 1
    return parts


def _arguments(w: Writing, parent: str, node: FieldNode, declared: GraphQLField, room: int) -> tuple[str, int]:
    """Write a field's arguments; tell for how many objects beneath each of its own there is room."""
    drawn = {argument.name.value: argument.value for argument in node.arguments or ()}
    asked = Asked(node.name.value, kinds_in(node), naming(w, node.name.value))
    values = {
        name: filled(w, asked, name, argument.type, drawn.get(name))
        for name, argument in declared.args.items()
        if name in asked.named or (name in drawn and (is_required_argument(argument) or not w.chance(30)))
    }
    size = LIST if is_list_type(get_nullable_type(declared.type)) and not parent.endswith("Connection") else 1
    if "after" in declared.args:
        size = _turn_pages(w, (parent, node.name.value), declared, values, room)
    elif isinstance(values.get("ids"), list):
        size = len(values["ids"])
    written = [
        f"{name}: {write_value(w, argument.type, values[name], optional=not is_required_argument(argument))}"
        for name, argument in declared.args.items()
        if name in values
    ]
    return f"({', '.join(written)})" if written else "", room // max(1, size)


def _turn_pages(w: Writing, list_: tuple[str, str], declared: GraphQLField, values: dict[str, Any], room: int) -> int:
    """Decide which page of a list is asked for, and in which order; give its size."""
    order = ""
    if "orderBy" in declared.args and not (w.daring and w.chance(30)):
        order = w.pick(("", *orders_of(declared)))
        values["orderBy"] = value_from_ast_untyped(parse_value(order)) if order else None
    if values.get("after") is not None:
        values["after"] = cursor_of(w, (*list_, order))
    if values.get("offset") is not None:
        values["offset"] = w.pick(WRONG_JUMPS if w.daring else JUMPS)
        if not w.daring:
            values["after"] = None
    usual: int = declared.args["first"].default_value
    if values.get("first") is None and usual <= room and w.chance(50):
        return usual
    size = w.pick([size for size in SIZES if size <= max(1, room)])
    values["first"] = w.pick(WRONG_SIZES) if w.daring and w.chance(15) else size
    return size
