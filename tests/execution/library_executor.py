"""Execute operations on the library by the breadth-first executor, and record the readers that it opens."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values
from library import DECLARATIONS, SCHEMA, Library, declare_by
from library_reader import LibraryMetadata, LibraryReader, RecordedStatement

from benegraph.execution import (
    Declaration,
    OperationPlan,
    PlanResult,
    compile_operation,
    directive_variables,
    run_plan,
)


@dataclass(frozen=True, slots=True)
class ParsedOperation:
    """A validated operation with the values of its variables."""

    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues

    @classmethod
    def parse(
        cls, query: str, variables: Mapping[str, Any] | None = None, schema: GraphQLSchema = SCHEMA
    ) -> "ParsedOperation":
        document = parse(query)
        assert validate(schema, document) == []
        node = get_operation_ast(document)
        assert node is not None
        fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        values = get_variable_values(schema, node.variable_definitions or (), dict(variables or {}))
        assert isinstance(values, VariableValues), values
        return cls(node, fragments, values)

    def compile(
        self,
        schema: GraphQLSchema = SCHEMA,
        declarations: Mapping[str, Declaration] = DECLARATIONS,
        metadata: LibraryMetadata | None = None,
    ) -> OperationPlan:
        names = directive_variables(self.node, self.fragments)
        condition_values = {name: self.variables.coerced.get(name) for name in names}
        declare = declare_by(schema, declarations)
        return compile_operation(
            schema, declare, metadata or LibraryMetadata(), self.node, self.fragments, condition_values
        )


@dataclass(slots=True)
class LibraryExecutor:
    """Executes operations on a library."""

    library: Library
    schema: GraphQLSchema = SCHEMA
    declarations: Mapping[str, Declaration] = field(default_factory=lambda: DECLARATIONS)
    metadata: LibraryMetadata = field(default_factory=LibraryMetadata)
    readers: list[LibraryReader] = field(default_factory=list)
    #: Whether each reader was opened for a single statement.
    single_statement_flags: list[bool] = field(default_factory=list)
    closed_readers: int = 0

    @asynccontextmanager
    async def open_reader(self, single_statement: bool) -> AsyncIterator[LibraryReader]:
        self.single_statement_flags.append(single_statement)
        self.readers.append(LibraryReader(deepcopy(self.library)))  # all reads of a reader see one snapshot
        try:
            yield self.readers[-1]
        finally:
            self.closed_readers += 1

    async def run_plan(self, plan: OperationPlan, variables: VariableValues) -> PlanResult:
        return await run_plan(plan, self.open_reader, self.library, variables)

    async def execute(self, query: str, variables: Mapping[str, Any] | None = None) -> PlanResult:
        """Compile an operation and run its plan."""
        operation = ParsedOperation.parse(query, variables, self.schema)
        plan = operation.compile(self.schema, self.declarations, self.metadata)
        return await self.run_plan(plan, operation.variables)

    @property
    def statements(self) -> list[RecordedStatement]:
        return [statement for reader in self.readers for statement in reader.statements]

    @property
    def described_statements(self) -> list[str]:
        return [statement.describe() for statement in self.statements]


async def fetch_data(library: Library, query: str, variables: Mapping[str, Any] | None = None) -> Any:
    """Execute an operation that must succeed, and return its data."""
    result = await LibraryExecutor(library).execute(query, variables)
    assert result.errors == []
    return result.data


async def describe_statements(library: Library, query: str, variables: Mapping[str, Any] | None = None) -> list[str]:
    """Execute an operation that must succeed, and return descriptions of its statements."""
    executor = LibraryExecutor(library)
    result = await executor.execute(query, variables)
    assert result.errors == []
    return executor.described_statements
