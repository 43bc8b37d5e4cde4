"""The conversion of coerced GraphQL arguments to Python arguments, prepared once for each field.

Strawberry's own conversion inspects the argument types again with every value, which takes longer than checking the
rules of an election.
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

ValueConverter = Callable[[Any], Any]
ArgumentConverter = Callable[[Mapping[str, Any]], dict[str, Any]]


def build_argument_converter(arguments: Sequence[StrawberryArgument], schema: strawberry.Schema) -> ArgumentConverter:
    """Return a function from arguments by their GraphQL names to keyword arguments by their Python names."""
    config, registry = schema.config, schema.schema_converter.scalar_registry
    try:
        converters = {
            config.name_converter.from_argument(argument): (
                argument.python_name,
                _build_converter(argument.type, config, registry),
            )
            for argument in arguments
        }
    except NotImplementedError:
        unsupported = list(arguments)
        return lambda values: convert_arguments(dict(values), unsupported, registry, config)
    return lambda values: {
        converters[name][0]: value if (convert := converters[name][1]) is None else convert(value)
        for name, value in values.items()
    }


def _build_converter(type_: Any, config: StrawberryConfig, registry: Any) -> ValueConverter | None:
    """Return the converter for values of a type; None if they stay as they are.

    Raises NotImplementedError for a type that only Strawberry's own conversion supports.
    """
    if isinstance(type_, StrawberryMaybe):
        raise NotImplementedError
    if isinstance(type_, StrawberryOptional):
        return _build_converter(type_.of_type, config, registry)
    if isinstance(type_, StrawberryList):
        convert = _build_converter(type_.of_type, config, registry)
        return _copy_list if convert is None else _build_list_converter(convert)
    if is_scalar(type_, registry) or isinstance(type_, StrawberryEnumDefinition) or has_enum_definition(type_):
        return None
    if has_object_definition(type_) and type_.__strawberry_definition__.from_input is None:
        return _build_input_converter(type_, config, registry)
    raise NotImplementedError


def _copy_list(value: Any) -> Any:
    # A default value is one list for all requests, so the resolver gets a copy.
    return None if value is None else list(value)


def _build_list_converter(convert: ValueConverter) -> ValueConverter:
    return lambda value: None if value is None else [*map(convert, value)]


def _build_input_converter(input_type: Any, config: StrawberryConfig, registry: Any) -> ValueConverter:
    definition = input_type.__strawberry_definition__
    converters = {
        config.name_converter.from_field(field): (
            field.python_name,
            _build_converter(field.resolve_type(type_definition=definition), config, registry),
        )
        for field in definition.fields
    }
    defaults = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    def convert_input(value: Any) -> Any:
        if value is None:
            return None
        values = {
            converters[name][0]: item if (convert := converters[name][1]) is None else convert(item)
            for name, item in value.items()
        }
        return input_type(**(defaults | values))

    return convert_input
