"""Compiling: what is read for an operation, in how many statements, and what no plan is made for."""

from collections.abc import Mapping
from contextlib import suppress

import pytest
from graphql import GraphQLSchema, build_schema
from librarian import Asking, Operation, fetches
from library import AUTHOR, BOOK, BOOKS, DECLARED, GRAPH, Window, full_library, library, page
from resolvers import agree

from benegraph.execution import Batched, Column, Declaration, Derived, Find, Given, Itself, ToMany, ToOne, ToSeveral
from benegraph.execution.declarations import Target, Uncovered
from benegraph.execution.sizes import FOLDED_WITHIN, SHORT

MOST = FOLDED_WITHIN
MORE = FOLDED_WITHIN + 1


def authors(first: int, beneath: str) -> str:
    return f"{{ authors(first: {first}) {{ nodes {{ {beneath} }} }} }}"


# --------------------------------------------------------------------------------------------- how many statements


@pytest.mark.parametrize(
    ("beneath", "within", "column", "of_its_own"),
    [
        ("mentor { name }", "one mentor_id: authors(name)", "mentor_id", "rows authors(name)"),
        ("books { name }", "many id: books(title)", "id", "rows books(title)"),
        ("works { nodes { name } }", "page id: books(title)", "id", "rows books(title)"),
        ("works { totalCount }", "count id: books()", "id", "count books()"),
    ],
)
async def test_beneath_few_parents_an_edge_is_read_in_their_statement_and_beneath_more_in_its_own(
    beneath: str, within: str, column: str, of_its_own: str
) -> None:
    full = full_library(MORE, 1)
    assert await fetches(full, authors(MOST, beneath)) == [f"rows authors({within})"]
    assert await fetches(full, authors(MORE, beneath)) == [f"rows authors({column})", of_its_own]


async def test_to_one_makes_no_more_parents_than_there_were() -> None:
    text = authors(MOST, "mentor { mentor { mentor { name } born } }")
    assert await fetches(full_library(MORE, 0), text) == [
        "rows authors(one mentor_id: authors(one mentor_id: authors(born, one mentor_id: authors(name))))"
    ]
    text = authors(MORE, "mentor { mentor { mentor { name } born } }")
    assert await fetches(full_library(MORE, 0), text) == [
        "rows authors(mentor_id)",
        "rows authors(mentor_id)",
        "rows authors(mentor_id, born)",
        "rows authors(name)",
    ]


async def test_a_short_list_is_reckoned_to_be_so_long() -> None:
    within, beyond = MOST // SHORT, MOST // SHORT + 1
    full = full_library(beyond, 1)
    assert await fetches(full, authors(within, "books { publisher { name } }")) == [
        "rows authors(many id: books(one publisher_id: publishers(name)))"
    ]
    assert await fetches(full, authors(beyond, "books { publisher { name } }")) == [
        "rows authors(many id: books(publisher_id))",
        "rows publishers(name)",
    ]


@pytest.mark.parametrize(
    ("works", "is_within"),
    [
        ("works(first: 8)", True),
        ("works(first: 9)", False),
        ("works", True),  # which is as many as are usual
        ("works(first: null)", True),
        ("works(first: $many)", True),  # the plan is made for any number
    ],
)
async def test_a_page_is_reckoned_to_be_as_long_as_the_text_says(works: str, is_within: bool) -> None:
    assert MOST == 4 * 8
    head = "query ($many: Int = 100)" if "$many" in works else ""
    text = f"{head} {authors(4, f'{works} {{ nodes {{ publisher {{ name }} }} }}')}"
    assert await fetches(library(), text) == (
        ["rows authors(page id: books(one publisher_id: publishers(name)))"]
        if is_within
        else ["rows authors(page id: books(publisher_id))", "rows publishers(name)"]
    )


