"""Both executors return equal responses for the queries in `handwritten.graphql`, and for invalid queries."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from all_types_dataset import GRAPHQL_SCHEMA, NOW
from both_executors import ExecutorPair, make_executor_pair, reachable_fields
from generated_values import QUERY_TYPE
from graphql import FieldNode, TypeInfo, TypeInfoVisitor, Visitor, parse, visit
from handwritten_dataset import VIEWER_NAMES, Variables, make_dataset
from sqlalchemy import make_url

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.execution.compile import thresholds
from benegraph.graphql.context import Context
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.graphql.engine.serialize import serialize
from conftest import GATEWAY_ROLE, connect, database_url_of

# Strawberry's executor cancels coroutines before they start; see `both_executors.run_executor`.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine '.*' was never awaited:RuntimeWarning")

#: Invalid queries. A title ends with the paths of the errors; `:30` is the number of errors for a path with `*`. In
#: parentheses follows the reason for a fallback, if there is one. An error within JSON text always leads to a fallback,
#: because the text can't become null.
INVALID_QUERIES = r"""
# a page size above the limit -> employees
{ employees(first: 101) { nodes { id } } viewer { role } }
# a negative page size within a row -> employer.employees
query($employer: ID!) { viewer { role } employer(id: $employer) { name employees(first: -1) { nodes { id } } } }
# a page size above the limit in a variable -> employer.employees
# {"n": 101}
query($employer: ID!, $n: Int) { employer(id: $employer) { name employees(first: $n) { nodes { id } } } }
# a page size above the limit in a variable, with a count -> employer.employees
# {"n": 101}
query($employer: ID!, $n: Int) { employer(id: $employer) { name employees(first: $n) { nodes { id } totalCount } } }
# a negative page size beneath many rows -> employer.employees.nodes.0.enrollments (arguments)
# {"n": -1}
query($employer: ID!, $n: Int) {
  employer(id: $employer) { employees(first: 40) { nodes { enrollments(first: $n) { totalCount } } } } }
# a page size above the limit in two fragments -> employer.employees
query($employer: ID!) { employer(id: $employer) { ...A ...B } }
fragment A on Employer { employees(first: 200) { nodes { id } } }
fragment B on Employer { employees(first: 200) { totalCount } name }
# a cursor of another list -> employer.enrollments (arguments)
# {"after": "$third"}
query($employer: ID!, $after: String) {
  employer(id: $employer) { enrollments(after: $after) { totalCount } } employees(after: $after) { totalCount } }
# an invalid cursor -> employer.enrollments
# {"after": "é"}
query($employer: ID!, $after: String) { employer(id: $employer) { enrollments(after: $after) { nodes { id } } } }
# null in a list of non-null items -> employer.enrollments
# {"status": null}
query($employer: ID!, $status: EnrollmentStatus = PENDING) {
  employer(id: $employer) { enrollments(first: 2, filter: {status: [$status]}) { nodes { status } } } }
# a text that PostgreSQL can't store -> employer.employees
# {"text": "\u0000"}
query($employer: ID!, $text: String) {
  viewer { role } employer(id: $employer) { employees(filter: {search: $text}) { totalCount } } }
# IDs of other types -> a b
query($employee: ID!, $employer: ID!) { a: employer(id: $employee) { id } b: employee(id: $employer) { id } }
# invalid IDs -> employee enrollment node nodes.0 nodes.2 plan
# {"id": "empl_01J659CVE0E0080M4XHPPEFPAH"}
query($id: ID!, $employee: ID!) { employee(id: $id) { id } node(id: $id) { id } enrollment(id: 7) { id }
  nodes(ids: [$id, $employee, $id]) { id } plan(id: "") { id } }
# null for an ID -> employee
# {"id": null}
query($id: ID = "x") { employee(id: $id) { id } viewer { role } }
# too many IDs -> nodes
query($tooMany: [ID!]!) { nodes(ids: $tooMany) { id } }
# a null condition -> employee (condition)
# {"a": null}
query($employee: ID!, $a: Boolean = true) { employee(id: $employee) { id firstName @include(if: $a) } viewer { role } }
# a null condition of a field that is skipped anyway -> (condition)
# {"a": null}
query($employee: ID!, $a: Boolean = true) { employee(id: $employee) { id firstName @include(if: $a) @skip(if: true) } }
# an ID that is not a plan year's -> employee.enrollments
query($employee: ID!) { employee(id: $employee) { id ...F } }
fragment F on Employee { enrollments(filter: {planYearId: $employee}) { nodes { id } } }
# invalid pages of several rows -> nodes.*.events:30
query($enrollments: [ID!]!) { nodes(ids: $enrollments) { ... on Enrollment { events(first: 101) { totalCount } } } }
# eligibility with an ID that is not a plan year's -> employer.employees.nodes.*.eligibility:40
query($employer: ID!) { employer(id: $employer) {
  employees(first: 40) { nodes { firstName eligibility(planYearId: "x") { eligible } } } } }
