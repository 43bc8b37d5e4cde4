"""Failed fields and forbidden nulls become the same nulls and errors as with graphql-core's executor."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from executor_comparison import compare_data, compare_results, path_and_message
from graphql import GraphQLError, build_schema, print_schema
from library import SCHEMA, Card, Copy, Library, Visitor, make_library
from library_executor import LibraryExecutor

from benegraph.execution import UnsupportedOperation
from benegraph.execution.compile import thresholds
from benegraph.execution.run import execute

COUNT_ERROR = ValueError("The count failed.")
NULL_GENRE_MESSAGE = "Cannot return null for non-nullable field Book.genre."


@pytest.fixture(params=[0, thresholds.MAX_PARENTS_FOR_INLINE_ROWS], ids=["separate", "nested"])
def _inline_limit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read related rows by statements of their own, and nested in their parents' statement."""
    monkeypatch.setattr(thresholds, "MAX_PARENTS_FOR_INLINE_ROWS", request.param)


@dataclass(frozen=True)
class Case:
    """A query, the library that it is executed on, and its variables."""

    query: str
    #: Changes of rows, by table and ID.
    rows: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    visitor: Any = field(default_factory=Visitor)
    variables: Mapping[str, Any] = field(default_factory=dict)

    def make_library(self) -> Library:
        library = make_library(**self.rows)
        library.visitor = self.visitor
        for name, values in self.facts.items():
            getattr(library, name).update(values)
        return library


NULL_GENRE = {"books": {"b2": {"genre": None}}}
MISSING_PUBLISHER = {"books": {"b2": {"publisher_id": "p9"}}}
NULL_LOANS = {"loans": {"b2": None}}
FAILED_COUNTS = {"stock": {"b2": COUNT_ERROR, "b4": COUNT_ERROR}, "loans": {"b2": COUNT_ERROR}}

FAILURES = {
    "one of many objects": Case("{ books { nodes { id stock } } }", facts=FAILED_COUNTS),
    "two objects in nested lists": Case("{ authors { nodes { books { stock id } } } }", facts=FAILED_COUNTS),
    "objects in edges": Case("{ books { edges { cursor node { at: stock } } totalCount } }", facts=FAILED_COUNTS),
    "every object": Case('{ books { nodes { id stock(branch: "other") } } }'),
    "a non-null field": Case('{ a: book(id: "b2") { loans } b: book(id: "b1") { loans } }', facts=FAILED_COUNTS),
    "null for a non-null field": Case('{ book(id: "b2") { id loans } }', facts=NULL_LOANS),
    "a non-null field in a page": Case("{ books { nodes { loans } } visitor { name } }", facts=FAILED_COUNTS),
    "a non-null field in a nested page": Case(
        '{ entry(id: "p1") { ... on Publisher { list { nodes { loans } } } } }', facts=FAILED_COUNTS
    ),
    "a null that reaches the data": Case(
        "{ visitor { name } authors { nodes { books { loans } } } }", facts=FAILED_COUNTS
    ),
    "an object in a list of nullable items": Case(
        '{ entry(id: "s1") { ... on Shelf { content { name loans } name } } }', facts=FAILED_COUNTS
    ),
    "aliased fields": Case(
        '{ one: book(id: "b2") { two: cover { three: book { four: stock } } } }', facts=FAILED_COUNTS
    ),
    "invalid page arguments": Case("{ books(first: -1) { nodes { id } } visitor { name } }"),
    "invalid page arguments within rows": Case(
        '{ book(id: "b1") { author { works(first: -1) { totalCount } } publisher { list(after: "") { totalCount } } } }'
    ),
    "invalid page arguments beside valid ones": Case(
        '{ book(id: "b1") { publisher { a: list(first: -1) { nodes { id } } b: list(first: 1) { nodes { id } } } } }'
    ),
    "invalid page arguments without parents": Case(
        '{ books(after: "Z/") { nodes { author { works(first: -1) { totalCount } } } } }'
    ),
    "invalid page arguments of a context object": Case("{ visitor { name works(first: -2) { nodes { id } } } }"),
    "an invalid key": Case('{ entry(id: "x1") { name } other: entry(id: "b1") { name } }'),
    "an invalid key of a non-null field": Case('{ entry(id: "b1") { name } requiredEntry(id: "x1") { name } }'),
    "invalid keys among several": Case('{ entries(ids: ["b1", "x1", "y1", "a1"]) { name } }'),
    "an invalid key of a non-null item": Case('{ requiredEntries(ids: ["b1", "x1", "a1"]) { name } visitor { name } }'),
    "an invalid list of keys": Case("{ entries(ids: []) { name } visitor { name } }"),
    "an invalid argument": Case(
        'query ($id: ID = "b1") { book(id: $id) { name } visitor { name } }', variables={"id": None}
    ),
    "an invalid nested argument": Case(
        'query ($id: ID = "b1") { entries(ids: ["a1", $id]) { name } }', variables={"id": None}
    ),
}

