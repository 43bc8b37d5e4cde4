"""Both executors say the same of operations that nobody thought of: reads of every role, and what mutations give."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import pytest
from all_types_dataset import TABLES
from both_executors import ExecutorPair, all_fields, both_executors, reached
from comparison_database import ComparisonDatabase, open_comparison_database
from generated import operations, payloads
from generated_values import QUERY
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import engine
from mutation_calls import MUTATIONS, build_document

from benegraph.domain.access import Role
from benegraph.graphql.engine.execute import GraphQLRequest
from benegraph.graphql.engine.limits import Limits

# What Strawberry's executor gives up before it has begun; see `both_executors.answer`.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine '.*' was never awaited:RuntimeWarning")

T = TypeVar("T")

#: What a generated operation may cost: as much as is answered in a test's time.
LIMITS = Limits(cost=2_000, query_seconds=60.0)
#: New examples of one run of Hypothesis, after the simplest. With ten it would begin to vary those it has, which makes
#: five of six like one before.
A_RUN = 8
#: Seconds in which an example that fails is made smaller.
PATIENCE = 40
MOST_FALL_BACK = 0.02
#: Of all operations that are executed, those that find rows; of all fields, those that hold anything in some answer.
FEWEST_FIND = 0.5
FEWEST_REACHED = 0.95


@pytest.fixture(scope="module")
def comparison(server_url: str, template: str) -> Iterator[ComparisonDatabase]:
    with open_comparison_database(server_url, template) as comparison:
        yield comparison


@pytest.fixture(scope="module")
def start(pytestconfig: pytest.Config) -> int:
    """Where the examples begin: the same in every run, unless `--hypothesis-seed` asks for others."""
    return 10_000 * int(pytestconfig.getoption("--hypothesis-seed") or 0)


@pytest.mark.parametrize("role", Role)
def test_generated_operations_are_answered_alike(comparison: ComparisonDatabase, start: int, role: Role) -> None:
    _hold_equal(comparison, role, 8, start)


@pytest.mark.conformance
@pytest.mark.parametrize("role", Role)
def test_two_thousand_generated_operations_are_answered_alike(
    comparison: ComparisonDatabase, start: int, role: Role
) -> None:
    found = _hold_equal(comparison, role, 500, start)
    if role is Role.ADMINISTRATOR:
        every = all_fields(QUERY)
        missed = sorted(every - found)
        print(f"{len(found)} of {len(every)} fields held something, all but {missed}")  # noqa: T201 - as below
        assert {each.split(".")[0] for each in found} >= set(TABLES), missed
        assert len(found) >= FEWEST_REACHED * len(every), missed


def _hold_equal(comparison: ComparisonDatabase, role: Role, examples: int, start: int) -> set[str]:
    """Ask both for so many operations, few of which are left to Strawberry; give the fields that held anything."""
    both, found = both_executors(LIMITS), set[str]()

    def holds(requests: Sequence[GraphQLRequest]) -> None:
        for request in requests:
            viewer, clock = comparison.dataset.viewers[role], comparison.dataset.clock
            body = comparison.run(both.compare_query(comparison.database, viewer, clock, request))
            assume("data" in body)  # what is refused is no example
            if body["data"] is not None:
                asked = both.strawberry.parse(request.query, trusted=True).ast
                these = reached(asked, request.operation_name, body["data"])
                found.update(these)
                both.counts["found"] += any(each.split(".")[0] in TABLES or each == "Query.node" for each in these)

    _try_out(operations(comparison.dataset, role), holds, examples, start + 1000 * list(Role).index(role))
    assert both.counts["executed"] >= examples
    assert both.counts["found"] >= FEWEST_FIND * both.counts["executed"], both.counts
    _check_few_fell_back(both)
    return found


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_change_gives_the_same(comparison: ComparisonDatabase, start: int, mutation: str) -> None:
    _hold_payload(comparison, mutation, 1, start)


@pytest.mark.conformance
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_whatever_is_asked_of_a_change_is_the_same(comparison: ComparisonDatabase, start: int, mutation: str) -> None:
    _hold_payload(comparison, mutation, 27, start)


def _hold_payload(comparison: ComparisonDatabase, mutation: str, examples: int, start: int) -> None:
    """Do it once with each, then ask for what came of it in other ways: the idempotency key allows that."""
    both, input = both_executors(LIMITS), comparison.inputs[mutation]
    viewer, clock = comparison.office.viewer, comparison.office.clock()
    with comparison.copies() as copies:

        def holds(request: GraphQLRequest) -> None:
            body = comparison.run(both.compare_mutation(copies, viewer, clock, request))
            assume("data" in body)

        request = GraphQLRequest(build_document(mutation), {"input": input})
        body = comparison.run(both.compare_mutation(copies, viewer, clock, request))
        assert body["data"][mutation]["userErrors"] == [], body
        _try_out(payloads(comparison.dataset, mutation, input), holds, examples, start)
    _check_few_fell_back(both)


def _try_out(strategy: st.SearchStrategy[T], holds: Callable[[T], None], examples: int, start: int) -> None:
    """Try out so many examples; make one that fails smaller, while there is time."""
    size = min(A_RUN, examples)
    chosen = settings(
        max_examples=size + 1,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )

    def example(drawn: T) -> None:
        holds(drawn)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "MAX_SHRINKING_SECONDS", PATIENCE)
        for number in range(start, start - (-examples // size)):
            seed(number)(chosen(given(strategy)(example)))()


def _check_few_fell_back(both: ExecutorPair) -> None:
    left = sum(both.fallbacks.values())
    print(f"{dict(both.counts)}; left to Strawberry: {dict(both.fallbacks)}")  # noqa: T201 - shown where it fails
    assert left <= max(1, MOST_FALL_BACK * both.counts["executed"]), both.fallbacks
    assert both.breadth_first.plan_executions + left >= both.counts["executed"]
