"""Fields that the host renders as JSON: their layout, their placeholders, and errors that text can't contain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from executor_comparison import compare_data, compare_results
from graphql import build_schema
from library import AUTHORS, BOOK, WORKS_OF_AUTHOR, Library, make_large_library, make_library, to_page
from library_executor import LibraryExecutor, ParsedOperation
from library_reader import LibraryMetadata, parse_fragments
from reference_executor import execute_reference

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

RENDERS_JSON = LibraryMetadata(renders_json=True)
#: With so many parents, a row to one is read by key, and has a placeholder in the parents' JSON.
ABOVE_LIMIT = thresholds.MAX_PARENTS_FOR_INLINE_ROWS + 1


def json_executor(library: Library | None = None) -> LibraryExecutor:
    return LibraryExecutor(library or make_library(), metadata=RENDERS_JSON)


async def test_row_of_a_row_is_a_fragment() -> None:
    query = '{ book(id: "b1") { name author { name kind: __typename mentor { id } } } }'
    executor = json_executor()
    result = await executor.execute(query)
    assert result.data is not None
    assert isinstance(result.data["book"]["author"], JsonFragment)
    assert parse_fragments(result.data) == execute_reference(make_library(), query).data
    assert len(executor.statements) == 1


async def test_rows_of_many_parents_are_read_once_by_key() -> None:
    query = "{ authors { nodes { works(first: 100) { nodes { name author { name } publisher { name } } } } } }"
    executor = json_executor()
    result = await executor.execute(query)
    assert parse_fragments(result.data) == execute_reference(make_library(), query).data
    # The books come within the statement of the authors. Authors and publishers take one statement each.
    assert [statement.action for statement in executor.statements] == ["rows", "rows", "rows"]
    assert all(len(set(statement.keys)) == len(statement.keys) for statement in executor.statements)


@pytest.mark.parametrize(
    ("query", "variables", "reason"),
    [
        (
            'query($n: Int) { book(id: "b1") { author { works(first: $n) { nodes { name } } } } }',
            {"n": -1},
            "arguments",
        ),
        ('{ entry(id: "a1") { ... on Author { works(first: 9) { nodes { genre } } } } }', {}, "null"),
    ],
    ids=["invalid page arguments", "forbidden null"],
)
async def test_error_within_json_is_unsupported(query: str, variables: Mapping[str, Any], reason: str) -> None:
    library = make_library(books={row["id"]: {"genre": None} for row in make_library().tables["books"]})
    with pytest.raises(UnsupportedOperation) as unsupported:
        await json_executor(library).execute(query, variables)
    assert unsupported.value.reason == reason
    assert await compare_results(library, query, variables) != []


async def test_page_of_a_variable_size_is_rendered() -> None:
    query = (
        'query($n: Int) { entry(id: "a1") { ... on Author { works(first: $n) { kind: __typename nodes { name } } } } }'
    )
    for number in (0, 1, 2):
        result = await json_executor().execute(query, {"n": number})
        assert parse_fragments(result.data) == execute_reference(make_library(), query, {"n": number}).data


async def test_payload_is_never_rendered() -> None:
    """A mutation can't be repeated by another executor, so errors in its payload must be reportable."""
    query = 'mutation { addBook(book: {id: "b8", title: "x", authorId: "a1"}) { book { author { mentor { id } } } } }'
    result = await json_executor().execute(query)
    assert result.data == execute_reference(make_library(), query).data


def test_lists_of_many_parents_are_rendered_within_their_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    # The page itself is not rendered, because `initials` is computed.
    query = f"{{ authors(first: {ABOVE_LIMIT}) {{ nodes {{ initials books {{ name }} }} }} }}"
    assert ParsedOperation.parse(query).compile(metadata=RENDERS_JSON).statement_count == 1
    assert ParsedOperation.parse(query).compile().statement_count == 2
    monkeypatch.setattr(thresholds, "MAX_PARENTS_FOR_INLINE_JSON", ABOVE_LIMIT - 1)
    assert ParsedOperation.parse(query).compile(metadata=RENDERS_JSON).statement_count == 2


# ----------------------------------------------------------------------------------------------------- fields of pages

