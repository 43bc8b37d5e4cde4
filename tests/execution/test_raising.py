"""Raising: what goes wrong in a host's own functions, and in what they give, is its field's error, or is raised."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import build_schema, print_schema
from librarian import Asking
from library import (
    AUTHOR,
    BOOK,
    DECLARED,
    GRAPH,
    Card,
    Chapter,
    Library,
    Visitor,
    library,
    target_by,
)
from resolvers import agree, ask_both, resolved, said

from benegraph.execution import (
    Computed,
    ComputedInBatch,
    Declaration,
    FromContext,
    Lookup,
    LookupKey,
    LookupMany,
    MutationCall,
    UnsupportedOperation,
)

LOST = ValueError("It was lost.")


def failing(*_: Any) -> Any:
    raise ZeroDivisionError("It can't be computed.")


# ----------------------------------------------------------------------------------------- what a host's own code gives


async def test_what_can_t_be_computed_is_an_error_of_its_field() -> None:
    text = '{ book(id: "b1") { name size { pages } } visitor { name } }'
    outcome = await Asking(library(), declared={**DECLARED, "Book.size": Computed(failing, ())}).ask(text)
    assert outcome.data == {"book": {"name": "Persuasion", "size": None}, "visitor": {"name": "Ada"}}
    assert list(map(said, outcome.errors)) == [("book.size", "It can't be computed.")]


@pytest.mark.parametrize("given", [failing, lambda _context: ZeroDivisionError("It can't be computed.")])
@pytest.mark.parametrize("field", ["visitor", "host"])
async def test_what_can_t_be_given_is_an_error_of_its_field(field: str, given: Callable[[Any], Any]) -> None:
    text = f'{{ book(id: "b1") {{ name }} {field} {{ name }} books(first: 1) {{ nodes {{ id }} }} }}'
    declared = {**DECLARED, f"Query.{field}": FromContext(given)}
    assert await agree(library(), text, declared=declared) == [(field, "It can't be computed.")]


CHAPTERS = build_schema(print_schema(GRAPH).replace("chapters: [Chapter!]", "chapters: [Chapter]"))


@pytest.mark.parametrize(
    ("name", "selected", "value", "places"),
    [
        ("Book.year", "year", LOST, ["year"]),
        ("Book.subtitle", "subtitle", LOST, ["subtitle"]),
        ("Book.keywords", "keywords", LOST, ["keywords"]),
        ("Book.size", "size { pages }", LOST, ["size"]),
        ("Book.chapters", "chapters { heading }", LOST, ["chapters"]),
        ("Book.chapters", "chapters { heading }", [Chapter("x"), LOST, None, Chapter("y")], ["chapters.1"]),
        ("Book.chapters", "chapters { heading }", [LOST, LOST], ["chapters.0", "chapters.1"]),
        ("Book.copies", "copies { number }", [LOST], ["copies.0"]),
        ("Book.keywords", "keywords", ["a", LOST, "b"], ["keywords.1"]),
    ],
)
@pytest.mark.parametrize("at_once", [False, True])
async def test_an_error_given_as_a_value_is_an_error_of_its_field_or_item(
    name: str, selected: str, value: Any, places: Sequence[str], *, at_once: bool
) -> None:
    async def load(_reader: Any, parents: Sequence[Any], _arguments: Any) -> Sequence[Any]:
        return [value] * len(parents)

    declared = {**DECLARED, name: ComputedInBatch(load, ()) if at_once else Computed(lambda _book: value, ())}
    text = f'{{ book(id: "b1") {{ name {selected} }} visitor {{ name }} }}'
    expected = [(f"book.{place}", "It was lost.") for place in places]
    assert await agree(library(), text, graph=CHAPTERS, declared=declared) == expected


@pytest.mark.parametrize(
    ("visitor", "place"),
    [
        (Visitor(card=LOST), "card"),  # type: ignore[arg-type] # that is what is amiss
        (Visitor(cards=[Card(1), LOST]), "cards.1"),  # type: ignore[list-item] # that is what is amiss
        (Visitor(cards=LOST), "cards"),  # type: ignore[arg-type] # that is what is amiss
    ],
)
async def test_an_error_that_a_parent_holds_is_an_error_of_its_field_or_item(visitor: Visitor, place: str) -> None:
    made = library()
    made.visitor = visitor
    text = "{ visitor { name card { number } cards { note } } host { name } }"
    assert await agree(made, text) == [(f"visitor.{place}", "It was lost.")]


class Shelved(list[Any]):
    """A list of its own."""


@pytest.mark.parametrize("listed", [list, tuple, Shelved, deque, frozenset, lambda items: dict.fromkeys(items).keys()])
@pytest.mark.parametrize("lists", ["held", "computed"])
async def test_objects_may_be_listed_by_whatever_they_can_be_taken_from(
    lists: str, listed: Callable[[Any], Any]
) -> None:
    cards = [Card(1, "worn")]
    holder = SimpleNamespace(cards=listed(cards))
    declared: dict[str, Declaration] = {
        **DECLARED,
        "Query.visitor": FromContext(lambda _context: holder),
        "Book.copies": Computed(lambda _book: listed(cards), ()),
        "Book.chapters": Computed(lambda _book: iter([Chapter("x"), Chapter(None)]), ()),
    }
    if lists == "held":
        assert await agree(library(), "{ visitor { cards { note } } }", declared=declared) == []
    else:
        text = '{ book(id: "b1") { copies { number } chapters { heading } } }'
        places = [place for place, _ in await agree(library(), text, declared=declared)]
        assert places == ["book.chapters.1.heading"]


def cut_short() -> Iterator[Chapter]:
    yield Chapter("x")
    raise ZeroDivisionError("It can't be computed.")


@pytest.mark.parametrize("value", ["chapters", {"heading": "x"}, 7, Chapter("x")])
async def test_objects_are_not_listed_by_what_is_no_list(value: Any) -> None:
    declared = {**DECLARED, "Book.chapters": Computed(lambda _book: value, ())}
    text = '{ book(id: "b1") { name chapters { heading } } }'
    assert [place for place, _ in await agree(library(), text, graph=CHAPTERS, declared=declared)] == ["book.chapters"]


async def test_a_list_that_can_t_be_taken_to_its_end_is_an_error_of_its_field() -> None:
    declared = {**DECLARED, "Book.chapters": Computed(lambda _book: cut_short(), ())}
    text = '{ book(id: "b1") { name chapters { heading } } }'
    errors = await agree(library(), text, graph=CHAPTERS, declared=declared)
    assert errors == [("book.chapters", "It can't be computed.")]


# -------------------------------------------------------------------------------------------------- what is looked for

SOME = {"Author": AUTHOR, "Book": BOOK}


async def test_what_is_never_found_needs_no_source() -> None:
    text = """
    {
      entry(id: "b1") { __typename name ... on Shelf { content { id } } }
      entries(ids: ["a1", "b9", "", "b2"]) { name }
    }
    """
    declared = {
        **DECLARED,
        "Query.entry": Lookup(SOME, lambda _context, arguments: LookupKey("Book", arguments["id"])),
        "Query.entries": LookupMany(SOME, lambda _context, arguments: [*map(target_by, arguments["ids"])]),
    }
    assert await agree(library(), text, declared=declared) == []


@pytest.mark.parametrize("kind", ["Publisher", "Visitor", "Nothing"])
async def test_what_has_no_source_is_an_error_where_it_is_looked_for(kind: str) -> None:
    text = '{ entry(id: "b1") { name } book(id: "b1") { name } entries(ids: ["b1", "x", "a1"]) { name } }'
    targets = [LookupKey("Book", "b1"), LookupKey(kind, "p1"), LookupKey("Author", "a1")]
    declared = {
        **DECLARED,
        "Query.entry": Lookup(SOME, lambda *_: LookupKey(kind, "p1")),
        "Query.entries": LookupMany(SOME, lambda *_: targets),
    }
    outcome = await Asking(library(), declared=declared).ask(text)
    assert outcome.data == {
        "entry": None,
        "book": {"name": "Persuasion"},
        "entries": [{"name": "Persuasion"}, None, {"name": "Jane Austen"}],
    }
    message = f"No source is declared for the type {kind}."
    assert sorted(map(said, outcome.errors)) == [("entries.1", message), ("entry", message)]


# -------------------------------------------------------------------------------------------------- what is not covered


def loading(error: Exception) -> Mapping[str, Declaration]:
    async def load(*_: Any) -> Sequence[Any]:
        raise error

    return {**DECLARED, "Book.stock": ComputedInBatch(load, ("id",))}


async def test_what_is_not_covered_is_raised_through_what_is_loaded_at_once() -> None:
    asking = Asking(library(), declared=loading(UnsupportedOperation("another")))
    with pytest.raises(UnsupportedOperation) as raised:
        await asking.ask("{ books { nodes { stock } } }")
    assert raised.value.reason == "another"
    assert (asking.opened, asking.closed) == ([False], 1)


async def test_any_other_error_of_it_is_each_parents() -> None:
    errors = await agree(library(), "{ books(first: 2) { nodes { id stock } } }", declared=loading(LOST))
    assert errors == [(f"books.nodes.{place}.stock", "It was lost.") for place in range(2)]


async def test_once_something_was_changed_what_is_not_covered_is_its_fields_error() -> None:
    made = library()
    outcome = await Asking(made, declared=loading(UnsupportedOperation("another"))).ask(
        'mutation { a: removeBook(id: "b1") { id } addBook(book: {id: "b1", title: "x"}) { note book { stock } } }'
    )
    assert outcome.data == {"a": {"id": "b1"}, "addBook": None}
    assert list(map(said, outcome.errors)) == [("addBook", "another")]
    assert [row["id"] for row in made.tables["books"]] == ["b2", "b3", "b4", "b5", "b6", "b7", "b1"]


# -------------------------------------------------------------------------------------------------- what a read raises


async def test_what_a_read_raises_is_raised() -> None:
    asking = Asking(without_authors())
    with pytest.raises(KeyError):
        await asking.ask("{ books { nodes { author { name } } } }")
    assert asking.closed == 1


async def test_once_something_was_changed_what_a_read_raises_is_its_fields() -> None:
    outcome = await Asking(without_authors()).ask(
        """
        mutation {
          a: addBook(book: {id: "b8", title: "x", authorId: "a1"}) { note }
          b: addBook(book: {id: "b9", title: "x", authorId: "a1"}) { note book { author { name } } }
          c: addBook(book: {id: "b0", title: "x", authorId: "a1"}) { note }
        }
        """
    )
    assert outcome.data == {"a": {"note": "That makes 8."}, "b": None, "c": {"note": "That makes 10."}}
    assert list(map(said, outcome.errors)) == [("b", "'authors'")]


def without_authors() -> Library:
    """A library whose authors can't be read."""
    made = library()
    del made.tables["authors"]
    return made


