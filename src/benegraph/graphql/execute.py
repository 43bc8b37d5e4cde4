"""From a query's text to its answer: parse, validate, execute, so that each error carries the code of its phase."""

from collections import OrderedDict
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import recommended_rules
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from benegraph.domain.errors import BadInput, RequestError, TooComplex
from benegraph.graphql.context import Context
from benegraph.graphql.errors import body_of, failed, refused

LONGEST_TEXT = 64 * 1024  # bytes
MOST_ERRORS = 5
#: Characters of text whose documents are kept; a document takes some 80 to 250 bytes for each.
KEPT_TEXT = 256 * 1024
LONGEST_KEPT = 16 * 1024
RULES = (*specified_rules, *recommended_rules, MaybeNullValidationRule, OneOfInputValidationRule)


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What a client asks, in whatever way it came. `read_only` where the way does not allow a change."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    read_only: bool = False


class MutationNotAllowed(BadInput):
    """The way this request came is for reading alone."""


class Documents:
    """The documents of a schema that were found valid, by their text; the latest used are kept."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self.schema = schema
        self.graph = schema._schema  # noqa: SLF001 - what Strawberry itself executes; there is no public way to it
        self._kept: OrderedDict[str, DocumentNode] = OrderedDict()
        self._characters = 0

    def parse(self, text: str) -> DocumentNode:
        """Parse a text, or give the document that was made of it before. Raises _Refused."""
        if (kept := self._kept.get(text)) is not None:
            self._kept.move_to_end(text)
            return kept
        try:
            return parse(text)
        except GraphQLSyntaxError as error:
            raise _Refused([error], "PARSE_FAILED") from None

    def validate(self, text: str, document: DocumentNode) -> None:
        """Validate a text's document, unless that was done before. Raises _Refused, with the first few errors."""
        if text in self._kept:
            return
        if errors := validate(self.graph, document, RULES, max_errors=MOST_ERRORS, hide_suggestions=True):
            raise _Refused(errors, "VALIDATION_FAILED")
        if len(text) <= LONGEST_KEPT:
            self._keep(text, document)

    def _keep(self, text: str, document: DocumentNode) -> None:
        self._kept[text] = document
        self._characters += len(text)
        while self._characters > KEPT_TEXT:
            oldest, _ = self._kept.popitem(last=False)
            self._characters -= len(oldest)


class _Refused(Exception):
    """The request was refused before anything was executed."""

    def __init__(self, errors: list[GraphQLError], code: str) -> None:
        super().__init__(code)
        self.errors = refused(errors, code)


async def execute(
    schema: strawberry.Schema, context: Context, request: GraphQLRequest, documents: Documents | None = None
) -> dict[str, Any]:
    """Answer a request. Where the answer has no `data`, nothing was executed.

    `documents` remembers what was parsed before. Raises MutationNotAllowed; every other error stands in the answer.
    """
    try:
        executor = _prepare(documents or Documents(schema), context, request)
    except MutationNotAllowed:
        raise
    except RequestError as error:
        return body_of(error)
    except _Refused as error:
        return {"errors": error.errors}
    outcome = executor.execute_operation()
    if isawaitable(outcome):
        outcome = await outcome
    answer = _answer(outcome, context)
    if context.replayed:
        answer["extensions"] = {"idempotentReplay": True}
    return answer


def _prepare(documents: Documents, context: Context, request: GraphQLRequest) -> Any:
    if len(request.query) > LONGEST_TEXT or len(request.query.encode()) > LONGEST_TEXT:
        raise TooComplex(f"The query's text is longer than {LONGEST_TEXT // 1024} KiB.")
    document = documents.parse(request.query)
    _check_kind(get_operation_ast(document, request.operation_name), request)
    documents.validate(request.query, document)
    # As Schema.execute does, but for its extensions and middleware, of which this schema has none.
    executor = documents.schema.execution_context_class.build(
        documents.graph,
        document,
        context_value=context,
        raw_variable_values=request.variables,
        operation_name=request.operation_name,
        max_coercion_errors=MOST_ERRORS,
        is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type] # Strawberry declares its guard as a bool
        hide_suggestions=True,
        operation_extensions=None,
    )
    if isinstance(executor, list):  # no such operation, or variables that can't be
        raise _Refused(executor, BadInput.code)
    return executor


def _check_kind(operation: OperationDefinitionNode | None, request: GraphQLRequest) -> None:
    if operation is None:  # the executor says why
        return
    if operation.operation is OperationType.SUBSCRIPTION:
        raise BadInput("Subscriptions are not offered here.")
    if operation.operation is OperationType.MUTATION and request.read_only:
        raise MutationNotAllowed("A mutation is sent by POST.")


def _answer(result: ExecutionResult, context: Context) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if result.errors:
        answer["errors"] = failed(result.errors, context.request_id)
    answer["data"] = result.data
    return answer
