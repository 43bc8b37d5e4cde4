"""Outcomes: fields that fail and nulls where none may be, as graphql-core's own executor answers them."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql import GraphQLError, build_schema, print_schema
from librarian import Asking
from library import GRAPH, Card, Copy, Library, Visitor, library
from resolvers import agree, ask_both, said

from benegraph.execution import UnsupportedOperation
from benegraph.execution.compile import thresholds
from benegraph.execution.run import execute

NOT_COUNTED = ValueError("It was not counted.")
NO_GENRE = "Cannot return null for non-nullable field Book.genre."


@pytest.fixture(params=[0, thresholds.MAX_PARENTS_FOR_INLINE_ROWS], ids=["own", "within"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each operation read both ways: what is beneath a row in statements of its own, and within that row's."""
    monkeypatch.setattr(thresholds, "MAX_PARENTS_FOR_INLINE_ROWS", request.param)


@dataclass(frozen=True)
class Case:
    """An operation in which something is amiss."""

    text: str
    rows: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)
    visitor: Any = field(default_factory=Visitor)
    variables: Mapping[str, Any] = field(default_factory=dict)

    def library(self) -> Library:
        amiss = library(**self.rows)
        amiss.visitor = self.visitor
        for name, values in self.known.items():
            getattr(amiss, name).update(values)
        return amiss


GENRELESS = {"books": {"b2": {"genre": None}}}
UNPUBLISHED = {"books": {"b2": {"publisher_id": "p9"}}}
UNKNOWN = {"loans": {"b2": None}}
UNCOUNTED = {"stock": {"b2": NOT_COUNTED, "b4": NOT_COUNTED}, "loans": {"b2": NOT_COUNTED}}

FAILING = {
    "one of many": Case("{ books { nodes { id stock } } }", known=UNCOUNTED),
    "two of many, in lists of lists": Case("{ authors { nodes { books { stock id } } } }", known=UNCOUNTED),
    "in edges": Case("{ books { edges { cursor node { at: stock } } totalCount } }", known=UNCOUNTED),
    "all of many": Case('{ books { nodes { id stock(at: "there") } } }'),
    "one that may not be null": Case('{ a: book(id: "b2") { loans } b: book(id: "b1") { loans } }', known=UNCOUNTED),
    "a null for one that may not be null": Case('{ book(id: "b2") { id loans } }', known=UNKNOWN),
    "in a page": Case("{ books { nodes { loans } } visitor { name } }", known=UNCOUNTED),
    "in a page of a page": Case(
        '{ entry(id: "p1") { ... on Publisher { list { nodes { loans } } } } }', known=UNCOUNTED
    ),
    "up to the data": Case("{ visitor { name } authors { nodes { books { loans } } } }", known=UNCOUNTED),
    "in a list whose items may be null": Case(
        '{ entry(id: "s1") { ... on Shelf { content { name loans } name } } }', known=UNCOUNTED
    ),
    "an alias": Case('{ one: book(id: "b2") { two: cover { three: book { four: stock } } } }', known=UNCOUNTED),
    "a page that can't be": Case("{ books(first: -1) { nodes { id } } visitor { name } }"),
    "pages that can't be, in rows": Case(
        '{ book(id: "b1") { author { works(first: -1) { totalCount } } publisher { list(after: "") { totalCount } } } }'
    ),
    "a page that can't be, beside one that can": Case(
        '{ book(id: "b1") { publisher { a: list(first: -1) { nodes { id } } b: list(first: 1) { nodes { id } } } } }'
    ),
    "a page that can't be, of no rows": Case(
        '{ books(after: "Z/") { nodes { author { works(first: -1) { totalCount } } } } }'
    ),
    "a page of an object that can't be": Case("{ visitor { name works(first: -2) { nodes { id } } } }"),
    "what can't be looked for": Case('{ entry(id: "x1") { name } other: entry(id: "b1") { name } }'),
    "what can't be looked for and must be found": Case('{ entry(id: "b1") { name } certainEntry(id: "x1") { name } }'),
    "one of several that can't be": Case('{ entries(ids: ["b1", "x1", "y1", "a1"]) { name } }'),
    "one of several that must be": Case('{ certainEntries(ids: ["b1", "x1", "a1"]) { name } visitor { name } }'),
    "no list at all": Case("{ entries(ids: []) { name } visitor { name } }"),
    "arguments that can't be": Case(
        'query ($id: ID = "b1") { book(id: $id) { name } visitor { name } }', variables={"id": None}
    ),
    "arguments that can't be, deep": Case(
        'query ($id: ID = "b1") { entries(ids: ["a1", $id]) { name } }', variables={"id": None}
    ),
}

