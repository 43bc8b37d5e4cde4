"""Compile an operation: the plans of its root fields, each of its own kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
)

from benegraph.execution.compile import thresholds
from benegraph.execution.compile.connections import compile_connection
from benegraph.execution.compile.fields import object_type_of, plan_field
from benegraph.execution.compile.json_layout import CannotPushDown, JsonLayoutCompiler
from benegraph.execution.compile.objects import (
    Compilation,
    compile_json_step,
    compile_layout,
    compile_lookups,
    compile_object,
)
from benegraph.execution.compile.selection import SelectionContext, child_selection_sets
from benegraph.execution.compile.value_sources import ObjectValues, RowValues
from benegraph.execution.plan.arguments import FieldArguments
from benegraph.execution.plan.declarations import (
    Arguments,
    Declaration,
    Declare,
    FromContext,
    Lookup,
    LookupMany,
    MutationCall,
    ToPage,
    UnsupportedOperation,
    check_type,
    is_list,
)
from benegraph.execution.plan.host import SourceMetadata
from benegraph.execution.plan.operation import FieldPlan, OperationPlan, PageSpec, RootField
from benegraph.execution.plan.rows import NestedQuery, RowQuery
from benegraph.execution.run import root_fields

_QUERY_DECLARATIONS = (FromContext, Lookup, LookupMany, ToPage)


def compile_operation(
    schema: GraphQLSchema,
    declare: Declare,
    metadata: SourceMetadata,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    condition_values: Mapping[str, Any],
) -> OperationPlan:
    """Compile a validated operation.

    `condition_values` holds a value, or None, for every variable that `directive_variables` names. Raises
    UnsupportedOperation for an operation that has no plan.
    """
    root_type = schema.get_root_type(operation.operation)
    if root_type is None or operation.operation is OperationType.SUBSCRIPTION:
        raise UnsupportedOperation("operation")
    is_mutation = operation.operation is OperationType.MUTATION
    selection = SelectionContext(schema, fragments, condition_values)
    compilation = Compilation(schema, declare, metadata, selection, is_mutation)
    fields = selection.collect_fields(root_type, [operation.selection_set])
    names = [nodes[0].name.value for nodes in fields.values()]
    declarations = [None if name.startswith("__") else declare(root_type, root_type.fields[name]) for name in names]
    shares_statement = sum(isinstance(declaration, Lookup | ToPage) for declaration in declarations) > 1
    roots = _RootCompiler(compilation, shares_statement=shares_statement)
    plans = [
        roots.compile(root_type, response_name, nodes, declaration)
        for (response_name, nodes), declaration in zip(fields.items(), declarations, strict=True)
    ]
    for finish in compilation.deferred:
        finish()
    statements = [*compilation.statements, roots.json_query.statement]
    large = [each for each in statements if _count_values(each.row_query) > thresholds.MAX_SMALL_STATEMENT_VALUES]
    return OperationPlan(plans, is_mutation, compilation.statement_count, large)


def _count_values(query: RowQuery) -> int:
    """Count the values that a statement reads, including those in nested rows."""
    return len(query.columns) + sum(map(_count_nested_values, query.nested))


def _count_nested_values(nested: NestedQuery) -> int:
    values = [part.value for part in nested.layout.parts or ()] if nested.layout else []
    within_layout = sum(_count_nested_values(value) if isinstance(value, NestedQuery) else 1 for value in values)
    return 1 + within_layout + _count_values(nested.row_query)


@dataclass(slots=True)
class _RootCompiler:
    compilation: Compilation
    #: Whether several root fields read rows, so that their JSON texts come by one statement.
    shares_statement: bool
    json_query: root_fields.RootJsonQuery = field(default_factory=root_fields.RootJsonQuery)

    def compile(
        self,
        root_type: GraphQLObjectType,
        response_name: str,
        nodes: list[FieldNode],
        declaration: Declaration | None,
    ) -> RootField:
        """Compile one root field; `declaration` is None for introspection fields."""
        field_name = nodes[0].name.value
        if declaration is None and field_name != "__typename":
            raise UnsupportedOperation("introspection")
        field_plan = plan_field(root_type, response_name, nodes)
        if declaration is None:
            return root_fields.TypenameRootField(field_plan, root_type.name)
        definition = root_type.fields[field_name]
        if not isinstance(declaration, MutationCall if self.compilation.is_mutation else _QUERY_DECLARATIONS):
            raise UnsupportedOperation("root")
        check_type(definition, declaration)
        if isinstance(declaration, ToPage) and declaration.key is not None:
            raise UnsupportedOperation("page")  # there is no parent that could hold the key
        arguments, returns_list = FieldArguments(definition, nodes[0]), is_list(definition.type)
        # A single lookup takes one statement either way; several share one as JSON text.
        if isinstance(declaration, ToPage) or (isinstance(declaration, Lookup) and self.shares_statement):
            json_field = self._compile_json(field_plan, arguments, declaration)
            if json_field is not None:
                return json_field
        if isinstance(declaration, Lookup | LookupMany):
            child = field_plan.child = compile_lookups(
                self.compilation,
                field_plan,
                declaration.sources,
                thresholds.EXPECTED_LIST_LENGTH if returns_list else 1,
            )
            return root_fields.LookupRootField(field_plan, arguments, _find_keys(declaration), child, returns_list)
        if isinstance(declaration, ToPage):
            return self._compile_root_page(field_plan, arguments, declaration)
        assert isinstance(declaration, FromContext | MutationCall), "checked above"  # noqa: S101 - narrows for mypy
        child_sets = child_selection_sets(nodes)
        plan = compile_object(self.compilation, object_type_of(definition.type), child_sets, ObjectValues())
        field_plan.child = plan
        if isinstance(declaration, FromContext):
            return root_fields.ContextRootField(field_plan, declaration.get, plan, returns_list)
        return root_fields.MutationRootField(field_plan, arguments, declaration.call, plan, returns_list)

    def _compile_json(
        self, field_plan: FieldPlan, arguments: FieldArguments, declaration: Lookup | ToPage
    ) -> RootField | None:
        """Have the host render a root field as JSON, together with all other such root fields; None where it can't."""
        compilation, query = self.compilation, self.json_query

        def compile_nested(layouts: JsonLayoutCompiler) -> NestedQuery:
            if isinstance(declaration, ToPage):
                return layouts.compile_page(declaration, arguments, field_plan.nodes)
            object_type, source = _only_source(field_plan.type, declaration)
            return layouts.compile_row(object_type, field_plan.nodes, source)

        compiled = compile_layout(compilation, query.statement, compile_nested)
        if compiled is None:
            return None
        layouts, nested = compiled
        if isinstance(declaration, Lookup):
            (source_name,) = declaration.sources
            query.keys.append(root_fields.LookupJsonKey(arguments, source_name, declaration.find_key))
        else:
            assert nested.page is not None, "a page has a page request"  # noqa: S101 - narrows for mypy
            query.keys.append(root_fields.PageJsonKey(query.statement, nested.page))
        query.statement.row_query.add_nested(nested)
        fragment = compile_json_step(compilation, field_plan.response_name, layouts)
        compilation.statement_count += len(query.keys) == 1
        return root_fields.JsonRootField(field_plan, query, len(query.keys) - 1, fragment)

    def _compile_root_page(self, field_plan: FieldPlan, arguments: FieldArguments, declaration: ToPage) -> RootField:
        spec = PageSpec(arguments, declaration.build_page)
        statement = self.compilation.add_statement(declaration.source, spec)
        rows = RowValues(statement, statement.row_query, thresholds.expected_page_size(declaration, arguments))
        build_child = partial(compile_object, self.compilation)
        page = compile_connection(self.compilation.selection, field_plan.type, field_plan.nodes, rows, build_child)
        field_plan.child = page
        self.compilation.statement_count += page.reads_rows + page.has_count
        return root_fields.PageRootField(field_plan, statement, page)


def _only_source(output_type: GraphQLOutputType, declaration: Lookup) -> tuple[GraphQLObjectType, Any]:
    """Return the only type that a field may return, and its only source. Raises CannotPushDown if there are several."""
    named = get_named_type(output_type)
    if not isinstance(named, GraphQLObjectType) or len(declaration.sources) != 1:
        raise CannotPushDown
    (source,) = declaration.sources.values()
    return named, source


def _find_keys(declaration: Lookup | LookupMany) -> Callable[[Any, Arguments], root_fields.FoundKeys]:
    if isinstance(declaration, LookupMany):
        return declaration.find_keys
    find_key = declaration.find_key

    def find_keys(context: Any, arguments: Arguments) -> Sequence[Any]:
        return [find_key(context, arguments)]

    return find_keys
