"""Files of other systems: what stands in them becomes items for services, and rows of the store become their lines."""

from enum import StrEnum


class FileFormat(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSONL = "jsonl"
