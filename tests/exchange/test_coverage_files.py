"""Coverage files: each row is parsed into an item or errors, with the number of its first line."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from io import BytesIO
from itertools import islice
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.checks import normalize_text
from benegraph.domain.coverage import CoverageKey
from benegraph.domain.values import MAX_CENTS
from benegraph.exchange import FileFormat
from benegraph.exchange.coverage import (
    COLUMNS,
    KEY_COLUMNS,
    CoverageEntry,
    parse_coverage_file,
    render_header,
    render_line,
)
from benegraph.exchange.rows import MAX_LINE_BYTES
from benegraph.exchange.values import UnreadableInput
from benegraph.services.coverage import CoverageItem

HEADER = ",".join(KEY_COLUMNS)
FULL = CoverageKey("100000001", "G1", "D1", date(2026, 1, 1), date(2026, 1, 1))
ROW = {
    "subscriber_ID": "100000001",
    "group_ID": "G1",
    "division_ID": "D1",
    "group_Coverage_Start": "2026-01-01",
    "start_Date": "2026-01-01T00:00:00Z",
}
MALFORMED_CSV = "Malformed CSV row: a quote is unmatched or misplaced, or a line is longer than 1048576 bytes."
INVALID_DATE = "Expected a date YYYY-MM-DD, or a date-time at midnight such as 2026-11-20T00:00:00Z."
INVALID_DOLLARS = "Expected an amount in dollars such as 1234.50: no sign, no separators, at most two decimals."


def csv_row(number: int = 1) -> str:
    return f"{number:09},G1,D1,2026-01-01,2026-01-01"


def csv_file(*lines: str, header: str = HEADER) -> BytesIO:
    return BytesIO("\n".join([header, *lines, ""]).encode())


def json_file(*rows: Mapping[str, Any]) -> BytesIO:
    return BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode())


def parse_all(source: BinaryIO, file_format: FileFormat = FileFormat.CSV) -> list[tuple[int, str | tuple[str, ...]]]:
    """Return for each row its line, and the subscriber of its item or its errors."""
    return [
        (entry.line, entry.item.key.subscriber_id if entry.item else entry.errors)
        for entry in parse_coverage_file(source, file_format)
    ]


def parse_one(source: BinaryIO, file_format: FileFormat = FileFormat.CSV) -> CoverageEntry:
    (entry,) = parse_coverage_file(source, file_format)
    return entry


# ---------------------------------------------------------------------------------------------- both formats


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=25).map(normalize_text)
CENTS = st.none() | st.integers(0, MAX_CENTS)
DATES = st.none() | st.dates()


@given(
    st.builds(CoverageKey, TEXTS, TEXTS, TEXTS, st.dates(), st.dates()),
    st.fixed_dictionaries(
        {
            "end_date": DATES,
            "annual_max_cents": CENTS,
            "lifetime_max_cents": CENTS,
            "date_employed": DATES,
            "eligibility_date": DATES,
            "original_enrollment_date": DATES,
            "paid_through": DATES,
            "policy_number": st.none() | TEXTS,
            "term_date": DATES,
        }
    ),
    st.sampled_from(FileFormat),
)
def test_rendered_coverage_is_parsed_back(key: CoverageKey, changes: dict[str, Any], file_format: FileFormat) -> None:
    at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    stamps = {"created_at": at, "updated_at": at, "entry_user": "someone", "update_user": "someone"}
    coverage = SimpleNamespace(**changes, **stamps, **{name: getattr(key, name) for name in CoverageKey.__slots__})
    text = render_header(file_format) + render_line(coverage, file_format)
    entry = parse_one(BytesIO(text.encode()), file_format)
    assert entry.item == CoverageItem(key, changes)
    assert entry.line == (2 if file_format is FileFormat.CSV else 1)


def test_header_has_the_other_systems_columns() -> None:
    assert render_header(FileFormat.CSV) == (
        "subscriber_ID,group_ID,division_ID,group_Coverage_Start,start_Date,annual_Max,date_Employed,eligibility_Date,"
        "end_Date,entry_Date,entry_User,lifetime_Max,original_Enrollment_Date,paid_Through,policy_Number,term_Date,"
        "update_Date,update_User\r\n"
    )


def test_line_has_the_other_systems_format() -> None:
    at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    values: dict[str, Any] = dict.fromkeys((column for column, _ in COLUMNS.values()))
    values |= {name: getattr(FULL, name) for name in CoverageKey.__slots__}
    values |= {"annual_max_cents": MAX_CENTS, "lifetime_max_cents": 5, "end_date": date(2026, 12, 31)}
    values |= {"created_at": at, "updated_at": at, "entry_user": "operator", "update_user": 'Zoë "Z"'}
    assert render_line(SimpleNamespace(**values), FileFormat.CSV) == (
        "100000001,G1,D1,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,90071992547409.91,,,2026-12-31T00:00:00Z,"
        '2026-11-20T09:30:00Z,operator,0.05,,,,,2026-11-20T09:30:00Z,"Zoë ""Z"""\r\n'
    )
    line = render_line(SimpleNamespace(**values), FileFormat.JSONL)
    assert line.endswith("}\n")
    assert list(json.loads(line)) == list(COLUMNS)
    assert '"annual_Max":90071992547409.91,"date_Employed":null,' in line
    assert '"update_User":"Zoë \\"Z\\""' in line


