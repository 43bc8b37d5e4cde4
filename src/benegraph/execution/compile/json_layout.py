"""Compile fields to JSON layouts. The host renders them as JSON, so that no response objects are built for them.

Objects nested in a row, at any depth, come as one JSON text within the row, as long as their fields are columns, rows
and pages; a page of all rows is one text as well. Rows that are not read within the statement leave a placeholder in
the text: a key that follows a control character, to be filled in later. Adjacent placeholders form a group, because
the same group often occurs many times and is filled in once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_non_null_type,
)

from benegraph.execution.compile import thresholds
from benegraph.execution.compile.connections import iter_page_fields
from benegraph.execution.compile.selection import SelectionContext, child_selection_sets
from benegraph.execution.plan.arguments import FieldArguments
from benegraph.execution.plan.declarations import Column, Declaration, Declare, ToMany, ToOne, ToPage, check_type
from benegraph.execution.plan.host import SourceMetadata
from benegraph.execution.plan.operation import PageSpec
from benegraph.execution.plan.rows import (
    CONNECTION_FIELDS,
    CURSOR_FIELDS,
    EDGE_FIELDS,
    FORBIDDEN_NULL,
    GROUP_DELIMITER,
    ITEM_SEPARATOR,
    JSON_NULL,
    PAGE_INFO_FIELDS,
    PLACEHOLDER_CHARACTERS,
    Cardinality,
    JsonLayout,
    JsonPart,
    NestedQuery,
    PageField,
    RowQuery,
)


class CannotPushDown(Exception):
    """The host cannot render a field as JSON, so its objects are built from rows."""


@dataclass(frozen=True, slots=True)
class PendingPlaceholder:
    """A placeholder before its lookup is compiled."""

    character: str
    object_type: GraphQLObjectType
    selection_sets: Sequence[SelectionSetNode]
    source: Any
    expected_count: int
    is_non_null: bool


@dataclass(slots=True)
class JsonLayoutCompiler:
    """Compiles the layouts that are nested in one statement, and adds their pages to the statement's `pages`."""

    declare: Declare
    metadata: SourceMetadata
    selection: SelectionContext
    pages: list[PageSpec]
    pending: list[PendingPlaceholder] = field(default_factory=list)

    def compile_nested(
        self,
        declaration: Declaration,
        definition: GraphQLField,
        nodes: Sequence[FieldNode],
        source: Any,
        expected_count: int,
    ) -> NestedQuery:
        """Compile a field of the rows of `source`. Raises CannotPushDown.

        `expected_count` is the expected number of these rows.
        """
        selection_sets = child_selection_sets(nodes)
        if isinstance(declaration, ToOne | ToMany) and self._can_render(source, declaration.key):
            object_type, query = _object_type(definition.type), RowQuery(declaration.source)
            if isinstance(declaration, ToOne):
                layout = self._row_layout(object_type, selection_sets, declaration.source, expected_count)
                return NestedQuery(Cardinality.ONE, declaration.key, query, layout=layout)
            expected_count *= thresholds.EXPECTED_LIST_LENGTH
            layout = self._row_layout(object_type, selection_sets, declaration.source, expected_count)
            layout = replace(layout, before_rows=("[",), after_rows=("]",))
            return NestedQuery(Cardinality.MANY, declaration.key, query, layout=layout)
        if isinstance(declaration, ToPage) and declaration.key and self._can_render(source, declaration.key):
            arguments = FieldArguments(definition, nodes[0])
            return self._page(declaration, declaration.key, arguments, selection_sets, expected_count)
        raise CannotPushDown

    def compile_row(self, object_type: GraphQLObjectType, nodes: Sequence[FieldNode], source: Any) -> NestedQuery:
        """Compile the row of a looked-up key. Raises CannotPushDown."""
        if not self.metadata.can_inline(source):
            raise CannotPushDown
        layout = self._row_layout(object_type, child_selection_sets(nodes), source, 1)
        return NestedQuery(Cardinality.ONE, "", RowQuery(source), layout=layout)

    def compile_page(self, declaration: ToPage, arguments: FieldArguments, nodes: Sequence[FieldNode]) -> NestedQuery:
        """Compile a page of all rows. Raises CannotPushDown."""
        if not self.metadata.can_inline(declaration.source):
            raise CannotPushDown
        nested = self._page(declaration, "", arguments, child_selection_sets(nodes), 1)
        layout = nested.layout
        if layout is not None and layout.parts is None and all(isinstance(each, str) for each in layout.before_rows):
            raise CannotPushDown  # nothing of the page is read
        return nested

    def _page(
        self,
        declaration: ToPage,
        key: str,
        arguments: FieldArguments,
        selection_sets: Sequence[SelectionSetNode],
        expected_count: int,
    ) -> NestedQuery:
        try:
            constant = None if arguments.constant is None else declaration.build_page(arguments.constant)
        except Exception:  # noqa: BLE001 - any error of the host's function is reported when the plan runs
            raise CannotPushDown from None
        index = len(self.pages)
        self.pages.append(PageSpec(arguments, declaration.build_page, constant, is_within_json=True))
        layout = self._connection_layout(declaration, arguments, selection_sets, expected_count)
        return NestedQuery(Cardinality.PAGE, key, RowQuery(declaration.source), index, layout)

    def _connection_layout(
        self,
        declaration: ToPage,
        arguments: FieldArguments,
        selection_sets: Sequence[SelectionSetNode],
        expected_count: int,
    ) -> JsonLayout:
        connection_type = _object_type(arguments.definition.type)
        source, expected_count = (
            declaration.source,
            expected_count * thresholds.expected_page_size(declaration, arguments),
        )
        page_text, row_text = _PageText(), None
        for nodes, page_field in self._page_members(page_text, connection_type, selection_sets, CONNECTION_FIELDS):
            if page_field in {PageField.TOTAL_COUNT, PageField.TYPENAME}:
                page_text.add(_page_value(connection_type, page_field))
                continue
            object_type = _object_type(connection_type.fields[page_field.value].type)
            children = child_selection_sets(nodes)
            if page_field is PageField.PAGE_INFO:
                self._add_page_info(page_text, object_type, children, source)
            elif row_text is not None:  # a layout has a single place for rows
                raise CannotPushDown
            else:
                row_text = _RowText()
                add_row = self._add_object if page_field is PageField.NODES else self._add_edge
                add_row(row_text, object_type, children, source, expected_count)
                page_text.start_rows()
        if row_text is None:
            return JsonLayout(None, "", page_text.pieces)
        return JsonLayout(row_text.parts, row_text.suffix, page_text.before_rows, page_text.pieces)

    def _add_page_info(
        self,
        page_text: "_PageText",
        object_type: GraphQLObjectType,
        selection_sets: Sequence[SelectionSetNode],
        source: Any,
    ) -> None:
        for _, page_field in self._page_members(page_text, object_type, selection_sets, PAGE_INFO_FIELDS):
            if page_field in CURSOR_FIELDS:
                self._check_cursors(source)
            page_text.add(_page_value(object_type, page_field))

    def _add_edge(
        self,
        row_text: "_RowText",
        object_type: GraphQLObjectType,
        selection_sets: Sequence[SelectionSetNode],
        source: Any,
        expected_count: int,
    ) -> None:
        for nodes, page_field in self._page_members(row_text, object_type, selection_sets, EDGE_FIELDS):
            if page_field is PageField.NODE:
                node_type = _object_type(object_type.fields[page_field.value].type)
                self._add_object(row_text, node_type, child_selection_sets(nodes), source, expected_count)
            elif page_field is PageField.CURSOR:
                self._check_cursors(source)
                row_text.add_part(JsonPart("", page_field, None))
            else:
                row_text.add(f'"{object_type.name}"')

    def _page_members(
        self,
        text: "_RowText | _PageText",
        object_type: GraphQLObjectType,
        selection_sets: Sequence[SelectionSetNode],
        allowed: frozenset[PageField],
    ) -> Iterator[tuple[list[FieldNode], PageField]]:
        fields = iter_page_fields(self.selection, object_type, selection_sets, allowed)
        for _, member in _members(text, ((name, (nodes, page_field)) for name, nodes, page_field in fields)):
            yield member

    def _row_layout(
        self,
        object_type: GraphQLObjectType,
        selection_sets: Sequence[SelectionSetNode],
        source: Any,
        expected_count: int,
    ) -> JsonLayout:
        row_text = _RowText()
        self._add_object(row_text, object_type, selection_sets, source, expected_count)
        return JsonLayout(row_text.parts, row_text.suffix)

    def _add_object(
        self,
        row_text: "_RowText",
        object_type: GraphQLObjectType,
        selection_sets: Sequence[SelectionSetNode],
        source: Any,
        expected_count: int,
    ) -> None:
        fields = self.selection.collect_fields(object_type, selection_sets)
        for _, nodes in _members(row_text, fields.items()):
            if nodes[0].name.value == "__typename":
                row_text.add(f'"{object_type.name}"')
            else:
                row_text.add_part(self._field_part(object_type, nodes, source, expected_count))

    def _field_part(
        self, object_type: GraphQLObjectType, nodes: list[FieldNode], source: Any, expected_count: int
    ) -> JsonPart:
        definition = object_type.fields[nodes[0].name.value]
        declaration = self.declare(object_type, definition)
        check_type(definition, declaration)
        is_non_null = is_non_null_type(definition.type)
        null_text = FORBIDDEN_NULL if is_non_null else JSON_NULL
        if isinstance(declaration, Column):
            self._check_column(definition, source, declaration.name)
            is_nullable = self.metadata.is_nullable(source, declaration.name)
            return JsonPart("", declaration.name, null_text if is_nullable else None)
        if isinstance(declaration, ToOne) and expected_count > thresholds.MAX_PARENTS_FOR_INLINE_ROWS:
            if not self._can_be_placeholder_key(source, declaration.key):
                raise CannotPushDown
            if len(self.pending) == len(PLACEHOLDER_CHARACTERS):
                raise CannotPushDown
            placeholder = PendingPlaceholder(
                PLACEHOLDER_CHARACTERS[len(self.pending)],
                _object_type(definition.type),
                child_selection_sets(nodes),
                declaration.source,
                expected_count,
                is_non_null,
            )
            self.pending.append(placeholder)
            is_nullable = self.metadata.is_nullable(source, declaration.key)
            return JsonPart("", declaration.key, null_text if is_nullable else None, placeholder.character)
        nested = self.compile_nested(declaration, definition, nodes, source, expected_count)
        return JsonPart("", nested, null_text if nested.cardinality is Cardinality.ONE else None)

    def _check_cursors(self, source: Any) -> None:
        if not self.metadata.can_render_cursors(source):
            raise CannotPushDown

    def _check_column(self, definition: GraphQLField, source: Any, column: str) -> None:
        leaf_type = get_nullable_type(definition.type)
        is_serializable = is_leaf_type(leaf_type) and self.metadata.is_serializable(leaf_type)
        if not (is_serializable and self._can_render(source, column)):
            raise CannotPushDown

    def _can_be_placeholder_key(self, source: Any, column: str) -> bool:
        return self.metadata.has_column(source, column) and self.metadata.can_be_placeholder_key(source, column)

    def _can_render(self, source: Any, column: str) -> bool:
        return self.metadata.has_column(source, column) and self.metadata.can_render_json(source, column)


