"""Values in generated operations: arguments that mostly refer to existing rows, as literals or as variables."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple, TypeVar

from all_types_dataset import GRAPHQL_SCHEMA, TABLES, AllTypesDataset, ListOrder, VisibleKeys
from graphql import (
    FieldNode,
    GraphQLBoolean,
    GraphQLInputType,
    GraphQLNonNull,
    InlineFragmentNode,
    get_named_type,
    get_nullable_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    value_from_ast_untyped,
)
from hypothesis import strategies as st

from benegraph.domain.access import Role

T = TypeVar("T")

assert GRAPHQL_SCHEMA.query_type is not None
QUERY_TYPE = GRAPHQL_SCHEMA.query_type
#: The fields that find an object of any type by its ID.
NODE_FIELDS = ("node", "nodes")
PAGE_SIZES = (1, 2, 3, 0, 5, 10, 20, 50, 100)
MISSING_SUBSCRIBER_IDS = ("NOBODY", "", "TOO LONG A NUMBER")
INVALID_IDS = ("", "nothing", "empl_", "empl_01j659cve0e0080m4xhppefpaH", 7, "\0", "Ünïcödé")
INVALID_VARIABLE_VALUES = ("x", 7.5, {"a": 1}, [None], True, None)
INVALID_CURSORS = ("WyJFbXBsb3llZS5MQVNUX05BTUUiXQ", "!", "é", "bm9uZQ")
YEARS = (2026, 2027, 2025, 2024, 1900, 2199)
INVALID_YEARS = (0, 2200)
INSTANTS = ("2026-11-01T00:00:00Z", "2020-01-01T00:00:00+05:00", "2027-01-01T00:00:00Z")
DATES = ("2026-11-20", "2027-01-01", "2020-02-29", "2026-11-20T00:00:00Z")
EVENT_TYPE_NAMES = ("enrollment.issued", "enrollment.elected", "employee.hired", "api_key.issued", "division.created")
VALID_TEXTS = ("", "a", "o'", "%", "_\\", "“", '"', "\n")
TOO_LONG_TEXT = "A" * 201

#: For each field of a composite type, by the name of its parent type and its own, a strategy for its nodes.
FieldStrategies = Mapping[tuple[str, str], st.SearchStrategy[FieldNode]]
_percent = st.integers(0, 99)


class ArgumentContext(NamedTuple):
    """The field that an argument belongs to, the types of its fragments, and its arguments that are natural keys."""

    field: str
    type_names: Sequence[str]
    natural_key: Mapping[str, Any]


class Fragment(NamedTuple):
    """A named fragment. `max_objects` is the limit that it was built for."""

    name: str
    type_name: str
    response_names: frozenset[str]
    max_objects: int
    text: str


@dataclass(slots=True)
class OperationBuilder:
    """The state of one operation while it is built. It contains errors only if `may_be_invalid`."""

    draw: st.DrawFn
    dataset: AllTypesDataset
    visible_keys: VisibleKeys
    field_strategies: FieldStrategies
    #: Arguments that are not generated, by the name of the field.
    fixed_arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    may_be_invalid: bool = False
    depth: int = 0
    variables: dict[str, Any] = field(default_factory=dict)
    variable_types: dict[str, GraphQLInputType] = field(default_factory=dict)
    variable_definitions: list[str] = field(default_factory=list)
    fragments: list[Fragment] = field(default_factory=list)
    name_numbers: Iterator[int] = field(default_factory=count)

    def chance(self, percent: int) -> bool:
        """Return whether to do something unusual. Hypothesis shrinks this to False."""
        return self.draw(_percent) >= 100 - percent

    def pick(self, items: Sequence[T]) -> T:
        return items[self.draw(st.integers(0, len(items) - 1))]

    def new_name(self, prefix: str) -> str:
        return f"{prefix}{next(self.name_numbers)}"


# ------------------------------------------------------------------------------------------------- values of arguments


def fragment_types(node: FieldNode) -> list[str]:
    """Return the names of the types that a field's inline fragments are on."""
    selections = node.selection_set.selections if node.selection_set else ()
    conditions = (each.type_condition for each in selections if isinstance(each, InlineFragmentNode))
    return [condition.name.value for condition in conditions if condition]


