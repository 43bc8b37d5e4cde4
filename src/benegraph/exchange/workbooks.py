"""Rows of the first worksheet of an Excel workbook (.xlsx). Formulas are refused: their results may be stale."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from typing import Any, BinaryIO
from zipfile import BadZipFile

from openpyxl import load_workbook

from benegraph.exchange.rows import ColumnNames, FileRow, check_header
from benegraph.exchange.values import UnreadableInput


def read_workbook_rows(source: BinaryIO, columns: ColumnNames) -> Iterator[FileRow]:
    """Return an iterator over the rows of the first worksheet. Raises UnreadableInput at once for another header.

    A date cell becomes `YYYY-MM-DD`, and a whole number its digits; an empty cell is None.
    """
    try:
        workbook = load_workbook(source, read_only=True, data_only=False)
    except (BadZipFile, KeyError, ValueError, OSError):
        raise UnreadableInput("The file is not an Excel workbook (.xlsx).") from None
    rows = workbook.worksheets[0].iter_rows() if workbook.worksheets else iter(())
    header = _trim([_header_text(cell.value) for cell in next(rows, ())])
    if not header:
        raise UnreadableInput("The first worksheet has no header: its first row must name the columns.")
    check_header(header, columns)
    return _name_cells(header, rows)


def _name_cells(header: Sequence[str], rows: Iterator[Sequence[Any]]) -> Iterator[FileRow]:
    for line, cells in enumerate(rows, start=2):
        if any(cell.data_type in ("f", "e") for cell in cells):
            yield FileRow(line, error="The row has a formula or an error value; replace it by a plain value.")
            continue
        if any(cell.value is not None for cell in cells[len(header) :]):
            yield FileRow(line, error=f"The row has more cells than the header, which has {len(header)}.")
            continue
        values = [_to_value(cell.value) for cell in cells[: len(header)]]
        values += [None] * (len(header) - len(values))
        yield FileRow(line, dict(zip(header, values, strict=True)))


def _header_text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _trim(names: list[str]) -> list[str]:
    while names and not names[-1]:
        names.pop()
    return names


def _to_value(value: Any) -> Any:
    if isinstance(value, datetime):
        # A time of day makes it no date, which the column's parser reports.
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool) or value is None:
        return value
    return str(value) or None
