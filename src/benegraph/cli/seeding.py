"""`seed`: fill a tenant with generated employees, for load tests."""

from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benegraph.cli.api_keys import operator_of
from benegraph.cli.databases import run_in_database
from benegraph.cli.errors import report_errors
from benegraph.cli.invocation import Invocation
from benegraph.db.session import Database
from benegraph.demo import seed_tenant
from benegraph.domain.values import Clock
from benegraph.settings import Settings


@report_errors
def seed(employees: int, seed: int, tenant: str, data_dir: Path | None) -> None:
    operator_of(tenant)  # checks the tenant's ID
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())

    async def seed_with_progress(database: Database) -> None:
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("Employees", total=employees)
            clock = Clock.at(datetime.now(UTC))
            await seed_tenant(
                database,
                clock,
                tenant,
                employees,
                seed,
                lambda done, total: progress.update(task, completed=done, total=total),
            )

    run_in_database(data_dir, seed_with_progress)
    invocation = Invocation.current(Settings.from_environment())
    words = ("keys", "issue", "--tenant", tenant, "--role", "administrator")
    typer.echo(f"The tenant {tenant} contains the {employees} employees of seed {seed}. Issue a key with", err=True)
    typer.echo(invocation.command(*words, data_dir=data_dir), err=True)
