"""A world with rows of every type and kind: the demo's three tenants, and what none of its stories leads to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, get_named_type, is_input_object_type
from graphql_requests import SCHEMA, fetch_data
from sqlalchemy import select

from benegraph.db import models
from benegraph.db.session import Database
from benegraph.demo import TENANTS, DemoHandles, fill
from benegraph.domain.access import Role, Viewer
from benegraph.domain.catalog import CoverageTier, ProductCategory
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.enrollments.status import CloseReason, ElectionDecision, WindowReason
from benegraph.domain.people import EmploymentClass, Relationship
from benegraph.domain.values import Clock
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
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
from factories.enrollments import make_enrollment, make_event, make_life_event
from factories.people import make_dependent, make_employee
from factories.plan_years import make_class, make_plan, make_plan_year

TODAY = date(2026, 11, 20)
#: Noon in London: it is the 20th there and in New York, and the 21st where the day begins.
NOW = Clock(datetime(2026, 11, 20, 12, tzinfo=UTC))
FAR_EAST = "Pacific/Kiritimati"

GRAPHQL_SCHEMA = SCHEMA._schema
NODE = GRAPHQL_SCHEMA.type_map["Node"]
assert isinstance(NODE, GraphQLInterfaceType)
#: For each type that is a node, the table where its ids stand.
TABLES: Mapping[str, Any] = {
    "Employer": models.Employer,
    "Employee": models.Employee,
    "Dependent": models.Dependent,
    "BenefitProduct": models.BenefitProduct,
    "CarrierPlan": models.CarrierPlan,
    "PlanYear": models.PlanYear,
    "ContributionClass": models.ContributionClass,
    "Plan": models.Plan,
    "Enrollment": models.Enrollment,
    "QualifyingLifeEvent": models.LifeEvent,
    "EnrollmentEvent": models.Event,
    "Subscriber": models.Subscriber,
    "SubscriberEnrollment": models.SubscriberEnrollment,
    "GroupContract": models.GroupContract,
    "PremiumInvoice": models.PremiumInvoice,
    "PremiumPayment": models.PremiumPayment,
}
assert set(TABLES) == {kind.name for kind in GRAPHQL_SCHEMA.get_possible_types(NODE)}

#: How many ids of a type are named, of the oldest rows, and of the latest, which are those the demo has not.
SOME = 30

#: A list, by its type and field, in an order as a query writes it; the list's own is "".
ListOrder = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class VisibleKeys:
    """What row-level security lets a viewer see, by all the names it goes by."""

    ids: Mapping[str, Sequence[str]]
    #: Subscribers' numbers; what names contracts, and coverage of record.
    subscriber_ids: Sequence[str]
    contract_keys: Sequence[Mapping[str, Any]]
    coverage_keys: Sequence[Mapping[str, Any]]
    external_ids: Sequence[str]
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class AllTypesDataset:
    """Who asks, when, and what each of them may name; `beyond` is another tenant."""

    handles: DemoHandles
    viewers: Mapping[Role, Viewer]
    visible_keys: Mapping[Role, VisibleKeys]
    other_tenant: VisibleKeys
    #: Cursors out of real answers.
    cursors: Mapping[ListOrder, Sequence[str]]
    clock: Clock = field(default=NOW)


async def make_all_types_dataset(database: Database) -> AllTypesDataset:
    """Fill a fresh database; the same rows in every run, but for the ids of what the demo has not."""
    handles = await fill(database, Clock.at_noon(TODAY), 1)
    tenant = handles.tenant_id
    await _make_the_rest(database, tenant)
    viewers = {
        Role.ADMINISTRATOR: administrator(tenant),
        Role.EMPLOYER: employer_viewer(handles.employer_id, tenant),
        Role.EMPLOYEE: employee_viewer(handles.employer_id, handles.employee_id, tenant),
        Role.SERVICE: service_viewer(tenant, await _another_employer(database, handles)),
    }
    neighbour = administrator(list(TENANTS)[1])
    visible_keys = {role: await _read_reach(database, viewer) for role, viewer in viewers.items()}
    cursors: dict[ListOrder, list[str]] = {}
    for parent, name, declared in _paged():
        cursors |= await _read_cursors(database, parent, name, declared, viewers[Role.ADMINISTRATOR], visible_keys)
    return AllTypesDataset(handles, viewers, visible_keys, await _read_reach(database, neighbour), cursors)


# -------------------------------------------------------------------------------------------- what the demo has not


async def _make_the_rest(database: Database, tenant: str) -> None:
    """Make rows of which little is known, in an employer where it is tomorrow already, and one that has nothing."""
    await make_employer(database, NOW, tenant=tenant, name="Empty", time_zone="Asia/Kolkata")
    employer = await make_employer(database, NOW, tenant=tenant, name="Bare", time_zone=FAR_EAST, active=False)
    product = await make_product(
        database,
        NOW,
        tenant=tenant,
        name="Bare",
        category=ProductCategory.HOSPITAL,
        carrier_name=None,
        active=False,
    )
    await make_product(database, NOW, tenant=tenant, name="No plans")
    await make_carrier_plan(
        database,
        NOW,
        tenant=tenant,
        product=product,
        tier=None,
        deductible_cents=None,
        out_of_pocket_max_cents=None,
        rates={},
    )
    await make_plan_year(
        database,
        NOW,
        tenant=tenant,
        employer=employer,
        product=product,
        coverage_starts_on=date(2028, 1, 1),
        coverage_ends_on=date(2028, 12, 31),
        open_enrollment_starts_on=date(2027, 11, 1),
        open_enrollment_ends_on=date(2027, 11, 30),
        opened_on=None,
    )
    # Its last day is over there alone.
    plan_year = await make_plan_year(
        database, NOW, tenant=tenant, employer=employer, product=product, open_enrollment_ends_on=TODAY
    )
    plan = await make_plan(database, NOW, tenant=tenant, plan_year=plan_year, tier=None, rates={})
    await make_class(database, NOW, tenant=tenant, plan_year=plan_year)
    await make_class(database, NOW, tenant=tenant, plan_year=plan_year, position=1, employment=EmploymentClass.INTERN)
    person = await make_employee(
        database,
        NOW,
        tenant=tenant,
        employer=employer,
        last_name="O'Brien-Łukasz",
        date_of_birth=None,
        terminated_on=date(2026, 12, 1),
    )
    await make_employee(
        database, NOW, tenant=tenant, employer=employer, employment_class=EmploymentClass.INTERN, email="b@x.example"
    )
    await _make_belongings(database, tenant, person, plan_year, plan)
    await _make_carrier(database, tenant, employer, person)


async def _make_belongings(database: Database, tenant: str, person: str, plan_year: str, plan: str) -> None:
    """Make a family, life events of all kinds and states, and enrollments that ended in each way."""
    child = await make_dependent(database, NOW, tenant=tenant, employee=person, active=False)
    ward = await make_dependent(
        database, NOW, tenant=tenant, employee=person, date_of_birth=date(1998, 2, 28), disabled=True
    )
    await make_dependent(database, NOW, tenant=tenant, employee=person, relationship=Relationship.SPOUSE)
    happened = [
        await make_life_event(
            database,
            NOW,
            tenant=tenant,
            employee=person,
            event_type=kind,
            status=status,
            dependent=child if status is LifeEventStatus.DENIED else None,
            notes="“Ünïcödé”\n" if status is LifeEventStatus.PENDING else None,
        )
        for kind in LifeEventType
        for status in LifeEventStatus
    ]
    its: dict[str, Any] = {"tenant": tenant, "employee": person, "plan_year": plan_year}
    cancelled = await make_enrollment(
        database,
        NOW,
        plan=plan,
        coverage_tier=CoverageTier.EC,
        coverage=(date(2027, 1, 1), None),
        closed_on=TODAY,
        close_reason=CloseReason.REISSUED,
        covers={child: date(2027, 8, 31), ward: None},
        **its,
    )
    reissued = await make_enrollment(
        database,
        NOW,
        reason=WindowReason.LIFE_EVENT,
        window=(date(2026, 11, 10), TODAY),
        replaces=cancelled,
        life_event=happened[0],
        decision=ElectionDecision.WAIVED,
        **its,
    )
    its |= {"reason": WindowReason.LIFE_EVENT, "window": (TODAY, TODAY), "replaces": reissued}
    for why, event in zip(CloseReason, happened, strict=False):
        await make_enrollment(database, NOW, closed_on=date(2026, 11, 21), close_reason=why, life_event=event, **its)
    for subject in (cancelled, cancelled, reissued):
        said: dict[str, Any] = {"request_id": "request-7", "reason": "Why not?", "action": "REISSUED"}
        await make_event(database, NOW, tenant=tenant, employee=person, subject=subject, **said)


async def _make_carrier(database: Database, tenant: str, employer: str, person: str) -> None:
    """Make contracts of somebody and of nobody, who is covered under them, and bills that are paid, void or neither."""
    await make_contract_row(database, NOW, tenant=tenant, group_id="NOBODYS", coverage_end=TODAY)
    await make_contract_row(database, NOW, tenant=tenant, employer=employer, group_id="BARE", policy_number="P-1")
    await make_subscriber_row(database, NOW, "NOBODY", tenant=tenant)
    await make_subscriber_row(database, NOW, "STRANGER", tenant=tenant, first_name="Sam")
    await make_subscriber_row(database, NOW, "BARE", tenant=tenant, employee=person)
    days = ["end_date", "date_employed", "eligibility_date", "original_enrollment_date", "paid_through", "term_date"]
    told = dict.fromkeys(days, TODAY) | {"annual_max_cents": 0, "lifetime_max_cents": 2**53 - 1, "policy_number": "P"}
    theirs = {"group_id": "BARE", "employer_id": employer, "start_date": date(2025, 1, 1)}
    rows = [
        coverage_row(NOW, "STRANGER", group_id="NOBODYS"),
        coverage_row(NOW, "STRANGER", **theirs, **told),
        coverage_row(NOW, "BARE", employee_id=person, **theirs, **told),
        coverage_row(NOW, "BARE", employee_id=person, **theirs | {"start_date": date(2026, 12, 1)}),
    ]
    await make_coverage_rows(database, NOW, *rows, tenant=tenant)
    for number in (None, "BARE", "STRANGER"):
        for paid, voided in ((0, False), (0, True), (2_500, False), (10_000, False)):
            its: dict[str, Any] = {"tenant": tenant, "employer": employer}
            invoice = await make_invoice_row(
                database, NOW, number=number, group_id="BARE", voided_at=NOW.now if voided else None, **its
            )
            if paid:
                await make_payment_row(database, NOW, invoice, amount_cents=paid, **its)
                await make_payment_row(database, NOW, invoice, amount_cents=paid, reversed_at=NOW.now, **its)


# ------------------------------------------------------------------------------------------- what there is to name


async def _another_employer(database: Database, handles: DemoHandles) -> str:
    async with database.read(administrator(handles.tenant_id), NOW) as read_session:
        found = await read_session.session.scalars(select(models.Employer.id).order_by(models.Employer.id))
        return next(id for id in found if id != handles.employer_id)


async def _read_reach(database: Database, viewer: Viewer) -> VisibleKeys:
    async with database.read(viewer, NOW) as read_session:

        async def rows(table: Any, *names: str) -> list[dict[str, Any]]:
            columns = [getattr(table, name) for name in names]
            found = await read_session.session.execute(select(*columns).order_by(table.id))
            return [dict(row._mapping) for row in found]

        contract = ("group_id", "division_id", "coverage_start")
        coverage = ("subscriber_id", "group_id", "division_id", "group_coverage_start", "start_date")
        people = await rows(models.Employee, "first_name", "last_name", "external_id")
        ids = {name: [row["id"] for row in await rows(table, "id")] for name, table in TABLES.items()}
        return VisibleKeys(
            {name: [*its[:SOME], *its[SOME:][-SOME:]] for name, its in ids.items()},
            [row["subscriber_id"] for row in await rows(models.Subscriber, "subscriber_id")],
            [_as_asked(row) for row in await rows(models.GroupContract, *contract)],
            [_as_asked(row) for row in await rows(models.SubscriberEnrollment, *coverage)],
            [row["external_id"] for row in people if row["external_id"]],
            sorted({row[name] for row in people for name in ("first_name", "last_name")}),
        )


def _as_asked(row: Mapping[str, Any]) -> dict[str, str]:
    """Name a row's columns as arguments are, and write its days as JSON does."""
    return {
        "".join([head, *(word.capitalize() for word in tail)]): str(value)
        for name, value in row.items()
        for head, *tail in [name.split("_")]
    }