FORBIDDEN_NULLS = {
    "a column": Case('{ book(id: "b2") { name genre } visitor { name } }', NULL_GENRE),
    "an aliased column": Case('{ a: book(id: "b2") { b: genre } }', NULL_GENRE),
    "the first column": Case('{ book(id: "b2") { genre name } }', NULL_GENRE),
    "a column in nodes": Case("{ books { nodes { genre } totalCount } visitor { name } }", NULL_GENRE),
    "a column in edges": Case("{ books { edges { node { name genre } } } }", NULL_GENRE),
    "a column of the same object": Case('{ book(id: "b2") { cover { title book { genre } } } }', NULL_GENRE),
    "a column of a row of a context object": Case("{ visitor { ownBooks { name genre } } }", NULL_GENRE),
    "a column, up to the data": Case("{ authors { nodes { name works { nodes { genre } } } } }", NULL_GENRE),
    "a column of a nullable item": Case('{ entry(id: "s1") { ... on Shelf { content { genre } } } }', NULL_GENRE),
    "a column of a non-null item": Case(
        '{ entries(ids: ["s1", "s2"]) { ... on Shelf { treasures { genre } name } } }',
        {"books": {"b1": {"genre": None}}},
    ),
    "a column of a looked-up row": Case('{ entries(ids: ["b1", "b2"]) { ... on Book { genre } } }', NULL_GENRE),
    "a column of a non-null looked-up row": Case(
        '{ requiredEntries(ids: ["b1", "b2"]) { ... on Book { genre } } }', NULL_GENRE
    ),
    "a missing row": Case('{ book(id: "b2") { name publisher { name } } }', MISSING_PUBLISHER),
    "a missing row in a list": Case("{ books { nodes { name publisher { name } } } }", MISSING_PUBLISHER),
    "a null key": Case("{ books { edges { node { publisher { id } } } } }", {"books": {"b2": {"publisher_id": None}}}),
    "a missing row of a row": Case("{ visitor { shelf { content { publisher { name } } } } }", MISSING_PUBLISHER),
    "a missing row of a context object": Case("{ visitor { name shelf { name } } }", visitor=Visitor(shelf_id="s9")),
    "a missing row of a non-null context object": Case(
        "{ requiredVisitor { shelf { name } } visitor { name } }", visitor=Visitor(shelf_id="s9")
    ),
    "an attribute of a context object": Case("{ visitor { name } }", visitor=Visitor(name=None)),
    "an attribute of a held object": Case(
        "{ visitor { card { note number } name } }", visitor=Visitor(card=Card(None))
    ),
    "an attribute of a held item": Case(
        "{ visitor { cards { number } name } }", visitor=Visitor(cards=[Card(1), Card(None), Card(2)])
    ),
    "an attribute of a computed item": Case(
        '{ book(id: "b4") { name chapters { heading } } }', {"books": {"b4": {"contents": ["Tlön", ""]}}}
    ),
    "several nulls": Case(
        "{ books { nodes { publisher { list { nodes { genre } } } } } visitor { shelf { content { genre } } } }",
        NULL_GENRE,
    ),
}

