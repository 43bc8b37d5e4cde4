"""What is nested comes as a text, where the host writes: its shape, its gaps, and what can't be told within it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql import build_schema
from librarian import Asking, Catalogue, Operation, plain
from library import AUTHORS, BOOK, WORKS_OF_AUTHOR, Library, full_library, library, page
from resolvers import agree, ask_both, resolved

from benegraph.execution import (
    Column,
    Computed,
    ComputedInBatch,
    Declaration,
    JsonFragment,
    ToManyByKeys,
    ToOne,
    UnsupportedOperation,
)
from benegraph.execution.compile import thresholds

WRITING = Catalogue(writing=True)
#: Parents of which each one's row is read within their own statement no more: what a book leads to is a gap.
MANY = thresholds.MAX_PARENTS_FOR_INLINE_ROWS + 1


def writing(made: Library | None = None) -> Asking:
    return Asking(made or library(), catalogue=WRITING)


async def test_a_row_beneath_a_row_is_a_text() -> None:
    text = '{ book(id: "b1") { name author { name kind: __typename mentor { id } } } }'
    asking = writing()
    outcome = await asking.ask(text)
    assert outcome.data is not None
    assert isinstance(outcome.data["book"]["author"], JsonFragment)
    assert plain(outcome.data) == resolved(library(), text).data
    assert len(asking.fetched) == 1


async def test_up_to_so_many_rows_are_written_within_and_beyond_that_looked_up() -> None:
    text = "{ authors { nodes { works(first: 100) { nodes { name author { name } publisher { name } } } } } }"
    asking = writing()
    outcome = await asking.ask(text)
    assert plain(outcome.data) == resolved(library(), text).data
    # The books of all authors in the authors' own statement; whose they are, once for all of them.
    assert [fetched.what for fetched in asking.fetched] == ["rows", "rows", "rows"]
    assert all(len(set(fetched.keys)) == len(fetched.keys) for fetched in asking.fetched)


@pytest.mark.parametrize(
    ("text", "variables", "reason"),
    [
        (
            'query($n: Int) { book(id: "b1") { author { works(first: $n) { nodes { name } } } } }',
            {"n": -1},
            "arguments",
        ),
        ('{ entry(id: "a1") { ... on Author { works(first: 9) { nodes { genre } } } } }', {}, "null"),
    ],
    ids=["a page that can't be", "a null where none may be"],
)
async def test_what_would_be_an_error_within_a_text_is_not_covered(
    text: str, variables: Mapping[str, Any], reason: str
) -> None:
    made = library(books={each["id"]: {"genre": None} for each in library().tables["books"]})
    with pytest.raises(UnsupportedOperation) as uncovered:
        await writing(made).ask(text, variables)
    assert uncovered.value.reason == reason
    assert await agree(made, text, variables) != []


async def test_a_page_by_a_variable_is_written_too() -> None:
    text = (
        'query($n: Int) { entry(id: "a1") { ... on Author { works(first: $n) { kind: __typename nodes { name } } } } }'
    )
    for number in (0, 1, 2):
        outcome = await writing().ask(text, {"n": number})
        assert plain(outcome.data) == resolved(library(), text, {"n": number}).data


async def test_a_payload_is_never_written() -> None:
    """What a mutation has changed can't be asked for again by the other executor."""
    text = 'mutation { addBook(book: {id: "b8", title: "x", authorId: "a1"}) { book { author { mentor { id } } } } }'
    outcome = await writing().ask(text)
    assert outcome.data == resolved(library(), text).data


def test_lists_for_many_parents_are_written_within_their_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"{{ authors(first: {MANY}) {{ nodes {{ initials books {{ name }} }} }} }}"  # the page itself is not written
    assert Operation.of(text).plan(catalogue=WRITING).statement_count == 1
    assert Operation.of(text).plan().statement_count == 2
    monkeypatch.setattr(thresholds, "MAX_PARENTS_FOR_INLINE_JSON", MANY - 1)
    assert Operation.of(text).plan(catalogue=WRITING).statement_count == 2


# --------------------------------------------------------------------------------------- pages that tell of themselves

