"""Both executors return equal responses for the operations in documents and tests, and for refused mutations."""

import ast
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from all_types_dataset import GRAPHQL_SCHEMA, NOW, TABLES, TODAY, AllTypesDataset
from both_executors import make_executor_pair
from comparison_database import ComparisonDatabase, open_comparison_database
from generated_values import id_types
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

from benegraph.cli.graphiql_tabs import TAB_DATA_QUERY, build_pages_config
from benegraph.db.session import Database
from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.engine.execute import GraphQLRequest
from factories.access import administrator, employee_viewer, service_viewer

# Strawberry's executor cancels coroutines before they start; see `both_executors.run_executor`.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine '.*' was never awaited:RuntimeWarning")

TESTS = Path(__file__).parents[1]
#: Documents with examples of requests.
DOCUMENTS = (TESTS.parent / "README.md", TESTS.parent / ".github/docs/protocol.md")
CLIENT_OPERATIONS = TESTS / "conformance/operations"


@pytest.fixture(scope="module")
def comparison(server_url: str, template: str) -> Iterator[ComparisonDatabase]:
    with open_comparison_database(server_url, template) as comparison:
        yield comparison


# --------------------------------------------------------------------------------------------------------- regressions


TOO_LARGE = "(first: 101) { totalCount }"
DEEP_PATH = "employer.planYears.nodes.0.benefitProduct.planYears.nodes.0.employer.planYears.nodes.0.enrollments"
#: Operations that were once executed differently: the query, the type of `$id`, and the paths of its errors.
REGRESSIONS = {
    "two fields wait for the same page, and one is cancelled": (
        f"""query($id: ID!) {{
          refused: employer(id: $id) {{ enrollments(first: 1) {{ totalCount }} employees{TOO_LARGE} }}
          executed: employer(id: $id) {{ enrollments(first: 1) {{ totalCount }} }}
        }}""",
        "Employer",
        ["refused.employees"],
    ),
    "a list as the only field of nested rows": (
        """query($id: ID!) { node(id: $id) { ... on SubscriberEnrollment {
          groupContract { employer { enrollments(first: 1) { nodes { version } } } }
        } } }""",
        "SubscriberEnrollment",
        [],
    ),
    "an empty filter": (
        "query($id: ID!) { employer(id: $id) { employees(filter: {}) { totalCount } } }",
        "Employer",
        [],
    ),
    "a filter that excludes all rows": (
        """query($id: ID!) { employer(id: $id) {
          enrollments(filter: {status: []}) { totalCount } inner: enrollments(filter: {status: []}) { nodes { id } }
        } }""",
        "Employer",
        [],
    ),
    "a later error that propagates to the data": (
        f'query($id: ID!) {{ nodes(ids: [$id, "nothing"]) {{ id }} benefitProducts{TOO_LARGE} }}',
        "Employer",
        ["nodes.1", "benefitProducts"],
    ),
    "errors at different depths that propagate to one null": (
        f"""query($id: ID!) {{ employee(id: $id) {{
          employer {{ planYears{TOO_LARGE} }} subscriber {{ enrollments{TOO_LARGE} }} enrollments{TOO_LARGE}
        }} }}""",
        "Employee",
        ["employee.employer.planYears"],
    ),
    "an error before others at different depths": (
        f"""query($id: ID!) {{
          early: node(id: "nothing") {{ id }}
          employer(id: $id) {{ planYears(first: 1) {{ nodes {{
            benefitProduct {{ planYears(first: 1) {{ nodes {{ employer {{ planYears(first: 1) {{ nodes {{
              enrollments{TOO_LARGE}
            }} }} }} }} }} }}
          }} }} }}
          late: employers(first: 1) {{ nodes {{ employees{TOO_LARGE} }} }}
        }}""",
        "Employer",
        ["early", DEEP_PATH, "late.nodes.0.employees"],
    ),
}