# an offset with a cursor -> subscriber.enrollments
query($number: String!) { subscriber(subscriberId: $number) { enrollments(offset: 3, after: "x") { totalCount } } }
# an offset with a number of last items -> subscriber.enrollments
query($number: String!) { subscriber(subscriberId: $number) { enrollments(offset: 3, last: 2) { totalCount } } }
# a number of last items above the limit -> employer.employees
# {"n": 101}
query($employer: ID!, $n: Int) { employer(id: $employer) { name employees(last: $n) { nodes { id } } } }
# a negative number of last items beneath many rows -> employer.employees.nodes.0.enrollments (arguments)
# {"n": -1}
query($employer: ID!, $n: Int) {
  employer(id: $employer) { employees(last: 40) { nodes { enrollments(last: $n) { totalCount } } } } }
# an invalid cursor of the next page -> employees
{ employees(last: 2, before: "é") { nodes { id } } }
# a cursor of another order -> subscriber.enrollments
# {"after": "$unlimited", "order": {"field": "ANNUAL_MAX"}}
query($number: String!, $after: String, $order: [SubscriberEnrollmentOrder!]) {
  subscriber(subscriberId: $number) { enrollments(after: $after, orderBy: $order) { totalCount } } }
# an order that contains a field twice -> subscriber.enrollments
# {"order": [{"field": "END_DATE"}, {"field": "END_DATE", "direction": "DESC"}]}
query($number: String!, $order: [SubscriberEnrollmentOrder!]) {
  subscriber(subscriberId: $number) { enrollments(orderBy: $order) { nodes { subscriberId } } } }
# several errors -> a b.employer.planYears c
query($employee: ID!) { a: employee(id: "x") { id } c: node(id: "") { id }
  b: employee(id: $employee) { employer { planYears(first: 101) { totalCount } } id } }
# introspection -> (introspection)
query($employee: ID!) { employee(id: $employee) { id } __type(name: "Plan") { kind } }
"""


def _parse_documents(text: str) -> dict[str, tuple[str, list[Variables]]]:
    """Parse documents by title, each with its sets of variables. A value "$name" refers to the dataset."""
    parts = re.findall(r"^# ([^{\n]+)\n((?:# \{.*\n)*)((?:(?!# ).*\n)+)", text, re.MULTILINE)
    assert "".join(f"# {title}\n{comments}{query}" for title, comments, query in parts) == text.lstrip()
    documents = {}
    for title, comments, query in parts:
        objects = [each for line in comments.splitlines() for each in re.split(r"(?<=\}) +(?=\{)", line[2:])]
        documents[title] = query, [orjson.loads(each) for each in objects] or [{}]
    assert len(documents) == len(parts)
    return documents


DOCUMENTS = _parse_documents(Path(__file__).with_name("handwritten.graphql").read_text(encoding="utf-8"))
INVALID_DOCUMENTS = _parse_documents(INVALID_QUERIES)
#: The documents that find no rows.
WITHOUT_ROWS = {"subscriber numbers that don't exist", "only __typename"}


@dataclass(frozen=True, slots=True)
class DocumentComparison:
    """A database, values for the variables of documents, viewers by name, and the executors to compare."""

    runner: asyncio.Runner
    database: Database
    values: Mapping[str, Any]
    viewers: Mapping[str, Viewer]
    pair: ExecutorPair

    def compare(
        self, viewer_name: str, query: str, variables: Variables, operation_name: str | None = None
    ) -> dict[str, Any]:
        """Execute a query by both executors, check that the responses are equal, and return one of them."""
        request = GraphQLRequest(query, self.fill_variables(query, variables), operation_name)
        self.pair.breadth_first.plan_fallbacks.clear()
        viewer = self.viewers[viewer_name]
        body: dict[str, Any] = self.runner.run(self.pair.compare_query(self.database, viewer, NOW, request))
        return body

    def fill_variables(self, query: str, variables: Variables) -> Variables:
        """Return the variables with values of the dataset. Omitted ones get the value with their name, if any."""
        names = re.findall(r"\$(\w+):", query)
        defaults = {name: self.values[name] for name in names if name in self.values}
        return defaults | {name: self._fill(value) for name, value in variables.items()}

    def _fill(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._fill(item) for name, item in value.items()}
        if isinstance(value, list):
            return [*map(self._fill, value)]
        return self.values[value[1:]] if isinstance(value, str) and value.startswith("$") else value


@pytest.fixture(scope="module", params=[8, thresholds.MAX_PARENTS_FOR_INLINE_ROWS])
def comparison(request: pytest.FixtureRequest, server_url: str, template: str) -> Iterator[DocumentComparison]:
    """Create the database. With a small limit of inline rows, most related rows are read by separate statements."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thresholds, "MAX_PARENTS_FOR_INLINE_ROWS", request.param)
        yield from _open_comparison(server_url, template)


