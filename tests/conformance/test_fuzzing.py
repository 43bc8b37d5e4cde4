"""A fuzzer against the running gateway: whatever it asks, nothing fails on our side or tells of our inside."""

import json
import re
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from gateway import TODAY, Gateway, serving
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

FEWEST = 500
#: How often each field of Query and Mutation is asked for: as the schema allows, and as it does not.
EACH = {"positive": 24, "negative": 6}
#: What only our inside says: a class or file of Python's, a statement, the library that failed.
INSIDE = re.compile(
    r"INTERNAL|Traceback|\b[A-Za-z.]*(?:Error|Exception|Warning)\b|\.py\b|\bFile \\?\"|sqlalchemy|asyncpg|strawberry"
    r"|postgres|\bSELECT\b.*\bFROM\b|\bINSERT INTO\b|\bUPDATE\b.*\bSET\b|/(?:home|root|tmp|usr|var)/"
)
WORDS = ("Noor", "Noor's 2nd", "America/Chicago", "noor@example.com")
#: Few of each type, and related, so that one meant for another is often hers.
WHAT_IS_THERE = """query($id: ID!) {
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

OUTCOME: Any = parse("{ userErrors { code message field } }").definitions[0]
Ids = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Answer:
    """What was asked, what came back, and what the fuzzer itself has against it."""

    asked: str
    status: int
    text: str
    complaints: tuple[str, ...]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with serving() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def answers(gateway: Gateway) -> list[Answer]:
    """All that the gateway answered: the same questions in every run, as far as it gave the same ids."""
    schemathesis = pytest.importorskip("schemathesis", reason="the group `conformance` is not installed")
    headers = {"Authorization": f"Bearer {gateway.keys['administrator']}"}
    ids = ids_of(gateway, headers)
    schema = schemathesis.graphql.from_url(gateway.url, headers=headers)
    nodes = schemathesis.graphql.nodes
    number = st.tuples(st.integers(0, 3), st.integers(0, 999).map("#{}".format), st.text())
    schemathesis.graphql.scalar("Cents", st.integers(-(2**53) + 1, 2**53 - 1).map(nodes.Int))
    schemathesis.graphql.scalar("Date", (near() | st.dates()).map(str).map(nodes.String))
    schemathesis.graphql.scalar("String", (st.sampled_from(WORDS) | st.text()).map(nodes.String))
    schemathesis.graphql.scalar("ID", number.map(lambda drawn: nodes.String(drawn[1] if drawn[0] < 3 else drawn[2])))

    @schema.hook  # type: ignore[untyped-decorator] # schemathesis comes as Any
    def map_body(context: Any, document: Any) -> Any:
        sensible = visit(document, Sense(ids))
        return visit(sensible, Outcome()) if context.operation.definition.is_mutation else sensible

    found: list[Answer] = []
    for mode in schemathesis.GenerationMode:
        for operation in (each.ok() for each in schema.get_all_operations()):
            found += ask(operation, mode, headers)
    return found


def ask(operation: Any, mode: Any, headers: dict[str, str]) -> list[Answer]:
    """Ask for a field of Query or Mutation in many ways."""
    found = []

    @settings(
        max_examples=EACH[mode.value],
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def once(case: Any) -> None:
        response = case.call(headers=headers)
        found.append(Answer(case.body, response.status_code, response.text, complaints_of(case, response)))

    once()
    return found


def complaints_of(case: Any, response: Any) -> tuple[str, ...]:
    """Give what schemathesis finds wrong; that a question was refused as the client's fault is not."""
    try:
        case.validate_response(response)
    except BaseExceptionGroup as group:
        kinds = (type(failure).__name__ for failure in group.exceptions)
        return tuple(kind for kind in kinds if kind != "GraphQLClientError")
    return ()


def near() -> st.SearchStrategy[date]:
    """Days on which something may happen to what is there."""
    today = date.fromisoformat(TODAY)
    return st.dates(today - timedelta(days=90), today + timedelta(days=500))


