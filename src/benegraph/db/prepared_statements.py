"""Prepared statements: SQL text that is compiled once, with the names of its bind parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Enum, Select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

#: The member of an enumeration by the word that its column stores; None stands for null.
EnumMembers = Mapping[str | None, Any]

_DIALECT: Any = PGDialect_asyncpg()  # type: ignore[no-untyped-call] # it has no types


@dataclass(frozen=True, slots=True)
class PreparedStatement:
    """A statement's text with numbered bind parameters, and their names in order.

    `fixed` holds the parameters with constant values, which are the same in each execution.
    """

    text: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]

    def values(self, parameters: Mapping[str, Any]) -> list[Any]:
        """Return the bind values in the order of the text. Raises KeyError for a missing one."""
        fixed = self.fixed
        return [fixed[name] if name in fixed else parameters[name] for name in self.names]


def prepare_statement(statement: Select[Any]) -> PreparedStatement:
    """Compile a statement. Its bind parameters without a value are passed by name at each execution.

    Their values must have the driver's types. Raises ValueError for a parameter that expands to `IN (…)`, because the
    text would depend on the number of its values.
    """
    compiled: Any = statement.compile(dialect=_DIALECT)
    required = {name: parameter for name, parameter in compiled.binds.items() if parameter.required}
    if any(parameter.expanding for parameter in required.values()):
        raise ValueError("a list must be one bind parameter: use = ANY (…), not IN (…)")
    expanded = compiled.construct_expanded_state(dict.fromkeys(required))
    # Values are converted as their types store them: a member of an enumeration becomes its word.
    processors = {
        **compiled._bind_processors,  # noqa: SLF001 - SQLAlchemy's own execution converts values by these
        **expanded.processors,
    }
    fixed = {
        name: processors[name](value) if name in processors else value
        for name, value in expanded.parameters.items()
        if name not in required
    }
    return PreparedStatement(expanded.statement, tuple(expanded.positiontup or ()), fixed)


def enum_members(column: ColumnElement[Any]) -> EnumMembers:
    """Return the member that each word in a column stands for; empty for a column without an enumeration."""
    column_type: Any = column.type
    enum_class = column_type.enum_class if isinstance(column_type, Enum) else None
    return {None: None, **{member.value: member for member in enum_class}} if enum_class else {}
