"""A dataset with rows of every type: the demo's three tenants, and rare cases that the demo doesn't contain."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, get_named_type, is_input_object_type
from graphql_requests import SCHEMA, fetch_data
from sqlalchemy import select, update

from benegraph.db import models
from benegraph.db.models.addresses import address_values
from benegraph.db.session import Database, Transaction
from benegraph.demo import TENANTS, DemoIds, fill_demo_tenants
from benegraph.domain.access import Role, Viewer
from benegraph.domain.addresses import PostalAddress
from benegraph.domain.catalog import CoverageTier, ProductCategory
from benegraph.domain.enrollments.coverage_ends import CoverageEndReason
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.enrollments.status import AnswerSource, CloseReason, ElectionDecision, WaiverReason, WindowReason
from benegraph.domain.people import EmploymentClass, MaritalStatus, Relationship
from benegraph.domain.values import ONE_DAY, Clock
from factories.access import administrator, employee_viewer, employer_viewer, make_key, service_viewer
from factories.carrier_rows import (
    coverage_row,
    make_contract_row,
    make_coverage_rows,
    make_invoice_row,
    make_payment_row,
    make_subscriber_row,
)
from factories.catalog import make_carrier_plan, make_product
from factories.employers import make_division, make_employer
from factories.enrollments import (
    feed_id_of,
    make_confirmation,
    make_enrollment,
    make_event,
    make_life_event,
    make_override,
)
from factories.people import FULL_DEMOGRAPHICS, make_access_record, make_dependent, make_employee
from factories.plan_years import make_class, make_plan, make_plan_year

TODAY = date(2026, 11, 20)
#: Noon in London: it is the 20th there and in New York, and already the 21st in Kiritimati.
NOW = Clock(datetime(2026, 11, 20, 12, tzinfo=UTC))
KIRITIMATI = "Pacific/Kiritimati"

GRAPHQL_SCHEMA = SCHEMA._schema
NODE = GRAPHQL_SCHEMA.type_map["Node"]
assert isinstance(NODE, GraphQLInterfaceType)
#: For each type that implements Node, the table that holds its IDs.
TABLES: Mapping[str, Any] = {
    "Employer": models.Employer,
    "Division": models.Division,
    "Employee": models.Employee,
    "Dependent": models.Dependent,
    "BenefitProduct": models.BenefitProduct,
    "CarrierPlan": models.CarrierPlan,
    "PlanYear": models.PlanYear,
    "ContributionClass": models.ContributionClass,
    "Plan": models.Plan,
    "Enrollment": models.Enrollment,
    "QualifyingLifeEvent": models.LifeEvent,
    "ElectionConfirmation": models.ElectionConfirmation,
    "ElectionOverride": models.ElectionOverride,
    "EnrollmentEvent": models.Event,
    "Event": models.Event,
    "Subscriber": models.Subscriber,
    "SubscriberEnrollment": models.SubscriberEnrollment,
    "GroupContract": models.GroupContract,
    "PremiumInvoice": models.PremiumInvoice,
    "PremiumPayment": models.PremiumPayment,
    "AccessRecord": models.AccessRecord,
}
assert set(TABLES) == {type_.name for type_ in GRAPHQL_SCHEMA.get_possible_types(NODE)}

#: How many IDs of each type are kept of the oldest rows, and as many of the newest, which the demo doesn't contain.
IDS_PER_END = 30

#: A list in one order: the parent type, the field, and the order in GraphQL syntax, or "" for the default order.
ListOrder = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class VisibleKeys:
    """The IDs and natural keys of the rows that row-level security lets a viewer see."""

    #: IDs by the name of their type.
    ids: Mapping[str, Sequence[str]]
    subscriber_ids: Sequence[str]
    #: Arguments of `groupContract`.
    contract_keys: Sequence[Mapping[str, Any]]
    #: Keys for `subscriberEnrollment`.
    coverage_keys: Sequence[Mapping[str, Any]]
    #: External keys of employees.
    external_keys: Sequence[Mapping[str, Any]]
    #: First and last names of employees.
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class AllTypesDataset:
    """Viewers of each role, and the keys that each may see; `other_tenant` holds the keys of another tenant."""

    handles: DemoIds
    viewers: Mapping[Role, Viewer]
    visible_keys: Mapping[Role, VisibleKeys]
    other_tenant: VisibleKeys
    #: Cursors from real responses.
    cursors: Mapping[ListOrder, Sequence[str]]
    clock: Clock = field(default=NOW)


async def make_all_types_dataset(database: Database) -> AllTypesDataset:
    """Fill an empty database. The rows are the same in every run, except for the IDs that the demo doesn't assign."""
    handles = await fill_demo_tenants(database, Clock.at_noon(TODAY), 1)
    tenant = handles.tenant_id
    await _add_personal_data(database, tenant)
    await _insert_rare_rows(database, tenant)
    viewers = {
        Role.ADMINISTRATOR: administrator(tenant),
        Role.EMPLOYER: employer_viewer(handles.employer_id, tenant),
        Role.EMPLOYEE: employee_viewer(handles.employer_id, handles.employee_id, tenant),
        Role.SERVICE: service_viewer(tenant, await _read_other_employer(database, handles)),
    }
    other_administrator = administrator(list(TENANTS)[1])
    visible_keys = {role: await _read_visible_keys(database, viewer) for role, viewer in viewers.items()}
    cursors: dict[ListOrder, list[str]] = {}
    for parent, name, declared in _connection_fields():
        cursors |= await _read_cursors(database, parent, name, declared, viewers[Role.ADMINISTRATOR], visible_keys)
    return AllTypesDataset(
        handles, viewers, visible_keys, await _read_visible_keys(database, other_administrator), cursors
    )