def _open_comparison(server_url: str, template: str) -> Iterator[DocumentComparison]:
    name = f"test_{uuid4().hex}"
    url = make_url(database_url_of(server_url, name)).set(username=GATEWAY_ROLE, password="test")
    with asyncio.Runner() as runner:
        runner.run(_execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
        database = Database(create_engine(url.render_as_string(hide_password=False), PoolSettings(size=8, overflow=2)))
        try:
            yield DocumentComparison(runner, database, *runner.run(make_dataset(database)), make_executor_pair())
        finally:
            runner.run(database.engine.dispose())
            runner.run(_execute(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    connection = await connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("title", DOCUMENTS)
def test_handwritten_query_has_equal_responses(comparison: DocumentComparison, title: str) -> None:
    query, (first, *_) = DOCUMENTS[title]
    for viewer_name, variables in _viewers_and_variables(title):
        body = comparison.compare(viewer_name, query, variables)
        assert "errors" not in body, (viewer_name, variables, body["errors"])
        assert dict(comparison.pair.fallbacks) == {}, (viewer_name, variables)
        if viewer_name == VIEWER_NAMES[0] and variables is first:
            assert _has_values(body["data"]) is (title not in WITHOUT_ROWS)


def _viewers_and_variables(title: str) -> Iterator[tuple[str, Variables]]:
    """Iterate over viewers and variables: the first variables for the administrator and one other viewer.

    Each further set of variables is for one of these two, in turn. The other viewer depends on the document.
    """
    index = list(DOCUMENTS).index(title)
    _, (first, *others) = DOCUMENTS[title]
    names = VIEWER_NAMES[0], VIEWER_NAMES[1 + index % 4]
    yield from ((name, first) for name in names)
    yield from ((names[turn % 2], variables) for turn, variables in enumerate(others, 1))


def _has_values(value: Any) -> bool:
    """Return whether data contains a value other than null, false, 0 and the name of the query type."""
    if isinstance(value, dict | list):
        return any(map(_has_values, value.values() if isinstance(value, dict) else value))
    return bool(value) and value != "Query"


def test_handwritten_queries_select_all_fields() -> None:
    selected = set[str]()
    for query, _ in DOCUMENTS.values():
        info = TypeInfo(GRAPHQL_SCHEMA)

        class FieldCollector(Visitor):
            def enter_field(self, node: FieldNode, *_: Any, info: TypeInfo = info) -> None:
                selected.add(f"{info.get_parent_type()}.{node.name.value}")

        visit(parse(query), TypeInfoVisitor(info, FieldCollector()))
    assert reachable_fields(QUERY_TYPE) - selected == set()


@pytest.mark.parametrize("title", INVALID_DOCUMENTS)
def test_invalid_query_has_equal_errors(comparison: DocumentComparison, title: str) -> None:
    query, (variables,) = INVALID_DOCUMENTS[title]
    reasons = re.findall(r"\((\w+)\)$", title)
    expected = re.findall(r"[\w.*:]+", title.partition(" -> ")[2].partition("(")[0])
    body = comparison.compare("administrator", query, variables)
    paths = Counter(".".join(map(str, error["path"])) for error in body.get("errors", ()))
    if any("*" in path for path in expected):
        paths = Counter(re.sub(r"\.\d+\.", ".*.", path) for path in paths.elements())
    assert sorted(f"{path}:{number}" if number > 1 else path for path, number in paths.items()) == expected
    assert [*comparison.pair.fallbacks] == reasons


def test_operation_name_selects_one_of_several_operations(comparison: DocumentComparison) -> None:
    query = """query One($employee: ID!) { employee(id: $employee) { ...Name } }
    query Other($employee: ID!, $n: Int = 2) {
      employee(id: $employee) { lastName enrollments(first: $n) { nodes { id } } } }
    query Third($employee: ID!) { employee(id: $employee) { ...Name employer { ...Firm } } }
    fragment Name on Employee { firstName }
    fragment Firm on Employer { name employees(first: 1) { nodes { ...Name } } }"""
    for name, last_field in {"Third": "employer", "One": "firstName", "Other": "enrollments"}.items():
        assert [*comparison.compare("employee", query, {}, name)["data"]["employee"]][-1] == last_field
    assert dict(comparison.pair.fallbacks) == {}


def test_more_condition_values_than_cached_plans_have_equal_responses(comparison: DocumentComparison) -> None:
    query = """query($employee: ID!, $a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!, $e: Boolean!) {
      employee(id: $employee) { id firstName @include(if: $a) lastName @skip(if: $b) version @include(if: $c)
        ... @include(if: $d) { active } employer @skip(if: $e) { id } } }"""
    combinations = [dict(zip("abcde", values, strict=True)) for values in product((False, True), repeat=5)]
    for variables in (*combinations[:18], *combinations[:2]):
        employee = comparison.compare("employee", query, variables)["data"]["employee"]
        included = "firstName" in employee, "lastName" not in employee, "version" in employee
        assert included == (variables["a"], variables["b"], variables["c"])
        assert dict(comparison.pair.fallbacks) == {}


def test_all_pages_of_a_list_have_equal_responses(comparison: DocumentComparison) -> None:
    query = """query($number: String!, $order: [SubscriberEnrollmentOrder!], $after: String) {
      subscriber(subscriberId: $number) { enrollments(first: 40, after: $after, orderBy: $order) {
        edges { cursor node { id startDate annualMaxCents } } pageInfo { hasNextPage endCursor } } } }"""
    variables: Variables = {"order": [{"field": "ANNUAL_MAX", "direction": "DESC"}, {"field": "POLICY_NUMBER"}]}
    sizes, has_next_page = [], True
    while has_next_page:
        page = comparison.compare("employee", query, variables)["data"]["subscriber"]["enrollments"]
        sizes.append(len(page["edges"]))
        has_next_page, variables["after"] = page["pageInfo"].values()
    assert sizes == [40, 40, 25]
    assert dict(comparison.pair.fallbacks) == {}


def test_all_pages_of_a_list_from_its_end_have_equal_responses(comparison: DocumentComparison) -> None:
    query = """query($number: String!, $order: [SubscriberEnrollmentOrder!], $before: String) {
      subscriber(subscriberId: $number) { enrollments(last: 40, before: $before, orderBy: $order) {
        edges { cursor node { id startDate annualMaxCents } } pageInfo { hasPreviousPage startCursor } } } }"""
    variables: Variables = {"order": [{"field": "ANNUAL_MAX", "direction": "DESC"}, {"field": "POLICY_NUMBER"}]}
    sizes, has_previous_page = [], True
    while has_previous_page:
        page = comparison.compare("employee", query, variables)["data"]["subscriber"]["enrollments"]
        sizes.append(len(page["edges"]))
        has_previous_page, variables["before"] = page["pageInfo"].values()
    assert sizes == [40, 40, 25]
    assert dict(comparison.pair.fallbacks) == {}


def test_concurrent_requests_have_the_same_responses_as_sequential_ones(comparison: DocumentComparison) -> None:
    """Requests share plans, but each response must be that of its own viewer and variables."""
    documents = comparison.pair.breadth_first
    documents.plan_fallbacks.clear()
    requests = [
        (comparison.viewers[viewer_name], GraphQLRequest(query, comparison.fill_variables(query, variables)))
        for title, (query, _) in DOCUMENTS.items()
        for viewer_name, variables in _viewers_and_variables(title)
    ]

    async def run(viewer: Viewer, request: GraphQLRequest) -> bytes:
        return serialize(await execute(documents, Context(comparison.database, viewer, NOW, "request-1"), request))

    async def run_all() -> None:
        sequential = [await run(*request) for request in requests]
        for start in range(0, len(requests), 16):
            concurrent = await asyncio.gather(*(run(*request) for request in requests[start : start + 16]))
            assert concurrent == sequential[start : start + 16]

    comparison.runner.run(run_all())
    assert dict(documents.plan_fallbacks) == {}
