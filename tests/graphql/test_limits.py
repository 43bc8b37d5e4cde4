"""Limits on documents: each is tested at its exact value and one beyond; checking is cheaper than validation."""

import time
from collections.abc import Callable
from dataclasses import fields
from functools import cache

import pytest
import strawberry
from graphql import get_introspection_query

from benegraph.domain.errors import TooComplex
from benegraph.graphql.engine.documents import DocumentCache, InvalidRequest
from benegraph.graphql.engine.limits import Limits
from benegraph.graphql.schema import build_schema


@cache
def schema() -> strawberry.Schema:
    return build_schema()


def load(text: str, limits: Limits | None = None, *, trusted: bool = False) -> None:
    documents = DocumentCache(schema(), limits or Limits())
    documents.validate(text, documents.parse(text, trusted=trusted), trusted=trusted)


def exceeded_limit(text: str, limits: Limits | None = None) -> dict[str, object]:
    with pytest.raises(TooComplex) as caught:
        load(text, limits)
    limit = dict(caught.value.details["limit"])
    assert str(limit["maximum"]) in str(caught.value)
    return limit


def deep(levels: int) -> str:
    """Return a query whose fields are nested this many levels deep, without a list."""
    return "{ enrollment(id: 1) " + "{ replaces " * (levels - 2) + "{ id }" + " }" * (levels - 1)


def nested_lists(levels: int) -> str:
    steps = ["employees", "enrollments", "events"]
    query = "{ id }"
    for name in reversed((["employers", *steps])[:levels]):
        query = f"{{ {name} {{ nodes {query} }} }}"
    return query


def mutations(count: int, typename: str = "") -> str:
    one = 'createEmployer(input: {{name: "A"}}) {{ employer {{ id }} }}'
    return "mutation { " + " ".join(f"m{n}: {one.format()}" for n in range(count)) + typename + " }"


#: For each limit: a value, a document that just fits it, and one that exceeds it.
EDGES = {
    "tokens": (7, "{ viewer { role tenant } }", "{ viewer { role tenant } } # a comment, too"),
    "fields": (3, "{ viewer { role tenant } }", "{ viewer { role tenant __typename } }"),
    "depth": (5, deep(5), deep(6)),
    "list_depth": (2, nested_lists(2), nested_lists(3)),
    "aliases": (2, "{ a: viewer { b: role } }", "{ a: viewer { b: role c: role } }"),
    "root_fields": (2, "{ a: viewer { role } viewer { role } }", "{ a: __typename viewer { role } __typename }"),
    "mutations": (2, mutations(2, " __typename"), mutations(3)),
    "directives": (
        2,
        "query ($x: Boolean!) { viewer { role @skip(if: $x) tenant @include(if: $x) } }",
        "query ($x: Boolean!) { viewer { role @skip(if: $x) @include(if: true) tenant @include(if: $x) } }",
    ),
    "duplicates": (3, "{ viewer { role role role } }", "{ viewer { role role role role } }"),
}


#: The message for the document that exceeds each limit.
MESSAGES = {
    "tokens": "The document has more than 7 tokens.",
    "fields": "The document has more than 3 fields, counting those of every fragment spread.",
    "depth": "Fields are nested more than 5 levels deep.",
    "list_depth": "Lists are nested more than 2 levels deep.",
    "aliases": "The document has more than 2 aliases.",
    "root_fields": "The operation has 3 root fields, more than 2.",
    "mutations": "The operation has 3 mutations, more than 2.",
    "directives": "The document has 3 directives, more than 2.",
    "duplicates": "A selection set selects the same response name more than 3 times.",
}


#: For each limit, a function from a number to a document that contains that many.
BUILDERS: dict[str, Callable[[int], str]] = {
    "tokens": lambda n: "{ viewer { role } } " + "#\n" * (n - 6),
    "depth": deep,
    "list_depth": nested_lists,
    "aliases": lambda n: "{ viewer { " + " ".join(f"a{i}: role" for i in range(n)) + " } }",
    "directives": lambda n: "{ viewer { role " + "@skip(if: false) " * n + "} }",
    "duplicates": lambda n: "{ viewer { " + "role " * n + "} }",
    "root_fields": lambda n: "{ " + " ".join(f"a{i}: __typename" for i in range(n)) + " }",
}


def test_every_document_limit_is_covered_by_this_module() -> None:
    tested_elsewhere = {"cost", "query_seconds", "mutation_seconds"}
    assert {field.name for field in fields(Limits)} == set(EDGES) | tested_elsewhere


@pytest.mark.parametrize("name", EDGES)
def test_document_at_the_limit_passes_and_one_beyond_is_refused(name: str) -> None:
    maximum, within, beyond = EDGES[name]
    limits = Limits(**{name: maximum})
    load(within, limits)
    with pytest.raises(TooComplex) as caught:
        load(beyond, limits)
    assert caught.value.details == {"limit": {"name": name, "maximum": maximum}}
    assert str(caught.value) == MESSAGES[name]


@pytest.mark.parametrize(
    "name", ["tokens", "depth", "list_depth", "aliases", "directives", "duplicates", "root_fields"]
)
def test_default_limits_pass_at_their_value_and_refuse_one_more(name: str) -> None:
    defaults = Limits()
    maximum = getattr(defaults, name)
    build = BUILDERS[name]
    if name == "directives":  # `@skip` may not repeat on one field, so a document within the limit is invalid
        with pytest.raises(InvalidRequest):
            load(build(maximum))
    elif name == "list_depth":
        load(nested_lists(maximum))
        assert maximum == 4
        return
    else:
        load(build(maximum))
    assert exceeded_limit(build(maximum + 1))["name"] == name


