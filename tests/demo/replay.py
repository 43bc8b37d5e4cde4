"""Replay: derive service calls from the generated history of an employer, and make them against a database."""

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
from benegraph.demo import times_of_day
from benegraph.demo.record_buffer import RecordBuffer, Row
from benegraph.domain.access import Viewer
from benegraph.domain.catalog import PlanTerms, TierRate
from benegraph.domain.coverage import ContractKey, CoverageKey
from benegraph.domain.enrollments.elections import Election
from benegraph.domain.ids import IdPrefix, prefix_of
from benegraph.domain.people import PersonalDetails
from benegraph.domain.plan_years import ContributionTerms, PlanYearDates, WaitingPeriod
from benegraph.domain.values import Clock
from benegraph.services import billing, coverage, enrollments, people, plan_years
from benegraph.services.coverage import contracts
from benegraph.services.coverage.records import CHANGEABLE_COLUMNS
from benegraph.services.coverage.subscribers import create_subscriber
from benegraph.services.enrollments.life_events import LifeEventReport
from benegraph.services.people import NewHire


def columns_of(model: type[Base]) -> list[str]:
    """Return the columns of a table, without the tenant and those whose values the server assigns."""
    return [
        column.key
        for column in inspect(model).columns
        if column.key not in {"tenant_id", "transaction_number"} and column.computed is None
    ]


@dataclass
class Replay:
    """The generated rows of an employer, and the database in which the services create the same rows.

    `ids` maps the generated IDs to the IDs that the services created.
    """

    database: Database
    viewer: Viewer
    generated: RecordBuffer
    ids: dict[str, str] = field(default_factory=dict)

    def rows(self, model: type[Base], **values: Any) -> list[Row]:
        """Return the generated rows of a table that have these values."""
        rows = self.generated.tables.get(model, [])
        return [row for row in rows if all(row[name] == value for name, value in values.items())]

    async def call(self, at: datetime, action: Any) -> Any:
        """Run an action in a transaction, with the clock at this instant."""
        return await self.database.transact(self.viewer, Clock(at), action)

    async def actual_rows(self, model: type[Base]) -> list[Row]:
        """Return all rows of a table as the services left them, in the order of their IDs."""
        columns = columns_of(model)

        async def select_rows(tx: Transaction) -> list[Row]:
            rows = await tx.session.scalars(select(model))
            return [{name: getattr(row, name) for name in columns} for row in rows]

        rows: list[Row] = await self.call(datetime.now().astimezone(), select_rows)
        return sorted(rows, key=lambda row: str(row.get("id")))

    async def pair(self, model: type[Base], key: Any) -> None:
        """Map the generated IDs of a table to the actual IDs; rows with equal keys are mapped in order of creation."""
        by_key: dict[Any, list[str]] = defaultdict(list)
        for row in await self.actual_rows(model):
            by_key[key(row)].append(row["id"])
        for row in sorted(self.generated.tables.get(model, []), key=lambda row: row["created_at"]):
            if ids := by_key[self.translate(key(row))]:
                self.ids[row["id"]] = ids.pop(0)

    def translate(self, value: Any) -> Any:
        """Return a generated value with actual IDs in place of generated ones, and dates in a dict as JSON has them."""
        if isinstance(value, dict):
            return {name: self.translate(_json_value(item)) for name, item in value.items()}
        if isinstance(value, tuple):
            return tuple(self.translate(item) for item in value)
        return self.ids.get(value, str(value)) if isinstance(value, str) else value


def _json_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _enrollment_key(row: Row) -> tuple[Any, ...]:
    return row["employee_id"], row["plan_year_id"]


# ------------------------------------------------------------------------------------------------- service calls


async def _create_plan_year(replay: Replay, at: datetime, event: Row) -> None:
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
        [_plan_terms(replay, row) for row in replay.rows(Plan, plan_year_id=year["id"])],
        WaitingPeriod(year["waiting_period_days"], year["starts_on_first_of_month"]),
        year["renewal"],
        year["group_id"],
        year["group_coverage_start"],
    )
    replay.ids[year["id"]] = await replay.call(at, lambda tx: plan_years.create_plan_year(tx, draft))
    await replay.pair(Plan, lambda row: (row["plan_year_id"], row["carrier_plan_id"]))


def _plan_terms(replay: Replay, plan: Row) -> PlanTerms:
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
    replay.ids[row["id"]] = await replay.call(
        at, lambda tx: people.hire_employee(tx, replay.ids[row["employer_id"]], hiring)
    )
    await _add_dependents(replay, at, row["id"])
    for subscriber in replay.rows(Subscriber, employee_id=row["id"]):
        await add_subscriber(replay, subscriber)


