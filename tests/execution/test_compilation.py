"""Compiled plans: which rows they read, by how many statements, and how much work the compilation takes."""

from itertools import pairwise
from unittest.mock import Mock

import pytest
from library import DECLARATIONS, SCHEMA, PageRequest, declare_by, make_large_library, make_library
from library_executor import LibraryExecutor, ParsedOperation, describe_statements
from library_reader import LibraryMetadata, parse_fragments

from benegraph.execution import compile_operation
from benegraph.execution.compile import thresholds
from benegraph.execution.compile.thresholds import EXPECTED_LIST_LENGTH, MAX_PARENTS_FOR_INLINE_ROWS

#: Expected numbers of parents: up to the limit, related rows are read within the parents' statement.
AT_LIMIT = MAX_PARENTS_FOR_INLINE_ROWS
ABOVE_LIMIT = MAX_PARENTS_FOR_INLINE_ROWS + 1


def authors_query(first: int, fields: str) -> str:
    return f"{{ authors(first: {first}) {{ nodes {{ {fields} }} }} }}"


# ------------------------------------------------------------------------------------------------ number of statements


@pytest.mark.parametrize(
    ("fields", "nested_query", "column", "separate_statement"),
    [
        ("mentor { name }", "one mentor_id: authors(name)", "mentor_id", "rows authors(name)"),
        ("books { name }", "many id: books(title)", "id", "rows books(title)"),
        ("works { nodes { name } }", "page id: books(title)", "id", "rows books(title)"),
        ("works { totalCount }", "count id: books()", "id", "count books()"),
    ],
)
async def test_related_rows_are_nested_for_few_parents_and_read_by_key_for_many(
    fields: str, nested_query: str, column: str, separate_statement: str
) -> None:
    library = make_large_library(ABOVE_LIMIT, 1)
    assert await describe_statements(library, authors_query(AT_LIMIT, fields)) == [f"rows authors({nested_query})"]
    assert await describe_statements(library, authors_query(ABOVE_LIMIT, fields)) == [
        f"rows authors({column})",
        separate_statement,
    ]


async def test_to_one_keeps_the_expected_count() -> None:
    query = authors_query(AT_LIMIT, "mentor { mentor { mentor { name } born } }")
    assert await describe_statements(make_large_library(ABOVE_LIMIT, 0), query) == [
        "rows authors(one mentor_id: authors(one mentor_id: authors(born, one mentor_id: authors(name))))"
    ]
    query = authors_query(ABOVE_LIMIT, "mentor { mentor { mentor { name } born } }")
    assert await describe_statements(make_large_library(ABOVE_LIMIT, 0), query) == [
        "rows authors(mentor_id)",
        "rows authors(mentor_id)",
        "rows authors(mentor_id, born)",
        "rows authors(name)",
    ]


async def test_short_list_multiplies_the_expected_count() -> None:
    at_limit, above_limit = AT_LIMIT // EXPECTED_LIST_LENGTH, AT_LIMIT // EXPECTED_LIST_LENGTH + 1
    library = make_large_library(above_limit, 1)
    assert await describe_statements(library, authors_query(at_limit, "books { publisher { name } }")) == [
        "rows authors(many id: books(one publisher_id: publishers(name)))"
    ]
    assert await describe_statements(library, authors_query(above_limit, "books { publisher { name } }")) == [
        "rows authors(many id: books(publisher_id))",
        "rows publishers(name)",
    ]


@pytest.mark.parametrize(
    ("works", "is_nested"),
    [
        (f"works(first: {AT_LIMIT // 4})", True),
        (f"works(first: {AT_LIMIT // 4 + 1})", False),
        (f"works(last: {AT_LIMIT // 4})", True),
        (f"works(last: {AT_LIMIT // 4 + 1})", False),
        (f"works(first: {AT_LIMIT}, last: {AT_LIMIT // 4})", True),  # at most the smaller number of rows is shown
        (f"works(first: {AT_LIMIT // 4}, last: {AT_LIMIT})", True),
        ("works", True),  # the default page size is small
        ("works(first: null)", True),
        ("works(first: $many)", True),  # not known when the plan is compiled
    ],
)
async def test_literal_page_size_multiplies_the_expected_count(works: str, is_nested: bool) -> None:
    header = f"query ($many: Int = {AT_LIMIT})" if "$many" in works else ""
    query = f"{header} {authors_query(4, f'{works} {{ nodes {{ publisher {{ name }} }} }}')}"
    assert await describe_statements(make_library(), query) == (
        ["rows authors(page id: books(one publisher_id: publishers(name)))"]
        if is_nested
        else ["rows authors(page id: books(publisher_id))", "rows publishers(name)"]
    )


async def test_lookup_of_many_expects_a_short_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thresholds, "MAX_PARENTS_FOR_INLINE_ROWS", EXPECTED_LIST_LENGTH * EXPECTED_LIST_LENGTH)
    query = '{ entries(ids: ["a1"]) { ... on Author { books { author { books { publisher { name } } } } } } }'
    many_books = "many id: books(publisher_id)"
    assert await describe_statements(make_library(), query) == [
        f"rows authors(many id: books(one author_id: authors({many_books})))",
        "rows publishers(name)",
    ]