#: Where a page of books may stand, and what of the answer is written then.
PLACES: Mapping[str, tuple[str, Sequence[str]]] = {
    "of all rows": ("{ books%s }", ["books"]),
    "in a row": ('{ entry(id: "a1") { ... on Author { id works%s } } }', ["entry", "works"]),
    "in a row's text": ('{ book(id: "b1") { author { id works%s } } }', ["book", "author"]),
    "in a page of all rows": ("{ authors { totalCount edges { node { works%s name } cursor } } }", ["authors"]),
}
#: Of Jane Austen's three books, and of all seven.
WHICH_BOOKS = [
    "first: 0",
    "first: 2",
    "first: 3",
    "first: 6",
    "first: 7",
    'first: 1, after: "Emma/b2"',
    'first: 2, after: "Emma/b2"',
    'after: "Z/"',
    "first: 1, which: {genres: [NOVEL], since: 1816}",
    "first: 2, which: {since: 3000}",
]
FRAGMENTS = {
    "Page": "fragment Page on Books { totalCount pageInfo { ...Info } ... { edges { ...Edge } } }",
    "Edge": "fragment Edge on BookEdge { at: cursor node { name } ... on BookEdge { node { year } } }",
    "Info": "fragment Info on PageInfo { hasNextPage ... { endCursor } }",
}
TOLD = [
    "totalCount",
    "kind: __typename a: totalCount b: totalCount",
    "nodes { name } totalCount",
    "totalCount nodes { name } again: totalCount",
    "pageInfo { hasNextPage }",
    "pageInfo { hasPreviousPage }",
    "pageInfo { startCursor } totalCount",
    "pageInfo { endCursor }",
    "pageInfo { hasNextPage __typename }",
    "pageInfo { kind: __typename a: hasNextPage b: hasPreviousPage c: startCursor d: endCursor }",
    "pageInfo { __typename hasNextPage hasPreviousPage startCursor endCursor } nodes { name }",
    "nodes { name } info: pageInfo { hasNextPage } pageInfo { endCursor hasNextPage } __typename",
    "edges { cursor }",
    "edges { __typename }",
    "lines: edges { at: cursor book: node { id } kind: __typename }",
    "edges { a: node { id author { name } } at: cursor b: node { name } again: cursor }",
    "edges { node { id } } totalCount edges { cursor node { name } }",
    "edges { node { author { works(first: 1) { totalCount edges { cursor } pageInfo { endCursor } } } } cursor }",
    "...Page",
    "... on Books { pageInfo { ...Info hasPreviousPage } nodes { ... on Entry { id } } }",
]


def spread(text: str) -> str:
    """Add the fragments that a text spreads."""
    for name, fragment in FRAGMENTS.items():
        text += fragment if f"...{name}" in text else ""
    return text


def at(data: Any, path: Sequence[str]) -> Any:
    for name in path:
        data = data[name]
    return data


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("selected", TOLD)
async def test_a_page_that_tells_of_itself_is_written_too(place: str, selected: str) -> None:
    around, path = PLACES[place]
    for arguments in WHICH_BOOKS:
        text = spread(around % f"({arguments}) {{ {selected} }}")
        asking = writing()
        outcome = await asking.ask(text)
        theirs = resolved(library(), text)
        assert (plain(outcome.data), outcome.errors, theirs.errors) == (theirs.data, [], None), text
        assert isinstance(at(outcome.data, path), JsonFragment)
        assert (len(asking.fetched), asking.opened) == (1, [True])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("selected", TOLD)
async def test_a_page_without_rows_tells_of_itself(place: str, selected: str) -> None:
    made = library()
    made.tables["books"] = [row for row in made.tables["books"] if row["id"] == "b1" and place == "in a row's text"]
    around, path = PLACES[place]
    text = spread(around % f'(after: "Z/") {{ {selected} }}')
    outcome = await writing(made).ask(text)
    assert (plain(outcome.data), outcome.errors) == (resolved(made, text).data, [])
    assert isinstance(at(outcome.data, path), JsonFragment)


