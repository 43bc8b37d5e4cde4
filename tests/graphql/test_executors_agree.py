"""Both executors say the same of the operations that we wrote, and of what is refused."""

import ast
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from all_types_dataset import GRAPHQL_SCHEMA, NOW, TABLES, TODAY, AllTypesDataset
from both_executors import both_executors
from comparison_database import ComparisonDatabase, open_comparison_database
from generated_values import meant
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
from graphql_requests import SCHEMA
from sqlalchemy import func, select

from benegraph.cli.explorer_tabs import TAB_DATA_QUERY, build_explorer_config
from benegraph.db.session import Database
from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.engine.execute import GraphQLRequest
from factories.access import administrator, employee_viewer, service_viewer

# What Strawberry's executor gives up before it has begun; see `both_executors.answer`.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine '.*' was never awaited:RuntimeWarning")

TESTS = Path(__file__).parents[1]
#: The documents with examples of requests.
DOCUMENTS = (TESTS.parent / "README.md", TESTS.parent / ".github/docs/protocol.md")
CLIENTS = TESTS / "conformance/operations"


@pytest.fixture(scope="module")
def comparison(server_url: str, template: str) -> Iterator[ComparisonDatabase]:
    with open_comparison_database(server_url, template) as comparison:
        yield comparison


# ------------------------------------------------------------------------------------------------ what went wrong once


TOO_MUCH = "(first: 101) { totalCount }"
DEEP_PATH = "employer.planYears.nodes.0.benefitProduct.planYears.nodes.0.employer.planYears.nodes.0.enrollments"
#: By what it is, an operation about the one of a type and an id, and the paths of its errors.
ONCE_WRONG = {
    "two parts wait for the same page, and one is given up": (
        f"""query($id: ID!) {{
          refused: employer(id: $id) {{ enrollments(first: 1) {{ totalCount }} employees{TOO_MUCH} }}
          answered: employer(id: $id) {{ enrollments(first: 1) {{ totalCount }} }}
        }}""",
        "Employer",
        ["refused.employees"],
    ),
    "a list that stands within rows alone": (
        """query($id: ID!) { node(id: $id) { ... on SubscriberEnrollment {
          groupContract { employer { enrollments(first: 1) { nodes { version } } } }
        } } }""",
        "SubscriberEnrollment",
        [],
    ),
    "a filter that says nothing": (
        "query($id: ID!) { employer(id: $id) { employees(filter: {}) { totalCount } } }",
        "Employer",
        [],
    ),
    "a filter that lets nothing through": (
        """query($id: ID!) { employer(id: $id) {
          enrollments(filter: {status: []}) { totalCount } inner: enrollments(filter: {status: []}) { nodes { id } }
        } }""",
        "Employer",
        [],
    ),
    "what fails later beneath a null": (
        f'query($id: ID!) {{ nodes(ids: [$id, "nothing"]) {{ id }} benefitProducts{TOO_MUCH} }}',
        "Employer",
        ["nodes.1", "benefitProducts"],
    ),
    "what fails deeper beneath a null": (
        f"""query($id: ID!) {{ employee(id: $id) {{
          employer {{ planYears{TOO_MUCH} }} subscriber {{ enrollments{TOO_MUCH} }} enrollments{TOO_MUCH}
        }} }}""",
        "Employee",
        ["employee.employer.planYears"],
    ),
    "what failed before beneath a null": (
        f"""query($id: ID!) {{
          early: node(id: "nothing") {{ id }}
          employer(id: $id) {{ planYears(first: 1) {{ nodes {{
            benefitProduct {{ planYears(first: 1) {{ nodes {{ employer {{ planYears(first: 1) {{ nodes {{
              enrollments{TOO_MUCH}
            }} }} }} }} }} }}
          }} }} }}
          late: employers(first: 1) {{ nodes {{ employees{TOO_MUCH} }} }}
        }}""",
        "Employer",
        ["early", DEEP_PATH, "late.nodes.0.employees"],
    ),
}


@pytest.mark.parametrize("case", ONCE_WRONG.values(), ids=ONCE_WRONG)
def test_what_went_wrong_once_is_answered_alike(
    comparison: ComparisonDatabase, case: tuple[str, str, list[str]]
) -> None:
    text, kind, wrong = case
    both, visible_keys = both_executors(), comparison.dataset.visible_keys[Role.EMPLOYEE]
    request = GraphQLRequest(text, {"id": visible_keys.ids[kind][0]})
    comparison.run(comparison.database.engine.dispose())  # what a connection has learned is of no help
    viewer, clock = comparison.dataset.viewers[Role.ADMINISTRATOR], comparison.dataset.clock
    body = comparison.run(both.compare_query(comparison.database, viewer, clock, request))
    assert [".".join(map(str, error["path"])) for error in body.get("errors", ())] == wrong
    assert both.counts["executed"] == 1
    assert dict(both.fallbacks) == {}


