"""Coverage of record in files, by the other system's names: rows become items, and coverage becomes lines."""

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
    """A kind of value: how files write it, and how it is read, unless it is ignored there."""

    show: Callable[[Any], str]
    read: Callable[[object], Any] | None = None


TEXT, DAY, DOLLARS = (
    ColumnType(str, parse_text),
    ColumnType(format_date, parse_date),
    ColumnType(format_dollars, parse_dollars),
)
#: Who wrote a coverage and when is the gateway's to say.
OUR_INSTANT, OUR_TEXT = ColumnType(format_instant), ColumnType(str)

#: The columns in the order of the other system's own page: what we call each, and its kind.
COLUMNS = {
    "subscriber_ID": ("subscriber_id", TEXT),
    "group_ID": ("group_id", TEXT),
    "division_ID": ("division_id", TEXT),
    "group_Coverage_Start": ("group_coverage_start", DAY),
    "start_Date": ("start_date", DAY),
    "annual_Max": ("annual_max_cents", DOLLARS),
    "date_Employed": ("date_employed", DAY),
    "eligibility_Date": ("eligibility_date", DAY),
    "end_Date": ("end_date", DAY),
    "entry_Date": ("created_at", OUR_INSTANT),
    "entry_User": ("entry_user", OUR_TEXT),
    "lifetime_Max": ("lifetime_max_cents", DOLLARS),
    "original_Enrollment_Date": ("original_enrollment_date", DAY),
    "paid_Through": ("paid_through", DAY),
    "policy_Number": ("policy_number", TEXT),
    "term_Date": ("term_date", DAY),
    "update_Date": ("updated_at", OUR_INSTANT),
    "update_User": ("update_user", OUR_TEXT),
}
KEY_COLUMNS = ("subscriber_ID", "group_ID", "division_ID", "group_Coverage_Start", "start_Date")
_FIELDS = [name for name, (_, kind) in COLUMNS.items() if kind.read is not None and name not in KEY_COLUMNS]


@dataclass(frozen=True, slots=True)
class CoverageEntry:
    """What a row of a file, beginning on a line, comes to: an item, or all reasons why it is none."""

    line: int
    item: CoverageItem | None = None
    errors: tuple[str, ...] = ()


def parse_coverage_file(source: BinaryIO, form: FileFormat) -> Iterator[CoverageEntry]:
    """Read a file entry by entry, holding one at a time. Raises Unreadable, at once, for a bad header."""
    return map(_entry, read_rows(source, form, ColumnNames(COLUMNS, KEY_COLUMNS)))


def _entry(row: FileRow) -> CoverageEntry:
    if row.error is not None:
        return CoverageEntry(row.line, errors=(row.error,))
    values: dict[str, Any] = {}
    reasons = []
    for name in (*KEY_COLUMNS, *_FIELDS):
        if name not in row.values:
            continue
        ours, kind = COLUMNS[name]
        value = row.values[name]
        try:
            values[ours] = _read(kind, value, required=name in KEY_COLUMNS)
        except UnreadableInput as error:
            reasons.append(f"{name}: {error}")
    if reasons:
        return CoverageEntry(row.line, errors=tuple(reasons))
    key = CoverageKey(**{COLUMNS[name][0]: values.pop(COLUMNS[name][0]) for name in KEY_COLUMNS})
    return CoverageEntry(row.line, CoverageItem(key, values))


def _read(kind: ColumnType, value: object, *, required: bool) -> Any:
    if value is None and required:
        raise UnreadableInput("This is part of the key, and must be there.")
    return None if value is None or kind.read is None else kind.read(value)


def render_header(form: FileFormat) -> str:
    """Give what stands before the first line."""
    return _cells(list(COLUMNS)) if form is FileFormat.CSV else ""


def render_line(coverage: Any, form: FileFormat) -> str:
    """Write a coverage, which has our columns as attributes, as a line."""
    shown = {name: _shown(kind, getattr(coverage, ours)) for name, (ours, kind) in COLUMNS.items()}
    if form is FileFormat.CSV:
        return _cells([value or "" for value in shown.values()])
    members = ",".join(f'"{name}":{_json(name, value)}' for name, value in shown.items())
    return f"{{{members}}}\n"


def _shown(kind: ColumnType, value: Any) -> str | None:
    return None if value is None else kind.show(value)


def _json(name: str, value: str | None) -> str:
    if value is not None and COLUMNS[name][1] is DOLLARS:
        return value  # to the cent: no float could hold all of them
    return json.dumps(value, ensure_ascii=False)


def _cells(values: list[str]) -> str:
    line = StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()
