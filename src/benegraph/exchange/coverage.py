"""Coverage of record in files, under the carrier's column names: parsing into items, and rendering as lines."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any, BinaryIO

from benegraph.domain.coverage import CoverageKey
from benegraph.domain.values import format_instant
from benegraph.exchange import FileFormat
from benegraph.exchange.rows import ColumnNames, FileRow, read_rows
from benegraph.exchange.values import (
    UnreadableInput,
    format_date,
    format_dollars,
    parse_date,
    parse_dollars,
    parse_text,
)
from benegraph.services.coverage import CoverageItem


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The type of a column: how its values are rendered and parsed. Without `parse`, a file's values are ignored."""

    render: Callable[[Any], str]
    parse: Callable[[object], Any] | None = None


TEXT = ColumnType(str, parse_text)
DATE = ColumnType(format_date, parse_date)
DOLLARS = ColumnType(format_dollars, parse_dollars)
#: The gateway itself records the user and time of a change, so a file's values for these columns are ignored.
READ_ONLY_INSTANT, READ_ONLY_TEXT = ColumnType(format_instant), ColumnType(str)

#: The columns of the carrier's system, in its own order, each with the database column and its type.
COLUMNS = {
    "subscriber_ID": ("subscriber_id", TEXT),
    "group_ID": ("group_id", TEXT),
    "division_ID": ("division_id", TEXT),
    "group_Coverage_Start": ("group_coverage_start", DATE),
    "start_Date": ("start_date", DATE),
    "annual_Max": ("annual_max_cents", DOLLARS),
    "date_Employed": ("date_employed", DATE),
    "eligibility_Date": ("eligibility_date", DATE),
    "end_Date": ("end_date", DATE),
    "entry_Date": ("created_at", READ_ONLY_INSTANT),
    "entry_User": ("entry_user", READ_ONLY_TEXT),
    "lifetime_Max": ("lifetime_max_cents", DOLLARS),
    "original_Enrollment_Date": ("original_enrollment_date", DATE),
    "paid_Through": ("paid_through", DATE),
    "policy_Number": ("policy_number", TEXT),
    "term_Date": ("term_date", DATE),
    "update_Date": ("updated_at", READ_ONLY_INSTANT),
    "update_User": ("update_user", READ_ONLY_TEXT),
}
KEY_COLUMNS = ("subscriber_ID", "group_ID", "division_ID", "group_Coverage_Start", "start_Date")
_FIELD_COLUMNS = [name for name, (_, type_) in COLUMNS.items() if type_.parse is not None and name not in KEY_COLUMNS]


@dataclass(frozen=True, slots=True)
class CoverageEntry:
    """The result of parsing one row, which begins on `line`: an item, or all errors of the row."""

    line: int
    item: CoverageItem | None = None
    errors: tuple[str, ...] = ()


def parse_coverage_file(source: BinaryIO, file_format: FileFormat) -> Iterator[CoverageEntry]:
    """Return an iterator over a file's entries, which holds one row at a time in memory.

    Raises UnreadableInput at once if a CSV header is invalid.
    """
    return map(_parse_entry, read_rows(source, file_format, ColumnNames(COLUMNS, KEY_COLUMNS)))


def _parse_entry(row: FileRow) -> CoverageEntry:
    if row.error is not None:
        return CoverageEntry(row.line, errors=(row.error,))
    values: dict[str, Any] = {}
    errors = []
    for name in (*KEY_COLUMNS, *_FIELD_COLUMNS):
        if name not in row.values:
            continue
        column, column_type = COLUMNS[name]
        try:
            values[column] = _parse_value(column_type, row.values[name], required=name in KEY_COLUMNS)
        except UnreadableInput as error:
            errors.append(f"{name}: {error}")
    if errors:
        return CoverageEntry(row.line, errors=tuple(errors))
    key = CoverageKey(**{COLUMNS[name][0]: values.pop(COLUMNS[name][0]) for name in KEY_COLUMNS})
    return CoverageEntry(row.line, CoverageItem(key, values))


def _parse_value(column_type: ColumnType, value: object, *, required: bool) -> Any:
    if value is None and required:
        raise UnreadableInput("A value is required, because the column is part of the key.")
    return None if value is None or column_type.parse is None else column_type.parse(value)


def render_header(file_format: FileFormat) -> str:
    """Return the header line of a CSV file; empty for JSONL, which has none."""
    return _render_csv_line(list(COLUMNS)) if file_format is FileFormat.CSV else ""


def render_line(coverage: Any, file_format: FileFormat) -> str:
    """Render a coverage of record, an object with the database columns as attributes, as a line."""
    values = {
        name: None if (value := getattr(coverage, column)) is None else column_type.render(value)
        for name, (column, column_type) in COLUMNS.items()
    }
    if file_format is FileFormat.CSV:
        return _render_csv_line([value or "" for value in values.values()])
    members = ",".join(f'"{name}":{_render_json(name, value)}' for name, value in values.items())
    return f"{{{members}}}\n"


def _render_json(name: str, value: str | None) -> str:
    if value is not None and COLUMNS[name][1] is DOLLARS:
        return value  # written as it is: a float cannot hold every amount to the cent
    return json.dumps(value, ensure_ascii=False)


def _render_csv_line(values: list[str]) -> str:
    line = StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()
