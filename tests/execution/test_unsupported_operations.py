"""Operations and declarations without a plan: the reason is reported, and nothing is read or changed."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from executor_comparison import compare_results
from graphql import GraphQLSchema, build_schema
from library import (
    AUTHOR,
    BOOK,
    BOOKS,
    BOOKS_OF_AUTHOR,
    DECLARATIONS,
    ENTRIES,
    SCHEMA,
    make_library,
    to_page,
)
from library_executor import LibraryExecutor, ParsedOperation, describe_statements
from library_reader import LibraryMetadata

from benegraph.execution import (
    Column,
    Computed,
    ComputedInBatch,
    Declaration,
    FromContext,
    Lookup,
    LookupKey,
    LookupMany,
    MutationCall,
    SameObject,
    ToMany,
    ToManyByKeys,
    ToOne,
    UnsupportedOperation,
)
from benegraph.execution.compile.thresholds import MAX_PARENTS_FOR_INLINE_ROWS

AT_LIMIT = MAX_PARENTS_FOR_INLINE_ROWS
ABOVE_LIMIT = MAX_PARENTS_FOR_INLINE_ROWS + 1


def unsupported_reason(
    query: str,
    schema: GraphQLSchema = SCHEMA,
    declarations: Mapping[str, Declaration] | None = None,
    metadata: LibraryMetadata | None = None,
) -> str:
    """Compile an operation that has no plan, and return the reason."""
    operation = ParsedOperation.parse(query, schema=schema)
    with pytest.raises(UnsupportedOperation) as raised:
        operation.compile(schema, {**DECLARATIONS, **(declarations or {})}, metadata)
    assert str(raised.value) == raised.value.reason
    return raised.value.reason


def never_called(*_: object) -> Any:
    raise AssertionError("the host's function was called")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("subscription { addedBook { name } }", "operation"),
        ("{ __schema { queryType { name } } }", "introspection"),
        ('{ books { nodes { id } } __type(name: "Book") { name } }', "introspection"),
        ("{ books { nodes { weight } } }", "scalar"),
        ("{ visitor { currentBook { author { books { weight } } } } }", "scalar"),
    ],
)
def test_unsupported_operation_has_a_reason(query: str, reason: str) -> None:
    assert unsupported_reason(query) == reason


async def test_skipped_field_may_be_unsupported() -> None:
    query = "{ books { nodes { id weight @skip(if: true) } } }"
    assert await describe_statements(make_library(), query) == ["rows books(id)"]


@pytest.mark.parametrize(
    ("field", "declaration", "reason"),
    [
        ("Query.books { nodes { id } }", Column("books"), "root"),
        ("Query.books { nodes { id } }", SameObject(), "root"),
        ("Query.visitor { name }", ToOne(BOOK, "id"), "root"),
        ("Book.author { name }", FromContext(never_called), "field"),
        ("Book.author { name }", Lookup({}, never_called), "field"),
        ("Book.year", Column("decade"), "column"),
        ("Book.author { name }", Column("author"), "column"),
        ("Book.cover { title }", Column("title"), "column"),
        ("Book.author { name }", ToOne(AUTHOR, "writer"), "column"),
        ("Book.copies { __typename }", ToManyByKeys(BOOK, "copy_ids"), "column"),
        ("Author.books { name }", ToMany(BOOK, "key"), "column"),
        ("Author.works { totalCount }", to_page(BOOKS, "key"), "column"),
        ("Book.size { pages }", Computed(never_called, ("pages", "inches")), "column"),
        ("Book.stock", ComputedInBatch(never_called, ("number",)), "column"),
        ("Author.works { totalCount }", to_page(BOOKS), "page"),
        ("Book.weight", Computed(never_called, ()), "scalar"),
        ("Book.weight", ComputedInBatch(never_called, ()), "scalar"),
        ("Query.entries(ids: []) { name }", Lookup(ENTRIES, never_called), "list"),
        ("Query.entries(ids: []) { name }", to_page(BOOKS), "list"),
        ("Query.entry(id: 1) { name }", LookupMany(ENTRIES, never_called), "list"),
        ("Author.books { name }", ToOne(BOOK, "id"), "list"),
        ("Author.books { name }", SameObject(), "list"),
        ("Author.books { name }", to_page(BOOKS_OF_AUTHOR, "id"), "list"),
        ("Author.mentor { name }", ToMany(AUTHOR, "mentor_id"), "list"),
        ("Author.mentor { name }", ToManyByKeys(AUTHOR, "mentor_id"), "list"),
        ("Book.year", ToOne(BOOK, "id"), "leaf"),
        ("Book.keywords", ToMany(BOOK, "id"), "leaf"),
        ("Book.year", SameObject(), "leaf"),
        ("Book.year", to_page(BOOKS, "id"), "leaf"),
    ],
)
@pytest.mark.parametrize("parents", [AT_LIMIT, ABOVE_LIMIT])
@pytest.mark.parametrize("is_within_json", [False, True])
def test_declaration_that_does_not_fit_is_unsupported(
    field: str, declaration: Declaration, reason: str, parents: int, *, is_within_json: bool
) -> None:
    name = field.split("(", maxsplit=1)[0].split(maxsplit=1)[0]
    type_name, _, selection = field.partition(".")
    queries = {
        "Query": f"{{ {selection} }}",
        "Author": f"{{ authors(first: {parents}) {{ nodes {{ {selection} }} }} }}",
        "Book": f"{{ books(first: {parents}) {{ nodes {{ {selection} }} }} }}",
    }
    json_queries = {
        "Author": f"{{ books(first: {AT_LIMIT}) {{ nodes {{ author {{ {selection} }} }} }} }}",
        "Book": f"{{ authors(first: {parents}) {{ nodes {{ books {{ id {selection} }} }} }} }}",
    }
    query = json_queries.get(type_name, queries[type_name]) if is_within_json else queries[type_name]
    metadata = LibraryMetadata(renders_json=is_within_json)
    assert unsupported_reason(query, declarations={name: declaration}, metadata=metadata) == reason


def test_reason_of_the_host_is_kept() -> None:
    declarations = {name: declaration for name, declaration in DECLARATIONS.items() if name != "Query.visitor"}
    with pytest.raises(UnsupportedOperation, match="resolver"):
        ParsedOperation.parse("{ visitor { name } }").compile(declarations=declarations)


FOREIGN_SCHEMA = build_schema(
    """
    directive @other on FIELD | INLINE_FRAGMENT
    directive @labeled(text: String) on FIELD
    interface Entry { id: ID! }
    union Thing = Book
    type Book implements Entry { id: ID! next: Entry thing: Thing things: [Thing] }
    type Books { nodes: [Book!]! edges: [BookEdge!]! pageInfo: PageInfo! sum: Int }
    type BookEdge { cursor: String! node: Book weight: Int hasNextPage: Boolean startCursor: String }
    type PageInfo { hasNextPage: Boolean! size: Int cursor: String node: Book }
    type Query { book: Book books(first: Int): Books }
    """
)
FOREIGN_DECLARATIONS: dict[str, Declaration] = {
    "Query.book": Lookup({"Book": BOOK}, lambda *_: LookupKey("Book", "b1")),
    "Query.books": to_page(BOOKS),
    "Book.next": ToOne(BOOK, "id"),
    "Book.thing": SameObject(),
    "Book.things": Computed(never_called, ()),
}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("{ book { next { id } } }", "abstract"),
        ("{ book { thing { __typename } } }", "abstract"),
        ("{ book { things { __typename } } }", "abstract"),
        ("{ books { sum } }", "connection"),
        ("{ books { edges { weight } } }", "connection"),
        ("{ books { pageInfo { size } } }", "connection"),
        # The fields of an edge are not fields of a page info, nor the reverse.
        ("{ books { pageInfo { cursor } } }", "connection"),
        ("{ books { pageInfo { hasNextPage node { id } } } }", "connection"),
        ("{ books { edges { node { id } hasNextPage } } }", "connection"),
        ("{ books { edges { startCursor } } }", "connection"),
        ("{ book { id @other } }", "directive"),
        ("{ book { ... @other { id } } }", "directive"),
        ('{ book { id @labeled(text: "x") } }', "directive"),
        ("query ($label: String) { book { id @labeled(text: $label) } }", "directive"),
    ],
)
def test_unsupported_parts_of_a_schema_have_a_reason(query: str, reason: str) -> None:
    assert unsupported_reason(query, FOREIGN_SCHEMA, FOREIGN_DECLARATIONS) == reason


MISMATCHED_SCHEMA = build_schema(
    """
    type Query { word: String words: [String!] rows: [[Book]] requiredRows: [[Book!]!]! single(at: Int): Book }
    type Mutation { word: String words: [String!] rows: [[Book]] }
    type Book { id: ID! }
    """
)


@pytest.mark.parametrize(
    ("field", "declaration", "reason"),
    [
        ("Query.word", FromContext(never_called), "leaf"),
        ("Query.words", FromContext(never_called), "leaf"),
        ("Query.word", to_page(BOOKS), "leaf"),
        ("Query.word", Lookup({"Book": BOOK}, never_called), "leaf"),
        ("Query.words", LookupMany({"Book": BOOK}, never_called), "leaf"),
        ("Query.rows { id }", FromContext(never_called), "list"),
        ("Query.requiredRows { id }", FromContext(never_called), "list"),
        ("Query.rows { id }", LookupMany({"Book": BOOK}, never_called), "list"),
        ("Query.single { id }", FromContext(never_called), "arguments"),
        ("Query.single(at: 1) { id }", FromContext(never_called), "arguments"),
        ("Mutation.word", MutationCall(never_called), "leaf"),
        ("Mutation.words", MutationCall(never_called), "leaf"),
        ("Mutation.rows { id }", MutationCall(never_called), "list"),
    ],
)
def test_declaration_of_a_root_field_that_does_not_fit_its_type_is_unsupported(
    field: str, declaration: Declaration, reason: str
) -> None:
    type_name, _, selection = field.partition(".")
    name = selection.split("(")[0].split()[0]
    query = f"{type_name.lower()} {{ {selection} }}"
    assert unsupported_reason(query, MISMATCHED_SCHEMA, {f"{type_name}.{name}": declaration}) == reason


ARGUMENTS_SCHEMA = build_schema(
    """
    type Query { books(first: Int): Books }
    type Books { nodes: [Book!]! }
    type Book {
      id: ID!
      next: Book
      word(at: Int): String
      same(at: Int): Book
      one(at: Int): Book
      many(at: Int): [Book!]
      manyByKeys(at: Int): [Book]
    }
    """
)


@pytest.mark.parametrize(
    ("name", "declaration"),
    [
        ("word", Column("title")),
        ("word", Computed(never_called, ("title",))),
        ("same", SameObject()),
        ("one", ToOne(BOOK, "id")),
        ("many", ToMany(BOOKS_OF_AUTHOR, "author_id")),
        ("manyByKeys", ToManyByKeys(BOOK, "keywords")),
    ],
)
@pytest.mark.parametrize(("parents", "arguments"), [(AT_LIMIT, "(at: 1)"), (ABOVE_LIMIT, "")])
@pytest.mark.parametrize("is_within_json", [False, True])
def test_arguments_are_unsupported_where_the_declaration_takes_none(
    name: str, declaration: Declaration, arguments: str, parents: int, *, is_within_json: bool
) -> None:
    selection = f"{name}{arguments} {'' if name == 'word' else '{ id }'}"
    if is_within_json:
        selection = f"next {{ id {selection} }}"
    query = f"{{ books(first: {parents}) {{ nodes {{ {selection} }} }} }}"
    declarations: dict[str, Declaration] = {"Query.books": to_page(BOOKS), "Book.next": ToOne(BOOK, "id")}
    declarations[f"Book.{name}"] = declaration
    assert unsupported_reason(query, ARGUMENTS_SCHEMA, declarations, LibraryMetadata(is_within_json)) == "arguments"


@pytest.mark.parametrize(
    ("name", "declaration"),
    [
        ("Mutation.addBook", FromContext(never_called)),
        ("Mutation.addBook", Lookup({}, never_called)),
        ("Mutation.addBook", LookupMany({}, never_called)),
        ("Mutation.addBook", to_page(BOOKS)),
        ("Query.visitor", MutationCall(never_called)),
    ],
)
async def test_declaration_of_another_operation_type_is_unsupported_and_nothing_runs(
    name: str, declaration: Declaration
) -> None:
    queries = {
        "Mutation.addBook": """
        mutation { removeBook(id: "b1") { id } addBook(book: {id: "b8", title: "Decreation"}) { note } }
        """,
        "Query.visitor": "{ books { nodes { id } } visitor { name } }",
    }
    executor = LibraryExecutor(make_library(), declarations={**DECLARATIONS, name: declaration})
    with pytest.raises(UnsupportedOperation) as raised:
        await executor.execute(queries[name])
    assert raised.value.reason == "root"
    assert executor.library == make_library()
    assert executor.single_statement_flags == []


UNUSUAL_SCHEMA = build_schema(
    """
    union Thing = Author | Book
    type Author { id: ID! }
    type Book { id: ID! name: String! rows: [[Book!]] words: [[String]] }
    type Query { book(id: ID!): Book thing(id: ID!): Thing }
    """
)
UNUSUAL_DECLARATIONS: dict[str, Declaration] = {
    "Query.book": DECLARATIONS["Query.book"],
    "Query.thing": DECLARATIONS["Query.entry"],
    "Book.name": Column("title"),
    "Book.rows": Computed(lambda book: [[book], [], None], ("id",)),
    "Book.words": Computed(lambda book: [book.title.split(), None], ("title",)),
}


@pytest.mark.parametrize(
    "query",
    [
        '{ thing(id: "b1") { __typename ... on Book { name } } }',
        '{ book(id: "b1") { words } }',
        '{ book(id: "b1") { rows { id } } }',
    ],
    ids=["a union", "lists of lists of leaves", "lists of lists of objects"],
)
async def test_unusual_operation_has_the_reference_result_or_is_unsupported(query: str) -> None:
    with suppress(UnsupportedOperation):
        errors = await compare_results(make_library(), query, schema=UNUSUAL_SCHEMA, declarations=UNUSUAL_DECLARATIONS)
        assert errors == []
