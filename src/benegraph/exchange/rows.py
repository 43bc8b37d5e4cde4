"""Rows of a file, one by one and with their lines' numbers: CSV by RFC 4180, or an object of JSON a line."""

import csv
import json
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NoReturn

from benegraph.exchange import FileFormat
from benegraph.exchange.values import JsonNumber, UnreadableInput

#: Bytes of a line; what is longer is skipped without being held.
MAX_LINE_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"
_TOO_LONG = "This line is longer than a row can be."


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """Which columns a file may have, and which of them it must."""

    known: Collection[str]
    required: Collection[str]


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row that begins on a line: its values by column, None for what is to be cleared; or why there are none."""

    line: int
    values: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


def read_rows(source: BinaryIO, form: FileFormat, names: ColumnNames) -> Iterator[FileRow]:
    """Read a file row by row, and its header at once. Raises Unreadable for a header that can't be one."""
    return _rows_of_csv(source, names) if form is FileFormat.CSV else _rows_of_json(source, names)


def _lines_of(source: BinaryIO) -> Iterator[str | None]:
    """Read line by line, each with its end; None stands for one that is too long."""
    line = source.readline(MAX_LINE_BYTES + 1).removeprefix(_BOM)
    while line:
        if len(line) > MAX_LINE_BYTES:
            while line and not line.endswith(b"\n"):
                line = source.readline(MAX_LINE_BYTES)
            yield None
        else:
            yield line.decode(errors="surrogateescape")  # one bad byte is one bad value's, not the file's
        line = source.readline(MAX_LINE_BYTES + 1)


# ------------------------------------------------------------------------------------------------------------- CSV


@dataclass(slots=True)
class _Feed:
    """The lines that the csv module asks for: several for one row, where a cell holds line breaks."""

    lines: Iterator[str | None]
    #: The number of the line that was taken last, and those taken for the row at hand.
    number: int = 0
    taken: list[str | None] = field(default_factory=list)
    back: deque[str | None] = field(default_factory=deque)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.back.popleft() if self.back else next(self.lines)
        if line is None and self.taken:  # it gets a row of its own, and the one at hand ends here
            self.back.appendleft(line)
            raise csv.Error(_TOO_LONG)
        self.number += 1
        self.taken.append(line)
        if line is None:
            raise csv.Error(_TOO_LONG)
        return line

    def give_back(self) -> None:
        """Give back all lines of the row at hand but the first: a quote that never ends shall spoil one line alone."""
        self.back.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1


def _rows_of_csv(source: BinaryIO, names: ColumnNames) -> Iterator[FileRow]:
    records = _records_of(_Feed(_lines_of(source)))
    _, header = next(records, (0, None))
    if header is None:
        raise UnreadableInput("There is no header: the first line names the columns.")
    _check_header(header, names)
    return _under(header, records)


def _records_of(feed: _Feed) -> Iterator[tuple[int, Sequence[str] | None]]:
    """Give each record that isn't blank by the line it begins on; None stands for one that is malformed."""
    reader = csv.reader(feed, strict=True)
    while True:
        feed.taken.clear()
        begins = feed.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            feed.give_back()
            yield begins, None
        else:
            if cells:
                yield begins, cells


def _under(header: Sequence[str], records: Iterator[tuple[int, Sequence[str] | None]]) -> Iterator[FileRow]:
    for line, cells in records:
        if cells is None:
            yield FileRow(line, error="This is no row of CSV: its quotes don't match, or it is too long.")
        elif len(cells) != len(header):
            yield FileRow(line, error=f"This row has {len(cells)} cells, and the header {len(header)}.")
        else:
            yield FileRow(line, {name: cell or None for name, cell in zip(header, cells, strict=True)})


def _check_header(header: Sequence[str], names: ColumnNames) -> None:
    if not set(header) & set(names.known):  # it may be a row of data, which is not ours to show
        raise UnreadableInput(
            f"The first line is no header; one names columns, with commas between: {_said(names.known)}."
        )
    flaws = {
        "unknown columns": [name for name in header if name not in names.known],
        "columns that are missing": [name for name in names.required if name not in header],
        "columns that stand there twice": {name for name in names.known if header.count(name) > 1},
    }
    if said := [f"{what}: {_said(which)}" for what, which in flaws.items() if which]:
        raise UnreadableInput(f"The header has {'; '.join(said)}.")


# ------------------------------------------------------------------------------------------------------------ JSON


def _rows_of_json(source: BinaryIO, names: ColumnNames) -> Iterator[FileRow]:
    for number, line in enumerate(_lines_of(source), start=1):
        if line is None:
            yield FileRow(number, error=_TOO_LONG)
        elif line.strip():
            try:
                yield FileRow(number, _object(line, names))
            except UnreadableInput as error:
                yield FileRow(number, error=str(error))


def _object(line: str, names: ColumnNames) -> Mapping[str, Any]:
    try:
        found = json.loads(
            line, parse_int=JsonNumber, parse_float=JsonNumber, parse_constant=_no_number, object_pairs_hook=_members
        )
    except (ValueError, RecursionError):
        raise UnreadableInput("This is no JSON.") from None
    if not isinstance(found, dict):
        raise UnreadableInput("This is no object of JSON.")
    if unknown := [name for name in found if name not in names.known]:
        raise UnreadableInput(f"There are unknown members: {_said(unknown)}.")
    if missing := [name for name in names.required if name not in found]:
        raise UnreadableInput(f"There are members missing: {_said(missing)}.")
    return found


def _no_number(_word: str) -> NoReturn:
    raise UnreadableInput("This is no JSON: NaN and Infinity are no numbers.")


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise UnreadableInput("A member stands in it twice.")
    return members


def _said(names: Collection[str]) -> str:
    """Name columns for a person, and nothing that a terminal would obey."""
    return ", ".join(name if name.isidentifier() and name.isascii() else ascii(name[:40]) for name in names)
