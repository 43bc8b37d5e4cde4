"""The demo: its data, its API keys, and the file `demo.json` with both in the demo's data directory."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import strawberry

from benegraph.cli.graphiql_tabs import build_pages_config
from benegraph.db.session import Database
from benegraph.demo import DemoIds, fill_demo_tenants
from benegraph.domain.access import KeyLimits, Role, Viewer
from benegraph.domain.errors import RequestError
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.services import access
from benegraph.web.pages import PagesConfig

DEMO_FILE = "demo.json"
SEED = 1
OPERATOR = "demo"
ELIGIBLE_PLANS_QUERY = """
query($id: ID!) { enrollment(id: $id) { eligiblePlans { plan { id } costs { coverageTier } } } }
"""


@dataclass(frozen=True, slots=True)
class DemoInfo:
    """The URL, keys and IDs with which a user tries the demo."""

    url: str
    keys: Mapping[str, str]
    ids: DemoIds
    #: The demo's date, at every time of day and in all time zones.
    today: date
    #: An input of `elect` for the first pending enrollment; None if there is none.
    election: dict[str, Any] | None
    pages_config: PagesConfig


async def prepare_demo(
    database: Database, schema: strawberry.Schema, directory: Path, url: str, today: date | None
) -> DemoInfo:
    """Fill the demo's tenants, once, and issue the API keys that `demo.json` does not have yet.

    Without a given date, today is the date for which the data was generated, so that its windows stay open.
    """
    now = datetime.now(UTC)
    demo_ids = await fill_demo_tenants(database, Clock.at(now, today), SEED)
    clock = Clock.at(now, today or demo_ids.generated_for, real_time=today is None)
    saved_keys = _read_keys(directory / DEMO_FILE)
    keys = {}
    for limits in _key_limits(demo_ids):
        name = limits.role.lower()
        key = saved_keys.get(name)
        if key is None or not await _is_valid(database, clock, key, demo_ids.tenant_id, limits):
            key = await _issue_key(database, clock, demo_ids.tenant_id, limits)
        keys[name] = key
    employee = await access.authenticate(database, clock, keys["employee"], demo_ids.tenant_id)
    election = await _build_election(schema, Context(database, employee, clock, OPERATOR), demo_ids)
    administrator = await access.authenticate(database, clock, keys["administrator"], demo_ids.tenant_id)
    context = Context(database, administrator, clock, OPERATOR)
    pages_config = await build_pages_config(schema, context, demo_ids, keys)
    return DemoInfo(url, keys, demo_ids, today or demo_ids.generated_for, election, pages_config)


def write_demo_file(directory: Path, info: DemoInfo) -> None:
    """Write `demo.json` for scripts: atomically, and readable by its owner alone."""
    content = {
        "url": info.url,
        "keys": info.keys,
        "samples": {
            "employeeId": info.ids.employee_id,
            "employerId": info.ids.employer_id,
            "pendingEnrollmentIds": list(info.ids.pending_enrollment_ids),
        },
        "today": info.today,
    }
    descriptor, temporary = tempfile.mkstemp(prefix=f".{DEMO_FILE}-", dir=directory)  # with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        Path(temporary).replace(directory / DEMO_FILE)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _key_limits(demo_ids: DemoIds) -> tuple[KeyLimits, ...]:
    return (
        KeyLimits(Role.ADMINISTRATOR),
        KeyLimits(Role.EMPLOYER, demo_ids.employer_id),
        KeyLimits(Role.EMPLOYEE, demo_ids.employer_id, demo_ids.employee_id),
    )


def _read_keys(file: Path) -> dict[str, str]:
    """Return the keys that an earlier run saved; none if the file is missing or malformed."""
    try:
        keys = orjson.loads(file.read_bytes())["keys"]
        return {name: key for name, key in keys.items() if isinstance(key, str)}
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return {}


async def _is_valid(database: Database, clock: Clock, key: str, tenant_id: str, limits: KeyLimits) -> bool:
    """Return whether a key exists and has these limits."""
    try:
        viewer = await access.authenticate(database, clock, key, tenant_id)
    except RequestError:
        return False
    return (viewer.role, viewer.employer_id, viewer.employee_id) == (
        limits.role,
        limits.employer_id,
        limits.employee_id,
    )


async def _issue_key(database: Database, clock: Clock, tenant_id: str, limits: KeyLimits) -> str:
    operator = Viewer(tenant_id, OPERATOR, Role.ADMINISTRATOR)
    label = f"the demo's {limits.role.lower()}"
    _, key = await database.transact(operator, clock, lambda tx: access.issue_key(tx, limits, label))
    return key


async def _build_election(schema: strawberry.Schema, context: Context, demo_ids: DemoIds) -> dict[str, Any] | None:
    """Build an input of `elect` for the first pending enrollment: the first plan with the tier EE, else a waiver."""
    if not demo_ids.pending_enrollment_ids:
        return None
    id = demo_ids.pending_enrollment_ids[0]
    response = await execute(DocumentCache(schema), context, GraphQLRequest(ELIGIBLE_PLANS_QUERY, {"id": id}))
    enrollment = (response.get("data") or {}).get("enrollment") or {"eligiblePlans": []}
    plan_ids = [
        eligible["plan"]["id"]
        for eligible in enrollment["eligiblePlans"]
        if any(cost["coverageTier"] == "EE" for cost in eligible["costs"])
    ]
    election = {"enrollmentId": id, "decision": "WAIVED"}
    if plan_ids:
        election |= {"decision": "ENROLLED", "selectedPlanId": plan_ids[0], "coverageTier": "EE"}
    return {"employeeId": demo_ids.employee_id, "elections": [election], "idempotencyKey": f"demo-{id}"}