async def _add_dependents(replay: Replay, at: datetime, employee_id: str) -> None:
    for row in replay.rows(Dependent, employee_id=employee_id, created_at=at):
        replay.ids[row["id"]] = await replay.call(
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
                replay.translate(row["selected_plan_id"]),
                row["coverage_tier"],
                tuple(replay.ids[item["dependent_id"]] for item in covered),
            )
        )
    employee_id = replay.ids[events[0]["employee_id"]]
    await replay.call(at, lambda tx: enrollments.elect(tx, employee_id, choices))


async def _report_life_event(replay: Replay, at: datetime, event: Row) -> None:
    await _add_dependents(replay, at, event["employee_id"])
    (row,) = replay.rows(LifeEvent, id=event["subject_id"])
    report = LifeEventReport(row["event_type"], row["event_on"], replay.translate(row["dependent_id"]), row["notes"])
    employee_id = replay.ids[row["employee_id"]]
    replay.ids[row["id"]] = await replay.call(at, lambda tx: enrollments.report_life_event(tx, employee_id, report))


async def _review_life_event(replay: Replay, at: datetime, event: Row) -> None:
    (row,) = replay.rows(LifeEvent, id=event["subject_id"])
    id = replay.ids[row["id"]]
    await replay.call(at, lambda tx: enrollments.review_life_event(tx, id, row["status"], row["review_notes"], None))
    for dependent in replay.rows(Dependent, employee_id=row["employee_id"], active=False, updated_at=at):
        await replay.call(
            at,
            lambda tx, dependent=dependent: people.update_dependent(
                tx, replay.ids[dependent["id"]], {"active": False}, None
            ),
        )


async def _reissue(replay: Replay, at: datetime, event: Row) -> None:
    (row,) = replay.rows(Enrollment, id=event["subject_id"])
    old, life_event = replay.ids[row["replaces_id"]], replay.ids[row["life_event_id"]]
    await replay.call(at, lambda tx: enrollments.reissue_enrollment(tx, old, life_event, row["reissue_reason"], None))


async def _terminate(replay: Replay, at: datetime, event: Row) -> None:
    id, terminated_on = replay.ids[event["subject_id"]], event["after"]["terminated_on"]
    await replay.call(at, lambda tx: people.terminate_employee(tx, id, terminated_on, None, None))


# ------------------------------------------------------------------------------------- calls on the carrier's side


async def create_group_contract(replay: Replay, row: Row) -> None:
    key = ContractKey(row["group_id"], row["division_id"], row["coverage_start"])
    employer_id = replay.ids[row["employer_id"]]
    replay.ids[row["id"]] = await replay.call(
        row["created_at"],
        lambda tx: contracts.create_group_contract(tx, key, row["coverage_end"], employer_id, row["policy_number"]),
    )


async def add_subscriber(replay: Replay, row: Row) -> None:
    employee_id = replay.translate(row["employee_id"])
    names = row["first_name"], row["last_name"]
    replay.ids[row["id"]] = await replay.call(
        row["created_at"], lambda tx: create_subscriber(tx, row["subscriber_id"], *names, employee_id)
    )


async def _record_coverage(replay: Replay, at: datetime, event: Row) -> None:
    """Record coverage that the carrier recorded itself; all other coverage follows from elections."""
    if at != times_of_day.instant_of(at.date(), times_of_day.RECORDING_MINUTE):
        return
    (row,) = replay.rows(SubscriberEnrollment, id=event["subject_id"])
    key = CoverageKey(*(row[name] for name in CoverageKey.__dataclass_fields__))
    changes = {name: event["after"][name] for name in CHANGEABLE_COLUMNS}
    await replay.call(at, lambda tx: coverage.create_coverage(tx, coverage.CoverageItem(key, changes)))


async def _record_invoice(replay: Replay, at: datetime, event: Row) -> None:
    (row,) = replay.rows(PremiumInvoice, id=event["subject_id"])
    bill = billing.NewInvoice(*(row[name] for name in billing.NewInvoice.__dataclass_fields__))
    replay.ids[row["id"]] = await replay.call(at, lambda tx: billing.record_invoice(tx, bill))


async def _void_invoice(replay: Replay, at: datetime, event: Row) -> None:
    id = replay.ids[event["subject_id"]]
    await replay.call(at, lambda tx: billing.void_invoice(tx, id, event["reason"], None))