async def test_what_is_looked_up_at_once_is_reckoned_to_be_a_short_list() -> None:
    text = '{ entries(ids: ["a1"]) { ... on Author { books { author { books { publisher { name } } } } } } }'
    many_books = "many id: books(publisher_id)"
    assert SHORT * SHORT <= MOST < SHORT * SHORT * SHORT
    assert await fetches(library(), text) == [
        f"rows authors(many id: books(one author_id: authors({many_books})))",
        "rows publishers(name)",
    ]


async def test_keys_that_a_parent_lists_are_always_looked_up_by_a_statement_of_its_own() -> None:
    text = '{ entry(id: "s1") { ... on Shelf { content { name } } } }'
    assert await fetches(library(), text) == ["rows shelves(content_ids)", "rows books(title)"]


async def test_beneath_what_is_there_already_each_edge_takes_a_statement() -> None:
    text = "{ visitor { shelf { name } own { name author { name } } works { totalCount nodes { id } } } }"
    assert await fetches(library(), text) == [
        "rows shelves(name)",
        "rows books(title, one author_id: authors(name))",
        "rows books(id)",
        "count books(id)",
    ]


async def test_each_alias_of_an_edge_takes_its_own() -> None:
    text = authors(MORE, "one: mentor { name } other: mentor { born }")
    assert await fetches(full_library(2, 0), text) == [
        "rows authors(mentor_id)",
        "rows authors(name)",
        "rows authors(born)",
    ]


async def test_pages_in_one_statement_have_each_their_window() -> None:
    asking = Asking(library())
    await asking.ask(
        "{ authors(first: 3) { nodes { a: works(first: 1) { nodes { id } } b: works(first: 2) { totalCount } } } }"
    )
    (fetched,) = asking.fetched
    assert fetched.windows == (Window(3, None), Window(1, None), Window(2, None))
    assert fetched.wanted is not None
    assert [(each.reach.value, each.window) for each in fetched.wanted.nested] == [("page", 1), ("count", 2)]


# --------------------------------------------------------------------------------------------------- what is wanted


@pytest.mark.parametrize(
    ("selected", "wanted"),
    [
        ("name", "books(title)"),
        ("name again: name cover { text again: text book { name } }", "books(title)"),
        ("year name", "books(year, title)"),
        ("__typename", "books()"),
        ("cover { __typename }", "books()"),
        ("size { hours }", "books(pages)"),
        ("name @skip(if: true) year @include(if: false)", "books()"),
        ("author { name } author { born }", "books(one author_id: authors(name, born))"),
        ("author { __typename }", "books(one author_id: authors())"),
    ],
)
async def test_only_what_is_asked_for_is_wanted_and_once(selected: str, wanted: str) -> None:
    assert await fetches(library(), f'{{ book(id: "b2") {{ {selected} }} }}') == [f"rows {wanted}"]


async def test_what_is_computed_wants_what_it_needs() -> None:
    assert await fetches(library(), "{ authors { nodes { initials } } }") == ["rows authors(name)"]
    assert await fetches(library(), "{ books { nodes { stock loans } } }") == ["rows books(id)", "stock", "loans"]


@pytest.mark.parametrize(
    ("selected", "wanted"),
    [
        ("nodes { name } edges { node { name } }", "books(title)"),
        ("nodes { name } edges { node { year } }", "books(title, year)"),
        ("edges { __typename }", "books()"),
        ("edges { cursor }", "books(place)"),
        ("edges { cursor node { name } }", "books(title, place)"),
        ("pageInfo { hasNextPage hasPreviousPage }", "books()"),
        ("pageInfo { startCursor }", "books(place)"),
        ("pageInfo { endCursor } nodes { name }", "books(title, place)"),
    ],
)
async def test_a_place_is_wanted_only_where_a_cursor_is_asked_for(selected: str, wanted: str) -> None:
    assert await fetches(library(), f"{{ books {{ {selected} }} }}") == [f"rows {wanted}"]


