"""What stands in generated operations: arguments that name what is there (mostly), written out or as variables."""

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
QUERY = GRAPHQL_SCHEMA.query_type
#: What finds a thing by its id, whatever it is; asked for more than others, as it leads to so many types.
NODES = ("node", "nodes")
SIZES = (1, 2, 3, 0, 5, 10, 20, 50, 100)
STRANGERS = ("NOBODY", "", "TOO LONG A NUMBER")
WRONG_IDS = ("", "nothing", "empl_", "empl_01j659cve0e0080m4xhppefpaH", 7, "\0", "Ünïcödé")
WRONG_VALUES = ("x", 7.5, {"a": 1}, [None], True, None)
CURSORS = ("WyJFbXBsb3llZS5MQVNUX05BTUUiXQ", "!", "é", "bm9uZQ")
YEARS = (2026, 2027, 2025, 2024, 1900, 2199)
WRONG_YEARS = (0, 2200)
DAYS = ("2026-11-20", "2027-01-01", "2020-02-29", "2026-11-20T00:00:00Z")
TEXTS = ("", "a", "o'", "%", "_\\", "“", '"', "\n", "A" * 201)

#: For each type's field that leads on, what may be asked of it.
Questions = Mapping[tuple[str, str], st.SearchStrategy[FieldNode]]
_percent = st.integers(0, 99)


class Asked(NamedTuple):
    """Of which field an argument is, of which types in particular, and by which names from outside."""

    field: str
    kinds: Sequence[str]
    named: Mapping[str, Any]


class Fragment(NamedTuple):
    """A named fragment, and what there was room for where it was written."""

    name: str
    kind: str
    names: frozenset[str]
    room: int
    text: str


@dataclass(slots=True)
class Writing:
    """An operation as it is being written. Only a `daring` one asks for what can't be."""

    draw: st.DrawFn
    dataset: AllTypesDataset
    visible_keys: VisibleKeys
    questions: Questions
    #: The arguments of fields for which nothing else will do.
    settled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    daring: bool = False
    depth: int = 0
    variables: dict[str, Any] = field(default_factory=dict)
    #: Of what types they are.
    kinds: dict[str, GraphQLInputType] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    fragments: list[Fragment] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    def chance(self, percent: int) -> bool:
        """Whether to do something unusual; never, where an example is made smaller."""
        return self.draw(_percent) >= 100 - percent

    def pick(self, among: Sequence[T]) -> T:
        return among[self.draw(st.integers(0, len(among) - 1))]

    def name(self, prefix: str) -> str:
        return f"{prefix}{next(self.numbers)}"


# ---------------------------------------------------------------------------------------------------- what is named


def kinds_in(node: FieldNode) -> list[str]:
    """List the types that a field asks for in particular."""
    selections = node.selection_set.selections if node.selection_set else ()
    conditions = (each.type_condition for each in selections if isinstance(each, InlineFragmentNode))
    return [condition.name.value for condition in conditions if condition]


def naming(w: Writing, of: str) -> Mapping[str, Any]:
    """Choose what is asked for by what the world outside calls it; now and then in part by another's name."""
    visible_keys = w.dataset.visible_keys[Role.ADMINISTRATOR] if w.chance(15) else w.visible_keys
    if of == "subscriber":
        return {"subscriberId": w.pick(STRANGERS) if w.chance(10) else w.pick(visible_keys.subscriber_ids)}
    if of in {"groupContract", "subscriberEnrollment"}:
        names = visible_keys.contract_keys if of == "groupContract" else visible_keys.coverage_keys
        return dict(w.pick(names)) | ({"divisionId": "D1"} if w.chance(10) else {})
    return w.settled.get(of, {})


def filled(w: Writing, asked: Asked, name: str, kind: GraphQLInputType, drawn: Any) -> Any:
    """Give the JSON of an argument, as it was drawn, but with sense in it."""
    if name in asked.named:
        return asked.named[name]
    bare = get_nullable_type(kind)
    value = value_from_ast_untyped(drawn)
    if value is None or is_enum_type(bare):
        return value
    if is_list_type(bare):
        return [filled(w, asked, name, bare.of_type, each) for each in drawn.values]
    if is_input_object_type(bare):
        return {
            each.name.value: filled(w, asked, each.name.value, bare.fields[each.name.value].type, each.value)
            for each in drawn.fields
        }
    return _scalar(w, asked, name, get_named_type(kind).name, value)


def _scalar(w: Writing, asked: Asked, name: str, kind: str, drawn: Any) -> Any:
    if kind == "ID":
        return _id(w, meant(asked.field, name, asked.kinds))
    if kind == "Int":
        return w.pick(WRONG_YEARS if w.daring and w.chance(15) else YEARS)
    if kind == "Date":
        return w.pick(DAYS)
    if kind == "String":
        return w.pick(w.visible_keys.external_ids or TEXTS) if name == "externalId" and w.chance(70) else _words(w)
    return drawn