async def _record_payment(replay: Replay, at: datetime, event: Row) -> None:
    (row,) = replay.rows(PremiumPayment, id=event["after"]["payment_id"])
    id, cents, received_on = replay.ids[row["invoice_id"]], row["amount_cents"], row["received_on"]
    replay.ids[row["id"]] = await replay.call(at, lambda tx: billing.record_payment(tx, id, cents, received_on))


async def _reverse_payment(replay: Replay, at: datetime, event: Row) -> None:
    id = replay.ids[event["after"]["payment_id"]]
    await replay.call(at, lambda tx: billing.reverse_payment(tx, id, event["reason"]))


async def _set_paid_through(replay: Replay, at: datetime, event: Row) -> None:
    """Call `set_paid_through`, unless a change of an invoice updated the date automatically."""
    if at == times_of_day.instant_of(at.date(), times_of_day.PAID_THROUGH_MINUTE):
        (row,) = replay.rows(SubscriberEnrollment, id=event["subject_id"])
        key = row["subscriber_id"], row["group_id"], row["division_id"]
        await replay.call(at, lambda tx: billing.set_paid_through(tx, *key))


async def pair_coverage(replay: Replay) -> None:
    """Map the IDs of coverage of record, also of deleted ones, by the history events of their creation."""
    ids = {
        _creation_key(event): event["subject_id"] for event in await replay.actual_rows(Event) if _creation_key(event)
    }
    generated = {event["subject_id"]: _creation_key(event) for event in replay.rows(Event) if _creation_key(event)}
    replay.ids |= {id: ids[key] for id, key in generated.items() if key in ids}


def _creation_key(event: Row) -> tuple[Any, ...] | None:
    if event["action"] != "CREATED" or prefix_of(event["subject_id"]) is not IdPrefix.SUBSCRIBER_ENROLLMENT:
        return None
    after = event["after"]
    return event["occurred_at"], after["subscriber_id"], str(after["start_date"])


# ------------------------------------------------------------------------------------------------------- dispatch


async def _open_enrollment(replay: Replay, at: datetime, event: Row) -> None:
    id = replay.ids[event["subject_id"]]
    await replay.call(at, lambda tx: plan_years.open_enrollment(tx, id, None))


async def _close_enrollment(replay: Replay, at: datetime, event: Row) -> None:
    id = replay.ids[event["subject_id"]]
    await replay.call(at, lambda tx: plan_years.close_enrollment(tx, id, None))


_CALLS = {
    (IdPrefix.PLAN_YEAR, "CREATED"): _create_plan_year,
    (IdPrefix.PLAN_YEAR, "OPENED"): _open_enrollment,
    (IdPrefix.PLAN_YEAR, "CLOSED"): _close_enrollment,
    (IdPrefix.EMPLOYEE, "HIRED"): _hire,
    (IdPrefix.EMPLOYEE, "TERMINATED"): _terminate,
    (IdPrefix.LIFE_EVENT, "REPORTED"): _report_life_event,
    (IdPrefix.LIFE_EVENT, "APPROVED"): _review_life_event,
    (IdPrefix.LIFE_EVENT, "DENIED"): _review_life_event,
    (IdPrefix.ENROLLMENT, "REISSUED"): _reissue,
    (IdPrefix.SUBSCRIBER_ENROLLMENT, "CREATED"): _record_coverage,
    (IdPrefix.SUBSCRIBER_ENROLLMENT, "PAID_THROUGH"): _set_paid_through,
    (IdPrefix.PREMIUM_INVOICE, "RECORDED"): _record_invoice,
    (IdPrefix.PREMIUM_INVOICE, "VOIDED"): _void_invoice,
    (IdPrefix.PREMIUM_INVOICE, "PAID"): _record_payment,
    (IdPrefix.PREMIUM_INVOICE, "REVERSED"): _reverse_payment,
}


async def replay_all(replay: Replay) -> None:
    """Make the calls that the generated history records. All its other events must follow from those calls."""
    calls: dict[tuple[datetime, str, str], list[Row]] = defaultdict(list)
    for event in sorted(replay.generated.tables[Event], key=lambda event: event["occurred_at"]):
        action = "ELECT" if event["action"] in ("ENROLLED", "WAIVED") else event["action"]
        subject_id = event["employee_id"] if action == "ELECT" else event["subject_id"]
        calls[event["occurred_at"], action, subject_id].append(event)
    for (at, action, subject_id), events in calls.items():
        if action == "ELECT":
            await _elect(replay, at, events)
        elif (prefix := prefix_of(subject_id)) and (call := _CALLS.get((prefix, action))):
            await call(replay, at, events[0])
        if action in ("HIRED", "OPENED", "REISSUED"):
            await replay.pair(Enrollment, _enrollment_key)