async def test_rows_are_counted_only_where_that_is_asked_for() -> None:
    assert await fetches(library(), "{ books { nodes { id } } }") == ["rows books(id)"]
    assert await fetches(library(), "{ books { totalCount } }") == ["count books()"]
    assert await fetches(library(), "{ books { totalCount nodes { id } } }") == ["rows books(id)", "count books(id)"]
    assert await fetches(library(), "{ books { __typename } }") == []
    text = authors(3, "works { totalCount again: totalCount nodes { id } }")
    assert await fetches(library(), text) == ["rows authors(count id: books(id), page id: books(id))"]
    assert await fetches(library(), authors(3, "works { __typename }")) == ["rows authors()"]


async def test_a_texts_own_words_never_stand_in_what_the_reader_gets() -> None:
    asking = Asking(library())
    outcome = await asking.ask(
        """
        query Zebra($zero: Int, $zone: Boolean! = true) {
          zoo: authors(first: $zero) { zest: nodes { ...Zinc zig: works(first: $zero) { zag: totalCount } } }
          zip: books(first: 40) { zoom: edges { zap: cursor zed: node { zen: publisher { zoned: name } } } }
        }
        fragment Zinc on Author { zany: name @include(if: $zone) zealous: books { zinger: cover { zipped: text } } }
        """,
        {"zero": 2},
    )
    assert outcome.errors == []
    assert asking.told == [
        "rows authors(name, many id: books(title), count id: books())",
        "rows books(publisher_id, place)",
        "rows publishers(name)",
    ]
    assert [fetched.windows for fetched in asking.fetched] == [
        (Window(2, None), Window(2, None)),
        (Window(40, None),),
        (),
    ]


# ------------------------------------------------------------------------------------------------------------- alone


ALONE = [
    "{ books { nodes { name author { name books { name } } } pageInfo { endCursor } } }",
    authors(MOST, "works { totalCount nodes { name } }"),
    '{ book(id: "b1") { publisher { name } cover { text } size { hours } } }',
    '{ book(id: "b1") { name stock @skip(if: true) } }',
    "{ visitor { shelf { name } } }",
]
NOT_ALONE = [
    "{ books { totalCount nodes { name } } }",
    "{ a: books { nodes { name } } b: books { nodes { name } } }",
    authors(MORE, "mentor { name }"),
    authors(MORE, "works { totalCount }"),
    '{ entry(id: "s1") { ... on Shelf { content { name } } } }',
    '{ entries(ids: ["a1", "b1"]) { name } }',
    '{ book(id: "b1") { stock } }',
    "{ visitor { shelf { name } works { nodes { name } } } }",
    "{ visitor { works { totalCount nodes { name } } } }",
]


@pytest.mark.parametrize("text", [*ALONE, *NOT_ALONE])
async def test_a_reader_is_told_where_it_reads_with_one_statement_at_most(text: str) -> None:
    asking = Asking(full_library(MORE, 1) if str(MORE) in text else library())
    assert (await asking.ask(text)).errors == []
    assert asking.opened == [text in ALONE]
    assert (len(asking.fetched) == 1) == (text in ALONE)


@pytest.mark.parametrize("text", ["{ __typename }", "{ visitor { name card { number } } }"])
async def test_where_nothing_is_to_be_read_no_reader_is_opened(text: str) -> None:
    asking = Asking(library())
    assert (await asking.ask(text)).errors == []
    assert asking.opened == []


async def test_a_page_of_which_only_the_number_is_asked_for_is_alone() -> None:
    asking = Asking(library())
    await asking.ask("{ books { totalCount } }")
    assert asking.told == ["count books()"]
    assert asking.opened == [True]


async def test_one_row_of_one_of_several_types_is_alone() -> None:
    asking = Asking(library())
    await asking.ask('{ entry(id: "b1") { name } }')
    assert asking.told == ["rows books(title)"]
    assert asking.opened == [True]


# --------------------------------------------------------------------------------------------- what no plan is made for


def refusal(
    text: str, graph: GraphQLSchema = GRAPH, declared: Mapping[str, Declaration] | None = None, **variables: bool
) -> str:
    """Compile what no plan is made for; tell the reason."""
    operation = Operation.of(text, variables, graph)
    with pytest.raises(Uncovered) as raised:
        operation.plan(graph, DECLARED if declared is None else {**DECLARED, **declared})
    assert str(raised.value) == raised.value.reason
    return raised.value.reason


