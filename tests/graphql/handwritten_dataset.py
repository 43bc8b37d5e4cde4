"""The rows that `handwritten.graphql` selects: an employer with unusual texts, and values for variables."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from all_types_dataset import NOW, TODAY
from graphql_requests import fetch_data
from visibility_dataset import make_visibility_dataset

from benegraph.db.models import Event
from benegraph.db.session import Database
from benegraph.domain.access import Role, Viewer
from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.life_events import LifeEventStatus
from benegraph.domain.enrollments.status import ElectionDecision, WindowReason
from benegraph.domain.ids import IdPrefix, new_id, prefix_of
from benegraph.domain.people import EmploymentClass
from factories.access import TENANT, administrator, employee_viewer, employer_viewer, insert, make_key
from factories.carrier_rows import (
    coverage_row,
    make_contract_row,
    make_coverage_rows,
    make_invoice_row,
    make_payment_row,
    make_subscriber_row,
)
from factories.catalog import make_carrier_plan, make_product
from factories.employers import make_employer
from factories.enrollments import make_enrollment, make_life_event
from factories.people import make_dependent, make_employee
from factories.plan_years import make_class, make_plan, make_plan_year

Variables = dict[str, Any]
Values = Mapping[str, Any]

VIEWER_NAMES = ("administrator", "employee", "employer", "another employer's employee", "another employer's service")
#: Texts with characters that JSON escapes, that it may escape, and that it must not.
ESCAPED = 'A"\\\u0001\u2028😀'
CONTROLS = "".join(map(chr, range(1, 33))) + "\x7f\x80\x9f\ufeff\uffff\U0010ffff"
HTML = "\"\\</script><!-- & ' \t\r\n"
#: A subscriber number with special characters, as rules for carriers may allow. It is a key in statements.
NUMBER = 'A"\\😀,/&%'
GROUP, DIVISION = 'G"\\😀', "D,{}'"
STARTED_ON, ENDED_ON = date(2020, 1, 1), date(9999, 12, 30)
#: Numbers of rows that exceed a page, and the limit for inline rows.
EMPLOYEES, REISSUES, EVENTS, COVERAGES = 45, 25, 25, 105


async def make_dataset(database: Database) -> tuple[dict[str, Any], dict[str, Viewer]]:
    """Make rows of two tenants, among them an employer with unusual texts.

    Return the values of variables by name, and the viewers by name.
    """
    dataset = await make_visibility_dataset(database, NOW)
    common: Values = {"database": database, "clock": NOW}
    employer = await make_employer(**common, name=ESCAPED)
    values = await _make_catalog(common, employer)
    employees = await _make_employees(common, employer)
    values |= {"employer": employer, "employee": employees[0], "another": employees[1]}
    for limits in ({"actions": ["elect"]}, {"expires_at": NOW.now}, {"employer": employer, "employee": employees[0]}):
        await make_key(**common, **limits)
    values |= await _make_enrollments(common, values, employees)
    await _make_events(common, values)
    values |= await _make_coverage(common, employer, employees[0])
    ids_by_prefix: dict[Any, list[str]] = {}
    for row in dataset.rows:
        if row.tenant == TENANT:
            ids_by_prefix.setdefault(prefix_of(row.id), []).append(row.id)
    values |= {
        "ids": [id for ids in ids_by_prefix.values() for id in ids[:2]],
        "foreign": next(row.id for row in dataset.rows if row.tenant != TENANT and row.employee == row.id),
        "covered": next(iter(dataset.elections.values())),
        "divisionNode": ids_by_prefix[IdPrefix.DIVISION][0],
        "tooMany": ["x"] * 101,
        "unknown": new_id(IdPrefix.EMPLOYEE, NOW.now),
        "unknownYear": new_id(IdPrefix.PLAN_YEAR, NOW.now),
        "unknownEmployer": new_id(IdPrefix.EMPLOYER, NOW.now),
        "emptyEmployer": await make_employer(**common, name="Empty"),
    }
    values |= await _read_cursors(database, values)
    others = [viewer for viewer in dataset.viewers if viewer.tenant_id == TENANT and viewer.employer_id]
    viewers = (
        administrator(),
        employee_viewer(employer, employees[0]),
        employer_viewer(employer),
        next(viewer for viewer in others if viewer.role is Role.EMPLOYEE),
        next(viewer for viewer in others if viewer.role is Role.SERVICE),
    )
    return values, dict(zip(VIEWER_NAMES, viewers, strict=True))


async def _make_catalog(common: Values, employer: str) -> dict[str, Any]:
    """Make a benefit product and two plan years, one of which has plans and contributions."""
    product = await make_product(**common, name=HTML, carrier_name=CONTROLS)
    for index, name in enumerate((ESCAPED, CONTROLS)):
        await make_carrier_plan(**common, product=product, position=index, carrier_plan_id=name[:8], name=name)
    year = await make_plan_year(**common, employer=employer, product=product)
    past: dict[str, Any] = {"coverage_starts_on": date(2025, 1, 1), "coverage_ends_on": date(2025, 12, 31)}
    past |= {"open_enrollment_starts_on": date(2024, 11, 1), "open_enrollment_ends_on": date(2024, 11, 30)}
    other = await make_plan_year(**common, employer=employer, product=product, **past)
    plan = await make_plan(**common, plan_year=year, carrier_plan_id=HTML, name=CONTROLS)
    await make_plan(**common, plan_year=year, position=1, carrier_plan_id="FLAT", name=ESCAPED, tier=None, rates={})
    for index, employment in enumerate((EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME)):
        await make_class(**common, plan_year=year, position=index, employment=employment)
    return {"product": product, "planYear": year, "other": other, "plan": plan}


async def _make_employees(common: Values, employer: str) -> list[str]:
    unusual = {"first_name": ESCAPED, "last_name": CONTROLS, "email": HTML, "external_id": '"\\</script>'}
    terminated = {"last_name": HTML, "terminated_on": TODAY, "employment_class": EmploymentClass.PART_TIME}
    rows: list[dict[str, Any]] = [unusual, terminated]
    rows += [
        {"first_name": f"P{index}", "last_name": "Same", "hired_on": STARTED_ON + timedelta(days=index % 7)}
        for index in range(EMPLOYEES - 2)
    ]
    return [await make_employee(**common, employer=employer, **row) for row in rows]


async def _make_enrollments(common: Values, values: Values, employees: Sequence[str]) -> dict[str, Any]:
    """Make dependents, life events, a chain of reissued enrollments, and a pending enrollment for each employee."""
    (employee, second_employee, *_), year, plan = employees, values["planYear"], values["plan"]
    child = await make_dependent(**common, employee=employee, first_name=ESCAPED, last_name=HTML)
    await make_dependent(**common, employee=second_employee, first_name=CONTROLS, date_of_birth=date(1990, 1, 1))
    review: dict[str, Any] = {"dependent": child, "status": LifeEventStatus.APPROVED, "review_notes": HTML}
    event = await make_life_event(**common, employee=employee, notes=CONTROLS, **review)
    await make_life_event(**common, employee=second_employee, notes=ESCAPED)
    tier = CoverageTier.EC
    first = await make_enrollment(
        **common, employee=employee, plan_year=year, plan=plan, coverage_tier=tier, covers={child: TODAY}
    )
    enrollments = [first]
    reissue: dict[str, Any] = {"reason": WindowReason.LIFE_EVENT, "window": (TODAY, TODAY), "life_event": event}
    for index in range(REISSUES):
        cancelled = {"plan": plan, "coverage": (date(2027, 1, 1), None)}
        answer: dict[str, Any] = {"decision": ElectionDecision.WAIVED} if index % 3 else cancelled
        answer |= {"closed_on": TODAY} if index % 2 else {}
        effective = date(2026 + index % 3, 2, 1)
        enrollments.append(
            await make_enrollment(
                **common,
                employee=employee,
                plan_year=year,
                replaces=enrollments[-1],
                effective_on=effective,
                **reissue,
                **answer,
            )
        )
    enrollments += [await make_enrollment(**common, employee=other, plan_year=year) for other in employees[1:]]
    await make_enrollment(**common, employee=second_employee, plan_year=values["other"], closed_on=TODAY)
    return {"enrollment": first, "reissued": enrollments[2], "enrollments": enrollments[:30]}


async def _make_events(common: Values, values: Values) -> None:
    common_columns = {
        "employer_id": values["employer"],
        "employee_id": values["employee"],
        "subject_id": values["enrollment"],
    }
    common_columns |= {"action": "ISSUED", "actor": ESCAPED, "actor_role": Role.EMPLOYER, "before": None, "after": None}
    rows = [
        common_columns
        | {
            "occurred_at": NOW.now + timedelta(microseconds=index),
            "request_id": HTML if index % 2 else None,
            "reason": (ESCAPED, CONTROLS, None)[index % 3],
        }
        for index in range(EVENTS)
    ]
    await insert(common["database"], NOW, TENANT, Event, *rows, prefix=IdPrefix.EVENT)


async def _make_coverage(common: Values, employer: str, employee: str) -> dict[str, Any]:
    """Make a contract, a subscriber with coverages that have many nulls, and invoices."""
    contract: dict[str, Any] = {"group_id": GROUP, "division_id": DIVISION}
    await make_contract_row(
        **common, **contract, employer=employer, policy_number=HTML, coverage_start=STARTED_ON, coverage_end=ENDED_ON
    )
    await make_subscriber_row(**common, number=NUMBER, employee=employee, first_name=CONTROLS, last_name=HTML)
    columns = contract | {"employer_id": employer, "employee_id": employee, "group_coverage_start": STARTED_ON}
    days = dict.fromkeys(("date_employed", "eligibility_date", "original_enrollment_date", "term_date"), STARTED_ON)
    rows = [
        coverage_row(
            NOW,
            NUMBER,
            start_date=STARTED_ON + timedelta(days=index),
            end_date=STARTED_ON + timedelta(days=index) if index < COVERAGES - 1 else None,
            annual_max_cents=None if index % 4 else index,
            lifetime_max_cents=(None, 2**53 - 1, 0)[index % 3],
            policy_number=(None, HTML, ESCAPED)[index % 3],
            paid_through=TODAY if index % 5 else None,
            entry_user=ESCAPED,
            **columns | (days if index % 7 else {}),
        )
        for index in range(COVERAGES)
    ]
    await make_coverage_rows(common["database"], NOW, *rows)
    for _ in range(4):
        invoice = await make_invoice_row(**common, **contract, employer=employer, number=NUMBER)
        await make_payment_row(**common, invoice=invoice, employer=employer, amount_cents=2_500)
    start = str(STARTED_ON)
    key = {"subscriberId": NUMBER, "groupId": GROUP, "divisionId": DIVISION}
    key |= {"groupCoverageStart": start, "startDate": start}
    return {"number": NUMBER, "group": GROUP, "division": DIVISION, "start": start, "from": start, "key": key}


CURSORS_QUERY = """query($employer: ID!, $employee: ID!, $number: String!) {
  third: employer(id: $employer) { page: employees(first: 3) { pageInfo { endCursor } } }
  last: employer(id: $employer) { page: employees(first: 100) { pageInfo { endCursor } } }
  enrolled: employee(id: $employee) { page: enrollments(first: 4) { pageInfo { endCursor } } }
  unlimited: subscriber(subscriberId: $number) { page: enrollments(
    first: 40, orderBy: [{field: ANNUAL_MAX, direction: DESC}, {field: START_DATE}]) { pageInfo { endCursor } } }
}"""


async def _read_cursors(database: Database, values: Values) -> dict[str, str]:
    """Read cursors by Strawberry's executor. Both executors continue from them."""
    variables = {name: values[name] for name in ("employer", "employee", "number")}
    data = await fetch_data(database, NOW, administrator(), CURSORS_QUERY, **variables)
    return {name: parent["page"]["pageInfo"]["endCursor"] for name, parent in data.items()}