async def test_to_many_by_keys_always_takes_a_separate_statement() -> None:
    query = '{ entry(id: "s1") { ... on Shelf { content { name } } } }'
    assert await describe_statements(make_library(), query) == ["rows shelves(content_ids)", "rows books(title)"]


async def test_each_relation_of_a_context_object_takes_a_statement() -> None:
    query = "{ visitor { shelf { name } ownBooks { name author { name } } works { totalCount nodes { id } } } }"
    assert await describe_statements(make_library(), query) == [
        "rows shelves(name)",
        "rows books(title, one author_id: authors(name))",
        "rows books(id)",
        "count books(id)",
    ]


async def test_each_alias_of_a_relation_takes_a_statement() -> None:
    query = authors_query(ABOVE_LIMIT, "one: mentor { name } other: mentor { born }")
    assert await describe_statements(make_large_library(2, 0), query) == [
        "rows authors(mentor_id)",
        "rows authors(name)",
        "rows authors(born)",
    ]


async def test_each_page_of_a_statement_has_its_own_request() -> None:
    executor = LibraryExecutor(make_library())
    await executor.execute(
        "{ authors(first: 3) { nodes { a: works(first: 1) { nodes { id } } b: works(first: 2) { totalCount } } } }"
    )
    (statement,) = executor.statements
    assert statement.pages == (PageRequest(3, None), PageRequest(1, None), PageRequest(2, None))
    assert statement.row_query is not None
    assert [(nested.cardinality.value, nested.page) for nested in statement.row_query.nested] == [
        ("page", 1),
        ("count", 2),
    ]


# ------------------------------------------------------------------------------------------------------------- columns


@pytest.mark.parametrize(
    ("fields", "row_query"),
    [
        ("name", "books(title)"),
        ("name again: name cover { title again: title book { name } }", "books(title)"),
        ("year name", "books(year, title)"),
        ("__typename", "books()"),
        ("cover { __typename }", "books()"),
        ("size { hours }", "books(pages)"),
        ("name @skip(if: true) year @include(if: false)", "books()"),
        ("author { name } author { born }", "books(one author_id: authors(name, born))"),
        ("author { __typename }", "books(one author_id: authors())"),
    ],
)
async def test_requested_columns_are_read_once(fields: str, row_query: str) -> None:
    assert await describe_statements(make_library(), f'{{ book(id: "b2") {{ {fields} }} }}') == [f"rows {row_query}"]


async def test_computed_fields_read_the_columns_that_they_need() -> None:
    assert await describe_statements(make_library(), "{ authors { nodes { initials } } }") == ["rows authors(name)"]
    assert await describe_statements(make_library(), "{ books { nodes { stock loans } } }") == [
        "rows books(id)",
        "stock",
        "loans",
    ]


@pytest.mark.parametrize(
    ("fields", "row_query"),
    [
        ("nodes { name } edges { node { name } }", "books(title)"),
        ("nodes { name } edges { node { year } }", "books(title, year)"),
        ("edges { __typename }", "books()"),
        ("edges { cursor }", "books(order key)"),
        ("edges { cursor node { name } }", "books(title, order key)"),
        ("pageInfo { hasNextPage hasPreviousPage }", "books()"),
        ("pageInfo { startCursor }", "books(order key)"),
        ("pageInfo { endCursor } nodes { name }", "books(title, order key)"),
    ],
)
async def test_order_key_is_read_only_for_cursors(fields: str, row_query: str) -> None:
    assert await describe_statements(make_library(), f"{{ books {{ {fields} }} }}") == [f"rows {row_query}"]


async def test_rows_are_counted_only_for_total_count() -> None:
    assert await describe_statements(make_library(), "{ books { nodes { id } } }") == ["rows books(id)"]
    assert await describe_statements(make_library(), "{ books { totalCount } }") == ["count books()"]
    assert await describe_statements(make_library(), "{ books { __typename } }") == []
    assert await describe_statements(make_library(), "{ books { totalCount nodes { id } } }") == [
        "rows books(id)",
        "count books(id)",
    ]
    query = authors_query(3, "works { totalCount again: totalCount nodes { id } }")
    assert await describe_statements(make_library(), query) == ["rows authors(count id: books(id), page id: books(id))"]
    assert await describe_statements(make_library(), authors_query(3, "works { __typename }")) == ["rows authors()"]


@pytest.mark.parametrize(
    ("fields", "statements"),
    [
        ("totalCount", ["count books()"]),
        ("__typename", []),
        ("pageInfo { hasNextPage }", ["rows books()"]),
        ("nodes { __typename }", ["rows books()"]),
        ("edges { __typename }", ["rows books()"]),
    ],
)
async def test_host_that_renders_no_json_reads_rows(fields: str, statements: list[str]) -> None:
    executor = LibraryExecutor(make_library())
    result = await executor.execute(f"{{ books {{ {fields} }} }}")
    assert executor.described_statements == statements
    assert result.data == parse_fragments(result.data)