async def test_what_a_page_tells_of_itself_stands_where_it_is_asked_for() -> None:
    text = """
    { books(first: 2, after: "Emma/b2") {
      all: totalCount pageInfo { endCursor hasNextPage } edges { node { id } at: cursor } kind: __typename
      info: pageInfo { hasPreviousPage startCursor }
    } }
    """
    outcome = await writing().ask(text)
    assert outcome.data is not None
    assert outcome.data["books"].text == (
        '{"all":7,"pageInfo":{"endCursor":"Nox/b6","hasNextPage":true},'
        '"edges":[{"node":{"id":"b4"},"at":"Ficciones/b4"},{"node":{"id":"b6"},"at":"Nox/b6"}],"kind":"Books",'
        '"info":{"hasPreviousPage":true,"startCursor":"Ficciones/b4"}}'
    )


@pytest.mark.parametrize("place", ["of all rows", "in a row"])
@pytest.mark.parametrize(
    ("selected", "is_written"),
    [
        ("totalCount", True),
        ("nodes { name } totalCount pageInfo { hasNextPage hasPreviousPage __typename }", True),
        ("edges { node { name } __typename }", True),
        ("edges { cursor }", False),
        ("edges { node { name } cursor }", False),
        ("pageInfo { startCursor }", False),
        ("nodes { name } pageInfo { hasNextPage endCursor }", False),
    ],
)
async def test_what_needs_a_cursor_comes_as_rows_where_the_host_writes_none(
    place: str, selected: str, *, is_written: bool
) -> None:
    around, path = PLACES[place]
    text = around % f"(first: 2) {{ {selected} }}"
    outcome = await Asking(library(), catalogue=Catalogue(writing=True, cursors=False)).ask(text)
    assert plain(outcome.data) == resolved(library(), text).data
    assert isinstance(at(outcome.data, path), JsonFragment if is_written else dict)
    assert (plain(outcome.data) == outcome.data) == (not is_written)


@pytest.mark.parametrize("place", ["of all rows", "in a row"])
@pytest.mark.parametrize(
    "selected",
    [
        "nodes { name } edges { cursor }",
        "edges { node { name } } totalCount nodes { name }",
        "nodes { name } again: nodes { id }",
        "edges { cursor } again: edges { node { id } }",
    ],
)
async def test_a_second_list_of_a_pages_rows_has_it_come_as_rows(place: str, selected: str) -> None:
    text = PLACES[place][0] % f"(first: 2) {{ {selected} }}"
    outcome = await writing().ask(text)
    assert outcome.data == resolved(library(), text).data  # with nothing in it that is written


# ------------------------------------------------------------------------------------------------- pages of all rows


@pytest.mark.parametrize("first", [1, MANY - 1, MANY])
async def test_a_page_of_all_rows_takes_one_statement(first: int) -> None:
    text = f"""
    {{ authors(first: {first}) {{
      totalCount pageInfo {{ hasNextPage endCursor }}
      edges {{ cursor node {{ name books {{ name }} works(first: 1) {{ nodes {{ id }} totalCount }} }} }}
    }} }}
    """
    assert Operation.of(text).plan(catalogue=WRITING).statement_count == 1
    asking = await answered_as_by_the_other(full_library(MANY, 2), text)
    assert (asking.told, asking.opened) == (["rows texts(page: authors())"], [True])


@pytest.mark.parametrize(
    "selected",
    [
        "nodes { name author { name } publisher { name } }",
        "totalCount edges { node { author { name } publisher { name } } cursor } pageInfo { endCursor }",
        "edges { a: node { author { name } } cursor b: node { publisher { name } } }",
        "edges { a: node { author { name } } b: node { publisher { name } } }",
    ],
)
async def test_a_page_of_all_rows_may_have_gaps(selected: str) -> None:
    asking = writing(full_library(MANY, 1))
    text = f"{{ books(first: {MANY}) {{ {selected} }} }}"
    outcome = await asking.ask(text)
    assert plain(outcome.data) == resolved(full_library(MANY, 1), text).data
    assert outcome.data is not None
    assert isinstance(outcome.data["books"], JsonFragment)
    assert (asking.told, asking.opened) == (
        ["rows texts(page: books())", "rows authors(name)", "rows publishers(name)"],
        [False],
    )