#: Queries for a page of books, each with the path of the fragment that contains it.
POSITIONS: Mapping[str, tuple[str, Sequence[str]]] = {
    "all rows": ("{ books%s }", ["books"]),
    "within a row": ('{ entry(id: "a1") { ... on Author { id works%s } } }', ["entry", "works"]),
    "within JSON of a row": ('{ book(id: "b1") { author { id works%s } } }', ["book", "author"]),
    "within a page of all rows": ("{ authors { totalCount edges { node { works%s name } cursor } } }", ["authors"]),
}
#: Arguments of a page: Jane Austen has three books, and the library seven.
PAGE_ARGUMENTS = [
    "first: 0",
    "first: 2",
    "first: 3",
    "first: 6",
    "first: 7",
    'first: 1, after: "Emma/b2"',
    'first: 2, after: "Emma/b2"',
    'after: "Z/"',
    "first: 1, filter: {genres: [NOVEL], since: 1816}",
    "first: 2, filter: {since: 3000}",
]
FRAGMENTS = {
    "Page": "fragment Page on Books { totalCount pageInfo { ...Info } ... { edges { ...Edge } } }",
    "Edge": "fragment Edge on BookEdge { at: cursor node { name } ... on BookEdge { node { year } } }",
    "Info": "fragment Info on PageInfo { hasNextPage ... { endCursor } }",
}
PAGE_FIELDS = [
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


def add_fragments(query: str) -> str:
    """Add the definitions of the fragments that a query spreads."""
    for name, fragment in FRAGMENTS.items():
        query += fragment if f"...{name}" in query else ""
    return query


def value_at(data: Any, path: Sequence[str]) -> Any:
    for name in path:
        data = data[name]
    return data


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("fields", PAGE_FIELDS)
async def test_page_fields_are_rendered(position: str, fields: str) -> None:
    template, path = POSITIONS[position]
    for arguments in PAGE_ARGUMENTS:
        query = add_fragments(template % f"({arguments}) {{ {fields} }}")
        executor = json_executor()
        result = await executor.execute(query)
        reference = execute_reference(make_library(), query)
        assert (parse_fragments(result.data), result.errors, reference.errors) == (reference.data, [], None), query
        assert isinstance(value_at(result.data, path), JsonFragment)
        assert (len(executor.statements), executor.single_statement_flags) == (1, [True])


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("fields", PAGE_FIELDS)
async def test_page_fields_of_a_page_without_rows_are_rendered(position: str, fields: str) -> None:
    library = make_library()
    library.tables["books"] = [
        row for row in library.tables["books"] if row["id"] == "b1" and position == "within JSON of a row"
    ]
    template, path = POSITIONS[position]
    query = add_fragments(template % f'(after: "Z/") {{ {fields} }}')
    result = await json_executor(library).execute(query)
    assert (parse_fragments(result.data), result.errors) == (execute_reference(library, query).data, [])
    assert isinstance(value_at(result.data, path), JsonFragment)


async def test_page_fields_are_rendered_in_the_order_of_the_document() -> None:
    query = """
    { books(first: 2, after: "Emma/b2") {
      total: totalCount pageInfo { endCursor hasNextPage } edges { node { id } at: cursor } kind: __typename
      info: pageInfo { hasPreviousPage startCursor }
    } }
    """
    result = await json_executor().execute(query)
    assert result.data is not None
    assert result.data["books"].text == (
        '{"total":7,"pageInfo":{"endCursor":"Nox/b6","hasNextPage":true},'
        '"edges":[{"node":{"id":"b4"},"at":"Ficciones/b4"},{"node":{"id":"b6"},"at":"Nox/b6"}],"kind":"Books",'
        '"info":{"hasPreviousPage":true,"startCursor":"Ficciones/b4"}}'
    )


@pytest.mark.parametrize("position", ["all rows", "within a row"])
@pytest.mark.parametrize(
    ("fields", "is_rendered"),
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
async def test_pages_with_cursors_are_read_as_rows_where_the_host_renders_none(
    position: str, fields: str, *, is_rendered: bool
) -> None:
    template, path = POSITIONS[position]
    query = template % f"(first: 2) {{ {fields} }}"
    metadata = LibraryMetadata(renders_json=True, renders_cursors=False)
    result = await LibraryExecutor(make_library(), metadata=metadata).execute(query)
    assert parse_fragments(result.data) == execute_reference(make_library(), query).data
    assert isinstance(value_at(result.data, path), JsonFragment if is_rendered else dict)
    assert (parse_fragments(result.data) == result.data) == (not is_rendered)


@pytest.mark.parametrize("position", ["all rows", "within a row"])
@pytest.mark.parametrize(
    "fields",
    [
        "nodes { name } edges { cursor }",
        "edges { node { name } } totalCount nodes { name }",
        "nodes { name } again: nodes { id }",
        "edges { cursor } again: edges { node { id } }",
    ],
)
async def test_page_with_rows_selected_twice_is_read_as_rows(position: str, fields: str) -> None:
    query = POSITIONS[position][0] % f"(first: 2) {{ {fields} }}"
    result = await json_executor().execute(query)
    assert result.data == execute_reference(make_library(), query).data  # without fragments


# --------------------------------------------------------------------------------------------------- pages of all rows


@pytest.mark.parametrize("first", [1, ABOVE_LIMIT - 1, ABOVE_LIMIT])
async def test_page_of_all_rows_takes_one_statement(first: int) -> None:
    query = f"""
    {{ authors(first: {first}) {{
      totalCount pageInfo {{ hasNextPage endCursor }}
      edges {{ cursor node {{ name books {{ name }} works(first: 1) {{ nodes {{ id }} totalCount }} }} }}
    }} }}
    """
    assert ParsedOperation.parse(query).compile(metadata=RENDERS_JSON).statement_count == 1
    executor = await check_fragment(make_large_library(ABOVE_LIMIT, 2), query)
    assert (executor.described_statements, executor.single_statement_flags) == (["rows json(page: authors())"], [True])


@pytest.mark.parametrize(
    "fields",
    [
        "nodes { name author { name } publisher { name } }",
        "totalCount edges { node { author { name } publisher { name } } cursor } pageInfo { endCursor }",
        "edges { a: node { author { name } } cursor b: node { publisher { name } } }",
        "edges { a: node { author { name } } b: node { publisher { name } } }",
    ],
)
async def test_page_of_all_rows_may_have_placeholders(fields: str) -> None:
    executor = json_executor(make_large_library(ABOVE_LIMIT, 1))
    query = f"{{ books(first: {ABOVE_LIMIT}) {{ {fields} }} }}"
    result = await executor.execute(query)
    assert parse_fragments(result.data) == execute_reference(make_large_library(ABOVE_LIMIT, 1), query).data
    assert result.data is not None
    assert isinstance(result.data["books"], JsonFragment)
    assert (executor.described_statements, executor.single_statement_flags) == (
        ["rows json(page: books())", "rows authors(name)", "rows publishers(name)"],
        [False],
    )


@pytest.mark.parametrize(
    ("query", "variables", "reason"),
    [
        ("{ books { nodes { id genre } } }", {}, "null"),
        ("{ books { edges { cursor node { genre } } totalCount } }", {}, "null"),
        ("{ books(first: 7) { nodes { publisher { name } } } }", {}, "null"),
        (f"{{ books(first: {ABOVE_LIMIT}) {{ nodes {{ publisher {{ name }} }} }} }}", {}, "null"),
        ("query ($n: Int) { authors { nodes { works(first: $n) { nodes { id } } } } }", {"n": -1}, "arguments"),
        ("query ($n: Int) { authors { edges { node { works(first: $n) { totalCount } } } } }", {"n": -1}, "arguments"),
    ],
)
async def test_error_within_a_page_of_all_rows_is_unsupported(
    query: str, variables: Mapping[str, Any], reason: str
) -> None:
    library = make_library(books={"b5": {"genre": None}, "b7": {"publisher_id": "p9"}})
    with pytest.raises(UnsupportedOperation) as unsupported:
        await json_executor(library).execute(query, variables)
    assert unsupported.value.reason == reason
    assert await compare_results(library, query, variables) != []


NEGATIVE_FIRST, INVALID_CURSOR = "first must not be negative.", "after is not a cursor."


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("query ($n: Int = -1) { books(first: $n) { nodes { id } } }", [("books", NEGATIVE_FIRST)]),
        ("{ books(first: -1) { totalCount } visitor { name } }", [("books", NEGATIVE_FIRST)]),
        ("{ authors(first: -1) { nodes { id } } visitor { name } }", [("authors", NEGATIVE_FIRST)]),
        ('{ authors { nodes { id } } books(after: "x") { edges { cursor } } }', [("books", INVALID_CURSOR)]),
        (
            "{ authors(first: 2) { nodes { works(first: -1) { totalCount } } } }",
            [("authors.nodes.0.works", NEGATIVE_FIRST)],
        ),
        (
            'query ($n: Int = -1) { entry(id: "p1") { ... on Publisher { list(first: $n) { nodes { id } } } } }',
            [("entry.list", NEGATIVE_FIRST)],
        ),
        (
            'query ($n: Int = -1) { entry(id: "a1") { ... on Author { name works(first: $n) { totalCount } } } }',
            [("entry.works", NEGATIVE_FIRST)],
        ),
    ],
)
async def test_invalid_page_outside_of_json_is_its_fields_error(query: str, errors: Sequence[tuple[str, str]]) -> None:
    assert await compare_results(make_library(), query, metadata=RENDERS_JSON) == errors


