"""Converting: arguments as GraphQL has read them become Python's, by what is made of their types once.

Strawberry's own conversion finds out about each type anew with each value, which takes longer than an election.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from typing import Any

import strawberry
from strawberry.schema.compat import is_scalar
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import StrawberryArgument, convert_arguments
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, has_object_definition
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition

Convert = Callable[[Any], Any]
Converting = Callable[[Mapping[str, Any]], dict[str, Any]]


def build_argument_converter(arguments: Sequence[StrawberryArgument], schema: strawberry.Schema) -> Converting:
    """Give what makes Python's arguments, by Python's names, of those that were given, by GraphQL's."""
    config, registry = schema.config, schema.schema_converter.scalar_registry
    try:
        named = {
            config.name_converter.from_argument(each): (each.python_name, _convert(each.type, config, registry))
            for each in arguments
        }
    except NotImplementedError:
        whole = list(arguments)
        return lambda given: convert_arguments(dict(given), whole, registry, config)
    return lambda given: {
        named[name][0]: value if (convert := named[name][1]) is None else convert(value)
        for name, value in given.items()
    }


def _convert(kind: Any, config: StrawberryConfig, registry: Any) -> Convert | None:
    """Give what converts a value of a type; None where it stays as it is. Raises NotImplementedError."""
    if isinstance(kind, StrawberryMaybe):
        raise NotImplementedError
    if isinstance(kind, StrawberryOptional):
        return _convert(kind.of_type, config, registry)
    if isinstance(kind, StrawberryList):
        each = _convert(kind.of_type, config, registry)
        return _copied if each is None else _listed(each)
    if is_scalar(kind, registry) or isinstance(kind, StrawberryEnumDefinition) or has_enum_definition(kind):
        return None
    if has_object_definition(kind) and kind.__strawberry_definition__.from_input is None:
        return _built(kind, config, registry)
    raise NotImplementedError


def _copied(value: Any) -> Any:
    # What is left out is one and the same default for all requests.
    return None if value is None else list(value)


def _listed(convert: Convert) -> Convert:
    return lambda value: None if value is None else [*map(convert, value)]


def _built(kind: Any, config: StrawberryConfig, registry: Any) -> Convert:
    definition = kind.__strawberry_definition__
    fields = {
        config.name_converter.from_field(field): (
            field.python_name,
            _convert(field.resolve_type(type_definition=definition), config, registry),
        )
        for field in definition.fields
    }
    left_out = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    def build(value: Any) -> Any:
        if value is None:
            return None
        given = {
            fields[name][0]: item if (convert := fields[name][1]) is None else convert(item)
            for name, item in value.items()
        }
        return kind(**(left_out | given))

    return build