def natural_key(builder: OperationBuilder, field_name: str) -> Mapping[str, Any]:
    """Choose the arguments of a field that are a natural key, or fixed; sometimes of a row that is not visible."""
    visible_keys = builder.dataset.visible_keys[Role.ADMINISTRATOR] if builder.chance(15) else builder.visible_keys
    if field_name == "subscriber":
        ids = MISSING_SUBSCRIBER_IDS if builder.chance(10) else visible_keys.subscriber_ids
        return {"subscriberId": builder.pick(ids)}
    if field_name == "employeeByKey":
        return {"key": _pick_employee_key(builder, visible_keys)}
    if field_name in {"groupContract", "subscriberEnrollment"}:
        keys = visible_keys.contract_keys if field_name == "groupContract" else visible_keys.coverage_keys
        return dict(builder.pick(keys)) | ({"divisionId": "D1"} if builder.chance(10) else {})
    return builder.fixed_arguments.get(field_name, {})


def _pick_employee_key(builder: OperationBuilder, visible_keys: VisibleKeys) -> Mapping[str, Any]:
    if visible_keys.external_keys and builder.chance(40):
        return {"external": dict(builder.pick(visible_keys.external_keys))}
    if builder.chance(50):
        ids = MISSING_SUBSCRIBER_IDS if builder.chance(10) else visible_keys.subscriber_ids
        return {"subscriberId": builder.pick(ids)}
    return {"id": _pick_id(builder, ["Employee"])}


def fill_value(
    builder: OperationBuilder, context: ArgumentContext, name: str, input_type: GraphQLInputType, drawn: Any
) -> Any:
    """Return an argument's value as JSON: with the structure of the drawn node, but with meaningful scalars."""
    if name in context.natural_key:
        return context.natural_key[name]
    nullable = get_nullable_type(input_type)
    value = value_from_ast_untyped(drawn)
    if value is None or is_enum_type(nullable):
        return value
    if is_list_type(nullable):
        return [fill_value(builder, context, name, nullable.of_type, item) for item in drawn.values]
    if is_input_object_type(nullable):
        return {
            node.name.value: fill_value(
                builder, context, node.name.value, nullable.fields[node.name.value].type, node.value
            )
            for node in _choose_fields(builder, nullable.name, drawn.fields)
        }
    return _fill_scalar(builder, context, name, get_named_type(input_type).name, value)


def _choose_fields(builder: OperationBuilder, type_name: str, fields: Sequence[T]) -> Sequence[T]:
    """Keep at most two fields of a filter, because hardly any row matches more of them."""
    if not type_name.endswith("Filter") or len(fields) <= 2:
        return fields
    start = builder.draw(st.integers(0, len(fields) - 2))
    return fields[start : start + 2]


def _fill_scalar(builder: OperationBuilder, context: ArgumentContext, name: str, scalar: str, drawn: Any) -> Any:
    if scalar == "ID":
        return _pick_id(builder, id_types(context.field, name, context.type_names))
    if scalar == "Int":
        return builder.pick(INVALID_YEARS if builder.may_be_invalid and builder.chance(15) else YEARS)
    if scalar in {"Date", "DateTime"}:
        return builder.pick(DATES if scalar == "Date" else INSTANTS)
    return _pick_text(builder, name) if scalar == "String" else drawn


def _pick_text(builder: OperationBuilder, name: str) -> str:
    if name == "types":
        return builder.pick(("no.type",) if builder.may_be_invalid and builder.chance(10) else EVENT_TYPE_NAMES)
    if name == "externalId" and builder.chance(70):
        keys = builder.visible_keys.external_keys
        return str(builder.pick([key["externalId"] for key in keys] or (*VALID_TEXTS, TOO_LONG_TEXT)))
    return _pick_search_text(builder)


def _pick_search_text(builder: OperationBuilder) -> str:
    if builder.chance(20):
        return builder.pick((*VALID_TEXTS, TOO_LONG_TEXT) if builder.may_be_invalid else VALID_TEXTS)
    name = builder.pick(builder.visible_keys.names)
    return name[: builder.draw(st.integers(1, len(name)))]


def id_types(field_name: str, argument: str, type_names: Sequence[str] = ()) -> Sequence[str]:
    """Return the types that an ID in an argument may belong to; none where it may be of any type."""
    if argument in {"id", "ids"}:
        return type_names if field_name in NODE_FIELDS else [get_named_type(QUERY_TYPE.fields[field_name].type).name]
    types = {
        "planYearId": ["PlanYear"],
        "employerId": ["Employer"],
        "benefitProductId": ["BenefitProduct"],
        "subjectId": ["Enrollment", "Employee", "Plan"],
    }
    return types[argument]


