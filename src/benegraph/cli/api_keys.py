"""`keys`: issue, list and revoke API keys. Access to the database is all that these commands require."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import typer
from sqlalchemy.exc import IntegrityError

from benegraph.cli.databases import describe_database, run_in_database
from benegraph.cli.errors import USAGE_ERROR, fail, report_errors
from benegraph.db import store
from benegraph.db.models import ApiKey
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action, KeyLimits, Role, Viewer
from benegraph.domain.values import Clock
from benegraph.services import access

T = TypeVar("T")

OPERATOR = "operator"  # the actor in history events, in place of a key's ID

_TENANT_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_CONSTRAINT_MESSAGES = {
    "fk_api_keys_employer": "The employer does not exist in this tenant.",
    "fk_api_keys_employee": "The employee does not exist at this employer.",
}


def parse_limits(role: str, employer: str | None, employee: str | None, actions: Sequence[str]) -> KeyLimits:
    """Return the limits that these options describe, or end the command with a usage error."""
    if role.upper() not in list(Role):
        fail(f"--role must be one of {', '.join(item.lower() for item in Role)}, not {role!r}.", USAGE_ERROR)
    key_role, key_actions = Role(role.upper()), frozenset(_parse_action(action) for action in actions)
    if key_actions and key_role is not Role.SERVICE:
        fail("--action requires --role service; the other roles have fixed rights.", USAGE_ERROR)
    try:
        return KeyLimits(key_role, employer, employee, key_actions)
    except ValueError:
        if key_role is Role.EMPLOYEE:
            fail("--role employee requires --employer and --employee.", USAGE_ERROR)
        if key_role is Role.EMPLOYER:
            fail("--role employer requires --employer.", USAGE_ERROR)
        fail("--employee requires --employer, the employee's own employer.", USAGE_ERROR)


def operator_of(tenant: str) -> Viewer:
    """Return the viewer for commands in a tenant, or end the command with a usage error if the ID is invalid."""
    if not _TENANT_ID.fullmatch(tenant):
        fail("A tenant's ID has 1 to 63 characters of a-z, 0-9 and -, such as acme.", USAGE_ERROR)
    return Viewer(tenant, OPERATOR, Role.ADMINISTRATOR)


def run_in_tenant(data_dir: Path | None, operator: Viewer, action: Callable[[Database], Awaitable[T]]) -> T:
    """Run an action in the database, or end the command with an error if the operator's tenant does not exist."""

    async def check_and_run(database: Database) -> T:
        async with database.read(operator, Clock.at(datetime.now(UTC))) as read_session:
            exists = await store.access.scope_exists(read_session)
        if not exists:
            fail(
                f"The tenant {operator.tenant_id} does not exist in {describe_database(data_dir)};"
                " create it with `benegraph keys issue --create-tenant NAME`."
            )
        return await action(database)

    return run_in_database(data_dir, check_and_run, create=False)


@report_errors
def issue(
    tenant: str,
    limits: KeyLimits,
    label: str,
    expires: int | None,
    create_tenant: str | None,
    data_dir: Path | None,
) -> None:
    operator = operator_of(tenant)

    async def issue_key(database: Database) -> tuple[str, str]:
        clock = Clock.at(datetime.now(UTC))
        expires_at = None if expires is None else clock.now + timedelta(days=expires)

        async def insert_key(tx: Transaction) -> tuple[str, str]:
            if create_tenant is not None:
                await store.access.insert_tenant(tx, create_tenant)
            return await access.issue_key(tx, limits, label, expires_at=expires_at)

        return await database.transact(operator, clock, insert_key)

    try:
        if create_tenant is None:
            id, key = run_in_tenant(data_dir, operator, issue_key)
        else:
            id, key = run_in_database(data_dir, issue_key)
    except IntegrityError as error:
        cause = error.orig.__cause__ if error.orig is not None else None
        constraint = getattr(cause, "constraint_name", "") or ""
        fail(_CONSTRAINT_MESSAGES.get(constraint, "The database rejected the key."))
    place = describe_database(data_dir)
    typer.echo(f"Issued {id} for the role {limits.role} in the tenant {tenant}, in {place}.", err=True)
    typer.echo("The key is shown only once:", err=True)
    typer.echo(key)


@report_errors
def list_keys(tenant: str, data_dir: Path | None) -> None:
    operator = operator_of(tenant)

    async def select_keys(database: Database) -> Sequence[ApiKey]:
        return await database.transact(operator, Clock.at(datetime.now(UTC)), access.list_keys)

    now = datetime.now(UTC)
    lines = [("ID", "KEY", "ROLE", "LIMITED TO", "LABEL", "LAST USED", "STATE")]
    for row in run_in_tenant(data_dir, operator, select_keys):
        limits = row.employee_id or row.employer_id or " ".join(row.actions)
        last_used = "never" if row.last_used_at is None else f"{row.last_used_at:%Y-%m-%d}"
        state = _describe_state(row, now)
        lines.append((row.id, f"{row.prefix}…", row.role, limits or "-", row.label or "-", last_used, state))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:  # not with rich, whose tables truncate IDs in a narrow terminal
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@report_errors
def revoke(tenant: str, key_id: str, data_dir: Path | None) -> None:
    operator = operator_of(tenant)

    async def revoke_key(database: Database) -> bool:
        clock = Clock.at(datetime.now(UTC))
        return await database.transact(operator, clock, lambda tx: access.revoke_key(tx, key_id))

    if not run_in_tenant(data_dir, operator, revoke_key):
        fail(f"The tenant {tenant} has no active key {key_id}.")
    typer.echo(f"Revoked {key_id}.")


def _parse_action(name: str) -> Action:
    if name not in list(Action):
        fail(f"--action must be the name of a mutation, such as {Action.ELECT}, not {name!r}.", USAGE_ERROR)
    return Action(name)


def _describe_state(row: ApiKey, now: datetime) -> str:
    if row.revoked_at is not None:
        return f"revoked {row.revoked_at:%Y-%m-%d}"
    if row.expires_at is None:
        return "active"
    return f"{'expired' if row.expires_at <= now else 'expires'} {row.expires_at:%Y-%m-%d}"
