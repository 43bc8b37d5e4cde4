"""Invariants of an office's rows, computed day by day and without the services."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.status import EnrollmentFacts, derive_enrollment_status
from benegraph.domain.enrollments.tiers import derive_tier
from benegraph.domain.people import Relationship
from benegraph.domain.values import ONE_DAY, DateSpan, last_day_of_month
from factories.office import PLANS, TableRows

Row = dict[str, Any]
#: The ID of the enrollment that covers each day.
CoveredDays = dict[date, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All rows of the tenant at one instant, and the covered days of each employee."""

    tables: TableRows
    covered: dict[str, CoveredDays] = field(default_factory=dict)

    def of(self, table: str) -> list[Row]:
        """Return the rows of a table, oldest first."""
        return [row for _, row in sorted(self.tables[table].items())]


def take_snapshot(tables: TableRows) -> Snapshot:
    """Compute the covered days of each employee, and check that no two coverages share a day."""
    snapshot = Snapshot(tables, {id: {} for id in tables["employees"]})
    for row in snapshot.of("enrollments"):
        if row["decision"] != "ENROLLED" or row["coverage_ends_on"] is None:
            continue
        covered = snapshot.covered[row["employee_id"]]
        for covered_day in days_between(to_date(row["coverage_starts_on"]), to_date(row["coverage_ends_on"])):
            assert covered_day not in covered, f"{row['id']} and {covered[covered_day]} both cover {covered_day}"
            covered[covered_day] = row["id"]
    return snapshot


def check_coverage(snapshot: Snapshot) -> None:
    """Check the stored coverage: each answer overrides earlier ones from its effective date on.

    After the day through which a coverage was ended, no earlier answer covers anything; nor does a later one that takes
    effect by that day.
    """
    starts = {row["id"]: to_date(row["coverage_starts_on"]) for row in snapshot.of("plan_years")}
    ends = {row["id"]: to_date(row["coverage_ends_on"]) for row in snapshot.of("plan_years")}
    terminated = {row["id"]: row["terminated_on"] for row in snapshot.of("employees")}
    expected: dict[str, CoveredDays] = {id: {} for id in terminated}
    limits: dict[tuple[str, str], date] = {}
    for row in _in_order_of_effect(snapshot.tables["enrollments"]):
        terminated_on, covered = terminated[row["employee_id"]], expected[row["employee_id"]]
        effective_on, year_end = to_date(row["effective_on"]), ends[row["plan_year_id"]]
        chain = row["employee_id"], row["plan_year_id"]
        if chain in limits and limits[chain] < effective_on:
            del limits[chain]
        if row["ended_through"]:
            limits[chain] = min(to_date(row["ended_through"]), limits.get(chain, date.max))
        if not terminated_on or effective_on < to_date(terminated_on):
            last = last_day_of_month(to_date(terminated_on)) if terminated_on else year_end
            for covered_day in days_between(effective_on, year_end):
                covered.pop(covered_day, None)
                if row["decision"] == "ENROLLED" and covered_day <= min(last, limits.get(chain, last)):
                    covered[covered_day] = row["id"]
        if row["ended_through"]:
            first = max(to_date(row["ended_through"]) + ONE_DAY, starts[row["plan_year_id"]])
            for covered_day in days_between(first, year_end):
                covered.pop(covered_day, None)
    assert expected == snapshot.covered


