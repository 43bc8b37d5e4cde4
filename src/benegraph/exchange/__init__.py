"""File formats of the carrier's system: files are parsed into items for services, rows are rendered as lines."""

from enum import StrEnum


class FileFormat(StrEnum):
    """The format of a file: CSV with a header, or one JSON object per line."""

    CSV = "csv"
    JSONL = "jsonl"


class CensusFormat(StrEnum):
    """The format of a census file: one of `FileFormat`, or the first worksheet of an Excel workbook."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"
