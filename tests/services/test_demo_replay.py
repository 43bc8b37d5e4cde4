"""What the demo tells is what the services do: its whole history, replayed call by call, leaves the very same rows."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import inspect, select

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
    LifeEvent,
    Plan,
    PlanRate,
    PlanYear,
)
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Role, Viewer
from benegraph.domain.catalog import PlanTerms, Rate
from benegraph.domain.enrollments.elections import Choice
from benegraph.domain.people import Person
from benegraph.domain.plan_years import ContributionTerms, PlanYearDates, WaitingRule
from benegraph.domain.values import Clock
from benegraph.services import employers, enrollments, people, plan_years
from benegraph.services.demo.employers import Plot, tell_employer
from benegraph.services.demo.grounds import break_ground
from benegraph.services.demo.ledger import Ledger, Row
from benegraph.services.demo.writing import write
from benegraph.services.demo.years import Phase
from benegraph.services.enrollments.life_events import Report
from benegraph.services.people import Hire

LEAP_DAY = date(2028, 2, 29)


@dataclass
class Replay:
    """Two histories of one employer: as the demo tells it, and as the services come to it. `ids` pairs their rows."""

    database: Database
    viewer: Viewer
    told: Ledger
    ids: dict[str, str] = field(default_factory=dict)

    def rows(self, model: type[Base], **wanted: Any) -> list[Row]:
        found = self.told.tables.get(model, [])
        return [row for row in found if all(row[name] == value for name, value in wanted.items())]

    async def do(self, at: datetime, story: Any) -> Any:
        return await self.database.transact(self.viewer, Clock(at), story)

    async def done(self, model: type[Base]) -> list[Row]:
        """Read all rows of a table, oldest first, as the services left them."""
        columns = [column.key for column in inspect(model).columns if column.key != "tenant_id"]

        async def story(tx: Transaction) -> list[Row]:
            found = await tx.session.scalars(select(model))
            return [{name: getattr(row, name) for name in columns} for row in found]

        rows: list[Row] = await self.do(datetime.now().astimezone(), story)
        return sorted(rows, key=lambda row: str(row.get("id")))

    async def pair(self, model: type[Base], key: Any) -> None:
        """Pair the rows of a table, those of the same key in the order they were made in."""
        by_key: dict[Any, list[str]] = defaultdict(list)
        for row in await self.done(model):
            by_key[key(row)].append(row["id"])
        for row in sorted(self.told.tables.get(model, []), key=lambda row: str(row["id"])):
            if ids := by_key[self.translated(key(row))]:
                self.ids[row["id"]] = ids.pop(0)

    def translated(self, value: Any) -> Any:
        """Give what was told in the services' ids, and as JSON keeps it where it is history."""
        if isinstance(value, dict):
            return {name: self.translated(_plain(each)) for name, each in value.items()}
        if isinstance(value, tuple):
            return tuple(self.translated(each) for each in value)
        return self.ids.get(value, str(value)) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _enrollment_key(row: Row) -> tuple[Any, ...]:
    return row["employee_id"], row["plan_year_id"]


# --------------------------------------------------------------------------------------------------------- calls


async def _create(replay: Replay, at: datetime, event: Row) -> None:
    (year,) = replay.rows(PlanYear, id=event["subject_id"])
    draft = plan_years.PlanYearDraft(
        replay.ids[year["employer_id"]],
        year["benefit_product_id"],
        PlanYearDates(
            year["coverage_starts_on"],
            year["coverage_ends_on"],
            year["open_enrollment_starts_on"],
            year["open_enrollment_ends_on"],
        ),
        [
            ContributionTerms(
                row["employment"],
                row["family_status"],
                row["employee_contribution_cents"],
                row["employer_contribution_cents"],
            )
            for row in replay.rows(ContributionClass, plan_year_id=year["id"])
        ],
        [_terms(replay, row) for row in replay.rows(Plan, plan_year_id=year["id"])],
        WaitingRule(year["waiting_period_days"], year["starts_on_first_of_month"]),
        year["renewal"],
    )
    replay.ids[year["id"]] = await replay.do(at, lambda tx: plan_years.create_plan_year(tx, draft))
    await replay.pair(Plan, lambda row: (row["plan_year_id"], row["carrier_plan_id"]))


def _terms(replay: Replay, plan: Row) -> PlanTerms:
    return PlanTerms(
        plan["carrier_plan_id"],
        plan["name"],
        plan["tier"],
        plan["monthly_premium_cents"],
        plan["deductible_cents"],
        plan["out_of_pocket_max_cents"],
        tuple(
            Rate(row["coverage_tier"], row["monthly_premium_cents"])
            for row in replay.rows(PlanRate, plan_id=plan["id"])
        ),
    )


async def _hire(replay: Replay, at: datetime, event: Row) -> None:
    (row,) = replay.rows(Employee, id=event["subject_id"])
    person = Person(row["first_name"], row["last_name"], row["email"], row["date_of_birth"], row["external_id"])
    hiring = Hire(person, row["employment_class"], row["hired_on"])
    replay.ids[row["id"]] = await replay.do(at, lambda tx: people.hire(tx, replay.ids[row["employer_id"]], hiring))
    await _add_family(replay, at, row["id"])


