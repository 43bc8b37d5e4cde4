"""Running: exact answers, and how many fetches they take."""

import asyncio
from typing import Any

import pytest
from librarian import Asking, Operation, answer, fetches
from library import Card, Visitor, full_library, library

from benegraph.execution.compile.thresholds import MAX_PARENTS_FOR_INLINE_ROWS

FEW, MANY = MAX_PARENTS_FOR_INLINE_ROWS, MAX_PARENTS_FOR_INLINE_ROWS + 1
#: Of a page that is read in its parent's statement, and of one that takes its own.
FEW_AND_MANY = pytest.mark.parametrize("first", [FEW, MANY])


# ------------------------------------------------------------------------------------------------------------- pages


async def test_a_page_holds_nodes_edges_cursors_and_where_it_lies() -> None:
    text = """
    query ($after: String) {
      books(first: 2, after: $after) {
        kind: __typename
        nodes { name }
        edges { kind: __typename at: cursor node { id } }
        totalCount
        info: pageInfo { kind: __typename hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
    """
    assert await answer(library(), text) == {
        "books": {
            "kind": "Books",
            "nodes": [{"name": "Beowulf"}, {"name": "El Aleph"}],
            "edges": [
                {"kind": "BookEdge", "at": "Beowulf/b7", "node": {"id": "b7"}},
                {"kind": "BookEdge", "at": "El Aleph/b5", "node": {"id": "b5"}},
            ],
            "totalCount": 7,
            "info": {
                "kind": "PageInfo",
                "hasNextPage": True,
                "hasPreviousPage": False,
                "startCursor": "Beowulf/b7",
                "endCursor": "El Aleph/b5",
            },
        }
    }
    last = (await answer(library(), text, {"after": "Persuasion/b1"}))["books"]
    assert last["nodes"] == [{"name": "Sanditon"}]
    assert last["info"] == {
        "kind": "PageInfo",
        "hasNextPage": False,
        "hasPreviousPage": True,
        "startCursor": "Sanditon/b3",
        "endCursor": "Sanditon/b3",
    }


@pytest.mark.parametrize(
    ("first", "after", "nodes", "goes_on"),
    [
        (0, None, [], True),
        (2, None, ["b2", "b1"], True),
        (3, None, ["b2", "b1", "b3"], False),
        (4, None, ["b2", "b1", "b3"], False),
        (1, "Emma/b2", ["b1"], True),
        (1, "Persuasion/b1", ["b3"], False),
        (0, "Sanditon/b3", [], False),
        (1, "Sanditon/b3", [], False),
    ],
)
async def test_a_page_goes_on_where_one_row_more_was_found(
    first: int, after: str | None, nodes: list[str], goes_on: bool
) -> None:
    text = """
    query ($first: Int, $after: String) {
      visitor { works(first: $first, after: $after) {
        nodes { id } edges { node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      } }
    }
    """
    works = (await answer(library(), text, {"first": first, "after": after}))["visitor"]["works"]
    assert [node["id"] for node in works["nodes"]] == nodes
    assert [edge["node"]["id"] for edge in works["edges"]] == nodes
    info = works["pageInfo"]
    assert (info["hasNextPage"], info["hasPreviousPage"]) == (goes_on, after is not None)
    ends = [cursor and cursor.rpartition("/")[2] for cursor in (info["startCursor"], info["endCursor"])]
    assert ends == ([nodes[0], nodes[-1]] if nodes else [None, None])


@FEW_AND_MANY
async def test_several_pages_of_several_parents(first: int) -> None:
    text = f"""
    {{
      authors(first: {first}) {{
        nodes {{
          id
          some: works(first: 1, which: {{since: 1816}}) {{ totalCount edges {{ cursor }} pageInfo {{ hasNextPage }} }}
          rest: works(first: 2, after: "Emma/b2") {{ nodes {{ id }} pageInfo {{ hasPreviousPage }} }}
        }}
      }}
    }}
    """

    def page(total: int, *cursors: str, goes_on: bool = False) -> dict[str, Any]:
        edges = [{"cursor": cursor} for cursor in cursors]
        return {"totalCount": total, "edges": edges, "pageInfo": {"hasNextPage": goes_on}}

    def rest(*ids: str) -> dict[str, Any]:
        return {"nodes": [{"id": id} for id in ids], "pageInfo": {"hasPreviousPage": True}}

    assert await answer(library(), text) == {
        "authors": {
            "nodes": [
                {"id": "a3", "some": page(1, "Nox/b6"), "rest": rest("b6")},
                {"id": "a1", "some": page(2, "Persuasion/b1", goes_on=True), "rest": rest("b1", "b3")},
                {"id": "a2", "some": page(2, "El Aleph/b5", goes_on=True), "rest": rest("b4")},
            ]
        }
    }


