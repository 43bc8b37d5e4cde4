"""Related rows: which rows belong to a key, and which keys are requested of a reader."""

import pytest
from executor_comparison import compare_data
from library import BOOKS_OF_AUTHOR, DECLARATIONS, WORKS_OF_AUTHOR, Visitor, make_library, to_page
from library_executor import LibraryExecutor, describe_statements, fetch_data
from library_reader import LibraryMetadata

from benegraph.execution import ToMany
from benegraph.execution.compile.thresholds import MAX_PARENTS_FOR_INLINE_ROWS

#: Page sizes with which related rows are read within the parents' statement, and by a separate one.
NESTED_AND_SEPARATE = pytest.mark.parametrize(
    "first", [MAX_PARENTS_FOR_INLINE_ROWS, MAX_PARENTS_FOR_INLINE_ROWS + 1], ids=["nested", "separate"]
)


@NESTED_AND_SEPARATE
async def test_to_one_is_null_for_a_null_key_and_for_a_missing_row(first: int) -> None:
    library = make_library(authors={"a2": {"mentor_id": "a9"}})
    query = f"{{ authors(first: {first}) {{ nodes {{ id mentor {{ name mentor {{ name }} }} }} }} }}"
    assert await fetch_data(library, query) == {
        "authors": {
            "nodes": [
                {"id": "a3", "mentor": {"name": "Jorge Luis Borges", "mentor": None}},
                {"id": "a1", "mentor": None},
                {"id": "a2", "mentor": None},
            ]
        }
    }


@NESTED_AND_SEPARATE
async def test_to_many_has_each_parents_rows_in_order(first: int) -> None:
    library = make_library(books={"b6": {"author_id": "a2"}})
    query = f"{{ authors(first: {first}) {{ nodes {{ books {{ id }} }} }} }}"
    ids: list[list[str]] = [[], ["b1", "b2", "b3"], ["b4", "b5", "b6"]]
    assert await fetch_data(library, query) == {
        "authors": {"nodes": [{"books": [{"id": id} for id in book_ids]} for book_ids in ids]}
    }


async def test_to_many_by_keys_has_rows_in_the_order_of_the_keys() -> None:
    library = make_library(shelves={"s1": {"content_ids": ["b6", "b9", "b2", "b6"]}})
    query = '{ entries(ids: ["s1", "s2", "s3"]) { ... on Shelf { content { id } treasures { name } } } }'
    executor = LibraryExecutor(library)
    result = await executor.execute(query)
    assert result.errors == []
    assert result.data == {
        "entries": [
            {"content": [{"id": "b6"}, None, {"id": "b2"}, {"id": "b6"}], "treasures": [{"name": "Persuasion"}]},
            {"content": [], "treasures": []},
            {"content": None, "treasures": None},
        ]
    }
    assert [statement.keys for statement in executor.statements] == [("s1", "s2", "s3"), ("b6", "b9", "b2"), ("b1",)]


async def test_null_keys_read_no_rows() -> None:
    query = '{ entry(id: "s3") { ... on Shelf { content { id } } } visitor { currentBook { id } favorites { id } } }'
    assert await describe_statements(make_library(), query) == ["rows shelves(content_ids)"]
    assert await fetch_data(make_library(), query) == {
        "entry": {"content": None},
        "visitor": {"currentBook": None, "favorites": None},
    }


# ---------------------------------------------------------------------------------------------- nullable keys of lists

#: Lists by a nullable key: an author without a mentor has none.
MENTOR_DECLARATIONS = {
    **DECLARATIONS,
    "Author.books": ToMany(BOOKS_OF_AUTHOR, "mentor_id"),
    "Author.works": to_page(WORKS_OF_AUTHOR, "mentor_id"),
}
NO_MENTORS = {"a2": {"mentor_id": None}, "a3": {"mentor_id": None}}


@pytest.mark.parametrize(
    ("fields", "statements"),
    [
        ("books { id }", ["rows books(id)"]),
        ("works(first: 1) { nodes { id } pageInfo { hasNextPage } }", ["rows books(id)"]),
        ("works { totalCount }", ["count books()"]),
        ("works { totalCount edges { cursor } }", ["rows books(order key)", "count books(order key)"]),
    ],
)
async def test_lists_are_read_for_non_null_keys_only(fields: str, statements: list[str]) -> None:
    query = f"{{ authors(first: {MAX_PARENTS_FOR_INLINE_ROWS + 1}) {{ nodes {{ id {fields} }} }} }}"
    executor = LibraryExecutor(make_library(), declarations=MENTOR_DECLARATIONS)
    assert (await executor.execute(query)).errors == []
    assert executor.described_statements[1:] == statements
    assert [statement.keys for statement in executor.statements[1:]] == [("a2", "a1")] * len(statements)
    assert (await compare_data(make_library(), query, declarations=MENTOR_DECLARATIONS)).reference_errors == []