# ---------------------------------------------------------------------------------------------- what we wrote ourselves


def test_the_readme_is_answered_alike(comparison: ComparisonDatabase) -> None:
    requests = list(_of_readme())
    assert len(requests) >= 3
    _hold_written(comparison, requests)


def test_the_explorers_tabs_are_answered_alike(comparison: ComparisonDatabase) -> None:
    _hold_written(comparison, _of_tabs(comparison))


def test_what_clients_send_is_answered_alike(comparison: ComparisonDatabase) -> None:
    (election,) = (each.variables for each in _of_tabs(comparison) if " DryRunElection" in each.query)
    requests = [
        GraphQLRequest(text, election if "mutation" in text else _variables(comparison, text), name)
        for text, name in _of_clients()
    ]
    assert len(requests) == 5
    _hold_written(comparison, requests)


def test_queries_of_our_tests_are_answered_alike(comparison: ComparisonDatabase) -> None:
    requests = [GraphQLRequest(text, _variables(comparison, text, name), name) for text, name in _of_tests()]
    assert len(requests) > 60
    _hold_written(comparison, requests)


def _hold_written(comparison: ComparisonDatabase, requests: Sequence[GraphQLRequest]) -> None:
    """Ask both for each; for a change, in copies. None is left to Strawberry."""
    both, dataset = both_executors(), comparison.dataset
    changes = [each for each in requests if _kind(each) is OperationType.MUTATION]
    for request in (each for each in requests if each not in changes):
        for role in (Role.ADMINISTRATOR, Role.EMPLOYEE):
            comparison.run(both.compare_query(comparison.database, dataset.viewers[role], dataset.clock, request))
    if changes:
        with comparison.copies() as copies:
            viewer = administrator(dataset.handles.tenant_id)
            for request in changes:
                body = comparison.run(both.compare_mutation(copies, viewer, Clock.at_noon(TODAY), request))
                assert "errors" not in body, body
    assert both.counts["executed"] >= len(requests)
    assert dict(both.fallbacks) == {}


def _kind(request: GraphQLRequest) -> OperationType:
    operation = get_operation_ast(parse(request.query), request.operation_name)
    assert operation is not None
    return operation.operation


