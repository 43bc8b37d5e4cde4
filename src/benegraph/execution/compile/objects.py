"""Compile the fields of objects: from selection sets and declarations to object plans and their steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeGuard

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_non_null_type,
)

from benegraph.execution.compile import thresholds
from benegraph.execution.compile.connections import compile_connection
from benegraph.execution.compile.fields import object_type_of, plan_field
from benegraph.execution.compile.json_layout import CannotPushDown, JsonLayoutCompiler
from benegraph.execution.compile.selection import SelectionContext, child_selection_sets
from benegraph.execution.compile.value_sources import ObjectValues, ParentValues, RowValues
from benegraph.execution.plan.arguments import FieldArguments
from benegraph.execution.plan.declarations import (
    Column,
    Computed,
    ComputedInBatch,
    Declaration,
    Declare,
    SameObject,
    ToMany,
    ToManyByKeys,
    ToOne,
    ToOneOf,
    ToPage,
    UnsupportedOperation,
    check_type,
    is_list,
    item_type,
)
from benegraph.execution.plan.host import SourceMetadata
from benegraph.execution.plan.operation import (
    FieldPlan,
    KeyLookup,
    LookupsBySource,
    ObjectPlan,
    PageSpec,
    ParentView,
    Statement,
)
from benegraph.execution.plan.rows import Cardinality, ColumnRef, NestedQuery, RowQuery
from benegraph.execution.run import steps
from benegraph.execution.run.json_fragments import JsonFragmentStep, Placeholder


@dataclass(slots=True)
class Compilation:
    """The state of one operation while it is compiled."""

    schema: GraphQLSchema
    declare: Declare
    metadata: SourceMetadata
    selection: SelectionContext
    is_mutation: bool
    #: Called once all rows of all statements are known, since only then the positions of values are final.
    deferred: list[Callable[[], None]] = field(default_factory=list)
    #: Whether the objects that are compiled at present replace a placeholder in JSON text.
    is_within_placeholder: bool = False
    #: How many statements the plan takes at most. Only none, one, and several are distinguished.
    statement_count: int = 0
    statements: list[Statement] = field(default_factory=list)

    def add_statement(self, source: Any, *pages: PageSpec) -> Statement:
        """Add a statement that reads rows of a source."""
        statement = Statement(RowQuery(source), [*pages])
        self.statements.append(statement)
        return statement


def compile_object(
    compilation: Compilation,
    object_type: GraphQLObjectType,
    selection_sets: Sequence[SelectionSetNode],
    source: ParentValues,
) -> ObjectPlan:
    """Compile the plan of objects that take their values from `source`."""
    fields = compilation.selection.collect_fields(object_type, selection_sets)
    plan = ObjectPlan(response_names=tuple(fields))
    positions = [
        _compile_field(compilation, object_type, plan, response_name, nodes, source)
        for response_name, nodes in fields.items()
    ]

    def finish() -> None:
        plan.extract = source.extractor(positions)

    compilation.deferred.append(finish)
    return plan


def compile_lookup(
    compilation: Compilation,
    object_type: GraphQLObjectType,
    selection_sets: Sequence[SelectionSetNode],
    source: Any,
    expected_count: int,
) -> KeyLookup:
    """Compile a statement of its own that reads rows by key, and the objects that are built from them."""
    compilation.statement_count += 1
    statement = compilation.add_statement(source)
    rows = RowValues(statement, statement.row_query, expected_count)
    return KeyLookup(statement, compile_object(compilation, object_type, selection_sets, rows))


def compile_lookups(
    compilation: Compilation, field_plan: FieldPlan, sources: Mapping[str, Any], expected_count: int
) -> LookupsBySource:
    """Compile a lookup for each source of a field. `expected_count` is the expected number of keys."""
    named: Any = get_named_type(field_plan.type)
    plan = LookupsBySource()
    before, counts = compilation.statement_count, []
    possible_types = compilation.schema.get_possible_types(named) if is_abstract_type(named) else ()
    types_by_name = {object_type.name: object_type for object_type in possible_types}
    for name, source in sources.items():
        object_type = types_by_name.get(name) if is_abstract_type(named) else named
        if object_type is not None:
            compilation.statement_count = 0
            child_sets = child_selection_sets(field_plan.nodes)
            plan.lookups[name] = compile_lookup(compilation, object_type, child_sets, source, expected_count)
            counts.append(compilation.statement_count)
    # One key leads to one source, several may lead to all of them.
    compilation.statement_count = before + (sum(counts) if expected_count > 1 else max(counts, default=0))
    return plan


def compile_layout(
    compilation: Compilation, statement: Statement, compile_nested: Callable[[JsonLayoutCompiler], NestedQuery]
) -> tuple[JsonLayoutCompiler, NestedQuery] | None:
    """Compile a nested query with a layout. Return None, with the statement unchanged, if the host can't render it."""
    pages = statement.pages
    page_count = len(pages)
    layouts = JsonLayoutCompiler(compilation.declare, compilation.metadata, compilation.selection, pages)
    try:
        nested = compile_nested(layouts)
    except CannotPushDown:
        del pages[page_count:]
        return None
    if nested.page is not None and not compilation.is_within_placeholder:
        pages[nested.page].is_within_json = False  # an error in the page's own arguments is reported as the field's
    return layouts, nested


