"""`seed`: many made-up people, for trying things at their real size."""

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benegraph.cli.api_keys import operator_of
from benegraph.cli.databases import in_database
from benegraph.cli.errors import in_one_line
from benegraph.db.session import Database
from benegraph.demo import seed_tenant
from benegraph.domain.values import Clock


@in_one_line
def seed(employees: int, seed: int, tenant: str, data_dir: Path | None) -> None:
    operator_of(tenant)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())

    async def story(database: Database) -> None:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("Employees", total=employees)
            clock = Clock.at(datetime.now(UTC))
            await seed_tenant(
                database,
                clock,
                tenant,
                employees,
                seed,
                lambda done, of: bar.update(task, completed=done, total=of),
            )

    in_database(data_dir, story)
    console.print(f"{employees} employees are in {tenant}; `benegraph keys issue --tenant {tenant}` lets you in.")
