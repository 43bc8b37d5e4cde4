"""`import coverage` and `export coverage`: CSV and JSON Lines files with coverage of record."""

import os
import stat
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from benegraph.cli.api_keys import operator_of, run_in_tenant
from benegraph.cli.errors import FAILED, USAGE_ERROR, fail, report_errors
from benegraph.db import store
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Viewer
from benegraph.domain.coverage import MAX_BATCH_SIZE, BatchOutcome
from benegraph.domain.errors import RuleViolation
from benegraph.domain.values import Clock
from benegraph.exchange import FileFormat
from benegraph.exchange.coverage import CoverageEntry, parse_coverage_file, render_header, render_line
from benegraph.exchange.values import UnreadableInput
from benegraph.services.coverage import CoverageItemResult, upsert_coverage

STANDARD_OUTPUT = Path("-")


@dataclass(slots=True)
class ImportProgress:
    """The outcomes of an import so far, and the last line that was committed."""

    outcomes: Counter[BatchOutcome] = field(default_factory=Counter)
    last_line: int = 0
    is_complete: bool = False

    def __str__(self) -> str:
        labels = {
            "created": BatchOutcome.CREATED,
            "updated": BatchOutcome.UPDATED,
            "unchanged": BatchOutcome.UNCHANGED,
            "refused": BatchOutcome.FAILED,
        }
        return ", ".join(f"{label} {self.outcomes[outcome]}" for label, outcome in labels.items())


@report_errors
def import_coverage(file: Path, file_format: FileFormat | None, tenant: str, data_dir: Path | None) -> None:
    operator, file_format, progress = operator_of(tenant), file_format or _format_of(file), ImportProgress()
    with _open_source(file) as source:
        try:
            entries = parse_coverage_file(source, file_format)
        except UnreadableInput as error:
            fail(f"{file}: {error}", USAGE_ERROR)
        try:
            with _progress_bar(file.name, source) as advance:
                run_in_tenant(
                    data_dir,
                    operator,
                    lambda database: _import_entries(database, operator, entries, progress, advance),
                )
        finally:
            if not progress.is_complete and progress.last_line:
                typer.echo(
                    f"The import stopped after line {progress.last_line}; run the command again to import the rest.",
                    err=True,
                )
    typer.echo(str(progress))
    if progress.outcomes[BatchOutcome.FAILED]:
        raise typer.Exit(FAILED)


@report_errors
def export_coverage(output: Path | None, file_format: FileFormat | None, tenant: str, data_dir: Path | None) -> None:
    operator = operator_of(tenant)
    if output is None or output == STANDARD_OUTPUT:
        with _standard_output() as target:
            stream_format = file_format or FileFormat.CSV
            run_in_tenant(data_dir, operator, lambda database: _export_rows(database, operator, stream_format, target))
        return
    output_format = file_format or _format_of(output)
    with _replace_file(output) as target:
        count = run_in_tenant(
            data_dir, operator, lambda database: _export_rows(database, operator, output_format, target)
        )
    typer.echo(f"Exported {count} rows to {output}.", err=True)


def _format_of(file: Path) -> FileFormat:
    try:
        return FileFormat(file.suffix.lower().removeprefix("."))
    except ValueError:
        fail(f"The name {file} ends in neither .csv nor .jsonl; specify the format with --format.", USAGE_ERROR)


# --------------------------------------------------------------------------------------------------------- import


async def _import_entries(
    database: Database,
    operator: Viewer,
    entries: Iterator[CoverageEntry],
    progress: ImportProgress,
    advance: Callable[[], None],
) -> None:
    """Import entries in batches, one transaction for each batch, and print the errors of refused rows."""
    while batch := list(islice(entries, MAX_BATCH_SIZE)):
        results = iter(await _write_batch(database, operator, batch))
        errors: list[str] = []
        for entry in batch:
            result = CoverageItemResult(BatchOutcome.FAILED) if entry.item is None else next(results)
            progress.outcomes[result.outcome] += 1
            messages = (*entry.errors, *map(_describe_violation, result.violations))
            errors += [f"line {entry.line}: {message}" for message in messages]
        if errors:
            typer.echo("\n".join(errors), err=True)  # in one call, because each redraws the progress bar
        progress.last_line = batch[-1].line
        advance()
    progress.is_complete = True


async def _write_batch(
    database: Database, operator: Viewer, batch: Sequence[CoverageEntry]
) -> Sequence[CoverageItemResult]:
    items = [entry.item for entry in batch if entry.item is not None]
    if not items:
        return []

    async def upsert_items(tx: Transaction) -> Sequence[CoverageItemResult]:
        await store.coverage.discard_plans(tx)
        return await upsert_coverage(tx, items)

    return await database.transact(operator, Clock.at(datetime.now(UTC)), upsert_items)


def _describe_violation(violation: RuleViolation) -> str:
    _mutation, _index, *path = violation.field or ("", "")
    return f"{'.'.join(path)}: {violation.code}: {violation.message}"


@contextmanager
def _open_source(file: Path) -> Iterator[BinaryIO]:
    try:
        source = file.open("rb")
    except OSError as error:
        fail(f"Cannot read {file}: {error.strerror}.", USAGE_ERROR)
    with source:
        yield source


@contextmanager
def _progress_bar(name: str, source: BinaryIO) -> Iterator[Callable[[], None]]:
    """Show a progress bar on a terminal. Yields a function that advances it to the position in the file."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    status = os.fstat(source.fileno())
    if not console.is_terminal or not stat.S_ISREG(status.st_mode):
        yield lambda: None
        return
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(name, total=status.st_size)
        yield lambda: bar.update(task, completed=source.tell())


# --------------------------------------------------------------------------------------------------------- export


async def _export_rows(database: Database, operator: Viewer, file_format: FileFormat, target: BinaryIO) -> int:
    """Write all coverage of record as of one instant, and return the number of rows."""
    count = 0
    target.write(render_header(file_format).encode())
    snapshot = store.coverage.with_snapshot_reads(database)
    async with snapshot.read(operator, Clock.at(datetime.now(UTC))) as read_session:
        async for page in store.coverage.iterate_pages(read_session):
            target.write("".join(render_line(row, file_format) for row in page).encode())
            count += len(page)
    return count


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    stream = typer.get_binary_stream("stdout")
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:  # the reader has closed the pipe; without a new target Python would print an error at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise typer.Exit(FAILED) from None


@contextmanager
def _replace_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing, which replaces `path` only once it is complete. Devices and pipes are written to."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("wb") as target:
            yield target
        return
    # The file contains personal data; mkstemp makes it readable by its owner alone.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as target:
            yield target
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
