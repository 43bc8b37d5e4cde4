"""Both executors return equal responses for generated operations: queries of every role, and payloads of mutations."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import pytest
from all_types_dataset import TABLES
from both_executors import ExecutorPair, make_executor_pair, non_null_fields, reachable_fields
from comparison_database import ComparisonDatabase, open_comparison_database
from generated_operations import calls_of, queries_for
from generated_values import QUERY_TYPE
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import engine
from mutation_calls import MUTATIONS, build_document

from benegraph.domain.access import Role
from benegraph.graphql.engine.execute import GraphQLRequest
from benegraph.graphql.engine.limits import Limits

# Strawberry's executor cancels coroutines before they start; see `both_executors.run_executor`.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine '.*' was never awaited:RuntimeWarning")

T = TypeVar("T")

#: Generated operations may cost only as much as is executed quickly.
LIMITS = Limits(cost=2_000, query_seconds=60.0)
#: New examples in each run of Hypothesis, after the simplest one. From ten on, it would vary the examples that it has,
#: and five of six would resemble an earlier one.
EXAMPLES_PER_RUN = 8
MAX_SHRINKING_SECONDS = 40
#: The share of operations that may fall back to Strawberry's executor.
MAX_FALLBACK_SHARE = 0.02
#: The share of executed operations that must find rows.
MIN_FOUND_SHARE = 0.5
#: The share of all fields that must have a value in some response.
MIN_FIELD_COVERAGE = 0.95


@pytest.fixture(scope="module")
def comparison(server_url: str, template: str) -> Iterator[ComparisonDatabase]:
    with open_comparison_database(server_url, template) as comparison:
        yield comparison


@pytest.fixture(scope="module")
def first_seed(pytestconfig: pytest.Config) -> int:
    """Return the first seed, which is the same in every run unless `--hypothesis-seed` is given."""
    return 10_000 * int(pytestconfig.getoption("--hypothesis-seed") or 0)


@pytest.mark.parametrize("role", Role)
def test_generated_queries_have_equal_responses(comparison: ComparisonDatabase, first_seed: int, role: Role) -> None:
    _compare_queries(comparison, role, 8, first_seed)


@pytest.mark.conformance
@pytest.mark.parametrize("role", Role)
def test_two_thousand_generated_queries_have_equal_responses(
    comparison: ComparisonDatabase, first_seed: int, role: Role
) -> None:
    # Only an administrator's queries reach every field.
    covered = _compare_queries(comparison, role, 800 if role is Role.ADMINISTRATOR else 400, first_seed)
    if role is Role.ADMINISTRATOR:
        all_fields = reachable_fields(QUERY_TYPE)
        missed = sorted(all_fields - covered)
        print(f"{len(covered)} of {len(all_fields)} fields had a value, all but {missed}")  # noqa: T201 - as below
        assert {coordinate.split(".")[0] for coordinate in covered} >= set(TABLES), missed
        assert len(covered) >= MIN_FIELD_COVERAGE * len(all_fields), missed


def _compare_queries(comparison: ComparisonDatabase, role: Role, examples: int, first_seed: int) -> set[str]:
    """Compare the responses to generated queries. Return the fields that had a value in any of them."""
    pair, covered = make_executor_pair(LIMITS), set[str]()

    def compare(requests: Sequence[GraphQLRequest]) -> None:
        for request in requests:
            viewer, clock = comparison.dataset.viewers[role], comparison.dataset.clock
            body = comparison.run(pair.compare_query(comparison.database, viewer, clock, request))
            assume("data" in body)  # a refused operation doesn't count as an example
            if body["data"] is not None:
                document = pair.strawberry.parse(request.query, trusted=True).ast
                fields = non_null_fields(document, request.operation_name, body["data"])
                covered.update(fields)
                has_rows = any(field.split(".")[0] in TABLES or field == "Query.node" for field in fields)
                pair.counts["found"] += has_rows

    _run_examples(queries_for(comparison.dataset, role), compare, examples, first_seed + 1000 * list(Role).index(role))
    assert pair.counts["executed"] >= examples
    assert pair.counts["found"] >= MIN_FOUND_SHARE * pair.counts["executed"], pair.counts
    _check_few_fallbacks(pair)
    return covered


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_mutation_has_equal_responses(comparison: ComparisonDatabase, first_seed: int, mutation: str) -> None:
    _compare_payloads(comparison, mutation, 1, first_seed)


@pytest.mark.conformance
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_generated_selections_of_a_payload_have_equal_responses(
    comparison: ComparisonDatabase, first_seed: int, mutation: str
) -> None:
    _compare_payloads(comparison, mutation, 27, first_seed)


def _compare_payloads(comparison: ComparisonDatabase, mutation: str, examples: int, first_seed: int) -> None:
    """Apply a mutation by each executor, then replay it by its idempotency key with generated selections."""
    pair, input = make_executor_pair(LIMITS), comparison.inputs[mutation]
    viewer, clock = comparison.office.viewer, comparison.office.clock()
    with comparison.copies() as copies:

        def compare(request: GraphQLRequest) -> None:
            body = comparison.run(pair.compare_mutation(copies, viewer, clock, request))
            assume("data" in body)

        request = GraphQLRequest(build_document(mutation), {"input": input})
        body = comparison.run(pair.compare_mutation(copies, viewer, clock, request))
        assert body["data"][mutation]["userErrors"] == [], body
        _run_examples(calls_of(comparison.dataset, mutation, input), compare, examples, first_seed)
    _check_few_fallbacks(pair)


def _run_examples(strategy: st.SearchStrategy[T], check: Callable[[T], None], examples: int, first_seed: int) -> None:
    """Check so many examples, by runs of different seeds. Shrink one that fails."""
    size = min(EXAMPLES_PER_RUN, examples)
    profile = settings(
        max_examples=size + 1,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )

    def run(example: T) -> None:
        check(example)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "MAX_SHRINKING_SECONDS", MAX_SHRINKING_SECONDS)
        for number in range(first_seed, first_seed - (-examples // size)):
            seed(number)(profile(given(strategy)(run)))()


def _check_few_fallbacks(pair: ExecutorPair) -> None:
    fallbacks = sum(pair.fallbacks.values())
    print(f"{dict(pair.counts)}; fallbacks: {dict(pair.fallbacks)}")  # noqa: T201 - shown where the test fails
    assert fallbacks <= max(1, MAX_FALLBACK_SHARE * pair.counts["executed"]), pair.fallbacks
    assert pair.breadth_first.plan_executions + fallbacks >= pair.counts["executed"]
