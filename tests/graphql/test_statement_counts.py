"""The number of SQL statements of an operation doesn't depend on the number of rows."""

from datetime import date

import pytest
from graphql_requests import fetch_data, record_statements

from benegraph.db.models import Enrollment
from benegraph.db.session import Database
from benegraph.db.store.row_writes import update_rows
from benegraph.domain.enrollments.status import WindowReason
from benegraph.domain.values import Clock
from factories.access import administrator
from factories.carrier_rows import (
    coverage_row,
    make_contract_row,
    make_coverage_rows,
    make_invoice_row,
    make_payment_row,
    make_subscriber_row,
)
from factories.catalog import make_product
from factories.employers import make_employer
from factories.enrollments import make_enrollment, make_event, make_life_event
from factories.people import make_dependent, make_employee
from factories.plan_years import make_class, make_plan, make_plan_year

ADMINISTRATOR = administrator()

DEEP = """{
  employers { nodes { employees(first: 100) { nodes {
    dependents { id }
    enrollments { nodes {
      status selectedPlan { name } benefitProduct { name }
      enrolledDependents { firstName }
      dependentCoverage { dependent { firstName } coverageEnd }
      eligiblePlans { plan { name } costs { coverageTier } }
    } }
  } } } }
}"""
#: One each for employers, employees, dependents, enrollments, plans, products, covered dependents, plans of the plan
#: year, contribution classes, employees by ID, and rates.
STATEMENTS_OF_DEEP = 11

WIDE = """{
  employers { nodes { employees(first: 100) { totalCount nodes {
    employer { name }
    eligibility(planYearId: "PLAN_YEAR") { eligible }
    qualifyingLifeEvents { dependent { id } employee { id } enrollmentWindowEnd }
    enrollments(first: 5, filter: {status: [PENDING, ENROLLED, WAIVED]}) { totalCount edges { cursor node {
      employee { id }
      planYear { status plans { rates { coverageTier } planYear { id } } contributionClasses { employment } }
      replaces { id replaces { id } }
      qualifyingLifeEvent { eventDate }
      electionWindow { isOpen }
      events { totalCount nodes { action } }
    } } }
  } } } }
}"""
#: The maximum: one statement for each field that reads rows (two for eligibility: plan year and classes). Fields that
#: read the same kind of row share a statement or not, depending on the order in which the event loop runs them.
MAX_STATEMENTS_OF_WIDE = 22

CARRIER = """{
  employees(first: 100) { nodes {
    divisionId
    subscriber {
      employee { id }
      invoices(first: 5) { totalCount nodes { status paidCents payments { amountCents reversed } } }
      enrollments(first: 5, orderBy: [{field: END_DATE, direction: DESC}, {field: GROUP_ID}]) {
        totalCount edges { cursor node {
          subscriber { subscriberId } groupContract { coverageEnd employer { name } }
          enrollments { id subscriberEnrollment { paidThrough } }
        } }
      }
    }
  } }
}"""
#: The maximum: one each for employees, subscribers, employees by ID, invoices, enrollments, two counts, payments,
#: subscribers by number, contracts, employers, elections, and coverage by ID.
MAX_STATEMENTS_OF_CARRIER = 13


async def insert_employee(
    database: Database, clock: Clock, employer: str, plan_year: str, plan: str, number: int
) -> None:
    """Insert an employee with an election, a child, a life event, a reissued enrollment, coverage and an invoice."""
    employee_id = await make_employee(database, clock, employer=employer, last_name=f"N{number}")
    child = await make_dependent(database, clock, employee=employee_id)
    election = await make_enrollment(
        database, clock, employee=employee_id, plan_year=plan_year, plan=plan, covers={child: None}
    )
    life_event = await make_life_event(database, clock, employee=employee_id, dependent=child)
    reissued = await make_enrollment(
        database,
        clock,
        employee=employee_id,
        plan_year=plan_year,
        reason=WindowReason.LIFE_EVENT,
        window=(date(2026, 11, 10), date(2026, 12, 10)),
        replaces=election,
        life_event=life_event,
    )
    await make_event(database, clock, employee=employee_id, subject=reissued)
    subscriber_id = f"S{number}"
    await make_subscriber_row(database, clock, subscriber_id, employee=employee_id)
    owner = {"employer_id": employer, "employee_id": employee_id, "group_id": employer[-20:]}
    (record,) = await make_coverage_rows(database, clock, coverage_row(clock, subscriber_id, **owner))
    link = {"id": election, "subscriber_enrollment_id": record}
    await database.transact(ADMINISTRATOR, clock, lambda tx: update_rows(tx, Enrollment, [link]))
    invoice = await make_invoice_row(database, clock, employer=employer, number=subscriber_id, group_id=employer[-20:])
    await make_payment_row(database, clock, invoice, employer=employer)


@pytest.mark.parametrize(
    ("query", "min_statements", "max_statements"),
    [
        (DEEP, STATEMENTS_OF_DEEP, STATEMENTS_OF_DEEP),
        (WIDE, STATEMENTS_OF_DEEP, MAX_STATEMENTS_OF_WIDE),
        (CARRIER, STATEMENTS_OF_DEEP, MAX_STATEMENTS_OF_CARRIER),
    ],
    ids=["deep", "wide", "carrier"],
)
@pytest.mark.parametrize("argument", ["first", "last"])
async def test_statement_count_does_not_grow_with_rows(
    database: Database, clock: Clock, query: str, min_statements: int, max_statements: int, argument: str
) -> None:
    employers = [await make_employer(database, clock, name=name) for name in "AB"]
    product = await make_product(database, clock)
    offers = []
    for employer in employers:
        plan_year = await make_plan_year(database, clock, employer=employer, product=product)
        await make_class(database, clock, plan_year=plan_year)
        await make_contract_row(database, clock, employer=employer, group_id=employer[-20:])
        offers.append((employer, plan_year, await make_plan(database, clock, plan_year=plan_year)))
    query = query.replace("PLAN_YEAR", offers[0][1]).replace("first: ", f"{argument}: ")
    inserted = 0
    for employee_count in (3, 30):
        while inserted < employee_count:
            await insert_employee(database, clock, *offers[inserted % 2], inserted)
            inserted += 1
        with record_statements(database) as recorded:
            data = await fetch_data(database, clock, ADMINISTRATOR, query)
        lists = [data, *data.get("employers", {}).get("nodes", ())]
        assert sum(len(parent["employees"]["nodes"]) for parent in lists if "employees" in parent) == employee_count
        assert min_statements <= len(recorded) <= max_statements


async def test_nodes_takes_one_statement_per_type(database: Database, clock: Clock) -> None:
    employer = await make_employer(database, clock)
    employees = [await make_employee(database, clock, employer=employer) for _ in range(10)]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    with record_statements(database) as recorded:
        await fetch_data(database, clock, ADMINISTRATOR, query, ids=[employer, *employees, *employees])
    assert len(recorded) == 2