NULLS = {
    "a column": Case('{ book(id: "b2") { name genre } visitor { name } }', GENRELESS),
    "a column by another name": Case('{ a: book(id: "b2") { b: genre } }', GENRELESS),
    "a column that stands first": Case('{ book(id: "b2") { genre name } }', GENRELESS),
    "a column in nodes": Case("{ books { nodes { genre } totalCount } visitor { name } }", GENRELESS),
    "a column in edges": Case("{ books { edges { node { name genre } } } }", GENRELESS),
    "a column of itself": Case('{ book(id: "b2") { cover { text book { genre } } } }', GENRELESS),
    "a column of a row of a row": Case("{ visitor { own { name genre } } }", GENRELESS),
    "a column up to the data": Case("{ authors { nodes { name works { nodes { genre } } } } }", GENRELESS),
    "a column of an item that may be null": Case(
        '{ entry(id: "s1") { ... on Shelf { content { genre } } } }', GENRELESS
    ),
    "a column of an item that may not": Case(
        '{ entries(ids: ["s1", "s2"]) { ... on Shelf { treasures { genre } name } } }',
        {"books": {"b1": {"genre": None}}},
    ),
    "a column of what is looked for": Case('{ entries(ids: ["b1", "b2"]) { ... on Book { genre } } }', GENRELESS),
    "a column of what must be found": Case(
        '{ certainEntries(ids: ["b1", "b2"]) { ... on Book { genre } } }', GENRELESS
    ),
    "a row": Case('{ book(id: "b2") { name publisher { name } } }', UNPUBLISHED),
    "a row, in a list": Case("{ books { nodes { name publisher { name } } } }", UNPUBLISHED),
    "no key of a row": Case(
        "{ books { edges { node { publisher { id } } } } }", {"books": {"b2": {"publisher_id": None}}}
    ),
    "a row of a row": Case("{ visitor { shelf { content { publisher { name } } } } }", UNPUBLISHED),
    "a row of an object": Case("{ visitor { name shelf { name } } }", visitor=Visitor(shelf_id="s9")),
    "a row of an object that must be": Case(
        "{ host { shelf { name } } visitor { name } }", visitor=Visitor(shelf_id="s9")
    ),
    "an attribute": Case("{ visitor { name } }", visitor=Visitor(name=None)),
    "an attribute of an object": Case("{ visitor { card { note number } name } }", visitor=Visitor(card=Card(None))),
    "an attribute of an item": Case(
        "{ visitor { cards { number } name } }", visitor=Visitor(cards=[Card(1), Card(None), Card(2)])
    ),
    "an attribute of what is computed": Case(
        '{ book(id: "b4") { name chapters { heading } } }', {"books": {"b4": {"contents": ["Tlön", ""]}}}
    ),
    "several": Case(
        "{ books { nodes { publisher { list { nodes { genre } } } } } visitor { shelf { content { genre } } } }",
        GENRELESS,
    ),
}

#: Where the list is there, and something in it is missing.
ITEMS = {
    "keys that no row has": Case(
        '{ entry(id: "s1") { name ... on Shelf { treasures { name } } } }',
        {"shelves": {"s1": {"treasure_ids": ["b1", "b9"]}}},
    ),
    "words": Case('{ book(id: "b2") { name keywords } }', {"books": {"b2": {"keywords": ["match", None]}}}),
    "objects": Case("{ visitor { cards { number } name } }", visitor=Visitor(cards=[Card(1), None])),
    "objects that are computed": Case(
        '{ book(id: "b4") { name chapters { heading } } }', {"books": {"b4": {"contents": ["Tlön", None]}}}
    ),
    "objects for all parents at once": Case(
        "{ books { nodes { copies { number } } } }", known={"copies": {"b2": [Copy(1, "s1"), None]}}
    ),
    "what is looked for": Case('{ certainEntries(ids: ["b1", "b9"]) { name } visitor { name } }'),
    "what may be null": Case('{ certainEntries(ids: ["b1", ""]) { name } }'),
}

#: The operation's own fields, where they may not be null.
OWN = {
    "what is given": Case("{ host { name } visitor { name } }", visitor=None),
    "what is looked for": Case('{ certainEntry(id: "b9") { name } visitor { name } }'),
    "what nothing is looked for": Case('{ certainEntry(id: "") { name } }'),
}

CHANGES = {
    "one of two": Case(
        'mutation { addBook(book: {id: "b1", title: "x"}) { note } b: addBook(book: {id: "b8", title: "x"}) { note } }'
    ),
    "one that may not be null": Case(
        'mutation { a: addBook(book: {id: "b8", title: "x"}) { note } removeBook(id: "b9") { id } }'
    ),
    "a null in a payload": Case('mutation { addBook(book: {id: "b8", title: "Untitled"}) { book { id } note } }'),
    "a null for a payload": Case('mutation { addBook(book: {id: "b8", title: ""}) { note } }'),
    "the last of three": Case(
        'mutation { removeBook(id: "b1") { id } b: removeBook(id: "b2") { id } c: removeBook(id: "b1") { id } }'
    ),
    "a field beneath a payload": Case(
        'mutation { removeBook(id: "b1") { id author { works(first: -1) { totalCount } } } __typename }'
    ),
}


