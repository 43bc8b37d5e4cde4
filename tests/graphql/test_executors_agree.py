"""Both executors say the same of the operations that we wrote, and of what is refused."""

import ast
import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import orjson
import pytest
from asking import SCHEMA
from both_executors import (
    both_executors,
    differ_in_errors_alone,
    difference,
    errors_by_place,
    numbered,
)
from every_type import GRAPH, TODAY, World, make_every_type
from generated import meant
from graphql import (
    REMOVE,
    ArgumentNode,
    FieldNode,
    GraphQLError,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_nullable_type,
    get_operation_ast,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
    parse,
    print_ast,
    type_from_ast,
    validate,
    visit,
)
from mutating import Input, busy_office
from sqlalchemy import make_url

from benegraph.cli.tabs import FACTS, lay_out
from benegraph.db.engine import Pool, create_engine
from benegraph.db.session import Database
from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.execute import GraphQLRequest
from benegraph.graphql.limits import Limits
from conftest import GATEWAY, at, connect
from factories.access import administrator, employee, service
from factories.stories import Office

# What Strawberry's executor gives up before it has begun; see `both_executors.answer`.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine '.*' was never awaited:RuntimeWarning")

T = TypeVar("T")

TESTS = Path(__file__).parents[1]
README = TESTS.parent / "README.md"
CLIENTS = TESTS / "conformance/operations"
#: What a generated operation may cost: as much as is answered in a test's time.
LIMITS = Limits(cost=2_000, query_seconds=60.0)
#: New examples of one run of Hypothesis, after the simplest. With ten it would begin to vary those it has, which makes
#: five of six like one before.
A_RUN = 8
#: Seconds in which an example that fails is made smaller.
PATIENCE = 40
MOST_FALL_BACK = 0.02
FEWEST_REACHED = 0.95


@dataclass(frozen=True)
class Stage:
    """A database that the tests of this file read, and from which those that change anything take copies."""

    runner: asyncio.Runner
    server_url: str
    name: str
    database: Database
    world: World
    office: Office
    #: For each mutation an input that is good in the office.
    inputs: Mapping[str, Input]

    def run(self, telling: Any) -> Any:
        return self.runner.run(telling)

    @contextmanager
    def twins(self) -> Iterator[tuple[Database, Database]]:
        """Make two copies of the database, and drop them in the end."""
        names = [f"test_{uuid4().hex}" for _ in range(2)]
        copied = f"TEMPLATE {self.name} STRATEGY file_copy"
        self.run(self.database.engine.dispose())  # a database in use is not copied
        self.run(_execute(self.server_url, *(f"CREATE DATABASE {name} {copied}" for name in names)))
        one, other = (_open(self.server_url, name) for name in names)
        try:
            yield one, other
        finally:
            for database in (one, other):
                self.run(database.engine.dispose())
            self.run(_execute(self.server_url, *(f"DROP DATABASE {name} WITH (FORCE)" for name in names)))


