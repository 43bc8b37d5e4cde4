"""Rows of a file with their line numbers, read one at a time: CSV (RFC 4180), or one JSON object per line."""

import csv
import json
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NoReturn

from benegraph.exchange import FileFormat
from benegraph.exchange.values import JsonNumber, UnreadableInput

#: A longer line is skipped without being held in memory, and reported as an error.
MAX_LINE_BYTES = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE_TOO_LONG = f"The line is longer than {MAX_LINE_BYTES} bytes."
_MALFORMED_CSV = (
    f"Malformed CSV row: a quote is unmatched or misplaced, or a line is longer than {MAX_LINE_BYTES} bytes."
)


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """The columns that a file may have, and those it must have."""

    known: Collection[str]
    required: Collection[str]


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row of a file: its values by column, or the error for which it has none.

    `line` is the number of the line on which the row begins. A value of None clears the column.
    """

    line: int
    values: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


def read_rows(source: BinaryIO, file_format: FileFormat, columns: ColumnNames) -> Iterator[FileRow]:
    """Return an iterator over a file's rows. Raises UnreadableInput at once if a CSV header is invalid."""
    return _read_csv_rows(source, columns) if file_format is FileFormat.CSV else _read_json_rows(source, columns)


def _read_lines(source: BinaryIO) -> Iterator[str | None]:
    """Read line by line, each with its line ending. Yield None for a line that is too long."""
    line = source.readline(MAX_LINE_BYTES + 1).removeprefix(_BYTE_ORDER_MARK)
    while line:
        if len(line) > MAX_LINE_BYTES:
            while line and not line.endswith(b"\n"):
                line = source.readline(MAX_LINE_BYTES)
            yield None
        else:
            yield line.decode(errors="surrogateescape")  # an invalid byte makes one value invalid, not the file
        line = source.readline(MAX_LINE_BYTES + 1)


# ------------------------------------------------------------------------------------------------------------- CSV


@dataclass(slots=True)
class _CsvLines:
    """The line iterator of a csv reader, which takes several lines for a row whose cells contain line breaks."""

    lines: Iterator[str | None]
    #: The number of the last line that the reader took.
    number: int = 0
    #: The lines that the reader took for the current row.
    row_lines: list[str | None] = field(default_factory=list)
    #: Lines to be read again.
    pushed_back: deque[str | None] = field(default_factory=deque)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.pushed_back.popleft() if self.pushed_back else next(self.lines)
        if line is None and self.row_lines:  # the current row ends here; the long line gets a row of its own
            self.pushed_back.appendleft(line)
            raise csv.Error(_LINE_TOO_LONG)
        self.number += 1
        self.row_lines.append(line)
        if line is None:
            raise csv.Error(_LINE_TOO_LONG)
        return line

    def push_back_row(self) -> None:
        """Push back all lines of the current row but the first, so that an unmatched quote spoils one line only."""
        self.pushed_back.extendleft(reversed(self.row_lines[1:]))
        self.number -= len(self.row_lines) - 1


def _read_csv_rows(source: BinaryIO, columns: ColumnNames) -> Iterator[FileRow]:
    records = _read_csv_records(_CsvLines(_read_lines(source)))
    _, header = next(records, (0, None))
    if header is None:
        raise UnreadableInput("The file has no header: its first line must name the columns.")
    check_header(header, columns)
    return _name_cells(header, records)


def _read_csv_records(lines: _CsvLines) -> Iterator[tuple[int, Sequence[str] | None]]:
    """Yield the first line's number and the cells of each record that is not blank; None for malformed cells."""
    reader = csv.reader(lines, strict=True)
    while True:
        lines.row_lines.clear()
        first_line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            lines.push_back_row()
            yield first_line, None
        else:
            if cells:
                yield first_line, cells


def _name_cells(header: Sequence[str], records: Iterator[tuple[int, Sequence[str] | None]]) -> Iterator[FileRow]:
    for line, cells in records:
        if cells is None:
            yield FileRow(line, error=_MALFORMED_CSV)
        elif len(cells) != len(header):
            yield FileRow(line, error=f"The row has {len(cells)} cells; the header has {len(header)}.")
        else:
            yield FileRow(line, {name: cell or None for name, cell in zip(header, cells, strict=True)})


def check_header(header: Sequence[str], columns: ColumnNames) -> None:
    """Check that a file's first row names known columns, each once. Raises UnreadableInput."""
    if not set(header) & set(columns.known):  # it may be a row of data, which a message must not show
        raise UnreadableInput(
            "The first line is not a header: it must contain column names separated by commas. "
            f"Known columns: {_list_names(columns.known)}."
        )
    problems = {
        "unknown columns": [name for name in header if name not in columns.known],
        "missing columns": [name for name in columns.required if name not in header],
        "duplicate columns": [name for name in columns.known if header.count(name) > 1],
    }
    if messages := [f"{problem}: {_list_names(names)}" for problem, names in problems.items() if names]:
        raise UnreadableInput(f"Invalid header: {'; '.join(messages)}.")


# ------------------------------------------------------------------------------------------------------------ JSON


def _read_json_rows(source: BinaryIO, columns: ColumnNames) -> Iterator[FileRow]:
    for number, line in enumerate(_read_lines(source), start=1):
        if line is None:
            yield FileRow(number, error=_LINE_TOO_LONG)
        elif line.strip():
            try:
                yield FileRow(number, _parse_object(line, columns))
            except UnreadableInput as error:
                yield FileRow(number, error=str(error))


def _parse_object(line: str, columns: ColumnNames) -> Mapping[str, Any]:
    try:
        value = json.loads(
            line,
            parse_int=JsonNumber,
            parse_float=JsonNumber,
            parse_constant=_refuse_constant,
            object_pairs_hook=_build_object,
        )
    except (ValueError, RecursionError):
        raise UnreadableInput("The line is not valid JSON.") from None
    if not isinstance(value, dict):
        raise UnreadableInput("The line is not a JSON object.")
    if unknown := [name for name in value if name not in columns.known]:
        raise UnreadableInput(f"Unknown members: {_list_names(unknown)}.")
    if missing := [name for name in columns.required if name not in value]:
        raise UnreadableInput(f"Missing members: {_list_names(missing)}.")
    return value


def _refuse_constant(_constant: str) -> NoReturn:
    raise UnreadableInput("The line is not valid JSON: NaN and Infinity are not JSON numbers.")


def _build_object(members: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) < len(members):
        raise UnreadableInput("A JSON object contains a member twice.")
    return value


def _list_names(names: Collection[str]) -> str:
    """List names for a message; shorten, quote and escape any that is not an ASCII identifier, to protect terminals."""
    return ", ".join(name if name.isidentifier() and name.isascii() else ascii(name[:40]) for name in names)
