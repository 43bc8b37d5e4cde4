"""Execute a request: parse, check and validate its document, charge its cost, run it and build the response."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType, get_operation_ast
from graphql.execution.values import VariableValues
from strawberry.execution import optimized_is_awaitable

from benegraph.domain.errors import BadInput, Forbidden, RequestError, Throttled
from benegraph.execution import PlanResult, UnsupportedOperation, run_plan
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import Document, DocumentCache, InvalidRequest, Operation
from benegraph.graphql.engine.errors import (
    TIMEOUT_MESSAGE,
    classify_error,
    describe_error,
    error_body,
    format_execution_errors,
)
from benegraph.graphql.engine.executor_bindings import reader_opener, statement_preparer
from benegraph.graphql.engine.limits import MAX_ERRORS, limit_error
from benegraph.graphql.engine.limits.cost import evaluate_cost

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A request, independent of its transport.

    `read_only` excludes mutations, for a transport such as HTTP GET. `trusted` marks a document that the operator
    registered, which is exempt from the limits on its shape.
    """

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    read_only: bool = False
    trusted: bool = False


class MutationNotAllowed(BadInput):
    """The request holds a mutation, and its transport allows queries only."""


class RequestTimeout(RequestError):
    """The request exceeded its time limit; uncommitted changes are rolled back."""

    code = "TIMEOUT"


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A valid operation with its coerced variables; its cost is already charged."""

    request: GraphQLRequest
    document: Document
    operation: Operation
    variables: VariableValues


async def execute(documents: DocumentCache, context: Context, request: GraphQLRequest) -> dict[str, Any]:
    """Execute a request and return its response, without `data` if the request was rejected or timed out.

    Raises MutationNotAllowed and Throttled. The response reports every other error.
    """
    try:
        prepared = await _prepare(documents, context, request)
    except (MutationNotAllowed, Throttled):
        raise
    except RequestError as error:
        return error_body(error)
    except InvalidRequest as error:
        return {"errors": error.errors}
    limits = documents.limits
    seconds = limits.mutation_seconds if prepared.operation.is_mutation else limits.query_seconds
    try:
        async with asyncio.timeout(seconds):
            outcome: PlanResult | ExecutionResult | None = None
            if documents.use_compiled_plans:
                outcome = await _run_plan(documents, context, prepared)
            if outcome is None:
                outcome = await _run_resolvers(documents, context, prepared)
            if context.accesses and context.on_accesses is not None:
                await context.on_accesses(context)
    except RequestTimeout as error:
        return error_body(error)
    except TimeoutError:
        return error_body(RequestTimeout(_timeout_message(prepared.operation, seconds)))
    return _build_response(outcome.data, outcome.errors, context, limits.cost)


async def _prepare(documents: DocumentCache, context: Context, request: GraphQLRequest) -> PreparedRequest:
    """Parse, validate, authorize and charge a request. Raises RequestError or InvalidRequest."""
    text, trusted = request.query, request.trusted
    document = documents.find(text, trusted=trusted)
    if document is None:
        document = await documents.compile(text, partial(documents.parse, text, trusted=trusted))
    context.operation_info.document_digest = document.digest
    operation = document.find_operation(request.operation_name)
    if operation is None:  # not validated yet, or the name matches no operation
        _check_operation_type(get_operation_ast(document.ast, request.operation_name), request)
        suggests_names = context.may_introspect
        await documents.compile(
            text, partial(documents.validate, text, document, trusted=trusted, suggests_names=suggests_names)
        )
        operation = document.find_operation(request.operation_name)
    else:
        _check_operation_type(operation.node, request)
    if operation is None:
        errors = _build_executor(documents, context, document, request)
        assert isinstance(errors, list), "graphql-core finds no operation either"  # noqa: S101
        raise InvalidRequest(errors, BadInput.code)
    _authorize_and_charge(operation, context, request, documents.limits.cost)
    variables = operation.variables.coerce(request.variables, suggests_names=context.may_introspect)
    if isinstance(variables, list):
        raise InvalidRequest(variables, BadInput.code)
    return PreparedRequest(request, document, operation, variables)


def _check_operation_type(node: OperationDefinitionNode | None, request: GraphQLRequest) -> None:
    """Reject subscriptions, and mutations in a read-only request; None is reported later, as an unknown operation."""
    if node is None:
        return
    if node.operation is OperationType.SUBSCRIPTION:
        raise BadInput("Subscriptions are not supported; send a query or a mutation.")
    if node.operation is OperationType.MUTATION and request.read_only:
        raise MutationNotAllowed("A mutation must be sent by POST.")


def _authorize_and_charge(operation: Operation, context: Context, request: GraphQLRequest, max_cost: int) -> None:
    """Check the operation's permission and cost, and count its cost toward the viewer's rate limit."""
    info = context.operation_info
    info.operation_name = operation.node.name.value if operation.node.name else None
    info.operation_type = operation.node.operation.value
    info.deprecated = operation.deprecated
    if operation.introspects and not context.may_introspect:
        raise Forbidden(f"The role {context.viewer.role} may not introspect the schema.")
    info.cost = cost = evaluate_cost(operation.cost, request.variables)
    if cost > max_cost:
        raise limit_error("cost", max_cost, f"The operation costs {cost}, more than {max_cost}; request smaller pages.")
    context.charge(max(1, cost))


async def _run_plan(documents: DocumentCache, context: Context, prepared: PreparedRequest) -> PlanResult | None:
    """Run an operation breadth-first; return None if no plan covers it, or if its reads failed.

    The resolvers then run the operation and report the error, if it occurs again.
    """
    operation, variables = prepared.operation, prepared.variables
    plan = documents.find_operation_plan(operation, variables.coerced)
    if plan is None:
        compile_plan = partial(documents.get_operation_plan, operation, variables.coerced)
        plan = await documents.compile(prepared.request.query, compile_plan)
    if isinstance(plan, UnsupportedOperation):
        documents.plan_fallbacks[plan.reason] += 1
        return None
    try:
        prepare = statement_preparer(context, documents.worker) if plan.large_statements else None
        outcome = await run_plan(plan, reader_opener(context), context, variables, prepare)
    except UnsupportedOperation as unsupported:
        documents.plan_fallbacks[unsupported.reason] += 1
        return None
    except Exception as error:
        if plan.is_mutation:
            raise  # its changes must not be made twice
        if classify_error(error)[0] == RequestTimeout.code:
            raise RequestTimeout(TIMEOUT_MESSAGE) from error  # another attempt would take as long
        log.warning("A compiled plan failed; its resolvers run instead: %s", describe_error(error))
        documents.plan_fallbacks["failed"] += 1
        return None
    documents.plan_executions += 1
    return outcome


async def _run_resolvers(documents: DocumentCache, context: Context, prepared: PreparedRequest) -> ExecutionResult:
    executor = _build_executor(documents, context, prepared.document, prepared.request)
    assert not isinstance(executor, list), "the variables were coerced before"  # noqa: S101
    if prepared.operation.only_introspects:  # takes about 0.2 s for the whole schema
        outcome = await asyncio.get_running_loop().run_in_executor(documents.worker, executor.execute_operation)
    else:
        outcome = executor.execute_operation()
    result: ExecutionResult = await outcome if isawaitable(outcome) else outcome
    return result


def _build_executor(documents: DocumentCache, context: Context, document: Document, request: GraphQLRequest) -> Any:
    """Build Strawberry's execution context, which calls the resolvers; or a list of errors if it cannot start."""
    # As in Schema.execute, but without extensions and middleware: this schema has none.
    return documents.schema.execution_context_class.build(
        documents.graphql_schema,
        document.ast,
        context_value=context,
        raw_variable_values=request.variables,
        operation_name=request.operation_name,
        max_coercion_errors=MAX_ERRORS,
        is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type] # Strawberry types its guard as a plain bool
        hide_suggestions=not context.may_introspect,
        operation_extensions=None,
    )


def _timeout_message(operation: Operation, seconds: float) -> str:
    if operation.is_mutation:
        advice = "It may have been applied; retry it with the same idempotencyKey."
        return f"The mutation took longer than {seconds:g} s and was cancelled. {advice}"
    return f"The query took longer than {seconds:g} s and was cancelled; request less data, or retry later."


def _build_response(
    data: Any, errors: Sequence[GraphQLError] | None, context: Context, max_cost: int
) -> dict[str, Any]:
    response: dict[str, Any] = {}
    if errors:
        response["errors"] = format_execution_errors(errors, context.request_id)
    response["data"] = data
    cost = {"requestedQueryCost": context.operation_info.cost, "maximumQueryCost": max_cost}
    response["extensions"] = {"cost": cost}
    if context.replayed:
        response["extensions"]["idempotentReplay"] = True
    return response
