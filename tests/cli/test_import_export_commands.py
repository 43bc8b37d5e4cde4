"""Files of coverage: what an import writes and refuses, what an export gives, and that each undoes the other."""

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


def call(url: str, *words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"DATABASE_URL": url, "MIGRATION_DATABASE_URL": None})


def take(url: str, file: Path, *words: str, tenant: str = "acme") -> Result:
    return call(url, "import", "coverage", str(file), "--tenant", tenant, *words)


def give(url: str, *words: str, tenant: str = "acme") -> Result:
    return call(url, "export", "coverage", "--tenant", tenant, *words)


def ask(owner_url: str, statement: str, *values: Any) -> Any:
    """Ask the database itself for one value, as its owner."""

    async def asked() -> Any:
        connection = await connect(owner_url)
        try:
            return await connection.fetchval(statement, *values)
        finally:
            await connection.close()

    return asyncio.run(asked())


def row(number: str = NUMBERS[0], start: str = "2026-01-01", **others: Any) -> dict[str, Any]:
    key = (number, GROUP, DIVISION, "2020-01-01", start)
    return dict(zip(KEY_COLUMNS, key, strict=True)) | others


def write(file: Path, *rows: Mapping[str, Any]) -> Path:
    """Write rows as the file's suffix says; in CSV all have the first one's columns."""
    with file.open("w", encoding="utf-8", newline="") as target:
        if file.suffix == ".jsonl":
            target.writelines(json.dumps(each) + "\n" for each in rows)
        else:
            writer = csv.DictWriter(target, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return file


def exported(url: str, tenant: str = "acme") -> list[dict[str, Any]]:
    done = give(url, "--format", "jsonl", tenant=tenant)
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
async def url(database_url: str, database: Database, clock: Clock) -> str:
    """The URL of a database with a few subscribers and one contract."""
    await make_carrier(database, clock, NUMBERS)
    return database_url


@pytest.fixture
async def elsewhere(url: str, database: Database, clock: Clock) -> str:
    """Another tenant of the same database, which has the same subscribers and the same contract."""
    assert url
    await make_carrier(database, clock, NUMBERS, tenant="globex")
    return "globex"


@pytest.fixture
async def enrollment(database: Database, clock: Clock) -> str:
    """An employee's enrollment, unanswered."""
    employer = await make_employer(database, clock)
    employee = await make_employee(database, clock, employer=employer)
    product = await make_product(database, clock)
    plan_year = await make_plan_year(database, clock, employer=employer, product=product)
    return await make_enrollment(database, clock, employee=employee, plan_year=plan_year)


@pytest.fixture(params=["csv", "jsonl"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / f"coverage.{request.param}"


# --------------------------------------------------------------------------------------------------------- import


def test_rows_are_created_then_left_then_updated(url: str, file: Path, owner_url: str) -> None:
    fields: dict[str, Any] = {"end_Date": "2026-12-31", "annual_Max": "1234.5", "policy_Number": 'Zoë "7"'}
    write(
        file,
        row(**fields, entry_User="someone"),
        row(NUMBERS[1], "2026-01-01", **dict.fromkeys(fields), entry_User=None),
    )
    done = take(url, file)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "created 2, updated 0, unchanged 0, refused 0\n", "")
    first, second = exported(url)
    assert first["end_Date"] == "2026-12-31T00:00:00Z"
    assert (first["annual_Max"], first["lifetime_Max"], first["policy_Number"]) == (1234.5, None, 'Zoë "7"')
    assert (first["entry_User"], first["update_User"]) == ("operator", "operator")
    assert (second["end_Date"], second["annual_Max"]) == (None, None)
    again = take(url, file)
    assert (again.exit_code, again.stdout) == (0, "created 0, updated 0, unchanged 2, refused 0\n")
    assert exported(url) == [first, second]

    # What is not there stays, what is empty is cleared.
    write(file, row(policy_Number=None), row(NUMBERS[1], policy_Number="P-2"))
    assert take(url, file).stdout == "created 0, updated 2, unchanged 0, refused 0\n"
    cleared, second = exported(url)
    assert cleared["update_Date"] > first["update_Date"]
    assert cleared == first | {"policy_Number": None, "update_Date": cleared["update_Date"]}
    assert second["policy_Number"] == "P-2"
    actors = "SELECT array_agg(DISTINCT actor) FROM events WHERE subject_id LIKE 'sube_%'"
    assert ask(owner_url, actors) == ["ADMINISTRATOR operator"]


def test_refused_rows_are_told_by_line_and_the_others_taken(url: str, tmp_path: Path) -> None:
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
    done = take(url, file)
    assert (done.exit_code, done.stdout) == (1, "created 3, updated 0, unchanged 0, refused 8\n")
    outside_contract = (
        "The coverage must start within its group contract, on or after 2020-01-01; it starts on 2019-12-31."
    )
    control_character = "The text must not contain control characters; it contains U+0000."
    invalid_date = "Expected a date YYYY-MM-DD, or a date-time at midnight such as 2026-11-20T00:00:00Z."
    assert done.stderr.splitlines() == [
        (
            "line 3: key.startDate: OVERLAPPING_COVERAGE: The coverage overlaps other coverage of this subscriber"
            " in the same group and division, which starts on 2026-01-01."
        ),
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
    assert "secret" not in done.output
    assert [each["subscriber_ID"] for each in exported(url)] == NUMBERS


def test_a_linked_coverage_keeps_its_span(url: str, enrollment: str, file: Path, owner_url: str) -> None:
    take(url, write(file, row(end_Date="2026-12-31")))
    link = "UPDATE enrollments SET subscriber_enrollment_id = (SELECT id FROM subscriber_enrollments) WHERE id = $1"
    ask(owner_url, link, enrollment)
    done = take(url, write(file, row(end_Date=None), row(NUMBERS[1], end_Date=None)))
    line = 2 if file.suffix == ".csv" else 1
    assert done.stderr == (
        f"line {line}: fields.endDate: LINKED_TO_ENROLLMENT:"
        " This coverage follows an election; change the election instead.\n"
    )
    assert (done.exit_code, done.stdout) == (1, "created 1, updated 0, unchanged 0, refused 1\n")
    done = take(url, write(file, row(end_Date="2026-12-31", policy_Number="P-1")))
    assert (done.exit_code, done.stdout) == (0, "created 0, updated 1, unchanged 0, refused 0\n")


def test_a_terminal_is_shown_how_far_it_is(url: str, tmp_path: Path) -> None:
    file = write(tmp_path / "[red]coverage.csv", row(), row(NUMBERS[1], "1999-01-01"))
    words = ["import", "coverage", str(file), "--tenant", "acme"]
    terminal = {"DATABASE_URL": url, "MIGRATION_DATABASE_URL": None, "FORCE_COLOR": "1", "COLUMNS": "120"}
    done = CliRunner().invoke(app, words, env=terminal)
    assert (done.exit_code, done.stdout) == (1, "created 1, updated 0, unchanged 0, refused 1\n")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.stderr)
    size = file.stat().st_size
    assert re.search(rf"\[red\]coverage\.csv .* {size}/{size} bytes", shown)
    assert "line 3: key.startDate: DATES_OUT_OF_ORDER: " in shown


@pytest.mark.parametrize("batch", [1, 2, 3, 1000])
def test_batches_come_to_what_rows_one_after_another_would(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(files, "MAX_BATCH_SIZE", batch)
    rows = [
        row(start="2026-01-01"),
        row(start="2026-07-01"),  # meets the first, which has no end yet
        row(start="2026-01-01", end_Date="2026-06-30"),
        row(start="2026-07-01"),
        row(start="2026-01-01", end_Date="2026-07-01"),
        row(start="2026-01-01", end_Date="2026-06-30", annual_Max=1),
        row(start="2026-01-01", annual_Max=1.01),
    ]
    done = take(url, write(tmp_path / "coverage.jsonl", *rows))
    assert (done.exit_code, done.stdout) == (1, "created 2, updated 3, unchanged 0, refused 2\n")
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["line 2", "line 5"]
    first, second = exported(url)
    assert (first["end_Date"], first["annual_Max"], second["end_Date"]) == ("2026-06-30T00:00:00Z", 1.01, None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("subscriber_ID,group_ID\n", "missing columns: division_ID, group_Coverage_Start, start_Date."),
        (f"{HEADER},salary\n", "unknown columns: salary."),
        (f"{HEADER},end_Date,end_Date\n", "duplicate columns: end_Date."),
        ("", "The file has no header"),
    ],
)
def test_a_file_of_other_columns_is_misuse_and_nothing_is_written(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "coverage.csv"
    file.write_text(content)
    done = take("postgresql://nowhere@127.0.0.1:1/none", file)
    assert (done.exit_code, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert said in line


def test_what_is_no_file_of_coverage_is_misuse(tmp_path: Path) -> None:
    nowhere = "postgresql://nowhere@127.0.0.1:1/none"
    sheet = tmp_path / "coverage.xlsx"
    sheet.touch()
    for file, words in ((sheet, ()), (tmp_path / "missing.csv", ()), (tmp_path, ("--format", "csv"))):
        done = take(nowhere, file, *words)
        assert (done.exit_code, done.stdout) == (2, "")
    assert take(nowhere, sheet, "--format", "xlsx").exit_code == 2
    assert take(nowhere, sheet, "--format", "csv", tenant="Acme").exit_code == 2
    done = give(nowhere, "--output", str(sheet))
    assert (done.exit_code, done.stderr) == (
        2,
        f"benegraph: {sheet} ends in neither .csv nor .jsonl: say which with --format.\n",
    )


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_file_changes_nothing(url: str, tmp_path: Path, content: str) -> None:
    nothing = "created 0, updated 0, unchanged 0, refused 0\n"
    (tmp_path / "COVERAGE.JSONL").write_text(content)
    assert take(url, tmp_path / "COVERAGE.JSONL").stdout == nothing
    (tmp_path / "coverage").write_text(HEADER + content)
    done = take(url, tmp_path / "coverage", "--format", "csv")
    assert (done.exit_code, done.stdout, done.stderr) == (0, nothing, "")


def test_a_tenant_that_is_not_there_is_told(url: str, file: Path) -> None:
    said = "benegraph: There is no tenant globex; `benegraph keys issue --create-tenant NAME` makes it.\n"
    done = take(url, write(file, row()), tenant="globex")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", said)
    output = file.with_name(f"new{file.suffix}")
    done = give(url, "-o", str(output), tenant="globex")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", said)
    assert list(file.parent.iterdir()) == [file]
    done = give(url, tenant="globex")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", said)


def test_an_import_cut_short_leaves_whole_batches_and_can_be_called_again(
    url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [str(date(2026, 1, 1) + timedelta(days=number)) for number in range(10)]
    write(file, *(row(start=day, end_Date=day) for day in days))
    monkeypatch.setattr(files, "MAX_BATCH_SIZE", 4)

    def breaking(source: BinaryIO, form: FileFormat) -> Iterator[CoverageEntry]:
        for number, entry in enumerate(parse_coverage_file(source, form)):
            if number == 9:
                raise OSError(5, "Input/output error")
            yield entry

    with monkeypatch.context() as patch:
        patch.setattr(files, "parse_coverage_file", breaking)
        done = take(url, file)
    through = 9 if file.suffix == ".csv" else 8
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"Through line {through} it was taken in; call again, and the rest is.",
        "benegraph: Input/output error",
    ]
    assert len(exported(url)) == 8
    assert take(url, file).stdout == "created 2, updated 0, unchanged 8, refused 0\n"


def test_an_import_that_is_killed_leaves_whole_batches(url: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = ["import", "coverage", str(pipe), "--format", "jsonl", "--tenant", "acme"]
    environment = {"DATABASE_URL": url, "PATH": os.defpath}
    days = [str(date(2020, 1, 1) + timedelta(days=number)) for number in range(1500)]
    lines = [json.dumps(row(start=day, end_Date=day)) + "\n" for day in days]
    words = [sys.executable, "-m", "benegraph", *words]
    with (
        subprocess.Popen(words, env=environment) as process,  # noqa: S603 - our own words
        pipe.open("wb", buffering=0) as target,  # held open, so that the second batch waits for more
    ):
        target.write("".join(lines).encode())
        patience = time.monotonic() + 30
        while len(exported(url)) < 1000 and time.monotonic() < patience:
            time.sleep(0.05)
        process.kill()
        process.wait()
    assert process.returncode < 0
    assert len(exported(url)) == 1000
    file = tmp_path / "whole.jsonl"
    file.write_text("".join(lines))
    assert take(url, file).stdout == "created 500, updated 0, unchanged 1000, refused 0\n"


# --------------------------------------------------------------------------------------------------------- export


async def test_an_export_is_in_order_of_keys_and_whole(
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
    await asyncio.to_thread(take, url, write(tmp_path / "coverage.csv", *rows))
    keys = [tuple(each[name] for name in KEY_COLUMNS) for each in await asyncio.to_thread(exported, url)]
    assert keys == sorted(keys, key=lambda key: [part.encode() for part in key])
    assert len(set(keys)) == len(rows) == 180
    for size in (1, 7, 90, 179, 180, 181):
        async with store.coverage.with_snapshot_reads(database).read(administrator(), clock) as read_session:
            pages = [page async for page in store.coverage.iterate_pages(read_session, size)]
        assert [each.subscriber_id for page in pages for each in page] == [number for number, *_ in keys]
        assert max(map(len, pages)) <= size


async def test_an_export_shows_one_moment(url: str, tmp_path: Path, database: Database, clock: Clock) -> None:
    await asyncio.to_thread(
        take, url, write(tmp_path / "a.csv", row(end_Date="2026-12-31"), row(NUMBERS[2], end_Date=None))
    )
    async with store.coverage.with_snapshot_reads(database).read(administrator(), clock) as read_session:
        pages = store.coverage.iterate_pages(read_session, 1)
        seen = [*await anext(pages)]
        await asyncio.to_thread(
            take, url, write(tmp_path / "b.csv", row(NUMBERS[1]), row(NUMBERS[2], start="2026-02-01"))
        )
        await asyncio.to_thread(take, url, write(tmp_path / "c.csv", row(NUMBERS[2], end_Date="2026-06-30")))
        seen += [each async for page in pages for each in page]
    assert [(each.subscriber_id, each.end_date) for each in seen] == [
        (NUMBERS[0], date(2026, 12, 31)),
        (NUMBERS[2], None),
    ]
    assert len(await asyncio.to_thread(exported, url)) == 3


def test_an_export_replaces_a_file_as_a_whole_or_not_at_all(
    url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(url, write(file, row()))
    done = give(url, "--output", str(file))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"1 coverages are in {file}.\n")
    assert file.stat().st_mode & 0o777 == 0o600
    whole = file.read_bytes()
    file.chmod(0o644)

    def fails(*_: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "render_line", fails)
    done = give(url, "--output", str(file))
    assert (done.exit_code, done.stderr) == (1, "benegraph: No space left on device\n")
    assert file.read_bytes() == whole
    assert list(file.parent.iterdir()) == [file]
    monkeypatch.undo()

    link = file.with_name(f"link{file.suffix}")
    link.symlink_to(file.name)
    file.write_text("old")
    assert give(url, "--output", str(link)).exit_code == 0
    assert link.is_symlink()
    assert file.read_bytes() == whole
    assert give(url, "--output", os.devnull, "--format", "csv").exit_code == 0
    assert Path(os.devnull).is_char_device()


def test_an_export_to_standard_output_is_csv_unless_it_is_told(url: str, tmp_path: Path) -> None:
    take(url, write(tmp_path / "coverage.csv", row()))
    plain, dash = give(url), give(url, "--output", "-")
    assert plain.stdout_bytes == dash.stdout_bytes
    (only,) = csv.DictReader(io.StringIO(plain.stdout))
    assert list(only) == list(COLUMNS)
    assert only["start_Date"] == "2026-01-01T00:00:00Z"
    (line,) = give(url, "--format", "jsonl").stdout.splitlines()
    assert json.loads(line) == {name: value or None for name, value in only.items()}


def test_who_reads_no_further_ends_an_export(url: str, tmp_path: Path) -> None:
    days = [str(date(2020, 1, 1) + timedelta(days=number)) for number in range(1500)]
    take(url, write(tmp_path / "coverage.csv", *(row(start=day, end_Date=day) for day in days)))
    words = [sys.executable, "-m", "benegraph", "export", "coverage", "--tenant", "acme"]
    environment = {"DATABASE_URL": url, "PATH": os.defpath}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603 - our own words
        assert process.stdout
        assert process.stderr
        process.stdout.read(10)
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (1, b"")


# ----------------------------------------------------------------------------------------------------- round trips


def test_a_round_trip_changes_nothing(url: str, file: Path, elsewhere: str, owner_url: str) -> None:
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
    done = take(url, write(file, *rows))
    assert done.stdout == "created 8, updated 0, unchanged 0, refused 0\n", done.stderr
    once, twice = (file.with_name(f"{name}{file.suffix}") for name in ("once", "twice"))
    assert give(url, "-o", str(once)).exit_code == 0
    events = ask(owner_url, "SELECT count(*) FROM events")
    assert take(url, once).stdout == "created 0, updated 0, unchanged 8, refused 0\n"
    assert ask(owner_url, "SELECT count(*) FROM events") == events
    assert give(url, "-o", str(twice)).exit_code == 0
    assert twice.read_bytes() == once.read_bytes()

    done = take(url, once, tenant=elsewhere)
    assert done.stdout == "created 8, updated 0, unchanged 0, refused 0\n", done.stderr
    theirs, ours = exported(url, elsewhere), exported(url)
    assert [without_stamps(each) for each in theirs] == [without_stamps(each) for each in ours]
    assert all(each["entry_Date"] > ours[0]["entry_Date"] for each in theirs)


def without_stamps(each: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in each.items() if name not in STAMPS}