#: What is amiss in these concerns nobody.
HARMLESS = [FAILING["a page that can't be, of no rows"], CHANGES["a null for a payload"]]


BOTH_WAYS = pytest.mark.usefixtures("_both_ways")


def cases(group: Mapping[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", group.values(), ids=group)


@BOTH_WAYS
@cases(FAILING)
async def test_a_field_that_fails_is_null_and_an_error(case: Case) -> None:
    await _check(case)


@BOTH_WAYS
@cases(NULLS)
async def test_a_null_where_none_may_be_makes_the_next_place_null_that_may_be(case: Case) -> None:
    await _check(case)


@cases(ITEMS)
async def test_a_null_among_items_that_may_not_be(case: Case) -> None:
    await _check(case)


@cases(OWN)
async def test_an_operations_own_field_may_not_be_null(case: Case) -> None:
    await _check(case)


@BOTH_WAYS
@cases(CHANGES)
async def test_a_mutation_that_fails_is_its_fields_error(case: Case) -> None:
    await _check(case)


async def _check(case: Case) -> None:
    errors = await agree(case.library(), case.text, case.variables)
    assert bool(errors) == (case not in HARMLESS)


# ------------------------------------------------------------------------------------------------ what an error tells


async def test_data_and_errors_in_full() -> None:
    case = Case(
        """
        {
          shelf: entry(id: "s1") { ... on Shelf { content { id loans } } }
          authors(first: 2) { edges { node { list: books { id stock } } } }
          reissued: book(id: "b2") { name publisher { name } }
        }
        """,
        UNPUBLISHED,
        UNCOUNTED,
    )
    outcome = await Asking(case.library()).ask(case.text)
    emma = {"id": "b2", "stock": None}
    austen = [{"id": "b1", "stock": 2}, emma, {"id": "b3", "stock": 2}]
    assert outcome.data == {
        "shelf": {"content": [{"id": "b6", "loans": 0}, None, {"id": "b6", "loans": 0}]},
        "authors": {
            "edges": [{"node": {"list": [{"id": "b6", "stock": 2}]}}, {"node": {"list": austen}}],
        },
        "reissued": None,
    }
    assert sorted(map(said, outcome.errors)) == [
        ("authors.edges.1.node.list.1.stock", "It was not counted."),
        ("reissued.publisher", "Cannot return null for non-nullable field Book.publisher."),
        ("shelf.content.1.loans", "It was not counted."),
    ]


async def test_an_error_holds_what_was_raised() -> None:
    case = Case('{ books { nodes { stock } } book(id: "b2") { genre } entry(id: "x1") { name } }', GENRELESS, UNCOUNTED)
    outcome = await Asking(case.library()).ask(case.text)
    raised = {said(error)[0]: error.original_error for error in outcome.errors}
    assert {path: (type(error), str(error)) for path, error in raised.items()} == {
        "books.nodes.2.stock": (ValueError, "It was not counted."),
        "book.genre": (TypeError, NO_GENRE),
        "entry": (LookupError, "x1 is nobody's id."),
    }


class Told(Exception):
    """An error that has a message of its own, beside what it says."""

    message = "This is its message."

    def __str__(self) -> str:
        return "This is what it says."


@pytest.mark.parametrize(
    "error",
    [
        LookupError("Not here."),
        LookupError(),
        GraphQLError("Not here.", extensions={"code": "NOT_HERE"}),
        Told(),
        GraphQLError("Not here.", path=["another", "path"]),
    ],
    ids=["message", "none", "extensions", "message of its own", "path of its own"],
)
async def test_an_error_tells_what_was_raised_as_graphql_core_does(error: Exception) -> None:
    case = Case('{ book(id: "b2") { stock } }', known={"stock": {"b2": error}})
    both = await ask_both(case.library(), case.text)
    (ours,), (theirs,) = both.ours.errors, both.errors
    assert (ours.message, ours.path, ours.extensions) == (theirs.message, theirs.path, theirs.extensions)


@pytest.mark.parametrize(
    "case",
    [
        Case('{ book(id: "b2") { author { id } stock ...More } } fragment More on Book { stock }', known=UNCOUNTED),
        Case("{ books { nodes { id } } books { nodes { genre } } }", GENRELESS),
        Case('{ entry(id: "s1") { ... on Shelf { treasures { genre } } } }', {"books": {"b1": {"genre": None}}}),
        Case('{ entries(ids: ["b1", "x1"]) { id } }'),
        Case("{ books(first: -1) { nodes { id } } }"),
        FAILING["arguments that can't be"],
        FAILING["arguments that can't be, deep"],
    ],
    ids=["a fragment", "bubbling", "an item", "one of several", "a page", "arguments", "arguments, deep"],
)
async def test_an_error_tells_all_places_where_its_field_is_asked_for(case: Case) -> None:
    both = await ask_both(case.library(), case.text, case.variables)
    (ours,), (theirs,) = both.ours.errors, both.errors
    assert ours.locations == theirs.locations


# --------------------------------------------------------------------------------------------------- several errors


@pytest.mark.parametrize(
    ("text", "told"),
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
async def test_errors_are_in_document_order(text: str, told: Sequence[str]) -> None:
    outcome = await Asking(Case(text, known=UNCOUNTED).library()).ask(text)
    assert [said(error)[0] for error in outcome.errors] == told


async def test_errors_of_mutations_are_told_in_the_order_in_which_these_were_done() -> None:
    text = """
    mutation {
      removeBook(id: "b1") { author { books { stock } } }
      addBook(book: {id: "b2", title: "x"}) { note }
      __typename
      b: removeBook(id: "b4") { author { books { stock } } }
    }
    """
    outcome = await Asking(Case(text, known={"stock": {"b2": NOT_COUNTED, "b5": NOT_COUNTED}}).library()).ask(text)
    assert [said(error)[0] for error in outcome.errors] == [
        "removeBook.author.books.0.stock",
        "addBook",
        "b.author.books.0.stock",
    ]


@pytest.mark.parametrize(
    ("selected", "told"),
    [
        ("genre publisher { name }", "genre"),
        ("publisher { name } genre", "publisher"),
        ("loans publisher { name }", "loans"),
        ("loans cover { book { loans } }", "loans"),
        ("genre stock", "genre"),
        ("genre author { works(first: 1) { nodes { stock } } }", "genre"),
    ],
)
async def test_first_error_in_the_document_is_reported_for_one_null(selected: str, told: str) -> None:
    text = f'{{ book(id: "b2") {{ name {selected} }} visitor {{ name }} }}'
    outcome = await Asking(
        Case(text, {"books": {"b2": {"genre": None, "publisher_id": None}}}, UNCOUNTED).library()
    ).ask(text)
    assert outcome.data == {"book": None, "visitor": {"name": "Ada"}}
    assert [said(error)[0] for error in outcome.errors] == [f"book.{told}"]


async def test_what_failed_where_nobody_looks_is_no_error() -> None:
    case = FAILING["a page that can't be, of no rows"]
    outcome = await Asking(case.library()).ask(case.text)
    assert (outcome.data, outcome.errors) == ({"books": {"nodes": []}}, [])


# -------------------------------------------------------------------------------------------------- what is no failure


@pytest.mark.parametrize(
    "case",
    [
        Case('{ entries(ids: ["b1", "b9", "", "a1"]) { id } }'),
        Case('{ entry(id: "s1") { ... on Shelf { content { id } } } }', {"shelves": {"s1": {"content_ids": ["b9"]}}}),
        Case("{ visitor { favourites { id } reading { id } } }", visitor=Visitor(favourite_ids=["b1", "b9"])),
        Case('{ book(id: "b2") { keywords } }', {"books": {"b2": {"keywords": ["match", None]}}}),
        Case('{ book(id: "b4") { chapters { heading } } }', {"books": {"b4": {"contents": ["Tlön", None]}}}),
        Case("{ visitor { cards { number } } }", visitor=Visitor(cards=[Card(1), None])),
        Case("{ books { nodes { copies { number } } } }", known={"copies": {"b2": [None, Copy(1, "s1")]}}),
    ],
    ids=["looked for", "keys of a row", "keys of an object", "words", "computed", "held", "computed at once"],
)
async def test_where_items_may_be_null_nothing_is_settled(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "NullPropagation", None)
    may = re.sub(r"(keywords|copies|chapters|cards): \[(\w+)!\]", r"\1: [\2]", print_schema(GRAPH))
    assert await agree(case.library(), case.text, graph=build_schema(may)) == []


# --------------------------------------------------------------------------------------------- a condition that is null


@pytest.mark.parametrize("directive", ["@include(if: $is)", "@skip(if: $is)"])
async def test_a_condition_that_is_null_is_an_error_or_not_covered(directive: str) -> None:
    text = f'query ($is: Boolean = true) {{ book(id: "b1") {{ id name {directive} }} visitor {{ name }} }}'
    with suppress(UnsupportedOperation):
        assert await agree(library(), text, {"is": None})
