"""Results of plans: exact data, the number of statements, and the order of mutations."""

import asyncio
from typing import Any

import pytest
from executor_comparison import compare_results
from library import BOOK, DECLARATIONS, Card, Source, Visitor, make_large_library, make_library
from library_executor import LibraryExecutor, ParsedOperation, describe_statements, fetch_data
from library_reader import LibraryMetadata

from benegraph.execution import Lookup, LookupKey
from benegraph.execution.compile.thresholds import MAX_PARENTS_FOR_INLINE_ROWS

AT_LIMIT, ABOVE_LIMIT = MAX_PARENTS_FOR_INLINE_ROWS, MAX_PARENTS_FOR_INLINE_ROWS + 1
#: Page sizes with which related rows are read within the parents' statement, and by a separate one.
NESTED_AND_SEPARATE = pytest.mark.parametrize("first", [AT_LIMIT, ABOVE_LIMIT], ids=["nested", "separate"])


# --------------------------------------------------------------------------------------------------------------- pages


async def test_page_has_nodes_edges_cursors_and_page_info() -> None:
    query = """
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
    assert await fetch_data(make_library(), query) == {
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
    last_page = (await fetch_data(make_library(), query, {"after": "Persuasion/b1"}))["books"]
    assert last_page["nodes"] == [{"name": "Sanditon"}]
    assert last_page["info"] == {
        "kind": "PageInfo",
        "hasNextPage": False,
        "hasPreviousPage": True,
        "startCursor": "Sanditon/b3",
        "endCursor": "Sanditon/b3",
    }


@pytest.mark.parametrize(
    ("first", "after", "nodes", "has_next_page"),
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
async def test_has_next_page_depends_on_one_row_more(
    first: int, after: str | None, nodes: list[str], has_next_page: bool
) -> None:
    query = """
    query ($first: Int, $after: String) {
      visitor { works(first: $first, after: $after) {
        nodes { id } edges { node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      } }
    }
    """
    works = (await fetch_data(make_library(), query, {"first": first, "after": after}))["visitor"]["works"]
    assert [node["id"] for node in works["nodes"]] == nodes
    assert [edge["node"]["id"] for edge in works["edges"]] == nodes
    info = works["pageInfo"]
    assert (info["hasNextPage"], info["hasPreviousPage"]) == (has_next_page, after is not None)
    ends = [cursor and cursor.rpartition("/")[2] for cursor in (info["startCursor"], info["endCursor"])]
    assert ends == ([nodes[0], nodes[-1]] if nodes else [None, None])


@pytest.mark.parametrize(
    ("arguments", "nodes", "has_previous_page", "has_next_page"),
    [
        ("last: 0", [], True, False),
        ("last: 2", ["b1", "b3"], True, False),
        ("last: 3", ["b2", "b1", "b3"], False, False),
        ("last: 4", ["b2", "b1", "b3"], False, False),
        ('last: 1, before: "Sanditon/b3"', ["b1"], True, True),
        ('last: 2, before: "Sanditon/b3"', ["b2", "b1"], False, True),
        ('last: 1, before: "Emma/b2"', [], False, True),
        ('last: 1, after: "Emma/b2"', ["b3"], True, False),
        ('last: 1, after: "Emma/b2", before: "Sanditon/b3"', ["b1"], False, True),
        ("first: 2, last: 1", ["b1"], True, True),
        ("first: 1, last: 2", ["b2"], True, True),
        ("first: 3, last: 3", ["b2", "b1", "b3"], False, False),
        ('first: 1, before: "Sanditon/b3"', ["b2"], False, True),
        ('first: 2, before: "Sanditon/b3"', ["b2", "b1"], False, False),
    ],
)
async def test_last_and_before_select_rows_as_relay_specifies(
    arguments: str, nodes: list[str], has_previous_page: bool, has_next_page: bool
) -> None:
    query = f"""
    {{ visitor {{ works({arguments}) {{
      nodes {{ id }} edges {{ node {{ id }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
    }} }} }}
    """
    works = (await fetch_data(make_library(), query))["visitor"]["works"]
    assert [node["id"] for node in works["nodes"]] == nodes
    assert [edge["node"]["id"] for edge in works["edges"]] == nodes
    info = works["pageInfo"]
    assert (info["hasPreviousPage"], info["hasNextPage"]) == (has_previous_page, has_next_page)
    ends = [cursor and cursor.rpartition("/")[2] for cursor in (info["startCursor"], info["endCursor"])]
    assert ends == ([nodes[0], nodes[-1]] if nodes else [None, None])


@NESTED_AND_SEPARATE
async def test_each_parent_has_several_pages(first: int) -> None:
    query = f"""
    {{
      authors(first: {first}) {{
        nodes {{
          id
          some: works(first: 1, filter: {{since: 1816}}) {{ totalCount edges {{ cursor }} pageInfo {{ hasNextPage }} }}
          rest: works(first: 2, after: "Emma/b2") {{ nodes {{ id }} pageInfo {{ hasPreviousPage }} }}
        }}
      }}
    }}
    """

    def page(total: int, *cursors: str, has_next_page: bool = False) -> dict[str, Any]:
        edges = [{"cursor": cursor} for cursor in cursors]
        return {"totalCount": total, "edges": edges, "pageInfo": {"hasNextPage": has_next_page}}

    def rest(*ids: str) -> dict[str, Any]:
        return {"nodes": [{"id": id} for id in ids], "pageInfo": {"hasPreviousPage": True}}

    assert await fetch_data(make_library(), query) == {
        "authors": {
            "nodes": [
                {"id": "a3", "some": page(1, "Nox/b6"), "rest": rest("b6")},
                {"id": "a1", "some": page(2, "Persuasion/b1", has_next_page=True), "rest": rest("b1", "b3")},
                {"id": "a2", "some": page(2, "El Aleph/b5", has_next_page=True), "rest": rest("b4")},
            ]
        }
    }


@NESTED_AND_SEPARATE
async def test_page_without_rows_is_empty(first: int) -> None:
    query = f"""
    {{ books(first: {first}, after: "Z/") {{ nodes {{ id author {{ id }} }} edges {{ cursor }} totalCount }} }}
    """
    assert await fetch_data(make_library(), query) == {"books": {"nodes": [], "edges": [], "totalCount": 7}}
    assert len(await describe_statements(make_library(), query)) == 2


# --------------------------------------------------------------------------------- computed fields and context objects


async def test_same_object_is_built_as_another_type() -> None:
    query = '{ book(id: "b2") { cover { __typename title subtitle book { __typename name author { name } } } } }'
    assert await fetch_data(make_library(), query) == {
        "book": {
            "cover": {
                "__typename": "Cover",
                "title": "Emma",
                "subtitle": "A Novel",
                "book": {"__typename": "Book", "name": "Emma", "author": {"name": "Jane Austen"}},
            }
        }
    }


@NESTED_AND_SEPARATE
async def test_computed_fields_use_their_parents_columns(first: int) -> None:
    query = f"""
    {{ books(first: {first}) {{ nodes {{
      id size {{ hours pages kind: __typename }} chapters {{ heading }} author {{ initials born again: initials }}
    }} }} }}
    """
    nodes = {node["id"]: node for node in (await fetch_data(make_library(), query))["books"]["nodes"]}
    assert nodes["b2"] == {
        "id": "b2",
        "size": {"hours": 11, "pages": 474, "kind": "Size"},
        "chapters": None,
        "author": {"initials": "JA", "born": 1775, "again": "JA"},
    }
    assert (nodes["b4"]["size"], nodes["b4"]["chapters"]) == (None, [{"heading": "Tlön"}, {"heading": "Pierre Menard"}])
    assert nodes["b5"]["chapters"] == []


@NESTED_AND_SEPARATE
async def test_batch_fields_are_computed_for_all_parents_at_once(first: int) -> None:
    library = make_library()
    library.stock = {"b1": 1, "b2": 0}
    executor = LibraryExecutor(library)
    result = await executor.execute(
        f"""
        query ($branch: String) {{
          authors(first: {first}) {{
            nodes {{ books {{ stock(branch: $branch) }} works(first: 2) {{ nodes {{ stock name }} }} }}
          }}
        }}
        """
    )
    assert result.errors == []
    assert result.data is not None
    no_stock = {"stock": None}
    assert result.data["authors"]["nodes"] == [
        {"books": [no_stock], "works": {"nodes": [no_stock | {"name": "Nox"}]}},
        {
            "books": [{"stock": 1}, {"stock": 0}, no_stock],
            "works": {"nodes": [{"stock": 0, "name": "Emma"}, {"stock": 1, "name": "Persuasion"}]},
        },
        {
            "books": [no_stock, no_stock],
            "works": {"nodes": [no_stock | {"name": "El Aleph"}, no_stock | {"name": "Ficciones"}]},
        },
    ]
    ids = [sorted(statement.keys) for statement in executor.statements if statement.action == "stock"]
    assert ids == [["b1", "b2", "b3", "b4", "b5", "b6"], ["b1", "b2", "b4", "b5", "b6"]]


async def test_batch_field_without_parents_is_not_computed() -> None:
    assert await describe_statements(make_library(), '{ books(after: "Z/") { nodes { stock } } }') == ["rows books(id)"]


async def test_context_objects_are_read_by_attributes() -> None:
    cards = (Card(7, "worn"), Card(8))
    library = make_library()
    library.visitor = Visitor(card=Card(1), cards=cards, book_id="b4", favorite_ids=("b2", "b9", "b2"))
    query = """
    {
      visitor {
        __typename name card { number note } cards { note number } shelf { name }
        currentBook { name author { name } } favorites { id } ownBooks { id }
        works(first: 1) { totalCount nodes { id } }
      }
      requiredVisitor { cards { __typename } }
    }
    """
    assert await fetch_data(library, query) == {
        "visitor": {
            "__typename": "Visitor",
            "name": "Ada",
            "card": {"number": 1, "note": None},
            "cards": [{"note": "worn", "number": 7}, {"note": None, "number": 8}],
            "shelf": {"name": "By the window"},
            "currentBook": {"name": "Ficciones", "author": {"name": "Jorge Luis Borges"}},
            "favorites": [{"id": "b2"}, None, {"id": "b2"}],
            "ownBooks": [{"id": "b1"}, {"id": "b2"}, {"id": "b3"}],
            "works": {"totalCount": 3, "nodes": [{"id": "b2"}]},
        },
        "requiredVisitor": {"cards": [{"__typename": "Card"}, {"__typename": "Card"}]},
    }
    library.visitor = None
    assert await fetch_data(library, "{ visitor { name } }") == {"visitor": None}


# ------------------------------------------------------------------------------------------------------------- lookups


@pytest.mark.parametrize(
    ("id", "expected"),
    [
        ("a1", {"__typename": "Author", "name": "Jane Austen", "born": 1775}),
        ("b4", {"__typename": "Book", "name": "Ficciones", "author": {"__typename": "Author"}}),
        ("s2", {"__typename": "Shelf", "name": "In the cellar"}),
        ("b9", None),
        ("", None),
    ],
)
async def test_lookup_returns_a_row_of_any_type(id: str, expected: Any) -> None:
    query = """
    query ($id: ID!) {
      entry(id: $id) { __typename name ... on Author { born } ... on Book { author { __typename } } }
    }
    """
    assert await fetch_data(make_library(), query, {"id": id}) == {"entry": expected}


async def test_lookup_of_many_reads_by_type_and_returns_rows_in_requested_order() -> None:
    query = """
    {
      entries(ids: ["b2", "a1", "b1", "b9", "b2", "", "a3"]) { id ... on Book { author { id } } ... on Author { born } }
    }
    """
    emma = {"id": "b2", "author": {"id": "a1"}}
    executor = LibraryExecutor(make_library())
    result = await executor.execute(query)
    assert result.errors == []
    assert result.data == {
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
    assert [statement.keys for statement in executor.statements] == [("b2", "b1", "b9"), ("a1", "a3")]


async def test_lookup_by_one_of_several_keys_of_a_type() -> None:
    sources = {"id": BOOK, "title": Source("books", "title")}
    declarations = {
        **DECLARATIONS,
        "Query.book": Lookup(sources, lambda _context, arguments: LookupKey(*arguments["id"].split(": "))),
    }
    query = """
    {
      book(id: "title: Emma") { __typename id author { name } }
      byId: book(id: "id: b2") { name }
      missing: book(id: "title: Nothing") { id }
    }
    """
    for renders_json in (False, True):
        metadata = LibraryMetadata(renders_json)
        assert await compare_results(make_library(), query, declarations=declarations, metadata=metadata) == []
    executor = LibraryExecutor(make_library(), declarations=declarations)
    result = await executor.execute(query)
    assert result.data == {
        "book": {"__typename": "Book", "id": "b2", "author": {"name": "Jane Austen"}},
        "byId": {"name": "Emma"},
        "missing": None,
    }
    keys = [statement.keys for statement in executor.statements if statement.keys != ("a1",)]
    assert keys == [("Emma",), ("b2",), ("Nothing",)]


async def test_typename_may_be_selected_on_every_type() -> None:
    query = """
    {
      __typename here: __typename
      books(first: 1) { __typename edges { __typename node { __typename cover { __typename } } } }
      authors { pageInfo { __typename } nodes { __typename } }
    }
    """
    assert await fetch_data(make_library(), query) == {
        "__typename": "Query",
        "here": "Query",
        "books": {
            "__typename": "Books",
            "edges": [{"__typename": "BookEdge", "node": {"__typename": "Book", "cover": {"__typename": "Cover"}}}],
        },
        "authors": {"pageInfo": {"__typename": "PageInfo"}, "nodes": [{"__typename": "Author"}] * 3},
    }
    assert await fetch_data(make_library(), "mutation { __typename }") == {"__typename": "Mutation"}


async def test_fields_are_in_the_order_of_the_document() -> None:
    query = """
    { authors(first: 1) { totalCount nodes { works { totalCount nodes { stock id } } id books { name } initials } } }
    """
    (author,) = (await fetch_data(make_library(), query))["authors"]["nodes"]
    assert list(author) == ["works", "id", "books", "initials"]
    assert list(author["works"]) == ["totalCount", "nodes"]
    assert list(author["works"]["nodes"][0]) == ["stock", "id"]


# ------------------------------------------------------------------------------------------------ number of statements


async def test_each_level_of_a_large_list_takes_one_statement() -> None:
    executor = LibraryExecutor(make_large_library(ABOVE_LIMIT, 2))
    result = await executor.execute(
        f"{{ authors(first: {ABOVE_LIMIT}) {{ nodes {{ id books {{ id publisher {{ name }} }} }} }} }}"
    )
    assert result.errors == []
    assert executor.described_statements == [
        "rows authors(id)",
        "rows books(id, publisher_id)",
        "rows publishers(name)",
    ]
    assert [statement.keys for statement in executor.statements] == [
        ("",),
        tuple(f"a{n}" for n in range(ABOVE_LIMIT)),
        tuple(f"p{n}" for n in range(ABOVE_LIMIT)),  # each key once, although two books have it
    ]
    assert result.data == {
        "authors": {
            "nodes": [
                {
                    "id": f"a{n}",
                    "books": [{"id": f"b{n}.{m}", "publisher": {"name": f"Publisher {n:03}"}} for m in range(2)],
                }
                for n in range(ABOVE_LIMIT)
            ]
        }
    }


@pytest.mark.parametrize("parents", [3, ABOVE_LIMIT])
async def test_number_of_statements_does_not_depend_on_number_of_rows(parents: int) -> None:
    query = f"""
    {{ authors(first: {ABOVE_LIMIT}) {{ totalCount nodes {{
      mentor {{ name mentor {{ name }} }} books {{ stock publisher {{ list {{ totalCount nodes {{ id }} }} }} }}
    }} }} }}
    """
    assert await describe_statements(make_large_library(parents, 3), query) == [
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


async def test_query_uses_one_reader() -> None:
    executor = LibraryExecutor(make_library())
    await executor.execute('{ a: books { totalCount } b: book(id: "b1") { stock } visitor { shelf { name } } }')
    assert (executor.single_statement_flags, executor.closed_readers) == ([False], 1)


async def test_error_of_a_reader_is_raised_and_closes_it() -> None:
    library = make_library()
    del library.tables["books"]
    executor = LibraryExecutor(library)
    with pytest.raises(KeyError, match="books"):
        await executor.execute("{ books { nodes { id } } }")
    assert executor.closed_readers == 1


# --------------------------------------------------------------------------------------------- one plan, many requests


async def test_plan_serves_concurrent_requests_with_different_variables() -> None:
    query = """
    query ($first: Int, $after: String, $id: ID!) {
      books(first: $first, after: $after) { nodes { id } }
      entry(id: $id) { name ... on Author { works(first: $first) { nodes { id } } } }
      fixed: books(first: 1) { nodes { id } }
    }
    """
    requests: list[dict[str, Any]] = [
        {"first": 1, "id": "a1"},
        {"first": 2, "after": "Emma/b2", "id": "b9"},
        {"after": "Z/", "id": "a2"},
        {"first": 1, "id": "a1"},
    ]
    plan = ParsedOperation.parse(query, requests[0]).compile()

    async def run(variables: dict[str, Any]) -> Any:
        result = await LibraryExecutor(make_library()).run_plan(plan, ParsedOperation.parse(query, variables).variables)
        assert result.errors == []
        return result.data

    def nodes(*ids: str) -> dict[str, Any]:
        return {"nodes": [{"id": id} for id in ids]}

    first_result = {"books": nodes("b7"), "entry": {"name": "Jane Austen", "works": nodes("b2")}, "fixed": nodes("b7")}
    expected = [
        first_result,
        {"books": nodes("b4", "b6"), "entry": None, "fixed": nodes("b7")},
        {"books": nodes(), "entry": {"name": "Jorge Luis Borges", "works": nodes("b5", "b4")}, "fixed": nodes("b7")},
        first_result,
    ]
    assert await asyncio.gather(*map(run, requests)) == expected
    assert [await run(variables) for variables in requests] == expected


# ----------------------------------------------------------------------------------------------------------- mutations


async def test_mutations_run_in_order_and_see_earlier_changes() -> None:
    query = """
    mutation ($title: String!) {
      first: addBook(book: {id: "b8", title: $title, authorId: "a3", genre: POEMS}) {
        note book { name genre author { works { totalCount } } }
      }
      removeBook(id: "b6") { id author { name books { id } } }
      __typename
      last: addBook(book: {id: "b6", title: "Nox", authorId: "a3"}) { book { genre author { books { name } } } note }
    }
    """
    executor = LibraryExecutor(make_library())
    result = await executor.execute(query, {"title": "Decreation"})
    assert result.errors == []
    assert result.data == {
        "first": {
            "note": "There are 8 books.",
            "book": {"name": "Decreation", "genre": "POEMS", "author": {"works": {"totalCount": 2}}},
        },
        "removeBook": {"id": "b6", "author": {"name": "Anne Carson", "books": [{"id": "b8"}]}},
        "__typename": "Mutation",
        "last": {
            "book": {"genre": "NOVEL", "author": {"books": [{"name": "Decreation"}, {"name": "Nox"}]}},
            "note": "There are 8 books.",
        },
    }
    assert list(result.data) == ["first", "removeBook", "__typename", "last"]
    assert len(executor.readers) == executor.closed_readers == 3
