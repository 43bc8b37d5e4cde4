"""`keys`: whoever reaches the database may issue, list and revoke the keys of its tenants."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer
from sqlalchemy.exc import IntegrityError

from benegraph.cli.databases import in_database
from benegraph.cli.errors import MISUSED, fail, in_one_line
from benegraph.db import store
from benegraph.db.models import ApiKey
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.values import Clock
from benegraph.services import access

OPERATOR = "operator"  # what history says instead of a key's id

_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_MISSING = {
    "fk_api_keys_tenant": "There is no such tenant; --create-tenant NAME makes it.",
    "fk_api_keys_employer": "There is no such employer in this tenant.",
    "fk_api_keys_employee": "There is no such employee of this employer.",
}


def scope_of(role: str, employer: str | None, employee: str | None, actions: Sequence[str]) -> access.KeyScope:
    """Make out what a key is to be limited to; say so where that can't be."""
    if role.upper() not in list(Role):
        fail(f"--role is one of {', '.join(word.lower() for word in Role)}, not {role!r}.", MISUSED)
    scope = access.KeyScope(Role(role.upper()), employer, employee, frozenset(_action(action) for action in actions))
    if scope.actions and scope.role is not Role.SERVICE:
        fail("--action is for a service's key: any other may do what its role may.", MISUSED)
    try:
        Viewer("any", "any", scope.role, employer, employee)
    except ValueError as error:
        fail(f"{str(error).capitalize()}: --employer{' and --employee' * (scope.role is Role.EMPLOYEE)}.", MISUSED)
    return scope


def operator_of(tenant: str) -> Viewer:
    """Give the viewer that a command is in a tenant; say so where that is no tenant's id."""
    if not _TENANT.fullmatch(tenant):
        fail("A tenant's id is of a-z, 0-9 and -, up to 63 of them, such as acme.", MISUSED)
    return Viewer(tenant, OPERATOR, Role.ADMINISTRATOR)


@in_one_line
def issue(
    tenant: str,
    scope: access.KeyScope,
    label: str,
    expires: int | None,
    create_tenant: str | None,
    data_dir: Path | None,
) -> None:
    operator = operator_of(tenant)

    async def story(database: Database) -> tuple[str, str]:
        clock = Clock.at(datetime.now(UTC))
        expires_at = None if expires is None else clock.now + timedelta(days=expires)

        async def told(tx: Transaction) -> tuple[str, str]:
            if create_tenant is not None:
                await store.access.insert_tenant(tx, create_tenant)
            return await access.issue_key(tx, scope, label, expires_at=expires_at)

        return await database.transact(operator, clock, told)

    try:
        id, key = in_database(data_dir, story)
    except IntegrityError as error:
        cause = error.orig.__cause__ if error.orig is not None else None
        fail(_MISSING.get(getattr(cause, "constraint_name", "") or "", "The database refuses this key."))
    typer.echo(f"{id} is good as {scope.role} in {tenant}. This is the key; it is shown this once:", err=True)
    typer.echo(key)


@in_one_line
def show(tenant: str, data_dir: Path | None) -> None:
    operator = operator_of(tenant)

    async def story(database: Database) -> Sequence[ApiKey]:
        return await database.transact(operator, Clock.at(datetime.now(UTC)), access.list_keys)

    now = datetime.now(UTC)
    lines = [("ID", "KEY", "ROLE", "LIMITED TO", "LABEL", "LAST USED", "STATE")]
    for row in in_database(data_dir, story):
        limits = row.employee_id or row.employer_id or " ".join(row.actions)
        used = "never" if row.last_used_at is None else f"{row.last_used_at:%Y-%m-%d}"
        lines.append((row.id, f"{row.prefix}…", row.role, limits or "-", row.label or "-", used, _state(row, now)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:  # by hand: a table of rich's cuts what a narrow terminal can't hold, and ids are to be copied
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@in_one_line
def revoke(tenant: str, key_id: str, data_dir: Path | None) -> None:
    operator = operator_of(tenant)

    async def story(database: Database) -> bool:
        clock = Clock.at(datetime.now(UTC))
        return await database.transact(operator, clock, lambda tx: access.revoke_key(tx, key_id))

    if not in_database(data_dir, story):
        fail(f"{tenant} has no key {key_id} in force.")
    typer.echo(f"{key_id} is revoked.")


def _action(name: str) -> Action:
    if name not in list(Action):
        fail(f"--action is a mutation's name, such as {Action.ELECT}; there is no {name!r}.", MISUSED)
    return Action(name)


def _state(row: ApiKey, now: datetime) -> str:
    if row.revoked_at is not None:
        return f"revoked {row.revoked_at:%Y-%m-%d}"
    if row.expires_at is None:
        return "in force"
    return f"{'expired' if row.expires_at <= now else 'until'} {row.expires_at:%Y-%m-%d}"