@pytest.mark.parametrize(
    ("text", "variables", "reason"),
    [
        ("{ books { nodes { id genre } } }", {}, "null"),
        ("{ books { edges { cursor node { genre } } totalCount } }", {}, "null"),
        ("{ books(first: 7) { nodes { publisher { name } } } }", {}, "null"),
        (f"{{ books(first: {MANY}) {{ nodes {{ publisher {{ name }} }} }} }}", {}, "null"),
        ("query ($n: Int) { authors { nodes { works(first: $n) { nodes { id } } } } }", {"n": -1}, "arguments"),
        ("query ($n: Int) { authors { edges { node { works(first: $n) { totalCount } } } } }", {"n": -1}, "arguments"),
    ],
)
async def test_what_would_be_an_error_within_a_page_of_all_rows_is_not_covered(
    text: str, variables: Mapping[str, Any], reason: str
) -> None:
    made = library(books={"b5": {"genre": None}, "b7": {"publisher_id": "p9"}})
    with pytest.raises(UnsupportedOperation) as uncovered:
        await writing(made).ask(text, variables)
    assert uncovered.value.reason == reason
    assert await agree(made, text, variables) != []


NO_PAGE, NO_PLACE = "A page has no less than 0 rows.", "That names no place."


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("query ($n: Int = -1) { books(first: $n) { nodes { id } } }", [("books", NO_PAGE)]),
        ("{ books(first: -1) { totalCount } visitor { name } }", [("books", NO_PAGE)]),
        ("{ authors(first: -1) { nodes { id } } visitor { name } }", [("authors", NO_PAGE)]),
        ('{ authors { nodes { id } } books(after: "x") { edges { cursor } } }', [("books", NO_PLACE)]),
        (
            "{ authors(first: 2) { nodes { works(first: -1) { totalCount } } } }",
            [("authors.nodes.0.works", NO_PAGE)],
        ),
        (
            'query ($n: Int = -1) { entry(id: "p1") { ... on Publisher { list(first: $n) { nodes { id } } } } }',
            [("entry.list", NO_PAGE)],
        ),
        (
            'query ($n: Int = -1) { entry(id: "a1") { ... on Author { name works(first: $n) { totalCount } } } }',
            [("entry.works", NO_PAGE)],
        ),
    ],
)
async def test_a_page_that_can_t_be_is_its_fields_error_where_that_lies_within_no_text(
    text: str, errors: Sequence[tuple[str, str]]
) -> None:
    assert await agree(library(), text, catalogue=WRITING) == errors


async def test_for_a_page_of_all_rows_that_can_t_be_nothing_is_read() -> None:
    asking = writing()
    outcome = await asking.ask("{ books(first: -1) { nodes { id } } }")
    assert (outcome.data, asking.fetched) == ({"books": None}, [])


# --------------------------------------------------------------------------- several of the operation's own fields


async def test_all_fields_of_the_operation_that_are_written_share_a_statement() -> None:
    text = """
    {
      a: book(id: "b1") { name author { name } }
      books(first: 1) { edges { cursor node { publisher { name } } } }
      __typename
      none: book(id: "b9") { name }
      b: book(id: "b1") { year }
      authors { nodes { works(first: 1) { totalCount } } }
    }
    """
    assert Operation.of(text).plan(catalogue=WRITING).statement_count == 1
    asking = writing()
    outcome = await asking.ask(text)
    assert plain(outcome.data) == resolved(library(), text).data
    assert outcome.data is not None
    assert list(outcome.data) == ["a", "books", "__typename", "none", "b", "authors"]
    assert [fetched.keys for fetched in asking.fetched] == [("b1", "", "b9", "b1", "")]
    assert asking.opened == [True]


async def test_of_several_one_that_can_t_be_is_an_error_beside_the_others() -> None:
    text = """
    query ($n: Int) {
      a: books(first: 1) { nodes { id } } b: books(first: $n) { nodes { id } } c: book(id: "b2") { name }
    }
    """
    assert await agree(library(), text, {"n": -1}, catalogue=WRITING) == [("b", NO_PAGE)]
    asking = writing()
    outcome = await asking.ask(text, {"n": -1})
    assert plain(outcome.data) == {"a": {"nodes": [{"id": "b7"}]}, "b": None, "c": {"name": "Emma"}}
    assert [fetched.keys for fetched in asking.fetched] == [("", None, "b2")]


# ---------------------------------------------------------------------------------------------------------------- gaps


def books_of_authors(selected: str, books: int = 2) -> str:
    return f"{{ authors(first: {MANY}) {{ nodes {{ works(first: {books}) {{ nodes {{ {selected} }} }} }} }} }}"