#: Nulls in lists of non-null items.
NULL_ITEMS = {
    "a missing row": Case(
        '{ entry(id: "s1") { name ... on Shelf { treasures { name } } } }',
        {"shelves": {"s1": {"treasure_ids": ["b1", "b9"]}}},
    ),
    "a leaf": Case('{ book(id: "b2") { name keywords } }', {"books": {"b2": {"keywords": ["match", None]}}}),
    "a held object": Case("{ visitor { cards { number } name } }", visitor=Visitor(cards=[Card(1), None])),
    "a computed object": Case(
        '{ book(id: "b4") { name chapters { heading } } }', {"books": {"b4": {"contents": ["Tlön", None]}}}
    ),
    "an object computed in batch": Case(
        "{ books { nodes { copies { number } } } }", facts={"copies": {"b2": [Copy(1, "s1"), None]}}
    ),
    "a missing looked-up row": Case('{ requiredEntries(ids: ["b1", "b9"]) { name } visitor { name } }'),
    "a null key": Case('{ requiredEntries(ids: ["b1", ""]) { name } }'),
}

#: Null for a non-null root field.
NULL_ROOT_FIELDS = {
    "a context object": Case("{ requiredVisitor { name } visitor { name } }", visitor=None),
    "a missing looked-up row": Case('{ requiredEntry(id: "b9") { name } visitor { name } }'),
    "a null key": Case('{ requiredEntry(id: "") { name } }'),
}

MUTATIONS = {
    "one of two mutations": Case(
        'mutation { addBook(book: {id: "b1", title: "x"}) { note } b: addBook(book: {id: "b8", title: "x"}) { note } }'
    ),
    "a non-null mutation": Case(
        'mutation { a: addBook(book: {id: "b8", title: "x"}) { note } removeBook(id: "b9") { id } }'
    ),
    "null in a payload": Case('mutation { addBook(book: {id: "b8", title: "Untitled"}) { book { id } note } }'),
    "a null payload": Case('mutation { addBook(book: {id: "b8", title: ""}) { note } }'),
    "the last of three mutations": Case(
        'mutation { removeBook(id: "b1") { id } b: removeBook(id: "b2") { id } c: removeBook(id: "b1") { id } }'
    ),
    "a field of a payload's row": Case(
        'mutation { removeBook(id: "b1") { id author { works(first: -1) { totalCount } } } __typename }'
    ),
}


#: The cases that have no error.
WITHOUT_ERRORS = [FAILURES["invalid page arguments without parents"], MUTATIONS["a null payload"]]


NESTED_AND_SEPARATE = pytest.mark.usefixtures("_inline_limit")


