"""Viewers of every role, tenants, and the insert function that all factories share."""

from collections.abc import Iterable
from itertools import count
from typing import Any

from benegraph.db import store
from benegraph.db.base import Base
from benegraph.db.models import ApiKey
from benegraph.db.session import Database, Transaction
from benegraph.db.store.row_writes import insert_rows
from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.ids import IdPrefix, new_id
from benegraph.domain.values import Clock
from benegraph.services.access import hash_key

TENANT = "acme"

_id_counter = count()


def administrator(tenant: str = TENANT) -> Viewer:
    return Viewer(tenant, "akey_administrator", Role.ADMINISTRATOR)


def employer_viewer(employer: str, tenant: str = TENANT) -> Viewer:
    """Return a viewer of role EMPLOYER, such as a benefits administrator of the employer."""
    return Viewer(tenant, "akey_clerk", Role.EMPLOYER, employer)


def employee_viewer(employer: str, employee: str, tenant: str = TENANT) -> Viewer:
    return Viewer(tenant, "akey_employee", Role.EMPLOYEE, employer, employee)


def service_viewer(tenant: str = TENANT, employer: str | None = None, actions: Iterable[Action] = ()) -> Viewer:
    return Viewer(tenant, "akey_service", Role.SERVICE, employer, actions=frozenset(actions))


async def make_tenant(database: Database, clock: Clock, *, tenant: str = TENANT) -> None:
    """Insert a tenant, unless it exists."""

    async def transaction(tx: Transaction) -> None:
        await store.access.insert_tenant(tx, tenant.title())

    await database.transact(administrator(tenant), clock, transaction)


async def make_key(
    database: Database,
    clock: Clock,
    *,
    tenant: str = TENANT,
    employer: str | None = None,
    employee: str | None = None,
    actions: Iterable[str] = (),
    **columns: Any,
) -> str:
    """Insert an API key of the role SERVICE, which nobody has."""
    limits = {"employer_id": employer, "employee_id": employee, "actions": list(actions)}
    row = {"prefix": "bgk_00000000", "label": "A feed", "role": Role.SERVICE, **limits, **columns}
    row["secret_hash"] = hash_key(f"{tenant} {next(_id_counter)}")
    (id,) = await insert(database, clock, tenant, ApiKey, row, prefix=IdPrefix.API_KEY)
    return id


async def insert(
    database: Database,
    clock: Clock,
    tenant: str,
    model: type[Base],
    *rows: dict[str, Any],
    prefix: IdPrefix | None = None,
) -> list[str]:
    """Insert rows of one table in one statement. With a prefix, give them new IDs and return these."""
    if prefix is not None:
        rows = tuple({"id": new_id(prefix, clock.now, count=next(_id_counter)), **row} for row in rows)
    await database.transact(administrator(tenant), clock, lambda tx: insert_rows(tx, model, rows))
    return [row["id"] for row in rows if prefix is not None]
