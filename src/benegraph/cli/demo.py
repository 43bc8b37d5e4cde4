"""The demo: its data, a key for each kind of viewer, and the note of both that it leaves in its directory."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import strawberry

from benegraph.cli.explorer_tabs import build_explorer_config
from benegraph.db.session import Database
from benegraph.demo import DemoIds, fill_demo_tenants
from benegraph.domain.access import Role, Viewer
from benegraph.domain.errors import RequestError
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.services import access
from benegraph.web.explorer import ExplorerConfig

NOTE = "demo.json"
SEED = 1
OPERATOR = "demo"
ELIGIBLE = "query($id: ID!) { enrollment(id: $id) { eligiblePlans { plan { id } costs { coverageTier } } } }"


@dataclass(frozen=True, slots=True)
class Samples:
    """What a newcomer needs to try the demo."""

    url: str
    keys: Mapping[str, str]
    employee_id: str
    employer_id: str
    pending_enrollment_ids: tuple[str, ...]
    #: An input of `elect` that answers the first pending enrollment; None where nothing is pending.
    election: dict[str, Any] | None
    #: How the explorer opens.
    explorer_config: ExplorerConfig


async def prepare(
    database: Database, schema: strawberry.Schema, directory: Path, url: str, today: date | None
) -> Samples:
    """Fill the database, once; then find the keys that were issued before, or issue new ones."""
    clock = Clock.at(datetime.now(UTC), today)
    handles = await fill_demo_tenants(database, clock, SEED)
    noted = _noted_keys(directory / NOTE)
    keys = {}
    for scope in _scopes(handles):
        name = scope.role.lower()
        key = noted.get(name)
        if key is None or not await _opens(database, clock, key, handles.tenant_id, scope):
            key = await _issue(database, clock, handles.tenant_id, scope)
        keys[name] = key
    viewer = await access.authenticate(database, clock, keys["employee"], handles.tenant_id)
    election = await _election(schema, Context(database, viewer, clock, OPERATOR), handles)
    administrator = await access.authenticate(database, clock, keys["administrator"], handles.tenant_id)
    explorer_config = await build_explorer_config(
        schema, Context(database, administrator, clock, OPERATOR), handles, keys
    )
    pending = tuple(handles.pending_enrollment_ids)
    return Samples(url, keys, handles.employee_id, handles.employer_id, pending, election, explorer_config)


def write(directory: Path, samples: Samples) -> None:
    """Leave the note, for scripts: readable by its owner alone, and never half written."""
    content = {
        "url": samples.url,
        "keys": samples.keys,
        "samples": {
            "employeeId": samples.employee_id,
            "employerId": samples.employer_id,
            "pendingEnrollmentIds": list(samples.pending_enrollment_ids),
        },
    }
    descriptor, fresh = tempfile.mkstemp(prefix=f".{NOTE}-", dir=directory)  # made with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        Path(fresh).replace(directory / NOTE)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise


def _scopes(handles: DemoIds) -> tuple[access.KeyScope, ...]:
    return (
        access.KeyScope(Role.ADMINISTRATOR),
        access.KeyScope(Role.EMPLOYER, handles.employer_id),
        access.KeyScope(Role.EMPLOYEE, handles.employer_id, handles.employee_id),
    )


def _noted_keys(note: Path) -> dict[str, str]:
    try:
        keys = orjson.loads(note.read_bytes())["keys"]
        return {name: key for name, key in keys.items() if isinstance(key, str)}
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return {}


async def _opens(database: Database, clock: Clock, key: str, tenant_id: str, scope: access.KeyScope) -> bool:
    try:
        viewer = await access.authenticate(database, clock, key, tenant_id)
    except RequestError:
        return False
    return (viewer.role, viewer.employer_id, viewer.employee_id) == (scope.role, scope.employer_id, scope.employee_id)


async def _issue(database: Database, clock: Clock, tenant_id: str, scope: access.KeyScope) -> str:
    operator = Viewer(tenant_id, OPERATOR, Role.ADMINISTRATOR)
    label = f"the demo's {scope.role.lower()}"
    _, key = await database.transact(operator, clock, lambda tx: access.issue_key(tx, scope, label))
    return key


async def _election(schema: strawberry.Schema, context: Context, handles: DemoIds) -> dict[str, Any] | None:
    """Make an answer for the first pending enrollment: a plan for the employee alone, or where there is none, no."""
    if not handles.pending_enrollment_ids:
        return None
    id = handles.pending_enrollment_ids[0]
    answer = await execute(DocumentCache(schema), context, GraphQLRequest(ELIGIBLE, {"id": id}))
    found = (answer.get("data") or {}).get("enrollment") or {"eligiblePlans": []}
    plans = [
        offer["plan"]["id"]
        for offer in found["eligiblePlans"]
        if any(cost["coverageTier"] == "EE" for cost in offer["costs"])
    ]
    election = {"enrollmentId": id, "decision": "WAIVED"}
    if plans:
        election |= {"decision": "ENROLLED", "selectedPlanId": plans[0], "coverageTier": "EE"}
    return {"employeeId": handles.employee_id, "elections": [election], "idempotencyKey": f"demo-{id}"}