def compile_json_step(compilation: Compilation, response_name: str, layouts: JsonLayoutCompiler) -> JsonFragmentStep:
    """Compile the step for a field with a complete layout, and the lookups that replace its placeholders."""
    # Only now: compiling a layout may fail, and then the layout of the enclosing field is attempted again.
    outer, compilation.is_within_placeholder = compilation.is_within_placeholder, True
    placeholders = [
        Placeholder(
            pending.character,
            compile_lookup(
                compilation, pending.object_type, pending.selection_sets, pending.source, pending.expected_count
            ),
            pending.is_non_null,
        )
        for pending in layouts.pending
    ]
    compilation.is_within_placeholder = outer
    return JsonFragmentStep(response_name, placeholders, compilation.metadata.serialize)


def _compile_field(
    compilation: Compilation,
    object_type: GraphQLObjectType,
    plan: ObjectPlan,
    response_name: str,
    nodes: list[FieldNode],
    source: ParentValues,
) -> Any:
    """Add one field to an object's plan. Return the position of its value, or of its step's input."""
    field_name = nodes[0].name.value
    field_plan = plan.fields[response_name] = plan_field(object_type, response_name, nodes)
    if field_name == "__typename":
        plan.steps.append(steps.TypenameStep(response_name, object_type.name))
        return None
    definition = object_type.fields[field_name]
    declaration = compilation.declare(object_type, definition)
    check_type(definition, declaration)
    if isinstance(declaration, ToOne | ToMany | ToPage) and isinstance(source, RowValues):
        position = _push_down(compilation, plan, field_plan, definition, declaration, source)
        if position is not None:
            return position
    position = _compile_declaration(compilation, plan, field_plan, definition, declaration, source)
    if is_non_null_type(item_type(definition.type)) and not isinstance(declaration, ToMany):
        plan.steps.append(steps.NonNullItemsStep(response_name))
    return position


def _push_down(
    compilation: Compilation,
    plan: ObjectPlan,
    field_plan: FieldPlan,
    definition: GraphQLField,
    declaration: ToOne | ToMany | ToPage,
    source: RowValues,
) -> ColumnRef | None:
    """Have the host render a field as JSON and return the position of its text; None where it can't."""
    limit = (
        thresholds.MAX_PARENTS_FOR_INLINE_ROWS
        if isinstance(declaration, ToOne)
        else thresholds.MAX_PARENTS_FOR_INLINE_JSON
    )
    # A mutation can't be repeated by another executor, so every error in its payload must be reportable.
    if compilation.is_mutation or source.expected_count > limit:
        return None
    compiled = compile_layout(
        compilation,
        source.statement,
        lambda layouts: layouts.compile_nested(
            declaration, definition, field_plan.nodes, source.row_query.source, source.expected_count
        ),
    )
    if compiled is None:
        return None
    layouts, nested = compiled
    _register_non_null(plan, field_plan)
    fragment = compile_json_step(compilation, field_plan.response_name, layouts)
    if nested.page is not None and not compilation.is_within_placeholder:
        fragment.own_page = source.statement, nested.page
    plan.steps.append(fragment)
    return source.add_nested(compilation.metadata, nested)