async def test_invalid_page_of_all_rows_reads_nothing() -> None:
    executor = json_executor()
    result = await executor.execute("{ books(first: -1) { nodes { id } } }")
    assert (result.data, executor.statements) == ({"books": None}, [])


# ------------------------------------------------------------------------------------- shared statement of root fields


async def test_rendered_root_fields_share_a_statement() -> None:
    query = """
    {
      a: book(id: "b1") { name author { name } }
      books(first: 1) { edges { cursor node { publisher { name } } } }
      __typename
      missing: book(id: "b9") { name }
      b: book(id: "b1") { year }
      authors { nodes { works(first: 1) { totalCount } } }
    }
    """
    assert ParsedOperation.parse(query).compile(metadata=RENDERS_JSON).statement_count == 1
    executor = json_executor()
    result = await executor.execute(query)
    assert parse_fragments(result.data) == execute_reference(make_library(), query).data
    assert result.data is not None
    assert list(result.data) == ["a", "books", "__typename", "missing", "b", "authors"]
    assert [statement.keys for statement in executor.statements] == [("b1", "", "b9", "b1", "")]
    assert executor.single_statement_flags == [True]


async def test_invalid_root_field_is_an_error_beside_the_others() -> None:
    query = """
    query ($n: Int) {
      a: books(first: 1) { nodes { id } } b: books(first: $n) { nodes { id } } c: book(id: "b2") { name }
    }
    """
    assert await compare_results(make_library(), query, {"n": -1}, metadata=RENDERS_JSON) == [("b", NEGATIVE_FIRST)]
    executor = json_executor()
    result = await executor.execute(query, {"n": -1})
    assert parse_fragments(result.data) == {"a": {"nodes": [{"id": "b7"}]}, "b": None, "c": {"name": "Emma"}}
    assert [statement.keys for statement in executor.statements] == [("", None, "b2")]


