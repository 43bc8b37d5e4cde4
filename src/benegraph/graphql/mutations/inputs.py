"""Inputs of mutations: declaring their fields, and reading what a client provided."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any

MAX_KEY_LENGTH = 255


def required(description: str) -> Any:
    """Declare an input field that must be provided."""
    return strawberry.field(description=description)


def optional(description: str) -> Any:
    """Declare an input field that may be left out; its value is UNSET then."""
    return strawberry.field(default=strawberry.UNSET, description=description)


def expected_version() -> Any:
    """Declare the field `expectedVersion`."""
    return optional("The version that you read; if the row has another version by now, the call is refused.")


class MutationInput:
    """The base of a mutation's input: the field that `mutation_input` adds to it."""

    idempotency_key: str | None

    @property
    def is_dry_run(self) -> bool:
        """Whether the change is only tried, and rolled back."""
        return False


class VersionedInput(MutationInput):
    """The base of a mutation's input that changes one existing row."""

    expected_version: int | None


InputT = TypeVar("InputT", bound=MutationInput)


def mutation_input(description: str) -> Callable[[type[InputT]], type[InputT]]:
    """Declare a mutation's input. Its base class decides which of the common fields follow its own."""

    def declare(cls: type[InputT]) -> type[InputT]:
        if issubclass(cls, VersionedInput):
            _add_field(cls, "expected_version", int | None, expected_version())
        key = f"A key of your choice, 1 to {MAX_KEY_LENGTH} characters. Repeating the call with it within 30 days"
        _add_field(cls, "idempotency_key", str | None, optional(f"{key} applies no change again."))
        return strawberry.input(cls, description=description)

    return declare


def _add_field(cls: type, name: str, type_: Any, field: Any) -> None:
    cls.__annotations__[name] = type_
    setattr(cls, name, field)


def value_or_none(value: Any) -> Any:
    """Return an input field's value, or None if it was left out."""
    return None if value is strawberry.UNSET else value


def provided_values(input: Any, columns: dict[str, str]) -> dict[str, Any]:
    """Return the provided values of an input by column; `columns` maps field names to column names."""
    values = {column: getattr(input, name) for name, column in columns.items()}
    return {column: value for column, value in values.items() if value is not strawberry.UNSET}


def check_not_null(input: Any, *names: str) -> None:
    """Refuse null in optional fields whose column is never null. Raises Refused."""
    raise_if_any(
        RuleViolation(ErrorCode.INVALID_INPUT, "The value cannot be null; omit the field to keep it.", (_camel(name),))
        for name in names
        if getattr(input, name) is None
    )


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)
