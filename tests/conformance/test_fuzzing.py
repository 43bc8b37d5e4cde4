"""A fuzzer against the running gateway: no request causes an internal error or reveals internals."""

import json
import re
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from gateway import TODAY, Gateway, run_gateway
from graphql import (
    ArgumentNode,
    FieldNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectFieldNode,
    SelectionSetNode,
    StringValueNode,
    Visitor,
    parse,
    visit,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.conformance

MIN_REQUESTS = 500
#: The number of requests for each field of Query and Mutation: valid ones, and invalid ones.
EXAMPLES = {"positive": 24, "negative": 6}
#: Text that reveals internals: Python classes and files, SQL statements, names of libraries.
INTERNALS = re.compile(
    r"INTERNAL|Traceback|\b[A-Za-z.]*(?:Error|Exception|Warning)\b|\.py\b|\bFile \\?\"|sqlalchemy|asyncpg|strawberry"
    r"|postgres|\bSELECT\b.*\bFROM\b|\bINSERT INTO\b|\bUPDATE\b.*\bSET\b|/(?:home|root|tmp|usr|var)/"
)
STRINGS = ("Noor", "Noor's 2nd", "America/Chicago", "noor@example.com")
#: A few related objects of each type, so that random IDs often belong together.
SAMPLE_QUERY = """query($id: ID!) {
  employee(id: $id) {
    __typename id
    dependents { __typename id }
    employer {
      __typename id
      planYears(first: 5) { nodes { __typename id } }
      employees(first: 2) { nodes { __typename id } }
    }
    enrollments(filter: {status: [PENDING]}) {
      nodes { __typename id benefitProduct { __typename id } planYear { __typename id plans { __typename id } } }
    }
  }
  qualifyingLifeEvents(first: 5) { nodes { __typename id } }
}"""

USER_ERRORS: Any = parse("{ userErrors { code message field } }").definitions[0]
Ids = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Exchange:
    """A request, its response, and the failures that the fuzzer found in it."""

    query: str
    status: int
    text: str
    failures: tuple[str, ...]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with run_gateway() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def exchanges(gateway: Gateway) -> list[Exchange]:
    """Return all exchanges with the gateway: the same requests in every run, up to generated IDs."""
    schemathesis = pytest.importorskip("schemathesis", reason="the dependency group `conformance` is not installed")
    headers = {"Authorization": f"Bearer {gateway.keys['administrator']}"}
    ids = ids_of(gateway, headers)
    schema = schemathesis.graphql.from_url(gateway.url, headers=headers)
    nodes = schemathesis.graphql.nodes
    number = st.tuples(st.integers(0, 3), st.integers(0, 999).map("#{}".format), st.text())
    schemathesis.graphql.scalar("Cents", st.integers(-(2**53) + 1, 2**53 - 1).map(nodes.Int))
    schemathesis.graphql.scalar("Date", (near_dates() | st.dates()).map(str).map(nodes.String))
    schemathesis.graphql.scalar("String", (st.sampled_from(STRINGS) | st.text()).map(nodes.String))
    schemathesis.graphql.scalar("ID", number.map(lambda drawn: nodes.String(drawn[1] if drawn[0] < 3 else drawn[2])))

    @schema.hook  # type: ignore[untyped-decorator] # schemathesis comes as Any
    def map_body(context: Any, document: Any) -> Any:
        replaced = visit(document, IdReplacer(ids))
        return visit(replaced, UserErrorSelector()) if context.operation.definition.is_mutation else replaced

    exchanges: list[Exchange] = []
    for mode in schemathesis.GenerationMode:
        for operation in (each.ok() for each in schema.get_all_operations()):
            exchanges += send_examples(operation, mode, headers)
    return exchanges


def send_examples(operation: Any, mode: Any, headers: dict[str, str]) -> list[Exchange]:
    """Send generated requests for one field of Query or Mutation."""
    exchanges = []

    @settings(
        max_examples=EXAMPLES[mode.value],
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        response = case.call(headers=headers)
        exchanges.append(Exchange(case.body, response.status_code, response.text, failures_of(case, response)))

    send()
    return exchanges


def failures_of(case: Any, response: Any) -> tuple[str, ...]:
    """Return the failures that schemathesis finds; a refused invalid request is none."""
    try:
        case.validate_response(response)
    except BaseExceptionGroup as group:
        names = (type(failure).__name__ for failure in group.exceptions)
        return tuple(name for name in names if name != "GraphQLClientError")
    return ()


def near_dates() -> st.SearchStrategy[date]:
    """Return a strategy for dates near the demo's plan years and events."""
    today = date.fromisoformat(TODAY)
    return st.dates(today - timedelta(days=90), today + timedelta(days=500))


def ids_of(gateway: Gateway, headers: dict[str, str]) -> Ids:
    """Return some existing IDs of each type."""
    body = json.dumps({"query": SAMPLE_QUERY, "variables": {"id": gateway.samples["employeeId"]}}).encode()
    request = urllib.request.Request(gateway.url, body, headers | {"Content-Type": "application/json"})  # noqa: S310 - a local URL
    with urllib.request.urlopen(request) as response:  # noqa: S310 - as above
        pending = [json.load(response)["data"]]
    ids = defaultdict(list)
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
            if "id" in value:
                ids[value["__typename"]].append(value["id"])
        elif isinstance(value, list):
            pending += value
    return ids


class IdReplacer(Visitor):
    """Replaces generated numbers with existing IDs of the expected type, and half of the versions with null."""

    def __init__(self, ids: Ids) -> None:
        super().__init__()
        self._ids = ids
        self._field = ""

    def enter_field(self, field: FieldNode, *_: Any) -> None:
        self._field = field.name.value

    def enter_argument(self, argument: ArgumentNode, *_: Any) -> ArgumentNode:
        return ArgumentNode(name=argument.name, value=self._replace(argument.name.value, argument.value))

    def enter_object_field(self, field: ObjectFieldNode, *_: Any) -> ObjectFieldNode:
        return ObjectFieldNode(name=field.name, value=self._replace(field.name.value, field.value))

    def _replace(self, name: str, value: Any) -> Any:
        if isinstance(value, ListValueNode):
            return ListValueNode(values=tuple(self._replace(name, each) for each in value.values))
        if name == "expectedVersion" and isinstance(value, IntValueNode):
            return NullValueNode() if int(value.value) % 2 else value
        number = re.fullmatch(r"#(\d+)", value.value) if isinstance(value, StringValueNode) else None
        if number is None:
            return value
        ids = self._ids_for(self._field if name in {"id", "ids"} else name)
        return StringValueNode(value=ids[int(number[1]) % len(ids)])

    def _ids_for(self, name: str) -> Sequence[str]:
        """Return the IDs that fit a name: plans for `selectedPlanId` and `plan`, any for `node`."""
        expected = re.sub("Ids?$", "", name).lower()
        types = [type_ for type_ in self._ids if expected.endswith(type_.lower())]
        return self._ids[max(types, key=len)] if types else [id for each in self._ids.values() for id in each]


class UserErrorSelector(Visitor):
    """Adds the selection of `userErrors` to every mutation."""

    def leave_field(self, field: FieldNode, _key: Any, _parent: Any, _path: Any, ancestors: list[Any]) -> Any:
        is_root = sum(isinstance(each, FieldNode) for each in ancestors) == 0
        if not is_root or field.selection_set is None:
            return None
        selections = (*field.selection_set.selections, *USER_ERRORS.selection_set.selections)
        return FieldNode(
            name=field.name,
            alias=field.alias,
            arguments=field.arguments,
            directives=field.directives,
            selection_set=SelectionSetNode(selections=selections),
        )


def codes(exchange: Exchange) -> set[str]:
    return {error["extensions"]["code"] for error in json.loads(exchange.text).get("errors", [])}


def test_fuzzer_sends_many_requests_and_many_succeed(exchanges: list[Exchange]) -> None:
    assert len({exchange.query for exchange in exchanges}) >= MIN_REQUESTS
    succeeded = [exchange for exchange in exchanges if not codes(exchange)]
    assert len(succeeded) >= MIN_REQUESTS / 2
    assert sum('"userErrors":[]' in exchange.text for exchange in succeeded) >= 10
    assert len({code for exchange in succeeded for code in re.findall(r'{"code":"([A-Z_]+)"', exchange.text)}) >= 6


def test_no_request_causes_an_internal_error(exchanges: list[Exchange], gateway: Gateway) -> None:
    assert [exchange for exchange in exchanges if exchange.status >= 500] == []
    assert [exchange for exchange in exchanges if codes(exchange) & {"INTERNAL", "TIMEOUT"}] == []
    assert [exchange for exchange in exchanges if exchange.failures] == []
    assert [line for line in gateway.log.splitlines() if "INTERNAL" in line or "Traceback" in line] == []


def test_no_response_reveals_internals(exchanges: list[Exchange]) -> None:
    assert [(found[0], exchange) for exchange in exchanges if (found := INTERNALS.search(exchange.text))] == []


def test_search_for_internals_matches_known_leaks() -> None:
    for leak in (
        "asyncpg.exceptions.UndefinedColumnError: column",
        'File "execute", line 3',
        "SELECT employees.id FROM employees",
        "(psycopg) OperationalError",
    ):
        assert INTERNALS.search(json.dumps({"errors": [{"message": leak}]})), leak
