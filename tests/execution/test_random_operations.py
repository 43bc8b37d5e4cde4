"""Both executors give the same data of operations that nobody thought of, whatever is amiss in the library."""

import asyncio
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from graphql import GraphQLError
from hypothesis import event, given, settings
from hypothesis import strategies as st
from librarian import Catalogue
from library import Card, Copy, Library, Visitor, library
from random_operations import ANYTHING, WRITTEN, Taste, operations
from resolvers import ask_both

from benegraph.execution import UnsupportedOperation
from benegraph.execution.compile import thresholds

EXAMPLES = 40


def whole() -> Library:
    """Make a library with something to find behind each field, in which nothing is amiss."""
    made = library(shelves={"s1": {"content_ids": ["b6", "b9", "b2"]}}, books={"b3": {"contents": ["x", "y"]}})
    made.visitor = Visitor(card=Card(1), cards=[Card(2), Card(3, "new")], book_id="b4", favourite_ids=["b1", "b9"])
    made.copies |= {"b1": [Copy(1, "s1"), Copy(2, None)], "b2": None, "b4": [Copy(3, "s9")]}
    made.stock |= {"b1": None}
    return made


def amiss() -> Library:
    """Make a library in which fields fail, and nulls stand where none may."""
    error = ValueError("It was not counted.")
    made = library(
        books={
            "b1": {"genre": None},
            "b2": {"keywords": ["match", None]},
            "b4": {"contents": ["x", ""]},
            "b5": {"publisher_id": "p9", "contents": [None, "y"]},
            "b6": {"publisher_id": None},
        },
        authors={"a3": {"mentor_id": "a9"}},
        shelves={"s1": {"treasure_ids": ["b1", "b9"]}, "s3": {"content_ids": ["b9", "b7"]}},
    )
    made.visitor = Visitor(card=Card(None), cards=[Card(2), Card(None), None], book_id="b1", shelf_id="s9")
    made.stock |= {"b2": error, "b4": None}
    made.loans |= {"b4": error, "b7": None}
    made.copies |= {"b2": error, "b4": [Copy(1, "s1")], "b6": [None, Copy(2, "s1")]}
    return made


@pytest.mark.parametrize("made", [whole, amiss])
@pytest.mark.parametrize("taste", [ANYTHING, WRITTEN], ids=["anything", "what can be written"])
@given(drawn=st.data(), within=st.sampled_from([0, 3, thresholds.MAX_PARENTS_FOR_INLINE_ROWS]))
@settings(max_examples=EXAMPLES)
def test_both_give_the_same_data(made: Callable[[], Library], taste: Taste, drawn: st.DataObject, within: int) -> None:
    text, variables = drawn.draw(operations(taste))
    writing = taste is WRITTEN or drawn.draw(st.booleans())
    with patch.object(thresholds, "MAX_PARENTS_FOR_INLINE_ROWS", within):
        try:
            both = asyncio.run(ask_both(made(), text, variables, catalogue=Catalogue(writing)))
        except UnsupportedOperation:
            assert writing
            event("not covered")
            return
    event("with errors" if both.errors else "without")
    assert places(both.ours.data, both.ours.errors) == places(both.theirs.data, both.errors)


def places(data: Any, errors: list[GraphQLError]) -> set[tuple[str | int, ...]]:
    """Tell the nulls that errors led to: of several beneath one, it is nobody's promise which is told."""
    found = set()
    for error in errors:
        value, place = data, list[str | int]()
        for part in error.path or ():
            if value is None:
                break
            value = value[part]
            place.append(part)
        assert value is None
        found.add(tuple(place))
    return found