@pytest.mark.parametrize("case", REGRESSIONS.values(), ids=REGRESSIONS)
def test_regressions_have_equal_responses(comparison: ComparisonDatabase, case: tuple[str, str, list[str]]) -> None:
    query, type_name, error_paths = case
    pair, visible_keys = make_executor_pair(), comparison.dataset.visible_keys[Role.EMPLOYEE]
    request = GraphQLRequest(query, {"id": visible_keys.ids[type_name][0]})
    comparison.run(comparison.database.engine.dispose())  # connections must not have cached statements
    viewer, clock = comparison.dataset.viewers[Role.ADMINISTRATOR], comparison.dataset.clock
    body = comparison.run(pair.compare_query(comparison.database, viewer, clock, request))
    assert [".".join(map(str, error["path"])) for error in body.get("errors", ())] == error_paths
    assert pair.counts["executed"] == 1
    assert dict(pair.fallbacks) == {}


# ------------------------------------------------------------------------------------------- operations of the project


def test_operations_in_documents_have_equal_responses(comparison: ComparisonDatabase) -> None:
    requests = list(_requests_in_documents())
    assert len(requests) >= 3
    _compare_all(comparison, requests)


def test_graphiql_tabs_have_equal_responses(comparison: ComparisonDatabase) -> None:
    _compare_all(comparison, _requests_of_graphiql_tabs(comparison))


def test_operations_of_clients_have_equal_responses(comparison: ComparisonDatabase) -> None:
    tabs = _requests_of_graphiql_tabs(comparison)
    (election,) = (request.variables for request in tabs if " DryRunElection" in request.query)
    requests = [
        GraphQLRequest(query, election if "mutation" in query else _sample_variables(comparison, query))
        for query in _client_operations()
    ]
    assert len(requests) == 5
    _compare_all(comparison, requests)


def test_queries_in_tests_have_equal_responses(comparison: ComparisonDatabase) -> None:
    requests = [
        GraphQLRequest(query, _sample_variables(comparison, query, name), name) for query, name in _queries_in_tests()
    ]
    assert len(requests) > 60
    _compare_all(comparison, requests)


def _compare_all(comparison: ComparisonDatabase, requests: Sequence[GraphQLRequest]) -> None:
    """Compare the responses to all requests, mutations in copies of the database. None may fall back."""
    pair, dataset = make_executor_pair(), comparison.dataset
    mutations = [request for request in requests if _operation_type(request) is OperationType.MUTATION]
    for request in (request for request in requests if request not in mutations):
        for role in (Role.ADMINISTRATOR, Role.EMPLOYEE):
            comparison.run(pair.compare_query(comparison.database, dataset.viewers[role], dataset.clock, request))
    if mutations:
        with comparison.copies() as copies:
            viewer = administrator(dataset.handles.tenant_id)
            for request in mutations:
                body = comparison.run(pair.compare_mutation(copies, viewer, Clock.at_noon(TODAY), request))
                assert "errors" not in body, body
    assert pair.counts["executed"] >= len(requests)
    assert dict(pair.fallbacks) == {}


def _operation_type(request: GraphQLRequest) -> OperationType:
    operation = get_operation_ast(parse(request.query), request.operation_name)
    assert operation is not None
    return operation.operation


def _requests_in_documents() -> Iterator[GraphQLRequest]:
    """Find each query, with each JSON block of variables that follows it."""
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


def _requests_of_graphiql_tabs(comparison: ComparisonDatabase) -> list[GraphQLRequest]:
    """Return GraphiQL's tabs, and the query for their data."""
    handles = comparison.dataset.handles
    context = Context(
        comparison.database, comparison.dataset.viewers[Role.ADMINISTRATOR], Clock.at_noon(TODAY), "request-1"
    )
    config = comparison.run(
        build_pages_config(SCHEMA, context, handles, dict.fromkeys(("administrator", "employer", "employee"), ""))
    )
    variables = {"employee": handles.employee_id, "pending": list(handles.pending_enrollment_ids)}
    return [
        GraphQLRequest(TAB_DATA_QUERY, variables),
        *(GraphQLRequest(tab.query, dict(tab.variables)) for tab in config.tabs),
    ]