def _paged() -> Iterator[tuple[str, str, GraphQLField]]:
    """Give each list of the graph that comes in pages: its type, name and declaration."""
    for kind in GRAPHQL_SCHEMA.type_map.values():
        if isinstance(kind, GraphQLObjectType) and (kind is GRAPHQL_SCHEMA.query_type or kind.name in TABLES):
            yield from ((kind.name, name, each) for name, each in kind.fields.items() if "after" in each.args)


def orders_of(declared: GraphQLField) -> list[str]:
    """Write the orders of a list: each field from both ends, and some of two, where it takes several."""
    if "orderBy" not in declared.args:
        return []
    kind = get_named_type(declared.args["orderBy"].type)
    assert is_input_object_type(kind)
    fields: Any = get_named_type(kind.fields["field"].type)
    names = list(fields.values)
    single = [f"{{field: {name}, direction: {end}}}" for name in names for end in ("ASC", "DESC")]
    if kind is declared.args["orderBy"].type:
        return single
    several = [f"[{{field: {one}}}, {{field: {other}, direction: DESC}}]" for one, other in permutations(names[:4], 2)]
    return [*(f"[{order}]" for order in single), *several]


async def _read_cursors(
    database: Database,
    parent: str,
    name: str,
    declared: GraphQLField,
    viewer: Viewer,
    visible_keys: Mapping[Role, VisibleKeys],
) -> dict[ListOrder, list[str]]:
    """Read cursors of a list in each of its orders, under some of its parents."""
    orders = ["", *orders_of(declared)]
    asked = "\n".join(
        f"page{number}: {name}(first: 3{f', orderBy: {order}' if order else ''}) {{ edges {{ cursor }} }}"
        for number, order in enumerate(orders)
    )
    if parent == "Query":
        found: list[Any] = [await fetch_data(database, NOW, viewer, f"{{ {asked} }}")]
    else:
        ids = visible_keys[viewer.role].ids[parent]
        query = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {parent} {{ {asked} }} }} }}"
        found = (await fetch_data(database, NOW, viewer, query, ids=[*ids[:10], *ids[10:][-10:]]))["nodes"]
    cursors = {
        (parent, name, order): list(
            dict.fromkeys(edge["cursor"] for each in found if each for edge in each[f"page{number}"]["edges"])
        )[:6]
        for number, order in enumerate(orders)
    }
    assert all(cursors.values()), (parent, name)
    return cursors
