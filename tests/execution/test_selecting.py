"""SelectionContext: which fields an operation asks of an object."""

from collections import Counter
from collections.abc import Mapping

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
)
from librarian import answer
from library import GRAPH, library

from benegraph.execution import UnsupportedOperation, directive_variables
from benegraph.execution.compile.selection import (
    SelectedFields,
    SelectionContext,
    child_selection_sets,
    iter_selections,
)


def parsed(text: str) -> tuple[OperationDefinitionNode, Mapping[str, FragmentDefinitionNode]]:
    document = parse(text)
    operation = get_operation_ast(document)
    assert operation is not None
    return operation, {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }


def selecting(text: str, conditions: Mapping[str, bool | None] | None) -> tuple[SelectionContext, SelectedFields]:
    """Select what an operation's own field, the first, asks of a book; its text need not be valid."""
    operation, fragments = parsed(text)
    first = operation.selection_set.selections[0]
    assert isinstance(first, FieldNode)
    found = SelectionContext(GRAPH, fragments, conditions)
    return found, found.collect_fields(kind("Book"), child_selection_sets([first]))


def kind(name: str) -> GraphQLObjectType:
    found = GRAPH.get_type(name)
    assert isinstance(found, GraphQLObjectType)
    return found


def names(text: str, **conditions: bool | None) -> list[str]:
    """Tell the fields by the names they answer to: `alias: name`, and how many nodes ask for one of several."""
    _, fields = selecting(text, conditions)
    told = []
    for name, nodes in fields.items():
        (field,) = {node.name.value for node in nodes}
        shown = name if name == field else f"{name}: {field}"
        told.append(shown if len(nodes) == 1 else f"{shown} x{len(nodes)}")
    return told


# ------------------------------------------------------------------------------------------------- names and fragments


@pytest.mark.parametrize(
    ("selected", "told"),
    [
        ("name year id", ["name", "year", "id"]),
        ("called: name name also: name", ["called: name", "name", "also: name"]),
        ("year name year", ["year x2", "name"]),
        ("id: name name: id", ["id: name", "name: id"]),
        ("__typename kind: __typename", ["__typename", "kind: __typename"]),
        ("id ... { name ... { year } } genre", ["id", "name", "year", "genre"]),
        ("... on Book { name }", ["name"]),
        ("... on Entry { name }", ["name"]),
        ("... on Author { born } id", ["id"]),
        ("... on Entry { ... on Author { born } ... on Book { year } }", ["year"]),
        ("...One name", ["year", "name"]),
        ("name ...One ...One year", ["name", "year x2"]),
        ("...Two", ["id", "year", "genre"]),
        ("...Two ...One", ["id", "year", "genre"]),
        ("...One ...Two", ["year", "id", "genre"]),
        ("...OfEntry", ["name", "year"]),
        ("...OfAuthor id", ["id"]),
        ("name ...One @skip(if: true) ...One", ["name", "year"]),
        ("...OfAuthor ... on Author { ...One } ...One", ["year"]),
    ],
)
def test_fields_stand_in_the_order_in_which_they_are_first_asked_for(selected: str, told: list[str]) -> None:
    fragments = """
    fragment One on Book { year }
    fragment Two on Book { id ...One genre }
    fragment OfEntry on Entry { name ... on Book { ...One } ... on Author { born } }
    fragment OfAuthor on Author { initials ...OfAuthorToo }
    fragment OfAuthorToo on Author { born }
    """
    assert names(f'{{ book(id: "b1") {{ {selected} }} }} {fragments}') == told


def test_what_several_nodes_ask_for_beneath_one_name_is_gathered() -> None:
    found, fields = selecting(
        """
        { book(id: "b1") { author { name } ...More by: author { id } author { name mentor { born } } } }
        fragment More on Book { author { born mentor { name } } }
        """,
        {},
    )
    assert list(fields) == ["author", "by"]
    assert [len(nodes) for nodes in fields.values()] == [3, 1]
    beneath = found.collect_fields(kind("Author"), child_selection_sets(fields["author"]))
    assert [(name, len(nodes)) for name, nodes in beneath.items()] == [("name", 2), ("born", 1), ("mentor", 2)]
    mentors = found.collect_fields(kind("Author"), child_selection_sets(beneath["mentor"]))
    assert list(mentors) == ["name", "born"]
    assert child_selection_sets(beneath["name"]) == []


