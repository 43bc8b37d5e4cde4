"""`import coverage` and `export coverage`: written rows, refused rows, exported rows, and round trips."""

import asyncio
import csv
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from typer.testing import CliRunner, Result

from benegraph.cli import app
from benegraph.cli import coverage_files as files
from benegraph.db import store
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.exchange import FileFormat
from benegraph.exchange.coverage import COLUMNS, KEY_COLUMNS, CoverageEntry, parse_coverage_file
from conftest import connect
from factories.access import administrator
from factories.carriers import DIVISION, GROUP, make_carrier
from factories.catalog import make_product
from factories.employers import make_employer
from factories.enrollments import make_enrollment
from factories.people import make_employee
from factories.plan_years import make_plan_year

STAMPS = ("entry_Date", "entry_User", "update_Date", "update_User")
NUMBERS = [f"S{number:08}" for number in range(3)]
HEADER = ",".join(KEY_COLUMNS)


def call(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"DATABASE_URL": url, "MIGRATION_DATABASE_URL": None})


def import_file(url: str, file: Path, *options: str, tenant: str = "acme") -> Result:
    return call(url, "import", "coverage", str(file), "--tenant", tenant, *options)


def export(url: str, *options: str, tenant: str = "acme") -> Result:
    return call(url, "export", "coverage", "--tenant", tenant, *options)


def fetch_value(owner_url: str, statement: str, *values: Any) -> Any:
    """Run a statement as the database's owner, and return its one value."""

    async def fetch() -> Any:
        connection = await connect(owner_url)
        try:
            return await connection.fetchval(statement, *values)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def row(number: str = NUMBERS[0], start: str = "2026-01-01", **others: Any) -> dict[str, Any]:
    key = (number, GROUP, DIVISION, "2020-01-01", start)
    return dict(zip(KEY_COLUMNS, key, strict=True)) | others


