"""What one document may hold, on both sides of each edge; and that measuring costs less than what it prevents."""

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


def read(text: str, limits: Limits | None = None, *, trusted: bool = False) -> None:
    documents = DocumentCache(schema(), limits or Limits())
    documents.validate(text, documents.parse(text, trusted=trusted), trusted=trusted)


def limit_of(text: str, limits: Limits | None = None) -> dict[str, object]:
    with pytest.raises(TooComplex) as caught:
        read(text, limits)
    assert caught.value.details["limit"]["maximum"]
    return dict(caught.value.details["limit"])


def deep(levels: int) -> str:
    """A query of so many levels of fields, none of them a list."""
    return "{ enrollment(id: 1) " + "{ replaces " * (levels - 2) + "{ id }" + " }" * (levels - 1)


def lists(levels: int) -> str:
    steps = ["employees", "enrollments", "events"]
    query = "{ id }"
    for name in reversed((["employers", *steps])[:levels]):
        query = f"{{ {name} {{ nodes {query} }} }}"
    return query


def mutations(count: int, typename: str = "") -> str:
    one = 'createEmployer(input: {{name: "A"}}) {{ employer {{ id }} }}'
    return "mutation { " + " ".join(f"m{n}: {one.format()}" for n in range(count)) + typename + " }"


