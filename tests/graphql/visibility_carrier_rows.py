"""The carrier's side of a world: in each tenant the same numbers and groups, seen by whom the design says."""

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

#: Of no employer: whoever is limited to one does not see it.
NOBODYS = ""
Seen = list[tuple[str, dict[str, Any]]]


async def make_carrier_rows(
    database: Database, clock: Clock, tenant: str, staff: Mapping[str, tuple[str, str]]
) -> Seen:
    """Make a contract of each employer and one of nobody's, subscribers of every kind, coverage, and premiums.

    `staff` tells of each employee the employer and an election. Gives each id with who may see it, as a Thing has it.
    """
    seen: Seen = []
    employers = list(dict.fromkeys(employer for employer, _ in staff.values()))
    groups = {employer: f"G{place}" for place, employer in enumerate([NOBODYS, *employers])}
    for employer, group in groups.items():
        contract = await make_contract_row(
            database, clock, tenant=tenant, employer=employer or None, group_id=group, coverage_start=date(2020, 1, 1)
        )
        seen.append((contract, {"employer": employer}))
        seen += await _make_premiums(database, clock, tenant, employer, group)
        stranger = f"X-{group}"
        id = await make_subscriber_row(database, clock, stranger, tenant=tenant)
        seen.append((id, {"employer": employer, "premium": True}))
        row = coverage_row(clock, stranger, employer_id=employer or None, group_id=group)
        seen += [(id, {"employer": employer, "premium": True}) for id in await _cover(database, clock, tenant, row)]
    id = await make_subscriber_row(database, clock, "NOBODY", tenant=tenant)
    seen.append((id, {"employer": NOBODYS}))
    for place, (person, (employer, election)) in enumerate(staff.items()):
        other = next(each for each in employers if each != employer)
        seen += await _enroll(database, clock, tenant, f"S{place}", person, election, groups, employer, other)
    return seen


async def _enroll(
    database: Database,
    clock: Clock,
    tenant: str,
    number: str,
    person: str,
    election: str,
    groups: Mapping[str, str],
    employer: str,
    other: str,
) -> Seen:
    """Make an employee a subscriber, covered by their own election, and by another employer's contract."""
    subscriber = await make_subscriber_row(database, clock, number, tenant=tenant, employee=person)
    rows = [
        coverage_row(clock, number, employer_id=whose, employee_id=person, group_id=groups[whose])
        for whose in (employer, other)
    ]
    own, elsewhere = await _cover(database, clock, tenant, *rows)
    link = {"id": election, "subscriber_enrollment_id": own}
    await database.transact(administrator(tenant), clock, lambda tx: update_rows(tx, Enrollment, [link]))
    return [
        (subscriber, {"employer": employer, "employee": person, "covering": other}),
        (own, {"employer": employer, "employee": person}),
        (elsewhere, {"employer": other, "premium": True}),
    ]


async def _make_premiums(database: Database, clock: Clock, tenant: str, employer: str, group: str) -> Seen:
    whose = employer or None
    invoice = await make_invoice_row(database, clock, tenant=tenant, employer=whose, group_id=group)
    payment = await make_payment_row(database, clock, invoice, tenant=tenant, employer=whose)
    return [(id, {"employer": employer, "premium": True}) for id in (invoice, payment)]


async def _cover(database: Database, clock: Clock, tenant: str, *rows: dict[str, Any]) -> list[str]:
    return await make_coverage_rows(database, clock, *rows, tenant=tenant)
