"""From a query's text to its answer: parse, measure, validate, pay, execute; an error has the code of its phase."""

import asyncio
import logging
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult, OperationDefinitionNode, OperationType
from strawberry.execution import optimized_is_awaitable

from benegraph.domain.errors import BadInput, Forbidden, RequestError, Throttled
from benegraph.execution import Uncovered, run
from benegraph.graphql.compiled import opening
from benegraph.graphql.context import Context
from benegraph.graphql.documents import MOST_ERRORS, Document, Documents, Malformed, Operation
from benegraph.graphql.errors import TOO_SLOW, body_of, describe, failed
from benegraph.graphql.limits.cost import at
from benegraph.graphql.limits.shape import too_complex

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What a client asks, in whatever way it came.

    `read_only` where the way does not allow a change; `trusted` where our own people wrote the document.
    """

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    read_only: bool = False
    trusted: bool = False


class MutationNotAllowed(BadInput):
    """The way this request came is for reading alone."""


class TookTooLong(RequestError):
    """The time of the request is over; what it did not commit by then is rolled back."""

    code = "TIMEOUT"


async def execute(documents: Documents, context: Context, request: GraphQLRequest) -> dict[str, Any]:
    """Answer a request. Where the answer has no `data`, nothing was executed, or its time was over.

    Raises MutationNotAllowed and Throttled; every other error stands in the answer.
    """
    try:
        document, operation, executor = _prepare(documents, context, request)
    except (MutationNotAllowed, Throttled):
        raise
    except RequestError as error:
        return body_of(error)
    except Malformed as error:
        return {"errors": error.errors}
    changes = operation.node.operation is OperationType.MUTATION
    limits = documents.limits
    try:
        async with asyncio.timeout(limits.mutation_seconds if changes else limits.query_seconds):
            outcome = await _outcome(documents, context, document, operation, executor)
    except TimeoutError:
        advice = " What it was to change may have been changed: ask again with the same idempotencyKey."
        return body_of(TookTooLong(TOO_SLOW + (advice if changes else "")))
    return _answer(outcome, context, limits.cost)


async def _outcome(
    documents: Documents, context: Context, document: Document, operation: Operation, executor: Any
) -> ExecutionResult:
    if documents.compiled:
        answered = await _by_plan(documents, context, document, operation, executor)
        if answered is not None:
            return answered
    outcome = executor.execute_operation()
    if isawaitable(outcome):
        outcome = await outcome
    result: ExecutionResult = outcome
    return result


async def _by_plan(
    documents: Documents, context: Context, document: Document, operation: Operation, executor: Any
) -> ExecutionResult | None:
    """Have the breadth-first executor answer; None for what it doesn't cover, or could not read."""
    variables = executor.variable_values
    plan = documents.plan(document, operation, variables.coerced)
    if isinstance(plan, Uncovered):
        documents.fell_back[plan.reason] += 1
        return None
    try:
        outcome = await run(plan, opening(context), context, variables)
    except Exception as error:  # noqa: BLE001 - it has read, and changed nothing: the other executor says what is wrong
        log.warning("A plan failed: %s", describe(error))
        documents.fell_back["failed"] += 1
        return None
    documents.answered += 1
    return ExecutionResult(outcome.data, outcome.errors or None)


def _prepare(documents: Documents, context: Context, request: GraphQLRequest) -> tuple[Document, Operation, Any]:
    document = documents.parse(request.query, trusted=request.trusted)
    context.asked.document = document.digest
    node = document.chosen(request.operation_name)
    _check_kind(node, request)
    documents.validate(request.query, document, trusted=request.trusted)
    operation = _operation(document, node)
    if operation is not None:
        _admit(operation, context, request, documents.limits.cost)
    # As Schema.execute does, but for its extensions and middleware, of which this schema has none.
    executor = documents.schema.execution_context_class.build(
        documents.graph,
        document.ast,
        context_value=context,
        raw_variable_values=request.variables,
        operation_name=request.operation_name,
        max_coercion_errors=MOST_ERRORS,
        is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type] # Strawberry declares its guard as a bool
        hide_suggestions=True,
        operation_extensions=None,
    )
    if isinstance(executor, list):  # no such operation, or variables that can't be
        raise Malformed(executor, BadInput.code)
    assert operation is not None, "what can be executed was chosen"  # noqa: S101 - the executor chooses as we do
    return document, operation, executor


def _operation(document: Document, node: OperationDefinitionNode | None) -> Operation | None:
    if node is None or document.operations is None:
        return None
    return document.operations[node.name.value if node.name else ""]


def _check_kind(operation: OperationDefinitionNode | None, request: GraphQLRequest) -> None:
    if operation is None:  # the executor says why
        return
    if operation.operation is OperationType.SUBSCRIPTION:
        raise BadInput("Subscriptions are not offered here.")
    if operation.operation is OperationType.MUTATION and request.read_only:
        raise MutationNotAllowed("A mutation is sent by POST.")


def _admit(operation: Operation, context: Context, request: GraphQLRequest, most: int) -> None:
    """See that an operation is permitted and affordable, and have it paid for."""
    asked = context.asked
    asked.operation = operation.node.name.value if operation.node.name else None
    asked.kind = operation.node.operation.value
    if operation.introspects and context.viewer.role not in context.introspection:
        raise Forbidden("The schema is not open to this key.")
    asked.cost = at(operation.price, request.variables)
    if asked.cost > most:
        raise too_complex("cost", most, f"This costs {asked.cost}; one request may cost at most {{}}.")
    context.pay(max(1, asked.cost))


def _answer(result: ExecutionResult, context: Context, most: int) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if result.errors:
        answer["errors"] = failed(result.errors, context.request_id)
    answer["data"] = result.data
    answer["extensions"] = {"cost": {"requestedQueryCost": context.asked.cost, "maximumQueryCost": most}}
    if context.replayed:
        answer["extensions"]["idempotentReplay"] = True
    return answer
