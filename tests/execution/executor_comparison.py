"""Execute operations by both executors and compare their results."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from json import dumps
from typing import Any

from graphql import ExecutionResult, GraphQLError, GraphQLSchema
from library import DECLARATIONS, SCHEMA, Library
from library_executor import LibraryExecutor
from library_reader import LibraryMetadata, parse_fragments
from reference_executor import execute_reference

from benegraph.execution import Arguments, Declaration, PlanResult, ToPage, UnsupportedOperation


@dataclass(frozen=True, slots=True)
class ResultPair:
    """The results of one operation: of the breadth-first executor and of graphql-core's."""

    ours: PlanResult
    reference: ExecutionResult

    @property
    def reference_errors(self) -> list[GraphQLError]:
        return self.reference.errors or []


async def compare_data(
    library: Library,
    query: str,
    variables: Mapping[str, Any] | None = None,
    schema: GraphQLSchema = SCHEMA,
    declarations: Mapping[str, Declaration] = DECLARATIONS,
    metadata: LibraryMetadata | None = None,
) -> ResultPair:
    """Execute an operation by both, each on its own copy of the library, and check that the data is equal.

    The order of fields counts. A reader that was opened for a single statement must read at most one.

    Raises UnsupportedOperation where the breadth-first executor does. With `metadata` there must be a reason for it: an
    error of graphql-core's executor, or a page with invalid arguments, even one that no parent has.
    """
    reference = execute_reference(deepcopy(library), query, variables, schema, declarations)
    page_errors: list[Exception] = []
    recording = _record_page_errors(declarations, page_errors)
    executor = LibraryExecutor(deepcopy(library), schema, recording, metadata or LibraryMetadata())
    try:
        result = await executor.execute(query, variables)
    except UnsupportedOperation as unsupported:
        expected = page_errors if unsupported.reason == "arguments" else reference.errors
        assert expected or metadata is None, query
        raise
    ours = PlanResult(parse_fragments(result.data), result.errors)
    assert ours.data == reference.data, query
    assert dumps(ours.data) == dumps(reference.data), query
    for reader, single_statement in zip(executor.readers, executor.single_statement_flags, strict=True):
        assert len(reader.statements) <= 1 or not single_statement, query
    return ResultPair(ours, reference)


def _record_page_errors(declarations: Mapping[str, Declaration], errors: list[Exception]) -> Mapping[str, Declaration]:
    """Return the declarations with pages that record the errors of their arguments."""

    def build_page(original: Callable[[Arguments], Any], arguments: Arguments) -> Any:
        try:
            return original(arguments)
        except Exception as error:
            errors.append(error)
            raise

    return {
        coordinate: replace(declaration, build_page=partial(build_page, declaration.build_page))
        if isinstance(declaration, ToPage)
        else declaration
        for coordinate, declaration in declarations.items()
    }


async def compare_results(
    library: Library,
    query: str,
    variables: Mapping[str, Any] | None = None,
    schema: GraphQLSchema = SCHEMA,
    declarations: Mapping[str, Declaration] = DECLARATIONS,
    metadata: LibraryMetadata | None = None,
) -> Sequence[tuple[str, str]]:
    """Check that both return the same data, and the same errors in the same order; return their paths and messages."""
    pair = await compare_data(library, query, variables, schema, declarations, metadata)
    errors = [*map(path_and_message, pair.reference_errors)]
    assert [*map(path_and_message, pair.ours.errors)] == errors, query
    return errors


def path_and_message(error: GraphQLError) -> tuple[str, str]:
    return ".".join(map(str, error.path or ())), error.message
