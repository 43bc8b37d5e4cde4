"""Subscribers, contracts, coverage and premiums of the visibility dataset, with the same numbers in each tenant."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from benegraph.db.models import Enrollment
from benegraph.db.session import Database
from benegraph.db.store.row_writes import update_rows
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

#: Stands for no employer: a viewer limited to one employer may not see the row.
NO_EMPLOYER = ""
#: IDs of rows, each with the fields of its VisibilityRow.
RowFacts = list[tuple[str, dict[str, Any]]]


async def make_carrier_rows(
    database: Database, clock: Clock, tenant: str, employees: Mapping[str, tuple[str, str]]
) -> RowFacts:
    """Insert a contract for each employer and one without, and subscribers, coverage and premiums under each.

    `employees` maps an employee's ID to the employer and an enrollment.
    """
    facts: RowFacts = []
    employers = list(dict.fromkeys(employer for employer, _ in employees.values()))
    groups = {employer: f"G{number}" for number, employer in enumerate([NO_EMPLOYER, *employers])}
    for employer, group in groups.items():
        contract = await make_contract_row(
            database, clock, tenant=tenant, employer=employer or None, group_id=group, coverage_start=date(2020, 1, 1)
        )
        facts.append((contract, {"employer": employer, "premium": True}))
        facts += await _insert_premiums(database, clock, tenant, employer, group)
        other_subscriber = f"X-{group}"
        id = await make_subscriber_row(database, clock, other_subscriber, tenant=tenant)
        facts.append((id, {"employer": employer, "premium": True}))
        row = coverage_row(clock, other_subscriber, employer_id=employer or None, group_id=group)
        facts += [
            (id, {"employer": employer, "premium": True}) for id in await _insert_coverage(database, clock, tenant, row)
        ]
    id = await make_subscriber_row(database, clock, "NOBODY", tenant=tenant)
    facts.append((id, {"employer": NO_EMPLOYER}))
    for number, (employee_id, (employer, election)) in enumerate(employees.items()):
        other_employer = next(id for id in employers if id != employer)
        facts += await _insert_subscriber(
            database, clock, tenant, f"S{number}", employee_id, election, groups, employer, other_employer
        )
    return facts


async def _insert_subscriber(
    database: Database,
    clock: Clock,
    tenant: str,
    number: str,
    employee_id: str,
    election: str,
    groups: Mapping[str, str],
    employer: str,
    other_employer: str,
) -> RowFacts:
    """Insert the subscriber of an employee, covered by their own election and under another employer's contract."""
    subscriber = await make_subscriber_row(database, clock, number, tenant=tenant, employee=employee_id)
    rows = [
        coverage_row(clock, number, employer_id=owner, employee_id=employee_id, group_id=groups[owner])
        for owner in (employer, other_employer)
    ]
    own, elsewhere = await _insert_coverage(database, clock, tenant, *rows)
    link = {"id": election, "subscriber_enrollment_id": own}
    await database.transact(administrator(tenant), clock, lambda tx: update_rows(tx, Enrollment, [link]))
    return [
        (subscriber, {"employer": employer, "employee": employee_id, "covering": other_employer}),
        (own, {"employer": employer, "employee": employee_id}),
        (elsewhere, {"employer": other_employer, "premium": True}),
    ]


async def _insert_premiums(database: Database, clock: Clock, tenant: str, employer: str, group: str) -> RowFacts:
    owner = employer or None
    invoice = await make_invoice_row(database, clock, tenant=tenant, employer=owner, group_id=group)
    payment = await make_payment_row(database, clock, invoice, tenant=tenant, employer=owner)
    return [(id, {"employer": employer, "premium": True}) for id in (invoice, payment)]


async def _insert_coverage(database: Database, clock: Clock, tenant: str, *rows: dict[str, Any]) -> list[str]:
    return await make_coverage_rows(database, clock, *rows, tenant=tenant)
