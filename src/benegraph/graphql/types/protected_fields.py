"""Protected fields: their resolvers note each read, as the readers of compiled plans do."""

from collections.abc import Iterable
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, default_field_resolver
from strawberry.types.field import StrawberryField

from benegraph.db.protected_columns import EMPLOYEE_ID_COLUMNS, PROTECTED_COLUMNS
from benegraph.graphql.context import Context
from benegraph.graphql.types.fields import ComputedField

#: The tables with protected columns, by the name of the object type that shows their rows.
_TABLES = {"Employee": "employees", "Dependent": "dependents"}


def track_protected_fields(schema: GraphQLSchema) -> None:
    """Have the resolvers of protected fields note each read in the request's context.

    A compiled plan calls no resolver; its reader notes the same reads.
    """
    for type_name, table in _TABLES.items():
        object_type = schema.type_map[type_name]
        assert isinstance(object_type, GraphQLObjectType), "rows are objects"  # noqa: S101 - narrows for mypy
        for definition in object_type.fields.values():
            columns = PROTECTED_COLUMNS[table].intersection(_columns_of(definition))
            if columns:
                _track(definition, EMPLOYEE_ID_COLUMNS[table], columns)


def _columns_of(definition: GraphQLField) -> Iterable[str]:
    """Return the columns of the parent's row that a field shows."""
    field = definition.extensions.get("strawberry-definition")
    if isinstance(field, ComputedField):
        return field.columns
    return (field.python_name,) if isinstance(field, StrawberryField) and field.base_resolver is None else ()


def _track(definition: GraphQLField, id_column: str, columns: Iterable[str]) -> None:
    resolve = definition.resolve or default_field_resolver

    def resolve_and_track(source: Any, info: Any, **arguments: Any) -> Any:
        context: Context = info.context
        if context.tracks_accesses:
            context.track_access(getattr(source, id_column), columns)
        return resolve(source, info, **arguments)

    definition.resolve = resolve_and_track
