"""Files of coverage: each row by the line it begins on, as an item or with the reasons why it is none."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from io import BytesIO
from itertools import islice
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as some

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
NO_CSV = "This is no row of CSV: its quotes don't match, or it is too long."
NO_DATE = "A date is YYYY-MM-DD, or a date-time at midnight such as 2026-11-20T00:00:00Z."


def row(number: int = 1) -> str:
    return f"{number:09},G1,D1,2026-01-01,2026-01-01"


def csv_of(*lines: str, header: str = HEADER) -> BytesIO:
    return BytesIO("\n".join([header, *lines, ""]).encode())


def json_of(*rows: Mapping[str, Any]) -> BytesIO:
    return BytesIO("".join(json.dumps(each) + "\n" for each in rows).encode())


def told(source: BinaryIO, form: FileFormat = FileFormat.CSV) -> list[tuple[int, str | tuple[str, ...]]]:
    """Give what came of each row: the subscriber of an item, or the reasons."""
    return [
        (entry.line, entry.item.key.subscriber_id if entry.item else entry.errors)
        for entry in parse_coverage_file(source, form)
    ]


def only(source: BinaryIO, form: FileFormat = FileFormat.CSV) -> CoverageEntry:
    (entry,) = parse_coverage_file(source, form)
    return entry


# ---------------------------------------------------------------------------------------------- both forms


texts = some.text(some.characters(exclude_categories=["Cs"]), min_size=1, max_size=25)
cents = some.none() | some.integers(0, MAX_CENTS)
days = some.none() | some.dates()


@given(
    some.builds(CoverageKey, texts, texts, texts, some.dates(), some.dates()),
    some.fixed_dictionaries(
        {
            "end_date": days,
            "annual_max_cents": cents,
            "lifetime_max_cents": cents,
            "date_employed": days,
            "eligibility_date": days,
            "original_enrollment_date": days,
            "paid_through": days,
            "policy_number": some.none() | texts,
            "term_date": days,
        }
    ),
    some.sampled_from(FileFormat),
)
def test_coverage_is_read_as_it_was_written(key: CoverageKey, changes: dict[str, Any], form: FileFormat) -> None:
    at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    stamps = {"created_at": at, "updated_at": at, "entry_user": "someone", "update_user": "someone"}
    coverage = SimpleNamespace(**changes, **stamps, **{name: getattr(key, name) for name in CoverageKey.__slots__})
    written = render_header(form) + render_line(coverage, form)
    entry = only(BytesIO(written.encode()), form)
    assert entry.item == CoverageItem(key, changes)
    assert entry.line == (2 if form is FileFormat.CSV else 1)


def test_the_columns_are_the_other_systems_own() -> None:
    assert render_header(FileFormat.CSV) == (
        "subscriber_ID,group_ID,division_ID,group_Coverage_Start,start_Date,annual_Max,date_Employed,eligibility_Date,"
        "end_Date,entry_Date,entry_User,lifetime_Max,original_Enrollment_Date,paid_Through,policy_Number,term_Date,"
        "update_Date,update_User\r\n"
    )


def test_a_line_is_what_the_other_system_reads() -> None:
    at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    values: dict[str, Any] = dict.fromkeys((ours for ours, _ in COLUMNS.values()))
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


@pytest.mark.parametrize("form", FileFormat)
def test_a_file_may_begin_with_a_byte_order_mark(form: FileFormat) -> None:
    source = csv_of(row()) if form is FileFormat.CSV else json_of(ROW)
    assert only(BytesIO(b"\xef\xbb\xbf" + source.read()), form).item is not None


def test_what_is_not_there_stays_and_what_is_empty_is_cleared() -> None:
    found = only(csv_of(f"{row()},,2026-06-30,P-1", header=f"{HEADER},paid_Through,end_Date,policy_Number"))
    assert found.item
    assert found.item.changes == {"paid_through": None, "end_date": date(2026, 6, 30), "policy_number": "P-1"}
    found = only(json_of(ROW | {"paid_Through": None, "annual_Max": "12.5"}), FileFormat.JSONL)
    assert found.item == CoverageItem(FULL, {"paid_through": None, "annual_max_cents": 1250})


def test_who_wrote_it_is_not_the_files_to_say() -> None:
    stamps = {"entry_User": 7, "entry_Date": "long ago", "update_User": None, "update_Date": [1]}
    assert only(json_of(ROW | stamps), FileFormat.JSONL).item == CoverageItem(FULL, {})


def test_all_reasons_of_a_row_are_told_and_no_value() -> None:
    bad = {"start_Date": "secret", "annual_Max": "1,000", "group_ID": None, "policy_Number": 7}
    entry = only(json_of(ROW | bad), FileFormat.JSONL)
    assert entry.item is None
    assert entry.errors == (
        "group_ID: This is part of the key, and must be there.",
        f"start_Date: {NO_DATE}",
        "annual_Max: An amount is dollars such as 1234.50: no sign, no separators, at most two decimals.",
        "policy_Number: This must be a text.",
    )


@pytest.mark.parametrize("form", FileFormat)
def test_a_file_is_read_a_row_at_a_time(form: FileFormat) -> None:
    class Endless(BytesIO):
        """A file that never ends, and says how many lines were asked of it."""

        asked = 0

        def readline(self, _limit: int | None = -1, /) -> bytes:
            self.asked += 1
            return (HEADER if form is FileFormat.CSV and self.asked == 1 else line).encode() + b"\n"

    line = row() if form is FileFormat.CSV else json.dumps(ROW)
    source = Endless()
    assert len(list(islice(parse_coverage_file(source, form), 3000))) == 3000
    assert source.asked < 3010


# ----------------------------------------------------------------------------------------------------- CSV


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("", "There is no header: the first line names the columns."),
        ("\n\n", "There is no header: the first line names the columns."),
        (f"{HEADER},Paid_Through,\x1b[31m", "The header has unknown columns: Paid_Through, '\\x1b[31m'."),
        (
            "subscriber_ID,group_ID,start_date",
            (
                "The header has unknown columns: start_date;"
                " columns that are missing: division_ID, group_Coverage_Start, start_Date."
            ),
        ),
        (f"{HEADER},end_Date,end_Date", "The header has columns that stand there twice: end_Date."),
        (f"{HEADER},", "The header has unknown columns: ''."),
    ],
)
def test_a_header_of_other_columns_is_refused_at_once(header: str, said: str) -> None:
    with pytest.raises(UnreadableInput) as caught:
        parse_coverage_file(BytesIO(header.encode()), FileFormat.CSV)
    assert str(caught.value) == said


@pytest.mark.parametrize("first", [row(), HEADER.replace(",", ";"), HEADER.encode("utf-16").decode("latin-1")])
def test_a_first_line_that_may_be_data_is_not_shown(first: str) -> None:
    with pytest.raises(UnreadableInput, match=r"^The first line is no header; one names columns") as caught:
        parse_coverage_file(BytesIO(first.encode("latin-1")), FileFormat.CSV)
    assert "000000001" not in str(caught.value)


def test_rows_are_told_by_the_line_they_begin_on() -> None:
    source = BytesIO(
        (
            f"\r\n{HEADER},policy_Number\r\n"
            f"{row(3)},a\r\n"
            "\r\n"
            f'{row(5)},"two\r\nlines, and a "" quote"\r\n'
            f"{row(7)}\r\n"
            f"{row(8)},a,b\r\n"
            f'{row(9)},"last"'
        ).encode()
    )
    assert told(source) == [
        (3, "000000003"),
        (5, "000000005"),
        (7, ("This row has 5 cells, and the header 6.",)),
        (8, ("This row has 7 cells, and the header 6.",)),
        (9, "000000009"),
    ]


def test_quotes_that_do_not_match_spoil_their_own_line_alone() -> None:
    source = csv_of(f'{row(2)},"', row(3), f'{row(4)[:-1]}"x', f'"{row(5)}', f'{row(6)},"a"b', row(7))
    assert told(source) == [
        (2, (NO_CSV,)),
        (3, "000000003"),
        (4, (f"start_Date: {NO_DATE}",)),
        (5, (NO_CSV,)),
        (6, (NO_CSV,)),
        (7, "000000007"),
    ]


def test_lines_beyond_measure_are_passed_over() -> None:
    long = "x" * MAX_LINE_BYTES
    source = csv_of(row(2), f"{row(3)}{long}", row(4), f'{row(5)},"', f"{long}{long}x", row(7))
    assert told(source) == [
        (2, "000000002"),
        (3, (NO_CSV,)),
        (4, "000000004"),
        (5, (NO_CSV,)),
        (6, (NO_CSV,)),
        (7, "000000007"),
    ]


def test_bytes_that_are_no_text_spoil_their_row_alone() -> None:
    source = BytesIO(
        b"\n".join(
            [
                f"{HEADER},policy_Number,entry_User".encode(),
                row(2).encode() + b",Zo\xeb,a",
                row(3).encode() + b",a,Zo\xeb",
                row(4).encode().replace(b"-", b"\0") + b",a,\0",
                row(5).encode() + ",Zoë,a".encode(),
            ]
        )
    )
    assert told(source) == [
        (2, ("policy_Number: This is no text in UTF-8.",)),
        (3, "000000003"),
        (4, (f"group_Coverage_Start: {NO_DATE}", f"start_Date: {NO_DATE}")),
        (5, "000000005"),
    ]


# ---------------------------------------------------------------------------------------------------- JSON


def test_objects_are_told_by_their_lines() -> None:
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
    no_json = ("This is no JSON.",)
    assert told(BytesIO("\r\n".join(lines).encode()), FileFormat.JSONL) == [
        (1, "100000001"),
        (4, no_json),
        (5, ("This is no object of JSON.",)),
        (6, ("This is no object of JSON.",)),
        (7, no_json),
        (8, ("This is no JSON: NaN and Infinity are no numbers.",)),
        (9, ("A member stands in it twice.",)),
        (10, ("There are unknown members: start_date, '\\x1b[2J'.",)),
        (11, ("There are members missing: group_ID, division_ID, group_Coverage_Start, start_Date.",)),
        (12, no_json),
        (13, "100000001"),
        (14, ("This line is longer than a row can be.",)),
        (15, ("annual_Max: An amount is dollars such as 1234.50: no sign, no separators, at most two decimals.",)),
        (16, ("policy_Number: This is no text in UTF-8.",)),
        (17, "100000001"),
    ]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("1234.5", 123450), ('"1234.50"', 123450), ("90071992547409.91", MAX_CENTS), ("1e2", None), ("1.005", None)],
)
def test_a_number_is_taken_by_its_digits(amount: str, expected: int | None) -> None:
    entry = only(BytesIO(f'{json.dumps(ROW)[:-1]}, "lifetime_Max": {amount}}}'.encode()), FileFormat.JSONL)
    assert (entry.item.changes["lifetime_max_cents"] if entry.item else None) == expected


def test_a_file_that_breaks_off_breaks_off() -> None:
    class Broken(BytesIO):
        """A disk that fails after some lines."""

        def __iter__(self) -> Iterator[bytes]:
            raise NotImplementedError

        def readline(self, limit: int | None = -1, /) -> bytes:
            if self.tell() > 200:
                raise OSError(5, "Input/output error")
            return super().readline(limit)

    entries = parse_coverage_file(Broken(csv_of(*map(row, range(20))).read()), FileFormat.CSV)
    with pytest.raises(OSError, match="Input/output error"):
        list(entries)
