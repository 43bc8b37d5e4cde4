"""The cache of valid documents: by text, with limits."""

from typing import Any

import pytest
from api_client import schema
from graphql import validate

from benegraph.graphql.engine import documents as module
from benegraph.graphql.engine.documents import DocumentCache, InvalidRequest


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Record each document that is actually validated."""
    documents: list[Any] = []
    original = validate

    def record(graph: Any, document: Any, *args: Any, **options: Any) -> Any:
        documents.append(document)
        return original(graph, document, *args, **options)

    monkeypatch.setattr("benegraph.graphql.engine.documents.validate", record)
    return documents


def parse_and_validate(documents: DocumentCache, text: str) -> None:
    documents.validate(text, documents.parse(text))


def test_document_is_parsed_and_validated_once(validated: list[Any]) -> None:
    documents = DocumentCache(schema())
    for _ in range(3):
        parse_and_validate(documents, "{ viewer { role } }")
    assert documents.parse("{ viewer { role } }") is documents.parse("{ viewer { role } }")
    assert len(validated) == 1


def test_invalid_document_is_not_cached(validated: list[Any]) -> None:
    documents = DocumentCache(schema())
    for _ in range(2):
        with pytest.raises(InvalidRequest):
            parse_and_validate(documents, "{ viewer { salary } }")
    assert len(validated) == 2


def test_least_recently_used_documents_are_evicted(validated: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (f"{{ viewer {{ role }} }} # {n}" for n in range(3))
    monkeypatch.setattr(module, "MAX_CACHED_CHARACTERS", 2 * len(first))
    documents = DocumentCache(schema())
    for text in (first, second, first, third):
        parse_and_validate(documents, text)
    assert len(validated) == 3
    parse_and_validate(documents, first)
    assert len(validated) == 3
    parse_and_validate(documents, second)
    assert len(validated) == 4


def test_too_long_document_is_not_cached(validated: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CACHED_TEXT_LENGTH", 10)
    documents = DocumentCache(schema())
    for _ in range(2):
        parse_and_validate(documents, "{ viewer { role } }")
    assert len(validated) == 2
