"""What is nested comes as a text, where the host writes: its shape, its gaps, and what can't be told within it."""

from collections.abc import Mapping
from typing import Any

import pytest
from librarian import Asking, Catalogue, Operation, plain
from library import Library, library
from resolvers import agree, resolved

from benegraph.execution import Json, Uncovered, sizes

WRITING = Catalogue(writing=True)


def writing(made: Library | None = None) -> Asking:
    return Asking(made or library(), catalogue=WRITING)


async def test_a_row_beneath_a_row_is_a_text() -> None:
    text = '{ book(id: "b1") { name author { name kind: __typename mentor { id } } } }'
    asking = writing()
    outcome = await asking.ask(text)
    assert outcome.data is not None
    assert isinstance(outcome.data["book"]["author"], Json)
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
            'query($n: Int) { entry(id: "a1") { ... on Author { works(first: $n) { nodes { name } } } } }',
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
    with pytest.raises(Uncovered) as uncovered:
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


@pytest.mark.parametrize(
    "asked",
    ["nodes { name } pageInfo { hasNextPage }", "edges { cursor }", "nodes { name } totalCount", "totalCount"],
)
async def test_a_page_that_tells_of_itself_comes_as_rows(asked: str) -> None:
    text = f'{{ entry(id: "a1") {{ ... on Author {{ works(first: 2) {{ {asked} }} }} }} }}'
    outcome = await writing().ask(text)
    assert outcome.data == resolved(library(), text).data  # with nothing in it that is written


async def test_a_payload_is_never_written() -> None:
    """What a mutation has changed can't be asked for again by the other executor."""
    text = 'mutation { addBook(book: {id: "b8", title: "x", authorId: "a1"}) { book { author { mentor { id } } } } }'
    outcome = await writing().ask(text)
    assert outcome.data == resolved(library(), text).data


def test_lists_for_many_parents_are_written_within_their_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "{ authors(first: 50) { nodes { books { name } } } }"
    assert Operation.of(text).plan(catalogue=WRITING).reads == 1
    assert Operation.of(text).plan().reads == 2
    monkeypatch.setattr(sizes, "WRITTEN_WITHIN", 49)
    assert Operation.of(text).plan(catalogue=WRITING).reads == 2