async def test_a_merged_selection_is_answered_whole() -> None:
    text = """
    {
      book(id: "b2") { author { name } ...More by: author { id } cover { text } }
      book(id: "b2") { cover { line } author { works(first: 1) { nodes { id } } } }
    }
    fragment More on Book { author { born works(first: 1) { pageInfo { hasNextPage } nodes { name } } } }
    """
    works = {"pageInfo": {"hasNextPage": True}, "nodes": [{"name": "Emma", "id": "b2"}]}
    assert await answer(library(), text) == {
        "book": {
            "author": {"name": "Jane Austen", "born": 1775, "works": works},
            "by": {"id": "a1"},
            "cover": {"text": "Emma", "line": "A Novel"},
        }
    }


async def test_a_fragment_on_an_interface_is_answered_by_each_type_in_its_own_way() -> None:
    text = """
    { entries(ids: ["a1", "b1", "p1", "s2"]) { ...Named ... on Book { author { ...Named } } ... on Author { born } } }
    fragment Named on Entry { kind: __typename name ... on Author { initials } ... on Shelf { content { id } } }
    """
    assert await answer(library(), text) == {
        "entries": [
            {"kind": "Author", "name": "Jane Austen", "initials": "JA", "born": 1775},
            {
                "kind": "Book",
                "name": "Persuasion",
                "author": {"kind": "Author", "name": "Jane Austen", "initials": "JA"},
            },
            {"kind": "Publisher", "name": "John Murray"},
            {"kind": "Shelf", "name": "In the cellar", "content": []},
        ]
    }


# ---------------------------------------------------------------------------------------------------- skip and include


@pytest.mark.parametrize(
    ("directives", "is_included"),
    [
        ("", True),
        ("@skip(if: true)", False),
        ("@skip(if: false)", True),
        ("@include(if: true)", True),
        ("@include(if: false)", False),
        ("@skip(if: true) @include(if: true)", False),
        ("@include(if: true) @skip(if: true)", False),
        ("@skip(if: false) @include(if: false)", False),
        ("@skip(if: false) @include(if: true)", True),
        ("@skip(if: $yes)", False),
        ("@skip(if: $no)", True),
        ("@include(if: $yes)", True),
        ("@include(if: $no)", False),
        ("@skip(if: $no) @include(if: $yes)", True),
        ("@skip(if: $yes) @include(if: true)", False),
    ],
)
def test_what_is_left_out(directives: str, is_included: bool) -> None:
    name = ["name"] if is_included else []
    for selected in (f"name {directives}", f"... {directives} {{ name }}", f"...Name {directives}"):
        text = f'{{ book(id: "b1") {{ {selected} id }} }} fragment Name on Book {{ name }}'
        assert names(text, yes=True, no=False) == [*name, "id"]


@pytest.mark.parametrize(
    ("directives", "is_included"),
    [
        ("@skip(if: $any)", True),
        ("@include(if: $any)", True),
        ("@skip(if: $any) @include(if: $any)", True),
        ("@skip(if: $any) @include(if: true)", True),
        ("@skip(if: $any) @include(if: false)", False),
        ("@include(if: $any) @skip(if: false)", True),
        ("@include(if: $any) @skip(if: true)", False),
        ("@skip(if: true) @include(if: $any)", False),
    ],
)
def test_without_values_what_a_variable_decides_counts_as_there(directives: str, is_included: bool) -> None:
    name = ["name"] if is_included else []
    for selected in (f"name {directives}", f"... {directives} {{ name }}", f"...Name {directives}"):
        text = f'{{ book(id: "b1") {{ {selected} id }} }} fragment Name on Book {{ name }}'
        _, fields = selecting(text, None)
        assert list(fields) == [*name, "id"]


def test_of_several_nodes_one_may_be_left_out() -> None:
    text = '{ book(id: "b1") { author @skip(if: true) { id } author { name } } }'
    found, fields = selecting(text, {})
    assert list(found.collect_fields(kind("Author"), child_selection_sets(fields["author"]))) == ["name"]


@pytest.mark.parametrize("directive", ["@loud", "@defer", "@loud @skip(if: true)"])
def test_a_directive_that_says_something_else_is_not_covered(directive: str) -> None:
    with pytest.raises(UnsupportedOperation) as raised:
        names(f'{{ book(id: "b1") {{ ... {directive} {{ name }} }} }}')
    assert raised.value.reason == "directive"