def _client_operations() -> Iterator[str]:
    """Find the operations that clients compile. Relay's directives, which its compiler replaces, are removed."""
    for path in sorted(CLIENT_OPERATIONS.glob("*.js")):
        source = path.read_text(encoding="utf-8")
        documents = re.findall(r"graphql`\n(.*?)`", source, re.DOTALL)
        if "relay" not in source:
            yield from documents
        else:
            document = print_ast(visit(parse("\n".join(documents)), _RemoveDirectives()))
            yield document.replace("($id: ID!)", "($id: ID!, $count: Int = 10, $cursor: String)")


class _RemoveDirectives(Visitor):
    def enter_directive(self, *_: Any) -> Any:
        return REMOVE


def _queries_in_tests() -> Iterator[tuple[str, str | None]]:
    """Find the valid queries among the string literals of tests, each with the name of an operation in it."""
    literals = (
        node.value
        for path in sorted(TESTS.glob("*/*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "{" in node.value
    )
    for literal in dict.fromkeys(literals):
        with suppress(GraphQLError):
            document = parse(literal)
            if "__schema" in literal or "__type(" in literal or validate(GRAPHQL_SCHEMA, document):
                continue
            for definition in document.definitions:
                if isinstance(definition, OperationDefinitionNode) and definition.operation is OperationType.QUERY:
                    yield literal, definition.name.value if definition.name else None


# ------------------------------------------------------------------------------------------ sample values of variables


def _sample_variables(comparison: ComparisonDatabase, query: str, name: str | None = None) -> dict[str, Any]:
    """Return a value for each required variable. An ID is of the type that the variable is used for."""
    document = parse(query)
    operation = get_operation_ast(document, name)
    assert operation is not None
    uses = dict(_variable_uses(document))
    return {
        name: _sample_value(input_type, uses[name], comparison.dataset)
        for definition in operation.variable_definitions or ()
        for name, input_type in [(definition.variable.name.value, type_from_ast(GRAPHQL_SCHEMA, definition.type))]
        if is_non_null_type(input_type) and definition.default_value is None
    }


def _variable_uses(node: Any, field_name: str = "") -> Iterator[tuple[str, tuple[str, str]]]:
    """Iterate over the variables, each with the names of a field and of an argument, or input field, that it is for."""
    if isinstance(node, FieldNode):
        field_name = node.name.value
    if isinstance(node, ArgumentNode | ObjectFieldNode) and isinstance(node.value, VariableNode):
        yield node.value.name.value, (field_name, node.name.value)
    for key in node.keys:
        children = getattr(node, key, None)
        for child in children if isinstance(children, tuple | list) else [children]:
            if isinstance(child, Node):
                yield from _variable_uses(child, field_name)


def _sample_value(input_type: Any, use: tuple[str, str], dataset: AllTypesDataset) -> Any:
    nullable = get_nullable_type(input_type)
    if is_list_type(nullable):
        return [_sample_value(nullable.of_type, use, dataset)]
    if is_enum_type(nullable):
        return next(iter(nullable.values))
    if is_input_object_type(nullable):
        return {
            name: _sample_value(field.type, (use[0], name), dataset)
            for name, field in nullable.fields.items()
            if is_required_input_field(field)
        }
    visible_keys = dataset.visible_keys[Role.EMPLOYEE]
    if nullable.name == "ID":
        return visible_keys.ids[next(iter(id_types(*use)), "Enrollment")][0]
    return {"Int": 2, "Boolean": True, "Date": str(TODAY), "String": visible_keys.subscriber_ids[0]}[nullable.name]


# --------------------------------------------------------------------------------------------------- refused mutations


def test_refused_mutations_have_equal_responses(comparison: ComparisonDatabase) -> None:
    pair, codes = make_executor_pair(), set[str]()
    with comparison.copies() as copies:
        for viewer, request in _refused_mutations(comparison):
            body = comparison.run(pair.compare_mutation(copies, viewer, comparison.office.clock(), request))
            codes |= set(re.findall(r'"code":"(\w+)"', orjson.dumps(body).decode()))
        first, second = (comparison.run(_count_rows(database, comparison.office.viewer)) for database in copies)
    assert first == second
    assert codes == {"BAD_USER_INPUT", "FORBIDDEN", "IDEMPOTENCY_KEY_REUSED", "PLAN_NOT_OFFERED", "INVALID_INPUT"}
    assert dict(pair.fallbacks) == {}


async def _count_rows(database: Database, viewer: Viewer) -> dict[str, int | None]:
    async with database.read(viewer, NOW) as read_session:
        return {
            name: await read_session.session.scalar(select(func.count()).select_from(table))
            for name, table in TABLES.items()
        }


def _refused_mutations(comparison: ComparisonDatabase) -> Iterator[tuple[Viewer, GraphQLRequest]]:
    """Iterate over mutations that are dry runs, refused, forbidden, or have an error in the payload."""
    office, inputs = comparison.office, comparison.inputs
    elect = {name: value for name, value in inputs["elect"].items() if name != "idempotencyKey"}
    unoffered = elect | {"elections": [elect["elections"][0] | {"selectedPlanId": office.employer}]}
    child = inputs["addDependent"]
    variables = {"input": child, "other": inputs["updateTenantSettings"]}
    employee = employee_viewer(office.employer, child["employeeId"])
    service = service_viewer(actions=[Action.ADD_DEPENDENT])
    blank_name = child | {"firstName": " ", "idempotencyKey": "b"}
    yield office.viewer, GraphQLRequest(ELECT, {"input": elect | {"dryRun": True}})
    yield office.viewer, GraphQLRequest(ELECT, {"input": unoffered})
    yield office.viewer, GraphQLRequest(ELECT_WITH_TOO_LARGE_PAGE, {"input": elect})
    yield office.viewer, GraphQLRequest(SEVERAL_MUTATIONS, variables)
    yield office.viewer, GraphQLRequest(SEVERAL_MUTATIONS, variables | {"input": child | {"firstName": "Another"}})
    yield office.viewer, GraphQLRequest(SEVERAL_MUTATIONS, variables | {"input": blank_name})
    yield employee, GraphQLRequest(SEVERAL_MUTATIONS, variables)
    yield service, GraphQLRequest(SEVERAL_MUTATIONS, variables | {"input": child | {"idempotencyKey": "c"}})
    yield employee, GraphQLRequest(FORBIDDEN_FIRST, variables | {"input": child | {"idempotencyKey": "d"}})
    yield employee, GraphQLRequest(FORBIDDEN_LAST, variables | {"input": inputs["reportLifeEvent"]})


ELECT = """mutation($input: ElectInput!) { elect(input: $input) {
  previews { enrollmentId status coverageTier coverageStartDate selectedPlan { planYear { id } } dependents { id } }
  enrollments { id status enrolledDependents { firstName } events { nodes { action } } }
  userErrors { code message field }
} }"""
ELECT_WITH_TOO_LARGE_PAGE = """mutation($input: ElectInput!) { elect(input: $input) {
  enrollments { id events(first: 101) { totalCount } employee { firstName } }
  userErrors { code }
} }"""
#: The payload of the first mutation has an error, and the second is forbidden.
FORBIDDEN_LAST = """mutation($input: ReportLifeEventInput!, $other: UpdateTenantSettingsInput!) {
  reportLifeEvent(input: $input) { qualifyingLifeEvent { employee { enrollments(first: 101) { totalCount } } } }
  updateTenantSettings(input: $other) { userErrors { code } }
}"""
FORBIDDEN_FIRST = """mutation($input: AddDependentInput!, $other: UpdateTenantSettingsInput!) {
  updateTenantSettings(input: $other) { userErrors { code } }
  addDependent(input: $input) { dependent { firstName } userErrors { code } }
}"""
SEVERAL_MUTATIONS = """mutation Several($input: AddDependentInput!, $other: UpdateTenantSettingsInput!) {
  first: addDependent(input: $input) { ...Added }
  again: addDependent(input: $input) { ...Added dependent { relationship } __typename }
  __typename
  updateTenantSettings(input: $other) { tenantSettings { autoPaidThrough } userErrors { code } }
}
fragment Added on AddDependentPayload { dependent { id firstName version } userErrors { code message field } }"""
