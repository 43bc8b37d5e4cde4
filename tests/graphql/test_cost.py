"""The exact cost of operations: their objects, with page sizes multiplied and no field counted twice."""

from functools import cache
from typing import Any

import pytest
import strawberry
from hypothesis import given
from hypothesis import strategies as st

from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.limits.cost import evaluate_cost
from benegraph.graphql.schema import build_schema


@cache
def schema() -> strawberry.Schema:
    return build_schema()


def cost(text: str, name: str = "", **variables: Any) -> int:
    documents = DocumentCache(schema())
    document = documents.parse(text)
    documents.validate(text, document)
    assert document.operations is not None
    return evaluate_cost(document.operations[name].cost, variables)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ __typename }", 0),
        ("{ viewer { role } }", 1),
        ("{ viewer { role tenant role } }", 1),
        ("{ viewer { role } viewer { tenant } }", 1),
        ("{ a: viewer { role } b: viewer { role } }", 2),
        ("{ viewer { employer { name } employee { id } } }", 3),
        # A connection costs 1, plus its nodes: as many as the page size.
        ("{ employees { nodes { id } } }", 1 + 20),
        ("{ employees(first: 7) { nodes { id } } }", 1 + 7),
        ("{ employees(first: 0) { nodes { id } } }", 1),
        ("{ employees(first: null) { nodes { id } } }", 1 + 20),
        ("{ employees(first: 100000) { nodes { id } } }", 1 + 100),
        # The page size is `first` or `last`, or the larger of both.
        ("{ employees(last: 7) { nodes { id } } }", 1 + 7),
        ("{ employees(last: 0) { nodes { id } } }", 1),
        ("{ employees(last: null) { nodes { id } } }", 1 + 20),
        ("{ employees(last: 100000) { nodes { id } } }", 1 + 100),
        ("{ employees(first: null, last: 7) { nodes { id } } }", 1 + 7),
        ("{ employees(first: 3, last: 7) { nodes { id } } }", 1 + 7),
        ("{ employees(first: 7, last: 3) { nodes { id } } }", 1 + 7),
        ("{ employees(first: 7, last: null) { nodes { id } } }", 1 + 7),
        ('{ employees(before: "x") { nodes { id } } }', 1 + 20),
        ("{ employees { edges { cursor node { id } } } }", 1 + 20),
        ("{ employees { edges { node { id } } nodes { id } } }", 1 + 40),
        ("{ employees { pageInfo { endCursor hasNextPage } } }", 1),
        ("{ employees { totalCount } }", 2),
        # Some connections have another default page size.
        ('{ subscriber(subscriberId: "1") { enrollments { nodes { id } } } }', 1 + 1 + 100),
        ('{ subscriber(subscriberId: "1") { enrollments(first: null) { nodes { id } } } }', 1 + 1 + 100),
        ('{ subscriber(subscriberId: "1") { enrollments(last: 3) { nodes { id } } } }', 1 + 1 + 3),
        ('{ subscriber(subscriberId: "1") { enrollments(first: 3, offset: 9) { nodes { id } } } }', 1 + 1 + 3),
        # Page sizes multiply.
        ("{ employees(first: 10) { nodes { enrollments(first: 5) { nodes { id } } } } }", 1 + 10 * (1 + 1 + 5)),
        ("{ employees(last: 10) { nodes { enrollments(last: 5) { nodes { id } } } } }", 1 + 10 * (1 + 1 + 5)),
        (
            (
                "{ employees(first: 10) { nodes"
                " { enrollments(first: 5) { nodes { selectedPlan { rates { coverageTier } } } } } } }"
            ),
            1 + 10 * (1 + 1 + 5 * (1 + 1 + 5)),
        ),
        # Lists without pages count as five objects.
        ("{ employee(id: 1) { dependents { firstName } } }", 1 + 5),
        ("{ nodes(ids: [1, 2, 3]) { id } }", 3),
        ("{ nodes(ids: []) { id } }", 0),
        # Of an abstract type, the most expensive possible type counts.
        ("{ node(id: 1) { id } }", 1),
        (
            (
                "{ node(id: 1)"
                " { ... on Employee { enrollments { nodes { id } } } ... on Employer { employees { totalCount } } } }"
            ),
            1 + 21,
        ),
        ("{ node(id: 1) { ... on Node { id } ... on Plan { planYear { id } } } }", 2),
        # Fields that read all enrollments of a plan year cost 10 more, once for each plan year.
        ("{ planYear(id: 1) { participation { pending } } }", 1 + 11),
        ("{ planYear(id: 1) { participation { byTier { enrolled } byPlan { plan { id } } } } }", 1 + 11 + 15 + 20),
        ("{ planYear(id: 1) { participation { byClass { employment } } } }", 1 + 11 + 15),
        (
            "{ employer(id: 1) { planYears(first: 3) { nodes { participation { enrolled } } } } }",
            1 + 1 + 3 * (1 + 11),
        ),
        # A field that is always skipped costs nothing.
        ("{ viewer { role } employees @skip(if: true) { nodes { id } } }", 1),
        ("{ viewer { role } employees @include(if: false) { nodes { id } } }", 1),
        ("{ viewer { role } employees @include(if: true) { nodes { id } } }", 22),
        ("{ __schema { types { name } } }", 100),
        ('{ __type(name: "Plan") { name } }', 10),
        ("fragment E on Employee { dependents { id } } { employees(first: 2) { nodes { ...E ...E } } }", 1 + 2 * 6),
        (
            'mutation { createEmployer(input: {name: "A"}) { employer { id } userErrors { code } } }',
            10 + 1 + 1 + 5,
        ),
        ('mutation { a: createEmployer(input: {name: "A"}) { employer { id } } __typename }', 10 + 1 + 1),
    ],
)
def test_operation_has_this_cost(text: str, expected: int) -> None:
    assert cost(text) == expected


