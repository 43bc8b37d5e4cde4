"""What a file of coverage refers to: a tenant's subscribers and its contracts with groups, many at once."""

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
    """Make a tenant whose subscribers may be covered under contracts of these groups, each with one division."""
    await make_tenant(database, clock, tenant=tenant)
    nobodys = {"employer_id": None, "employee_id": None, "first_name": None, "last_name": None}
    people = [{"subscriber_id": number, **nobodys} for number in subscribers]
    await insert(database, clock, tenant, Subscriber, *people, kind=IdPrefix.SUBSCRIBER)
    terms = {"division_id": DIVISION, "coverage_start": CONTRACT_START, "coverage_end": through}
    contracts = [{"employer_id": None, "group_id": group, "policy_number": None, **terms} for group in groups]
    await insert(database, clock, tenant, GroupContract, *contracts, kind=IdPrefix.GROUP_CONTRACT)
