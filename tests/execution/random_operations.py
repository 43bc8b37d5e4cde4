"""Operations at random: whatever the graph of the library allows, with aliases, fragments, conditions and variables."""

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
from library import GRAPH

Kind = GraphQLObjectType | GraphQLInterfaceType

MOST_WITHIN = 2
#: These lie no deeper than what they belong to.
PAGES = {"Authors", "AuthorEdge", "Books", "BookEdge", "PageInfo"}
PRESENT = ("a1", "a2", "a3", "b1", "b2", "b4", "b7", "p1", "p2", "s1", "s2", "s3")
ABSENT = ("a9", "b9", "")
IDS = tuple(f'"{id}"' for id in (*PRESENT, *ABSENT, "x1"))
#: What may stand for an argument.
VALUES: dict[str, Sequence[str]] = {
    "first": ("null", "-1", "0", "1", "2", "40"),
    "after": ("null", '"Emma/b2"', '"Anne Carson/a3"', '"/"', '"Z/"', '"no place"'),
    "which": ("null", "{}", "{since: null}", "{genres: [NOVEL, POEMS], since: 1816}", "{genres: STORIES}"),
    "at": ('"here"', "null", '"there"'),
    "id": IDS,
    "ids": ("[]", '["a1", "b2", "b2", "s1"]', '["p1"]', '["s1", "b9", "a2"]', '["b4", "", "x1"]'),
}


@dataclass(frozen=True, slots=True)
class Taste:
    """What is asked for rather than something else."""

    #: Fields that are left out.
    without: Collection[str]
    #: In how many of a hundred cases what leads on is asked for, where something does.
    onwards: int = 0
    #: How many of the operation's own fields, at least.
    least: int = 1
    deepest: int = 3
    #: When so many fields are written, each that has begun is ended with as few as may be.
    enough: int = 12
    values: Mapping[str, Sequence[str]] = field(default_factory=lambda: VALUES)


#: Whatever a plan is made for.
ANYTHING = Taste({"weight"})
#: What can be written: of objects with anything else nothing is.
WRITTEN = Taste(
    without={"weight", "initials", "keywords", "cover", "size", "chapters", "stock", "loans", "copies"}
    | {"book", "entry", "certainEntry", "entries", "certainEntries", "visitor", "host"},
    onwards=80,
    least=3,
    deepest=5,
    enough=30,
    values=VALUES | {"first": ("40", "2", "1", "null", "-1")},
)


