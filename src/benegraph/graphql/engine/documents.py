"""DocumentCache: what is known of a text once it was parsed, measured and found valid; the latest used are kept."""

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import recommended_rules
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from benegraph.domain.errors import BenegraphError
from benegraph.execution import Plan, Uncovered, compile_operation, conditions_of
from benegraph.execution.selecting import selections_of
from benegraph.graphql.engine.compiled import Declared, Sources
from benegraph.graphql.engine.errors import refused
from benegraph.graphql.engine.limits import Limits
from benegraph.graphql.engine.limits.cost import Price, price_of
from benegraph.graphql.engine.limits.shape import check_shape, too_complex
from benegraph.graphql.engine.variables import MOST_ERRORS, Variables

LONGEST_TEXT = 64 * 1024  # bytes
#: Plans kept of one operation, whose directives' variables may be chosen in many ways.
MOST_PLANS = 16
#: Characters of text whose documents are kept; a document takes some 80 to 250 bytes for each.
KEPT_TEXT = 256 * 1024
LONGEST_KEPT = 16 * 1024
RULES = (*specified_rules, *recommended_rules, MaybeNullValidationRule, OneOfInputValidationRule)


class InvalidRequest(BenegraphError):
    """The request was refused before anything was executed: it can't be parsed, is not valid, or can't be begun."""

    def __init__(self, errors: list[GraphQLError], code: str) -> None:
        super().__init__(code)
        self.errors = refused(errors, code)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a document that is valid: what it costs, and whether it reads the schema itself."""

    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Variables
    price: Price
    introspects: bool
    #: The variables that decide what of it is left out; or why they can't be told.
    conditions: tuple[str, ...] | Uncovered
    #: What the breadth-first executor made of it, by the values of the variables in its directives; or why it can't.
    plans: dict[tuple[Any, ...], Plan | Uncovered] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        return self.node.operation is OperationType.MUTATION


@dataclass(slots=True)
class Document:
    """A parsed text; `operations` once it was found valid, by their names, a nameless one under ''."""

    ast: DocumentNode
    #: SHA-256 of the text, in hex.
    digest: str
    operations: dict[str, Operation] | None = None

    def chosen(self, operation_name: str | None) -> OperationDefinitionNode | None:
        """Find the operation that is meant; None where the name names none, or several could be meant."""
        operation = self.operation(operation_name)
        return get_operation_ast(self.ast, operation_name) if operation is None else operation.node

    def operation(self, name: str | None) -> Operation | None:
        """Find the operation that is meant, where the document was found valid."""
        if not self.operations:
            return None
        if name is not None:
            return self.operations.get(name) if name else None
        return next(iter(self.operations.values())) if len(self.operations) == 1 else None


def compute_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class DocumentCache:
    """The documents of a schema. Those that were written by our own people (`trusted`) may be of any shape."""

    schema: strawberry.Schema
    limits: Limits = field(default_factory=Limits)
    #: Whether the breadth-first executor answers what it covers.
    compiled: bool = False
    hits: int = 0
    misses: int = 0
    #: How many operations it answered, and how many it left to Strawberry's, by the reason.
    plan_executions: int = 0
    fallbacks: Counter[str] = field(default_factory=Counter)
    _kept: OrderedDict[tuple[str, bool], Document] = field(default_factory=OrderedDict)
    _characters: int = 0

    @property
    def graph(self) -> GraphQLSchema:
        return self.schema._schema  # noqa: SLF001 - what Strawberry itself executes; there is no public way to it

    def parse(self, text: str, *, trusted: bool = False) -> Document:
        """Parse a text, or give the document that was made of it before. Raises TooComplex, InvalidRequest."""
        if (kept := self._kept.get((text, trusted))) is not None:
            self._kept.move_to_end((text, trusted))
            self.hits += 1
            return kept
        self.misses += 1
        if len(text) > LONGEST_TEXT or len(text.encode("utf-8", "surrogatepass")) > LONGEST_TEXT:
            raise too_complex("text", LONGEST_TEXT, "A query's text holds at most {} bytes.")
        most = None if trusted else self.limits.tokens
        try:
            ast = parse(text, max_tokens=most)
        except GraphQLSyntaxError as error:
            if most is not None and error.description.startswith(f"Document contains more than {most} tokens"):
                raise too_complex("tokens", most, "A document holds at most {} tokens.") from None
            raise InvalidRequest([error], "PARSE_FAILED") from None
        return Document(ast, compute_digest(text))

    def validate(self, text: str, document: Document, *, trusted: bool = False) -> None:
        """Measure and validate a text's document, unless that was done before.

        Raises TooComplex, or InvalidRequest with the first few errors.
        """
        if document.operations is not None:
            return
        if not trusted:
            check_shape(document.ast, self.graph, self.limits)
        if errors := validate(self.graph, document.ast, RULES, max_errors=MOST_ERRORS, hide_suggestions=True):
            raise InvalidRequest(errors, "VALIDATION_FAILED")
        definitions = document.ast.definitions
        fragments = {node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)}
        document.operations = {
            node.name.value if node.name else "": Operation(
                node,
                fragments,
                Variables(self.graph, node.variable_definitions or ()),
                price_of(node, fragments, self.graph),
                _introspects(node, fragments),
                _conditions(node, fragments),
            )
            for node in definitions
            if isinstance(node, OperationDefinitionNode)
        }
        if len(text) <= LONGEST_KEPT:
            self._keep((text, trusted), document)

    def plan(self, operation: Operation, variables: Mapping[str, Any]) -> Plan | Uncovered:
        """Give the plan of an operation, made once for the values that its directives ask for."""
        names = operation.conditions
        if isinstance(names, Uncovered):
            return names
        key = tuple(variables.get(name) for name in names)
        plan = operation.plans.get(key)
        if plan is None:
            conditions = dict(zip(names, key, strict=True))
            declare, node, fragments = Declared(self.schema), operation.node, operation.fragments
            try:
                plan = compile_operation(self.graph, declare, Sources(), node, fragments, conditions)
            except Uncovered as uncovered:
                plan = uncovered
            if len(operation.plans) >= MOST_PLANS:
                del operation.plans[next(iter(operation.plans))]
            operation.plans[key] = plan
        return plan

    def _keep(self, key: tuple[str, bool], document: Document) -> None:
        self._kept[key] = document
        self._characters += len(key[0])
        while self._characters > KEPT_TEXT:
            (oldest, _), _ = self._kept.popitem(last=False)
            self._characters -= len(oldest)


def _conditions(
    node: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[str, ...] | Uncovered:
    try:
        return conditions_of(node, fragments)
    except Uncovered as uncovered:
        return uncovered


def _introspects(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> bool:
    return any(
        isinstance(node, FieldNode) and node.name.value in {"__schema", "__type"}
        for node in selections_of(operation, fragments)
    )
