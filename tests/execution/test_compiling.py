"""Compiling: what is read for an operation, in how many statements, and at what cost a plan is made."""

from itertools import pairwise
from unittest.mock import Mock

import pytest
from librarian import Asking, Catalogue, Operation, fetches, plain
from library import DECLARED, GRAPH, Window, declare_by, full_library, library

from benegraph.execution import compile_operation
from benegraph.execution.compile import thresholds
from benegraph.execution.compile.thresholds import EXPECTED_LIST_LENGTH, MAX_PARENTS_FOR_INLINE_ROWS

MOST = MAX_PARENTS_FOR_INLINE_ROWS
MORE = MAX_PARENTS_FOR_INLINE_ROWS + 1


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
    within, beyond = MOST // EXPECTED_LIST_LENGTH, MOST // EXPECTED_LIST_LENGTH + 1
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
        (f"works(first: {MOST // 4})", True),
        (f"works(first: {MOST // 4 + 1})", False),
        ("works", True),  # which is as many as are usual
        ("works(first: null)", True),
        ("works(first: $many)", True),  # the plan is made for any number
    ],
)
async def test_a_page_is_reckoned_to_be_as_long_as_the_text_says(works: str, is_within: bool) -> None:
    head = f"query ($many: Int = {MOST})" if "$many" in works else ""
    text = f"{head} {authors(4, f'{works} {{ nodes {{ publisher {{ name }} }} }}')}"
    assert await fetches(library(), text) == (
        ["rows authors(page id: books(one publisher_id: publishers(name)))"]
        if is_within
        else ["rows authors(page id: books(publisher_id))", "rows publishers(name)"]
    )


async def test_what_is_looked_up_at_once_is_reckoned_to_be_a_short_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thresholds, "MAX_PARENTS_FOR_INLINE_ROWS", EXPECTED_LIST_LENGTH * EXPECTED_LIST_LENGTH)
    text = '{ entries(ids: ["a1"]) { ... on Author { books { author { books { publisher { name } } } } } } }'
    many_books = "many id: books(publisher_id)"
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
    assert fetched.row_query is not None
    assert [(each.cardinality.value, each.page) for each in fetched.row_query.nested] == [("page", 1), ("count", 2)]


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
    assert await fetches(library(), "{ books { __typename } }") == []
    assert await fetches(library(), "{ books { totalCount nodes { id } } }") == ["rows books(id)", "count books(id)"]
    text = authors(3, "works { totalCount again: totalCount nodes { id } }")
    assert await fetches(library(), text) == ["rows authors(count id: books(id), page id: books(id))"]
    assert await fetches(library(), authors(3, "works { __typename }")) == ["rows authors()"]


@pytest.mark.parametrize(
    ("selected", "fetched"),
    [
        ("totalCount", ["count books()"]),
        ("__typename", []),
        ("pageInfo { hasNextPage }", ["rows books()"]),
        ("nodes { __typename }", ["rows books()"]),
        ("edges { __typename }", ["rows books()"]),
    ],
)
async def test_a_host_that_writes_nothing_is_asked_for_no_text(selected: str, fetched: list[str]) -> None:
    asking = Asking(library())
    outcome = await asking.ask(f"{{ books {{ {selected} }} }}")
    assert asking.told == fetched
    assert outcome.data == plain(outcome.data)


async def test_of_a_page_that_is_only_named_nothing_is_read() -> None:
    asking = Asking(library(), catalogue=Catalogue(writing=True))
    assert (await asking.ask("{ books { kind: __typename } }")).data == {"books": {"kind": "Books"}}
    assert asking.told == []


async def test_a_texts_own_words_never_stand_in_what_the_reader_gets() -> None:
    asking = Asking(library())
    outcome = await asking.ask(
        """
        query Zebra($zero: Int, $zone: Boolean! = true) {
          zoo: authors(first: $zero) { zest: nodes { ...Zinc zig: works(first: $zero) { zag: totalCount } } }
          zip: books(first: 1000) { zoom: edges { zap: cursor zed: node { zen: publisher { zoned: name } } } }
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
        (Window(1000, None),),
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
    outcome = await asking.ask("{ books { totalCount } }")
    assert outcome.data == {"books": {"totalCount": 7}}
    assert asking.told == ["count books()"]
    assert asking.opened == [True]


async def test_one_row_of_one_of_several_types_is_alone() -> None:
    asking = Asking(library())
    await asking.ask('{ entry(id: "b1") { name } }')
    assert asking.told == ["rows books(title)"]
    assert asking.opened == [True]


# ------------------------------------------------------------------------------------------- what compiling costs


def declared_for(depth: int) -> int:
    """Tell how often the host is asked what a field is made of, where each level holds one that can't be written."""
    beneath = "name"
    for _ in range(depth):
        beneath = f"works(first: 1) {{ nodes {{ author {{ {beneath} }} stock }} }}"
    operation = Operation.of(authors(MORE, beneath))
    declare = Mock(wraps=declare_by(GRAPH, DECLARED))
    compile_operation(GRAPH, declare, Catalogue(writing=True), operation.node, operation.fragments, {})
    return declare.call_count


def test_what_can_t_be_written_is_compiled_once_however_deep_it_lies() -> None:
    counted = [declared_for(depth) for depth in range(1, 9)]
    # Of each level the page once, and what is beneath it twice: where it is tried to have it written, and then.
    assert [after - before for before, after in pairwise(counted)] == [5] * 7