def nothing(*_: object) -> None:
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
        ("Query.books { nodes { id } }", Itself(), "root"),
        ("Query.visitor { name }", ToOne(BOOK, "id"), "root"),
        ("Book.author { name }", Given(nothing), "field"),
        ("Book.author { name }", Find({}, nothing), "field"),
        ("Book.year", Column("decade"), "column"),
        ("Book.author { name }", Column("author"), "column"),
        ("Book.cover { text }", Column("title"), "column"),
        ("Book.author { name }", ToOne(AUTHOR, "writer"), "column"),
        ("Book.copies { __typename }", ToSeveral(BOOK, "copy_ids"), "column"),
        ("Author.books { name }", ToMany(BOOK, "key"), "column"),
        ("Author.works { totalCount }", page(BOOKS, "key"), "column"),
        ("Book.size { pages }", Derived(nothing, ("pages", "inches")), "column"),
        ("Book.stock", Batched(nothing, ("number",)), "column"),  # type: ignore[arg-type] # it is never awaited
        ("Author.works { totalCount }", page(BOOKS), "page"),
        ("Book.weight", Derived(nothing, ()), "scalar"),
        ("Book.weight", Batched(nothing, ()), "scalar"),  # type: ignore[arg-type] # it is never awaited
    ],
)
@pytest.mark.parametrize("parents", [MOST, MORE])
def test_a_declaration_may_be_what_no_plan_is_made_for(
    field: str, declaration: Declaration, reason: str, parents: int
) -> None:
    name = field.split(maxsplit=1)[0]
    kind, _, selected = field.partition(".")
    texts = {
        "Query": f"{{ {selected} }}",
        "Author": f"{{ authors(first: {parents}) {{ nodes {{ {selected} }} }} }}",
        "Book": f"{{ books(first: {parents}) {{ nodes {{ {selected} }} }} }}",
    }
    assert refusal(texts[kind], declared={name: declaration}) == reason


def test_a_reason_of_the_hosts_own_is_passed_on() -> None:
    without = {name: each for name, each in DECLARED.items() if name != "Query.visitor"}
    with pytest.raises(Uncovered, match="resolver"):
        Operation.of("{ visitor { name } }").plan(declared=without)


STRANGE = build_schema(
    """
    directive @loud on FIELD | INLINE_FRAGMENT
    directive @tagged(with: String) on FIELD
    interface Entry { id: ID! }
    union Thing = Book
    type Book implements Entry { id: ID! next: Entry thing: Thing things: [Thing] }
    type Books { nodes: [Book!]! edges: [BookEdge!]! pageInfo: PageInfo! sum: Int }
    type BookEdge { cursor: String! node: Book weight: Int }
    type PageInfo { hasNextPage: Boolean! size: Int }
    type Query { book: Book books(first: Int): Books }
    """
)
OF_STRANGE: dict[str, Declaration] = {
    "Query.book": Find({"Book": BOOK}, lambda *_: Target("Book", "b1")),
    "Query.books": page(BOOKS),
    "Book.next": ToOne(BOOK, "id"),
    "Book.thing": Itself(),
    "Book.things": Derived(nothing, ()),
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
        ("{ book { id @loud } }", "directive"),
        ("{ book { ... @loud { id } } }", "directive"),
        ('{ book { id @tagged(with: "x") } }', "directive"),
        ("query ($word: String) { book { id @tagged(with: $word) } }", "directive"),
    ],
)
def test_a_graph_may_hold_what_no_plan_is_made_for(text: str, reason: str) -> None:
    assert refusal(text, STRANGE, OF_STRANGE) == reason


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
    "Book.rows": Derived(lambda book: [[book], [], None], ("id",)),
    "Book.words": Derived(lambda book: [book.title.split(), None], ("title",)),
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
    with suppress(Uncovered):
        assert await agree(library(), text, graph=ODD, declared=OF_ODD) == []