@pytest.mark.parametrize("file_format", FileFormat)
def test_byte_order_mark_is_skipped(file_format: FileFormat) -> None:
    source = csv_file(csv_row()) if file_format is FileFormat.CSV else json_file(ROW)
    assert parse_one(BytesIO(b"\xef\xbb\xbf" + source.read()), file_format).item is not None


def test_missing_columns_are_unchanged_and_empty_cells_are_cleared() -> None:
    entry = parse_one(csv_file(f"{csv_row()},,2026-06-30,P-1", header=f"{HEADER},paid_Through,end_Date,policy_Number"))
    assert entry.item
    assert entry.item.changes == {"paid_through": None, "end_date": date(2026, 6, 30), "policy_number": "P-1"}
    entry = parse_one(json_file(ROW | {"paid_Through": None, "annual_Max": "12.5"}), FileFormat.JSONL)
    assert entry.item == CoverageItem(FULL, {"paid_through": None, "annual_max_cents": 1250})


def test_read_only_columns_are_ignored() -> None:
    stamps = {"entry_User": 7, "entry_Date": "long ago", "update_User": None, "update_Date": [1]}
    assert parse_one(json_file(ROW | stamps), FileFormat.JSONL).item == CoverageItem(FULL, {})


def test_all_errors_of_a_row_are_reported_without_its_values() -> None:
    invalid = {"start_Date": "secret", "annual_Max": "1,000", "group_ID": None, "policy_Number": 7}
    entry = parse_one(json_file(ROW | invalid), FileFormat.JSONL)
    assert entry.item is None
    assert entry.errors == (
        "group_ID: A value is required, because the column is part of the key.",
        f"start_Date: {INVALID_DATE}",
        f"annual_Max: {INVALID_DOLLARS}",
        "policy_Number: Expected a string.",
    )


@pytest.mark.parametrize("file_format", FileFormat)
def test_file_is_read_row_by_row(file_format: FileFormat) -> None:
    class Endless(BytesIO):
        """A file without an end that counts the lines read."""

        lines_read = 0

        def readline(self, _limit: int | None = -1, /) -> bytes:
            self.lines_read += 1
            return (HEADER if file_format is FileFormat.CSV and self.lines_read == 1 else line).encode() + b"\n"

    line = csv_row() if file_format is FileFormat.CSV else json.dumps(ROW)
    source = Endless()
    assert len(list(islice(parse_coverage_file(source, file_format), 3000))) == 3000
    assert source.lines_read < 3010


# ----------------------------------------------------------------------------------------------------- CSV


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "The file has no header: its first line must name the columns."),
        ("\n\n", "The file has no header: its first line must name the columns."),
        (f"{HEADER},Paid_Through,\x1b[31m", "Invalid header: unknown columns: Paid_Through, '\\x1b[31m'."),
        (
            "subscriber_ID,group_ID,start_date",
            (
                "Invalid header: unknown columns: start_date;"
                " missing columns: division_ID, group_Coverage_Start, start_Date."
            ),
        ),
        (f"{HEADER},end_Date,end_Date", "Invalid header: duplicate columns: end_Date."),
        (f"{HEADER},", "Invalid header: unknown columns: ''."),
    ],
)
def test_invalid_header_is_refused_at_once(header: str, message: str) -> None:
    with pytest.raises(UnreadableInput) as caught:
        parse_coverage_file(BytesIO(header.encode()), FileFormat.CSV)
    assert str(caught.value) == message


@pytest.mark.parametrize("first", [csv_row(), HEADER.replace(",", ";"), HEADER.encode("utf-16").decode("latin-1")])
def test_first_line_that_may_be_data_is_not_quoted(first: str) -> None:
    with pytest.raises(
        UnreadableInput, match=r"^The first line is not a header: it must contain column names"
    ) as caught:
        parse_coverage_file(BytesIO(first.encode("latin-1")), FileFormat.CSV)
    assert "000000001" not in str(caught.value)


def test_row_number_is_its_first_line() -> None:
    source = BytesIO(
        (
            f"\r\n{HEADER},policy_Number\r\n"
            f"{csv_row(3)},a\r\n"
            "\r\n"
            f'{csv_row(5)},"two\r\nlines, and a "" quote"\r\n'
            f"{csv_row(7)}\r\n"
            f"{csv_row(8)},a,b\r\n"
            f'{csv_row(9)},"last"'
        ).encode()
    )
    assert parse_all(source) == [
        (3, "000000003"),
        (5, "000000005"),
        (7, ("The row has 5 cells; the header has 6.",)),
        (8, ("The row has 7 cells; the header has 6.",)),
        (9, "000000009"),
    ]


