"""Inputs of mutations: functions that declare their fields, and that read the values a client provided."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any

MAX_KEY_LENGTH = 255
_KEY_DESCRIPTION = (
    f"A key of your choice, 1 to {MAX_KEY_LENGTH} characters. A call that repeats a key within 30 days changes nothing,"
    " and returns the rows that the first call changed."
)


def required(description: str) -> Any:
    """Declare an input field that must be provided."""
    return strawberry.field(description=description)


def optional(description: str) -> Any:
    """Declare an input field that may be left out; its value is UNSET then."""
    return strawberry.field(default=strawberry.UNSET, description=description)


def expected_version() -> Any:
    """Declare the input field `expectedVersion`."""
    return optional("The version that you read; if the row has another version by now, the call is refused.")


class MutationInput:
    """The base class of a mutation's input. `mutation_input` adds its field after the input's own."""

    idempotency_key: str | None

    @property
    def is_dry_run(self) -> bool:
        """Whether the change is rolled back after it was tried."""
        return False


class VersionedInput(MutationInput):
    """The base class of an input that changes one existing row."""

    expected_version: int | None


InputT = TypeVar("InputT", bound=MutationInput)


def mutation_input(description: str) -> Callable[[type[InputT]], type[InputT]]:
    """Declare a mutation's input, with the common fields of its base class after its own."""

    def declare(cls: type[InputT]) -> type[InputT]:
        if issubclass(cls, VersionedInput):
            _add_field(cls, "expected_version", int | None, expected_version())
        _add_field(cls, "idempotency_key", str | None, optional(_KEY_DESCRIPTION))
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
    """Refuse null in optional input fields of columns that are never null. Raises Refused."""
    raise_if_any(
        RuleViolation(ErrorCode.INVALID_INPUT, "The value cannot be null; omit the field to keep it.", (_camel(name),))
        for name in names
        if getattr(input, name) is None
    )


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)