async def answered_as_by_the_other(made: Library, text: str) -> Asking:
    """See that what is written reads as what graphql-core answers, without errors."""
    asking = writing(made)
    outcome = await asking.ask(text)
    theirs = resolved(made, text)
    assert (plain(outcome.data), outcome.errors, theirs.errors) == (theirs.data, [], None)
    assert outcome.data is not None
    assert isinstance(outcome.data["authors"], JsonFragment)
    return asking


AUTHORLESS: Mapping[str, Mapping[str, Any]] = {
    "b2": {"author_id": None},
    "b3": {"author_id": "a9"},
    "b4": {"author_id": "null"},
}


@pytest.mark.parametrize(
    "selected",
    [
        "author { name }",
        "id author { name } year",
        "author { name } publisher { name }",
        "publisher { name } author { name } again: author { id }",
        "publisher { name } year kind: __typename author { name }",
        "author { mentor { name } books { author { name } } }",
    ],
)
async def test_where_no_key_is_there_or_no_row_has_it_a_gap_is_null(selected: str) -> None:
    made = library(books=AUTHORLESS, authors={"a3": {"id": "null"}})
    text = f'{{ entry(id: "p1") {{ ... on Publisher {{ list(first: {MANY}) {{ nodes {{ {selected} }} }} }} }} }}'
    asking = writing(made)
    outcome = await asking.ask(text)
    assert plain(outcome.data) == resolved(made, text).data
    nodes = {row["id"]: row for row in made.tables["books"] if row["publisher_id"] == "p1"}
    assert sum(node["author"] is None for node in plain(outcome.data)["entry"]["list"]["nodes"]) == len(nodes) - 1
    authors = [each.keys for each in asking.fetched if each.row_query and each.row_query.source.table == "authors"]
    assert {*authors[0]} == {"a1", "a9"}


async def test_a_gap_that_may_not_be_null_is_not_covered_where_no_row_has_its_key() -> None:
    made = library(books={"b2": {"publisher_id": "p9"}})
    with pytest.raises(UnsupportedOperation, match="null"):
        await writing(made).ask(books_of_authors("publisher { name }"))
    assert await agree(made, books_of_authors("publisher { name }")) != []


def with_author(id: str) -> Library:
    """A library in which an author has this key."""
    return library(authors={"a3": {"id": id}}, books={"b6": {"author_id": id}})


@pytest.mark.parametrize(
    "selected", ["author { name }", "author { name } publisher { name }", "id author { id } year publisher { id }"]
)
@pytest.mark.parametrize("key", ["a\x01b", "\x01", "a1\x01b", "\x1d\x1d", "a\x1eb"])
async def test_a_key_with_a_mark_in_it_is_raised_for(key: str, selected: str) -> None:
    """A host marks no such key: if it does, nothing is answered rather than something else."""
    with pytest.raises((LookupError, UnsupportedOperation)):
        await writing(with_author(key)).ask(books_of_authors(selected))


async def test_a_key_that_takes_another_gaps_turn_is_raised_for() -> None:
    with pytest.raises(LookupError):
        await writing(with_author("a1\x1d")).ask(books_of_authors("author { name } publisher { name }"))


@pytest.mark.parametrize("key", ["a1\x1d", "a1\x01b"])
async def test_a_key_that_the_host_does_not_mark_is_no_gap(key: str) -> None:
    asking = Asking(with_author(key), catalogue=Catalogue(writing=True, unmarked={"author_id"}))
    text = books_of_authors("id author { id name }")
    assert plain((await asking.ask(text)).data) == resolved(with_author(key), text).data
    assert asking.told[1:] == ["rows books(id, author_id)", "rows authors(id, name)"]
    text = books_of_authors("id publisher { name }")
    assert len((await asking.ask(text)).errors) == 0
    assert asking.told[3:] == ["rows texts(page: authors())", "rows publishers(name)"]


@pytest.mark.parametrize("key", ["", "null", '"', "\x02a1", "a1\x1c"])
async def test_a_key_may_be_any_other_text(key: str) -> None:
    await answered_as_by_the_other(with_author(key), books_of_authors("id author { id name } publisher { name }"))


