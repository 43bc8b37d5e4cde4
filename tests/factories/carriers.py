"""The subscribers and group contracts that a coverage file refers to, many at once."""

from collections.abc import Iterable
from datetime import date

from benegraph.db.models import GroupContract, Subscriber
from benegraph.db.session import Database
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import Clock
from factories.access import TENANT, insert, make_tenant

GROUP, DIVISION = "G1", "D1"
CONTRACT_START = date(2020, 1, 1)


async def make_carrier(
    database: Database,
    clock: Clock,
    subscribers: Iterable[str],
    *,
    tenant: str = TENANT,
    groups: Iterable[str] = (GROUP,),
    through: date | None = None,
) -> None:
    """Insert a tenant with subscribers, and a contract for one division of each group."""
    await make_tenant(database, clock, tenant=tenant)
    no_employee = {"employer_id": None, "employee_id": None, "first_name": None, "last_name": None}
    people = [{"subscriber_id": number, **no_employee} for number in subscribers]
    await insert(database, clock, tenant, Subscriber, *people, prefix=IdPrefix.SUBSCRIBER)
    terms = {"division_id": DIVISION, "coverage_start": CONTRACT_START, "coverage_end": through}
    contracts = [{"employer_id": None, "group_id": group, "policy_number": None, **terms} for group in groups]
    await insert(database, clock, tenant, GroupContract, *contracts, prefix=IdPrefix.GROUP_CONTRACT)
