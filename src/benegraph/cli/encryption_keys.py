"""`encryption-keys`: generate a key, and encrypt stored values anew after a rotation."""

from datetime import UTC, datetime
from pathlib import Path

import typer

from benegraph.cli.api_keys import operator_of, run_in_tenant
from benegraph.cli.errors import fail, report_errors
from benegraph.db.models import Dependent, Employee
from benegraph.db.session import Database
from benegraph.domain.encryption import KeyRing, generate_key
from benegraph.domain.values import Clock
from benegraph.services.ssn import rotate_batch


@report_errors
def generate() -> None:
    typer.echo(generate_key())


@report_errors
def rotate(tenant: str, data_dir: Path | None) -> None:
    operator = operator_of(tenant)

    async def rotate_tenant(database: Database) -> int:
        key_ring = database.key_ring
        if key_ring is None:
            fail("There is no encryption key; set BENEGRAPH_ENCRYPTION_KEY or BENEGRAPH_ENCRYPTION_KEY_FILE.")
        total = 0
        for model in (Employee, Dependent):
            total = await _rotate_table(database, model, key_ring, total)
        return total

    async def _rotate_table(
        database: Database, model: type[Employee | Dependent], key_ring: KeyRing, total: int
    ) -> int:
        while True:
            progress = await database.transact(
                operator, Clock.at(datetime.now(UTC)), lambda tx: rotate_batch(tx, model, key_ring)
            )
            total += progress.rotated
            if progress.rotated:
                typer.echo(f"{total} values encrypted with the first key.", err=True)
            if progress.is_finished:
                return total

    total = run_in_tenant(data_dir, operator, rotate_tenant)
    typer.echo(f"All values of the tenant {tenant} are encrypted with the first key; {total} were changed.")
