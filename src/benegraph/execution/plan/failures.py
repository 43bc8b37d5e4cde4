"""Values that stand in a response for fields that failed, until null propagation replaces them."""

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class FieldFailure:
    """Stands in the response in place of a field's value, or a list's item, that failed."""

    error: Exception


class NotAList(Exception):
    """A value is not a list although its field's type is. Null propagation knows the field and builds the message."""
