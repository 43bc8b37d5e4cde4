"""Both executors return the same data for random operations, on a valid library and on one that causes errors."""

import asyncio
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from executor_comparison import compare_data
from graphql import GraphQLError
from hypothesis import event, given, settings
from hypothesis import strategies as st
from library import Card, Copy, Library, Visitor, make_library
from library_reader import LibraryMetadata
from random_operations import ANY_OPERATION, RENDERABLE, OperationShape, operations

from benegraph.execution import UnsupportedOperation
from benegraph.execution.compile import thresholds

EXAMPLES = 40


def make_valid_library() -> Library:
    """Make a library in which each field has a value somewhere, and none fails."""
    library = make_library(
        shelves={"s1": {"content_ids": ["b6", "b9", "b2"]}},
        books={"b3": {"contents": ["x", "y"], "dedicatee_id": "a2"}, "b5": {"dedicatee_id": "b1"}},
    )
    library.visitor = Visitor(card=Card(1), cards=[Card(2), Card(3, "new")], book_id="b4", favorite_ids=["b1", "b9"])
    library.copies |= {"b1": [Copy(1, "s1"), Copy(2, None)], "b2": None, "b4": [Copy(3, "s9")]}
    library.stock |= {"b1": None}
    return library


def make_invalid_library() -> Library:
    """Make a library in which fields fail, and non-null fields are null."""
    error = ValueError("The count failed.")
    library = make_library(
        books={
            "b1": {"genre": None, "dedicatee_id": "p1"},
            "b7": {"dedicatee_id": "z1"},
            "b2": {"keywords": ["match", None]},
            "b4": {"contents": ["x", ""]},
            "b5": {"publisher_id": "p9", "contents": [None, "y"], "dedicatee_id": "b6"},
            "b6": {"publisher_id": None},
        },
        authors={"a3": {"mentor_id": "a9"}},
        shelves={"s1": {"treasure_ids": ["b1", "b9"]}, "s3": {"content_ids": ["b9", "b7"]}},
    )
    library.visitor = Visitor(
        card=Card(None), cards=[Card(2), Card(None), None], book_id="b1", shelf_id="s9", bookmark_id="p9"
    )
    library.stock |= {"b2": error, "b4": None}
    library.loans |= {"b4": error, "b7": None}
    library.copies |= {"b2": error, "b4": [Copy(1, "s1")], "b6": [None, Copy(2, "s1")]}
    return library


@pytest.mark.parametrize("make", [make_valid_library, make_invalid_library], ids=["valid", "invalid"])
@pytest.mark.parametrize("shape", [ANY_OPERATION, RENDERABLE], ids=["any", "renderable"])
@given(data=st.data(), inline_limit=st.sampled_from([0, 3, thresholds.MAX_PARENTS_FOR_INLINE_ROWS]))
@settings(max_examples=EXAMPLES)
def test_both_executors_return_the_same_data(
    make: Callable[[], Library], shape: OperationShape, data: st.DataObject, inline_limit: int
) -> None:
    query, variables = data.draw(operations(shape))
    renders_json = shape is RENDERABLE or data.draw(st.booleans())
    with patch.object(thresholds, "MAX_PARENTS_FOR_INLINE_ROWS", inline_limit):
        try:
            pair = asyncio.run(compare_data(make(), query, variables, metadata=LibraryMetadata(renders_json)))
        except UnsupportedOperation:
            assert renders_json
            event("unsupported")
            return
    event("with errors" if pair.reference_errors else "without errors")
    assert null_paths(pair.ours.data, pair.ours.errors) == null_paths(pair.reference.data, pair.reference_errors)


def null_paths(data: Any, errors: list[GraphQLError]) -> set[tuple[str | int, ...]]:
    """Return the paths of the nulls that errors propagated to.

    Of several errors that propagate to the same null, the executors may report different ones.
    """
    paths = set()
    for error in errors:
        value, path = data, list[str | int]()
        for step in error.path or ():
            if value is None:
                break
            value = value[step]
            path.append(step)
        assert value is None
        paths.add(tuple(path))
    return paths