def cases(group: Mapping[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", group.values(), ids=group)


@NESTED_AND_SEPARATE
@cases(FAILURES)
async def test_failed_field_is_null_and_an_error(case: Case) -> None:
    await _check(case)


@NESTED_AND_SEPARATE
@cases(FORBIDDEN_NULLS)
async def test_forbidden_null_propagates_to_the_nearest_nullable_parent(case: Case) -> None:
    await _check(case)


@cases(NULL_ITEMS)
async def test_null_among_non_null_items_propagates(case: Case) -> None:
    await _check(case)


@cases(NULL_ROOT_FIELDS)
async def test_null_for_a_non_null_root_field_propagates(case: Case) -> None:
    await _check(case)


@NESTED_AND_SEPARATE
@cases(MUTATIONS)
async def test_failed_mutation_is_an_error_of_its_field(case: Case) -> None:
    await _check(case)


async def _check(case: Case) -> None:
    errors = await compare_results(case.make_library(), case.query, case.variables)
    assert bool(errors) == (case not in WITHOUT_ERRORS)


# -------------------------------------------------------------------------------------------------- contents of errors


async def test_failed_fields_and_forbidden_nulls_in_one_response() -> None:
    case = Case(
        """
        {
          shelf: entry(id: "s1") { ... on Shelf { content { id loans } } }
          authors(first: 2) { edges { node { list: books { id stock } } } }
          other: book(id: "b2") { name publisher { name } }
        }
        """,
        MISSING_PUBLISHER,
        FAILED_COUNTS,
    )
    result = await LibraryExecutor(case.make_library()).execute(case.query)
    emma = {"id": "b2", "stock": None}
    austen = [{"id": "b1", "stock": 2}, emma, {"id": "b3", "stock": 2}]
    assert result.data == {
        "shelf": {"content": [{"id": "b6", "loans": 0}, None, {"id": "b6", "loans": 0}]},
        "authors": {
            "edges": [{"node": {"list": [{"id": "b6", "stock": 2}]}}, {"node": {"list": austen}}],
        },
        "other": None,
    }
    assert sorted(map(path_and_message, result.errors)) == [
        ("authors.edges.1.node.list.1.stock", "The count failed."),
        ("other.publisher", "Cannot return null for non-nullable field Book.publisher."),
        ("shelf.content.1.loans", "The count failed."),
    ]


async def test_errors_have_the_original_exceptions() -> None:
    case = Case(
        '{ books { nodes { stock } } book(id: "b2") { genre } entry(id: "x1") { name } }', NULL_GENRE, FAILED_COUNTS
    )
    result = await LibraryExecutor(case.make_library()).execute(case.query)
    errors = {path_and_message(error)[0]: error.original_error for error in result.errors}
    assert {path: (type(error), str(error)) for path, error in errors.items()} == {
        "books.nodes.2.stock": (ValueError, "The count failed."),
        "book.genre": (TypeError, NULL_GENRE_MESSAGE),
        "entry": (LookupError, "No type has the ID x1."),
    }


class MessageError(Exception):
    """An error with an attribute `message` that differs from its text."""

    message = "This is its message."

    def __str__(self) -> str:
        return "This is its text."


@pytest.mark.parametrize(
    "error",
    [
        LookupError("Not found."),
        LookupError(),
        GraphQLError("Not found.", extensions={"code": "NOT_FOUND"}),
        MessageError(),
        GraphQLError("Not found.", path=["another", "path"]),
    ],
    ids=["message", "no message", "extensions", "message attribute", "path"],
)
async def test_errors_have_the_same_message_path_and_extensions_as_graphql_core(error: Exception) -> None:
    case = Case('{ book(id: "b2") { stock } }', facts={"stock": {"b2": error}})
    pair = await compare_data(case.make_library(), case.query)
    (ours,), (reference,) = pair.ours.errors, pair.reference_errors
    assert (ours.message, ours.path, ours.extensions) == (reference.message, reference.path, reference.extensions)


@pytest.mark.parametrize(
    "case",
    [
        Case('{ book(id: "b2") { author { id } stock ...More } } fragment More on Book { stock }', facts=FAILED_COUNTS),
        Case("{ books { nodes { id } } books { nodes { genre } } }", NULL_GENRE),
        Case('{ entry(id: "s1") { ... on Shelf { treasures { genre } } } }', {"books": {"b1": {"genre": None}}}),
        Case('{ entries(ids: ["b1", "x1"]) { id } }'),
        Case("{ books(first: -1) { nodes { id } } }"),
        FAILURES["an invalid argument"],
        FAILURES["an invalid nested argument"],
    ],
    ids=["fragment", "propagated", "item", "one of several", "page", "arguments", "nested arguments"],
)
async def test_errors_have_the_locations_of_all_nodes_of_their_field(case: Case) -> None:
    pair = await compare_data(case.make_library(), case.query, case.variables)
    (ours,), (reference,) = pair.ours.errors, pair.reference_errors
    assert ours.locations == reference.locations


# ------------------------------------------------------------------------------------------------------ several errors


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('{ book(id: "b2") { stock loans } }', ["book.stock", "book.loans"]),
        ("{ books { nodes { loans } edges { node { stock } } } }", ["books.nodes.2.loans"]),
        (
            '{ book(id: "b2") { author { books { stock } } stock } }',
            ["book.author.books.1.stock", "book.stock"],
        ),
        ('{ entry(id: "x") { id } book(id: "b2") { stock } }', ["entry", "book.stock"]),
        ('{ a: book(id: "b2") { stock } b: book(id: "b4") { stock } }', ["a.stock", "b.stock"]),
    ],
)
async def test_errors_are_in_document_order(query: str, expected: Sequence[str]) -> None:
    result = await LibraryExecutor(Case(query, facts=FAILED_COUNTS).make_library()).execute(query)
    assert [path_and_message(error)[0] for error in result.errors] == expected


