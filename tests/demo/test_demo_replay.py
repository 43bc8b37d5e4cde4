"""What the demo tells is what the services do: its whole history, replayed call by call, leaves the very same rows."""

from datetime import date
from typing import Any

import pytest
from replay import Replay, contract, pair_coverage, replay_all, subscribe

from benegraph.db import store
from benegraph.db.base import Base
from benegraph.db.models import (
    ContributionClass,
    Dependent,
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
from benegraph.demo.bulk_insert import write
from benegraph.demo.employers import Plot, tell_employer
from benegraph.demo.plan_years import Phase
from benegraph.demo.record_buffer import Ledger, Row
from benegraph.demo.shared_records import BrokenGround, break_ground
from benegraph.demo.times_of_day import RECORDING, at
from benegraph.domain.access import Role, Viewer
from benegraph.services import billing, employers

LEAP_DAY = date(2028, 2, 29)

_PAIRED: tuple[type[Base], ...] = (
    *(Employer, PlanYear, Employee, Dependent, LifeEvent, Enrollment),
    *(GroupContract, Subscriber, SubscriberEnrollment, PremiumInvoice, PremiumPayment),
)
_UNPAIRED: tuple[type[Base], ...] = (ContributionClass, Plan, PlanRate, EnrolledDependent, Event)


# An employer, the words of its dice, and whether its tenant has paid-through kept up to date.
_SAMPLES = {
    "cast": (Plot(0, 22, Phase.OPEN, has_cast=True), ("cast",), False),
    "closed": (Plot(1, 14, Phase.CLOSED), ("renewing", 2), True),
    "closing": (Plot(2, 14, Phase.CLOSING), ("others", 1), False),
    "cancelled coverage": (Plot(1, 14, Phase.CLOSED), ("kept", 542), True),
    "elected under notice": (Plot(1, 14, Phase.CLOSED), ("kept", 261), True),
}


def _tell(sample: str) -> tuple[BrokenGround, Ledger]:
    plot, words, keeps_up = _SAMPLES[sample]
    broken = break_ground(words, LEAP_DAY, auto_paid_through=keeps_up)
    return broken, tell_employer(broken.ground, plot)


def test_the_samples_tell_of_all_that_a_carrier_does() -> None:
    events = [event for sample in _SAMPLES for event in _tell(sample)[1].tables[Event]]
    carriers = [event for event in events if event["subject_id"].startswith(("sube", "pinv"))]
    assert {(event["subject_id"][:4], event["action"]) for event in carriers} == {
        *(("sube", action) for action in ("CREATED", "MOVED", "DELETED", "PAID_THROUGH")),
        *(("pinv", action) for action in ("RECORDED", "PAID", "REVERSED", "VOIDED")),
    }
    assert any("paid_through" in event["after"] for event in carriers if event["action"] == "MOVED")
    begun = [event for event in carriers if event["action"] == "CREATED"]
    by_election = [event for event in begun if event["occurred_at"] != at(event["occurred_at"].date(), RECORDING)]
    assert any(event["after"]["term_date"] for event in by_election)


@pytest.mark.parametrize("sample", _SAMPLES)
async def test_the_services_come_to_the_same(database: Database, sample: str) -> None:
    broken, told = _tell(sample)
    replay = Replay(database, Viewer("t", broken.ground.actor.split()[1], Role.ADMINISTRATOR), told)

    async def found(tx: Transaction) -> None:
        await store.access.insert_tenant(tx, "Tenant")
        await write(tx, [broken.ledger])
        await billing.set_auto_paid_through(tx, broken.ground.auto_paid_through)

    await replay.do(broken.made_at, found)
    (employer,) = told.tables[Employer]
    replay.ids[employer["id"]] = await replay.do(
        employer["created_at"], lambda tx: employers.add_employer(tx, employer["name"], employer["time_zone"])
    )
    for row in told.tables[GroupContract]:
        await contract(replay, row)
    for row in replay.rows(Subscriber, employee_id=None):
        await subscribe(replay, row)
    await replay_all(replay)
    await pair_coverage(replay)
    for model in _PAIRED:
        assert await replay.done(model) == _translated(replay, model), model
    for model in _UNPAIRED:
        assert _bag(await replay.done(model)) == _bag(_translated(replay, model)), model


def _translated(replay: Replay, model: type[Base]) -> list[Row]:
    history = {"before", "after"}
    rows = [
        {
            name: replay.translated(value) if name in history else replay.ids.get(value, value)
            for name, value in row.items()
        }
        for row in replay.told.tables.get(model, [])
    ]
    return sorted(rows, key=lambda row: str(row.get("id")))


def _bag(rows: list[Row]) -> list[str]:
    """Compare rows whose own ids were never paired, and whose order says nothing."""
    return sorted(repr([(name, _sorted(value)) for name, value in sorted(row.items()) if name != "id"]) for row in rows)


def _sorted(value: Any) -> Any:
    return sorted(value.items()) if isinstance(value, dict) else value
