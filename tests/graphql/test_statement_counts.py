"""No query is sent for each row: a deep question takes as many statements for thirty employees as for three."""

from datetime import date

import pytest
from asking import ask, statements

from benegraph.db.session import Database
from benegraph.domain.enrollments.standing import WindowReason
from benegraph.domain.values import Clock
from factories.access import administrator
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


@pytest.mark.parametrize(
    ("query", "least", "most"),
    [(DEEP, STATEMENTS_OF_DEEP, STATEMENTS_OF_DEEP), (WIDE, STATEMENTS_OF_DEEP, EDGES_OF_WIDE)],
    ids=["deep", "wide"],
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
        offers.append((employer, plan_year, await make_plan(database, clock, plan_year=plan_year)))
    query = query.replace("PLAN_YEAR", offers[0][1])
    hired = 0
    for staff in (3, 30):
        while hired < staff:
            await hire(database, clock, *offers[hired % 2], hired)
            hired += 1
        with statements(database) as sent:
            data = await ask(database, clock, ADMINISTRATOR, query)
        assert sum(len(node["employees"]["nodes"]) for node in data["employers"]["nodes"]) == staff
        assert least <= len(sent) <= most


async def test_many_nodes_take_a_statement_a_kind(database: Database, clock: Clock) -> None:
    employer = await make_employer(database, clock)
    people = [await make_employee(database, clock, employer=employer) for _ in range(10)]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    with statements(database) as sent:
        await ask(database, clock, ADMINISTRATOR, query, ids=[employer, *people, *people])
    assert len(sent) == 2