EDGES = {
    "tokens": (7, "{ viewer { role tenant } }", "{ viewer { role tenant } } # a comment, too"),
    "fields": (3, "{ viewer { role tenant } }", "{ viewer { role tenant __typename } }"),
    "depth": (5, deep(5), deep(6)),
    "list_depth": (2, lists(2), lists(3)),
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


MADE: dict[str, Callable[[int], str]] = {
    "tokens": lambda n: "{ viewer { role } } " + "#\n" * (n - 6),
    "depth": deep,
    "list_depth": lists,
    "aliases": lambda n: "{ viewer { " + " ".join(f"a{i}: role" for i in range(n)) + " } }",
    "directives": lambda n: "{ viewer { role " + "@skip(if: false) " * n + "} }",
    "duplicates": lambda n: "{ viewer { " + "role " * n + "} }",
    "root_fields": lambda n: "{ " + " ".join(f"a{i}: __typename" for i in range(n)) + " }",
}


def test_every_limit_on_documents_has_an_edge_here() -> None:
    elsewhere = {"cost", "query_seconds", "mutation_seconds"}
    assert {each.name for each in fields(Limits)} == set(EDGES) | elsewhere


@pytest.mark.parametrize("name", EDGES)
def test_each_limit_holds_at_its_edge(name: str) -> None:
    most, within, beyond = EDGES[name]
    limits = Limits(**{name: most})
    read(within, limits)
    assert limit_of(beyond, limits) == {"name": name, "maximum": most}


@pytest.mark.parametrize(
    "name", ["tokens", "depth", "list_depth", "aliases", "directives", "duplicates", "root_fields"]
)
def test_the_usual_limits_let_the_usual_through_and_stop_one_more(name: str) -> None:
    usual = Limits()
    most = getattr(usual, name)
    made = MADE[name]
    if name == "directives":  # one place takes `@skip` once: what is under the limit is not valid for another reason
        with pytest.raises(InvalidRequest):
            read(made(most))
    elif name == "list_depth":
        read(lists(most))
        assert most == 4
        return
    else:
        read(made(most))
    assert limit_of(made(most + 1))["name"] == name


def test_a_text_is_as_long_as_64_kib_in_bytes() -> None:
    read("{ viewer { role } } #" + "x" * (64 * 1024 - 21))
    assert limit_of("{ viewer { role } } #" + "x" * (64 * 1024 - 20)) == {"name": "text", "maximum": 65536}
    assert limit_of("{ viewer { role } } #" + "ü" * (32 * 1024))["name"] == "text"


@pytest.mark.parametrize("name", ["depth", "list_depth", "aliases", "duplicates", "fields", "root_fields"])
def test_fragments_hide_nothing(name: str) -> None:
    most, within, beyond = EDGES[name]
    limits = Limits(**{name: most})
    for text, through in ((within, True), (beyond, False)):
        spread = f"{{ ...A }} fragment A on Query {{ ...B }} fragment B on Query {text}"
        inline = f"{{ ... on Query {{ ... {text} }} }}"
        for hidden in (spread, inline):
            if through:
                read(hidden, limits)
            else:
                assert limit_of(hidden, limits)["name"] == name


def test_a_fragment_that_nothing_spreads_is_measured_too() -> None:
    unused = "{ viewer { role } } fragment F on Query { " + "viewer { role } " * 21 + "}"
    assert limit_of(unused)["name"] == "duplicates"


def test_every_operation_is_measured_not_the_chosen_one_alone() -> None:
    assert limit_of("query A { viewer { role } } query B " + deep(13))["name"] == "depth"


def test_fragments_that_double_at_every_step_are_stopped_early() -> None:
    step = "fragment F{} on Enrollment {{ replaces {{ ...F{} }} employee {{ enrollments {{ nodes {{ ...F{} }} }} }} }} "
    chain = "".join(step.format(n, n + 1, n + 1) for n in range(12)) + "fragment F12 on Enrollment { id }"
    started = time.perf_counter()
    assert limit_of("{ enrollments { nodes { ...F0 } } } " + chain)["name"] in {"depth", "fields", "list_depth"}
    wide = "{ enrollments { nodes { ...F0 } } } " + "".join(
        f"fragment F{n} on Enrollment {{ a: replaces {{ ...F{n + 1} }} b: replaces {{ ...F{n + 1} }} }} "
        for n in range(9)
    )
    limits = Limits(aliases=10**9)
    assert limit_of(wide + "fragment F9 on Enrollment { id status version }", Limits(aliases=10**9, fields=1000)) == {
        "name": "fields",
        "maximum": 1000,
    }
    read(wide + "fragment F9 on Enrollment { id }", limits)
    assert time.perf_counter() - started < 5


def test_a_fragment_within_itself_is_told_as_what_it_is() -> None:
    with pytest.raises(InvalidRequest) as caught:
        read("{ viewer { ...A } } fragment A on Viewer { role ...B } fragment B on Viewer { ...A }")
    assert "within itself" in caught.value.errors[0]["message"]


def test_many_copies_of_one_field_are_stopped_before_validation_compares_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("benegraph.graphql.engine.documents.validate")  # to validate them now would fail
    copies = "{ " + "employees { nodes { id firstName lastName } } " * 200 + "}"
    assert limit_of(copies)["name"] == "duplicates"


@pytest.mark.parametrize("descriptions", [True, False])
def test_tools_read_the_whole_schema(descriptions: bool) -> None:
    read(
        get_introspection_query(
            descriptions=descriptions,
            specified_by_url=True,
            directive_is_repeatable=True,
            schema_description=True,
            input_value_deprecation=True,
        )
    )


def test_introspection_has_limits_of_its_own() -> None:
    wrapped = "type { " + "ofType { " * 10 + "name" + " }" * 11
    within = "{ __schema { types { fields { " + wrapped.replace("ofType { ", "ofType { ", 1) + " } } } }"
    read(within)
    deeper = "{ __schema { types { fields { type { " + "ofType { " * 11 + "name" + " }" * 11 + " } } } } }"
    assert limit_of(deeper) == {"name": "depth", "maximum": 15}
    circular = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
    assert limit_of(circular) == {"name": "list_depth", "maximum": 3}


def test_what_our_own_people_wrote_may_be_of_any_shape() -> None:
    text = "{ " + " ".join(f"a{n}: viewer {{ role }}" for n in range(500)) + " }"
    assert limit_of(text)["name"] == "tokens"
    assert limit_of(text, Limits(tokens=10_000))["name"] == "aliases"
    read(text, trusted=True)


def test_the_messages_name_no_part_of_the_schema() -> None:
    for text in (
        "{ viewr { role } }",
        "{ viewer { rol } }",
        '{ node(idd: "x") { id } }',
        "{ employers(filtr: 1) { x } }",
    ):
        with pytest.raises(InvalidRequest) as caught:
            read(text)
        told = str(caught.value.errors)
        assert "Did you mean" not in told
        assert not any(real in told for real in ("'viewer'", "'role'", "'filter'"))


def test_at_most_five_errors_are_told() -> None:
    with pytest.raises(InvalidRequest) as caught:
        read("{ " + " ".join(f"x{n}" for n in range(12)) + " }")
    assert len(caught.value.errors) <= 6  # the sixth says that there were more
    assert sum("Cannot query field" in error["message"] for error in caught.value.errors) == 5