PAGE = "query($n: Int) { employees(first: $n) { nodes { id } } }"
PAGE_WITH_DEFAULT = "query($n: Int = 3) { employees(first: $n) { nodes { id } } }"
LAST = "query($n: Int, $m: Int) { employees(first: $n, last: $m) { nodes { id } } }"
LAST_WITH_DEFAULTS = LAST.replace("$m: Int", "$m: Int = 3")
IDS = 'query($ids: [ID!]! = ["a", "b"]) { nodes(ids: $ids) { id } }'


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        (PAGE, {"n": 7}, 8),
        (PAGE, {}, 21),
        (PAGE, {"n": None}, 21),
        (PAGE, {"n": -5}, 1),
        (PAGE, {"n": 10**9}, 101),
        (PAGE, {"n": "7"}, 21),
        (PAGE, {"n": 7.0}, 8),
        (PAGE, {"n": 1e300}, 101),
        (PAGE, {"n": 7.5}, 21),
        (PAGE, {"n": float("inf")}, 21),
        (PAGE_WITH_DEFAULT, {}, 4),
        (PAGE_WITH_DEFAULT, {"n": 5}, 6),
        (PAGE_WITH_DEFAULT, {"n": None}, 21),
        (LAST, {}, 21),
        (LAST, {"n": None, "m": None}, 21),
        (LAST, {"m": 7}, 8),
        (LAST, {"n": None, "m": 7}, 8),
        (LAST, {"n": 5, "m": 7}, 8),
        (LAST, {"n": 9, "m": 7}, 10),
        (LAST, {"n": 9}, 10),
        (LAST, {"m": -5}, 1),
        (LAST, {"m": 10**9}, 101),
        (LAST, {"m": 7.0}, 8),
        (LAST, {"m": "7"}, 21),
        (LAST_WITH_DEFAULTS, {}, 4),
        (LAST_WITH_DEFAULTS, {"m": 5}, 6),
        (LAST_WITH_DEFAULTS, {"m": None}, 21),
        (IDS, {}, 2),
        (IDS, {"ids": ["a"] * 9}, 9),
        (IDS, {"ids": "a"}, 1),
        (PAGE.replace("nodes", "nodes @skip(if: true)"), {"n": 7}, 1),
    ],
)
def test_cost_depends_on_the_variables_of_the_request(text: str, variables: dict[str, Any], expected: int) -> None:
    assert cost(text, **variables) == expected


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        ("employees @skip(if: $v) { nodes { id } }", 1 + 20),
        ("employees @include(if: $v) { nodes { id } }", 1 + 20),
        ("... @skip(if: $v) { employees { nodes { id } } }", 1 + 20),
        ("...E @include(if: $v)", 1 + 20),
        ("...E @skip(if: $v) employees @include(if: $v) { nodes { id } }", 1 + 20),
        ("...E @include(if: $v) @skip(if: true)", 0),
        ("a: employees @skip(if: $v) { nodes { id } } b: employees @include(if: $v) { nodes { id } }", 2 * (1 + 20)),
    ],
)
def test_field_that_a_variable_may_skip_is_always_counted(selected: str, expected: int) -> None:
    text = f"query ($v: Boolean!) {{ __typename {selected} }}"
    if "...E" in selected:
        text += " fragment E on Query { employees { nodes { id } } }"
    assert cost(text, v=True) == cost(text, v=False) == expected


def test_each_operation_has_its_own_cost() -> None:
    text = "query A { viewer { role } } query B { employees { nodes { id } } }"
    assert (cost(text, "A"), cost(text, "B")) == (1, 21)


@given(st.integers(0, 100), st.integers(0, 100))
def test_literal_and_variable_page_sizes_cost_the_same(outer: int, inner: int) -> None:
    query = "{ employees(first: A) { edges { node { enrollments(last: B) { nodes { id } } } } } }"
    literal = query.replace("A", str(outer)).replace("B", str(inner))
    variable = "query($a: Int, $b: Int) " + query.replace("A", "$a").replace("B", "$b")
    assert cost(literal) == cost(variable, a=outer, b=inner) == 1 + outer * (1 + 1 + inner)
