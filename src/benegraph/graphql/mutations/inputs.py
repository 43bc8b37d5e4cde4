"""Inputs of mutations: functions that declare their fields, and that read the values a client provided."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any

MAX_KEY_LENGTH = 255
#: The last sentence of the description of each mutation that only administrators and services may call.
FOR_ADMINISTRATORS = "For administrators, and for services with an API key or token that lists this mutation."
REASON_DESCRIPTION = "The reason; it is recorded in the history."
_KEY_DESCRIPTION = (
    f"A key of your choice, 1 to {MAX_KEY_LENGTH} characters. A repeated call with the same key and input within 30"
    " days changes nothing and returns the same objects; the same key with another input is refused."
)


def required(description: str) -> Any:
    """Declare an input field that must be provided."""
    return strawberry.field(description=description)


def optional(description: str) -> Any:
    """Declare an input field that may be left out; its value is UNSET then."""
    return strawberry.field(default=strawberry.UNSET, description=description)


def expected_version() -> Any:
    """Declare the input field `expectedVersion`."""
    return optional("The version that you read. If the object has changed since, the mutation is refused.")


class MutationInput:
    """The base class of a mutation's input. `mutation_input` adds its field after the input's own."""

    idempotency_key: str | None

    @property
    def is_dry_run(self) -> bool:
        """Whether the change is rolled back after it was applied: the field `dryRun` of the inputs that have one."""
        return getattr(self, "dry_run", False)


class VersionedInput(MutationInput):
    """The base class of an input that changes one existing object."""

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