@pytest.mark.parametrize(
    ("conditions", "data"),
    [
        ({"yes": True}, {"name": "Persuasion", "author": {"id": "a1"}}),
        ({"yes": False}, {"cover": {}}),
    ],
)
async def test_a_variable_decides_what_is_answered(conditions: Mapping[str, bool], data: Mapping[str, object]) -> None:
    text = """
    query ($yes: Boolean!) {
      book(id: "b1") { ...If @include(if: $yes) cover @skip(if: $yes) { text @include(if: $yes) } }
    }
    fragment If on Book { name author { id born @skip(if: $yes) } }
    """
    assert await answer(library(), text, conditions) == {"book": data}


# --------------------------------------------------------------------------------------------------------- conditions


@pytest.mark.parametrize(
    ("selected", "told"),
    [
        ("name", ()),
        ("name @skip(if: true)", ()),
        ("name @skip(if: $b) id @include(if: $a) year @skip(if: $b)", ("a", "b")),
        ("author { mentor { name @skip(if: $deep) } }", ("deep",)),
        ("... @include(if: $inline) { name }", ("inline",)),
        ("... on Author { name @skip(if: $unfit) }", ("unfit",)),
        ("...Outer", ("inner", "outer")),
        ("...Outer @skip(if: $spread)", ("inner", "outer", "spread")),
        ("...Outer ...Outer @skip(if: $again)", ("again", "inner", "outer")),
        ("name @skip(if: true) @include(if: $both)", ("both",)),
        ("author @skip(if: true) { name @skip(if: $unseen) }", ("unseen",)),
        ("name @noted(by: $hand)", ("hand",)),
        ("author(of: $value) { name }", ()),
    ],
)
def test_conditions_are_the_variables_that_decide_what_is_left_out(selected: str, told: tuple[str, ...]) -> None:
    operation, fragments = parsed(
        f"""
        {{ book(id: $id) {{ {selected} }} }}
        fragment Outer on Book {{ name @skip(if: $outer) ...Inner }}
        fragment Inner on Book {{ author {{ id @include(if: $inner) }} }}
        fragment Unused on Book {{ name @skip(if: $unused) }}
        """
    )
    assert directive_variables(operation, fragments) == told


def test_all_that_is_selected_is_given_at_any_depth_what_a_fragment_holds_once() -> None:
    operation, fragments = parsed(
        """
        { book(id: "b1") { id @skip(if: true) ...Two ... { ...One author { born } } ...Two } }
        fragment One on Book { year author { mentor { initials } } }
        fragment Two on Book { name ... on Author { ...One } }
        fragment Unused on Book { genre }
        """
    )
    found = list(iter_selections(operation, fragments))
    told = ["author", "author", "book", "born", "id", "initials", "mentor", "name", "year"]
    assert sorted(node.name.value for node in found if isinstance(node, FieldNode)) == told
    spread = sorted(node.name.value for node in found if isinstance(node, FragmentSpreadNode))
    assert spread == ["One", "One", "Two", "Two"]
    assert sum(isinstance(node, InlineFragmentNode) for node in found) == 2


class Counting(dict[str, FragmentDefinitionNode]):
    """Fragments that count how often each is looked at."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        super().__init__(fragments)
        self.times: Counter[str] = Counter()

    def __getitem__(self, name: str) -> FragmentDefinitionNode:
        self.times[name] += 1
        return super().__getitem__(name)


def test_a_fragment_that_is_spread_many_times_is_looked_at_once() -> None:
    """Of fragments that each spread the next one twice, the last would be looked at more often than there is time."""
    spreading = " ".join(f"fragment F{n} on Book {{ ...F{n + 1} ... {{ ...F{n + 1} }} }}" for n in range(5))
    operation, found = parsed(
        f'{{ book(id: "b1") {{ ...F0 }} }} {spreading} fragment F5 on Book {{ name @skip(if: $last) }}'
    )
    fragments = Counting(found)
    assert directive_variables(operation, fragments) == ("last",)
    assert fragments.times == dict.fromkeys(found, 1)
    fields = SelectionContext(GRAPH, fragments, {"last": False}).collect_fields(
        kind("Book"), [found["F0"].selection_set]
    )
    assert [(name, len(nodes)) for name, nodes in fields.items()] == [("name", 1)]
    assert fragments.times == dict.fromkeys(found, 2) | {"F0": 1}


def test_what_is_neither_true_nor_false_nor_a_variable_is_not_covered() -> None:
    operation, fragments = parsed('{ book(id: "b1") { name @noted(by: "hand") } }')
    with pytest.raises(UnsupportedOperation) as raised:
        directive_variables(operation, fragments)
    assert raised.value.reason == "directive"