def _words(w: Writing) -> str:
    if w.chance(20):
        return w.pick(TEXTS if w.daring else TEXTS[:-1])
    word = w.pick(w.visible_keys.names)
    return word[: w.draw(st.integers(1, len(word)))]


def meant(of: str, name: str, kinds: Sequence[str] = ()) -> Sequence[str]:
    """Tell of which types an id in an argument may be; of none in particular, where it may be any."""
    if name in {"id", "ids"}:
        return kinds if of in NODES else [get_named_type(QUERY.fields[of].type).name]
    return [{"planYearId": "PlanYear", "employerId": "Employer"}[name]]


def _id(w: Writing, kinds: Sequence[str]) -> Any:
    if w.daring and w.chance(12):
        return w.pick(WRONG_IDS)
    strange = w.chance(20 if len(kinds) > 1 else 8) if w.daring else False
    kind = w.pick(list(TABLES) if strange or not kinds else kinds)
    everybodys = w.dataset.visible_keys[Role.ADMINISTRATOR]
    pool = w.pick([everybodys, w.visible_keys, w.dataset.other_tenant]) if w.chance(15) else w.visible_keys
    return w.pick(pool.ids[kind] or everybodys.ids[kind])


def cursor_of(w: Writing, place: ListOrder) -> str:
    if w.daring and w.chance(30):
        return w.pick((*CURSORS, *w.pick(list(w.dataset.cursors.values()))))
    return w.pick(("", *w.dataset.cursors.get(place, ())))


# ------------------------------------------------------------------------------------------------ literal or variable

BOOLEAN = GraphQLNonNull(GraphQLBoolean)


def write_value(w: Writing, kind: GraphQLInputType, value: Any, *, optional: bool) -> str:
    """Write a value out, or parts of it, or leave it to a variable; `optional` where it may be left out."""
    if w.chance(25):
        return _variable(w, kind, value, optional=optional)
    bare: Any = get_nullable_type(kind)
    if value is None or is_leaf_type(bare):
        return _literal(kind, value)
    if is_list_type(bare):
        if len(value) == 1 and value[0] is not None and w.chance(20):  # one stands for a list of one
            return _literal(bare.of_type, value[0])
        return f"[{', '.join(write_value(w, bare.of_type, each, optional=False) for each in value)}]"
    fields = bare.fields
    written = (f"{name}: {write_value(w, fields[name].type, each, optional=False)}" for name, each in value.items())
    return f"{{{', '.join(written)}}}"


def _variable(w: Writing, kind: GraphQLInputType, value: Any, *, optional: bool) -> str:
    """Declare a variable for a value: given, or its default, or where that may be, none at all."""
    name = w.name("v")
    shown = str(kind)
    w.kinds[name] = kind
    if not is_non_null_type(kind) and value is not None and w.chance(30):
        shown += "!"
    if value is not None and w.chance(20):
        if w.chance(30):  # with a default, it may stand where null may not
            shown = shown.removesuffix("!")
        w.declared.append(f"${name}: {shown} = {_literal(kind, value)}")
        if w.chance(30):
            w.variables[name] = value
        return f"${name}"
    w.declared.append(f"${name}: {shown}")
    if shown.endswith("!") or not (optional and w.chance(5)):
        w.variables[name] = value
    return f"${name}"


def other_variables(w: Writing, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Change what was given; in a daring operation, now and then to what it can't be."""
    others = {name: _otherwise(w, w.kinds[name], value) for name, value in variables.items() if name in w.kinds}
    if others and w.daring and w.chance(15):
        others[w.pick(list(others))] = w.pick(WRONG_VALUES)
    return others


def _otherwise(w: Writing, kind: GraphQLInputType, value: Any) -> Any:
    bare: Any = get_nullable_type(kind)
    if is_list_type(bare) and isinstance(value, list):
        return [_otherwise(w, bare.of_type, each) for each in reversed(value)]
    if is_input_object_type(bare) and value is not None:
        return {name: _otherwise(w, bare.fields[name].type, each) for name, each in value.items()}
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return w.pick(SIZES)
    if is_enum_type(bare) and value is not None:
        return w.pick(list(bare.values))
    return w.pick(next((ids for ids in w.visible_keys.ids.values() if value in ids), [value]))


def _literal(kind: GraphQLInputType, value: Any) -> str:
    bare: Any = get_nullable_type(kind)
    if value is None:
        return "null"
    if is_list_type(bare):
        return f"[{', '.join(_literal(bare.of_type, each) for each in value)}]"
    if is_input_object_type(bare):
        fields = (f"{name}: {_literal(bare.fields[name].type, each)}" for name, each in value.items())
        return f"{{{', '.join(fields)}}}"
    return str(value) if is_enum_type(bare) else json.dumps(value, ensure_ascii=False)
