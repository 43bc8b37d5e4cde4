"""Compile connections: the one place that reads which fields of a page are selected."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from graphql import FieldNode, GraphQLObjectType, GraphQLOutputType, SelectionSetNode, get_named_type

from benegraph.execution.compile.fields import object_type_of, plan_field
from benegraph.execution.compile.selection import SelectionContext, child_selection_sets
from benegraph.execution.compile.value_sources import RowValues
from benegraph.execution.plan.declarations import UnsupportedOperation
from benegraph.execution.plan.operation import ObjectPlan, PagePart, PagePartsPlan, PagePlan
from benegraph.execution.plan.rows import CONNECTION_FIELDS, CURSOR_FIELDS, EDGE_FIELDS, PAGE_INFO_FIELDS, PageField

CompileObject = Callable[[GraphQLObjectType, Sequence[SelectionSetNode], RowValues], ObjectPlan]

_PART_FIELDS = {PageField.EDGES: EDGE_FIELDS, PageField.PAGE_INFO: PAGE_INFO_FIELDS}


def iter_page_fields(
    selection: SelectionContext,
    object_type: GraphQLObjectType,
    selection_sets: Sequence[SelectionSetNode],
    allowed: Collection[PageField],
) -> Iterator[tuple[str, list[FieldNode], PageField]]:
    """Iterate over the selected fields of a connection, an edge or a page info, in the order of the response.

    Raises UnsupportedOperation for a field that is not `allowed`.
    """
    names = {page_field.value: page_field for page_field in allowed}
    for response_name, nodes in selection.collect_fields(object_type, selection_sets).items():
        page_field = names.get(nodes[0].name.value)
        if page_field is None:
            raise UnsupportedOperation("connection")
        yield response_name, nodes, page_field


def compile_connection(
    selection: SelectionContext,
    output_type: GraphQLOutputType,
    nodes: Sequence[FieldNode],
    source: RowValues,
    compile_node: CompileObject,
) -> PagePlan:
    """Compile a connection of rows from `source`; `compile_node` compiles its nodes."""
    page = PagePlan()
    connection_type: Any = get_named_type(output_type)
    for part, part_nodes in _add_parts(selection, page, connection_type, nodes, CONNECTION_FIELDS):
        child_type = page.fields[part.response_name].type
        if part.field in _PART_FIELDS:
            part.child = PagePartsPlan()
            allowed = _PART_FIELDS[part.field]
            for inner, inner_nodes in _add_parts(
                selection, part.child, object_type_of(child_type), part_nodes, allowed
            ):
                _add_child(page, part.child, inner, inner_nodes, source, compile_node)
        _add_child(page, page, part, part_nodes, source, compile_node)
        page.reads_rows |= part.field in {PageField.NODES, PageField.EDGES, PageField.PAGE_INFO}
        page.has_count |= part.field is PageField.TOTAL_COUNT
    return page


def _add_parts(
    selection: SelectionContext,
    plan: PagePartsPlan,
    object_type: GraphQLObjectType,
    nodes: Sequence[FieldNode],
    allowed: Collection[PageField],
) -> Iterator[tuple[PagePart, list[FieldNode]]]:
    for response_name, part_nodes, page_field in iter_page_fields(
        selection, object_type, child_selection_sets(nodes), allowed
    ):
        part = PagePart(response_name, page_field, object_type.name)
        plan.fields[response_name] = plan_field(object_type, response_name, part_nodes)
        plan.parts.append(part)
        yield part, part_nodes


def _add_child(
    page: PagePlan,
    plan: PagePartsPlan,
    part: PagePart,
    nodes: Sequence[FieldNode],
    source: RowValues,
    compile_node: CompileObject,
) -> None:
    """Compile the objects of a part, and have its rows carry the order key where cursors need it."""
    field_plan = plan.fields[part.response_name]
    if part.field in {PageField.NODES, PageField.NODE}:
        part.child = compile_node(object_type_of(field_plan.type), child_selection_sets(nodes), source)
    elif part.field in CURSOR_FIELDS:
        page.order_key = source.row_query.add_order_key()
    field_plan.child = part.child
