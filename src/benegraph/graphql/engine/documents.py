"""Documents: parse texts, check their shape, validate them, and cache the valid ones with their plans.

A large document takes up to seconds to compile, so a worker thread compiles it while the event loop serves other
requests. There is one such thread: more would only compete with the event loop for Python's global lock.
"""

import asyncio
import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any, TypeVar

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import recommended_rules
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from benegraph.domain.errors import BenegraphError
from benegraph.execution import (
    OperationPlan,
    UnsupportedOperation,
    compile_operation,
    directive_variables,
    iter_selections,
)
from benegraph.graphql.engine.deprecations import find_deprecated_elements
from benegraph.graphql.engine.errors import format_request_errors
from benegraph.graphql.engine.executor_bindings import BatchMetadata, declare_field
from benegraph.graphql.engine.limits import MAX_ERRORS, Limits, limit_error
from benegraph.graphql.engine.limits.cost import CostFormula, compile_cost
from benegraph.graphql.engine.limits.shape import check_shape
from benegraph.graphql.engine.one_of import OneOfVariablesRule
from benegraph.graphql.engine.variables import OperationVariables

MAX_TEXT_BYTES = 64 * 1024
#: Plans kept for one operation. An operation has one plan for each combination of the variables in its directives.
MAX_PLANS = 16
#: How many characters of text the cache holds. Their documents take some 80 to 250 bytes for each character.
MAX_CACHED_CHARACTERS = 256 * 1024
#: The document of a longer text is not cached.
MAX_CACHED_TEXT_LENGTH = 16 * 1024
#: A text with at most this many characters and no fragment definition is compiled on the event loop, in about 20 ms.
MAX_SMALL_TEXT_LENGTH = 2000
VALIDATION_RULES = (*specified_rules, *recommended_rules, MaybeNullValidationRule, OneOfVariablesRule)

T = TypeVar("T")


class InvalidRequest(BenegraphError):
    """The request was rejected before execution: its text, document, operation name or a variable is invalid."""

    def __init__(self, errors: list[GraphQLError], code: str) -> None:
        super().__init__(code)
        self.errors = format_request_errors(errors, code)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a valid document, with its compiled cost, variables and plans."""

    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: OperationVariables
    cost: CostFormula
    #: Whether it selects `__schema` or `__type`.
    introspects: bool
    #: Whether it selects nothing else, so that its resolvers await nothing.
    only_introspects: bool
    #: The schema coordinates of the deprecated elements that the document uses.
    deprecated: tuple[str, ...]
    #: The variables in its `@skip` and `@include` directives; or the reason why no plan can be compiled.
    directive_variables: tuple[str, ...] | UnsupportedOperation
    #: Its plans by the values of those variables; or the reason why one cannot be compiled.
    operation_plans: dict[tuple[Any, ...], OperationPlan | UnsupportedOperation] = field(default_factory=dict)

    @property
    def is_mutation(self) -> bool:
        return self.node.operation is OperationType.MUTATION


@dataclass(slots=True)
class Document:
    """A parsed text. `operations` is None until it is validated; an anonymous operation's name is ''."""

    ast: DocumentNode
    #: SHA-256 of the text, in hexadecimal.
    digest: str
    operations: dict[str, Operation] | None = None

    def find_operation(self, name: str | None) -> Operation | None:
        """Find the operation to execute; None if the document is not valid yet, or the name is unknown or missing."""
        if not self.operations:
            return None
        if name is not None:
            return self.operations.get(name) if name else None
        return next(iter(self.operations.values())) if len(self.operations) == 1 else None


