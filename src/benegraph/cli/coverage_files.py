"""`import` and `export`: files of another system, taken in a batch a transaction and given out as of one moment."""

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

from benegraph.cli.api_keys import operator_of
from benegraph.cli.databases import in_database
from benegraph.cli.errors import FAILED, MISUSED, fail, in_one_line
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
class Report:
    """What has come of an import so far, and through which line."""

    outcomes: Counter[BatchOutcome] = field(default_factory=Counter)
    through: int = 0
    is_whole: bool = False

    def __str__(self) -> str:
        words = {
            "created": BatchOutcome.CREATED,
            "updated": BatchOutcome.UPDATED,
            "unchanged": BatchOutcome.UNCHANGED,
            "refused": BatchOutcome.FAILED,
        }
        return ", ".join(f"{word} {self.outcomes[outcome]}" for word, outcome in words.items())


@in_one_line
def import_coverage(file: Path, form: FileFormat | None, tenant: str, data_dir: Path | None) -> None:
    operator, form, report = operator_of(tenant), form or _form_of(file), Report()
    with _opened(file) as source:
        try:
            entries = parse_coverage_file(source, form)
        except UnreadableInput as error:
            fail(f"{file}: {error}", MISUSED)
        try:
            with _progress(file.name, source) as advance:
                in_database(data_dir, lambda database: _take_in(database, operator, entries, report, advance))
        finally:
            if not report.is_whole and report.through:
                typer.echo(f"Through line {report.through} it was taken in; call again, and the rest is.", err=True)
    typer.echo(str(report))
    if report.outcomes[BatchOutcome.FAILED]:
        raise typer.Exit(FAILED)


@in_one_line
def export_coverage(output: Path | None, form: FileFormat | None, tenant: str, data_dir: Path | None) -> None:
    operator = operator_of(tenant)
    if output is None or output == STANDARD_OUTPUT:
        with _standard_output() as target:
            in_database(data_dir, lambda database: _give_out(database, operator, form or FileFormat.CSV, target))
        return
    form = form or _form_of(output)
    with _whole_file(output) as target:
        count = in_database(data_dir, lambda database: _give_out(database, operator, form, target))
    typer.echo(f"{count} coverages are in {output}.", err=True)


def _form_of(file: Path) -> FileFormat:
    try:
        return FileFormat(file.suffix.lower().removeprefix("."))
    except ValueError:
        fail(f"{file} ends in neither .csv nor .jsonl: say which with --format.", MISUSED)


# ------------------------------------------------------------------------------------------------------ taking in


async def _take_in(
    database: Database, operator: Viewer, entries: Iterator[CoverageEntry], report: Report, advance: Callable[[], None]
) -> None:
    await _see_that_it_is_there(database, operator)
    while batch := list(islice(entries, MAX_BATCH_SIZE)):
        results = iter(await _write(database, operator, batch))
        refusals: list[str] = []
        for entry in batch:
            result = CoverageItemResult(BatchOutcome.FAILED) if entry.item is None else next(results)
            report.outcomes[result.outcome] += 1
            refusals += [f"line {entry.line}: {reason}" for reason in (*entry.errors, *map(_reason, result.violations))]
        if refusals:
            typer.echo("\n".join(refusals), err=True)  # at once, as a terminal draws the bar anew beneath each text
        report.through = batch[-1].line
        advance()
    report.is_whole = True


async def _write(database: Database, operator: Viewer, batch: Sequence[CoverageEntry]) -> Sequence[CoverageItemResult]:
    items = [entry.item for entry in batch if entry.item is not None]
    if not items:
        return []

    async def story(tx: Transaction) -> Sequence[CoverageItemResult]:
        await store.coverage.discard_plans(tx)
        return await upsert_coverage(tx, items)

    return await database.transact(operator, Clock.at(datetime.now(UTC)), story)


async def _see_that_it_is_there(database: Database, operator: Viewer) -> None:
    async with database.read(operator, Clock.at(datetime.now(UTC))) as read_session:
        if not await store.access.scope_exists(read_session):
            fail(f"There is no tenant {operator.tenant_id}; `benegraph keys issue --create-tenant NAME` makes it.")


def _reason(rule: RuleViolation) -> str:
    _call, _index, *field = rule.field or ("", "")
    return f"{'.'.join(field)}: {rule.code}: {rule.message}"


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    try:
        source = file.open("rb")
    except OSError as error:
        fail(f"{file} can't be read: {error.strerror}.", MISUSED)
    with source:
        yield source


@contextmanager
def _progress(name: str, source: BinaryIO) -> Iterator[Callable[[], None]]:
    """Show on a terminal how much of a file is read, each time that what is given is called."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    about = os.fstat(source.fileno())
    if not console.is_terminal or not stat.S_ISREG(about.st_mode):
        yield lambda: None
        return
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(name, total=about.st_size)
        yield lambda: bar.update(task, completed=source.tell())


# ------------------------------------------------------------------------------------------------------ giving out


async def _give_out(database: Database, operator: Viewer, form: FileFormat, target: BinaryIO) -> int:
    await _see_that_it_is_there(database, operator)
    count = 0
    target.write(render_header(form).encode())
    still = store.coverage.with_snapshot_reads(database)
    async with still.read(operator, Clock.at(datetime.now(UTC))) as read_session:
        async for page in store.coverage.iterate_pages(read_session):
            target.write("".join(render_line(row, form) for row in page).encode())
            count += len(page)
    return count


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    stream = typer.get_binary_stream("stdout")
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:  # whoever reads has seen enough; Python would complain again when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise typer.Exit(FAILED) from None


@contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is there as a whole once it is written, or stays as it was; a device or a pipe is written to."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("wb") as target:
            yield target
        return
    # Readable by its owner alone: it is people's data.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as target:
            yield target
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
