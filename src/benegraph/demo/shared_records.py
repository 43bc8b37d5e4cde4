"""Records that all employers of a tenant share, generated before the first employer."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from benegraph.demo.carrier_groups import GROUP_NUMBER_COUNT, SUBSCRIBER_NUMBER_COUNT
from benegraph.demo.catalog import CatalogProduct, generate_catalog
from benegraph.demo.random_source import random_source
from benegraph.demo.record_buffer import RecordBuffer
from benegraph.demo.times_of_day import DRAFTING_MINUTE, instant_of
from benegraph.domain.ids import IdPrefix

# Before the earliest plan year is drafted and its employer joins.
_TENANT_AGE = timedelta(days=4 * 365)


@dataclass(frozen=True, slots=True)
class TenantProfile:
    """The values from which all employers of a tenant are generated.

    The employers' names, their groups and their subscribers are numbered, starting with the three `first_…` numbers.
    """

    seed_words: tuple[object, ...]
    actor: str
    today: date
    products: tuple[CatalogProduct, ...]
    first_company_number: int
    first_group_number: int
    first_subscriber_number: int
    #: Whether the tenant's paid-through dates are updated with every change of an invoice.
    auto_paid_through: bool = False


@dataclass(frozen=True, slots=True)
class SharedRecords:
    """A tenant's profile, the rows of its catalog, and when those were created."""

    tenant: TenantProfile
    records: RecordBuffer
    created_at: datetime


def generate_shared_records(
    seed_words: tuple[object, ...], today: date, *, auto_paid_through: bool = False
) -> SharedRecords:
    """Generate the catalog, and the ID of the administrator that all history events name as their actor."""
    created_at = instant_of(today - _TENANT_AGE, DRAFTING_MINUTE)
    records = RecordBuffer("", seed_words)
    actor = f"ADMINISTRATOR {records.new_id(IdPrefix.API_KEY)}"
    products = generate_catalog(random_source(*seed_words, "catalogue"), records, created_at)
    first_company_number = random_source(*seed_words, "companies").randrange(10_000)
    numbers = random_source(*seed_words, "numbers")
    first_group_number = numbers.randrange(GROUP_NUMBER_COUNT)
    first_subscriber_number = numbers.randrange(SUBSCRIBER_NUMBER_COUNT)
    tenant = TenantProfile(
        seed_words,
        actor,
        today,
        products,
        first_company_number,
        first_group_number,
        first_subscriber_number,
        auto_paid_through,
    )
    return SharedRecords(tenant, records, created_at)


def reference_date_of(tenant_created_at: datetime) -> date:
    """Return the date for which a tenant's data was generated, from the time at which the tenant was created."""
    return tenant_created_at.astimezone(UTC).date() + _TENANT_AGE
