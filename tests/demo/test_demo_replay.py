"""The demo's history, replayed call by call through the services, must leave exactly the generated rows."""

from datetime import date
from typing import Any

import pytest
from replay import Replay, add_subscriber, columns_of, create_group_contract, pair_coverage, replay_all

from benegraph.db import store
from benegraph.db.base import Base
from benegraph.db.models import (
    ConfirmedDependent,
    ContributionClass,
    Dependent,
    Division,
    ElectionConfirmation,
    Employee,
    Employer,
    EnrolledDependent,
    Enrollment,
    Event,
    GroupContract,
    LifeEvent,
    Plan,
    PlanRate,
    PlanYear,
    PremiumInvoice,
    PremiumPayment,
    Subscriber,
    SubscriberEnrollment,
)
from benegraph.db.session import Database, Transaction
from benegraph.demo.bulk_insert import insert_records
from benegraph.demo.employers import EmployerProfile, generate_employer
from benegraph.demo.plan_years import EnrollmentPhase
from benegraph.demo.record_buffer import RecordBuffer, Row
from benegraph.demo.shared_records import SharedRecords, generate_shared_records
from benegraph.demo.times_of_day import RECORDING_MINUTE, instant_of
from benegraph.domain.access import Role, Viewer
from benegraph.services import employers

LEAP_DAY = date(2028, 2, 29)

_PAIRED: tuple[type[Base], ...] = (
    *(Employer, Division, PlanYear, Employee, Dependent, LifeEvent, Enrollment),
    *(GroupContract, Subscriber, SubscriberEnrollment, PremiumInvoice, PremiumPayment),
)
_UNPAIRED: tuple[type[Base], ...] = (
    *(ContributionClass, Plan, PlanRate, EnrolledDependent, Event),
    *(ElectionConfirmation, ConfirmedDependent),
)


# An employer's profile, its seed words, and whether its tenant updates paid-through dates automatically.
_SAMPLES = {
    "sample people": (EmployerProfile(0, 22, EnrollmentPhase.OPEN, has_sample_people=True), ("cast",), False),
    "closed": (EmployerProfile(1, 14, EnrollmentPhase.CLOSED), ("renewing", 10), True),
    "closing": (EmployerProfile(2, 14, EnrollmentPhase.CLOSING), ("others", 1), False),
    "cancelled coverage": (EmployerProfile(1, 14, EnrollmentPhase.CLOSED), ("kept", 45), True),
    "elected under notice": (EmployerProfile(1, 14, EnrollmentPhase.CLOSED), ("kept", 209), True),
}


def _generate(sample: str) -> tuple[SharedRecords, RecordBuffer]:
    profile, seed_words, auto_paid_through = _SAMPLES[sample]
    shared = generate_shared_records(seed_words, LEAP_DAY, auto_paid_through=auto_paid_through)
    return shared, generate_employer(shared.tenant, profile)


def test_samples_contain_every_carrier_event() -> None:
    events = [event for sample in _SAMPLES for event in _generate(sample)[1].tables[Event]]
    carrier_events = [event for event in events if event["subject_id"].startswith(("sube", "pinv"))]
    assert {(event["subject_id"][:4], event["action"]) for event in carrier_events} == {
        *(("sube", action) for action in ("CREATED", "MOVED", "CANCELLED", "PAID_THROUGH")),
        *(("pinv", action) for action in ("RECORDED", "PAID", "REVERSED", "VOIDED")),
    }
    assert any("paid_through" in event["after"] for event in carrier_events if event["action"] == "MOVED")
    created = [event for event in carrier_events if event["action"] == "CREATED"]
    by_election = [
        event for event in created if event["occurred_at"] != instant_of(event["occurred_at"].date(), RECORDING_MINUTE)
    ]
    assert any(event["after"]["term_date"] for event in by_election)


@pytest.mark.parametrize("sample", _SAMPLES)
async def test_services_create_the_generated_rows(database: Database, sample: str) -> None:
    shared, records = _generate(sample)
    replay = Replay(database, Viewer("t", shared.tenant.actor.split()[1], Role.ADMINISTRATOR), records)

    async def create_tenant(tx: Transaction) -> None:
        await store.access.insert_tenant(tx, "Tenant")
        await insert_records(tx, [shared.records])
        await store.billing.set_auto_paid_through(tx, on=shared.tenant.auto_paid_through)

    await replay.call(shared.created_at, create_tenant)
    (employer,) = records.tables[Employer]
    replay.ids[employer["id"]] = await replay.call(
        employer["created_at"], lambda tx: employers.add_employer(tx, employer["name"], employer["time_zone"])
    )
    for row in records.tables[GroupContract]:
        await create_group_contract(replay, row)
    await replay.pair(Division, lambda row: row["code"])
    for row in replay.rows(Subscriber, employee_id=None):
        await add_subscriber(replay, row)
    await replay_all(replay)
    await pair_coverage(replay)
    for model in _PAIRED:
        assert await replay.actual_rows(model) == _expected_rows(replay, model), model
    for model in _UNPAIRED:
        assert _comparable(await replay.actual_rows(model)) == _comparable(_expected_rows(replay, model)), model


#: The ID of an unpaired row, and of the confirmation that an unpaired row belongs to.
_OWN_IDS = {"id", "confirmation_id"}


def _expected_rows(replay: Replay, model: type[Base]) -> list[Row]:
    history = {"before", "after"}
    columns = columns_of(model)
    rows = [
        dict.fromkeys(columns)  # a column that the generator leaves out is null
        | {
            name: replay.translate(value) if name in history else _translate_id(replay, value)
            for name, value in row.items()
        }
        for row in replay.generated.tables.get(model, [])
    ]
    return sorted(rows, key=lambda row: str(row.get("id")))


def _translate_id(replay: Replay, value: Any) -> Any:
    return replay.ids.get(value, value) if isinstance(value, str) else value


def _comparable(rows: list[Row]) -> list[str]:
    """Return the rows in a comparable form without their IDs and order, which the services choose themselves."""
    return sorted(
        repr([(name, _sorted_items(value)) for name, value in sorted(row.items()) if name not in _OWN_IDS])
        for row in rows
    )


def _sorted_items(value: Any) -> Any:
    return sorted(value.items()) if isinstance(value, dict) else value