# ----------------------------------------------------------------------------------------------------------- mutations


async def test_after_a_mutation_that_must_not_fail_none_is_done() -> None:
    text = """
    mutation { a: removeBook(id: "b1") { id } b: removeBook(id: "b1") { id } c: removeBook(id: "b2") { id } }
    """
    ours, theirs = library(), library()
    answered = resolved(theirs, text)
    outcome = await Asking(ours).ask(text)
    assert outcome.data is answered.data is None
    assert list(map(said, outcome.errors)) == list(map(said, answered.errors or ())) == [("b", "b1 is not here.")]
    assert [row["id"] for row in theirs.tables["books"]] == ["b2", "b3", "b4", "b5", "b6", "b7"]
    assert ours.tables == theirs.tables


SHELVED = build_schema(
    """
    type Query { nothing: Int }
    type Mutation { shelve: Shelved, must: Shelved! }
    type Shelved { words: [String] sure: [String!]! note: String! }
    """
)


@pytest.mark.parametrize("words", [5, "words", {"words": 1}, object()])
@pytest.mark.parametrize(
    "selected",
    [
        "shelve { words note }",
        "a: shelve { words } b: shelve { note }",
        "a: shelve { sure } b: shelve { note }",
        "must { words note }",
        "a: must { words } b: must { sure } c: must { note }",
    ],
)
async def test_a_list_of_leaves_that_is_none_is_an_error_where_there_are_others(selected: str, words: Any) -> None:
    async def shelve(*_: Any) -> Any:
        return SimpleNamespace(words=words, sure=words, note=None)

    declared = {f"Mutation.{name}": MutationCall(shelve) for name in ("shelve", "must")}
    both = await ask_both(library(), f"mutation {{ {selected} }}", graph=SHELVED, declared=declared)
    assert [said(error)[0] for error in both.ours.errors] == [said(error)[0] for error in both.errors]
    assert len(both.errors) > 0
