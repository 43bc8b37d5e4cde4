"""Documents that were found valid: kept by their text, within bounds."""

from typing import Any

import pytest
from calling import schema
from graphql import validate

from benegraph.graphql.engine import documents as module
from benegraph.graphql.engine.documents import DocumentCache, InvalidRequest


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Note each document that is really validated."""
    done: list[Any] = []
    really = validate

    def note(graph: Any, document: Any, *args: Any, **options: Any) -> Any:
        done.append(document)
        return really(graph, document, *args, **options)

    monkeypatch.setattr("benegraph.graphql.engine.documents.validate", note)
    return done


def read(documents: DocumentCache, text: str) -> None:
    documents.validate(text, documents.parse(text))


def test_a_text_is_parsed_and_validated_once(validated: list[Any]) -> None:
    documents = DocumentCache(schema())
    for _ in range(3):
        read(documents, "{ viewer { role } }")
    assert documents.parse("{ viewer { role } }") is documents.parse("{ viewer { role } }")
    assert len(validated) == 1


def test_what_is_not_valid_is_not_kept(validated: list[Any]) -> None:
    documents = DocumentCache(schema())
    for _ in range(2):
        with pytest.raises(InvalidRequest):
            read(documents, "{ viewer { salary } }")
    assert len(validated) == 2


def test_the_longest_unused_go_when_there_are_too_many(validated: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (f"{{ viewer {{ role }} }} # {n}" for n in range(3))
    monkeypatch.setattr(module, "MAX_CACHED_CHARACTERS", 2 * len(first))
    documents = DocumentCache(schema())
    for text in (first, second, first, third):
        read(documents, text)
    assert len(validated) == 3
    read(documents, first)
    assert len(validated) == 3
    read(documents, second)
    assert len(validated) == 4


def test_a_text_too_long_is_read_but_not_kept(validated: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CACHED_TEXT_LENGTH", 10)
    documents = DocumentCache(schema())
    for _ in range(2):
        read(documents, "{ viewer { role } }")
    assert len(validated) == 2
