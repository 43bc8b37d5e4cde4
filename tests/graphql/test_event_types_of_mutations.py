"""Every mutation records at least one event, and every recorded event has a type in the list."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from mutation_calls import MUTATIONS, Input, RollbackDatabase, call, create_office_with_inputs
from sqlalchemy import func, select, text

from benegraph.db.models import Event
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Viewer
from benegraph.domain.event_types import EVENT_TYPES, event_type_name
from benegraph.domain.values import Clock
from factories.office import Office

EVENTS_OF_TRANSACTION = select(Event.subject_id, Event.action).where(
    Event.transaction_number == func.event_transaction_number(text("pg_current_xact_id()"))
)
LISTED_NAMES = {each.name for each in EVENT_TYPES}


class RecordedEvents(RollbackDatabase):
    """A database that rolls every change back, and keeps the subject and the action of each event before it does."""

    events: list[tuple[str, str]]

    def __init__(self, database: Database) -> None:
        super().__init__(database.engine, key_ring=database.key_ring)
        object.__setattr__(self, "events", [])

    async def transact(
        self, viewer: Viewer, clock: Clock, work: Callable[[Transaction], Awaitable[Any]], **options: Any
    ) -> Any:
        async def work_and_read(tx: Transaction) -> Any:
            result = await work(tx)
            await tx.flush()
            rows = await tx.session.execute(EVENTS_OF_TRANSACTION)
            self.events.extend((row.subject_id, row.action) for row in rows)
            return result

        return await super().transact(viewer, clock, work_and_read, **options)


async def list_events_of(office: Office, mutation: str, input: Input) -> list[tuple[str, str]]:
    """Call a mutation without a lasting effect, and return the subject and the action of each event it records."""
    recorded = RecordedEvents(office.database)
    response = await call(replace(office, database=recorded), mutation, input)
    assert response.is_applied, (mutation, response)
    return recorded.events


async def test_every_mutation_records_an_event_and_each_has_a_listed_type(database: Database) -> None:
    office, inputs = await create_office_with_inputs(database)
    without_event, without_type = [], set()
    for mutation in MUTATIONS:
        events = await list_events_of(office, mutation, inputs[mutation])
        if not events:
            without_event.append(mutation)
        for subject_id, action in events:
            if event_type_name(subject_id, action) not in LISTED_NAMES:
                without_type.add(f"{mutation}: {action} of {subject_id.partition('_')[0]}")
    assert without_event == [], "call a function of db/store/history.py in the transaction of these mutations"
    assert without_type == set(), (
        "these actions have no event type: add a line for each to `_LISTED` in src/benegraph/domain/event_types.py, and"
        " one to the table in .github/docs/events.md"
    )