def ids_of(gateway: Gateway, headers: dict[str, str]) -> Ids:
    """Give some ids of each type that there are."""
    body = json.dumps({"query": WHAT_IS_THERE, "variables": {"id": gateway.samples["employeeId"]}}).encode()
    request = urllib.request.Request(gateway.url, body, headers | {"Content-Type": "application/json"})  # noqa: S310 - our own
    with urllib.request.urlopen(request) as response:  # noqa: S310 - as above
        left = [json.load(response)["data"]]
    ids = defaultdict(list)
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += value.values()
            if "id" in value:
                ids[value["__typename"]].append(value["id"])
        elif isinstance(value, list):
            left += value
    return ids


class Sense(Visitor):
    """Puts an id of the type that is meant where the fuzzer wrote the number of one; leaves out half the versions."""

    def __init__(self, ids: Ids) -> None:
        super().__init__()
        self._ids = ids
        self._field = ""

    def enter_field(self, field: FieldNode, *_: Any) -> None:
        self._field = field.name.value

    def enter_argument(self, argument: ArgumentNode, *_: Any) -> ArgumentNode:
        return ArgumentNode(name=argument.name, value=self._sensible(argument.name.value, argument.value))

    def enter_object_field(self, field: ObjectFieldNode, *_: Any) -> ObjectFieldNode:
        return ObjectFieldNode(name=field.name, value=self._sensible(field.name.value, field.value))

    def _sensible(self, name: str, value: Any) -> Any:
        if isinstance(value, ListValueNode):
            return ListValueNode(values=tuple(self._sensible(name, each) for each in value.values))
        if name == "expectedVersion" and isinstance(value, IntValueNode):
            return NullValueNode() if int(value.value) % 2 else value
        number = re.fullmatch(r"#(\d+)", value.value) if isinstance(value, StringValueNode) else None
        if number is None:
            return value
        ids = self._of_type(self._field if name in {"id", "ids"} else name)
        return StringValueNode(value=ids[int(number[1]) % len(ids)])

    def _of_type(self, name: str) -> Sequence[str]:
        """`selectedPlanId` and `plan` mean plans; `node` means anything."""
        meant = re.sub("Ids?$", "", name).lower()
        types = [type_ for type_ in self._ids if meant.endswith(type_.lower())]
        return self._ids[max(types, key=len)] if types else [id for each in self._ids.values() for id in each]


class Outcome(Visitor):
    """Asks every mutation what came of it."""

    def leave_field(self, field: FieldNode, _key: Any, _parent: Any, _path: Any, ancestors: list[Any]) -> Any:
        is_root = sum(isinstance(each, FieldNode) for each in ancestors) == 0
        if not is_root or field.selection_set is None:
            return None
        asked = (*field.selection_set.selections, *OUTCOME.selection_set.selections)
        return FieldNode(
            name=field.name,
            alias=field.alias,
            arguments=field.arguments,
            directives=field.directives,
            selection_set=SelectionSetNode(selections=asked),
        )


def codes(answer: Answer) -> set[str]:
    return {error["extensions"]["code"] for error in json.loads(answer.text).get("errors", [])}


def test_enough_was_asked_and_much_of_it_came_far(answers: list[Answer]) -> None:
    assert len({answer.asked for answer in answers}) >= FEWEST
    answered = [answer for answer in answers if not codes(answer)]
    assert len(answered) >= FEWEST / 2
    assert sum('"userErrors":[]' in answer.text for answer in answered) >= 10
    assert len({code for answer in answered for code in re.findall(r'{"code":"([A-Z_]+)"', answer.text)}) >= 6


def test_nothing_fails_on_our_side(answers: list[Answer], gateway: Gateway) -> None:
    assert [answer for answer in answers if answer.status >= 500] == []
    assert [answer for answer in answers if codes(answer) & {"INTERNAL", "TIMEOUT"}] == []
    assert [answer for answer in answers if answer.complaints] == []
    assert [line for line in gateway.log.splitlines() if "INTERNAL" in line or "Traceback" in line] == []


def test_no_answer_tells_of_our_inside(answers: list[Answer]) -> None:
    assert [(found[0], answer) for answer in answers if (found := INSIDE.search(answer.text))] == []


def test_the_search_for_our_inside_would_notice() -> None:
    for leak in (
        "asyncpg.exceptions.UndefinedColumnError: column",
        'File "execute", line 3',
        "SELECT employees.id FROM employees",
        "(psycopg) OperationalError",
    ):
        assert INSIDE.search(json.dumps({"errors": [{"message": leak}]})), leak