# ------------------------------------------------------------------------------ rows that the demo doesn't contain


async def _add_personal_data(database: Database, tenant: str) -> None:
    """Give the demo's rows the personal and legal data that the demo leaves out; the rows inserted later lack them."""
    ssn = {"ssn": b"encrypted", "ssn_index": b"index", "ssn_last_four": "6789"}
    address = address_values(PostalAddress("2 Main Street", None, "Springfield", "IL", "62701"))
    values: dict[type[Any], dict[str, Any]] = {
        models.Employee: FULL_DEMOGRAPHICS | {"marital_status": MaritalStatus.MARRIED} | ssn,
        models.Dependent: FULL_DEMOGRAPHICS | ssn,
        models.Employer: {"legal_name": "Acme Holdings, Inc.", "ein": "123456789", **address},
        models.BenefitProduct: {"payer_id": "60054"},
    }

    async def transaction(tx: Transaction) -> None:
        for model, columns in values.items():
            await tx.session.execute(update(model).where(model.tenant_id == tenant).values(columns))

    await database.transact(administrator(tenant), NOW, transaction)


async def _insert_rare_rows(database: Database, tenant: str) -> None:
    """Insert an employer without rows, and one with many nulls, in a time zone where it is already tomorrow."""
    await make_employer(database, NOW, tenant=tenant, name="Empty", time_zone="Asia/Kolkata")
    employer = await make_employer(database, NOW, tenant=tenant, name="Bare", time_zone=KIRITIMATI, active=False)
    await make_division(database, NOW, tenant=tenant, employer=employer, name="Łódź")
    await make_division(database, NOW, tenant=tenant, employer=employer, code="OLD", active=False)
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
    await make_carrier_plan(
        database, NOW, tenant=tenant, product=product, position=1, carrier_plan_id="OLD", active=False
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
    # The last day of its open enrollment has passed in Kiritimati only.
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
        demographics=FULL_DEMOGRAPHICS | {"marital_status": MaritalStatus.WIDOWED},
    )
    await make_employee(
        database,
        NOW,
        tenant=tenant,
        employer=employer,
        employment_class=EmploymentClass.INTERN,
        email="b@x.example",
        previous_employment=person,
    )
    await make_employee(database, NOW, tenant=tenant, employer=employer, last_name="Doublé", merged_into=person)
    await make_access_record(database, NOW, tenant=tenant, employee=person)
    unnamed: dict[str, Any] = {"operation": None, "document": None, "request_id": None, "columns": []}
    await make_access_record(database, NOW, tenant=tenant, employee=person, **unnamed)
    await make_key(database, NOW, tenant=tenant)
    used: dict[str, Any] = {"last_used_at": NOW.now, "expires_at": NOW.now, "revoked_at": NOW.now}
    await make_key(database, NOW, tenant=tenant, employer=employer, employee=person, actions=["elect"], **used)
    await _insert_employee_rows(database, tenant, person, plan_year, plan)
    await _insert_carrier_rows(database, tenant, employer, person)