async def _add_family(replay: Replay, at: datetime, employee_id: str) -> None:
    for row in replay.rows(Dependent, employee_id=employee_id, created_at=at):
        replay.ids[row["id"]] = await replay.do(
            at,
            lambda tx, row=row: people.add_dependent(
                tx,
                replay.ids[employee_id],
                row["first_name"],
                row["last_name"],
                row["date_of_birth"],
                row["relationship"],
                disabled=row["disabled"],
            ),
        )


async def _elect(replay: Replay, at: datetime, events: list[Row]) -> None:
    choices = []
    for event in events:
        (row,) = replay.rows(Enrollment, id=event["subject_id"])
        covered = replay.rows(EnrolledDependent, enrollment_id=row["id"])
        choices.append(
            Choice(
                replay.ids[row["id"]],
                row["decision"],
                replay.translated(row["selected_plan_id"]),
                row["coverage_tier"],
                tuple(replay.ids[each["dependent_id"]] for each in covered),
            )
        )
    employee_id = replay.ids[events[0]["employee_id"]]
    await replay.do(at, lambda tx: enrollments.elect(tx, employee_id, choices))


async def _report(replay: Replay, at: datetime, event: Row) -> None:
    await _add_family(replay, at, event["employee_id"])
    (row,) = replay.rows(LifeEvent, id=event["subject_id"])
    report = Report(row["event_type"], row["event_on"], replay.translated(row["dependent_id"]), row["notes"])
    employee_id = replay.ids[row["employee_id"]]
    replay.ids[row["id"]] = await replay.do(at, lambda tx: enrollments.report_life_event(tx, employee_id, report))


async def _review(replay: Replay, at: datetime, event: Row) -> None:
    (row,) = replay.rows(LifeEvent, id=event["subject_id"])
    id = replay.ids[row["id"]]
    await replay.do(at, lambda tx: enrollments.review_life_event(tx, id, row["status"], row["review_notes"], None))
    for gone in replay.rows(Dependent, employee_id=row["employee_id"], active=False, updated_at=at):
        await replay.do(
            at, lambda tx, gone=gone: people.update_dependent(tx, replay.ids[gone["id"]], {"active": False}, None)
        )


async def _reissue(replay: Replay, at: datetime, event: Row) -> None:
    (row,) = replay.rows(Enrollment, id=event["subject_id"])
    old, life_event = replay.ids[row["replaces_id"]], replay.ids[row["life_event_id"]]
    await replay.do(at, lambda tx: enrollments.reissue(tx, old, life_event, row["reissue_reason"], None))


async def _terminate(replay: Replay, at: datetime, event: Row) -> None:
    id, terminated_on = replay.ids[event["subject_id"]], event["after"]["terminated_on"]
    await replay.do(at, lambda tx: people.terminate(tx, id, terminated_on, None, None))


async def _replay(replay: Replay) -> None:
    """Make the calls that the told history tells of; whatever else it tells, those calls must bring about."""
    calls: dict[tuple[datetime, str, str], list[Row]] = defaultdict(list)
    for event in sorted(replay.told.tables[Event], key=lambda event: str(event["id"])):
        action = "ELECT" if event["action"] in ("ENROLLED", "WAIVED") else event["action"]
        of = event["employee_id"] if action == "ELECT" else event["subject_id"]
        calls[event["occurred_at"], action, of].append(event)
    simple = {"CREATED": _create, "HIRED": _hire, "REPORTED": _report, "REISSUED": _reissue, "TERMINATED": _terminate}
    for (at, action, of), events in calls.items():
        if action in simple:
            await simple[action](replay, at, events[0])
        elif action in ("APPROVED", "DENIED"):
            await _review(replay, at, events[0])
        elif action == "ELECT":
            await _elect(replay, at, events)
        elif action == "OPENED":
            await replay.do(at, lambda tx, of=of: plan_years.open_enrollment(tx, replay.ids[of], None))
        elif action == "CLOSED" and events[0]["employee_id"] is None:
            await replay.do(at, lambda tx, of=of: plan_years.close_enrollment(tx, replay.ids[of], None))
        if action in ("HIRED", "OPENED", "REISSUED"):
            await replay.pair(Enrollment, _enrollment_key)


# ---------------------------------------------------------------------------------------------------------- tests


_PAIRED: tuple[type[Base], ...] = (Employer, PlanYear, Employee, Dependent, LifeEvent, Enrollment)
_UNPAIRED: tuple[type[Base], ...] = (ContributionClass, Plan, PlanRate, EnrolledDependent, Event)


@pytest.mark.parametrize(
    ("plot", "words"),
    [
        (Plot(0, 22, Phase.OPEN, has_cast=True), ("cast",)),
        (Plot(1, 14, Phase.CLOSED), ("renewing", 2)),
        (Plot(2, 14, Phase.CLOSING), ("others", 1)),
    ],
    ids=["cast", "closed", "closing"],
)
async def test_the_services_come_to_the_same(database: Database, plot: Plot, words: tuple[object, ...]) -> None:
    broken = break_ground(words, LEAP_DAY)
    told = tell_employer(broken.ground, plot)
    replay = Replay(database, Viewer("t", broken.ground.actor.split()[1], Role.ADMINISTRATOR), told)

    async def found(tx: Transaction) -> None:
        await store.access.add_tenant(tx, "Tenant")
        await write(tx, [broken.ledger])

    await replay.do(broken.made_at, found)
    (employer,) = told.tables[Employer]
    replay.ids[employer["id"]] = await replay.do(
        employer["created_at"], lambda tx: employers.add_employer(tx, employer["name"], employer["time_zone"])
    )
    await _replay(replay)
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
