"""Random operations on the library's schema, with aliases, fragments, directives, variables and merged fields."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse_value,
    value_from_ast_untyped,
)
from hypothesis import strategies as st
from library import SCHEMA

CompositeType = GraphQLObjectType | GraphQLInterfaceType

MAX_FRAGMENT_DEPTH = 2
#: The types of a connection. They don't count as a level of depth.
CONNECTION_TYPES = {"Authors", "AuthorEdge", "Books", "BookEdge", "PageInfo"}
PRESENT_IDS = ("a1", "a2", "a3", "b1", "b2", "b4", "b7", "p1", "p2", "s1", "s2", "s3")
MISSING_IDS = ("a9", "b9", "")
IDS = tuple(f'"{id}"' for id in (*PRESENT_IDS, *MISSING_IDS, "x1"))
CURSORS = ("null", '"Emma/b2"', '"Anne Carson/a3"', '"/"', '"Z/"')
INVALID_CURSOR = '"not a cursor"'
#: Literals for each argument, by its name.
ARGUMENT_VALUES: dict[str, Sequence[str]] = {
    "first": ("null", "-1", "0", "1", "2", "40"),
    "after": (*CURSORS, INVALID_CURSOR),
    "last": ("null", "1", "0", "2", "40", "-1"),
    "before": (*CURSORS, INVALID_CURSOR),
    "filter": ("null", "{}", "{since: null}", "{genres: [NOVEL, POEMS], since: 1816}", "{genres: STORIES}"),
    "branch": ('"main"', "null", '"other"'),
    "id": IDS,
    "ids": ("[]", '["a1", "b2", "b2", "s1"]', '["p1"]', '["s1", "b9", "a2"]', '["b4", "", "x1"]'),
}


@dataclass(frozen=True, slots=True)
class OperationShape:
    """Which fields operations select, and how many."""

    excluded_fields: Collection[str]
    #: The percentage of fields that are chosen among the composite ones, where there are any.
    composite_percent: int = 0
    min_root_fields: int = 1
    max_depth: int = 3
    #: Once so many fields are selected, selection sets are completed with as few fields as possible.
    soft_field_limit: int = 12
    argument_values: Mapping[str, Sequence[str]] = field(default_factory=lambda: ARGUMENT_VALUES)


#: All fields that have a plan.
ANY_OPERATION = OperationShape({"weight"})
#: Fields that the library can render as JSON.
RENDERABLE = OperationShape(
    excluded_fields={"weight", "initials", "keywords", "cover", "size", "chapters", "stock", "loans", "copies"}
    | {"book", "entry", "requiredEntry", "entries", "requiredEntries", "visitor", "requiredVisitor"},
    composite_percent=80,
    min_root_fields=3,
    max_depth=5,
    soft_field_limit=30,
    argument_values=ARGUMENT_VALUES
    | {"first": ("40", "2", "1", "null", "-1"), "last": ("2", "1", "40", "null", "0"), "before": CURSORS},
)


@st.composite
def operations(draw: st.DrawFn, shape: OperationShape) -> tuple[str, dict[str, Any]]:
    """Draw a query and its variables."""
    builder = _OperationBuilder(draw, shape)
    assert SCHEMA.query_type is not None
    selection_set = builder.selection_set(SCHEMA.query_type, shape.max_depth, shape.min_root_fields)
    header = f"query ({', '.join(builder.variable_definitions)}) " if builder.variable_definitions else ""
    return "\n".join([f"{header}{selection_set}", *builder.fragment_definitions]), builder.variables


@dataclass(slots=True)
class _OperationBuilder:
    """Builds the text of one operation. `depth` is the number of levels that may follow."""

    draw: st.DrawFn
    shape: OperationShape
    variables: dict[str, Any] = field(default_factory=dict)
    variable_definitions: list[str] = field(default_factory=list)
    #: Each fragment's name, and the name of its type.
    fragments: list[tuple[str, str]] = field(default_factory=list)
    fragment_definitions: list[str] = field(default_factory=list)
    name_count: int = 0
    field_count: int = 0
    #: The number of fragments that are not complete yet.
    fragment_depth: int = 0

    def chance(self, percent: int) -> bool:
        return self.draw(st.integers(0, 99)) >= 100 - percent  # False when Hypothesis shrinks an example

    def pick(self, items: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(items))

    def new_name(self, letter: str) -> str:
        self.name_count += 1
        return f"{letter}{self.name_count}"

    def selection_set(self, parent: CompositeType, depth: int, min_fields: int = 1) -> str:
        selections = [self._selection(parent, depth) for _ in range(min_fields)]
        while len(selections) < self.shape.soft_field_limit - self.field_count and self.chance(60):
            selections.append(self._selection(parent, depth))
        return f"{{ {' '.join(selections)} }}"

    def _selection(self, parent: CompositeType, depth: int) -> str:
        is_below_limit = self.field_count < self.shape.soft_field_limit
        if self.fragment_depth < MAX_FRAGMENT_DEPTH and is_below_limit and self.chance(25):
            self.fragment_depth += 1
            fragment = self._fragment(parent, depth)
            self.fragment_depth -= 1
            return fragment
        allows_composite = depth > 0 and (is_below_limit or parent is SCHEMA.query_type)
        names = [
            name
            for name, definition in parent.fields.items()
            if name not in self.shape.excluded_fields and (allows_composite or _is_leaf(definition))
        ]
        if not names or self.chance(8):
            return f"{self.new_name('t')}: __typename{self._directive()}"
        if composite_names := [name for name in names if not _is_leaf(parent.fields[name])]:
            names = composite_names if self.chance(self.shape.composite_percent) else names
        return self._field(parent, self.pick(names), depth)

    def _field(self, parent: CompositeType, name: str, depth: int) -> str:
        """Select a field, sometimes by two nodes that are merged. Fields with arguments have unique aliases."""
        self.field_count += 1
        definition = parent.fields[name]
        arguments = self._arguments(definition)
        # A page with its rows under two names can't be rendered as JSON, so aliases are rare there.
        has_alias = self.chance(5 if parent.name in CONNECTION_TYPES else 30)
        head = f"{self.new_name('f')}: {name}{arguments}" if arguments or has_alias else name
        if _is_leaf(definition):
            return f"{head}{self._directive()}"
        child: Any = get_named_type(definition.type)
        child_depth = depth - (child.name not in CONNECTION_TYPES)
        node_count = 2 if self.chance(15) else 1
        return " ".join(
            f"{head}{self._directive()} {self.selection_set(child, child_depth)}" for _ in range(node_count)
        )

    def _fragment(self, parent: CompositeType, depth: int) -> str:
        """Select an inline fragment, a new named fragment, or a fragment that is defined already."""
        type_names = [parent.name, *(interface.name for interface in parent.interfaces)]
        if isinstance(parent, GraphQLInterfaceType):
            type_names += [object_type.name for object_type in SCHEMA.get_possible_types(parent)]
        defined = [name for name, type_name in self.fragments if type_name in type_names]
        if defined and self.chance(30):
            return f"...{self.pick(defined)}{self._directive()}"
        type_name = self.pick(type_names)
        child: Any = SCHEMA.get_type(type_name)
        if self.chance(50):
            condition = "" if type_name == parent.name and self.chance(30) else f" on {type_name}"
            return f"...{condition}{self._directive()} {self.selection_set(child, depth)}"
        selection_set = self.selection_set(child, depth)
        name = self.new_name("F")
        self.fragments.append((name, type_name))
        self.fragment_definitions.append(f"fragment {name} on {type_name} {selection_set}")
        return f"...{name}{self._directive()}"

    def _directive(self) -> str:
        if not self.chance(15):
            return ""
        value = self.pick(("true", "false"))
        if self.chance(50):
            value = self._variable("Boolean!", value)
        return f" @{self.pick(('skip', 'include'))}(if: {value})"

    def _arguments(self, definition: GraphQLField) -> str:
        arguments = [
            f"{name}: {self._value(name, str(argument.type))}"
            for name, argument in definition.args.items()
            if is_required_argument(argument) or self.chance(35)
        ]
        return f"({', '.join(arguments)})" if arguments else ""

    def _value(self, argument: str, type_name: str) -> str:
        if argument == "filter" and self.chance(30):
            return f"{{genres: [NOVEL, {self._variable('Genre', 'POEMS')}], since: {self._variable('Int', '1816')}}}"
        value: str = self.pick(self.shape.argument_values[argument])
        return self._variable(type_name, value) if self.chance(40) else value

    def _variable(self, type_name: str, value: str) -> str:
        """Define a variable: with a value in the request, a default value, or none where it is nullable."""
        name = self.new_name("v")
        default = ""
        if value != "null" and self.chance(25):
            default = f" = {value}"
        if not default and (type_name.endswith("!") or self.chance(80)):
            self.variables[name] = value_from_ast_untyped(parse_value(value))
        self.variable_definitions.append(f"${name}: {type_name}{default}")
        return f"${name}"


def _is_leaf(definition: GraphQLField) -> bool:
    return is_leaf_type(get_named_type(definition.type))
