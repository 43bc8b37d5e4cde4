"""Additions to the seeded data: employees with twenty enrollments, and many pending enrollments."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from math import ceil
from typing import Any

from sqlalchemy import text

from benegraph.db.base import Base
from benegraph.db.models import (
    BenefitProduct,
    ContributionClass,
    EnrolledDependent,
    Enrollment,
    Plan,
    PlanRate,
    PlanYear,
)
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import insert_rows
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import ONE_DAY, first_of_next_month

from .offers import EMPLOYER_PAYS, TIERS, Row, Rows, add_plan_year, add_product

#: The carriers of the added products; the workloads select them by these names.
PAST_CARRIER, PENDING_CARRIER = "Benchmark Mutual", "Benchmark Life"
#: Pending enrollments for W4: more than the fastest contender answers in a warm-up and a turn.
PENDING = 22_000
ENROLLMENTS_EACH = 20
LARGE_EMPLOYER = 100
_MIN_LARGE_EMPLOYERS = 3

_INSERT_ORDER: tuple[type[Base], ...] = (
    *(BenefitProduct, PlanYear, ContributionClass, Plan, PlanRate),
    *(Enrollment, EnrolledDependent),
)
_FIRST_PAST_YEAR = 12  # years ago: before any of the seeded years
_YEARS_A_PRODUCT = 4


@dataclass(frozen=True, slots=True)
class AdditionSizes:
    """The number of rows to add."""

    pending: int = PENDING
    long_serving: int = 1000
    large_employers: int = 12


async def add(tx: Transaction, sizes: AdditionSizes) -> None:
    """Add rows to a seeded tenant so that no workload changes the rows that another one reads.

    - W3 reads some employers with a hundred employees or a few more, as they were seeded.
    - W2 reads employees of other employers, with coverage in past years: up to twenty enrollments each.
    - W4 answers enrollments of the remaining employers, in products of their own with a window of more than a year.
    """
    today, rows = tx.clock.now.date(), Rows()
    people: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for person in (await tx.session.execute(text(_EMPLOYEES), {"tenant": tx.viewer.tenant_id})).mappings():
        people[person["employer_id"]].append(dict(person))
    by_size = sorted(people, key=lambda employer: (len(people[employer]), employer))
    large = [id for id in by_size if len(people[id]) >= LARGE_EMPLOYER][: sizes.large_employers]
    large = large if len(large) >= _MIN_LARGE_EMPLOYERS else by_size[-_MIN_LARGE_EMPLOYERS:]
    rest = [id for id in by_size if id not in large]
    long_serving = min(sizes.long_serving, sum(map(len, people.values())) // 5)
    covered = 0
    while rest and covered < long_serving:
        employer = rest.pop()
        covered += _add_past_coverage(rows, employer, people[employer], today)
    _add_pending(
        rows, {id: [each["id"] for each in people[id] if each["eligible"]] for id in rest}, sizes.pending, today
    )
    for model in _INSERT_ORDER:
        await insert_rows(tx, model, rows.tables[model])


_EMPLOYEES = """
    SELECT e.employer_id, e.id,
           e.terminated_on IS NULL AND e.employment_class = 'FULL_TIME' AND e.hired_on <= current_date AS eligible,
           (SELECT count(*) FROM enrollments n WHERE n.tenant_id = e.tenant_id AND n.employee_id = e.id) AS enrollments,
           (SELECT coalesce(array_agg(d.id ORDER BY d.id), '{}') FROM dependents d
            WHERE d.tenant_id = e.tenant_id AND d.employee_id = e.id) AS dependents,
           (SELECT coalesce(array_agg(DISTINCT d.relationship), '{}') FROM dependents d
            WHERE d.tenant_id = e.tenant_id AND d.employee_id = e.id) AS family
    FROM employees e WHERE e.tenant_id = :tenant ORDER BY e.id