async def test_errors_of_mutations_are_in_document_order() -> None:
    query = """
    mutation {
      removeBook(id: "b1") { author { books { stock } } }
      addBook(book: {id: "b2", title: "x"}) { note }
      __typename
      b: removeBook(id: "b4") { author { books { stock } } }
    }
    """
    result = await LibraryExecutor(
        Case(query, facts={"stock": {"b2": COUNT_ERROR, "b5": COUNT_ERROR}}).make_library()
    ).execute(query)
    assert [path_and_message(error)[0] for error in result.errors] == [
        "removeBook.author.books.0.stock",
        "addBook",
        "b.author.books.0.stock",
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("genre publisher { name }", "genre"),
        ("publisher { name } genre", "publisher"),
        ("loans publisher { name }", "loans"),
        ("loans cover { book { loans } }", "loans"),
        ("genre stock", "genre"),
        ("genre author { works(first: 1) { nodes { stock } } }", "genre"),
    ],
)
async def test_first_error_in_the_document_is_reported_for_one_null(fields: str, expected: str) -> None:
    query = f'{{ book(id: "b2") {{ name {fields} }} visitor {{ name }} }}'
    result = await LibraryExecutor(
        Case(query, {"books": {"b2": {"genre": None, "publisher_id": None}}}, FAILED_COUNTS).make_library()
    ).execute(query)
    assert result.data == {"book": None, "visitor": {"name": "Ada"}}
    assert [path_and_message(error)[0] for error in result.errors] == [f"book.{expected}"]


async def test_invalid_page_without_parents_is_not_reported() -> None:
    case = FAILURES["invalid page arguments without parents"]
    result = await LibraryExecutor(case.make_library()).execute(case.query)
    assert (result.data, result.errors) == ({"books": {"nodes": []}}, [])


# ------------------------------------------------------------------------------------------------------ nullable items


@pytest.mark.parametrize(
    "case",
    [
        Case('{ entries(ids: ["b1", "b9", "", "a1"]) { id } }'),
        Case('{ entry(id: "s1") { ... on Shelf { content { id } } } }', {"shelves": {"s1": {"content_ids": ["b9"]}}}),
        Case("{ visitor { favorites { id } currentBook { id } } }", visitor=Visitor(favorite_ids=["b1", "b9"])),
        Case('{ book(id: "b2") { keywords } }', {"books": {"b2": {"keywords": ["match", None]}}}),
        Case('{ book(id: "b4") { chapters { heading } } }', {"books": {"b4": {"contents": ["Tlön", None]}}}),
        Case("{ visitor { cards { number } } }", visitor=Visitor(cards=[Card(1), None])),
        Case("{ books { nodes { copies { number } } } }", facts={"copies": {"b2": [None, Copy(1, "s1")]}}),
    ],
    ids=["looked up", "keys of a row", "keys of an object", "leaves", "computed", "held", "computed in batch"],
)
async def test_schema_text_need_no_null_propagation(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "NullPropagation", None)
    schema_text = re.sub(r"(keywords|copies|chapters|cards): \[(\w+)!\]", r"\1: [\2]", print_schema(SCHEMA))
    assert await compare_results(case.make_library(), case.query, schema=build_schema(schema_text)) == []


# ----------------------------------------------------------------------------------------------------- null conditions


@pytest.mark.parametrize("directive", ["@include(if: $condition)", "@skip(if: $condition)"])
async def test_null_condition_is_an_error_or_unsupported(directive: str) -> None:
    query = f'query ($condition: Boolean = true) {{ book(id: "b1") {{ id name {directive} }} visitor {{ name }} }}'
    with suppress(UnsupportedOperation):
        assert await compare_results(make_library(), query, {"condition": None})