@FEW_AND_MANY
async def test_a_page_of_no_rows(first: int) -> None:
    text = f"""
    {{ books(first: {first}, after: "Z/") {{ nodes {{ id author {{ id }} }} edges {{ cursor }} totalCount }} }}
    """
    assert await answer(library(), text) == {"books": {"nodes": [], "edges": [], "totalCount": 7}}
    assert len(await fetches(library(), text)) == 2


# --------------------------------------------------------------------------------- what is computed, held, and given


async def test_itself_is_seen_as_an_object_of_another_type() -> None:
    text = '{ book(id: "b2") { cover { __typename text line book { __typename name author { name } } } } }'
    assert await answer(library(), text) == {
        "book": {
            "cover": {
                "__typename": "Cover",
                "text": "Emma",
                "line": "A Novel",
                "book": {"__typename": "Book", "name": "Emma", "author": {"name": "Jane Austen"}},
            }
        }
    }


@FEW_AND_MANY
async def test_what_is_computed_from_a_parent(first: int) -> None:
    text = f"""
    {{ books(first: {first}) {{ nodes {{
      id size {{ hours pages kind: __typename }} chapters {{ heading }} author {{ initials born again: initials }}
    }} }} }}
    """
    nodes = {node["id"]: node for node in (await answer(library(), text))["books"]["nodes"]}
    assert nodes["b2"] == {
        "id": "b2",
        "size": {"hours": 11, "pages": 474, "kind": "Size"},
        "chapters": None,
        "author": {"initials": "JA", "born": 1775, "again": "JA"},
    }
    assert (nodes["b4"]["size"], nodes["b4"]["chapters"]) == (None, [{"heading": "Tlön"}, {"heading": "Pierre Menard"}])
    assert nodes["b5"]["chapters"] == []


@FEW_AND_MANY
async def test_what_is_computed_for_all_parents_at_once(first: int) -> None:
    counted = library()
    counted.stock = {"b1": 1, "b2": 0}
    asking = Asking(counted)
    outcome = await asking.ask(
        f"""
        query ($at: String) {{
          authors(first: {first}) {{
            nodes {{ books {{ stock(at: $at) }} works(first: 2) {{ nodes {{ stock name }} }} }}
          }}
        }}
        """
    )
    assert outcome.errors == []
    assert outcome.data is not None
    none = {"stock": None}
    assert outcome.data["authors"]["nodes"] == [
        {"books": [none], "works": {"nodes": [none | {"name": "Nox"}]}},
        {
            "books": [{"stock": 1}, {"stock": 0}, none],
            "works": {"nodes": [{"stock": 0, "name": "Emma"}, {"stock": 1, "name": "Persuasion"}]},
        },
        {"books": [none, none], "works": {"nodes": [none | {"name": "El Aleph"}, none | {"name": "Ficciones"}]}},
    ]
    known = [sorted(fetched.keys) for fetched in asking.fetched if fetched.what == "stock"]
    assert known == [["b1", "b2", "b3", "b4", "b5", "b6"], ["b1", "b2", "b4", "b5", "b6"]]


async def test_for_no_parents_nothing_is_computed() -> None:
    assert await fetches(library(), '{ books(after: "Z/") { nodes { stock } } }') == ["rows books(id)"]


async def test_what_is_given_is_read_by_its_attributes() -> None:
    cards = (Card(7, "worn"), Card(8))
    visited = library()
    visited.visitor = Visitor(card=Card(1), cards=cards, book_id="b4", favourite_ids=("b2", "b9", "b2"))
    text = """
    {
      visitor {
        __typename name card { number note } cards { note number } shelf { name }
        reading { name author { name } } favourites { id } own { id } works(first: 1) { totalCount nodes { id } }
      }
      host { cards { __typename } }
    }
    """
    assert await answer(visited, text) == {
        "visitor": {
            "__typename": "Visitor",
            "name": "Ada",
            "card": {"number": 1, "note": None},
            "cards": [{"note": "worn", "number": 7}, {"note": None, "number": 8}],
            "shelf": {"name": "By the window"},
            "reading": {"name": "Ficciones", "author": {"name": "Jorge Luis Borges"}},
            "favourites": [{"id": "b2"}, None, {"id": "b2"}],
            "own": [{"id": "b1"}, {"id": "b2"}, {"id": "b3"}],
            "works": {"totalCount": 3, "nodes": [{"id": "b2"}]},
        },
        "host": {"cards": [{"__typename": "Card"}, {"__typename": "Card"}]},
    }
    visited.visitor = None
    assert await answer(visited, "{ visitor { name } }") == {"visitor": None}


