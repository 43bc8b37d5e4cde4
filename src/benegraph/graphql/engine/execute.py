"""From a query's text to its answer: parse, measure, validate, pay, execute; an error has the code of its phase."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType
from graphql.execution.values import VariableValues
from strawberry.execution import optimized_is_awaitable

from benegraph.domain.errors import BadInput, Forbidden, RequestError, Throttled
from benegraph.execution import Uncovered, run
from benegraph.graphql.context import Context
from benegraph.graphql.engine.compiled import opening
from benegraph.graphql.engine.documents import Document, DocumentCache, InvalidRequest, Operation
from benegraph.graphql.engine.errors import TIMEOUT_MESSAGE, classify_error, describe_error, error_body, failed
from benegraph.graphql.engine.limits.cost import at
from benegraph.graphql.engine.limits.shape import too_complex
from benegraph.graphql.engine.variables import MOST_ERRORS

log = logging.getLogger(__name__)

#: The data and the errors in it.
Outcome = tuple[dict[str, Any] | None, Sequence[GraphQLError] | None]


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


async def execute(documents: DocumentCache, context: Context, request: GraphQLRequest) -> dict[str, Any]:
    """Answer a request. Where the answer has no `data`, nothing was executed, or its time was over.

    Raises MutationNotAllowed and Throttled; every other error stands in the answer.
    """
    try:
        asked = _prepare(documents, context, request)
    except (MutationNotAllowed, Throttled):
        raise
    except RequestError as error:
        return error_body(error)
    except InvalidRequest as error:
        return {"errors": error.errors}
    limits = documents.limits
    try:
        async with asyncio.timeout(limits.mutation_seconds if asked.operation.changes else limits.query_seconds):
            data, errors = await _outcome(documents, context, asked)
    except TimeoutError:
        advice = " What it was to change may have been changed: ask again with the same idempotencyKey."
        return error_body(TookTooLong(TIMEOUT_MESSAGE + (advice if asked.operation.changes else "")))
    return _answer(data, errors, context, limits.cost)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be executed: an operation that is valid and paid for, and its variables as their types read them."""

    document: Document
    operation: Operation
    variables: VariableValues
    request: GraphQLRequest


async def _outcome(documents: DocumentCache, context: Context, asked: _Asked) -> Outcome:
    if documents.compiled and (outcome := await _by_plan(documents, context, asked)) is not None:
        return outcome
    executor = _executor(documents, context, asked.document, asked.request)
    assert not isinstance(executor, list), "its variables were read before"  # noqa: S101
    outcome = executor.execute_operation()
    result: ExecutionResult = await outcome if isawaitable(outcome) else outcome
    return result.data, result.errors


async def _by_plan(documents: DocumentCache, context: Context, asked: _Asked) -> Outcome | None:
    """Have the breadth-first executor answer; None for what it doesn't cover, or could not read."""
    plan = documents.plan(asked.operation, asked.variables.coerced)
    if isinstance(plan, Uncovered):
        documents.fallbacks[plan.reason] += 1
        return None
    try:
        outcome = await run(plan, opening(context), context, asked.variables)
    except Uncovered as uncovered:
        documents.fallbacks[uncovered.reason] += 1
        return None
    except Exception as error:
        if plan.is_mutation:
            raise  # what it has changed must not be changed again
        # It has read: the other executor says what is wrong.
        if classify_error(error)[0] == TookTooLong.code:
            raise TimeoutError from error  # to do it all again would take as long
        log.warning("A plan failed: %s", describe_error(error))
        documents.fallbacks["failed"] += 1
        return None
    documents.plan_executions += 1
    return outcome.data, outcome.errors


def _prepare(documents: DocumentCache, context: Context, request: GraphQLRequest) -> _Asked:
    document = documents.parse(request.query, trusted=request.trusted)
    context.operation_info.document_digest = document.digest
    _check_kind(document.chosen(request.operation_name), request)
    documents.validate(request.query, document, trusted=request.trusted)
    operation = document.operation(request.operation_name)
    if operation is None:
        errors = _executor(documents, context, document, request)
        assert isinstance(errors, list), "it chooses as we do"  # noqa: S101
        raise InvalidRequest(errors, BadInput.code)
    _admit(operation, context, request, documents.limits.cost)
    variables = operation.variables.read(request.variables)
    if isinstance(variables, list):
        raise InvalidRequest(variables, BadInput.code)
    return _Asked(document, operation, variables, request)


def _executor(documents: DocumentCache, context: Context, document: Document, request: GraphQLRequest) -> Any:
    """Make what executes an operation by its resolvers; a list of errors where there is none to execute."""
    # As Schema.execute does, but for its extensions and middleware, of which this schema has none.
    return documents.schema.execution_context_class.build(
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


def _check_kind(operation: OperationDefinitionNode | None, request: GraphQLRequest) -> None:
    if operation is None:  # the executor says why
        return
    if operation.operation is OperationType.SUBSCRIPTION:
        raise BadInput("Subscriptions are not offered here.")
    if operation.operation is OperationType.MUTATION and request.read_only:
        raise MutationNotAllowed("A mutation is sent by POST.")


def _admit(operation: Operation, context: Context, request: GraphQLRequest, most: int) -> None:
    """See that an operation is permitted and affordable, and have it paid for."""
    asked = context.operation_info
    asked.operation_name = operation.node.name.value if operation.node.name else None
    asked.operation_type = operation.node.operation.value
    if operation.introspects and context.viewer.role not in context.introspection_roles:
        raise Forbidden("The schema is not open to this key.")
    asked.cost = at(operation.price, request.variables)
    if asked.cost > most:
        raise too_complex("cost", most, f"This costs {asked.cost}; one request may cost at most {{}}.")
    context.charge(max(1, asked.cost))


def _answer(data: Any, errors: Sequence[GraphQLError] | None, context: Context, most: int) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if errors:
        answer["errors"] = failed(errors, context.request_id)
    answer["data"] = data
    answer["extensions"] = {"cost": {"requestedQueryCost": context.operation_info.cost, "maximumQueryCost": most}}
    if context.replayed:
        answer["extensions"]["idempotentReplay"] = True
    return answer