def check_records(snapshot: Snapshot) -> None:
    """Check the coverage of record: it holds each elected day once, in the employee's division of that day."""
    records = snapshot.tables["subscriber_enrollments"]
    recorded: dict[str, dict[date, str]] = {id: {} for id in snapshot.covered}
    last_days: dict[tuple[str, str], set[date]] = defaultdict(set)
    first_days: dict[tuple[str, str], set[date]] = defaultdict(set)
    for row in records.values():
        first, last = to_date(row["start_date"]), to_date(row["end_date"])
        for covered_day in days_between(first, last):
            assert covered_day not in recorded[row["employee_id"]], f"{covered_day} is recorded twice"
            recorded[row["employee_id"]][covered_day] = row["division_id"]
        last_days[row["employee_id"], row["division_id"]].add(last + ONE_DAY)
        first_days[row["employee_id"], row["division_id"]].add(first)
        if row["continues_id"] is not None:
            earlier = records[row["continues_id"]]
            assert (first - to_date(earlier["end_date"])).days == 1
            assert row["division_id"] != earlier["division_id"]
        if row["paid_through"] is not None:
            assert first <= to_date(row["paid_through"]) <= last
    moves = defaultdict(list)
    for move in snapshot.tables["division_moves"].values():
        moves[move["employee_id"]].append((to_date(move["effective_on"]), move["from_division_id"]))
    assert recorded == {
        id: {covered_day: _division_on(snapshot, id, covered_day, moves[id]) for covered_day in covered}
        for id, covered in snapshot.covered.items()
    }
    assert not any(last_days[division] & first_days[division] for division in last_days), "adjacent records"
    for row in snapshot.of("enrollments"):
        record = records.get(row["subscriber_enrollment_id"])
        covers = row["decision"] == "ENROLLED" and row["coverage_ends_on"] is not None
        assert covers == (record is not None), row["id"]
        assert record is None or record["start_date"] <= row["coverage_ends_on"] <= record["end_date"]


def _division_on(snapshot: Snapshot, employee: str, on: date, moves: Sequence[tuple[date, str]]) -> Any:
    later = [division for moved_on, division in sorted(moves) if moved_on > on]
    return later[0] if later else snapshot.tables["employees"][employee]["division_id"]


def check_rehires(snapshot: Snapshot) -> None:
    """Check that coverage of a former employment and that of the next one share no day."""
    for row in snapshot.of("employees"):
        if row["previous_employment_id"] is not None:
            former = snapshot.tables["employees"][row["previous_employment_id"]]
            assert former["terminated_on"] is not None
            assert former["terminated_on"] < row["hired_on"]
            assert snapshot.covered[row["id"]].keys().isdisjoint(snapshot.covered[former["id"]])


#: The columns of an answer that its confirmation repeats. The coverage may end earlier afterwards.
_CONFIRMED = (
    "decision",
    "selected_plan_id",
    "coverage_tier",
    "effective_on",
    "employee_contribution_cents",
    "employer_contribution_cents",
    "coverage_starts_on",
)


def check_confirmations(snapshot: Snapshot) -> None:
    """Check that each answer has a confirmation, and that it says what the answer says."""
    latest = {row["enrollment_id"]: row for row in snapshot.of("election_confirmations")}
    for row in snapshot.of("enrollments"):
        if row["decision"] is not None:
            confirmation = latest[row["id"]]
            assert {name: row[name] for name in _CONFIRMED} == {name: confirmation[name] for name in _CONFIRMED}


def _in_order_of_effect(rows: dict[str, Row]) -> list[Row]:
    """Return the answered enrollments by time of decision, but each reissue after the enrollment that it replaces."""
    ordered: list[Row] = []

    def append(row: Row) -> None:
        if row["replaces_id"] is not None:
            append(rows[row["replaces_id"]])
        if row["decision"] is not None and row not in ordered:
            ordered.append(row)

    answered = [row for row in rows.values() if row["decision"] is not None]
    for row in sorted(answered, key=lambda row: datetime.fromisoformat(row["decided_at"])):
        append(row)
    return ordered