# ------------------------------------------------------------------------------------------------- what is looked for


@pytest.mark.parametrize(
    ("id", "found"),
    [
        ("a1", {"__typename": "Author", "name": "Jane Austen", "born": 1775}),
        ("b4", {"__typename": "Book", "name": "Ficciones", "author": {"__typename": "Author"}}),
        ("s2", {"__typename": "Shelf", "name": "In the cellar"}),
        ("b9", None),
        ("", None),
    ],
)
async def test_one_row_of_whatever_type_it_is(id: str, found: Any) -> None:
    text = """
    query ($id: ID!) {
      entry(id: $id) { __typename name ... on Author { born } ... on Book { author { __typename } } }
    }
    """
    assert await answer(library(), text, {"id": id}) == {"entry": found}


async def test_rows_of_several_types_are_fetched_by_the_type_and_given_in_the_order_asked_for() -> None:
    text = """
    {
      entries(ids: ["b2", "a1", "b1", "b9", "b2", "", "a3"]) { id ... on Book { author { id } } ... on Author { born } }
    }
    """
    emma = {"id": "b2", "author": {"id": "a1"}}
    asking = Asking(library())
    outcome = await asking.ask(text)
    assert outcome.errors == []
    assert outcome.data == {
        "entries": [
            emma,
            {"id": "a1", "born": 1775},
            {"id": "b1", "author": {"id": "a1"}},
            None,
            emma,
            None,
            {"id": "a3", "born": None},
        ]
    }
    assert [fetched.keys for fetched in asking.fetched] == [("b2", "b1", "b9"), ("a1", "a3")]


async def test_typename_is_answered_wherever_it_is_asked_for() -> None:
    text = """
    {
      __typename here: __typename
      books(first: 1) { __typename edges { __typename node { __typename cover { __typename } } } }
      authors { pageInfo { __typename } nodes { __typename } }
    }
    """
    assert await answer(library(), text) == {
        "__typename": "Query",
        "here": "Query",
        "books": {
            "__typename": "Books",
            "edges": [{"__typename": "BookEdge", "node": {"__typename": "Book", "cover": {"__typename": "Cover"}}}],
        },
        "authors": {"pageInfo": {"__typename": "PageInfo"}, "nodes": [{"__typename": "Author"}] * 3},
    }
    assert await answer(library(), "mutation { __typename }") == {"__typename": "Mutation"}


async def test_fields_are_answered_in_the_order_in_which_they_are_asked_for() -> None:
    text = """
    { authors(first: 1) { totalCount nodes { works { totalCount nodes { stock id } } id books { name } initials } } }
    """
    (author,) = (await answer(library(), text))["authors"]["nodes"]
    assert list(author) == ["works", "id", "books", "initials"]
    assert list(author["works"]) == ["totalCount", "nodes"]
    assert list(author["works"]["nodes"][0]) == ["stock", "id"]


# ------------------------------------------------------------------------------------------------- how many fetches


async def test_a_list_of_many_takes_as_many_fetches_as_levels() -> None:
    asking = Asking(full_library(MANY, 2))
    outcome = await asking.ask(f"{{ authors(first: {MANY}) {{ nodes {{ id books {{ id publisher {{ name }} }} }} }} }}")
    assert outcome.errors == []
    assert asking.told == ["rows authors(id)", "rows books(id, publisher_id)", "rows publishers(name)"]
    assert [fetched.keys for fetched in asking.fetched] == [
        ("",),
        tuple(f"a{n}" for n in range(MANY)),
        tuple(f"p{n}" for n in range(MANY)),  # each once, though two books have it
    ]
    assert outcome.data == {
        "authors": {
            "nodes": [
                {
                    "id": f"a{n}",
                    "books": [{"id": f"b{n}.{m}", "publisher": {"name": f"Publisher {n:03}"}} for m in range(2)],
                }
                for n in range(MANY)
            ]
        }
    }