async def _insert_employee_rows(database: Database, tenant: str, person: str, plan_year: str, plan: str) -> None:
    """Insert dependents, life events of every type and status, and enrollments closed for every reason."""
    child = await make_dependent(database, NOW, tenant=tenant, employee=person, active=False)
    ward = await make_dependent(
        database, NOW, tenant=tenant, employee=person, date_of_birth=date(1998, 2, 28), disabled=True
    )
    await make_dependent(
        database, NOW, tenant=tenant, employee=person, relationship=Relationship.SPOUSE, demographics=FULL_DEMOGRAPHICS
    )
    life_events = [
        await make_life_event(
            database,
            NOW,
            tenant=tenant,
            employee=person,
            event_type=event_type,
            status=status,
            dependent=child if status is LifeEventStatus.DENIED else None,
            notes="“Ünïcödé”\n" if status is LifeEventStatus.PENDING else None,
        )
        for event_type in LifeEventType
        for status in LifeEventStatus
    ]
    common: dict[str, Any] = {"tenant": tenant, "employee": person, "plan_year": plan_year}
    cancelled = await make_enrollment(
        database,
        NOW,
        plan=plan,
        coverage_tier=CoverageTier.EC,
        coverage=(date(2027, 1, 1), None),
        closed_on=TODAY,
        close_reason=CloseReason.REISSUED,
        covers={child: date(2027, 8, 31), ward: None},
        extended_through=date(2026, 12, 24),
        ended=(date(2026, 12, 31), CoverageEndReason.NONPAYMENT),
        **common,
    )
    reissued = await make_enrollment(
        database,
        NOW,
        reason=WindowReason.LIFE_EVENT,
        window=(date(2026, 11, 10), TODAY),
        replaces=cancelled,
        life_event=life_events[0],
        decision=ElectionDecision.WAIVED,
        waiver_reason=WaiverReason.MEDICAID,
        **common,
    )
    common |= {"reason": WindowReason.LIFE_EVENT, "window": (TODAY, TODAY), "replaces": reissued}
    for close_reason, life_event in zip(CloseReason, life_events, strict=False):
        await make_enrollment(
            database, NOW, closed_on=date(2026, 11, 21), close_reason=close_reason, life_event=life_event, **common
        )
    confirmation: dict[str, Any] = {"tenant": tenant, "employee": person, "enrollment": cancelled}
    confirmation["covers"] = {child: date(2027, 8, 31), ward: None}
    for version, last_day in ((2, date(2027, 12, 31)), (4, None)):
        confirmation |= {"version": version, "coverage": (date(2027, 1, 1), last_day)}
        await make_confirmation(database, NOW, plan=plan, changeable_through=TODAY, **confirmation)
    await make_confirmation(
        database,
        NOW,
        tenant=tenant,
        employee=person,
        enrollment=reissued,
        source=AnswerSource.OVERRIDE,
        decision=ElectionDecision.WAIVED,
        waiver_reason=WaiverReason.MEDICAID,
        product_name="“Ünïcödé”\n",
    )
    override: dict[str, Any] = {"tenant": tenant, "employee": person, "enrollment": reissued}
    await make_override(database, NOW, reason="“Ünïcödé”\n", **override)
    await make_override(database, NOW, replaces=cancelled, reviewed=True, review_notes="Seen.", **override)
    for subject in (cancelled, cancelled, reissued):
        columns: dict[str, Any] = {"request_id": "request-7", "reason": "Why not?", "action": "REISSUED"}
        await make_event(database, NOW, tenant=tenant, employee=person, subject=subject, **columns)


async def _insert_carrier_rows(database: Database, tenant: str, employer: str, person: str) -> None:
    """Insert contracts with and without an employer, subscribers covered under them, and invoices of every status."""
    await make_contract_row(database, NOW, tenant=tenant, group_id="NOBODYS", coverage_end=TODAY)
    await make_contract_row(database, NOW, tenant=tenant, employer=employer, group_id="BARE", policy_number="P-1")
    await make_contract_row(database, NOW, tenant=tenant, employer=employer, group_id="BARE", division_id="D2")
    await make_subscriber_row(database, NOW, "NOBODY", tenant=tenant)
    await make_subscriber_row(database, NOW, "STRANGER", tenant=tenant, first_name="Sam")
    await make_subscriber_row(database, NOW, "BARE", tenant=tenant, employee=person)
    days = ["end_date", "date_employed", "eligibility_date", "original_enrollment_date", "paid_through", "term_date"]
    all_columns = dict.fromkeys(days, TODAY) | {
        "annual_max_cents": 0,
        "lifetime_max_cents": 2**53 - 1,
        "policy_number": "P",
    }
    contract = {"group_id": "BARE", "employer_id": employer, "start_date": date(2025, 1, 1)}
    rows = [
        coverage_row(NOW, "STRANGER", group_id="NOBODYS"),
        coverage_row(NOW, "STRANGER", **contract, **all_columns),
        coverage_row(NOW, "BARE", employee_id=person, **contract, **all_columns),
        coverage_row(NOW, "BARE", employee_id=person, **contract | {"start_date": date(2026, 12, 1)}),
    ]
    ids = await make_coverage_rows(database, NOW, *rows, tenant=tenant)
    moved = contract | {"division_id": "D2", "start_date": TODAY + ONE_DAY, "continues_id": ids[2]}
    await make_coverage_rows(database, NOW, coverage_row(NOW, "BARE", employee_id=person, **moved), tenant=tenant)
    for number in (None, "BARE", "STRANGER"):
        for paid, voided in ((0, False), (0, True), (2_500, False), (10_000, False)):
            owner: dict[str, Any] = {"tenant": tenant, "employer": employer}
            invoice = await make_invoice_row(
                database, NOW, number=number, group_id="BARE", voided_at=NOW.now if voided else None, **owner
            )
            if paid:
                await make_payment_row(database, NOW, invoice, amount_cents=paid, **owner)
                await make_payment_row(database, NOW, invoice, amount_cents=paid, reversed_at=NOW.now, **owner)