@pytest.mark.parametrize("renders_json", [False, True])
@NESTED_AND_SEPARATE
async def test_list_and_page_of_a_null_key_are_empty(first: int, *, renders_json: bool) -> None:
    query = f"""
    {{ authors(first: {first}) {{ nodes {{
      id books {{ id }} works {{ nodes {{ id }} }}
      full: works {{ nodes {{ id }} edges {{ cursor }} totalCount pageInfo {{ hasNextPage startCursor }} }}
    }} }} }}
    """
    pair = await compare_data(
        make_library(), query, declarations=MENTOR_DECLARATIONS, metadata=LibraryMetadata(renders_json)
    )
    assert pair.reference_errors == pair.ours.errors == []
    assert pair.ours.data is not None
    nodes = {node.pop("id"): node for node in pair.ours.data["authors"]["nodes"]}
    info = {"hasNextPage": False, "startCursor": None}
    assert nodes["a1"] == {
        "books": [],
        "works": {"nodes": []},
        "full": {"nodes": [], "edges": [], "totalCount": 0, "pageInfo": info},
    }
    assert nodes["a2"]["books"] == [{"id": "b1"}, {"id": "b2"}, {"id": "b3"}]


async def test_lists_of_null_keys_read_no_rows() -> None:
    query = f"""
    {{
      authors(first: {MAX_PARENTS_FOR_INLINE_ROWS + 1}) {{
        nodes {{ books {{ id }} works {{ totalCount nodes {{ id }} }} }}
      }}
    }}
    """
    executor = LibraryExecutor(make_library(authors=NO_MENTORS), declarations=MENTOR_DECLARATIONS)
    result = await executor.execute(query)
    no_books = {"books": [], "works": {"totalCount": 0, "nodes": []}}
    assert (result.data, result.errors) == ({"authors": {"nodes": [no_books] * 3}}, [])
    assert executor.described_statements == ["rows authors(mentor_id)"]


async def test_lists_of_a_context_object_with_a_null_key_read_no_rows() -> None:
    library = make_library()
    library.visitor = Visitor(author_id=None)
    query = "{ visitor { ownBooks { id } works { totalCount nodes { id } } } }"
    assert await describe_statements(library, query) == []
    assert await fetch_data(library, query) == {"visitor": {"ownBooks": [], "works": {"totalCount": 0, "nodes": []}}}


DEDICATEES = {"b1": {"dedicatee_id": "a3"}, "b2": {"dedicatee_id": "b9"}, "b3": {"dedicatee_id": "z1"}}
DEDICATIONS = """{ books(first: 7) { nodes { id dedicatee {
    __typename id ... on Author { born } ... on Publisher { list { totalCount } } } } } }"""


async def test_row_of_an_abstract_type_is_read_from_the_source_that_its_key_names() -> None:
    library = make_library(books=DEDICATEES | {"b4": {"dedicatee_id": "p1"}, "b5": {"dedicatee_id": "a3"}})
    pair = await compare_data(library, DEDICATIONS)
    assert pair.reference_errors == pair.ours.errors == []
    assert pair.ours.data is not None
    found = {node["id"]: node["dedicatee"] for node in pair.ours.data["books"]["nodes"]}
    author = found["b1"]
    assert (author["__typename"], author["id"]) == ("Author", "a3")
    assert found["b5"] == author
    assert found["b4"]["__typename"] == "Publisher"
    assert [found[id] for id in ("b2", "b3", "b6")] == [None, None, None]  # no such row, no such source, no key


async def test_rows_of_an_abstract_type_take_one_statement_for_each_source_that_is_named() -> None:
    library = make_library(books=DEDICATEES)
    query = "{ books(first: 7) { nodes { dedicatee { name } } } }"
    statements = await describe_statements(library, query)
    assert statements[0] == "rows books(dedicatee_id)"
    assert sorted(statements[1:]) == ["rows authors(name)", "rows books(title)"]
    assert await describe_statements(make_library(), query) == ["rows books(dedicatee_id)"]


async def test_null_in_a_row_of_an_abstract_type_propagates_within_its_own_type() -> None:
    library = make_library(books={"b1": {"dedicatee_id": "b2"}, "b2": {"genre": None}})
    pair = await compare_data(library, '{ book(id: "b1") { dedicatee { ... on Book { id genre } } } }')
    assert pair.ours.data == {"book": {"dedicatee": None}}
    assert [error.path for error in pair.ours.errors] == [["book", "dedicatee", "genre"]]


async def test_missing_row_of_a_non_null_abstract_type_is_an_error() -> None:
    library = make_library()
    library.visitor = Visitor(bookmark_id="b9")
    pair = await compare_data(library, "{ visitor { bookmark { name } } }")
    assert pair.ours.data == {"visitor": None}
    assert [error.path for error in pair.ours.errors] == [["visitor", "bookmark"]]
