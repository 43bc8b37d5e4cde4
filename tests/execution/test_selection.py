"""Selection sets: which fields are selected on an object, and which variables decide it."""

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
from library import SCHEMA, make_library
from library_executor import fetch_data

from benegraph.execution import UnsupportedOperation, directive_variables
from benegraph.execution.compile.selection import (
    SelectedFields,
    SelectionContext,
    child_selection_sets,
    iter_selections,
)


def parse_operation(query: str) -> tuple[OperationDefinitionNode, Mapping[str, FragmentDefinitionNode]]:
    document = parse(query)
    operation = get_operation_ast(document)
    assert operation is not None
    return operation, {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }


def collect_book_fields(
    query: str, condition_values: Mapping[str, bool | None] | None
) -> tuple[SelectionContext, SelectedFields]:
    """Collect the fields that an operation's first field selects on a book. The operation need not be valid."""
    operation, fragments = parse_operation(query)
    first = operation.selection_set.selections[0]
    assert isinstance(first, FieldNode)
    selection = SelectionContext(SCHEMA, fragments, condition_values)
    return selection, selection.collect_fields(object_type("Book"), child_selection_sets([first]))


def object_type(name: str) -> GraphQLObjectType:
    named_type = SCHEMA.get_type(name)
    assert isinstance(named_type, GraphQLObjectType)
    return named_type


def describe_fields(query: str, **condition_values: bool | None) -> list[str]:
    """Describe the selected fields in order, as `alias: name`, with the number of nodes where there are several."""
    _, fields = collect_book_fields(query, condition_values)
    descriptions = []
    for name, nodes in fields.items():
        (field,) = {node.name.value for node in nodes}
        description = name if name == field else f"{name}: {field}"
        descriptions.append(description if len(nodes) == 1 else f"{description} x{len(nodes)}")
    return descriptions


# ------------------------------------------------------------------------------------------------- names and fragments


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("name year id", ["name", "year", "id"]),
        ("alias: name name also: name", ["alias: name", "name", "also: name"]),
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
def test_fields_are_in_the_order_of_their_first_selection(fields: str, expected: list[str]) -> None:
    fragments = """
    fragment One on Book { year }
    fragment Two on Book { id ...One genre }
    fragment OfEntry on Entry { name ... on Book { ...One } ... on Author { born } }
    fragment OfAuthor on Author { initials ...OfAuthorToo }
    fragment OfAuthorToo on Author { born }
    """
    assert describe_fields(f'{{ book(id: "b1") {{ {fields} }} }} {fragments}') == expected


def test_selection_sets_of_all_nodes_of_a_field_are_collected() -> None:
    selection, fields = collect_book_fields(
        """
        { book(id: "b1") { author { name } ...More by: author { id } author { name mentor { born } } } }
        fragment More on Book { author { born mentor { name } } }
        """,
        {},
    )
    assert list(fields) == ["author", "by"]
    assert [len(nodes) for nodes in fields.values()] == [3, 1]
    author_fields = selection.collect_fields(object_type("Author"), child_selection_sets(fields["author"]))
    assert [(name, len(nodes)) for name, nodes in author_fields.items()] == [("name", 2), ("born", 1), ("mentor", 2)]
    mentor_fields = selection.collect_fields(object_type("Author"), child_selection_sets(author_fields["mentor"]))
    assert list(mentor_fields) == ["name", "born"]
    assert child_selection_sets(author_fields["name"]) == []


async def test_merged_selections_are_executed() -> None:
    query = """
    {
      book(id: "b2") { author { name } ...More by: author { id } cover { title } }
      book(id: "b2") { cover { subtitle } author { works(first: 1) { nodes { id } } } }
    }
    fragment More on Book { author { born works(first: 1) { pageInfo { hasNextPage } nodes { name } } } }
    """
    works = {"pageInfo": {"hasNextPage": True}, "nodes": [{"name": "Emma", "id": "b2"}]}
    assert await fetch_data(make_library(), query) == {
        "book": {
            "author": {"name": "Jane Austen", "born": 1775, "works": works},
            "by": {"id": "a1"},
            "cover": {"title": "Emma", "subtitle": "A Novel"},
        }
    }


async def test_fragment_on_an_interface_applies_to_each_type() -> None:
    query = """
    { entries(ids: ["a1", "b1", "p1", "s2"]) { ...Named ... on Book { author { ...Named } } ... on Author { born } } }
    fragment Named on Entry { kind: __typename name ... on Author { initials } ... on Shelf { content { id } } }
    """
    assert await fetch_data(make_library(), query) == {
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
        ("@skip(if: $true)", False),
        ("@skip(if: $false)", True),
        ("@include(if: $true)", True),
        ("@include(if: $false)", False),
        ("@skip(if: $false) @include(if: $true)", True),
        ("@skip(if: $true) @include(if: true)", False),
    ],
)
def test_skip_and_include_decide_whether_a_selection_is_included(directives: str, is_included: bool) -> None:
    name = ["name"] if is_included else []
    for selection in (f"name {directives}", f"... {directives} {{ name }}", f"...Name {directives}"):
        query = f'{{ book(id: "b1") {{ {selection} id }} }} fragment Name on Book {{ name }}'
        assert describe_fields(query, true=True, false=False) == [*name, "id"]


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
def test_without_condition_values_variables_include_the_selection(directives: str, is_included: bool) -> None:
    name = ["name"] if is_included else []
    for selection in (f"name {directives}", f"... {directives} {{ name }}", f"...Name {directives}"):
        query = f'{{ book(id: "b1") {{ {selection} id }} }} fragment Name on Book {{ name }}'
        _, fields = collect_book_fields(query, None)
        assert list(fields) == [*name, "id"]