# ----------------------------------------------------------------------------------------------- keys and cursors


async def _read_other_employer(database: Database, handles: DemoIds) -> str:
    async with database.read(administrator(handles.tenant_id), NOW) as read_session:
        ids = await read_session.session.scalars(select(models.Employer.id).order_by(models.Employer.id))
        return next(id for id in ids if id != handles.employer_id)


async def _read_visible_keys(database: Database, viewer: Viewer) -> VisibleKeys:
    async with database.read(viewer, NOW) as read_session:

        async def rows(table: Any, *names: str) -> list[dict[str, Any]]:
            columns = [getattr(table, name) for name in names]
            result = await read_session.session.execute(select(*columns).order_by(table.id))
            return [dict(row._mapping) for row in result]

        contract = ("group_id", "division_id", "coverage_start")
        coverage = ("subscriber_id", "group_id", "division_id", "group_coverage_start", "start_date")
        people = await rows(models.Employee, "first_name", "last_name", "employer_id", "external_id")
        ids = {name: [row["id"] for row in await rows(table, "id")] for name, table in TABLES.items()}
        ids["Event"] = [feed_id_of(id) for id in ids["Event"]]
        return VisibleKeys(
            {name: [*of_type[:IDS_PER_END], *of_type[IDS_PER_END:][-IDS_PER_END:]] for name, of_type in ids.items()},
            [row["subscriber_id"] for row in await rows(models.Subscriber, "subscriber_id")],
            [_as_arguments(row) for row in await rows(models.GroupContract, *contract)],
            [_as_arguments(row) for row in await rows(models.SubscriberEnrollment, *coverage)],
            [
                {"employerId": row["employer_id"], "externalId": row["external_id"]}
                for row in people
                if row["external_id"]
            ],
            sorted({row[name] for row in people for name in ("first_name", "last_name")}),
        )


def _as_arguments(row: Mapping[str, Any]) -> dict[str, str]:
    """Return a row's columns in camel case, with dates in JSON form."""
    return {
        "".join([head, *(word.capitalize() for word in tail)]): str(value)
        for name, value in row.items()
        for head, *tail in [name.split("_")]
    }


def _connection_fields() -> Iterator[tuple[str, str, GraphQLField]]:
    """Yield each field that returns a connection: the parent type, the name and the declaration."""
    for type_ in GRAPHQL_SCHEMA.type_map.values():
        if isinstance(type_, GraphQLObjectType) and (type_ is GRAPHQL_SCHEMA.query_type or type_.name in TABLES):
            yield from ((type_.name, name, field) for name, field in type_.fields.items() if "after" in field.args)


def orders_of(declared: GraphQLField) -> list[str]:
    """Return orders of a list in GraphQL syntax: each field in both directions, and pairs if it accepts a list."""
    if "orderBy" not in declared.args:
        return []
    input_type = get_named_type(declared.args["orderBy"].type)
    assert is_input_object_type(input_type)
    fields: Any = get_named_type(input_type.fields["field"].type)
    names = list(fields.values)
    single = [f"{{field: {name}, direction: {direction}}}" for name in names for direction in ("ASC", "DESC")]
    if input_type is declared.args["orderBy"].type:
        return single
    pairs = [
        f"[{{field: {first}}}, {{field: {second}, direction: DESC}}]" for first, second in permutations(names[:4], 2)
    ]
    return [*(f"[{order}]" for order in single), *pairs]


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
    selections = "\n".join(
        f"{argument}{number}: {name}({argument}: 3{f', orderBy: {order}' if order else ''}) {{ edges {{ cursor }} }}"
        for number, order in enumerate(orders)
        for argument in ("first", "last")
    )
    if parent == "Query":
        parents: list[Any] = [await fetch_data(database, NOW, viewer, f"{{ {selections} }}")]
    else:
        ids = visible_keys[viewer.role].ids[parent]
        query = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {parent} {{ {selections} }} }} }}"
        parents = (await fetch_data(database, NOW, viewer, query, ids=[*ids[:10], *ids[10:][-10:]]))["nodes"]
    cursors = {
        (parent, name, order): list(
            dict.fromkeys(
                edge["cursor"]
                for node in parents
                if node
                for argument in ("first", "last")
                for edge in node[f"{argument}{number}"]["edges"]
            )
        )[:12]
        for number, order in enumerate(orders)
    }
    assert all(cursors.values()), (parent, name)
    return cursors
