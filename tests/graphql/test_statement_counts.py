"""No query is sent for each row: a deep question takes as many statements for thirty employees as for three."""

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
#: employers, employees, dependents, enrollments; plans, products, covered dependents; plan year's plans, classes,
#: employees by id; rates.
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
#: An edge takes one statement at most (eligibility two: plan year and classes). Where two edges ask for the same
#: kind of row, how the event loop takes its turns decides whether they share one.
EDGES_OF_WIDE = 22

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
#: employees, subscribers, and of these employees by id, invoices and enrollments with two counts; payments,
#: subscribers by number, contracts, employers, elections, coverage by id.
EDGES_OF_CARRIER = 13


async def hire(database: Database, clock: Clock, employer: str, plan_year: str, plan: str, number: int) -> None:
    """Hire someone with an election, a child, a life event and a reissued enrollment."""
    person = await make_employee(database, clock, employer=employer, last_name=f"N{number}")
    child = await make_dependent(database, clock, employee=person)
    election = await make_enrollment(
        database, clock, employee=person, plan_year=plan_year, plan=plan, covers={child: None}
    )
    happened = await make_life_event(database, clock, employee=person, dependent=child)
    reissued = await make_enrollment(
        database,
        clock,
        employee=person,
        plan_year=plan_year,
        reason=WindowReason.LIFE_EVENT,
        window=(date(2026, 11, 10), date(2026, 12, 10)),
        replaces=election,
        life_event=happened,
    )
    await make_event(database, clock, employee=person, subject=reissued)
    numbered = f"S{number}"
    await make_subscriber_row(database, clock, numbered, employee=person)
    whose = {"employer_id": employer, "employee_id": person, "group_id": employer[-20:]}
    (record,) = await make_coverage_rows(database, clock, coverage_row(clock, numbered, **whose))
    link = {"id": election, "subscriber_enrollment_id": record}
    await database.transact(ADMINISTRATOR, clock, lambda tx: update_rows(tx, Enrollment, [link]))
    invoice = await make_invoice_row(database, clock, employer=employer, number=numbered, group_id=employer[-20:])
    await make_payment_row(database, clock, invoice, employer=employer)


@pytest.mark.parametrize(
    ("query", "least", "most"),
    [
        (DEEP, STATEMENTS_OF_DEEP, STATEMENTS_OF_DEEP),
        (WIDE, STATEMENTS_OF_DEEP, EDGES_OF_WIDE),
        (CARRIER, STATEMENTS_OF_DEEP, EDGES_OF_CARRIER),
    ],
    ids=["deep", "wide", "carrier"],
)
async def test_statements_do_not_grow_with_rows(
    database: Database, clock: Clock, query: str, least: int, most: int
) -> None:
    employers = [await make_employer(database, clock, name=name) for name in "AB"]
    product = await make_product(database, clock)
    offers = []
    for employer in employers:
        plan_year = await make_plan_year(database, clock, employer=employer, product=product)
        await make_class(database, clock, plan_year=plan_year)
        await make_contract_row(database, clock, employer=employer, group_id=employer[-20:])
        offers.append((employer, plan_year, await make_plan(database, clock, plan_year=plan_year)))
    query = query.replace("PLAN_YEAR", offers[0][1])
    hired = 0
    for staff in (3, 30):
        while hired < staff:
            await hire(database, clock, *offers[hired % 2], hired)
            hired += 1
        with record_statements(database) as sent:
            data = await fetch_data(database, clock, ADMINISTRATOR, query)
        lists = [data, *data.get("employers", {}).get("nodes", ())]
        assert sum(len(each["employees"]["nodes"]) for each in lists if "employees" in each) == staff
        assert least <= len(sent) <= most


async def test_many_nodes_take_a_statement_a_kind(database: Database, clock: Clock) -> None:
    employer = await make_employer(database, clock)
    people = [await make_employee(database, clock, employer=employer) for _ in range(10)]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    with record_statements(database) as sent:
        await fetch_data(database, clock, ADMINISTRATOR, query, ids=[employer, *people, *people])
    assert len(sent) == 2
