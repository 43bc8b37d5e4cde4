"""Edges: which rows a key leads to, and which keys a reader is asked for."""

import pytest
from librarian import Asking, Catalogue, answer, fetches
from library import BOOKS_OF_AUTHOR, DECLARED, WORKS_OF_AUTHOR, Visitor, library, page
from resolvers import ask_both

from benegraph.execution import ToMany
from benegraph.execution.compile.thresholds import MAX_PARENTS_FOR_INLINE_ROWS

#: Of rows that are read in their parent's statement, and of such as take their own.
FEW_AND_MANY = pytest.mark.parametrize("first", [MAX_PARENTS_FOR_INLINE_ROWS, MAX_PARENTS_FOR_INLINE_ROWS + 1])


@FEW_AND_MANY
async def test_to_one_is_null_where_the_key_is_and_where_no_row_has_it(first: int) -> None:
    amiss = library(authors={"a2": {"mentor_id": "a9"}})
    text = f"{{ authors(first: {first}) {{ nodes {{ id mentor {{ name mentor {{ name }} }} }} }} }}"
    assert await answer(amiss, text) == {
        "authors": {
            "nodes": [
                {"id": "a3", "mentor": {"name": "Jorge Luis Borges", "mentor": None}},
                {"id": "a1", "mentor": None},
                {"id": "a2", "mentor": None},
            ]
        }
    }


@FEW_AND_MANY
async def test_to_many_holds_each_parents_rows_in_their_order(first: int) -> None:
    empty = library(books={"b6": {"author_id": "a2"}})
    text = f"{{ authors(first: {first}) {{ nodes {{ books {{ id }} }} }} }}"
    books: list[list[str]] = [[], ["b1", "b2", "b3"], ["b4", "b5", "b6"]]
    assert await answer(empty, text) == {
        "authors": {"nodes": [{"books": [{"id": id} for id in each]} for each in books]}
    }


async def test_to_several_holds_the_rows_of_the_keys_as_they_are_listed() -> None:
    listed = library(shelves={"s1": {"content_ids": ["b6", "b9", "b2", "b6"]}})
    text = '{ entries(ids: ["s1", "s2", "s3"]) { ... on Shelf { content { id } treasures { name } } } }'
    asking = Asking(listed)
    outcome = await asking.ask(text)
    assert outcome.errors == []
    assert outcome.data == {
        "entries": [
            {"content": [{"id": "b6"}, None, {"id": "b2"}, {"id": "b6"}], "treasures": [{"name": "Persuasion"}]},
            {"content": [], "treasures": []},
            {"content": None, "treasures": None},
        ]
    }
    assert [fetched.keys for fetched in asking.fetched] == [("s1", "s2", "s3"), ("b6", "b9", "b2"), ("b1",)]


async def test_where_no_key_is_there_nothing_is_fetched() -> None:
    text = '{ entry(id: "s3") { ... on Shelf { content { id } } } visitor { reading { id } favourites { id } } }'
    assert await fetches(library(), text) == ["rows shelves(content_ids)"]
    assert await answer(library(), text) == {
        "entry": {"content": None},
        "visitor": {"reading": None, "favourites": None},
    }


# ---------------------------------------------------------------------------------------------------- keys of lists

#: What the mentor of an author wrote: of one without a mentor, nothing.
OF_MENTORS = {
    **DECLARED,
    "Author.books": ToMany(BOOKS_OF_AUTHOR, "mentor_id"),
    "Author.works": page(WORKS_OF_AUTHOR, "mentor_id"),
}
NO_MENTORS = {"a2": {"mentor_id": None}, "a3": {"mentor_id": None}}


@pytest.mark.parametrize(
    ("beneath", "fetched"),
    [
        ("books { id }", ["rows books(id)"]),
        ("works(first: 1) { nodes { id } pageInfo { hasNextPage } }", ["rows books(id)"]),
        ("works { totalCount }", ["count books()"]),
        ("works { totalCount edges { cursor } }", ["rows books(place)", "count books(place)"]),
    ],
)
async def test_a_list_is_read_for_the_keys_that_are_there_alone(beneath: str, fetched: list[str]) -> None:
    text = f"{{ authors(first: {MAX_PARENTS_FOR_INLINE_ROWS + 1}) {{ nodes {{ id {beneath} }} }} }}"
    asking = Asking(library(), declared=OF_MENTORS)
    assert (await asking.ask(text)).errors == []
    assert asking.told[1:] == fetched
    assert [each.keys for each in asking.fetched[1:]] == [("a2", "a1")] * len(fetched)
    assert (await ask_both(library(), text, declared=OF_MENTORS)).errors == []


@pytest.mark.parametrize("writing", [False, True])
@FEW_AND_MANY
async def test_a_list_without_a_key_is_empty_and_so_is_a_page(first: int, *, writing: bool) -> None:
    text = f"""
    {{ authors(first: {first}) {{ nodes {{
      id books {{ id }} works {{ nodes {{ id }} }}
      all: works {{ nodes {{ id }} edges {{ cursor }} totalCount pageInfo {{ hasNextPage startCursor }} }}
    }} }} }}
    """
    both = await ask_both(library(), text, declared=OF_MENTORS, catalogue=Catalogue(writing))
    assert both.errors == both.ours.errors == []
    assert both.ours.data is not None
    nodes = {node.pop("id"): node for node in both.ours.data["authors"]["nodes"]}
    info = {"hasNextPage": False, "startCursor": None}
    assert nodes["a1"] == {
        "books": [],
        "works": {"nodes": []},
        "all": {"nodes": [], "edges": [], "totalCount": 0, "pageInfo": info},
    }
    assert nodes["a2"]["books"] == [{"id": "b1"}, {"id": "b2"}, {"id": "b3"}]


async def test_where_no_list_has_a_key_nothing_is_fetched() -> None:
    text = f"""
    {{
      authors(first: {MAX_PARENTS_FOR_INLINE_ROWS + 1}) {{
        nodes {{ books {{ id }} works {{ totalCount nodes {{ id }} }} }}
      }}
    }}
    """
    asking = Asking(library(authors=NO_MENTORS), declared=OF_MENTORS)
    outcome = await asking.ask(text)
    nothing = {"books": [], "works": {"totalCount": 0, "nodes": []}}
    assert (outcome.data, outcome.errors) == ({"authors": {"nodes": [nothing] * 3}}, [])
    assert asking.told == ["rows authors(mentor_id)"]


async def test_nor_is_it_beneath_what_is_there_already() -> None:
    made = library()
    made.visitor = Visitor(author_id=None)
    text = "{ visitor { own { id } works { totalCount nodes { id } } } }"
    assert await fetches(made, text) == []
    assert await answer(made, text) == {"visitor": {"own": [], "works": {"totalCount": 0, "nodes": []}}}