def _compile_declaration(
    compilation: Compilation,
    plan: ObjectPlan,
    field_plan: FieldPlan,
    definition: GraphQLField,
    declaration: Declaration,
    source: ParentValues,
) -> Any:
    response_name, returns_list = field_plan.response_name, is_list(field_plan.type)
    if isinstance(declaration, Column):
        return _compile_column(compilation, plan, field_plan, declaration, source)
    if isinstance(declaration, Computed):
        _register_non_null(plan, field_plan)
        view = _view(compilation, source, declaration.needs)
        child = _compile_held(compilation, field_plan)
        plan.steps.append(steps.ComputeStep(response_name, view, declaration.compute, child, returns_list))
        return None
    if isinstance(declaration, SameObject):
        child_sets = child_selection_sets(field_plan.nodes)
        field_plan.child = same = compile_object(compilation, object_type_of(field_plan.type), child_sets, source)
        plan.steps.append(steps.SameObjectStep(response_name, same))
        return None
    if isinstance(declaration, ComputedInBatch):
        _register_non_null(plan, field_plan)
        compilation.statement_count += 2  # the host's function may read any number
        arguments, view = FieldArguments(definition, field_plan.nodes[0]), _view(compilation, source, declaration.needs)
        child = _compile_held(compilation, field_plan)
        plan.steps.append(steps.BatchStep(response_name, arguments, view, declaration.load, child, returns_list))
        return None
    if isinstance(declaration, ToPage):
        return _compile_connection_field(compilation, plan, field_plan, definition, declaration, source)
    if isinstance(declaration, ToOne | ToOneOf | ToMany | ToManyByKeys):
        return _compile_rows(compilation, plan, field_plan, declaration, source)
    raise UnsupportedOperation("field")


def _compile_column(
    compilation: Compilation, plan: ObjectPlan, field_plan: FieldPlan, declaration: Column, source: ParentValues
) -> Any:
    position = source.column(compilation.metadata, declaration.name)
    if is_leaf_type(get_named_type(field_plan.type)):
        _check_leaf(compilation, field_plan.type)
        if source.is_nullable(compilation.metadata, declaration.name):
            _register_non_null(plan, field_plan)
    elif isinstance(source, RowValues):
        raise UnsupportedOperation("column")
    else:
        _register_non_null(plan, field_plan)
        held = _compile_held(compilation, field_plan)
        assert held is not None, "a composite type has a selection set"  # noqa: S101 - holds for a validated document
        plan.steps.append(steps.HeldObjectStep(field_plan.response_name, held, is_list(field_plan.type)))
    return position


def _compile_rows(
    compilation: Compilation,
    plan: ObjectPlan,
    field_plan: FieldPlan,
    declaration: ToOne | ToOneOf | ToMany | ToManyByKeys,
    source: ParentValues,
) -> Any:
    """Compile related rows: nested in the parent's statement where few parents are expected, else read by key."""
    if isinstance(declaration, ToOneOf):
        _register_non_null(plan, field_plan)
        lookups = compile_lookups(compilation, field_plan, declaration.sources, source.expected_count)
        field_plan.child = lookups
        plan.steps.append(steps.LoadToOneOfStep(field_plan.response_name, lookups, declaration.find_source))
        return source.column(compilation.metadata, declaration.key)
    object_type, child_sets = object_type_of(field_plan.type), child_selection_sets(field_plan.nodes)
    to_many = isinstance(declaration, ToMany)
    expected_count = source.expected_count * (thresholds.EXPECTED_LIST_LENGTH if is_list(field_plan.type) else 1)
    _register_non_null(plan, field_plan)
    if _can_nest(source) and not isinstance(declaration, ToManyByKeys):
        query = RowQuery(declaration.source)
        rows = RowValues(source.statement, query, expected_count)
        child = field_plan.child = compile_object(compilation, object_type, child_sets, rows)
        nested_step = steps.NestedToManyStep if to_many else steps.NestedToOneStep
        plan.steps.append(nested_step(field_plan.response_name, child))
        cardinality = Cardinality.MANY if to_many else Cardinality.ONE
        return source.add_nested(compilation.metadata, NestedQuery(cardinality, declaration.key, query))
    lookup = compile_lookup(compilation, object_type, child_sets, declaration.source, expected_count)
    field_plan.child = lookup.plan
    if isinstance(declaration, ToManyByKeys):
        plan.steps.append(steps.LoadToManyByKeysStep(field_plan.response_name, lookup))
    else:
        load_step = steps.LoadToManyStep if to_many else steps.LoadToOneStep
        plan.steps.append(load_step(field_plan.response_name, lookup))
    return source.column(compilation.metadata, declaration.key)


