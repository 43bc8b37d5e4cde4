"""Dialects: the documents and variables of a schema for each workload, and the conversion of its responses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import OperationDefinitionNode, parse, print_ast

from .workloads import ELECT, Case, Workload

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Dialect:
    """A schema: its documents by operation name, its variables, and the conversion to the gateway's shape."""

    documents: Mapping[str, str]
    variables: Callable[[Workload, Case, str, str], Mapping[str, Any]]
    normalize: Callable[[Any], Any]

    def body(self, workload: Workload, case: Case, tenant: str, key: str) -> Mapping[str, Any]:
        """Return the body of a request; `key` is the idempotency key of a mutation."""
        return {
            "query": self.documents[workload.operation],
            "operationName": workload.operation,
            "variables": self.variables(workload, case, tenant, key),
        }


def _load_documents(name: str) -> dict[str, str]:
    """Return each operation of a file as a document, by its name."""
    document = parse((HERE / "documents" / name).read_text(encoding="utf-8"))
    return {
        node.name.value: print_ast(node)
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode) and node.name is not None
    }


def _gateway_variables(workload: Workload, case: Case, _tenant: str, key: str) -> Mapping[str, Any]:
    if workload.name != ELECT:
        return case
    election = {"enrollmentId": case["enrollment"], "decision": "ENROLLED", "selectedPlanId": case["plan"]}
    return {"input": {"employeeId": case["employee"], "elections": [election], "idempotencyKey": key}}


def _postgraphile_variables(workload: Workload, case: Case, tenant: str, key: str) -> Mapping[str, Any]:
    if workload.name != ELECT:
        return {**case, "tenant": tenant}
    return {"input": {**case, "key": key}}


def _normalize_postgraphile(value: Any) -> Any:
    """Convert a response of PostGraphile: a bigint arrives as text, and every list as a connection."""
    if isinstance(value, list):
        return [_normalize_postgraphile(item) for item in value]
    if not isinstance(value, dict):
        return value
    normalized: dict[str, Any] = {}
    for name, member in value.items():
        if name.endswith("Cents") and member is not None:
            normalized[name] = int(member)
        elif name == "enrolledDependents":
            normalized[name] = [item["dependent"] for item in member["nodes"]]
        elif name == "enrollment":  # of the mutation's payload; PostGraphile reports refusals as errors
            normalized |= {"enrollments": [_normalize_postgraphile(member)], "userErrors": []}
        else:
            normalized[name] = _normalize_postgraphile(member)
    return normalized


GATEWAY_DIALECT = Dialect(_load_documents("gateway.graphql"), _gateway_variables, lambda data: data)
POSTGRAPHILE_DIALECT = Dialect(
    _load_documents("postgraphile.graphql"), _postgraphile_variables, _normalize_postgraphile
)
