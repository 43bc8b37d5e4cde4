"""The deprecated elements that a document uses, so that operators see which clients still depend on them."""

from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    GraphQLSchema,
    ObjectFieldNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_input_object_type,
    visit,
)


def find_deprecated_elements(schema: GraphQLSchema, document: DocumentNode) -> tuple[str, ...]:
    """Return the schema coordinates of the deprecated elements that a valid document uses, sorted.

    A coordinate is such as `Query.field`, `Query.field(argument:)`, `Input.field` or `Enum.VALUE`. Elements that occur
    only in the values of variables are not found.
    """
    type_info = TypeInfo(schema)
    finder = _Finder(type_info)
    visit(document, TypeInfoVisitor(type_info, finder))
    return tuple(sorted(finder.found))


class _Finder(Visitor):
    def __init__(self, type_info: TypeInfo) -> None:
        super().__init__()
        self.type_info = type_info
        self.found: set[str] = set()
        #: The coordinate of the last field, whose arguments are visited next.
        self._field = ""

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self._field = f"{self.type_info.get_parent_type()}.{node.name.value}"
        self._check(self.type_info.get_field_def(), self._field)

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        if self.type_info.get_directive() is None:
            self._check(self.type_info.get_argument(), f"{self._field}({node.name.value}:)")

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        input_type = get_named_type(self.type_info.get_parent_input_type())
        if is_input_object_type(input_type):
            self._check(input_type.fields.get(node.name.value), f"{input_type.name}.{node.name.value}")

    def enter_enum_value(self, node: EnumValueNode, *_: Any) -> None:
        enum_type = get_named_type(self.type_info.get_input_type())
        self._check(self.type_info.get_enum_value(), f"{enum_type}.{node.value}")

    def _check(self, element: Any, coordinate: str) -> None:
        if element is not None and element.deprecation_reason is not None:
            self.found.add(coordinate)
