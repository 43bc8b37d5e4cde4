"""Errors in a host's functions, values and reads: each is reported as its field's error, or raised."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from executor_comparison import compare_data, compare_results, path_and_message
from graphql import build_schema, print_schema
from library import (
    AUTHOR,
    BOOK,
    DECLARATIONS,
    SCHEMA,
    Card,
    Chapter,
    Library,
    Visitor,
    make_library,
    parse_id,
)
from library_executor import LibraryExecutor
from reference_executor import execute_reference

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

VALUE_ERROR = ValueError("The value is lost.")


def raise_error(*_: Any) -> Any:
    raise ZeroDivisionError("The computation failed.")


# -------------------------------------------------------------------------------------- values of the host's functions


async def test_exception_of_a_compute_function_is_its_fields_error() -> None:
    query = '{ book(id: "b1") { name size { pages } } visitor { name } }'
    declarations = {**DECLARATIONS, "Book.size": Computed(raise_error, ())}
    result = await LibraryExecutor(make_library(), declarations=declarations).execute(query)
    assert result.data == {"book": {"name": "Persuasion", "size": None}, "visitor": {"name": "Ada"}}
    assert list(map(path_and_message, result.errors)) == [("book.size", "The computation failed.")]


@pytest.mark.parametrize("get", [raise_error, lambda _context: ZeroDivisionError("The computation failed.")])
@pytest.mark.parametrize("field", ["visitor", "requiredVisitor"])
async def test_exception_from_the_context_is_its_fields_error(field: str, get: Callable[[Any], Any]) -> None:
    query = f'{{ book(id: "b1") {{ name }} {field} {{ name }} books(first: 1) {{ nodes {{ id }} }} }}'
    declarations = {**DECLARATIONS, f"Query.{field}": FromContext(get)}
    errors = await compare_results(make_library(), query, declarations=declarations)
    assert errors == [(field, "The computation failed.")]


NULLABLE_CHAPTERS_SCHEMA = build_schema(print_schema(SCHEMA).replace("chapters: [Chapter!]", "chapters: [Chapter]"))


@pytest.mark.parametrize(
    ("coordinate", "field", "value", "paths"),
    [
        ("Book.year", "year", VALUE_ERROR, ["year"]),
        ("Book.subtitle", "subtitle", VALUE_ERROR, ["subtitle"]),
        ("Book.keywords", "keywords", VALUE_ERROR, ["keywords"]),
        ("Book.size", "size { pages }", VALUE_ERROR, ["size"]),
        ("Book.chapters", "chapters { heading }", VALUE_ERROR, ["chapters"]),
        ("Book.chapters", "chapters { heading }", [Chapter("x"), VALUE_ERROR, None, Chapter("y")], ["chapters.1"]),
        ("Book.chapters", "chapters { heading }", [VALUE_ERROR, VALUE_ERROR], ["chapters.0", "chapters.1"]),
        ("Book.copies", "copies { number }", [VALUE_ERROR], ["copies.0"]),
        ("Book.keywords", "keywords", ["a", VALUE_ERROR, "b"], ["keywords.1"]),
    ],
)
@pytest.mark.parametrize("in_batch", [False, True])
async def test_exception_as_a_computed_value_is_an_error_of_its_field_or_item(
    coordinate: str, field: str, value: Any, paths: Sequence[str], *, in_batch: bool
) -> None:
    async def load(_reader: Any, parents: Sequence[Any], _arguments: Any) -> Sequence[Any]:
        return [value] * len(parents)

    declarations = {
        **DECLARATIONS,
        coordinate: ComputedInBatch(load, ()) if in_batch else Computed(lambda _book: value, ()),
    }
    query = f'{{ book(id: "b1") {{ name {field} }} visitor {{ name }} }}'
    errors = await compare_results(make_library(), query, schema=NULLABLE_CHAPTERS_SCHEMA, declarations=declarations)
    assert errors == [(f"book.{path}", "The value is lost.") for path in paths]


@pytest.mark.parametrize(
    ("visitor", "path"),
    [
        (Visitor(card=VALUE_ERROR), "card"),  # type: ignore[arg-type] # the wrong type is intended
        (Visitor(cards=[Card(1), VALUE_ERROR]), "cards.1"),  # type: ignore[list-item] # the wrong type is intended
        (Visitor(cards=VALUE_ERROR), "cards"),  # type: ignore[arg-type] # the wrong type is intended
    ],
)
async def test_exception_that_a_parent_holds_is_an_error_of_its_field_or_item(visitor: Visitor, path: str) -> None:
    library = make_library()
    library.visitor = visitor
    query = "{ visitor { name card { number } cards { note } } requiredVisitor { name } }"
    assert await compare_results(library, query) == [(f"visitor.{path}", "The value is lost.")]


class ListSubclass(list[Any]):
    pass


@pytest.mark.parametrize(
    "make_iterable", [list, tuple, ListSubclass, deque, frozenset, lambda items: dict.fromkeys(items).keys()]
)
@pytest.mark.parametrize("origin", ["held", "computed"])
async def test_lists_of_objects_may_be_any_iterable(origin: str, make_iterable: Callable[[Any], Any]) -> None:
    cards = [Card(1, "worn")]
    visitor = SimpleNamespace(cards=make_iterable(cards))
    declarations: dict[str, Declaration] = {
        **DECLARATIONS,
        "Query.visitor": FromContext(lambda _context: visitor),
        "Book.copies": Computed(lambda _book: make_iterable(cards), ()),
        "Book.chapters": Computed(lambda _book: iter([Chapter("x"), Chapter(None)]), ()),
    }
    if origin == "held":
        assert await compare_results(make_library(), "{ visitor { cards { note } } }", declarations=declarations) == []
    else:
        query = '{ book(id: "b1") { copies { number } chapters { heading } } }'
        paths = [path for path, _ in await compare_results(make_library(), query, declarations=declarations)]
        assert paths == ["book.chapters.1.heading"]


def failing_iterator() -> Iterator[Chapter]:
    yield Chapter("x")
    raise ZeroDivisionError("The computation failed.")


@pytest.mark.parametrize("value", ["chapters", {"heading": "x"}, 7, Chapter("x")])
async def test_list_of_objects_that_is_not_iterable_is_an_error(value: Any) -> None:
    declarations = {**DECLARATIONS, "Book.chapters": Computed(lambda _book: value, ())}
    query = '{ book(id: "b1") { name chapters { heading } } }'
    errors = await compare_results(make_library(), query, schema=NULLABLE_CHAPTERS_SCHEMA, declarations=declarations)
    assert [path for path, _ in errors] == ["book.chapters"]


async def test_exception_of_an_iterator_is_its_fields_error() -> None:
    declarations = {**DECLARATIONS, "Book.chapters": Computed(lambda _book: failing_iterator(), ())}
    query = '{ book(id: "b1") { name chapters { heading } } }'
    errors = await compare_results(make_library(), query, schema=NULLABLE_CHAPTERS_SCHEMA, declarations=declarations)
    assert errors == [("book.chapters", "The computation failed.")]


# ------------------------------------------------------------------------------------------------------------- lookups

AUTHORS_AND_BOOKS = {"Author": AUTHOR, "Book": BOOK}


async def test_type_that_is_never_looked_up_needs_no_source() -> None:
    query = """
    {
      entry(id: "b1") { __typename name ... on Shelf { content { id } } }
      entries(ids: ["a1", "b9", "", "b2"]) { name }
    }
    """
    declarations = {
        **DECLARATIONS,
        "Query.entry": Lookup(AUTHORS_AND_BOOKS, lambda _context, arguments: LookupKey("Book", arguments["id"])),
        "Query.entries": LookupMany(AUTHORS_AND_BOOKS, lambda _context, arguments: [*map(parse_id, arguments["ids"])]),
    }
    assert await compare_results(make_library(), query, declarations=declarations) == []


@pytest.mark.parametrize("type_name", ["Publisher", "Visitor", "Nothing"])
async def test_lookup_of_a_type_without_source_is_its_fields_error(type_name: str) -> None:
    query = '{ entry(id: "b1") { name } book(id: "b1") { name } entries(ids: ["b1", "x", "a1"]) { name } }'
    keys = [LookupKey("Book", "b1"), LookupKey(type_name, "p1"), LookupKey("Author", "a1")]
    declarations = {
        **DECLARATIONS,
        "Query.entry": Lookup(AUTHORS_AND_BOOKS, lambda *_: LookupKey(type_name, "p1")),
        "Query.entries": LookupMany(AUTHORS_AND_BOOKS, lambda *_: keys),
    }
    result = await LibraryExecutor(make_library(), declarations=declarations).execute(query)
    assert result.data == {
        "entry": None,
        "book": {"name": "Persuasion"},
        "entries": [{"name": "Persuasion"}, None, {"name": "Jane Austen"}],
    }
    message = f"No source is declared for the type {type_name}."
    assert sorted(map(path_and_message, result.errors)) == [("entries.1", message), ("entry", message)]


# ---------------------------------------------------------------------------------------------- unsupported operations


def stock_raises(error: Exception) -> Mapping[str, Declaration]:
    async def load(*_: Any) -> Sequence[Any]:
        raise error

    return {**DECLARATIONS, "Book.stock": ComputedInBatch(load, ("id",))}


async def test_unsupported_operation_of_a_load_function_is_raised() -> None:
    executor = LibraryExecutor(make_library(), declarations=stock_raises(UnsupportedOperation("another")))
    with pytest.raises(UnsupportedOperation) as raised:
        await executor.execute("{ books { nodes { stock } } }")
    assert raised.value.reason == "another"
    assert (executor.single_statement_flags, executor.closed_readers) == ([False], 1)


async def test_other_exception_of_a_load_function_is_every_parents_error() -> None:
    errors = await compare_results(
        make_library(), "{ books(first: 2) { nodes { id stock } } }", declarations=stock_raises(VALUE_ERROR)
    )
    assert errors == [(f"books.nodes.{index}.stock", "The value is lost.") for index in range(2)]


async def test_unsupported_operation_in_a_payload_is_its_fields_error() -> None:
    library = make_library()
    result = await LibraryExecutor(library, declarations=stock_raises(UnsupportedOperation("another"))).execute(
        'mutation { a: removeBook(id: "b1") { id } addBook(book: {id: "b1", title: "x"}) { note book { stock } } }'
    )
    assert result.data == {"a": {"id": "b1"}, "addBook": None}
    assert list(map(path_and_message, result.errors)) == [("addBook", "another")]
    assert [row["id"] for row in library.tables["books"]] == ["b2", "b3", "b4", "b5", "b6", "b7", "b1"]


# ----------------------------------------------------------------------------------------------------- errors of reads


async def test_exception_of_a_read_is_raised() -> None:
    executor = LibraryExecutor(make_library_without_authors())
    with pytest.raises(KeyError):
        await executor.execute("{ books { nodes { author { name } } } }")
    assert executor.closed_readers == 1


async def test_exception_of_a_read_in_a_payload_is_its_fields_error() -> None:
    result = await LibraryExecutor(make_library_without_authors()).execute(
        """
        mutation {
          a: addBook(book: {id: "b8", title: "x", authorId: "a1"}) { note }
          b: addBook(book: {id: "b9", title: "x", authorId: "a1"}) { note book { author { name } } }
          c: addBook(book: {id: "b0", title: "x", authorId: "a1"}) { note }
        }
        """
    )
    assert result.data == {"a": {"note": "There are 8 books."}, "b": None, "c": {"note": "There are 10 books."}}
    assert list(map(path_and_message, result.errors)) == [("b", "'authors'")]


def make_library_without_authors() -> Library:
    """Make a library in which reading authors raises KeyError."""
    library = make_library()
    del library.tables["authors"]
    return library


# ----------------------------------------------------------------------------------------------------------- mutations


async def test_no_mutation_runs_after_the_data_became_null() -> None:
    query = """
    mutation { a: removeBook(id: "b1") { id } b: removeBook(id: "b1") { id } c: removeBook(id: "b2") { id } }
    """
    library, reference_library = make_library(), make_library()
    reference = execute_reference(reference_library, query)
    result = await LibraryExecutor(library).execute(query)
    assert result.data is reference.data is None
    expected = [("b", "There is no book b1.")]
    assert list(map(path_and_message, result.errors)) == expected
    assert list(map(path_and_message, reference.errors or ())) == expected
    assert [row["id"] for row in reference_library.tables["books"]] == ["b2", "b3", "b4", "b5", "b6", "b7"]
    assert library.tables == reference_library.tables


LEAF_LIST_SCHEMA = build_schema(
    """
    type Query { nothing: Int }
    type Mutation { change: Change, requiredChange: Change! }
    type Change { words: [String] requiredWords: [String!]! note: String! }
    """
)


@pytest.mark.parametrize("words", [5, "words", {"words": 1}, object()])
@pytest.mark.parametrize(
    "fields",
    [
        "change { words note }",
        "a: change { words } b: change { note }",
        "a: change { requiredWords } b: change { note }",
        "requiredChange { words note }",
        "a: requiredChange { words } b: requiredChange { requiredWords } c: requiredChange { note }",
    ],
)
async def test_list_of_leaves_that_is_not_a_list_is_an_error_beside_other_errors(fields: str, words: Any) -> None:
    async def change(*_: Any) -> Any:
        return SimpleNamespace(words=words, requiredWords=words, note=None)

    declarations = {f"Mutation.{name}": MutationCall(change) for name in ("change", "requiredChange")}
    pair = await compare_data(
        make_library(), f"mutation {{ {fields} }}", schema=LEAF_LIST_SCHEMA, declarations=declarations
    )
    assert [error.path for error in pair.ours.errors] == [error.path for error in pair.reference_errors]
    assert len(pair.reference_errors) > 0
