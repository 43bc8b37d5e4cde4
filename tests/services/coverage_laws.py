"""Laws that hold of an office's rows at any time, told without the services: by painting days, one by one."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.status import EnrollmentFacts, derive_enrollment_status
from benegraph.domain.enrollments.tiers import derive_tier
from benegraph.domain.people import Relationship
from benegraph.domain.values import DateSpan, last_day_of_month
from factories.office import PLANS, TableRows

Row = dict[str, Any]
#: Which enrollment covers a day.
Days = dict[date, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """All rows of the tenant at one moment, and which enrollment covers which day of whom."""

    dump: TableRows
    covered: dict[str, Days] = field(default_factory=dict)

    def of(self, table: str) -> list[Row]:
        """Give the rows of a table, oldest first."""
        return [row for _, row in sorted(self.dump[table].items())]


def see(dump: TableRows) -> Seen:
    """Paint who is covered when; no two coverages share a day."""
    seen = Seen(dump, {id: {} for id in dump["employees"]})
    for row in seen.of("enrollments"):
        if row["decision"] != "ENROLLED" or row["coverage_ends_on"] is None:
            continue
        covered = seen.covered[row["employee_id"]]
        for each in days(day(row["coverage_starts_on"]), day(row["coverage_ends_on"])):
            assert each not in covered, f"{row['id']} and {covered[each]} both cover {each}"
            covered[each] = row["id"]
    return seen


def check_coverage(seen: Seen) -> None:
    """Paint each answer over the days from which it takes effect, first to last: what shows is what is covered."""
    ends = {row["id"]: day(row["coverage_ends_on"]) for row in seen.of("plan_years")}
    left = {row["id"]: row["terminated_on"] for row in seen.of("employees")}
    painted: dict[str, Days] = {id: {} for id in left}
    for row in _as_answered(seen.dump["enrollments"]):
        gone = left[row["employee_id"]]
        last = min(ends[row["plan_year_id"]], last_day_of_month(day(gone)) if gone else date.max)
        for each in days(day(row["effective_on"]), ends[row["plan_year_id"]]):
            painted[row["employee_id"]].pop(each, None)
            if row["decision"] == "ENROLLED" and each <= last:
                painted[row["employee_id"]][each] = row["id"]
    assert painted == seen.covered


def _as_answered(rows: dict[str, Row]) -> list[Row]:
    """Give the answers as they were given; but what a life event let someone answer anew lies over what there was."""
    painted: list[Row] = []

    def paint(row: Row) -> None:
        if row["replaces_id"] is not None:
            paint(rows[row["replaces_id"]])
        if row["decision"] is not None and row not in painted:
            painted.append(row)

    answered = [row for row in rows.values() if row["decision"] is not None]
    for row in sorted(answered, key=lambda row: datetime.fromisoformat(row["decided_at"])):
        paint(row)
    return painted


def check_answers(seen: Seen) -> None:
    """The tier fits the family, and the shares add up to what plan and tier cost."""
    family = {row["id"]: Relationship(row["relationship"]) for row in seen.of("dependents")}
    plans = {row["id"]: row["carrier_plan_id"] for row in seen.of("plans")}
    covered = defaultdict(list)
    for row in seen.of("enrolled_dependents"):
        covered[row["enrollment_id"]].append(family[row["dependent_id"]])
    for row in seen.of("enrollments"):
        if row["decision"] != "ENROLLED":
            assert row["id"] not in covered
            continue
        tier = CoverageTier(row["coverage_tier"])
        assert tier is derive_tier(covered[row["id"]])
        assert covered[row["id"]].count(Relationship.SPOUSE) <= 1
        assert row["coverage_starts_on"] == row["effective_on"]
        shares = row["employee_contribution_cents"] + row["employer_contribution_cents"]
        assert shares == _premium(plans[row["selected_plan_id"]], tier)


def check_history(before: Seen, after: Seen) -> None:
    """Each row that changed has a line of its own; and all lines of a row together tell what it is."""
    new = after.dump["events"].keys() - before.dump["events"].keys()
    told = {after.dump["events"][id]["subject_id"] for id in new}
    for table in ("enrollments", "plan_years", "life_events"):
        for id, row in after.dump[table].items():
            assert row == before.dump[table].get(id) or id in told, f"nothing was noted of {id}"
    for id, row in after.dump["employees"].items():
        was = before.dump["employees"].get(id, {})
        if any(row[name] != was.get(name) for name in ("terminated_on", "hired_on", "employment_class")):
            assert id in told, f"nothing was noted of {id}"
    for table in ("enrollments", "plan_years", "life_events", "employees"):
        for id, row in after.dump[table].items():
            if id in told:
                _check_lines(row, [event for event in after.of("events") if event["subject_id"] == id])


def _check_lines(row: Row, events: Sequence[Row]) -> None:
    known: Row = {}
    for event in events:
        for name, value in (event["before"] or {}).items():
            assert _same(known.get(name), value), f"{event['action']} of {row['id']} says {name} was {value}"
        known |= event["after"] or {}
    for name, value in known.items():
        assert _same(row[name], value), f"history says that {name} of {row['id']} is {value}"


def _same(one: Any, other: Any) -> bool:
    # PostgreSQL writes an instant as Python does, but for zeros at its end.
    return one == other or (isinstance(one, str) and isinstance(other, str) and one[:19] == other[:19])


def check_statuses(seen: Seen, enrollments: Sequence[Any], today: date) -> None:
    """The status that SQL derives is the domain's; and at most one reissue of a plan year is open."""
    ends = {row["id"]: day(row["coverage_ends_on"]) for row in seen.of("plan_years")}
    for row in enrollments:
        window = DateSpan.through(row.opens_on, row.closes_on)
        facts = EnrollmentFacts(
            row.decision, window, ends[row.plan_year_id], row.coverage_starts_on, row.coverage_ends_on, row.closed_on
        )
        assert row.status is derive_enrollment_status(facts, today)
    reissues = Counter(row.plan_year_id for row in enrollments if row.status == "PENDING" and row.replaces_id)
    assert all(number == 1 for number in reissues.values())


def day(text: str) -> date:
    return date.fromisoformat(text)


def days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _premium(carrier_plan_id: str, tier: CoverageTier) -> int:
    (plan,) = (plan for plan in PLANS if plan.carrier_plan_id == carrier_plan_id)
    if tier is CoverageTier.EE:
        return plan.monthly_premium_cents
    if not plan.rates:  # FLAT costs what the class says
        return 110_000 if tier is CoverageTier.EF else 55_000
    return next(rate.monthly_premium_cents for rate in plan.rates if rate.coverage_tier is tier)