def check_answers(snapshot: Snapshot) -> None:
    """Check that the tier fits the dependents, and that the shares add up to the premium of plan and tier."""
    family = {row["id"]: Relationship(row["relationship"]) for row in snapshot.of("dependents")}
    plans = {row["id"]: row["carrier_plan_id"] for row in snapshot.of("plans")}
    covered = defaultdict(list)
    for row in snapshot.of("enrolled_dependents"):
        covered[row["enrollment_id"]].append(family[row["dependent_id"]])
    for row in snapshot.of("enrollments"):
        if row["decision"] != "ENROLLED":
            assert row["id"] not in covered
            continue
        tier = CoverageTier(row["coverage_tier"])
        assert tier is derive_tier(covered[row["id"]])
        assert covered[row["id"]].count(Relationship.SPOUSE) <= 1
        assert row["coverage_starts_on"] == row["effective_on"]
        shares = row["employee_contribution_cents"] + row["employer_contribution_cents"]
        assert shares == _premium(plans[row["selected_plan_id"]], tier)


def check_history(before: Snapshot, after: Snapshot) -> None:
    """Check that each changed row has a history event, and that its events add up to its current values."""
    new = after.tables["events"].keys() - before.tables["events"].keys()
    assert new or before.tables == after.tables, "a change without an event"
    recorded = {after.tables["events"][id]["subject_id"] for id in new}
    for table in ("enrollments", "plan_years", "life_events"):
        for id, row in after.tables[table].items():
            # The link to the coverage of record follows from the history of that record.
            old = {**before.tables[table].get(id, {}), "subscriber_enrollment_id": row.get("subscriber_enrollment_id")}
            assert {"subscriber_enrollment_id": None, **row} == old or id in recorded, f"no history event for {id}"
    for id, row in after.tables["employees"].items():
        old = before.tables["employees"].get(id, {})
        if any(row[name] != old.get(name) for name in ("terminated_on", "hired_on", "employment_class")):
            assert id in recorded, f"no history event for {id}"
    for table in ("enrollments", "plan_years", "life_events", "employees"):
        for id, row in after.tables[table].items():
            if id in recorded:
                _check_events(row, [event for event in after.of("events") if event["subject_id"] == id])


def _check_events(row: Row, events: Sequence[Row]) -> None:
    values: Row = {}
    for event in events:
        for name, value in (event["before"] or {}).items():
            assert _same(values.get(name), value), f"{event['action']} of {row['id']} says {name} was {value}"
        values |= event["after"] or {}
    for name, value in values.items():
        if name != "copied_from":  # the creation of a copy also says which plan year it copies
            assert _same(row[name], value), f"history says that {name} of {row['id']} is {value}"


def _same(one: Any, other: Any) -> bool:
    # PostgreSQL and Python format instants alike, except for trailing zeros, so compare up to the second.
    return one == other or (isinstance(one, str) and isinstance(other, str) and one[:19] == other[:19])


def check_statuses(snapshot: Snapshot, enrollments: Sequence[Any], today: date) -> None:
    """Check the status derived by SQL against the domain's; at most one answer of a plan year may be open."""
    ends = {row["id"]: to_date(row["coverage_ends_on"]) for row in snapshot.of("plan_years")}
    for row in enrollments:
        window = DateSpan.through(row.opens_on, row.closes_on)
        facts = EnrollmentFacts(
            row.decision, window, ends[row.plan_year_id], row.effective_on, row.coverage_ends_on, row.closed_on
        )
        assert row.status is derive_enrollment_status(facts, today)
    pending = Counter(row.plan_year_id for row in enrollments if row.status == "PENDING")
    assert all(number == 1 for number in pending.values())


def to_date(text: str) -> date:
    return date.fromisoformat(text)


def days_between(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _premium(carrier_plan_id: str, tier: CoverageTier) -> int:
    (plan,) = (plan for plan in PLANS if plan.carrier_plan_id == carrier_plan_id)
    if tier is CoverageTier.EE:
        return plan.monthly_premium_cents
    if not plan.rates:  # FLAT has no rates: it costs the contributions of the class
        return 110_000 if tier is CoverageTier.EF else 55_000
    return next(rate.monthly_premium_cents for rate in plan.rates if rate.coverage_tier is tier)