"""


# ---------------------------------------------------------------------------------------------- past coverage


def _add_past_coverage(rows: Rows, employer: str, people: Sequence[Mapping[str, Any]], today: date) -> int:
    """Add coverage in past years to all employees of an employer, up to twenty enrollments; return their number."""
    missing = ENROLLMENTS_EACH - min(each["enrollments"] for each in people)
    years: list[tuple[Row, list[Row]]] = []
    while len(years) < missing:
        product_number, year_number = divmod(len(years), _YEARS_A_PRODUCT)
        if year_number == 0:
            benefit = add_product(rows, PAST_CARRIER, product_number, today)
        starts_on = date(today.year - _FIRST_PAST_YEAR + year_number, 1, 1)
        opens_on, closes_on = starts_on - 45 * ONE_DAY, starts_on - 16 * ONE_DAY
        years.append(add_plan_year(rows, employer, benefit, starts_on, opens_on, closes_on))
        years[-1][0]["closed_on"] = closes_on + ONE_DAY
    for index, person in enumerate(people):
        for number in range(ENROLLMENTS_EACH - person["enrollments"]):
            year, plans = years[number]
            _add_enrolled(rows, year, plans[(index + number) % len(plans)], person)
    return len(people)


def _add_enrolled(rows: Rows, year: Mapping[str, Any], plan: Mapping[str, Any], person: Mapping[str, Any]) -> None:
    family = set(person["family"])
    tier = {frozenset(): "EE", frozenset({"SPOUSE"}): "ES", frozenset({"CHILD"}): "EC"}.get(frozenset(family), "EF")
    premium = plan["monthly_premium_cents"] * TIERS[tier] // 100
    enrollment = rows.add(
        Enrollment,
        IdPrefix.ENROLLMENT,
        year["opened_on"],
        **_issued_columns(year, person["id"]),
        decision="ENROLLED",
        decided_at=datetime.combine(year["opened_on"] + 3 * ONE_DAY, time(18), UTC),
        coverage_tier=tier,
        selected_plan_id=plan["id"],
        employee_contribution_cents=premium - EMPLOYER_PAYS,
        employer_contribution_cents=EMPLOYER_PAYS,
        coverage_starts_on=year["coverage_starts_on"],
        coverage_ends_on=year["coverage_ends_on"],
    )
    for dependent in person["dependents"]:
        rows.add(
            EnrolledDependent,
            None,
            year["opened_on"],
            enrollment_id=enrollment["id"],
            dependent_id=dependent,
            employer_id=year["employer_id"],
            employee_id=person["id"],
            through=None,
        )


# ---------------------------------------------------------------------------------------------------- pending


def _add_pending(rows: Rows, people: Mapping[str, Sequence[str]], pending: int, today: date) -> None:
    """Add at least `pending` unanswered enrollments, in as many products as necessary."""
    opens_on, closes_on = today - 30 * ONE_DAY, today + 400 * ONE_DAY
    starts_on = first_of_next_month(closes_on)
    eligible = sum(map(len, people.values()))
    for number in range(ceil(pending / eligible)):
        benefit = add_product(rows, PENDING_CARRIER, number, today)
        for employer, employees in people.items():
            year, _ = add_plan_year(rows, employer, benefit, starts_on, opens_on, closes_on)
            for employee in employees:
                rows.add(Enrollment, IdPrefix.ENROLLMENT, opens_on, **_issued_columns(year, employee), **_UNANSWERED)


_UNANSWERED = dict.fromkeys(
    (
        *("decision", "decided_at", "coverage_tier", "selected_plan_id"),
        *("employee_contribution_cents", "employer_contribution_cents", "coverage_starts_on", "coverage_ends_on"),
    )
)


def _issued_columns(year: Mapping[str, Any], employee: str) -> dict[str, Any]:
    return {
        "employer_id": year["employer_id"],
        "employee_id": employee,
        "benefit_product_id": year["benefit_product_id"],
        "plan_year_id": year["id"],
        "reason": "OPEN_ENROLLMENT",
        "issued_on": year["opened_on"],
        "effective_on": year["coverage_starts_on"],
    }
