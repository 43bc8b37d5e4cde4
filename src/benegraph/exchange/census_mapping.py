"""The mapping of a census file: which of its columns holds which field, its words for codes, and its form of dates."""

import json
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benegraph.exchange.values import UnreadableInput

_KEYS = ("columns", "values", "ignore", "date_format")


@dataclass(frozen=True, slots=True)
class CensusMapping:
    """The names and words of a file. Without a mapping, columns are named like the fields."""

    #: Fields by column.
    columns: dict[str, str] = field(default_factory=dict)
    #: By field: the field's code by the file's word.
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    #: Columns that are not imported.
    ignore: tuple[str, ...] = ()
    #: As of `datetime.strptime`.
    date_format: str | None = None


def read_mapping(path: Path, fields: tuple[str, ...]) -> CensusMapping:
    """Read a mapping from a TOML file, or a JSON file if it is named .json. Raises UnreadableInput."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        content: Any = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableInput(f"{path} is not valid {'JSON' if path.suffix.lower() == '.json' else 'TOML'}.") from None
    if not isinstance(content, dict) or set(content) - set(_KEYS):
        raise UnreadableInput(f"{path} may have only these tables and keys: {', '.join(_KEYS)}.")
    columns, values = content.get("columns", {}), content.get("values", {})
    ignore, date_format = content.get("ignore", []), content.get("date_format")
    _check(
        _is_text_map(columns), path, 'columns must map names of columns to names of fields: "Hire date" = "startDate"'
    )
    _check(
        isinstance(values, dict) and all(_is_text_map(words) for words in values.values()),
        path,
        "values must have a table for a field that maps words to codes",
    )
    _check(isinstance(ignore, list) and all(isinstance(name, str) for name in ignore), path, "ignore must list columns")
    _check(date_format is None or _is_date_format(date_format), path, "date_format must be a form such as %m/%d/%Y")
    for name in (*columns.values(), *values):
        _check(name in fields, path, f"{name[:40]!r} is not a field; the fields are {', '.join(fields)}")
    _check(len(set(columns.values())) == len(columns), path, "columns must not map two columns to one field")
    return CensusMapping(columns, values, tuple(ignore), date_format)


def _is_text_map(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _is_date_format(value: Any) -> bool:
    try:
        example = datetime(2027, 3, 4, tzinfo=UTC)
        return datetime.strptime(example.strftime(value), value).date() == example.date()  # noqa: DTZ007 - a date
    except (TypeError, ValueError):
        return False


def _check(condition: bool, path: Path, message: str) -> None:
    if not condition:
        raise UnreadableInput(f"{path}: {message}.")