# -------------------------------------------------------------------------------------------------------- placeholders


def books_of_authors(fields: str, books: int = 2) -> str:
    return f"{{ authors(first: {ABOVE_LIMIT}) {{ nodes {{ works(first: {books}) {{ nodes {{ {fields} }} }} }} }} }}"


async def check_fragment(library: Library, query: str) -> LibraryExecutor:
    """Check that `authors` is a fragment equal to graphql-core's data, without errors."""
    executor = json_executor(library)
    result = await executor.execute(query)
    reference = execute_reference(library, query)
    assert (parse_fragments(result.data), result.errors, reference.errors) == (reference.data, [], None)
    assert result.data is not None
    assert isinstance(result.data["authors"], JsonFragment)
    return executor


NULL_AND_MISSING_AUTHORS: Mapping[str, Mapping[str, Any]] = {
    "b2": {"author_id": None},
    "b3": {"author_id": "a9"},
    "b4": {"author_id": "null"},
}


@pytest.mark.parametrize(
    "fields",
    [
        "author { name }",
        "id author { name } year",
        "author { name } publisher { name }",
        "publisher { name } author { name } again: author { id }",
        "publisher { name } year kind: __typename author { name }",
        "author { mentor { name } books { author { name } } }",
    ],
)
async def test_placeholder_of_a_null_key_or_missing_row_is_null(fields: str) -> None:
    library = make_library(books=NULL_AND_MISSING_AUTHORS, authors={"a3": {"id": "null"}})
    query = f'{{ entry(id: "p1") {{ ... on Publisher {{ list(first: {ABOVE_LIMIT}) {{ nodes {{ {fields} }} }} }} }} }}'
    executor = json_executor(library)
    result = await executor.execute(query)
    assert parse_fragments(result.data) == execute_reference(library, query).data
    nodes = parse_fragments(result.data)["entry"]["list"]["nodes"]
    assert len(nodes) == sum(row["publisher_id"] == "p1" for row in library.tables["books"])
    assert sum(node["author"] is None for node in nodes) == len(nodes) - 1
    author_keys = [
        statement.keys
        for statement in executor.statements
        if statement.row_query and statement.row_query.source.table == "authors"
    ]
    assert {*author_keys[0]} == {"a1", "a9"}