@dataclass(slots=True)
class Writing:
    """One text as it is written."""

    draw: st.DrawFn
    taste: Taste
    variables: dict[str, Any] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    #: By the type that each is on.
    fragments: list[tuple[str, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    names: int = 0
    fields: int = 0
    #: In how many fragments that are not done yet.
    within: int = 0

    def chance(self, percent: int) -> bool:
        return self.draw(st.integers(0, 99)) >= 100 - percent  # the simplest is none

    def pick(self, among: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(among))

    def name(self, letter: str) -> str:
        self.names += 1
        return f"{letter}{self.names}"


@st.composite
def operations(draw: st.DrawFn, taste: Taste) -> tuple[str, dict[str, Any]]:
    """Draw the text of a query, and its variables."""
    w = Writing(draw, taste)
    assert GRAPH.query_type is not None
    selected = _selected(w, GRAPH.query_type, taste.deepest, taste.least)
    head = f"query ({', '.join(w.declared)}) " if w.declared else ""
    return "\n".join([f"{head}{selected}", *w.texts]), w.variables


def _selected(w: Writing, kind: Kind, room: int, least: int = 1) -> str:
    parts = [_part(w, kind, room) for _ in range(least)]
    while len(parts) < w.taste.enough - w.fields and w.chance(60):
        parts.append(_part(w, kind, room))
    return f"{{ {' '.join(parts)} }}"


def _part(w: Writing, kind: Kind, room: int) -> str:
    if w.within < MOST_WITHIN and w.fields < w.taste.enough and w.chance(25):
        w.within += 1
        written = _fragment(w, kind, room)
        w.within -= 1
        return written
    names = [
        name
        for name, each in kind.fields.items()
        if name not in w.taste.without and (_has_room(w, kind, room) or _is_leaf(each))
    ]
    if not names or w.chance(8):
        return f"{w.name('t')}: __typename{_directive(w)}"
    if onwards := [name for name in names if not _is_leaf(kind.fields[name])]:
        names = onwards if w.chance(w.taste.onwards) else names
    return _field(w, kind, w.pick(names), room)


def _has_room(w: Writing, kind: Kind, room: int) -> bool:
    return room > 0 and (w.fields < w.taste.enough or kind is GRAPH.query_type)


def _is_leaf(field: GraphQLField) -> bool:
    return is_leaf_type(get_named_type(field.type))


def _field(w: Writing, kind: Kind, name: str, room: int) -> str:
    """Write a field, where it has arguments under a name that no other has; now and then twice, to become one."""
    w.fields += 1
    declared = kind.fields[name]
    arguments = _arguments(w, declared)
    # A page whose rows are asked for under two names is none that can be written.
    renamed = w.chance(5 if kind.name in PAGES else 30)
    head = f"{w.name('f')}: {name}{arguments}" if arguments or renamed else name
    if _is_leaf(declared):
        return f"{head}{_directive(w)}"
    beneath: Any = get_named_type(declared.type)
    left = room - (beneath.name not in PAGES)
    times = 2 if w.chance(15) else 1
    return " ".join(f"{head}{_directive(w)} {_selected(w, beneath, left)}" for _ in range(times))


def _fragment(w: Writing, kind: Kind, room: int) -> str:
    fitting = [kind.name, *(each.name for each in kind.interfaces)]
    if isinstance(kind, GraphQLInterfaceType):
        fitting += [each.name for each in GRAPH.get_possible_types(kind)]
    known = [name for name, on in w.fragments if on in fitting]
    if known and w.chance(30):
        return f"...{w.pick(known)}{_directive(w)}"
    on = w.pick(fitting)
    beneath: Any = GRAPH.get_type(on)
    if w.chance(50):
        condition = "" if on == kind.name and w.chance(30) else f" on {on}"
        return f"...{condition}{_directive(w)} {_selected(w, beneath, room)}"
    selected = _selected(w, beneath, room)
    name = w.name("F")
    w.fragments.append((name, on))
    w.texts.append(f"fragment {name} on {on} {selected}")
    return f"...{name}{_directive(w)}"


def _directive(w: Writing) -> str:
    if not w.chance(15):
        return ""
    value = w.pick(("true", "false"))
    if w.chance(50):
        value = _variable(w, "Boolean!", value)
    return f" @{w.pick(('skip', 'include'))}(if: {value})"


def _arguments(w: Writing, declared: GraphQLField) -> str:
    written = [
        f"{name}: {_value(w, name, str(argument.type))}"
        for name, argument in declared.args.items()
        if is_required_argument(argument) or w.chance(35)
    ]
    return f"({', '.join(written)})" if written else ""


def _value(w: Writing, name: str, kind: str) -> str:
    if name == "which" and w.chance(30):
        return f"{{genres: [NOVEL, {_variable(w, 'Genre', 'POEMS')}], since: {_variable(w, 'Int', '1816')}}}"
    value: str = w.pick(w.taste.values[name])
    return _variable(w, kind, value) if w.chance(40) else value


def _variable(w: Writing, kind: str, value: str) -> str:
    """Declare a variable for a value: given, or its default, or where that may be, none at all."""
    name = w.name("v")
    default = ""
    if value != "null" and w.chance(25):
        default = f" = {value}"
    if not default and (kind.endswith("!") or w.chance(80)):
        w.variables[name] = value_from_ast_untyped(parse_value(value))
    w.declared.append(f"${name}: {kind}{default}")
    return f"${name}"