@pytest.fixture(scope="module")
def stage(server_url: str, template: str) -> Iterator[Stage]:
    name = f"test_{uuid4().hex}"
    with asyncio.Runner() as runner:
        runner.run(_execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
        database = _open(server_url, name)
        world = runner.run(make_every_type(database))
        office, inputs = runner.run(busy_office(database))
        yield Stage(runner, server_url, name, database, world, office, inputs)
        runner.run(database.engine.dispose())
        runner.run(_execute(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, *statements: str) -> None:
    connection = await connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _open(server_url: str, name: str) -> Database:
    url = make_url(at(server_url, name)).set(username=GATEWAY, password="test")
    return Database(create_engine(url.render_as_string(hide_password=False), Pool(size=5, overflow=5)))


# ------------------------------------------------------------------------------------------------ what is generated


def test_one_part_that_fails_takes_no_other_with_it(stage: Stage) -> None:
    """Two parts wait for the same page, and one is given up."""
    request = GraphQLRequest(
        """query($id: ID!) {
          refused: employer(id: $id) { enrollments(first: 1) { totalCount } employees(first: 101) { totalCount } }
          answered: employer(id: $id) { enrollments(first: 1) { totalCount } }
        }""",
        {"id": stage.world.handles.employer_id},
    )
    viewer = stage.world.viewers[Role.ADMINISTRATOR]
    body = stage.run(both_executors().ask(stage.database, viewer, stage.world.clock, request))
    assert body["data"]["refused"] is None
    assert body["data"]["answered"]["enrollments"]["totalCount"] > 1
    assert [error["path"] for error in body["errors"]] == [["refused", "employees"]]


# ---------------------------------------------------------------------------------------------- what we wrote ourselves


def test_the_readme_is_answered_alike(stage: Stage) -> None:
    requests = list(_of_readme())
    assert len(requests) >= 3
    _hold_written(stage, requests)


def test_the_explorers_tabs_are_answered_alike(stage: Stage) -> None:
    _hold_written(stage, _of_tabs(stage))


def test_what_clients_send_is_answered_alike(stage: Stage) -> None:
    (election,) = (each.variables for each in _of_tabs(stage) if " DryRunElection" in each.query)
    requests = [
        GraphQLRequest(text, election if "mutation" in text else _variables(stage, text), name)
        for text, name in _of_clients()
    ]
    assert len(requests) == 5
    _hold_written(stage, requests)


def test_queries_of_our_tests_are_answered_alike(stage: Stage) -> None:
    requests = [GraphQLRequest(text, _variables(stage, text, name), name) for text, name in _of_tests()]
    assert len(requests) > 60
    _hold_written(stage, requests)


def _hold_written(stage: Stage, requests: Sequence[GraphQLRequest]) -> None:
    """Ask both for each; for a change, in copies. None is left to Strawberry."""
    both, world = both_executors(), stage.world
    changes = [each for each in requests if _kind(each) is OperationType.MUTATION]
    for request in (each for each in requests if each not in changes):
        for role in (Role.ADMINISTRATOR, Role.EMPLOYEE):
            stage.run(both.ask(stage.database, world.viewers[role], world.clock, request))
    if changes:
        with stage.twins() as twins:
            viewer = administrator(world.handles.tenant_id)
            for request in changes:
                body = stage.run(both.tell(twins, viewer, Clock.on(TODAY), request))
                assert "errors" not in body, body
    assert both.asked["executed"] >= len(requests)
    assert dict(both.fell_back) == {}


def _kind(request: GraphQLRequest) -> OperationType:
    operation = get_operation_ast(parse(request.query), request.operation_name)
    assert operation is not None
    return operation.operation


def _of_readme() -> Iterator[GraphQLRequest]:
    """Give each operation with each set of variables that stands below it."""
    text = README.read_text(encoding="utf-8")
    query = ""
    for language, block in re.findall(r"^```(\w+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        if language == "graphql":
            query = block
        elif language == "json" and "variables" in (body := orjson.loads(block)):
            yield GraphQLRequest(query, body["variables"])


def _of_tabs(stage: Stage) -> list[GraphQLRequest]:
    """Give the explorer's tabs, and the question by which they are laid out."""
    handles = stage.world.handles
    context = Context(stage.database, stage.world.viewers[Role.ADMINISTRATOR], Clock.on(TODAY), "request-1")
    opening = stage.run(lay_out(SCHEMA, context, handles, dict.fromkeys(("administrator", "employer", "employee"), "")))
    facts = {"employee": handles.employee_id, "pending": list(handles.pending_enrollment_ids)}
    return [GraphQLRequest(FACTS, facts), *(GraphQLRequest(tab.query, dict(tab.variables)) for tab in opening.tabs)]


def _of_clients() -> Iterator[tuple[str, str | None]]:
    """Give the operations that clients compile; of Relay's, what is left when its own directives are taken out."""
    for path in sorted(CLIENTS.glob("*.js")):
        source = path.read_text(encoding="utf-8")
        texts = re.findall(r"graphql`\n(.*?)`", source, re.DOTALL)
        if "relay" not in source:
            yield from ((text, None) for text in texts)
        else:
            text = print_ast(visit(parse("\n".join(texts)), _WithoutRelay()))
            yield text.replace("($id: ID!)", "($id: ID!, $count: Int = 10, $cursor: String)"), None


class _WithoutRelay(Visitor):
    def enter_directive(self, *_: Any) -> Any:
        return REMOVE


def _of_tests() -> Iterator[tuple[str, str | None]]:
    """Find the queries that are written out in tests, each with the name of an operation in it."""
    texts = (
        node.value
        for path in sorted(TESTS.glob("*/*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "{" in node.value
    )
    for text in dict.fromkeys(texts):
        with suppress(GraphQLError):
            parsed = parse(text)
            if "__schema" in text or "__type(" in text or validate(GRAPH, parsed):
                continue
            for each in parsed.definitions:
                if isinstance(each, OperationDefinitionNode) and each.operation is OperationType.QUERY:
                    yield text, each.name.value if each.name else None


# ------------------------------------------------------------------------------------------------- what variables hold


def _variables(stage: Stage, text: str, name: str | None = None) -> dict[str, Any]:
    """Give something for each variable that an operation can't do without: an id, of what is asked for by it."""
    document = parse(text)
    operation = get_operation_ast(document, name)
    assert operation is not None
    uses = dict(_uses(document))
    return {
        name: _sample(kind, uses[name], stage.world)
        for each in operation.variable_definitions or ()
        for name, kind in [(each.variable.name.value, type_from_ast(GRAPH, each.type))]
        if is_non_null_type(kind) and each.default_value is None
    }


def _uses(node: Any, of: str = "") -> Iterator[tuple[str, tuple[str, str]]]:
    """Tell for each variable a field and an argument of it that it is used for."""
    if isinstance(node, FieldNode):
        of = node.name.value
    if isinstance(node, ArgumentNode | ObjectFieldNode) and isinstance(node.value, VariableNode):
        yield node.value.name.value, (of, node.name.value)
    for key in node.keys:
        children = getattr(node, key, None)
        for child in children if isinstance(children, tuple | list) else [children]:
            if isinstance(child, Node):
                yield from _uses(child, of)


def _sample(kind: Any, use: tuple[str, str], world: World) -> Any:
    bare = get_nullable_type(kind)
    if is_list_type(bare):
        return [_sample(bare.of_type, use, world)]
    if is_enum_type(bare):
        return next(iter(bare.values))
    if is_input_object_type(bare):
        needed = {name: each.type for name, each in bare.fields.items() if is_required_input_field(each)}
        return {name: _sample(each, (use[0], name), world) for name, each in needed.items()}
    reach = world.reach[Role.EMPLOYEE]
    if bare.name == "ID":
        return reach.ids[next(iter(meant(*use)), "Enrollment")][0]
    return {"Int": 2, "Boolean": True, "Date": str(TODAY), "String": reach.numbers[0]}[bare.name]


# ------------------------------------------------------------------------------------------------------- what changes


def test_what_is_refused_is_refused_alike(stage: Stage) -> None:
    both, codes = both_executors(), set[str]()
    with stage.twins() as twins:
        for viewer, request in _odd_changes(stage):
            body = stage.run(both.tell(twins, viewer, stage.office.clock(), request))
            codes |= set(re.findall(r'"code":"(\w+)"', orjson.dumps(body).decode()))
    assert codes == {"BAD_USER_INPUT", "FORBIDDEN", "IDEMPOTENCY_KEY_REUSED", "PLAN_NOT_OFFERED", "INVALID_INPUT"}
    assert dict(both.fell_back) == {}


def _odd_changes(stage: Stage) -> Iterator[tuple[Viewer, GraphQLRequest]]:
    """Give changes that are rehearsed, refused, forbidden, or whose payload can't be told."""
    office, inputs = stage.office, stage.inputs
    elect = {name: value for name, value in inputs["elect"].items() if name != "idempotencyKey"}
    unoffered = elect | {"elections": [elect["elections"][0] | {"selectedPlanId": office.employer}]}
    child = inputs["addDependent"]
    settled = {"input": child, "other": inputs["updateTenantSettings"]}
    person = employee(office.employer, child["employeeId"])
    machine = service(actions=[Action.ADD_DEPENDENT])
    yield office.viewer, GraphQLRequest(ELECT, {"input": elect | {"dryRun": True}})
    yield office.viewer, GraphQLRequest(ELECT, {"input": unoffered})
    yield office.viewer, GraphQLRequest(ELECT_AND_TELL_TOO_MUCH, {"input": elect})
    yield office.viewer, GraphQLRequest(SEVERAL, settled)
    yield office.viewer, GraphQLRequest(SEVERAL, settled | {"input": child | {"firstName": "Another"}})
    yield office.viewer, GraphQLRequest(SEVERAL, settled | {"input": child | {"firstName": " ", "idempotencyKey": "b"}})
    yield person, GraphQLRequest(SEVERAL, settled)
    yield machine, GraphQLRequest(SEVERAL, settled | {"input": child | {"idempotencyKey": "c"}})


ELECT = """mutation($input: ElectInput!) { elect(input: $input) {
  previews { enrollmentId status coverageTier coverageStartDate selectedPlan { planYear { id } } dependents { id } }
  enrollments { id status enrolledDependents { firstName } events { nodes { action } } }
  userErrors { code message field }
} }"""
ELECT_AND_TELL_TOO_MUCH = """mutation($input: ElectInput!) { elect(input: $input) {
  enrollments { id events(first: 101) { totalCount } employee { firstName } }
  userErrors { code }
} }"""
SEVERAL = """mutation Several($input: AddDependentInput!, $other: UpdateTenantSettingsInput!) {
  first: addDependent(input: $input) { ...Added }
  again: addDependent(input: $input) { ...Added dependent { relationship } __typename }
  __typename
  updateTenantSettings(input: $other) { tenantSettings { autoPaidThrough } userErrors { code } }
}
fragment Added on AddDependentPayload { dependent { id firstName version } userErrors { code message field } }"""


# -------------------------------------------------------------------------------------------- what would be noticed

SAID = (
    b'{"errors":[{"message":"a","path":["x",0]},{"message":"b","path":["y"]}],"data":{"x":[null],"y":null,"z":{"u":1}},'
    b'"extensions":{"cost":1}}'
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'"u":1', b'"u":2'),
        (b'"u":1', b'"u":1.0'),
        (b'"u":1', b'"u": 1'),
        (b'"u":1', b'"u":1,"v":null'),
        (b'"u":1', b'"u":1,"u":1'),
        (b'"y":null,"z":{"u":1}', b'"z":{"u":1},"y":null'),
        (b"[null]", b"[null,null]"),
        (b'["x",0]', b'["x",1]'),
        (b'"message":"a"', b'"message":"c"'),
        (b',{"message":"b","path":["y"]}', b""),
        (b'"cost":1', b'"cost":2'),
        (b'},"extensions"', b'},"more":[],"extensions"'),
    ],
)  # fmt: skip
def test_a_difference_is_noticed(one: bytes, other: bytes) -> None:
    assert SAID.count(one) == 1
    assert difference(SAID, SAID) is None
    assert difference(SAID.replace(one, other), SAID) is not None


def test_the_order_of_errors_is_none() -> None:
    first, second = b'{"message":"a","path":["x",0]}', b'{"message":"b","path":["y"]}'
    assert difference(SAID.replace(first + b"," + second, second + b"," + first), SAID) is None


def test_which_of_several_errors_is_told_may_be_a_matter_of_time() -> None:
    """As long as the same is nulled, and no part of the answer is without an error that was there."""
    other = SAID.replace(b'"path":["y"]', b'"path":["y","z"]')
    assert difference(other, SAID) is not None
    assert differ_in_errors_alone(other, SAID)
    assert errors_by_place(other).keys() == {"$.x.0", "$.y"}
    assert not differ_in_errors_alone(SAID.replace(b',{"message":"b","path":["y"]}', b""), SAID)
    assert not differ_in_errors_alone(other.replace(b'"u":1', b'"u":2'), SAID)


def test_ids_are_told_apart_by_where_they_appear() -> None:
    one, other, third = (f"empl_01j659cve0e0080m4xhppefpa{each}" for each in "hjk")
    assert numbered(f'["{one}","{other}","{one}"]'.encode()) == numbered(f'["{other}","{third}","{other}"]'.encode())
    assert numbered(f'["{one}","{other}","{one}"]'.encode()) != numbered(f'["{one}","{other}","{other}"]'.encode())
