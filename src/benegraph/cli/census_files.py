"""`import census`: files of an employer's people, previewed as a whole before anything is written."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from itertools import chain
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from benegraph.cli.api_keys import operator_of, run_in_tenant
from benegraph.cli.errors import FAILED, USAGE_ERROR, fail, report_errors
from benegraph.db import store
from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.domain.census import CensusOutcome, EnrollmentEffectKind
from benegraph.domain.checks import check_id
from benegraph.domain.errors import RuleViolation
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import Clock, parse_iso_date
from benegraph.exchange import CensusFormat
from benegraph.exchange.census import (
    FIELD_NAMES,
    CensusEntry,
    build_missing_entry,
    iterate_batches,
    parse_census,
)
from benegraph.exchange.census_mapping import CensusMapping, read_mapping
from benegraph.exchange.values import UnreadableInput
from benegraph.services.census import CensusItemResult, upsert_employees

BATCH_SIZE = 200
#: A file may terminate this share of an employer's employees without `--confirm`, in percent.
MAX_TERMINATED_PERCENT = 5
#: How many changes the preview lists one by one.
_LISTED = 20
#: Stands for the line of an employee who is missing in the file.
MISSING = "missing"
_REPORT_COLUMNS = ("line", "externalId", "outcome", "changes", "enrollments", "errors")

Results = list[tuple[CensusEntry, CensusItemResult]]


@dataclass(frozen=True, slots=True)
class CensusOptions:
    """The options of the command."""

    employer: str
    tenant: str
    mapping: Path | None
    dry_run: bool
    full: bool
    terminated_on: str | None
    confirm: bool
    report: Path | None
    file_format: CensusFormat | None


@report_errors
def import_census(file: Path, options: CensusOptions, data_dir: Path | None) -> None:
    operator = operator_of(options.tenant)
    if any(check_id(IdPrefix.EMPLOYER, options.employer)):
        fail(f"--employer must be an employer's ID such as {IdPrefix.EMPLOYER}_01….", USAGE_ERROR)
    terminated_on = _parse_terminated_on(options)
    entries = _parse_file(file, options)
    run_in_tenant(
        data_dir, operator, lambda database: _import_entries(database, operator, entries, options, terminated_on)
    )


def _parse_terminated_on(options: CensusOptions) -> date | None:
    day = None if options.terminated_on is None else parse_iso_date(options.terminated_on)
    if options.terminated_on is not None and day is None:
        fail("--terminated-on must be a date such as 2027-03-01.", USAGE_ERROR)
    if options.full is not (day is not None):
        fail(
            "--full and --terminated-on go together: those missing in the file are terminated on that day.", USAGE_ERROR
        )
    return day


def _parse_file(file: Path, options: CensusOptions) -> list[CensusEntry]:
    try:
        file_format = options.file_format or CensusFormat(file.suffix.lower().removeprefix("."))
    except ValueError:
        fail(f"The name {file} ends in none of .csv, .xlsx and .jsonl; specify the format with --format.", USAGE_ERROR)
    try:
        mapping = CensusMapping() if options.mapping is None else read_mapping(options.mapping, FIELD_NAMES)
    except UnreadableInput as error:
        fail(str(error), USAGE_ERROR)
    try:
        with file.open("rb") as source:
            entries = parse_census(source, file_format, mapping)
    except UnreadableInput as error:
        fail(f"{file}: {error}", USAGE_ERROR)
    if not entries:
        fail(f"{file}: The file has no rows.", USAGE_ERROR)
    return entries


async def _import_entries(
    database: Database, operator: Viewer, entries: list[CensusEntry], options: CensusOptions, terminated_on: date | None
) -> None:
    employees = await _list_employed(database, operator, options.employer)
    if terminated_on is not None:
        entries = entries + _find_missing(entries, employees, terminated_on)
    preview = await _apply(database, operator, options.employer, entries, "Preview", dry_run=True)
    results = _with_unreadable(entries, preview)
    _print_preview(results)
    _check_terminations(preview, len(employees), options)
    if not options.dry_run:
        results = _with_unreadable(
            entries, await _apply(database, operator, options.employer, entries, "Import", dry_run=False)
        )
    errors = [f"line {line}: {message}" for line, message in chain.from_iterable(map(_list_errors, results))]
    if errors:
        typer.echo("\n".join(errors), err=True)
    if options.report is not None:
        _write_report(options.report, results)
    typer.echo(("Nothing was written: " if options.dry_run else "") + _count_outcomes(results))
    if errors:
        raise typer.Exit(FAILED)


async def _list_employed(database: Database, operator: Viewer, employer: str) -> list[tuple[str, str | None]]:
    """Return the ID and the external ID of each employee of an employer who is not terminated."""
    async with database.read(operator, Clock.at(datetime.now(UTC))) as read_session:
        if employer not in await store.employers.by_ids(read_session, [employer]):
            fail(f"The tenant {operator.tenant_id} has no employer with ID {employer}.")
        return await store.people.list_employed(read_session, employer)


def _find_missing(
    entries: Sequence[CensusEntry], employees: Sequence[tuple[str, str | None]], terminated_on: date
) -> list[CensusEntry]:
    """Return an entry that terminates each employee who has an external ID that is not in the file."""
    unknown = [str(entry.rows[0].line) for entry in entries if entry.external_id is None]
    if unknown:
        fail(f"With --full each row needs a readable externalId; see lines {', '.join(unknown[:10])}.")
    without = [id for id, external_id in employees if external_id is None]
    if without:
        typer.echo(f"Not terminated, because no external ID is recorded: {', '.join(without)}.", err=True)
    listed = {entry.external_id for entry in entries}
    missing = sorted(external_id for _, external_id in employees if external_id is not None)
    return [build_missing_entry(id, terminated_on) for id in missing if id not in listed]


async def _apply(
    database: Database, operator: Viewer, employer: str, entries: Sequence[CensusEntry], title: str, *, dry_run: bool
) -> Results:
    """Apply the readable entries in batches, one transaction for each batch."""
    results: Results = []
    with _progress_bar(title, sum(entry.item is not None for entry in entries)) as advance:
        for batch in iterate_batches(entries, BATCH_SIZE):
            items = [entry.item for entry in batch if entry.item is not None]
            upsert = partial(upsert_employees, employer_id=employer, items=items)
            clock = Clock.at(datetime.now(UTC))
            results += zip(batch, await database.transact(operator, clock, upsert, dry_run=dry_run), strict=True)
            advance(len(batch))
    return results


def _with_unreadable(entries: Sequence[CensusEntry], results: Results) -> Results:
    """Return the results of all entries, in their order; those without an item are refused."""
    by_entry = {id(entry): result for entry, result in results}
    return [(entry, by_entry.get(id(entry), CensusItemResult(CensusOutcome.REFUSED))) for entry in entries]


def _check_terminations(preview: Results, employed: int, options: CensusOptions) -> None:
    """End the command if the file would terminate more than the permitted share of the employees."""
    terminated = sum(result.outcome is CensusOutcome.TERMINATED for _, result in preview)
    if terminated * 100 > employed * MAX_TERMINATED_PERCENT and not (options.confirm or options.dry_run):
        fail(
            f"The file would terminate {terminated} of {employed} employees, more than {MAX_TERMINATED_PERCENT} %."
            " Nothing was written. Check the file, and repeat the command with --confirm if it is right."
        )


# ---------------------------------------------------------------------------------------------------------- output


def _print_preview(results: Results) -> None:
    kinds = Counter(effect.kind for _, result in results for effect in result.effects)
    outcomes = Counter(result.outcome for _, result in results)
    table = Table("outcome", "people", title="What the file does", title_justify="left")
    for outcome in CensusOutcome:
        table.add_row(outcome, str(outcomes[outcome]))
    table.add_section()
    table.add_row("enrollments issued", str(kinds[EnrollmentEffectKind.ISSUED]))
    table.add_row("coverage ended", str(kinds[EnrollmentEffectKind.COVERAGE_ENDED]))
    console = Console()
    console.print(table)
    changed = [each for each in results if each[1].outcome not in (CensusOutcome.UNCHANGED, CensusOutcome.REFUSED)]
    if not changed:
        return
    details = Table("line", "externalId", "outcome", "changes", "enrollments")
    for entry, result in changed[:_LISTED]:
        details.add_row(*_describe(entry, result)[:5])
    console.print(details, markup=False)
    if len(changed) > _LISTED:
        console.print(f"… and {len(changed) - _LISTED} more; --report writes all of them.", highlight=False)


def _describe(entry: CensusEntry, result: CensusItemResult) -> list[str]:
    """Return the cells of an entry: its line, external ID, outcome, changes and effects. None is personal."""
    dependents = Counter(each.outcome for each in result.dependents if each.outcome is not CensusOutcome.UNCHANGED)
    changes = [*result.changed, *(f"{number} dependents {outcome}" for outcome, number in dependents.items())]
    effects = [
        f"{effect.kind} {effect.coverage_ends_on or effect.effective_on}"
        if effect.coverage_ends_on or effect.kind is EnrollmentEffectKind.ISSUED
        else effect.kind
        for effect in result.effects
    ]
    line = str(entry.rows[0].line) if entry.rows else MISSING
    return [line, _to_safe_cell(entry.external_id or ""), result.outcome, ", ".join(changes), ", ".join(effects)]


def _list_errors(entry_and_result: tuple[CensusEntry, CensusItemResult]) -> Iterator[tuple[str, str]]:
    entry, result = entry_and_result
    for row in entry.rows:
        yield from ((str(row.line), error) for error in row.errors)
    for violation in result.violations:
        line, path = _locate(entry, violation)
        yield line, f"{path}: {violation.code}: {violation.message}"


def _locate(entry: CensusEntry, violation: RuleViolation) -> tuple[str, str]:
    """Return the line of the row that a violation concerns, and the name of the field."""
    path = list(violation.field or ())[2:]
    if path[:1] == ["dependents"] and len(path) > 1:
        return str(entry.dependent_rows[int(path[1])].line), ".".join(path[2:])
    own = [row for row in entry.rows if not row.is_dependent] or entry.rows
    return str(own[0].line) if own else MISSING, ".".join(path)


def _write_report(path: Path, results: Results) -> None:
    """Write the outcome of each person as CSV, readable by its owner alone. It holds external IDs, and no names."""
    path.touch(mode=0o600, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(_REPORT_COLUMNS)
        for entry, result in results:
            errors = "; ".join(f"line {line}: {message}" for line, message in _list_errors((entry, result)))
            writer.writerow([*_describe(entry, result), errors])


def _to_safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _count_outcomes(results: Results) -> str:
    outcomes = Counter(result.outcome for _, result in results)
    return ", ".join(f"{outcome.lower()} {outcomes[outcome]}" for outcome in CensusOutcome)


@contextmanager
def _progress_bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal. Yields a function that advances it by a number of people."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _count: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.advance(task, count)
