"""Replaying: the calls that the history of one of the demo's employers tells of, made again through the services."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import inspect, select

from benegraph.db.base import Base
from benegraph.db.models import (
    ContributionClass,
    Dependent,
    Employee,
    EnrolledDependent,
    Enrollment,
    Event,
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
from benegraph.demo import times_of_day as days
from benegraph.demo.record_buffer import Ledger, Row
from benegraph.domain.access import Viewer
from benegraph.domain.catalog import PlanTerms, TierRate
from benegraph.domain.coverage import ContractKey, CoverageKey
from benegraph.domain.enrollments.elections import Election
from benegraph.domain.ids import IdPrefix, prefix_of
from benegraph.domain.people import PersonalDetails
from benegraph.domain.plan_years import ContributionTerms, PlanYearDates, WaitingPeriod
from benegraph.domain.values import Clock
from benegraph.services import billing, coverage, enrollments, people, plan_years
from benegraph.services.coverage.contracts import create_group_contract
from benegraph.services.coverage.records import CHANGEABLE_COLUMNS
from benegraph.services.coverage.subscribers import create_subscriber
from benegraph.services.enrollments.life_events import LifeEventReport
from benegraph.services.people import NewHire


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
        WaitingPeriod(year["waiting_period_days"], year["starts_on_first_of_month"]),
        year["renewal"],
        year["group_id"],
        year["group_coverage_start"],
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
            TierRate(row["coverage_tier"], row["monthly_premium_cents"])
            for row in replay.rows(PlanRate, plan_id=plan["id"])
        ),
    )


async def _hire(replay: Replay, at: datetime, event: Row) -> None:
    (row,) = replay.rows(Employee, id=event["subject_id"])
    person = PersonalDetails(
        row["first_name"], row["last_name"], row["email"], row["date_of_birth"], row["external_id"]
    )
    hiring = NewHire(person, row["employment_class"], row["hired_on"], row["division_id"])
    replay.ids[row["id"]] = await replay.do(
        at, lambda tx: people.hire_employee(tx, replay.ids[row["employer_id"]], hiring)
    )
    await _add_family(replay, at, row["id"])
    for subscriber in replay.rows(Subscriber, employee_id=row["id"]):
        await subscribe(replay, subscriber)


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
            Election(
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
    report = LifeEventReport(row["event_type"], row["event_on"], replay.translated(row["dependent_id"]), row["notes"])
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
    await replay.do(at, lambda tx: enrollments.reissue_enrollment(tx, old, life_event, row["reissue_reason"], None))


async def _terminate(replay: Replay, at: datetime, event: Row) -> None:
    id, terminated_on = replay.ids[event["subject_id"]], event["after"]["terminated_on"]
    await replay.do(at, lambda tx: people.terminate_employee(tx, id, terminated_on, None, None))


# --------------------------------------------------------------------------------------------- the carrier's


async def contract(replay: Replay, row: Row) -> None:
    key = ContractKey(row["group_id"], row["division_id"], row["coverage_start"])
    employer_id = replay.ids[row["employer_id"]]
    replay.ids[row["id"]] = await replay.do(
        row["created_at"],
        lambda tx: create_group_contract(tx, key, row["coverage_end"], employer_id, row["policy_number"]),
    )


async def subscribe(replay: Replay, row: Row) -> None:
    employee_id = replay.translated(row["employee_id"])
    names = row["first_name"], row["last_name"]
    replay.ids[row["id"]] = await replay.do(
        row["created_at"], lambda tx: create_subscriber(tx, row["subscriber_id"], *names, employee_id)
    )


async def _record(replay: Replay, at: datetime, event: Row) -> None:
    """Record coverage, where the carrier did so itself: all else follows from elections."""
    if at != days.at(at.date(), days.RECORDING):
        return
    (row,) = replay.rows(SubscriberEnrollment, id=event["subject_id"])
    key = CoverageKey(*(row[name] for name in CoverageKey.__dataclass_fields__))
    changes = {name: event["after"][name] for name in CHANGEABLE_COLUMNS}
    await replay.do(at, lambda tx: coverage.create_coverage(tx, coverage.CoverageItem(key, changes)))


async def _bill(replay: Replay, at: datetime, event: Row) -> None:
    (row,) = replay.rows(PremiumInvoice, id=event["subject_id"])
    bill = billing.NewInvoice(*(row[name] for name in billing.NewInvoice.__dataclass_fields__))
    replay.ids[row["id"]] = await replay.do(at, lambda tx: billing.record_invoice(tx, bill))


async def _void(replay: Replay, at: datetime, event: Row) -> None:
    id = replay.ids[event["subject_id"]]
    await replay.do(at, lambda tx: billing.void_invoice(tx, id, event["reason"], None))


async def _pay(replay: Replay, at: datetime, event: Row) -> None:
    (row,) = replay.rows(PremiumPayment, id=event["after"]["payment_id"])
    id, cents, received_on = replay.ids[row["invoice_id"]], row["amount_cents"], row["received_on"]
    replay.ids[row["id"]] = await replay.do(at, lambda tx: billing.record_payment(tx, id, cents, received_on))


async def _take_back(replay: Replay, at: datetime, event: Row) -> None:
    id = replay.ids[event["after"]["payment_id"]]
    await replay.do(at, lambda tx: billing.reverse_payment(tx, id, event["reason"]))


async def _settle(replay: Replay, at: datetime, event: Row) -> None:
    """Set through which day somebody is paid, where it was not a change of an invoice that did."""
    if at == days.at(at.date(), days.SETTLING):
        (row,) = replay.rows(SubscriberEnrollment, id=event["subject_id"])
        whose = row["subscriber_id"], row["group_id"], row["division_id"]
        await replay.do(at, lambda tx: billing.set_paid_through(tx, *whose))


async def pair_coverage(replay: Replay) -> None:
    """Pair coverage of record, also what is gone again, by the lines of history that tell of its beginning."""
    ids = {_begun(event): event["subject_id"] for event in await replay.done(Event) if _begun(event)}
    told = {event["subject_id"]: _begun(event) for event in replay.rows(Event) if _begun(event)}
    replay.ids |= {id: ids[begun] for id, begun in told.items() if begun in ids}


def _begun(event: Row) -> tuple[Any, ...] | None:
    if event["action"] != "CREATED" or prefix_of(event["subject_id"]) is not IdPrefix.SUBSCRIBER_ENROLLMENT:
        return None
    after = event["after"]
    return event["occurred_at"], after["subscriber_id"], str(after["start_date"])


# ------------------------------------------------------------------------------------------------- all of it


async def _open(replay: Replay, at: datetime, event: Row) -> None:
    id = replay.ids[event["subject_id"]]
    await replay.do(at, lambda tx: plan_years.open_enrollment(tx, id, None))


async def _close(replay: Replay, at: datetime, event: Row) -> None:
    id = replay.ids[event["subject_id"]]
    await replay.do(at, lambda tx: plan_years.close_enrollment(tx, id, None))


_CALLS = {
    (IdPrefix.PLAN_YEAR, "CREATED"): _create,
    (IdPrefix.PLAN_YEAR, "OPENED"): _open,
    (IdPrefix.PLAN_YEAR, "CLOSED"): _close,
    (IdPrefix.EMPLOYEE, "HIRED"): _hire,
    (IdPrefix.EMPLOYEE, "TERMINATED"): _terminate,
    (IdPrefix.LIFE_EVENT, "REPORTED"): _report,
    (IdPrefix.LIFE_EVENT, "APPROVED"): _review,
    (IdPrefix.LIFE_EVENT, "DENIED"): _review,
    (IdPrefix.ENROLLMENT, "REISSUED"): _reissue,
    (IdPrefix.SUBSCRIBER_ENROLLMENT, "CREATED"): _record,
    (IdPrefix.SUBSCRIBER_ENROLLMENT, "PAID_THROUGH"): _settle,
    (IdPrefix.PREMIUM_INVOICE, "RECORDED"): _bill,
    (IdPrefix.PREMIUM_INVOICE, "VOIDED"): _void,
    (IdPrefix.PREMIUM_INVOICE, "PAID"): _pay,
    (IdPrefix.PREMIUM_INVOICE, "REVERSED"): _take_back,
}


async def replay_all(replay: Replay) -> None:
    """Make the calls that the told history tells of; whatever else it tells, those calls must bring about."""
    calls: dict[tuple[datetime, str, str], list[Row]] = defaultdict(list)
    for event in sorted(replay.told.tables[Event], key=lambda event: str(event["id"])):
        action = "ELECT" if event["action"] in ("ENROLLED", "WAIVED") else event["action"]
        of = event["employee_id"] if action == "ELECT" else event["subject_id"]
        calls[event["occurred_at"], action, of].append(event)
    for (at, action, of), events in calls.items():
        if action == "ELECT":
            await _elect(replay, at, events)
        elif (kind := prefix_of(of)) and (call := _CALLS.get((kind, action))):
            await call(replay, at, events[0])
        if action in ("HIRED", "OPENED", "REISSUED"):
            await replay.pair(Enrollment, _enrollment_key)