@dataclass(slots=True)
class _RowText:
    """Builds the parts of one row's JSON."""

    parts: list[JsonPart] = field(default_factory=list)
    _prefix: str = ""
    _is_in_group: bool = False

    def add(self, text: str) -> None:
        self._prefix += text

    def add_part(self, part: JsonPart) -> None:
        """Add a value, preceded by the text since the last one. Adjacent placeholders form one group."""
        if part.placeholder is None:
            prefix = GROUP_DELIMITER + self._prefix if self._is_in_group else self._prefix
        elif self._is_in_group:
            prefix = ITEM_SEPARATOR + self._prefix + ITEM_SEPARATOR
        else:
            prefix = self._prefix + GROUP_DELIMITER
        self.parts.append(replace(part, prefix=prefix))
        self._prefix, self._is_in_group = "", part.placeholder is not None

    @property
    def suffix(self) -> str:
        return (GROUP_DELIMITER if self._is_in_group else "") + self._prefix


@dataclass(slots=True)
class _PageText:
    """Builds the text around a page's rows."""

    pieces: list[str | PageField] = field(default_factory=list)
    before_rows: list[str | PageField] = field(default_factory=list)

    def add(self, piece: str | PageField) -> None:
        self.pieces.append(piece)

    def start_rows(self) -> None:
        """Put the rows here, as a JSON array."""
        self.before_rows, self.pieces = [*self.pieces, "["], ["]"]


def _members(text: _RowText | _PageText, fields: Any) -> Iterator[tuple[str, Any]]:
    """Iterate over the fields of a JSON object, adding each member's name before it is yielded, and the braces."""
    separator = "{"
    for name, value in fields:
        text.add(f'{separator}"{name}":')
        separator = ","
        yield name, value
    text.add("}" if separator == "," else "{}")


def _page_value(object_type: GraphQLObjectType, page_field: PageField) -> str | PageField:
    return f'"{object_type.name}"' if page_field is PageField.TYPENAME else page_field


def _object_type(output_type: Any) -> GraphQLObjectType:
    named = get_named_type(output_type)
    if not isinstance(named, GraphQLObjectType):
        raise CannotPushDown
    return named