def _pick_id(builder: OperationBuilder, type_names: Sequence[str]) -> Any:
    if builder.may_be_invalid and builder.chance(12):
        return builder.pick(INVALID_IDS)
    is_wrong_type = builder.chance(20 if len(type_names) > 1 else 8) if builder.may_be_invalid else False
    type_name = builder.pick(list(TABLES) if is_wrong_type or not type_names else type_names)
    all_keys = builder.dataset.visible_keys[Role.ADMINISTRATOR]
    keys = builder.visible_keys
    if builder.chance(15):
        keys = builder.pick([all_keys, builder.visible_keys, builder.dataset.other_tenant])
    return builder.pick(keys.ids[type_name] or all_keys.ids[type_name])


def pick_cursor(builder: OperationBuilder, list_order: ListOrder) -> str:
    if builder.may_be_invalid and builder.chance(15):
        return builder.pick((*INVALID_CURSORS, *builder.pick(list(builder.dataset.cursors.values()))))
    return builder.pick(("", *builder.dataset.cursors.get(list_order, ())))


# ------------------------------------------------------------------------------------------------- literal or variable

BOOLEAN = GraphQLNonNull(GraphQLBoolean)


def render_value(builder: OperationBuilder, input_type: GraphQLInputType, value: Any, *, is_optional: bool) -> str:
    """Render a value as a literal, as a variable, or as a literal with variables in it.

    Where the value `is_optional`, its variable may be omitted from the request.
    """
    if builder.chance(25):
        return _define_variable(builder, input_type, value, is_optional=is_optional)
    nullable: Any = get_nullable_type(input_type)
    if value is None or is_leaf_type(nullable):
        return _render_literal(input_type, value)
    if is_list_type(nullable):
        if len(value) == 1 and value[0] is not None and builder.chance(20):  # a single value is coerced to a list
            return _render_literal(nullable.of_type, value[0])
        items = (render_value(builder, nullable.of_type, item, is_optional=False) for item in value)
        return f"[{', '.join(items)}]"
    if nullable.is_one_of:  # a variable within it must be non-null
        return _render_literal(input_type, value)
    fields = (
        f"{name}: {render_value(builder, nullable.fields[name].type, item, is_optional=False)}"
        for name, item in value.items()
    )
    return f"{{{', '.join(fields)}}}"


def _define_variable(builder: OperationBuilder, input_type: GraphQLInputType, value: Any, *, is_optional: bool) -> str:
    """Define a variable for a value that comes from the request or is the default, or is omitted."""
    name = builder.new_name("v")
    type_text = str(input_type)
    builder.variable_types[name] = input_type
    if not is_non_null_type(input_type) and value is not None and builder.chance(30):
        type_text += "!"
    if value is not None and builder.chance(20):
        if builder.chance(30):  # a nullable variable with a default is allowed in a non-null position
            type_text = type_text.removesuffix("!")
        builder.variable_definitions.append(f"${name}: {type_text} = {_render_literal(input_type, value)}")
        if builder.chance(30):
            builder.variables[name] = value
        return f"${name}"
    builder.variable_definitions.append(f"${name}: {type_text}")
    if type_text.endswith("!") or not (is_optional and builder.chance(5)):
        builder.variables[name] = value
    return f"${name}"


def change_variables(builder: OperationBuilder, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return other values for the variables. If the operation may be invalid, one of them sometimes is."""
    types = builder.variable_types
    changed = {name: _change_value(builder, types[name], value) for name, value in variables.items() if name in types}
    if changed and builder.may_be_invalid and builder.chance(15):
        changed[builder.pick(list(changed))] = builder.pick(INVALID_VARIABLE_VALUES)
    return changed


def _change_value(builder: OperationBuilder, input_type: GraphQLInputType, value: Any) -> Any:
    nullable: Any = get_nullable_type(input_type)
    if is_list_type(nullable) and isinstance(value, list):
        return [_change_value(builder, nullable.of_type, item) for item in reversed(value)]
    if is_input_object_type(nullable) and value is not None:
        return {name: _change_value(builder, nullable.fields[name].type, item) for name, item in value.items()}
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return builder.pick(PAGE_SIZES)
    if is_enum_type(nullable) and value is not None:
        return builder.pick(list(nullable.values))
    return builder.pick(next((ids for ids in builder.visible_keys.ids.values() if value in ids), [value]))


def _render_literal(input_type: GraphQLInputType, value: Any) -> str:
    nullable: Any = get_nullable_type(input_type)
    if value is None:
        return "null"
    if is_list_type(nullable):
        return f"[{', '.join(_render_literal(nullable.of_type, item) for item in value)}]"
    if is_input_object_type(nullable):
        fields = (f"{name}: {_render_literal(nullable.fields[name].type, item)}" for name, item in value.items())
        return f"{{{', '.join(fields)}}}"
    return str(value) if is_enum_type(nullable) else json.dumps(value, ensure_ascii=False)
