"""Dialects: how a schema is asked for the facts of each workload, and how its answer is brought into one shape."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import OperationDefinitionNode, parse, print_ast

from .workloads import ELECT, Case, Workload

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Dialect:
    """The documents of a schema by the names of their operations, their variables, and how its answers are read."""

    documents: Mapping[str, str]
    variables: Callable[[Workload, Case, str, str], Mapping[str, Any]]
    read: Callable[[Any], Any]

    def body(self, workload: Workload, case: Case, tenant: str, key: str) -> Mapping[str, Any]:
        """Give the body of a request; the key is a mutation's idempotency key."""
        return {
            "query": self.documents[workload.operation],
            "operationName": workload.operation,
            "variables": self.variables(workload, case, tenant, key),
        }


def _documents(name: str) -> dict[str, str]:
    """Read a file's operations, each as a document of its own."""
    document = parse((HERE / "documents" / name).read_text(encoding="utf-8"))
    return {
        node.name.value: print_ast(node)
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode) and node.name is not None
    }


def _gateways_variables(workload: Workload, case: Case, _tenant: str, key: str) -> Mapping[str, Any]:
    if workload.name != ELECT:
        return case
    election = {"enrollmentId": case["enrollment"], "decision": "ENROLLED", "selectedPlanId": case["plan"]}
    return {"input": {"employeeId": case["employee"], "elections": [election], "idempotencyKey": key}}


def _postgraphiles_variables(workload: Workload, case: Case, tenant: str, key: str) -> Mapping[str, Any]:
    if workload.name != ELECT:
        return {**case, "tenant": tenant}
    return {"input": {**case, "key": key}}


def _read_postgraphiles(answer: Any) -> Any:
    """Bring an answer of PostGraphile's into the gateway's shape: it gives a bigint as text, and all lists as nodes."""
    if isinstance(answer, list):
        return [_read_postgraphiles(each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    read: dict[str, Any] = {}
    for name, value in answer.items():
        if name.endswith("Cents") and value is not None:
            read[name] = int(value)
        elif name == "enrolledDependents":
            read[name] = [each["dependent"] for each in value["nodes"]]
        elif name == "enrollment":  # of the payload; it has no refusals as data, as they are errors there
            read |= {"enrollments": [_read_postgraphiles(value)], "userErrors": []}
        else:
            read[name] = _read_postgraphiles(value)
    return read


GATEWAYS = Dialect(_documents("gateway.graphql"), _gateways_variables, lambda answer: answer)
POSTGRAPHILES = Dialect(_documents("postgraphile.graphql"), _postgraphiles_variables, _read_postgraphiles)
