"""Additions: what the seed lacks, employees with twenty enrollments and a great many pending ones to be answered."""

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

from .offers import EMPLOYER_PAYS, TIERS, Row, Rows, plan_year, product

#: Who insures the added products, by which the workloads tell them from those of the seed.
YEARS_OF_OLD, STILL_PENDING = "Benchmark Mutual", "Benchmark Life"
#: How many enrollments are pending for W4: more than the fastest contender answers in a turn and its warming up.
PENDING = 22_000
TWENTY = 20
LARGE = 100
_FEW = 3

_ORDER: tuple[type[Base], ...] = (
    *(BenefitProduct, PlanYear, ContributionClass, Plan, PlanRate),
    *(Enrollment, EnrolledDependent),
)
_FIRST_YEAR_OF_OLD = 12  # years ago: before anything the seed tells of
_YEARS_A_PRODUCT = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much is to be added."""

    pending: int = PENDING
    long_serving: int = 1000
    large_employers: int = 12


async def add(tx: Transaction, wanted: Wanted) -> None:
    """Add to a seeded tenant, so that no workload changes what another reads.

    W3 reads some employers with a hundred employees or a few more, as they were seeded. W2 reads employees of others,
    who get coverage of years long past, up to twenty enrollments each. W4 answers enrollments of yet others, pending
    in products of their own whose window is open for more than a year.
    """
    today, rows = tx.clock.now.date(), Rows()
    people: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for person in (await tx.session.execute(text(_PEOPLE), {"tenant": tx.viewer.tenant_id})).mappings():
        people[person["employer_id"]].append(dict(person))
    by_size = sorted(people, key=lambda employer: (len(people[employer]), employer))
    large = [id for id in by_size if len(people[id]) >= LARGE][: wanted.large_employers]
    large = large if len(large) >= _FEW else by_size[-_FEW:]
    rest = [id for id in by_size if id not in large]
    long_serving = min(wanted.long_serving, sum(map(len, people.values())) // 5)
    given = 0
    while rest and given < long_serving:
        employer = rest.pop()
        given += _give_twenty(rows, employer, people[employer], today)
    _open(rows, {id: [each["id"] for each in people[id] if each["eligible"]] for id in rest}, wanted.pending, today)
    for model in _ORDER:
        await insert_rows(tx, model, rows.tables[model])


_PEOPLE = """
    SELECT e.employer_id, e.id,
           e.terminated_on IS NULL AND e.employment_class = 'FULL_TIME' AND e.hired_on <= current_date AS eligible,
           (SELECT count(*) FROM enrollments n WHERE n.tenant_id = e.tenant_id AND n.employee_id = e.id) AS enrollments,
           (SELECT coalesce(array_agg(d.id ORDER BY d.id), '{}') FROM dependents d
            WHERE d.tenant_id = e.tenant_id AND d.employee_id = e.id) AS dependents,
           (SELECT coalesce(array_agg(DISTINCT d.relationship), '{}') FROM dependents d
            WHERE d.tenant_id = e.tenant_id AND d.employee_id = e.id) AS family
    FROM employees e WHERE e.tenant_id = :tenant ORDER BY e.id
"""


# ------------------------------------------------------------------------------------------------ years of old


def _give_twenty(rows: Rows, employer: str, people: Sequence[Mapping[str, Any]], today: date) -> int:
    """Give everyone of an employer coverage in years long past, up to twenty enrollments; tell how many they are."""
    most = TWENTY - min(each["enrollments"] for each in people)
    years: list[tuple[Row, list[Row]]] = []
    while len(years) < most:
        turn, at = divmod(len(years), _YEARS_A_PRODUCT)
        if at == 0:
            benefit = product(rows, YEARS_OF_OLD, turn, today)
        starts_on = date(today.year - _FIRST_YEAR_OF_OLD + at, 1, 1)
        opens_on, closes_on = starts_on - 45 * ONE_DAY, starts_on - 16 * ONE_DAY
        years.append(plan_year(rows, employer, benefit, starts_on, opens_on, closes_on))
        years[-1][0]["closed_on"] = closes_on + ONE_DAY
    for place, person in enumerate(people):
        for number in range(TWENTY - person["enrollments"]):
            year, plans = years[number]
            _cover(rows, year, plans[(place + number) % len(plans)], person)
    return len(people)


def _cover(rows: Rows, year: Mapping[str, Any], plan: Mapping[str, Any], person: Mapping[str, Any]) -> None:
    family = set(person["family"])
    tier = {frozenset(): "EE", frozenset({"SPOUSE"}): "ES", frozenset({"CHILD"}): "EC"}.get(frozenset(family), "EF")
    premium = plan["monthly_premium_cents"] * TIERS[tier] // 100
    enrollment = rows.add(
        Enrollment,
        IdPrefix.ENROLLMENT,
        year["opened_on"],
        **_issued(year, person["id"]),
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


def _open(rows: Rows, people: Mapping[str, Sequence[str]], pending: int, today: date) -> None:
    """Issue so many enrollments or a few more, in as many products as that takes."""
    opens_on, closes_on = today - 30 * ONE_DAY, today + 400 * ONE_DAY
    starts_on = first_of_next_month(closes_on)
    everyone = sum(map(len, people.values()))
    for number in range(ceil(pending / everyone)):
        benefit = product(rows, STILL_PENDING, number, today)
        for employer, theirs in people.items():
            year, _ = plan_year(rows, employer, benefit, starts_on, opens_on, closes_on)
            for employee in theirs:
                rows.add(Enrollment, IdPrefix.ENROLLMENT, opens_on, **_issued(year, employee), **_UNANSWERED)


_UNANSWERED = dict.fromkeys(
    (
        *("decision", "decided_at", "coverage_tier", "selected_plan_id"),
        *("employee_contribution_cents", "employer_contribution_cents", "coverage_starts_on", "coverage_ends_on"),
    )
)


def _issued(year: Mapping[str, Any], employee: str) -> dict[str, Any]:
    return {
        "employer_id": year["employer_id"],
        "employee_id": employee,
        "benefit_product_id": year["benefit_product_id"],
        "plan_year_id": year["id"],
        "reason": "OPEN_ENROLLMENT",
        "issued_on": year["opened_on"],
        "effective_on": year["coverage_starts_on"],
    }
