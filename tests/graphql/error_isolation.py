"""Reduce an operation to the fields on the path of one error, so that this error can occur alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_operation_ast,
    parse,
    print_ast,
    visit,
)

_TYPENAME = FieldNode(name=NameNode(value="__typename"), arguments=(), directives=())


def isolate_error(query: str, operation_name: str | None, path: Sequence[str | int]) -> str:
    """Return the document with only the fields that lead to an error's path, by response names.

    The field at the end of the path keeps its arguments, but selects only `__typename`.
    """
    document = parse(query)
    operation = get_operation_ast(document, operation_name)
    assert operation is not None
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    names = [step for step in path if isinstance(step, str)]
    selection_set = _prune(operation.selection_set, names, fragments)
    assert selection_set is not None, f"the operation has no field at {names}"
    pruned: dict[str, Any] = {**_attributes(operation), "selection_set": selection_set}
    used = _variables_of(DocumentNode(definitions=(OperationDefinitionNode(**{**pruned, "variable_definitions": ()}),)))
    kept = [each for each in operation.variable_definitions or () if each.variable.name.value in used]
    return print_ast(OperationDefinitionNode(**{**pruned, "variable_definitions": tuple(kept)}))


def _prune(
    selection_set: SelectionSetNode, names: Sequence[str], fragments: Mapping[str, FragmentDefinitionNode]
) -> SelectionSetNode | None:
    selections: list[Any] = []
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            if (node.alias or node.name).value != names[0]:
                continue
            child = node.selection_set
            if child is not None:
                child = _prune(child, names[1:], fragments) if names[1:] else SelectionSetNode(selections=(_TYPENAME,))
                if child is None:
                    continue
            selections.append(FieldNode(**{**_attributes(node), "selection_set": child}))
            continue
        fragment: Any = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        child = _prune(fragment.selection_set, names, fragments)
        if child is not None:
            selections.append(
                InlineFragmentNode(
                    type_condition=fragment.type_condition, directives=node.directives, selection_set=child
                )
            )
    return SelectionSetNode(selections=tuple(selections)) if selections else None


def _attributes(node: Any) -> dict[str, Any]:
    return {key: getattr(node, key) for key in node.keys if key != "loc"}


def _variables_of(document: DocumentNode) -> set[str]:
    class Collector(Visitor):
        def __init__(self) -> None:
            super().__init__()
            self.names: set[str] = set()

        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            self.names.add(node.name.value)

    collector = Collector()
    visit(document, collector)
    return collector.names