@pytest.mark.parametrize("parents", [3, MANY])
async def test_how_many_rows_there_are_makes_no_difference(parents: int) -> None:
    text = f"""
    {{ authors(first: {MANY}) {{ totalCount nodes {{
      mentor {{ name mentor {{ name }} }} books {{ stock publisher {{ list {{ totalCount nodes {{ id }} }} }} }}
    }} }} }}
    """
    assert await fetches(full_library(parents, 3), text) == [
        "rows authors(mentor_id, id)",
        "count authors(mentor_id, id)",
        "rows authors(name, mentor_id)",
        "rows authors(name)",
        "rows books(id, publisher_id)",
        "stock",
        "rows publishers(id)",
        "rows books(id)",
        "count books(id)",
    ]


async def test_one_reader_reads_all_of_a_query() -> None:
    asking = Asking(library())
    await asking.ask('{ a: books { totalCount } b: book(id: "b1") { stock } visitor { shelf { name } } }')
    assert (asking.opened, asking.closed) == ([False], 1)


async def test_what_a_reader_raises_is_raised() -> None:
    closed = library()
    del closed.tables["books"]
    asking = Asking(closed)
    with pytest.raises(KeyError, match="books"):
        await asking.ask("{ books { nodes { id } } }")
    assert asking.closed == 1


# --------------------------------------------------------------------------------------------- one plan, many requests


async def test_a_plan_serves_requests_with_other_variables_one_beside_the_other() -> None:
    text = """
    query ($first: Int, $after: String, $id: ID!) {
      books(first: $first, after: $after) { nodes { id } }
      entry(id: $id) { name ... on Author { works(first: $first) { nodes { id } } } }
      fixed: books(first: 1) { nodes { id } }
    }
    """
    asked: list[dict[str, Any]] = [
        {"first": 1, "id": "a1"},
        {"first": 2, "after": "Emma/b2", "id": "b9"},
        {"after": "Z/", "id": "a2"},
        {"first": 1, "id": "a1"},
    ]
    plan = Operation.of(text, asked[0]).plan()

    async def ask(variables: dict[str, Any]) -> Any:
        outcome = await Asking(library()).run(plan, Operation.of(text, variables).variables)
        assert outcome.errors == []
        return outcome.data

    def nodes(*ids: str) -> dict[str, Any]:
        return {"nodes": [{"id": id} for id in ids]}

    first = {"books": nodes("b7"), "entry": {"name": "Jane Austen", "works": nodes("b2")}, "fixed": nodes("b7")}
    expected = [
        first,
        {"books": nodes("b4", "b6"), "entry": None, "fixed": nodes("b7")},
        {"books": nodes(), "entry": {"name": "Jorge Luis Borges", "works": nodes("b5", "b4")}, "fixed": nodes("b7")},
        first,
    ]
    assert await asyncio.gather(*map(ask, asked)) == expected
    assert [await ask(each) for each in asked] == expected


# -------------------------------------------------------------------------------------------------------- mutations


async def test_mutations_are_done_in_order_and_each_sees_those_before_it() -> None:
    text = """
    mutation ($title: String!) {
      first: addBook(book: {id: "b8", title: $title, authorId: "a3", genre: POEMS}) {
        note book { name genre author { works { totalCount } } }
      }
      removeBook(id: "b6") { id author { name books { id } } }
      __typename
      last: addBook(book: {id: "b6", title: "Nox", authorId: "a3"}) { book { genre author { books { name } } } note }
    }
    """
    asking = Asking(library())
    outcome = await asking.ask(text, {"title": "Decreation"})
    assert outcome.errors == []
    assert outcome.data == {
        "first": {
            "note": "That makes 8.",
            "book": {"name": "Decreation", "genre": "POEMS", "author": {"works": {"totalCount": 2}}},
        },
        "removeBook": {"id": "b6", "author": {"name": "Anne Carson", "books": [{"id": "b8"}]}},
        "__typename": "Mutation",
        "last": {
            "book": {"genre": "NOVEL", "author": {"books": [{"name": "Decreation"}, {"name": "Nox"}]}},
            "note": "That makes 8.",
        },
    }
    assert list(outcome.data) == ["first", "removeBook", "__typename", "last"]
    assert len(asking.readers) == asking.closed == 3