async def test_connection_with_only_its_typename_reads_nothing() -> None:
    executor = LibraryExecutor(make_library(), metadata=LibraryMetadata(renders_json=True))
    assert (await executor.execute("{ books { kind: __typename } }")).data == {"books": {"kind": "Books"}}
    assert executor.described_statements == []


async def test_statements_contain_no_names_of_the_document() -> None:
    executor = LibraryExecutor(make_library())
    result = await executor.execute(
        """
        query Zebra($zero: Int, $zone: Boolean! = true) {
          zoo: authors(first: $zero) { zest: nodes { ...Zinc zig: works(first: $zero) { zag: totalCount } } }
          zip: books(first: 1000) { zoom: edges { zap: cursor zed: node { zen: publisher { zoned: name } } } }
        }
        fragment Zinc on Author { zany: name @include(if: $zone) zealous: books { zinger: cover { zipped: title } } }
        """,
        {"zero": 2},
    )
    assert result.errors == []
    assert executor.described_statements == [
        "rows authors(name, many id: books(title), count id: books())",
        "rows books(publisher_id, order key)",
        "rows publishers(name)",
    ]
    assert [statement.pages for statement in executor.statements] == [
        (PageRequest(2, None), PageRequest(2, None)),
        (PageRequest(1000, None),),
        (),
    ]


# --------------------------------------------------------------------------------------------------- single statements


SINGLE_STATEMENT = [
    "{ books { nodes { name author { name books { name } } } pageInfo { endCursor } } }",
    authors_query(AT_LIMIT, "works { totalCount nodes { name } }"),
    '{ book(id: "b1") { publisher { name } cover { title } size { hours } } }',
    '{ book(id: "b1") { name stock @skip(if: true) } }',
    "{ visitor { shelf { name } } }",
]
SEVERAL_STATEMENTS = [
    "{ books { totalCount nodes { name } } }",
    "{ a: books { nodes { name } } b: books { nodes { name } } }",
    authors_query(ABOVE_LIMIT, "mentor { name }"),
    authors_query(ABOVE_LIMIT, "works { totalCount }"),
    '{ entry(id: "s1") { ... on Shelf { content { name } } } }',
    '{ entries(ids: ["a1", "b1"]) { name } }',
    '{ book(id: "b1") { stock } }',
    "{ visitor { shelf { name } works { nodes { name } } } }",
    "{ visitor { works { totalCount nodes { name } } } }",
]


@pytest.mark.parametrize("query", [*SINGLE_STATEMENT, *SEVERAL_STATEMENTS])
async def test_reader_is_opened_for_a_single_statement_where_the_plan_has_one(query: str) -> None:
    executor = LibraryExecutor(make_large_library(ABOVE_LIMIT, 1) if str(ABOVE_LIMIT) in query else make_library())
    assert (await executor.execute(query)).errors == []
    assert executor.single_statement_flags == [query in SINGLE_STATEMENT]
    assert (len(executor.statements) == 1) == (query in SINGLE_STATEMENT)


@pytest.mark.parametrize("query", ["{ __typename }", "{ visitor { name card { number } } }"])
async def test_plan_that_reads_nothing_opens_no_reader(query: str) -> None:
    executor = LibraryExecutor(make_library())
    assert (await executor.execute(query)).errors == []
    assert executor.single_statement_flags == []


async def test_count_of_a_page_is_a_single_statement() -> None:
    executor = LibraryExecutor(make_library())
    result = await executor.execute("{ books { totalCount } }")
    assert result.data == {"books": {"totalCount": 7}}
    assert executor.described_statements == ["count books()"]
    assert executor.single_statement_flags == [True]


async def test_lookup_of_an_interface_is_a_single_statement() -> None:
    executor = LibraryExecutor(make_library())
    await executor.execute('{ entry(id: "b1") { name } }')
    assert executor.described_statements == ["rows books(title)"]
    assert executor.single_statement_flags == [True]


# ------------------------------------------------------------------------------------------------- work of compilation


def count_declare_calls(depth: int) -> int:
    """Count the calls of `declare` for an operation in which each level has a field that can't be rendered as JSON."""
    fields = "name"
    for _ in range(depth):
        fields = f"works(first: 1) {{ nodes {{ author {{ {fields} }} stock }} }}"
    operation = ParsedOperation.parse(authors_query(ABOVE_LIMIT, fields))
    declare = Mock(wraps=declare_by(SCHEMA, DECLARATIONS))
    metadata = LibraryMetadata(renders_json=True)
    compile_operation(SCHEMA, declare, metadata, operation.node, operation.fragments, {})
    return declare.call_count


def test_work_of_compilation_grows_linearly_with_depth() -> None:
    counts = [count_declare_calls(depth) for depth in range(1, 9)]
    # Each level adds one call for its page, and two for each field of the nodes: one of them in the attempt to render.
    assert [after - before for before, after in pairwise(counts)] == [5] * 7
