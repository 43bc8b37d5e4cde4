"""`import census`: files in three formats, mapping, preview, refusals by line, full files, and the report."""

import asyncio
import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner, Result

from benegraph.cli import app
from benegraph.db.session import Database
from benegraph.domain.encryption import generate_key
from factories.coverage import make_contract
from factories.office import Office, create_office

ROOT = Path(__file__).parents[2]
ADA = {
    "externalId": "E-1",
    "firstName": "Ada",
    "lastName": "Adams",
    "employmentClass": "FULL_TIME",
    "startDate": "2020-01-06",
}
BEN = {
    "externalId": "E-1",
    "relationship": "CHILD",
    "firstName": "Ben",
    "lastName": "Adams",
    "dateOfBirth": "2015-08-30",
}


@pytest.fixture
async def office(database: Database) -> Office:
    return await create_office(database)


def write(file: Path, *rows: dict[str, Any]) -> Path:
    """Write rows in the format of the file's suffix, with the columns of all of them."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if file.suffix == ".jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif file.suffix == ".xlsx":
        workbook = Workbook()
        sheet = workbook.worksheets[0]
        sheet.append(columns)
        for row in rows:
            sheet.append([row.get(name) for name in columns])
        workbook.save(file)
    else:
        with file.open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, columns)
            writer.writeheader()
            writer.writerows(rows)
    return file


async def run(url: str, office: Office, file: Path, *options: str, **settings: str) -> Result:
    """Run the command in a thread, because it has an event loop of its own."""
    arguments = ["import", "census", str(file), "--employer", office.employer, "--tenant", "acme", *options]
    environment = {"DATABASE_URL": url, "COLUMNS": "200", **settings}
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, env=environment)


def counts(**others: int) -> str:
    names = ("created", "updated", "moved", "terminated", "reinstated", "rehired", "unchanged", "refused")
    return ", ".join(f"{name} {others.get(name, 0)}" for name in names)


def last_line(result: Result) -> str:
    return result.stdout.splitlines()[-1]


async def staff(office: Office) -> dict[str, dict[str, Any]]:
    """Return the employees by external ID."""
    rows = (await office.read_all_rows())["employees"].values()
    return {row["external_id"]: row for row in rows}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".xlsx"])
async def test_file_is_imported_once(office: Office, database_url: str, tmp_path: Path, suffix: str) -> None:
    file = write(tmp_path / f"census{suffix}", ADA | {"firstName": " Ada "}, BEN)
    result = await run(database_url, office, file)
    assert (result.exit_code, last_line(result), result.stderr) == (0, counts(created=1), "")
    employee = (await staff(office))["E-1"]
    assert (employee["first_name"], employee["hired_on"]) == ("Ada", "2020-01-06")
    (dependent,) = (await office.read_all_rows())["dependents"].values()
    assert (dependent["first_name"], dependent["relationship"]) == ("Ben", "CHILD")
    before = await office.read_all_rows()
    result = await run(database_url, office, file)
    assert (result.exit_code, last_line(result)) == (0, counts(unchanged=1))
    assert await office.read_all_rows() == before


async def test_dry_run_writes_nothing(office: Office, database_url: str, tmp_path: Path) -> None:
    await office.open_plan_year()
    before = await office.read_all_rows()
    result = await run(database_url, office, write(tmp_path / "census.csv", ADA), "--dry-run")
    assert (result.exit_code, last_line(result)) == (0, f"Nothing was written: {counts(created=1)}")
    assert "CREATED" in result.stdout
    assert "Ada" not in result.output
    assert await office.read_all_rows() == before


async def test_workbook_keeps_dates_numbers_and_leading_zeros(
    office: Office, database_url: str, tmp_path: Path
) -> None:
    address = {"addressLine1": "1 Main Street", "city": "Boston", "state": "MA", "postalCode": 2108}
    row = ADA | address | {"externalId": 17, "startDate": date(2020, 1, 6), "phone": "+12175550100"}
    result = await run(database_url, office, write(tmp_path / "census.xlsx", row))
    assert (result.exit_code, last_line(result)) == (0, counts(created=1))
    employee = (await staff(office))["17"]
    assert (employee["hired_on"], employee["address_postal_code"]) == ("2020-01-06", "02108")


async def test_workbook_with_formula_is_refused_by_row(office: Office, database_url: str, tmp_path: Path) -> None:
    file = write(tmp_path / "census.xlsx", ADA, ADA | {"externalId": "E-2", "lastName": '="Ad" & "ams"'})
    result = await run(database_url, office, file)
    assert (result.exit_code, last_line(result)) == (1, counts(created=1, refused=1))
    assert result.stderr == "line 3: The row has a formula or an error value; replace it by a plain value.\n"


async def test_mapping_names_columns_words_and_dates(office: Office, database_url: str, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(
        'date_format = "%m/%d/%Y"\nignore = ["Salary"]\n'
        '[columns]\n"Employee No." = "externalId"\nHired = "startDate"\n[values.employmentClass]\nFT = "FULL_TIME"\n',
        encoding="utf-8",
    )
    row = {"Employee No.": "E-1", "firstName": "Ada", "lastName": "Adams", "employmentClass": "FT"}
    file = write(tmp_path / "census.csv", row | {"Hired": "01/06/2020", "Salary": "90000"})
    result = await run(database_url, office, file, "--mapping", str(mapping))
    assert (result.exit_code, last_line(result)) == (0, counts(created=1))
    assert (await staff(office))["E-1"]["hired_on"] == "2020-01-06"


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("columns = 3", "columns must map names of columns to names of fields"),
        ('[columns]\nHired = "salary"', "'salary' is not a field"),
        ('[columns]\na = "ssn"\nb = "ssn"', "must not map two columns to one field"),
        ('date_format = "x"', "date_format must be a form such as %m/%d/%Y"),
        ("salary = 1", "may have only these tables and keys"),
        ("[", "is not valid TOML"),
    ],
)
async def test_invalid_mapping_is_usage_error(
    office: Office, database_url: str, tmp_path: Path, mapping: str, message: str
) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(mapping, encoding="utf-8")
    result = await run(database_url, office, write(tmp_path / "census.csv", ADA), "--mapping", str(path))
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


async def test_refused_rows_are_reported_by_line(office: Office, database_url: str, tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    file = write(
        tmp_path / "census.csv",
        ADA,
        ADA | {"externalId": "E-2", "startDate": "6 January", "employmentClass": "BOSS"},
        ADA | {"externalId": "E-3", "firstName": "=1+1"},
        ADA | {"externalId": "E-4"},
        BEN | {"externalId": "E-4", "dateOfBirth": "2999-01-01"},
        ADA | {"externalId": "E-5"},
        ADA | {"externalId": "E-5"},
        ADA | {"externalId": ""},
    )
    result = await run(database_url, office, file, "--report", str(report))
    assert (result.exit_code, last_line(result)) == (1, counts(created=1, refused=5))
    assert [line.split(": ")[:2] for line in result.stderr.splitlines()] == [
        ["line 3", "employmentClass"],
        ["line 3", "startDate"],
        ["line 4", "firstName"],
        ["line 6", "dateOfBirth"],
        ["line 7", "externalId"],
        ["line 8", "externalId"],
        ["line 9", "externalId"],
    ]
    assert list(await staff(office)) == ["E-1"]
    with report.open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    assert [(row["line"], row["externalId"], row["outcome"]) for row in rows] == [
        ("2", "E-1", "CREATED"),
        ("3", "E-2", "REFUSED"),
        ("4", "E-3", "REFUSED"),
        ("5", "E-4", "REFUSED"),
        ("7", "E-5", "REFUSED"),
        ("9", "", "REFUSED"),
    ]
    assert rows[3]["errors"].startswith("line 6: dateOfBirth: INVALID_INPUT: ")
    assert "Ada" not in report.read_text(encoding="utf-8")


async def test_blank_lines_and_byte_order_mark_are_skipped(office: Office, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "census.csv"
    text = ",".join(ADA) + "\n\n" + ",".join(ADA.values()) + "\n,,,,\n"
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    result = await run(database_url, office, file)
    assert (result.exit_code, last_line(result)) == (0, counts(created=1))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("externalId\n".encode("utf-16"), "The file is in UTF-16; save it in UTF-8"),
        (b"a,b\n1,2\n", "The first line is not a header"),
        (b"externalId,salary\nE-1,2\n", "unknown columns: salary"),
        (b"externalId,externalId\nE-1,2\n", "duplicate columns: externalId"),
        (b"externalId\n", "The file has no rows"),
    ],
)
async def test_unreadable_file_is_usage_error(
    office: Office, database_url: str, tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "census.csv"
    file.write_bytes(content)
    result = await run(database_url, office, file)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


async def test_bytes_of_another_encoding_are_refused_by_row(office: Office, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "census.csv"
    file.write_bytes((",".join(ADA) + "\n" + ",".join((ADA | {"lastName": "Ünal"}).values()) + "\n").encode("latin-1"))
    result = await run(database_url, office, file)
    assert (result.exit_code, result.stderr) == (1, "line 2: lastName: The text is not valid UTF-8.\n")


@pytest.mark.parametrize(("missing", "code"), [(1, 0), (2, 1)])
async def test_full_file_terminates_missing_people_up_to_five_percent(
    office: Office, database_url: str, tmp_path: Path, missing: int, code: int
) -> None:
    everyone = [ADA | {"externalId": f"E-{number:02}"} for number in range(20)]
    assert (await run(database_url, office, write(tmp_path / "all.csv", *everyone))).exit_code == 0
    file = write(tmp_path / "census.csv", *everyone[missing:])
    before = await office.read_all_rows()
    options = ("--full", "--terminated-on", datetime.now(UTC).date().isoformat())
    result = await run(database_url, office, file, *options)
    assert result.exit_code == code
    if code:
        assert "would terminate 2 of 20 employees, more than 5 %" in result.stderr
        assert await office.read_all_rows() == before
        result = await run(database_url, office, file, *options, "--confirm")
        assert result.exit_code == 0
    assert last_line(result) == counts(unchanged=20 - missing, terminated=missing)
    terminated = [id for id, row in (await staff(office)).items() if row["terminated_on"]]
    assert sorted(terminated) == [f"E-{number:02}" for number in range(missing)]


async def test_full_file_keeps_people_without_external_id_and_refused_rows(
    office: Office, database_url: str, tmp_path: Path
) -> None:
    ada = await office.hire()
    assert (await run(database_url, office, write(tmp_path / "all.csv", ADA))).exit_code == 0
    file = write(tmp_path / "census.csv", ADA | {"startDate": "x"})
    result = await run(database_url, office, file, "--full", "--terminated-on", "2026-12-01", "--confirm")
    assert (result.exit_code, last_line(result)) == (1, counts(refused=1))
    assert f"Not terminated, because no external ID is recorded: {ada}." in result.stderr
    unreadable = write(tmp_path / "unreadable.csv", ADA | {"externalId": "=1"})
    result = await run(database_url, office, unreadable, "--full", "--terminated-on", "2026-12-01", "--confirm")
    assert (result.exit_code, "With --full each row needs a readable externalId" in result.stderr) == (1, True)


async def test_wrong_options_are_usage_errors(office: Office, database_url: str, tmp_path: Path) -> None:
    file = write(tmp_path / "census.csv", ADA)
    for options in (["--full"], ["--terminated-on", "2027-01-01"], ["--full", "--terminated-on", "x"]):
        assert (await run(database_url, office, file, *options)).exit_code == 2
    assert (
        await run(database_url, office, write(tmp_path / "census.csv", ADA).rename(tmp_path / "census.txt"))
    ).exit_code == 2


async def test_example_of_the_documentation_is_imported(office: Office, database_url: str, tmp_path: Path) -> None:
    await make_contract(office, division_id="D1")
    document = (ROOT / ".github" / "docs" / "operations.md").read_text(encoding="utf-8")
    file = tmp_path / "census.csv"
    file.write_text(document.split("```csv\n")[1].split("```")[0], encoding="utf-8")
    key = {"BENEGRAPH_ENCRYPTION_KEY": generate_key()}
    result = await run(database_url, office, file, **key)
    assert (result.exit_code, last_line(result), result.stderr) == (0, counts(created=2), "")
    assert {id: row["terminated_on"] for id, row in (await staff(office)).items()} == {
        "E-100": None,
        "E-101": "2026-12-31",
    }
    assert (await staff(office))["E-100"]["ssn_last_four"] == "9999"
    assert len((await office.read_all_rows())["dependents"]) == 2
    result = await run(database_url, office, file, **key)
    assert (result.exit_code, last_line(result)) == (0, counts(unchanged=2))