async def test_missing_row_of_a_non_null_placeholder_is_unsupported() -> None:
    library = make_library(books={"b2": {"publisher_id": "p9"}})
    with pytest.raises(UnsupportedOperation, match="null"):
        await json_executor(library).execute(books_of_authors("publisher { name }"))
    assert await compare_results(library, books_of_authors("publisher { name }")) != []


def make_library_with_author(id: str) -> Library:
    """Make a library in which one author has this ID."""
    return make_library(authors={"a3": {"id": id}}, books={"b6": {"author_id": id}})


@pytest.mark.parametrize(
    "fields", ["author { name }", "author { name } publisher { name }", "id author { id } year publisher { id }"]
)
@pytest.mark.parametrize("key", ["a\x01b", "\x01", "a1\x01b", "\x1d\x1d", "a\x1eb"])
async def test_placeholder_key_with_a_control_character_is_an_error(key: str, fields: str) -> None:
    """A host must not use such keys in placeholders. If it does, an error is better than wrong data."""
    with pytest.raises((LookupError, UnsupportedOperation)):
        await json_executor(make_library_with_author(key)).execute(books_of_authors(fields))


async def test_placeholder_key_with_an_item_separator_is_an_error() -> None:
    query = books_of_authors("author { name } publisher { name }")
    with pytest.raises(LookupError):
        await json_executor(make_library_with_author("a1\x1d")).execute(query)


@pytest.mark.parametrize("key", ["a1\x1d", "a1\x01b"])
async def test_column_that_cannot_be_a_placeholder_key_is_read_as_rows(key: str) -> None:
    library = make_library_with_author(key)
    metadata = LibraryMetadata(renders_json=True, no_placeholder_columns={"author_id"})
    executor = LibraryExecutor(library, metadata=metadata)
    query = books_of_authors("id author { id name }")
    assert parse_fragments((await executor.execute(query)).data) == execute_reference(library, query).data
    assert executor.described_statements[1:] == ["rows books(id, author_id)", "rows authors(id, name)"]
    query = books_of_authors("id publisher { name }")
    assert len((await executor.execute(query)).errors) == 0
    assert executor.described_statements[3:] == ["rows json(page: authors())", "rows publishers(name)"]


@pytest.mark.parametrize("key", ["", "null", '"', "\x02a1", "a1\x1c"])
async def test_placeholder_key_may_be_any_other_text(key: str) -> None:
    await check_fragment(make_library_with_author(key), books_of_authors("id author { id name } publisher { name }"))


async def test_placeholders_are_read_in_order_and_each_is_filled_once() -> None:
    serialized: list[Any] = []
    metadata = RecordingMetadata(renders_json=True, serialized=serialized)
    executor = LibraryExecutor(make_large_library(ABOVE_LIMIT, 3), metadata=metadata)
    query = books_of_authors("publisher { name } author { id } name", 3)
    result = await executor.execute(query)
    assert parse_fragments(result.data) == execute_reference(make_large_library(ABOVE_LIMIT, 3), query).data
    authors, publishers = (tuple(f"{letter}{number}" for number in range(ABOVE_LIMIT)) for letter in "ap")
    assert [statement.keys for statement in executor.statements] == [("",), publishers, authors]
    # Each object is serialized once, although three books refer to it.
    assert serialized == [{"name": f"Publisher {n:03}"} for n in range(ABOVE_LIMIT)] + [{"id": id} for id in authors]