def test_text_is_limited_to_64_kib_in_bytes() -> None:
    load("{ viewer { role } } #" + "x" * (64 * 1024 - 21))
    assert exceeded_limit("{ viewer { role } } #" + "x" * (64 * 1024 - 20)) == {"name": "text", "maximum": 65536}
    assert exceeded_limit("{ viewer { role } } #" + "ü" * (32 * 1024))["name"] == "text"


@pytest.mark.parametrize("name", ["depth", "list_depth", "aliases", "duplicates", "fields", "root_fields"])
def test_limits_count_the_fields_of_fragments(name: str) -> None:
    maximum, within, beyond = EDGES[name]
    limits = Limits(**{name: maximum})
    for text, is_within in ((within, True), (beyond, False)):
        spread = f"{{ ...A }} fragment A on Query {{ ...B }} fragment B on Query {text}"
        inline = f"{{ ... on Query {{ ... {text} }} }}"
        for hidden in (spread, inline):
            if is_within:
                load(hidden, limits)
            else:
                assert exceeded_limit(hidden, limits)["name"] == name


def test_unused_fragment_is_checked_too() -> None:
    unused = "{ viewer { role } } fragment F on Query { " + "viewer { role } " * 21 + "}"
    assert exceeded_limit(unused)["name"] == "duplicates"


def test_every_operation_of_a_document_is_checked() -> None:
    assert exceeded_limit("query A { viewer { role } } query B " + deep(13))["name"] == "depth"


def test_fragments_that_grow_exponentially_are_refused_early() -> None:
    step = "fragment F{} on Enrollment {{ replaces {{ ...F{} }} employee {{ enrollments {{ nodes {{ ...F{} }} }} }} }} "
    chain = "".join(step.format(n, n + 1, n + 1) for n in range(12)) + "fragment F12 on Enrollment { id }"
    started = time.perf_counter()
    assert exceeded_limit("{ enrollments { nodes { ...F0 } } } " + chain)["name"] in {"depth", "fields", "list_depth"}
    wide = "{ enrollments { nodes { ...F0 } } } " + "".join(
        f"fragment F{n} on Enrollment {{ a: replaces {{ ...F{n + 1} }} b: replaces {{ ...F{n + 1} }} }} "
        for n in range(9)
    )
    limits = Limits(aliases=10**9)
    assert exceeded_limit(
        wide + "fragment F9 on Enrollment { id status version }", Limits(aliases=10**9, fields=1000)
    ) == {
        "name": "fields",
        "maximum": 1000,
    }
    load(wide + "fragment F9 on Enrollment { id }", limits)
    assert time.perf_counter() - started < 5


def test_recursive_fragment_is_reported_by_validation() -> None:
    with pytest.raises(InvalidRequest) as caught:
        load("{ viewer { ...A } } fragment A on Viewer { role ...B } fragment B on Viewer { ...A }")
    assert "within itself" in caught.value.errors[0]["message"]


def test_repeated_fields_are_refused_before_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("benegraph.graphql.engine.documents.validate")  # a call of it would fail
    copies = "{ " + "employees { nodes { id firstName lastName } } " * 200 + "}"
    assert exceeded_limit(copies)["name"] == "duplicates"


@pytest.mark.parametrize("descriptions", [True, False])
def test_introspection_query_of_tools_is_within_the_limits(descriptions: bool) -> None:
    load(
        get_introspection_query(
            descriptions=descriptions,
            specified_by_url=True,
            directive_is_repeatable=True,
            schema_description=True,
            input_value_deprecation=True,
        )
    )


def test_introspection_has_its_own_depth_limits() -> None:
    wrapped = "type { " + "ofType { " * 10 + "name" + " }" * 11
    within = "{ __schema { types { fields { " + wrapped.replace("ofType { ", "ofType { ", 1) + " } } } }"
    load(within)
    deeper = "{ __schema { types { fields { type { " + "ofType { " * 11 + "name" + " }" * 11 + " } } } } }"
    assert exceeded_limit(deeper) == {"name": "depth", "maximum": 15}
    circular = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
    assert exceeded_limit(circular) == {"name": "list_depth", "maximum": 3}


def test_trusted_document_is_exempt_from_shape_limits() -> None:
    text = "{ " + " ".join(f"a{n}: viewer {{ role }}" for n in range(500)) + " }"
    assert exceeded_limit(text)["name"] == "tokens"
    assert exceeded_limit(text, Limits(tokens=10_000))["name"] == "aliases"
    load(text, trusted=True)


def test_validation_messages_reveal_no_names_of_the_schema() -> None:
    for text in (
        "{ viewr { role } }",
        "{ viewer { rol } }",
        '{ node(idd: "x") { id } }',
        "{ employers(filtr: 1) { x } }",
    ):
        with pytest.raises(InvalidRequest) as caught:
            load(text)
        messages = str(caught.value.errors)
        assert "Did you mean" not in messages
        assert not any(name in messages for name in ("'viewer'", "'role'", "'filter'"))


def test_at_most_five_validation_errors_are_reported() -> None:
    with pytest.raises(InvalidRequest) as caught:
        load("{ " + " ".join(f"x{n}" for n in range(12)) + " }")
    assert len(caught.value.errors) <= 6  # the sixth says that validation stopped
    assert sum("Cannot query field" in error["message"] for error in caught.value.errors) == 5
