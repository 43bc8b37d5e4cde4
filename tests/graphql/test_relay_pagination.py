"""Pages by `first`, `after`, `last` and `before` equal Relay's algorithm over the complete list, in both executors."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest
from both_executors import ExecutorPair, make_executor_pair
from coverage_lists import Order, Row, coverages, insert_contracts, insert_subscriber, orders, sort, to_order_by
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from relay_algorithm import RelayArguments, edges_to_return, has_next_page, has_previous_page

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.execution.compile import thresholds
from benegraph.graphql.engine.execute import GraphQLRequest
from benegraph.graphql.types.paging import DEFAULT_PAGE_SIZE
from factories.access import administrator
from factories.employers import make_employer
from factories.people import make_employee

ADMINISTRATOR = administrator()
VARIABLES = "$first: Int, $after: String, $last: Int, $before: String"
ARGUMENTS = "first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy"
PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
#: A connection by several plans: JSON with edges, JSON without additional rows, and rows.
CONNECTIONS = f"""
  edges: LIST {{ edges {{ cursor node {{ id }} }} {PAGE_INFO} totalCount }}
  nodes: LIST {{ nodes {{ id }} }}
  info: LIST {{ pageInfo {{ hasPreviousPage hasNextPage }} }}
  rows: LIST {{ {PAGE_INFO} nodes {{ id }} edges {{ cursor }} }}