@dataclass(frozen=True, slots=True)
class RecordingMetadata(LibraryMetadata):
    """Metadata that records the objects that replace placeholders."""

    serialized: list[Any] = field(default_factory=list)

    def serialize(self, value: Any) -> str:
        self.serialized.append(value)
        return LibraryMetadata.serialize(self, value)


async def load_keywords(_reader: Any, parents: Sequence[Any], _arguments: Any) -> Sequence[Any]:
    return [parent.keywords for parent in parents]


#: Declarations of a list that contains null.
LIST_DECLARATIONS: Mapping[str, Declaration] = {
    "a column": Column("keywords"),
    "computed": Computed(lambda book: book.keywords, ("keywords",)),
    "computed in batch": ComputedInBatch(load_keywords, ("keywords",)),
    "objects": Computed(lambda book: book.keywords and [None, book], ("id", "keywords")),
    "rows": ToManyByKeys(BOOK, "keywords"),
}


@pytest.mark.parametrize("is_nullable", [True, False], ids=["nullable", "non-null"])
@pytest.mark.parametrize("name", LIST_DECLARATIONS)
async def test_null_item_in_a_placeholder_is_unsupported_only_where_items_are_non_null(
    name: str, *, is_nullable: bool
) -> None:
    library = make_library(books={"b2": {"keywords": ["b1", None]}})
    has_objects = name in {"objects", "rows"}
    schema = build_schema(
        f"""
        type Query {{ authors(first: Int): Authors }}
        type Authors {{ nodes: [Author!]! }}
        type Author {{ works(first: Int): Books }}
        type Books {{ nodes: [Book!]! }}
        type Book {{ id: ID! again: Book list: [{"Book" if has_objects else "String"}{"" if is_nullable else "!"}] }}
        """
    )
    declarations: Mapping[str, Declaration] = {
        "Query.authors": to_page(AUTHORS),
        "Author.works": to_page(WORKS_OF_AUTHOR, "id"),
        "Book.again": ToOne(BOOK, "id"),
        "Book.list": LIST_DECLARATIONS[name],
    }
    query = books_of_authors(f"id again {{ list {'{ id }' if has_objects else ''} }}")
    if is_nullable:
        pair = await compare_data(library, query, schema=schema, declarations=declarations, metadata=RENDERS_JSON)
        assert (pair.ours.errors, pair.reference_errors) == ([], [])
    else:
        with pytest.raises(UnsupportedOperation, match="null"):
            await compare_data(library, query, schema=schema, declarations=declarations, metadata=RENDERS_JSON)


#: Queries for a page of a missing author, which is rendered within a row or in an object for a placeholder.
PAGES_OF_MISSING_AUTHOR = [
    pytest.param('{ book(id: "b7") { author { works(first: $n) { nodes { id } } } } }', id="within a row"),
    pytest.param(
        f"""{{ entry(id: "p1") {{ ... on Publisher {{
          list(first: {ABOVE_LIMIT}) {{ nodes {{ author {{ works(first: $n) {{ nodes {{ id }} }} }} }} }}
        }} }} }}""",
        id="in a placeholder",
    ),
]


@pytest.mark.parametrize("query", PAGES_OF_MISSING_AUTHOR)
async def test_invalid_page_within_json_is_unsupported_even_without_parents(query: str) -> None:
    library = make_library(books={row["id"]: {"author_id": "a9"} for row in make_library().tables["books"]})
    query = f"query ($n: Int) {query}"
    assert await compare_results(library, query, {"n": -1}) == []
    with pytest.raises(UnsupportedOperation, match="arguments"):
        await compare_data(library, query, {"n": -1}, metadata=RENDERS_JSON)
    assert (await compare_data(library, query, {"n": 1}, metadata=RENDERS_JSON)).ours.errors == []