def _compile_connection_field(
    compilation: Compilation,
    plan: ObjectPlan,
    field_plan: FieldPlan,
    definition: GraphQLField,
    declaration: ToPage,
    source: ParentValues,
) -> Any:
    """Compile a page of related rows: nested in the parent's statement where few parents are expected."""
    if declaration.key is None:
        raise UnsupportedOperation("page")
    arguments = FieldArguments(definition, field_plan.nodes[0])
    spec = PageSpec(arguments, declaration.build_page)
    expected_count = source.expected_count * thresholds.expected_page_size(declaration, arguments)
    response_name, build_child = field_plan.response_name, partial(compile_object, compilation)
    if _can_nest(source):
        index = len(source.statement.pages)
        source.statement.pages.append(spec)
        query = RowQuery(declaration.source)
        rows = RowValues(source.statement, query, expected_count)
        page = compile_connection(compilation.selection, field_plan.type, field_plan.nodes, rows, build_child)
        field_plan.child = page
        count = None
        if page.has_count:
            counting = NestedQuery(Cardinality.COUNT, declaration.key, query, index)
            count = source.add_nested(compilation.metadata, counting)
        plan.steps.append(steps.NestedToPageStep(response_name, index, source.statement, page, count))
        if not page.reads_rows:
            return None
        return source.add_nested(compilation.metadata, NestedQuery(Cardinality.PAGE, declaration.key, query, index))
    statement = compilation.add_statement(declaration.source, spec)
    rows = RowValues(statement, statement.row_query, expected_count)
    page = compile_connection(compilation.selection, field_plan.type, field_plan.nodes, rows, build_child)
    field_plan.child = page
    compilation.statement_count += page.reads_rows + page.has_count
    plan.steps.append(steps.LoadToPageStep(response_name, statement, page))
    return source.column(compilation.metadata, declaration.key)


def _can_nest(source: ParentValues) -> TypeGuard[RowValues]:
    """Return whether related rows are nested in the parents' statement."""
    return isinstance(source, RowValues) and source.expected_count <= thresholds.MAX_PARENTS_FOR_INLINE_ROWS


def _compile_held(compilation: Compilation, field_plan: FieldPlan) -> ObjectPlan | None:
    """Compile the plan of objects that the host holds or computes; None for leaves."""
    if is_leaf_type(get_named_type(field_plan.type)):
        _check_leaf(compilation, field_plan.type)
        return None
    child_sets = child_selection_sets(field_plan.nodes)
    held = compile_object(compilation, object_type_of(field_plan.type), child_sets, ObjectValues())
    field_plan.child = held
    return held


def _view(compilation: Compilation, source: ParentValues, needs: tuple[str, ...]) -> ParentView:
    view, finish = source.view(compilation.metadata, needs)
    compilation.deferred.append(finish)
    return view


def _register_non_null(plan: ObjectPlan, field_plan: FieldPlan) -> None:
    """Have the values of a non-null field checked for nulls when the plan runs."""
    if is_non_null_type(field_plan.type):
        plan.non_null_names.append(field_plan.response_name)


def _check_leaf(compilation: Compilation, output_type: GraphQLOutputType) -> None:
    leaf_type: Any = get_named_type(output_type)
    if not compilation.metadata.is_serializable(leaf_type):
        raise UnsupportedOperation("scalar")