def test_unmatched_quote_spoils_only_its_line() -> None:
    source = csv_file(
        f'{csv_row(2)},"', csv_row(3), f'{csv_row(4)[:-1]}"x', f'"{csv_row(5)}', f'{csv_row(6)},"a"b', csv_row(7)
    )
    assert parse_all(source) == [
        (2, (MALFORMED_CSV,)),
        (3, "000000003"),
        (4, (f"start_Date: {INVALID_DATE}",)),
        (5, (MALFORMED_CSV,)),
        (6, (MALFORMED_CSV,)),
        (7, "000000007"),
    ]


def test_too_long_lines_are_skipped() -> None:
    long = "x" * MAX_LINE_BYTES
    source = csv_file(csv_row(2), f"{csv_row(3)}{long}", csv_row(4), f'{csv_row(5)},"', f"{long}{long}x", csv_row(7))
    assert parse_all(source) == [
        (2, "000000002"),
        (3, (MALFORMED_CSV,)),
        (4, "000000004"),
        (5, (MALFORMED_CSV,)),
        (6, (MALFORMED_CSV,)),
        (7, "000000007"),
    ]


def test_invalid_utf8_spoils_only_its_row() -> None:
    source = BytesIO(
        b"\n".join(
            [
                f"{HEADER},policy_Number,entry_User".encode(),
                csv_row(2).encode() + b",Zo\xeb,a",
                csv_row(3).encode() + b",a,Zo\xeb",
                csv_row(4).encode().replace(b"-", b"\0") + b",a,\0",
                csv_row(5).encode() + ",Zoë,a".encode(),
            ]
        )
    )
    assert parse_all(source) == [
        (2, ("policy_Number: The text is not valid UTF-8.",)),
        (3, "000000003"),
        (4, (f"group_Coverage_Start: {INVALID_DATE}", f"start_Date: {INVALID_DATE}")),
        (5, "000000005"),
    ]


# ---------------------------------------------------------------------------------------------------- JSON


def test_json_objects_are_parsed_with_their_line_numbers() -> None:
    lines = [
        json.dumps(ROW),
        "",
        "  \t",
        "{",
        "[]",
        "7",
        json.dumps(ROW) * 2,
        json.dumps(ROW)[:-1] + ', "annual_Max": NaN}',
        json.dumps(ROW)[:-1] + ', "start_Date": "2026-02-01"}',
        json.dumps(ROW | {"start_date": "x", "\x1b[2J": 1}),
        json.dumps({"subscriber_ID": "1"}),
        "[" * 200_000,
        json.dumps(ROW | {"policy_Number": "\u2028"}, ensure_ascii=False),
        json.dumps(ROW | {"policy_Number": "x" * MAX_LINE_BYTES}),
        json.dumps(ROW)[:-1] + ', "annual_Max": ' + "9" * 5000 + "}",
        json.dumps(ROW | {"policy_Number": "\ud800"}),
        json.dumps(ROW),
    ]
    invalid_json = ("The line is not valid JSON.",)
    assert parse_all(BytesIO("\r\n".join(lines).encode()), FileFormat.JSONL) == [
        (1, "100000001"),
        (4, invalid_json),
        (5, ("The line is not a JSON object.",)),
        (6, ("The line is not a JSON object.",)),
        (7, invalid_json),
        (8, ("The line is not valid JSON: NaN and Infinity are not JSON numbers.",)),
        (9, ("A JSON object contains a member twice.",)),
        (10, ("Unknown members: start_date, '\\x1b[2J'.",)),
        (11, ("Missing members: group_ID, division_ID, group_Coverage_Start, start_Date.",)),
        (12, invalid_json),
        (13, "100000001"),
        (14, ("The line is longer than 1048576 bytes.",)),
        (15, (f"annual_Max: {INVALID_DOLLARS}",)),
        (16, ("policy_Number: The text is not valid UTF-8.",)),
        (17, "100000001"),
    ]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("1234.5", 123450), ('"1234.50"', 123450), ("90071992547409.91", MAX_CENTS), ("1e2", None), ("1.005", None)],
)
def test_json_number_is_parsed_digit_by_digit(amount: str, expected: int | None) -> None:
    entry = parse_one(BytesIO(f'{json.dumps(ROW)[:-1]}, "lifetime_Max": {amount}}}'.encode()), FileFormat.JSONL)
    assert (entry.item.changes["lifetime_max_cents"] if entry.item else None) == expected


def test_read_error_is_raised() -> None:
    class Broken(BytesIO):
        """A file whose disk fails after some lines."""

        def __iter__(self) -> Iterator[bytes]:
            raise NotImplementedError

        def readline(self, limit: int | None = -1, /) -> bytes:
            if self.tell() > 200:
                raise OSError(5, "Input/output error")
            return super().readline(limit)

    entries = parse_coverage_file(Broken(csv_file(*map(csv_row, range(20))).read()), FileFormat.CSV)
    with pytest.raises(OSError, match="Input/output error"):
        list(entries)
