"""Refusing: what no plan is made for, and why; nothing is read or done then."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema
from librarian import Asking, Catalogue, Operation, fetches
from library import (
    AUTHOR,
    BOOK,
    BOOKS,
    BOOKS_OF_AUTHOR,
    DECLARED,
    ENTRIES,
    GRAPH,
    library,
    page,
)
from resolvers import agree

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

MOST = MAX_PARENTS_FOR_INLINE_ROWS
MORE = MAX_PARENTS_FOR_INLINE_ROWS + 1


def refusal(
    text: str,
    graph: GraphQLSchema = GRAPH,
    declared: Mapping[str, Declaration] | None = None,
    catalogue: Catalogue | None = None,
) -> str:
    """Compile what no plan is made for; tell the reason."""
    operation = Operation.of(text, graph=graph)
    with pytest.raises(UnsupportedOperation) as raised:
        operation.plan(graph, DECLARED if declared is None else {**DECLARED, **declared}, catalogue)
    assert str(raised.value) == raised.value.reason
    return raised.value.reason


def nothing(*_: object) -> Any:
    raise AssertionError("nothing is run")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("subscription { added { name } }", "operation"),
        ("{ __schema { queryType { name } } }", "introspection"),
        ('{ books { nodes { id } } __type(name: "Book") { name } }', "introspection"),
        ("{ books { nodes { weight } } }", "scalar"),
        ("{ visitor { reading { author { books { weight } } } } }", "scalar"),
    ],
)
def test_what_is_asked_for_may_be_what_no_plan_is_made_for(text: str, reason: str) -> None:
    assert refusal(text) == reason


async def test_what_is_left_out_is_no_reason() -> None:
    assert await fetches(library(), "{ books { nodes { id weight @skip(if: true) } } }") == ["rows books(id)"]


@pytest.mark.parametrize(
    ("field", "declaration", "reason"),
    [
        ("Query.books { nodes { id } }", Column("books"), "root"),
        ("Query.books { nodes { id } }", SameObject(), "root"),
        ("Query.visitor { name }", ToOne(BOOK, "id"), "root"),
        ("Book.author { name }", FromContext(nothing), "field"),
        ("Book.author { name }", Lookup({}, nothing), "field"),
        ("Book.year", Column("decade"), "column"),
        ("Book.author { name }", Column("author"), "column"),
        ("Book.cover { text }", Column("title"), "column"),
        ("Book.author { name }", ToOne(AUTHOR, "writer"), "column"),
        ("Book.copies { __typename }", ToManyByKeys(BOOK, "copy_ids"), "column"),
        ("Author.books { name }", ToMany(BOOK, "key"), "column"),
        ("Author.works { totalCount }", page(BOOKS, "key"), "column"),
        ("Book.size { pages }", Computed(nothing, ("pages", "inches")), "column"),
        ("Book.stock", ComputedInBatch(nothing, ("number",)), "column"),
        ("Author.works { totalCount }", page(BOOKS), "page"),
        ("Book.weight", Computed(nothing, ()), "scalar"),
        ("Book.weight", ComputedInBatch(nothing, ()), "scalar"),
        ("Query.entries(ids: []) { name }", Lookup(ENTRIES, nothing), "list"),
        ("Query.entries(ids: []) { name }", page(BOOKS), "list"),
        ("Query.entry(id: 1) { name }", LookupMany(ENTRIES, nothing), "list"),
        ("Author.books { name }", ToOne(BOOK, "id"), "list"),
        ("Author.books { name }", SameObject(), "list"),
        ("Author.books { name }", page(BOOKS_OF_AUTHOR, "id"), "list"),
        ("Author.mentor { name }", ToMany(AUTHOR, "mentor_id"), "list"),
        ("Author.mentor { name }", ToManyByKeys(AUTHOR, "mentor_id"), "list"),
        ("Book.year", ToOne(BOOK, "id"), "leaf"),
        ("Book.keywords", ToMany(BOOK, "id"), "leaf"),
        ("Book.year", SameObject(), "leaf"),
        ("Book.year", page(BOOKS, "id"), "leaf"),
    ],
)
@pytest.mark.parametrize("parents", [MOST, MORE])
@pytest.mark.parametrize("written", [False, True])
def test_a_declaration_may_be_what_no_plan_is_made_for(
    field: str, declaration: Declaration, reason: str, parents: int, *, written: bool
) -> None:
    name = field.split("(", maxsplit=1)[0].split(maxsplit=1)[0]
    kind, _, selected = field.partition(".")
    texts = {
        "Query": f"{{ {selected} }}",
        "Author": f"{{ authors(first: {parents}) {{ nodes {{ {selected} }} }} }}",
        "Book": f"{{ books(first: {parents}) {{ nodes {{ {selected} }} }} }}",
    }
    within_a_text = {
        "Author": f"{{ books(first: {MOST}) {{ nodes {{ author {{ {selected} }} }} }} }}",
        "Book": f"{{ authors(first: {parents}) {{ nodes {{ books {{ id {selected} }} }} }} }}",
    }
    text = within_a_text.get(kind, texts[kind]) if written else texts[kind]
    assert refusal(text, declared={name: declaration}, catalogue=Catalogue(written)) == reason


def test_a_reason_of_the_hosts_own_is_passed_on() -> None:
    without = {name: each for name, each in DECLARED.items() if name != "Query.visitor"}
    with pytest.raises(UnsupportedOperation, match="resolver"):
        Operation.of("{ visitor { name } }").plan(declared=without)


STRANGE = build_schema(
    """
    directive @loud on FIELD | INLINE_FRAGMENT
    directive @tagged(with: String) on FIELD
    interface Entry { id: ID! }
    union Thing = Book
    type Book implements Entry { id: ID! next: Entry thing: Thing things: [Thing] }
    type Books { nodes: [Book!]! edges: [BookEdge!]! pageInfo: PageInfo! sum: Int }
    type BookEdge { cursor: String! node: Book weight: Int hasNextPage: Boolean startCursor: String }
    type PageInfo { hasNextPage: Boolean! size: Int cursor: String node: Book }
    type Query { book: Book books(first: Int): Books }
    """
)
OF_STRANGE: dict[str, Declaration] = {
    "Query.book": Lookup({"Book": BOOK}, lambda *_: LookupKey("Book", "b1")),
    "Query.books": page(BOOKS),
    "Book.next": ToOne(BOOK, "id"),
    "Book.thing": SameObject(),
    "Book.things": Computed(nothing, ()),
}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{ book { next { id } } }", "abstract"),
        ("{ book { thing { __typename } } }", "abstract"),
        ("{ book { things { __typename } } }", "abstract"),
        ("{ books { sum } }", "connection"),
        ("{ books { edges { weight } } }", "connection"),
        ("{ books { pageInfo { size } } }", "connection"),
        # What an edge has and a page's own facts have not, and the other way round.
        ("{ books { pageInfo { cursor } } }", "connection"),
        ("{ books { pageInfo { hasNextPage node { id } } } }", "connection"),
        ("{ books { edges { node { id } hasNextPage } } }", "connection"),
        ("{ books { edges { startCursor } } }", "connection"),
        ("{ book { id @loud } }", "directive"),
        ("{ book { ... @loud { id } } }", "directive"),
        ('{ book { id @tagged(with: "x") } }', "directive"),
        ("query ($word: String) { book { id @tagged(with: $word) } }", "directive"),
    ],
)
def test_a_graph_may_hold_what_no_plan_is_made_for(text: str, reason: str) -> None:
    assert refusal(text, STRANGE, OF_STRANGE) == reason


MISFITS = build_schema(
    """
    type Query { word: String words: [String!] rows: [[Book]] sure: [[Book!]!]! held(at: Int): Book }
    type Mutation { word: String words: [String!] rows: [[Book]] }
    type Book { id: ID! }
    """
)


@pytest.mark.parametrize(
    ("field", "declaration", "reason"),
    [
        ("Query.word", FromContext(nothing), "leaf"),
        ("Query.words", FromContext(nothing), "leaf"),
        ("Query.word", page(BOOKS), "leaf"),
        ("Query.word", Lookup({"Book": BOOK}, nothing), "leaf"),
        ("Query.words", LookupMany({"Book": BOOK}, nothing), "leaf"),
        ("Query.rows { id }", FromContext(nothing), "list"),
        ("Query.sure { id }", FromContext(nothing), "list"),
        ("Query.rows { id }", LookupMany({"Book": BOOK}, nothing), "list"),
        ("Query.held { id }", FromContext(nothing), "arguments"),
        ("Query.held(at: 1) { id }", FromContext(nothing), "arguments"),
        ("Mutation.word", MutationCall(nothing), "leaf"),
        ("Mutation.words", MutationCall(nothing), "leaf"),
        ("Mutation.rows { id }", MutationCall(nothing), "list"),
    ],
)
def test_an_operations_own_field_may_be_declared_as_what_its_type_does_not_allow(
    field: str, declaration: Declaration, reason: str
) -> None:
    kind, _, selected = field.partition(".")
    name = selected.split("(")[0].split()[0]
    assert refusal(f"{kind.lower()} {{ {selected} }}", MISFITS, {f"{kind}.{name}": declaration}) == reason


CALLED = build_schema(
    """
    type Query { books(first: Int): Books }
    type Books { nodes: [Book!]! }
    type Book {
      id: ID!
      next: Book
      word(at: Int): String
      self(at: Int): Book
      one(at: Int): Book
      many(at: Int): [Book!]
      several(at: Int): [Book]
    }
    """
)


@pytest.mark.parametrize(
    ("name", "declaration"),
    [
        ("word", Column("title")),
        ("word", Computed(nothing, ("title",))),
        ("self", SameObject()),
        ("one", ToOne(BOOK, "id")),
        ("many", ToMany(BOOKS_OF_AUTHOR, "author_id")),
        ("several", ToManyByKeys(BOOK, "keywords")),
    ],
)
@pytest.mark.parametrize(("parents", "arguments"), [(MOST, "(at: 1)"), (MORE, "")])
@pytest.mark.parametrize("written", [False, True])
def test_a_field_with_arguments_may_be_declared_as_what_takes_none(
    name: str, declaration: Declaration, arguments: str, parents: int, *, written: bool
) -> None:
    selected = f"{name}{arguments} {'' if name == 'word' else '{ id }'}"
    if written:
        selected = f"next {{ id {selected} }}"
    text = f"{{ books(first: {parents}) {{ nodes {{ {selected} }} }} }}"
    declared: dict[str, Declaration] = {"Query.books": page(BOOKS), "Book.next": ToOne(BOOK, "id")}
    declared[f"Book.{name}"] = declaration
    assert refusal(text, CALLED, declared, Catalogue(written)) == "arguments"


@pytest.mark.parametrize(
    ("name", "declaration"),
    [
        ("Mutation.addBook", FromContext(nothing)),
        ("Mutation.addBook", Lookup({}, nothing)),
        ("Mutation.addBook", LookupMany({}, nothing)),
        ("Mutation.addBook", page(BOOKS)),
        ("Query.visitor", MutationCall(nothing)),
    ],
)
async def test_where_a_field_is_declared_as_one_of_another_operation_nothing_is_done(
    name: str, declaration: Declaration
) -> None:
    texts = {
        "Mutation.addBook": """
        mutation { removeBook(id: "b1") { id } addBook(book: {id: "b8", title: "Decreation"}) { note } }
        """,
        "Query.visitor": "{ books { nodes { id } } visitor { name } }",
    }
    asking = Asking(library(), declared={**DECLARED, name: declaration})
    with pytest.raises(UnsupportedOperation) as raised:
        await asking.ask(texts[name])
    assert raised.value.reason == "root"
    assert asking.library == library()
    assert asking.opened == []


ODD = build_schema(
    """
    union Thing = Author | Book
    type Author { id: ID! }
    type Book { id: ID! name: String! rows: [[Book!]] words: [[String]] }
    type Query { book(id: ID!): Book thing(id: ID!): Thing }
    """
)
OF_ODD: dict[str, Declaration] = {
    "Query.book": DECLARED["Query.book"],
    "Query.thing": DECLARED["Query.entry"],
    "Book.name": Column("title"),
    "Book.rows": Computed(lambda book: [[book], [], None], ("id",)),
    "Book.words": Computed(lambda book: [book.title.split(), None], ("title",)),
}


@pytest.mark.parametrize(
    "text",
    [
        '{ thing(id: "b1") { __typename ... on Book { name } } }',
        '{ book(id: "b1") { words } }',
        '{ book(id: "b1") { rows { id } } }',
    ],
    ids=["a union", "lists of lists of words", "lists of lists of objects"],
)
async def test_what_a_plan_is_made_for_is_answered_right(text: str) -> None:
    with suppress(UnsupportedOperation):
        assert await agree(library(), text, graph=ODD, declared=OF_ODD) == []
