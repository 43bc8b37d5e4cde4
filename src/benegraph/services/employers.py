"""Employers: adding an employer, and today's date in its time zone."""

from datetime import date

from benegraph.db import store
from benegraph.db.models import Employer
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import RowWrite, execute_writes
from benegraph.domain.access import require_tenant_wide
from benegraph.domain.employers import check_employer
from benegraph.domain.errors import raise_if_any
from benegraph.domain.ids import IdPrefix


async def employer_today(tx: Transaction, employer_id: str) -> date:
    """Return today's date in the time zone of an employer that the viewer can see."""
    employers = await store.employers.by_ids(tx, [employer_id])
    return tx.today(employers[employer_id].time_zone)


async def add_employer(tx: Transaction, name: str, time_zone: str) -> str:
    """Add an employer, and return its ID. Raises Refused, and Forbidden for a viewer limited to one employer."""
    require_tenant_wide(tx.viewer)
    raise_if_any(check_employer(name, time_zone))
    id = tx.new_id(IdPrefix.EMPLOYER)
    row = {"id": id, "name": name, "time_zone": time_zone, "active": True}
    event = store.history.creation_event(tx, row, "CREATED", None) | {"employer_id": id}
    await execute_writes(tx, RowWrite.insert(Employer, [row]), store.history.build_events_insert([event]))
    return id