def _of_readme() -> Iterator[GraphQLRequest]:
    """Give each operation with each set of variables that stands below it."""
    for path in DOCUMENTS:
        query = ""
        for language, block in re.findall(
            r"^```(\w+)\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        ):
            if language == "graphql":
                query = block
                if "$" not in query:
                    yield GraphQLRequest(query)
            elif language == "json" and "variables" in (body := orjson.loads(block)):
                yield GraphQLRequest(query, body["variables"])


def _of_tabs(comparison: ComparisonDatabase) -> list[GraphQLRequest]:
    """Give the explorer's tabs, and the question by which they are laid out."""
    handles = comparison.dataset.handles
    context = Context(
        comparison.database, comparison.dataset.viewers[Role.ADMINISTRATOR], Clock.at_noon(TODAY), "request-1"
    )
    opening = comparison.run(
        build_explorer_config(SCHEMA, context, handles, dict.fromkeys(("administrator", "employer", "employee"), ""))
    )
    facts = {"employee": handles.employee_id, "pending": list(handles.pending_enrollment_ids)}
    return [
        GraphQLRequest(TAB_DATA_QUERY, facts),
        *(GraphQLRequest(tab.query, dict(tab.variables)) for tab in opening.tabs),
    ]


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
            if "__schema" in text or "__type(" in text or validate(GRAPHQL_SCHEMA, parsed):
                continue
            for each in parsed.definitions:
                if isinstance(each, OperationDefinitionNode) and each.operation is OperationType.QUERY:
                    yield text, each.name.value if each.name else None


# ------------------------------------------------------------------------------------------------- what variables hold


def _variables(comparison: ComparisonDatabase, text: str, name: str | None = None) -> dict[str, Any]:
    """Give something for each variable that an operation can't do without: an id, of what is asked for by it."""
    document = parse(text)
    operation = get_operation_ast(document, name)
    assert operation is not None
    uses = dict(_uses(document))
    return {
        name: _sample(kind, uses[name], comparison.dataset)
        for each in operation.variable_definitions or ()
        for name, kind in [(each.variable.name.value, type_from_ast(GRAPHQL_SCHEMA, each.type))]
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


def _sample(kind: Any, use: tuple[str, str], dataset: AllTypesDataset) -> Any:
    bare = get_nullable_type(kind)
    if is_list_type(bare):
        return [_sample(bare.of_type, use, dataset)]
    if is_enum_type(bare):
        return next(iter(bare.values))
    if is_input_object_type(bare):
        needed = {name: each.type for name, each in bare.fields.items() if is_required_input_field(each)}
        return {name: _sample(each, (use[0], name), dataset) for name, each in needed.items()}
    visible_keys = dataset.visible_keys[Role.EMPLOYEE]
    if bare.name == "ID":
        return visible_keys.ids[next(iter(meant(*use)), "Enrollment")][0]
    return {"Int": 2, "Boolean": True, "Date": str(TODAY), "String": visible_keys.subscriber_ids[0]}[bare.name]


# ------------------------------------------------------------------------------------------------------- what changes


def test_what_is_refused_is_refused_alike(comparison: ComparisonDatabase) -> None:
    both, codes = both_executors(), set[str]()
    with comparison.copies() as copies:
        for viewer, request in _odd_changes(comparison):
            body = comparison.run(both.compare_mutation(copies, viewer, comparison.office.clock(), request))
            codes |= set(re.findall(r'"code":"(\w+)"', orjson.dumps(body).decode()))
        one, other = (comparison.run(_counted(database, comparison.office.viewer)) for database in copies)
    assert one == other
    assert codes == {"BAD_USER_INPUT", "FORBIDDEN", "IDEMPOTENCY_KEY_REUSED", "PLAN_NOT_OFFERED", "INVALID_INPUT"}
    assert dict(both.fallbacks) == {}


async def _counted(database: Database, viewer: Viewer) -> dict[str, int | None]:
    async with database.read(viewer, NOW) as read_session:
        return {
            name: await read_session.session.scalar(select(func.count()).select_from(table))
            for name, table in TABLES.items()
        }


def _odd_changes(comparison: ComparisonDatabase) -> Iterator[tuple[Viewer, GraphQLRequest]]:
    """Give changes that are rehearsed, refused, forbidden, or whose payload can't be told."""
    office, inputs = comparison.office, comparison.inputs
    elect = {name: value for name, value in inputs["elect"].items() if name != "idempotencyKey"}
    unoffered = elect | {"elections": [elect["elections"][0] | {"selectedPlanId": office.employer}]}
    child = inputs["addDependent"]
    settled = {"input": child, "other": inputs["updateTenantSettings"]}
    person = employee_viewer(office.employer, child["employeeId"])
    machine = service_viewer(actions=[Action.ADD_DEPENDENT])
    yield office.viewer, GraphQLRequest(ELECT, {"input": elect | {"dryRun": True}})
    yield office.viewer, GraphQLRequest(ELECT, {"input": unoffered})
    yield office.viewer, GraphQLRequest(ELECT_AND_TELL_TOO_MUCH, {"input": elect})
    yield office.viewer, GraphQLRequest(SEVERAL, settled)
    yield office.viewer, GraphQLRequest(SEVERAL, settled | {"input": child | {"firstName": "Another"}})
    yield office.viewer, GraphQLRequest(SEVERAL, settled | {"input": child | {"firstName": " ", "idempotencyKey": "b"}})
    yield person, GraphQLRequest(SEVERAL, settled)
    yield machine, GraphQLRequest(SEVERAL, settled | {"input": child | {"idempotencyKey": "c"}})
    yield person, GraphQLRequest(BE_REFUSED_AT_ONCE, settled | {"input": child | {"idempotencyKey": "d"}})
    yield person, GraphQLRequest(TELL_TOO_MUCH_AND_BE_REFUSED, settled | {"input": inputs["reportLifeEvent"]})


ELECT = """mutation($input: ElectInput!) { elect(input: $input) {
  previews { enrollmentId status coverageTier coverageStartDate selectedPlan { planYear { id } } dependents { id } }
  enrollments { id status enrolledDependents { firstName } events { nodes { action } } }
  userErrors { code message field }
} }"""
ELECT_AND_TELL_TOO_MUCH = """mutation($input: ElectInput!) { elect(input: $input) {
  enrollments { id events(first: 101) { totalCount } employee { firstName } }
  userErrors { code }
} }"""
TELL_TOO_MUCH_AND_BE_REFUSED = """mutation($input: ReportLifeEventInput!, $other: UpdateTenantSettingsInput!) {
  reportLifeEvent(input: $input) { qualifyingLifeEvent { employee { enrollments(first: 101) { totalCount } } } }
  updateTenantSettings(input: $other) { userErrors { code } }
}"""
BE_REFUSED_AT_ONCE = """mutation($input: AddDependentInput!, $other: UpdateTenantSettingsInput!) {
  updateTenantSettings(input: $other) { userErrors { code } }
  addDependent(input: $input) { dependent { firstName } userErrors { code } }
}"""
SEVERAL = """mutation Several($input: AddDependentInput!, $other: UpdateTenantSettingsInput!) {
  first: addDependent(input: $input) { ...Added }
  again: addDependent(input: $input) { ...Added dependent { relationship } __typename }
  __typename
  updateTenantSettings(input: $other) { tenantSettings { autoPaidThrough } userErrors { code } }
}
fragment Added on AddDependentPayload { dependent { id firstName version } userErrors { code message field } }"""