async def test_gaps_are_looked_up_in_the_order_of_the_text_and_each_is_filled_once() -> None:
    written: list[Any] = []
    asking = Asking(full_library(MANY, 3), catalogue=Noting(True, noted=written))
    text = books_of_authors("publisher { name } author { id } name", 3)
    outcome = await asking.ask(text)
    assert plain(outcome.data) == resolved(full_library(MANY, 3), text).data
    authors, publishers = (tuple(f"{letter}{number}" for number in range(MANY)) for letter in "ap")
    assert [fetched.keys for fetched in asking.fetched] == [("",), publishers, authors]
    # Once, though each stands in three books.
    assert written == [{"name": f"Publisher {n:03}"} for n in range(MANY)] + [{"id": id} for id in authors]


@dataclass(frozen=True, slots=True)
class Noting(Catalogue):
    """Notes what is written into gaps."""

    noted: list[Any] = field(default_factory=list)

    def serialize(self, value: Any) -> str:
        self.noted.append(value)
        return Catalogue.serialize(self, value)


async def words_of(_reader: Any, parents: Sequence[Any], _arguments: Any) -> Sequence[Any]:
    return [parent.keywords for parent in parents]


#: What gives a list in which there is a null.
LISTS: Mapping[str, Declaration] = {
    "a column": Column("keywords"),
    "computed": Computed(lambda book: book.keywords, ("keywords",)),
    "computed at once": ComputedInBatch(words_of, ("keywords",)),
    "objects": Computed(lambda book: book.keywords and [None, book], ("id", "keywords")),
    "rows": ToManyByKeys(BOOK, "keywords"),
}


@pytest.mark.parametrize("may_lack", [True, False], ids=["may be", "may not be"])
@pytest.mark.parametrize("name", LISTS)
async def test_a_null_among_a_lists_items_is_a_failure_of_a_gap_only_where_it_may_not_be(
    name: str, *, may_lack: bool
) -> None:
    made = library(books={"b2": {"keywords": ["b1", None]}})
    of_objects = name in {"objects", "rows"}
    graph = build_schema(
        f"""
        type Query {{ authors(first: Int): Authors }}
        type Authors {{ nodes: [Author!]! }}
        type Author {{ works(first: Int): Books }}
        type Books {{ nodes: [Book!]! }}
        type Book {{ id: ID! again: Book list: [{"Book" if of_objects else "String"}{"" if may_lack else "!"}] }}
        """
    )
    declared: Mapping[str, Declaration] = {
        "Query.authors": page(AUTHORS),
        "Author.works": page(WORKS_OF_AUTHOR, "id"),
        "Book.again": ToOne(BOOK, "id"),
        "Book.list": LISTS[name],
    }
    text = books_of_authors(f"id again {{ list {'{ id }' if of_objects else ''} }}")
    if may_lack:
        both = await ask_both(made, text, graph=graph, declared=declared, catalogue=WRITING)
        assert (both.ours.errors, both.errors) == ([], [])
    else:
        with pytest.raises(UnsupportedOperation, match="null"):
            await ask_both(made, text, graph=graph, declared=declared, catalogue=WRITING)


#: A page of an author who is null, in the book's own text, and in a gap of what is written.
OF_NOBODY = [
    pytest.param('{ book(id: "b7") { author { works(first: $n) { nodes { id } } } } }', id="in a text"),
    pytest.param(
        f"""{{ entry(id: "p1") {{ ... on Publisher {{
          list(first: {MANY}) {{ nodes {{ author {{ works(first: $n) {{ nodes {{ id }} }} }} }} }}
        }} }} }}""",
        id="in a gap",
    ),
]


@pytest.mark.parametrize("text", OF_NOBODY)
async def test_a_page_that_can_t_be_is_not_covered_where_it_is_written_though_it_is_nobodys_error(text: str) -> None:
    made = library(books={each["id"]: {"author_id": "a9"} for each in library().tables["books"]})
    text = f"query ($n: Int) {text}"
    assert await agree(made, text, {"n": -1}) == []
    with pytest.raises(UnsupportedOperation, match="arguments"):
        await ask_both(made, text, {"n": -1}, catalogue=WRITING)
    assert (await ask_both(made, text, {"n": 1}, catalogue=WRITING)).ours.errors == []
