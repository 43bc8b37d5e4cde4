"""Coverage of record: what the carrier writes down of a subscriber, and how it follows what is elected."""

from dataclasses import dataclass, field
from datetime import date, datetime

from benegraph.db.models import Subscriber, SubscriberEnrollment
from benegraph.demo.employees import Elected
from benegraph.demo.record_buffer import Ledger, Row
from benegraph.domain.coverage import OPEN_ENDED, RecordedCoverage, reconcile_coverage
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import DateSpan
from benegraph.services.coverage.records import CHANGEABLE_COLUMNS


@dataclass(slots=True)
class Member:
    """A subscriber under a contract, and all coverage the carrier keeps of theirs."""

    row: Row
    contract: Row
    records: list[Row] = field(default_factory=list)

    @property
    def number(self) -> str:
        return str(self.row["subscriber_id"])


def enter_member(
    ledger: Ledger, contract: Row, number: str, names: tuple[str, str], employee_id: str | None, at: datetime
) -> Member:
    """Enter a subscriber, as `createSubscriber` does; one who is no employee here belongs to nobody."""
    first_name, last_name = names
    row: Row = {
        "id": ledger.new_id(IdPrefix.SUBSCRIBER, at),
        "subscriber_id": number,
        "employer_id": contract["employer_id"] if employee_id else None,
        "employee_id": employee_id,
        "first_name": first_name,
        "last_name": last_name,
    }
    return Member(ledger.add(Subscriber, row, at), contract)


def write_down(ledger: Ledger, member: Member, start: date, end: date | None, at: datetime, **fields: object) -> Row:
    """Enter a coverage of record under a member's contract, and note it."""
    contract = member.contract
    row: Row = {
        "id": ledger.new_id(IdPrefix.SUBSCRIBER_ENROLLMENT, at),
        "employer_id": contract["employer_id"],
        "employee_id": member.row["employee_id"],
        "subscriber_id": member.number,
        "group_id": contract["group_id"],
        "division_id": contract["division_id"],
        "group_coverage_start": contract["coverage_start"],
        "start_date": start,
        **dict.fromkeys(CHANGEABLE_COLUMNS),
        "end_date": end,
        "original_enrollment_date": start,
        "policy_number": contract["policy_number"],
        **fields,
        "entry_user": ledger.user,
        "update_user": ledger.user,
    }
    member.records.append(ledger.add(SubscriberEnrollment, row, at))
    ledger.note_whole(SubscriberEnrollment, row, "CREATED", at)
    return row


def follow(ledger: Ledger, member: Member, elected: Elected, at: datetime) -> None:
    """Bring a member's coverage of record in line with what they have elected, as the bridge does."""
    answers = elected.spans()
    links = {row["subscriber_enrollment_id"] for row, _ in answers}
    spans = [span for _, span in answers if span]
    layout = reconcile_coverage(
        spans, [RecordedCoverage(row["id"], _span(row), row["id"] in links) for row in member.records]
    )
    records = {row["id"]: row for row in member.records}
    for id in layout.removed:
        ledger.note_whole(SubscriberEnrollment, records[id], "DELETED", at, gone=True)
        ledger.drop(SubscriberEnrollment, records[id])
        member.records.remove(records[id])
    if layout.shortened:
        raise AssertionError("what the demo's carrier records itself ends before anything is elected")
    carriers: list[tuple[DateSpan, str]] = []
    for span, carrier in layout.assigned:
        if carrier is None:
            row = write_down(
                ledger,
                member,
                span.start,
                span.last,
                at,
                date_employed=elected.hired_on,
                term_date=elected.terminated_on,
            )
        else:
            row = records[carrier]
            _move(ledger, row, span, elected.terminated_on, at)
        carriers.append((span, row["id"]))
    for row, covered in answers:
        found = (id for whole, id in carriers if covered and whole.overlaps(covered))
        row["subscriber_enrollment_id"] = next(found, None)


def _move(ledger: Ledger, row: Row, span: DateSpan, terminated_on: date | None, at: datetime) -> None:
    paid: date | None = row["paid_through"]
    values: Row = {
        "start_date": span.start,
        "end_date": span.last,
        "term_date": terminated_on,
        "paid_through": None if paid is None or paid < span.start else min(paid, span.last),
    }
    ledger.note_change(SubscriberEnrollment, row, "MOVED", values, at)


def _span(row: Row) -> DateSpan:
    end: date | None = row["end_date"]
    return DateSpan(row["start_date"], OPEN_ENDED) if end is None else DateSpan.through(row["start_date"], end)