def test_one_of_several_nodes_may_be_skipped() -> None:
    query = '{ book(id: "b1") { author @skip(if: true) { id } author { name } } }'
    selection, fields = collect_book_fields(query, {})
    assert list(selection.collect_fields(object_type("Author"), child_selection_sets(fields["author"]))) == ["name"]


@pytest.mark.parametrize("directive", ["@other", "@defer", "@other @skip(if: true)"])
def test_other_directive_is_unsupported(directive: str) -> None:
    with pytest.raises(UnsupportedOperation) as raised:
        describe_fields(f'{{ book(id: "b1") {{ ... {directive} {{ name }} }} }}')
    assert raised.value.reason == "directive"


@pytest.mark.parametrize(
    ("variables", "data"),
    [
        ({"flag": True}, {"name": "Persuasion", "author": {"id": "a1"}}),
        ({"flag": False}, {"cover": {}}),
    ],
)
async def test_variable_decides_whether_fields_are_in_the_response(
    variables: Mapping[str, bool], data: Mapping[str, object]
) -> None:
    query = """
    query ($flag: Boolean!) {
      book(id: "b1") { ...Named @include(if: $flag) cover @skip(if: $flag) { title @include(if: $flag) } }
    }
    fragment Named on Book { name author { id born @skip(if: $flag) } }
    """
    assert await fetch_data(make_library(), query, variables) == {"book": data}


# --------------------------------------------------------------------------------------------- variables in directives


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("name", ()),
        ("name @skip(if: true)", ()),
        ("name @skip(if: $b) id @include(if: $a) year @skip(if: $b)", ("a", "b")),
        ("author { mentor { name @skip(if: $deep) } }", ("deep",)),
        ("... @include(if: $inline) { name }", ("inline",)),
        ("... on Author { name @skip(if: $other_type) }", ("other_type",)),
        ("...Outer", ("inner", "outer")),
        ("...Outer @skip(if: $spread)", ("inner", "outer", "spread")),
        ("...Outer ...Outer @skip(if: $again)", ("again", "inner", "outer")),
        ("name @skip(if: true) @include(if: $both)", ("both",)),
        ("author @skip(if: true) { name @skip(if: $below_skipped) }", ("below_skipped",)),
        ("name @labeled(text: $label)", ("label",)),
        ("author(of: $value) { name }", ()),
    ],
)
def test_directive_variables_are_found_at_any_depth(fields: str, expected: tuple[str, ...]) -> None:
    operation, fragments = parse_operation(
        f"""
        {{ book(id: $id) {{ {fields} }} }}
        fragment Outer on Book {{ name @skip(if: $outer) ...Inner }}
        fragment Inner on Book {{ author {{ id @include(if: $inner) }} }}
        fragment Unused on Book {{ name @skip(if: $unused) }}
        """
    )
    assert directive_variables(operation, fragments) == expected


def test_all_selections_are_iterated_with_each_fragment_once() -> None:
    operation, fragments = parse_operation(
        """
        { book(id: "b1") { id @skip(if: true) ...Two ... { ...One author { born } } ...Two } }
        fragment One on Book { year author { mentor { initials } } }
        fragment Two on Book { name ... on Author { ...One } }
        fragment Unused on Book { genre }
        """
    )
    selections = list(iter_selections(operation, fragments))
    expected = ["author", "author", "book", "born", "id", "initials", "mentor", "name", "year"]
    assert sorted(node.name.value for node in selections if isinstance(node, FieldNode)) == expected
    spread_names = sorted(node.name.value for node in selections if isinstance(node, FragmentSpreadNode))
    assert spread_names == ["One", "One", "Two", "Two"]
    assert sum(isinstance(node, InlineFragmentNode) for node in selections) == 2


class CountingFragments(dict[str, FragmentDefinitionNode]):
    """Fragments that count how often each is read."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        super().__init__(fragments)
        self.reads: Counter[str] = Counter()

    def __getitem__(self, name: str) -> FragmentDefinitionNode:
        self.reads[name] += 1
        return super().__getitem__(name)


def test_fragment_that_is_spread_many_times_is_read_once() -> None:
    """Each of these fragments spreads the next one twice, so reading them all would take exponential time."""
    spreads = " ".join(f"fragment F{n} on Book {{ ...F{n + 1} ... {{ ...F{n + 1} }} }}" for n in range(5))
    operation, definitions = parse_operation(
        f'{{ book(id: "b1") {{ ...F0 }} }} {spreads} fragment F5 on Book {{ name @skip(if: $last) }}'
    )
    fragments = CountingFragments(definitions)
    assert directive_variables(operation, fragments) == ("last",)
    assert fragments.reads == dict.fromkeys(definitions, 1)
    fields = SelectionContext(SCHEMA, fragments, {"last": False}).collect_fields(
        object_type("Book"), [definitions["F0"].selection_set]
    )
    assert [(name, len(nodes)) for name, nodes in fields.items()] == [("name", 1)]
    assert fragments.reads == dict.fromkeys(definitions, 2) | {"F0": 1}


def test_condition_that_is_neither_boolean_nor_variable_is_unsupported() -> None:
    operation, fragments = parse_operation('{ book(id: "b1") { name @labeled(text: "x") } }')
    with pytest.raises(UnsupportedOperation) as raised:
        directive_variables(operation, fragments)
    assert raised.value.reason == "directive"