def compute_digest(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class DocumentCache:
    """A schema's documents: parses and validates texts, and caches the most recently used valid ones.

    A `trusted` text is one that the operator registered; no limit applies to its shape. Methods may be called in the
    worker thread, too.
    """

    schema: strawberry.Schema
    limits: Limits = field(default_factory=Limits)
    #: Whether operations run breadth-first by compiled plans, if a plan covers them.
    use_compiled_plans: bool = False
    #: How many texts were found in the cache, and how many had to be parsed.
    hits: int = 0
    misses: int = 0
    #: How many operations ran by a plan; and how many fell back to the resolvers, by reason.
    plan_executions: int = 0
    plan_fallbacks: Counter[str] = field(default_factory=Counter)
    #: The thread that compiles large documents, their plans and their statements.
    worker: ThreadPoolExecutor = field(default_factory=partial(ThreadPoolExecutor, 1, "benegraph-compile"))
    _lock: Lock = field(default_factory=Lock)
    _cached: OrderedDict[tuple[str, bool], Document] = field(default_factory=OrderedDict)
    _cached_characters: int = 0

    @property
    def graphql_schema(self) -> GraphQLSchema:
        return self.schema._schema  # noqa: SLF001 - Strawberry executes it, and has no public name for it

    async def compile(self, text: str, work: Callable[[], T]) -> T:
        """Call a function that compiles something of a text's document: in the worker thread unless it is small."""
        # Without fragments, the number of fields is bounded by the length of the text.
        if len(text) <= MAX_SMALL_TEXT_LENGTH and "fragment" not in text:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self.worker, work)

    def find(self, text: str, *, trusted: bool = False) -> Document | None:
        """Find a text's document in the cache."""
        with self._lock:
            document = self._cached.get((text, trusted))
            if document is not None:
                self._cached.move_to_end((text, trusted))
                self.hits += 1
            return document

    def parse(self, text: str, *, trusted: bool = False) -> Document:
        """Parse a text, or return its cached document. Raises TooComplex or InvalidRequest."""
        if (cached := self.find(text, trusted=trusted)) is not None:
            return cached
        with self._lock:
            self.misses += 1
        if len(text) > MAX_TEXT_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
            raise limit_error("text", MAX_TEXT_BYTES, f"The document is longer than {MAX_TEXT_BYTES} bytes.")
        max_tokens = None if trusted else self.limits.tokens
        try:
            ast = parse(text, max_tokens=max_tokens)
        except GraphQLSyntaxError as error:
            if max_tokens is not None and error.description.startswith(f"Document contains more than {max_tokens} tok"):
                message = f"The document has more than {max_tokens} tokens."
                raise limit_error("tokens", max_tokens, message) from None
            raise InvalidRequest([error], "PARSE_FAILED") from None
        return Document(ast, compute_digest(text))

    def validate(self, text: str, document: Document, *, trusted: bool = False, suggests_names: bool = False) -> None:
        """Check the shape of a text's document, validate it and cache it, unless it is validated already.

        Raises TooComplex, or InvalidRequest with the first few errors. They suggest names of the schema only if
        `suggests_names` is set. An invalid document is not cached, so its errors never reach another viewer.
        """
        if document.operations is None and (cached := self._cached.get((text, trusted))) is not None:
            document.operations = cached.operations  # another request has validated it since, so both share its plans
        if document.operations is not None:
            return
        schema = self.graphql_schema
        if not trusted:
            check_shape(document.ast, schema, self.limits)
        errors = validate(
            schema, document.ast, VALIDATION_RULES, max_errors=MAX_ERRORS, hide_suggestions=not suggests_names
        )
        if errors:
            raise InvalidRequest(errors, "VALIDATION_FAILED")
        definitions = document.ast.definitions
        fragments = {node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)}
        deprecated = find_deprecated_elements(schema, document.ast)
        document.operations = {
            node.name.value if node.name else "": Operation(
                node,
                fragments,
                OperationVariables(schema, node.variable_definitions or ()),
                compile_cost(node, fragments, schema),
                _introspects(node, fragments),
                _only_introspects(node),
                deprecated,
                _find_directive_variables(node, fragments),
            )
            for node in definitions
            if isinstance(node, OperationDefinitionNode)
        }
        if len(text) <= MAX_CACHED_TEXT_LENGTH:
            self._cache((text, trusted), document)

    def find_operation_plan(
        self, operation: Operation, variables: Mapping[str, Any]
    ) -> OperationPlan | UnsupportedOperation | None:
        """Find a compiled plan of an operation, or the reason why none can be compiled."""
        names = operation.directive_variables
        if isinstance(names, UnsupportedOperation):
            return names
        return operation.operation_plans.get(tuple(variables.get(name) for name in names))

    def get_operation_plan(
        self, operation: Operation, variables: Mapping[str, Any]
    ) -> OperationPlan | UnsupportedOperation:
        """Return the plan of an operation, compiled once for each combination of the variables in its directives."""
        names = operation.directive_variables
        if isinstance(names, UnsupportedOperation):
            return names
        key = tuple(variables.get(name) for name in names)
        plan = operation.operation_plans.get(key)
        if plan is None:
            condition_values = dict(zip(names, key, strict=True))
            declare, node, fragments = partial(declare_field, self.schema), operation.node, operation.fragments
            try:
                plan = compile_operation(
                    self.graphql_schema, declare, BatchMetadata(), node, fragments, condition_values
                )
            except UnsupportedOperation as unsupported:
                plan = unsupported
            if len(operation.operation_plans) >= MAX_PLANS:
                del operation.operation_plans[next(iter(operation.operation_plans))]
            operation.operation_plans[key] = plan
        return plan

    def _cache(self, key: tuple[str, bool], document: Document) -> None:
        with self._lock:
            self._cached[key] = document
            self._cached_characters += len(key[0])
            while self._cached_characters > MAX_CACHED_CHARACTERS:
                (oldest_text, _), _ = self._cached.popitem(last=False)
                self._cached_characters -= len(oldest_text)


def _find_directive_variables(
    node: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[str, ...] | UnsupportedOperation:
    try:
        return directive_variables(node, fragments)
    except UnsupportedOperation as unsupported:
        return unsupported


def _introspects(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> bool:
    return any(
        isinstance(node, FieldNode) and node.name.value in {"__schema", "__type"}
        for node in iter_selections(operation, fragments)
    )


def _only_introspects(operation: OperationDefinitionNode) -> bool:
    """Return whether each root field is an introspection field. One in a fragment doesn't count as such."""
    return all(
        isinstance(node, FieldNode) and node.name.value.startswith("__") for node in operation.selection_set.selections
    )