def write(file: Path, *rows: Mapping[str, Any]) -> Path:
    """Write rows in the format of the file's suffix; in CSV with the columns of the first row."""
    with file.open("w", encoding="utf-8", newline="") as target:
        if file.suffix == ".jsonl":
            target.writelines(json.dumps(item) + "\n" for item in rows)
        else:
            writer = csv.DictWriter(target, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return file


def exported_rows(url: str, tenant: str = "acme") -> list[dict[str, Any]]:
    result = export(url, "--format", "jsonl", tenant=tenant)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
async def url(database_url: str, database: Database, clock: Clock) -> str:
    """Return the URL of a database with three subscribers and one contract."""
    await make_carrier(database, clock, NUMBERS)
    return database_url


@pytest.fixture
async def other_tenant(url: str, database: Database, clock: Clock) -> str:
    """Create another tenant in the same database, with the same subscribers and the same contract."""
    assert url
    await make_carrier(database, clock, NUMBERS, tenant="globex")
    return "globex"


@pytest.fixture
async def enrollment(database: Database, clock: Clock) -> str:
    """Create an unanswered enrollment, and return its ID."""
    employer = await make_employer(database, clock)
    employee = await make_employee(database, clock, employer=employer)
    product = await make_product(database, clock)
    plan_year = await make_plan_year(database, clock, employer=employer, product=product)
    return await make_enrollment(database, clock, employee=employee, plan_year=plan_year)


@pytest.fixture(params=["csv", "jsonl"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / f"coverage.{request.param}"


# --------------------------------------------------------------------------------------------------------- import


def test_import_creates_updates_and_skips_rows(url: str, file: Path, owner_url: str) -> None:
    fields: dict[str, Any] = {"end_Date": "2026-12-31", "annual_Max": "1234.5", "policy_Number": 'Zoë "7"'}
    write(
        file,
        row(**fields, entry_User="someone"),
        row(NUMBERS[1], "2026-01-01", **dict.fromkeys(fields), entry_User=None),
    )
    result = import_file(url, file)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "created 2, updated 0, unchanged 0, refused 0\n", "")
    first, second = exported_rows(url)
    assert first["end_Date"] == "2026-12-31T00:00:00Z"
    assert (first["annual_Max"], first["lifetime_Max"], first["policy_Number"]) == (1234.5, None, 'Zoë "7"')
    assert (first["entry_User"], first["update_User"]) == ("operator", "operator")
    assert (second["end_Date"], second["annual_Max"]) == (None, None)
    again = import_file(url, file)
    assert (again.exit_code, again.stdout) == (0, "created 0, updated 0, unchanged 2, refused 0\n")
    assert exported_rows(url) == [first, second]

    # A missing column keeps the value; an empty cell clears it.
    write(file, row(policy_Number=None), row(NUMBERS[1], policy_Number="P-2"))
    assert import_file(url, file).stdout == "created 0, updated 2, unchanged 0, refused 0\n"
    cleared, second = exported_rows(url)
    assert cleared["update_Date"] > first["update_Date"]
    assert cleared == first | {"policy_Number": None, "update_Date": cleared["update_Date"]}
    assert second["policy_Number"] == "P-2"
    actors = "SELECT array_agg(DISTINCT actor) FROM events WHERE subject_id LIKE 'sube_%'"
    assert fetch_value(owner_url, actors) == ["ADMINISTRATOR operator"]


def test_refused_rows_are_reported_by_line_and_the_others_imported(url: str, tmp_path: Path) -> None:
    file = tmp_path / "coverage.csv"
    lines = [
        f"{HEADER},end_Date,policy_Number,update_User",
        f"{NUMBERS[0]},G1,D1,2020-01-01,2026-01-01,,,",
        f"{NUMBERS[0]},G1,D1,2020-01-01,2026-07-01,,,",
        "",
        f'{NUMBERS[1]},G1,D1,2020-01-01,2026-01-01,2026-06-30,"two\nlines",',
        f"{NUMBERS[1]},G1,D1,2020-01-01,2026-07-01,2026-06-30,,",
        f"secret,G1,D1,2020-01-01,2026-01-01,,{'x' * 26},",
        "secret,G2,D1,2020-01-01,2026-01-01,,,",
        f"{NUMBERS[2]},G1,D1,2020-01-01,secret,24.08.2019,,",
        f"{NUMBERS[2]},G1,D1,2020-01-01",
        f"{NUMBERS[2]},G1,D1,2020-01-01,2019-12-31,,,",
        f"{NUMBERS[2]},G1,D1,2020-01-01,2026-01-01,,\0,",
        f"{NUMBERS[2]},G1,D1,2020-01-01,2026-01-01,,,\0",
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    result = import_file(url, file)
    assert (result.exit_code, result.stdout) == (1, "created 3, updated 0, unchanged 0, refused 8\n")
    outside_contract = (
        "The coverage must start within its group contract, on or after 2020-01-01; it starts on 2019-12-31."
    )
    overlap = (
        "The coverage overlaps other coverage of this subscriber in the same group and division,"
        " which starts on 2026-01-01."
    )
    control_character = "The text must not contain control characters; it contains U+0000."
    invalid_date = "Expected a date YYYY-MM-DD, or a date-time at midnight such as 2026-11-20T00:00:00Z."
    assert result.stderr.splitlines() == [
        "line 3: key.startDate: OVERLAPPING_COVERAGE: " + overlap,
        "line 7: fields.endDate: DATES_OUT_OF_ORDER: The coverage ends on 2026-06-30, before it starts on 2026-07-01.",
        "line 8: fields.policyNumber: INVALID_INPUT: The text must have at most 25 characters; it has 26.",
        "line 9: key.subscriberId: NOT_FOUND: No subscriber found with this subscriberId; create the subscriber first.",
        "line 9: key.groupId: NOT_FOUND: No group contract found with this groupId, divisionId and groupCoverageStart.",
        f"line 10: start_Date: {invalid_date}",
        f"line 10: end_Date: {invalid_date}",
        "line 11: The row has 4 cells; the header has 8.",
        "line 12: key.startDate: DATES_OUT_OF_ORDER: " + outside_contract,
        "line 13: fields.policyNumber: INVALID_INPUT: " + control_character,
    ]
    assert "secret" not in result.output
    assert [item["subscriber_ID"] for item in exported_rows(url)] == NUMBERS


def test_import_does_not_change_the_span_of_linked_coverage(
    url: str, enrollment: str, file: Path, owner_url: str
) -> None:
    import_file(url, write(file, row(end_Date="2026-12-31")))
    link = "UPDATE enrollments SET subscriber_enrollment_id = (SELECT id FROM subscriber_enrollments) WHERE id = $1"
    fetch_value(owner_url, link, enrollment)
    result = import_file(url, write(file, row(end_Date=None), row(NUMBERS[1], end_Date=None)))
    line = 2 if file.suffix == ".csv" else 1
    assert result.stderr == (
        f"line {line}: fields.endDate: LINKED_TO_ENROLLMENT:"
        " This coverage follows an election; change the election instead.\n"
    )
    assert (result.exit_code, result.stdout) == (1, "created 1, updated 0, unchanged 0, refused 1\n")
    result = import_file(url, write(file, row(end_Date="2026-12-31", policy_Number="P-1")))
    assert (result.exit_code, result.stdout) == (0, "created 0, updated 1, unchanged 0, refused 0\n")


def test_import_shows_progress_on_a_terminal(url: str, tmp_path: Path) -> None:
    file = write(tmp_path / "[red]coverage.csv", row(), row(NUMBERS[1], "1999-01-01"))
    arguments = ["import", "coverage", str(file), "--tenant", "acme"]
    terminal = {"DATABASE_URL": url, "MIGRATION_DATABASE_URL": None, "FORCE_COLOR": "1", "COLUMNS": "120"}
    result = CliRunner().invoke(app, arguments, env=terminal)
    assert (result.exit_code, result.stdout) == (1, "created 1, updated 0, unchanged 0, refused 1\n")
    output = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", result.stderr)
    size = file.stat().st_size
    assert re.search(rf"\[red\]coverage\.csv .* {size}/{size} bytes", output)
    assert "line 3: key.startDate: DATES_OUT_OF_ORDER: " in output


@pytest.mark.parametrize("batch", [1, 2, 3, 1000])
def test_batch_size_does_not_change_the_result(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(files, "MAX_BATCH_SIZE", batch)
    rows = [
        row(start="2026-01-01"),
        row(start="2026-07-01"),  # overlaps the first, which has no end yet
        row(start="2026-01-01", end_Date="2026-06-30"),
        row(start="2026-07-01"),
        row(start="2026-01-01", end_Date="2026-07-01"),
        row(start="2026-01-01", end_Date="2026-06-30", annual_Max=1),
        row(start="2026-01-01", annual_Max=1.01),
    ]
    result = import_file(url, write(tmp_path / "coverage.jsonl", *rows))
    assert (result.exit_code, result.stdout) == (1, "created 2, updated 3, unchanged 0, refused 2\n")
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["line 2", "line 5"]
    first, second = exported_rows(url)
    assert (first["end_Date"], first["annual_Max"], second["end_Date"]) == ("2026-06-30T00:00:00Z", 1.01, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("subscriber_ID,group_ID\n", "missing columns: division_ID, group_Coverage_Start, start_Date."),
        (f"{HEADER},salary\n", "unknown columns: salary."),
        (f"{HEADER},end_Date,end_Date\n", "duplicate columns: end_Date."),
        ("", "The file has no header"),
    ],
)
def test_a_file_with_other_columns_is_a_usage_error(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "coverage.csv"
    file.write_text(content)
    result = import_file("postgresql://nowhere@127.0.0.1:1/none", file)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert message in line


def test_other_files_and_formats_are_usage_errors(tmp_path: Path) -> None:
    nowhere = "postgresql://nowhere@127.0.0.1:1/none"
    sheet = tmp_path / "coverage.xlsx"
    sheet.touch()
    for file, options in ((sheet, ()), (tmp_path / "missing.csv", ()), (tmp_path, ("--format", "csv"))):
        result = import_file(nowhere, file, *options)
        assert (result.exit_code, result.stdout) == (2, "")
    assert import_file(nowhere, sheet, "--format", "xlsx").exit_code == 2
    assert import_file(nowhere, sheet, "--format", "csv", tenant="Acme").exit_code == 2
    result = export(nowhere, "--output", str(sheet))
    assert (result.exit_code, result.stderr) == (
        2,
        f"benegraph: The name {sheet} ends in neither .csv nor .jsonl; specify the format with --format.\n",
    )


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_file_changes_nothing(url: str, tmp_path: Path, content: str) -> None:
    nothing = "created 0, updated 0, unchanged 0, refused 0\n"
    (tmp_path / "COVERAGE.JSONL").write_text(content)
    assert import_file(url, tmp_path / "COVERAGE.JSONL").stdout == nothing
    (tmp_path / "coverage").write_text(HEADER + content)
    result = import_file(url, tmp_path / "coverage", "--format", "csv")
    assert (result.exit_code, result.stdout, result.stderr) == (0, nothing, "")


def test_a_missing_tenant_is_reported(url: str, file: Path) -> None:
    message = (
        "benegraph: The tenant globex does not exist in the database at DATABASE_URL;"
        " create it with `benegraph keys issue --create-tenant NAME`.\n"
    )
    result = import_file(url, write(file, row()), tenant="globex")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)
    output = file.with_name(f"new{file.suffix}")
    result = export(url, "-o", str(output), tenant="globex")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)
    assert list(file.parent.iterdir()) == [file]
    result = export(url, tenant="globex")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)


def test_a_failed_import_leaves_whole_batches_and_can_be_repeated(
    url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [str(date(2026, 1, 1) + timedelta(days=number)) for number in range(10)]
    write(file, *(row(start=day, end_Date=day) for day in days))
    monkeypatch.setattr(files, "MAX_BATCH_SIZE", 4)

    def failing_parser(source: BinaryIO, form: FileFormat) -> Iterator[CoverageEntry]:
        for number, entry in enumerate(parse_coverage_file(source, form)):
            if number == 9:
                raise OSError(5, "Input/output error")
            yield entry

    with monkeypatch.context() as patch:
        patch.setattr(files, "parse_coverage_file", failing_parser)
        result = import_file(url, file)
    last_line = 9 if file.suffix == ".csv" else 8
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"The import stopped after line {last_line}; run the command again to import the rest.",
        "benegraph: Input/output error",
    ]
    assert len(exported_rows(url)) == 8
    assert import_file(url, file).stdout == "created 2, updated 0, unchanged 8, refused 0\n"


def test_a_killed_import_leaves_whole_batches(url: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    arguments = ["import", "coverage", str(pipe), "--format", "jsonl", "--tenant", "acme"]
    environment = {"DATABASE_URL": url, "PATH": os.defpath}
    days = [str(date(2020, 1, 1) + timedelta(days=number)) for number in range(1500)]
    lines = [json.dumps(row(start=day, end_Date=day)) + "\n" for day in days]
    command = [sys.executable, "-m", "benegraph", *arguments]
    with (
        subprocess.Popen(command, env=environment) as process,  # noqa: S603 - fixed arguments
        pipe.open("wb", buffering=0) as target,  # stays open, so that the second batch is incomplete
    ):
        target.write("".join(lines).encode())
        deadline = time.monotonic() + 30
        while len(exported_rows(url)) < 1000 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
        process.wait()
    assert process.returncode < 0
    assert len(exported_rows(url)) == 1000
    file = tmp_path / "whole.jsonl"
    file.write_text("".join(lines))
    assert import_file(url, file).stdout == "created 500, updated 0, unchanged 1000, refused 0\n"


# --------------------------------------------------------------------------------------------------------- export


async def test_export_returns_all_rows_in_order_of_their_keys(
    url: str, tmp_path: Path, database: Database, clock: Clock
) -> None:
    groups = ["a", "B", "é"]
    await make_carrier(database, clock, [f"s{number}" for number in range(30)], groups=groups)
    rows = [
        row(f"s{number}", start, group_ID=group, end_Date=start)
        for group in groups
        for start in ("2026-05-01", "2026-02-01")
        for number in range(30)
    ]
    await asyncio.to_thread(import_file, url, write(tmp_path / "coverage.csv", *rows))
    keys = [tuple(item[name] for name in KEY_COLUMNS) for item in await asyncio.to_thread(exported_rows, url)]
    assert keys == sorted(keys, key=lambda key: [part.encode() for part in key])
    assert len(set(keys)) == len(rows) == 180
    for size in (1, 7, 90, 179, 180, 181):
        async with store.coverage.with_snapshot_reads(database).read(administrator(), clock) as read_session:
            pages = [page async for page in store.coverage.iterate_pages(read_session, size)]
        assert [item.subscriber_id for page in pages for item in page] == [number for number, *_ in keys]
        assert max(map(len, pages)) <= size


async def test_export_reads_one_snapshot(url: str, tmp_path: Path, database: Database, clock: Clock) -> None:
    await asyncio.to_thread(
        import_file, url, write(tmp_path / "a.csv", row(end_Date="2026-12-31"), row(NUMBERS[2], end_Date=None))
    )
    async with store.coverage.with_snapshot_reads(database).read(administrator(), clock) as read_session:
        pages = store.coverage.iterate_pages(read_session, 1)
        rows = [*await anext(pages)]
        await asyncio.to_thread(
            import_file, url, write(tmp_path / "b.csv", row(NUMBERS[1]), row(NUMBERS[2], start="2026-02-01"))
        )
        await asyncio.to_thread(import_file, url, write(tmp_path / "c.csv", row(NUMBERS[2], end_Date="2026-06-30")))
        rows += [item async for page in pages for item in page]
    assert [(item.subscriber_id, item.end_date) for item in rows] == [
        (NUMBERS[0], date(2026, 12, 31)),
        (NUMBERS[2], None),
    ]
    assert len(await asyncio.to_thread(exported_rows, url)) == 3


def test_export_replaces_a_file_atomically(url: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_file(url, write(file, row()))
    result = export(url, "--output", str(file))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"Exported 1 rows to {file}.\n")
    assert file.stat().st_mode & 0o777 == 0o600
    content = file.read_bytes()
    file.chmod(0o644)

    def fail(*_: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "render_line", fail)
    result = export(url, "--output", str(file))
    assert (result.exit_code, result.stderr) == (1, "benegraph: No space left on device\n")
    assert file.read_bytes() == content
    assert list(file.parent.iterdir()) == [file]
    monkeypatch.undo()

    link = file.with_name(f"link{file.suffix}")
    link.symlink_to(file.name)
    file.write_text("old")
    assert export(url, "--output", str(link)).exit_code == 0
    assert link.is_symlink()
    assert file.read_bytes() == content
    assert export(url, "--output", os.devnull, "--format", "csv").exit_code == 0
    assert Path(os.devnull).is_char_device()


def test_export_to_standard_output_is_csv_by_default(url: str, tmp_path: Path) -> None:
    import_file(url, write(tmp_path / "coverage.csv", row()))
    plain, dash = export(url), export(url, "--output", "-")
    assert plain.stdout_bytes == dash.stdout_bytes
    (only,) = csv.DictReader(io.StringIO(plain.stdout))
    assert list(only) == list(COLUMNS)
    assert only["start_Date"] == "2026-01-01T00:00:00Z"
    (line,) = export(url, "--format", "jsonl").stdout.splitlines()
    assert json.loads(line) == {name: value or None for name, value in only.items()}


def test_export_stops_when_its_reader_closes_the_pipe(url: str, tmp_path: Path) -> None:
    days = [str(date(2020, 1, 1) + timedelta(days=number)) for number in range(1500)]
    import_file(url, write(tmp_path / "coverage.csv", *(row(start=day, end_Date=day) for day in days)))
    command = [sys.executable, "-m", "benegraph", "export", "coverage", "--tenant", "acme"]
    environment = {"DATABASE_URL": url, "PATH": os.defpath}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603 - fixed arguments
        assert process.stdout
        assert process.stderr
        process.stdout.read(10)
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (1, b"")


# ----------------------------------------------------------------------------------------------------- round trips


def test_a_round_trip_changes_nothing(url: str, file: Path, other_tenant: str, owner_url: str) -> None:
    values = {
        "annual_Max": "90071992547409.91",
        "lifetime_Max": "0.07",
        "policy_Number": '=1+1,"Zoë"\n\t☂',
        "paid_Through": "0001-01-01",
        "term_Date": "9999-12-31",
        "date_Employed": "2019-02-28",
        "eligibility_Date": "2020-02-29",
        "original_Enrollment_Date": "1999-12-31",
        "end_Date": "9999-12-31",
    }
    rows = [row(**values), row(NUMBERS[1], "2026-03-01", **dict.fromkeys(values))]
    rows += [row(NUMBERS[2], f"{year}-01-01", **(values | {"end_Date": f"{year}-12-31"})) for year in range(2020, 2026)]
    result = import_file(url, write(file, *rows))
    assert result.stdout == "created 8, updated 0, unchanged 0, refused 0\n", result.stderr
    first_export, second_export = (file.with_name(f"{name}{file.suffix}") for name in ("once", "twice"))
    assert export(url, "-o", str(first_export)).exit_code == 0
    events = fetch_value(owner_url, "SELECT count(*) FROM events")
    assert import_file(url, first_export).stdout == "created 0, updated 0, unchanged 8, refused 0\n"
    assert fetch_value(owner_url, "SELECT count(*) FROM events") == events
    assert export(url, "-o", str(second_export)).exit_code == 0
    assert second_export.read_bytes() == first_export.read_bytes()

    result = import_file(url, first_export, tenant=other_tenant)
    assert result.stdout == "created 8, updated 0, unchanged 0, refused 0\n", result.stderr
    other_rows, own_rows = exported_rows(url, other_tenant), exported_rows(url)
    assert [without_stamps(item) for item in other_rows] == [without_stamps(item) for item in own_rows]
    assert all(item["entry_Date"] > own_rows[0]["entry_Date"] for item in other_rows)


def without_stamps(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in STAMPS}