"""
COVERAGES = f"""
query ($ids: [ID!]!, $orderBy: [SubscriberEnrollmentOrder!], {VARIABLES}) {{
  nodes(ids: $ids) {{ ... on Subscriber {{ {CONNECTIONS.replace("LIST", f"enrollments({ARGUMENTS})")} }} }}
}}
"""
FILTER = "filter: {active: true}"
EMPLOYEES = f"""
query ($id: ID!, $orderBy: EmployeeOrder, {VARIABLES}) {{
  employer(id: $id) {{ {CONNECTIONS.replace("LIST", f"employees({ARGUMENTS})")} }}
  {CONNECTIONS.replace("LIST", f"employees({ARGUMENTS})")}
  active: employees({ARGUMENTS}, {FILTER}) {{ edges {{ cursor node {{ id }} }} {PAGE_INFO} totalCount }}
}}
"""
EMPLOYEE_COUNT = DEFAULT_PAGE_SIZE + 5
#: Without shrinking, which would execute queries for minutes; the examples are small anyway.
SETTINGS = settings(deadline=None, derandomize=True, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))


@dataclass(frozen=True, slots=True)
class ListReader:
    """Executes queries by both executors, with two thresholds for reading related rows by separate statements."""

    runner: asyncio.Runner
    database: Database
    clock: Clock
    pair: ExecutorPair = field(default_factory=make_executor_pair)
    pair_of_rows: ExecutorPair = field(default_factory=make_executor_pair)

    def fetch(self, query: str, variables: dict[str, Any]) -> Any:
        """Return the data of a query, after checking that all responses are equal and that nothing fell back."""
        data = self._compare(self.pair, query, variables)
        with (
            patch.object(thresholds, "MAX_PARENTS_FOR_INLINE_ROWS", 0),
            patch.object(thresholds, "MAX_PARENTS_FOR_INLINE_JSON", 0),
        ):
            assert self._compare(self.pair_of_rows, query, variables) == data
        return data

    def _compare(self, pair: ExecutorPair, query: str, variables: dict[str, Any]) -> Any:
        request = GraphQLRequest(query, variables, trusted=True)
        body = self.runner.run(pair.compare_query(self.database, ADMINISTRATOR, self.clock, request))
        assert "errors" not in body, body["errors"]
        assert not pair.fallbacks
        return body["data"]


@contextmanager
def open_reader(database_url: str, clock: Clock) -> Iterator[ListReader]:
    with asyncio.Runner() as runner:
        engine = create_engine(database_url, PoolSettings(size=2, overflow=8))
        try:
            yield ListReader(runner, Database(engine), clock)
        finally:
            runner.run(engine.dispose())


@dataclass(frozen=True, slots=True)
class CursorList:
    """The IDs and cursors of a complete list, in order."""

    ids: Sequence[str]
    cursors: Sequence[str]

    def variables(self, arguments: RelayArguments, *, with_nulls: bool) -> dict[str, Any]:
        """Return the variables of a request; an argument that is not set is omitted, or null."""
        positions = {"after": arguments.after, "before": arguments.before}
        values = {"first": arguments.first, "last": arguments.last} | {
            name: None if position is None else self.cursors[position] for name, position in positions.items()
        }
        return {name: value for name, value in values.items() if with_nulls or value is not None}

    def check_page(self, arguments: RelayArguments, edges: Sequence[int], connections: Any) -> None:
        """Check the forms of a connection whose complete list has these edges, as indexes of this list."""
        shown = edges_to_return(edges, arguments)
        page_info = {
            "hasNextPage": has_next_page(edges, arguments),
            "hasPreviousPage": has_previous_page(edges, arguments),
            "startCursor": self.cursors[shown[0]] if shown else None,
            "endCursor": self.cursors[shown[-1]] if shown else None,
        }
        nodes = [{"id": self.ids[edge]} for edge in shown]
        cursors = [self.cursors[edge] for edge in shown]
        assert connections["edges"] == {
            "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)],
            "pageInfo": page_info,
            "totalCount": len(edges),
        }
        for name, expected in {
            "nodes": {"nodes": nodes},
            "info": {"pageInfo": {key: page_info[key] for key in ("hasPreviousPage", "hasNextPage")}},
            "rows": {"pageInfo": page_info, "nodes": nodes, "edges": [{"cursor": cursor} for cursor in cursors]},
        }.items():
            assert connections.get(name, expected) == expected


def with_default(arguments: RelayArguments, size: int) -> RelayArguments:
    """Return the arguments as the gateway takes them: without `first` and `last`, the page has the default size."""
    if arguments.first is None and arguments.last is None:
        return RelayArguments(size, arguments.after, None, arguments.before)
    return arguments


def arguments_for(max_size: int, length: int) -> st.SearchStrategy[RelayArguments]:
    sizes = st.none() | st.integers(0, max_size)
    positions = st.none() | st.integers(0, length - 1) if length else st.none()
    return st.builds(RelayArguments, sizes, positions, sizes, positions)


# ------------------------------------------------------------------------------------- sort columns that hold nulls


def test_pages_of_coverages_equal_relays_algorithm(database_url: str, clock: Clock) -> None:
    _compare_coverages(database_url, clock, 12)


@pytest.mark.conformance
def test_pages_of_many_coverages_equal_relays_algorithm(database_url: str, clock: Clock) -> None:
    _compare_coverages(database_url, clock, 200)


def _compare_coverages(database_url: str, clock: Clock, examples: int) -> None:
    with open_reader(database_url, clock) as reader:
        numbers = count()
        reader.runner.run(insert_contracts(reader.database, clock))

        def check(data: st.DataObject, drawn: Sequence[list[Row]], order: Order) -> None:
            subscribers = {f"S{next(numbers)}": each for each in drawn}
            lists = [
                reader.runner.run(insert_subscriber(reader.database, clock, number, each))
                for number, each in subscribers.items()
            ]
            ids = reader.runner.run(_find_subscriber_ids(reader, list(subscribers)))
            variables = {"ids": ids, "orderBy": to_order_by(order)}
            complete = reader.fetch(COVERAGES, variables)["nodes"]
            cursors = {
                edge["node"]["id"]: edge["cursor"] for connections in complete for edge in connections["edges"]["edges"]
            }
            merged_ids = sort([row for rows in lists for row in rows], order)
            merged = CursorList(merged_ids, [cursors[id] for id in merged_ids])
            edges_of_lists = [sorted(merged_ids.index(row["id"]) for row in rows) for rows in lists]
            for _ in range(4):
                arguments = data.draw(arguments_for(max(map(len, lists)) + 1, len(merged_ids)))
                passed = merged.variables(arguments, with_nulls=data.draw(st.booleans()))
                for edges, page in zip(
                    edges_of_lists, reader.fetch(COVERAGES, variables | passed)["nodes"], strict=True
                ):
                    merged.check_page(with_default(arguments, 100), edges, page)
            _check_backward_walk(reader, merged, edges_of_lists[0], variables, data.draw(st.integers(1, 5)))

        @settings(SETTINGS, max_examples=examples)
        @given(st.data(), st.lists(coverages(), min_size=1, max_size=2), orders)
        def run_property(data: st.DataObject, drawn: list[list[Row]], order: Order) -> None:
            check(data, drawn, order)

        run_property()


async def _find_subscriber_ids(reader: ListReader, numbers: Sequence[str]) -> list[str]:
    query = "{" + " ".join(f'{number}: subscriber(subscriberId: "{number}") {{ id }}' for number in numbers) + "}"
    request = GraphQLRequest(query, {}, trusted=True)
    body = await reader.pair.compare_query(reader.database, ADMINISTRATOR, reader.clock, request)
    return [body["data"][number]["id"] for number in numbers]


def _check_backward_walk(
    reader: ListReader, merged: CursorList, edges: Sequence[int], variables: dict[str, Any], size: int
) -> None:
    """Check that the pages from the end back to the start yield the whole list once, in the same order."""
    ids: list[str] = []
    before = None
    while True:
        page = reader.fetch(COVERAGES, variables | {"last": size, "before": before})["nodes"][0]["edges"]
        ids = [edge["node"]["id"] for edge in page["edges"]] + ids
        assert len(ids) == len(set(ids)) <= len(edges)  # a repeated page would loop forever
        assert page["pageInfo"]["hasNextPage"] is (before is not None)
        if not page["pageInfo"]["hasPreviousPage"]:
            break
        assert len(page["edges"]) == size
        before = page["pageInfo"]["startCursor"]
    assert ids == [merged.ids[edge] for edge in edges]


# ---------------------------------------------------------------------------------- sort columns that hold no nulls


def test_pages_of_employees_equal_relays_algorithm(database_url: str, clock: Clock) -> None:
    _compare_employees(database_url, clock, 40)


@pytest.mark.conformance
def test_many_pages_of_employees_equal_relays_algorithm(database_url: str, clock: Clock) -> None:
    _compare_employees(database_url, clock, 300)


def _compare_employees(database_url: str, clock: Clock, examples: int) -> None:
    with open_reader(database_url, clock) as reader:
        employer, of_employer, active = reader.runner.run(_insert_employees(reader.database, clock))
        order_bys: list[dict[str, str] | None] = [None]
        for order_field in ("LAST_NAME", "START_DATE", "CREATED_AT"):
            order_bys += [{"field": order_field, "direction": direction} for direction in ("ASC", "DESC")]
        lists = []
        for order_by in order_bys:
            data = reader.fetch(EMPLOYEES, {"id": employer, "orderBy": order_by, "first": 100})
            edges = data["edges"]["edges"]
            lists.append(CursorList([edge["node"]["id"] for edge in edges], [edge["cursor"] for edge in edges]))
            assert len(edges) == EMPLOYEE_COUNT

        @settings(SETTINGS, max_examples=examples)
        @given(
            index=st.integers(0, len(order_bys) - 1),
            arguments=arguments_for(EMPLOYEE_COUNT + 1, EMPLOYEE_COUNT),
            with_nulls=st.booleans(),
        )
        def run_property(index: int, arguments: RelayArguments, *, with_nulls: bool) -> None:
            complete = lists[index]
            variables = complete.variables(arguments, with_nulls=with_nulls)
            data = reader.fetch(EMPLOYEES, {"id": employer, "orderBy": order_bys[index], **variables})
            effective = with_default(arguments, DEFAULT_PAGE_SIZE)
            complete.check_page(effective, range(EMPLOYEE_COUNT), data)
            for ids, connections in ((of_employer, data["employer"]), (active, {"edges": data["active"]})):
                edges = [edge for edge, id in enumerate(complete.ids) if id in ids]
                complete.check_page(effective, edges, connections)

        run_property()


async def _insert_employees(database: Database, clock: Clock) -> tuple[str, set[str], set[str]]:
    """Insert employees of two employers with many equal sort values.

    Return an employer, its employees, and those of both employers who are active.
    """
    employers = [await make_employer(database, clock, name=name) for name in "AB"]
    of_employer, active = set(), set()
    for number in range(EMPLOYEE_COUNT):
        id = await make_employee(
            database,
            clock,
            employer=employers[number % 6 == 5],
            last_name=["Zola", "adams", "Brontë", "Brontë"][number % 4],
            hired_on=date(2020, 1, 1) + timedelta(days=number % 3),
            created_at=clock.now - timedelta(seconds=number % 2, microseconds=number % 5),
            terminated_on=date(2026, 1, 31) if number % 5 == 4 else None,
        )
        if number % 6 != 5:
            of_employer.add(id)
        if number % 5 != 4:
            active.add(id)
    return employers[0], of_employer, active
